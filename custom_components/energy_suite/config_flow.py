"""Choose a kind of gateway; reconfigure; options. The steps of each kind are in ``flows``."""

from typing import Any, override

from homeassistant.config_entries import ConfigEntry, ConfigFlowResult, ConfigSubentryFlow
from homeassistant.core import callback

from .const import CONF_GATEWAY, DOMAIN, SUBENTRY_DEVICE
from .flows.devices import DeviceFlow
from .flows.legrand import LEGRAND, LegrandSteps
from .flows.netvision import NETVISION, NetVisionSteps
from .flows.options import EnergySuiteOptionsFlow
from .flows.solarman import SOLARMAN, SolarmanSteps
from .flows.victron import VICTRON_GX, VictronSteps
from .gateways.kinds import KINDS


class EnergySuiteConfigFlow(VictronSteps, NetVisionSteps, SolarmanSteps, LegrandSteps, domain=DOMAIN):
    """Add a gateway."""

    VERSION = 1

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> EnergySuiteOptionsFlow:
        return EnergySuiteOptionsFlow()

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(cls, config_entry: ConfigEntry) -> dict[str, type[ConfigSubentryFlow]]:
        return {SUBENTRY_DEVICE: DeviceFlow} if config_entry.data[CONF_GATEWAY] == LEGRAND else {}

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        return self.async_show_menu(step_id="user", menu_options=list(KINDS))

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask where the gateway is now, and see whether it is still the same."""
        steps = {
            VICTRON_GX: self.async_reconfigure_victron_gx,
            NETVISION: self.async_reconfigure_netvision,
            SOLARMAN: self.async_reconfigure_solarman,
            LEGRAND: self.async_reconfigure_legrand,
        }
        return await steps[self._get_reconfigure_entry().data[CONF_GATEWAY]](user_input)

"""Choose a kind of gateway; reconfigure; options. The steps of each kind are in ``flows``."""

from collections.abc import Mapping
from typing import Any, override

from homeassistant.config_entries import ConfigEntry, ConfigFlowResult, ConfigSubentryFlow, OptionsFlow
from homeassistant.core import callback

from .const import (
    CONF_GATEWAY,
    DOMAIN,
    SITE,
    SUBENTRY_DEVICE,
    SUBENTRY_GEOFENCE,
    SUBENTRY_RECIPIENT,
    SUBENTRY_RULE,
    is_site,
)
from .flows.devices import DeviceFlow
from .flows.geofences import GeofenceFlow
from .flows.legrand import LEGRAND, LegrandSteps
from .flows.netvision import NETVISION, NetVisionSteps
from .flows.options import EnergySuiteOptionsFlow
from .flows.recipients import RecipientFlow
from .flows.rules import RuleFlow
from .flows.site import SiteOptionsFlow, SiteSteps
from .flows.solarman import SOLARMAN, SolarmanSteps
from .flows.victron import VICTRON_GX, VictronSteps
from .gateways.kinds import KINDS

_SUBENTRIES: Mapping[str, dict[str, type[ConfigSubentryFlow]]] = {
    LEGRAND: {SUBENTRY_DEVICE: DeviceFlow},
    SITE: {SUBENTRY_RULE: RuleFlow, SUBENTRY_RECIPIENT: RecipientFlow, SUBENTRY_GEOFENCE: GeofenceFlow},
}


class EnergySuiteConfigFlow(VictronSteps, NetVisionSteps, SolarmanSteps, LegrandSteps, SiteSteps, domain=DOMAIN):
    """Add a gateway, or the site."""

    VERSION = 1

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> OptionsFlow:
        return SiteOptionsFlow() if is_site(config_entry) else EnergySuiteOptionsFlow()

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(cls, config_entry: ConfigEntry) -> dict[str, type[ConfigSubentryFlow]]:
        return _SUBENTRIES.get(config_entry.data[CONF_GATEWAY], {})

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        return self.async_show_menu(step_id="user", menu_options=[*KINDS, SITE])

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask where the gateway is now, and see whether it is still the same."""
        steps = {
            VICTRON_GX: self.async_reconfigure_victron_gx,
            NETVISION: self.async_reconfigure_netvision,
            SOLARMAN: self.async_reconfigure_solarman,
            LEGRAND: self.async_reconfigure_legrand,
            SITE: self.async_reconfigure_site,
        }
        return await steps[self._get_reconfigure_entry().data[CONF_GATEWAY]](user_input)

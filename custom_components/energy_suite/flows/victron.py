"""A Victron GX: its address, or how it announces itself."""

from collections.abc import Mapping
from typing import Any, override
from urllib.parse import urlparse

import voluptuous as vol
from homeassistant.config_entries import ConfigFlowResult
from homeassistant.const import CONF_HOST, CONF_PORT
from homeassistant.helpers.selector import TextSelector
from homeassistant.helpers.service_info.ssdp import SsdpServiceInfo

from ..gateways.base import GatewayError, NotThisDevice
from ..gateways.connections import reach
from ..gateways.kinds import KINDS
from .common import GatewayFlow, host_of, reason_of
from .fields import PORT

VICTRON_GX = "victron_gx"
_TITLE = "Victron GX (Modbus TCP)"


def _schema() -> vol.Schema:
    return vol.Schema(
        {
            vol.Required(CONF_HOST): TextSelector(),
            vol.Required(CONF_PORT, default=KINDS[VICTRON_GX].port): PORT,
        }
    )


def _cleaned(user_input: Mapping[str, Any]) -> dict[str, Any]:
    return {CONF_HOST: host_of(user_input), CONF_PORT: user_input[CONF_PORT]}


class VictronSteps(GatewayFlow):
    """Add a GX."""

    async def async_step_victron_gx(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask where the GX is, and see whether it is one."""
        errors = {} if self._scan_error is None else {"base": self._scan_error}
        self._scan_error = None
        if user_input is not None:
            errors = await self._identify(_cleaned(user_input))
            if not errors:
                await self._abort_if_added()
                return await self.async_step_scan()
        return self.async_show_form(
            step_id=VICTRON_GX,
            data_schema=self.add_suggested_values_to_schema(
                _schema(), user_input or (self._search.settings if self._search else {})
            ),
            errors=errors,
        )

    async def _identify(self, address: Mapping[str, Any], options: Mapping[str, Any] | None = None) -> dict[str, str]:
        """Identify what is at the address; the errors of the form."""
        search = self._look_for(VICTRON_GX, address, options)
        try:
            await reach(address[CONF_HOST], address[CONF_PORT], search.kind.timeout)
            async with search.gateway() as gateway:
                self._identity = await gateway.probe()
        except NotThisDevice:
            return {"base": "not_a_gx"}
        except GatewayError as err:
            return {"base": reason_of(err)}
        return {}

    @override
    async def async_step_ssdp(self, discovery_info: SsdpServiceInfo) -> ConfigFlowResult:
        host = urlparse(discovery_info.ssdp_location or "").hostname
        if not host:
            return self.async_abort(reason="cannot_connect")
        if portal_id := discovery_info.upnp.get("X_VrmPortalId"):
            await self.async_set_unique_id(portal_id)
            self._abort_if_unique_id_configured(updates={CONF_HOST: host})
        if await self._identify({CONF_HOST: host, CONF_PORT: KINDS[VICTRON_GX].port}):
            # Nobody is shown a card that cannot work.
            return self.async_abort(reason="not_reachable_by_modbus")
        await self._abort_if_added()
        self.context["title_placeholders"] = {"name": _TITLE}
        return await self.async_step_confirm()

    async def async_step_confirm(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask whether to add the GX that was discovered."""
        assert self._search is not None
        if user_input is not None:
            return await self.async_step_scan()
        self._set_confirm_only()
        return self.async_show_form(
            step_id="confirm",
            description_placeholders={"name": _TITLE, "host": self._search.settings[CONF_HOST]},
        )

    async def async_reconfigure_victron_gx(self, user_input: dict[str, Any] | None) -> ConfigFlowResult:
        """Ask where the GX is now, and see whether it is still the same."""
        entry = self._get_reconfigure_entry()
        errors: dict[str, str] = {}
        if user_input is not None:
            errors = await self._identify(_cleaned(user_input), entry.options)
            if not errors:
                return await self._take_or_replace()
        return self.async_show_form(
            step_id="reconfigure",
            data_schema=self.add_suggested_values_to_schema(_schema(), user_input or entry.data),
            errors=errors,
        )

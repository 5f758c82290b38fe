"""A Modbus gateway of Legrand's, or any other: where it is. What is behind it comes after (``devices``)."""

import uuid
from collections.abc import Mapping
from typing import Any, Final

import voluptuous as vol
from homeassistant.config_entries import ConfigFlowResult
from homeassistant.const import CONF_HOST, CONF_NAME, CONF_PORT
from homeassistant.helpers.selector import TextSelector

from ..const import CONF_DEVICES, CONF_FRAMING, CONF_GATEWAY, CONF_UID
from ..gateways.base import Found, GatewayError
from ..gateways.kinds import KINDS
from ..gateways.legrand.equipment import KIND
from ..gateways.legrand.gateway import FRAMINGS, TCP
from .common import GatewayFlow, host_of, reason_of
from .fields import PORT, choice

LEGRAND: Final = KIND

_ADDRESS: Mapping[vol.Marker, Any] = {
    vol.Required(CONF_HOST): TextSelector(),
    vol.Required(CONF_PORT, default=KINDS[LEGRAND].port): PORT,
    vol.Required(CONF_FRAMING, default=TCP): choice(CONF_FRAMING, list(FRAMINGS)),
}
_ERRORS: Mapping[str, str] = {"refused": "gateway_refused", "silent": "gateway_silent", "dropped": "gateway_dropped"}
"""What a gateway's connection says in other words than a GX's."""


def _cleaned(user_input: Mapping[str, Any]) -> dict[str, Any]:
    return {CONF_HOST: host_of(user_input), CONF_PORT: user_input[CONF_PORT], CONF_FRAMING: user_input[CONF_FRAMING]}


class LegrandSteps(GatewayFlow):
    """Add a Modbus gateway, or give it another address."""

    async def async_step_legrand(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask where the gateway is, and see whether it takes a connection."""
        errors: dict[str, str] = {}
        if user_input is not None:
            address = _cleaned(user_input)
            # There is no serial number: the address is all that tells it from another.
            self._async_abort_entries_match({CONF_HOST: address[CONF_HOST], CONF_PORT: address[CONF_PORT]})
            errors = await self._test_gateway(address)
            if not errors:
                return await self._add_gateway(address, user_input.get(CONF_NAME, "").strip())
        schema = vol.Schema({**_ADDRESS, vol.Optional(CONF_NAME, default=""): TextSelector()})
        return self.async_show_form(
            step_id=LEGRAND,
            data_schema=self.add_suggested_values_to_schema(schema, user_input or {}),
            errors=errors,
        )

    async def _test_gateway(self, address: Mapping[str, Any]) -> dict[str, str]:
        """See whether something takes the connection; the errors of the form."""
        search = self._look_for(LEGRAND, address)
        try:
            async with search.gateway() as gateway:
                self._identity = await gateway.probe()
                self._found = [step async for step in gateway.discover() if isinstance(step, Found)]
        except GatewayError as err:
            reason = reason_of(err)
            return {"base": _ERRORS.get(reason, reason)}
        return {}

    async def _add_gateway(self, address: Mapping[str, Any], name: str) -> ConfigFlowResult:
        assert self._identity is not None
        return self.async_create_entry(
            # The web server takes the address for a name; here titles are written to logs, where no host belongs.
            title=name or self._title(KINDS[LEGRAND].title, self._identity),
            data={
                CONF_GATEWAY: LEGRAND,
                CONF_UID: uuid.uuid4().hex,
                **address,
                CONF_DEVICES: [found.stored for found in self._found],
            },
        )

    async def async_reconfigure_legrand(self, user_input: dict[str, Any] | None) -> ConfigFlowResult:
        """Ask where the gateway is now."""
        entry = self._get_reconfigure_entry()
        errors: dict[str, str] = {}
        if user_input is not None:
            address = _cleaned(user_input)
            others = [
                other
                for other in self._async_current_entries(include_ignore=False)
                if other.entry_id != entry.entry_id
                and (other.data[CONF_HOST], other.data[CONF_PORT]) == (address[CONF_HOST], address[CONF_PORT])
            ]
            errors = {"base": "address_taken"} if others else await self._test_gateway(address)
            if not errors:
                return await self._take_or_replace(self._found)
        return self.async_show_form(
            step_id="reconfigure",
            data_schema=self.add_suggested_values_to_schema(vol.Schema(_ADDRESS), user_input or entry.data),
            errors=errors,
        )

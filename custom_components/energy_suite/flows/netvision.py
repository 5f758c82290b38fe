"""A SOCOMEC NET VISION card: which ways lead to it, and what each of them needs."""

from collections.abc import Mapping
from typing import Any

import voluptuous as vol
from homeassistant.config_entries import SOURCE_RECONFIGURE, ConfigEntryState, ConfigFlowResult
from homeassistant.const import CONF_HOST, CONF_PORT
from homeassistant.helpers.selector import TextSelector

from ..const import (
    CONF_AUTH_PASSWORD,
    CONF_AUTH_PROTOCOL,
    CONF_CHANNELS,
    CONF_COMMUNITY,
    CONF_DEVICES,
    CONF_LEVEL,
    CONF_PRIV_PASSWORD,
    CONF_PRIV_PROTOCOL,
    CONF_SNMP_PORT,
    CONF_SNMP_VERSION,
    CONF_TABLE,
    CONF_UNIT_ID,
    CONF_USER,
    CONF_WRITE_COMMUNITY,
    SECRETS,
)
from ..gateways.base import AuthenticationFailed, CannotConnect, DeviceGone, Found, GatewayError, not_known
from ..gateways.connections import reach
from ..gateways.kinds import KINDS
from ..gateways.netvision.gateway import CHANNELS, MODBUS, SNMP, TABLES, NetVisionGateway
from ..gateways.netvision.line import Channel
from ..gateways.netvision.modbus import UnknownProduct
from .common import GatewayFlow, host_of, kept_options
from .fields import PORT, SECRET, choice, integer

NETVISION = "netvision"
USER_STEP = "netvision_user"
TABLE_STEP = "netvision_table"
_V3 = "v3"
_VERSIONS = ["v1", "v2c", _V3]
_LEVELS = {"no_auth_no_priv": "noAuthNoPriv", "auth_no_priv": "authNoPriv", "auth_priv": "authPriv"}
"""The levels by the keys of their texts, which have no capital letters."""
_AUTHENTICATION = (CONF_AUTH_PROTOCOL, CONF_AUTH_PASSWORD)
_PRIVACY = (CONF_PRIV_PROTOCOL, CONF_PRIV_PASSWORD)
_NEEDS = {
    "no_auth_no_priv": (CONF_USER,),
    "auth_no_priv": (CONF_USER, *_AUTHENTICATION),
    "auth_priv": (CONF_USER, *_AUTHENTICATION, *_PRIVACY),
}
_SHORTEST_PASSWORD = 8
"""Characters; no key can be made of fewer (RFC 3414, 11.2)."""

_ADDRESS: Mapping[vol.Marker, Any] = {
    vol.Required(CONF_HOST): TextSelector(),
    vol.Required(CONF_CHANNELS, default=CHANNELS[-1]): choice(CONF_CHANNELS, list(CHANNELS)),
    vol.Required(CONF_PORT, default=502): PORT,
    vol.Required(CONF_UNIT_ID, default=1): integer(0, 255),
    vol.Required(CONF_SNMP_VERSION, default="v2c"): choice(CONF_SNMP_VERSION, _VERSIONS),
    vol.Required(CONF_SNMP_PORT, default=161): PORT,
}
_PUBLIC = "public"
_COMMUNITIES: Mapping[vol.Marker, Any] = {
    vol.Optional(CONF_COMMUNITY, default=_PUBLIC): SECRET,
    vol.Optional(CONF_WRITE_COMMUNITY): SECRET,
}
# Of a card that was added, what is left empty stays.
_KNOWN_COMMUNITIES: Mapping[vol.Marker, Any] = {vol.Optional(str(name)): SECRET for name in _COMMUNITIES}
_USER: Mapping[vol.Marker, Any] = {
    vol.Required(CONF_USER): TextSelector(),
    vol.Required(CONF_LEVEL, default="auth_priv"): choice(CONF_LEVEL, list(_LEVELS)),
    vol.Required(CONF_AUTH_PROTOCOL, default="sha"): choice(CONF_AUTH_PROTOCOL, ["md5", "sha"]),
    vol.Optional(CONF_AUTH_PASSWORD): SECRET,
    vol.Required(CONF_PRIV_PROTOCOL, default="aes"): choice(CONF_PRIV_PROTOCOL, ["des", "aes"]),
    vol.Optional(CONF_PRIV_PASSWORD): SECRET,
}
_TABLE = vol.Schema({vol.Required(CONF_TABLE): choice(CONF_TABLE, [table.value for table in TABLES])})
_SCHEMA = vol.Schema({**_ADDRESS, **_COMMUNITIES})
_KNOWN_SCHEMA = vol.Schema({**_ADDRESS, **_KNOWN_COMMUNITIES})
_COMMUNITY_SCHEMA = vol.Schema(dict(_KNOWN_COMMUNITIES))
_USER_SCHEMA = vol.Schema(dict(_USER))

_HIDDEN = SECRETS - {CONF_USER}
"""What is never sent back to a form."""

_UNKNOWN_PRODUCT = {CONF_PORT: "modbus_product"}
_WRONG_TABLE = {CONF_PORT: "modbus_unknown"}
_REJECTED_USER = {CONF_SNMP_PORT: "snmp_authentication"}


def _error_of(channel: Channel, err: GatewayError) -> str:
    """The form error for what is wrong with a channel."""
    match err:
        case CannotConnect(reason="unreachable"):
            return "unreachable"
        case CannotConnect(reason="silent"):
            reason = "silent"
        case CannotConnect():
            # A card that serves another master refuses, or accepts and hangs up.
            reason = "refused"
        case AuthenticationFailed():
            reason = "authentication"
        case DeviceGone():
            reason = "gone"
        case UnknownProduct():
            reason = "product"
        case _:
            reason = "unknown"
    return f"{channel.name.lower()}_{reason}"


def _needs_user(settings: Mapping[str, Any]) -> bool:
    return bool(settings[CONF_CHANNELS] != MODBUS and settings[CONF_SNMP_VERSION] == _V3)


def _settings(user_input: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a form: only what the chosen way needs."""
    kept = {str(name): user_input[str(name)] for name in _ADDRESS}
    kept[CONF_HOST] = host_of(user_input)
    if kept[CONF_CHANNELS] != MODBUS and kept[CONF_SNMP_VERSION] != _V3:
        kept |= _communities(user_input)
    return kept


def _communities(user_input: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name): user_input[str(name)] for name in _COMMUNITIES if user_input.get(str(name))}


def _user(user_input: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a user: only what the level needs."""
    level = user_input[CONF_LEVEL]
    return {CONF_LEVEL: _LEVELS[level], **{name: user_input[name] for name in _NEEDS[level]}}


def _without(settings: Mapping[str, Any], schema: vol.Schema) -> dict[str, Any]:
    """The settings but for those that the form asks for."""
    asked = {str(name) for name in schema.schema}
    return {name: value for name, value in settings.items() if name not in asked}


def _completed(user_input: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """What was entered, with what is stored in place of the secrets that were left empty."""
    stored = {CONF_COMMUNITY: _PUBLIC, **known}
    return {
        **user_input,
        **{name: stored[name] for name in _HIDDEN if name in stored and not user_input.get(name)},
    }


def _short_passwords(user_input: Mapping[str, Any]) -> dict[str, str]:
    """The errors of passwords that no card takes, of those that the level needs."""
    needed = {CONF_AUTH_PASSWORD, CONF_PRIV_PASSWORD} & {*_NEEDS[user_input[CONF_LEVEL]]}
    return {
        name: "short_password"
        for name in needed
        if len(user_input.get(name, "").encode(errors="replace")) < _SHORTEST_PASSWORD
    }


def _shown(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings as the forms show them: no secrets."""
    levels = {level: key for key, level in _LEVELS.items()}
    shown = {name: value for name, value in settings.items() if name not in _HIDDEN}
    return {**shown, CONF_LEVEL: levels.get(settings.get(CONF_LEVEL, ""), "auth_priv")}


class NetVisionSteps(GatewayFlow):
    """Add a card, give it another address, or other credentials."""

    def __init__(self) -> None:
        """Start with nothing asked."""
        super().__init__()
        self._settings: dict[str, Any] = {}
        """What is tried."""
        self._typed: dict[str, dict[str, Any]] = {}
        """What was last entered in each form."""
        self._errors: dict[str, str] = {}

    # --- forms -------------------------------------------------------------------------------------------------------

    async def async_step_netvision(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask where the card is and which ways lead to it."""
        if self._scan_error is not None:
            # Every way to it worked a moment ago.
            self._errors, self._scan_error = {"base": "lost"}, None
        return await self._ask(NETVISION, user_input)

    async def async_reconfigure_netvision(self, user_input: dict[str, Any] | None) -> ConfigFlowResult:
        """Ask the same of a card that was added."""
        return await self._ask("reconfigure", user_input)

    async def _ask(self, step: str, user_input: dict[str, Any] | None) -> ConfigFlowResult:
        if user_input is None:
            return self._form(step, _KNOWN_SCHEMA if self._is_known else _SCHEMA, _shown(self._known))
        self._typed[step] = user_input
        self._settings = _settings(_completed(user_input, self._known))
        if _needs_user(self._settings):
            return await self.async_step_netvision_user()
        return await self._try()

    async def async_step_netvision_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask who reads by SNMP v3."""
        if user_input is not None:
            self._typed[USER_STEP] = user_input
            completed = _completed(user_input, self._known)
            self._errors = _short_passwords(completed)
            if not self._errors:
                self._settings = {**_without(self._settings, _USER_SCHEMA), **_user(completed)}
                return await self._try()
        return self._form(USER_STEP, _USER_SCHEMA, _shown(self._known))

    async def async_step_netvision_table(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask which table a card serves that names no product we know."""
        if user_input is not None:
            self._typed[TABLE_STEP] = user_input
            self._settings |= user_input
            return await self._try()
        return self._form(TABLE_STEP, _TABLE, self._known)

    def _form(self, step: str, schema: vol.Schema, known: Mapping[str, Any]) -> ConfigFlowResult:
        """A form with what was entered in it before, else what is known, and with the errors that are waiting."""
        errors, self._errors = self._errors, {}
        return self.async_show_form(
            step_id=step,
            data_schema=self.add_suggested_values_to_schema(schema, self._typed.get(step, known)),
            errors=errors,
        )

    # --- what is there -----------------------------------------------------------------------------------------------

    @property
    def _is_known(self) -> bool:
        return self.source == SOURCE_RECONFIGURE

    @property
    def _known(self) -> Mapping[str, Any]:
        """The data of the card that was added."""
        return self._get_reconfigure_entry().data if self._is_known else {}

    async def _try(self) -> ConfigFlowResult:
        """Try every way to the card; go on, or back to the form that can mend it."""
        if self._is_known:
            return await self._try_known()
        if errors := await self._check(self._settings):
            return await self._back(errors)
        await self._abort_if_added()
        return await self.async_step_scan()

    async def _try_known(self) -> ConfigFlowResult:
        """Try a card that was added, where it is now."""
        entry = self._get_reconfigure_entry()
        released = self._holds_other_modbus and await self.hass.config_entries.async_unload(entry.entry_id)
        try:
            errors = await self._check(self._settings, kept_options(entry, self._settings), discover=True)
            if errors:
                return await self._back(errors)
            known = [Found(**stored) for stored in entry.data[CONF_DEVICES]]
            return await self._take_or_replace(not_known(self._found, known))
        finally:
            if released and entry.state is ConfigEntryState.NOT_LOADED:
                self.hass.config_entries.async_schedule_reload(entry.entry_id)

    @property
    def _holds_other_modbus(self) -> bool:
        """Whether the entry may hold the card's one Modbus connection itself, under another name of its host."""
        entry = self._get_reconfigure_entry()
        ways = [
            KINDS[NETVISION].endpoint(settings).endpoint
            for settings in (entry.data, self._settings)
            if settings[CONF_CHANNELS] != SNMP
        ]
        return entry.state is ConfigEntryState.LOADED and len(set(ways)) > 1

    async def _back(self, errors: dict[str, str]) -> ConfigFlowResult:
        """Show what is wrong where it can be mended."""
        if errors == _UNKNOWN_PRODUCT:
            return await self.async_step_netvision_table()
        if errors == _WRONG_TABLE and CONF_TABLE in self._settings:
            self._errors = {CONF_TABLE: "wrong_table"}
            return await self.async_step_netvision_table()
        if _needs_user(self._settings) and errors == _REJECTED_USER:
            self._errors = {"base": errors[CONF_SNMP_PORT]}
            return await self.async_step_netvision_user()
        self._errors = errors
        if self._is_known:
            return await self.async_reconfigure_netvision(None)
        return await self.async_step_netvision()

    async def _check(
        self, settings: Mapping[str, Any], options: Mapping[str, Any] | None = None, *, discover: bool = False
    ) -> dict[str, str]:
        """Try the channels; the errors of the form, at the field of the channel that they are about.

        ``discover`` looks for the devices over the same connection.
        """
        search = self._look_for(NETVISION, settings, options)
        async with search.gateway() as gateway:
            assert isinstance(gateway, NetVisionGateway)
            wrong = await gateway.check()
            self._identity = gateway.identity
            if discover and not wrong:
                try:
                    self._found = [step async for step in gateway.discover() if isinstance(step, Found)]
                except GatewayError:
                    return {"base": "lost"}
        errors: dict[str, str] = {}
        for channel, err in wrong.items():
            error = _error_of(channel, await self._why(settings, err) if channel is Channel.MODBUS else err)
            if error == "unreachable":
                return {"base": error}
            errors[CONF_PORT if channel is Channel.MODBUS else CONF_SNMP_PORT] = error
        return errors

    @staticmethod
    async def _why(settings: Mapping[str, Any], err: GatewayError) -> GatewayError:
        """Tell apart why the Modbus port does not open; only then, for the card serves one connection."""
        if not isinstance(err, CannotConnect) or err.reason != "lost":
            return err
        try:
            await reach(settings[CONF_HOST], settings[CONF_PORT], KINDS[NETVISION].timeout)
        except CannotConnect as why:
            return why
        return err

    # --- other credentials -------------------------------------------------------------------------------------------

    async def async_step_reauth(self, entry_data: Mapping[str, Any]) -> ConfigFlowResult:
        """Begin when a card does not take the SNMP credentials any more."""
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the credentials that the card takes now."""
        entry = self._get_reauth_entry()
        is_user = entry.data[CONF_SNMP_VERSION] == _V3
        schema = _USER_SCHEMA if is_user else _COMMUNITY_SCHEMA
        errors: dict[str, str] = {}
        if user_input is not None:
            completed = _completed(user_input, entry.data)
            errors = _short_passwords(completed) if is_user else {}
            if not errors:
                given = _user(completed) if is_user else _communities(completed)
                data = {**_without(entry.data, schema), **given}
                wrong = await self._check({**data, CONF_CHANNELS: SNMP}, entry.options)
                if not wrong:
                    return self.async_update_reload_and_abort(entry, data=data)
                errors = {"base": next(iter(wrong.values()))}
        return self.async_show_form(
            step_id="reauth_confirm",
            data_schema=self.add_suggested_values_to_schema(schema, user_input or _shown(entry.data)),
            description_placeholders={"title": entry.title},
            errors=errors,
        )

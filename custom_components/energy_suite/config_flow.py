"""Choose a kind of gateway, say where it is, see what is behind it; reconfigure; options."""

import asyncio
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, override
from urllib.parse import urlparse

import voluptuous as vol
from homeassistant.config_entries import (
    SOURCE_USER,
    ConfigEntry,
    ConfigFlow,
    ConfigFlowResult,
    OptionsFlow,
    OptionsFlowWithReload,
)
from homeassistant.const import CONF_HOST, CONF_PORT
from homeassistant.core import HomeAssistant, callback
from homeassistant.data_entry_flow import AbortFlow, section
from homeassistant.helpers.selector import (
    BooleanSelector,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
)
from homeassistant.helpers.service_info.ssdp import SsdpServiceInfo
from homeassistant.helpers.translation import async_get_translations
from homeassistant.helpers.typing import VolSchemaType
from modbus_connection import ModbusTcpParams

from .connection import async_get_temporary_connection
from .const import (
    CONF_BATTERY_CAPACITY,
    CONF_BATTERY_MANAGEMENT,
    CONF_BMS,
    CONF_CONTROLS,
    CONF_DELAY,
    CONF_DEVICES,
    CONF_FULL_SCAN,
    CONF_GATEWAY,
    CONF_HEALTH_CHECKS,
    CONF_INTERVAL,
    CONF_MAXIMUM_INPUT_CURRENT,
    CONF_PRE_ALARM_VOLTAGE,
    CONF_STANDBY_CURRENT,
    CONF_UID,
    CONF_UNIT_IDS,
    DOMAIN,
)
from .gateways.base import CannotConnect, Danger, Found, GatewayError, Identity, NotThisDevice, Progress, not_known
from .gateways.connections import reach
from .gateways.kinds import KINDS
from .gateways.victron.bms import CELL_LIMITS, BmsKind, BmsSetup
from .site.health import Limits

VICTRON_GX = "victron_gx"
VICTRON_TITLE = "Victron GX (Modbus TCP)"


def _box(low: float, high: float, unit: str | None = None, step: float = 1) -> NumberSelector:
    config = NumberSelectorConfig(min=low, max=high, step=step, mode=NumberSelectorMode.BOX)
    if unit:
        config["unit_of_measurement"] = unit
    return NumberSelector(config)


def _number(low: float, high: float, unit: str | None = None, step: float = 1) -> VolSchemaType:
    return vol.All(_box(low, high, unit, step), vol.Coerce(float))


BATTERY_MANAGEMENT = vol.Schema(
    {
        vol.Required(CONF_BMS, default=BmsSetup.kind.value): SelectSelector(
            SelectSelectorConfig(options=[kind.value for kind in BmsKind], translation_key=CONF_BMS)
        ),
        vol.Required(CONF_PRE_ALARM_VOLTAGE, default=BmsSetup.pre_alarm_voltage): _number(*CELL_LIMITS, "V", 0.01),
        vol.Required(CONF_BATTERY_CAPACITY, default=BmsSetup.capacity): _number(0, 10_000, "Ah"),
        vol.Required(CONF_STANDBY_CURRENT, default=BmsSetup.standby_current): _number(0, 10_000, "mA"),
    }
)
HEALTH_LIMITS = {
    "cell_voltage_spread": _number(0.02, 1, "V", 0.01),
    "battery_voltage_difference": _number(0.5, 20, "%", 0.1),
    "battery_temperature": _number(20, 80, "°C"),
    "generator_idle": _number(1, 365),
    "generator_service": _number(0, 1000, "h"),
    "silence": _number(1, 720, "h"),
    "ac_input_lost": _number(0, 86_400, "s"),
}
"""The limits of the health checks, by their names in ``Limits``."""
HEALTH_CHECKS = vol.Schema(
    {vol.Required(name, default=getattr(Limits, name)): limit for name, limit in HEALTH_LIMITS.items()}
)


def _address_schema(port: int) -> vol.Schema:
    return vol.Schema(
        {
            vol.Required(CONF_HOST): TextSelector(),
            vol.Required(CONF_PORT, default=port): vol.All(_box(1, 65535), vol.Coerce(int)),
        }
    )


def _cleaned(address: Mapping[str, Any]) -> dict[str, Any]:
    # One connection is shared per endpoint, so spelling matters.
    return {CONF_HOST: address[CONF_HOST].strip().lower(), CONF_PORT: address[CONF_PORT]}


class GatewaySearch:
    """One look at a gateway for a flow: who it is, and what is behind it."""

    def __init__(
        self, flow: ConfigFlow | OptionsFlow, kind: str, address: Mapping[str, Any], options: Mapping[str, Any]
    ) -> None:
        """``address`` holds host and port."""
        self._flow = flow
        self._kind = KINDS[kind]
        self._options = options
        self.address = address
        self.task: asyncio.Task[list[Found]] | None = None

    async def identify(self) -> Identity:
        """Raise ``CannotConnect`` with the reason, ``NotThisDevice`` or ``AuthenticationFailed``."""
        await reach(self.address[CONF_HOST], self.address[CONF_PORT], self._kind.timeout)
        async with async_get_temporary_connection(
            self._flow.hass, self._params, timeout=self._kind.timeout
        ) as connection:
            return await self._kind.make(connection.unit, self._kind.interval, self._options).probe()

    def start(self, *, full: bool = False) -> asyncio.Task[list[Found]]:
        """Look for the devices while the flow shows how far it is."""
        if self.task is None:
            self.task = self._flow.hass.async_create_task(self._discover(full))
        return self.task

    async def _discover(self, full: bool) -> list[Found]:
        found = []
        async with async_get_temporary_connection(
            self._flow.hass, self._params, timeout=self._kind.timeout
        ) as connection:
            gateway = self._kind.make(connection.unit, self._kind.interval, self._options)
            async for step in gateway.discover(full=full):
                if isinstance(step, Progress):
                    self._flow.async_update_progress(step.done / step.total)
                else:
                    found.append(step)
        return found

    @property
    def _params(self) -> ModbusTcpParams:
        return ModbusTcpParams(host=self.address[CONF_HOST], port=self.address[CONF_PORT])


def _error_of(err: GatewayError) -> str:
    """The form error for what went wrong."""
    if isinstance(err, CannotConnect):
        return err.reason
    return "not_a_gx" if isinstance(err, NotThisDevice) else "lost"


class EnergySuiteConfigFlow(ConfigFlow, domain=DOMAIN):
    """Add a gateway."""

    VERSION = 1

    def __init__(self) -> None:
        """Start with nothing known."""
        self._search: GatewaySearch | None = None
        self._identity: Identity | None = None
        self._found: list[Found] = []
        self._scan_error: str | None = None

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> EnergySuiteOptionsFlow:
        return EnergySuiteOptionsFlow()

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        return self.async_show_menu(step_id="user", menu_options=list(KINDS))

    # --- a Victron GX ----------------------------------------------------------------------------------------------

    async def async_step_victron_gx(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask where the GX is, and see whether it is one."""
        errors = {} if self._scan_error is None else {"base": self._scan_error}
        self._scan_error = None
        if user_input is not None:
            errors = await self._try(_cleaned(user_input))
            if not errors:
                return await self.async_step_scan()
        return self.async_show_form(
            step_id=VICTRON_GX,
            data_schema=self.add_suggested_values_to_schema(
                _address_schema(KINDS[VICTRON_GX].port), user_input or (self._search.address if self._search else {})
            ),
            errors=errors,
        )

    async def _try(self, address: Mapping[str, Any]) -> dict[str, str]:
        """Identify what is at the address; the errors of the form. Aborts when it is configured already."""
        self._search = GatewaySearch(self, VICTRON_GX, address, {})
        try:
            self._identity = await self._search.identify()
        except GatewayError as err:
            return {"base": _error_of(err)}
        # Who types an address goes on, though the same GX waits on a card of its own.
        await self.async_set_unique_id(self._identity.serial, raise_on_progress=self.source != SOURCE_USER)
        self._abort_if_unique_id_configured(updates=dict(address))
        return {}

    async def async_step_scan(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show how far the search for devices is."""
        assert self._search is not None
        task = self._search.start()
        if not task.done():
            return self.async_show_progress(step_id="scan", progress_action="scan", progress_task=task)
        try:
            self._found = task.result()
        except GatewayError as err:
            self._scan_error = _error_of(err)
            return self.async_show_progress_done(next_step_id=VICTRON_GX)
        return self.async_show_progress_done(next_step_id="found")

    async def async_step_found(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show what was found, and add it."""
        assert self._search is not None
        assert self._identity is not None
        if user_input is None:
            return self.async_show_form(
                step_id="found",
                description_placeholders={
                    "model": self._identity.model or VICTRON_TITLE,
                    "firmware": self._identity.firmware or "?",
                    "count": str(len(self._found)),
                    "devices": await _listed(self.hass, self._found),
                },
            )
        return self.async_create_entry(
            title=self._identity.name or "Victron GX",
            data={
                CONF_GATEWAY: VICTRON_GX,
                CONF_UID: uuid.uuid4().hex,
                **self._search.address,
                CONF_DEVICES: [asdict(found) for found in self._found],
            },
        )

    @override
    async def async_step_ssdp(self, discovery_info: SsdpServiceInfo) -> ConfigFlowResult:
        host = urlparse(discovery_info.ssdp_location or "").hostname
        if not host:
            return self.async_abort(reason="cannot_connect")
        if portal_id := discovery_info.upnp.get("X_VrmPortalId"):
            await self.async_set_unique_id(portal_id)
            self._abort_if_unique_id_configured(updates={CONF_HOST: host})
        if await self._try({CONF_HOST: host, CONF_PORT: KINDS[VICTRON_GX].port}):
            # Nobody is shown a card that cannot work.
            return self.async_abort(reason="not_reachable_by_modbus")
        self.context["title_placeholders"] = {"name": VICTRON_TITLE}
        return await self.async_step_confirm()

    async def async_step_confirm(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask whether to add the GX that was discovered."""
        assert self._search is not None
        if user_input is not None:
            return await self.async_step_scan()
        self._set_confirm_only()
        return self.async_show_form(
            step_id="confirm",
            description_placeholders={"name": VICTRON_TITLE, "host": self._search.address[CONF_HOST]},
        )

    # --- another address, another box --------------------------------------------------------------------------------

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask where the gateway is now, and see whether it is still the same."""
        entry = self._get_reconfigure_entry()
        errors: dict[str, str] = {}
        if user_input is not None:
            self._search = GatewaySearch(self, entry.data[CONF_GATEWAY], _cleaned(user_input), entry.options)
            try:
                self._identity = await self._search.identify()
            except GatewayError as err:
                errors = {"base": _error_of(err)}
            else:
                if self._identity.serial == entry.unique_id:
                    return self.async_update_reload_and_abort(entry, data_updates=self._search.address)
                self._abort_if_known(self._identity.serial)
                return await self.async_step_replace()
        return self.async_show_form(
            step_id="reconfigure",
            data_schema=self.add_suggested_values_to_schema(
                _address_schema(KINDS[entry.data[CONF_GATEWAY]].port), user_input or entry.data
            ),
            errors=errors,
        )

    async def async_step_replace(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask whether the box that answers replaces the one that was added."""
        assert self._search is not None
        assert self._identity is not None
        entry = self._get_reconfigure_entry()
        if user_input is None:
            return self.async_show_form(
                step_id="replace",
                description_placeholders={"old": entry.unique_id or "?", "new": self._identity.serial or "?"},
            )
        self._abort_if_known(self._identity.serial)
        return self.async_update_reload_and_abort(
            entry, unique_id=self._identity.serial, data_updates=self._search.address
        )

    def _abort_if_known(self, serial: str | None) -> None:
        """Abort when another entry has that box already."""
        if self.hass.config_entries.async_entry_for_domain_unique_id(DOMAIN, serial or "") is not None:
            raise AbortFlow("already_configured")


async def _listed(hass: HomeAssistant, devices: Iterable[Found]) -> str:
    """What was found, a line each: what it is, and how its owner calls it."""
    texts = await async_get_translations(hass, hass.config.language, "device", [DOMAIN])
    kinds = [(found, texts.get(f"component.{DOMAIN}.device.{found.kind}.name", found.kind)) for found in devices]
    return "\n".join(f"- {kind}: {found.name}" if found.name else f"- {kind}" for found, kind in kinds)


def parse_unit_ids(text: str) -> list[int]:
    """The unit ids in "30, 41-43". Raises ``ValueError``."""
    unit_ids: set[int] = set()
    for part in text.replace(";", ",").split(","):
        if part.strip():
            ends = [end.strip() for end in part.split("-")]
            if len(ends) > 2 or not all(end.isdecimal() for end in ends):
                raise ValueError(part)
            low, high = int(ends[0]), int(ends[-1])
            if not low <= high <= 247:
                raise ValueError(part)
            unit_ids.update(range(low, high + 1))
    return sorted(unit_ids)


class EnergySuiteOptionsFlow(OptionsFlowWithReload):
    """Change how a gateway is read, and which controls it gives."""

    def __init__(self) -> None:
        """Start with nothing changed."""
        self._options: dict[str, Any] = {}
        self._search: GatewaySearch | None = None
        self._full = False

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the options."""
        errors: dict[str, str] = {}
        if user_input is not None:
            self._full = user_input.get(CONF_FULL_SCAN, False)
            try:
                unit_ids = parse_unit_ids(user_input.get(CONF_UNIT_IDS, ""))
            except ValueError:
                errors = {CONF_UNIT_IDS: "bad_unit_ids"}
            else:
                self._options = {**user_input, CONF_UNIT_IDS: unit_ids}
                self._options.pop(CONF_FULL_SCAN, None)
                if self._full or set(unit_ids) - set(self.config_entry.options.get(CONF_UNIT_IDS, [])):
                    return await self.async_step_scan()
                return self.async_create_entry(data=self._options)
        return self.async_show_form(
            step_id="init",
            data_schema=self.add_suggested_values_to_schema(self._schema(), user_input or self._suggested()),
            errors=errors,
        )

    async def async_step_scan(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Look where the user said that devices are."""
        data = self.config_entry.data
        if self._search is None:
            self._search = GatewaySearch(self, data[CONF_GATEWAY], data, self._options)
        task = self._search.start(full=self._full)
        if not task.done():
            return self.async_show_progress(step_id="scan", progress_action="scan", progress_task=task)
        return self.async_show_progress_done(next_step_id="scanned")

    async def async_step_scanned(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Keep what was found beside what was known."""
        assert self._search is not None
        assert self._search.task is not None
        try:
            found = self._search.task.result()
        except GatewayError:
            return self.async_abort(reason="cannot_connect")
        known = self.config_entry.data[CONF_DEVICES]
        news = [asdict(device) for device in not_known(found, [Found(**stored) for stored in known])]
        self.hass.config_entries.async_update_entry(
            self.config_entry,
            data={**self.config_entry.data, CONF_DEVICES: [*known, *news]},
            options=self._options,
        )
        # The end of the flow reloads for changed options alone, and there may be none.
        self.hass.config_entries.async_schedule_reload(self.config_entry.entry_id)
        return self.async_create_entry(data=self._options)

    def _suggested(self) -> dict[str, Any]:
        options = self.config_entry.options
        return {**options, CONF_UNIT_IDS: ", ".join(str(unit_id) for unit_id in options.get(CONF_UNIT_IDS, []))}

    def _schema(self) -> vol.Schema:
        kind = KINDS[self.config_entry.data[CONF_GATEWAY]]
        return vol.Schema(
            {
                vol.Required(CONF_INTERVAL, default=kind.interval): _number(1, 300, "s"),
                vol.Required(CONF_DELAY, default=0): _number(0, 30, "s"),
                vol.Required(CONF_CONTROLS, default=[]): SelectSelector(
                    SelectSelectorConfig(
                        options=[danger.value for danger in Danger],
                        multiple=True,
                        mode=SelectSelectorMode.LIST,
                        translation_key=CONF_CONTROLS,
                    )
                ),
                vol.Required(CONF_MAXIMUM_INPUT_CURRENT, default=100): _number(1, 1000, "A", 0.1),
                vol.Optional(CONF_BATTERY_MANAGEMENT): section(BATTERY_MANAGEMENT, {"collapsed": True}),
                vol.Optional(CONF_HEALTH_CHECKS): section(HEALTH_CHECKS, {"collapsed": True}),
                vol.Optional(CONF_UNIT_IDS, default=""): TextSelector(),
                vol.Optional(CONF_FULL_SCAN, default=False): BooleanSelector(),
            }
        )

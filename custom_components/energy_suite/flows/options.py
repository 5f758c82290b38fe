"""The options: how a gateway is read, and which controls it gives."""

from collections.abc import Callable, Mapping
from typing import Any

import voluptuous as vol
from homeassistant.config_entries import ConfigFlowResult, OptionsFlowWithReload
from homeassistant.data_entry_flow import section
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.selector import BooleanSelector, SelectSelector, SelectSelectorConfig, TextSelector

from ..const import (
    CONF_BATTERY_CAPACITY,
    CONF_BATTERY_MANAGEMENT,
    CONF_BMS,
    CONF_CHANNELS,
    CONF_CONFIRMED,
    CONF_CONTROLS,
    CONF_COUPLING,
    CONF_DELAY,
    CONF_DEVICES,
    CONF_FULL_SCAN,
    CONF_GATEWAY,
    CONF_HEALTH_CHECKS,
    CONF_INTERVAL,
    CONF_MAXIMUM_INPUT_CURRENT,
    CONF_MONITOR_CONNECTION,
    CONF_PRE_ALARM_VOLTAGE,
    CONF_PROFILE,
    CONF_SPACING,
    CONF_STANDBY_CURRENT,
    CONF_TABLE,
    CONF_TOLERATED_GAP,
    CONF_TRAP_PORT,
    CONF_UID,
    CONF_UNIT_IDS,
    CONF_WRITE_REGISTER,
    DOMAIN,
)
from ..gateways.base import Found, GatewayError, not_known
from ..gateways.kinds import KINDS
from ..gateways.netvision.gateway import SNMP, TABLES
from ..gateways.profiles.schema import Profile
from ..gateways.solarman.gateway import INVERTER_KEY
from ..gateways.victron.bms import CELL_LIMITS, BmsKind, BmsSetup
from ..profiles import async_get_library
from ..site.alarms.communication import Communication
from ..site.health import Limits
from .common import GatewaySearch
from .fields import choice, integer, number
from .legrand import LEGRAND
from .netvision import NETVISION
from .solarman import NO_MAP, SOLARMAN, coupling_field, map_field, with_map
from .victron import VICTRON_GX

AUTOMATIC = "auto"
NO_TRAPS = 0
FIRST_TRAP_PORT = 1024

BATTERY_MANAGEMENT = vol.Schema(
    {
        vol.Required(CONF_BMS, default=BmsSetup.kind.value): SelectSelector(
            SelectSelectorConfig(options=[kind.value for kind in BmsKind], translation_key=CONF_BMS)
        ),
        vol.Required(CONF_PRE_ALARM_VOLTAGE, default=BmsSetup.pre_alarm_voltage): number(*CELL_LIMITS, "V", 0.01),
        vol.Required(CONF_BATTERY_CAPACITY, default=BmsSetup.capacity): number(0, 10_000, "Ah"),
        vol.Required(CONF_STANDBY_CURRENT, default=BmsSetup.standby_current): number(0, 10_000, "mA"),
    }
)
HEALTH_LIMITS = {
    "cell_voltage_spread": number(0.02, 1, "V", 0.01),
    "battery_voltage_difference": number(0.5, 20, "%", 0.1),
    "battery_temperature": number(20, 80, "°C"),
    "generator_idle": number(1, 365),
    "generator_service": number(0, 1000, "h"),
    "silence": number(1, 720, "h"),
    "ac_input_lost": number(0, 86_400, "s"),
}
"""The limits of the health checks, by their names in ``Limits``."""
HEALTH_CHECKS = vol.Schema(
    {vol.Required(name, default=getattr(Limits, name)): limit for name, limit in HEALTH_LIMITS.items()}
)


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
        self._profiles: Mapping[str, Profile] = {}

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the options."""
        errors: dict[str, str] = {}
        if KINDS[self.config_entry.data[CONF_GATEWAY]].uses_profiles:
            self._profiles = (await async_get_library(self.hass)).profiles
        if user_input is not None:
            self._full = user_input.get(CONF_FULL_SCAN, False)
            try:
                unit_ids = parse_unit_ids(user_input.get(CONF_UNIT_IDS, ""))
            except ValueError:
                errors = {CONF_UNIT_IDS: "bad_unit_ids"}
            if NO_TRAPS < user_input.get(CONF_TRAP_PORT, NO_TRAPS) < FIRST_TRAP_PORT:
                errors = {CONF_TRAP_PORT: "bad_trap_port"}
            if user_input.get(CONF_CONFIRMED) and user_input[CONF_PROFILE] != self._map:
                errors = {CONF_CONFIRMED: "compare_first"}
            if not errors:
                self._options = {name: value for name, value in user_input.items() if name != CONF_FULL_SCAN}
                if CONF_UNIT_IDS in user_input:
                    self._options[CONF_UNIT_IDS] = unit_ids
                if self._full or set(unit_ids) - set(self.config_entry.options.get(CONF_UNIT_IDS, [])):
                    return await self.async_step_scan()
                if CONF_PROFILE in self._options:
                    self._take_map(self._options.pop(CONF_PROFILE), confirmed=self._options.pop(CONF_CONFIRMED))
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
        news = [device.stored for device in not_known(found, [Found(**stored) for stored in known])]
        self.hass.config_entries.async_update_entry(
            self.config_entry,
            data={**self.config_entry.data, CONF_DEVICES: [*known, *news]},
            options=self._options,
        )
        # The end of the flow reloads for changed options alone, and there may be none.
        self.hass.config_entries.async_schedule_reload(self.config_entry.entry_id)
        return self.async_create_entry(data=self._options)

    @property
    def _map(self) -> str:
        """The map that the inverter is read with."""
        return self.config_entry.data.get(CONF_PROFILE) or NO_MAP

    def _take_map(self, chosen: str, *, confirmed: bool) -> None:
        """Read the inverter with this map from now on."""
        entry = self.config_entry
        profile = None if chosen == NO_MAP else chosen
        data = with_map(entry.data, profile, self._profiles, confirmed=confirmed and profile is not None)
        if self.hass.config_entries.async_update_entry(entry, data=data):
            if profile is None:
                # There is no device any more that would take it back.
                ir.async_delete_issue(self.hass, DOMAIN, f"map_not_confirmed_{data[CONF_UID]}_{INVERTER_KEY}")
            self.hass.config_entries.async_schedule_reload(entry.entry_id)

    def _suggested(self) -> dict[str, Any]:
        options = self.config_entry.options
        return {**options, CONF_UNIT_IDS: ", ".join(str(unit_id) for unit_id in options.get(CONF_UNIT_IDS, []))}

    def _schema(self) -> vol.Schema:
        gateway = self.config_entry.data[CONF_GATEWAY]
        kind = KINDS[gateway]
        return vol.Schema(
            {
                vol.Required(CONF_INTERVAL, default=kind.interval): number(*kind.intervals, "s"),
                vol.Required(CONF_DELAY, default=0): number(0, 30, "s"),
                vol.Required(CONF_CONTROLS, default=[]): choice(
                    CONF_CONTROLS, [danger.value for danger in kind.dangers], multiple=True
                ),
                vol.Required(CONF_MONITOR_CONNECTION, default=Communication.on): BooleanSelector(),
                vol.Required(CONF_TOLERATED_GAP, default=Communication.gap): number(10, 86_400, "s"),
                **_OWN[gateway](self.config_entry.data, self._profiles),
                **_WRITE_REGISTER[kind.takes_register_writes],
            }
        )


def _of_victron_gx(data: Mapping[str, Any], profiles: Mapping[str, Profile]) -> dict[vol.Marker, Any]:
    return {
        vol.Required(CONF_MAXIMUM_INPUT_CURRENT, default=100): number(1, 1000, "A", 0.1),
        vol.Optional(CONF_BATTERY_MANAGEMENT): section(BATTERY_MANAGEMENT, {"collapsed": True}),
        vol.Optional(CONF_HEALTH_CHECKS): section(HEALTH_CHECKS, {"collapsed": True}),
        vol.Optional(CONF_UNIT_IDS, default=""): TextSelector(),
        vol.Optional(CONF_FULL_SCAN, default=False): BooleanSelector(),
    }


def _of_netvision(data: Mapping[str, Any], profiles: Mapping[str, Profile]) -> dict[vol.Marker, Any]:
    # The MIB shows itself.
    table: dict[vol.Marker, Any] = (
        {}
        if data[CONF_CHANNELS] == SNMP
        else {
            vol.Required(CONF_TABLE, default=data.get(CONF_TABLE, AUTOMATIC)): choice(
                CONF_TABLE, [AUTOMATIC, *(table.value for table in TABLES)]
            ),
        }
    )
    return {**table, vol.Required(CONF_TRAP_PORT, default=NO_TRAPS): integer(NO_TRAPS, 65535)}


def _of_solarman(data: Mapping[str, Any], profiles: Mapping[str, Profile]) -> dict[vol.Marker, Any]:
    used = data[CONF_PROFILE] or NO_MAP
    offered = [profile for profile in profiles.values() if not profile.gateways or SOLARMAN in profile.gateways]
    # A map that is missing now stays chosen: it may come back.
    missing = [] if used == NO_MAP or used in profiles else [used]
    return {
        **map_field(offered, used, NO_MAP, *missing),
        vol.Required(CONF_CONFIRMED, default=data[CONF_CONFIRMED]): BooleanSelector(),
        **coupling_field(data[CONF_COUPLING]),
    }


def _of_legrand(data: Mapping[str, Any], profiles: Mapping[str, Profile]) -> dict[vol.Marker, Any]:
    return {vol.Required(CONF_SPACING, default=0): number(0, 500, "ms")}


_WRITE_REGISTER: Mapping[bool, Mapping[vol.Marker, Any]] = {
    True: {vol.Required(CONF_WRITE_REGISTER, default=False): BooleanSelector()},
    False: {},
}

_OWN: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Profile]], dict[vol.Marker, Any]]] = {
    VICTRON_GX: _of_victron_gx,
    NETVISION: _of_netvision,
    SOLARMAN: _of_solarman,
    LEGRAND: _of_legrand,
}
"""The options of each kind of gateway beside those of all."""

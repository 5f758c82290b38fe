"""A SOLARMAN logger stick: where it is, which number it has, and which map fits the inverter behind it."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from textwrap import shorten
from typing import Any, Final, override

import voluptuous as vol
from homeassistant.config_entries import SOURCE_RECONFIGURE, ConfigEntry, ConfigEntryState, ConfigFlowResult
from homeassistant.const import CONF_HOST, CONF_PORT
from homeassistant.helpers.selector import (
    BooleanSelector,
    FileSelector,
    FileSelectorConfig,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    TextSelector,
)
from homeassistant.helpers.service_info.dhcp import DhcpServiceInfo

from ..const import (
    CONF_CONFIRMED,
    CONF_COUPLING,
    CONF_DEVICES,
    CONF_LOGGER_SERIAL,
    CONF_METERING,
    CONF_PROFILE,
    CONF_PROFILE_FILE,
    CONF_PROTOCOL,
    CONF_SEARCH,
    CONF_STICK,
    CONF_UNIT_ID,
    DOMAIN,
)
from ..gateways.base import CannotConnect, Device, Found
from ..gateways.connections import reach
from ..gateways.kinds import KINDS
from ..gateways.profiles.document import ProfileError
from ..gateways.profiles.library import SUFFIXES
from ..gateways.profiles.schema import Profile
from ..gateways.profiles.trial import Trial, Verdict
from ..gateways.solarman.aura import COUPLINGS, METERINGS
from ..gateways.solarman.discovery import PORT, FoundStick, ask
from ..gateways.solarman.gateway import (
    INVERTER_KEY,
    LISTEN,
    MODBUS_TCP,
    V5,
    Diagnosis,
    SolarmanGateway,
    Trouble,
)
from ..gateways.solarman.v5 import LARGEST_SERIAL
from ..profiles import async_get_library, async_take_upload, problem
from .common import GatewayFlow, host_of, kept_options
from .fields import PORT as PORT_FIELD
from .fields import choice, integer
from .values import async_get_texts, lines

SOLARMAN = "solarman"
AUTOMATIC = "auto"
NO_MAP = "none"
BROADCAST = "255.255.255.255"
"""Whom a search of the network asks."""
DISCOVERY_PORT = PORT

_ERRORS: Final[Mapping[Trouble, Mapping[str, str]]] = {
    Trouble.REFUSED: {"base": "stick_refused"},
    Trouble.UNREACHABLE: {"base": "unreachable"},
    Trouble.WRONG_SERIAL: {CONF_LOGGER_SERIAL: "stick_wrong_serial"},
    Trouble.NO_LOCAL_ACCESS: {"base": "stick_no_local_access"},
    Trouble.NOT_V5: {"base": "stick_not_v5"},
    Trouble.SILENT: {"base": "stick_silent"},
}
"""The errors of the form; of what is not here another way to the stick is known."""
_NOTHING_TOLD: Final[Mapping[str, str]] = {**Diagnosis(Trouble.SILENT).placeholders, "line": "", "problem": ""}
_LONGEST_LABEL: Final = 100

_ADDRESS: Mapping[vol.Marker, Any] = {
    # A search finds the host.
    vol.Optional(CONF_HOST, default=""): TextSelector(),
    vol.Optional(CONF_LOGGER_SERIAL, default=""): TextSelector(),
    vol.Required(CONF_PORT, default=KINDS[SOLARMAN].port): PORT_FIELD,
    vol.Required(CONF_UNIT_ID, default=1): integer(1, 247),
}


def coupling_field(default: str) -> dict[vol.Marker, Any]:
    """How the installation is coupled."""
    return {vol.Required(CONF_COUPLING, default=default): choice(CONF_COUPLING, list(COUPLINGS))}


def map_field(profiles: Iterable[Profile], default: str, *others: str) -> dict[vol.Marker, Any]:
    """Which map is used: one of the profiles, or another choice, whose name is translated."""
    options = [SelectOptionDict(value=other, label=other) for other in others]
    for profile in profiles:
        label = shorten(f"{profile.id}: {profile.source}", _LONGEST_LABEL, placeholder=" …")
        options.append(SelectOptionDict(value=profile.id, label=label))
    select = SelectSelector(SelectSelectorConfig(options=options, translation_key=CONF_PROFILE))
    return {vol.Required(CONF_PROFILE, default=default): select}


def with_map(
    data: Mapping[str, Any], profile: str | None, profiles: Mapping[str, Profile], *, confirmed: bool
) -> dict[str, Any]:
    """The data of an entry whose inverter is read with another map, or with none."""
    devices = [found for found in data[CONF_DEVICES] if found["key"] != INVERTER_KEY]
    if profile is not None:
        known = next((Found(**found) for found in data[CONF_DEVICES] if found["key"] == INVERTER_KEY), None)
        if profile in profiles:
            kind = profiles[profile].kind
            known = replace(known or Found(key=INVERTER_KEY, kind=kind, unit_id=data[CONF_UNIT_ID]), kind=kind)
        if known is not None:
            devices.append(replace(known, profile=profile, confirmed=confirmed).stored)
    return {**data, CONF_PROFILE: profile, CONF_CONFIRMED: confirmed, CONF_DEVICES: devices}


def serial_of(text: str) -> int | None:
    """The serial number as typed, None where nothing was. Raises ``ValueError``."""
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()) or not 0 < int(text) <= LARGEST_SERIAL:
        raise ValueError(text)
    return int(text)


async def _sticks_at(host: str, *, broadcast: bool = False) -> list[FoundStick]:
    """The sticks that answer; none where the question cannot be sent."""
    try:
        return await ask(host, port=DISCOVERY_PORT, broadcast=broadcast)
    except OSError:
        return []


class SolarmanSteps(GatewayFlow):
    """Add a stick, or give it another address or number."""

    def __init__(self) -> None:
        """Start with nothing asked."""
        super().__init__()
        self._entered: dict[str, Any] = {}
        """What was last entered in the form, or is known before it is shown."""
        self._stick: dict[str, Any] = {}
        """The way to the stick that is tried."""
        self._told: dict[str, str] = {}
        """What fills the texts of the form's errors."""
        self._sticks: dict[str, FoundStick] = {}
        self._profiles: dict[str, Profile] = {}
        self._trying: asyncio.Task[None] | None = None
        self._trials: dict[str, Trial] = {}
        self._devices: dict[str, Device] = {}
        """By map: the device that the values are of."""
        self._map: str | None = None
        """The map whose values are shown."""

    # --- where it is -------------------------------------------------------------------------------------------------

    async def async_step_solarman(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask where the stick is and what is behind it."""
        if user_input is None:
            return await self._ask_for_stick({})
        self._entered = user_input
        if (file := user_input.pop(CONF_PROFILE_FILE, None)) and (errors := await self._take_profile(file)):
            return await self._ask_for_stick(errors)
        if not user_input[CONF_SEARCH]:
            return await self._take_address()
        known = self._async_current_ids(include_ignore=False)
        found = await _sticks_at(BROADCAST, broadcast=True)
        self._sticks = {str(stick.serial): stick for stick in found if str(stick.serial) not in known}
        if self._sticks:
            return await self.async_step_solarman_found_sticks()
        return await self._ask_for_stick({"base": "no_stick_found"})

    async def async_step_solarman_found_sticks(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask which of the sticks that answered it is."""
        if user_input is not None:
            stick = self._sticks[user_input[CONF_STICK]]
            address = {CONF_HOST: stick.host, CONF_LOGGER_SERIAL: str(stick.serial), CONF_SEARCH: False}
            self._entered = {**self._entered, **address}
            return await self._take_address()
        options = [
            SelectOptionDict(value=serial, label=f"{serial} ({stick.host})") for serial, stick in self._sticks.items()
        ]
        schema = {vol.Required(CONF_STICK): SelectSelector(SelectSelectorConfig(options=options))}
        return self.async_show_form(step_id="solarman_found_sticks", data_schema=vol.Schema(schema))

    async def async_reconfigure_solarman(self, user_input: dict[str, Any] | None) -> ConfigFlowResult:
        """Ask where the stick is now, or which one is there in its place."""
        entry = self._get_reconfigure_entry()
        if user_input is None:
            self._entered = {**entry.data, CONF_LOGGER_SERIAL: str(entry.data[CONF_LOGGER_SERIAL])}
            return await self._ask_for_stick({})
        self._entered = user_input
        async with self._released(entry):
            return await self._take_address()

    @asynccontextmanager
    async def _released(self, entry: ConfigEntry) -> AsyncIterator[None]:
        """Hold nothing of a stick in whose place another may be: it may serve one client at a time."""
        same = _stick_of(entry.data) == _stick_of(self._entered)
        released = (
            not same
            and entry.state is ConfigEntryState.LOADED
            and await self.hass.config_entries.async_unload(entry.entry_id)
        )
        try:
            yield
        finally:
            if released and entry.state is ConfigEntryState.NOT_LOADED:
                self.hass.config_entries.async_schedule_reload(entry.entry_id)

    async def _ask_for_stick(self, errors: Mapping[str, str]) -> ConfigFlowResult:
        """The form, with what was entered in it and what is wrong with that."""
        placeholders = {**_NOTHING_TOLD, **self._told}
        if self.source == SOURCE_RECONFIGURE:
            return self.async_show_form(
                step_id="reconfigure",
                data_schema=self.add_suggested_values_to_schema(vol.Schema(dict(_ADDRESS)), self._entered),
                errors=dict(errors),
                description_placeholders=placeholders,
            )
        await self._load_profiles()
        schema = {
            **_ADDRESS,
            **map_field(self._profiles.values(), AUTOMATIC, AUTOMATIC),
            vol.Optional(CONF_PROFILE_FILE): FileSelector(FileSelectorConfig(accept=",".join(SUFFIXES))),
            **coupling_field(next(iter(COUPLINGS))),
            vol.Required(CONF_METERING, default=METERINGS[0]): choice(CONF_METERING, list(METERINGS)),
            vol.Required(CONF_SEARCH, default=False): BooleanSelector(),
        }
        return self.async_show_form(
            step_id=SOLARMAN,
            data_schema=self.add_suggested_values_to_schema(vol.Schema(schema), self._entered),
            errors=dict(errors),
            description_placeholders=placeholders,
        )

    async def _load_profiles(self) -> None:
        library = await async_get_library(self.hass)
        self._profiles = {profile.id: profile for profile in library.offered_for(gateway=SOLARMAN)}

    async def _take_profile(self, file_id: str) -> dict[str, str]:
        """Keep a profile that was uploaded, and choose it; the errors of the form."""
        try:
            profile = await async_take_upload(self.hass, file_id)
        except ProfileError as err:
            self._told = {"line": str(err.line), "problem": problem(self.hass, err)}
            return {CONF_PROFILE_FILE: "bad_profile"}
        except OSError, ValueError:
            return {CONF_PROFILE_FILE: "profile_not_kept"}
        await self._load_profiles()
        if profile.id not in self._profiles:
            return {CONF_PROFILE_FILE: "profile_of_other_gateway"}
        self._entered = {**self._entered, CONF_PROFILE: profile.id}
        return {}

    @override
    async def async_step_dhcp(self, discovery_info: DhcpServiceInfo) -> ConfigFlowResult:
        # The prefix of its address is that of other modules as well; who answers the question is a stick.
        sticks = await _sticks_at(discovery_info.ip)
        if not sticks:
            return self.async_abort(reason="cannot_connect")
        serial = str(sticks[0].serial)
        await self.async_set_unique_id(serial)
        self._abort_if_unique_id_configured(updates={CONF_HOST: discovery_info.ip})
        self.context["title_placeholders"] = {"name": f"{KINDS[SOLARMAN].title} {serial}"}
        self._entered = {CONF_HOST: discovery_info.ip, CONF_LOGGER_SERIAL: serial}
        return await self._ask_for_stick({})

    # --- whether it answers ------------------------------------------------------------------------------------------

    async def _take_address(self) -> ConfigFlowResult:
        """See what was entered, and go there."""
        entered = self._entered
        host = host_of({CONF_HOST: entered.get(CONF_HOST, "")})
        try:
            serial = serial_of(entered.get(CONF_LOGGER_SERIAL, ""))
        except ValueError:
            return await self._ask_for_stick({CONF_LOGGER_SERIAL: "bad_serial"})
        if not host:
            return await self._ask_for_stick({CONF_HOST: "no_host"})
        if serial is None and (sticks := await _sticks_at(host)):
            serial = sticks[0].serial
        if serial is None:
            try:
                await reach(host, entered[CONF_PORT], LISTEN)
            except CannotConnect as err:
                return await self._ask_for_stick(_ERRORS[Trouble(err.reason)])
            return await self._ask_for_stick({CONF_LOGGER_SERIAL: "serial_not_told"})
        known = self._get_reconfigure_entry().data if self.source == SOURCE_RECONFIGURE else {}
        self._stick = {
            CONF_HOST: host,
            CONF_LOGGER_SERIAL: serial,
            CONF_PORT: entered[CONF_PORT],
            CONF_UNIT_ID: entered[CONF_UNIT_ID],
            CONF_PROTOCOL: known.get(CONF_PROTOCOL, V5),
        }
        return await self._try_stick()

    async def _try_stick(self) -> ConfigFlowResult:
        """Speak with the stick; go on, or back to the form that says what is wrong."""
        diagnosis = await self._reach_stick()
        match diagnosis:
            case None if self.source == SOURCE_RECONFIGURE:
                return await self._take_or_replace(self._found)
            case None:
                await self._abort_if_added()
                return await self.async_step_solarman_try()
            case Diagnosis(Trouble.PLAIN_MODBUS):
                return await self.async_step_solarman_plain()
            case Diagnosis(Trouble.SPEAKS_V5):
                self._stick[CONF_PROTOCOL] = V5
                return await self._try_stick()
            case Diagnosis(trouble):
                self._told = diagnosis.placeholders
                return await self._ask_for_stick(_ERRORS[trouble])

    async def _reach_stick(self) -> Diagnosis | None:
        """What is wrong with the way to the stick. What is behind one that was added is then found again."""
        options = {}
        if self.source == SOURCE_RECONFIGURE:
            entry = self._get_reconfigure_entry()
            options = {**_without(entry.data, self._stick), **kept_options(entry, self._stick)}
        search = self._look_for(SOLARMAN, self._stick, options)
        async with search.gateway() as gateway:
            assert isinstance(gateway, SolarmanGateway)
            try:
                self._identity = await gateway.probe()
            except CannotConnect:
                within = min(LISTEN, search.kind.timeout)
                return await gateway.diagnose(discovery_port=DISCOVERY_PORT, within=within)
            if self.source == SOURCE_RECONFIGURE:
                self._found = [step async for step in gateway.discover() if isinstance(step, Found)]
        return None

    async def async_step_solarman_plain(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask whether to speak plain Modbus TCP with a stick that speaks nothing else."""
        if user_input is None:
            return self.async_show_form(step_id="solarman_plain")
        self._stick[CONF_PROTOCOL] = MODBUS_TCP
        return await self._try_stick()

    # --- which map ---------------------------------------------------------------------------------------------------

    async def async_step_solarman_try(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show that the maps are tried, which takes some seconds for each."""
        if self._trying is None:
            self._trying = self.hass.async_create_task(self._try_maps())
        if not self._trying.done():
            return self.async_show_progress(step_id="solarman_try", progress_action="maps", progress_task=self._trying)
        self._trying.result()
        self._trying = None
        return self.async_show_progress_done(next_step_id="solarman_map")

    async def _try_maps(self) -> None:
        """Try the map that was chosen, or all, and propose the one that fits."""
        chosen = self._entered.get(CONF_PROFILE, AUTOMATIC)
        trials = await self._look(self._profiles if chosen == AUTOMATIC else [chosen])
        self._trials = {trial.profile.id: trial for trial in trials}
        can_be_it = chosen != AUTOMATIC or (trials and trials[0].verdict <= Verdict.UNSURE)
        self._map = trials[0].profile.id if trials and can_be_it else None

    async def _look(self, maps: Iterable[str]) -> list[Trial]:
        assert self._search is not None
        async with self._search.gateway() as gateway:
            assert isinstance(gateway, SolarmanGateway)
            trials = await gateway.try_maps([self._profiles[each] for each in maps])
            for trial in trials:
                profile = trial.profile
                device = gateway.device(Found(key=INVERTER_KEY, kind=profile.kind, unit_id=0, profile=profile.id))
                self._devices[profile.id] = device
            return trials

    async def async_step_solarman_map(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show what the maps make of what the inverter says, and ask which of them is right."""
        errors: dict[str, str] = {}
        if user_input is None:
            if any(trial.verdict is Verdict.DEVICE_SILENT for trial in self._trials.values()):
                # No obstacle: many inverters sleep at night.
                errors = {"base": "inverter_silent"}
        else:
            chosen, confirmed = user_input[CONF_PROFILE], user_input[CONF_CONFIRMED]
            if chosen == NO_MAP:
                return await self._show_found(None, confirmed=False)
            if chosen != self._map:
                (self._trials[chosen],) = await self._look([chosen])
                self._map = chosen
                errors = {"base": "compare_values"}
            elif confirmed and not self._trials[chosen].values:
                errors = {CONF_CONFIRMED: "nothing_to_compare"}
            else:
                return await self._show_found(chosen, confirmed=confirmed)
        schema = {
            **map_field(self._profiles.values(), self._map or NO_MAP, NO_MAP),
            vol.Required(CONF_CONFIRMED, default=False): BooleanSelector(),
        }
        return self.async_show_form(
            step_id="solarman_map",
            data_schema=vol.Schema(schema),
            errors=errors,
            description_placeholders=await self._tell_trials(),
        )

    async def _show_found(self, profile: str | None, *, confirmed: bool) -> ConfigFlowResult:
        """Show what is added with this map."""
        chosen = {name: self._entered[name] for name in (CONF_COUPLING, CONF_METERING)}
        search = self._look_for(SOLARMAN, {**self._stick, CONF_PROFILE: profile, CONF_CONFIRMED: confirmed, **chosen})
        async with search.gateway() as gateway:
            self._found = [step async for step in gateway.discover() if isinstance(step, Found)]
        return await self.async_step_found()

    async def _tell_trials(self) -> dict[str, str]:
        """How well each map fits, and the values of the one that is chosen, a line each."""
        texts = await async_get_texts(self.hass)
        maps = [
            f"- {name}: {texts.get(f'component.{DOMAIN}.selector.verdict.options.{trial.verdict.word}')}"
            for name, trial in self._trials.items()
        ]
        told: Iterable[str] = ()
        if self._map is not None:
            told = lines(self._trials[self._map].values, self._devices[self._map], texts, self.hass.config.language)
        values = "\n".join(f"- {each}" for each in told)
        return {"maps": "\n".join(maps) or "-", "map": self._map or "-", "values": values or "-"}


def _stick_of(settings: Mapping[str, Any]) -> tuple[str, str, int]:
    """What tells one connection to a stick from another, as stored or as entered."""
    return host_of(settings), str(settings[CONF_LOGGER_SERIAL]).strip(), settings[CONF_PORT]


def _without(data: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name not in names}

"""What goes wrong on the wire: nothing else stops working, nothing false is shown, everything comes back."""

import asyncio
import logging
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import PropertyMock, patch

import pytest
from homeassistant.const import EVENT_STATE_CHANGED, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers.entity import Entity

from custom_components.energy_suite.gateways import kinds
from custom_components.energy_suite.gateways.registers import Registers
from demo.faults import Answer, Fault, cut, delay, disconnect, flip_header_bit, other_transaction, silence, zeros
from demo.gx import GxSimulator
from demo.modbus import Injection, Request
from demo.registers import NEWEST, load_registers, parse_version
from demo.site import Site, SiteConfig
from demo.victron_house import INSTANCES, VictronHouse
from tests.conftest import EVERY_CONTROL, NOON, Suite, stored_entry

TIMEOUT = 0.2
KIND_OF = {
    "vebus": "inverter_charger",
    "battery": "battery",
    "solarcharger": "solar_charger",
    "grid": "grid_meter",
    "pvinverter": "pv_inverter",
    "evcharger": "ev_charger",
    "generator": "generator",
}
BEHIND = set(KIND_OF.values())
EVERYTHING = BEHIND | {"gx"}
LOGGERS = ("custom_components", "pymodbus", "modbus_connection")

# Go on by themselves, also in a house that stands still.
COMPUTED = ("solar_energy", "battery_charged_energy", "battery_discharged_energy", "consumption_energy")
NOT_READ = ("achieved_interval", "connection")
OF_THE_DEVICE = ("problem", "alarm", "search_again")

# Registers that are not asked for on every firmware that has them: 265 tells what 330 does, and in the place of the
# others servers had something else for a while.
LEFT_OUT = {330, 1318, *range(1322, 1337)}


# --- the running integration, watched ----------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _every_value_at_once(_quick: None) -> Iterator[None]:
    """Every entity is enabled and shows every change, so that nothing false slips by."""
    kind = kinds.KINDS["victron_gx"]
    quick = replace(kind, timeout=TIMEOUT)
    with (
        patch.object(Entity, "entity_registry_enabled_default", PropertyMock(return_value=True)),
        patch("custom_components.energy_suite.publishing.QUIET", 0),
        patch.dict(kinds.KINDS, {"victron_gx": quick}),
    ):
        yield


@pytest.fixture
def version() -> str:
    """The GX's Modbus server; tests override it by parametrising."""
    return NEWEST


@pytest.fixture
def phases() -> int:
    """How many phases the house has; tests override it by parametrising."""
    return 1


@pytest.fixture
async def house(socket_enabled: None, version: str, phases: int) -> AsyncIterator[VictronHouse]:
    """A house at noon that has counted energy for a while."""
    async with GxSimulator(write_delay=0) as gx:
        house = VictronHouse(gx, Site(SiteConfig(phases=phases), NOON))
        install(gx, version)
        counters = house.site.counters
        for name in ("battery_in", "battery_out", "pv_inverter", "solar_charger", "car"):
            setattr(counters, name, 1234.5)
        counters.inverter_to_output = counters.output_to_inverter = 321.0
        counters.grid_import, counters.grid_export = 1250.0, 836.0
        counters.grid_import_phases[:phases] = [1250.0 / phases] * phases
        counters.grid_export_phases[:phases] = [836.0 / phases] * phases
        house.advance(60)
        yield house


@asynccontextmanager
async def running(hass: HomeAssistant, house: VictronHouse) -> AsyncIterator[Suite]:
    """The integration, set up with a house that the test has changed before."""
    entry = await stored_entry(house)
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    try:
        yield Suite(hass, house, entry)
    finally:
        await hass.config_entries.async_unload(entry.entry_id)


def install(gx: GxSimulator, version: str) -> None:
    """Put another version of the server on the GX."""
    gx._registers = load_registers(version)
    gx._direct_first = parse_version(version) >= parse_version("v1.0.88")


class Watch:
    """What every entity has shown, and what was logged, since the gateway was read for the first time."""

    def __init__(self, suite: Suite, caplog: pytest.LogCaptureFixture) -> None:
        self.suite = suite
        self.shown: dict[str, list[str]] = defaultdict(list)
        """Entity id -> its states, in order."""
        self._true: dict[str, set[str]] = defaultdict(set)
        self._caplog = caplog
        self._keys = {device.id: kind for kind in EVERYTHING if (device := self._device(kind)) is not None}
        self.registered = {
            entity.entity_id: entity
            for entity in suite.entities.entities.get_entries_for_config_entry_id(suite.entry.entry_id)
        }
        self.accept()
        suite.hass.bus.async_listen(EVENT_STATE_CHANGED, self._note)

    def _device(self, kind: str) -> Any:
        if not any(kind in (found["key"], found["kind"]) for found in self.suite.entry.data["devices"]):
            return None
        return self.suite.devices.async_get(self.suite.device_id(kind))

    @callback
    def _note(self, event: Event[EventStateChangedData]) -> None:
        if event.data["entity_id"] in self.registered and (state := event.data["new_state"]) is not None:
            self.shown[state.entity_id].append(state.state)

    def key(self, entity_id: str) -> str:
        """The entity's key within its device."""
        prefix = f"{self.suite.entry.data['uid']}_{self.suite.key(self.kind(entity_id))}_"
        return self.registered[entity_id].unique_id.removeprefix(prefix)

    def kind(self, entity_id: str) -> str:
        """The kind of device that the entity belongs to."""
        device_id = self.registered[entity_id].device_id
        assert device_id is not None
        return self._keys[device_id]

    def accept(self) -> None:
        """Take what is shown now for true, beside what was before."""
        for entity_id in self.registered:
            state = self.suite.hass.states.get(entity_id)
            assert state is not None
            self._true[entity_id].add(state.state)

    def expect(self, kind: str, key: str, *values: str) -> None:
        """Take these values for true too."""
        self._true[self.suite.entity_id(kind, key)].update(values)

    @property
    def false(self) -> dict[str, list[str]]:
        """Entity id -> what it showed although it never was so."""
        false: dict[str, list[str]] = {}
        for entity_id, states in self.shown.items():
            key = self.key(entity_id)
            if key in NOT_READ:
                continue
            if key in COMPUTED and self.kind(entity_id) == "gx":
                wrong = [state for state in states if state != STATE_UNAVAILABLE and not 0 <= float(state) < 1]
            else:
                wrong = [state for state in states if state not in (STATE_UNAVAILABLE, *self._true[entity_id])]
            if wrong:
                false[entity_id] = wrong
        return false

    @property
    def fallen(self) -> dict[str, list[float]]:
        """Entity id -> the values of a counter that went down."""
        fallen: dict[str, list[float]] = {}
        for entity_id, states in self.shown.items():
            capabilities = self.registered[entity_id].capabilities or {}
            if capabilities.get("state_class") == "total_increasing":
                values = [float(state) for state in states if state not in (STATE_UNAVAILABLE, STATE_UNKNOWN)]
                if values != sorted(values):
                    fallen[entity_id] = values
        return fallen

    @property
    def interrupted(self) -> set[str]:
        """The devices of which something was unavailable."""
        return {self.kind(entity_id) for entity_id, states in self.shown.items() if STATE_UNAVAILABLE in states}

    @property
    def away(self) -> set[str]:
        """The devices of which something is unavailable now."""
        return {self.kind(state.entity_id) for state in self._states() if state.state == STATE_UNAVAILABLE}

    @property
    def all_away(self) -> bool:
        """Whether everything is unavailable now."""
        return self._nothing_but(NOT_READ)

    @property
    def nothing_read_is_shown(self) -> bool:
        """Whether no value is shown that was read; what stands for the device itself may be."""
        return self._nothing_but((*NOT_READ, *OF_THE_DEVICE))

    def _nothing_but(self, keys: tuple[str, ...]) -> bool:
        return all(it.state == STATE_UNAVAILABLE for it in self._states() if self.key(it.entity_id) not in keys)

    def _states(self) -> list[Any]:
        return [state for entity_id in self.registered if (state := self.suite.hass.states.get(entity_id)) is not None]

    @property
    def logged(self) -> Counter[str]:
        """What was logged as a warning or worse."""
        return Counter(
            record.getMessage()
            for record in self._caplog.get_records("call")
            if (record.name.startswith(LOGGERS) and record.levelno >= logging.WARNING)
            or (record.name.startswith(("asyncio", "homeassistant")) and record.levelno >= logging.ERROR)
        )

    @property
    def told_once(self) -> bool:
        """Whether nothing was logged but the end and the return of each device's answers, in turn."""
        told: dict[str, list[str]] = defaultdict(list)
        for record in self._caplog.get_records("call"):
            for what in (" does not answer", " answers again"):
                if record.name.startswith(LOGGERS) and what in record.getMessage():
                    told[record.getMessage().partition(what)[0]].append(what)
        in_turn = all(whats == [" does not answer", " answers again"] * (len(whats) // 2) for whats in told.values())
        return in_turn and self.logged.total() == sum(map(len, told.values())) // 2

    def verify(self, *, interrupted: set[str] = frozenset(), logged: int | None = None) -> None:  # type: ignore[assignment] # an empty set
        """Nothing false was shown, nothing else was interrupted, nothing was logged twice, everything is back."""
        assert self.false == {}
        assert self.fallen == {}
        assert self.interrupted == interrupted
        assert self.away == set()
        assert [message for message, times in self.logged.items() if times > 1] == []
        assert self.logged.total() == (len(interrupted) if logged is None else logged), self.logged


async def everything_read(suite: Suite) -> None:
    """Wait until everything was read anew, live or slow."""
    runtime = suite.entry.runtime_data
    for coordinator in runtime.coordinators.values():
        runtime.lease.runner.expedite(coordinator.reading_name)
    await suite.reports(1)


@pytest.fixture
async def watch(suite: Suite, caplog: pytest.LogCaptureFixture) -> Watch:
    """Watch the integration from the moment that everything was read."""
    suite.entry.runtime_data.lease.runner.schedule.slow_interval = 0.7
    await everything_read(suite)
    caplog.clear()
    watch = Watch(suite, caplog)
    assert watch.away == set()
    return watch


def first_of(suite: Suite, kind: str) -> Callable[[Request], bool]:
    """Accepts the requests for the first block of a device's first part."""
    device = suite.entry.runtime_data.coordinators[suite.key(kind)].device
    part = next(iter(device.parts.values()))
    low = part.register_ranges[0][0]
    return lambda request: request.unit == device.unit_id and request.address == low and request.function in (3, 4)


async def spent(suite: Suite, injection: Injection) -> None:
    """Wait until a fault has hit as many requests as it was made for, and everything was read again."""
    await suite.until(lambda: injection not in suite.gx.faults)
    await suite.reports(1)


def dropped(suite: Suite, kind: str) -> int:
    """How many readings of a device's live part were not believed."""
    parts = suite.entry.runtime_data.coordinators[suite.key(kind)].device.parts
    return int(next(iter(parts.values())).dropped)


def in_proportion(suite: Suite) -> None:
    """Make the interval longer than the timeout, as it is by default: else a silent device makes all others stale."""
    suite.entry.runtime_data.lease.runner.schedule.interval = 2 * TIMEOUT


def flip(register: int, bit: int) -> Fault:
    """One bit of one register of the answer is wrong, counted from the first."""

    def fault(answer: Answer) -> Answer:
        frame = bytearray(answer.frame)
        frame[9 + 2 * register + (1 - bit // 8)] ^= 1 << bit % 8
        return replace(answer, frame=bytes(frame))

    return fault


def transaction_zero(answer: Answer) -> Answer:
    """Answer as gateways do that do not repeat the transaction id."""
    return replace(answer, frame=answer.frame and b"\0\0" + answer.frame[2:])


def each_once() -> Callable[[Request], bool]:
    """Accepts one request for each block."""
    seen: set[tuple[int, int]] = set()

    def only(request: Request) -> bool:
        block = (request.unit, request.address)
        return block not in seen and not seen.add(block)  # type: ignore[func-returns-value] # None, said on purpose

    return only


# --- what stops answering ----------------------------------------------------------------------------------------


async def test_a_device_that_vanishes_takes_nothing_with_it_and_comes_back(watch: Watch, suite: Suite):
    async def vanish_and_return(service: str, volts: int) -> None:
        suite.gx.vanish(service, INSTANCES[service])
        await suite.until(lambda: watch.away == {KIND_OF[service]})
        assert suite.state("gx", "connection") == "on"
        # What goes on is read: a change elsewhere is seen at once.
        watch.expect("gx", "battery_voltage", f"{volts}.0")
        suite.gx.set("system", 0, "/Dc/Battery/Voltage", float(volts))
        await suite.shows("gx", "battery_voltage", f"{volts}.0")
        suite.gx.reappear(service, INSTANCES[service])
        await suite.until(lambda: watch.away == set())

    for volts, service in enumerate(KIND_OF, 45):
        await vanish_and_return(service, volts)
    watch.verify(interrupted=BEHIND)


async def test_a_gx_that_reboots_is_read_again_without_a_reload(watch: Watch, suite: Suite):
    suite.gx.stop()
    await suite.until(lambda: watch.all_away)
    assert suite.state("gx", "connection") == "off"
    await suite.gx.start()
    await suite.until(lambda: watch.away == set())
    assert suite.state("gx", "connection") == "on"
    assert suite.gx.connections_now == 1
    watch.verify(interrupted=EVERYTHING)


async def test_a_server_that_falls_silent_is_read_again_when_it_speaks(watch: Watch, suite: Suite):
    suite.entry.runtime_data.lease.runner.schedule.slow_interval = 0.2
    before = len(suite.gx.requests)
    with suite.gx.inject(silence()):
        await suite.until(lambda: watch.nothing_read_is_shown)
        # Not every device had to be asked in vain for that: what it said last is stale as well.
        assert len(suite.gx.requests) - before < 2 * len(EVERYTHING)
    await suite.until(lambda: watch.away == set())
    assert watch.told_once
    watch.verify(interrupted=EVERYTHING, logged=watch.logged.total())


async def test_a_device_that_falls_silent_takes_nothing_with_it(watch: Watch, suite: Suite):
    in_proportion(suite)
    with suite.gx.inject(silence(), only=lambda request: request.unit == 30):
        await suite.until(lambda: watch.away == {"grid_meter"})
        watch.expect("ev_charger", "power", "1234")
        suite.gx.set("evcharger", 40, "/Ac/Power", 1234.0)
        await suite.shows("ev_charger", "power", "1234")
    await suite.until(lambda: watch.away == set())
    watch.verify(interrupted={"grid_meter"})


# --- answers that are no answers ---------------------------------------------------------------------------------


async def test_a_connection_that_ends_and_an_answer_that_is_spoilt_go_unnoticed(watch: Watch, suite: Suite):
    suite.gx.disconnect_all()
    await suite.reports(1)
    headers = {"unit": 0, "length": 8, "shorter": 9, "protocol": 24, "transaction": 40}
    faults = {
        "silence": silence(),
        "cut": cut(),
        "disconnect": disconnect(),
        "next transaction": other_transaction(1),
        **{name: flip_header_bit(bit) for name, bit in headers.items()},
    }
    for name, fault in faults.items():
        with suite.gx.inject(fault, requests=1, only=first_of(suite, "grid_meter")) as injection:
            await spent(suite, injection)
        assert watch.interrupted == set(), name
        assert suite.gx.connections_now == 1, name
    watch.verify()


async def test_a_device_whose_answers_stay_spoilt_is_unavailable_until_they_are_whole(watch: Watch, suite: Suite):
    in_proportion(suite)
    for fault in (other_transaction(1), flip_header_bit(0)):
        with suite.gx.inject(fault, only=lambda request: request.unit == 20):
            await suite.until(lambda: "pv_inverter" in watch.away)
        await suite.until(lambda: watch.away == set())
    assert watch.false == {}
    assert watch.fallen == {}
    assert watch.interrupted == {"pv_inverter"}


async def test_an_answer_that_comes_after_its_timeout_is_never_taken_for_the_next(watch: Watch, suite: Suite):
    def late(answer: Answer) -> Answer:
        """Say another power, too late, while the next request waits for its own answer."""
        suite.gx.inject(delay(0.08), requests=1)
        return delay(TIMEOUT + 0.04)(flip(2639 - 2600, 12)(answer))

    for also in (delay(0), transaction_zero):
        for kind in ("grid_meter", "gx"):
            suite.gx.inject(also, requests=1, only=first_of(suite, kind))
            with suite.gx.inject(late, requests=1, only=first_of(suite, kind)) as injection:
                await spent(suite, injection)
    watch.verify()


# --- answers that are wrong --------------------------------------------------------------------------------------


async def test_a_value_beyond_reason_is_not_shown_unless_it_stays(watch: Watch, suite: Suite):
    is_grid = first_of(suite, "grid_meter")
    high, low = 2638 - 2600, 2639 - 2600
    with suite.gx.inject(flip(high, 14), requests=1, only=is_grid) as injection:
        await spent(suite, injection)
    watch.verify()
    leapt = str(int(suite.state("grid_meter", "power")) ^ 1 << 12)
    watch.expect("grid_meter", "power", leapt)
    with suite.gx.inject(flip(low, 12), requests=1, only=is_grid) as injection:
        await spent(suite, injection)
    assert watch.shown[suite.entity_id("grid_meter", "power")] == [leapt, suite.state("grid_meter", "power")]
    # What the next reading confirms is the strange voltage that the electrician looks for.
    watch.expect("grid_meter", "voltage", "2000.0")
    suite.gx.set("grid", 30, "/Ac/L1/Voltage", 2000.0)
    await suite.shows("grid_meter", "voltage", "2000.0")
    assert dropped(suite, "grid_meter") == 2
    watch.verify()


async def test_an_energy_counter_that_leaps_is_never_shown(watch: Watch, suite: Suite):
    leaps = [(register - 2600, bit) for register in (2634, 2622, 2628) for bit in (0, 15)]
    for register, bit in leaps:
        with suite.gx.inject(flip(register, bit), requests=1, only=first_of(suite, "grid_meter")) as injection:
            await spent(suite, injection)
    assert dropped(suite, "grid_meter") == len(leaps)
    watch.verify()


async def test_a_burst_of_zeros_is_not_shown(watch: Watch, suite: Suite):
    with suite.gx.inject(zeros(), only=each_once()):
        await suite.reports(6)
    assert all(dropped(suite, kind) for kind in EVERYTHING)
    watch.verify()


async def test_zeros_that_persist_are_shown_and_counters_wait_longer(watch: Watch, suite: Suite):
    imported = suite.state("grid_meter", "energy_imported")
    with suite.gx.inject(zeros(), requests=2, only=first_of(suite, "grid_meter")) as injection:
        await suite.shows("grid_meter", "power", "0")
        await spent(suite, injection)
    assert set(watch.shown[suite.entity_id("grid_meter", "energy_imported")]) <= {imported}
    assert watch.shown[suite.entity_id("grid_meter", "power")][0] == "0"
    assert watch.fallen == {}
    # Then the meter was replaced.
    for path in ("/Ac/Energy/Forward", "/Ac/L1/Energy/Forward"):
        suite.gx.set("grid", 30, path, 0.0)
    await suite.shows("grid_meter", "energy_imported", "0.0")
    assert watch.interrupted == set()
    assert watch.logged.total() == 0


def zero(*registers: int) -> Fault:
    """These registers of the answer read 0, counted from the first."""

    def fault(answer: Answer) -> Answer:
        frame = bytearray(answer.frame)
        for register in registers:
            frame[9 + 2 * register : 11 + 2 * register] = b"\0\0"
        return replace(answer, frame=bytes(frame))

    return fault


@pytest.mark.parametrize("fault", [zeros(), zero(3, 22, 23, 34, 35)], ids=["everywhere", "in the energy imported"])
async def test_zeros_in_the_first_answer_after_a_restart_are_no_energy_and_hide_no_entity_for_good(
    hass: HomeAssistant, house: VictronHouse, fault: Fault
):
    states: list[str] = []

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        if event.data["entity_id"] == energy_id and event.data["new_state"]:
            states.append(event.data["new_state"].state)

    async with running(hass, house) as suite:
        await suite.reports(1)
        energy_id = suite.entity_id("grid_meter", "energy_imported")
        energy = suite.state("grid_meter", "energy_imported")
        known = set(hass.states.async_entity_ids())
        assert await hass.config_entries.async_unload(suite.entry.entry_id)
        hass.bus.async_listen(EVENT_STATE_CHANGED, note)
        house.gx.inject(fault, requests=1, only=lambda request: (request.unit, request.address) == (30, 2600))
        assert await hass.config_entries.async_setup(suite.entry.entry_id)
        await hass.async_block_till_done()
        assert house.gx.faults == []
        await suite.shows("grid_meter", "energy_imported", energy)
        assert set(states) <= {energy, STATE_UNKNOWN, STATE_UNAVAILABLE}
        await suite.reports(1)
        assert {it.entity_id for it in hass.states.async_all() if it.state != STATE_UNAVAILABLE} == known


# --- what a GX or a house lacks ----------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["v1.0.60", "v1.0.75", "v1.0.96"])
async def test_an_old_firmware_shows_all_that_it_has_and_is_not_asked_for_more(
    watch: Watch, suite: Suite, version: str
):
    known = load_registers(version)
    devices = [coordinator.device for coordinator in suite.entry.runtime_data.coordinators.values()]
    parts = [part for device in devices for part in device.parts.values() if isinstance(part, Registers)]
    assert len(parts) > 15
    for part in parts:
        service: str = getattr(type(part), "service")  # noqa: B009 - every part of a GX has it, not every part
        for name, field in type(part)._register_fields.items():
            addresses = range(field.address, field.address + field.count)
            has = all(address in known and known[address].service == service for address in addresses)
            if field.address not in LEFT_OUT:
                assert (part.present and name in part.fields) == has, f"{part} {name} {field.address}"
    # What it lacks is no entity; what it has is shown.
    assert not suite.has("grid_meter", "frequency") or version != "v1.0.60"
    assert watch.away == set()
    suite.gx.requests.clear()
    await suite.reports(4)
    assert {request.unit for request in suite.gx.requests} == {device.unit_id for device in devices}
    assert [request for request in suite.gx.requests if request.exception] == []
    watch.verify()


@pytest.mark.parametrize("version", ["v1.0.60"])
async def test_a_firmware_update_brings_its_values_without_a_reload(watch: Watch, suite: Suite):
    assert not suite.has("grid_meter", "frequency")
    suite.gx.stop()
    await suite.until(lambda: watch.all_away)
    install(suite.gx, NEWEST)
    await suite.gx.start()
    await suite.until(lambda: suite.has("grid_meter", "frequency"))
    await suite.shows("grid_meter", "frequency", "50.0")


@pytest.mark.parametrize("phases", [3])
async def test_three_phases_that_become_one_leave_no_false_zeros(watch: Watch, suite: Suite):
    meters = ("grid_meter", "pv_inverter", "inverter_charger")
    lost = [
        entity_id
        for entity_id in watch.registered
        if watch.key(entity_id).endswith(("_l2", "_l3")) and watch.kind(entity_id) in meters
    ]
    assert len(lost) > 20
    for service in ("grid", "pvinverter", "vebus"):
        values = suite.gx.service(service, INSTANCES[service]).values
        for path in values:
            if "/L2/" in path or "/L3/" in path:
                values[path] = None
    suite.gx.set("vebus", INSTANCES["vebus"], "/Ac/NumberOfPhases", 1)
    await suite.until(lambda: all(suite.hass.states.is_state(it, STATE_UNKNOWN) for it in lost))
    for entity_id in lost:
        assert watch.shown[entity_id] == [STATE_UNKNOWN]
    assert suite.state("grid_meter", "power") == suite.state("grid_meter", "power_l1")
    assert watch.fallen == {}
    assert watch.interrupted == set()
    assert watch.logged.total() == 0


async def test_hub4_that_goes_and_returns_takes_only_its_own_with_it(watch: Watch, suite: Suite):
    suite.gx.vanish("hub4")
    await suite.until(lambda: suite.state("gx", "feed_in_limiting") == STATE_UNAVAILABLE)
    assert {watch.key(entity_id) for entity_id in watch.shown if STATE_UNAVAILABLE in watch.shown[entity_id]} == {
        "feed_in_limiting"
    }
    suite.gx.reappear("hub4")
    await suite.until(lambda: watch.away == set())
    watch.verify(interrupted={"gx"}, logged=0)


async def test_a_gx_without_ess_has_no_ess_controls(hass: HomeAssistant, house: VictronHouse):
    house.gx.remove_service("hub4")
    for path in list(house.gx.service("settings").values):
        if "/CGwacs/" in path:
            house.gx.set("settings", 0, path, None)
    async with running(hass, house) as suite:
        await suite.reports(1)
        for key in ("ess_mode", "minimum_state_of_charge", "grid_setpoint", "maximum_discharge_power"):
            assert not suite.has("gx", key), key
        assert not suite.has("gx", "feed_in_limiting")
        assert suite.has("gx", "maximum_charge_current")
        assert [state for state in hass.states.async_all() if state.state == STATE_UNAVAILABLE] == []


# --- what is asked for and makes no sense ------------------------------------------------------------------------


STATE_OF_ESS = "/Settings/CGwacs/BatteryLife/State"
NOT_TAKEN: tuple[tuple[str, str, str, str, dict[str, Any], str], ...] = (
    ("vebus", "/Mode", "inverter_mode", "select_option", {"option": "charger_only"}, "control_not_available"),
    ("vebus", "/Ac/ActiveIn/CurrentLimit", "input_current_limit", "set_value", {"value": 20}, "control_not_available"),
    ("settings", "/Settings/CGwacs/AcPowerSetPoint", "grid_setpoint", "set_value", {"value": 200}, "not_taken"),
    ("settings", STATE_OF_ESS, "ess_mode", "select_option", {"option": "keep_batteries_charged"}, "not_taken"),
    ("evcharger", "/StartStop", "charging", "turn_off", {}, "not_taken"),
    ("system", "/Relay/1/State", "relay_2", "turn_on", {}, "relay_not_manual"),
)


@pytest.mark.parametrize("options", [EVERY_CONTROL])
async def test_a_write_that_is_acknowledged_but_not_taken_is_refused_and_never_shown(watch: Watch, suite: Suite):
    for service, path, key, call, data, reason in NOT_TAKEN:
        kind = KIND_OF.get(service, "gx")
        suite.gx.refuse_writes.add((service, path))
        suite.gx.writes.clear()
        with pytest.raises(HomeAssistantError) as refusal:
            await suite.call(suite.entity_id(kind, key).partition(".")[0], call, kind, key, **data)
        assert refusal.value.translation_key == reason
        if reason == "control_not_available":
            assert "Digital Multi Control" in str(refusal.value)
            assert "BMS V1" in str(refusal.value)
        assert [write.path for write in suite.gx.writes] == [path]
    await suite.reports(2)
    watch.verify()


@pytest.mark.parametrize("options", [EVERY_CONTROL])
async def test_a_number_out_of_its_range_is_refused_before_anything_is_written(watch: Watch, suite: Suite):
    numbers = [entity_id for entity_id in watch.registered if entity_id.startswith("number.")]
    assert len(numbers) >= 6
    for entity_id in numbers:
        state = suite.hass.states.get(entity_id)
        assert state is not None
        attributes = state.attributes
        for value in (attributes["min"] - 1, attributes["max"] + 1, float("nan"), float("inf"), float("-inf")):
            with pytest.raises(ServiceValidationError):
                await suite.hass.services.async_call(
                    "number", "set_value", {"entity_id": entity_id, "value": value}, blocking=True
                )
    assert list(suite.gx.writes) == []
    await suite.reports(2)
    watch.verify()


SENSIBLE = {
    "interval": 5,
    "delay_before_sending": 0,
    "enabled_controls": [],
    "maximum_input_current": 50,
    "unit_ids": "",
    "full_scan": False,
}


async def test_options_that_make_no_sense_are_refused_and_change_nothing(watch: Watch, suite: Suite):
    before = dict(suite.entry.options)
    flow = suite.hass.config_entries.options
    result = await flow.async_init(suite.entry.entry_id)
    for nonsense in (
        {"interval": 0},
        {"interval": 301},
        {"interval": "often"},
        {"delay_before_sending": 99},
        {"delay_before_sending": -1},
        {"enabled_controls": ["everything"]},
        {"maximum_input_current": 0},
        {"maximum_input_current": 5000},
        {"no_such_option": 1},
    ):
        with pytest.raises(InvalidData):
            await flow.async_configure(result["flow_id"], {**SENSIBLE, **nonsense})
    for unit_ids in ("x", "30-", "-3", "41-40", "1-2-3", "248", "30, 999", "3.5", "0x10"):
        result = await flow.async_configure(result["flow_id"], {**SENSIBLE, "unit_ids": unit_ids})
        assert result["type"] is FlowResultType.FORM
        assert result["errors"] == {"unit_ids": "bad_unit_ids"}
    assert dict(suite.entry.options) == before
    await suite.reports(2)
    watch.verify()


# --- all of it, at random ----------------------------------------------------------------------------------------


class Havoc:
    """Faults at random; the same seed gives the same."""

    def __init__(self, suite: Suite, seed: int) -> None:
        self.suite = suite
        self.gx = suite.gx
        self.choose = random.Random(seed)

    async def wreak(self) -> None:
        """One fault, from its beginning to its end."""
        await self.choose.choice(
            [self._wire, self._wire, self._wire, self._burst, self._leap, self._vanish, self._reboot]
        )()

    async def _until_spent(self, fault: Fault, requests: int, only: Callable[[Request], bool] | None = None) -> None:
        with self.gx.inject(fault, requests=requests, only=only) as injection:
            await self.suite.until(lambda: injection not in self.gx.faults)

    async def _wire(self) -> None:
        faults = [
            silence(),
            cut(),
            disconnect(),
            delay(0.02),
            delay(TIMEOUT + 0.02),
            other_transaction(self.choose.randrange(1, 0x10000)),
            flip_header_bit(self.choose.choice([0, 3, 8, 9, 24, 40, 50])),
        ]
        await self._until_spent(self.choose.choice(faults), self.choose.randrange(1, 4))

    async def _burst(self) -> None:
        with self.gx.inject(zeros(), only=each_once()):
            await self.suite.reports(2)

    async def _leap(self) -> None:
        register, bit = self.choose.randrange(2622, 2638), self.choose.randrange(5, 16)
        await self._until_spent(flip(register - 2600, bit), 1, first_of(self.suite, "grid_meter"))

    async def _vanish(self) -> None:
        service = self.choose.choice([*KIND_OF, "hub4"])
        self.gx.vanish(service, INSTANCES[service])
        await self.suite.reports(self.choose.randrange(1, 4))
        self.gx.reappear(service, INSTANCES[service])

    async def _reboot(self) -> None:
        self.gx.stop()
        await self.suite.until(lambda: self.suite.state("gx", "connection") == "off")
        await self.gx.start()


@pytest.mark.parametrize("seed", [2026])
async def test_whatever_comes_and_goes_nothing_false_is_shown_and_nothing_is_left_behind(
    watch: Watch, suite: Suite, seed: int
):
    tasks = len(asyncio.all_tasks())
    connections: list[int] = []
    suite.gx.inject(lambda answer: answer, only=lambda _: bool(connections.append(suite.gx.connections_now)))  # type: ignore[func-returns-value] # None, which is no
    havoc = Havoc(suite, seed)
    for _ in range(6):
        await havoc.wreak()
        await suite.until(lambda: watch.away == set())
        await everything_read(suite)
        assert watch.false == {}
        assert watch.fallen == {}
    assert set(connections) == {1}
    assert len(asyncio.all_tasks()) <= tasks
    assert watch.told_once

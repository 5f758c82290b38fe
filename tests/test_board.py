"""Devices behind a Modbus gateway in Home Assistant: what they show, and what changing one leaves alone."""

import gc
import weakref
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any
from unittest.mock import patch

import pytest
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryNotReady, HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.device_registry import DeviceEntry
from pytest_homeassistant_custom_component.components.diagnostics import get_diagnostics_for_config_entry

from custom_components.energy_suite import async_remove_config_entry_device, publishing, setup
from custom_components.energy_suite.const import DOMAIN
from custom_components.energy_suite.gateways import connections
from custom_components.energy_suite.gateways.profiles import device as profile_device
from custom_components.energy_suite.gateways.schedule import Schedule
from custom_components.energy_suite.memory import Memory
from custom_components.energy_suite.subentries import Subentries, equipment_of
from demo import faults
from demo.board import TripCause
from demo.board_units import still_units
from demo.legrand import ModbusGateway
from demo.modbus import Request
from tests.conftest import BOARD, METER, BoardSuite, device_subentry, stored_board_entry


@pytest.fixture(autouse=True)
def _slow_values_soon() -> Iterator[None]:
    """What is read, or shown, every 30 s is with every round here."""
    quick = partial(Schedule, slow_interval=0.2)
    with (
        patch.object(profile_device, "SLOW_INTERVAL", 0.2),
        patch.object(connections, "Schedule", quick),
        patch.object(publishing, "QUIET", 0.0),
    ):
        yield


def number(suite: BoardSuite, device: str, key: str) -> float:
    return float(suite.state(device, key))


async def shows_number(suite: BoardSuite, device: str, key: str, value: float, within: float) -> None:
    """Wait for an entity to show about that."""

    def met() -> bool:
        state = suite.state(device, key)
        return state not in ("unknown", "unavailable") and abs(float(state) - value) <= within

    try:
        await suite.until(met)
    except TimeoutError:
        pytest.fail(f"{device} {key} shows {suite.state(device, key)}, not {value}")


def change(suite: BoardSuite, device: str, **settings: Any) -> None:
    """Change a device as its dialogue does."""
    subentry = suite.subentry(device)
    equipment = replace(equipment_of(subentry), **settings)
    data = {key: value for key, value in equipment.settings.items() if key != "name"}
    suite.hass.config_entries.async_update_subentry(suite.entry, subentry, title=equipment.name, data=data)


def registered(suite: BoardSuite, device: str) -> DeviceEntry:
    """A device as registered."""
    entry = suite.devices.async_get(suite.device_id(device))
    assert isinstance(entry, DeviceEntry)
    return entry


def asked(suite: BoardSuite, address: int) -> int:
    """How many requests the device at that address got so far."""
    return sum(request.unit == address for request in suite.gateway.requests)


# --- what they show ------------------------------------------------------------------------------------------------


async def test_each_meter_shows_what_its_circuit_carries(board_suite: BoardSuite):
    meters = board_suite.board.meters
    for device, key in (("Main", "main"), ("Heating", "heating"), ("Cooking", "cooking"), ("Sockets", "sockets")):
        await shows_number(board_suite, device, "power", meters[key].power, 10)
        await shows_number(board_suite, device, "energy_imported", meters[key].imported / 1000, 1.001)
    circuits = [meters[key] for key in board_suite.board.circuits]
    total = sum(-meter.power if meter.turned else meter.power for meter in circuits)
    assert meters["main"].power == pytest.approx(total)


async def test_a_breaker_that_trips_tells_everybody(hass: HomeAssistant, board_suite: BoardSuite):
    events: list[Any] = []
    hass.bus.async_listen("state_changed", lambda event: events.append(event.data))
    assert board_suite.state("Hot water", "breaker") == "closed"
    board_suite.board.circuits["hot_water"].breaker.trip(TripCause.SHORT_CIRCUIT)
    board_suite.board.advance(1)
    await board_suite.shows("Hot water", "breaker", "tripped")
    await board_suite.shows("Hot water", "problem", "on")
    assert board_suite.state("Hot water", "trip_cause") == "short_circuit"
    (alarm,) = board_suite.attributes("Hot water", "problem")["alarms"]
    assert (alarm["alarm"], alarm["severity"]) == ("breaker_tripped", "critical")
    assert alarm["text"]
    assert alarm["remedy"]
    raised = board_suite.attributes("Hot water", "alarm")
    assert (raised["event_type"], raised["notify_by_default"]) == ("raised", True)
    assert board_suite.state("Charging", "problem") == "off"


async def test_a_device_excluded_from_alarms_raises_none(board_suite: BoardSuite):
    change(board_suite, "Hot water", exclude_from_alarms=True)
    await board_suite.follows()
    board_suite.board.circuits["hot_water"].breaker.trip()
    board_suite.board.advance(1)
    await board_suite.shows("Hot water", "breaker", "tripped")
    await board_suite.reports()
    assert board_suite.state("Hot water", "problem") == "off"


async def test_both_sides_of_a_station_are_devices(board_suite: BoardSuite):
    left, right = board_suite.board.sides
    left.limit, right.limit = 10, 20
    await shows_number(board_suite, "Station left", "charging_current", 10, 0)
    await shows_number(board_suite, "Station right", "charging_current", 20, 0)
    await board_suite.call("number", "set_value", "Station right", "charging_current", value=16)
    assert (left.limit, right.limit) == (10, 16)


async def test_pulses_become_water_and_gas(board_suite: BoardSuite):
    pulses = board_suite.board.pulses
    await shows_number(board_suite, "Water", "volume", pulses["water"].count * 10 / 1000, 0.001)
    state = board_suite.attributes("Gas", "volume")
    assert (state["device_class"], state["unit_of_measurement"]) == ("gas", "m³")
    # One request for all that count on the same concentrator.
    before, rounds = asked(board_suite, 30), board_suite.entry.runtime_data.lease.runner.schedule.rounds
    await board_suite.reports(4)
    after = board_suite.entry.runtime_data.lease.runner.schedule.rounds
    assert asked(board_suite, 30) - before <= after - rounds + 1


async def test_a_breaker_fed_from_below_counts_the_other_way(board_suite: BoardSuite):
    charging = board_suite.board.meters["charging"]
    change(board_suite, "Charging", feed_direction="downstream")
    await board_suite.follows()
    await shows_number(board_suite, "Charging", "energy_imported", charging.exported / 1000, 0.02)


async def test_no_device_has_more_than_25_enabled_entities(board_suite: BoardSuite):
    for device in (entry["title"] for entry in BOARD):
        entities = er.async_entries_for_device(board_suite.entities, board_suite.device_id(device))
        assert 0 < len(entities) <= 25, device


async def test_devices_hang_on_their_gateway(board_suite: BoardSuite):
    for device in ("Main", "Water"):
        entry = registered(board_suite, device)
        assert entry.via_device_id == board_suite.device_id("gateway")
        assert entry.config_subentry_id == board_suite.key(device)
    main, cooking = registered(board_suite, "Main"), registered(board_suite, "Cooking")
    assert (main.manufacturer, main.model) == ("Legrand", "4 120 45")
    assert cooking.model == "4 120 51 (emdx3_multifunction?)"


# --- one is changed, the others go on ------------------------------------------------------------------------------


async def test_adding_and_removing_one_leaves_the_others_alone(hass: HomeAssistant, board_suite: BoardSuite):
    runtime = board_suite.entry.runtime_data
    before = {key: id(each) for key, each in runtime.coordinators.items()}
    unloaded: list[Any] = []
    board_suite.entry.async_on_unload(lambda: unloaded.append(True))
    removed = board_suite.key("Sockets")
    entity = board_suite.entity_id("Sockets", "power")
    hass.config_entries.async_remove_subentry(board_suite.entry, removed)
    await board_suite.follows()
    assert removed not in runtime.coordinators
    assert hass.states.get(entity) is None
    assert board_suite.entities.async_get(entity) is None
    asked_before = asked(board_suite, 4)
    await board_suite.reports()
    assert asked(board_suite, 4) == asked_before
    del before[removed]
    assert {key: id(each) for key, each in runtime.coordinators.items()} == before
    assert not unloaded


async def test_a_device_that_is_off_is_kept_and_not_read(board_suite: BoardSuite):
    entity = board_suite.entity_id("Heating", "power")
    change(board_suite, "Heating", enabled=False)
    await board_suite.follows()
    assert board_suite.state("Heating", "power") == "unavailable"
    before = asked(board_suite, 2)
    await board_suite.reports()
    assert asked(board_suite, 2) == before
    change(board_suite, "Heating", enabled=True)
    await board_suite.follows()
    await shows_number(board_suite, "Heating", "power", board_suite.board.meters["heating"].power, 1)
    assert board_suite.entity_id("Heating", "power") == entity


async def test_a_new_name_goes_to_the_device(board_suite: BoardSuite):
    change(board_suite, "Heating", name="Heat pump")
    await board_suite.follows()
    await board_suite.until(lambda: registered(board_suite, "Heat pump").name == "Heat pump")


async def test_another_map_takes_its_entities_along(hass: HomeAssistant, board_suite: BoardSuite):
    assert board_suite.has("Cooking", "thd_voltage_l1")
    power = board_suite.entity_id("Cooking", "voltage_l1")
    change(board_suite, "Cooking", map="presence", confirmed=False)
    await board_suite.follows()
    await board_suite.until(lambda: board_suite.has("Cooking", "connection"))
    assert not board_suite.has("Cooking", "thd_voltage_l1")
    assert hass.states.get(power) is None


async def test_a_device_goes_with_its_subentry_alone(hass: HomeAssistant, board_suite: BoardSuite):
    device = registered(board_suite, "Heating")
    assert not await async_remove_config_entry_device(hass, board_suite.entry, device)


@pytest.mark.parametrize("options", [{"delay_before_sending": 30, "enabled_controls": ["breaker"]}])
@pytest.mark.parametrize("what", ["removed", "off", "changed"])
async def test_a_command_that_waits_is_not_sent_to_a_device_that_is_no_more_what_it_was(
    hass: HomeAssistant, board_suite: BoardSuite, what: str
):
    pending = board_suite.entry.runtime_data.pending
    press = hass.async_create_task(board_suite.call("button", "press", "Hot water", "open"))
    other = hass.async_create_task(board_suite.call("button", "press", "Charging", "open"))
    await board_suite.until(lambda: len(pending) == 2)
    match what:
        case "removed":
            hass.config_entries.async_remove_subentry(board_suite.entry, board_suite.key("Hot water"))
        case "off":
            change(board_suite, "Hot water", enabled=False)
        case _:
            change(board_suite, "Hot water", address=12)
    with pytest.raises(HomeAssistantError) as refused:
        await press
    assert refused.value.translation_key == "command_cancelled"
    assert len(pending) == 1
    assert not [request for request in board_suite.gateway.requests if request.function == 6]
    pending.cancel()
    with pytest.raises(HomeAssistantError):
        await other


def controls(suite: BoardSuite, device: str) -> set[str]:
    """The domains of the controls of a device that are registered."""
    entities = er.async_entries_for_device(suite.entities, suite.device_id(device), include_disabled_entities=True)
    return {entity.domain for entity in entities} & {"button", "number", "select", "switch"}


@pytest.mark.parametrize("options", [{"enabled_controls": ["breaker"]}])
async def test_controls_that_the_options_take_away_are_not_left_behind(hass: HomeAssistant, board_suite: BoardSuite):
    entry = board_suite.entry
    assert controls(board_suite, "Hot water") == {"button"}
    state = board_suite.registered("Hot water", "breaker").id
    hass.config_entries.async_update_entry(entry, options={**entry.options, "enabled_controls": []})
    await hass.config_entries.async_reload(entry.entry_id)
    await board_suite.until(lambda: all(each.seen for each in entry.runtime_data.coordinators.values()))
    await hass.async_block_till_done()
    assert controls(board_suite, "Hot water") == set()
    assert board_suite.registered("Hot water", "breaker").id == state


@pytest.mark.parametrize("options", [{"enabled_controls": ["breaker", "outputs"]}])
@pytest.mark.usefixtures("all_enabled")
async def test_a_map_that_is_confirmed_no_more_leaves_no_control_behind(board_suite: BoardSuite):
    assert controls(board_suite, "Station left") >= {"button", "number", "switch"}
    reading = board_suite.registered("Station left", "power").id
    change(board_suite, "Station left", confirmed=False)
    await board_suite.follows()
    assert controls(board_suite, "Station left") == set()
    assert board_suite.registered("Station left", "power").id == reading
    # What was set is shown now, and becomes a control again.
    await board_suite.until(lambda: board_suite.has("Station left", "charging_current"))
    change(board_suite, "Station left", confirmed=True)
    await board_suite.follows()
    await board_suite.until(lambda: "number" in controls(board_suite, "Station left"))
    assert board_suite.registered("Station left", "charging_current").domain == "number"


async def test_what_was_not_read_yet_is_not_removed(hass: HomeAssistant, board_suite: BoardSuite):
    entry = board_suite.entry
    before = {each.entity_id for each in er.async_entries_for_config_entry(board_suite.entities, entry.entry_id)}
    board_suite.gateway.units.clear()
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    after = {each.entity_id for each in er.async_entries_for_config_entry(board_suite.entities, entry.entry_id)}
    assert after == before


async def test_a_map_instead_of_mere_presence_takes_its_connection_along(board_suite: BoardSuite):
    change(board_suite, "Cooking", map="presence")
    await board_suite.follows()
    await board_suite.until(lambda: board_suite.has("Cooking", "connection"))
    change(board_suite, "Cooking", **METER)
    await board_suite.follows()
    await board_suite.until(lambda: board_suite.has("Cooking", "power"))
    assert not board_suite.has("Cooking", "connection")


async def test_a_pulse_meter_that_goes_to_another_input_takes_no_count_along(board_suite: BoardSuite):
    pulses = board_suite.board.pulses
    await board_suite.until(lambda: board_suite.state("Water", "volume") != "unknown")
    total = number(board_suite, "Water", "volume")
    change(board_suite, "Gas", position=5)
    pulses["gas"].amount = pulses["water"].amount + 30.0
    await board_suite.follows()
    change(board_suite, "Water", position=2)
    await board_suite.follows()
    await board_suite.reports(5)
    assert number(board_suite, "Water", "volume") == total
    pulses["gas"].amount += 50.0
    await shows_number(board_suite, "Water", "volume", total + 0.05, 0.001)


async def test_a_device_that_was_removed_is_not_kept(hass: HomeAssistant, board_suite: BoardSuite):
    gone = weakref.ref(board_suite.entry.runtime_data.coordinators[board_suite.key("Sockets")])
    hass.config_entries.async_remove_subentry(board_suite.entry, board_suite.key("Sockets"))
    await board_suite.follows()
    await board_suite.reports()
    gc.collect()
    assert gone() is None


async def test_a_change_that_is_followed_while_the_gateway_is_unloaded_starts_nothing(
    hass: HomeAssistant, board_suite: BoardSuite
):
    entry = board_suite.entry
    runtime, subentries = entry.runtime_data, Subentries(hass, entry)
    await hass.config_entries.async_unload(entry.entry_id)
    change(board_suite, "Heating", name="Heat pump")
    await subentries._follow()
    assert not runtime.coordinators
    assert len(ir.async_get(hass).issues) == 1


# --- what fails ----------------------------------------------------------------------------------------------------


async def test_a_dead_device_is_unavailable_and_the_others_go_on(board_suite: BoardSuite):
    board_suite.gateway.units[2].answers = False
    await board_suite.shows("Heating", "power", "unavailable")
    await board_suite.reports()
    assert board_suite.state("Main", "power") not in ("unknown", "unavailable")
    board_suite.gateway.units[2].answers = True
    await shows_number(board_suite, "Heating", "power", board_suite.board.meters["heating"].power, 1)


async def test_a_lost_gateway_is_told_and_found_again(board_suite: BoardSuite):
    board_suite.gateway.stop()
    await board_suite.shows("gateway", "connection", "off")
    await board_suite.shows("Main", "power", "unavailable")
    await board_suite.gateway.start()
    await board_suite.shows("gateway", "connection", "on")
    await shows_number(board_suite, "Main", "power", board_suite.board.meters["main"].power, 1)


@pytest.mark.parametrize("options", [{"interval": 0.4}])
async def test_a_replaced_meter_begins_a_new_cycle_once(board_suite: BoardSuite):
    seen: list[float] = []
    meter = board_suite.board.meters["heating"]
    energy = board_suite.entity_id("Heating", "energy_imported")

    @callback
    def note(event: Any) -> None:
        if event.data["entity_id"] == energy and event.data["new_state"].state not in ("unknown", "unavailable"):
            seen.append(float(event.data["new_state"].state))

    board_suite.hass.bus.async_listen("state_changed", note)
    meter.replace()
    meter.imported = 50_000.0
    await shows_number(board_suite, "Heating", "energy_imported", meter.imported / 1000, 0.2)
    assert len(seen) == 1


@pytest.mark.usefixtures("all_enabled")
async def test_pulses_are_counted_over_a_restart_and_a_wrap(hass: HomeAssistant, board_suite: BoardSuite):
    pulses = board_suite.board.pulses["water"]
    pulses.amount = (2**32 - 3) * 10.0
    await board_suite.until(lambda: number(board_suite, "Water", "count") > 4_000_000_000)
    await board_suite.reports(5)
    # A count that leapt is not what was used: from there it goes on.
    total = number(board_suite, "Water", "volume")
    assert await hass.config_entries.async_unload(board_suite.entry.entry_id)
    pulses.amount += 50.0
    assert await hass.config_entries.async_setup(board_suite.entry.entry_id)
    await board_suite.until(lambda: board_suite.entry.runtime_data.coordinators[board_suite.key("Water")].seen)
    await hass.async_block_till_done()
    await shows_number(board_suite, "Water", "count", 2, 0)
    await shows_number(board_suite, "Water", "volume", total + 0.05, 0.001)


@pytest.mark.parametrize("devices_behind", [(device_subentry("Mine", "4 120 53", 1, map="gone"),)])
async def test_a_profile_that_is_gone_is_told_and_loses_no_entity(
    hass: HomeAssistant, bus: ModbusGateway, devices_behind: Any, own_profiles: Any
):
    entry = stored_board_entry(bus, devices_behind)
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    issue = ir.async_get(hass).async_get_issue(DOMAIN, f"maps_missing_{entry.entry_id}")
    assert issue is not None
    assert issue.translation_placeholders == {"title": "Board", "devices": "Mine"}
    # Another map mends it.
    suite = BoardSuite(hass, bus, None, entry)  # type: ignore[arg-type]  # it stands still
    change(suite, "Mine", map="emdx3_multifunction")
    await suite.follows()
    assert ir.async_get(hass).async_get_issue(DOMAIN, f"maps_missing_{entry.entry_id}") is None
    await hass.config_entries.async_remove(entry.entry_id)


async def test_one_repair_tells_of_all_maps_to_be_confirmed(hass: HomeAssistant, board_suite: BoardSuite):
    def told() -> Any:
        issue = ir.async_get(hass).async_get_issue(DOMAIN, f"maps_not_confirmed_{board_suite.entry.entry_id}")
        return issue and (issue.translation_placeholders or {})["devices"]

    assert told() == "Cooking, Sockets, Lighting"
    for device in ("Cooking", "Sockets", "Lighting"):
        change(board_suite, device, confirmed=True)
    await board_suite.follows()
    assert told() is None
    assert len(ir.async_get(hass).issues) == 0


async def test_what_was_removed_is_forgotten(hass: HomeAssistant, board_suite: BoardSuite):
    key = board_suite.key("Water")
    await board_suite.entry.runtime_data.memory.async_save()
    hass.config_entries.async_remove_subentry(board_suite.entry, key)
    await board_suite.follows()
    await hass.config_entries.async_unload(board_suite.entry.entry_id)
    memory = Memory(hass, board_suite.entry.entry_id)
    await memory.async_load()
    assert key not in memory.counters
    assert board_suite.key("Gas") in memory.counters


async def test_diagnostics_tell_no_names(hass: HomeAssistant, board_suite: BoardSuite, hass_client: Any):
    told = await get_diagnostics_for_config_entry(hass, hass_client, board_suite.entry)
    assert len(told["devices"]) == 13
    assert len(told["subentries"]) == 12
    assert told["connection"]["timeout"]
    text = str(told)
    for private in ("Heating", "Station left", board_suite.gateway.host, board_suite.entry.data["uid"]):
        assert private not in text


@pytest.mark.parametrize("options", [{"message_spacing": 20}])
async def test_messages_are_spaced_where_the_user_says_so(board_suite: BoardSuite):
    await board_suite.reports(1)
    times = [request.time for request in board_suite.gateway.requests]
    # The clock of the event loop may be a tick short.
    assert min(after - before for before, after in pairwise(times)) >= 0.019


async def test_the_entry_is_loaded_although_nothing_answers(hass: HomeAssistant, bus: ModbusGateway, own_profiles: Any):
    bus.units = {}
    entry = stored_board_entry(bus, (device_subentry("Main", "4 120 45", 1, **METER),))
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.LOADED
    await hass.config_entries.async_unload(entry.entry_id)


async def test_a_set_up_that_fails_before_there_is_a_gateway_fails_for_that_alone(
    hass: HomeAssistant, bus: ModbusGateway, own_profiles: Any, caplog: pytest.LogCaptureFixture
):
    entry = stored_board_entry(bus)
    entry.add_to_hass(hass)
    with patch.object(setup, "async_get_connection", side_effect=ConfigEntryNotReady):
        assert not await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert "NameError" not in caplog.text


def _is_of(address: int, request: Request) -> bool:
    return request.unit == address


THIRTY_TWO = tuple(device_subentry(f"M{address}", "4 120 45", address, **METER) for address in range(1, 33))


@pytest.mark.parametrize("framing", ["tcp", "rtu_over_tcp"])
@pytest.mark.parametrize("absent", ["exception", "silence"])
async def test_three_dead_of_thirty_two_leave_the_others_alone(
    hass: HomeAssistant, socket_enabled: None, framing: str, absent: str, own_profiles: Any
):
    units = still_units(range(1, 33))
    dead = (3, 17, 32)
    for address in dead:
        units[address].answers = False
    async with ModbusGateway(units, framing=framing, timing=False, absent=absent) as gateway:
        entry = stored_board_entry(gateway, THIRTY_TWO, {"interval": 0.3})
        entry.add_to_hass(hass)
        assert await hass.config_entries.async_setup(entry.entry_id)
        suite = BoardSuite(hass, gateway, None, entry)  # type: ignore[arg-type]  # it stands still
        coordinators = entry.runtime_data.coordinators
        alive = [address for address in range(1, 33) if address not in dead]
        await suite.until(lambda: all(coordinators[suite.key(f"M{address}")].seen for address in alive))
        await hass.async_block_till_done()
        await suite.reports(3)
        for address in alive:
            await shows_number(suite, f"M{address}", "power", 100 * address, 1)
        assert not any(coordinators[suite.key(f"M{address}")].seen for address in dead)
        units[17].answers = True
        # By itself it would be looked for now and then.
        await suite.call("button", "press", "gateway", "search_again")
        await suite.until(lambda: coordinators[suite.key("M17")].seen)
        await hass.async_block_till_done()
        await shows_number(suite, "M17", "power", 1700, 1)
        await hass.config_entries.async_unload(entry.entry_id)


@pytest.mark.parametrize("framing", ["tcp", "rtu_over_tcp"])
@pytest.mark.parametrize(
    "fault",
    [faults.swapped, lambda: faults.delay(0.6), faults.half_zeros, faults.no_transaction, faults.other_unit],
    ids=["swapped", "late", "half", "no number", "other unit"],
)
async def test_no_value_of_one_meter_is_ever_shown_for_another(
    hass: HomeAssistant, socket_enabled: None, framing: str, fault: Any, own_profiles: Any
):
    units = still_units(range(1, 9))
    async with ModbusGateway(units, framing=framing, timing=False) as gateway:
        entry = stored_board_entry(gateway, THIRTY_TWO[:8])
        entry.add_to_hass(hass)
        assert await hass.config_entries.async_setup(entry.entry_id)
        suite = BoardSuite(hass, gateway, None, entry)  # type: ignore[arg-type]  # it stands still
        await suite.until(lambda: all(each.seen for each in entry.runtime_data.coordinators.values()))
        await hass.async_block_till_done()
        wrong: list[tuple[str, str]] = []
        own = {suite.entity_id(f"M{address}", "power"): 100.0 * address for address in range(1, 9)}

        @callback
        def look(event: Event[EventStateChangedData]) -> None:
            state = event.data["new_state"]
            if state is not None and state.entity_id in own and state.state not in ("unknown", "unavailable"):
                told = float(state.state)
                if any(abs(told - other) < 5 for key, other in own.items() if key != state.entity_id):
                    wrong.append((state.entity_id, state.state))

        hass.bus.async_listen(EVENT_STATE_CHANGED, look)
        for address in (2, 5):
            gateway.inject(fault(), requests=2, only=partial(_is_of, address))
        await suite.until(lambda: not gateway.faults)
        for address in range(1, 9):
            await shows_number(suite, f"M{address}", "power", 100 * address, 1)
        assert not wrong
        await hass.config_entries.async_unload(entry.entry_id)

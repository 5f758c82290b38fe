"""A NET VISION card in Home Assistant: its devices and entities, by each channel, and what mains failures show."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN, Platform
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, State, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.event import async_track_state_change_event
from pytest_homeassistant_custom_component.common import snapshot_platform
from pytest_homeassistant_custom_component.syrupy import HomeAssistantSnapshotExtension
from syrupy.assertion import SnapshotAssertion

from custom_components.energy_suite.const import DOMAIN
from custom_components.energy_suite.gateways import kinds, schedule
from demo.netvision import Emd, NetVisionCard
from demo.netvision_machines import MACHINES, Machine
from demo.ups import Condition, UpsConfig
from tests.conftest import CardSuite, stored_card_entry
from tests.test_alarms import events
from tests.test_triggers import automate

MOST_ENABLED = 25
UPS_MACHINES = ("netys", "masterys")
EVERY_CARD_CONTROL = {"enabled_controls": [danger.value for danger in kinds.KINDS["netvision"].dangers]}
# One round, and others when the test asks for them.
STILL = {"interval": 3600}

BATTERY = {
    "battery_status",
    "battery_low",
    "state_of_charge",
    "time_to_go",
    "time_on_battery",
    "battery_test",
    "battery_voltage",
    "battery_current",
    "battery_temperature",
    "battery_capacity",
    "battery_mean_temperature",
}

each_machine = pytest.mark.parametrize("machine", ["netys", "masterys", "statys"])
each_ups = pytest.mark.parametrize("machine", UPS_MACHINES)
each_channel = pytest.mark.parametrize("channels", ["modbus", "snmp", "both"])
with_emd = pytest.mark.parametrize("emd", [Emd(input_2=3)], ids=[""])
every_control = pytest.mark.parametrize("options", [EVERY_CARD_CONTROL], ids=[""])
every_control_still = pytest.mark.parametrize("options", [{**EVERY_CARD_CONTROL, **STILL}], ids=[""])
still = pytest.mark.parametrize("options", [STILL], ids=[""])


@pytest.fixture(autouse=True)
def always_fresh() -> Iterator[None]:
    """Nothing is stale on a slow machine."""
    with patch.object(schedule, "FRESH_INTERVALS", 1000):
        yield


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(HomeAssistantSnapshotExtension)


@pytest.fixture
def platform(request: pytest.FixtureRequest) -> Iterator[Platform]:
    with patch("custom_components.energy_suite.PLATFORMS", [request.param]):
        yield request.param


def registered_of(suite: CardSuite) -> list[er.RegistryEntry]:
    """The entities of the card and all that is behind it."""
    return er.async_entries_for_config_entry(suite.entities, suite.entry.entry_id)


def place_of(suite: CardSuite, entity: er.RegistryEntry) -> tuple[str, str]:
    """The key of an entity's device, and its own."""
    rest = entity.unique_id.removeprefix(f"{suite.entry.data['uid']}_")
    devices = (found["key"] for found in suite.entry.data["devices"])
    device = max((key for key in devices if rest.startswith(f"{key}_")), key=len)
    return device, rest.removeprefix(f"{device}_")


def entities_of(suite: CardSuite) -> dict[tuple[str, str], er.RegistryEntry]:
    """The entities by the key of their device and their own."""
    return {place_of(suite, entity): entity for entity in registered_of(suite)}


def shown(suite: CardSuite) -> dict[tuple[str, str], str]:
    """What every enabled entity shows."""
    return {
        key: state.state
        for key, entity in entities_of(suite).items()
        if (state := suite.hass.states.get(entity.entity_id)) is not None
    }


async def one_round(suite: CardSuite) -> None:
    """Read the card once, as each round does, and let everything follow from it."""
    runtime = suite.entry.runtime_data
    runner = runtime.lease.runner
    reported: set[str] = set()

    def idle() -> bool:
        return bool(runner._changed._waiters)

    # What is under way may have asked before the test changed something.
    await suite.until(idle)
    removes = [
        coordinator.async_add_listener(lambda key=key: reported.add(key))
        for key, coordinator in runtime.coordinators.items()
    ]
    for coordinator in runtime.coordinators.values():
        runner.expedite(coordinator.reading_name, ["live"])
    await suite.until(lambda: reported == set(runtime.coordinators) and idle())
    for remove in removes:
        remove()
    await suite.hass.async_block_till_done()


# --- all of them --------------------------------------------------------------------------------------------------

# A transfer system has nothing to set.
PLATFORMS_OF = {
    "netys": ("binary_sensor", "button", "event", "number", "sensor", "switch"),
    "masterys": ("binary_sensor", "button", "event", "number", "sensor", "switch"),
    "statys": ("binary_sensor", "button", "event", "sensor"),
}


@every_control_still
@with_emd
@pytest.mark.parametrize(
    ("machine", "platform"),
    [(machine, platform) for machine, platforms in PLATFORMS_OF.items() for platform in platforms],
    indirect=["platform"],
)
@pytest.mark.usefixtures("all_enabled", "platform")
async def test_every_entity_of_a_card(hass, card_suite, snapshot):
    await snapshot_platform(hass, card_suite.entities, snapshot, card_suite.entry.entry_id)


# Machine -> device -> how many of its entities are enabled, and how many wait for it, without and with every control.
COUNTS: dict[str, dict[str, tuple[tuple[int, int], tuple[int, int]]]] = {
    "netys": {"card": ((7, 4), (9, 2)), "ups": ((20, 23), (20, 24)), "emd": ((6, 0), (6, 0))},
    "masterys": {
        "card": ((7, 4), (9, 2)),
        "ups": ((25, 46), (25, 48)),
        "ups_unit_1": ((3, 0), (3, 0)),
        "ups_unit_2": ((3, 0), (3, 0)),
        "ups_unit_3": ((3, 0), (3, 0)),
        "emd": ((6, 0), (6, 0)),
    },
    # Its MIB tells of no environment device.
    "statys": {"card": ((6, 1), (6, 1)), "sts": ((22, 19), (22, 19))},
}


@each_machine
@with_emd
@pytest.mark.parametrize("options", [{}, EVERY_CARD_CONTROL], ids=["read only", "every control"])
async def test_so_many_entities_are_enabled_and_so_many_wait(card_suite, machine, options):
    found: dict[str, list[int]] = {}
    for entity in registered_of(card_suite):
        found.setdefault(place_of(card_suite, entity)[0], [0, 0])[entity.disabled] += 1

    assert found == {device: list(counts[bool(options)]) for device, counts in COUNTS[machine].items()}


@each_machine
@each_channel
@with_emd
@every_control
async def test_no_device_has_more_entities_than_a_person_looks_at(card_suite):
    enabled = Counter(entity.device_id for entity in registered_of(card_suite) if not entity.disabled)

    assert len(enabled) == len(card_suite.entry.data["devices"])
    assert max(enabled.values()) <= MOST_ENABLED


@each_machine
@with_emd
@still
@pytest.mark.usefixtures("all_enabled")
async def test_every_entity_shows_something(card_suite):
    # Nothing happened yet; a UPS on mains discharges nothing, and a small one computes no time.
    nothing_yet = {"alarm", "search_again", "time_on_battery", "time_to_go", "achieved_interval"}
    pressed_never = {"alarm_reset", "standby_off", "eco_mode", "normal_mode", "on_inverter"}
    unknown = {key for (_, key), state in shown(card_suite).items() if state == STATE_UNKNOWN}

    assert STATE_UNAVAILABLE not in shown(card_suite).values()
    assert unknown <= nothing_yet | pressed_never


# --- devices ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("machine", ["masterys"])
@with_emd
async def test_the_units_of_a_system_are_devices_behind_the_card(card_suite):
    device = card_suite.devices.async_get
    card = device(card_suite.device_id("card"))
    assert (card.name, card.manufacturer, card.model) == ("NET VISION", "Socomec", "NET VISION")
    assert card.via_device_id is None
    assert card.configuration_url == "http://127.0.0.1"
    ups = device(card_suite.device_id("ups"))
    assert (ups.name, ups.model, ups.serial_number) == ("UPS", "MASTERYS GP4", "V441B07315")

    for number in (1, 2, 3):
        unit = device(card_suite.device_id(f"ups_unit_{number}"))
        assert unit.name == f"UPS unit {number}"
        assert card_suite.state(f"ups_unit_{number}", "unit_status") == "in_service"
    others = [found["key"] for found in card_suite.entry.data["devices"]][1:]
    assert others == ["ups", "ups_unit_1", "ups_unit_2", "ups_unit_3", "emd"]
    assert {device(card_suite.device_id(key)).via_device_id for key in others} == {card.id}


@pytest.mark.parametrize("machine", ["masterys"])
@still
async def test_a_unit_shows_its_own_trouble(card_suite):
    card_suite.card.ups.units[1].alarm = True
    card_suite.card.ups.units[2].in_service = False
    await one_round(card_suite)

    assert [card_suite.state(f"ups_unit_{number}", "unit_status") for number in (1, 2, 3)] == [
        "in_service",
        "alarm",
        "available",
    ]
    problems = [card_suite.state(f"ups_unit_{number}", "problem") for number in (1, 2, 3)]
    assert problems == ["off", "on", "off"]


@each_machine
async def test_phases_are_told_apart_where_there_are_several(card_suite, machine):
    keys = {key for device, key in entities_of(card_suite) if device in ("ups", "sts")}
    of_a_phase = {key for key in keys if key.endswith(("_l1", "_l2", "_l3"))}
    bases = {key[:-3] for key in of_a_phase}

    if machine == "netys":
        assert not of_a_phase
        assert keys >= {"output_voltage", "input_voltage", "output_current", "load"}
    else:
        assert of_a_phase == {f"{base}_l{phase}" for base in bases for phase in (1, 2, 3)}
        assert not keys & {"output_voltage", "input_voltage", "output_current", "source_1_voltage"}


def without_battery(machine: str) -> Machine:
    known = MACHINES[machine]
    assert known.ups is not None
    return replace(known, ups=replace(known.ups, battery=False))


@pytest.mark.parametrize("machine", ["masterys", without_battery("masterys")], ids=["battery", "converter"])
async def test_a_converter_has_nothing_of_a_battery(card_suite, machine):
    keys = {key for device, key in entities_of(card_suite) if device == "ups"}

    assert keys & BATTERY == (BATTERY if machine == "masterys" else set())
    assert "output_voltage_l1" in keys


# --- channels -----------------------------------------------------------------------------------------------------

_PHASES = (1, 2, 3)
_COMMANDS = {("ups", key) for key in ("alarm_reset", "standby_off", "eco_mode", "normal_mode")}
_SETTINGS = {("card", key) for key in ("shutdown_delay", "turn_off_after_shutdown", "connected_servers")}
_EMD = {("emd", key) for key in ("temperature", "humidity", "input_1", "input_2", "problem", "alarm")}
_STAGES = ("machine_status", "rectifier_status", "inverter_status", "bypass_status", "on_generator")

# (machine, channel) -> what this channel alone does not bring, of what both of them do.
LACKING: dict[tuple[str, str], set[tuple[str, str]]] = {
    ("netys", "modbus"): {*_COMMANDS, *_SETTINGS, *_EMD, ("ups", "input_current")},
    ("netys", "snmp"): {("ups", key) for key in (*_STAGES, "battery_capacity")},
    ("masterys", "modbus"): {*_COMMANDS, *_SETTINGS, *_EMD, ("card", "remote_control"), ("ups", "on_inverter")},
    ("masterys", "snmp"): {
        *(
            ("ups", key)
            for key in (
                *_STAGES,
                "energy_saver",
                "battery_capacity",
                "battery_mean_temperature",
                *(f"outlet_{number}" for number in (1, 2, 3, 4)),
                *(f"power_factor_l{phase}" for phase in _PHASES),
                # Only the words of a VU-MAP tell that it transfers its load by command.
                "on_inverter",
            )
        ),
    },
    ("statys", "modbus"): set(),
    ("statys", "snmp"): {
        ("sts", key)
        for key in (
            "output_power",
            "phase_shift",
            "ambient_temperature",
            "static_switch_1_temperature",
            "static_switch_2_temperature",
            *(f"load_l{phase}" for phase in _PHASES),
        )
    },
}
# Of a unit the MIB tells its alarms alone, and of a supply not whether the inverter follows it.
_DIFFERENT = {
    ("card", "channel"),
    ("ups", "bypass_input_status"),
    *(("ups_unit_" + number, "unit_status") for number in "123"),
}


def registered(suite: CardSuite) -> set[tuple[str, str, str, Any]]:
    """How the entities are registered."""
    return {(entity.id, entity.unique_id, entity.entity_id, entity.original_name) for entity in registered_of(suite)}


async def change_channels(suite: CardSuite, channels: str) -> None:
    """Let the user reconfigure the entry."""
    hass = suite.hass
    hass.config_entries.async_update_entry(suite.entry, data={**suite.entry.data, "channels": channels})
    assert await hass.config_entries.async_reload(suite.entry.entry_id)
    await hass.async_block_till_done()


@pytest.mark.parametrize(("machine", "channel"), LACKING)
@with_emd
@still
@pytest.mark.usefixtures("all_enabled")
async def test_another_channel_changes_no_entity_and_no_value(card_suite, machine, channel):
    before, values = registered(card_suite), shown(card_suite)

    await change_channels(card_suite, channel)

    assert registered(card_suite) == before
    now = shown(card_suite)
    lacking = {key for key, state in now.items() if state == STATE_UNAVAILABLE}
    assert lacking == LACKING[machine, channel]
    assert {key for key, state in now.items() if key not in lacking and state != values[key]} <= _DIFFERENT
    assert now["card", "channel"] == channel


@pytest.mark.parametrize(("machine", "channels"), LACKING)
@with_emd
@still
@pytest.mark.usefixtures("all_enabled")
async def test_a_second_channel_adds_entities_and_changes_none(card_suite, machine, channels):
    before = registered(card_suite)

    await change_channels(card_suite, "both")

    assert registered(card_suite) >= before
    # What is behind the card was found by the first channel; the environment device is found by a search.
    assert STATE_UNAVAILABLE not in shown(card_suite).values()
    added = {key for key, entity in entities_of(card_suite).items() if entity.id not in {each[0] for each in before}}
    assert added == {key for key in LACKING[machine, channels] if key not in _EMD}


@pytest.mark.parametrize("channels", ["modbus"])
@with_emd
async def test_the_environment_device_is_found_once_there_is_snmp(card_suite):
    await change_channels(card_suite, "both")
    assert "emd" not in card_suite.entry.runtime_data.coordinators

    await card_suite.call("button", "press", "card", "search_again")
    await card_suite.until(lambda: card_suite.entry.runtime_data.coordinators["emd"].data.available)
    await card_suite.hass.async_block_till_done()

    assert (card_suite.state("emd", "temperature"), card_suite.state("emd", "humidity")) == ("22.5", "41.0")
    assert (card_suite.state("emd", "input_1"), card_suite.state("emd", "input_2")) == ("off", "on")


# --- what happens -------------------------------------------------------------------------------------------------


def told_of(told: Collection[tuple[str, str, str]], alarm: str) -> list[tuple[str, str]]:
    """What the alarm event told of one alarm."""
    return [(event, severity) for event, key, severity in told if key == alarm]


@each_ups
@each_channel
@still
async def test_mains_failure_shows_within_a_round_and_fires_the_trigger(hass, card_suite):
    def trigger(name: str) -> dict[str, Any]:
        return {"trigger": f"{DOMAIN}.{name}", "target": {"device_id": card_suite.device_id("ups")}}

    failed = await automate(hass, trigger("ups_on_battery"))
    told = events(card_suite, "ups")
    assert card_suite.state("ups", "on_battery") == "off"

    card_suite.card.ups.mains = False
    card_suite.card.advance(5)
    await one_round(card_suite)

    assert (card_suite.state("ups", "on_battery"), card_suite.state("ups", "ups_status")) == ("on", "on_battery")
    assert card_suite.state("ups", "battery_status") == "discharging"
    assert len(failed) == 1
    assert told_of(told, "on_battery") == [("raised", "warning")]
    listed = {alarm["alarm"] for alarm in card_suite.attributes("ups", "problem")["alarms"]}
    assert "on_battery" in listed

    card_suite.card.ups.restore_mains()
    card_suite.card.advance(5)
    await one_round(card_suite)

    assert (card_suite.state("ups", "on_battery"), card_suite.state("ups", "ups_status")) == ("off", "on_inverter")
    assert card_suite.state("ups", "problem") == "off"
    assert told_of(told, "on_battery") == [("raised", "warning"), ("cleared", "warning")]
    assert len(failed) == 1


@still
@pytest.mark.usefixtures("all_enabled")
async def test_an_alarm_says_whether_it_wants_to_be_told(hass, card_suite):
    told: dict[str, State] = {}

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        state = event.data["new_state"]
        assert state is not None
        told[state.attributes["alarm"]] = state

    async_track_state_change_event(hass, card_suite.entity_id("ups", "alarm"), note)
    card_suite.card.ups.loads = [60_000.0] * 3
    card_suite.card.forced_bits.add("A012")
    await one_round(card_suite)

    assert {state.attributes["event_type"] for state in told.values()} == {"raised"}
    assert all(state.attributes["text"] for state in told.values())
    wanted = {key: (it.attributes["severity"], it.attributes["notify_by_default"]) for key, it in told.items()}
    assert wanted["overload"] == ("warning", True)
    assert wanted["maintenance_alarm"] == ("warning", False)
    assert card_suite.state("ups", "overload") == "on"
    # More than 100 % has to be read twice.
    await one_round(card_suite)
    assert (float(card_suite.state("ups", "load")), card_suite.state("ups", "load_level")) == (111, "overload")


@each_ups
@each_channel
@still
async def test_a_battery_that_runs_down_says_so_in_time(hass, card_suite):
    told = events(card_suite, "ups")
    card_suite.card.ups.mains = False
    card_suite.card.ups.state_of_charge = 20
    card_suite.card.advance(0)
    await one_round(card_suite)
    assert (card_suite.state("ups", "battery_low"), card_suite.state("ups", "imminent_stop")) == ("on", "off")
    assert float(card_suite.state("ups", "state_of_charge")) == 20
    assert float(card_suite.state("ups", "time_to_go")) > 0

    card_suite.card.ups.state_of_charge = 5
    card_suite.card.advance(0)
    await one_round(card_suite)

    assert card_suite.state("ups", "imminent_stop") == "on"
    assert card_suite.state("ups", "load_supplied") == "on"
    assert told_of(told, "low_battery") == [("raised", "critical")]
    assert told_of(told, "imminent_stop") == [("raised", "critical")]


@pytest.mark.parametrize("machine", ["statys"])
@each_channel
@still
async def test_a_transfer_shows_within_a_round_and_fires_the_trigger(hass, card_suite):
    device = {"device_id": card_suite.device_id("sts")}
    fired = await automate(hass, {"trigger": f"{DOMAIN}.sts_source_changed", "target": device})
    assert card_suite.state("sts", "active_source") == "source_1"

    card_suite.card.sts.sources[1] = Condition.ABSENT
    card_suite.card.advance(1)
    await one_round(card_suite)

    assert card_suite.state("sts", "active_source") == "source_2"
    assert card_suite.state("sts", "sts_status") == "on_alternate_source"
    assert card_suite.state("sts", "source_1_status") == "absent"
    assert card_suite.state("sts", "load_supplied") == "on"
    assert float(card_suite.state("sts", "source_1_voltage_l1")) == 0
    assert len(fired) == 1


async def test_nothing_is_asked_of_a_card_by_modbus_but_reads(hass: HomeAssistant, card: NetVisionCard) -> None:
    entry = await stored_card_entry(card, "both")
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    suite = CardSuite(hass, card, entry)
    await suite.reports()
    await hass.config_entries.async_unload(entry.entry_id)

    assert {request.function for request in card.modbus.requests} == {3}
    assert not [request for request in card.modbus.requests if request.exception]
    assert {request.kind for request in card.agent.requests} <= {"get", "get_next", "get_bulk"}


@pytest.mark.parametrize("machine", [replace(MACHINES["netys"], ups=UpsConfig(battery_capacity=18))], ids=["larger"])
@pytest.mark.parametrize("channels", ["modbus"])
@pytest.mark.usefixtures("all_enabled")
async def test_a_small_battery_has_its_capacity(card_suite):
    assert float(card_suite.state("ups", "battery_capacity")) == 18

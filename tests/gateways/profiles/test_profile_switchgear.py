"""Breakers, charging stations and outputs that a profile tells: their alarms, their controls, what they refuse."""

import pytest

from custom_components.energy_suite.gateways import commands
from custom_components.energy_suite.gateways.base import (
    CommandRefused,
    Danger,
    Evse,
    Found,
    PowerMeter,
    Severity,
)
from custom_components.energy_suite.gateways.kinds import KINDS as KINDS_OF_GATEWAY
from custom_components.energy_suite.gateways.profiles.device import ProfileDevice, make
from custom_components.energy_suite.gateways.profiles.schema import parse
from custom_components.energy_suite.gateways.profiles.vocabulary import (
    KINDS,
    STATE_ALARMS,
    STATES,
    VOCABULARY,
    offered_danger,
)
from custom_components.energy_suite.texts import TEXTS, alarm_texts

HEAD = "profile: 1\nid: tried\nmanufacturer: S\nmodels: [A]\nkind: {kind}\nsource: a test\n"
BREAKER = """\
registers:
  - {key: breaker, address: 0, map: {0: open, 1: closed, 2: tripped}}
  - {key: trip_cause, address: 1, map: {0: none, 1: overload}}
  - {key: power, address: 2, type: int16, unit: W}
commands:
  - {key: open, press: {function: 6, address: 9, value: 1}}
"""
CONTACTS = """\
registers:
  - {key: auxiliary_contact, function: 2, address: 0}
  - {key: fault_contact, function: 2, address: 1}
"""
STATION = """\
registers:
  - {key: status, address: 0, map: {0: available, 1: charging, 2: waiting, 3: fault}}
  - {key: error_station, address: 1}
  - {key: error_charge, address: 2}
  - {key: power, address: 3, unit: W}
  - {key: session_energy, address: 5, unit: Wh}
  - {key: session_time, address: 6, unit: min}
  - {key: charging_current, address: 4, unit: A, access: rw, range: [6, 32]}
commands:
  - {key: charging, on: {function: 5, address: 0, value: 1}, off: {function: 5, address: 0, value: 0}}
  - {key: start, press: {function: 6, address: 9, value: 1}}
  - {key: hold, press: {function: 6, address: 9, value: 2}}
"""
OUTPUTS = """\
registers:
  - {key: output_1_normal_state, address: 0, access: rw, map: {0: normally_open, 1: normally_closed}}
  - {key: output_1_mode, address: 1, access: rw, map: {0: impulse, 1: blinking}}
  - {key: output_1_on_time, address: 2, access: rw, unit: s, range: [0, 3600]}
  - {key: output_2_mode, address: 3, access: rw, map: {0: impulse, 1: blinking}}
commands:
  - {key: output_1, on: {function: 5, address: 0, value: 1}, off: {function: 5, address: 0, value: 0}}
"""


@pytest.fixture(autouse=True)
def _prompt(monkeypatch):
    monkeypatch.setattr(commands, "READ_BACK", (0.0, 0.01, 0.02))


def device_of(unit, text, kind="breaker"):
    made = parse(HEAD.format(kind=kind) + text, "tried.yaml")
    return make(made, Found(key="1", kind=kind, unit_id=1), unit, 10.0, confirmed=True)


async def read(device, now=0.0):
    for part in device.parts.values():
        await part.async_read(now)
    return device


def raised(device):
    return [(alarm.key, alarm.severity, alarm.notify_by_default, alarm.code) for alarm in device.alarms]


# --- breakers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "alarms"), [(0, []), (1, []), (2, [("breaker_tripped", Severity.CRITICAL, True, None)]), (7, [])]
)
async def test_a_breaker_that_tripped_raises_an_alarm(unit, number, alarms):
    unit.holding.update({0: number, 1: 1, 2: 0, 9: 0})
    assert raised(await read(device_of(unit, BREAKER))) == alarms


async def test_a_closed_contact_of_a_fault_tells_of_the_same_trip(unit):
    unit.discrete.update({0: True, 1: False})
    device = await read(device_of(unit, CONTACTS, "state_module"))
    assert raised(device) == []
    unit.discrete.update({0: False, 1: True})
    await read(device, 1)
    assert raised(device) == [("breaker_tripped", Severity.CRITICAL, True, None)]


async def test_two_states_that_tell_of_one_alarm_raise_it_once(unit):
    unit.holding.update({0: 2, 1: 1, 2: 0, 9: 0})
    unit.discrete.update({1: True})
    text = BREAKER.replace("commands:", "  - {key: fault_contact, function: 2, address: 1}\ncommands:")
    assert [alarm.key for alarm in (await read(device_of(unit, text))).alarms] == ["breaker_tripped"]


async def test_a_device_that_is_excluded_from_alarms_raises_none(unit):
    unit.holding.update({0: 2, 1: 1, 2: 0, 9: 0})
    device = await read(device_of(unit, BREAKER))
    assert device.alarms
    device.excluded_from_alarms = True
    assert device.alarms == ()


async def test_a_breaker_that_measures_is_a_meter(unit):
    assert isinstance(device_of(unit, BREAKER, "breaker_meter"), PowerMeter)
    assert not isinstance(device_of(unit, CONTACTS, "state_module"), PowerMeter)


# --- stations --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "alarms"),
    [
        ((1, 0, 0), []),
        ((3, 0, 0), [("station_fault", Severity.CRITICAL, True, None)]),
        ((1, 12, 0), [("station_fault", Severity.CRITICAL, True, 12)]),
        ((3, 12, 0), [("station_fault", Severity.CRITICAL, True, 12)]),
        ((1, 0, 5), [("charge_fault", Severity.WARNING, False, 5)]),
        (
            (3, 12, 5),
            [("station_fault", Severity.CRITICAL, True, 12), ("charge_fault", Severity.WARNING, False, 5)],
        ),
    ],
)
async def test_a_station_raises_its_errors_with_their_numbers(unit, values, alarms):
    unit.holding.update({**dict(enumerate(values)), 3: 0, 4: 16, 5: 0, 6: 0, 9: 0})
    unit.coil[0] = False
    device = await read(device_of(unit, STATION, "charger"))
    assert raised(device) == alarms
    assert [alarm.details for alarm in device.alarms] == [{"code": code} if code else {} for *_, code in alarms]


async def test_a_word_of_errors_has_alarms_of_its_own(unit):
    unit.holding[0] = 1
    text = (
        "registers:\n  - {key: error_station, address: 0, type: bits, "
        "bits: {0: {key: stuck, severity: critical, text: {en: Stuck}}}}\n"
    )
    assert [alarm.key for alarm in (await read(device_of(unit, text, "charger"))).alarms] == ["tried_stuck"]


async def test_a_station_is_one_for_the_rest_of_the_suite(unit):
    device = device_of(unit, STATION, "charger")
    assert isinstance(device, ProfileDevice)
    assert isinstance(device, Evse)
    unit.holding.update({0: 1, 1: 0, 2: 0, 3: 3680, 4: 16, 5: 4200, 6: 90, 9: 0})
    unit.coil[0] = True
    await read(device)
    assert (device.charging, device.power) == (True, 3680)
    assert (device.value("session_energy"), device.value("session_time")) == (4.2, 5400)
    await device.press("hold")
    assert unit.holding[9] == 2


# --- outputs ---------------------------------------------------------------------------------------------------------


async def outputs(unit, mode, on_time):
    unit.holding.update({0: 1, 1: mode, 2: on_time, 3: 0})
    unit.coil[0] = False
    return await read(device_of(unit, OUTPUTS, "output_module"))


async def test_an_output_blinks_once_its_time_is_set(unit):
    device = await outputs(unit, 0, 0)
    with pytest.raises(CommandRefused) as caught:
        await device.set_value("output_1_mode", 1)
    assert caught.value.reason == "blink_needs_time"
    await device.set_value("output_1_on_time", 5)
    await device.set_value("output_1_mode", 1)
    assert (unit.holding[1], unit.holding[2]) == (1, 5)


@pytest.mark.parametrize("seconds", [0, 0.4, 0.5])
async def test_the_time_of_an_output_that_blinks_cannot_be_taken_away(unit, seconds):
    device = await outputs(unit, 1, 5)
    with pytest.raises(CommandRefused) as caught:
        await device.set_value("output_1_on_time", seconds)
    assert (caught.value.reason, unit.holding[2]) == ("blink_needs_time", 5)
    await device.set_value("output_1_mode", 0)
    await device.set_value("output_1_on_time", 0)
    assert (unit.holding[1], unit.holding[2]) == (0, 0)


async def test_what_was_set_on_the_device_itself_counts(unit):
    device = await outputs(unit, 0, 5)
    unit.holding[2] = 0
    with pytest.raises(CommandRefused):
        await device.set_value("output_1_mode", 1)


async def test_an_output_without_a_time_may_blink(unit):
    device = await outputs(unit, 0, 0)
    await device.set_value("output_2_mode", 1)
    assert unit.holding[3] == 1


# --- what has to be enabled first ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "key", "danger"),
    [
        ("breaker", "open", Danger.BREAKER),
        ("breaker_meter", "close", Danger.BREAKER),
        ("state_command_module", "reset", Danger.BREAKER),
        ("charger", "reset", None),
        ("state_module", "breaker", Danger.BREAKER),
        ("io_module", "output_12", Danger.OUTPUTS),
        ("electricity_meter", "output_1", Danger.OUTPUTS),
        ("command_module", "relay_3", Danger.OUTPUTS),
        ("hybrid_inverter", "relay_3", Danger.OUTPUTS),
        ("breaker_meter", "relay_1", Danger.OUTPUTS),
        ("breaker_meter", "trip", Danger.BREAKER),
        ("breaker", "disconnect", Danger.BREAKER),
        ("command_module", "contactor", Danger.BREAKER),
        ("state_command_module", "contactor", Danger.BREAKER),
        ("io_module", "contactor", Danger.OUTPUTS),
        ("io_module", "open", Danger.BREAKER),
        ("io_module", "output_1_normal_state", Danger.OUTPUTS),
        ("output_module", "output_12_mode", Danger.OUTPUTS),
        ("charger", "output_1_mode", Danger.OUTPUTS),
        ("breaker_meter", "energy_imported", None),
        ("io_module", "pulse_total", None),
        ("hybrid_inverter", "trip", None),
        ("charger", "charging", None),
        ("charger", "start", None),
        ("charger", "hold", None),
        ("charger", "ev_socket", None),
        ("charger", "domestic_socket", None),
    ],
)
def test_what_switches_a_load_waits_for_its_control(kind, key, danger):
    on_off = "on: {function: 5, address: 0, value: 1}, off: {function: 5, address: 0, value: 0}"
    command = "registers:\n  - {key: power, address: 0, unit: W}\ncommands:\n  - {key: %s, name: {en: X}, %s%s}\n"
    coil = "registers:\n  - {key: %s, name: {en: X}, function: 1, address: 0, %s%s}\n"
    bit = "registers:\n  - {key: w, address: 0, type: bits, bits: {0: {key: %s, name: {en: X}, %s%s}}}\n"
    for text, access in ((command, on_off), (coil, "access: rw"), (bit, "access: rw")):
        assert dangers(kind, text % (key, access, "")) == {danger}
        assert dangers(kind, text % (key, access, ", danger: generator")) == {Danger.GENERATOR}


async def test_a_device_says_what_each_of_its_keys_waits_for(unit):
    text = OUTPUTS.replace("access: rw, unit: s", "access: rw, danger: relay_1, unit: s") + (
        "  - {key: relay_1, danger: grid_code, press: {function: 6, address: 9, value: 1}}\n"
    )
    text = text.replace(
        "registers:\n",
        "registers:\n  - {key: w, address: 9, type: bits, bits: {0: {key: eco, access: rw, name: {en: X}}}}\n",
    )
    device = device_of(unit, text, "output_module")
    keys = ("output_1", "output_1_mode", "output_1_on_time", "relay_1", "eco", "w", "nothing")
    assert [device.danger_of(key) for key in keys] == [
        *(Danger.OUTPUTS, Danger.OUTPUTS, Danger.RELAY_1, Danger.GRID_CODE, Danger.OUTPUTS, None, None),
    ]
    device.offered_controls = KINDS_OF_GATEWAY["legrand"].dangers
    assert [device.danger_of(key) for key in keys] == [
        *(Danger.OUTPUTS, Danger.OUTPUTS, Danger.OUTPUTS, Danger.BREAKER, Danger.OUTPUTS, None, None),
    ]


@pytest.mark.parametrize("gateway", [name for name, kind in KINDS_OF_GATEWAY.items() if kind.uses_profiles])
def test_every_danger_counts_as_one_that_can_be_enabled_and_is_as_grave(gateway):
    offered = KINDS_OF_GATEWAY[gateway].dangers
    for danger in Danger:
        counts_as = offered_danger(danger, offered)
        assert counts_as in offered
        assert counts_as.drops_load == danger.drops_load
        assert danger not in offered or counts_as is danger
    assert offered_danger(None, offered) is None


def test_a_danger_that_no_control_is_as_grave_as_stays():
    assert offered_danger(Danger.BREAKER, (Danger.OUTPUTS,)) is Danger.BREAKER


def dangers(kind, text):
    """The dangers of all that can be written."""
    made = parse(HEAD.format(kind=kind) + text, "tried.yaml")
    writable = [register for register in made.registers if register.write]
    bits = [bit for register in made.registers for bit in register.bits if bit.writable]
    return {danger for group in (writable, bits, made.commands) for danger in (each.danger for each in group)}


def test_what_is_only_read_needs_no_control():
    made = parse(HEAD.format(kind="breaker") + BREAKER, "tried.yaml")
    assert made.keys["breaker"].danger is None
    assert Danger.BREAKER.drops_load
    assert not Danger.OUTPUTS.drops_load


# --- the vocabulary --------------------------------------------------------------------------------------------------


def test_an_analogue_input_has_any_unit():
    for unit in ("V", "°C", "%", "m³"):
        text = f'registers:\n  - {{key: analog_3, address: 0, unit: "{unit}"}}\n'
        assert parse(HEAD.format(kind="io_module") + text, "tried.yaml").keys["analog_3"].unit == unit


def test_every_alarm_of_a_state_has_its_texts():
    for state in STATE_ALARMS:
        assert state.key in VOCABULARY
        assert state.word is None or state.word in STATES[state.key]
        for language, texts in TEXTS.items():
            assert texts[state.alarm.key].keys() == {"text", "cause", "remedy"}
            assert alarm_texts(language, state.alarm)["text"] == texts[state.alarm.key]["text"]
    assert alarm_texts("fr", STATE_ALARMS[0].alarm)["text"] == "Disjoncteur déclenché"


def test_words_of_states_are_those_of_keys():
    assert STATES.keys() <= VOCABULARY.keys()
    assert {"breaker", "charger", "output_module"} <= KINDS

"""A device made from a profile: who it is, what it can, its alarms, and what it can be told."""

from dataclasses import replace

import pytest
from modbus_connection import ModbusExceptionError

from custom_components.energy_suite.gateways import commands
from custom_components.energy_suite.gateways.base import (
    CommandRefused,
    Danger,
    Evse,
    Found,
    Generator,
    NotSupported,
    PowerMeter,
    Relay,
    Severity,
    Storage,
    Ups,
)
from custom_components.energy_suite.gateways.commands import Effect
from custom_components.energy_suite.gateways.profiles.device import device_class, make
from custom_components.energy_suite.gateways.profiles.schema import _RESERVED, parse
from custom_components.energy_suite.gateways.profiles.vocabulary import ALIASES, VOCABULARY
from custom_components.energy_suite.texts import alarm_texts

HEAD = """\
profile: 1
id: tried
manufacturer: Somebody
models: [A, B]
kind: charger
source: a test
"""

STATION = """\
registers:
  - {key: serial, address: 0, type: string, words: 2}
  - {key: firmware, address: 2, scale: 0.01, speed: once}
  - {key: power, address: 10, unit: W, expect: [0, 7400]}
  - {key: frequency, address: 11, unit: Hz, scale: 0.01, expect: [49, 51]}
  - {key: charging_current, address: 12, unit: A, scale: 0.1, access: rw, range: [6, 32], danger: no_charging}
  - {key: charging, function: 1, address: 3, access: rw}
  - {key: output_1, function: 1, address: 4, access: rw, write: 15}
  - {key: working_mode, address: 13, access: rw, write: 16, map: {0: slow, 0xAA: fast}}
  - key: faults
    address: 14
    type: bits
    words: 2
    bits:
      0: {key: hot, severity: warning, code: 7, notify: true, text: {en: Too hot, fr: Trop chaud}, cause: {en: The sun}}
      17: {key: dead, severity: critical, text: {en: Dead}}
      3: {key: eco, name: {en: Eco}, access: rw, danger: backup_output}
      4: {key: vehicle_connected}
  - {key: more_faults, address: 16, type: bits, alarm: {severity: critical, codes: A05, text: {en: Fault}}}
  - {key: lid, name: {en: Lid}, function: 2, address: 9, alarm: {severity: information, text: {en: Lid open}}}
commands:
  - {key: relay_1, on: {function: 5, address: 20, value: 0xFF00}, off: {function: 5, address: 20, value: 0}}
  - {key: relay_2, on: {function: 6, address: 21, value: 5}, off: {function: 6, address: 21, value: 9}}
  - key: relay_3
    state: vehicle_connected
    on: {function: 15, address: 22, value: 1}
    off: {function: 16, address: 23, value: 4}
  - {key: restart, name: {en: Restart}, press: {function: 6, address: 24, value: 1}}
"""
REGISTERS = {0: 0x4142, 1: 0x4300, 2: 123, 10: 3680, 11: 4998, 12: 160, 13: 0, 14: 0, 15: 0, 16: 0, 21: 9}
COILS = {3: False, 4: False, 20: False}


@pytest.fixture(autouse=True)
def _prompt(monkeypatch):
    monkeypatch.setattr(commands, "READ_BACK", (0.0, 0.01, 0.02))


def device_of(unit, text=STATION, *, confirmed=False, number=None, head=HEAD):
    found = Found(key="one", kind="charger", unit_id=1, number=number, name="Garage")
    return make(parse(head + text, "tried.yaml"), found, unit, 10.0, confirmed=confirmed)


async def read(device, now=0.0):
    for part in device.parts.values():
        await part.async_read(now)
    return device


@pytest.fixture
async def station(unit):
    unit.holding.update(REGISTERS)
    unit.coil.update(COILS)
    unit.discrete.update({9: False})
    return await read(device_of(unit, confirmed=True))


def written(unit):
    return [(event.address, list(event.values)) for event in unit.written]


# --- who it is -----------------------------------------------------------------------------------------------------


async def test_a_device_says_who_it_is(station):
    identity = station.identity
    assert (identity.manufacturer, identity.model) == ("Somebody", "A, B")
    assert (identity.serial, identity.firmware, identity.name) == ("ABC", "1.23", "Garage")
    assert station.kind == "charger"
    assert station.advice == ()


@pytest.mark.parametrize(
    ("models", "told"),
    [
        (("AURA 5KM-BG", "AURA 25KM-BG"), "AURA"),
        (("EM 340",), "EM 340"),
        (("A 1 x", "B 1 x"), "A 1 x, B 1 x"),
        ((), ""),
    ],
)
def test_of_several_models_the_words_that_all_begin_with_are_said(unit, models, told):
    device = device_of(unit)
    device.profile = replace(device.profile, models=models)
    device.confirmed = True
    assert device.identity.model == told


async def test_a_map_that_is_not_confirmed_shows_in_the_model_and_in_the_advice(unit):
    device = device_of(unit)
    assert device.identity.model == "A, B (tried?)"
    assert device.advice == ("map_not_confirmed",)


async def test_a_model_that_the_device_says_itself_goes_before_those_of_the_profile(unit):
    unit.holding.update({0: 0x4142})
    device = await read(device_of(unit, "registers:\n  - {key: model, address: 0, type: string, words: 1}\n"))
    assert device.identity.model == "AB (tried?)"


async def test_a_proven_map_needs_no_confirmation(unit):
    profile = parse(f"{HEAD}confidence: proven\n{STATION}", "tried.yaml", shipped=True)
    device = make(profile, Found(key="one", kind="charger", unit_id=1), unit, 10.0)
    assert device.confirmed
    assert device.advice == ()


async def test_the_evidence_for_a_map_is_what_lies_where_it_must(unit):
    device = device_of(unit)
    assert device.evidence == {"power": None, "frequency": None}
    unit.holding.update({**REGISTERS, 11: 1200})
    unit.coil.update(COILS)
    unit.discrete.update({9: False})
    await read(device)
    assert device.evidence == {"power": True, "frequency": False}


# --- what it can ---------------------------------------------------------------------------------------------------


def capabilities(text, kind="charger"):
    made = device_class(parse(HEAD.replace("charger", kind) + text, "tried.yaml"))
    device = made.__new__(made)
    return {protocol for protocol in (PowerMeter, Storage, Evse, Relay, Generator, Ups) if isinstance(device, protocol)}


def test_a_device_has_the_capabilities_that_its_keys_allow():
    battery = "  - {key: state_of_charge, address: 1}\n  - {key: battery_power, address: 2}\n"
    relay = "  - {key: relay_7, function: 1, address: 1, access: rw}\n"
    state = "  - {key: relay_7, function: 1, address: 1}\n"
    power = "  - {key: power, address: 3}\n"
    assert capabilities(STATION) == {PowerMeter, Evse, Relay}
    assert capabilities("registers:\n" + power) == {PowerMeter}
    assert capabilities("registers:\n" + battery) == {Storage}
    assert capabilities("registers:\n" + battery + power) == {PowerMeter, Storage}
    assert capabilities("registers:\n" + relay) == {Relay}
    assert capabilities("registers:\n" + state) == set()
    bit = "  - {key: m, address: 1, type: bits, bits: {1: {key: relay_2, access: rw}}}\n"
    assert capabilities("registers:\n" + bit) == {Relay}
    assert capabilities("registers:\n" + bit.replace(", access: rw", "")) == set()
    assert capabilities("registers:\n  - {key: frequency, address: 1}\n") == set()


def test_no_key_takes_the_place_of_what_a_device_is_made_of(unit):
    device = device_of(unit)
    made = {name for name in (*dir(device), *dir(device.parts["live"])) if not name.startswith("_")}
    own = {*device.profile.keys, *device.bits, *device.commands}
    assert made - own - {"hot", "dead"} <= _RESERVED
    assert not _RESERVED & (VOCABULARY.keys() | ALIASES.keys())


async def test_the_attributes_are_the_keys(station):
    assert (station.power, station.frequency, station.charging) == (3680, 49.98, False)
    assert station.working_mode.name == "SLOW"
    assert type(station).power.key == "power"


# --- alarms --------------------------------------------------------------------------------------------------------


async def test_bits_raise_alarms_with_the_texts_of_the_profile(unit, station):
    assert station.alarms == ()
    unit.holding.update({14: 2, 15: 0x0009, 16: 0b10001})
    unit.discrete[9] = True
    await read(station, 1)
    hot, dead, more, lid = station.alarms
    assert (hot.key, hot.severity, hot.notify_by_default, hot.code) == ("tried_hot", Severity.WARNING, True, 7)
    assert (dead.key, dead.severity, dead.notify_by_default, dead.code) == (
        "tried_dead",
        Severity.CRITICAL,
        False,
        None,
    )
    assert (more.key, more.severity, more.details) == (
        "tried_more_faults",
        Severity.CRITICAL,
        {"codes": ["A05", "A09"]},
    )
    assert (lid.key, lid.severity) == ("tried_lid", Severity.INFORMATION)
    assert alarm_texts("fr", hot) == {"text": "Trop chaud"}
    assert alarm_texts("en", hot) == {"text": "Too hot", "cause": "The sun"}
    assert alarm_texts("fr", dead) == alarm_texts("en", dead) == {"text": "Dead"}


async def test_bits_that_are_states_are_no_alarms(unit, station):
    unit.holding[15] = 0x18
    await read(station, 1)
    assert station.alarms == ()
    assert (station.eco, station.vehicle_connected) == (True, True)


# --- what it can be told -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "tell",
    [
        lambda device: device.set_value("charging_current", 10),
        lambda device: device.set_value("working_mode", 0xAA),
        lambda device: device.set_switch("charging", True),
        lambda device: device.set_switch("eco", True),
        lambda device: device.set_switch("relay_1", True),
        lambda device: device.press("restart"),
        lambda device: device.set_charging_current(10),
        lambda device: device.set_charging(True),
        lambda device: device.set_relay(2, True),
    ],
)
async def test_nothing_is_written_to_a_map_that_is_not_confirmed(unit, tell):
    unit.holding.update(REGISTERS)
    unit.coil.update(COILS)
    device = device_of(unit)
    with pytest.raises(CommandRefused) as caught:
        await tell(device)
    assert caught.value.reason == "map_not_confirmed"
    assert unit.written == []
    assert unit.read_events == []


@pytest.mark.parametrize(
    ("tell", "requests"),
    [
        (lambda device: device.set_value("charging_current", 10.5), [(12, [105])]),
        (lambda device: device.set_charging_current(32), [(12, [320])]),
        (lambda device: device.set_value("working_mode", 0xAA), [(13, [0xAA])]),
        (lambda device: device.set_charging(True), [(3, [True])]),
        (lambda device: device.set_switch("output_1", True), [(4, [True])]),
        (lambda device: device.set_switch("eco", True), [(14, [0, 8])]),
        (lambda device: device.set_relay(1, True), [(20, [True])]),
        (lambda device: device.set_relay(2, True), [(21, [5])]),
        (lambda device: device.set_relay(3, True), [(22, [True])]),
        (lambda device: device.set_relay(3, False), [(23, [4])]),
        (lambda device: device.press("restart"), [(24, [1])]),
    ],
)
async def test_a_confirmed_map_is_written_to_and_read_back(unit, station, tell, requests):
    assert await tell(station) is Effect.APPLIED
    assert written(unit) == requests


async def test_a_register_is_written_with_the_function_of_the_profile(unit, station):
    await station.set_value("working_mode", 0xAA)
    await station.set_value("charging_current", 10)
    await station.set_switch("output_1", True)
    assert [event.function_code for event in unit.written] == [16, 6, 15]


async def test_a_bit_leaves_the_others_of_its_word_as_they_are_now(unit, station):
    unit.holding.update({14: 0x00F0, 15: 0x0101})
    await station.set_switch("eco", True)
    await station.set_switch("eco", False)
    assert written(unit) == [(14, [0x00F0, 0x0109]), (14, [0x00F0, 0x0101])]


async def test_what_is_so_already_is_not_written(unit, station):
    assert await station.set_value("charging_current", 16) is Effect.UNCHANGED
    assert await station.set_relay(2, False) is Effect.UNCHANGED
    assert await station.set_charging(False) is Effect.UNCHANGED
    assert unit.written == []


@pytest.mark.parametrize("value", [5.9, 32.1, float("nan")])
async def test_a_value_out_of_range_is_refused(unit, station, value):
    with pytest.raises(CommandRefused) as caught:
        await station.set_value("charging_current", value)
    assert caught.value.reason == "out_of_range"
    assert unit.written == []


@pytest.mark.parametrize(
    "tell",
    [
        lambda device: device.set_value("power", 10),
        lambda device: device.set_value("working_mode", 1),
        lambda device: device.set_switch("lid", True),
        lambda device: device.set_switch("vehicle_connected", True),
        lambda device: device.set_switch("restart", True),
        lambda device: device.press("relay_1"),
    ],
)
async def test_what_the_profile_does_not_offer_is_refused(unit, station, tell):
    with pytest.raises(CommandRefused) as caught:
        await tell(station)
    assert caught.value.reason == "not_supported"
    assert unit.written == []


async def test_the_states_of_commands_are_known_where_they_can_be_read(unit, station):
    assert [station.relay_state(number) for number in (1, 2, 3)] == [False, False, False]
    unit.coil[20] = True
    unit.holding.update({21: 5, 15: 0x10})
    await read(station, 1)
    assert [station.relay_state(number) for number in (1, 2, 3)] == [True, True, True]
    unit.holding[21] = 7
    await read(station, 2)
    assert station.relay_state(2) is None
    assert station.value("restart") is None


async def test_a_command_whose_place_cannot_be_read_is_sent_all_the_same(unit, station):
    unit.fail_read(20, ModbusExceptionError.from_code(2), register_type="coil")
    device = device_of(unit, confirmed=True)
    assert await device.set_relay(1, True) is Effect.APPLIED
    assert written(unit) == [(20, [True])]
    assert device.relay_state(1) is None


async def test_a_command_whose_part_the_device_does_not_have_is_sent_all_the_same(unit):
    unit.fail_read(20, ModbusExceptionError.from_code(2), register_type="coil")
    text = STATION[STATION.index("commands:") :].replace("    state: vehicle_connected\n", "")
    device = device_of(unit, "registers:\n  - {key: power, address: 10}\n" + text, confirmed=True)
    assert await device.set_relay(1, True) is Effect.APPLIED
    assert await device.set_relay(3, True) is Effect.APPLIED
    assert device.relay_state(3) is None
    assert written(unit) == [(20, [True]), (22, [True])]


@pytest.mark.parametrize(
    ("fields", "value", "words"),
    [
        ("type: bcd, words: 2, scale: 0.1, range: [0, 9999]", 1234.5, [0x0001, 0x2345]),
        ("type: float32, range: [-10, 10]", 1.5, [0x3FC0, 0]),
        ("type: int32, word_order: low_first, range: [-10, 10]", -2, [0xFFFE, 0xFFFF]),
        ("type: int16, scale: -0.1, range: [-10, 10]", 2.5, [0xFFE7]),
        ("scale: 0.1, offset: -40, range: [0, 30]", 12.3, [523]),
    ],
)
async def test_a_number_is_written_as_it_is_read(unit, fields, value, words):
    unit.holding.update({0: 0, 1: 0})
    text = f"registers:\n  - {{key: level, entity: false, address: 0, access: rw, {fields}}}\n"
    device = device_of(unit, text, confirmed=True)
    assert await device.set_value("level", value) is Effect.APPLIED
    assert device.value("level") == value
    assert written(unit) == [(0, words)]


async def test_a_command_that_the_device_does_not_know_is_refused(unit, station):
    unit.fail_write(24, ModbusExceptionError.from_code(2))
    with pytest.raises(CommandRefused) as caught:
        await station.press("restart")
    assert caught.value.reason == "write_refused"


async def test_a_device_that_lets_nothing_be_written_is_told_from_a_gateway_that_does_not(unit, station):
    unit.fail_write(12, ModbusExceptionError.from_code(1))
    with pytest.raises(CommandRefused) as caught:
        await station.set_value("charging_current", 10)
    assert caught.value.reason == "write_refused"


async def test_a_value_that_the_device_does_not_take_is_told(unit, station):
    unit.on_write(lambda _: unit.holding.update({12: 160}))
    with pytest.raises(CommandRefused) as caught:
        await station.set_value("charging_current", 10)
    assert caught.value.reason == "not_taken"


async def test_a_bit_whose_word_is_unknown_is_not_written(unit):
    text = (
        "registers:\n  - {key: m, address: 0, type: bits, invalid: [0xFFFF], bits: {0: {key: charging, access: rw}}}\n"
    )
    unit.holding[0] = 0xFFFF
    device = device_of(unit, text, confirmed=True)
    with pytest.raises(CommandRefused) as caught:
        await device.set_switch("charging", True)
    assert caught.value.reason == "not_supported"
    assert unit.written == []


def test_the_range_of_the_charging_current_is_that_of_the_profile(unit):
    device = device_of(unit)
    assert device.charging_current_range == (6, 32)
    assert device.charging_modes == {}
    assert device.profile.keys["charging_current"].danger is Danger.NO_CHARGING
    assert device.profile.can_write


# --- several of a kind ---------------------------------------------------------------------------------------------

CONCENTRATOR = """\
positions: {count: 12, stride: 2}
ranges: [{function: 3, first: 0, last: 29}]
registers:
  - {key: pulse_total, address: 100, function: 4, type: uint32}
  - {key: input_1, address: 0}
  - {key: serial, address: 29, type: string, words: 1, shared: true}
commands:
  - {key: reset, name: {en: Reset}, press: {function: 6, address: 50, value: 1}}
"""


@pytest.mark.parametrize(("number", "offset"), [(None, 0), (1, 0), (2, 2), (12, 22)])
async def test_each_position_stands_its_stride_behind_the_one_before(unit, number, offset):
    unit.input.update({100 + offset: 0, 101 + offset: 77})
    unit.holding.update({offset: 5, 29: 0x4142})
    device = await read(device_of(unit, CONCENTRATOR, number=number, confirmed=True))
    assert (device.pulse_total, device.input_1, device.serial) == (77, 5, "AB")
    assert {(event.address, event.count) for event in unit.read_events} == {(100 + offset, 2), (offset, 1), (29, 1)}
    await device.press("reset")
    assert written(unit) == [(50 + offset, [1])]


async def test_serial_numbers_and_what_is_private_are_not_in_the_diagnostics(unit):
    unit.holding.update({0: 0x4142, 1: 7, 2: 8})
    text = (
        "registers:\n  - {key: serial, address: 0, type: string, words: 1}\n"
        "  - {key: frequency, address: 1, speed: once, private: true}\n  - {key: power, address: 2, speed: once}\n"
    )
    device = await read(device_of(unit, text))
    assert device.parts["once"].shown == {"values": {"power": 8}, "registers": {"holding": {"2": 8}}}


async def test_a_computed_value_is_fresh_with_what_it_is_computed_of(unit):
    text = (
        "registers:\n  - {key: energy, address: 0, unit: kWh}\n  - {key: twice, entity: false, sum: [energy, energy]}\n"
        "  - {key: m, address: 1, type: bits, bits: {0: {key: charging}}}\n"
    )
    device = device_of(unit, text)
    assert [device.part_of(key) for key in ("energy", "twice", "charging")] == ["slow", "slow", "live"]
    assert all(device.has(key) for key in ("energy", "twice", "charging"))
    unit.fail_read(0, ModbusExceptionError.from_code(2))
    with pytest.raises(NotSupported):
        await device.parts["slow"].async_read(0)
    assert [device.has(key) for key in ("energy", "twice", "charging")] == [False, False, True]


def test_a_command_is_fresh_with_the_place_or_the_state_that_tells_of_it(unit):
    device = device_of(unit)
    parts = [device.part_of(key) for key in ("relay_1", "relay_2", "relay_3", "restart")]
    assert parts == ["slow_coils", "slow", "live", "live_discrete_inputs"]
    assert all(device.has(key) for key in ("relay_1", "relay_3", "eco", "power"))

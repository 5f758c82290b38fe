"""What the words of a register become, whatever a profile says of them."""

import math
import struct

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from modbus_connection.mock import MockModbusConnection

from custom_components.energy_suite.gateways.base import Found
from custom_components.energy_suite.gateways.profiles.device import make
from custom_components.energy_suite.gateways.profiles.schema import parse

HEAD = """\
profile: 1
id: tried
manufacturer: Somebody
models: [A]
kind: electricity_meter
source: a test
"""
FOUND = Found(key="1", kind="electricity_meter", unit_id=1)


def profile(registers, head=HEAD):
    rows = "\n".join(f"  - {{{fields}}}" for fields in registers)
    return parse(f"{head}registers:\n{rows}\n", "tried.yaml")


def device_of(*registers, head=HEAD, unit=None, **options):
    return make(profile(registers, head), FOUND, unit or MockModbusConnection().for_unit(1), 10.0, **options)


async def read(device, now=0.0):
    for part in device.parts.values():
        await part.async_read(now)


async def value_of(fields, *words, function="holding"):
    """The value of one register with these words in it, at address 0."""
    unit = MockModbusConnection().for_unit(1)
    getattr(unit, function).update(enumerate(words))
    device = device_of(f"key: value_1, name: {{en: V}}, address: 0, {fields}", unit=unit)
    await read(device)
    return device.value("value_1")


@pytest.mark.parametrize(
    ("fields", "words", "value"),
    [
        ("type: uint16", [0xFFFF], 65535),
        ("type: int16", [0xFFFF], -1),
        ("type: uint32", [1, 0x86A0], 100_000),
        ("type: uint32, word_order: low_first", [0x86A0, 1], 100_000),
        ("type: int32", [0xFFFF, 0xFFFE], -2),
        ("type: int32, word_order: low_first", [0xFFFE, 0xFFFF], -2),
        ("type: uint64", [0, 0, 1, 0], 65536),
        ("type: int64", [0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF], -1),
        ("type: float32", struct.unpack(">2H", struct.pack(">f", 230.5)), 230.5),
        ("type: float32, word_order: low_first", struct.unpack(">2H", struct.pack(">f", 230.5))[::-1], 230.5),
        ("type: float64", struct.unpack(">4H", struct.pack(">d", -1.25)), -1.25),
        ("type: float32", struct.unpack(">2H", struct.pack(">f", math.inf)), None),
        ("type: float32", struct.unpack(">2H", struct.pack(">f", math.nan)), None),
        ("type: float32, invalid: [0x42280000]", struct.unpack(">2H", struct.pack(">f", 42.0)), None),
        ("type: bcd", [0x1234], 1234),
        ("type: bcd, words: 2, scale: 0.1", [0x0001, 0x2345], 1234.5),
        ("type: bcd", [0x12A4], None),
        ("type: bcd, invalid: [0x9999]", [0x9999], None),
        ("type: string, words: 3", [0x4142, 0x4300, 0x4445], "ABC"),
        ("type: string, words: 2", [0, 0], None),
        ("type: string, words: 1", [0x0741], None),
        ("scale: 0.1, unit: V", [2301], 230.1),
        ("scale: 0.1, offset: -40, unit: °C", [523], 12.3),
        ("scale: -0.1, unit: A, type: int16", [55], -5.5),
        ("scale: -1, unit: W, type: int16", [0], 0),
        ("unit: mV", [3301], 3.301),
        ("unit: kW, scale: 0.01", [123], 1230),
        ("unit: Wh, type: uint32", [1, 0x86A0], 100.0),
        ("unit: min", [90], 5400),
        ("invalid: [0xFFFF, 0x7FFF]", [0x7FFF], None),
        ("type: int16, invalid: [-1]", [0xFFFF], None),
        ("zero: unknown", [0], None),
        ("zero: value", [0], 0),
    ],
)
async def test_words_become_the_value_that_the_profile_says(fields, words, value):
    got = await value_of(fields, *words)
    assert got == value
    assert repr(got) != "-0.0"


async def test_a_number_that_stands_for_something_is_a_member_of_its_enumeration():
    fields = "map: {0: off, 0xAA: charging}"
    assert (await value_of(fields, 0xAA)).name == "CHARGING"
    assert (await value_of(fields, 0)).name == "OFF"
    assert await value_of(fields, 7) is None


async def test_input_registers_are_another_space():
    assert await value_of("function: 4", 7, function="input") == 7


@pytest.mark.parametrize(("function", "space"), [(1, "coil"), (2, "discrete")])
async def test_a_bit_is_yes_or_no_or_what_it_stands_for(function, space):
    unit = MockModbusConnection().for_unit(1)
    unit.load_raw({space: {0: True, 1: False}})
    device = device_of(
        f"key: breaker, function: {function}, address: 0, map: {{0: open, 1: closed}}",
        f"key: input_1, function: {function}, address: 1",
        unit=unit,
    )
    assert device.value("input_1") is None
    await read(device)
    assert device.value("breaker").name == "CLOSED"
    assert device.value("input_1") is False
    (part,) = device.parts.values()
    assert part.values == {"breaker": True, "input_1": False}
    assert part.shown == {"values": {"breaker": True, "input_1": False}, "registers": {space: {"0": 1, "1": 0}}}
    assert part.dropped == 0


# --- the ratio rule and the sign of the EMDX3 ----------------------------------------------------------------------

EMDX3 = """\
ratios:
  power: {of: [current_ratio, voltage_ratio], steps: [{below: 5000, scale: 0.01}, {scale: 1}]}
  energy:
    of: [current_ratio, voltage_ratio]
    steps:
      - {below: 10, scale: 10}
      - {below: 100, scale: 100}
      - {below: 1000, scale: 1000}
      - {below: 10000, scale: 10000}
      - {below: 100000, scale: 100000}
      - {scale: 1000000}
"""
EMDX3_REGISTERS = (
    "key: power, address: 0x1014, type: uint32, unit: W, scale: 'ratio:power', sign_key: power_sign",
    "key: power_sign, address: 0x101A, entity: false",
    "key: energy_imported, address: 0x101C, type: uint32, unit: Wh, scale: 'ratio:energy'",
    "key: current_ratio, address: 4608, entity: false, speed: once",
    "key: voltage_ratio, address: 4609, type: uint32, entity: false, speed: once",
)


async def emdx3(current_ratio, *, power=0, sign=0, energy=0):
    unit = MockModbusConnection().for_unit(1)
    unit.holding.update({0x1014: 0, 0x1015: power, 0x101A: sign, 0x101C: 0, 0x101D: energy})
    unit.holding.update({4608: current_ratio, 4609: 0, 4610: 1})
    device = device_of(*EMDX3_REGISTERS, head=HEAD + EMDX3, unit=unit)
    await read(device)
    await read(device, 1.0)
    return device


@pytest.mark.parametrize(
    ("ratio", "measured", "key", "value"),
    [
        (1, {"power": 12345, "sign": 1}, "power", -123.45),
        (1, {"power": 12345, "sign": 0}, "power", 123.45),
        (4999, {"power": 150}, "power", 1.5),
        (6000, {"power": 150}, "power", 150),
        (1, {"energy": 678}, "energy_imported", 6.78),
        (40, {"energy": 678}, "energy_imported", 67.8),
        (400, {"energy": 678}, "energy_imported", 678),
        (6000, {"energy": 678}, "energy_imported", 6780),
        (60000, {"energy": 678}, "energy_imported", 67800),
    ],
)
async def test_a_scale_follows_from_the_ratio_of_the_transformers(ratio, measured, key, value):
    assert (await emdx3(ratio, **measured)).value(key) == value


async def test_a_sign_that_is_neither_leaves_the_value_unknown():
    assert (await emdx3(1, power=100, sign=2)).value("power") is None


async def test_what_depends_on_a_ratio_is_unknown_before_the_ratio_is_read():
    unit = MockModbusConnection().for_unit(1)
    unit.holding.update({0x1015: 100, 0x101A: 0, 4608: 1, 4609: 0, 4610: 1})
    device = device_of(*EMDX3_REGISTERS, head=HEAD + EMDX3, unit=unit)
    await device.parts["live"].async_read(0)
    assert device.value("power") is None
    await device.parts["once"].async_read(0)
    await device.parts["live"].async_read(1)
    assert device.value("power") == 1.0


# --- computed, counters, believing ------------------------------------------------------------------------------------


async def test_a_sum_is_of_what_is_known_and_a_choice_the_first_that_is_not_zero():
    unit = MockModbusConnection().for_unit(1)
    unit.holding.update({0: 0, 1: 230, 2: 0xFFFF})
    device = device_of(
        "key: a, entity: false, address: 0",
        "key: b, entity: false, address: 1",
        "key: c, entity: false, address: 2, invalid: [0xFFFF]",
        "key: total, entity: false, sum: [a, b, c]",
        "key: either, entity: false, first_of: [c, a, b]",
        "key: neither, entity: false, first_of: [a, c]",
        "key: nothing, entity: false, sum: [c]",
        "key: twice, entity: false, sum: [total, b]",
        unit=unit,
    )
    await read(device)
    values = [device.value(key) for key in ("total", "either", "neither", "nothing", "twice")]
    assert values == [230, 230, 0, None, 460]


async def test_a_zero_without_its_witness_is_unknown():
    unit = MockModbusConnection().for_unit(1)
    unit.holding.update({0: 0, 1: 0, 2: 1})
    device = device_of("key: power, address: 0, unit: W, zero_unless: voltage", "key: voltage, address: 1", unit=unit)
    await read(device)
    assert device.value("power") is None
    unit.holding[1] = 230
    await read(device, 1)
    assert device.value("power") == 0


COUNTERS = (
    "key: energy_produced, address: 0, type: uint32, scale: 0.1, unit: kWh",
    "key: yield_today, address: 2, scale: 0.1, unit: kWh",
    "key: nominal_power, address: 3, unit: W, speed: slow",
)


async def test_counters_that_all_read_zero_at_night_are_unknown_and_come_back_at_once():
    unit = MockModbusConnection().for_unit(1)
    unit.holding.update({0: 0, 1: 12345, 2: 55, 3: 5000})
    device = device_of(*COUNTERS, unit=unit)
    part = device.parts["slow"]
    wall = 1_000_000.0
    part.wall_clock = lambda: wall
    await read(device)
    assert (device.value("energy_produced"), device.value("yield_today")) == (1234.5, 5.5)
    unit.holding.update({1: 0, 2: 0})
    for _ in range(10):
        wall += 60
        await read(device)
        assert (device.value("energy_produced"), device.value("yield_today")) == (None, None)
    unit.holding.update({1: 12346, 2: 1})
    wall += 60
    await read(device)
    assert device.value("energy_produced") == 1234.6


async def test_a_counter_of_a_day_begins_anew_once_it_is_confirmed():
    unit = MockModbusConnection().for_unit(1)
    unit.holding.update({0: 0, 1: 12345, 2: 55, 3: 5000})
    device = device_of(*COUNTERS, unit=unit)
    wall = 1_000_000.0
    device.parts["slow"].wall_clock = lambda: wall
    await read(device)
    unit.holding[2] = 0
    shown = []
    for _ in range(3):
        wall += 60
        await read(device)
        shown.append((device.value("energy_produced"), device.value("yield_today")))
    assert shown == [(1234.5, 5.5), (1234.5, 5.5), (1234.5, 0)]


async def test_counters_are_remembered_over_a_restart():
    unit = MockModbusConnection().for_unit(1)
    unit.holding.update({0: 0, 1: 12345, 2: 55, 3: 5000})
    device = device_of(*COUNTERS, unit=unit)
    await read(device)
    assert {key: value for key, (value, _) in device.counters.items()} == {
        "slow.energy_produced": 1234.5,
        "slow.yield_today": 5.5,
    }
    again = device_of(*COUNTERS, unit=unit)
    again.restore_counters(device.counters)
    unit.holding[1] = 3
    await read(again)
    assert again.value("energy_produced") is None


@pytest.mark.parametrize(("scale", "shown"), [("'ratio:energy'", 12.35), ("1000", 1235)])
async def test_the_step_of_a_counter_is_that_of_its_ratio(scale, shown):
    unit = MockModbusConnection().for_unit(1)
    unit.holding.update({0: 1234, 1: 1})
    rule = "ratios:\n  energy: {of: [k], steps: [{below: 10, scale: 10}, {scale: 100}]}\n"
    device = device_of(
        f"key: energy, address: 0, unit: Wh, scale: {scale}, speed: live",
        "key: k, address: 1, entity: false, speed: once",
        head=HEAD + rule,
        unit=unit,
    )
    await read(device)
    await read(device)
    unit.holding[0] = 1235
    await read(device)
    assert device.value("energy") == shown


@settings(max_examples=60)
@given(data=st.data())
async def test_any_words_give_none_or_something_finite(data):
    types = ["uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64", "bcd, words: 4"]
    texts = ["string, words: 5", "bits, words: 2, bits: {3: {key: hot, severity: warning, text: {en: Hot}}}"]
    kind = data.draw(st.sampled_from([*types, *texts]))
    number = kind in types
    scale = data.draw(st.sampled_from(["1", "0.1", "-0.001", "1e6", "0.000001"])) if number else "1"
    unit = data.draw(st.sampled_from(["", ", unit: W", ", unit: kWh", ", unit: mA"])) if number else ""
    order = data.draw(st.sampled_from(["high_first", "low_first"]))
    words = data.draw(st.lists(st.lists(st.integers(0, 0xFFFF), min_size=8, max_size=8), min_size=1, max_size=4))
    mock = MockModbusConnection().for_unit(1)
    device = device_of(
        f"key: value_1, name: {{en: V}}, address: 0, type: {kind}, scale: {scale}, word_order: {order}{unit}", unit=mock
    )
    for now, reading in enumerate(words):
        mock.holding.update(enumerate(reading))
        await read(device, float(now))
        value = device.value("value_1")
        assert value is None or isinstance(value, str) or math.isfinite(value)
        assert {alarm.key for alarm in device.alarms} <= {"tried_hot"}

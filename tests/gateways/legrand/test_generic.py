"""The generic meter: what its owner may say, and what becomes of the words on the wire."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.energy_suite.gateways.base import Found, Speed
from custom_components.energy_suite.gateways.legrand.generic import (
    GENERIC,
    GenericMeter,
    parse_multiplier,
    parse_register,
)
from custom_components.energy_suite.gateways.profiles.device import make

FOUND = Found(key="meter", kind="generic_meter", unit_id=1)
AT = 0x101C


def settings(**about):
    return {"function": 3, "register": "101C", "words": 2, "multiplier": "1", **about}


def meter(**about):
    return GenericMeter.from_settings(settings(**about))


def words_of(number, words, *, low_first=False):
    each = [number >> 16 * place & 0xFFFF for place in range(words)]
    return each if low_first else each[::-1]


async def device_of(unit, raw, /, *, function=3, **about):
    """The meter, read once where these words stand."""
    space = unit.holding if function == 3 else unit.input
    space.update(enumerate(raw, AT))
    return await read(make(meter(function=function, **about).profile(), FOUND, unit, 10.0))


async def read(device):
    for part in device.parts.values():
        await part.async_read(1.0)
    return device


# --- what is typed -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "register"),
    [
        ("0x101C", 0x101C),
        ("101C", 0x101C),
        ("101c", 0x101C),
        ("0X101c", 0x101C),
        (" 101C ", 0x101C),
        ("0", 0),
        ("10", 16),
        ("FFFF", 0xFFFF),
        ("0000FFFF", 0xFFFF),
    ],
)
def test_a_register_is_hexadecimal(text, register):
    assert parse_register(text) == register
    assert meter(register=text, words=1).problems() == {}


@pytest.mark.parametrize(
    "text",
    ["", " ", "0x", "G1", "10000", "-1", "+1", "1_0", "0x0x1", "1 0", "1.0", "0o1", "101Ch", "１０", "²", "x10", "10,"],
)
def test_what_is_no_register_is_refused(text):
    with pytest.raises(ValueError, match=r".*"):
        parse_register(text)
    assert meter(register=text).problems() == {"register": "bad_register"}
    with pytest.raises(ValueError, match="bad_register"):
        meter(register=text).profile()


@given(st.integers(0, 0xFFFF))
def test_every_register_can_be_said(register):
    assert parse_register(f"{register:x}") == parse_register(f"0x{register:04X}") == register


@pytest.mark.parametrize(
    ("text", "multiplier"),
    [("1", "1"), ("0,1", "0.1"), ("0.1", "0.1"), (" 10 ", "10"), ("0.000001", "0.000001"), ("1000000", "1e6")],
)
def test_a_multiplier_has_a_point_or_a_comma(text, multiplier):
    assert parse_multiplier(text) == Decimal(multiplier)
    assert meter(multiplier=text).problems() == {}


@pytest.mark.parametrize(
    "text",
    ["", "0", "0,0", "-1", "-0,1", "ten", "1.000,5", "0.0000001", "1000001", "1e999999", "NaN", "sNaN", "Infinity"],
)
def test_a_multiplier_is_more_than_nothing_and_no_monster(text):
    with pytest.raises(ValueError, match=r".*"):
        parse_multiplier(text)
    assert meter(multiplier=text).problems() == {"multiplier": "bad_multiplier"}
    with pytest.raises(ValueError, match="bad_multiplier"):
        meter(multiplier=text).profile()


@pytest.mark.parametrize(
    ("about", "problems"),
    [
        ({"words": 1, "register": "FFFF"}, {}),
        ({"words": 2, "register": "FFFE"}, {}),
        ({"words": 4, "register": "FFFC"}, {}),
        ({"words": 2, "register": "FFFF"}, {"register": "register_too_high"}),
        ({"words": 4, "register": "FFFD"}, {"register": "register_too_high"}),
        ({"words": 0}, {"words": "bad_words"}),
        ({"words": 3}, {"words": "bad_words"}),
        ({"words": 8}, {"words": "bad_words"}),
        ({"function": 3}, {}),
        ({"function": 4}, {}),
        ({"function": 1}, {"function": "bad_function"}),
        ({"function": 6}, {"function": "bad_function"}),
        ({"unit": "kWh"}, {}),
        ({"unit": "MWh"}, {"unit": "bad_unit"}),
        ({"unit": "kwh"}, {"unit": "bad_unit"}),
        (
            {"power": {"register": "G1", "words": 3, "multiplier": "0"}},
            {"power.register": "bad_register", "power.words": "bad_words", "power.multiplier": "bad_multiplier"},
        ),
        ({"current": {"register": "FFFF"}}, {"current.register": "register_too_high"}),
        ({"voltage": {"register": ""}}, {}),
        ({"voltage": {}}, {}),
    ],
)
def test_what_is_wrong_is_told_field_by_field(about, problems):
    wrong = meter(**about)
    assert wrong.problems() == problems
    if problems:
        with pytest.raises(ValueError, match=next(iter(problems.values()))):
            wrong.profile()
    else:
        assert wrong.profile().id == GENERIC


def test_what_is_not_said_is_as_usual():
    assert GenericMeter.from_settings({"function": 4, "register": "10"}) == meter(
        function=4, register="10", words=2, multiplier="1", unit="Wh", signed=False, word_order="high_first"
    )


# --- what becomes of it --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "multiplier", "kwh"),
    [
        # The vectors of the reference.
        ([0x0001, 0x86A0], "10", 1000.0),
        ([0x0064], "1000", 100.0),
        ([0, 0, 1, 0], "1", 65.536),
        ([0, 0, 1, 0], "0,5", 32.768),
        ([0xFFFF], "1", 65.535),
        ([0xFFFF, 0xFFFF], "1", 4_294_967.295),
    ],
)
async def test_the_energy_is_the_multiplied_number_in_wh(unit, words, multiplier, kwh):
    device = await device_of(unit, words, words=len(words), multiplier=multiplier)
    assert device.energy_imported == pytest.approx(kwh, rel=1e-12)


async def test_the_multiplied_number_may_be_kwh(unit):
    device = await device_of(unit, [0, 1234], unit="kWh", multiplier="0,1")
    assert device.energy_imported == pytest.approx(123.4)


@pytest.mark.parametrize("words", [1, 2, 4])
@pytest.mark.parametrize("low_first", [False, True])
async def test_either_word_may_come_first(unit, words, low_first):
    number = 0x0001_0002_0003_0004 % (1 << 16 * words)
    device = await device_of(
        unit,
        words_of(number, words, low_first=low_first),
        words=words,
        unit="kWh",
        word_order="low_first" if low_first else "high_first",
    )
    assert device.energy_imported == pytest.approx(number)


@pytest.mark.parametrize("words", [1, 2, 4])
async def test_a_number_has_a_sign_only_where_it_is_said(unit, words):
    raw = words_of(-500, words)
    power = {"register": "101C", "words": words, "multiplier": "1"}
    signed = await device_of(unit, raw, power={**power, "signed": True}, register="2000")
    assert signed.power == -500
    if words == 1:
        plain = await device_of(unit, raw, power=power, register="2000")
        assert plain.power == 65_036


async def test_function_4_reads_input_registers(unit):
    unit.holding.update(enumerate([9, 9], AT))
    device = await device_of(unit, [0, 500], function=4)
    assert device.energy_imported == 0.5


async def test_other_quantities_have_their_own_places(unit):
    unit.holding.update({0x20: 0, 0x21: 2500, 0x30: 0xFF9C, 0x40: 2305, 0x50: 0, 0x51: 12_345})
    device = await device_of(
        unit,
        [0, 1000],
        unit="kWh",
        multiplier="0.1",
        energy_exported={"register": "20", "multiplier": "0.01"},
        power={"register": "30", "words": 1, "signed": True, "multiplier": "10"},
        voltage={"register": "40", "words": 1, "multiplier": "0,1"},
        current={"register": "50", "multiplier": "0.001"},
    )
    assert (device.energy_imported, device.energy_exported) == (100.0, 25.0)
    assert (device.power, device.voltage, device.current) == (-1000.0, 230.5, 12.345)


def test_energies_are_read_now_and_then_beside_what_moves():
    def speeds(**about):
        return {key: register.speed for key, register in meter(**about).profile().keys.items()}

    energies = {"energy_exported": {"register": "20"}}
    # Something has to tell in every round whether it answers.
    assert speeds() == {"energy_imported": Speed.LIVE}
    assert speeds(**energies) == {"energy_imported": Speed.LIVE, "energy_exported": Speed.LIVE}
    assert speeds(**energies, power={"register": "30"}) == {
        "energy_imported": Speed.SLOW,
        "energy_exported": Speed.SLOW,
        "power": Speed.LIVE,
    }


async def test_nothing_is_read_but_what_was_said(unit):
    unit.holding.update({0x20: 2305, 0x22: 5})
    place = {"words": 1, "multiplier": "0.1"}
    await device_of(unit, [0, 1], voltage={**place, "register": "20"}, current={**place, "register": "22"})
    asked = [(event.register_type, event.address, event.count) for event in unit.read_events]
    assert sorted(asked) == [("holding", 0x20, 1), ("holding", 0x22, 1), ("holding", AT, 2)]


def test_nothing_of_it_is_to_be_confirmed_or_written(unit):
    device = make(meter().profile(), FOUND, unit, 10.0)
    assert (device.confirmed, device.advice, device.profile.can_write) == (True, (), False)


async def test_a_meter_that_counts_less_than_before_has_been_replaced(unit):
    device = await device_of(unit, [0, 50_000])
    unit.holding.update(enumerate([0, 10], AT))
    part = device.parts["live"]
    told = []
    for now in range(100):
        part.wall_clock = lambda now=now: 1e9 + 10 * now
        await part.async_read(10.0 * now)
        told.append(device.energy_imported)
    # No spike: the old number until the new one is sure.
    assert sorted(set(told), reverse=True) == [50.0, 0.01]
    assert told[-1] == 0.01

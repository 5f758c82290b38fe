"""A block of registers: its layouts, what of it is absent, and what is believed of it."""

from typing import ClassVar

import hypothesis.strategies as st
import pytest
from hypothesis import given
from modbus_connection import ModbusConnectionError, ModbusExceptionError, ModbusProtocolError, ModbusTimeoutError
from modbus_connection.mock import MockModbusConnection
from modbus_connection.model import NumberField, StringField

from custom_components.energy_suite.gateways.base import CannotConnect, DeviceGone, NotSupported, Speed
from custom_components.energy_suite.gateways.registers import Layout, Registers

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, BUSY = (ModbusExceptionError.from_code(code) for code in (1, 2, 6))
GATEWAY_PATH, GATEWAY_TARGET = (ModbusExceptionError.from_code(code) for code in (10, 11))


class Charger(Registers):
    """A block that grew over three firmwares."""

    speed = Speed.LIVE
    layouts: ClassVar[tuple[Layout, ...]] = (((10, 16), (20, 21)), ((10, 16),), ((10, 12),))
    absent_unless: ClassVar = {"power": "voltage"}

    voltage = NumberField[float](10, scale=0.1, signed=False, unit="V")
    power = NumberField[float](11, unit="W")
    current_limit = NumberField[float](12, scale=0.1, writable=True, unit="A")
    serial = StringField(13, count=3)
    state = NumberField[int](16, signed=False)
    energy = NumberField[float](20, count=2, scale=0.01, signed=False, unit="kWh")


CHARGING = {10: 2301, 11: 500, 12: 160, 13: 0x4142, 14: 0x4344, 15: 0, 16: 3, 20: 1, 21: 0}


@pytest.fixture
def charger(unit):
    unit.holding.update(CHARGING)
    charger = Charger(unit, interval=10.0)
    charger.wall_clock = lambda: charger.wall  # type: ignore[attr-defined] # the tests' own
    charger.wall = 1_000_000.0  # type: ignore[attr-defined]
    return charger


def blocks(unit):
    """The requests since last asked: (first address, count)."""
    requests = [(event.address, event.count) for event in unit.read_events]
    unit.read_events.clear()
    return requests


async def test_a_block_is_read_in_one_request_for_each_range_of_its_layout(unit, charger):
    await charger.async_read(7.0)
    assert blocks(unit) == [(10, 7), (20, 2)]
    assert charger.values == {
        "voltage": 230.1,
        "power": 500,
        "current_limit": 16.0,
        "serial": "ABCD",
        "state": 3,
        "energy": 655.36,
    }
    assert (charger.present, charger.read_at, charger.dropped) == (True, 7.0, 0)


async def test_what_was_read_is_kept_raw(unit, charger):
    await charger.async_read(0)
    assert charger.raw == {"holding": CHARGING}


async def test_layouts_are_tried_newest_first_and_the_first_that_answers_is_kept(unit, charger):
    unit.fail_read(20, ILLEGAL_ADDRESS)
    unit.fail_read(16, ILLEGAL_FUNCTION)
    await charger.async_read(0)
    assert blocks(unit) == [(10, 7), (10, 7), (10, 3)]
    await charger.async_read(0)
    assert blocks(unit) == [(10, 3)]
    assert set(charger.fields) == {"voltage", "power", "current_limit"}
    assert charger.energy is None
    assert charger.raw == {"holding": {10: 2301, 11: 500, 12: 160}}


async def test_a_refusal_of_what_was_answered_asks_for_the_layout_again(unit, charger):
    await charger.async_read(0)
    unit.fail_read(20, ILLEGAL_ADDRESS)
    with pytest.raises(NotSupported):
        await charger.async_read(1)
    blocks(unit)
    await charger.async_read(2)
    assert blocks(unit) == [(10, 7), (20, 2), (10, 7)]
    assert "energy" not in charger.values
    assert charger.present


async def test_forgetting_finds_what_an_update_brought(unit, charger):
    unit.fail_read(20, ILLEGAL_ADDRESS)
    await charger.async_read(0)
    unit.fail_read(20, None)
    charger.forget()
    await charger.async_read(1)
    assert charger.energy == 655.36


async def test_a_block_that_refuses_every_layout_is_absent(unit, charger):
    unit.fail_read(10, ILLEGAL_ADDRESS)
    with pytest.raises(NotSupported):
        await charger.async_read(0)
    assert charger.present is False
    assert charger.read_at is None
    assert charger.values == dict.fromkeys(charger.fields)


async def test_an_absent_block_that_appears_is_read_in_its_newest_layout(unit, charger):
    unit.fail_read(10, ILLEGAL_ADDRESS)
    with pytest.raises(NotSupported):
        await charger.async_read(0)
    unit.fail_read(10, None)
    await charger.async_read(1)
    assert charger.present
    assert charger.energy == 655.36


async def test_a_block_without_layouts_that_is_refused_is_absent_and_may_appear(unit):
    class Relay(Registers):
        state = NumberField[int](1)

    relay = Relay(unit)
    unit.fail_read(1, ILLEGAL_ADDRESS)
    for _ in range(2):
        with pytest.raises(NotSupported):
            await relay.async_read(0)
        assert relay.present is False
    unit.fail_read(1, None)
    await relay.async_read(0)
    assert relay.present


@pytest.mark.parametrize(
    ("error", "translated", "reason"),
    [
        (ILLEGAL_ADDRESS, NotSupported, None),
        (ILLEGAL_FUNCTION, NotSupported, None),
        (GATEWAY_PATH, DeviceGone, None),
        (GATEWAY_TARGET, DeviceGone, None),
        (BUSY, CannotConnect, "silent"),
        (ModbusTimeoutError("late"), CannotConnect, "silent"),
        (ModbusProtocolError("garbled"), CannotConnect, "silent"),
        (ModbusConnectionError("reset"), CannotConnect, "lost"),
    ],
)
async def test_errors_of_the_library_are_translated(unit, charger, error, translated, reason):
    await charger.async_read(0)
    unit.fail_requests(error)
    with pytest.raises(translated) as caught:
        await charger.async_read(1)
    assert getattr(caught.value, "reason", None) == reason
    assert charger.read_at == 0


async def test_a_device_that_is_gone_keeps_the_layout_it_had(unit, charger):
    unit.fail_read(20, ILLEGAL_ADDRESS)
    await charger.async_read(0)
    unit.fail_requests(GATEWAY_PATH)
    with pytest.raises(DeviceGone):
        await charger.async_read(1)
    unit.fail_requests(None)
    blocks(unit)
    await charger.async_read(2)
    assert blocks(unit) == [(10, 7)]


async def test_a_value_without_its_witness_is_unknown(unit, charger):
    unit.holding.update({10: 0, 11: 0})
    await charger.async_read(0)
    assert (charger.voltage, charger.power) == (0.0, None)
    unit.holding[10] = 2300
    await charger.async_read(1)
    assert (charger.voltage, charger.power) == (230.0, 0)


async def test_a_witness_that_this_firmware_lacks_leaves_the_value_unknown(unit):
    class Narrow(Charger):
        layouts: ClassVar[tuple[Layout, ...]] = (((11, 12),),)

    narrow = Narrow(unit)
    unit.holding.update(CHARGING)
    await narrow.async_read(0)
    assert narrow.values == {"power": None, "current_limit": 16.0}


async def test_a_burst_of_zeros_shows_nothing_new_not_even_that_a_value_is_unknown(unit, charger):
    await charger.async_read(0)
    before = charger.values
    unit.holding.update(dict.fromkeys(CHARGING, 0))
    await charger.async_read(1)
    assert charger.values == before
    assert charger.dropped == 1
    assert set(charger.raw["holding"].values()) == {0}
    await charger.async_read(2)
    assert (charger.voltage, charger.power, charger.state) == (0.0, None, 0)
    assert charger.energy == 655.36


async def test_a_counter_that_leaps_is_believed_after_three_readings_one_interval_apart(unit, charger):
    await charger.async_read(0)
    unit.holding.update({20: 99})
    shown = []
    for pause in (0.5, 0.5, 0.5, 10.0, 10.0):
        charger.wall += pause
        await charger.async_read(0)
        shown.append(charger.energy)
    assert shown == [655.36, 655.36, 655.36, 655.36, 64880.64]


async def test_a_value_that_means_something_else_is_not_checked_for_its_range(unit):
    class Code(Registers):
        level = NumberField[str](1, convert={9999: "full"}, unit="%")

    code = Code(unit)
    unit.holding[1] = 9999
    await code.async_read(0)
    assert code.level == "full"


async def test_a_value_written_holds_after_the_rounding_of_its_register(charger):
    await charger.async_read(0)
    assert charger.holds("current_limit", 16.0)
    assert charger.holds("current_limit", 16.04)
    assert not charger.holds("current_limit", 16.1)
    assert not charger.holds("nothing", 1)


async def test_the_addresses_of_texts_are_known_for_hiding_them(charger):
    assert charger.private_addresses == {13, 14, 15}


async def test_listeners_hear_of_a_reading_once_it_is_judged(unit, charger):
    heard = []
    charger.add_update_listener(lambda: heard.append(charger.voltage))
    await charger.async_read(0)
    unit.holding[10] = 65535
    await charger.async_read(1)
    assert heard == [230.1, 230.1]


@given(words=st.lists(st.lists(st.integers(0, 0xFFFF), min_size=9, max_size=9), max_size=6))
async def test_whatever_is_read_every_value_is_none_a_text_or_a_number(words):
    unit = MockModbusConnection().for_unit(1)
    charger = Charger(unit)
    for now, reading in enumerate(words):
        unit.holding.update(zip(CHARGING, reading, strict=True))
        await charger.async_read(now)
        assert all(value is None or isinstance(value, str | int | float) for value in charger.values.values())
        assert charger.raw == {"holding": dict(zip(CHARGING, reading, strict=True))}

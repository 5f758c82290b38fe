"""Writes that are seen to take effect."""

import math

import pytest
from modbus_connection import ModbusConnectionError, ModbusExceptionError, ModbusTimeoutError
from modbus_connection.model import NumberField, StringField

from custom_components.energy_suite.gateways import commands
from custom_components.energy_suite.gateways.base import CannotConnect, CommandRefused, DeviceGone
from custom_components.energy_suite.gateways.commands import Effect, check_range, write
from custom_components.energy_suite.gateways.registers import Registers

TIMEOUT = ModbusTimeoutError("late")
REFUSED, BAD_VALUE, GONE = (ModbusExceptionError.from_code(code) for code in (2, 3, 10))


class Settings(Registers):
    """What a command may change."""

    layouts = (((1, 5),), ((1, 3),))

    mode = NumberField[int](1, signed=False, writable=True)
    setpoint = NumberField[float](2, scale=10, writable=True, unit="W")
    current = NumberField[float](3, scale=0.1, writable=True, unit="A")
    name = StringField(4, count=2, writable=True)


@pytest.fixture(autouse=True)
def _prompt(monkeypatch):
    monkeypatch.setattr(commands, "READ_BACK", (0.0, 0.01, 0.02))


@pytest.fixture
def settings(unit):
    unit.holding.update({1: 1, 2: 5, 3: 160, 4: 0x4142, 5: 0})
    return Settings(unit)


def requests(unit):
    return [(event.address, event.values) for event in unit.written]


def becomes(unit, address, *words):
    """Let a register be what the device makes of each write, one word a write."""
    left = list(words)
    unit.on_write(lambda _: unit.holding.update({address: left.pop(0) if len(left) > 1 else left[0]}))


async def test_a_write_that_reads_back_is_applied(unit, settings):
    assert await write(settings, {"mode": 3}) is Effect.APPLIED
    assert requests(unit) == [(1, [3])]
    assert settings.mode == 3


async def test_what_would_not_change_is_not_written(unit, settings):
    assert await write(settings, {"mode": 1, "current": 16.04}) is Effect.UNCHANGED
    assert requests(unit) == []


async def test_only_what_differs_is_written_in_the_order_given(unit, settings):
    assert await write(settings, {"current": 10, "mode": 1, "setpoint": -50, "name": "EV"}) is Effect.APPLIED
    assert requests(unit) == [(3, [100]), (2, [0xFFFB]), (4, [0x4556, 0])]


async def test_the_present_value_is_read_not_remembered(unit, settings):
    await settings.async_read(0)
    unit.holding[1] = 9
    assert await write(settings, {"mode": 1}) is Effect.APPLIED
    assert requests(unit) == [(1, [1])]


async def test_the_rounding_of_the_register_is_no_adjustment(unit, settings):
    assert await write(settings, {"setpoint": 123}) is Effect.APPLIED
    assert settings.setpoint == 120


async def test_a_write_that_takes_a_while_is_applied(unit, settings):
    reads = iter([1, 1, 3])
    unit.on_write(lambda _: unit.holding.update({1: lambda: next(reads)}))
    assert await write(settings, {"mode": 3}) is Effect.APPLIED


async def test_a_write_that_is_acknowledged_and_not_taken_is_refused_with_the_given_reason(unit, settings):
    becomes(unit, 1, 1)
    with pytest.raises(CommandRefused) as refused:
        await write(settings, {"mode": 3}, refused="mode_not_taken")
    assert refused.value.reason == "mode_not_taken"
    assert requests(unit) == [(1, [3])]


async def test_one_of_several_values_not_taken_is_a_refusal(unit, settings):
    becomes(unit, 1, 1)
    with pytest.raises(CommandRefused, match="not_taken"):
        await write(settings, {"mode": 3, "current": 6})


async def test_a_value_that_the_device_makes_of_it_is_adjusted(unit, settings):
    becomes(unit, 3, 60)
    assert await write(settings, {"current": 3}) is Effect.ADJUSTED
    assert settings.current == 6.0


async def test_a_value_adjusted_twice_is_shown_as_it_is_in_the_end(unit, settings):
    reads = iter([50, 60, 60])
    unit.on_write(lambda _: unit.holding.update({3: lambda: next(reads)}))
    assert await write(settings, {"current": 3}) is Effect.ADJUSTED
    assert settings.current == 6.0


async def test_a_write_that_timed_out_and_was_applied_is_applied(unit, settings):
    def applied_but_silent(_):
        raise TIMEOUT

    unit.on_write(applied_but_silent)
    assert await write(settings, {"mode": 3}) is Effect.APPLIED
    assert requests(unit) == [(1, [3])]


@pytest.mark.parametrize("error", [TIMEOUT, ModbusConnectionError("reset")])
async def test_a_write_that_brought_no_answer_and_no_effect_says_so_and_is_not_repeated(unit, settings, error):
    attempts = []
    real = unit.write_register

    async def counted(address, value):
        attempts.append(address)
        await real(address, value)

    unit.write_register = counted
    unit.fail_write(1, error)
    with pytest.raises(CommandRefused, match="no_answer"):
        await write(settings, {"mode": 3, "current": 6}, refused="mode_not_taken")
    assert attempts == [1]


async def test_a_value_that_the_device_answers_with_an_exception_is_refused_not_unanswered(unit, settings):
    unit.fail_write(1, BAD_VALUE)
    with pytest.raises(CommandRefused, match="mode_not_taken"):
        await write(settings, {"mode": 3}, refused="mode_not_taken")


async def test_a_read_only_gateway_is_told_apart(unit, settings):
    unit.fail_write(1, REFUSED)
    with pytest.raises(CommandRefused, match="writes_not_allowed"):
        await write(settings, {"mode": 3})


async def test_a_register_that_this_firmware_lacks_is_not_supported(unit, settings):
    unit.fail_read(4, REFUSED)
    with pytest.raises(CommandRefused, match="not_supported"):
        await write(settings, {"mode": 3, "name": "EV"})
    assert requests(unit) == []


async def test_a_block_that_the_device_lacks_is_not_supported(unit, settings):
    unit.fail_read(1, REFUSED)
    with pytest.raises(CommandRefused, match="not_supported"):
        await write(settings, {"mode": 3})


async def test_a_read_back_that_fails_is_made_up_for_by_the_next(unit, settings):
    unit.read_errors.extend([None, TIMEOUT])
    assert await write(settings, {"mode": 3}) is Effect.APPLIED


async def test_a_device_that_falls_silent_after_the_write_leaves_its_effect_unknown(unit, settings):
    unit.on_write(lambda _: unit.fail_requests(TIMEOUT))
    with pytest.raises(CannotConnect):
        await write(settings, {"mode": 3})
    assert requests(unit) == [(1, [3])]


async def test_nothing_is_written_to_a_device_that_does_not_answer(unit, settings):
    unit.read_errors.append(TIMEOUT)
    with pytest.raises(CannotConnect):
        await write(settings, {"mode": 3})
    unit.read_errors.append(GONE)
    with pytest.raises(DeviceGone):
        await write(settings, {"mode": 3})
    assert requests(unit) == []


async def test_a_burst_of_zeros_is_not_taken_for_the_answer(unit, settings):
    unit.holding[4] = 0
    reads = iter([0, 3])

    def zeros_once(_):
        unit.holding.update({1: lambda: next(reads), 2: 0, 3: 0})

    unit.on_write(zeros_once)
    assert await write(settings, {"mode": 3}) is Effect.APPLIED


def test_a_value_within_its_range_is_handed_on():
    assert check_range(6, 6, 32, unit="A") == 6
    assert check_range(32, 6, 32, unit="A") == 32


@pytest.mark.parametrize("value", [5.9, 32.1, math.nan, math.inf, -math.inf])
def test_a_value_out_of_range_is_refused_with_the_range(value):
    with pytest.raises(CommandRefused) as refused:
        check_range(value, 6, 32, unit="A")
    assert refused.value.reason == "out_of_range"
    assert refused.value.placeholders == {"value": f"{value} A", "low": "6", "high": "32 A"}


def test_a_number_without_unit_is_told_without_a_gap():
    with pytest.raises(CommandRefused) as refused:
        check_range(8, 1, 7, unit="")
    assert refused.value.placeholders == {"value": "8", "low": "1", "high": "7"}

"""Registers by their addresses, for whoever explores a device: one request, and what its map makes of the answer."""

import asyncio
import time
from collections.abc import Iterator
from operator import itemgetter
from typing import Any, Final, Protocol, runtime_checkable

from modbus_connection import (
    GatewayPathUnavailableError,
    GatewayTargetError,
    ModbusConnectionError,
    ModbusError,
    ModbusExceptionError,
    ModbusUnit,
)

from . import commands
from .base import CommandRefused, Device
from .commands import Effect
from .registers import SPACES, Registers, translated_errors

MOST: Final = 125
"""Values in one request."""

type Values = list[int] | list[bool]


@runtime_checkable
class Addressed(Protocol):
    """Is a unit on its gateway's connection."""

    unit_id: int
    """Its Modbus unit id there."""


async def read(unit: ModbusUnit, function: int, address: int, count: int) -> Values:
    """What stands in ``count`` places from ``address`` on.

    Raises ``CommandRefused`` (``registers_refused``), ``DeviceGone`` or ``CannotConnect``.
    """
    with translated_errors():
        try:
            match function:
                case 1:
                    return await unit.read_coils(address, count)
                case 2:
                    return await unit.read_discrete_inputs(address, count)
                case 3:
                    return await unit.read_holding_registers(address, count)
                case _:
                    return await unit.read_input_registers(address, count)
        except GatewayPathUnavailableError, GatewayTargetError:
            raise
        except ModbusExceptionError as err:
            raise CommandRefused("registers_refused") from err


async def write(unit: ModbusUnit, function: int, address: int, value: int, *, before: int | None) -> Effect:
    """Write one holding register with function 6 or 16, and read it back; what cannot be read back was acknowledged.

    It is written even where it says so already: some registers do something whenever they are written. ``before`` is
    what it said, as far as is known.

    Raises ``CommandRefused`` (``write_refused``, ``not_taken``, ``no_answer``), ``DeviceGone`` or ``CannotConnect``.
    """
    acknowledged = await _send(unit, function, address, value)
    written_at = time.monotonic()
    after: int | None = None
    for moment in commands.READ_BACK:
        await asyncio.sleep(max(0.0, written_at + moment - time.monotonic()))
        after = await value_at(unit, address)
        if after == value or (after is None and acknowledged):
            return Effect.APPLIED
    if after in (before, None):
        raise CommandRefused("not_taken" if acknowledged else "no_answer")
    return Effect.ADJUSTED


async def _send(unit: ModbusUnit, function: int, address: int, value: int) -> bool:
    """Write. Returns whether it was acknowledged: a write that timed out is never repeated."""
    with translated_errors():
        try:
            if function == 6:
                await unit.write_register(address, value)
            else:
                await unit.write_registers(address, [value])
        except GatewayPathUnavailableError, GatewayTargetError, ModbusConnectionError:
            raise
        except ModbusExceptionError as err:
            raise CommandRefused("write_refused") from err
        except ModbusError:
            return False
    return True


async def value_at(unit: ModbusUnit, address: int) -> int | None:
    """What a holding register says; None where it cannot be read. Raises ``DeviceGone`` or ``CannotConnect``."""
    try:
        return (await read(unit, 3, address, 1))[0]
    except CommandRefused:
        return None


def decoded(device: Device, function: int, address: int, values: Values) -> Iterator[dict[str, Any]]:
    """What the device's map makes of values from ``address`` on: of every field that lies in them, in their order."""
    space, places = SPACES[function], dict(enumerate(values, address))
    told: list[tuple[int, dict[str, Any]]] = [
        (field.address, {"key": name, "address": field.address, "value": value, "unit": getattr(field, "unit", None)})
        for part in device.parts.values()
        if isinstance(part, Registers)
        for name, (field, value) in part.meaning(space, places).items()
    ]
    for _, each in sorted(told, key=itemgetter(0)):
        yield each

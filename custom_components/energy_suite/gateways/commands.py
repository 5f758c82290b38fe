"""A command is a write that was seen to take effect: read first, write what differs, read back."""

import asyncio
import time
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from modbus_connection import ModbusExceptionError

from .base import CannotConnect, CommandRefused, NotSupported
from .registers import Registers, translated_errors

READ_BACK = (0.5, 1.0, 2.0)
"""When to look whether a write took effect, in s after it."""


class Effect(StrEnum):
    """What a command did."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"  # it was so already; nothing was written
    ADJUSTED = "adjusted"  # the device made another value of it


async def write(
    part: Registers, values: Mapping[str, Any], *, refused: str = "not_taken", rejected: str | None = None
) -> Effect:
    """Write fields in the order given and return once they read back.

    What would not change is not written: settings live in flash. A write that timed out is looked for before
    anything else is said, and never repeated.

    Raises ``CommandRefused`` (``refused``: acknowledged but not taken; ``rejected``: answered with an exception and not
    taken, the same as ``refused`` unless it is told apart; ``writes_not_allowed``; ``not_supported``:
    this firmware lacks the register; ``no_answer``), ``DeviceGone`` or ``CannotConnect``.
    """
    try:
        await part.async_read(time.monotonic())
    except NotSupported as err:
        raise CommandRefused("not_supported") from err
    if any(name not in part.fields for name in values):
        raise CommandRefused("not_supported")
    before = {name: getattr(part, name) for name in values}
    wanted = {name: value for name, value in values.items() if not part.holds(name, value)}
    if not wanted:
        return Effect.UNCHANGED
    reason = await _send(part, wanted, refused=refused, rejected=rejected or refused)
    written_at = time.monotonic()
    for moment in READ_BACK:
        await asyncio.sleep(max(0.0, written_at + moment - time.monotonic()))
        try:
            await part.async_read(time.monotonic())
        except CannotConnect:
            if moment == READ_BACK[-1]:
                raise
            continue
        if all(part.holds(name, value) for name, value in wanted.items()):
            return Effect.APPLIED
    if any(getattr(part, name) == before[name] for name in wanted):
        raise CommandRefused(reason)
    return Effect.ADJUSTED


async def _send(part: Registers, values: Mapping[str, Any], *, refused: str, rejected: str) -> str:
    """Write the fields. Returns why it was, should they not have taken effect."""
    for name, value in values.items():
        try:
            with translated_errors():
                await part.write(name, value)
        except NotSupported as err:
            raise CommandRefused("writes_not_allowed") from err
        except CannotConnect as err:
            # Also an exception is an answer: the device does not take the value, or not now.
            return rejected if isinstance(err.__cause__, ModbusExceptionError) else "no_answer"
    return refused


def check_range(value: float, low: float, high: float, *, unit: str) -> float:
    """Return the value. Raises ``CommandRefused`` (``out_of_range``) when it is not between low and high."""
    if not low <= value <= high:  # also refuses not-a-number
        value_told, high_told = (f"{number:g} {unit}".rstrip() for number in (value, high))
        raise CommandRefused("out_of_range", value=value_told, low=f"{low:g}", high=high_told)
    return value

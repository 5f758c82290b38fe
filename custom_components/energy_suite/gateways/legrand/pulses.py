"""Pulse meters: an input of a concentrator counts the pulses of an electricity, water or gas meter.

What a pulse stands for is set by the user (whether a concentrator counts raw pulses or weighted ones is not public).
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Final, override
from zlib import crc32

from modbus_connection import ModbusUnit

from ..base import Clock, Device, Found, GatewayError, Identity, Speed
from ..plausibility import AGREEING
from ..profiles.registers import ProfileRegisters, registers_class
from ..profiles.schema import Profile

PULSES: Final = "pulse_total"
HIGHEST_RATE: Final = 50.0
"""Pulses a second; pulse outputs last 30 ms and more, so a count that implies more has leapt."""


@dataclass(frozen=True, kw_only=True)
class Pulse:
    """What the user says of the meter."""

    position: int
    """The input it counts on, from 1."""
    weight: float
    """Wh, or litres (dm³), a pulse."""
    index: float | None = None
    """kWh or m³ that the meter's own dial shows when it is added; without it the count since ever counts."""
    concentrator: str = ""
    """Which one it counts on."""

    @property
    def place(self) -> float:
        """A number for where it counts, another one for every other place; counters are kept as numbers."""
        return float(crc32(f"{self.concentrator}/{self.position}".encode()))


class PulseTotal:
    """Counts on over restarts, wrap-arounds and a replaced concentrator, in kWh or m³.

    A count that neither goes on from the last one nor wrapped is believed once three readings in a row agree, and so
    is the first one; then counting goes on from there, without what the jump would add.
    """

    def __init__(self, pulse: Pulse, modulus: int) -> None:
        """``modulus`` is one more than the counter can hold."""
        self.pulse = pulse
        self.modulus = modulus
        self.total: float | None = None
        """None as long as nothing was read."""
        self.dropped = 0
        self._last: tuple[float, float] | None = None
        """The count last believed, and when."""
        self._candidate: tuple[float, float] | None = None
        self._agreeing = 0

    def take(self, count: int | None, now: float) -> None:
        """Take in a reading; ``now`` in s since 1970."""
        if count is None:
            return
        if self._last is not None and now < self._last[1]:
            # The clock was put back: from now on there is time for the pulses since then.
            self._last = self._last[0], now
        more = self._since(self._last, count, now)
        if more is None and not self._confirmed(count, now):
            self.dropped += 1
            return
        if self.total is None:
            self.total = self._quantity(count) if self.pulse.index is None else self.pulse.index
        else:
            self.total += self._quantity(more or 0)
        self._last, self._candidate, self._agreeing = (count, now), None, 0

    def _quantity(self, pulses: float) -> float:
        # Wh and litres alike are thousandths of what is shown.
        return pulses * self.pulse.weight / 1000

    def _since(self, before: tuple[float, float] | None, count: int, now: float) -> float | None:
        """The pulses since then; None where it cannot have gone on from there."""
        if before is None:
            return None
        more = (count - before[0]) % self.modulus
        return more if more <= HIGHEST_RATE * max(now - before[1], 0.0) + 1 else None

    def _confirmed(self, count: int, now: float) -> bool:
        self._agreeing = 1 if self._since(self._candidate, count, now) is None else self._agreeing + 1
        self._candidate = count, now
        return self._agreeing >= AGREEING

    @property
    def counters(self) -> dict[str, tuple[float, float]]:
        """What is kept over a restart."""
        if self.total is None:
            return {}
        at = 0.0 if self._last is None else self._last[1]
        kept = {"total": (self.total, at)}
        if self._last is not None:
            kept |= {"count": self._last, "place": (self.pulse.place, at)}
        if self.pulse.index is not None:
            kept["index"] = self.pulse.index, at
        return kept

    def restore(self, counters: Mapping[str, tuple[float, float]]) -> None:
        """Take up what ``counters`` gave, unless the user gave another index since.

        Of a meter that counts elsewhere now the total goes on, from what is counted there.
        """
        index = counters.get("index", (None,))[0]
        if "total" not in counters or index != self.pulse.index:
            return
        self.total = counters["total"][0]
        if counters.get("place", (None,))[0] == self.pulse.place:
            count, at = counters["count"]
            self._last = count, at


class Inputs:
    """The inputs of one concentrator, read in one go for all who count on them."""

    def __init__(self, profile: Profile, unit: ModbusUnit, interval: float, *, clock: Clock = time.monotonic) -> None:
        """``profile`` is the concentrator's, ``interval`` the time in s between two rounds."""
        register = profile.keys[PULSES]
        repeat = profile.positions
        self.count = repeat.count if repeat else 1
        self.modulus: int = 2 ** (16 * register.words)
        self.interval = interval
        # Raw counts: what they mean is each meter's own.
        registers = [
            replace(
                register,
                key=_key(position),
                address=register.address + (position - 1) * (repeat.stride if repeat else 0),
                scale=Fraction(1),
                offset=Fraction(0),
                ratio=None,
                shared=True,
                speed=Speed.LIVE,
            )
            for position in range(1, self.count + 1)
        ]
        made = registers_class(profile, register.function, Speed.LIVE, registers, 0)
        self.registers: ProfileRegisters = made(unit, interval=interval, scaling=lambda _: None)
        self._clock = clock
        self._asked_by: object = None
        # The end counts: a silent concentrator may take longer than a round.
        self._told_at = float("-inf")
        self._error: GatewayError | None = None

    async def async_read(self, who: object, now: float) -> None:
        """Read them, unless another meter just did: then what came of that counts. Raises ``GatewayError``."""
        if self._asked_by is who or self._clock() - self._told_at > self.interval / 2:
            self._asked_by, self._error = who, None
            try:
                await self.registers.async_read(now)
            except GatewayError as err:
                self._error = err
            self._told_at = self._clock()
        if self._error is not None:
            raise self._error

    def value(self, position: int) -> int | None:
        """The count of an input; None where the concentrator does not have it."""
        value = self.registers.values.get(_key(position))
        return None if value is None else int(value)


def _key(position: int) -> str:
    return f"{PULSES}_{position}"


class PulseInput:
    """The part of a pulse meter: its input."""

    speed = Speed.LIVE

    def __init__(self, inputs: Inputs, pulse: Pulse) -> None:
        """Count on one of the inputs."""
        self.inputs = inputs
        self.total = PulseTotal(pulse, inputs.modulus)
        self.present: bool | None = None
        self.read_at: float | None = None

    @property
    def dropped(self) -> int:
        """How many readings were not believed."""
        return self.total.dropped

    async def async_read(self, now: float) -> None:
        """Read the count. Raises ``GatewayError``."""
        await self.inputs.async_read(self, now)
        self.present, self.read_at = True, now
        self.total.take(self.count, self.inputs.registers.wall_clock())

    @property
    def count(self) -> int | None:
        """The count as the concentrator gives it."""
        return self.inputs.value(self.total.pulse.position)

    def forget(self) -> None:
        """Ask again what the concentrator has."""
        self.inputs.registers.forget()

    @property
    def shown(self) -> Mapping[str, Any]:
        """The count, and the registers of all inputs."""
        return {
            "values": {"count": self.count, "total": self.total.total},
            "registers": self.inputs.registers.shown["registers"],
        }


class PulseMeter(Device):
    """An electricity, water or gas meter that tells by pulses."""

    manufacturer = "Legrand"

    def __init__(self, found: Found, model: str, inputs: Inputs, pulse: Pulse) -> None:
        """Make the meter that the user described."""
        super().__init__(found.key)
        self.kind = found.kind
        self.found = found
        self.unit_id = found.unit_id
        self._model = model
        self._input = PulseInput(inputs, pulse)
        self.parts["live"] = self._input

    @property
    @override
    def identity(self) -> Identity:
        return Identity(manufacturer=self.manufacturer, model=self._model, name=self.found.name)

    @property
    def count(self) -> int | None:
        """Pulses, as the concentrator counts them."""
        return self._input.count

    @property
    def energy_imported(self) -> float | None:
        """kWh, of an electricity meter."""
        return self._input.total.total

    @property
    def volume(self) -> float | None:
        """m³, of a water or gas meter."""
        return self._input.total.total

    @property
    @override
    def counters(self) -> dict[str, tuple[float, float]]:
        return self._input.total.counters

    @override
    def restore_counters(self, counters: Mapping[str, tuple[float, float]]) -> None:
        self._input.total.restore(counters)

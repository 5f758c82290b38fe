"""What every simulated site has: a clock that goes in steps, counters, and the hours that it leaves behind."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, ClassVar, Self
from zoneinfo import ZoneInfo


@dataclass(slots=True)
class Day:
    """Solar charger history of one day, per tracker: yield in kWh and the highest power in W."""

    yields: list[float]
    peaks: list[float]
    peak: float = 0.0

    def count(self, powers: tuple[float, ...], hours: float) -> None:
        """Add `hours` (in kWh per W) of the trackers' powers."""
        for tracker, power in enumerate(powers):
            self.yields[tracker] += power * hours
            self.peaks[tracker] = max(self.peaks[tracker], power)
        self.peak = max(self.peak, sum(powers))


@dataclass(slots=True)
class Totals:
    """Counters since the beginning."""

    def totals(self) -> dict[str, float]:
        """Return the plain totals by name."""
        values = ((item.name, getattr(self, item.name)) for item in fields(self))
        return {name: value for name, value in values if isinstance(value, float)}


class Model(ABC):
    """A site, pure and with its own clock. `conditions` may be changed at any time."""

    LONGEST_STEP: ClassVar[float] = 10.0
    """Seconds; short enough that a cloud or a full battery is met in time."""
    PARTS: ClassVar[tuple[str, ...]]
    """The dataclasses that are kept from one start of the demo to the next."""
    NUMBERS: ClassVar[tuple[str, ...]] = ()
    """The plain attributes that are kept."""

    counters: Totals
    conditions: Any
    battery: Any
    days: list[Day]

    def __init__(self, now: datetime, timezone: str) -> None:
        """`now` is when the clock starts."""
        self.now = now.astimezone(UTC)
        self._zone = ZoneInfo(timezone)

    @classmethod
    @abstractmethod
    def lived_in(cls, now: datetime) -> Self:
        """A site whose counters have counted for half a year."""

    @property
    def local(self) -> datetime:
        """The clock on the wall."""
        return self.now.astimezone(self._zone)

    def advance(self, seconds: float, *, longest_step: float | None = None) -> None:
        """Let time pass, in equal steps of at most `longest_step` seconds."""
        steps = max(1, math.ceil(seconds / (longest_step or self.LONGEST_STEP)))
        for _ in range(steps):
            self.step(seconds / steps)

    @abstractmethod
    def step(self, seconds: float) -> None:
        """Let one step pass, with the powers constant during it."""

    @abstractmethod
    def sample(self) -> dict[str, float]:
        """What an `Hour` keeps of this moment."""


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of history: energies of that hour and counters at its end in kWh; of what `sample` says the rest.

    The keys of `energies` and `counters` are those of the counters' `totals`.
    """

    start: datetime
    energies: dict[str, float]
    counters: dict[str, float]
    mean: dict[str, float]
    low: dict[str, float]
    high: dict[str, float]


def simulate_days(site: Model, days: int, *, longest_step: float = 300.0) -> Iterator[Hour]:
    """Let `days` pass on the site and yield each hour. The site may go on living from there, with its counters."""
    for _ in range(days * 24):
        start, before = site.now, site.counters.totals()
        samples: list[dict[str, float]] = []
        steps = max(1, math.ceil(3600 / longest_step))
        for _ in range(steps):
            site.step(3600 / steps)
            samples.append(site.sample())
        after = site.counters.totals()
        yield Hour(
            start=start,
            energies={name: value - before[name] for name, value in after.items()},
            counters=after,
            mean={name: sum(sample[name] for sample in samples) / len(samples) for name in samples[0]},
            low={name: min(sample[name] for sample in samples) for name in samples[0]},
            high={name: max(sample[name] for sample in samples) for name in samples[0]},
        )


def next_day(days: list[Day]) -> list[Day]:
    """Begin a new day of solar history; that of yesterday is kept."""
    trackers = len(days[0].yields)
    return [Day([0.0] * trackers, [0.0] * trackers), days[0]]

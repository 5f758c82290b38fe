"""What may be believed of a reading: a filter may delay a strange value, never hide one that persists."""

from collections.abc import Mapping
from dataclasses import dataclass, field

type Value = float | int | bool | str | None

# Physical ranges by unit, wide enough for every device of the suite: what lies outside has to be read twice.
RANGES: Mapping[str, tuple[float, float]] = {
    "V": (0, 1500),
    "A": (-5_000, 5_000),
    "W": (-1_000_000, 1_000_000),
    "Hz": (0, 400),
    "%": (0, 100),
    "°C": (-60, 200),
    "Ah": (-100_000, 100_000),
}
COUNTER = "kWh"
MAX_POWER = 500.0  # kW; no device of the suite moves more, so a counter that implies it has leapt
AGREEING = 3


@dataclass
class _Counter:
    """An energy counter: the value believed, and a strange one that waits to be confirmed."""

    value: float
    at: float
    candidate: float | None = None
    candidate_at: float = 0.0
    agreeing: int = 0

    def judge(self, value: float, at: float, step: float, interval: float) -> bool:
        """Whether ``value`` is believed now; ``step`` is the counter's resolution, both in kWh."""
        if _follows(self.value, value, at - self.at, step):
            self._believe(value, at)
            return True
        if self.candidate is not None and _follows(self.candidate, value, at - self.candidate_at, step):
            # Readings closer than an interval (a retry, the look after a command) are one burst, not a confirmation.
            if at - self.candidate_at >= interval:
                self.agreeing += 1
                self.candidate, self.candidate_at = value, at
        else:
            self.candidate, self.candidate_at, self.agreeing = value, at, 1
        if self.agreeing >= AGREEING:
            self._believe(value, at)
            return True
        return False

    def _believe(self, value: float, at: float) -> None:
        self.value, self.at, self.candidate, self.agreeing = value, at, None, 0


def _follows(before: float, after: float, seconds: float, step: float) -> bool:
    """Whether a counter may have gone from ``before`` to ``after`` in that time: neither fallen nor leapt.

    After a long silence the same rule believes a large rise at once, if the mean power it implies is possible.
    """
    return before <= after <= before + MAX_POWER * max(seconds, 0.0) / 3600 + step * 1.01


@dataclass
class Believer:
    """Judges the successive readings of one block of values, by name."""

    units: Mapping[str, str]
    """Value name -> unit, for the values that have a physical range or count energy."""
    steps: Mapping[str, float] = field(default_factory=dict)
    """Counter name -> resolution in kWh."""
    dropped: int = 0
    _believed: dict[str, Value] = field(default_factory=dict)
    _strange: set[str] = field(default_factory=set)
    _counters: dict[str, _Counter] = field(default_factory=dict)
    _blank: bool | None = None
    _held: bool = False

    def judge(self, values: Mapping[str, Value], now: float, *, blank: bool, interval: float) -> dict[str, Value]:
        """The values to show for this reading, taken at ``now`` (s since 1970).

        ``blank`` says that every register of the block read zero. A block that goes blank is believed from its
        second blank reading on: slow gateways answer bursts of zeros.
        """
        if blank and self._blank is False and not self._held:
            self._held = True
            self.dropped += 1
            return {name: self._believed.get(name) for name in values}
        self._blank, self._held = blank, False
        self._believed = {name: self._one(name, value, now, interval) for name, value in values.items()}
        return dict(self._believed)

    def _one(self, name: str, value: Value, now: float, interval: float) -> Value:
        unit = self.units.get(name)
        if unit is None or value is None or isinstance(value, bool | str):
            return value
        if unit == COUNTER:
            return self._count(name, value, now, interval)
        low, high = RANGES.get(unit, (float("-inf"), float("inf")))
        if low <= value <= high or name in self._strange:
            if low <= value <= high:
                self._strange.discard(name)
            return value
        self._strange.add(name)
        self.dropped += 1
        return self._believed.get(name)

    def _count(self, name: str, value: float, now: float, interval: float) -> Value:
        counter = self._counters.get(name)
        if counter is None:
            self._counters[name] = _Counter(value, now)
            return value
        if counter.judge(value, now, self.steps.get(name, 0.0), interval):
            return value
        self.dropped += 1
        # After a restart the counter last believed is not shown before the device confirms it.
        return self._believed.get(name)

    @property
    def counters(self) -> dict[str, tuple[float, float]]:
        """The counters last believed: name -> (kWh, when)."""
        return {name: (counter.value, counter.at) for name, counter in self._counters.items()}

    def restore(self, counters: Mapping[str, tuple[float, float]]) -> None:
        """Take up the counters believed before a restart."""
        for name, (value, at) in counters.items():
            if self.units.get(name) == COUNTER:
                self._counters.setdefault(name, _Counter(value, at))

"""Solar trackers: how many a device has, what each does, and its yield over all."""

from collections.abc import Sequence
from typing import override

from ..registers import Registers
from .device import VictronDevice

TRACKERS = (1, 2, 3, 4)
# The total yield in 0.1 kWh fits its register so many times over.
YIELD_TURN = 6553.6


def whole_yield(fine: float | None, coarse: float | None) -> float | None:
    """All energy so far in kWh: one register starts over after 6553.5 kWh, the other counts whole kWh."""
    if fine is None or coarse is None:
        return coarse if fine is None else fine
    both = fine + YIELD_TURN * round((coarse - fine) / YIELD_TURN)
    return round(both, 1) if abs(both - coarse) <= 1 else coarse


class TrackerDevice(VictronDevice):
    """A device with up to four solar trackers, of which each is told by what it was seen to do."""

    trackers: Registers
    """Has a field ``<what>_<number>`` for each tracker."""
    _trackers_seen = 1

    @property
    def tracker_count(self) -> int:
        """How many trackers it has been seen to have, at least 1."""
        return max((number for number in TRACKERS if self._is_tracker(number)), default=self._trackers_seen)

    def _is_tracker(self, number: int) -> bool:
        return number <= self._trackers_seen or any(
            self._tracker(name, number) for name in ("enabled", "voltage", "power")
        )

    def _tracker(self, name: str, number: int) -> float | None:
        value: float | None = getattr(self.trackers, f"{name}_{number}")
        return value

    def _each_tracker(self, name: str) -> Sequence[float | None]:
        return [self._tracker(name, number) for number in TRACKERS]

    def _shown(self, name: str, number: int) -> float | None:
        return self._tracker(name, number) if 1 < self.tracker_count >= number else None

    def tracker_power(self, number: int) -> float | None:
        """Power in W of one of several trackers."""
        return self._shown("power", number)

    def tracker_voltage(self, number: int) -> float | None:
        """Voltage in V of one of several trackers."""
        return self._shown("voltage", number)

    def tracker_yield_today(self, number: int) -> float | None:
        """Energy in kWh since midnight of one of several trackers."""
        return self._shown("yield_today", number)

    @override
    def settle(self, now: float) -> None:
        # At night a tracker is not to be told from one that is missing.
        self._trackers_seen = self.tracker_count

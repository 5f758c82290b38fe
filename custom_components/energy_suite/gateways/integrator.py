"""Energy computed from power, where nothing counts it."""

from dataclasses import dataclass


@dataclass
class Integrator:
    """Sums power to energy by trapezoids; what happened in a gap is not guessed at."""

    longest_gap: float
    """The longest time in s between two readings that is bridged."""
    energy: float | None = None
    """kWh; None until a power was known."""
    _last: tuple[float, float] | None = None

    def add(self, power: float | None, now: float) -> None:
        """Take note of the power in W at a time in s."""
        if power is None:
            self._last = None
            return
        energy = self.energy or 0.0
        if self._last is not None:
            before, when = self._last
            if 0 < now - when <= self.longest_gap:
                energy += (before + power) / 2 * (now - when) / 3_600_000
        self.energy = energy
        self._last = power, now

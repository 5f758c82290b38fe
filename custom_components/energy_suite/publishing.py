"""Poll fast, publish what matters: which of the values just read are worth a new state."""

from dataclasses import dataclass

QUIET = 30.0
"""A change too small to matter is published at most this often, in s."""
RELATIVE = 0.01

# Unit -> the absolute step that matters beside the relative one. A state written costs the recorder a row.
STEPS: dict[str | None, float] = {
    "W": 20.0,
    "kW": 0.02,
    "VA": 20.0,
    "var": 20.0,
    "V": 0.5,
    "A": 0.3,
    "Hz": 0.1,
    "%": 0.5,
    "°C": 0.5,
    "Ah": 1.0,
    "s": 60.0,
    "m³": 0.001,
    "hPa": 1.0,
    "ppm": 20.0,
    "µg/m³": 2.0,
    "lx": 20.0,
    "W/m²": 10.0,
    "m/s": 0.3,
    "°": 5.0,
    "m": 5.0,
    "rpm": 20.0,
}
# Totals only rise, in steps that nobody watches: they are never urgent.
TOTALS = {"kWh", "Wh"}


@dataclass
class Publisher:
    """Decides for one entity."""

    unit: str | None
    step: float | None = None
    """The absolute step that matters, where it is another than usual for the unit."""
    _last: object = None
    _at: float = float("-inf")

    def is_due(self, value: object, now: float) -> bool:
        """Whether ``value`` is to be written at ``now`` (s of a clock that does not jump)."""
        if value == self._last and self._at != float("-inf"):
            return False
        if self._matters(value) or now - self._at >= QUIET:
            self._last, self._at = value, now
            return True
        return False

    def _matters(self, value: object) -> bool:
        last = self._last
        if not isinstance(value, int | float) or not isinstance(last, int | float) or isinstance(value, bool):
            return True
        if self.unit in TOTALS:
            return False
        change = abs(value - last)
        step = STEPS.get(self.unit, 0.0) if self.step is None else self.step
        return change > RELATIVE * abs(last) and change > step

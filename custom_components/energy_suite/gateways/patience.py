"""How long an answer may take on one connection: pure, from how long answers took."""

from collections import deque
from dataclasses import dataclass, field
from statistics import median
from typing import Final

SHORTEST_TIMEOUT: Final = 0.5
LONGEST_TIMEOUT: Final = 3.0
_MEDIANS: Final = 4
_TELLING: Final = 5
_REMEMBERED: Final = 50


@dataclass
class Patience:
    """The timeout of a connection: fixed, or four times the median answer.

    A gateway that waits for a silent unit for longer than we do answers nothing else meanwhile, and one that has become
    slow would never be heard again. So the request after one that was given up early may take as long as before
    anything was learnt; after many in a row not each of them, as a search for devices would last for ever.
    """

    initial: float
    """How long in s an answer may take before anything was learnt."""
    learns: bool = False
    _answers: deque[float] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    _learnt: float | None = None
    _given_up: int = 0
    """Requests given up early since the gateway was last heard."""
    _waits: bool = False
    """Whether the next request may take as long as before anything was learnt."""

    @property
    def learnt(self) -> float:
        """The timeout in s that the answers taught so far."""
        return self.initial if self._learnt is None or not self.learns else self._learnt

    @property
    def timeout(self) -> float:
        """How long in s the next answer may take."""
        return max(self.initial, self.learnt) if self._waits else self.learnt

    def answered(self, seconds: float) -> None:
        """Take note of how long an answer took."""
        self.heard()
        self._answers.append(seconds)
        if len(self._answers) >= _TELLING:
            self._learnt = min(max(_MEDIANS * median(self._answers), SHORTEST_TIMEOUT), LONGEST_TIMEOUT)

    def heard(self) -> None:
        """Take note that the gateway said something of its own, which tells nothing of how long answers take."""
        self._given_up, self._waits = 0, False

    def given_up(self) -> None:
        """Take note that a request was not answered in time."""
        early = self.timeout < self.initial
        self._given_up += early
        self._waits = early and self._given_up.bit_count() == 1

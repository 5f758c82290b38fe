"""Who wants to be looked at when, on a clock that is told and never read."""

from dataclasses import dataclass, field
from heapq import heappop, heappush


@dataclass
class Timers:
    """A queue of names to look at; whoever is woken too early asks again."""

    next: float = float("inf")
    """The earliest time that anyone waits for."""
    _queue: list[tuple[float, str]] = field(default_factory=list)
    _earliest: dict[str, float] = field(default_factory=dict)

    def wake(self, name: str, at: float) -> None:
        """Look at ``name`` at the latest then. A wake-up that is due earlier serves as well."""
        if at < self._earliest.get(name, float("inf")):
            self._earliest[name] = at
            heappush(self._queue, (at, name))
            self.next = self._queue[0][0]

    def clear(self) -> None:
        """Nobody waits for anything."""
        self._queue.clear()
        self._earliest.clear()
        self.next = float("inf")

    def pop(self, now: float) -> str | None:
        """Who is to be looked at now, one at a time, in the order of their times."""
        while self._queue and self._queue[0][0] <= now:
            at, name = heappop(self._queue)
            self.next = self._queue[0][0] if self._queue else float("inf")
            if self._earliest.get(name) == at:
                del self._earliest[name]
                return name
        return None

"""The event log: what was done to an installation, by whom, and what became of it (VRM manual 12)."""

from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from itertools import takewhile
from pathlib import Path
from threading import Lock
from typing import Any, Self

from .episodes import moment
from .journal import Journal
from .log import KEPT, MOST, SLACK


class Happening(StrEnum):
    """What kind of thing happened."""

    COMMAND = "command"
    SETTING = "setting"
    FIRMWARE = "firmware"
    CONNECTION_LOST = "connection_lost"
    CONNECTION_FOUND = "connection_found"
    ALARM_ACKNOWLEDGED = "alarm_acknowledged"
    ALARM_SNOOZED = "alarm_snoozed"


@dataclass(frozen=True, kw_only=True)
class Event:
    """One line of the event log."""

    at: float
    """In s since 1970."""
    kind: Happening
    device: str | None = None
    name: str = ""
    """What the device was called then."""
    what: str = ""
    """The control, the setting, the tag of the alarm."""
    before: str | float | None = None
    to: str | float | None = None
    result: str | None = None
    who: str | None = None
    """Who did it: the id of a user, or None where nobody did."""

    @property
    def about(self) -> tuple[str, str, str]:
        """What it is one of many of."""
        return self.kind, self.device or self.name, self.what

    def as_json(self) -> dict[str, Any]:
        """Make it fit for storing."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Take it up again. Raises ``TypeError``, ``ValueError`` or ``KeyError`` for what is none."""
        return cls(**{**stored, "kind": Happening(stored["kind"]), "at": moment(stored["at"])})


@dataclass
class EventLog:
    """The log in its file and in memory; everything here blocks and may be called from any thread."""

    path: Path
    most: int = MOST
    kept: float = KEPT
    slack: int = SLACK
    _events: dict[int, Event] = field(default_factory=dict)
    """In their order, by numbers of this run."""
    _about: dict[tuple[str, str, str], deque[int]] = field(default_factory=dict)
    """The numbers of the events that are about the same, the oldest first."""
    _count: int = 0
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        """Nothing is read before ``open``."""
        self._journal = Journal(self.path)

    @property
    def damaged(self) -> int:
        """How many lines could not be read."""
        return self._journal.damaged

    def open(self) -> None:
        """Read the file. Raises ``OSError``."""
        with self._lock:
            self._events.clear()
            self._about.clear()
            self._journal.open(lambda record: self._put(Event.from_json(record)))
            self._keep_to_most()

    def write(self, events: Iterable[Event], now: float) -> None:
        """Keep events; they are on the disk when this returns. Raises ``OSError``, and then none is kept."""
        events = list(events)
        with self._lock:
            self._journal.append(event.as_json() for event in events)
            for event in events:
                self._put(event)
            for number in list(takewhile(lambda each: now - self._events[each].at > self.kept, self._events)):
                self._drop(number)
            self._keep_to_most()
            if self._journal.lines > 2 * len(self._events) + self.slack:
                # As for the alarms.
                with suppress(OSError):
                    self._journal.rewrite(event.as_json() for event in self._events.values())

    def query(
        self,
        *,
        device: str | None = None,
        kind: Happening | None = None,
        start: float | None = None,
        end: float | None = None,
        limit: int | None = None,
    ) -> list[Event]:
        """The events that are asked for, from ``start`` until before ``end``, the latest first."""
        with self._lock:
            events = list(self._events.values())
        return [
            event
            for event in reversed(events)
            if (device is None or event.device == device)
            and (kind is None or event.kind is kind)
            and (start is None or event.at >= start)
            and (end is None or event.at < end)
        ][:limit]

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._journal.close()

    def _put(self, event: Event) -> None:
        self._count += 1
        self._about.setdefault(event.about, deque()).append(self._count)
        self._events[self._count] = event

    def _keep_to_most(self) -> None:
        """Of what is too much drop the oldest of what happened the most often, as for the alarms."""
        while len(self._events) > self.most:
            self._drop(max(self._about.values(), key=len)[0])

    def _drop(self, number: int) -> None:
        about = self._events.pop(number).about
        self._about[about].remove(number)
        if not self._about[about]:
            del self._about[about]

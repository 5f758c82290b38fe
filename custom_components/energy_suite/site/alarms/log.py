"""The alarm log: every episode, for two years or ten thousand of them (VRM manual 12 and 13.2.1)."""

from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from threading import Lock

from .episodes import Edge, Episode, Severity, Source
from .journal import Journal

KEPT = 2 * 365.25 * 24 * 3600.0
"""s."""
MOST = 10_000
SLACK = 1_000
"""Lines more than twice the entries before the file is written anew."""


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What is asked for; None is everything. Times in s since 1970."""

    device: str | None = None
    source: Source | None = None
    severity: Severity | None = None
    """At least as bad as that at its worst."""
    start: float | None = None
    end: float | None = None
    """What was raised at any moment from ``start`` until before ``end``."""
    active: bool | None = None

    def lets_through(self, episode: Episode) -> bool:
        """Whether an entry is asked for."""
        return (
            (self.device is None or self.device in (episode.device, episode.subject))
            and (self.source is None or episode.source is self.source)
            and (self.severity is None or episode.worst >= self.severity)
            and (self.start is None or episode.cleared is None or episode.cleared >= self.start)
            and (self.end is None or episode.started < self.end)
            and (self.active is None or episode.active == self.active)
        )


EVERYTHING = Filter()


@dataclass
class AlarmLog:
    """The log in its file and in memory; everything here blocks and may be called from any thread."""

    path: Path
    most: int = MOST
    kept: float = KEPT
    slack: int = SLACK
    _entries: dict[int, Episode] = field(default_factory=dict)
    _by_tag: dict[str, deque[int]] = field(default_factory=dict)
    """The numbers of the entries of each alarm, the oldest first."""
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        """Nothing is read before ``open``."""
        self._journal = Journal(self.path)

    @property
    def damaged(self) -> int:
        """Lines of the file that could not be read."""
        return self._journal.damaged

    def open(self) -> list[Episode]:
        """Read the file; the entries, the oldest first. Raises ``OSError``."""
        with self._lock:
            self._entries.clear()
            self._by_tag.clear()
            self._journal.open(lambda record: self._put(Episode.from_json(record)))
            self._keep_to_most()
            return list(self._entries.values())

    def write(self, edges: Iterable[Edge], now: float) -> None:
        """Keep edges; they are on the disk when this returns. What is kept already is not written again.

        Raises ``OSError``, and then none of them is kept.
        """
        with self._lock:
            news: dict[int, Episode] = {}
            for edge in edges:
                number, before = edge.episode.number, news.get(edge.episode.number)
                before = before or self._entries.get(number)
                # An edge that is told again after a kill does not open what was closed.
                if before is None or (before.active and before != edge.episode):
                    news[number] = edge.episode
            self._journal.append(episode.as_json() for episode in news.values())
            for episode in news.values():
                self._put(episode)
            self._prune(now)

    def query(self, wanted: Filter = EVERYTHING, limit: int | None = None) -> list[Episode]:
        """The entries that are asked for, the latest first."""
        with self._lock:
            found = [episode for episode in self._entries.values() if wanted.lets_through(episode)]
        found.sort(key=lambda episode: (episode.started, episode.number), reverse=True)
        return found[:limit]

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._journal.close()

    def _put(self, episode: Episode) -> None:
        if episode.number not in self._entries:
            self._by_tag.setdefault(episode.tag, deque()).append(episode.number)
        self._entries[episode.number] = episode

    def _prune(self, now: float) -> None:
        """Drop what is too old and what is too much."""
        old = takewhile(lambda episode: now - episode.started > self.kept, self._entries.values())
        for episode in [each for each in old if not each.active]:
            self._drop(episode.number)
        self._keep_to_most()
        if self._journal.lines > 2 * len(self._entries) + self.slack:
            # Everything is on the disk: what does not succeed now is tried again with the next edge.
            with suppress(OSError):
                self._journal.rewrite(episode.as_json() for episode in self._entries.values())

    def _keep_to_most(self) -> None:
        """Of what is too much drop the oldest of the alarm that came the most often.

        So one that comes and goes all day does not push out the year before.
        """
        while len(self._entries) > self.most:
            often = max(self._by_tag.values(), key=self._closed)
            if not self._closed(often):
                break
            self._drop(often[0])

    def _closed(self, numbers: deque[int]) -> int:
        """How many of the entries of one alarm are closed: all but the latest are."""
        return len(numbers) - self._entries[numbers[-1]].active

    def _drop(self, number: int) -> None:
        tag = self._entries.pop(number).tag
        self._by_tag[tag].remove(number)
        if not self._by_tag[tag]:
            del self._by_tag[tag]

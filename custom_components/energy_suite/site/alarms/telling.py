"""Who has been told what, and what is therefore still to be told.

Each person is told the difference between what they know of an alarm and how it is. What holds a message back (quiet
hours, a snooze, an acknowledgement, the limit of messages) only puts off the comparison, so that afterwards there is
one message at most, and none if all is as it was.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, tzinfo
from typing import Any, Self

from .episodes import Episode, Severity, moment
from .limits import Budget, Limits, Verdict
from .notifications import Kind, Outbox
from .quiet_hours import quiet_until
from .recipients import Level, Recipient, is_for

LONGEST_SNOOZE = 30 * 24 * 3600.0
"""s that an alarm may be kept quiet."""


@dataclass(kw_only=True)
class Thread:
    """What one person knows of one alarm."""

    told: Severity | None = None
    """As how bad they know it; None if they think that all is well."""
    budget: Budget = field(default_factory=Budget)

    def as_json(self) -> dict[str, Any]:
        """Make it fit for storing."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Take it up again."""
        told = stored["told"]
        return cls(told=None if told is None else Severity(told), budget=Budget.from_json(stored["budget"]))


@dataclass(frozen=True)
class Snooze:
    """Until when an alarm is kept quiet that is no worse than it was."""

    severity: Severity
    until: float

    @classmethod
    def from_json(cls, stored: Mapping[str, Any] | None) -> Self | None:
        """Take it up again; None for one that would never end: then the alarm rings."""
        try:
            return None if stored is None else cls(Severity(stored["severity"]), moment(stored["until"]))
        except ValueError:
            return None


@dataclass(kw_only=True)
class Track:
    """All that is remembered of one alarm through its episodes."""

    episode: Episode
    """The latest."""
    changed: float
    """When it last was raised, changed or cleared."""
    acknowledged: Severity | None = None
    """As how bad somebody acknowledged the present episode."""
    snooze: Snooze | None = None
    threads: dict[str, Thread] = field(default_factory=dict)
    """By recipient."""

    def as_json(self) -> dict[str, Any]:
        """Make it fit for storing."""
        return {
            "episode": self.episode.as_json(),
            "changed": self.changed,
            "acknowledged": self.acknowledged,
            "snooze": self.snooze and asdict(self.snooze),
            "threads": {recipient: thread.as_json() for recipient, thread in self.threads.items()},
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Take it up again."""
        acknowledged = stored["acknowledged"]
        return cls(
            episode=Episode.from_json(stored["episode"]),
            changed=moment(stored["changed"]),
            acknowledged=None if acknowledged is None else Severity(acknowledged),
            snooze=Snooze.from_json(stored["snooze"]),
            threads={recipient: Thread.from_json(thread) for recipient, thread in stored["threads"].items()},
        )


@dataclass(frozen=True, kw_only=True)
class Telling:
    """How the user wants to be told."""

    recipients: tuple[Recipient, ...] = ()
    level: Level = Level.ALARMS_ONLY
    """Of the devices that are not in ``levels``."""
    levels: Mapping[str, Level] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    timezone: tzinfo = UTC
    """Of the quiet hours."""


class Teller:
    """Compares, and puts into the outbox."""

    def __init__(self, outbox: Outbox, wake: Callable[[str, float], None]) -> None:
        """``wake`` is called with the tag of an alarm and when it is to be settled again."""
        self.telling = Telling()
        self.outbox = outbox
        self._wake = wake

    def settle(self, track: Track, now: float, *, suppressed: bool = False) -> None:
        """Tell everybody what is new to them; ``suppressed`` if another alarm stands for this one."""
        self._end_hush(track, now)
        for recipient in self.telling.recipients:
            self._tell(recipient, track, now, suppressed=suppressed)
        if not track.episode.active:
            self._wake(track.episode.tag, now + self.telling.limits.period)

    def is_over(self, track: Track, now: float) -> bool:
        """Whether there is nothing left to remember of an alarm."""
        return (
            not track.episode.active
            and track.snooze is None
            and all(
                thread.told is None and thread.budget.is_over(self.telling.limits, now)
                for thread in track.threads.values()
            )
        )

    def _end_hush(self, track: Track, now: float) -> None:
        """What grew worse than when it was acknowledged or snoozed is news; a snooze that is over rings again."""
        severity = track.episode.severity if track.episode.active else Severity.INFORMATION
        if track.acknowledged is not None and severity > track.acknowledged:
            track.acknowledged = None
        if track.snooze is None:
            return
        if severity > track.snooze.severity:
            track.snooze = None
        elif now >= track.snooze.until:
            track.snooze = None
            if track.episode.active and track.acknowledged is None:
                for thread in track.threads.values():
                    thread.told = None
        else:
            self._wake(track.episode.tag, track.snooze.until)

    def _tell(self, recipient: Recipient, track: Track, now: float, *, suppressed: bool) -> None:
        episode, limits = track.episode, self.telling.limits
        thread = track.threads.get(recipient.id) or Thread()
        if episode.active and thread.told is not None:
            thread.told = min(thread.told, episode.severity)
        severity = episode.severity if episode.active else thread.told or episode.severity
        concerned = not suppressed and is_for(recipient, episode, self.telling.level, self.telling.levels)
        if thread.budget.silenced and (thread.budget.released or now >= track.changed + limits.quiet):
            kind = Kind.RESUMED
        elif (news := _news(episode, thread.told, concerned=concerned)) is not None:
            kind = news
        else:
            self._wake_from_silence(track, thread)
            return
        if self._is_held(recipient, track, severity, now):
            return
        if kind is Kind.RESUMED:
            thread.budget = Budget()
        match thread.budget.spend(severity, limits, now):
            case Verdict.SILENCE:
                self._wake_from_silence(track, thread)
                return
            case Verdict.LAST:
                kind = Kind.LAST_BEFORE_SILENCE
                self._wake_from_silence(track, thread)
            case Verdict.SEND:
                pass
        thread.told = episode.severity if episode.active else None
        track.threads[recipient.id] = thread
        self.outbox.put(recipient.id, kind, episode, now)

    def _wake_from_silence(self, track: Track, thread: Thread) -> None:
        if thread.budget.silenced:
            self._wake(track.episode.tag, track.changed + self.telling.limits.quiet)

    def _is_held(self, recipient: Recipient, track: Track, severity: Severity, now: float) -> bool:
        """Whether a message is not to be sent now; whoever holds it back wakes the alarm again."""
        if track.snooze is not None or (track.episode.active and track.acknowledged is not None):
            return True
        if severity is Severity.CRITICAL:
            return False
        until = quiet_until(recipient.quiet_hours, now, self.telling.timezone)
        if until is not None:
            self._wake(track.episode.tag, until)
        return until is not None


def _news(episode: Episode, told: Severity | None, *, concerned: bool) -> Kind | None:
    """What an alarm is to somebody who knows it as bad as ``told``."""
    if not episode.active:
        # Whoever was told that it began is told that it is over, whatever they want to be told of by now.
        return None if told is None else Kind.CLEARED
    if not concerned:
        return None
    if told is None:
        return Kind.RAISED
    return Kind.WORSENED if episode.severity > told else None

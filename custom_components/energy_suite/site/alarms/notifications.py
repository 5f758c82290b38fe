"""The messages that are due, each until it was delivered."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, Self

from .episodes import Episode, count, moment

TEST_TAG = "test"
FIRST_PAUSE = 30.0
LONGEST_PAUSE = 900.0
"""s before a message that could not be delivered is tried again; twice as long each time, up to this."""
MOST_WAITING = 500
"""Messages to one recipient; the oldest are dropped."""


class Kind(StrEnum):
    """What a message is about."""

    RAISED = "raised"
    WORSENED = "worsened"
    CLEARED = "cleared"
    LAST_BEFORE_SILENCE = "last_before_silence"
    RESUMED = "resumed"
    TEST = "test"


@dataclass(frozen=True, kw_only=True)
class Notification:
    """One message to one recipient."""

    number: int
    """Counts all messages; never given twice, so that one delivered twice can be told by it."""
    recipient: str
    kind: Kind
    at: float
    """When it became due, in s since 1970."""
    episode: Episode | None
    """The alarm as it was then: ``episode.active`` says whether it was raised; None for a test."""

    @property
    def tag(self) -> str:
        """What it replaces the last message of."""
        return TEST_TAG if self.episode is None else self.episode.tag

    def as_json(self) -> dict[str, Any]:
        """Make it fit for storing."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Take it up again."""
        episode = stored["episode"]
        return cls(
            **{
                **stored,
                "number": count(stored["number"]),
                "kind": Kind(stored["kind"]),
                "at": moment(stored["at"]),
                "episode": None if episode is None else Episode.from_json(episode),
            }
        )


@dataclass
class _Waiting:
    notification: Notification
    failures: int = 0
    not_before: float = 0.0
    handed_out: bool = False


@dataclass
class Outbox:
    """Messages in the order in which they became due.

    A recipient gets one at a time, so that no message overtakes the one that it replaces. For somebody who cannot be
    reached one message of each alarm waits: how it is by now.
    """

    count: int = 0
    """How many there ever were."""
    _waiting: dict[int, _Waiting] = field(default_factory=dict)

    def put(self, recipient: str, kind: Kind, episode: Episode | None, now: float) -> None:
        """Add a message."""
        self.count += 1
        notification = Notification(number=self.count, recipient=recipient, kind=kind, at=now, episode=episode)
        self._waiting[notification.number] = _Waiting(notification)
        waiting = self._of(recipient)
        if waiting[0].failures:
            self._merge(waiting)
        elif len(waiting) > MOST_WAITING:
            oldest = next(each for each in waiting if not each.handed_out)
            del self._waiting[oldest.notification.number]

    def _of(self, recipient: str) -> list[_Waiting]:
        return [each for each in self._waiting.values() if each.notification.recipient == recipient]

    def _merge(self, of_recipient: Collection[_Waiting]) -> None:
        """Leave of each alarm the latest message, in the place of the first that is not on its way."""
        first: dict[str, _Waiting] = {}
        merged = set()
        for waiting in of_recipient:
            if waiting.handed_out:
                continue
            place = first.setdefault(waiting.notification.tag, waiting)
            if place is not waiting:
                merged.add(waiting.notification.number)
                place.notification = _merged(place.notification, waiting.notification)
        if merged:
            self._waiting = {
                each.notification.number: each for number, each in self._waiting.items() if number not in merged
            }

    def hand_out(self, now: float) -> list[Notification]:
        """What is to be sent now; each stays until ``delivered`` or ``failed`` tells what became of it."""
        busy: set[str] = set()
        ready = []
        for waiting in self._waiting.values():
            recipient = waiting.notification.recipient
            if recipient in busy:
                continue
            busy.add(recipient)
            if not waiting.handed_out and now >= waiting.not_before:
                waiting.handed_out = True
                ready.append(waiting.notification)
        return ready

    def delivered(self, number: int) -> None:
        """Strike out a message; nothing happens if that was done."""
        self._waiting.pop(number, None)

    def failed(self, number: int, now: float) -> float | None:
        """Try again later; returns when."""
        if (waiting := self._waiting.get(number)) is None:
            return None
        waiting.handed_out = False
        waiting.not_before = now + min(FIRST_PAUSE * 2**waiting.failures, LONGEST_PAUSE)
        waiting.failures = min(waiting.failures + 1, 10)
        self._merge(self._of(waiting.notification.recipient))
        return waiting.not_before

    def try_again(self) -> None:
        """Wait no longer with what could not be delivered."""
        for waiting in self._waiting.values():
            waiting.not_before = 0.0

    def keep_to(self, recipients: Collection[str]) -> None:
        """Drop the messages to all others."""
        self._waiting = {
            number: waiting for number, waiting in self._waiting.items() if waiting.notification.recipient in recipients
        }

    def as_json(self) -> dict[str, Any]:
        """Make it fit for storing. After a restart everything is tried again at once."""
        return {
            "count": self.count,
            "waiting": [waiting.notification.as_json() for waiting in self._waiting.values()],
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Take it up again."""
        notifications = map(Notification.from_json, stored["waiting"])
        return cls(count(stored["count"]), {each.number: _Waiting(each) for each in notifications})


def _merged(before: Notification, latest: Notification) -> Notification:
    """One message for two, of which the first was never read."""
    if (before.kind, latest.kind) == (Kind.RAISED, Kind.WORSENED):
        return replace(latest, kind=Kind.RAISED)
    if before.kind is Kind.LAST_BEFORE_SILENCE and latest.kind is not Kind.RESUMED:
        return replace(latest, kind=Kind.LAST_BEFORE_SILENCE)
    return latest

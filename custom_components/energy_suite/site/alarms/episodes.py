"""What is alarmed about: an episode lasts from the moment an alarm is raised until it is cleared."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import IntEnum, StrEnum
from typing import Any, Protocol, Self


class Severity(IntEnum):
    """How bad an alarm is; comparable, and by the numbers that the gateways use."""

    INFORMATION = 1
    WARNING = 2
    CRITICAL = 3

    @property
    def word(self) -> str:
        """The severity as texts and attributes spell it."""
        return self.name.lower()


class Source(StrEnum):
    """What triggered an alarm (VRM manual 6, 13.2.1)."""

    AUTOMATIC = "automatic"  # the device itself
    RULE = "rule"  # a rule of the user
    COMMUNICATION = "communication"
    GEOFENCE = "geofence"
    GRID = "grid"


class Alarm(Protocol):
    """An alarm as a device has it: what ``gateways.base.Alarm`` is, which this layer does not import."""

    @property
    def key(self) -> str:
        """Its name within its device."""

    @property
    def severity(self) -> int:
        """By the numbers of ``Severity``."""

    @property
    def notify_by_default(self) -> bool:
        """Whether it is told of even where warnings are not."""

    @property
    def code(self) -> int | None:
        """The number that the device shows for it."""

    @property
    def details(self) -> Mapping[str, Any]:
        """Numbers that belong to it."""

    @property
    def texts(self) -> Mapping[str, Mapping[str, str]]:
        """Language -> its texts, where it brings its own."""


LAST_MOMENT = 253_000_000_000.0
"""s since 1970, in the year 9987: calendars end soon after."""


def moment(value: Any) -> float:
    """A stored time in s since 1970. Raises ``ValueError`` for what has no date."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LAST_MOMENT:
        raise ValueError("not a time")
    return value


def count(value: Any) -> int:
    """A stored number of something. Raises ``ValueError`` for what counts nothing, or cannot be stored again."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
        raise ValueError("not a count")
    return value


def tag_of(source: Source, subject: str, key: str) -> str:
    """What names an alarm for good, through all its episodes."""
    return f"{source}/{subject}/{key}"


@dataclass(frozen=True, kw_only=True)
class Episode:
    """One alarm from when it was raised until it is cleared; times in s since 1970."""

    number: int
    """Counts all episodes; never given twice."""
    source: Source
    subject: str
    """Whose alarm it is: the id of a device, a rule, a gateway or a geofence."""
    key: str
    """Chooses the text."""
    severity: Severity
    started: float
    """Since when it was so; for a rule with a delay this is before it was raised."""
    device: str | None = None
    name: str = ""
    """What the subject was called when the alarm was raised."""
    worst: Severity = Severity.INFORMATION
    cleared: float | None = None
    notify_by_default: bool = False
    code: int | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def tag(self) -> str:
        """What its messages are tagged with, so that a new one replaces the last."""
        return tag_of(self.source, self.subject, self.key)

    @property
    def active(self) -> bool:
        """Whether it is raised now."""
        return self.cleared is None

    def as_json(self) -> dict[str, Any]:
        """Make it fit for storing."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Take it up again. Raises ``TypeError``, ``ValueError`` or ``KeyError`` for what is none."""
        cleared = stored.get("cleared")
        episode = cls(
            **{
                **stored,
                "number": count(stored["number"]),
                "source": Source(stored["source"]),
                "severity": Severity(stored["severity"]),
                "worst": Severity(stored["worst"]),
                "started": moment(stored["started"]),
                "cleared": None if cleared is None else moment(cleared),
            }
        )
        if not (
            isinstance(episode.subject, str)
            and isinstance(episode.key, str)
            and isinstance(episode.details, Mapping)
            and isinstance(episode.texts, Mapping)
        ):
            raise TypeError("not an episode")
        return episode


class Change(StrEnum):
    """What happened to an alarm."""

    RAISED = "raised"
    WORSENED = "worsened"
    EASED = "eased"
    CLEARED = "cleared"


@dataclass(frozen=True, kw_only=True)
class Edge:
    """A change of an alarm, with the episode as it is from then on."""

    number: int
    """Counts all edges; never given twice."""
    change: Change
    at: float
    """When it was noticed."""
    episode: Episode

    def as_json(self) -> dict[str, Any]:
        """Make it fit for storing."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Take it up again."""
        return cls(
            **{
                **stored,
                "number": count(stored["number"]),
                "change": Change(stored["change"]),
                "at": moment(stored["at"]),
                "episode": Episode.from_json(stored["episode"]),
            }
        )

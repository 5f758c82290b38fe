"""Who is told of what."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from .episodes import Episode, Severity, Source
from .quiet_hours import QuietHours


class Level(StrEnum):
    """How much of what devices say by themselves is told (VRM manual 6.2)."""

    OFF = "off"
    ALARMS_ONLY = "alarms_only"
    WARNINGS_AND_ALARMS = "warnings_and_alarms"


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """Somebody, or something, that messages go to."""

    id: str
    language: str = "en"
    severities: frozenset[Severity] = frozenset({Severity.WARNING, Severity.CRITICAL})
    quiet_hours: tuple[QuietHours, ...] = ()
    """Critical alarms ignore them."""
    level: Level = Level.WARNINGS_AND_ALARMS
    """At most so much, whatever the level of the device."""


def is_told(level: Level, episode: Episode) -> bool:
    """Whether a level lets an alarm through: information is for the log, and rules were asked for one by one."""
    if episode.severity is Severity.INFORMATION:
        return False
    if episode.source is not Source.AUTOMATIC:
        return True
    match level:
        case Level.OFF:
            return False
        case Level.ALARMS_ONLY:
            return episode.severity is Severity.CRITICAL or episode.notify_by_default
        case Level.WARNINGS_AND_ALARMS:
            return True


def is_for(recipient: Recipient, episode: Episode, level: Level, levels: Mapping[str, Level]) -> bool:
    """Whether somebody is to be told of an alarm: ``level`` is that of all devices without one in ``levels``."""
    of_device = levels.get(episode.subject, level)
    return (
        is_told(of_device, episode) and is_told(recipient.level, episode) and episode.severity in recipient.severities
    )

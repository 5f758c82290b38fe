"""What people are told of an alarm, in their language: pure, over the files in ``texts``."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..site.alarms.episodes import Episode, Severity, Source
from ..site.alarms.notifications import Kind, Notification
from ..texts import raw, texts_of

NBSP = "\N{NO-BREAK SPACE}"
"""Between a number and its unit."""
_COORDINATES = {"latitude", "longitude"}


@dataclass(frozen=True)
class Message:
    """A message, and the words of the buttons below it."""

    title: str
    body: str
    """It does not repeat the name that is in the title."""
    name: str
    acknowledge: str
    snooze: str
    channel: str
    """What a phone files it under."""


def described(language: str, episode: Episode, *, unit: str = "") -> dict[str, str]:
    """``text`` and, where known, ``cause`` and ``remedy`` of an alarm; ``unit`` is that of the values of a rule."""
    if episode.source is Source.AUTOMATIC:
        return texts_of(language, episode.key, episode.code, episode.texts)
    details = {name: _shown(language, name, value, unit) for name, value in episode.details.items()}
    return {kind: text.format_map(_Known(details)) for kind, text in raw(language, episode.key).items()}


def message_of(
    language: str, notification: Notification, *, name: str, unit: str, now: datetime, quiet: float
) -> Message:
    """The message to somebody; ``now`` is local, ``quiet`` how many s a flood has to be over."""
    episode, kind = notification.episode, notification.kind
    critical = episode is not None and episode.active and episode.severity is Severity.CRITICAL
    if episode is None:
        title, lines = _say(language, "title_test"), [_say(language, "body_test")]
    else:
        title = _say(
            language,
            f"title_{_titled(kind, episode)}",
            severity=severity_name(language, episode.severity),
            name=_subject(language, episode, name),
        )
        lines = list(_lines(language, episode, unit, now))
        if kind is Kind.LAST_BEFORE_SILENCE:
            lines.append(_say(language, "last_before_silence", hours=f"{quiet / 3600:g}"))
        elif kind is Kind.RESUMED:
            lines.append(_say(language, "resumed"))
    return Message(
        title=title,
        body="\n".join(lines),
        name=name,
        acknowledge=_say(language, "acknowledge"),
        snooze=_say(language, "snooze"),
        channel=_say(language, "channel_critical" if critical else "channel"),
    )


def _subject(language: str, episode: Episode, name: str) -> str:
    """What a title is about: on a locked telephone it is all there is to see."""
    match episode.source:
        case Source.RULE:
            return name  # what its owner called it
        case Source.GEOFENCE:
            return f"{source_name(language, episode.source)} ({name})"
    # Who reported it is in the text below.
    return f"{described(language, episode)['text'].partition(' (')[0]} ({name})"


def severity_name(language: str, severity: Severity) -> str:
    """What a severity is called."""
    return _say(language, f"severity_{severity.word}")


def source_name(language: str, source: Source) -> str:
    """What triggered an alarm."""
    return _say(language, f"source_{source.value}")


def column_name(language: str, column: str) -> str:
    """What a column of the log is called."""
    return _say(language, f"column_{column}")


def moment(language: str, at: datetime, now: datetime) -> str:
    """A local time as one would say it now: no date if it is today, no year if it is this one."""
    clock = f"{at:%H:%M}"
    if at.date() == now.date():
        return _say(language, "at_time", time=clock)
    month = _say(language, "months").split()[at.month - 1]
    day = _say(language, "first_of_month") if at.day == 1 else str(at.day)
    year = "" if at.year == now.year else f" {at.year}"
    return _say(language, "at_date", date=f"{day} {month}{year}", time=clock)


def duration(language: str, seconds: float) -> str:
    """How long something lasted, in its two greatest units."""
    minutes, s = divmod(round(seconds), 60)
    hours, m = divmod(minutes, 60)
    days, h = divmod(hours, 24)
    if days:
        return f"{days}{NBSP}{_say(language, 'day')} {h}{NBSP}h"
    if hours:
        return f"{h}{NBSP}h {m:02}{NBSP}min"
    return f"{m}{NBSP}min" if minutes else f"{s}{NBSP}s"


def _titled(kind: Kind, episode: Episode) -> str:
    if not episode.active:
        return "cleared"
    return "worsened" if kind is Kind.WORSENED else "raised"


def _lines(language: str, episode: Episode, unit: str, now: datetime) -> list[str]:
    """What is wrong, since when, why, and what helps; of what is over only what it was and how long."""
    texts = described(language, episode, unit=unit)
    since = moment(language, datetime.fromtimestamp(episode.started, now.tzinfo), now)
    if episode.cleared is not None:
        until = moment(language, datetime.fromtimestamp(episode.cleared, now.tzinfo), now)
        lasted = duration(language, episode.cleared - episode.started)
        return [texts["text"], _say(language, "from_until", since=since, until=until, duration=lasted)]
    return [
        texts["text"],
        _say(language, "since", since=since),
        *(_say(language, kind, text=texts[kind]) for kind in ("cause", "remedy") if kind in texts),
    ]


def _say(language: str, key: str, **words: str) -> str:
    return raw(language, f"message_{key}")["text"].format(**words)


def _shown(language: str, name: str, value: Any, unit: str) -> str:
    match value:
        case list() | tuple():
            return ", ".join(map(str, value))
        case float() | int() if name in _COORDINATES:
            return f"{value:.5f}"
        case float() | int():
            number = f"{value:.6g}" if abs(value) < 1000 else f"{value:.0f}"
            decimal = _say(language, "decimal_point")
            return f"{number.replace('.', decimal)}{NBSP}{unit}".rstrip()
    return str(value)


class _Known(dict[str, str]):
    """Words to put into a text; what is not known is shown as a gap."""

    def __init__(self, words: Mapping[str, str]) -> None:
        super().__init__(words)

    def __missing__(self, key: str) -> str:
        return "…"

"""Log entries as CSV, in the columns of the VRM portal's alarm log (VRM manual 13.2.1)."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, tzinfo

from .episodes import Episode, Severity
from .events import Event

ALARM_COLUMNS = ("device", "triggered_by", "description", "severity", "started", "cleared", "cleared_after")
"""``cleared_after`` in s; both are empty while the alarm is active."""
EVENT_COLUMNS = ("at", "kind", "device", "what", "from", "to", "result", "who")

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def alarms_as_csv(
    episodes: Iterable[Episode],
    describe: Callable[[Episode], str],
    timezone: tzinfo,
    header: Sequence[str] = ALARM_COLUMNS,
    devices: Callable[[Episode], str] = lambda episode: episode.name or episode.subject,
    triggers: Callable[[Episode], str] = lambda episode: episode.source.value,
    severities: Callable[[Severity], str] = lambda severity: severity.word,
) -> str:
    """One line for each entry; the functions put its parts into words."""
    return _csv(
        header,
        (
            (
                devices(episode),
                triggers(episode),
                describe(episode),
                severities(episode.worst),
                _local(episode.started, timezone),
                "" if episode.cleared is None else _local(episode.cleared, timezone),
                "" if episode.cleared is None else f"{episode.cleared - episode.started:.0f}",
            )
            for episode in episodes
        ),
    )


def events_as_csv(events: Iterable[Event], timezone: tzinfo, header: Sequence[str] = EVENT_COLUMNS) -> str:
    """One line for each event."""
    return _csv(
        header,
        (
            (
                _local(event.at, timezone),
                event.kind.value,
                event.name or event.device or "",
                event.what,
                _text(event.before),
                _text(event.to),
                event.result or "",
                event.who or "",
            )
            for event in events
        ),
    )


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return text.getvalue()


def _text(value: str | float | None) -> str:
    return "" if value is None else str(value)


def _harmless(cell: str) -> str:
    """No spreadsheet may take a name that somebody gave a device for a formula; numbers stay numbers."""
    if not cell.startswith(_FORMULA):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell


def _local(at: float, timezone: tzinfo) -> str:
    return datetime.fromtimestamp(at, timezone).isoformat(sep=" ", timespec="seconds")

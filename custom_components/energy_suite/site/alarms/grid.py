"""A failure of the grid: one for the whole site, whoever reports it (VRM manual 6.6)."""

from collections.abc import Iterable
from dataclasses import dataclass

from .episodes import Episode, Severity, Source, tag_of
from .rules import Rule, Side

SITE = "site"
GRID_FAILURE = "grid_failure"
GRID_TAG = tag_of(Source.GRID, SITE, GRID_FAILURE)

KEYS = frozenset({"grid_lost", "on_battery", "ac_input_lost"})
"""What a GX, a UPS and the health check of an AC input call it."""


@dataclass(frozen=True, kw_only=True)
class Grid:
    """How failures of the grid are watched for."""

    on: bool = True
    keys: frozenset[str] = KEYS
    """The alarms of devices that report one."""
    severity: Severity = Severity.CRITICAL
    settling: float = 30.0
    """s after the last report before it is over: devices do not see the grid return at the same moment."""


def reports_failure(grid: Grid, rules: Iterable[Rule], episode: Episode) -> bool:
    """Whether an alarm says that the grid failed, and is told of as that alone."""
    if not grid.on:
        return False
    if episode.source is Source.AUTOMATIC:
        return episode.key in grid.keys
    if episode.source is Source.RULE:
        return episode.key != Side.NO_DATA and any(rule.grid and rule.id == episode.subject for rule in rules)
    return False


def failure(grid: Grid, number: int, reports: Iterable[Episode]) -> Episode:
    """The failure that some reports make."""
    reports = list(reports)
    return Episode(
        number=number,
        source=Source.GRID,
        subject=SITE,
        key=GRID_FAILURE,
        severity=grid.severity,
        worst=grid.severity,
        started=min(report.started for report in reports),
        details={"reported_by": reported_by(reports)},
    )


def reported_by(reports: Iterable[Episode], before: Episode | None = None) -> list[str]:
    """Who reports a failure, or did so before, for the message."""
    known = [] if before is None else before.details["reported_by"]
    return sorted({*known, *(report.name or report.subject for report in reports)})

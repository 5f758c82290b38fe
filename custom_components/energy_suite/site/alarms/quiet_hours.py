"""When a person does not want to be disturbed, by the clock on the wall."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo


@dataclass(frozen=True)
class QuietHours:
    """From ``start`` until ``end``, local time; over midnight if it ends earlier than it starts."""

    start: time
    end: time

    def hold(self, moment: time) -> bool:
        """Whether a time of day is within."""
        if self.start <= self.end:
            return self.start <= moment < self.end
        return moment >= self.start or moment < self.end


def quiet_until(hours: Sequence[QuietHours], now: float, timezone: tzinfo) -> float | None:
    """Until when in s since 1970 it is quiet; None if it is not now.

    Hours that follow each other are one; where they fill the whole day the answer is some time ahead.
    """
    until = None
    for _ in range(len(hours) + 1):
        moment = now if until is None else until
        ends = [_end(each, moment, timezone) for each in hours if each.hold(_local(moment, timezone).time())]
        if not ends:
            break
        until = max(ends)
    return until


def _local(moment: float, timezone: tzinfo) -> datetime:
    return datetime.fromtimestamp(moment, timezone)


def _end(hours: QuietHours, now: float, timezone: tzinfo) -> float:
    local = _local(now, timezone)
    day = local.date() if local.time() < hours.end else local.date() + timedelta(days=1)
    return _first_after(now, (datetime.combine(day, hours.end, timezone).replace(fold=fold) for fold in (0, 1)))


def _first_after(now: float, moments: Iterable[datetime]) -> float:
    """The first that is ahead: when clocks are put back a time of day comes twice."""
    return min((at for moment in moments if (at := moment.timestamp()) > now), default=now + 60)

"""The simulated site of the demo: where it stands in time, and its state kept from one start to the next."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, time, timedelta
from enum import Enum
from itertools import islice
from typing import Any, Final

from .model import Day, Hour, Model, simulate_days
from .site import Source

HISTORY: Final = timedelta(days=7)

# Beyond this the site has slept: its history goes on from here.
LONGEST_SLEEP: Final = timedelta(days=30)


def set_clock(site: Model, clock: time) -> None:
    """Make it another time of the same day at the site."""
    site.now = datetime.combine(site.local, clock, site.local.tzinfo).astimezone(UTC)


def floor_hour(when: datetime) -> datetime:
    """The full hour before."""
    return when.replace(minute=0, second=0, microsecond=0)


def to_june(now: datetime) -> timedelta:
    """Whole weeks from now to the middle of June: weekday and hour stay, and there is a sun to look at all year."""
    return timedelta(weeks=round((datetime(now.year, 6, 15, tzinfo=UTC) - now) / timedelta(weeks=1)))


def new_site[S: Model](model: type[S], now: datetime, season: timedelta) -> tuple[S, list[Hour]]:
    """A site with its last week behind it, and the hours of that week in the time of the clock on our wall."""
    site = model.lived_in(floor_hour(now) - HISTORY + season)
    return site, catch_up(site, now, season)


def known_site[S: Model](
    model: type[S], stored: dict[str, Any], saved: datetime, now: datetime, season: timedelta
) -> tuple[S, list[Hour]]:
    """The site as it was left, and the hours that it lived through since."""
    left = min(now, max(saved, now - LONGEST_SLEEP))
    site = model.lived_in(left + season)
    restore(site, stored)
    return site, catch_up(site, now, season)


def catch_up(site: Model, now: datetime, season: timedelta) -> list[Hour]:
    """Let the site live until now; the full hours of that time, in the time of the clock on our wall."""
    began = site.now - season
    first = floor_hour(began)
    if began > first:
        first += timedelta(hours=1)
    hours: list[Hour] = []
    if first < floor_hour(now):
        site.advance((first - began).total_seconds())
        # Many small steps do not add up to the microsecond, and statistics begin on the hour.
        site.now = first + season
        hours = list(_hours(site, (floor_hour(now) - first) // timedelta(hours=1), season))
    site.advance((now + season - site.now).total_seconds())
    site.now = now + season
    return hours


def _hours(site: Model, count: int, season: timedelta) -> Iterator[Hour]:
    for hour in islice(simulate_days(site, count // 24 + 1), count):
        yield Hour(hour.start - season, hour.energies, hour.counters, hour.mean, hour.low, hour.high)


def snapshot(site: Model) -> dict[str, Any]:
    """What JSON can keep of the site."""
    return {
        **{name: asdict(getattr(site, name)) for name in site.PARTS},
        **{name: getattr(site, name) for name in site.NUMBERS},
        "days": [asdict(day) for day in site.days],
    }


def restore(site: Model, stored: dict[str, Any]) -> None:
    """Take up what `snapshot` kept."""
    for name in site.PARTS:
        part = getattr(site, name)
        for key, value in stored[name].items():
            setattr(part, key, _as(getattr(part, key), value))
    for name in site.NUMBERS:
        setattr(site, name, stored[name])
    site.days = [Day(**day) for day in stored["days"]]


def _as(present: object, value: Any) -> Any:
    """The value in the type that JSON took from it."""
    if isinstance(present, Enum):
        return type(present)(value)
    if isinstance(value, dict):
        return {Source(source): energy for source, energy in value.items()}
    return value

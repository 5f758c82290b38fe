"""The simulated house of the demo: where it stands in time, and its state kept from one start to the next."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, time, timedelta
from enum import Enum
from itertools import islice
from typing import Any, Final

from .site import Day, Hour, Site, Source, simulate_days
from .victron_house import VictronHouse

HISTORY: Final = timedelta(days=7)

# Beyond this the house has slept: its history goes on from here.
LONGEST_SLEEP: Final = timedelta(days=30)

_PARTS: Final = ("controls", "counters", "battery", "generator", "station")
_NUMBERS: Final = ("since_full", "batterylife_limit", "highest_soc")

# What the house has already counted when the demo meets it, in kWh: half a year.
_EARLIER: Final = {
    "grid_import": 1250.0,
    "grid_export": 836.0,
    "generator": 4.0,
    "consumption": 3880.0,
    "pv_inverter": 1974.0,
    "solar_charger": 2628.0,
    "battery_in": 1690.0,
    "battery_out": 1596.0,
    "car": 1042.0,
}

# What the owner called the devices, where it is not the French of the simulated GX: service, path, name.
_NAMES: Final = {
    "en": (
        ("settings", "/Settings/SystemSetup/SystemName", "Pine House"),
        ("vebus", "/CustomName", "Main inverter"),
        ("battery", "/CustomName", "Battery"),
        ("solarcharger", "/CustomName", "Garden roof"),
        ("grid", "/CustomName", "Grid meter"),
        ("pvinverter", "/CustomName", "Garage roof"),
        ("evcharger", "/CustomName", "Garage charger"),
    )
}


def name_devices(house: VictronHouse, language: str) -> None:
    """Give the devices names in the language of the people who live with them."""
    for service, path, name in _NAMES.get(language, ()):
        house.set(service, path, name)


def set_clock(site: Site, clock: time) -> None:
    """Make it another time of the same day at the house."""
    site.now = datetime.combine(site.local, clock, site.local.tzinfo).astimezone(UTC)


def floor_hour(when: datetime) -> datetime:
    """The full hour before."""
    return when.replace(minute=0, second=0, microsecond=0)


def to_june(now: datetime) -> timedelta:
    """Whole weeks from now to the middle of June: weekday and hour stay, and there is a sun to look at all year."""
    return timedelta(weeks=round((datetime(now.year, 6, 15, tzinfo=UTC) - now) / timedelta(weeks=1)))


def new_house(now: datetime, season: timedelta) -> tuple[Site, list[Hour]]:
    """A house with its last week behind it, and the hours of that week in the time of the clock on our wall."""
    site = Site(now=floor_hour(now) - HISTORY + season)
    counters = site.counters
    for name, energy in _EARLIER.items():
        setattr(counters, name, energy)
    counters.grid_import_phases[0], counters.grid_export_phases[0] = counters.grid_import, counters.grid_export
    counters.battery_drawn_ah = counters.battery_out * 1000 / site.config.battery_voltage
    return site, catch_up(site, now, season)


def known_house(stored: dict[str, Any], saved: datetime, now: datetime, season: timedelta) -> tuple[Site, list[Hour]]:
    """The house as it was left, and the hours that it lived through since."""
    left = min(now, max(saved, now - LONGEST_SLEEP))
    site = Site(now=left + season)
    restore(site, stored)
    return site, catch_up(site, now, season)


def catch_up(site: Site, now: datetime, season: timedelta) -> list[Hour]:
    """Let the house live until now; the full hours of that time, in the time of the clock on our wall."""
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


def _hours(site: Site, count: int, season: timedelta) -> Iterator[Hour]:
    for hour in islice(simulate_days(site, count // 24 + 1), count):
        yield Hour(hour.start - season, hour.energies, hour.counters, hour.mean, hour.low, hour.high)


def snapshot(site: Site) -> dict[str, Any]:
    """What JSON can keep of the house."""
    return {
        **{name: asdict(getattr(site, name)) for name in _PARTS},
        **{name: getattr(site, name) for name in _NUMBERS},
        "days": [asdict(day) for day in site.days],
    }


def restore(site: Site, stored: dict[str, Any]) -> None:
    """Take up what `snapshot` kept."""
    for name in _PARTS:
        part = getattr(site, name)
        for key, value in stored[name].items():
            setattr(part, key, _as(getattr(part, key), value))
    for name in _NUMBERS:
        setattr(site, name, stored[name])
    site.days = [Day(**day) for day in stored["days"]]


def _as(present: object, value: Any) -> Any:
    """The value in the type that JSON took from it."""
    if isinstance(present, Enum):
        return type(present)(value)
    if isinstance(value, dict):
        return {Source(source): energy for source, energy in value.items()}
    return value

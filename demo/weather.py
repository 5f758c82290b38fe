"""Sun, clouds and people: what drives the site from outside, each a pure function of the time and a seed."""

import math
from datetime import datetime

_MASK = (1 << 64) - 1


def noise(seed: int, channel: int, position: float) -> float:
    """Return a smooth random function of `position`, in 0..1, with one independent value per unit."""
    cell = math.floor(position)
    part = position - cell
    part = part * part * (3 - 2 * part)
    return _random(seed, channel, cell) * (1 - part) + _random(seed, channel, cell + 1) * part


def _random(seed: int, channel: int, cell: int) -> float:
    mixed = (cell * 0x9E3779B97F4A7C15 + channel * 0xD1B54A32D192ED03 + seed * 0x8CB92BA72F3D8DD7) & _MASK
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ mixed >> shift) * factor & _MASK
    return (mixed ^ mixed >> 31) / _MASK


def sun(when: datetime, latitude: float, longitude: float) -> tuple[float, float]:
    """Return elevation and azimuth (from north, clockwise) of the sun in degrees; `when` is UTC."""
    day = when.timetuple().tm_yday + (when.hour + when.minute / 60) / 24
    year = math.tau * (day - 1) / 365.25
    declination = 0.00692 - 0.3999 * math.cos(year) + 0.0703 * math.sin(year) - 0.00676 * math.cos(2 * year)
    equation_of_time = 229.2 * (0.00002 + 0.00187 * math.cos(year) - 0.03208 * math.sin(year))
    equation_of_time -= 229.2 * (0.01462 * math.cos(2 * year) + 0.04085 * math.sin(2 * year))
    minutes = when.hour * 60 + when.minute + when.second / 60 + 4 * longitude + equation_of_time
    hour_angle = math.radians(minutes / 4 - 180)
    north = math.radians(latitude)
    height = math.sin(north) * math.sin(declination)
    height += math.cos(north) * math.cos(declination) * math.cos(hour_angle)
    azimuth = math.atan2(
        math.sin(hour_angle),
        math.cos(hour_angle) * math.sin(north) - math.tan(declination) * math.cos(north),
    )
    return math.degrees(math.asin(max(-1.0, min(1.0, height)))), math.degrees(azimuth) + 180


def cloudiness(seed: int, hours: float) -> float:
    """Return how much the clouds cover, 0 clear to 1 overcast, over the hours since the epoch."""
    weather = noise(seed, 1, hours / 17)
    passing = noise(seed, 2, hours * 5)
    return min(1.0, max(0.0, 1.7 * weather - 0.5) * (0.5 + passing))


def irradiance(elevation: float, azimuth: float, clouds: float, *, facing: float, tilt: float) -> float:
    """Return the light on a panel in W/m2: the direct light of a clear sky on its plane, and the diffuse one."""
    if elevation <= 0:
        return 0.0
    height = math.sin(math.radians(elevation))
    direct = 1050 * math.exp(-0.13 / (height + 0.02)) * (1 - clouds)
    slope = math.radians(tilt)
    incidence = height * math.cos(slope) + math.cos(math.radians(elevation)) * math.sin(slope) * math.cos(
        math.radians(azimuth - facing)
    )
    diffuse = height * (90 + 170 * clouds * (1 - 0.5 * clouds))
    return direct * max(0.0, incidence) + diffuse


def household(seed: int, local: datetime) -> float:
    """Return what the people in the house use, in W."""
    hour = local.hour + local.minute / 60 + local.second / 3600
    days = local.toordinal()
    weekend = local.weekday() >= 5
    meals = ((8.8 if weekend else 7.2, 1.0, 700), (12.6, 1.1, 1300 if weekend else 600), (19.6, 1.7, 1500))
    habits = sum(power * math.exp(-(((hour - at) / width) ** 2)) for at, width, power in meals)
    quarter = (days * 24 + hour) * 4
    fridge = 90.0 if noise(seed, 3, quarter / 2) > 0.45 else 0.0
    return 170 + fridge + habits * (0.35 + 0.9 * noise(seed, 4, quarter)) + 120 * noise(seed, 5, quarter * 3)

"""Where a vehicle or a boat has to be: a circle, a rectangle or a free shape (VRM manual 6.7)."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Protocol

from .episodes import Severity
from .rules import Rule

LEFT_AREA = "left_area"
POSITION_LOST = "position_lost"

EARTH_RADIUS = 6_371_008.8
"""m, the mean one."""
NOISE = 25.0
"""m outside before it counts as left: what a GPS receiver wanders at its mooring."""

type Position = tuple[float, float]
"""Latitude and longitude in degrees, north and east positive."""


class FenceMistake(StrEnum):
    """Why a geofence is not valid."""

    NO_POSITION = "no_position"
    RADIUS_NOT_POSITIVE = "radius_not_positive"
    TOO_FEW_CORNERS = "too_few_corners"
    NO_AREA = "no_area"
    TOO_LARGE = "too_large"


class Shape(Protocol):
    """An area on the earth."""

    def distance(self, position: Position) -> float:
        """How far in m a position is outside; negative inside."""

    def mistakes(self) -> Iterator[FenceMistake]:
        """What is wrong with it."""


@dataclass(frozen=True)
class Circle:
    """All positions within ``radius`` m of the centre."""

    centre: Position
    radius: float

    def distance(self, position: Position) -> float:
        """How far in m a position is outside; negative inside."""
        return _great_circle(self.centre, position) - self.radius

    def mistakes(self) -> Iterator[FenceMistake]:
        """What is wrong with it."""
        if not _is_position(self.centre):
            yield FenceMistake.NO_POSITION
        if not (math.isfinite(self.radius) and self.radius > 0):
            yield FenceMistake.RADIUS_NOT_POSITIVE


@dataclass(frozen=True)
class Polygon:
    """A free shape; the last corner is joined to the first, and its sides are straight on a map.

    From one corner to the next it goes the short way round the earth, so it may lie across the antimeridian.
    """

    corners: tuple[Position, ...]

    def distance(self, position: Position) -> float:
        """How far in m a position is outside; negative inside."""
        corners = list(_in_metres(self._unrolled(), position))
        sides = list(pairwise([*corners, corners[0]]))
        nearest = min(_to_side(one, other) for one, other in sides)
        return -nearest if _holds_origin(sides) else nearest

    def mistakes(self) -> Iterator[FenceMistake]:
        """What is wrong with it."""
        if not all(_is_position(corner) for corner in self.corners):
            yield FenceMistake.NO_POSITION
            return
        if len(set(self.corners)) < 3:
            yield FenceMistake.TOO_FEW_CORNERS
            return
        unrolled = self._unrolled()
        closed = [*unrolled, unrolled[0]]
        if not sum(one[1] * other[0] - other[1] * one[0] for one, other in pairwise(closed)):
            yield FenceMistake.NO_AREA
        longitudes = [longitude for _, longitude in unrolled]
        if max(longitudes) - min(longitudes) >= 180:
            yield FenceMistake.TOO_LARGE

    def _unrolled(self) -> list[Position]:
        """The corners with longitudes that do not jump at the antimeridian."""
        unrolled = [self.corners[0]]
        for latitude, longitude in self.corners[1:]:
            last = unrolled[-1][1]
            unrolled.append((latitude, last + _turn(longitude - last)))
        return unrolled


@dataclass(frozen=True)
class Rectangle:
    """From the south-west corner eastwards to the north-east one: over the antimeridian if west is more than east."""

    south_west: Position
    north_east: Position

    def distance(self, position: Position) -> float:
        """How far in m a position is outside; negative inside."""
        return self._outline.distance(position)

    def mistakes(self) -> Iterator[FenceMistake]:
        """What is wrong with it."""
        if not (_is_position(self.south_west) and _is_position(self.north_east)):
            yield FenceMistake.NO_POSITION
            return
        if self.south_west[0] >= self.north_east[0] or self.south_west[1] == self.north_east[1]:
            yield FenceMistake.NO_AREA
        if (self.north_east[1] - self.south_west[1]) % 360 >= 180:
            yield FenceMistake.TOO_LARGE

    @property
    def _outline(self) -> Polygon:
        (south, west), (north, east) = self.south_west, self.north_east
        return Polygon(((south, west), (south, east), (north, east), (north, west)))


@dataclass(frozen=True, kw_only=True)
class Geofence:
    """An area that a device must not leave while it is armed."""

    id: str
    shape: Shape
    name: str = ""
    device: str | None = None
    """The device that knows the position."""
    armed: bool = True
    severity: Severity = Severity.CRITICAL
    noise: float = NOISE
    """m outside before it counts as left; it has to be inside again for the alarm to be over."""
    delay: float = 0.0
    """s that it has to be outside: one reading of a GPS receiver can be far off."""
    gap: float = 300.0
    """s without a position that are tolerated."""

    @property
    def rule(self) -> Rule:
        """What the distance in m is watched by: how far it is outside, negative inside."""
        return Rule(
            id=self.id,
            name=self.name,
            device=self.device,
            severity=self.severity,
            high=self.noise,
            high_hysteresis=0.0,
            delay=self.delay,
            no_data=self.gap,
        )


def check_fence(fence: Geofence) -> tuple[FenceMistake, ...]:
    """What is wrong with a geofence; an empty answer makes it valid."""
    return tuple(fence.shape.mistakes())


def distance(fence: Geofence, latitude: float | None, longitude: float | None) -> float | None:
    """How far in m a position is outside, negative inside; None if it is none."""
    if latitude is None or longitude is None or not _is_position((latitude, longitude)):
        return None
    return fence.shape.distance((latitude, longitude))


def _is_position(position: Position) -> bool:
    latitude, longitude = position
    return -90 <= latitude <= 90 and -180 <= longitude <= 180


def _turn(degrees: float) -> float:
    """The same turn the short way round."""
    return (degrees + 180) % 360 - 180


def _great_circle(one: Position, other: Position) -> float:
    latitude, other_latitude = math.radians(one[0]), math.radians(other[0])
    half = math.sin((other_latitude - latitude) / 2) ** 2 + (
        math.cos(latitude) * math.cos(other_latitude) * math.sin(math.radians(other[1] - one[1]) / 2) ** 2
    )
    return 2 * EARTH_RADIUS * math.asin(min(1.0, math.sqrt(half)))


def _in_metres(corners: Sequence[Position], position: Position) -> Iterator[tuple[float, float]]:
    """The corners on a plane around a position: exact near it, which is where a border is decided."""
    longitudes = [longitude for _, longitude in corners]
    middle = (min(longitudes) + max(longitudes)) / 2
    # The shape stays in one piece; the position comes to it, the short way.
    here = middle + _turn(position[1] - middle)
    shrink = math.cos(math.radians(position[0]))
    for latitude, longitude in corners:
        yield (
            math.radians(longitude - here) * shrink * EARTH_RADIUS,
            math.radians(latitude - position[0]) * EARTH_RADIUS,
        )


def _to_side(one: tuple[float, float], other: tuple[float, float]) -> float:
    """The distance from the origin to a side."""
    (x, y), (dx, dy) = one, (other[0] - one[0], other[1] - one[1])
    length = dx * dx + dy * dy
    along = min(1.0, max(0.0, -(x * dx + y * dy) / length)) if length else 0.0
    return math.hypot(x + along * dx, y + along * dy)


def _holds_origin(sides: Sequence[tuple[tuple[float, float], tuple[float, float]]]) -> bool:
    """Whether a ray from the origin eastwards leaves through an odd number of sides."""
    inside = False
    for (x, y), (other_x, other_y) in sides:
        if (y > 0) != (other_y > 0) and x - y * (other_x - x) / (other_y - y) > 0:
            inside = not inside
    return inside

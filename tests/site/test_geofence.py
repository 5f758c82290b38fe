"""Inside or outside, anywhere on the earth."""

import math

import hypothesis.strategies as st
import pytest
from hypothesis import given

from custom_components.energy_suite.site.alarms.geofence import (
    EARTH_RADIUS,
    Circle,
    FenceMistake,
    Geofence,
    Polygon,
    Position,
    Rectangle,
    Shape,
    check_fence,
    distance,
)

METRE = math.degrees(1 / EARTH_RADIUS)  # of latitude


def moved(position: Position, north: float, east: float) -> Position:
    """A position some metres away, wherever the antimeridian is."""
    latitude = position[0] + north * METRE
    longitude = position[1] + east * METRE / math.cos(math.radians(latitude))
    return latitude, (longitude + 180) % 360 - 180


def square(centre: Position, half: float) -> Polygon:
    return Polygon(
        tuple(moved(centre, north * half, east * half) for north, east in ((-1, -1), (-1, 1), (1, 1), (1, -1)))
    )


places = st.tuples(st.floats(-75, 75), st.floats(-180, 180))
steps = st.floats(-3000, 3000)


@given(place=places, north=steps, east=steps)
def test_a_circle_is_as_round_as_the_earth_lets_it_be(place, north, east):
    expected = math.hypot(north, east) - 1000
    assert Circle(place, 1000).distance(moved(place, north, east)) == pytest.approx(expected, abs=15)


@given(place=places, north=steps, east=steps)
def test_a_square_is_the_same_everywhere_on_the_earth(place, north, east):
    outside = math.hypot(max(abs(north) - 1000, 0), max(abs(east) - 1000, 0))
    expected = outside or max(abs(north), abs(east)) - 1000
    assert square(place, 1000).distance(moved(place, north, east)) == pytest.approx(expected, abs=15)


@given(place=places, north=steps, east=steps)
def test_a_rectangle_is_a_shape_of_four_corners(place, north, east):
    shape = square(place, 1000)
    rectangle = Rectangle(shape.corners[0], shape.corners[2])
    position = moved(place, north, east)
    assert rectangle.distance(position) == pytest.approx(shape.distance(position), abs=15)


def test_a_bay_of_a_free_shape_is_outside():
    centre = (47.0, -2.0)
    corners = ((0, 0), (0, 300), (300, 300), (300, 200), (100, 200), (100, 100), (300, 100), (300, 0))
    harbour = Polygon(tuple(moved(centre, north, east) for north, east in corners))
    assert harbour.distance(moved(centre, 50, 150)) == pytest.approx(-50, abs=1)
    assert harbour.distance(moved(centre, 250, 150)) == pytest.approx(50, abs=1)
    assert harbour.distance(moved(centre, 250, 50)) == pytest.approx(-50, abs=1)


@pytest.mark.parametrize("shape", [Rectangle((-18, 179), (-16, -179)), Polygon(((-18, 179), (-18, -179), (-16, 180)))])
def test_a_shape_may_lie_across_the_antimeridian(shape: Shape):
    assert not list(shape.mistakes())
    for longitude in (179.5, 180, -180, -179.5):
        assert shape.distance((-17.8, longitude)) < 0
    for longitude in (178.5, -178.5, 0, 90):
        assert shape.distance((-17.8, longitude)) > 10_000


@given(latitude=st.floats(-90, 90), longitude=st.floats(-180, 180))
def test_no_place_on_the_earth_is_too_far(latitude, longitude):
    for shape in (Circle((50, 3), 100), square((50, 3), 100), Rectangle((49, 2), (51, 4))):
        assert math.isfinite(shape.distance((latitude, longitude)))


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [(None, 3.0), (50.0, None), (91.0, 3.0), (50.0, 181.0), (math.nan, 3.0), (50.0, math.inf)],
)
def test_what_is_no_position_has_no_distance(latitude, longitude):
    assert distance(Geofence(id="f", shape=Circle((50, 3), 100)), latitude, longitude) is None


@pytest.mark.parametrize(
    ("shape", "mistakes"),
    [
        (Circle((50, 3), 100), ()),
        (Circle((50, 3), 0), (FenceMistake.RADIUS_NOT_POSITIVE,)),
        (Circle((50, 3), math.nan), (FenceMistake.RADIUS_NOT_POSITIVE,)),
        (Circle((95, 3), 100), (FenceMistake.NO_POSITION,)),
        (Rectangle((49, 2), (51, 4)), ()),
        (Rectangle((51, 2), (49, 4)), (FenceMistake.NO_AREA,)),
        (Rectangle((49, 2), (51, 2)), (FenceMistake.NO_AREA,)),
        (Rectangle((49, 4), (51, 2)), (FenceMistake.TOO_LARGE,)),
        (Rectangle((49, 2), (51, 400)), (FenceMistake.NO_POSITION,)),
        (square((50, 3), 100), ()),
        (Polygon(()), (FenceMistake.TOO_FEW_CORNERS,)),
        (Polygon(((50, 3), (51, 3), (50, 3))), (FenceMistake.TOO_FEW_CORNERS,)),
        (Polygon(((50, 3), (51, 3), (52, 3))), (FenceMistake.NO_AREA,)),
        (Polygon(((50, 3), (51, 3), (math.nan, 4))), (FenceMistake.NO_POSITION,)),
        (Polygon(((0, 0), (0, 100), (1, -160))), (FenceMistake.TOO_LARGE,)),
    ],
)
def test_a_fence_is_checked_before_it_is_armed(shape, mistakes):
    assert check_fence(Geofence(id="f", shape=shape)) == mistakes

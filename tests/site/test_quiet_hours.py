"""Quiet hours by the clock on the wall."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import hypothesis.strategies as st
import pytest
from hypothesis import given

from custom_components.energy_suite.site.alarms.quiet_hours import QuietHours, quiet_until

PARIS = ZoneInfo("Europe/Paris")
NIGHT = QuietHours(time(22), time(7))
NAP = QuietHours(time(13), time(14, 30))


def until(hours: tuple[QuietHours, ...], local: str, zone: ZoneInfo = PARIS, fold: int = 0) -> str | None:
    now = datetime.fromisoformat(local).replace(tzinfo=zone, fold=fold).timestamp()
    end = quiet_until(hours, now, zone)
    return None if end is None else datetime.fromtimestamp(end, zone).isoformat(" ", "minutes")


@pytest.mark.parametrize(
    ("hours", "now", "end"),
    [
        ((NIGHT,), "2026-11-26 21:59", None),
        ((NIGHT,), "2026-11-26 22:00", "2026-11-27 07:00+01:00"),
        ((NIGHT,), "2026-11-26 06:59", "2026-11-26 07:00+01:00"),
        ((NIGHT,), "2026-11-26 07:00", None),
        ((NIGHT, NAP), "2026-11-26 13:10", "2026-11-26 14:30+01:00"),
        ((NAP, QuietHours(time(14), time(16))), "2026-11-26 13:10", "2026-11-26 16:00+01:00"),
        ((NAP, QuietHours(time(14, 30), time(22)), NIGHT), "2026-11-26 13:10", "2026-11-27 07:00+01:00"),
        ((), "2026-11-26 03:00", None),
        ((QuietHours(time(8), time(8)),), "2026-11-26 08:00", None),
        # The clocks go forward at 2:00 and back at 3:00.
        ((NIGHT,), "2026-03-29 01:30", "2026-03-29 07:00+02:00"),
        ((NIGHT,), "2026-10-25 01:30", "2026-10-25 07:00+01:00"),
    ],
)
def test_quiet_hours_end_on_the_clock_on_the_wall(hours, now, end):
    assert until(hours, now) == end


def test_an_hour_that_comes_twice_ends_the_second_time_if_it_is_the_second():
    hours = (QuietHours(time(22), time(2, 30)),)
    assert until(hours, "2026-10-25 02:15", fold=0) == "2026-10-25 02:30+02:00"
    assert until(hours, "2026-10-25 02:15", fold=1) == "2026-10-25 02:30+01:00"


times = st.times(timezones=st.none())


@given(
    hours=st.lists(st.builds(QuietHours, times, times), max_size=4).map(tuple),
    now=st.floats(1.7e9, 1.9e9),
    zone=st.sampled_from([UTC, PARIS, ZoneInfo("Pacific/Chatham"), ZoneInfo("America/St_Johns")]),
)
def test_it_is_quiet_exactly_within_one_of_the_hours_and_ends_ahead(hours, now, zone):
    end = quiet_until(hours, now, zone)
    moment = datetime.fromtimestamp(now, zone).time()
    assert (end is not None) == any(each.hold(moment) for each in hours)
    assert end is None or end > now

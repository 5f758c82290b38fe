"""An alarm that comes and goes all the time stops telling, and says so."""

import random
from dataclasses import replace

import pytest

from benchmarks.alarms import a_night
from custom_components.energy_suite.gateways.base import Alarm, Severity
from custom_components.energy_suite.site.alarms import episodes
from custom_components.energy_suite.site.alarms.engine import Settings
from custom_components.energy_suite.site.alarms.limits import Limits
from custom_components.energy_suite.site.alarms.notifications import Kind
from custom_components.energy_suite.site.alarms.recipients import Level, Recipient
from custom_components.energy_suite.site.alarms.telling import Telling
from tests.site.alarm_site import DAY, HOUR, MINUTE, Site

HOT = "automatic/battery/hot"
LIMITS = Limits(messages=6, period=HOUR, quiet=DAY)


def a_site(*recipients: Recipient) -> Site:
    telling = Telling(recipients=recipients or (Recipient(id="me"),), level=Level.WARNINGS_AND_ALARMS, limits=LIMITS)
    return Site(Settings(telling=telling))


def flap(site: Site, times: int, every: float = 1.0, severity: Severity = Severity.WARNING) -> None:
    for _ in range(times):
        site.device("battery", Alarm("hot", severity))
        site.wait(every)
        site.device("battery")
        site.wait(every)


def test_the_last_message_before_the_silence_says_so_and_every_edge_is_seen():
    site = a_site()
    flap(site, 50)
    assert [kind for kind, _ in site.told] == [Kind.RAISED, Kind.CLEARED] * 3 + [Kind.LAST_BEFORE_SILENCE]
    assert len(site.seen) == 100
    assert site.engine.silenced == (HOT,)


def test_an_alarm_that_comes_slowly_is_never_silenced():
    site = a_site()
    flap(site, 50, every=21 * MINUTE)
    assert len(site.told) == 100


def test_another_alarm_and_another_person_are_not_silenced_with_it():
    site = a_site(Recipient(id="me"), Recipient(id="boss", severities=frozenset({episodes.Severity.CRITICAL})))
    flap(site, 50)
    flap(site, 1, severity=Severity.CRITICAL)
    site.device("charger", Alarm("hot", Severity.WARNING))
    assert [kind for kind, _ in site.told_to("boss")] == [Kind.RAISED, Kind.CLEARED]
    assert site.told_to("me")[-1] == (Kind.RAISED, "automatic/charger/hot")


@pytest.mark.parametrize("still_there", [True, False])
def test_after_a_day_of_quiet_it_is_said_once_how_it_is_and_then_told_as_before(still_there):
    site = a_site()
    flap(site, 50)
    if still_there:
        site.device("battery", Alarm("hot", Severity.WARNING))
    site.wait(DAY - 2)
    assert len(site.told) == 7
    site.restart()
    site.wait(10)
    assert site.told[7:] == [(Kind.RESUMED, HOT)]
    assert site.messages[-1].episode is not None
    assert site.messages[-1].episode.active is still_there
    site.device("battery", *([] if still_there else [Alarm("hot", Severity.WARNING)]))
    assert site.told[8:] == [(Kind.CLEARED if still_there else Kind.RAISED, HOT)]
    assert site.engine.silenced == ()


def test_the_day_of_quiet_counts_from_the_last_message_if_nothing_follows_it():
    site = a_site()
    flap(site, 3)
    site.device("battery", Alarm("hot", Severity.WARNING))
    assert site.told[6:] == [(Kind.LAST_BEFORE_SILENCE, HOT)]
    site.wait(DAY)
    assert site.told[7:] == [(Kind.RESUMED, HOT)]


def test_it_stays_silent_as_long_as_it_comes_and_goes_once_a_day():
    site = a_site()
    flap(site, 50)
    flap(site, 10, every=DAY / 2)
    assert len(site.told) == 7


def test_the_button_ends_the_silence_and_a_flood_brings_it_back():
    site = a_site()
    flap(site, 50)
    site.reset_limits()
    assert site.told[7:] == [(Kind.RESUMED, HOT)]
    flap(site, 50)
    assert len(site.told) == 7 + 1 + 6
    assert site.told[-1] == (Kind.LAST_BEFORE_SILENCE, HOT)


def test_what_is_worse_than_all_that_was_told_breaks_the_silence_once():
    site = a_site()
    flap(site, 50)
    flap(site, 50, severity=Severity.CRITICAL)
    # As far as they know, it was there all the time.
    assert site.told[7:] == [(Kind.WORSENED, HOT)]
    assert site.messages[-1].episode is not None
    assert site.messages[-1].episode.severity is episodes.Severity.CRITICAL


def test_a_severity_that_goes_up_and_down_is_silenced_as_well():
    site = a_site()
    for _ in range(50):
        for severity in (Severity.WARNING, Severity.CRITICAL):
            site.device("battery", Alarm("hot", severity))
            site.wait(1)
    assert [kind for kind, _ in site.told] == [Kind.RAISED] + [Kind.WORSENED] * 5 + [Kind.LAST_BEFORE_SILENCE]


def test_a_clock_that_is_put_back_does_not_prolong_the_silence():
    site = a_site()
    flap(site, 50)
    site.now -= 10 * DAY
    site.wait(0)
    site.wait(DAY)
    assert site.told[7:] == [(Kind.RESUMED, HOT)]


def test_restarts_do_not_forget_what_was_sent():
    chance = random.Random(3)
    site = a_site()
    for _ in range(100):
        flap(site, 1)
        if chance.random() < 0.3:
            site.restart()
    assert len(site.told) == 7


def test_a_night_of_flapping_gives_one_message_more_than_the_limit():
    limits = Limits(messages=4)
    edges, messages = a_night(limits, seconds=2000)
    assert (edges, messages) == (1999, 5)


@pytest.mark.parametrize("wrong", [{"messages": 0}, {"period": 0}, {"quiet": 0}])
def test_limits_that_would_tell_nothing_or_everything_are_refused(wrong):
    with pytest.raises(ValueError, match="at least"):
        replace(LIMITS, **wrong)

"""What devices, connections and positions raise, who is told, and what the user can do about it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import time

import pytest

from custom_components.energy_suite.gateways import base
from custom_components.energy_suite.gateways.base import Alarm
from custom_components.energy_suite.site.alarms.communication import Communication
from custom_components.energy_suite.site.alarms.engine import AlarmEngine, Settings
from custom_components.energy_suite.site.alarms.episodes import Change, Severity, Source
from custom_components.energy_suite.site.alarms.geofence import Circle, Geofence
from custom_components.energy_suite.site.alarms.grid import Grid
from custom_components.energy_suite.site.alarms.limits import Limits
from custom_components.energy_suite.site.alarms.log import AlarmLog
from custom_components.energy_suite.site.alarms.notifications import MOST_WAITING, Kind
from custom_components.energy_suite.site.alarms.quiet_hours import QuietHours
from custom_components.energy_suite.site.alarms.recipients import Level, Recipient
from custom_components.energy_suite.site.alarms.rules import Rule
from custom_components.energy_suite.site.alarms.telling import LONGEST_SNOOZE, Telling
from tests.site.alarm_site import DAY, HOUR, START, Site

INFORMATION, WARNING, CRITICAL = base.Severity
RAISED, WORSENED, EASED, CLEARED = Change
HOT, FULL = "automatic/battery/hot", "automatic/battery/full"
GRID = "grid/site/grid_failure"

ME = Recipient(id="me")


def a_site(*recipients: Recipient, level: Level = Level.WARNINGS_AND_ALARMS, **chosen) -> Site:
    return Site(Settings(telling=Telling(recipients=recipients or (ME,), level=level), **chosen))


def hot(severity: base.Severity = WARNING, *, notify: bool = False) -> Alarm:
    return Alarm("hot", severity, notify)


def test_the_severities_are_those_of_the_gateways():
    assert [(each.name, each.value, each.word) for each in Severity] == [
        (each.name, each.value, each.word) for each in base.Severity
    ]


# --- devices ---------------------------------------------------------------------------------------------------------


def test_an_alarm_is_seen_and_told_once_as_it_comes_and_once_as_it_goes():
    site = a_site()
    site.device("battery")
    for _ in range(3):
        site.wait(10)
        site.device("battery", hot())
    for _ in range(3):
        site.wait(10)
        site.device("battery")
    assert site.seen == [(RAISED, HOT), (CLEARED, HOT)]
    assert site.told == [(Kind.RAISED, HOT), (Kind.CLEARED, HOT)]
    episode = site.messages[-1].episode
    assert episode is not None
    assert (episode.started, episode.cleared) == (START + 10, START + 40)
    assert (episode.device, episode.name, episode.source) == ("battery", "Battery", Source.AUTOMATIC)


def test_what_is_due_is_done_before_what_comes_next():
    site = a_site(rules=(Rule(id="r", high=5, delay=60),))
    site.state("r", 6)
    site.now += 60
    site.device("battery", hot())
    assert site.seen == [(RAISED, "rule/r/above_high_threshold"), (RAISED, HOT)]


def test_what_a_device_says_of_its_alarm_is_kept():
    site = a_site()
    texts = {"en": {"text": "Hot"}, "fr": {"text": "Chaud"}}
    site.device("battery", Alarm("hot", WARNING, code=17, details={"temperature": 50}, texts=texts))
    site.device("battery", Alarm("hot", WARNING, code=17, details={"temperature": 55}, texts=texts))
    (active,) = site.engine.active
    assert (active.episode.code, active.episode.texts) == (17, texts)
    assert active.episode.details == {"temperature": 55}
    assert site.seen == [(RAISED, HOT)]
    site.restart()
    assert [each.episode for each in site.engine.active] == [active.episode]


def test_of_an_alarm_that_a_device_tells_twice_the_worse_counts():
    site = a_site()
    site.device("battery", hot(CRITICAL), hot(WARNING))
    assert [edge.episode.severity for edge in site.edges] == [Severity.CRITICAL]


def test_a_worsening_is_told_and_an_easing_is_not():
    site = a_site()
    for severity in (WARNING, CRITICAL, WARNING, CRITICAL):
        site.device("battery", hot(severity))
    site.device("battery")
    assert [change for change, _ in site.seen] == [RAISED, WORSENED, EASED, WORSENED, CLEARED]
    assert [kind for kind, _ in site.told] == [Kind.RAISED, Kind.WORSENED, Kind.WORSENED, Kind.CLEARED]
    assert site.edges[-1].episode.worst is Severity.CRITICAL


def test_an_alarm_that_is_there_at_the_first_look_is_told():
    site = a_site()
    site.device("battery", hot())
    assert site.told == [(Kind.RAISED, HOT)]


def test_an_alarm_that_came_while_nothing_ran_is_told_and_one_that_was_known_is_not():
    site = a_site()
    site.device("battery", hot())
    site.alarms["battery"] = (hot(), Alarm("fuse", CRITICAL))
    site.restart()
    assert site.told == [(Kind.RAISED, HOT), (Kind.RAISED, "automatic/battery/fuse")]


def test_an_alarm_that_went_while_nothing_ran_is_cleared():
    site = a_site()
    site.device("battery", hot())
    site.alarms["battery"] = ()
    site.restart()
    assert site.told == [(Kind.RAISED, HOT), (Kind.CLEARED, HOT)]


def test_the_alarms_of_a_device_that_is_not_available_stay_as_they_were():
    site = a_site()
    site.device("battery", hot())
    site.device("battery", available=False)
    site.restart()
    site.wait(HOUR)
    assert site.seen == [(RAISED, HOT)]
    assert [each.episode.tag for each in site.engine.active] == [HOT]
    site.device("battery", hot())
    assert site.told == [(Kind.RAISED, HOT)]


def test_the_alarms_of_a_device_that_is_removed_are_over():
    site = a_site()
    site.device("battery", hot())
    site.device("charger", hot())
    site.keep(site.engine.forget_device("battery", site.now))
    assert site.seen[2:] == [(CLEARED, HOT)]


# --- what is told ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "told"),
    [
        (Level.OFF, set()),
        (Level.ALARMS_ONLY, {"critical", "notified"}),
        (Level.WARNINGS_AND_ALARMS, {"critical", "notified", "warning"}),
    ],
)
@pytest.mark.parametrize("of", ["all", "device", "recipient"])
def test_the_level_decides_what_is_told_and_everything_is_seen(of, level, told):
    everything = Level.WARNINGS_AND_ALARMS
    site = a_site(replace(ME, level=level if of == "recipient" else everything))
    telling = replace(
        site.settings.telling,
        level=level if of == "all" else everything,
        levels={"gx": level} if of == "device" else {"battery": Level.OFF},
    )
    site.configure(replace(site.settings, telling=telling))
    site.device(
        "gx",
        Alarm("critical", CRITICAL),
        Alarm("warning", WARNING),
        Alarm("notified", WARNING, notify_by_default=True),
        Alarm("information", INFORMATION, notify_by_default=True),
    )
    assert len(site.seen) == 4
    assert {tag.removeprefix("automatic/gx/") for _, tag in site.told} == told


def test_the_default_level_is_alarms_only():
    assert Telling().level is Level.ALARMS_ONLY


def test_an_alarm_that_becomes_worth_telling_is_told_as_raised_and_then_also_its_end():
    site = a_site(level=Level.ALARMS_ONLY)
    for severity in (WARNING, CRITICAL, WARNING):
        site.device("battery", hot(severity))
    site.device("battery")
    assert site.told == [(Kind.RAISED, HOT), (Kind.CLEARED, HOT)]


def test_what_is_active_is_told_when_the_level_lets_it_through():
    site = a_site(level=Level.OFF)
    site.device("battery", hot())
    assert site.told == []
    site.configure(replace(site.settings, telling=replace(site.settings.telling, level=Level.WARNINGS_AND_ALARMS)))
    assert site.told == [(Kind.RAISED, HOT)]


def test_the_end_is_told_to_whoever_was_told_the_beginning():
    site = a_site()
    site.device("battery", hot())
    site.configure(replace(site.settings, telling=replace(site.settings.telling, level=Level.OFF)))
    site.device("battery")
    assert site.told == [(Kind.RAISED, HOT), (Kind.CLEARED, HOT)]


def test_each_recipient_gets_the_severities_that_they_asked_for():
    site = a_site(ME, Recipient(id="boss", severities=frozenset({Severity.CRITICAL})))
    site.device("battery", hot(WARNING))
    assert site.told_to("boss") == []
    site.device("battery", hot(CRITICAL))
    site.device("battery", hot(WARNING))
    site.device("battery")
    assert site.told_to("me") == [(Kind.RAISED, HOT), (Kind.WORSENED, HOT), (Kind.CLEARED, HOT)]
    assert site.told_to("boss") == [(Kind.RAISED, HOT), (Kind.CLEARED, HOT)]


def test_a_new_recipient_is_told_what_is_active_and_one_who_left_gets_nothing_more():
    site = a_site()
    site.device("battery", hot())
    site.delivers = False
    site.device("charger", hot())
    site.configure(replace(site.settings, telling=replace(site.settings.telling, recipients=(Recipient(id="new"),))))
    site.delivers = True
    site.device("battery")
    assert site.told_to("me") == [(Kind.RAISED, HOT)]
    assert site.told_to("new") == [
        (Kind.RAISED, HOT),
        (Kind.RAISED, "automatic/charger/hot"),
        (Kind.CLEARED, HOT),
    ]


def test_messages_about_one_alarm_have_one_tag():
    site = a_site()
    for alarms in ((hot(),), (), (hot(CRITICAL),), ()):
        site.device("battery", *alarms)
    assert {message.tag for message in site.messages} == {HOT}
    assert len({message.number for message in site.messages}) == 4


def test_a_test_message_goes_to_all_or_to_some_at_any_hour():
    whole_day = (QuietHours(time(0), time(12)), QuietHours(time(12), time(0)))
    site = a_site(ME, Recipient(id="asleep", quiet_hours=whole_day))
    site.engine.test(site.now)
    site.engine.test(site.now, ["asleep"])
    site.deliver()
    assert [(each.recipient, each.kind, each.tag) for each in site.messages] == [
        ("me", Kind.TEST, "test"),
        ("asleep", Kind.TEST, "test"),
        ("asleep", Kind.TEST, "test"),
    ]


# --- quiet hours: the site begins at 08:00 ---------------------------------------------------------------------------

SLEEPER = Recipient(id="me", quiet_hours=(QuietHours(time(7), time(9)),))


def test_what_is_held_back_in_quiet_hours_is_told_once_afterwards_if_it_is_still_so():
    site = a_site(SLEEPER)
    site.device("battery", hot())
    site.device("charger", hot())
    site.device("charger")
    site.device("battery")
    site.device("battery", hot())
    site.restart()
    site.wait(HOUR - 1)
    assert site.told == []
    site.wait(HOUR)
    assert [(each.kind, each.tag, each.at) for each in site.messages] == [(Kind.RAISED, HOT, START + HOUR)]


def test_critical_alarms_and_their_ends_ignore_quiet_hours():
    site = a_site(SLEEPER)
    site.device("battery", hot(CRITICAL))
    site.device("battery")
    assert site.told == [(Kind.RAISED, HOT), (Kind.CLEARED, HOT)]


def test_the_end_of_what_was_told_before_the_quiet_hours_is_told_after_them():
    site = a_site(replace(SLEEPER, quiet_hours=(QuietHours(time(9), time(10)),)))
    site.device("battery", hot())
    site.wait(1.5 * HOUR)
    site.device("battery")
    assert site.told == [(Kind.RAISED, HOT)]
    site.wait(HOUR)
    assert site.told == [(Kind.RAISED, HOT), (Kind.CLEARED, HOT)]


# --- acknowledging and snoozing --------------------------------------------------------------------------------------


def test_of_an_acknowledged_alarm_the_end_is_told():
    site = a_site()
    site.device("battery", hot())
    assert site.acknowledge(HOT)
    assert site.engine.active[0].acknowledged
    site.wait(HOUR)
    site.device("battery")
    assert site.told == [(Kind.RAISED, HOT), (Kind.CLEARED, HOT)]


def test_nobody_is_told_after_the_night_of_what_somebody_acknowledged():
    site = a_site(SLEEPER)
    site.device("battery", hot())
    site.acknowledge(HOT)
    site.restart()
    site.wait(2 * HOUR)
    site.device("battery")
    assert site.told == []


def test_an_acknowledged_alarm_that_worsens_is_told_and_is_no_longer_acknowledged():
    site = a_site()
    site.device("battery", hot(WARNING))
    site.acknowledge(HOT)
    site.device("battery", hot(CRITICAL))
    assert site.told == [(Kind.RAISED, HOT), (Kind.WORSENED, HOT)]
    assert not site.engine.active[0].acknowledged


def test_the_next_episode_of_an_acknowledged_alarm_is_told():
    site = a_site()
    site.device("battery", hot())
    site.acknowledge(HOT)
    site.device("battery")
    site.device("battery", hot())
    assert site.told == [(Kind.RAISED, HOT), (Kind.CLEARED, HOT), (Kind.RAISED, HOT)]


def test_what_is_over_or_was_never_there_cannot_be_acknowledged_or_snoozed():
    site = a_site()
    assert not site.acknowledge(HOT)
    assert not site.snooze(HOT, 60)
    site.device("battery", hot())
    site.device("battery")
    assert not site.acknowledge(HOT)


def test_a_snoozed_alarm_rings_again_if_it_is_still_there():
    site = a_site()
    site.device("battery", hot())
    assert site.snooze(HOT, 600)
    assert site.engine.active[0].snoozed_until == START + 600
    site.restart()
    site.wait(599)
    assert site.told == [(Kind.RAISED, HOT)]
    site.wait(1)
    assert site.told == [(Kind.RAISED, HOT)] * 2
    assert site.engine.active[0].snoozed_until is None
    site.wait(HOUR)
    assert len(site.told) == 2


def test_a_snoozed_alarm_that_comes_and_goes_is_told_at_the_end_of_the_snooze_only():
    site = a_site()
    site.device("battery", hot())
    site.snooze(HOT, 600)
    for _ in range(5):
        site.device("battery")
        site.device("battery", hot())
    site.device("battery")
    assert site.told == [(Kind.RAISED, HOT)]
    site.wait(600)
    assert site.told == [(Kind.RAISED, HOT), (Kind.CLEARED, HOT)]


def test_a_snoozed_alarm_that_worsens_is_told_at_once_and_is_no_longer_snoozed():
    site = a_site()
    site.device("battery", hot(WARNING))
    site.snooze(HOT, 600)
    site.device("battery", hot(CRITICAL))
    assert site.told == [(Kind.RAISED, HOT), (Kind.WORSENED, HOT)]
    site.wait(HOUR)
    assert len(site.told) == 2


def test_a_snoozed_alarm_that_was_acknowledged_does_not_ring_again():
    site = a_site()
    site.device("battery", hot())
    site.snooze(HOT, 600)
    site.acknowledge(HOT)
    site.wait(HOUR)
    assert site.told == [(Kind.RAISED, HOT)]


# --- delivery --------------------------------------------------------------------------------------------------------


def test_a_recipient_gets_one_message_at_a_time_and_in_order():
    site = a_site(ME, Recipient(id="other"))
    site.delivers = False
    site.device("battery", hot())
    site.device("battery")
    engine = site.engine
    first = engine.hand_out(site.now)
    assert [(each.recipient, each.kind) for each in first] == [("me", Kind.RAISED), ("other", Kind.RAISED)]
    assert engine.hand_out(site.now) == []
    engine.delivered(first[0].number)
    assert [(each.recipient, each.kind) for each in engine.hand_out(site.now)] == [("me", Kind.CLEARED)]


def test_a_message_that_fails_is_tried_again_after_longer_and_longer_pauses():
    site = a_site()
    site.delivers = False
    site.device("battery", hot())
    engine = site.engine
    tried: list[float] = []
    while len(tried) < 8:
        for message in engine.hand_out(site.now):
            assert message.kind is Kind.RAISED
            tried.append(site.now - START)
            engine.failed(message.number, site.now)
        site.wait(engine.next_due - site.now)
    assert tried == [0, 30, 90, 210, 450, 930, 1830, 2730]
    (message,) = engine.hand_out(site.now)
    engine.delivered(message.number)
    engine.failed(message.number, site.now)
    assert engine.hand_out(site.now) == []


def handed_out(site: Site) -> list[tuple[Kind, str, Severity | None]]:
    """What is to be sent to somebody, one message after the other, and as how bad."""
    messages = []
    while due := site.engine.hand_out(site.now):
        for message in due:
            site.engine.delivered(message.number)
            severity = None if message.episode is None else message.episode.severity
            messages.append((message.kind, message.tag, severity))
    return messages


def out_of_reach(site: Site) -> None:
    """Let the next message fail."""
    site.delivers = False
    for message in site.engine.hand_out(site.now):
        site.engine.failed(message.number, site.now)


def test_somebody_who_cannot_be_reached_is_told_once_of_each_alarm_how_it_is_by_then():
    site, full = a_site(), Alarm("full", WARNING)
    site.delivers = False
    site.device("battery", hot(), full)
    out_of_reach(site)
    site.device("battery", full)
    site.device("battery", hot(CRITICAL), full)
    site.device("battery", full)
    site.wait(30)
    assert handed_out(site) == [
        (Kind.CLEARED, HOT, Severity.CRITICAL),
        (Kind.RAISED, FULL, Severity.WARNING),
    ]


def test_an_alarm_that_grows_worse_before_anybody_knew_of_it_is_raised_to_them():
    site = a_site()
    site.delivers = False
    site.device("battery", hot())
    out_of_reach(site)
    site.device("battery", hot(CRITICAL))
    site.wait(30)
    assert handed_out(site) == [(Kind.RAISED, HOT, Severity.CRITICAL)]


def test_what_is_on_its_way_is_not_replaced_and_what_fails_gives_way_to_what_came_after_it():
    site = a_site()
    site.delivers = False
    site.device("battery", hot())
    (message,) = site.engine.hand_out(site.now)
    site.device("battery")
    assert [each["kind"] for each in site.stored()["outbox"]["waiting"]] == [Kind.RAISED, Kind.CLEARED]
    site.engine.failed(message.number, site.now)
    assert site.engine.hand_out(site.now) == []
    site.wait(30)
    assert handed_out(site) == [(Kind.CLEARED, HOT, Severity.WARNING)]


def test_that_there_will_be_silence_is_told_whatever_comes_before_it_can_be():
    telling = Telling(recipients=(ME,), level=Level.WARNINGS_AND_ALARMS, limits=Limits(messages=1))
    site = Site(Settings(telling=telling))
    site.device("battery", hot())
    site.delivers = False
    site.device("battery")
    out_of_reach(site)
    site.device("battery", hot(CRITICAL))
    site.wait(30)
    assert handed_out(site) == [(Kind.LAST_BEFORE_SILENCE, HOT, Severity.CRITICAL)]


def test_while_a_target_is_gone_for_months_no_more_waits_for_it_than_there_are_alarms():
    site = a_site()
    site.delivers = False
    for hour in range(24 * 90):
        site.now = START + hour * HOUR
        for device in ("battery", "solar", "ups"):
            site.device(device, *([hot()] if hour % 2 == 0 else []))
        for message in site.engine.hand_out(site.now):
            site.engine.failed(message.number, site.now)
    assert len(site.stored()["outbox"]["waiting"]) == 3


def test_the_oldest_messages_give_way_where_too_many_wait_behind_one_that_is_being_sent():
    site = a_site()
    site.delivers = False
    site.device("battery", hot())
    first = site.engine.hand_out(site.now)
    for number in range(MOST_WAITING + 10):
        site.device(f"battery_{number}", hot())
    waiting = site.stored()["outbox"]["waiting"]
    assert len(waiting) == MOST_WAITING
    assert waiting[0]["number"] == first[0].number
    assert waiting[-1]["number"] == MOST_WAITING + 11


# --- what was stored may be damaged ----------------------------------------------------------------------------------


@pytest.mark.parametrize("until", [None, "soon", True, -1, 1e300, float("nan"), float("inf")])
def test_a_snooze_that_would_never_end_is_dropped(until):
    site = a_site()
    site.device("battery", hot())
    site.snooze(HOT, 600)
    stored = site.stored()
    stored["tracks"][0]["snooze"]["until"] = until
    site.restart(stored=stored)
    (active,) = site.engine.active
    assert active.snoozed_until is None


def test_a_snooze_of_years_ends_within_a_month():
    site = a_site()
    site.device("battery", hot())
    site.snooze(HOT, 10 * 365 * DAY)
    site.restart()
    assert site.engine.active[0].snoozed_until == site.now + LONGEST_SNOOZE


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("episode", "started", None),
        ("episode", "started", 1e18),
        ("episode", "cleared", "yesterday"),
        ("episode", "number", "one"),
        ("episode", "subject", None),
        ("episode", "details", "none"),
        (None, "changed", None),
    ],
)
def test_a_damaged_alarm_is_refused_when_it_is_taken_up_and_not_later(part, name, value):
    site = a_site()
    site.device("battery", hot())
    stored = site.stored()
    track = stored["tracks"][0]
    (track[part] if part else track)[name] = value
    with pytest.raises((TypeError, ValueError)):
        AlarmEngine(site.settings, site.now, stored)


def test_where_the_state_is_lost_what_is_over_in_the_log_is_history(tmp_path):
    site = a_site()
    log = AlarmLog(tmp_path / "log.jsonl")
    log.open()
    for _ in range(5):
        site.device("battery", hot())
        site.device("battery")
    site.device("ups", hot())
    site.device("battery", hot())
    site.device("battery")
    log.write(site.engine.unlogged, site.now)
    log.close()

    engine = AlarmEngine(site.settings, site.now, None, log.open())
    log.close()
    assert [active.episode.subject for active in engine.active] == ["ups"]
    assert [message.tag for message in engine.hand_out(site.now)] == ["automatic/ups/hot"]
    (edge,) = engine.device_alarms("battery", [hot()], site.now)
    assert edge.episode.number == 8


def test_a_clock_that_is_put_back_does_not_hold_up_what_could_not_be_delivered():
    site = a_site()
    site.delivers = False
    site.device("battery", hot())
    (message,) = site.engine.hand_out(site.now)
    site.engine.failed(message.number, site.now)
    site.now -= 2 * HOUR
    assert site.engine.hand_out(site.now) == []
    site.wait(0)
    assert site.engine.hand_out(site.now) == [message]


def test_messages_that_were_handed_out_and_not_delivered_are_handed_out_after_a_restart():
    site = a_site()
    site.delivers = False
    site.device("battery", hot())
    before = site.engine.hand_out(site.now)
    site.restart()
    assert site.engine.hand_out(site.now) == before
    site.engine.delivered(before[0].number)
    site.restart()
    assert site.engine.hand_out(site.now) == []


def test_edges_stay_until_they_are_logged():
    site = a_site()
    site.device("battery", hot())
    site.device("battery")
    site.engine.logged(site.edges[0].number)
    site.restart()
    assert site.engine.unlogged == (site.edges[1],)


def test_an_entry_that_the_log_holds_open_by_mistake_is_closed():
    site = a_site()
    site.device("battery", hot())
    site.device("battery")
    opened, closed = (edge.episode for edge in site.edges)
    stored = site.stored()
    site.restart(stored=stored, logged=[opened])  # what closes it is not logged yet
    assert len(site.edges) == 2
    site.engine.logged(site.edges[-1].number)
    site.wait(10)
    site.restart(logged=[closed])
    assert len(site.edges) == 2
    site.restart(logged=[opened])
    assert site.edges[2].episode == replace(opened, cleared=site.now)
    assert site.told == [(Kind.RAISED, HOT), (Kind.CLEARED, HOT)]


# --- connections -----------------------------------------------------------------------------------------------------

GX = Communication(gateway="gx", name="GX", gap=300)
LOST = "communication/gx/gateway_lost"


def test_a_lost_connection_is_told_after_the_tolerated_gap_and_so_is_its_return():
    site = a_site(communication=(GX,))
    site.connection("gx", True)
    site.connection("gx", False)
    lost = site.now
    site.wait(299)
    assert site.seen == []
    site.wait(1)
    site.wait(HOUR)
    site.connection("gx", True)
    assert site.seen == [(RAISED, LOST), (CLEARED, LOST)]
    assert site.told == [(Kind.RAISED, LOST), (Kind.CLEARED, LOST)]
    assert site.edges[0].episode.started == lost


def test_a_short_gap_is_tolerated():
    site = a_site(communication=(GX,))
    for _ in range(10):
        site.connection("gx", False)
        site.wait(200)
        site.connection("gx", True)
        site.wait(200)
    assert site.seen == []


def test_a_gateway_that_is_not_found_after_a_start_is_lost():
    site = a_site(communication=(GX,))
    site.connection("gx", True)
    site.restart(look=False)
    site.wait(300)
    assert site.seen == [(RAISED, LOST)]


def test_the_connection_of_a_gateway_that_is_not_watched_says_nothing():
    site = a_site(communication=(replace(GX, on=False),))
    site.connection("gx", False)
    site.connection("other", False)
    site.wait(HOUR)
    assert site.seen == []


def test_other_settings_do_not_forget_a_connection_that_is_there():
    site = a_site(communication=(GX,))
    site.connection("gx", True)
    site.configure(replace(site.settings, communication=(replace(GX, gap=60),)))
    site.wait(HOUR)
    assert site.seen == []


# --- the grid --------------------------------------------------------------------------------------------------------

GRID_LOST, ON_BATTERY = Alarm("grid_lost", CRITICAL, notify_by_default=True), Alarm("on_battery", WARNING)
INVERTING = Rule(id="inverting", name="Multi", armed=frozenset({"inverting"}), grid=True)


def test_one_outage_is_one_failure_whoever_reports_it():
    site = a_site(rules=(INVERTING,))
    site.device("gx", GRID_LOST)
    site.wait(5)
    site.device("ups", ON_BATTERY)
    site.state("inverting", "inverting")
    site.wait(HOUR)
    site.device("gx")
    site.restart()
    site.state("inverting", "bulk")
    site.wait(20)
    site.device("ups")
    ended = site.now
    site.wait(HOUR)
    assert site.told == [(Kind.RAISED, GRID), (Kind.CLEARED, GRID)]
    assert [change for change, tag in site.seen if tag == GRID] == [RAISED, CLEARED]
    assert len(site.seen) == 8
    episode = site.messages[-1].episode
    assert episode is not None
    assert (episode.started, episode.cleared) == (START, ended)
    assert episode.details == {"reported_by": ["Gx", "Multi", "Ups"]}


def test_reports_that_follow_each_other_closely_are_one_outage():
    site = a_site(grid=Grid(settling=30))
    for _ in range(3):
        site.device("ups", ON_BATTERY)
        site.wait(10)
        site.device("ups")
        site.wait(29)
    site.wait(1)
    assert site.told == [(Kind.RAISED, GRID), (Kind.CLEARED, GRID)]
    site.device("ups", ON_BATTERY)
    assert site.told[2:] == [(Kind.RAISED, GRID)]


def test_a_restart_while_an_outage_settles_neither_ends_nor_forgets_it():
    site = a_site(grid=Grid(settling=30))
    site.device("ups", ON_BATTERY)
    site.device("ups")
    site.wait(10)
    site.restart()
    site.wait(19)
    assert site.told == [(Kind.RAISED, GRID)]
    site.wait(1)
    assert site.told == [(Kind.RAISED, GRID), (Kind.CLEARED, GRID)]


def test_a_rule_of_the_grid_that_misses_its_data_is_no_outage():
    site = a_site(rules=(replace(INVERTING, no_data=60),))
    site.wait(60)
    assert site.told == [(Kind.RAISED, "rule/inverting/no_data")]


def test_without_the_watch_over_the_grid_each_report_is_told_by_itself():
    site = a_site(grid=Grid(on=False))
    site.device("gx", GRID_LOST)
    assert site.told == [(Kind.RAISED, "automatic/gx/grid_lost")]
    site.configure(replace(site.settings, grid=Grid()))
    assert site.told[1:] == [(Kind.RAISED, GRID)]
    site.configure(replace(site.settings, grid=Grid(on=False)))
    assert site.told[2:] == [(Kind.CLEARED, GRID)]


def test_the_reports_of_an_outage_are_active_beside_it():
    site = a_site()
    site.device("ups", ON_BATTERY, hot())
    assert {each.episode.key: each.suppressed for each in site.engine.active} == {
        "grid_failure": False,
        "on_battery": True,
        "hot": False,
    }


def test_a_clock_that_is_put_back_ends_an_outage_all_the_same():
    site = a_site()
    site.device("ups", ON_BATTERY)
    site.device("ups")
    site.now -= 2 * HOUR
    site.wait(0)
    site.wait(30)
    assert site.told == [(Kind.RAISED, GRID), (Kind.CLEARED, GRID)]


def test_other_alarms_of_a_device_that_reports_an_outage_are_told():
    site = a_site()
    site.device("ups", ON_BATTERY, hot())
    assert set(site.told) == {(Kind.RAISED, GRID), (Kind.RAISED, "automatic/ups/hot")}


# --- the geofence ----------------------------------------------------------------------------------------------------

MOORING = Geofence(id="mooring", shape=Circle((50.0, 3.0), 100), noise=25, gap=300, device="gx")
LEFT, POSITION_LOST = "geofence/mooring/left_area", "geofence/mooring/position_lost"
METRE = 1 / 111_194.9  # of latitude, in degrees


def sail(site: Site, metres: Sequence[float]) -> None:
    """Be so far north of the middle of the mooring."""
    for each in metres:
        site.position("mooring", 50.0 + each * METRE, 3.0)
        site.wait(10)


def test_leaving_is_told_and_so_is_coming_back():
    site = a_site(geofences=(MOORING,))
    sail(site, (0, 90, 130, 500, 120, 101))
    assert site.seen == [(RAISED, LEFT)]
    sail(site, (99,))
    assert site.told == [(Kind.RAISED, LEFT), (Kind.CLEARED, LEFT)]
    details = site.edges[0].episode.details
    assert details["value"] == pytest.approx(30, abs=0.1)
    assert (details["latitude"], details["longitude"]) == (50.0 + 130 * METRE, 3.0)


def test_the_noise_of_a_receiver_at_the_border_is_no_leaving():
    site = a_site(geofences=(MOORING,))
    sail(site, (95, 105, 120, 80, 124, 99, 110) * 20)
    assert site.seen == []


def test_one_wrong_position_is_no_leaving_where_it_has_to_last():
    site = a_site(geofences=(replace(MOORING, delay=30),))
    sail(site, (0, 40_000, 0, 5000, 0))
    assert site.seen == []
    sail(site, (200, 200, 200, 200))
    assert site.seen == [(RAISED, LEFT)]


def test_a_position_that_is_lost_for_too_long_is_told_and_so_is_its_return():
    site = a_site(geofences=(MOORING,))
    sail(site, (0,))
    site.position("mooring", None, None)
    site.wait(299)
    assert site.seen == []
    site.wait(1)
    sail(site, (10,))
    assert site.told == [(Kind.RAISED, POSITION_LOST), (Kind.CLEARED, POSITION_LOST)]


def test_a_fence_that_is_not_armed_says_nothing_and_judges_where_it_is_once_it_is():
    site = a_site(geofences=(replace(MOORING, armed=False),))
    sail(site, (0, 500))
    assert site.seen == []
    site.configure(replace(site.settings, geofences=(MOORING,)))
    assert site.seen == [(RAISED, LEFT)]
    site.configure(replace(site.settings, geofences=(replace(MOORING, armed=False),)))
    assert site.seen == [(RAISED, LEFT), (CLEARED, LEFT)]


def test_a_place_that_cannot_be_is_none():
    site = a_site(geofences=(MOORING,))
    site.position("mooring", 91.0, 3.0)
    site.wait(300)
    assert site.seen == [(RAISED, POSITION_LOST)]


# --- what is active --------------------------------------------------------------------------------------------------


def test_the_worst_is_the_first_of_what_is_active():
    site = a_site()
    site.device("a", hot(WARNING))
    site.wait(1)
    site.device("b", hot(CRITICAL))
    site.wait(1)
    site.device("c", hot(WARNING))
    assert [each.episode.device for each in site.engine.active] == ["b", "c", "a"]


def test_nothing_is_remembered_of_what_is_long_over():
    site = a_site(communication=(GX,), rules=(INVERTING,))
    site.connection("gx", True)
    site.state("inverting", "bulk")
    fresh = site.stored()
    site.device("ups", ON_BATTERY, hot())
    site.device("ups")
    site.snooze("automatic/ups/hot", 60)
    site.wait(24 * HOUR)
    site.engine.logged(site.edges[-1].number)
    stored = site.stored()
    assert stored["tracks"] == fresh["tracks"] == []
    assert stored["watches"] == {}
    assert stored["outbox"]["waiting"] == stored["unlogged"] == []

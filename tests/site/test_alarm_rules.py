"""Rules: when they are valid, when they are wrong, and that an independent oracle agrees."""

import math
from dataclasses import replace

import hypothesis.strategies as st
import pytest
from hypothesis import assume, given

from benchmarks.alarms import a_day, a_rule, a_signal, expected
from custom_components.energy_suite.site.alarms.engine import Settings
from custom_components.energy_suite.site.alarms.episodes import Change, Severity
from custom_components.energy_suite.site.alarms.recipients import Recipient
from custom_components.energy_suite.site.alarms.rules import Mistake, Rule, Side, calm, check, known, side_of
from custom_components.energy_suite.site.alarms.telling import Telling
from tests.site.alarm_site import START, Site

RAISED, CLEARED = Change.RAISED, Change.CLEARED
LOW, HIGH = "rule/r/below_low_threshold", "rule/r/above_high_threshold"
STATE, NO_DATA = "rule/r/armed_state", "rule/r/no_data"

# The manual's example: an alarm below 10 V that is over at 11.5 V.
BATTERY = Rule(id="r", name="Battery", low=10, low_hysteresis=11.5, high=15, high_hysteresis=14)


def site_with(*rules: Rule) -> Site:
    return Site(Settings(rules=rules, telling=Telling(recipients=(Recipient(id="me"),))))


@pytest.mark.parametrize(
    ("rule", "mistakes"),
    [
        (BATTERY, ()),
        (Rule(id="r", low=10), ()),
        (Rule(id="r", high=10, high_hysteresis=10), ()),
        (Rule(id="r", armed=frozenset({"inverting"}), delay=300), ()),
        (Rule(id="r", no_data=60), ()),
        (Rule(id="r"), (Mistake.NOTHING_WATCHED,)),
        (replace(BATTERY, low_hysteresis=9.9), (Mistake.LOW_HYSTERESIS_BELOW_LOW_THRESHOLD,)),
        (replace(BATTERY, high_hysteresis=15.1), (Mistake.HIGH_HYSTERESIS_ABOVE_HIGH_THRESHOLD,)),
        (replace(BATTERY, low_hysteresis=15), (Mistake.LOW_HYSTERESIS_NOT_BELOW_HIGH_THRESHOLD,)),
        (replace(BATTERY, high_hysteresis=10), (Mistake.HIGH_HYSTERESIS_NOT_ABOVE_LOW_THRESHOLD,)),
        (
            Rule(id="r", low=10, high=9),
            (Mistake.LOW_HYSTERESIS_NOT_BELOW_HIGH_THRESHOLD, Mistake.HIGH_HYSTERESIS_NOT_ABOVE_LOW_THRESHOLD),
        ),
        (Rule(id="r", low_hysteresis=3), (Mistake.HYSTERESIS_WITHOUT_THRESHOLD,)),
        (Rule(id="r", low=3, high_hysteresis=5), (Mistake.HYSTERESIS_WITHOUT_THRESHOLD,)),
        (replace(BATTERY, armed=frozenset({"off"})), (Mistake.NUMBERS_AND_STATES,)),
        (replace(BATTERY, delay=-1), (Mistake.NEGATIVE_TIME,)),
        (replace(BATTERY, no_data=-1), (Mistake.NEGATIVE_TIME,)),
        (replace(BATTERY, low=math.nan), (Mistake.NOT_A_NUMBER,)),
        (replace(BATTERY, high=math.inf), (Mistake.NOT_A_NUMBER,)),
    ],
)
def test_a_rule_is_checked_by_the_conditions_of_the_manual(rule, mistakes):
    assert check(rule) == mistakes


numbers = st.floats(-100, 100)


fractions = st.floats(0, 0.99)


@given(low=numbers, span=st.floats(0.1, 100), low_width=fractions, high_width=fractions)
def test_the_end_of_one_alarm_of_a_valid_rule_is_not_the_beginning_of_the_other(low, span, low_width, high_width):
    high = low + span
    low_end, high_end = low + span * low_width, high - span * high_width
    rule = Rule(id="r", low=low, low_hysteresis=low_end, high=high, high_hysteresis=high_end)
    assert not check(rule)
    assert side_of(rule, Side.LOW, low_end) is None
    assert side_of(rule, Side.HIGH, high_end) is None


@given(
    low=st.none() | numbers,
    width=st.floats(0, 20),
    high=st.none() | numbers,
    side=st.sampled_from([None, Side.LOW, Side.HIGH]),
    near=st.sampled_from(["low", "low_end", "high", "high_end"]),
    step=st.sampled_from([-1.0, 0.0, 1.0]),
    value=numbers,
)
def test_a_value_is_calm_exactly_if_the_side_stays(low, width, high, side, near, step, value):
    rule = Rule(
        id="r",
        low=low,
        low_hysteresis=None if low is None else low + width,
        high=high,
        high_hysteresis=None if high is None else high - width,
    )
    assume(not check(rule))
    assume({Side.LOW: low, Side.HIGH: high}.get(side, 0.0) is not None)
    border = getattr(rule, near)
    if border is not None and step:
        value = math.nextafter(border, step * math.inf)
    elif border is not None:
        value = border
    first, last = calm(rule, side)
    assert (first <= value <= last) == (side_of(rule, side, value) is side)


@pytest.mark.parametrize(
    "state", [None, "", "unknown", "Unavailable", " none ", "nan", "inf", "warm", math.nan, math.inf]
)
def test_what_is_no_finite_number_says_nothing_to_a_numeric_rule(state):
    assert known(BATTERY, state) is None


@pytest.mark.parametrize("seconds", [7300])
def test_an_oracle_that_knows_the_whole_signal_sees_the_same_edges(seconds):
    _, seen, wanted = a_day(rules=40, seconds=seconds)
    assert seen == wanted
    assert wanted.total() > 40


def test_the_oracle_itself_finds_what_can_be_counted_by_hand():
    rule = Rule(id="r", low=10, low_hysteresis=12, delay=2)
    #         0  1   2   3  4     5     6   7  8   9 10  11
    signal = [11, 9, 12, 11, 9, None, None, 11, 9, 13, 9, 12]
    assert expected(rule, signal) == [(RAISED, LOW, START + 7), (CLEARED, LOW, START + 9)]


def test_the_signals_of_the_benchmark_cross_the_thresholds_of_its_rules():
    edges = [len(expected(a_rule(number), a_signal(number, range(86_400)))) for number in range(6)]
    assert max(edges) > 20


# --- one rule at work ------------------------------------------------------------------------------------------------


def test_the_low_alarm_stays_until_the_value_reaches_its_hysteresis():
    site = site_with(BATTERY)
    for volts in (12.0, 10.0, 9.9, 10.5, 11.4, 9.0, 11.5, 10.5):
        site.state("r", volts)
    assert site.seen == [(RAISED, LOW), (CLEARED, LOW)]


def test_a_value_that_leaps_from_one_side_to_the_other_clears_and_raises():
    site = site_with(BATTERY)
    for volts in ("9", "16", "14.5", "9", "12"):
        site.state("r", volts)
    assert site.seen == [(RAISED, LOW), (CLEARED, LOW), (RAISED, HIGH), (CLEARED, HIGH), (RAISED, LOW), (CLEARED, LOW)]


def test_a_short_peak_is_not_told_and_a_long_one_is_told_when_the_delay_is_over():
    site = site_with(replace(BATTERY, delay=300))
    site.state("r", 9)
    site.wait(299)
    site.state("r", 12)
    site.wait(1000)
    assert site.seen == []
    site.state("r", 9)
    crossed = site.now
    site.wait(100)
    site.state("r", 9.5)
    site.wait(1000)
    assert [(edge.change, edge.at, edge.episode.started) for edge in site.edges] == [(RAISED, crossed + 300, crossed)]
    assert site.edges[0].episode.details == {"value": 9.5, "threshold": 10}
    site.state("r", 11.5)
    assert site.seen[-1] == (CLEARED, LOW)


def test_a_value_that_hovers_at_its_threshold_is_told_after_the_delay():
    site = site_with(replace(BATTERY, delay=60))
    for second in range(70):
        site.state("r", 9.9 if second % 2 == 0 else 10.1)
        site.wait(1)
    assert site.seen == [(RAISED, LOW)]


def test_what_is_wrong_at_the_very_start_is_told():
    site = site_with(BATTERY)
    site.state("r", 9)
    assert site.seen == [(RAISED, LOW)]


@pytest.mark.parametrize("nothing", [None, "unknown", "unavailable", "nan"])
def test_no_state_neither_raises_nor_clears(nothing):
    site = site_with(replace(BATTERY, delay=60))
    site.state("r", 9)
    site.state("r", nothing)
    site.wait(1000)
    assert site.seen == []
    site.state("r", 9)
    assert site.seen == [(RAISED, LOW)]
    site.state("r", nothing)
    site.wait(1000)
    assert site.seen == [(RAISED, LOW)]
    site.state("r", 12)
    assert site.seen == [(RAISED, LOW), (CLEARED, LOW)]


def test_missing_data_are_an_alarm_of_their_own_after_the_tolerated_gap():
    site = site_with(replace(BATTERY, no_data=120))
    site.state("r", 12)
    site.state("r", "unavailable")
    site.wait(119)
    assert site.seen == []
    site.wait(1)
    assert site.seen == [(RAISED, NO_DATA)]
    site.state("r", 12)
    assert site.seen == [(RAISED, NO_DATA), (CLEARED, NO_DATA)]
    site.wait(1000)
    assert len(site.seen) == 2


def test_a_rule_that_never_hears_anything_misses_its_data():
    site = site_with(replace(BATTERY, no_data=120))
    site.wait(120)
    assert site.seen == [(RAISED, NO_DATA)]


def test_the_manuals_rule_for_a_power_cut_waits_five_minutes():
    site = site_with(Rule(id="r", armed=frozenset({"inverting", "off", "fault"}), delay=300))
    site.state("r", "bulk")
    site.state("r", "inverting")
    site.wait(200)
    site.state("r", "off")  # still without the grid
    site.wait(100)
    assert site.seen == [(RAISED, STATE)]
    assert site.edges[0].episode.details == {"state": "off"}
    site.state("r", "bulk")
    assert site.seen == [(RAISED, STATE), (CLEARED, STATE)]


def test_a_restart_within_the_hysteresis_keeps_the_alarm():
    site = site_with(BATTERY)
    site.state("r", 9)
    site.state("r", 11)
    site.wait(5000)
    site.restart()
    assert site.seen == [(RAISED, LOW)]
    site.state("r", 11.5)
    assert site.seen == [(RAISED, LOW), (CLEARED, LOW)]
    assert len(site.messages) == 2


def test_a_restart_within_the_delay_does_not_begin_it_anew():
    site = site_with(replace(BATTERY, delay=300))
    site.state("r", 9)
    site.wait(200)
    site.restart()
    site.wait(99)
    assert site.seen == []
    site.wait(1)
    assert site.seen == [(RAISED, LOW)]


def test_a_pause_is_not_counted_as_silence():
    site = site_with(replace(BATTERY, no_data=120))
    site.state("r", "unavailable")
    site.wait(60)
    stored = site.stored()
    site.now += 5000
    site.restart(stored=stored, look=False)
    site.wait(59)
    assert site.seen == []
    site.wait(1)
    assert site.seen == [(RAISED, NO_DATA)]


def test_a_changed_threshold_judges_the_value_that_is_there():
    site = site_with(BATTERY)
    site.state("r", 12)
    site.configure(replace(site.settings, rules=(replace(BATTERY, low=12.5, low_hysteresis=13),)))
    assert site.seen == [(RAISED, LOW)]
    site.configure(replace(site.settings, rules=(replace(BATTERY, low=None, low_hysteresis=None),)))
    assert site.seen == [(RAISED, LOW), (CLEARED, LOW)]


def test_the_alarm_of_a_rule_that_is_deleted_is_over():
    site = site_with(BATTERY, replace(BATTERY, id="other"))
    site.state("r", 9)
    site.configure(replace(site.settings, rules=(replace(BATTERY, id="other"),)))
    assert site.seen == [(RAISED, LOW), (CLEARED, LOW)]
    assert site.told == [("raised", LOW), ("cleared", LOW)]
    site.state("r", 9)
    assert len(site.seen) == 2


def test_a_rule_that_was_deleted_while_nothing_ran_has_no_alarm_after_the_start():
    site = site_with(BATTERY)
    site.state("r", 9)
    site.settings = replace(site.settings, rules=())
    site.restart()
    assert site.seen == [(RAISED, LOW), (CLEARED, LOW)]
    assert site.engine.active == []


def test_a_clock_that_is_put_back_does_not_stop_the_delays():
    site = site_with(replace(BATTERY, delay=300))
    site.state("r", 9)
    site.now -= 7200
    site.keep(site.engine.tick(site.now))
    site.wait(299)
    assert site.seen == []
    site.wait(1)
    assert site.seen == [(RAISED, LOW)]


def test_information_of_a_rule_goes_to_the_log_alone():
    site = site_with(replace(BATTERY, severity=Severity.INFORMATION))
    site.state("r", 9)
    assert site.seen == [(RAISED, LOW)]
    assert site.told == []

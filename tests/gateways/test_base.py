"""The edges of alarms."""

from dataclasses import replace

import hypothesis.strategies as st
from hypothesis import given

from custom_components.energy_suite.gateways.base import Alarm, CommandRefused, Severity, alarm_edges

HIGH = Alarm("high_temperature", Severity.WARNING)
LOW = Alarm("low_battery", Severity.CRITICAL, notify_by_default=True)

alarms = st.builds(Alarm, st.sampled_from("abcd"), st.sampled_from(Severity), st.booleans(), st.none() | st.integers())
looks = st.lists(alarms, unique_by=lambda alarm: alarm.key)


def test_nothing_changed_is_no_edge():
    assert alarm_edges([HIGH, LOW], [LOW, HIGH]) == []


def test_a_new_alarm_is_raised_and_a_missing_one_cleared_before_it():
    assert alarm_edges([HIGH], [LOW]) == [(HIGH, False), (LOW, True)]


def test_an_alarm_that_grows_worse_is_raised_anew_without_being_cleared():
    worse = replace(HIGH, severity=Severity.CRITICAL)
    assert alarm_edges([HIGH], [worse]) == [(worse, True)]


def test_another_code_of_the_same_alarm_is_raised_anew():
    other = replace(HIGH, code=26)
    assert alarm_edges([HIGH], [other]) == [(other, True)]


@given(looks, looks)
def test_edges_lead_from_one_look_to_the_next(before, after):
    raised = {alarm.key: alarm for alarm in before}
    for alarm, is_raised in alarm_edges(before, after):
        if is_raised:
            raised[alarm.key] = alarm
        else:
            del raised[alarm.key]
    assert raised == {alarm.key: alarm for alarm in after}


def test_severities_compare_and_have_words():
    assert Severity.INFORMATION < Severity.WARNING < Severity.CRITICAL
    assert Severity.CRITICAL.word == "critical"


def test_placeholders_of_a_refusal_are_texts():
    refused = CommandRefused("out_of_range", value=7, low=0.5, unit="A")
    assert refused.reason == "out_of_range"
    assert refused.placeholders == {"value": "7", "low": "0.5", "unit": "A"}

"""The texts of alarms: in the language of Home Assistant, in English where there is none."""

from custom_components.energy_suite.gateways.base import Alarm, Severity
from custom_components.energy_suite.texts import TEXTS, alarm_texts


def test_an_alarm_is_told_in_the_language_asked_for():
    alarm = Alarm("vebus_error_15", Severity.CRITICAL, code=15)
    assert alarm_texts("en", alarm)["text"] == TEXTS["en"]["vebus_error_15"]["text"]
    assert alarm_texts("fr-CA", alarm)["text"] == TEXTS["fr"]["vebus_error_15"]["text"]
    assert alarm_texts("de", alarm) == alarm_texts("en", alarm)


def test_a_number_that_nobody_has_told_us_of_is_shown():
    alarm = Alarm("vebus_error_199", Severity.CRITICAL, code=199)
    assert "199" in alarm_texts("en", alarm)["text"]
    assert "199" in alarm_texts("fr", alarm)["text"]


def test_an_alarm_without_any_text_still_says_its_name():
    assert alarm_texts("en", Alarm("something_new", Severity.WARNING)) == {"text": "something_new"}

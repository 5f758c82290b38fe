"""Which readings are worth a new state."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from custom_components.energy_suite.publishing import QUIET, STEPS, Publisher


@pytest.fixture
def power():
    publisher = Publisher("W")
    assert publisher.is_due(1000.0, 0.0)
    return publisher


@pytest.mark.parametrize("value", [None, 0, "on", False, 12.5])
def test_the_first_value_is_due_whatever_it_is(value):
    assert Publisher("W").is_due(value, 0.0)


def test_the_same_value_is_never_due(power):
    assert not power.is_due(1000.0, 1.0)
    assert not power.is_due(1000.0, 10 * QUIET)


def test_a_change_that_matters_is_due_at_once(power):
    assert power.is_due(1021.0, 1.0)
    assert power.is_due(980.0, 1.1)


def test_a_change_must_matter_both_in_proportion_and_by_itself():
    large = Publisher("W")
    large.is_due(10_000.0, 0.0)
    assert not large.is_due(10_099.0, 1.0)
    assert large.is_due(10_101.0, 1.0)
    small = Publisher("W")
    small.is_due(10.0, 0.0)
    assert not small.is_due(29.0, 1.0)
    assert small.is_due(31.0, 1.0)


def test_small_changes_are_measured_from_what_was_published(power):
    assert [power.is_due(value, 1.0) for value in (1010.0, 1018.0, 1020.0, 1021.0)] == [False, False, False, True]


def test_a_small_change_is_due_after_a_while(power):
    assert not power.is_due(1001.0, QUIET - 0.1)
    assert power.is_due(1001.0, QUIET)
    assert not power.is_due(1002.0, QUIET + 1)


def test_a_total_is_due_only_after_a_while():
    total = Publisher("kWh")
    assert total.is_due(10.0, 0.0)
    assert not total.is_due(5000.0, QUIET - 0.1)
    assert total.is_due(5000.0, QUIET)


@pytest.mark.parametrize(("before", "after"), [("bulk", "float"), (False, True), (10.0, None), (None, 10.0)])
def test_a_state_is_due_at_once(before, after):
    state = Publisher(None)
    state.is_due(before, 0.0)
    assert state.is_due(after, 0.1)


def test_coming_and_going_is_due_at_once(power):
    assert power.is_due("unavailable", 0.1)
    assert power.is_due(1000.0, 0.2)


def test_a_step_may_be_smaller_than_usual_for_the_unit():
    cell = Publisher("V", 0.02)
    cell.is_due(3.30, 0.0)
    assert not cell.is_due(3.28, 1.0)
    assert cell.is_due(3.26, 1.0)
    usual = Publisher("V")
    usual.is_due(3.30, 0.0)
    assert not usual.is_due(3.0, 1.0)


@given(st.sampled_from([*STEPS, "kWh", "rpm"]), st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60))
def test_no_state_is_ever_older_than_the_quiet_time_allows(unit, values):
    publisher = Publisher(unit)
    published, at = None, float("-inf")
    for now, value in enumerate(values):
        if publisher.is_due(value, now * 5.0):
            published, at = value, now * 5.0
        assert published == value or now * 5.0 - at < QUIET

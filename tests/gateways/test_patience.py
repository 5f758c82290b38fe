"""How long an answer may take, as the answers teach."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from custom_components.energy_suite.gateways.patience import Patience


def taught(*answers: float, initial: float = 3.0) -> Patience:
    patience = Patience(initial, learns=True)
    for seconds in answers:
        patience.answered(seconds)
    return patience


def test_without_learning_the_timeout_stays_what_it_is():
    patience = Patience(2.0)
    for _ in range(50):
        patience.answered(0.01)
    assert patience.timeout == patience.learnt == 2.0


def test_nothing_is_learnt_from_a_few_answers():
    assert taught(0.2, 0.2, 0.2, 0.2).timeout == 3.0
    assert taught(0.2, 0.2, 0.2, 0.2, 0.2).timeout == pytest.approx(0.8)


@pytest.mark.parametrize(("answer", "timeout"), [(0.01, 0.5), (0.125, 0.5), (0.25, 1.0), (0.75, 3.0), (2.0, 3.0)])
def test_the_timeout_is_four_times_the_median_answer_from_half_a_second_to_three(answer, timeout):
    assert taught(*[answer] * 9).timeout == timeout


def test_a_few_slow_answers_among_many_teach_nothing():
    assert taught(*[0.2] * 20, 2.0, 2.0, 2.0).timeout == pytest.approx(0.8)


def test_what_was_long_ago_is_forgotten():
    assert taught(*[0.2] * 1000, *[0.3] * 26).timeout == pytest.approx(1.2)


def test_silence_and_what_the_gateway_says_of_silent_units_teach_nothing():
    patience = taught(*[0.2] * 5)
    for _ in range(100):
        patience.given_up()
        patience.heard()
    assert patience.timeout == pytest.approx(0.8)


def test_who_comes_after_one_that_was_given_up_early_may_take_as_long_as_at_first():
    patience = taught(*[0.1] * 5)
    patience.given_up()
    assert (patience.timeout, patience.learnt) == (3.0, 0.5)
    patience.answered(0.1)
    assert patience.timeout == 0.5


def test_of_many_silent_in_a_row_not_each_second_one_may_take_that_long():
    patience = taught(*[0.1] * 5)
    timeouts = []
    for _ in range(240):
        timeouts.append(patience.timeout)
        patience.given_up()
    assert timeouts[:8] == [0.5, 3.0, 0.5, 3.0, 0.5, 0.5, 3.0, 0.5]
    assert timeouts.count(3.0) == 8


def test_a_gateway_that_waits_for_a_silent_unit_for_longer_takes_no_other_unit_with_it():
    """It answers the next request as soon as it has given up the silent unit itself."""
    patience = taught(*[0.1] * 5)
    waited = patience.timeout
    patience.given_up()
    gives_up_after = 2.0
    assert gives_up_after - waited + 0.1 < patience.timeout


def test_a_gateway_that_becomes_slow_is_heard_again_and_teaches_so():
    patience = taught(*[0.1] * 50)
    heard = 0
    for _ in range(60):
        if patience.timeout >= 0.7:
            patience.answered(0.7)
            heard += 1
        else:
            patience.given_up()
    assert heard >= 30
    assert patience.learnt == pytest.approx(2.8)


@given(st.lists(st.one_of(st.floats(0, 60), st.none()), max_size=200), st.floats(0.5, 3))
def test_whatever_happens_the_timeout_is_between_half_a_second_and_three(events, initial):
    patience = Patience(initial, learns=True)
    for seconds in events:
        if seconds is None:
            patience.given_up()
        else:
            patience.answered(seconds)
        assert 0.5 <= patience.learnt <= patience.timeout <= 3.0

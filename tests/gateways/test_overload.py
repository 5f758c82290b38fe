"""A gateway that answers late is asked less often, and as often as before once it does not; with an explicit clock."""

from collections.abc import Callable

import hypothesis.strategies as st
import pytest
from hypothesis import given

from custom_components.energy_suite.gateways.base import Speed
from custom_components.energy_suite.gateways.schedule import Brake, Outcome, Read, Schedule, Wait

TIMEOUT = 3.0
LATE, IN_TIME = 1.6, 0.1


def rounds(schedule: Schedule, start: float, count: int, cost: Callable[[str], float]) -> tuple[list[float], float]:
    """Execute so many rounds, each read taking what ``cost`` says. Returns when they started, and the time after."""
    now, starts, last = start, list[float](), schedule.rounds + count
    step: Read | Wait = Wait(start)
    while schedule.rounds < last or isinstance(step, Read):
        before = schedule.rounds
        step = schedule.next(now)
        if schedule.rounds > before:
            starts.append(now)
        if isinstance(step, Wait):
            now = step.until
            continue
        seconds = cost(step.unit)
        schedule.brake.answered(seconds)
        now += seconds
        schedule.done(step, now, Outcome.ANSWERED)
    return starts, now


def schedule_of(units: int, interval: float = 5.0) -> Schedule:
    schedule = Schedule(interval, brake=Brake(TIMEOUT))
    for number in range(units):
        schedule.add(f"unit {number}", {"live": Speed.LIVE}, 0.0)
    return schedule


def test_three_late_rounds_double_the_interval_up_to_thirty_seconds_and_three_quiet_ones_halve_it() -> None:
    schedule = schedule_of(2)
    paces = []
    now = 0.0
    for cost in (LATE, IN_TIME):
        for _ in range(5):
            _, now = rounds(schedule, now, 3, {"unit 0": cost, "unit 1": cost}.__getitem__)
            paces.append(schedule.pace)
    # A round is judged as the next one starts, so that the first of the quiet ones still judges a late one.
    assert paces == [10.0, 20.0, 30.0, 30.0, 30.0, 30.0, 20.0, 10.0, 5.0, 5.0]
    assert not schedule.slowed


def test_rounds_start_at_the_slower_pace() -> None:
    schedule = schedule_of(1)
    _, now = rounds(schedule, 0.0, 3, lambda _: LATE)
    starts, _ = rounds(schedule, now, 3, lambda _: LATE)
    assert (schedule.slowed, starts[1] - starts[0], schedule.achieved) == (True, 10.0, 10.0)


def test_a_value_stays_fresh_for_three_of_the_slower_rounds() -> None:
    schedule = schedule_of(1)
    schedule.brake.factor = 2
    assert schedule.lifetime(Speed.LIVE) == 30.0


def test_one_slow_device_among_many_slows_nothing_down() -> None:
    schedule = schedule_of(3)
    rounds(schedule, 0.0, 12, lambda unit: LATE if unit == "unit 0" else IN_TIME)
    assert schedule.pace == 5.0


def test_late_rounds_that_do_not_follow_each_other_slow_nothing_down() -> None:
    brake = Brake(TIMEOUT)
    for seconds in (LATE, LATE, IN_TIME) * 4:
        brake.answered(seconds)
        brake.end_round(5.0)
    assert brake.factor == 1


def test_a_round_without_answers_decides_nothing() -> None:
    brake = Brake(TIMEOUT)
    for _ in range(2):
        brake.answered(LATE)
        brake.end_round(5.0)
    brake.end_round(5.0)
    assert brake.factor == 1
    brake.answered(LATE)
    brake.end_round(5.0)
    assert brake.factor == 2


@pytest.mark.parametrize("interval", [30.0, 300.0])
def test_an_interval_that_is_long_already_stays(interval: float) -> None:
    schedule = schedule_of(1, interval)
    rounds(schedule, 0.0, 6, lambda _: LATE)
    assert (schedule.pace, schedule.slowed) == (interval, False)


def test_without_a_timeout_nothing_is_late() -> None:
    brake = Brake()
    for _ in range(9):
        brake.answered(1e6)
        brake.end_round(5.0)
    assert brake.factor == 1


@given(st.lists(st.floats(0, 10), max_size=60), st.floats(0.1, 300))
def test_whatever_the_answers_the_interval_is_between_the_users_and_thirty_seconds(
    answers: list[float], wanted: float
) -> None:
    brake = Brake(TIMEOUT)
    for seconds in answers:
        brake.answered(seconds)
        brake.end_round(wanted)
        assert wanted <= brake.interval(wanted) <= max(wanted, 30.0)

"""What is believed of a reading: a strange value may be late, never hidden for good."""

import hypothesis.strategies as st
import pytest
from hypothesis import assume, given

from custom_components.energy_suite.gateways.plausibility import MAX_POWER, RANGES, Believer, Value

ROUND = 5.0


class Watch:
    """One value of a block, read once a round."""

    def __init__(self, unit, step=0.0):
        self.believer = Believer({"value": unit}, {"value": step})
        self.now = 1_000_000.0

    def reads(self, value, *, after=ROUND, blank=False, interval=ROUND / 2):
        """Read a value some s after the last reading. Returns what is shown."""
        self.now += after
        return self.believer.judge({"value": value}, self.now, blank=blank, interval=interval)["value"]

    @property
    def dropped(self):
        return self.believer.dropped


@pytest.fixture
def voltage():
    return Watch("V")


@pytest.fixture
def energy():
    watch = Watch("kWh", step=0.01)
    assert watch.reads(1000.0) == 1000.0
    return watch


# --- ranges ------------------------------------------------------------------------------------------------------


def test_a_value_in_range_is_shown_at_once(voltage):
    assert voltage.reads(230.0) == 230.0
    assert voltage.reads(0) == 0
    assert voltage.dropped == 0


def test_a_value_out_of_range_is_shown_once_confirmed_and_counted_until_then(voltage):
    voltage.reads(230.0)
    assert voltage.reads(3200.0) == 230.0
    assert voltage.dropped == 1
    assert voltage.reads(3210.0) == 3210.0
    assert voltage.reads(3190.0) == 3190.0
    assert voltage.dropped == 1


def test_a_value_out_of_range_is_no_value_when_nothing_was_shown_before(voltage):
    assert voltage.reads(6553.5) is None
    assert voltage.reads(6553.5) == 6553.5


def test_a_value_in_range_takes_the_confirmation_back(voltage):
    voltage.reads(3200.0)
    voltage.reads(3200.0)
    assert voltage.reads(230.0) == 230.0
    assert voltage.reads(3200.0) == 230.0


@pytest.mark.parametrize("unit", sorted(RANGES))
def test_the_ends_of_a_range_are_within_it(unit):
    for end in RANGES[unit]:
        assert Watch(unit).reads(end) == end
    low, high = RANGES[unit]
    assert Watch(unit).reads(low - 1) is None
    assert Watch(unit).reads(high + 1) is None


@pytest.mark.parametrize("value", [None, "HQ2132", True])
def test_what_is_no_number_is_shown_as_it_is(voltage, value):
    voltage.reads(230.0)
    assert voltage.reads(value) is value


def test_a_value_without_a_range_is_shown_whatever_it_is():
    assert Watch("rpm").reads(1e9) == 1e9
    believer = Believer({})
    assert believer.judge({"state": 252}, 0.0, blank=False, interval=1.0) == {"state": 252}


# --- counters ----------------------------------------------------------------------------------------------------


def test_a_counter_is_shown_as_it_rises(energy):
    assert [energy.reads(value) for value in (1000.0, 1000.01, 1000.5)] == [1000.0, 1000.01, 1000.5]
    assert energy.dropped == 0


@pytest.mark.parametrize("strange", [0.0, 999.99, 1005.0, 42_949_672.95])
def test_a_counter_that_falls_or_leaps_is_believed_with_the_third_agreeing_reading(energy, strange):
    assert [energy.reads(strange) for _ in range(4)] == [1000.0, 1000.0, strange, strange]
    assert energy.dropped == 2


def test_a_counter_may_rise_by_its_resolution_at_any_time():
    coarse = Watch("kWh", step=1.0)
    coarse.reads(1000)
    assert coarse.reads(1001, after=0.01) == 1001
    assert coarse.reads(1003, after=0.01) == 1001


def test_a_burst_of_strange_counts_is_not_believed_however_many_they_are(energy):
    energy.reads(0.0)
    assert {energy.reads(0.0, after=0.1) for _ in range(20)} == {1000.0}
    assert energy.reads(1000.01) == 1000.01


def test_strange_counts_that_do_not_agree_are_not_believed(energy):
    assert [energy.reads(value) for value in (0.0, 77_000.0, 3.0, 500.0, 2.0, 1.0)] == [1000.0] * 6
    assert energy.reads(1000.02) == 1000.02


def test_a_replaced_meter_is_believed_though_it_goes_on_counting(energy):
    assert [energy.reads(value) for value in (3.0, 3.01, 3.02, 3.03)] == [1000.0, 1000.0, 3.02, 3.03]


def test_after_a_long_silence_a_possible_rise_is_believed_at_once(energy):
    assert energy.reads(1000 + MAX_POWER, after=3600) == 1000 + MAX_POWER
    assert energy.reads(1000 + 2 * MAX_POWER + 1, after=3600) == 1000 + MAX_POWER


def test_a_wall_clock_set_back_stops_no_counter(energy):
    assert energy.reads(1000.01, after=-3600) == 1000.01
    assert energy.reads(1000.02) == 1000.02


def test_a_counter_shows_no_false_zero_after_a_restart():
    watch = Watch("kWh", step=0.01)
    watch.believer.restore({"value": (1000.0, watch.now - 60), "unknown": (1.0, 1.0)})
    assert watch.reads(0.0) is None
    assert watch.reads(1000.05) == 1000.05
    assert watch.dropped == 1


def test_a_counter_restored_is_not_shown_before_it_is_read():
    watch = Watch("kWh")
    watch.believer.restore({"value": (1000.0, watch.now)})
    assert watch.reads(None) is None
    assert watch.believer.counters == {"value": (1000.0, watch.now - ROUND)}


def test_restoring_does_not_undo_what_was_read_meanwhile(energy):
    energy.believer.restore({"value": (5.0, 0.0)})
    assert energy.believer.counters == {"value": (1000.0, energy.now)}


def test_only_counters_are_kept():
    believer = Believer({"power": "W", "energy": "kWh"})
    believer.judge({"power": 100, "energy": 7.0, "state": 1}, 50.0, blank=False, interval=1.0)
    believer.restore({"power": (1.0, 1.0)})
    assert believer.counters == {"energy": (7.0, 50.0)}


# --- zeros -------------------------------------------------------------------------------------------------------


def test_a_block_of_zeros_is_delayed_by_one_reading_and_then_believed(voltage):
    voltage.reads(230.0)
    assert voltage.reads(0.0, blank=True) == 230.0
    assert voltage.dropped == 1
    assert voltage.reads(0.0, blank=True) == 0.0
    assert voltage.reads(0.0, blank=True) == 0.0
    assert voltage.dropped == 1


def test_every_burst_of_zeros_is_delayed(voltage):
    for _ in range(3):
        assert voltage.reads(230.0) == 230.0
        assert voltage.reads(0.0, blank=True) == 230.0
    assert voltage.dropped == 3


def test_a_block_that_begins_with_zeros_is_believed(voltage):
    assert voltage.reads(0.0, blank=True) == 0.0


def test_a_burst_of_zeros_does_not_bring_a_counter_to_zero(energy):
    assert [energy.reads(0.0, blank=True) for _ in range(3)] == [1000.0] * 3
    assert energy.reads(1000.01) == 1000.01


def test_zeros_are_held_back_with_all_that_was_read_beside_them():
    believer = Believer({"power": "W"})
    before: dict[str, Value] = {"power": 500, "state": 3, "name": "Garage", "limit": None}
    believer.judge(before, 0.0, blank=False, interval=1.0)
    zeros: dict[str, Value] = {"power": 0, "state": 0, "name": None, "limit": 0}
    assert believer.judge(zeros, 5.0, blank=True, interval=1.0) == before
    assert believer.judge(zeros, 10.0, blank=True, interval=1.0) == zeros


# --- whatever was read before ------------------------------------------------------------------------------------

values = st.none() | st.integers(-(2**31), 2**32) | st.floats(-1e10, 1e10).map(lambda value: round(value, 2))
pauses = st.floats(0.01, 600)


@given(st.sampled_from([*RANGES, "kWh", "rpm"]), st.lists(st.tuples(values, pauses, st.booleans())), values)
def test_a_value_that_persists_is_shown_after_at_most_four_readings(unit, before, value):
    assume(value is not None)
    watch = Watch(unit, step=0.01)
    for earlier, pause, blank in before:
        watch.reads(earlier, after=pause, blank=blank)
    shown = [watch.reads(value, blank=value == 0) for _ in range(4)]
    assert shown[-1] == value


@given(st.lists(st.floats(0, 0.6), min_size=1), st.floats(0, 1e6))
def test_a_counter_is_never_late_while_it_rises_as_fast_as_a_device_can(steps, start):
    watch = Watch("kWh", step=0.01)
    count = watch.reads(start)
    for step in steps:
        count += step
        assert watch.reads(count) == count
    assert watch.dropped == 0

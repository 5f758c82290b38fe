"""Who is read when, with an explicit clock."""

from dataclasses import dataclass, field
from itertools import groupby, pairwise

import hypothesis.strategies as st
import pytest
from hypothesis import given

from custom_components.energy_suite.gateways.base import Speed
from custom_components.energy_suite.gateways.schedule import Outcome, Read, Schedule, Wait

ANSWERED, ABSENT, GONE, SILENT, LOST = Outcome
HOURS = 3600.0
METER = {"live": Speed.LIVE, "settings": Speed.SLOW, "identity": Speed.ONCE}


@dataclass(frozen=True)
class Done:
    """A read that took place."""

    at: float
    unit: str
    part: str
    outcome: Outcome
    round: int


@dataclass
class Bus:
    """Executes a schedule on units that answer as told; times are s."""

    schedule: Schedule = field(default_factory=lambda: Schedule(5.0))
    cost: float = 0.05
    timeout: float = 3.0
    refusal: float = 0.05
    """How long the gateway takes to say that a unit is not there."""
    now: float = 0.0
    says: dict[str | tuple[str, str], Outcome] = field(default_factory=dict)
    """What a unit, or one part of it, says; everything else answers."""
    done: list[Done] = field(default_factory=list)
    reports: list[tuple[str, bool]] = field(default_factory=list)
    rounds: list[float] = field(default_factory=list)
    """When rounds started."""

    def step(self, until: float = float("inf")) -> None:
        """Do the next thing."""
        rounds = self.schedule.rounds
        step = self.schedule.next(self.now)
        if self.schedule.rounds > rounds:
            self.rounds.append(self.now)
        if isinstance(step, Wait):
            assert step.until > self.now
            self.now = min(step.until, until)
            return
        outcome = self.says.get((step.unit, step.part), self.says.get(step.unit, ANSWERED))
        self.done.append(Done(self.now, step.unit, step.part, outcome, self.schedule.rounds))
        self.now += {SILENT: self.timeout, GONE: self.refusal}.get(outcome, self.cost)
        for unit in self.schedule.done(step, self.now, outcome):
            self.reports.append((unit, self.schedule.is_up(unit)))

    def run(self, seconds: float) -> list[Done]:
        """Go on for a while. Returns what was read in it."""
        before, until = len(self.done), self.now + seconds
        while self.now < until:
            self.step(until)
        return self.done[before:]

    def add(self, unit: str, parts: dict[str, Speed] | None = None) -> None:
        """Read one more unit."""
        self.schedule.add(unit, METER if parts is None else parts, self.now)


@pytest.fixture
def bus():
    return Bus()


def times(reads, unit, part):
    return [read.at for read in reads if (read.unit, read.part) == (unit, part)]


# --- rounds ------------------------------------------------------------------------------------------------------


def test_everything_of_a_new_unit_is_read_at_once_and_reported_once(bus):
    bus.add("a")
    reads = bus.run(0.15)
    assert [read.part for read in reads] == ["live", "settings", "identity"]
    assert bus.reports == [("a", True)]


def test_rounds_start_every_interval_from_start_to_start(bus):
    for unit in "abc":
        bus.add(unit)
    bus.run(60)
    assert {round(later - earlier, 6) for earlier, later in pairwise(bus.rounds)} == {5.0}
    assert bus.schedule.achieved == pytest.approx(5.0)


def test_the_live_parts_of_a_unit_are_read_in_a_row_and_reported_once_a_round(bus):
    for unit in "abc":
        bus.add(unit, {"system": Speed.LIVE, "hub4": Speed.LIVE, "settings": Speed.SLOW})
    bus.run(1)
    bus.reports.clear()
    reads = bus.run(20)
    live = [read for read in reads if read.part != "settings"]
    for _, in_round in groupby(live, key=lambda read: read.round):
        assert [(read.unit, read.part) for read in in_round] == [
            (unit, part) for unit in "abc" for part in ("system", "hub4")
        ]
    assert bus.reports == [("a", True), ("b", True), ("c", True)] * 4


def test_a_part_read_once_is_not_read_again_while_the_unit_answers(bus):
    bus.add("a")
    assert len(times(bus.run(HOURS), "a", "identity")) == 1


def test_slow_parts_are_read_every_thirty_seconds(bus):
    for unit in "abc":
        bus.add(unit)
    reads = bus.run(300)
    for unit in "abc":
        gaps = [later - earlier for earlier, later in pairwise(times(reads, unit, "settings"))]
        assert len(gaps) == 9
        assert all(30 <= gap <= 30 + 6 * bus.cost for gap in gaps)


def test_slow_parts_never_delay_a_round_by_more_than_one_request():
    bus = Bus(Schedule(1.0), cost=0.3)
    bus.add("a", {"live": Speed.LIVE, **{f"slow{number}": Speed.SLOW for number in range(40)}})
    bus.run(40 * bus.cost)
    bus.rounds.clear()
    bus.run(120)
    assert len(bus.rounds) > 60
    assert all(later - earlier <= 1.0 + bus.cost + 1e-9 for earlier, later in pairwise(bus.rounds))


def test_rounds_longer_than_the_interval_serve_one_slow_read_each_and_say_what_they_achieve():
    bus = Bus(Schedule(1.0), cost=0.25)
    for number in range(8):
        bus.add(f"meter{number}", {"live": Speed.LIVE, "settings": Speed.SLOW})
    bus.run(60)
    reads = bus.run(120)
    slow = [read for read in reads if read.part == "settings"]
    assert {read.unit for read in slow} == {f"meter{number}" for number in range(8)}
    assert max(len(list(same)) for _, same in groupby(slow, key=lambda read: read.round)) == 1
    assert bus.schedule.achieved == pytest.approx(2.0, abs=bus.cost + 1e-9)
    assert bus.schedule.lifetime(Speed.LIVE) == pytest.approx(6.0, abs=3 * bus.cost + 1e-9)


def test_values_are_fresh_for_three_intervals_of_their_speed():
    schedule = Schedule(5.0)
    assert schedule.lifetime(Speed.LIVE) == 15.0
    assert schedule.lifetime(Speed.SLOW) == 90.0
    assert schedule.lifetime(Speed.ONCE) == float("inf")


def test_there_is_nothing_to_do_without_units(bus):
    assert bus.schedule.next(0.0) == Wait(float("inf"))


# --- silence -----------------------------------------------------------------------------------------------------


def test_alone_a_silent_read_is_retried_once_at_once_and_an_answer_hides_the_slip(bus):
    bus.add("a")
    bus.run(1)
    bus.reports.clear()
    bus.says["a"] = SILENT
    bus.run(4.5)
    assert (bus.done[-1].unit, bus.done[-1].outcome) == ("a", SILENT)
    del bus.says["a"]
    bus.step()
    assert (bus.done[-1].unit, bus.done[-1].part) == ("a", "live")
    bus.run(1)
    assert bus.reports == [("a", True)]
    assert bus.schedule.back_off("a") == 0


def test_among_others_a_silent_read_is_retried_once_behind_the_round_and_an_answer_hides_the_slip():
    bus = Bus(timeout=1.0)
    for unit in "abc":
        bus.add(unit)
    bus.run(4.99)
    bus.reports.clear()
    bus.says["a"] = SILENT
    bus.run(1)
    bus.says.clear()
    reads = bus.run(4)
    assert [(read.unit, read.part) for read in reads] == [("b", "live"), ("c", "live"), ("a", "live")]
    assert bus.reports == [("b", True), ("c", True), ("a", True)]
    assert bus.schedule.back_off("a") == 0


def test_without_time_left_the_retry_waits_for_the_next_round(bus):
    for unit in "abc":
        bus.add(unit)
    bus.run(4.99)
    bus.says["a"] = SILENT
    bus.run(1)
    bus.says.clear()
    reads = bus.run(5.0)
    assert [read.unit for read in reads] == ["b", "c", "b", "c", "a"]
    assert bus.schedule.achieved == pytest.approx(5.0)


def test_the_turn_of_a_unit_that_slipped_goes_on_with_its_retry():
    bus = Bus(timeout=1.0)
    bus.add("gx", {"system": Speed.LIVE, "hub4": Speed.LIVE})
    bus.add("a")
    bus.run(4.99)
    bus.reports.clear()
    bus.says["gx"] = SILENT
    bus.run(1)
    bus.says.clear()
    reads = bus.run(4)
    assert [(read.unit, read.part) for read in reads] == [("a", "live"), ("gx", "system"), ("gx", "hub4")]
    assert bus.reports == [("a", True), ("gx", True)]


def test_a_unit_that_stays_silent_is_given_up_after_its_retry(bus):
    for unit in "ab":
        bus.add(unit)
    bus.run(1)
    bus.says["a"] = SILENT
    reads = bus.run(4 + 5 + 1)
    assert len(times(reads, "a", "live")) == 2
    assert bus.reports.count(("a", False)) == 1


def test_the_retry_of_a_part_does_not_end_the_turn_of_its_unit(bus):
    bus.add("gx", {"system": Speed.LIVE, "hub4": Speed.LIVE})
    bus.run(4.99)
    bus.reports.clear()
    bus.says["gx"] = SILENT
    bus.run(1)
    assert bus.done[-1].part == "system"
    bus.says.clear()
    bus.step()
    assert (bus.done[-1].part, bus.reports) == ("system", [])
    bus.step()
    assert (bus.done[-1].part, bus.reports) == ("hub4", [("gx", True)])


def test_a_unit_that_stays_silent_is_asked_less_and_less_often(bus):
    bus.add("a")
    bus.says["a"] = SILENT
    reads = bus.run(2 * HOURS)
    pauses = [later.at - earlier.at - bus.timeout for earlier, later in pairwise(reads)]
    assert pauses[:8] == pytest.approx([0, 5, 10, 20, 40, 80, 160, 300])
    assert set(pauses[8:]) == {300.0}
    assert bus.reports == [("a", False)]


def test_one_answer_restores_the_pace_and_everything_is_read_again(bus):
    bus.add("a")
    bus.run(10)
    bus.says["a"] = SILENT
    bus.run(600)
    del bus.says["a"]
    bus.reports.clear()
    bus.run(300)
    first = next(number for number, read in enumerate(bus.done) if read.at > 610 and read.outcome is ANSWERED)
    assert [read.part for read in bus.done[first : first + 4]] == ["live", "live", "settings", "identity"]
    assert bus.reports[0] == ("a", True)
    rounds = [at for at in bus.rounds if at > bus.done[first].at]
    assert rounds[1] - rounds[0] == pytest.approx(5.0)
    assert bus.schedule.back_off("a") == 0


def test_an_outage_is_no_long_round(bus):
    bus.add("a")
    bus.run(20)
    bus.says["a"] = SILENT
    bus.run(600)
    del bus.says["a"]
    while not bus.schedule.is_up("a"):
        bus.step()
    bus.run(1)
    assert bus.schedule.lifetime(Speed.LIVE) == pytest.approx(15.0)


def test_a_dead_unit_costs_the_others_no_round(bus):
    for unit in "abc":
        bus.add(unit)
    bus.run(1)
    bus.says["b"] = SILENT
    bus.run(600)
    bus.rounds.clear()
    bus.run(1200)
    assert len(bus.rounds) in (239, 240)
    assert max(later - earlier for earlier, later in pairwise(bus.rounds)) <= 5.0 + bus.timeout


def test_a_silent_unit_is_asked_for_what_it_must_have_not_for_what_it_always_says(bus):
    bus.add("a", {"identity": Speed.ONCE, "live": Speed.LIVE})
    bus.says["a", "live"] = SILENT
    bus.run(2 * HOURS)
    assert bus.reports == [("a", False)]
    assert bus.schedule.back_off("a") == 300.0


# --- silent units on a slow bus ----------------------------------------------------------------------------------

METERS = [f"meter{number}" for number in range(32)]


def slow_bus(interval=1.0):
    """Meters whose round takes twice the shortest interval, and slow parts enough to fill whatever is left."""
    bus = Bus(Schedule(interval), cost=0.064, timeout=0.5, refusal=0.3)
    for unit in METERS:
        bus.add(unit, {"live": Speed.LIVE, "energies": Speed.SLOW, "settings": Speed.SLOW})
    bus.run(60)
    return bus


def periods(bus, start):
    return [later - earlier for earlier, later in pairwise(bus.rounds) if earlier >= start]


def mean(values):
    return sum(values) / len(values)


@pytest.fixture(params=[SILENT, GONE], ids=["silent", "gone"])
def gone(request):
    return request.param


@pytest.mark.parametrize("many", [1, 3])
def test_a_meter_that_falls_silent_costs_no_round_of_the_others_more_than_one_timeout(gone, many):
    bus = slow_bus()
    healthy = periods(bus, 20)
    fallen = bus.now
    for number in range(many):
        bus.says[METERS[5 + 9 * number]] = gone
        bus.run(10)
    bus.run(HOURS)
    assert max(periods(bus, fallen)) <= max(healthy) + bus.timeout + 1e-9
    assert mean(periods(bus, fallen)) <= 1.02 * mean(healthy)


@pytest.mark.parametrize("many", [1, 3])
def test_the_first_five_minutes_with_silent_meters_are_hardly_slower_than_those_without(gone, many):
    bus = slow_bus()
    healthy = periods(bus, 20)
    fallen = bus.now
    bus.says |= dict.fromkeys(METERS[:many], gone)
    bus.run(300)
    assert mean(periods(bus, fallen)) <= 1.02 * mean(healthy)


def test_where_rounds_take_longer_than_the_interval_no_round_waits_for_two_silent_meters(gone):
    bus = slow_bus()
    bus.says |= dict.fromkeys(METERS[::3], gone)
    bus.run(60)
    reads = bus.run(2 * HOURS)
    looks = [read.round for read in reads if read.outcome is gone]
    assert len(looks) == len(set(looks))
    for unit in METERS[::3]:
        gaps = [later - earlier for earlier, later in pairwise(times(reads, unit, "live"))]
        assert max(gaps) <= 330
    assert max(periods(bus, bus.now - HOURS)) <= 31 * bus.cost + bus.timeout


def test_where_there_is_time_left_silent_meters_cost_the_others_nothing_at_all(gone):
    bus = slow_bus(interval=10.0)
    bus.says |= dict.fromkeys(METERS[::3], gone)
    bus.run(20)
    fallen = bus.now
    bus.run(HOURS)
    # As ever, a slow part may be read when the next round is about to start.
    assert max(periods(bus, fallen)) <= 10.0 + bus.cost + 1e-9
    assert mean(periods(bus, fallen)) <= 10.02


def test_a_look_that_would_delay_a_round_waits_until_that_is_over(bus):
    for unit in "abc":
        bus.add(unit)
    bus.says["b"] = SILENT
    bus.run(2 * HOURS)
    looks = times(bus.done, "b", "live")[3:]
    assert len(looks) > 20
    assert all(any(at < look < at + 2 for at in bus.rounds) for look in looks)


def test_looking_again_at_many_silent_meters_still_costs_each_round_one_timeout(gone):
    bus = slow_bus()
    bus.says |= dict.fromkeys(METERS[:8], gone)
    bus.run(HOURS)
    again = bus.now
    bus.schedule.look_again(again)
    bus.run(60)
    assert max(periods(bus, again)) <= 25 * bus.cost + bus.timeout
    assert {read.unit for read in bus.done if read.at >= again and read.outcome is gone} == set(METERS[:8])


def test_a_meter_that_comes_back_is_read_in_full_at_once(gone):
    bus = slow_bus()
    bus.says[METERS[7]] = gone
    bus.run(HOURS)
    bus.says.clear()
    bus.done.clear()
    bus.run(310)
    first = next(number for number, read in enumerate(bus.done) if read.unit == METERS[7])
    assert [(read.unit, read.part) for read in bus.done[first + 1 : first + 4]] == [
        (METERS[7], part) for part in ("live", "energies", "settings")
    ]


def test_one_slow_part_is_read_between_two_long_rounds_and_stays_fresh_until_its_next_turn():
    bus = slow_bus()
    bus.run(300)
    reads = bus.run(600)
    slow = [read for read in reads if read.part != "live"]
    assert max(len(list(same)) for _, same in groupby(slow, key=lambda read: read.round)) == 1
    gaps = [
        later - earlier
        for unit in METERS
        for part in ("energies", "settings")
        for earlier, later in pairwise(times(reads, unit, part))
    ]
    assert max(gaps) > 120
    assert bus.schedule.lifetime(Speed.SLOW) > 2 * max(gaps)
    assert bus.schedule.lifetime(Speed.LIVE) < 10


def test_a_meter_that_is_added_or_removed_costs_the_others_only_its_own_reads():
    bus = slow_bus()
    healthy = max(periods(bus, 20))
    changed = bus.now
    bus.add("new", {"live": Speed.LIVE, "energies": Speed.SLOW, "settings": Speed.SLOW})
    bus.run(20)
    bus.schedule.remove(METERS[3])
    bus.run(20)
    assert ("new", True) in bus.reports
    assert max(periods(bus, changed)) <= healthy + 4 * bus.cost + 1e-9
    for unit in METERS[4:]:
        gaps = [later - earlier for earlier, later in pairwise(times(bus.done, unit, "live")) if later > changed]
        assert max(gaps) <= healthy + 4 * bus.cost + 1e-9


def test_a_silent_meter_that_is_added_costs_the_others_one_timeout_at_a_time():
    bus = slow_bus()
    healthy = max(periods(bus, 20))
    changed = bus.now
    bus.says["new"] = SILENT
    bus.add("new")
    bus.run(HOURS)
    assert ("new", False) in bus.reports
    assert max(periods(bus, changed)) <= healthy + bus.timeout + 1e-9


# --- a lost link -------------------------------------------------------------------------------------------------


def lose(bus, units):
    for unit in units:
        bus.says[unit] = LOST
    bus.run(10)


def test_a_lost_link_takes_every_unit_down_with_one_report_each(bus):
    for unit in "abc":
        bus.add(unit)
    bus.run(1)
    bus.reports.clear()
    lose(bus, "abc")
    bus.run(HOURS)
    assert sorted(bus.reports) == [("a", False), ("b", False), ("c", False)]


def test_one_answer_after_a_lost_link_brings_every_unit_back_at_once(bus):
    for unit in "abc":
        bus.add(unit)
    bus.run(1)
    lose(bus, "abc")
    bus.run(HOURS)
    bus.reports.clear()
    bus.says.clear()
    while not bus.reports:
        bus.step()
    bus.run(1)
    assert set(bus.reports) == {("a", True), ("b", True), ("c", True)}


def test_a_unit_that_was_silent_before_the_link_was_lost_brings_the_others_back_too(bus):
    for unit in "abc":
        bus.add(unit)
    bus.says["a"] = SILENT
    bus.run(100)
    assert not bus.schedule.is_up("a")
    lose(bus, "bc")
    assert not bus.schedule.is_up("b")
    bus.says = {"b": LOST, "c": LOST}
    while not bus.schedule.is_up("a"):
        bus.step()
    bus.says.clear()
    bus.run(0.5)
    assert bus.schedule.is_up("b")
    assert bus.schedule.is_up("c")


def test_a_dead_unit_stays_dead_when_the_link_is_back(bus):
    for unit in "ab":
        bus.add(unit)
    bus.run(1)
    lose(bus, "ab")
    bus.says = {"b": SILENT}
    bus.run(400)
    assert bus.schedule.is_up("a")
    assert not bus.schedule.is_up("b")


# --- what a unit does not have -----------------------------------------------------------------------------------


def test_an_absent_part_is_looked_for_every_six_hours(bus):
    bus.add("a")
    bus.says["a", "settings"] = ABSENT
    looks = times(bus.run(25 * HOURS), "a", "settings")
    assert len(looks) == 5
    assert all(later - earlier == pytest.approx(6 * HOURS, abs=1) for earlier, later in pairwise(looks))
    assert set(bus.reports) == {("a", True)}


def test_a_part_that_appears_is_read_at_its_own_pace(bus):
    bus.add("a")
    bus.says["a", "settings"] = ABSENT
    bus.run(60)
    bus.says.clear()
    bus.schedule.look_again(bus.now)
    assert len(times(bus.run(301), "a", "settings")) == 11


def test_looking_again_asks_silent_units_at_once(bus):
    bus.add("a")
    bus.says["a"] = SILENT
    bus.run(HOURS)
    bus.says.clear()
    bus.schedule.look_again(bus.now)
    bus.run(0.5)
    assert bus.schedule.is_up("a")


def test_silence_about_a_part_that_is_absent_says_nothing_of_the_unit(bus):
    bus.add("a")
    bus.says["a", "settings"] = ABSENT
    bus.run(60)
    bus.says["a", "settings"] = SILENT
    bus.schedule.look_again(bus.now)
    bus.reports.clear()
    assert len(times(bus.run(6 * HOURS - 60), "a", "settings")) == 1
    assert set(bus.reports) == {("a", True)}


def test_a_unit_without_its_only_live_part_is_down(bus):
    bus.add("a")
    bus.says["a", "live"] = GONE
    bus.run(HOURS)
    assert bus.reports == [("a", False)]
    assert bus.schedule.back_off("a") == 300.0


def test_a_service_that_vanishes_from_a_unit_leaves_the_rest_of_it_up_and_returns(bus):
    bus.add("gx", {"system": Speed.LIVE, "hub4": Speed.LIVE, "platform": Speed.SLOW})
    bus.run(10)
    bus.reports.clear()
    bus.says["gx", "hub4"] = GONE
    looks = times(bus.run(HOURS), "gx", "hub4")
    pauses = [later - earlier for earlier, later in pairwise(looks)]
    assert pauses == pytest.approx([5, 10, 20, 40, 80, 160, *[300] * (len(pauses) - 6)], abs=1)
    assert set(bus.reports) == {("gx", True)}
    bus.says.clear()
    bus.run(300)
    assert len(times(bus.run(50), "gx", "hub4")) == 10


def test_a_unit_whose_live_parts_all_vanished_returns_with_any_of_them(bus):
    bus.add("gx", {"system": Speed.LIVE, "hub4": Speed.LIVE})
    bus.run(10)
    bus.reports.clear()
    bus.says["gx"] = GONE
    bus.run(600)
    assert bus.reports == [("gx", False)]
    bus.says = {("gx", "system"): GONE}
    bus.run(600)
    assert bus.schedule.is_up("gx")


def test_a_unit_without_live_parts_is_up_though_it_lacks_its_first_part(bus):
    bus.add("a", {"identity": Speed.ONCE, "settings": Speed.SLOW})
    bus.says["a"] = SILENT
    bus.run(60)
    bus.says = {("a", "identity"): ABSENT}
    bus.run(600)
    assert bus.schedule.is_up("a")


def test_a_unit_reports_though_the_last_part_of_its_turn_is_absent(bus):
    bus.add("a")
    bus.says["a", "settings"] = ABSENT
    bus.run(1)
    bus.reports.clear()
    bus.schedule.expedite("a", ["live", "settings"])
    bus.step()
    assert bus.reports == [("a", True)]


# --- what is asked for -------------------------------------------------------------------------------------------


def test_what_is_expedited_is_read_before_a_round_goes_on(bus):
    for unit in "abc":
        bus.add(unit)
    bus.run(4.99)
    bus.step()
    bus.step()
    assert (bus.done[-1].unit, bus.done[-1].part) == ("a", "live")
    bus.schedule.expedite("c", ["settings"])
    bus.step()
    assert (bus.done[-1].unit, bus.done[-1].part) == ("c", "settings")
    bus.step()
    assert (bus.done[-1].unit, bus.done[-1].part) == ("b", "live")


def test_a_unit_is_expedited_with_all_that_it_has_and_no_part_twice(bus):
    bus.add("a")
    bus.says["a", "settings"] = ABSENT
    bus.run(1)
    bus.schedule.expedite("a", ["live"])
    bus.schedule.expedite("a")
    assert [read.part for read in bus.run(0.15)] == ["live", "identity"]


def test_a_silent_unit_is_not_expedited(bus):
    bus.add("a")
    bus.says["a"] = SILENT
    bus.run(60)
    before = len(bus.done)
    bus.schedule.expedite("a")
    bus.step()
    assert len(bus.done) == before


def test_a_removed_unit_is_not_read_even_in_the_middle_of_its_turn(bus):
    for unit in "ab":
        bus.add(unit)
    read = bus.schedule.next(bus.now)
    assert read == Read("a", "live", reports=False)
    bus.schedule.remove("a")
    assert bus.schedule.done(read, bus.now, ANSWERED) == ()
    assert {read.unit for read in bus.run(60)} == {"b"}


def test_a_removed_unit_is_not_retried(bus):
    for unit in "ab":
        bus.add(unit)
    read = bus.schedule.next(bus.now)
    bus.schedule.done(read, bus.now, SILENT)
    bus.schedule.remove("a")
    assert {read.unit for read in bus.run(60)} == {"b"}


# --- whatever happens --------------------------------------------------------------------------------------------

UNITS = {
    "meter": METER,
    "gx": {"system": Speed.LIVE, "hub4": Speed.LIVE, "platform": Speed.SLOW, "identity": Speed.ONCE},
    "relay": {"state": Speed.LIVE},
    "generator": {"identity": Speed.ONCE, "live": Speed.LIVE, "totals": Speed.SLOW},
}
PARTS = sum(len(parts) for parts in UNITS.values())

outcomes = st.sampled_from(Outcome)
actions = st.lists(
    st.one_of(
        st.tuples(st.just("go"), st.lists(outcomes, min_size=1, max_size=12)),
        st.tuples(st.sampled_from(["add", "remove", "expedite"]), st.sampled_from(sorted(UNITS))),
        st.tuples(st.just("look_again"), st.none()),
        st.tuples(st.just("elapse"), st.floats(0, 400)),
    ),
    max_size=40,
)


@given(actions)
def test_whatever_happens_a_unit_that_answers_again_is_read_in_full_within_five_minutes(script):
    bus = Bus()
    attached: set[str] = set()
    for action, argument in script:
        match action:
            case "add" if argument not in attached:
                bus.add(argument, UNITS[argument])
                attached.add(argument)
            case "remove":
                bus.schedule.remove(argument)
                attached.discard(argument)
            case "expedite" if argument in attached:
                bus.schedule.expedite(argument)
            case "look_again":
                bus.schedule.look_again(bus.now)
            case "elapse":
                bus.now += argument
            case "go":
                for outcome in argument:
                    now = bus.now
                    bus.says = dict.fromkeys(UNITS, outcome)
                    bus.step(now + 1000)
                    assert bus.now > now
                    assert {read.unit for read in bus.done} <= attached
                    bus.done.clear()
    bus.says.clear()
    bus.run(301)
    bus.schedule.look_again(bus.now)
    bus.done.clear()
    bus.run(31)
    wanted = {(unit, part) for unit in attached for part, speed in UNITS[unit].items() if speed is not Speed.ONCE}
    assert {(read.unit, read.part) for read in bus.done} >= wanted
    assert all(bus.schedule.is_up(unit) for unit in attached)


@given(st.lists(st.sampled_from([ANSWERED, ABSENT, GONE, SILENT]), max_size=300))
def test_whatever_the_others_do_a_unit_that_answers_is_read_every_round(script):
    bus = Bus(timeout=0.1, cost=0.1)
    for unit, parts in UNITS.items():
        bus.add(unit, parts)
    for outcome in script:
        bus.says = dict.fromkeys(UNITS, outcome)
        bus.says["meter"] = ANSWERED
        bus.step()
    reads = times(bus.done, "meter", "live")
    gaps = [later - earlier for earlier, later in pairwise([*reads, bus.now])]
    # In the worst case every other unit returns in between, is read in full and falls silent again.
    assert all(gap <= 5.0 + 0.1 * 2 * PARTS for gap in gaps)
    assert ("meter", False) not in bus.reports

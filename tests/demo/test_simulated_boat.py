"""The physical model of the boat keeps its balance, and its BMS its word."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.boat import (
    LOW_CELL,
    PRE_ALARM,
    ROUTE,
    SHORTEST_WARNING,
    Bms,
    Boat,
    BoatConditions,
    BoatConfig,
    BoatControls,
    Feed,
)
from demo.model import simulate_days
from demo.site import GeneratorState, Mode

# The boat sails out on one day and returns on the next.
OUTWARD = datetime(2026, 6, 15, 10, 0, tzinfo=UTC)
HOMEWARD = datetime(2026, 6, 16, 10, 0, tzinfo=UTC)


def boat_at(now=OUTWARD, *, soc=60.0, conditions=None, **controls):
    boat = Boat(now=now)
    boat.battery.soc = soc
    boat.controls = BoatControls(**controls)
    boat.conditions = conditions or BoatConditions(shore=False, engine=False, clouds=0.0, load=300.0)
    return boat


def settle(boat, seconds=60):
    boat.advance(seconds)
    return boat.flows


def imbalance(flows):
    """What comes in less what goes out."""
    came = flows.input + flows.solar + flows.alternator + flows.converter
    return came - flows.load - flows.dc_load - flows.battery - flows.losses


@given(
    seed=st.integers(0, 1000),
    days=st.floats(0, 364),
    soc=st.floats(0, 100),
    seconds=st.floats(0.1, 60),
    conditions=st.builds(
        BoatConditions,
        shore=st.sampled_from((None, True, False)),
        engine=st.sampled_from((None, True, False)),
        clouds=st.none() | st.floats(0, 1),
        load=st.none() | st.floats(0, 20_000),
        cell=st.none() | st.floats(2.5, 3.7),
        flooding=st.booleans(),
    ),
    controls=st.builds(
        BoatControls,
        mode=st.sampled_from(Mode),
        input_current_limit=st.floats(4.5, 50),
        max_charge_current=st.none() | st.floats(0, 300),
        alternator=st.booleans(),
        converter=st.booleans(),
        generator_manual=st.booleans(),
        generator_auto=st.booleans(),
    ),
)
def test_power_is_balanced_whatever_happens(seed, days, soc, seconds, conditions, controls):
    boat = Boat(BoatConfig(seed=seed), datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=days))
    boat.battery.soc = soc
    boat.controls, boat.conditions = controls, conditions
    before = boat.counters.totals()
    for _ in range(4):
        boat.step(seconds)
        flows = boat.flows
        assert imbalance(flows) == pytest.approx(0, abs=1e-6)
        assert 0 <= flows.losses <= 16 + 0.08 * abs(flows.inverter_dc)
        assert min(flows.input, flows.load, flows.solar, flows.alternator, flows.converter, flows.dc_load) >= -1e-9
        assert flows.input <= controls.input_current_limit * 230 + 1e-6
        assert 0 <= boat.battery.soc <= 100
        assert 18 < boat.battery.voltage < 31
        assert boat.battery.lowest_cell <= boat.battery.highest_cell
        tanks, config = boat.tanks, boat.config
        for name in ("fresh_water", "fuel", "waste_water"):
            assert 0 <= getattr(tanks, name) <= getattr(config, name)
        if flows.feed is Feed.NONE:
            assert flows.input == 0
    assert all(after >= before[name] for name, after in boat.counters.totals().items())


def test_energies_are_the_integral_of_the_powers():
    boat = Boat.lived_in(OUTWARD)
    boat.battery.soc = 14.0
    hours = list(simulate_days(boat, 4))
    for hour in hours:
        for counter, measured in (
            ("solar", "solar"),
            ("shore", "shore"),
            ("alternator", "alternator"),
            ("load", "load"),
        ):
            assert hour.energies[counter] == pytest.approx(hour.mean[measured] / 1000)
        assert hour.low["battery"] <= hour.mean["battery"] <= hour.high["battery"]
    total = {name: sum(hour.energies[name] for hour in hours) for name in hours[0].energies}
    came = sum(total[name] for name in ("shore", "generator", "solar", "alternator", "converter", "battery_out"))
    assert came == pytest.approx(sum(total[name] for name in ("load", "dc_load", "battery_in", "losses")))
    assert min(total[name] for name in ("shore", "generator", "solar", "alternator", "converter", "water")) > 0
    passed = total["shore_to_load"] + total["generator_to_load"]
    charged = total["shore_to_charger"] + total["generator_to_charger"]
    assert passed + charged == pytest.approx(total["shore"] + total["generator"])
    assert passed + total["inverter_to_load"] == pytest.approx(total["load"])


# The voyage


def test_the_boat_sails_out_on_one_day_and_home_on_the_next():
    out, home = Boat(now=OUTWARD.replace(hour=4)), Boat(now=HOMEWARD.replace(hour=4))
    for boat, start, end in ((out, ROUTE[0], ROUTE[-1]), (home, ROUTE[-1], ROUTE[0])):
        assert boat.position == pytest.approx(start, abs=0.001)
        assert not boat.under_way
        boat.now = boat.now.replace(hour=10)
        assert boat.under_way
        assert boat.position != pytest.approx(start, abs=0.001)
        boat.now = boat.now.replace(hour=16)
        assert boat.position == pytest.approx(end, abs=0.001)
        assert boat.speed == 0


def test_position_speed_and_course_belong_together():
    for start in (OUTWARD, HOMEWARD):
        boat = Boat(now=start)
        north, east = boat.position
        course, speed = boat.course, boat.speed
        boat.now += timedelta(seconds=60)
        metres_north = (boat.position[0] - north) * 111_320
        metres_east = (boat.position[1] - east) * 111_320 * 0.675
        assert (metres_north**2 + metres_east**2) ** 0.5 == pytest.approx(60 * speed, rel=0.02)
        assert 1 < speed < 3
        assert 0 <= course < 360
        assert (metres_north > 0) == (course < 90 or course > 270)


def test_shore_power_comes_and_goes_with_the_berth():
    boat = Boat(now=OUTWARD.replace(hour=5))
    assert settle(boat).feed is Feed.SHORE
    boat.now = boat.now.replace(hour=12)
    assert settle(boat).feed is Feed.NONE
    boat.now = boat.now.replace(day=16, hour=16)
    assert settle(boat).feed is Feed.SHORE


def test_the_engines_run_at_both_ends_of_a_voyage():
    def running(hour, minute):
        return Boat(now=OUTWARD.replace(hour=hour, minute=minute)).engine_running

    assert [running(*at) for at in ((8, 0), (8, 45), (10, 0), (12, 15), (13, 0))] == [False, True, False, True, False]


# Powers


def test_the_battery_carries_the_boat_at_anchor():
    flows = settle(boat_at(OUTWARD.replace(hour=22)))
    assert (flows.feed, flows.output_live, flows.load) == (Feed.NONE, True, 300.0)
    assert flows.battery < -330


def test_running_engines_charge_through_alternator_and_converter_and_their_starter_batteries():
    boat = boat_at(conditions=BoatConditions(shore=False, engine=True, clouds=1.0, load=0.0))
    flows = settle(boat, 300)
    assert (flows.alternator, flows.converter) == (2400.0, 650.0)
    assert boat.converter_input > 650
    assert boat.port_battery.voltage > 14
    assert boat.starboard_battery.voltage > 14
    assert settle(replace_controls(boat, alternator=False, converter=False)).alternator == 0
    assert boat.flows.converter == 0
    boat.conditions.engine = False
    boat.advance(3 * 3600, longest_step=60)
    assert boat.port_battery.voltage == pytest.approx(12.8, abs=0.05)


def replace_controls(boat, **changes):
    boat.controls = replace(boat.controls, **changes)
    return boat


def test_a_full_battery_needs_no_sun():
    flows = settle(boat_at(soc=100.0, conditions=BoatConditions(shore=True, clouds=0.0, load=300.0)))
    assert flows.solar_limited
    assert flows.battery == pytest.approx(0, abs=5)


def test_the_shore_charges_within_its_limit_and_the_inverter_helps_beyond_it():
    boat = boat_at(conditions=BoatConditions(shore=True, clouds=1.0, load=500.0), input_current_limit=6.0)
    flows = settle(boat)
    assert flows.input == pytest.approx(1380)
    assert flows.inverter == pytest.approx(500 - 1380)
    boat.conditions.load = 3000.0
    flows = settle(boat)
    assert (flows.input, flows.inverter) == (pytest.approx(1380), pytest.approx(1620))


@pytest.mark.parametrize(
    ("mode", "feed", "live"),
    [
        (Mode.ON, Feed.SHORE, True),
        (Mode.CHARGER_ONLY, Feed.SHORE, True),
        (Mode.INVERTER_ONLY, Feed.NONE, True),
        (Mode.OFF, Feed.NONE, False),
    ],
)
def test_the_mode_says_what_the_inverter_charger_does(mode, feed, live):
    flows = settle(boat_at(conditions=BoatConditions(shore=True, load=300.0), mode=mode))
    assert (flows.feed, flows.output_live) == (feed, live)


def test_an_overload_leaves_the_sockets_dark():
    flows = settle(boat_at(conditions=BoatConditions(shore=False, load=9000.0)))
    assert (flows.output_live, flows.overload, flows.load) == (False, True, 0.0)


def test_the_generator_burns_fuel_and_charges():
    boat = boat_at(generator_manual=True)
    before = boat.tanks.fuel
    flows = settle(boat, 600)
    assert boat.generator.state is GeneratorState.RUNNING
    assert flows.feed is Feed.GENERATOR
    assert flows.battery > 1000
    assert boat.tanks.fuel < before
    assert boat.counters.genset_seconds == 600


# The BMS


def watch(bms, cells, *, charging=False):
    """Let the BMS see one voltage of the lowest cell after the other, a second each."""
    for cell in cells:
        bms.step(1, lowest=cell, highest=cell + 0.02, charging=charging)
    return bms.pre_alarm, bms.discharge_allowed


def test_a_low_cell_is_warned_of_before_the_loads_are_disconnected():
    bms = Bms()
    assert watch(bms, [PRE_ALARM + 0.01] * 60) == (False, True)
    assert watch(bms, [PRE_ALARM]) == (True, True)
    assert watch(bms, [LOW_CELL - 0.1] * int(SHORTEST_WARNING - 1)) == (True, True)
    assert watch(bms, [LOW_CELL - 0.1]) == (True, False)


def test_a_warning_alone_disconnects_nothing():
    assert watch(Bms(), [LOW_CELL] * 600) == (True, True)


def test_warning_and_disconnection_end_when_the_cells_have_recovered():
    bms = Bms()
    watch(bms, [2.7] * 40)
    assert watch(bms, [3.15]) == (True, False)
    assert watch(bms, [3.16]) == (False, True)


def test_a_disconnected_battery_goes_to_sleep_unless_it_is_charged():
    asleep, charged = Bms(), Bms()
    watch(asleep, [2.7] * 70)
    watch(charged, [2.7] * 70, charging=True)
    assert (asleep.discharge_allowed, charged.discharge_allowed) == (False, False)
    assert (asleep.shutdown, charged.shutdown) == (True, False)


def test_a_cell_beyond_4_v_may_not_be_charged():
    bms = Bms()
    bms.step(1, lowest=3.5, highest=4.0, charging=True)
    assert not bms.charge_allowed


def test_without_the_allowance_of_the_bms_nothing_is_drawn_and_the_shore_still_charges():
    boat = boat_at(OUTWARD.replace(hour=22), conditions=BoatConditions(shore=False, cell=2.7, load=300.0))
    flows = settle(boat, 40)
    assert not boat.bms.discharge_allowed
    assert (flows.load, flows.dc_load, flows.battery) == (0, 0, 0)
    boat.conditions.shore = True
    flows = settle(boat, 5)
    assert flows.battery > 2000
    assert (flows.load, flows.dc_load) == (300.0, 0)


def test_an_empty_battery_has_low_cells_by_itself():
    boat = boat_at(OUTWARD.replace(hour=22), soc=3.0, generator_auto=False)
    settle(boat, 60)
    assert boat.bms.pre_alarm
    boat.advance(3 * 3600)
    assert not boat.bms.discharge_allowed
    assert boat.bms.shutdown


# Tanks, temperatures, bilge


def test_what_is_drunk_becomes_waste_and_is_seen_to_at_the_berth():
    boat = Boat(now=OUTWARD.replace(hour=9))
    before = replace(boat.tanks)
    boat.advance(20 * 3600, longest_step=60)
    assert boat.tanks.fresh_water < before.fresh_water
    assert boat.tanks.waste_water - before.waste_water == pytest.approx(
        0.7 * (before.fresh_water - boat.tanks.fresh_water)
    )
    assert boat.counters.water == pytest.approx(before.fresh_water - boat.tanks.fresh_water)
    boat.tanks.fresh_water, boat.tanks.fuel, boat.tanks.waste_water = 0.05, 0.02, 0.11
    boat.now = boat.now.replace(day=17, hour=7, minute=0)
    boat.step(1)
    assert (boat.tanks.fresh_water, boat.tanks.fuel, boat.tanks.waste_water) == (0.30, 0.40, 0.0)


def test_the_fridge_stays_cold_with_pauses():
    boat = Boat(now=OUTWARD)
    seen = set()
    for _ in range(120):
        boat.advance(120, longest_step=60)
        seen.add(boat.climate.compressor)
        assert 3 < boat.climate.fridge < 6
        assert boat.flows.fridge in (0.0, 68.0)
    assert seen == {True, False}


def test_engines_warm_their_room():
    boat = boat_at(conditions=BoatConditions(engine=True))
    before = boat.climate.engine_room
    boat.advance(1800, longest_step=60)
    assert boat.climate.engine_room > before + 20


def test_a_little_water_is_pumped_out_and_much_raises_the_alarm():
    boat = boat_at(conditions=BoatConditions(shore=True, load=0.0))
    boat.advance(10 * 3600, longest_step=30)
    assert boat.counters.pump_starts > 0
    assert not boat.bilge.alarm
    boat.conditions.flooding = True
    boat.advance(120)
    assert (boat.bilge.pumping, boat.bilge.alarm, boat.counters.bilge_alarms) == (True, True, 1)
    boat.conditions.flooding = False
    boat.advance(300)
    assert not boat.bilge.alarm

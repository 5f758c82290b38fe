"""The physical model of the house keeps its balance and does what its controls say."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.model import simulate_days
from demo.site import (
    CarStatus,
    ChargingMode,
    Conditions,
    Controls,
    Ess,
    GeneratorReason,
    GeneratorState,
    Mode,
    Site,
    SiteConfig,
    Source,
)

NOON = datetime(2026, 6, 15, 11, 0, tzinfo=UTC)
NIGHT = datetime(2026, 6, 15, 23, 0, tzinfo=UTC)


def site_at(now, *, soc=60.0, phases=1, conditions=None, **controls):
    site = Site(SiteConfig(phases=phases), now)
    site.battery.soc = soc
    site.controls = Controls(**controls)
    site.conditions = conditions or Conditions(clouds=0.0, load=600.0, car_home=False)
    return site


def settle(site, seconds=60):
    site.advance(seconds)
    return site.flows


def imbalance(flows):
    """What comes in less what goes out."""
    came = sum(flows.grid) + sum(flows.generator) + sum(flows.pv_inverter) + flows.tracker_power
    return came - sum(flows.load) - sum(flows.car) - flows.battery - flows.losses


@given(
    phases=st.sampled_from((1, 3)),
    seed=st.integers(0, 1000),
    days=st.floats(0, 364),
    soc=st.floats(0, 100),
    seconds=st.floats(0.1, 60),
    conditions=st.builds(
        Conditions,
        grid_lost=st.booleans(),
        car_home=st.sampled_from((None, True, False)),
        clouds=st.none() | st.floats(0, 1),
        load=st.none() | st.floats(0, 20_000),
    ),
    controls=st.builds(
        Controls,
        mode=st.sampled_from(Mode),
        ess=st.sampled_from(Ess),
        minimum_soc=st.floats(0, 100),
        grid_setpoint=st.floats(-10_000, 10_000),
        external_setpoint=st.floats(-10_000, 10_000),
        max_charge_current=st.none() | st.floats(0, 300),
        max_discharge_power=st.none() | st.floats(0, 10_000),
        max_feed_in=st.none() | st.floats(0, 10_000),
        feed_in_dc=st.booleans(),
        feed_in_ac=st.booleans(),
        input_current_limit=st.floats(4.5, 50),
        generator_manual=st.booleans(),
        charging_mode=st.sampled_from(ChargingMode),
        charging_current=st.floats(6, 32),
        charging=st.booleans(),
    ),
)
def test_power_is_balanced_whatever_happens(phases, seed, days, soc, seconds, conditions, controls):
    site = Site(SiteConfig(phases=phases, seed=seed), datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=days))
    site.battery.soc = soc
    site.controls, site.conditions = controls, conditions
    before = site.counters.totals()
    for _ in range(4):
        site.step(seconds)
        flows = site.flows
        assert imbalance(flows) == pytest.approx(0, abs=1e-6)
        assert 0 <= flows.losses <= 22 * phases + 0.08 * abs(flows.inverter_dc) + 1
        assert min(flows.trackers) >= 0
        assert min(flows.pv_inverter) >= -1e-9
        assert 0 <= site.battery.soc <= 100
        assert 0.8 * 51 * 0.8 < site.battery.voltage < 60
        if flows.source is not Source.GRID:
            assert min(flows.grid) >= 0
        if conditions.grid_lost:
            assert sum(flows.grid) == 0
    assert all(after >= before[name] for name, after in site.counters.totals().items())


@pytest.mark.parametrize("phases", [1, 3])
def test_energies_are_the_integral_of_the_powers(phases):
    site = Site(SiteConfig(phases=phases))
    hours = list(simulate_days(site, 2))
    assert len(hours) == 48
    for hour in hours:
        assert hour.energies["solar_charger"] == pytest.approx(hour.mean["solar_charger"] / 1000)
        assert hour.energies["consumption"] == pytest.approx((hour.mean["load"] + hour.mean["car"]) / 1000)
        assert hour.low["grid"] <= hour.mean["grid"] <= hour.high["grid"]
    total = {name: sum(hour.energies[name] for hour in hours) for name in hours[0].energies}
    came = sum(total[name] for name in ("grid_import", "generator", "pv_inverter", "solar_charger", "battery_out"))
    went = sum(total[name] for name in ("grid_export", "consumption", "battery_in", "losses"))
    assert came == pytest.approx(went)
    assert hours[-1].counters == site.counters.totals()
    assert sum(site.counters.grid_import_phases) >= site.counters.grid_import - 1e-9


def test_the_inverter_shares_out_all_that_passes_through_it():
    site = Site()
    fed = made = 0.0
    for _ in range(288):
        site.step(300)
        fed += sum(site.flows.input) / 12_000
        made += sum(site.flows.inverter) / 12_000
    counters = site.counters
    passed = sum(counters.input_to_output.values()) - sum(counters.output_to_input.values())
    charged = sum(counters.input_to_inverter.values()) - sum(counters.inverter_to_input.values())
    assert passed + charged == pytest.approx(fed)
    assert counters.inverter_to_output - counters.output_to_inverter - charged == pytest.approx(made)


def test_the_same_seed_gives_the_same_days_and_another_seed_others():
    first, again, other = (list(simulate_days(Site(SiteConfig(seed=seed)), 1)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_the_sun_shines_by_day_alone_and_longer_in_summer():
    def sunny_hours(now):
        return sum(hour.mean["solar_charger"] > 10 for hour in simulate_days(Site(now=now), 1))

    summer = sunny_hours(datetime(2026, 6, 21, tzinfo=UTC))
    winter = sunny_hours(datetime(2026, 12, 21, tzinfo=UTC))
    assert 14 <= summer <= 17
    assert 7 <= winter <= 10


def test_clouds_take_power():
    clear, covered = (
        settle(site_at(NOON, conditions=Conditions(clouds=clouds, load=600.0, car_home=False))).tracker_power
        for clouds in (0.0, 1.0)
    )
    assert 0 < covered < clear / 2


def test_ess_holds_the_grid_setpoint_with_sun_and_battery():
    for now in (NOON, NIGHT):
        assert sum(settle(site_at(now, grid_setpoint=50.0)).grid) == pytest.approx(50)
    assert settle(site_at(NOON)).battery > 0 > settle(site_at(NIGHT)).battery


def test_a_high_setpoint_charges_from_the_grid():
    flows = settle(site_at(NIGHT, grid_setpoint=3000.0))
    assert sum(flows.grid) == pytest.approx(3000)
    assert flows.battery > 2000


def test_below_the_minimum_the_battery_is_spared_and_far_below_recharged():
    assert settle(site_at(NIGHT, soc=30, minimum_soc=40)).battery > 0
    low = settle(site_at(NIGHT, soc=39, minimum_soc=40))
    assert (low.battery, sum(low.grid)) == (pytest.approx(0, abs=1), pytest.approx(620, rel=0.05))
    assert settle(site_at(NIGHT, soc=44, minimum_soc=40)).battery < 0


def test_batterylife_keeps_more_than_the_minimum_after_days_without_sun():
    site = site_at(NIGHT, soc=30, ess=Ess.WITH_BATTERYLIFE, minimum_soc=10)
    site.conditions = Conditions(clouds=1.0, load=4000.0, car_home=False)
    before = site.soc_limit
    for _ in simulate_days(site, 3):
        pass
    assert site.soc_limit > before
    sunny = site.batterylife_limit
    site.conditions = Conditions(clouds=0.0, load=100.0, car_home=False)
    for _ in simulate_days(site, 2):
        pass
    assert site.batterylife_limit < sunny


def test_keeping_charged_takes_from_the_grid_and_never_discharges():
    assert settle(site_at(NIGHT, ess=Ess.KEEP_CHARGED)).battery > 3000
    assert settle(site_at(NIGHT, soc=100, ess=Ess.KEEP_CHARGED)).battery == pytest.approx(0, abs=30)


def test_external_control_follows_its_own_setpoint():
    assert sum(settle(site_at(NIGHT, ess=Ess.EXTERNAL, external_setpoint=-1500.0)).input) == pytest.approx(-1500)


def test_limits_of_charging_discharging_and_input_current_hold():
    assert settle(site_at(NOON, max_charge_current=20.0)).battery == pytest.approx(20 * 53, rel=0.05)
    assert settle(site_at(NOON, max_charge_current=0.0)).battery <= 1
    assert sum(settle(site_at(NIGHT, max_discharge_power=200.0)).inverter) == pytest.approx(200)
    assert sum(settle(site_at(NIGHT, grid_setpoint=5000.0, input_current_limit=6.0)).input) == pytest.approx(1380)


def test_feed_in_happens_as_far_as_it_is_allowed():
    full = {"soc": 100.0}
    assert sum(settle(site_at(NOON, **full)).grid) < -3000
    assert sum(settle(site_at(NOON, **full, max_feed_in=1000.0)).grid) == pytest.approx(-1000)
    assert sum(settle(site_at(NOON, **full, max_feed_in=0.0)).grid) >= -1e-6
    no_dc = settle(site_at(NOON, **full, feed_in_dc=False))
    assert no_dc.trackers_limited
    assert sum(no_dc.grid) > sum(settle(site_at(NOON, **full)).grid)
    no_ac = settle(site_at(NOON, **full, feed_in_ac=False, feed_in_dc=False))
    assert no_ac.limited
    assert sum(no_ac.grid) >= -1e-6


def test_without_grid_the_battery_carries_the_house():
    site = site_at(NIGHT)
    site.conditions.grid_lost = True
    flows = settle(site)
    assert (flows.source, flows.output_live, flows.load) == (Source.NONE, True, (600.0,))
    assert flows.battery == pytest.approx(-658, abs=5)


def test_without_grid_a_full_battery_throttles_the_sun():
    site = site_at(NOON, soc=100.0)
    site.conditions.grid_lost = True
    flows = settle(site)
    assert flows.limited
    assert flows.battery == pytest.approx(0, abs=5)


def test_without_grid_an_overload_or_an_empty_battery_leaves_the_house_dark():
    overloaded = site_at(NIGHT, conditions=Conditions(grid_lost=True, load=9000.0))
    empty = site_at(NIGHT, soc=2.0, generator_auto=False, conditions=Conditions(grid_lost=True, load=600.0))
    for site, overload in ((overloaded, True), (empty, False)):
        flows = settle(site)
        assert (flows.output_live, flows.overload, flows.load) == (False, overload, (0.0,))


@pytest.mark.parametrize(
    ("mode", "source", "live", "battery"),
    [
        (Mode.ON, Source.GRID, True, -1),
        (Mode.CHARGER_ONLY, Source.GRID, True, 0),
        (Mode.INVERTER_ONLY, Source.NONE, True, -1),
        (Mode.OFF, Source.NONE, False, 0),
    ],
)
def test_the_mode_says_what_the_inverter_charger_does(mode, source, live, battery):
    flows = settle(site_at(NIGHT, mode=mode))
    assert (flows.source, flows.output_live) == (source, live)
    assert (flows.battery < -100) == (battery < 0)


def test_a_generator_warms_up_carries_the_house_charges_and_cools_down():
    site = site_at(NIGHT, generator_manual=True)
    site.conditions.grid_lost = True
    seen: list[GeneratorState] = []
    for second in range(120):
        site.controls.generator_manual = second < 60
        site.step(1)
        if not seen or seen[-1] is not site.generator.state:
            seen.append(site.generator.state)
        if site.generator.state is GeneratorState.RUNNING:
            assert site.flows.source is Source.GENERATOR
            assert site.flows.battery > 0
            assert site.generator.reason is (GeneratorReason.MANUAL if second < 60 else GeneratorReason.NONE)
    assert seen == [GeneratorState.WARM_UP, GeneratorState.RUNNING, GeneratorState.COOL_DOWN, GeneratorState.STOPPED]
    assert site.generator.runtime == 80
    assert site.counters.generator > 0


def test_a_generator_that_is_not_wanted_any_more_stops_warming_up():
    site = site_at(NIGHT, generator_manual=True)
    site.step(1)
    site.controls.generator_manual = False
    site.step(1)
    assert site.generator.state is GeneratorState.STOPPED


def test_a_low_battery_starts_the_generator_until_it_has_some_charge():
    site = site_at(NIGHT, soc=12, conditions=Conditions(grid_lost=True, load=300.0))
    site.advance(60)
    assert (site.generator.state, site.generator.reason) == (GeneratorState.RUNNING, GeneratorReason.STATE_OF_CHARGE)
    site.advance(4 * 3600)
    assert site.generator.state is GeneratorState.STOPPED
    assert site.battery.soc > 30


def test_the_car_comes_in_the_evening_with_less_than_it_left_with():
    site = Site(now=datetime(2026, 6, 15, 5, tzinfo=UTC))
    site.controls.charging = False
    site.advance(3600)
    assert (site.station.home, site.station.status) == (False, CarStatus.DISCONNECTED)
    before = site.station.car_soc
    site.advance(11 * 3600, longest_step=300)
    assert site.station.status is CarStatus.WAITING_FOR_START
    assert site.station.car_soc < before


@pytest.mark.parametrize(
    ("now", "controls", "status", "current"),
    [
        (NIGHT, {}, CarStatus.CHARGING, 10),
        (NIGHT, {"charging_current": 32.0}, CarStatus.CHARGING, 16),
        (NIGHT, {"charging": False}, CarStatus.WAITING_FOR_START, 0),
        (NIGHT, {"charging_mode": ChargingMode.AUTO}, CarStatus.WAITING_FOR_SUN, 0),
        (NOON, {"charging_mode": ChargingMode.AUTO}, CarStatus.CHARGING, 16),
        (NIGHT, {"charging_mode": ChargingMode.SCHEDULED}, CarStatus.CHARGING, 16),
        (NOON, {"charging_mode": ChargingMode.SCHEDULED}, CarStatus.WAITING_FOR_START, 0),
    ],
)
def test_the_station_charges_as_its_mode_says(now, controls, status, current):
    site = site_at(now, conditions=Conditions(clouds=0.0, load=300.0, car_home=True), **controls)
    flows = settle(site)
    assert (site.station.status, site.station.current) == (status, current)
    assert sum(flows.car) == current * 230


def test_a_full_car_stops_charging_and_the_session_counts():
    site = site_at(NIGHT, conditions=Conditions(load=300.0, car_home=True))
    site.station.car_soc = 99.0
    site.advance(3600)
    assert site.station.status is CarStatus.CHARGED
    assert site.station.session_energy == pytest.approx(0.51, abs=0.05)
    assert site.station.charging_time < site.station.session_time == pytest.approx(3600)


def test_a_battery_gives_back_less_than_it_took():
    site = Site()
    battery = replace(site.battery, soc=50.0)
    battery.step(3000, 3600)
    charged = battery.soc
    battery.step(-3000, 3600)
    assert battery.soc < 50 < charged < 75
    assert battery.voltage < battery.resting_voltage


def test_time_to_go_is_known_while_the_battery_discharges():
    site = site_at(NIGHT)
    settle(site)
    assert 36_000 < site.battery.time_to_go < 60_000
    assert site_at(NOON).battery.time_to_go is None


def test_the_history_of_yesterday_is_what_today_was():
    site = Site(now=datetime(2026, 6, 15, 10, tzinfo=UTC))
    site.advance(10 * 3600, longest_step=300)
    today = site.days[0]
    assert sum(today.yields) > 5
    site.advance(4 * 3600, longest_step=300)
    assert site.days[1] is today
    assert sum(site.days[0].yields) == 0

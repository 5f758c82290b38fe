"""The simulated AURA obeys physics and the guide, and shows itself in both candidate maps."""

import csv
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.constants import ExcCodes

from demo.aura import FAULTS, WARNINGS, Aura, AuraConfig, State, WorkMode
from demo.aura_registers import (
    AFORE,
    DATA,
    MAPS,
    MEGAREVO,
    MEMORY,
    READINGS,
    WRITINGS,
    AuraUnit,
    decode,
    encode,
    load_map,
    placed,
)
from demo.site import Site

NOON = datetime(2026, 6, 15, 10, 0, tzinfo=UTC)
MIDNIGHT = datetime(2026, 6, 15, 22, 0, tzinfo=UTC)

ADDRESS = ExcCodes.ILLEGAL_ADDRESS
VALUE = ExcCodes.ILLEGAL_VALUE


def sunny(**config):
    """An AURA under a clear sky at noon, with a steady load."""
    aura = Aura(AuraConfig(**config), now=NOON)
    aura.conditions.clouds = 0
    aura.conditions.load = 800
    aura.advance(10)
    return aura


def nightly():
    aura = Aura(now=MIDNIGHT)
    aura.conditions.load = 800
    aura.advance(10)
    return aura


def row(map_name, name):
    return next(it for it in load_map(map_name) if it.name == name)


def read(unit, function, address, count):
    """The words of a block that is there."""
    words = unit.read(function, address, count)
    assert isinstance(words, list), words
    return words


def shown(unit, name):
    """What a register says, read as a client does."""
    register = row(unit.map_name, name)
    return decode(register, read(unit, register.read_by, register.address, register.size))


def tell(unit, name, value):
    """Write a register with the last of its functions."""
    register = row(unit.map_name, name)
    return unit.write(max(register.written_by), register.address, encode(register, value))


def text(unit, name):
    register = row(unit.map_name, name)
    words = read(unit, register.read_by, register.address, register.size)
    return b"".join(word.to_bytes(2) for word in words).rstrip(b"\0").decode("ascii")


# Physics


@pytest.mark.parametrize("mode", WorkMode)
@pytest.mark.parametrize("start", [NOON, MIDNIGHT])
def test_what_flows_in_flows_out(mode, start):
    aura = Aura(AuraConfig(retrofit_peak=2000), now=start)
    aura.settings.work_mode = mode
    for _ in range(24):
        aura.advance(1800)
        flows = aura.flows
        assert flows.grid + flows.inverter + flows.retrofit == pytest.approx(flows.load)
        dc = flows.pv - flows.battery
        assert flows.inverter <= max(dc, 0)
        assert dc - flows.inverter <= 0.06 * abs(dc) + 25
        assert 0 <= aura.battery.soc <= 100


def test_self_use_buys_nothing_as_long_as_there_is_anything_in_the_battery():
    aura = nightly()
    assert (aura.flows.grid, aura.flows.pv) == (pytest.approx(0), 0)
    assert aura.flows.battery < -800
    aura.settings.on_grid_soc_min = 100
    aura.advance(10)
    assert aura.flows.grid > 800
    assert aura.flows.battery == pytest.approx(0)


def test_a_full_battery_sends_the_sun_to_the_grid():
    aura = sunny()
    aura.settings.soc_max = aura.battery.soc
    aura.advance(10)
    assert aura.flows.battery == pytest.approx(0)
    assert aura.flows.grid < -1500
    aura.settings.feed_in_limit = 100
    aura.advance(10)
    assert aura.flows.grid == pytest.approx(-100)


def test_output_and_battery_keep_to_their_limits():
    aura = sunny()
    aura.settings.work_mode = WorkMode.SELL_FIRST
    aura.advance(10)
    assert aura.flows.inverter == 5000
    aura.settings.output_power_limit = 40
    aura.advance(10)
    assert aura.flows.inverter == 2000
    aura.settings.output_power_limit, aura.settings.discharge_current_max = 100, 10
    aura.advance(10)
    assert aura.flows.battery == pytest.approx(-10 * aura.battery.voltage, rel=0.01)


def test_each_working_mode_does_what_it_says():
    aura = nightly()
    power = {}
    for mode in WorkMode:
        aura.settings.work_mode = mode
        aura.settings.setpoint, aura.settings.charging = -700, True
        aura.advance(10)
        power[mode] = aura.flows.battery
    assert power[WorkMode.PEAK_SHIFT] > 4000
    assert power[WorkMode.SELL_FIRST] < -4000
    assert power[WorkMode.COMMAND] == pytest.approx(700)
    assert power[WorkMode.MAINTAIN] == power[WorkMode.BATTERY_PRIORITY] == pytest.approx(0)
    assert power[WorkMode.SELF_USE] == power[WorkMode.EXTERNAL_EMS] == power[WorkMode.PEAK_CUT] < -800
    aura.settings.work_mode, aura.settings.charging = WorkMode.COMMAND, False
    aura.advance(10)
    assert aura.flows.battery == pytest.approx(0)


def test_the_backup_output_lives_on_when_the_grid_is_lost():
    aura = nightly()
    aura.conditions.grid_lost = True
    aura.advance(10)
    assert (aura.state, aura.on_backup) == (State.GENERATING, True)
    assert (aura.grid_voltage, aura.grid_frequency, aura.backup_voltage) == (0, 0, 230)
    assert aura.flows.backup == aura.flows.inverter == pytest.approx(800 * 0.45)
    assert aura.alarms == ("W00", "W02")
    aura.conditions.load = 20000
    aura.advance(10)
    assert aura.flows.load == 0
    assert "W09" in aura.alarms


def test_without_backup_a_power_cut_is_a_standby_and_a_new_countdown():
    aura = nightly()
    aura.setup.eps = False
    aura.switch_off()
    aura.advance(180)
    aura.switch_on()
    aura.advance(60)
    assert (aura.state, aura.backup_voltage) == (State.GENERATING, 0)
    aura.conditions.grid_lost = True
    aura.advance(10)
    assert (aura.state, aura.flows.load, aura.flows.battery) == (State.STANDBY, 0, 0)
    aura.conditions.grid_lost = False
    aura.advance(10)
    assert aura.state is State.BOOT_COUNTDOWN


def test_retrofit_pv_charges_the_battery_only_where_it_is_coupled():
    aura = sunny(retrofit_peak=4000, string_peaks=(0, 0))
    assert aura.flows.inverter < -1000
    assert aura.flows.battery > 1000
    aura.setup_in_force.ac_couple = False
    aura.advance(10)
    assert aura.flows.grid < -1000
    assert aura.flows.battery == pytest.approx(0, abs=20)


def test_today_ends_at_midnight_and_the_total_does_not():
    aura = Aura.lived_in(now=NOON)
    before = aura.total.pv
    aura.advance(3600)
    gained = aura.today.pv
    assert gained > 0.1
    assert aura.total.pv == pytest.approx(before + gained)
    aura.advance(12 * 3600)
    assert aura.today.pv == 0
    assert aura.total.pv > before + gained


def test_at_a_site_sky_people_and_power_cuts_are_those_of_the_site():
    site = Site(now=NOON)
    aura = Aura(site=site)
    site.conditions.clouds = 0
    site.advance(600)
    aura.advance(600)
    assert aura.now == site.now
    clear = aura.flows.pv
    assert aura.flows.load == sum(site.flows.load) + sum(site.flows.car)
    assert aura.flows.retrofit == sum(site.flows.pv_inverter)
    site.conditions.clouds, site.conditions.grid_lost = 1, True
    site.advance(10)
    aura.advance(10)
    assert 0 < aura.flows.pv < clear / 2
    assert aura.on_backup
    aura.conditions.grid_lost, aura.conditions.clouds, aura.conditions.load = False, 0, 123
    aura.advance(0)
    assert (aura.on_backup, aura.flows.load) == (False, 123)
    assert aura.flows.pv == pytest.approx(clear, rel=0.05)


# States and alarms


def test_it_boots_for_a_minute_and_then_generates():
    aura = sunny()
    aura.switch_off()
    assert (aura.state, aura.answers, aura.flows.pv) == (State.OFF, False, 0)
    aura.advance(30)
    aura.switch_on()
    assert (aura.state, aura.countdown, aura.flows.pv) == (State.BOOT_COUNTDOWN, 60, 0)
    aura.advance(50)
    assert (aura.state, aura.countdown) == (State.BOOT_COUNTDOWN, 10)
    aura.advance(10)
    assert (aura.state, aura.countdown) == (State.GENERATING, 0)
    assert aura.flows.pv > 1000


@pytest.mark.parametrize(("rest", "in_force"), [(170, True), (180, False)])
def test_what_is_set_up_is_in_force_after_three_minutes_off(rest, in_force):
    aura = sunny()
    aura.setup.eps = False
    aura.advance(3600)
    assert aura.setup_in_force.eps
    aura.switch_off()
    aura.advance(rest)
    aura.switch_on()
    assert aura.setup_in_force.eps is in_force


def test_a_restart_is_no_rest():
    aura = sunny()
    aura.setup.eps = False
    aura.restart()
    assert (aura.state, aura.flows.pv) == (State.BOOT_COUNTDOWN, 0)
    aura.advance(60)
    assert (aura.state, aura.setup_in_force.eps) == (State.GENERATING, True)
    aura.switch_off()
    aura.restart()
    assert aura.state is State.OFF


def test_a_fault_stops_it_until_it_is_cleared():
    aura = sunny()
    aura.raise_alarm("W12")
    assert aura.state is State.GENERATING
    aura.raise_alarm("F07")
    assert (aura.state, aura.alarms, aura.flows.pv) == (State.FAULT, ("F07", "W12"), 0)
    aura.clear_alarm("F07")
    aura.clear_alarm("F07")
    assert (aura.state, aura.alarms) == (State.BOOT_COUNTDOWN, ("W12",))


def test_only_alarms_of_the_guide_can_be_raised():
    assert (len(FAULTS), len(WARNINGS)) == (21, 29)
    assert not FAULTS & {"F03", "F21", "F31"}
    for code in ("F03", "W29", "A01"):
        with pytest.raises(ValueError, match=code):
            sunny().raise_alarm(code)


@pytest.mark.parametrize(
    ("name", "value", "alarm"), [("panels", False, "W04"), ("battery_lost", True, "W05"), ("ct_reversed", True, "W28")]
)
def test_what_happens_is_warned_of(name, value, alarm):
    aura = sunny()
    setattr(aura.conditions, name, value)
    assert aura.alarms == (alarm,)


def test_an_empty_battery_is_warned_of_and_keeps_it_in_standby_by_night():
    aura = nightly()
    aura.battery.soc = 2
    aura.advance(20)
    assert (aura.alarms, aura.state) == (("W06",), State.STANDBY)


def test_it_may_sleep_at_night():
    aura = nightly()
    assert aura.answers
    aura.sleeps_at_night = True
    assert not aura.answers
    awake = sunny()
    awake.sleeps_at_night = True
    assert awake.answers


def test_what_it_was_survives_a_restart_of_the_demo():
    aura = Aura.lived_in(now=NOON)
    aura.setup.eps, aura.settings.work_mode = False, WorkMode.PEAK_SHIFT
    aura.advance(3600)
    kept = json.loads(json.dumps(aura.snapshot()))
    again = Aura(now=aura.now)
    again.restore({})
    assert again.total.pv == 0
    again.restore(kept)
    assert again.snapshot() == aura.snapshot()
    assert again.settings.work_mode is WorkMode.PEAK_SHIFT


# Both maps


@pytest.mark.parametrize("name", MAPS)
def test_every_row_shows_something(name):
    unit = AuraUnit(sunny(), name)
    for register in load_map(name):
        assert len(encode(register, unit.value(register))) == register.size
    names = {it.name for it in load_map(name)}
    placeless = {it.name for it in load_map(MEGAREVO) if it.address is None}
    assert READINGS[name].keys() - names - placeless <= {"rated_power", "battery_soh"}
    assert MEMORY[name].keys() <= names
    assert WRITINGS[name].keys() <= names


@pytest.mark.parametrize("name", MAPS)
def test_every_row_of_the_list_is_served_where_and_how_it_stands_there(name):
    unit = AuraUnit(sunny(), name)
    with (DATA / "registers.csv").open(encoding="utf-8", newline="") as file:
        rows = [it for it in csv.DictReader(file) if it["map"] == name and it["address_dec"]]
    assert len(rows) == {MEGAREVO: 76, AFORE: 184}[name]
    for it in rows:
        address, size, function = int(it["address_hex"], 16), int(it["words"]), int(it["fc_read"])
        words = read(unit, function, address, size)
        assert len(words) == size
        if it["access"] == "rw":
            for code in it["fc_write"].split("/"):
                assert unit.write(int(code), address, words) is None
            if it["name"] != "clock":
                assert unit.read(function, address, size) == words
        elif function == 3:
            assert unit.write(16, address, words) in (ADDRESS, ExcCodes.ILLEGAL_FUNCTION)


def test_megarevo_shows_the_powers_with_the_signs_of_its_map():
    unit = AuraUnit(nightly(), MEGAREVO)
    flows = unit.aura.flows
    assert shown(unit, "battery_power") == round(flows.battery) < -800
    assert shown(unit, "battery_current") == pytest.approx(unit.aura.battery.current, abs=0.05)
    assert shown(unit, "battery_current_alt") < 0
    assert shown(unit, "load_power_1p") == 800
    assert shown(unit, "load_l1_power") == 360
    assert shown(unit, "battery_soc") == pytest.approx(unit.aura.battery.soc, abs=0.05)
    unit.aura.settings.work_mode = WorkMode.PEAK_SHIFT
    unit.aura.advance(10)
    assert shown(unit, "grid_power_1p") == shown(unit, "grid_l1_power") == round(unit.aura.flows.grid) > 4000
    assert shown(unit, "battery_power") > 4000


def test_afore_shows_the_powers_with_the_signs_of_its_map():
    unit = AuraUnit(nightly(), AFORE)
    flows = unit.aura.flows
    assert shown(unit, "battery_power") == round(-flows.battery) > 800
    assert shown(unit, "battery_current") > 0
    assert shown(unit, "bms_current") == -shown(unit, "battery_current")
    assert shown(unit, "inverter_power") == round(flows.inverter)
    assert shown(unit, "battery_soc") == round(unit.aura.battery.soc)
    assert shown(unit, "battery_state") == 5
    unit.aura.settings.work_mode = WorkMode.PEAK_SHIFT
    unit.aura.advance(10)
    assert (shown(unit, "grid_power") > 4000, shown(unit, "battery_state")) == (True, 4)


@pytest.mark.parametrize("name", MAPS)
def test_the_strings_and_the_energies_are_those_of_the_model(name):
    unit = AuraUnit(Aura.lived_in(now=NOON), name)
    unit.aura.conditions.clouds = 0
    unit.aura.advance(7200)
    for place, power in enumerate(unit.aura.flows.strings, 1):
        voltage, current = shown(unit, f"pv{place}_voltage"), shown(unit, f"pv{place}_current")
        assert shown(unit, f"pv{place}_power") == round(power) > 500
        assert voltage * current == pytest.approx(power, abs=0.06 * voltage)
    assert shown(unit, "pv3_power") == 0
    for register, energy in (("pv", "pv"), ("export", "exported"), ("battery_charge", "charged"), ("load", "load")):
        for period in ("today", "total"):
            told = shown(unit, f"{register}_energy_{period}")
            assert told == pytest.approx(getattr(getattr(unit.aura, period), energy), abs=0.05)


def test_a_string_has_a_voltage_by_day_even_if_nothing_is_drawn():
    unit = AuraUnit(sunny(), MEGAREVO)
    at_work = shown(unit, "pv1_voltage")
    unit.aura.restart()
    assert shown(unit, "pv1_voltage") > at_work > 200
    assert (shown(unit, "pv1_current"), shown(AuraUnit(nightly(), MEGAREVO), "pv1_voltage")) == (0, 0)


def test_words_stand_in_the_order_of_their_map():
    unit = AuraUnit(sunny(), MEGAREVO)
    unit.aura.total.pv = 100.0
    assert unit.read(3, 0x3165, 2) == [100_000 & 0xFFFF, 1]
    afore = AuraUnit(unit.aura, AFORE)
    unit.aura.total.pv = 10_000.0
    assert afore.read(4, 0x0402, 2) == [1, 100_000 & 0xFFFF]


def test_the_texts_are_in_ascii_from_the_first_byte_on():
    aura = sunny()
    assert text(AuraUnit(aura, MEGAREVO), "serial_number") == aura.config.serial
    unit = AuraUnit(aura, AFORE)
    assert (text(unit, "inverter_name"), text(unit, "serial_number")) == ("AURA 10KM-BG", aura.config.serial)


def test_the_state_is_told_in_the_numbers_of_the_map():
    aura = sunny()
    unit = AuraUnit(aura, AFORE)
    assert shown(unit, "inverter_state") == 3
    aura.conditions.grid_lost = True
    assert shown(unit, "inverter_state") == 4
    aura.raise_alarm("F00")
    assert shown(unit, "inverter_state") == 10
    aura.enabled = False
    aura.advance(1)
    assert shown(unit, "inverter_state") == 9
    aura.clear_alarm("F00")
    aura.enabled, aura.conditions.grid_lost = True, False
    aura.advance(0)
    assert (shown(unit, "inverter_state"), shown(unit, "connect_countdown")) == (2, 60)
    aura.battery.soc, aura.conditions.clouds, aura.now = 1, None, MIDNIGHT
    aura.advance(20)
    assert shown(unit, "inverter_state") == 1


def test_a_lost_battery_is_shown_as_none():
    aura = sunny()
    aura.conditions.battery_lost = True
    aura.advance(10)
    unit = AuraUnit(aura, AFORE)
    assert {shown(unit, name) for name in ("battery_state", "battery_voltage", "battery_soc", "battery_power")} == {0}


def test_the_grid_is_lost_in_the_registers_as_well():
    aura = sunny()
    aura.conditions.grid_lost = True
    aura.advance(10)
    unit = AuraUnit(aura, MEGAREVO)
    assert (shown(unit, "grid_frequency_1p"), shown(unit, "grid_l1_voltage"), shown(unit, "grid_l1_current")) == (
        0,
        0,
        0,
    )
    assert shown(unit, "load_l1_voltage") == 230


# Reading and writing


@pytest.mark.parametrize(
    ("name", "function", "address", "count", "why"),
    [
        (MEGAREVO, 3, 0x3145, 3, ADDRESS),
        (MEGAREVO, 3, 0x3144, 1, ADDRESS),
        (MEGAREVO, 4, 0x3145, 1, ExcCodes.ILLEGAL_FUNCTION),
        (MEGAREVO, 1, 0x3145, 1, ExcCodes.ILLEGAL_FUNCTION),
        (MEGAREVO, 3, 0x3145, 0, VALUE),
        (MEGAREVO, 3, 0x3145, 126, VALUE),
        (AFORE, 4, 204, 1, ADDRESS),
        (AFORE, 3, 2002, 1, ADDRESS),
    ],
)
def test_what_is_not_there_spoils_the_block(name, function, address, count, why):
    assert AuraUnit(sunny(), name).read(function, address, count) is why


def test_the_same_address_is_another_register_for_another_function():
    unit = AuraUnit(sunny(), AFORE)
    assert (unit.read(3, 3000, 1), unit.read(4, 3000, 1)) == ([1], [0])


def test_holes_may_read_zero():
    unit = AuraUnit(sunny(), MEGAREVO)
    unit.holes_read_zero = True
    soc, temperature, hole = read(unit, 3, 0x3145, 3)
    assert (soc > 0, temperature > 0, hole) == (True, True, 0)
    assert unit.write(16, 0x3144, [1]) is ADDRESS


def test_a_firmware_may_lack_registers():
    unit = AuraUnit(sunny(), AFORE)
    unit.lacking = set(range(0x00CE, 0x00D4))
    assert unit.read(3, 0x00CC, 1) == [28]
    assert unit.read(3, 0x00CE, 2) is ADDRESS
    assert unit.write(16, 0x00CE, [0, 0]) is ADDRESS


def test_a_working_mode_that_is_written_is_what_it_works_by():
    for name, number, mode in ((MEGAREVO, 2, WorkMode.BATTERY_PRIORITY), (AFORE, 2, WorkMode.SELL_FIRST)):
        unit = AuraUnit(sunny(), name)
        assert tell(unit, "work_mode", number) is None
        assert (unit.aura.settings.work_mode, shown(unit, "work_mode")) == (mode, number)
        assert list(unit.writes) == [("work_mode", number)]


def test_a_mode_that_a_map_does_not_know_shows_as_its_first():
    unit = AuraUnit(sunny(), MEGAREVO)
    unit.aura.settings.work_mode = WorkMode.MAINTAIN
    assert shown(unit, "work_mode") == 0


def test_values_out_of_range_are_refused():
    unit = AuraUnit(sunny(), AFORE)
    for name, value in (("work_mode", 10), ("work_mode", 7), ("charge_command", 1), ("soc_max", 100.1), ("clock", 0)):
        assert tell(unit, name, value) is VALUE
    assert tell(AuraUnit(sunny(), MEGAREVO), "work_mode", 3) is VALUE
    assert not unit.writes


def test_a_register_is_written_by_its_own_functions_only():
    unit = AuraUnit(sunny(), AFORE)
    assert unit.write(6, 206, [9]) is ADDRESS
    assert unit.write(6, 204, [14]) is None
    assert shown(unit, "grid_code") == 14
    assert unit.write(6, 204, [14, 1]) is VALUE
    assert unit.write(5, 204, [14]) is ExcCodes.ILLEGAL_FUNCTION
    assert unit.write(3, 204, [14]) is ExcCodes.ILLEGAL_FUNCTION
    assert AuraUnit(sunny(), MEGAREVO).write(6, 0x3400, [1]) is ExcCodes.ILLEGAL_FUNCTION


def test_a_block_is_written_as_a_whole():
    unit = AuraUnit(sunny(), AFORE)
    assert unit.write(16, 2509, [0x0600, 0x0730]) is None
    assert (shown(unit, "ac_charge_1_start"), shown(unit, "ac_charge_1_end")) == (0x0600, 0x0730)
    assert unit.write(16, 2508, [0x0000, 0x0100]) is None
    assert unit.aura.settings.discharge_power_max == 0
    assert unit.write(16, 3005, [900, 200, 1]) is ADDRESS
    assert unit.aura.settings.soc_max == 100


def test_half_a_value_leaves_the_other_half():
    unit = AuraUnit(sunny(), AFORE)
    assert tell(unit, "feed_in_limit", 0x12345) is None
    assert unit.write(16, 2040, [7]) is None
    assert shown(unit, "feed_in_limit") == 0x10007


def test_backup_and_grid_code_wait_for_the_rest():
    unit = AuraUnit(sunny(), AFORE)
    aura = unit.aura
    assert (shown(unit, "grid_code"), shown(unit, "grid_code_active"), shown(unit, "function_enable")) == (28, 28, 9)
    tell(unit, "grid_code", 34)
    tell(unit, "function_enable", 1 << 14 | 1)
    assert (shown(unit, "grid_code_active"), shown(unit, "function_enable")) == (28, 1 << 14 | 1)
    assert (aura.setup.eps, aura.setup_in_force.eps) == (False, True)
    aura.switch_off()
    aura.advance(180)
    aura.switch_on()
    assert (shown(unit, "grid_code_active"), aura.setup_in_force.eps) == (34, False)
    tell(unit, "grid_code", 28)
    assert aura.setup.grid_code == 50549


def test_it_can_be_told_to_be_off_and_still_answers():
    unit = AuraUnit(sunny(), AFORE)
    tell(unit, "function_enable", 0)
    unit.aura.advance(10)
    assert (unit.aura.state, unit.aura.answers, shown(unit, "inverter_state")) == (State.OFF, True, 9)
    tell(unit, "function_enable", 9)
    unit.aura.advance(70)
    assert unit.aura.state is State.GENERATING


def test_commands_and_the_clock_are_taken():
    unit = AuraUnit(sunny(), AFORE)
    tell(unit, "function_command", 1 << 4)
    assert unit.aura.state is State.GENERATING
    tell(unit, "function_command", 1 << 3)
    assert (unit.aura.state, shown(unit, "function_command")) == (State.BOOT_COUNTDOWN, 0)
    told = bytes((26, 6, 15, 13, 30, 0))
    assert unit.write(16, 500, [int.from_bytes(told[at : at + 2]) for at in (0, 2, 4)]) is None
    assert timedelta(minutes=80) < unit.aura.clock_error < timedelta(minutes=100)
    assert shown(unit, "clock") == int.from_bytes(told)


def test_limits_and_commands_change_the_model():
    unit = AuraUnit(sunny(), AFORE)
    settings = unit.aura.settings
    for name, value in (
        ("output_power_limit_percent", 60),
        ("charge_command", 0xAA),
        ("charge_power_setpoint", -1500),
        ("on_grid_soc_min", 35.5),
        ("charge_current_max", 42.25),
    ):
        assert tell(unit, name, value) is None
        assert shown(unit, name) == pytest.approx(value)
    assert (settings.output_power_limit, settings.charging, settings.setpoint) == (60, True, -1500)
    assert (settings.on_grid_soc_min, settings.charge_current_max) == (35.5, 42.25)
    tell(unit, "output_power_limit", 2500)
    assert settings.output_power_limit == 50


def test_writes_are_refused_while_remote_control_is_disabled():
    unit = AuraUnit(sunny(), MEGAREVO)
    unit.aura.remote_control = 1
    assert tell(unit, "work_mode", 1) is ExcCodes.DEVICE_FAILURE
    unit.refusal = ExcCodes.ILLEGAL_FUNCTION
    assert tell(unit, "work_mode", 1) is ExcCodes.ILLEGAL_FUNCTION
    assert (shown(unit, "work_mode"), list(unit.writes)) == (0, [])
    unit.aura.remote_control = 2
    assert tell(unit, "work_mode", 1) is None


# What no source knows


def test_alarm_words_are_served_where_an_owner_found_them():
    registers = placed(MEGAREVO, "fault_bits", 0x3500, size=2), placed(MEGAREVO, "warning_bits", 0x3502, size=2)
    unit = AuraUnit(sunny(), MEGAREVO, also=registers)
    assert unit.read(3, 0x3500, 4) == [0, 0, 0, 0]
    for code in ("F20", "F00", "W28"):
        unit.aura.raise_alarm(code)
    assert unit.read(3, 0x3500, 4) == [1 << 4, 1, 1 << 12, 0]
    assert AuraUnit(unit.aura, MEGAREVO).read(3, 0x3500, 1) is ADDRESS


@pytest.mark.parametrize(
    ("name", "number", "part", "value"),
    [
        ("eps_enable", 0, "setup.eps", False),
        ("ac_couple_enable", 0, "setup.ac_couple", False),
        ("grid_code", 50438, "setup.grid_code", 50438),
        ("charge_current_limit", 50, "settings.charge_current_max", 50),
        ("discharge_power_limit", 80, "settings.discharge_power_max", 80),
        ("on_grid_dod", 70, "settings.on_grid_soc_min", 30),
        ("off_grid_dod", 95, "settings.soc_min", 5),
        ("time_of_use", 3, None, None),
    ],
)
def test_what_an_owner_found_can_be_written(name, number, part, value):
    register = placed(MEGAREVO, name, 0x3500, written_by=(6, 16))
    unit = AuraUnit(sunny(), MEGAREVO, also=(register,))
    assert unit.write(6, 0x3500, [number]) is None
    assert unit.read(3, 0x3500, 1) == [number]
    if part:
        group, attribute = part.split(".")
        assert getattr(getattr(unit.aura, group), attribute) == value


def test_only_a_row_without_address_can_be_placed():
    with pytest.raises(ValueError, match="work_mode"):
        placed(MEGAREVO, "work_mode", 1)


def test_a_map_that_is_none_is_refused():
    with pytest.raises(ValueError, match="deye"):
        AuraUnit(sunny(), "deye")


def test_a_value_can_be_forced():
    unit = AuraUnit(sunny(), AFORE)
    unit.forced["grid_fault"] = 0b10
    assert shown(unit, "grid_fault") == 2


@given(st.sampled_from(load_map(AFORE) + load_map(MEGAREVO)), st.data())
def test_what_is_encoded_is_what_is_decoded(register, data):
    words = data.draw(st.lists(st.integers(0, 0xFFFF), min_size=register.size, max_size=register.size))
    if register.size <= 3:
        assert encode(register, decode(register, words)) == words

"""The health checks of an installation, with an explicit clock."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from custom_components.energy_suite.gateways.victron.battery import BatteryDevice
from custom_components.energy_suite.gateways.victron.environment import DigitalInput
from custom_components.energy_suite.gateways.victron.generator import GeneratorStartStop
from custom_components.energy_suite.gateways.victron.genset import AcGenset, DcGenset
from custom_components.energy_suite.gateways.victron.gx import GxDevice
from custom_components.energy_suite.gateways.victron.loads import TankPump
from custom_components.energy_suite.gateways.victron.vebus import InverterCharger
from custom_components.energy_suite.site import health
from custom_components.energy_suite.site.health import CHECKS, DAY, HOUR, Finding, Health, Limits, Remembered

START = 1_800_000_000.0
MINUTE = 60.0


@dataclass
class Battery:
    managed: bool = True
    voltage: float | None = 52.0
    temperature: float | None = 20.0
    maximum_cell_temperature: float | None = None
    minimum_cell_voltage: float | None = None
    maximum_cell_voltage: float | None = None
    cell_voltage_spread: float | None = None

    @classmethod
    def with_cells(cls, lowest: float, highest: float) -> Battery:
        return cls(
            minimum_cell_voltage=lowest, maximum_cell_voltage=highest, cell_voltage_spread=round(highest - lowest, 2)
        )


@dataclass
class Inverter:
    dc_voltage: float | None = 52.0
    dc_temperature: float | None = None
    bms_error: bool | None = None


@dataclass
class Generator:
    generator_running: bool | None = False


@dataclass
class StartStop:
    generator_running: bool | None = False
    service_countdown: float | None = None


@dataclass
class System:
    grid_input_lost: bool | None = None
    dvcc_supported: bool | None = None


class Site:
    """An installation that is looked at whenever the test says."""

    def __init__(self, limits: Limits | None = None, **devices: object) -> None:
        self.devices = devices
        self.names = {key: key.title() for key in devices}
        self.health = Health(limits or Limits(), Remembered())

    def look(self, after: float) -> Mapping[str, Finding]:
        return self.health.look(self.devices, self.names, START + after)

    def problem(self, check: str, after: float) -> bool | None:
        found = self.look(after).get(check)
        return None if found is None else found.problem

    def numbers(self, check: str, after: float) -> Mapping[str, Any]:
        return self.look(after)[check].numbers


# --- cells and batteries --------------------------------------------------------------------------------------------


def test_cells_a_tenth_of_a_volt_apart_for_a_minute_are_a_problem() -> None:
    site = Site(battery=Battery.with_cells(3.25, 3.35))
    assert [site.problem("cell_imbalance", after) for after in (0, 59, 60, 61)] == [False, False, True, True]
    assert site.numbers("cell_imbalance", 62) == {
        "spread": 0.1,
        "minimum_cell_voltage": 3.25,
        "maximum_cell_voltage": 3.35,
    }


def test_cells_closer_together_are_none_and_end_a_problem_at_once() -> None:
    site = Site(battery=Battery.with_cells(3.2, 3.4))
    site.look(0)
    assert site.problem("cell_imbalance", 60) is True
    site.devices["battery"] = Battery.with_cells(3.31, 3.4)
    assert site.problem("cell_imbalance", 65) is False
    site.devices["battery"] = Battery.with_cells(3.2, 3.4)
    assert [site.problem("cell_imbalance", after) for after in (70, 129, 130)] == [False, False, True]


def test_the_battery_whose_cells_are_the_furthest_apart_counts() -> None:
    site = Site(one=Battery.with_cells(3.3, 3.31), two=Battery.with_cells(3.1, 3.3), monitor=Battery())
    assert site.numbers("cell_imbalance", 0)["spread"] == 0.2


@pytest.mark.parametrize(("inverter", "problem"), [(51.0, False), (50.96, True), (53.04, True), (53.0, False)])
def test_voltages_two_percent_apart_are_a_problem(inverter: float, problem: bool) -> None:
    site = Site(battery=Battery(voltage=52.0), multi=Inverter(dc_voltage=inverter))
    site.look(0)
    assert site.problem("battery_voltage_mismatch", 60) is problem


def test_the_numbers_of_a_voltage_mismatch_are_those_of_the_worst_pair() -> None:
    site = Site(one=Battery(voltage=52.0), two=Battery(voltage=50.0), multi=Inverter(dc_voltage=52.1))
    assert site.numbers("battery_voltage_mismatch", 0) == {
        "bms_voltage": 50.0,
        "inverter_voltage": 52.1,
        "difference": 2.1,
        "difference_percent": 4.2,
    }


def test_a_monitor_without_a_bms_is_not_compared_it_may_be_at_another_battery() -> None:
    site = Site(starter=Battery(managed=False, voltage=12.6), multi=Inverter())
    assert site.problem("battery_voltage_mismatch", 0) is None


@pytest.mark.parametrize(
    "devices",
    [
        {"battery": Battery(temperature=45.0)},
        {"battery": Battery(temperature=20.0, maximum_cell_temperature=45.0)},
        {"battery": Battery(temperature=None), "multi": Inverter(dc_temperature=45.0)},
    ],
)
def test_the_highest_temperature_at_a_battery_counts(devices: dict[str, object]) -> None:
    site = Site(None, **devices)
    assert site.numbers("battery_too_hot", 0) == {"temperature": 45.0}
    assert site.problem("battery_too_hot", 60) is True


# --- generators -----------------------------------------------------------------------------------------------------


def test_a_generator_that_has_not_run_for_thirty_days_is_a_problem() -> None:
    site = Site(generator=Generator(generator_running=True))
    assert site.problem("generator_idle", 0) is False
    site.devices["generator"] = Generator(generator_running=False)
    assert site.problem("generator_idle", 30 * DAY - 1) is False
    assert site.problem("generator_idle", 30 * DAY) is True
    assert site.numbers("generator_idle", 30 * DAY + HOUR)["days_since_last_run"] == 30.0
    site.devices["generator"] = Generator(generator_running=True)
    assert site.problem("generator_idle", 31 * DAY) is False


def test_a_generator_never_seen_running_counts_from_when_it_was_first_looked_at() -> None:
    site = Site(generator=Generator())
    assert [site.problem("generator_idle", days * DAY) for days in (0, 29.9, 30)] == [False, False, True]


def test_the_last_run_outlives_a_restart() -> None:
    site = Site(generator=Generator(generator_running=True))
    site.look(0)
    stored = Remembered(**asdict(site.health.remembered))
    again = Health(Limits(), stored)
    found = again.look({"generator": Generator()}, {"generator": "Generator"}, START + 31 * DAY)
    assert found["generator_idle"] == Finding(problem=True, numbers={"days_since_last_run": 31.0})


def test_a_generator_that_does_not_say_whether_it_runs_is_not_judged() -> None:
    site = Site(generator=Generator(generator_running=None))
    assert site.problem("generator_idle", 40 * DAY) is None


def test_a_service_is_due_when_its_countdown_is_over() -> None:
    site = Site(generator=StartStop(service_countdown=2 * HOUR))
    assert site.numbers("generator_service_due", 0) == {"hours_left": 2.0}
    assert site.problem("generator_service_due", 1) is False
    site.devices["generator"] = StartStop(service_countdown=0.0)
    assert site.problem("generator_service_due", 2) is True


def test_a_service_may_be_told_of_ahead() -> None:
    site = Site(Limits(generator_service=10), generator=StartStop(service_countdown=10 * HOUR))
    assert site.problem("generator_service_due", 0) is True


@pytest.mark.parametrize(("last", "due"), [(10 * HOUR, True), (11 * HOUR, None)])
def test_a_countdown_at_zero_after_a_restart_is_over_only_if_little_was_left(last: float, due: bool | None) -> None:
    site = Site(generator=StartStop(service_countdown=last))
    site.look(0)
    site.health = Health(Limits(), Remembered(**asdict(site.health.remembered)))
    site.devices["generator"] = StartStop(service_countdown=None)
    assert site.problem("generator_service_due", DAY) is due


def test_a_generator_without_a_service_interval_is_not_judged() -> None:
    assert Site(generator=StartStop()).problem("generator_service_due", 0) is None


# --- devices --------------------------------------------------------------------------------------------------------


def test_a_device_that_has_not_answered_for_a_day_is_silent() -> None:
    site = Site(tank=object(), meter=object())
    site.look(0)
    del site.devices["tank"]
    assert site.problem("devices_silent", 24 * HOUR - 1) is False
    site.look(24 * HOUR)
    assert site.problem("devices_silent", 24 * HOUR + MINUTE) is True
    assert site.numbers("devices_silent", 25 * HOUR) == {"count": 1, "hours_silent": {"Tank": 25.0}}
    site.devices["tank"] = object()
    assert site.problem("devices_silent", 26 * HOUR) is False


def test_after_a_long_pause_of_home_assistant_devices_have_a_minute_to_answer() -> None:
    site = Site(tank=object())
    site.look(0)
    del site.devices["tank"]
    site.health = Health(Limits(), site.health.remembered)
    assert site.problem("devices_silent", 3 * DAY) is False
    site.devices["tank"] = object()
    assert site.problem("devices_silent", 3 * DAY + 30) is False


def test_a_new_device_has_its_time_to_answer_and_a_deleted_one_is_forgotten() -> None:
    site = Site(tank=object())
    site.look(0)
    site.devices.clear()
    site.names = {"meter": "Meter"}
    site.look(2 * DAY)
    assert site.problem("devices_silent", 2 * DAY + 120) is False
    assert set(site.health.remembered.answered) == {"meter"}


# --- the alarms of the fleet page -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("said", "problem"), [(None, None), (False, False), (True, True)])
def test_a_lost_bms_is_a_problem_where_there_is_one(said: bool | None, problem: bool | None) -> None:
    assert Site(multi=Inverter(bms_error=said)).problem("bms_lost", 0) is problem


def test_an_ac_input_is_lost_after_five_minutes() -> None:
    site = Site(gx=System(grid_input_lost=True))
    assert [site.problem("ac_input_lost", after) for after in (0, 299, 300)] == [False, False, True]
    site.devices["gx"] = System(grid_input_lost=False)
    assert site.problem("ac_input_lost", 301) is False
    site.devices["gx"] = System()
    assert site.problem("ac_input_lost", 302) is None


@pytest.mark.parametrize(("supported", "problem"), [(None, None), (True, False), (False, True)])
def test_a_gx_too_old_for_dvcc_is_a_problem(supported: bool | None, problem: bool | None) -> None:
    assert Site(gx=System(dvcc_supported=supported)).problem("dvcc_firmware_insufficient", 0) is problem


# --- devices that are away --------------------------------------------------------------------------------------------


def test_a_verdict_stands_for_five_minutes_without_its_device_and_its_problem_until_that_is_back() -> None:
    site = Site(battery=Battery.with_cells(3.2, 3.4))
    site.look(0)
    assert site.problem("cell_imbalance", 60) is True
    del site.devices["battery"]
    assert site.problem("cell_imbalance", 360) is True
    assert site.problem("cell_imbalance", 361) is None
    assert set(site.health.problems) == {"cell_imbalance"}
    site.devices["battery"] = Battery.with_cells(3.39, 3.4)
    assert site.problem("cell_imbalance", 400) is False
    assert site.health.problems == {}


def test_what_a_deleted_device_had_told_is_forgotten() -> None:
    site = Site(battery=Battery.with_cells(3.2, 3.4))
    site.look(0)
    assert site.problem("cell_imbalance", 60) is True
    site.devices.clear()
    site.names.clear()
    assert site.problem("cell_imbalance", 61) is None
    assert site.health.problems == {}


# --- how it is looked at --------------------------------------------------------------------------------------------


def test_a_problem_known_before_a_restart_has_lasted_already() -> None:
    known = Health(Limits(), Remembered(), raised={"cell_imbalance": {}})
    found = known.look({"battery": Battery.with_cells(3.0, 3.4)}, {"battery": "Battery"}, START)
    assert found["cell_imbalance"].problem is True


def test_a_problem_known_before_a_restart_stays_one_as_long_as_its_device_is_away() -> None:
    known = Health(Limits(), Remembered(), raised={"cell_imbalance": {"spread": 0.3}})
    assert "cell_imbalance" not in known.look({}, {"battery": "Battery"}, START)
    assert known.problems == {"cell_imbalance": Finding(problem=True, numbers={"spread": 0.3})}


def test_numbers_are_shown_anew_every_minute_and_a_verdict_at_once() -> None:
    site = Site(battery=Battery(temperature=20.0))
    site.look(0)
    site.devices["battery"] = Battery(temperature=21.0)
    assert site.numbers("battery_too_hot", 59) == {"temperature": 20.0}
    assert site.numbers("battery_too_hot", 60) == {"temperature": 21.0}
    site.devices["battery"] = Battery(temperature=50.0)
    site.look(61)
    site.devices["battery"] = Battery(temperature=51.0)
    assert site.look(121)["battery_too_hot"] == Finding(problem=True, numbers={"temperature": 51.0})


def test_limits_are_made_from_options() -> None:
    assert Limits.from_options({}) == Limits()
    assert Limits.from_options({"silence": 1, "other": 2}) == Limits(silence=1.0)


def test_every_check_has_a_severity_that_exists() -> None:
    assert {check.severity for check in CHECKS} <= {"information", "warning", "critical"}
    assert len({check.key for check in CHECKS}) == len(CHECKS)


@pytest.mark.parametrize(
    ("device", "protocols"),
    [
        (BatteryDevice, {"Battery"}),
        (InverterCharger, {"InverterCharger"}),
        (GeneratorStartStop, {"Generator", "Serviced"}),
        (AcGenset, {"Generator"}),
        (DcGenset, {"Generator"}),
        (DigitalInput, {"Generator"}),
        (GxDevice, {"System"}),
        (TankPump, set()),
    ],
)
def test_the_devices_of_a_gx_say_what_the_checks_ask(device: type, protocols: set[str]) -> None:
    names = ("Battery", "InverterCharger", "Generator", "Serviced", "System")
    unread: object = object.__new__(device)
    assert {name for name in names if isinstance(unread, getattr(health, name))} == protocols


@given(st.lists(st.tuples(st.floats(0, 40 * DAY), st.none() | st.floats(2, 4), st.none() | st.booleans()), min_size=1))
def test_whatever_is_seen_every_verdict_has_finite_numbers(seen: list[tuple[float, Any, Any]]) -> None:
    site = Site(gx=System())
    for after, voltage, flag in sorted(seen, key=lambda each: each[0]):
        site.devices |= {
            "battery": Battery(voltage=voltage, minimum_cell_voltage=voltage),
            "generator": StartStop(generator_running=flag, service_countdown=voltage),
            "multi": Inverter(dc_voltage=voltage, bms_error=flag),
        }
        site.names = {key: key for key in site.devices}
        found = site.look(after)
        assert found["devices_silent"].problem is False
        for finding in found.values():
            assert all(value == value for value in finding.numbers.values())  # noqa: PLR0124 - none is not a number

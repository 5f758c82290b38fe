"""The VE.Bus BMS: what it warns of and disconnects, by the manual of the VE.Bus BMS V2."""

import re
from dataclasses import dataclass

import hypothesis.strategies as st
import pytest
from hypothesis import given

from custom_components.energy_suite.gateways.base import Alarm, Found, Severity
from custom_components.energy_suite.gateways.victron.battery import BatteryDevice
from custom_components.energy_suite.gateways.victron.bms import (
    BmsKind,
    BmsSetup,
    PreAlarm,
    firmware_verdict,
    fresh,
    reserve,
)
from custom_components.energy_suite.gateways.victron.gx import GxDevice
from custom_components.energy_suite.gateways.victron.vebus import InverterCharger

PRE_ALARM = Alarm("bms_pre_alarm", Severity.WARNING, notify_by_default=True)
LOAD_DISCONNECT = Alarm("load_disconnect", Severity.CRITICAL, notify_by_default=True)
CHARGE_DISCONNECT = Alarm("charge_disconnect", Severity.WARNING, notify_by_default=True)
BMS_LOST = Alarm("bms_lost", Severity.CRITICAL, notify_by_default=True)

ALLOWED = {"/Bms/AllowToCharge": 1, "/Bms/AllowToDischarge": 1, "/Bms/BmsExpected": 1}


@dataclass
class Cells:
    minimum_cell_voltage: float | None = None
    nearly_discharged: bool = False
    capacity: float | None = None
    read_at: float | None = 0.0

    def cells_read_at(self) -> float | None:
        return self.read_at


# --- the pre-alarm ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("threshold", [2.85, 3.1, 3.15])
def test_the_pre_alarm_comes_at_its_voltage_and_goes_above_the_hysteresis(threshold: float) -> None:
    pre_alarm = PreAlarm()
    raised = [
        pre_alarm.judge(False, [Cells(round(threshold + step / 100, 2))], threshold) for step in (2, 1, 0, 5, 6, 5, 0)
    ]
    assert raised == [False, False, True, True, False, False, True]


def test_the_lowest_cell_of_all_batteries_counts_and_one_that_is_unknown_does_not() -> None:
    pre_alarm = PreAlarm()
    assert not pre_alarm.judge(False, [Cells(3.2), Cells(None), Cells(0.0)], 3.1)
    assert pre_alarm.judge(False, [Cells(3.2), Cells(3.0)], 3.1)


def test_the_pre_alarm_is_raised_by_the_bms_or_the_battery_itself() -> None:
    assert PreAlarm().judge(True, [], 3.1)
    assert PreAlarm().judge(False, [Cells(3.3, nearly_discharged=True)], 3.1)
    assert not PreAlarm().judge(False, [], 3.1)


def test_cells_that_were_not_read_lately_are_not_looked_at() -> None:
    new, old, never = Cells(read_at=910.0), Cells(read_at=909.0), Cells(read_at=None)
    assert fresh([new, old, never], 1000.0, 5.0) == [new]
    assert fresh([new, old, never], 1000.0, 60.0) == [new, old]


@given(st.lists(st.floats(2.0, 4.0)))
def test_a_cell_below_its_limit_always_warns_and_one_well_above_never(voltages: list[float]) -> None:
    pre_alarm = PreAlarm()
    for voltage in voltages:
        raised = pre_alarm.judge(False, [Cells(voltage)], 3.1)
        if not 3.1 < voltage <= 3.16:
            assert raised is (voltage <= 3.1)


# --- what the user says ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "expected", "there"),
    [
        (BmsKind.AS_THE_GX_SAYS, True, True),
        (BmsKind.AS_THE_GX_SAYS, False, False),
        (BmsKind.AS_THE_GX_SAYS, None, False),
        (BmsKind.NONE, True, False),
        (BmsKind.V1, False, True),
        (BmsKind.V2, None, True),
    ],
)
def test_the_user_overrides_what_the_gx_says_of_a_bms(kind: BmsKind, expected: bool | None, there: bool) -> None:
    assert BmsSetup(kind=kind).has_bms(expected) is there


def test_a_setup_is_made_from_options() -> None:
    assert BmsSetup.from_options({}) == BmsSetup()
    options = {"bms": "v2", "pre_alarm_voltage": 2.9, "battery_capacity": 400, "standby_current": 25}
    expected = BmsSetup(kind=BmsKind.V2, pre_alarm_voltage=2.9, capacity=400.0, standby_current=25.0)
    assert BmsSetup.from_options(options) == expected


# --- the reserve ----------------------------------------------------------------------------------------------------


def test_the_reserve_is_that_of_the_manuals_example() -> None:
    # 10 mA may damage a battery of 200 Ah after more than 8 days.
    assert reserve(200, 10) == {"reserve": 2.0, "standby_current": 10, "reserve_days": 8.3}


def test_a_reserve_without_a_capacity_is_unknown_and_without_a_current_lasts() -> None:
    assert reserve(None, 10) == reserve(0, 10) == {}
    assert reserve(100, 0) == {"reserve": 1.0, "standby_current": 0}


# --- firmware -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "verdict"),
    [
        ("2629414", "too_old"),
        ("415", "needs_assistant"),
        ("2629488", "needs_assistant"),
        (" 2629489 ", "suitable"),
        ("506", "suitable"),
        ("1955489", "processor_not_supported"),
        ("2055506", "processor_not_supported"),
        ("200", "too_old"),
    ],
)
def test_the_manual_says_which_firmware_suits(version: str, verdict: str) -> None:
    assert firmware_verdict(version) == verdict


@pytest.mark.parametrize("version", ["v489", "48", "26294890", "262948x", "²²²"])
def test_what_is_no_version_is_refused(version: str) -> None:
    with pytest.raises(ValueError, match=re.escape(version)):
        firmware_verdict(version)


# --- the inverter/charger -------------------------------------------------------------------------------------------


async def test_what_the_bms_signals_is_an_alarm(gx, site) -> None:
    service = gx.add_service("vebus", 276, ALLOWED)
    device = await site.device(InverterCharger, 227)
    assert (device.alarms, device.load_disconnect, device.charge_disconnect) == ((), False, False)
    for path, value, alarm in (
        ("/Alarms/BmsPreAlarm", 1, PRE_ALARM),
        ("/Bms/AllowToDischarge", 0, LOAD_DISCONNECT),
        ("/Bms/AllowToCharge", 0, CHARGE_DISCONNECT),
        ("/Bms/Error", 1, BMS_LOST),
    ):
        before = service.values.get(path, 0)
        service.values[path] = value
        assert (await site.read(device)).alarms == (alarm,), path
        service.values[path] = before


async def test_a_bms_that_the_user_denies_says_nothing(gx, site) -> None:
    gx.add_service("vebus", 276, {"/Bms/BmsExpected": 1, "/Bms/Error": 1, "/Alarms/BmsPreAlarm": 1})
    device = await site.device(InverterCharger, 227)
    device.bms = BmsSetup(kind=BmsKind.NONE)
    await site.read(device)
    assert (device.alarms, device.bms_pre_alarm, device.load_disconnect) == ((), None, None)


async def test_without_a_bms_low_cells_are_the_batterys_own_matter(gx, site) -> None:
    gx.add_service("vebus", 276, {})
    gx.add_service("battery", 225, {"/Dc/0/Voltage": 48.0, "/System/MinCellVoltage": 2.9})
    battery = await site.device(BatteryDevice, 225, "live", "bms")
    device = await site.device(InverterCharger, 227)
    assert battery.minimum_cell_voltage == 2.9
    assert (device.alarms, device.bms_pre_alarm) == ((), None)


async def test_a_battery_that_is_not_read_any_more_does_not_warn(gx, site) -> None:
    gx.add_service("vebus", 276, ALLOWED)
    gx.add_service("battery", 225, {"/Dc/0/Voltage": 48.0, "/System/MinCellVoltage": 2.9})
    battery = await site.device(BatteryDevice, 225, "live", "bms")
    device = await site.device(InverterCharger, 227)
    assert device.bms_pre_alarm is True
    read_at = battery.cells_read_at()
    assert read_at is not None
    device.settle(read_at + 90)
    assert device.bms_pre_alarm is True
    device.settle(read_at + 91)
    assert device.bms_pre_alarm is False
    del battery
    assert list(device.batteries()) == []


async def test_the_pre_alarm_story_from_3_3_to_2_7_volts(gx, site) -> None:
    """A centivolt a second: pre-alarm at 3.1 V, the BMS disconnects at 2.8 V, 30 s later; then it is charged."""
    vebus = gx.add_service("vebus", 276, ALLOWED)
    bank = gx.add_service("battery", 225, {"/Dc/0/Voltage": 51.2, "/Capacity": 200.0, "/Io/AllowToDischarge": 1})
    gateway = site.gateway
    battery = gateway.device(Found(key="battery_225", kind="battery", unit_id=225))
    multi = gateway.device(Found(key="multi", kind="inverter_charger", unit_id=227))
    assert isinstance(multi, InverterCharger)
    edges: dict[str, list[int]] = {}
    raised: set[str] = set()
    millivolts = [*range(3300, 2690, -10), *range(2700, 3310, 10)]
    for second, millivolt in enumerate(millivolts):
        bank.values |= {"/System/MinCellVoltage": millivolt / 1000, "/System/MaxCellVoltage": millivolt / 1000 + 0.02}
        vebus.values["/Bms/AllowToDischarge"] = int(millivolt > 2800)
        for device, parts in ((battery, ("live", "bms")), (multi, ("live",))):
            for part in parts:
                await device.parts[part].async_read(float(second))
            device.settle(float(second))
        now = {alarm.key for alarm in multi.alarms}
        for key in raised ^ now:
            edges.setdefault(key, []).append(second)
        raised = now
        if second == 50:
            disconnect = next(alarm for alarm in multi.alarms if alarm.key == "load_disconnect")
            assert disconnect.details == {"reserve": 2.0, "standby_current": 10.0, "reserve_days": 8.3}
    # 3.10 V after 20 s, 2.80 V after 50 s; back above 2.80 V after 72 s, above 3.15 V after 107 s.
    assert edges == {"bms_pre_alarm": [20, 107], "load_disconnect": [50, 72]}


# --- the GX ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inputs", "source", "lost"),
    [
        ((1, 2), 240, True),
        ((2, 1), 240, True),
        ((1, 2), 1, False),
        ((1, 2), 2, False),
        ((3, 2), 240, None),
        ((1, 0), None, None),
    ],
)
async def test_an_ac_input_is_lost_where_one_is_for_the_grid(gx, site, inputs, source, lost) -> None:
    gx.add_service("system", 0, {"/Ac/ActiveIn/Source": source})
    types = {f"/Settings/SystemSetup/AcInput{number}": kind for number, kind in enumerate(inputs, 1)}
    gx.add_service("settings", 0, types)
    device = await site.device(GxDevice, 100, "system", "settings")
    assert device.grid_input_lost is lost


@pytest.mark.parametrize(
    ("kind", "version", "supported"),
    [
        (BmsKind.V2, 0x28000, True),
        (BmsKind.V2, 0x27900, False),
        (BmsKind.V2, 0x37502, True),
        (BmsKind.V1, 0x27900, None),
        (BmsKind.AS_THE_GX_SAYS, 0x27900, None),
    ],
)
async def test_dvcc_needs_venus_os_2_80_for_a_bms_v2(gx, site, kind, version, supported) -> None:
    gx.add_service("system", 0, {"/FirmwareVersion": version})
    device = await site.device(GxDevice, 100, "system")
    device.bms = BmsSetup(kind=kind)
    assert device.dvcc_supported is supported

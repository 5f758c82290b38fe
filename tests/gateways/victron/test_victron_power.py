"""Inverters without VE.Bus, chargers and gensets, read from a simulated GX of the newest and of older firmware."""

import math

import pytest

from custom_components.energy_suite.gateways.base import (
    Alarm,
    CommandRefused,
    Ess,
    Found,
    Generator,
    PowerMeter,
    Severity,
)
from custom_components.energy_suite.gateways.commands import Effect
from custom_components.energy_suite.gateways.victron import alarms
from custom_components.energy_suite.gateways.victron.charging import AcCharger, Alternator, DcDcConverter
from custom_components.energy_suite.gateways.victron.enums import (
    AcInputType,
    ActiveInput,
    ChargingState,
    EssMode,
    GensetStatus,
    InverterMode,
    InverterSwitch,
    InverterSwitchChoice,
    MppOperationMode,
    VebusState,
)
from custom_components.energy_suite.gateways.victron.genset import AcGenset, DcGenset
from custom_components.energy_suite.gateways.victron.rs import AcSystem, Inverter, Multi
from demo.gx import GxSimulator

OLD_VERSIONS = ["v1.0.60", "v1.0.64", "v1.0.69", "v1.0.76", "v1.0.78", "v1.0.79", "v1.0.92", "v1.0.96", "v1.0.97"]


@pytest.fixture(params=OLD_VERSIONS)
async def old(request, socket_enabled):
    async with GxSimulator(version=request.param) as simulator:
        yield simulator


@pytest.fixture
def old_site(old, site_of):
    return site_of(old)


@pytest.mark.parametrize(
    ("service", "instance", "kind", "unit"),
    [
        ("multi", 0, "multi_rs", 100),
        ("acsystem", 0, "ac_system", 100),
        ("inverter", 279, "inverter", 226),
        ("charger", 3, "ac_charger", 3),
        ("dcdc", 289, "dc_dc_converter", 238),
        ("alternator", 4, "alternator", 4),
        ("genset", 30, "ac_genset", 30),
        ("dcgenset", 1, "dc_genset", 1),
    ],
)
async def test_a_search_finds_it_with_its_name(gx, gateway, service, instance, kind, unit) -> None:
    gx.add_service("settings", 0, {})
    gx.add_service(service, instance, {"/CustomName": "Atelier"})
    found = [step async for step in gateway.discover() if isinstance(step, Found)]
    assert found[1:] == [Found(key=f"{kind}_{unit}", kind=kind, unit_id=unit, name="Atelier")]


# --- inverters ---

PHOENIX = {
    "/ProductId": 0xA281,
    "/FirmwareVersion": 0x0119,
    "/Ac/Out/L1/V": 230.2,
    "/Ac/Out/L1/I": 1.6,
    "/Ac/Out/L1/P": 360.0,
    "/Dc/0/Voltage": 12.61,
    "/Mode": 2,
    "/State": 9,
}
INVERTER_RS = PHOENIX | {
    "/Dc/0/Current": -12.5,
    "/Mode": 3,
    "/State": 4,
    "/Energy/InverterToAcOut": 101.01,
    "/Energy/OutToInverter": 2.02,
    "/Energy/SolarToAcOut": 303.03,
    "/Energy/SolarToBattery": 404.04,
    "/Pv/0/V": 151.2,
    "/Pv/1/V": 98.7,
    "/Pv/0/P": 1001.0,
    "/Pv/1/P": 716.0,
    "/History/Daily/0/Pv/0/Yield": 4.4,
    "/History/Daily/0/Pv/1/Yield": 2.9,
}


async def test_a_phoenix_inverter(gx, site) -> None:
    gx.add_service("inverter", 279, PHOENIX | {"/CustomName": "Frigo"})
    device = await site.device(Inverter, 226, "live", "trackers")
    assert (device.output_voltage, device.output_current, device.output_power) == (230.2, 1.6, 360)
    assert (device.dc_voltage, device.state, device.inverter_mode) == (
        12.61,
        VebusState.INVERTING,
        InverterSwitch.INVERTER_ONLY,
    )
    # What only an Inverter RS has reads 0 here.
    assert not device.has_solar
    assert {device.solar_power, device.pv_voltage, device.yield_total, device.yield_today} == {None}
    assert (device.energy_inverter_to_ac_out, device.alarms) == (None, ())
    assert (device.identity.firmware, device.identity.name) == ("v1.19", "Frigo")
    assert len(gx.requests) == 2


async def test_an_inverter_rs_with_two_trackers(gx, site) -> None:
    gx.add_service("inverter", 0, INVERTER_RS | {"/FirmwareVersion": 0x012103})
    device = await site.device(Inverter, 100, "live", "trackers")
    assert (device.dc_current, device.state) == (-12.5, VebusState.ABSORPTION)
    assert (device.energy_inverter_to_ac_out, device.energy_ac_out_to_inverter) == (101.01, 2.02)
    assert (device.energy_solar_to_ac_out, device.energy_solar_to_battery) == (303.03, 404.04)
    assert (device.solar_power, device.yield_today, device.yield_total) == (1717, 7.3, 707.07)
    assert (device.tracker_count, device.tracker_power(2), device.tracker_voltage(1)) == (2, 716, 151.2)
    assert (device.tracker_yield_today(2), device.tracker_power(3), device.pv_voltage) == (2.9, None, None)
    # A firmware of 24 bits does not fit its register.
    assert device.identity.firmware is None


async def test_an_inverter_keeps_its_trackers_at_night(gx, site) -> None:
    service = gx.add_service("inverter", 0, INVERTER_RS)
    device = await site.device(Inverter, 100, "live", "trackers")
    service.values |= dict.fromkeys(("/Pv/0/V", "/Pv/1/V", "/Pv/0/P", "/Pv/1/P"), None)
    await site.read(device, "live", "trackers")
    assert (device.tracker_count, device.solar_power, device.tracker_power(2)) == (2, 0, 0)


async def test_inverters_of_older_servers(old, old_site) -> None:
    old.add_service("inverter", 0, INVERTER_RS | {"/Alarms/LowSoc": 1, "/Alarms/Ripple": 2})
    device = await old_site.device(Inverter, 100, "live", "trackers")
    assert (device.output_power, device.dc_voltage, device.state) == (360, 12.61, VebusState.ABSORPTION)
    assert (device.yield_total, device.solar_power, device.tracker_count) == (707.07, 1717, 2)
    assert [alarm.key for alarm in device.alarms] == ["ripple", "low_state_of_charge"]


async def test_the_switch_of_an_inverter(gx, site) -> None:
    gx.add_service("inverter", 279, PHOENIX)
    device = await site.device(Inverter, 226, "live", "trackers")
    assert await device.set_inverter_mode(InverterSwitchChoice.ECO) is Effect.APPLIED
    assert (gx.get("inverter", 279, "/Mode"), device.inverter_mode) == (5, InverterSwitch.ECO)
    gx.refuse_writes.add(("inverter", "/Mode"))
    with pytest.raises(CommandRefused) as caught:
        await device.set_inverter_mode(InverterSwitchChoice.ON)
    assert caught.value.reason == "not_taken"


async def test_a_fault_of_an_inverter_without_error_numbers(gx, site) -> None:
    gx.add_service("inverter", 279, PHOENIX | {"/State": 2})
    device = await site.device(Inverter, 226, "live", "trackers")
    assert device.alarms == (Alarm("inverter_fault", Severity.CRITICAL),)


# --- Multi RS ---

MULTI = {
    "/Ac/NumberOfPhases": 1,
    "/Ac/ActiveIn/ActiveInput": 0,
    "/Ac/In/1/L1/V": 231.3,
    "/Ac/In/1/L1/I": -3.2,
    "/Ac/In/1/L1/P": -740.0,
    "/Ac/In/1/L1/F": 50.02,
    "/Ac/In/1/Type": 1,
    "/Ac/In/2/Type": 2,
    "/Ac/In/1/CurrentLimit": 25.0,
    "/Ac/Out/L1/V": 229.9,
    "/Ac/Out/L1/I": 4.1,
    "/Ac/Out/L1/P": 940.0,
    "/Ac/Out/L1/F": 50.01,
    "/Dc/0/Voltage": 52.4,
    "/Dc/0/Current": 20.0,
    "/Dc/0/Temperature": 24.5,
    "/Soc": 71.5,
    "/State": 252,
    "/Mode": 3,
    "/Yield/Power": 2717.0,
    "/Yield/User": 8123.4,
    "/MppOperationMode": 2,
    "/Pv/V": 312.5,
    "/History/Daily/0/Yield": 7.3,
    "/History/Daily/0/MaxPower": 3905.0,
    "/Settings/Ess/Mode": 1,
    "/Settings/Ess/MinimumSocLimit": 20.0,
    "/Ess/AcPowerSetpoint": -70_000.0,
    **{
        f"/Energy/{way}": 100.0 + number
        for number, way in enumerate(
            (
                "AcIn1ToAcOut",
                "AcIn1ToInverter",
                "AcIn2ToAcOut",
                "AcIn2ToInverter",
                "AcOutToAcIn1",
                "AcOutToAcIn2",
                "InverterToAcIn1",
                "InverterToAcIn2",
                "InverterToAcOut",
                "OutToInverter",
                "SolarToAcIn1",
                "SolarToAcIn2",
                "SolarToAcOut",
                "SolarToBattery",
            )
        )
    },
}
MULTI_PARTS = ("live", "trackers", "ess")


def assert_reads_multi(device: Multi) -> None:
    assert (device.input_voltage_l1, device.input_current_l1, device.input_power) == (231.3, -3.2, -740)
    assert (device.output_voltage_l1, device.output_current_l1, device.output_power) == (229.9, 4.1, 940)
    assert (device.input_frequency, device.output_frequency) == (50.02, 50.01)
    assert (device.dc_voltage, device.dc_current, device.dc_power, device.dc_temperature) == (52.4, 20, 1048, 24.5)
    assert (device.state_of_charge, device.state, device.inverter_mode) == (
        71.5,
        VebusState.EXTERNAL_CONTROL,
        InverterSwitch.ON,
    )
    assert device.active_input is ActiveInput.AC_IN_1
    assert (device.ac_input_1_type, device.ac_input_2_type) == (AcInputType.GRID, AcInputType.GENERATOR)
    assert (device.input_1_current_limit, device.input_2_current_limit) == (25, None)
    assert (device.solar_power, device.pv_voltage, device.mpp_operation_mode) == (
        2717,
        312.5,
        MppOperationMode.ACTIVE,
    )
    assert (device.yield_total, device.yield_today, device.maximum_power_today) == (8123.4, 7.3, 3905)
    assert (device.energy_ac_in_1_to_ac_out, device.energy_ac_out_to_inverter) == (100, 109)
    assert (device.energy_solar_to_ac_in_1, device.energy_solar_to_battery) == (110, 113)
    assert (device.phases, device.input_power_l2) == (1, None)
    assert device.ess_mode is EssMode.OPTIMIZED_WITHOUT_BATTERYLIFE
    assert (device.minimum_state_of_charge, device.grid_setpoint) == (20, -70_000)


async def test_a_multi_rs(gx, site) -> None:
    gx.add_service("multi", 0, MULTI | {"/CustomName": "Atelier"})
    device = await site.device(Multi, 100, *MULTI_PARTS)
    assert_reads_multi(device)
    assert device.identity.name == "Atelier"
    assert len(gx.requests) == 3
    assert isinstance(device, Ess)


async def test_a_multi_rs_of_older_servers(old, old_site) -> None:
    old.add_service("multi", 0, MULTI)
    assert_reads_multi(await old_site.device(Multi, 100, *MULTI_PARTS))


async def test_a_multi_rs_on_three_phases(gx, site) -> None:
    values = {f"/Ac/{side}/L{phase}/P": 100.0 * phase for side in ("In/1", "Out") for phase in (1, 2, 3)}
    gx.add_service("multi", 0, MULTI | {"/Ac/NumberOfPhases": 3} | values)
    device = await site.device(Multi, 100, *MULTI_PARTS)
    assert (device.phases, device.input_power, device.output_power, device.output_power_l3) == (3, 600, 600, 300)


async def test_solar_power_of_a_multi_rs_beyond_its_register(gx, site) -> None:
    gx.add_service("multi", 0, MULTI | {"/Yield/Power": 70_000, "/Pv/0/P": 40_000.0, "/Pv/1/P": 30_000.0})
    assert (await site.device(Multi, 100, *MULTI_PARTS)).solar_power == 70_000


async def test_a_multi_rs_whose_ess_is_the_systems_has_none(gx, site) -> None:
    ess = dict.fromkeys(("/Settings/Ess/Mode", "/Settings/Ess/MinimumSocLimit", "/Ess/AcPowerSetpoint"), None)
    gx.add_service("multi", 0, MULTI | ess)
    device = await site.device(Multi, 100, *MULTI_PARTS)
    assert (device.has_ess, device.ess_mode) == (False, None)


@pytest.mark.parametrize(
    ("mode", "raw"),
    [
        (EssMode.OPTIMIZED_WITH_BATTERYLIFE, 0),
        (EssMode.KEEP_BATTERIES_CHARGED, 2),
        (EssMode.EXTERNAL_CONTROL, 3),
    ],
)
async def test_the_ess_mode_of_a_multi_rs(gx, site, mode, raw) -> None:
    gx.add_service("multi", 0, MULTI)
    device = await site.device(Multi, 100, *MULTI_PARTS)
    assert await device.set_ess_mode(mode) is Effect.APPLIED
    assert (gx.get("multi", 0, "/Settings/Ess/Mode"), device.ess_mode) == (raw, mode)
    assert await device.set_ess_mode(device.ess_modes[mode.name.lower()]) is Effect.UNCHANGED


async def test_the_limits_of_the_ess_of_a_multi_rs(gx, site) -> None:
    gx.add_service("multi", 0, MULTI)
    device = await site.device(Multi, 100, *MULTI_PARTS)
    assert await device.set_minimum_state_of_charge(35.4) is Effect.APPLIED
    assert gx.get("multi", 0, "/Settings/Ess/MinimumSocLimit") == 35
    assert await device.set_grid_setpoint(-45_678) is Effect.APPLIED
    assert gx.get("multi", 0, "/Ess/AcPowerSetpoint") == -45_678
    # Both words in one request, or the other would be merged with what was there.
    assert [request.count for request in gx.requests if request.function == 16] == [2]
    mode, soc = EssMode.OPTIMIZED_WITH_BATTERYLIFE, 15
    assert await device.set_ess_mode(mode, soc) is Effect.APPLIED
    assert (device.ess_mode, device.minimum_state_of_charge) == (mode, soc)


@pytest.mark.parametrize("value", [-1, 101, math.nan])
async def test_a_limit_out_of_range_is_not_sent(gx, site, value) -> None:
    gx.add_service("multi", 0, MULTI)
    device = await site.device(Multi, 100, *MULTI_PARTS)
    for command in (
        device.set_minimum_state_of_charge(value),
        device.set_ess_mode(EssMode.OPTIMIZED_WITH_BATTERYLIFE, value),
        device.set_grid_setpoint(value * 1_000_000),
    ):
        with pytest.raises(CommandRefused) as caught:
            await command
        assert caught.value.reason == "out_of_range"
    assert not gx.writes


async def test_what_an_ess_mode_has_no_use_for_is_refused(gx, site) -> None:
    gx.add_service("multi", 0, MULTI | {"/Settings/Ess/Mode": 3})
    device = await site.device(Multi, 100, *MULTI_PARTS)
    for command in (
        device.set_minimum_state_of_charge(40),
        device.set_grid_setpoint(100),
        device.set_ess_mode(EssMode.KEEP_BATTERIES_CHARGED, 40),
    ):
        with pytest.raises(CommandRefused) as caught:
            await command
        assert caught.value.reason == "not_in_this_ess_mode"
    assert not gx.writes


async def test_the_switch_of_a_multi_rs(gx, site) -> None:
    gx.add_service("multi", 0, MULTI)
    device = await site.device(Multi, 100, *MULTI_PARTS)
    assert await device.set_inverter_mode(InverterMode.CHARGER_ONLY) is Effect.APPLIED
    modes = [device.inverter_mode]
    gx.set("multi", 0, "/Mode", 251)
    await site.read(device)
    modes.append(device.inverter_mode)
    assert modes == [InverterSwitch.CHARGER_ONLY, InverterSwitch.PASS_THROUGH]


async def test_alarms_of_a_multi_rs(gx, site) -> None:
    paths = {
        "/Alarms/HighTemperature": "high_temperature",
        "/Alarms/HighVoltage": "high_voltage",
        "/Alarms/HighVoltageAcOut": "high_output_voltage",
        "/Alarms/LowTemperature": "low_temperature",
        "/Alarms/LowVoltage": "low_voltage",
        "/Alarms/LowVoltageAcOut": "low_output_voltage",
        "/Alarms/Overload": "overload",
        "/Alarms/Ripple": "ripple",
        "/Alarms/LowSoc": "low_state_of_charge",
        "/Alarms/ShortCircuit": "short_circuit",
    }
    service = gx.add_service("multi", 0, MULTI)
    device = await site.device(Multi, 100, *MULTI_PARTS)
    assert {row.key for row in (*alarms.RS, *alarms.RS_LOW_SOC, *alarms.RS_SHORT_CIRCUIT)} == set(paths.values())
    for path, key in paths.items():
        for value, severity in ((1, Severity.WARNING), (2, Severity.CRITICAL)):
            service.values[path] = value
            await site.read(device, *MULTI_PARTS)
            assert [(alarm.key, alarm.severity) for alarm in device.alarms] == [(key, severity)]
        service.values[path] = 0


@pytest.mark.parametrize(("error", "severity"), [(33, Severity.CRITICAL), (66, Severity.WARNING)])
async def test_an_error_of_a_multi_rs_has_its_number(gx, site, error, severity) -> None:
    gx.add_service("multi", 0, MULTI | {"/ErrorCode": error})
    device = await site.device(Multi, 100, *MULTI_PARTS)
    assert device.alarms == (Alarm(f"charger_error_{error}", severity, code=error),)


# --- several RS ---

AC_SYSTEM = {
    "/State": 9,
    **{f"/Ac/Out/L{phase}/V": 229.0 + phase for phase in (1, 2, 3)},
    **{f"/Ac/Out/L{phase}/I": 1.5 * phase for phase in (1, 2, 3)},
    **{f"/Ac/Out/L{phase}/P": 300.0 * phase for phase in (1, 2, 3)},
    **{f"/Ac/In/1/L{phase}/V": 230.0 + phase for phase in (1, 2, 3)},
    **{f"/Ac/In/1/L{phase}/I": -2.5 * phase for phase in (1, 2, 3)},
    **{f"/Ac/In/1/L{phase}/P": -500.0 * phase for phase in (1, 2, 3)},
    "/Ac/In/1/L1/F": 49.98,
    "/Ac/Out/L1/F": 50.03,
    "/Settings/Ess/Mode": 2,
    "/Ess/AcPowerSetpoint": 50.0,
}


def assert_reads_ac_system(device: AcSystem) -> None:
    assert (device.state, device.phases) == (VebusState.INVERTING, 3)
    assert (device.input_power, device.output_power) == (-3000, 1800)
    # The list has these without a sign; the published one, and feeding in, with.
    assert (device.input_current_l1, device.input_current_l3) == (-2.5, -7.5)
    assert (device.input_voltage_l3, device.output_voltage_l2, device.output_current_l3) == (233, 231, 4.5)
    assert (device.input_frequency, device.output_frequency) == (49.98, 50.03)
    assert (device.ess_mode, device.grid_setpoint) == (EssMode.KEEP_BATTERIES_CHARGED, 50)


async def test_several_rs_as_one(gx, site) -> None:
    more = {
        "/Ess/ActiveSocLimit": 30.0,
        "/Ac/In/1/CurrentLimit": 63.0,
        "/Settings/Ac/In/CurrentLimitEnergyMeter": 40.0,
        "/CustomName": "RS",
    }
    gx.add_service("acsystem", 0, AC_SYSTEM | more)
    device = await site.device(AcSystem, 100)
    assert_reads_ac_system(device)
    assert device.active_state_of_charge_limit == 30
    assert (device.input_1_current_limit, device.input_2_current_limit, device.energy_meter_current_limit) == (
        63,
        None,
        40,
    )
    assert device.identity.name == "RS"
    assert isinstance(device, Ess)


async def test_several_rs_of_older_servers(old, old_site) -> None:
    old.add_service("acsystem", 0, AC_SYSTEM)
    device = await old_site.device(AcSystem, 100)
    assert_reads_ac_system(device)
    assert (device.alarms, device.input_1_current_limit, device.active_state_of_charge_limit or None) == (
        (),
        None,
        None,
    )


async def test_a_single_phase_system_of_rs(gx, site) -> None:
    gx.add_service("acsystem", 0, {path: value for path, value in AC_SYSTEM.items() if "/L1/" in path})
    device = await site.device(AcSystem, 100)
    assert (device.phases, device.output_power, device.output_power_l2) == (1, 300, None)
    assert (device.has_ess, device.ess_mode, device.active_state_of_charge_limit) == (False, None, None)


async def test_the_ess_of_several_rs(gx, site) -> None:
    gx.add_service("acsystem", 0, AC_SYSTEM)
    device = await site.device(AcSystem, 100)
    with pytest.raises(CommandRefused) as caught:
        await device.set_ess_mode(EssMode.OPTIMIZED_WITHOUT_BATTERYLIFE, 30)
    assert caught.value.reason == "not_supported"
    assert not gx.writes
    assert await device.set_ess_mode(EssMode.OPTIMIZED_WITHOUT_BATTERYLIFE) is Effect.APPLIED
    assert gx.get("acsystem", 0, "/Settings/Ess/Mode") == 1
    assert await device.set_grid_setpoint(-40_000) is Effect.APPLIED
    assert gx.get("acsystem", 0, "/Ess/AcPowerSetpoint") == -40_000


@pytest.mark.parametrize(
    ("path", "value", "alarm"),
    [
        ("/Alarms/GridLost", 2, Alarm("grid_lost", Severity.CRITICAL, notify_by_default=True)),
        ("/Alarms/PhaseRotation", 1, Alarm("phase_rotation", Severity.WARNING)),
        ("/State", 2, Alarm("inverter_fault", Severity.CRITICAL)),
    ],
)
async def test_alarms_of_several_rs(gx, site, path, value, alarm) -> None:
    gx.add_service("acsystem", 0, AC_SYSTEM | {path: value})
    assert (await site.device(AcSystem, 100)).alarms == (alarm,)


# --- chargers ---

SKYLLA = {
    "/Dc/0/Voltage": 26.54,
    "/Dc/0/Current": 41.2,
    "/Dc/0/Temperature": 19.5,
    "/Dc/1/Voltage": 26.31,
    "/Dc/1/Current": 3.4,
    "/Dc/2/Voltage": 12.85,
    "/Dc/2/Current": 0.6,
    "/Ac/In/L1/I": 5.4,
    "/Ac/In/L1/P": 1230.0,
    "/Ac/In/CurrentLimit": 16.0,
    "/Mode": 1,
    "/State": 5,
    "/Relay/0/State": 1,
}


def assert_reads_charger(device: AcCharger) -> None:
    assert [getattr(device, f"output_{output}_voltage") for output in (1, 2, 3)] == [26.54, 26.31, 12.85]
    assert [getattr(device, f"output_{output}_current") for output in (1, 2, 3)] == [41.2, 3.4, 0.6]
    assert (device.dc_temperature, device.input_current, device.power) == (19.5, 5.4, 1230)
    assert (device.input_current_limit, device.state, device.relay) == (16, ChargingState.FLOAT, True)


async def test_a_charger_with_three_outputs(gx, site) -> None:
    gx.add_service("charger", 0, SKYLLA | {"/CustomName": "Quai"})
    device = await site.device(AcCharger, 100)
    assert_reads_charger(device)
    assert (device.alarms, device.identity.name) == ((), "Quai")
    assert isinstance(device, PowerMeter)


async def test_chargers_of_older_servers(old, old_site) -> None:
    old.add_service("charger", 0, SKYLLA)
    assert_reads_charger(await old_site.device(AcCharger, 100))


async def test_a_charger_with_one_output_says_nothing_of_others(gx, site) -> None:
    gx.add_service("charger", 279, {"/Dc/0/Voltage": 13.2, "/Dc/0/Current": 0.0, "/State": 6})
    device = await site.device(AcCharger, 226)
    assert (device.output_1_voltage, device.output_1_current, device.state) == (13.2, 0, ChargingState.STORAGE)
    others = (device.output_2_voltage, device.output_2_current, device.output_3_voltage, device.output_3_current)
    assert set(others) == {None}


@pytest.mark.parametrize(
    ("path", "value", "alarm"),
    [
        ("/Alarms/LowVoltage", 2, Alarm("low_voltage", Severity.CRITICAL)),
        ("/Alarms/HighVoltage", 2, Alarm("high_voltage", Severity.CRITICAL)),
        ("/ErrorCode", 34, Alarm("charger_error_34", Severity.CRITICAL, code=34)),
        ("/State", 2, Alarm("charger_fault", Severity.CRITICAL)),
    ],
)
async def test_alarms_of_a_charger(gx, site, path, value, alarm) -> None:
    gx.add_service("charger", 0, SKYLLA | {path: value})
    assert (await site.device(AcCharger, 100)).alarms == (alarm,)


ORION = {
    "/FirmwareVersion": 0x010700,
    "/Dc/0/Voltage": 13.41,
    "/Dc/0/Current": 48.5,
    "/Dc/0/Temperature": 31.0,
    "/Mode": 1,
    "/State": 3,
    "/Dc/In/V": 14.02,
    "/Dc/In/P": 671.0,
    "/History/Cumulative/User/ChargedAh": 1234.5,
}


def assert_reads_converter(device: DcDcConverter) -> None:
    assert (device.battery_voltage, device.current, device.dc_temperature) == (13.41, 48.5, 31)
    assert (device.input_voltage, device.power, device.charged_amphours) == (14.02, 671, 1234.5)
    assert (device.state, device.error_code, device.identity.firmware) == (ChargingState.BULK, 0, "v1.07")


async def test_a_dc_dc_converter(gx, site) -> None:
    gx.add_service("dcdc", 279, ORION | {"/CustomName": "Moteur"})
    device = await site.device(DcDcConverter, 226)
    assert_reads_converter(device)
    assert (device.identity.name, device.alarms) == ("Moteur", ())


async def test_dc_dc_converters_of_older_servers(old, old_site) -> None:
    old.add_service("dcdc", 279, ORION)
    assert_reads_converter(await old_site.device(DcDcConverter, 226))


@pytest.mark.parametrize(
    ("path", "value", "alarm"),
    [
        ("/ErrorCode", 17, Alarm("charger_error_17", Severity.CRITICAL, code=17)),
        ("/ErrorCode", 14, Alarm("charger_error_14", Severity.WARNING, code=14)),
        ("/State", 2, Alarm("charger_fault", Severity.CRITICAL)),
    ],
)
async def test_alarms_of_a_dc_dc_converter(gx, site, path, value, alarm) -> None:
    gx.add_service("dcdc", 279, ORION | {path: value})
    assert (await site.device(DcDcConverter, 226)).alarms == (alarm,)


ALTERNATOR = {
    "/Dc/0/Voltage": 14.21,
    "/Dc/0/Current": 88.8,
    "/Dc/1/Voltage": 12.7,
    "/Dc/0/Temperature": 41.5,
    "/History/EnergyOut": 321.09,
    "/State": 4,
    "/Engine/Speed": 1850.0,
    "/Speed": 5550.0,
    "/FieldDrive": 63,
    "/Mode": 1,
    "/History/Cumulative/User/ChargedAh": 70_001.5,
}


def assert_reads_alternator(device: Alternator) -> None:
    assert (device.battery_voltage, device.current, device.power) == (14.21, 88.8, 1261.8)
    assert (device.auxiliary_voltage, device.temperature, device.energy) == (12.7, 41.5, 321.09)
    assert (device.engine_speed, device.alternator_speed, device.field_drive) == (1850, 5550, 63)
    # Without a DC-DC converter there is no input.
    assert (device.input_voltage, device.input_power) == (None, None)
    assert (device.state, device.charged_amphours) == (ChargingState.ABSORPTION, 70_001.5)


async def test_an_alternator(gx, site) -> None:
    gx.add_service("alternator", 0, ALTERNATOR | {"/CustomName": "Bâbord"})
    device = await site.device(Alternator, 100)
    assert_reads_alternator(device)
    assert (device.identity.name, device.alarms) == ("Bâbord", ())
    assert isinstance(device, PowerMeter)


async def test_alternators_of_older_servers(old, old_site) -> None:
    old.add_service("alternator", 0, ALTERNATOR)
    assert_reads_alternator(await old_site.device(Alternator, 100))


async def test_a_dc_dc_converter_in_the_place_of_an_alternator_has_an_input(gx, site) -> None:
    gx.add_service("alternator", 0, ALTERNATOR | {"/Dc/In/V": 14.4, "/Dc/In/P": 640.0, "/History/EnergyOut": None})
    device = await site.device(Alternator, 100)
    assert (device.input_voltage, device.input_power, device.energy) == (14.4, 640, None)


@pytest.mark.parametrize(
    ("path", "value", "alarm"),
    [
        ("/Alarms/LowVoltage", 2, Alarm("low_voltage", Severity.CRITICAL)),
        ("/Alarms/HighVoltage", 1, Alarm("high_voltage", Severity.WARNING)),
        ("/Alarms/LowStarterVoltage", 2, Alarm("low_auxiliary_voltage", Severity.CRITICAL)),
        ("/Alarms/HighStarterVoltage", 2, Alarm("high_auxiliary_voltage", Severity.CRITICAL)),
        ("/Alarms/LowTemperature", 2, Alarm("low_temperature", Severity.CRITICAL)),
        ("/Alarms/HighTemperature", 2, Alarm("high_alternator_temperature", Severity.CRITICAL)),
        ("/ErrorCode", 21, Alarm("alternator_error_21", Severity.CRITICAL, code=21)),
        ("/ErrorCode", 92, Alarm("alternator_error_92", Severity.WARNING, code=92)),
        ("/State", 2, Alarm("alternator_fault", Severity.CRITICAL)),
    ],
)
async def test_alarms_of_an_alternator(gx, site, path, value, alarm) -> None:
    gx.add_service("alternator", 0, ALTERNATOR | {path: value})
    assert (await site.device(Alternator, 100)).alarms == (alarm,)


# --- gensets ---

ENGINE = {
    "/ProductId": 0xB040,
    "/StatusCode": 8,
    "/RemoteStartModeEnabled": 1,
    "/Engine/Load": 42.0,
    "/Engine/Speed": 1503.0,
    "/Engine/OperatingHours": 4_321_000.0,
    "/Engine/CoolantTemperature": 81.5,
    "/Engine/WindingTemperature": 62.5,
    "/Engine/ExaustTemperature": 355.5,
    "/Engine/OilPressure": 310.0,
    "/StarterVoltage": 13.62,
}
AC_GENSET = ENGINE | {
    "/Ac/L1/Voltage": 230.4,
    "/Ac/L1/Current": 9.1,
    "/Ac/L1/Power": 2090.0,
    "/Ac/Frequency": 50.11,
}


def assert_reads_engine(device: AcGenset | DcGenset) -> None:
    assert (device.status, device.running) == (GensetStatus.RUNNING, True)
    assert (device.engine_load, device.engine_speed, device.operating_hours) == (42, 1503, 4_321_000)
    assert (device.coolant_temperature, device.winding_temperature, device.exhaust_temperature) == (81.5, 62.5, 355.5)
    assert (device.oil_pressure, device.starter_voltage, device.error_code) == (310, 13.62, 0)
    assert device.remote_start_enabled is True


async def test_an_ac_genset(gx, site) -> None:
    more = {"/Ac/PowerFactor": 0.97, "/Engine/OilTemperature": 92.0, "/CustomName": "Groupe"}
    gx.add_service("genset", 0, AC_GENSET | more)
    device = await site.device(AcGenset, 100, "live", "errors")
    assert_reads_engine(device)
    assert (device.power, device.voltage_l1, device.current_l1, device.frequency) == (2090, 230.4, 9.1, 50.11)
    assert (device.power_factor, device.oil_temperature, device.identity.name) == (0.97, 92, "Groupe")
    assert (device.phases, device.reported_errors, device.alarms) == (1, "", ())
    # It is the start/stop logic of the GX that starts it.
    assert not isinstance(device, Generator)
    assert isinstance(device, PowerMeter)


async def test_ac_gensets_of_older_servers(old, old_site) -> None:
    old.add_service("genset", 0, AC_GENSET)
    device = await old_site.device(AcGenset, 100)
    assert_reads_engine(device)
    assert (device.power, device.frequency) == (2090, 50.11)


async def test_a_genset_beyond_16_bits_and_on_three_phases(gx, site) -> None:
    values = {f"/Ac/L{phase}/Power": 33_000.0 + phase for phase in (1, 2, 3)}
    service = gx.add_service("genset", 0, AC_GENSET | values)
    device = await site.device(AcGenset, 100)
    assert (device.power, device.power_l1, device.power_l3, device.phases) == (99_006, 33_001, 33_003, 3)
    service.values |= dict.fromkeys((*values, "/Ac/L1/Voltage", "/Ac/Frequency"), 0.0) | {"/StatusCode": 0}
    await site.read(device)
    # It has its phases also when it stands still.
    assert (device.power, device.power_l3, device.phases, device.frequency) == (0, 0, 3, None)
    assert (device.status, device.running) == (GensetStatus.STANDBY, False)


async def test_a_meter_in_the_place_of_a_genset_says_nothing_of_an_engine(gx, site) -> None:
    meter = {path: value for path, value in AC_GENSET.items() if path.startswith("/Ac/")}
    gx.add_service("genset", 30, meter | {"/ProductId": 0xB009})
    device = await site.device(AcGenset, 30, "live", "errors")
    assert (device.power, device.has_controller) == (2090, False)
    said = (
        device.status,
        device.running,
        device.engine_load,
        device.engine_speed,
        device.operating_hours,
        device.oil_pressure,
        device.error_code,
        device.reported_errors,
    )
    assert set(said) == {None}


@pytest.mark.parametrize("code", range(1, 8))
async def test_every_step_of_starting_is_starting(gx, site, code) -> None:
    gx.add_service("genset", 0, AC_GENSET | {"/StatusCode": code})
    device = await site.device(AcGenset, 100)
    assert (device.status, device.running) == (GensetStatus.STARTING, False)


async def test_operating_hours_beyond_their_register_are_unknown(gx, site) -> None:
    gx.add_service("genset", 0, AC_GENSET | {"/Engine/OperatingHours": 8_000_000})
    assert (await site.device(AcGenset, 100)).operating_hours is None


async def test_a_dc_genset(gx, site) -> None:
    more = {"/HeatsinkTemperature": 44.5, "/Engine/OilTemperature": 88.0, "/CustomName": "Cale"}
    gx.add_service("dcgenset", 0, ENGINE | more | {"/Dc/0/Voltage": 54.2, "/Dc/0/Current": 101.0})
    device = await site.device(DcGenset, 100, "live", "errors")
    assert_reads_engine(device)
    assert (device.voltage, device.current, device.power) == (54.2, 101, 5474.2)
    assert (device.heatsink_temperature, device.oil_temperature, device.identity.name) == (44.5, 88, "Cale")
    assert device.alarms == ()


@pytest.mark.parametrize("version", ["v1.0.76", "v1.0.92"])
async def test_dc_gensets_of_older_servers(socket_enabled, site_of, version) -> None:
    async with GxSimulator(version=version) as old:
        old.add_service("dcgenset", 0, ENGINE | {"/Error/7/Id": "#8"})
        device = await site_of(old).device(DcGenset, 100, "live", "errors")
        assert_reads_engine(device)
        assert device.reported_errors == "#8"


@pytest.mark.parametrize(("service", "cls"), [("genset", AcGenset), ("dcgenset", DcGenset)])
@pytest.mark.parametrize(
    ("values", "alarm"),
    [
        ({"/ErrorCode": 7}, Alarm("genset_error_7", Severity.CRITICAL, code=7)),
        ({"/ErrorCode": 132}, Alarm("genset_error_132", Severity.WARNING, code=132)),
        ({"/ErrorCode": "#1"}, Alarm("genset_error_65280", Severity.CRITICAL, code=65280)),
        ({"/StatusCode": 10}, Alarm("genset_fault", Severity.CRITICAL)),
    ],
    ids=["number", "warning", "words", "fault"],
)
async def test_alarms_of_a_genset(gx, site, service, cls, values, alarm) -> None:
    gx.add_service(service, 0, ENGINE | values)
    assert (await site.device(cls, 100, "live", "errors")).alarms == (alarm,)


@pytest.mark.parametrize(("service", "cls"), [("genset", AcGenset), ("dcgenset", DcGenset)])
async def test_errors_in_words_are_told_together(gx, site, service, cls) -> None:
    words = {f"/Error/{number}/Id": f"P{number:04}" for number in range(8)}
    words["/Error/3/Id"] = ""
    gx.add_service(service, 0, ENGINE | words)
    device = await site.device(cls, 100, "live", "errors")
    assert device.reported_errors == "P0000, P0001, P0002, P0004, P0005, P0006, P0007"

"""AC and DC loads, heat pumps, drives and DC meters, read from a simulated GX."""

import pytest

from custom_components.energy_suite.gateways.base import Alarm, Found, PowerMeter, Severity
from custom_components.energy_suite.gateways.victron.dc import DcLoad, DcSource, DcSystem, FuelCell
from custom_components.energy_suite.gateways.victron.enums import HeatPumpState
from custom_components.energy_suite.gateways.victron.loads import HeatPump, MotorDrive, TankPump
from custom_components.energy_suite.gateways.victron.meters import AcLoad
from demo.gx import GxSimulator

OLD_VERSIONS = ["v1.0.60", "v1.0.78", "v1.0.92", "v1.0.95", "v1.0.97"]
DC_METERS = [(DcLoad, "dcload"), (DcSource, "dcsource"), (DcSystem, "dcsystem"), (FuelCell, "fuelcell")]


@pytest.fixture
async def old(request, socket_enabled):
    async with GxSimulator(version=request.param) as simulator:
        yield simulator


@pytest.mark.parametrize("cls", [AcLoad, HeatPump, MotorDrive, DcLoad, DcSource, DcSystem, FuelCell])
async def test_what_measures_power_is_a_power_meter(gateway, cls) -> None:
    assert isinstance(gateway.device(Found(key="x", kind=cls.kind, unit_id=1)), PowerMeter)


# --- AC load ---

LOAD = {
    **{f"/Ac/L{phase}/Power": 1000.0 * phase for phase in (1, 2, 3)},
    **{f"/Ac/L{phase}/Voltage": 230.0 + phase for phase in (1, 2, 3)},
    **{f"/Ac/L{phase}/Current": 4.0 * phase for phase in (1, 2, 3)},
    **{f"/Ac/L{phase}/Energy/Forward": 10.5 * phase for phase in (1, 2, 3)},
    "/Serial": "HQ2114AAAAA",
    "/CustomName": "Atelier",
}


async def test_ac_load_values(gx, site) -> None:
    gx.add_service("acload", 31, LOAD | {"/Ac/L3/Power": 45_000.0, "/Ac/Frequency": 50.01, "/Ac/PowerFactor": 0.91})
    device = await site.device(AcLoad, 31)
    assert (device.power, device.power_l3, device.voltage_l2, device.current_l3) == (48_000, 45_000, 232, 12)
    assert (device.energy, device.frequency, device.power_factor) == (63, 50.01, 0.91)
    assert (device.phases, device.serial, device.identity.name) == (3, "HQ2114AAAAA", "Atelier")
    assert len(gx.requests) == 1


async def test_ac_load_on_one_phase_that_counts_nothing(gx, site) -> None:
    gx.add_service("acload", 31, {"/Ac/L1/Power": 12.0, "/Ac/L1/Voltage": 231.0})
    device = await site.device(AcLoad, 31)
    assert (device.power, device.power_l2, device.phases) == (12, None, 1)
    assert (device.energy, device.frequency, device.power_factor) == (None, None, None)


@pytest.mark.parametrize("old", OLD_VERSIONS, indirect=True)
async def test_loads_of_an_older_server(old, site_of) -> None:
    old.add_service("acload", 31, LOAD)
    site = site_of(old)
    device = await site.device(AcLoad, 31)
    assert (device.power, device.energy, device.serial) == (6000, 63, "HQ2114AAAAA")
    for cls, service in DC_METERS:
        old.add_service(service, 226, METER)
        assert (await site.device(cls, 226)).power == METER_POWER
    old.add_service("motordrive", 1, DRIVE)
    assert (await site.device(MotorDrive, 1)).motor_speed == 2410


# --- heat pump ---


async def test_heat_pump_values(gx, site) -> None:
    gx.add_service(
        "heatpump",
        40,
        {
            "/State": 3,
            "/Ac/Power": 70_000.0,
            "/Ac/Energy/Forward": 1234.56,
            "/Temperature": 47.5,
            "/TargetTemperature": 55.0,
        },
    )
    device = await site.device(HeatPump, 40)
    assert (device.power, device.energy, device.state) == (70_000, 1234.56, HeatPumpState.HEATING)
    assert (device.temperature, device.target_temperature) == (47.5, 55)
    assert device.alarms == ()


async def test_a_heat_pump_that_rests_is_off_and_a_meter_in_its_role_is_not(gx, site) -> None:
    gx.add_service("heatpump", 40, {"/State": 0, "/Temperature": 47.5})
    gx.add_service("heatpump", 41, {"/Ac/Power": 900.0})
    assert (await site.device(HeatPump, 40)).state is HeatPumpState.OFF
    assert (await site.device(HeatPump, 41)).state is None


async def test_heat_pump_alarm(gx, site) -> None:
    gx.add_service("heatpump", 40, {"/State": 1})
    assert (await site.device(HeatPump, 40)).alarms == (Alarm("heat_pump_fault", Severity.CRITICAL),)


# --- tank pump ---


async def test_tank_pump_runs_or_not(gx, site) -> None:
    service = gx.add_service("pump", 0, {"/State": 1})
    device = await site.device(TankPump, 100)
    assert device.running is True
    service.values["/State"] = 0
    # Once is not believed of a block that is nothing but zeros.
    await site.read(device)
    await site.read(device)
    assert device.running is False


async def test_the_gx_is_told_that_its_relay_runs_a_pump(gx, gateway) -> None:
    gx.add_service("system", 0, {"/Serial": "be300d83ff04"})
    gx.add_service("pump", 0, {})
    found = {step.kind: step async for step in gateway.discover() if hasattr(step, "kind")}
    assert found["tank_pump"].unit_id == 100
    assert gateway.device(found["gx"]).relay_pump is True


# --- motor drive ---

DRIVE = {
    "/Motor/RPM": 2410,
    "/Motor/Temperature": 61.5,
    "/Dc/0/Voltage": 51.2,
    "/Dc/0/Current": 60.0,
    "/Dc/0/Power": 3072.0,
    "/Controller/Temperature": 44.1,
}


async def test_motor_drive_values(gx, site) -> None:
    gx.add_service("motordrive", 1, DRIVE)
    device = await site.device(MotorDrive, 1)
    assert (device.motor_speed, device.power) == (2410, 3072)
    assert (device.voltage, device.current) == (pytest.approx(51.2), 60)
    assert (device.motor_temperature, device.controller_temperature) == (61.5, pytest.approx(44.1))


@pytest.mark.parametrize("amperes", [200.0, -200.0])
async def test_motor_power_beyond_its_register_is_worked_out(gx, site, amperes) -> None:
    gx.add_service("motordrive", 1, DRIVE | {"/Dc/0/Current": amperes, "/Dc/0/Power": 51.2 * amperes})
    assert (await site.device(MotorDrive, 1)).power == pytest.approx(51.2 * amperes)


async def test_a_motor_going_astern_turns_the_other_way(gx, site) -> None:
    gx.add_service("motordrive", 1, DRIVE | {"/Motor/RPM": -800})
    assert (await site.device(MotorDrive, 1)).motor_speed == -800


async def test_a_drive_switched_off_gives_nothing(gx, site) -> None:
    gx.add_service("motordrive", 1, {})
    device = await site.device(MotorDrive, 1)
    values = (device.power, device.voltage, device.current, device.motor_temperature, device.controller_temperature)
    assert values == (None,) * 5


# --- DC meters ---

METER = {
    "/Dc/0/Voltage": 26.4,
    "/Dc/0/Current": 12.5,
    "/Dc/1/Voltage": 12.7,
    "/Dc/0/Temperature": 21.5,
    "/History/EnergyIn": 123.45,
    "/History/EnergyOut": 67.89,
}
METER_POWER = 330


@pytest.mark.parametrize(("cls", "service"), DC_METERS)
async def test_dc_meter_values(gx, site, cls, service) -> None:
    gx.add_service(service, 226, METER | {"/CustomName": "Guindeau"})
    device = await site.device(cls, 226)
    assert (device.power, device.voltage, device.current) == (METER_POWER, pytest.approx(26.4), 12.5)
    assert (device.auxiliary_voltage, device.temperature) == (pytest.approx(12.7), 21.5)
    assert device.identity.name == (None if cls is FuelCell else "Guindeau")
    assert device.alarms == ()
    assert len(gx.requests) == 1


async def test_dc_meters_count_what_they_were_told_to_measure(gx, site) -> None:
    for _, service in DC_METERS:
        gx.add_service(service, 226, METER)
    assert (await site.device(DcLoad, 226)).energy == 123.45
    assert (await site.device(DcSource, 226)).energy == 67.89
    assert (await site.device(FuelCell, 226)).energy == 67.89
    system = await site.device(DcSystem, 226)
    assert (system.energy_consumed, system.energy_produced) == (123.45, 67.89)


@pytest.mark.parametrize(("cls", "service"), DC_METERS)
async def test_a_dc_meter_without_voltage_measures_nothing(gx, site, cls, service) -> None:
    gx.add_service(service, 226, {})
    device = await site.device(cls, 226)
    assert (device.power, device.voltage, device.current, device.auxiliary_voltage) == (None, None, None, None)


@pytest.mark.parametrize(("level", "severity"), [(1, Severity.WARNING), (2, Severity.CRITICAL)])
@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/Alarms/LowVoltage", "low_voltage"),
        ("/Alarms/HighVoltage", "high_voltage"),
        ("/Alarms/LowStarterVoltage", "low_auxiliary_voltage"),
        ("/Alarms/HighStarterVoltage", "high_auxiliary_voltage"),
        ("/Alarms/LowTemperature", "low_meter_temperature"),
        ("/Alarms/HighTemperature", "high_meter_temperature"),
    ],
)
@pytest.mark.parametrize(("cls", "service"), DC_METERS)
async def test_dc_meter_alarms(gx, site, cls, service, path, key, level, severity) -> None:
    gx.add_service(service, 226, METER | {path: level})
    assert (await site.device(cls, 226)).alarms == (Alarm(key, severity),)

"""Tanks, temperatures, inputs, weather and position, read from a simulated GX."""

import pytest

from custom_components.energy_suite.gateways.base import Alarm, Severity
from custom_components.energy_suite.gateways.victron.enums import (
    DigitalInputType,
    FluidType,
    InputState,
    SensorStatus,
    TemperatureType,
)
from custom_components.energy_suite.gateways.victron.environment import (
    DigitalInput,
    Gps,
    Meteo,
    PulseMeter,
    Tank,
    TemperatureSensor,
)
from demo.gx import GxSimulator

OLD_VERSIONS = ["v1.0.60", "v1.0.78", "v1.0.92", "v1.0.95", "v1.0.97"]


@pytest.fixture
async def old(request, socket_enabled):
    async with GxSimulator(version=request.param) as simulator:
        yield simulator


SENSOR_FAULTS = [(1, "sensor_open_circuit"), (2, "sensor_short_circuit"), (3, "sensor_reverse_polarity")]

# --- tank ---

TANK = {
    "/Capacity": 0.4,
    "/FluidType": 5,
    "/Level": 37.5,
    "/Remaining": 0.15,
    "/Status": 0,
    "/CustomName": "Eaux noires",
}


async def test_tank_values(gx, site) -> None:
    gx.add_service("tank", 21, TANK)
    device = await site.device(Tank, 21)
    assert (device.level, device.remaining, device.capacity) == (37.5, pytest.approx(0.15), pytest.approx(0.4))
    assert (device.fluid_type, device.sensor_status) == (FluidType.BLACK_WATER, SensorStatus.OK)
    assert (device.identity.name, device.alarms) == ("Eaux noires", ())
    assert len(gx.requests) == 1


async def test_an_empty_tank_is_empty(gx, site) -> None:
    gx.add_service("tank", 21, TANK | {"/Level": 0.0, "/Remaining": 0.0})
    device = await site.device(Tank, 21)
    assert (device.level, device.remaining) == (0, 0)


async def test_what_remains_in_a_tank_without_capacity_is_unknown(gx, site) -> None:
    gx.add_service("tank", 21, {"/Level": 80.0})
    device = await site.device(Tank, 21)
    assert (device.level, device.remaining, device.capacity) == (80, None, None)


@pytest.mark.parametrize(("status", "key"), [*SENSOR_FAULTS, (4, None)])
async def test_a_tank_whose_sensor_is_at_fault_is_not_empty(gx, site, status, key) -> None:
    gx.add_service("tank", 21, {"/Capacity": 0.4, "/Status": status})
    device = await site.device(Tank, 21)
    assert (device.level, device.remaining) == (None, None)
    assert device.sensor_status == status
    assert device.alarms == ((Alarm(key, Severity.WARNING),) if key else ())


@pytest.mark.parametrize("old", OLD_VERSIONS, indirect=True)
async def test_sensors_of_an_older_server(old, site_of) -> None:
    old.add_service("tank", 21, TANK)
    old.add_service("temperature", 22, INDOORS)
    old.add_service("digitalinput", 1, {"/State": 7, "/Type": 2})
    old.add_service("pulsemeter", 2, {"/Aggregate": 12, "/Count": 12_345})
    old.add_service("meteo", 23, {"/Irradiance": 812.3, "/ExternalTemperature2": 21.5})
    old.add_service("gps", 0, POSITION)
    site = site_of(old)
    assert (await site.device(Tank, 21)).level == 37.5
    air = await site.device(TemperatureSensor, 22)
    assert (air.temperature, air.humidity, air.atmospheric_pressure) == (21.34, 46.5, 1013)
    assert air.carbon_dioxide == (None if old.version in OLD_VERSIONS[:2] else 642)
    assert (await site.device(DigitalInput, 1)).input_state is InputState.CLOSED
    assert (await site.device(PulseMeter, 2)).count == 12_345
    weather = await site.device(Meteo, 23)
    assert (weather.irradiance, weather.external_temperature_2) == (pytest.approx(812.3), pytest.approx(21.5))
    assert (await site.device(Gps, 100)).latitude == 52.3910123


# --- temperature ---

INDOORS = {
    "/TemperatureType": 3,
    "/Temperature": 21.34,
    "/Humidity": 46.5,
    "/Pressure": 1013,
    "/BatteryVoltage": 2.91,
    "/CO2": 642,
    "/Luminosity": 70_000,
    "/NOX": 1,
    "/PM25": 3,
    "/VOC": 101,
}


async def test_temperature_sensor_values(gx, site) -> None:
    gx.add_service("temperature", 22, INDOORS | {"/CustomName": "Cabine"})
    device = await site.device(TemperatureSensor, 22)
    assert (device.temperature, device.humidity, device.atmospheric_pressure) == (21.34, 46.5, 1013)
    assert (device.battery_voltage, device.carbon_dioxide, device.illuminance) == (2.91, 642, 70_000)
    assert (device.nox_index, device.pm25, device.voc_index) == (1, 3, 101)
    assert (device.sensor_type, device.sensor_status) == (TemperatureType.ROOM, SensorStatus.OK)
    assert device.identity.name == "Cabine"
    assert len(gx.requests) == 1


async def test_clean_dark_air_is_a_measurement_and_no_sensor_is_none(gx, site) -> None:
    gx.add_service("temperature", 22, INDOORS | {"/Luminosity": 0, "/PM25": 0})
    gx.add_service("temperature", 23, {"/Temperature": 4.5})
    device, fridge = await site.device(TemperatureSensor, 22), await site.device(TemperatureSensor, 23)
    assert (device.illuminance, device.pm25) == (0, 0)
    assert (fridge.temperature, fridge.illuminance, fridge.pm25, fridge.humidity) == (4.5, None, None, None)


@pytest.mark.parametrize(
    ("values", "temperature"),
    [
        ({"/Scale": 1.0, "/Temperature": 0.0}, 0),
        ({"/Humidity": 80.0, "/Temperature": 0.0}, 0),
        ({"/Temperature": -18.25}, -18.25),
        ({"/TemperatureType": 6}, None),
        ({"/Scale": 1.0, "/Status": 1}, None),
    ],
)
async def test_freezing_is_told_from_nothing(gx, site, values, temperature) -> None:
    gx.add_service("temperature", 22, values)
    assert (await site.device(TemperatureSensor, 22)).temperature == temperature


@pytest.mark.parametrize(("status", "key"), SENSOR_FAULTS)
async def test_temperature_sensor_alarms(gx, site, status, key) -> None:
    gx.add_service("temperature", 22, {"/Scale": 1.0, "/Status": status})
    assert (await site.device(TemperatureSensor, 22)).alarms == (Alarm(key, Severity.WARNING),)


# --- digital input ---


@pytest.mark.parametrize(
    ("kind", "state", "attribute", "value"),
    [
        (DigitalInputType.DOOR, InputState.OPEN, "door", True),
        (DigitalInputType.DOOR, InputState.CLOSED, "door", False),
        (DigitalInputType.BILGE_PUMP, InputState.RUNNING, "running", True),
        (DigitalInputType.GENERATOR, InputState.STOPPED, "running", False),
        # As the GX has it, not as the published list has it.
        (DigitalInputType.SMOKE_ALARM, InputState.OK, "smoke", False),
        (DigitalInputType.SMOKE_ALARM, InputState.ALARM, "smoke", True),
        (DigitalInputType.BILGE_ALARM, InputState.ALARM, "safety", True),
        (DigitalInputType.CO2_ALARM, InputState.OK, "safety", False),
    ],
)
async def test_a_digital_input_is_what_the_gx_was_told(gx, site, kind, state, attribute, value) -> None:
    gx.add_service("digitalinput", 1, {"/Type": kind, "/State": state, "/Count": 7})
    device = await site.device(DigitalInput, 1)
    assert (device.input_type, device.input_state, device.count) == (kind, state, 7)
    told = {name: getattr(device, name) for name in ("door", "running", "smoke", "safety")}
    assert told == dict.fromkeys(told) | {attribute: value}


@pytest.mark.parametrize(("value", "severity"), [(2, Severity.CRITICAL), (1, Severity.WARNING)])
@pytest.mark.parametrize(
    ("kind", "key"),
    [
        (2, "digital_input_door"),
        (3, "digital_input_bilge_pump"),
        (4, "digital_input_bilge_alarm"),
        (5, "digital_input_burglar_alarm"),
        (6, "digital_input_smoke_alarm"),
        (7, "digital_input_fire_alarm"),
        (8, "digital_input_co2_alarm"),
        (9, "digital_input_generator"),
        (10, "digital_input"),
        (11, "digital_input"),
        (99, "digital_input"),
    ],
)
async def test_digital_input_alarms_are_named_by_what_it_is_for(gx, site, kind, key, value, severity) -> None:
    gx.add_service("digitalinput", 1, {"/Type": kind, "/Alarm": value})
    assert (await site.device(DigitalInput, 1)).alarms == (Alarm(key, severity, notify_by_default=True),)


async def test_an_input_without_a_purpose_has_no_state(gx, site) -> None:
    gx.add_service("digitalinput", 1, {})
    device = await site.device(DigitalInput, 1)
    assert (device.input_type, device.input_state, device.alarms) == (None, None, ())


# --- pulse meter ---


async def test_pulse_meter_values(gx, site) -> None:
    gx.add_service("pulsemeter", 2, {"/Aggregate": 70_000, "/Count": 70_000_000, "/CustomName": "Eau"})
    device = await site.device(PulseMeter, 2)
    assert (device.volume, device.count, device.identity.name) == (70_000, 70_000_000, "Eau")


# --- meteo ---


async def test_meteo_values(gx, site) -> None:
    gx.add_service(
        "meteo",
        23,
        {"/Irradiance": 812.3, "/WindSpeed": 4.2, "/CellTemperature": 41.5, "/ExternalTemperature": -3.4},
    )
    device = await site.device(Meteo, 23)
    assert (device.irradiance, device.wind_speed) == (pytest.approx(812.3), pytest.approx(4.2))
    assert (device.cell_temperature, device.external_temperature) == (pytest.approx(41.5), pytest.approx(-3.4))
    assert device.external_temperature_2 is None


async def test_at_night_the_irradiance_is_zero(gx, site) -> None:
    gx.add_service("meteo", 23, {"/Irradiance": 0.0, "/CellTemperature": 8.0})
    assert (await site.device(Meteo, 23)).irradiance == 0


# --- GPS ---

POSITION = {
    "/Position/Latitude": 52.3910123,
    "/Position/Longitude": -4.9021234,
    "/Course": 271.5,
    "/Speed": 2.57,
    "/Fix": 1,
    "/NrOfSatellites": 9,
    "/Altitude": -2.3,
}


async def test_gps_values(gx, site) -> None:
    gx.add_service("gps", 0, POSITION)
    device = await site.device(Gps, 100)
    assert (device.latitude, device.longitude) == (52.3910123, -4.9021234)
    assert (device.course, device.speed, device.altitude) == (271.5, 2.57, pytest.approx(-2.3))
    assert (device.fix, device.satellites) == (True, 9)


async def test_without_a_fix_there_is_no_position(gx, site) -> None:
    service = gx.add_service("gps", 0, POSITION | {"/Fix": 0, "/NrOfSatellites": 2})
    device = await site.device(Gps, 100)
    values = (device.latitude, device.longitude, device.course, device.speed, device.altitude)
    assert values == (None, None, None, None, None)
    assert (device.fix, device.satellites) == (False, 2)
    # Off the coast of Ghana a boat may well be at 0° and not move.
    service.values |= {"/Fix": 1, "/Position/Latitude": 0.0, "/Position/Longitude": 0.0, "/Speed": 0.0}
    await site.read(device)
    assert (device.latitude, device.longitude, device.speed) == (0, 0, 0)


async def test_beyond_the_poles_there_is_no_position(gx, site) -> None:
    gx.add_service("gps", 0, POSITION | {"/Position/Latitude": 90.5, "/Position/Longitude": 180.5})
    device = await site.device(Gps, 100)
    assert (device.latitude, device.longitude) == (None, None)

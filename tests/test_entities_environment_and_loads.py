"""Entities of what the house does not have: tanks, sensors, inputs, position, loads and meters."""

from collections import Counter

import pytest
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import async_capture_events

from custom_components.energy_suite.device_tracker import MOVED
from custom_components.energy_suite.entities.victron.environment import ENVIRONMENT
from custom_components.energy_suite.entities.victron.loads import LOADS
from demo.registers import Value

KINDS = {**ENVIRONMENT, **LOADS}

DC: dict[str, Value] = {"/Dc/0/Voltage": 26.4, "/Dc/0/Current": -12.5, "/Dc/1/Voltage": 12.7, "/Dc/0/Temperature": 21.5}
# Service and instance -> what is on the D-Bus.
SERVICES: dict[tuple[str, int], dict[str, Value]] = {
    ("tank", 21): {"/FluidType": 1, "/Level": 37.5, "/Capacity": 0.4, "/Remaining": 0.15, "/CustomName": "Eau douce"},
    ("temperature", 22): {
        "/TemperatureType": 3,
        "/Temperature": -3.25,
        "/Humidity": 46.5,
        "/Pressure": 1013,
        "/BatteryVoltage": 2.91,
        "/CO2": 642,
        "/Luminosity": 1234,
        "/NOX": 2,
        "/PM25": 3,
        "/VOC": 101,
    },
    ("digitalinput", 1): {"/Type": 2, "/State": 6, "/Count": 7},
    ("pulsemeter", 2): {"/Aggregate": 123, "/Count": 123_456},
    ("meteo", 23): {
        "/Irradiance": 812.3,
        "/WindSpeed": 4.2,
        "/CellTemperature": 41.5,
        "/ExternalTemperature": 19.4,
        "/ExternalTemperature2": 18.3,
    },
    ("gps", 1): {
        "/Position/Latitude": 43.2965,
        "/Position/Longitude": 5.3698,
        "/Course": 271.5,
        "/Speed": 2.5,
        "/Fix": 1,
        "/NrOfSatellites": 9,
        "/Altitude": 12.3,
    },
    ("acload", 31): {
        "/Ac/L1/Power": 1234.0,
        "/Ac/L1/Voltage": 231.2,
        "/Ac/L1/Current": 5.4,
        "/Ac/L1/Energy/Forward": 67.89,
        "/Ac/Frequency": 50.02,
        "/Ac/PowerFactor": 0.912,
        "/Serial": "HQ2114AAAAA",
    },
    ("heatpump", 41): {
        "/State": 3,
        "/Ac/Power": 2345.0,
        "/Ac/Energy/Forward": 345.67,
        "/Temperature": 47.5,
        "/TargetTemperature": 55.0,
    },
    ("pump", 0): {"/State": 1},
    ("motordrive", 3): {
        "/Motor/RPM": 2410,
        "/Motor/Temperature": 61.5,
        "/Dc/0/Voltage": 51.2,
        "/Dc/0/Current": 20.0,
        "/Dc/0/Power": 1024.0,
        "/Controller/Temperature": 44.1,
    },
    ("dcload", 4): DC | {"/History/EnergyIn": 12.34},
    ("dcsource", 5): DC | {"/History/EnergyOut": 23.45},
    ("dcsystem", 6): DC | {"/History/EnergyIn": 34.56, "/History/EnergyOut": 45.67},
    ("fuelcell", 7): DC | {"/History/EnergyOut": 56.78},
}
DC_SHOWN: dict[str, float | str] = {
    "power": -330,
    "voltage": 26.4,
    "current": -12.5,
    "auxiliary_voltage": 12.7,
    "temperature": 21.5,
}
# Kind -> key -> what the entity shows, in the unit that it is shown in.
SHOWN: dict[str, dict[str, float | str]] = {
    "tank": {"level": 37.5, "fluid_type": "fresh_water", "remaining": 150, "capacity": 400, "sensor_status": "ok"},
    "temperature_sensor": {
        "temperature": -3.25,
        "humidity": 46.5,
        "atmospheric_pressure": 1013,
        "carbon_dioxide": 642,
        "illuminance": 1234,
        "pm25": 3,
        "voc_index": 101,
        "nox_index": 2,
        "battery_voltage": 2.91,
        "sensor_type": "room",
        "sensor_status": "ok",
    },
    "digital_input": {"input_state": "open", "door": "on", "count": 7, "input_type": "door"},
    "pulse_meter": {"volume": 123, "count": 123_456},
    "meteo": {
        "irradiance": 812.3,
        "wind_speed": 15.12,
        "cell_temperature": 41.5,
        "external_temperature": 19.4,
        "external_temperature_2": 18.3,
    },
    "gps": {
        "location": "not_home",
        "speed": 9,
        "course": 271.5,
        "altitude": 12.3,
        "satellites": 9,
        "fix": "on",
    },
    "ac_load": {
        "power": 1234,
        "voltage": 231.2,
        "current": 5.4,
        "energy": 67.89,
        "frequency": 50.02,
        "power_factor": 0.912,
    },
    "heat_pump": {
        "power": 2345,
        "energy": 345.67,
        "state": "heating",
        "temperature": 47.5,
        "target_temperature": 55,
    },
    "tank_pump": {"running": "on"},
    "motor_drive": {
        "motor_speed": 2410,
        "power": 1024,
        "voltage": 51.2,
        "current": 20,
        "motor_temperature": 61.5,
        "controller_temperature": 44.1,
    },
    "dc_load": DC_SHOWN | {"energy": 12.34},
    "dc_source": DC_SHOWN | {"energy": 23.45},
    "dc_system": DC_SHOWN | {"energy_consumed": 34.56, "energy_produced": 45.67},
    "fuel_cell": DC_SHOWN | {"energy": 56.78},
}


@pytest.fixture
def connected() -> tuple[str, ...]:
    """What is connected to the GX; tests override it by parametrising."""
    return ("tank", "digitalinput", "gps", "acload")


@pytest.fixture
def aboard(house, connected) -> None:
    """Put it there."""
    for (service, instance), values in SERVICES.items():
        if service in connected:
            house.gx.add_service(service, instance, values)


pytestmark = pytest.mark.usefixtures("aboard")
# Everything at once, read once: nothing is stale however slow the machine.
everything = pytest.mark.parametrize(
    ("connected", "options"), [({service for service, _ in SERVICES}, {"interval": 3600})], ids=[""]
)


def entities_of(suite, kind: str) -> dict[str, er.RegistryEntry]:
    """A device's entities by their keys."""
    prefix = f"{suite.entry.data['uid']}_{suite.key(kind)}_"
    entities = er.async_entries_for_device(suite.entities, suite.device_id(kind), include_disabled_entities=True)
    return {entity.unique_id.removeprefix(prefix): entity for entity in entities}


def as_shown(state: str) -> float | str:
    try:
        return float(state)
    except ValueError:
        return state


def test_every_kind_is_in_the_table():
    assert SHOWN.keys() == KINDS.keys()


@everything
@pytest.mark.usefixtures("all_enabled")
async def test_every_entity_shows_what_its_service_says(suite, subtests):
    for kind, expected in SHOWN.items():
        with subtests.test(kind):
            own = {"alarm", "problem"}
            shown = {key: as_shown(suite.state(kind, key)) for key in entities_of(suite, kind) if key not in own}
            assert shown == expected


@everything
async def test_entities_enabled_from_the_start_are_few(suite):
    enabled = Counter({kind: sum(not each.disabled for each in entities_of(suite, kind).values()) for kind in KINDS})
    assert max(enabled.values()) <= 25
    assert min(enabled.values()) > 2


async def test_a_device_has_no_entity_for_what_it_does_not_give(suite):
    for service, instance in (("tank", 24), ("temperature", 25), ("heatpump", 42), ("dcload", 8)):
        suite.gx.add_service(service, instance, {"/Status": 0, "/Dc/0/Voltage": 13.1})
    await suite.entry.runtime_data.search()
    await suite.reports()
    keys = {
        key: {
            entity.unique_id.removeprefix(f"{suite.entry.data['uid']}_{key}_")
            for entity in er.async_entries_for_config_entry(suite.entities, suite.entry.entry_id)
            if entity.unique_id.startswith(f"{suite.entry.data['uid']}_{key}_")
        }
        - {"alarm", "problem"}
        for key in ("tank_24", "temperature_sensor_25", "heat_pump_42", "dc_load_8")
    }
    assert keys == {
        "tank_24": {"level", "fluid_type", "sensor_status"},
        "temperature_sensor_25": {"temperature", "sensor_type", "sensor_status"},
        "heat_pump_42": {"power"},
        "dc_load_8": {"power", "voltage", "current"},
    }


async def test_a_device_is_called_by_the_name_its_owner_gave(suite):
    assert suite.devices.async_get(suite.device_id("tank")).name == "Eau douce"
    assert suite.devices.async_get(suite.device_id("gps")).name == "GPS"
    assert suite.devices.async_get(suite.device_id("ac_load")).serial_number == "HQ2114AAAAA"


async def test_a_sensor_at_fault_is_a_problem_and_no_empty_tank(suite):
    suite.gx.set("tank", 21, "/Status", 1)
    suite.gx.set("tank", 21, "/Level", None)

    await suite.shows("tank", "problem", "on")
    assert suite.state("tank", "level") == "unknown"
    (alarm,) = suite.attributes("tank", "problem")["alarms"]
    assert alarm["alarm"] == "sensor_open_circuit"
    assert "circuit" in alarm["text"]


async def test_the_alarm_of_an_input_says_what_it_is_for(suite):
    suite.gx.service("digitalinput", 1).values |= {"/Type": 6, "/State": 9, "/Alarm": 2}

    await suite.until(lambda: suite.has("digital_input", "smoke"))
    await suite.shows("digital_input", "problem", "on")
    assert suite.state("digital_input", "smoke") == "on"
    assert suite.attributes("digital_input", "alarm")["text"] == "Smoke alarm"


# --- position -----------------------------------------------------------------------------------------------------

# One degree north in m.
DEGREE = 111_100


def move(suite, metres: float) -> None:
    """Go north."""
    latitude = float(suite.gx.get("gps", 1, "/Position/Latitude"))
    suite.gx.set("gps", 1, "/Position/Latitude", latitude + metres / DEGREE)


def latitude(suite) -> float | None:
    value: float | None = suite.attributes("gps", "location").get("latitude")
    return value


async def test_the_tracker_says_where_it_is(suite):
    await suite.until(lambda: latitude(suite) is not None)
    attributes = suite.attributes("gps", "location")
    assert (attributes["latitude"], attributes["longitude"]) == (43.2965, 5.3698)
    assert attributes["source_type"] == "gps"


async def test_at_home_it_is_home(hass, suite):
    suite.gx.service("gps", 1).values |= {
        "/Position/Latitude": hass.config.latitude,
        "/Position/Longitude": hass.config.longitude,
    }
    await suite.shows("gps", "location", "home")


async def test_a_position_is_written_when_it_moved_and_not_for_every_reading(hass, suite):
    written = async_capture_events(hass, EVENT_STATE_CHANGED)
    tracker = suite.entity_id("gps", "location")
    move(suite, MOVED / 3)
    await suite.reports(3)
    assert tracker not in [event.data["entity_id"] for event in written]
    # Small steps add up to one that matters.
    move(suite, MOVED)
    await suite.until(lambda: latitude(suite) != 43.2965)
    await suite.reports(3)
    assert [event.data["entity_id"] for event in written].count(tracker) == 1


async def test_without_a_fix_the_position_is_unknown_and_then_known_again(suite):
    suite.gx.set("gps", 1, "/Fix", 0)
    await suite.shows("gps", "location", "unknown")
    assert latitude(suite) is None
    suite.gx.set("gps", 1, "/Fix", 1)
    await suite.shows("gps", "location", "not_home")
    assert latitude(suite) == 43.2965


async def test_a_receiver_that_is_gone_is_unavailable(suite):
    suite.gx.vanish("gps", 1)
    await suite.shows("gps", "location", "unavailable")
    suite.gx.reappear("gps", 1)
    await suite.shows("gps", "location", "not_home")


async def test_diagnostics_do_not_say_where_it_is(hass, hass_client, suite):
    assert await async_setup_component(hass, "diagnostics", {})
    client = await hass_client()
    response = await client.get(f"/api/diagnostics/config_entry/{suite.entry.entry_id}/device/{suite.device_id('gps')}")
    text = await response.text()
    (device,) = (await response.json())["data"]["devices"].values()
    assert set(device["registers"]["holding"]) == {str(address) for address in range(2804, 2808)}
    assert device["parts"]["live"]["values"].keys() == {"course", "ground_speed", "fix", "satellites"}
    assert "43.29" not in text
    assert "5.36" not in text

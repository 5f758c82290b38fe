"""The demo's boat in Home Assistant: every device and entity that it shows, and the story of its empty cells."""

from datetime import UTC, datetime
from unittest.mock import patch

import pytest
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er

from demo.boat import Boat
from demo.gateway import Entities
from demo.gx import GxSimulator
from demo.scenario import SCENARIOS, ScenarioPlayer, load_scenario
from demo.sites import SITES
from demo.victron_boat import VictronBoat
from tests.conftest import FAST, Suite, stored_entry

pytestmark = pytest.mark.usefixtures("hass_storage")

BOAT = SITES["boat"]
DEVICES = {
    "gx",
    "inverter_charger_227",
    "battery_225",
    "solar_charger_226",
    "dc_dc_converter_224",
    "dc_load_223",
    "dc_load_239",
    "alternator_1",
    "ac_genset_100",
    "generator_1",
    "gps_100",
    "tank_20",
    "tank_21",
    "tank_22",
    "temperature_sensor_24",
    "temperature_sensor_25",
    "temperature_sensor_26",
    "digital_input_1",
    "digital_input_2",
    "pulse_meter_3",
}


@pytest.fixture
async def boat(socket_enabled):
    """The boat at noon in June, standing still unless the test advances it."""
    async with GxSimulator(write_delay=0) as gx:
        boat = VictronBoat(gx, Boat.lived_in(datetime(2026, 6, 15, 10, 0, tzinfo=UTC)))
        boat.advance(60)
        yield boat


@pytest.fixture
async def suite(hass, boat):
    """The integration with the boat's GX, and the controls that the demo enables."""
    entry = await stored_entry(boat, FAST | {"enabled_controls": list(BOAT.controls)})
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    with patch("custom_components.energy_suite.publishing.QUIET", 0):
        yield Suite(hass, boat, entry)
    await hass.config_entries.async_unload(entry.entry_id)


@pytest.fixture
def entities(hass, suite):
    """The entities as the demo finds them."""
    devices = er.async_get(hass), dr.async_get(hass)
    entry_id = suite.entry.entry_id
    return Entities(
        [
            {"id": device.id, "identifiers": list(device.identifiers)}
            for device in dr.async_entries_for_config_entry(devices[1], entry_id)
        ],
        [
            {
                "platform": entity.platform,
                "disabled_by": entity.disabled_by,
                "device_id": entity.device_id,
                "unique_id": entity.unique_id,
                "entity_id": entity.entity_id,
            }
            for entity in er.async_entries_for_config_entry(devices[0], entry_id)
        ],
    )


def problems(suite, device):
    return {alarm["alarm"] for alarm in suite.attributes(device, "problem").get("alarms", ())}


async def test_every_device_of_the_boat_is_found(suite):
    assert {found["key"] for found in suite.entry.data["devices"]} == DEVICES


async def test_all_that_the_demo_shows_of_the_boat_is_there_and_known(hass, suite, entities):
    found = set()
    find = entities.find

    def remember(*place):
        found.add(find(*place))
        return find(*place)

    entities.find = remember
    BOAT.dashboard(entities, "fr")
    BOAT.energy_preferences(entities)
    for counted in BOAT.counted:
        entities.find(counted.kind, counted.key)
    for measured in BOAT.measured:
        entities.find(measured.kind, measured.key)
    assert len(found) > 50
    await suite.reports(2)
    # Without a discharge there is no time to go.
    without = {entity_id for entity_id in found if hass.states.get(entity_id).state in ("unknown", "unavailable")}
    assert without <= {entities.find("battery", "time_to_go")}


async def test_the_boat_keeps_the_budget_of_entities(hass, suite):
    enabled = [
        entity
        for entity in er.async_entries_for_config_entry(er.async_get(hass), suite.entry.entry_id)
        if entity.disabled_by is None
    ]
    per_device: dict[str | None, int] = {}
    for entity in enabled:
        per_device[entity.device_id] = per_device.get(entity.device_id, 0) + 1
    assert len(per_device) == len(DEVICES)
    assert max(per_device.values()) <= 25


async def test_the_boat_is_on_the_map_where_it_sails(suite, boat):
    latitude, longitude = boat.site.position
    await suite.until(lambda: "latitude" in suite.attributes("gps", "location"))
    attributes = suite.attributes("gps", "location")
    assert (attributes["latitude"], attributes["longitude"]) == pytest.approx((latitude, longitude), abs=1e-6)


async def test_the_pre_alarm_comes_at_3_1_v_and_the_disconnection_30_s_later(suite, boat):
    player = ScenarioPlayer(load_scenario(SCENARIOS / "cells_empty.yaml"), boat)

    async def at(second):
        await player.advance(second - player.elapsed)
        await suite.reports(2)

    await at(40)
    assert (problems(suite, "inverter_charger"), suite.state("battery", "discharge_allowed")) == (set(), "on")
    assert "low_cell_voltage" not in problems(suite, "battery")

    await at(41)
    await suite.shows("battery", "minimum_cell_voltage", "3.1")
    await suite.until(lambda: "bms_pre_alarm" in problems(suite, "inverter_charger"))
    await suite.until(lambda: "low_cell_voltage" in problems(suite, "battery"))
    assert suite.state("battery", "discharge_allowed") == "on"

    await at(70)
    assert suite.state("battery", "discharge_allowed") == "on"
    assert suite.state("inverter_charger", "state") == "inverting"

    await at(72)
    await suite.shows("battery", "discharge_allowed", "off")
    await suite.shows("inverter_charger", "state", "off")
    critical = next(
        alarm for alarm in suite.attributes("battery", "problem")["alarms"] if alarm["alarm"] == "low_cell_voltage"
    )
    assert critical["severity"] == "critical"
    assert "low_battery" in problems(suite, "inverter_charger")

    await player.advance(120 - player.elapsed)
    await suite.shows("inverter_charger", "state", "unavailable")

    await player.advance(300)
    await suite.shows("battery", "discharge_allowed", "on")
    await suite.until(lambda: not problems(suite, "inverter_charger") and not problems(suite, "battery"))

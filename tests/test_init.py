"""Setting a gateway up, and what becomes of it: unloaded, unreachable, replaced, with more devices or fewer."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed

from custom_components.energy_suite import async_remove_config_entry_device
from custom_components.energy_suite.connection import async_get_pool
from custom_components.energy_suite.const import DOMAIN
from custom_components.energy_suite.suite import async_get_suite
from demo.faults import delay
from demo.modbus import PlainModbusServer
from demo.victron_house import INSTANCES, VictronHouse
from demo.victron_site import SERIAL
from tests.conftest import Suite, add_gateway, stored_entry

ENTRIES = sorted((Path(__file__).parent / "fixtures" / "entries").glob("*.json"))


def schedules() -> list[asyncio.Task[Any]]:
    """What still reads a gateway."""
    return [task for task in asyncio.all_tasks() if task.get_name() == "energy_suite schedule"]


async def closed(house: VictronHouse) -> bool:
    """Whether nobody is connected to the GX, which hears of it a moment later."""
    async with asyncio.timeout(2):
        while house.gx.connections_now:  # noqa: ASYNC110 - a socket's other end has no event
            await asyncio.sleep(0)
    return True


async def pressed(hass: HomeAssistant, suite: Suite) -> None:
    """The button "Search again"."""
    await suite.call("button", "press", "gx", "search_again")
    await hass.async_block_till_done()


def add_battery(house: VictronHouse) -> None:
    """Switch a second battery on; its unit id is its instance, 224."""
    house.gx.add_service("battery", 224, {**house.gx.service("battery", 512).values, "/CustomName": "Cave"})


# --- up and down -------------------------------------------------------------------------------------------------


async def test_a_gateway_that_was_just_added_is_read(hass, house):
    entry = await add_gateway(hass, house)
    suite = Suite(hass, house, entry)
    assert entry.state is ConfigEntryState.LOADED
    assert len(entry.runtime_data.coordinators) == 8
    assert all(coordinator.data.available for coordinator in entry.runtime_data.coordinators.values())
    assert float(suite.state("gx", "state_of_charge")) == pytest.approx(house.site.battery.soc, abs=1)
    assert house.gx.connections_now == 1
    gx: Any = suite.devices.async_get(suite.device_id("gx"))
    assert (gx.manufacturer, gx.name, gx.serial_number) == ("Victron Energy", "Maison des pins", SERIAL)
    assert gx.configuration_url == "http://127.0.0.1"
    for device in dr.async_entries_for_config_entry(suite.devices, entry.entry_id):
        assert device.via_device_id == (None if device.id == gx.id else gx.id)
    await hass.config_entries.async_unload(entry.entry_id)


async def test_an_unloaded_gateway_leaves_nothing_behind(hass, suite):
    assert len(schedules()) == 1
    await hass.config_entries.async_unload(suite.entry.entry_id)
    assert suite.entry.state is ConfigEntryState.NOT_LOADED
    assert schedules() == []
    assert list(async_get_suite(hass)) == []
    assert async_get_pool(hass)._shared == {}
    assert await closed(suite.house)
    ours = {entity.entity_id for entity in er.async_entries_for_config_entry(suite.entities, suite.entry.entry_id)}
    assert {state.state for state in hass.states.async_all() if state.entity_id in ours} == {"unavailable"}


async def test_a_reloaded_gateway_is_read_as_before(hass, suite):
    before = {state.entity_id for state in hass.states.async_all()}
    await hass.config_entries.async_reload(suite.entry.entry_id)
    await hass.async_block_till_done()
    assert {state.entity_id for state in hass.states.async_all()} == before
    assert len(schedules()) == 1
    suite.house.overrides["system", "/Dc/Battery/Soc"] = 44
    suite.house.advance(0)
    await suite.shows("gx", "state_of_charge", "44")
    assert suite.gx.connections_now == 1


async def test_a_gateway_that_is_unloaded_while_it_is_searched_is_not_read_on(hass, suite):
    add_battery(suite.house)
    asked = asyncio.Event()

    def note(request: Any) -> bool:
        asked.set()
        return False

    with suite.gx.inject(delay(0), only=note):
        search = hass.async_create_task(suite.entry.runtime_data.search())
        await asked.wait()
        await hass.config_entries.async_unload(suite.entry.entry_id)
        await search
    assert schedules() == []
    assert await closed(suite.house)
    assert len(suite.entry.data["devices"]) == 8


async def tried_again(hass: HomeAssistant, entry: MockConfigEntry) -> ConfigEntryState:
    """What becomes of the entry when Home Assistant tries again by itself."""
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(minutes=2))
    await hass.async_block_till_done(wait_background_tasks=True)
    state: ConfigEntryState = entry.state
    return state


async def test_a_gateway_that_is_unreachable_is_tried_again(hass, house):
    entry = await stored_entry(house)
    entry.add_to_hass(hass)
    house.gx.stop()
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "cannot_connect"
    assert entry.error_reason_translation_placeholders == {"title": "Victron GX"}
    assert entry.reason == "Victron GX does not answer"
    assert schedules() == []
    await house.gx.start()
    assert await tried_again(hass, entry) is ConfigEntryState.LOADED
    assert len(entry.runtime_data.coordinators) == 8
    await hass.config_entries.async_unload(entry.entry_id)


async def test_something_else_at_the_address_is_not_read(hass, house):
    entry = await stored_entry(house)
    house.gx.stop()
    async with PlainModbusServer(house.gx.port, zeros=True) as stranger:
        entry.add_to_hass(hass)
        await hass.config_entries.async_setup(entry.entry_id)
        assert entry.state is ConfigEntryState.SETUP_RETRY
        assert entry.error_reason_translation_key == "not_this_gateway"
        assert entry.reason == "What answers at the address of Victron GX is another kind of device"
        assert schedules() == []
        assert {request.address for request in stranger.requests} == {800}
    await hass.config_entries.async_unload(entry.entry_id)


async def test_another_gx_at_the_address_is_not_read_and_the_user_is_told(hass, house):
    entry = await stored_entry(house)
    entry.add_to_hass(hass)
    house.overrides["system", "/Serial"] = "c0619ab1c2d3"
    house.advance(0)
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "unexpected_serial"
    assert "Another gateway answers" in entry.reason
    assert er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id) == []
    issues = ir.async_get(hass)
    issue: Any = issues.async_get_issue(DOMAIN, f"replaced_gateway_{entry.entry_id}")
    assert (issue.translation_key, issue.translation_placeholders) == ("replaced_gateway", {"title": "Victron GX"})
    assert (issue.severity, issue.is_fixable) == (ir.IssueSeverity.ERROR, False)

    house.overrides["system", "/Serial"] = SERIAL
    house.advance(0)
    assert await tried_again(hass, entry) is ConfigEntryState.LOADED
    assert issues.async_get_issue(DOMAIN, f"replaced_gateway_{entry.entry_id}") is None
    await hass.config_entries.async_unload(entry.entry_id)


async def test_a_removed_gateway_takes_its_issues_and_its_memory_with_it(hass, suite, hass_storage):
    key = f"{DOMAIN}.{suite.entry.entry_id}"
    await hass.config_entries.async_unload(suite.entry.entry_id)
    assert key in hass_storage
    suite.house.overrides["system", "/Serial"] = "c0619ab1c2d3"
    suite.house.advance(0)
    await hass.config_entries.async_setup(suite.entry.entry_id)
    assert ir.async_get(hass).async_get_issue(DOMAIN, f"replaced_gateway_{suite.entry.entry_id}") is not None
    await hass.config_entries.async_remove(suite.entry.entry_id)
    assert key not in hass_storage
    assert not [issue for issue in ir.async_get(hass).issues if issue[0] == DOMAIN]
    assert dr.async_entries_for_config_entry(suite.devices, suite.entry.entry_id) == []


async def test_a_gateway_removed_while_it_is_read_leaves_no_memory(hass, suite, hass_storage):
    await suite.reports()
    await hass.config_entries.async_remove(suite.entry.entry_id)
    await hass.async_block_till_done()
    assert f"{DOMAIN}.{suite.entry.entry_id}" not in hass_storage


async def test_an_entry_of_a_later_version_is_left_alone(hass, house):
    stored = await stored_entry(house)
    entry = MockConfigEntry(domain=DOMAIN, unique_id=stored.unique_id, data=dict(stored.data), version=2)
    entry.add_to_hass(hass)
    house.gx.requests.clear()
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.MIGRATION_ERROR
    assert not house.gx.requests


async def test_an_entry_of_a_later_minor_version_loads(hass, house):
    stored = await stored_entry(house)
    entry = MockConfigEntry(domain=DOMAIN, unique_id=stored.unique_id, data=dict(stored.data), minor_version=2)
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.LOADED
    await hass.config_entries.async_unload(entry.entry_id)


# --- devices that come and go ------------------------------------------------------------------------------------


async def test_a_device_that_appears_later_is_added_without_touching_the_others(hass, suite):
    coordinators = dict(suite.entry.runtime_data.coordinators)
    known = {entity.entity_id for entity in er.async_entries_for_config_entry(suite.entities, suite.entry.entry_id)}
    before, connections = {state.entity_id for state in hass.states.async_all()}, suite.gx.connections_ever
    await pressed(hass, suite)
    assert {state.entity_id for state in hass.states.async_all()} == before
    assert dict(suite.entry.runtime_data.coordinators) == coordinators

    add_battery(suite.house)
    await pressed(hass, suite)
    battery = suite.entry.runtime_data.coordinators["battery_224"]
    await suite.until(lambda: battery.seen)
    await hass.async_block_till_done()
    assert suite.state("battery_224", "voltage") == suite.state("battery_225", "voltage")
    assert suite.entry.data["devices"][-1]["key"] == "battery_224"
    for key, coordinator in coordinators.items():
        assert suite.entry.runtime_data.coordinators[key] is coordinator
    new = {entity.entity_id for entity in er.async_entries_for_config_entry(suite.entities, suite.entry.entry_id)}
    assert new > known
    assert {suite.entities.async_get(entity_id).device_id for entity_id in new - known} == {
        suite.device_id("battery_224")
    }
    assert suite.gx.connections_ever == connections
    assert hass.states.get(next(iter(before))).state != "unavailable"


async def test_a_device_that_appears_is_found_without_the_button_too(hass, suite):
    with patch("custom_components.energy_suite.PROBE_INTERVAL", 0.3):
        await hass.config_entries.async_reload(suite.entry.entry_id)
    add_battery(suite.house)
    await suite.until(lambda: "battery_224" in suite.entry.runtime_data.coordinators)


async def test_pressing_the_button_twice_adds_a_device_once(hass, suite):
    add_battery(suite.house)
    search = suite.entry.runtime_data.search
    await asyncio.gather(search(), search())
    await hass.async_block_till_done()
    assert [device["key"] for device in suite.entry.data["devices"]].count("battery_224") == 1
    assert len(suite.entry.data["devices"]) == 9


async def test_a_search_that_ends_early_adds_nothing(hass, suite):
    add_battery(suite.house)
    suite.gx.stop()
    await pressed(hass, suite)
    assert len(suite.entry.data["devices"]) == 8


async def vanished(suite: Suite, device: str, service: str, instance: int) -> None:
    suite.gx.vanish(service, instance)
    coordinator = suite.entry.runtime_data.coordinators[suite.key(device)]
    await suite.until(lambda: not coordinator.data.available)


async def deleted(hass: HomeAssistant, suite: Suite, device: str) -> bool:
    """What the button "Delete" on the page of a device does."""
    device_id = suite.device_id(device)
    entry: Any = suite.devices.async_get(device_id)
    if allowed := await async_remove_config_entry_device(hass, suite.entry, entry):
        suite.devices.async_remove_device(device_id)
    await hass.async_block_till_done()
    return allowed


async def test_a_device_that_answers_cannot_be_deleted(hass, suite):
    for key in suite.entry.runtime_data.coordinators:
        assert not await deleted(hass, suite, key)
    assert len(suite.entry.data["devices"]) == 8


async def test_the_gateway_itself_cannot_be_deleted_even_if_it_is_gone(hass, suite):
    suite.gx.stop()
    await suite.until(lambda: not suite.entry.runtime_data.main.data.available)
    assert not await deleted(hass, suite, "gx")


async def test_a_device_that_is_gone_can_be_deleted_and_comes_back_when_it_returns(hass, suite):
    await vanished(suite, "ev_charger", "evcharger", 40)
    device_id = suite.device_id("ev_charger")
    entity_id = suite.entity_id("ev_charger", "power")
    key = suite.key("ev_charger")
    assert await deleted(hass, suite, "ev_charger")
    assert hass.states.get(entity_id) is None
    assert suite.entities.async_get(entity_id) is None
    assert key not in [device["key"] for device in suite.entry.data["devices"]]
    assert all(coordinator.device_id != device_id for coordinator in async_get_suite(hass))
    assert key not in suite.entry.runtime_data.coordinators
    # It is asked no more.
    suite.gx.requests.clear()
    await suite.reports()
    assert not [request for request in suite.gx.requests if request.unit == 40]

    suite.gx.reappear("evcharger", 40)
    await pressed(hass, suite)
    coordinator = suite.entry.runtime_data.coordinators[key]
    await suite.until(lambda: coordinator.seen)
    await hass.async_block_till_done()
    assert suite.state("ev_charger", "power") not in ("unavailable", "unknown")
    assert suite.has("ev_charger", "charging_mode")


async def test_a_device_that_the_entry_knows_no_more_can_be_deleted(hass, suite):
    stranger = suite.devices.async_get_or_create(
        config_entry_id=suite.entry.entry_id, identifiers={(DOMAIN, f"{suite.entry.data['uid']}_tank_20")}
    )
    assert await async_remove_config_entry_device(hass, suite.entry, stranger)


async def test_nothing_is_deleted_while_the_gateway_is_not_loaded(hass, suite):
    await hass.config_entries.async_unload(suite.entry.entry_id)
    for key in ("gx", "battery"):
        assert not await deleted(hass, suite, key)


# --- what is remembered ------------------------------------------------------------------------------------------


async def restarted(hass: HomeAssistant, suite: Suite) -> None:
    """All that is not stored is forgotten."""
    await hass.config_entries.async_unload(suite.entry.entry_id)
    await hass.async_block_till_done()
    await hass.config_entries.async_setup(suite.entry.entry_id)
    await hass.async_block_till_done()


def seen_of(hass: HomeAssistant, entity_id: str) -> list[str]:
    """Every state that an entity has from now on."""
    states: list[str] = []

    def note(event: Any) -> None:
        if event.data["entity_id"] == entity_id and event.data["new_state"] is not None:
            states.append(event.data["new_state"].state)

    hass.bus.async_listen("state_changed", note)
    return states


async def counted(suite: Suite, service: str, device: str, energy: float) -> None:
    """Some years later, the new reading of the meter is believed."""
    suite.gx.service(service, INSTANCES[service]).values["/Ac/Energy/Forward"] = energy
    counters = suite.entry.runtime_data.coordinators[suite.key(device)].device
    await suite.until(lambda: energy in [value for value, _ in counters.counters.values()])


async def test_no_false_zero_of_a_counter_is_shown_after_a_restart(hass, suite, hass_storage):
    entity_id = suite.entity_id("grid_meter", "energy_imported")
    await counted(suite, "grid", "grid_meter", 1250.0)
    states = seen_of(hass, entity_id)
    await hass.config_entries.async_unload(suite.entry.entry_id)
    # The meter starts after the GX does: at first it reads 0. It is read again only when it is asked for.
    hass.config_entries.async_update_entry(suite.entry, options={"interval": 300})
    meter = suite.gx.service("grid", 30).values
    path = "/Ac/Energy/Forward"
    true, meter[path] = meter[path], 0.0
    await hass.config_entries.async_setup(suite.entry.entry_id)
    await hass.async_block_till_done()
    assert hass.states.get(entity_id).state == "unknown"
    coordinator = suite.entry.runtime_data.coordinators[suite.key("grid_meter")]
    assert coordinator.device.parts["live"].dropped == 1
    meter[path] = true
    suite.entry.runtime_data.lease.runner.expedite(coordinator.reading_name)
    await suite.until(lambda: hass.states.get(entity_id).state not in ("unknown", "unavailable"))
    assert {float(state) for state in states if state not in ("unknown", "unavailable")} == {1250}


async def test_a_counter_that_goes_on_is_shown_at_once_after_a_restart(hass, suite, hass_storage):
    await counted(suite, "grid", "grid_meter", 1250.0)
    await restarted(hass, suite)
    assert float(suite.state("grid_meter", "energy_imported")) == 1250


async def test_what_is_computed_goes_on_from_where_it_stopped(hass, suite, hass_storage):
    gx = suite.entry.runtime_data.coordinators["gx"].device
    for name in ("solar_energy", "battery_charged_energy", "battery_discharged_energy", "consumption_energy"):
        gx._computed[name].energy = 1000.0
    await restarted(hass, suite)
    again = suite.entry.runtime_data.coordinators["gx"].device
    assert again is not gx
    for name in ("solar_energy", "battery_charged_energy", "battery_discharged_energy", "consumption_energy"):
        assert 1000 <= float(suite.state("gx", name)) < 1000.1
    await suite.until(lambda: again.solar_energy > 1000)


async def test_a_device_that_is_away_keeps_what_was_known_of_it(hass, suite, hass_storage):
    await counted(suite, "evcharger", "ev_charger", 1042.0)
    suite.gx.vanish("evcharger", 40)
    hass.config_entries.async_update_entry(suite.entry, options={"interval": 300})
    await restarted(hass, suite)
    await restarted(hass, suite)
    stored = hass_storage[f"{DOMAIN}.{suite.entry.entry_id}"]["data"]["counters"]
    assert stored[suite.key("ev_charger")]["live.energy"][0] == 1042
    # A counter that cannot have fallen is not believed before it persists.
    suite.gx.service("evcharger", 40).values["/Ac/Energy/Forward"] = 3.0
    suite.gx.reappear("evcharger", 40)
    suite.entry.runtime_data.lease.runner.look_again()
    coordinator = suite.entry.runtime_data.coordinators[suite.key("ev_charger")]
    await suite.until(lambda: coordinator.seen)
    await hass.async_block_till_done()
    assert suite.state("ev_charger", "energy") in ("unknown", "unavailable")
    assert suite.state("ev_charger", "power") not in ("unknown", "unavailable")


# --- what was promised -------------------------------------------------------------------------------------------


def test_every_version_of_an_entry_is_kept_here():
    assert [file.stem for file in ENTRIES] == ["1"]


@pytest.mark.parametrize("file", ENTRIES, ids=lambda file: file.stem)
async def test_an_entry_that_an_earlier_release_stored_loads_with_its_registry_unchanged(hass, house, file):
    stored = json.loads(file.read_text(encoding="utf-8"))
    entry = MockConfigEntry(
        domain=DOMAIN,
        entry_id="01JENTRYOFANEARLIERRELEASE",
        title=stored["title"],
        version=stored["version"],
        unique_id=stored["unique_id"],
        data={**stored["data"], "host": house.gx.host, "port": house.gx.port},
        options=stored["options"],
    )
    entry.add_to_hass(hass)
    registry = er.async_get(hass)
    for each in stored["entities"]:
        registry.async_get_or_create(
            each["entity_id"].partition(".")[0],
            DOMAIN,
            each["unique_id"],
            config_entry=entry,
            suggested_object_id=each["entity_id"].partition(".")[2],
        )
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED
    # Others may have come; those that there were are all still made.
    assert [each for each in registered(hass, entry) if each in stored["entities"]] == stored["entities"]
    assert [state.entity_id for state in hass.states.async_all() if state.attributes.get("restored")] == []
    assert len(hass.states.async_all()) >= len(stored["entities"])
    await hass.config_entries.async_unload(entry.entry_id)


def registered(hass: HomeAssistant, entry: MockConfigEntry) -> list[dict[str, str]]:
    entities = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    return sorted(
        ({"entity_id": entity.entity_id, "unique_id": entity.unique_id} for entity in entities),
        key=lambda each: (each["unique_id"], each["entity_id"]),
    )

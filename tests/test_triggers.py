"""The triggers: each fires in a real automation when it happens, once, and at no other time."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import voluptuous as vol
from homeassistant.components.automation.const import DOMAIN as AUTOMATION
from homeassistant.core import Event
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.trigger import async_get_all_descriptions
from homeassistant.helpers.trigger import async_validate_trigger_config as validate
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import load_yaml_dict
from pytest_homeassistant_custom_component.common import async_capture_events

from custom_components.energy_suite import automations
from custom_components.energy_suite.automations import ENERGY_SOURCES
from custom_components.energy_suite.const import DOMAIN
from custom_components.energy_suite.entities import DESCRIPTIONS
from custom_components.energy_suite.gateways import schedule
from custom_components.energy_suite.gateways.profiles.vocabulary import KINDS as PROFILE_KINDS
from custom_components.energy_suite.gateways.profiles.vocabulary import STATES
from custom_components.energy_suite.trigger import TRIGGERS
from demo.registers import Value
from tests.conftest import EVERY_CONTROL

PACKAGE = Path(__file__).parents[1] / "custom_components" / DOMAIN
FIRED = "test_fired"
TANK = ("tank", 21)
GENSET = ("genset", 31)
OTHER_SERVICES: dict[tuple[str, int], dict[str, Value]] = {
    TANK: {"/FluidType": 1, "/Level": 50.0, "/Capacity": 0.4, "/Remaining": 0.2},
    GENSET: {"/StatusCode": 0, "/StarterVoltage": 12.6, "/Ac/L1/Power": 0},
}

type Written = dict[tuple[str, str], Value]


@dataclass
class Story:
    """How it comes about: what is written on the GX for it not to be so and to be so, and the entity that shows it."""

    kind: str
    key: str
    before: Written
    after: Written
    shown: tuple[str, str]
    options: dict[str, Any] = field(default_factory=dict)


def source(solar: float, grid: float) -> Written:
    return {
        ("system", "/Dc/Pv/Power"): solar,
        ("system", "/Ac/PvOnOutput/L1/Power"): 0,
        ("system", "/Dc/Battery/Power"): 0,
        ("system", "/Ac/Grid/L1/Power"): grid,
        ("system", "/Ac/Consumption/L1/Power"): solar + grid,
    }


def one(service: str, path: str, before: Value, after: Value) -> tuple[Written, Written]:
    return {(service, path): before}, {(service, path): after}


STORIES: dict[str, Story] = {
    "grid_lost": Story("gx", "ac_source", *one("system", "/Ac/ActiveIn/Source", 1, 240), ("grid", "not_connected")),
    "grid_returned": Story("gx", "ac_source", *one("system", "/Ac/ActiveIn/Source", 2, 3), ("generator", "shore")),
    "energy_source_changed": Story(
        "gx", "energy_source", source(4000, 0), source(0, 4000), ("solar", "grid"), {"source": ["grid", "battery"]}
    ),
    "generator_started": Story("generator", "running", *one("generator", "/State", 0, 2), ("off", "on")),
    "generator_stopped": Story("generator", "running", *one("generator", "/State", 3, 4), ("on", "off")),
    "generator_failed": Story("generator", "state", *one("generator", "/State", 1, 10), ("running", "error")),
    "battery_low": Story(
        "gx", "state_of_charge", *one("system", "/Dc/Battery/Soc", 21, 20), ("21", "20"), {"threshold": 20}
    ),
    "battery_full": Story(
        "battery", "state_of_charge", *one("battery", "/Soc", 89, 95), ("89", "95"), {"threshold": 90}
    ),
    "discharge_forbidden": Story(
        "battery", "discharge_allowed", *one("battery", "/Io/AllowToDischarge", 1, 0), ("on", "off")
    ),
    "discharge_allowed": Story(
        "battery", "discharge_allowed", *one("battery", "/Io/AllowToDischarge", 0, 1), ("off", "on")
    ),
    "car_started_charging": Story(
        "ev_charger", "status", *one("evcharger", "/Status", 6, 2), ("waiting_for_start", "charging")
    ),
    "car_stopped_charging": Story(
        "ev_charger", "status", *one("evcharger", "/Status", 22, 0), ("switching_to_3_phase", "disconnected")
    ),
    "car_finished_charging": Story("ev_charger", "status", *one("evcharger", "/Status", 2, 3), ("charging", "charged")),
    "tank_below": Story("tank", "level", *one("tank", "/Level", 30, 15), ("30", "15"), {"threshold": 25}),
    "tank_above": Story("tank", "level", *one("tank", "/Level", 30, 85), ("30", "85"), {"threshold": 80}),
    "relay_closed": Story("gx", "relay_2", *one("system", "/Relay/1/State", 0, 1), ("off", "on")),
    "relay_opened": Story("gx", "relay_1", *one("system", "/Relay/0/State", 1, 0), ("on", "off")),
}

each_story = pytest.mark.parametrize("name", STORIES)


@pytest.fixture(autouse=True)
def _at_once():
    """Show small changes at once, and nothing as stale on a slow machine."""
    with patch("custom_components.energy_suite.publishing.QUIET", 0), patch.object(schedule, "FRESH_INTERVALS", 100):
        yield


@pytest.fixture
async def furnished(house) -> None:
    """What the house does not have."""
    for (service, instance), values in OTHER_SERVICES.items():
        house.gx.add_service(service, instance, values)
    house.set("vebus", "/Bms/BmsExpected", 1)


@pytest.fixture
def options() -> dict[str, Any]:
    """With the relays as switches."""
    return EVERY_CONTROL


def write(suite, values: Written) -> None:
    instances = dict(OTHER_SERVICES)
    for (service, path), value in values.items():
        other = next((instance for name, instance in instances if name == service), None)
        if other is None:
            suite.house.set(service, path, value)
        else:
            suite.gx.set(service, other, path, value)


async def happens(suite, story: Story, so: bool) -> None:
    """Let it be so, or not, and wait until Home Assistant knows."""
    write(suite, story.after if so else story.before)
    shown = story.shown[so]
    await suite.until(lambda: _as_shown(suite.state(story.kind, story.key)) == shown)
    await suite.hass.async_block_till_done()


def _as_shown(state: str) -> str:
    return state.removesuffix(".0")


async def automate(hass, trigger: dict[str, Any] | list[dict[str, Any]]) -> list[Event]:
    """Set up an automation; the list fills with what it does."""
    fired: list[Event] = async_capture_events(hass, FIRED)
    config = {"id": "test", "alias": "test", "triggers": trigger, "actions": {"event": FIRED}}
    assert await async_setup_component(hass, AUTOMATION, {AUTOMATION: config})
    await hass.async_block_till_done()
    assert hass.states.get("automation.test").state == "on"
    return fired


def trigger(name: str, suite, story: Story, **more: Any) -> dict[str, Any]:
    return {
        "trigger": f"{DOMAIN}.{name}",
        "target": {"device_id": suite.device_id(story.kind)},
        "options": {**story.options, **more},
    }


FACTS = {name: fact for name, fact in vars(automations).items() if isinstance(fact, automations.Fact)}
LEVELS = {name: level for name, level in vars(automations).items() if isinstance(level, automations.Level)}


def test_what_they_are_about_are_entities_that_are_enabled_and_have_these_states():
    for name, fact in FACTS.items():
        assert fact.so.keys() == fact.not_so.keys(), name
        for (kind, key), so in fact.so.items():
            states = so | fact.not_so[kind, key]
            assert so, name
            assert not so & fact.not_so[kind, key], name
            if kind in PROFILE_KINDS:
                assert states == set(STATES[key]), (name, key)
                continue
            for description in described(kind, key):
                options = getattr(description, "options", None)
                assert states <= set(options or {"on", "off"}), (name, key)
    for kind, key in {entity for level in LEVELS.values() for entity in level.entities}:
        assert all(description.native_unit_of_measurement == "%" for description in described(kind, key))
    assert len(FACTS) == 18
    assert len(LEVELS) == 4


def described(kind: str, key: str) -> list[Any]:
    """The descriptions of an entity, of which at least one is enabled from the start."""
    found = [description for description in DESCRIPTIONS[kind] if description.key == key]
    # A relay that the solar charger or AC charger has is for whoever wired it.
    assert any(each.entity_registry_enabled_default for each in found) or key == "relay", (kind, key)
    return found


# --- when they fire -----------------------------------------------------------------------------------------------


@each_story
@pytest.mark.usefixtures("furnished")
async def test_it_fires_once_each_time_that_it_happens(hass, suite, name):
    story = STORIES[name]
    await happens(suite, story, False)
    fired = await automate(hass, trigger(name, suite, story))

    await happens(suite, story, True)
    assert len(fired) == 1
    await suite.reports(3)
    assert len(fired) == 1

    await happens(suite, story, False)
    assert len(fired) == 1
    await happens(suite, story, True)
    assert len(fired) == 2


@each_story
@pytest.mark.usefixtures("furnished")
async def test_it_does_not_fire_at_the_start_nor_when_the_device_is_back(hass, suite, name):
    story = STORIES[name]
    await happens(suite, story, True)
    fired = await automate(hass, trigger(name, suite, story))
    assert not fired

    await happens(suite, story, False)
    suite.gx.stop()
    await suite.shows(story.kind, story.key, "unavailable")
    write(suite, story.after)
    await suite.gx.start()
    await happens(suite, story, True)

    assert not fired


@pytest.mark.usefixtures("furnished")
async def test_it_does_not_fire_when_the_gateway_is_loaded_again(hass, suite):
    story = STORIES["grid_lost"]
    fired = await automate(hass, trigger("grid_lost", suite, story))
    assert await hass.config_entries.async_unload(suite.entry.entry_id)
    write(suite, story.after)
    assert await hass.config_entries.async_setup(suite.entry.entry_id)
    await happens(suite, story, True)

    assert not fired

    await happens(suite, story, False)
    await happens(suite, story, True)
    assert len(fired) == 1


async def test_an_entity_that_was_renamed_is_still_meant(hass, suite):
    story = STORIES["grid_lost"]
    suite.entities.async_update_entity(suite.entity_id("gx", "ac_source"), new_entity_id="sensor.secteur")
    await hass.async_block_till_done()
    fired = await automate(hass, trigger("grid_lost", suite, story))

    await happens(suite, story, True)

    assert [event.event_type for event in fired] == [FIRED]


async def test_of_an_area_those_are_taken_that_it_is_about(hass, suite):
    area = ar.async_get(hass).async_create("Cave")
    for found in suite.entry.data["devices"]:
        suite.devices.async_update_device(suite.device_id(found["kind"]), area_id=area.id)
    story = STORIES["grid_lost"]
    fired = await automate(hass, {**trigger("grid_lost", suite, story), "target": {"area_id": area.id}})

    await happens(suite, STORIES["car_finished_charging"], True)
    await happens(suite, STORIES["generator_failed"], True)
    assert not fired
    await happens(suite, story, True)
    assert len(fired) == 1


async def test_entities_of_other_integrations_are_not_meant(hass, suite):
    hass.states.async_set("sensor.other", "grid")
    fired = await automate(hass, {"trigger": f"{DOMAIN}.grid_lost", "target": {"entity_id": "sensor.other"}})

    hass.states.async_set("sensor.other", "not_connected")
    await hass.async_block_till_done()

    assert not fired


async def test_a_gateway_may_be_deleted_with_what_waits_for_it(hass, suite, caplog):
    fired = await automate(hass, trigger("grid_lost", suite, STORIES["grid_lost"]))

    assert await hass.config_entries.async_remove(suite.entry.entry_id)
    await hass.async_block_till_done()

    assert not fired
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_a_reading_in_place_of_a_switch_counts_as_well(hass, suite):
    hass.config_entries.async_update_entry(suite.entry, options={"interval": 0.1})
    assert await hass.config_entries.async_reload(suite.entry.entry_id)
    story = STORIES["relay_opened"]
    await happens(suite, story, False)
    assert suite.entity_id("gx", "relay_1").startswith("binary_sensor.")
    fired = await automate(hass, trigger("relay_opened", suite, story))

    await happens(suite, story, True)

    assert len(fired) == 1


@pytest.mark.usefixtures("furnished")
async def test_a_genset_is_a_generator_too(hass, suite):
    started = Story("ac_genset", "running", *one("genset", "/StatusCode", 0, 8), ("off", "on"))
    fired = await automate(hass, trigger("generator_started", suite, started))

    await happens(suite, started, True)

    assert len(fired) == 1


@pytest.mark.usefixtures("furnished")
async def test_a_bms_that_disconnects_the_loads_forbids_the_discharge(hass, suite):
    story = Story("inverter_charger", "load_disconnect", *one("vebus", "/Bms/AllowToDischarge", 1, 0), ("off", "on"))
    triggers = [trigger(f"discharge_{what}", suite, story) for what in ("forbidden", "allowed")]
    await happens(suite, story, False)
    fired = await automate(hass, triggers)

    await happens(suite, story, True)
    assert len(fired) == 1
    await happens(suite, story, False)
    assert len(fired) == 2


async def test_while_the_station_changes_its_phases_the_charge_goes_on(hass, suite):
    story = Story("ev_charger", "status", *one("evcharger", "/Status", 2, 23), ("charging", "switching_to_1_phase"))
    await happens(suite, story, False)
    fired = await automate(hass, [trigger(f"car_{what}_charging", suite, story) for what in ("started", "stopped")])

    await happens(suite, story, True)
    await happens(suite, story, False)

    assert not fired


async def test_between_grid_and_shore_power_nothing_is_lost(hass, suite):
    story = Story("gx", "ac_source", *one("system", "/Ac/ActiveIn/Source", 1, 3), ("grid", "shore"))
    fired = await automate(hass, [trigger(name, suite, story) for name in ("grid_lost", "grid_returned")])

    await happens(suite, story, True)

    assert not fired


async def test_a_generator_in_place_of_the_grid_is_a_grid_lost(hass, suite):
    story = Story("gx", "ac_source", *one("system", "/Ac/ActiveIn/Source", 1, 2), ("grid", "generator"))
    fired = await automate(hass, trigger("grid_lost", suite, story))

    await happens(suite, story, True)

    assert len(fired) == 1


async def test_of_the_energy_sources_every_change_counts_unless_some_are_given(hass, suite):
    story = STORIES["energy_source_changed"]
    await happens(suite, story, True)
    fired = await automate(
        hass,
        [
            trigger("energy_source_changed", suite, Story(**{**vars(story), "options": {}})),
            trigger("energy_source_changed", suite, story),
        ],
    )

    await happens(suite, story, False)

    assert len(fired) == 1


async def test_further_below_a_threshold_it_does_not_fire_again(hass, suite):
    story = STORIES["battery_low"]
    await happens(suite, story, False)
    fired = await automate(hass, trigger("battery_low", suite, story))
    await happens(suite, story, True)

    lower = Story("gx", "state_of_charge", {}, {("system", "/Dc/Battery/Soc"): 12}, ("", "12"))
    await happens(suite, lower, True)

    assert len(fired) == 1


async def test_it_can_be_asked_to_last(hass, suite):
    story = STORIES["grid_lost"]
    lasting = [{"hours": 1}, {"milliseconds": 100}]
    fired = await automate(hass, [trigger("grid_lost", suite, story, **{"for": long}) for long in lasting])

    await happens(suite, story, True)
    await suite.until(lambda: len(fired) > 0)
    await suite.reports()
    assert len(fired) == 1

    await happens(suite, story, False)
    assert len(fired) == 1


# --- what they are asked with -------------------------------------------------------------------------------------


async def test_options_that_make_no_sense_are_refused(hass, suite, subtests):
    target = {"device_id": suite.device_id("gx")}
    for name, wrong in (
        ("battery_low", {}),
        ("battery_low", {"threshold": 101}),
        ("tank_above", {"threshold": -1}),
        ("tank_above", {"threshold": "half"}),
        ("energy_source_changed", {"source": ["wind"]}),
        ("grid_lost", {"threshold": 20}),
    ):
        config = cv.TRIGGER_SCHEMA([{"trigger": f"{DOMAIN}.{name}", "target": target, "options": wrong}])
        with subtests.test(name, **wrong), pytest.raises(vol.Invalid):
            await validate(hass, config)
    with pytest.raises(vol.Invalid):
        await validate(hass, cv.TRIGGER_SCHEMA([{"trigger": f"{DOMAIN}.grid_lost"}]))
    await validate(hass, cv.TRIGGER_SCHEMA([{"trigger": f"{DOMAIN}.grid_lost", "target": target}]))


async def test_every_trigger_is_described_to_the_frontend(hass, suite):
    descriptions = await async_get_all_descriptions(hass)
    for name in TRIGGERS:
        described = descriptions[f"{DOMAIN}.{name}"]
        assert described is not None
        if name.startswith("alarm_"):
            continue  # about no entity (test_alarm_triggers)
        assert all(filters["integration"] == DOMAIN for filters in described["target"]["entity"])


@pytest.mark.usefixtures("furnished")
async def test_the_frontend_offers_a_trigger_where_it_can_fire(hass, suite, subtests):
    descriptions = load_yaml_dict(PACKAGE / "triggers.yaml")
    for name, story in STORIES.items():
        with subtests.test(name):
            await happens(suite, story, False)
            entity_id = suite.entity_id(story.kind, story.key)
            (offered,) = descriptions[name]["target"]["entity"]
            domains = offered["domain"] if isinstance(offered["domain"], list) else [offered["domain"]]
            assert entity_id.partition(".")[0] in domains
            given = suite.attributes(story.kind, story.key).get("device_class")
            assert offered.get("device_class", given) == given


def test_what_the_frontend_asks_for_is_what_a_trigger_takes():
    descriptions = load_yaml_dict(PACKAGE / "triggers.yaml")
    texts = json.loads((PACKAGE / "translations" / "en.json").read_text(encoding="utf-8"))
    icons = json.loads((PACKAGE / "icons.json").read_text(encoding="utf-8"))
    described = {name for name in descriptions if not name.startswith(".")}
    assert described == set(TRIGGERS) == set(texts["triggers"]) == set(icons["triggers"])
    for name, story in STORIES.items():
        fields = descriptions[name]["fields"]
        assert set(fields) == set(texts["triggers"][name]["fields"]) == {"behavior", "for", *story.options}
        if "source" in fields:
            assert fields["source"]["selector"]["select"]["options"] == ENERGY_SOURCES
            assert set(texts["selector"]["energy_source"]["options"]) == set(ENERGY_SOURCES)

"""The conditions of UPS and STS: each passes in a real automation while it is so."""

from typing import Any

import pytest
import voluptuous as vol
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import condition
from homeassistant.helpers import config_validation as cv
from homeassistant.util.yaml import load_yaml_dict

from custom_components.energy_suite.condition import CONDITIONS
from custom_components.energy_suite.const import DOMAIN
from tests.test_breakers import BREAKER_CONDITIONS
from tests.test_conditions import OF_TRIGGERS, automate
from tests.test_translations import loaded
from tests.test_triggers import PACKAGE
from tests.test_ups_triggers import (  # noqa: F401 - fixtures among them
    ELSE,
    ENTITIES,
    MAINS,
    Plant,
    UpsStory,
    _plant,
    device_class,
    platform,
)

# By the states while it is not so, and while it is so.
UPS_CONDITIONS = [
    UpsStory("ups_is_on_battery", "ups", "ups_status", "on_inverter", "on_battery"),
    UpsStory("ups_is_on_mains", "ups", "ups_status", "on_battery", "on_inverter"),
    UpsStory("ups_battery_is_low", "ups", "battery_low", "off", "on"),
    UpsStory("ups_stop_is_imminent", "ups", "imminent_stop", "off", "on"),
    UpsStory("ups_stop_is_imminent", "sts", "imminent_stop", "off", "on"),
    UpsStory("ups_is_overloaded", "ups", "overload", "off", "on"),
    UpsStory("ups_is_overloaded", "sts", "overload", "off", "on"),
    UpsStory("ups_is_on_bypass", "ups", "on_bypass", "off", "on"),
    UpsStory("load_is_supplied", "ups", "load_supplied", "off", "on"),
    UpsStory("load_is_supplied", "sts", "load_supplied", "off", "on"),
    UpsStory("load_is_not_supplied", "ups", "load_supplied", "on", "off"),
    UpsStory("load_is_not_supplied", "sts", "load_supplied", "on", "off"),
    UpsStory("sts_is_on_preferred_source", "sts", "sts_status", "on_alternate_source", "on_preferred_source"),
    UpsStory("sts_is_on_alternate_source", "sts", "sts_status", "on_preferred_source", "on_alternate_source"),
    UpsStory("battery_is_low", "ups", "state_of_charge", "31", "30", {"threshold": 30}),
    UpsStory("battery_is_full", "ups", "state_of_charge", "99", "100", {"threshold": 100}),
]

each_story = pytest.mark.parametrize("story", UPS_CONDITIONS, ids=lambda story: f"{story.name}-{story.device}")


def the_condition(plant: Plant, story: UpsStory, **more: Any) -> dict[str, Any]:
    return {
        "condition": f"{DOMAIN}.{story.name}",
        "target": {"device_id": plant.device_id(story.device)},
        "options": {**story.options, **more},
    }


def test_every_condition_has_its_story():
    of_breakers = {name for name, _ in BREAKER_CONDITIONS}
    told = {*OF_TRIGGERS, *(story.name for story in UPS_CONDITIONS), *of_breakers}
    # That of the site is about no entity: it has tests of its own.
    assert told | {"alarm_active"} == set(CONDITIONS)


@each_story
async def test_it_passes_while_it_is_so_and_known(hass, plant, story):
    await story.happens(plant, False)
    met = await automate(hass, the_condition(plant, story))
    assert not await met()

    await story.happens(plant, True)
    assert await met()

    for unknown in ("unknown", "unavailable"):
        await plant.show(story.device, **{story.key: unknown})
        assert not await met()
        await story.happens(plant, True)
        assert await met()

    await story.happens(plant, False)
    assert not await met()


@each_story
async def test_of_an_area_those_are_taken_that_it_is_about(hass, plant, story):
    area = ar.async_get(hass).async_create("Local technique")
    for device, keys in ENTITIES.items():
        plant.devices.async_update_device(plant.device_id(device), area_id=area.id)
        for key in keys:
            # Of what it is about, one alone is there.
            if (device, key) != (story.device, story.key) and key != story.key:
                await plant.show(device, **{key: story.after})
    met = await automate(hass, {**the_condition(plant, story), "target": {"area_id": area.id}})
    await story.happens(plant, False)
    assert not await met()

    await story.happens(plant, True)
    assert await met()


@pytest.mark.parametrize("status", ["service", "maintenance_bypass_1", "maintenance_bypass_2", "imminent_stop"])
async def test_a_status_of_the_sts_that_names_no_source_says_nothing_of_it(hass, plant, status):
    both = [story for story in UPS_CONDITIONS if story.key == "sts_status"]
    met = await automate(hass, {"or": [the_condition(plant, story) for story in both]})
    await both[0].happens(plant, True)
    assert await met()

    await plant.show("sts", sts_status=status)

    assert not await met()


@pytest.mark.parametrize("status", [*ELSE, "imminent_stop"])
async def test_a_status_of_the_ups_may_tell_nothing_of_its_mains(hass, plant, status):
    both = [story for story in UPS_CONDITIONS if story.key == "ups_status"]
    met = await automate(hass, {"or": [the_condition(plant, story) for story in both]})
    await both[0].happens(plant, True)
    assert await met()

    await plant.show("ups", ups_status=status)

    assert not await met()


@pytest.mark.parametrize("status", MAINS)
async def test_a_ups_is_on_mains_by_whichever_way_it_feeds_the_load(hass, plant, status):
    story = UpsStory("ups_is_on_mains", "ups", "ups_status", "on_battery", status)
    met = await automate(hass, the_condition(plant, story))
    await story.happens(plant, False)
    assert not await met()

    await story.happens(plant, True)

    assert await met()


async def test_a_button_that_leads_to_a_state_is_not_taken_for_it(hass, plant):
    story = UpsStory("ups_is_on_bypass", "ups", "on_bypass", "off", "on")
    hass.states.async_set(plant.button.entity_id, "2026-06-21T11:00:00+00:00")
    await story.happens(plant, True)

    met = await automate(hass, the_condition(plant, story, behavior="all"))

    assert await met()


async def test_it_can_be_asked_to_have_lasted(hass, plant, freezer):
    story = UpsStory("ups_is_on_mains", "ups", "ups_status", "on_battery", "on_inverter")
    met = await automate(hass, the_condition(plant, story, **{"for": {"minutes": 5}}))
    await story.happens(plant, True)
    freezer.tick(299)
    assert not await met()

    freezer.tick(2)
    assert await met()

    await plant.show("ups", ups_status="unavailable")
    await story.happens(plant, True)
    assert not await met()


async def test_options_that_make_no_sense_are_refused(hass, plant):
    target = {"device_id": plant.device_id("ups")}
    config = {"condition": f"{DOMAIN}.ups_is_on_battery", "target": target}

    with pytest.raises(vol.Invalid):
        await condition.async_validate_condition_config(
            hass, cv.CONDITION_SCHEMA({**config, "options": {"threshold": 20}})
        )
    await condition.async_validate_condition_config(hass, cv.CONDITION_SCHEMA(config))


@each_story
def test_what_the_frontend_asks_for_is_what_a_condition_takes(story):
    descriptions = load_yaml_dict(PACKAGE / "conditions.yaml")[story.name]
    assert set(descriptions["fields"]) == {"behavior", "for", *story.options}
    for language in ("en", "fr"):
        texts = loaded(f"translations/{language}.json")["conditions"][story.name]
        assert set(texts["fields"]) == set(descriptions["fields"])
    (offered,) = descriptions["target"]["entity"]
    assert offered["domain"] == platform(story.key)
    given = device_class(story)
    assert offered.get("device_class", given) == given

"""The conditions: each passes in a real automation while it is so."""

import json
from pathlib import Path
from typing import Any

import pytest
import voluptuous as vol
from homeassistant.components.automation.const import DOMAIN as AUTOMATION
from homeassistant.helpers import condition
from homeassistant.helpers import config_validation as cv
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import load_yaml_dict
from pytest_homeassistant_custom_component.common import async_capture_events

from custom_components.energy_suite.automations import ENERGY_SOURCES
from custom_components.energy_suite.condition import CONDITIONS
from custom_components.energy_suite.const import DOMAIN
from tests.test_triggers import (  # noqa: F401 - fixtures among them
    FIRED,
    STORIES,
    Story,
    _at_once,
    furnished,
    happens,
    one,
    options,
)

PACKAGE = Path(__file__).parents[1] / "custom_components" / DOMAIN
ASK = "test_ask"

# Condition -> the story of a trigger, and whether it passes once that has happened.
OF_TRIGGERS: dict[str, tuple[str, bool]] = {
    "grid_is_connected": ("grid_returned", True),
    "grid_is_lost": ("grid_returned", False),
    "energy_source_is": ("energy_source_changed", True),
    "generator_is_running": ("generator_stopped", False),
    "generator_is_stopped": ("generator_stopped", True),
    "generator_has_failed": ("generator_failed", True),
    "battery_is_low": ("battery_low", True),
    "battery_is_full": ("battery_full", True),
    "discharge_is_allowed": ("discharge_forbidden", False),
    "discharge_is_forbidden": ("discharge_forbidden", True),
    "car_is_connected": ("car_stopped_charging", False),
    "car_is_charging": ("car_started_charging", True),
    "car_is_not_charging": ("car_started_charging", False),
    "car_is_charged": ("car_finished_charging", True),
    "tank_is_below": ("tank_below", True),
    "tank_is_above": ("tank_above", True),
    "relay_is_closed": ("relay_opened", False),
    "relay_is_open": ("relay_opened", True),
}


async def automate(hass, conditions: list[dict[str, Any]] | dict[str, Any]):
    """Set up an automation that answers whether its conditions are met; returns what asks it."""
    fired = async_capture_events(hass, FIRED)
    config = {
        "id": "test",
        "alias": "test",
        "triggers": {"trigger": "event", "event_type": ASK},
        "conditions": conditions,
        "actions": {"event": FIRED},
    }
    assert await async_setup_component(hass, AUTOMATION, {AUTOMATION: config})
    await hass.async_block_till_done()
    assert hass.states.get("automation.test").state == "on"

    async def met() -> bool:
        fired.clear()
        hass.bus.async_fire(ASK)
        await hass.async_block_till_done()
        return bool(fired)

    return met


def the_condition(name: str, suite, story: Story, **more: Any) -> dict[str, Any]:
    # A device may have several relays.
    entity = name.startswith("relay")
    target = (
        {"entity_id": suite.entity_id(story.kind, story.key)} if entity else {"device_id": suite.device_id(story.kind)}
    )
    return {
        "condition": f"{DOMAIN}.{name}",
        "target": target,
        "options": {**story.options, **more},
    }


@pytest.mark.parametrize("name", OF_TRIGGERS)
@pytest.mark.usefixtures("furnished")
async def test_it_passes_while_it_is_so(hass, suite, name):
    of_trigger, passes = OF_TRIGGERS[name]
    story = STORIES[of_trigger]
    await happens(suite, story, False)
    met = await automate(hass, the_condition(name, suite, story))
    assert await met() is not passes

    await happens(suite, story, True)
    assert await met() is passes

    await happens(suite, story, False)
    assert await met() is not passes


@pytest.mark.usefixtures("furnished")
async def test_what_is_not_known_passes_no_condition(hass, suite, subtests):
    suite.gx.stop()
    await suite.shows("gx", "ac_source", "unavailable")
    for name, (of_trigger, _) in OF_TRIGGERS.items():
        config = cv.CONDITION_SCHEMA(the_condition(name, suite, STORIES[of_trigger]))
        with subtests.test(name):
            validated = await condition.async_validate_condition_config(hass, config)
            checker = await condition.async_from_config(hass, validated)
            assert checker.async_check() is False
            checker.async_unload()


async def test_a_station_with_an_error_says_nothing_of_the_car(hass, suite):
    story = Story("ev_charger", "status", *one("evcharger", "/Status", 1, 11), ("connected", "residual_current"))
    met = await automate(hass, the_condition("car_is_connected", suite, story))
    await happens(suite, story, False)
    assert await met()

    await happens(suite, story, True)
    assert not await met()


async def test_entities_of_other_integrations_are_not_meant(hass, suite):
    hass.states.async_set("sensor.other", "grid")
    met = await automate(hass, {"condition": f"{DOMAIN}.grid_is_connected", "target": {"entity_id": "sensor.other"}})

    assert not await met()


async def test_it_can_be_asked_to_have_lasted(hass, suite):
    story = STORIES["grid_lost"]
    await happens(suite, story, True)
    met = await automate(hass, the_condition("grid_is_lost", suite, story, **{"for": {"hours": 1}}))

    assert not await met()


async def test_options_that_make_no_sense_are_refused(hass, suite, subtests):
    target = {"device_id": suite.device_id("gx")}
    for name, wrong in (
        ("battery_is_low", {}),
        ("battery_is_full", {"threshold": 101}),
        ("tank_is_below", {"threshold": "half"}),
        ("energy_source_is", {}),
        ("energy_source_is", {"source": []}),
        ("energy_source_is", {"source": ["wind"]}),
        ("grid_is_lost", {"threshold": 20}),
    ):
        config = cv.CONDITION_SCHEMA({"condition": f"{DOMAIN}.{name}", "target": target, "options": wrong})
        with subtests.test(name, **wrong), pytest.raises(vol.Invalid):
            await condition.async_validate_condition_config(hass, config)


async def test_every_condition_is_described_to_the_frontend(hass, suite):
    descriptions = await condition.async_get_all_descriptions(hass)
    for name in CONDITIONS:
        described = descriptions[f"{DOMAIN}.{name}"]
        assert described is not None
        if name.startswith("alarm_"):
            continue  # about no entity (test_alarm_triggers)
        assert all(filters["integration"] == DOMAIN for filters in described["target"]["entity"])


def test_what_the_frontend_asks_for_is_what_a_condition_takes():
    descriptions = load_yaml_dict(PACKAGE / "conditions.yaml")
    triggers = load_yaml_dict(PACKAGE / "triggers.yaml")
    texts = json.loads((PACKAGE / "translations" / "en.json").read_text(encoding="utf-8"))
    icons = json.loads((PACKAGE / "icons.json").read_text(encoding="utf-8"))
    described = {name for name in descriptions if not name.startswith(".")}
    assert described == set(CONDITIONS) == set(texts["conditions"]) == set(icons["conditions"])
    for name, (of_trigger, _) in OF_TRIGGERS.items():
        fields = descriptions[name]["fields"]
        expected = {"behavior", "for", *STORIES[of_trigger].options}
        assert set(fields) == set(texts["conditions"][name]["fields"]) == expected
        assert descriptions[name]["target"] == triggers[of_trigger]["target"]
        if "source" in fields:
            assert fields["source"]["selector"]["select"]["options"] == ENERGY_SOURCES

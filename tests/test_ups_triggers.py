"""The triggers of UPS and STS: each fires in a real automation when it happens, once, and at no other time."""

from dataclasses import dataclass, field
from typing import Any

import pytest
import voluptuous as vol
from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT, EntityCategory, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.trigger import async_validate_trigger_config as validate
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import load_yaml_dict
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.energy_suite import automations
from custom_components.energy_suite.const import DOMAIN
from custom_components.energy_suite.trigger import TRIGGERS
from tests.test_breakers import BREAKER_TRIGGERS
from tests.test_translations import PLATFORM_OF, loaded
from tests.test_triggers import PACKAGE, STORIES, automate, described

UID = "net_vision_1"
SENSORS = {"ups_status", "sts_status", "active_source", "state_of_charge", "time_to_go"}
UNITS = {"state_of_charge": "%", "time_to_go": "min"}
ENTITIES = {
    "ups": (
        "ups_status",
        "on_battery",
        "battery_low",
        "imminent_stop",
        "overload",
        "on_bypass",
        "load_supplied",
        "state_of_charge",
        "time_to_go",
    ),
    "sts": ("sts_status", "active_source", "imminent_stop", "overload", "load_supplied"),
    # Of another kind, with the same key.
    "ups_unit_1": ("overload",),
}


def platform(key: str) -> Platform:
    return Platform.SENSOR if key in SENSORS else Platform.BINARY_SENSOR


class Plant:
    """A UPS, a unit of it and an STS as they are registered, with the states that the test gives them."""

    def __init__(self, hass: HomeAssistant) -> None:
        self.hass = hass
        self.devices = dr.async_get(hass)
        self.entities = er.async_get(hass)
        self.entry = MockConfigEntry(
            domain=DOMAIN,
            data={
                "gateway": "netvision",
                "uid": UID,
                "devices": [
                    {
                        "key": key,
                        "kind": key.removesuffix("_1"),
                        "unit_id": 1,
                        "serial": None,
                        "name": None,
                        "number": None,
                    }
                    for key in ENTITIES
                ],
            },
        )
        self.entry.add_to_hass(hass)
        for device, keys in ENTITIES.items():
            registered = self.devices.async_get_or_create(
                config_entry_id=self.entry.entry_id, identifiers={(DOMAIN, f"{UID}_{device}")}
            )
            for key in keys:
                self.entities.async_get_or_create(
                    platform(key),
                    DOMAIN,
                    f"{UID}_{device}_{key}",
                    config_entry=self.entry,
                    device_id=registered.id,
                    entity_category=EntityCategory.DIAGNOSTIC if key == "battery_low" else None,
                )
        # With the key of the state that it leads to.
        self.button = self.entities.async_get_or_create(
            Platform.BUTTON,
            DOMAIN,
            f"{UID}_ups_on_bypass",
            config_entry=self.entry,
            device_id=self.device_id("ups"),
        )

    def device_id(self, device: str) -> str:
        """A device's id in the registry."""
        found = self.devices.async_get_device_by_identifier((DOMAIN, f"{UID}_{device}"), self.entry.entry_id)
        assert found is not None
        return found.id

    def entity_id(self, device: str, key: str) -> str:
        """An entity of a device."""
        found = self.entities.async_get_entity_id(platform(key), DOMAIN, f"{UID}_{device}_{key}")
        assert found is not None
        return found

    def set(self, device: str, unit: str | None = None, **states: str) -> None:
        """Give the entities of a device other states, all before anything follows from one of them."""
        for key, state in states.items():
            shown_in = unit or UNITS.get(key)
            attributes = {ATTR_UNIT_OF_MEASUREMENT: shown_in} if shown_in else {}
            self.hass.states.async_set(self.entity_id(device, key), state, attributes)

    async def show(self, device: str, unit: str | None = None, **states: str) -> None:
        """The same, and what follows from it."""
        self.set(device, unit, **states)
        await self.hass.async_block_till_done()


@pytest.fixture(name="plant")
async def _plant(hass: HomeAssistant) -> Plant:
    """A UPS and an STS."""
    # Before there is an entry, so that nothing is asked of a card.
    assert await async_setup_component(hass, DOMAIN, {})
    return Plant(hass)


@dataclass
class UpsStory:
    """How it comes about: the states of an entity while it is not so, and once it is so."""

    name: str
    device: str
    key: str
    before: str
    after: str
    options: dict[str, Any] = field(default_factory=dict)

    async def happens(self, plant: Plant, so: bool) -> None:
        """Let it be so, or not."""
        await plant.show(self.device, **{self.key: self.after if so else self.before})


UPS_STORIES = [
    UpsStory("ups_on_battery", "ups", "ups_status", "on_inverter", "on_battery"),
    UpsStory("ups_mains_returned", "ups", "ups_status", "on_battery", "on_inverter"),
    UpsStory("ups_battery_low", "ups", "battery_low", "off", "on"),
    UpsStory("ups_imminent_stop", "ups", "imminent_stop", "off", "on"),
    UpsStory("ups_imminent_stop", "sts", "imminent_stop", "off", "on"),
    UpsStory("ups_overload", "ups", "overload", "off", "on"),
    UpsStory("ups_overload", "sts", "overload", "off", "on"),
    UpsStory("ups_on_bypass", "ups", "on_bypass", "off", "on"),
    UpsStory("load_not_supplied", "ups", "load_supplied", "on", "off"),
    UpsStory("load_not_supplied", "sts", "load_supplied", "on", "off"),
    UpsStory("sts_source_changed", "sts", "active_source", "source_1", "source_2", {"source": ["source_2"]}),
    UpsStory("battery_low", "ups", "state_of_charge", "31", "30", {"threshold": 30}),
    UpsStory("battery_full", "ups", "state_of_charge", "99", "100", {"threshold": 100}),
]

each_story = pytest.mark.parametrize("story", UPS_STORIES, ids=lambda story: f"{story.name}-{story.device}")


def trigger(plant: Plant, story: UpsStory, **more: Any) -> dict[str, Any]:
    return {
        "trigger": f"{DOMAIN}.{story.name}",
        "target": {"device_id": plant.device_id(story.device)},
        "options": {**story.options, **more},
    }


def device_class(story: UpsStory) -> str | None:
    """The device class of the entity that shows it."""
    (description,) = (
        each for each in described(story.device, story.key) if PLATFORM_OF[type(each)] == platform(story.key)
    )
    given: str | None = description.device_class
    return given


def test_every_trigger_has_its_story():
    of_breakers = {name for name, *_ in BREAKER_TRIGGERS}
    told = {*STORIES, *(story.name for story in UPS_STORIES), *of_breakers}
    # Those of the site are about no entity: they have tests of their own.
    assert told | {"alarm_raised", "alarm_cleared"} == set(TRIGGERS)


# --- when they fire -----------------------------------------------------------------------------------------------


@each_story
async def test_it_fires_once_each_time_that_it_happens(hass, plant, story):
    await story.happens(plant, False)
    fired = await automate(hass, trigger(plant, story))

    await story.happens(plant, True)
    assert len(fired) == 1
    await story.happens(plant, False)
    assert len(fired) == 1
    await story.happens(plant, True)
    assert len(fired) == 2


@each_story
@pytest.mark.parametrize("unknown", ["unknown", "unavailable"])
async def test_it_does_not_fire_where_it_was_not_known_before(hass, plant, story, unknown):
    fired = await automate(hass, trigger(plant, story))
    # The first state of all is none that was reached.
    await story.happens(plant, True)
    assert not fired

    await story.happens(plant, False)
    await plant.show(story.device, **{story.key: unknown})
    await story.happens(plant, True)
    assert not fired

    await story.happens(plant, False)
    await story.happens(plant, True)
    assert len(fired) == 1


@each_story
async def test_of_an_area_those_are_taken_that_it_is_about(hass, plant, story):
    area = ar.async_get(hass).async_create("Local technique")
    for device in ENTITIES:
        plant.devices.async_update_device(plant.device_id(device), area_id=area.id)
    await story.happens(plant, False)
    fired = await automate(hass, {**trigger(plant, story), "target": {"area_id": area.id}})

    others = [
        (device, key)
        for device, keys in ENTITIES.items()
        for key in keys
        if key != story.key and platform(key) is Platform.BINARY_SENSOR
    ]
    for device, key in others:
        for state in ("off", "on", "off"):
            await plant.show(device, **{key: state})
    assert not fired
    await story.happens(plant, True)
    assert len(fired) == 1


async def test_another_device_is_not_meant(hass, plant):
    of_ups = UpsStory("ups_overload", "ups", "overload", "off", "on")
    of_sts = UpsStory("ups_overload", "sts", "overload", "off", "on")
    of_unit = UpsStory("ups_overload", "ups_unit_1", "overload", "off", "on")
    fired = await automate(hass, [trigger(plant, of_ups), trigger(plant, of_unit)])

    for story in (of_sts, of_unit):
        await story.happens(plant, False)
        await story.happens(plant, True)

    assert not fired


async def test_a_button_that_leads_to_a_state_is_not_taken_for_it(hass, plant):
    story = UpsStory("ups_on_bypass", "ups", "on_bypass", "off", "on")
    hass.states.async_set(plant.button.entity_id, "2026-06-21T11:00:00+00:00")
    await story.happens(plant, False)
    fired = await automate(hass, trigger(plant, story, behavior="all"))

    await story.happens(plant, True)

    assert len(fired) == 1


async def test_of_the_sources_every_change_counts_unless_some_are_given(hass, plant):
    given = UpsStory("sts_source_changed", "sts", "active_source", "source_1", "source_2", {"source": ["source_1"]})
    every = UpsStory("sts_source_changed", "sts", "active_source", "source_1", "source_2")
    await given.happens(plant, False)
    fired = await automate(hass, [trigger(plant, given), trigger(plant, every)])

    await every.happens(plant, True)
    assert len(fired) == 1
    await every.happens(plant, False)
    assert len(fired) == 3


MAINS = ("on_inverter", "normal", "eco", "line_interactive", "flex", "on_bypass")
ELSE = ("service", "maintenance_bypass", "self_test", "battery_test", "available", "standby", "load_off")


async def test_mains_that_return_at_the_end_of_the_battery_have_returned(hass, plant, subtests):
    back = UpsStory("ups_mains_returned", "ups", "ups_status", "on_battery", "on_inverter")
    fired = await automate(hass, trigger(plant, back))
    for status in MAINS:
        with subtests.test(status):
            fired.clear()
            for passed in ("on_battery", "imminent_stop"):
                await plant.show("ups", ups_status=passed)
            assert not fired
            await plant.show("ups", ups_status=status)
            assert len(fired) == 1


@pytest.mark.parametrize("status", ELSE)
async def test_what_tells_nothing_of_the_mains_is_neither_their_return_nor_their_failure(hass, plant, status):
    back = UpsStory("ups_mains_returned", "ups", "ups_status", "on_battery", "on_inverter")
    failed = UpsStory("ups_on_battery", "ups", "ups_status", "on_inverter", "on_battery")
    await plant.show("ups", ups_status="on_battery")
    fired = await automate(hass, [trigger(plant, back), trigger(plant, failed)])

    # An empty battery, among others, and a UPS that is switched on or was tested.
    for passed in ("imminent_stop", status, *MAINS):
        await plant.show("ups", ups_status=passed)

    assert not fired


async def test_of_two_states_on_mains_the_second_is_no_return(hass, plant):
    back = UpsStory("ups_mains_returned", "ups", "ups_status", "on_battery", "on_inverter")
    await plant.show("ups", ups_status="on_battery")
    fired = await automate(hass, trigger(plant, back))

    for status in MAINS:
        await plant.show("ups", ups_status=status)

    assert len(fired) == 1


async def test_further_below_a_threshold_it_does_not_fire_again(hass, plant):
    story = UpsStory("battery_low", "ups", "state_of_charge", "31", "30", {"threshold": 30})
    await story.happens(plant, False)
    fired = await automate(hass, trigger(plant, story))

    for percent in ("30", "12", "0"):
        await plant.show("ups", state_of_charge=percent)

    assert len(fired) == 1


# --- what they are asked with -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("sts_source_changed", {"source": ["source_3"]}),
        ("sts_source_changed", {"source": ["grid"]}),
        ("ups_on_battery", {"threshold": 20}),
    ],
)
async def test_options_that_make_no_sense_are_refused(hass, plant, name, wrong):
    target = {"device_id": plant.device_id("sts")}
    config = cv.TRIGGER_SCHEMA([{"trigger": f"{DOMAIN}.{name}", "target": target, "options": wrong}])

    with pytest.raises(vol.Invalid):
        await validate(hass, config)
    await validate(hass, cv.TRIGGER_SCHEMA([{"trigger": f"{DOMAIN}.{name}", "target": target}]))


@each_story
def test_the_frontend_offers_a_trigger_where_it_can_fire(story):
    (offered,) = load_yaml_dict(PACKAGE / "triggers.yaml")[story.name]["target"]["entity"]
    assert offered["domain"] == platform(story.key)
    given = device_class(story)
    assert offered.get("device_class", given) == given


@each_story
@pytest.mark.parametrize("language", ["en", "fr"])
def test_what_the_frontend_asks_for_is_what_a_trigger_takes(story, language):
    fields = load_yaml_dict(PACKAGE / "triggers.yaml")[story.name]["fields"]
    texts = loaded(f"translations/{language}.json")
    assert set(fields) == set(texts["triggers"][story.name]["fields"]) == {"behavior", "for", *story.options}
    if "source" in fields:
        assert fields["source"]["selector"]["select"]["options"] == automations.STS_SOURCES
        assert set(texts["selector"]["sts_source"]["options"]) == set(automations.STS_SOURCES)

"""The blueprints: each is valid, and does what it says on the simulated house."""

import json
from pathlib import Path
from typing import Any
from unittest.mock import PropertyMock, patch

import pytest
from homeassistant.components.automation.config import AUTOMATION_BLUEPRINT_SCHEMA
from homeassistant.components.automation.const import DOMAIN as AUTOMATION
from homeassistant.components.blueprint.models import Blueprint, DomainBlueprints
from homeassistant.core import CoreState
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import load_yaml_dict

from custom_components.energy_suite.condition import CONDITIONS
from custom_components.energy_suite.const import DOMAIN
from custom_components.energy_suite.trigger import TRIGGERS
from tests.conftest import EVERY_CONTROL
from tests.test_commands import written
from tests.test_triggers import _at_once  # noqa: F401 - a fixture

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "blueprints" / "automation"
BLUEPRINTS = sorted(path.name for path in (FOLDER / DOMAIN).iterdir())
SOC = ("system", "/Dc/Battery/Soc")
every_control = pytest.mark.parametrize("options", [EVERY_CONTROL], ids=[""])


@pytest.fixture(autouse=True)
def _blueprints():
    """Find the blueprints where the repository has them."""
    with patch.object(DomainBlueprints, "blueprint_folder", new_callable=PropertyMock, return_value=FOLDER):
        yield


async def use(hass, name: str, **inputs: Any) -> None:
    """Make an automation of a blueprint."""
    config = {
        "id": "test",
        "alias": "test",
        "use_blueprint": {"path": f"{DOMAIN}/{name}.yaml", "input": inputs},
    }
    assert await async_setup_component(hass, AUTOMATION, {AUTOMATION: config})
    await hass.async_block_till_done()
    assert hass.states.get("automation.test").state == "on"


async def charge_is(suite, percent: float) -> None:
    suite.house.set(*SOC, percent)
    await suite.until(lambda: float(suite.state("gx", "state_of_charge")) == percent)
    await suite.hass.async_block_till_done()


# --- the files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BLUEPRINTS)
def test_it_is_a_blueprint_and_every_input_is_used(name):
    blueprint = Blueprint(
        load_yaml_dict(FOLDER / DOMAIN / name),
        path=f"{DOMAIN}/{name}",
        expected_domain=AUTOMATION,
        schema=AUTOMATION_BLUEPRINT_SCHEMA,
    )
    assert blueprint.validate() is None
    assert blueprint.metadata["source_url"].endswith(f"/blueprints/automation/{DOMAIN}/{name}")
    # A blueprint refuses to load with an input that is used and not declared; the reverse it lets pass.
    text = (FOLDER / DOMAIN / name).read_text(encoding="utf-8")
    assert [each for each in blueprint.inputs if f"!input {each}\n" not in text] == []


def test_every_blueprint_can_be_imported_from_its_page():
    page = (ROOT / "docs" / "automations.md").read_text(encoding="utf-8")
    for name in BLUEPRINTS:
        source = load_yaml_dict(FOLDER / DOMAIN / name)["blueprint"]["source_url"]
        encoded = source.replace(":", "%3A").replace("/", "%2F")
        assert f"https://my.home-assistant.io/redirect/blueprint_import/?blueprint_url={encoded}" in page


def test_the_page_lists_every_trigger_condition_and_device_action():
    page = (ROOT / "docs" / "automations.md").read_text(encoding="utf-8")
    assert [name for name in (*TRIGGERS, *CONDITIONS) if f"`{DOMAIN}.{name}`" not in page] == []
    texts = json.loads((ROOT / "custom_components" / DOMAIN / "translations" / "en.json").read_text(encoding="utf-8"))
    assert [text for text in texts["device_automation"]["action_type"].values() if text not in page] == []


# --- shut down consumers ------------------------------------------------------------------------------------------


@pytest.fixture
async def consumers(hass) -> list[str]:
    """Two things that are on."""
    names = {"boiler": {"initial": True}, "pump": {"initial": True}}
    assert await async_setup_component(hass, "input_boolean", {"input_boolean": names})
    assert await async_setup_component(hass, "homeassistant", {})
    return [f"input_boolean.{name}" for name in names]


def shut_down(suite, consumers: list[str]) -> dict[str, Any]:
    return {
        "battery": suite.entity_id("gx", "state_of_charge"),
        "threshold": 30,
        "recovered": 50,
        "consumers": {"entity_id": consumers},
        "when_recovered": [{"action": "homeassistant.turn_on", "target": {"entity_id": consumers[0]}}],
    }


def states(hass, entity_ids: list[str]) -> list[str]:
    return [hass.states.get(entity_id).state for entity_id in entity_ids]


async def test_consumers_are_shut_down_at_the_state_of_charge_and_not_before(hass, suite, consumers):
    await charge_is(suite, 40)
    await use(hass, "shut_down_consumers", **shut_down(suite, consumers))

    await charge_is(suite, 31)
    assert states(hass, consumers) == ["on", "on"]
    await charge_is(suite, 30)
    assert states(hass, consumers) == ["off", "off"]
    await charge_is(suite, 49)
    assert states(hass, consumers) == ["off", "off"]
    await charge_is(suite, 50)
    assert states(hass, consumers) == ["on", "off"]


@pytest.mark.parametrize(("percent", "left"), [(29, "off"), (31, "on")])
async def test_consumers_are_shut_down_too_if_it_happened_while_home_assistant_was_down(
    hass, suite, consumers, percent, left
):
    await charge_is(suite, percent)
    hass.set_state(CoreState.not_running)
    await use(hass, "shut_down_consumers", **shut_down(suite, consumers))
    assert states(hass, consumers) == ["on", "on"]

    await hass.async_start()
    await hass.async_block_till_done()

    assert states(hass, consumers) == [left, left]


async def test_consumers_are_shut_down_too_if_it_happened_while_the_gateway_did_not_answer(hass, suite, consumers):
    await charge_is(suite, 40)
    await use(hass, "shut_down_consumers", **shut_down(suite, consumers))

    suite.gx.stop()
    await suite.shows("gx", "state_of_charge", "unavailable")
    suite.house.set(*SOC, 29)
    assert states(hass, consumers) == ["on", "on"]
    await suite.gx.start()
    await suite.until(lambda: states(hass, consumers) == ["off", "off"])


# --- generator ----------------------------------------------------------------------------------------------------


def run_generator(suite, **more: Any) -> dict[str, Any]:
    return {
        "battery": suite.entity_id("gx", "state_of_charge"),
        "generator": suite.device_id("generator"),
        "start_at": 30,
        "stop_at": 60,
        **more,
    }


@every_control
async def test_the_generator_runs_between_two_states_of_charge(hass, suite):
    await charge_is(suite, 40)
    await use(hass, "generator_at_state_of_charge", **run_generator(suite))

    with written(suite) as sent:
        await charge_is(suite, 30)
    assert sent == [("generator", "/ManualStart", 1)]
    suite.house.set("generator", "/State", 1)
    suite.house.set("generator", "/RunningByConditionCode", 1)
    await suite.shows("generator", "running", "on")

    with written(suite) as sent:
        await charge_is(suite, 45)
        await charge_is(suite, 29)
        await charge_is(suite, 59)
    assert sent == []
    # The generator stops as soon as it is told to.
    suite.gx.adjust["generator", "/ManualStart"] = stopping(suite)
    with written(suite) as sent:
        await charge_is(suite, 60)
    assert sent == [("generator", "/ManualStart", 0)]


def stopping(suite):
    def stop(value):
        suite.house.set("generator", "/State", 0)
        return value

    return stop


@every_control
async def test_the_run_of_the_generator_ends_in_any_case(hass, suite):
    await use(hass, "generator_at_state_of_charge", **run_generator(suite, longest_run={"hours": 2}))

    await charge_is(suite, 30)

    (due,) = suite.entry.runtime_data.memory.due
    assert (due["control"], due["value"]) == ("generator_manual_start", 0)


@every_control
async def test_the_generator_is_started_only_if_it_is_allowed(hass, suite):
    await use(hass, "generator_at_state_of_charge", **run_generator(suite, allowed=["{{ false }}"]))

    with written(suite) as sent:
        await charge_is(suite, 30)

    assert sent == []


# --- surplus ------------------------------------------------------------------------------------------------------


async def powers(suite, *, grid: float, battery: float = 0.0, car: float = 0.0, soc: float = 90.0) -> None:
    """What is measured from now on; the grid last, as it is what the blueprint waits for."""
    suite.house.set(*SOC, soc)
    suite.house.set("evcharger", "/Ac/Power", car)
    await suite.until(
        lambda: float(suite.state("gx", "state_of_charge")) == soc and float(suite.state("ev_charger", "power")) == car
    )
    await suite.hass.async_block_till_done()
    suite.house.set("system", "/Dc/Battery/Power", battery)
    suite.house.set("system", "/Ac/Grid/L1/Power", grid)
    await suite.until(
        lambda: float(suite.state("gx", "grid_power")) == grid and float(suite.state("gx", "battery_power")) == battery
    )
    await suite.hass.async_block_till_done()


def from_surplus(suite, **more: Any) -> dict[str, Any]:
    return {
        "charging_station": suite.device_id("ev_charger"),
        "charging_power": suite.entity_id("ev_charger", "power"),
        "grid_power": suite.entity_id("gx", "grid_power"),
        "battery_power": suite.entity_id("gx", "battery_power"),
        "state_of_charge": suite.entity_id("gx", "state_of_charge"),
        "pause": {"milliseconds": 50},
        **more,
    }


@pytest.fixture
async def plugged_in(suite) -> None:
    """A car at a station that does not charge, and nothing to spare."""
    suite.house.set("evcharger", "/Status", 6)
    suite.house.set("evcharger", "/Mode", 0)
    suite.house.set("evcharger", "/SetCurrent", 10)
    suite.house.set("evcharger", "/StartStop", 0)
    await powers(suite, grid=500)
    await suite.shows("ev_charger", "status", "waiting_for_start")
    await suite.shows("ev_charger", "charging", "off")


def station(suite) -> tuple[Any, Any]:
    """Whether the station is to charge, and its current."""
    return suite.house.get("evcharger", "/StartStop"), suite.house.get("evcharger", "/SetCurrent")


@pytest.mark.usefixtures("plugged_in")
async def test_the_car_is_charged_with_what_is_left_over(hass, suite):
    await use(hass, "charge_from_surplus", **from_surplus(suite))

    await powers(suite, grid=-1300)  # 5.6 A: too little to begin
    assert station(suite) == (0, 10)
    await powers(suite, grid=-1900)  # 8.2 A
    assert station(suite) == (1, 8)
    await powers(suite, grid=-500, car=1840)  # 10.1 A with what it takes already
    assert station(suite) == (1, 10)
    await powers(suite, grid=-6000, car=2300)  # more than it may take
    assert station(suite) == (1, 16)
    await powers(suite, grid=2500, car=3680)  # 5.1 A: it goes on with the least
    assert station(suite) == (1, 6)
    await powers(suite, grid=800, car=1380)  # 2.5 A: no more
    assert station(suite)[0] == 0


@pytest.mark.usefixtures("plugged_in")
async def test_the_battery_has_its_share_first(hass, suite):
    await use(hass, "charge_from_surplus", **from_surplus(suite, battery_first=80))

    await powers(suite, grid=-100, battery=2500, soc=79)
    assert station(suite)[0] == 0
    await powers(suite, grid=-110, battery=2510, soc=80)
    assert station(suite) == (1, 11)
    # What the battery gives is no surplus.
    await powers(suite, grid=0, battery=-1900, car=2530, soc=90)
    assert station(suite)[0] == 0


@pytest.mark.usefixtures("plugged_in")
async def test_on_three_phases_the_current_is_a_third(hass, suite):
    await use(hass, "charge_from_surplus", **from_surplus(suite, phases=3))

    await powers(suite, grid=-4000)
    assert station(suite)[0] == 0
    await powers(suite, grid=-5600)
    assert station(suite) == (1, 8)


@pytest.mark.usefixtures("plugged_in")
async def test_without_a_car_nothing_is_written(hass, suite):
    suite.house.set("evcharger", "/Status", 0)
    await suite.shows("ev_charger", "status", "disconnected")
    await use(hass, "charge_from_surplus", **from_surplus(suite))

    with written(suite) as sent:
        await powers(suite, grid=-3000)

    assert sent == []


@pytest.mark.usefixtures("plugged_in")
async def test_on_what_is_not_known_nothing_is_decided(hass, suite):
    await use(hass, "charge_from_surplus", **from_surplus(suite, state_of_charge="sensor.not_there"))

    with written(suite) as sent:
        await powers(suite, grid=-3000)

    assert sent == []

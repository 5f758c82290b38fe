"""The blueprint for a UPS: what it suspends, when, how often, and when it undoes it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from homeassistant.components.automation.const import DOMAIN as AUTOMATION
from homeassistant.core import CoreState, Event, State, callback
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import load_yaml_dict
from pytest_homeassistant_custom_component.common import (
    async_capture_events,
    async_fire_time_changed,
    mock_restore_cache,
)

from custom_components.energy_suite.const import DOMAIN
from tests.test_blueprints import FOLDER, _blueprints, use  # noqa: F401 - a fixture among them
from tests.test_ups_triggers import ELSE, Plant, _plant  # noqa: F401 - a fixture among them

DO = "test_do"
GO_ON = "test_go_on"
MEMORY = "input_boolean.suspended"
THRESHOLD = 30
MINUTES = 10
ENOUGH = {"state_of_charge": "80", "time_to_go": "40"}

type Pass = Callable[[int], Awaitable[None]]


@pytest.fixture
def done(hass) -> list[Event]:
    """What the blueprint does, as it does it."""
    events: list[Event] = async_capture_events(hass, DO)
    return events


@pytest.fixture
async def minutes_pass(hass, freezer) -> AsyncIterator[Pass]:
    """Let minutes go by, one after the other, and leave nothing behind that waits for the next one."""
    # At a full minute, when the blueprint looks.
    freezer.move_to("2026-06-21T11:00:00+00:00")

    async def pass_by(minutes: int) -> None:
        for _ in range(minutes * 2):
            freezer.tick(30)
            async_fire_time_changed(hass)
            await hass.async_block_till_done()

    yield pass_by
    await hass.services.async_call(AUTOMATION, "turn_off", {"entity_id": "automation.test"}, blocking=True)


async def remember(hass, suspended: bool | None = None) -> None:
    """Set up the toggle, as it was before the start."""
    if suspended is not None:
        mock_restore_cache(hass, [State(MEMORY, "on" if suspended else "off")])
    assert await async_setup_component(hass, "input_boolean", {"input_boolean": {"suspended": None}})
    await hass.async_block_till_done()


def say(what: str) -> list[dict[str, Any]]:
    return [{"event": DO, "event_data": {"what": what}}]


def inputs(plant: Plant, **more: Any) -> dict[str, Any]:
    return {
        "ups": plant.device_id("ups"),
        "time_to_go": plant.entity_id("ups", "time_to_go"),
        "threshold": THRESHOLD,
        "minutes": MINUTES,
        "suspend": say("suspend"),
        "undo": say("undo"),
        "mains_back_for": {"minutes": 5},
        "suspended": MEMORY,
        **more,
    }


@pytest.fixture
async def ups(hass, plant: Plant, minutes_pass, done) -> Plant:
    """A UPS on mains, and the automation."""
    await remember(hass)
    await plant.show("ups", ups_status="on_inverter", battery_low="off", **ENOUGH)
    await use(hass, "shut_down_on_ups_battery", **inputs(plant))
    return plant


def what(done: list[Event]) -> list[str]:
    return [event.data["what"] for event in done]


# --- when things are suspended ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"state_of_charge": "31"}, {"state_of_charge": "30"}),
        ({"state_of_charge": "31"}, {"state_of_charge": "5"}),
        ({"time_to_go": "11"}, {"time_to_go": "10"}),
        ({"time_to_go": "601", "unit": "s"}, {"time_to_go": "600", "unit": "s"}),
        ({"time_to_go": "0.17", "unit": "h"}, {"time_to_go": "0.16", "unit": "h"}),
        ({"time_to_go": "0.007", "unit": "d"}, {"time_to_go": "0.0069", "unit": "d"}),
        ({"battery_low": "off"}, {"battery_low": "on"}),
        # Of what is not known, nothing follows; what is known decides.
        ({"state_of_charge": "unknown", "time_to_go": "11"}, {"time_to_go": "9"}),
        ({"time_to_go": "unavailable", "state_of_charge": "31"}, {"state_of_charge": "29"}),
        ({"time_to_go": "unknown", "state_of_charge": "unknown"}, {"battery_low": "on"}),
    ],
)
async def test_things_are_suspended_on_battery_at_once_and_once(hass, ups, done, minutes_pass, before, after):
    await ups.show("ups", ups_status="on_battery")
    await ups.show("ups", **before)
    await minutes_pass(2)
    assert what(done) == []

    await ups.show("ups", **after)
    assert what(done) == ["suspend"]
    assert hass.states.get(MEMORY).state == "on"

    await ups.show("ups", state_of_charge="4", time_to_go="2", battery_low="on")
    await minutes_pass(20)
    assert what(done) == ["suspend"]


async def test_both_thresholds_at_once_suspend_once(ups, done):
    await ups.show("ups", ups_status="on_battery")

    await ups.show("ups", state_of_charge="30", time_to_go="10", battery_low="on")

    assert what(done) == ["suspend"]


async def test_on_mains_a_battery_that_is_low_suspends_nothing_until_they_fail(ups, done, minutes_pass):
    await ups.show("ups", state_of_charge="12", time_to_go="4", battery_low="on")
    await minutes_pass(2)
    assert what(done) == []

    await ups.show("ups", ups_status="on_battery")

    assert what(done) == ["suspend"]


@pytest.mark.parametrize(
    "unknown",
    [
        {"state_of_charge": "unknown", "time_to_go": "unknown", "battery_low": "unknown"},
        {"state_of_charge": "unavailable", "time_to_go": "unavailable", "battery_low": "unavailable"},
        {"ups_status": "unavailable", "state_of_charge": "3", "time_to_go": "1"},
        {"time_to_go": "1", "unit": "fortnight"},
    ],
)
async def test_on_what_is_not_known_nothing_is_decided(ups, done, minutes_pass, unknown):
    await ups.show("ups", ups_status="on_battery")

    await ups.show("ups", **unknown)
    await minutes_pass(10)

    assert what(done) == []


async def test_what_happened_while_the_card_did_not_answer_is_made_up_for(ups, done, minutes_pass):
    await ups.show("ups", ups_status="unavailable", state_of_charge="unavailable", time_to_go="unavailable")

    await ups.show("ups", ups_status="on_battery", state_of_charge="29", time_to_go="unknown")
    await minutes_pass(1)

    assert what(done) == ["suspend"]


@pytest.mark.parametrize("unknown", [{}, dict.fromkeys(ENOUGH, "unknown")])
async def test_a_ups_that_is_about_to_stop_suspends_things_whatever_else_it_says(ups, done, minutes_pass, unknown):
    await ups.show("ups", ups_status="on_battery", **unknown)
    assert what(done) == []

    await ups.show("ups", ups_status="imminent_stop", imminent_stop="on")
    await minutes_pass(3)

    assert what(done) == ["suspend"]


# --- when it is undone --------------------------------------------------------------------------------------------


async def test_it_is_undone_once_the_mains_have_been_back_for_long_enough(hass, ups, done, minutes_pass):
    await ups.show("ups", ups_status="on_battery", state_of_charge="30")
    await minutes_pass(3)

    await ups.show("ups", ups_status="on_inverter")
    await minutes_pass(4)
    assert what(done) == ["suspend"]
    await minutes_pass(2)
    assert what(done) == ["suspend", "undo"]
    assert hass.states.get(MEMORY).state == "off"

    await minutes_pass(20)
    assert what(done) == ["suspend", "undo"]


async def test_mains_that_were_back_too_short_change_nothing(ups, done, minutes_pass):
    await ups.show("ups", ups_status="on_battery", state_of_charge="30")
    for _ in range(3):
        await ups.show("ups", ups_status="on_inverter")
        await minutes_pass(4)
        await ups.show("ups", ups_status="on_battery", state_of_charge="25")
        await minutes_pass(2)

    assert what(done) == ["suspend"]


async def test_a_ups_that_was_not_to_be_reached_meanwhile_has_not_been_on_mains(ups, done, minutes_pass):
    await ups.show("ups", ups_status="on_battery", state_of_charge="30")
    await ups.show("ups", ups_status="on_inverter")
    await minutes_pass(4)
    await ups.show("ups", ups_status="unavailable")
    await minutes_pass(10)
    await ups.show("ups", ups_status="on_inverter")
    await minutes_pass(4)
    assert what(done) == ["suspend"]

    await minutes_pass(2)

    assert what(done) == ["suspend", "undo"]


@pytest.mark.parametrize("status", ELSE)
async def test_a_ups_that_is_merely_not_on_battery_undoes_nothing(ups, done, minutes_pass, status):
    await ups.show("ups", ups_status="on_battery", state_of_charge="30")
    # As at an empty battery.
    await ups.show("ups", ups_status=status, state_of_charge="0")
    await minutes_pass(20)
    assert what(done) == ["suspend"]

    await ups.show("ups", ups_status="on_bypass")
    await minutes_pass(6)
    assert what(done) == ["suspend", "undo"]


async def test_mains_that_fail_again_suspend_again(ups, done, minutes_pass):
    for _ in range(2):
        await ups.show("ups", ups_status="on_battery", state_of_charge="30")
        await ups.show("ups", ups_status="on_inverter", state_of_charge="40")
        await minutes_pass(6)

    assert what(done) == ["suspend", "undo", "suspend", "undo"]


async def test_mains_that_fail_while_nothing_is_suspended_undo_nothing(ups, done, minutes_pass):
    await ups.show("ups", ups_status="on_battery")
    await minutes_pass(2)
    await ups.show("ups", ups_status="on_inverter")
    await minutes_pass(10)

    assert what(done) == []


# --- a restart in the middle --------------------------------------------------------------------------------------


@pytest.fixture
async def restarted(hass, plant: Plant, minutes_pass, done) -> Callable[..., Awaitable[Plant]]:
    """Start Home Assistant with what the toggle remembers; the card answers once it has started."""

    async def start(suspended: bool, **states: str) -> Plant:
        hass.set_state(CoreState.not_running)
        await remember(hass, suspended)
        await plant.show("ups", **dict.fromkeys(("ups_status", "battery_low", *ENOUGH), "unavailable"))
        await use(hass, "shut_down_on_ups_battery", **inputs(plant))
        await hass.async_start()
        await hass.async_block_till_done()
        await plant.show("ups", battery_low="off", **{**ENOUGH, **states})
        await minutes_pass(1)
        return plant

    return start


async def test_after_a_restart_things_are_not_suspended_twice_and_are_still_undone(restarted, done, minutes_pass):
    ups = await restarted(True, ups_status="on_battery", state_of_charge="20")
    await minutes_pass(5)
    assert what(done) == []

    await ups.show("ups", ups_status="on_inverter")
    await minutes_pass(4)
    assert what(done) == []
    await minutes_pass(2)
    assert what(done) == ["undo"]


async def test_if_the_mains_came_back_during_the_restart_it_is_undone(restarted, done, minutes_pass):
    await restarted(True, ups_status="on_inverter")
    await minutes_pass(3)
    assert what(done) == []

    await minutes_pass(3)

    assert what(done) == ["undo"]


async def test_if_the_mains_failed_during_the_restart_things_are_suspended(restarted, done):
    await restarted(False, ups_status="on_battery", state_of_charge="20")

    assert what(done) == ["suspend"]


async def test_if_nothing_happened_during_the_restart_nothing_is_done(restarted, done, minutes_pass):
    await restarted(False, ups_status="on_inverter")
    await minutes_pass(10)

    assert what(done) == []


@pytest.fixture
async def long_run(hass, plant: Plant, minutes_pass, done) -> Plant:
    """A UPS on battery, and the automation in the middle of what it does."""
    await remember(hass)
    await plant.show("ups", ups_status="on_inverter", battery_low="off", **ENOUGH)
    waits = {"wait_for_trigger": {"trigger": "event", "event_type": GO_ON}}
    await use(hass, "shut_down_on_ups_battery", **inputs(plant, suspend=[*say("suspend"), waits, *say("suspended")]))
    begun = asyncio.Event()
    hass.bus.async_listen_once(DO, callback(lambda _: begun.set()))
    plant.set("ups", ups_status="on_battery", state_of_charge="20")
    await begun.wait()
    return plant


async def test_what_a_restart_interrupted_is_not_done_twice(hass, long_run, minutes_pass, done):
    # The automation starts anew, as it does with Home Assistant.
    for again in ("turn_off", "turn_on"):
        await hass.services.async_call(AUTOMATION, again, {"entity_id": "automation.test"}, blocking=True)
    await minutes_pass(5)
    hass.bus.async_fire(GO_ON)
    await minutes_pass(1)
    assert what(done) == ["suspend"]

    await long_run.show("ups", ups_status="on_inverter")
    await minutes_pass(6)
    assert what(done) == ["suspend", "undo"]


async def test_it_is_undone_only_after_all_was_suspended(hass, long_run, minutes_pass, done, freezer):
    long_run.set("ups", ups_status="on_inverter")
    freezer.tick(600)
    async_fire_time_changed(hass)
    hass.bus.async_fire(GO_ON)
    await hass.async_block_till_done()
    assert what(done) == ["suspend", "suspended"]

    await minutes_pass(1)

    assert what(done) == ["suspend", "suspended", "undo"]


# --- the toggle ---------------------------------------------------------------------------------------------------


async def test_without_its_memory_it_does_nothing(hass, ups, done, minutes_pass):
    hass.states.async_remove(MEMORY)
    await ups.show("ups", ups_status="on_battery", state_of_charge="10")
    await minutes_pass(2)

    assert what(done) == []


def test_its_defaults_are_those_the_page_tells():
    given = load_yaml_dict(FOLDER / DOMAIN / "shut_down_on_ups_battery.yaml")["blueprint"]["input"]
    assert (given["threshold"]["default"], given["minutes"]["default"]) == (THRESHOLD, MINUTES)
    assert given["mains_back_for"]["default"] == {"minutes": 5}

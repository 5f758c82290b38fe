"""The device actions: offered where the control is, gated as it is, and the same as the action."""

import json
from pathlib import Path
from typing import Any

import pytest
import voluptuous as vol
from homeassistant.components.automation.const import DOMAIN as AUTOMATION
from homeassistant.components.device_automation import DeviceAutomationType
from homeassistant.const import ATTR_ENTITY_ID, CONF_DEVICE_ID, CONF_DOMAIN, CONF_TYPE
from homeassistant.core import Context
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import async_get_device_automations

from custom_components.energy_suite import device_action
from custom_components.energy_suite.const import DOMAIN
from custom_components.energy_suite.device_action import ACTION_SCHEMA, ACTIONS
from tests.conftest import EVERY_CONTROL
from tests.test_commands import BATTERYLIFE, MINIMUM_SOC, records, refused, written  # noqa: F401 - a fixture among them

PACKAGE = Path(__file__).parents[1] / "custom_components" / DOMAIN
STILL = {"interval": 3600}
every_control = pytest.mark.parametrize("options", [{**EVERY_CONTROL, **STILL}], ids=[""])

# Type -> the kind of device, what the user says, what was set before, what is written.
COMMANDS: dict[str, tuple[str, dict[str, Any], tuple[str, str, float] | None, list[tuple[str, str, float]]]] = {
    "set_ess_mode": (
        "gx",
        {"mode": "optimized_with_batterylife", "minimum_state_of_charge": 45},
        None,
        [("settings", BATTERYLIFE, 1), ("settings", MINIMUM_SOC, 45)],
    ),
    "set_charging_mode": ("ev_charger", {"mode": "auto"}, None, [("evcharger", "/Mode", 1)]),
    "set_charging_current": ("ev_charger", {"current": 9}, None, [("evcharger", "/SetCurrent", 9)]),
    "start_charging": ("ev_charger", {}, ("evcharger", "/StartStop", 0), [("evcharger", "/StartStop", 1)]),
    "stop_charging": ("ev_charger", {}, ("evcharger", "/StartStop", 1), [("evcharger", "/StartStop", 0)]),
    "start_generator": (
        "generator",
        {"duration": {"hours": 1}},
        ("generator", "/ManualStart", 0),
        [("generator", "/ManualStart", 1)],
    ),
    "stop_generator": ("generator", {}, ("generator", "/ManualStart", 1), [("generator", "/ManualStart", 0)]),
    # The generator has relay 1.
    "close_relay_1": ("gx", {}, None, []),
    "open_relay_1": ("gx", {}, None, []),
    "close_relay_2": ("gx", {}, ("system", "/Relay/1/State", 0), [("system", "/Relay/1/State", 1)]),
    "open_relay_2": ("gx", {}, ("system", "/Relay/1/State", 1), [("system", "/Relay/1/State", 0)]),
    "set_inverter_mode": ("inverter_charger", {"mode": "charger_only"}, None, [("vebus", "/Mode", 1)]),
}
GATED = {
    "start_generator",
    "stop_generator",
    "close_relay_1",
    "open_relay_1",
    "close_relay_2",
    "open_relay_2",
    "set_inverter_mode",
}


def config(suite, name: str, kind: str | None = None) -> dict[str, Any]:
    of_kind, asked, *_ = COMMANDS[name]
    return {CONF_DOMAIN: DOMAIN, CONF_DEVICE_ID: suite.device_id(kind or of_kind), CONF_TYPE: name, **asked}


async def give(suite, action: dict[str, Any], context: Context | None = None) -> None:
    validated: Any = ACTION_SCHEMA(action)
    await device_action.async_call_action_from_config(suite.hass, validated, {}, context)


async def offered(suite, kind: str) -> set[str]:
    actions = await async_get_device_automations(suite.hass, DeviceAutomationType.ACTION, suite.device_id(kind))
    return {action[CONF_TYPE] for action in actions if action[CONF_DOMAIN] == DOMAIN}


# Those of a UPS are with its card.
OF_THE_GX = {name for name in ACTIONS if not name.startswith("ups_")}


def test_every_type_has_its_command():
    assert set(COMMANDS) == OF_THE_GX


@every_control
async def test_every_action_in_an_automation_does_what_it_says(hass, suite, subtests):
    actions = {name: config(suite, name) for name in OF_THE_GX}
    automations = [
        {"id": name, "alias": name, "triggers": {"trigger": "event", "event_type": name}, "actions": action}
        for name, action in actions.items()
    ]
    assert await async_setup_component(hass, AUTOMATION, {AUTOMATION: automations})
    await hass.async_block_till_done()
    for name, (kind, _, before, expected) in COMMANDS.items():
        with subtests.test(name):
            assert hass.states.get(f"automation.{name}").state == "on"
            if before:
                suite.house.set(*before)
                suite.entry.runtime_data.lease.runner.expedite(f"{suite.entry.entry_id}/{suite.key(kind)}")
            if name == "set_charging_current":
                suite.house.set("evcharger", "/Mode", 0)
            with written(suite) as sent:
                hass.bus.async_fire(name)
                await hass.async_block_till_done()
            assert sorted(sent) == sorted(expected)


@every_control
async def test_a_device_offers_what_it_has_a_control_for(suite):
    expected: dict[str, set[str]] = {}
    for name, (kind, *_) in COMMANDS.items():
        expected.setdefault(kind, set()).add(name)

    for found in suite.entry.data["devices"]:
        assert await offered(suite, found["kind"]) == expected.get(found["kind"], set())


@pytest.mark.parametrize("options", [STILL], ids=[""])
async def test_what_can_cut_power_is_neither_offered_nor_done_until_it_is_enabled(suite, subtests):
    everything: set[str] = set()
    for found in suite.entry.data["devices"]:
        everything |= await offered(suite, found["kind"])
    assert everything == OF_THE_GX - GATED

    for name in GATED:
        with subtests.test(name), written(suite) as sent, refused("control_not_enabled"):
            await give(suite, config(suite, name))
        assert not sent
    with refused("control_not_enabled"):
        await give(suite, {**config(suite, "set_ess_mode"), "mode": "external_control"})


@every_control
async def test_a_command_is_recorded_with_who_gave_it(suite, records):  # noqa: F811 - the fixture
    context = Context()
    for name in ("set_charging_mode", "set_inverter_mode"):
        await give(suite, config(suite, name), context)

    assert [(record["control"], record["to"], record["result"]) for record in records] == [
        ("charging_mode", "auto", "applied"),
        ("inverter_mode", "charger_only", "applied"),
    ]
    assert all(record["context"].id == context.id for record in records)


@every_control
async def test_a_generator_started_for_a_time_is_stopped_after_it(suite):
    await give(suite, config(suite, "start_generator"))

    (due,) = suite.entry.runtime_data.memory.due
    assert (due["control"], due["value"]) == ("generator_manual_start", 0)


@every_control
async def test_a_device_that_cannot_do_it_is_refused(suite, subtests):
    for name in OF_THE_GX:
        with subtests.test(name), written(suite) as sent, refused("wrong_device_kind"):
            await give(suite, config(suite, name, "battery"))
        assert not sent


@every_control
async def test_a_mode_that_the_inverter_does_not_have_is_refused(suite):
    with written(suite) as sent, pytest.raises(ServiceValidationError):
        await give(suite, {**config(suite, "set_inverter_mode"), "mode": "hibernate"})
    assert not sent


@every_control
async def test_a_refusal_of_the_device_is_passed_on(suite):
    suite.house.set("evcharger", "/Mode", 1)
    with refused("not_in_manual_mode"):
        await give(suite, config(suite, "set_charging_current"))
    for name in ("close_relay_1", "open_relay_1"):
        with refused("relay_used_by_generator"):
            await give(suite, config(suite, name))


@every_control
async def test_without_its_gateway_a_device_offers_nothing_and_refuses_everything(hass, suite, subtests):
    actions = {name: config(suite, name) for name in OF_THE_GX}
    assert await hass.config_entries.async_unload(suite.entry.entry_id)

    assert await device_action.async_get_actions(hass, suite.device_id("gx")) == []
    for name, action in actions.items():
        with subtests.test(name), pytest.raises(HomeAssistantError) as info:
            await give(suite, action)
        assert info.value.translation_key == "service_config_entry_not_loaded"


@every_control
async def test_the_form_asks_for_what_the_action_takes(hass, suite, hass_ws_client, subtests):
    assert await async_setup_component(hass, "device_automation", {})
    client = await hass_ws_client(hass)
    fields: dict[str, Any] = {}
    for name, (_, asked, *_) in COMMANDS.items():
        with subtests.test(name):
            action = {key: value for key, value in config(suite, name).items() if key not in asked}
            await client.send_json_auto_id({"type": "device_automation/action/capabilities", "action": action})
            answer = await client.receive_json()
            fields[name] = {each["name"]: each["selector"] for each in answer["result"]["extra_fields"]}
            assert set(fields[name]) == set(asked)
    offered_modes = fields["set_inverter_mode"]["mode"]["select"]["options"]
    assert offered_modes == suite.attributes("inverter_charger", "inverter_mode")["options"]


@every_control
async def test_what_makes_no_sense_is_refused(suite, subtests):
    for name, wrong in (
        ("set_ess_mode", {"mode": "faster"}),
        ("set_ess_mode", {"minimum_state_of_charge": 101}),
        ("set_charging_current", {"current": 5}),
        ("start_generator", {"duration": "soon"}),
        ("stop_generator", {"duration": {"hours": 1}}),
        ("open_relay_1", {ATTR_ENTITY_ID: "switch.relay"}),
        ("set_inverter_mode", {"mode": None}),
    ):
        with subtests.test(name, **wrong), pytest.raises(vol.Invalid):
            ACTION_SCHEMA({**config(suite, name), **wrong})
    with pytest.raises(vol.Invalid):
        ACTION_SCHEMA({**config(suite, "stop_generator"), CONF_TYPE: "explode"})


def test_every_action_and_field_has_a_text():
    texts = json.loads((PACKAGE / "translations" / "en.json").read_text(encoding="utf-8"))
    automations = texts["device_automation"]
    assert set(automations["action_type"]) == set(ACTIONS)
    fields = {str(marker): selector for action in ACTIONS.values() for marker, selector in action.fields.items()}
    assert set(automations["extra_fields"]) == set(fields)
    modes = texts["entity"]["select"]["inverter_mode"]["state"]
    assert texts["selector"]["inverter_mode"]["options"] == modes

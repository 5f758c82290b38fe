"""The actions: whom they are for, what they do, what they refuse."""

from typing import Any

import pytest
import voluptuous as vol
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import label_registry as lr
from homeassistant.setup import async_setup_component

from custom_components.energy_suite.const import DOMAIN
from tests.conftest import EVERY_CONTROL
from tests.test_commands import BATTERYLIFE, HUB4_MODE, MINIMUM_SOC, refused, written

STILL = {"interval": 3600}
every_control = pytest.mark.parametrize("options", [{**EVERY_CONTROL, **STILL}], ids=[""])

# Action -> the kind of device it is for, its data, what it writes.
ACTIONS: dict[str, tuple[str, dict[str, Any], list[tuple[str, str, float]]]] = {
    "set_ess_mode": ("gx", {"mode": "keep_batteries_charged"}, [("settings", BATTERYLIFE, 9)]),
    "start_generator": ("generator", {}, [("generator", "/ManualStart", 1)]),
    "stop_generator": ("generator", {}, [("generator", "/ManualStart", 0)]),
    "set_charging": ("ev_charger", {"current": 9}, [("evcharger", "/SetCurrent", 9)]),
    "set_relay": ("gx", {"relay": 2, "closed": True}, [("system", "/Relay/1/State", 1)]),
}


async def act(suite, action: str, target: dict[str, Any], **data: Any) -> None:
    await suite.hass.services.async_call(DOMAIN, action, {**target, **data}, blocking=True)


def device(suite, kind: str) -> dict[str, Any]:
    return {"device_id": [suite.device_id(kind)]}


@every_control
async def test_every_action_reaches_a_device_named_itself(suite, subtests):
    for action, (kind, data, expected) in ACTIONS.items():
        with subtests.test(action):
            with written(suite) as sent:
                await act(suite, action, device(suite, kind), **data)

            assert sent == expected


@every_control
async def test_every_action_reaches_the_devices_of_an_area_or_label_that_it_is_for(hass, suite, subtests):
    area = ar.async_get(hass).async_create("Garage")
    label = lr.async_get(hass).async_create("Énergie")
    for found in suite.entry.data["devices"]:
        suite.devices.async_update_device(suite.device_id(found["kind"]), area_id=area.id, labels={label.label_id})

    for action, (_, data, expected) in ACTIONS.items():
        with subtests.test(action):
            with written(suite) as sent:
                await act(suite, action, {"area_id": area.id}, **data)
            assert sent == expected

    with written(suite) as sent:
        await act(suite, "set_charging", {"label_id": label.label_id}, charging=False)
    assert sent == [("evcharger", "/StartStop", 0)]


@every_control
async def test_a_device_that_cannot_do_it_is_refused_by_name(suite, subtests):
    for action, (_, data, _) in ACTIONS.items():
        with subtests.test(action):
            with written(suite) as sent, refused("wrong_device_kind") as info:
                await act(suite, action, device(suite, "battery"), **data)

            assert "Batterie" in str(info.value)
            assert not sent


@every_control
async def test_one_wrong_device_among_right_ones_stops_the_action(suite):
    targets = {"device_id": [suite.device_id("ev_charger"), suite.device_id("grid_meter")]}

    with written(suite) as sent, refused("wrong_device_kind"):
        await act(suite, "set_charging", targets, charging=False)

    assert not sent


@every_control
async def test_targets_without_a_suitable_device_are_refused(hass, suite, subtests):
    area = ar.async_get(hass).async_create("Cave")
    suite.devices.async_update_device(suite.device_id("battery"), area_id=area.id)

    for target in ({}, {"area_id": area.id}, {"area_id": "nowhere"}):
        with subtests.test(str(target)), refused("no_such_device"):
            await act(suite, "set_charging", target, charging=False)
    with pytest.raises(ServiceValidationError) as info:
        await act(suite, "set_charging", {"device_id": "unheard-of"}, charging=False)
    assert info.value.translation_key == "service_device_not_found"


async def test_actions_exist_without_a_gateway_and_say_that_there_is_none(hass):
    assert await async_setup_component(hass, DOMAIN, {})
    await hass.async_block_till_done()

    for action, (_, data, _) in ACTIONS.items():
        assert hass.services.has_service(DOMAIN, action)
        with refused("no_such_device"):
            await hass.services.async_call(DOMAIN, action, {**data, "area_id": "garage"}, blocking=True)


@every_control
async def test_a_device_whose_gateway_is_not_loaded_is_refused(hass, suite):
    target = device(suite, "ev_charger")
    assert await hass.config_entries.async_unload(suite.entry.entry_id)

    with pytest.raises(ServiceValidationError) as info:
        await act(suite, "set_charging", target, charging=False)

    assert info.value.translation_key == "service_config_entry_not_loaded"


# --- each action --------------------------------------------------------------------------------------------------


@every_control
async def test_the_ess_mode_is_set_with_its_minimum_state_of_charge(suite):
    with written(suite) as sent:
        await act(
            suite,
            "set_ess_mode",
            device(suite, "gx"),
            mode="optimized_with_batterylife",
            minimum_state_of_charge=45,
        )

    assert sorted(sent) == sorted([("settings", BATTERYLIFE, 1), ("settings", MINIMUM_SOC, 45)])
    assert suite.state("gx", "ess_mode") == "optimized_with_batterylife"
    assert float(suite.state("gx", "minimum_state_of_charge")) == 45


@every_control
async def test_every_ess_mode_can_be_set(suite, subtests):
    for mode, hub4_mode, state in (
        ("optimized_with_batterylife", 1, 1),
        ("external_control", 3, 0),
        ("keep_batteries_charged", 1, 9),
        ("optimized_without_batterylife", 1, 10),
    ):
        with subtests.test(mode):
            await act(suite, "set_ess_mode", device(suite, "gx"), mode=mode)

            assert suite.state("gx", "ess_mode") == mode
            assert (suite.house.get("settings", HUB4_MODE), suite.house.get("settings", BATTERYLIFE)) == (
                hub4_mode,
                state,
            )


@every_control
async def test_a_minimum_state_of_charge_means_nothing_in_other_modes(suite, subtests):
    for mode in ("keep_batteries_charged", "external_control"):
        with subtests.test(mode), written(suite) as sent, refused("not_in_this_ess_mode"):
            await act(suite, "set_ess_mode", device(suite, "gx"), mode=mode, minimum_state_of_charge=45)
        assert not sent


@every_control
async def test_charging_is_set_in_an_order_that_the_station_accepts(suite):
    suite.house.set("evcharger", "/Mode", 1)
    suite.house.set("evcharger", "/StartStop", 0)

    with written(suite) as sent:
        await act(suite, "set_charging", device(suite, "ev_charger"), charging=True, current=8, mode="manual")

    assert sent == [("evcharger", "/Mode", 0), ("evcharger", "/SetCurrent", 8), ("evcharger", "/StartStop", 1)]
    assert suite.state("ev_charger", "charging_mode") == "manual"
    assert float(suite.state("ev_charger", "charging_current")) == 8
    assert suite.state("ev_charger", "charging") == "on"


@every_control
async def test_a_charging_current_that_the_station_cannot_give_is_refused_with_its_range(suite, subtests):
    for current in (5, 17):
        with subtests.test(current=current):
            with written(suite) as sent, refused("out_of_range") as info:
                await act(suite, "set_charging", device(suite, "ev_charger"), current=current)

            assert not sent
            assert "6" in str(info.value)
            assert "16" in str(info.value)


@every_control
async def test_what_is_already_so_is_not_written_again(suite):
    with written(suite) as sent:
        await act(suite, "set_charging", device(suite, "ev_charger"), mode="manual", current=10, charging=True)
        await act(suite, "stop_generator", device(suite, "generator"))
        await act(suite, "set_relay", device(suite, "gx"), relay=2, closed=False)

    assert not sent


@every_control
async def test_data_that_makes_no_sense_is_refused(suite, subtests):
    for action, kind, data in (
        ("set_ess_mode", "gx", {}),
        ("set_ess_mode", "gx", {"mode": "faster"}),
        ("set_ess_mode", "gx", {"mode": "optimized_with_batterylife", "minimum_state_of_charge": 101}),
        ("set_ess_mode", "gx", {"mode": "optimized_with_batterylife", "minimum_state_of_charge": -1}),
        ("set_charging", "ev_charger", {"mode": "never"}),
        ("set_charging", "ev_charger", {"current": -1}),
        ("set_charging", "ev_charger", {}),
        ("set_relay", "gx", {"relay": 3, "closed": True}),
        ("set_relay", "gx", {"relay": 1}),
        ("set_relay", "gx", {"relay": 2, "closed": True, "pulse": -5}),
        ("set_relay", "gx", {"relay": 2, "closed": True, "pulse": 0}),
        ("start_generator", "generator", {"duration": {"minutes": -5}}),
        ("start_generator", "generator", {"duration": 0}),
        ("stop_generator", "generator", {"duration": {"minutes": 5}}),
    ):
        with subtests.test(action, **data):
            with written(suite) as sent, pytest.raises(vol.Invalid):
                await act(suite, action, device(suite, kind), **data)

            assert not sent

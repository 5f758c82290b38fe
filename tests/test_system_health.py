"""What the page System information and the logbook say."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers.translation import async_load_integrations
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import get_system_health_info

from custom_components.energy_suite.const import DOMAIN, EVENT_COMMAND
from custom_components.energy_suite.logbook import async_describe_events
from tests.conftest import Suite

TRANSLATIONS = Path("custom_components/energy_suite/translations").resolve()
NOTHING = {"gateways": 0, "gateways_reachable": 0, "devices": 0, "devices_available": 0, "slowest_round": 0}


async def health(hass: HomeAssistant) -> dict[str, Any]:
    assert await async_setup_component(hass, "system_health", {})
    await hass.async_block_till_done()
    info: dict[str, Any] = await get_system_health_info(hass, DOMAIN)
    return info


async def test_the_system_health_counts_what_answers(hass, suite):
    await suite.reports()
    info = await health(hass)
    assert info.pop("slowest_round") >= 0.1
    assert info == {"gateways": 1, "gateways_reachable": 1, "devices": 8, "devices_available": 8}


async def test_the_system_health_tells_a_device_that_is_gone_from_a_gateway_that_is(hass, suite):
    coordinators = suite.entry.runtime_data.coordinators
    suite.gx.vanish("evcharger", 40)
    await suite.until(lambda: not coordinators[suite.key("ev_charger")].data.available)
    info = await health(hass)
    assert (info["gateways_reachable"], info["devices"], info["devices_available"]) == (1, 8, 7)
    suite.gx.stop()
    await suite.until(lambda: not any(each.data.available for each in coordinators.values()))
    info = await health(hass)
    assert (info["gateways"], info["gateways_reachable"], info["devices_available"]) == (1, 0, 0)


async def test_the_system_health_without_a_loaded_gateway_is_all_zero(hass, suite):
    await hass.config_entries.async_unload(suite.entry.entry_id)
    assert await health(hass) == NOTHING


# --- the logbook -------------------------------------------------------------------------------------------------


@pytest.fixture
def logbook(hass: HomeAssistant, suite: Suite) -> list[dict[str, str]]:
    """The entries of the logbook, as they are made."""
    describers: dict[str, Callable[[Event], dict[str, str]]] = {}

    def describe(domain: str, event: str, describer: Callable[[Event], dict[str, str]]) -> None:
        assert domain == DOMAIN
        describers[event] = describer

    async_describe_events(hass, describe)
    entries: list[dict[str, str]] = []

    @callback
    def note(event: Event) -> None:
        entries.append(describers[EVENT_COMMAND](event))

    hass.bus.async_listen(EVENT_COMMAND, note)
    return entries


async def test_a_command_can_be_read_in_the_logbook(hass, suite, logbook):
    await suite.call("number", "set_value", "gx", "grid_setpoint", value=120)
    assert logbook == [{"name": "Victron GX", "message": "Grid setpoint: 50 → 120 (done)"}]


async def test_a_refused_command_says_why_in_the_logbook(hass, suite, logbook):
    suite.gx.read_only = True
    with pytest.raises(HomeAssistantError):
        await suite.call("select", "select_option", "gx", "ess_mode", option="keep_batteries_charged")
    texts = json.loads((TRANSLATIONS / "en.json").read_text(encoding="utf-8"))
    (entry,) = logbook
    assert entry["message"] == (
        "ESS mode: Optimized without BatteryLife → Keep batteries charged "
        f"(refused: {texts['exceptions']['writes_not_allowed']['message']})"
    )


async def test_the_logbook_speaks_the_language_of_home_assistant(hass, suite, logbook):
    hass.config.language = "fr"
    await async_load_integrations(hass, {DOMAIN})
    await suite.call("select", "select_option", "gx", "ess_mode", option="keep_batteries_charged")
    await suite.call("switch", "turn_off", "ev_charger", "charging")
    assert [entry["message"] for entry in logbook] == [
        "Mode ESS: Optimisé sans BatteryLife → Maintenir les batteries chargées (fait)",
        "Charge: activé → désactivé (fait)",
    ]


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_what_a_ups_and_its_card_were_told_is_told_in_words(hass, suite, logbook, language):
    hass.config.language = language
    await async_load_integrations(hass, {DOMAIN})
    device = {"device_id": suite.device_id("gx"), "device": "gx", "result": "applied"}
    for control, before, to in (
        ("standby", "on_inverter", "standby_on"),
        ("transfer", None, "on_inverter"),
        ("alarm_reset", None, "alarm_reset"),
        ("shutdown_event_3", None, "shutdown"),
        ("weekly_schedule_2", None, "friday 22:30 monday 06:15"),
        ("special_day_schedule_8", None, "2026-12-24 18:00 2026-12-27 08:00"),
        ("eco_mode_schedule_7", None, "none 00:00 none 00:00"),
    ):
        hass.bus.async_fire(EVENT_COMMAND, {**device, "control": control, "before": before, "to": to})
    assert [entry["message"] for entry in logbook] == TOLD[language]


TOLD = {
    "en": [
        "Standby on (done)",
        "Transfer load to inverter (done)",
        "Acknowledge alarms (done)",
        "Shutdown event 3: Shutdown of the servers (done)",
        "Weekly schedule, line 2: friday 22:30 monday 06:15 (done)",
        "Special days, line 8: 2026-12-24 18:00 2026-12-27 08:00 (done)",
        "Eco mode schedule, line 7: none 00:00 none 00:00 (done)",
    ],
    "fr": [
        "Activer mode veille (fait)",
        "Transfert utilisations sur onduleur (fait)",
        "Acquittement des alarmes (fait)",
        "Événement d’arrêt 3: Arrêt des serveurs (fait)",
        "Planification hebdomadaire, ligne 2: friday 22:30 monday 06:15 (fait)",
        "Planification spécifique, ligne 8: 2026-12-24 18:00 2026-12-27 08:00 (fait)",
        "Planification eco mode, ligne 7: none 00:00 none 00:00 (fait)",
    ],
}


async def test_a_refusal_with_figures_is_told_without_them(hass, suite, logbook):
    coordinator = suite.entry.runtime_data.coordinators["gx"]
    with pytest.raises(ServiceValidationError):
        await coordinator.async_command(
            "grid_setpoint", lambda: coordinator.device.set_grid_setpoint(1e9), before=50, to=1e9
        )
    assert [entry["message"] for entry in logbook] == ["Grid setpoint: 50 → 1e+09 (refused)"]


async def test_a_device_has_the_name_that_its_user_gave_it(hass, suite, logbook):
    suite.devices.async_update_device(suite.device_id("gx"), name_by_user="Cave")
    await suite.call("number", "set_value", "gx", "grid_setpoint", value=120)
    assert [entry["name"] for entry in logbook] == ["Cave"]


async def test_a_command_without_a_value_before_or_after_is_told_without_it(hass, suite, logbook):
    device = {"device_id": suite.device_id("gx"), "device": "gx"}
    for before, to in ((None, None), (None, False), (0.5, 12.0)):
        hass.bus.async_fire(
            EVENT_COMMAND, {**device, "control": "something", "before": before, "to": to, "result": "applied"}
        )
    assert [entry["message"] for entry in logbook] == [
        "something (done)",
        "something: off (done)",
        "something: 0.5 → 12 (done)",
    ]


async def test_a_device_that_was_deleted_has_its_key(hass, suite, logbook):
    data = {"device_id": "none", "device": "battery_225", "control": "mode", "before": 1, "to": 2, "result": "applied"}
    hass.bus.async_fire(EVENT_COMMAND, data)
    assert logbook == [{"name": "battery_225", "message": "mode: 1 → 2 (done)"}]

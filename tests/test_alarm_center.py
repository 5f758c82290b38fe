"""The alarms of the installation at work, over gateways that are really spoken to: each is told once, and its end."""

import asyncio
from typing import Any

import pytest
from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE, EVENT_HOMEASSISTANT_STOP
from homeassistant.core import Context, CoreState
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.energy_suite.alarms.center import AlarmCenter, async_get_center
from custom_components.energy_suite.site.alarms.episodes import Change, Edge
from demo.board import TripCause
from tests.conftest import (
    CELLAR,
    COLD,
    HARBOUR,
    SiteSuite,
    recipient,
    site_subentry,
    stored_entry,
    stored_site_entry,
)
from tests.test_alarms import raise_alarm
from tests.test_board import change
from tests.test_stick import own_map, own_stick, own_suite  # noqa: F401 - fixtures

pytestmark = pytest.mark.usefixtures("hass_storage")

ANNA = recipient("Anna", "notify.mobile_app_phone", language="fr")
BEN = recipient("Ben", "notify.mail")
RULE = site_subentry("alarm_rule", "Cellar too cold", COLD)
MINUTE, HOUR = 60.0, 3600.0

everybody = pytest.mark.parametrize("site_subentries", [(ANNA, BEN, RULE)], ids=[""])
every_warning = pytest.mark.parametrize("site_options", [{"level": "warnings_and_alarms"}], ids=[""])
no_grid = pytest.mark.parametrize("site_options", [{"grid": False}], ids=[""])


def gist(messages: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """The title and the first line of each message."""
    return [(message["title"], message["message"].splitlines()[0]) for message in messages]


def keys(center: AlarmCenter) -> list[str]:
    return sorted(active.episode.key for active in center.active)


async def loaded(entry: MockConfigEntry) -> None:
    """Wait until an entry that is being set up is."""
    changed = asyncio.Event()
    end = entry.async_on_state_change(changed.set)
    async with asyncio.timeout(8):
        while entry.state is not ConfigEntryState.LOADED:
            changed.clear()
            await changed.wait()
    end()


async def reload(site: SiteSuite) -> None:
    assert await site.hass.config_entries.async_reload(site.entry.entry_id)
    await site.hass.async_block_till_done()


# --- what gateways report ------------------------------------------------------------------------------------------


@everybody
async def test_a_failure_of_the_grid_that_a_gx_reports_is_told_once_and_so_is_its_end(suite, site, phone, mail, clock):
    raise_alarm(suite, "vebus", "/Alarms/GridLost", 2)
    french, english = await phone.gets(1), await mail.gets(1)
    assert gist(french) == [
        ("Alarme critique : Panne du réseau (test home)", "Panne du réseau (signalée par Onduleur étage)")
    ]
    assert gist(english) == [
        ("Critical alarm: Grid failure (test home)", "test home – Grid failure (reported by Onduleur étage)")
    ]
    assert keys(site.center) == ["grid_failure", "grid_lost"]

    raise_alarm(suite, "vebus", "/Alarms/GridLost", 0)
    await suite.until(lambda: keys(site.center) == ["grid_failure"])
    await clock.advance(31)

    assert gist(await phone.gets(2))[1][0] == "Terminée : Panne du réseau (test home)"
    assert gist(await mail.gets(2))[1][0] == "Cleared: Grid failure (test home)"
    assert keys(site.center) == []
    await suite.reports()
    await phone.gets(2)


@everybody
@no_grid
async def test_a_ups_on_battery_is_told_once_and_so_is_its_end(card_suite, site, phone, mail):
    card_suite.card.ups.lose_mains()
    card_suite.card.advance(5)
    french, english = (await phone.gets(1))[0], (await mail.gets(1))[0]

    assert french["title"] == "Avertissement : Mode batterie (UPS)"
    assert french["message"].splitlines()[0] == "Mode batterie"
    assert "Cause : L’alimentation du redresseur" in french["message"]
    assert "Que faire : Surveillez la durée d’autonomie restante" in french["message"]
    assert english["message"].splitlines()[0] == "UPS – On battery"

    card_suite.card.ups.restore_mains()
    card_suite.card.advance(5)
    assert gist(await phone.gets(2))[1] == ("Terminée : Mode batterie (UPS)", "Mode batterie")
    await mail.gets(2)


@everybody
async def test_a_breaker_that_trips_is_told_once_and_so_is_its_end(board_suite, site, phone, mail):
    breaker = board_suite.board.circuits["hot_water"].breaker
    breaker.trip(TripCause.SHORT_CIRCUIT)
    assert gist(await phone.gets(1)) == [
        ("Alarme critique : Disjoncteur déclenché (Hot water)", "Disjoncteur déclenché")
    ]
    assert gist(await mail.gets(1)) == [("Critical alarm: Breaker tripped (Hot water)", "Hot water – Breaker tripped")]

    breaker.open()
    assert gist(await phone.gets(2))[1] == ("Terminée : Disjoncteur déclenché (Hot water)", "Disjoncteur déclenché")
    await mail.gets(2)


@everybody
@every_warning
async def test_a_warning_of_an_aura_is_told_once_and_so_is_its_end(hass, own_stick, own_map, site, phone, mail):  # noqa: F811
    suite = await own_suite(hass, own_stick, own_map)
    await suite.shows("inverter", "problem", "off")
    suite.aura.raise_alarm("W28")
    (french,) = await phone.gets(1)
    assert french["message"].splitlines()[0] == "W28 : Transformateur de courant (TC) inversé"
    assert "Retournez le tore de mesure" in french["message"]
    assert "W28: Current transformer" in (await mail.gets(1))[0]["message"]

    suite.aura.clear_alarm("W28")
    await phone.gets(2)
    await mail.gets(2)
    assert await hass.config_entries.async_unload(suite.entry.entry_id)


@everybody
async def test_a_lost_gateway_is_told_after_the_tolerated_gap_and_so_is_its_return(suite, site, phone, mail, clock):
    suite.gx.stop()
    await suite.until(lambda: not suite.entry.runtime_data.main.data.available)
    await clock.advance(4 * MINUTE)
    assert phone.messages == []
    await clock.advance(2 * MINUTE)
    assert gist(await phone.gets(1)) == [("Avertissement : Communication perdue (Victron GX)", "Communication perdue")]
    assert gist(await mail.gets(1)) == [("Warning: Communication lost (Victron GX)", "Victron GX – Communication lost")]

    await suite.gx.start()
    assert gist(await phone.gets(2))[1][0] == "Terminée : Communication perdue (Victron GX)"
    await mail.gets(2)


@everybody
@pytest.mark.parametrize("options", [{"tolerated_gap": 30}], ids=[""])
async def test_the_tolerated_gap_is_an_option_of_the_gateway(suite, site, phone, clock):
    suite.gx.stop()
    await suite.until(lambda: not suite.entry.runtime_data.main.data.available)
    await clock.advance(31)
    await phone.gets(1)


@everybody
@pytest.mark.parametrize("options", [{"monitor_connection": False}], ids=[""])
async def test_a_gateway_whose_connection_is_not_watched_may_be_away(suite, site, phone, clock):
    suite.gx.stop()
    await suite.until(lambda: not suite.entry.runtime_data.main.data.available)
    await clock.advance(HOUR)
    assert phone.asked == 0


@everybody
async def test_a_gateway_that_is_not_found_after_a_start_is_told(hass, house, site, phone, clock):
    entry = await stored_entry(house)
    house.gx.stop()
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    await clock.advance(4 * MINUTE)
    assert phone.asked == 0
    await clock.advance(2 * MINUTE)
    assert gist(await phone.gets(1)) == [("Avertissement : Communication perdue (Victron GX)", "Communication perdue")]

    await house.gx.start()
    await clock.advance(30 * MINUTE)
    assert gist(await phone.gets(2))[1][0] == "Terminée : Communication perdue (Victron GX)"
    await loaded(entry)
    assert await hass.config_entries.async_unload(entry.entry_id)


@everybody
async def test_nobody_waits_for_a_gateway_that_is_disabled(hass, suite, site, phone, clock):
    await hass.config_entries.async_set_disabled_by(suite.entry.entry_id, ConfigEntryDisabler.USER)
    await clock.advance(HOUR)
    assert phone.asked == 0


# --- rules -----------------------------------------------------------------------------------------------------------


@everybody
async def test_a_rule_of_the_user_is_told_once_and_so_is_its_end(hass, site, phone, mail):
    hass.states.async_set(CELLAR, "4.5", {"unit_of_measurement": "°C"})
    assert gist(await phone.gets(1)) == [
        ("Avertissement : Cellar too cold", "Sous le seuil bas : 4,5\u00a0°C (seuil 5\u00a0°C)"),
    ]
    assert gist(await mail.gets(1)) == [
        ("Warning: Cellar too cold", "Cellar too cold – Below the low threshold: 4.5\u00a0°C (threshold 5\u00a0°C)"),
    ]
    await site.sees(4)
    await site.sees(6.9)
    await phone.gets(1)

    await site.sees(7)
    assert gist(await phone.gets(2))[1][0] == "Terminée : Cellar too cold"
    await mail.gets(2)


@pytest.mark.parametrize("site_subentries", [(ANNA, site_subentry("alarm_rule", "Late", {**COLD, "delay": 300}))])
async def test_a_rule_waits_for_its_delay(site, phone, clock):
    await site.sees(4)
    await clock.advance(4 * MINUTE)
    assert phone.asked == 0
    await clock.advance(MINUTE + 1)
    await phone.gets(1)


@pytest.mark.parametrize("site_subentries", [(ANNA, site_subentry("alarm_rule", "Silent", {**COLD, "no_data": 60}))])
async def test_an_entity_that_says_nothing_is_noticed(site, phone, clock):
    await site.sees("unavailable")
    await clock.advance(61)
    assert gist(await phone.gets(1)) == [("Avertissement : Silent", "Absence de données")]
    site.hass.states.async_remove(CELLAR)
    await site.sees(20)
    await phone.gets(2)


@everybody
async def test_rules_come_change_and_go_without_a_reload(hass, site, phone):
    hass.states.async_set("sensor.attic", "50")
    center = site.center
    await site.add("alarm_rule", "Attic too hot", {"entity": "sensor.attic", "high": 40, "severity": "critical"})
    assert gist(await phone.gets(1)) == [("Alarme critique : Attic too hot", "Au-dessus du seuil haut : 50 (seuil 40)")]

    await site.change("Attic too hot", data={"entity": CELLAR, "high": 40, "severity": "critical"})
    assert gist(await phone.gets(2))[1][0] == "Terminée : Attic too hot"
    await site.sees(60)
    await phone.gets(3)
    await site.remove("Attic too hot")
    await phone.gets(4)
    assert site.center is center
    await site.sees(20)
    await phone.gets(4)


@everybody
async def test_a_rule_stays_with_its_entity_when_that_gets_another_id(hass, site, phone):
    registry = er.async_get(hass)
    registry.async_get_or_create("sensor", "test", "attic", suggested_object_id="attic")
    hass.states.async_set("sensor.attic", "20")
    await site.add("alarm_rule", "Attic", {**COLD, "entity": "sensor.attic"})
    registry.async_update_entity("sensor.attic", new_entity_id="sensor.loft")
    await hass.async_block_till_done()
    await site.sees(0, "sensor.loft")
    assert [message["title"] for message in await phone.gets(1)] == ["Avertissement : Attic"]
    assert site.subentry("Attic").data["entity"] == "sensor.loft"


# --- when something starts and ends ----------------------------------------------------------------------------------


async def set_up_site(hass: Any) -> MockConfigEntry:
    entry = stored_site_entry(ANNA, RULE)
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    return entry


async def test_what_is_raised_before_the_site_is_set_up_is_told(hass, tmp_path, suite, phone):
    hass.config.config_dir = str(tmp_path)
    hass.states.async_set(CELLAR, "0")
    raise_alarm(suite, "vebus", "/Alarms/LowBattery", 2)
    await suite.shows("inverter_charger", "problem", "on")
    entry = await set_up_site(hass)

    await phone.gets(2)
    assert sorted(phone.titles) == [
        "Alarme critique : Batterie basse (Onduleur étage)",
        "Avertissement : Cellar too cold",
    ]
    assert await hass.config_entries.async_unload(entry.entry_id)


@everybody
async def test_a_gateway_that_is_loaded_later_is_watched_as_well(hass, house, site, phone):
    entry = await stored_entry(house)
    house.gx.set("vebus", 276, "/Alarms/LowBattery", 2)
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert gist(await phone.gets(1))[0][1] == "Batterie basse"
    assert await hass.config_entries.async_unload(entry.entry_id)


@everybody
async def test_a_reload_tells_nothing_again_and_what_ended_meanwhile_has_ended(hass, suite, site, phone):
    raise_alarm(suite, "vebus", "/Alarms/LowBattery", 2)
    await site.sees(0)
    await phone.gets(2)
    await reload(site)
    await suite.reports()
    assert keys(site.center) == ["below_low_threshold", "low_battery"]
    await phone.gets(2)

    assert await hass.config_entries.async_unload(site.entry.entry_id)
    assert async_get_center(hass) is None
    raise_alarm(suite, "vebus", "/Alarms/LowBattery", 0)
    await suite.shows("inverter_charger", "problem", "off")
    hass.states.async_set(CELLAR, "20")
    await hass.async_block_till_done()
    await phone.gets(2)

    assert await hass.config_entries.async_setup(site.entry.entry_id)
    await phone.gets(4)
    assert keys(site.center) == []


@everybody
async def test_a_reload_of_a_gateway_clears_nothing(hass, suite, site, phone):
    raise_alarm(suite, "vebus", "/Alarms/LowBattery", 2)
    await phone.gets(1)
    assert await hass.config_entries.async_reload(suite.entry.entry_id)
    await suite.reports()
    await phone.gets(1)
    assert keys(site.center) == ["low_battery"]


@everybody
async def test_a_message_that_could_not_be_sent_is_sent_after_a_reload_with_the_same_tag(site, phone):
    phone.broken = RuntimeError("no network")
    await site.sees(0)
    await phone.until(lambda: phone.asked == 1)
    phone.broken = None
    await reload(site)
    (message,) = await phone.gets(1)
    assert message["title"] == "Avertissement : Cellar too cold"


@everybody
async def test_what_is_unloaded_listens_to_nothing(hass, suite, site, phone):
    center = site.center
    assert await hass.config_entries.async_unload(site.entry.entry_id)
    hass.states.async_set(CELLAR, "0")
    raise_alarm(suite, "vebus", "/Alarms/GridLost", 2)
    await suite.shows("inverter_charger", "problem", "on")
    assert center.active == ()
    assert phone.asked == 0


@everybody
async def test_the_alarms_of_a_device_that_is_removed_are_over(hass, suite, site, phone):
    raise_alarm(suite, "vebus", "/Alarms/LowBattery", 2)
    await phone.gets(1)
    dr.async_get(hass).async_remove_device(suite.device_id("inverter_charger"))
    assert gist(await phone.gets(2))[1] == ("Terminée : Batterie basse (Onduleur étage)", "Batterie basse")


@everybody
async def test_the_alarms_of_a_gateway_that_is_disabled_are_over(hass, suite, site, phone):
    raise_alarm(suite, "vebus", "/Alarms/LowBattery", 2)
    await phone.gets(1)
    await hass.config_entries.async_set_disabled_by(suite.entry.entry_id, ConfigEntryDisabler.USER)
    await phone.gets(2)


@everybody
async def test_the_alarms_of_a_device_that_was_removed_while_nothing_ran_are_over(hass, suite, site, phone):
    raise_alarm(suite, "vebus", "/Alarms/LowBattery", 2)
    await phone.gets(1)
    assert await hass.config_entries.async_unload(site.entry.entry_id)
    await hass.config_entries.async_remove(suite.entry.entry_id)
    assert await hass.config_entries.async_setup(site.entry.entry_id)
    await phone.gets(2)


tripped = pytest.mark.parametrize("site_subentries", [(ANNA,)], ids=[""])


async def trip(board_suite: Any, site: SiteSuite, phone: Any) -> None:
    board_suite.board.circuits["hot_water"].breaker.trip(TripCause.SHORT_CIRCUIT)
    await phone.gets(1)
    assert keys(site.center) == ["breaker_tripped"]


@tripped
async def test_a_device_that_is_disabled_raises_nothing_more(hass, board_suite, site, phone):
    await trip(board_suite, site, phone)
    devices, device_id = dr.async_get(hass), board_suite.device_id("Hot water")
    devices.async_update_device(device_id, disabled_by=dr.DeviceEntryDisabler.USER)
    await phone.gets(2)
    await board_suite.reports(3)
    assert keys(site.center) == []
    devices.async_update_device(device_id, disabled_by=None)
    await board_suite.until(lambda: keys(site.center) == ["breaker_tripped"])
    await phone.gets(3)


@tripped
@pytest.mark.parametrize("changes", [{"enabled": False}, {"address": 99}], ids=["switched off", "moved"])
async def test_the_alarms_of_a_device_that_is_not_read_there_any_more_are_over(board_suite, site, phone, changes):
    await trip(board_suite, site, phone)
    change(board_suite, "Hot water", **changes)
    await phone.gets(2)
    await board_suite.reports(3)
    assert keys(site.center) == []


@tripped
async def test_the_alarms_of_a_device_behind_a_gateway_that_is_removed_are_over(hass, board_suite, site, phone):
    await trip(board_suite, site, phone)
    hass.config_entries.async_remove_subentry(board_suite.entry, board_suite.key("Hot water"))
    await phone.gets(2)
    assert keys(site.center) == []


@tripped
async def test_neither_another_name_nor_a_reload_of_its_gateway_ends_the_alarms_of_a_device(
    hass, board_suite, site, phone
):
    await trip(board_suite, site, phone)
    subentry = board_suite.entry.subentries[board_suite.key("Hot water")]
    hass.config_entries.async_update_subentry(board_suite.entry, subentry, title="Boiler")
    await board_suite.follows()
    await board_suite.reports(3)
    assert await hass.config_entries.async_reload(board_suite.entry.entry_id)
    await board_suite.reports(3)
    assert await hass.config_entries.async_unload(board_suite.entry.entry_id)
    assert keys(site.center) == ["breaker_tripped"]
    await phone.gets(1)


@everybody
async def test_a_site_that_is_removed_leaves_nothing_behind(hass, hass_storage, tmp_path, site, phone):
    await site.sees(0)
    await phone.gets(1)
    folder = tmp_path / "energy_suite"
    assert sorted(file.name for file in folder.glob("*.jsonl")) == ["alarm_log.jsonl", "event_log.jsonl"]
    stored = f"energy_suite.{site.entry.entry_id}.alarms"
    assert stored in hass_storage

    await hass.config_entries.async_remove(site.entry.entry_id)

    assert stored not in hass_storage
    assert not list(folder.glob("*.jsonl"))


async def test_logs_that_cannot_be_opened_are_tried_again(hass, tmp_path):
    hass.config.config_dir = str(tmp_path)
    (tmp_path / "energy_suite").write_text("a file where a folder should be")
    entry = stored_site_entry()
    entry.add_to_hass(hass)
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state.value == "setup_retry"
    assert entry.error_reason_translation_key == "alarm_log_not_readable"
    await hass.config_entries.async_unload(entry.entry_id)


def damaged(stored: Any, path: tuple[Any, ...], to: Any) -> None:
    """Damage a part of what is stored."""
    *way, last = path
    for step in way:
        stored = stored[step]
    stored[last] = to


@everybody
@pytest.mark.parametrize(
    "path",
    [
        ("tracks",),
        ("tracks", 0, "changed"),
        ("tracks", 0, "episode", "started"),
        ("tracks", 0, "episode", "texts"),
        ("tracks", 0, "threads"),
        ("episodes",),
        ("edges",),
        ("watches",),
        ("outbox",),
    ],
    ids=lambda path: "-".join(map(str, path)),
)
@pytest.mark.parametrize("damage", [None, "x", 1e300], ids=str)
async def test_a_damaged_state_is_told_once_and_alarms_are_watched_for(
    hass, hass_storage, site, phone, mail, caplog, path, damage
):
    await site.sees(0)
    await phone.gets(1)
    assert await hass.config_entries.async_unload(site.entry.entry_id)
    damaged(hass_storage[f"energy_suite.{site.entry.entry_id}.alarms"]["data"], path, damage)
    assert await hass.config_entries.async_setup(site.entry.entry_id)
    await hass.async_block_till_done()
    assert keys(site.center) == ["below_low_threshold"]
    assert caplog.text.count("What is stored of the alarms is damaged") == 1
    await site.sees(20)
    assert keys(site.center) == []
    assert len(site.center.log.query()) == 1


@everybody
async def test_a_snooze_that_an_earlier_version_stored_without_end_is_dropped(hass, hass_storage, site, phone):
    await site.sees(0)
    await site.center.async_snooze(site.center.active[0].episode.tag, 60)
    assert await hass.config_entries.async_unload(site.entry.entry_id)
    stored = hass_storage[f"energy_suite.{site.entry.entry_id}.alarms"]["data"]
    stored["tracks"][0]["snooze"]["until"] = None  # what is infinite is stored so
    assert await hass.config_entries.async_setup(site.entry.entry_id)
    (active,) = site.center.active
    assert active.snoozed_until is None


async def test_a_set_up_that_fails_lets_go_of_everything(hass, hass_storage, tmp_path, monkeypatch):
    hass.config.config_dir = str(tmp_path)
    centers: list[AlarmCenter] = []
    begin = AlarmCenter.async_begin

    def fail(center: AlarmCenter) -> None:
        centers.append(center)
        begin(center)
        raise RuntimeError("what nobody foresaw")

    monkeypatch.setattr(AlarmCenter, "async_begin", fail)
    entry = stored_site_entry(ANNA, RULE)
    entry.add_to_hass(hass)
    assert not await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    (center,) = centers
    assert center.log._journal._file is center.events._journal._file is None
    hass.states.async_set(CELLAR, "0")
    await hass.async_block_till_done()
    assert center.active == ()

    monkeypatch.setattr(AlarmCenter, "async_begin", begin)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert keys(entry.runtime_data) == ["below_low_threshold"]
    assert await hass.config_entries.async_unload(entry.entry_id)


@everybody
async def test_the_state_is_stored_before_a_message_is_sent(hass_storage, site, phone):
    stored = f"energy_suite.{site.entry.entry_id}.alarms"
    seen: list[Any] = []
    take = phone._take

    async def look(call: Any) -> None:
        seen.append([track["episode"]["key"] for track in hass_storage[stored]["data"]["tracks"]])
        await take(call)

    site.hass.services.async_register("notify", phone.service, look)
    await site.sees(0)
    await phone.gets(1)
    assert seen == [["below_low_threshold"]]


@everybody
async def test_a_log_that_cannot_be_written_holds_up_no_message_and_is_caught_up(
    site, phone, clock, monkeypatch, caplog
):
    write = site.center.log.write

    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(site.center.log, "write", fail)
    await site.sees(0)
    await site.sees(20)
    await phone.gets(2)
    assert caplog.text.count("The alarm log cannot be written (No space left on device)") == 1
    assert site.center.log.query() == []

    monkeypatch.setattr(site.center.log, "write", write)
    await clock.advance(61)
    (entry,) = site.center.log.query()
    assert not entry.active


async def test_a_running_delay_outlives_a_kill(hass, hass_storage, tmp_path, clock, phone):
    """What is stored once in a while says how long it has run."""
    hass.config.config_dir = str(tmp_path)
    hass.states.async_set(CELLAR, "0")
    entry = stored_site_entry(ANNA, site_subentry("alarm_rule", "Late", {**COLD, "delay": 900}))
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    await clock.advance(2 * MINUTE)
    stored = hass_storage[f"energy_suite.{entry.entry_id}.alarms"]["data"]
    assert [watch["side"] for watch in stored["watches"].values()] == ["below_low_threshold"]
    before = stored["at"]
    await clock.advance(2 * MINUTE)
    await clock.advance(4 * MINUTE)
    assert hass_storage[f"energy_suite.{entry.entry_id}.alarms"]["data"]["at"] > before
    assert await hass.config_entries.async_unload(entry.entry_id)


async def test_what_is_on_its_way_when_home_assistant_stops_is_stored(hass, hass_storage, site, phone):
    await site.add("recipient", "Anna", ANNA["data"])
    hass.set_state(CoreState.stopping)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    await site.sees(0)
    hass.set_state(CoreState.final_write)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await hass.async_block_till_done()

    stored = hass_storage[f"energy_suite.{site.entry.entry_id}.alarms"]["data"]
    assert [waiting["kind"] for waiting in stored["outbox"]["waiting"]] == ["raised"]
    assert phone.asked == 0
    hass.set_state(CoreState.running)


@everybody
async def test_other_settings_can_be_waited_for(hass, hass_storage, site, phone):
    await site.sees(0)
    await phone.gets(1)
    hass.config_entries.async_update_subentry(
        site.entry, site.subentry("Cellar too cold"), data={**COLD, "low": -5.0, "low_hysteresis": -4.0}
    )
    await site.center.async_configure()
    stored = hass_storage[f"energy_suite.{site.entry.entry_id}.alarms"]["data"]
    assert [track["episode"]["cleared"] is not None for track in stored["tracks"]] == [True]


# --- where a vehicle is ----------------------------------------------------------------------------------------------


@pytest.fixture
def gps(house):
    """A receiver on the GX, in the harbour of Brest."""
    house.gx.add_service(
        "gps", 0, {"/Fix": 1, "/Position/Latitude": 48.38, "/Position/Longitude": -4.48, "/NrOfSatellites": 9}
    )
    return house.gx


@pytest.mark.parametrize("site_subentries", [(ANNA,)], ids=[""])
async def test_leaving_a_geofence_is_told_and_so_is_coming_back(hass, gps, suite, site, phone):
    for about in ("gps", "gx"):
        data = {**HARBOUR, "device": suite.device_id(about), "points": [[48.38, -4.48]], "delay": 0.0, "armed": True}
        await site.add("geofence", about, data)
    await suite.reports()
    assert phone.asked == 0

    gps.set("gps", 0, "/Position/Latitude", 48.40)
    messages = await phone.gets(2)
    assert sorted(message["title"] for message in messages) == [
        "Alarme critique : Géorepérage (gps)",
        "Alarme critique : Géorepérage (gx)",
    ]
    assert messages[0]["message"].startswith("Hors de la zone de géorepérage de 2124\u00a0m, à 48.40000, -4.48000")

    await site.change("gx", data={**site.subentry("gx").data, "armed": False})
    await phone.gets(3)
    gps.set("gps", 0, "/Position/Latitude", 48.38)
    await phone.gets(4)


# --- what people do --------------------------------------------------------------------------------------------------


@everybody
async def test_of_an_acknowledged_alarm_only_the_end_is_told(hass, site, phone):
    await site.sees(0)
    await phone.gets(1)
    (active,) = site.center.active
    await site.center.async_acknowledge(active.episode.tag)
    assert site.center.active[0].acknowledged
    await reload(site)
    assert site.center.active[0].acknowledged
    await site.sees(20)
    await phone.gets(2)


@everybody
async def test_a_snoozed_alarm_rings_again(hass, site, phone, clock):
    await site.sees(0)
    await phone.gets(1)
    tag = site.center.active[0].episode.tag
    await site.center.async_snooze(tag, 600)
    await clock.advance(590)
    await phone.gets(1)
    await clock.advance(11)
    assert phone.titles == ["Avertissement : Cellar too cold"] * 2
    assert (await phone.gets(2))[0]["data"]["tag"] == phone.messages[1]["data"]["tag"]


@everybody
async def test_what_is_not_raised_can_be_neither_acknowledged_nor_snoozed(site):
    for ask in (site.center.async_acknowledge("rule/none/x"), site.center.async_snooze("rule/none/x", 60)):
        with pytest.raises(ServiceValidationError) as info:
            await ask
        assert info.value.translation_key == "unknown_alarm"


@pytest.mark.parametrize("site_subentries", [(ANNA, RULE)], ids=[""])
@pytest.mark.parametrize("site_options", [{"most_messages": 2, "within": 6, "quiet": 24}], ids=[""])
async def test_an_alarm_that_comes_and_goes_falls_silent_until_it_is_quiet_or_somebody_resets_it(site, phone, clock):
    for _ in range(20):
        await site.sees(0)
        await site.sees(20)
    messages = await phone.gets(3)
    assert messages[2]["message"].splitlines()[-1] == (
        "Cette alarme se répète trop souvent. Plus aucun message à son sujet avant 24\u00a0h de calme ou la "
        "réinitialisation de la limitation de fréquence."
    )
    assert len(site.center.log.query()) == 20

    await site.center.async_reset_limits(Context())
    assert (await phone.gets(4))[3]["message"].splitlines()[-1] == ("Les messages au sujet de cette alarme reprennent.")


@everybody
async def test_the_test_goes_to_those_who_were_asked_for_or_to_all(site, phone, mail):
    await site.center.async_test([site.subentry("Ben").subentry_id])
    assert await mail.gets(1) == [{"title": "Test notification", "message": "Energy Suite reaches you here."}]
    assert phone.asked == 0
    await site.center.async_test()
    await mail.gets(2)
    assert gist(await phone.gets(1)) == [("Notification de test", "Energy Suite vous joint ici.")]


# --- what others are told --------------------------------------------------------------------------------------------


@everybody
async def test_others_are_told_of_edges_and_changes_until_they_have_heard_enough(site):
    edges: list[Edge] = []
    changes: list[int] = []
    ends = [
        site.center.async_on_edge(edges.append),
        site.center.async_on_change(lambda: changes.append(len(site.center.active))),
    ]
    await site.sees(0)
    await site.center.async_acknowledge(site.center.active[0].episode.tag)
    await site.sees(20)
    assert [edge.change for edge in edges] == [Change.RAISED, Change.CLEARED]
    assert changes == [1, 1, 0]
    for end in ends:
        end()
    await site.sees(0)
    assert len(edges) == 2


@everybody
async def test_an_alarm_is_described_in_any_language(hass, suite, site):
    raise_alarm(suite, "vebus", "/VebusError", 15)
    await suite.until(lambda: len(site.center.active) == 1)
    (active,) = site.center.active
    french, english = (site.center.describe_active(active, language) for language in ("fr", "en"))
    assert french["text"] != english["text"]
    assert english["cause"] or english["remedy"]
    assert (english["code"], english["key"], english["name"]) == (15, "vebus_error_15", "Onduleur étage")
    assert (english["severity"], english["source"]) == ("critical", "automatic")
    assert english["device"] == suite.device_id("inverter_charger")
    assert english["cleared"] is english["snoozed_until"] is None
    assert (english["acknowledged"], english["silenced"], english["suppressed"]) == (False, False, False)


@everybody
async def test_a_device_that_was_renamed_is_called_by_its_new_name(suite, site, phone, clock):
    suite.devices.async_update_device(suite.device_id("inverter_charger"), name_by_user="Quattro")
    raise_alarm(suite, "vebus", "/Alarms/LowBattery", 2)
    assert (await phone.gets(1))[0]["title"] == "Alarme critique : Batterie basse (Quattro)"


@everybody
async def test_what_is_in_an_area_now_goes_by_the_level_of_the_area(hass, suite, site, phone, clock, area_registry):
    cellar = area_registry.async_create("Cellar")
    hass.config_entries.async_update_entry(site.entry, options={"warnings_from": {"area_id": [cellar.id]}})
    raise_alarm(suite, "vebus", "/Alarms/LowBattery", 1)
    raise_alarm(suite, "vebus", "/Alarms/HighTemperature", 1)
    await suite.until(lambda: len(site.center.active) == 2)
    await clock.advance(61)
    told = phone.asked
    suite.devices.async_update_device(suite.device_id("inverter_charger"), area_id=cellar.id)
    await clock.advance(61)
    await phone.until(lambda: phone.asked > told)


async def test_there_is_no_center_without_a_site(hass, suite):
    assert async_get_center(hass) is None

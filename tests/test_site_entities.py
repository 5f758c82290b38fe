"""The entities of the site: what they show of alarms and rules, and what they switch, without a reload."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from homeassistant.core import Context, Event, HomeAssistant, ServiceCall, callback
from homeassistant.helpers import device_registry as dr
from pytest_homeassistant_custom_component.common import MockUser, async_capture_events, async_mock_service

from custom_components.energy_suite.const import EVENT_ALARM, EVENT_COMMAND
from demo.victron_house import INSTANCES
from tests.conftest import CELLAR, COLD, HARBOUR, POWER_CUT, site_subentry, stored_site_entry


@pytest.fixture
def records(hass: HomeAssistant) -> list[Event]:
    """The records that commands leave."""
    captured: list[Event] = async_capture_events(hass, EVENT_COMMAND)
    return captured


RULE = "Cellar too cold"
cold_and_cut = pytest.mark.parametrize(
    "site_subentries",
    [(site_subentry("alarm_rule", RULE, COLD), site_subentry("alarm_rule", "Power cut", POWER_CUT))],
    ids=[""],
)
without_any = pytest.mark.parametrize("site_subentries", [()], ids=[""])


# --- the device ---------------------------------------------------------------------------------------------------


@without_any
async def test_the_site_is_a_service_with_a_few_entities(hass, site):
    (device,) = dr.async_entries_for_config_entry(dr.async_get(hass), site.entry.entry_id)
    assert device.entry_type is dr.DeviceEntryType.SERVICE
    assert device.name == "Energy Suite site"
    entities = site.registered()
    assert set(entities) == {
        "active_alarms",
        "alarm_edge",
        "highest_severity",
        "monitoring",
        "monitoring_level",
        "reset_limits",
        "test_notification",
    }
    assert all(entity.device_id == device.id and not entity.disabled for entity in entities.values())
    assert len(entities) <= 25


async def test_the_site_has_a_name_in_the_language_of_home_assistant(hass, hass_storage, tmp_path):
    hass.config.language = "fr"
    hass.config.config_dir = str(tmp_path)
    entry = stored_site_entry()
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    (device,) = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    assert device.name == "Site Energy Suite"
    assert await hass.config_entries.async_unload(entry.entry_id)


async def test_what_is_unloaded_is_unavailable_and_comes_back(hass, site):
    assert await hass.config_entries.async_unload(site.entry.entry_id)
    assert {site.state(key) for key in site.registered()} == {"unavailable"}
    assert await hass.config_entries.async_setup(site.entry.entry_id)
    await hass.async_block_till_done()
    assert (site.state("active_alarms"), site.state(site.key(RULE))) == ("0", "off")


# --- what is raised -----------------------------------------------------------------------------------------------


async def test_what_is_raised_is_counted_graded_and_listed(site):
    assert (site.state("active_alarms"), site.state("highest_severity")) == ("0", "none")
    assert site.attributes("active_alarms")["alarms"] == []

    await site.sees(3)

    assert (site.state("active_alarms"), site.state("highest_severity")) == ("1", "warning")
    (alarm,) = site.attributes("active_alarms")["alarms"]
    assert alarm["name"] == RULE
    assert (alarm["source"], alarm["key"], alarm["severity"]) == ("rule", "below_low_threshold", "warning")
    assert alarm["text"]
    assert (alarm["acknowledged"], alarm["snoozed_until"]) == (False, None)

    await site.sees(8)
    assert (site.state("active_alarms"), site.state("highest_severity")) == ("0", "none")


async def test_what_people_did_about_an_alarm_is_listed_as_well(site):
    await site.sees(3)
    (active,) = site.center.active

    await site.center.async_acknowledge(active.episode.tag)
    await site.center.async_snooze(active.episode.tag, 3600)

    (alarm,) = site.attributes("active_alarms")["alarms"]
    assert alarm["acknowledged"] is True
    assert alarm["snoozed_until"] > alarm["started"]


async def test_the_list_is_not_kept_in_the_history(hass, site):
    state = hass.states.get(site.entity_id("active_alarms"))
    assert "alarms" in state.state_info["unrecorded_attributes"]


@cold_and_cut
async def test_a_failure_of_the_grid_counts_once_whoever_reports_it(site):
    await site.sees("lost", "sensor.mains")

    assert (site.state("active_alarms"), site.state("highest_severity")) == ("1", "critical")
    (alarm,) = site.attributes("active_alarms")["alarms"]
    assert (alarm["source"], alarm["key"]) == ("grid", "grid_failure")
    assert alarm["details"] == {"reported_by": ["Power cut"]}


async def test_the_alarm_of_a_device_is_there_too(suite, site):
    suite.gx.set("vebus", INSTANCES["vebus"], "/Alarms/Overload", 2)
    await suite.until(lambda: site.state("active_alarms") == "1")

    (alarm,) = site.attributes("active_alarms")["alarms"]
    assert alarm["device"] == suite.device_id("inverter_charger")
    assert (alarm["name"], alarm["text"], alarm["severity"]) == ("Onduleur étage", "Overload", "critical")
    assert alarm["remedy"]

    suite.gx.set("vebus", INSTANCES["vebus"], "/Alarms/Overload", 0)
    await suite.until(lambda: site.state("active_alarms") == "0")


# --- the event ----------------------------------------------------------------------------------------------------


async def test_every_edge_is_an_event(suite, site):
    assert site.attributes("alarm_edge")["event_types"] == ["raised", "worsened", "cleared"]
    for value, edge, severity in ((1, "raised", "warning"), (2, "worsened", "critical"), (0, "cleared", "critical")):
        suite.gx.set("vebus", INSTANCES["vebus"], "/Alarms/HighTemperature", value)
        await suite.until(lambda edge=edge: site.attributes("alarm_edge").get("event_type") == edge)
        told = site.attributes("alarm_edge")
        assert (told["key"], told["severity"], told["source"]) == ("high_temperature", severity, "automatic")
        assert (told["cleared"] is not None) == (edge == "cleared")


async def test_what_only_eases_is_no_event_but_still_an_alarm(suite, site):
    for value, severity in ((2, "critical"), (1, "warning")):
        suite.gx.set("vebus", INSTANCES["vebus"], "/Alarms/HighTemperature", value)
        await suite.until(lambda severity=severity: site.state("highest_severity") == severity)
    assert site.attributes("alarm_edge")["event_type"] == "raised"


@without_any
async def test_what_was_wrong_before_the_start_is_an_event_once(hass, site):
    await site.sees(3)
    await site.add("alarm_rule", RULE, COLD)
    assert site.attributes("alarm_edge")["event_type"] == "raised"
    raised_at = site.state("alarm_edge")
    edges = async_capture_events(hass, EVENT_ALARM)

    assert await hass.config_entries.async_reload(site.entry.entry_id)
    await hass.async_block_till_done()

    assert not edges
    assert (site.state("alarm_edge"), site.state("active_alarms")) == (raised_at, "1")


# --- a sensor for each rule ---------------------------------------------------------------------------------------


async def test_a_rule_has_a_sensor_that_follows_its_hysteresis(site):
    rule = site.key(RULE)
    assert site.attributes(rule)["device_class"] == "problem"
    assert site.attributes(rule)["friendly_name"] == "Energy Suite site Cellar too cold"
    for value, shown in ((20, "off"), (4.9, "on"), (6.9, "on"), (7, "off"), (5, "off")):
        await site.sees(value)
        assert site.state(rule) == shown, value


async def test_a_rule_that_sees_nothing_does_not_say_that_all_is_well(hass, site):
    rule = site.key(RULE)
    for value, shown in (
        ("unknown", "unknown"),
        ("frozen", "unknown"),
        ("unavailable", "unavailable"),
        (20, "off"),
        (3, "on"),
        ("unknown", "on"),
        ("unavailable", "on"),
        (20, "off"),
    ):
        await site.sees(value)
        assert site.state(rule) == shown, value

    hass.states.async_remove(CELLAR)
    await hass.async_block_till_done()
    assert site.state(rule) == "unavailable"


async def test_a_value_that_changes_nothing_writes_nothing(hass, site):
    entity_id = site.entity_id(site.key(RULE))
    written: list[str] = []

    @callback
    def note(event: Event[Any]) -> None:
        written.append(event.data["entity_id"])

    only: Callable[[Mapping[str, Any]], bool] = callback(lambda data: data["entity_id"] == entity_id)
    for event in ("state_changed", "state_reported"):
        hass.bus.async_listen(event, note, event_filter=only)
    for value in range(10, 30):
        await site.sees(value)
    assert not written
    await site.sees(3)
    assert written == [entity_id]


async def test_a_rule_comes_changes_and_goes_without_a_reload(hass, site):
    center = site.center
    hass.states.async_set("sensor.attic", "45")

    await site.add("alarm_rule", "Attic too hot", {"entity": "sensor.attic", "high": 40.0, "severity": "critical"})
    hot = site.key("Attic too hot")
    entity_id = site.entity_id(hot)
    assert site.state(hot) == "on"
    assert site.attributes(hot)["friendly_name"] == "Energy Suite site Attic too hot"
    assert site.registered()[hot].device_id == site.registered()["active_alarms"].device_id

    await site.change("Attic too hot", title="Attic much too hot")
    assert site.attributes(hot)["friendly_name"] == "Energy Suite site Attic much too hot"

    await site.change("Attic much too hot", data={"entity": CELLAR, "high": 40.0, "severity": "critical"})
    assert site.state(hot) == "off"
    await site.sees("unavailable", "sensor.attic")
    assert site.state(hot) == "off"
    await site.sees("unavailable")
    assert site.state(hot) == "unavailable"
    await site.sees(41)
    assert site.state(hot) == "on"

    await site.remove("Attic much too hot")
    assert hass.states.get(entity_id) is None
    assert hot not in site.registered()
    assert site.state("active_alarms") == "0"
    assert site.state(site.key(RULE)) == "off"
    assert site.center is center


async def test_a_rule_that_went_while_nothing_was_loaded_is_forgotten(hass, site):
    rule, entity_id = site.key(RULE), site.entity_id(site.key(RULE))
    assert await hass.config_entries.async_unload(site.entry.entry_id)
    await site.remove(RULE)
    assert rule in site.registered()

    assert await hass.config_entries.async_setup(site.entry.entry_id)
    await hass.async_block_till_done()

    assert rule not in site.registered()
    assert hass.states.get(entity_id) is None


async def test_a_damaged_rule_is_not_available_until_it_is_mended(site):
    rule = site.key(RULE)
    await site.change(RULE, data={"entity": CELLAR})
    assert site.state(rule) == "unavailable"
    await site.change(RULE, data={"low": 5.0})
    assert site.state(rule) == "unavailable"
    await site.change(RULE, data=dict(COLD))
    assert site.state(rule) == "off"


async def test_a_damaged_rule_goes_like_any_other(site):
    await site.add("alarm_rule", "Damaged", {"entity": CELLAR})
    damaged = site.key("Damaged")
    assert site.state(damaged) == "unavailable"
    await site.remove("Damaged")
    assert damaged not in site.registered()


# --- switches, select and buttons ---------------------------------------------------------------------------------


def recorded(records: list[Event]) -> list[tuple[Any, ...]]:
    return [(each.data["control"], each.data["before"], each.data["to"], each.data["result"]) for each in records]


async def test_monitoring_is_switched_in_the_options_without_a_reload(hass, site, records):
    center, user = site.center, MockUser(is_owner=True).add_to_hass(hass)
    assert site.state("monitoring") == "on"

    await site.call("switch", "turn_off", "monitoring", context=Context(user_id=user.id))
    assert (site.state("monitoring"), site.entry.options) == ("off", {"monitoring": False})
    assert center.engine.settings.telling.level == "off"
    await site.call("switch", "turn_off", "monitoring")
    await site.call("switch", "turn_on", "monitoring")

    assert (site.state("monitoring"), site.entry.options) == ("on", {"monitoring": True})
    assert center.engine.settings.telling.level == "alarms_only"
    assert site.center is center
    assert recorded(records) == [
        ("monitoring", True, False, "applied"),
        ("monitoring", False, False, "unchanged"),
        ("monitoring", False, True, "applied"),
    ]
    assert records[0].context.user_id == user.id
    assert records[0].data["device"] == "Energy Suite site"
    assert records[0].data["device_id"] == site.registered()["monitoring"].device_id


async def test_the_level_is_chosen_in_the_options_without_a_reload(site, records):
    center = site.center
    assert site.state("monitoring_level") == "alarms_only"
    assert site.attributes("monitoring_level")["options"] == ["off", "alarms_only", "warnings_and_alarms"]

    await site.call("select", "select_option", "monitoring_level", option="warnings_and_alarms")

    assert (site.state("monitoring_level"), site.entry.options) == (
        "warnings_and_alarms",
        {"level": "warnings_and_alarms"},
    )
    assert center.engine.settings.telling.level == "warnings_and_alarms"
    assert site.center is center
    assert recorded(records) == [("monitoring_level", "alarms_only", "warnings_and_alarms", "applied")]


@pytest.mark.parametrize("site_options", [{"level": "off"}], ids=[""])
async def test_options_changed_elsewhere_are_shown(hass, site):
    hass.config_entries.async_update_entry(site.entry, options={"level": "off", "monitoring": False})
    await hass.async_block_till_done()
    assert (site.state("monitoring"), site.state("monitoring_level")) == ("off", "off")


async def test_a_geofence_is_armed_in_its_subentry_without_a_reload(site, records):
    center, harbour = site.center, site.key("Harbour")
    assert site.state(harbour) == "off"
    assert site.attributes(harbour)["friendly_name"] == "Energy Suite site Harbour"

    await site.call("switch", "turn_on", harbour)

    assert site.state(harbour) == "on"
    assert site.subentry("Harbour").data == {**HARBOUR, "armed": True}
    (fence,) = center.engine.settings.geofences
    assert fence.armed
    await site.call("switch", "turn_off", harbour)
    assert (site.state(harbour), site.subentry("Harbour").data) == ("off", HARBOUR)
    assert site.center is center
    assert recorded(records) == [("Harbour", False, True, "applied"), ("Harbour", True, False, "applied")]


async def test_a_geofence_comes_and_goes_without_a_reload(hass, site):
    await site.add("geofence", "Yard", {**HARBOUR, "armed": True})
    yard, entity_id = site.key("Yard"), site.entity_id(site.key("Yard"))
    assert site.state(yard) == "on"
    await site.remove("Yard")
    assert hass.states.get(entity_id) is None
    assert yard not in site.registered()


def to_phone(hass: HomeAssistant) -> list[ServiceCall]:
    calls: list[ServiceCall] = async_mock_service(hass, "notify", "phone")
    return calls


told_once = pytest.mark.parametrize(
    "site_subentries",
    [
        (
            site_subentry("alarm_rule", RULE, COLD),
            site_subentry("recipient", "Phone", {"target": "notify.phone", "severities": ["warning", "critical"]}),
        )
    ],
    ids=[""],
)


@told_once
async def test_a_button_sends_a_test_notification(hass, site):
    sent = to_phone(hass)
    assert site.state("test_notification") == "unknown"
    await site.call("button", "press", "test_notification")
    assert len(sent) == 1
    assert site.state("test_notification") != "unknown"


@told_once
@pytest.mark.parametrize("site_options", [{"most_messages": 1}], ids=[""])
async def test_a_button_ends_the_silence_of_an_alarm_that_came_and_went_too_often(hass, site):
    sent = to_phone(hass)
    for value in (3, 20, 3, 20, 3):
        await site.sees(value)
    assert site.center.engine.silenced
    before = len(sent)

    await site.call("button", "press", "reset_limits")

    assert not site.center.engine.silenced
    assert len(sent) == before + 1

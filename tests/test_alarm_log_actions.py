"""The two logs: what goes into them, and how automations and people get it out again."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
import voluptuous as vol
from homeassistant.auth.const import GROUP_ID_ADMIN
from homeassistant.config_entries import ConfigEntryDisabler
from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.components.diagnostics import get_diagnostics_for_config_entry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.energy_suite.const import DOMAIN, EVENT_COMMAND
from tests.conftest import COLD, EVERY_CONTROL, HARBOUR, SiteSuite, recipient, site_subentry
from tests.test_alarms import raise_alarm

pytestmark = pytest.mark.usefixtures("hass_storage")

RULE = site_subentry("alarm_rule", "Cellar", COLD)
PHONE = recipient("Anna", "notify.mobile_app_phone")
ACTIONS: dict[str, dict[str, Any]] = {
    "get_alarm_log": {},
    "export_alarm_log": {},
    "get_event_log": {},
    "acknowledge_alarm": {"tag": "x"},
    "snooze_alarm": {"tag": "x", "duration": {"hours": 1}},
}


async def ask(hass: HomeAssistant, action: str, **data: Any) -> Any:
    return await hass.services.async_call(DOMAIN, action, data, blocking=True, return_response=True)


async def entries(hass: HomeAssistant, **data: Any) -> list[str]:
    """The keys of the alarms that the log answers with."""
    return [entry["key"] for entry in (await ask(hass, "get_alarm_log", **data))["entries"]]


async def events(hass: HomeAssistant, kind: str, **data: Any) -> list[dict[str, Any]]:
    """What the event log answers with, without when it was, the oldest first."""
    await hass.async_block_till_done()
    answer = await ask(hass, "get_event_log", kind=kind, **data)
    return [{key: value for key, value in event.items() if key != "at"} for event in reversed(answer["events"])]


def event(**about: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(("device", "from", "to", "result", "who"))
    return {**nothing, "what": "", **about}


# --- alarms ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("site_subentries", [(RULE,)], ids=[""])
async def test_the_log_holds_every_alarm_with_its_words_and_its_times(hass, suite, site, subtests):
    raise_alarm(suite, "vebus", "/Alarms/LowBattery", 2)
    await suite.shows("inverter_charger", "problem", "on")
    await site.sees(0)
    await site.sees(20)

    rule, automatic = (await ask(hass, "get_alarm_log"))["entries"]
    assert (rule["source"], rule["name"], rule["key"], rule["severity"]) == (
        "rule",
        "Cellar",
        "below_low_threshold",
        "warning",
    )
    assert rule["started"] <= rule["cleared"]
    assert dt_util.parse_datetime(rule["started"], raise_on_error=True).tzinfo is not None
    assert (automatic["source"], automatic["text"]) == ("automatic", "Low battery")
    assert (automatic["device"], automatic["name"]) == (suite.device_id("inverter_charger"), "Onduleur étage")
    assert (automatic["cleared"], automatic["tag"]) == (None, site.center.active[0].episode.tag)

    soon, ago = dt_util.now() + timedelta(hours=1), dt_util.now() - timedelta(hours=1)
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({"source": "rule"}, ["below_low_threshold"]),
        ({"severity": "critical"}, ["low_battery"]),
        ({"severity": "information"}, ["below_low_threshold", "low_battery"]),
        ({"active": True}, ["low_battery"]),
        ({"active": False}, ["below_low_threshold"]),
        ({"device": suite.device_id("inverter_charger")}, ["low_battery"]),
        ({"device": suite.device_id("gx")}, []),
        ({"limit": 1}, ["below_low_threshold"]),
        ({"start": soon.isoformat()}, ["low_battery"]),  # it is raised still
        ({"end": ago.isoformat()}, []),
        (
            {"start": f"{ago:%Y-%m-%d %H:%M:%S}", "end": f"{soon:%Y-%m-%d %H:%M:%S}"},
            ["below_low_threshold", "low_battery"],
        ),
    ]
    for wanted, expected in cases:
        with subtests.test(str(wanted)):
            assert await entries(hass, **wanted) == expected


@pytest.mark.parametrize("site_subentries", [(RULE,)], ids=[""])
async def test_the_log_is_told_in_the_language_of_home_assistant(hass, site):
    hass.config.language = "fr"
    await site.sees(0)
    (entry,) = (await ask(hass, "get_alarm_log"))["entries"]
    assert entry["text"] == "Sous le seuil bas : 0 (seuil 5)"


@pytest.mark.parametrize("site_subentries", [(RULE,)], ids=[""])
@pytest.mark.parametrize(
    ("language", "first", "trigger", "severity"),
    [
        ("en", ["Device", "Triggered by", "Description", "Severity"], "Alarm rule", "Warning"),
        ("fr", ["Appareil", "Déclenchée par", "Description", "Gravité"], "Règle d’alarme", "Avertissement"),
    ],
)
async def test_the_log_is_exported_for_a_spreadsheet(hass, site, language, first, trigger, severity):
    hass.config.language = language
    await site.sees(0)
    await site.sees(20)
    await site.sees(1)
    answer = await ask(hass, "export_alarm_log")
    header, latest, before = csv.reader(io.StringIO(answer["csv"]))
    assert answer["entries"] == 2
    assert header[:4] == first
    assert (before[0], before[1], before[3], before[6]) == ("Cellar", trigger, severity, "0")
    assert latest[5:] == ["", ""]
    assert (await ask(hass, "export_alarm_log", end="2020-01-01 00:00:00"))["entries"] == 0
    # By the filters of the card as well.
    assert (await ask(hass, "export_alarm_log", severity="warning", source="rule", active=True))["entries"] == 1
    assert (await ask(hass, "export_alarm_log", severity="critical"))["entries"] == 0


@pytest.mark.parametrize("site_subentries", [(RULE,)], ids=[""])
async def test_the_log_outlives_a_reload(hass, site):
    await site.sees(0)
    await site.sees(20)
    assert await hass.config_entries.async_reload(site.entry.entry_id)
    assert await entries(hass) == ["below_low_threshold"]


@pytest.mark.parametrize("site_subentries", [(RULE, PHONE)], ids=[""])
async def test_an_alarm_is_acknowledged_and_snoozed_by_its_tag(hass, site, phone):
    await site.sees(0)
    tag = site.center.active[0].episode.tag
    await hass.auth.async_create_user("Owner")
    user = await hass.auth.async_create_user("Anna")
    context = Context(user_id=user.id)
    call = hass.services.async_call
    await call(DOMAIN, "acknowledge_alarm", {"tag": tag}, blocking=True, context=context)
    assert site.center.active[0].acknowledged
    await call(DOMAIN, "snooze_alarm", {"tag": tag, "duration": {"minutes": 5}}, blocking=True, context=context)
    assert site.center.active[0].snoozed_until is not None

    about = {"name": "Cellar", "what": tag, "who": "Anna"}
    assert await events(hass, "alarm_acknowledged") == [event(kind="alarm_acknowledged", **about)]
    assert await events(hass, "alarm_snoozed") == [event(kind="alarm_snoozed", to=300.0, **about)]
    await hass.auth.async_remove_user(user)
    assert (await events(hass, "alarm_snoozed"))[0]["who"] == user.id


@pytest.mark.parametrize("site_subentries", [(RULE,)], ids=[""])
@pytest.mark.parametrize(
    "duration", [{"days": 9_000_000}, {"days": 31}, {"hours": 1e300}, {"hours": "inf"}, "inf", -5, {"minutes": -5}]
)
async def test_a_snooze_without_a_sensible_end_is_refused(hass, site, duration):
    await site.sees(0)
    tag = site.center.active[0].episode.tag
    with pytest.raises(vol.Invalid):
        await hass.services.async_call(DOMAIN, "snooze_alarm", {"tag": tag, "duration": duration}, blocking=True)
    assert site.center.active[0].snoozed_until is None


@pytest.mark.parametrize("site_subentries", [()], ids=[""])
async def test_an_alarm_that_is_not_raised_is_refused_by_its_tag(hass, site):
    for action in ("acknowledge_alarm", "snooze_alarm"):
        with pytest.raises(ServiceValidationError) as info:
            await hass.services.async_call(DOMAIN, action, ACTIONS[action], blocking=True)
        assert info.value.translation_key == "unknown_alarm"


async def test_without_a_site_the_actions_say_so(hass, subtests):
    assert await async_setup_component(hass, DOMAIN, {})
    await hass.async_block_till_done()
    for action, data in ACTIONS.items():
        with subtests.test(action), pytest.raises(ServiceValidationError) as info:
            await hass.services.async_call(
                DOMAIN, action, data, blocking=True, return_response=action.startswith(("get", "export"))
            )
        assert info.value.translation_key == "site_not_set_up"


@pytest.mark.parametrize("site_subentries", [()], ids=[""])
async def test_what_is_no_filter_is_refused(hass, site):
    for data in (
        {"severity": "terrible"},
        {"source": "gossip"},
        {"start": "yesterday"},
        {"limit": 0},
        {"colour": "red"},
    ):
        with pytest.raises(vol.Invalid):
            await ask(hass, "get_alarm_log", **data)


# --- events ----------------------------------------------------------------------------------------------------------

nothing_yet = pytest.mark.parametrize("site_subentries", [(RULE,)], ids=[""])


@nothing_yet
@pytest.mark.parametrize("options", [{**EVERY_CONTROL, "interval": 3600}], ids=[""])
async def test_a_command_is_kept_with_who_gave_it_and_what_became_of_it(hass, suite, site):
    user = await hass.auth.async_create_user("Ben")
    entity_id = suite.entity_id("ev_charger", "charging")
    before = suite.state("ev_charger", "charging")
    await hass.services.async_call(
        "switch",
        "turn_off" if before == "on" else "turn_on",
        {"entity_id": entity_id},
        blocking=True,
        context=Context(user_id=user.id),
    )
    (kept,) = await events(hass, "command")
    assert kept == event(
        kind="command",
        device=suite.device_id("ev_charger"),
        name="Borne du garage",
        what="charging",
        result="applied",
        who="Ben",
        **{"from": before, "to": "off" if before == "on" else "on"},
    )
    assert await events(hass, "command", device=suite.device_id("gx")) == []


@nothing_yet
async def test_a_changed_setting_is_kept_and_of_a_secret_only_that_it_changed(hass, suite, card_suite, site):
    update = hass.config_entries.async_update_entry
    update(
        suite.entry, options={**suite.entry.options, "health_checks": {"silence": 48}, "enabled_controls": ["a", "b"]}
    )
    update(suite.entry, data={**suite.entry.data, "devices": [*suite.entry.data["devices"]]})
    update(card_suite.entry, data={**card_suite.entry.data, "community": "my own", "host": "10.1.2.3"})
    await site.change("Cellar", data={**COLD, "low": 3.5})
    await site.add("recipient", "Anna", {"target": "notify.mail"})
    await site.remove("Anna")
    update(site.entry, options={"monitoring": False})

    kept = await events(hass, "setting")
    assert kept == [
        event(kind="setting", name="Victron GX", what="health_checks.silence", to=48),
        event(kind="setting", name="Victron GX", what="enabled_controls", to="a, b"),
        event(kind="setting", name="NET VISION", what="host"),
        event(kind="setting", name="NET VISION", what="community"),
        event(kind="setting", name="Cellar", what="low", to=3.5, **{"from": 5.0}),
        event(kind="setting", name="Anna", what="recipient", to="Anna"),
        event(kind="setting", name="Anna", what="target", to="notify.mail"),
        event(kind="setting", name="Anna", what="recipient", **{"from": "Anna"}),
        event(kind="setting", name="Anna", what="target", **{"from": "notify.mail"}),
        event(kind="setting", name="Energy Suite site", what="monitoring", to="off"),
    ]


@nothing_yet
async def test_gateways_that_come_and_go_are_kept(hass, suite, site):
    await hass.config_entries.async_remove(suite.entry.entry_id)
    suite.entry.add_to_hass(hass)
    await hass.config_entries.async_setup(suite.entry.entry_id)
    assert await events(hass, "setting") == [
        event(kind="setting", name="Victron GX", what="entry", **{"from": "Victron GX"}),
        event(kind="setting", name="Victron GX", what="entry", to="Victron GX"),
    ]


@nothing_yet
async def test_new_firmware_is_kept(hass, suite, site):
    device_id = suite.device_id("gx")
    before = suite.devices.async_get(device_id).sw_version
    suite.devices.async_update_device(device_id, sw_version="v9.99")
    suite.devices.async_update_device(device_id, name_by_user="Cerbo")
    assert await events(hass, "firmware") == [
        event(
            kind="firmware",
            device=device_id,
            name="Victron GX",
            what="firmware",
            to="v9.99",
            **{"from": before},
        )
    ]


@nothing_yet
async def test_a_connection_that_is_lost_and_found_is_kept_and_one_that_is_unloaded_is_not(hass, suite, site):
    assert await hass.config_entries.async_reload(suite.entry.entry_id)
    await hass.config_entries.async_set_disabled_by(suite.entry.entry_id, ConfigEntryDisabler.USER)
    await hass.config_entries.async_set_disabled_by(suite.entry.entry_id, None)
    await suite.reports()
    assert await events(hass, "connection_lost") == []

    suite.gx.stop()
    await suite.until(lambda: not suite.entry.runtime_data.main.data.available)
    assert await events(hass, "connection_lost") == [event(kind="connection_lost", name="Victron GX")]
    assert await events(hass, "connection_found") == []
    await suite.gx.start()
    await suite.until(lambda: suite.entry.runtime_data.main.data.available)
    assert await events(hass, "connection_found") == [event(kind="connection_found", name="Victron GX")]


@nothing_yet
async def test_what_the_buttons_do_is_kept(hass, site):
    await site.center.async_test()
    await site.center.async_reset_limits()
    assert [each["what"] for each in await events(hass, "command")] == ["test_notification", "reset_limits"]
    assert len((await ask(hass, "get_event_log", limit=1))["events"]) == 1


def command(hass: HomeAssistant, to: float, **about: Any) -> None:
    """Leave the record of a command, as a device's control does."""
    record = {"device_id": "gx", "device": "GX", "control": "grid_setpoint", "before": to - 1, "to": to}
    user = about.pop("user", None)
    hass.bus.async_fire(EVENT_COMMAND, {**record, "result": "applied", **about}, context=Context(user_id=user))


@nothing_yet
async def test_a_control_that_is_moved_on_and_on_leaves_one_line_and_nothing_where_it_stays(hass, site):
    for to in range(1, 11):
        command(hass, float(to))
    command(hass, 10.0, result="unchanged")
    command(hass, 11.0, user="Anna")
    command(hass, 12.0, control="power", user="Anna")
    command(hass, 13.0, result="not_available")
    told = [(each["what"], each["from"], each["to"], each["result"]) for each in await events(hass, "command")]
    assert told == [
        ("grid_setpoint", 0.0, 10.0, "applied"),
        ("grid_setpoint", 10.0, 11.0, "applied"),
        ("power", 11.0, 12.0, "applied"),
        ("grid_setpoint", 12.0, 13.0, "not_available"),
    ]
    command(hass, 14.0)
    assert len(await events(hass, "command")) == 5


@nothing_yet
async def test_what_happens_within_a_minute_goes_to_the_disk_at_once(hass, site, clock, monkeypatch):
    written: list[int] = []
    write = site.center.events.write

    def count(lines: list[Any], now: float) -> None:
        written.append(len(lines))
        write(lines, now)

    monkeypatch.setattr(site.center.events, "write", count)
    for number in range(5):
        command(hass, 1.0, control=f"control_{number}")
    await hass.async_block_till_done()
    assert written == []
    await clock.advance(61)
    assert written == [5]
    command(hass, 1.0)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await hass.async_block_till_done()
    assert written == [5, 1]


@pytest.mark.parametrize(
    "site_subentries", [(site_subentry("geofence", "Harbour", {**HARBOUR, "armed": True}),)], ids=[""]
)
async def test_what_a_switch_of_the_site_changes_is_kept_once(hass, site):
    await site.call("switch", "turn_off", "monitoring")
    await site.call("select", "select_option", "monitoring_level", option="off")
    await site.call("switch", "turn_off", site.key("Harbour"))
    assert [each["what"] for each in await events(hass, "command")] == ["monitoring", "monitoring_level", "Harbour"]
    assert await events(hass, "setting") == []

    hass.config_entries.async_update_entry(site.entry, options={"monitoring": True})
    assert [each["what"] for each in await events(hass, "setting")] == ["monitoring", "level"]


@nothing_yet
async def test_who_gave_a_command_is_told_by_name_to_administrators_and_to_themselves(hass, site):
    owner, anna, ben = [await hass.auth.async_create_user(name) for name in ("Owner", "Anna", "Ben")]
    admin = await hass.auth.async_create_user("Admin", group_ids=[GROUP_ID_ADMIN])
    for user in (anna, ben):
        command(hass, 1.0, user=user.id)
    for asker, names in (
        (None, ["Anna", "Ben"]),
        (owner, ["Anna", "Ben"]),
        (admin, ["Anna", "Ben"]),
        (anna, ["Anna", ben.id]),
    ):
        answer = await hass.services.async_call(
            DOMAIN,
            "get_event_log",
            {},
            blocking=True,
            return_response=True,
            context=Context(user_id=asker and asker.id),
        )
        assert [each["who"] for each in reversed(answer["events"])] == names


@nothing_yet
async def test_an_event_log_that_cannot_be_written_is_caught_up(hass, site, monkeypatch, caplog):
    write = site.center.events.write

    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(site.center.events, "write", fail)
    await site.center.async_test()
    await site.center.async_test()
    assert await events(hass, "command") == []
    assert caplog.text.count("The event log cannot be written (No space left on device)") == 1
    monkeypatch.setattr(site.center.events, "write", write)
    await site.center.async_test()
    assert len(await events(hass, "command")) == 3


# --- the entry of the site beside those of gateways ------------------------------------------------------------------


@pytest.mark.parametrize(
    "site_subentries",
    [(RULE, PHONE, site_subentry("geofence", "Boat", {"device": "d", "shape": "circle", "points": [[48.1, -4.1]]}))],
    ids=[""],
)
async def test_the_diagnostics_of_the_site_tell_neither_who_is_told_nor_where_a_boat_is(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, site: SiteSuite
):
    await site.sees(0)
    assert await async_setup_component(hass, "diagnostics", {})
    told = await get_diagnostics_for_config_entry(hass, hass_client, site.entry)
    assert [alarm["key"] for alarm in told["alarms"]["active"]] == ["below_low_threshold"]
    assert told["alarms"]["damaged_lines"] == {"alarm_log": 0, "event_log": 0}
    for secret in ("mobile_app_phone", "48.1", site.entry.data["uid"]):
        assert secret not in str(told)

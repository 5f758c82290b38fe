"""Messages on their way to people, and what they answer."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from homeassistant.core import Context, CoreState, HomeAssistant, ServiceCall
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.energy_suite.alarms import center, sending
from custom_components.energy_suite.alarms.messages import described, duration, message_of, moment
from custom_components.energy_suite.alarms.sending import EVENT_REPLY, companion_data
from custom_components.energy_suite.const import DOMAIN
from custom_components.energy_suite.gateways.base import Alarm, Severity
from custom_components.energy_suite.site.alarms.communication import LOST
from custom_components.energy_suite.site.alarms.episodes import Episode, Source
from custom_components.energy_suite.site.alarms.episodes import Severity as SiteSeverity
from custom_components.energy_suite.site.alarms.geofence import LEFT_AREA, POSITION_LOST
from custom_components.energy_suite.site.alarms.grid import GRID_FAILURE
from custom_components.energy_suite.site.alarms.notifications import Kind, Notification
from custom_components.energy_suite.site.alarms.rules import Side
from custom_components.energy_suite.texts import TEXTS, alarm_texts
from tests.conftest import COLD, SiteSuite, recipient, site_subentry

pytestmark = pytest.mark.usefixtures("hass_storage")

RULE = site_subentry("alarm_rule", "Cellar", COLD)
CRITICAL = site_subentry("alarm_rule", "Cellar", {**COLD, "severity": "critical"})
PHONE = recipient("Anna", "notify.mobile_app_phone")
MAIL = recipient("Ben", "notify.mail")


def subentries(*those: Any) -> Any:
    return pytest.mark.parametrize("site_subentries", [those], ids=[""])


def tag(site: SiteSuite) -> str:
    return f"rule/{site.subentry('Cellar').subentry_id}/below_low_threshold"


async def reply(site: SiteSuite, action: str, context: Context | None = None) -> None:
    site.hass.bus.async_fire(EVENT_REPLY, {"action": action}, context=context)
    await site.hass.async_block_till_done()


# --- phones ----------------------------------------------------------------------------------------------------------


@subentries(PHONE, RULE)
async def test_a_phone_gets_one_message_for_an_alarm_with_buttons_as_long_as_it_is_raised(site, phone):
    await site.sees(0)
    await site.sees(20)
    raised, cleared = (message["data"] for message in await phone.gets(2))
    assert raised["tag"] == cleared["tag"]
    assert len(raised["tag"].encode()) <= 64
    assert raised["actions"] == [
        {"action": f"energy_suite.acknowledge:{tag(site)}", "title": "Acknowledge"},
        {"action": f"energy_suite.snooze:{tag(site)}", "title": "Snooze for 1\u00a0h"},
    ]
    assert "actions" not in cleared
    for data in (raised, cleared):
        assert data["channel"] == "Alarms"
        assert data["url"] == data["clickAction"] == "/energy-suite/alarms"
        assert not {"push", "importance", "ttl", "priority"} & data.keys()


@subentries(PHONE, CRITICAL)
async def test_a_phone_makes_itself_heard_for_what_is_critical_and_not_for_its_end(site, phone):
    await site.sees(0)
    await site.sees(20)
    raised, cleared = (message["data"] for message in await phone.gets(2))
    assert raised["push"]["sound"] == {"name": "default", "critical": 1, "volume": 1.0}
    assert (raised["importance"], raised["ttl"], raised["priority"]) == ("high", 0, "high")
    assert (raised["channel"], cleared["channel"]) == ("Critical alarms", "Alarms")
    assert not {"push", "importance", "ttl", "priority"} & cleared.keys()


@subentries(recipient("Anna", "notify.phone"), RULE)
async def test_a_phone_that_was_chosen_by_its_entity_gets_buttons_all_the_same(hass, site, phone):
    entry = MockConfigEntry(domain="mobile_app", data={"device_name": "Phone"})
    entry.add_to_hass(hass)
    registry = er.async_get(hass)
    registry.async_get_or_create(
        "notify", "mobile_app", "x", suggested_object_id="phone", config_entry=entry, original_name="Phone"
    )
    hass.states.async_set("notify.phone", "unknown", {"supported_features": 1})
    await site.sees(0)
    (message,) = await phone.gets(1)
    assert message["data"]["actions"]


@subentries(PHONE, RULE)
async def test_the_buttons_acknowledge_and_snooze_and_it_is_kept_who_pressed_them(hass, site, phone, clock):
    user = await hass.auth.async_create_user("Anna")
    await site.sees(0)
    for message in await phone.gets(1):
        acknowledge, snooze = (button["action"] for button in message["data"]["actions"])

    await reply(site, snooze, Context(user_id=user.id))
    assert site.center.active[0].snoozed_until == pytest.approx(clock.now() + 3600, abs=60)
    await reply(site, acknowledge, Context(user_id=user.id))
    assert site.center.active[0].acknowledged
    await site.center.feed.async_flush()
    events = site.center.events.query()
    assert [(event.kind, event.what, event.to, event.who, event.name) for event in events] == [
        ("alarm_acknowledged", tag(site), None, user.id, "Cellar"),
        ("alarm_snoozed", tag(site), 3600, user.id, "Cellar"),
    ]


@subentries(PHONE, RULE)
async def test_answers_that_are_for_others_or_too_late_do_nothing(site, phone):
    await site.sees(0)
    await phone.gets(1)
    for action in ("OPEN_GARAGE", "energy_suite.acknowledge:rule/none/x", "energy_suite.snooze:rule/none/x"):
        await reply(site, action)
    (active,) = site.center.active
    assert (active.acknowledged, active.snoozed_until) == (False, None)
    assert site.center.events.query() == []


# --- others ----------------------------------------------------------------------------------------------------------


@subentries(MAIL, RULE)
async def test_another_service_gets_title_and_text_alone_and_the_name_in_both(site, mail):
    await site.sees(0)
    (message,) = await mail.gets(1)
    assert set(message) == {"title", "message"}
    assert message["title"] == "Warning: Cellar"
    assert message["message"].startswith("Cellar – Below the low threshold: 0 (threshold 5)\nSince ")


@pytest.fixture
def entity_messages(hass: HomeAssistant) -> list[dict[str, Any]]:
    """What is sent to notify entities."""
    messages: list[dict[str, Any]] = []

    async def take(call: ServiceCall) -> None:
        messages.append(dict(call.data))

    hass.services.async_register("notify", "send_message", take)
    return messages


@subentries(recipient("Ben", "notify.tablet"), RULE)
async def test_an_entity_gets_the_title_where_it_takes_one_and_above_the_text_where_not(hass, site, entity_messages):
    hass.states.async_set("notify.tablet", "unknown", {"supported_features": 1})
    await site.sees(0)
    hass.states.async_set("notify.tablet", "unknown", {"supported_features": 0})
    await site.sees(20)

    raised, cleared = entity_messages
    assert (raised["entity_id"], raised["title"]) == ("notify.tablet", "Warning: Cellar")
    assert raised["message"].startswith("Below the low threshold")
    assert set(cleared) == {"entity_id", "message"}
    assert cleared["message"].startswith("Cleared: Cellar\nBelow the low threshold")


@subentries(recipient("Ben", "notify.tablet"), RULE)
async def test_an_entity_that_is_not_available_is_waited_for(hass, site, entity_messages, clock):
    hass.states.async_set("notify.tablet", "unavailable", {"supported_features": 1})
    await site.sees(0)
    assert entity_messages == []
    hass.states.async_set("notify.tablet", "unknown", {"supported_features": 1})
    await clock.advance(31)
    assert len(entity_messages) == 1


@subentries(PHONE, recipient("Ben", "notify.mail", severities=["critical"]), RULE)
async def test_somebody_who_wants_critical_alarms_alone_gets_no_others(site, phone, mail):
    await site.sees(0)
    await phone.gets(1)
    assert mail.asked == 0


# --- what does not arrive --------------------------------------------------------------------------------------------


@subentries(PHONE, RULE)
async def test_what_could_not_be_sent_is_tried_again_as_it_is_by_then_and_logged_once(site, phone, clock, caplog):
    phone.broken = HomeAssistantError("the token of example.org is secret")
    await site.sees(0)
    await phone.until(lambda: phone.asked == 1)
    await clock.advance(31)
    await phone.until(lambda: phone.asked == 2)
    await site.sees(20)
    assert phone.asked == 2
    assert caplog.text.count("A message to Anna could not be sent (HomeAssistantError); it is tried again") == 1
    assert "example.org" not in caplog.text

    phone.broken = None
    await clock.advance(61)
    assert [message["title"] for message in await phone.gets(1)] == ["Cleared: Cellar"]
    assert caplog.text.count("Messages to Anna are sent again") == 1


@subentries(PHONE, MAIL, RULE)
async def test_somebody_whose_service_hangs_holds_up_nobody_else(hass, site, phone, mail, monkeypatch, clock):
    monkeypatch.setattr(sending, "TIMEOUT", 0.05)
    begun = asyncio.Event()

    async def hang(_: ServiceCall) -> None:
        begun.set()
        await asyncio.Event().wait()

    hass.services.async_register("notify", "mobile_app_phone", hang)
    await site.sees(0)
    await site.sees(20)
    await mail.gets(2)
    await asyncio.wait_for(begun.wait(), 5)

    phone.register()
    await asyncio.gather(*site.center._sending)
    await clock.advance(31)
    assert [message["title"] for message in await phone.gets(1)] == ["Cleared: Cellar"]


@subentries(PHONE, RULE)
async def test_a_message_that_cannot_be_put_into_words_is_tried_again_and_silences_nobody(
    site, phone, clock, monkeypatch, caplog
):
    make, made = message_of, []

    def fail_once(*args: Any, **words: Any) -> Any:
        made.append(args)
        if len(made) == 1:
            raise KeyError("a secret")
        return make(*args, **words)

    monkeypatch.setattr(center, "message_of", fail_once)
    await site.sees(0)
    assert phone.asked == 0
    assert caplog.text.count("A message to Anna could not be sent (KeyError); it is tried again") == 1
    assert "a secret" not in caplog.text
    await clock.advance(31)
    assert [message["title"] for message in await phone.gets(1)] == ["Warning: Cellar"]
    await site.sees(20)
    await phone.gets(2)


@subentries(PHONE, RULE)
async def test_while_the_state_cannot_be_stored_messages_wait_and_no_action_fails(
    site, phone, clock, monkeypatch, caplog
):
    save = site.center._store.async_save

    async def fail(_: Any) -> None:
        raise OSError(30, "Read-only file system", "/config/secret")

    monkeypatch.setattr(site.center._store, "async_save", fail)
    await site.center.async_test()
    await site.sees(0)
    await site.center.async_acknowledge(tag(site))
    assert phone.asked == 0
    assert caplog.text.count("The state of the alarms cannot be stored (Read-only file system)") == 1
    assert "secret" not in caplog.text
    monkeypatch.setattr(site.center._store, "async_save", save)
    await clock.advance(61)
    assert [message["title"] for message in await phone.gets(2)] == ["Test notification", "Warning: Cellar"]


@subentries(recipient("Ben", "notify.tablet"), recipient("Anna", "notify.phone"), RULE)
async def test_a_recipient_stays_with_their_entity_when_that_gets_another_id(hass, site, entity_messages):
    registry = er.async_get(hass)
    for name in ("tablet", "phone"):
        registry.async_get_or_create("notify", "demo", name, suggested_object_id=name)
        hass.states.async_set(f"notify.{name}", "unknown", {"supported_features": 1})
    hass.services.async_register("notify", "phone", lambda _: None)
    registry.async_update_entity("notify.tablet", new_entity_id="notify.kitchen")
    registry.async_update_entity("notify.phone", new_entity_id="notify.hall")
    await hass.async_block_till_done()
    targets = [site.subentry(name).data["target"] for name in ("Ben", "Anna")]
    assert targets == ["notify.kitchen", "notify.phone"]  # what is a service as well is one still
    hass.states.async_set("notify.kitchen", "unknown", {"supported_features": 1})
    await site.sees(0)
    assert [message["entity_id"] for message in entity_messages] == ["notify.kitchen"]


def gone(hass: HomeAssistant) -> list[dict[str, str]]:
    """The placeholders of the repairs about targets."""
    return [
        dict(issue.translation_placeholders or {})
        for (domain, issue_id), issue in ir.async_get(hass).issues.items()
        if domain == DOMAIN and issue_id.startswith("recipient_target_gone_")
    ]


@subentries(PHONE, MAIL, RULE)
async def test_a_target_that_does_not_exist_is_a_repair_until_it_does(hass, mail, site, clock):
    assert gone(hass) == [{"name": "Anna", "target": "notify.mobile_app_phone"}]
    hass.services.async_register("notify", "mobile_app_phone", lambda _: None)
    await clock.advance(61)
    assert gone(hass) == []
    mail.remove()
    await clock.advance(61)
    assert gone(hass) == [{"name": "Ben", "target": "notify.mail"}]
    await site.remove("Ben")
    assert gone(hass) == []


@subentries(PHONE, RULE)
async def test_a_target_that_came_to_be_gets_what_waited_for_it(site, phone, clock):
    phone.remove()
    await site.sees(0)
    phone.register()
    await clock.advance(31)
    await phone.gets(1)


async def test_while_everything_is_being_set_up_no_target_is_missed(hass, hass_storage, tmp_path, clock):
    hass.config.config_dir = str(tmp_path)
    hass.set_state(CoreState.starting)
    entry = MockConfigEntry(
        domain=DOMAIN,
        data={"gateway": "site", "uid": "1", "devices": []},
        subentries_data=[PHONE],
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await clock.advance(61)
    assert gone(hass) == []
    hass.set_state(CoreState.running)
    await clock.advance(61)
    assert len(gone(hass)) == 1
    assert await hass.config_entries.async_unload(entry.entry_id)


@subentries(PHONE, RULE)
async def test_nothing_is_sent_any_more_while_home_assistant_stops(hass, hass_storage, site, phone):
    hass.set_state(CoreState.stopping)
    await site.sees(0)
    assert phone.asked == 0
    hass.set_state(CoreState.running)
    assert await hass.config_entries.async_reload(site.entry.entry_id)
    await phone.gets(1)


# --- quiet hours -----------------------------------------------------------------------------------------------------


def hours(start: timedelta, end: timedelta) -> dict[str, str]:
    """Quiet hours around now."""
    now = dt_util.now().replace(second=0, microsecond=0)
    return {"quiet_from": f"{now + start:%H:%M:%S}", "quiet_to": f"{now + end:%H:%M:%S}"}


QUIET = recipient("Anna", "notify.mobile_app_phone")


async def test_quiet_hours_hold_back_what_is_not_critical(hass, site, phone, clock):
    data = {**QUIET["data"], **hours(timedelta(hours=-1), timedelta(hours=1))}
    await site.add("recipient", "Anna", data)
    await site.add("alarm_rule", "Cellar", COLD)
    await site.add("alarm_rule", "Pipes", {**COLD, "severity": "critical"})
    await site.sees(0)
    assert [message["title"] for message in await phone.gets(1)] == ["Critical alarm: Pipes"]
    await clock.advance(3600)
    assert "Warning: Cellar" in [message["title"] for message in phone.messages]


# --- the texts -------------------------------------------------------------------------------------------------------

OWN = {
    Source.RULE: [side.value for side in Side],
    Source.COMMUNICATION: [LOST],
    Source.GEOFENCE: [LEFT_AREA, POSITION_LOST],
    Source.GRID: [GRID_FAILURE],
}
DETAILS = {
    "value": 11.84,
    "threshold": 12.0,
    "state": "inverting",
    "latitude": 48.123456,
    "longitude": -4.5,
    "reported_by": ["GX", "UPS"],
}


def episode(source: Source, key: str, **about: Any) -> Episode:
    return Episode(
        **{
            "number": 1,
            "source": source,
            "subject": "s",
            "key": key,
            "severity": SiteSeverity.WARNING,
            "started": 1_800_000_000.0,
            "details": DETAILS,
            **about,
        }
    )


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_alarm_of_the_site_has_words_with_its_numbers(language, subtests):
    for source, names in OWN.items():
        for key in names:
            with subtests.test(key):
                texts = described(language, episode(source, key), unit="V")
                assert texts["text"] != key
                assert "{" not in " ".join(texts.values())
                assert "…" not in texts["text"]


def test_numbers_are_written_as_people_write_them():
    low = episode(Source.RULE, "below_low_threshold")
    assert described("en", low, unit="V")["text"] == "Below the low threshold: 11.84\u00a0V (threshold 12\u00a0V)"
    assert described("fr", low)["text"] == "Sous le seuil bas : 11,84 (seuil 12)"
    away = episode(Source.GEOFENCE, LEFT_AREA, details={**DETAILS, "value": 2123.7})
    assert described("en", away)["text"] == "Outside the geofence by 2124\u00a0m, at 48.12346, -4.50000"


def test_what_is_not_known_is_a_gap():
    assert described("en", episode(Source.RULE, "armed_state", details={}))["text"] == "State: …"


@pytest.mark.parametrize(
    ("seconds", "english", "french"),
    [
        (0.4, "0\u00a0s", "0\u00a0s"),
        (59, "59\u00a0s", "59\u00a0s"),
        (60, "1\u00a0min", "1\u00a0min"),
        (3600 + 5 * 60, "1\u00a0h 05\u00a0min", "1\u00a0h 05\u00a0min"),
        (2 * 86400 + 4 * 3600, "2\u00a0d 4\u00a0h", "2\u00a0j 4\u00a0h"),
    ],
)
def test_how_long_it_lasted_is_said_in_two_units(seconds, english, french):
    assert (duration("en", seconds), duration("fr", seconds)) == (english, french)


@pytest.mark.parametrize(
    ("at", "english", "french"),
    [
        (datetime(2027, 1, 15, 8, 0, tzinfo=UTC), "08:00", "08:00"),
        (datetime(2027, 1, 1, 23, 59, tzinfo=UTC), "1 January, 23:59", "1er janvier à 23:59"),
        (datetime(2026, 8, 14, 7, 5, tzinfo=UTC), "14 August 2026, 07:05", "14 août 2026 à 07:05"),
    ],
)
def test_a_moment_is_said_with_as_much_of_its_date_as_is_needed(at, english, french):
    now = datetime(2027, 1, 15, 20, 0, tzinfo=UTC)
    assert (moment("en", at, now), moment("fr", at, now)) == (english, french)


def message(language: str, kind: Kind, about: Episode | None) -> list[str]:
    sent = message_of(
        language,
        Notification(number=1, recipient="r", kind=kind, at=0, episode=about),
        name="Cellar",
        unit="°C",
        now=datetime(2027, 1, 15, 20, 0, tzinfo=UTC),
        quiet=86400,
    )
    return [sent.title, *sent.body.splitlines()]


def test_every_kind_of_message_says_what_it_is_about():
    raised = episode(Source.RULE, "below_low_threshold")
    cleared = episode(Source.RULE, "below_low_threshold", cleared=1_800_000_090.0)
    assert message("en", Kind.RAISED, raised)[0] == "Warning: Cellar"
    assert message("en", Kind.WORSENED, raised)[0] == "Warning, worse: Cellar"
    assert message("fr", Kind.WORSENED, raised)[0] == "Avertissement, aggravation : Cellar"
    assert message("en", Kind.CLEARED, cleared) == [
        "Cleared: Cellar",
        "Below the low threshold: 11.84\u00a0°C (threshold 12\u00a0°C)",
        "From 08:00 until 08:01 (1\u00a0min)",
    ]
    assert message("en", Kind.RESUMED, cleared)[0] == "Cleared: Cellar"
    assert message("en", Kind.RESUMED, raised)[-1] == "Messages about this alarm are sent again."
    assert "24\u00a0h" in message("en", Kind.LAST_BEFORE_SILENCE, raised)[-1]
    assert message("fr", Kind.TEST, None) == ["Notification de test", "Energy Suite vous joint ici."]


def test_a_test_message_has_no_buttons():
    test = Notification(number=1, recipient="r", kind=Kind.TEST, at=0, episode=None)
    told = message_of("en", test, name="", unit="", now=datetime(2027, 1, 15, tzinfo=UTC), quiet=1)
    assert set(companion_data(test, told)) == {"tag", "group", "channel", "url", "clickAction"}


def test_two_maps_may_call_alarms_of_their_own_the_same():
    one, other = (Alarm("own", Severity.WARNING, texts={"en": {"text": text}}) for text in ("One", "Other"))
    assert (alarm_texts("en", one)["text"], alarm_texts("fr", other)["text"]) == ("One", "Other")


def test_every_text_of_the_alarms_is_in_both_languages():
    english, french = (
        {
            key: {kind: sorted(set(text.split("{")[1:]) and [part.split("}")[0] for part in text.split("{")[1:]])}
            for key, texts in TEXTS[language].items()
            if key.startswith("message_") or any(key in names for names in OWN.values())
            for kind, text in texts.items()
        }
        for language in ("en", "fr")
    )
    assert english == french
    assert len(english) > 30

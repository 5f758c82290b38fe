"""What the card is told and may ask for."""

from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.typing import MockHAClientWebSocket, WebSocketGenerator

from custom_components.energy_suite.const import DOMAIN
from tests.conftest import COLD, SiteSuite, site_subentry
from tests.test_alarms import raise_alarm

pytestmark = pytest.mark.usefixtures("hass_storage")

RULE = site_subentry("alarm_rule", "Cellar", COLD)
a_rule = pytest.mark.parametrize("site_subentries", [(RULE,)], ids=[""])


async def ask(client: MockHAClientWebSocket, command: str, **data: Any) -> Any:
    """The answer to a command."""
    await client.send_json_auto_id({"type": f"{DOMAIN}/alarms/{command}", **data})
    answer = await client.receive_json()
    assert answer["type"] == "result"
    return answer


async def told(client: MockHAClientWebSocket) -> Any:
    """What a subscription tells next."""
    message = await client.receive_json()
    assert message["type"] == "event"
    return message["event"]


def gist(event: Any) -> list[tuple[str, str, bool]]:
    return [(alarm["name"], alarm["text"], alarm["acknowledged"]) for alarm in event["active"]]


@a_rule
async def test_the_card_is_told_what_is_raised_and_of_every_change(
    hass: HomeAssistant, hass_ws_client: WebSocketGenerator, site: SiteSuite
):
    client = await hass_ws_client(hass)
    assert (await ask(client, "subscribe", language="fr"))["success"]
    assert await told(client) == {"active": [], "monitoring": True, "level": "alarms_only"}

    await site.sees(0)
    event = await told(client)
    assert gist(event) == [("Cellar", "Sous le seuil bas : 0 (seuil 5)", False)]
    (alarm,) = event["active"]
    assert (alarm["severity"], alarm["cause"], alarm["snoozed_until"]) == ("warning", None, None)

    await site.center.async_acknowledge(alarm["tag"])
    assert gist(await told(client)) == [("Cellar", "Sous le seuil bas : 0 (seuil 5)", True)]
    hass.config_entries.async_update_entry(site.entry, options={"level": "off", "monitoring": False})
    event = await told(client)
    assert (event["monitoring"], event["level"]) == (False, "off")
    await site.sees(20)
    assert gist(await told(client)) == []


@a_rule
async def test_a_card_that_is_open_when_the_site_is_unloaded_is_told_to_ask_anew(hass, hass_ws_client, site):
    client = await hass_ws_client(hass)
    await ask(client, "subscribe", language="en")
    await told(client)
    assert await hass.config_entries.async_reload(site.entry.entry_id)
    assert await told(client) == {"active": None}


@a_rule
async def test_a_card_that_is_closed_is_told_nothing_more(hass, hass_ws_client, site):
    client = await hass_ws_client(hass)
    subscription = (await ask(client, "subscribe", language="en"))["id"]
    await told(client)
    await client.send_json_auto_id({"type": "unsubscribe_events", "subscription": subscription})
    assert (await client.receive_json())["success"]
    await site.sees(0)
    assert (await ask(client, "log", language="en"))["success"]


@a_rule
async def test_the_card_gets_the_log_and_the_devices_to_choose_from(hass, hass_ws_client, suite, site):
    raise_alarm(suite, "vebus", "/Alarms/LowBattery", 2)
    await suite.shows("inverter_charger", "problem", "on")
    await site.sees(0)
    await site.sees(20)
    client = await hass_ws_client(hass)
    multi = suite.device_id("inverter_charger")

    answer = (await ask(client, "log", language="fr"))["result"]
    assert [entry["text"] for entry in answer["entries"]] == ["Sous le seuil bas : 0 (seuil 5)", "Batterie basse"]
    assert answer["devices"] == {multi: "Onduleur étage"}

    for wanted, expected in (
        ({"device": multi}, ["low_battery"]),
        ({"source": "rule"}, ["below_low_threshold"]),
        ({"severity": "critical"}, ["low_battery"]),
        ({"end": "2020-01-01T00:00:00Z"}, []),
        ({"limit": 1}, ["below_low_threshold"]),
    ):
        answer = (await ask(client, "log", language="en", **wanted))["result"]
        assert [entry["key"] for entry in answer["entries"]] == expected, wanted
        assert answer["devices"] == {multi: "Onduleur étage"}


@a_rule
async def test_the_card_acknowledges_and_snoozes(hass, hass_ws_client, hass_admin_user, site):
    await site.sees(0)
    client = await hass_ws_client(hass)
    tag = site.center.active[0].episode.tag
    assert (await ask(client, "snooze", tag=tag, seconds=600))["success"]
    assert site.center.active[0].snoozed_until is not None
    assert (await ask(client, "acknowledge", tag=tag))["success"]
    assert site.center.active[0].acknowledged
    await site.center.feed.async_flush()
    assert {event.who for event in site.center.events.query()} == {hass_admin_user.id}

    for command, data in (("acknowledge", {}), ("snooze", {"seconds": 60})):
        answer = await ask(client, command, tag="rule/none/x", **data)
        assert not answer["success"]
        assert answer["error"]["translation_key"] == "unknown_alarm"


@a_rule
@pytest.mark.parametrize("seconds", ["inf", "nan", 1e308, -1, 30 * 86400 + 1, "soon", None])
async def test_a_snooze_without_a_sensible_end_is_refused(hass, hass_ws_client, site, seconds):
    await site.sees(0)
    client = await hass_ws_client(hass)
    answer = await ask(client, "snooze", tag=site.center.active[0].episode.tag, seconds=seconds)
    assert answer["error"]["code"] == "invalid_format"
    assert site.center.active[0].snoozed_until is None


@a_rule
async def test_a_snooze_of_no_time_ends_the_one_before(hass, hass_ws_client, site):
    await site.sees(0)
    client = await hass_ws_client(hass)
    tag = site.center.active[0].episode.tag
    assert (await ask(client, "snooze", tag=tag, seconds=30 * 86400))["success"]
    assert site.center.active[0].snoozed_until is not None
    assert (await ask(client, "snooze", tag=tag, seconds=0))["success"]
    assert site.center.active[0].snoozed_until is None


async def test_without_a_site_the_card_is_told_so(hass, hass_ws_client):
    assert await async_setup_component(hass, DOMAIN, {})
    client = await hass_ws_client(hass)
    for command, data in (
        ("subscribe", {"language": "en"}),
        ("log", {"language": "en"}),
        ("acknowledge", {"tag": "x"}),
        ("snooze", {"tag": "x", "seconds": 1}),
    ):
        answer = await ask(client, command, **data)
        assert answer["error"]["code"] == "not_set_up", command

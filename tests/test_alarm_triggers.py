"""Triggers, the condition and the logbook about the alarms of the site."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import voluptuous as vol
from homeassistant.components.automation.const import DOMAIN as AUTOMATION
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import condition
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.trigger import async_get_all_descriptions
from homeassistant.helpers.trigger import async_validate_trigger_config as validate
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from homeassistant.util.yaml import load_yaml_dict
from pytest_homeassistant_custom_component.common import async_capture_events

from custom_components.energy_suite.condition import CONDITIONS
from custom_components.energy_suite.const import DOMAIN, EVENT_ALARM
from custom_components.energy_suite.logbook import async_describe_events
from custom_components.energy_suite.site.alarms.episodes import Severity, Source
from custom_components.energy_suite.trigger import TRIGGERS
from demo.victron_house import INSTANCES
from tests.conftest import COLD, SiteSuite, site_subentry, stored_site_entry
from tests.test_site_entities import RULE, cold_and_cut

PACKAGE = Path(__file__).parents[1] / "custom_components" / DOMAIN
FIRED = "test_fired"
ASK = "test_ask"
RAISED, CLEARED, ACTIVE = (f"{DOMAIN}.alarm_{what}" for what in ("raised", "cleared", "active"))

type Heard = list[tuple[str, str, str]]


async def automate(hass: HomeAssistant, *triggers: dict[str, Any]) -> Heard:
    """Set up an automation; the list fills with (its trigger, change, key) for each time that it runs."""
    heard: Heard = []
    data = {each: f"{{{{ trigger.{each} }}}}" for each in ("id", "change", "key")}

    @callback
    def note(event: Event) -> None:
        heard.append((event.data["id"], event.data["change"], event.data["key"]))

    hass.bus.async_listen(FIRED, note)
    config = {
        "id": "test",
        "alias": "test",
        "triggers": list(triggers),
        "actions": {"event": FIRED, "event_data": data},
        "mode": "parallel",
    }
    assert await async_setup_component(hass, AUTOMATION, {AUTOMATION: config})
    await hass.async_block_till_done()
    assert hass.states.is_state("automation.test", "on")
    return heard


def raised(name: str = "", **options: Any) -> dict[str, Any]:
    return {"trigger": RAISED, "id": name, "options": options}


def cleared(name: str = "", **options: Any) -> dict[str, Any]:
    return {"trigger": CLEARED, "id": name, "options": options}


async def overheats(suite, site: SiteSuite, value: int, shown: str) -> None:
    """Let the inverter/charger warn, or alarm, or neither, of its temperature."""
    suite.gx.set("vebus", INSTANCES["vebus"], "/Alarms/HighTemperature", value)
    await suite.until(lambda: site.state("highest_severity") == shown)
    await suite.hass.async_block_till_done()


# --- triggers -----------------------------------------------------------------------------------------------------


async def test_they_fire_once_each_time_that_it_happens(hass, site):
    heard = await automate(hass, raised("on"), cleared("off"))

    await site.sees(3)
    await site.sees(2)
    assert heard == [("on", "raised", "below_low_threshold")]
    await site.sees(20)
    await site.sees(21)
    assert heard[1:] == [("off", "cleared", "below_low_threshold")]
    await site.sees(3)
    assert len(heard) == 3


async def test_the_alarm_is_in_the_variables_of_the_trigger(hass, site):
    fired = async_capture_events(hass, FIRED)
    named = ("name", "source", "severity", "text", "tag", "started", "description")
    config = {
        "triggers": raised(),
        "actions": {"event": FIRED, "event_data": {name: f"{{{{ trigger.{name} }}}}" for name in named}},
    }
    assert await async_setup_component(hass, AUTOMATION, {AUTOMATION: config})
    await hass.async_block_till_done()

    await site.sees(3)

    (event,) = fired
    (alarm,) = site.attributes("active_alarms")["alarms"]
    assert {name: event.data[name] for name in named[:-1]} == {name: alarm[name] for name in named[:-1]}
    assert event.data["name"] == RULE
    assert event.data["description"] == f"alarm raised: {alarm['text']}"


async def test_what_is_there_at_the_start_does_not_fire(hass, site):
    await site.sees(3)
    heard = await automate(hass, raised())
    assert await hass.config_entries.async_reload(site.entry.entry_id)
    await hass.async_block_till_done()
    assert not heard


async def test_what_went_wrong_meanwhile_does(hass, site):
    heard = await automate(hass, raised("on"), cleared("off"))
    assert await hass.config_entries.async_unload(site.entry.entry_id)
    await site.sees(3)
    assert not heard
    assert await hass.config_entries.async_setup(site.entry.entry_id)
    await hass.async_block_till_done()
    assert [each[0] for each in heard] == ["on"]


async def test_they_wait_for_a_site(hass, hass_storage, tmp_path):
    hass.config.config_dir = str(tmp_path)
    assert await async_setup_component(hass, DOMAIN, {})
    heard = await automate(hass, raised())
    entry = stored_site_entry(site_subentry("alarm_rule", RULE, COLD))
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    site = SiteSuite(hass, entry)

    await site.sees(3)

    assert len(heard) == 1
    assert await hass.config_entries.async_unload(entry.entry_id)


async def test_an_automation_that_is_gone_hears_no_more(hass, site):
    before = hass.bus.async_listeners().get(EVENT_ALARM, 0)
    heard = await automate(hass, raised())
    assert hass.bus.async_listeners()[EVENT_ALARM] == before + 1
    await hass.services.async_call(AUTOMATION, "turn_off", {"entity_id": "automation.test"}, blocking=True)
    assert hass.bus.async_listeners().get(EVENT_ALARM, 0) == before
    await site.sees(3)
    assert not heard


async def test_an_alarm_that_worsens_to_the_severity_asked_for_is_raised(hass, suite, site):
    heard = await automate(
        hass, raised("any"), raised("bad", severity="warning"), raised("worst", severity="critical"), cleared("over")
    )

    for value, shown in ((1, "warning"), (2, "critical"), (1, "warning"), (2, "critical"), (0, "none")):
        await overheats(suite, site, value, shown)

    assert sorted(heard) == [
        ("any", "raised", "high_temperature"),
        ("bad", "raised", "high_temperature"),
        ("over", "cleared", "high_temperature"),
        ("worst", "worsened", "high_temperature"),
        ("worst", "worsened", "high_temperature"),
    ]


async def test_an_alarm_that_was_there_before_is_raised_once_it_worsens_to_the_severity_asked_for(hass, suite, site):
    await overheats(suite, site, 1, "warning")
    heard = await automate(hass, raised("bad", severity="warning"), raised("worst", severity="critical"))

    await overheats(suite, site, 2, "critical")

    assert heard == [("worst", "worsened", "high_temperature")]


async def test_what_was_worse_before_the_site_was_loaded_is_not_raised_when_it_eases(hass, suite, site):
    await overheats(suite, site, 2, "critical")
    assert await hass.config_entries.async_unload(site.entry.entry_id)
    heard = await automate(hass, raised(severity="warning"))
    assert await hass.config_entries.async_setup(site.entry.entry_id)
    await hass.async_block_till_done()
    assert site.state("highest_severity") == "critical"

    await overheats(suite, site, 1, "warning")
    assert not heard
    await overheats(suite, site, 2, "critical")
    assert not heard


async def test_what_was_bad_enough_at_some_time_is_cleared(hass, suite, site):
    heard = await automate(hass, cleared("worst", severity="critical"), cleared("any"))

    for value, shown in ((1, "warning"), (0, "none")):
        await overheats(suite, site, value, shown)
    assert [each[0] for each in heard] == ["any"]
    for value, shown in ((2, "critical"), (1, "warning"), (0, "none")):
        await overheats(suite, site, value, shown)
    assert sorted(each[0] for each in heard[1:]) == ["any", "worst"]


async def test_they_can_be_about_some_devices_keys_or_sources_alone(hass, suite, site):
    inverter, battery = suite.device_id("inverter_charger"), suite.device_id("battery")
    heard = await automate(
        hass,
        raised("of the inverter", devices=inverter),
        raised("of the battery", devices=[battery]),
        raised("of both", devices=[battery, inverter]),
        raised("temperature", keys=["high_temperature", "low_temperature"]),
        raised("overload", keys="overload"),
        raised("of devices", source=["automatic", "grid"]),
        raised("of rules", source="rule"),
        raised("of the inverter, overload", devices=inverter, keys="overload"),
    )

    await overheats(suite, site, 2, "critical")

    assert sorted(each[0] for each in heard) == ["of both", "of devices", "of the inverter", "temperature"]
    heard.clear()
    await site.sees(3)
    assert [each[0] for each in heard] == ["of rules"]


@cold_and_cut
async def test_a_report_of_a_failure_of_the_grid_fires_for_who_asks_for_it(hass, site):
    heard = await automate(hass, raised("any"), raised("of rules", source="rule"), raised("state", keys="armed_state"))

    await site.sees("lost", "sensor.mains")

    assert sorted(heard) == [("any", "raised", "grid_failure"), ("state", "raised", "armed_state")]


# --- the condition ------------------------------------------------------------------------------------------------


async def ask(hass: HomeAssistant, **options: Any) -> Callable[[], Any]:
    """Set up an automation that answers whether an alarm is active; returns what asks it."""
    fired = async_capture_events(hass, FIRED)
    config = {
        "triggers": {"trigger": "event", "event_type": ASK},
        "conditions": {"condition": ACTIVE, "options": options},
        "actions": {"event": FIRED},
    }
    assert await async_setup_component(hass, AUTOMATION, {AUTOMATION: config})
    await hass.async_block_till_done()

    async def met() -> bool:
        fired.clear()
        hass.bus.async_fire(ASK)
        await hass.async_block_till_done()
        return bool(fired)

    return met


async def test_the_condition_passes_while_an_alarm_is_active(hass, site):
    met = await ask(hass)
    assert not await met()
    await site.sees(3)
    assert await met()
    await site.sees(20)
    assert not await met()


async def test_the_condition_passes_by_severity_device_key_and_source(hass, suite, site, subtests):
    await overheats(suite, site, 1, "warning")
    inverter, battery = suite.device_id("inverter_charger"), suite.device_id("battery")
    for options, passes in (
        ({"severity": "warning"}, True),
        ({"severity": "critical"}, False),
        ({"devices": [inverter, battery]}, True),
        ({"devices": battery}, False),
        ({"keys": "high_temperature"}, True),
        ({"keys": ["overload"]}, False),
        ({"source": "automatic"}, True),
        ({"source": ["rule", "grid"]}, False),
        ({"devices": inverter, "keys": "overload"}, False),
    ):
        config = cv.CONDITION_SCHEMA({"condition": ACTIVE, "options": options})
        with subtests.test(**options):
            validated = await condition.async_validate_condition_config(hass, config)
            checker = await condition.async_from_config(hass, validated)
            assert checker.async_check() is passes
            checker.async_unload()


@cold_and_cut
async def test_the_condition_counts_a_report_of_a_failure_of_the_grid_for_who_asks_for_it(hass, site):
    await site.sees("lost", "sensor.mains")
    for options, passes in (({"source": "rule"}, False), ({"keys": "armed_state"}, True), ({"source": "grid"}, True)):
        config = cv.CONDITION_SCHEMA({"condition": ACTIVE, "options": options})
        checker = await condition.async_from_config(hass, await condition.async_validate_condition_config(hass, config))
        assert checker.async_check() is passes, options
        checker.async_unload()


async def test_without_a_site_nothing_is_active(hass, site):
    await site.sees(3)
    met = await ask(hass)
    assert await met()
    assert await hass.config_entries.async_unload(site.entry.entry_id)
    assert not await met()


# --- what they are asked with -------------------------------------------------------------------------------------

WRONG: tuple[dict[str, Any], ...] = (
    {"severity": "terrible"},
    {"source": ["gossip"]},
    {"devices": [{"id": 1}]},
    {"keys": [{}]},
    {"behavior": "each"},
)


async def test_options_that_make_no_sense_are_refused(hass, site, subtests):
    for wrong in WRONG:
        for name in (RAISED, CLEARED):
            config = cv.TRIGGER_SCHEMA([{"trigger": name, "options": wrong}])
            with subtests.test(name, **wrong), pytest.raises(vol.Invalid):
                await validate(hass, config)
        with subtests.test(ACTIVE, **wrong), pytest.raises(vol.Invalid):
            await condition.async_validate_condition_config(
                hass, cv.CONDITION_SCHEMA({"condition": ACTIVE, "options": wrong})
            )
    await validate(hass, cv.TRIGGER_SCHEMA([{"trigger": RAISED}]))


async def test_they_are_described_to_the_frontend(hass, site):
    triggers = await async_get_all_descriptions(hass)
    conditions = await condition.async_get_all_descriptions(hass)
    described = (triggers[RAISED], triggers[CLEARED], conditions[ACTIVE])
    texts = json.loads((PACKAGE / "translations" / "en.json").read_text(encoding="utf-8"))
    for each, of in zip(
        described,
        (texts["triggers"]["alarm_raised"], texts["triggers"]["alarm_cleared"], texts["conditions"]["alarm_active"]),
        strict=True,
    ):
        assert each is not None
        fields = each["fields"]
        assert set(fields) == set(of["fields"]) == {"severity", "devices", "keys", "source"}
        severities = fields["severity"]["selector"]["select"]["options"]
        assert severities == [severity.word for severity in Severity]
        assert fields["source"]["selector"]["select"]["options"] == [source.value for source in Source]
        for field in ("severity", "source"):
            select = fields[field]["selector"]["select"]
            assert set(texts["selector"][select["translation_key"]]["options"]) == set(select["options"])


def test_every_trigger_and_condition_is_in_the_frontend():
    icons = json.loads((PACKAGE / "icons.json").read_text(encoding="utf-8"))
    for file, known in (("triggers", TRIGGERS), ("conditions", CONDITIONS)):
        described = {name for name in load_yaml_dict(PACKAGE / f"{file}.yaml") if not name.startswith(".")}
        assert described == set(known) == set(icons[file])


# --- the logbook --------------------------------------------------------------------------------------------------


@pytest.fixture
def logbook(hass: HomeAssistant) -> list[str]:
    """The lines of the logbook, as they are made."""
    lines: list[str] = []

    def describe(domain: str, event_type: str, describer: Callable[[Event], dict[str, str]]) -> None:
        @callback
        def note(event: Event) -> None:
            described = describer(event)
            lines.append(f"{described['name']}: {described['message']}")

        assert domain == DOMAIN
        hass.bus.async_listen(event_type, note)

    async_describe_events(hass, describe)
    return lines


async def test_the_logbook_says_what_became_of_an_alarm(hass, suite, site, logbook):
    for value, shown in ((1, "warning"), (2, "critical"), (1, "warning")):
        await overheats(suite, site, value, shown)
    assert logbook == [
        "Onduleur étage: Inverter/charger too hot (warning) raised",
        "Onduleur étage: Inverter/charger too hot worsened (critical)",
        "Onduleur étage: Inverter/charger too hot eased (warning)",
    ]
    await overheats(suite, site, 0, "none")
    assert logbook[3].startswith("Onduleur étage: Inverter/charger too hot (warning) cleared after ")


async def test_the_logbook_speaks_french(hass, suite, site, logbook):
    hass.config.language = "fr"
    await overheats(suite, site, 2, "critical")
    assert logbook == ["Onduleur étage: Température élevée du convertisseur/chargeur (critique) : alarme déclenchée"]


async def test_the_logbook_of_a_device_has_its_alarms(hass, suite, site):
    told = async_capture_events(hass, EVENT_ALARM)
    await overheats(suite, site, 2, "critical")
    assert [event.data["device_id"] for event in told] == [suite.device_id("inverter_charger")]


@pytest.mark.parametrize(
    ("lasted", "told"),
    [
        (0, "0\u00a0s"),
        (59.4, "59\u00a0s"),
        (59.6, "1\u00a0min"),
        (12 * 60 + 20, "12\u00a0min"),
        (3600, "1\u00a0h 00\u00a0min"),
        (86_399, "23\u00a0h 59\u00a0min"),
        (3 * 86_400 + 4 * 3600, "3\u00a0d 4\u00a0h"),
    ],
)
async def test_the_logbook_says_how_long_it_lasted(hass, logbook, lasted, told):
    started = 1_800_000_000.0
    hass.bus.async_fire(
        EVENT_ALARM,
        {
            "change": "cleared",
            "name": "Cellar",
            "text": "Too cold.",
            "severity": "critical",
            "started": dt_util.utc_from_timestamp(started).isoformat(),
            "cleared": dt_util.utc_from_timestamp(started + lasted).isoformat(),
        },
    )
    await hass.async_block_till_done()
    assert logbook == [f"Cellar: Too cold (critical) cleared after {told}"]

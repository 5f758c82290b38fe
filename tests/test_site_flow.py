"""Adding the site, its options, and its rules, recipients and geofences, as the frontend drives them."""

from collections.abc import Iterator
from typing import Any
from unittest.mock import AsyncMock, patch

import pytest
from homeassistant.config_entries import SOURCE_USER, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.selector import Selector
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.energy_suite.alarms.settings import geofence_of, settings_of
from custom_components.energy_suite.const import DOMAIN
from custom_components.energy_suite.flows.geofences import around, trackers
from custom_components.energy_suite.gateways.kinds import KINDS
from tests.test_alarm_settings import added_gateway, added_site, device_of, subentry
from tests.test_config_flow import suggested

VOLTAGE = "sensor.battery_voltage"
STATE = "sensor.ve_bus_state"
OPTIONS = {
    "level": "warnings_and_alarms",
    "silent": {"device_id": ["abc"], "label_id": ["quiet"]},
    "grid": False,
    "limits": {"most_messages": 3, "within": 2, "quiet": 48},
}
RULE = {"name": "", "delay": 0, "severity": "warning", "grid": False}
RECIPIENT = {
    "name": "",
    "target": "notify.mobile_app_pixel_9",
    "language": "fr",
    "severities": ["critical"],
    "level": "alarms_only",
}
BREST = (48.39, -4.486)


@pytest.fixture(autouse=True)
def no_setup() -> Iterator[AsyncMock]:
    """The flow alone; what it leaves behind is set up in other tests."""
    with (
        patch("custom_components.energy_suite.async_setup_entry", return_value=True) as setup,
        patch("custom_components.energy_suite.async_unload_entry", return_value=True),
    ):
        yield setup


@pytest.fixture
def site(hass: HomeAssistant) -> MockConfigEntry:
    """The site, without anything."""
    return added_site(hass)


class Describing:
    """The dialogue that adds a subentry of the site, or changes it."""

    def __init__(self, hass: HomeAssistant, entry: MockConfigEntry, kind: str) -> None:
        self.hass = hass
        self.entry = entry
        self.kind = kind
        self.result: Any = None

    async def begin(self) -> Any:
        self.result = await self.hass.config_entries.subentries.async_init(
            (self.entry.entry_id, self.kind), context={"source": SOURCE_USER}
        )
        return self.result

    async def reconfigure(self) -> Any:
        (key,) = self.entry.subentries
        self.result = await self.entry.start_subentry_reconfigure_flow(self.hass, key)
        return self.result

    async def submit(self, **values: Any) -> Any:
        flow = self.hass.config_entries.subentries
        self.result = await flow.async_configure(self.result["flow_id"], values)
        return self.result

    @property
    def errors(self) -> Any:
        return self.result["errors"]

    @property
    def suggested(self) -> dict[str, Any]:
        return suggested(self.result)

    def field(self, name: str) -> Any:
        """The configuration of a field's selector."""
        selector = next(value for marker, value in self.result["data_schema"].schema.items() if marker == name)
        assert isinstance(selector, Selector)
        return selector.config

    @property
    def asked(self) -> list[str]:
        return [str(marker) for marker in self.result["data_schema"].schema]

    def stored(self) -> tuple[str, dict[str, Any]]:
        """The only subentry, once the dialogue is through."""
        (stored,) = self.entry.subentries.values()
        assert stored.subentry_type == self.kind
        return stored.title, dict(stored.data)


# --- the site --------------------------------------------------------------------------------------------------------


async def chosen_site(hass: HomeAssistant) -> Any:
    """What follows the choice of the site in the menu."""
    result = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    assert result["type"] is FlowResultType.MENU
    return await hass.config_entries.flow.async_configure(result["flow_id"], {"next_step_id": "site"})


async def submitted(hass: HomeAssistant, result: Any, values: dict[str, Any]) -> Any:
    return await hass.config_entries.flow.async_configure(result["flow_id"], values)


@pytest.mark.parametrize(("language", "title"), [("en", "Energy Suite site"), ("fr", "Site Energy Suite")])
async def test_the_site_is_added_without_anybody(hass: HomeAssistant, language: str, title: str):
    hass.config.language = language
    result = await chosen_site(hass)
    assert (result["type"], result["step_id"], result["errors"]) == (FlowResultType.FORM, "site", {})
    result = await submitted(hass, result, {})
    assert (result["type"], result["title"]) == (FlowResultType.CREATE_ENTRY, title)
    entry = result["result"]
    assert len(entry.data["uid"]) == 32
    assert dict(entry.data) == {"gateway": "site", "uid": entry.data["uid"], "devices": []}
    assert not entry.subentries
    assert not entry.options


async def test_the_site_is_added_with_its_first_recipient(hass: HomeAssistant):
    hass.config.language = "fr-CA"
    hass.states.async_set("notify.family", "unknown", {"friendly_name": "The family"})
    result = await submitted(hass, await chosen_site(hass), {"target": "notify.family"})
    (recipient,) = result["result"].subentries.values()
    assert (recipient.subentry_type, recipient.title) == ("recipient", "The family")
    assert recipient.data == {
        "target": "notify.family",
        "language": "fr",
        "severities": ["warning", "critical"],
        "level": "warnings_and_alarms",
    }
    (understood,) = settings_of(hass, result["result"]).telling.recipients
    assert understood.language == "fr"


async def test_a_first_recipient_that_can_take_no_messages_is_refused(hass: HomeAssistant):
    result = await submitted(hass, await chosen_site(hass), {"target": "light.kitchen"})
    assert result["errors"] == {"target": "bad_target"}
    assert suggested(result) == {"target": "light.kitchen"}


async def test_there_is_one_site(hass: HomeAssistant, site: MockConfigEntry):
    result = await chosen_site(hass)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "single_instance")


async def test_a_site_that_was_added_in_another_window_is_not_added_again(hass: HomeAssistant):
    result, other = await chosen_site(hass), await chosen_site(hass)
    assert (await submitted(hass, other, {}))["type"] is FlowResultType.CREATE_ENTRY
    assert (await submitted(hass, result, {}))["reason"] == "single_instance"
    assert len(hass.config_entries.async_entries(DOMAIN)) == 1


async def test_a_gateway_does_not_keep_the_site_from_being_added(hass: HomeAssistant):
    added_gateway(hass)
    assert (await chosen_site(hass))["type"] is FlowResultType.FORM


async def test_there_is_nothing_to_reconfigure_of_the_site(hass: HomeAssistant, site: MockConfigEntry):
    result = await site.start_reconfigure_flow(hass)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "site_options")


async def test_each_entry_has_its_own_kinds_of_subentries(hass: HomeAssistant, site: MockConfigEntry):
    assert set(site.supported_subentry_types) == {"alarm_rule", "recipient", "geofence"}
    assert not added_gateway(hass).supported_subentry_types


# --- the options of the site ---------------------------------------------------------------------------------------


async def test_the_options_of_the_site_are_stored_flat_and_without_a_reload(
    hass: HomeAssistant, site: MockConfigEntry, no_setup: AsyncMock
):
    assert await hass.config_entries.async_setup(site.entry_id)
    flow = hass.config_entries.options
    result = await flow.async_init(site.entry_id)
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "site")
    result = await flow.async_configure(result["flow_id"], OPTIONS)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert site.options == {
        "level": "warnings_and_alarms",
        "silent": {"device_id": ["abc"], "label_id": ["quiet"]},
        "grid": False,
        "most_messages": 3,
        "within": 2.0,
        "quiet": 48.0,
    }
    await hass.async_block_till_done()
    assert site.state is ConfigEntryState.LOADED
    assert no_setup.call_count == 1


async def test_options_not_touched_are_the_defaults(hass: HomeAssistant, site: MockConfigEntry):
    before = settings_of(hass, site)
    result = await hass.config_entries.options.async_init(site.entry_id)
    await hass.config_entries.options.async_configure(result["flow_id"], {"limits": {}})
    assert site.options == {
        "level": "alarms_only",
        "grid": True,
        "most_messages": 10,
        "within": 6.0,
        "quiet": 24.0,
    }
    assert settings_of(hass, site) == before


async def test_the_options_of_the_site_show_what_is_stored_and_keep_the_switch(hass: HomeAssistant):
    stored = {"monitoring": False, "level": "off", "warnings_from": {"area_id": ["cellar"]}, "within": 2.0}
    entry = added_site(hass, options=stored)
    result: Any = await hass.config_entries.options.async_init(entry.entry_id)
    assert suggested(result)["warnings_from"] == {"area_id": ["cellar"]}
    assert suggested(result)["level"] == "off"
    limits = next(value for marker, value in result["data_schema"].schema.items() if marker == "limits")
    shown = {str(marker): marker.description for marker in limits.schema.schema}
    assert shown["within"] == {"suggested_value": 2.0}
    # A target that is cleared is gone; what the switch says stays.
    await hass.config_entries.options.async_configure(result["flow_id"], OPTIONS)
    assert entry.options["monitoring"] is False
    assert "warnings_from" not in entry.options


@pytest.mark.parametrize("limits", [{"most_messages": 0}, {"within": 0}, {"quiet": 169}])
async def test_limits_that_would_tell_all_or_nothing_are_refused(
    hass: HomeAssistant, site: MockConfigEntry, limits: dict[str, Any]
):
    result = await hass.config_entries.options.async_init(site.entry_id)
    with pytest.raises(InvalidData):
        await hass.config_entries.options.async_configure(result["flow_id"], {**OPTIONS, "limits": limits})


# --- the options of every gateway ----------------------------------------------------------------------------------


DATA: dict[str, dict[str, Any]] = {
    "victron_gx": {},
    "netvision": {"channels": "snmp"},
    "solarman": {"profile": None, "confirmed": False, "coupling": "dc"},
    "legrand": {"port": 502, "framing": "tcp"},
}


@pytest.mark.parametrize("kind", KINDS)
async def test_the_connection_of_every_kind_of_gateway_can_be_monitored(hass: HomeAssistant, kind: str):
    data = {"gateway": kind, "uid": "0123", "host": "192.0.2.7", "devices": [], **DATA[kind]}
    entry = added_gateway(hass, data=data)
    flow = hass.config_entries.options
    result = await flow.async_init(entry.entry_id)
    for gap in (9, 86_401):
        with pytest.raises(InvalidData):
            await flow.async_configure(result["flow_id"], {"tolerated_gap": gap})
    await flow.async_configure(result["flow_id"], {})
    assert (entry.options["monitor_connection"], entry.options["tolerated_gap"]) == (True, 300.0)
    result = await flow.async_init(entry.entry_id)
    await flow.async_configure(result["flow_id"], {"monitor_connection": False, "tolerated_gap": 10})
    assert (entry.options["monitor_connection"], entry.options["tolerated_gap"]) == (False, 10.0)
    (communication,) = settings_of(hass, added_site(hass)).communication
    assert (communication.on, communication.gap) == (False, 10.0)
    await hass.async_block_till_done()


# --- rules -----------------------------------------------------------------------------------------------------------


@pytest.fixture
async def rule(hass: HomeAssistant, site: MockConfigEntry) -> Describing:
    """The dialogue of a rule."""
    hass.states.async_set(VOLTAGE, "12.61", {"friendly_name": "Battery voltage", "unit_of_measurement": "V"})
    hass.states.async_set(STATE, "bulk", {"friendly_name": "VE.Bus state", "options": ["bulk", "inverting", "off"]})
    return Describing(hass, site, "alarm_rule")


async def test_a_rule_of_thresholds_is_stored_as_it_was_typed(rule: Describing):
    await rule.begin()
    await rule.submit(entity=VOLTAGE)
    assert (rule.result["step_id"], rule.errors) == ("rule", {})
    assert rule.result["description_placeholders"] == {"entity": "Battery voltage", "value": "12.61\u00a0V"}
    assert rule.field("low")["unit_of_measurement"] == "V"
    assert "states" not in rule.asked
    values = {"low": 10, "low_hysteresis": 11.5, "high": 15, "high_hysteresis": 14.5, "delay": 60, "no_data": 600}
    await rule.submit(**RULE | values | {"name": " Battery ", "severity": "critical"})
    assert rule.result["type"] is FlowResultType.CREATE_ENTRY
    assert rule.stored() == ("Battery", {"entity": VOLTAGE, **values, "severity": "critical", "grid": False})


async def test_a_rule_without_a_name_is_called_by_its_entity(rule: Describing):
    await rule.begin()
    await rule.submit(entity=VOLTAGE)
    await rule.submit(low=10)
    assert rule.stored() == (
        "Battery voltage",
        {"entity": VOLTAGE, "low": 10, "delay": 0, "severity": "warning", "grid": False},
    )


@pytest.mark.parametrize(
    ("typed", "errors"),
    [
        ({"low": 10, "low_hysteresis": 9}, {"low_hysteresis": "low_hysteresis_below_low_threshold"}),
        ({"high": 10, "high_hysteresis": 11}, {"high_hysteresis": "high_hysteresis_above_high_threshold"}),
        (
            {"low": 10, "low_hysteresis": 15, "high": 15},
            {"low_hysteresis": "low_hysteresis_not_below_high_threshold"},
        ),
        (
            {"low": 10, "high": 15, "high_hysteresis": 10},
            {"high_hysteresis": "high_hysteresis_not_above_low_threshold"},
        ),
        (
            {"low": 15, "high": 10},
            {
                "low_hysteresis": "low_hysteresis_not_below_high_threshold",
                "high_hysteresis": "high_hysteresis_not_above_low_threshold",
            },
        ),
        ({"low_hysteresis": 10}, {"base": "hysteresis_without_threshold"}),
        ({"high_hysteresis": 10}, {"base": "hysteresis_without_threshold"}),
        ({}, {"base": "nothing_watched"}),
    ],
)
async def test_each_condition_of_a_valid_rule_says_that_it_fails(
    rule: Describing, typed: dict[str, Any], errors: dict[str, str]
):
    await rule.begin()
    await rule.submit(entity=VOLTAGE)
    await rule.submit(**RULE | typed)
    assert rule.errors == errors
    assert rule.suggested == RULE | typed
    # And the same form takes what is right.
    await rule.submit(**RULE, low=10)
    assert rule.result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
async def test_a_threshold_that_is_no_number_is_refused(rule: Describing, value: float):
    await rule.begin()
    await rule.submit(entity=VOLTAGE)
    await rule.submit(**RULE, low=value)
    assert rule.errors == {"base": "not_a_number"}


async def test_a_rule_may_watch_for_missing_data_alone(rule: Describing):
    await rule.begin()
    await rule.submit(entity=VOLTAGE)
    await rule.submit(**RULE, no_data=300)
    assert rule.stored()[1]["no_data"] == 300


async def test_a_rule_of_states_takes_those_that_are_offered_and_others(rule: Describing):
    await rule.begin()
    await rule.submit(entity=STATE)
    assert rule.result["description_placeholders"] == {"entity": "VE.Bus state", "value": "bulk"}
    assert not {"low", "high"} & set(rule.asked)
    assert [option["value"] for option in rule.field("states")["options"]] == ["bulk", "inverting", "off"]
    await rule.submit(**RULE | {"grid": True, "delay": 300}, states=["inverting", " fault ", "", "inverting"])
    assert rule.stored() == (
        "VE.Bus state",
        {"entity": STATE, "states": ["inverting", "fault"], "delay": 300, "severity": "warning", "grid": True},
    )


async def test_a_rule_of_states_needs_one(rule: Describing):
    await rule.begin()
    await rule.submit(entity=STATE)
    await rule.submit(**RULE, states=[" "])
    assert rule.errors == {"base": "nothing_watched"}


async def test_a_rule_of_an_entity_that_does_not_exist_is_refused(rule: Describing):
    await rule.begin()
    await rule.submit(entity="sensor.nobody")
    assert rule.errors == {"entity": "unknown_entity"}
    assert rule.suggested == {"entity": "sensor.nobody"}


@pytest.mark.parametrize(
    ("entity", "state", "attributes", "numeric"),
    [
        ("sensor.power", "unavailable", {"unit_of_measurement": "W"}, True),
        ("sensor.count", "unknown", {"state_class": "total"}, True),
        ("sensor.plain", "-3.5", {}, True),
        ("sensor.plain", "nan", {}, False),
        ("sensor.text", "on fire", {}, False),
        ("sensor.digits", "1", {"options": ["1", "2"]}, False),
        ("number.limit", "unavailable", {}, True),
        ("input_number.limit", "unknown", {}, True),
        ("counter.visits", "unavailable", {}, True),
        ("binary_sensor.door", "off", {}, False),
    ],
)
async def test_the_fields_suit_the_entity(
    hass: HomeAssistant, rule: Describing, entity: str, state: str, attributes: dict[str, Any], numeric: bool
):
    hass.states.async_set(entity, state, attributes)
    await rule.begin()
    await rule.submit(entity=entity)
    assert ("low" in rule.asked, "states" in rule.asked) == (numeric, not numeric)


async def test_an_entity_without_a_state_is_known_by_the_registry(hass: HomeAssistant, rule: Describing):
    gateway = added_gateway(hass)
    registry = er.async_get(hass)
    registered = registry.async_get_or_create("sensor", DOMAIN, "a", config_entry=gateway, unit_of_measurement="A")
    await rule.begin()
    await rule.submit(entity=registered.entity_id)
    assert rule.result["description_placeholders"] == {"entity": registered.entity_id, "value": "-"}
    assert rule.field("low")["unit_of_measurement"] == "A"
    capabilities = {"options": ["idle", "running"]}
    registered = registry.async_get_or_create("sensor", DOMAIN, "b", config_entry=gateway, capabilities=capabilities)
    await rule.begin()
    await rule.submit(entity=registered.entity_id)
    assert [option["value"] for option in rule.field("states")["options"]] == ["idle", "running"]
    assert rule.result["description_placeholders"]["value"] == "-"


async def test_states_are_offered_by_their_names(hass: HomeAssistant, rule: Describing):
    hass.config.language = "fr"
    capabilities = {"options": ["closed", "tripped", "welded"]}
    registered = er.async_get(hass).async_get_or_create(
        "sensor",
        DOMAIN,
        "breaker",
        config_entry=added_gateway(hass),
        translation_key="breaker",
        capabilities=capabilities,
    )
    hass.states.async_set(registered.entity_id, "tripped", capabilities)
    await rule.begin()
    await rule.submit(entity=registered.entity_id)
    names = {option["value"]: option["label"] for option in rule.field("states")["options"]}
    assert names == {"closed": "Fermé", "tripped": "Déclenché", "welded": "welded"}
    assert rule.result["description_placeholders"]["value"] == "Déclenché"


async def test_the_states_of_a_kind_of_entity_are_offered_whatever_it_is_now(hass: HomeAssistant, rule: Describing):
    hass.states.async_set("binary_sensor.cellar", "unavailable", {"device_class": "moisture"})
    await rule.begin()
    await rule.submit(entity="binary_sensor.cellar")
    names = {option["value"]: option["label"] for option in rule.field("states")["options"]}
    assert names == {"off": "Dry", "on": "Wet"}


async def test_a_rule_is_changed_beginning_with_its_entity(hass: HomeAssistant, rule: Describing):
    stored = {"entity": VOLTAGE, "low": 10, "no_data": 60, "delay": 5, "severity": "critical", "grid": False}
    rule.entry = added_site(hass, subentry("alarm_rule", "Battery", stored))
    await rule.reconfigure()
    assert rule.suggested["entity"] == VOLTAGE
    await rule.submit(entity=VOLTAGE)
    shown = {name: value for name, value in stored.items() if name != "entity"}
    assert rule.suggested == {"name": "Battery", **shown}
    await rule.submit(**RULE | {"name": "Battery empty"}, high=15)
    assert (rule.result["type"], rule.result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    # What was cleared is gone.
    expected = {"entity": VOLTAGE, "high": 15, "delay": 0, "severity": "warning", "grid": False}
    assert rule.stored() == ("Battery empty", expected)


async def test_a_rule_may_go_over_to_an_entity_of_another_kind(hass: HomeAssistant, rule: Describing):
    stored = {"entity": VOLTAGE, "low": 10, "delay": 5, "severity": "critical", "grid": False}
    rule.entry = added_site(hass, subentry("alarm_rule", "Battery", stored))
    await rule.reconfigure()
    await rule.submit(entity=STATE)
    await rule.submit(**RULE, states=["off"])
    assert rule.stored()[1] == {"entity": STATE, "states": ["off"], "delay": 0, "severity": "warning", "grid": False}


# --- recipients ------------------------------------------------------------------------------------------------------


@pytest.fixture
async def recipient(hass: HomeAssistant, site: MockConfigEntry) -> Describing:
    """The dialogue of a recipient, where a phone, an e-mail account and an entity take messages."""

    async def ignore(call: Any) -> None:
        """Take a message."""

    for service in ("mobile_app_pixel_9", "smtp_home", "send_message"):
        hass.services.async_register("notify", service, ignore)
    hass.states.async_set("notify.tablet", "unknown", {"friendly_name": "Kitchen tablet"})
    phone = MockConfigEntry(domain="mobile_app", title="Anne's Pixel", data={"device_name": "Pixel 9"})
    phone.add_to_hass(hass)
    return Describing(hass, site, "recipient")


async def test_everything_that_takes_messages_is_offered_by_a_readable_name(recipient: Describing):
    await recipient.begin()
    offered = {option["value"]: option["label"] for option in recipient.field("target")["options"]}
    assert offered == {
        "notify.mobile_app_pixel_9": "Anne's Pixel (notify.mobile_app_pixel_9)",
        "notify.tablet": "Kitchen tablet (notify.tablet)",
        "notify.smtp_home": "Smtp home (notify.smtp_home)",
    }
    assert list(offered) == ["notify.mobile_app_pixel_9", "notify.tablet", "notify.smtp_home"]


async def test_a_recipient_is_stored_as_typed(recipient: Describing):
    await recipient.begin()
    quiet = {"quiet_from": "22:00:00", "quiet_to": "07:00:00"}
    await recipient.submit(**RECIPIENT | {"name": "Anne"}, **quiet)
    assert recipient.result["type"] is FlowResultType.CREATE_ENTRY
    expected = {name: value for name, value in RECIPIENT.items() if name != "name"} | quiet
    assert recipient.stored() == ("Anne", expected)


@pytest.mark.parametrize(
    ("target", "title"),
    [
        ("notify.mobile_app_pixel_9", "Anne's Pixel"),
        ("notify.tablet", "Kitchen tablet"),
        (" notify.not_yet_there", "Not yet there"),
    ],
)
async def test_a_recipient_without_a_name_is_called_by_the_target(recipient: Describing, target: str, title: str):
    await recipient.begin()
    await recipient.submit(target=target)
    assert recipient.stored() == (
        title,
        {
            "target": target.strip(),
            "language": "en",
            "severities": ["warning", "critical"],
            "level": "warnings_and_alarms",
        },
    )


@pytest.mark.parametrize(("language", "usual"), [("en", "en"), ("fr", "fr"), ("fr-CA", "fr"), ("de", "en")])
async def test_the_language_of_home_assistant_is_offered_if_there_are_texts(
    hass: HomeAssistant, recipient: Describing, language: str, usual: str
):
    hass.config.language = language
    await recipient.begin()
    await recipient.submit(target="notify.tablet")
    assert recipient.stored()[1]["language"] == usual


@pytest.mark.parametrize(
    ("typed", "errors"),
    [
        ({"target": "light.kitchen"}, {"target": "bad_target"}),
        ({"target": "notify"}, {"target": "bad_target"}),
        ({"target": "notify.one, notify.two"}, {"target": "bad_target"}),
        ({"severities": []}, {"severities": "no_severity"}),
        ({"quiet_from": "22:00:00"}, {"quiet_to": "quiet_incomplete"}),
        ({"quiet_to": "22:00:00"}, {"quiet_from": "quiet_incomplete"}),
        ({"quiet_from": "22:00:00", "quiet_to": "22:00"}, {"quiet_to": "quiet_never"}),
        ({"target": "", "severities": []}, {"target": "bad_target", "severities": "no_severity"}),
    ],
)
async def test_a_recipient_that_makes_no_sense_is_refused(
    recipient: Describing, typed: dict[str, Any], errors: dict[str, str]
):
    await recipient.begin()
    await recipient.submit(**RECIPIENT | typed)
    assert recipient.errors == errors
    await recipient.submit(**RECIPIENT)
    assert recipient.result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize("typed", [{"language": "de"}, {"severities": ["information"]}, {"level": "loud"}])
async def test_a_recipient_gets_what_there_is(recipient: Describing, typed: dict[str, Any]):
    await recipient.begin()
    with pytest.raises(InvalidData):
        await recipient.submit(**RECIPIENT | typed)


async def test_a_recipient_is_changed(hass: HomeAssistant, recipient: Describing):
    stored = {name: value for name, value in RECIPIENT.items() if name != "name"}
    quiet = {"quiet_from": "22:00:00", "quiet_to": "07:00:00"}
    recipient.entry = added_site(hass, subentry("recipient", "Anne", stored | quiet))
    await recipient.reconfigure()
    assert recipient.suggested == {"name": "Anne", **stored, **quiet}
    await recipient.submit(**RECIPIENT | {"name": "Anne-Marie", "severities": ["warning"]})
    assert recipient.result["reason"] == "reconfigure_successful"
    assert recipient.stored() == ("Anne-Marie", stored | {"severities": ["warning"]})


# --- geofences -------------------------------------------------------------------------------------------------------


@pytest.fixture
async def boat(hass: HomeAssistant) -> str:
    """A device that knows where it is."""
    gateway = added_gateway(hass)
    device = device_of(hass, gateway, "gps")
    tracker = er.async_get(hass).async_get_or_create(
        "device_tracker", DOMAIN, "gps", object_id_base="boat", config_entry=gateway, device_id=device
    )
    hass.states.async_set(tracker.entity_id, "not_home", {"latitude": BREST[0], "longitude": BREST[1]})
    return device


@pytest.fixture
async def geofence(hass: HomeAssistant, site: MockConfigEntry, boat: str) -> Describing:
    """The dialogue of a geofence."""
    return Describing(hass, site, "geofence")


def at(latitude: float, longitude: float, **radius: float) -> dict[str, float]:
    return {"latitude": latitude, "longitude": longitude, **radius}


async def test_a_circle_around_the_present_position_is_offered_first(geofence: Describing, boat: str):
    await geofence.begin()
    assert geofence.suggested == {"device": boat}
    assert geofence.field("device")["entity"] == [{"domain": ["device_tracker"]}]
    await geofence.submit(device=boat)
    assert geofence.suggested["area"] == at(*BREST, radius=100.0)
    await geofence.submit(area=geofence.suggested["area"])
    assert geofence.stored() == (
        "gps",
        {"device": boat, "shape": "circle", "points": [[*BREST]], "radius": 100.0, "delay": 60, "armed": True},
    )


async def test_a_device_that_does_not_know_where_it_is_now_is_taken_for_at_home(
    hass: HomeAssistant, geofence: Describing, boat: str
):
    (tracker,) = trackers(hass).values()
    hass.states.async_set(tracker, "unavailable")
    await geofence.begin()
    await geofence.submit(device=boat)
    assert geofence.suggested["area"] == at(hass.config.latitude, hass.config.longitude, radius=100.0)
    hass.states.async_remove(tracker)
    await geofence.begin()
    await geofence.submit(device=boat, shape="rectangle")
    assert geofence.suggested["corner"]["latitude"] < hass.config.latitude


@pytest.mark.parametrize(
    ("corners", "points"),
    [
        ((at(48, -5), at(49, -4)), [[48, -5], [49, -4]]),
        ((at(49, -4), at(48, -5)), [[48, -5], [49, -4]]),
        ((at(49, -5), at(48, -4)), [[48, -5], [49, -4]]),
        ((at(48, -4), at(49, -5)), [[48, -5], [49, -4]]),
        # Over the antimeridian.
        ((at(-18, 179), at(-17, -179)), [[-18, 179], [-17, -179]]),
        ((at(-18, -179), at(-17, 179)), [[-18, 179], [-17, -179]]),
    ],
)
async def test_any_two_opposite_corners_make_a_rectangle(
    geofence: Describing, boat: str, corners: tuple[Any, Any], points: list[Any]
):
    await geofence.begin()
    await geofence.submit(name="Harbour", device=boat, shape="rectangle")
    await geofence.submit(corner=corners[0], opposite=corners[1], delay=0, armed=False)
    expected = {"device": boat, "shape": "rectangle", "points": points, "delay": 0, "armed": False}
    assert geofence.stored() == ("Harbour", expected)


async def test_a_free_shape_is_typed_a_line_for_each_corner(geofence: Describing, boat: str):
    await geofence.begin()
    await geofence.submit(device=boat, shape="polygon")
    assert len(geofence.suggested["points"].splitlines()) == 4
    await geofence.submit(points="48.3, -4.5\n\n 48.4;-4.5 \n48.4 -4.4")
    assert geofence.stored()[1]["points"] == [[48.3, -4.5], [48.4, -4.5], [48.4, -4.4]]


@pytest.mark.parametrize(
    ("shape", "typed", "errors"),
    [
        ("circle", {"area": at(95, 0, radius=10)}, {"base": "no_position"}),
        ("circle", {"area": at(48, 0, radius=0)}, {"base": "radius_not_positive"}),
        ("circle", {"area": at(48, 0)}, {"base": "radius_not_positive"}),
        ("circle", {"area": at(48, float("inf"), radius=10)}, {"base": "no_position"}),
        ("rectangle", {"corner": at(48, 0), "opposite": at(48, 1)}, {"base": "no_area"}),
        ("rectangle", {"corner": at(48, 0), "opposite": at(49, 180)}, {"base": "too_large"}),
        ("polygon", {"points": "48, 1\n48, 2"}, {"base": "too_few_corners"}),
        ("polygon", {"points": "48, 1\n48, 2\n48, 3"}, {"base": "no_area"}),
        ("polygon", {"points": "48, 1\n48, 2\nthere"}, {"points": "bad_points"}),
        ("polygon", {"points": "48, 1\n48, 2\n49, 2, 3"}, {"points": "bad_points"}),
        ("polygon", {"points": "48, 1\n48, 2\n49, north"}, {"points": "bad_points"}),
        ("polygon", {"points": "48, 1\n48, 2\n49, nan"}, {"base": "no_position"}),
        ("polygon", {"points": "0, 0\n1, 100\n0, -160"}, {"base": "too_large"}),
    ],
)
async def test_each_mistake_of_a_geofence_is_told(
    geofence: Describing, boat: str, shape: str, typed: dict[str, Any], errors: dict[str, str]
):
    await geofence.begin()
    await geofence.submit(device=boat, shape=shape)
    await geofence.submit(**typed)
    assert (geofence.result["step_id"], geofence.errors) == ("area", errors)
    assert not geofence.entry.subentries


async def test_a_device_without_a_position_is_refused(geofence: Describing):
    await geofence.begin()
    await geofence.submit(device="somebody")
    assert geofence.errors == {"device": "unknown_device"}


async def test_without_a_device_that_knows_its_position_there_is_no_geofence(
    hass: HomeAssistant, site: MockConfigEntry
):
    result = await Describing(hass, site, "geofence").begin()
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "no_position_known")


@pytest.mark.parametrize(
    ("shape", "points", "shown"),
    [
        ("circle", [[48.0, -5.0]], {"area": at(48.0, -5.0, radius=70.0)}),
        ("rectangle", [[48, -5], [49, -4]], {"corner": at(48, -5), "opposite": at(49, -4)}),
        ("polygon", [[48, -5], [49, -5], [49, -4]], {"points": "48.0, -5.0\n49.0, -5.0\n49.0, -4.0"}),
    ],
)
async def test_a_geofence_is_changed_beginning_with_its_device(
    hass: HomeAssistant, geofence: Describing, boat: str, shape: str, points: list[Any], shown: dict[str, Any]
):
    stored = {"device": boat, "shape": shape, "points": points, "radius": 70.0, "delay": 5.0, "armed": False}
    geofence.entry = added_site(hass, subentry("geofence", "Mooring", stored))
    await geofence.reconfigure()
    assert geofence.suggested == {"name": "Mooring", "device": boat, "shape": shape}
    await geofence.submit(**geofence.suggested)
    assert geofence.suggested == {**shown, "delay": 5.0, "armed": False}
    await geofence.submit(**geofence.suggested | {"armed": True})
    assert geofence.result["reason"] == "reconfigure_successful"
    title, data = geofence.stored()
    assert (title, data["armed"]) == ("Mooring", True)
    assert geofence_of("", "", data).shape == geofence_of("", "", stored).shape
    assert ("radius" in data) == (shape == "circle")


@pytest.mark.parametrize("change", [{"shape": "circle", "points": [[48, -5], [49, -4]]}, {"shape": "rectangle"}])
async def test_a_geofence_whose_area_is_damaged_or_of_another_shape_begins_around_the_position(
    hass: HomeAssistant, geofence: Describing, boat: str, change: dict[str, Any]
):
    stored = {"device": boat, "points": [[48, -5]], "delay": 5.0, "armed": False}
    geofence.entry = added_site(hass, subentry("geofence", "Mooring", stored | change))
    await geofence.reconfigure()
    await geofence.submit(name="Mooring", device=boat, shape="circle")
    assert geofence.suggested == {"area": at(*BREST, radius=100.0), "delay": 5.0, "armed": False}


async def test_a_geofence_without_a_name_is_called_as_its_owner_calls_the_device(
    hass: HomeAssistant, geofence: Describing, boat: str
):
    dr.async_get(hass).async_update_device(boat, name_by_user="Belle-Île")
    await geofence.begin()
    await geofence.submit(device=boat)
    await geofence.submit(area=at(*BREST, radius=50))
    assert geofence.stored()[0] == "Belle-Île"


@pytest.mark.parametrize("shape", ["circle", "rectangle", "polygon"])
@pytest.mark.parametrize("position", [BREST, (0.0, 0.0), (-17.0, 100.0), (89.0, 10.0)])
def test_an_area_around_a_position_holds_it_in_the_middle(shape: str, position: tuple[float, float]):
    area = around(shape, position)
    assert not list(area.mistakes())
    assert area.distance(position) == pytest.approx(-100, abs=1)

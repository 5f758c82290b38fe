"""What the alarm engine is told of what the user chose, however damaged the stored data are."""

from collections.abc import Mapping
from datetime import time
from types import MappingProxyType
from typing import Any

import pytest
from homeassistant.config_entries import SOURCE_IGNORE, ConfigEntryDisabler, ConfigSubentryData
from homeassistant.core import HomeAssistant
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import floor_registry as fr
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers import label_registry as lr
from homeassistant.util import dt as dt_util
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.energy_suite.alarms.settings import entities_of, settings_of, targets_of
from custom_components.energy_suite.const import DOMAIN
from custom_components.energy_suite.site.alarms.communication import Communication
from custom_components.energy_suite.site.alarms.engine import AlarmEngine, Settings
from custom_components.energy_suite.site.alarms.episodes import Severity
from custom_components.energy_suite.site.alarms.geofence import Circle, Polygon, Rectangle
from custom_components.energy_suite.site.alarms.limits import Limits
from custom_components.energy_suite.site.alarms.quiet_hours import QuietHours
from custom_components.energy_suite.site.alarms.recipients import Level, Recipient
from custom_components.energy_suite.site.alarms.rules import Rule

RULE = {"entity": "sensor.battery_voltage", "low": 10.0, "low_hysteresis": 11.5, "delay": 60, "severity": "critical"}
RECIPIENT = {"target": "notify.mobile_app_phone", "language": "fr", "severities": ["critical"], "level": "alarms_only"}
GEOFENCE = {"device": "boat", "shape": "circle", "points": [[48.0, -4.5]], "radius": 100, "delay": 60, "armed": False}
KINDS = ("alarm_rule", "recipient", "geofence")


def subentry(kind: str, title: str, data: Mapping[str, Any]) -> ConfigSubentryData:
    return ConfigSubentryData(data=data, subentry_type=kind, title=title, unique_id=None)


def added_site(
    hass: HomeAssistant, *subentries: ConfigSubentryData, options: dict[str, Any] | None = None
) -> MockConfigEntry:
    """The entry of the site as the flow stores it."""
    entry = MockConfigEntry(
        domain=DOMAIN,
        title="Site",
        data={"gateway": "site", "uid": "5173", "devices": []},
        options=options or {},
        subentries_data=subentries,
    )
    entry.add_to_hass(hass)
    return entry


def added_gateway(hass: HomeAssistant, **changes: Any) -> MockConfigEntry:
    """The entry of a gateway whose first device is registered."""
    values: dict[str, Any] = {
        "domain": DOMAIN,
        "title": "GX",
        "data": {"gateway": "victron_gx", "uid": "0123", "host": "192.0.2.7", "devices": [{"key": "gx"}]},
    }
    entry = MockConfigEntry(**values | changes)
    entry.add_to_hass(hass)
    return entry


def device_of(hass: HomeAssistant, entry: MockConfigEntry, key: str = "gx") -> str:
    registry = dr.async_get(hass)
    identifiers = {(DOMAIN, f"0123_{key}")}
    return registry.async_get_or_create(config_entry_id=entry.entry_id, identifiers=identifiers, name=key).id


def entity_of(hass: HomeAssistant, entry: MockConfigEntry, device: str, name: str = "battery_voltage") -> str:
    registry = er.async_get(hass)
    return registry.async_get_or_create(
        "sensor", DOMAIN, name, object_id_base=name, config_entry=entry, device_id=device
    ).entity_id


def repair(hass: HomeAssistant, entry: MockConfigEntry) -> ir.IssueEntry | None:
    return ir.async_get(hass).async_get_issue(DOMAIN, f"alarm_settings_damaged_{entry.entry_id}")


# --- subentries ----------------------------------------------------------------------------------------------------


async def test_nothing_chosen_is_as_the_engine_would_have_it(hass: HomeAssistant):
    settings = settings_of(hass, added_site(hass))
    assert settings == Settings(telling=settings.telling)
    assert settings.telling.limits == Limits()
    assert settings.telling.level is Level.ALARMS_ONLY
    assert settings.telling.timezone is dt_util.get_default_time_zone()


async def test_a_rule_has_the_id_and_the_title_of_its_subentry_and_the_device_of_its_entity(hass: HomeAssistant):
    gateway = added_gateway(hass)
    device = device_of(hass, gateway)
    entity_id = entity_of(hass, gateway, device)
    entry = added_site(hass, subentry("alarm_rule", "Battery empty", {**RULE, "entity": entity_id}))
    (key,) = entry.subentries
    assert settings_of(hass, entry).rules == (
        Rule(
            id=key,
            name="Battery empty",
            device=device,
            severity=Severity.CRITICAL,
            low=10.0,
            low_hysteresis=11.5,
            delay=60.0,
        ),
    )
    assert entities_of(entry) == {key: entity_id}


async def test_a_rule_of_states_has_no_thresholds_and_may_watch_an_entity_that_is_not_registered(hass: HomeAssistant):
    data = {"entity": "sensor.ve_bus", "states": ["inverting", "off"], "delay": 300, "grid": True, "no_data": 600}
    entry = added_site(hass, subentry("alarm_rule", "Power cut", data))
    (rule,) = settings_of(hass, entry).rules
    expected = Rule(
        id=rule.id, name="Power cut", armed=frozenset({"inverting", "off"}), delay=300.0, grid=True, no_data=600.0
    )
    assert rule == expected


async def test_a_recipient_has_quiet_hours_where_they_were_chosen(hass: HomeAssistant):
    quiet = {"quiet_from": "22:00:00", "quiet_to": "07:00:00"}
    entry = added_site(
        hass, subentry("recipient", "Phone", RECIPIENT | quiet), subentry("recipient", "Mail", RECIPIENT)
    )
    phone, mail = entry.subentries
    common: dict[str, Any] = {
        "language": "fr",
        "severities": frozenset({Severity.CRITICAL}),
        "level": Level.ALARMS_ONLY,
    }
    assert settings_of(hass, entry).telling.recipients == (
        Recipient(id=phone, quiet_hours=(QuietHours(time(22), time(7)),), **common),
        Recipient(id=mail, **common),
    )
    assert targets_of(entry) == {phone: "notify.mobile_app_phone", mail: "notify.mobile_app_phone"}


async def test_a_recipient_of_an_unknown_language_is_told_in_english(hass: HomeAssistant):
    entry = added_site(hass, subentry("recipient", "Phone", {**RECIPIENT, "language": "de"}))
    (recipient,) = settings_of(hass, entry).telling.recipients
    assert recipient.language == "en"


@pytest.mark.parametrize(
    ("data", "shape"),
    [
        ({}, Circle((48.0, -4.5), 100.0)),
        ({"shape": "rectangle", "points": [[48, -5], [49, -4]]}, Rectangle((48.0, -5.0), (49.0, -4.0))),
        (
            {"shape": "polygon", "points": [[48, -5], [49, -5], [49, -4]]},
            Polygon(((48.0, -5.0), (49.0, -5.0), (49.0, -4.0))),
        ),
    ],
)
async def test_a_geofence_has_its_shape(hass: HomeAssistant, data: dict[str, Any], shape: Any):
    entry = added_site(hass, subentry("geofence", "Mooring", GEOFENCE | data))
    (fence,) = settings_of(hass, entry).geofences
    assert fence.shape == shape
    assert (fence.id, fence.name, fence.device) == (*entry.subentries, "Mooring", "boat")
    assert (fence.armed, fence.delay) == (False, 60.0)


# --- damaged subentries --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("alarm_rule", {}),
        ("alarm_rule", {**RULE, "entity": None}),
        ("alarm_rule", {**RULE, "low": "10"}),
        ("alarm_rule", {**RULE, "low": True}),
        ("alarm_rule", {**RULE, "low": 10**400}),
        ("alarm_rule", {**RULE, "low": float("nan")}),
        ("alarm_rule", {**RULE, "low_hysteresis": 9.0}),
        ("alarm_rule", {**RULE, "delay": -1}),
        ("alarm_rule", {**RULE, "severity": "loud"}),
        ("alarm_rule", {**RULE, "severity": ["critical"]}),
        ("alarm_rule", {**RULE, "grid": "yes"}),
        ("alarm_rule", {**RULE, "states": "off"}),
        ("alarm_rule", {"entity": "sensor.battery_voltage"}),
        ("recipient", {}),
        ("recipient", {**RECIPIENT, "target": "light.kitchen"}),
        ("recipient", {**RECIPIENT, "target": ["notify.one", "notify.two"]}),
        ("recipient", {**RECIPIENT, "level": "loud"}),
        ("recipient", {**RECIPIENT, "severities": None}),
        ("recipient", {**RECIPIENT, "quiet_from": "22:00:00"}),
        ("recipient", {**RECIPIENT, "quiet_from": "late", "quiet_to": "07:00:00"}),
        ("geofence", {}),
        ("geofence", {**GEOFENCE, "shape": "star"}),
        ("geofence", {**GEOFENCE, "points": []}),
        ("geofence", {**GEOFENCE, "points": [[48.0]]}),
        ("geofence", {**GEOFENCE, "points": [[48.0, -4.5], [48.0, -4.5]]}),
        ("geofence", {**GEOFENCE, "points": [[95.0, -4.5]]}),
        ("geofence", {**GEOFENCE, "radius": 0}),
        ("geofence", {**GEOFENCE, "shape": "polygon"}),
    ],
)
async def test_what_is_damaged_is_left_out_and_told(hass: HomeAssistant, kind: str, data: dict[str, Any]):
    sound = [
        subentry("alarm_rule", "Good rule", RULE),
        subentry("recipient", "Good recipient", RECIPIENT),
        subentry("geofence", "Good geofence", GEOFENCE),
    ]
    entry = added_site(hass, subentry(kind, "Damaged", data), *sound)
    settings = settings_of(hass, entry)
    counts = (len(settings.rules), len(settings.telling.recipients), len(settings.geofences))
    assert counts == (1, 1, 1)
    issue = repair(hass, entry)
    assert issue is not None
    assert issue.translation_placeholders == {"title": "Site", "names": "Damaged"}


async def test_the_repair_goes_when_the_damage_is_mended(hass: HomeAssistant):
    entry = added_site(hass, subentry("alarm_rule", "Damaged", {}))
    settings_of(hass, entry)
    assert repair(hass, entry)
    (damaged,) = entry.subentries.values()
    hass.config_entries.async_update_subentry(entry, damaged, data=RULE)
    assert settings_of(hass, entry).rules
    assert repair(hass, entry) is None


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=6,
)
NEARLY: dict[str, dict[str, Any]] = {
    "alarm_rule": RULE | {"high": 15, "high_hysteresis": 14, "states": [], "grid": True, "no_data": 5},
    "recipient": RECIPIENT | {"quiet_from": "22:00:00", "quiet_to": "07:00:00"},
    "geofence": GEOFENCE,
}
OPTIONS = {
    "monitoring": True,
    "level": "off",
    "warnings_from": {"device_id": ["a"], "area_id": "b", "label_id": ["c"], "entity_id": "sensor.d", "floor_id": "e"},
    "silent": {},
    "grid": True,
    "most_messages": 10,
    "within": 6,
    "quiet": 24,
}
OF_GATEWAY = {"monitor_connection": True, "tolerated_gap": 300}


def damaged(sound: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Stored data of which one value or another is something else."""
    return st.fixed_dictionaries({}, optional={name: st.just(value) | JSON for name, value in sound.items()})


@given(st.data())
@hypothesis_settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_stored_data_break_the_settings_or_the_engine(hass: HomeAssistant, data: st.DataObject):
    subentries = [subentry(kind, kind, MappingProxyType(data.draw(damaged(NEARLY[kind])))) for kind in KINDS]
    gateway = added_gateway(hass, options=data.draw(damaged(OF_GATEWAY)))
    entry = added_site(hass, *subentries, options=data.draw(damaged(OPTIONS)))
    settings = settings_of(hass, entry)
    engine = AlarmEngine(settings, 1_000.0)
    engine.tick(2_000.0)
    assert entities_of(entry).keys() <= entry.subentries.keys()
    for each in (entry, gateway):
        hass.config_entries._entries.pop(each.entry_id)


# --- options -------------------------------------------------------------------------------------------------------


async def test_options_reach_the_engine(hass: HomeAssistant):
    options = {"level": "warnings_and_alarms", "grid": False, "most_messages": 3, "within": 2.0, "quiet": 48}
    settings = settings_of(hass, added_site(hass, options=options))
    assert settings.telling.level is Level.WARNINGS_AND_ALARMS
    assert settings.telling.limits == Limits(messages=3, period=7200.0, quiet=172_800.0)
    assert not settings.grid.on


async def test_an_option_without_sense_is_its_default(hass: HomeAssistant):
    options = {"monitoring": 1, "level": "loud", "grid": None, "most_messages": 0, "within": "6", "quiet": -1}
    entry = added_site(hass, options=options | {"warnings_from": "all", "silent": {"device_id": {}}})
    settings = settings_of(hass, entry)
    assert settings == Settings(telling=settings.telling)
    assert settings.telling.limits == Limits()
    assert (settings.telling.level, settings.telling.levels) == (Level.ALARMS_ONLY, {})


@pytest.mark.parametrize("kind", ["device", "area", "floor", "label", "label_of_area", "label_of_entity", "entity"])
async def test_levels_follow_devices_areas_floors_labels_and_entities(hass: HomeAssistant, kind: str):
    gateway = added_gateway(hass)
    meant, other = device_of(hass, gateway), device_of(hass, gateway, "battery")
    entity_id = entity_of(hass, gateway, meant)
    floor = fr.async_get(hass).async_create("Cellar").floor_id
    label = lr.async_get(hass).async_create("Important").label_id
    area = ar.async_get(hass).async_create("Boiler room", floor_id=floor)
    if kind in ("area", "floor", "label_of_area"):
        dr.async_get(hass).async_update_device(meant, area_id=area.id)
    if kind == "label":
        dr.async_get(hass).async_update_device(meant, labels={label})
    if kind == "label_of_area":
        ar.async_get(hass).async_update(area.id, labels={label})
    if kind == "label_of_entity":
        er.async_get(hass).async_update_entity(entity_id, labels={label})
    ids = {"device": meant, "area": area.id, "floor": floor, "label": label, "entity": entity_id}
    target = kind.partition("_")[0]
    entry = added_site(hass, options={"warnings_from": {f"{target}_id": [ids[target]]}, "silent": {"device_id": other}})
    levels = settings_of(hass, entry).telling.levels
    assert levels == {meant: Level.WARNINGS_AND_ALARMS, other: Level.OFF}


async def test_silent_comes_before_warnings(hass: HomeAssistant):
    device = device_of(hass, added_gateway(hass))
    both = {"warnings_from": {"device_id": device}, "silent": {"device_id": [device]}}
    assert settings_of(hass, added_site(hass, options=both)).telling.levels == {device: Level.OFF}


async def test_without_monitoring_no_device_is_told_of(hass: HomeAssistant):
    device = device_of(hass, added_gateway(hass))
    options = {"monitoring": False, "level": "alarms_only", "warnings_from": {"device_id": [device]}}
    telling = settings_of(hass, added_site(hass, options=options)).telling
    assert (telling.level, telling.levels) == (Level.OFF, {})


# --- the connections of the gateways -------------------------------------------------------------------------------


async def test_the_connection_of_every_gateway_is_watched_unless_its_options_say_otherwise(hass: HomeAssistant):
    gx = added_gateway(hass)
    device = device_of(hass, gx)
    patient = added_gateway(hass, title="UPS", options={"tolerated_gap": 60.0})
    unwatched = added_gateway(hass, title="Stick", options={"monitor_connection": False})
    entry = added_site(hass)
    assert settings_of(hass, entry).communication == (
        Communication(gateway=gx.entry_id, name="GX", device=device, gap=300.0),
        Communication(gateway=patient.entry_id, name="UPS", gap=60.0),
        Communication(gateway=unwatched.entry_id, name="Stick", on=False),
    )


async def test_nobody_waits_for_a_gateway_that_is_disabled_or_ignored_or_has_no_device(hass: HomeAssistant):
    added_gateway(hass, disabled_by=ConfigEntryDisabler.USER, data={"gateway": "netvision", "uid": "1", "devices": []})
    added_gateway(hass, source=SOURCE_IGNORE, data={})
    (disabled,) = settings_of(hass, added_site(hass)).communication
    assert not disabled.on
    assert disabled.device is None

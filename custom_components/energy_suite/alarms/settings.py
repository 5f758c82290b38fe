"""What the user chose for the alarms, as the engine takes it.

It is in the site's options and subentries, in the options of the gateways, and in the registries. Stored data may be
damaged or edited by hand: an option that makes no sense is its default, a subentry that makes none is left out.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import voluptuous as vol
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.target import TargetSelection, async_extract_referenced_entity_ids
from homeassistant.util import dt as dt_util

from ..const import (
    CONF_DEVICES,
    CONF_GRID,
    CONF_LEVEL,
    CONF_MONITOR_CONNECTION,
    CONF_MONITORING,
    CONF_MOST_MESSAGES,
    CONF_QUIET,
    CONF_SILENT,
    CONF_TOLERATED_GAP,
    CONF_UID,
    CONF_WARNINGS_FROM,
    CONF_WITHIN,
    DOMAIN,
    SUBENTRY_GEOFENCE,
    SUBENTRY_RECIPIENT,
    SUBENTRY_RULE,
    is_site,
)
from ..site.alarms.communication import Communication
from ..site.alarms.engine import Settings
from ..site.alarms.episodes import Severity
from ..site.alarms.geofence import Circle, Geofence, Polygon, Rectangle, Shape, check_fence
from ..site.alarms.grid import Grid
from ..site.alarms.limits import Limits
from ..site.alarms.quiet_hours import QuietHours
from ..site.alarms.recipients import Level, Recipient
from ..site.alarms.rules import LARGEST, Rule, check
from ..site.alarms.telling import Telling
from ..texts import FALLBACK, TEXTS

_HOUR: Final = 3600.0


def _number(value: Any) -> float:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST:
        raise vol.Invalid("not a number")
    return float(value)


def _severity(value: Any) -> Severity:
    for severity in Severity:
        if severity.word == value:
            return severity
    raise vol.Invalid("not a severity")


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise vol.Invalid("neither on nor off")
    return value


def _language(value: Any) -> str:
    return value if isinstance(value, str) and value in TEXTS else FALLBACK


def _from(lowest: float) -> Callable[[Any], float]:
    """A number that is not below that."""

    def valid(value: Any) -> float:
        if (number := _number(value)) < lowest:
            raise vol.Invalid("too low")
        return number

    return valid


def _count(value: Any) -> int:
    """A whole number of at least one."""
    return int(_from(1)(value))


def _position(value: Any) -> tuple[float, float]:
    """A latitude and a longitude."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise vol.Invalid("not a position")
    return _number(value[0]), _number(value[1])


def _hours(value: Any) -> float:
    """The s in a number of h."""
    return _from(1)(value) * _HOUR


_level = vol.Coerce(Level)
_seconds = _from(0)

RULE = vol.Schema(
    {
        vol.Required("entity"): cv.entity_id,
        vol.Optional("low"): _number,
        vol.Optional("low_hysteresis"): _number,
        vol.Optional("high"): _number,
        vol.Optional("high_hysteresis"): _number,
        vol.Optional("states", default=list): [str],
        vol.Optional("delay"): _seconds,
        vol.Optional("severity"): _severity,
        vol.Optional("grid"): _flag,
        vol.Optional("no_data"): _seconds,
    },
    extra=vol.REMOVE_EXTRA,
)
RECIPIENT = vol.Schema(
    {
        vol.Required("target"): vol.All(str, cv.entity_domain("notify")),
        vol.Optional("language", default=FALLBACK): _language,
        vol.Optional("severities"): [_severity],
        vol.Optional("level"): _level,
        vol.Inclusive("quiet_from", "quiet_hours"): cv.time,
        vol.Inclusive("quiet_to", "quiet_hours"): cv.time,
    },
    extra=vol.REMOVE_EXTRA,
)
GEOFENCE = vol.Schema(
    {
        vol.Required("device"): str,
        vol.Required("shape"): str,
        vol.Required("points"): [_position],
        vol.Optional("radius", default=0.0): _number,
        vol.Optional("delay"): _seconds,
        vol.Optional("armed"): _flag,
    },
    extra=vol.REMOVE_EXTRA,
)
TARGET = vol.Schema(
    {vol.Optional(f"{kind}_id"): vol.Any(str, [str]) for kind in ("device", "area", "label", "entity", "floor")},
    extra=vol.REMOVE_EXTRA,
)


@callback
def settings_of(hass: HomeAssistant, entry: ConfigEntry) -> Settings:
    """Everything that the user chose. What has to be left out is told in a repair.

    To be asked again after a change of any entry of the suite, of the registries, or of the time zone.
    """
    settings = Settings(
        telling=Telling(
            recipients=tuple(_made(entry, SUBENTRY_RECIPIENT, recipient_of)),
            level=level_of(entry) if is_monitoring(entry) else Level.OFF,
            levels=_levels(hass, entry) if is_monitoring(entry) else {},
            limits=_limits(entry),
            timezone=dt_util.get_default_time_zone(),
        ),
        rules=tuple(
            rule for rule in _made(entry, SUBENTRY_RULE, lambda *about: rule_of(*about, hass=hass)) if not check(rule)
        ),
        communication=tuple(_communication(hass)),
        geofences=tuple(fence for fence in _made(entry, SUBENTRY_GEOFENCE, geofence_of) if not check_fence(fence)),
        grid=Grid(on=_option(entry, CONF_GRID, default=True, valid=_flag)),
    )
    _tell_damaged(hass, entry, settings)
    return settings


def is_monitoring(entry: ConfigEntry) -> bool:
    """Whether what devices report by themselves is told at all."""
    return _option(entry, CONF_MONITORING, default=True, valid=_flag)


def level_of(entry: ConfigEntry) -> Level:
    """How much of it is told, of devices without a level of their own."""
    return _option(entry, CONF_LEVEL, default=Level.ALARMS_ONLY, valid=_level)


def entities_of(entry: ConfigEntry) -> dict[str, str]:
    """The entity of each rule, by the rule's id."""
    return dict(_made(entry, SUBENTRY_RULE, lambda key, _, stored: (key, RULE(stored)["entity"])))


def targets_of(entry: ConfigEntry) -> dict[str, str]:
    """The notify service or entity of each recipient, by the recipient's id."""
    return dict(_made(entry, SUBENTRY_RECIPIENT, lambda key, _, stored: (key, RECIPIENT(stored)["target"])))


# --- subentries: the id, the title, the data ------------------------------------------------------------------------


def rule_of(key: str, name: str, stored: Mapping[str, Any], *, hass: HomeAssistant | None = None) -> Rule:
    """The rule that a subentry describes, which may have mistakes. Raises ``vol.Invalid`` for what is none.

    Whose entity it watches is known with ``hass`` alone.
    """
    data = RULE(stored)
    entity_id, armed = data.pop("entity"), frozenset(data.pop("states"))
    entity = None if hass is None else er.async_get(hass).async_get(entity_id)
    return Rule(id=key, name=name, device=None if entity is None else entity.device_id, armed=armed, **data)


def recipient_of(key: str, _name: str, stored: Mapping[str, Any]) -> Recipient:
    """The recipient that a subentry describes. Raises ``vol.Invalid`` for what is none."""
    data = RECIPIENT(stored)
    del data["target"]
    if "severities" in data:
        data["severities"] = frozenset(data["severities"])
    if "quiet_from" in data:
        data["quiet_hours"] = (QuietHours(data.pop("quiet_from"), data.pop("quiet_to")),)
    return Recipient(id=key, **data)


def geofence_of(key: str, name: str, stored: Mapping[str, Any]) -> Geofence:
    """The geofence that a subentry describes, which may have mistakes. Raises ``vol.Invalid`` for what is none."""
    data = GEOFENCE(stored)
    shape = _shape(data.pop("shape"), data.pop("points"), data.pop("radius"))
    return Geofence(id=key, name=name, shape=shape, **data)


def _shape(shape: str, points: list[tuple[float, float]], radius: float) -> Shape:
    match shape, points:
        case "circle", [centre]:
            return Circle(centre, radius)
        case "rectangle", [south_west, north_east]:
            return Rectangle(south_west, north_east)
        case "polygon", _:
            return Polygon(tuple(points))
    raise vol.Invalid("not a shape")


def _made[T](entry: ConfigEntry, kind: str, make: Callable[[str, str, Mapping[str, Any]], T]) -> Iterator[T]:
    """What the subentries of a kind describe, as far as they do."""
    for subentry in entry.subentries.values():
        if subentry.subentry_type == kind:
            try:
                yield make(subentry.subentry_id, subentry.title, dict(subentry.data))
            except vol.Invalid:
                continue


def _tell_damaged(hass: HomeAssistant, entry: ConfigEntry, settings: Settings) -> None:
    """Tell which subentries had to be left out."""
    used = {
        *(rule.id for rule in settings.rules),
        *(recipient.id for recipient in settings.telling.recipients),
        *(fence.id for fence in settings.geofences),
    }
    kinds = (SUBENTRY_RULE, SUBENTRY_RECIPIENT, SUBENTRY_GEOFENCE)
    damaged = [
        subentry.title
        for subentry in entry.subentries.values()
        if subentry.subentry_type in kinds and subentry.subentry_id not in used
    ]
    issue_id = f"alarm_settings_damaged_{entry.entry_id}"
    if not damaged:
        ir.async_delete_issue(hass, DOMAIN, issue_id)
        return
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id,
        is_fixable=False,
        severity=ir.IssueSeverity.ERROR,
        translation_key="alarm_settings_damaged",
        translation_placeholders={"title": entry.title, "names": ", ".join(damaged)},
    )


# --- options ---------------------------------------------------------------------------------------------------------


def _option[T](entry: ConfigEntry, name: str, *, default: T, valid: Callable[[Any], T]) -> T:
    """An option, or its default where it makes no sense."""
    try:
        return valid(entry.options[name])
    except KeyError, vol.Invalid:
        return default


def _limits(entry: ConfigEntry) -> Limits:
    usual = Limits()
    return Limits(
        messages=_option(entry, CONF_MOST_MESSAGES, default=usual.messages, valid=_count),
        period=_option(entry, CONF_WITHIN, default=usual.period, valid=_hours),
        quiet=_option(entry, CONF_QUIET, default=usual.quiet, valid=_hours),
    )


def _levels(hass: HomeAssistant, entry: ConfigEntry) -> dict[str, Level]:
    """The levels of devices that have one of their own; what is to be silent is, whatever else it is part of."""
    return {
        device: level
        for name, level in ((CONF_WARNINGS_FROM, Level.WARNINGS_AND_ALARMS), (CONF_SILENT, Level.OFF))
        for device in _devices_in(hass, _option(entry, name, default={}, valid=TARGET))
    }


def _devices_in(hass: HomeAssistant, target: dict[str, Any]) -> Iterable[str]:
    """The devices that are meant, by themselves, an area, a floor, a label, or one of their entities."""
    selection = TargetSelection(target)
    selected = async_extract_referenced_entity_ids(hass, selection, expand_group=False)
    registry = er.async_get(hass)
    entities = [registry.async_get(entity_id) for entity_id in selected.referenced]
    for label in selection.label_ids:
        entities.extend(er.async_entries_for_label(registry, label))
    of_entities = {entity.device_id for entity in entities if entity is not None and entity.device_id is not None}
    return selected.referenced_devices | of_entities


def _communication(hass: HomeAssistant) -> Iterator[Communication]:
    """How the connection to each gateway is watched; nobody waits for one that is disabled."""
    for gateway in hass.config_entries.async_entries(DOMAIN, include_ignore=False):
        if is_site(gateway):
            continue
        usual = Communication(gateway=gateway.entry_id)
        monitored = _option(gateway, CONF_MONITOR_CONNECTION, default=usual.on, valid=_flag)
        yield Communication(
            gateway=gateway.entry_id,
            name=gateway.title,
            device=_main_device(hass, gateway),
            on=monitored and gateway.disabled_by is None,
            gap=_option(gateway, CONF_TOLERATED_GAP, default=usual.gap, valid=_seconds),
        )


def _main_device(hass: HomeAssistant, gateway: ConfigEntry) -> str | None:
    """The device that is the gateway itself: the first of its devices."""
    for found in gateway.data[CONF_DEVICES][:1]:
        identifier = (DOMAIN, f"{gateway.data[CONF_UID]}_{found['key']}")
        device = dr.async_get(hass).async_get_device_by_identifier(identifier, gateway.entry_id)
        return None if device is None else device.id
    return None

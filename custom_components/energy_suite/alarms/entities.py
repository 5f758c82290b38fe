"""The entities of the site's own device: what is raised, what the rules say, and what is switched."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, override

from homeassistant.components.binary_sensor import BinarySensorEntity
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.components.button import ButtonEntity
from homeassistant.components.event import EventEntity
from homeassistant.components.select import SelectEntity
from homeassistant.components.sensor import SensorDeviceClass, SensorEntity, SensorStateClass
from homeassistant.components.switch import SwitchEntity
from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.const import STATE_UNAVAILABLE, EntityCategory, Platform
from homeassistant.core import CALLBACK_TYPE, Event, EventStateChangedData, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.event import async_track_state_change_event

from ..const import CONF_LEVEL, CONF_MONITORING, CONF_UID, DOMAIN, SITE, SUBENTRY_GEOFENCE, SUBENTRY_RULE
from ..site.alarms.engine import Active, Settings
from ..site.alarms.episodes import Change, Edge, Episode, Severity, Source
from ..site.alarms.recipients import Level
from ..site.alarms.rules import Rule, known
from ..suite import CommandRecord, async_get_suite
from .settings import is_monitoring, level_of

if TYPE_CHECKING:
    from .center import AlarmCenter

ENTITY: Final = "entity"
ARMED: Final = "armed"
NONE: Final = "none"
"""The highest severity while nothing is raised."""
SEVERITIES: Final = [NONE, *(severity.word for severity in Severity)]
LEVELS: Final = [level.value for level in Level]
EDGES: Final = [change.value for change in (Change.RAISED, Change.WORSENED, Change.CLEARED)]


class SiteEntity(Entity):
    """An entity of the installation as a whole."""

    _attr_has_entity_name = True
    _attr_should_poll = False

    def __init__(self, center: AlarmCenter, key: str) -> None:
        """Take the ids from the entry and the key."""
        self.center = center
        self.key = key
        uid = center.entry.data[CONF_UID]
        self._attr_unique_id = f"{uid}_{key}"
        self._attr_device_info = DeviceInfo(
            identifiers={(DOMAIN, uid)}, entry_type=DeviceEntryType.SERVICE, translation_key=SITE
        )

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self.async_on_remove(self.center.async_on_change(self._async_changed))

    @callback
    def _async_changed(self) -> None:
        """Alarms or settings changed."""
        self.async_write_ha_state()

    @callback
    def _async_set_option(self, option: str, before: str | bool, to: str | bool) -> None:
        """Keep an option of the entry, by which the center goes from then on."""
        entry = self.center.entry
        with self.center.feed.by_command():
            self.hass.config_entries.async_update_entry(entry, options={**entry.options, option: to})
        self._async_record(self.key, before, to)

    @callback
    def _async_record(self, control: str, before: str | bool, to: str | bool) -> None:
        """Leave a record of a command."""
        device = self.device_entry
        assert device is not None
        async_get_suite(self.hass).async_record(
            CommandRecord(
                device_id=device.id,
                device=device.name_by_user or device.name or "",
                control=control,
                before=before,
                to=to,
                result="unchanged" if before == to else "applied",
            ),
            self._context,
        )


def _told(center: AlarmCenter) -> list[Active]:
    """What is raised, without what only reports the failure of the grid that is raised for it."""
    return [active for active in center.active if not active.suppressed]


class ActiveAlarms(SiteEntity, SensorEntity):
    """How many alarms are raised, and which."""

    _attr_translation_key = "active_alarms"
    _attr_state_class = SensorStateClass.MEASUREMENT
    _unrecorded_attributes = frozenset({"alarms"})

    def __init__(self, center: AlarmCenter) -> None:
        """Belong to the site."""
        super().__init__(center, "active_alarms")

    @property
    @override
    def native_value(self) -> int:
        return len(_told(self.center))

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any]:
        return {
            "alarms": [self.center.describe_active(active, self.hass.config.language) for active in _told(self.center)]
        }


class HighestSeverity(SiteEntity, SensorEntity):
    """How bad the worst alarm is that is raised."""

    _attr_translation_key = "highest_severity"
    _attr_device_class = SensorDeviceClass.ENUM
    _attr_options = SEVERITIES

    def __init__(self, center: AlarmCenter) -> None:
        """Belong to the site."""
        super().__init__(center, "highest_severity")

    @property
    @override
    def native_value(self) -> str:
        return max((active.episode.severity.word for active in _told(self.center)), key=SEVERITIES.index, default=NONE)


class AlarmEdgeEvent(SiteEntity, EventEntity):
    """Records each alarm of the installation, raised, worsened or cleared."""

    _attr_translation_key = "alarm_edge"
    _attr_event_types = EDGES

    def __init__(self, center: AlarmCenter) -> None:
        """Belong to the site."""
        super().__init__(center, "alarm_edge")

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self.async_on_remove(self.center.async_on_edge(self._async_edge))

    @callback
    def _async_edge(self, edge: Edge) -> None:
        if edge.change in EDGES:
            self._trigger_event(edge.change, self.center.describe(edge.episode, self.hass.config.language))
            self.async_write_ha_state()


class MonitoringSwitch(SiteEntity, SwitchEntity):
    """Whether what devices report by themselves is told."""

    _attr_translation_key = "monitoring"

    def __init__(self, center: AlarmCenter) -> None:
        """Belong to the site."""
        super().__init__(center, CONF_MONITORING)

    @property
    @override
    def is_on(self) -> bool:
        return is_monitoring(self.center.entry)

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        self._async_set_option(CONF_MONITORING, self.is_on, True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        self._async_set_option(CONF_MONITORING, self.is_on, False)


class LevelSelect(SiteEntity, SelectEntity):
    """How much is told of what devices say by themselves."""

    _attr_translation_key = "monitoring_level"
    _attr_entity_category = EntityCategory.CONFIG
    _attr_options = LEVELS

    def __init__(self, center: AlarmCenter) -> None:
        """Belong to the site."""
        super().__init__(center, "monitoring_level")

    @property
    @override
    def current_option(self) -> str:
        return level_of(self.center.entry).value

    @override
    async def async_select_option(self, option: str) -> None:
        self._async_set_option(CONF_LEVEL, self.current_option, option)


class ResetButton(SiteEntity, ButtonEntity):
    """Tells again of the alarms that were silenced because they came and went too often."""

    _attr_translation_key = "reset_limits"
    _attr_entity_category = EntityCategory.CONFIG

    def __init__(self, center: AlarmCenter) -> None:
        """Belong to the site."""
        super().__init__(center, "reset_limits")

    @override
    async def async_press(self) -> None:
        await self.center.async_reset_limits(context=self._context)


class TestButton(SiteEntity, ButtonEntity):
    """Sends every recipient a message that says that it is a test."""

    _attr_translation_key = "test_notification"
    _attr_entity_category = EntityCategory.CONFIG

    def __init__(self, center: AlarmCenter) -> None:
        """Belong to the site."""
        super().__init__(center, "test_notification")

    @override
    async def async_press(self) -> None:
        await self.center.async_test(context=self._context)


class SubentryEntity(SiteEntity):
    """An entity that stands for a subentry, under its name."""

    def __init__(self, center: AlarmCenter, subentry: ConfigSubentry) -> None:
        """Take the key from the kind of subentry and its id."""
        super().__init__(center, _key(subentry.subentry_type, subentry.subentry_id))
        self.subentry = subentry

    @property
    @override
    def name(self) -> str:
        return self.subentry.title


class RuleSensor(SubentryEntity, BinarySensorEntity):
    """On while a rule of the user has raised an alarm.

    It is unknown while the watched entity says nothing, and not available while that is not or the rule is damaged.
    """

    _attr_device_class = BinarySensorDeviceClass.PROBLEM

    def __init__(self, center: AlarmCenter, subentry: ConfigSubentry) -> None:
        """Belong to a rule."""
        super().__init__(center, subentry)
        self._settings: Settings | None = None
        self._rule: Rule | None = None
        self._raised = False
        self._watched: str | None = None
        self._unwatch: CALLBACK_TYPE | None = None
        self._shown: tuple[bool, bool | None, str] | None = None
        self._look_at_rule()
        self._look_at_alarms()

    def _look_at_rule(self) -> None:
        """Take up the rule as it is now."""
        if self.center.engine.settings is not self._settings:
            self._settings = self.center.engine.settings
            self._rule = next((rule for rule in self._settings.rules if rule.id == self.subentry.subentry_id), None)

    def _look_at_alarms(self) -> None:
        """Note whether one of its alarms is raised."""
        self._raised = any(self._is_of_rule(active.episode) for active in self.center.active)

    def _is_of_rule(self, episode: Episode) -> bool:
        return episode.source is Source.RULE and episode.subject == self.subentry.subentry_id

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self.async_on_remove(self.center.async_on_edge(self._async_edge))
        self.async_on_remove(self._async_unwatch)
        self._look_at_rule()
        self._look_at_alarms()
        self._async_watch()
        self._shown = self._showing

    @callback
    def _async_edge(self, edge: Edge) -> None:
        # All alarms are looked at for its own edges alone: there may be hundreds of rules.
        if self._is_of_rule(edge.episode):
            self._look_at_alarms()
            self._async_show()

    @callback
    def _async_watch(self) -> None:
        """Follow the entity that the rule is about now."""
        if self._watched != (entity_id := self.subentry.data.get(ENTITY, "")):
            self._async_unwatch()
            self._watched = entity_id
            self._unwatch = async_track_state_change_event(self.hass, entity_id, self._async_seen)

    @callback
    def _async_unwatch(self) -> None:
        if self._unwatch is not None:
            self._unwatch()
            self._unwatch = None

    @callback
    def _async_seen(self, event: Event[EventStateChangedData]) -> None:
        self._async_show()

    @callback
    @override
    def _async_changed(self) -> None:
        self._look_at_rule()
        self._async_watch()
        self._async_show()

    @callback
    def _async_show(self) -> None:
        """Write what is new: what is watched may change every second."""
        if (showing := self._showing) != self._shown:
            self._shown = showing
            self.async_write_ha_state()

    @property
    def _showing(self) -> tuple[bool, bool | None, str]:
        return self.available, self.is_on, self.name

    @property
    def _state(self) -> str | None:
        """What the watched entity shows; None if there is none."""
        state = self.hass.states.get(self.subentry.data.get(ENTITY, ""))
        return None if state is None else state.state

    @property
    @override
    def available(self) -> bool:
        if self._rule is None:
            return False
        return self._raised or self._state not in (None, STATE_UNAVAILABLE)

    @property
    @override
    def is_on(self) -> bool | None:
        if self._raised:
            return True
        return None if self._rule is None or known(self._rule, self._state) is None else False


class GeofenceSwitch(SubentryEntity, SwitchEntity):
    """Whether it is an alarm to leave a geofence."""

    _attr_icon = "mdi:map-marker-radius"

    @property
    @override
    def is_on(self) -> bool:
        return bool(self.subentry.data.get(ARMED, True))

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        self._async_arm(True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        self._async_arm(False)

    @callback
    def _async_arm(self, armed: bool) -> None:
        before = self.is_on
        with self.center.feed.by_command():
            self.hass.config_entries.async_update_subentry(
                self.center.entry, self.subentry, data={**self.subentry.data, ARMED: armed}
            )
        self._async_record(self.name, before, armed)


OF_SITE: Final[Mapping[Platform, tuple[Callable[[AlarmCenter], SiteEntity], ...]]] = {
    Platform.SENSOR: (ActiveAlarms, HighestSeverity),
    Platform.EVENT: (AlarmEdgeEvent,),
    Platform.SWITCH: (MonitoringSwitch,),
    Platform.SELECT: (LevelSelect,),
    Platform.BUTTON: (ResetButton, TestButton),
}
OF_SUBENTRIES: Final[Mapping[Platform, tuple[str, Callable[[AlarmCenter, ConfigSubentry], SubentryEntity]]]] = {
    Platform.BINARY_SENSOR: (SUBENTRY_RULE, RuleSensor),
    Platform.SWITCH: (SUBENTRY_GEOFENCE, GeofenceSwitch),
}


@callback
def async_add_site_entities(
    entry: ConfigEntry[Any], async_add_entities: AddConfigEntryEntitiesCallback, platform: Platform
) -> None:
    """Make the entities of one platform for the site."""
    center: AlarmCenter = entry.runtime_data
    async_add_entities([make(center) for make in OF_SITE.get(platform, ())])
    if platform in OF_SUBENTRIES:
        entry.async_on_unload(_async_follow(center, async_add_entities, platform, *OF_SUBENTRIES[platform]))


@callback
def _async_follow(
    center: AlarmCenter,
    async_add_entities: AddConfigEntryEntitiesCallback,
    platform: Platform,
    kind: str,
    make: Callable[[AlarmCenter, ConfigSubentry], SubentryEntity],
) -> CALLBACK_TYPE:
    """Make an entity for every subentry of a kind that there is, and forget those of subentries that are gone.

    They belong to the site's device, and a device belongs to one subentry or to none: so nothing else forgets them.
    """
    made: set[str] = set()
    registry = er.async_get(center.hass)
    prefix = f"{center.entry.data[CONF_UID]}_{_key(kind, '')}"

    @callback
    def follow() -> None:
        there = {each.subentry_id: each for each in center.entry.subentries.values() if each.subentry_type == kind}
        for entity in er.async_entries_for_config_entry(registry, center.entry.entry_id):
            is_of_kind = entity.domain == platform and entity.unique_id.startswith(prefix)
            if is_of_kind and entity.unique_id.removeprefix(prefix) not in there:
                registry.async_remove(entity.entity_id)
        new = [subentry for subentry_id, subentry in there.items() if subentry_id not in made]
        made.update(subentry.subentry_id for subentry in new)
        if new:
            async_add_entities([make(center, subentry) for subentry in new])

    follow()
    return center.async_on_change(follow)


def _key(kind: str, subentry_id: str) -> str:
    return f"{kind}_{subentry_id}"

"""The alarms of a device as they come and go."""

from typing import override

from homeassistant.components.event import EventEntity
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .alarms.entities import async_add_site_entities
from .const import is_site
from .coordinator import DeviceCoordinator, SuiteConfigEntry
from .entity import DeviceEntity, async_add_to_every_device
from .gateways.base import Alarm
from .texts import alarm_texts

PARALLEL_UPDATES = 0

RAISED = "raised"
CLEARED = "cleared"


async def async_setup_entry(
    hass: HomeAssistant, entry: SuiteConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Make the alarm event of every device."""
    if is_site(entry):
        async_add_site_entities(entry, async_add_entities, Platform.EVENT)
        return
    async_add_to_every_device(entry, async_add_entities, AlarmEvent)


class AlarmEvent(DeviceEntity, EventEntity):
    """Records each alarm of the device, raised or cleared."""

    _attr_translation_key = "alarm"

    def __init__(self, coordinator: DeviceCoordinator) -> None:
        """Belong to any device."""
        super().__init__(coordinator, "alarm")
        self._attr_event_types = [RAISED, CLEARED]

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self.async_on_remove(self.coordinator.async_on_alarm(self._async_record))

    @callback
    def _async_record(self, alarm: Alarm, raised: bool) -> None:
        self._trigger_event(
            RAISED if raised else CLEARED,
            {
                "alarm": alarm.key,
                "severity": alarm.severity.word,
                "notify_by_default": alarm.notify_by_default,
                **alarm_texts(self.hass.config.language, alarm),
                **alarm.details,
            },
        )
        self.async_write_ha_state()

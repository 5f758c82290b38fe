"""States that are on or off."""

from collections.abc import Mapping
from typing import Any, override

from homeassistant.components.binary_sensor import BinarySensorEntity
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.const import EntityCategory, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .alarms.entities import async_add_site_entities
from .const import is_site
from .coordinator import DeviceCoordinator, SuiteConfigEntry
from .entities.descriptions import BinarySensorDescription
from .entity import DescribedEntity, DeviceEntity, async_add_described, async_add_to_every_device
from .gateways.base import Severity
from .gateways.legrand.devices import PresentDevice
from .texts import alarm_texts

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant, entry: SuiteConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Make the binary sensors of every device."""
    if is_site(entry):
        async_add_site_entities(entry, async_add_entities, Platform.BINARY_SENSOR)
        return
    async_add_described(entry, async_add_entities, BinarySensorDescription, SuiteBinarySensor)
    async_add_to_every_device(entry, async_add_entities, ProblemSensor)
    async_add_entities([ConnectionSensor(entry.runtime_data.main)])
    # Of these nothing else is known.
    async_add_to_every_device(
        entry, async_add_entities, ConnectionSensor, only=lambda device: isinstance(device, PresentDevice)
    )


class SuiteBinarySensor(DescribedEntity[BinarySensorDescription[Any]], BinarySensorEntity):
    """A state of the device."""

    @property
    @override
    def is_on(self) -> bool | None:
        return self.description.value_fn(self.device)

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        return self.description.attributes_fn(self.device)


class ProblemSensor(DeviceEntity, BinarySensorEntity):
    """On while the device raises a warning or worse; its attribute lists everything that is raised."""

    _attr_device_class = BinarySensorDeviceClass.PROBLEM
    _unrecorded_attributes = frozenset({"alarms"})

    def __init__(self, coordinator: DeviceCoordinator) -> None:
        """Belong to any device."""
        super().__init__(coordinator, "problem")

    @property
    @override
    def is_on(self) -> bool:
        return any(alarm.severity >= Severity.WARNING for alarm in self.coordinator.alarms)

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any]:
        language = self.hass.config.language
        return {
            "alarms": [
                {
                    "alarm": alarm.key,
                    "severity": alarm.severity.word,
                    **alarm_texts(language, alarm),
                    **alarm.details,
                }
                for alarm in self.coordinator.alarms
            ]
        }


class ConnectionSensor(DeviceEntity, BinarySensorEntity):
    """Whether the gateway, or a device of which no more is known, answers; available even when it does not."""

    _attr_device_class = BinarySensorDeviceClass.CONNECTIVITY
    _attr_entity_category = EntityCategory.DIAGNOSTIC

    def __init__(self, coordinator: DeviceCoordinator) -> None:
        """Belong to the gateway."""
        super().__init__(coordinator, "connection")

    @property
    @override
    def available(self) -> bool:
        return True

    @property
    @override
    def is_on(self) -> bool:
        return self.coordinator.data.available

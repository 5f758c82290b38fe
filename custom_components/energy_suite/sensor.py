"""Readings."""

from datetime import datetime
from typing import Any, override

from homeassistant.components.sensor import SensorDeviceClass, SensorEntity, SensorEntityDescription, SensorStateClass
from homeassistant.const import EntityCategory, Platform, UnitOfTime
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.typing import StateType

from .alarms.entities import async_add_site_entities
from .const import is_site
from .coordinator import DeviceCoordinator, SuiteConfigEntry
from .entities.descriptions import SensorDescription
from .entity import DescribedEntity, DeviceEntity, async_add_described
from .publishing import Publisher

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant, entry: SuiteConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Make the sensors of every device."""
    if is_site(entry):
        async_add_site_entities(entry, async_add_entities, Platform.SENSOR)
        return
    async_add_described(entry, async_add_entities, SensorDescription, SuiteSensor)
    async_add_entities([AchievedIntervalSensor(entry.runtime_data.main)])


class SuiteSensor(DescribedEntity[SensorDescription[Any]], SensorEntity):
    """A reading that is written when it changed enough to matter."""

    def __init__(self, coordinator: DeviceCoordinator, description: SensorDescription[Any]) -> None:
        """Decide from the unit what matters."""
        super().__init__(coordinator, description)
        self._publisher = Publisher(description.native_unit_of_measurement, description.step)

    @property
    @override
    def native_value(self) -> StateType | datetime:
        value = self.description.value_fn(self.device)
        if isinstance(value, float):
            # Finer than anyone is shown, it would only fill the history.
            return round(value, max(self.description.suggested_display_precision or 0, 0) + 1)
        return value

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        value = self.native_value if self.available else "unavailable"
        if self._publisher.is_due(value, self.hass.loop.time()):
            self.async_write_ha_state()


class AchievedIntervalSensor(DeviceEntity, SensorEntity):
    """How long a round of reading really takes on this gateway's connection."""

    _attr_entity_category = EntityCategory.DIAGNOSTIC
    _attr_entity_registry_enabled_default = False
    entity_description = SensorEntityDescription(
        key="achieved_interval",
        translation_key="achieved_interval",
        device_class=SensorDeviceClass.DURATION,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        suggested_display_precision=1,
    )

    def __init__(self, coordinator: DeviceCoordinator) -> None:
        """Belong to the gateway."""
        super().__init__(coordinator, self.entity_description.key)

    @property
    @override
    def native_value(self) -> float | None:
        achieved = self.coordinator.config_entry.runtime_data.lease.runner.schedule.achieved
        return None if achieved is None else round(achieved, 1)

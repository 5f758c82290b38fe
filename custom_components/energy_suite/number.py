"""Settings with a range."""

from typing import Any, override

from homeassistant.components.number import NumberEntity
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import SuiteConfigEntry
from .entities.descriptions import NumberDescription
from .entity import DescribedEntity, async_add_described

PARALLEL_UPDATES = 0  # commands wait for each other per device, and the newest for a control wins


async def async_setup_entry(
    hass: HomeAssistant, entry: SuiteConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Make the numbers of every device."""
    async_add_described(entry, async_add_entities, NumberDescription, SuiteNumber)


class SuiteNumber(DescribedEntity[NumberDescription[Any]], NumberEntity):
    """A setting of the device."""

    @property
    @override
    def native_value(self) -> float | None:
        return self.description.value_fn(self.device)

    @property
    @override
    def native_min_value(self) -> float:
        return self.description.range_fn(self.device)[0]

    @property
    @override
    def native_max_value(self) -> float:
        return self.description.range_fn(self.device)[1]

    @override
    async def async_set_native_value(self, value: float) -> None:
        await self.async_send(
            lambda: self.description.set_fn(self.device, value),
            before=self.native_value,
            to=value,
            danger=self.description.danger_fn(value),
        )

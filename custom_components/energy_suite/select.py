"""Choices."""

from typing import Any, override

from homeassistant.components.select import SelectEntity
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .alarms.entities import async_add_site_entities
from .const import is_site
from .coordinator import SuiteConfigEntry
from .entities.descriptions import SelectDescription
from .entity import DescribedEntity, async_add_described

PARALLEL_UPDATES = 0  # commands wait for each other per device, and the newest for a control wins


async def async_setup_entry(
    hass: HomeAssistant, entry: SuiteConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Make the selects of every device."""
    if is_site(entry):
        async_add_site_entities(entry, async_add_entities, Platform.SELECT)
        return
    async_add_described(entry, async_add_entities, SelectDescription, SuiteSelect)


class SuiteSelect(DescribedEntity[SelectDescription[Any]], SelectEntity):
    """A choice on the device."""

    @property
    @override
    def current_option(self) -> str | None:
        return self.description.value_fn(self.device)

    @override
    async def async_select_option(self, option: str) -> None:
        await self.async_send(
            lambda: self.description.set_fn(self.device, option),
            before=self.current_option,
            to=option,
            danger=self.description.danger_fn(option),
        )

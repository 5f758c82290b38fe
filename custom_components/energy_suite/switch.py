"""What can be switched on and off."""

from typing import Any, override

from homeassistant.components.switch import SwitchEntity
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .alarms.entities import async_add_site_entities
from .const import is_site
from .coordinator import SuiteConfigEntry
from .entities.descriptions import SwitchDescription
from .entity import DescribedEntity, async_add_described

PARALLEL_UPDATES = 0  # commands wait for each other per device, and the newest for a control wins


async def async_setup_entry(
    hass: HomeAssistant, entry: SuiteConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Make the switches of every device."""
    if is_site(entry):
        async_add_site_entities(entry, async_add_entities, Platform.SWITCH)
        return
    async_add_described(entry, async_add_entities, SwitchDescription, SuiteSwitch)


class SuiteSwitch(DescribedEntity[SwitchDescription[Any]], SwitchEntity):
    """A switch of the device."""

    @property
    @override
    def is_on(self) -> bool | None:
        return self.description.value_fn(self.device)

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        await self._async_switch(True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        await self._async_switch(False)

    async def _async_switch(self, on: bool) -> None:
        await self.async_send(
            lambda: self.description.set_fn(self.device, on),
            before=self.is_on,
            to=on,
            danger=None,
        )

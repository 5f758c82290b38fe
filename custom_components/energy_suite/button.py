"""What is done once."""

from typing import Any, override

from homeassistant.components.button import ButtonEntity
from homeassistant.const import EntityCategory, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .alarms.entities import async_add_site_entities
from .const import CONF_DELAY, is_site
from .coordinator import DeviceCoordinator, SuiteConfigEntry
from .entities.descriptions import ButtonDescription
from .entity import DescribedEntity, DeviceEntity, async_add_described, async_forget_entity

PARALLEL_UPDATES = 0

CANCEL_COMMANDS = "cancel_commands"


async def async_setup_entry(
    hass: HomeAssistant, entry: SuiteConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Make the buttons of every device, and those of the gateway."""
    if is_site(entry):
        async_add_site_entities(entry, async_add_entities, Platform.BUTTON)
        return
    async_add_described(entry, async_add_entities, ButtonDescription, SuiteButton)
    main = entry.runtime_data.main
    async_add_entities([SearchButton(main)])
    if entry.options.get(CONF_DELAY):
        async_add_entities([CancelButton(main)])
    else:
        async_forget_entity(main, Platform.BUTTON, CANCEL_COMMANDS)


class SuiteButton(DescribedEntity[ButtonDescription[Any]], ButtonEntity):
    """A command of the device."""

    @override
    async def async_press(self) -> None:
        about = self.description
        await self.async_send(
            lambda: about.press_fn(self.device),
            before=None,
            to=about.key if about.control else None,
            danger=None,
            control=about.control,
        )


class SearchButton(DeviceEntity, ButtonEntity):
    """Looks for devices that were not there, without waiting for the next look by itself."""

    _attr_entity_category = EntityCategory.CONFIG
    _attr_translation_key = "search_again"

    def __init__(self, coordinator: DeviceCoordinator) -> None:
        """Belong to the gateway."""
        super().__init__(coordinator, "search_again")

    @override
    async def async_press(self) -> None:
        await self.coordinator.config_entry.runtime_data.search()


class CancelButton(DeviceEntity, ButtonEntity):
    """Cancels every command that still waits out the delay before sending."""

    _attr_translation_key = "cancel_commands"

    def __init__(self, coordinator: DeviceCoordinator) -> None:
        """Belong to the gateway."""
        super().__init__(coordinator, CANCEL_COMMANDS)

    @property
    @override
    def available(self) -> bool:
        return True

    @override
    async def async_press(self) -> None:
        self.coordinator.config_entry.runtime_data.pending.cancel()

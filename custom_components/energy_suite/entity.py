"""The base entity: one device and one description."""

from collections.abc import Awaitable, Callable
from typing import Any, override
from weakref import WeakKeyDictionary, WeakSet

from homeassistant.const import Platform
from homeassistant.core import callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity import Entity, EntityDescription
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback, async_get_current_platform
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .const import DOMAIN
from .coordinator import DeviceCoordinator, SuiteConfigEntry
from .entities import descriptions_of, withheld_from
from .entities.descriptions import Described
from .gateways.base import Danger, Device

OF_EVERY_DEVICE = ((Platform.EVENT, "alarm"), (Platform.BINARY_SENSOR, "problem"))
"""The entities that every device has, whatever its map."""


class DeviceEntity(CoordinatorEntity[DeviceCoordinator]):
    """An entity of a device, available as long as the device answers."""

    _attr_has_entity_name = True

    def __init__(self, coordinator: DeviceCoordinator, key: str) -> None:
        """Take the ids from the device and the key."""
        super().__init__(coordinator)
        self._attr_unique_id = f"{coordinator.unique_id_prefix}_{key}"
        self._attr_device_info = DeviceInfo(identifiers={(DOMAIN, coordinator.unique_id_prefix)})

    @property
    @override
    def available(self) -> bool:
        return self.coordinator.data.available


class DescribedEntity[D: Described[Any]](DeviceEntity):
    """An entity made from a description."""

    description: D

    def __init__(self, coordinator: DeviceCoordinator, description: D) -> None:
        """Hold the description under both names: Home Assistant's, and ours with its type."""
        assert isinstance(description, EntityDescription)
        super().__init__(coordinator, description.key)
        self.entity_description = description
        self.description = description

    @property
    def device(self) -> Any:
        """The typed device; the description's functions know its type."""
        return self.coordinator.device

    @property
    @override
    def available(self) -> bool:
        return self.coordinator.is_available(self.description.part)

    async def async_send(
        self,
        send: Callable[[], Awaitable[Any]],
        *,
        before: str | float | None,
        to: str | float | None,
        danger: Danger | None,
        control: str | None = None,
    ) -> None:
        """Send a command for this control, or for one that it has a share in."""
        assert self.entity_description is not None
        await self.coordinator.async_command(
            control or self.entity_description.key,
            send,
            before=before,
            to=to,
            danger=danger or self.description.danger,
            context=self._context,
        )


@callback
def async_forget_entity(coordinator: DeviceCoordinator, domain: str, key: str) -> None:
    """Take out of the registry what the options took away: it would stay there, unavailable, for good."""
    registry = er.async_get(coordinator.hass)
    entity_id = registry.async_get_entity_id(domain, DOMAIN, f"{coordinator.unique_id_prefix}_{key}")
    if entity_id is not None:
        registry.async_remove(entity_id)


@callback
def async_add_described[D: Described[Any]](
    entry: SuiteConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    description_type: type[D],
    make: Callable[[DeviceCoordinator, D], Entity],
) -> None:
    """Make the entities of one platform for every device that was read, now and later."""
    # By coordinator: a device that was deleted and comes back has another one.
    made: WeakKeyDictionary[DeviceCoordinator, set[str]] = WeakKeyDictionary()
    platform = async_get_current_platform()
    language = platform.hass.config.language

    @callback
    def add(coordinator: DeviceCoordinator) -> None:
        known = made.setdefault(coordinator, set())
        new = [
            description
            for description in descriptions_of(coordinator.device, coordinator.enabled_controls, language)
            if isinstance(description, description_type) and description.key not in known
        ]
        known.update(description.key for description in new)
        if new:
            async_add_entities(
                [make(coordinator, description) for description in new], config_subentry_id=coordinator.subentry_id
            )

    for coordinator in entry.runtime_data.coordinators.values():
        for description in withheld_from(coordinator.device, coordinator.enabled_controls, language):
            if isinstance(description, description_type):
                async_forget_entity(coordinator, platform.domain, description.key)
    entry.runtime_data.async_on_device(add)


@callback
def async_add_to_every_device(
    entry: SuiteConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    make: Callable[[DeviceCoordinator], Entity],
    only: Callable[[Device], bool] = lambda _: True,
) -> None:
    """Make an entity that every device has, or every one of a sort."""
    made: WeakSet[DeviceCoordinator] = WeakSet()

    @callback
    def add(coordinator: DeviceCoordinator) -> None:
        if coordinator not in made and only(coordinator.device):
            made.add(coordinator)
            async_add_entities([make(coordinator)], config_subentry_id=coordinator.subentry_id)

    entry.runtime_data.async_on_device(add)

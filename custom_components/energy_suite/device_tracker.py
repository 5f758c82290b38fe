"""Where a vehicle or a boat is."""

from typing import Any, override

from homeassistant.components.device_tracker.entity import TrackerEntity
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util.location import distance

from .coordinator import SuiteConfigEntry
from .entities.descriptions import TrackerDescription
from .entity import DescribedEntity, async_add_described

PARALLEL_UPDATES = 0

MOVED = 20.0
"""How far in m a position has to be from the one last written: nearer, it is noise of the receiver."""


async def async_setup_entry(
    hass: HomeAssistant, entry: SuiteConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Make the trackers of every device."""
    async_add_described(entry, async_add_entities, TrackerDescription, SuiteTracker)


class SuiteTracker(DescribedEntity[TrackerDescription[Any]], TrackerEntity):
    """A position that is written when it has moved."""

    _written: tuple[bool, float | None, float | None]

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self._written = self._now

    @property
    @override
    def latitude(self) -> float | None:
        return self.description.latitude_fn(self.device)

    @property
    @override
    def longitude(self) -> float | None:
        return self.description.longitude_fn(self.device)

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        if self._has_moved():
            self._written = self._now
            self.async_write_ha_state()

    @property
    def _now(self) -> tuple[bool, float | None, float | None]:
        return self.available, self.latitude, self.longitude

    def _has_moved(self) -> bool:
        (was_available, *before), (is_available, *now) = self._written, self._now
        if was_available != is_available or (None in before) != (None in now):
            return True
        metres = distance(*before, *now)
        return metres is not None and metres > MOVED

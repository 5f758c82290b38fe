"""The devices behind a Modbus gateway, each a config subentry: added, changed and removed without a reload."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

from homeassistant.config_entries import SIGNAL_CONFIG_ENTRY_CHANGED, ConfigEntry, ConfigEntryChange, ConfigSubentry
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.entity_platform import async_get_platforms

from .const import DOMAIN, SUBENTRY_DEVICE
from .coordinator import DeviceCoordinator, SuiteConfigEntry
from .entities import may_have
from .entity import OF_EVERY_DEVICE, DeviceEntity
from .gateways.legrand.devices import PresentDevice
from .gateways.legrand.equipment import Equipment
from .gateways.profiles.device import ProfileDevice
from .gateways.profiles.missing import DeviceWithoutMap
from .setup import async_start_device

type _Said = tuple[str, Mapping[str, Any]]
"""What a subentry says: its title and its data."""


def equipment_of(subentry: ConfigSubentry) -> Equipment:
    """The device that a subentry describes; its title is its name."""
    return Equipment.from_settings({**subentry.data, "name": subentry.title})


def devices_of(entry: ConfigEntry) -> dict[str, Equipment]:
    """The devices behind a gateway, by the ids of their subentries."""
    return {
        subentry.subentry_id: equipment_of(subentry)
        for subentry in entry.subentries.values()
        if subentry.subentry_type == SUBENTRY_DEVICE
    }


class Subentries:
    """Keeps what is read in step with the subentries of an entry."""

    def __init__(self, hass: HomeAssistant, entry: SuiteConfigEntry) -> None:
        """Read nothing before ``async_start``."""
        self._hass = hass
        self._entry = entry
        # Home Assistant takes it from the entry that it unloads.
        self._runtime = entry.runtime_data
        self._said: dict[str, _Said] = {}
        """What each subentry said when it was last looked at."""
        self._lock = asyncio.Lock()

    @callback
    def async_start(self) -> None:
        """Read every device that is switched on, and follow what is changed from now on."""
        self._said = dict(self._says())
        for subentry_id in self._said:
            self._start(subentry_id)
        self._tell_maps()

        @callback
        def changed(change: ConfigEntryChange, entry: ConfigEntry) -> None:
            if change is ConfigEntryChange.UPDATED and entry is self._entry and dict(self._says()) != self._said:
                self._entry.async_create_task(self._hass, self._follow(), "energy_suite subentries")

        self._entry.async_on_unload(async_dispatcher_connect(self._hass, SIGNAL_CONFIG_ENTRY_CHANGED, changed))

    def _says(self) -> Iterator[tuple[str, _Said]]:
        for subentry in self._entry.subentries.values():
            if subentry.subentry_type == SUBENTRY_DEVICE:
                yield subentry.subentry_id, (subentry.title, subentry.data)

    async def _follow(self) -> None:
        """Stop what was removed or changed, and start what is new."""
        async with self._lock:
            before, self._said = self._said, dict(self._says())
            for subentry_id, (_, data) in before.items():
                now = self._said.get(subentry_id)
                if now != before[subentry_id]:
                    renamed = now is not None and now[1] == data
                    await self._stop(subentry_id, for_good=now is None, renamed=renamed)
            if not self._runtime.coordinators:
                return  # unloaded meanwhile
            for subentry_id, said in self._said.items():
                if said != before.get(subentry_id):
                    self._start(subentry_id)
            self._tell_maps()

    def _start(self, subentry_id: str) -> None:
        equipment = equipment_of(self._entry.subentries[subentry_id])
        if equipment.enabled:
            coordinator = async_start_device(self._hass, self._entry, equipment.found(subentry_id), subentry_id)
            self._forget_what_it_has_no_more(coordinator)

    async def _stop(self, subentry_id: str, *, for_good: bool, renamed: bool) -> None:
        runtime = self._runtime
        if (coordinator := runtime.coordinators.get(subentry_id)) is not None:
            if coordinator.seen:
                runtime.memory.counters[subentry_id] = coordinator.device.counters
            runtime.async_forget(subentry_id, gone=not renamed)
            for platform in async_get_platforms(self._hass, DOMAIN):
                for entity in list(platform.entities.values()):
                    if isinstance(entity, DeviceEntity) and entity.coordinator is coordinator:
                        await entity.async_remove()
        if for_good:
            runtime.memory.async_forget(subentry_id)

    def _forget_what_it_has_no_more(self, coordinator: DeviceCoordinator) -> None:
        """Take out of the registry what another map gave, and controls that were taken away.

        A map that went missing may come back, and what was not read yet may be there.
        """
        if isinstance(coordinator.device, DeviceWithoutMap):
            return
        known: set[tuple[str, str]] = set(OF_EVERY_DEVICE)
        if isinstance(coordinator.device, PresentDevice):
            known.add((Platform.BINARY_SENSOR, "connection"))
        else:
            possible = may_have(coordinator.device, coordinator.enabled_controls, self._hass.config.language)
            known.update((description.platform, description.key) for description in possible)
        prefix = f"{coordinator.unique_id_prefix}_"
        registry = er.async_get(self._hass)
        entities = er.async_entries_for_device(registry, coordinator.device_id, include_disabled_entities=True)
        for entity in entities:
            if entity.platform == DOMAIN and (entity.domain, entity.unique_id.removeprefix(prefix)) not in known:
                registry.async_remove(entity.entity_id)

    def _tell_maps(self) -> None:
        """Tell in one repair for all of them which maps want a look."""
        devices = [
            coordinator.device
            for coordinator in self._runtime.coordinators.values()
            if coordinator.subentry_id is not None
        ]
        wanting: Mapping[str, list[ProfileDevice | DeviceWithoutMap]] = {
            "maps_not_confirmed": [each for each in devices if isinstance(each, ProfileDevice) and not each.confirmed],
            "maps_missing": [each for each in devices if isinstance(each, DeviceWithoutMap)],
        }
        for key, concerned in wanting.items():
            issue_id = f"{key}_{self._entry.entry_id}"
            if not concerned:
                ir.async_delete_issue(self._hass, DOMAIN, issue_id)
                continue
            names = [device.found.name or device.key for device in concerned]
            ir.async_create_issue(
                self._hass,
                DOMAIN,
                issue_id,
                is_fixable=False,
                severity=ir.IssueSeverity.WARNING,
                translation_key=key,
                translation_placeholders={"title": self._entry.title, "devices": ", ".join(names)},
            )

"""What a report of a problem needs, without what is private."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.const import CONF_HOST
from homeassistant.core import HomeAssistant
from homeassistant.helpers.device_registry import AnyDeviceEntry

from .alarms.center import AlarmCenter
from .const import CONF_DEVICES, CONF_LOGGER_SERIAL, CONF_UID, SECRETS, is_site
from .coordinator import DeviceCoordinator, SuiteConfigEntry, SuiteRuntimeData
from .gateways.profiles.device import ProfileDevice

TO_REDACT = {
    CONF_HOST,
    CONF_UID,
    CONF_LOGGER_SERIAL,
    "serial",
    "name",
    "title",
    "unique_id",
    "labels",
    # Who is told, and where a vehicle is kept.
    "target",
    "points",
    *SECRETS,
}


async def async_get_config_entry_diagnostics(hass: HomeAssistant, entry: ConfigEntry[Any]) -> dict[str, Any]:
    """The entry, its connection, every device; of the site its alarms."""
    about = {
        "data": async_redact_data(
            {**entry.data, CONF_DEVICES: [_found(found) for found in entry.data[CONF_DEVICES]]}, TO_REDACT
        ),
        "options": dict(entry.options),
        "version": entry.version,
        "state": entry.state.value,
        "reason": entry.error_reason_translation_key,
    }
    subentries = [async_redact_data(dict(each.data), TO_REDACT) for each in entry.subentries.values()]
    if entry.state is not ConfigEntryState.LOADED:
        return {"entry": about, "subentries": subentries, "devices": {}}
    if is_site(entry):
        return {"entry": about, "subentries": subentries, "alarms": _alarms(entry.runtime_data)}
    runtime: SuiteRuntimeData = entry.runtime_data
    runner = runtime.lease.runner
    return {
        "entry": about,
        "subentries": subentries,
        "connection": {
            "connected": runtime.lease.connected,
            "timeout": runtime.lease.timeout,
            "interval": runner.schedule.interval,
            "achieved_interval": runner.schedule.achieved,
            "rounds": runner.schedule.rounds,
            "requests": runner.requests,
            "pending_commands": len(runtime.pending),
        },
        "devices": {_public_key(coordinator): _device(coordinator) for coordinator in runtime.coordinators.values()},
    }


async def async_get_device_diagnostics(
    hass: HomeAssistant, entry: SuiteConfigEntry, device: AnyDeviceEntry
) -> dict[str, Any]:
    """One device."""
    if entry.state is not ConfigEntryState.LOADED or is_site(entry):
        return {"devices": {}}
    return {
        "devices": {
            _public_key(coordinator): _device(coordinator)
            for coordinator in entry.runtime_data.coordinators.values()
            if coordinator.device_id == device.id
        }
    }


def _alarms(center: AlarmCenter) -> dict[str, Any]:
    """What is raised, without where and whose, and how the logs are."""
    return {
        "active": [
            {
                "source": active.episode.source.value,
                "key": active.episode.key,
                "severity": active.episode.severity.word,
                "acknowledged": active.acknowledged,
                "snoozed": active.snoozed_until is not None,
                "silenced": active.silenced,
            }
            for active in center.active
        ],
        "unlogged": len(center.engine.unlogged),
        "damaged_lines": {"alarm_log": center.log.damaged, "event_log": center.events.damaged},
    }


def _public_key(coordinator: DeviceCoordinator) -> str:
    """The device's key without the serial number that may be in it."""
    position = list(coordinator.config_entry.runtime_data.coordinators).index(coordinator.device.key)
    return f"{coordinator.device.kind}_{position}"


def _found(found: Mapping[str, Any]) -> dict[str, Any]:
    return {**found, "key": "**REDACTED**"}


def _device(coordinator: DeviceCoordinator) -> dict[str, Any]:
    device = coordinator.device
    identity = device.identity
    registers: dict[str, dict[str, Any]] = {}
    parts: dict[str, dict[str, Any]] = {}
    for name, part in device.parts.items():
        parts[name] = {
            "speed": part.speed.value,
            "present": part.present,
            "available": coordinator.is_available(name),
            "dropped_readings": part.dropped,
        }
        shown = part.shown
        parts[name]["values"] = {field: _plain(value) for field, value in shown.get("values", {}).items()}
        for space, words in shown.get("registers", {}).items():
            registers.setdefault(space, {}).update(words)
    return {
        "kind": device.kind,
        "profile": device.profile.id if isinstance(device, ProfileDevice) else None,
        "unit_id": getattr(device, "unit_id", None),
        "model": identity.model,
        "firmware": identity.firmware,
        "available": coordinator.data.available,
        "failed": dict(coordinator.data.failed),
        "alarms": [alarm.key for alarm in coordinator.alarms],
        "parts": parts,
        "registers": registers,
    }


def _plain(value: Any) -> Any:
    return value.name.lower() if isinstance(value, Enum) else value

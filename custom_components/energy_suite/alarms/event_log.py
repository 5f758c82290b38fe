"""What goes into the event log: commands, settings, firmware, connections, and what people did about alarms."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from homeassistant.config_entries import SIGNAL_CONFIG_ENTRY_CHANGED, ConfigEntry, ConfigEntryChange
from homeassistant.const import CONF_HOST, EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import CALLBACK_TYPE, Context, Event, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.event import async_call_later
from homeassistant.util import dt as dt_util

from ..const import CONF_DEVICES, CONF_GATEWAY, CONF_UID, DOMAIN, EVENT_COMMAND, LOGGER, SECRETS
from ..site.alarms.events import Event as LogEvent
from ..site.alarms.events import EventLog, Happening

_NOT_SETTINGS = {CONF_DEVICES, CONF_GATEWAY, CONF_UID}
_HIDDEN = {CONF_HOST, *SECRETS}
"""That they changed is kept, and not to what."""
MOST_WAITING = 1000
WRITE_WITHIN = 60.0
"""s: what happens meanwhile goes to the disk at once, and of a control that is moved on and on one line."""
UNCHANGED = "unchanged"
"""The result of a command that asked for what was so already."""

type _Setting = tuple[str, str]
"""Whose (the title of a subentry, nothing of the entry itself), and what."""


class EventFeed:
    """Listens for what happens, and writes it to the log in its order."""

    def __init__(self, hass: HomeAssistant, log: EventLog) -> None:
        """Write to this log, which somebody else opens and closes."""
        self.hass = hass
        self.log = log
        self._waiting: list[LogEvent] = []
        self._worker: asyncio.Task[None] | None = None
        self._failed = False
        self._cancel_due: CALLBACK_TYPE | None = None
        self._by_command = False
        """Whether a command that leaves its own record is changing settings."""
        self._settings: dict[str, dict[_Setting, Any]] = {}
        """Of each entry."""

    @callback
    def async_start(self) -> CALLBACK_TYPE:
        """Listen from now on; returns what ends it."""
        for entry in self.hass.config_entries.async_entries(DOMAIN):
            self._settings[entry.entry_id] = dict(_settings_of(entry))
        ends = [
            self.hass.bus.async_listen(EVENT_COMMAND, self._async_commanded),
            self.hass.bus.async_listen(dr.EVENT_DEVICE_REGISTRY_UPDATED, self._async_device_changed),
            async_dispatcher_connect(self.hass, SIGNAL_CONFIG_ENTRY_CHANGED, self._async_entry_changed),
            self.hass.bus.async_listen(EVENT_HOMEASSISTANT_FINAL_WRITE, self._async_stopping),
        ]

        @callback
        def end() -> None:
            for each in ends:
                each()
            self._async_cancel()

        return end

    @contextmanager
    def by_command(self) -> Iterator[None]:
        """Keep no line of the settings that are changed meanwhile: the command has its own."""
        self._by_command = True
        try:
            yield
        finally:
            self._by_command = False

    @callback
    def async_note(
        self,
        kind: Happening,
        *,
        device: str | None = None,
        name: str = "",
        what: str = "",
        before: Any = None,
        to: Any = None,
        result: str | None = None,
        context: Context | None = None,
    ) -> None:
        """Write that something happened, within a minute."""
        event = LogEvent(
            at=dt_util.utcnow().timestamp(),
            kind=kind,
            device=device,
            name=name,
            what=what,
            before=_plain(before),
            to=_plain(to),
            result=result,
            who=None if context is None else context.user_id,
        )
        for place, each in enumerate(self._waiting):
            if _goes_on(each, event):
                event = replace(event, before=each.before)
                del self._waiting[place]
                break
        self._waiting.append(event)
        del self._waiting[:-MOST_WAITING]
        if self._cancel_due is None:
            self._cancel_due = async_call_later(self.hass, WRITE_WITHIN, self._async_due)

    async def async_flush(self) -> None:
        """Wait until everything is written that can be."""
        self._async_cancel()
        if self._worker is None or self._worker.done():
            self._worker = self.hass.async_create_task(self._async_write(), "energy_suite event log", eager_start=True)
        await asyncio.shield(self._worker)

    async def _async_due(self, _: datetime) -> None:
        await self.async_flush()

    async def _async_stopping(self, _: Event) -> None:
        await self.async_flush()

    @callback
    def _async_cancel(self) -> None:
        if self._cancel_due is not None:
            self._cancel_due()
            self._cancel_due = None

    async def _async_write(self) -> None:
        while self._waiting:
            events, self._waiting = self._waiting, []
            try:
                await self.hass.async_add_executor_job(self.log.write, events, dt_util.utcnow().timestamp())
            except Exception as err:  # noqa: BLE001 - whatever a disk does: nobody's command fails for it
                if not self._failed:
                    LOGGER.error("The event log cannot be written (%s)", reason_of(err))
                self._failed = True
                self._waiting = [*events, *self._waiting][-MOST_WAITING:]
                return  # tried again with the next event
            self._failed = False

    @callback
    def _async_commanded(self, event: Event) -> None:
        record = event.data
        if record["result"] == UNCHANGED:
            return
        device = dr.async_get(self.hass).async_get(record["device_id"] or "")
        self.async_note(
            Happening.COMMAND,
            device=record["device_id"],
            name=(device and (device.name_by_user or device.name)) or record["device"],
            what=record["control"],
            before=record["before"],
            to=record["to"],
            result=record["result"],
            context=event.context,
        )

    @callback
    def _async_device_changed(self, event: Event[dr.EventDeviceRegistryUpdatedData]) -> None:
        """The registry knows the firmware that a device had before."""
        if event.data["action"] != "update" or (before := event.data["changes"].get("sw_version")) is None:
            return
        device = dr.async_get(self.hass).async_get(event.data["device_id"])
        if isinstance(device, dr.DeviceEntry) and any(domain == DOMAIN for domain, *_ in device.identifiers):
            self.async_note(
                Happening.FIRMWARE,
                device=device.id,
                name=device.name_by_user or device.name or "",
                what="firmware",
                before=before,
                to=device.sw_version,
            )

    @callback
    def _async_entry_changed(self, change: ConfigEntryChange, entry: ConfigEntry) -> None:
        if entry.domain != DOMAIN:
            return
        if change is ConfigEntryChange.REMOVED:
            self._settings.pop(entry.entry_id, None)
            self.async_note(Happening.SETTING, name=entry.title, what="entry", before=entry.title)
            return
        known = entry.entry_id in self._settings
        before, now = self._settings.get(entry.entry_id, {}), dict(_settings_of(entry))
        self._settings[entry.entry_id] = now
        if self._by_command:
            return
        if not known:
            self.async_note(Happening.SETTING, name=entry.title, what="entry", to=entry.title)
            return
        for setting in dict.fromkeys((*before, *now)):
            if (was := before.get(setting)) != (is_now := now.get(setting)):
                whose, what = setting
                shown = not _HIDDEN & set(what.split("."))
                self.async_note(
                    Happening.SETTING,
                    name=whose or entry.title,
                    what=what,
                    before=was if shown else None,
                    to=is_now if shown else None,
                )


def _settings_of(entry: ConfigEntry) -> Iterator[tuple[_Setting, Any]]:
    for what, value in (*_flat(entry.data), *_flat(entry.options)):
        if what not in _NOT_SETTINGS:
            yield ("", what), value
    for subentry in entry.subentries.values():
        yield (subentry.title, subentry.subentry_type), subentry.title
        for what, value in _flat(subentry.data):
            yield (subentry.title, what), value


def _flat(settings: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Settings by their names, those of a section behind its own."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value


def _goes_on(before: LogEvent, event: LogEvent) -> bool:
    """Whether somebody, or an automation, only moves a control of a device further."""
    return (
        event.kind is before.kind is Happening.COMMAND
        and event.device is not None
        and (event.about, event.result, event.who) == (before.about, before.result, before.who)
    )


def reason_of(err: Exception) -> str:
    """Why something cannot be written, without names of files."""
    return (isinstance(err, OSError) and err.strerror) or type(err).__name__


def _plain(value: Any) -> str | float | None:
    """What a line of the log holds."""
    match value:
        case bool():
            return "on" if value else "off"
        case None | str() | int() | float():
            return value
        case list() | tuple() | set() | frozenset():
            return ", ".join(str(_plain(each)) for each in value)
    return str(value)

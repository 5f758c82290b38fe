"""The alarms of the installation at work: feeds the engine, writes its logs, and has its messages sent."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from homeassistant.config_entries import (
    SIGNAL_CONFIG_ENTRY_CHANGED,
    ConfigEntry,
    ConfigEntryChange,
    ConfigEntryState,
)
from homeassistant.const import (
    ATTR_UNIT_OF_MEASUREMENT,
    EVENT_CORE_CONFIG_UPDATE,
    EVENT_HOMEASSISTANT_STOP,
    Platform,
)
from homeassistant.core import (
    CALLBACK_TYPE,
    Context,
    Event,
    EventStateChangedData,
    HomeAssistant,
    callback,
)
from homeassistant.exceptions import ConfigEntryNotReady, ServiceValidationError
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import label_registry as lr
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.event import (
    async_track_point_in_utc_time,
    async_track_state_change_event,
    async_track_time_interval,
)
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from ..const import DOMAIN, LOGGER, is_site
from ..coordinator import DeviceCoordinator, SuiteRuntimeData
from ..gateways.base import Alarm, Positioned
from ..site.alarms.engine import Active, AlarmEngine, Edges
from ..site.alarms.episodes import Edge, Episode, Source
from ..site.alarms.events import EventLog, Happening
from ..site.alarms.log import AlarmLog
from ..site.alarms.notifications import Notification
from ..suite import async_get_suite
from ..texts import FALLBACK
from .bus import async_fire_edge
from .event_log import EventFeed, reason_of
from .messages import described, message_of
from .sending import EVENT_REPLY, NotSent, RecipientIssues, Reply, async_send, is_service
from .settings import entities_of, settings_of, targets_of

type SiteConfigEntry = ConfigEntry[AlarmCenter]

SITE_PLATFORMS = [
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.EVENT,
    Platform.SELECT,
    Platform.SENSOR,
    Platform.SWITCH,
]

LOOK_EVERY = 60.0
"""s: the clock may be put back, an area may get another device, a disk may be writable again."""
SAVE_WITHIN = 300.0
"""s in which it is written how long a delay has been running: a kill costs at most so much of it."""

_NOT_BY_HAND = frozenset({ConfigEntryState.LOADED, ConfigEntryState.SETUP_RETRY})
_MEANING = (
    EVENT_CORE_CONFIG_UPDATE,
    ar.EVENT_AREA_REGISTRY_UPDATED,
    dr.EVENT_DEVICE_REGISTRY_UPDATED,
    er.EVENT_ENTITY_REGISTRY_UPDATED,
    lr.EVENT_LABEL_REGISTRY_UPDATED,
)
"""What may change what the settings mean: the time zone, what is in an area, what has a label."""


class AlarmCenter:
    """What is known of the installation's alarms, and what people do about them."""

    engine: AlarmEngine

    def __init__(self, hass: HomeAssistant, entry: SiteConfigEntry) -> None:
        """Nothing is read before ``async_open``."""
        self.hass = hass
        self.entry = entry
        folder = Path(hass.config.path(DOMAIN))
        self.log = AlarmLog(folder / "alarm_log.jsonl")
        self.events = EventLog(folder / "event_log.jsonl")
        self.feed = EventFeed(hass, self.events)
        self._store: Store[dict[str, Any]] = _store(hass, entry.entry_id)
        self._issues = RecipientIssues(hass, entry)
        self._edge_listeners: list[Callable[[Edge], None]] = []
        self._change_listeners: list[Callable[[], None]] = []
        self._ends: list[CALLBACK_TYPE] = []
        self._unwatch: CALLBACK_TYPE | None = None
        self._rules_of: dict[str, list[str]] = {}
        """Entity -> the rules about it."""
        self._seen: dict[str, tuple[tuple[Alarm, Mapping[str, Any]], ...]] = {}
        """Device -> its alarms as the engine was last told."""
        self._connected: dict[str, bool] = {}
        """Gateway -> whether it was heard of when that was last looked at."""
        self._lost: set[str] = set()
        """The gateways whose loss is in the event log, and their return is not."""
        self._stale = False
        """Whether an area, a label or an entity changed, and with it perhaps what the settings mean."""
        self._closed = False
        self._due: float | None = None
        """When the engine is next woken."""
        self._cancel_due: CALLBACK_TYPE | None = None
        self._worker: asyncio.Task[None] | None = None
        self._ready: list[Notification] = []
        """Handed out, and not yet being sent."""
        self._sending: set[asyncio.Task[None]] = set()
        self._unsaved = False
        self._save_failed = False
        """Whether it was told that the state cannot be stored."""
        self._tried = 0
        """The edge up to which it is no use to write to the log before a while has passed."""
        self._first = 0
        """The last edge of the run before."""
        self._saved: tuple[float, dict[str, Any]] = (0.0, {})
        """When the state was last stored, and what it was but for the time."""

    # --- setting up and unloading ------------------------------------------------------------------------------------

    async def async_open(self) -> None:
        """Take up what the last run left; without its state where that is damaged.

        Raises ``OSError`` where the logs cannot be opened.
        """
        entries = await self.hass.async_add_executor_job(self._open_logs)
        try:
            self._take_up(await self._store.async_load() or {}, entries)
        except Exception as err:  # noqa: BLE001 - whatever is damaged: alarms are watched for all the same
            LOGGER.error(
                "What is stored of the alarms is damaged (%s); they begin anew with what their log says",
                type(err).__name__,
            )
            self._take_up({}, entries)

    def _take_up(self, stored: Mapping[str, Any], entries: Iterable[Episode]) -> None:
        self.engine = AlarmEngine(settings_of(self.hass, self.entry), utc_seconds(), stored, entries)
        self._first = int(stored.get("edges", 0))
        for edge in self.engine.unlogged:
            self.describe(edge.episode, self.hass.config.language)
        for active in self.active:
            self.describe_active(active, self.hass.config.language)

    def _open_logs(self) -> list[Episode]:
        self.log.path.parent.mkdir(parents=True, exist_ok=True)
        self.events.open()
        return self.log.open()

    @callback
    def async_begin(self) -> None:
        """Look at everything that there is, and then at everything that happens."""
        suite, listen = async_get_suite(self.hass), self.hass.bus.async_listen
        self._ends = [
            self.feed.async_start(),
            suite.async_on_report(self._async_reported),
            suite.async_on_gone(lambda coordinator: self._async_forget(coordinator.device_id)),
            async_dispatcher_connect(self.hass, SIGNAL_CONFIG_ENTRY_CHANGED, self._async_entry_changed),
            listen(dr.EVENT_DEVICE_REGISTRY_UPDATED, self._async_device_changed),
            *(listen(event, self._async_outdated) for event in _MEANING),
            listen(er.EVENT_ENTITY_REGISTRY_UPDATED, self._async_entity_changed),
            listen(EVENT_REPLY, self._async_replied),
            async_track_time_interval(self.hass, self._async_look, timedelta(seconds=LOOK_EVERY)),
            listen(EVENT_HOMEASSISTANT_STOP, self._async_stopping),
        ]
        # What the start itself has changed: the alarms of a rule that is gone.
        self._async_follow(tuple(edge for edge in self.engine.unlogged if edge.number > self._first))
        self._async_forget_devices()
        for coordinator in suite:
            self._async_reported(coordinator)
        self._async_see_all()

    async def async_close(self) -> None:
        """End it; what is not written yet is written now."""
        self._closed = self._unsaved = True
        self._async_tell_change()  # that there is no more to come
        try:
            await self._async_stop()
            await self._async_settled()
            await self.feed.async_flush()
        finally:
            await self.hass.async_add_executor_job(self._close_logs)

    async def async_abandon(self) -> None:
        """Let go of everything after a set-up that failed."""
        self._closed = True
        await self._async_stop()
        if self._worker is not None:
            await asyncio.gather(self._worker, return_exceptions=True)
        await self.hass.async_add_executor_job(self._close_logs)

    async def _async_stop(self) -> None:
        """Listen to nothing any more, and send nothing."""
        for end in self._ends:
            end()
        for cancel in (self._unwatch, self._cancel_due):
            if cancel is not None:
                cancel()
        self._ends, self._unwatch, self._cancel_due = [], None, None
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)

    def _close_logs(self) -> None:
        self.log.close()
        self.events.close()

    @callback
    def _async_stopping(self, _: Event) -> None:
        self._store.async_delay_save(lambda: self.engine.state(utc_seconds()))

    # --- what others ask ---------------------------------------------------------------------------------------------

    @property
    def active(self) -> tuple[Active, ...]:
        """What is raised now, the worst first."""
        return tuple(self.engine.active)

    @callback
    def async_on_edge(self, listener: Callable[[Edge], None]) -> CALLBACK_TYPE:
        """Call for every alarm that is raised, changes or is cleared; returns what ends it."""
        self._edge_listeners.append(listener)
        return lambda: self._edge_listeners.remove(listener)

    @callback
    def async_on_change(self, listener: Callable[[], None]) -> CALLBACK_TYPE:
        """Call when anything changed: what is raised or what became of it, or the settings; returns what ends it."""
        self._change_listeners.append(listener)
        return lambda: self._change_listeners.remove(listener)

    def describe(self, episode: Episode, language: str) -> dict[str, Any]:
        """An alarm in words and figures, for attributes, answers and the logbook; None is unknown."""
        texts = described(language, episode, unit=self._unit(episode))
        return {
            "tag": episode.tag,
            "source": episode.source.value,
            "key": episode.key,
            "device": episode.device,
            "name": self.name_of(episode),
            "severity": episode.severity.word,
            "worst": episode.worst.word,
            "text": texts["text"],
            "cause": texts.get("cause"),
            "remedy": texts.get("remedy"),
            "code": episode.code,
            "started": _iso(episode.started),
            "cleared": None if episode.cleared is None else _iso(episode.cleared),
            "details": dict(episode.details),
        }

    def describe_active(self, active: Active, language: str) -> dict[str, Any]:
        """An alarm that is raised, and what became of it."""
        until = active.snoozed_until
        return {
            **self.describe(active.episode, language),
            "acknowledged": active.acknowledged,
            "snoozed_until": None if until is None else _iso(until),
            "silenced": active.silenced,
            "suppressed": active.suppressed,
        }

    def name_of(self, episode: Episode) -> str:
        """What the subject of an alarm is called now; what it was called where it is gone."""
        if episode.source is Source.GRID:
            return self.hass.config.location_name
        if episode.source is Source.AUTOMATIC:
            device = dr.async_get(self.hass).async_get(episode.subject)
            return (device and (device.name_by_user or device.name)) or episode.name or episode.subject
        return episode.name or episode.subject

    def devices_of(self, episodes: Iterable[Episode]) -> dict[str, str]:
        """The names of the devices that some alarms are about, by their ids."""
        devices = dr.async_get(self.hass)
        names = {episode.device: episode.name for episode in episodes if episode.device is not None}
        for device_id, name in names.items():
            device = devices.async_get(device_id)
            names[device_id] = (device and (device.name_by_user or device.name)) or name
        return names

    def _unit(self, episode: Episode) -> str:
        """The unit of the entity that a rule is about."""
        if episode.source is not Source.RULE:
            return ""
        entity_id = next((entity for entity, rules in self._rules_of.items() if episode.subject in rules), None)
        state = None if entity_id is None else self.hass.states.get(entity_id)
        return "" if state is None else str(state.attributes.get(ATTR_UNIT_OF_MEASUREMENT, ""))

    # --- what people do ----------------------------------------------------------------------------------------------

    async def async_acknowledge(self, tag: str, context: Context | None = None) -> None:
        """Somebody knows of an alarm. Raises ``ServiceValidationError`` if it is not raised."""
        if not self.engine.acknowledge(tag, utc_seconds()):
            raise _unknown(tag)
        self._async_note(Happening.ALARM_ACKNOWLEDGED, tag, context)
        await self._async_done()

    async def async_snooze(self, tag: str, seconds: float, context: Context | None = None) -> None:
        """Tell nothing of an alarm for so many s unless it worsens. Raises ``ServiceValidationError``."""
        now = utc_seconds()
        if not self.engine.snooze(tag, now + seconds, now):
            raise _unknown(tag)
        self._async_note(Happening.ALARM_SNOOZED, tag, context, to=seconds)
        await self._async_done()

    async def _async_replied(self, event: Event) -> None:
        """Somebody answered on a phone."""
        if (reply := Reply.of(event.data)) is None:
            return
        try:
            if reply.snooze is None:
                await self.async_acknowledge(reply.tag, event.context)
            else:
                await self.async_snooze(reply.tag, reply.snooze, event.context)
        except ServiceValidationError:
            LOGGER.debug("An alarm was answered that is over")

    async def async_reset_limits(self, context: Context | None = None) -> None:
        """Tell again of what was silenced because it came and went too often."""
        self.engine.reset_limits(utc_seconds())
        self.feed.async_note(Happening.COMMAND, what="reset_limits", result="applied", context=context)
        await self._async_done()

    async def async_test(self, recipients: Collection[str] | None = None, context: Context | None = None) -> None:
        """Send a test message to some recipients, by the ids of their subentries, or to all."""
        self.engine.test(utc_seconds(), recipients)
        self.feed.async_note(Happening.COMMAND, what="test_notification", result="applied", context=context)
        await self._async_done()

    async def async_configure(self) -> None:
        """Go by the options and subentries as they are now."""
        if self._async_configure():
            self._async_tell_change()
        await self._async_settled()

    @callback
    def _async_note(self, kind: Happening, tag: str, context: Context | None, to: float | None = None) -> None:
        episode = next((each.episode for each in self.engine.active if each.episode.tag == tag), None)
        self.feed.async_note(
            kind,
            device=None if episode is None else episode.device,
            name="" if episode is None else self.name_of(episode),
            what=tag,
            to=to,
            context=context,
        )

    async def _async_done(self) -> None:
        """Show and keep what somebody did."""
        self._unsaved = True
        self._async_follow(())
        self._async_tell_change()
        await self._async_settled()

    # --- what happens ------------------------------------------------------------------------------------------------

    @callback
    def _async_reported(self, coordinator: DeviceCoordinator) -> None:
        """A device was read, or could not be."""
        if coordinator is coordinator.config_entry.runtime_data.main:
            self._async_look_at_connection(coordinator.config_entry)
        if self.engine.settings.geofences and isinstance(coordinator.device, Positioned):
            self._async_locate(coordinator)
        if not coordinator.data.available:
            return  # nothing is known of its alarms
        alarms = tuple((alarm, alarm.details) for alarm in coordinator.alarms)
        if self._seen.get(coordinator.device_id) == alarms:
            return
        if not self._is_heeded(coordinator.device_id):
            return  # it may be read still
        self._seen[coordinator.device_id] = alarms
        self._async_follow(
            self.engine.device_alarms(coordinator.device_id, coordinator.alarms, utc_seconds(), name=coordinator.title)
        )

    @callback
    def _async_locate(self, coordinator: DeviceCoordinator) -> None:
        """Tell where a receiver is to the geofences that are about it, or about the GX that it is connected to."""
        device = coordinator.device
        assert isinstance(device, Positioned)
        known = coordinator.data.available
        latitude, longitude = (device.latitude, device.longitude) if known else (None, None)
        about = {coordinator.device_id, coordinator.config_entry.runtime_data.main.device_id}
        for fence in self.engine.settings.geofences:
            if fence.device in about:
                self._async_follow(self.engine.position(fence.id, latitude, longitude, utc_seconds()))

    @callback
    def _async_look_at_connection(self, entry: ConfigEntry[Any]) -> None:
        """Tell whether a gateway is heard of, if that is new."""
        runtime: SuiteRuntimeData | None = getattr(entry, "runtime_data", None)
        connected = bool(runtime and runtime.coordinators and runtime.main.data.available)
        self._async_note_connection(entry, connected=connected)
        if connected is not self._connected.get(entry.entry_id):
            self._connected[entry.entry_id] = connected
            self._async_follow(self.engine.connection(entry.entry_id, connected, utc_seconds()))

    @callback
    def _async_note_connection(self, entry: ConfigEntry[Any], *, connected: bool) -> None:
        """Keep what comes and goes by itself; whoever unloads an entry knows that it is away."""
        if connected and entry.entry_id in self._lost:
            self._lost.discard(entry.entry_id)
            self.feed.async_note(Happening.CONNECTION_FOUND, name=entry.title)
        elif not connected and entry.state in _NOT_BY_HAND and entry.entry_id not in self._lost:
            self._lost.add(entry.entry_id)
            self.feed.async_note(Happening.CONNECTION_LOST, name=entry.title)

    @callback
    def _async_state_changed(self, event: Event[EventStateChangedData]) -> None:
        state = event.data["new_state"]
        for rule in self._rules_of.get(event.data["entity_id"], ()):
            self._async_follow(self.engine.see(rule, None if state is None else state.state, utc_seconds()))

    @callback
    def _async_entry_changed(self, change: ConfigEntryChange, entry: ConfigEntry) -> None:
        if entry.domain != DOMAIN:
            return
        if not is_site(entry):
            if change is ConfigEntryChange.REMOVED:
                self._connected.pop(entry.entry_id, None)
            else:
                self._async_look_at_connection(entry)
        if self._async_configure() or entry is self.entry:
            self._async_tell_change()  # also what the engine need not know

    @callback
    def _async_outdated(self, _: Event[Any]) -> None:
        self._stale = True

    @callback
    def _async_entity_changed(self, event: Event[er.EventEntityRegistryUpdatedData]) -> None:
        """A rule and a recipient stay with their entity when that gets another id."""
        if event.data["action"] != "update" or (before := event.data.get("old_entity_id")) is None:
            return
        followers = [(rule, "entity") for rule in self._rules_of.get(before, [])]
        if not is_service(self.hass, before):
            followers += [(each, "target") for each, target in targets_of(self.entry).items() if target == before]
        for follower, what in followers:
            subentry = self.entry.subentries[follower]
            data = {**subentry.data, what: event.data["entity_id"]}
            self.hass.config_entries.async_update_subentry(self.entry, subentry, data=data)

    @callback
    def _async_device_changed(self, event: Event[dr.EventDeviceRegistryUpdatedData]) -> None:
        device_id = event.data["device_id"]
        if event.data["action"] == "remove":
            self._async_forget(device_id)
        elif event.data["action"] == "update" and "disabled_by" in event.data["changes"]:
            self._async_forget_devices()

    def _is_heeded(self, device_id: str) -> bool:
        """Whether a device is there, and somebody wants to hear of it."""
        device = dr.async_get(self.hass).async_get(device_id)
        return device is not None and not device.disabled

    @callback
    def _async_forget_devices(self) -> None:
        """What was raised by a device that is gone, or that nobody wants to hear of, is over."""
        for active in self.engine.active:
            if active.episode.source is Source.AUTOMATIC and not self._is_heeded(active.episode.subject):
                self._async_forget(active.episode.subject)

    @callback
    def _async_forget(self, device_id: str) -> None:
        self._seen.pop(device_id, None)
        self._async_follow(self.engine.forget_device(device_id, utc_seconds()))

    @callback
    def _async_configure(self) -> bool:
        """Go by other settings from now on, if they are others; returns whether they are."""
        self._stale = False
        settings = settings_of(self.hass, self.entry)
        if settings == self.engine.settings and entities_of(self.entry) == self._watched:
            return False
        self._unsaved = True
        self._async_follow(self.engine.configure(settings, utc_seconds()))
        self._async_see_all()
        return True

    @property
    def _watched(self) -> dict[str, str]:
        """The entity of each rule that is watched."""
        return {rule: entity for entity, rules in self._rules_of.items() for rule in rules}

    @callback
    def _async_see_all(self) -> None:
        """Look at all that the settings are about: the entities of rules, connections, positions."""
        entities: dict[str, list[str]] = {}
        for rule, entity_id in entities_of(self.entry).items():
            entities.setdefault(entity_id, []).append(rule)
        if self._unwatch is not None:
            self._unwatch()
        self._rules_of = entities
        self._unwatch = async_track_state_change_event(self.hass, list(entities), self._async_state_changed)
        for entity_id, rules in entities.items():
            state = self.hass.states.get(entity_id)
            for rule in rules:
                self._async_follow(self.engine.see(rule, None if state is None else state.state, utc_seconds()))
        for gateway in self.hass.config_entries.async_entries(DOMAIN, include_ignore=False):
            if not is_site(gateway):
                self._async_look_at_connection(gateway)
                connected = self._connected[gateway.entry_id]
                self._async_follow(self.engine.connection(gateway.entry_id, connected, utc_seconds()))
        for coordinator in async_get_suite(self.hass):
            if isinstance(coordinator.device, Positioned):
                self._async_locate(coordinator)
        self._issues.async_check(targets_of(self.entry))

    @callback
    def _async_wake(self, _: datetime) -> None:
        """The engine has something to do."""
        self._due = self._cancel_due = None
        self._async_follow(self.engine.tick(utc_seconds()))

    @callback
    def _async_look(self, _: datetime) -> None:
        """Time passes."""
        if self._stale and self._async_configure():
            self._async_tell_change()
        self._issues.async_check(targets_of(self.entry))
        self._tried = 0
        now, (at, before) = utc_seconds(), self._saved
        state = _timeless(self.engine.state(now))
        self._unsaved |= state != before or (bool(state["watches"]) and now - at >= SAVE_WITHIN)
        self._async_follow(self.engine.tick(now))

    # --- what comes of it --------------------------------------------------------------------------------------------

    @callback
    def _async_follow(self, edges: Edges) -> None:
        """Whatever the engine was told: pass on its edges, and see to its logs, its state and its messages."""
        for edge in edges:
            async_fire_edge(self, edge)
            for listener in list(self._edge_listeners):
                listener(edge)
        if edges:
            self._async_tell_change()
        if not (self._closed or self.hass.is_stopping):
            self._ready += self.engine.hand_out(utc_seconds())
        if (self._ready or self._unsaved or self._news) and (self._worker is None or self._worker.done()):
            self._worker = self.hass.async_create_task(self._async_work(), "energy_suite alarms", eager_start=True)
        self._async_plan()

    @callback
    def _async_tell_change(self) -> None:
        for listener in list(self._change_listeners):
            listener()

    @callback
    def _async_plan(self) -> None:
        """Be woken when the engine has something to do."""
        if (due := self.engine.next_due) == self._due:
            return
        if self._cancel_due is not None:
            self._cancel_due()
        self._due, self._cancel_due = due, None
        if due < datetime.max.replace(tzinfo=UTC).timestamp():
            at = dt_util.utc_from_timestamp(due)
            self._cancel_due = async_track_point_in_utc_time(self.hass, self._async_wake, at)

    @property
    def _news(self) -> Edges:
        """The edges to write to the log."""
        return tuple(edge for edge in self.engine.unlogged if edge.number > self._tried)

    async def _async_work(self) -> None:
        """Write to the log, store the state, and only then send."""
        while (edges := self._news) or self._ready or self._unsaved:
            messages, self._ready, self._unsaved = self._ready, [], False
            if edges:
                await self._async_log(edges)
            if not await self._async_store():
                # It is tried again with whatever happens next, and within a minute.
                self._ready, self._unsaved = [*messages, *self._ready], True
                return
            for notification in () if self._closed else messages:
                task = self.hass.async_create_background_task(
                    self._async_send(notification), "energy_suite message", eager_start=True
                )
                self._sending.add(task)
                task.add_done_callback(self._sending.discard)

    async def _async_store(self) -> bool:
        """Store the state; returns whether that was possible."""
        now = utc_seconds()
        state = self.engine.state(now)
        try:
            await self._store.async_save(state)
        except Exception as err:  # noqa: BLE001 - whatever a disk does: nobody's action fails for it
            if not self._save_failed:
                LOGGER.error("The state of the alarms cannot be stored (%s)", reason_of(err))
            self._save_failed = True
            return False
        self._saved, self._save_failed = (now, _timeless(state)), False
        return True

    async def _async_log(self, edges: Edges) -> None:
        try:
            await self.hass.async_add_executor_job(self.log.write, edges, utc_seconds())
        except Exception as err:  # noqa: BLE001 - as for the state
            if not self._tried:
                LOGGER.error("The alarm log cannot be written (%s)", reason_of(err))
            self._tried = edges[-1].number
        else:
            self.engine.logged(edges[-1].number)

    async def _async_settled(self) -> None:
        """Wait until all that is known is written; what is being sent is not waited for."""
        self._async_follow(())
        if self._worker is not None:
            # Whoever waits may be cancelled; the work may not.
            await asyncio.shield(self._worker)

    async def _async_send(self, notification: Notification) -> None:
        try:
            await self._async_deliver(notification)
        except Exception as err:  # noqa: BLE001 - what nobody foresaw must not silence somebody for good
            failure = err if isinstance(err, NotSent) else NotSent(type(err).__name__)
            self._issues.async_failed(notification.recipient, failure)
            self.engine.failed(notification.number, utc_seconds())
        else:
            self._issues.async_delivered(notification.recipient)
            self.engine.delivered(notification.number)
        self._unsaved = True
        self._async_follow(())

    async def _async_deliver(self, notification: Notification) -> None:
        """Put a message into words, and send it. Raises ``NotSent``."""
        episode, telling = notification.episode, self.engine.settings.telling
        language = next((each.language for each in telling.recipients if each.id == notification.recipient), FALLBACK)
        message = message_of(
            language,
            notification,
            name="" if episode is None else self.name_of(episode),
            unit="" if episode is None else self._unit(episode),
            now=dt_util.now(),
            quiet=telling.limits.quiet,
        )
        await async_send(self.hass, targets_of(self.entry).get(notification.recipient), notification, message)


@callback
def async_get_center(hass: HomeAssistant) -> AlarmCenter | None:
    """The alarms of this Home Assistant, if they are set up."""
    for entry in hass.config_entries.async_loaded_entries(DOMAIN):
        if is_site(entry):
            center: AlarmCenter = entry.runtime_data
            return center
    return None


async def async_setup_site(hass: HomeAssistant, entry: ConfigEntry[Any]) -> bool:
    """Watch over the installation. Raises ``ConfigEntryNotReady``."""
    center = AlarmCenter(hass, entry)
    async with AsyncExitStack() as undo:
        undo.push_async_callback(center.async_abandon)
        try:
            await center.async_open()
        except OSError as err:
            raise ConfigEntryNotReady(translation_domain=DOMAIN, translation_key="alarm_log_not_readable") from err
        entry.runtime_data = center
        # Entities first: what is there already is news to them.
        await hass.config_entries.async_forward_entry_setups(entry, SITE_PLATFORMS)
        undo.push_async_callback(hass.config_entries.async_unload_platforms, entry, SITE_PLATFORMS)
        center.async_begin()
        undo.pop_all()
    return True


async def async_unload_site(hass: HomeAssistant, entry: ConfigEntry[Any]) -> bool:
    """End it; returns whether that was possible."""
    if unloaded := await hass.config_entries.async_unload_platforms(entry, SITE_PLATFORMS):
        center: AlarmCenter = entry.runtime_data
        await center.async_close()
    return unloaded


async def async_remove_site(hass: HomeAssistant, entry: ConfigEntry[Any]) -> None:
    """Forget everything: the entry is gone, and with it its logs."""
    await _store(hass, entry.entry_id).async_remove()
    center = AlarmCenter(hass, entry)
    await hass.async_add_executor_job(partial(_unlink, center.log.path, center.events.path))


def _unlink(*paths: Path) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _unknown(tag: str) -> ServiceValidationError:
    return ServiceValidationError(
        translation_domain=DOMAIN, translation_key="unknown_alarm", translation_placeholders={"tag": tag}
    )


def _store(hass: HomeAssistant, entry_id: str) -> Store[dict[str, Any]]:
    return Store(hass, 1, f"{DOMAIN}.{entry_id}.alarms")


def _timeless(state: Mapping[str, Any]) -> dict[str, Any]:
    """What is stored but for when, to tell whether it changed."""
    return {key: value for key, value in state.items() if key != "at"}


def utc_seconds() -> float:
    """The clock that all of this goes by."""
    return dt_util.utcnow().timestamp()


def _iso(at: float) -> str:
    return dt_util.as_local(dt_util.utc_from_timestamp(at)).isoformat(timespec="seconds")

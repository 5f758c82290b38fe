"""One coordinator per device, passive: the schedule hands it each report; commands go through it."""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, Context, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError, Unauthorized
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.translation import async_get_cached_translations
from homeassistant.helpers.typing import UNDEFINED
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.util import dt as dt_util

from .const import CONF_CONTROLS, CONF_DELAY, CONF_UID, DOMAIN, LOGGER
from .gateways.base import (
    Alarm,
    AuthenticationFailed,
    CannotConnect,
    CommandRefused,
    Danger,
    Device,
    DeviceGone,
    Gateway,
    GatewayError,
    Identity,
    NotSupported,
    NotThisDevice,
    Report,
    alarm_edges,
)
from .gateways.commands import Effect
from .gateways.connections import Lease
from .gateways.pending import PendingCommands
from .memory import SAVE_SOON, Counters, DueCommand, Memory
from .suite import CommandRecord, async_get_suite
from .watch import Watch

type SuiteConfigEntry = ConfigEntry[SuiteRuntimeData]
type DeviceAdder = Callable[[DeviceCoordinator], None]

# Said by the device or the link, not by what the user asked for.
NOT_THE_CALLER = {
    "not_taken",
    "no_answer",
    "writes_not_allowed",
    "write_refused",
    "control_not_available",
    "relay_not_manual",
    "generator_kept_running",
    "not_supported",
    "remote_control_disabled",
    "not_confirmed",
    "no_write_access",
    "needs_snmp",
    "eco_mode_not_available",
    "transfer_not_available",
}
REASONS: Mapping[type[GatewayError], str] = {
    AuthenticationFailed: "authentication_failed",
    DeviceGone: "device_gone",
    NotSupported: "not_supported",
    CannotConnect: "no_answer",
    NotThisDevice: "no_answer",
}


@dataclass(kw_only=True)
class SuiteRuntimeData:
    """What a loaded entry holds."""

    gateway: Gateway
    identity: Identity | None = None
    lease: Lease
    memory: Memory
    watch: Watch
    pending: PendingCommands = field(default_factory=PendingCommands)
    coordinators: dict[str, DeviceCoordinator] = field(default_factory=dict)
    adders: list[DeviceAdder] = field(default_factory=list)
    """One per platform: makes the entities of a device."""
    search: Callable[[], Awaitable[None]]
    """Look for devices that were not there."""

    @property
    def main(self) -> DeviceCoordinator:
        """The gateway itself, which is the first of its devices."""
        return next(iter(self.coordinators.values()))

    @callback
    def async_on_device(self, adder: DeviceAdder) -> None:
        """Make the entities of every device that was read, now and later."""
        self.adders.append(adder)
        for coordinator in self.coordinators.values():
            if coordinator.seen:
                adder(coordinator)

    @callback
    def async_forget(self, key: str, *, gone: bool = False) -> None:
        """Read a device no more, and send it nothing that still waits; ``gone`` as for ``Suite.async_remove``."""
        coordinator = self.coordinators.pop(key)
        self.pending.cancel(device=key)
        self.lease.runner.detach(coordinator.reading_name)
        async_get_suite(coordinator.hass).async_remove(coordinator, gone=gone)

    def counters(self) -> dict[str, Counters]:
        """The counters of every device that was read."""
        return {key: coordinator.device.counters for key, coordinator in self.coordinators.items() if coordinator.seen}


class DeviceCoordinator(DataUpdateCoordinator[Report]):
    """Holds a device, the last report of it, and sends its commands."""

    config_entry: SuiteConfigEntry

    def __init__(
        self,
        hass: HomeAssistant,
        entry: SuiteConfigEntry,
        device: Device,
        *,
        device_id: str,
        subentry_id: str | None = None,
    ) -> None:
        """Wait for the first report."""
        # It asks for nothing by itself that would have to be shut down. Told of its entry, Home Assistant would hold it
        # until that is unloaded, though the device was forgotten long before.
        super().__init__(hass, LOGGER, config_entry=None, name=f"{entry.title} {device.kind}", update_interval=None)
        self.config_entry = entry
        self.device = device
        self.device_id = device_id
        self.subentry_id = subentry_id
        """Of a device that the user added behind its gateway."""
        self.data = Report(available=False)
        self.seen = False
        """Whether it was ever read, so that what it has is known."""
        self.reading_name = f"{entry.entry_id}/{device.key}"
        """Its name among all that is read on the connection."""
        self._logged_away = False
        self._identity: Identity | None = None
        self._advice: frozenset[str] | None = None
        self._alarms = entry.runtime_data.memory.alarms_of(device.key)
        self._alarm_listeners: list[Callable[[Alarm, bool], None]] = []
        self._unheard: deque[tuple[Alarm, bool]] = deque(maxlen=100)
        """Edges from before anyone listened: a device is read before its entities are made."""

    @property
    def unique_id_prefix(self) -> str:
        """What the unique ids of the device and its entities begin with."""
        return f"{self.config_entry.data[CONF_UID]}_{self.device.key}"

    @property
    def title(self) -> str:
        """The device's name, as the user sees it."""
        device = dr.async_get(self.hass).async_get(self.device_id)
        return (device and (device.name_by_user or device.name)) or self.device.kind

    @property
    def log_name(self) -> str:
        """What logs call it: its key may hold a serial number."""
        return f"{self.config_entry.title} {self.device.kind} {getattr(self.device, 'unit_id', '')}".strip()

    @property
    def enabled_controls(self) -> list[str]:
        """The controls that can cut power and that the user enabled."""
        return list(self.config_entry.options.get(CONF_CONTROLS, []))

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        """What is raised, as far as is known."""
        return self._alarms

    def is_available(self, part: str) -> bool:
        """Whether the values of a part are to be shown: the device answers, and they are fresh."""
        if not self.data.available or part in self.data.failed:
            return False
        return self.config_entry.runtime_data.lease.runner.is_fresh(self.reading_name, part)

    @callback
    def async_on_alarm(self, listener: Callable[[Alarm, bool], None]) -> CALLBACK_TYPE:
        """Call with (alarm, raised) for every edge; returns what ends it."""
        self._alarm_listeners.append(listener)
        while self._unheard:
            listener(*self._unheard.popleft())
        return lambda: self._alarm_listeners.remove(listener)

    @callback
    def async_receive(self, report: Report) -> None:
        """Take in a report of the schedule."""
        self._log_availability(report)
        self.seen = self.seen or report.available
        if report.available:
            self._note_identity()
        runtime = self.config_entry.runtime_data
        if self is runtime.main and runtime.gateway.rejected:
            self.config_entry.async_start_reauth(self.hass)
        if report.available and self is runtime.main:
            runtime.watch.look(self.hass, self.config_entry, dt_util.utcnow().timestamp())
        self.async_set_updated_data(report)
        if report.available:
            self._take_in(runtime)
        async_get_suite(self.hass).async_report(self)

    def _take_in(self, runtime: SuiteRuntimeData) -> None:
        """Make and tell what follows from what was read."""
        for adder in list(runtime.adders):
            adder(self)
        self._pass_on_alarms()
        self._advise()
        runtime.memory.async_keep()

    def _advise(self) -> None:
        """Tell in a repair what is to be mended on the device, and take back what was."""
        if self.subentry_id is not None:
            return  # told once for all of them (``subentries``)
        advice = frozenset(self.device.advice)
        if self._advice is None:
            self._advice = self._advised()
        for key in self._advice - advice:
            ir.async_delete_issue(self.hass, DOMAIN, f"{key}_{self.unique_id_prefix}")
        for key in advice - self._advice:
            ir.async_create_issue(
                self.hass,
                DOMAIN,
                f"{key}_{self.unique_id_prefix}",
                is_fixable=False,
                severity=ir.IssueSeverity.WARNING,
                translation_key=key,
                translation_placeholders={"title": self.config_entry.title},
            )
        self._advice = advice

    def _advised(self) -> frozenset[str]:
        """What is still told from before the entry was reloaded, by the settings that it had then."""
        of_device = f"_{self.unique_id_prefix}"
        return frozenset(
            issue_id.removesuffix(of_device)
            for (domain, issue_id), issue in ir.async_get(self.hass).issues.items()
            if domain == DOMAIN and issue_id.endswith(of_device) and issue.active
        )

    def _note_identity(self) -> None:
        """Keep the device registry at what the device says of itself."""
        if (identity := self.device.identity) == self._identity:
            return
        self._identity = identity
        is_main = self is self.config_entry.runtime_data.main
        dr.async_get(self.hass).async_update_device(
            self.device_id,
            model=identity.model or UNDEFINED,
            name=UNDEFINED if is_main else identity.name or UNDEFINED,
            serial_number=identity.serial or UNDEFINED,
            sw_version=identity.firmware or UNDEFINED,
        )

    def _log_availability(self, report: Report) -> None:
        if report.available == (not self._logged_away):
            return
        self._logged_away = not report.available
        if self._logged_away:
            why = ", ".join(sorted(set(report.failed.values()))) or "link lost"
            LOGGER.warning("%s does not answer (%s)", self.log_name, why)
        else:
            LOGGER.info("%s answers again", self.log_name)

    def _pass_on_alarms(self) -> None:
        runtime = self.config_entry.runtime_data
        noticed = runtime.watch.alarms if self is runtime.main else ()
        before, self._alarms = self._alarms, (*self.device.alarms, *noticed)
        edges = alarm_edges(before, self._alarms)
        for alarm, raised in edges:
            for listener in list(self._alarm_listeners):
                listener(alarm, raised)
            async_get_suite(self.hass).async_alarm(self, alarm, raised)
        if not self._alarm_listeners:
            self._unheard.extend(edges)
        if edges:
            runtime.memory.async_keep_alarms(self.device.key, self._alarms)
            # What shows them was written before they were known.
            self.async_update_listeners()

    # --- commands --------------------------------------------------------------------------------------------------

    def _require_enabled(self, danger: Danger | None) -> None:
        """Raise ``ServiceValidationError`` unless the user enabled this control."""
        if danger is not None and danger not in self.enabled_controls:
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="control_not_enabled",
                translation_placeholders={"control": self._name_of(danger), "title": self.config_entry.title},
            )

    def _require_intent(self, *, confirmed: bool, named: bool) -> None:
        """Raise ``ServiceValidationError`` where what can drop the load was not meant for certain."""
        if not named:
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="device_not_named",
                translation_placeholders={"device": self.title},
            )
        if not confirmed:
            raise ServiceValidationError(translation_domain=DOMAIN, translation_key="confirmation_needed")

    async def _require_administrator(self, context: Context | None) -> None:
        """Raise ``Unauthorized`` for a user without the rights of an administrator."""
        if context is None or context.user_id is None:
            return
        user = await self.hass.auth.async_get_user(context.user_id)
        if user is None or not user.is_admin:
            raise Unauthorized(context=context)

    def _name_of(self, danger: Danger) -> str:
        """What the options call a control."""
        texts = async_get_cached_translations(self.hass, self.hass.config.language, "selector", DOMAIN)
        label = texts.get(f"component.{DOMAIN}.selector.{CONF_CONTROLS}.options.{danger}", danger.value)
        # What follows says what it can do.
        return label.partition(":")[0].strip()

    async def async_command(  # noqa: PLR0913 - what each gate asks about
        self,
        control: str,
        send: Callable[[], Awaitable[Any]],
        *,
        before: str | float | Callable[[], str | float | None] | None,
        to: str | float | None,
        danger: Danger | None = None,
        confirmed: bool = True,
        named: bool = True,
        grave: bool = False,
        require: Callable[[], None] | None = None,
        context: Context | None = None,
        end: DueCommand | None = None,
    ) -> Effect:
        """Send a command: gate, delay, write, read back, record.

        What drops the load, or is ``grave`` for it may, has to be ``confirmed``, on a device that is ``named`` itself,
        and is for administrators. ``require`` raises ``ServiceValidationError`` where a gate of the command's own is
        shut. ``before`` is asked for in the end where only sending finds it out. ``end`` is what is due after it and
        belongs to it; what was due for this control before is given up.
        Raises ``ServiceValidationError`` or ``HomeAssistantError``, translated, or ``Unauthorized``.
        """
        result = "failed"
        runtime = self.config_entry.runtime_data  # an entry that is unloaded while a command waits has none any more
        try:
            if require is not None:
                require()
            self._require_enabled(danger)
            if grave or (danger is not None and danger.drops_load):
                self._require_intent(confirmed=confirmed, named=named)
                await self._require_administrator(context)
            self._require_available()
            async with runtime.pending.turn(
                self.device.key, control, float(self.config_entry.options.get(CONF_DELAY, 0))
            ):
                effect = Effect(await send())
        except ServiceValidationError as err:
            result = err.translation_key or result
            raise
        except Unauthorized:
            result = "not_administrator"
            raise
        except GatewayError as err:
            result = err.reason if isinstance(err, CommandRefused) else REASONS[type(err)]
            if result == "writes_not_allowed":
                self._note_read_only(True)
            raise self._translated(err) from err
        else:
            result = effect.value
            self._replace_due(runtime, control, end)
            if effect is not Effect.UNCHANGED:
                self._note_read_only(False)
            return effect
        finally:
            async_get_suite(self.hass).async_record(
                CommandRecord(
                    device_id=self.device_id,
                    device=self.device.key,
                    control=control,
                    before=before() if callable(before) else before,
                    to=to,
                    result=result,
                ),
                context,
            )
            runtime.lease.runner.expedite(self.reading_name)
            self.async_update_listeners()

    def _translated(self, err: GatewayError) -> HomeAssistantError:
        """What the user is told of an error of the gateway."""
        if not isinstance(err, CommandRefused):
            return HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key=REASONS[type(err)],
                translation_placeholders={"title": self.config_entry.title},
            )
        error = HomeAssistantError if err.reason in NOT_THE_CALLER else ServiceValidationError
        return error(translation_domain=DOMAIN, translation_key=err.reason, translation_placeholders=err.placeholders)

    async def async_ask[T](self, ask: Callable[[], Awaitable[T]], *, though_away: bool = False) -> T:
        """Ask the device something that no part of it holds. Raises ``HomeAssistantError``, translated.

        ``though_away`` asks it also where nothing of its own could be read: its map may be the wrong one.
        """
        if not though_away:
            self._require_available()
        try:
            return await ask()
        except GatewayError as err:
            raise self._translated(err) from err

    def _replace_due(self, runtime: SuiteRuntimeData, control: str, end: DueCommand | None) -> None:
        """The newest command for a control wins, over one that was to be given later too."""
        due = runtime.memory.due
        left = [each for each in due if each is end or (each["device"], each["control"]) != (self.device.key, control)]
        if len(left) < len(due):
            due[:] = left
            runtime.memory.async_keep(SAVE_SOON)

    def _require_available(self) -> None:
        if not self.data.available:
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="device_unavailable",
                translation_placeholders={"device": self.title},
            )

    def _note_read_only(self, read_only: bool) -> None:
        issue_id = f"read_only_gateway_{self.config_entry.entry_id}"
        if not read_only:
            ir.async_delete_issue(self.hass, DOMAIN, issue_id)
            return
        ir.async_create_issue(
            self.hass,
            DOMAIN,
            issue_id,
            is_fixable=False,
            severity=ir.IssueSeverity.WARNING,
            translation_key="read_only_gateway",
            translation_placeholders={"title": self.config_entry.title},
        )

"""What stands behind a NET VISION card, and the card itself, as typed devices over one line."""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from enum import IntEnum
from functools import partial
from typing import Any, override

from ..base import Alarm, CommandRefused, Device, DeviceGone, Found, GatewayError, Identity, Severity, Speed
from ..commands import Effect
from . import status
from .bits import CARD_ALARMS, raised
from .control import COMMANDS, CONFIRM, Control, Schedule, ShutdownAction, UpsCommand
from .line import Channel, Line, Objects, View
from .machine import Machine, Readings
from .quantities import QUANTITIES, Table
from .status import (
    CONDITIONS,
    STATUSES,
    BatteryStatus,
    LoadLevel,
    UnitStatus,
    UpsStatus,
    derive,
    state,
)

# Only a UPS of this family transfers its load by command, unless it speaks VU-MAP.
_TRANSFERRING_FAMILY = "DELPHYS"
_TRANSFERS = (UpsCommand.ON_BYPASS, UpsCommand.ON_INVERTER)
_REMOTE_CONTROL_DISABLED = "S06"
_DISCHARGING = (BatteryStatus.DISCHARGING, BatteryStatus.LOW, BatteryStatus.DISCHARGED)
_HIGHEST_CELSIUS = 50.0

_QUANTITIES = frozenset(quantity.key for quantity in QUANTITIES)

COMMUNICATION_LOST = Alarm("communication_lost", Severity.CRITICAL, notify_by_default=True)
_UNIT_ALARMS: Mapping[UnitStatus, Alarm] = {
    UnitStatus.ALARM: Alarm("unit_alarm", Severity.WARNING),
    UnitStatus.IMMINENT_STOP: Alarm("imminent_stop", Severity.CRITICAL, notify_by_default=True),
}


class LineDevice(Device):
    """A device whose values come with the line."""

    manufacturer = "Socomec"

    def __init__(self, found: Found, line: Line) -> None:
        """Make a device that was found."""
        super().__init__(found.key)
        self.found = found
        self.unit_id = found.unit_id
        self.line = line
        self.parts["live"] = View(line, shows=self.shows_readings)

    shows_readings = False

    @property
    def machine(self) -> Machine:
        """What stands behind the card, as far as it was told."""
        return self.line.machine


class NetVisionCard(LineDevice):
    """The card: what it reaches, and the shutdown of the servers that it looks after."""

    kind = "netvision_card"
    model = "NET VISION"

    def __init__(self, found: Found, line: Line) -> None:
        super().__init__(found, line)
        self._control = Control(line.snmp.client) if line.snmp else None
        self._settings: Objects | None = None
        if line.snmp is not None:
            # Shutdown delay, turn off after shutdown, and which servers are connected.
            self._settings = Objects(line, line.snmp, ("7.2", "7.3", "8.5.1.1"), Speed.SLOW)
            self.parts["settings"] = self._settings
            # How often and how fast the card asks the UPS, and its MIB: for diagnostics.
            self.parts["agent"] = Objects(line, line.snmp, ("9.10", "9.11", "9.23"), Speed.ONCE)

    @property
    @override
    def identity(self) -> Identity:
        machine = self.machine
        return Identity(
            manufacturer=self.manufacturer,
            model=self.model,
            firmware=machine.card_firmware,
            name=machine.name,
        )

    @property
    def ups_connected(self) -> bool:
        """Whether the card reaches what it is in."""
        return not self.line.lost

    @property
    def channel(self) -> Channel | None:
        """Which way the readings came."""
        return self.line.source

    @property
    def remote_control(self) -> bool | None:
        """Whether the UPS takes commands."""
        if self.line.card.remote_control is not None:
            return self.line.card.remote_control
        readings = self.line.readings
        if readings is not None and readings.table is Table.JBUSP:
            return _REMOTE_CONTROL_DISABLED not in readings.bits
        return None

    @property
    def manages_shutdown(self) -> bool:
        """Whether the settings of the shutdown can be read and set: SNMP alone carries them, and not for an STS."""
        return self._settings is not None and bool(self._settings.present)

    @property
    @override
    def alarms(self) -> tuple[Alarm, ...]:
        told = raised(Table.UPS_MIB, self.line.card.bits, CARD_ALARMS)
        if self.line.lost and not any(alarm.key == COMMUNICATION_LOST.key for alarm in told):
            return (COMMUNICATION_LOST, *told)
        return told

    def _setting(self, suffix: str) -> int | None:
        value = self._settings.values.get(suffix) if self._settings else None
        return value if isinstance(value, int) and value != -1 else None

    @property
    def shutdown_delay(self) -> int | None:
        """How long in s after the servers were told to shut down the UPS turns off."""
        return self._setting("7.2.0")

    @property
    def turn_off_after_shutdown(self) -> bool | None:
        """Whether the UPS turns off once the servers have shut down."""
        value = self._setting("7.3.0")
        return None if value not in (1, 2) else value == 1

    @property
    def connected_servers(self) -> int | None:
        """How many servers the card would shut down."""
        if self._settings is None or not self._settings.present:
            return None
        return sum(suffix.startswith("8.5.1.1.") for suffix in self._settings.values)

    def control(self) -> Control:
        """What writes to the card. Raises ``CommandRefused`` where there is no SNMP to write by."""
        if self._control is None:
            raise CommandRefused("needs_snmp")
        if self.machine.is_sts:
            raise CommandRefused("not_supported")
        return self._control

    async def set_shutdown_delay(self, seconds: float) -> Effect:
        """Set the shutdown delay in s. Raises ``CommandRefused``."""
        return await self._seen(await self.control().set_shutdown_delay(seconds))

    async def set_turn_off_after_shutdown(self, on: bool) -> Effect:
        """Set whether the UPS turns off once the servers have shut down. Raises ``CommandRefused``."""
        return await self._seen(await self.control().set_turn_off_after_shutdown(on))

    async def _seen(self, effect: Effect) -> Effect:
        """Read the settings again, so that they show what was set."""
        if self._settings is not None:
            with suppress(GatewayError):  # it was seen on the card already
                await self._settings.async_read(time.monotonic())
        return effect

    async def set_shutdown_event(self, row: int, *, action: ShutdownAction, **numbers: float | None) -> Effect:
        """Set what the card does on an event (``Control.set_shutdown_event``). Raises ``CommandRefused``."""
        return await self.control().set_shutdown_event(row, action=action, **numbers)

    async def set_schedule(
        self, schedule: Schedule, row: int, *, begin: tuple[str, str], end: tuple[str, str]
    ) -> Effect:
        """Set a row of a schedule (``Control.set_schedule``). Raises ``CommandRefused``."""
        if schedule is Schedule.ECO_MODE and self.machine.has_eco_mode is False:
            raise CommandRefused("eco_mode_not_available")
        return await self.control().set_schedule(schedule, row, begin=begin, end=end)

    async def read_settings(self) -> dict[str, Any]:
        """Read the settings of shutdown and schedules. Raises ``CommandRefused`` without SNMP, ``CannotConnect``."""
        return await self.control().read()


class MachineDevice(LineDevice):
    """What the card is in: gone while the card does not reach it."""

    shows_readings = True

    @property
    @override
    def reachable(self) -> bool:
        return not self.line.lost

    @property
    @override
    def identity(self) -> Identity:
        machine = self.machine
        return Identity(
            manufacturer=self.manufacturer,
            model=machine.model,
            serial=machine.serial,
            firmware=machine.firmware,
        )

    @property
    def readings(self) -> Readings | None:
        """What the last look brought."""
        return self.line.readings

    def value(self, key: str) -> float | None:
        """A quantity by its key, in its unit."""
        value = self.readings.values.get(key) if self.readings else None
        return None if isinstance(value, str) else value

    def __getattr__(self, name: str) -> Any:
        """Every quantity and every state that follows from the bits, by its key, without being named here again."""
        if name in _QUANTITIES:
            return self.value(name)
        if name in STATUSES:
            return self.derived(partial(derive, STATUSES[name]))
        if name in CONDITIONS:
            return self.derived(partial(state, name))
        raise AttributeError(name)

    @property
    def output_phases(self) -> int:
        """How many phases the output has."""
        return self.machine.output_phases or self._phases_of("output_voltage")

    @property
    def input_phases(self) -> int:
        """How many phases the input, or each of the sources, has."""
        return self.machine.input_phases or self._phases_of("input_voltage")

    def _phases_of(self, key: str) -> int:
        """What the voltages show where nobody says it."""
        return 1 if self.value(f"{key}_l2") is None else 3

    def derived[T](self, state: Callable[[Table, Collection[str]], T]) -> T | None:
        """A state that follows from the bits (``status``)."""
        return state(self.readings.table, self.readings.bits) if self.readings else None

    @property
    @override
    def alarms(self) -> tuple[Alarm, ...]:
        return raised(self.readings.table, self.readings.bits) if self.readings else ()

    def is_raised(self, key: str) -> bool | None:
        """Whether the alarm of that key is raised."""
        return any(alarm.key == key for alarm in self.alarms) if self.readings else None

    @property
    def load_level(self) -> LoadLevel | None:
        """How much of its rated output is used: above 90 % is high, above 100 % an overload."""
        return status.load_level(self.value("load"))

    @property
    def load_supplied(self) -> bool | None:
        """Whether the load has power."""
        unsupplied = self.is_raised("load_not_supplied")
        return None if unsupplied is None else not unsupplied

    @property
    def imminent_stop(self) -> bool | None:
        """Whether the load will lose its power in a moment."""
        return self.is_raised("imminent_stop")


class Ups(MachineDevice):
    """A UPS, or a system of several (capability ``Ups``)."""

    kind = "ups"

    @property
    def has_battery(self) -> bool:
        """Whether there is a battery: a converter has none."""
        return self.machine.has_battery is not False

    @property
    def ups_status(self) -> UpsStatus | None:
        """What it does."""
        return self.derived(status.ups_status)

    @property
    def battery_status(self) -> BatteryStatus | None:
        """What its battery does."""
        return self.derived(status.battery_status) if self.has_battery else None

    @property
    def on_battery(self) -> bool | None:
        """Whether the load lives on the battery."""
        return self.is_raised("on_battery")

    @property
    def discharging(self) -> bool:
        """Whether the battery is being emptied."""
        return bool(self.on_battery) or self.battery_status in _DISCHARGING

    @property
    def _is_empty(self) -> bool:
        """Whether the battery is at its end, so that 0 is a number: cards say it of what they do not know as well."""
        return bool(self.battery_low or self.imminent_stop) or self.battery_status is BatteryStatus.DISCHARGED

    @property
    def state_of_charge(self) -> float | None:
        """State of charge in %."""
        value = self.value("state_of_charge")
        return value if value or self._is_empty else None

    @property
    def time_to_go(self) -> float | None:
        """How long the battery lasts, in s: while it discharges, or where the UPS computes it before."""
        value = self.value("time_to_go")
        return value if value or self._is_empty else None

    @property
    def time_on_battery(self) -> float | None:
        """How long the load has lived on the battery, in s."""
        value = self.value("time_on_battery")
        return value if self.discharging and value is not None and value >= 0 else None

    @property
    def battery_low(self) -> bool | None:
        """Whether the battery is near its end."""
        return self.is_raised("low_battery")

    @property
    def on_bypass(self) -> bool | None:
        """Whether the bypass feeds the load, unprotected, for another reason than eco mode."""
        return self.is_raised("on_bypass")

    @property
    def overload(self) -> bool | None:
        """Whether the load is more than it can bear for long."""
        return self.is_raised("overload")

    # --- commands --------------------------------------------------------------------------------------------------

    def takes(self, command: UpsCommand) -> bool:
        """Whether it may be given this command at all: by Modbus the card refuses every write."""
        if self.line.snmp is None:
            return False
        return command not in _TRANSFERS or self._transfers

    @property
    def _transfers(self) -> bool:
        """Whether its load may be transferred to the bypass and back by command (manual 12.7.1)."""
        machine = self.machine
        if machine.table is Table.VUMAP:
            return True
        return machine.model is None or _TRANSFERRING_FAMILY in machine.model.upper()

    async def give_command(self, command: UpsCommand) -> Effect:
        """Give a command and wait until the state shows it.

        It is refused before anything is sent unless the UPS takes commands and knows this one, and it is sent once.
        Raises ``CommandRefused`` or ``GatewayError``.
        """
        if self.line.snmp is None:
            raise CommandRefused("needs_snmp")
        if not self.takes(command):
            raise CommandRefused("transfer_not_available")
        if command is UpsCommand.ECO_MODE and self.machine.has_eco_mode is False:
            raise CommandRefused("eco_mode_not_available")
        control, wanted = Control(self.line.snmp.client), COMMANDS[command]
        await control.require_remote_control()
        await self.line.look(self.line.looks)
        if not self.reachable:
            raise DeviceGone
        # Sent also where it shows as done: what shows may be half a minute old, and another command under way.
        is_so = wanted.is_done(self.ups_status, self.eco_mode)
        acknowledged = await control.give(wanted)
        if is_so or not wanted.shows:
            if not acknowledged:
                raise CommandRefused("no_answer")
            return Effect.APPLIED
        given_at = time.monotonic()
        for moment in CONFIRM:
            await asyncio.sleep(max(0.0, given_at + moment - time.monotonic()))
            try:
                await self.line.look(self.line.looks)
            except GatewayError:
                continue
            if wanted.is_done(self.ups_status, self.eco_mode):
                return Effect.APPLIED
        raise CommandRefused("not_confirmed" if acknowledged else "no_answer")


class Source(IntEnum):
    """The sources of a static transfer system."""

    SOURCE_1 = 1
    SOURCE_2 = 2


class Sts(MachineDevice):
    """A static transfer system: it feeds the load from the better of two sources. Nothing of it can be set."""

    kind = "sts"

    @property
    def active_source(self) -> Source | None:
        """Which source feeds the load."""
        number = self.derived(status.active_source)
        return Source(number) if number else None

    @property
    def preferred_source(self) -> Source | None:
        """Which source is to feed the load as long as it can."""
        number = self.derived(status.preferred_source)
        return Source(number) if number else None

    @property
    def overload(self) -> bool | None:
        """Whether the load is more than it can bear for long."""
        return self.is_raised("sts_overload")


class UpsUnit(LineDevice):
    """A unit of a parallel system, or a module of a modular one: what the system says of it.

    What a unit measures only a card of its own tells (manual 15.3).
    """

    kind = "ups_unit"

    def __init__(self, found: Found, line: Line) -> None:
        super().__init__(found, line)
        self.number = found.number or 1

    @property
    @override
    def reachable(self) -> bool:
        return not self.line.lost

    @property
    @override
    def identity(self) -> Identity:
        return Identity(manufacturer=self.manufacturer, model=self.machine.model)

    @property
    def unit_status(self) -> UnitStatus | None:
        """What it does."""
        readings = self.line.readings
        return status.unit_status(readings.table, readings.bits, self.number) if readings else None

    @property
    @override
    def alarms(self) -> tuple[Alarm, ...]:
        alarm = _UNIT_ALARMS.get(self.unit_status or UnitStatus.UNKNOWN)
        return (alarm,) if alarm else ()


class Emd(LineDevice):
    """The environment device that may be plugged into a card."""

    kind = "emd"
    model = "EMD"

    @property
    @override
    def reachable(self) -> bool:
        return self.line.card.emd is not None

    @property
    @override
    def identity(self) -> Identity:
        return Identity(manufacturer=self.manufacturer, model=self.model)

    def _told(self, key: str) -> float | None:
        return self.line.card.emd.get(key) if self.line.card.emd else None

    @property
    def temperature(self) -> float | None:
        """Temperature in °C, as the card says it."""
        return self._told("temperature")

    @property
    @override
    def advice(self) -> tuple[str, ...]:
        # No room for such equipment in °C, but a usual one in °F: the card may be set to it.
        is_fahrenheit = self.temperature is not None and self.temperature > _HIGHEST_CELSIUS
        return ("emd_in_fahrenheit",) if is_fahrenheit else ()

    @property
    def humidity(self) -> float | None:
        """Relative humidity in %."""
        return self._told("humidity")

    def _input(self, number: int) -> bool | None:
        value = self._told(f"input_{number}")
        return None if value is None else bool(value)

    @property
    def input_1(self) -> bool | None:
        """Whether input 1 is active; None while it is disabled on the card."""
        return self._input(1)

    @property
    def input_2(self) -> bool | None:
        """Whether input 2 is active; None while it is disabled on the card."""
        return self._input(2)


DEVICES: Mapping[str, type[LineDevice]] = {device.kind: device for device in (NetVisionCard, Ups, Sts, UpsUnit, Emd)}

"""EV charging stations."""

import time
from collections.abc import Mapping
from typing import override

from modbus_connection import ModbusUnit

from ..base import Alarm, CommandRefused, Found, Identity, Severity
from ..commands import Effect, check_range, write
from ..registers import Registers
from .device import Coded, Flag, Reading, VictronDevice, firmware, first
from .enums import ChargingMode, EvStatus, Position
from .fields import code, int32, text, uint16, uint32

# Below this a car does not charge (IEC 61851).
LEAST_CURRENT = 6.0


class Live(Registers):
    """What the station does now, and what it is."""

    service = "evcharger"
    layouts = (
        ((3800, 3847),),
        ((3800, 3837),),
        ((3800, 3800), (3802, 3835)),
        ((3800, 3800), (3802, 3827)),
    )

    product_id = code(3800, nan=0)
    firmware = uint32(3802, nan=0)
    serial = text(3804, 6)
    model = text(3810, 4)
    maximum_current = uint16(3814, nan=0, writable=True, unit="A")
    mode = code(3815, writable=True)
    session_energy_old = uint32(3816, 0.01)
    power_l1 = uint16(3818, unit="W")
    power_l2 = uint16(3819, unit="W")
    power_l3 = uint16(3820, unit="W")
    power = uint16(3821, unit="W")
    charging_time = uint16(3822, 100)
    current = uint16(3823, unit="A")
    status = code(3824)
    charging_current = uint16(3825, writable=True, unit="A")
    start_stop = code(3826, writable=True)
    position = code(3827, writable=True)
    session_time = uint32(3828)
    session_energy = uint32(3830, 0.01)
    session_cost = int32(3832, 0.01)
    saved_cost = int32(3834, 0.01)
    energy = uint32(3836, 0.01, unit="kWh")
    custom_name = text(3840, 8, writable=True)


class EvCharger(VictronDevice):
    """An EV charging station, or an energy meter in its role."""

    kind = "ev_charger"

    def __init__(self, found: Found, unit: ModbusUnit, interval: float) -> None:
        super().__init__(found, unit, interval)
        self.live = self.add_part("live", Live)
        self._phases_seen = 1

    @property
    @override
    def identity(self) -> Identity:
        return Identity(
            manufacturer=self.manufacturer,
            model=self.live.model,
            serial=self.live.serial or self.found.serial,
            firmware=firmware(self.live.firmware),
            name=self.live.custom_name or self.found.name,
        )

    @property
    @override
    def phases(self) -> int:
        # A phase is known by what flows on it, and is not gone when the car takes nothing.
        flowing = (phase for phase in (2, 3) if getattr(self.live, f"power_l{phase}"))
        return max(*flowing, self._phases_seen, 1)

    @override
    def settle(self, now: float) -> None:
        self._phases_seen = self.phases

    power = Reading(Live.power)
    power_l1 = Reading(Live.power_l1)
    power_l2 = Reading(Live.power_l2, phase=2)
    power_l3 = Reading(Live.power_l3, phase=3)
    current = Reading(Live.current)
    maximum_current = Reading(Live.maximum_current)
    position = Coded(Live.position, Position)
    session_time = Reading(Live.session_time)
    session_cost = Reading(Live.session_cost)
    saved_cost = Reading(Live.saved_cost)
    model = Reading(Live.model)
    serial = Reading(Live.serial)

    @property
    def firmware(self) -> str | None:
        """The station's firmware."""
        return firmware(self.live.firmware)

    @property
    def energy(self) -> float | None:
        """All energy so far in kWh."""
        return self.live.energy or None

    @property
    def session_energy(self) -> float | None:
        """Energy of this session in kWh."""
        return first(self.live.session_energy, self.live.session_energy_old)

    @property
    def controllable(self) -> bool:
        """Whether it is a station: a plain meter has no current to set."""
        return self.live.maximum_current is not None

    def _of_station[T](self, value: T | None) -> T | None:
        """A value that reads 0, which would mean something, on a plain meter."""
        return value if self.controllable else None

    _status = Coded(Live.status, EvStatus)
    _mode = Coded(Live.mode, ChargingMode)
    _start_stop = Flag(Live.start_stop)

    @property
    def status(self) -> EvStatus | None:
        """What it does."""
        return self._of_station(self._status)

    @property
    def charging_mode(self) -> ChargingMode | None:
        """How it decides when to charge."""
        return self._of_station(self._mode)

    @property
    def charging(self) -> bool | None:
        """Whether charging is switched on."""
        return self._of_station(self._start_stop)

    @property
    def charging_current(self) -> float | None:
        """The charging current that is set in A."""
        return self._of_station(self.live.charging_current)

    @property
    def charging_time(self) -> float | None:
        """How long it has charged in s, in steps of 100."""
        return self._of_station(self.live.charging_time)

    @property
    def charging_modes(self) -> Mapping[str, ChargingMode]:
        """The modes that may be chosen, by their names in lower case."""
        return {mode.name.lower(): mode for mode in ChargingMode}

    @property
    def charging_current_range(self) -> tuple[float, float] | None:
        """The charging currents in A that may be set."""
        maximum = self.live.maximum_current
        return None if maximum is None else (LEAST_CURRENT, max(maximum, LEAST_CURRENT))

    @property
    @override
    def alarms(self) -> tuple[Alarm, ...]:
        status = self.status
        if status is None or not EvStatus.GROUND_TEST_ERROR <= status <= EvStatus.OVERHEATING:
            return ()
        return (Alarm(f"ev_{status.name.lower()}", Severity.CRITICAL, code=int(status)),)

    async def _look(self) -> None:
        await self.live.async_read(time.monotonic())
        if not self.controllable:
            raise CommandRefused("not_controllable")

    async def set_charging_mode(self, mode: ChargingMode) -> Effect:
        """Choose how it decides when to charge. Raises ``CommandRefused``."""
        await self._look()
        return await write(self.live, {"mode": mode})

    async def set_charging_current(self, amperes: float) -> Effect:
        """Set the charging current in A, in manual mode. Raises ``CommandRefused``."""
        await self._look()
        low, high = self.charging_current_range or (0.0, 0.0)
        check_range(amperes, low, high, unit="A")
        if self.charging_mode is not ChargingMode.MANUAL:
            raise CommandRefused("not_in_manual_mode")
        return await write(self.live, {"charging_current": round(amperes)})

    async def set_charging(self, on: bool) -> Effect:
        """Start or stop charging. Raises ``CommandRefused``."""
        await self._look()
        return await write(self.live, {"start_stop": int(on)})

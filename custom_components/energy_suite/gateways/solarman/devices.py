"""The stick itself, as a device: whether it answers, and since when it runs."""

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, override

from modbus_connection import ModbusExceptionError, ModbusUnit

from ..base import Device, Found, Identity, Speed
from ..registers import translated_errors
from .v5 import Stick, V5Unit


class Presence:
    """Whether the stick answers: known from the answers it passed on, else asked for."""

    speed = Speed.LIVE

    def __init__(self, unit: ModbusUnit, interval: float) -> None:
        """``interval`` is the time in s between two rounds."""
        self._unit = unit
        self._interval = interval
        self.present: bool | None = None
        self.read_at: float | None = None

    @property
    def stick(self) -> Stick | None:
        """What the stick says of itself; nothing over plain Modbus TCP."""
        return self._unit.stick if isinstance(self._unit, V5Unit) else None

    @property
    def dropped(self) -> int:
        """How many frames were no answer to what was asked."""
        return self.stick.dropped if self.stick else 0

    async def async_read(self, now: float) -> None:
        """See whether the stick answers. Raises ``CannotConnect``."""
        answered_at = self.stick.answered_at if self.stick else None
        if answered_at is None or time.monotonic() - answered_at > self._interval:
            # A refusal is an answer as well, and so is that the inverter gives none.
            with translated_errors(), suppress(ModbusExceptionError):
                await self._unit.read_holding_registers(0, 1)
        self.present, self.read_at = True, now

    def forget(self) -> None:
        """There is nothing to find out."""

    @property
    def shown(self) -> Mapping[str, Any]:
        """What diagnostics show: nothing by which the stick could be known."""
        stick = self.stick
        if stick is None:
            return {}
        return {"values": {"uptime": stick.uptime, "working_time": stick.working_time, "dropped_frames": stick.dropped}}


class LoggerStick(Device):
    """A SOLARMAN logger stick."""

    kind = "logger_stick"
    manufacturer = "SOLARMAN"

    def __init__(self, found: Found, unit: ModbusUnit, interval: float) -> None:
        """Make the stick that was found."""
        super().__init__(found.key)
        self.found = found
        self.unit_id = found.unit_id
        self.presence = Presence(unit, interval)
        self.parts["live"] = self.presence

    @property
    @override
    def identity(self) -> Identity:
        return Identity(manufacturer=self.manufacturer, serial=self.found.serial, name=self.found.name)

    @property
    def inverter_connected(self) -> bool | None:
        """Whether the inverter answers it: at night many do not."""
        stick = self.presence.stick
        return None if stick is None or stick.answered_at is None else not stick.inverter_silent

    @property
    def uptime(self) -> int | None:
        """How long in s it has run since it was switched on."""
        return self.presence.stick.uptime if self.presence.stick else None

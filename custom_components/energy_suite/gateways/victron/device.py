"""What every device behind a GX has in common: how its attributes come from its registers."""

import time
from collections.abc import Mapping
from enum import IntEnum
from typing import Any, Self, overload, override

from modbus_connection import ModbusUnit
from modbus_connection.model import RegisterField

from ..base import CommandRefused, Device, Found, Identity, NotSupported, Speed
from ..commands import Effect
from ..plausibility import COUNTER
from ..registers import Registers, translated_errors
from ..schedule import SLOW_INTERVAL

PHASES = (1, 2, 3)


def coded[E: IntEnum](members: type[E], value: float | None) -> E | None:
    """The member with that code; None for a code that nobody has told us the meaning of."""
    try:
        return None if value is None else members(int(value))
    except ValueError:
        return None


def yes_or_no(value: float | None) -> bool | None:
    """What 1 and 0 mean; anything else is unknown."""
    return bool(value) if value in (0, 1) else None


def first(*values: float | None) -> float | None:
    """The first value that is known: a register before the narrower one that says the same."""
    return next((value for value in values if value is not None), None)


def total(*values: float | None) -> float | None:
    """The sum of what is known; None if nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def product(voltage: float | None, current: float | None) -> float | None:
    """The power in W that a voltage and a current make."""
    return None if voltage is None or current is None else round(voltage * current, 1)


def firmware(number: float | None) -> str | None:
    """A firmware as Victron prints it: 0x035702 is v3.57~2, the second beta of 3.57."""
    if number is None:
        return None
    digits, beta = f"{int(number) >> 8:03x}", int(number) & 0xFF
    version = f"v{digits[:-2]}.{digits[-2:]}"
    return f"{version}~{beta}" if beta not in (0, 0xFF) else version


def counts_energy(part: Registers) -> bool:
    """Whether a part counts energy: one counter may well stand at 0, but not all that a device has."""
    return any(getattr(part, name) for name, field in part.fields.items() if field.unit == COUNTER)


class Reading[T]:
    """A device's attribute that is a field of one of its parts, on a phase that the device has."""

    def __init__(self, field: RegisterField[T], part: str = "live", *, phase: int = 1) -> None:
        self.field = field
        self.part = part
        self.phase = phase

    @overload
    def __get__(self, device: None, owner: Any = ...) -> Self: ...

    @overload
    def __get__(self, device: VictronDevice, owner: Any = ...) -> T | None: ...

    def __get__(self, device: VictronDevice | None, owner: Any = None) -> Any:
        return self if device is None else self.of(device)

    def of(self, device: VictronDevice) -> Any:
        """The value on this device."""
        if self.phase > 1 and self.phase > device.phases:
            return None
        value = getattr(device.parts[self.part], self.field.name)
        # A negative scale makes -0.0 of 0.
        return value + 0 if isinstance(value, float) else value


class Counter(Reading[float]):
    """An energy counter of a device that counts energy."""

    @override
    def of(self, device: VictronDevice) -> float | None:
        part = device.parts[self.part]
        assert isinstance(part, Registers)
        value: float | None = super().of(device) if counts_energy(part) else None
        return value


class Coded[E: IntEnum]:
    """A device's attribute that says what the code in a field means."""

    def __init__(self, field: RegisterField[int] | RegisterField[float], members: type[E], part: str = "live") -> None:
        self.field = field
        self.members = members
        self.part = part

    @overload
    def __get__(self, device: None, owner: Any = ...) -> Self: ...

    @overload
    def __get__(self, device: VictronDevice, owner: Any = ...) -> E | None: ...

    def __get__(self, device: VictronDevice | None, owner: Any = None) -> Any:
        if device is None:
            return self
        return coded(self.members, getattr(device.parts[self.part], self.field.name))


class Flag:
    """A device's attribute that is yes or no: 1 or 0 in a field."""

    def __init__(self, field: RegisterField[int], part: str = "live") -> None:
        self.field = field
        self.part = part

    @overload
    def __get__(self, device: None, owner: Any = ...) -> Self: ...

    @overload
    def __get__(self, device: VictronDevice, owner: Any = ...) -> bool | None: ...

    def __get__(self, device: VictronDevice | None, owner: Any = None) -> Any:
        if device is None:
            return self
        return yes_or_no(getattr(device.parts[self.part], self.field.name))


class VictronDevice(Device):
    """A device behind a GX; ``unit_id`` is where it answers now, and may be changed on the GX."""

    manufacturer = "Victron Energy"

    def __init__(self, found: Found, unit: ModbusUnit, interval: float) -> None:
        """Make a device that was found; ``interval`` is the time in s between two rounds."""
        super().__init__(found.key)
        self.found = found
        self.unit_id = found.unit_id
        self._unit = unit
        self._interval = interval

    def add_part[R: Registers](self, name: str, registers: type[R]) -> R:
        """Read these registers as a part of the device."""
        interval = self._interval if registers.speed is Speed.LIVE else max(self._interval, SLOW_INTERVAL)
        part = registers(self._unit, interval=interval)
        self.parts[name] = part
        return part

    @property
    def phases(self) -> int:
        """How many phases it has now, 1 to 3."""
        return 1

    def _text(self, name: str) -> str | None:
        return next((text for part in self.parts.values() if (text := getattr(part, name, None))), None)

    @property
    @override
    def identity(self) -> Identity:
        return Identity(
            manufacturer=self.manufacturer,
            serial=self._text("serial") or self.found.serial,
            name=self._text("custom_name") or self.found.name,
        )

    @property
    @override
    def counters(self) -> dict[str, tuple[float, float]]:
        return {
            f"{name}.{field}": counter
            for name, part in self.parts.items()
            if isinstance(part, Registers)
            for field, counter in part.believer.counters.items()
        }

    @override
    def restore_counters(self, counters: Mapping[str, tuple[float, float]]) -> None:
        for name, part in self.parts.items():
            if isinstance(part, Registers):
                own = {key.removeprefix(f"{name}."): counter for key, counter in counters.items()}
                part.believer.restore(own)


async def trigger(part: Registers, field: str) -> Effect:
    """Write 1 to a register that starts something and then reads 0 again.

    Raises ``CommandRefused`` (``writes_not_allowed``), ``DeviceGone`` or ``CannotConnect``.
    """
    try:
        with translated_errors():
            await part.write(field, 1)
    except NotSupported as err:
        raise CommandRefused("writes_not_allowed") from err
    await part.async_read(time.monotonic())
    return Effect.APPLIED

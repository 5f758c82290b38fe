"""A block of Modbus registers as a part of a device: what this firmware has of it, what of a reading is believed."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, ClassVar, override

from modbus_connection import (
    GatewayPathUnavailableError,
    GatewayTargetError,
    IllegalDataAddressError,
    IllegalFunctionError,
    ModbusConnectionError,
    ModbusError,
    ModbusUnit,
)
from modbus_connection.model import Component, NumberField, RegisterField, StringField

from .base import CannotConnect, DeviceGone, NotSupported, Speed
from .plausibility import Believer, Value

type UnitFor = Callable[[int], ModbusUnit]
"""Gives the unit with that id on a gateway's connection."""

SPACES: Mapping[int, str] = MappingProxyType({1: "coil", 2: "discrete", 3: "holding", 4: "input"})
"""Function that reads -> what it reads."""

type Layout = tuple[tuple[int, int], ...]
"""Inclusive address ranges that a firmware answers in one request each."""


class LinkDroppedError(ModbusConnectionError):
    """The link dropped while an answer was awaited: it may open again at once, and the fault be the request's."""


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn the Modbus library's errors into this package's own."""
    try:
        yield
    except LinkDroppedError as err:
        raise CannotConnect("dropped") from err
    except ModbusConnectionError as err:
        raise CannotConnect("lost") from err
    except (GatewayPathUnavailableError, GatewayTargetError) as err:
        raise DeviceGone from err
    except (IllegalDataAddressError, IllegalFunctionError) as err:
        raise NotSupported from err
    except ModbusError as err:
        raise CannotConnect("silent") from err


class Registers(Component):
    """Registers that are read together, live, slowly or once.

    Subclasses declare fields, and may declare

    * ``layouts``: what different firmwares answer, the most complete first. The first that is not refused is kept;
      fields outside it read None.
    * ``absent_unless``: field -> another field of the block, without which (0, empty or unknown) it reads None. For
      devices that answer 0 where they have nothing.
    * ``private``: fields that diagnostics must not show, besides all texts.

    A field's ``unit`` decides how its readings are checked (``plausibility``).
    """

    speed: Speed = Speed.LIVE
    layouts: ClassVar[tuple[Layout, ...]] = ()
    absent_unless: ClassVar[Mapping[str, str]] = {}
    private: ClassVar[frozenset[str]] = frozenset()
    max_span = 125

    wall_clock: Callable[[], float] = staticmethod(time.time)
    """Counters are remembered over restarts, so they live in wall time."""

    def __init__(self, unit: ModbusUnit, *, interval: float = 0.0, base_offset: int = 0) -> None:
        """Start with nothing read. ``interval`` is the time in s between two readings of this part."""
        super().__init__(unit, base_offset=base_offset)
        self.present: bool | None = None
        self.read_at: float | None = None
        self.interval = interval
        self.raw: dict[str, dict[int, int | bool]] = {}
        numbers = {name: field for name, field in self._register_fields.items() if isinstance(field, NumberField)}
        self.believer = Believer(
            units={name: field.unit for name, field in numbers.items() if field.unit and field.convert is None},
            steps={name: abs(field.scale) for name, field in numbers.items()},
        )

    @property
    def dropped(self) -> int:
        """How many readings were not believed."""
        return self.believer.dropped

    async def async_read(self, now: float) -> None:
        """Read the block and keep what is believed of it.

        Raises ``NotSupported`` when the device refuses every layout, ``DeviceGone`` or ``CannotConnect``.
        """
        with translated_errors():
            if not self.present and self.layouts:
                raw = await self._read_first_layout()
            else:
                raw = await self._read_raw()
        self.present = True
        self.read_at = now
        self.raw = raw
        self._believe(raw)
        self.notify()

    def forget(self) -> None:
        """Ask again which layout the device has: it may have been updated or replaced."""
        self.present = None

    async def _read_raw(self) -> dict[str, dict[int, int | bool]]:
        try:
            return await self.async_read_raw(notify=False)
        except IllegalDataAddressError, IllegalFunctionError:
            self.present = None if self.present else False
            raise

    async def _read_first_layout(self) -> dict[str, dict[int, int | bool]]:
        for layout in self.layouts:
            self._choose(layout)
            try:
                return await self.async_read_raw(notify=False)
            except IllegalDataAddressError, IllegalFunctionError:
                continue
        self.present = False
        raise NotSupported

    def _choose(self, layout: Layout) -> None:
        self._register_fields = {
            name: field
            for name, field in type(self)._register_fields.items()  # noqa: SLF001 - narrowing what the class declares
            if any(low <= field.address and field.address + field.count - 1 <= high for low, high in layout)
        }
        self.register_ranges = layout
        self._values.clear()
        self._invalidate_caches()

    def _believe(self, raw: Mapping[str, Mapping[int, int | bool]]) -> None:
        blank = not any(any(words.values()) for words in raw.values())
        read = {name: self._values.get(name) for name in self._register_fields}
        for name, witness in self.absent_unless.items():
            if name in read and not read.get(witness):
                read[name] = None
        self._values.update(self.believer.judge(read, self.wall_clock(), blank=blank, interval=self.interval / 2))

    @property
    def fields(self) -> Mapping[str, RegisterField[Any]]:
        """Name -> field, for what this firmware has."""
        return self._register_fields

    @property
    def values(self) -> dict[str, Value]:
        """Every field that this firmware has, as believed."""
        return {name: self._values.get(name) for name in self._register_fields}

    def holds(self, name: str, value: Any) -> bool:
        """Whether the field reads as ``value`` would once written: compared after the register's own rounding."""
        field = self._register_fields.get(name)
        if field is None:
            return False
        return bool(self._values.get(name) == field.decode(field.encode(value)))

    def meaning(self, space: str, words: Mapping[int, int | bool]) -> dict[str, tuple[RegisterField[Any], Value]]:
        """Name -> field and value, for the fields that lie wholly in these words; nothing of it is kept.

        ``space`` is what the words were read from: ``coil``, ``discrete``, ``holding`` or ``input``.
        """
        if space != self.register_space:
            return {}
        return {
            name: (field, field.decode([int(words[at]) for at in _addresses(field)]))
            for name, field in self._register_fields.items()
            if all(at in words for at in _addresses(field))
        }

    @property
    def private_addresses(self) -> set[int]:
        """The addresses that diagnostics must not show: private fields, and texts: serial numbers and names."""
        return {
            address
            for name, field in self._register_fields.items()
            if isinstance(field, StringField) or name in self.private
            for address in _addresses(field)
        }

    @property
    def shown(self) -> Mapping[str, Any]:
        """What diagnostics show: ``values`` as believed and ``registers`` as read, without what is private."""
        private = self.private_addresses
        return {
            "values": {
                name: value
                for name, value in self.values.items()
                if not isinstance(value, str) and name not in self.private
            },
            "registers": {
                space: {str(address): int(word) for address, word in words.items() if address not in private}
                for space, words in self.raw.items()
            },
        }

    @override
    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.speed}>"


def _addresses(field: RegisterField[Any]) -> range:
    return range(field.address, field.address + field.count)

"""A card's SNMP agent: which MIB it serves, its objects, and what the card says of itself."""

import re
import time
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final, override

from ..base import NotThisDevice
from ..plausibility import Believer, Value
from .machine import BELIEVED, UNKNOWN, CardState, Machine, Readings, decode_objects
from .quantities import QUANTITIES, ROOTS, Object, Table
from .snmp import SnmpClient, SnmpValue

# Software version of the card: its answer tells which MIB it is (never sysObjectID, behaviour.md 2).
_FIRMWARE: Final[Mapping[Table, str]] = {Table.UPS_MIB: "1.5.0", Table.STS_MIB: "1.4.0"}
_LIVE: Final[Mapping[Table, tuple[str, ...]]] = {
    # Battery, input, output, bypass; the alarms by name; whether commands are taken; the environment device.
    Table.UPS_MIB: ("2", "3", "4", "5", "6.3", "8.4", "10"),
    Table.STS_MIB: ("2", "3", "4", "5", "6"),
}
# The same of the card alone, where the machine is read by Modbus.
_CARD: Final = (
    *(f"6.3.{number}.0" for number in range(58, 63)),
    "8.4.0",
    *(f"10.{number}.0" for number in range(1, 5)),
)
_ENUMERATIONS: Final[Mapping[Table, tuple[str, ...]]] = {
    Table.UPS_MIB: ("2.1", "4.1"),
    Table.STS_MIB: ("2.1", "2.2", "3.1", "3.2", "4.1", "5.1", "5.2"),
}
_ALARMS: Final[Mapping[Table, str]] = {Table.UPS_MIB: "6.3.", Table.STS_MIB: "6.1."}
_REMOTE_CONTROL: Final = "8.4.0"
_INPUTS: Final[Mapping[SnmpValue, bool]] = {2: False, 3: True}
_ACTIVE: Final = 1
MOST_MODULES: Final = 12


class SnmpChannel:
    """Reads the objects of a card."""

    def __init__(self, client: SnmpClient) -> None:
        """Nothing is asked yet."""
        self.client = client
        self.machine: Machine | None = None
        self.objects: dict[str, SnmpValue] = {}
        """As last read, by their suffixes."""
        self._live: tuple[str, ...] = ()
        self._beside: tuple[str, ...] | None = None
        """What the card has, once it was walked or asked for everything: then just that is asked for."""
        self.believer = Believer(units=BELIEVED)

    async def identify(self) -> Machine:
        """Find out what is behind the card.

        Raises ``NotThisDevice`` for an agent without either MIB, ``CannotConnect`` or ``AuthenticationFailed``.
        """
        asked = {table: f"{ROOTS[table]}.{suffix}" for table, suffix in _FIRMWARE.items()}
        told = await self.client.get(list(asked.values()))
        table = next((table for table, oid in asked.items() if oid in told), None)
        if table is None:
            raise NotThisDevice
        self.machine = await (self._ups() if table is Table.UPS_MIB else self._sts())
        return self.machine

    async def read(self) -> Readings:
        """Read the states, alarms and measures, the card's own among them.

        Raises ``NotThisDevice`` once the card serves another MIB than before, ``CannotConnect`` or
        ``AuthenticationFailed``.
        """
        machine = self.machine or await self.identify()
        table = machine.table
        assert table is not None
        objects = await (self._those(table, self._live) if self._live else self.below(table, *_LIVE[table]))
        if not objects:
            # Another machine stands behind the card now.
            self.forget()
            raise NotThisDevice
        self.objects = objects
        # What went away may have made room for something else.
        self._live = tuple(objects) if len(objects) >= len(self._live) else ()
        values = self.believer.judge(
            decode_objects(table, objects), time.time(), blank=not any(objects.values()), interval=0.0
        )
        return Readings(table=table, values=values, bits=self._bits(table, objects))

    async def read_beside(self, table: Table) -> tuple[CardState, dict[str, Value]]:
        """Read, in one request, what the card says of itself, and the quantities that a Modbus table lacks."""
        if self.machine is not None and self.machine.is_sts:
            return CardState(), {}
        if self._beside is None:
            phases = (self.machine and self.machine.output_phases) or 3
            self._beside = (*_CARD, *_lacking(table, phases))
        objects = await self._those(Table.UPS_MIB, self._beside)
        self.objects, self._beside = objects, tuple(objects)
        return card_state(objects), decode_objects(Table.UPS_MIB, objects)

    def forget(self) -> None:
        """Find out again what is behind the card."""
        self.machine = None
        self.look_for_more()

    def look_for_more(self) -> None:
        """Ask the next time for what the card did not have: an environment device may have been plugged in."""
        self._live, self._beside = (), None

    async def _those(self, table: Table, suffixes: Iterable[str]) -> dict[str, SnmpValue]:
        root = ROOTS[table]
        told = await self.client.get([f"{root}.{suffix}" for suffix in suffixes])
        return {oid.removeprefix(f"{root}."): value for oid, value in told.items()}

    async def below(self, table: Table, *branches: str) -> dict[str, SnmpValue]:
        """Everything below the branches of a MIB, by its suffixes."""
        root = ROOTS[table]
        told = await self.client.walk(*(f"{root}.{branch}" for branch in branches))
        return {oid.removeprefix(f"{root}."): value for oid, value in told.items()}

    @staticmethod
    def _bits(table: Table, objects: Mapping[str, SnmpValue]) -> frozenset[str]:
        """The names of what is set: an alarm by its number, a state by its value."""
        alarms = _ALARMS[table]
        active = (suffix[:-2] for suffix, value in objects.items() if suffix.startswith(alarms) and value == _ACTIVE)
        states = (f"{name}={objects[f'{name}.0']}" for name in _ENUMERATIONS[table] if f"{name}.0" in objects)
        return frozenset((*active, *states))

    async def _ups(self) -> Machine:
        told = await self.below(Table.UPS_MIB, "1", "3.1", "4.3", "8.1", "8.2")
        units = _count(told.get("8.2.0"))
        return Machine(
            table=Table.UPS_MIB,
            model=_text(told.get("1.1.0")),
            serial=_text(told.get("1.2.0")),
            card_firmware=_version(told.get("1.5.0")),
            name=_text(told.get("1.6.0")) or _text(told.get("1.3.0")),
            input_phases=_count(told.get("3.1.0")),
            output_phases=_count(told.get("4.3.0")),
            units=tuple(range(1, min(units, MOST_MODULES) + 1)) if units and units > 1 else (),
            rated={
                key: value for key, value in decode_objects(Table.UPS_MIB, told).items() if isinstance(value, float)
            },
        )

    async def _sts(self) -> Machine:
        told = await self.below(Table.STS_MIB, "1", "2.4", "5.5")
        return Machine(
            table=Table.STS_MIB,
            model=_text(told.get("1.1.0")),
            serial=_text(told.get("1.2.0")),
            firmware=_text(told.get("1.3.0")),
            card_firmware=_version(told.get("1.4.0")),
            name=_text(told.get("1.7.0")) or _text(told.get("1.5.0")),
            input_phases=_count(told.get("2.4.0")),
            output_phases=_count(told.get("5.5.0")),
            has_battery=False,
        )

    @override
    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.machine and self.machine.table}>"


@cache
def _lacking(table: Table, phases: int) -> tuple[str, ...]:
    """The objects of the live quantities that a Modbus table has no word for."""
    return tuple(
        place.suffix
        for quantity in QUANTITIES
        if isinstance(place := quantity.place(Table.UPS_MIB), Object)
        and quantity.place(table) is None
        and not quantity.key.startswith("rated_")
        and (quantity.phase or 1) <= phases
    )


def card_state(objects: Mapping[str, SnmpValue]) -> CardState:
    """What the card says of itself in its objects."""
    control = objects.get(_REMOTE_CONTROL)
    return CardState(
        bits=frozenset(suffix[:-2] for suffix in _CARD[:5] if objects.get(suffix) == _ACTIVE),
        remote_control=None if control is None else control == _ACTIVE,
        emd=_emd(objects),
    )


def _emd(objects: Mapping[str, SnmpValue]) -> Mapping[str, float | bool | None] | None:
    """The environment device; a card without one has no such objects, or zeros or nothing sensible in them."""
    temperature, humidity = _tenths(objects.get("10.1.0"), -40, 150), _tenths(objects.get("10.2.0"), 0, 100)
    if not temperature and not humidity:
        return None
    inputs = {f"input_{number}": _INPUTS.get(objects.get(f"10.{number + 2}.0")) for number in (1, 2)}
    return {"temperature": temperature, "humidity": humidity, **inputs}


def _tenths(value: SnmpValue, low: float, high: float) -> float | None:
    if not isinstance(value, int) or value in UNKNOWN or not low <= value / 10 <= high:
        return None
    return value / 10


def _count(value: SnmpValue) -> int | None:
    return value if isinstance(value, int) and 0 < value < 100 else None


def _version(value: SnmpValue) -> str | None:
    """The version in what a card says of its software: ``NET VISION v8.3``."""
    text = _text(value)
    found = re.search(r"v\d+(\.\d+)+", text or "")
    return found[0] if found else text


def _text(value: SnmpValue) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def numbers(objects: Mapping[str, SnmpValue]) -> dict[str, int]:
    """Those of the objects that are numbers."""
    return {suffix: value for suffix, value in objects.items() if isinstance(value, int)}

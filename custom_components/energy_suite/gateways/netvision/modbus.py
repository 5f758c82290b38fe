"""A card's Modbus TCP server: which table it serves, and its words. It is never written to: the card refuses."""

import time
from collections.abc import Mapping
from typing import override

from modbus_connection import ModbusUnit, ServerDeviceFailureError

from ..base import CannotConnect, DeviceGone, NotSupported, NotThisDevice
from ..plausibility import Believer
from ..registers import translated_errors
from .machine import (
    BELIEVED,
    MOST_UNITS,
    Machine,
    Readings,
    bits_of,
    decode,
    numbered,
    phases_of,
    product,
    rated,
)
from .quantities import BLOCKS, CONFIG_BLOCKS, REFERENCE, SERIAL, Table, decode_text, low_byte_first

# T001: installation code (high byte) and type of device (low byte).
_SINGLE = 0x0101
_MODULAR = (0x0801, 0x0901)
# Positions that T003 tells; beyond it only the number of units is known.
_POSITIONS = 8
_PARALLEL = "S30"


class UnknownProduct(NotThisDevice):
    """Something names a product code that nobody has listed: it may be a machine whose table only the user knows."""


class ModbusChannel:
    """Reads the words of a card."""

    def __init__(self, unit: ModbusUnit, table: Table | None = None) -> None:
        """``table`` is what the user says that the card serves; None finds out."""
        self._unit = unit
        self._table = table
        self.machine: Machine | None = None
        self.words: dict[int, int] = {}
        """As last read."""
        self.believer = Believer(units=BELIEVED)

    async def identify(self) -> Machine:
        """Find out what is behind the card.

        Raises ``UnknownProduct``, ``NotThisDevice`` for what has no product code at all, or not the table that the user
        names, ``DeviceGone`` or ``CannotConnect``.
        """
        table = self._table or await self._find_table()
        try:
            match table:
                case Table.VUMAP:
                    self.machine = await self._vumap()
                case Table.JBUSP:
                    self.machine = await self._jbusp()
                case _:
                    self.machine = await self._sts()
        except NotSupported as err:
            raise NotThisDevice from err
        return self.machine

    async def read(self) -> Readings:
        """Read the states, alarms and measures.

        Raises ``DeviceGone`` while the card does not reach the machine, ``NotThisDevice`` once it serves another table
        than before, or ``CannotConnect``.
        """
        machine = self.machine or await self.identify()
        table = machine.table
        assert table is not None
        words: dict[int, int] = {}
        try:
            for low, high in BLOCKS[table]:
                words |= await self._block(low, high)
        except NotSupported as err:
            # Another machine stands behind the card now.
            self.forget()
            raise NotThisDevice from err
        self.words = words
        if not any(words.values()):
            # No machine is without any voltage, state and alarm: the card has nothing of it.
            raise DeviceGone
        values = self.believer.judge(
            decode(table, words, tenths=machine.tenths),
            time.time(),
            blank=False,
            interval=0.0,
        )
        return Readings(table=table, values=values, bits=bits_of(table, words))

    def forget(self) -> None:
        """Find out again what is behind the card."""
        self.machine = None

    async def _block(self, low: int, high: int) -> dict[int, int]:
        try:
            with translated_errors():
                words = await self._unit.read_holding_registers(low, high - low + 1)
        except CannotConnect as err:
            if isinstance(err.__cause__, ServerDeviceFailureError):
                # Whatever the card means by it: it answers, and has nothing of the machine.
                raise DeviceGone from err
            raise
        return dict(zip(range(low, high + 1), words, strict=True))

    async def _word(self, address: int) -> int | None:
        """One word; None where the card refuses the address."""
        try:
            return (await self._block(address, address))[address]
        except NotSupported:
            return None

    async def _find_table(self) -> Table:
        # DELPHYS GP 2.0 is 648 in both tables of codes: the VU-MAP has more to tell.
        codes = []
        for table, address in ((Table.VUMAP, 0x000F), (Table.JBUSP, 0x1000)):
            code = await self._word(address)
            if code is not None and product(table, code):
                return table
            codes.append(code)
        # No code here: a card that answers every address with zeros must not pass.
        if await self._word(0x0140):
            return Table.STS
        raise UnknownProduct if any(codes) else NotThisDevice

    async def _configuration(self, table: Table) -> dict[int, int]:
        words: dict[int, int] = {}
        for low, high in CONFIG_BLOCKS[table]:
            words |= await self._block(low, high)
        if not any(words.values()):
            # No machine is without any configuration: another table is served.
            raise NotThisDevice
        return words

    async def _vumap(self) -> Machine:
        words = await self._configuration(Table.VUMAP)
        reference, serial = _texts(Table.VUMAP, words)
        tenths = {0: False, 1: True}.get(words[0x000E])
        is_system = words[0x0001] != _SINGLE
        return Machine(
            table=Table.VUMAP,
            model=product(Table.VUMAP, words[0x000F]) or reference,
            serial=serial,
            input_phases=_phases(words[0x0007] >> 8),
            output_phases=_phases(words[0x0007] & 0xFF),
            has_battery=bool(words[0x000A] & 1),
            has_eco_mode=bool(words[0x0008] & 1),
            tenths=tenths,
            units=_units(words[0x0002], words[0x0003]) if is_system else (),
            modular=words[0x0001] in _MODULAR,
            rated=rated(Table.VUMAP, words, tenths=tenths),
        )

    async def _jbusp(self) -> Machine:
        words = await self._configuration(Table.JBUSP)
        states = await self._block(*BLOCKS[Table.JBUSP][0])
        name = product(Table.JBUSP, words[0x1000])
        _, serial = _texts(Table.JBUSP, words)
        input_phases, output_phases = phases_of(name)
        firmware = words[0x10E4]
        return Machine(
            table=Table.JBUSP,
            model=name,
            serial=serial,
            firmware=f"{firmware / 100:.2f}" if 0 < firmware < 0xFFFF else None,
            input_phases=input_phases,
            output_phases=output_phases,
            has_battery=True,
            units=numbered(states[0x1022], 6) if _PARALLEL in bits_of(Table.JBUSP, states) else (),
            rated=rated(Table.JBUSP, words, tenths=None),
        )

    async def _sts(self) -> Machine:
        reference, serial = _texts(Table.STS, await self._configuration(Table.STS))
        return Machine(
            table=Table.STS, model=reference, serial=serial, input_phases=3, output_phases=3, has_battery=False
        )

    @override
    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.machine and self.machine.table}>"


def _texts(table: Table, words: Mapping[int, int]) -> tuple[str | None, str | None]:
    """Reference and serial number; the reference shows in which order the letters are."""
    reference, serial = (
        [words[text.address + place] for place in range(text.count)] if text else []
        for text in (REFERENCE.get(table), SERIAL[table])
    )
    swapped = low_byte_first(reference) if reference else bool(SERIAL[table].low_byte_first)
    return decode_text(reference, low_byte_first=swapped), decode_text(serial, low_byte_first=swapped)


def _phases(count: int) -> int | None:
    return count if count in (1, 2, 3) else None


def _units(count: int, positions: int) -> tuple[int, ...]:
    """The units that are present: those that T003 shows, and those beyond it that T002 counts."""
    present = numbered(positions, _POSITIONS)
    count = min(count, MOST_UNITS)
    if count > _POSITIONS:
        return (*present, *range(_POSITIONS + 1, count + 1))
    return present or tuple(range(1, count + 1))

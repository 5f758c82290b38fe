"""A Modbus gateway with an RS485 bus behind it: a web server's own Modbus TCP server, or a converter."""

import asyncio
from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol, override

from pymodbus.constants import ExcCodes
from pymodbus.pdu import ModbusPDU

from .modbus import Framing, ModbusServer, read_response, write_response, written
from .rs485 import Bus, Line


class Unit(Protocol):
    """A device on the bus. `answers`: False is one without power."""

    answers: bool

    def read(self, function: int, address: int, count: int) -> list[int] | ExcCodes:
        """Return the words or bits of a block, or why there are none."""

    def write(self, function: int, address: int, values: list[int]) -> ExcCodes | None:
        """Take registers or bits, or return why not."""


class Absent(StrEnum):
    """What the gateway says for a unit that does not answer in time."""

    EXCEPTION = "exception"
    SILENCE = "silence"
    ZEROS = "zeros"


class ModbusGateway(ModbusServer):
    """The gateway. `units` by Modbus address may be changed at any time; so may `bus`, which says how long things take.

    Requests of all its clients go over the bus one after the other. `timing`: False answers everything at once.
    """

    def __init__(
        self,
        units: Mapping[int, Unit],
        *,
        port: int = 0,
        framing: str = Framing.TCP,
        most: int | None = None,
        timing: bool = True,
        absent: str = Absent.EXCEPTION,
        line: Line | None = None,
    ) -> None:
        """Port 0 takes a free one, which is kept over stop and start. `most`: connections at a time."""
        super().__init__(port, most=most, framing=Framing(framing))
        self.units = dict(units)
        self.timing = timing
        self.absent = Absent(absent)
        self.bus = Bus(line or Line())

    @override
    def answer(self, request: ModbusPDU) -> ModbusPDU | ExcCodes | None:
        unit, function = self._there(request.dev_id), request.function_code
        if unit is None:
            return self._for_absent(request)
        if function in (1, 2, 3, 4):
            values = unit.read(function, request.address, request.count)
            return values if isinstance(values, ExcCodes) else read_response(request, values)
        if function in (5, 6, 15, 16):
            values = written(request)
            if request.count not in (0, len(values)):
                return ExcCodes.ILLEGAL_VALUE
            return unit.write(function, request.address, values) or write_response(request)
        return ExcCodes.ILLEGAL_FUNCTION

    @override
    def takes(self, request: ModbusPDU, response: ModbusPDU | None) -> float:
        if not self.timing:
            return 0.0
        answered = None if self._there(request.dev_id) is None or response is None else _size(response)
        now = asyncio.get_running_loop().time()
        return self.bus.carry(now, request.dev_id, _size(request), answered)

    def _there(self, number: int) -> Unit | None:
        """The unit, if it answers before the gateway gives up on it."""
        unit = self.units.get(number)
        return unit if unit and unit.answers and self.bus.hears(number) else None

    def _for_absent(self, request: ModbusPDU) -> ModbusPDU | ExcCodes | None:
        match self.absent:
            case Absent.SILENCE:
                return None
            case Absent.ZEROS if request.function_code in (1, 2, 3, 4):
                return read_response(request, [0] * request.count)
            case _:
                return ExcCodes.GATEWAY_NO_RESPONSE


def _size(pdu: ModbusPDU) -> int:
    """Bytes of a PDU."""
    return 1 + len(pdu.encode())

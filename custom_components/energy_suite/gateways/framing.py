"""Modbus frames over TCP, with the doubts that a gateway deserves.

Modbus TCP numbers its requests, so an answer names its question. RTU frames do not: there an answer is told by its
unit, function, length and checksum alone, and two reads of as many registers of one unit look alike. What keeps them
apart is that a link carries one request at a time, that it is dropped when a request was not answered, and that it is
dropped as well when anything else was heard on it. A converter that hands a late answer on to the next connection can
still have it taken for that of the same unit's next request of the same function and length, until another unit is
asked or the line is quiet for a moment.
"""

import struct
from collections.abc import Iterator
from secrets import randbelow
from typing import Final, override

from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.framer.base import FramerBase
from pymodbus.pdu import DecodePDU, ModbusPDU

_BITS: Final = (1, 2)
_READS: Final = (*_BITS, 3, 4)
_WRITES: Final = (5, 6, 15, 16)
_COUNTED: Final = 2  # function and number of bytes, before what was read
_ACKNOWLEDGEMENT: Final = 5
_ADDRESSED: Final = 3  # function and address, with which an acknowledgement repeats the request
_REFUSED, _REFUSAL = 0x80, 2
_UNIT, _CRC = 1, 2
_SHORTEST: Final = _UNIT + _REFUSAL + _CRC
_LONGEST: Final = 256
_LAST_NUMBER: Final = 0xFFFF


class OwedError(ModbusException):
    """The link still owes the answer to another request."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__("an answer is still owed")  # type: ignore[no-untyped-call]  # as pymodbus has it


def _size(asked: bytes) -> int:
    """How many bytes the answer to a request has if it is no refusal; 0 where that is not known beforehand."""
    if asked[0] in _READS:
        count = int.from_bytes(asked[3:5])
        return _COUNTED + ((count + 7) // 8 if asked[0] in _BITS else 2 * count)
    return _ACKNOWLEDGEMENT if asked[0] in _WRITES else 0


def fits(asked: bytes, answer: bytes) -> bool:
    """Whether an answer is of the function that was asked, and as long as such an answer is; both without unit and CRC.

    Whoever shares a serial line with others may hear the answers to their questions.
    """
    if answer[0] == asked[0] | _REFUSED:
        return len(answer) == _REFUSAL
    if answer[0] != asked[0] or not (size := _size(asked)):
        return answer[0] == asked[0]
    if len(answer) != size:
        return False
    return answer[1] + _COUNTED == size if asked[0] in _READS else answer[:_ADDRESSED] == asked[:_ADDRESSED]


def _decoded(decoder: DecodePDU, answer: bytes, unit: int, transaction: int) -> ModbusPDU | None:
    """What an answer says; None if it makes no sense. pymodbus raises where only the event loop's log hears of it."""
    try:
        pdu = decoder.decode(answer)
    except ModbusException, struct.error:
        return None
    if pdu is not None:
        pdu.dev_id, pdu.transaction_id = unit, transaction
    return pdu


class Numbers:
    """The numbers of the requests to one gateway: they go on over its connections, and 0 is none of them.

    A gateway may send a late answer to whoever is there.
    """

    def __init__(self) -> None:
        """Begin anywhere, so that what came before a restart is not taken for an answer either."""
        self._last = randbelow(_LAST_NUMBER)
        self.are_repeated = False
        """Whether the gateway was ever heard to give an answer the number of its request."""

    def take(self) -> int:
        """The number of the next request."""
        self._last = self._last % _LAST_NUMBER + 1
        return self._last


class TcpFramer(FramerSocket):
    """Modbus TCP, whose answers must carry the number of their request.

    pymodbus takes an answer numbered 0 for any request's. Here only of a gateway that numbers none is it taken, and as
    an answer without a number is on RTU: if unit, function and length are right.
    """

    def __init__(self, decoder: DecodePDU, numbers: Numbers) -> None:
        """``numbers`` are the gateway's."""
        super().__init__(decoder)
        self._numbers = numbers
        self._number = 0
        """That of the request that is not answered yet; 0 while there is none."""
        self._asked = b""

    @override
    def encode(self, payload: bytes, device_id: int, tid: int) -> bytes:
        self._number, self._asked = self._numbers.take(), payload
        return super().encode(payload, device_id, self._number)

    def _is_numbered(self, number: int, answer: bytes) -> bool:
        """Whether an answer has the number of the request, or none where none has one."""
        if number:
            return number == self._number and answer[0] & ~_REFUSED == self._asked[0]
        return bool(self._number) and not self._numbers.are_repeated and fits(self._asked, answer)

    @override
    def handleFrame(self, data: bytes, exp_devid: int, exp_tid: int) -> tuple[int, ModbusPDU | None]:
        used = 0
        while used < len(data):
            length, unit, number, answer = self.decode(data[used:])
            used += length
            if not length or not answer:
                break
            if unit != exp_devid or not self._is_numbered(number, answer):
                continue
            if (pdu := _decoded(self.decoder, answer, exp_devid, exp_tid)) is not None:
                self._number = 0
                self._numbers.are_repeated |= bool(number)
                return used, pdu
        return used, None


class RtuFramer(FramerBase):
    """Modbus RTU over TCP. Reads and writes of registers and bits are understood, and no other function."""

    def __init__(self, decoder: DecodePDU) -> None:
        """Nothing was asked yet."""
        super().__init__(decoder)
        self._asked = b""
        """The request that is not answered yet, without unit and CRC; nothing while there is none."""
        self._stray = 0
        """How many bytes were heard since the last request that are no answer to it."""

    @property
    def awaits(self) -> bool:
        """Whether a request is not answered yet."""
        return bool(self._asked)

    @property
    def disturbed(self) -> bool:
        """Whether more was heard than the answer and the odd byte that a line makes when it turns around."""
        return self._stray >= _SHORTEST

    @override
    def encode(self, payload: bytes, _dev_id: int, _tid: int) -> bytes:
        if self._asked:
            raise OwedError
        self._asked, self._stray = payload, 0
        frame = bytes((_dev_id,)) + payload
        return frame + FramerRTU.compute_CRC(frame).to_bytes(_CRC)

    @override
    def handleFrame(self, data: bytes, exp_devid: int, exp_tid: int) -> tuple[int, ModbusPDU | None]:
        if not self._asked:
            self._stray += len(data)
            return len(data), None
        for answer in self._answers(data, exp_devid):
            if (pdu := _decoded(self.decoder, answer, exp_devid, exp_tid)) is not None:
                self._asked = b""
                self._stray += len(data) - _UNIT - len(answer) - _CRC
                return len(data), pdu
        # Whatever began earlier would be whole by now.
        surplus = max(len(data) - _LONGEST, 0)
        self._stray += surplus
        return surplus, None

    def _answers(self, data: bytes, unit: int) -> Iterator[bytes]:
        """What can be the answer, wherever it begins: a line that turns around makes stray bytes."""
        lengths = {self._asked[0] | _REFUSED: _REFUSAL, self._asked[0]: _size(self._asked)}
        for start in range(len(data) - _SHORTEST + 1):
            length = lengths.get(data[start + 1], 0)
            end = start + _UNIT + length
            if data[start] != unit or not length or end + _CRC > len(data):
                continue
            answer = data[start + 1 : end]
            crc = int.from_bytes(data[end : end + _CRC])
            if fits(self._asked, answer) and FramerRTU.compute_CRC(data[start:end]) == crc:
                yield answer

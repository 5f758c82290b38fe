"""The SOLARMAN V5 link: Modbus RTU wrapped in the frames of a logger stick, over TCP.

Nobody publishes this protocol; it is known from captures. Only the frames are made here: requests, answers, pacing and
reconnecting are the Modbus library's, so devices do not know which wire they are on. A stick has one serial line, which
its own upload to the cloud uses as well: one request at a time, and a pause between two.
"""

import struct
import time
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from secrets import randbelow
from typing import Final, NamedTuple, override

from modbus_connection import ModbusTcpParams
from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerRTU
from pymodbus.framer.base import FramerBase
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU

from ..connections import GuardedConnection, GuardedUnit
from ..framing import fits

DEFAULT_PORT: Final = 8899
LARGEST_SERIAL: Final = 0xFFFF_FFFF
PAUSE: Final = 0.1
"""s between two requests."""

_START, _END = 0xA5, 0x15
_MARK: Final = 0x10
_REQUEST, _RESPONSE = 0x45, 0x15
_INVERTER: Final = 0x02
_HEADER: Final = struct.Struct("<BHBBBBI")  # start, length, mark, type, sequence, the stick's counter, serial
_BEFORE_SERIAL: Final = 7
_TRAILER: Final = 2
_ASKING: Final = bytes((_INVERTER, *(0,) * 14))
_TIMES: Final = struct.Struct("<BBIII")  # frame type, status, total working time, time since power-on, offset
_LONGEST: Final = 512
"""A Modbus answer has 256 bytes at most; what claims to be much longer is noise."""

_CRC: Final = 2
# The answer of a stick that heard nothing usable from the inverter: one byte, and none of Modbus's own.
_SHORT: Final = 2
_NOTHING_HEARD: Final = 5
_TARGET_FAILED_TO_RESPOND: Final = 0x0B


class Frame(NamedTuple):
    """A whole frame."""

    kind: int
    sequence: int
    serial: int
    payload: bytes


def encode(serial: int, sequence: int, request: bytes) -> bytes:
    """The frame that asks a stick to pass on a Modbus RTU request, its CRC included."""
    payload = _ASKING + request
    header = _HEADER.pack(_START, len(payload), _MARK, _REQUEST, sequence, 0, serial)
    return header + payload + bytes((_checksum(header + payload), _END))


def decode(data: bytes) -> tuple[int, Frame | None]:
    """The first frame in what came from a stick, and how many bytes are done with; None while it is not complete.

    Whatever is no frame is skipped: sticks say other things on the same socket. What begins like a frame and is not
    complete may be noise as well, so a whole frame behind it goes first.
    """
    kept, at = len(data), -1
    while (at := data.find(_START, at + 1)) >= 0:
        head = data[at : at + _HEADER.size]
        length = int.from_bytes(head[1:3], "little")
        if head[3:4] not in (b"", bytes((_MARK,))) or length > _LONGEST:
            continue
        end = at + _HEADER.size + length + _TRAILER
        if len(data) < end:
            kept = min(kept, at)
        elif data[end - 1] == _END and data[end - 2] == _checksum(data[at : end - _TRAILER]):
            _, _, _, kind, sequence, _, serial = _HEADER.unpack(head)
            return end, Frame(kind, sequence, serial, data[at + _HEADER.size : end - _TRAILER])
    return kept, None


def _checksum(frame: bytes) -> int:
    """Of everything between the first byte and the trailer."""
    return sum(frame[1:]) & 0xFF


def _bodies(rtu: bytes) -> Iterator[bytes]:
    """What a Modbus answer may be without its CRC: some sticks send zeros in place of a second one behind the first.

    The zeros are a right CRC as well, of the answer with its first one: the length has to tell.
    """
    for candidate in (rtu, rtu[:-_CRC] if rtu.endswith(b"\0\0") else b""):
        body, crc = candidate[:-_CRC], candidate[-_CRC:]
        if len(body) > _CRC and FramerRTU.compute_CRC(body) == int.from_bytes(crc):
            yield body


@dataclass
class Stick:
    """What a stick says of itself beside its answers, and what was heard of it in vain."""

    serial: int = field(repr=False)
    other_serial: int | None = field(default=None, repr=False)
    """That of another stick which was heard here."""
    working_time: int | None = None
    """s that it has worked in all."""
    uptime: int | None = None
    """s since it was switched on."""
    dropped: int = 0
    """Answers to something else than what was asked."""
    echoed: bool = False
    """Whether it sent a request back: an old stick that does not speak this protocol."""
    heard: bool = False
    """Whether it ever sent anything."""
    inverter_silent: bool = False
    """Whether its last answer was that it heard nothing usable from the inverter."""
    answered_at: float | None = None
    """When it last answered what was asked, whatever the answer was, by the monotonic clock."""
    sequence: int = field(default_factory=lambda: randbelow(256), repr=False)
    """That of the last request. It goes on over connections: a stick may send a late answer to whoever is there."""


class V5Framer(FramerBase):
    """Wraps Modbus RTU in V5 frames for pymodbus."""

    def __init__(self, decoder: DecodePDU, stick: Stick) -> None:
        """``stick`` is told what is noticed."""
        super().__init__(decoder)
        self._stick = stick
        self._asked = b""
        """The request that is not answered yet, without unit id and CRC; nothing while there is none."""
        self._echo = b""
        """How that request begins on the wire."""

    @override
    def encode(self, payload: bytes, _dev_id: int, _tid: int) -> bytes:
        stick = self._stick
        stick.sequence = (stick.sequence + 1) & 0xFF
        rtu = bytes((_dev_id,)) + payload
        frame = encode(stick.serial, stick.sequence, rtu + FramerRTU.compute_CRC(rtu).to_bytes(2))
        self._asked, self._echo = payload, frame[:_BEFORE_SERIAL]
        return frame

    @override
    def handleFrame(self, data: bytes, exp_devid: int, exp_tid: int) -> tuple[int, ModbusPDU | None]:
        stick = self._stick
        stick.heard = stick.heard or bool(data)
        stick.echoed = stick.echoed or (bool(self._asked) and self._echo in data)
        used = 0
        while True:
            length, frame = decode(data[used:])
            used += length
            if frame is None:
                return used, None
            if (answer := self._answer(frame, exp_devid)) is not None:
                answer.dev_id, answer.transaction_id = exp_devid, exp_tid
                return used, answer

    def _answer(self, frame: Frame, unit_id: int) -> ModbusPDU | None:
        """The answer in a frame; None if it answers another question, or none at all."""
        stick = self._stick
        if frame.serial != stick.serial:
            stick.other_serial = frame.serial
        if frame.kind != _RESPONSE:
            return None
        if self._asked and self._is_ours(frame):
            _, _, stick.working_time, stick.uptime, _ = _TIMES.unpack_from(frame.payload)
            if (answer := self._modbus(frame.payload[_TIMES.size :], unit_id)) is not None:
                self._asked = b""
                stick.answered_at = time.monotonic()
                stick.inverter_silent = (
                    isinstance(answer, ExceptionResponse) and answer.exception_code == _TARGET_FAILED_TO_RESPOND
                )
                return answer
        stick.dropped += 1
        return None

    def _is_ours(self, frame: Frame) -> bool:
        """Whether a response is that to the request."""
        return (
            (frame.serial, frame.sequence) == (self._stick.serial, self._stick.sequence)
            and len(frame.payload) >= _TIMES.size
            and frame.payload[0] == _INVERTER
        )

    def _modbus(self, rtu: bytes, unit_id: int) -> ModbusPDU | None:
        """The Modbus answer that a stick passed on; None if it does not fit the question."""
        if len(rtu) == _SHORT and rtu[0] and not rtu[1]:
            code = _TARGET_FAILED_TO_RESPOND if rtu[0] == _NOTHING_HEARD else rtu[0]
            return ExceptionResponse(self._asked[0], code)
        for body in _bodies(rtu):
            # The stick asks the inverter for its own upload on the same line, so this may answer a question of its own.
            if body[0] == unit_id and fits(self._asked, body[1:]):
                try:
                    return self.decoder.decode(body[1:])
                except ModbusException, struct.error:
                    return None
        return None


class V5Unit(GuardedUnit):
    """A device on the serial line of a stick."""

    _conn: V5Connection

    @property
    def stick(self) -> Stick:
        """What its stick says of itself."""
        return self._conn.stick


class V5Connection(GuardedConnection):
    """A connection to a stick."""

    def __init__(self, params: ModbusTcpParams, *, serial: int, timeout: float) -> None:
        """Nothing is opened yet. ``serial`` is the stick's, never the inverter's."""
        super().__init__(params, timeout=timeout, message_spacing=PAUSE)
        self.stick = Stick(serial)

    @override
    def for_unit(self, unit_id: int) -> V5Unit:
        return V5Unit(self, unit_id)

    @override
    def _framer(self, decoder: DecodePDU) -> V5Framer:
        return V5Framer(decoder, self.stick)


@dataclass(frozen=True)
class V5Endpoint:
    """Where a stick is."""

    host: str
    serial: int = field(repr=False)
    port: int = DEFAULT_PORT

    @property
    def endpoint(self) -> Hashable:
        """What tells it from others: one connection for each stick."""
        return ("solarman", self._params.endpoint, self.serial)

    def open(self, timeout: float) -> V5Connection:
        """The connection, which opens with its first request."""
        return V5Connection(self._params, serial=self.serial, timeout=timeout)

    @property
    def _params(self) -> ModbusTcpParams:
        return ModbusTcpParams(host=self.host, port=self.port)

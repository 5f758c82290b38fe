"""A simulated SOLARMAN logger stick on the loopback: Modbus in V5 frames over TCP, and discovery over UDP.

What V5 looks like is known from captures alone; the vendor publishes nothing.
"""

import asyncio
import socket
import struct
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, NamedTuple, Self, override

from pymodbus.constants import ExcCodes
from pymodbus.pdu import ModbusPDU

from .aura_registers import AuraUnit
from .faults import Answer, Fault, Faults
from .modbus import HOST, Injection, ModbusServer, Request, read_response, write_response
from .rs485 import crc16

PROBES: Final = (b"WIFIKIT-214028-READ", b"HF-A11ASSISTHREAD")

REQUEST: Final = 0x45
RESPONSE: Final = 0x15
HANDSHAKE: Final = 0x41
HEARTBEAT: Final = 0x47

# The stick heard nothing that it could use from the inverter.
NO_ANSWER: Final = 5

AT_ANSWER: Final = b"AT+YZCMPVER=MW3_16U_5406_1.53\r\n"
RTU_FRAGMENT: Final = bytes.fromhex("01 03 0C 0E 15 00 34")

_LOG_LENGTH: Final = 100_000

# More than any frame has: what claims to be longer is none.
_LONGEST: Final = 512

_START: Final = 0xA5
_END: Final = 0x15
_CONTROL: Final = 0x10
_HEADER: Final = struct.Struct("<BHBBBBI")
_TIMES: Final = struct.Struct("<BBIII")
_TRAILER: Final = 2
_INVERTER: Final = 0x02
_REAL_TIME: Final = 0x01
_BEFORE_REQUEST: Final = 15
_BEFORE_RESPONSE: Final = _TIMES.size

# Seconds between the segments of one answer: enough for a client that is awake to see each by itself.
_GAP: Final = 0.005


# Frames


class Times(NamedTuple):
    """Total working time, time since power-on and offset in s; the first and the last make the Unix time."""

    working: int
    power_on: int
    offset: int


@dataclass(frozen=True, slots=True)
class Frame:
    """A V5 frame; `sequence` is the client's byte, `counter` the stick's."""

    control: int
    sequence: int
    counter: int
    serial: int
    payload: bytes

    def encode(self) -> bytes:
        """Return the bytes of the wire."""
        head = _HEADER.pack(_START, len(self.payload), _CONTROL, self.control, self.sequence, self.counter, self.serial)
        frame = head + self.payload
        return frame + bytes((sum(frame[1:]) & 0xFF, _END))

    @property
    def rtu(self) -> bytes:
        """The Modbus RTU frame in a request or in a response."""
        return self.payload[_BEFORE_REQUEST if self.control == REQUEST else _BEFORE_RESPONSE :]

    def with_rtu(self, rtu: bytes) -> Frame:
        """Return a response with another RTU frame."""
        return replace(self, payload=self.payload[:_BEFORE_RESPONSE] + rtu)


def encode_response(serial: int, sequence: int, counter: int, times: Times, rtu: bytes) -> bytes:
    """Return the frame that a stick answers with."""
    return Frame(RESPONSE, sequence, counter, serial, _TIMES.pack(_INVERTER, _REAL_TIME, *times) + rtu).encode()


def encode_request(serial: int, sequence: int, rtu: bytes) -> bytes:
    """Return the frame that a client asks with; `rtu` includes its checksum."""
    return Frame(REQUEST, sequence, 0, serial, bytes((_INVERTER,)).ljust(_BEFORE_REQUEST, b"\0") + rtu).encode()


def take_frame(buffer: bytearray) -> Frame | None:
    """Take the first frame out of what has come so far, passing over what is none; None: more has to come."""
    while True:
        start = buffer.find(_START)
        del buffer[: len(buffer) if start < 0 else start]
        if len(buffer) < _HEADER.size:
            return None
        _, length, control, kind, sequence, counter, serial = _HEADER.unpack_from(buffer)
        if control == _CONTROL and length <= _LONGEST:
            end = _HEADER.size + length + _TRAILER
            if len(buffer) < end:
                return None
            frame = Frame(kind, sequence, counter, serial, bytes(buffer[_HEADER.size : _HEADER.size + length]))
            if buffer[:end] == frame.encode():
                del buffer[:end]
                return frame
        del buffer[0]


# Faults


@dataclass(frozen=True, slots=True)
class StickAnswer(Answer):
    """An answer of the stick to a request; `before`: segments ahead of it. `pieces`: bytes in a segment, if cut."""

    request: bytes = b""
    before: tuple[bytes, ...] = ()
    pieces: int | None = None

    @property
    def segments(self) -> tuple[bytes, ...]:
        """What is sent, each by itself."""
        size = self.pieces or len(self.frame) or 1
        return self.before + tuple(self.frame[at : at + size] for at in range(0, len(self.frame), size))


def _on_stick(change: Callable[[StickAnswer], StickAnswer]) -> Fault:
    def fault(answer: Answer) -> Answer:
        assert isinstance(answer, StickAnswer)
        return change(answer) if answer.frame else answer

    return fault


def _on_frame(change: Callable[[Frame], Frame]) -> Fault:
    """A fault of what the frame says, with a checksum that is right; inject it before those of its surroundings."""

    def changed(answer: StickAnswer) -> StickAnswer:
        frame = take_frame(bytearray(answer.frame))
        return replace(answer, frame=change(frame).encode()) if frame else answer

    return _on_stick(changed)


def double_crc() -> Fault:
    """Two zeros follow the checksum of the RTU frame, as some inverters have it."""
    return _on_frame(lambda frame: frame.with_rtu(frame.rtu + b"\0\0"))


def bad_checksum() -> Fault:
    """The checksum of the V5 frame is wrong."""
    return _on_stick(
        lambda answer: replace(answer, frame=answer.frame[:-2] + bytes((answer.frame[-2] ^ 0xFF, answer.frame[-1])))
    )


def bad_crc() -> Fault:
    """The checksum of the RTU frame is wrong."""
    return _on_frame(lambda frame: frame.with_rtu(frame.rtu[:-1] + bytes((frame.rtu[-1] ^ 0xFF,))))


def wrong_sequence(offset: int = 1) -> Fault:
    """The answer carries the sequence byte of another request."""
    return _on_frame(lambda frame: replace(frame, sequence=frame.sequence + offset & 0xFF))


def wrong_serial(offset: int = 1) -> Fault:
    """The answer carries the serial of another stick."""
    return _on_frame(lambda frame: replace(frame, serial=frame.serial + offset & 0xFFFFFFFF))


def split(size: int = 9) -> Fault:
    """The answer comes in pieces of so many bytes."""
    return _on_stick(lambda answer: replace(answer, pieces=size))


def heartbeats(count: int = 1, *, apart: bool = True) -> Fault:
    """Heartbeats come between request and answer; if not `apart`, in one segment with it."""

    def change(answer: StickAnswer) -> StickAnswer:
        _, _, _, _, sequence, counter, serial = _HEADER.unpack_from(answer.frame)
        beats = (encode_heartbeat(serial, sequence, counter),) * count
        if apart:
            return replace(answer, before=answer.before + beats)
        return replace(answer, frame=b"".join(beats) + answer.frame)

    return _on_stick(change)


def twice() -> Fault:
    """The answer comes twice in one segment."""
    return _on_stick(lambda answer: replace(answer, frame=answer.frame * 2))


def noise(before: bytes = AT_ANSWER, after: bytes = b"") -> Fault:
    """Bytes that are no frame come before or after the answer, in one segment with it."""
    return _on_stick(lambda answer: replace(answer, frame=before + answer.frame + after))


def short_error(code: int = NO_ANSWER) -> Fault:
    """The short form of an error: no unit id, no checksum."""
    return _on_frame(lambda frame: frame.with_rtu(bytes((code, 0))))


def exception(code: int = ExcCodes.ILLEGAL_ADDRESS) -> Fault:
    """The inverter refuses with this exception code."""

    def change(frame: Frame) -> Frame:
        refusal = bytes((frame.rtu[0], frame.rtu[1] | 0x80, code))
        return frame.with_rtu(refusal + crc16(refusal))

    return _on_frame(change)


def other_unit(offset: int = 1) -> Fault:
    """The answer is that of another unit."""

    def change(frame: Frame) -> Frame:
        rtu = bytes((frame.rtu[0] + offset & 0xFF,)) + frame.rtu[1:-2]
        return frame.with_rtu(rtu + crc16(rtu))

    return _on_frame(change)


def old_stick() -> Fault:
    """A stick that does not speak this protocol sends the head of the request back, with a short tail."""
    return _on_stick(lambda answer: replace(answer, frame=answer.request[:7] + b"\xde\x02"))


def encode_heartbeat(serial: int, sequence: int, counter: int) -> bytes:
    """Return a heartbeat."""
    return Frame(HEARTBEAT, sequence, counter, serial, b"\0").encode()


# The stick


class Access(StrEnum):
    """What a stick gives on its port."""

    V5 = "v5"
    MODBUS_TCP = "modbus_tcp"
    """Plain Modbus TCP: an LSE-3."""
    MUTE = "mute"
    """Connections are accepted and requests are not answered: firmware without local access."""
    CLOSING = "closing"
    """Connections are accepted, and closed at the first request."""
    NONE = "none"
    """Connections are refused."""


class SolarmanStick:
    """The stick and the inverter behind it.

    `requests`: what reached the inverter's line; an exception of 5 is the short error. `frames`: all V5 frames that
    came, `probes`: all UDP datagrams. `silent_to_strangers`: a frame with another serial is not answered; otherwise it
    ends the connection. `answers_zero`: serial 0 is answered as well, with the serial. `line_time`: s that the one
    serial line is taken for a request. `most_waiting`: how many requests were on the line or waited for it at once.
    `heartbeat`: s between two of them, None for none. `working`: s that the stick worked before it was started.
    `counter`: of its answers. `says`: what discovery is answered with, one datagram each; None: what a stick says,
    nothing: silence. `access` may be changed: between V5, MUTE and CLOSING at once, otherwise with the next start.
    """

    def __init__(
        self,
        unit: AuraUnit,
        *,
        serial: int = 2355553510,
        mac: str = "E8FDF8AABBCC",
        port: int = 0,
        discovery_port: int = 0,
        access: Access = Access.V5,
        unit_id: int = 1,
        most: int | None = None,
    ) -> None:
        """Port 0 takes a free one, which is kept over stop and start. `most`: connections at a time."""
        self.unit = unit
        self.serial = serial
        self.mac = mac
        self.host = HOST
        self.port = port
        self.discovery_port = discovery_port
        self.access = access
        self.unit_id = unit_id
        self.most = most
        self.silent_to_strangers = True
        self.answers_zero = False
        self.line_time = 0.0
        self.heartbeat: float | None = None
        self.working = 0
        self.counter = 0
        self.clock: Callable[[], float] = time.time
        self.says: Iterable[bytes] | None = None
        self.requests: deque[Request] = deque(maxlen=_LOG_LENGTH)
        self.frames: deque[Frame] = deque(maxlen=_LOG_LENGTH)
        self.probes: deque[bytes] = deque(maxlen=_LOG_LENGTH)
        self.faults = Faults[Request]()
        self.connections_ever = 0
        self.connections_refused = 0
        self.most_waiting = 0
        self.connections: set[_Connection] = set()
        self._waiting: deque[tuple[_Connection, Frame]] = deque()
        self._line: asyncio.TimerHandle | None = None
        self._beat: asyncio.TimerHandle | None = None
        self._server: asyncio.Server | None = None
        self._plain: _PlainModbus | None = None
        self._discovery: _Discovery | None = None
        self._booted = 0.0
        self._arrived = asyncio.Event()

    @property
    def connections_now(self) -> int:
        """How many clients are connected."""
        return self._plain.connections_now if self._plain else len(self.connections)

    @property
    def listening(self) -> bool:
        """False while the stick has no power."""
        return self._discovery is not None

    @property
    def times(self) -> Times:
        """What the stick says of time."""
        power_on = int(asyncio.get_running_loop().time() - self._booted)
        working = self.working + power_on
        return Times(working, power_on, int(self.clock()) - working)

    async def start(self) -> None:
        """Take power. Raises OSError if a port is taken."""
        if self.listening:
            return
        loop = asyncio.get_running_loop()
        self._booted = loop.time()
        if self.access is Access.MODBUS_TCP:
            self._plain = _PlainModbus(self)
            await self._plain.start()
            self.port = self._plain.port
        elif self.access is not Access.NONE or not self.port:
            self._server = await loop.create_server(lambda: _Connection(self), self.host, self.port)
            self.port = self._server.sockets[0].getsockname()[1]
            if self.access is Access.NONE:
                # The port is a free one that refuses.
                self._close_server()
        discovery = _Discovery(self)
        try:
            await discovery.start()
        except OSError:
            self._close_server()
            raise
        self._discovery = discovery
        self._schedule_heartbeat()

    def stop(self) -> None:
        """Lose power: close everything; the counter begins anew with the next start."""
        self.disconnect_all()
        self._close_server()
        self._waiting.clear()
        for timer in (self._line, self._beat):
            if timer:
                timer.cancel()
        self._line = self._beat = None
        if self._discovery:
            self.working = self.times.working
            self._discovery.stop()
            self._discovery = None
        self.counter = 0

    async def reboot(self, down: float) -> None:
        """Lose power and come back on the same ports after `down` seconds."""
        self.stop()
        await asyncio.sleep(down)
        await self.start()

    def disconnect_all(self) -> None:
        """Close every connection; new ones are accepted."""
        if self._plain:
            self._plain.disconnect_all()
        for connection in tuple(self.connections):
            connection.abort()

    def inject(
        self, fault: Fault, *, requests: int | None = None, only: Callable[[Request], bool] | None = None
    ) -> Injection:
        """Switch a fault on, for the next `requests` requests or until it is removed, for those that `only` accepts.

        As a V5 stick, the faults above and those of `faults` that know no Modbus TCP (silence, delay, disconnect, cut);
        as a stick of plain Modbus TCP, those of `faults`.
        """
        return self.faults.inject(fault, requests=requests, only=only)

    async def wait_for_frames(self, count: int) -> None:
        """Return when so many frames have come."""
        while len(self.frames) < count:
            self._arrived.clear()
            await self._arrived.wait()

    def push(self, control: int = HEARTBEAT, payload: bytes = b"\0") -> None:
        """Send a frame that nobody asked for to every client."""
        self.counter = self.counter + 1 & 0xFF
        for connection in self.connections:
            connection.send((Frame(control, self.counter, self.counter, self.serial, payload).encode(),))

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop()

    def _close_server(self) -> None:
        if self._server:
            self._server.close()
            self._server = None
        if self._plain:
            self._plain.stop()
            self._plain = None

    def _schedule_heartbeat(self) -> None:
        if self.heartbeat is None:
            return

        def beat() -> None:
            self.push()
            self._schedule_heartbeat()

        self._beat = asyncio.get_running_loop().call_later(self.heartbeat, beat)

    # Requests, one after the other

    def received(self, connection: _Connection, frame: Frame) -> None:
        """Take a frame from a client."""
        self.frames.append(frame)
        self._arrived.set()
        if self.access is Access.CLOSING:
            connection.close()
            return
        if self.access is Access.MUTE or frame.control != REQUEST or frame.payload[:1] != bytes((_INVERTER,)):
            return
        if frame.serial != self.serial and not (self.answers_zero and not frame.serial):
            if not self.silent_to_strangers:
                connection.close()
            return
        self._waiting.append((connection, frame))
        self.most_waiting = max(self.most_waiting, len(self._waiting))
        if len(self._waiting) == 1:
            self._pass_on()

    def _pass_on(self) -> None:
        """Put the next request on the line, and answer it when the inverter has."""
        if self.line_time:
            self._line = asyncio.get_running_loop().call_later(self.line_time, self._answer_next)
        else:
            self._answer_next()

    def _answer_next(self) -> None:
        connection, frame = self._waiting[0]
        self._answer(connection, frame)
        self._waiting.popleft()
        if self._waiting:
            self._pass_on()

    def _answer(self, connection: _Connection, frame: Frame) -> None:
        rtu = frame.rtu
        unit, function, address, count, words = _parse(rtu)
        usable = crc16(rtu[:-2]) == rtu[-2:] and unit == self.unit_id and self.unit.aura.answers
        result = self.respond(function, address, count, words) if usable else None
        if result is None:
            reply, code = bytes((NO_ANSWER, 0)), NO_ANSWER
        elif isinstance(result, ExcCodes):
            reply, code = bytes((unit, function | 0x80, result)), int(result)
        elif words is None:
            data = b"".join(word.to_bytes(2) for word in result)
            reply, code = bytes((unit, function, len(data))) + data, None
        else:
            reply, code = rtu[:6], None
        if result is not None:
            reply += crc16(reply)
        self.counter = self.counter + 1 & 0xFF
        request = Request(asyncio.get_running_loop().time(), unit, function, address, count, code)
        self.requests.append(request)
        sent = encode_response(self.serial, frame.sequence, self.counter, self.times, reply)
        answer = self.faults.spoil(StickAnswer(sent, request=frame.encode()), request)
        assert isinstance(answer, StickAnswer)
        connection.answer(answer)

    def respond(self, function: int, address: int, count: int, words: list[int] | None) -> list[int] | ExcCodes:
        """Let the inverter answer: words that were read, none for a write that was taken, or an exception."""
        if words is None:
            return self.unit.read(function, address, count)
        if len(words) != count:
            return ExcCodes.ILLEGAL_VALUE
        return self.unit.write(function, address, words) or []


def _parse(rtu: bytes) -> tuple[int, int, int, int, list[int] | None]:
    """Return unit id, function, address and count of a request, and the words that it writes, if it does."""
    unit, function, address, count = struct.unpack_from(">BBHH", rtu.ljust(6, b"\0"))
    match function:
        case 6:
            return unit, function, address, 1, [count]
        case 16:
            data = rtu[7:-2]
            return unit, function, address, count, [int.from_bytes(data[at : at + 2]) for at in range(0, len(data), 2)]
        case _:
            return unit, function, address, count, None


class _Connection(asyncio.Protocol):
    """One client."""

    def __init__(self, stick: SolarmanStick) -> None:
        self.stick = stick
        self.buffer = bytearray()
        self.waiting: deque[bytes] = deque()
        self.ends = False
        self.timers: set[asyncio.TimerHandle] = set()
        self.transport: asyncio.Transport | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if self.stick.most is not None and len(self.stick.connections) >= self.stick.most:
            self.stick.connections_refused += 1
            transport.abort()
            return
        self.stick.connections_ever += 1
        self.stick.connections.add(self)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.stick.connections.discard(self)
        for timer in self.timers:
            timer.cancel()
        self.timers.clear()
        self.transport = None

    @override
    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while frame := take_frame(self.buffer):
            self.stick.received(self, frame)

    def answer(self, answer: StickAnswer) -> None:
        """Send an answer when it is due; nothing if the client has gone."""
        if self.transport is None:
            return
        if answer.delay:
            self._later(answer.delay, lambda: self.send(answer.segments, close=answer.close))
        else:
            self.send(answer.segments, close=answer.close)

    def send(self, segments: Iterable[bytes], *, close: bool = False) -> None:
        """Send segments, each by itself, after those that are still to be sent."""
        idle = not self.waiting
        self.waiting.extend(segments)
        self.ends = self.ends or close
        if idle:
            self._next()

    def _next(self) -> None:
        if self.waiting and self.transport:
            self.transport.write(self.waiting[0])
            if len(self.waiting) > 1:
                self._later(_GAP, self._sent)
                return
            self.waiting.popleft()
        if self.ends:
            self.close()

    def _sent(self) -> None:
        self.waiting.popleft()
        self._next()

    def _later(self, seconds: float, do: Callable[[], None]) -> None:
        def done() -> None:
            self.timers.discard(timer)
            do()

        timer = asyncio.get_running_loop().call_later(seconds, done)
        self.timers.add(timer)

    def close(self) -> None:
        """End the connection."""
        if self.transport:
            self.transport.close()

    def abort(self) -> None:
        """End the connection at once."""
        if self.transport:
            self.transport.abort()
        self.connection_lost(None)


class _PlainModbus(ModbusServer):
    """The port of an LSE-3 that speaks plain Modbus TCP."""

    def __init__(self, stick: SolarmanStick) -> None:
        super().__init__(stick.port, most=stick.most)
        self.stick = stick
        self.requests = stick.requests
        self.faults = stick.faults

    @override
    def answer(self, request: ModbusPDU) -> ModbusPDU | ExcCodes:
        stick = self.stick
        if request.dev_id != stick.unit_id or not stick.unit.aura.answers:
            return ExcCodes.GATEWAY_NO_RESPONSE
        function, writes = request.function_code, request.function_code in (6, 16)
        words = list(request.registers) if writes else None
        result = stick.respond(function, request.address, request.count or len(words or ()), words)
        if isinstance(result, ExcCodes):
            return result
        return write_response(request) if writes else read_response(request, result)


class _Discovery(asyncio.DatagramProtocol):
    """The UDP port on which a stick tells who it is; it takes commands as well, and so logs whatever comes."""

    def __init__(self, stick: SolarmanStick) -> None:
        self.stick = stick
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.transport: asyncio.DatagramTransport | None = None

    async def start(self) -> None:
        # A socket of our own can be closed at once; a transport closes its socket a moment after it was told to.
        try:
            self.socket.setblocking(False)
            self.socket.bind((self.stick.host, self.stick.discovery_port))
        except OSError:
            self.socket.close()
            raise
        loop = asyncio.get_running_loop()
        self.transport, _ = await loop.create_datagram_endpoint(lambda: self, sock=self.socket)
        self.stick.discovery_port = self.socket.getsockname()[1]

    def stop(self) -> None:
        if self.transport:
            self.transport.abort()
            self.socket.close()
            self.transport = None

    @override
    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        stick = self.stick
        stick.probes.append(data)
        if data not in PROBES or not self.transport:
            return
        says = stick.says
        if says is None:
            says = (f"{stick.host},{stick.mac},{stick.serial}".encode(),)
        for text in says:
            self.transport.sendto(text, addr)

"""A Modbus server on the loopback whose wire can be watched and spoilt; a subclass says what it answers.

It speaks Modbus TCP, or Modbus RTU over TCP.
"""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self, override

from pymodbus.constants import ExcCodes
from pymodbus.datastore import ModbusServerContext
from pymodbus.framer import FramerSocket
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU
from pymodbus.pdu.bit_message import WriteMultipleCoilsRequest, WriteSingleCoilRequest
from pymodbus.pdu.register_message import WriteMultipleRegistersRequest
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice
from pymodbus.transport import CommParams, CommType, ModbusProtocol

from . import faults
from .faults import Answer, Fault, Faults
from .rs485 import crc16

HOST = "127.0.0.1"

# Enough for hours of a demo that polls every few seconds, and bounded.
_LOG_LENGTH = 100_000

# Seconds in which the end of one connection may be noticed before the next one is refused for it.
_GRACE = 0.01


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came over the wire; `exception` is what it was answered with, None for success or silence."""

    time: float
    unit: int
    function: int
    address: int
    count: int
    exception: int | None = None


type Injection = faults.Injection[Request]


class Framing(StrEnum):
    """How a message is wrapped on its way."""

    TCP = "tcp"
    RTU_OVER_TCP = "rtu_over_tcp"


class ModbusServer(ABC):
    """One listening port, its connections, the log of its requests and its faults."""

    def __init__(
        self,
        port: int = 0,
        *,
        most: int | None = None,
        idle_close: float | None = None,
        framing: Framing = Framing.TCP,
    ) -> None:
        """Port 0 takes a free one, which is kept over stop and start.

        `most`: connections at a time; one more is closed at once. `idle_close`: seconds after which a connection
        without requests is closed.
        """
        self.host = HOST
        self.port = port
        self.most = most
        self.idle_close = idle_close
        self.framing = framing
        self.requests: deque[Request] = deque(maxlen=_LOG_LENGTH)
        self.faults = Faults[Request]()
        self.connections_ever = 0
        self.connections_refused = 0
        self.connections: set[_Connection] = set()
        self._listener: _Listener | None = None

    @abstractmethod
    def answer(self, request: ModbusPDU) -> ModbusPDU | ExcCodes | None:
        """The response to a request, an exception code, or None for silence."""

    def takes(self, request: ModbusPDU, response: ModbusPDU | None) -> float:  # noqa: ARG002  a subclass uses them
        """How many seconds it takes to answer so; here, none."""
        return 0.0

    @property
    def connections_now(self) -> int:
        """How many clients are connected."""
        return len(self.connections)

    @property
    def listening(self) -> bool:
        """False while connections are refused."""
        return self._listener is not None

    async def start(self) -> None:
        """Listen. Raises OSError if the port is taken."""
        if self._listener:
            return
        listener = _Listener(self)
        if not await listener.listen():
            raise OSError(f"port {self.port} cannot be listened on")
        self._listener = listener
        server: Any = listener.transport
        self.port = server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Close every connection and refuse new ones, as a GX whose Modbus TCP server is switched off."""
        self.disconnect_all()
        if self._listener:
            self._listener.close()
            self._listener = None

    async def reboot(self, down: float) -> None:
        """Close everything and come back on the same port after `down` seconds."""
        self.stop()
        await asyncio.sleep(down)
        await self.start()

    def disconnect_all(self) -> None:
        """Close every connection; new ones are accepted."""
        for connection in tuple(self.connections):
            connection.abort()

    def inject(
        self, fault: Fault, *, requests: int | None = None, only: Callable[[Request], bool] | None = None
    ) -> Injection:
        """Switch a fault on, for the next `requests` requests or until it is removed, for those that `only` accepts."""
        return self.faults.inject(fault, requests=requests, only=only)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop()

    def serve(self, request: ModbusPDU, frame: Callable[[ModbusPDU], bytes]) -> Answer:
        """Answer and log a request; `frame` turns the response into the bytes that the faults may spoil."""
        response = self.answer(request)
        exception: int | None = None
        if isinstance(response, ExcCodes):
            exception = int(response)
            response = ExceptionResponse(request.function_code, exception)
        entry = Request(
            asyncio.get_running_loop().time(),
            request.dev_id,
            request.function_code,
            request.address,
            request.count or len(request.registers) or len(request.bits),
            exception,
        )
        self.requests.append(entry)
        delay = self.takes(request, response)
        if response is None:
            return Answer(b"")
        response.transaction_id = request.transaction_id
        response.dev_id = request.dev_id
        rtu = self.framing is Framing.RTU_OVER_TCP
        return self.faults.spoil(Answer(frame(response), delay, rtu=rtu), entry)


class SilentServer(ModbusServer):
    """A port that accepts connections and never says anything."""

    @override
    def answer(self, request: ModbusPDU) -> None:
        return None


class PlainModbusServer(ModbusServer):
    """Some other Modbus device: every register reads 0, or is not there."""

    def __init__(self, port: int = 0, *, zeros: bool = False) -> None:
        """With `zeros` every register reads 0, without it every request is refused with exception 2."""
        super().__init__(port)
        self.zeros = zeros

    @override
    def answer(self, request: ModbusPDU) -> ModbusPDU | ExcCodes:
        if request.function_code in (3, 4) and self.zeros:
            return read_response(request, [0] * request.count)
        return ExcCodes.ILLEGAL_ADDRESS


def read_response(request: ModbusPDU, values: list[int]) -> ModbusPDU:
    """The response to a read request, with registers, or with bits for function 1 or 2."""
    _, response = DecodePDU.pdu_table[request.function_code]
    if request.function_code in (1, 2):
        return response(bits=[bool(value) for value in values])
    return response(registers=values)


def written(request: ModbusPDU) -> list[int]:
    """The registers of a write request, or its bits for function 5 or 15."""
    return [int(bit) for bit in request.bits] if request.function_code in (5, 15) else request.registers


def write_response(request: ModbusPDU) -> ModbusPDU:
    """The acknowledgement of a write request."""
    _, response = DecodePDU.pdu_table[request.function_code]
    match request.function_code:
        case 5:
            return response(address=request.address, bits=request.bits)
        case 6:
            return response(address=request.address, registers=request.registers)
        case _:
            return response(address=request.address, count=request.count or len(request.bits))


class _Rtu(FramerSocket):
    """Frames of Modbus RTU in a stream; what is none of a request is passed over, as a device on the line does."""

    MIN_SIZE = 4

    _PLAIN = 8
    _WITH_DATA = 9

    @override
    def decode(self, data: bytes) -> tuple[int, int, int, bytes]:
        for start in range(len(data) - self.MIN_SIZE + 1):
            length = self._length(data[start:])
            if length is None or (start == 0 and length > len(data)):
                return 0, 0, 0, b""
            frame = data[start : start + length]
            if len(frame) == length and crc16(frame[:-2]) == frame[-2:]:
                return start + length, frame[0], 0, frame[1:-2]
        return len(data), 0, 0, b""

    def _length(self, data: bytes) -> int | None:
        """The length of a request that begins so, None as long as it does not say."""
        match data[1]:
            case 15 | 16:
                return self._WITH_DATA + data[6] if len(data) > 6 else None
            case 1 | 2 | 3 | 4 | 5 | 6:
                return self._PLAIN
            case _:
                return len(data)

    @override
    def encode(self, payload: bytes, device_id: int, tid: int) -> bytes:
        message = bytes((device_id,)) + payload
        return message + crc16(message)


class _Listener(ModbusTcpServer):
    def __init__(self, owner: ModbusServer) -> None:
        # pymodbus wants a register map, and nobody reads this one: the connections below ask the owner.
        unused = SimDevice(0, [SimData(0, values=[0], datatype=DataType.REGISTERS)])
        context: ModbusServerContext | SimDevice = unused
        super().__init__(context, address=(owner.host, owner.port))
        self.owner = owner

    @override
    def callback_new_connection(self) -> ModbusProtocol:
        return _Connection(self.owner)


class _Connection(ModbusProtocol):
    """One client.

    Stands in for pymodbus's own handler, which keeps a single request at a time and answers an unknown function
    without transaction id; a GX answers each of many requests in flight, and an unknown function with exception 1.
    """

    def __init__(self, owner: ModbusServer) -> None:
        address = (owner.host, owner.port)
        super().__init__(CommParams(comm_type=CommType.TCP, comm_name="server", source_address=address), True)
        self.owner = owner
        self.framer = (_Rtu if owner.framing is Framing.RTU_OVER_TCP else FramerSocket)(DecodePDU(True))
        self.timers: set[asyncio.TimerHandle] = set()
        self.idle: asyncio.TimerHandle | None = None

    @override
    def callback_connected(self) -> None:
        if self.owner.most is None or self.owner.connections_now < self.owner.most:
            self._admit()
            return
        # A client that has just closed its connection and opens another one is not yet known to have closed it.
        transport: Any = self.transport
        transport.pause_reading()
        self.timers.add(self.loop.call_later(_GRACE, self._admit_or_refuse))

    def _admit_or_refuse(self) -> None:
        transport: Any = self.transport
        full = self.owner.most is not None and self.owner.connections_now >= self.owner.most
        if full or not self.owner.listening:
            self.owner.connections_refused += 1
            transport.close()
            return
        self._admit()
        transport.resume_reading()

    def _admit(self) -> None:
        self.owner.connections_ever += 1
        self.owner.connections.add(self)
        self._stay()

    def _stay(self) -> None:
        """Put the end of an idle connection off."""
        if self.owner.idle_close is None:
            return
        if self.idle:
            self.idle.cancel()
        transport: Any = self.transport
        self.idle = self.loop.call_later(self.owner.idle_close, transport.close)

    @override
    def callback_disconnected(self, exc: Exception | None) -> None:
        self.owner.connections.discard(self)
        if self.idle:
            self.idle.cancel()
        for timer in self.timers:
            timer.cancel()
        self.timers.clear()

    @override
    def callback_new_connection(self) -> ModbusProtocol:
        raise NotImplementedError("a connection does not listen")

    @override
    def callback_data(self, data: bytes, addr: tuple[Any, ...] | None = None) -> int:
        used = 0
        while len(data) - used >= self.framer.MIN_SIZE:
            length, unit, transaction, pdu = self.framer.decode(data[used:])
            if not length:
                break
            used += length
            if not pdu:
                continue
            self._stay()
            request = self._decode(pdu)
            request.dev_id, request.transaction_id = unit, transaction
            answer = self.owner.serve(request, self.framer.buildFrame)
            if answer.delay:
                self._send_later(answer)
            else:
                self._send(answer)
        return used

    def _send_later(self, answer: Answer) -> None:
        def send() -> None:
            self.timers.discard(timer)
            self._send(answer)

        timer = self.loop.call_later(answer.delay, send)
        self.timers.add(timer)

    def _decode(self, pdu: bytes) -> ModbusPDU:
        function, address, count = pdu[0], int.from_bytes(pdu[1:3]), int.from_bytes(pdu[3:5])
        match function:
            # What does not fit keeps its place, and has no values.
            case 5 if count not in (0x0000, 0xFF00):
                return WriteSingleCoilRequest(address=address, bits=[])
            case 15 if len(pdu) < 6 or not pdu[5] == -(-count // 8) == len(pdu) - 6:
                return WriteMultipleCoilsRequest(address=address, count=count, bits=[])
            case 16 if len(pdu) < 6 or not pdu[5] == 2 * count == len(pdu) - 6:
                return WriteMultipleRegistersRequest(address=address, count=count)
            case 1 | 2 | 3 | 4 | 5 | 6 | 15 | 16 if len(pdu) >= 5 and (request := self.framer.decoder.decode(pdu)):
                return request
        unknown = ModbusPDU()
        unknown.function_code = function
        return unknown

    def _send(self, answer: Answer) -> None:
        transport: Any = self.transport
        if transport.is_closing():
            return
        if answer.frame:
            transport.write(answer.frame)
        if answer.close:
            transport.close()

    def abort(self) -> None:
        """End the connection at once."""
        transport: Any = self.transport
        transport.abort()
        self.callback_disconnected(None)

"""The pool: one connection per endpoint, shared and counted, and the runner that reads what is on it.

A link is dropped after every request that brought no usable answer, before the next request is sent: a late answer
must never be read as the next one's. What an answer is, ``framing`` says.
"""

import asyncio
import functools
import logging
import select
import time
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass, field
from typing import Any, Concatenate, Final, Protocol, override

from modbus_connection import (
    ModbusConnectionError,
    ModbusError,
    ModbusExceptionError,
    ModbusProtocolError,
    ModbusTcpParams,
    ModbusTimeoutError,
)
from modbus_connection.pymodbus import ModbusConnection, PymodbusUnit
from pymodbus.client.base import ModbusBaseClient
from pymodbus.framer.base import FramerBase
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU

from .base import AuthenticationFailed, CannotConnect, Clock, Device, DeviceGone, GatewayError, NotSupported, Report
from .framing import Numbers, RtuFramer, TcpFramer
from .patience import Patience
from .registers import LinkDroppedError
from .schedule import DEFAULT_INTERVAL, Brake, Outcome, Read, Schedule

# The schedule tells once what fell silent; pymodbus would repeat it for every request.
_PYMODBUS_LOG = logging.getLogger("pymodbus.logging")

_LAST_NUMBER: Final = 0xFFFF
_OF_THE_GATEWAY: Final = (0x0A, 0x0B)  # no path to the device, no answer from it

type Words = list[int] | list[bool] | None


def _guarded[**P, R: Words](
    method: Callable[Concatenate[GuardedUnit, P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate[GuardedUnit, P], Coroutine[Any, Any, R]]:
    """Drop the link when a request brought nothing usable."""

    @functools.wraps(method)
    async def guarded(self: GuardedUnit, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await method(self, *args, **kwargs)
        except ModbusExceptionError, ModbusConnectionError:
            raise
        except ModbusError as err:
            if isinstance(err, ModbusTimeoutError):
                self._conn.patience.given_up()
            await self._conn.drop()
            # pymodbus makes an error of its own of a cancellation.
            if err.__cause__ is not None and isinstance(err.__cause__.__cause__, asyncio.CancelledError):
                raise asyncio.CancelledError from err
            raise

    return guarded


def _complete[W: (int, bool)](words: list[W], count: int) -> list[W]:
    """The words, if they are as many as were asked for."""
    if len(words) != count:
        msg = f"asked for {count} values, got {len(words)}"
        raise ModbusProtocolError(msg)
    return words


class GuardedUnit(PymodbusUnit):
    """A unit whose link does not survive a request without a usable answer."""

    _conn: GuardedConnection

    async def open(self) -> None:
        """Open the link without asking anything, unless it is open. Raises ``ModbusConnectionError``."""
        await self._conn.connect()

    @property
    def is_open(self) -> bool:
        """Whether the link is open, as far as that was noticed."""
        return self._conn.connected

    @_guarded
    @override
    async def read_holding_registers(self, address: int, count: int) -> list[int]:
        return _complete(await super().read_holding_registers(address, count), count)

    @_guarded
    @override
    async def read_input_registers(self, address: int, count: int) -> list[int]:
        return _complete(await super().read_input_registers(address, count), count)

    @_guarded
    @override
    async def read_coils(self, address: int, count: int) -> list[bool]:
        return _complete(await super().read_coils(address, count), count)

    @_guarded
    @override
    async def read_discrete_inputs(self, address: int, count: int) -> list[bool]:
        return _complete(await super().read_discrete_inputs(address, count), count)

    @_guarded
    @override
    async def write_register(self, address: int, value: int) -> None:
        await super().write_register(address, value)

    @_guarded
    @override
    async def write_registers(self, address: int, values: list[int]) -> None:
        await super().write_registers(address, values)

    @_guarded
    @override
    async def write_coil(self, address: int, value: bool) -> None:
        await super().write_coil(address, value)

    @_guarded
    @override
    async def write_coils(self, address: int, values: list[bool]) -> None:
        await super().write_coils(address, values)


class GuardedConnection(ModbusConnection):
    """A Modbus connection whose units drop it as ``GuardedUnit`` says."""

    def __init__(self, params: ModbusTcpParams, *, timeout: float, message_spacing: float = 0.0) -> None:
        """Nothing is opened yet. ``timeout`` (s) is of an answer, ``message_spacing`` (s) between two messages."""
        super().__init__(params, timeout=timeout, message_spacing=message_spacing)
        self.patience = Patience(timeout)
        self._asked_at = 0.0
        self._numbers = Numbers()

    @override
    def for_unit(self, unit_id: int) -> GuardedUnit:
        return GuardedUnit(self, unit_id)

    @override
    async def connect(self) -> None:
        await super().connect()
        if self._client is not None:
            # pymodbus looks at it with each request.
            self._client.ctx.comm_params.timeout_connect = self.patience.timeout

    async def drop(self) -> None:
        """Drop the link at once; ``disconnect`` would first let the next request use it."""
        client, self._client = self._client, None
        if client is not None:
            await self._close_client(client)

    @override
    def _on_trace_connect(self, connecting: bool) -> None:
        client = self._client
        super()._on_trace_connect(connecting)
        if not connecting and client is not None and not (pending := client.ctx.response_future).done():
            # Who waits for an answer need not wait out the timeout; a future that nobody awaits must not complain.
            pending.set_exception(LinkDroppedError("link dropped"))
            pending.exception()

    @override
    async def _create_client(self) -> ModbusBaseClient:
        client = await super()._create_client()
        client.ctx.framer = self._framer(client.ctx.framer.decoder)
        client.ctx.trace_pdu = self._note
        return client

    def _framer(self, decoder: DecodePDU) -> FramerBase:
        """What makes and takes the frames of a link."""
        return TcpFramer(decoder, self._numbers)

    def _note(self, sending: bool, pdu: ModbusPDU) -> ModbusPDU:
        """Take note of a request as it is sent, and of its answer."""
        if sending:
            self._asked_at = time.monotonic()
        elif isinstance(pdu, ExceptionResponse) and pdu.exception_code in _OF_THE_GATEWAY:
            # It says how long the gateway waits for a silent unit.
            self.patience.heard()
        else:
            self.patience.answered(time.monotonic() - self._asked_at)
        return pdu


class RtuConnection(GuardedConnection):
    """A connection on which no answer names its question: whatever else is heard on it costs the link.

    What waits to be read before a request is sent cannot be its answer.
    """

    _rtu: RtuFramer

    @override
    async def connect(self) -> None:
        client = self._client
        if client is not None and not self._rtu.awaits and (self._rtu.disturbed or _has_unread(client)):
            await self.drop()
        await super().connect()

    @override
    def _framer(self, decoder: DecodePDU) -> RtuFramer:
        self._rtu = RtuFramer(decoder)
        return self._rtu


def _has_unread(client: ModbusBaseClient) -> bool:
    """Whether something arrived, or the link was closed, that the event loop did not come to yet."""
    poll = select.poll()
    poll.register(client.ctx.transport.get_extra_info("socket"), select.POLLIN)
    return bool(poll.poll(0))


async def reach(host: str, port: int, within: float) -> None:
    """Open the port once, to tell apart why a gateway cannot be reached.

    Raises ``CannotConnect`` with the reason ``refused``, ``silent`` or ``unreachable``.
    """
    try:
        async with asyncio.timeout(within):
            # A name may have several addresses, and each its own reason.
            _, writer = await asyncio.open_connection(host, port, all_errors=True)
    except TimeoutError as err:
        raise CannotConnect("silent") from err
    except ExceptionGroup as err:
        refused = err.subgroup(ConnectionRefusedError) is not None
        raise CannotConnect("refused" if refused else "unreachable") from err
    except (OSError, UnicodeError) as err:
        raise CannotConnect("unreachable") from err
    writer.close()


def _outcome(err: GatewayError) -> tuple[Outcome, str]:
    """What a failed read means for the schedule, and a word for it."""
    match err:
        case NotSupported():
            return Outcome.ABSENT, "absent"
        case DeviceGone():
            return Outcome.GONE, "gone"
        case CannotConnect(reason="lost"):
            return Outcome.LOST, "lost"
        case CannotConnect(reason=reason):
            return Outcome.SILENT, reason
        case AuthenticationFailed():
            return Outcome.SILENT, "authentication"
    return Outcome.SILENT, type(err).__name__


type Listener = Callable[[Report], None]


@dataclass
class _Attached:
    device: Device
    listener: Listener
    updated: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    reported: asyncio.Event = field(default_factory=asyncio.Event)


class Runner:
    """Executes the schedule of one connection and hands each device's report to its listener."""

    def __init__(self, schedule: Schedule, clock: Clock = time.monotonic) -> None:
        """Read nothing until something is attached."""
        self.schedule = schedule
        self.requests = 0
        self._clock = clock
        self._attached: dict[str, _Attached] = {}
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def attach(self, name: str, device: Device, listener: Listener) -> None:
        """Read a device from now on; ``name`` is its own on this connection."""
        self._attached[name] = _Attached(device, listener)
        self.schedule.add(name, {part: registers.speed for part, registers in device.parts.items()}, self._clock())
        self._changed.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="energy_suite schedule")

    def detach(self, name: str) -> None:
        """Read a device no more."""
        if (attached := self._attached.pop(name, None)) is not None:
            attached.reported.set()
        self.schedule.remove(name)

    async def reported(self, name: str) -> None:
        """Wait until the device was reported for the first time, answering or not, or is not read any more."""
        await self._attached[name].reported.wait()

    def has_reported(self, name: str) -> bool:
        """Whether the device was reported, answering or not."""
        return name in self._attached and self._attached[name].reported.is_set()

    def expedite(self, name: str, parts: list[str] | None = None) -> None:
        """Read a device before anything else, as after a command."""
        if name in self._attached:
            self.schedule.expedite(name, parts)
            self._changed.set()

    def look_again(self) -> None:
        """Look now for what was absent or silent."""
        self.schedule.look_again(self._clock())
        self._changed.set()

    def is_fresh(self, name: str, part: str) -> bool:
        """Whether the part was read recently enough to be shown."""
        if name not in self._attached:
            return False
        registers = self._attached[name].device.parts[part]
        if registers.read_at is None or not registers.present:
            return False
        return self._clock() - registers.read_at <= self.schedule.lifetime(registers.speed)

    def _is_stale(self, name: str) -> bool:
        """Whether something of a unit that answers was read, and not recently enough to be shown."""
        parts = self._attached[name].device.parts.items()
        return self.schedule.is_up(name) and any(
            part.present and part.read_at is not None and not self.is_fresh(name, key) for key, part in parts
        )

    async def close(self) -> None:
        """Stop reading."""
        for name in list(self._attached):
            self.detach(name)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self) -> None:
        while True:
            self._changed.clear()
            step = self.schedule.next(self._clock())
            if isinstance(step, Read):
                await self._execute(step)
                continue
            pause = step.until - self._clock()
            try:
                async with asyncio.timeout(None if pause == float("inf") else max(pause, 0.0)):
                    await self._changed.wait()
            except TimeoutError:
                pass

    async def _execute(self, read: Read) -> None:
        attached = self._attached[read.unit]
        was_up = self.schedule.is_up(read.unit)
        part = attached.device.parts[read.part]
        self.requests += 1
        outcome, why = Outcome.ANSWERED, ""
        asked_at = self._clock()
        try:
            await part.async_read(asked_at)
        except GatewayError as err:
            outcome, why = _outcome(err)
        if outcome is not Outcome.LOST:
            self.schedule.brake.answered(self._clock() - asked_at)
        if self._attached.get(read.unit) is not attached:
            return
        if outcome is Outcome.ANSWERED:
            attached.updated.add(read.part)
            attached.failed.pop(read.part, None)
            if not was_up:
                # It may have come back with another firmware, or be another device altogether.
                for other in attached.device.parts.values():
                    other.forget()
        else:
            attached.updated.discard(read.part)
            attached.failed[read.part] = why
        fallen = self.schedule.done(read, self._clock(), outcome)
        for unit in fallen if outcome is not Outcome.SILENT else self._with_stale(fallen):
            self._report(unit)

    def _with_stale(self, fallen: tuple[str, ...]) -> tuple[str, ...]:
        """What fell silent, and what had to wait for it for so long that it shows something stale."""
        if not fallen:
            return ()
        return fallen + tuple(name for name in self._attached if name not in fallen and self._is_stale(name))

    def _report(self, name: str) -> None:
        attached = self._attached[name]
        reachable = attached.device.reachable
        failed = attached.failed if reachable else dict.fromkeys(attached.device.parts, "gone")
        report = Report(self.schedule.is_up(name) and reachable, frozenset(attached.updated), dict(failed))
        attached.updated.clear()
        # From the loop: an error in a device or behind its listener is logged there and stops no other device.
        asyncio.get_running_loop().call_soon(self._deliver, name, attached, report)

    def _deliver(self, name: str, attached: _Attached, report: Report) -> None:
        if self._attached.get(name) is not attached:
            return
        attached.reported.set()
        if report.available:
            attached.device.settle(self._clock())
        attached.listener(report)


@dataclass(frozen=True)
class Datagrams:
    """Where a gateway answers without a connection (SNMP): nothing is opened, but its requests share a schedule."""

    host: str
    port: int

    @property
    def endpoint(self) -> Hashable:
        """What tells it from others."""
        return ("udp", self.host, self.port)

    def open(self, timeout: float) -> None:
        """Nothing to open."""


class OpenedEndpoint(Protocol):
    """Where a gateway answers over a link that is not plain Modbus."""

    @property
    def endpoint(self) -> Hashable:
        """What tells it from others."""

    def open(self, timeout: float) -> GuardedConnection | None:
        """The connection, which opens with its first request; None where there is none to open."""


@dataclass(frozen=True)
class RtuOverTcp:
    """Where a gateway or converter speaks Modbus RTU over TCP."""

    host: str
    port: int

    @property
    def endpoint(self) -> Hashable:
        """What tells it from others."""
        return ("rtu_over_tcp", *self._params.endpoint)

    def open(self, timeout: float) -> RtuConnection:
        """The connection, which opens with its first request."""
        return RtuConnection(self._params, timeout=timeout)

    @property
    def _params(self) -> ModbusTcpParams:
        return ModbusTcpParams(host=self.host, port=self.port)


type Endpoint = ModbusTcpParams | OpenedEndpoint


def _connection_to(endpoint: Endpoint, timeout: float) -> GuardedConnection | None:
    if isinstance(endpoint, ModbusTcpParams):
        return GuardedConnection(endpoint, timeout=timeout)
    return endpoint.open(timeout)


@dataclass
class _Shared:
    """A connection, who holds it, and what is read on it."""

    endpoint: Endpoint
    connection: GuardedConnection | None
    runner: Runner
    spacing: float = 0.0
    """s between the end of a message and the start of the next."""
    holders: int = 0


class Lease:
    """A hold on a shared connection; the last one to release it closes it."""

    def __init__(self, pool: Pool, shared: _Shared) -> None:
        """Made by the pool alone."""
        self._pool = pool
        self._shared = shared
        self._released = False

    @property
    def runner(self) -> Runner:
        """What reads on this connection."""
        return self._shared.runner

    @property
    def connected(self) -> bool:
        """Whether the link is open now."""
        return self._shared.connection is not None and self._shared.connection.connected

    @property
    def timeout(self) -> float | None:
        """How long in s an answer may take, as learnt; None for an endpoint without a connection."""
        return None if self._shared.connection is None else self._shared.connection.patience.learnt

    def unit(self, unit_id: int) -> GuardedUnit:
        """A unit on this connection. Raises ``ValueError`` for an endpoint without one."""
        if self._shared.connection is None:
            msg = f"no Modbus at {self._shared.endpoint}"
            raise ValueError(msg)
        unit = self._shared.connection.for_unit(unit_id)
        unit.set_message_spacing(self._shared.spacing)
        return unit

    async def release(self) -> None:
        """Give up this hold."""
        if not self._released:
            self._released = True
            await self._pool.release(self._shared)


class Pool:
    """One connection per endpoint, opened with the first request, closed with the last holder."""

    def __init__(self) -> None:
        """Start with no connection."""
        self._shared: dict[Hashable, _Shared] = {}
        if _PYMODBUS_LOG.level == logging.NOTSET:
            _PYMODBUS_LOG.setLevel(logging.CRITICAL)

    def acquire(
        self,
        endpoint: Endpoint,
        *,
        timeout: float,
        interval: float | None = None,
        spacing: float = 0.0,
        learns: bool = False,
    ) -> Lease:
        """Hold the connection to an endpoint.

        ``timeout`` (s) is of whoever comes first, ``interval`` (s) between two rounds of whoever reads last,
        ``spacing`` (s) between two messages of whoever wants the most. With ``learns`` the timeout follows the answers
        as soon as anybody wants it to (see ``Patience``); an overloaded gateway is still told by the first one.
        """
        shared = self._shared.get(endpoint.endpoint)
        if shared is None:
            runner = Runner(Schedule(DEFAULT_INTERVAL, brake=Brake(timeout)))
            shared = _Shared(endpoint, _connection_to(endpoint, timeout), runner)
            self._shared[endpoint.endpoint] = shared
        shared.spacing = max(shared.spacing, spacing)
        if shared.connection is not None:
            shared.connection.patience.learns |= learns
        if interval is not None:
            shared.runner.schedule.interval = interval
        shared.holders += 1
        return Lease(self, shared)

    async def release(self, shared: _Shared) -> None:
        """Close a connection behind its last holder."""
        shared.holders -= 1
        if shared.holders:
            return
        if self._shared.get(shared.endpoint.endpoint) is shared:
            del self._shared[shared.endpoint.endpoint]
        await shared.runner.close()
        if shared.connection is not None:
            await shared.connection.close()

"""An SNMP agent on the loopback, of versions 1, 2c and 3, whose wire can be watched and spoilt."""

import asyncio
import socket
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self, override

from .faults import Answer, Fault, Faults, Injection
from .snmp_wire import (
    V1,
    V2C,
    V3,
    VERSIONS,
    Error,
    Header,
    Kind,
    Oid,
    Pdu,
    Reader,
    Scoped,
    Tag,
    Trap,
    Value,
    VarBind,
    WireError,
    dotted,
    encode_binding,
    encode_message,
    open_message,
    read_header,
    read_pdu,
    read_scoped,
)
from .usm import AUTHENTICATED, ENCRYPTED, REPORTABLE, Engine, Refusal, User

HOST: Final = "127.0.0.1"

# What fits into one Ethernet frame.
MAX_SIZE: Final = 1472

_LOG_LENGTH: Final = 100_000
_SYS_UP_TIME: Final = (1, 3, 6, 1, 2, 1, 1, 3, 0)
_SNMP_TRAP_OID: Final = (1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0)
_USM_STATS: Final = (1, 3, 6, 1, 6, 3, 15, 1, 1)

# Length bytes that grow with the answer, and the padding of DES.
_SLACK: Final = 32

# The nearest error of version 1 (RFC 3584, 4.4).
_V1_ERRORS: Final = {
    Error.WRONG_TYPE: Error.BAD_VALUE,
    Error.WRONG_LENGTH: Error.BAD_VALUE,
    Error.WRONG_ENCODING: Error.BAD_VALUE,
    Error.WRONG_VALUE: Error.BAD_VALUE,
    Error.INCONSISTENT_VALUE: Error.BAD_VALUE,
    Error.NO_ACCESS: Error.NO_SUCH_NAME,
    Error.NO_CREATION: Error.NO_SUCH_NAME,
    Error.AUTHORIZATION_ERROR: Error.NO_SUCH_NAME,
    Error.NOT_WRITABLE: Error.NO_SUCH_NAME,
    Error.INCONSISTENT_NAME: Error.NO_SUCH_NAME,
    Error.RESOURCE_UNAVAILABLE: Error.GEN_ERR,
    Error.COMMIT_FAILED: Error.GEN_ERR,
    Error.UNDO_FAILED: Error.GEN_ERR,
}


@dataclass(frozen=True, slots=True)
class SnmpObject:
    """An object instance: how it is read, and, if it can be written, whether it may take a value and how it does."""

    read: Callable[[], Value]
    check: Callable[[Value], Error] | None = None
    take: Callable[[Value], Error] | None = None


@dataclass(slots=True)
class Mib:
    """Object instances in the order of their names; `types`: objects that have no instance at the moment, or had."""

    objects: dict[Oid, SnmpObject] = field(default_factory=dict)
    types: set[Oid] = field(default_factory=set)
    _order: list[Oid] = field(default_factory=list)

    def add(self, objects: Mapping[Oid, SnmpObject]) -> None:
        """Put instances in."""
        self.objects |= objects
        self._order = sorted(self.objects)

    def replace(self, under: Collection[Oid], objects: Mapping[Oid, SnmpObject]) -> None:
        """Put instances in the place of those below each of `under`."""
        self.objects = {name: it for name, it in self.objects.items() if not any(_below(name, top) for top in under)}
        self.add(objects)

    def get(self, name: Oid) -> Value:
        """Return a value, or which kind of nothing there is."""
        if found := self.objects.get(name):
            return found.read()
        known = any(name[:length] in self.types for length in range(1, len(name)))
        return Value(Tag.NO_SUCH_INSTANCE if known else Tag.NO_SUCH_OBJECT)

    def after(self, name: Oid) -> VarBind:
        """Return the next instance; at the end, the name itself and END_OF_MIB."""
        place = bisect_right(self._order, name)
        if place == len(self._order):
            return name, Value(Tag.END_OF_MIB)
        following = self._order[place]
        return following, self.objects[following].read()


def _below(name: Oid, top: Oid) -> bool:
    return name[: len(top)] == top


@dataclass(frozen=True, slots=True)
class SnmpRequest:
    """A request that the agent understood.

    `kind`: get, get_next, get_bulk or set. `outcome`: the name of the error, `no_error`, or `silence` where the
    community is not the right one; of version 3, also the name of the report.
    """

    time: float
    version: str
    kind: str
    oids: tuple[str, ...]
    outcome: str

    @property
    def count(self) -> int:
        """How many variables it named."""
        return len(self.oids)


@dataclass(frozen=True, slots=True)
class _Access:
    """What a sender may do, how much fits into an answer to it, and how that is framed."""

    version: int
    may_read: bool
    may_write: bool
    max_size: int
    frame: Callable[[Pdu], bytes]


class SnmpAgent(asyncio.DatagramProtocol):
    """An agent that answers from a Mib.

    `before`: called before each request. `requests`: what came in. `datagrams`: how many did, garbage included.
    `refuse_sets`: the error that every SET is answered with. `ignore_sets`: SETs are acknowledged and not taken.
    `max_repetitions`: rows that a GETBULK gets at most. `max_size`: bytes of an answer at most.
    """

    def __init__(
        self,
        mib: Mib,
        *,
        port: int = 0,
        read_community: str = "public",
        write_community: str | None = "private",
        versions: Collection[str] = ("v1", "v2c", "v3"),
        users: Iterable[User] = (),
        engine_id: bytes = bytes.fromhex("80001f8803020000000001"),
    ) -> None:
        """Port 0 takes a free one, which is kept over stop and start. Without `write_community` nothing is set."""
        self.mib = mib
        self.host = HOST
        self.port = port
        self.read_community = read_community
        self.write_community = write_community
        self.versions = set(versions)
        self.engine = Engine(engine_id, _now)
        self.engine.add(users)
        self.max_size = MAX_SIZE
        self.max_repetitions: int | None = None
        self.refuse_sets: Error | None = None
        self.ignore_sets = False
        self.before: Callable[[], None] = _nothing
        self.requests: deque[SnmpRequest] = deque(maxlen=_LOG_LENGTH)
        self.datagrams = 0
        self.faults = Faults[SnmpRequest]()
        self._transport: asyncio.DatagramTransport | None = None
        self._socket: socket.socket | None = None
        self._timers: set[asyncio.TimerHandle] = set()
        self._traps = 0

    @property
    def listening(self) -> bool:
        """False while nothing is answered."""
        return self._transport is not None

    @property
    def up_time(self) -> int:
        """Hundredths of a second since the start."""
        return self.engine.hundredths

    async def start(self) -> None:
        """Listen. Raises OSError if the port is taken."""
        if self._transport:
            return
        # A socket of our own can be closed at once; a transport closes its socket a moment after it was told to.
        self._socket = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.bind((self.host, self.port))
        except OSError:
            self._socket.close()
            raise
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, sock=self._socket)
        self.port = self._socket.getsockname()[1]
        self.engine.boot()

    def stop(self) -> None:
        """Answer nothing any more."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        if self._transport and self._socket:
            self._transport.abort()
            self._socket.close()
            self._transport = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop()

    def inject(
        self, fault: Fault, *, requests: int | None = None, only: Callable[[SnmpRequest], bool] | None = None
    ) -> Injection[SnmpRequest]:
        """Switch a fault on, for the next `requests` requests or until it is removed, for those that `only` accepts."""
        return self.faults.inject(fault, requests=requests, only=only)

    def send_trap(
        self, to: tuple[str, int], version: str, enterprise: Oid, number: int, bindings: tuple[VarBind, ...] = ()
    ) -> None:
        """Send a trap with the read community; nothing happens while the agent is stopped."""
        if not self._transport:
            return
        community = self.read_community.encode()
        if version == VERSIONS[V1]:
            trap = Trap(enterprise, bytes((127, 0, 0, 1)), number, self.up_time, bindings)
            message = encode_message(V1, community, trap)
        else:
            self._traps += 1
            head = (
                (_SYS_UP_TIME, Value(Tag.TICKS, self.up_time)),
                (_SNMP_TRAP_OID, Value(Tag.OID, (*enterprise, 0, number))),
            )
            message = encode_message(V2C, community, Pdu(Kind.TRAP, self._traps, 0, 0, head + bindings))
        self._transport.sendto(message, to)

    # One datagram

    @override
    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        self.datagrams += 1
        try:
            version, reader = open_message(data)
            if VERSIONS.get(version) not in self.versions:
                return
            handled = self._handle_v3(data, reader) if version == V3 else self._handle(version, reader)
        except WireError:
            return
        if handled is None:
            return
        request, frame = handled
        self.requests.append(request)
        answer = self.faults.spoil(Answer(frame), request)
        if answer.delay:
            self._send_later(answer, addr)
        else:
            self._send(answer, addr)

    def _send_later(self, answer: Answer, to: tuple[str | Any, int]) -> None:
        def send() -> None:
            self._timers.discard(timer)
            self._send(answer, to)

        timer = asyncio.get_running_loop().call_later(answer.delay, send)
        self._timers.add(timer)

    def _send(self, answer: Answer, to: tuple[str | Any, int]) -> None:
        if answer.frame and self._transport:
            self._transport.sendto(answer.frame, to)

    def _handle(self, version: int, reader: Reader) -> tuple[SnmpRequest, bytes] | None:
        community = reader.octets().decode("latin-1")
        may_write = self.write_community is not None and community == self.write_community
        access = _Access(
            version,
            may_write or community == self.read_community,
            may_write,
            self.max_size,
            lambda pdu: encode_message(version, community.encode("latin-1"), pdu),
        )
        return self._serve(read_pdu(reader), access)

    def _handle_v3(self, message: bytes, reader: Reader) -> tuple[SnmpRequest, bytes] | None:
        header, place = read_header(reader)
        rest = Reader(reader.data[reader.at :], reader.start + reader.at)
        try:
            user, scoped = self.engine.open(message, header, place, reader)
        except Refusal as refusal:
            return self._report(refusal, header, rest)

        def frame(pdu: Pdu) -> bytes:
            reply = Header(header.message, self.max_size, header.flags & (AUTHENTICATED | ENCRYPTED), user=header.user)
            return self.engine.seal(reply, Scoped(scoped.engine, scoped.context, pdu), user)

        # A user who could protect the message and did not is known, and may do nothing.
        protected = header.flags & user.flags == user.flags
        access = _Access(
            V3, protected, protected and user.may_write, min(self.max_size, max(484, header.max_size)), frame
        )
        return self._serve(scoped.pdu, access)

    def _report(self, refusal: Refusal, header: Header, rest: Reader) -> tuple[SnmpRequest, bytes] | None:
        report = refusal.report
        self.engine.counters[report] += 1
        if not header.flags & REPORTABLE:
            return None
        request = 0
        if not header.flags & ENCRYPTED:
            request = read_scoped(rest).pdu.request
        counter = Value(Tag.COUNTER, self.engine.counters[report])
        pdu = Pdu(Kind.REPORT, request, 0, 0, (((*_USM_STATS, report, 0), counter),))
        reply = Header(header.message, self.max_size, AUTHENTICATED if refusal.user else 0, user=header.user)
        frame = self.engine.seal(reply, Scoped(self.engine.id, b"", pdu), refusal.user)
        return SnmpRequest(_now(), VERSIONS[V3], "unknown", (), report.name.lower()), frame

    # One request

    def _serve(self, pdu: Pdu, access: _Access) -> tuple[SnmpRequest, bytes] | None:
        if pdu.kind not in (Kind.GET, Kind.GET_NEXT, Kind.SET, Kind.GET_BULK):
            return None
        if pdu.kind is Kind.GET_BULK and access.version == V1:
            return None

        def logged(outcome: str) -> SnmpRequest:
            oids = tuple(dotted(name) for name, _ in pdu.bindings)
            return SnmpRequest(_now(), VERSIONS[access.version], pdu.kind.name.lower(), oids, outcome)

        if not access.may_read and access.version != V3:
            self.requests.append(logged("silence"))
            return None
        self.before()
        answer = self._answer(pdu, access)
        frame = access.frame(answer)
        if len(frame) > access.max_size:
            echo = pdu.bindings if access.version == V1 else ()
            answer = Pdu(Kind.RESPONSE, pdu.request, Error.TOO_BIG, 0, echo)
            frame = access.frame(answer)
        status = Error.NO_ERROR if pdu.kind is Kind.GET_BULK and not answer.status else Error(answer.status)
        return logged(status.name.lower()), frame

    def _answer(self, pdu: Pdu, access: _Access) -> Pdu:
        if not access.may_read:
            return _refused(pdu, Error.AUTHORIZATION_ERROR, 0, access)
        match pdu.kind:
            case Kind.GET:
                return self._got(pdu, [(name, self.mib.get(name)) for name, _ in pdu.bindings], access)
            case Kind.GET_NEXT:
                return self._got(pdu, [self.mib.after(name) for name, _ in pdu.bindings], access)
            case Kind.GET_BULK:
                return self._bulk(pdu, access)
            case _:
                return self._set(pdu, access)

    def _got(self, pdu: Pdu, bindings: list[VarBind], access: _Access) -> Pdu:
        if access.version == V1:
            for place, (_, value) in enumerate(bindings, 1):
                if value.tag in (Tag.NO_SUCH_OBJECT, Tag.NO_SUCH_INSTANCE, Tag.END_OF_MIB):
                    return _refused(pdu, Error.NO_SUCH_NAME, place, access)
        return Pdu(Kind.RESPONSE, pdu.request, 0, 0, tuple(bindings))

    def _bulk(self, pdu: Pdu, access: _Access) -> Pdu:
        room = access.max_size - _SLACK - len(access.frame(Pdu(Kind.RESPONSE, pdu.request, 0, 0)))
        bindings: list[VarBind] = []
        for binding in self._bulk_bindings(pdu):
            room -= len(encode_binding(binding))
            if room < 0:
                break
            bindings.append(binding)
        if not bindings and pdu.bindings and pdu.index:
            return Pdu(Kind.RESPONSE, pdu.request, Error.TOO_BIG, 0)
        return Pdu(Kind.RESPONSE, pdu.request, 0, 0, tuple(bindings))

    def _bulk_bindings(self, pdu: Pdu) -> Iterator[VarBind]:
        single, repetitions = max(0, pdu.status), max(0, pdu.index)
        if self.max_repetitions is not None:
            repetitions = min(repetitions, self.max_repetitions)
        for name, _ in pdu.bindings[:single]:
            yield self.mib.after(name)
        row = [name for name, _ in pdu.bindings[single:]]
        for _ in range(repetitions if row else 0):
            following = [self.mib.after(name) for name in row]
            yield from following
            if all(value.tag is Tag.END_OF_MIB for _, value in following):
                break
            row = [name for name, _ in following]

    def _set(self, pdu: Pdu, access: _Access) -> Pdu:
        if self.refuse_sets is not None:
            return _refused(pdu, self.refuse_sets, 1, access)
        objects = [self.mib.objects.get(name) for name, _ in pdu.bindings]
        for place, ((name, value), found) in enumerate(zip(pdu.bindings, objects, strict=True), 1):
            error = Error.NO_ERROR
            if not access.may_write:
                error = Error.NO_ACCESS
            elif found is None:
                absent = self.mib.get(name).tag
                error = Error.NO_CREATION if absent is Tag.NO_SUCH_INSTANCE else Error.NOT_WRITABLE
            elif found.check is None:
                error = Error.NOT_WRITABLE
            else:
                error = found.check(value)
            if error:
                return _refused(pdu, error, place, access)
        if not self.ignore_sets:
            for place, ((_, value), found) in enumerate(zip(pdu.bindings, objects, strict=True), 1):
                if found and found.take and (error := found.take(value)):
                    return _refused(pdu, error, place, access)
        return Pdu(Kind.RESPONSE, pdu.request, 0, 0, pdu.bindings)


def _refused(pdu: Pdu, error: Error, place: int, access: _Access) -> Pdu:
    if access.version == V1:
        error = _V1_ERRORS.get(error, error)
    return Pdu(Kind.RESPONSE, pdu.request, error, place, pdu.bindings)


def garbage(length: int = 60) -> Fault:
    """Bytes that mean nothing come instead of the answer."""
    return lambda answer: Answer(bytes((37 * place + 11) % 256 for place in range(length)), answer.delay)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _nothing() -> None:
    pass

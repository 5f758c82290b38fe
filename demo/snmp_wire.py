"""SNMP on the wire: values, PDUs and messages to bytes and back (RFC 1157, 3412, 3416, 3417).

Only what SNMP uses of BER. Everything that does not decode raises WireError.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

type Oid = tuple[int, ...]


class WireError(Exception):
    """These bytes are no SNMP message."""


class Tag(IntEnum):
    """BER tags of the values that SNMP knows; the last three stand for a value that is not there."""

    INTEGER = 0x02
    OCTETS = 0x04
    NULL = 0x05
    OID = 0x06
    SEQUENCE = 0x30
    IP_ADDRESS = 0x40
    COUNTER = 0x41
    GAUGE = 0x42
    TICKS = 0x43
    OPAQUE = 0x44
    COUNTER64 = 0x46
    NO_SUCH_OBJECT = 0x80
    NO_SUCH_INSTANCE = 0x81
    END_OF_MIB = 0x82


class Kind(IntEnum):
    """PDU types."""

    GET = 0xA0
    GET_NEXT = 0xA1
    RESPONSE = 0xA2
    SET = 0xA3
    TRAP_V1 = 0xA4
    GET_BULK = 0xA5
    INFORM = 0xA6
    TRAP = 0xA7
    REPORT = 0xA8


class Error(IntEnum):
    """Error status of a response."""

    NO_ERROR = 0
    TOO_BIG = 1
    NO_SUCH_NAME = 2
    BAD_VALUE = 3
    READ_ONLY = 4
    GEN_ERR = 5
    NO_ACCESS = 6
    WRONG_TYPE = 7
    WRONG_LENGTH = 8
    WRONG_ENCODING = 9
    WRONG_VALUE = 10
    NO_CREATION = 11
    INCONSISTENT_VALUE = 12
    RESOURCE_UNAVAILABLE = 13
    COMMIT_FAILED = 14
    UNDO_FAILED = 15
    AUTHORIZATION_ERROR = 16
    NOT_WRITABLE = 17
    INCONSISTENT_NAME = 18


VERSIONS: Final = {0: "v1", 1: "v2c", 3: "v3"}
V1: Final = 0
V2C: Final = 1
V3: Final = 3

_INTEGERS: Final = {Tag.INTEGER, Tag.COUNTER, Tag.GAUGE, Tag.TICKS, Tag.COUNTER64}
_ABSENT: Final = {Tag.NULL, Tag.NO_SUCH_OBJECT, Tag.NO_SUCH_INSTANCE, Tag.END_OF_MIB}


@dataclass(frozen=True, slots=True)
class Value:
    """A value with its type; IP addresses are octets."""

    tag: Tag
    content: int | bytes | Oid | None = None


type VarBind = tuple[Oid, Value]


@dataclass(frozen=True, slots=True)
class Pdu:
    """A PDU; of a GETBULK `status` is the number of non-repeaters and `index` the repetitions."""

    kind: Kind
    request: int
    status: int
    index: int
    bindings: tuple[VarBind, ...] = ()


@dataclass(frozen=True, slots=True)
class Trap:
    """A trap of version 1; `time` in hundredths of a second."""

    enterprise: Oid
    address: bytes
    specific: int
    time: int
    bindings: tuple[VarBind, ...] = ()


@dataclass(frozen=True, slots=True)
class Header:
    """What a version 3 message says of itself and of who sent it (RFC 3412, RFC 3414)."""

    message: int
    max_size: int
    flags: int
    engine: bytes = b""
    boots: int = 0
    time: int = 0
    user: bytes = b""
    authentication: bytes = b""
    privacy: bytes = b""
    model: int = field(default=3, kw_only=True)


@dataclass(frozen=True, slots=True)
class Scoped:
    """A version 3 PDU with its context."""

    engine: bytes
    context: bytes
    pdu: Pdu


# Encoding


def tlv(tag: int, content: bytes) -> bytes:
    """Return tag, length and content."""
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    size = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(size))) + size + content


def sequence(*parts: bytes) -> bytes:
    """Return a SEQUENCE of what is encoded already."""
    return tlv(Tag.SEQUENCE, b"".join(parts))


def integer(value: int, tag: int = Tag.INTEGER) -> bytes:
    """Return an integer in as few bytes as its sign allows."""
    magnitude = value if value >= 0 else ~value
    return tlv(tag, value.to_bytes(magnitude.bit_length() // 8 + 1, signed=True))


def octets(value: bytes) -> bytes:
    """Return an OCTET STRING."""
    return tlv(Tag.OCTETS, value)


def _oid(value: Oid) -> bytes:
    body = bytearray()
    for arc in (value[0] * 40 + value[1], *value[2:]):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(0x80 | arc & 0x7F)
        body += bytes(reversed(groups))
    return tlv(Tag.OID, bytes(body))


def encode_value(value: Value) -> bytes:
    """Return a value as bytes."""
    match value.content:
        case None:
            return tlv(value.tag, b"")
        case int(content):
            return integer(content, value.tag)
        case bytes(content):
            return tlv(value.tag, content)
        case content:
            return _oid(content)


def encode_binding(binding: VarBind) -> bytes:
    """Return one variable binding."""
    return sequence(_oid(binding[0]), encode_value(binding[1]))


def _bindings(bindings: Iterable[VarBind]) -> bytes:
    return sequence(*map(encode_binding, bindings))


def encode_pdu(pdu: Pdu | Trap) -> bytes:
    """Return a PDU as bytes."""
    if isinstance(pdu, Trap):
        head = (
            _oid(pdu.enterprise),
            tlv(Tag.IP_ADDRESS, pdu.address),
            integer(6),
            integer(pdu.specific),
            integer(pdu.time, Tag.TICKS),
        )
        return tlv(Kind.TRAP_V1, b"".join(head) + _bindings(pdu.bindings))
    numbers = integer(pdu.request) + integer(pdu.status) + integer(pdu.index)
    return tlv(pdu.kind, numbers + _bindings(pdu.bindings))


def encode_message(version: int, community: bytes, pdu: Pdu | Trap) -> bytes:
    """Return a message of version 1 or 2c."""
    return sequence(integer(version), octets(community), encode_pdu(pdu))


def encode_scoped(scoped: Scoped) -> bytes:
    """Return a scoped PDU in the clear."""
    return sequence(octets(scoped.engine), octets(scoped.context), encode_pdu(scoped.pdu))


def encode_v3(header: Header, data: bytes) -> bytes:
    """Return a version 3 message around a scoped PDU, or around the OCTET STRING of an encrypted one."""
    security = sequence(
        octets(header.engine),
        integer(header.boots),
        integer(header.time),
        octets(header.user),
        octets(header.authentication),
        octets(header.privacy),
    )
    about = sequence(
        integer(header.message), integer(header.max_size), octets(bytes((header.flags,))), integer(header.model)
    )
    return sequence(integer(V3), about, octets(security), data)


# Decoding


class Reader:
    """Reads one value after the other; `start` is where its bytes stand in the whole message."""

    def __init__(self, data: bytes, start: int = 0) -> None:
        self.data = data
        self.start = start
        self.at = 0

    @property
    def done(self) -> bool:
        """Whether everything has been read."""
        return self.at >= len(self.data)

    def next(self, *tags: int) -> tuple[int, bytes, int]:
        """Return tag, content and where the content starts. Raises WireError if it is none of `tags`, if any."""
        try:
            tag, length = self.data[self.at], self.data[self.at + 1]
        except IndexError as error:
            raise WireError("too short") from error
        at = self.at + 2
        if length & 0x80:
            size = length & 0x7F
            if not 1 <= size <= 4 or at + size > len(self.data):
                raise WireError("bad length")
            length = int.from_bytes(self.data[at : at + size])
            at += size
        if at + length > len(self.data):
            raise WireError("too short")
        if tags and tag not in tags:
            raise WireError(f"unexpected tag {tag:#x}")
        self.at = at + length
        return tag, self.data[at : self.at], self.start + at

    def open(self, *tags: int) -> Reader:
        """Return a reader of what the next value holds."""
        _, content, start = self.next(*tags or (Tag.SEQUENCE,))
        return Reader(content, start)

    def integer(self) -> int:
        """Return an integer."""
        return _integer(self.next(Tag.INTEGER)[1])

    def octets(self) -> bytes:
        """Return an OCTET STRING."""
        return self.next(Tag.OCTETS)[1]


def _integer(content: bytes) -> int:
    if not content:
        raise WireError("an integer without content")
    return int.from_bytes(content, signed=True)


def _read_oid(content: bytes) -> Oid:
    if not content or content[-1] & 0x80:
        raise WireError("bad object identifier")
    arcs: list[int] = []
    arc = 0
    for octet in content:
        arc = arc << 7 | octet & 0x7F
        if not octet & 0x80:
            arcs.append(arc)
            arc = 0
    first = min(arcs[0] // 40, 2)
    return first, arcs[0] - 40 * first, *arcs[1:]


def _read_value(tag: int, content: bytes) -> Value:
    try:
        known = Tag(tag)
    except ValueError as error:
        raise WireError(f"unknown type {tag:#x}") from error
    if known in _INTEGERS:
        return Value(known, _integer(content))
    if known in _ABSENT:
        return Value(known)
    return Value(known, _read_oid(content) if known is Tag.OID else content)


def _read_bindings(reader: Reader) -> tuple[VarBind, ...]:
    bindings: list[VarBind] = []
    inside = reader.open()
    while not inside.done:
        binding = inside.open()
        name = _read_oid(binding.next(Tag.OID)[1])
        tag, content, _ = binding.next()
        bindings.append((name, _read_value(tag, content)))
    return tuple(bindings)


def read_pdu(reader: Reader) -> Pdu:
    """Return a PDU other than a trap of version 1. Raises WireError."""
    tag, content, start = reader.next(*(kind for kind in Kind if kind is not Kind.TRAP_V1))
    inside = Reader(content, start)
    return Pdu(Kind(tag), inside.integer(), inside.integer(), inside.integer(), _read_bindings(inside))


def read_trap(reader: Reader) -> Trap:
    """Return a trap of version 1. Raises WireError."""
    inside = reader.open(Kind.TRAP_V1)
    enterprise = _read_oid(inside.next(Tag.OID)[1])
    address = inside.next(Tag.IP_ADDRESS)[1]
    inside.integer()
    specific = inside.integer()
    time = _integer(inside.next(Tag.TICKS)[1])
    return Trap(enterprise, address, specific, time, _read_bindings(inside))


def open_message(data: bytes) -> tuple[int, Reader]:
    """Return the version of a message and what follows. Raises WireError."""
    reader = Reader(data).open()
    return reader.integer(), reader


def read_header(reader: Reader) -> tuple[Header, int]:
    """Return the header of a version 3 message, and where its authentication stands. Raises WireError."""
    about = reader.open()
    message, max_size, flags, model = about.integer(), about.integer(), about.octets(), about.integer()
    security = reader.open(Tag.OCTETS).open()
    engine, boots, time, user = security.octets(), security.integer(), security.integer(), security.octets()
    _, authentication, place = security.next(Tag.OCTETS)
    header = Header(
        message, max_size, flags[0] if flags else 0, engine, boots, time, user, authentication, security.octets(),
        model=model,
    )  # fmt: skip
    return header, place


def read_scoped(reader: Reader) -> Scoped:
    """Return a scoped PDU that is in the clear. Raises WireError."""
    inside = reader.open()
    return Scoped(inside.octets(), inside.octets(), read_pdu(inside))


def text(value: str) -> Value:
    """Return a text as a value."""
    return Value(Tag.OCTETS, value.encode("latin-1", "replace"))


def number(value: int, tag: Tag = Tag.INTEGER) -> Value:
    """Return an integer as a value."""
    return Value(tag, value)


def oid(dots: str) -> Oid:
    """Return the numbers of `1.3.6.1`. Raises ValueError."""
    return tuple(int(arc) for arc in dots.split("."))


def dotted(numbers: Sequence[int]) -> str:
    """Return `1.3.6.1` of its numbers."""
    return ".".join(map(str, numbers))

"""An SNMP client of one card: reads what is asked for in few datagrams, and sends each SET once.

pysnmp speaks the protocol (``session.py``, imported by the first request and outside the event loop). Its session is
dropped after every request that brought no usable answer: the next one asks for the address of the host anew, and what
comes late has nowhere to arrive.
"""

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from ..base import AuthenticationFailed, CannotConnect, CommandRefused

if TYPE_CHECKING:
    from .session import Session

type SnmpValue = int | str | None
"""Object identifiers and addresses are dotted text; octets are Latin-1 text, stripped where it is printable."""

type Oid = tuple[int, ...]

AT_ONCE: Final = 50
"""Objects in one datagram: with the OIDs of these cards an answer still fits an Ethernet frame."""


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """How a card lets us in; what must stay secret is not in the ``repr``.

    ``version`` is ``v1``, ``v2c`` or ``v3``; ``level`` is ``noAuthNoPriv``, ``authNoPriv`` or ``authPriv``,
    ``auth_protocol`` ``md5`` or ``sha``, ``priv_protocol`` ``des`` or ``aes``.
    """

    version: str
    community: str = field(default="public", repr=False)
    write_community: str | None = field(default=None, repr=False)
    user: str = field(default="", repr=False)
    level: str = "noAuthNoPriv"
    auth_protocol: str = "sha"
    auth_password: str = field(default="", repr=False)
    priv_protocol: str = "aes"
    priv_password: str = field(default="", repr=False)


class Verb(Enum):
    """What a request asks for."""

    GET = auto()
    NEXT = auto()
    BULK = auto()
    SET = auto()


# The values of error-status that make a difference here (RFC 1157, RFC 3416).
_NO_ERROR: Final = 0
_TOO_BIG: Final = 1
_AUTHORIZATION_ERROR: Final = 16
# noSuchName (so SNMPv1 says that an object may not be written), readOnly, noAccess, authorizationError, notWritable
_WRITES_NOT_ALLOWED: Final = frozenset({2, 4, 6, 16, 17})


class Absent(Enum):
    """In place of a value: there is no such object, no such instance, or nothing after it."""

    ABSENT = auto()


ABSENT: Final = Absent.ABSENT


@dataclass(frozen=True)
class Answer:
    """A response. ``index`` counts from 1 which pair of the question an error is about; 0 is none of them."""

    status: int
    index: int
    pairs: Sequence[tuple[Oid, SnmpValue | Absent]]


def _oid(dotted: str) -> Oid:
    return tuple(map(int, dotted.split(".")))


def _dotted(oid: Oid) -> str:
    return ".".join(map(str, oid))


@dataclass
class _Column:
    """How far the walk below one root is."""

    root: Oid
    at: Oid
    ended: bool = False


def _make_session(credentials: Credentials, timeout: float) -> Session:
    """Import pysnmp and make an SNMP engine: not a thing for the event loop."""
    from .session import Session  # noqa: PLC0415 - only entries that speak SNMP pay for the import

    return Session(credentials, timeout)


class SnmpClient:
    """Speaks SNMP with one card, one request at a time.

    ``timeout`` (s) is how long an answer is awaited, in which a request that reads is sent twice. Every method raises
    ``CannotConnect`` (``silent``, ``refused``, ``unreachable``, ``lost`` once closed) and
    ``AuthenticationFailed``: with v3 the card says what it rejects, with v1 and v2c a wrong community is silence.
    """

    def __init__(self, host: str, port: int, credentials: Credentials, *, timeout: float) -> None:
        """Nothing is imported or sent before the first request."""
        self.requests = 0
        """How many datagrams were sent."""
        self._host = host
        self._port = port
        self._credentials = credentials
        self._timeout = timeout
        self._turn = asyncio.Lock()
        self._session: Session | None = None
        self._known = False
        self._at_once = AT_ONCE
        self._closed = False

    async def get(self, oids: Sequence[str]) -> dict[str, SnmpValue]:
        """Read objects by their instances; those that the card does not have are not in the result."""
        found: dict[str, SnmpValue] = {}
        waiting = [_oid(oid) for oid in oids]
        while waiting:
            asked = waiting[: self._at_once]
            answer = await self._ask(Verb.GET, [(oid, None) for oid in asked])
            if answer.status == _NO_ERROR and answer.pairs:
                values = dict(answer.pairs)
                done = [oid for oid in asked if oid in values] or asked
                found |= {
                    _dotted(oid): value for oid in done if not isinstance(value := values.get(oid, ABSENT), Absent)
                }
            else:
                done = self._given_up(answer, asked, len(asked))
            waiting = [oid for oid in waiting if oid not in done]
        return found

    async def walk(self, *roots: str, limit: int = 1000) -> dict[str, SnmpValue]:
        """Read everything below the roots, ``limit`` objects at most."""
        found: dict[str, SnmpValue] = {}
        columns = [_Column(oid, oid) for oid in map(_oid, roots)]
        while columns:
            asked = columns[: self._at_once]
            repetitions = self._at_once // len(asked) if self._credentials.version != "v1" else 1
            verb = Verb.NEXT if repetitions == 1 else Verb.BULK
            answer = await self._ask(verb, [(column.at, None) for column in asked], repetitions)
            if answer.status == _NO_ERROR and answer.pairs:
                # An answer may end anywhere; each column goes on from where it got to.
                for column, (oid, value) in zip(itertools.cycle(asked), answer.pairs, strict=False):
                    below = oid[: len(column.root)] == column.root
                    if column.ended or not below or oid <= column.at or isinstance(value, Absent):
                        column.ended = True
                        continue
                    found[_dotted(oid)] = value
                    column.at = oid
                    if len(found) >= limit:
                        return found
            else:
                for column in self._given_up(answer, asked, len(asked) * repetitions):
                    column.ended = True
            columns = [column for column in columns if not column.ended]
        return found

    async def set(self, values: Mapping[str, int | str]) -> None:
        """Write objects in one request, of which a card takes all or none; not repeated if no answer comes.

        Raises ``CommandRefused``: ``no_write_access`` (we have no write community), ``writes_not_allowed`` or
        ``not_taken`` as the card answers. ``CannotConnect("silent")`` leaves open whether it took effect.
        """
        if self._credentials.version != "v3" and not self._credentials.write_community:
            raise CommandRefused("no_write_access")
        answer = await self._ask(Verb.SET, [(_oid(oid), value) for oid, value in values.items()])
        if answer.status != _NO_ERROR:
            raise CommandRefused("writes_not_allowed" if answer.status in _WRITES_NOT_ALLOWED else "not_taken")

    async def close(self) -> None:
        """Give up for good; what is under way or still comes is ``lost``. Leaves no socket behind."""
        self._closed = True
        await self._drop()
        async with self._turn:
            # Whoever was about to open a socket has dropped it again.
            pass

    def _given_up[T](self, answer: Answer, asked: list[T], objects: int) -> list[T]:
        """What not to ask for again after an answer without values; after one that was too big, ask for less."""
        if answer.status == _AUTHORIZATION_ERROR:
            raise AuthenticationFailed("not_authorized")
        # A bulk of which not even one object fits is answered by none (RFC 3416, 4.2.3).
        too_big = answer.status in (_TOO_BIG, _NO_ERROR)
        if too_big and objects > 1:
            self._at_once = objects // 2
            return []
        if not too_big and 1 <= answer.index <= len(asked):
            return [asked[answer.index - 1]]
        return asked

    async def _ask(self, verb: Verb, pairs: Sequence[tuple[Oid, SnmpValue]], repetitions: int = 0) -> Answer:
        async with self._turn:
            session = self._session or await self._open()
            before = session.sent
            try:
                answer = await session.ask(verb, pairs, repetitions, known=self._known)
            except BaseException:
                await self._drop()
                raise
            finally:
                self.requests += session.sent - before
            self._known = True
            return answer

    async def _open(self) -> Session:
        if not self._closed:
            session = await asyncio.to_thread(_make_session, self._credentials, self._timeout)
            await session.open(self._host, self._port)
            self._session = session
        if self._closed:
            await self._drop()
            raise CannotConnect("lost")
        return session

    async def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

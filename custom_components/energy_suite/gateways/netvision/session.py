"""pysnmp's side of a card: an SNMP engine, and a UDP socket that is connected to the card.

Import this and make a ``Session`` outside the event loop: pysnmp loads MIB files, and hashes the passwords of v3. Each
session has an engine of its own, for an engine knows a user of v3 by the name, whichever card it is a user of.
"""

import asyncio
import ipaddress
import logging
from collections.abc import Sequence
from typing import Any, Final, override

# pysnmp would import this in the event loop, with its first encryption.
import cryptography.hazmat.backends.openssl.backend  # noqa: F401
from pyasn1.codec.ber import decoder
from pyasn1.error import PyAsn1Error
from pyasn1.type import univ
from pysnmp.carrier.asyncio.dgram.udp import UdpAsyncioTransport
from pysnmp.entity import config
from pysnmp.entity.engine import SnmpEngine
from pysnmp.entity.rfc3413.cmdgen import CommandGenerator
from pysnmp.error import PySnmpError
from pysnmp.proto import errind, rfc1902, rfc1905
from pysnmp.proto.api import v2c
from pysnmp.proto.api.verdec import decode_message_version
from pysnmp.proto.mpmod.rfc3412 import SNMPv3Message
from pysnmp.proto.secmod.rfc3414.service import UsmSecurityParameters

from ..base import AuthenticationFailed, CannotConnect, CommandRefused
from .snmp import ABSENT, Absent, Answer, Credentials, Oid, SnmpValue, Verb

_LOGGER: Final = logging.getLogger(__name__)

_MODELS: Final = {"v1": 0, "v2c": 1, "v3": 3}
_AUTH: Final = {"md5": config.USM_AUTH_HMAC96_MD5, "sha": config.USM_AUTH_HMAC96_SHA}
_PRIV: Final = {"des": config.USM_PRIV_CBC56_DES, "aes": config.USM_PRIV_CFB128_AES}
_PDUS: Final = {
    Verb.GET: rfc1905.GetRequestPDU,
    Verb.NEXT: rfc1905.GetNextRequestPDU,
    Verb.BULK: rfc1905.GetBulkRequestPDU,
    Verb.SET: rfc1905.SetRequestPDU,
}
_REJECTED: Final = {
    errind.UnsupportedSecurityLevel: "wrong_level",
    errind.NotInTimeWindow: "not_in_time_window",
    errind.UnknownUserName: "unknown_user",
    errind.WrongDigest: "wrong_password",
    errind.DecryptionError: "wrong_privacy",
}
# pysnmp's names of the card as it is read and as it is written to.
_READ, _WRITE = "read", "write"
# To pysnmp the one peer of a connected socket needs no more than a name, be it of IPv4 or IPv6.
_PEER: Final = ("127.0.0.1", 161)
# MIBs of pysnmp's own counters, which it would load when it first counts.
_COUNTERS: Final = ("__SNMPv2-MIB", "__SNMP-MPD-MIB", "__SNMP-USER-BASED-SM-MIB")
# How often a card may tell its identity or its time in reply to one request, as it may after it booted.
_CORRECTIONS: Final = 2


class _Link(UdpAsyncioTransport):  # type: ignore[misc]  # pysnmp is not typed
    """The socket. Connected, it hears at once of a closed port, and takes datagrams from the card alone."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = self.heard = 0
        self.answer: asyncio.Future[tuple[Any, Any]] | None = None
        self.closed = asyncio.get_running_loop().create_future()

    def fail(self, reason: str) -> None:
        """End the request under way."""
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(CannotConnect(reason))

    @override
    def send_message(self, outgoingMessage: bytes, transportAddress: object) -> None:
        self.sent += 1
        self.transport.sendto(outgoingMessage)

    @override
    def datagram_received(self, datagram: bytes, transportAddress: object) -> None:
        self.heard += 1
        try:
            if not _lacks_signature(datagram):
                self._callback_function(self, _PEER, datagram)
        except Exception as err:  # noqa: BLE001 - pysnmp lets out whatever its decoders stumble upon in garbage
            _LOGGER.debug("Dropped a datagram that cannot be read: %s", type(err).__name__)

    @override
    def error_received(self, exc: Exception) -> None:
        self.fail("refused" if isinstance(exc, ConnectionRefusedError) else "unreachable")

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.fail("lost")
        self.closed.set_result(None)


def _lacks_signature(datagram: bytes) -> bool:
    """Whether a message of v3 is signed by its flags alone: pysnmp takes that for signed. Raises whatever it likes."""
    if decode_message_version(datagram) != _MODELS["v3"]:
        return False
    message, _ = decoder.decode(datagram, asn1Spec=SNMPv3Message())
    security, _ = decoder.decode(message["msgSecurityParameters"].asOctets(), asn1Spec=UsmSecurityParameters())
    signed = message["msgGlobalData"]["msgFlags"].asOctets()[0] & 1
    return bool(signed and not security["msgAuthenticationParameters"])


class Session:
    """What stays from one request to the next. After one that failed or was cancelled it is to be closed."""

    def __init__(self, credentials: Credentials, timeout: float) -> None:
        """Raises ``AuthenticationFailed`` for a user or a password that no card can have.

        ``timeout`` (s) is how long an answer is awaited; in that time a request that reads is sent twice.
        """
        self._timeout = timeout
        self._private = credentials.version == "v3" and credentials.level == "authPriv"
        self._engine = SnmpEngine()
        self._engine.get_mib_builder().load_modules(*_COUNTERS)
        self._link: _Link
        v3 = credentials.version == "v3"
        level = credentials.level if v3 else "noAuthNoPriv"
        names = (_add_user if v3 else _add_communities)(self._engine, credentials)
        for target, name, times in zip((_READ, _WRITE), names, (2, 1), strict=True):
            config.add_target_parameters(self._engine, target, name, level, _MODELS[credentials.version])
            config.add_target_address(
                self._engine, target, config.SNMP_UDP_DOMAIN, _PEER, target, round(100 * timeout / times), times - 1
            )

    @property
    def sent(self) -> int:
        """How many datagrams were sent."""
        return self._link.sent

    async def open(self, host: str, port: int) -> None:
        """Open the socket. Raises ``CannotConnect("unreachable")``."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timeout):
                _, self._link = await loop.create_datagram_endpoint(_Link, remote_addr=(host, port))
        except (OSError, UnicodeError) as err:
            # With no connection to open, only the look-up of the name can fail or take that long.
            raise CannotConnect("unreachable") from err
        config.add_transport(self._engine, config.SNMP_UDP_DOMAIN, self._link)

    async def ask(self, verb: Verb, pairs: Sequence[tuple[Oid, SnmpValue]], repetitions: int, *, known: bool) -> Answer:
        """Ask the card; ``known`` says that it answered these credentials before, ``repetitions`` are for a bulk.

        Raises ``CannotConnect``, ``AuthenticationFailed``, or ``CommandRefused`` for a value that cannot be sent.
        """
        pdu = _to_pdu(verb, pairs, repetitions)
        link, heard = self._link, self._link.heard
        answer = link.answer = asyncio.get_running_loop().create_future()
        generator = CommandGenerator(discoveryRetries=_CORRECTIONS)
        try:
            # pysnmp keeps the time, to a few ticks of its clock; this is for what a forged datagram made it forget.
            async with asyncio.timeout((1 + _CORRECTIONS) * self._timeout + 1):
                target = _WRITE if verb is Verb.SET else _READ
                generator.send_pdu(self._engine, target, None, b"", pdu, self._answered, answer)
                indication, response = await answer
        except TimeoutError, PySnmpError:
            raise CannotConnect("silent") from None
        finally:
            link.answer = None
        if reason := _REJECTED.get(type(indication)):
            raise AuthenticationFailed(reason)
        if isinstance(response, rfc1905.ResponsePDU):
            return _to_answer(response)
        if self._private and not known and link.heard > heard:
            # Who said which engine it is, and then does not answer an encrypted message, cannot decrypt it.
            raise AuthenticationFailed("wrong_privacy")
        raise CannotConnect("silent")

    async def close(self) -> None:
        """Close the socket and stop pysnmp's clock; returns when both have ended. What is under way is ``lost``."""
        clock = self._engine.transport_dispatcher.loopingcall
        self._link.transport.abort()
        self._engine.close_dispatcher()
        await asyncio.wait({self._link.closed, clock})

    @staticmethod
    def _answered(
        _engine: object, _handle: object, indication: object, pdu: object, answer: asyncio.Future[Any]
    ) -> None:
        if not answer.done():
            answer.set_result((indication, pdu))


def _octets(text: str) -> bytes:
    """A credential as it is sent; what cannot be encoded is no credential, and must not end up in an error either."""
    return text.encode(errors="replace")


def _add_communities(engine: Any, credentials: Credentials) -> tuple[str, str]:
    """Tell pysnmp the communities; returns its names for who reads and who writes."""
    read, write = credentials.community, credentials.write_community or credentials.community
    config.add_v1_system(engine, _READ, _octets(read))
    if write == read:
        # It would not know which of two a response with that community is to.
        return _READ, _READ
    config.add_v1_system(engine, _WRITE, _octets(write))
    return _READ, _WRITE


def _add_user(engine: Any, credentials: Credentials) -> tuple[bytes, bytes]:
    """Tell pysnmp the user, who both reads and writes."""
    user = _octets(credentials.user)
    if not 1 <= len(user) <= 32:
        raise AuthenticationFailed("unknown_user")
    protocols: list[Any] = []
    if credentials.level != "noAuthNoPriv":
        protocols += _AUTH[credentials.auth_protocol], _password(credentials.auth_password)
    if credentials.level == "authPriv":
        protocols += _PRIV[credentials.priv_protocol], _password(credentials.priv_password)
    config.add_v3_user(engine, user, *protocols)
    return user, user


def _password(text: str) -> bytes:
    if len(password := _octets(text)) < 8:
        raise AuthenticationFailed("short_password")
    return password


def _to_pdu(verb: Verb, pairs: Sequence[tuple[Oid, SnmpValue]], repetitions: int) -> Any:
    pdu = _PDUS[verb]()
    api = v2c.apiBulkPDU if verb is Verb.BULK else v2c.apiPDU
    api.set_defaults(pdu)
    if verb is Verb.BULK:
        api.set_max_repetitions(pdu, repetitions)
    api.set_varbinds(pdu, [(oid, _to_asn1(value)) for oid, value in pairs])
    return pdu


def _to_asn1(value: SnmpValue) -> Any:
    if value is None:
        return rfc1902.Null("")
    try:
        return rfc1902.Integer32(value) if isinstance(value, int) else rfc1902.OctetString(value.encode("latin-1"))
    except (PyAsn1Error, UnicodeEncodeError) as err:
        raise CommandRefused("not_taken") from err


def _to_answer(pdu: Any) -> Answer:
    pairs = [(tuple(oid), _from_asn1(value)) for oid, value in v2c.apiPDU.get_varbinds(pdu)]
    return Answer(int(pdu["error-status"]), int(pdu["error-index"]), pairs)


def _from_asn1(value: Any) -> SnmpValue | Absent:
    match value:
        case rfc1905.NoSuchObject() | rfc1905.NoSuchInstance() | rfc1905.EndOfMibView():
            return ABSENT
        case univ.Null():  # a kind of OctetString to pyasn1
            return None
        case univ.Integer():
            return int(value)
        case rfc1902.IpAddress():
            return str(ipaddress.IPv4Address(value.asOctets()))
        case univ.OctetString():
            text: str = value.asOctets().decode("latin-1")
            stripped = text.strip(" \t\r\n\0")
            # Octets that are no text, as those of a MAC address, stay as they are.
            return stripped if stripped.isprintable() else text
    return str(value)

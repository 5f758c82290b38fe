"""The user-based security of SNMP version 3, from the agent's side (RFC 3414, RFC 3826)."""

import hmac
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import IntEnum
from functools import cache
from hashlib import md5, sha1
from typing import Final

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from .snmp_wire import Header, Reader, Scoped, WireError, encode_scoped, encode_v3, octets, read_scoped

AUTHENTICATED: Final = 1
ENCRYPTED: Final = 2
REPORTABLE: Final = 4

_LEVELS: Final = {"noAuthNoPriv": 0, "authNoPriv": AUTHENTICATED, "authPriv": AUTHENTICATED | ENCRYPTED}
_HASHES: Final = {"md5": md5, "sha": sha1}
_DIGEST: Final = 12
_BLANK: Final = bytes(_DIGEST)

# Seconds that a message may be late (RFC 3414, 2.2.3).
_WINDOW: Final = 150


class Report(IntEnum):
    """Why a message was not taken; the number of its usmStats counter."""

    UNSUPPORTED_LEVEL = 1
    NOT_IN_TIME_WINDOW = 2
    UNKNOWN_USER = 3
    UNKNOWN_ENGINE = 4
    WRONG_DIGEST = 5
    DECRYPTION_ERROR = 6


class Refusal(Exception):
    """A message that is answered with a report."""

    def __init__(self, report: Report, user: User | None = None) -> None:
        """`user`: whose key signs the report, if any does."""
        super().__init__(report.name)
        self.report = report
        self.user = user


@dataclass(frozen=True, slots=True)
class User:
    """A user of the card: level noAuthNoPriv, authNoPriv or authPriv; md5 or sha; des or aes."""

    name: str
    level: str = "authPriv"
    auth: str = "sha"
    auth_password: str = field(default="", repr=False)
    priv: str = "aes"
    priv_password: str = field(default="", repr=False)
    may_write: bool = True

    @property
    def flags(self) -> int:
        """The most that this user can do to protect a message."""
        return _LEVELS[self.level]


@dataclass(slots=True)
class Engine:
    """The agent's engine: its id, its users and its clock, and what it counted of refused messages."""

    id: bytes
    clock: Callable[[], float]
    boots: int = 1
    users: dict[bytes, User] = field(default_factory=dict)
    counters: dict[Report, int] = field(default_factory=lambda: dict.fromkeys(Report, 0))
    _started: float = 0.0

    def boot(self) -> None:
        """Start, or start again: clients have to ask for the time anew."""
        self.boots += 1
        self._started = self.clock()

    def add(self, users: Iterable[User]) -> None:
        """Let users in."""
        self.users |= {user.name.encode(): user for user in users}

    @property
    def time(self) -> int:
        """Seconds since the last boot."""
        return int(self.clock() - self._started)

    @property
    def hundredths(self) -> int:
        """Hundredths of a second since the last boot."""
        return int(100 * (self.clock() - self._started))

    def open(self, message: bytes, header: Header, place: int, reader: Reader) -> tuple[User, Scoped]:
        """Return who sent a message and what it says.

        Raises Refusal, and WireError if it is in the clear and makes no sense.
        """
        if header.engine != self.id:
            raise Refusal(Report.UNKNOWN_ENGINE)
        user = self.users.get(header.user)
        if user is None:
            raise Refusal(Report.UNKNOWN_USER)
        protection = header.flags & (AUTHENTICATED | ENCRYPTED)
        if protection & ~user.flags or protection == ENCRYPTED:
            raise Refusal(Report.UNSUPPORTED_LEVEL)
        if protection & AUTHENTICATED:
            blanked = message[:place] + _BLANK + message[place + _DIGEST :]
            if not hmac.compare_digest(self._digest(user, blanked), header.authentication):
                raise Refusal(Report.WRONG_DIGEST)
            if header.boots != self.boots or abs(header.time - self.time) > _WINDOW:
                raise Refusal(Report.NOT_IN_TIME_WINDOW, user)
        if not protection & ENCRYPTED:
            return user, read_scoped(reader)
        try:
            return user, read_scoped(Reader(self._decrypt(user, header, reader.octets())))
        except (WireError, ValueError) as error:
            raise Refusal(Report.DECRYPTION_ERROR) from error

    def seal(self, header: Header, scoped: Scoped, user: User | None) -> bytes:
        """Return a message to a user, protected as the header's flags say; to nobody it is in the clear."""
        header = replace(header, engine=self.id, boots=self.boots, time=self.time)
        data = encode_scoped(scoped)
        if user and header.flags & ENCRYPTED:
            salt, encrypted = self._encrypt(user, header, data)
            header, data = replace(header, privacy=salt), octets(encrypted)
        if not user or not header.flags & AUTHENTICATED:
            return encode_v3(header, data)
        message = encode_v3(replace(header, authentication=_BLANK), data)
        return encode_v3(replace(header, authentication=self._digest(user, message)), data)

    def _digest(self, user: User, message: bytes) -> bytes:
        key = localized_key(user.auth, user.auth_password, self.id)
        return hmac.digest(key, message, _HASHES[user.auth])[:_DIGEST]

    def _cipher(self, user: User, header: Header, salt: bytes) -> Cipher[CBC | CFB]:
        key = localized_key(user.auth, user.priv_password, self.id)
        if user.priv == "aes":
            return Cipher(AES(key[:16]), CFB(header.boots.to_bytes(4) + header.time.to_bytes(4) + salt))
        pre_iv = key[8:16]
        # Three times the same key makes single DES of triple DES.
        return Cipher(TripleDES(key[:8] * 3), CBC(bytes(a ^ b for a, b in zip(pre_iv, salt, strict=True))))

    def _encrypt(self, user: User, header: Header, data: bytes) -> tuple[bytes, bytes]:
        salt = secrets.token_bytes(8)
        if user.priv == "des":
            salt = self.boots.to_bytes(4) + salt[:4]
            data += bytes(-len(data) % 8)
        encryptor = self._cipher(user, header, salt).encryptor()
        return salt, encryptor.update(data) + encryptor.finalize()

    def _decrypt(self, user: User, header: Header, data: bytes) -> bytes:
        """Raises ValueError for bytes that cannot have been encrypted."""
        decryptor = self._cipher(user, header, header.privacy).decryptor()
        return decryptor.update(data) + decryptor.finalize()


@cache
def localized_key(algorithm: str, password: str, engine: bytes) -> bytes:
    """Return the key of a password at an engine (RFC 3414, A.2)."""
    secret = password.encode()
    mebibyte = (secret * (2**20 // len(secret) + 1))[: 2**20]
    hashed = _HASHES[algorithm](mebibyte, usedforsecurity=False).digest()
    return _HASHES[algorithm](hashed + engine + hashed, usedforsecurity=False).digest()

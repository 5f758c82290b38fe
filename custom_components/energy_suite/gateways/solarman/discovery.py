"""The question that sticks answer by UDP: who is there, and with which serial number."""

import asyncio
import errno
import ipaddress
import socket
from dataclasses import dataclass, field
from typing import Final, override

from .v5 import LARGEST_SERIAL

PORT: Final = 48899
WITHIN: Final = 1.0
"""s that answers are awaited."""
# Ever since an update of their firmware, sticks answer one or the other.
_QUESTIONS: Final = (b"WIFIKIT-214028-READ", b"HF-A11ASSISTHREAD")
_FIELDS: Final = 3
_DIGITS: Final = len(str(LARGEST_SERIAL))


@dataclass(frozen=True)
class FoundStick:
    """A stick that answered."""

    host: str
    serial: int = field(repr=False)
    mac: str | None = field(default=None, repr=False)


def parse(answer: bytes) -> FoundStick | None:
    """What an answer ``ip,mac,serial`` says; None for the answer of anything else."""
    fields = answer.decode("ascii", "replace").strip("\0\r\n ").split(",")
    if len(fields) != _FIELDS:
        return None
    host, mac, serial = (each.strip() for each in fields)
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return None
    # Other modules of the same maker answer with a name in place of the serial number.
    if not (serial.isdecimal() and len(serial) <= _DIGITS and 0 < int(serial) <= LARGEST_SERIAL):
        return None
    is_mac = len(mac) == 12 and set(mac.lower()) <= set("0123456789abcdef")
    return FoundStick(host, int(serial), mac.lower() if is_mac else None)


class _Question(asyncio.DatagramProtocol):
    """Asks, and keeps what is answered."""

    def __init__(self, target: tuple[str, int], *, first: bool) -> None:
        self.found: dict[int, FoundStick] = {}
        self.enough = asyncio.Event()
        self._target = target
        self._first = first

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.DatagramTransport)
        for question in _QUESTIONS:
            transport.sendto(question, self._target)

    @override
    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        if (stick := parse(data)) is not None:
            self.found.setdefault(stick.serial, stick)
            if self._first:
                self.enough.set()

    @override
    def error_received(self, exc: Exception) -> None:
        """There is no way there, so nobody will answer."""
        self.enough.set()


async def ask(host: str, *, port: int = PORT, within: float = WITHIN, broadcast: bool = False) -> list[FoundStick]:
    """Ask one stick, or with ``broadcast`` all that hear of it, and return those that answered in time.

    Nothing but the question is ever sent: the same port takes commands. Raises ``OSError``.
    """
    loop = asyncio.get_running_loop()
    try:
        # The transport would look a name up while the whole loop waits.
        found = await loop.getaddrinfo(host, port, family=socket.AF_INET, type=socket.SOCK_DGRAM)
    except UnicodeError as err:
        raise OSError(errno.EINVAL, "no such name") from err
    transport, question = await loop.create_datagram_endpoint(
        lambda: _Question((str(found[0][4][0]), port), first=not broadcast),
        local_addr=("0.0.0.0", 0),  # noqa: S104 - answers come by any interface
        allow_broadcast=broadcast,
    )
    try:
        async with asyncio.timeout(within):
            await question.enough.wait()
    except TimeoutError:
        pass
    finally:
        transport.close()
    return list(question.found.values())

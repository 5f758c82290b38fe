"""Traps: a card says that something happened. What happened is read from it afterwards, as always."""

import asyncio
import ipaddress
from collections.abc import Callable
from typing import override

type _IsTrap = Callable[[bytes], bool]


def _make_is_trap() -> _IsTrap:
    """Import pysnmp, which is not a thing for the event loop; only who listens for traps pays for that."""
    from pyasn1.codec.ber import decoder  # noqa: PLC0415
    from pysnmp.proto.api import SNMP_VERSION_1, SNMP_VERSION_2C, v1, v2c  # noqa: PLC0415

    def is_trap(datagram: bytes) -> bool:
        """Whether a datagram is a whole trap of v1 or v2c."""
        for version, api, trap in ((SNMP_VERSION_1, v1, v1.TrapPDU), (SNMP_VERSION_2C, v2c, v2c.SNMPv2TrapPDU)):
            try:
                message, _ = decoder.decode(datagram, asn1Spec=api.Message())
                if api.apiMessage.get_version(message) == version and isinstance(api.apiMessage.get_pdu(message), trap):
                    return True
            except Exception:  # noqa: BLE001, S112 - garbage makes pyasn1 raise whatever its decoders stumble upon
                continue
        return False

    return is_trap


def _normal(address: str) -> str:
    """An address as traps are told apart by it: IPv4 as such, and without the interface it came in by."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    return str(ip.ipv4_mapped or ip) if isinstance(ip, ipaddress.IPv6Address) else str(ip)


class _Port(asyncio.DatagramProtocol):
    """The open port."""

    def __init__(self, received: Callable[[str, bytes], None]) -> None:
        self.transport: asyncio.DatagramTransport
        self._received = received
        self._closed = asyncio.get_running_loop().create_future()

    @property
    def number(self) -> int:
        """Which one it is."""
        return int(self.transport.get_extra_info("sockname")[1])

    async def close(self) -> None:
        """Close it, and return when it is free."""
        self.transport.abort()
        await self._closed

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.DatagramTransport)
        self.transport = transport

    @override
    def datagram_received(self, data: bytes, addr: tuple[str | int, int]) -> None:
        self._received(str(addr[0]), data)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._closed.set_result(None)


class TrapReceiver:
    """Listens for the traps (v1, v2c) of all cards on one UDP port.

    Traps are not authenticated, and their community is not looked at: a trap must have no other effect than that the
    card is read at once.
    """

    def __init__(self) -> None:
        """Listen to nobody yet."""
        self._callbacks: dict[object, tuple[str, Callable[[], None]]] = {}
        self._port: _Port | None = None
        self._is_trap: _IsTrap

    @property
    def port(self) -> int | None:
        """The port that is listened on; None when closed."""
        return None if self._port is None else self._port.number

    async def start(self, port: int, host: str = "0.0.0.0") -> None:  # noqa: S104 - cards are on any interface
        """Open the port, the one before being closed. Raises ``OSError`` if it is taken or must not be used."""
        await self.close()
        self._is_trap = await asyncio.to_thread(_make_is_trap)
        _, self._port = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Port(self._received), local_addr=(host, port)
        )

    def on_trap(self, address: str, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back for every trap from an IP address; returns what ends that. Raises ``ValueError`` for a name."""
        source = _normal(address)
        entry = object()
        self._callbacks[entry] = (source, callback)

        def remove() -> None:
            self._callbacks.pop(entry, None)

        return remove

    async def close(self) -> None:
        """Give the port free; who wants to be called back stays known for the next start."""
        port, self._port = self._port, None
        if port is not None:
            await port.close()

    def _received(self, address: str, datagram: bytes) -> None:
        source = _normal(address)
        entries = [entry for entry, (wanted, _) in self._callbacks.items() if wanted == source]
        if entries and self._is_trap(datagram):
            for entry in entries:
                # From the loop: an error in one is logged there and keeps no other from being called.
                asyncio.get_running_loop().call_soon(self._call, entry)

    def _call(self, entry: object) -> None:
        if entry in self._callbacks:
            self._callbacks[entry][1]()

"""A simulated GX and a client of it, on the loopback."""

import asyncio
import struct
from datetime import UTC, datetime

import pytest
from pymodbus.client import AsyncModbusTcpClient

from demo.boat import Boat
from demo.gx import GxSimulator
from demo.site import Site
from demo.sites import SITES
from demo.snmp_wire import (
    V2C,
    Error,
    Kind,
    Pdu,
    Tag,
    Value,
    dotted,
    encode_message,
    oid,
    open_message,
    read_pdu,
)
from demo.victron_boat import VictronBoat
from demo.victron_house import VictronHouse

NOON = datetime(2026, 6, 15, 10, 0, tzinfo=UTC)


@pytest.fixture
async def gx(socket_enabled):
    async with GxSimulator(write_delay=0) as simulator:
        yield simulator


@pytest.fixture
async def connect(socket_enabled):
    """Connect a client to a server; it is closed with the test."""
    clients = []

    async def connect(server):
        client = AsyncModbusTcpClient(server.host, port=server.port, timeout=1, retries=0, reconnect_delay=0)
        clients.append(client)
        assert await client.connect()
        return client

    yield connect
    for client in clients:
        client.close()


@pytest.fixture
async def client(gx, connect):
    return await connect(gx)


@pytest.fixture
def read(client):
    """Read registers: the words, or the exception code."""

    async def read(unit, address, count=1):
        answer = await client.read_holding_registers(address, count=count, device_id=unit)
        return answer.exception_code if answer.isError() else answer.registers

    return read


@pytest.fixture
def write(client):
    """Write registers: the exception code, or None."""

    async def write(unit, address, *words):
        answer = await client.write_registers(address, list(words), device_id=unit)
        return answer.exception_code if answer.isError() else None

    return write


@pytest.fixture
async def house(gx):
    return VictronHouse(gx, Site())


@pytest.fixture
async def boat(gx):
    return VictronBoat(gx, Boat())


@pytest.fixture
async def installation(request, gx):
    """The site of that name, by indirect parametrising."""
    showcase = SITES[request.param]
    return showcase.installation(gx, showcase.model.lived_in(NOON))


@pytest.fixture
def published(house, monkeypatch):
    """An event that is set when the house is published."""
    event = asyncio.Event()
    publish = house.publish

    def publish_and_tell():
        publish()
        event.set()

    monkeypatch.setattr(house, "publish", publish_and_tell)
    return event


@pytest.fixture
async def wire(gx):
    """Open a bare connection to the GX, for what a client library would not send or would hide."""
    reader, writer = await asyncio.open_connection(gx.host, gx.port)
    yield Wire(reader, writer)
    writer.close()


@pytest.fixture
def exchange(wire):
    """Send unit id and PDU, and return those of the answer."""

    async def exchange(message):
        await wire.send(7, message)
        _, answer = await wire.receive()
        return answer

    return exchange


class Wire:
    """Modbus TCP frames, by hand."""

    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer

    async def send(self, transaction, message):
        self.writer.write(struct.pack(">HHH", transaction, 0, len(message)) + message)
        await self.writer.drain()

    async def receive(self):
        transaction, _, length = struct.unpack(">HHH", await self.reader.readexactly(6))
        return transaction, await self.reader.readexactly(length)


@pytest.fixture
async def snmp(socket_enabled):
    """Open a socket that speaks SNMP to an agent, or listens for traps; it is closed with the test."""
    ends = []

    async def snmp(agent=None):
        remote = (agent.host, agent.port) if agent else None
        local = None if agent else ("127.0.0.1", 0)
        loop = asyncio.get_running_loop()
        _, end = await loop.create_datagram_endpoint(Datagrams, local_addr=local, remote_addr=remote)
        ends.append(end)
        return end

    yield snmp
    for end in ends:
        end.transport.close()


class Datagrams(asyncio.DatagramProtocol):
    """SNMP messages, by hand."""

    def __init__(self):
        self.received: asyncio.Queue[bytes] = asyncio.Queue()
        self.requests = 0

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.received.put_nowait(data)

    @property
    def port(self):
        return self.transport.get_extra_info("sockname")[1]

    def send(self, data):
        self.transport.sendto(data)

    async def receive(self):
        async with asyncio.timeout(5):
            return await self.received.get()

    def ask(self, kind, *bindings, version=V2C, community="public", status=0, index=0):
        """Send a request; a binding is a name, or a name and the value to set."""
        self.requests += 1
        pairs = tuple(it if isinstance(it, tuple) else (it, Value(Tag.NULL)) for it in bindings)
        pdu = Pdu(kind, self.requests, status, index, tuple((oid(name), value) for name, value in pairs))
        self.send(encode_message(version, community.encode(), pdu))

    async def answer(self):
        """The PDU of the next message."""
        _, reader = open_message(await self.receive())
        reader.octets()
        return read_pdu(reader)

    async def get(self, *names, kind=Kind.GET, **options):
        """The contents of objects, by name; one that is not there is its tag."""
        self.ask(kind, *names, **options)
        pdu = await self.answer()
        assert pdu.request == self.requests
        assert not pdu.status, Error(pdu.status).name
        return {dotted(name): it.tag if it.content is None else it.content for name, it in pdu.bindings}

    async def error(self, *bindings, kind=Kind.SET, community="private", **options):
        """How a request, a SET if nothing else is said, is refused: the error and the place; None if it is not."""
        self.ask(kind, *bindings, community=community, **options)
        pdu = await self.answer()
        return (Error(pdu.status), pdu.index) if pdu.status else None

    async def trap(self):
        """The next trap of version 2c: its number and its bindings."""
        (_, _), (_, number), *bindings = (await self.answer()).bindings
        return number.content[-1], {dotted(name): value.content for name, value in bindings}

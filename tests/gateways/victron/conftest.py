"""Devices of the gateway on a simulated GX, over a real socket."""

import itertools
from collections.abc import AsyncIterator, Callable

import pytest
from modbus_connection import ModbusTcpParams

from custom_components.energy_suite.gateways import commands
from custom_components.energy_suite.gateways.base import Found
from custom_components.energy_suite.gateways.connections import Lease, Pool
from custom_components.energy_suite.gateways.victron.device import VictronDevice
from custom_components.energy_suite.gateways.victron.gateway import DEVICES, VictronGateway
from demo.gx import GxSimulator


@pytest.fixture(autouse=True)
def quick_read_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "READ_BACK", (0.02, 0.05, 0.1))


@pytest.fixture
async def gx(socket_enabled: None) -> AsyncIterator[GxSimulator]:
    async with GxSimulator(write_delay=0.01) as simulator:
        yield simulator


@pytest.fixture
async def lease_of(socket_enabled: None) -> AsyncIterator[Callable[[GxSimulator], Lease]]:
    """A hold on the connection to a server, released with the test."""
    pool = Pool()
    leases: list[Lease] = []

    def lease_of(server: GxSimulator) -> Lease:
        params = ModbusTcpParams(host=server.host, port=server.port)
        leases.append(pool.acquire(params, interval=5, timeout=0.3))
        return leases[-1]

    yield lease_of
    for lease in leases:
        await lease.release()


@pytest.fixture
def gateway_of(lease_of: Callable[[GxSimulator], Lease]) -> Callable[[GxSimulator], VictronGateway]:
    return lambda server: VictronGateway(lease_of(server).unit, 5)


@pytest.fixture
def gateway(gx: GxSimulator, gateway_of: Callable[[GxSimulator], VictronGateway]) -> VictronGateway:
    return gateway_of(gx)


class Site:
    """Makes devices and reads them as the schedule does."""

    def __init__(self, gateway: VictronGateway) -> None:
        self.gateway = gateway
        self.clock = itertools.count(start=1000.0, step=5.0)

    async def read[D: VictronDevice](self, device: D, *parts: str, settle: bool = True) -> D:
        now = next(self.clock)
        for part in parts or ("live",):
            await device.parts[part].async_read(now)
        if settle:
            device.settle(now)
        return device

    async def device[D: VictronDevice](self, cls: type[D], unit: int, *parts: str) -> D:
        assert DEVICES[cls.kind] is cls
        device = self.gateway.device(Found(key=cls.kind, kind=cls.kind, unit_id=unit))
        assert isinstance(device, cls)
        return await self.read(device, *parts)


@pytest.fixture
def site(gateway: VictronGateway) -> Site:
    return Site(gateway)


@pytest.fixture
def site_of(gateway_of: Callable[[GxSimulator], VictronGateway]) -> Callable[[GxSimulator], Site]:
    return lambda server: Site(gateway_of(server))

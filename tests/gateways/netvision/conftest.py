"""The gateway and a simulated card, over both of its real sockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from custom_components.energy_suite.gateways import commands
from custom_components.energy_suite.gateways.base import Found
from custom_components.energy_suite.gateways.connections import Pool
from custom_components.energy_suite.gateways.netvision import devices, gateway
from custom_components.energy_suite.gateways.netvision.devices import Emd, LineDevice, NetVisionCard, Sts, Ups, UpsUnit
from custom_components.energy_suite.gateways.netvision.gateway import NetVisionGateway
from demo.netvision import NetVisionCard as Card
from demo.netvision_machines import Machine

type MakeCard = Callable[..., Awaitable[Card]]
type GatewayOf = Callable[..., NetVisionGateway]

OLD_ROOT = "1.3.6.1.4.1.4555.1.1.1."
READ = 3
ENOUGH = 10.0


@pytest.fixture
async def make_card(socket_enabled) -> AsyncIterator[MakeCard]:
    """Make cards; none of them may ever be written to by Modbus, or asked for the MIB of older cards."""
    cards: list[Card] = []

    async def make_card(machine: str | Machine = "masterys", **options: Any) -> Card:
        card = Card(machine, **options)
        cards.append(card)
        await card.start()
        card.advance(5)
        return card

    yield make_card
    for card in cards:
        card.stop()
    for card in cards:
        assert {request.function for request in card.modbus.requests} <= {READ}
        assert not [oid for request in card.agent.requests for oid in request.oids if f"{oid}.".startswith(OLD_ROOT)]


@pytest.fixture
async def card(make_card: MakeCard, machine: str, emd: Any) -> Card:
    return await make_card(machine, emd=emd)


@pytest.fixture
async def gateway_of(socket_enabled, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[GatewayOf]:
    """Make gateways to cards, as the user set them up; ``timeout`` (s) is short where silence is expected."""
    pool = Pool()
    leases, gateways = [], []

    def gateway_of(card: Card, channels: str = "both", *, timeout: float = ENOUGH, **settings: Any) -> NetVisionGateway:
        settings = {
            "host": card.host,
            "channels": channels,
            "port": card.modbus.port,
            "unit_id": 1,
            "snmp_version": "v2c",
            "snmp_port": card.agent.port,
            "community": "public",
            "write_community": "private",
            **settings,
        }
        monkeypatch.setattr(gateway, "TIMEOUT", timeout)
        leases.append(pool.acquire(NetVisionGateway.endpoint(settings), interval=10, timeout=timeout))
        gateways.append(NetVisionGateway.from_settings(leases[-1].unit, 10, settings))
        return gateways[-1]

    yield gateway_of
    for each in gateways:
        await each.close()
    for lease in leases:
        await lease.release()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was commanded shows at once, or not at all."""
    monkeypatch.setattr(commands, "READ_BACK", (0.0, 0.02, 0.05))
    monkeypatch.setattr(devices, "CONFIRM", (0.0, 0.02, 0.05))


class Site:
    """A gateway's devices, read as the schedule does."""

    def __init__(self, gateway: NetVisionGateway) -> None:
        self.gateway = gateway
        self.line = gateway.line
        self.card = self._make(NetVisionCard)
        self.ups = self._make(Ups)
        self.sts = self._make(Sts)
        self.emd = self._make(Emd)

    def _make[D: LineDevice](self, cls: type[D], number: int | None = None) -> D:
        device = self.gateway.device(Found(key=cls.kind, kind=cls.kind, unit_id=1, number=number))
        assert isinstance(device, cls)
        return device

    def unit(self, number: int) -> UpsUnit:
        return self._make(UpsUnit, number)

    async def read(self) -> Site:
        """Ask the card, once for all devices."""
        await self.line.look(self.line.looks)
        return self

    async def read_settings(self) -> Site:
        for name, part in self.card.parts.items():
            if name != "live":
                await part.async_read(0.0)
        return self


@pytest.fixture
def site_of(gateway_of: GatewayOf) -> Callable[..., Awaitable[Site]]:
    """The devices behind a card, all read once."""

    async def site_of(card: Card, channels: str = "both", **settings: Any) -> Site:
        gateway = gateway_of(card, channels, **settings)
        await gateway.probe()
        return await Site(gateway).read()

    return site_of


async def eventually(met: Callable[[], bool]) -> None:
    async with asyncio.timeout(ENOUGH):
        while not met():  # noqa: ASYNC110 - the other end of a socket has no event
            await asyncio.sleep(0)

"""A Modbus gateway on the loopback, and what reads it."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from custom_components.energy_suite.gateways.connections import Lease, Pool
from custom_components.energy_suite.gateways.legrand.gateway import LegrandGateway
from custom_components.energy_suite.gateways.profiles.library import Library
from demo import board_units
from demo.board import Board
from demo.legrand import ModbusGateway

PATIENT = 5.0
"""s, where an answer is sure to come."""
INTERVAL = 10.0

type GatewayOf = Callable[..., LegrandGateway]


@pytest.fixture(scope="session")
def library() -> Library:
    """The shipped profiles and those of the simulated board."""
    return Library.load(board_units.PROFILES)


@pytest.fixture
def framing() -> str:
    """How the gateway packs its frames; tests override it by parametrising."""
    return "tcp"


@pytest.fixture
def board() -> Board:
    return Board.lived_in()


@pytest.fixture
async def bus(board: Board, framing: str, socket_enabled: None) -> AsyncIterator[ModbusGateway]:
    """The gateway in front of the board, which takes no time."""
    async with ModbusGateway(board_units.board_units(board), framing=framing, timing=False) as bus:
        yield bus


@pytest.fixture
async def lease_of(pool: Pool) -> AsyncIterator[Callable[..., Lease]]:
    """Hold the connection to a gateway; released with the test."""
    leases: list[Lease] = []

    def lease_of(bus: ModbusGateway, *, timeout: float = PATIENT, **settings: Any) -> Lease:
        where = {"host": bus.host, "port": bus.port, "framing": bus.framing.value} | settings
        leases.append(pool.acquire(LegrandGateway.endpoint(where), timeout=timeout, interval=INTERVAL))
        return leases[-1]

    yield lease_of
    for lease in leases:
        await lease.release()


@pytest.fixture
def gateway_of(lease_of: Callable[..., Lease], library: Library) -> GatewayOf:
    """A gateway as it is set up; ``timeout`` in s."""

    def gateway_of(bus: ModbusGateway, *, timeout: float = PATIENT, **settings: Any) -> LegrandGateway:
        where = {"host": bus.host, "port": bus.port, "framing": bus.framing.value, "profiles": library} | settings
        return LegrandGateway.from_settings(lease_of(bus, timeout=timeout, **settings).unit, INTERVAL, where)

    return gateway_of

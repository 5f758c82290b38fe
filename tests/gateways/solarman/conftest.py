"""A simulated stick before a device of plain registers, and a hold on the connection to it."""

from collections.abc import AsyncIterator, Callable
from typing import Any, override

import pytest
from pymodbus.constants import ExcCodes

from custom_components.energy_suite.gateways.connections import Lease, Pool
from custom_components.energy_suite.gateways.solarman import v5
from custom_components.energy_suite.gateways.solarman.v5 import V5Endpoint
from demo.aura import Aura
from demo.aura_registers import AuraUnit
from demo.solarman import SolarmanStick

SERIAL = 2355553510
TIMEOUT = 0.2
INTERVAL = 0.05

type Hold = Callable[..., Lease]


class Table(AuraUnit):
    """Every register reads its own address unless it was written; those from 1000 on are not there."""

    def __init__(self) -> None:
        super().__init__(Aura())
        self.held: dict[int, int] = {}

    @override
    def read(self, function: int, address: int, count: int) -> list[int] | ExcCodes:
        if function not in (3, 4):
            return ExcCodes.ILLEGAL_FUNCTION
        if address + count > 1000:
            return ExcCodes.ILLEGAL_ADDRESS
        return [self.held.get(at, at) for at in range(address, address + count)]

    @override
    def write(self, function: int, address: int, words: list[int]) -> ExcCodes | None:
        self.held.update(enumerate(words, address))
        return None


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.fixture
async def stick(table: Table, socket_enabled: None) -> AsyncIterator[SolarmanStick]:
    async with SolarmanStick(table, serial=SERIAL) as stick:
        yield stick


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests follow one another at once."""
    monkeypatch.setattr(v5, "PAUSE", 0.0)


@pytest.fixture
async def hold(pool: Pool) -> AsyncIterator[Hold]:
    """Hold the connection to a stick; released with the test."""
    leases: list[Lease] = []

    def hold(
        stick: Any, *, serial: int | None = None, timeout: float = TIMEOUT, interval: float = INTERVAL, host: str = ""
    ) -> Lease:
        endpoint = V5Endpoint(host or stick.host, stick.serial if serial is None else serial, stick.port)
        leases.append(pool.acquire(endpoint, timeout=timeout, interval=interval))
        return leases[-1]

    yield hold
    for lease in leases:
        await lease.release()

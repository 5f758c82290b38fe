"""The house that everything is measured on, and the integration's devices on it without Home Assistant."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from modbus_connection import ModbusTcpParams

from custom_components.energy_suite.gateways.base import Device, Found
from custom_components.energy_suite.gateways.connections import Lease, Pool
from custom_components.energy_suite.gateways.kinds import KINDS
from demo.gx import GxSimulator
from demo.site import Site, SiteConfig
from demo.victron_house import VictronHouse

KIND = KINDS["victron_gx"]
NOON = datetime(2026, 6, 21, 11, 0, tzinfo=UTC)


@asynccontextmanager
async def simulated_house() -> AsyncIterator[VictronHouse]:
    """The demo's house at noon in June."""
    async with GxSimulator(write_delay=0) as gx:
        house = VictronHouse(gx, Site(SiteConfig(), NOON))
        house.advance(60)
        yield house


async def found_devices(house: VictronHouse, pool: Pool, interval: float) -> tuple[Lease, list[Device]]:
    """The house's devices, over a connection of that pool."""
    lease = pool.acquire(
        ModbusTcpParams(host=house.gx.host, port=house.gx.port), interval=interval, timeout=KIND.timeout
    )
    gateway = KIND.make(lease.unit, interval, {})
    return lease, [gateway.device(step) async for step in gateway.discover() if isinstance(step, Found)]


def percentile(values: list[float], share: float) -> float:
    """The value below which that share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]

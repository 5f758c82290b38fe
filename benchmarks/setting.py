"""The sites that everything is measured on, and the integration's devices on it without Home Assistant."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from modbus_connection import ModbusTcpParams

from custom_components.energy_suite.gateways.base import Device, Found
from custom_components.energy_suite.gateways.connections import Lease, Pool
from custom_components.energy_suite.gateways.kinds import KINDS
from demo.gx import GxSimulator
from demo.sites import SITES
from demo.victron_site import VictronSite

KIND = KINDS["victron_gx"]
NOON = datetime(2026, 6, 21, 11, 0, tzinfo=UTC)


@asynccontextmanager
async def simulated(site: str) -> AsyncIterator[VictronSite[Any]]:
    """One of the demo's sites at noon in June."""
    showcase = SITES[site]
    async with GxSimulator(write_delay=0) as gx:
        installation = showcase.installation(gx, showcase.model.lived_in(NOON))
        installation.advance(60)
        yield installation


async def found_devices(installation: VictronSite[Any], pool: Pool, interval: float) -> tuple[Lease, list[Device]]:
    """The site's devices, over a connection of that pool."""
    lease = pool.acquire(
        ModbusTcpParams(host=installation.gx.host, port=installation.gx.port), interval=interval, timeout=KIND.timeout
    )
    gateway = KIND.make(lease.unit, interval, {})
    return lease, [gateway.device(step) async for step in gateway.discover() if isinstance(step, Found)]


def percentile(values: list[float], share: float) -> float:
    """The value below which that share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]

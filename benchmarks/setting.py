"""What everything is measured on: the demo's sites and a card, and the integration's devices on them."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from custom_components.energy_suite.gateways.base import Device, Found, Gateway
from custom_components.energy_suite.gateways.connections import Lease, Pool
from custom_components.energy_suite.gateways.kinds import KINDS, Kind
from demo.gx import GxSimulator
from demo.netvision import NetVisionCard
from demo.netvision_machines import MACHINES
from demo.rack import Rack
from demo.site import Site
from demo.sites import SITES
from demo.ups import Ups

NOON = datetime(2026, 6, 21, 11, 0, tzinfo=UTC)
CARD: Final = "card"
CHANNELS: Final = ("modbus", "snmp", "both")


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A simulated gateway, and how the integration is set up for it."""

    gateway: str
    settings: Mapping[str, Any]
    advance: Callable[[float], None]
    """Let so many seconds pass."""
    traffic: Callable[[], tuple[int, int]]
    """Requests, and the registers or objects that they named, since this was last asked."""
    shown: tuple[str, str]
    """Kind of a device and key of the sensor that shows a value."""
    show: Callable[[float], None]
    """Set that value."""
    shows: tuple[int, int]
    """The first value to set, and how much more each further one is."""

    @property
    def kind(self) -> Kind:
        """The kind of gateway."""
        return KINDS[self.gateway]

    def connect(self, pool: Pool) -> tuple[Lease, Gateway]:
        """The gateway over a connection of that pool."""
        lease = pool.acquire(self.kind.endpoint(self.settings), interval=self.kind.interval, timeout=self.kind.timeout)
        return lease, self.kind.make(lease.unit, self.kind.interval, self.settings)

    async def devices(self, pool: Pool) -> tuple[Lease, Gateway, list[Device]]:
        """Its devices as well."""
        lease, gateway = self.connect(pool)
        return lease, gateway, [gateway.device(step) async for step in gateway.discover() if isinstance(step, Found)]


def names(site: str | None, machine: str, channels: str | None) -> list[str]:
    """What to measure, by name, of what the command line asks for."""
    if site != CARD:
        return [site] if site else list(SITES)
    return [f"{machine} by {each}" for each in ([channels] if channels else CHANNELS)]


@asynccontextmanager
async def simulated(name: str) -> AsyncIterator[Subject]:
    """One of the demo's sites at noon in June, or a card with a machine and the channels that are used."""
    machine, _, channels = name.partition(" by ")
    simulation = _card(machine, channels) if channels else _site(name)
    async with simulation as subject:
        subject.advance(60)
        yield subject


# A power on the wire of a GX and the state that shows it: kind, key, service, path.
_SHOWN_POWERS: Final = {
    "house": ("grid_meter", "power", "grid", "/Ac/L1/Power"),
    "boat": ("gx", "consumption_power", "system", "/Ac/Consumption/L1/Power"),
}


@asynccontextmanager
async def _site(name: str) -> AsyncIterator[Subject]:
    showcase = SITES[name]
    kind, key, service, path = _SHOWN_POWERS[name]
    async with GxSimulator(write_delay=0) as gx:
        installation = showcase.installation(gx, showcase.model.lived_in(NOON))

        def traffic() -> tuple[int, int]:
            told = len(gx.requests), sum(request.count for request in gx.requests)
            gx.requests.clear()
            return told

        yield Subject(
            gateway="victron_gx",
            settings={"host": gx.host, "port": gx.port},
            advance=installation.advance,
            traffic=traffic,
            shown=(kind, key),
            show=lambda power: installation.set(service, path, power),
            shows=(1000, 100),
        )


@asynccontextmanager
async def _card(machine: str, channels: str) -> AsyncIterator[Subject]:
    async with NetVisionCard(MACHINES[machine]) as card:
        site = Site.lived_in(NOON)
        rack = Rack(card, site)
        logs = card.modbus.requests, card.agent.requests

        def advance(seconds: float) -> None:
            site.advance(seconds)
            rack.advance(seconds)

        def traffic() -> tuple[int, int]:
            counts = [request.count for log in logs for request in log]
            for log in logs:
                log.clear()
            return len(counts), sum(counts)

        def show(percent: float) -> None:
            equipment = card.equipment
            full = (
                equipment.config.rated_power / equipment.config.phases
                if isinstance(equipment, Ups)
                else equipment.rated_voltage * equipment.rated_current * equipment.power_factor
            )
            equipment.loads = [percent / 100 * full] * len(equipment.loads)

        yield Subject(
            gateway="netvision",
            settings={
                "host": card.host,
                "channels": channels,
                "port": card.modbus.port,
                "unit_id": 1,
                "snmp_version": "v2c",
                "snmp_port": card.agent.port,
                "community": "public",
            },
            advance=advance,
            traffic=traffic,
            shown=("ups" if isinstance(card.equipment, Ups) else "sts", "load"),
            show=show,
            shows=(10, 3),
        )


def percentile(values: list[float], share: float) -> float:
    """The value below which that share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]

"""Requests and registers against the fewest that the register map allows; CPU per round."""

import asyncio
import time
from collections.abc import Iterable

from custom_components.energy_suite.gateways.base import Device, Report, Speed
from custom_components.energy_suite.gateways.connections import Pool
from custom_components.energy_suite.gateways.registers import Registers

from .setting import found_devices, simulated

ROUNDS = 200


async def measure(site: str) -> list[tuple[str, str]]:
    """Read the site for some rounds as fast as it goes, then for a minute's worth of reads."""
    async with simulated(site) as installation:
        pool = Pool()
        lease, devices = await found_devices(installation, pool, interval=5.0)
        schedule = lease.runner.schedule
        for device in devices:
            lease.runner.attach(device.key, device, _ignore)
        for device in devices:
            await lease.runner.reported(device.key)
        await lease.runner.close()
        live, slow = _parts(devices, Speed.LIVE), _parts(devices, Speed.SLOW)
        installation.gx.requests.clear()
        for part in live:
            await part.async_read(time.monotonic())
        per_round = len(installation.gx.requests)
        registers = sum(request.count for request in installation.gx.requests)
        installation.gx.requests.clear()
        for part in slow:
            await part.async_read(time.monotonic())
        per_slow = len(installation.gx.requests)
        slow_registers = sum(request.count for request in installation.gx.requests)
        rounds, slow_rounds = 60 / schedule.interval, 60 / schedule.slow_interval
        cpu, wall = await _cost(live)
        await lease.release()
    fewest = sum(_fewest(device) for device in devices)
    return [
        ("devices on the connection", str(len(devices))),
        ("requests per live round", f"{per_round} (fewest that cover the same registers: {fewest})"),
        ("registers per live round", str(registers)),
        ("requests per minute", f"{per_round * rounds + per_slow * slow_rounds:.0f}"),
        ("registers per minute", f"{registers * rounds + slow_registers * slow_rounds:.0f}"),
        ("CPU per live round, simulator included", f"{cpu * 1000:.1f} ms"),
        ("duration of a live round on loopback", f"{wall * 1000:.1f} ms"),
    ]


def _ignore(_: Report) -> None:
    """Nobody listens here."""


def _parts(devices: Iterable[Device], speed: Speed) -> list[Registers]:
    return [
        part
        for device in devices
        for part in device.parts.values()
        if isinstance(part, Registers) and part.speed is speed and part.present
    ]


def _fewest(device: Device) -> int:
    """The fewest reads of at most 125 registers that cover the live fields, as if nothing lay in between."""
    addresses = sorted(
        address
        for part in _parts([device], Speed.LIVE)
        for field in part.fields.values()
        for address in range(field.address, field.address + field.count)
    )
    reads, end = 0, -1
    for address in addresses:
        if address > end:
            reads, end = reads + 1, address + 124
    return reads


async def _cost(live: list[Registers]) -> tuple[float, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(ROUNDS):
        for part in live:
            await part.async_read(time.monotonic())
        await asyncio.sleep(0)
    return (time.process_time() - cpu) / ROUNDS, (time.perf_counter() - wall) / ROUNDS

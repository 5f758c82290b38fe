"""Requests and registers, or objects, against the fewest that the register map allows; CPU per round."""

import asyncio
import time
from collections.abc import Iterable

from custom_components.energy_suite.gateways.base import Device, Part, Report, Speed
from custom_components.energy_suite.gateways.connections import Pool
from custom_components.energy_suite.gateways.netvision.devices import LineDevice
from custom_components.energy_suite.gateways.netvision.line import Objects
from custom_components.energy_suite.gateways.registers import Registers

from .setting import simulated

ROUNDS = 200


async def measure(site: str) -> list[tuple[str, str]]:
    """Read the site for some rounds as fast as it goes, then for a minute's worth of reads."""
    async with simulated(site) as subject:
        lease, gateway, devices = await subject.devices(Pool())
        schedule = lease.runner.schedule
        for device in devices:
            lease.runner.attach(device.key, device, _ignore)
        for device in devices:
            await lease.runner.reported(device.key)
        await lease.runner.close()
        live, slow = _parts(devices, Speed.LIVE), _parts(devices, Speed.SLOW)
        subject.traffic()
        for part in live:
            await part.async_read(time.monotonic())
        per_round, registers = subject.traffic()
        registers = _objects(devices) or registers
        for part in slow:
            await part.async_read(time.monotonic())
        per_slow, slow_registers = subject.traffic()
        slow_registers = sum(len(part.values) for part in slow if isinstance(part, Objects)) or slow_registers
        rounds, slow_rounds = 60 / schedule.interval, 60 / schedule.slow_interval
        cpu, wall = await _cost(live)
        await gateway.close()
        await lease.release()
    fewest = sum(_fewest(device) for device in devices)
    covering = f" (fewest that cover the same registers: {fewest})" if fewest else ""
    return [
        ("devices on the connection", str(len(devices))),
        ("requests per live round", f"{per_round}{covering}"),
        ("registers or objects per live round", str(registers)),
        ("requests per minute", f"{per_round * rounds + per_slow * slow_rounds:.0f}"),
        ("registers or objects per minute", f"{registers * rounds + slow_registers * slow_rounds:.0f}"),
        ("CPU per live round, simulator included", f"{cpu * 1000:.1f} ms"),
        ("duration of a live round on loopback", f"{wall * 1000:.1f} ms"),
    ]


def _ignore(_: Report) -> None:
    """Nobody listens here."""


def _parts(devices: Iterable[Device], speed: Speed) -> list[Part]:
    return [part for device in devices for part in device.parts.values() if part.speed is speed and part.present]


def _objects(devices: Iterable[Device]) -> int:
    """How many words and objects the last look at a card brought: an SNMP request may name one and be told many."""
    for device in devices:
        if isinstance(device, LineDevice):
            modbus, snmp = device.line.modbus, device.line.snmp
            return (len(modbus.words) if modbus else 0) + (len(snmp.objects) if snmp else 0)
    return 0


def _fewest(device: Device) -> int:
    """The fewest reads of at most 125 registers that cover the live fields, as if nothing lay in between."""
    addresses = sorted(
        address
        for part in _parts([device], Speed.LIVE)
        if isinstance(part, Registers)
        for field in part.fields.values()
        for address in range(field.address, field.address + field.count)
    )
    reads, end = 0, -1
    for address in addresses:
        if address > end:
            reads, end = reads + 1, address + 124
    return reads


async def _cost(live: list[Part]) -> tuple[float, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(ROUNDS):
        for part in live:
            await part.async_read(time.monotonic())
        await asyncio.sleep(0)
    return (time.process_time() - cpu) / ROUNDS, (time.perf_counter() - wall) / ROUNDS

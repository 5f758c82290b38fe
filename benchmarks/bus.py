"""255 meters behind 8 gateways whose RS485 lines take as long as real ones, and what silent meters cost the others.

Pure: the pool, the schedules and the meters, without Home Assistant. The gateways are simulated by another process, so
that the processor time is the suite's alone. Half of them answer for a silent meter with an exception, half not at all.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import fmean
from typing import Any, Final, override

from modbus_connection import ModbusTcpParams
from modbus_connection.mock import MockModbusConnection, MockModbusUnit

from custom_components.energy_suite.gateways.base import Found, Report, Speed
from custom_components.energy_suite.gateways.connections import Lease, Pool
from custom_components.energy_suite.gateways.profiles.device import ProfileDevice, make
from custom_components.energy_suite.gateways.profiles.library import Library
from custom_components.energy_suite.gateways.profiles.schema import Profile
from demo.board_units import still_units
from demo.legrand import ModbusGateway
from demo.rs485 import Line, read_time

PROFILE: Final = "emdx3_multifunction"
METERS: Final = (32,) * 7 + (31,)
ABSENT: Final = ("exception", "silence") * 4
SILENT: Final = (1, 1, 1, 1, 3, 3, 3, 3)
"""How many meters of each gateway fall silent."""
FASTEST, USUAL = 1.0, 10.0
TIMEOUT: Final = 3.0
PAGE: Final = 4096

SETTLING, HEALTHY, FALLING, DEAD, LEISURELY = 10.0, 40.0, 30.0, 180.0, 40.0
"""s for which each state is watched."""
LONGEST_RECOVERY: Final = 360.0


class _Watched:
    """A meter, and when it was reported with new live values."""

    def __init__(self, device: ProfileDevice, lease: Lease, place: tuple[int, int]) -> None:
        self.gateway, self.address = place
        self.key = device.key
        self.there = asyncio.Event()
        self.times: list[float] = []
        lease.runner.attach(device.key, device, self._note)

    def _note(self, report: Report) -> None:
        if report.available:
            self.there.set()
        else:
            self.there.clear()
        if report.available and "live" in report.updated:
            self.times.append(time.monotonic())

    def periods(self, start: float, end: float) -> list[float]:
        """The times in s between two reports, of which the latter lies in that time."""
        pairs = zip(self.times, self.times[1:], strict=False)
        return [later - earlier for earlier, later in pairs if start <= later < end]


class _Gateways:
    """The process that simulates the gateways."""

    def __init__(self, process: asyncio.subprocess.Process, ports: list[int]) -> None:
        self._process = process
        self.ports = ports

    async def silence(self, meters: Mapping[int, Iterable[int]]) -> None:
        """Let these meters of each gateway be silent, and all others answer."""
        assert self._process.stdin
        assert self._process.stdout
        silent = {str(gateway): list(addresses) for gateway, addresses in meters.items()}
        self._process.stdin.write(json.dumps(silent).encode() + b"\n")
        await self._process.stdout.readline()


@asynccontextmanager
async def _gateways() -> AsyncIterator[_Gateways]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", __name__, stdin=pipe, stdout=pipe)
    assert process.stdin
    assert process.stdout
    try:
        yield _Gateways(process, json.loads(await process.stdout.readline()))
    finally:
        process.stdin.close()
        await process.wait()


async def _simulate() -> None:
    """Be the gateways: say their ports, then let fall silent whom the standard input names."""
    async with AsyncExitStack() as stack:
        gateways = [
            await stack.enter_async_context(ModbusGateway(still_units(range(1, count + 1)), absent=absent))
            for count, absent in zip(METERS, ABSENT, strict=True)
        ]
        print(json.dumps([gateway.port for gateway in gateways]), flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            silent: dict[str, list[int]] = json.loads(line)
            for number, gateway in enumerate(gateways):
                for address, unit in gateway.units.items():
                    unit.answers = address not in silent.get(str(number), ())
            print(flush=True)


def _meter(profile: Profile, unit: Any, address: int) -> ProfileDevice:
    found = Found(key=f"meter {address}", kind=profile.kind, unit_id=address, profile=profile.id)
    return make(profile, found, unit, FASTEST)


async def _limit(profile: Profile, speeds: Iterable[Speed]) -> float:
    """How long in s the line is taken by what is read of one meter, by nothing but the speed of its characters."""
    asked: list[tuple[int, int]] = []

    class Recorder(MockModbusUnit):
        @override
        async def read_holding_registers(self, address: int, count: int) -> list[int]:
            asked.append((3, count))
            return await super().read_holding_registers(address, count)

    meter = _meter(profile, Recorder(MockModbusConnection(), 1), 1)
    for part in meter.parts.values():
        if part.speed in speeds:
            await part.async_read(0.0)
    return sum(read_time(count, Line(), function=function) for function, count in asked)


def _resident() -> float:
    """Memory of this process in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE / 1e6


async def measure() -> list[tuple[str, str]]:
    """Watch the meters while all answer, while some do not, and when these are back."""
    profile = (await asyncio.to_thread(Library.load)).profiles[PROFILE]
    live, everything = await _limit(profile, [Speed.LIVE]), await _limit(profile, Speed)
    async with _gateways() as gateways:
        pool = Pool()
        leases = [
            pool.acquire(ModbusTcpParams(host="127.0.0.1", port=port), interval=FASTEST, timeout=TIMEOUT, learns=True)
            for port in gateways.ports
        ]
        memory, cpu, start = _resident(), time.process_time(), time.monotonic()
        meters = [
            _Watched(_meter(profile, lease.unit(address), address), lease, (gateway, address))
            for gateway, (lease, count) in enumerate(zip(leases, METERS, strict=True))
            for address in range(1, count + 1)
        ]
        made = time.monotonic() - start
        for meter in meters:
            await leases[meter.gateway].runner.reported(meter.key)
        rows = [
            ("meters, gateways", f"{len(meters)}, {len(leases)}"),
            ("making the meters", f"{made * 1000:.0f} ms"),
            (
                "set-up until all are reported (limit of the line)",
                f"{time.monotonic() - start:.1f} s ({everything * max(METERS):.1f} s)",
            ),
            ("CPU of the set-up", f"{time.process_time() - cpu:.2f} s"),
            ("memory of connections and meters", f"{_resident() - memory:.1f} MB"),
        ]
        await asyncio.sleep(SETTLING)
        rows += await _watch(meters, HEALTHY, f"interval {FASTEST:.0f} s: ", live)
        rows.append(("learnt timeout", " ".join(f"{lease.timeout:.2f}" for lease in leases) + " s"))
        rows += await _silence(gateways, meters)
        for lease in leases:
            lease.runner.schedule.interval = USUAL
        await asyncio.sleep(2 * USUAL)
        rows += await _watch(meters, LEISURELY, f"interval {USUAL:.0f} s: ", live)
        for lease in leases:
            await lease.release()
    return rows


async def _watch(meters: list[_Watched], seconds: float, what: str, live: float) -> list[tuple[str, str]]:
    start, cpu = time.monotonic(), time.process_time()
    await asyncio.sleep(seconds)
    end, share = time.monotonic(), (time.process_time() - cpu) / seconds
    full = [period for meter in meters if METERS[meter.gateway] == max(METERS) for period in meter.periods(start, end)]
    reports = sum(len(meter.periods(start, end)) for meter in meters)
    return [
        (f"{what}period of {max(METERS)} meters, mean and worst", f"{fmean(full):.3f} s, {max(full):.3f} s"),
        (f"{what}limit of the line for the live blocks alone", f"{live * max(METERS):.3f} s"),
        (f"{what}live readings per s, all meters", f"{reports / seconds:.1f}"),
        (f"{what}CPU share of a core", f"{share:.1%}"),
    ]


async def _back(meter: _Watched) -> float:
    """How long in s it takes until a meter is there again, or too long."""
    start = time.monotonic()
    try:
        async with asyncio.timeout(LONGEST_RECOVERY):
            await meter.there.wait()
    except TimeoutError:
        pass
    return time.monotonic() - start


async def _silence(gateways: _Gateways, meters: list[_Watched]) -> list[tuple[str, str]]:
    """Let some meters fall silent, and come back."""
    silent = {gateway: [5 + 7 * number for number in range(count)] for gateway, count in enumerate(SILENT)}
    gone = [meter for meter in meters if meter.address in silent[meter.gateway]]
    others = [meter for meter in meters if meter not in gone]
    before = time.monotonic()
    await gateways.silence(silent)
    fallen = time.monotonic()
    await asyncio.sleep(FALLING)
    settled = time.monotonic()
    await asyncio.sleep(DEAD - FALLING)
    returned = time.monotonic()
    phases = {
        f"the first {FALLING:.0f} s, all falling in one round": (fallen, settled),
        f"the next {DEAD - FALLING:.0f} s": (settled, returned),
    }
    rows = []
    for kind in sorted(set(zip(SILENT, ABSENT, strict=True))):
        mine = [meter for meter in others if (SILENT[meter.gateway], ABSENT[meter.gateway]) == kind]
        healthy = [period for meter in mine for period in meter.periods(before - HEALTHY, before)]
        for phase, (start, end) in phases.items():
            periods = [period for meter in mine for period in meter.periods(start, end)]
            rows.append(
                (
                    f"{kind[0]} silent ({kind[1]}), {phase}: mean and worst period of the others",
                    f"{fmean(periods) / fmean(healthy):.3f} times, {max(periods) - max(healthy):+.2f} s",
                )
            )
    await gateways.silence({})
    rows.append(("silent meters noticed", f"{sum(not meter.there.is_set() for meter in gone)} of {len(gone)}"))
    took = [seconds for seconds in await asyncio.gather(*map(_back, gone)) if seconds < LONGEST_RECOVERY]
    rows.append(
        (
            f"back after {DEAD:.0f} s of silence, mean and longest",
            f"{fmean(took):.0f} s, {max(took):.0f} s; {len(took)} of {len(gone)}",
        )
    )
    return rows


if __name__ == "__main__":
    asyncio.run(_simulate())

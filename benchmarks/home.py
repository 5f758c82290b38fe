"""Inside Home Assistant: time to the first and to all values, from a register to the state, memory."""

import asyncio
import random
import tempfile
import time
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

from homeassistant import loader
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from modbus_connection import ModbusTcpParams
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_test_home_assistant

import custom_components.energy_suite  # noqa: F401 - before Home Assistant looks for its own custom components
from custom_components.energy_suite.const import DOMAIN
from custom_components.energy_suite.gateways.base import Found
from custom_components.energy_suite.gateways.connections import Pool
from demo.victron_site import VictronSite

from .setting import KIND, percentile, simulated

CHANGES = 40
INTERVAL = 5.0


# A power on the wire and the state that shows it: kind, key, service, path.
SHOWN_POWERS = {
    "house": ("grid_meter", "power", "grid", "/Ac/L1/Power"),
    "boat": ("gx", "consumption_power", "system", "/Ac/Consumption/L1/Power"),
}


async def measure(site: str) -> list[tuple[str, str]]:
    """Set up the site in a Home Assistant and watch it."""
    async with simulated(site) as installation, _home() as hass:
        entry = await _entry(installation)
        entry.add_to_hass(hass)
        first, every = await _set_up(hass, entry)
        await hass.config_entries.async_unload(entry.entry_id)
        # The second time nothing is imported and no text is loaded: what grows is the devices'.
        tracemalloc.start()
        before = tracemalloc.take_snapshot()
        await _set_up(hass, entry)
        grown = sum(line.size_diff for line in tracemalloc.take_snapshot().compare_to(before, "filename"))
        tracemalloc.stop()
        entities = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
        devices = entry.runtime_data.coordinators
        latencies = await _latencies(hass, installation, entry, SHOWN_POWERS[site])
        await hass.config_entries.async_unload(entry.entry_id)
    enabled = sum(entity.disabled_by is None for entity in entities)
    return [
        ("devices", str(len(devices))),
        ("entities enabled, disabled", f"{enabled}, {len(entities) - enabled}"),
        ("set-up to the first value", f"{first * 1000:.0f} ms, imports included"),
        ("set-up to all values", f"{every * 1000:.0f} ms"),
        ("memory per device, entities included", f"{grown / len(devices) / 1024:.0f} kB"),
        (
            f"register to state at {INTERVAL:g} s",
            f"p50 {percentile(latencies, 0.5):.2f} s, p95 {percentile(latencies, 0.95):.2f} s",
        ),
    ]


@asynccontextmanager
async def _home() -> AsyncIterator[HomeAssistant]:
    with tempfile.TemporaryDirectory() as folder:
        async with async_test_home_assistant(config_dir=folder) as hass:
            hass.data.pop(loader.DATA_CUSTOM_COMPONENTS)
            yield hass
            await hass.async_stop(force=True)


async def _entry(installation: VictronSite[Any]) -> Any:
    lease = Pool().acquire(
        ModbusTcpParams(host=installation.gx.host, port=installation.gx.port), interval=INTERVAL, timeout=KIND.timeout
    )
    gateway = KIND.make(lease.unit, INTERVAL, {})
    identity = await gateway.probe()
    found = [asdict(step) async for step in gateway.discover() if isinstance(step, Found)]
    await lease.release()
    return MockConfigEntry(
        domain=DOMAIN,
        unique_id=identity.serial,
        data={
            "gateway": "victron_gx",
            "uid": "benchmark",
            "host": installation.gx.host,
            "port": installation.gx.port,
            "devices": found,
        },
        options={"interval": INTERVAL},
    )


async def _set_up(hass: HomeAssistant, entry: Any) -> tuple[float, float]:
    first: float | None = None
    started = time.perf_counter()

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        nonlocal first
        if first is None and event.data["entity_id"].startswith("sensor."):
            first = time.perf_counter() - started

    remove = hass.bus.async_listen("state_changed", note)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    every = time.perf_counter() - started
    remove()
    return first or every, every


async def _latencies(
    hass: HomeAssistant, installation: VictronSite[Any], entry: Any, shown: tuple[str, str, str, str]
) -> list[float]:
    """Change a power at random moments and wait for its state."""
    kind, key, service, path = shown
    unique_id = next(f"benchmark_{found['key']}_{key}" for found in entry.data["devices"] if found["kind"] == kind)
    entity_id = er.async_get(hass).async_get_entity_id("sensor", DOMAIN, unique_id)
    latencies = []
    for change in range(CHANGES):
        await asyncio.sleep(random.uniform(0, INTERVAL))
        wanted = 1000 + 100 * change
        seen = asyncio.Event()

        @callback
        def note(event: Event[EventStateChangedData], wanted: int = wanted, seen: asyncio.Event = seen) -> None:
            new = event.data["new_state"]
            if event.data["entity_id"] == entity_id and new is not None and float(new.state) == wanted:
                seen.set()

        remove = hass.bus.async_listen("state_changed", note)
        changed = time.perf_counter()
        installation.set(service, path, wanted)
        await seen.wait()
        latencies.append(time.perf_counter() - changed)
        remove()
    return latencies

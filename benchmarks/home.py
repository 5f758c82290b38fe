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
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_test_home_assistant

import custom_components.energy_suite  # noqa: F401 - before Home Assistant looks for its own custom components
from custom_components.energy_suite.const import DOMAIN
from custom_components.energy_suite.gateways.base import Found
from custom_components.energy_suite.gateways.connections import Pool

from .setting import Subject, percentile, simulated

WATCHED = 200.0
"""Seconds in which changes are looked for, one in each interval."""


async def measure(site: str) -> list[tuple[str, str]]:
    """Set up the site in a Home Assistant and watch it."""
    async with simulated(site) as subject, _home() as hass:
        entry = await _entry(subject)
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
        latencies = await _latencies(hass, subject, entry)
        await hass.config_entries.async_unload(entry.entry_id)
    enabled = sum(entity.disabled_by is None for entity in entities)
    return [
        ("interval", f"{subject.kind.interval:g} s"),
        ("devices", str(len(devices))),
        ("entities enabled, disabled", f"{enabled}, {len(entities) - enabled}"),
        ("set-up to the first value", f"{first * 1000:.0f} ms, imports included"),
        ("set-up to all values", f"{every * 1000:.0f} ms"),
        ("memory per device, entities included", f"{grown / len(devices) / 1024:.0f} kB"),
        (
            "register or object to state",
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


async def _entry(subject: Subject) -> Any:
    lease, gateway = subject.connect(Pool())
    identity = await gateway.probe()
    found = [asdict(step) async for step in gateway.discover() if isinstance(step, Found)]
    await gateway.close()
    await lease.release()
    return MockConfigEntry(
        domain=DOMAIN,
        unique_id=identity.serial,
        data={
            "gateway": subject.gateway,
            "uid": "benchmark",
            **subject.settings,
            "devices": found,
        },
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


async def _latencies(hass: HomeAssistant, subject: Subject, entry: Any) -> list[float]:
    """Change a value at random moments and wait for its state."""
    kind, key = subject.shown
    interval = subject.kind.interval
    first, step = subject.shows
    unique_id = next(f"benchmark_{found['key']}_{key}" for found in entry.data["devices"] if found["kind"] == kind)
    entity_id = er.async_get(hass).async_get_entity_id("sensor", DOMAIN, unique_id)
    latencies = []
    for change in range(round(WATCHED / interval)):
        await asyncio.sleep(random.uniform(0, interval))
        wanted = first + step * change
        seen = asyncio.Event()

        @callback
        def note(event: Event[EventStateChangedData], wanted: int = wanted, seen: asyncio.Event = seen) -> None:
            new = event.data["new_state"]
            if event.data["entity_id"] == entity_id and new is not None and float(new.state) == wanted:
                seen.set()

        remove = hass.bus.async_listen("state_changed", note)
        changed = time.perf_counter()
        subject.show(wanted)
        await seen.wait()
        latencies.append(time.perf_counter() - changed)
        remove()
    return latencies

"""Rows and megabytes that the recorder writes in a day of one of the demo's sites, or of a card.

A day is replayed: once per round the model advances, every device is read as on the wire, and what the entities would
write is counted. Rows are weighed in a database that has the recorder's own tables and indices.
"""

import tempfile
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from homeassistant.components.recorder.db_schema import Base, States, StatisticsMeta, StatisticsShortTerm
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from custom_components.energy_suite.entities import descriptions_of
from custom_components.energy_suite.entities.descriptions import Description, SensorDescription
from custom_components.energy_suite.gateways.base import Device, DeviceGone, Speed
from custom_components.energy_suite.gateways.connections import Pool
from custom_components.energy_suite.gateways.registers import Registers
from custom_components.energy_suite.gateways.schedule import SLOW_INTERVAL
from custom_components.energy_suite.publishing import Publisher

from .setting import simulated

DAY = 86_400
WEIGHED = 50_000


async def measure(site: str) -> list[tuple[str, str]]:
    """Replay a day and weigh it."""
    states, sensors = await _rows_of_a_day(site)
    statistics = sensors * (DAY // 300 + DAY // 3600)
    state_bytes, statistics_bytes = _weigh()
    megabytes = (states * state_bytes + statistics * statistics_bytes) / 1e6
    return [
        ("states written per day", f"{states}"),
        ("rows of statistics per day", f"{statistics}"),
        ("recorder's growth per day", f"{megabytes:.1f} MB ({state_bytes:.0f} bytes a state)"),
    ]


async def _rows_of_a_day(site: str) -> tuple[int, int]:
    """States that would be written in a day, and how many sensors have statistics."""
    async with simulated(site) as subject:
        interval = subject.kind.interval
        lease, gateway, devices = await subject.devices(Pool())
        await _read(devices, (Speed.LIVE, Speed.SLOW, Speed.ONCE), 0.0)
        watched = [
            (
                device,
                description,
                Publisher(getattr(description, "native_unit_of_measurement", None), getattr(description, "step", None)),
            )
            for device in devices
            for description in descriptions_of(device, [])
            if description.entity_registry_enabled_default and hasattr(description, "value_fn")
        ]
        written, last = 0, dict[int, object]()
        for now in range(0, DAY, int(interval)):
            subject.advance(interval)
            with patch.object(Registers, "wall_clock", staticmethod(lambda now=now: float(now))):
                await _read(devices, (Speed.LIVE, *((Speed.SLOW,) if now % SLOW_INTERVAL == 0 else ())), float(now))
            written += sum(_writes(*each, now, last) for each in watched)
        await gateway.close()
        await lease.release()
    statistics = sum(getattr(description, "state_class", None) is not None for _, description, _ in watched)
    return written, statistics


async def _read(devices: list[Device], speeds: tuple[Speed, ...], now: float) -> None:
    for device in devices:
        for part in device.parts.values():
            if part.speed in speeds and part.present is not False:
                # A site lacks what it has no use for, such as an ESS.
                with suppress(DeviceGone):
                    await part.async_read(now)
        device.settle(now)


def _writes(
    device: Device, description: Description, publisher: Publisher, now: float, last: dict[int, object]
) -> bool:
    value: Any = description.value_fn(device)  # type: ignore[union-attr]  # buttons were left out above
    if isinstance(description, SensorDescription):
        if isinstance(value, float):
            value = round(value, (description.suggested_display_precision or 0) + 1)
        return publisher.is_due(value, now)
    changed: bool = last.get(id(publisher)) != value
    last[id(publisher)] = value
    return changed


def _weigh() -> tuple[float, float]:
    """Bytes that a state and a row of statistics take, indices included."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "recorder.db"
        engine = create_engine(f"sqlite:///{file}")
        Base.metadata.create_all(engine)
        empty = file.stat().st_size
        now = time.time()
        with Session(engine) as session:
            session.add_all(
                States(
                    metadata_id=number % 120 + 1,
                    attributes_id=number % 120 + 1,
                    state=f"{number % 5000 / 10}",
                    last_updated_ts=now + number,
                    context_id_bin=number.to_bytes(16),
                )
                for number in range(WEIGHED)
            )
            session.commit()
        with_states = file.stat().st_size
        with Session(engine) as session:
            session.add(StatisticsMeta(statistic_id="sensor.x", source="recorder", has_mean=True, has_sum=False))
            session.commit()
            start = timedelta(0).total_seconds()
            session.add_all(
                StatisticsShortTerm(
                    metadata_id=1, created_ts=now, start_ts=start + 300 * number, mean=1.5, min=1.0, max=2.0
                )
                for number in range(WEIGHED)
            )
            session.commit()
        with_statistics = file.stat().st_size
        engine.dispose()
    return (with_states - empty) / WEIGHED, (with_statistics - with_states) / WEIGHED

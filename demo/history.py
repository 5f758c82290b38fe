"""Long-term statistics from hours that the simulated site lived through while Home Assistant did not look."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from .client import Client, until
from .gateway import Entities
from .model import Hour

_MEAN_NONE: Final = 0
_MEAN_ARITHMETIC: Final = 1

# Home Assistant must have read every counter of the site by then.
_LONGEST_READING: Final = 60


@dataclass(frozen=True, slots=True)
class Counted:
    """An energy counter: where it is in Home Assistant, and its name in the site's counters.

    `kind` is that of a device of which there is one, or a device's key; so it is below.
    """

    kind: str
    key: str
    counter: str


@dataclass(frozen=True, slots=True)
class Measured:
    """A measurement: where it is in Home Assistant, and the names in `Hour.mean` that add up to it."""

    kind: str
    key: str
    names: tuple[str, ...]
    unit_class: str | None = "power"
    unit: str = "W"


# Home Assistant takes the sum of the oldest row there is for the energy of that hour. A row out of everyone's sight
# holds the beginning, so that the first hour of the history shows its own energy.
_OLDEST: Final = datetime(2000, 1, 1, tzinfo=UTC)


def counter_rows(hours: Iterable[Hour], counter: str, zero: float) -> list[dict[str, Any]]:
    """Rows whose sum is 0 where the counter shows `zero`."""
    return [
        {
            "start": hour.start.isoformat(),
            "state": round(hour.counters[counter], 2),
            "sum": round(hour.counters[counter] - zero, 2),
        }
        for hour in hours
    ]


def mean_rows(hours: Iterable[Hour], names: Iterable[str], *, inverted: bool = False) -> list[dict[str, Any]]:
    """Rows of the sum of some measurements; the extremes are those that the sum cannot exceed."""
    names = tuple(names)

    def added(values: Mapping[str, float]) -> float:
        return round(sum(values[name] for name in names) * (-1 if inverted else 1), 1)

    rows = []
    for hour in hours:
        low, high = sorted((added(hour.low), added(hour.high)))
        rows.append({"start": hour.start.isoformat(), "mean": added(hour.mean), "min": low, "max": high})
    return rows


async def import_history(
    client: Client,
    entities: Entities,
    hours: list[Hour],
    counted: Iterable[Counted],
    measured: Iterable[Measured],
) -> None:
    """Give the statistics the hours that they lack, so that what follows live goes on from them without a leap."""
    if not hours:
        return
    ids = {counter: entities.find(counter.kind, counter.key) for counter in counted}
    live = await _readings(client, ids.values())
    zeros = await _zeros(client, ids.values(), hours[0].start)
    for counter, entity_id in ids.items():
        rows = counter_rows(hours, counter.counter, zeros.get(entity_id, live[entity_id]))
        if entity_id not in zeros:
            before = hours[0].energies[counter.counter]
            rows.insert(0, {"start": _OLDEST.isoformat(), "state": 0, "sum": round(rows[0]["sum"] - before, 2)})
        await _import(client, entity_id, rows, _MEAN_NONE, "energy", "kWh")
    for measurement in measured:
        entity_id = entities.find(measurement.kind, measurement.key)
        rows = mean_rows(hours, measurement.names)
        await _import(client, entity_id, rows, _MEAN_ARITHMETIC, measurement.unit_class, measurement.unit)
    for source in (await client.call("energy/get_prefs"))["energy_sources"]:
        if "stat_rate_inverted" in source.get("power_config", {}):
            # Home Assistant's own sensor, which turns the battery power round for the Energy dashboard.
            rows = mean_rows(hours, ("battery",), inverted=True)
            await _import(client, source["stat_rate"], rows, _MEAN_ARITHMETIC, "power", "W")


async def _readings(client: Client, entity_ids: Iterable[str]) -> dict[str, float]:
    """What the counters show, as soon as all show something."""
    wanted = set(entity_ids)

    async def ask() -> dict[str, float] | None:
        states = {state["entity_id"]: state["state"] for state in await client.call("get_states")}
        try:
            return {entity_id: float(states[entity_id]) for entity_id in wanted}
        except KeyError, ValueError:
            return None

    return await until(ask, seconds=_LONGEST_READING, what="a reading of every counter")


async def _zeros(client: Client, entity_ids: Iterable[str], before: datetime) -> dict[str, float]:
    """What each counter showed where its sum is 0, from the statistics of the hours before.

    A counter without statistics begins with the sum 0 at the first reading that Home Assistant gets.
    """
    known = await client.call(
        "recorder/statistics_during_period",
        start_time=(before - timedelta(days=90)).isoformat(),
        end_time=before.isoformat(),
        statistic_ids=list(entity_ids),
        period="hour",
        types=["state", "sum"],
        units={"energy": "kWh"},
    )
    return {entity_id: rows[-1]["state"] - rows[-1]["sum"] for entity_id, rows in known.items() if rows}


async def _import(
    client: Client, entity_id: str, rows: list[dict[str, Any]], mean_type: int, unit_class: str | None, unit: str
) -> None:
    await client.call(
        "recorder/import_statistics",
        metadata={
            "statistic_id": entity_id,
            "source": "recorder",
            "name": None,
            "has_sum": mean_type == _MEAN_NONE,
            "mean_type": mean_type,
            "unit_class": unit_class,
            "unit_of_measurement": unit,
        },
        stats=rows,
    )

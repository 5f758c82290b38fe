"""Run every benchmark, or those named; print a table for the sites, and one each for the bus and for the alarms."""

import argparse
import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from demo.netvision_machines import MACHINES
from demo.sites import SITES

from . import alarms, bus, history, home, setting, wire

type Rows = list[tuple[str, str]]

BENCHMARKS: dict[str, Callable[[str], Awaitable[Rows]]] = {
    "wire": wire.measure,
    "home": home.measure,
    "history": history.measure,
}
ALONE: dict[str, Callable[[], Awaitable[Rows]]] = {"bus": bus.measure, "alarms": alarms.measure}
"""What is measured without a site."""


async def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *BENCHMARKS, *ALONE], help="which ones (all)")
    parser.add_argument("--site", choices=[*SITES, setting.CARD], help="which of the demo's sites (each), or a card")
    parser.add_argument("--machine", choices=MACHINES, default="netys", help="what the card is plugged into (netys)")
    parser.add_argument("--channels", choices=setting.CHANNELS, help="how the card is read (each way)")
    options = parser.parse_args()
    if names := [name for name in options.names or BENCHMARKS if name in BENCHMARKS]:
        sites = setting.names(options.site, options.machine, options.channels)
        _print({site: dict([row for name in names for row in await BENCHMARKS[name](site)]) for site in sites})
    for name, measure in ALONE.items():
        if name in (options.names or ALONE):
            _print({name: dict(await measure())})


def _print(columns: Mapping[str, Mapping[str, str]]) -> None:
    first = next(iter(columns.values()))
    width = max(len(what) for what in first)
    print(f"| {'what':<{width}} | {' | '.join(columns)} |\n| {'-' * width} |{' --- |' * len(columns)}")
    for what in first:
        print(f"| {what:<{width}} | {' | '.join(column[what] for column in columns.values())} |")


logging.basicConfig(level=logging.ERROR)
asyncio.run(main())

"""Run every benchmark, or those named, and print one table."""

import argparse
import asyncio
import logging
from collections.abc import Awaitable, Callable

from demo.netvision_machines import MACHINES
from demo.sites import SITES

from . import history, home, setting, wire

type Rows = list[tuple[str, str]]

BENCHMARKS: dict[str, Callable[[str], Awaitable[Rows]]] = {
    "wire": wire.measure,
    "home": home.measure,
    "history": history.measure,
}


async def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *BENCHMARKS], help="which ones (all)")
    parser.add_argument("--site", choices=[*SITES, setting.CARD], help="which of the demo's sites (each), or a card")
    parser.add_argument("--machine", choices=MACHINES, default="netys", help="what the card is plugged into (netys)")
    parser.add_argument("--channels", choices=setting.CHANNELS, help="how the card is read (each way)")
    options = parser.parse_args()
    names = options.names or list(BENCHMARKS)
    sites = setting.names(options.site, options.machine, options.channels)
    columns = {site: dict([row for name in names for row in await BENCHMARKS[name](site)]) for site in sites}
    width = max(len(what) for what in columns[sites[0]])
    print(f"| {'what':<{width}} | {' | '.join(sites)} |\n| {'-' * width} |{' --- |' * len(sites)}")
    for what in columns[sites[0]]:
        print(f"| {what:<{width}} | {' | '.join(columns[site][what] for site in sites)} |")


logging.basicConfig(level=logging.ERROR)
asyncio.run(main())

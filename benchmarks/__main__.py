"""Run every benchmark, or those named, and print one table."""

import argparse
import asyncio
import logging
from collections.abc import Awaitable, Callable

from . import history, home, wire

type Rows = list[tuple[str, str]]

BENCHMARKS: dict[str, Callable[[], Awaitable[Rows]]] = {
    "wire": wire.measure,
    "home": home.measure,
    "history": history.measure,
}


async def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *BENCHMARKS], help="which ones (all)")
    names = parser.parse_args().names or list(BENCHMARKS)
    rows = [row for name in names for row in await BENCHMARKS[name]()]
    width = max(len(what) for what, _ in rows)
    print(f"| {'what':<{width}} | measured |\n| {'-' * width} | --- |")
    for what, figure in rows:
        print(f"| {what:<{width}} | {figure} |")


logging.basicConfig(level=logging.ERROR)
asyncio.run(main())

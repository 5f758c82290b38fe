"""Writes an alarm log until it is killed, again and again, and prints what was lost as JSON.

Each round a child writes edges and confirms them in a pipe; it is killed in the middle of whatever it does then.
"""

import json
import os
import random
import signal
import sys
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

# By itself: Home Assistant takes a second to import, and long to copy a hundred times.
sys.path.append(str(Path(__file__).parents[2] / "custom_components/energy_suite/site"))
episodes: Any = import_module("alarms.episodes")
log_file: Any = import_module("alarms.log")

START = 1_800_000_000.0
MOST = 15


def edges(chance: random.Random, first: int) -> list[Any]:
    """A few alarms, or so many that the kernel takes its time to write them."""
    text = {"note": "x" * chance.choice((10, 200, 200, 60_000))}
    return [
        episodes.Edge(
            number=number,
            change=episodes.Change.RAISED,
            at=START + number,
            episode=episodes.Episode(
                number=number,
                source=episodes.Source.AUTOMATIC,
                subject="battery",
                key="hot",
                severity=episodes.Severity.WARNING,
                worst=episodes.Severity.WARNING,
                started=START + number,
                cleared=START + number + 0.5,
                details=text,
            ),
        )
        for number in range(first, first + chance.choice((1, 1, 3)))
    ]


def write(path: Path, first: int, pipe: int, seed: int) -> None:
    """Write and confirm for ever."""
    chance = random.Random(seed)
    log = log_file.AlarmLog(path, most=MOST, slack=chance.choice((0, 30)))
    log.open()
    while True:
        batch = edges(chance, first)
        log.write(batch, START)
        first += len(batch)
        os.write(pipe, first.to_bytes(8))


def killed_round(path: Path, first: int, chance: random.Random) -> int:
    """Kill a writer; returns the number after the last one that it confirmed."""
    reader, writer = os.pipe()
    seed = chance.randrange(2**32)
    if (child := os.fork()) == 0:
        try:
            write(path, first, writer, seed)
        finally:
            os._exit(1)
    os.close(writer)
    for _ in range(chance.randrange(1, 5)):
        first = int.from_bytes(os.read(reader, 8))
    # Somewhere in the next writes.
    signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGKILL))
    signal.setitimer(signal.ITIMER_REAL, chance.uniform(1e-6, 3e-3))
    while confirmed := os.read(reader, 8):
        first = int.from_bytes(confirmed)
    os.close(reader)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        raise SystemExit("the writer ended by itself")
    return first


def main(path: Path, rounds: int) -> None:
    """Kill so many writers."""
    warnings.simplefilter("error")
    chance = random.Random(9)
    first, lost, damaged, torn, rewritten = 0, 0, 0, 0, 0
    for _ in range(rounds):
        first = killed_round(path, first, chance)
        torn += not path.read_bytes().endswith(b"\n")
        rewritten += path.with_name(f"{path.name}.new").exists()
        log = log_file.AlarmLog(path, most=MOST)
        numbers = {episode.number for episode in log.open()}
        log.close()
        lost += len(set(range(max(first - MOST + 3, 0), first)) - numbers)
        damaged += log.damaged
        first = max(numbers) + 1
    sys.stdout.write(
        json.dumps({"confirmed": first, "lost": lost, "damaged": damaged, "torn": torn, "rewriting": rewritten})
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))

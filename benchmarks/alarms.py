"""What the alarm engine costs and whether it is right: a day of noisy signals, and an alarm that flaps all night.

The day is compared with an oracle that knows the whole signal of a rule at once and looks for its runs, while the
engine sees one state after the other and forgets everything but its stored state once an hour.
"""

import json
import math
import random
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from time import process_time

from custom_components.energy_suite.gateways.base import Alarm, Severity
from custom_components.energy_suite.site.alarms.engine import AlarmEngine, Edges, Settings
from custom_components.energy_suite.site.alarms.episodes import Change
from custom_components.energy_suite.site.alarms.limits import Limits
from custom_components.energy_suite.site.alarms.recipients import Recipient
from custom_components.energy_suite.site.alarms.rules import Rule
from custom_components.energy_suite.site.alarms.telling import Telling

type Seen = tuple[Change, str, float]
"""What happened to which alarm when."""
type Signal = Sequence[float | None]
"""A value each second; None where it is not known."""

START = 1_800_000_000.0
DAY, HOUR = 86_400, 3_600
RULES = 200
FLAPPING = 10 * HOUR

_NOISE = [random.Random(7).gauss() for _ in range(65_537)]


def a_rule(number: int) -> Rule:
    """One of many different rules for values around 50."""
    chance = random.Random(number)
    low = chance.uniform(30, 45)
    high = chance.uniform(55, 70)
    delay = chance.choice((0, 0, 5, 60, 300))
    sides = chance.choice(("low", "high", "both"))
    return Rule(
        id=f"rule {number}",
        low=low if sides != "high" else None,
        low_hysteresis=low + chance.uniform(0, 8) if sides != "high" else None,
        high=high if sides != "low" else None,
        high_hysteresis=high - chance.uniform(0, 8) if sides != "low" else None,
        delay=delay,
    )


def a_signal(number: int, seconds: range) -> list[float | None]:
    """The value of a rule's entity in some seconds of the day: a slow swing, noise, and now and then nothing."""
    chance = random.Random(f"signal {number}")
    period, swing, noise = chance.uniform(1200, 20_000), chance.uniform(10, 25), chance.uniform(0.2, 4)
    turn, shift = 2 * math.pi / period, chance.randrange(len(_NOISE))
    silence = chance.randrange(2000, 9000)
    return [
        None
        if second % silence < 40
        else round(50 + swing * math.sin(second * turn) + noise * _NOISE[(second + shift) % len(_NOISE)], 2)
        for second in seconds
    ]


# --- the oracle ------------------------------------------------------------------------------------------------------


def expected(rule: Rule, signal: Signal, start: float = START) -> list[Seen]:
    """All edges of a rule, from its whole signal."""
    edges: list[Seen] = []
    if rule.low is not None and rule.low_end is not None:
        edges += _runs(rule, "below_low_threshold", signal, rule.low, rule.low_end, start)
    if rule.high is not None and rule.high_end is not None:
        mirrored = [None if value is None else -value for value in signal]
        edges += _runs(rule, "above_high_threshold", mirrored, -rule.high, -rule.high_end, start)
    return sorted(edges, key=lambda edge: edge[2])


def _runs(rule: Rule, key: str, signal: Signal, threshold: float, end: float, start: float) -> Iterator[Seen]:
    """A run lasts from a value below the threshold to the next one that is at its end or above."""
    tag = f"rule/{rule.id}/{key}"
    known = [(second, value) for second, value in enumerate(signal) if value is not None]
    begins = [second for second, value in known if value < threshold]
    ends = [second for second, value in known if value >= end]
    position = 0
    while position < len(begins):
        begin = begins[position]
        over = bisect_left(ends, begin)
        last = ends[over] if over < len(ends) else len(signal)
        raised = _raised(signal, begin, last, rule.delay)
        if raised is not None:
            yield Change.RAISED, tag, start + raised
            if last < len(signal):
                yield Change.CLEARED, tag, start + last
        position = bisect_left(begins, last)


def _raised(signal: Signal, begin: int, last: int, delay: float) -> int | None:
    """The second in which a run is raised: the delay is over, and the value is known.

    A value holds until the next one comes, so that at the very end it is still the one before.
    """
    due = begin + math.ceil(delay)
    for second in range(due, min(last + 1, len(signal))):
        if signal[second if second == begin else second - 1] is not None or (
            second < last and signal[second] is not None
        ):
            return second
    return None


# --- the measurements ------------------------------------------------------------------------------------------------


def restarted(engine: AlarmEngine, settings: Settings, now: float) -> AlarmEngine:
    """The engine of the next run: nothing is left but what was stored."""
    return AlarmEngine(settings, now, json.loads(json.dumps(engine.state(now))))


def _seen(edges: Edges) -> Iterator[Seen]:
    return ((edge.change, edge.episode.tag, edge.at) for edge in edges)


def a_day(rules: int = RULES, seconds: int = DAY) -> tuple[float, Counter[Seen], Counter[Seen]]:
    """Run it: the CPU time in s that the engine took, what it saw and what the oracle expects."""
    watched = [a_rule(number) for number in range(rules)]
    settings = Settings(rules=tuple(watched), telling=Telling(recipients=(Recipient(id="somebody"),)))
    engine = AlarmEngine(settings, START)
    seen: Counter[Seen] = Counter()
    taken = 0.0
    for begin in range(0, seconds, HOUR):
        hour = range(begin, min(begin + HOUR, seconds))
        # As Home Assistant has them: states are texts.
        states = [
            ["unknown" if value is None else str(value) for value in a_signal(number, hour)] for number in range(rules)
        ]
        rounds = list(zip(*states, strict=True))
        began = process_time()
        engine = restarted(engine, settings, START + begin)
        for second, values in zip(hour, rounds, strict=True):
            now = START + second
            if now >= engine.next_due:
                seen.update(_seen(engine.tick(now)))
            for rule, value in zip(watched, values, strict=True):
                if edges := engine.see(rule.id, value, now):
                    seen.update(_seen(edges))
                    engine.logged(edges[-1].number)
            for notification in engine.hand_out(now):
                engine.delivered(notification.number)
        taken += process_time() - began
    wanted = Counter(
        edge for number, rule in enumerate(watched) for edge in expected(rule, a_signal(number, range(seconds)))
    )
    return taken, seen, wanted


def a_night(limits: Limits, seconds: int = FLAPPING) -> tuple[int, int]:
    """Let an alarm come and go each second: how many edges and how many messages there were."""
    settings = Settings(telling=Telling(recipients=(Recipient(id="somebody"),), limits=limits))
    engine = AlarmEngine(settings, START)
    alarm = Alarm("low_battery", Severity.CRITICAL)
    edges = messages = 0
    for second in range(seconds):
        now = START + second
        edges += len(seen := engine.device_alarms("battery", (alarm,) if second % 2 else (), now))
        if seen:
            engine.logged(seen[-1].number)
        for notification in engine.hand_out(now):
            messages += 1
            engine.delivered(notification.number)
    return edges, messages


async def measure() -> list[tuple[str, str]]:
    """Replay the day and the night."""
    taken, seen, wanted = a_day()
    limits = Limits()
    edges, messages = a_night(limits)
    return [
        (f"edges of {RULES} rules in a day with a restart each hour", f"{wanted.total()}"),
        ("edges lost", f"{(wanted - seen).total()}"),
        ("edges double or invented", f"{(seen - wanted).total()}"),
        ("CPU for that day", f"{taken:.1f} s ({taken / DAY * 100:.4f} % of a core)"),
        (f"edges of an alarm that flaps each second for {FLAPPING // HOUR} h", f"{edges}"),
        (f"messages about it (limit {limits.messages})", f"{messages}"),
    ]

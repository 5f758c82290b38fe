"""Restarts at any moment: no edge is lost or seen twice, no message is lost or told twice."""

import random
from collections import Counter
from collections.abc import Callable
from datetime import time
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from custom_components.energy_suite.gateways.base import Alarm, Severity
from custom_components.energy_suite.site.alarms import episodes
from custom_components.energy_suite.site.alarms.communication import Communication
from custom_components.energy_suite.site.alarms.engine import Edges, Settings
from custom_components.energy_suite.site.alarms.geofence import Circle, Geofence
from custom_components.energy_suite.site.alarms.limits import Limits
from custom_components.energy_suite.site.alarms.log import AlarmLog
from custom_components.energy_suite.site.alarms.quiet_hours import QuietHours
from custom_components.energy_suite.site.alarms.recipients import Level, Recipient
from custom_components.energy_suite.site.alarms.rules import Rule
from custom_components.energy_suite.site.alarms.telling import Telling
from tests.site.alarm_site import Site

type Step = Callable[[Site], object]

CHOSEN = Settings(
    telling=Telling(
        recipients=(
            Recipient(id="everything"),
            Recipient(
                id="night",
                severities=frozenset({episodes.Severity.CRITICAL, episodes.Severity.WARNING}),
                quiet_hours=(QuietHours(time(8, 10), time(9, 0)),),
            ),
            Recipient(id="critical", severities=frozenset({episodes.Severity.CRITICAL})),
        ),
        level=Level.ALARMS_ONLY,
        levels={"battery": Level.WARNINGS_AND_ALARMS},
        limits=Limits(messages=6, period=1800, quiet=7200),
    ),
    rules=(
        Rule(id="voltage", low=48, low_hysteresis=50, high=57, high_hysteresis=56, delay=60, no_data=120),
        Rule(id="fridge", high=8, high_hysteresis=6, severity=episodes.Severity.CRITICAL),
        Rule(id="inverting", armed=frozenset({"inverting", "off"}), delay=30, grid=True),
    ),
    communication=(Communication(gateway="gx", gap=100),),
    geofences=(Geofence(id="mooring", shape=Circle((50.0, 3.0), 100), gap=90, delay=5),),
)
TAGS = (
    "automatic/battery/low_voltage",
    "automatic/ups/on_battery",
    "rule/voltage/below_low_threshold",
    "rule/fridge/above_high_threshold",
    "grid/site/grid_failure",
)


def alarms_of(chance: random.Random, *keys: str) -> tuple[Alarm, ...]:
    return tuple(
        Alarm(key, chance.choice(list(Severity)), chance.random() < 0.5) for key in keys if chance.random() < 0.5
    )


def _device(chance: random.Random) -> Step:
    device, keys = chance.choice(
        (("battery", ("low_voltage", "fuse")), ("gx", ("grid_lost",)), ("ups", ("on_battery",)))
    )
    alarms, available = alarms_of(chance, *keys), chance.random() < 0.85
    return lambda site: site.device(device, *alarms, available=available)


def _state(chance: random.Random) -> Step:
    rule, states = chance.choice(
        (
            ("voltage", ("47.9", "48.0", "49.9", 50.0, "56.5", "57.1", "unknown", None)),
            ("fridge", (5.0, "7", 8.1, "unavailable")),
            ("inverting", ("inverting", "bulk", "off", "unavailable")),
        )
    )
    state = chance.choice(states)
    return lambda site: site.state(rule, state)


def _connection(chance: random.Random) -> Step:
    connected = chance.random() < 0.5
    return lambda site: site.connection("gx", connected)


def _position(chance: random.Random) -> Step:
    position = chance.choice(((50.0, 3.0), (50.0011, 3.0), (50.1, 3.0), (None, None)))
    return lambda site: site.position("mooring", *position)


def _wait(chance: random.Random) -> Step:
    seconds = chance.choice((0, 1, 4, 31, 59, 60, 120, 1900, 8000))
    return lambda site: site.wait(seconds)


def _user(chance: random.Random) -> Step:
    tag, seconds = chance.choice(TAGS), chance.choice((40, 600))
    return chance.choice(
        (
            lambda site: site.acknowledge(tag),
            lambda site: site.snooze(tag, seconds),
            lambda site: site.reset_limits(),
        )
    )


SEEN = (_device, _device, _state, _state, _connection, _position, _wait, _wait)


def story(seed: int, steps: int, kinds: tuple[Callable[[random.Random], Step], ...]) -> list[Step]:
    chance = random.Random(seed)
    return [chance.choice(kinds)(chance) for _ in range(steps)]


def edges_of(site: Site) -> Counter[tuple[str, str, float]]:
    return Counter((edge.change, edge.episode.tag, edge.at) for edge in site.edges)


def messages_of(site: Site) -> Counter[tuple[str, str, str, float]]:
    """Each message once, by its number."""
    return Counter(
        (message.recipient, message.kind, message.tag, message.at)
        for message in {message.number: message for message in site.messages}.values()
    )


def run(steps: list[Step], restarts: frozenset[int] = frozenset(), delivers: frozenset[int] | None = None) -> Site:
    """Live through a story; messages are delivered after each step, or after some only."""
    site = Site(CHOSEN, delivers=delivers is None)
    site.look()
    for number, step in enumerate(steps):
        step(site)
        if delivers is not None and number in delivers:
            site.deliver()
        if number in restarts:
            site.restart()
    site.deliver()
    return site


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    restarts=st.frozensets(st.integers(0, 79), max_size=20),
    delivers=st.frozensets(st.integers(0, 79)),
)
def test_a_story_with_restarts_is_the_same_story(seed, restarts, delivers):
    steps = story(seed, 80, (*SEEN, _user))
    smooth = run(steps)
    restarted = run(steps, restarts, delivers)
    assert edges_of(restarted) == edges_of(smooth)
    assert messages_of(restarted) == messages_of(smooth)
    assert len(restarted.messages) == messages_of(restarted).total()
    assert restarted.engine.active == smooth.engine.active


def test_a_hundred_restarts_at_random_instants_change_nothing():
    chance = random.Random(100)
    steps = story(1, 1000, (*SEEN, _user))
    smooth = run(steps)
    restarted = run(steps, frozenset(chance.sample(range(1000), 100)), frozenset(chance.sample(range(1000), 300)))
    assert edges_of(restarted) == edges_of(smooth)
    assert edges_of(smooth).total() > 300
    assert messages_of(restarted) == messages_of(smooth)
    assert len(restarted.messages) == messages_of(smooth).total() > 200


# --- kills: what was stored last may be older than what happened -----------------------------------------------------


class Killed(Exception):
    """The end of a run in the middle of a step."""


class KilledSite(Site):
    """Keeps its log and its state as Home Assistant does; a kill may come between any two steps of that."""

    def __init__(self, folder: Path, chance: random.Random, odds: float) -> None:
        self.chance, self.odds = chance, odds
        self.log = AlarmLog(folder / "alarms.jsonl")
        self.log.open()
        self.kills = 0
        super().__init__(CHOSEN)
        self.on_disk = self.stored()

    def tick(self, now: float) -> None:
        self.now = now
        self.on_disk = self.stored()  # it is stored now and then, so that no time is lost
        super().tick(now)

    def keep(self, edges: Edges) -> None:
        try:
            self._maybe_killed()
            self._keep()
        except Killed:
            self.kills += 1
            self.log.close()
            odds, self.odds = self.odds, 0.0
            self.restart(stored=self.on_disk, logged=self.log.open())
            self.odds = odds

    def _keep(self) -> None:
        if unlogged := self.engine.unlogged:
            self.log.write(unlogged, self.now)
            self._maybe_killed()
            self.engine.logged(unlogged[-1].number)
        self._store()
        while due := self.engine.hand_out(self.now):
            self._maybe_killed()
            for notification in due:
                self.messages.append(notification)
                self._maybe_killed()
                self.engine.delivered(notification.number)
            self._store()

    def _store(self) -> None:
        self.on_disk = self.stored()
        self._maybe_killed()

    def _maybe_killed(self) -> None:
        if self.chance.random() < self.odds:
            raise Killed


def entries_of(log: AlarmLog) -> Counter[tuple[str, float, float | None, int]]:
    return Counter((each.tag, each.started, each.cleared, each.worst) for each in log.query())


@pytest.mark.parametrize("seed", range(8))
def test_a_kill_between_any_two_steps_loses_nothing_and_logs_nothing_twice(seed, tmp_path):
    folders = [tmp_path / name for name in ("smooth", "killed")]
    for folder in folders:
        folder.mkdir()
    steps = story(seed, 100, SEEN)
    smooth = KilledSite(folders[0], random.Random(seed), 0.0)
    killed = KilledSite(folders[1], random.Random(seed), 0.1)
    for site in (smooth, killed):
        for step in steps:
            step(site)
    assert killed.kills > 9
    assert entries_of(killed.log) == entries_of(smooth.log)
    assert messages_of(killed) == messages_of(smooth)
    assert sorted(AlarmLog(folders[1] / "alarms.jsonl").open(), key=lambda each: each.number) == sorted(
        killed.log.query(), key=lambda each: each.number
    )

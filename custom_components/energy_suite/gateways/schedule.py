"""Who is read when on one connection: pure, with an explicit clock.

A round reads the live parts of every unit that answers, unit by unit, so that the values of one round belong together.
The time left until the next round is filled with what is due more rarely: slow parts, a look for parts that were
absent. If rounds take longer than the interval, one such read is served between two rounds, so that nothing starves.

A unit that falls silent costs a round of the others one timeout. Whether it stays so is asked after the round, and
later whether it is back: when the time left suffices for another timeout. Where it never does, one such question is put
between two rounds of which the former waited for nobody else, and all of them together take a hundredth of the time.

A gateway that answers late is asked less often: its processor has more to do than to answer us (VRM manual 4.4, 18).
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import chain
from statistics import median

from .base import Speed

DEFAULT_INTERVAL = 10.0
SLOW_INTERVAL = 30.0
PROBE_INTERVAL = 6 * 3600.0
FIRST_BACK_OFF = 5.0
LONGEST_BACK_OFF = 300.0
LONGEST_WITHOUT_LINK = 60.0
"""s between two tries to open a link: they keep nobody else waiting, and everything behind it is blind meanwhile."""
FRESH_INTERVALS = 3
ROUNDS_IN_A_ROW = 3
SLOWEST_INTERVAL = 30.0
SHARE_OF_LOOKS = 0.01


class Outcome(Enum):
    """What became of a read."""

    ANSWERED = auto()
    ABSENT = auto()  # the device does not have this part
    GONE = auto()  # the gateway says that the device is not there
    SILENT = auto()  # no usable answer in time
    LOST = auto()  # the link could not be opened, or dropped


@dataclass(frozen=True)
class Read:
    """Read this part of this unit now. ``reports`` says that the unit's turn ends with it."""

    unit: str
    part: str
    reports: bool = True


@dataclass(frozen=True)
class Wait:
    """Nothing to do before that time."""

    until: float


@dataclass
class _Part:
    speed: Speed
    due: float
    absent: bool = False
    seen: bool = False
    """Whether it ever answered: then its absence is an interruption, not how the device is made."""
    back_off: float = 0.0

    def leave_alone(self, now: float, pause: float) -> None:
        """Look for it again after a pause."""
        self.absent, self.due = True, now + pause


@dataclass
class _Unit:
    parts: dict[str, _Part]
    up: bool = True
    lost: bool = False
    """Whether it is down because the link is, not because it fell silent itself."""
    wanted: bool = False
    """Whether it is looked for because somebody wants it."""
    tries: int = 0
    """How often it has just been silent; until it is asked again, no round waits for it."""
    retry_at: float = 0.0
    back_off: float = 0.0
    cost: float = 0.0
    """How long in s it was last waited for in vain."""

    @property
    def live(self) -> list[str]:
        """The live parts that it has."""
        return [name for name, part in self.parts.items() if part.speed is Speed.LIVE and not part.absent]

    @property
    def telling(self) -> str:
        """The part that is asked whether the unit is back: live ones in turn, as without them it counts as gone."""
        live = {name: part for name, part in self.parts.items() if part.speed is Speed.LIVE} or self.parts
        return min(live, key=lambda name: live[name].due)


def _longer(back_off: float) -> float:
    """The next pause after a failed look."""
    return min(max(back_off * 2, FIRST_BACK_OFF), LONGEST_BACK_OFF)


@dataclass
class Brake:
    """Doubles the interval while answers come late for several rounds in a row, and halves it again when they do not.

    An answer is late when the median of a round takes more than half of the time it may take.
    """

    timeout: float | None = None
    """s that an answer may take; without it nothing is slowed down."""
    factor: int = 1
    """How many times the interval is what the user set."""
    _answers: list[float] = field(default_factory=list)
    _late: int = 0
    """Rounds in a row that were late, or negative, that were not."""

    def interval(self, wanted: float) -> float:
        """The time in s between two rounds now."""
        return max(wanted, min(wanted * self.factor, SLOWEST_INTERVAL))

    def answered(self, seconds: float) -> None:
        """Take note of how long an answer, or waiting for it, took."""
        self._answers.append(seconds)

    def end_round(self, wanted: float) -> None:
        """Judge the round that is over."""
        answers, self._answers = self._answers, []
        if self.timeout is None or not answers:
            return
        step = 1 if median(answers) > self.timeout / 2 else -1
        self._late = step if self._late * step < 0 else self._late + step
        if abs(self._late) < ROUNDS_IN_A_ROW:
            return
        self._late = 0
        if step < 0:
            self.factor = max(self.factor // 2, 1)
        elif wanted * self.factor < SLOWEST_INTERVAL:
            self.factor *= 2


@dataclass
class Schedule:
    """The reads of one connection. Times are s of any clock that does not jump."""

    interval: float
    """The time in s between the starts of two rounds that the user wants."""
    slow_interval: float = SLOW_INTERVAL
    probe_interval: float = PROBE_INTERVAL
    achieved: float | None = None
    """The time in s between the starts of the last two rounds."""
    slow_achieved: float = 0.0
    """The time in s between the last two readings of the slow part that was read last."""
    rounds: int = 0
    brake: Brake = field(default_factory=Brake)
    _units: dict[str, _Unit] = field(default_factory=dict)
    _urgent: deque[tuple[str, str]] = field(default_factory=deque)
    _queue: deque[tuple[str, str]] = field(default_factory=deque)
    _again: Read | None = None
    """A read that brought nothing and is repeated at once."""
    _retries: deque[tuple[str, str]] = field(default_factory=deque)
    """What is left of the turns of units that were silent once."""
    _asked_at: float = 0.0
    _round_at: float | None = None
    _spare: float | None = None
    """The time in s that was left when the round was over; None until it is."""
    _owed: bool = False
    """Whether something slow is owed a turn before the next round."""
    _waited: bool = False
    """Whether this round waited for a unit in vain."""
    _look_from: float = 0.0
    """Before that time no silent unit is asked whether it is back."""

    def add(self, unit: str, parts: Mapping[str, Speed], now: float) -> None:
        """Read a unit from now on; every part is due at once."""
        self._units[unit] = _Unit({name: _Part(speed, now) for name, speed in parts.items()})
        self._urgent.extend((unit, name) for name in parts)

    def remove(self, unit: str) -> None:
        """Read a unit no more."""
        self._units.pop(unit, None)
        if self._again is not None and self._again.unit == unit:
            self._again = None
        self._forget([unit])

    def expedite(self, unit: str, parts: Iterable[str] | None = None) -> None:
        """Read these parts (or all that the unit has) before anything else, as after a command."""
        state = self._units[unit]
        names = [name for name, part in state.parts.items() if not part.absent] if parts is None else list(parts)
        self._urgent.extend((unit, name) for name in names if (unit, name) not in self._urgent)

    def look_again(self, now: float) -> None:
        """Make everything absent and every silent unit due now."""
        for state in self._units.values():
            state.retry_at, state.wanted = now, not state.up
            for part in state.parts.values():
                if part.absent:
                    part.due = now

    def is_up(self, unit: str) -> bool:
        """Whether the unit answers."""
        return self._units[unit].up

    def back_off(self, unit: str) -> float:
        """How long the unit is left alone between two looks, in s; 0 while it answers."""
        return self._units[unit].back_off

    @property
    def pace(self) -> float:
        """The time in s between the starts of two rounds that the gateway can bear."""
        return self.brake.interval(self.interval)

    @property
    def slowed(self) -> bool:
        """Whether the gateway is asked less often than the user wants."""
        return self.pace > self.interval

    def lifetime(self, speed: Speed) -> float:
        """How long in s a value of this speed is fresh."""
        if speed is Speed.ONCE:
            return float("inf")
        if speed is Speed.SLOW:
            return FRESH_INTERVALS * max(self.slow_interval, self.slow_achieved)
        return FRESH_INTERVALS * max(self.pace, self.achieved or 0.0)

    # --- what is next ----------------------------------------------------------------------------------------------

    def next(self, now: float) -> Read | Wait:
        """What to do now."""
        self._asked_at = now
        again, self._again = self._again, None
        if again is not None:
            return again
        if (read := self._take(self._urgent)) is not None:
            return read
        if not self._queue:
            if self._round_at is not None and self._spare is None:
                self._spare = self._round_at + self.pace - now
            if (read := self._between(now)) is not None:
                return read
            if self._is_late(now):
                self._start_round(now)
        return self._take(self._queue) or self._between(now) or Wait(self._next_due(now))

    def _between(self, now: float) -> Read | None:
        """What is read between two rounds now, or by itself where there are no rounds."""
        if self._retries and self._may_ask(self._units[self._retries[0][0]], now):
            return self._take(self._retries)
        if (read := self._due(self._looks(now), now)) is not None:
            return read
        if self._is_late(now) and not self._owed:
            return None
        self._owed = False
        return self._due(self._slow(), now)

    def _may_ask(self, state: _Unit, now: float) -> bool:
        """Whether the others can bear that a unit is asked now that may not answer."""
        if state.lost or (state.up and not state.tries):
            return True
        if self._round_at is None or self._spare is None:
            return not self._waited
        if now + state.cost <= self._round_at + self.pace:
            return True
        return not self._waited and self._spare < state.cost

    def _take(self, queue: deque[tuple[str, str]]) -> Read | None:
        """The first of a queue that is to be read; the last of a unit's reports it."""
        while queue:
            unit, part = queue.popleft()
            if self._reads(unit, part):
                return Read(unit, part, reports=not any(other[0] == unit and self._reads(*other) for other in queue))
        return None

    def _reads(self, unit: str, part: str) -> bool:
        state = self._units.get(unit)
        return state is not None and state.up and part in state.parts and not state.parts[part].absent

    def _is_late(self, now: float) -> bool:
        """Whether a round should have started."""
        return self._round_at is None or now >= self._round_at + self.pace

    def _start_round(self, now: float) -> None:
        self._owed, self._waited, self._spare = True, False, None
        live = [
            (unit, name) for unit, state in self._units.items() if state.up and not state.tries for name in state.live
        ]
        if not live:
            self._round_at = None  # the next round is not late, it is the first again
            return
        self.brake.end_round(self.interval)
        if self._round_at is not None:
            self.achieved = now - self._round_at
        self._round_at = now
        self._queue.extend(live)
        self.rounds += 1

    def _looks(self, now: float) -> Iterator[tuple[float, str, str]]:
        """When silent units are asked whether they are back: (when, unit, part)."""
        for unit, state in self._units.items():
            if not state.up and self._may_ask(state, now):
                soon = state.lost or state.wanted
                yield state.retry_at if soon else max(state.retry_at, self._look_from), unit, state.telling

    def _slow(self) -> Iterator[tuple[float, str, str]]:
        """What of units that answer is due outside the rounds: (when, unit, part)."""
        for unit, state in self._units.items():
            if state.up and not state.tries:
                for name, part in state.parts.items():
                    if part.absent or part.speed is Speed.SLOW:
                        yield part.due, unit, name

    def _due(self, rare: Iterator[tuple[float, str, str]], now: float) -> Read | None:
        when, unit, part = min(rare, default=(float("inf"), "", ""))
        return Read(unit, part) if when <= now else None

    def _next_due(self, now: float) -> float:
        # What is due already has to let a round go first.
        rare = min((when for when, _, _ in chain(self._looks(now), self._slow()) if when > now), default=float("inf"))
        if not any(state.live for state in self._units.values() if state.up):
            return rare
        return min(rare, now if self._round_at is None else self._round_at + self.pace)

    # --- what became of it -----------------------------------------------------------------------------------------

    def done(self, read: Read, now: float, outcome: Outcome) -> tuple[str, ...]:
        """Take note of what became of a read. Returns the units whose report is due."""
        state = self._units.get(read.unit)
        if state is None or read.part not in state.parts:
            return ()
        part = state.parts[read.part]
        if outcome in (Outcome.SILENT, Outcome.GONE):
            self._waited, state.cost = True, now - self._asked_at
        match outcome:
            case Outcome.ANSWERED:
                state.tries = 0
                if part.speed is Speed.SLOW:
                    self.slow_achieved = now - part.due + self.slow_interval
                part.absent, part.seen, part.back_off, part.due = False, True, 0.0, now + self.slow_interval
            case Outcome.ABSENT | Outcome.GONE:
                state.tries = 0
                self._miss(part, now, gone=outcome is Outcome.GONE)
                if part.speed is Speed.LIVE and not state.live:
                    return self._give_up([read.unit], now)
            case Outcome.SILENT if state.up and part.absent:
                # A look for what is not there says nothing of what is.
                self._miss(part, now, gone=True)
            case Outcome.SILENT | Outcome.LOST:
                return self._fail(read, now, lost=outcome is Outcome.LOST)
        if not state.up:
            self._restore(read.unit, now)
            return ()
        return (read.unit,) if read.reports else ()

    def _fail(self, read: Read, now: float, *, lost: bool) -> tuple[str, ...]:
        """Ask again, or give up the unit, or all of them with the link. Returns the units whose report is due."""
        state = self._units[read.unit]
        others = [unit for unit, other in self._units.items() if other.up and unit != read.unit]
        if not state.up or state.tries:
            return self._give_up([read.unit, *others] if lost else [read.unit], now, lost=lost)
        state.tries = 1
        if lost or not others:
            self._again = read
            return ()
        turn = [item for queue in (self._retries, self._urgent, self._queue) for item in queue if item[0] == read.unit]
        self._forget([read.unit])
        self._retries.extend([(read.unit, read.part), *turn])
        return ()

    def _miss(self, part: _Part, now: float, *, gone: bool) -> None:
        if gone and part.seen:
            part.back_off = _longer(part.back_off)
            part.leave_alone(now, part.back_off)
        else:
            part.leave_alone(now, self.probe_interval)

    def _restore(self, unit: str, now: float) -> None:
        """One answer restores the pace: everything of the unit is read at once, then it is reported."""
        state = self._units[unit]
        for other in self._units.values():
            if other.lost:
                other.retry_at = now
        state.up, state.lost, state.wanted, state.back_off = True, False, False, 0.0
        for part in state.parts.values():
            part.absent, part.due = False, now
        self._urgent.extend((unit, name) for name in state.parts)

    def _give_up(self, units: list[str], now: float, *, lost: bool = False) -> tuple[str, ...]:
        """Leave units alone for longer and longer. Returns those that answered until now."""
        fallen = tuple(unit for unit in units if self._units[unit].up)
        for unit in units:
            state = self._units[unit]
            state.up, state.tries, state.lost, state.wanted = False, 0, lost, False
            longest = LONGEST_WITHOUT_LINK if lost else LONGEST_BACK_OFF
            state.back_off = min(_longer(state.back_off), longest)
            state.retry_at = now + state.back_off
        self._forget(units)
        if not fallen:
            self._pause_looks(now)
        return fallen

    def _pause_looks(self, now: float) -> None:
        """Let a look in vain that made a round wait be followed by a pause, so that looks take little of the time."""
        late = 0.0 if self._round_at is None else now - max(self._asked_at, self._round_at + self.pace)
        if late > 0:
            silent = sum(not state.up for state in self._units.values())
            self._look_from = now + min(late / SHARE_OF_LOOKS, LONGEST_BACK_OFF / silent)

    def _forget(self, units: Iterable[str]) -> None:
        """Read nothing more that was planned of these units."""
        for queue in (self._queue, self._urgent, self._retries):
            kept = [item for item in queue if item[0] not in units]
            queue.clear()
            queue.extend(kept)

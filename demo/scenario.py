"""A story in time, told by a YAML file, that happens to a site: replayed in a test step by step, or live in the demo.

    name: Power cut
    site: house
    start: 2026-06-15T12:00:00+02:00
    events:
      - at: 0s
        site: {soc: 60, clouds: 0.2}
      - at: 10s
        set: grid_lost
      - at: 1min
        fault: {name: silence, requests: 3}

`site` is `house` where nothing is said. Each event has `at` (seconds, or a text such as `1h30min`) and any of:

- `set`: one or more of the site's switches, in `WORDS`;
- `site`: conditions of the site by name, as `WORDS` has them, and `soc` (%);
- `write`: values by `service/path`, as the screen of the GX would set them, such as `evcharger/Mode: 1`;
- `show`: values by `service/path` that the GX shows from now on whatever the site says; null ends it;
- `vanish`, `reappear`: a service or a list of them;
- `fault`: the name of a fault in `faults`, or `{name: ..., requests: ..., argument: ...}` for so many requests;
- `gx`: `stop`, `start`, `disconnect`, or `clear_faults`;
- `board`: `{trip: circuit}`, also with its cause as in `{trip: {circuit: overload}}`, `{open: circuit}`,
  `{close: circuit}`, or `{replace: meter}` for a new meter; where the house has a board, whose circuits these are.
"""

import asyncio
import inspect
import re
from collections.abc import Awaitable, Callable, Collection, Container, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import yaml  # type: ignore[import-untyped]  # its stubs are not worth a dependency for one call

from . import faults
from .board import CIRCUITS, Board, TripCause
from .faults import Fault
from .gx import GxSimulator
from .victron_boat import VictronBoat
from .victron_house import VictronHouse
from .victron_site import VictronSite

SCENARIOS: Final = Path(__file__).parent / "scenarios"


@dataclass(frozen=True, slots=True)
class Words:
    """What a story can speak of: what a single word does to the site, its conditions, its services."""

    switches: Mapping[str, Mapping[str, Any]]
    conditions: Collection[str]
    services: Mapping[str, tuple[str, int]]


_BATTERY_AND_SKY: Final[dict[str, Mapping[str, Any]]] = {
    "battery_low": {"soc": 9.0},
    "battery_full": {"soc": 100.0},
    "overcast": {"clouds": 1.0},
    "clear_sky": {"clouds": 0.0},
}

WORDS: Final[dict[str, Words]] = {
    "house": Words(
        switches={
            "grid_lost": {"grid_lost": True},
            "grid_returns": {"grid_lost": False},
            "car_arrives": {"car_home": True},
            "car_leaves": {"car_home": False},
            **_BATTERY_AND_SKY,
        },
        conditions=("grid_lost", "car_home", "clouds", "load"),
        services=VictronHouse.SERVICES,
    ),
    "boat": Words(
        switches={
            "shore_lost": {"shore": False},
            "shore_returns": {"shore": True},
            "engine_starts": {"engine": True},
            "engine_stops": {"engine": False},
            "bilge_floods": {"flooding": True},
            "leak_is_found": {"flooding": False},
            **_BATTERY_AND_SKY,
        },
        conditions=("shore", "engine", "clouds", "load", "cell", "flooding"),
        services=VictronBoat.SERVICES,
    ),
}

_FAULTS: Final[dict[str, Callable[..., Fault]]] = {
    name: function
    for name, function in vars(faults).items()
    if inspect.isfunction(function) and not name.startswith("_") and function.__module__ == faults.__name__
}
_UNITS: Final = {"s": 1, "min": 60, "h": 3600}

type Action = Callable[[VictronSite[Any]], Awaitable[None] | None]


class ScenarioError(ValueError):
    """The file does not say what a scenario can say."""


@dataclass(frozen=True, slots=True)
class Event:
    """What happens `at` seconds after the beginning."""

    at: float
    actions: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A story: its events in the order of time."""

    name: str
    start: datetime | None
    events: tuple[Event, ...]
    site: str = "house"
    board: bool = False
    """Whether it happens to the board of the site."""

    @property
    def length(self) -> float:
        """Seconds until the last event."""
        return self.events[-1].at if self.events else 0.0


def load_scenario(path: Path) -> Scenario:
    """Read a scenario. Raises OSError, ScenarioError."""
    try:
        return parse_scenario(yaml.safe_load(path.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        raise ScenarioError(f"{path.name}: {error}") from error


def parse_scenario(data: object) -> Scenario:
    """Check what was read from a file. Raises ScenarioError."""
    if not isinstance(data, dict) or not isinstance(data.get("events"), list):
        raise ScenarioError("a scenario has a list of events")
    site, start = data.get("site", "house"), data.get("start")
    _known(site, WORDS)
    if start is not None and not (isinstance(start, datetime) and start.tzinfo):
        raise ScenarioError("start is a date and time with its offset")
    events = sorted((_event(item, WORDS[site]) for item in data["events"]), key=lambda event: event.at)
    board = any("board" in item for item in data["events"])
    return Scenario(str(data.get("name", "")), start, tuple(events), site, board)


def seconds(text: object) -> float:
    """Return the seconds of a number, or of a text such as `10s` or `1h30min`. Raises ScenarioError."""
    if isinstance(text, int | float) and not isinstance(text, bool) and text >= 0:
        return float(text)
    parts = re.findall(r"(\d+(?:\.\d+)?)(min|h|s)", str(text))
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ScenarioError(f"not a time: {text}")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def _event(item: object, words: Words) -> Event:
    if not isinstance(item, dict) or "at" not in item:
        raise ScenarioError(f"an event has a time: {item}")
    told = {key: value for key, value in item.items() if key != "at"}
    for key in told:
        _known(key, _ACTIONS)
    return Event(seconds(item["at"]), tuple(action for key in told for action in _ACTIONS[key](told[key], words)))


def _known(word: object, words: Container[object]) -> None:
    if word not in words:
        raise ScenarioError(f"not known in a scenario: {word}")


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _mapping(value: object, known: Container[object]) -> dict[str, Any]:
    """Return a mapping whose keys, up to the first slash, are known."""
    if not isinstance(value, dict):
        raise ScenarioError(f"not a mapping: {value}")
    for key in value:
        _known(str(key).partition("/")[0], known)
    return value


def _split(address: str) -> tuple[str, str]:
    """Split `service/path` into service and path."""
    service, _, path = address.partition("/")
    return service, f"/{path}"


def _set(value: object, words: Words) -> list[Action]:
    actions: list[Action] = []
    for word in _list(value):
        _known(word, words.switches)
        actions += _site(dict(words.switches[word]), words)
    return actions


def _site(value: object, words: Words) -> list[Action]:
    wanted = _mapping(value, (*words.conditions, "soc"))

    def act(installation: VictronSite[Any]) -> None:
        for name, state in wanted.items():
            if name == "soc":
                installation.site.battery.soc = float(state)
            else:
                setattr(installation.site.conditions, name, state)

    return [act]


def _write(value: object, words: Words) -> list[Action]:
    wanted = _mapping(value, words.services)

    def act(installation: VictronSite[Any]) -> None:
        for address, state in wanted.items():
            installation.set(*_split(address), state)

    return [act]


def _show(value: object, words: Words) -> list[Action]:
    wanted = _mapping(value, words.services)

    def act(installation: VictronSite[Any]) -> None:
        for address, state in wanted.items():
            installation.overrides[_split(address)] = state
            if state is None:
                del installation.overrides[_split(address)]

    return [act]


def _services(do: Callable[[GxSimulator, str, int], None]) -> Callable[[object, Words], list[Action]]:
    def parse(value: object, words: Words) -> list[Action]:
        services = _list(value)
        for service in services:
            _known(service, words.services)

        def act(installation: VictronSite[Any]) -> None:
            for service in services:
                do(installation.gx, *words.services[service])

        return [act]

    return parse


def _fault(value: object, _: Words) -> list[Action]:
    wanted = _mapping(value if isinstance(value, dict) else {"name": value}, ("name", "requests", "argument"))
    _known(wanted.get("name"), _FAULTS)
    arguments = (wanted["argument"],) if "argument" in wanted else ()
    try:
        fault = _FAULTS[wanted["name"]](*arguments)
    except TypeError as error:
        raise ScenarioError(f"{wanted['name']}: {error}") from error

    def act(installation: VictronSite[Any]) -> None:
        installation.gx.inject(fault, requests=wanted.get("requests"))

    return [act]


def _gx(value: object, _: Words) -> list[Action]:
    words = _list(value)
    for word in words:
        _known(word, _GX)
    return [_GX[word] for word in words]


_GX: Final[dict[str, Action]] = {
    "stop": lambda installation: installation.gx.stop(),
    "start": lambda installation: installation.gx.start(),
    "disconnect": lambda installation: installation.gx.disconnect_all(),
    "clear_faults": lambda installation: installation.gx.faults.clear(),
}

_ON_BOARD: Final[dict[str, Callable[[Board, str, TripCause], None]]] = {
    "trip": lambda board, circuit, cause: board.circuits[circuit].breaker.trip(cause),
    "open": lambda board, circuit, _: board.circuits[circuit].breaker.open(),
    "close": lambda board, circuit, _: board.circuits[circuit].breaker.close(),
    "replace": lambda board, meter, _: board.meters[meter].replace(),
}


def _board(value: object, words: Words) -> list[Action]:
    if words is not WORDS["house"]:
        raise ScenarioError("only the house has a board")
    actions: list[Action] = []
    for word, told in _mapping(value, _ON_BOARD).items():
        (circuit, cause), *_ = told.items() if isinstance(told, dict) and told else ((told, TripCause.OVERLOAD),)
        _known(circuit, CIRCUITS if word != "replace" else (*CIRCUITS, "main"))
        _known(cause, TripCause)
        actions.append(_to_board(_ON_BOARD[word], circuit, TripCause(cause)))
    return actions


def _to_board(do: Callable[[Board, str, TripCause], None], circuit: str, cause: TripCause) -> Action:
    def act(installation: VictronSite[Any]) -> None:
        if installation.board is None:
            raise ScenarioError("the house has no board")
        do(installation.board, circuit, cause)

    return act


_ACTIONS: Final[dict[str, Callable[[object, Words], list[Action]]]] = {
    "set": _set,
    "site": _site,
    "write": _write,
    "show": _show,
    "vanish": _services(GxSimulator.vanish),
    "reappear": _services(GxSimulator.reappear),
    "fault": _fault,
    "gx": _gx,
    "board": _board,
}


class ScenarioPlayer:
    """Plays a scenario on a site; its time is that of the site, and nothing happens but in `advance`."""

    def __init__(self, scenario: Scenario, installation: VictronSite[Any], *, set_clock: bool = True) -> None:
        """Set the clock of the site to the beginning of the story, unless it is to happen now."""
        self.scenario = scenario
        self.installation = installation
        self.elapsed = 0.0
        self._next = 0
        if scenario.start and set_clock:
            installation.site.now = scenario.start.astimezone(UTC)

    @property
    def finished(self) -> bool:
        """True after the last event."""
        return self._next == len(self.scenario.events)

    async def advance(self, duration: float) -> None:
        """Let so many seconds pass, with every event that falls into them at its own time."""
        end = self.elapsed + duration
        while not self.finished and (event := self.scenario.events[self._next]).at <= end:
            self._pass(event.at - self.elapsed)
            self._next += 1
            for action in event.actions:
                if (waiting := action(self.installation)) is not None:
                    await waiting
            self.installation.publish()
        self._pass(end - self.elapsed)

    async def run(self, speed: float = 1.0, *, period: float = 1.0) -> None:
        """Play live until cancelled, `speed` times as fast as the clock; the site lives on after the last event."""
        await self.advance(0)
        while True:
            await asyncio.sleep(period)
            await self.advance(period * speed)

    def _pass(self, duration: float) -> None:
        if duration > 0:
            self.installation.advance(duration)
            self.elapsed += duration

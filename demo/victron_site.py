"""How a simulated site shows itself on a GX, and how what is written there comes back to it."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar, Final

from .board import Board
from .gx import Adjust, GxSimulator
from .model import Model
from .registers import Value

type Values = dict[str, Value]

SERIAL: Final = "be300d83ff04"
FIRMWARE: Final = 0x37500


class VictronSite[S: Model](ABC):
    """Binds a site to a GX: `advance` reads the controls, lets time pass and publishes what came of it.

    The values on the GX are the truth for the controls, the site is for everything else. `overrides` has the last word
    on a path: (service, path) to the value that it shows from the next `advance` on. `followers` live by the clock of
    the site without being on the GX: each is told how many seconds passed. `board`: its electrical board, if any.
    """

    SERVICES: ClassVar[Mapping[str, tuple[str, int]]]
    """Type and device instance of each service; its name is its type where there is one of it."""
    NAMES: ClassVar[Mapping[str, tuple[tuple[str, str, str], ...]]] = {}
    """By language: service, path and what the owner called it, where it is not the French of the seeds."""

    def __init__(self, gx: GxSimulator, site: S) -> None:
        """Put the services of the site on the bus of the GX."""
        self.gx = gx
        self.site = site
        self.overrides: dict[tuple[str, str], Value] = {}
        self.followers: list[Callable[[float], None]] = []
        self.board: Board | None = None
        gx.clock = self._time
        for service, instance in self.SERVICES.values():
            gx.add_service(service, instance)
        self._update(self._seeds())
        gx.adjust.update(self._adjustments())
        self.advance(0)

    def get(self, service: str, path: str) -> Value:
        """Return what the GX shows on a path. Raises KeyError."""
        return self.gx.get(*self.SERVICES[service], path)

    def set(self, service: str, path: str, value: Value) -> None:
        """Set a control on the GX, as its own screen would."""
        self.gx.set(*self.SERVICES[service], path, value)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._read_controls()
        self.site.advance(seconds)
        self.publish()
        for follow in self.followers:
            follow(seconds)

    async def run(self, speed: float = 1.0, *, period: float = 1.0) -> None:
        """Live until cancelled, `speed` times as fast as the clock, publishing every `period` seconds."""
        while True:
            await asyncio.sleep(period)
            self.advance(period * speed)

    def publish(self) -> None:
        """Show the site on the GX."""
        self._update(self._shown())
        for (service, path), value in self.overrides.items():
            self.set(service, path, value)

    def name_devices(self, language: str) -> None:
        """Give the devices names in the language of the people who live with them."""
        for service, path, name in self.NAMES.get(language, ()):
            self.set(service, path, name)

    def _time(self) -> float:
        return self.site.now.timestamp()

    @abstractmethod
    def _seeds(self) -> Mapping[str, Values]:
        """What the services show before the site says anything: controls, names, settings."""

    @abstractmethod
    def _adjustments(self) -> dict[tuple[str, str], Adjust]:
        """What the devices make of what is written to them, by service type and path."""

    @abstractmethod
    def _read_controls(self) -> None:
        """Let the site know what was set."""

    @abstractmethod
    def _shown(self) -> Mapping[str, Values]:
        """What the services show of the site now."""

    def _update(self, services: Mapping[str, Values]) -> None:
        for name, values in services.items():
            self.gx.service(*self.SERVICES[name]).values.update(values)

    def _int(self, service: str, path: str) -> int:
        return round(as_number(self.get(service, path)))

    def _float(self, service: str, path: str) -> float:
        return as_number(self.get(service, path))

    def _limit(self, path: str) -> float | None:
        value = self._float("settings", path)
        return None if value < 0 else value


def as_number(value: Value) -> float:
    """Return a value as a number, nothing as 0."""
    return 0.0 if value is None else float(value)


def limit(value: float | None) -> float:
    """Return a limit as the settings keep it: -1 for none."""
    return -1.0 if value is None else value


def between(lowest: float, highest: float) -> Adjust:
    """Decline what lies outside."""
    return lambda value: value if lowest <= as_number(value) <= highest else None

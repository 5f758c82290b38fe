"""What an entry remembers over restarts: counters, alarms, commands that are due later, when devices answered."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any, TypedDict

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.storage import Store

from .const import DOMAIN
from .gateways.base import Alarm, Severity
from .site.health import Remembered

SAVE_WITHIN = 300.0
"""Counters are written at most this often, in s, and when Home Assistant stops: an SD card has to live with it."""
SAVE_SOON = 2.0

type Counters = dict[str, tuple[float, float]]
"""Counter -> (value, when it was believed)."""


class DueCommand(TypedDict):
    """A command that Home Assistant gives later: stop a generator, release a relay."""

    device: str
    control: str
    value: int
    at: float


class _Stored(TypedDict):
    counters: dict[str, Counters]
    alarms: dict[str, list[dict[str, Any]]]
    due: list[DueCommand]
    remembered: dict[str, dict[str, float]]


class Memory:
    """The stored part of an entry."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Nothing is read before ``async_load``."""
        self._loop = hass.loop
        self._store: Store[_Stored] = Store(hass, 1, f"{DOMAIN}.{entry_id}")
        self._written_at: float | None = None
        """When the next write is due, if one is."""
        self._alarms: dict[str, list[dict[str, Any]]] = {}
        self.counters: dict[str, Counters] = {}
        self.collect: Callable[[], Mapping[str, Counters]] = dict
        """Gives the counters of the devices that were read in this run."""
        self.due: list[DueCommand] = []
        self.remembered = Remembered()

    async def async_load(self) -> None:
        """Read what the last run left."""
        if (stored := await self._store.async_load()) is not None:
            self.counters = stored["counters"]
            self._alarms = stored["alarms"]
            self.due = stored["due"]
            self.remembered = Remembered(**stored.get("remembered", {}))

    def alarms_of(self, device: str) -> tuple[Alarm, ...]:
        """What a device had raised when it was last read."""
        return tuple(
            Alarm(**{**stored, "severity": Severity(stored["severity"])}) for stored in self._alarms.get(device, ())
        )

    @callback
    def async_keep_alarms(self, device: str, alarms: Iterable[Alarm]) -> None:
        """Write soon what a device has raised."""
        self._alarms[device] = [asdict(alarm) for alarm in alarms]
        self.async_keep(SAVE_SOON)

    @callback
    def async_keep(self, within: float = SAVE_WITHIN) -> None:
        """Write within so many s; a write that is due earlier serves as well."""
        at = self._loop.time() + within
        # The store would put off a write that is due with every call.
        if self._written_at is None or at < self._written_at:
            self._written_at = at
            self._store.async_delay_save(self._content, within)

    @callback
    def async_forget(self, device: str) -> None:
        """Write soon without a device that the user removed."""
        self.counters.pop(device, None)
        self._alarms.pop(device, None)
        self.due[:] = [due for due in self.due if due["device"] != device]
        self.async_keep(SAVE_SOON)

    async def async_save(self) -> None:
        """Write now."""
        await self._store.async_save(self._content())

    async def async_remove(self) -> None:
        """Forget everything: the entry is gone."""
        await self._store.async_remove()

    def _content(self) -> _Stored:
        self._written_at = None
        # Devices that were not read in this run keep what was known of them.
        self.counters = {**self.counters, **self.collect()}
        return {
            "counters": self.counters,
            "alarms": self._alarms,
            "due": self.due,
            "remembered": asdict(self.remembered),
        }

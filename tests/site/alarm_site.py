"""An installation for the tests of its alarms: what is so is said once and told anew after every restart."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from custom_components.energy_suite.gateways.base import Alarm
from custom_components.energy_suite.site.alarms.engine import AlarmEngine, Edges, Settings
from custom_components.energy_suite.site.alarms.episodes import Change, Edge, Episode
from custom_components.energy_suite.site.alarms.notifications import Kind, Notification

START = 1_800_000_000.0  # 2027-01-15 08:00 UTC
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


@dataclass
class Site:
    """Drives an engine; ``edges`` and ``messages`` are all that ever came of it."""

    settings: Settings = field(default_factory=Settings)
    now: float = START
    delivers: bool = True
    """Whether messages are delivered as soon as they are due."""
    edges: list[Edge] = field(default_factory=list)
    messages: list[Notification] = field(default_factory=list)
    alarms: dict[str, tuple[Alarm, ...]] = field(default_factory=dict)
    unavailable: set[str] = field(default_factory=set)
    states: dict[str, str | float | None] = field(default_factory=dict)
    connections: dict[str, bool] = field(default_factory=dict)
    positions: dict[str, tuple[float | None, float | None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begin with nothing stored."""
        self.engine = AlarmEngine(self.settings, self.now)

    # --- what happens ---

    def wait(self, seconds: float) -> None:
        """Let time pass, with a look whenever the engine wants one."""
        until = self.now + seconds
        while self.engine.next_due <= until:
            self.tick(max(self.now, self.engine.next_due))
        self.tick(until)

    def tick(self, now: float) -> None:
        self.now = now
        self.keep(self.engine.tick(now))

    def device(self, device: str, *alarms: Alarm, available: bool = True) -> None:
        if available:
            self.alarms[device] = alarms
            self.unavailable.discard(device)
        else:
            self.unavailable.add(device)
        self.keep(self.engine.device_alarms(device, alarms, self.now, available=available, name=device.title()))

    def state(self, rule: str, state: str | float | None) -> None:
        self.states[rule] = state
        self.keep(self.engine.see(rule, state, self.now))

    def connection(self, gateway: str, connected: bool) -> None:
        self.connections[gateway] = connected
        self.keep(self.engine.connection(gateway, connected, self.now))

    def position(self, fence: str, latitude: float | None, longitude: float | None) -> None:
        self.positions[fence] = latitude, longitude
        self.keep(self.engine.position(fence, latitude, longitude, self.now))

    def configure(self, settings: Settings) -> None:
        self.settings = settings
        self.keep(self.engine.configure(settings, self.now))

    def acknowledge(self, tag: str) -> bool:
        done = self.engine.acknowledge(tag, self.now)
        self.keep(())
        return done

    def snooze(self, tag: str, seconds: float) -> bool:
        done = self.engine.snooze(tag, self.now + seconds, self.now)
        self.keep(())
        return done

    def reset_limits(self) -> None:
        self.engine.reset_limits(self.now)
        self.keep(())

    # --- restarts ---

    def stored(self) -> dict[str, Any]:
        """The state as it is read from a disk."""
        return dict(json.loads(json.dumps(self.engine.state(self.now))))

    def restart(
        self, *, stored: dict[str, Any] | None = None, logged: Iterable[Episode] = (), look: bool = True
    ) -> None:
        """Begin anew from the stored state; ``look`` at everything that is there now."""
        stored = self.stored() if stored is None else stored
        before = stored["edges"]
        self.engine = AlarmEngine(self.settings, self.now, stored, logged)
        self.keep(tuple(edge for edge in self.engine.unlogged if edge.number > before))
        if look:
            self.look()

    def look(self) -> None:
        """What every integration tells after a start."""
        for device, alarms in list(self.alarms.items()):
            self.device(device, *alarms, available=device not in self.unavailable)
        for rule, state in list(self.states.items()):
            self.state(rule, state)
        for gateway, connected in list(self.connections.items()):
            self.connection(gateway, connected)
        for fence, position in list(self.positions.items()):
            self.position(fence, *position)

    # --- what comes of it ---

    def keep(self, edges: Edges) -> None:
        self.edges += edges
        if self.delivers:
            self.deliver()

    def deliver(self) -> None:
        while due := self.engine.hand_out(self.now):
            for notification in due:
                self.messages.append(notification)
                self.engine.delivered(notification.number)

    @property
    def seen(self) -> list[tuple[Change, str]]:
        """What happened to which alarm, in order."""
        return [(edge.change, edge.episode.tag) for edge in self.edges]

    @property
    def told(self) -> list[tuple[Kind, str]]:
        """What was told of which alarm, in order."""
        return [(message.kind, message.tag) for message in self.messages]

    def told_to(self, recipient: str) -> list[tuple[Kind, str]]:
        return [(message.kind, message.tag) for message in self.messages if message.recipient == recipient]

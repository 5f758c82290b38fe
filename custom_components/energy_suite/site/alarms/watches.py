"""A rule at work: on which side its value is and since when. Connections and positions are watched by rules as well."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from .communication import LOST
from .episodes import Episode, Source, tag_of
from .geofence import LEFT_AREA, POSITION_LOST
from .rules import Rule, Side, calm, known, side_of, sides

_KEYS: Mapping[tuple[Source, Side], str] = {
    (Source.COMMUNICATION, Side.STATE): LOST,
    (Source.GEOFENCE, Side.HIGH): LEFT_AREA,
    (Source.GEOFENCE, Side.NO_DATA): POSITION_LOST,
}
"""What the alarm of a side is called, where not by the side's own name."""


@dataclass(kw_only=True)
class Watch:
    """What is known of one rule; times in s since 1970."""

    source: Source
    rule: Rule
    side: Side | None = None
    since: float = 0.0
    """Since when the value has been on that side."""
    silent_since: float | None = None
    """Since when nothing has been known; None while the value is."""
    value: str | float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    """What belongs to its alarms beside the value."""
    first: float = field(init=False)
    last: float = field(init=False)
    """The numbers between which nothing changes."""
    tags: dict[Side, str] = field(init=False)

    def __post_init__(self) -> None:
        """Work out what is asked for with every state."""
        self.tags = {side: tag_of(self.source, self.rule.id, self._key(side)) for side in Side}
        self._settle()

    @property
    def id(self) -> str:
        """Its name among all watches."""
        return f"{self.source}/{self.rule.id}"

    def takes(self, state: str | float | None) -> bool:
        """Take in a state that changes nothing, which nearly every one does; False if it may change something."""
        if state is None:
            return False
        try:
            number = float(state)
        except ValueError:
            return False
        if self.first <= number <= self.last:
            self.value = number
            return True
        return False

    def see(self, state: str | float | None, now: float) -> None:
        """Take in a state."""
        value = known(self.rule, state)
        if value is None:
            self.silent_since = now if self.silent_since is None else self.silent_since
        else:
            self.value, self.silent_since = value, None
            if (side := side_of(self.rule, self.side, value)) is not self.side:
                self.side, self.since = side, now
        self._settle()

    def change(self, rule: Rule, now: float) -> None:
        """Go by another rule from now on."""
        self.rule = rule
        if self.side not in sides(rule):
            self.side = None
        if self.silent_since is None:
            self.see(self.value, now)
        self._settle()

    def stand_on(self, side: Side, since: float) -> None:
        """Take up where it stood before a restart."""
        if side is Side.NO_DATA:
            self.silent_since = since
        else:
            self.side, self.since = side, since
        self._settle()

    def leave(self, side: Side, now: float) -> None:
        """Take up that it stood there no more."""
        if side is Side.NO_DATA:
            self.silent_since = now
        elif side is self.side:
            self.side = None
        self._settle()

    def put_back(self, now: float) -> None:
        """The clock was put back to now."""
        self.since = min(self.since, now)
        self.silent_since = None if self.silent_since is None else min(self.silent_since, now)

    def due(self, side: Side) -> float | None:
        """When the alarm of a side is to be raised, if nothing changes; None if not."""
        if side is Side.NO_DATA:
            silence, tolerated = self.silent_since, self.rule.no_data
            return None if silence is None or tolerated is None else silence + tolerated
        return self.since + self.rule.delay if side is self.side and self.silent_since is None else None

    def is_over(self, side: Side) -> bool:
        """Whether the alarm of a side is to be cleared; what is not known clears none."""
        if side is Side.NO_DATA:
            return self.silent_since is None or self.rule.no_data is None
        return side is not self.side

    def episode(self, side: Side, number: int) -> Episode:
        """The alarm of a side."""
        rule, silence = self.rule, self.silent_since
        return Episode(
            number=number,
            source=self.source,
            subject=rule.id,
            device=rule.device,
            name=rule.name,
            key=self._key(side),
            severity=rule.severity,
            worst=rule.severity,
            started=silence if side is Side.NO_DATA and silence is not None else self.since,
            details={**self._numbers(side), **self.details},
        )

    def as_json(self) -> dict[str, Any]:
        """Make it fit for storing; empty if there is nothing to remember."""
        remembered = {"side": self.side, "since": self.side and self.since, "silent_since": self.silent_since}
        return {name: value for name, value in remembered.items() if value is not None}

    @classmethod
    def from_json(
        cls, source: Source, rule: Rule, stored: Mapping[str, Any], now: float, *, paused: float = 0.0
    ) -> Self:
        """Take it up again after a pause of so many s, or begin: until it sees a state nothing is known.

        A value that was wrong before and is wrong afterwards was so all the time. But nobody can be heard in a pause,
        so no silence and no lost connection grows longer by it.
        """
        side = stored.get("side")
        silence = stored.get("silent_since")
        return cls(
            source=source,
            rule=rule,
            side=None if side is None else Side(side),
            since=stored.get("since", now) + (paused if source is Source.COMMUNICATION else 0.0),
            silent_since=now if silence is None else silence + paused,
        )

    def _key(self, side: Side) -> str:
        return _KEYS.get((self.source, side), side.value)

    def _numbers(self, side: Side) -> dict[str, Any]:
        match side:
            case Side.LOW:
                return {"value": self.value, "threshold": self.rule.low}
            case Side.HIGH:
                return {"value": self.value, "threshold": self.rule.high}
            case Side.STATE:
                return {"state": self.value}
            case Side.NO_DATA:
                return {}

    def _settle(self) -> None:
        # Whatever comes after a silence ends it.
        self.first, self.last = calm(self.rule, self.side) if self.silent_since is None else (1.0, -1.0)

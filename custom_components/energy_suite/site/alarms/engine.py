"""Puts it all together: what is seen goes in, edges come out, and messages wait to be sent.

No clock is read here and nothing is written. Times are in s since 1970, because what is remembered outlives a restart.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .communication import LOST, Communication
from .episodes import Alarm, Change, Edge, Episode, Severity, Source, count, moment, tag_of
from .geofence import Geofence, distance
from .grid import GRID_TAG, Grid, failure, reported_by, reports_failure
from .notifications import Kind, Notification, Outbox
from .rules import Rule
from .telling import LONGEST_SNOOZE, Snooze, Teller, Telling, Track
from .timers import Timers
from .watches import Watch

type Edges = tuple[Edge, ...]

PUT_BACK = 60.0
"""s that the clock may lag behind what was told before without having been put back."""

_OUTBOX = "outbox"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that the user chooses."""

    telling: Telling = field(default_factory=Telling)
    rules: tuple[Rule, ...] = ()
    communication: tuple[Communication, ...] = ()
    geofences: tuple[Geofence, ...] = ()
    grid: Grid = field(default_factory=Grid)


@dataclass(frozen=True, kw_only=True)
class Active:
    """An alarm that is raised now, and what became of it."""

    episode: Episode
    acknowledged: bool
    snoozed_until: float | None
    silenced: bool
    """Whether somebody is told no more of it because it comes and goes too often."""
    suppressed: bool
    """Whether it is a report of the failure of the grid that is told instead."""


class AlarmEngine:
    """The alarms of one installation.

    Whatever is seen goes in with the time of it, and the edges come back. They also stay in ``unlogged`` until
    ``logged``, and messages in the outbox until ``delivered``; both are part of ``state``, so that a restart at any
    moment loses none. ``state`` has to be stored before what ``hand_out`` gave is sent.
    """

    def __init__(
        self,
        settings: Settings,
        now: float,
        state: Mapping[str, Any] | None = None,
        logged: Iterable[Episode] = (),
    ) -> None:
        """Take up the ``state`` that an earlier run left, and what the log has that came after it.

        Without a state, what is over in the log is history. Raises whatever a damaged state leads to.
        """
        state = state or {}
        self.settings = settings
        self._now = now
        self._timers = Timers()
        self._episodes = count(state.get("episodes", 0))
        self._edges = count(state.get("edges", 0))
        self._unlogged = [Edge.from_json(stored) for stored in state.get("unlogged", ())]
        self._tracks = {track.episode.tag: track for track in map(Track.from_json, state.get("tracks", ()))}
        for track in self._tracks.values():
            if track.snooze is not None:
                track.snooze = replace(track.snooze, until=min(track.snooze.until, now + LONGEST_SNOOZE))
        grid_over = state.get("grid_over")
        self._grid_over = None if grid_over is None else moment(grid_over)
        """When the last report of a failure of the grid ended, while it is not over for certain."""
        self._outbox = Outbox.from_json(state["outbox"]) if "outbox" in state else Outbox()
        self._teller = Teller(self._outbox, self._timers.wake)
        self._watches: dict[str, Watch] = {}
        self._rules: dict[str, Watch] = {}
        self._positions: dict[str, tuple[float | None, float | None]] = {}
        self._teller.telling = settings.telling
        ended = self._adopt(logged, now, anew=not state)
        self._configure(settings, now, state, ended)

    # --- what is seen ------------------------------------------------------------------------------------------------

    def see(self, rule: str, state: str | float | None, now: float) -> Edges:
        """The entity of a rule has this state; None, ``unknown`` and ``unavailable`` are none."""
        watch = self._rules.get(rule)
        if watch is None or (now < self._timers.next and watch.takes(state)):
            return ()
        return self._see(watch, state, now)

    def device_alarms(
        self, device: str, alarms: Iterable[Alarm], now: float, *, available: bool = True, name: str = ""
    ) -> Edges:
        """A device has these alarms; while it is not available nothing is known of them."""
        before = self._edges
        self._advance(now)
        if available:
            there: dict[str, Alarm] = {}
            for alarm in alarms:
                if alarm.key not in there or alarm.severity > there[alarm.key].severity:
                    there[alarm.key] = alarm
            self._clear_all(self._of_device(device), there, now)
            for alarm in there.values():
                self._look_at(device, name, alarm, now)
        return self._since(before)

    def forget_device(self, device: str, now: float) -> Edges:
        """A device was removed; what it had raised is over."""
        return self.device_alarms(device, (), now)

    def connection(self, gateway: str, connected: bool, now: float) -> Edges:
        """The connection to a gateway was found or lost. Until this is told, it counts as lost since the start."""
        watch = self._watches.get(f"{Source.COMMUNICATION}/{gateway}")
        return () if watch is None else self._see(watch, _CONNECTED if connected else LOST, now)

    def position(self, geofence: str, latitude: float | None, longitude: float | None, now: float) -> Edges:
        """The device of a geofence is there, in degrees; None if it does not know."""
        self._positions[geofence] = latitude, longitude
        watch = self._watches.get(f"{Source.GEOFENCE}/{geofence}")
        if watch is None:
            return self.tick(now)
        return self._see(watch, self._distance(watch, geofence), now)

    def tick(self, now: float) -> Edges:
        """Time passes: to be called at ``next_due``, and every minute or so in case the clock is put back."""
        before = self._edges
        self._advance(now)
        return self._since(before)

    @property
    def next_due(self) -> float:
        """When ``tick`` has something to do at the earliest; infinite if nothing is waited for."""
        return self._timers.next

    # --- what the user does ------------------------------------------------------------------------------------------

    def configure(self, settings: Settings, now: float) -> Edges:
        """Go by other settings from now on. A new rule knows no state before ``see`` tells it."""
        before = self._edges
        self._advance(now)
        self.settings = settings
        self._configure(settings, now, {})
        return self._since(before)

    def acknowledge(self, tag: str, now: float) -> bool:
        """Somebody knows of an alarm: of this episode only a worsening and its end are told. False if it is over."""
        self._advance(now)
        track = self._tracks.get(tag)
        if track is None or not track.episode.active:
            return False
        track.acknowledged = track.episode.severity
        return True

    def snooze(self, tag: str, until: float, now: float) -> bool:
        """Tell nothing of an alarm until then unless it grows worse, and then whether it is still there.

        False if there is no such alarm.
        """
        self._advance(now)
        track = self._tracks.get(tag)
        if track is None:
            return False
        severity = track.episode.severity if track.episode.active else track.episode.worst
        track.snooze = Snooze(severity, until)
        self._settle(track, now)
        return True

    def reset_limits(self, now: float) -> None:
        """Tell again of alarms that were silenced because they came and went too often."""
        self._advance(now)
        for track in list(self._tracks.values()):
            for thread in track.threads.values():
                thread.budget.released = thread.budget.silenced
            self._settle(track, now)

    def test(self, now: float, recipients: Collection[str] | None = None) -> None:
        """Send a test message to some recipients, or to all, whatever the hour."""
        for recipient in self.settings.telling.recipients:
            if recipients is None or recipient.id in recipients:
                self._outbox.put(recipient.id, Kind.TEST, None, now)

    # --- what comes of it --------------------------------------------------------------------------------------------

    @property
    def active(self) -> list[Active]:
        """What is raised now, the worst first, the latest first among equals."""
        active = [
            Active(
                episode=track.episode,
                acknowledged=track.acknowledged is not None,
                snoozed_until=track.snooze.until if track.snooze else None,
                silenced=_is_silenced(track),
                suppressed=self._reports(track.episode),
            )
            for track in self._tracks.values()
            if track.episode.active
        ]
        return sorted(active, key=lambda each: (each.episode.severity, each.episode.started), reverse=True)

    @property
    def silenced(self) -> tuple[str, ...]:
        """The tags of the alarms that somebody is told no more of: what ``reset_limits`` would end."""
        return tuple(tag for tag, track in self._tracks.items() if _is_silenced(track))

    @property
    def unlogged(self) -> Edges:
        """The edges that are not yet confirmed to be in the log, in their order."""
        return tuple(self._unlogged)

    def logged(self, number: int) -> None:
        """All edges up to this one are safely in the log."""
        self._unlogged = [edge for edge in self._unlogged if edge.number > number]

    def hand_out(self, now: float) -> list[Notification]:
        """The messages to send now, one for each recipient at a time; call again after ``delivered``."""
        return self._outbox.hand_out(now)

    def delivered(self, number: int) -> None:
        """A message arrived, as far as can be known."""
        self._outbox.delivered(number)

    def failed(self, number: int, now: float) -> None:
        """A message could not be sent; it is handed out again after a pause."""
        if (again := self._outbox.failed(number, now)) is not None:
            self._timers.wake(_OUTBOX, again)

    def state(self, now: float) -> dict[str, Any]:
        """What has to outlive a restart, fit for storing as JSON."""
        return {
            "at": now,
            "episodes": self._episodes,
            "edges": self._edges,
            "unlogged": [edge.as_json() for edge in self._unlogged],
            "tracks": [track.as_json() for track in self._tracks.values()],
            "watches": {name: stored for name, watch in self._watches.items() if (stored := watch.as_json())},
            "grid_over": self._grid_over,
            "outbox": self._outbox.as_json(),
        }

    # --- taking up ---------------------------------------------------------------------------------------------------

    def _adopt(self, logged: Iterable[Episode], now: float, *, anew: bool) -> set[str]:
        """Take up what the log has and the state, stored before it, has not: nobody was told of that yet.

        With nothing stored, which is ``anew``, nobody can tell who was told: what is over is history.
        Returns the tags of the alarms that ended.
        """
        ended = set()
        for episode in sorted(logged, key=lambda each: each.number):
            track = self._tracks.get(episode.tag)
            if episode.number > self._episodes:
                self._episodes = episode.number
                if anew and not episode.active:
                    continue
                track = self._take(replace(episode, cleared=None), now)
            elif track is None or track.episode.number != episode.number or not track.episode.active:
                self._close_entry(episode, now)
                continue
            if not episode.active:
                track.episode, track.changed, track.acknowledged = episode, now, None
                self._settle(track, now)
                ended.add(episode.tag)
        return ended

    def _close_entry(self, entry: Episode, now: float) -> None:
        """Close an entry that is open while its alarm is over: the line that closed it was damaged."""
        if entry.active and all(edge.episode.number != entry.number for edge in self._unlogged):
            self._note(Change.CLEARED, replace(entry, cleared=now), now)

    def _configure(self, settings: Settings, now: float, state: Mapping[str, Any], ended: Collection[str] = ()) -> None:
        telling = settings.telling
        self._teller.telling = telling
        recipients = {recipient.id for recipient in telling.recipients}
        self._outbox.keep_to(recipients)
        for track in self._tracks.values():
            track.threads = {recipient: track.threads[recipient] for recipient in track.threads.keys() & recipients}
        before, self._watches = self._watches, {}
        for source, rule in _rules_of(settings):
            name = f"{source}/{rule.id}"
            if (watch := before.pop(name, None)) is None:
                stored = state.get("watches", {}).get(name, {})
                watch = Watch.from_json(source, rule, stored, now, paused=max(0.0, now - state.get("at", now)))
                self._stand(watch, ended, now)
            watch.change(rule, now)
            self._watches[name] = watch
        self._rules = {watch.rule.id: watch for watch in self._watches.values() if watch.source is Source.RULE}
        self._clear_watches(now)
        for watch in self._watches.values():
            self._resume(watch, now)
        self._review_grid(now)
        for track in list(self._tracks.values()):
            self._settle(track, now)

    def _stand(self, watch: Watch, ended: Collection[str], now: float) -> None:
        """Put a rule where its alarms say that it stood."""
        for side, tag in watch.tags.items():
            if (track := self._tracks.get(tag)) is not None and track.episode.active:
                watch.stand_on(side, track.episode.started)
            elif tag in ended:
                watch.leave(side, now)

    def _clear_watches(self, now: float) -> None:
        """What no rule watches any more is over."""
        watched = {tag for watch in self._watches.values() for tag in watch.tags.values()}
        for tag, track in list(self._tracks.items()):
            if track.episode.active and track.episode.source in _WATCHED and tag not in watched:
                self._clear(track, now)

    def _resume(self, watch: Watch, now: float) -> None:
        """Tell a watch what is known without being told again."""
        if watch.source is Source.COMMUNICATION and watch.silent_since is not None:
            watch.see(LOST, now)
        elif watch.source is Source.GEOFENCE and watch.rule.id in self._positions:
            watch.see(self._distance(watch, watch.rule.id), now)
        self._review(watch, now)

    # --- the steps ---------------------------------------------------------------------------------------------------

    def _advance(self, now: float) -> None:
        """Do what is due."""
        if now < self._now - PUT_BACK:
            self._put_back(now)
        self._now = now
        while (name := self._timers.pop(now)) is not None:
            if name == GRID_TAG:
                self._review_grid(now)
            if (watch := self._watches.get(name)) is not None:
                self._review(watch, now)
            elif (track := self._tracks.get(name)) is not None:
                self._settle(track, now)

    def _put_back(self, now: float) -> None:
        """The clock was put back: whatever began in the future begins now."""
        self._timers.clear()
        self._outbox.try_again()
        if self._grid_over is not None:
            self._grid_over = min(self._grid_over, now)
        for watch in self._watches.values():
            watch.put_back(now)
            self._review(watch, now)
        for track in list(self._tracks.values()):
            track.changed = min(track.changed, now)
            self._settle(track, now)
        self._review_grid(now)

    def _since(self, before: int) -> Edges:
        new = self._edges - before
        return tuple(self._unlogged[-new:]) if new else ()

    def _see(self, watch: Watch, state: str | float | None, now: float) -> Edges:
        before = self._edges
        self._advance(now)
        watch.see(state, now)
        self._review(watch, now)
        return self._since(before)

    def _distance(self, watch: Watch, geofence: str) -> float | None:
        latitude, longitude = self._positions[geofence]
        watch.details = {"latitude": latitude, "longitude": longitude}
        fence = next(each for each in self.settings.geofences if each.id == geofence)
        return distance(fence, latitude, longitude)

    def _review(self, watch: Watch, now: float) -> None:
        """Clear and raise the alarms of a rule as they are due."""
        pending = []
        for side, tag in watch.tags.items():
            track = self._tracks.get(tag)
            if track is None or not track.episode.active:
                if (due := watch.due(side)) is not None:
                    pending.append((side, due))
            elif watch.is_over(side):
                self._clear(track, now)
        for side, due in pending:
            if now < due:
                self._timers.wake(watch.id, due)
            else:
                self._raise(watch.episode(side, self._episodes + 1), now)

    def _of_device(self, device: str) -> Iterator[Track]:
        for track in self._tracks.values():
            episode = track.episode
            if episode.active and episode.subject == device and episode.source is Source.AUTOMATIC:
                yield track

    def _clear_all(self, tracks: Iterable[Track], but: Collection[str], now: float) -> None:
        for track in [each for each in tracks if each.episode.key not in but]:
            self._clear(track, now)

    def _look_at(self, device: str, name: str, alarm: Alarm, now: float) -> None:
        severity = Severity(int(alarm.severity))
        track = self._tracks.get(tag_of(Source.AUTOMATIC, device, alarm.key))
        if track is not None and track.episode.active:
            if track.episode.details != alarm.details:
                track.episode = replace(track.episode, details=dict(alarm.details))
            self._grade(track, severity, now)
            return
        self._raise(
            Episode(
                number=self._episodes + 1,
                source=Source.AUTOMATIC,
                subject=device,
                device=device,
                name=name,
                key=alarm.key,
                severity=severity,
                worst=severity,
                started=now,
                notify_by_default=alarm.notify_by_default,
                code=alarm.code,
                details=dict(alarm.details),
                texts={language: dict(texts) for language, texts in alarm.texts.items()},
            ),
            now,
        )

    def _review_grid(self, now: float) -> None:
        """There is a failure of the grid from the first report until all have ended and nothing new came."""
        settings, track = self.settings.grid, self._tracks.get(GRID_TAG)
        reports = [
            each.episode for each in self._tracks.values() if each.episode.active and self._reports(each.episode)
        ]
        if reports:
            self._grid_over = None
            if track is None or not track.episode.active:
                self._raise(failure(settings, self._episodes + 1, reports), now)
            else:
                details = {"reported_by": reported_by(reports, track.episode)}
                track.episode = replace(track.episode, details=details)
        elif track is not None and track.episode.active:
            if self._grid_over is None:
                self._grid_over = now
            over_at = self._grid_over + settings.settling
            if now >= over_at or not settings.on:
                ended, self._grid_over = self._grid_over, None
                self._clear(track, now, ended)
            else:
                self._timers.wake(GRID_TAG, over_at)

    def _reports(self, episode: Episode) -> bool:
        return reports_failure(self.settings.grid, self.settings.rules, episode)

    def _raise(self, episode: Episode, now: float) -> None:
        self._episodes = episode.number
        self._edge(Change.RAISED, self._take(episode, now, settle=False), now)

    def _take(self, episode: Episode, now: float, *, settle: bool = True) -> Track:
        """Put a new episode on the track of its alarm."""
        track = self._tracks.setdefault(episode.tag, Track(episode=episode, changed=now))
        track.episode, track.changed, track.acknowledged = episode, now, None
        if settle:
            self._settle(track, now)
        return track

    def _grade(self, track: Track, severity: Severity, now: float) -> None:
        before = track.episode.severity
        if severity != before:
            worst = max(severity, track.episode.worst)
            track.episode = replace(track.episode, severity=severity, worst=worst)
            self._edge(Change.WORSENED if severity > before else Change.EASED, track, now)

    def _clear(self, track: Track, now: float, at: float | None = None) -> None:
        track.episode = replace(track.episode, cleared=now if at is None else at)
        track.acknowledged = None
        self._edge(Change.CLEARED, track, now)

    def _edge(self, change: Change, track: Track, now: float) -> None:
        track.changed = now
        self._note(change, track.episode, now)
        self._settle(track, now)
        if self._reports(track.episode):
            self._review_grid(now)

    def _note(self, change: Change, episode: Episode, now: float) -> None:
        self._edges += 1
        self._unlogged.append(Edge(number=self._edges, change=change, at=now, episode=episode))

    def _settle(self, track: Track, now: float) -> None:
        self._teller.settle(track, now, suppressed=self._reports(track.episode))
        if self._teller.is_over(track, now):
            self._tracks.pop(track.episode.tag, None)


_CONNECTED = "connected"
_WATCHED = frozenset({Source.RULE, Source.COMMUNICATION, Source.GEOFENCE})


def _rules_of(settings: Settings) -> Iterator[tuple[Source, Rule]]:
    """Everything that is watched, as rules."""
    yield from ((Source.RULE, rule) for rule in settings.rules)
    yield from ((Source.COMMUNICATION, each.rule) for each in settings.communication if each.on)
    yield from ((Source.GEOFENCE, each.rule) for each in settings.geofences if each.armed)


def _is_silenced(track: Track) -> bool:
    return any(thread.budget.silenced for thread in track.threads.values())

"""What a card is told to do, by SNMP alone: commands of the UPS, and the settings of shutdown and schedules.

Everything goes below the root of the present MIB: on the older one the same numbers mean other commands.
"""

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

from .. import commands
from ..base import CannotConnect, CommandRefused, Danger
from ..commands import Effect, check_range
from .quantities import ROOTS, Table
from .snmp import SnmpClient, SnmpValue
from .status import UpsStatus

_ROOT: Final = ROOTS[Table.UPS_MIB]
_COMMAND: Final = "7.1.0"
_SHUTDOWN_DELAY: Final = "7.2.0"
_TURN_OFF: Final = "7.3.0"
_REMOTE_CONTROL: Final = "8.4.0"
_ENABLED: Final = 1
_ENABLE, _DISABLE = 1, 2

CONFIRM: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
"""When to look whether a command took effect, in s after it: a card asks a large system every half a minute."""
MOST_SHUTDOWN_DELAY: Final = 86_400


class UpsCommand(StrEnum):
    """What a UPS can be told (upsControlStatusControl)."""

    STANDBY_ON = "standby_on"
    STANDBY_OFF = "standby_off"
    ECO_MODE = "eco_mode"
    NORMAL_MODE = "normal_mode"
    ALARM_RESET = "alarm_reset"
    ON_BYPASS = "on_bypass"
    ON_INVERTER = "on_inverter"


@dataclass(frozen=True, kw_only=True)
class Command:
    """How a command is given, and by what it is seen done."""

    value: int
    family: str
    """What it belongs to: of two commands that wait to be sent, the newer one of a family wins."""
    danger: Danger | None = None
    leads_to: frozenset[UpsStatus] = frozenset()
    leaves: frozenset[UpsStatus] = frozenset()
    eco: bool | None = None
    """Whether eco mode is on once it is done, which the status does not show in every state."""

    @property
    def shows(self) -> bool:
        """Whether anything tells that it was done."""
        return bool(self.leads_to or self.leaves or self.eco is not None)

    def is_done(self, status: UpsStatus | None, eco: bool | None) -> bool:
        """Whether the UPS is where the command leads, as far as it shows."""
        if self.eco is not None:
            return eco is self.eco
        if status is None:
            return False
        return status in self.leads_to if self.leads_to else status not in self.leaves


_OUT = frozenset({UpsStatus.STANDBY, UpsStatus.LOAD_OFF, UpsStatus.AVAILABLE})
_BYPASS = frozenset({UpsStatus.ON_BYPASS})

COMMANDS: Final[Mapping[UpsCommand, Command]] = {
    UpsCommand.STANDBY_ON: Command(value=1, family="standby", danger=Danger.UPS_STANDBY, leads_to=_OUT),
    UpsCommand.STANDBY_OFF: Command(value=2, family="standby", leaves=_OUT),
    UpsCommand.ECO_MODE: Command(value=3, family="eco", eco=True),
    UpsCommand.NORMAL_MODE: Command(value=4, family="eco", eco=False),
    UpsCommand.ALARM_RESET: Command(value=5, family="alarm_reset"),
    UpsCommand.ON_BYPASS: Command(value=6, family="transfer", danger=Danger.UPS_BYPASS, leads_to=_BYPASS),
    UpsCommand.ON_INVERTER: Command(value=7, family="transfer", leaves=_BYPASS),
}


class ShutdownAction(StrEnum):
    """What the card does on an event (upsControlEventStatus)."""

    DISABLED = "disabled"
    WARNING = "warning"
    SHUTDOWN = "shutdown"


class Schedule(StrEnum):
    """The schedules of a card."""

    WEEKLY = "weekly"
    SPECIAL_DAY = "special_day"
    ECO_MODE = "eco_mode"


@dataclass(frozen=True)
class _Table:
    branch: str
    rows: int


_SCHEDULES: Final[Mapping[Schedule, _Table]] = {
    Schedule.WEEKLY: _Table("7.5", 7),
    Schedule.SPECIAL_DAY: _Table("7.6", 8),
    Schedule.ECO_MODE: _Table("7.7", 7),
}
_EVENTS: Final = _Table("7.4", 13)
_EVENT_ACTIONS: Final[Mapping[ShutdownAction, int]] = {
    ShutdownAction.DISABLED: 1,
    ShutdownAction.WARNING: 2,
    ShutdownAction.SHUTDOWN: 3,
}
_EVENT_NUMBERS: Final[Mapping[str, tuple[int, int, str]]] = {
    # field: column, highest value, unit
    "delay": (3, 10_080, "min"),
    "first_warning": (4, 3600, "s"),
    "warning_interval": (5, 3600, "s"),
}
_NO_DAY: Final = "none"
DAYS: Final = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", _NO_DAY)
EVENT_ROWS: Final = _EVENTS.rows
SCHEDULE_ROWS: Final = max(table.rows for table in _SCHEDULES.values())


class Control:
    """The writable objects of a card."""

    def __init__(self, client: SnmpClient) -> None:
        """Nothing is asked yet."""
        self._client = client

    async def require_remote_control(self) -> None:
        """Raise ``CommandRefused`` (``remote_control_disabled``) unless the UPS takes commands now."""
        if (await self._get(_REMOTE_CONTROL)).get(_REMOTE_CONTROL) != _ENABLED:
            raise CommandRefused("remote_control_disabled")

    async def give(self, command: Command) -> bool:
        """Send a command, once. Returns whether the card acknowledged it. Raises ``CommandRefused``."""
        return await self._set({_COMMAND: command.value})

    async def set_shutdown_delay(self, seconds: float) -> Effect:
        """Set how long in s after the servers were told to shut down the UPS turns off."""
        check_range(seconds, 0, MOST_SHUTDOWN_DELAY, unit="s")
        return await self._write({_SHUTDOWN_DELAY: round(seconds)})

    async def set_turn_off_after_shutdown(self, on: bool) -> Effect:
        """Set whether the UPS turns off once the servers have shut down."""
        return await self._write({_TURN_OFF: _ENABLE if on else _DISABLE})

    async def set_shutdown_event(self, row: int, *, action: ShutdownAction, **numbers: float | None) -> Effect:
        """Set what the card does on the event of that row, 1 to 13.

        ``delay`` in min, ``first_warning`` and ``warning_interval`` in s. Raises ``CommandRefused``.
        """
        check_range(row, 1, _EVENTS.rows, unit="")
        wanted: dict[str, int | str] = {}
        for field, number in numbers.items():
            if number is not None:
                column, highest, unit = _EVENT_NUMBERS[field]
                check_range(number, 0, highest, unit=unit)
                wanted[_cell(_EVENTS, column, row)] = round(number)
        wanted[_cell(_EVENTS, 2, row)] = _EVENT_ACTIONS[action]
        return await self._write(wanted)

    async def set_schedule(
        self, schedule: Schedule, row: int, *, begin: tuple[str, str], end: tuple[str, str]
    ) -> Effect:
        """Set a row of a schedule: when the UPS stops (or its eco mode begins), and when that ends.

        Both are a day and a time ``hh:mm``; the day is a weekday's name or ``none``, or a date ``yyyy-mm-dd`` for
        special days. Raises ``CommandRefused``.
        """
        table = _SCHEDULES[schedule]
        check_range(row, 1, table.rows, unit="")
        day = _date if schedule is Schedule.SPECIAL_DAY else _weekday
        cells: list[int | str] = [day(begin[0]), _time(begin[1]), day(end[0]), _time(end[1])]
        if not _makes_sense(schedule, begin, end):
            raise CommandRefused("bad_schedule")
        return await self._write({_cell(table, column, row): cell for column, cell in enumerate(cells, 2)})

    async def read(self) -> dict[str, Any]:
        """Read every setting, in the words of the actions that set them."""
        told = await self._below("7.2", "7.3", *(table.branch for table in (_EVENTS, *_SCHEDULES.values())))
        return {
            "shutdown_delay": told.get(_SHUTDOWN_DELAY),
            "turn_off_after_shutdown": {_ENABLE: True, _DISABLE: False}.get(_number(told.get(_TURN_OFF))),
            "shutdown_events": [event for row in range(1, _EVENTS.rows + 1) if (event := _event(told, row))],
            **{
                schedule.value: [line for row in range(1, table.rows + 1) if (line := _line(told, schedule, row))]
                for schedule, table in _SCHEDULES.items()
            },
        }

    # --- the wire --------------------------------------------------------------------------------------------------

    async def _get(self, *suffixes: str) -> dict[str, SnmpValue]:
        told = await self._client.get([f"{_ROOT}.{suffix}" for suffix in suffixes])
        return {oid.removeprefix(f"{_ROOT}."): value for oid, value in told.items()}

    async def _below(self, *branches: str) -> dict[str, SnmpValue]:
        told = await self._client.walk(*(f"{_ROOT}.{branch}" for branch in branches))
        return {oid.removeprefix(f"{_ROOT}."): value for oid, value in told.items()}

    async def _set(self, values: Mapping[str, int | str]) -> bool:
        """Write objects together, once: all of them are taken or none. Returns whether it was acknowledged."""
        try:
            await self._client.set({f"{_ROOT}.{suffix}": value for suffix, value in values.items()})
        except CannotConnect as err:
            if err.reason == "silent":
                return False
            raise
        except CommandRefused as err:
            raise CommandRefused("no_write_access" if err.reason == "writes_not_allowed" else err.reason) from err
        return True

    async def _write(self, values: Mapping[str, int | str]) -> Effect:
        """Write what differs and return once it reads back.

        Raises ``CommandRefused`` (``not_supported``, ``not_taken``, ``no_answer``, ``writes_not_allowed``,
        ``no_write_access``, ``remote_control_disabled``) or ``CannotConnect``.
        """
        await self.require_remote_control()
        before = await self._get(*values)
        if before.keys() < values.keys():
            raise CommandRefused("not_supported")
        wanted = {suffix: value for suffix, value in values.items() if before[suffix] != value}
        if not wanted:
            return Effect.UNCHANGED
        acknowledged = await self._set(wanted)
        written_at = time.monotonic()
        now = before
        for moment in commands.READ_BACK:
            await asyncio.sleep(max(0.0, written_at + moment - time.monotonic()))
            try:
                now = await self._get(*wanted)
            except CannotConnect:
                if moment == commands.READ_BACK[-1]:
                    raise
                continue
            if all(now.get(suffix) == value for suffix, value in wanted.items()):
                return Effect.APPLIED
        if any(now.get(suffix) == before[suffix] for suffix in wanted):
            raise CommandRefused("not_taken" if acknowledged else "no_answer")
        return Effect.ADJUSTED


def _cell(table: _Table, column: int, row: int) -> str:
    return f"{table.branch}.1.{column}.{row}"


def _number(value: SnmpValue) -> int:
    return value if isinstance(value, int) else 0


def _event(told: Mapping[str, SnmpValue], row: int) -> dict[str, Any] | None:
    status = told.get(_cell(_EVENTS, 2, row))
    if status is None:
        return None
    action = {number: action.value for action, number in _EVENT_ACTIONS.items()}.get(_number(status))
    numbers = {field: told.get(_cell(_EVENTS, column, row)) for field, (column, *_) in _EVENT_NUMBERS.items()}
    return {"row": row, "action": action, **numbers}


def _line(told: Mapping[str, SnmpValue], schedule: Schedule, row: int) -> dict[str, Any] | None:
    cells = [told.get(_cell(_SCHEDULES[schedule], column, row)) for column in range(2, 6)]
    if all(cell is None for cell in cells):
        return None
    begin_day, begin_time, end_day, end_time = cells
    read = _read_date if schedule is Schedule.SPECIAL_DAY else _read_weekday
    return {
        "row": row,
        "begin_day": read(begin_day),
        "begin_time": begin_time,
        "end_day": read(end_day),
        "end_time": end_time,
    }


def _makes_sense(schedule: Schedule, begin: tuple[str, str], end: tuple[str, str]) -> bool:
    """Whether what stops begins again: a load must not stay off because an end was forgotten."""
    if schedule is not Schedule.SPECIAL_DAY:
        return (begin[0] == _NO_DAY) == (end[0] == _NO_DAY)
    stops, starts = (datetime.fromisoformat(f"{day}T{hour}") for day, hour in (begin, end))
    return starts > stops and starts > datetime.now()  # noqa: DTZ005 - the card has a clock on the wall


def _weekday(day: str) -> int:
    if day not in DAYS:
        raise CommandRefused("bad_day", day=day)
    return DAYS.index(day) + 1


def _date(day: str) -> str:
    try:
        return date.fromisoformat(day).strftime("%d/%m/%Y")
    except ValueError as err:
        raise CommandRefused("bad_day", day=day) from err


def _time(time_of_day: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", time_of_day, re.ASCII):
        raise CommandRefused("bad_time", time=time_of_day)
    return time_of_day


def _read_weekday(value: SnmpValue) -> str | None:
    return DAYS[value - 1] if isinstance(value, int) and 1 <= value <= len(DAYS) else None


def _read_date(value: SnmpValue) -> str | None:
    try:
        return date.strptime(str(value), "%d/%m/%Y").isoformat()
    except ValueError:
        return None

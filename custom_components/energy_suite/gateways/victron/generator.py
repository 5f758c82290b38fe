"""The start/stop logic of a generator on the GX's relay, or of a connected genset."""

import time
from typing import override

from modbus_connection import ModbusUnit

from ..base import Alarm, CommandRefused, Found
from ..commands import Effect, write
from ..registers import Registers
from . import alarms
from .device import Coded, Flag, VictronDevice, first, trigger
from .enums import GeneratorError, GeneratorState, RunningBy
from .fields import SATURATED_UINT16, code, uint16, uint32

_NOT_READY = (GeneratorState.STOPPED_BY_TANK_LEVEL, GeneratorState.ERROR)
_RUNNING = (GeneratorState.RUNNING, GeneratorState.WARM_UP, GeneratorState.COOL_DOWN)


class Live(Registers):
    """What the logic does and why."""

    service = "generator"
    layouts = (((3500, 3512),),)

    manual_start = code(3500, writable=True)
    running_by = code(3501)
    runtime_16 = uint16(3502, nan=SATURATED_UINT16)
    quiet_hours = code(3503)
    runtime = uint32(3504)
    state = code(3506)
    error_code = code(3507)
    not_detected_at_ac_input = code(3508)
    auto_start = code(3509, writable=True)
    service_countdown = uint32(3510)
    service_counter_reset = code(3512, writable=True)


class GeneratorStartStop(VictronDevice):
    """A generator that the GX starts and stops."""

    kind = "generator"

    def __init__(self, found: Found, unit: ModbusUnit, interval: float) -> None:
        super().__init__(found, unit, interval)
        self.live = self.add_part("live", Live)
        self._counts_down = False

    manual_start = Flag(Live.manual_start)
    auto_start = Flag(Live.auto_start)
    running_by = Coded(Live.running_by, RunningBy)
    state = Coded(Live.state, GeneratorState)
    error = Coded(Live.error_code, GeneratorError)
    quiet_hours = Flag(Live.quiet_hours)

    @property
    def running(self) -> bool | None:
        """Whether the generator runs."""
        return None if self.state is None else self.state in _RUNNING

    @property
    def generator_running(self) -> bool | None:
        """The same, for whoever looks for generators."""
        return self.running

    @property
    def runtime(self) -> float | None:
        """How long this run has lasted in s."""
        return first(self.live.runtime, self.live.runtime_16)

    @property
    def service_countdown(self) -> float | None:
        """Time of running in s until the next service, 0 when it is due."""
        # 0 also means that no interval is set, unless it was counted down to.
        return self.live.service_countdown or (0.0 if self._counts_down else None)

    @override
    def settle(self, now: float) -> None:
        self._counts_down = self._counts_down or bool(self.live.service_countdown)

    @property
    @override
    def alarms(self) -> tuple[Alarm, ...]:
        failed = self.state is GeneratorState.ERROR
        return (
            *alarms.raised(self.live, alarms.GENERATOR),
            *alarms.fault("generator", failed, self.live.error_code),
        )

    async def start(self) -> Effect:
        """Start it by hand; it runs until stopped. Raises ``CommandRefused``."""
        await self.live.async_read(time.monotonic())
        if self.state in _NOT_READY:
            raise CommandRefused("generator_not_ready")
        return await write(self.live, {"manual_start": 1})

    async def stop(self) -> Effect:
        """End a run started by hand. Raises ``CommandRefused`` where another condition keeps it running."""
        effect = await write(self.live, {"manual_start": 0})
        if self.running and self.running_by not in (None, RunningBy.STOPPED, RunningBy.MANUAL):
            raise CommandRefused("generator_kept_running")
        return effect

    async def set_auto_start(self, on: bool) -> Effect:
        """Let conditions start it, or not. Raises ``CommandRefused``."""
        return await write(self.live, {"auto_start": int(on)})

    async def reset_service_counter(self) -> Effect:
        """Start counting to the next service anew. Raises ``CommandRefused``."""
        return await trigger(self.live, "service_counter_reset")

"""What is read of a card in a round: once for all its devices, over whichever of its channels answers."""

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from enum import IntEnum
from typing import Any

from ..base import (
    AuthenticationFailed,
    CannotConnect,
    Clock,
    DeviceGone,
    GatewayError,
    NotSupported,
    NotThisDevice,
    Speed,
)
from ..plausibility import Value
from ..schedule import FIRST_BACK_OFF, LONGEST_BACK_OFF
from .machine import CardState, Machine, Readings
from .mib import SnmpChannel, card_state, numbers
from .modbus import ModbusChannel
from .quantities import Table
from .snmp import SnmpValue

_NOT_NOW = (CannotConnect, AuthenticationFailed, NotThisDevice)
COMMUNICATION_LOST = "6.3.58"


class Channel(IntEnum):
    """A way to a card; the first is preferred, as it tells more."""

    MODBUS = 0
    SNMP = 1


class _Rest:
    """How long a channel that did not answer is left alone, while another one does."""

    def __init__(self) -> None:
        self.until = float("-inf")
        self._pause = 0.0

    def begin(self, now: float) -> None:
        self._pause = min(max(2 * self._pause, FIRST_BACK_OFF), LONGEST_BACK_OFF)
        self.until = now + self._pause

    def end(self) -> None:
        self.until, self._pause = float("-inf"), 0.0


class Line:
    """A card as its devices see it.

    Each device reads the line once a round; the first of them asks the card, and the others take what it was told.
    """

    def __init__(self, modbus: ModbusChannel | None, snmp: SnmpChannel | None, clock: Clock = time.monotonic) -> None:
        """Nothing is asked yet; at least one channel has to be there."""
        self.modbus = modbus
        self.snmp = snmp
        self.channels: dict[Channel, ModbusChannel | SnmpChannel] = {}
        if modbus is not None:
            self.channels[Channel.MODBUS] = modbus
        if snmp is not None:
            self.channels[Channel.SNMP] = snmp
        self.machine = Machine()
        self.readings: Readings | None = None
        self.card = CardState()
        self.source: Channel | None = None
        """Which channel brought the readings."""
        self.lost = False
        """Whether the card says that it does not reach the machine."""
        self.looks = 0
        """How often the card was asked, and what it came to."""
        self.errors: dict[Channel, GatewayError] = {}
        """What was wrong with each channel when it was last asked who it is."""
        self.rejected = False
        """Whether the card does not take the SNMP credentials."""
        self._error: GatewayError | None = None
        self._turn = asyncio.Lock()
        self._clock = clock
        self._rests = {channel: _Rest() for channel in self.channels}

    @property
    def dropped(self) -> int:
        """How many readings were not believed."""
        return sum(channel.believer.dropped for channel in self.channels.values())

    async def identify(self) -> dict[Channel, GatewayError]:
        """Find out by every channel what is behind the card; returns what went wrong, by channel.

        Raises the first error if no channel brought anything.
        """
        errors = self.errors
        errors.clear()
        told: dict[Channel, Machine] = {}
        for name, channel in self.channels.items():
            try:
                told[name] = await channel.identify()
            except (*_NOT_NOW, DeviceGone) as err:
                errors[name] = err
        if not told:
            raise next(iter(errors.values()))
        self.machine = _merged(told)
        return errors

    async def look(self, seen: int) -> None:
        """Ask the card, unless it was since ``seen`` looks. Raises what asking it raised."""
        async with self._turn:
            if seen >= self.looks:
                error: GatewayError | None = None
                try:
                    await self._ask()
                except GatewayError as err:
                    error = err
                self._error = error
                self.looks += 1
            error = self._error
        if error is not None:
            raise error

    def forget(self) -> None:
        """Find out again what is behind the card: the table, its factor and its phases may be others."""
        for channel in self.channels.values():
            channel.forget()

    async def _ask(self) -> None:
        errors: dict[Channel, GatewayError] = {}
        for name in self._in_turn():
            try:
                await self._meet(name)
                readings = await self.channels[name].read()
            except (*_NOT_NOW, DeviceGone) as err:
                errors[name] = err
                if isinstance(err, DeviceGone) and self.machine.is_sts:
                    # The MIB of the STS does not say that what it holds is old.
                    break
                # The other channel may know better, also where this one has nothing of the machine.
                self._failed(name, err)
                continue
            self._answered(name)
            card, beside = await self._ask_card(name)
            self._show(name, card, None if COMMUNICATION_LOST in card.bits else _joined(beside, readings))
            return
        gone = next((name for name, err in errors.items() if isinstance(err, DeviceGone)), None)
        if gone is None:
            raise next(iter(errors.values()))
        self._show(gone, CardState(), None)

    def _show(self, source: Channel, card: CardState, readings: Readings | None) -> None:
        """All at once: devices show what they are asked for at any time."""
        if self.lost and readings is not None:
            # What comes back may be another machine.
            self.forget()
        self.source, self.card, self.readings, self.lost = source, card, readings, readings is None

    async def _meet(self, name: Channel) -> None:
        """Learn what the channel says is behind the card, unless it is known."""
        channel = self.channels[name]
        if channel.machine is None:
            await channel.identify()
            self.machine = _merged(
                {each: other.machine for each, other in self.channels.items() if other.machine is not None}
            )

    def rests(self, name: Channel) -> bool:
        """Whether a channel that did not answer is left alone now, as another one brings what there is."""
        return len(self.channels) > 1 and self._clock() < self._rests[name].until

    def goes_on_without(self, name: Channel, err: GatewayError) -> bool:
        """Leave a channel alone for a while that did not answer, if there is another one."""
        self._failed(name, err)
        return len(self.channels) > 1

    def _failed(self, name: Channel, err: GatewayError) -> None:
        self._rests[name].begin(self._clock())
        if isinstance(err, NotThisDevice):
            # What the other channel said is behind the card is no longer true either.
            self.forget()
        self.rejected = self.rejected or isinstance(err, AuthenticationFailed)

    def _answered(self, name: Channel) -> None:
        self._rests[name].end()
        if name is Channel.SNMP:
            self.rejected = False

    def _in_turn(self) -> Iterator[Channel]:
        """The channels in the order they are to be tried: those that did not answer just now come last."""
        now = self._clock()
        return iter(sorted(self.channels, key=lambda name: (now < self._rests[name].until, name)))

    async def _ask_card(self, source: Channel) -> tuple[CardState, Mapping[str, Value]]:
        """What SNMP alone tells, if there is SNMP and it answers."""
        if self.snmp is None:
            return CardState(), {}
        if source is Channel.SNMP:
            return card_state(self.snmp.objects), {}
        if self.rests(Channel.SNMP):
            return CardState(), {}
        try:
            await self._meet(Channel.SNMP)
            told = await self.snmp.read_beside(self.machine.table or Table.VUMAP)
        except _NOT_NOW as err:
            self._failed(Channel.SNMP, err)
            return CardState(), {}
        self._answered(Channel.SNMP)
        return told


def _joined(beside: Mapping[str, Value], readings: Readings) -> Readings:
    """The readings, and what the other channel tells beside them."""
    return replace(readings, values={**beside, **readings.values})


def _merged(told: Mapping[Channel, Machine]) -> Machine:
    """One machine of what both channels tell: the first has its details, the second its names in plain text."""
    first, *others = (told[channel] for channel in sorted(told))
    if not others:
        return first
    other = others[0]
    return Machine(
        table=first.table,
        model=first.model or other.model,
        serial=other.serial or first.serial,
        firmware=first.firmware or other.firmware,
        card_firmware=other.card_firmware,
        name=other.name,
        input_phases=first.input_phases or other.input_phases,
        output_phases=first.output_phases or other.output_phases,
        has_battery=first.has_battery,
        has_eco_mode=first.has_eco_mode,
        tenths=first.tenths,
        units=first.units or other.units,
        modular=first.modular,
        rated={**other.rated, **first.rated},
    )


class Objects:
    """Branches of the MIB as a part of the card, read slowly or once."""

    def __init__(self, line: Line, snmp: SnmpChannel, branches: Iterable[str], speed: Speed) -> None:
        """``branches`` are below the root of the UPS MIB."""
        self._line = line
        self._snmp = snmp
        self._branches = tuple(branches)
        self.speed = speed
        self.present: bool | None = None
        self.read_at: float | None = None
        self.values: dict[str, SnmpValue] = {}
        """By their suffixes."""

    @property
    def dropped(self) -> int:
        """Settings are believed as they are read."""
        return 0

    async def async_read(self, now: float) -> None:
        """Read everything below the branches, unless SNMP is left alone while Modbus brings the rest.

        Raises ``NotSupported`` if there is nothing, and what went wrong where there is SNMP alone.
        """
        if self._line.rests(Channel.SNMP):
            return
        try:
            told = await self._snmp.below(Table.UPS_MIB, *self._branches)
        except _NOT_NOW as err:
            if not self._line.goes_on_without(Channel.SNMP, err):
                raise
            return
        self.values = told
        self.present = bool(told)
        if not told:
            raise NotSupported
        self.read_at = now

    def forget(self) -> None:
        """Ask again whether the card has them."""
        self.present = None

    @property
    def shown(self) -> Mapping[str, Any]:
        """What diagnostics show: numbers, for texts are names and addresses."""
        return {"registers": {"objects": numbers(self.values)}}


class View:
    """The line as a part of one device."""

    speed = Speed.LIVE

    def __init__(self, line: Line, *, shows: bool = False) -> None:
        """``shows`` its readings in diagnostics: one device's view is enough."""
        self._line = line
        self._shows = shows
        self._seen = 0
        self.present: bool | None = None
        self.read_at: float | None = None

    @property
    def dropped(self) -> int:
        """How many readings of the line were not believed."""
        return self._line.dropped if self._shows else 0

    async def async_read(self, now: float) -> None:
        """Ask the card, or take what another device was told in this round. Raises ``GatewayError``."""
        try:
            await self._line.look(self._seen)
        finally:
            self._seen = self._line.looks
        self.present, self.read_at = True, now

    def forget(self) -> None:
        """Find out again what is behind the card."""
        self._line.forget()

    @property
    def shown(self) -> Mapping[str, Any]:
        """What diagnostics show."""
        line = self._line
        if not self._shows or line.readings is None:
            return {}
        registers: dict[str, Any] = {}
        if line.modbus is not None and line.modbus.words:
            registers["holding"] = {str(address): word for address, word in line.modbus.words.items()}
        if line.snmp is not None:
            registers["objects"] = numbers(line.snmp.objects)
        return {
            "values": {**line.readings.values, "bits": sorted(line.readings.bits)},
            "registers": registers,
        }

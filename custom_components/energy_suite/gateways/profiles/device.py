"""A device made from a profile, with the same interface as those written by hand."""

import re
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from enum import IntEnum
from itertools import groupby, takewhile
from typing import Any, override

from modbus_connection import ModbusUnit

from ..base import Alarm, CommandRefused, Danger, Device, Found, Identity, NotSupported, Speed
from ..commands import Effect, check_range, write
from ..registers import translated_errors
from ..schedule import SLOW_INTERVAL
from .registers import ProfileRegisters, part_name, registers_class
from .schema import AlarmText, Bit, Command, Profile, Register, Type, Write
from .vocabulary import RELAYS, STATE_ALARMS, offered_danger

_READ_FUNCTIONS: Mapping[int, int] = {5: 1, 15: 1, 6: 3, 16: 3}
"""Which function reads what another one writes."""

_OUTPUT_SETTING = re.compile(r"(?P<output>output_[0-9]+)_(mode|on_time)")
_BLINKING = "blinking"


class Reading:
    """A device's attribute that is a key of its profile."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __get__(self, device: ProfileDevice | None, owner: Any = None) -> Any:
        return self if device is None else device.value(self.key)


class ProfileDevice(Device):
    """A device behind a gateway whose registers a profile tells; its class is made for the profile (``make``)."""

    profile: Profile
    members: Mapping[str, type[IntEnum]]
    """Key -> what its numbers mean."""
    bits: Mapping[str, tuple[Register, Bit]]
    """Key -> the bit of a word that it is, for bits that are states."""
    commands: Mapping[str, Command]

    def __init__(
        self, found: Found, unit: ModbusUnit, interval: float, *, confirmed: bool, offered_controls: Collection[Danger]
    ) -> None:
        """Make a device that was found; ``interval`` is the time in s between two rounds.

        ``confirmed`` says that its owner compared the values with the device: nothing is written before.
        ``offered_controls`` are those that its gateway lets the user enable.
        """
        super().__init__(found.key)
        self.found = found
        self.unit_id = found.unit_id
        self.confirmed = confirmed or self.profile.proven
        self.offered_controls = offered_controls
        self._unit = unit
        self._interval = interval
        repeat = self.profile.repeat
        self.expected_alarms: frozenset[str] = frozenset()
        """Keys of alarms that are no problem in this installation, and so are not raised."""
        self.excluded_from_alarms = False
        """Whether it raises none at all."""
        self._offset = ((found.number or 1) - 1) * repeat.stride if repeat else 0
        self._places: dict[str, ProfileRegisters] = {}
        self._registers = _with_states_of_commands(self.profile)
        for name, registers in _parts(self.profile, self._registers.values()):
            self._add_part(name, registers)

    def _add_part(self, name: str, registers: Sequence[Register]) -> None:
        speed = registers[0].speed
        made = registers_class(self.profile, registers[0].function, speed, registers, self._offset)
        interval = self._interval if speed is Speed.LIVE else max(self._interval, SLOW_INTERVAL)
        part = made(self._unit, interval=interval, scaling=self._scale)
        self.parts[name] = part
        self._places.update((register.key, part) for register in registers)

    def _scale(self, name: str) -> float | None:
        """The scale that a ratio rule gives; None as long as a value it depends on is unknown."""
        ratio = self.profile.ratios[name]
        product = 1.0
        for key in ratio.of:
            if key in ratio.if_there and not self.has(key):
                continue
            value = self.value(key)
            if not isinstance(value, int | float):
                return None
            product *= value
        return ratio.scale(product)

    # --- what it says ----------------------------------------------------------------------------------------------

    def value(self, key: str) -> Any:
        """The value of a key: a number in its unit, a member of its enumeration, a text, yes or no; or None."""
        if (bit := self.bits.get(key)) is not None:
            word = self.value(bit[0].key)
            return None if word is None else bool(int(word) >> bit[1].number & 1)
        if (command := self.commands.get(key)) is not None:
            return self._state_of(command)
        register = self._registers[key]
        return self._computed(register) if register.is_computed else self._read(key)

    def _read(self, key: str) -> Any:
        value = getattr(self._places[key], key)
        return None if value is None else self._named(key, value)

    def _named(self, key: str, value: Any) -> Any:
        """The member of its enumeration that a number is, where it has one; None for one that it does not know."""
        if (members := self.members.get(key)) is None:
            return value
        try:
            return members(int(value))
        except ValueError:
            return None

    def _computed(self, register: Register) -> Any:
        """The sum of what is known, or the first that is not zero where some devices have it here, others there."""
        known = [value for key in register.computed_of if (value := self.value(key)) is not None]
        if not known:
            return None
        return sum(known) if register.sum_of else next((value for value in known if value), known[0])

    def _state_of(self, command: Command) -> bool | None:
        if command.state is not None:
            state = self.value(command.state)
            return None if state is None else bool(state)
        if not command.reads_back:
            return None
        word = getattr(self._places[command.key], command.key)
        assert command.on is not None
        assert command.off is not None
        if word is None:
            return None
        return {_written(command.on): True, _written(command.off): False}.get(int(word))

    def part_of(self, key: str) -> str:
        """The part that a key is fresh with."""
        if (bit := self.bits.get(key)) is not None:
            key = bit[0].key
        if (command := self.commands.get(key)) is not None and command.state is not None:
            return self.part_of(command.state)
        register = self._registers.get(key)
        while register is not None and register.is_computed:
            register = self._registers[register.computed_of[0]]
        return part_name(register) if register is not None else next(iter(self.parts))

    def has(self, key: str) -> bool:
        """Whether the device gives this key, as far as it was asked."""
        if (bit := self.bits.get(key)) is not None:
            return self.has(bit[0].key)
        if (command := self.commands.get(key)) is not None:
            return command.state is None or self.has(command.state)
        register = self._registers[key]
        if register.is_computed:
            return any(self.has(source) for source in register.computed_of)
        part = self._places[key]
        return part.present is not False and key in part.fields

    @property
    def evidence(self) -> dict[str, bool | None]:
        """For the map or against it: keys that lie in a known range on every device, and whether they do."""
        found: dict[str, bool | None] = {}
        for key, register in self.profile.keys.items():
            if register.expect is not None:
                value = self.value(key)
                found[key] = None if value is None else register.expect[0] <= value <= register.expect[1]
        return found

    @property
    @override
    def identity(self) -> Identity:
        told = {key: self.value(key) for key in ("serial", "model", "firmware") if key in self._registers}
        model = str(told.get("model") or _one_of(self.profile.models))
        firmware = told.get("firmware")
        return Identity(
            manufacturer=self.profile.manufacturer,
            # No word of any language: a question mark behind the map that is not confirmed.
            model=model if self.confirmed else f"{model} ({self.profile.id}?)",
            serial=told.get("serial") or self.found.serial,
            firmware=None if firmware is None else str(firmware),
            name=self.found.name,
        )

    @property
    @override
    def advice(self) -> tuple[str, ...]:
        return () if self.confirmed else ("map_not_confirmed",)

    @property
    @override
    def alarms(self) -> tuple[Alarm, ...]:
        if self.excluded_from_alarms:
            return ()
        raised: list[Alarm] = []
        for register in self.profile.registers:
            if register.is_computed or not (register.bits or register.alarm):
                continue
            word = int(getattr(self._places[register.key], register.key) or 0)
            raised += [
                self._alarm(bit.key, bit.alarm, code=bit.code)
                for bit in register.bits
                if bit.alarm is not None and word >> bit.number & 1
            ]
            if register.alarm is not None and word:
                raised.append(self._alarm(register.key, register.alarm, word=word))
        raised += self._alarms_of_states()
        return tuple(alarm for alarm in raised if alarm.key not in self.expected_alarms)

    def _alarms_of_states(self) -> Iterator[Alarm]:
        """Those that follow from what the vocabulary says of a state, each once."""
        seen: set[str] = set()
        for state in STATE_ALARMS:
            if state.alarm.key in seen or not self._tells(state.key):
                continue
            value = self.value(state.key)
            if state.word is not None:
                raised = isinstance(value, IntEnum) and value.name.lower() == state.word
            else:
                raised = bool(value)
            if raised:
                seen.add(state.alarm.key)
                yield _numbered(state.alarm, value) if state.word is None else state.alarm

    def _tells(self, key: str) -> bool:
        """Whether a key is a state; a word of bits has alarms of its own."""
        register = self._registers.get(key)
        return key in self.bits or (register is not None and not register.is_word_of_bits)

    def _alarm(self, key: str, alarm: AlarmText | Alarm, *, code: int | None = None, word: int | None = None) -> Alarm:
        if isinstance(alarm, Alarm):
            return alarm
        details: dict[str, Any] = {}
        if word is not None and alarm.codes is not None:
            letter, first = alarm.codes
            details["codes"] = [f"{letter}{first + bit:02}" for bit in range(word.bit_length()) if word >> bit & 1]
        return Alarm(
            # Two profiles may mean different things by one word.
            f"{self.profile.id}_{key}",
            alarm.severity,
            alarm.notify,
            code,
            details,
            texts={
                language: {
                    kind: texts[language]
                    for kind, texts in (("text", alarm.text), ("cause", alarm.cause), ("remedy", alarm.remedy))
                    if language in texts
                }
                for language in alarm.text
            },
        )

    @property
    @override
    def counters(self) -> dict[str, tuple[float, float]]:
        return {
            f"{name}.{key}": counter
            for name, part in self.parts.items()
            if isinstance(part, ProfileRegisters)
            for key, counter in part.believer.counters.items()
        }

    @override
    def restore_counters(self, counters: Mapping[str, tuple[float, float]]) -> None:
        for name, part in self.parts.items():
            if isinstance(part, ProfileRegisters):
                part.believer.restore({key.removeprefix(f"{name}."): counter for key, counter in counters.items()})

    # --- what it can be told ---------------------------------------------------------------------------------------

    def danger_of(self, key: str) -> Danger | None:
        """The control that has to be enabled before this key is written, of those that its gateway offers."""
        told: Bit | Command | Register | None
        if (bit := self.bits.get(key)) is not None:
            told = bit[1]
        else:
            told = self.commands.get(key) or self.profile.keys.get(key)
        return offered_danger(told.danger, self.offered_controls) if told else None

    def _require_confirmed(self) -> None:
        if not self.confirmed:
            raise CommandRefused("map_not_confirmed")

    async def set_value(self, key: str, value: float) -> Effect:
        """Set a number in the unit of its key, or a member of its enumeration.

        Raises ``CommandRefused`` (``map_not_confirmed``, ``out_of_range``, ``not_supported``, ``blink_needs_time``
        for an output that would blink with an ON time of 0, ``write_refused`` where the device does not let itself be
        written to, and those of ``write``), ``DeviceGone`` or ``CannotConnect``.
        """
        self._require_confirmed()
        register = self._registers[key]
        if register.write is None:
            raise CommandRefused("not_supported")
        if register.range is not None:
            check_range(value, *register.range, unit=register.unit or "")
        elif key in self.members and value not in list(self.members[key]):
            raise CommandRefused("not_supported")
        await self._check_blinking(key, value)
        return await _write(self._places[key], {key: value})

    async def _check_blinking(self, key: str, value: float) -> None:
        """Refuse a setting of an output with which it would blink in no time."""
        if (match := _OUTPUT_SETTING.fullmatch(key)) is None:
            return
        mode_key, time_key = f"{match['output']}_mode", f"{match['output']}_on_time"
        other = time_key if key == mode_key else mode_key
        if other not in self._places:
            return
        # Somebody may have set it on the device itself.
        await self._look_at(self._places[other])
        told = {key: self._named(key, value), other: self._read(other)}
        mode, on_time = told[mode_key], told[time_key]
        # What is less than half a step is written as 0.
        never = on_time is not None and on_time <= abs(self._registers[time_key].scale) / 2
        if isinstance(mode, IntEnum) and mode.name.lower() == _BLINKING and never:
            raise CommandRefused("blink_needs_time")

    async def set_switch(self, key: str, on: bool) -> Effect:
        """Switch a coil, a bit of a word, or what a command switches. Raises as ``set_value`` does."""
        self._require_confirmed()
        if (bit := self.bits.get(key)) is not None:
            return await self._set_bit(*bit, on)
        if (command := self.commands.get(key)) is not None:
            return await self._switch(command, on)
        if self._registers[key].write is None:
            raise CommandRefused("not_supported")
        return await _write(self._places[key], {key: on})

    async def _set_bit(self, register: Register, bit: Bit, on: bool) -> Effect:
        if not bit.writable:
            raise CommandRefused("not_supported")
        part = self._places[register.key]
        # The other bits of the word belong to others: what they are now counts, not what they were a round ago.
        await part.async_read(time.monotonic())
        word = getattr(part, register.key)
        if word is None:
            raise CommandRefused("not_supported")
        mask = 1 << bit.number
        return await _write(part, {register.key: int(word) | mask if on else int(word) & ~mask})

    async def _switch(self, command: Command, on: bool) -> Effect:
        sent = command.on if on else command.off
        if sent is None:
            raise CommandRefused("not_supported")
        part = self._places.get(command.key)
        if command.reads_back and part is not None:
            if not part.present:
                await self._look_at(part)
            if command.key in part.fields and part.present:
                return await _write(part, {command.key: _written(sent)})
        return await self._send(sent)

    async def _look_at(self, part: ProfileRegisters) -> None:
        try:
            await part.async_read(time.monotonic())
        except NotSupported:
            return

    async def press(self, key: str) -> Effect:
        """Do once what a command does. Raises as ``set_value`` does; nothing can be read back."""
        self._require_confirmed()
        sent = self.commands[key].press
        if sent is None:
            raise CommandRefused("not_supported")
        return await self._send(sent)

    async def _send(self, sent: Write) -> Effect:
        address = sent.address + self._offset
        try:
            with translated_errors():
                match sent.function:
                    case 5:
                        await self._unit.write_coil(address, _written(sent) == 1)
                    case 15:
                        await self._unit.write_coils(address, [_written(sent) == 1])
                    case 6:
                        await self._unit.write_register(address, sent.value)
                    case _:
                        await self._unit.write_registers(address, [sent.value])
        except NotSupported as err:
            raise CommandRefused("write_refused") from err
        return Effect.APPLIED


class _Relays(ProfileDevice):
    """Has relays (capability ``Relay``)."""

    def relay_state(self, number: int) -> bool | None:
        """Whether the relay is closed."""
        state = self.value(f"relay_{number}") if self._has_relay(number) else None
        return None if state is None else bool(state)

    async def set_relay(self, number: int, closed: bool) -> Effect:
        """Close or open a relay. Raises ``CommandRefused`` (``no_such_relay``), and as ``set_switch`` does."""
        if not self._has_relay(number):
            raise CommandRefused("no_such_relay", number=number)
        return await self.set_switch(f"relay_{number}", closed)

    def _has_relay(self, number: int) -> bool:
        return any(f"relay_{number}" in keys for keys in (self.bits, self.commands, self.profile.keys))


class _Station(ProfileDevice):
    """Charges vehicles (capability ``Evse``)."""

    @property
    def charging_modes(self) -> Mapping[str, IntEnum]:
        """A profile knows none."""
        return {}

    @property
    def charging_current_range(self) -> tuple[float, float] | None:
        """The charging currents in A that may be set."""
        return self._registers["charging_current"].range

    async def set_charging_current(self, amperes: float) -> Effect:
        """Set the charging current in A. Raises as ``set_value`` does."""
        return await self.set_value("charging_current", amperes)

    async def set_charging(self, on: bool) -> Effect:
        """Start or stop charging. Raises as ``set_switch`` does."""
        return await self.set_switch("charging", on)


# --- making it -----------------------------------------------------------------------------------------------------


def _one_of(models: Sequence[str]) -> str:
    """What is said of a device that may be any of these: the words that all begin with, or all of them."""
    columns = zip(*(model.split() for model in models), strict=False)
    common = takewhile(lambda words: len(set(words)) == 1, columns)
    return " ".join(words[0] for words in common) or ", ".join(models)


def _numbered(alarm: Alarm, value: Any) -> Alarm:
    """An alarm with the number that the device says, if it says more than yes."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return alarm
    return replace(alarm, code=int(value), details={"code": int(value)})


async def _write(part: ProfileRegisters, values: Mapping[str, Any]) -> Effect:
    """Write and read back; who refuses here is the device itself, not its gateway."""
    try:
        return await write(part, values, rejected="write_refused")
    except CommandRefused as err:
        if err.reason != "writes_not_allowed":
            raise
        raise CommandRefused("write_refused") from err


def _written(sent: Write) -> int:
    """The value that a write leaves behind: of a coil, 0xFF00 is 1."""
    return min(sent.value, 1) if sent.function in (5, 15) else sent.value


def _with_states_of_commands(profile: Profile) -> dict[str, Register]:
    """The registers by key, with those at which commands can be read back."""
    registers = dict(profile.keys)
    for command in profile.commands:
        if command.reads_back and command.on is not None:
            function = _READ_FUNCTIONS[command.on.function]
            registers[command.key] = Register(
                key=command.key,
                line=command.line,
                function=function,
                address=command.on.address,
                type=Type.BITS if function == 1 else Type.UINT16,
                write=command.on.function,
                speed=Speed.SLOW,
            )
    return registers


def _parts(profile: Profile, registers: Iterable[Register]) -> list[tuple[str, list[Register]]]:
    """The registers by the parts they are read in: what others are scaled by first, then what is live."""
    placed = [register for register in registers if not register.is_computed]
    scaling = {key for ratio in profile.ratios.values() for key in ratio.of}
    first = {part_name(register) for register in placed if register.key in scaling}

    def order(register: Register) -> tuple[bool, int, int]:
        return part_name(register) not in first, list(Speed).index(register.speed), register.function

    return [(name, list(group)) for name, group in groupby(sorted(placed, key=order), key=part_name)]


def _can_switch(profile: Profile, key: str) -> bool:
    register = profile.keys.get(key)
    if register is not None and register.is_bit and register.write is not None:
        return True
    if any(bit.key == key and bit.writable for each in profile.registers for bit in each.bits):
        return True
    return any(command.key == key and command.on is not None for command in profile.commands)


def device_class(profile: Profile) -> type[ProfileDevice]:
    """The class of the devices of a profile: it has the attributes, and so the capabilities, that its keys allow."""
    bases: list[type[ProfileDevice]] = []
    if any(_can_switch(profile, f"relay_{number}") for number in RELAYS):
        bases.append(_Relays)
    current = profile.keys.get("charging_current")
    if "power" in profile.keys and current is not None and current.range and _can_switch(profile, "charging"):
        bases.append(_Station)
    bits = {bit.key: (register, bit) for register in profile.registers for bit in register.bits if bit.alarm is None}
    commands = {command.key: command for command in profile.commands}
    members: dict[str, Any] = {
        "__doc__": f"A device of profile {profile.id}.",
        "__module__": __name__,
        "kind": profile.kind,
        "manufacturer": profile.manufacturer,
        "profile": profile,
        "bits": bits,
        "commands": commands,
        "members": {
            register.key: IntEnum(register.key, {word.upper(): number for number, word in register.map.items()})
            for register in profile.registers
            if register.map
        },
        **{key: Reading(key) for key in (*profile.keys, *bits, *commands)},
    }
    return type(profile.id, tuple(bases) or (ProfileDevice,), members)


def make(
    profile: Profile,
    found: Found,
    unit: ModbusUnit,
    interval: float,
    *,
    confirmed: bool = False,
    offered_controls: Collection[Danger] = (),
) -> ProfileDevice:
    """The device that was found, as its profile tells it; behind no gateway its controls are as the profile says."""
    return device_class(profile)(found, unit, interval, confirmed=confirmed, offered_controls=offered_controls)

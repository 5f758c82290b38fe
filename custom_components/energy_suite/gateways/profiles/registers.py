"""The registers of a profile as parts of a device: generated, read on when one of them is refused."""

import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, override

from modbus_connection import IllegalDataAddressError, IllegalFunctionError, ModbusUnit
from modbus_connection.decode import combine_words
from modbus_connection.encode import encode_int
from modbus_connection.model import CoilField, DiscreteInputField, FloatField, NumberField, RegisterField, StringField

from ..base import NotSupported, Speed
from ..plausibility import COUNTER, Believer, Value
from ..registers import SPACES, Registers
from .schema import Profile, Register, Type

type Field = RegisterField[Any] | CoilField | DiscreteInputField
type Span = tuple[int, int]
"""An inclusive range of addresses."""
type Scaling = Callable[[str], float | None]
"""The scale that a ratio rule gives now, by its name."""

_SUFFIXES: Mapping[int, str] = MappingProxyType({1: "_coils", 2: "_discrete_inputs", 3: "", 4: "_input_registers"})


def part_name(register: Register) -> str:
    """The part that a register is read with: one for each speed and function."""
    return f"{register.speed}{_SUFFIXES[register.function]}"


# --- fields --------------------------------------------------------------------------------------------------------


class TextField(StringField):
    """A text in Latin-1, two characters a register; None when empty."""

    @override
    def decode(self, words: list[int], scale_exponent: int | None = None) -> Any:
        data = combine_words(words).to_bytes(2 * len(words))
        text = data.partition(b"\0")[0].decode("latin-1").strip()
        return text if text and text.isprintable() else None


class BcdField(NumberField[float]):
    """Decimal digits, four a register; None where a digit is none."""

    @override
    def decode(self, words: list[int], scale_exponent: int | None = None) -> Any:
        raw = combine_words(words, word_order=self.word_order)
        if self.nan is not None and raw in self.nan:
            return None
        digits = f"{raw:x}"
        return self._scale(int(digits), scale_exponent) if digits.isdecimal() else None

    @override
    def encode(self, value: Any, scale_exponent: int | None = None) -> list[int]:
        raw = round((float(value) - self.offset) / self.scale)
        return encode_int(int(str(raw), 16), count=self.count, word_order=self.word_order)


class FiniteField(FloatField):
    """A floating-point number; None where it is none, or endless."""

    @override
    def decode(self, words: list[int], scale_exponent: int | None = None) -> Any:
        if self.nan is not None and combine_words(words, word_order=self.word_order) in self.nan:
            return None
        value = super().decode(words, scale_exponent)
        return value if value is not None and math.isfinite(value) else None


def _field(register: Register, offset: int) -> Field:
    address = register.address + (0 if register.shared else offset)
    writable = register.write is not None or any(bit.writable for bit in register.bits)
    if register.function == 1:
        return CoilField(address, writable=writable)
    if register.function == 2:
        return DiscreteInputField(address)
    if register.type is Type.STRING:
        return TextField(address, count=register.words)
    common: dict[str, Any] = {
        "count": register.words,
        "word_order": "big" if register.high_first else "little",
        "nan": register.invalid or None,
        "writable": writable,
        "force_fc16": register.write == 16,
        "unit": register.unit,
        "scale": float(register.scale),
        "offset": float(register.offset),
    }
    if register.type in (Type.FLOAT32, Type.FLOAT64):
        return FiniteField(address, **common)
    if register.type is Type.BCD:
        return BcdField(address, **common)
    return NumberField[float](address, signed=register.type.is_signed, **common)


# --- parts ---------------------------------------------------------------------------------------------------------


class ProfileRegisters(Registers):
    """What is read of a device with one function at one speed.

    A request that the device refuses because of one register is taken apart once; what does not answer is left out
    until the device came back, or refuses what it gave before.
    """

    declared: ClassVar[Mapping[str, Register]]
    function: ClassVar[int]

    def __init__(self, unit: ModbusUnit, *, interval: float = 0.0, scaling: Scaling) -> None:
        """Start with nothing read; ``scaling`` looks up the scales that depend on other values."""
        super().__init__(unit, interval=interval)
        self._scaling = scaling
        self._narrowed = False
        numbers = {
            key: register
            for key, register in self.declared.items()
            if register.unit and not register.map and not register.is_bit
        }
        self._steps = {key: abs(float(register.scale)) for key, register in numbers.items()}
        self.believer = Believer(
            units={key: register.unit for key, register in numbers.items() if register.unit}, steps=self._steps
        )

    # --- reading on ------------------------------------------------------------------------------------------------

    @override
    async def _read_raw(self) -> dict[str, dict[int, int | bool]]:
        if not self.present:
            self._widen()
        try:
            return await self.async_read_raw(notify=False)
        except IllegalFunctionError:
            self.present = None if self.present else False
            raise
        except IllegalDataAddressError:
            # What it gave before is asked for once more as a whole: some refuse now and then.
            if self.present:
                self.present = None
                raise
        try:
            await self._take_apart()
            return await self.async_read_raw(notify=False)
        except IllegalDataAddressError, IllegalFunctionError, NotSupported:
            self.present = False
            raise

    def _widen(self) -> None:
        if self._narrowed:
            made = type(self)
            self._narrow(made._register_fields, made._bit_fields, self._declared_ranges)  # noqa: SLF001 - its own
            self._narrowed = False

    def _narrow(
        self,
        registers: dict[str, RegisterField[Any]],
        bits: dict[str, CoilField | DiscreteInputField],
        ranges: tuple[Span, ...] | None,
    ) -> None:
        self._register_fields, self._bit_fields = registers, bits
        setattr(self, _RANGES[self.function], ranges)
        for name in self.declared.keys() - registers.keys() - bits.keys():
            self._values.pop(name, None)
            self._bits.pop(name, None)
        self._invalidate_caches()

    @property
    def _declared_ranges(self) -> tuple[Span, ...] | None:
        ranges: tuple[Span, ...] | None = getattr(type(self), _RANGES[self.function])
        return ranges

    async def _take_apart(self) -> None:
        """Find out which addresses answer. Raises ``NotSupported`` where none does."""
        spans = _disjoint((field.address, field.address + field.count - 1) for field in self.fields.values())
        answering: list[Span] = []
        for block in self.planned:
            inside = [span for span in spans if block[0] <= span[0] and span[1] <= block[1]]
            answering += await self._joined(await self._answering(inside), inside)
        if not answering:
            raise NotSupported

        def answers(field: Field) -> bool:
            return any(low <= field.address and field.address + field.count - 1 <= high for low, high in answering)

        self._narrow(
            {name: field for name, field in self._register_fields.items() if answers(field)},
            {name: field for name, field in self._bit_fields.items() if answers(field)},
            tuple(answering),
        )
        self._narrowed = True

    @property
    def planned(self) -> list[Span]:
        """What it asks for in one request each: inclusive addresses."""
        blocks = self._build_plan().blocks
        return [(start, start + count - 1) for spans in blocks.values() for start, count in spans]

    async def _answering(self, spans: Sequence[Span]) -> list[Span]:
        """The largest runs that answer, halving what does not."""
        if await self._answers(spans[0][0], spans[-1][1]):
            return [(spans[0][0], spans[-1][1])]
        if len(spans) == 1:
            return []
        middle = len(spans) // 2
        return [*await self._answering(spans[:middle]), *await self._answering(spans[middle:])]

    async def _joined(self, runs: list[Span], spans: Sequence[Span]) -> list[Span]:
        """Runs put together again where nothing that was refused lies between them."""
        joined: list[Span] = runs[:1]
        for low, high in runs[1:]:
            before = joined[-1]
            between = any(before[1] < span[0] and span[1] < low for span in spans)
            if not between and await self._answers(before[0], high):
                joined[-1] = (before[0], high)
            else:
                joined.append((low, high))
        return joined

    async def _answers(self, low: int, high: int) -> bool:
        unit = self._unit
        readers: Mapping[int, Callable[[int, int], Awaitable[Any]]] = {
            1: unit.read_coils,
            2: unit.read_discrete_inputs,
            3: unit.read_holding_registers,
            4: unit.read_input_registers,
        }
        try:
            await readers[self.function](low, high - low + 1)
        except IllegalDataAddressError:
            return False
        return True

    # --- understanding ---------------------------------------------------------------------------------------------

    @override
    def _believe(self, raw: Mapping[str, Mapping[int, int | bool]]) -> None:
        if self._register_fields:
            self._work_out()
            super()._believe(raw)

    def _work_out(self) -> None:
        """Apply what a value owes to others: its sign, its scale, whether zero means anything."""
        read = dict(self._values)
        for key in self._register_fields:
            self._values[key] = self._worked_out(self.declared[key], read)
        counters = [key for key in self._register_fields if self.declared[key].unit == COUNTER]
        # One counter may well stand at 0, but not all that a device has: it is asleep, or just waking up.
        if not any(self._values[key] for key in counters):
            self._values.update(dict.fromkeys(counters))

    def _worked_out(self, register: Register, read: Mapping[str, Any]) -> Any:
        value = read.get(register.key)
        if value is None or isinstance(value, str):
            return value
        if register.zero_is_unknown and value == 0:
            return None
        if register.sign_key is not None:
            sign = read.get(register.sign_key)
            if sign not in (0, 1):
                return None
            value = -value if sign else value
        if register.ratio is not None:
            scale = self._scaling(register.ratio)
            if scale is None:
                return None
            self._steps[register.key] = abs(float(register.scale)) * scale
            value = round(value * scale, 9)
        # A negative scale makes -0.0 of 0.
        return value + 0

    @override
    def meaning(self, space: str, words: Mapping[int, int | bool]) -> dict[str, tuple[Any, Value]]:
        told = super().meaning(space, words)
        read = {**self._values, **{key: value for key, (_, value) in told.items()}}
        meant: dict[str, tuple[Any, Value]] = {
            key: (field, self._word(key, self._worked_out(self.declared[key], read)))
            for key, (field, _) in told.items()
        }
        if space == SPACES[self.function]:
            for key, bit in self._bit_fields.items():
                if bit.address in words:
                    meant[key] = (bit, self._word(key, bool(words[bit.address])))
        return meant

    def _word(self, key: str, value: Any) -> Value:
        """The word that a number stands for, where the profile has one for it."""
        words = self.declared[key].map
        told: Value = words.get(int(value), value) if words and value is not None else value
        return told

    # --- bits and registers alike ----------------------------------------------------------------------------------

    @property
    @override
    def fields(self) -> Mapping[str, Any]:
        return {**self._register_fields, **self._bit_fields}

    @property
    @override
    def values(self) -> dict[str, Value]:
        return {**super().values, **{name: self._bits.get(name) for name in self._bit_fields}}

    @override
    def holds(self, name: str, value: Any) -> bool:
        return self._bits.get(name) == bool(value) if name in self._bit_fields else super().holds(name, value)

    @override
    async def write(self, field: str, value: Any) -> None:
        bit = self._bit_fields.get(field)
        if bit is not None and self.declared[field].write == 15:
            await self._unit.write_coils(bit.address, [bool(value)])
            return
        await super().write(field, value)


_RANGES: Mapping[int, str] = MappingProxyType(
    {1: "coil_ranges", 2: "discrete_ranges", 3: "register_ranges", 4: "register_ranges"}
)


def _disjoint(spans: Iterable[Span]) -> list[Span]:
    """Spans in order; those that overlap as one, for they are read together or not at all."""
    merged: list[Span] = []
    for low, high in sorted(spans):
        if merged and low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return merged


def registers_class(
    profile: Profile, function: int, speed: Speed, registers: Sequence[Register], offset: int
) -> type[ProfileRegisters]:
    """The part that reads these registers, which are of one function and speed; ``offset`` shifts what is repeated."""
    ranges = profile.ranges.get(function)
    readable = None if ranges is None else _ranges_for(ranges, registers, offset)
    members: dict[str, Any] = {
        "__doc__": f"What profile {profile.id} reads with function {function}.",
        "__module__": __name__,
        "speed": speed,
        "function": function,
        "declared": {register.key: register for register in registers},
        "register_space": "input" if function == 4 else "holding",
        "max_span": profile.max_words,
        "max_gap": profile.max_gap,
        "private": frozenset(register.key for register in registers if register.private),
        "absent_unless": {register.key: register.zero_unless for register in registers if register.zero_unless},
        _RANGES[function]: readable,
        **{register.key: _field(register, offset) for register in registers},
    }
    return type(f"{profile.id}_{speed}_{SPACES[function]}", (ProfileRegisters,), members)


def _ranges_for(ranges: Sequence[Span], registers: Iterable[Register], offset: int) -> tuple[Span, ...]:
    """The ranges that hold these registers, shifted as they are."""
    held: set[Span] = set()
    for register in registers:
        shift = 0 if register.shared else offset
        held |= {(low + shift, high + shift) for low, high in ranges if low <= register.address <= high}
    return tuple(_disjoint(held))

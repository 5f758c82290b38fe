"""The format of a device profile, version 1: what ``docs/profiles.md`` tells, checked line by line."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fractions import Fraction
from typing import Never

from ..base import Alarm, Danger, Device, Severity, Speed
from ..registers import Registers
from ..solarman.aura import ALARMS
from .document import Fields, Node, ProfileError, read
from .vocabulary import ALIASES, IDENTITY, KINDS, LANGUAGES, UNITS, VOCABULARY, usual_danger

__all__ = ["Profile", "ProfileError", "parse"]

VERSION = 1
MOST_REGISTERS = 600
# With the two that tell of its alarms, a device then has 25 at most.
MOST_ENABLED = 23
MOST_WORDS = 125
ADDRESSES = 65_536
_FINEST, _COARSEST = Fraction(1, 10**6), Fraction(10**6)

# What a device and its parts are made of already.
_RESERVED = frozenset(
    {
        *dir(Registers),
        *dir(Device),
        *("bits", "commands", "confirmed", "declared", "evidence", "findings", "found", "function", "interval", "key"),
        *("part_of", "parts", "present", "press", "profile", "raw", "read_at", "relay_state", "set_charging"),
        *("set_charging_current", "set_relay", "set_switch", "set_value", "unit_id", "value", "believer"),
        *("has", "members", "planned", "charging_modes", "charging_current_range", "manufacturer", "kind"),
        *("expected_alarms", "excluded_from_alarms", "danger_of", "offered_controls"),
    }
)

_ID = re.compile(r"[a-z][a-z0-9_]{1,63}")
_WORD = re.compile(r"[a-z][a-z0-9_]{0,63}")
_NUMBER = "0[xX][0-9a-fA-F]{1,4}|[0-9]{1,5}"
_OF_REMOTE_ID = re.compile(rf"\{{remote_id\}}( *\* *(?P<factor>{_NUMBER}))?( *\+ *(?P<base>{_NUMBER}))?")

type Texts = Mapping[str, str]
"""A text by language; there is always an English one."""


class Type(StrEnum):
    """How the words of a register are to be understood."""

    UINT16 = "uint16"
    INT16 = "int16"
    UINT32 = "uint32"
    INT32 = "int32"
    UINT64 = "uint64"
    INT64 = "int64"
    FLOAT32 = "float32"
    FLOAT64 = "float64"
    BCD = "bcd"
    BITS = "bits"
    STRING = "string"

    @property
    def is_integer(self) -> bool:
        """Whether it is a whole number as it stands in the register."""
        return self not in (Type.FLOAT32, Type.FLOAT64, Type.STRING, Type.BITS)

    @property
    def is_signed(self) -> bool:
        """Whether it may be negative by itself."""
        return self.value.startswith("int")


_WORDS: Mapping[Type, tuple[int, int]] = {
    **dict.fromkeys((Type.UINT16, Type.INT16), (1, 1)),
    **dict.fromkeys((Type.UINT32, Type.INT32, Type.FLOAT32), (2, 2)),
    **dict.fromkeys((Type.UINT64, Type.INT64, Type.FLOAT64), (4, 4)),
    Type.BCD: (1, 4),
    Type.BITS: (1, 4),
    Type.STRING: (1, 64),
}
"""How many words a type may have; the first is what it has unless the profile says another."""

BIT_FUNCTIONS = (1, 2)
_WRITES: Mapping[int, tuple[int, ...]] = {1: (5, 15), 3: (6, 16)}
"""By which functions is written what a function reads."""


@dataclass(frozen=True, kw_only=True)
class AlarmText:
    """An alarm that a bit, or a whole word of them, raises; with its texts."""

    severity: Severity
    text: Texts
    cause: Texts = field(default_factory=dict)
    remedy: Texts = field(default_factory=dict)
    notify: bool = False
    codes: tuple[str, int] | None = None
    """For a whole word: how bit 0 is called, as letter and number; the next bit has the next number."""


@dataclass(frozen=True, kw_only=True)
class Bit:
    """What one bit of a word means: an alarm, or a state that may be writable."""

    number: int
    key: str
    alarm: AlarmText | Alarm | None = None
    """With the profile's own texts, or one that the suite knows."""
    code: int | None = None
    names: Texts = field(default_factory=dict)
    writable: bool = False
    danger: Danger | None = None
    enabled: bool = True


@dataclass(frozen=True, kw_only=True)
class Register:
    """One quantity, and where it stands."""

    key: str
    line: int
    names: Texts = field(default_factory=dict)
    function: int = 3
    address: int = 0
    """Of a virtual device, to which ``per_remote_id`` times its remote id is added."""
    per_remote_id: int = 0
    words: int = 1
    type: Type = Type.UINT16
    high_first: bool = True
    unit: str | None = None
    scale: Fraction = Fraction(1)
    """What makes the suite's unit of the number in the register; with ``ratio`` one step of that rule does too."""
    offset: Fraction = Fraction(0)
    """In the suite's unit."""
    ratio: str | None = None
    sign_key: str | None = None
    invalid: frozenset[int] = frozenset()
    zero_is_unknown: bool = False
    zero_unless: str | None = None
    map: Mapping[int, str] = field(default_factory=dict)
    bits: tuple[Bit, ...] = ()
    alarm: AlarmText | None = None
    sum_of: tuple[str, ...] = ()
    first_of: tuple[str, ...] = ()
    write: int | None = None
    """The function that writes it, where it may be written."""
    range: tuple[float, float] | None = None
    step: float | None = None
    danger: Danger | None = None
    speed: Speed = Speed.LIVE
    enabled: bool = True
    entity: bool = True
    shared: bool = False
    """Whether it is one for all positions or sides."""
    private: bool = False
    expect: tuple[float, float] | None = None
    """Between what it lies on every device of this map: evidence for or against the map."""
    confidence: str | None = None
    """How sure the source is of this register, in words for people."""

    @property
    def computed_of(self) -> tuple[str, ...]:
        """The keys it is computed of."""
        return (*self.sum_of, *self.first_of)

    @property
    def is_computed(self) -> bool:
        """Whether it stands in no register."""
        return bool(self.computed_of)

    @property
    def is_bit(self) -> bool:
        """Whether it is a coil or a discrete input."""
        return self.function in BIT_FUNCTIONS and not self.is_computed

    @property
    def is_word_of_bits(self) -> bool:
        """Whether its bits mean something each."""
        return self.type is Type.BITS and not self.is_bit

    @property
    def has_entity(self) -> bool:
        """Whether it is shown as an entity; alarms and identities are shown elsewhere."""
        if self.key in IDENTITY or not self.entity:
            return False
        return not self.is_word_of_bits


@dataclass(frozen=True)
class Write:
    """A write that a command consists of."""

    function: int
    address: int
    value: int


@dataclass(frozen=True, kw_only=True)
class Command:
    """Something to switch (``on`` and ``off``) or to do once (``press``)."""

    key: str
    line: int
    names: Texts = field(default_factory=dict)
    on: Write | None = None
    off: Write | None = None
    press: Write | None = None
    state: str | None = None
    """The key that tells whether it is on, where the place that is written does not."""
    danger: Danger | None = None
    enabled: bool = True

    @property
    def reads_back(self) -> bool:
        """Whether what was written can be read at the same place."""
        on, off = self.on, self.off
        return bool(on and off and (on.function, on.address) == (off.function, off.address) and self.state is None)


@dataclass(frozen=True)
class Ratio:
    """A scale that follows from the product of other values, such as the ratios of current transformers."""

    of: tuple[str, ...]
    if_there: frozenset[str]
    """Those of them that count only on devices that have them."""
    steps: tuple[tuple[Fraction | None, Fraction], ...]
    """(below which product, scale); the last has no bound."""

    def scale(self, product: float) -> float:
        """The scale at a product."""
        return float(next(scale for below, scale in self.steps if below is None or product < below))


@dataclass(frozen=True)
class Repeat:
    """Several things of one kind in one device: each ``stride`` addresses after the one before."""

    count: int
    stride: int


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A device declared as data."""

    id: str
    file: str
    line: int = 1
    """Where the file says its id."""
    shipped: bool = False
    manufacturer: str
    models: tuple[str, ...]
    kind: str
    source: str
    gateways: frozenset[str] = frozenset()
    """Kinds of gateway it may be offered for; empty for all."""
    proven: bool = False
    """Whether the map is known to be right; only of shipped profiles."""
    proven_for: frozenset[str] = frozenset()
    """Of a map that is a candidate for others: the models that it is known to be right for."""
    feed_direction_on_device: bool = False
    """Whether the device itself minds from which side it is fed."""
    max_words: int = MOST_WORDS
    max_gap: int = 16
    ranges: Mapping[int, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    """Function -> the inclusive ranges that may be read in one request."""
    registers: tuple[Register, ...] = ()
    commands: tuple[Command, ...] = ()
    ratios: Mapping[str, Ratio] = field(default_factory=dict)
    positions: Repeat | None = None
    sides: Repeat | None = None

    @property
    def repeat(self) -> Repeat | None:
        """How it repeats, by positions or by sides."""
        return self.positions or self.sides

    @property
    def keys(self) -> Mapping[str, Register]:
        """Registers by key."""
        return {register.key: register for register in self.registers}

    @property
    def needs_remote_id(self) -> bool:
        """Whether its addresses depend on the remote id of a virtual device."""
        return any(register.per_remote_id for register in self.registers)

    def is_proven_for(self, model: str) -> bool:
        """Whether the map is known to be right for a model."""
        return self.proven or model in self.proven_for

    @property
    def can_write(self) -> bool:
        """Whether anything of it may be written once the map is confirmed."""
        writable = any(register.write or any(bit.writable for bit in register.bits) for register in self.registers)
        return writable or bool(self.commands)


# --- reading it ----------------------------------------------------------------------------------------------------


def parse(text: str, name: str, *, shipped: bool = False) -> Profile:
    """The profile in a file's text; ``name`` is the file's. Raises ``ProfileError``."""
    root = read(text, name)
    fields = Fields(root)
    version = fields.need("profile")
    if version.content != str(VERSION):
        version.fail("wrong_version", version=VERSION)
    ratios_node = fields.take("ratios")
    registers_node = fields.need("registers")
    commands_node = fields.take("commands")
    confidence = fields.take("confidence")
    proven = confidence is not None and confidence.one_of(("proven", "candidate")) == "proven"
    if confidence is not None and proven and not shipped:
        confidence.fail("not_proven")
    proven_for, feed_direction = fields.take("proven_for"), fields.take("feed_direction")
    if proven_for is not None and not shipped:
        proven_for.fail("not_proven")
    id_node = fields.need("id")
    profile = Profile(
        file=name,
        line=id_node.line,
        shipped=shipped,
        id=id_node.matching(_ID, "bad_id"),
        manufacturer=fields.need("manufacturer").text(60),
        models=tuple(node.text(60) for node in fields.need("models").items()),
        kind=_kind(fields.need("kind")),
        source=fields.need("source").text(),
        gateways=frozenset(node.matching(_WORD, "bad_word") for node in _list(fields.take("gateways"))),
        proven=proven,
        proven_for=frozenset(node.text(60) for node in _list(proven_for)),
        feed_direction_on_device=(
            feed_direction is not None and feed_direction.one_of(("device", "suite")) == "device"
        ),
        max_words=_integer(fields.take("max_words"), 1, MOST_WORDS, MOST_WORDS),
        max_gap=_integer(fields.take("max_gap"), 0, MOST_WORDS, 16),
        ranges=_ranges(fields.take("ranges")),
        ratios={key: _ratio(node) for key, node in (ratios_node.mapping() if ratios_node else {}).items()},
        positions=_repeat(fields.take("positions")),
        sides=_repeat(fields.take("sides")),
    )
    fields.end()
    if profile.positions and profile.sides:
        root.fail("positions_and_sides")
    if proven_for is not None and not profile.proven_for <= set(profile.models):
        proven_for.fail("proven_for_others")
    if len(registers_node.items()) > MOST_REGISTERS:
        registers_node.fail("too_many_registers", most=MOST_REGISTERS)
    profile = replace(
        profile,
        registers=tuple(_register(node, profile) for node in registers_node.items()),
        commands=tuple(_command(node, profile) for node in _list(commands_node)),
    )
    _Check(profile, name).all(registers_node, commands_node)
    return profile


def _list(node: Node | None) -> list[Node]:
    return node.items() if node else []


def _integer(node: Node | None, low: int, high: int, default: int) -> int:
    return node.integer(low, high) if node else default


def _flag(node: Node | None, *, default: bool) -> bool:
    return node.flag() if node else default


def _kind(node: Node) -> str:
    if node.content not in KINDS:
        node.fail("unknown_kind", value=node.text(), known=", ".join(sorted(KINDS)))
    return node.text()


def _key(node: Node) -> str:
    key = node.matching(_WORD, "bad_word")
    if key in _RESERVED:
        node.fail("reserved_key", key=key)
    return ALIASES.get(key, key)


def _texts(node: Node | None) -> Texts:
    if node is None:
        return {}
    fields = Fields(node)
    texts = {language: text.text() for language in LANGUAGES if (text := fields.take(language))}
    fields.end()
    if "en" not in texts:
        node.fail("missing_field", field="en")
    return texts


def _range(node: Node) -> tuple[Fraction, Fraction]:
    entries = node.items()
    if len(entries) != 2:
        node.fail("not_a_range")
    low, high = (entry.number() for entry in entries)
    if not low < high:
        node.fail("not_a_range")
    return low, high


def _ranges(node: Node | None) -> dict[int, tuple[tuple[int, int], ...]]:
    ranges: dict[int, list[tuple[int, int]]] = {}
    for entry in _list(node):
        fields = Fields(entry)
        function = fields.need("function").integer(1, 4)
        first = fields.need("first").integer(0, ADDRESSES - 1)
        last = fields.need("last").integer(0, ADDRESSES - 1)
        fields.end()
        others = ranges.setdefault(function, [])
        if last < first or any(first <= high and low <= last for low, high in others):
            entry.fail("not_a_range")
        others.append((first, last))
    return {function: tuple(sorted(spans)) for function, spans in ranges.items()}


def _repeat(node: Node | None) -> Repeat | None:
    if node is None:
        return None
    fields = Fields(node)
    repeat = Repeat(fields.need("count").integer(1, 247), fields.need("stride").integer(1, ADDRESSES - 1))
    fields.end()
    return repeat


def _ratio(node: Node) -> Ratio:
    fields = Fields(node)
    of = tuple(_key(entry) for entry in fields.need("of").items())
    if_there = frozenset(_key(entry) for entry in _list(fields.take("if_there")))
    steps_node = fields.need("steps")
    fields.end()
    steps: list[tuple[Fraction | None, Fraction]] = []
    for entry in steps_node.items():
        step = Fields(entry)
        below = step.take("below")
        steps.append((below.number() if below else None, _scale(step.need("scale"))))
        step.end()
    bounds = [below for below, _ in steps]
    known = [bound for bound in bounds[:-1] if bound is not None]
    if unknown := if_there - set(of):
        node.fail("no_such_key", key=min(unknown))
    if of and if_there == set(of):
        node.fail("bad_steps")
    if not of or not steps or bounds[-1] is not None or len(known) < len(steps) - 1 or known != sorted(set(known)):
        steps_node.fail("bad_steps")
    return Ratio(of, if_there, tuple(steps))


def _scale(node: Node) -> Fraction:
    scale = node.number()
    if not _FINEST <= abs(scale) <= _COARSEST:
        node.fail("bad_scale", value=node.text())
    return scale


def _danger(node: Node | None) -> Danger | None:
    return Danger(node.one_of([danger.value for danger in Danger])) if node else None


def _severity(node: Node) -> Severity:
    return Severity[node.one_of([severity.word for severity in Severity]).upper()]


def _alarm(fields: Fields) -> AlarmText:
    return AlarmText(
        severity=_severity(fields.need("severity")),
        text=_texts(fields.need("text")),
        cause=_texts(fields.take("cause")),
        remedy=_texts(fields.take("remedy")),
        notify=_flag(fields.take("notify"), default=False),
    )


def _word_alarm(node: Node | None) -> AlarmText | None:
    """The alarm that any bit of a word raises."""
    if node is None:
        return None
    fields = Fields(node)
    codes = fields.take("codes")
    alarm = _alarm(fields)
    fields.end()
    if codes is None:
        return alarm
    match = re.fullmatch(r"([A-Za-z]{0,4})([0-9]{1,4})", codes.text())
    if match is None:
        codes.fail("bad_codes", value=codes.text())
    return replace(alarm, codes=(match[1], int(match[2])))


def _bits(node: Node | None, words: int, kind: str) -> Iterator[Bit]:
    for number, entry in (node.mapping() if node else {}).items():
        if not number.isdecimal() or int(number) >= 16 * words:
            entry.fail("no_such_bit", value=number, most=16 * words - 1)
        fields = Fields(entry)
        if (known := fields.take("alarm")) is not None:
            fields.end()
            yield _known_alarm(int(number), known)
            continue
        key = _key(fields.need("key"))
        code, names = fields.take("code"), _texts(fields.take("name"))
        writable = _access(fields.take("access"))
        danger, enabled = _danger(fields.take("danger")), _flag(fields.take("enabled"), default=True)
        alarm = _alarm(fields) if "severity" in entry.mapping() else None
        fields.end()
        if writable and danger is None:
            danger = usual_danger(key, kind)
        if alarm is None and not names and key not in VOCABULARY:
            entry.fail("unknown_key", key=key)
        if alarm is not None and writable:
            entry.fail("not_writable", key=key)
        yield Bit(
            number=int(number),
            key=key,
            alarm=alarm,
            code=code.integer(0, 65_535) if code else None,
            names=names,
            writable=writable,
            danger=danger,
            enabled=enabled,
        )


def _known_alarm(number: int, node: Node) -> Bit:
    """A bit that raises an alarm whose texts come with the suite."""
    alarm = ALARMS.get(node.text())
    if alarm is None:
        node.fail("no_such_alarm", value=node.text())
    return Bit(number=number, key=alarm.key, alarm=alarm)


def _access(node: Node | None) -> bool:
    return node is not None and node.one_of(("r", "rw")) == "rw"


def _map(node: Node | None) -> dict[int, str]:
    words: dict[int, str] = {}
    for number, entry in (node.mapping() if node else {}).items():
        value = Node(entry.file, entry.line, number).integer(-(2**63), 2**64 - 1)
        word = entry.matching(_WORD, "bad_word")
        if value in words or word in words.values():
            entry.fail("duplicate_word", value=word)
        words[value] = word
    if node is not None and not words:
        node.fail("empty_map")
    return words


def _type(node: Node | None, function: int) -> Type:
    default = Type.BITS if function in BIT_FUNCTIONS else Type.UINT16
    found = Type(node.one_of([each.value for each in Type])) if node else default
    if node is not None and function in BIT_FUNCTIONS and found is not Type.BITS:
        node.fail("type_not_fitting_function", type=found, function=function)
    return found


def _words(node: Node | None, kind: Type, function: int) -> int:
    least, most = (1, 1) if function in BIT_FUNCTIONS else _WORDS[kind]
    if node is None:
        return least
    words = node.integer(1, MOST_WORDS)
    if not least <= words <= most or (kind is Type.BITS and words == 3):
        node.fail("words_not_fitting_type", words=words, type=kind)
    return words


def _register(node: Node, profile: Profile) -> Register:
    fields = Fields(node)
    key_node = fields.need("key")
    key, names = _key(key_node), _texts(fields.take("name"))
    entity = _flag(fields.take("entity"), default=True)
    # A word of bits is not shown itself.
    shown = entity and not {"bits", "alarm"} & node.mapping().keys()
    if shown and not names and key not in VOCABULARY:
        key_node.fail("unknown_key", key=key)
    unit_node = fields.take("unit")
    unit, factor = _unit(unit_node)
    term = VOCABULARY.get(key)
    if term is not None and not (names or term.any_unit) and unit_node is not None and term.unit != unit:
        unit_node.fail("unit_not_of_key", key=key, unit=unit, expected=term.unit or "-")
    expect = fields.take("expect")
    common = {
        "key": key,
        "line": node.line,
        "names": names,
        "enabled": _flag(fields.take("enabled"), default=True),
        "entity": entity,
        "unit": unit,
        "expect": _scaled(expect, factor),
    }
    common["confidence"] = _note(fields)
    sum_of, first_of = fields.take("sum"), fields.take("first_of")
    if sum_of or first_of:
        fields.end()
        if sum_of and first_of:
            node.fail("sum_and_first_of")
        return Register(
            **common,  # type: ignore[arg-type]  # of one type by name
            sum_of=tuple(_key(entry) for entry in _list(sum_of)),
            first_of=tuple(_key(entry) for entry in _list(first_of)),
        )
    register = Register(**common, **_place(fields, profile, factor))  # type: ignore[arg-type]  # as above
    if register.write is not None and register.danger is None:
        register = replace(register, danger=usual_danger(key, profile.kind))
    fields.end()
    _check_alone(node, register, factor)
    return register


def _unit(node: Node | None) -> tuple[str | None, Fraction]:
    if node is None:
        return None, Fraction(1)
    found = UNITS.get(node.text())
    if found is None:
        node.fail("unknown_unit", value=node.text(), known=", ".join(UNITS))
    return found


def _place(fields: Fields, profile: Profile, factor: Fraction) -> dict[str, object]:
    """Where a register stands and how it is read and written."""
    function = _integer(fields.take("function"), 1, 4, 3)
    kind = _type(fields.take("type"), function)
    words = _words(fields.take("words"), kind, function)
    address, per_remote_id = _address(fields.need("address"))
    order, zero, access = fields.take("word_order"), fields.take("zero"), fields.take("access")
    zero_unless, sign, write = fields.take("zero_unless"), fields.take("sign_key"), fields.take("write")
    offset, limits, step = fields.take("offset"), fields.take("range"), fields.take("step")
    speed = fields.take("speed")
    scale, ratio = _scale_or_ratio(fields.take("scale"), profile)
    pattern = 2 ** (16 * words)
    writable = _access(access)
    writes = _WRITES.get(function, ())
    if access is not None and writable and not writes:
        access.fail("function_only_reads", function=function)
    if write is not None and (not writable or write.content not in {str(each) for each in writes}):
        write.fail("write_not_fitting_function", function=function)
    default = writes[-1] if writes and words > 1 else writes[0] if writes else None
    result: dict[str, object] = {
        "function": function,
        "type": kind,
        "words": words,
        "address": address,
        "per_remote_id": per_remote_id,
        "high_first": order is None or order.one_of(("high_first", "low_first")) == "high_first",
        "scale": scale * factor,
        "ratio": ratio,
        "offset": offset.number() * factor if offset else Fraction(0),
        "sign_key": _key(sign) if sign else None,
        "invalid": frozenset(
            entry.integer(-pattern // 2, pattern - 1) % pattern for entry in _list(fields.take("invalid"))
        ),
        "zero_is_unknown": zero is not None and zero.one_of(("value", "unknown")) == "unknown",
        "zero_unless": _key(zero_unless) if zero_unless else None,
        "map": _map(fields.take("map")),
        "bits": tuple(_bits(fields.take("bits"), words, profile.kind)),
        "alarm": _word_alarm(fields.take("alarm")),
        "write": (int(str(write.content)) if write else default) if writable else None,
        "range": _scaled(limits, factor),
        "step": float(step.number() * factor) if step else None,
        "danger": _danger(fields.take("danger")),
        "shared": _flag(fields.take("shared"), default=False),
        "private": _flag(fields.take("private"), default=False),
    }
    if writable and write is not None and words > 1 and result["write"] in (5, 6):
        write.fail("write_not_fitting_function", function=function)
    if result["alarm"] and kind is not Type.BITS:
        fields.node.fail("alarm_without_bits")
    result["speed"] = (
        Speed(speed.one_of([each.value for each in Speed])) if speed else _usual_speed(kind, writable, fields.node)
    )
    return result


def _address(node: Node) -> tuple[int, int]:
    """An address, or what of it does not depend on a remote id and how much each step of that adds."""
    if not (isinstance(node.content, str) and node.content.startswith("{")):
        return node.integer(0, ADDRESSES - 1), 0
    match = _OF_REMOTE_ID.fullmatch(node.content)
    if match is None:
        node.fail("bad_remote_id", value=node.content)
    factor, base = (
        Node(node.file, node.line, told or usual).integer(0, ADDRESSES - 1)
        for told, usual in ((match["factor"], "1"), (match["base"], "0"))
    )
    return base, factor


def _usual_speed(kind: Type, writable: bool, node: Node) -> Speed:
    """Settings and totals change seldom, texts never."""
    if kind is Type.STRING:
        return Speed.ONCE
    unit = node.mapping().get("unit")
    counts = unit is not None and UNITS.get(str(unit.content), ("",))[0] in ("kWh", "kvarh")
    return Speed.SLOW if writable or counts else Speed.LIVE


def _scaled(node: Node | None, factor: Fraction) -> tuple[float, float] | None:
    if node is None:
        return None
    low, high = _range(node)
    return float(low * factor), float(high * factor)


def _scale_or_ratio(node: Node | None, profile: Profile) -> tuple[Fraction, str | None]:
    if node is None:
        return Fraction(1), None
    if isinstance(node.content, str) and node.content.startswith("ratio:"):
        name = node.content.removeprefix("ratio:").strip()
        if name not in profile.ratios:
            node.fail("no_such_ratio", value=name)
        return Fraction(1), name
    return _scale(node), None


def _note(fields: Fields) -> str | None:
    """What is told for people: where a fact is from, and how sure it is, which is returned."""
    told = {name: node.text() for name in ("source", "confidence", "note") if (node := fields.take(name)) is not None}
    return told.get("confidence")


def _check_alone(node: Node, register: Register, factor: Fraction) -> None:
    """What of a register can be wrong by itself."""
    where = node.mapping()
    if register.address + register.words > ADDRESSES and not register.per_remote_id:
        where["address"].fail("address_too_high", address=register.address, words=register.words)
    if register.map:
        _check_map(where["map"], register)
    if register.bits and not register.is_word_of_bits:
        where["bits"].fail("bits_not_fitting_type", type=register.type)
    if register.is_word_of_bits and register.entity and not (register.bits or register.alarm):
        node.fail("bits_without_meaning")
    if (register.sign_key or register.ratio) and not register.type.is_integer:
        node.fail("sign_not_fitting_type", type=register.type)
    if any(bit.writable for bit in register.bits) and register.function != 3:
        node.fail("function_only_reads", function=register.function)
    if register.write is not None:
        _check_writable(node, register, factor)


def _check_map(node: Node, register: Register) -> None:
    if not (register.type.is_integer or register.is_bit):
        node.fail("map_not_fitting_type", type=register.type)
    values = 2 if register.is_bit else 2 ** (16 * register.words)
    lowest = -values // 2 if register.type.is_signed else 0
    if not all(lowest <= number < lowest + values for number in register.map):
        node.fail("map_not_fitting_type", type=register.type)


def _check_writable(node: Node, register: Register, factor: Fraction) -> None:
    if register.type is Type.STRING or register.is_word_of_bits or register.sign_key or register.ratio:
        node.fail("not_writable", key=register.key)
    if register.map or register.is_bit:
        return
    if register.range is None:
        node.fail("missing_field", field="range")
    _check_range(node.mapping()["range"], register, factor)


def _check_range(node: Node, register: Register, factor: Fraction) -> None:
    if not register.type.is_integer:
        return
    bits = 16 * register.words
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if register.type.is_signed else (0, 2**bits - 1)
    if register.type is Type.BCD:
        low, high = 0, 10 ** (4 * register.words) - 1
    for limit in _range(node):
        if not low <= (limit * factor - register.offset) / register.scale <= high:
            node.fail("range_not_fitting_type", type=register.type)


def _write(node: Node | None) -> Write | None:
    if node is None:
        return None
    fields = Fields(node)
    function = fields.need("function")
    number = function.integer(1, 16)
    if number not in (5, 6, 15, 16):
        function.fail("not_a_write_function", function=number)
    address = fields.need("address").integer(0, ADDRESSES - 1)
    value_node = fields.need("value")
    value = value_node.integer(0, 0xFFFF)
    if number in (5, 15) and value not in (0, 1, 0xFF00):
        value_node.fail("out_of_bounds", value=value, low=0, high=1)
    fields.end()
    return Write(number, address, value)


def _command(node: Node, profile: Profile) -> Command:
    fields = Fields(node)
    key_node = fields.need("key")
    key, names = _key(key_node), _texts(fields.take("name"))
    if not names and key not in VOCABULARY:
        key_node.fail("unknown_key", key=key)
    state = fields.take("state")
    command = Command(
        key=key,
        line=node.line,
        names=names,
        on=_write(fields.take("on")),
        off=_write(fields.take("off")),
        press=_write(fields.take("press")),
        state=_key(state) if state else None,
        danger=_danger(fields.take("danger")) or usual_danger(key, profile.kind),
        enabled=_flag(fields.take("enabled"), default=True),
    )
    _note(fields)
    fields.end()
    if bool(command.press) == bool(command.on or command.off) or bool(command.on) != bool(command.off):
        node.fail("on_and_off_or_press")
    return command


def check_reach(profile: Profile) -> None:
    """Raise ``ProfileError`` if a register lies where it cannot be read."""
    _Check(profile, profile.file).reach()


class _Check:
    """What can be wrong between the entries of a profile."""

    def __init__(self, profile: Profile, file: str) -> None:
        self.profile = profile
        self.keys = profile.keys
        self.file = file

    def fail(self, line: int, reason: str, **placeholders: object) -> Never:
        raise ProfileError(reason, self.file, line, **placeholders)

    def all(self, registers: Node, commands: Node | None) -> None:
        if not self.profile.registers:
            registers.fail("no_registers")
        self._unique()
        for register in self.profile.registers:
            self._references(register)
        self.reach()
        for ratio in self.profile.ratios.values():
            for key in ratio.of:
                self._exists(key, registers.line)
        states = {bit.key for register in self.profile.registers for bit in register.bits if bit.alarm is None}
        for command in self.profile.commands:
            if command.state is not None and command.state not in states:
                self._exists(command.state, command.line)
        self._enabled()

    def _unique(self) -> None:
        seen: set[str] = set()
        registers = self.profile.registers
        keys = [
            *((register.line, register.key) for register in registers),
            *((register.line, bit.key) for register in registers for bit in register.bits),
            *((command.line, command.key) for command in self.profile.commands),
        ]
        for line, key in sorted(keys):
            if key in seen:
                self.fail(line, "duplicate_key", key=key)
            seen.add(key)

    def _exists(self, key: str, line: int) -> Register:
        register = self.keys.get(key)
        if register is None:
            self.fail(line, "no_such_key", key=key)
        return register

    def _references(self, register: Register) -> None:
        for key in register.computed_of:
            other = self._exists(key, register.line)
            # What is computed is computed of what stands before it: so nothing is computed of itself.
            if other.is_computed and other.line >= register.line:
                self.fail(register.line, "computed_of_later", key=key)
        for witness in filter(None, (register.sign_key, register.zero_unless)):
            other = self._exists(witness, register.line)
            if (other.function, other.speed, other.is_computed) != (register.function, register.speed, False):
                self.fail(register.line, "read_elsewhere", key=witness)

    def reach(self) -> None:
        """Whether every register lies where it can be read; of a virtual device, once its remote id is known."""
        for register in self.profile.registers:
            if not (register.is_computed or register.per_remote_id):
                self._reach(register)

    def _reach(self, register: Register) -> None:
        if register.words > self.profile.max_words:
            self.fail(register.line, "wider_than_request", key=register.key, most=self.profile.max_words)
        repeat = None if register.shared else self.profile.repeat
        last = register.address + register.words - 1
        if last + ((repeat.count - 1) * repeat.stride if repeat else 0) >= ADDRESSES:
            self.fail(register.line, "address_too_high", address=register.address, words=register.words)
        ranges = self.profile.ranges.get(register.function)
        if ranges is not None and not any(low <= register.address and last <= high for low, high in ranges):
            self.fail(register.line, "outside_ranges", key=register.key)

    def _enabled(self) -> None:
        registers = self.profile.registers
        enabled = [register.line for register in registers if register.has_entity and register.enabled]
        enabled += [
            register.line for register in registers for bit in register.bits if bit.alarm is None and bit.enabled
        ]
        enabled += [command.line for command in self.profile.commands if command.enabled]
        if len(enabled) > MOST_ENABLED:
            line = sorted(enabled)[MOST_ENABLED]
            self.fail(line, "too_many_enabled", most=MOST_ENABLED, count=len(enabled))

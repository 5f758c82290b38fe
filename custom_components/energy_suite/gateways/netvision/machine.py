"""What a card tells: what stands behind it, and what one look at that brought; pure decoding by the tables."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..plausibility import Value
from .quantities import BIT_WORDS, PRODUCT_CODES, QUANTITIES, Object, Quantity, Table, Word

UNKNOWN = (-1, 0xFFFF)
"""What stands for a value that the machine does not manage."""
MOST_UNITS = 15

BELIEVED = {each.key: each.unit for each in QUANTITIES if each.unit and not each.key.startswith("load")}
"""What has to lie in the range of its unit to be believed at once: a load of more than 100 % is what overloads are."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What stands behind a card, as far as a channel says; None where it does not."""

    table: Table | None = None
    """None before the card was asked."""
    model: str | None = None
    serial: str | None = None
    firmware: str | None = None
    card_firmware: str | None = None
    name: str | None = None
    """The name that its owner gave it on the card."""
    input_phases: int | None = None
    output_phases: int | None = None
    has_battery: bool | None = None
    has_eco_mode: bool | None = None
    tenths: bool | None = None
    """Whether a VU-MAP counts tenths (T014)."""
    units: tuple[int, ...] = ()
    """The numbers of the units of a parallel system, or of the modules of a modular one."""
    modular: bool = False
    rated: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_sts(self) -> bool:
        """Whether it is a static transfer system rather than a UPS."""
        return self.table in (Table.STS, Table.STS_MIB)


@dataclass(frozen=True, kw_only=True)
class Readings:
    """What one look at the machine brought."""

    table: Table
    values: Mapping[str, Value]
    """By the keys of ``quantities``, in their units."""
    bits: frozenset[str]
    """The names of what is set, as the conditions of ``bits`` call them."""


@dataclass(frozen=True, kw_only=True)
class CardState:
    """What the card says of itself; SNMP alone tells."""

    bits: frozenset[str] = frozenset()
    remote_control: bool | None = None
    """Whether the UPS takes commands."""
    emd: Mapping[str, float | bool | None] | None = None
    """``temperature`` in °C, ``humidity`` in %, ``input_1``, ``input_2``; None without the environment device."""


def decode(table: Table, words: Mapping[int, int], *, tenths: bool | None) -> dict[str, Value]:
    """The quantities in a table's words by key; None for what is not managed, or of unknown scale."""
    return {
        quantity.key: _quantity(quantity, words[place.address], place, tenths=tenths)
        for quantity in QUANTITIES
        if isinstance(place := quantity.place(table), Word) and place.address in words
    }


def decode_objects(table: Table, objects: Mapping[str, int | str | None]) -> dict[str, Value]:
    """The quantities in a MIB's objects, which are named by their suffixes."""
    values: dict[str, Value] = {}
    for quantity in QUANTITIES:
        place = quantity.place(table)
        if isinstance(place, Object) and place.suffix in objects:
            raw = objects[place.suffix]
            known = isinstance(raw, int) and raw not in UNKNOWN
            values[quantity.key] = _scaled(quantity, raw, place.scale) if known and isinstance(raw, int) else None
    return values


def _quantity(quantity: Quantity, raw: int, place: Word, *, tenths: bool | None) -> float | None:
    if raw in UNKNOWN or (place.tenths and tenths is None):
        return None
    signed = raw - 0x10000 if raw & 0x8000 else raw
    return _scaled(quantity, signed, place.scale * (0.1 if place.tenths and tenths else 1))


def _scaled(quantity: Quantity, raw: int, scale: float) -> float | None:
    return None if raw == 0 and quantity.zero_is_unknown else round(float(raw * scale), 3)


def bits_of(table: Table, words: Mapping[int, int]) -> frozenset[str]:
    """The names of the bits that are set."""
    return frozenset(
        f"{letter}{first + bit:0{_DIGITS[table]}d}"
        for address, (letter, first) in BIT_WORDS[table].items()
        for bit in range(16)
        if words.get(address, 0) >> bit & 1
    )


_DIGITS: Mapping[Table, int] = {Table.JBUSP: 2, Table.VUMAP: 3, Table.STS: 3}


def product(table: Table, code: int) -> str | None:
    """The name of the product that has this code; None for one that nobody has listed."""
    return PRODUCT_CODES.get(table, {}).get(code)


def phases_of(name: str | None) -> tuple[int | None, int | None]:
    """Input and output phases that a JBUSP product's name tells: ``MASTERYS 3/1``; small ones have one."""
    if name is None:
        return None, None
    if found := re.search(r"(\d)/(\d)", name):
        return int(found[1]), int(found[2])
    return (1, 1) if name.startswith(("NETYS", "ITYS")) else (3, 3)


def numbered(bits: int, count: int) -> tuple[int, ...]:
    """The numbers, from 1, of the bits that are set among the first ``count``."""
    return tuple(number for number in range(1, count + 1) if bits >> (number - 1) & 1)


def rated(table: Table, words: Mapping[int, int], *, tenths: bool | None) -> dict[str, float]:
    """The rated values that are known among the words of the configuration."""
    values = decode(table, words, tenths=tenths)
    return {key: value for key, value in values.items() if key.startswith("rated_") and isinstance(value, float)}

"""The generic Modbus meter: a meter whose owner says in which registers its values stand.

The web server asks for function, register, words and multiplier, and makes positive active energy of them
(manual 7.15.1.3). Sign, word order, unit and other quantities are what the manual leaves open.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, Final

from ..base import Speed
from ..profiles.schema import Profile, Register, Type
from ..profiles.vocabulary import UNITS

GENERIC: Final = "generic"
FUNCTIONS: Final = (3, 4)
WORDS: Final = (1, 2, 4)
ENERGY_UNITS: Final = ("Wh", "kWh")
UNIT_OF: Final[Mapping[str, str]] = {"energy_exported": "Wh", "power": "W", "voltage": "V", "current": "A"}
"""The quantities that it may have beside its energy, and what one multiplied count of each is."""

_HIGHEST = 0xFFFF
_FINEST, _COARSEST = Decimal("1e-6"), Decimal("1e6")


def parse_register(text: str) -> int:
    """The register in ``0x101C``, ``101C`` or ``101c``. Raises ``ValueError``."""
    digits = text.strip().lower().removeprefix("0x")
    # Python would take signs, blanks and underscores as well.
    if not digits or not all(digit in "0123456789abcdef" for digit in digits):
        raise ValueError(text)
    number = int(digits, 16)
    if number > _HIGHEST:
        raise ValueError(text)
    return number


def parse_multiplier(text: str) -> Decimal:
    """The multiplier, with a point or a comma; more than 0. Raises ``ValueError``."""
    try:
        number = Decimal(text.strip().replace(",", "."))
    except InvalidOperation as err:
        raise ValueError(text) from err
    if not (number.is_finite() and _FINEST <= number <= _COARSEST):
        raise ValueError(text)
    return number


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a quantity stands, and what one count of it is."""

    register: str
    words: int = 2
    multiplier: str = "1"
    signed: bool = False


@dataclass(frozen=True, kw_only=True)
class GenericMeter:
    """What the owner says of the meter."""

    function: int = 3
    low_first: bool = False
    """Whether the low word comes first, as the manual does not say."""
    unit: str = "Wh"
    """Of the multiplied energies."""
    energy: Place
    others: Mapping[str, Place] = field(default_factory=dict)
    """By key of ``UNIT_OF``."""

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> GenericMeter:
        """From what is stored: the fields of the energy, and of ``<key>`` those of another quantity."""
        return cls(
            function=settings.get("function", FUNCTIONS[0]),
            low_first=settings.get("word_order") == "low_first",
            unit=settings.get("unit", "Wh"),
            energy=_place(settings),
            others={key: _place(settings[key]) for key in UNIT_OF if settings.get(key, {}).get("register")},
        )

    def problems(self) -> dict[str, str]:
        """What is wrong with it: field (``register``, ``power.multiplier``, ...) -> reason."""
        problems = dict(_problems(self.energy))
        for key, place in self.others.items():
            problems |= {f"{key}.{name}": reason for name, reason in _problems(place)}
        if self.function not in FUNCTIONS:
            problems["function"] = "bad_function"
        if self.unit not in ENERGY_UNITS:
            problems["unit"] = "bad_unit"
        return problems

    def profile(self) -> Profile:
        """The profile that reads it. Raises ``ValueError`` if it has ``problems``."""
        if problems := self.problems():
            raise ValueError(problems)
        places = {"energy_imported": (self.energy, self.unit)}
        for key, place in self.others.items():
            places[key] = (place, self.unit if key == "energy_exported" else UNIT_OF[key])
        live = any(key not in _ENERGIES for key in places)
        return Profile(
            id=GENERIC,
            file=GENERIC,
            manufacturer="",
            models=("Modbus",),
            kind="generic_meter",
            source="",
            # Its owner wrote it for this very meter, and nothing of it can be written.
            proven=True,
            max_gap=0,
            registers=tuple(self._register(key, *place, live=live) for key, place in places.items()),
        )

    def _register(self, key: str, place: Place, unit: str, *, live: bool) -> Register:
        canonical, factor = UNITS[unit]
        return Register(
            key=key,
            line=1,
            function=self.function,
            address=parse_register(place.register),
            words=place.words,
            type=_TYPES[place.words, place.signed],
            high_first=not self.low_first,
            unit=canonical,
            scale=Fraction(parse_multiplier(place.multiplier)) * factor,
            speed=Speed.SLOW if live and key in _ENERGIES else Speed.LIVE,
        )


_ENERGIES: Final = ("energy_imported", "energy_exported")
_TYPES: Final[Mapping[tuple[int, bool], Type]] = {
    (1, False): Type.UINT16,
    (1, True): Type.INT16,
    (2, False): Type.UINT32,
    (2, True): Type.INT32,
    (4, False): Type.UINT64,
    (4, True): Type.INT64,
}


def _place(settings: Mapping[str, Any]) -> Place:
    return Place(
        register=str(settings["register"]),
        words=int(settings.get("words", 2)),
        multiplier=str(settings.get("multiplier", "1")),
        signed=bool(settings.get("signed", False)),
    )


def _problems(place: Place) -> Iterator[tuple[str, str]]:
    try:
        if parse_register(place.register) + place.words > _HIGHEST + 1:
            yield "register", "register_too_high"
    except ValueError:
        yield "register", "bad_register"
    if place.words not in WORDS:
        yield "words", "bad_words"
    try:
        parse_multiplier(place.multiplier)
    except ValueError:
        yield "multiplier", "bad_multiplier"

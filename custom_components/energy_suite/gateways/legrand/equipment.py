"""What the user says of a device behind a gateway, and the rules for it (manual 7.15.1.3 and 7.15.1.5)."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any, Final

from ..base import Found
from ..profiles.adapting import with_remote_id
from ..profiles.document import ProfileError
from ..profiles.library import Library
from ..profiles.schema import Profile
from .catalogue import CATALOGUE, CONCENTRATORS, Addressing, Reference
from .generic import GENERIC, GenericMeter
from .pulses import PULSES

KIND: Final = "legrand"
PRESENCE: Final = "presence"
"""Instead of a map: whether it answers, and nothing else."""

HIGHEST_ADDRESS: Final = 247
SLAVE_ADDRESS: Final = 247
"""Kept for the virtual devices of a slave web server."""
ALL_DEVICES: Final = 29999
"""Remote id of the total of all electric devices."""
WEB_SERVERS: Final = ((10, "4 149 47"), (32, "4 149 48"))
"""How many devices each of the web servers takes."""
CIRCUITS: Final = ("heating", "cooling", "hot_water", "lighting", "sockets", "other_uses")
"""The circuits preset after the French rule RT 2012; users have their own besides."""
PHASES: Final = (1, 2, 3)

_REMOTE_ADDRESS = re.compile(r"([1-9][0-9]?)-([1-9][0-9]?)")
_MOST_BEHIND_INTERFACE, _MOST_INTERFACES = 30, 32
_REMOTE_IDS: Final = range(10_000, 40_000)


class FeedDirection(StrEnum):
    """From which side the current comes."""

    UPSTREAM = "upstream"
    DOWNSTREAM = "downstream"


@dataclass(frozen=True, kw_only=True)
class Equipment:
    """One device as its owner describes it; ``settings`` is how it is stored."""

    name: str
    reference: str
    address: int
    map: str = PRESENCE
    """The id of a profile, ``generic`` or ``presence``."""
    confirmed: bool = False
    """Whether somebody compared the values with the device."""
    enabled: bool = True
    """One that is off is kept and not polled."""
    remote_address: str | None = None
    """Of an EMS CX3 module with remote addressing: the device and its interface, such as ``2-1``."""
    position: int | None = None
    concentrator: str | None = None
    weight: float | None = None
    """Wh or litres a pulse."""
    index: float | None = None
    """kWh or m³ on the dial of a pulse meter when it was added."""
    side: int | None = None
    phase: int | None = None
    single_phase: bool = False
    """Of a module that measures one phase or three."""
    feed_direction: FeedDirection = FeedDirection.UPSTREAM
    remote_id: int | None = None
    circuit: str | None = None
    exclude_from_totals: bool = False
    exclude_from_alarms: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    meter: Mapping[str, Any] = field(default_factory=dict)
    """Of a generic meter, the settings of ``GenericMeter``."""

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Equipment:
        """From what is stored; what a later version stored besides is left alone."""
        known = {each.name: settings[each.name] for each in fields(cls) if each.name in settings}
        return cls(**{**known, "feed_direction": FeedDirection(known.get("feed_direction", FeedDirection.UPSTREAM))})

    @property
    def settings(self) -> dict[str, Any]:
        """What is stored, without what is as usual."""
        usual = {each.name: each.default for each in fields(self)}
        return {
            name: dict(value) if isinstance(value, Mapping) else value
            for name, value in asdict(self).items()
            if value != usual[name] and value != {}
        }

    @property
    def model(self) -> Reference:
        """Its reference. Raises ``KeyError`` for one that the catalogue does not have."""
        return CATALOGUE[self.reference]

    @property
    def place(self) -> str:
        """Where it is on the gateway, in the notation of the web server."""
        if self.remote_address and self.model.addressing is Addressing.REMOTE:
            return self.remote_address
        return str(self.address) if self._behind is None else f"{self.address}-{self._behind}"

    @property
    def _behind(self) -> int | None:
        """What tells it apart at its address; a number that its reference knows nothing of does not count."""
        field_name = _BEHIND.get(self.model.addressing)
        number: int | None = None if field_name is None else getattr(self, field_name)
        return number

    def found(self, key: str) -> Found:
        """The device that it is, with a key that stays."""
        return Found(
            key=key,
            # A reference of a later version keeps its place.
            kind=CATALOGUE[self.reference].kind if self.reference in CATALOGUE else "generic_meter",
            unit_id=self.address,
            name=self.name,
            number=None if self.model.addressing is Addressing.VIRTUAL else self._behind,
            profile=None if self.map in (GENERIC, PRESENCE) else self.map,
            confirmed=self.confirmed,
            settings=self.settings,
        )


_COMPACT: Final = {reference.replace(" ", "").casefold(): reference for reference in CATALOGUE}


def reference_of(text: str) -> str:
    """The reference as the catalogue spells it, whatever the blanks and the case; the text itself where it has none."""
    return _COMPACT.get("".join(text.split()).casefold(), text.strip())


def remote_id_of(text: str) -> int:
    """The remote id as typed, or ``all`` for the total of all electric devices. Raises ``ValueError``."""
    text = text.strip().casefold()
    if text == "all":
        return ALL_DEVICES
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(text)
    return int(text)


# --- names ---------------------------------------------------------------------------------------------------------


def same_name(one: str, other: str) -> bool:
    """Whether two names are one: compared without case and outer blanks."""
    return one.strip().casefold() == other.strip().casefold()


def free_name(name: str, taken: Iterable[str]) -> str:
    """The name, with a number behind it where it is taken."""
    taken, number, free = list(taken), 1, name
    while any(same_name(free, other) for other in taken):
        number += 1
        free = f"{name} ({number})"
    return free


# --- maps ----------------------------------------------------------------------------------------------------------


def maps_for(equipment: Equipment, library: Library) -> list[str]:
    """What it may be read with, the best first: shipped maps for it, the user's own, then what needs none."""
    model = equipment.model
    if model.addressing is Addressing.POSITION:
        counts = CATALOGUE.get(equipment.concentrator or "")
        counting = [each for each in library.offered_for(gateway=KIND) if unfit(model, each) is None]
        # A meter that counts the pulses of others may have a map that tells nothing of them.
        shipped = [each.id for each in counting if each.shipped and counts and each.id in counts.profiles]
        return [*shipped, *(each.id for each in counting if not each.shipped)] or [PRESENCE]
    known = [each for each in model.profiles if each in library.profiles]
    own = [profile.id for profile in _own(model, library)]
    # What somebody brought for this very reference goes before a map that is only worth a try.
    generic = [GENERIC] if model.may_be_generic else []
    if model.kind == "generic_meter":
        return [GENERIC, *own, PRESENCE]
    proven = [each for each in known if library.profiles[each].is_proven_for(model.reference)]
    candidates = [each for each in known if each not in proven]
    return [*proven, *own, *candidates, *generic, PRESENCE]


def usual_map(equipment: Equipment, library: Library) -> str:
    """The best map for a device of which nobody said more: only a generic meter is told register by register."""
    maps = maps_for(equipment, library)
    if equipment.model.kind == "generic_meter":
        return maps[0]
    return next(each for each in maps if each != GENERIC)


def _own(model: Reference, library: Library) -> list[Profile]:
    """The user's profiles for its kind that tell where it is, those that name it first."""
    offered = library.offered_for(gateway=KIND, kind=model.kind)
    own = [profile for profile in offered if not profile.shipped and unfit(model, profile) is None]
    return sorted(own, key=lambda profile: model.reference not in profile.models)


def unfit(model: Reference, profile: Profile) -> str | None:
    """Why a map cannot tell where something of this reference is: the word of a text; None where it can."""
    if model.addressing is Addressing.POSITION and PULSES not in profile.keys:
        return "map_without_pulses"
    if model.addressing is Addressing.SIDE and profile.sides is None:
        return "map_without_sides"
    if (model.addressing is Addressing.VIRTUAL) != profile.needs_remote_id:
        return "map_without_remote_id"
    return None


# --- rules ---------------------------------------------------------------------------------------------------------


def problems(equipment: Equipment, others: Iterable[Equipment], library: Library) -> dict[str, str]:
    """What is wrong with it among the others of its gateway: field -> reason, the word of a text."""
    if equipment.reference not in CATALOGUE:
        return {"reference": "missing_model"}
    found = dict(_problems(equipment, library))
    others = list(others)
    if any(same_name(equipment.name, other.name) for other in others):
        found["name"] = "name_used"
    if "address" not in found:
        for clash in (_clash(equipment, other) for other in others):
            if clash is not None:
                found[clash[0]] = clash[1]
    return found


def _problems(equipment: Equipment, library: Library) -> Iterator[tuple[str, str]]:
    """What is wrong with it by itself."""
    model = equipment.model
    if not equipment.name.strip():
        yield "name", "missing_name"
    if not 1 <= equipment.address <= HIGHEST_ADDRESS:
        yield "address", "bad_address"
    elif (equipment.address == SLAVE_ADDRESS) != (model.addressing is Addressing.VIRTUAL):
        yield "address", "address_of_slave"
    if "phase" in model.needs and equipment.phase not in PHASES:
        yield "phase", "bad_phase"
    if model.addressing is Addressing.REMOTE and equipment.remote_address is not None:
        yield from _remote_address(equipment.remote_address)
    if model.addressing is Addressing.POSITION:
        yield from _position(equipment, library)
    if model.addressing is Addressing.SIDE and equipment.side not in (1, 2):
        yield "side", "bad_side"
    if model.addressing is Addressing.VIRTUAL and equipment.remote_id not in _REMOTE_IDS:
        yield "remote_id", "bad_remote_id"
    yield from _map(equipment, library)


def _remote_address(text: str) -> Iterator[tuple[str, str]]:
    matched = _REMOTE_ADDRESS.fullmatch(text)
    numbers = [int(number) for number in matched.groups()] if matched else []
    if not numbers or numbers[0] > _MOST_BEHIND_INTERFACE or numbers[1] > _MOST_INTERFACES:
        yield "remote_address", "bad_remote_address"


def _position(equipment: Equipment, library: Library) -> Iterator[tuple[str, str]]:
    if equipment.concentrator not in CONCENTRATORS:
        yield "concentrator", "missing_concentrator"
    inputs = CONCENTRATORS.get(equipment.concentrator or "")
    profile = library.profiles.get(equipment.map)
    if profile is not None and PULSES in profile.keys:
        told = profile.positions.count if profile.positions else 1
        inputs = told if inputs is None else min(inputs, told)
    if equipment.position is None or equipment.position < 1 or (inputs is not None and equipment.position > inputs):
        yield "position", "bad_position"
    if equipment.weight is None or not 0 < equipment.weight < float("inf"):
        yield "weight", "bad_weight"
    if equipment.index is not None and not 0 <= equipment.index < float("inf"):
        yield "index", "bad_value"


def _map(equipment: Equipment, library: Library) -> Iterator[tuple[str, str]]:
    model, profile = equipment.model, library.profiles.get(equipment.map)
    if equipment.map == GENERIC and model.may_be_generic:
        if "register" not in equipment.meter:
            yield "register", "bad_register"
        else:
            yield from GenericMeter.from_settings(equipment.meter).problems().items()
    elif equipment.map == PRESENCE:
        return
    elif profile is None:
        yield "map", "unknown_map"
    elif (reason := unfit(model, profile)) is not None:
        yield "map", reason
    elif equipment.remote_id is not None and profile.needs_remote_id:
        try:
            with_remote_id(profile, equipment.remote_id)
        except ProfileError:
            yield "remote_id", "bad_remote_id"


_BEHIND: Final[Mapping[Addressing, str]] = {
    Addressing.POSITION: "position",
    Addressing.SIDE: "side",
    Addressing.VIRTUAL: "remote_id",
}
"""The field that tells devices at one address apart."""


def _clash(one: Equipment, other: Equipment) -> tuple[str, str] | None:
    """The field that two devices may not share, and why."""
    if one.address != other.address or other.reference not in CATALOGUE:
        return None
    kinds = one.model.addressing, other.model.addressing
    if Addressing.POSITION in kinds:
        # A concentrator, or a meter that is one, and what counts on it.
        concentrators = {
            each.concentrator if each.model.addressing is Addressing.POSITION else each.reference
            for each in (one, other)
        }
        if len(concentrators) > 1:
            return "address", "address_used"
    if kinds[0] is kinds[1] and (behind := _BEHIND.get(kinds[0])) is not None:
        return (behind, f"{behind}_used") if getattr(one, behind) == getattr(other, behind) else None
    if Addressing.POSITION in kinds:
        return None
    # EMS CX3 modules of several kinds may form a group.
    if kinds == (Addressing.REMOTE, Addressing.REMOTE) and one.model.kind != other.model.kind:
        return None
    return "address", "address_used"


def places(devices: Iterable[Equipment]) -> int:
    """How many devices the web server counts: both sides at one address are one, a concentrator is none."""
    return len(
        {
            (each.address, each.position, each.remote_id, each.reference)
            for each in devices
            if each.reference not in CATALOGUE or each.model.is_device
        }
    )


def web_server_exceeded(devices: Iterable[Equipment]) -> tuple[int, str] | None:
    """The largest web server that does not take so many: (how many it takes, its reference)."""
    count = places(devices)
    return next(((most, reference) for most, reference in reversed(WEB_SERVERS) if count > most), None)

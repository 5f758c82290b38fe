"""A profile made to fit one device: its model, its phases, its feed, its remote id, its labels. Profile to profile."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from .schema import Profile, Register, check_reach

_PHASES: Final = ("", "_l1", "_l2", "_l3")
_OF_OTHER_PHASES: Final = re.compile(r".*_(l[23](_l1)?|n)")

TURNED: Final = frozenset(f"{key}{phase}" for key in ("power", "reactive_power") for phase in _PHASES)
"""Keys whose sign says which way energy flows."""

_BOTH_WAYS: Final = tuple(
    (f"{key}_imported{phase}", f"{key}_exported{phase}") for key in ("energy", "reactive_energy") for phase in _PHASES
)
SWAPPED: Final[Mapping[str, str]] = MappingProxyType(
    {one: other for pair in _BOTH_WAYS for one, other in (pair, pair[::-1])}
)
"""Keys of the two directions, each with the other."""


def for_model(profile: Profile, model: str) -> Profile:
    """The profile of a device that is known to be this model: proven if the map is for this one."""
    return replace(profile, models=(model,), proven=profile.is_proven_for(model))


def single_phase(profile: Profile) -> Profile:
    """The profile of a device with one phase, by a map that has three."""
    kept = tuple(register for register in profile.registers if not _OF_OTHER_PHASES.fullmatch(register.key))
    keys = {register.key for register in kept}

    def of_one_phase(register: Register) -> Register:
        return replace(
            register,
            sum_of=tuple(key for key in register.sum_of if key in keys),
            first_of=tuple(key for key in register.first_of if key in keys),
        )

    told = (of_one_phase(register) for register in kept)
    # Of what is computed of the other phases alone nothing is left.
    left = [
        register for register, before in zip(told, kept, strict=True) if register.computed_of or not before.computed_of
    ]
    return replace(profile, registers=tuple(left))


def with_remote_id(profile: Profile, remote_id: int) -> Profile:
    """The profile of the virtual device with this remote id.

    Raises ``ProfileError`` (``address_too_high``, ``outside_ranges``) where the map has no place for it.
    """

    def placed(register: Register) -> Register:
        address = register.address + register.per_remote_id * remote_id
        return replace(register, address=address, per_remote_id=0)

    filled = replace(profile, registers=tuple(placed(register) for register in profile.registers))
    check_reach(filled)
    return filled


def fed_downstream(profile: Profile) -> Profile:
    """The profile of a device that is fed from the other side than it counts from.

    What it counts as imported is exported, and its power has the other sign. Nothing of that where the device minds
    the side itself.
    """
    if profile.feed_direction_on_device:
        return profile
    registers = profile.keys
    turned = set(_measured(registers, TURNED & registers.keys()))

    def renamed(key: str) -> str:
        return SWAPPED.get(key, key)

    def fed(register: Register) -> Register:
        if register.key in turned:
            register = _turned(register)
        if register.key in SWAPPED:
            register = _told_as(register, registers.get(renamed(register.key)))
        return _with_keys(register, renamed)

    return replace(
        profile,
        registers=tuple(fed(register) for register in profile.registers),
        ratios={
            name: replace(
                ratio,
                of=tuple(renamed(key) for key in ratio.of),
                if_there=frozenset(renamed(key) for key in ratio.if_there),
            )
            for name, ratio in profile.ratios.items()
        },
    )


def with_labels(profile: Profile, labels: Mapping[str, str]) -> Profile:
    """The profile with names of its owner's by key, the same in every language; of inputs, outputs, relays."""
    named = {key: {"en": label.strip()} for key, label in labels.items() if label.strip()}

    def names(key: str, own: Mapping[str, str]) -> Mapping[str, str]:
        return named.get(key, own)

    def labelled(register: Register) -> Register:
        bits = tuple(
            bit if bit.alarm is not None else replace(bit, names=names(bit.key, bit.names)) for bit in register.bits
        )
        return replace(register, names=names(register.key, register.names), bits=bits)

    return replace(
        profile,
        registers=tuple(labelled(register) for register in profile.registers),
        commands=tuple(replace(command, names=names(command.key, command.names)) for command in profile.commands),
    )


# --- parts of it ---------------------------------------------------------------------------------------------------


def _measured(registers: Mapping[str, Register], keys: Iterable[str]) -> Iterable[str]:
    """What stands in registers of these: a sum is turned by what it is the sum of."""
    for key in keys:
        if computed_of := registers[key].computed_of:
            yield from _measured(registers, computed_of)
        else:
            yield key


def _turned(register: Register) -> Register:
    """The same with the other sign."""

    def mirrored(limits: tuple[float, float] | None) -> tuple[float, float] | None:
        return None if limits is None else (-limits[1], -limits[0])

    return replace(
        register,
        scale=-register.scale,
        offset=-register.offset,
        range=mirrored(register.range),
        expect=mirrored(register.expect),
    )


def _told_as(register: Register, other: Register | None) -> Register:
    """The same, shown as the other direction is; in the vocabulary's words where the profile has no such."""
    if other is None:
        return replace(register, names={})
    return replace(register, names=other.names, enabled=other.enabled, entity=other.entity, private=other.private)


def _with_keys(register: Register, renamed: Callable[[str], str]) -> Register:
    """The same with other keys, its own and those that it speaks of."""
    return replace(
        register,
        key=renamed(register.key),
        sign_key=register.sign_key and renamed(register.sign_key),
        zero_unless=register.zero_unless and renamed(register.zero_unless),
        sum_of=tuple(renamed(key) for key in register.sum_of),
        first_of=tuple(renamed(key) for key in register.first_of),
    )

"""Trying a map: read a little with it, and say what it makes of that and how well it fits. Nothing is written."""

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any, Final

from modbus_connection import ModbusUnit

from ..base import CannotConnect, DeviceGone, Found, NotSupported
from .device import ProfileDevice, make
from .schema import Profile, Register
from .vocabulary import IDENTITY, names_of


class Verdict(IntEnum):
    """How well a map fits what the device answered; the best first."""

    FITS = 0
    UNSURE = 1
    CONTRADICTED = 2
    NO_ANSWER = 3
    DEVICE_SILENT = 4

    @property
    def word(self) -> str:
        """As texts spell it."""
        return self.name.lower()


@dataclass(frozen=True)
class Shown:
    """A value to compare with the device's own screen."""

    value: float | str | bool
    unit: str | None
    names: Mapping[str, str]
    """What it is called, by language; empty where the translations of the entities have its key."""


@dataclass(frozen=True)
class Trial:
    """What a map made of what the device answered."""

    profile: Profile
    verdict: Verdict
    evidence: Mapping[str, bool | None] = field(default_factory=dict)
    """Key -> whether its value can be right; None where there was none."""
    serial: str | None = field(default=None, repr=False)
    """The device's serial number, if that is what the map found."""
    values: Mapping[str, Shown] = field(default_factory=dict)

    @property
    def rank(self) -> tuple[Any, ...]:
        """Best first: by evidence, then what is known to be right, then what somebody brought for this device."""
        fitting = sum(value is True for value in self.evidence.values())
        profile = self.profile
        return self.verdict, -fitting, self.serial is None, not profile.proven, profile.shipped, profile.id


# Where values lie at every house, whatever the map says of it.
_EVERYWHERE: Final[Mapping[str, tuple[float, float]]] = {
    "state_of_charge": (0, 100),
    "voltage_l1": (180, 270),
    "frequency": (49, 51),
}
_LEAST_SHOWN, _MOST_SHOWN = 6, 12
_WORTH_SHOWING: Final = (
    *_EVERYWHERE,
    "battery_voltage",
    "battery_power",
    "solar_power",
    "grid_power",
    "consumption_power",
    "output_power",
    "inverter_state",
    "battery_temperature",
    "energy_produced",
    "power",
    "current_l1",
    "energy_imported",
    "breaker",
    "status",
    "pulse_total",
)
_SERIAL_NUMBER: Final = re.compile(r"(?=.*[0-9])[0-9A-Za-z][0-9A-Za-z-]{5,30}")


async def try_map(profile: Profile, found: Found, unit: ModbusUnit) -> Trial:
    """Read a little of a device with a map and judge what comes.

    The map is given up at the first answer that the device is silent: all that are is what a night looks like.
    """
    if telling := _telling(profile):
        trial = await _look(profile, found, unit, telling)
        if trial.verdict > Verdict.UNSURE:
            return trial
    return await _look(profile, found, unit, _worth_showing(profile, telling))


async def _look(profile: Profile, found: Found, unit: ModbusUnit, keys: Iterable[str]) -> Trial:
    """Read what these keys need, and judge it."""
    device = make(_excerpt(profile, keys), found, unit, 0.0)
    answered, verdict = False, Verdict.NO_ANSWER
    for part in device.parts.values():
        try:
            await part.async_read(time.time())
            if part.dropped:
                # What is out of all range shows with the second reading: it is evidence against the map.
                await part.async_read(time.time())
        except NotSupported:
            continue
        except DeviceGone:
            verdict = Verdict.DEVICE_SILENT
            break
        except CannotConnect:
            break
        answered = True
    if not answered:
        return Trial(profile, verdict)
    evidence = _evidence(device)
    return Trial(profile, _verdict(evidence), evidence, _serial(device), dict(_shown(device)))


def _telling(profile: Profile) -> list[str]:
    """The keys that speak for a map or against it."""
    return [key for key, register in profile.keys.items() if register.expect is not None or key in _EVERYWHERE]


def _worth_showing(profile: Profile, telling: list[str]) -> list[str]:
    """The keys that a person can compare, and who the inverter is."""
    keys = profile.keys
    shown = list(dict.fromkeys((*telling, *(key for key in _WORTH_SHOWING if key in keys))))[:_MOST_SHOWN]
    others = [key for key, register in keys.items() if register.has_entity and register.enabled and key not in shown]
    return [*shown, *others[: max(0, _LEAST_SHOWN - len(shown))], *(key for key in IDENTITY if key in keys)]


def _excerpt(profile: Profile, keys: Iterable[str]) -> Profile:
    """The part of a map that these keys need."""
    declared = profile.keys
    wanted, needed = list(keys), set[str]()
    while wanted:
        key = wanted.pop()
        if key not in needed:
            needed.add(key)
            wanted += _owed(profile, declared[key])
    registers = tuple(register for register in profile.registers if register.key in needed)
    # Without gaps no hole in the map spoils a request, which would cost many more to take it apart.
    return replace(profile, registers=registers, commands=(), max_gap=0)


def _owed(profile: Profile, register: Register) -> Iterator[str]:
    """The keys that a register cannot be understood without."""
    yield from register.computed_of
    yield from filter(None, (register.sign_key, register.zero_unless))
    if register.ratio is not None:
        yield from profile.ratios[register.ratio].of


def _evidence(device: ProfileDevice) -> dict[str, bool | None]:
    evidence = device.evidence
    for key, (low, high) in _EVERYWHERE.items():
        if key in device.profile.keys and key not in evidence:
            value = device.value(key)
            evidence[key] = None if value is None else low <= value <= high
    return evidence


def _verdict(evidence: Mapping[str, bool | None]) -> Verdict:
    """A map fits only if all that tells is as it should be in the same look."""
    told = evidence.values()
    if any(value is False for value in told):
        return Verdict.CONTRADICTED
    return Verdict.FITS if told and all(told) else Verdict.UNSURE


def _serial(device: ProfileDevice) -> str | None:
    serial = device.value("serial") if "serial" in device.profile.keys else None
    return serial if isinstance(serial, str) and _SERIAL_NUMBER.fullmatch(serial) else None


def _shown(device: ProfileDevice) -> Iterator[tuple[str, Shown]]:
    registers = [register for register in device.profile.registers if register.has_entity]
    order = {key: place for place, key in enumerate(_WORTH_SHOWING)}
    for register in sorted(registers, key=lambda each: order.get(each.key, len(order)))[:_MOST_SHOWN]:
        value = device.value(register.key)
        if value is not None:
            told = value.name.lower() if isinstance(value, IntEnum) else value
            yield register.key, Shown(told, register.unit, names_of(register.key, register.names))

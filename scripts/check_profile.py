"""Checks device profiles and prints what would be made of them: entities, alarms, commands, requests a round."""

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from modbus_connection.mock import MockModbusConnection

from custom_components.energy_suite.entities.descriptions import (
    BinarySensorDescription,
    ButtonDescription,
    Description,
    NumberDescription,
    SelectDescription,
    SensorDescription,
    SwitchDescription,
)
from custom_components.energy_suite.entities.profiles import described
from custom_components.energy_suite.gateways.base import Found
from custom_components.energy_suite.gateways.profiles.device import ProfileDevice, make
from custom_components.energy_suite.gateways.profiles.document import ProfileError
from custom_components.energy_suite.gateways.profiles.library import SHIPPED, Library, read_file, require_own_id
from custom_components.energy_suite.gateways.profiles.registers import ProfileRegisters
from custom_components.energy_suite.gateways.profiles.schema import Profile
from custom_components.energy_suite.gateways.profiles.vocabulary import STATE_ALARMS
from custom_components.energy_suite.texts import explanation

PLATFORMS: dict[type[Description], str] = {
    SensorDescription: "sensor",
    BinarySensorDescription: "binary sensor",
    NumberDescription: "number",
    SelectDescription: "select",
    SwitchDescription: "switch",
    ButtonDescription: "button",
}


def told(error: ProfileError, language: str = "en") -> str:
    """The mistake in words, with file and line."""
    text = explanation(language, f"profile_{error.reason}")["meaning"].format_map(error.placeholders)
    return f"{error.file}:{error.line}: {text}"


def device_of(profile: Profile, *, confirmed: bool) -> ProfileDevice:
    """A device of the profile that nobody answers for."""
    found = Found(key="1", kind=profile.kind, unit_id=1, number=1 if profile.repeat else None)
    return make(profile, found, MockModbusConnection().for_unit(1), 10.0, confirmed=confirmed)


def requests(device: ProfileDevice) -> Counter[str]:
    """How many requests each speed takes."""
    counted: Counter[str] = Counter()
    for part in device.parts.values():
        if isinstance(part, ProfileRegisters):
            counted[part.speed.value] += len(part.planned)
    return counted


def report(profile: Profile, language: str) -> Iterator[str]:
    """What is made of a profile, line by line."""
    yield f"{profile.file}: {profile.manufacturer} {', '.join(profile.models)} ({profile.kind}), id {profile.id}"
    yield f"  source: {profile.source}"
    counted = requests(device_of(profile, confirmed=False))
    yield "  requests: " + ", ".join(f"{count} {speed}" for speed, count in counted.items())
    if profile.repeat:
        yield f"  made {profile.repeat.count} times, one device each"
    if profile.needs_remote_id:
        yield "  made for a remote id each"
    for confirmed, title in ((False, "entities"), (True, "controls once the map is confirmed")):
        device = device_of(profile, confirmed=confirmed)
        yield f"  {title}:"
        for description in described(device, language):
            control = not isinstance(description, SensorDescription | BinarySensorDescription)
            if control is confirmed:
                yield "    " + _line(description)
    alarms = [alarm for register in profile.registers for alarm in (register.alarm, *(b.alarm for b in register.bits))]
    yield f"  alarms: {sum(alarm is not None for alarm in alarms) + len(set(_alarms_of_states(profile)))}"


def _alarms_of_states(profile: Profile) -> Iterator[str]:
    """The keys of the alarms that follow from a state."""
    bits = {bit.key for register in profile.registers for bit in register.bits}
    for state in STATE_ALARMS:
        register = profile.keys.get(state.key)
        says = register is not None and not register.is_word_of_bits and state.word in (None, *register.map.values())
        if says or state.key in bits:
            yield state.alarm.key


def _line(description: Description) -> str:
    name = description.name if isinstance(description.name, str) else description.translation_key or description.key
    unit = getattr(description, "native_unit_of_measurement", None)
    danger = f", control {description.danger}" if description.danger else ""
    off = "" if description.entity_registry_enabled_default else ", not enabled"
    return f"{PLATFORMS[type(description)]} {description.key}: {name}{f' [{unit}]' if unit else ''}{danger}{off}"


def main() -> int:
    """Check the files named on the command line; 1 if one of them cannot be used."""
    parser = argparse.ArgumentParser(prog="scripts/check_profile", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a profile, such as my_meter.yaml")
    parser.add_argument("--language", default="en", choices=("en", "fr"), help="of names and mistakes")
    arguments = parser.parse_args()
    shipped = Library.load().profiles
    failed = 0
    for file in arguments.files:
        try:
            comes_along = file.resolve().parent == SHIPPED
            profile = read_file(file, shipped=comes_along)
            require_own_id(profile, None if comes_along else shipped.get(profile.id))
        except ProfileError as err:
            print(told(err, arguments.language))
            failed = 1
        else:
            print("\n".join(report(profile, arguments.language)))
    return failed


if __name__ == "__main__":
    raise SystemExit(main())

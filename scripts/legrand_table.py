"""Writes docs/legrand_references.md: what each reference of the energy web server is read with, and how surely."""

from collections.abc import Iterator
from pathlib import Path

from custom_components.energy_suite.gateways.legrand.catalogue import CATALOGUE, FAMILIES, Addressing, Reference
from custom_components.energy_suite.gateways.profiles.library import Library
from custom_components.energy_suite.gateways.profiles.schema import Profile

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "docs" / "legrand_references.md"

TITLES = {
    "emdx3": "EMDX³",
    "ems_cx3": "EMS CX³",
    "dx3": "DX³",
    "dpx3": "DPX³",
    "dmx3": "DMX³",
    "power_supervision": "Power supervision RS485",
    "greenup_premium": "Green'Up Premium",
    "greenup": "Green'Up (old range)",
    "pulse": "Gas and water",
    "other": "Other devices",
    "wsmeasure": "Slave web server (WSMEASURE)",
}

HEADER = """\
# Legrand references

The references that the mini energy web server 4 149 47 / 48 knows, and what Energy Suite reads each with. All can be
chosen. Written by `scripts/legrand_table`; a test compares it with the code.

How sure it is:

* *proven*: the map is Legrand's own.
* *candidate*: the map is that of a related device, or its base is Legrand's and its fields are not. Compare the values
  with the device before you confirm it.
* *none public*: no map was found that everybody may read. You or your installer may have Legrand's, and write it down
  as a [device profile](profiles.md).

Where it says *generic*, the energy of the device can be read as that of any Modbus meter: function, register, words
and multiplier from its manual. Where there is no map, whether the device answers can be watched all the same.
"""


def reading(reference: Reference, profiles: dict[str, Profile]) -> tuple[str, str]:
    """(what it is read with, how sure)."""
    if reference.kind == "interface":
        return "not read itself", "-"
    if reference.addressing is Addressing.POSITION:
        return "the map of its concentrator", "see there"
    if reference.kind == "generic_meter":
        return "generic: what you enter", "-"
    generic = ", or generic" if reference.may_be_generic else ""
    if not reference.profiles:
        return f"your profile{generic}", "none public"
    sure = "proven" if profiles[reference.profiles[0]].is_proven_for(reference.reference) else "candidate"
    return f"{', '.join(f'`{each}`' for each in reference.profiles)}, your profile{generic}", sure


def needed(reference: Reference) -> str:
    """What has to be told besides the address."""
    words = [word.replace("_", " ") for word in sorted(reference.needs - {"generic"})]
    match reference.addressing:
        case Addressing.REMOTE:
            words.append("or a remote address")
        case Addressing.MODBUS if reference.sides == 2:
            words.append("one device for each side")
    return ", ".join(words) or "-"


def _phases(reference: Reference) -> str:
    return " or ".join(map(str, reference.phases)) or "-"


def _lines() -> Iterator[str]:
    profiles = dict(Library.load().profiles)
    yield HEADER.rstrip()
    for family in FAMILIES:
        yield from ("", f"## {TITLES[family]}", "")
        yield "| Reference | Device | Phases | Besides the address | Read with | How sure |"
        yield "|---|---|---|---|---|---|"
        for each in CATALOGUE.values():
            if each.family == family:
                cells = (each.reference, each.device, _phases(each), needed(each), *reading(each, profiles))
                yield f"| {' | '.join(cells)} |"


def table() -> str:
    """The whole file."""
    return "\n".join(_lines()) + "\n"


def main() -> None:
    """Write the file."""
    TABLE.write_text(table(), encoding="utf-8")


if __name__ == "__main__":
    main()

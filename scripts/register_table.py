"""Writes docs/victron_registers.md: for each register of the GX's list, what shows it, or why nothing does.

What shows a register is found by trying: a device is given values, one field of it is changed, and whatever then shows
something else shows that field.
"""

import asyncio
import csv
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, override

from modbus_connection.mock import MockModbusConnection
from modbus_connection.model import NumberField, StringField

from custom_components.energy_suite.entities import DESCRIPTIONS
from custom_components.energy_suite.entities.descriptions import ButtonDescription, TrackerDescription
from custom_components.energy_suite.gateways.base import Alarm, Found
from custom_components.energy_suite.gateways.registers import Registers
from custom_components.energy_suite.gateways.victron.device import VictronDevice
from custom_components.energy_suite.gateways.victron.gateway import DEVICES

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "docs" / "victron_registers.md"
LISTS = ROOT / "demo" / "data" / "victron"
RESERVED = "RESERVED"
ALARMS = "alarms"

# What stands for something is tried code by code; the rest as (all codes, all measurements) of a device.
CODES = range(16)
SCENARIOS = ((0, 0.0), (0, 40.0), (1, 47.0), (2, 54.0), (4, 61.0), (6, 68.0), (9, 75.0))

DIAGNOSTICS = "diagnostics only"
PRIVATE = "read, but not shown: diagnostics hold no texts"
GAP = "left out: a gap that the server fills, so that one request can read across it"
NOT_READ = "left out: its service is not read"

HEADER = """\
# Registers of the Victron GX

What Energy Suite makes of each register of the list that the GX's Modbus TCP server loads (v1.0.101). Written by
`scripts/register_table`; a test compares it with the code.

* `key` is an entity of the device, by its key; a control also writes the register.
* *alarm* `key` is an alarm of the device, in its event and in *Problem*. It may be more precise: by an error's number,
  or by what an input is for.
* *device page* is what the device's page in Home Assistant says: name, serial number, model, firmware.
* Every number that is read is in the diagnostics of its device, but for a position. *diagnostics only* is what nobody
  would chart or automate, a setting that is the installer's, what another register says as well, or what only helps to
  understand another one.
* The energies that the GX page computes follow from the powers and are not listed.

"""


@dataclass(frozen=True)
class Row:
    """A row of the list."""

    service: str
    path: str
    address: int
    kind: str
    access: str
    retired: str | None = None
    """The last server version that has it."""


def rows() -> Iterator[Row]:
    """The rows of the list, and those that newer servers took back."""
    for name in ("attributes.csv", "retired.csv"):
        with (LISTS / name).open(encoding="utf-8", newline="") as file:
            for bus_name, path, _, _, address, kind, _, access, *retired in csv.reader(file):
                service = bus_name.removeprefix("com.victronenergy.")
                yield Row(service, path, int(address), kind, access, retired[0] if retired else None)


# --- what shows a field ----------------------------------------------------------------------------------------------

type Fields = dict[str, set[str]]
"""Part -> the fields that it has."""
type View = Callable[[], Any]


def make(kind: str) -> tuple[VictronDevice, dict[str, Registers]]:
    """A device of that kind, and its parts."""
    unit = MockModbusConnection().for_unit(1)
    device = DEVICES[kind](Found(key=kind, kind=kind, unit_id=1), unit, 5.0)
    return device, {name: part for name, part in device.parts.items() if isinstance(part, Registers)}


def sample(name: str, field: Any, code: int, measurement: float) -> Any:
    """A value that the field may have."""
    if not isinstance(field, NumberField):
        return name
    # No two measurements are the same, unless there are none.
    return measurement + field.address % 11 * bool(measurement) if field.unit else code


def others(value: Any) -> Iterator[Any]:
    """Values that it may change to."""
    if isinstance(value, str):
        yield f"{value}!"
    elif isinstance(value, float):
        yield from (value + 3, 1000 * value, -1000 * value)
    else:
        yield from (code for code in CODES if code != value)


def alarms_of(device: VictronDevice) -> dict[str, Alarm]:
    """The alarms that are raised; of numbered ones, their family."""
    return {
        f"alarm `{alarm.key if alarm.code is None else alarm.key.removesuffix(f'_{alarm.code}')}`": alarm
        for alarm in device.alarms
    }


def views_of(device: VictronDevice) -> dict[str, View]:
    """All that shows something of the device."""
    views: dict[str, View] = {"device page": lambda: device.identity, ALARMS: lambda: alarms_of(device)}
    for description in DESCRIPTIONS[device.kind]:
        if isinstance(description, TrackerDescription):
            views[f"`{description.key}`"] = partial(position, description, device)
        elif not isinstance(description, ButtonDescription):
            views[f"`{description.key}`"] = partial(description.value_fn, device)
    return views


def position(description: TrackerDescription[Any], device: VictronDevice) -> tuple[float | None, float | None]:
    """What a tracker shows."""
    return description.latitude_fn(device), description.longitude_fn(device)


def changed(view: str, before: Any, after: Any) -> set[str]:
    """What shows something else. What only became unknown, or known, depends on the field without showing it."""
    if view == ALARMS:
        return {alarm for alarm in before.keys() | after.keys() if before.get(alarm) != after.get(alarm)}
    return {view} if before != after and None not in (before, after) else set()


def firmwares(parts: Mapping[str, Registers]) -> Iterator[tuple[str, Fields]]:
    """(part to look at, fields that are there): the newest firmware, then older ones of that part, then it alone."""
    whole: Fields = {name: set(part.declared_fields) for name, part in parts.items()}
    yield from ((name, whole) for name in parts)
    for name, part in parts.items():
        for layout in part.layouts[1:]:
            there = {
                field
                for field, at in part.declared_fields.items()
                if any(low <= at.address and at.address + at.count - 1 <= high for low, high in layout)
            }
            yield name, whole | {name: there}
        yield name, {other: fields if other == name else set() for other, fields in whole.items()}


class Noting(dict[str, Any]):
    """The values of a part, which notes what is asked of it."""

    def __init__(self, part: str, noted: set[tuple[str, str]]) -> None:
        super().__init__()
        self.part = part
        self.noted = noted

    @override
    def get(self, key: str, default: Any = None, /) -> Any:
        self.noted.add((self.part, key))
        return super().get(key, default)


class Device:
    """A device that has read these fields, and what shows them."""

    def __init__(self, kind: str, there: Fields, code: int, measurement: float) -> None:
        device, parts = make(kind)
        noted: set[tuple[str, str]] = set()
        self.values = {name: Noting(name, noted) for name in parts}
        for name, part in parts.items():
            part._values = self.values[name]  # noqa: SLF001 - as if a server had answered
            for field in there[name]:
                self.values[name][field] = sample(field, part.declared_fields[field], code, measurement)
        noted.clear()
        self.settle = partial(device.settle, 0.0)
        self.settle()
        self.settled = set(noted)
        """What it settles from, and may remember: another field is to be tried on another device."""
        self.views = views_of(device)
        self.asks: dict[tuple[str, str], dict[str, Any]] = defaultdict(dict)
        """(part, field) -> what asks for it, and what that shows."""
        for view, value_of in self.views.items():
            noted.clear()
            value = value_of()
            # What a device works out as it settles may be shown anywhere.
            for each in noted | self.settled:
                self.asks[each][view] = value

    def shows(self, part: str, field: str) -> set[str]:
        """Change a field and see."""
        found: set[str] = set()
        asking = self.asks.get((part, field), {})
        value = self.values[part][field]
        for other in others(value):
            self.values[part][field] = other
            if (part, field) in self.settled:
                self.settle()
            for view, before in asking.items():
                found |= changed(view, before, self.views[view]())
        self.values[part][field] = value
        return found


def shows(kind: str) -> dict[tuple[str, str], set[str]]:
    """(part, field) -> what shows the field."""
    parts = make(kind)[1]
    newest = {name: set(part.declared_fields) for name, part in parts.items()}
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    instead: dict[tuple[str, str], set[str]] = defaultdict(set)
    for code, measurement in SCENARIOS:
        for part, there in firmwares(parts):
            device = Device(kind, there, code, measurement)
            for field in there[part]:
                tried = Device(kind, there, code, measurement) if (part, field) in device.settled else device
                # Older firmwares matter for what stands in for a register that they lack.
                (found if there == newest else instead)[part, field] |= tried.shows(part, field)
    return {key: found[key] or instead[key] for key in found.keys() | instead.keys()}


async def pressed(kind: str, description: ButtonDescription[Any]) -> set[int]:
    """The addresses that a button writes."""
    unit = MockModbusConnection().for_unit(1)
    addresses: set[int] = set()
    unit.on_write(lambda event: addresses.add(event.address))
    await description.press_fn(DEVICES[kind](Found(key=kind, kind=kind, unit_id=1), unit, 5.0))
    return addresses


# --- the table -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Use:
    """What becomes of a register."""

    kind: str
    field: str
    shown_as: str


def uses() -> dict[tuple[str, int], Use]:
    """(service, address) -> what becomes of it, for every register that is read."""
    found: dict[tuple[str, int], Use] = {}
    for kind in DEVICES:
        showing = shows(kind)
        buttons: dict[int, set[str]] = defaultdict(set)
        for description in DESCRIPTIONS[kind]:
            if isinstance(description, ButtonDescription):
                for address in asyncio.run(pressed(kind, description)):
                    buttons[address].add(f"`{description.key}`")
        for name, part in make(kind)[1].items():
            for key, field in part.declared_fields.items():
                what = in_words(showing.get((name, key), set()) | buttons[field.address])
                nothing = PRIVATE if isinstance(field, StringField) else DIAGNOSTICS
                found[vars(type(part))["service"], field.address] = Use(kind, key, what or nothing)
    return found


def in_words(what: set[str]) -> str:
    """Entities first; of an alarm and its more precise forms only the alarm."""
    plain = {each.rstrip("`") for each in what}
    kept = {each for each in what if not any(each.startswith(f"{other}_") and "alarm" in each for other in plain)}
    return ", ".join(sorted(kept, key=lambda each: (each[0] != "`", each.replace("`", ""))))


def table() -> str:
    """The whole document."""
    used = uses()
    services: dict[str, list[Row]] = defaultdict(list)
    for row in rows():
        services[row.service].append(row)
    outcomes: Counter[str] = Counter()
    sections: list[str] = []
    for service, of_service in sorted(services.items(), key=lambda item: min(row.address for row in item[1])):
        kind = next((use.kind for (of, _), use in used.items() if of == service), "none")
        lines = [f"## {service}", "", f"Device: `{kind}`", ""]
        lines += ["| Register | Type | Path | Field | Shown as |", "| --- | --- | --- | --- | --- |"]
        for row in sorted(of_service, key=lambda row: row.address):
            use = used.get((service, row.address))
            if row.path == RESERVED:
                field, shown_as = "", GAP
            elif use is None:
                field, shown_as = "", NOT_READ
            else:
                field, shown_as = f"`{use.field}`", use.shown_as
            if row.retired:
                shown_as += f" (until server {row.retired})"
            else:
                outcomes[shown_as] += 1
            lines.append(f"| {row.address} | {row.kind} {row.access} | {row.path} | {field} | {shown_as} |")
        sections.append("\n".join(lines))
    listed = outcomes.total()
    read = listed - outcomes[GAP] - outcomes[NOT_READ]
    without = outcomes[DIAGNOSTICS] + outcomes[PRIVATE]
    summary = (
        f"Of the {listed} rows of the list, {read} are read; {read - without} of these are shown, {without} are "
        f"not.\n{outcomes[GAP]} rows are gaps, {outcomes[NOT_READ]} belong to services that are not read.\n\n"
    )
    return HEADER + summary + "\n\n".join(sections) + "\n"


def main() -> None:
    """Write the file."""
    TABLE.write_text(table(), encoding="utf-8")


if __name__ == "__main__":
    main()

"""Every declared register against the list that the server itself loads."""

import csv
import re
from pathlib import Path
from typing import Any

import pytest
from modbus_connection.model import NumberField, RegisterField, StringField

from custom_components.energy_suite.gateways.registers import Registers
from custom_components.energy_suite.gateways.victron import (
    battery,
    charging,
    dc,
    environment,
    evcharger,
    generator,
    genset,
    gx,
    loads,
    meters,
    rs,
    solarcharger,
    vebus,
)

LISTS = Path(__file__).parents[3] / "demo" / "data" / "victron"
SERVICES = {
    "system",
    "settings",
    "hub4",
    "generator",
    "platform",
    "vebus",
    "battery",
    "solarcharger",
    "grid",
    "pvinverter",
    "evcharger",
    "tank",
    "temperature",
    "digitalinput",
    "pulsemeter",
    "meteo",
    "gps",
    "acload",
    "heatpump",
    "pump",
    "motordrive",
    "fuelcell",
    "dcsource",
    "dcload",
    "dcsystem",
    "charger",
    "inverter",
    "multi",
    "acsystem",
    "dcdc",
    "alternator",
    "genset",
    "dcgenset",
}
TYPES = {
    "uint16": (1, False),
    "int16": (1, True),
    "uint32": (2, False),
    "int32": (2, True),
    # What the server computes itself: the time, the firmware, the PV current.
    "INTERNAL[4]": (4, False),
    "INTERNAL[2]": (2, False),
    "INTERNAL[1]": (1, True),
}
READ_ONLY_IN_FACT = {
    3823: "the measured charging current: the list lets it be written, the published list and sense do not",
}
SIGNED_IN_FACT = {
    **dict.fromkeys(
        (4904, 4905, 4906), "the input currents: negative while feeding in, as the published list has them"
    ),
}
UNSIGNED_IN_FACT = {
    **dict.fromkeys((3214, 5202), "the error of a genset, computed: 65280 stands for one in words"),
}
UNITS = {
    "W AC": "W",
    # The list has the input power of a charger so.
    "W DC": "W",
    "V AC": "V",
    "V DC": "V",
    "V": "V",
    "A AC": "A",
    "A DC": "A",
    "A": "A",
    "W": "W",
    # The list says kW where the published list, and the values, are in W.
    "kW": "W",
    "Hz": "Hz",
    "%": "%",
    "kWh": "kWh",
    "Ah": "Ah",
    "Degrees celsius": "°C",
    "Degrees Celsius": "°C",
    "Degrees centigrade": "°C",
}

type Row = tuple[str, int, int, bool | str, float, bool]


def classes() -> list[type[Registers]]:
    """Every block of registers of the gateway."""
    modules = (
        gx,
        vebus,
        battery,
        solarcharger,
        meters,
        evcharger,
        generator,
        environment,
        loads,
        dc,
        rs,
        charging,
        genset,
    )
    return [
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Registers) and value is not Registers
    ]


def fields() -> list[tuple[type[Registers], str, RegisterField[Any]]]:
    return [
        (registers, name, field)
        for registers in classes()
        for name, field in registers.declared_fields.items()
        if isinstance(field, RegisterField)
    ]


def rows(name: str = "attributes.csv") -> list[list[str]]:
    with (LISTS / name).open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def listed() -> dict[tuple[str, int], Row]:
    found: dict[tuple[str, int], Row] = {}
    retired = [row[:-1] for row in rows("retired.csv")]
    for bus_name, path, _, _, number, kind, scale, access in [*rows(), *retired]:
        service = bus_name.removeprefix("com.victronenergy.")
        if service not in SERVICES or path == "RESERVED":
            continue
        address = int(number)
        writable = access == "W" and address not in READ_ONLY_IN_FACT
        if text := re.fullmatch(r"string\[(\d+)\]", kind):
            row: Row = (service, address, int(text[1]), "text", 1.0, writable)
        else:
            count, signed = TYPES[kind]
            signed = (signed or address in SIGNED_IN_FACT) and address not in UNSIGNED_IN_FACT
            row = (service, address, count, signed, float(scale or 1), writable)
        found[service, address] = row
    return found


def declared() -> list[Row]:
    found: list[Row] = []
    for registers, _, field in fields():
        service = vars(registers)["service"]
        if isinstance(field, StringField):
            found.append((service, field.address, field.count, "text", 1.0, bool(field.writable)))
        else:
            assert isinstance(field, NumberField)
            scale = round(1 / field.scale, 6)
            found.append((service, field.address, field.count, field.signed, scale, bool(field.writable)))
    return found


def test_every_register_is_declared_as_the_list_has_it() -> None:
    expected = listed()
    for row in declared():
        assert row == expected.get(row[:2])


def test_every_named_register_is_declared_once() -> None:
    assert sorted(row[:2] for row in declared()) == sorted(listed())


def test_exceptions_of_the_list_are_still_in_it() -> None:
    access = {int(row[4]): row[7] for row in rows()}
    assert {access[address] for address in READ_ONLY_IN_FACT} == {"W"}
    kinds = {int(row[4]): row[5] for row in rows()}
    assert {kinds[address] for address in SIGNED_IN_FACT} == {"uint16"}
    assert {kinds[address] for address in UNSIGNED_IN_FACT} == {"INTERNAL[1]"}


def test_fields_have_the_unit_of_the_list_or_none() -> None:
    units = {(row[0].removeprefix("com.victronenergy."), int(row[4])): row[3] for row in rows()}
    for registers, name, field in fields():
        if field.unit:
            unit = units[vars(registers)["service"], field.address]
            assert field.unit == UNITS.get(unit), name


@pytest.mark.parametrize("registers", classes(), ids=lambda registers: f"{registers.__module__}.{registers.__name__}")
def test_layouts_stay_within_one_service_and_one_request(registers: type[Registers]) -> None:
    owners = {}
    for service, _, _, _, number, kind, _, _ in [*rows(), *(row[:-1] for row in rows("retired.csv"))]:
        length = re.search(r"\d+(?=\])", kind)
        count = int(length[0]) if length else TYPES[kind][0]
        for address in range(int(number), int(number) + count):
            owners[address] = service.removeprefix("com.victronenergy.")
    assert registers.layouts
    for layout in registers.layouts:
        for low, high in layout:
            assert high - low < 125
            assert {owners.get(address) for address in range(low, high + 1)} == {vars(registers)["service"]}


@pytest.mark.parametrize("registers", classes(), ids=lambda registers: f"{registers.__module__}.{registers.__name__}")
def test_newest_layout_holds_every_field(registers: type[Registers]) -> None:
    newest = registers.layouts[0]
    for name, field in registers.declared_fields.items():
        last = field.address + field.count - 1
        assert any(low <= field.address and last <= high for low, high in newest), name

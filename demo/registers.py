"""The register list of the GX Modbus TCP server, and how it turns D-Bus values into registers and back.

Addresses, types, scales and access come from the data files alone (`data/victron/README.md`).
"""

import csv
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

DATA: Final = Path(__file__).parent / "data" / "victron"

OLDEST: Final = "v1.0.60"
NEWEST: Final = "v1.0.101"

RESERVED: Final = "reserved"
STRING: Final = "string"
INTERNAL: Final = "INTERNAL"

_SIZES: Final = {"uint16": 1, "int16": 1, "uint32": 2, "int32": 2, "uint64": 4}
_PREFIX: Final = "com.victronenergy."

type Value = float | int | str | None
type Version = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Register:
    """One line of the register list: `size` registers from `address` on, of the service type `service`."""

    service: str
    path: str
    dbus_type: str
    address: int
    kind: str
    size: int
    scale: float
    writable: bool


type RegisterMap = dict[int, Register]


class ConversionError(Exception):
    """The value on the D-Bus is of no use for this register."""


def parse_version(version: str) -> Version:
    """Turn `v1.0.101` into numbers. Raises ValueError."""
    if not re.fullmatch(r"v\d+(\.\d+)+", version):
        raise ValueError(f"not a server version: {version}")
    return tuple(int(part) for part in version[1:].split("."))


@cache
def load_registers(version: str = NEWEST) -> RegisterMap:
    """Return the register that each address belongs to, as the server of this version knows them.

    Raises ValueError for a version before the oldest one whose list is known.
    """
    server = parse_version(version)
    if server < parse_version(OLDEST):
        raise ValueError(f"{version} is older than {OLDEST}")
    since = {int(address): parse_version(first) for address, first in _rows("since.csv", header=True)}
    registers: RegisterMap = {}
    for row in _rows("attributes.csv"):
        register = _register(row)
        first: Version = ()
        for address in range(register.address, register.address + register.size):
            first = since.get(address, first)
            if server >= first:
                registers[address] = register
    for *row, retired in _rows("retired.csv"):
        if server < parse_version(retired):
            register = _register(row)
            registers[register.address] = register
    return registers


@cache
def load_unit_map() -> dict[int, int]:
    """Return the device instance that each mapped unit id stands for."""
    return {int(unit): int(instance) for unit, instance, *_ in _rows("unitid2di.csv", header=True)}


def encode(register: Register, value: Value) -> list[int]:
    """Return the registers that show `value`; a missing value shows as zeros, a reserved register as all ones.

    The server rounds to nearest, holds integers back to one less than the top of the register, and lets floating
    point values wrap. Raises ConversionError if there is no number in `value`.
    """
    if register.kind == RESERVED:
        return [0xFFFF] * register.size
    if value is None:
        return [0] * register.size
    if register.kind == STRING:
        return _words(str(value).encode("latin-1", "replace")[: 2 * register.size].ljust(2 * register.size, b"\0"))
    try:
        number = float(value)
    except ValueError as error:
        raise ConversionError(f"{register.path} is not a number") from error
    scaled = number * register.scale
    if not math.isfinite(scaled):
        return [0xFFFF] * register.size
    raw = math.floor(abs(scaled) + 0.5) * (-1 if scaled < 0 else 1)
    if isinstance(value, int):
        lowest, highest = _limits(register)
        raw = min(max(raw, lowest), highest)
    return _words((raw & (1 << 16 * register.size) - 1).to_bytes(2 * register.size))


def decode(register: Register, words: list[int]) -> Value:
    """Return the D-Bus value that writing these registers means, in the D-Bus type of the register."""
    data = b"".join(word.to_bytes(2) for word in words)
    if register.kind == STRING:
        return data.rstrip(b"\0").decode("latin-1")
    value = int.from_bytes(data, signed=register.kind.startswith("int")) / register.scale
    return value if register.dbus_type == "d" else round(value)


def _limits(register: Register) -> tuple[int, int]:
    bits = 16 * register.size
    if register.kind.startswith("int"):
        return -(1 << bits - 1), (1 << bits - 1) - 2
    return 0, (1 << bits) - 2


def _words(data: bytes) -> list[int]:
    return [int.from_bytes(data[i : i + 2]) for i in range(0, len(data), 2)]


def _register(row: list[str]) -> Register:
    service, path, dbus_type, _unit, address, kind, scale, access = row
    name, _, size = kind.partition("[")
    return Register(
        service=service.removeprefix(_PREFIX),
        path=path,
        dbus_type=dbus_type,
        address=int(address),
        kind=name,
        size=int(size.rstrip("]")) if size else _SIZES[name],
        scale=float(scale or 1),
        writable=access == "W",
    )


def _rows(name: str, *, header: bool = False) -> Iterator[list[str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        if header:
            next(reader)
        yield from reader

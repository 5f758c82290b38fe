"""The devices of the board on its RS485 line: registers and bits made from the model, and writes that change it.

Addresses, types and scales come from `data/legrand` alone: the register maps that are public, and fictitious profiles
where none is.
"""

import csv
import math
import re
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import yaml  # type: ignore[import-untyped]  # its stubs are not worth a dependency for one call
from pymodbus.constants import ExcCodes

from .board import NOTHING, RATED_CURRENT, Board, Circuit, Meter, NotPossibleError, Output, Pulses, Side

DATA: Final = Path(__file__).parent / "data" / "legrand"
PROFILES: Final = DATA / "profiles"

IME: Final = "emdx3-multifunction-ime"
DIRIS: Final = "emdx3-multifunction-diris"
EMS_CX3: Final = "ems-cx3-measure"
CONTO: Final = "candidate-ime-conto-d2"
CONCENTRATOR: Final = "pulse-concentrator-04687"

BREAKER: Final = "fictitious_breaker"
STATION: Final = "fictitious_greenup"
IO_MODULE: Final = "fictitious_io_module"
STATE_MODULE: Final = "fictitious_state_module"
VIRTUAL_METER: Final = "fictitious_virtual_meter"

SLAVE_SERVER: Final = 247
"""The Modbus address under which a web server shows its own devices to another one."""

_BITS: Final = (1, 2)
_MOST_REGISTERS: Final = 125
_MOST_BITS: Final = 2000
_WRITES: Final[Mapping[int, int]] = {5: 1, 15: 1, 6: 3, 16: 3}
"""Function that writes -> the one that reads what it writes."""

# Registers of a group that no source tells of are there all the same, as far as this from one that is known.
_GAP: Final = 16

# Ratio of the transformers of the three-phase meters: 25 A to 5 A.
CT_RATIO: Final = 5
_VT_RATIO: Final = 1

# What one count is in Wh where the register map does not say.
UNKNOWN_ENERGY: Final = 10.0
_MODEL: Final = 0x10

# Of what the model measures in W, V, A, Wh, Hz ... the number that makes one of the unit of a register.
_UNITS: Final[Mapping[str, float]] = {"kWh": 1000.0, "mA": 0.001, "mV": 0.001}

type Value = float | str
type Readings = Callable[[str], Value]
type Writing = Callable[[Value], None]


@dataclass(frozen=True, slots=True)
class Row:
    """A register of `size` words, or a bit.

    `magnitude`: its sign stands elsewhere. `choices`: number -> word. `written_by`: functions that write it.
    """

    key: str
    function: int
    address: int
    kind: str = "uint16"
    size: int = 1
    scale: float = 1.0
    low_word_first: bool = False
    magnitude: bool = False
    choices: Mapping[int, str] | None = None
    written_by: frozenset[int] = frozenset()
    bounds: tuple[float, float] = (-math.inf, math.inf)

    def encode(self, value: Value) -> list[int]:
        """Return the words that show a value: rounded to nearest, wrapped at the top; a text is filled with zeros."""
        if self.function in _BITS:
            return [int(bool(value))]
        if self.choices:
            value = next(number for number, word in self.choices.items() if word == value)
        if isinstance(value, str):
            data = value.encode("ascii")[: 2 * self.size].ljust(2 * self.size, b"\0")
        elif self.kind.startswith("float"):
            data = struct.pack(">f" if self.size == 2 else ">d", value / self.scale)
        else:
            raw = round(abs(value) / self.scale) if self.magnitude else round(value / self.scale)
            if self.kind.startswith("uint"):
                raw = max(0, raw)
            data = (raw & (1 << 16 * self.size) - 1).to_bytes(2 * self.size)
        words = [int.from_bytes(data[place : place + 2]) for place in range(0, len(data), 2)]
        return words[::-1] if self.low_word_first else words

    def decode(self, words: list[int]) -> Value:
        """Return what words mean. Raises ValueError for what they cannot be."""
        ordered = words[::-1] if self.low_word_first else words
        raw = int.from_bytes(b"".join(word.to_bytes(2) for word in ordered), signed=self.kind.startswith("int"))
        if self.choices:
            if raw not in self.choices:
                raise ValueError(f"no such choice: {raw}")
            return self.choices[raw]
        low, high = self.bounds
        if not low <= raw * self.scale <= high:
            raise ValueError(f"out of range: {raw}")
        return raw * self.scale


# The public maps


def power_scale(ratio: float) -> float:
    """W, var or VA per count of the IME map, at this product of its transformer ratios."""
    return 0.01 if ratio < 5000 else 1.0


def energy_scale(ratio: float) -> float:
    """Wh or varh per count of the IME map, at this product of its transformer ratios."""
    for digits in range(1, 6):
        if ratio < 10**digits:
            return 10.0**digits
    return 1e6


@cache
def map_rows(name: str) -> tuple[Row, ...]:
    """Return the rows of a public map. Raises OSError for one that there is not."""
    with (DATA / "registers" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(_map_row(row) for row in csv.DictReader(file))


def _map_row(row: Mapping[str, str]) -> Row:
    ratio = CT_RATIO * _VT_RATIO
    match row["scale"]:
        case "ratio:power":
            scale = power_scale(ratio)
        case "ratio:energy":
            scale = energy_scale(ratio)
        case "unknown":
            scale = UNKNOWN_ENERGY if row["unit"] == "kWh" else 1.0
        case text:
            scale = float(text or 1) * _UNITS.get(row["unit"], 1.0)
    return Row(
        key=row["key"],
        function=int(row["function"]),
        address=int(row["address_dec"]),
        kind=row["type"],
        size=int(row["words"]),
        scale=scale,
        magnitude=row["sign"].startswith("by register"),
    )


# The fictitious profiles


@dataclass(frozen=True, slots=True)
class Order:
    """A command of a profile: what is written where, and what it asks for."""

    key: str
    function: int
    address: int
    value: int
    wish: str


@dataclass(frozen=True, slots=True)
class Declared:
    """A device profile, as far as the simulator reads it."""

    rows: tuple[Row, ...]
    orders: tuple[Order, ...]
    sides: int = 1
    stride: int = 0
    shared: frozenset[str] = frozenset()
    linear: Mapping[str, tuple[int, int]] | None = None
    """Key -> factor and offset that make its address of a remote id."""

    def side(self, number: int) -> Declared:
        """One side of it, from 0 on, or all that it has where it has no sides."""
        moved = number * self.stride
        return replace(
            self,
            rows=tuple(
                row if row.key in self.shared else replace(row, address=row.address + moved) for row in self.rows
            ),
            orders=tuple(replace(order, address=order.address + moved) for order in self.orders),
        )

    def remote(self, remote_id: int) -> tuple[Row, ...]:
        """The registers of a device of another server."""
        linear = self.linear or {}
        return tuple(
            replace(row, address=linear[row.key][0] * remote_id + linear[row.key][1]) if row.key in linear else row
            for row in self.rows
        )


_LINEAR: Final = re.compile(r"\{remote_id\}(?: \* (\w+))?(?: \+ (\w+))?")

_SIZES: Final = {"uint32": 2, "int32": 2, "float32": 2, "uint64": 4, "int64": 4, "float64": 4}


@cache
def load_profile(name: str) -> Declared:
    """Return a fictitious profile. Raises OSError for one that there is not."""
    data = yaml.safe_load((PROFILES / f"{name}.yaml").read_text(encoding="utf-8"))
    linear: dict[str, tuple[int, int]] = {}
    for row in data["registers"]:
        if isinstance(row["address"], str) and (found := _LINEAR.fullmatch(row["address"])):
            linear[row["key"]] = int(found[1] or "1", 0), int(found[2] or "0", 0)
            row["address"] = 0
    sides = data.get("sides") or {"count": 1, "stride": 0}
    return Declared(
        rows=tuple(_profile_row(row) for row in data["registers"]),
        orders=tuple(order for command in data.get("commands", ()) for order in _orders(command)),
        sides=sides["count"],
        stride=sides["stride"],
        shared=frozenset(row["key"] for row in data["registers"] if row.get("shared")),
        linear=linear,
    )


def _profile_row(row: Mapping[str, Any]) -> Row:
    kind = row.get("type", "uint16")
    function = row.get("function", 3)
    writable = row.get("access") == "rw"
    low, high = row.get("range", (-math.inf, math.inf))
    return Row(
        key=row["key"],
        function=function,
        address=row["address"],
        kind=kind,
        size=row.get("words", _SIZES.get(kind, 1)),
        scale=row.get("scale", 1) * _UNITS.get(row.get("unit", ""), 1.0),
        low_word_first=row.get("word_order") == "low_first",
        choices=row.get("map"),
        written_by=frozenset(code for code, reads in _WRITES.items() if writable and reads == function),
        bounds=(low, high),
    )


def _orders(command: Mapping[Any, Any]) -> Iterator[Order]:
    # YAML reads the words on and off as true and false.
    for word, wish in ((True, "on"), (False, "off"), ("press", "press")):
        if word in command:
            write = command[word]
            yield Order(command["key"], write["function"], write["address"], write["value"], wish)


# A device on the line


class RegisterUnit:
    """A device: rows of a map, what each of them shows, and what is done with what is written.

    `answers`: False is a device without power. `lacking`: (function, address) that its firmware does not have.
    `forced`: values by key, which have the last word. `writes`: keys and values that were taken.
    """

    def __init__(
        self,
        rows: Iterable[Row],
        readings: Readings,
        *,
        writings: Mapping[str, Writing] | None = None,
        orders: Iterable[Order] = (),
    ) -> None:
        """`writings`: by key, what takes a value that was written; for an order, the word `on`, `off` or `press`."""
        self.answers = True
        self.lacking: set[tuple[int, int]] = set()
        self.forced: dict[str, Value] = {}
        self.writes: list[tuple[str, Value]] = []
        self._readings = readings
        self._writings = writings or {}
        self._orders = tuple(orders)
        self._rows: dict[tuple[int, int], tuple[Row, int]] = {}
        coils = (Row(order.key, 1, order.address) for order in self._orders if _WRITES[order.function] == 1)
        for row in (*rows, *coils):
            for place in range(row.size):
                self._rows[row.function, row.address + place] = row, place
        self._functions = {function for function, _ in self._rows}
        self._holes = {
            (function, at)
            for (function, below), (same, above) in pairwise(sorted(self._rows))
            if function == same and above - below <= _GAP
            for at in range(below + 1, above)
        }

    def value(self, key: str) -> Value:
        """Return what a register shows."""
        return self.forced[key] if key in self.forced else self._readings(key)

    def read(self, function: int, address: int, count: int) -> list[int] | ExcCodes:
        """Return the words or bits of a block, or why there are none."""
        if function not in self._functions:
            return ExcCodes.ILLEGAL_FUNCTION
        if not 1 <= count <= (_MOST_BITS if function in _BITS else _MOST_REGISTERS):
            return ExcCodes.ILLEGAL_VALUE
        shown: dict[str, list[int]] = {}
        values: list[int] = []
        for at in range(address, address + count):
            found = self._rows.get((function, at))
            if (function, at) in self.lacking or not (found or (function, at) in self._holes):
                return ExcCodes.ILLEGAL_ADDRESS
            if found:
                row, place = found
                # One value for all words of it.
                words = shown.get(row.key) or shown.setdefault(row.key, row.encode(self.value(row.key)))
                values.append(words[place])
            else:
                values.append(0)
        return values

    def write(self, function: int, address: int, values: list[int]) -> ExcCodes | None:
        """Take registers or bits, or return why not; what stands before a value that is refused is taken."""
        if not values:
            return ExcCodes.ILLEGAL_VALUE
        try:
            at = address
            while at < address + len(values):
                at += self._take(function, at, values[at - address :])
        except LookupError:
            return ExcCodes.ILLEGAL_ADDRESS
        except ValueError:
            return ExcCodes.ILLEGAL_VALUE
        except NotPossibleError:
            return ExcCodes.DEVICE_FAILURE
        return None

    def _take(self, function: int, at: int, values: list[int]) -> int:
        """Take the first value, and return how many places it had. Raises LookupError, ValueError, NotPossibleError."""
        place_read = _WRITES[function]
        orders = [it for it in self._orders if (_WRITES[it.function], it.address) == (place_read, at)]
        if orders:
            # A coil that is on reads 1, and is written as 0xFF00 by function 5.
            told = {bool(it.value) if place_read in _BITS else it.value: it for it in orders}
            if values[0] not in told:
                raise ValueError(f"no such command: {values[0]}")
            self._do(told[values[0]].key, told[values[0]].wish)
            return 1
        row, place = self._rows[place_read, at]
        if function not in row.written_by or place:
            raise LookupError(f"not written: {row.key}")
        if len(values) < row.size:
            raise ValueError(f"half a value: {row.key}")
        self._do(row.key, row.decode(values[: row.size]))
        return row.size

    def _do(self, key: str, value: Value) -> None:
        self._writings[key](value)
        self.writes.append((key, value))


# What the devices of the board show


def meter_readings(meter: Meter, board: Board) -> Readings:
    """Return what a meter shows, by the keys of the public maps and of the profiles."""
    fixed: Mapping[str, Callable[[], float]] = {
        "model": lambda: _MODEL,
        "device_identifier": lambda: _MODEL,
        "ct_ratio": lambda: CT_RATIO,
        "vt_ratio": lambda: _VT_RATIO,
        "vt_ratio_fine": lambda: _VT_RATIO,
        "voltage_sequence": lambda: 1,
        "output_relays": lambda: 0,
        "demand_minutes": lambda: 15,
        "energy_import": lambda: meter.imported,
        "energy_imported": lambda: meter.imported,
        "energy_export": lambda: meter.exported,
        "energy_exported": lambda: meter.exported,
        "energy_partial": lambda: meter.imported,
        "reactive_energy_import": lambda: meter.reactive_imported,
        "reactive_energy_export": lambda: meter.reactive_exported,
        "reactive_energy_partial": lambda: meter.reactive_imported,
        "apparent_energy": lambda: math.hypot(meter.imported, meter.reactive_imported),
        "operating_hours": lambda: meter.hours,
        "energy_hours": lambda: meter.hours,
        "operating_time": lambda: meter.hours * 3600,
        "current_average": lambda: meter.now["current"],
        "voltage_ll_average": lambda: meter.now["voltage_ll"],
        "voltage_ln_average": lambda: meter.now["voltage_ln"],
        "pulse_meters": lambda: 0,
        **_clock(board),
    }

    derived: tuple[tuple[re.Pattern[str], Callable[[str], float]], ...] = (
        (_SIGN, lambda name: float(meter.now[name] < 0)),
        (_SECTOR, lambda name: float(abs(meter.now[name]) < _NEARLY_ONE)),
        (_PEAK, lambda name: meter.peaks.get(name, 0.0)),
        (_MEAN, lambda name: meter.means.get(name, 0.0)),
        (_LOW, lambda name: meter.lows.get(name, 0.0)),
        (_HIGH, lambda name: meter.highs.get(name, 0.0)),
        (_PULSE_TOTAL, lambda _: 0.0),
    )

    def read(key: str) -> float:
        if key in fixed:
            return fixed[key]()
        if key in meter.now:
            return meter.now[key]
        for pattern, kept in derived:
            if found := pattern.fullmatch(key):
                return kept("".join(found.groups("")))
        raise KeyError(key)

    return read


_NEARLY_ONE: Final = 0.995

# Each leaves the name of the quantity.
_SIGN: Final = re.compile(r"(power|reactive_power)_sign(_l[123])?")
_SECTOR: Final = re.compile(r"(power_factor)_sector(_l[123])?")
_PEAK: Final = re.compile(r"max_avg_(\w+)|(\w+)_max_demand(?:_3p)?(_l[123])?")
_MEAN: Final = re.compile(r"avg_(\w+)|(\w+)_average(?:_3p)?(_l[123])?")
_LOW: Final = re.compile(r"(voltage)_min(_l[123])")
_HIGH: Final = re.compile(r"(voltage)_max(_l[123])")
_PULSE_TOTAL: Final = re.compile(r"pulse_total_(\d+)")


def _clock(board: Board) -> dict[str, Callable[[], float]]:
    return {
        "clock_day": lambda: board.local.day,
        "clock_month": lambda: board.local.month,
        "clock_year": lambda: board.local.year - 2000,
        "clock_hour": lambda: board.local.hour,
        "clock_minute": lambda: board.local.minute,
        "clock_second": lambda: board.local.second,
    }


def meter_unit(meter: Meter, board: Board, map_name: str = IME) -> RegisterUnit:
    """A meter that speaks a public map."""
    return RegisterUnit(map_rows(map_name), meter_readings(meter, board))


def breaker_unit(circuit: Circuit, meter: Meter, board: Board) -> RegisterUnit:
    """A breaker that measures, and can be opened and closed."""
    declared, metered = load_profile(BREAKER), meter_readings(meter, board)
    breaker = circuit.breaker

    def read(key: str) -> Value:
        match key:
            case "breaker":
                return breaker.state.value
            case "trip_cause":
                return breaker.cause.value
            case _:
                return metered(key)

    return RegisterUnit(
        declared.rows,
        read,
        writings={"open": lambda _: breaker.open(), "close": lambda _: breaker.close()},
        orders=declared.orders,
    )


_FIRMWARE: Final = "2.6.1"


def station_unit(sides: tuple[Side, ...]) -> RegisterUnit:
    """A charging station whose sides stand behind one another under one Modbus address."""
    declared = load_profile(STATION)
    rows: list[Row] = []
    orders: list[Order] = []
    for number in range(len(sides)):
        moved = declared.side(number)
        rows += (replace(row, key=f"{row.key}@{number}") for row in moved.rows)
        orders += (replace(order, key=f"{order.key}@{number}") for order in moved.orders)

    readings = {
        f"{name}@{number}": read for number, side in enumerate(sides) for name, read in _side_readings(side).items()
    }
    writings = {
        f"{name}@{number}": write for number, side in enumerate(sides) for name, write in _side_writings(side).items()
    }
    return RegisterUnit(rows, lambda key: readings[key](), writings=writings, orders=orders)


def _side_readings(side: Side) -> dict[str, Callable[[], Value]]:
    return {
        "firmware": lambda: _FIRMWARE,
        "status": lambda: side.status.value,
        "vehicle_connected": lambda: side.car,
        "maximum_current": lambda: RATED_CURRENT,
        "charging_current": lambda: side.limit,
        "power": lambda: side.power,
        "current_l1": lambda: side.current,
        "energy_imported": lambda: side.energy,
        "rfid": lambda: side.badge if side.car else "",
        "error_station": lambda: side.stuck | (not side.supplied) << 1,
        "error_charge": lambda: side.car_fault,
        "charging": lambda: side.allowed,
        "ev_socket": lambda: side.ev_socket,
        "domestic_socket": lambda: side.domestic_socket,
    }


def _side_writings(side: Side) -> dict[str, Writing]:
    return {
        "charging_current": lambda value: setattr(side, "limit", value),
        "charging": lambda wish: setattr(side, "allowed", wish == "on"),
        "ev_socket": lambda wish: setattr(side, "ev_socket", wish == "on"),
        "domestic_socket": lambda wish: setattr(side, "domestic_socket", wish == "on"),
        "start": lambda _: setattr(side, "held", False),
        "hold": lambda _: setattr(side, "held", True),
    }


_NORMAL: Final = ("normally_open", "normally_closed")
_RHYTHM: Final = ("impulse", "blinking")


def io_unit(board: Board) -> RegisterUnit:
    """The module with inputs and relay outputs."""
    declared = load_profile(IO_MODULE)
    readings: dict[str, Callable[[], Value]] = {
        "analog_1": lambda: board.temperature,
        "analog_2": lambda: board.tank_level,
    }
    writings: dict[str, Writing] = {}
    for place in range(len(board.inputs)):
        readings[f"input_{place + 1}"] = partial(_input, board, place)
    for number, output in enumerate(board.outputs, 1):
        shown, taken = _output_parts(output)
        readings |= {f"output_{number}{part}": read for part, read in shown.items()}
        writings |= {f"output_{number}{part}": write for part, write in taken.items()}
    return RegisterUnit(declared.rows, lambda key: readings[key](), writings=writings, orders=declared.orders)


def _input(board: Board, place: int) -> Value:
    return board.inputs[place]


def _output_parts(output: Output) -> tuple[dict[str, Callable[[], Value]], dict[str, Writing]]:
    return {
        "": lambda: output.working,
        "_normal_state": lambda: _NORMAL[output.normally_closed],
        "_mode": lambda: _RHYTHM[output.blinking],
        "_on_time": lambda: output.on_time,
    }, {
        "": lambda wish: output.command(wish == "on"),
        "_normal_state": lambda word: setattr(output, "normally_closed", word == _NORMAL[True]),
        "_mode": lambda word: setattr(output, "blinking", word == _RHYTHM[True]),
        "_on_time": lambda value: setattr(output, "on_time", value),
    }


def state_unit(circuit: Circuit) -> RegisterUnit:
    """A signalling module beside the breaker of a circuit."""
    return RegisterUnit(load_profile(STATE_MODULE).rows, lambda _: circuit.breaker.state.value)


def concentrator_unit(inputs: Iterable[Pulses], board: Board) -> RegisterUnit:
    """A concentrator that counts the pulses of these, and of nothing on its other inputs."""
    counted = {f"pulse_total_{number}": pulses for number, pulses in enumerate(inputs, 1)}
    clock = _clock(board)

    def read(key: str) -> Value:
        if key == "pulse_meters":
            return len(counted)
        if key in clock:
            return clock[key]()
        return counted[key].count if key in counted else 0

    return RegisterUnit(map_rows(CONCENTRATOR), read)


# Kinds of remote id of a slave server, and the id of its total.
FIRST_DEVICE: Final = 10_001
FIRST_CIRCUIT: Final = 20_001
TOTAL: Final = 29_999


def remote_ids(board: Board) -> dict[int, Meter]:
    """What a slave server shows of the board: its meters as devices and as circuits, and the total."""
    circuits = [meter for key, meter in board.meters.items() if key != "main"]
    return {
        **{FIRST_DEVICE + place: meter for place, meter in enumerate(board.meters.values())},
        **{FIRST_CIRCUIT + place: meter for place, meter in enumerate(circuits)},
        TOTAL: board.meters["main"],
    }


def virtual_unit(board: Board) -> RegisterUnit:
    """What a web server shows of its own devices, circuits and zones to another one."""
    declared, meters = load_profile(VIRTUAL_METER), remote_ids(board)
    rows = [replace(row, key=f"{row.key}@{number}") for number in meters for row in declared.remote(number)]

    def read(key: str) -> Value:
        meter = meters[int(key.partition("@")[2])]
        # A server shows what flows the usual way, however the breaker is fed.
        return meter.exported if meter.turned else meter.imported

    return RegisterUnit(rows, read)


def board_units(board: Board) -> dict[int, RegisterUnit]:
    """Return the devices of the board by Modbus address."""
    circuits, meters = board.circuits, board.meters
    return {
        1: meter_unit(meters["main"], board),
        2: meter_unit(meters["heating"], board),
        3: meter_unit(meters["cooking"], board),
        4: meter_unit(meters["sockets"], board, DIRIS),
        5: meter_unit(meters["lighting"], board, EMS_CX3),
        6: state_unit(circuits["lighting"]),
        10: breaker_unit(circuits["charging"], meters["charging"], board),
        11: breaker_unit(circuits["hot_water"], meters["hot_water"], board),
        20: station_unit(board.sides),
        30: concentrator_unit(board.pulses.values(), board),
        31: io_unit(board),
        40: meter_unit(meters["technical"], board, CONTO),
        SLAVE_SERVER: virtual_unit(board),
    }


def still_units(addresses: Iterable[int], map_name: str = IME) -> dict[int, RegisterUnit]:
    """Return meters that stand still, each with values that no other one has: 100 W for each number of its address."""
    board, units = Board(), {}
    for address in addresses:
        meter = Meter((), imported=address * 1000.0)
        meter.measure((address * 100 / 3,) * 3, NOTHING, (230.0,) * 3)
        units[address] = meter_unit(meter, board, map_name)
    return units

"""The registers of an AURA in either of the two candidate maps: words made from the model, and writes that change it.

Addresses, functions, scales, signs and orders come from `data/solarman/registers.csv` alone.
"""

import csv
import re
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final

from pymodbus.constants import ExcCodes

from .aura import Aura, State, WorkMode
from .site import HERTZ

DATA: Final = Path(__file__).parent / "data" / "solarman"

MEGAREVO: Final = "megarevo-r"
AFORE: Final = "afore-t6"
MAPS: Final = (MEGAREVO, AFORE)

_READS: Final = (3, 4)
_WRITE_ONE: Final = 6
_MOST_READ: Final = 125
_MOST_WRITTEN: Final = 123
_LOG_LENGTH: Final = 10_000

type Value = float | str
type Reading = Callable[[Aura], Value]
type Writing = Callable[[Aura, float], None]


class RefusedValueError(ValueError):
    """The inverter does not take this value."""


@dataclass(frozen=True, slots=True)
class Register:
    """A row of a map.

    `address` is None where no source says where it is. `read_by` and `written_by` are Modbus functions. `choices` is
    what it may be; empty where it is not an enumeration, or one that is known in part.
    """

    address: int | None
    read_by: int
    written_by: frozenset[int]
    name: str
    unit: str
    scale: float
    signed: bool
    size: int
    low_word_first: bool
    choices: frozenset[int]


@cache
def load_map(name: str) -> tuple[Register, ...]:
    """Return the rows of a map. Raises ValueError for a map that is none."""
    if name not in MAPS:
        raise ValueError(f"no such map: {name}")
    with (DATA / "registers.csv").open(encoding="utf-8", newline="") as file:
        return tuple(_register(row) for row in csv.DictReader(file) if row["map"] == name)


def _register(row: Mapping[str, str]) -> Register:
    listed = "" if "(excerpt)" in row["enumeration"] else row["enumeration"]
    return Register(
        address=int(row["address_dec"]) if row["address_dec"] else None,
        read_by=int(row["fc_read"] or _READS[0]),
        written_by=frozenset(int(code) for code in row["fc_write"].split("/") if code),
        name=row["name"],
        unit=row["unit"],
        scale=float(row["scale"]),
        signed=row["signed"] == "yes",
        size=int(row["words"]),
        low_word_first=row["word_order"] == "little",
        choices=frozenset(int(choice.partition("=")[0], 0) for choice in listed.split(";") if choice),
    )


def encode(register: Register, value: Value) -> list[int]:
    """Return the words that show a value: rounded to nearest, wrapped at the top; a text is filled up with zeros."""
    if isinstance(value, str):
        data = value.encode("ascii")[: 2 * register.size].ljust(2 * register.size, b"\0")
    else:
        raw = round(value / register.scale) & (1 << 16 * register.size) - 1
        data = raw.to_bytes(2 * register.size)
    words = [int.from_bytes(data[place : place + 2]) for place in range(0, len(data), 2)]
    return words[::-1] if register.low_word_first else words


def decode(register: Register, words: list[int]) -> float:
    """Return what words mean."""
    ordered = words[::-1] if register.low_word_first else words
    raw = int.from_bytes(b"".join(word.to_bytes(2) for word in ordered), signed=register.signed)
    return raw * register.scale


# What a register shows, by its name

_ENERGIES: Final = {
    "pv": "pv",
    "export": "exported",
    "import": "imported",
    "load": "load",
    "battery_charge": "charged",
    "battery_discharge": "discharged",
    "eps": "backup",
    "ac_couple": "retrofit",
}
_STRING: Final = re.compile(r"pv(\d)_(voltage|current|power)(_1p)?")
_ENERGY: Final = re.compile(r"(\w+)_energy_(today|total)(_alt)?")
_OTHER_PHASE: Final = re.compile(r"\w+_l[23]_\w+")


def _string(place: int, quantity: str) -> Reading:
    def read(aura: Aura) -> float:
        if place >= len(aura.config.string_peaks):
            return 0.0
        voltage, power = aura.string_voltage(place), aura.flows.strings[place]
        return {"voltage": voltage, "current": power / voltage if voltage else 0.0, "power": power}[quantity]

    return read


def _by_pattern(name: str) -> Reading | None:
    """Return what a register shows that is one of many alike; None for any other."""
    if _OTHER_PHASE.fullmatch(name):
        return lambda _: 0.0
    if found := _STRING.fullmatch(name):
        return _string(int(found[1]) - 1, found[2])
    if found := _ENERGY.fullmatch(name):
        total, field = found[2], _ENERGIES[found[1]]
        return lambda aura: float(getattr(getattr(aura, total), field))
    return None


def _setting(name: str) -> Reading:
    return lambda aura: float(getattr(aura.settings, name))


def _battery(read: Callable[[Aura], float]) -> Reading:
    """A value of the battery, 0 while there is none."""
    return lambda aura: 0.0 if aura.conditions.battery_lost else read(aura)


def _over(power: float, voltage: float) -> float:
    return power / voltage if voltage else 0.0


def _mode(modes: dict[int, WorkMode]) -> Reading:
    """The number of the mode; one that this map does not know shows as its first."""
    return lambda aura: next((number for number, mode in modes.items() if mode is aura.settings.work_mode), 0)


_COMMON: Final[dict[str, Reading]] = {
    "serial_number": lambda aura: aura.config.serial,
    "rated_power": lambda aura: aura.config.rated_power,
    "grid_l1_voltage": lambda aura: aura.grid_voltage,
    "grid_l1_current": lambda aura: _over(aura.flows.grid, aura.grid_voltage),
    "grid_l1_power": lambda aura: aura.flows.grid,
    "battery_soc": _battery(lambda aura: aura.battery.soc),
    "battery_soh": _battery(lambda _: 98),
    "battery_voltage": _battery(lambda aura: aura.battery.voltage),
    "battery_temperature": _battery(lambda aura: aura.battery.temperature),
    "leakage_current": lambda _: 4,
}

_MEGAREVO_MODES: Final = {0: WorkMode.SELF_USE, 1: WorkMode.PEAK_SHIFT, 2: WorkMode.BATTERY_PRIORITY}

_MEGAREVO: Final[dict[str, Reading]] = _COMMON | {
    "grid_frequency": lambda aura: aura.grid_frequency,
    "grid_voltage_1p": lambda aura: aura.grid_voltage,
    "grid_frequency_1p": lambda aura: aura.grid_frequency,
    "grid_power_1p": lambda aura: aura.flows.grid,
    "unknown_16a1": lambda _: 100,
    # The load of this map is what hangs on the backup output, but for the total of single-phase models.
    "load_l1_voltage": lambda aura: aura.backup_voltage,
    "load_l1_current": lambda aura: _over(aura.flows.backup, aura.backup_voltage),
    "load_l1_power": lambda aura: aura.flows.backup,
    "load_l1_percent": lambda aura: 100 * aura.flows.backup / aura.config.rated_power,
    "load_power_1p": lambda aura: aura.flows.load,
    "battery_voltage_alt": _battery(lambda aura: aura.battery.voltage),
    "battery_current": _battery(lambda aura: aura.battery.current),
    "battery_current_alt": _battery(lambda aura: aura.battery.current),
    "battery_power": lambda aura: aura.flows.battery,
    "temperature": lambda aura: aura.heatsink_temperature,
    "temperature_1p": lambda aura: aura.heatsink_temperature,
    "board_temperature": lambda _: 38,
    "dc_temperature": lambda _: 34,
    "ambient_temperature_1p": lambda _: 24,
    "work_mode": _mode(_MEGAREVO_MODES),
    # Rows without address: served where `placed` puts them.
    "inverter_state": lambda aura: list(State).index(aura.state),
    "fault_bits": lambda aura: aura.bits("F"),
    "warning_bits": lambda aura: aura.bits("W"),
    "bms_alarms": lambda aura: aura.bits("W") >> 14 & 0x1FFF,
    "firmware_version": lambda _: 107,
    "remote_control": lambda aura: aura.remote_control,
    "eps_enable": lambda aura: aura.setup.eps,
    "ac_couple_enable": lambda aura: aura.setup.ac_couple,
    "grid_code": lambda aura: aura.setup.grid_code,
    "charge_current_limit": _setting("charge_current_max"),
    "discharge_power_limit": _setting("discharge_power_max"),
    "on_grid_dod": lambda aura: 100 - aura.settings.on_grid_soc_min,
    "off_grid_dod": lambda aura: 100 - aura.settings.soc_min,
}

_AFORE_MODES: Final = {
    0: WorkMode.SELF_USE,
    1: WorkMode.BATTERY_PRIORITY,
    2: WorkMode.SELL_FIRST,
    3: WorkMode.MAINTAIN,
    4: WorkMode.COMMAND,
    5: WorkMode.EXTERNAL_EMS,
    6: WorkMode.PEAK_SHIFT,
    9: WorkMode.PEAK_CUT,
}
_AFORE_STATES: Final = {
    State.OFF: 9,
    State.STANDBY: 1,
    State.BOOT_COUNTDOWN: 2,
    State.GENERATING: 3,
    State.FAULT: 10,
}
_AFORE_OFF_GRID: Final = 4
_AFORE_GRID_CODES: Final = {50549: 28}
_CHARGE: Final = 0xAA
_STOP: Final = 0xBB

# Bits of function_enable and of function_command.
_ON: Final = 1 << 0
_EPS: Final = 1 << 3
_RESET: Final = 1 << 3

_ONE_PHASE_STORAGE: Final = 225
_LOW_VOLTAGE_STORAGE: Final = 1

# Those that the model knows by the same name.
_AFORE_SETTINGS: Final = (
    "soc_max",
    "soc_min",
    "on_grid_soc_min",
    "forced_discharge_soc_min",
    "charge_power_max",
    "discharge_power_max",
    "charge_current_max",
    "discharge_current_max",
    "feed_in_limit",
)


def _battery_state(aura: Aura) -> float:
    if aura.flows.battery > 1:
        return 4
    return 5 if aura.flows.battery < -1 else 2


def _functions(aura: Aura) -> float:
    others = int(aura.memory.get("function_enable", 0)) & ~(_ON | _EPS)
    return others | _ON * aura.enabled | _EPS * aura.setup.eps


def _clock(aura: Aura) -> float:
    now = aura.local + aura.clock_error
    return int.from_bytes((now.year - 2000, now.month, now.day, now.hour, now.minute, now.second))


_AFORE: Final[dict[str, Reading]] = _COMMON | {
    "inverter_name": lambda aura: aura.config.model,
    "inverter_type": lambda _: _ONE_PHASE_STORAGE,
    "hardware_name": lambda _: "BG-HYB1P",
    "hardware_version": lambda _: 2,
    "protocol_name": lambda _: "T6",
    "protocol_version": lambda _: 3.4,
    "master_version": lambda _: 1.07,
    "slave_version": lambda _: 1.04,
    "hmi_version": lambda _: 1.11,
    "grid_code_active": lambda aura: _AFORE_GRID_CODES.get(
        aura.setup_in_force.grid_code, aura.setup_in_force.grid_code
    ),
    "capabilities": lambda aura: _LOW_VOLTAGE_STORAGE | len(aura.config.string_peaks) - 1 << 6,
    "bus_voltage": lambda aura: 390.0 if aura.state is State.GENERATING else 0.0,
    "insulation_resistance": lambda _: 2000,
    "grid_l1_frequency": lambda aura: aura.grid_frequency,
    "grid_power": lambda aura: aura.flows.grid,
    "inverter_l1_power": lambda aura: aura.flows.inverter,
    "inverter_power": lambda aura: aura.flows.inverter,
    "inverter_reactive_power": lambda _: 0,
    "inverter_apparent_power": lambda aura: abs(aura.flows.inverter),
    "power_factor": lambda _: 1,
    "load_l1_power": lambda aura: aura.flows.load,
    "load_power": lambda aura: aura.flows.load,
    "pv_power": lambda aura: aura.flows.pv,
    "eps_l1_voltage": lambda aura: aura.backup_voltage,
    "eps_l1_current": lambda aura: _over(aura.flows.backup, aura.backup_voltage),
    "eps_l1_power": lambda aura: aura.flows.backup,
    "eps_frequency": lambda aura: HERTZ if aura.backup_voltage else 0,
    "eps_power": lambda aura: aura.flows.backup,
    "ac_couple_power": lambda aura: aura.flows.retrofit if aura.setup_in_force.ac_couple else 0,
    # Current and power are positive when it discharges; those of the BMS the other way round.
    "battery_state": _battery(_battery_state),
    "battery_current": _battery(lambda aura: -aura.battery.current),
    "battery_power": lambda aura: -aura.flows.battery,
    "bms_charge_current_max": _battery(lambda aura: aura.battery.charge_limit),
    "bms_discharge_current_max": _battery(lambda aura: aura.battery.discharge_limit),
    "bms_command": _battery(lambda aura: (aura.battery.charge_limit > 0) | (aura.battery.discharge_limit > 0) << 1),
    "bms_soh": _battery(lambda _: 98),
    "bms_soc": _battery(lambda aura: aura.battery.soc),
    "bms_voltage": _battery(lambda aura: aura.battery.voltage),
    "bms_current": _battery(lambda aura: aura.battery.current),
    "bms_temperature": _battery(lambda aura: aura.battery.temperature),
    "bms_cell_voltage_min": _battery(lambda aura: aura.battery.voltage / aura.battery.cells * 1000 - 4),
    "bms_cell_voltage_max": _battery(lambda aura: aura.battery.voltage / aura.battery.cells * 1000 + 5),
    "inverter_state": lambda aura: _AFORE_OFF_GRID if aura.on_backup else _AFORE_STATES[aura.state],
    "connect_countdown": lambda aura: aura.countdown,
    "ambient_temperature": lambda _: 24,
    "heatsink_temperature": lambda aura: aura.heatsink_temperature,
    # The codes of these bits are not those of the AURA, so its alarms do not show in them; `AuraUnit.forced` can.
    **dict.fromkeys(
        (
            "pv_fault_1",
            "pv_fault_2",
            "battery_fault_1",
            "battery_fault_2",
            "grid_fault",
            "off_grid_fault",
            "dc_fault_1",
            "dc_fault_2",
            "ac_fault",
            "system_fault_1",
            "system_fault_2",
            "permanent_fault",
            "internal_warning",
            "external_warning",
            "bms_faults",
            "bms_warnings",
        ),
        lambda _: 0,
    ),
    "grid_code": lambda aura: _AFORE_GRID_CODES.get(aura.setup.grid_code, aura.setup.grid_code),
    "function_enable": _functions,
    "function_command": lambda _: 0,
    "clock": _clock,
    "work_mode": _mode(_AFORE_MODES),
    "charge_command": lambda aura: _CHARGE if aura.settings.charging else _STOP,
    "charge_power_setpoint": _setting("setpoint"),
    "output_power_limit_percent": _setting("output_power_limit"),
    "output_power_limit": lambda aura: aura.settings.output_power_limit / 100 * aura.config.rated_power,
    **{name: _setting(name) for name in _AFORE_SETTINGS},
}

READINGS: Final[dict[str, dict[str, Reading]]] = {MEGAREVO: _MEGAREVO, AFORE: _AFORE}

# What nothing in the model answers for, and what it is at first.
MEMORY: Final[dict[str, dict[str, float]]] = {
    MEGAREVO: {"battery_type": 2, "time_of_use": 0},
    AFORE: {
        "protection_enable": 0x3F,
        "meter_type": 1,
        "ct_ratio": 1000,
        "import_limit": -9000,
        "ac_charge_power_max": 60,
        "ac_charge_soc_max": 80,
        "force_charge_soc_max": 90,
        "external_ems_mode": 3,
        "external_ems_power": 0,
        "battery_type": 1,
        **{
            f"{what}_{number}_{end}": 0
            for what in ("ac_charge", "force_charge", "force_discharge", "forbid_discharge")
            for number in range(1, 5)
            for end in ("start", "end")
        },
    },
}


# What is done with what is written


def _set(name: str) -> Writing:
    return lambda aura, value: setattr(aura.settings, name, value)


def _set_mode(modes: dict[int, WorkMode]) -> Writing:
    def take(aura: Aura, value: float) -> None:
        if value not in modes:
            raise RefusedValueError
        aura.settings.work_mode = modes[round(value)]

    return take


def _set_up(name: str, kind: type[int] = int) -> Writing:
    """Take a value that is in force after a rest and a new start."""
    return lambda aura, value: setattr(aura.setup, name, kind(value))


def _set_functions(aura: Aura, value: float) -> None:
    bits = int(value)
    aura.memory["function_enable"] = bits
    aura.enabled = bool(bits & _ON)
    aura.setup.eps = bool(bits & _EPS)


def _set_clock(aura: Aura, value: float) -> None:
    year, *rest = int(value).to_bytes(6)
    try:
        told = datetime(2000 + year, *rest, tzinfo=aura.local.tzinfo)  # type: ignore[misc, arg-type]  # six in all
    except ValueError as error:
        raise RefusedValueError from error
    aura.clock_error = told - aura.local


def _command(aura: Aura, value: float) -> None:
    if int(value) & _RESET:
        aura.restart()


WRITINGS: Final[dict[str, dict[str, Writing]]] = {
    MEGAREVO: {
        "work_mode": _set_mode(_MEGAREVO_MODES),
        "eps_enable": _set_up("eps", bool),
        "ac_couple_enable": _set_up("ac_couple", bool),
        "grid_code": _set_up("grid_code"),
        "charge_current_limit": _set("charge_current_max"),
        "discharge_power_limit": _set("discharge_power_max"),
        "on_grid_dod": lambda aura, value: setattr(aura.settings, "on_grid_soc_min", 100 - value),
        "off_grid_dod": lambda aura, value: setattr(aura.settings, "soc_min", 100 - value),
    },
    AFORE: {
        "grid_code": lambda aura, value: _set_up("grid_code")(
            aura, next((code for code, number in _AFORE_GRID_CODES.items() if number == value), value)
        ),
        "function_enable": _set_functions,
        "function_command": _command,
        "clock": _set_clock,
        "work_mode": _set_mode(_AFORE_MODES),
        "charge_command": lambda aura, value: setattr(aura.settings, "charging", value == _CHARGE),
        "charge_power_setpoint": _set("setpoint"),
        "output_power_limit_percent": _set("output_power_limit"),
        "output_power_limit": lambda aura, value: setattr(
            aura.settings, "output_power_limit", min(100.0, 100 * value / aura.config.rated_power)
        ),
        **{name: _set(name) for name in _AFORE_SETTINGS},
    },
}


def placed(map_name: str, name: str, address: int, *, size: int = 1, written_by: Collection[int] = ()) -> Register:
    """Return a row without address at an address, for a map that an owner found out. Raises ValueError."""
    for register in load_map(map_name):
        if register.name == name and register.address is None:
            return replace(register, address=address, size=size, written_by=frozenset(written_by))
    raise ValueError(f"no such row without address: {name}")


class AuraUnit:
    """The Modbus side of an AURA.

    `lacking`: addresses that its firmware does not have. `holes_read_zero`: an address that is not in the map reads 0
    instead of spoiling its block. `refusal`: what a write is answered with while remote control is disabled (nobody
    has seen it). `forced`: values by the name of their register, which have the last word. `writes`: what was taken.
    """

    def __init__(self, aura: Aura, map_name: str = MEGAREVO, *, also: Iterable[Register] = ()) -> None:
        """`also`: registers beyond those of the map, see `placed`."""
        self.aura = aura
        self.map_name = map_name
        self.lacking: set[int] = set()
        self.holes_read_zero = False
        self.refusal = ExcCodes.DEVICE_FAILURE
        self.forced: dict[str, Value] = {}
        self.writes: deque[tuple[str, float]] = deque(maxlen=_LOG_LENGTH)
        self._registers: dict[tuple[int, int], tuple[Register, int]] = {}
        self._functions: set[int] = set()
        for register in (*load_map(map_name), *also):
            if register.address is None:
                continue
            self._functions |= {register.read_by} | register.written_by
            for place in range(register.size):
                self._registers[register.read_by, register.address + place] = register, place

    def value(self, register: Register) -> Value:
        """Return what a register shows."""
        name = register.name
        if name in self.forced:
            return self.forced[name]
        read = READINGS[self.map_name].get(name) or _by_pattern(name)
        return read(self.aura) if read else self.aura.memory.get(name, MEMORY[self.map_name][name])

    def read(self, function: int, address: int, count: int) -> list[int] | ExcCodes:
        """Return the words of a block, or why there are none."""
        if function not in _READS or function not in self._functions:
            return ExcCodes.ILLEGAL_FUNCTION
        if not 1 <= count <= _MOST_READ:
            return ExcCodes.ILLEGAL_VALUE
        words: list[int] = []
        for at in range(address, address + count):
            found = None if at in self.lacking else self._registers.get((function, at))
            if found is None and not self.holes_read_zero:
                return ExcCodes.ILLEGAL_ADDRESS
            words.append(encode(found[0], self.value(found[0]))[found[1]] if found else 0)
        return words

    def write(self, function: int, address: int, words: list[int]) -> ExcCodes | None:
        """Take the words of a block, or return why not; what stands before a value that is refused is taken."""
        if function in _READS or function not in self._functions:
            return ExcCodes.ILLEGAL_FUNCTION
        if not 1 <= len(words) <= (1 if function == _WRITE_ONE else _MOST_WRITTEN):
            return ExcCodes.ILLEGAL_VALUE
        # Holding registers are what is written, whatever the inverter measures at the same address.
        held = [self._registers.get((_READS[0], at)) for at in range(address, address + len(words))]
        found = [it for it in held if it and function in it[0].written_by]
        if len(found) < len(words) or not self.lacking.isdisjoint(range(address, address + len(words))):
            return ExcCodes.ILLEGAL_ADDRESS
        if self.aura.remote_control == 1:
            return self.refusal
        try:
            for register, value in self._values(found, words):
                self._take(register, value)
        except RefusedValueError:
            return ExcCodes.ILLEGAL_VALUE
        return None

    def _values(self, found: list[tuple[Register, int]], words: list[int]) -> Iterator[tuple[Register, float]]:
        """Yield what a block means; the words of a value that were not written keep what they show."""
        whole: dict[str, tuple[Register, list[int]]] = {}
        for (register, place), word in zip(found, words, strict=True):
            _, shown = whole.setdefault(register.name, (register, encode(register, self.value(register))))
            shown[place] = word
        for register, shown in whole.values():
            yield register, decode(register, shown)

    def _take(self, register: Register, value: float) -> None:
        if (register.choices and value not in register.choices) or (register.unit == "%" and not 0 <= value <= 100):
            raise RefusedValueError
        take = WRITINGS[self.map_name].get(register.name)
        if take:
            take(self.aura, value)
        else:
            self.aura.memory[register.name] = value
        self.writes.append((register.name, value))

"""An electrical board that adds up: circuits behind breakers, the meters before them, charging stations, pulses.

Pure, with its own clock. Powers are in W, energies in Wh, water and gas in L. A tuple has one entry per phase. What
people use is shared out among the circuits; a car charges besides. A circuit whose breaker is not closed carries
nothing, and the main meter carries the sum of all.
"""

import cmath
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

from . import weather
from .site import HERTZ, VOLTS

PHASES: Final = 3
_LONGEST_STEP: Final = 60.0

type Phases = tuple[float, ...]

NOTHING: Final[Phases] = (0.0,) * PHASES


class BreakerState(StrEnum):
    """Where the contacts of a breaker are, and whether it went there by itself."""

    OPEN = "open"
    CLOSED = "closed"
    TRIPPED = "tripped"


class TripCause(StrEnum):
    """Why a breaker tripped."""

    NONE = "none"
    OVERLOAD = "overload"
    SHORT_CIRCUIT = "short_circuit"
    RESIDUAL_CURRENT = "residual_current"


class SideStatus(StrEnum):
    """What a side of a charging station does."""

    AVAILABLE = "available"
    CHARGING = "charging"
    WAITING = "waiting"
    FAULT = "fault"


class NotPossibleError(Exception):
    """The equipment does not do this now."""


@dataclass(slots=True)
class Breaker:
    """A breaker with a motor: once tripped, it has to be opened before it closes again."""

    state: BreakerState = BreakerState.CLOSED
    cause: TripCause = TripCause.NONE

    @property
    def closed(self) -> bool:
        """Whether current can flow."""
        return self.state is BreakerState.CLOSED

    def trip(self, cause: TripCause = TripCause.OVERLOAD) -> None:
        """Open by itself; nothing happens to a breaker that is open."""
        if self.closed:
            self.state, self.cause = BreakerState.TRIPPED, cause

    def open(self) -> None:
        """Open on command, which also resets a trip."""
        self.state, self.cause = BreakerState.OPEN, TripCause.NONE

    def close(self) -> None:
        """Close on command. Raises NotPossibleError while tripped."""
        if self.state is BreakerState.TRIPPED:
            raise NotPossibleError("tripped")
        self.state = BreakerState.CLOSED


@dataclass(slots=True)
class Circuit:
    """What hangs on one breaker, on one phase or more.

    `share`: its part in what people use, 0 for one whose load says itself what it draws.
    """

    phases: tuple[int, ...]
    share: float
    power_factor: float = 1.0
    breaker: Breaker = field(default_factory=Breaker)
    powers: Phases = NOTHING

    @property
    def reactive(self) -> Phases:
        """Reactive power in var, inductive."""
        return tuple(power * math.tan(math.acos(self.power_factor)) for power in self.powers)


# How long the mean of a demand meter looks back.
_DEMAND: Final = 900.0

_ENERGIES: Final = ("imported", "exported", "reactive_imported", "reactive_exported")
_THD_VOLTAGE: Final = 1.8
_THD_CURRENT: Final = 6.5
_LINES: Final = ("l1", "l2", "l3")
_BETWEEN: Final = (("l1_l2", 0, 1), ("l2_l3", 1, 2), ("l3_l1", 2, 0))


@dataclass(slots=True)
class Meter:
    """Measures some circuits, and counts since it was mounted.

    `turned`: the current goes through it the other way round, so it calls import what is export. `now`: what it
    measures at this moment, by the words of the register maps; `means`, `peaks` and `lows` of these: the means of the
    last quarter of an hour, the highest of those, and the lowest and highest values by themselves.
    """

    circuits: tuple[str, ...]
    turned: bool = False
    imported: float = 0.0
    exported: float = 0.0
    reactive_imported: float = 0.0
    reactive_exported: float = 0.0
    hours: float = 0.0
    now: dict[str, float] = field(default_factory=dict)
    means: dict[str, float] = field(default_factory=dict)
    peaks: dict[str, float] = field(default_factory=dict)
    lows: dict[str, float] = field(default_factory=dict)
    highs: dict[str, float] = field(default_factory=dict)

    @property
    def power(self) -> float:
        """Active power."""
        return self.now.get("power", 0.0)

    def replace(self) -> None:
        """Mount a new one in its place, whose counters begin at zero."""
        for name in _ENERGIES:
            setattr(self, name, 0.0)
        self.hours = 0.0
        for kept in (self.means, self.peaks, self.lows, self.highs):
            kept.clear()

    def measure(self, powers: Phases, reactive: Phases, voltages: Phases) -> None:
        """See what flows now."""
        if self.turned:
            powers, reactive = tuple(-power for power in powers), tuple(-power for power in reactive)
        self.now = quantities(powers, reactive, voltages)

    def count(self, seconds: float) -> None:
        """Let so much time pass with what flows now."""
        hours = seconds / 3600
        power, reactive = self.now["power"], self.now["reactive_power"]
        self.imported += max(0.0, power) * hours
        self.exported += max(0.0, -power) * hours
        self.reactive_imported += max(0.0, reactive) * hours
        self.reactive_exported += max(0.0, -reactive) * hours
        self.hours += hours
        part = min(1.0, seconds / _DEMAND)
        for name, value in self.now.items():
            mean = self.means.get(name, value)
            mean += (value - mean) * part
            self.means[name] = mean
            self.peaks[name] = max(mean, self.peaks.get(name, mean))
            self.lows[name] = min(value, self.lows.get(name, value))
            self.highs[name] = max(value, self.highs.get(name, value))


def quantities(powers: Phases, reactive: Phases, voltages: Phases) -> dict[str, float]:
    """What a three-phase meter makes of powers (W, var) and voltages (V), by the words of the register maps."""
    apparent = tuple(math.hypot(*pair) for pair in zip(powers, reactive, strict=True))
    currents = tuple(power / voltage if voltage else 0.0 for power, voltage in zip(apparent, voltages, strict=True))
    turns = tuple(cmath.exp(-2j * cmath.pi * phase / PHASES) for phase in range(PHASES))
    # Each current lags behind its voltage as far as its power factor says.
    lagging = (
        current * turn * cmath.exp(-1j * math.atan2(varying, active))
        for current, turn, active, varying in zip(currents, turns, powers, reactive, strict=True)
    )
    lines = {name: abs(voltages[a] * turns[a] - voltages[b] * turns[b]) for name, a, b in _BETWEEN}
    total, varying = sum(powers), sum(reactive)
    seen = math.hypot(total, varying)
    return {
        "power": total,
        "reactive_power": varying,
        "apparent_power": seen,
        "power_factor": total / seen if seen else 1.0,
        "power_import": max(0.0, total),
        "power_export": max(0.0, -total),
        "reactive_power_import": max(0.0, varying),
        "reactive_power_export": max(0.0, -varying),
        "frequency": HERTZ if any(voltages) else 0.0,
        "current_n": abs(sum(lagging)),
        "current": sum(currents) / PHASES,
        "voltage_ln": sum(voltages) / PHASES,
        "voltage_ll": sum(lines.values()) / PHASES,
        **{f"voltage_{name}": voltage for name, voltage in lines.items()},
        **_by_phase("power", powers),
        **_by_phase("reactive_power", reactive),
        **_by_phase("apparent_power", apparent),
        **_by_phase("power_factor", (p / s if s else 1.0 for p, s in zip(powers, apparent, strict=True))),
        **_by_phase("voltage", voltages),
        **_by_phase("current", currents),
        **_by_phase("thd_voltage", (_THD_VOLTAGE if voltage else 0.0 for voltage in voltages)),
        **_by_phase("thd_current", (_THD_CURRENT if current else 0.0 for current in currents)),
    }


def _by_phase(name: str, values: Iterable[float]) -> dict[str, float]:
    return {f"{name}_{line}": value for line, value in zip(_LINES, values, strict=True)}


LOWEST_CURRENT: Final = 6.0
RATED_CURRENT: Final = 32.0
_CAR_CURRENT: Final = 16.0
_CHARGE_EFFICIENCY: Final = 0.92
_TRIP_ENERGY: Final = 14.0


@dataclass(slots=True)
class Side:
    """One side of a Green'Up station and the car that comes to it, on one phase.

    `here`: whether there is a car; None leaves it to the hours in which it `stays`, from when until when. `limit` and
    `current` are in A, `car_energy` in kWh, `soc` in %. `supplied`: the grid is there; a car is no load for a battery.
    """

    phase: int
    stays: tuple[float, float]
    badge: str
    car_energy: float = 52.0
    soc: float = 55.0
    here: bool | None = None
    car: bool = False
    allowed: bool = True
    held: bool = False
    ev_socket: bool = True
    domestic_socket: bool = False
    limit: float = 10.0
    stuck: bool = False
    car_fault: bool = False
    supplied: bool = True
    current: float = 0.0
    energy: float = 0.0

    @property
    def status(self) -> SideStatus:
        """What it does."""
        if self.stuck or self.car_fault:
            return SideStatus.FAULT
        if not self.car:
            return SideStatus.AVAILABLE
        return SideStatus.CHARGING if self.current else SideStatus.WAITING

    @property
    def power(self) -> float:
        """What the car draws."""
        return self.current * VOLTS

    def plan(self, hour: float, *, live: bool) -> None:
        """Decide on the current of what comes; `live`: its breaker is closed."""
        begin, end = self.stays
        inside = begin <= hour < end if begin < end else not end <= hour < begin
        car = inside if self.here is None else self.here
        if car and not self.car:
            self.soc = max(5.0, self.soc - _TRIP_ENERGY / self.car_energy * 100)
        self.car = car
        ready = car and live and self.supplied and self.ev_socket and self.allowed and not self.held
        fault = self.stuck or self.car_fault
        self.current = 0.0
        if ready and not fault and self.soc < 99.9 and self.limit >= LOWEST_CURRENT:
            self.current = min(self.limit, _CAR_CURRENT)

    def charge(self, seconds: float) -> None:
        """Charge for so long."""
        energy = self.power * seconds / 3600
        self.energy += energy
        self.soc = min(100.0, self.soc + energy * _CHARGE_EFFICIENCY / self.car_energy / 10)


@dataclass(slots=True)
class Pulses:
    """An input of a pulse concentrator: `amount` (Wh or L) has gone through the meter, `weight` of it per pulse."""

    weight: float
    amount: float = 0.0

    @property
    def count(self) -> int:
        """Pulses since the beginning; the register that shows them may have begun anew."""
        return int(self.amount // self.weight)


@dataclass(slots=True)
class Output:
    """A relay output, with the settings of the web server's page.

    `on_time` (s) of an impulse, or of each half of blinking; an impulse of 0 s is held until the opposite command.
    """

    normally_closed: bool = False
    blinking: bool = False
    on_time: float = 0.0
    working: bool = False
    since: float = 0.0

    @property
    def contact(self) -> bool:
        """Whether the contact is closed now."""
        phase = int(self.since / self.on_time) % 2 if self.blinking and self.on_time else 0
        return (self.working and not phase) != self.normally_closed

    def command(self, on: bool) -> None:
        """Bring it into its working state, or back. Raises NotPossibleError for blinking without a rhythm."""
        if on and self.blinking and not self.on_time:
            raise NotPossibleError("no ON time")
        self.working, self.since = on, 0.0

    def step(self, seconds: float) -> None:
        """Let time pass."""
        self.since += seconds
        if self.working and not self.blinking and self.on_time and self.since >= self.on_time:
            self.command(False)


# Phases, share and power factor.
CIRCUITS: Final[Mapping[str, tuple[tuple[int, ...], float, float]]] = {
    "heating": ((0, 1, 2), 4.0, 0.92),
    "cooking": ((0, 1, 2), 2.6, 1.0),
    "sockets": ((0, 1, 2), 2.4, 0.95),
    "lighting": ((0,), 1.0, 0.9),
    "hot_water": ((1,), 2.2, 1.0),
    "technical": ((2,), 0.8, 0.85),
    "charging": ((0, 1), 0.0, 1.0),
}
"""The circuits of the board; cars charge on the last one."""

_WATER_PER_HOUR: Final = 14.0
_GAS_PER_HOUR: Final = 230.0

# What the board has already counted when somebody meets it.
_EARLIER: Final = {
    "main": 3_880_000.0,
    "heating": 1_310_000.0,
    "cooking": 655_000.0,
    "sockets": 690_000.0,
    "lighting": 245_000.0,
    "hot_water": 570_000.0,
    "technical": 210_000.0,
    "charging": 200_000.0,
}
_EARLIER_PULSES: Final = {"water": 86_400.0, "gas": 1_240_000.0, "technical": 210_000.0}
_KEPT_OF_SIDE: Final = (
    *("soc", "car", "allowed", "held", "ev_socket", "domestic_socket", "limit"),
    *("stuck", "car_fault", "energy"),
)
_KEPT_OF_OUTPUT: Final = ("normally_closed", "blinking", "on_time", "working")

type Snapshot = dict[str, Any]


class Board:
    """The board. Its parts may be changed at any time; what they carry and measure follows with the next step.

    `demand`: what people use, in W; None leaves it to the hour. `live`: there is voltage on the busbars.
    """

    def __init__(self, now: datetime | None = None, *, seed: int = 11, timezone: str = "Europe/Paris") -> None:
        """`now` is when the clock starts, by default noon of a day in June."""
        self.now = (now or datetime(2026, 6, 15, 10, 0, tzinfo=UTC)).astimezone(UTC)
        self.demand: float | None = None
        self.live = True
        self._seed = seed
        self._zone = ZoneInfo(timezone)
        self.circuits: Mapping[str, Circuit] = {key: Circuit(*built) for key, built in CIRCUITS.items()}
        self.sides = (
            Side(phase=0, stays=(18.5, 8.0), badge="04A2C31B"),
            Side(phase=1, stays=(9.0, 17.0), badge="04F7109E", soc=35.0),
        )
        self.meters: Mapping[str, Meter] = {
            "main": Meter(tuple(self.circuits)),
            # This breaker is fed from below.
            **{key: Meter((key,), turned=key == "charging") for key in self.circuits},
        }
        self.pulses: Mapping[str, Pulses] = {"water": Pulses(10.0), "gas": Pulses(10.0), "technical": Pulses(10.0)}
        self.outputs = (Output(working=True), Output())
        self.inputs = [False, False, True, False]
        self.advance(0)

    @classmethod
    def lived_in(cls, now: datetime | None = None) -> Board:
        """A board whose counters have counted for half a year."""
        board = cls(now)
        for key, energy in _EARLIER.items():
            meter = board.meters[key]
            meter.imported, meter.exported = (0.0, energy) if meter.turned else (energy, 0.0)
        for key, amount in _EARLIER_PULSES.items():
            board.pulses[key].amount = amount
        for side in board.sides:
            side.energy = _EARLIER["charging"] / len(board.sides)
        return board

    @property
    def local(self) -> datetime:
        """The clock on the wall."""
        return self.now.astimezone(self._zone)

    @property
    def temperature(self) -> float:
        """Inside the board, in °C."""
        return 24 + 6 * weather.noise(self._seed, 40, self._hours / 3) + 0.0012 * self.meters["main"].power

    @property
    def tank_level(self) -> float:
        """Of the tank for rain water, in %."""
        return 30 + 60 * weather.noise(self._seed, 41, self._hours / 30)

    @property
    def _hours(self) -> float:
        return self.now.timestamp() / 3600

    def advance(self, seconds: float) -> None:
        """Let time pass on a board that stands alone."""
        steps = max(1, math.ceil(seconds / _LONGEST_STEP))
        for _ in range(steps):
            self.now += timedelta(seconds=seconds / steps)
            demand = weather.household(self._seed, self.local) if self.demand is None else self.demand
            self.serve(demand, self.now)
            self.count(seconds / steps)

    def serve(self, demand: float, now: datetime) -> float:
        """Share out among the circuits what people use, in W, and return what all of them draw with the cars."""
        self.now = now
        shares = {
            key: circuit.share * (0.15 + weather.noise(self._seed, place, self._hours * 4))
            for place, (key, circuit) in enumerate(self.circuits.items())
        }
        whole = sum(shares.values())
        for key, circuit in self.circuits.items():
            power = demand * shares[key] / whole if self._carries(key) else 0.0
            each = power / len(circuit.phases)
            circuit.powers = tuple(each if phase in circuit.phases else 0.0 for phase in range(PHASES))
        self._serve_cars()
        return self.power

    def darken(self) -> None:
        """Take the voltage away."""
        self.live = False
        for circuit in self.circuits.values():
            circuit.powers = NOTHING
        for side in self.sides:
            side.current = 0.0

    def count(self, seconds: float) -> None:
        """Measure what flows now, and let so much time pass with it."""
        self._measure()
        for meter in self.meters.values():
            meter.count(seconds)
        for side in self.sides:
            side.charge(seconds)
        for output in self.outputs:
            output.step(seconds)
        hours, noise = seconds / 3600, weather.noise
        # Water and gas come in spells.
        water = max(0.0, noise(self._seed, 30, self._hours * 9) - 0.6) / 0.08 * _WATER_PER_HOUR
        gas = max(0.0, noise(self._seed, 31, self._hours * 2) - 0.4) / 0.18 * _GAS_PER_HOUR
        self.pulses["water"].amount += water * hours
        self.pulses["gas"].amount += gas * hours
        self.pulses["technical"].amount += sum(self.circuits["technical"].powers) * hours

    @property
    def power(self) -> float:
        """What all circuits draw."""
        return sum(sum(circuit.powers) for circuit in self.circuits.values())

    @property
    def voltages(self) -> Phases:
        """Between phase and neutral."""
        if not self.live:
            return NOTHING
        return tuple(VOLTS - 2 + 4 * weather.noise(self._seed, 50 + phase, self._hours * 20) for phase in range(PHASES))

    def _carries(self, key: str) -> bool:
        # The contactor of the water heater hangs on the first output of the module.
        supplied = key != "hot_water" or self.outputs[0].contact
        return self.live and supplied and self.circuits[key].breaker.closed

    def _serve_cars(self) -> None:
        local, charging = self.local, self.circuits["charging"]
        powers = list(NOTHING)
        for side in self.sides:
            side.plan(local.hour + local.minute / 60, live=self._carries("charging"))
            powers[side.phase] += side.power
        charging.powers = tuple(powers)

    def _measure(self) -> None:
        voltages = self.voltages
        for meter in self.meters.values():
            circuits = [self.circuits[key] for key in meter.circuits]
            powers = tuple(sum(column) for column in zip(*(circuit.powers for circuit in circuits), strict=True))
            reactive = tuple(sum(column) for column in zip(*(circuit.reactive for circuit in circuits), strict=True))
            meter.measure(powers, reactive, voltages)

    def snapshot(self) -> Snapshot:
        """What JSON can keep of it."""
        return {
            "breakers": {key: [it.breaker.state, it.breaker.cause] for key, it in self.circuits.items()},
            "meters": {key: {name: getattr(it, name) for name in _KEPT_OF_METER} for key, it in self.meters.items()},
            "sides": [{name: getattr(it, name) for name in _KEPT_OF_SIDE} for it in self.sides],
            "outputs": [{name: getattr(it, name) for name in _KEPT_OF_OUTPUT} for it in self.outputs],
            "pulses": {key: it.amount for key, it in self.pulses.items()},
            "inputs": list(self.inputs),
        }

    def restore(self, stored: Snapshot) -> None:
        """Take up what `snapshot` kept."""
        for key, (state, cause) in stored["breakers"].items():
            breaker = self.circuits[key].breaker
            breaker.state, breaker.cause = BreakerState(state), TripCause(cause)
        for key, amount in stored["pulses"].items():
            self.pulses[key].amount = amount
        self.inputs = list(stored["inputs"])
        parts: tuple[tuple[object, dict[str, Any]], ...] = (
            *((self.meters[key], kept) for key, kept in stored["meters"].items()),
            *zip(self.sides, stored["sides"], strict=True),
            *zip(self.outputs, stored["outputs"], strict=True),
        )
        for part, kept in parts:
            for name, value in kept.items():
                setattr(part, name, value)


_KEPT_OF_METER: Final = (*_ENERGIES, "hours")

"""The equipment behind a NET VISION card: a UPS, alone or in parallel, and a static transfer system.

A model knows nothing of addresses. It says what it is and measures in plain names and SI units (W, VA, V, A, Hz, s, %,
°C, Ah); `netvision_tables` says where a card shows each of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from itertools import pairwise
from math import sqrt
from typing import Final

_HOUR: Final = 3600.0
_PHASE_TO_PHASE: Final = sqrt(3)

type Measures = dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Readings:
    """What the equipment says at one moment; a measure that is None or missing is not managed."""

    flags: frozenset[str]
    measures: Mapping[str, float | None]
    states: Mapping[str, int]


class Output(IntEnum):
    """What feeds the output, in the numbers of upsOutputSource."""

    MAINTENANCE_BYPASS = 2
    INVERTER = 3
    ECO = 5
    BYPASS = 6
    STANDBY = 7
    OFF = 8


class Command(IntEnum):
    """A command, in the numbers of upsControlStatusControl."""

    STANDBY_ON = 1
    STANDBY_OFF = 2
    ECO_MODE = 3
    NORMAL_MODE = 4
    ALARM_RESET = 5
    ON_BYPASS = 6
    ON_INVERTER = 7


# The number that a battery state has in upsBatteryStatus, the most important first.
_BATTERY_STATUS: Final = (
    ("battery_disconnected", 9),
    ("battery_discharged", 7),
    ("low_battery", 6),
    ("battery_test", 4),
    ("on_battery", 5),
    ("battery_alarm", 8),
    ("charging", 3),
)
_BATTERY_NORMAL: Final = 2
_BATTERY_UNKNOWN: Final = 1


@dataclass(frozen=True, slots=True)
class UpsConfig:
    """What a UPS is built of: rated power in W and VA of the whole system, the battery in V, Ah and Wh."""

    phases: int = 1
    rated_power: float = 2700.0
    rated_apparent_power: float = 3000.0
    rated_voltage: float = 230.0
    rated_frequency: float = 50.0
    units: int = 1
    battery: bool = True
    battery_energy: float = 500.0
    battery_capacity: float = 9.0
    battery_voltage: float = 72.0
    charger_power: float = 150.0
    efficiency: float = 0.94
    eco_mode: bool = True
    bypass_transfer: bool = False
    estimates_on_mains: bool = False


@dataclass(slots=True)
class Unit:
    """One unit of a parallel system, or one module of a modular one."""

    present: bool = True
    in_service: bool = True
    alarm: bool = False
    imminent_stop: bool = False


@dataclass(slots=True)
class Ups:
    """A double conversion UPS.

    `mains` and `bypass_supply`: its two inputs; `lose_mains` takes both away.
    `loads`: W per phase of the output. `state_of_charge`: %, of `config.battery_energy`.
    `eco`, `standby`, `on_bypass`: what was commanded; `output` is what came of it.
    `low_battery_charge`, `imminent_stop_charge`: % of charge under which a discharging battery says so.
    `battery_test_says_on_battery`: whether it says during a test that the load lives on the battery.
    `stopping`: an imminent stop for another reason. `faults`: flags that are set whatever else happens.
    """

    config: UpsConfig = field(default_factory=UpsConfig)
    loads: list[float] = field(default_factory=list)
    power_factor: float = 0.9
    mains: bool = True
    bypass_supply: bool = True
    generator: bool = False
    state_of_charge: float = 100.0
    time_on_battery: float = 0.0
    low_battery_charge: float = 25.0
    imminent_stop_charge: float = 8.0
    eco: bool = False
    standby: bool = False
    on_bypass: bool = False
    maintenance_bypass: bool = False
    service: bool = False
    stopping: bool = False
    battery_connected: bool = True
    battery_test_remaining: float = 0.0
    battery_test_fails: bool = False
    battery_test_says_on_battery: bool = False
    battery_test_failed: bool = False
    remote_control: bool = True
    temperature: float = 24.0
    battery_temperature: float = 25.0
    temperature_limit: float = 40.0
    acknowledgements: int = 0
    units: list[Unit] = field(default_factory=list)
    faults: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        if not self.loads:
            self.loads = [0.4 * self.config.rated_power / self.config.phases] * self.config.phases
        if not self.units:
            self.units = [Unit() for _ in range(self.config.units)]

    def lose_mains(self) -> None:
        """Take both inputs away, as a power cut does."""
        self.mains = self.bypass_supply = False

    def restore_mains(self) -> None:
        """Bring both inputs back."""
        self.mains = self.bypass_supply = True

    def start_battery_test(self, seconds: float = 10.0) -> None:
        """Load the battery for a while; nothing happens without mains or without battery."""
        if self.mains and self._battery:
            self.battery_test_failed = False
            self.battery_test_remaining = seconds

    def execute(self, command: Command) -> bool:
        """Obey, if this UPS may; the remote control gate is its own business."""
        if not self.remote_control:
            return False
        match command:
            case Command.STANDBY_ON | Command.STANDBY_OFF:
                self.standby = command is Command.STANDBY_ON
            case Command.ECO_MODE | Command.NORMAL_MODE:
                if not self.config.eco_mode:
                    return False
                self.eco = command is Command.ECO_MODE
            case Command.ON_BYPASS | Command.ON_INVERTER:
                if not self.config.bypass_transfer:
                    return False
                self.on_bypass = command is Command.ON_BYPASS
            case Command.ALARM_RESET:
                self.battery_test_failed = False
                self.acknowledgements += 1
        return True

    def advance(self, seconds: float) -> None:
        """Let time pass for the battery."""
        if not self._battery:
            return
        if self.on_battery or self.battery_test:
            self._charge(-self.load / self.config.efficiency * seconds)
        elif self.charging:
            self._charge(self.config.charger_power * seconds)
        self.time_on_battery = self.time_on_battery + seconds if self.on_battery else 0.0
        if self.battery_test:
            self.battery_test_remaining = max(0.0, self.battery_test_remaining - seconds)
            self.battery_test_failed = not self.battery_test and self.battery_test_fails

    def _charge(self, joules: float) -> None:
        capacity = self.config.battery_energy * _HOUR
        self.state_of_charge = min(100.0, max(0.0, self.state_of_charge + 100 * joules / capacity))

    @property
    def _battery(self) -> bool:
        return self.config.battery and self.battery_connected

    @property
    def _fed(self) -> bool:
        """Whether the inverter has anything to work with."""
        return self.mains or (self._battery and self.state_of_charge > 0)

    @property
    def output(self) -> Output:
        """What feeds the output now."""
        if self.maintenance_bypass:
            return Output.MAINTENANCE_BYPASS if self.bypass_supply else Output.OFF
        if self.standby:
            return Output.STANDBY
        if self.bypass_supply and (self.on_bypass or not self._fed):
            return Output.BYPASS
        if self.eco and self.bypass_supply and self.mains:
            return Output.ECO
        return Output.INVERTER if self._fed and any(it.in_service for it in self.units) else Output.OFF

    @property
    def supplied(self) -> bool:
        """Whether the output has voltage."""
        return self.output not in (Output.STANDBY, Output.OFF)

    @property
    def on_battery(self) -> bool:
        """Whether the battery carries the load because the mains do not."""
        return self.output is Output.INVERTER and not self.mains

    @property
    def battery_test(self) -> bool:
        """Whether a battery test is in progress."""
        return self.battery_test_remaining > 0 and self.mains

    @property
    def charging(self) -> bool:
        """Whether the battery is being charged."""
        return self.mains and self._battery and self.state_of_charge < 100 and not self.battery_test

    @property
    def load(self) -> float:
        """W that the output gives."""
        return sum(self.loads) if self.supplied else 0.0

    @property
    def time_to_go(self) -> float | None:
        """Seconds until the battery is empty at this load, None where the UPS does not tell."""
        if not self._battery or not (self.on_battery or self.config.estimates_on_mains) or not self.load:
            return None
        left = self.state_of_charge / 100 * self.config.battery_energy * _HOUR
        return left * self.config.efficiency / self.load

    def readings(self) -> Readings:
        """What the UPS says of itself."""
        flags = self._flags()
        status = next((number for flag, number in _BATTERY_STATUS if flag in flags), _BATTERY_NORMAL)
        return Readings(
            frozenset(flags),
            self._measures(),
            {
                "output_source": self.output,
                "battery_status": status if self.config.battery else _BATTERY_UNKNOWN,
                "remote_control": int(self.remote_control),
            },
        )

    def _flags(self) -> set[str]:
        output = self.output
        on_inverter = output is Output.INVERTER
        bypass_on = output in (Output.ECO, Output.BYPASS, Output.MAINTENANCE_BYPASS)
        discharging = self.on_battery
        discharged = self._battery and not self.mains and self.state_of_charge <= 0
        flags = {
            "mains_present": self.mains,
            "mains_bad": not self.mains,
            "bypass_present": self.bypass_supply,
            "bypass_bad": not self.bypass_supply,
            "generator": self.generator,
            "rectifier_on": self.mains and not self.standby,
            "inverter_on": on_inverter or output is Output.ECO,
            "on_inverter": on_inverter,
            "bypass_on": bypass_on,
            "on_bypass": output in (Output.ECO, Output.BYPASS),
            "maintenance_bypass": self.maintenance_bypass,
            "eco": output is Output.ECO,
            "eco_available": self.config.eco_mode,
            "standby": output is Output.STANDBY,
            "load_off": not self.supplied,
            "operating": self.supplied,
            "available": self._fed,
            "service": self.service,
            "synchronised": on_inverter and self.bypass_supply,
            "on_battery": discharging or (self.battery_test and self.battery_test_says_on_battery),
            "charging": self.charging,
            "battery_ok": self._battery and not (discharging or discharged),
            "battery_charged": self._battery and self.state_of_charge >= 100,
            "battery_disconnected": self.config.battery and not self.battery_connected,
            "battery_discharged": discharged,
            "low_battery": discharging and self.state_of_charge < self.low_battery_charge,
            "battery_test": self.battery_test,
            "battery_test_supported": self.config.battery,
            "battery_test_failed": self.battery_test_failed,
            "imminent_stop": self.stopping or (discharging and self.state_of_charge < self.imminent_stop_charge),
            "overload": self.load > self.config.rated_power,
            "temperature_alarm": self.temperature > self.temperature_limit,
            "transfer_impossible": not self.bypass_supply,
            "remote_control_disabled": not self.remote_control,
            "parallel": self.config.units > 1,
            "redundancy_lost": self._redundancy_lost,
        }
        for number, unit in enumerate(self.units if self.config.units > 1 else (), 1):
            flags |= {
                f"unit_{number}_present": unit.present,
                f"unit_{number}_in_service": unit.present and unit.in_service and self.supplied,
                f"unit_{number}_available": unit.present and not unit.imminent_stop,
                f"unit_{number}_alarm": unit.present and unit.alarm,
                f"unit_{number}_imminent_stop": unit.present and unit.imminent_stop,
            }
        return {flag for flag, raised in flags.items() if raised} | self.faults

    @property
    def _redundancy_lost(self) -> bool:
        """Whether the load could not do without one more of the units that carry it."""
        if self.config.units == 1:
            return False
        working = sum(it.present and it.in_service for it in self.units)
        return self.load > self.config.rated_power * (working - 1) / self.config.units

    def _measures(self) -> Measures:
        config = self.config
        three = config.phases == 3
        mains, bypass = (config.rated_voltage * it for it in (self.mains, self.bypass_supply))
        output = config.rated_voltage if self.supplied else 0.0
        loads = [load if self.supplied else 0.0 for load in self.loads]
        apparent = [load / self.power_factor for load in loads]
        through_bypass = self.output in (Output.ECO, Output.BYPASS, Output.MAINTENANCE_BYPASS)
        drawn = self.load / config.efficiency if self.mains and not through_bypass else 0.0
        drawn += config.charger_power if self.charging else 0.0
        measures: Measures = {
            "load": 100 * sum(loads) / config.rated_power,
            "output_power": sum(loads),
            "apparent_power": sum(apparent),
            "output_frequency": config.rated_frequency if self.supplied else 0.0,
            "input_frequency": config.rated_frequency if self.mains else 0.0,
            "bypass_frequency": config.rated_frequency if self.bypass_supply else 0.0,
            "crest_factor": 1.4,
            "ambient_temperature": self.temperature,
            "rated_apparent_power": config.rated_apparent_power,
            "rated_power": config.rated_power,
            "rated_input_voltage": config.rated_voltage,
            "rated_output_voltage": config.rated_voltage,
            "rated_input_frequency": config.rated_frequency,
            "rated_output_frequency": config.rated_frequency,
        }
        for number, (load, volt_amperes) in enumerate(zip(loads, apparent, strict=True), 1):
            current = volt_amperes / config.rated_voltage
            measures |= {
                f"load_l{number}": 100 * load * config.phases / config.rated_power,
                f"output_voltage_l{number}": output,
                f"output_current_l{number}": current,
                f"output_power_l{number}": load,
                f"apparent_power_l{number}": volt_amperes,
                f"power_factor_l{number}": self.power_factor,
                f"crest_factor_l{number}": 1.4,
                f"input_voltage_l{number}": mains,
                f"input_power_l{number}": drawn / config.phases,
                f"input_current_l{number}": drawn / config.phases / config.rated_voltage,
                f"bypass_voltage_l{number}": bypass,
                f"bypass_current_l{number}": current if through_bypass else 0.0,
                f"bypass_power_l{number}": load if through_bypass else 0.0,
            }
        if three:
            measures |= {
                f"{what}_voltage_{pair}": voltage * _PHASE_TO_PHASE
                for what, voltage in (("output", output), ("input", mains), ("bypass", bypass))
                for pair in ("l12", "l23", "l31")
            }
            # Unequal loads leave something for the neutral.
            measures["output_current_n"] = sum(abs(a - b) for a, b in pairwise(apparent)) / 2 / config.rated_voltage
        return measures | self._battery_measures()

    def _battery_measures(self) -> Measures:
        config = self.config
        if not self._battery:
            return {}
        voltage = config.battery_voltage * (0.9 + 0.2 * self.state_of_charge / 100)
        power = 0.0
        if self.on_battery or self.battery_test:
            power = -self.load / config.efficiency
        elif self.charging:
            power = config.charger_power
        return {
            "state_of_charge": self.state_of_charge,
            "battery_capacity": config.battery_capacity,
            "battery_voltage": voltage,
            "battery_current": power / voltage,
            "battery_temperature": self.battery_temperature,
            "battery_mean_temperature": self.battery_temperature,
            "time_to_go": self.time_to_go,
            "time_on_battery": self.time_on_battery if self.on_battery else None,
            "rated_battery_capacity": config.battery_capacity,
        }


class Condition(Enum):
    """How a source of a transfer system is; the value is its number in stsSource1Status."""

    OK = 2
    CRITICAL = 3
    OUT_OF_TOLERANCE = 4
    ABSENT = 5


class Synchronisation(Enum):
    """How two sources stand to each other; the value is its number in stsSourcesInteraction."""

    SYNCHRONISED = 2
    SLIDING = 3
    NOT_SYNCHRONISED = 4


# The voltage of a source in each condition, as a share of the rated one.
_VOLTAGES: Final = {
    Condition.OK: 1.0,
    Condition.CRITICAL: 0.6,
    Condition.OUT_OF_TOLERANCE: 0.86,
    Condition.ABSENT: 0.0,
}


@dataclass(slots=True)
class Sts:
    """A three-phase static transfer system of two sources, numbered 1 and 2.

    `active`: the source that feeds the load, None if none does. It leaves a source that is not ok at once, and comes
    back to the preferred one `return_delay` seconds after that is ok again. `manual_bypass`: the source that the
    maintenance bypass takes, None if it is open.
    """

    rated_voltage: float = 230.0
    rated_frequency: float = 50.0
    rated_current: float = 100.0
    power_factor: float = 0.9
    loads: list[float] = field(default_factory=lambda: [8000.0, 7600.0, 8300.0])
    sources: dict[int, Condition] = field(default_factory=lambda: {1: Condition.OK, 2: Condition.OK})
    synchronisation: Synchronisation = Synchronisation.SYNCHRONISED
    preferred: int = 1
    active: int | None = 1
    return_delay: float = 5.0
    transfer_locked: bool = False
    manual_bypass: int | None = None
    remote_control: bool = True
    stopping: bool = False
    temperature: float = 27.0
    temperature_limit: float = 45.0
    phase_shift: float = 2.0
    faults: set[str] = field(default_factory=set)
    _preferred_ok_for: float = 0.0

    def advance(self, seconds: float) -> None:
        """Transfer where the sources ask for it."""
        preferred, alternate = self.preferred, 3 - self.preferred
        well = self.sources[preferred] is Condition.OK
        self._preferred_ok_for = self._preferred_ok_for + seconds if well else 0.0
        if self.active is not None and self.sources[self.active] is Condition.OK:
            if self.active == alternate and well and self._preferred_ok_for >= self.return_delay:
                self._transfer(preferred)
            return
        usable = next((it for it in (preferred, alternate) if self.sources[it] is Condition.OK), None)
        if usable is not None:
            self._transfer(usable)
        elif self.active is not None and self.sources[self.active] is Condition.ABSENT:
            self.active = None

    def _transfer(self, source: int) -> None:
        if not self.transfer_locked or self.active is None:
            self.active = source

    @property
    def feeding(self) -> int | None:
        """The source that feeds the load, through the static switch or the manual bypass; None if nothing does."""
        source = self.manual_bypass or self.active
        return None if source is None or self.sources[source] is Condition.ABSENT else source

    @property
    def _load_rate(self) -> float:
        return 100 * max(self.loads) / self.power_factor / self.rated_voltage / self.rated_current

    def readings(self) -> Readings:
        """What the transfer system says of itself."""
        feeding, preferred = self.feeding, self.preferred
        on_switch = feeding if self.manual_bypass is None else None
        status = 2 if feeding == preferred else 3 if feeding else 4
        return Readings(
            frozenset(self._flags(feeding, on_switch)),
            self._measures(feeding),
            {
                "source_1_status": self.sources[1].value,
                "source_2_status": self.sources[2].value,
                "source_1_preferred": 2 if preferred == 1 else 1,
                "source_2_preferred": 2 if preferred == 2 else 1,
                "synchronisation": self.synchronisation.value,
                "load_status": status if self.manual_bypass is None else 4 + self.manual_bypass,
                "switch_status": 1 + on_switch if on_switch else 4,
            },
        )

    def _flags(self, feeding: int | None, on_switch: int | None) -> set[str]:
        flags = {
            "preferred_1": self.preferred == 1,
            "synchronised": self.synchronisation is Synchronisation.SYNCHRONISED,
            "sliding": self.synchronisation is Synchronisation.SLIDING,
            "not_synchronised": self.synchronisation is Synchronisation.NOT_SYNCHRONISED,
            "on_preferred": on_switch == self.preferred,
            "on_alternate": on_switch == 3 - self.preferred,
            "load_off": feeding is None,
            "manual_bypass": self.manual_bypass is not None,
            "transfer_locked": self.transfer_locked,
            "transfer_impossible": self.sources[3 - (self.active or self.preferred)] is not Condition.OK,
            "output_ok": feeding is not None and self.sources[feeding] is Condition.OK,
            "output_bad": feeding is not None and self.sources[feeding] is not Condition.OK,
            "output_absent": feeding is None,
            "remote_control": self.remote_control,
            "imminent_stop": self.stopping,
            "overload": feeding is not None and self._load_rate > 100,
            "temperature_alarm": self.temperature > self.temperature_limit,
        }
        for number, condition in self.sources.items():
            flags |= {f"source_{number}_{it.name.lower()}": it is condition for it in Condition}
            flags |= {
                f"path_{number}_ok": True,
                f"on_source_{number}": on_switch == number,
                f"switch_{number}_closed": on_switch == number,
                f"manual_bypass_{number}": self.manual_bypass == number,
            }
        return {flag for flag, raised in flags.items() if raised} | self.faults

    def _measures(self, feeding: int | None) -> Measures:
        voltages = {number: self.rated_voltage * _VOLTAGES[it] for number, it in self.sources.items()}
        frequencies = {number: self.rated_frequency if voltage else 0.0 for number, voltage in voltages.items()}
        output = voltages[feeding] if feeding else 0.0
        loads = [load if feeding else 0.0 for load in self.loads]
        apparent = [load / self.power_factor for load in loads]
        currents = [it / self.rated_voltage for it in apparent]
        measures: Measures = {
            "output_frequency": frequencies[feeding] if feeding else 0.0,
            "output_current_n": max(currents) - min(currents),
            "output_power": sum(loads),
            "load": 100 * max(currents) / self.rated_current,
            "load_n": 100 * (max(currents) - min(currents)) / self.rated_current,
            "phase_shift": self.phase_shift,
            "ambient_temperature": self.temperature,
            "crest_factor_n": 1.4,
        }
        for number, voltage in voltages.items():
            measures |= _voltages(f"source_{number}_voltage", voltage) | {
                f"source_{number}_frequency": frequencies[number],
                f"static_switch_{number}_temperature": self.temperature + (9 if number == feeding else 2),
            }
        for number in (1, 2, 3):
            measures |= {
                f"output_current_l{number}": currents[number - 1],
                f"output_power_l{number}": loads[number - 1],
                f"apparent_power_l{number}": apparent[number - 1],
                f"power_factor_l{number}": self.power_factor,
                f"crest_factor_l{number}": 1.4,
                f"load_l{number}": 100 * currents[number - 1] / self.rated_current,
            }
        return measures | _voltages("output_voltage", output)


def _voltages(name: str, voltage: float) -> Measures:
    """The six voltages of three equal phases."""
    star: Measures = {f"{name}_l{number}": voltage for number in (1, 2, 3)}
    return star | {f"{name}_{pair}": voltage * _PHASE_TO_PHASE for pair in ("l12", "l23", "l31")}

"""A physical model of one house: sun, load, battery, inverter/charger with ESS, grid, generator and a car.

Pure, with its own clock. Powers are in W, energies in kWh. Battery power is positive when it charges, grid power
positive when it is drawn. The house hangs on the output of the inverter/charger together with the PV inverter; the
charging station hangs on the grid side, so it has no power in a power cut. The generator takes the place of the grid at
the inverter/charger as long as it runs.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum
from itertools import pairwise
from typing import ClassVar, Final, Self, override

from . import weather
from .model import Day, Model, Totals, next_day

VOLTS: Final = 230.0
HERTZ: Final = 50.0


class Source(StrEnum):
    """What feeds the input of the inverter/charger."""

    NONE = "none"
    GRID = "grid"
    GENERATOR = "generator"


class Mode(IntEnum):
    """Mode of the inverter/charger."""

    CHARGER_ONLY = 1
    INVERTER_ONLY = 2
    ON = 3
    OFF = 4


class Ess(StrEnum):
    """What the energy storage system is after."""

    WITH_BATTERYLIFE = "optimized_with_batterylife"
    WITHOUT_BATTERYLIFE = "optimized_without_batterylife"
    KEEP_CHARGED = "keep_batteries_charged"
    EXTERNAL = "external_control"


class ChargingMode(IntEnum):
    """Mode of the charging station."""

    MANUAL = 0
    AUTO = 1
    SCHEDULED = 2


class CarStatus(IntEnum):
    """State of the charging station."""

    DISCONNECTED = 0
    CONNECTED = 1
    CHARGING = 2
    CHARGED = 3
    WAITING_FOR_SUN = 4
    WAITING_FOR_START = 6


class GeneratorState(IntEnum):
    """State of the generator."""

    STOPPED = 0
    RUNNING = 1
    WARM_UP = 2
    COOL_DOWN = 3


class GeneratorReason(IntEnum):
    """Why the generator runs."""

    NONE = 0
    MANUAL = 1
    STATE_OF_CHARGE = 4


@dataclass(frozen=True, slots=True)
class SiteConfig:
    """What the house is built of."""

    phases: int = 1
    seed: int = 7
    latitude: float = 43.6
    longitude: float = 1.44
    timezone: str = "Europe/Paris"
    tracker_peaks: tuple[float, ...] = (3300.0, 2200.0)
    tracker_facings: tuple[float, ...] = (150.0, 235.0)
    pv_inverter_peak: float = 3600.0
    pv_inverter_facing: float = 185.0
    battery_energy: float = 14.0
    battery_voltage: float = 51.2
    charge_current: float = 140.0
    discharge_current: float = 200.0
    inverter_power: float = 4000.0
    charger_power: float = 3800.0
    generator_power: float = 5500.0
    car_energy: float = 52.0
    station_current: float = 16.0


@dataclass(slots=True)
class Controls:
    """What a user or the GX may set. A limit of None is no limit."""

    mode: Mode = Mode.ON
    ess: Ess = Ess.WITHOUT_BATTERYLIFE
    minimum_soc: float = 20.0
    grid_setpoint: float = 50.0
    external_setpoint: float = 0.0
    max_charge_current: float | None = None
    max_discharge_power: float | None = None
    max_feed_in: float | None = None
    feed_in_dc: bool = True
    feed_in_ac: bool = True
    input_current_limit: float = 32.0
    generator_manual: bool = False
    generator_auto: bool = True
    charging_mode: ChargingMode = ChargingMode.MANUAL
    charging_current: float = 10.0
    charging: bool = True


@dataclass(slots=True)
class Conditions:
    """What happens to the site. None leaves it to the calendar or to the weather."""

    grid_lost: bool = False
    car_home: bool | None = None
    clouds: float | None = None
    load: float | None = None


@dataclass(frozen=True, slots=True)
class Flows:
    """The powers of one step, in W; a tuple has one entry per phase (or per tracker)."""

    source: Source = Source.NONE
    output_live: bool = True
    overload: bool = False
    limited: bool = False
    trackers_limited: bool = False
    grid: tuple[float, ...] = (0.0,)
    generator: tuple[float, ...] = (0.0,)
    load: tuple[float, ...] = (0.0,)
    car: tuple[float, ...] = (0.0,)
    pv_inverter: tuple[float, ...] = (0.0,)
    input: tuple[float, ...] = (0.0,)
    inverter: tuple[float, ...] = (0.0,)
    trackers: tuple[float, ...] = (0.0, 0.0)
    inverter_dc: float = 0.0
    battery: float = 0.0
    losses: float = 0.0

    @property
    def tracker_power(self) -> float:
        """Power of the solar charger."""
        return sum(self.trackers)


@dataclass(slots=True)
class Counters(Totals):
    """Energies since the beginning, in kWh; a list has one entry per phase (or per tracker)."""

    grid_import: float = 0.0
    grid_export: float = 0.0
    grid_import_phases: list[float] = field(default_factory=lambda: [0.0] * 3)
    grid_export_phases: list[float] = field(default_factory=lambda: [0.0] * 3)
    generator: float = 0.0
    consumption: float = 0.0
    pv_inverter: float = 0.0
    solar_charger: float = 0.0
    battery_in: float = 0.0
    battery_out: float = 0.0
    battery_drawn_ah: float = 0.0
    car: float = 0.0
    losses: float = 0.0
    input_to_output: dict[Source, float] = field(default_factory=dict)
    input_to_inverter: dict[Source, float] = field(default_factory=dict)
    output_to_input: dict[Source, float] = field(default_factory=dict)
    inverter_to_input: dict[Source, float] = field(default_factory=dict)
    inverter_to_output: float = 0.0
    output_to_inverter: float = 0.0


# State of charge in % to the voltage of a resting LFP cell.
_CELL_VOLTAGE: Final = (
    (0, 2.80),
    (5, 3.10),
    (10, 3.20),
    (20, 3.25),
    (50, 3.29),
    (80, 3.33),
    (95, 3.36),
    (100, 3.45),
)
_CHARGE_EFFICIENCY: Final = 0.98

# Below the first the BMS opens, above the second it closes again.
_EMPTY: Final = 4.0
_NO_LONGER_EMPTY: Final = 7.0


@dataclass(slots=True)
class Battery:
    """LFP battery with its BMS: of 48 V, unless its cells are others."""

    energy: float
    nominal_voltage: float
    charge_current: float
    discharge_current: float
    soc: float = 60.0
    voltage: float = 52.0
    current: float = 0.0
    temperature: float = 19.0
    empty: bool = False
    lowest_voltage: float = 52.0
    highest_voltage: float = 52.0
    cells: int = 16
    resistance: float = 0.008

    @property
    def capacity(self) -> float:
        """Capacity in Ah."""
        return self.energy * 1000 / self.nominal_voltage

    @property
    def resting_voltage(self) -> float:
        """Voltage without current."""
        segments = pairwise(_CELL_VOLTAGE)
        (low, low_voltage), (high, high_voltage) = next(it for it in segments if self.soc <= it[1][0])
        part = (self.soc - low) / (high - low)
        return self.cells * (low_voltage + part * (high_voltage - low_voltage))

    @property
    def charge_limit(self) -> float:
        """Current that the BMS allows in, in A; it tapers off when the battery is nearly full."""
        return self.charge_current * min(1.0, max(0.0, (100 - self.soc) / 5))

    @property
    def discharge_limit(self) -> float:
        """Current that the BMS allows out, in A."""
        return 0.0 if self.empty else self.discharge_current

    @property
    def time_to_go(self) -> float | None:
        """Seconds until empty at this current; None while it charges."""
        if self.current > -0.5:
            return None
        return min(864000.0, self.soc / 100 * self.capacity / -self.current * 3600)

    def step(self, power: float, seconds: float) -> None:
        """Charge (positive) or discharge for so long."""
        resting = self.resting_voltage
        root = math.sqrt(max(resting**2 + 4 * self.resistance * power, resting**2 / 4))
        self.current = (root - resting) / (2 * self.resistance)
        self.voltage = resting + self.current * self.resistance
        stored = self.current * (_CHARGE_EFFICIENCY if self.current > 0 else 1.0)
        self.soc = min(100.0, max(0.0, self.soc + stored * seconds / 36 / self.capacity))
        self.empty = self.soc < (_NO_LONGER_EMPTY if self.empty else _EMPTY)
        settled = 18 + 0.0006 * self.current**2
        self.temperature += (settled - self.temperature) * min(1.0, seconds / 5400)
        self.lowest_voltage = min(self.lowest_voltage, self.voltage)
        self.highest_voltage = max(self.highest_voltage, self.voltage)


_WARM_UP: Final = 20.0
_COOL_DOWN: Final = 20.0
_START_SOC: Final = 15.0
_STOP_SOC: Final = 40.0
SERVICE_INTERVAL: Final = 200 * 3600


@dataclass(slots=True)
class Generator:
    """Generator on a relay, started by hand or when the battery is low."""

    state: GeneratorState = GeneratorState.STOPPED
    reason: GeneratorReason = GeneratorReason.NONE
    runtime: float = 0.0
    service_counter: float = SERVICE_INTERVAL
    _since: float = 0.0

    def step(self, seconds: float, *, manual: bool, auto: bool, soc: float) -> None:
        """Follow the wishes and the battery for so long."""
        low = soc <= (_STOP_SOC if self.reason is GeneratorReason.STATE_OF_CHARGE else _START_SOC)
        reason = GeneratorReason.NONE
        if manual:
            reason = GeneratorReason.MANUAL
        elif auto and low:
            reason = GeneratorReason.STATE_OF_CHARGE
        self._since += seconds
        match self.state:
            case GeneratorState.STOPPED | GeneratorState.COOL_DOWN if reason:
                if self.state is GeneratorState.STOPPED:
                    self.runtime = 0.0
                self._enter(GeneratorState.WARM_UP)
            case GeneratorState.WARM_UP if not reason:
                self._enter(GeneratorState.STOPPED)
            case GeneratorState.WARM_UP if self._since >= _WARM_UP:
                self._enter(GeneratorState.RUNNING)
            case GeneratorState.RUNNING if not reason:
                self._enter(GeneratorState.COOL_DOWN)
            case GeneratorState.COOL_DOWN if self._since >= _COOL_DOWN:
                self._enter(GeneratorState.STOPPED)
        self.reason = reason
        if self.state is not GeneratorState.STOPPED:
            self.runtime += seconds
            self.service_counter -= seconds

    def _enter(self, state: GeneratorState) -> None:
        self.state = state
        self._since = 0.0


_LOWEST_CHARGING_CURRENT: Final = 6.0
_TRIP_ENERGY: Final = 14.0
_AUTO_SOC: Final = 50.0


@dataclass(slots=True)
class Station:
    """Charging station and the car that comes and goes."""

    car_energy: float
    max_current: float
    phases: int
    car_soc: float = 55.0
    home: bool = True
    status: CarStatus = CarStatus.CONNECTED
    current: float = 0.0
    session_energy: float = 0.0
    session_time: float = 0.0
    charging_time: float = 0.0

    @property
    def power(self) -> float:
        """Power that the car draws."""
        return self.current * VOLTS * self.phases

    def plan(self, controls: Controls, *, home: bool, hour: float, surplus: float, soc: float) -> None:
        """Decide on the current of the next step."""
        if home and not self.home:
            self.car_soc = max(5.0, self.car_soc - _TRIP_ENERGY / self.car_energy * 100)
            self.session_energy = self.session_time = self.charging_time = 0.0
        self.home = home
        wanted = 0.0
        self.status = CarStatus.DISCONNECTED
        if home:
            self.status = CarStatus.WAITING_FOR_START
            if self.car_soc >= 99.9:
                self.status = CarStatus.CHARGED
            elif controls.charging:
                wanted = self._wanted(controls, hour=hour, surplus=surplus, soc=soc)
        self.current = min(wanted, self.max_current)
        if self.current:
            self.status = CarStatus.CHARGING

    def _wanted(self, controls: Controls, *, hour: float, surplus: float, soc: float) -> float:
        match controls.charging_mode:
            case ChargingMode.AUTO:
                current = math.floor(surplus / (VOLTS * self.phases))
                if current >= _LOWEST_CHARGING_CURRENT and soc >= _AUTO_SOC:
                    return float(current)
                self.status = CarStatus.WAITING_FOR_SUN
                return 0.0
            case ChargingMode.SCHEDULED:
                return self.max_current if hour >= 22 or hour < 6 else 0.0
            case _:
                return controls.charging_current if controls.charging_current >= _LOWEST_CHARGING_CURRENT else 0.0

    def step(self, seconds: float) -> None:
        """Charge the car for so long."""
        energy = self.power * seconds / 3.6e6
        self.car_soc = min(100.0, self.car_soc + energy * 0.92 / self.car_energy * 100)
        if self.home:
            self.session_energy += energy
            self.session_time += seconds
            self.charging_time += seconds if self.current else 0.0


_EFFICIENCY: Final = 0.94
_IDLE: Final = 20.0
_RECHARGE_CURRENT: Final = 15.0


# What the house has already counted when the demo meets it, in kWh: half a year.
_EARLIER: Final = {
    "grid_import": 1250.0,
    "grid_export": 836.0,
    "generator": 4.0,
    "consumption": 3880.0,
    "pv_inverter": 1974.0,
    "solar_charger": 2628.0,
    "battery_in": 1690.0,
    "battery_out": 1596.0,
    "car": 1042.0,
}


class Site(Model):
    """The house. `controls` and `conditions` may be changed at any time; `flows` says what came of them.

    `wiring`: what the load becomes of what people use, in W, where the house has a board with breakers and stations.
    """

    PARTS: ClassVar[tuple[str, ...]] = ("controls", "counters", "battery", "generator", "station")
    NUMBERS: ClassVar[tuple[str, ...]] = ("since_full", "batterylife_limit", "highest_soc")

    counters: Counters
    conditions: Conditions
    battery: Battery

    def __init__(self, config: SiteConfig | None = None, now: datetime | None = None) -> None:
        """`now` is when the clock starts, by default noon of a day in June."""
        self.config = config or SiteConfig()
        super().__init__(now or datetime(2026, 6, 15, 10, 0, tzinfo=UTC), self.config.timezone)
        self.controls = Controls()
        self.conditions = Conditions()
        self.counters = Counters()
        self.flows = Flows()
        self.wiring: Callable[[float], float] | None = None
        self.generator = Generator()
        self.battery = Battery(
            energy=self.config.battery_energy,
            nominal_voltage=self.config.battery_voltage,
            charge_current=self.config.charge_current,
            discharge_current=self.config.discharge_current,
        )
        self.station = Station(
            car_energy=self.config.car_energy, max_current=self.config.station_current, phases=self.config.phases
        )
        self.since_full = 0.0
        self.batterylife_limit = 10.0
        self.highest_soc = 0.0
        self.low_soc = False
        self.recharging = False
        self.days = [self._empty_day(), self._empty_day()]

    @classmethod
    @override
    def lived_in(cls, now: datetime) -> Self:
        site = cls(now=now)
        counters = site.counters
        for name, energy in _EARLIER.items():
            setattr(counters, name, energy)
        counters.grid_import_phases[0], counters.grid_export_phases[0] = counters.grid_import, counters.grid_export
        counters.battery_drawn_ah = counters.battery_out * 1000 / site.config.battery_voltage
        return site

    @override
    def step(self, seconds: float) -> None:
        today = self.local.date()
        self.now += timedelta(seconds=seconds)
        if self.local.date() != today:
            self._end_day()
        self.generator.step(
            seconds,
            manual=self.controls.generator_manual,
            auto=self.controls.generator_auto,
            soc=self.battery.soc,
        )
        self._judge_soc()
        self.flows = self._solve()
        self.battery.step(self.flows.battery, seconds)
        self.station.step(seconds)
        self.highest_soc = max(self.highest_soc, self.battery.soc)
        self.since_full = 0.0 if self.battery.soc > 99 else self.since_full + seconds
        self._count(seconds / 3.6e6)

    @override
    def sample(self) -> dict[str, float]:
        flows = self.flows
        return {
            "grid": sum(flows.grid),
            "generator": sum(flows.generator),
            "load": sum(flows.load),
            "car": sum(flows.car),
            "pv_inverter": sum(flows.pv_inverter),
            "solar_charger": flows.tracker_power,
            "battery": flows.battery,
            "state_of_charge": self.battery.soc,
        }

    @property
    def soc_limit(self) -> float:
        """The state of charge below which the battery is spared."""
        if self.controls.ess is Ess.WITH_BATTERYLIFE:
            return max(self.controls.minimum_soc, self.batterylife_limit)
        return self.controls.minimum_soc

    def _end_day(self) -> None:
        """Begin a new history; BatteryLife keeps more in the battery after a day that did not fill it."""
        self.days = next_day(self.days)
        change = -5 if self.highest_soc >= 85 else 5
        self.batterylife_limit = min(85.0, max(10.0, self.batterylife_limit + change))
        self.highest_soc = 0.0

    def _judge_soc(self) -> None:
        """Stop discharging at the minimum and recharge 5 % below it, each until 3 % above where it began."""
        soc, limit = self.battery.soc, self.soc_limit
        self.low_soc = soc <= (limit + 3 if self.low_soc else limit)
        self.recharging = soc <= (limit if self.recharging else limit - 5)

    def _empty_day(self) -> Day:
        trackers = len(self.config.tracker_peaks)
        return Day([0.0] * trackers, [0.0] * trackers)

    # What nature and people want

    def _sunlight(self) -> tuple[tuple[float, ...], float]:
        """Return what the trackers and the PV inverter could give."""
        config = self.config
        elevation, azimuth = weather.sun(self.now, config.latitude, config.longitude)
        clouds = self.conditions.clouds
        if clouds is None:
            clouds = weather.cloudiness(config.seed, self.now.timestamp() / 3600)
        trackers = tuple(
            peak * 0.9 / 1000 * weather.irradiance(elevation, azimuth, clouds, facing=facing, tilt=30)
            for peak, facing in zip(config.tracker_peaks, config.tracker_facings, strict=True)
        )
        light = weather.irradiance(elevation, azimuth, clouds, facing=config.pv_inverter_facing, tilt=25)
        return trackers, config.pv_inverter_peak * 0.88 / 1000 * light

    def _load(self) -> tuple[float, ...]:
        phases = self.config.phases
        total = self.conditions.load
        if total is None:
            total = weather.household(self.config.seed, self.local) * (1.0 if phases == 1 else 1.6)
        if self.wiring:
            total = self.wiring(total)
        if phases == 1:
            return (total,)
        hours = self.now.timestamp() / 3600
        weights = [0.4 + weather.noise(self.config.seed, 10 + phase, hours * 3) for phase in range(phases)]
        return tuple(total * weight / sum(weights) for weight in weights)

    def _car_is_home(self) -> bool:
        if self.conditions.car_home is not None:
            return self.conditions.car_home
        hour = self.local.hour + self.local.minute / 60
        return self.local.weekday() >= 5 or not 7.7 <= hour < 18.2

    # What the equipment makes of it

    def _solve(self) -> Flows:
        trackers, pv = self._sunlight()
        load = self._load()
        running = self.generator.state is GeneratorState.RUNNING
        grid_there = not self.conditions.grid_lost
        source = Source.GENERATOR if running else Source.GRID if grid_there else Source.NONE
        if self.controls.mode in (Mode.INVERTER_ONLY, Mode.OFF):
            source = Source.NONE
        self.station.plan(
            self.controls,
            home=self._car_is_home(),
            hour=self.local.hour + self.local.minute / 60,
            surplus=pv + sum(trackers) - sum(load),
            soc=self.battery.soc,
        )
        if not grid_there:
            self.station.current = 0.0
            self.station.status = CarStatus.CONNECTED if self.station.home else CarStatus.DISCONNECTED
        if source is Source.NONE:
            return self._island(trackers, pv, load)
        return self._connected(source, trackers, pv, load)

    def _connected(self, source: Source, trackers: tuple[float, ...], pv: float, load: tuple[float, ...]) -> Flows:
        """Powers with a live input: the load is served whatever happens."""
        controls, sun = self.controls, sum(trackers)
        on_grid = source is Source.GRID
        car = self.station.power if on_grid else 0.0
        output = sum(load) - pv
        all_charge = self._ac(sun - self._charge_power)
        strongest = self._ac(sun + self._discharge_power)
        wanted = self._ess(output + car, output, all_charge, sun) if on_grid else min(all_charge, output)
        # An inverter that only charges, or a generator, takes nothing back.
        highest = min(strongest, self.config.inverter_power * self.config.phases)
        if controls.mode is Mode.CHARGER_ONLY:
            highest = 0.0
        lowest = max(min(0.0, all_charge), -self.config.charger_power * self.config.phases)
        input_limit = controls.input_current_limit * VOLTS * self.config.phases
        if not on_grid:
            input_limit = min(input_limit, self.config.generator_power)
        wanted = max(wanted, output - input_limit)
        inverter = max(min(wanted, highest), min(lowest, highest))
        # What may not be fed in is not produced: first on the AC side, then on the DC side.
        allowed = 0.0
        if on_grid:
            allowed = math.inf if controls.max_feed_in is None else controls.max_feed_in
        excess = -(output + car - inverter) - allowed
        if not controls.feed_in_ac:
            excess = max(excess, min(pv, -(output + car - max(inverter, 0.0))))
        curtailed = min(pv, max(0.0, excess))
        return self._flows(source, trackers, pv - curtailed, load, inverter, limited=curtailed > 0)

    def _ess(self, demand: float, output: float, all_charge: float, sun: float) -> float:
        """Return the AC power that the ESS wants of the inverter, negative to charge."""
        controls = self.controls
        if controls.ess is Ess.EXTERNAL:
            return output - controls.external_setpoint
        wanted = demand - controls.grid_setpoint
        if controls.ess is Ess.KEEP_CHARGED:
            wanted = min(wanted, all_charge)
        else:
            if self.recharging:
                wanted = min(wanted, self._ac(-_RECHARGE_CURRENT * self.battery.voltage))
            elif self.low_soc:
                wanted = min(wanted, self._ac(sun))
            if controls.max_discharge_power is not None:
                wanted = min(wanted, controls.max_discharge_power)
        if controls.feed_in_dc and all_charge > 0:
            # The sun gives more than the battery takes: the rest goes to the grid, as far as that is allowed.
            room = math.inf if controls.max_feed_in is None else max(0.0, demand + controls.max_feed_in)
            wanted = max(wanted, min(all_charge, room))
        return wanted

    def _island(self, trackers: tuple[float, ...], pv: float, load: tuple[float, ...]) -> Flows:
        """Powers without input: the inverter makes the grid of the house, or the house is dark."""
        units = self.config.phases
        sun, output = sum(trackers), sum(load) - pv
        strongest = min(self.config.inverter_power * units, self._ac(sun + self._discharge_power))
        able = self.controls.mode in (Mode.ON, Mode.INVERTER_ONLY)
        able = able and not self.battery.empty
        overload = able and output > strongest
        if not able or overload:
            dark = (0.0,) * units
            return self._flows(Source.NONE, trackers, 0.0, dark, None, overload=overload)
        weakest = max(-self.config.charger_power * units, min(0.0, self._ac(sun - self._charge_power)))
        curtailed = max(0.0, weakest - output)
        return self._flows(Source.NONE, trackers, pv - curtailed, load, output + curtailed, limited=curtailed > 0)

    def _flows(
        self,
        source: Source,
        trackers: tuple[float, ...],
        pv: float,
        load: tuple[float, ...],
        inverter: float | None,
        *,
        overload: bool = False,
        limited: bool = False,
    ) -> Flows:
        """Complete the balance; an inverter of None is off."""
        phases = self.config.phases
        inverter_dc = 0.0 if inverter is None else self._dc(inverter)
        sun = sum(trackers)
        taken = min(sun, max(0.0, self._charge_power + inverter_dc))
        if sun > 0:
            trackers = tuple(power * taken / sun for power in trackers)
        battery = sum(trackers) - inverter_dc
        none = (0.0,) * phases
        each = (inverter or 0.0) / phases
        pv_phases = (pv / phases,) * phases
        car = (self.station.power / phases,) * phases
        feeding = none
        if source is not Source.NONE:
            feeding = tuple(power - pv / phases - each for power in load)
        grid = car
        if source is Source.GRID:
            grid = tuple(power + station for power, station in zip(feeding, car, strict=True))
        return Flows(
            source=source,
            output_live=inverter is not None,
            overload=overload,
            limited=limited,
            trackers_limited=taken < sun - 1,
            grid=grid,
            generator=feeding if source is Source.GENERATOR else none,
            load=load,
            car=car,
            pv_inverter=pv_phases,
            input=feeding,
            inverter=(each,) * phases,
            trackers=trackers,
            inverter_dc=inverter_dc,
            battery=battery,
            losses=inverter_dc - (inverter or 0.0),
        )

    @property
    def _charge_power(self) -> float:
        limit = self.battery.charge_limit
        if self.controls.max_charge_current is not None:
            limit = min(limit, self.controls.max_charge_current)
        return limit * self.battery.voltage

    @property
    def _discharge_power(self) -> float:
        return self.battery.discharge_limit * self.battery.voltage

    def _dc(self, ac: float) -> float:
        """Return what an AC power costs on the DC side; both positive when inverting."""
        return (ac / _EFFICIENCY if ac > 0 else ac * _EFFICIENCY) + _IDLE * self.config.phases

    def _ac(self, dc: float) -> float:
        """Return the AC power of a power on the DC side."""
        rest = dc - _IDLE * self.config.phases
        return rest * _EFFICIENCY if rest > 0 else rest / _EFFICIENCY

    # What it adds up to

    def _count(self, hours: float) -> None:
        """Add `hours` (in kWh per W) of the present powers to the counters."""
        flows, counters = self.flows, self.counters
        grid = sum(flows.grid)
        counters.grid_import += max(0.0, grid) * hours
        counters.grid_export += max(0.0, -grid) * hours
        for phase, power in enumerate(flows.grid):
            counters.grid_import_phases[phase] += max(0.0, power) * hours
            counters.grid_export_phases[phase] += max(0.0, -power) * hours
        # A balance that comes out even may be a rounding below zero.
        counters.generator += max(0.0, sum(flows.generator)) * hours
        counters.consumption += (sum(flows.load) + sum(flows.car)) * hours
        counters.pv_inverter += max(0.0, sum(flows.pv_inverter)) * hours
        counters.solar_charger += flows.tracker_power * hours
        counters.battery_in += max(0.0, flows.battery) * hours
        counters.battery_out += max(0.0, -flows.battery) * hours
        counters.battery_drawn_ah += max(0.0, -self.battery.current) * hours * 1000
        counters.car += sum(flows.car) * hours
        counters.losses += flows.losses * hours
        self._count_inverter(hours)
        self.days[0].count(flows.trackers, hours)

    def _count_inverter(self, hours: float) -> None:
        """Share what comes into the inverter/charger among the ways out of it."""
        flows, counters = self.flows, self.counters
        fed, made = sum(flows.input), sum(flows.inverter)
        used = fed + made
        came = max(0.0, fed) + max(0.0, made) + max(0.0, -used)
        if came < 1e-6:
            return

        def share(into: float, out: float) -> float:
            return max(0.0, into) * max(0.0, out) / came * hours

        for counter, energy in (
            (counters.input_to_output, share(fed, used)),
            (counters.input_to_inverter, share(fed, -made)),
            (counters.output_to_input, share(-used, -fed)),
            (counters.inverter_to_input, share(made, -fed)),
        ):
            counter[flows.source] = counter.get(flows.source, 0.0) + energy
        counters.inverter_to_output += share(made, used)
        counters.output_to_inverter += share(-used, -made)

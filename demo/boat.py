"""A physical model of one boat: engines, shore and sun, a lithium house battery with its BMS, tanks, a slow voyage.

Pure, with its own clock. Powers are in W, energies in kWh, volumes in m3 unless their name says litres. Battery power
is positive when it charges. Shore or generator feed the input of the inverter/charger; its output carries the AC loads,
and the battery the DC loads. Every other day the boat lies at its berth, from the afternoon to the next morning, and
the night between at anchor: there is no shore then.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import accumulate, pairwise
from typing import ClassVar, Final, Self, override

from . import weather
from .model import Day, Model, Totals, next_day
from .site import VOLTS, Battery, Generator, GeneratorState, Mode

# Degrees north and east, from the berth to the anchorage.
ROUTE: Final = (
    (47.5830, -3.0260),
    (47.5480, -3.0080),
    (47.5150, -3.0540),
    (47.4660, -3.0620),
    (47.4220, -2.9960),
    (47.3960, -2.9630),
)
_DEGREE: Final = 111_320.0
_CASTS_OFF: Final = 10.5
_ARRIVES: Final = 14.5
# Hours under engine at both ends of a voyage; the rest is sailed.
_MANOEUVRES: Final = 0.6


class Feed(StrEnum):
    """What feeds the input of the inverter/charger."""

    NONE = "none"
    SHORE = "shore"
    GENERATOR = "generator"


@dataclass(frozen=True, slots=True)
class BoatConfig:
    """What the boat is built of."""

    seed: int = 11
    timezone: str = "Europe/Paris"
    solar_peak: float = 820.0
    battery_energy: float = 10.24
    battery_voltage: float = 25.6
    charge_current: float = 200.0
    discharge_current: float = 250.0
    inverter_power: float = 4000.0
    charger_power: float = 3000.0
    alternator_power: float = 2400.0
    converter_power: float = 650.0
    generator_power: float = 6000.0
    fresh_water: float = 0.30
    fuel: float = 0.40
    waste_water: float = 0.12


@dataclass(slots=True)
class BoatControls:
    """What the crew or the GX may set."""

    mode: Mode = Mode.ON
    input_current_limit: float = 16.0
    max_charge_current: float | None = None
    alternator: bool = True
    converter: bool = True
    generator_manual: bool = False
    generator_auto: bool = True


@dataclass(slots=True)
class BoatConditions:
    """What happens to the boat. None leaves it to the calendar or to the weather.

    `cell`: the voltage of the lowest cell of the house battery, in V, whatever its state of charge.
    `flooding`: much more water comes in than the bilge pump can throw out.
    """

    shore: bool | None = None
    engine: bool | None = None
    clouds: float | None = None
    load: float | None = None
    cell: float | None = None
    flooding: bool = False


@dataclass(frozen=True, slots=True)
class BoatFlows:
    """The powers of one step, in W."""

    feed: Feed = Feed.NONE
    output_live: bool = True
    overload: bool = False
    solar_limited: bool = False
    input: float = 0.0
    load: float = 0.0
    inverter: float = 0.0
    inverter_dc: float = 0.0
    solar: float = 0.0
    alternator: float = 0.0
    converter: float = 0.0
    navigation: float = 0.0
    fridge: float = 0.0
    other_dc: float = 0.0
    battery: float = 0.0

    @property
    def shore(self) -> float:
        """What comes from the shore."""
        return self.input if self.feed is Feed.SHORE else 0.0

    @property
    def generator(self) -> float:
        """What comes from the generator."""
        return self.input if self.feed is Feed.GENERATOR else 0.0

    @property
    def dc_load(self) -> float:
        """What the DC loads take together."""
        return self.navigation + self.fridge + self.other_dc

    @property
    def losses(self) -> float:
        """What gets lost in the inverter/charger."""
        return self.inverter_dc - self.inverter


@dataclass(slots=True)
class BoatCounters(Totals):
    """Energies since the beginning in kWh, charges in Ah, and the water that was used in m3."""

    shore: float = 0.0
    generator: float = 0.0
    shore_to_load: float = 0.0
    shore_to_charger: float = 0.0
    generator_to_load: float = 0.0
    generator_to_charger: float = 0.0
    inverter_to_load: float = 0.0
    solar: float = 0.0
    alternator: float = 0.0
    converter: float = 0.0
    load: float = 0.0
    navigation: float = 0.0
    fridge: float = 0.0
    dc_load: float = 0.0
    battery_in: float = 0.0
    battery_out: float = 0.0
    losses: float = 0.0
    alternator_ah: float = 0.0
    converter_ah: float = 0.0
    battery_drawn_ah: float = 0.0
    water: float = 0.0
    pump_starts: int = 0
    bilge_alarms: int = 0
    genset_seconds: float = 0.0


_CELLS: Final = 8


@dataclass(slots=True)
class HouseBattery(Battery):
    """24 V LFP battery that tells its cells. `cell` is the voltage of the lowest one, None to follow the charge."""

    voltage: float = 26.4
    lowest_voltage: float = 26.4
    highest_voltage: float = 26.4
    cells: int = _CELLS
    resistance: float = 0.004
    cell: float | None = None

    @property
    def spread(self) -> float:
        """How far the lowest and the highest cell are from the mean, in V; most of it at both ends of the charge."""
        return 0.006 + 0.03 * max(0.0, 1 - self.soc / 10) + 0.02 * max(0.0, self.soc / 5 - 19)

    @property
    def lowest_cell(self) -> float:
        """Voltage of the lowest cell."""
        return self.voltage / self.cells - self.spread if self.cell is None else self.cell

    @property
    def highest_cell(self) -> float:
        """Voltage of the highest cell."""
        return self.voltage / self.cells + self.spread

    @override
    def step(self, power: float, seconds: float) -> None:
        # A dataclass with slots is another class than the one that super() would look for.
        Battery.step(self, power, seconds)
        if self.cell is not None:
            self.voltage = (self.cell + self.spread) * self.cells
            self.current = power / self.voltage


# The thresholds of the BMS VE.Bus V2, in V per cell: its default for the pre-alarm, and the limit of its blue light.
PRE_ALARM: Final = 3.10
LOW_CELL: Final = 2.80
HIGH_CELL: Final = 4.00
_RECOVERED: Final = 3.15
SHORTEST_WARNING: Final = 30.0
_SHUTDOWN_AFTER: Final = 30.0


@dataclass(slots=True)
class Bms:
    """BMS VE.Bus V2: it warns of a low cell for at least 30 s before it disconnects the loads.

    Without anything that charges, the BMS then goes to sleep and takes the rest of the system with it.
    """

    pre_alarm: bool = False
    charge_allowed: bool = True
    discharge_allowed: bool = True
    shutdown: bool = False
    _warned: float = 0.0
    _disconnected: float = 0.0

    def step(self, seconds: float, *, lowest: float, highest: float, charging: bool) -> None:
        """Look at the cells for so long."""
        self._warned = self._warned + seconds if self.pre_alarm else 0.0
        self._disconnected = 0.0 if self.discharge_allowed or charging else self._disconnected + seconds
        recovered = lowest > _RECOVERED
        self.pre_alarm = lowest <= PRE_ALARM or (self.pre_alarm and not recovered)
        if lowest < LOW_CELL and self._warned >= SHORTEST_WARNING:
            self.discharge_allowed = False
        elif recovered:
            self.discharge_allowed = True
        self.charge_allowed = highest < HIGH_CELL
        self.shutdown = self._disconnected >= _SHUTDOWN_AFTER


@dataclass(slots=True)
class StarterBattery:
    """12 V lead-acid battery that starts an engine."""

    resting: float
    voltage: float

    def step(self, seconds: float, *, charging: bool) -> None:
        """Follow its alternator for so long."""
        wanted, slow = (14.2, 90.0) if charging else (self.resting, 1200.0)
        self.voltage += (wanted - self.voltage) * min(1.0, seconds / slow)


@dataclass(slots=True)
class Tanks:
    """What is in the tanks, in m3."""

    fresh_water: float = 0.21
    fuel: float = 0.29
    waste_water: float = 0.03


@dataclass(slots=True)
class Climate:
    """Temperatures in degrees Celsius, and whether the compressor of the fridge runs."""

    outside: float = 18.0
    engine_room: float = 20.0
    fridge: float = 5.0
    compressor: bool = False


@dataclass(slots=True)
class Bilge:
    """Water in the bilge, in litres, and its pump."""

    water: float = 3.0
    pumping: bool = False
    alarm: bool = False


# Litres: where the pump starts and stops, and the float switch of the alarm; litres per second out and in.
_PUMP_STARTS: Final = 8.0
_PUMP_STOPS: Final = 2.0
_BILGE_ALARM: Final = 25.0
_PUMP_RATE: Final = 0.35
_SEEPAGE: Final = 0.0006
_FLOOD: Final = 0.9

_EFFICIENCY: Final = 0.94
_IDLE: Final = 15.0
_CONVERTER_EFFICIENCY: Final = 0.96
_ENGINE_LITRES: Final = 5.0
_GENERATOR_LITRES: Final = 2.2

_EARLIER: Final = {
    "shore": 412.0,
    "shore_to_load": 96.0,
    "shore_to_charger": 316.0,
    "generator": 21.0,
    "generator_to_load": 8.0,
    "generator_to_charger": 13.0,
    "inverter_to_load": 288.0,
    "solar": 446.0,
    "alternator": 295.0,
    "converter": 78.0,
    "load": 392.0,
    "navigation": 158.0,
    "fridge": 121.0,
    "dc_load": 610.0,
    "battery_in": 834.0,
    "battery_out": 796.0,
    "alternator_ah": 10_900.0,
    "converter_ah": 2_880.0,
    "battery_drawn_ah": 30_400.0,
    "water": 14.2,
    "genset_seconds": 31 * 3600.0,
}


class Boat(Model):
    """The boat. `controls` and `conditions` may be changed at any time; `flows` says what came of them."""

    # The BMS counts seconds.
    LONGEST_STEP: ClassVar[float] = 1.0
    PARTS: ClassVar[tuple[str, ...]] = (
        "controls",
        "counters",
        "battery",
        "bms",
        "generator",
        "port_battery",
        "starboard_battery",
        "tanks",
        "climate",
        "bilge",
    )
    NUMBERS: ClassVar[tuple[str, ...]] = ("since_full",)

    counters: BoatCounters
    conditions: BoatConditions
    battery: HouseBattery

    def __init__(self, config: BoatConfig | None = None, now: datetime | None = None) -> None:
        """`now` is when the clock starts, by default noon of a day in June."""
        self.config = config or BoatConfig()
        super().__init__(now or datetime(2026, 6, 15, 10, 0, tzinfo=UTC), self.config.timezone)
        self.controls = BoatControls()
        self.conditions = BoatConditions()
        self.counters = BoatCounters()
        self.flows = BoatFlows()
        self.generator = Generator()
        self.battery = HouseBattery(
            energy=self.config.battery_energy,
            nominal_voltage=self.config.battery_voltage,
            charge_current=self.config.charge_current,
            discharge_current=self.config.discharge_current,
        )
        self.bms = Bms()
        self.port_battery = StarterBattery(12.8, 12.8)
        self.starboard_battery = StarterBattery(12.6, 12.6)
        self.tanks = Tanks()
        self.climate = Climate()
        self.bilge = Bilge()
        self.since_full = 0.0
        self.days = [Day([0.0], [0.0]), Day([0.0], [0.0])]

    @classmethod
    @override
    def lived_in(cls, now: datetime) -> Self:
        boat = cls(now=now)
        for name, amount in _EARLIER.items():
            setattr(boat.counters, name, amount)
        boat.counters.pump_starts = 84
        return boat

    @override
    def step(self, seconds: float) -> None:
        today = self.local.date()
        self.now += timedelta(seconds=seconds)
        if self.local.date() != today:
            self.days = next_day(self.days)
        controls = self.controls
        self.generator.step(
            seconds, manual=controls.generator_manual, auto=controls.generator_auto, soc=self.battery.soc
        )
        self.battery.cell = self.conditions.cell
        self._cool(seconds)
        self.flows = flows = self._solve()
        self.battery.step(flows.battery, seconds)
        self.bms.step(
            seconds,
            lowest=self.battery.lowest_cell,
            highest=self.battery.highest_cell,
            charging=flows.battery > 0,
        )
        self.since_full = 0.0 if self.battery.soc > 99 else self.since_full + seconds
        for starter in (self.port_battery, self.starboard_battery):
            starter.step(seconds, charging=self.engine_running)
        self._drink(seconds)
        self._bail(seconds)
        self._count(seconds / 3.6e6)

    @override
    def sample(self) -> dict[str, float]:
        flows, tanks, config, climate = self.flows, self.tanks, self.config, self.climate
        return {
            "shore": flows.shore,
            "generator": flows.generator,
            "load": flows.load,
            "dc_load": flows.dc_load,
            "navigation": flows.navigation,
            "fridge_load": flows.fridge,
            "solar": flows.solar,
            "alternator": flows.alternator,
            "battery": flows.battery,
            "state_of_charge": self.battery.soc,
            "fresh_water": 100 * tanks.fresh_water / config.fresh_water,
            "fuel": 100 * tanks.fuel / config.fuel,
            "waste_water": 100 * tanks.waste_water / config.waste_water,
            "fridge": climate.fridge,
            "engine_room": climate.engine_room,
            "outside": climate.outside,
        }

    # Where the boat is

    @property
    def _hour(self) -> float:
        local = self.local
        return local.hour + local.minute / 60 + local.second / 3600

    @property
    def _outward(self) -> bool:
        return self.local.toordinal() % 2 == 0

    @property
    def _share(self) -> float:
        """How much of today's voyage is behind the boat, 0 to 1."""
        return min(1.0, max(0.0, (self._hour - _CASTS_OFF) / (_ARRIVES - _CASTS_OFF)))

    @property
    def under_way(self) -> bool:
        """Whether the boat sails."""
        return 0 < self._share < 1

    @property
    def at_berth(self) -> bool:
        """Whether the boat lies at its berth."""
        return self._share == (0 if self._outward else 1)

    @property
    def position(self) -> tuple[float, float]:
        """Degrees north and east; at anchor and at its berth the boat swings a little."""
        share = self._share if self._outward else 1 - self._share
        sailed = share * _LENGTH
        leg = next(number for number, end in enumerate(_ENDS) if sailed <= end + 1e-6)
        start = _ENDS[leg - 1] if leg else 0.0
        part = (sailed - start) / (_ENDS[leg] - start)
        (north, east), (next_north, next_east) = ROUTE[leg : leg + 2]
        minutes = self.now.timestamp() / 600
        swing = 0.0 if self.under_way else 0.00004 if self.at_berth else 0.0003
        return (
            north + part * (next_north - north) + swing * (weather.noise(self.config.seed, 20, minutes) - 0.5),
            east + part * (next_east - east) + swing * (weather.noise(self.config.seed, 21, minutes) - 0.5),
        )

    @property
    def speed(self) -> float:
        """Speed over ground in m/s."""
        return _LENGTH / (_ARRIVES - _CASTS_OFF) / 3600 if self.under_way else 0.0

    @property
    def course(self) -> float:
        """Course over ground in degrees; as last steered while the boat lies still."""
        share = self._share if self._outward else 1 - self._share
        leg = next(number for number, end in enumerate(_ENDS) if share * _LENGTH <= end + 1e-6)
        north, east = _offset(*ROUTE[leg : leg + 2])
        return (math.degrees(math.atan2(east, north)) + (0 if self._outward else 180)) % 360

    @property
    def engine_running(self) -> bool:
        """Whether both engines run: leaving and arriving."""
        if self.conditions.engine is not None:
            return self.conditions.engine
        sailed = self._share * (_ARRIVES - _CASTS_OFF)
        return self.under_way and not _MANOEUVRES < sailed < _ARRIVES - _CASTS_OFF - _MANOEUVRES

    @property
    def shore_connected(self) -> bool:
        """Whether the shore cable gives power."""
        return self.at_berth if self.conditions.shore is None else self.conditions.shore

    # Powers

    def _solve(self) -> BoatFlows:
        feed = self._feed()
        live = self.bms.discharge_allowed
        navigation = (130.0 if self.under_way else 22.0) if live else 0.0
        fridge = 68.0 if self.climate.compressor and live else 0.0
        other = self._lights() + (95.0 if self.bilge.pumping else 0.0) if live else 0.0
        dc_load = navigation + fridge + other
        room = self._charge_power + dc_load
        sun, alternator, converter = self._sources()
        load = self._load()
        overload = False
        if feed is Feed.NONE:
            able = live and self.controls.mode in (Mode.ON, Mode.INVERTER_ONLY)
            overload = able and load > self.config.inverter_power
            load, inverter = (load, load) if able and not overload else (0.0, None)
        else:
            load, inverter = self._fed(feed, load, room - sun - alternator - converter)
        inverter_dc = 0.0 if inverter is None else _dc(inverter)
        # What there is no room for is not produced: the sun goes first, the engine's alternator last.
        taken, taken_of = 0.0, []
        for offered in (alternator, converter, sun):
            taken_of.append(min(offered, max(0.0, room + inverter_dc - taken)))
            taken += taken_of[-1]
        made = inverter or 0.0
        return BoatFlows(
            feed=feed,
            output_live=inverter is not None,
            overload=overload,
            solar_limited=taken_of[2] < sun - 1,
            input=0.0 if feed is Feed.NONE else load - made,
            load=load,
            inverter=made,
            inverter_dc=inverter_dc,
            solar=taken_of[2],
            alternator=taken_of[0],
            converter=taken_of[1],
            navigation=navigation,
            fridge=fridge,
            other_dc=other,
            battery=taken - dc_load - inverter_dc,
        )

    def _feed(self) -> Feed:
        if self.controls.mode in (Mode.INVERTER_ONLY, Mode.OFF):
            return Feed.NONE
        if self.shore_connected:
            return Feed.SHORE
        return Feed.GENERATOR if self.generator.state is GeneratorState.RUNNING else Feed.NONE

    def _fed(self, feed: Feed, load: float, room: float) -> tuple[float, float]:
        """Return the load that is served and what the inverter makes, negative to charge with what the input spares."""
        limit = self.controls.input_current_limit * VOLTS
        if feed is Feed.GENERATOR:
            limit = min(limit, self.config.generator_power)
        if load > limit:
            able = self.controls.mode is Mode.ON and self.bms.discharge_allowed
            assisted = min(load - limit, self.config.inverter_power) if able else 0.0
            return limit + assisted, assisted
        return load, -min(max(0.0, -_ac(-max(0.0, room))), self.config.charger_power, limit - load)

    def _sources(self) -> tuple[float, float, float]:
        """Return what sun, alternator and DC-DC converter could give."""
        north, east = ROUTE[0]
        clouds = self.conditions.clouds
        if clouds is None:
            clouds = weather.cloudiness(self.config.seed, self.now.timestamp() / 3600)
        light = weather.irradiance(*weather.sun(self.now, north, east), clouds, facing=180, tilt=0)
        running, controls = self.engine_running, self.controls
        return (
            self.config.solar_peak * 0.85 / 1000 * light,
            self.config.alternator_power if running and controls.alternator else 0.0,
            # It waits until its starter battery has had its share.
            self.config.converter_power
            if running and controls.converter and self.starboard_battery.voltage > 13.6
            else 0.0,
        )

    def _load(self) -> float:
        if self.controls.mode is Mode.OFF:
            return 0.0
        if self.conditions.load is not None:
            return self.conditions.load
        people = weather.household(self.config.seed, self.local) * 0.35
        # At the berth the water is heated with the electricity of the harbour.
        return people + (750.0 if self.shore_connected and 17 <= self._hour < 18.5 else 0.0)

    def _lights(self) -> float:
        return 55.0 if self._hour >= 21 or self._hour < 0.5 else 8.0

    @property
    def _charge_power(self) -> float:
        limit = self.battery.charge_limit if self.bms.charge_allowed else 0.0
        if self.controls.max_charge_current is not None:
            limit = min(limit, self.controls.max_charge_current)
        return limit * self.battery.voltage

    # What else happens

    def _cool(self, seconds: float) -> None:
        """Let the temperatures follow the day, the engine and the compressor."""
        climate = self.climate
        weather_of_hour = weather.noise(self.config.seed, 22, self.now.timestamp() / 7200)
        climate.outside = 17 + 5 * math.cos((self._hour - 15) / 24 * math.tau) + 3 * weather_of_hour
        wanted, slow = (58.0, 1500.0) if self.engine_running else (climate.outside + 3, 7200.0)
        climate.engine_room += (wanted - climate.engine_room) * min(1.0, seconds / slow)
        cooling = climate.compressor and self.bms.discharge_allowed
        climate.fridge += (-0.0022 if cooling else 0.00004 * (climate.outside - climate.fridge)) * seconds
        climate.fridge = min(climate.outside, max(1.0, climate.fridge))
        climate.compressor = climate.fridge > (3.5 if climate.compressor else 5.5)

    def _drink(self, seconds: float) -> None:
        """Use water and fuel; at the berth what is nearly empty is filled, and what is nearly full is pumped out."""
        tanks, config = self.tanks, self.config
        people = weather.household(self.config.seed + 1, self.local) / 500
        used = min(tanks.fresh_water, people * 0.045 / 86_400 * seconds)
        tanks.fresh_water -= used
        self.counters.water += used
        tanks.waste_water = min(config.waste_water, tanks.waste_water + 0.7 * used)
        litres = 2 * _ENGINE_LITRES if self.engine_running else 0.0
        if self.generator.state is not GeneratorState.STOPPED:
            litres += _GENERATOR_LITRES
            self.counters.genset_seconds += seconds
        tanks.fuel = max(0.0, tanks.fuel - litres / 1000 * seconds / 3600)
        if self.at_berth and 9 <= self._hour < 10:
            tanks.fresh_water = (
                config.fresh_water if tanks.fresh_water < 0.7 * config.fresh_water else tanks.fresh_water
            )
            tanks.fuel = config.fuel if tanks.fuel < 0.3 * config.fuel else tanks.fuel
            tanks.waste_water = 0.0 if tanks.waste_water > 0.2 * config.waste_water else tanks.waste_water

    def _bail(self, seconds: float) -> None:
        """Let water into the bilge and pump it out."""
        bilge = self.bilge
        out = _PUMP_RATE if bilge.pumping and self.bms.discharge_allowed else 0.0
        came = _FLOOD if self.conditions.flooding else _SEEPAGE
        bilge.water = max(0.0, bilge.water + (came - out) * seconds)
        pumping = bilge.water > (_PUMP_STOPS if bilge.pumping else _PUMP_STARTS)
        alarm = bilge.water > _BILGE_ALARM
        self.counters.pump_starts += pumping and not bilge.pumping
        self.counters.bilge_alarms += alarm and not bilge.alarm
        bilge.pumping, bilge.alarm = pumping, alarm

    def _count(self, hours: float) -> None:
        """Add `hours` (in kWh per W) of the present powers to the counters."""
        flows, counters, volts = self.flows, self.counters, self.battery.voltage
        passed, charged = min(flows.input, flows.load), max(0.0, -flows.inverter)
        if flows.feed is Feed.SHORE:
            counters.shore += flows.input * hours
            counters.shore_to_load += passed * hours
            counters.shore_to_charger += charged * hours
        elif flows.feed is Feed.GENERATOR:
            counters.generator += flows.input * hours
            counters.generator_to_load += passed * hours
            counters.generator_to_charger += charged * hours
        counters.inverter_to_load += max(0.0, flows.inverter) * hours
        counters.solar += flows.solar * hours
        counters.alternator += flows.alternator * hours
        counters.converter += flows.converter * hours
        counters.load += flows.load * hours
        counters.navigation += flows.navigation * hours
        counters.fridge += flows.fridge * hours
        counters.dc_load += flows.dc_load * hours
        counters.battery_in += max(0.0, flows.battery) * hours
        counters.battery_out += max(0.0, -flows.battery) * hours
        counters.losses += flows.losses * hours
        counters.alternator_ah += flows.alternator / volts * hours * 1000
        counters.converter_ah += flows.converter / volts * hours * 1000
        counters.battery_drawn_ah += max(0.0, -self.battery.current) * hours * 1000
        self.days[0].count((flows.solar,), hours)

    @property
    def converter_input(self) -> float:
        """What the DC-DC converter takes from its starter battery, in W."""
        return self.flows.converter / _CONVERTER_EFFICIENCY


def _dc(ac: float) -> float:
    """Return what an AC power of the inverter/charger costs on the DC side; both positive when inverting."""
    return (ac / _EFFICIENCY if ac > 0 else ac * _EFFICIENCY) + _IDLE


def _ac(dc: float) -> float:
    """Return the AC power of a power on the DC side."""
    rest = dc - _IDLE
    return rest * _EFFICIENCY if rest > 0 else rest / _EFFICIENCY


def _offset(place: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    """Return how many metres north and east the other place is."""
    north = (other[0] - place[0]) * _DEGREE
    return north, (other[1] - place[1]) * _DEGREE * math.cos(math.radians(place[0]))


# Metres from the berth to the end of each leg of the route.
_ENDS: Final = tuple(accumulate(math.hypot(*_offset(*leg)) for leg in pairwise(ROUTE)))
_LENGTH: Final = _ENDS[-1]

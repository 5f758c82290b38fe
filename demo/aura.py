"""A physical model of an AURA: a single-phase hybrid inverter with PV strings, a battery, the grid and a backup output.

Pure, with its own clock. Powers are in W, energies in kWh, currents in A. Battery power is positive when it charges,
grid power positive when it is drawn. PV that was there before the AURA (retrofit) feeds in on its AC side.
"""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Self
from zoneinfo import ZoneInfo

from . import weather
from .model import Totals
from .site import HERTZ, VOLTS, Battery, Site, SiteConfig

FAULTS: Final = frozenset(f"F{number:02}" for number in (*range(3), *range(4, 21), 32))
WARNINGS: Final = frozenset(f"W{number:02}" for number in range(29))

BOOT: Final = 60.0
"""s from live sides to GENERATING."""
REST: Final = 180.0
"""s that it must be off before what was set up is in force."""

_LONGEST_STEP: Final = 10.0
_EFFICIENCY: Final = 0.95
_IDLE: Final = 15.0

# Light on the strings, in W, from which the inverter can start without a battery.
_DAWN: Final = 40.0

_OPEN_CIRCUIT: Final = 412.0
_AT_WORK: Final = 352.0

# Hours of the night in which a peak-shifting AURA charges from the grid.
_VALLEY: Final = (22, 6)


class State(StrEnum):
    """What the inverter does; while it boots, up to a minute, its values are not valid yet."""

    OFF = "off"
    STANDBY = "standby"
    BOOT_COUNTDOWN = "boot_countdown"
    GENERATING = "generating"
    FAULT = "fault"


class WorkMode(StrEnum):
    """What it is after. The guide names none: these are the modes of both candidate maps."""

    SELF_USE = "self_use"
    PEAK_SHIFT = "peak_shift"
    BATTERY_PRIORITY = "battery_priority"
    SELL_FIRST = "sell_first"
    MAINTAIN = "maintain"
    COMMAND = "command"
    EXTERNAL_EMS = "external_ems"
    PEAK_CUT = "peak_cut"


@dataclass(frozen=True, slots=True)
class AuraConfig:
    """What the AURA is: `modules` of 5 kWh, `place` under whose sky it stands unless it stands at a site."""

    model: str = "AURA 10KM-BG"
    serial: str = "5KM10BG24071"
    modules: int = 2
    rated_power: float = 5000.0
    string_peaks: tuple[float, ...] = (2600.0, 1900.0)
    string_facings: tuple[float, ...] = (160.0, 230.0)
    retrofit_peak: float = 0.0
    backup_share: float = 0.45
    place: SiteConfig = field(default_factory=SiteConfig)


@dataclass(slots=True)
class Setup:
    """What is in force only after a rest and a new start: backup, retrofit PV and the grid code of its screen."""

    eps: bool = True
    ac_couple: bool = True
    grid_code: int = 50549


@dataclass(slots=True)
class Settings:
    """What is in force at once. States of charge and limits in %, of the rated power where they limit power."""

    work_mode: WorkMode = WorkMode.SELF_USE
    charging: bool = False
    setpoint: float = 0.0
    """Of COMMAND while `charging`; positive discharges."""
    soc_max: float = 100.0
    soc_min: float = 10.0
    on_grid_soc_min: float = 15.0
    forced_discharge_soc_min: float = 20.0
    charge_current_max: float = 100.0
    discharge_current_max: float = 100.0
    charge_power_max: float = 100.0
    discharge_power_max: float = 100.0
    output_power_limit: float = 100.0
    feed_in_limit: float = 6000.0


@dataclass(slots=True)
class Conditions:
    """What happens to the AURA. None leaves it to the site, to the weather and to the people."""

    grid_lost: bool | None = None
    clouds: float | None = None
    load: float | None = None
    panels: bool = True
    battery_lost: bool = False
    ct_reversed: bool = False


@dataclass(frozen=True, slots=True)
class Flows:
    """The powers of one step. `load` is what the house gets, `backup` the part of it behind the backup output."""

    strings: tuple[float, ...] = ()
    inverter: float = 0.0
    battery: float = 0.0
    grid: float = 0.0
    load: float = 0.0
    backup: float = 0.0
    retrofit: float = 0.0
    overload: bool = False

    @property
    def pv(self) -> float:
        """Power of all strings."""
        return sum(self.strings)


@dataclass(slots=True)
class Energies(Totals):
    """Energies in kWh."""

    pv: float = 0.0
    exported: float = 0.0
    imported: float = 0.0
    load: float = 0.0
    charged: float = 0.0
    discharged: float = 0.0
    backup: float = 0.0
    retrofit: float = 0.0

    def count(self, flows: Flows, hours: float) -> None:
        """Add `hours` (in kWh per W) of the powers."""
        self.pv += flows.pv * hours
        self.exported += max(0.0, -flows.grid) * hours
        self.imported += max(0.0, flows.grid) * hours
        self.load += flows.load * hours
        self.charged += max(0.0, flows.battery) * hours
        self.discharged += max(0.0, -flows.battery) * hours
        self.backup += flows.backup * hours
        self.retrofit += flows.retrofit * hours


# Half a year of a house with 10 kWh: what came in and what went out differ by the losses.
_EARLIER: Final = Energies(2960.0, 905.0, 1180.0, 4460.0, 1540.0, 1420.0, 2.0, 1410.0)


class Aura:
    """The inverter. `settings`, `setup`, `conditions` and the switches may be changed at any time.

    At a `site` it has the sky, the people, the PV inverter (as its retrofit PV) and the power cuts of the site, and is
    what this house would be with an AURA: battery, strings and what goes through the meter are its own.
    """

    def __init__(self, config: AuraConfig | None = None, site: Site | None = None, now: datetime | None = None) -> None:
        """`now` is when the clock starts, by default that of the site, or noon of a day in June."""
        self.config = config or AuraConfig()
        self.site = site
        started = site.now if site else now or datetime(2026, 6, 15, 10, 0, tzinfo=UTC)
        self.now = started.astimezone(UTC)
        self.settings = Settings()
        self.setup = Setup()
        self.setup_in_force = replace(self.setup)
        self.conditions = Conditions()
        self.battery = Battery(
            energy=5.0 * self.config.modules, nominal_voltage=51.2, charge_current=100.0, discharge_current=100.0
        )
        self.flows = Flows(strings=self._none())
        self.total = Energies()
        self.today = Energies()
        self.state = State.OFF
        self.seconds_in_state = 0.0
        self.switched_on = True
        """AC and DC switches: without them the inverter does not even answer."""
        self.enabled = True
        """By a command; an inverter that was told to be off answers."""
        self.sleeps_at_night = False
        self.remote_control = 2
        """As on its screen: 1 disabled, 2 enabled."""
        self.clock_error = timedelta()
        """How far its own clock is ahead."""
        self.memory: dict[str, float] = {}
        """What it was told and does not mind, by the name of the register."""
        self._raised: set[str] = set()
        self._rested = REST
        self._zone = ZoneInfo(self._place.timezone)
        self.boot()

    @classmethod
    def lived_in(cls, config: AuraConfig | None = None, site: Site | None = None, now: datetime | None = None) -> Self:
        """An AURA whose counters have counted for half a year."""
        aura = cls(config, site, now)
        aura.total = replace(_EARLIER)
        return aura

    @property
    def local(self) -> datetime:
        """The clock on the wall."""
        return self.now.astimezone(self._zone)

    # Switches and alarms

    def switch_off(self) -> None:
        """Turn the AC and the DC switch off."""
        self.switched_on = False
        self._judge()

    def switch_on(self) -> None:
        """Turn them on again; what was set up is in force if it rested long enough."""
        self.switched_on = True
        self._judge()

    def restart(self) -> None:
        """Boot anew, which is no rest."""
        if self.state is not State.OFF:
            self._enter(State.BOOT_COUNTDOWN)
            self.flows = self._solve()

    def boot(self) -> None:
        """Skip the countdown, as an AURA that has been running for long."""
        self._judge()
        if self.state is State.BOOT_COUNTDOWN:
            self._enter(State.GENERATING)
            self.flows = self._solve()

    def raise_alarm(self, code: str) -> None:
        """Raise F.. or W..; a fault stops the inverter. Raises ValueError for a code that the guide does not list."""
        if code not in FAULTS | WARNINGS:
            raise ValueError(f"no such alarm: {code}")
        self._raised.add(code)
        self._judge()

    def clear_alarm(self, code: str) -> None:
        """Clear what was raised; nothing happens if it was not."""
        self._raised.discard(code)
        self._judge()

    @property
    def alarms(self) -> tuple[str, ...]:
        """What was raised and what follows from the conditions, in the order of their codes."""
        return tuple(sorted(self._raised | set(self._derived())))

    def bits(self, letter: str) -> int:
        """The alarms of a letter as bits: bit n is number n, as far as anybody would guess."""
        return sum(1 << int(code[1:]) for code in self.alarms if code[0] == letter)

    @property
    def answers(self) -> bool:
        """False while nothing of it speaks to the stick: switched off, or asleep for want of sun."""
        return self.switched_on and not (self.sleeps_at_night and sum(self._sunlight()) < _DAWN)

    @property
    def countdown(self) -> float:
        """Seconds of the boot countdown that are left."""
        return max(0.0, BOOT - self.seconds_in_state) if self.state is State.BOOT_COUNTDOWN else 0.0

    # What can be measured

    @property
    def grid_lost(self) -> bool:
        """Whether the grid is away."""
        if self.conditions.grid_lost is not None:
            return self.conditions.grid_lost
        return self.site is not None and self.site.conditions.grid_lost

    @property
    def on_backup(self) -> bool:
        """Whether it makes the grid of the house by itself."""
        return self.state is State.GENERATING and self.grid_lost

    @property
    def grid_voltage(self) -> float:
        """V of the grid."""
        return 0.0 if self.grid_lost else VOLTS

    @property
    def grid_frequency(self) -> float:
        """Hz of the grid."""
        return 0.0 if self.grid_lost else HERTZ

    @property
    def backup_voltage(self) -> float:
        """V of the backup output."""
        fed = self.setup_in_force.eps and (not self.grid_lost or self.on_backup)
        return VOLTS if fed else 0.0

    def string_voltage(self, place: int) -> float:
        """V of a string: none in the dark, that of an open circuit while the inverter draws nothing."""
        light = self._sunlight()[place]
        if not light:
            return 0.0
        return _AT_WORK if self.flows.strings[place] else _OPEN_CIRCUIT

    @property
    def heatsink_temperature(self) -> float:
        """°C."""
        return 27 + 24 * abs(self.flows.inverter) / self.config.rated_power

    # Time

    def advance(self, seconds: float) -> None:
        """Let time pass; at a site, after the site did."""
        steps = max(1, math.ceil(seconds / _LONGEST_STEP))
        if self.site:
            self.now = self.site.now - timedelta(seconds=seconds)
        for _ in range(steps):
            self._step(seconds / steps)
        if self.site:
            self.now = self.site.now

    def _step(self, seconds: float) -> None:
        today = self.local.date()
        self.now += timedelta(seconds=seconds)
        if self.local.date() != today:
            self.today = Energies()
        self.seconds_in_state += seconds
        self._rested = self._rested + seconds if self.state is State.OFF else 0.0
        self._judge()
        self.battery.step(self.flows.battery, seconds)
        for energies in (self.total, self.today):
            energies.count(self.flows, seconds / 3.6e6)

    def _judge(self) -> None:
        """Decide on the state and on the powers that follow."""
        wanted = self._wanted()
        if wanted is State.GENERATING and self.state is not State.GENERATING:
            booted = self.state is State.BOOT_COUNTDOWN and self.seconds_in_state >= BOOT
            wanted = State.GENERATING if booted else State.BOOT_COUNTDOWN
        if wanted is not self.state:
            if self.state is State.OFF and self._rested >= REST:
                self.setup_in_force = replace(self.setup)
            self._enter(wanted)
        self.flows = self._solve()

    def _wanted(self) -> State:
        if not (self.switched_on and self.enabled):
            return State.OFF
        if any(code[0] == "F" for code in self.alarms):
            return State.FAULT
        fed = not (self.conditions.battery_lost or self.battery.empty) or sum(self._sunlight()) >= _DAWN
        sides = not self.grid_lost or self.setup_in_force.eps
        return State.GENERATING if fed and sides else State.STANDBY

    def _enter(self, state: State) -> None:
        self.state = state
        self.seconds_in_state = 0.0

    def _derived(self) -> Iterator[str]:
        if self.grid_lost:
            yield "W00"
            yield "W02"
        if not self.conditions.panels:
            yield "W04"
        if self.conditions.battery_lost:
            yield "W05"
        elif self.battery.empty:
            yield "W06"
        if self.flows.overload:
            yield "W09"
        if self.conditions.ct_reversed:
            yield "W28"

    # What nature and people want

    @property
    def _place(self) -> SiteConfig:
        return self.site.config if self.site else self.config.place

    def _none(self) -> tuple[float, ...]:
        return (0.0,) * len(self.config.string_peaks)

    def _light(self, facing: float) -> float:
        """W per W of peak, on a roof that faces there."""
        place, clouds = self._place, self.conditions.clouds
        if clouds is None and self.site:
            clouds = self.site.conditions.clouds
        if clouds is None:
            clouds = weather.cloudiness(place.seed, self.now.timestamp() / 3600)
        elevation, azimuth = weather.sun(self.now, place.latitude, place.longitude)
        return weather.irradiance(elevation, azimuth, clouds, facing=facing, tilt=30) * 0.9 / 1000

    def _sunlight(self) -> tuple[float, ...]:
        """What the strings could give."""
        if not self.conditions.panels:
            return self._none()
        config = self.config
        return tuple(
            peak * self._light(facing) for peak, facing in zip(config.string_peaks, config.string_facings, strict=True)
        )

    def _retrofit(self) -> float:
        """What the PV on the AC side gives; it needs a grid."""
        if self.grid_lost:
            return 0.0
        if self.site:
            return sum(self.site.flows.pv_inverter)
        return self.config.retrofit_peak * self._light(180)

    def _load(self) -> float:
        if self.conditions.load is not None:
            return self.conditions.load
        if self.site:
            return sum(self.site.flows.load) + sum(self.site.flows.car)
        return weather.household(self._place.seed, self.local)

    # What the equipment makes of it

    def _solve(self) -> Flows:
        load, retrofit = self._load(), self._retrofit()
        if self.on_backup:
            return self._island(load * self.config.backup_share)
        if self.grid_lost:
            return Flows(strings=self._none())
        backup = load * self.config.backup_share if self.setup_in_force.eps else 0.0
        idle = Flows(strings=self._none(), grid=load - retrofit, load=load, backup=backup, retrofit=retrofit)
        return self._connected(idle) if self.state is State.GENERATING else idle

    def _connected(self, idle: Flows) -> Flows:
        """Powers on the grid, which serves what the inverter does not."""
        settings, sun, demand = self.settings, sum(self._sunlight()), idle.grid
        charge, discharge = self._charge_power(), self._discharge_power(settings.on_grid_soc_min)
        weakest, strongest = self._ac(sun - charge), self._ac(sun + discharge)
        nothing = self._ac(sun)
        match settings.work_mode:
            case WorkMode.PEAK_SHIFT if self.local.hour >= _VALLEY[0] or self.local.hour < _VALLEY[1]:
                wanted = weakest
            case WorkMode.BATTERY_PRIORITY:
                wanted = min(max(weakest, 0.0), nothing)
            case WorkMode.SELL_FIRST:
                wanted = self._ac(sun + self._discharge_power(settings.forced_discharge_soc_min))
            case WorkMode.COMMAND:
                wanted = self._ac(sun + settings.setpoint) if settings.charging else nothing
            case WorkMode.MAINTAIN:
                wanted = nothing
            case _:
                # Retrofit PV that is not coupled is none of its business: its surplus goes to the grid.
                wanted = demand if demand > 0 or self.setup_in_force.ac_couple else 0.0
        rated = self.config.rated_power
        highest = min(strongest, rated * settings.output_power_limit / 100, demand + settings.feed_in_limit)
        inverter = max(min(max(wanted, weakest), highest), self._ac(-charge), -rated)
        return self._completed(replace(idle, inverter=inverter, grid=demand - inverter), sun, charge)

    def _island(self, load: float) -> Flows:
        """Powers of the backup output without grid; what is too much for it leaves the house dark."""
        sun = sum(self._sunlight())
        strongest = min(self.config.rated_power, self._ac(sun + self._discharge_power(self.settings.soc_min)))
        if load > strongest:
            return Flows(strings=self._none(), overload=True)
        return self._completed(Flows(inverter=load, load=load, backup=load), sun, self._charge_power())

    def _completed(self, flows: Flows, sun: float, charge: float) -> Flows:
        """Add what the DC side does: what neither the inverter nor the battery takes is not produced."""
        dc = self._dc(flows.inverter)
        taken = min(sun, max(0.0, charge + dc))
        strings = tuple(power * taken / sun for power in self._sunlight()) if sun else self._none()
        return replace(flows, strings=strings, battery=taken - dc)

    def _charge_power(self) -> float:
        battery, settings = self.battery, self.settings
        if self.conditions.battery_lost or battery.soc >= settings.soc_max:
            return 0.0
        current = min(battery.charge_limit, settings.charge_current_max)
        return min(current * battery.voltage, self.config.rated_power * settings.charge_power_max / 100)

    def _discharge_power(self, soc_min: float) -> float:
        battery, settings = self.battery, self.settings
        if self.conditions.battery_lost or battery.soc <= soc_min:
            return 0.0
        current = min(battery.discharge_limit, settings.discharge_current_max)
        return min(current * battery.voltage, self.config.rated_power * settings.discharge_power_max / 100)

    @staticmethod
    def _dc(ac: float) -> float:
        """What an AC power costs on the DC side; both positive when inverting."""
        return (ac / _EFFICIENCY if ac > 0 else ac * _EFFICIENCY) + _IDLE

    @staticmethod
    def _ac(dc: float) -> float:
        """The AC power of a power on the DC side."""
        rest = dc - _IDLE
        return rest * _EFFICIENCY if rest > 0 else rest / _EFFICIENCY

    # From one start of the demo to the next

    def snapshot(self) -> dict[str, Any]:
        """What JSON can keep of it."""
        return {
            "state_of_charge": self.battery.soc,
            "total": asdict(self.total),
            "today": asdict(self.today),
            "settings": asdict(self.settings),
            "setup": asdict(self.setup_in_force),
        }

    def restore(self, stored: dict[str, Any]) -> None:
        """Take up what `snapshot` kept; nothing of nothing."""
        if not stored:
            return
        self.battery.soc = stored["state_of_charge"]
        self.total, self.today = Energies(**stored["total"]), Energies(**stored["today"])
        settings = {item.name: stored["settings"][item.name] for item in fields(Settings)}
        self.settings = Settings(**settings | {"work_mode": WorkMode(settings["work_mode"])})
        self.setup, self.setup_in_force = Setup(**stored["setup"]), Setup(**stored["setup"])
        self._judge()

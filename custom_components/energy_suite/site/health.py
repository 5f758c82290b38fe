"""The health checks of one installation, as on the fleet page of the VRM portal (manual 13.1.3, 13.2.1).

Written against what the devices say of themselves, with an explicit clock in s since 1970: what is remembered here
outlives a restart.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Protocol, Self, runtime_checkable

DAY = 86400.0
HOUR = 3600.0
SHOWN_EVERY = 60.0
"""s after which the numbers of a check are shown anew though its verdict is the same."""
KEPT = 300.0
"""s that a verdict is shown after a device that it needs fell silent."""
COUNTED_DOWN = 10 * HOUR
"""A service countdown of 0 was counted down to if this little, in s, was left when it was last known; else it was
switched off, which reads 0 as well."""


# --- what the checks are written against ---------------------------------------------------------------------------


@runtime_checkable
class Battery(Protocol):
    """A battery or its monitor."""

    managed: bool
    voltage: float | None
    temperature: float | None
    maximum_cell_temperature: float | None
    minimum_cell_voltage: float | None
    maximum_cell_voltage: float | None
    cell_voltage_spread: float | None


@runtime_checkable
class InverterCharger(Protocol):
    """What charges and discharges the battery."""

    dc_voltage: float | None
    dc_temperature: float | None
    bms_error: bool | None


@runtime_checkable
class Generator(Protocol):
    """A generator, by whatever says that it runs."""

    generator_running: bool | None


@runtime_checkable
class Serviced(Protocol):
    """A generator that counts down to its next service."""

    service_countdown: float | None


@runtime_checkable
class System(Protocol):
    """What knows the installation as a whole."""

    grid_input_lost: bool | None
    dvcc_supported: bool | None


@dataclass(frozen=True, kw_only=True)
class Limits:
    """From when on something is a problem. The manual gives the 24 h alone; the rest is our own choice."""

    cell_voltage_spread: float = 0.10
    """V; cells are told in steps of 0.01 V."""
    battery_voltage_difference: float = 2.0
    """% of the battery voltage, between the BMS and the inverter/charger."""
    battery_temperature: float = 45.0
    """°C."""
    generator_idle: float = 30.0
    """Days."""
    generator_service: float = 0.0
    """Hours of running before the service is due."""
    silence: float = 24.0
    """Hours."""
    ac_input_lost: float = 300.0
    """s: those of the manual's rule for a power cut (6.6)."""

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Self:
        """Make it as the user set it up."""
        return cls(**{each.name: float(options.get(each.name, each.default)) for each in fields(cls)})


@dataclass
class Remembered:
    """What has to outlive a restart; times in s since 1970, by the key of the device."""

    answered: dict[str, float] = field(default_factory=dict)
    """When each last answered, or was added."""
    ran: dict[str, float] = field(default_factory=dict)
    """When each generator was last seen running."""
    watched: dict[str, float] = field(default_factory=dict)
    """Since when it has been looked at."""
    countdown: dict[str, float] = field(default_factory=dict)
    """The last known time in s until its service."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a check found: a problem or not, and by which numbers."""

    problem: bool
    numbers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class View:
    """What is to be judged: the devices that answer, by their keys, and the names of all."""

    devices: Mapping[str, object]
    names: Mapping[str, str]
    limits: Limits
    remembered: Remembered
    now: float

    @property
    def batteries(self) -> list[Battery]:
        """The batteries and battery monitors."""
        return [device for device in self.devices.values() if isinstance(device, Battery)]

    @property
    def inverters(self) -> list[InverterCharger]:
        """The inverter/chargers."""
        return [device for device in self.devices.values() if isinstance(device, InverterCharger)]

    @property
    def systems(self) -> list[System]:
        """What knows the installation as a whole."""
        return [device for device in self.devices.values() if isinstance(device, System)]


# --- the checks ------------------------------------------------------------------------------------------------------


def _cell_imbalance(view: View) -> Finding | None:
    """The battery whose cells are the furthest apart."""
    spreads = [
        (battery.cell_voltage_spread, battery) for battery in view.batteries if battery.cell_voltage_spread is not None
    ]
    if not spreads:
        return None
    spread, battery = max(spreads, key=lambda each: each[0])
    return Finding(
        problem=_reached(spread, view.limits.cell_voltage_spread),
        numbers={
            "spread": spread,
            "minimum_cell_voltage": _rounded(battery.minimum_cell_voltage, 2),
            "maximum_cell_voltage": _rounded(battery.maximum_cell_voltage, 2),
        },
    )


def _battery_voltage_mismatch(view: View) -> Finding | None:
    """The BMS and the inverter/charger measure the same battery: far apart, a cable or the communication is bad."""
    measured = [battery.voltage for battery in view.batteries if battery.managed and battery.voltage]
    inverters = [inverter.dc_voltage for inverter in view.inverters if inverter.dc_voltage]
    if not measured or not inverters:
        return None
    bms, inverter = max(
        ((bms, inverter) for bms in measured for inverter in inverters), key=lambda pair: abs(pair[0] - pair[1])
    )
    percent = abs(bms - inverter) / bms * 100
    return Finding(
        problem=_reached(percent, view.limits.battery_voltage_difference),
        numbers={
            "bms_voltage": _rounded(bms, 2),
            "inverter_voltage": _rounded(inverter, 2),
            "difference": _rounded(abs(bms - inverter), 2),
            "difference_percent": _rounded(percent, 1),
        },
    )


def _battery_too_hot(view: View) -> Finding | None:
    """The highest temperature that any sensor at a battery tells."""
    temperatures = [
        *(battery.temperature for battery in view.batteries),
        *(battery.maximum_cell_temperature for battery in view.batteries),
        *(inverter.dc_temperature for inverter in view.inverters),
    ]
    known = [temperature for temperature in temperatures if temperature is not None]
    if not known:
        return None
    return Finding(
        problem=_reached(max(known), view.limits.battery_temperature), numbers={"temperature": _rounded(max(known), 1)}
    )


def _generator_idle(view: View) -> Finding | None:
    """The generator that has not run for the longest, of those that say whether they run."""
    idle = [
        view.now - view.remembered.ran.get(key, view.remembered.watched.get(key, view.now))
        for key, device in view.devices.items()
        if isinstance(device, Generator) and device.generator_running is not None
    ]
    if not idle:
        return None
    days = max(idle) / DAY
    return Finding(
        problem=_reached(days, view.limits.generator_idle), numbers={"days_since_last_run": _rounded(max(days, 0), 1)}
    )


def _generator_service_due(view: View) -> Finding | None:
    """The generator whose service is the nearest."""
    left = [
        seconds
        for key, device in view.devices.items()
        if isinstance(device, Serviced)
        and (seconds := _countdown(device, view.remembered.countdown.get(key))) is not None
    ]
    if not left:
        return None
    hours = min(left) / HOUR
    return Finding(problem=hours <= view.limits.generator_service, numbers={"hours_left": _rounded(hours, 1)})


def _countdown(generator: Serviced, last: float | None) -> float | None:
    if generator.service_countdown is not None:
        return generator.service_countdown
    return 0.0 if last is not None and last <= COUNTED_DOWN else None


def _devices_silent(view: View) -> Finding | None:
    """Devices that have not answered for long."""
    silent = {
        view.names[key]: _rounded((view.now - at) / HOUR, 0)
        for key, at in view.remembered.answered.items()
        if key in view.names and _reached((view.now - at) / HOUR, view.limits.silence)
    }
    return Finding(problem=bool(silent), numbers={"count": len(silent), "hours_silent": silent})


def _bms_lost(view: View) -> Finding | None:
    """Whether an inverter/charger misses its BMS."""
    said = [inverter.bms_error for inverter in view.inverters if inverter.bms_error is not None]
    return Finding(problem=any(said)) if said else None


def _ac_input_lost(view: View) -> Finding | None:
    """Whether the AC input that is for the grid has no voltage."""
    said = [system.grid_input_lost for system in view.systems if system.grid_input_lost is not None]
    return Finding(problem=any(said)) if said else None


def _dvcc_firmware_insufficient(view: View) -> Finding | None:
    """Whether the GX is too old to stop chargers for the BMS."""
    said = [system.dvcc_supported for system in view.systems if system.dvcc_supported is not None]
    return Finding(problem=not all(said)) if said else None


def _reached(value: float, limit: float) -> bool:
    """Whether a value is at its limit, whatever binary fractions make of both."""
    return value >= limit - 1e-9


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


@dataclass(frozen=True, kw_only=True)
class Check:
    """A health check: its key is that of its alarm and of its entity."""

    key: str
    look: Callable[[View], Finding | None]
    """None where it cannot be decided."""
    severity: str = "warning"
    notify_by_default: bool = True
    lasts: Callable[[Limits], float] = lambda _: 60.0
    """How long in s it has to be so: values of two devices are never of the same moment."""


def _at_once(_: Limits) -> float:
    return 0.0


CHECKS = (
    Check(key="cell_imbalance", look=_cell_imbalance),
    Check(key="battery_voltage_mismatch", look=_battery_voltage_mismatch),
    Check(key="battery_too_hot", look=_battery_too_hot),
    Check(key="generator_idle", look=_generator_idle, severity="information", lasts=_at_once),
    Check(key="generator_service_due", look=_generator_service_due, lasts=_at_once),
    Check(key="devices_silent", look=_devices_silent),
    # The inverter/charger itself tells of its BMS.
    Check(key="bms_lost", look=_bms_lost, severity="critical", notify_by_default=False, lasts=_at_once),
    Check(key="ac_input_lost", look=_ac_input_lost, lasts=lambda limits: limits.ac_input_lost),
    Check(key="dvcc_firmware_insufficient", look=_dvcc_firmware_insufficient, lasts=_at_once),
)


class Health:
    """Looks at an installation again and again."""

    def __init__(
        self, limits: Limits, remembered: Remembered, raised: Mapping[str, Mapping[str, Any]] | None = None
    ) -> None:
        """Take up what was remembered; ``raised`` are the problems before a restart, with their numbers."""
        self.limits = limits
        self.remembered = remembered
        self.findings: dict[str, Finding] = {}
        """What every check that can be decided found; a problem once it has lasted."""
        self.problems = {key: Finding(problem=True, numbers=numbers) for key, numbers in (raised or {}).items()}
        """What is a problem, as far as is known: the silence of a device ends none."""
        self._since = dict.fromkeys(self.problems, float("-inf"))
        self._shown_at: dict[str, float] = {}
        self._decided_at: dict[str, float] = {}

    def note(self, devices: Mapping[str, object], now: float) -> None:
        """Remember of the devices that answer what is needed later."""
        remembered = self.remembered
        for key, device in devices.items():
            remembered.answered[key] = now
            if isinstance(device, Generator) and device.generator_running is not None:
                remembered.watched.setdefault(key, now)
                if device.generator_running:
                    remembered.ran[key] = now
            if isinstance(device, Serviced) and device.service_countdown:
                remembered.countdown[key] = device.service_countdown

    def look(self, devices: Mapping[str, object], names: Mapping[str, str], now: float) -> Mapping[str, Finding]:
        """Judge everything: ``devices`` are those that answer, ``names`` those that should, all by their keys."""
        self._keep_to(names, now)
        self.note(devices, now)
        view = View(devices=devices, names=names, limits=self.limits, remembered=self.remembered, now=now)
        for check in CHECKS:
            found = check.look(view)
            if found is not None:
                self._judge(check, found, now)
            elif names.keys() <= devices.keys():
                self._drop(check.key)
            elif now - self._decided_at.get(check.key, now) > KEPT:
                self.findings.pop(check.key, None)
        return self.findings

    def _keep_to(self, names: Iterable[str], now: float) -> None:
        """Forget devices that were deleted; a new one has its time to answer."""
        remembered = self.remembered
        for known in (remembered.answered, remembered.ran, remembered.watched, remembered.countdown):
            for key in known.keys() - set(names):
                del known[key]
        for key in names:
            remembered.answered.setdefault(key, now)

    def _drop(self, key: str) -> None:
        self.findings.pop(key, None)
        self.problems.pop(key, None)
        self._since.pop(key, None)

    def _judge(self, check: Check, found: Finding, now: float) -> None:
        self._decided_at[check.key] = now
        if not found.problem:
            self._since.pop(check.key, None)
        elif now - self._since.setdefault(check.key, now) < check.lasts(self.limits):
            found = Finding(problem=False, numbers=found.numbers)
        if found.problem:
            self.problems[check.key] = found
        else:
            self.problems.pop(check.key, None)
        before = self.findings.get(check.key)
        unchanged = before is not None and before.problem == found.problem
        if not unchanged or now - self._shown_at[check.key] >= SHOWN_EVERY:
            self.findings[check.key] = found
            self._shown_at[check.key] = now

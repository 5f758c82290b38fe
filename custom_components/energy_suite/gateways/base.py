"""The few concepts every gateway is built from: identity, device, part, alarm, capabilities, errors."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import IntEnum, StrEnum
from typing import Any, Final, Protocol, runtime_checkable

# --- errors ----------------------------------------------------------------------------------------------------


class GatewayError(Exception):
    """Whatever goes wrong between us and a gateway; nothing else leaves this package."""


class CannotConnect(GatewayError):
    """The gateway could not be reached.

    ``reason`` is ``refused`` (the host is there, the service is off), ``silent`` (connected, or at least not
    refused, but no usable answer in time), ``dropped`` (the link dropped instead of an answer), ``lost`` (it could not
    be opened again) or ``unreachable`` (no such host, no route).
    """

    def __init__(self, reason: str = "lost") -> None:
        """Keep the reason as the word that the texts are chosen by."""
        super().__init__(reason)
        self.reason = reason


class NotThisDevice(GatewayError):
    """Something answers, but it is not the kind of gateway that was asked for."""


class AuthenticationFailed(GatewayError):
    """The gateway rejects the credentials."""


class DeviceGone(GatewayError):
    """The gateway answers that this device is not there now."""


class NotSupported(GatewayError):
    """The device does not know these registers (this firmware, this model)."""


class CommandRefused(GatewayError):
    """A command was not sent, or did not take effect.

    ``reason`` is the translation key of a text that says why and what helps; ``placeholders`` fill it.
    """

    def __init__(self, reason: str, **placeholders: str | float) -> None:
        """Keep the reason as the word that the texts are chosen by."""
        super().__init__(reason)
        self.reason = reason
        self.placeholders = {name: str(value) for name, value in placeholders.items()}


# --- reading ---------------------------------------------------------------------------------------------------


class Speed(StrEnum):
    """How often a part is read."""

    LIVE = "live"  # every round: powers, states, alarms
    SLOW = "slow"  # every 30 s and after a command: totals, settings
    ONCE = "once"  # at set-up and after a reconnect: identity, capabilities


class Part(Protocol):
    """What is read of a device in one go and is fresh or stale as one."""

    speed: Speed
    present: bool | None
    """False once the device refused it; None until it was asked for."""
    read_at: float | None
    """When it last answered, by the clock given to ``async_read``."""

    @property
    def dropped(self) -> int:
        """How many readings were not believed."""

    async def async_read(self, now: float) -> None:
        """Read it. Raises ``GatewayError``."""

    def forget(self) -> None:
        """Ask again whether the device has it."""

    @property
    def shown(self) -> Mapping[str, Any]:
        """``values`` as understood and ``registers`` as read, without what is private: for diagnostics."""


@dataclass(frozen=True)
class Report:
    """What one turn of reading brought for one device."""

    available: bool
    updated: frozenset[str] = frozenset()
    failed: Mapping[str, str] = field(default_factory=dict)
    """Part name -> why."""


# --- devices ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who a gateway or device says it is; None where it does not say."""

    manufacturer: str
    model: str | None = None
    serial: str | None = None
    firmware: str | None = None
    name: str | None = None
    """The name its owner gave it on the device itself."""


_TELLING: Final = 8


def is_same_serial(one: str | None, other: str | None) -> bool:
    """Whether two serial numbers may be one: some channels tell only its first ten characters or so."""
    if one is None or other is None or one == other:
        return one == other
    shorter, longer = sorted((one, other), key=len)
    return len(shorter) >= _TELLING and longer.startswith(shorter)


class Severity(IntEnum):
    """How bad an alarm is; comparable."""

    INFORMATION = 1
    WARNING = 2
    CRITICAL = 3

    @property
    def word(self) -> str:
        """The severity as texts and attributes spell it."""
        return self.name.lower()


@dataclass(frozen=True)
class Alarm:
    """One alarm that is raised now.

    ``key`` names it within its device and in the texts; ``code`` is the number that the device shows for it.
    """

    key: str
    severity: Severity
    notify_by_default: bool = False
    code: int | None = None
    details: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """Numbers that belong to it; an alarm whose numbers change is still the same."""
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict, compare=False)
    """Language -> ``text``, ``cause`` and ``remedy``, where it brings its own; there is always an English one."""


class Danger(StrEnum):
    """Controls that can cut power or move real current: off until the user enables them, on every way in."""

    INVERTER_MODE = "inverter_mode"
    INPUT_CURRENT_LIMIT = "input_current_limit"
    EXTERNAL_CONTROL = "external_control"
    NO_CHARGING = "no_charging"
    GENERATOR = "generator"
    RELAY_1 = "relay_1"
    RELAY_2 = "relay_2"
    UPS_STANDBY = "ups_standby"
    UPS_BYPASS = "ups_bypass"
    UPS_SHUTDOWN = "ups_shutdown"
    UPS_SCHEDULES = "ups_schedules"
    BACKUP_OUTPUT = "backup_output"
    GRID_CODE = "grid_code"
    BREAKER = "breaker"
    OUTPUTS = "outputs"

    @property
    def drops_load(self) -> bool:
        """Whether it can leave everything behind the device without power: for administrators, and to be confirmed."""
        return self in _DROPS_LOAD


_DROPS_LOAD = frozenset(
    {
        Danger.UPS_STANDBY,
        Danger.UPS_BYPASS,
        Danger.UPS_SHUTDOWN,
        Danger.UPS_SCHEDULES,
        Danger.BACKUP_OUTPUT,
        Danger.GRID_CODE,
        Danger.BREAKER,
    }
)


class Device:
    """A piece of equipment behind a gateway, one per thing a person can point at.

    ``key`` is chosen once when it is found and stored for good; ``kind`` names what it is in texts and tables.
    ``parts`` are read by the schedule. Typed attributes of subclasses are None where a value is unknown.
    """

    kind: str
    manufacturer: str

    def __init__(self, key: str) -> None:
        """Start with nothing read."""
        self.key = key
        self.parts: dict[str, Part] = {}
        self.findings: Mapping[str, Any] = {}
        """What the health checks of the installation found, by check; of a gateway's main device."""

    @property
    def identity(self) -> Identity:
        """What it says of itself so far."""
        return Identity(manufacturer=self.manufacturer)

    @property
    def reachable(self) -> bool:
        """False while the gateway answers and says that it cannot reach the device."""
        return True

    @property
    def advice(self) -> tuple[str, ...]:
        """What the user should mend on the device itself: keys of texts that say what and how."""
        return ()

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        """What is raised now."""
        return ()

    @property
    def counters(self) -> dict[str, tuple[float, float]]:
        """The energy counters last believed: name -> (value, when, in s since 1970)."""
        return {}

    def restore_counters(self, counters: Mapping[str, tuple[float, float]]) -> None:
        """Take up what ``counters`` gave before a restart, so that a false zero after it is not believed."""

    def settle(self, now: float) -> None:
        """Work out what follows from the values just read; called after every report with the reading clock."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """A device that a gateway found: all that is needed to make it again, fit for storing as JSON."""

    key: str
    kind: str
    unit_id: int
    serial: str | None = None
    name: str | None = None
    number: int | None = None
    """Which it is of several of its kind at one unit id."""
    profile: str | None = None
    """The id of the profile that tells its registers."""
    confirmed: bool = False
    """Whether its owner compared the values of that profile with the device."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What its owner says of it, where the gateway cannot tell what is behind it."""

    @property
    def stored(self) -> dict[str, Any]:
        """As it is stored: ``Found(**stored)`` makes it again."""
        stored = asdict(self)
        return stored if self.settings else {name: value for name, value in stored.items() if name != "settings"}

    def is_same_as(self, other: Found) -> bool:
        """Whether both are one device, of which one of them may not have known the serial number."""
        if self.key == other.key:
            return True
        nameless = self.serial is None or other.serial is None
        place = (self.kind, self.unit_id, self.number)
        return nameless and place == (other.kind, other.unit_id, other.number)


def not_known(there: Iterable[Found], known: Iterable[Found]) -> list[Found]:
    """What was found and is none of the devices known."""
    known = list(known)
    return [found for found in there if not any(found.is_same_as(other) for other in known)]


@dataclass(frozen=True)
class Progress:
    """How far a search is: ``done`` of ``total`` questions asked."""

    done: int
    total: int


class Gateway(Protocol):
    """The box a connection is opened to."""

    async def probe(self) -> Identity:
        """Say who it is. Raises ``CannotConnect``, ``NotThisDevice`` or ``AuthenticationFailed``."""

    def discover(self, *, full: bool = False) -> AsyncIterator[Progress | Found]:
        """Look for its devices, the gateway itself first, saying now and then how far it is.

        ``full`` asks everywhere, not only where devices usually are. Raises ``GatewayError``.
        """

    def device(self, found: Found) -> Device:
        """Make the device that was found, now or before a restart."""

    @property
    def rejected(self) -> bool:
        """Whether it does not take the credentials, at least not by one of the ways to it."""

    async def close(self) -> None:
        """Let go of what it opened beside the connection it was given."""


# --- capabilities: everything suite-wide is written against these alone -------------------------------------------


@runtime_checkable
class PowerMeter(Protocol):
    """Measures power. Import, consumption or production is positive as the device's role has it."""

    @property
    def power(self) -> float | None:
        """Total active power in W."""


@runtime_checkable
class Storage(Protocol):
    """Stores energy."""

    @property
    def state_of_charge(self) -> float | None:
        """State of charge in %, 0 to 100."""

    @property
    def battery_power(self) -> float | None:
        """Power in W, positive when charging."""


@runtime_checkable
class Evse(Protocol):
    """Charges an electric vehicle."""

    @property
    def power(self) -> float | None:
        """Charging power in W."""

    @property
    def charging(self) -> bool | None:
        """Whether charging is switched on."""

    @property
    def charging_modes(self) -> Mapping[str, IntEnum]:
        """The modes that may be chosen, by their names in lower case; empty where there are none."""

    @property
    def charging_current_range(self) -> tuple[float, float] | None:
        """The charging currents in A that may be set."""

    async def set_charging_current(self, amperes: float) -> Any:
        """Set the charging current. Raises ``CommandRefused``."""

    async def set_charging(self, on: bool) -> Any:
        """Start or stop charging. Raises ``CommandRefused``."""


@runtime_checkable
class Relay(Protocol):
    """Has relays that may be switched, numbered from 1."""

    def relay_state(self, number: int) -> bool | None:
        """Whether the relay is closed."""

    async def set_relay(self, number: int, closed: bool) -> Any:
        """Close or open a relay. Raises ``CommandRefused``."""


@runtime_checkable
class Ess(Protocol):
    """Decides how a battery, the sun and the grid share the load."""

    @property
    def ess_modes(self) -> Mapping[str, IntEnum]:
        """The modes that may be chosen, by their names in lower case."""

    async def set_ess_mode(self, mode: Any, minimum_state_of_charge: float | None = None) -> Any:
        """Choose a mode, and how far the battery may be discharged (%). Raises ``CommandRefused``."""


@runtime_checkable
class Generator(Protocol):
    """Starts and stops a generator."""

    @property
    def running(self) -> bool | None:
        """Whether the generator runs."""

    async def start(self) -> Any:
        """Start it by hand. Raises ``CommandRefused``."""

    async def stop(self) -> Any:
        """End a run started by hand. Raises ``CommandRefused``."""


@runtime_checkable
class Ups(Protocol):
    """Keeps a load alive when the mains fail."""

    @property
    def on_battery(self) -> bool | None:
        """Whether the load lives on the battery."""

    @property
    def state_of_charge(self) -> float | None:
        """State of charge of the battery in %."""

    @property
    def time_to_go(self) -> float | None:
        """How long in s the battery lasts."""

    def takes(self, command: Any) -> bool:
        """Whether it may be given this command at all."""

    async def give_command(self, command: Any) -> Any:
        """Give a command. Raises ``CommandRefused``."""


@runtime_checkable
class Positioned(Protocol):
    """Knows where it is, in degrees, north and east positive; None while it does not."""

    @property
    def latitude(self) -> float | None:
        """Degrees north."""

    @property
    def longitude(self) -> float | None:
        """Degrees east."""


@runtime_checkable
class ShutdownManager(Protocol):
    """Shuts servers down when their power is about to fail, and by the calendar."""

    async def set_shutdown_event(self, row: int, *, action: Any, **numbers: float | None) -> Any:
        """Set what is done on an event. Raises ``CommandRefused``."""

    async def set_schedule(self, schedule: Any, row: int, *, begin: tuple[str, str], end: tuple[str, str]) -> Any:
        """Set a line of a schedule. Raises ``CommandRefused``."""

    async def read_settings(self) -> dict[str, Any]:
        """Read all of that. Raises ``CommandRefused`` or ``CannotConnect``."""


def alarm_edges(before: Iterable[Alarm], after: Iterable[Alarm]) -> list[tuple[Alarm, bool]]:
    """What changed between two looks at a device: (alarm, raised) pairs, cleared ones first.

    An alarm whose severity changed is raised anew at its new severity, without being cleared in between.
    """
    old = {alarm.key: alarm for alarm in before}
    new = {alarm.key: alarm for alarm in after}
    cleared = [(alarm, False) for key, alarm in old.items() if key not in new]
    raised = [(alarm, True) for key, alarm in new.items() if old.get(key) != alarm]
    return cleared + raised


type Clock = Callable[[], float]

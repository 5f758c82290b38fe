"""A SOLARMAN logger stick and the inverter behind it, whose registers a profile tells."""

import asyncio
import re
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import IntEnum, StrEnum
from typing import Any, Final, Self, override

from modbus_connection import ModbusExceptionError, ModbusTcpParams, ModbusUnit
from pymodbus.framer import FramerRTU

from ..base import CannotConnect, Device, DeviceGone, Found, Identity, NotSupported, Progress, Speed
from ..connections import Endpoint, reach
from ..profiles.device import ProfileDevice, make
from ..profiles.library import Library
from ..profiles.schema import Profile, Register
from ..profiles.vocabulary import IDENTITY, names_of
from ..registers import UnitFor, translated_errors
from .aura import expected_alarms
from .devices import LoggerStick
from .discovery import PORT as DISCOVERY_PORT
from .discovery import ask
from .v5 import DEFAULT_PORT, V5Endpoint, V5Unit, decode, encode
from .v5 import Stick as V5Stick

V5, MODBUS_TCP = "v5", "modbus_tcp"
PROTOCOLS = (V5, MODBUS_TCP)
KIND: Final = "solarman"
STICK_KEY: Final = "stick"
INVERTER_KEY: Final = "inverter"

FIRMWARES_WITHOUT_ACCESS: Final = ("LSW3_15_MQTT_270A_1.10", "LSW3_15_MQTT_270A_1.22")
"""Firmwares of sticks that take a connection and then say nothing, as their owners report."""
LISTEN: Final = 3.0
"""s that an answer to a question of ``diagnose`` is awaited."""


class Trouble(StrEnum):
    """Why a stick cannot be read."""

    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    WRONG_SERIAL = "wrong_serial"
    NO_LOCAL_ACCESS = "no_local_access"
    NOT_V5 = "not_v5"
    PLAIN_MODBUS = "plain_modbus"
    SPEAKS_V5 = "speaks_v5"
    SILENT = "silent"


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong; its text is ``stick_trouble_<trouble>``, which ``placeholders`` fill."""

    trouble: Trouble
    serial: int | None = field(default=None, repr=False)
    """The serial number that the stick itself says, where it is not the one that was given."""

    @property
    def placeholders(self) -> dict[str, str]:
        """What fills the text."""
        return {"serial": str(self.serial or ""), "firmwares": ", ".join(FIRMWARES_WITHOUT_ACCESS)}


class Verdict(IntEnum):
    """How well a map fits what the inverter answered; the best first."""

    FITS = 0
    UNSURE = 1
    CONTRADICTED = 2
    NO_ANSWER = 3
    INVERTER_SILENT = 4

    @property
    def word(self) -> str:
        """As texts spell it."""
        return self.name.lower()


@dataclass(frozen=True)
class Shown:
    """A value to compare with the inverter's own screen."""

    value: float | str | bool
    unit: str | None
    names: Mapping[str, str]
    """What it is called, by language; empty where the translations of the entities have its key."""


@dataclass(frozen=True)
class Trial:
    """What a map made of what the inverter answered."""

    profile: Profile
    verdict: Verdict
    evidence: Mapping[str, bool | None] = field(default_factory=dict)
    """Key -> whether its value can be right; None where there was none."""
    serial: str | None = field(default=None, repr=False)
    """The inverter's serial number, if that is what the map found."""
    values: Mapping[str, Shown] = field(default_factory=dict)

    @property
    def rank(self) -> tuple[Any, ...]:
        """Best first: by evidence, then what is known to be right, then what somebody brought for this inverter."""
        fitting = sum(value is True for value in self.evidence.values())
        profile = self.profile
        return self.verdict, -fitting, self.serial is None, not profile.proven, profile.shipped, profile.id


class Stick(LoggerStick):
    """The stick, which also says what is amiss with the map of the inverter behind it."""

    def __init__(self, found: Found, unit: ModbusUnit, interval: float, advice: tuple[str, ...] = ()) -> None:
        """Make the stick that was found."""
        super().__init__(found, unit, interval)
        self._advice = advice

    @property
    @override
    def advice(self) -> tuple[str, ...]:
        return self._advice


class _NoMap:
    """Stands for what cannot be read, for want of its map: nothing is asked."""

    speed = Speed.LIVE
    present: bool | None = None
    read_at: float | None = None
    dropped = 0
    shown: Mapping[str, Any] = {}

    async def async_read(self, now: float) -> None:
        """Say that it is not there."""
        raise DeviceGone

    def forget(self) -> None:
        """There is nothing to find out."""


class UnreadableInverter(Device):
    """An inverter whose profile is not in the library any more: it keeps its place, unavailable."""

    manufacturer = ""

    def __init__(self, found: Found) -> None:
        """Make it without its map."""
        super().__init__(found.key)
        self.kind = found.kind
        self.found = found
        self.unit_id = found.unit_id
        self.parts["live"] = _NoMap()


class SolarmanGateway:
    """A stick on the local network."""

    def __init__(self, unit: ModbusUnit, interval: float, settings: Mapping[str, Any]) -> None:
        """``unit`` is the inverter's, ``interval`` the time in s between two rounds."""
        self._unit = unit
        self._interval = interval
        self._host: str = settings["host"]
        self._port = int(settings.get("port", DEFAULT_PORT))
        self._serial = int(settings["logger_serial"])
        self._unit_id = int(settings.get("unit_id", 1))
        self._coupling: str | None = settings.get("coupling")
        self._profile_id: str | None = settings.get("profile")
        self._confirmed = bool(settings.get("confirmed", False))
        self._library: Library = settings["profiles"]

    @classmethod
    def from_settings(cls, unit_for: UnitFor, interval: float, settings: Mapping[str, Any]) -> Self:
        """Make it as the user set it up; ``profiles`` is the library that was loaded for it."""
        return cls(unit_for(int(settings.get("unit_id", 1))), interval, settings)

    @staticmethod
    def endpoint(settings: Mapping[str, Any]) -> Endpoint:
        """Where the stick is read, and how."""
        host, port = settings["host"], int(settings.get("port", DEFAULT_PORT))
        if settings.get("protocol") == MODBUS_TCP:
            return ModbusTcpParams(host=host, port=port)
        return V5Endpoint(host, int(settings["logger_serial"]), port)

    async def probe(self) -> Identity:
        """See whether the stick answers, whatever the inverter does. Raises ``CannotConnect``."""
        # A refusal is an answer as well, and so is that the inverter gives none.
        with translated_errors(), suppress(ModbusExceptionError):
            await self._unit.read_holding_registers(0, 1)
        return Identity(manufacturer=LoggerStick.manufacturer, serial=str(self._serial))

    @property
    def rejected(self) -> bool:
        """A stick asks for no credentials."""
        return False

    async def close(self) -> None:
        """Nothing was opened beside the connection."""

    # --- devices ---------------------------------------------------------------------------------------------------

    async def discover(self, *, full: bool = False) -> AsyncIterator[Progress | Found]:
        """The stick, and the inverter if its map was chosen."""
        yield Found(key=STICK_KEY, kind=LoggerStick.kind, unit_id=self._unit_id, serial=str(self._serial))
        if (profile := self._library.profiles.get(self._profile_id or "")) is not None:
            yield Found(
                key=INVERTER_KEY,
                kind=profile.kind,
                unit_id=self._unit_id,
                profile=profile.id,
                confirmed=self._confirmed,
            )
        yield Progress(1, 1)

    def device(self, found: Found) -> Device:
        """Make a device that was found; an inverter without its profile is there and unavailable."""
        if found.key == STICK_KEY:
            return Stick(found, self._unit, self._interval, self._advice)
        profile = self._library.profiles.get(found.profile or "")
        if profile is None:
            return UnreadableInverter(found)
        device = make(profile, found, self._unit, self._interval, confirmed=found.confirmed)
        device.expected_alarms = expected_alarms(self._coupling)
        return device

    @property
    def _advice(self) -> tuple[str, ...]:
        if not self._profile_id:
            return ("unknown_inverter_map",)
        return () if self._profile_id in self._library.profiles else ("profile_missing",)

    # --- which map ---------------------------------------------------------------------------------------------------

    async def try_maps(self, profiles: Iterable[Profile]) -> list[Trial]:
        """Read a little with each map and say how well it fits, the best first. Nothing is written.

        A map is given up at the first answer that the inverter is silent: all that are is what a night looks like.
        """
        return sorted([await self._try(profile) for profile in profiles], key=lambda trial: trial.rank)

    async def _try(self, profile: Profile) -> Trial:
        if telling := _telling(profile):
            trial = await self._look(profile, telling)
            if trial.verdict > Verdict.UNSURE:
                return trial
        return await self._look(profile, _worth_showing(profile, telling))

    async def _look(self, profile: Profile, keys: Iterable[str]) -> Trial:
        """Read what these keys need, and judge it."""
        found = Found(key=INVERTER_KEY, kind=profile.kind, unit_id=self._unit_id)
        device = make(_excerpt(profile, keys), found, self._unit, 0.0)
        answered, verdict = False, Verdict.NO_ANSWER
        for part in device.parts.values():
            try:
                await part.async_read(time.time())
                if part.dropped:
                    # What is out of all range shows with the second reading: it is evidence against the map.
                    await part.async_read(time.time())
            except NotSupported:
                continue
            except DeviceGone:
                verdict = Verdict.INVERTER_SILENT
                break
            except CannotConnect:
                break
            answered = True
        if not answered:
            return Trial(profile, verdict)
        evidence = _evidence(device)
        return Trial(profile, _verdict(evidence), evidence, _serial(device), dict(_shown(device)))

    # --- what is wrong -----------------------------------------------------------------------------------------------

    async def diagnose(
        self, *, discovery_host: str | None = None, discovery_port: int = DISCOVERY_PORT, within: float = LISTEN
    ) -> Diagnosis:
        """Find out why ``probe`` failed. Asks the stick who it is (UDP), and tries other ways to speak to it."""
        try:
            await reach(self._host, self._port, within)
        except CannotConnect as err:
            return Diagnosis(Trouble(err.reason))
        question = _read_one(self._unit_id)
        if not isinstance(self._unit, V5Unit):
            heard = await self._hear(encode(self._serial, 1, question), within, _has_frame)
            return Diagnosis(Trouble.SPEAKS_V5 if _has_frame(heard) else Trouble.SILENT)
        told = await self._true_serial(self._unit.stick, (discovery_host or self._host, discovery_port), within)
        if told is not None:
            return Diagnosis(Trouble.WRONG_SERIAL, told)
        if self._unit.stick.echoed:
            return Diagnosis(Trouble.NOT_V5)
        request = _MBAP.pack(1, 0, len(question) - 2, *question[:2]) + question[2:-2]
        if _answers_plainly(await self._hear(request, within, _answers_plainly)):
            return Diagnosis(Trouble.PLAIN_MODBUS)
        return Diagnosis(Trouble.SILENT if self._unit.stick.heard else Trouble.NO_LOCAL_ACCESS)

    async def _true_serial(self, stick: V5Stick, target: tuple[str, int], within: float) -> int | None:
        """The stick's serial number, if it is known to be another than the one that was given."""
        host, port = target
        with suppress(OSError):
            if answered := await ask(host, port=port, within=within):
                return None if self._serial in {each.serial for each in answered} else answered[0].serial
        if stick.other_serial is not None:
            return stick.other_serial
        # Some sticks answer whoever does not know their number.
        heard = await self._hear(encode(0, 1, _read_one(self._unit_id)), within, _has_frame)
        return next((serial for serial in _serials(heard) if serial not in (0, self._serial)), None)

    async def _hear(self, question: bytes, within: float, enough: Callable[[bytes], bool]) -> bytes:
        """What comes back on a connection of its own; nothing where it is not to be had."""
        heard = b""
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(within):
                reader, writer = await asyncio.open_connection(self._host, self._port)
                try:
                    writer.write(question)
                    while not enough(heard) and (more := await reader.read(1024)):
                        heard += more
                finally:
                    writer.close()
        return heard


# --- maps ----------------------------------------------------------------------------------------------------------

# Where values lie at every house, whatever the map says of it.
_EVERYWHERE: Final[Mapping[str, tuple[float, float]]] = {
    "state_of_charge": (0, 100),
    "voltage_l1": (180, 270),
    "frequency": (49, 51),
}
_LEAST_SHOWN, _MOST_SHOWN = 6, 12
_WORTH_SHOWING: Final = (
    *_EVERYWHERE,
    "battery_voltage",
    "battery_power",
    "solar_power",
    "grid_power",
    "consumption_power",
    "output_power",
    "inverter_state",
    "battery_temperature",
    "energy_produced",
)
_SERIAL_NUMBER: Final = re.compile(r"(?=.*[0-9])[0-9A-Za-z][0-9A-Za-z-]{5,30}")


def _telling(profile: Profile) -> list[str]:
    """The keys that speak for a map or against it."""
    return [key for key, register in profile.keys.items() if register.expect is not None or key in _EVERYWHERE]


def _worth_showing(profile: Profile, telling: list[str]) -> list[str]:
    """The keys that a person can compare, and who the inverter is."""
    keys = profile.keys
    shown = list(dict.fromkeys((*telling, *(key for key in _WORTH_SHOWING if key in keys))))[:_MOST_SHOWN]
    others = [key for key, register in keys.items() if register.has_entity and register.enabled and key not in shown]
    return [*shown, *others[: max(0, _LEAST_SHOWN - len(shown))], *(key for key in IDENTITY if key in keys)]


def _excerpt(profile: Profile, keys: Iterable[str]) -> Profile:
    """The part of a map that these keys need."""
    declared = profile.keys
    wanted, needed = list(keys), set[str]()
    while wanted:
        key = wanted.pop()
        if key not in needed:
            needed.add(key)
            wanted += _owed(profile, declared[key])
    registers = tuple(register for register in profile.registers if register.key in needed)
    # Without gaps no hole in the map spoils a request, which would cost many more to take it apart.
    return replace(profile, registers=registers, commands=(), max_gap=0)


def _owed(profile: Profile, register: Register) -> Iterator[str]:
    """The keys that a register cannot be understood without."""
    yield from register.computed_of
    yield from filter(None, (register.sign_key, register.zero_unless))
    if register.ratio is not None:
        yield from profile.ratios[register.ratio].of


def _evidence(device: ProfileDevice) -> dict[str, bool | None]:
    evidence = device.evidence
    for key, (low, high) in _EVERYWHERE.items():
        if key in device.profile.keys and key not in evidence:
            value = device.value(key)
            evidence[key] = None if value is None else low <= value <= high
    return evidence


def _verdict(evidence: Mapping[str, bool | None]) -> Verdict:
    """A map fits only if all that tells is as it should be in the same look."""
    told = evidence.values()
    if any(value is False for value in told):
        return Verdict.CONTRADICTED
    return Verdict.FITS if told and all(told) else Verdict.UNSURE


def _serial(device: ProfileDevice) -> str | None:
    serial = device.value("serial") if "serial" in device.profile.keys else None
    return serial if isinstance(serial, str) and _SERIAL_NUMBER.fullmatch(serial) else None


def _shown(device: ProfileDevice) -> Iterator[tuple[str, Shown]]:
    registers = [register for register in device.profile.registers if register.has_entity]
    order = {key: place for place, key in enumerate(_WORTH_SHOWING)}
    for register in sorted(registers, key=lambda each: order.get(each.key, len(order)))[:_MOST_SHOWN]:
        value = device.value(register.key)
        if value is not None:
            told = value.name.lower() if isinstance(value, IntEnum) else value
            yield register.key, Shown(told, register.unit, names_of(register.key, register.names))


# --- questions of the diagnosis ------------------------------------------------------------------------------------

_MBAP: Final = struct.Struct(">HHHBB")  # transaction, protocol, length, unit, function
_READ_HOLDING: Final = 3


def _read_one(unit_id: int) -> bytes:
    """The Modbus RTU request for the first holding register."""
    request = struct.pack(">BBHH", unit_id, _READ_HOLDING, 0, 1)
    return request + FramerRTU.compute_CRC(request).to_bytes(2)


def _serials(heard: bytes) -> Iterator[int]:
    """The serial numbers of the frames in what was heard."""
    while True:
        used, frame = decode(heard)
        if frame is None:
            return
        heard = heard[used:]
        yield frame.serial


def _has_frame(heard: bytes) -> bool:
    return next(_serials(heard), None) is not None


def _answers_plainly(heard: bytes) -> bool:
    """Whether it is the answer to the request of plain Modbus TCP, which may be a refusal."""
    if len(heard) < _MBAP.size:
        return False
    transaction, protocol, _, _, function = _MBAP.unpack_from(heard)
    return (transaction, protocol, function & 0x7F) == (1, 0, _READ_HOLDING)

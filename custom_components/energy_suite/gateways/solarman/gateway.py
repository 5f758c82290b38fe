"""A SOLARMAN logger stick and the inverter behind it, whose registers a profile tells."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Final, Self, override

from modbus_connection import ModbusExceptionError, ModbusTcpParams, ModbusUnit
from pymodbus.framer import FramerRTU

from ..base import CannotConnect, Danger, Device, Found, Identity, Progress
from ..connections import Endpoint, reach
from ..profiles.device import make
from ..profiles.library import Library
from ..profiles.missing import DeviceWithoutMap
from ..profiles.schema import Profile
from ..profiles.trial import Trial, try_map
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


class SolarmanGateway:
    """A stick on the local network."""

    dangers: ClassVar = (Danger.INVERTER_MODE, Danger.EXTERNAL_CONTROL, Danger.BACKUP_OUTPUT, Danger.GRID_CODE)
    """The controls that the user may enable."""

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
            return DeviceWithoutMap(found)
        device = make(
            profile, found, self._unit, self._interval, confirmed=found.confirmed, offered_controls=self.dangers
        )
        device.expected_alarms = expected_alarms(self._coupling)
        return device

    @property
    def _advice(self) -> tuple[str, ...]:
        if not self._profile_id:
            return ("unknown_inverter_map",)
        return () if self._profile_id in self._library.profiles else ("profile_missing",)

    # --- which map ---------------------------------------------------------------------------------------------------

    async def try_maps(self, profiles: Iterable[Profile]) -> list[Trial]:
        """Read a little with each map and say how well it fits, the best first. Nothing is written."""
        trials = [
            await try_map(profile, Found(key=INVERTER_KEY, kind=profile.kind, unit_id=self._unit_id), self._unit)
            for profile in profiles
        ]
        return sorted(trials, key=lambda trial: trial.rank)

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

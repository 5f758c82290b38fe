"""The GX as a gateway: who it is, what is behind it."""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self
from weakref import WeakValueDictionary

from ..base import CannotConnect, DeviceGone, Found, Identity, NotSupported, NotThisDevice, Progress
from ..registers import UnitFor, translated_errors
from .battery import BatteryDevice
from .bms import BmsSetup
from .charging import AcCharger, Alternator, DcDcConverter
from .dc import DcLoad, DcSource, DcSystem, FuelCell
from .device import VictronDevice, firmware
from .environment import DigitalInput, Gps, Meteo, PulseMeter, Tank, TemperatureSensor
from .evcharger import EvCharger
from .fields import text
from .generator import GeneratorStartStop
from .genset import AcGenset, DcGenset
from .gx import PUMP_PROBE, GxDevice
from .loads import HeatPump, MotorDrive, TankPump
from .meters import AcLoad, GridMeter, PvInverter
from .rs import AcSystem, Inverter, Multi
from .solarcharger import SolarCharger
from .vebus import DEFAULT_INPUT_CURRENT, InverterCharger

GX_UNIT = 100
GX_KEY = "gx"

# Unit ids that the server maps to an instance, when no device of that type has the id for its instance.
MAPPED_UNITS = frozenset((100, *range(204, 240), *range(242, 248)))
ALL_UNITS = (100, *range(1, 100), *range(101, 248))

# Instance 0 answers at unit 0 as well; the GX's own screen calls it 100.
_VE_CAN = (100, *range(1, 10))
_VE_DIRECT_BUILT_IN = (223, 224, 226, 229, 230, 243, 245, 247)
_USB = range(231, 240)
_VE_DIRECT_OR_CAN = (*_VE_DIRECT_BUILT_IN, *_USB, *_VE_CAN)
_METERS = range(30, 35)
_OTHERS = range(40, 51)
_SENSORS = range(20, 30)
_INPUTS = range(1, 10)

SERIAL_LENGTH = 12
NAME_LENGTH = 8
PROGRESS_EVERY = 10


@dataclass(frozen=True)
class Probe:
    """How a kind of device is looked for: the registers whose answer proves it, and where it usually is."""

    device: type[VictronDevice]
    address: int
    count: int
    units: tuple[int, ...]
    serial: tuple[int, int] | None = None
    """Address and length of its serial number, where there is one."""
    name: int | None = None
    """Address of the name that the owner gave it, on servers since 2026."""


PROBES = (
    Probe(InverterCharger, 28, 6, (227, 228, 242, 246, *reversed(_USB), *range(204, 223), *_VE_CAN), name=140),
    Probe(BatteryDevice, 259, 3, (225, *range(223, 225), *range(226, 248), *_VE_CAN), name=1336),
    Probe(SolarCharger, 775, 2, _VE_DIRECT_OR_CAN, name=3740),
    Probe(GridMeter, 2600, 3, (*_METERS, *_OTHERS), serial=(2609, 7), name=2650),
    Probe(PvInverter, 1026, 1, (*range(20, 30), *_METERS), serial=(1039, 7), name=1070),
    Probe(EvCharger, 3800, 1, tuple(_OTHERS), serial=(3804, 6), name=3840),
    Probe(GeneratorStartStop, 3500, 4, (100, 1)),
    Probe(Multi, 4524, 2, _VE_CAN, name=4622),
    Probe(AcSystem, 4900, 1, _VE_CAN, name=4950),
    Probe(Inverter, 3126, 3, _VE_DIRECT_OR_CAN, name=3180),
    Probe(AcCharger, 2307, 2, _VE_DIRECT_OR_CAN, name=2330),
    Probe(DcDcConverter, 4807, 2, _VE_DIRECT_OR_CAN, name=4820),
    Probe(Alternator, 4100, 2, _VE_DIRECT_OR_CAN, name=4130),
    Probe(AcGenset, 3212, 2, (*_VE_CAN, *_METERS), name=3250),
    Probe(DcGenset, 5200, 2, _VE_CAN, name=5350),
    Probe(Tank, 3003, 2, (*_SENSORS, *_VE_CAN), name=3010),
    Probe(TemperatureSensor, 3303, 3, tuple(_SENSORS), name=3320),
    Probe(DigitalInput, 3422, 3, tuple(_INPUTS), name=3430),
    Probe(AcLoad, 3900, 3, (*_METERS, *_OTHERS), serial=(3903, 7), name=3940),
    Probe(HeatPump, 5500, 1, (*_METERS, *_OTHERS), name=5510),
    Probe(Gps, 2806, 1, _VE_CAN),
    Probe(Meteo, 3600, 1, tuple(_SENSORS), name=3610),
    Probe(PulseMeter, 3400, 2, tuple(_INPUTS), name=3410),
    Probe(TankPump, *PUMP_PROBE, (GX_UNIT,)),
    Probe(DcLoad, 4300, 1, _VE_DIRECT_OR_CAN, name=4320),
    Probe(DcSource, 4200, 1, _VE_DIRECT_OR_CAN, name=4220),
    Probe(DcSystem, 4400, 1, _VE_DIRECT_OR_CAN, name=4420),
    Probe(FuelCell, 4000, 1, _VE_DIRECT_OR_CAN),
    Probe(MotorDrive, 2048, 1, _VE_DIRECT_OR_CAN),
)
DEVICES: Mapping[str, type[VictronDevice]] = {
    GxDevice.kind: GxDevice,
    **{probe.device.kind: probe.device for probe in PROBES},
}


class VictronGateway:
    """A GX with its Modbus TCP server switched on."""

    def __init__(
        self,
        unit_for: UnitFor,
        interval: float,
        *,
        extra_units: Iterable[int] = (),
        maximum_input_current: float = DEFAULT_INPUT_CURRENT,
        bms: BmsSetup | None = None,
    ) -> None:
        """``interval`` is the time in s between two rounds, ``extra_units`` where else to look for devices.

        ``maximum_input_current`` in A is the most that an inverter/charger's input may be set to; ``bms`` is what the
        user says of the VE.Bus BMS.
        """
        self._unit_for = unit_for
        self._interval = interval
        self._extra_units = tuple(extra_units)
        self._maximum_input_current = maximum_input_current
        self._bms = bms or BmsSetup()
        # Devices that nobody reads any more go out of it by themselves.
        self._batteries: WeakValueDictionary[str, BatteryDevice] = WeakValueDictionary()
        self._has_names = True
        self._relay_generator = False
        self._relay_pump = False

    @classmethod
    def from_settings(cls, unit_for: UnitFor, interval: float, settings: Mapping[str, Any]) -> Self:
        """Make it as the user set it up."""
        return cls(
            unit_for,
            interval,
            extra_units=settings.get("unit_ids", ()),
            maximum_input_current=float(settings.get("maximum_input_current", DEFAULT_INPUT_CURRENT)),
            bms=BmsSetup.from_options(settings.get("battery_management", {})),
        )

    @property
    def rejected(self) -> bool:
        """Modbus TCP knows no credentials."""
        return False

    async def close(self) -> None:
        """Nothing is open beside the connection."""

    async def _read(self, unit_id: int, address: int, count: int) -> list[int]:
        """Read registers, once more after silence. Raises ``GatewayError``."""
        unit = self._unit_for(unit_id)
        try:
            with translated_errors():
                return await unit.read_holding_registers(address, count)
        except CannotConnect as err:
            if err.reason != "silent":
                raise
        with translated_errors():
            return await unit.read_holding_registers(address, count)

    async def probe(self) -> Identity:
        """Read who it is. Raises ``CannotConnect``, or ``NotThisDevice`` for anything that is not a GX."""
        try:
            words = await self._read(GX_UNIT, 800, 6)
        except (DeviceGone, NotSupported) as err:
            raise NotThisDevice from err
        serial = text(800, 6).decode(words) or ""
        if len(serial) != SERIAL_LENGTH or not set(serial.lower()) <= set("0123456789abcdef"):
            raise NotThisDevice
        version = None
        try:
            number, beta = await self._read(GX_UNIT, 834, 2)
            version = firmware(number << 8 | beta & 0xFF) if number else None
        except DeviceGone, NotSupported:
            pass
        return Identity(
            manufacturer=GxDevice.manufacturer,
            model=GxDevice.model,
            serial=serial,
            firmware=version,
            name=await self._name(GX_UNIT, 5700),
        )

    async def _text(self, unit_id: int, address: int, length: int) -> str | None:
        value: str | None = text(address, length).decode(await self._read(unit_id, address, length))
        return value

    async def _name(self, unit_id: int, address: int | None) -> str | None:
        """The name that the owner gave; a server that lacks one such register lacks them all, and is asked no more."""
        if address is None or not self._has_names:
            return None
        try:
            return await self._text(unit_id, address, NAME_LENGTH)
        except DeviceGone:
            return None
        except NotSupported:
            self._has_names = False
            return None

    async def discover(self, extra_units: Iterable[int] = (), *, full: bool = False) -> AsyncIterator[Progress | Found]:
        """Look for devices at their usual unit ids and the extra ones, or with ``full`` at all; one request at a time.

        Raises ``CannotConnect``.
        """
        more = tuple(GX_UNIT if unit == 0 else unit for unit in (*self._extra_units, *extra_units))
        places = {probe: ALL_UNITS if full else tuple(dict.fromkeys((*probe.units, *more))) for probe in PROBES}
        questions, asked = sum(map(len, places.values())), 0
        yield Progress(0, questions)
        self._has_names, self._relay_generator, self._relay_pump = True, False, False
        yield Found(key=GX_KEY, kind=GxDevice.kind, unit_id=GX_UNIT, name=await self._name(GX_UNIT, 5700))
        for probe, units in places.items():
            there: list[Found] = []
            for place, unit_id in enumerate(units, asked + 1):
                try:
                    await self._read(unit_id, probe.address, probe.count)
                except DeviceGone:
                    pass
                except NotSupported:
                    # A firmware that does not know the register knows no such device: every refusal shows on the GX.
                    break
                else:
                    found = await self._found(probe, unit_id)
                    there += [found] if found else []
                if place % PROGRESS_EVERY == 0:
                    yield Progress(place, questions)
            asked += len(units)
            for one in _once_each(there):
                yield one
        yield Progress(questions, questions)

    async def _found(self, probe: Probe, unit_id: int) -> Found | None:
        """What is at a unit. None if it is gone before it said its serial: its key would be another next time."""
        kind = probe.device.kind
        if unit_id == GX_UNIT:
            self._relay_generator |= kind == GeneratorStartStop.kind
            self._relay_pump |= kind == TankPump.kind
        serial = None
        try:
            if probe.serial:
                serial = await self._text(unit_id, *probe.serial)
        except DeviceGone:
            return None
        except NotSupported:
            pass
        name = await self._name(unit_id, probe.name)
        return Found(key=f"{kind}_{serial or unit_id}".lower(), kind=kind, unit_id=unit_id, serial=serial, name=name)

    def device(self, found: Found) -> VictronDevice:
        """Make a device that was found."""
        device = DEVICES[found.kind](found, self._unit_for(found.unit_id), self._interval)
        if isinstance(device, GxDevice):
            device.relay_generator, device.relay_pump = self._relay_generator, self._relay_pump
            device.bms = self._bms
        elif isinstance(device, InverterCharger):
            device.maximum_input_current = self._maximum_input_current
            device.bms, device.batteries = self._bms, lambda: list(self._batteries.values())
        elif isinstance(device, BatteryDevice):
            self._batteries[device.key] = device
        return device


def _once_each(there: Iterable[Found]) -> list[Found]:
    """Each device once: of two unit ids, the one that is its instance rather than mapped to it."""
    devices: dict[str, Found] = {}
    for found in sorted(there, key=lambda found: found.unit_id in MAPPED_UNITS):
        devices.setdefault(found.key, found)
    return list(devices.values())

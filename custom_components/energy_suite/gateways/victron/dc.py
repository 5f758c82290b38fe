"""DC energy meters, by what the GX was told that they measure."""

from collections.abc import Mapping
from typing import ClassVar, override

from modbus_connection import ModbusUnit

from ..base import Alarm, Found
from ..registers import Registers
from . import alarms
from .device import Counter, Reading, VictronDevice
from .fields import code, int16, text, uint16, uint32

# Without a voltage a meter measures nothing: its current of 0 is none.
_MEASURED: Mapping[str, str] = {"current": "voltage"}


class FuelCellLive(Registers):
    """What a fuel cell gives."""

    service = "fuelcell"
    layouts = (((4000, 4011),),)
    absent_unless: ClassVar[Mapping[str, str]] = _MEASURED

    voltage = uint16(4000, 0.01, nan=0, unit="V")
    current = int16(4001, 0.1, unit="A")
    auxiliary_voltage = int16(4002, 0.1, nan=0, unit="V")
    temperature = int16(4003, 0.1, nan=0, unit="°C")
    energy = uint32(4004, 0.01, unit="kWh")
    low_voltage_alarm = code(4006)
    high_voltage_alarm = code(4007)
    low_auxiliary_voltage_alarm = code(4008)
    high_auxiliary_voltage_alarm = code(4009)
    low_temperature_alarm = code(4010)
    high_temperature_alarm = code(4011)


class DcSourceLive(Registers):
    """What another DC source gives, such as a wind or water turbine."""

    service = "dcsource"
    layouts = (((4200, 4227),), ((4200, 4211),))
    absent_unless: ClassVar[Mapping[str, str]] = _MEASURED

    voltage = uint16(4200, 0.01, nan=0, unit="V")
    current = int16(4201, 0.1, unit="A")
    auxiliary_voltage = int16(4202, 0.1, nan=0, unit="V")
    temperature = int16(4203, 0.1, nan=0, unit="°C")
    energy = uint32(4204, 0.01, unit="kWh")
    low_voltage_alarm = code(4206)
    high_voltage_alarm = code(4207)
    low_auxiliary_voltage_alarm = code(4208)
    high_auxiliary_voltage_alarm = code(4209)
    low_temperature_alarm = code(4210)
    high_temperature_alarm = code(4211)
    custom_name = text(4220, 8, writable=True)


class DcLoadLive(Registers):
    """What a DC load takes."""

    service = "dcload"
    layouts = (((4300, 4327),), ((4300, 4311),))
    absent_unless: ClassVar[Mapping[str, str]] = _MEASURED

    voltage = uint16(4300, 0.01, nan=0, unit="V")
    current = int16(4301, 0.1, unit="A")
    auxiliary_voltage = int16(4302, 0.1, nan=0, unit="V")
    temperature = int16(4303, 0.1, nan=0, unit="°C")
    energy = uint32(4304, 0.01, unit="kWh")
    low_voltage_alarm = code(4306)
    high_voltage_alarm = code(4307)
    low_auxiliary_voltage_alarm = code(4308)
    high_auxiliary_voltage_alarm = code(4309)
    low_temperature_alarm = code(4310)
    high_temperature_alarm = code(4311)
    custom_name = text(4320, 8, writable=True)


class DcSystemLive(Registers):
    """What a DC system takes and gives."""

    service = "dcsystem"
    layouts = (((4400, 4427),), ((4400, 4413),))
    absent_unless: ClassVar[Mapping[str, str]] = _MEASURED

    voltage = uint16(4400, 0.01, nan=0, unit="V")
    current = int16(4401, 0.1, unit="A")
    auxiliary_voltage = int16(4402, 0.1, nan=0, unit="V")
    temperature = int16(4403, 0.1, nan=0, unit="°C")
    energy_produced = uint32(4404, 0.01, unit="kWh")
    energy_consumed = uint32(4406, 0.01, unit="kWh")
    low_voltage_alarm = code(4408)
    high_voltage_alarm = code(4409)
    low_auxiliary_voltage_alarm = code(4410)
    high_auxiliary_voltage_alarm = code(4411)
    low_temperature_alarm = code(4412)
    high_temperature_alarm = code(4413)
    custom_name = text(4420, 8, writable=True)


class _DcMeter[R: FuelCellLive | DcSourceLive | DcLoadLive | DcSystemLive](VictronDevice):
    """A DC meter; a reading finds its field by name, which is the same in all four."""

    live: R
    registers: type[R]

    def __init__(self, found: Found, unit: ModbusUnit, interval: float) -> None:
        super().__init__(found, unit, interval)
        self.live = self.add_part("live", self.registers)

    voltage = Reading(DcSystemLive.voltage)
    current = Reading(DcSystemLive.current)
    auxiliary_voltage = Reading(DcSystemLive.auxiliary_voltage)
    temperature = Reading(DcSystemLive.temperature)

    @property
    def power(self) -> float | None:
        """Power in W, with the sign of the current; no register has it."""
        voltage, current = self.voltage, self.current
        return None if voltage is None or current is None else round(voltage * current, 1)

    @property
    @override
    def alarms(self) -> tuple[Alarm, ...]:
        return tuple(alarms.raised(self.live, alarms.DC_METER))


class FuelCell(_DcMeter[FuelCellLive]):
    """A fuel cell."""

    kind = "fuel_cell"
    registers = FuelCellLive
    energy = Counter(FuelCellLive.energy)


class DcSource(_DcMeter[DcSourceLive]):
    """A DC source."""

    kind = "dc_source"
    registers = DcSourceLive
    energy = Counter(DcSourceLive.energy)


class DcLoad(_DcMeter[DcLoadLive]):
    """A DC load."""

    kind = "dc_load"
    registers = DcLoadLive
    energy = Counter(DcLoadLive.energy)


class DcSystem(_DcMeter[DcSystemLive]):
    """All that is on the DC side behind one meter."""

    kind = "dc_system"
    registers = DcSystemLive
    energy_produced = Counter(DcSystemLive.energy_produced)
    energy_consumed = Counter(DcSystemLive.energy_consumed)

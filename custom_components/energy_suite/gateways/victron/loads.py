"""What consumes: heat pumps, tank pumps, electric drives."""

from collections.abc import Mapping
from typing import ClassVar, override

from modbus_connection import ModbusUnit

from ..base import Alarm, Found
from ..registers import Registers
from . import alarms
from .device import Coded, Counter, Flag, Reading, VictronDevice
from .enums import HeatPumpState
from .fields import SATURATED_INT16, code, int16, text, uint16, uint32


class HeatPumpLive(Registers):
    """What a heat pump does."""

    service = "heatpump"
    layouts = (((5500, 5517),), ((5500, 5507),))

    product_id = code(5500, nan=0)
    state = code(5501)
    power = uint32(5502, unit="W")
    energy = uint32(5504, 0.01, unit="kWh")
    temperature = int16(5506, 0.1, nan=0, unit="°C")
    target_temperature = int16(5507, 0.1, nan=0, unit="°C")
    custom_name = text(5510, 8, writable=True)


class HeatPump(VictronDevice):
    """A heat pump, or an energy meter in its role. Temperatures are of what it heats: a room, water."""

    kind = "heat_pump"

    def __init__(self, found: Found, unit: ModbusUnit, interval: float) -> None:
        super().__init__(found, unit, interval)
        self.live = self.add_part("live", HeatPumpLive)

    power = Reading(HeatPumpLive.power)
    energy = Counter(HeatPumpLive.energy)
    temperature = Reading(HeatPumpLive.temperature)
    target_temperature = Reading(HeatPumpLive.target_temperature)
    _state = Coded(HeatPumpLive.state, HeatPumpState)

    @property
    def state(self) -> HeatPumpState | None:
        """What it does; a plain meter says 0 here, and no temperature."""
        says = self.live.state or self.temperature is not None or self.target_temperature is not None
        return self._state if says else None

    @property
    @override
    def alarms(self) -> tuple[Alarm, ...]:
        return tuple(alarms.fault("heat_pump", self.state is HeatPumpState.ERROR, None))


class TankPumpLive(Registers):
    """What the tank pump does."""

    service = "pump"
    layouts = (((4700, 4700),),)

    state = code(4700)


class TankPump(VictronDevice):
    """The pump that the GX starts and stops by the level of a tank."""

    kind = "tank_pump"

    def __init__(self, found: Found, unit: ModbusUnit, interval: float) -> None:
        super().__init__(found, unit, interval)
        self.live = self.add_part("live", TankPumpLive)

    running = Flag(TankPumpLive.state)


class MotorDriveLive(Registers):
    """What an electric drive does."""

    service = "motordrive"
    layouts = (((2048, 2053),),)
    absent_unless: ClassVar[Mapping[str, str]] = {"current": "voltage", "power": "voltage"}

    motor_speed = int16(2048)
    motor_temperature = int16(2049, 0.1, nan=0, unit="°C")
    voltage = uint16(2050, 0.01, nan=0, unit="V")
    current = int16(2051, 0.1, unit="A")
    power = int16(2052, 0.1, unit="W")
    controller_temperature = int16(2053, 0.1, nan=0, unit="°C")


class MotorDrive(VictronDevice):
    """An electric drive. Speed in rpm; power is positive when it takes it from the battery."""

    kind = "motor_drive"

    def __init__(self, found: Found, unit: ModbusUnit, interval: float) -> None:
        super().__init__(found, unit, interval)
        self.live = self.add_part("live", MotorDriveLive)

    motor_speed = Reading(MotorDriveLive.motor_speed)
    motor_temperature = Reading(MotorDriveLive.motor_temperature)
    voltage = Reading(MotorDriveLive.voltage)
    current = Reading(MotorDriveLive.current)
    controller_temperature = Reading(MotorDriveLive.controller_temperature)

    @property
    def power(self) -> float | None:
        """Power in W."""
        voltage, current, power = self.voltage, self.current, self.live.power
        if voltage is None or current is None:
            return power
        worked_out = round(voltage * current, 1)
        # The register holds 3.2 kW, and then starts over.
        return worked_out if abs(worked_out) > SATURATED_INT16 / 10 else power

"""What the GX measures around the installation: tanks, temperatures, inputs, weather, position."""

from collections.abc import Mapping
from typing import ClassVar, override

from modbus_connection import ModbusUnit

from ..base import Alarm, Found
from ..registers import Registers
from . import alarms
from .device import Coded, Flag, Reading, VictronDevice
from .enums import DigitalInputType, FluidType, InputState, SensorStatus, TemperatureType
from .fields import code, int16, int32, text, uint16, uint32

# --- tanks -------------------------------------------------------------------------------------------------------


class TankLive(Registers):
    """How full a tank is."""

    service = "tank"
    layouts = (((3000, 3017),), ((3000, 3007),))

    product_id = code(3000, nan=0)
    capacity = uint32(3001, 0.0001, nan=0)
    fluid_type = code(3003)
    level = uint16(3004, 0.1, unit="%")
    remaining = uint32(3005, 0.0001)
    status = code(3007)
    custom_name = text(3010, 8, writable=True)


class Tank(VictronDevice):
    """A tank with a level sensor. Volumes are in m³."""

    kind = "tank"

    def __init__(self, found: Found, unit: ModbusUnit, interval: float) -> None:
        super().__init__(found, unit, interval)
        self.live = self.add_part("live", TankLive)

    sensor_status = Coded(TankLive.status, SensorStatus)
    fluid_type = Coded(TankLive.fluid_type, FluidType)
    capacity = Reading(TankLive.capacity)

    @property
    def level(self) -> float | None:
        """How full it is in %; a sensor at fault reads as an empty tank."""
        return self.live.level if self.sensor_status is SensorStatus.OK else None

    @property
    def remaining(self) -> float | None:
        """What is in it in m³, for a tank whose capacity is known."""
        return None if self.level is None or self.capacity is None else self.live.remaining

    @property
    @override
    def alarms(self) -> tuple[Alarm, ...]:
        return tuple(alarms.raised(self.live, alarms.SENSOR))


# --- temperatures ------------------------------------------------------------------------------------------------


class TemperatureLive(Registers):
    """What a temperature sensor measures, and whatever else is in its housing."""

    service = "temperature"
    layouts = (((3300, 3327),), ((3300, 3314),), ((3300, 3308),), ((3300, 3305),))
    # What may really be 0 tells nothing by itself; a sensor of the air has them all.
    absent_unless: ClassVar[Mapping[str, str]] = dict.fromkeys(("luminosity", "nox", "pm25", "voc"), "carbon_dioxide")

    product_id = code(3300, nan=0)
    scale = uint16(3301, 0.01)
    offset = int16(3302, 0.01)
    type = code(3303)
    temperature = int16(3304, 0.01, unit="°C")
    status = code(3305)
    humidity = uint16(3306, 0.1, nan=0, unit="%")
    battery_voltage = uint16(3307, 0.01, nan=0, unit="V")
    pressure = uint16(3308, nan=0)
    carbon_dioxide = uint16(3309, nan=0)
    luminosity = uint32(3310)
    nox = uint16(3312)
    pm25 = uint16(3313)
    voc = uint16(3314)
    custom_name = text(3320, 8, writable=True)


class TemperatureSensor(VictronDevice):
    """A temperature sensor, or a wireless one that measures more of the air."""

    kind = "temperature_sensor"

    def __init__(self, found: Found, unit: ModbusUnit, interval: float) -> None:
        super().__init__(found, unit, interval)
        self.live = self.add_part("live", TemperatureLive)

    sensor_status = Coded(TemperatureLive.status, SensorStatus)
    sensor_type = Coded(TemperatureLive.type, TemperatureType)
    humidity = Reading(TemperatureLive.humidity)
    battery_voltage = Reading(TemperatureLive.battery_voltage)
    atmospheric_pressure = Reading(TemperatureLive.pressure)
    carbon_dioxide = Reading(TemperatureLive.carbon_dioxide)
    illuminance = Reading(TemperatureLive.luminosity)
    nox_index = Reading(TemperatureLive.nox)
    pm25 = Reading(TemperatureLive.pm25)
    voc_index = Reading(TemperatureLive.voc)

    @property
    def temperature(self) -> float | None:
        """Temperature in °C."""
        live = self.live
        # 0 is also what a sensor reads that measures nothing. One on a wire has a scale, and says in its status that it
        # is at fault; a wireless one measures other things too.
        measures = live.temperature or live.scale or live.humidity or live.pressure or live.battery_voltage
        return live.temperature if measures and self.sensor_status is SensorStatus.OK else None

    @property
    @override
    def alarms(self) -> tuple[Alarm, ...]:
        return tuple(alarms.raised(self.live, alarms.SENSOR))


# --- inputs ------------------------------------------------------------------------------------------------------


class DigitalInputLive(Registers):
    """What a digital input sees."""

    service = "digitalinput"
    layouts = (((3420, 3437),), ((3420, 3424),))

    count = uint32(3420)
    state = code(3422)
    alarm = code(3423)
    type = code(3424)
    custom_name = text(3430, 8, writable=True)


_ALARM_INPUTS = (
    DigitalInputType.BILGE_ALARM,
    DigitalInputType.BURGLAR_ALARM,
    DigitalInputType.FIRE_ALARM,
    DigitalInputType.CO2_ALARM,
)
# Which alarm an input raises; what is not here has no name of its own.
_ALARM_NAMES = (
    *_ALARM_INPUTS,
    DigitalInputType.SMOKE_ALARM,
    DigitalInputType.DOOR,
    DigitalInputType.BILGE_PUMP,
    DigitalInputType.GENERATOR,
)


class DigitalInput(VictronDevice):
    """A digital input of the GX; what its levels mean is set there."""

    kind = "digital_input"

    def __init__(self, found: Found, unit: ModbusUnit, interval: float) -> None:
        super().__init__(found, unit, interval)
        self.live = self.add_part("live", DigitalInputLive)

    input_type = Coded(DigitalInputLive.type, DigitalInputType)
    count = Reading(DigitalInputLive.count)
    _state = Coded(DigitalInputLive.state, InputState)

    @property
    def input_state(self) -> InputState | None:
        """Its state in the GX's own words; an input that says not what it is for has none."""
        return None if self.input_type is None else self._state

    def _is(self, state: InputState, *types: DigitalInputType) -> bool | None:
        known = self.input_type in types and self.input_state is not None
        return self.input_state is state if known else None

    @property
    def door(self) -> bool | None:
        """Whether a door is open."""
        return self._is(InputState.OPEN, DigitalInputType.DOOR)

    @property
    def running(self) -> bool | None:
        """Whether a bilge pump or a generator runs."""
        return self._is(InputState.RUNNING, DigitalInputType.BILGE_PUMP, DigitalInputType.GENERATOR)

    @property
    def generator_running(self) -> bool | None:
        """Whether a generator runs, of an input that is for one."""
        return self._is(InputState.RUNNING, DigitalInputType.GENERATOR)

    @property
    def smoke(self) -> bool | None:
        """Whether there is smoke."""
        return self._is(InputState.ALARM, DigitalInputType.SMOKE_ALARM)

    @property
    def safety(self) -> bool | None:
        """Whether another alarm device has gone off."""
        return self._is(InputState.ALARM, *_ALARM_INPUTS)

    @property
    @override
    def alarms(self) -> tuple[Alarm, ...]:
        # 1 would be a warning, as everywhere on the GX; the list gives 2 alone.
        severity = alarms.LEVELS.get(self.live.alarm or 0)
        if severity is None:
            return ()
        kind = self.input_type
        named = f"digital_input_{kind.name.lower()}" if kind in _ALARM_NAMES and kind else "digital_input"
        return (Alarm(named, severity, notify_by_default=True),)


class PulseMeterLive(Registers):
    """What a pulse meter counts."""

    service = "pulsemeter"
    layouts = (((3400, 3417),), ((3400, 3403),))

    aggregate = uint32(3400)
    count = uint32(3402)
    custom_name = text(3410, 8, writable=True)


class PulseMeter(VictronDevice):
    """A meter that gives a pulse per amount, on a digital input of the GX."""

    kind = "pulse_meter"

    def __init__(self, found: Found, unit: ModbusUnit, interval: float) -> None:
        super().__init__(found, unit, interval)
        self.live = self.add_part("live", PulseMeterLive)

    # In whole m³ (README of victronenergy/dbus-digitalinputs).
    volume = Reading(PulseMeterLive.aggregate)
    count = Reading(PulseMeterLive.count)


# --- weather and position ----------------------------------------------------------------------------------------


class MeteoLive(Registers):
    """What an irradiance sensor and those connected to it measure."""

    service = "meteo"
    layouts = (((3600, 3617),), ((3600, 3604),), ((3600, 3603),))

    irradiance = uint16(3600, 0.1)
    wind_speed = uint16(3601, 0.1)
    cell_temperature = int16(3602, 0.1, nan=0, unit="°C")
    external_temperature = int16(3603, 0.1, nan=0, unit="°C")
    external_temperature_2 = int16(3604, 0.1, nan=0, unit="°C")
    custom_name = text(3610, 8, writable=True)


class Meteo(VictronDevice):
    """An irradiance sensor. Irradiance in W/m², wind in m/s."""

    kind = "meteo"

    def __init__(self, found: Found, unit: ModbusUnit, interval: float) -> None:
        super().__init__(found, unit, interval)
        self.live = self.add_part("live", MeteoLive)

    irradiance = Reading(MeteoLive.irradiance)
    wind_speed = Reading(MeteoLive.wind_speed)
    cell_temperature = Reading(MeteoLive.cell_temperature)
    external_temperature = Reading(MeteoLive.external_temperature)
    external_temperature_2 = Reading(MeteoLive.external_temperature_2)


class GpsLive(Registers):
    """Where a GPS receiver is, as long as it has a fix."""

    service = "gps"
    layouts = (((2800, 2809),), ((2800, 2807),))
    private = frozenset(("latitude", "longitude", "altitude"))
    absent_unless: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("latitude", "longitude", "course", "ground_speed", "altitude"), "fix"
    )

    latitude = int32(2800, 1e-7)
    longitude = int32(2802, 1e-7)
    course = uint16(2804, 0.01)
    ground_speed = uint16(2805, 0.01)
    fix = code(2806)
    satellites = code(2807)
    altitude = int32(2808, 0.1)


def _within(value: float | None, limit: float) -> float | None:
    """A coordinate, as fine as its register; None for what is none."""
    return None if value is None or abs(value) > limit else round(value, 7)


class Gps(VictronDevice):
    """A GPS receiver. Speed in m/s, course in °, altitude in m."""

    kind = "gps"

    def __init__(self, found: Found, unit: ModbusUnit, interval: float) -> None:
        super().__init__(found, unit, interval)
        self.live = self.add_part("live", GpsLive)

    fix = Flag(GpsLive.fix)
    satellites = Reading(GpsLive.satellites)
    speed = Reading(GpsLive.ground_speed)
    course = Reading(GpsLive.course)
    altitude = Reading(GpsLive.altitude)

    @property
    def latitude(self) -> float | None:
        """Degrees north."""
        return _within(self.live.latitude, 90)

    @property
    def longitude(self) -> float | None:
        """Degrees east."""
        return _within(self.live.longitude, 180)

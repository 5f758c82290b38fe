"""The entities of what the GX measures around the installation."""

from typing import Final

from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.const import EntityCategory

from ...gateways.victron.enums import DigitalInputType, FluidType, InputState, SensorStatus, TemperatureType
from ..common import (
    AIR_PRESSURE,
    ANGLE,
    CARBON_DIOXIDE,
    COUNT,
    DC_VOLTAGE,
    HEIGHT,
    HUMIDITY,
    ILLUMINANCE,
    IRRADIANCE,
    METERED_VOLUME,
    PARTICLES,
    PERCENT,
    SPEED,
    STORED_VOLUME,
    TEMPERATURE,
    TOTAL_COUNT,
    WIND_SPEED,
    disabled,
    flag,
    if_known,
    installer,
    mode,
    reading,
    tracker,
)
from ..descriptions import Description

DIAGNOSTIC: Final = EntityCategory.DIAGNOSTIC

TANK: Final[tuple[Description, ...]] = (
    reading("level", PERCENT),
    mode("fluid_type", FluidType),
    *if_known(
        reading("remaining", STORED_VOLUME),
        *disabled(reading("capacity", STORED_VOLUME, name="tank_capacity", entity_category=DIAGNOSTIC)),
    ),
    *installer(mode("sensor_status", SensorStatus)),
)

TEMPERATURE_SENSOR: Final[tuple[Description, ...]] = (
    reading("temperature", TEMPERATURE),
    *if_known(
        reading("humidity", HUMIDITY),
        reading("atmospheric_pressure", AIR_PRESSURE),
        reading("carbon_dioxide", CARBON_DIOXIDE),
        reading("illuminance", ILLUMINANCE),
        reading("pm25", PARTICLES),
        reading("voc_index", COUNT),
        reading("nox_index", COUNT),
        reading("battery_voltage", DC_VOLTAGE, entity_category=DIAGNOSTIC),
    ),
    *installer(mode("sensor_type", TemperatureType), mode("sensor_status", SensorStatus)),
)

DIGITAL_INPUT: Final[tuple[Description, ...]] = (
    mode("input_state", InputState),
    *if_known(
        flag("door", device_class=BinarySensorDeviceClass.DOOR),
        flag("running", device_class=BinarySensorDeviceClass.RUNNING),
        flag("smoke", device_class=BinarySensorDeviceClass.SMOKE),
        flag("safety", device_class=BinarySensorDeviceClass.SAFETY),
    ),
    *disabled(reading("count", TOTAL_COUNT)),
    *installer(mode("input_type", DigitalInputType)),
)

PULSE_METER: Final[tuple[Description, ...]] = (
    reading("volume", METERED_VOLUME),
    reading("count", TOTAL_COUNT),
)

METEO: Final[tuple[Description, ...]] = (
    reading("irradiance", IRRADIANCE),
    *if_known(
        reading("cell_temperature", TEMPERATURE),
        reading("external_temperature", TEMPERATURE),
        reading("external_temperature_2", TEMPERATURE),
    ),
    # Without an anemometer it reads 0, as in a calm.
    *disabled(reading("wind_speed", WIND_SPEED)),
)

GPS: Final[tuple[Description, ...]] = (
    tracker("location"),
    reading("speed", SPEED),
    reading("course", ANGLE),
    *disabled(reading("altitude", HEIGHT)),
    *installer(reading("satellites", COUNT), flag("fix")),
)

ENVIRONMENT: Final[dict[str, tuple[Description, ...]]] = {
    "tank": TANK,
    "temperature_sensor": TEMPERATURE_SENSOR,
    "digital_input": DIGITAL_INPUT,
    "pulse_meter": PULSE_METER,
    "meteo": METEO,
    "gps": GPS,
}

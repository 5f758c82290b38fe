"""The entities of what consumes, and of the DC meters."""

from typing import Final

from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass

from ...gateways.victron.enums import HeatPumpState
from ..common import (
    CURRENT,
    DC_VOLTAGE,
    ENERGY,
    FREQUENCY,
    POWER,
    POWER_FACTOR,
    ROTATION,
    TEMPERATURE,
    disabled,
    flag,
    if_known,
    meter,
    mode,
    reading,
)
from ..descriptions import Description

AC_LOAD: Final[tuple[Description, ...]] = (
    *meter(),
    reading("energy", ENERGY),
    *if_known(*disabled(reading("frequency", FREQUENCY), reading("power_factor", POWER_FACTOR))),
)

HEAT_PUMP: Final[tuple[Description, ...]] = (
    reading("power", POWER),
    *if_known(
        reading("energy", ENERGY),
        mode("state", HeatPumpState),
        reading("temperature", TEMPERATURE),
        reading("target_temperature", TEMPERATURE),
    ),
)

TANK_PUMP: Final[tuple[Description, ...]] = (flag("running", device_class=BinarySensorDeviceClass.RUNNING),)

MOTOR_DRIVE: Final[tuple[Description, ...]] = (
    reading("motor_speed", ROTATION),
    reading("power", POWER),
    reading("voltage", DC_VOLTAGE),
    reading("current", CURRENT),
    *if_known(
        reading("motor_temperature", TEMPERATURE),
        reading("controller_temperature", TEMPERATURE),
    ),
)

DC_METER: Final[tuple[Description, ...]] = (
    reading("power", POWER),
    reading("voltage", DC_VOLTAGE),
    reading("current", CURRENT),
    *if_known(
        reading("auxiliary_voltage", DC_VOLTAGE),
        reading("temperature", TEMPERATURE),
    ),
)
# What a meter of one direction counts needs no other name than that of its device.
ONE_WAY: Final[tuple[Description, ...]] = (*DC_METER, *if_known(reading("energy", ENERGY)))
DC_SYSTEM: Final[tuple[Description, ...]] = (
    *DC_METER,
    *if_known(reading("energy_consumed", ENERGY), reading("energy_produced", ENERGY)),
)

LOADS: Final[dict[str, tuple[Description, ...]]] = {
    "ac_load": AC_LOAD,
    "heat_pump": HEAT_PUMP,
    "tank_pump": TANK_PUMP,
    "motor_drive": MOTOR_DRIVE,
    "dc_load": ONE_WAY,
    "dc_source": ONE_WAY,
    "dc_system": DC_SYSTEM,
    "fuel_cell": ONE_WAY,
}

"""Names that several modules share."""

import logging
from typing import Final

from homeassistant.const import Platform

DOMAIN: Final = "energy_suite"
LOGGER: Final = logging.getLogger(__package__)

PLATFORMS: Final = [
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.DEVICE_TRACKER,
    Platform.EVENT,
    Platform.NUMBER,
    Platform.SELECT,
    Platform.SENSOR,
    Platform.SWITCH,
]

# Entry data: chosen when the gateway is added.
CONF_GATEWAY: Final = "gateway"
CONF_UID: Final = "uid"
CONF_DEVICES: Final = "devices"

# Entry options.
CONF_INTERVAL: Final = "interval"
CONF_DELAY: Final = "delay_before_sending"
CONF_CONTROLS: Final = "enabled_controls"
CONF_MAXIMUM_INPUT_CURRENT: Final = "maximum_input_current"
CONF_BATTERY_MANAGEMENT: Final = "battery_management"
CONF_BMS: Final = "bms"
CONF_PRE_ALARM_VOLTAGE: Final = "pre_alarm_voltage"
CONF_BATTERY_CAPACITY: Final = "battery_capacity"
CONF_STANDBY_CURRENT: Final = "standby_current"
CONF_HEALTH_CHECKS: Final = "health_checks"
CONF_UNIT_IDS: Final = "unit_ids"
CONF_FULL_SCAN: Final = "full_scan"

EVENT_COMMAND: Final = f"{DOMAIN}_command"

"""Names that several modules share."""

import logging
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
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

CONF_CHANNELS: Final = "channels"
CONF_UNIT_ID: Final = "unit_id"
CONF_TABLE: Final = "table"
CONF_SNMP_VERSION: Final = "snmp_version"
CONF_SNMP_PORT: Final = "snmp_port"
CONF_COMMUNITY: Final = "community"
CONF_WRITE_COMMUNITY: Final = "write_community"
CONF_USER: Final = "user"
CONF_LEVEL: Final = "level"
CONF_AUTH_PROTOCOL: Final = "auth_protocol"
CONF_AUTH_PASSWORD: Final = "auth_password"  # noqa: S105 - the name of a field
CONF_PRIV_PROTOCOL: Final = "priv_protocol"
CONF_PRIV_PASSWORD: Final = "priv_password"  # noqa: S105 - the name of a field
CONF_LOGGER_SERIAL: Final = "logger_serial"
CONF_PROTOCOL: Final = "protocol"
CONF_PROFILE: Final = "profile"
CONF_CONFIRMED: Final = "confirmed"
CONF_FRAMING: Final = "framing"
CONF_COUPLING: Final = "coupling"
CONF_METERING: Final = "metering"
# Asked when a stick is added, and not kept.
CONF_PROFILE_FILE: Final = "profile_file"
CONF_SEARCH: Final = "search"
CONF_STICK: Final = "stick"

SECRETS: Final = frozenset({CONF_COMMUNITY, CONF_WRITE_COMMUNITY, CONF_USER, CONF_AUTH_PASSWORD, CONF_PRIV_PASSWORD})
"""What of an entry is never shown to anyone."""

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
CONF_TRAP_PORT: Final = "trap_port"
CONF_WRITE_REGISTER: Final = "write_register"
CONF_SPACING: Final = "message_spacing"
CONF_MONITOR_CONNECTION: Final = "monitor_connection"
CONF_TOLERATED_GAP: Final = "tolerated_gap"

# Options of the site's entry. There ``CONF_LEVEL`` is how much of what devices report is told.
CONF_MONITORING: Final = "monitoring"
CONF_WARNINGS_FROM: Final = "warnings_from"
CONF_SILENT: Final = "silent"
CONF_GRID: Final = "grid"
CONF_MOST_MESSAGES: Final = "most_messages"
CONF_WITHIN: Final = "within"
CONF_QUIET: Final = "quiet"

SUBENTRY_DEVICE: Final = "device"
"""The kind of subentry that is a device behind a Modbus gateway."""

SITE: Final = "site"
"""What stands for the kind of gateway in the entry that is none: the installation as a whole, and its alarms."""
SUBENTRY_RULE: Final = "alarm_rule"
SUBENTRY_RECIPIENT: Final = "recipient"
SUBENTRY_GEOFENCE: Final = "geofence"

EVENT_COMMAND: Final = f"{DOMAIN}_command"
EVENT_ALARM: Final = f"{DOMAIN}_alarm"


def is_site(entry: ConfigEntry[Any]) -> bool:
    """Whether an entry is the installation as a whole, and not a gateway."""
    # An entry that the user ignores has no data.
    return bool(entry.data.get(CONF_GATEWAY) == SITE)

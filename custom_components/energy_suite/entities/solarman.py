"""The entities of a SOLARMAN stick; those of the inverter behind it come from its profile."""

from dataclasses import replace
from typing import Final

from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.const import EntityCategory

from ..gateways.solarman.devices import LoggerStick
from .common import TOTAL_HOURS, flag, installer, reading, where
from .descriptions import Description


def _speaks_v5(stick: LoggerStick) -> bool:
    """Over plain Modbus TCP a stick says nothing of itself."""
    return stick.presence.stick is not None


SOLARMAN: Final[dict[str, tuple[Description, ...]]] = {
    LoggerStick.kind: tuple(
        where(
            _speaks_v5,
            flag(
                "inverter_connected",
                device_class=BinarySensorDeviceClass.CONNECTIVITY,
                entity_category=EntityCategory.DIAGNOSTIC,
            ),
            # It begins anew with every power-on.
            *installer(reading("uptime", replace(TOTAL_HOURS, step=600.0))),
        )
    )
}

"""The entities of pulse meters; those of other devices behind a Modbus gateway come from their profiles."""

from dataclasses import replace
from typing import Final

from homeassistant.components.sensor import SensorDeviceClass

from ..gateways.base import Device
from ..gateways.legrand.pulses import PulseMeter
from .common import ENERGY, METERED_VOLUME, TOTAL_COUNT, disabled, reading, where
from .descriptions import Description

WATER: Final = replace(METERED_VOLUME, device_class=SensorDeviceClass.WATER, precision=3)
GAS: Final = replace(METERED_VOLUME, device_class=SensorDeviceClass.GAS, precision=3)


def _counts(device: Device) -> bool:
    """Of others of their kind only the presence is known."""
    return isinstance(device, PulseMeter)


def _pulse_meter(total: Description) -> tuple[Description, ...]:
    return tuple(where(_counts, total, *disabled(reading("count", TOTAL_COUNT))))


LEGRAND: Final[dict[str, tuple[Description, ...]]] = {
    "pulse_electricity_meter": _pulse_meter(reading("energy_imported", ENERGY)),
    "pulse_water_meter": _pulse_meter(reading("volume", WATER, name="water")),
    "pulse_gas_meter": _pulse_meter(reading("volume", GAS, name="gas")),
}

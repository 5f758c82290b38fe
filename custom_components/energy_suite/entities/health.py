"""The health checks of an installation, as entities of its gateway."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.const import EntityCategory

from ..gateways.base import Device
from ..site.health import CHECKS
from .descriptions import BinarySensorDescription, Description


def _found(key: str) -> Callable[[Device], bool]:
    return lambda device: key in device.findings


def _problem(key: str) -> Callable[[Device], bool | None]:
    return lambda device: device.findings[key].problem if key in device.findings else None


def _numbers(key: str) -> Callable[[Device], Mapping[str, Any] | None]:
    return lambda device: device.findings[key].numbers if key in device.findings else None


def health_checks(part: str) -> Iterator[Description]:
    """A problem sensor for every check that can be decided, with its numbers; fresh with this part of the device.

    The alarms tell of everything, so that few want to look at these as well.
    """
    for check in CHECKS:
        yield BinarySensorDescription[Device](
            key=check.key,
            translation_key=check.key,
            device_class=BinarySensorDeviceClass.PROBLEM,
            entity_category=EntityCategory.DIAGNOSTIC,
            entity_registry_enabled_default=False,
            part=part,
            exists_fn=_found(check.key),
            value_fn=_problem(check.key),
            attributes_fn=_numbers(check.key),
        )

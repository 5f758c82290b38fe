"""What an entity is made of: Home Assistant's own description, and functions over the typed device."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from homeassistant.components.binary_sensor import BinarySensorEntityDescription
from homeassistant.components.button import ButtonEntityDescription
from homeassistant.components.device_tracker.entity import TrackerEntityDescription
from homeassistant.components.number import NumberEntityDescription
from homeassistant.components.select import SelectEntityDescription
from homeassistant.components.sensor import SensorEntityDescription
from homeassistant.components.switch import SwitchEntityDescription
from homeassistant.const import Platform
from homeassistant.helpers.typing import StateType

from ..gateways.base import Danger, Device


def _always(_: Device) -> bool:
    return True


def _no_attributes(_: Any) -> None:
    return None


def _no_danger(_: Any) -> None:
    return None


@dataclass(frozen=True, kw_only=True)
class Described[D: Device]:
    """What every description has: the part it is fresh with, and when it exists."""

    platform: ClassVar[Platform]
    part: str = "live"
    exists_fn: Callable[[D], bool] = _always
    """Decided once the device has been read."""
    danger: Danger | None = None
    """Exists only once the user enabled this control."""
    instead_of: Danger | None = None
    """Exists only as long as the user has not enabled this control: the reading in place of it."""


@dataclass(frozen=True, kw_only=True)
class SensorDescription[D: Device](SensorEntityDescription, Described[D]):
    """A reading."""

    platform = Platform.SENSOR
    value_fn: Callable[[D], StateType | datetime]
    step: float | None = None
    """The change that matters, where it is another than usual for the unit."""


@dataclass(frozen=True, kw_only=True)
class BinarySensorDescription[D: Device](BinarySensorEntityDescription, Described[D]):
    """A state that is on or off."""

    platform = Platform.BINARY_SENSOR
    value_fn: Callable[[D], bool | None]
    attributes_fn: Callable[[D], Mapping[str, Any] | None] = _no_attributes
    """The numbers behind it."""


@dataclass(frozen=True, kw_only=True)
class NumberDescription[D: Device](NumberEntityDescription, Described[D]):
    """A setting with a range."""

    platform = Platform.NUMBER
    value_fn: Callable[[D], float | None]
    set_fn: Callable[[D, float], Awaitable[Any]]
    range_fn: Callable[[D], tuple[float, float]]
    danger_fn: Callable[[float], Danger | None] = _no_danger
    """Which control a value needs enabled."""


@dataclass(frozen=True, kw_only=True)
class SelectDescription[D: Device](SelectEntityDescription, Described[D]):
    """A choice."""

    platform = Platform.SELECT
    value_fn: Callable[[D], str | None]
    set_fn: Callable[[D, str], Awaitable[Any]]
    danger_fn: Callable[[str], Danger | None] = _no_danger
    """Which control an option needs enabled."""


@dataclass(frozen=True, kw_only=True)
class SwitchDescription[D: Device](SwitchEntityDescription, Described[D]):
    """Something to switch on and off."""

    platform = Platform.SWITCH
    value_fn: Callable[[D], bool | None]
    set_fn: Callable[[D, bool], Awaitable[Any]]


@dataclass(frozen=True, kw_only=True)
class ButtonDescription[D: Device](ButtonEntityDescription, Described[D]):
    """Something to do once."""

    platform = Platform.BUTTON
    press_fn: Callable[[D], Awaitable[Any]]
    control: str | None = None
    """What it commands where several buttons command the same; the key then tells to what."""


@dataclass(frozen=True, kw_only=True)
class TrackerDescription[D: Device](TrackerEntityDescription, Described[D]):
    """Where it is."""

    platform = Platform.DEVICE_TRACKER
    latitude_fn: Callable[[D], float | None]
    longitude_fn: Callable[[D], float | None]


type Description = (
    SensorDescription[Any]
    | BinarySensorDescription[Any]
    | NumberDescription[Any]
    | SelectDescription[Any]
    | SwitchDescription[Any]
    | ButtonDescription[Any]
    | TrackerDescription[Any]
)

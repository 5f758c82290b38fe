"""Geofences: where a vehicle or a boat has to stay (VRM manual 6.7)."""

import math
import re
from collections.abc import Mapping
from typing import Any, Final

import voluptuous as vol
from homeassistant.config_entries import SubentryFlowResult
from homeassistant.const import ATTR_LATITUDE, ATTR_LONGITUDE, CONF_NAME, Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.selector import (
    BooleanSelector,
    DeviceSelector,
    DeviceSelectorConfig,
    EntityFilterSelectorConfig,
    LocationSelector,
    LocationSelectorConfig,
    TextSelector,
    TextSelectorConfig,
)

from ..alarms.settings import geofence_of
from ..const import DOMAIN
from ..site.alarms.geofence import Circle, Polygon, Position, Rectangle, Shape, check_fence
from .fields import choice, number
from .rules import DAY
from .subentry import SiteSubentryFlow

SHAPES: Final = ("circle", "rectangle", "polygon")

_AROUND: Final = 100.0
"""m around the present position that a new fence has."""
_DEGREE: Final = 111_195.0
"""m in a degree of latitude."""
_DEVICE = DeviceSelector(
    DeviceSelectorConfig(integration=DOMAIN, entity=EntityFilterSelectorConfig(domain=Platform.DEVICE_TRACKER))
)
_AREA: Mapping[str, Mapping[vol.Marker, Any]] = {
    "circle": {vol.Required("area"): LocationSelector(LocationSelectorConfig(radius=True))},
    "rectangle": {vol.Required("corner"): LocationSelector(), vol.Required("opposite"): LocationSelector()},
    "polygon": {vol.Required("points"): TextSelector(TextSelectorConfig(multiline=True))},
}
"""What a shape is asked by."""
_COMMON: Mapping[vol.Marker, Any] = {
    vol.Required("delay", default=60): number(0, DAY, "s"),
    vol.Required("armed", default=True): BooleanSelector(),
}


@callback
def trackers(hass: HomeAssistant) -> dict[str, str]:
    """The tracker of each of the suite's devices that know where they are."""
    return {
        entity.device_id: entity.entity_id
        for entity in er.async_get(hass).entities.values()
        if entity.platform == DOMAIN and entity.domain == Platform.DEVICE_TRACKER and entity.device_id is not None
    }


def around(shape: str, position: Position) -> Shape:
    """A fence around a position."""
    if shape == "circle":
        return Circle(position, _AROUND)
    latitude, longitude = position
    up = _AROUND / _DEGREE
    aside = up / max(0.01, math.cos(math.radians(latitude)))
    south, west, north, east = latitude - up, longitude - aside, latitude + up, longitude + aside
    south, west, north, east = (round(each, 6) for each in (south, west, north, east))
    if shape == "rectangle":
        return Rectangle((south, west), (north, east))
    return Polygon(((south, west), (south, east), (north, east), (north, west)))


def as_typed(shape: Shape) -> dict[str, Any]:
    """A shape as its form shows it."""
    if isinstance(shape, Circle):
        return {"area": {**_location(shape.centre), "radius": shape.radius}}
    if isinstance(shape, Rectangle):
        return {"corner": _location(shape.south_west), "opposite": _location(shape.north_east)}
    assert isinstance(shape, Polygon)
    return {"points": "\n".join(f"{latitude}, {longitude}" for latitude, longitude in shape.corners)}


def area_of(shape: str, typed: Mapping[str, Any]) -> dict[str, Any]:
    """What is stored of the area that was typed. Raises ``ValueError`` for lines that are no positions."""
    if shape == "circle":
        area = typed["area"]
        return {"points": [_point(area)], "radius": area.get("radius", 0.0)}
    if shape == "rectangle":
        (south, west), (north, east) = sorted((_point(typed["corner"]), _point(typed["opposite"])))
        # Any two opposite corners will do: it goes the short way round the earth.
        if (east - west) % 360 > 180:
            west, east = east, west
        return {"points": [[south, west], [north, east]]}
    return {"points": [_position(line) for line in filter(str.strip, typed["points"].splitlines())]}


def _location(position: Position) -> dict[str, float]:
    return {"latitude": position[0], "longitude": position[1]}


def _point(location: Mapping[str, float]) -> list[float]:
    return [location["latitude"], location["longitude"]]


def _position(line: str) -> list[float]:
    """The position in ``48.3904, -4.4861``. Raises ``ValueError``."""
    latitude, longitude = re.split(r"[,;\s]+", line.strip())
    return [float(latitude), float(longitude)]


class GeofenceFlow(SiteSubentryFlow):
    """Add a geofence, or change one."""

    def __init__(self) -> None:
        """Start with nothing said."""
        self._chosen: dict[str, Any] = {}

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Describe a new one, if anything knows where it is."""
        if not trackers(self.hass):
            return self.async_abort(reason="no_position_known")
        return await self.async_step_device()

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Begin with the device and the shape."""
        return await self.async_step_device()

    async def async_step_device(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask what has to stay, and within what."""
        there = trackers(self.hass)
        errors: dict[str, str] = {}
        if user_input is not None:
            if user_input["device"] in there:
                self._chosen = user_input
                return await self.async_step_area()
            errors = {"device": "unknown_device"}
        fields: dict[vol.Marker, Any] = {
            vol.Optional("name", default=""): TextSelector(),
            vol.Required("device"): _DEVICE,
            vol.Required("shape", default=SHAPES[0]): choice("shape", list(SHAPES)),
        }
        first = {"device": next(iter(there), None)}
        return self.async_show_form(
            step_id="device",
            data_schema=self.add_suggested_values_to_schema(vol.Schema(fields), user_input or self._known or first),
            errors=errors,
        )

    async def async_step_area(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for the area; keep what makes a valid geofence."""
        shape, device = self._chosen["shape"], self._chosen["device"]
        errors: dict[str, str] = {}
        if user_input is not None:
            data = {"device": device, "shape": shape, "delay": user_input["delay"], "armed": user_input["armed"]}
            name = self._chosen[CONF_NAME].strip() or self._device_name(device)
            try:
                data |= area_of(shape, user_input)
                mistakes = check_fence(geofence_of("", name, data))
            except ValueError:
                errors = {"points": "bad_points"}
            except vol.Invalid:
                errors = {"base": "no_position"}
            else:
                if not mistakes:
                    return self._save(name, data)
                errors = {"base": mistakes[0].value}
        return self.async_show_form(
            step_id="area",
            data_schema=self.add_suggested_values_to_schema(
                vol.Schema({**_AREA[shape], **_COMMON}), user_input or self._suggested(shape, device)
            ),
            errors=errors,
        )

    def _suggested(self, shape: str, device: str) -> dict[str, Any]:
        """The area that is stored; a new one is around the present position."""
        known = self._known
        try:
            area = as_typed(geofence_of("", "", known).shape) if known.get("shape") == shape else {}
        except vol.Invalid:
            area = {}
        return {**known, **(area or as_typed(around(shape, self._position(device))))}

    def _position(self, device: str) -> Position:
        """Where a device is, or else Home Assistant."""
        state = self.hass.states.get(trackers(self.hass)[device])
        place = {} if state is None else state.attributes
        return (
            place.get(ATTR_LATITUDE, self.hass.config.latitude),
            place.get(ATTR_LONGITUDE, self.hass.config.longitude),
        )

    def _device_name(self, device_id: str) -> str:
        device = dr.async_get(self.hass).async_get(device_id)
        return (device and (device.name_by_user or device.name)) or device_id

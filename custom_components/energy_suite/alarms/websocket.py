"""What the card asks for, and what it is told while it is open."""

from typing import Any

import voluptuous as vol
from homeassistant.components.websocket_api import async_register_command
from homeassistant.components.websocket_api.connection import ActiveConnection
from homeassistant.components.websocket_api.decorators import async_response, websocket_command
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.typing import VolDictType

from ..const import DOMAIN
from ..site.alarms.log import MOST
from .center import AlarmCenter, async_get_center
from .queries import FILTERS, async_alarms, snooze_length
from .settings import is_monitoring, level_of

NOT_SET_UP = "not_set_up"

_LANGUAGE: VolDictType = {vol.Required("language"): cv.string}


@callback
def async_register_commands(hass: HomeAssistant) -> None:
    """Register the commands, once per run."""
    for command in (_subscribe, _log, _acknowledge, _snooze):
        async_register_command(hass, command)


def _center(hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]) -> AlarmCenter | None:
    """The alarms, if they are set up; else that is the answer."""
    if (center := async_get_center(hass)) is None:
        connection.send_error(msg["id"], NOT_SET_UP, "The Energy Suite site is not set up")
    return center


@websocket_command({vol.Required("type"): f"{DOMAIN}/alarms/subscribe", **_LANGUAGE})
@callback
def _subscribe(hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]) -> None:
    """Tell what is raised, now and whenever it changes."""
    if (center := _center(hass, connection, msg)) is None:
        return

    @callback
    def tell() -> None:
        if async_get_center(hass) is not center:
            connection.send_event(msg["id"], {"active": None})  # whoever listens has to ask anew
            return
        connection.send_event(
            msg["id"],
            {
                "active": [center.describe_active(active, msg["language"]) for active in center.active],
                "monitoring": is_monitoring(center.entry),
                "level": level_of(center.entry).value,
            },
        )

    connection.subscriptions[msg["id"]] = center.async_on_change(tell)
    connection.send_result(msg["id"])
    tell()


@websocket_command(
    {
        vol.Required("type"): f"{DOMAIN}/alarms/log",
        **_LANGUAGE,
        **FILTERS,
        vol.Optional("limit", default=100): vol.All(int, vol.Range(1, MOST)),
    }
)
@async_response
async def _log(hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]) -> None:
    """Tell what was raised, and the names of the devices that anything was raised of."""
    if (center := _center(hass, connection, msg)) is None:
        return
    everything = await async_alarms(center, {})
    entries = await async_alarms(center, msg)
    language = msg["language"]
    connection.send_result(
        msg["id"],
        {
            "entries": [center.describe(episode, language) for episode in entries],
            "devices": center.devices_of(everything),
        },
    )


@websocket_command({vol.Required("type"): f"{DOMAIN}/alarms/acknowledge", vol.Required("tag"): cv.string})
@async_response
async def _acknowledge(hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]) -> None:
    """Take an alarm as known."""
    if (center := _center(hass, connection, msg)) is not None:
        await center.async_acknowledge(msg["tag"], connection.context(msg))
        connection.send_result(msg["id"])


@websocket_command(
    {
        vol.Required("type"): f"{DOMAIN}/alarms/snooze",
        vol.Required("tag"): cv.string,
        vol.Required("seconds"): snooze_length,
    }
)
@async_response
async def _snooze(hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]) -> None:
    """Put an alarm off."""
    if (center := _center(hass, connection, msg)) is not None:
        await center.async_snooze(msg["tag"], msg["seconds"], connection.context(msg))
        connection.send_result(msg["id"])

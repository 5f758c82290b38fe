"""Commands in the logbook: what was asked of which device, and what became of it."""

from collections.abc import Callable

from homeassistant.components.logbook.const import LOGBOOK_ENTRY_MESSAGE, LOGBOOK_ENTRY_NAME
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr

from .const import DOMAIN, EVENT_COMMAND


@callback
def async_describe_events(
    hass: HomeAssistant, async_describe_event: Callable[[str, str, Callable[[Event], dict[str, str]]], None]
) -> None:
    """Describe the record of a command."""
    devices = dr.async_get(hass)

    @callback
    def describe(event: Event) -> dict[str, str]:
        data = event.data
        device = devices.async_get(data["device_id"])
        name = (device and (device.name_by_user or device.name)) or data["device"]
        # A button has nothing before and after; a timed end does not know what was before.
        change = " → ".join(_written(value) for value in (data["before"], data["to"]) if value is not None)
        return {
            LOGBOOK_ENTRY_NAME: name,
            LOGBOOK_ENTRY_MESSAGE: f"{data['control']}{': ' if change else ''}{change} ({data['result']})",
        }

    async_describe_event(DOMAIN, EVENT_COMMAND, describe)


def _written(value: str | float) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)

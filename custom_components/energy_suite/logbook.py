"""Commands in the logbook: what was asked of which device, and what became of it."""

from collections.abc import Callable
from typing import Any

from homeassistant.components.logbook.const import LOGBOOK_ENTRY_MESSAGE, LOGBOOK_ENTRY_NAME
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.translation import async_get_cached_translations

from .const import DOMAIN, EVENT_COMMAND
from .texts import explanation

CONTROLS = ("select", "number", "switch", "button")
"""The platforms that a control may be of."""


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
        words = _Words(hass)
        # A button has nothing before and after; a timed end does not know what was before.
        values = [words.value(data["control"], value) for value in (data["before"], data["to"]) if value is not None]
        change = " → ".join(values)
        return {
            LOGBOOK_ENTRY_NAME: name,
            LOGBOOK_ENTRY_MESSAGE: (
                f"{words.control(data['control'])}{': ' if change else ''}{change} ({words.result(data['result'])})"
            ),
        }

    async_describe_event(DOMAIN, EVENT_COMMAND, describe)


class _Words:
    """What the parts of a record are called in the language of Home Assistant."""

    def __init__(self, hass: HomeAssistant) -> None:
        self._language = hass.config.language
        self._entities = async_get_cached_translations(hass, self._language, "entity", DOMAIN)
        self._errors = async_get_cached_translations(hass, self._language, "exceptions", DOMAIN)

    def _entity(self, control: str, what: str) -> str | None:
        keys = (f"component.{DOMAIN}.entity.{platform}.{control}.{what}" for platform in CONTROLS)
        return next((self._entities[key] for key in keys if key in self._entities), None)

    def _own(self, word: str) -> str:
        return explanation(self._language, f"command_{word}")["meaning"]

    def control(self, control: str) -> str:
        """The name of a control."""
        return self._entity(control, "name") or control

    def value(self, control: str, value: Any) -> str:
        """What a control was, or was to be."""
        match value:
            case bool():
                return self._own("on" if value else "off")
            case float():
                return f"{value:g}"
        return self._entity(control, f"state.{value}") or str(value)

    def result(self, result: str) -> str:
        """What became of it: the reason of a refusal where it needs no further figures."""
        if result in ("applied", "unchanged", "adjusted"):
            return self._own(result)
        reason = self._errors.get(f"component.{DOMAIN}.exceptions.{result}.message", "{")
        return self._own("refused") if "{" in reason else f"{self._own('refused')}: {reason}"

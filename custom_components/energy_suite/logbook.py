"""Commands and alarms in the logbook: what was asked of which device, what became of it, what was wrong with it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from homeassistant.components.logbook.const import LOGBOOK_ENTRY_MESSAGE, LOGBOOK_ENTRY_NAME
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.translation import async_get_cached_translations

from .alarms.messages import duration
from .const import DOMAIN, EVENT_ALARM, EVENT_COMMAND
from .gateways.netvision.control import COMMANDS, Schedule
from .texts import explanation

CONTROLS = ("select", "number", "switch", "button")
"""The platforms that a control may be of."""
FAMILIES = {command.family for command in COMMANDS.values()}
"""The controls of which every value is a command with a name of its own."""
SHUTDOWN_EVENT = "shutdown_event"
TABLES = {SHUTDOWN_EVENT, *(f"{schedule}_schedule" for schedule in Schedule)}
"""The controls that are rows of a table, with their number behind."""


@callback
def async_describe_events(
    hass: HomeAssistant, async_describe_event: Callable[[str, str, Callable[[Event], dict[str, str]]], None]
) -> None:
    """Describe the record of a command, and an edge of an alarm."""
    devices = dr.async_get(hass)

    @callback
    def describe(event: Event) -> dict[str, str]:
        data = event.data
        device = devices.async_get(data["device_id"])
        name = (device and (device.name_by_user or device.name)) or data["device"]
        words = _Words(hass)
        return {
            LOGBOOK_ENTRY_NAME: name,
            LOGBOOK_ENTRY_MESSAGE: (
                f"{words.command(data['control'], data['before'], data['to'])} ({words.result(data['result'])})"
            ),
        }

    @callback
    def describe_alarm(event: Event) -> dict[str, str]:
        return {
            LOGBOOK_ENTRY_NAME: event.data["name"],
            LOGBOOK_ENTRY_MESSAGE: _edge(hass.config.language, event.data),
        }

    async_describe_event(DOMAIN, EVENT_COMMAND, describe)
    async_describe_event(DOMAIN, EVENT_ALARM, describe_alarm)


def _edge(language: str, alarm: Mapping[str, Any]) -> str:
    """What became of an alarm."""
    line = _word(language, alarm["change"])
    severity, lasted = _word(language, alarm["severity"]), ""
    if alarm["cleared"] is not None:
        period = datetime.fromisoformat(alarm["cleared"]) - datetime.fromisoformat(alarm["started"])
        lasted = duration(language, period.total_seconds())
    return line.format(text=alarm["text"].removesuffix("."), severity=severity, duration=lasted)


def _word(language: str, word: str) -> str:
    return explanation(language, f"logbook_{word}")["meaning"]


class _Words:
    """What the parts of a record are called in the language of Home Assistant."""

    def __init__(self, hass: HomeAssistant) -> None:
        self._language = hass.config.language
        self._entities = async_get_cached_translations(hass, self._language, "entity", DOMAIN)
        self._errors = async_get_cached_translations(hass, self._language, "exceptions", DOMAIN)
        self._actions = async_get_cached_translations(hass, self._language, "selector", DOMAIN)

    def _entity(self, control: str, what: str) -> str | None:
        keys = (f"component.{DOMAIN}.entity.{platform}.{control}.{what}" for platform in CONTROLS)
        return next((self._entities[key] for key in keys if key in self._entities), None)

    def _own(self, word: str) -> str:
        return explanation(self._language, f"command_{word}")["meaning"]

    def command(self, control: str, before: Any, to: Any) -> str:
        """What was asked: a command by its name, or a control and how it was to change."""
        if control in FAMILIES and to is not None:
            return self.control(to)
        # A button has nothing before and after; a timed end does not know what was before.
        change = " → ".join(self.value(control, value) for value in (before, to) if value is not None)
        return f"{self.control(control)}{': ' if change else ''}{change}"

    def control(self, control: str) -> str:
        """The name of a control; of a row of a table, that of the table and the number."""
        if name := self._entity(control, "name"):
            return name
        table, _, row = control.rpartition("_")
        if table in TABLES:
            return f"{self._own(table)} {row}"
        return control

    def value(self, control: str, value: Any) -> str:
        """What a control was, or was to be."""
        match value:
            case bool():
                return self._own("on" if value else "off")
            case float():
                return f"{value:g}"
        if control.startswith(SHUTDOWN_EVENT):
            return self._actions.get(f"component.{DOMAIN}.selector.shutdown_action.options.{value}", str(value))
        return self._entity(control, f"state.{value}") or str(value)

    def result(self, result: str) -> str:
        """What became of it: the reason of a refusal where it needs no further figures."""
        if result in ("applied", "unchanged", "adjusted"):
            return self._own(result)
        reason = self._errors.get(f"component.{DOMAIN}.exceptions.{result}.message", "{")
        return self._own("refused") if "{" in reason else f"{self._own('refused')}: {reason}"

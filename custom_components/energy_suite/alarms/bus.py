"""Alarms on Home Assistant's bus of events, and which of them an automation is about."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import voluptuous as vol
from homeassistant.const import ATTR_DEVICE_ID, CONF_OPTIONS
from homeassistant.core import callback
from homeassistant.helpers import config_validation as cv

from ..const import EVENT_ALARM
from ..site.alarms.episodes import Edge, Severity, Source
from ..site.alarms.grid import reports_failure

if TYPE_CHECKING:
    from .center import AlarmCenter

CONF_DEVICES: Final = "devices"
CONF_KEYS: Final = "keys"
CONF_SEVERITY: Final = "severity"
CONF_SOURCE: Final = "source"

SEVERITIES: Final = {severity.word: severity for severity in Severity}

ALARM_SCHEMA: Final = vol.Schema(
    {
        vol.Required(CONF_OPTIONS, default={}): {
            vol.Required(CONF_SEVERITY, default=Severity.INFORMATION.word): vol.In(list(SEVERITIES)),
            vol.Optional(CONF_DEVICES): vol.All(cv.ensure_list, [cv.string]),
            vol.Optional(CONF_KEYS): vol.All(cv.ensure_list, [cv.string]),
            vol.Optional(CONF_SOURCE): vol.All(cv.ensure_list, [vol.In([source.value for source in Source])]),
        }
    }
)
"""The options of a trigger or condition about alarms."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which alarms are meant, as the center describes them: all that are bad enough, unless some are given."""

    severity: Severity
    devices: frozenset[str]
    keys: frozenset[str]
    sources: frozenset[str]

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Self:
        """The choice that valid options make."""
        return cls(
            severity=SEVERITIES[options[CONF_SEVERITY]],
            devices=frozenset(options.get(CONF_DEVICES, ())),
            keys=frozenset(options.get(CONF_KEYS, ())),
            sources=frozenset(options.get(CONF_SOURCE, ())),
        )

    def is_about(self, alarm: Mapping[str, Any]) -> bool:
        """Whether an alarm is meant, however bad it is."""
        if alarm["suppressed"] and not self.keys:
            return False  # the failure of the grid that it reports is there as well
        return (
            (not self.devices or alarm["device"] in self.devices)
            and (not self.keys or alarm["key"] in self.keys)
            and (not self.sources or alarm["source"] in self.sources)
        )

    def is_bad_enough(self, alarm: Mapping[str, Any]) -> bool:
        """Whether an alarm that is meant is as bad as was asked for."""
        return SEVERITIES[alarm["severity"]] >= self.severity and self.is_about(alarm)

    def was_bad_enough(self, alarm: Mapping[str, Any]) -> bool:
        """Whether it was so at some time."""
        return SEVERITIES[alarm["worst"]] >= self.severity and self.is_about(alarm)

    def active_in(self, center: AlarmCenter | None) -> set[str]:
        """The tags of the alarms that are meant and raised; without a site there are none."""
        if center is None:
            return set()
        language = center.hass.config.language
        alarms = (center.describe_active(active, language) for active in center.active)
        return {alarm["tag"] for alarm in alarms if self.is_bad_enough(alarm)}


@callback
def async_fire_edge(center: AlarmCenter, edge: Edge) -> None:
    """Tell an edge on the bus, in Home Assistant's language."""
    hass, episode, settings = center.hass, edge.episode, center.engine.settings
    hass.bus.async_fire(
        EVENT_ALARM,
        {
            "change": edge.change.value,
            ATTR_DEVICE_ID: episode.device,  # by which the logbook of a device finds it
            **center.describe(episode, hass.config.language),
            "suppressed": reports_failure(settings.grid, settings.rules, episode),
        },
    )

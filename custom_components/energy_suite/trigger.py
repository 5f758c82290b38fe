"""Triggers for automations, in the words of what happens to an installation."""

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Any, override

import voluptuous as vol
from homeassistant.const import CONF_OPTIONS
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, State, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.trigger import (
    ENTITY_STATE_TRIGGER_SCHEMA_WITH_BEHAVIOR,
    EntityTriggerBase,
    NotTriggeredReasonReporter,
    Trigger,
    TriggerActionRunner,
    TriggerConfig,
    TriggerNotTriggeredReporter,
)
from homeassistant.helpers.typing import ConfigType

from . import automations
from .alarms.bus import ALARM_SCHEMA, CONF_SOURCE, Choice
from .alarms.center import async_get_center
from .automations import DOMAINS, Entities, Fact, Level, States, async_is_in, async_only
from .const import EVENT_ALARM
from .site.alarms.episodes import Change

CONF_THRESHOLD = "threshold"


class SuiteTrigger(EntityTriggerBase):
    """A trigger about entities of this integration, found by what they are.

    Home Assistant's base keeps it silent at the start and where a state was unknown or unavailable before.
    """

    _domain_specs = DOMAINS
    # Whether a BMS allows the discharge is a diagnostic reading.
    _primary_entities_only = False
    _entities: Collection[tuple[str, str]]

    @override
    def entity_filter(self, entities: set[str]) -> set[str]:
        return async_only(self._hass, self._entities, entities)

    @override
    def is_valid_transition(self, from_state: State, to_state: State) -> bool:
        return not self.is_valid_state(from_state, _silent)


def _silent(reason: str, /, **data: Any) -> None:
    """What the state before says needs no report."""


def _state_trigger(states: States, after: States | None = None) -> type[Trigger]:
    class StateTrigger(SuiteTrigger):
        """Fires when an entity comes into one of the states: out of any other, or out of one of those ``after``."""

        _entities = states

        @override
        def is_valid_state(self, state: State, report_not_triggered: NotTriggeredReasonReporter) -> bool:
            return async_is_in(self._hass, state, states)

        @override
        def is_valid_transition(self, from_state: State, to_state: State) -> bool:
            if after is not None and not async_is_in(self._hass, from_state, after):
                return False
            return super().is_valid_transition(from_state, to_state)

    return StateTrigger


def _begins(fact: Fact) -> type[Trigger]:
    return _state_trigger(fact.so)


def _ends(fact: Fact) -> type[Trigger]:
    return _state_trigger(fact.not_so)


def _reaches(level: Level) -> type[Trigger]:
    class LevelTrigger(SuiteTrigger):
        """Fires when a percentage reaches the threshold."""

        _entities = level.entities
        _schema = ENTITY_STATE_TRIGGER_SCHEMA_WITH_BEHAVIOR.extend(
            {
                vol.Required(CONF_OPTIONS): {
                    vol.Required(CONF_THRESHOLD): vol.All(vol.Coerce(float), vol.Range(0, 100)),
                }
            }
        )

        @override
        def is_valid_state(self, state: State, report_not_triggered: NotTriggeredReasonReporter) -> bool:
            return level.is_so(state, self._options[CONF_THRESHOLD])

    return LevelTrigger


def _changes(entities: Entities, sources: Sequence[str]) -> type[Trigger]:
    class SourceTrigger(SuiteTrigger):
        """Fires when the source is another, or one of the sources given."""

        _entities = entities
        _schema = ENTITY_STATE_TRIGGER_SCHEMA_WITH_BEHAVIOR.extend(
            {
                vol.Required(CONF_OPTIONS, default={}): {
                    vol.Optional(CONF_SOURCE): vol.All(cv.ensure_list, [vol.In(sources)]),
                }
            }
        )

        def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
            """Know the sources that are meant: all, unless some are given."""
            super().__init__(hass, config)
            self._sources = self._options.get(CONF_SOURCE) or sources

        @override
        def is_valid_state(self, state: State, report_not_triggered: NotTriggeredReasonReporter) -> bool:
            return state.state in self._sources

        @override
        def is_valid_transition(self, from_state: State, to_state: State) -> bool:
            return from_state.state != to_state.state

    return SourceTrigger


class AlarmTrigger(Trigger):
    """A trigger about the alarms of the installation; its variables are those of the alarm.

    It listens to what every edge is told on, so that it is valid before there is a site, and outlives its reload.
    """

    @classmethod
    @override
    async def async_validate_config(cls, hass: HomeAssistant, config: ConfigType) -> ConfigType:
        validated: ConfigType = ALARM_SCHEMA(config)
        return validated

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        """Know which alarms are meant."""
        super().__init__(hass, config)
        self._choice = Choice.of(config.options or {})

    @abstractmethod
    def _is_it(self, alarm: Mapping[str, Any]) -> bool:
        """Whether an edge is what this is about."""

    @override
    async def async_attach_runner(
        self, run_action: TriggerActionRunner, did_not_trigger: TriggerNotTriggeredReporter | None = None
    ) -> CALLBACK_TYPE:
        @callback
        def hear(event: Event) -> None:
            alarm = event.data
            if self._is_it(alarm):
                run_action(dict(alarm), f"alarm {alarm['change']}: {alarm['text']}", event.context)

        return self._hass.bus.async_listen(EVENT_ALARM, hear)


class AlarmRaised(AlarmTrigger):
    """Fires when an alarm is raised, or worsens to the severity asked for."""

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        """Know what is there already."""
        super().__init__(hass, config)
        self._there = self._choice.active_in(async_get_center(hass))

    @override
    def _is_it(self, alarm: Mapping[str, Any]) -> bool:
        change, tag = alarm["change"], alarm["tag"]
        if change == Change.CLEARED or not self._choice.is_bad_enough(alarm):
            self._there.discard(tag)
            return False
        is_news = tag not in self._there and change != Change.EASED
        self._there.add(tag)
        return is_news


class AlarmCleared(AlarmTrigger):
    """Fires when an alarm is over that had the severity asked for."""

    @override
    def _is_it(self, alarm: Mapping[str, Any]) -> bool:
        return alarm["change"] == Change.CLEARED and self._choice.was_bad_enough(alarm)


TRIGGERS: Mapping[str, type[Trigger]] = {
    "grid_lost": _ends(automations.GRID),
    "grid_returned": _begins(automations.GRID),
    "energy_source_changed": _changes(automations.ENERGY_SOURCE, automations.ENERGY_SOURCES),
    "generator_started": _begins(automations.GENERATOR_RUNNING),
    "generator_stopped": _ends(automations.GENERATOR_RUNNING),
    "generator_failed": _begins(automations.GENERATOR_FAILED),
    "battery_low": _reaches(automations.BATTERY_LOW),
    "battery_full": _reaches(automations.BATTERY_FULL),
    "discharge_forbidden": _ends(automations.DISCHARGE_ALLOWED),
    "discharge_allowed": _begins(automations.DISCHARGE_ALLOWED),
    "car_started_charging": _begins(automations.CAR_CHARGING),
    "car_stopped_charging": _ends(automations.CAR_CHARGING),
    "car_finished_charging": _begins(automations.CAR_CHARGED),
    "tank_below": _reaches(automations.TANK_BELOW),
    "tank_above": _reaches(automations.TANK_ABOVE),
    "relay_closed": _begins(automations.RELAY_CLOSED),
    "relay_opened": _ends(automations.RELAY_CLOSED),
    "ups_on_battery": _ends(automations.UPS_ON_MAINS),
    "ups_mains_returned": _state_trigger(automations.UPS_ON_MAINS.so, after=automations.UPS_MAINS_MISSED),
    "ups_battery_low": _begins(automations.UPS_BATTERY_LOW),
    "ups_imminent_stop": _begins(automations.STOP_IMMINENT),
    "ups_overload": _begins(automations.OVERLOADED),
    "ups_on_bypass": _begins(automations.UPS_ON_BYPASS),
    "load_not_supplied": _ends(automations.LOAD_SUPPLIED),
    "sts_source_changed": _changes(automations.STS_SOURCE, automations.STS_SOURCES),
    "breaker_tripped": _begins(automations.BREAKER_TRIPPED),
    "breaker_opened": _state_trigger(automations.BREAKER_OPEN.so, after=automations.BREAKER_CLOSED.so),
    "breaker_closed": _begins(automations.BREAKER_CLOSED),
    "alarm_raised": AlarmRaised,
    "alarm_cleared": AlarmCleared,
}


async def async_get_triggers(hass: HomeAssistant) -> dict[str, type[Trigger]]:
    """Return the triggers of this integration."""
    return dict(TRIGGERS)

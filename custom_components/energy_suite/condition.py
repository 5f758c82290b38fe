"""Conditions for automations, in the words of what an installation is at."""

from collections.abc import Collection, Mapping
from typing import Unpack, override

import voluptuous as vol
from homeassistant.const import CONF_OPTIONS
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.condition import (
    ENTITY_STATE_CONDITION_SCHEMA_ANY_ALL,
    Condition,
    ConditionCheckParams,
    ConditionConfig,
    EntityConditionBase,
)
from homeassistant.helpers.typing import ConfigType

from . import automations
from .alarms.bus import ALARM_SCHEMA, CONF_SOURCE, Choice
from .alarms.center import async_get_center
from .automations import DOMAINS, Fact, Level, States, async_is_in, async_only
from .trigger import CONF_THRESHOLD


class SuiteCondition(EntityConditionBase):
    """A condition about entities of this integration, found by what they are."""

    _domain_specs = DOMAINS
    # Whether a BMS allows the discharge is a diagnostic reading.
    _primary_entities_only = False
    _entities: Collection[tuple[str, str]]

    def __init__(self, hass: HomeAssistant, config: ConditionConfig) -> None:
        """Keep the options."""
        super().__init__(hass, config)
        self._options = config.options or {}

    @override
    def entity_filter(self, entities: set[str]) -> set[str]:
        return async_only(self._hass, self._entities, entities)


def _state_condition(states: States) -> type[Condition]:
    class StateCondition(SuiteCondition):
        """Passes while an entity is in one of the states."""

        _entities = states

        @override
        def is_valid_state(self, entity_state: State) -> bool:
            return async_is_in(self._hass, entity_state, states)

    return StateCondition


def _is(fact: Fact) -> type[Condition]:
    return _state_condition(fact.so)


def _is_not(fact: Fact) -> type[Condition]:
    return _state_condition(fact.not_so)


def _has_reached(level: Level) -> type[Condition]:
    class LevelCondition(SuiteCondition):
        """Passes while a percentage is at the threshold or beyond."""

        _entities = level.entities
        _schema = ENTITY_STATE_CONDITION_SCHEMA_ANY_ALL.extend(
            {
                vol.Required(CONF_OPTIONS): {
                    vol.Required(CONF_THRESHOLD): vol.All(vol.Coerce(float), vol.Range(0, 100)),
                }
            }
        )

        @override
        def is_valid_state(self, entity_state: State) -> bool:
            return level.is_so(entity_state, self._options[CONF_THRESHOLD])

    return LevelCondition


class EnergySourceIs(SuiteCondition):
    """Passes while the installation lives on one of the sources given."""

    _entities = automations.ENERGY_SOURCE
    _schema = ENTITY_STATE_CONDITION_SCHEMA_ANY_ALL.extend(
        {
            vol.Required(CONF_OPTIONS): {
                vol.Required(CONF_SOURCE): vol.All(
                    cv.ensure_list, vol.Length(min=1), [vol.In(automations.ENERGY_SOURCES)]
                ),
            }
        }
    )

    @override
    def is_valid_state(self, entity_state: State) -> bool:
        return entity_state.state in self._options[CONF_SOURCE]


class AlarmActive(Condition):
    """Passes while an alarm of the installation is raised; without a site there is none."""

    @classmethod
    @override
    async def async_validate_config(cls, hass: HomeAssistant, config: ConfigType) -> ConfigType:
        validated: ConfigType = ALARM_SCHEMA(config)
        return validated

    def __init__(self, hass: HomeAssistant, config: ConditionConfig) -> None:
        """Know which alarms are meant."""
        super().__init__(hass, config)
        self._choice = Choice.of(config.options or {})

    @override
    def _async_check(self, **kwargs: Unpack[ConditionCheckParams]) -> bool:
        return bool(self._choice.active_in(async_get_center(self._hass)))


CONDITIONS: Mapping[str, type[Condition]] = {
    "grid_is_connected": _is(automations.GRID),
    "grid_is_lost": _is_not(automations.GRID),
    "energy_source_is": EnergySourceIs,
    "generator_is_running": _is(automations.GENERATOR_RUNNING),
    "generator_is_stopped": _is_not(automations.GENERATOR_RUNNING),
    "generator_has_failed": _is(automations.GENERATOR_FAILED),
    "battery_is_low": _has_reached(automations.BATTERY_LOW),
    "battery_is_full": _has_reached(automations.BATTERY_FULL),
    "discharge_is_allowed": _is(automations.DISCHARGE_ALLOWED),
    "discharge_is_forbidden": _is_not(automations.DISCHARGE_ALLOWED),
    "car_is_connected": _is(automations.CAR_CONNECTED),
    "car_is_charging": _is(automations.CAR_CHARGING),
    "car_is_not_charging": _is_not(automations.CAR_CHARGING),
    "car_is_charged": _is(automations.CAR_CHARGED),
    "tank_is_below": _has_reached(automations.TANK_BELOW),
    "tank_is_above": _has_reached(automations.TANK_ABOVE),
    "relay_is_closed": _is(automations.RELAY_CLOSED),
    "relay_is_open": _is_not(automations.RELAY_CLOSED),
    "ups_is_on_battery": _is_not(automations.UPS_ON_MAINS),
    "ups_is_on_mains": _is(automations.UPS_ON_MAINS),
    "ups_battery_is_low": _is(automations.UPS_BATTERY_LOW),
    "ups_stop_is_imminent": _is(automations.STOP_IMMINENT),
    "ups_is_overloaded": _is(automations.OVERLOADED),
    "ups_is_on_bypass": _is(automations.UPS_ON_BYPASS),
    "load_is_supplied": _is(automations.LOAD_SUPPLIED),
    "load_is_not_supplied": _is_not(automations.LOAD_SUPPLIED),
    "sts_is_on_preferred_source": _is(automations.ON_PREFERRED_SOURCE),
    "sts_is_on_alternate_source": _is_not(automations.ON_PREFERRED_SOURCE),
    "breaker_is_tripped": _is(automations.BREAKER_TRIPPED),
    "breaker_is_open": _is(automations.BREAKER_OPEN),
    "alarm_active": AlarmActive,
}


async def async_get_conditions(hass: HomeAssistant) -> dict[str, type[Condition]]:
    """Return the conditions of this integration."""
    return dict(CONDITIONS)

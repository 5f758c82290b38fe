"""The user's rules: an entity, and from when on it is wrong (VRM manual 6.4 to 6.6)."""

import math
from collections.abc import Mapping
from typing import Any, Final

import voluptuous as vol
from homeassistant.components.sensor import ATTR_OPTIONS, ATTR_STATE_CLASS
from homeassistant.config_entries import SubentryFlowResult
from homeassistant.const import CONF_NAME, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant, State, callback, split_entity_id
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity import get_capability, get_device_class, get_unit_of_measurement
from homeassistant.helpers.selector import (
    BooleanSelector,
    EntitySelector,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
)
from homeassistant.helpers.translation import async_get_translations

from ..alarms.settings import rule_of
from ..site.alarms.episodes import Severity
from ..site.alarms.rules import NO_DATA, Mistake, check
from .fields import choice, number
from .subentry import SiteSubentryFlow

DAY: Final = 86_400
"""s."""
THRESHOLDS: Final = ("low", "low_hysteresis", "high", "high_hysteresis")

_NUMBERS: Final = frozenset({"counter", "input_number", "number"})
"""The kinds of entities that have numbers, even while they have none."""
_FIELD_OF: Mapping[Mistake, str] = {
    Mistake.LOW_HYSTERESIS_BELOW_LOW_THRESHOLD: "low_hysteresis",
    Mistake.HIGH_HYSTERESIS_ABOVE_HIGH_THRESHOLD: "high_hysteresis",
    Mistake.LOW_HYSTERESIS_NOT_BELOW_HIGH_THRESHOLD: "low_hysteresis",
    Mistake.HIGH_HYSTERESIS_NOT_ABOVE_LOW_THRESHOLD: "high_hysteresis",
}
"""Where a form shows a mistake that is not of the whole."""
_COMMON: Mapping[vol.Marker, Any] = {
    vol.Required("delay", default=0): number(0, DAY, "s"),
    vol.Required("severity", default=Severity.WARNING.word): choice("severity", [each.word for each in Severity]),
    vol.Optional("no_data"): number(1, 7 * DAY, "s"),
    vol.Required("grid", default=False): BooleanSelector(),
}


class RuleFlow(SiteSubentryFlow):
    """Add a rule, or change one."""

    def __init__(self) -> None:
        """Start with nothing said."""
        self._entity = ""
        self._numeric = False

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Describe a new one."""
        return await self.async_step_entity()

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Begin with the entity: it may have another id by now."""
        return await self.async_step_entity()

    async def async_step_entity(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask what is watched."""
        errors: dict[str, str] = {}
        if user_input is not None:
            self._entity = user_input["entity"]
            try:
                self._numeric = is_numeric(self.hass, self._entity)
            except HomeAssistantError:
                errors = {"entity": "unknown_entity"}
            else:
                return await self.async_step_rule()
        schema = vol.Schema({vol.Required("entity"): EntitySelector()})
        return self.async_show_form(
            step_id="entity",
            data_schema=self.add_suggested_values_to_schema(schema, user_input or self._known),
            errors=errors,
        )

    async def async_step_rule(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for what suits the entity, and for what all rules have; keep what makes a valid rule."""
        state = self.hass.states.get(self._entity)
        entity_name = self._entity if state is None else state.name
        own, value = self._thresholds(state) if self._numeric else await self._states(state)
        errors: dict[str, str] = {}
        if user_input is not None:
            data = {"entity": self._entity, **user_input}
            name = data.pop(CONF_NAME).strip() or entity_name
            if "states" in data:
                data["states"] = list(dict.fromkeys(filter(None, map(str.strip, data["states"]))))
            if not (mistakes := _mistakes(data)):
                return self._save(name, data)
            for mistake in mistakes:
                errors.setdefault(_FIELD_OF.get(mistake, "base"), mistake.value)
        schema = vol.Schema({vol.Optional("name", default=""): TextSelector(), **own, **_COMMON})
        return self.async_show_form(
            step_id="rule",
            data_schema=self.add_suggested_values_to_schema(schema, self._known if user_input is None else user_input),
            errors=errors,
            description_placeholders={"entity": entity_name, "value": value},
        )

    def _thresholds(self, state: State | None) -> tuple[dict[vol.Marker, Any], str]:
        """The fields of an entity with numbers, and its value."""
        unit = get_unit_of_measurement(self.hass, self._entity) or ""
        config = NumberSelectorConfig(step="any", mode=NumberSelectorMode.BOX, unit_of_measurement=unit)
        fields: dict[vol.Marker, Any] = {vol.Optional(name): NumberSelector(config) for name in THRESHOLDS}
        known = state is not None and state.state not in (STATE_UNKNOWN, STATE_UNAVAILABLE)
        return fields, f"{state.state}\u00a0{unit}".rstrip() if state is not None and known else "-"

    async def _states(self, state: State | None) -> tuple[dict[vol.Marker, Any], str]:
        """The field of an entity with states, and its state."""
        names = await async_known_states(self.hass, self._entity)
        config = SelectSelectorConfig(
            options=[SelectOptionDict(value=known, label=name) for known, name in names.items()],
            multiple=True,
            custom_value=True,
            mode=SelectSelectorMode.DROPDOWN,
        )
        fields: dict[vol.Marker, Any] = {vol.Required("states", default=list): SelectSelector(config)}
        known = state is not None and state.state not in (STATE_UNKNOWN, STATE_UNAVAILABLE)
        return fields, names.get(state.state, state.state) if state is not None and known else "-"


def _mistakes(data: Mapping[str, Any]) -> tuple[Mistake, ...]:
    """What is wrong with what was typed; the form lets numbers through that are none."""
    try:
        return check(rule_of("", "", data))
    except vol.Invalid:
        return (Mistake.NOT_A_NUMBER,)


@callback
def is_numeric(hass: HomeAssistant, entity_id: str) -> bool:
    """Whether the states of an entity are numbers. Raises ``HomeAssistantError`` for one that does not exist."""
    if get_capability(hass, entity_id, ATTR_OPTIONS) is not None:
        return False
    if split_entity_id(entity_id)[0] in _NUMBERS or get_capability(hass, entity_id, ATTR_STATE_CLASS) is not None:
        return True
    state = hass.states.get(entity_id)
    return get_unit_of_measurement(hass, entity_id) is not None or (state is not None and _is_number(state.state))


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


async def async_known_states(hass: HomeAssistant, entity_id: str) -> dict[str, str]:
    """The states that an entity is known to have, and what they are called."""
    domain = split_entity_id(entity_id)[0]
    language = hass.config.language
    texts = await async_get_translations(hass, language, "entity_component", [domain])
    named_by = [f"component.{domain}.entity_component.{get_device_class(hass, entity_id) or '_'}.state."]
    entry = er.async_get(hass).async_get(entity_id)
    if entry is not None and entry.translation_key is not None:
        texts = texts | await async_get_translations(hass, language, "entity", [entry.platform])
        named_by.insert(0, f"component.{entry.platform}.entity.{domain}.{entry.translation_key}.state.")
    names: dict[str, str] = {}
    for path in named_by:
        of_path = {key.removeprefix(path): text for key, text in texts.items() if key.startswith(path)}
        names = of_path | names
    known = get_capability(hass, entity_id, ATTR_OPTIONS) or list(names)
    if (state := hass.states.get(entity_id)) is not None:
        known = [*known, state.state]
    return {each: names.get(each, each) for each in known if each.lower() not in NO_DATA}

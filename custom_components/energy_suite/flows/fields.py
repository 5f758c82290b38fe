"""The fields that forms are made of."""

import voluptuous as vol
from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
from homeassistant.helpers.typing import VolSchemaType

SECRET = TextSelector(TextSelectorConfig(type=TextSelectorType.PASSWORD))


def box(low: float, high: float, unit: str | None = None, step: float = 1) -> NumberSelector:
    """A number to type."""
    config = NumberSelectorConfig(min=low, max=high, step=step, mode=NumberSelectorMode.BOX)
    if unit:
        config["unit_of_measurement"] = unit
    return NumberSelector(config)


def number(low: float, high: float, unit: str | None = None, step: float = 1) -> VolSchemaType:
    """A number to type, with or without decimals."""
    return vol.All(box(low, high, unit, step), vol.Coerce(float))


def integer(low: int, high: int) -> VolSchemaType:
    """A whole number to type."""
    return vol.All(box(low, high), vol.Coerce(int))


PORT = integer(1, 65535)


def choice(key: str, options: list[str], *, multiple: bool = False) -> SelectSelector:
    """One or several of the options, whose names are translated under ``key``."""
    return SelectSelector(
        SelectSelectorConfig(options=options, multiple=multiple, mode=SelectSelectorMode.LIST, translation_key=key)
        if multiple
        else SelectSelectorConfig(options=options, translation_key=key)
    )

"""Values that a map makes of what a device answers, told in a form to be compared with the device's screen."""

from collections.abc import Iterator, Mapping

from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_translations

from ..const import DOMAIN
from ..entities import all_of
from ..entities.descriptions import Description
from ..gateways.base import Device
from ..gateways.profiles.trial import Shown
from ..gateways.profiles.vocabulary import in_language


async def async_get_texts(hass: HomeAssistant) -> dict[str, str]:
    """The texts that values are called by, and their states."""
    texts: dict[str, str] = {}
    for category, of in (("selector", DOMAIN), ("entity", DOMAIN), ("entity_component", "sensor")):
        texts |= await async_get_translations(hass, hass.config.language, category, [of])
    return texts


def colon_of(language: str) -> str:
    """A colon as the language writes it."""
    return "\u00a0:" if language.partition("-")[0] == "fr" else ":"


def lines(values: Mapping[str, Shown], device: Device, texts: Mapping[str, str], language: str) -> Iterator[str]:
    """A line for each value, called as the entity of the device will be."""
    entities = {description.key: description for description in all_of(device, language)}
    is_french = language.partition("-")[0] == "fr"
    for key, shown in values.items():
        name = in_language(shown.names, language) or key
        told = value = value_text(shown.value)
        if (description := entities.get(key)) is not None:
            name = _name(description, texts) or name
            told = texts.get(f"{_text_of(description)}.state.{value}", value)
        if is_french and isinstance(shown.value, float):
            told = told.replace(".", ",")
        # No line is broken between a number and its unit.
        yield f"{name}{colon_of(language)} {told}\u00a0{shown.unit or ''}".rstrip()


def _text_of(description: Description) -> str:
    return f"component.{DOMAIN}.entity.sensor.{description.translation_key}"


def _name(description: Description, texts: Mapping[str, str]) -> str | None:
    translated = texts.get(f"{_text_of(description)}.name")
    if translated:
        return translated.format(**description.translation_placeholders or {})
    if isinstance(description.name, str):
        return description.name
    return texts.get(f"component.sensor.entity_component.{description.device_class}.name")


def value_text(value: float | str | bool) -> str:
    """A value as a person compares it with a screen."""
    match value:
        case bool():
            return "✓" if value else "✗"
        case float():
            return f"{value:.2f}".rstrip("0").rstrip(".")
    return str(value)

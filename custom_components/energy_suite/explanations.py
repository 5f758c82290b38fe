"""What lights, codes and procedures mean, told by actions in Home Assistant's language."""

from collections.abc import Mapping
from typing import Any

import voluptuous as vol
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.typing import VolSchemaType

from .const import DOMAIN
from .gateways.solarman.aura import (
    ALARMS,
    BATTERY_LIGHTS,
    BATTERY_SHOWS,
    INVERTER_LIGHTS,
    OFF,
    PROCEDURES,
    STICK_LIGHTS,
    battery_key,
    stick_faults,
)
from .gateways.victron.bms import LEDS, firmware_verdict
from .texts import explanation

ATTR_ALARM = "alarm"
ATTR_FIRMWARE = "firmware"
ATTR_INVERTER_LIGHT = "inverter_light"
ATTR_PROCEDURE = "procedure"

BMS_LEDS_SCHEMA = vol.All(
    vol.Schema(
        {
            **{vol.Optional(led): vol.In(shown) for led, shown in LEDS.items()},
            vol.Optional(ATTR_FIRMWARE): cv.string,
        }
    ),
    cv.has_at_least_one_key(*LEDS, ATTR_FIRMWARE),
)

_BATTERY = tuple(f"battery_{number}" for number in range(1, BATTERY_LIGHTS + 1))
_AURA: Mapping[vol.Marker, Any] = {
    **{vol.Optional(light): vol.In(shown) for light, shown in STICK_LIGHTS.items()},
    **{vol.Optional(light): vol.In(BATTERY_SHOWS) for light in _BATTERY},
    vol.Optional(ATTR_INVERTER_LIGHT): vol.In(INVERTER_LIGHTS),
    vol.Optional(ATTR_ALARM): cv.string,
    vol.Optional(ATTR_PROCEDURE): vol.In(PROCEDURES),
}
AURA_SCHEMA: VolSchemaType = vol.All(vol.Schema(_AURA), cv.has_at_least_one_key(*map(str, _AURA)))


async def async_explain_bms_leds(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Say what the LEDs of a VE.Bus BMS V2 mean."""
    language = hass.config.language
    answer: dict[str, Any] = {
        led: explanation(language, f"led_{led}_{call.data[led]}") for led in LEDS if led in call.data
    }
    if (version := call.data.get(ATTR_FIRMWARE)) is not None:
        try:
            verdict = firmware_verdict(version)
        except ValueError as err:
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="bad_firmware_version",
                translation_placeholders={"version": version},
            ) from err
        answer[ATTR_FIRMWARE] = explanation(language, f"firmware_{verdict}")
    return answer


async def async_explain_aura(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Say what an AURA and its stick show, and how to start or stop it."""
    language, asked = hass.config.language, call.data
    lights = {light: asked[light] for light in STICK_LIGHTS if light in asked}
    answer: dict[str, Any] = {light: explanation(language, f"stick_{light}_{shown}") for light, shown in lights.items()}
    if lights:
        answer["stick"] = [explanation(language, key) for key in stick_faults(lights)]
    if any(light in asked for light in _BATTERY):
        answer["battery"] = explanation(language, battery_key(*(asked.get(light, OFF) for light in _BATTERY)))
    if (letter := asked.get(ATTR_INVERTER_LIGHT)) is not None:
        answer[ATTR_INVERTER_LIGHT] = explanation(language, f"aura_light_{letter}")
    if (code := asked.get(ATTR_ALARM)) is not None:
        answer[ATTR_ALARM] = _alarm(language, code)
    if (procedure := asked.get(ATTR_PROCEDURE)) is not None:
        answer[ATTR_PROCEDURE] = explanation(language, f"aura_procedure_{procedure}")
    return answer


def _alarm(language: str, code: str) -> dict[str, str]:
    """An alarm by its code, such as F07."""
    letter, number = code.strip()[:1].lower(), code.strip()[1:].strip()
    alarm = ALARMS.get(f"aura_{letter}{int(number):02}") if number.isdecimal() else None
    if alarm is None:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="unknown_alarm_code", translation_placeholders={"code": code}
        )
    return {**explanation(language, alarm.key), "severity": alarm.severity.word}

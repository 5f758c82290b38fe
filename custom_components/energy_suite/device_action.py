"""Device actions: the everyday commands, offered on the page of a device.

A device has an action where it has the entity that does the same, so the options of the gateway gate both alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import voluptuous as vol
from homeassistant.const import ATTR_DEVICE_ID, ATTR_MODE, CONF_DEVICE_ID, CONF_DOMAIN, CONF_TYPE
from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.selector import (
    BooleanSelector,
    DurationSelector,
    NumberSelector,
    NumberSelectorConfig,
    SelectSelector,
    SelectSelectorConfig,
)
from homeassistant.helpers.service import async_get_device_and_config_entry
from homeassistant.helpers.typing import ConfigType, TemplateVarsType

from .actions import (
    ATTR_CHARGING,
    ATTR_CLOSED,
    ATTR_COMMAND,
    ATTR_CONFIRM,
    ATTR_CURRENT,
    ATTR_DURATION,
    ATTR_MINIMUM_STATE_OF_CHARGE,
    ATTR_RELAY,
    CHARGING_MODES,
    ESS_MODES,
)
from .const import DOMAIN
from .coordinator import DeviceCoordinator
from .entities import all_of, descriptions_of
from .entities.descriptions import (
    ButtonDescription,
    Description,
    NumberDescription,
    SelectDescription,
    SwitchDescription,
)
from .gateways.netvision.control import COMMANDS
from .suite import async_get_suite

INVERTER_MODE: Final = "inverter_mode"


@dataclass(frozen=True)
class DeviceAction:
    """A command of a device, by the control that it has for it."""

    control: str
    action: str | None = None
    """The action of this integration that does it; without one, the control itself."""
    data: Mapping[str, Any] = field(default_factory=dict)
    fields: Mapping[vol.Marker, Any] = field(default_factory=dict)
    """What the user says, with how it is asked for."""


def _modes(key: str, options: list[str]) -> SelectSelector:
    return SelectSelector(SelectSelectorConfig(options=options, translation_key=key))


ACTIONS: Final[Mapping[str, DeviceAction]] = {
    "set_ess_mode": DeviceAction(
        "ess_mode",
        "set_ess_mode",
        fields={
            vol.Required(ATTR_MODE): _modes("ess_mode", ESS_MODES),
            vol.Optional(ATTR_MINIMUM_STATE_OF_CHARGE): NumberSelector(
                NumberSelectorConfig(min=0, max=100, unit_of_measurement="%")
            ),
        },
    ),
    "set_charging_mode": DeviceAction(
        "charging_mode", "set_charging", fields={vol.Required(ATTR_MODE): _modes("charging_mode", CHARGING_MODES)}
    ),
    "set_charging_current": DeviceAction(
        "charging_current",
        "set_charging",
        fields={
            vol.Required(ATTR_CURRENT): NumberSelector(NumberSelectorConfig(min=6, max=80, unit_of_measurement="A"))
        },
    ),
    "start_charging": DeviceAction("charging", "set_charging", {ATTR_CHARGING: True}),
    "stop_charging": DeviceAction("charging", "set_charging", {ATTR_CHARGING: False}),
    "start_generator": DeviceAction(
        "generator_manual_start", "start_generator", fields={vol.Optional(ATTR_DURATION): DurationSelector()}
    ),
    "stop_generator": DeviceAction("generator_manual_start", "stop_generator"),
    **{
        f"{verb}_relay_{number}": DeviceAction(
            f"relay_{number}", "set_relay", {ATTR_RELAY: number, ATTR_CLOSED: verb == "close"}
        )
        for number in (1, 2)
        for verb in ("close", "open")
    },
    **{
        f"ups_{command}": DeviceAction(
            command.value,
            "ups_command",
            {ATTR_COMMAND: command.value},
            {vol.Required(ATTR_CONFIRM): BooleanSelector()} if about.danger else {},
        )
        for command, about in COMMANDS.items()
    },
    "set_inverter_mode": DeviceAction(INVERTER_MODE, fields={vol.Required(ATTR_MODE): cv.string}),
}

ACTION_SCHEMA = cv.key_value_schemas(
    CONF_TYPE,
    {
        name: cv.DEVICE_ACTION_BASE_SCHEMA.extend({vol.Required(CONF_TYPE): name, **action.fields})
        for name, action in ACTIONS.items()
    },
)


def _is_control(description: Description, key: str) -> bool:
    """Whether it is what sets something, not the reading in place of it."""
    return description.key == key and isinstance(
        description, ButtonDescription | NumberDescription | SelectDescription | SwitchDescription
    )


@callback
def _coordinator(hass: HomeAssistant, device_id: str) -> DeviceCoordinator | None:
    return next((each for each in async_get_suite(hass) if each.device_id == device_id), None)


async def async_get_actions(hass: HomeAssistant, device_id: str) -> list[dict[str, str]]:
    """List the commands that the device takes now."""
    coordinator = _coordinator(hass, device_id)
    if coordinator is None or not coordinator.seen:
        return []
    descriptions = list(descriptions_of(coordinator.device, coordinator.enabled_controls, hass.config.language))
    return [
        {CONF_DEVICE_ID: device_id, CONF_DOMAIN: DOMAIN, CONF_TYPE: name}
        for name, action in ACTIONS.items()
        if any(_is_control(description, action.control) for description in descriptions)
    ]


async def async_get_action_capabilities(hass: HomeAssistant, config: ConfigType) -> dict[str, vol.Schema]:
    """List what the user is asked for."""
    fields = ACTIONS[config[CONF_TYPE]].fields
    coordinator = _coordinator(hass, config[CONF_DEVICE_ID])
    if config[CONF_TYPE] == "set_inverter_mode" and coordinator and (control := _inverter_mode(coordinator)):
        # An inverter has other modes than an inverter/charger.
        fields = {vol.Required(ATTR_MODE): _modes(INVERTER_MODE, list(control.options or []))}
    return {"extra_fields": vol.Schema(fields)}


async def async_call_action_from_config(
    hass: HomeAssistant, config: ConfigType, variables: TemplateVarsType, context: Context | None
) -> None:
    """Give the command. Raises ``HomeAssistantError``, translated."""
    action = ACTIONS[config[CONF_TYPE]]
    if action.action is None:
        await _set_inverter_mode(hass, config, context)
        return
    asked = {name: config[name] for name in map(str, action.fields) if name in config}
    await hass.services.async_call(
        DOMAIN,
        action.action,
        {ATTR_DEVICE_ID: config[CONF_DEVICE_ID], **action.data, **asked},
        blocking=True,
        context=context,
    )


def _inverter_mode(coordinator: DeviceCoordinator) -> SelectDescription[Any] | None:
    for description in all_of(coordinator.device, coordinator.hass.config.language):
        if isinstance(description, SelectDescription) and description.key == INVERTER_MODE:
            return description
    return None


async def _set_inverter_mode(hass: HomeAssistant, config: ConfigType, context: Context | None) -> None:
    device, _ = async_get_device_and_config_entry(hass, DOMAIN, config[CONF_DEVICE_ID])
    coordinator = _coordinator(hass, device.id)
    control = _inverter_mode(coordinator) if coordinator else None
    mode = config[ATTR_MODE]
    if coordinator is None or control is None or mode not in (control.options or []):
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="wrong_device_kind",
            translation_placeholders={"device": device.name_by_user or device.name or device.id},
        )
    await coordinator.async_command(
        INVERTER_MODE,
        lambda: control.set_fn(coordinator.device, mode),
        before=control.value_fn(coordinator.device),
        to=mode,
        danger=control.danger,
        context=context,
    )

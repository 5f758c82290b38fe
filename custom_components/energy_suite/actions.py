"""The actions, for automations and scripts."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import voluptuous as vol
from homeassistant.const import ATTR_DEVICE_ID, ATTR_MODE
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.service import async_get_device_and_config_entry
from homeassistant.helpers.target import TargetSelection, async_extract_referenced_entity_ids
from homeassistant.helpers.typing import VolSchemaType

from .const import DOMAIN
from .coordinator import DeviceCoordinator
from .due import async_command_for
from .gateways.base import Danger, Ess, Evse, Generator, Relay
from .gateways.victron.bms import LEDS, firmware_verdict
from .suite import async_get_suite
from .texts import explanation

ATTR_CHARGING = "charging"
ATTR_CLOSED = "closed"
ATTR_CURRENT = "current"
ATTR_DURATION = "duration"
ATTR_FIRMWARE = "firmware"
ATTR_MINIMUM_STATE_OF_CHARGE = "minimum_state_of_charge"
ATTR_PULSE = "pulse"
ATTR_RELAY = "relay"

ESS_MODES = [
    "optimized_with_batterylife",
    "optimized_without_batterylife",
    "keep_batteries_charged",
    "external_control",
]
CHARGING_MODES = ["manual", "auto", "scheduled"]

# A run or a pulse of no length would have no end.
LASTING = vol.All(cv.positive_time_period, vol.Range(min=timedelta(seconds=1)))

type Handler = Callable[[HomeAssistant, DeviceCoordinator, ServiceCall], Awaitable[None]]


async def _set_ess_mode(hass: HomeAssistant, coordinator: DeviceCoordinator, call: ServiceCall) -> None:
    device: Any = coordinator.device
    mode = call.data[ATTR_MODE]
    await coordinator.async_command(
        "ess_mode",
        lambda: device.set_ess_mode(device.ess_modes[mode], call.data.get(ATTR_MINIMUM_STATE_OF_CHARGE)),
        before=_name(device.ess_mode),
        to=mode,
        danger=Danger.EXTERNAL_CONTROL if mode == "external_control" else None,
        context=call.context,
    )


async def _start_generator(hass: HomeAssistant, coordinator: DeviceCoordinator, call: ServiceCall) -> None:
    device: Any = coordinator.device
    await async_command_for(
        coordinator,
        "generator_manual_start",
        device.start,
        before=device.running,
        to=True,
        lasts=call.data.get(ATTR_DURATION),
        danger=Danger.GENERATOR,
        context=call.context,
    )


async def _stop_generator(hass: HomeAssistant, coordinator: DeviceCoordinator, call: ServiceCall) -> None:
    device: Any = coordinator.device
    await coordinator.async_command(
        "generator_manual_start",
        device.stop,
        before=device.running,
        to=False,
        danger=Danger.GENERATOR,
        context=call.context,
    )


async def _set_charging(hass: HomeAssistant, coordinator: DeviceCoordinator, call: ServiceCall) -> None:
    device: Any = coordinator.device
    if (mode := call.data.get(ATTR_MODE)) is not None:
        await coordinator.async_command(
            "charging_mode",
            lambda: device.set_charging_mode(device.charging_modes[mode]),
            before=_name(device.charging_mode),
            to=mode,
            context=call.context,
        )
    if (current := call.data.get(ATTR_CURRENT)) is not None:
        await coordinator.async_command(
            "charging_current",
            lambda: device.set_charging_current(current),
            before=device.charging_current,
            to=current,
            context=call.context,
        )
    if (charging := call.data.get(ATTR_CHARGING)) is not None:
        await coordinator.async_command(
            "charging",
            lambda: device.set_charging(charging),
            before=device.charging,
            to=charging,
            context=call.context,
        )


async def _set_relay(hass: HomeAssistant, coordinator: DeviceCoordinator, call: ServiceCall) -> None:
    device: Any = coordinator.device
    number, closed = call.data[ATTR_RELAY], call.data[ATTR_CLOSED]
    control = f"relay_{number}"
    await async_command_for(
        coordinator,
        control,
        lambda: device.set_relay(number, closed),
        before=device.relay_state(number),
        to=closed,
        lasts=call.data.get(ATTR_PULSE),
        danger=Danger(control),
        context=call.context,
    )


async def _explain_bms_leds(call: ServiceCall) -> ServiceResponse:
    """Say what the LEDs of a VE.Bus BMS V2 mean, in Home Assistant's language."""
    language = call.hass.config.language
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


def _name(value: Any) -> str | None:
    return None if value is None else value.name.lower()


def _schema(fields: dict[vol.Marker, Any], *checks: Callable[[Any], Any]) -> VolSchemaType:
    return vol.All(vol.Schema({**cv.TARGET_SERVICE_FIELDS, **fields}), *checks)


ACTIONS: Mapping[str, tuple[type[Any], Handler, VolSchemaType]] = {
    "set_ess_mode": (
        Ess,
        _set_ess_mode,
        _schema(
            {
                vol.Required(ATTR_MODE): vol.In(ESS_MODES),
                vol.Optional(ATTR_MINIMUM_STATE_OF_CHARGE): vol.All(vol.Coerce(float), vol.Range(0, 100)),
            }
        ),
    ),
    "start_generator": (Generator, _start_generator, _schema({vol.Optional(ATTR_DURATION): LASTING})),
    "stop_generator": (Generator, _stop_generator, _schema({})),
    "set_charging": (
        Evse,
        _set_charging,
        _schema(
            {
                vol.Optional(ATTR_MODE): vol.In(CHARGING_MODES),
                vol.Optional(ATTR_CURRENT): vol.All(vol.Coerce(float), vol.Range(min=0)),
                vol.Optional(ATTR_CHARGING): cv.boolean,
            },
            cv.has_at_least_one_key(ATTR_MODE, ATTR_CURRENT, ATTR_CHARGING),
        ),
    ),
    "set_relay": (
        Relay,
        _set_relay,
        _schema(
            {
                vol.Required(ATTR_RELAY): vol.All(vol.Coerce(int), vol.In([1, 2])),
                vol.Required(ATTR_CLOSED): cv.boolean,
                vol.Optional(ATTR_PULSE): LASTING,
            }
        ),
    ),
}
"""Action -> the capability of the devices it is for, its handler, its schema."""

EXPLAIN_BMS_LEDS = "explain_bms_leds"
EXPLAIN_BMS_LEDS_SCHEMA = vol.All(
    vol.Schema(
        {
            **{vol.Optional(led): vol.In(shown) for led, shown in LEDS.items()},
            vol.Optional(ATTR_FIRMWARE): cv.string,
        }
    ),
    cv.has_at_least_one_key(*LEDS, ATTR_FIRMWARE),
)


@callback
def async_register_actions(hass: HomeAssistant) -> None:
    """Register every action, once per run."""
    for name, (capability, handler, schema) in ACTIONS.items():

        async def handle(call: ServiceCall, capability: type[Any] = capability, handler: Handler = handler) -> None:
            for coordinator in _targets(hass, call, capability):
                await handler(hass, coordinator, call)

        hass.services.async_register(DOMAIN, name, handle, schema=schema)
    hass.services.async_register(
        DOMAIN,
        EXPLAIN_BMS_LEDS,
        _explain_bms_leds,
        schema=EXPLAIN_BMS_LEDS_SCHEMA,
        supports_response=SupportsResponse.ONLY,
    )


def _targets(hass: HomeAssistant, call: ServiceCall, capability: type[Any]) -> list[DeviceCoordinator]:
    """The devices that the action is for.

    A device named itself must be able; of areas, floors and labels those are taken that are.
    Raises ``ServiceValidationError``.
    """
    loaded = {coordinator.device_id: coordinator for coordinator in async_get_suite(hass)}
    named = call.data.get(ATTR_DEVICE_ID, [])
    for device_id in named:
        device, _ = async_get_device_and_config_entry(hass, DOMAIN, device_id)
        if device_id not in loaded or not isinstance(loaded[device_id].device, capability):
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="wrong_device_kind",
                translation_placeholders={"device": device.name_by_user or device.name or device_id},
            )
    reached = async_extract_referenced_entity_ids(hass, TargetSelection(call.data)).referenced_devices
    targets = [
        coordinator
        for device_id, coordinator in loaded.items()
        if (device_id in named or device_id in reached) and isinstance(coordinator.device, capability)
    ]
    if not targets:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="no_such_device")
    return targets

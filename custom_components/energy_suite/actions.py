"""The actions, for automations and scripts."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import voluptuous as vol
from homeassistant.const import ATTR_DEVICE_ID, ATTR_MODE
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.service import async_get_device_and_config_entry
from homeassistant.helpers.target import TargetSelection, async_extract_referenced_entity_ids
from homeassistant.helpers.typing import VolSchemaType
from homeassistant.util.json import JsonValueType
from modbus_connection import ModbusUnit

from .alarms import queries
from .const import CONF_GATEWAY, CONF_WRITE_REGISTER, DOMAIN
from .coordinator import DeviceCoordinator, SuiteConfigEntry
from .due import async_command_for
from .explanations import AURA_SCHEMA, BMS_LEDS_SCHEMA, async_explain_aura, async_explain_bms_leds
from .gateways.base import CommandRefused, Danger, Device, Ess, Evse, Generator, Relay, ShutdownManager, Ups
from .gateways.commands import Effect
from .gateways.kinds import KINDS
from .gateways.netvision.control import COMMANDS, EVENT_ROWS, SCHEDULE_ROWS, Schedule, ShutdownAction, UpsCommand
from .gateways.profiles.device import ProfileDevice
from .gateways.raw import MOST, Addressed, decoded, read, value_at, write
from .suite import async_get_suite

ATTR_CHARGING = "charging"
ATTR_CLOSED = "closed"
ATTR_CURRENT = "current"
ATTR_DURATION = "duration"
ATTR_MINIMUM_STATE_OF_CHARGE = "minimum_state_of_charge"
ATTR_PULSE = "pulse"
ATTR_RELAY = "relay"
ATTR_COMMAND = "command"
ATTR_CONFIRM = "confirm"
ATTR_ROW = "row"
ATTR_ACTION = "action"
ATTR_DELAY = "delay"
ATTR_FIRST_WARNING = "first_warning"
ATTR_WARNING_INTERVAL = "warning_interval"
ATTR_SCHEDULE = "schedule"
ATTR_BEGIN_DAY = "begin_day"
ATTR_BEGIN_TIME = "begin_time"
ATTR_END_DAY = "end_day"
ATTR_END_TIME = "end_time"
ATTR_FUNCTION = "function"
ATTR_ADDRESS = "address"
ATTR_COUNT = "count"
ATTR_UNIT_ID = "unit_id"
ATTR_VALUE = "value"

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
type Asker = Callable[[HomeAssistant, ServiceCall], Awaitable[ServiceResponse]]
type Doer = Callable[[HomeAssistant, ServiceCall], Coroutine[Any, Any, None]]


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

        async def choose() -> Effect:
            if mode not in device.charging_modes:
                raise CommandRefused("not_supported")
            return Effect(await device.set_charging_mode(device.charging_modes[mode]))

        await coordinator.async_command(
            "charging_mode",
            choose,
            before=_name(device.charging_mode) if device.charging_modes else None,
            to=mode,
            context=call.context,
        )
    if (current := call.data.get(ATTR_CURRENT)) is not None:
        await coordinator.async_command(
            "charging_current",
            lambda: device.set_charging_current(current),
            before=device.charging_current,
            to=current,
            danger=_danger_of(device, "charging_current"),
            named=_is_named(coordinator, call),
            context=call.context,
        )
    if (charging := call.data.get(ATTR_CHARGING)) is not None:
        await coordinator.async_command(
            "charging",
            lambda: device.set_charging(charging),
            before=device.charging,
            to=charging,
            danger=_danger_of(device, "charging"),
            named=_is_named(coordinator, call),
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
        danger=_danger_of(device, control, of_the_suite=Danger(control)),
        named=_is_named(coordinator, call),
        context=call.context,
    )


def _danger_of(device: Device, key: str, *, of_the_suite: Danger | None = None) -> Danger | None:
    """The control that an entity of this key waits for too; ``of_the_suite`` for devices that no profile tells."""
    return device.danger_of(key) if isinstance(device, ProfileDevice) else of_the_suite


def _is_named(coordinator: DeviceCoordinator, call: ServiceCall) -> bool:
    """Whether the device is a target itself, not only by its area, floor or label."""
    return coordinator.device_id in call.data.get(ATTR_DEVICE_ID, [])


async def _ups_command(hass: HomeAssistant, coordinator: DeviceCoordinator, call: ServiceCall) -> None:
    device: Any = coordinator.device
    command = UpsCommand(call.data[ATTR_COMMAND])
    about = COMMANDS[command]
    await coordinator.async_command(
        about.family,
        lambda: device.give_command(command),
        before=_name(device.ups_status),
        to=command.value,
        danger=about.danger,
        confirmed=call.data[ATTR_CONFIRM],
        named=_is_named(coordinator, call),
        context=call.context,
    )


async def _set_shutdown_event(hass: HomeAssistant, coordinator: DeviceCoordinator, call: ServiceCall) -> None:
    device: Any = coordinator.device
    row, action = call.data[ATTR_ROW], ShutdownAction(call.data[ATTR_ACTION])
    numbers = {name: call.data.get(name) for name in (ATTR_DELAY, ATTR_FIRST_WARNING, ATTR_WARNING_INTERVAL)}
    await coordinator.async_command(
        f"shutdown_event_{row}",
        lambda: device.set_shutdown_event(row, action=action, **numbers),
        before=None,
        to=action.value,
        danger=Danger.UPS_SHUTDOWN,
        confirmed=call.data[ATTR_CONFIRM],
        named=_is_named(coordinator, call),
        context=call.context,
    )


async def _set_ups_schedule(hass: HomeAssistant, coordinator: DeviceCoordinator, call: ServiceCall) -> None:
    device: Any = coordinator.device
    schedule, row = Schedule(call.data[ATTR_SCHEDULE]), call.data[ATTR_ROW]
    begin = (call.data[ATTR_BEGIN_DAY], call.data[ATTR_BEGIN_TIME].strftime("%H:%M"))
    end = (call.data[ATTR_END_DAY], call.data[ATTR_END_TIME].strftime("%H:%M"))
    await coordinator.async_command(
        f"{schedule}_schedule_{row}",
        lambda: device.set_schedule(schedule, row, begin=begin, end=end),
        before=None,
        to=" ".join((*begin, *end)),
        danger=Danger.UPS_SCHEDULES,
        confirmed=call.data[ATTR_CONFIRM],
        named=_is_named(coordinator, call),
        context=call.context,
    )


async def _get_ups_settings(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Read the settings of shutdown and schedules of the card that is named."""
    settings: list[JsonValueType] = []
    for coordinator in _targets(hass, call, ShutdownManager):
        device: Any = coordinator.device
        settings.append({"device": coordinator.title, **await coordinator.async_ask(device.read_settings)})
    return {"settings": settings}


async def _read_registers(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Read registers of the devices named, whatever they mean, and say what their maps make of them."""
    function, address, count = call.data[ATTR_FUNCTION], call.data[ATTR_ADDRESS], call.data[ATTR_COUNT]
    answers: list[JsonValueType] = []
    for coordinator in _targets(hass, call, Addressed):
        own: int = _addressed(coordinator).unit_id
        unit_id = call.data.get(ATTR_UNIT_ID, own)
        unit = _unit(coordinator, unit_id)
        values = await coordinator.async_ask(partial(read, unit, function, address, count), though_away=True)
        known = decoded(coordinator.device, function, address, values) if unit_id == own else ()
        answers.append(
            {
                "device": coordinator.title,
                ATTR_UNIT_ID: unit_id,
                "raw": {str(place): value for place, value in enumerate(values, address)},
                "decoded": list(known),
            }
        )
    return {"answers": answers}


async def _write_register(hass: HomeAssistant, coordinator: DeviceCoordinator, call: ServiceCall) -> None:
    """Write whatever the user says: nothing is known of it, so more than one thing has to be said on purpose."""
    function, address, value = call.data[ATTR_FUNCTION], call.data[ATTR_ADDRESS], call.data[ATTR_VALUE]
    before: int | None = None

    async def look_and_send() -> Effect:
        nonlocal before
        unit = _unit(coordinator, _addressed(coordinator).unit_id)
        before = await value_at(unit, address)
        return await write(unit, function, address, value, before=before)

    await coordinator.async_command(
        f"register_{address}",
        look_and_send,
        before=lambda: before,
        to=value,
        grave=True,
        require=partial(_require_register_writes, coordinator.config_entry, confirmed=call.data[ATTR_CONFIRM]),
        named=_is_named(coordinator, call),
        context=call.context,
    )


def _require_register_writes(entry: SuiteConfigEntry, *, confirmed: bool) -> None:
    """Raise ``ServiceValidationError`` unless registers may be written by their addresses, and one is on purpose."""
    if not KINDS[entry.data[CONF_GATEWAY]].takes_register_writes:
        reason = "no_register_writes"
    elif not entry.options.get(CONF_WRITE_REGISTER, False):
        reason = "register_writes_not_enabled"
    elif not confirmed:
        reason = "register_confirmation_needed"
    else:
        return
    raise ServiceValidationError(
        translation_domain=DOMAIN, translation_key=reason, translation_placeholders={"title": entry.title}
    )


def _addressed(coordinator: DeviceCoordinator) -> Addressed:
    device = coordinator.device
    assert isinstance(device, Addressed)
    return device


def _unit(coordinator: DeviceCoordinator, unit_id: int) -> ModbusUnit:
    """A unit on the connection that a device is read on. Raises ``ServiceValidationError`` where it has none."""
    try:
        return coordinator.config_entry.runtime_data.lease.unit(unit_id)
    except ValueError as err:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="no_modbus",
            translation_placeholders={"title": coordinator.config_entry.title},
        ) from err


def _register_address(value: Any) -> int:
    """An address as documents spell it: 12560, or 0x3110."""
    text = str(value).strip()
    try:
        address = int(text, 16 if text.lower().startswith("0x") else 10)
    except ValueError as err:
        msg = f"{text} is no address: give a number such as 12560 or 0x3110"
        raise vol.Invalid(msg) from err
    if not 0 <= address <= 0xFFFF:
        msg = f"{text} is no address: they go from 0 to 65535"
        raise vol.Invalid(msg)
    return address


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
    "ups_command": (
        Ups,
        _ups_command,
        _schema(
            {
                vol.Required(ATTR_COMMAND): vol.In([command.value for command in UpsCommand]),
                vol.Optional(ATTR_CONFIRM, default=False): cv.boolean,
            }
        ),
    ),
    "set_shutdown_event": (
        ShutdownManager,
        _set_shutdown_event,
        _schema(
            {
                vol.Required(ATTR_ROW): vol.All(vol.Coerce(int), vol.Range(1, EVENT_ROWS)),
                vol.Required(ATTR_ACTION): vol.In([action.value for action in ShutdownAction]),
                vol.Optional(ATTR_DELAY): vol.All(vol.Coerce(int), vol.Range(0, 10_080)),
                vol.Optional(ATTR_FIRST_WARNING): vol.All(vol.Coerce(int), vol.Range(0, 3600)),
                vol.Optional(ATTR_WARNING_INTERVAL): vol.All(vol.Coerce(int), vol.Range(0, 3600)),
                vol.Optional(ATTR_CONFIRM, default=False): cv.boolean,
            }
        ),
    ),
    "set_ups_schedule": (
        ShutdownManager,
        _set_ups_schedule,
        _schema(
            {
                vol.Required(ATTR_SCHEDULE): vol.In([schedule.value for schedule in Schedule]),
                vol.Required(ATTR_ROW): vol.All(vol.Coerce(int), vol.Range(1, SCHEDULE_ROWS)),
                vol.Required(ATTR_BEGIN_DAY): cv.string,
                vol.Required(ATTR_BEGIN_TIME): cv.time,
                vol.Required(ATTR_END_DAY): cv.string,
                vol.Required(ATTR_END_TIME): cv.time,
                vol.Optional(ATTR_CONFIRM, default=False): cv.boolean,
            }
        ),
    ),
    "write_register": (
        Addressed,
        _write_register,
        _schema(
            {
                vol.Required(ATTR_FUNCTION): vol.All(vol.Coerce(int), vol.In([6, 16])),
                vol.Required(ATTR_ADDRESS): _register_address,
                vol.Required(ATTR_VALUE): vol.All(vol.Coerce(int), vol.Range(0, 0xFFFF)),
                vol.Optional(ATTR_CONFIRM, default=False): cv.boolean,
            }
        ),
    ),
}
"""Action -> the capability of the devices it is for, its handler, its schema."""

QUESTIONS: Mapping[str, tuple[Asker, VolSchemaType]] = {
    "get_ups_settings": (_get_ups_settings, _schema({})),
    "explain_bms_leds": (async_explain_bms_leds, BMS_LEDS_SCHEMA),
    "explain_aura": (async_explain_aura, AURA_SCHEMA),
    "get_alarm_log": (queries.async_get_alarm_log, queries.ALARM_LOG_SCHEMA),
    "export_alarm_log": (queries.async_export_alarm_log, queries.EXPORT_SCHEMA),
    "get_event_log": (queries.async_get_event_log, queries.EVENT_LOG_SCHEMA),
    "read_registers": (
        _read_registers,
        _schema(
            {
                vol.Required(ATTR_FUNCTION): vol.All(vol.Coerce(int), vol.Range(1, 4)),
                vol.Required(ATTR_ADDRESS): _register_address,
                vol.Optional(ATTR_COUNT, default=1): vol.All(vol.Coerce(int), vol.Range(1, MOST)),
                vol.Optional(ATTR_UNIT_ID): vol.All(vol.Coerce(int), vol.Range(0, 255)),
            }
        ),
    ),
}
"""Action that changes nothing -> what answers, and its schema."""

OF_THE_SITE: Mapping[str, tuple[Doer, VolSchemaType]] = {
    "acknowledge_alarm": (queries.async_acknowledge, queries.ACKNOWLEDGE_SCHEMA),
    "snooze_alarm": (queries.async_snooze, queries.SNOOZE_SCHEMA),
}
"""Action on the installation as a whole -> what does it, and its schema."""


@callback
def async_register_actions(hass: HomeAssistant) -> None:
    """Register every action, once per run."""
    for name, (capability, handler, schema) in ACTIONS.items():

        async def handle(call: ServiceCall, capability: type[Any] = capability, handler: Handler = handler) -> None:
            for coordinator in _targets(hass, call, capability):
                await handler(hass, coordinator, call)

        hass.services.async_register(DOMAIN, name, handle, schema=schema)

    for name, (asker, schema) in QUESTIONS.items():

        async def ask(call: ServiceCall, asker: Asker = asker) -> ServiceResponse:
            return await asker(hass, call)

        hass.services.async_register(DOMAIN, name, ask, schema=schema, supports_response=SupportsResponse.ONLY)

    for name, (doer, schema) in OF_THE_SITE.items():
        hass.services.async_register(DOMAIN, name, partial(doer, hass), schema=schema)


def _targets(hass: HomeAssistant, call: ServiceCall, capability: type[Any]) -> list[DeviceCoordinator]:
    """The devices that the action is for.

    A device named itself must be able, and is first; of areas, floors and labels those are taken that are.
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
    # Of what drops the load, the others are refused.
    return sorted(targets, key=lambda coordinator: coordinator.device_id not in named)

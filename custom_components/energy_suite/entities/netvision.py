"""The entities of a SOCOMEC NET VISION card and of what it looks after, by kind."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from enum import IntEnum
from typing import Any, Final

from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.const import EntityCategory

from ..gateways.base import Danger
from ..gateways.netvision.control import COMMANDS, MOST_SHUTDOWN_DELAY, UpsCommand
from ..gateways.netvision.devices import Emd, NetVisionCard, Source, Sts, Ups, UpsUnit
from ..gateways.netvision.line import Channel
from ..gateways.netvision.status import (
    AlarmSummary,
    BatteryStatus,
    BatteryTest,
    LoadLevel,
    MachineStatus,
    OutputStatus,
    SourceStatus,
    StageStatus,
    StsStatus,
    SupplyStatus,
    Synchronisation,
    UnitStatus,
    UpsStatus,
)
from .common import (
    APPARENT_POWER,
    CHARGE,
    COUNT,
    CURRENT,
    FREQUENCY,
    HUMIDITY,
    MINUTES,
    PERCENT,
    PHASE_SHIFT,
    POWER,
    POWER_FACTOR,
    STATE_OF_CHARGE,
    TEMPERATURE,
    VOLTAGE,
    Quantity,
    disabled,
    flag,
    if_known,
    installer,
    mode,
    of_part,
    only_phase,
    per_phase,
    reading,
    setting,
    toggle,
    where,
    word_of,
)
from .descriptions import ButtonDescription, Description, SensorDescription

DIAGNOSTIC: Final = EntityCategory.DIAGNOSTIC
CONFIG: Final = EntityCategory.CONFIG


def _state(key: str, members: type[IntEnum]) -> SensorDescription[Any]:
    """A state that a card shows as a word; what it does not know is unknown."""
    word = word_of(key)
    known = [member for member in mode(key, members).options or [] if member != "unknown"]

    def shown(device: Any) -> str | None:
        return None if (told := word(device)) == "unknown" else told

    return replace(mode(key, members), options=known, value_fn=shown)


def _has_battery(device: Ups) -> bool:
    return device.has_battery


def _is_known(side: str, key: str, phase: int) -> Callable[[Any], bool]:
    def known(device: Any) -> bool:
        phases: int = getattr(device, side)
        if getattr(device, f"{key}_l{phase or 1}") is None:
            return False
        if phase:
            return phases > 1 and phases >= phase
        # A total, where there is one, has the same name.
        return phases == 1 and device.value(key) is None

    return known


def _phases(side: str, key: str, quantity: Quantity) -> Iterator[Description]:
    """A quantity on the phases of one side of the machine; without their number on a single-phase one."""
    for phase, description in enumerate((only_phase(key, quantity), *per_phase(key, quantity))):
        yield replace(description, exists_fn=_is_known(side, key, phase))


def _output(key: str, quantity: Quantity) -> Iterator[Description]:
    return _phases("output_phases", key, quantity)


def _input(key: str, quantity: Quantity) -> Iterator[Description]:
    return _phases("input_phases", key, quantity)


def _takes(command: UpsCommand) -> Callable[[Ups], bool]:
    return lambda device: device.takes(command)


def _gives(command: UpsCommand) -> Callable[[Ups], Awaitable[Any]]:
    return lambda device: device.give_command(command)


def _commands() -> Iterator[Description]:
    """A button for each command; those beside the acknowledgement of alarms wait until somebody wants them."""
    for command, about in COMMANDS.items():
        yield ButtonDescription[Ups](
            key=command.value,
            translation_key=command.value,
            control=about.family,
            danger=about.danger,
            exists_fn=_takes(command),
            press_fn=_gives(command),
            entity_registry_enabled_default=command is UpsCommand.ALARM_RESET,
        )


CARD: Final[tuple[Description, ...]] = (
    flag("ups_connected", device_class=BinarySensorDeviceClass.CONNECTIVITY, entity_category=DIAGNOSTIC),
    replace(mode("channel", Channel), entity_category=DIAGNOSTIC),
    *if_known(flag("remote_control", entity_category=DIAGNOSTIC)),
    *where(
        lambda card: card.manages_shutdown,
        *of_part(
            "settings",
            setting(
                "shutdown_delay",
                replace(MINUTES, shown_in=None),
                lambda card, seconds: card.set_shutdown_delay(seconds),
                lambda _: (0, MOST_SHUTDOWN_DELAY),
                step=1,
                danger=Danger.UPS_SHUTDOWN,
                entity_category=CONFIG,
            ),
            toggle(
                "turn_off_after_shutdown",
                lambda card, on: card.set_turn_off_after_shutdown(on),
                danger=Danger.UPS_SHUTDOWN,
                entity_category=CONFIG,
            ),
            *disabled(
                reading(
                    "shutdown_delay",
                    replace(MINUTES, shown_in=None),
                    instead_of=Danger.UPS_SHUTDOWN,
                    entity_category=DIAGNOSTIC,
                ),
                flag("turn_off_after_shutdown", instead_of=Danger.UPS_SHUTDOWN, entity_category=DIAGNOSTIC),
                reading("connected_servers", COUNT, entity_category=DIAGNOSTIC),
            ),
        ),
    ),
)

UPS: Final[tuple[Description, ...]] = (
    _state("ups_status", UpsStatus),
    flag("on_battery"),
    flag("overload", device_class=BinarySensorDeviceClass.PROBLEM),
    flag("on_bypass"),
    flag("imminent_stop", device_class=BinarySensorDeviceClass.PROBLEM),
    flag("load_supplied", device_class=BinarySensorDeviceClass.POWER),
    *where(
        _has_battery,
        _state("battery_status", BatteryStatus),
        flag("battery_low", device_class=BinarySensorDeviceClass.BATTERY),
        reading("state_of_charge", STATE_OF_CHARGE),
        reading("time_to_go", MINUTES),
        *disabled(
            reading("time_on_battery", MINUTES),
            _state("battery_test", BatteryTest),
        ),
    ),
    *if_known(
        reading("battery_voltage", VOLTAGE),
        reading("battery_current", CURRENT),
        reading("battery_temperature", TEMPERATURE),
        reading("ambient_temperature", TEMPERATURE),
        reading("load", PERCENT),
        reading("output_power", POWER),
    ),
    *_output("output_voltage", VOLTAGE),
    *_input("input_voltage", VOLTAGE),
    *disabled(
        *if_known(
            reading("apparent_power", APPARENT_POWER),
            reading("output_frequency", FREQUENCY),
            reading("input_frequency", FREQUENCY),
            reading("bypass_frequency", FREQUENCY),
            reading("battery_capacity", CHARGE),
            reading("battery_voltage_negative", VOLTAGE),
            reading("battery_current_negative", CURRENT),
            reading("battery_mean_temperature", TEMPERATURE),
            _state("output_status", OutputStatus),
            _state("load_level", LoadLevel),
            _state("alarm_summary", AlarmSummary),
        ),
        *_output("output_current", CURRENT),
        *_output("load", PERCENT),
        *_output("output_power", POWER),
        *_output("power_factor", POWER_FACTOR),
        *_input("input_current", CURRENT),
        *_input("bypass_voltage", VOLTAGE),
    ),
    *installer(
        *if_known(
            _state("machine_status", MachineStatus),
            _state("rectifier_status", StageStatus),
            _state("inverter_status", StageStatus),
            _state("bypass_status", StageStatus),
            _state("rectifier_input_status", SupplyStatus),
            _state("bypass_input_status", SupplyStatus),
            flag("on_maintenance_bypass"),
            flag("on_generator"),
            flag("energy_saver"),
            *(flag(f"outlet_{number}", device_class=BinarySensorDeviceClass.POWER) for number in (1, 2, 3, 4)),
        ),
    ),
    *_commands(),
)

STS: Final[tuple[Description, ...]] = (
    _state("sts_status", StsStatus),
    flag("overload", device_class=BinarySensorDeviceClass.PROBLEM),
    flag("imminent_stop", device_class=BinarySensorDeviceClass.PROBLEM),
    flag("load_supplied", device_class=BinarySensorDeviceClass.POWER),
    *if_known(
        _state("source_1_status", SourceStatus),
        _state("source_2_status", SourceStatus),
        _state("synchronisation", Synchronisation),
        mode("active_source", Source),
        mode("preferred_source", Source),
        reading("load", PERCENT),
        reading("output_power", POWER),
        *disabled(
            reading("source_1_frequency", FREQUENCY),
            reading("source_2_frequency", FREQUENCY),
            reading("output_frequency", FREQUENCY),
            reading("phase_shift", PHASE_SHIFT),
            reading("ambient_temperature", TEMPERATURE),
            reading("static_switch_1_temperature", TEMPERATURE),
            reading("static_switch_2_temperature", TEMPERATURE),
        ),
    ),
    *_output("output_voltage", VOLTAGE),
    *_input("source_1_voltage", VOLTAGE),
    *_input("source_2_voltage", VOLTAGE),
    *disabled(
        *_output("output_current", CURRENT),
        *_output("load", PERCENT),
        *_output("output_power", POWER),
        *_output("power_factor", POWER_FACTOR),
    ),
)

UNIT: Final[tuple[Description, ...]] = (_state("unit_status", UnitStatus),)

EMD: Final[tuple[Description, ...]] = (
    *if_known(
        reading("temperature", TEMPERATURE),
        reading("humidity", HUMIDITY),
        flag("input_1"),
        flag("input_2"),
    ),
)

NETVISION: Final[dict[str, tuple[Description, ...]]] = {
    NetVisionCard.kind: CARD,
    Ups.kind: UPS,
    Sts.kind: STS,
    UpsUnit.kind: UNIT,
    Emd.kind: EMD,
}

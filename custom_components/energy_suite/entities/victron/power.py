"""The entities of inverters without VE.Bus, of chargers and of gensets."""

from collections.abc import Iterator
from typing import Any, Final

from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.const import MAX_LENGTH_STATE_STATE, EntityCategory

from ...gateways.base import Danger
from ...gateways.victron.enums import (
    AcInputType,
    ActiveInput,
    ChargingState,
    EssMode,
    GensetStatus,
    InverterMode,
    InverterSwitch,
    InverterSwitchChoice,
    MppOperationMode,
    VebusState,
)
from ...gateways.victron.genset import AcGenset, DcGenset
from ...gateways.victron.rs import AcSystem, Inverter, Multi
from ..common import (
    CODE,
    CURRENT,
    DC_VOLTAGE,
    ENERGY,
    FREQUENCY,
    PERCENT,
    POWER,
    POWER_FACTOR,
    PRESSURE,
    ROTATION,
    STATE_OF_CHARGE,
    TEMPERATURE,
    TOTAL_CHARGE,
    TOTAL_HOURS,
    VOLTAGE,
    choice,
    disabled,
    flag,
    hidden,
    if_known,
    installer,
    meter,
    mode,
    of_part,
    only_phase,
    per_phase,
    reading,
    setting,
    where,
)
from ..descriptions import Description, SensorDescription
from .house import ess_danger
from .trackers import has_one_tracker, trackers

DIAGNOSTIC: Final = EntityCategory.DIAGNOSTIC

# --- inverters ---------------------------------------------------------------------------------------------------


def _has_ess(device: Multi | AcSystem) -> bool:
    return device.has_ess


def _has_solar(device: Inverter) -> bool:
    return device.has_solar


def _has_one_solar_tracker(device: Inverter) -> bool:
    return device.has_solar and has_one_tracker(device)


def _ac_sides() -> Iterator[Description]:
    """What is measured at the AC input and the AC output."""
    yield reading("input_power", POWER)
    yield reading("output_power", POWER)
    yield only_phase("input_voltage", VOLTAGE)
    yield only_phase("output_voltage", VOLTAGE)
    yield from disabled(
        reading("input_frequency", FREQUENCY),
        reading("output_frequency", FREQUENCY),
        only_phase("input_current", CURRENT),
        only_phase("output_current", CURRENT),
        *per_phase("input_power", POWER),
        *per_phase("input_voltage", VOLTAGE),
        *per_phase("input_current", CURRENT),
        *per_phase("output_power", POWER),
        *per_phase("output_voltage", VOLTAGE),
        *per_phase("output_current", CURRENT),
    )


def _input_current_limits() -> Iterator[Description]:
    for number in (1, 2):
        yield reading(
            f"input_{number}_current_limit",
            CURRENT,
            name="ac_input_current_limit",
            translation_placeholders={"input": str(number)},
        )


INVERTER: Final[tuple[Description, ...]] = (
    mode("state", VebusState),
    choice("inverter_mode", InverterSwitchChoice, Inverter.set_inverter_mode, danger=Danger.INVERTER_MODE),
    mode("inverter_mode", InverterSwitch, instead_of=Danger.INVERTER_MODE),
    reading("output_power", POWER),
    reading("output_voltage", VOLTAGE),
    reading("dc_voltage", DC_VOLTAGE),
    *disabled(reading("output_current", CURRENT)),
    *if_known(
        reading("energy_inverter_to_ac_out", ENERGY),
        *disabled(reading("energy_ac_out_to_inverter", ENERGY)),
    ),
    *where(
        _has_solar,
        reading("dc_current", CURRENT),
        reading("yield_total", ENERGY),
        *of_part("trackers", reading("solar_power", POWER), reading("yield_today", ENERGY)),
        *disabled(
            reading("energy_solar_to_ac_out", ENERGY),
            reading("energy_solar_to_battery", ENERGY),
        ),
    ),
    *where(_has_one_solar_tracker, reading("pv_voltage", VOLTAGE)),
    *trackers(),
)

MULTI: Final[tuple[Description, ...]] = (
    mode("state", VebusState),
    mode("active_input", ActiveInput),
    choice("inverter_mode", InverterMode, Multi.set_inverter_mode, danger=Danger.INVERTER_MODE),
    mode("inverter_mode", InverterSwitch, instead_of=Danger.INVERTER_MODE),
    *_ac_sides(),
    reading("dc_power", POWER),
    reading("dc_voltage", DC_VOLTAGE),
    reading("solar_power", POWER),
    reading("yield_total", ENERGY),
    reading("yield_today", ENERGY),
    *where(has_one_tracker, reading("pv_voltage", VOLTAGE), mode("mpp_operation_mode", MppOperationMode)),
    *trackers(),
    *of_part(
        "ess",
        *where(
            _has_ess,
            choice("ess_mode", EssMode, Multi.set_ess_mode, danger_fn=ess_danger),
            setting(
                "minimum_state_of_charge",
                STATE_OF_CHARGE,
                Multi.set_minimum_state_of_charge,
                lambda device: device.MINIMUM_SOC_RANGE,
                step=1,
            ),
            setting(
                "grid_setpoint",
                POWER,
                Multi.set_grid_setpoint,
                lambda device: device.GRID_SETPOINT_RANGE,
                step=10,
            ),
        ),
    ),
    *disabled(
        reading("dc_current", CURRENT),
        # The GX says which state of charge counts.
        reading("state_of_charge", STATE_OF_CHARGE),
        reading("yield_yesterday", ENERGY),
        reading("maximum_power_today", POWER),
        reading("maximum_power_yesterday", POWER),
        *if_known(reading("dc_temperature", TEMPERATURE)),
        reading("energy_ac_in_1_to_ac_out", ENERGY),
        reading("energy_ac_in_1_to_inverter", ENERGY),
        reading("energy_ac_in_2_to_ac_out", ENERGY),
        reading("energy_ac_in_2_to_inverter", ENERGY),
        reading("energy_ac_out_to_ac_in_1", ENERGY),
        reading("energy_ac_out_to_ac_in_2", ENERGY),
        reading("energy_inverter_to_ac_in_1", ENERGY),
        reading("energy_inverter_to_ac_in_2", ENERGY),
        reading("energy_inverter_to_ac_out", ENERGY),
        reading("energy_ac_out_to_inverter", ENERGY),
        reading("energy_solar_to_ac_in_1", ENERGY),
        reading("energy_solar_to_ac_in_2", ENERGY),
        reading("energy_solar_to_ac_out", ENERGY),
        reading("energy_solar_to_battery", ENERGY),
    ),
    *installer(
        reading("error_code", CODE),
        mode("ac_input_1_type", AcInputType),
        mode("ac_input_2_type", AcInputType),
        *if_known(*_input_current_limits()),
    ),
)

AC_SYSTEM: Final[tuple[Description, ...]] = (
    mode("state", VebusState),
    *_ac_sides(),
    *where(
        _has_ess,
        choice("ess_mode", EssMode, AcSystem.set_ess_mode, danger_fn=ess_danger),
        setting(
            "grid_setpoint",
            POWER,
            AcSystem.set_grid_setpoint,
            lambda device: device.GRID_SETPOINT_RANGE,
            step=10,
        ),
    ),
    *if_known(
        *disabled(reading("active_state_of_charge_limit", PERCENT)),
        *installer(
            *_input_current_limits(),
            reading("energy_meter_current_limit", CURRENT),
        ),
    ),
)

# --- chargers ----------------------------------------------------------------------------------------------------


def _output(what: str, number: int, quantity: Any) -> SensorDescription[Any]:
    return reading(
        f"output_{number}_{what}",
        quantity,
        name=f"charger_output_{what}",
        translation_placeholders={"output": str(number)},
    )


AC_CHARGER: Final[tuple[Description, ...]] = (
    mode("state", ChargingState),
    reading("power", POWER),
    _output("voltage", 1, DC_VOLTAGE),
    _output("current", 1, CURRENT),
    *if_known(
        reading("dc_temperature", TEMPERATURE),
        # Many a charger has one output, or several on one battery.
        *hidden(_output("voltage", 2, DC_VOLTAGE), _output("voltage", 3, DC_VOLTAGE)),
        *disabled(_output("current", 2, CURRENT), _output("current", 3, CURRENT)),
        *installer(reading("input_current_limit", CURRENT)),
    ),
    *disabled(reading("input_current", CURRENT)),
    *installer(reading("error_code", CODE), flag("relay")),
)

DC_DC_CONVERTER: Final[tuple[Description, ...]] = (
    mode("state", ChargingState),
    reading("power", POWER),
    # Mostly that of a starter battery.
    reading("input_voltage", DC_VOLTAGE),
    reading("battery_voltage", DC_VOLTAGE),
    reading("current", CURRENT),
    *if_known(
        reading("dc_temperature", TEMPERATURE),
        *disabled(reading("charged_amphours", TOTAL_CHARGE)),
    ),
    *installer(reading("error_code", CODE)),
)

ALTERNATOR: Final[tuple[Description, ...]] = (
    mode("state", ChargingState),
    reading("power", POWER),
    reading("battery_voltage", DC_VOLTAGE),
    reading("current", CURRENT),
    reading("field_drive", PERCENT),
    reading("engine_speed", ROTATION),
    *if_known(
        reading("energy", ENERGY),
        reading("auxiliary_voltage", DC_VOLTAGE),
        reading("temperature", TEMPERATURE),
        reading("input_voltage", DC_VOLTAGE),
        reading("input_power", POWER),
        *disabled(reading("charged_amphours", TOTAL_CHARGE)),
    ),
    *disabled(reading("alternator_speed", ROTATION)),
    *installer(reading("error_code", CODE)),
)

# --- gensets -----------------------------------------------------------------------------------------------------


def _has_controller(device: AcGenset | DcGenset) -> bool:
    return device.has_controller


def _reported_errors(device: AcGenset | DcGenset) -> str | None:
    errors = device.reported_errors
    return None if errors is None else errors[:MAX_LENGTH_STATE_STATE]


def _engine() -> Iterator[Description]:
    """What the controller of a genset says. It is started by the start/stop logic of the GX alone."""
    yield from where(
        _has_controller,
        flag("running", device_class=BinarySensorDeviceClass.RUNNING),
        mode("status", GensetStatus),
        reading("engine_load", PERCENT),
        reading("engine_speed", ROTATION),
        reading("operating_hours", TOTAL_HOURS),
        *disabled(reading("oil_pressure", PRESSURE)),
        *installer(flag("remote_start_enabled"), reading("error_code", CODE)),
    )
    yield from if_known(
        reading("starter_voltage", DC_VOLTAGE),
        reading("coolant_temperature", TEMPERATURE),
        *disabled(
            reading("winding_temperature", TEMPERATURE),
            reading("exhaust_temperature", TEMPERATURE),
            reading("oil_temperature", TEMPERATURE),
        ),
        *of_part(
            "errors",
            SensorDescription(
                key="reported_errors",
                translation_key="reported_errors",
                entity_category=DIAGNOSTIC,
                value_fn=_reported_errors,
            ),
        ),
    )


AC_GENSET: Final[tuple[Description, ...]] = (
    *meter(),
    *_engine(),
    *if_known(reading("frequency", FREQUENCY), *disabled(reading("power_factor", POWER_FACTOR))),
)

DC_GENSET: Final[tuple[Description, ...]] = (
    reading("power", POWER),
    reading("voltage", DC_VOLTAGE),
    reading("current", CURRENT),
    *_engine(),
    *if_known(*disabled(reading("heatsink_temperature", TEMPERATURE))),
)

POWER_DEVICES: Final[dict[str, tuple[Description, ...]]] = {
    "inverter": INVERTER,
    "multi_rs": MULTI,
    "ac_system": AC_SYSTEM,
    "ac_charger": AC_CHARGER,
    "dc_dc_converter": DC_DC_CONVERTER,
    "alternator": ALTERNATOR,
    "ac_genset": AC_GENSET,
    "dc_genset": DC_GENSET,
}

"""The entities of the everyday devices behind a Victron GX."""

from operator import attrgetter
from typing import Final

from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.const import EntityCategory

from ...gateways.base import Danger
from ...gateways.victron.enums import (
    AcInputType,
    AcSource,
    ActiveInput,
    BalancerStatus,
    BatteryBmsState,
    BatteryLifeState,
    BatteryState,
    ChargerState,
    ChargeState,
    ChargingMode,
    EnergySource,
    EssMode,
    EvStatus,
    GeneratorError,
    GeneratorState,
    InverterMode,
    MppOperationMode,
    Position,
    RunningBy,
    VebusState,
)
from ...gateways.victron.evcharger import EvCharger
from ...gateways.victron.generator import GeneratorStartStop
from ...gateways.victron.gx import GxDevice
from ...gateways.victron.vebus import InverterCharger
from ..common import (
    CELL_VOLTAGE,
    CHARGE,
    CODE,
    COUNT,
    CURRENT,
    DC_VOLTAGE,
    ENERGY,
    FREQUENCY,
    HOURS,
    MINUTES,
    PERCENT,
    POWER,
    POWER_FACTOR,
    STATE_OF_CHARGE,
    TEMPERATURE,
    TOTAL_COUNT,
    VOLTAGE,
    charger,
    choice,
    disabled,
    flag,
    generator,
    if_known,
    installer,
    meter,
    mode,
    of_part,
    only_phase,
    per_phase,
    reading,
    relay,
    setting,
    storage,
    toggle,
    where,
)
from ..descriptions import ButtonDescription, Description
from ..health import health_checks
from .trackers import has_one_tracker, trackers

CONFIG: Final = EntityCategory.CONFIG
DIAGNOSTIC: Final = EntityCategory.DIAGNOSTIC

# --- the GX ------------------------------------------------------------------------------------------------------


def _has_ess(device: GxDevice) -> bool:
    return device.has_ess


def ess_danger(chosen: EssMode) -> Danger | None:
    """Which control a mode needs enabled."""
    return Danger.EXTERNAL_CONTROL if chosen is EssMode.EXTERNAL_CONTROL else None


def _charge_current_danger(amperes: float) -> Danger | None:
    # The register holds whole amperes.
    return Danger.NO_CHARGING if abs(amperes) <= 0.5 else None


GX: Final[tuple[Description, ...]] = (
    *of_part(
        "system",
        reading("solar_power", POWER),
        reading("consumption_power", POWER),
        reading("grid_power", POWER),
        reading("battery_power", POWER),
        reading("battery_voltage", DC_VOLTAGE),
        reading("state_of_charge", STATE_OF_CHARGE),
        mode("battery_state", BatteryState),
        mode("energy_source", EnergySource),
        mode("ac_source", AcSource),
        reading("solar_energy", ENERGY),
        reading("battery_charged_energy", ENERGY),
        reading("battery_discharged_energy", ENERGY),
        reading("consumption_energy", ENERGY),
        *relay(1, Danger.RELAY_1),
        *relay(2, Danger.RELAY_2),
        *disabled(
            reading("pv_dc_power", POWER),
            reading("pv_ac_power", POWER),
            reading("genset_power", POWER),
            reading("dc_system_power", POWER),
            reading("inverter_charger_power", POWER),
            reading("battery_current", CURRENT),
            reading("consumed_amphours", CHARGE),
            reading("time_to_go", HOURS),
            *per_phase("consumption", POWER),
            *per_phase("grid_power", POWER),
        ),
    ),
    *of_part(
        "ess",
        *where(
            _has_ess,
            choice("ess_mode", EssMode, GxDevice.set_ess_mode, danger_fn=ess_danger),
            setting(
                "minimum_state_of_charge",
                STATE_OF_CHARGE,
                GxDevice.set_minimum_state_of_charge,
                lambda device: device.MINIMUM_SOC_RANGE,
                step=1,
            ),
            *disabled(reading("active_state_of_charge_limit", PERCENT)),
            *installer(mode("batterylife_state", BatteryLifeState)),
        ),
    ),
    *of_part(
        "settings",
        setting(
            "maximum_charge_current",
            CURRENT,
            GxDevice.set_maximum_charge_current,
            lambda device: device.MAXIMUM_CHARGE_CURRENT_RANGE,
            step=1,
            danger_fn=_charge_current_danger,
            entity_category=CONFIG,
        ),
        *where(
            _has_ess,
            setting(
                "grid_setpoint",
                POWER,
                GxDevice.set_grid_setpoint,
                lambda device: device.GRID_SETPOINT_RANGE,
                step=10,
            ),
            setting(
                "maximum_discharge_power",
                POWER,
                GxDevice.set_maximum_discharge_power,
                lambda device: device.MAXIMUM_DISCHARGE_POWER_RANGE,
                step=50,
                entity_category=CONFIG,
            ),
            # What may be fed in is for the grid operator and the installer to say.
            *disabled(
                setting(
                    "maximum_feed_in_power",
                    POWER,
                    GxDevice.set_maximum_feed_in_power,
                    lambda device: device.MAXIMUM_FEED_IN_POWER_RANGE,
                    step=50,
                    entity_category=CONFIG,
                ),
                toggle("feed_in_dc_coupled_pv", GxDevice.set_feed_in_dc_coupled_pv, entity_category=CONFIG),
                toggle("feed_in_ac_coupled_pv", GxDevice.set_feed_in_ac_coupled_pv, entity_category=CONFIG),
            ),
        ),
        *installer(
            reading("maximum_charge_voltage", DC_VOLTAGE),
            mode("ac_input_1_type", AcInputType),
            mode("ac_input_2_type", AcInputType),
            *if_known(
                reading("import_current_limit", CURRENT),
                reading("export_current_limit", CURRENT),
            ),
        ),
    ),
    *health_checks("system"),
    *of_part("hub4", *installer(*if_known(flag("feed_in_limiting")))),
    *of_part(
        "dynamic_ess",
        *disabled(
            *if_known(
                flag("dynamic_ess_active"),
                reading("dynamic_ess_target_soc", PERCENT),
            ),
        ),
    ),
)

# --- what is behind it -------------------------------------------------------------------------------------------

INVERTER_CHARGER: Final[tuple[Description, ...]] = (
    mode("state", VebusState),
    mode("active_input", ActiveInput),
    choice("inverter_mode", InverterMode, InverterCharger.set_inverter_mode, danger=Danger.INVERTER_MODE),
    mode("inverter_mode", InverterMode, instead_of=Danger.INVERTER_MODE),
    setting(
        "input_current_limit",
        CURRENT,
        InverterCharger.set_input_current_limit,
        lambda device: (0.0, device.maximum_input_current),
        step=0.1,
        danger=Danger.INPUT_CURRENT_LIMIT,
    ),
    reading("input_current_limit", CURRENT, instead_of=Danger.INPUT_CURRENT_LIMIT),
    reading("input_power", POWER),
    reading("output_power", POWER),
    reading("dc_power", POWER),
    reading("dc_voltage", DC_VOLTAGE),
    reading("dc_current", CURRENT),
    only_phase("input_voltage", VOLTAGE),
    only_phase("output_voltage", VOLTAGE),
    reading("input_frequency", FREQUENCY),
    reading("energy_ac_in_1_to_ac_out", ENERGY),
    reading("energy_ac_in_1_to_inverter", ENERGY),
    reading("energy_ac_out_to_ac_in_1", ENERGY),
    reading("energy_inverter_to_ac_in_1", ENERGY),
    reading("energy_inverter_to_ac_out", ENERGY),
    reading("energy_ac_out_to_inverter", ENERGY),
    *if_known(
        flag("bms_pre_alarm", device_class=BinarySensorDeviceClass.PROBLEM),
        flag("load_disconnect", device_class=BinarySensorDeviceClass.PROBLEM),
        flag("charge_disconnect", device_class=BinarySensorDeviceClass.PROBLEM),
    ),
    *disabled(
        reading("energy_ac_in_2_to_ac_out", ENERGY),
        reading("energy_ac_in_2_to_inverter", ENERGY),
        reading("energy_ac_out_to_ac_in_2", ENERGY),
        reading("energy_inverter_to_ac_in_2", ENERGY),
        reading("output_frequency", FREQUENCY),
        only_phase("input_current", CURRENT),
        only_phase("output_current", CURRENT),
        *per_phase("input_power", POWER),
        *per_phase("input_voltage", VOLTAGE),
        *per_phase("input_current", CURRENT),
        *per_phase("output_power", POWER),
        *per_phase("output_voltage", VOLTAGE),
        *per_phase("output_current", CURRENT),
        # VE.Bus's own estimate; the GX says which state of charge counts.
        reading("state_of_charge", STATE_OF_CHARGE),
        mode("charge_state", ChargeState),
        reading("dc_temperature", TEMPERATURE),
    ),
    *installer(
        reading("error_code", CODE),
        *if_known(
            flag("charge_allowed"),
            flag("discharge_allowed"),
            flag("bms_error", device_class=BinarySensorDeviceClass.PROBLEM),
            flag("bms_expected"),
            flag("prefer_renewable_energy"),
            *of_part("settings", reading("nominal_power", POWER)),
        ),
    ),
)

BATTERY: Final[tuple[Description, ...]] = (
    *storage(),
    reading("time_to_go", HOURS),
    *if_known(
        reading("charged_energy", ENERGY),
        reading("discharged_energy", ENERGY),
        reading("state_of_health", PERCENT, entity_category=DIAGNOSTIC),
        reading("charge_cycles", TOTAL_COUNT, entity_category=DIAGNOSTIC),
        # A battery monitor without a BMS knows no limits and no cells.
        reading("maximum_charge_voltage", DC_VOLTAGE, entity_category=DIAGNOSTIC),
        reading("maximum_charge_current", CURRENT, entity_category=DIAGNOSTIC),
        reading("maximum_discharge_current", CURRENT, entity_category=DIAGNOSTIC),
        reading("minimum_cell_temperature", TEMPERATURE),
        reading("maximum_cell_temperature", TEMPERATURE),
        *of_part(
            "bms",
            reading("minimum_cell_voltage", CELL_VOLTAGE),
            reading("maximum_cell_voltage", CELL_VOLTAGE),
            *disabled(reading("cell_voltage_spread", CELL_VOLTAGE)),
            flag("charge_allowed", entity_category=DIAGNOSTIC),
            flag("discharge_allowed", entity_category=DIAGNOSTIC),
        ),
        # Of a second battery, which nothing else shows.
        reading("starter_voltage", DC_VOLTAGE),
        *disabled(
            reading("consumed_amphours", CHARGE),
            reading("mid_voltage", DC_VOLTAGE),
            reading("mid_voltage_deviation", PERCENT),
        ),
        *installer(
            reading("low_voltage_limit", DC_VOLTAGE),
            reading("capacity", CHARGE),
            reading("deepest_discharge", CHARGE),
            *of_part(
                "bms",
                mode("state", BatteryBmsState),
                reading("error_code", CODE),
                flag("balancing"),
                mode("balancer_status", BalancerStatus),
                reading("modules_online", COUNT),
                reading("modules_offline", COUNT),
                reading("modules_blocking_charge", COUNT),
                reading("modules_blocking_discharge", COUNT),
            ),
        ),
    ),
)


SOLAR_CHARGER: Final[tuple[Description, ...]] = (
    reading("power", POWER),
    mode("state", ChargerState),
    mode("mpp_operation_mode", MppOperationMode),
    reading("yield_total", ENERGY),
    reading("yield_today", ENERGY),
    reading("maximum_power_today", POWER),
    reading("battery_voltage", DC_VOLTAGE),
    reading("current", CURRENT),
    *where(
        has_one_tracker,
        reading("pv_voltage", VOLTAGE),
        *disabled(reading("pv_current", CURRENT)),
    ),
    *trackers(),
    *disabled(
        reading("yield_yesterday", ENERGY),
        reading("maximum_power_yesterday", POWER),
        *if_known(reading("temperature", TEMPERATURE)),
    ),
    *installer(
        reading("error_code", CODE),
        flag("equalization_pending"),
        flag("relay"),
    ),
)

GRID_METER: Final[tuple[Description, ...]] = (
    *meter(),
    reading("energy_imported", ENERGY),
    reading("energy_exported", ENERGY),
    *if_known(
        reading("frequency", FREQUENCY),
        *disabled(reading("power_factor", POWER_FACTOR)),
    ),
    *disabled(
        *per_phase("energy_imported", ENERGY),
        *per_phase("energy_exported", ENERGY),
    ),
)

PV_INVERTER: Final[tuple[Description, ...]] = (
    *meter(),
    reading("energy", ENERGY),
    *if_known(
        *disabled(reading("frequency", FREQUENCY)),
        *installer(
            mode("position", Position),
            reading("maximum_power", POWER),
            reading("power_limit", POWER),
        ),
    ),
)


def _is_controllable(device: EvCharger) -> bool:
    """A plain energy meter in the role of a charging station knows its power alone."""
    return device.controllable


EV_CHARGER: Final[tuple[Description, ...]] = (
    reading("power", POWER),
    reading("current", CURRENT),
    *if_known(reading("energy", ENERGY)),
    *where(
        _is_controllable,
        mode("status", EvStatus),
        reading("session_energy", ENERGY),
        *charger(
            ChargingMode,
            set_mode=EvCharger.set_charging_mode,
            set_current=EvCharger.set_charging_current,
            current_range=lambda device: device.charging_current_range or (0.0, 0.0),
            set_charging=EvCharger.set_charging,
        ),
        *disabled(reading("charging_time", MINUTES)),
        *installer(reading("maximum_current", CURRENT)),
    ),
    *if_known(reading("session_time", MINUTES)),
    *disabled(*per_phase("power", POWER)),
    *installer(mode("position", Position)),
)

GENERATOR: Final[tuple[Description, ...]] = (
    *generator(Danger.GENERATOR),
    mode("state", GeneratorState),
    mode("running_by", RunningBy),
    reading("runtime", MINUTES),
    toggle(
        "generator_auto_start",
        GeneratorStartStop.set_auto_start,
        attrgetter("auto_start"),
        danger=Danger.GENERATOR,
    ),
    flag("generator_auto_start", attrgetter("auto_start"), instead_of=Danger.GENERATOR),
    flag("quiet_hours"),
    *if_known(reading("service_countdown", HOURS)),
    *installer(mode("error", GeneratorError)),
    *disabled(
        ButtonDescription(
            key="reset_service_counter",
            translation_key="reset_service_counter",
            press_fn=GeneratorStartStop.reset_service_counter,
            entity_category=CONFIG,
        ),
    ),
)

HOUSE: Final[dict[str, tuple[Description, ...]]] = {
    "gx": GX,
    "inverter_charger": INVERTER_CHARGER,
    "battery": BATTERY,
    "solar_charger": SOLAR_CHARGER,
    "grid_meter": GRID_METER,
    "pv_inverter": PV_INVERTER,
    "ev_charger": EV_CHARGER,
    "generator": GENERATOR,
}

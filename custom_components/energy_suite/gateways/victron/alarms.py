"""Which registers raise which alarm (VRM manual 6.3)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..base import Alarm, Severity
from ..registers import Registers

# What nearly every alarm register says; any other value, such as that of a register that was taken back, says nothing.
LEVELS: Mapping[int, Severity] = MappingProxyType({1: Severity.WARNING, 2: Severity.CRITICAL})


@dataclass(frozen=True)
class AlarmRegister:
    """A field that raises an alarm; ``notify_by_default`` where even a warning deserves a message."""

    field: str
    key: str
    notify_by_default: bool = False
    levels: Mapping[int, Severity] = LEVELS


def raised(part: Registers, table: Iterable[AlarmRegister]) -> Iterator[Alarm]:
    """The alarms that the fields of a part raise now."""
    for row in table:
        severity = row.levels.get(getattr(part, row.field) or 0)
        if severity is not None:
            yield Alarm(row.key, severity, row.notify_by_default)


def fault(family: str, failed: bool, number: float | None, warnings: Iterable[int] = ()) -> Iterator[Alarm]:
    """The alarm of a device with error numbers: ``<family>_error_<number>``, or ``<family>_fault`` without one."""
    if number:
        code = int(number)
        severity = Severity.WARNING if code in warnings else Severity.CRITICAL
        yield Alarm(f"{family}_error_{code}", severity, code=code)
    elif failed:
        yield Alarm(f"{family}_fault", Severity.CRITICAL)


VEBUS = (
    AlarmRegister("high_temperature", "high_temperature"),
    AlarmRegister("low_battery", "low_battery", notify_by_default=True),
    AlarmRegister("overload", "overload"),
    AlarmRegister("temperature_sensor", "temperature_sensor"),
    AlarmRegister("voltage_sensor", "voltage_sensor"),
    *(
        AlarmRegister(f"{alarm}_l{phase}", f"{alarm}_l{phase}")
        for phase in (1, 2, 3)
        for alarm in ("high_temperature", "low_battery", "overload", "ripple")
    ),
    AlarmRegister("phase_rotation", "phase_rotation"),
    AlarmRegister("grid_lost", "grid_lost", notify_by_default=True),
)

BATTERY = (
    AlarmRegister("low_voltage_alarm", "low_voltage"),
    AlarmRegister("high_voltage_alarm", "high_voltage"),
    AlarmRegister("low_starter_voltage_alarm", "low_starter_voltage"),
    AlarmRegister("high_starter_voltage_alarm", "high_starter_voltage"),
    AlarmRegister("low_soc_alarm", "low_state_of_charge"),
    AlarmRegister("low_temperature_alarm", "low_battery_temperature"),
    AlarmRegister("high_temperature_alarm", "high_battery_temperature"),
    AlarmRegister("mid_voltage_alarm", "mid_voltage"),
    AlarmRegister("low_fused_voltage_alarm", "low_fused_voltage"),
    AlarmRegister("high_fused_voltage_alarm", "high_fused_voltage"),
    AlarmRegister("fuse_blown_alarm", "fuse_blown"),
    AlarmRegister("high_internal_temperature_alarm", "high_internal_temperature"),
    AlarmRegister("high_charge_current_alarm", "high_charge_current"),
    AlarmRegister("high_discharge_current_alarm", "high_discharge_current"),
    AlarmRegister("cell_imbalance_alarm", "cell_imbalance"),
    AlarmRegister("internal_failure_alarm", "internal_failure"),
    AlarmRegister("high_charge_temperature_alarm", "high_charge_temperature"),
    AlarmRegister("low_charge_temperature_alarm", "low_charge_temperature"),
    AlarmRegister("low_cell_voltage_alarm", "low_cell_voltage", notify_by_default=True),
    AlarmRegister("bms_cable_alarm", "bms_cable"),
    AlarmRegister("contactor_alarm", "contactor"),
    AlarmRegister("high_current_alarm", "high_current"),
)

SOLAR_CHARGER = (
    AlarmRegister("low_voltage_alarm", "low_voltage"),
    AlarmRegister("high_voltage_alarm", "high_voltage"),
    AlarmRegister(
        "equalization_pending",
        "equalization_pending",
        levels={1: Severity.INFORMATION, 2: Severity.WARNING},
    ),
)
# The charger errors that Victron's own list calls warnings.
CHARGER_WARNINGS = (14, 65, 66)
# A warning by its own name.
BMS_WARNINGS = (24,)

GENERATOR = (AlarmRegister("not_detected_at_ac_input", "not_detected_at_ac_input"),)

# The GX calls the second voltage of a DC meter that of a starter battery; it is whatever was connected there.
DC_METER = (
    AlarmRegister("low_voltage_alarm", "low_voltage"),
    AlarmRegister("high_voltage_alarm", "high_voltage"),
    AlarmRegister("low_auxiliary_voltage_alarm", "low_auxiliary_voltage"),
    AlarmRegister("high_auxiliary_voltage_alarm", "high_auxiliary_voltage"),
    AlarmRegister("low_temperature_alarm", "low_meter_temperature"),
    AlarmRegister("high_temperature_alarm", "high_meter_temperature"),
)

# The status of a tank's or a temperature's sensor; 4 is unknown.
SENSOR = (
    AlarmRegister("status", "sensor_open_circuit", levels={1: Severity.WARNING}),
    AlarmRegister("status", "sensor_short_circuit", levels={2: Severity.WARNING}),
    AlarmRegister("status", "sensor_reverse_polarity", levels={3: Severity.WARNING}),
)

RS = (
    AlarmRegister("high_temperature", "high_temperature"),
    AlarmRegister("high_voltage", "high_voltage"),
    AlarmRegister("high_output_voltage", "high_output_voltage"),
    AlarmRegister("low_temperature", "low_temperature"),
    AlarmRegister("low_voltage", "low_voltage", notify_by_default=True),
    AlarmRegister("low_output_voltage", "low_output_voltage"),
    AlarmRegister("overload", "overload"),
    AlarmRegister("ripple", "ripple"),
)
RS_LOW_SOC = (AlarmRegister("low_soc", "low_state_of_charge"),)
RS_SHORT_CIRCUIT = (AlarmRegister("short_circuit", "short_circuit"),)

AC_SYSTEM = (
    AlarmRegister("grid_lost", "grid_lost", notify_by_default=True),
    AlarmRegister("phase_rotation", "phase_rotation"),
)

AC_CHARGER = (
    AlarmRegister("low_voltage_alarm", "low_voltage"),
    AlarmRegister("high_voltage_alarm", "high_voltage"),
)

ALTERNATOR = (
    *AC_CHARGER,
    AlarmRegister("low_auxiliary_voltage_alarm", "low_auxiliary_voltage"),
    AlarmRegister("high_auxiliary_voltage_alarm", "high_auxiliary_voltage"),
    AlarmRegister("low_temperature_alarm", "low_temperature"),
    AlarmRegister("high_temperature_alarm", "high_alternator_temperature"),
)
# Told to rest by its own input, which is no failure.
ALTERNATOR_WARNINGS = (92,)

# Due for service, or for another air filter.
GENSET_WARNINGS = (132, 137)

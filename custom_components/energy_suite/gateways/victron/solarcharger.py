"""Solar chargers (MPPT)."""

from typing import override

from modbus_connection import ModbusUnit

from ..base import Alarm, Found
from ..registers import Registers
from . import alarms
from .device import Coded, Flag, Reading, first
from .enums import ChargerMode, ChargerState, MppOperationMode
from .fields import NOT_AVAILABLE, SATURATED_UINT16, code, int16, text, uint16, uint32
from .trackers import TrackerDevice, whole_yield


class Live(Registers):
    """What the charger does now."""

    service = "solarcharger"
    layouts = (((771, 793),), ((771, 791),))

    battery_voltage = uint16(771, 0.01, nan=0, unit="V")
    current = int16(772, 0.1, unit="A")
    temperature = int16(773, 0.1, nan=0, unit="°C")
    mode = code(774, writable=True)
    state = code(775)
    pv_voltage = uint16(776, 0.01, unit="V")
    pv_current = int16(777, 0.1, unit="A")
    equalization_pending = code(778)
    equalization_time_remaining = uint16(779, 0.1)
    relay = code(780)
    general_alarm = code(781)
    yield_today = uint16(784, 0.1)
    maximum_power_today = uint16(785, unit="W")
    yield_yesterday = uint16(786, 0.1)
    maximum_power_yesterday = uint16(787, unit="W")
    error_code = code(788)
    power_16 = uint16(789, 0.1, nan=SATURATED_UINT16, unit="W")
    yield_total_16 = uint16(790, 0.1, unit="kWh")
    mpp_operation_mode = code(791, nan=NOT_AVAILABLE)
    power = uint32(792, unit="W")
    # Taken back by servers from 2024-11 on, which show all ones here.
    low_voltage_alarm = code(782, nan=0xFFFF)
    high_voltage_alarm = code(783, nan=0xFFFF)


class Trackers(Registers):
    """What each tracker does, and the total yield beyond what the old register holds."""

    service = "solarcharger"
    layouts = (((3700, 3747),), ((3700, 3738),), ((3700, 3734),))

    voltage_1 = uint16(3700, 0.01, unit="V")
    voltage_2 = uint16(3701, 0.01, unit="V")
    voltage_3 = uint16(3702, 0.01, unit="V")
    voltage_4 = uint16(3703, 0.01, unit="V")
    yield_today_1 = uint16(3708, 0.1)
    yield_today_2 = uint16(3709, 0.1)
    yield_today_3 = uint16(3710, 0.1)
    yield_today_4 = uint16(3711, 0.1)
    yield_yesterday_1 = uint16(3712, 0.1)
    yield_yesterday_2 = uint16(3713, 0.1)
    yield_yesterday_3 = uint16(3714, 0.1)
    yield_yesterday_4 = uint16(3715, 0.1)
    maximum_power_today_1 = uint16(3716, unit="W")
    maximum_power_today_2 = uint16(3717, unit="W")
    maximum_power_today_3 = uint16(3718, unit="W")
    maximum_power_today_4 = uint16(3719, unit="W")
    maximum_power_yesterday_1 = uint16(3720, unit="W")
    maximum_power_yesterday_2 = uint16(3721, unit="W")
    maximum_power_yesterday_3 = uint16(3722, unit="W")
    maximum_power_yesterday_4 = uint16(3723, unit="W")
    power_1 = uint16(3724, unit="W")
    power_2 = uint16(3725, unit="W")
    power_3 = uint16(3726, unit="W")
    power_4 = uint16(3727, unit="W")
    yield_total = uint32(3728, nan=0, unit="kWh")
    power_total = uint16(3730, unit="W")
    mpp_operation_mode_1 = code(3731, nan=NOT_AVAILABLE)
    mpp_operation_mode_2 = code(3732, nan=NOT_AVAILABLE)
    mpp_operation_mode_3 = code(3733, nan=NOT_AVAILABLE)
    mpp_operation_mode_4 = code(3734, nan=NOT_AVAILABLE)
    enabled_1 = code(3735)
    enabled_2 = code(3736)
    enabled_3 = code(3737)
    enabled_4 = code(3738)
    custom_name = text(3740, 8, writable=True)


class SolarCharger(TrackerDevice):
    """A solar charger."""

    kind = "solar_charger"

    def __init__(self, found: Found, unit: ModbusUnit, interval: float) -> None:
        super().__init__(found, unit, interval)
        self.live = self.add_part("live", Live)
        self.trackers: Trackers = self.add_part("trackers", Trackers)

    @property
    def power(self) -> float | None:
        """PV power in W."""
        return first(self.live.power, self.live.power_16)

    battery_voltage = Reading(Live.battery_voltage)
    current = Reading(Live.current)
    temperature = Reading(Live.temperature)
    state = Coded(Live.state, ChargerState)
    mode = Coded(Live.mode, ChargerMode)
    mpp_operation_mode = Coded(Live.mpp_operation_mode, MppOperationMode)
    error_code = Reading(Live.error_code)
    equalization_pending = Flag(Live.equalization_pending)
    relay = Flag(Live.relay)
    yield_today = Reading(Live.yield_today)
    yield_yesterday = Reading(Live.yield_yesterday)
    maximum_power_today = Reading(Live.maximum_power_today)
    maximum_power_yesterday = Reading(Live.maximum_power_yesterday)

    @property
    def pv_voltage(self) -> float | None:
        """PV voltage in V; a charger with several trackers has none of its own."""
        voltage = self.live.pv_voltage
        return None if not voltage and (self.tracker_count > 1 or self.power) else voltage

    @property
    def pv_current(self) -> float | None:
        """PV current in A. The GX's own register means nothing without a voltage, so this one does not use it."""
        power, voltage = self.power, self.pv_voltage
        if power is None or voltage is None:
            return None
        return round(power / voltage, 2) if voltage else 0.0

    @property
    def yield_total(self) -> float | None:
        """All energy so far in kWh."""
        return whole_yield(self.live.yield_total_16, self.trackers.yield_total)

    @property
    @override
    def alarms(self) -> tuple[Alarm, ...]:
        return (
            *alarms.raised(self.live, alarms.SOLAR_CHARGER),
            *alarms.fault("charger", self.state is ChargerState.FAULT, self.live.error_code, alarms.CHARGER_WARNINGS),
        )

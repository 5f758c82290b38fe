"""The VE.Bus system: MultiPlus, Quattro and their kin, one or several as one inverter/charger."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import override

from modbus_connection import ModbusUnit

from ..base import Alarm, CommandRefused, Found, Severity, Speed
from ..commands import Effect, check_range, write
from ..registers import Registers
from . import alarms
from .bms import BmsKind, BmsSetup, Cells, PreAlarm, fresh, reserve
from .device import Coded, Counter, Flag, Reading, VictronDevice, product, total, yes_or_no
from .enums import ActiveInput, ChargeState, InverterMode, VebusState
from .fields import code, int16, int32, text, uint16, uint32

DEFAULT_INPUT_CURRENT = 100.0


class Live(Registers):
    """What the system does now."""

    service = "vebus"
    layouts = (((3, 105),),)

    input_voltage_l1 = uint16(3, 0.1, unit="V")
    input_voltage_l2 = uint16(4, 0.1, unit="V")
    input_voltage_l3 = uint16(5, 0.1, unit="V")
    input_current_l1 = int16(6, 0.1, unit="A")
    input_current_l2 = int16(7, 0.1, unit="A")
    input_current_l3 = int16(8, 0.1, unit="A")
    input_frequency_l1 = int16(9, 0.01, nan=0, unit="Hz")
    input_frequency_l2 = int16(10, 0.01, nan=0, unit="Hz")
    input_frequency_l3 = int16(11, 0.01, nan=0, unit="Hz")
    input_power_l1 = int16(12, 10, unit="W")
    input_power_l2 = int16(13, 10, unit="W")
    input_power_l3 = int16(14, 10, unit="W")
    output_voltage_l1 = uint16(15, 0.1, unit="V")
    output_voltage_l2 = uint16(16, 0.1, unit="V")
    output_voltage_l3 = uint16(17, 0.1, unit="V")
    output_current_l1 = int16(18, 0.1, unit="A")
    output_current_l2 = int16(19, 0.1, unit="A")
    output_current_l3 = int16(20, 0.1, unit="A")
    output_frequency = int16(21, 0.01, nan=0, unit="Hz")
    input_current_limit = int16(22, 0.1, writable=True, unit="A")
    output_power_l1 = int16(23, 10, unit="W")
    output_power_l2 = int16(24, 10, unit="W")
    output_power_l3 = int16(25, 10, unit="W")
    dc_voltage = uint16(26, 0.01, nan=0, unit="V")
    dc_current = int16(27, 0.1, unit="A")
    phases = code(28)
    active_input = code(29)
    state_of_charge = uint16(30, 0.1, nan=0, writable=True, unit="%")
    state = code(31)
    error_code = code(32)
    mode = code(33, writable=True)
    high_temperature = code(34)
    low_battery = code(35)
    overload = code(36)
    power_setpoint_l1_16 = int16(37, writable=True, unit="W")
    disable_charge = code(38, writable=True)
    disable_feed_in = code(39, writable=True)
    power_setpoint_l2_16 = int16(40, writable=True, unit="W")
    power_setpoint_l3_16 = int16(41, writable=True, unit="W")
    temperature_sensor = code(42)
    voltage_sensor = code(43)
    high_temperature_l1 = code(44)
    low_battery_l1 = code(45)
    overload_l1 = code(46)
    ripple_l1 = code(47)
    high_temperature_l2 = code(48)
    low_battery_l2 = code(49)
    overload_l2 = code(50)
    ripple_l2 = code(51)
    high_temperature_l3 = code(52)
    low_battery_l3 = code(53)
    overload_l3 = code(54)
    ripple_l3 = code(55)
    pv_inverter_disable = code(56, writable=True)
    charge_allowed = code(57)
    discharge_allowed = code(58)
    bms_expected = code(59)
    bms_error = code(60)
    dc_temperature = int16(61, 0.1, nan=0, unit="°C")
    system_reset = code(62, writable=True)
    phase_rotation = code(63)
    grid_lost = code(64)
    do_not_feed_in_overvoltage = code(65, writable=True)
    maximum_feed_in_power_l1 = uint16(66, 100, writable=True, unit="W")
    maximum_feed_in_power_l2 = uint16(67, 100, writable=True, unit="W")
    maximum_feed_in_power_l3 = uint16(68, 100, writable=True, unit="W")
    ignore_ac_in_1 = code(69)
    ignore_ac_in_2 = code(70)
    setpoint_is_maximum_feed_in = code(71, writable=True)
    solar_offset_100_mv = code(72, writable=True)
    sustain = code(73)
    energy_ac_in_1_to_ac_out = uint32(74, 0.01, unit="kWh")
    energy_ac_in_1_to_inverter = uint32(76, 0.01, unit="kWh")
    energy_ac_in_2_to_ac_out = uint32(78, 0.01, unit="kWh")
    energy_ac_in_2_to_inverter = uint32(80, 0.01, unit="kWh")
    energy_ac_out_to_ac_in_1 = uint32(82, 0.01, unit="kWh")
    energy_ac_out_to_ac_in_2 = uint32(84, 0.01, unit="kWh")
    energy_inverter_to_ac_in_1 = uint32(86, 0.01, unit="kWh")
    energy_inverter_to_ac_in_2 = uint32(88, 0.01, unit="kWh")
    energy_inverter_to_ac_out = uint32(90, 0.01, unit="kWh")
    energy_ac_out_to_inverter = uint32(92, 0.01, unit="kWh")
    bms_pre_alarm = code(94)
    charge_state = code(95)
    power_setpoint_l1 = int32(96, writable=True, unit="W")
    power_setpoint_l2 = int32(98, writable=True, unit="W")
    power_setpoint_l3 = int32(100, writable=True, unit="W")
    prefer_renewable_energy = code(102, writable=True)
    remote_generator_control = code(103, writable=True)
    remote_generator_selected = code(104)
    redetect_system = code(105, writable=True)


class Settings(Registers):
    """The installer's settings, the relay tests and what the inverters are made for."""

    service = "vebus"
    speed = Speed.SLOW
    layouts = (((106, 137),), ((106, 121),), ((106, 109),))

    assist_current_boost_factor = uint16(106, 0.01, writable=True)
    inverter_output_voltage = uint16(107, 0.01, writable=True)
    power_assist_enabled = code(108, writable=True)
    ups_function = code(109, writable=True)
    relay_test_ok_1 = code(110)
    relay_test_ok_2 = code(111)
    relay_test_ok_3 = code(112)
    relay_test_ok_4 = code(113)
    relay_test_ok_5 = code(114)
    relay_test_ok_6 = code(115)
    relay_test_ok_7 = code(116)
    relay_test_ok_8 = code(117)
    relay_test_ok_9 = code(118)
    relay_test_ok_10 = code(119)
    relay_test_ok_11 = code(120)
    relay_test_ok_12 = code(121)
    nominal_power = uint32(130, nan=0, unit="W")
    nominal_power_l1 = uint32(132, nan=0, unit="W")
    nominal_power_l2 = uint32(134, nan=0, unit="W")
    nominal_power_l3 = uint32(136, nan=0, unit="W")


class Name(Registers):
    """The name that the owner gave it on the GX."""

    service = "vebus"
    speed = Speed.ONCE
    layouts = (((140, 147),),)

    custom_name = text(140, 8, writable=True)


class Microgrid(Registers):
    """How it takes part in a microgrid; not a thing to set from a home."""

    service = "vebus"
    speed = Speed.SLOW
    layouts = (((200, 247),), ((200, 234),), ((200, 231),), ((200, 211),))

    mode = code(200)
    droop_f0 = uint16(201, 0.01, writable=True)
    droop_p0 = int16(202, 0.01, writable=True)
    droop_pmin = int16(203, 0.01, writable=True)
    droop_pmax = int16(204, 0.01, writable=True)
    droop_fp_droop = uint16(205, 0.01, writable=True)
    droop_q0 = int16(206, 0.01, writable=True)
    droop_q_min = int16(207, 0.01, writable=True)
    droop_q_max = int16(208, 0.01, writable=True)
    droop_uq_droop = uint16(209, 0.01, writable=True)
    droop_u0 = uint16(210, 0.01, writable=True)
    droop_activate = code(211, writable=True)
    direct_pq_fmin = uint16(213, 0.01, writable=True)
    direct_pq_fmax = uint16(214, 0.01, writable=True)
    direct_pq_p = int16(215, 0.01, writable=True)
    direct_pq_q = int16(216, 0.01, writable=True)
    direct_pq_umin = uint16(217, 0.01, writable=True)
    direct_pq_umax = uint16(218, 0.01, writable=True)
    direct_pq_activate = code(219, writable=True)
    direct_vf_f = uint16(220, 0.01, writable=True)
    direct_vf_u = uint16(221, 0.01, writable=True)
    direct_vf_activate = code(222, writable=True)
    heartbeat = code(230, writable=True)
    error = code(231)
    operation = code(232)
    operation_change_pending_reset = code(233)
    operation_is_adjustable = code(234)
    droop_pref = uint32(240)
    droop_qref = uint32(242)
    direct_pq_pref = uint32(244)
    direct_pq_qref = uint32(246)


class InverterCharger(VictronDevice):
    """A VE.Bus system."""

    kind = "inverter_charger"

    def __init__(self, found: Found, unit: ModbusUnit, interval: float) -> None:
        super().__init__(found, unit, interval)
        self.live = self.add_part("live", Live)
        self.add_part("settings", Settings)
        self.add_part("name", Name)
        self.add_part("microgrid", Microgrid)
        self.maximum_input_current = DEFAULT_INPUT_CURRENT
        """The rating of the input or its breaker in A: what may be set is not on Modbus."""
        self.bms = BmsSetup()
        self.batteries: Callable[[], Iterable[Cells]] = tuple
        """The batteries of the same GX, of which some may know their cells."""
        self._pre_alarm = PreAlarm()
        self._warned = False
        self._capacity: float | None = None

    @property
    @override
    def phases(self) -> int:
        # 0 before the GX has counted them, and on devices that never say.
        return min(max(int(self.live.phases or 1), 1), 3)

    input_voltage_l1 = Reading(Live.input_voltage_l1)
    input_voltage_l2 = Reading(Live.input_voltage_l2, phase=2)
    input_voltage_l3 = Reading(Live.input_voltage_l3, phase=3)
    input_current_l1 = Reading(Live.input_current_l1)
    input_current_l2 = Reading(Live.input_current_l2, phase=2)
    input_current_l3 = Reading(Live.input_current_l3, phase=3)
    input_power_l1 = Reading(Live.input_power_l1)
    input_power_l2 = Reading(Live.input_power_l2, phase=2)
    input_power_l3 = Reading(Live.input_power_l3, phase=3)
    input_frequency = Reading(Live.input_frequency_l1)
    output_voltage_l1 = Reading(Live.output_voltage_l1)
    output_voltage_l2 = Reading(Live.output_voltage_l2, phase=2)
    output_voltage_l3 = Reading(Live.output_voltage_l3, phase=3)
    output_current_l1 = Reading(Live.output_current_l1)
    output_current_l2 = Reading(Live.output_current_l2, phase=2)
    output_current_l3 = Reading(Live.output_current_l3, phase=3)
    output_power_l1 = Reading(Live.output_power_l1)
    output_power_l2 = Reading(Live.output_power_l2, phase=2)
    output_power_l3 = Reading(Live.output_power_l3, phase=3)
    output_frequency = Reading(Live.output_frequency)

    @property
    def input_power(self) -> float | None:
        """Power at the active AC input in W, negative when it feeds in."""
        return total(self.input_power_l1, self.input_power_l2, self.input_power_l3)

    @property
    def output_power(self) -> float | None:
        """Power at the AC output in W."""
        return total(self.output_power_l1, self.output_power_l2, self.output_power_l3)

    dc_voltage = Reading(Live.dc_voltage)
    dc_current = Reading(Live.dc_current)
    dc_temperature = Reading(Live.dc_temperature)

    @property
    def dc_power(self) -> float | None:
        """Power at the battery terminals in W, positive when it charges."""
        return product(self.dc_voltage, self.dc_current)

    state_of_charge = Reading(Live.state_of_charge)
    state = Coded(Live.state, VebusState)
    charge_state = Coded(Live.charge_state, ChargeState)
    error_code = Reading(Live.error_code)
    active_input = Coded(Live.active_input, ActiveInput)
    inverter_mode = Coded(Live.mode, InverterMode)
    input_current_limit = Reading(Live.input_current_limit)
    prefer_renewable_energy = Flag(Live.prefer_renewable_energy)
    nominal_power = Reading(Settings.nominal_power, "settings")
    bms_expected = Flag(Live.bms_expected)

    @property
    def has_bms(self) -> bool:
        """Whether a VE.Bus BMS is there, by the GX or by the user."""
        return self.bms.has_bms(self.bms_expected)

    def _bms(self, value: int | None) -> bool | None:
        """What the BMS says; without one its registers read 0, which is not a refusal."""
        return yes_or_no(value) if self.has_bms else None

    @property
    def charge_allowed(self) -> bool | None:
        """Whether the BMS allows charging."""
        return self._bms(self.live.charge_allowed)

    @property
    def discharge_allowed(self) -> bool | None:
        """Whether the BMS allows discharging."""
        return self._bms(self.live.discharge_allowed)

    @property
    def bms_error(self) -> bool | None:
        """Whether the BMS is in error or lost."""
        return self._bms(self.live.bms_error)

    @property
    def bms_pre_alarm(self) -> bool | None:
        """Whether a cell is about to be too low; a BMS that says so is believed though none is expected."""
        return self._warned if self.has_bms or self._warned else None

    @property
    def load_disconnect(self) -> bool | None:
        """Whether the BMS disconnects the loads: low cell voltage."""
        return None if self.discharge_allowed is None else not self.discharge_allowed

    @property
    def charge_disconnect(self) -> bool | None:
        """Whether the BMS disconnects the chargers: high cell voltage or temperature."""
        return None if self.charge_allowed is None else not self.charge_allowed

    @override
    def settle(self, now: float) -> None:
        batteries = list(self.batteries())
        self._capacity = self.bms.capacity or sum(battery.capacity or 0.0 for battery in batteries)
        signal = self.live.bms_pre_alarm == 1 and self.bms.kind is not BmsKind.NONE
        cells = fresh(batteries, now, self._interval) if self.has_bms else []
        self._warned = self._pre_alarm.judge(signal, cells, self.bms.pre_alarm_voltage)

    def _bms_alarms(self) -> Iterator[Alarm]:
        if self.bms_pre_alarm:
            yield Alarm("bms_pre_alarm", Severity.WARNING, notify_by_default=True)
        if self.load_disconnect:
            left = reserve(self._capacity, self.bms.standby_current)
            yield Alarm("load_disconnect", Severity.CRITICAL, notify_by_default=True, details=left)
        if self.charge_disconnect:
            yield Alarm("charge_disconnect", Severity.WARNING, notify_by_default=True)
        if self.bms_error:
            yield Alarm("bms_lost", Severity.CRITICAL, notify_by_default=True)

    energy_ac_in_1_to_ac_out = Counter(Live.energy_ac_in_1_to_ac_out)
    energy_ac_in_1_to_inverter = Counter(Live.energy_ac_in_1_to_inverter)
    energy_ac_in_2_to_ac_out = Counter(Live.energy_ac_in_2_to_ac_out)
    energy_ac_in_2_to_inverter = Counter(Live.energy_ac_in_2_to_inverter)
    energy_ac_out_to_ac_in_1 = Counter(Live.energy_ac_out_to_ac_in_1)
    energy_ac_out_to_ac_in_2 = Counter(Live.energy_ac_out_to_ac_in_2)
    energy_inverter_to_ac_in_1 = Counter(Live.energy_inverter_to_ac_in_1)
    energy_inverter_to_ac_in_2 = Counter(Live.energy_inverter_to_ac_in_2)
    energy_inverter_to_ac_out = Counter(Live.energy_inverter_to_ac_out)
    energy_ac_out_to_inverter = Counter(Live.energy_ac_out_to_inverter)

    @property
    @override
    def alarms(self) -> tuple[Alarm, ...]:
        return (
            *alarms.raised(self.live, alarms.VEBUS),
            *self._bms_alarms(),
            *alarms.fault("vebus", self.state is VebusState.FAULT, self.error_code),
        )

    async def set_inverter_mode(self, mode: InverterMode) -> Effect:
        """Turn the switch. Raises ``CommandRefused``: with a Digital Multi Control or a VE.Bus BMS V1 it is theirs."""
        return await write(self.live, {"mode": mode}, refused="control_not_available")

    async def set_input_current_limit(self, amperes: float) -> Effect:
        """Set the limit of the active input in A; below its own minimum the device raises it. Raises as above."""
        check_range(amperes, 0, self.maximum_input_current, unit="A")
        await self.live.async_read(time.monotonic())
        if self.active_input is ActiveInput.DISCONNECTED:
            raise CommandRefused("no_active_input")
        return await write(self.live, {"input_current_limit": amperes}, refused="control_not_available")

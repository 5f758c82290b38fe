"""Inverters and inverter/chargers without VE.Bus: Phoenix, Inverter RS, Multi RS, and several RS as one AC system."""

import time
from collections.abc import Mapping
from typing import override

from modbus_connection import ModbusUnit

from ..base import Alarm, CommandRefused, Found, Identity, Speed
from ..commands import Effect, check_range, write
from ..registers import Registers
from . import alarms
from .device import PHASES, Coded, Counter, Reading, VictronDevice, coded, firmware, first, product, total
from .enums import (
    AcInputType,
    ActiveInput,
    EssMode,
    InverterMode,
    InverterSwitch,
    InverterSwitchChoice,
    MppOperationMode,
    VebusState,
)
from .fields import NOT_AVAILABLE, SATURATED_UINT16, code, int16, int32, text, uint16, uint32
from .trackers import TrackerDevice, whole_yield

# --- inverters ---------------------------------------------------------------------------------------------------


class InverterLive(Registers):
    """What an inverter does now."""

    service = "inverter"
    layouts = (
        ((3100, 3138),),
        ((3100, 3102), (3105, 3106), (3110, 3117), (3125, 3128), (3130, 3138)),
    )

    output_current = int16(3100, 0.1, unit="A")
    output_voltage = uint16(3101, 0.1, unit="V")
    output_power = int16(3102, 10, unit="W")
    dc_voltage = uint16(3105, 0.01, nan=0, unit="V")
    dc_current = int16(3106, 0.1, unit="A")
    high_temperature = code(3110)
    high_voltage = code(3111)
    high_output_voltage = code(3112)
    low_temperature = code(3113)
    low_voltage = code(3114)
    low_output_voltage = code(3115)
    overload = code(3116)
    ripple = code(3117)
    firmware = uint16(3125, nan=0)
    mode = code(3126, writable=True)
    product_id = code(3127, nan=0)
    state = code(3128)
    energy_inverter_to_ac_out = uint32(3130, 0.01, unit="kWh")
    energy_ac_out_to_inverter = uint32(3132, 0.01, unit="kWh")
    energy_solar_to_ac_out = uint32(3134, 0.01, unit="kWh")
    energy_solar_to_battery = uint32(3136, 0.01, unit="kWh")
    pv_voltage = uint16(3138, 0.1, unit="V")


class InverterTrackers(Registers):
    """What each solar tracker of an inverter does, and what is told behind it."""

    service = "inverter"
    layouts = (
        ((3140, 3187),),
        ((3140, 3176),),
        ((3140, 3143), (3148, 3176)),
        ((3140, 3143), (3148, 3172)),
    )

    voltage_1 = uint16(3140, 0.1, unit="V")
    voltage_2 = uint16(3141, 0.1, unit="V")
    voltage_3 = uint16(3142, 0.1, unit="V")
    voltage_4 = uint16(3143, 0.1, unit="V")
    yield_today_1 = uint16(3148, 0.1)
    yield_today_2 = uint16(3149, 0.1)
    yield_today_3 = uint16(3150, 0.1)
    yield_today_4 = uint16(3151, 0.1)
    yield_yesterday_1 = uint16(3152, 0.1)
    yield_yesterday_2 = uint16(3153, 0.1)
    yield_yesterday_3 = uint16(3154, 0.1)
    yield_yesterday_4 = uint16(3155, 0.1)
    maximum_power_today_1 = uint16(3156, unit="W")
    maximum_power_today_2 = uint16(3157, unit="W")
    maximum_power_today_3 = uint16(3158, unit="W")
    maximum_power_today_4 = uint16(3159, unit="W")
    maximum_power_yesterday_1 = uint16(3160, unit="W")
    maximum_power_yesterday_2 = uint16(3161, unit="W")
    maximum_power_yesterday_3 = uint16(3162, unit="W")
    maximum_power_yesterday_4 = uint16(3163, unit="W")
    power_1 = uint16(3164, unit="W")
    power_2 = uint16(3165, unit="W")
    power_3 = uint16(3166, unit="W")
    power_4 = uint16(3167, unit="W")
    low_soc = code(3168)
    mpp_operation_mode_1 = code(3169, nan=NOT_AVAILABLE)
    mpp_operation_mode_2 = code(3170, nan=NOT_AVAILABLE)
    mpp_operation_mode_3 = code(3171, nan=NOT_AVAILABLE)
    mpp_operation_mode_4 = code(3172, nan=NOT_AVAILABLE)
    enabled_1 = code(3173)
    enabled_2 = code(3174)
    enabled_3 = code(3175)
    enabled_4 = code(3176)
    custom_name = text(3180, 8, writable=True)


class Inverter(TrackerDevice):
    """An inverter, with solar trackers or without."""

    kind = "inverter"

    def __init__(self, found: Found, unit: ModbusUnit, interval: float) -> None:
        super().__init__(found, unit, interval)
        self.live = self.add_part("live", InverterLive)
        self.trackers: InverterTrackers = self.add_part("trackers", InverterTrackers)

    @property
    @override
    def identity(self) -> Identity:
        return Identity(
            manufacturer=self.manufacturer,
            firmware=_short_firmware(self.live.firmware),
            name=self.trackers.custom_name or self.found.name,
        )

    output_voltage = Reading(InverterLive.output_voltage)
    output_current = Reading(InverterLive.output_current)
    output_power = Reading(InverterLive.output_power)
    dc_voltage = Reading(InverterLive.dc_voltage)
    dc_current = Reading(InverterLive.dc_current)
    state = Coded(InverterLive.state, VebusState)
    inverter_mode = Coded(InverterLive.mode, InverterSwitch)
    energy_inverter_to_ac_out = Counter(InverterLive.energy_inverter_to_ac_out)
    energy_ac_out_to_inverter = Counter(InverterLive.energy_ac_out_to_inverter)
    energy_solar_to_ac_out = Counter(InverterLive.energy_solar_to_ac_out)
    energy_solar_to_battery = Counter(InverterLive.energy_solar_to_battery)

    @property
    def yield_total(self) -> float | None:
        """Solar energy so far in kWh."""
        energy = total(self.energy_solar_to_ac_out, self.energy_solar_to_battery)
        return None if energy is None else round(energy, 2)

    @property
    def has_solar(self) -> bool:
        """Whether it has been seen to have a solar tracker: a plain inverter reads 0 throughout."""
        enabled = any(self._each_tracker("enabled"))
        return bool(enabled or self.yield_total or self.live.pv_voltage or any(self._each_tracker("voltage")))

    def _of_solar[T](self, value: T | None) -> T | None:
        return value if self.has_solar else None

    @property
    def solar_power(self) -> float | None:
        """PV power of all trackers in W."""
        return self._of_solar(total(*self._each_tracker("power")))

    @property
    def yield_today(self) -> float | None:
        """Solar energy since midnight in kWh."""
        return self._of_solar(_rounded(total(*self._each_tracker("yield_today"))))

    @property
    def pv_voltage(self) -> float | None:
        """PV voltage in V of the only tracker."""
        return self._of_solar(self.live.pv_voltage or self.trackers.voltage_1) if self.tracker_count == 1 else None

    @property
    @override
    def alarms(self) -> tuple[Alarm, ...]:
        return (
            *alarms.raised(self.live, alarms.RS),
            *alarms.raised(self.trackers, alarms.RS_LOW_SOC),
            *alarms.fault("inverter", self.state is VebusState.FAULT, None),
        )

    async def set_inverter_mode(self, mode: InverterSwitchChoice) -> Effect:
        """Turn the switch. Raises ``CommandRefused``: not every inverter has every position."""
        return await write(self.live, {"mode": mode})


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _short_firmware(number: float | None) -> str | None:
    """A firmware in 16 bits, without a beta; None where it would not fit them."""
    return None if number is None or number >= SATURATED_UINT16 else firmware(int(number) << 8)


# --- ESS of the RS -----------------------------------------------------------------------------------------------


class Ess(Registers):
    """How a Multi RS uses its battery."""

    service = "multi"
    speed = Speed.SLOW
    layouts = (((4609, 4615),), ((4609, 4614),))

    mode = code(4609, writable=True)
    grid_setpoint = int32(4610, writable=True, unit="W")
    disable_feed_in = code(4612, writable=True)
    disable_charge = code(4613, writable=True)
    minimum_state_of_charge = uint16(4614, writable=True, unit="%")
    sustain = code(4615)


class AcSystemLive(Registers):
    """What several RS do together now. The list has the input currents without their sign."""

    service = "acsystem"
    layouts = (
        ((4900, 4957),),
        ((4900, 4925), (4930, 4957)),
        ((4900, 4925), (4930, 4942)),
        ((4900, 4925), (4930, 4931)),
        ((4900, 4924), (4930, 4931)),
        ((4900, 4924),),
    )

    state = code(4900)
    input_voltage_l1 = uint16(4901, 0.1, unit="V")
    input_voltage_l2 = uint16(4902, 0.1, unit="V")
    input_voltage_l3 = uint16(4903, 0.1, unit="V")
    input_current_l1 = int16(4904, 0.1, unit="A")
    input_current_l2 = int16(4905, 0.1, unit="A")
    input_current_l3 = int16(4906, 0.1, unit="A")
    input_power_l1 = int16(4907, 10, unit="W")
    input_power_l2 = int16(4908, 10, unit="W")
    input_power_l3 = int16(4909, 10, unit="W")
    input_frequency = uint16(4910, 0.01, nan=0, unit="Hz")
    output_voltage_l1 = uint16(4911, 0.1, unit="V")
    output_voltage_l2 = uint16(4912, 0.1, unit="V")
    output_voltage_l3 = uint16(4913, 0.1, unit="V")
    output_current_l1 = int16(4914, 0.1, unit="A")
    output_current_l2 = int16(4915, 0.1, unit="A")
    output_current_l3 = int16(4916, 0.1, unit="A")
    output_power_l1 = int16(4917, 10, unit="W")
    output_power_l2 = int16(4918, 10, unit="W")
    output_power_l3 = int16(4919, 10, unit="W")
    output_frequency = uint16(4920, 0.01, nan=0, unit="Hz")
    mode = code(4921, writable=True)
    grid_setpoint = int32(4922, writable=True, unit="W")
    disable_feed_in = code(4924, writable=True)
    active_state_of_charge_limit = uint16(4925, unit="%")
    pv_disabled = code(4929)
    grid_lost = code(4930)
    phase_rotation = code(4931)
    input_1_current_limit = uint16(4940, 0.1, nan=0, writable=True, unit="A")
    input_2_current_limit = uint16(4941, 0.1, nan=0, writable=True, unit="A")
    energy_meter_current_limit = uint16(4942, 0.1, nan=0, unit="A")
    custom_name = text(4950, 8, writable=True)


class _RsDevice(VictronDevice):
    """One Multi RS or several as one: an AC input, an AC output, and an ESS that it may run by itself."""

    GRID_SETPOINT_RANGE = (-100_000.0, 100_000.0)
    MINIMUM_SOC_RANGE = (0.0, 100.0)

    ess: Ess | AcSystemLive

    @property
    def input_power(self) -> float | None:
        """Power at the AC input in W, negative when it feeds in."""
        return total(*(getattr(self, f"input_power_l{phase}") for phase in PHASES))

    @property
    def output_power(self) -> float | None:
        """Power at the AC output in W."""
        return total(*(getattr(self, f"output_power_l{phase}") for phase in PHASES))

    @property
    def has_ess(self) -> bool:
        """Whether settings of an ESS are there: a device without, or whose ESS is the AC system's, reads 0."""
        witnesses = ("mode", "grid_setpoint", "minimum_state_of_charge", "active_state_of_charge_limit")
        return any(self.ess.values.get(name) for name in witnesses)

    @property
    def ess_modes(self) -> Mapping[str, EssMode]:
        """The modes that may be chosen, by their names in lower case."""
        return {mode.name.lower(): mode for mode in EssMode}

    @property
    def ess_mode(self) -> EssMode | None:
        """The user's choice of how the battery is used."""
        return coded(EssMode, self.ess.mode + 1) if self.ess.mode is not None and self.has_ess else None

    @property
    def grid_setpoint(self) -> float | None:
        """The power in W that is to be taken from the grid."""
        return self.ess.grid_setpoint

    async def set_ess_mode(self, mode: EssMode, minimum_state_of_charge: float | None = None) -> Effect:
        """Choose how the battery is used, and optionally down to where in %. Raises ``CommandRefused``."""
        values: dict[str, float] = {"mode": mode - 1}
        if minimum_state_of_charge is not None:
            check_range(minimum_state_of_charge, *self.MINIMUM_SOC_RANGE, unit="%")
            if mode not in (EssMode.OPTIMIZED_WITH_BATTERYLIFE, EssMode.OPTIMIZED_WITHOUT_BATTERYLIFE):
                raise CommandRefused("not_in_this_ess_mode", mode=mode.name.lower())
            values["minimum_state_of_charge"] = round(minimum_state_of_charge)
        return await write(self.ess, values)

    async def _refuse_in(self, *modes: EssMode) -> None:
        await self.ess.async_read(time.monotonic())
        if (mode := self.ess_mode) in modes:
            raise CommandRefused("not_in_this_ess_mode", mode=mode.name.lower())

    async def set_grid_setpoint(self, watts: float) -> Effect:
        """Set the power in W to take from the grid. Raises ``CommandRefused``."""
        check_range(watts, *self.GRID_SETPOINT_RANGE, unit="W")
        await self._refuse_in(EssMode.EXTERNAL_CONTROL)
        return await write(self.ess, {"grid_setpoint": round(watts)})


# --- Multi RS ----------------------------------------------------------------------------------------------------


class MultiLive(Registers):
    """What a Multi RS does now."""

    service = "multi"
    layouts = (((4500, 4577),),)

    input_voltage_l1 = uint16(4500, 0.1, unit="V")
    input_voltage_l2 = uint16(4501, 0.1, unit="V")
    input_voltage_l3 = uint16(4502, 0.1, unit="V")
    input_current_l1 = int16(4503, 0.1, unit="A")
    input_current_l2 = int16(4504, 0.1, unit="A")
    input_current_l3 = int16(4505, 0.1, unit="A")
    input_power_l1 = int16(4506, 10, unit="W")
    input_power_l2 = int16(4507, 10, unit="W")
    input_power_l3 = int16(4508, 10, unit="W")
    input_frequency = uint16(4509, 0.01, nan=0, unit="Hz")
    output_voltage_l1 = uint16(4510, 0.1, unit="V")
    output_voltage_l2 = uint16(4511, 0.1, unit="V")
    output_voltage_l3 = uint16(4512, 0.1, unit="V")
    output_current_l1 = int16(4513, 0.1, unit="A")
    output_current_l2 = int16(4514, 0.1, unit="A")
    output_current_l3 = int16(4515, 0.1, unit="A")
    output_power_l1 = int16(4516, 10, unit="W")
    output_power_l2 = int16(4517, 10, unit="W")
    output_power_l3 = int16(4518, 10, unit="W")
    output_frequency = uint16(4519, 0.01, nan=0, unit="Hz")
    ac_input_1_type = code(4520)
    ac_input_2_type = code(4521)
    input_1_current_limit = uint16(4522, 0.1, nan=0, writable=True, unit="A")
    input_2_current_limit = uint16(4523, 0.1, nan=0, writable=True, unit="A")
    phases = code(4524)
    active_input = code(4525)
    dc_voltage = uint16(4526, 0.01, nan=0, unit="V")
    dc_current = int16(4527, 0.1, unit="A")
    dc_temperature = int16(4528, 0.1, nan=0, unit="°C")
    state_of_charge = uint16(4529, 0.1, nan=0, unit="%")
    state = code(4530)
    mode = code(4531, writable=True)
    high_temperature = code(4532)
    high_voltage = code(4533)
    high_output_voltage = code(4534)
    low_temperature = code(4535)
    low_voltage = code(4536)
    low_output_voltage = code(4537)
    overload = code(4538)
    ripple = code(4539)
    solar_power = uint16(4540, nan=SATURATED_UINT16, unit="W")
    yield_total_16 = uint16(4541, 0.1, unit="kWh")
    relay = code(4542)
    mpp_operation_mode = code(4543, nan=NOT_AVAILABLE)
    pv_voltage = uint16(4544, 0.1, unit="V")
    error_code = code(4545)
    energy_ac_in_1_to_ac_out = uint32(4546, 0.01, unit="kWh")
    energy_ac_in_1_to_inverter = uint32(4548, 0.01, unit="kWh")
    energy_ac_in_2_to_ac_out = uint32(4550, 0.01, unit="kWh")
    energy_ac_in_2_to_inverter = uint32(4552, 0.01, unit="kWh")
    energy_ac_out_to_ac_in_1 = uint32(4554, 0.01, unit="kWh")
    energy_ac_out_to_ac_in_2 = uint32(4556, 0.01, unit="kWh")
    energy_inverter_to_ac_in_1 = uint32(4558, 0.01, unit="kWh")
    energy_inverter_to_ac_in_2 = uint32(4560, 0.01, unit="kWh")
    energy_inverter_to_ac_out = uint32(4562, 0.01, unit="kWh")
    energy_ac_out_to_inverter = uint32(4564, 0.01, unit="kWh")
    energy_solar_to_ac_in_1 = uint32(4566, 0.01, unit="kWh")
    energy_solar_to_ac_in_2 = uint32(4568, 0.01, unit="kWh")
    energy_solar_to_ac_out = uint32(4570, 0.01, unit="kWh")
    energy_solar_to_battery = uint32(4572, 0.01, unit="kWh")
    yield_today = uint16(4574, 0.1)
    maximum_power_today = uint16(4575, unit="W")
    yield_yesterday = uint16(4576, 0.1)
    maximum_power_yesterday = uint16(4577, unit="W")


class MultiTrackers(Registers):
    """What each solar tracker of a Multi RS does, and what is told behind it; the ESS is in between."""

    service = "multi"
    layouts = (
        ((4578, 4633),),
        ((4578, 4620), (4630, 4633)),
        ((4578, 4620),),
        ((4578, 4614),),
    )

    yield_today_1 = uint16(4578, 0.1)
    yield_today_2 = uint16(4579, 0.1)
    yield_today_3 = uint16(4580, 0.1)
    yield_today_4 = uint16(4581, 0.1)
    yield_yesterday_1 = uint16(4582, 0.1)
    yield_yesterday_2 = uint16(4583, 0.1)
    yield_yesterday_3 = uint16(4584, 0.1)
    yield_yesterday_4 = uint16(4585, 0.1)
    maximum_power_today_1 = uint16(4586, unit="W")
    maximum_power_today_2 = uint16(4587, unit="W")
    maximum_power_today_3 = uint16(4588, unit="W")
    maximum_power_today_4 = uint16(4589, unit="W")
    maximum_power_yesterday_1 = uint16(4590, unit="W")
    maximum_power_yesterday_2 = uint16(4591, unit="W")
    maximum_power_yesterday_3 = uint16(4592, unit="W")
    maximum_power_yesterday_4 = uint16(4593, unit="W")
    voltage_1 = uint16(4594, 0.1, unit="V")
    voltage_2 = uint16(4595, 0.1, unit="V")
    voltage_3 = uint16(4596, 0.1, unit="V")
    voltage_4 = uint16(4597, 0.1, unit="V")
    power_1 = uint16(4598, unit="W")
    power_2 = uint16(4599, unit="W")
    power_3 = uint16(4600, unit="W")
    power_4 = uint16(4601, unit="W")
    low_soc = code(4602)
    yield_total = uint32(4603, nan=0, unit="kWh")
    mpp_operation_mode_1 = code(4605, nan=NOT_AVAILABLE)
    mpp_operation_mode_2 = code(4606, nan=NOT_AVAILABLE)
    mpp_operation_mode_3 = code(4607, nan=NOT_AVAILABLE)
    mpp_operation_mode_4 = code(4608, nan=NOT_AVAILABLE)
    short_circuit = code(4620)
    custom_name = text(4622, 8, writable=True)
    enabled_1 = code(4630)
    enabled_2 = code(4631)
    enabled_3 = code(4632)
    enabled_4 = code(4633)


class Multi(TrackerDevice, _RsDevice):
    """A Multi RS."""

    kind = "multi_rs"

    def __init__(self, found: Found, unit: ModbusUnit, interval: float) -> None:
        super().__init__(found, unit, interval)
        self.live = self.add_part("live", MultiLive)
        self.trackers: MultiTrackers = self.add_part("trackers", MultiTrackers)
        self.ess: Ess = self.add_part("ess", Ess)

    @property
    @override
    def phases(self) -> int:
        return min(max(int(self.live.phases or 1), 1), 3)

    input_voltage_l1 = Reading(MultiLive.input_voltage_l1)
    input_voltage_l2 = Reading(MultiLive.input_voltage_l2, phase=2)
    input_voltage_l3 = Reading(MultiLive.input_voltage_l3, phase=3)
    input_current_l1 = Reading(MultiLive.input_current_l1)
    input_current_l2 = Reading(MultiLive.input_current_l2, phase=2)
    input_current_l3 = Reading(MultiLive.input_current_l3, phase=3)
    input_power_l1 = Reading(MultiLive.input_power_l1)
    input_power_l2 = Reading(MultiLive.input_power_l2, phase=2)
    input_power_l3 = Reading(MultiLive.input_power_l3, phase=3)
    output_voltage_l1 = Reading(MultiLive.output_voltage_l1)
    output_voltage_l2 = Reading(MultiLive.output_voltage_l2, phase=2)
    output_voltage_l3 = Reading(MultiLive.output_voltage_l3, phase=3)
    output_current_l1 = Reading(MultiLive.output_current_l1)
    output_current_l2 = Reading(MultiLive.output_current_l2, phase=2)
    output_current_l3 = Reading(MultiLive.output_current_l3, phase=3)
    output_power_l1 = Reading(MultiLive.output_power_l1)
    output_power_l2 = Reading(MultiLive.output_power_l2, phase=2)
    output_power_l3 = Reading(MultiLive.output_power_l3, phase=3)
    input_frequency = Reading(MultiLive.input_frequency)
    output_frequency = Reading(MultiLive.output_frequency)

    dc_voltage = Reading(MultiLive.dc_voltage)
    dc_current = Reading(MultiLive.dc_current)
    dc_temperature = Reading(MultiLive.dc_temperature)

    @property
    def dc_power(self) -> float | None:
        """Power at the battery terminals in W, positive when it charges."""
        return product(self.dc_voltage, self.dc_current)

    state_of_charge = Reading(MultiLive.state_of_charge)
    state = Coded(MultiLive.state, VebusState)
    active_input = Coded(MultiLive.active_input, ActiveInput)
    inverter_mode = Coded(MultiLive.mode, InverterSwitch)
    error_code = Reading(MultiLive.error_code)
    ac_input_1_type = Coded(MultiLive.ac_input_1_type, AcInputType)
    ac_input_2_type = Coded(MultiLive.ac_input_2_type, AcInputType)
    input_1_current_limit = Reading(MultiLive.input_1_current_limit)
    input_2_current_limit = Reading(MultiLive.input_2_current_limit)
    mpp_operation_mode = Coded(MultiLive.mpp_operation_mode, MppOperationMode)
    yield_today = Reading(MultiLive.yield_today)
    yield_yesterday = Reading(MultiLive.yield_yesterday)
    maximum_power_today = Reading(MultiLive.maximum_power_today)
    maximum_power_yesterday = Reading(MultiLive.maximum_power_yesterday)

    @property
    def solar_power(self) -> float | None:
        """PV power of all trackers in W."""
        return first(self.live.solar_power, total(*self._each_tracker("power")))

    @property
    def yield_total(self) -> float | None:
        """Solar energy so far in kWh."""
        return whole_yield(self.live.yield_total_16, self.trackers.yield_total)

    @property
    def pv_voltage(self) -> float | None:
        """PV voltage in V of the only tracker."""
        return (self.live.pv_voltage or self.trackers.voltage_1) if self.tracker_count == 1 else None

    energy_ac_in_1_to_ac_out = Counter(MultiLive.energy_ac_in_1_to_ac_out)
    energy_ac_in_1_to_inverter = Counter(MultiLive.energy_ac_in_1_to_inverter)
    energy_ac_in_2_to_ac_out = Counter(MultiLive.energy_ac_in_2_to_ac_out)
    energy_ac_in_2_to_inverter = Counter(MultiLive.energy_ac_in_2_to_inverter)
    energy_ac_out_to_ac_in_1 = Counter(MultiLive.energy_ac_out_to_ac_in_1)
    energy_ac_out_to_ac_in_2 = Counter(MultiLive.energy_ac_out_to_ac_in_2)
    energy_inverter_to_ac_in_1 = Counter(MultiLive.energy_inverter_to_ac_in_1)
    energy_inverter_to_ac_in_2 = Counter(MultiLive.energy_inverter_to_ac_in_2)
    energy_inverter_to_ac_out = Counter(MultiLive.energy_inverter_to_ac_out)
    energy_ac_out_to_inverter = Counter(MultiLive.energy_ac_out_to_inverter)
    energy_solar_to_ac_in_1 = Counter(MultiLive.energy_solar_to_ac_in_1)
    energy_solar_to_ac_in_2 = Counter(MultiLive.energy_solar_to_ac_in_2)
    energy_solar_to_ac_out = Counter(MultiLive.energy_solar_to_ac_out)
    energy_solar_to_battery = Counter(MultiLive.energy_solar_to_battery)

    @property
    def minimum_state_of_charge(self) -> float | None:
        """Down to where the battery is used in %."""
        return self.ess.minimum_state_of_charge

    @property
    @override
    def alarms(self) -> tuple[Alarm, ...]:
        failed = self.state is VebusState.FAULT
        return (
            *alarms.raised(self.live, alarms.RS),
            *alarms.raised(self.trackers, (*alarms.RS_LOW_SOC, *alarms.RS_SHORT_CIRCUIT)),
            *alarms.fault("charger", failed, self.error_code, alarms.CHARGER_WARNINGS),
        )

    async def set_inverter_mode(self, mode: InverterMode) -> Effect:
        """Turn the switch. Raises ``CommandRefused``."""
        return await write(self.live, {"mode": mode})

    async def set_minimum_state_of_charge(self, percent: float) -> Effect:
        """Set down to where the battery is used, in %. Raises ``CommandRefused``."""
        check_range(percent, *self.MINIMUM_SOC_RANGE, unit="%")
        await self._refuse_in(EssMode.KEEP_BATTERIES_CHARGED, EssMode.EXTERNAL_CONTROL)
        return await write(self.ess, {"minimum_state_of_charge": round(percent)})


# --- several RS as one -------------------------------------------------------------------------------------------


class AcSystem(_RsDevice):
    """Several RS that work as one."""

    kind = "ac_system"

    def __init__(self, found: Found, unit: ModbusUnit, interval: float) -> None:
        super().__init__(found, unit, interval)
        self.live = self.ess = self.add_part("live", AcSystemLive)

    @property
    @override
    def phases(self) -> int:
        # It does not say; a phase that is not there has no voltage on either side.
        return max(
            (
                phase
                for phase in PHASES
                if getattr(self.live, f"output_voltage_l{phase}") or getattr(self.live, f"input_voltage_l{phase}")
            ),
            default=1,
        )

    input_voltage_l1 = Reading(AcSystemLive.input_voltage_l1)
    input_voltage_l2 = Reading(AcSystemLive.input_voltage_l2, phase=2)
    input_voltage_l3 = Reading(AcSystemLive.input_voltage_l3, phase=3)
    input_current_l1 = Reading(AcSystemLive.input_current_l1)
    input_current_l2 = Reading(AcSystemLive.input_current_l2, phase=2)
    input_current_l3 = Reading(AcSystemLive.input_current_l3, phase=3)
    input_power_l1 = Reading(AcSystemLive.input_power_l1)
    input_power_l2 = Reading(AcSystemLive.input_power_l2, phase=2)
    input_power_l3 = Reading(AcSystemLive.input_power_l3, phase=3)
    output_voltage_l1 = Reading(AcSystemLive.output_voltage_l1)
    output_voltage_l2 = Reading(AcSystemLive.output_voltage_l2, phase=2)
    output_voltage_l3 = Reading(AcSystemLive.output_voltage_l3, phase=3)
    output_current_l1 = Reading(AcSystemLive.output_current_l1)
    output_current_l2 = Reading(AcSystemLive.output_current_l2, phase=2)
    output_current_l3 = Reading(AcSystemLive.output_current_l3, phase=3)
    output_power_l1 = Reading(AcSystemLive.output_power_l1)
    output_power_l2 = Reading(AcSystemLive.output_power_l2, phase=2)
    output_power_l3 = Reading(AcSystemLive.output_power_l3, phase=3)
    input_frequency = Reading(AcSystemLive.input_frequency)
    output_frequency = Reading(AcSystemLive.output_frequency)

    state = Coded(AcSystemLive.state, VebusState)
    input_1_current_limit = Reading(AcSystemLive.input_1_current_limit)
    input_2_current_limit = Reading(AcSystemLive.input_2_current_limit)
    energy_meter_current_limit = Reading(AcSystemLive.energy_meter_current_limit)

    @property
    def active_state_of_charge_limit(self) -> float | None:
        """Down to where the battery is used now in %."""
        return self.live.active_state_of_charge_limit if self.has_ess else None

    @property
    @override
    def alarms(self) -> tuple[Alarm, ...]:
        return (
            *alarms.raised(self.live, alarms.AC_SYSTEM),
            *alarms.fault("inverter", self.state is VebusState.FAULT, None),
        )

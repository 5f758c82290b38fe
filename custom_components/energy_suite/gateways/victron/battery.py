"""Battery monitors and managed batteries."""

from collections.abc import Mapping
from typing import ClassVar, override

from modbus_connection import ModbusUnit

from ..base import Alarm, Found
from ..registers import Registers
from . import alarms
from .device import Coded, Counter, Reading, VictronDevice, coded, first, yes_or_no
from .enums import BalancerStatus, BatteryBmsState
from .fields import SATURATED_INT16, SATURATED_UINT16, code, int16, int32, text, uint16, uint32


class Live(Registers):
    """What a battery monitor measures, its alarms and its history."""

    service = "battery"
    layouts = (((256, 331),), ((256, 326),), ((258, 326),))
    absent_unless: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(
            ("power", "power_16", "current", "state_of_charge", "consumed_amphours", "consumed_amphours_16"), "voltage"
        ),
        "mid_voltage_deviation": "mid_voltage",
        # A limit of 0 A is a BMS that forbids; without a BMS there is no limit.
        "maximum_charge_current": "maximum_charge_voltage",
        "maximum_discharge_current": "maximum_charge_voltage",
    }

    power = int32(256, unit="W")
    power_16 = int16(258, nan=SATURATED_INT16, unit="W")
    voltage = uint16(259, 0.01, nan=0, unit="V")
    starter_voltage = uint16(260, 0.01, nan=0, unit="V")
    current = int16(261, 0.1, unit="A")
    temperature = int16(262, 0.1, nan=0, unit="°C")
    mid_voltage = uint16(263, 0.01, nan=0, unit="V")
    mid_voltage_deviation = uint16(264, 0.01, unit="%")
    consumed_amphours_16 = uint16(265, -0.1, nan=SATURATED_UINT16, unit="Ah")
    state_of_charge = uint16(266, 0.1, unit="%")
    general_alarm = code(267)
    low_voltage_alarm = code(268)
    high_voltage_alarm = code(269)
    low_starter_voltage_alarm = code(270)
    high_starter_voltage_alarm = code(271)
    low_soc_alarm = code(272)
    low_temperature_alarm = code(273)
    high_temperature_alarm = code(274)
    mid_voltage_alarm = code(275)
    low_fused_voltage_alarm = code(276)
    high_fused_voltage_alarm = code(277)
    fuse_blown_alarm = code(278)
    high_internal_temperature_alarm = code(279)
    relay = code(280, writable=True)
    deepest_discharge = uint16(281, -0.1, unit="Ah")
    last_discharge = uint16(282, -0.1, unit="Ah")
    average_discharge = uint16(283, -0.1, unit="Ah")
    charge_cycles = code(284)
    full_discharges = code(285)
    total_ah_drawn = uint16(286, -0.1, unit="Ah")
    minimum_voltage = uint16(287, 0.01, nan=0, unit="V")
    maximum_voltage = uint16(288, 0.01, nan=0, unit="V")
    time_since_last_full_charge = uint16(289, 100)
    automatic_syncs = code(290)
    low_voltage_alarms = code(291)
    high_voltage_alarms = code(292)
    low_starter_voltage_alarms = code(293)
    high_starter_voltage_alarms = code(294)
    minimum_starter_voltage = uint16(295, 0.01, nan=0, unit="V")
    maximum_starter_voltage = uint16(296, 0.01, nan=0, unit="V")
    low_fused_voltage_alarms = code(297)
    high_fused_voltage_alarms = code(298)
    minimum_fused_voltage = uint16(299, 0.01, nan=0, unit="V")
    maximum_fused_voltage = uint16(300, 0.01, nan=0, unit="V")
    discharged_energy = uint16(301, 0.1, nan=SATURATED_UINT16, unit="kWh")
    charged_energy = uint16(302, 0.1, nan=SATURATED_UINT16, unit="kWh")
    time_to_go = uint16(303, 100, nan=0)
    state_of_health = uint16(304, 0.1, nan=0, unit="%")
    maximum_charge_voltage = uint16(305, 0.1, nan=0, unit="V")
    low_voltage_limit = uint16(306, 0.1, nan=0, unit="V")
    maximum_charge_current = uint16(307, 0.1, unit="A")
    maximum_discharge_current = uint16(308, 0.1, unit="A")
    capacity = uint16(309, 0.1, nan=0, unit="Ah")
    last_error_1_time = int32(310)
    last_error_2_time = int32(312)
    last_error_3_time = int32(314)
    last_error_4_time = int32(316)
    minimum_cell_temperature = int16(318, 0.1, nan=0, unit="°C")
    maximum_cell_temperature = int16(319, 0.1, nan=0, unit="°C")
    high_charge_current_alarm = code(320)
    high_discharge_current_alarm = code(321)
    cell_imbalance_alarm = code(322)
    internal_failure_alarm = code(323)
    high_charge_temperature_alarm = code(324)
    low_charge_temperature_alarm = code(325)
    low_cell_voltage_alarm = code(326)
    bms_cable_alarm = code(327)
    contactor_alarm = code(328)
    high_current_alarm = code(329)
    consumed_amphours = uint32(330, -1, unit="Ah")


class Bms(Registers):
    """What a managed battery says of its cells and modules.

    From 2024-06 to 2025-12 servers had other values where the id of the warmest cell is now, and behind it: only a
    server that also knows the custom name is asked for these.
    """

    service = "battery"
    layouts = (((1282, 1343),), ((1282, 1317),))

    state = code(1282)
    error_code = code(1283)
    system_switch = code(1284)
    balancing = code(1285)
    number_of_batteries = code(1286)
    batteries_parallel = code(1287)
    batteries_series = code(1288)
    cells_per_battery = code(1289)
    minimum_cell_voltage = uint16(1290, 0.01, nan=0, unit="V")
    maximum_cell_voltage = uint16(1291, 0.01, nan=0, unit="V")
    shutdowns_due_to_error = code(1292)
    last_error_1 = code(1293)
    last_error_2 = code(1294)
    last_error_3 = code(1295)
    last_error_4 = code(1296)
    charge_allowed = code(1297)
    discharge_allowed = code(1298)
    external_relay = code(1299)
    history_minimum_cell_voltage = uint16(1300, 0.01, nan=0, unit="V")
    history_maximum_cell_voltage = uint16(1301, 0.01, nan=0, unit="V")
    modules_offline = code(1302)
    modules_online = code(1303)
    modules_blocking_charge = code(1304)
    modules_blocking_discharge = code(1305)
    minimum_voltage_cell_id = text(1306, 4)
    maximum_voltage_cell_id = text(1310, 4)
    minimum_temperature_cell_id = text(1314, 4)
    maximum_temperature_cell_id = text(1318, 4)
    mode = code(1322, writable=True)
    balancer_status = code(1323)
    communication_error = code(1324)
    voltage_error = code(1325)
    number_of_batteries_error = code(1326)
    configuration_error = code(1327)
    connection_information = text(1328, 8)
    custom_name = text(1336, 8, writable=True)


class BatteryDevice(VictronDevice):
    """A battery."""

    kind = "battery"

    def __init__(self, found: Found, unit: ModbusUnit, interval: float) -> None:
        super().__init__(found, unit, interval)
        self.live = self.add_part("live", Live)
        self.bms = self.add_part("bms", Bms)

    @property
    def battery_power(self) -> float | None:
        """Power into the battery in W, negative when it discharges."""
        return first(self.live.power, self.live.power_16)

    voltage = Reading(Live.voltage)
    current = Reading(Live.current)
    temperature = Reading(Live.temperature)
    state_of_charge = Reading(Live.state_of_charge)
    state_of_health = Reading(Live.state_of_health)
    starter_voltage = Reading(Live.starter_voltage)
    mid_voltage = Reading(Live.mid_voltage)
    mid_voltage_deviation = Reading(Live.mid_voltage_deviation)

    @property
    def consumed_amphours(self) -> float | None:
        """Charge taken since the battery was full in Ah, negative."""
        # The wide register counts whole Ah.
        consumed = first(self.live.consumed_amphours_16, self.live.consumed_amphours)
        if self.live.consumed_amphours is not None and abs(self.live.consumed_amphours) > SATURATED_UINT16 / 10:
            consumed = self.live.consumed_amphours
        return None if consumed is None else consumed + 0.0

    time_to_go = Reading(Live.time_to_go)
    maximum_charge_voltage = Reading(Live.maximum_charge_voltage)
    low_voltage_limit = Reading(Live.low_voltage_limit)
    maximum_charge_current = Reading(Live.maximum_charge_current)
    maximum_discharge_current = Reading(Live.maximum_discharge_current)
    capacity = Reading(Live.capacity)
    charged_energy = Counter(Live.charged_energy)
    discharged_energy = Counter(Live.discharged_energy)
    charge_cycles = Reading(Live.charge_cycles)
    full_discharges = Reading(Live.full_discharges)
    deepest_discharge = Reading(Live.deepest_discharge)
    last_discharge = Reading(Live.last_discharge)
    average_discharge = Reading(Live.average_discharge)
    minimum_voltage = Reading(Live.minimum_voltage)
    maximum_voltage = Reading(Live.maximum_voltage)
    time_since_last_full_charge = Reading(Live.time_since_last_full_charge)
    minimum_cell_temperature = Reading(Live.minimum_cell_temperature)
    maximum_cell_temperature = Reading(Live.maximum_cell_temperature)

    @property
    def managed(self) -> bool:
        """Whether it has a BMS that speaks: without one the registers below read 0."""
        return bool(
            self.live.maximum_charge_voltage
            or self.bms.minimum_cell_voltage
            or self.bms.number_of_batteries
            or self.bms.state
        )

    def _said[T](self, value: T | None) -> T | None:
        return value if self.managed else None

    minimum_cell_voltage = Reading(Bms.minimum_cell_voltage, "bms")
    maximum_cell_voltage = Reading(Bms.maximum_cell_voltage, "bms")
    minimum_voltage_cell_id = Reading(Bms.minimum_voltage_cell_id, "bms")
    maximum_voltage_cell_id = Reading(Bms.maximum_voltage_cell_id, "bms")
    minimum_temperature_cell_id = Reading(Bms.minimum_temperature_cell_id, "bms")
    maximum_temperature_cell_id = Reading(Bms.maximum_temperature_cell_id, "bms")
    balancer_status = Coded(Bms.balancer_status, BalancerStatus, "bms")

    @property
    def cell_voltage_spread(self) -> float | None:
        """Voltage in V between the highest and the lowest cell; it is told in steps of 0.01 V."""
        lowest, highest = self.minimum_cell_voltage, self.maximum_cell_voltage
        return None if not lowest or not highest else round(highest - lowest, 2)

    @property
    def nearly_discharged(self) -> bool:
        """Whether it says that a cell is nearly empty."""
        return self.live.low_cell_voltage_alarm in (1, 2)

    def cells_read_at(self) -> float | None:
        """When the cells were last read, by the clock of the schedule."""
        return self.bms.read_at

    @property
    def charge_allowed(self) -> bool | None:
        """Whether the BMS allows charging."""
        return self._said(yes_or_no(self.bms.charge_allowed))

    @property
    def discharge_allowed(self) -> bool | None:
        """Whether the BMS allows discharging."""
        return self._said(yes_or_no(self.bms.discharge_allowed))

    @property
    def balancing(self) -> bool | None:
        """Whether cells are being balanced."""
        return self._said(yes_or_no(self.bms.balancing))

    @property
    def state(self) -> BatteryBmsState | None:
        """What the BMS does."""
        state = self.bms.state
        if state is not None and state < BatteryBmsState.RUNNING:
            state = BatteryBmsState.INITIALISING
        return self._said(coded(BatteryBmsState, state))

    @property
    def error_code(self) -> float | None:
        """The error number of the BMS, 0 for none."""
        return self._said(self.bms.error_code)

    @property
    def modules_online(self) -> float | None:
        """How many modules work."""
        return self._said(self.bms.modules_online)

    @property
    def modules_offline(self) -> float | None:
        """How many modules do not."""
        return self._said(self.bms.modules_offline)

    @property
    def modules_blocking_charge(self) -> float | None:
        """How many modules forbid charging."""
        return self._said(self.bms.modules_blocking_charge)

    @property
    def modules_blocking_discharge(self) -> float | None:
        """How many modules forbid discharging."""
        return self._said(self.bms.modules_blocking_discharge)

    @property
    @override
    def alarms(self) -> tuple[Alarm, ...]:
        return (
            *alarms.raised(self.live, alarms.BATTERY),
            *alarms.fault("bms", self.state is BatteryBmsState.ERROR, self.bms.error_code, alarms.BMS_WARNINGS),
        )

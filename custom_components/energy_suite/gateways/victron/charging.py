"""What charges a battery from something else: AC chargers, DC-DC converters, alternators."""

from collections.abc import Mapping
from typing import ClassVar, override

from modbus_connection import ModbusUnit

from ..base import Alarm, Found, Identity
from ..registers import Registers
from . import alarms
from .device import Coded, Counter, Flag, Reading, VictronDevice, firmware, product
from .enums import ChargingState
from .fields import SATURATED_UINT16, code, int16, text, uint16, uint32

OUTPUTS = (1, 2, 3)

# --- AC chargers -------------------------------------------------------------------------------------------------


class AcChargerLive(Registers):
    """What an AC charger does now; an output that it does not have reads 0."""

    service = "charger"
    layouts = (((2307, 2337),), ((2307, 2322),))
    absent_unless: ClassVar[Mapping[str, str]] = {
        f"output_{output}_current": f"output_{output}_voltage" for output in OUTPUTS
    }

    output_1_voltage = uint16(2307, 0.01, nan=0, unit="V")
    output_1_current = int16(2308, 0.1, unit="A")
    dc_temperature = int16(2309, 0.1, nan=0, unit="°C")
    output_2_voltage = uint16(2310, 0.01, nan=0, unit="V")
    output_2_current = int16(2311, 0.1, unit="A")
    output_3_voltage = uint16(2312, 0.01, nan=0, unit="V")
    output_3_current = int16(2313, 0.1, unit="A")
    input_current = int16(2314, 0.1, unit="A")
    power = uint16(2315, unit="W")
    input_current_limit = int16(2316, 0.1, nan=0, writable=True, unit="A")
    mode = code(2317, writable=True)
    state = code(2318)
    error_code = code(2319)
    relay = code(2320)
    low_voltage_alarm = code(2321)
    high_voltage_alarm = code(2322)
    custom_name = text(2330, 8, writable=True)


class AcCharger(VictronDevice):
    """An AC charger with up to three outputs."""

    kind = "ac_charger"

    def __init__(self, found: Found, unit: ModbusUnit, interval: float) -> None:
        super().__init__(found, unit, interval)
        self.live = self.add_part("live", AcChargerLive)

    state = Coded(AcChargerLive.state, ChargingState)
    power = Reading(AcChargerLive.power)
    input_current = Reading(AcChargerLive.input_current)
    input_current_limit = Reading(AcChargerLive.input_current_limit)
    output_1_voltage = Reading(AcChargerLive.output_1_voltage)
    output_1_current = Reading(AcChargerLive.output_1_current)
    output_2_voltage = Reading(AcChargerLive.output_2_voltage)
    output_2_current = Reading(AcChargerLive.output_2_current)
    output_3_voltage = Reading(AcChargerLive.output_3_voltage)
    output_3_current = Reading(AcChargerLive.output_3_current)
    dc_temperature = Reading(AcChargerLive.dc_temperature)
    error_code = Reading(AcChargerLive.error_code)
    relay = Flag(AcChargerLive.relay)

    @property
    @override
    def alarms(self) -> tuple[Alarm, ...]:
        return (
            *alarms.raised(self.live, alarms.AC_CHARGER),
            *alarms.fault("charger", self.state is ChargingState.FAULT, self.error_code, alarms.CHARGER_WARNINGS),
        )


# --- DC-DC converters --------------------------------------------------------------------------------------------


class DcDcLive(Registers):
    """What a DC-DC converter does now."""

    service = "dcdc"
    layouts = (((4800, 4827),), ((4800, 4811),))

    product_id = code(4800, nan=0)
    firmware = uint32(4801, nan=0)
    error_code = code(4803)
    battery_voltage = uint16(4804, 0.01, nan=0, unit="V")
    current = int16(4805, 0.1, unit="A")
    dc_temperature = int16(4806, 0.1, nan=0, unit="°C")
    mode = code(4807, writable=True)
    state = code(4808)
    input_voltage = uint16(4809, 0.01, nan=0, unit="V")
    power = uint16(4810, unit="W")
    charged_amphours = uint16(4811, 0.1, nan=0, unit="Ah")
    custom_name = text(4820, 8, writable=True)


class DcDcConverter(VictronDevice):
    """A DC-DC converter that charges a battery from another, such as an Orion XS."""

    kind = "dc_dc_converter"

    def __init__(self, found: Found, unit: ModbusUnit, interval: float) -> None:
        super().__init__(found, unit, interval)
        self.live = self.add_part("live", DcDcLive)

    @property
    @override
    def identity(self) -> Identity:
        return Identity(
            manufacturer=self.manufacturer,
            firmware=firmware(self.live.firmware),
            name=self.live.custom_name or self.found.name,
        )

    state = Coded(DcDcLive.state, ChargingState)
    power = Reading(DcDcLive.power)
    input_voltage = Reading(DcDcLive.input_voltage)
    battery_voltage = Reading(DcDcLive.battery_voltage)
    current = Reading(DcDcLive.current)
    dc_temperature = Reading(DcDcLive.dc_temperature)
    charged_amphours = Reading(DcDcLive.charged_amphours)
    error_code = Reading(DcDcLive.error_code)

    @property
    @override
    def alarms(self) -> tuple[Alarm, ...]:
        failed = self.state is ChargingState.FAULT
        return tuple(alarms.fault("charger", failed, self.error_code, alarms.CHARGER_WARNINGS))


# --- alternators -------------------------------------------------------------------------------------------------


class AlternatorLive(Registers):
    """What an alternator's regulator says, or a DC-DC converter in its place."""

    service = "alternator"
    layouts = (((4100, 4137),), ((4100, 4121),))

    battery_voltage = uint16(4100, 0.01, nan=0, unit="V")
    current = int16(4101, 0.1, unit="A")
    auxiliary_voltage = int16(4102, 0.1, nan=0, unit="V")
    temperature = int16(4103, 0.1, nan=0, unit="°C")
    energy = uint32(4104, 0.01, unit="kWh")
    low_voltage_alarm = code(4106)
    high_voltage_alarm = code(4107)
    low_auxiliary_voltage_alarm = code(4108)
    high_auxiliary_voltage_alarm = code(4109)
    low_temperature_alarm = code(4110)
    high_temperature_alarm = code(4111)
    state = code(4112)
    error_code = code(4113)
    engine_speed = uint16(4114, nan=SATURATED_UINT16)
    alternator_speed = uint16(4115, nan=SATURATED_UINT16)
    field_drive = uint16(4116, unit="%")
    input_voltage = uint16(4117, 0.01, nan=0, unit="V")
    input_power = uint16(4118, unit="W")
    mode = code(4119, writable=True)
    charged_amphours = uint32(4120, 0.1, nan=0, unit="Ah")
    custom_name = text(4130, 8, writable=True)


class Alternator(VictronDevice):
    """An alternator."""

    kind = "alternator"

    def __init__(self, found: Found, unit: ModbusUnit, interval: float) -> None:
        super().__init__(found, unit, interval)
        self.live = self.add_part("live", AlternatorLive)

    state = Coded(AlternatorLive.state, ChargingState)
    battery_voltage = Reading(AlternatorLive.battery_voltage)
    current = Reading(AlternatorLive.current)
    auxiliary_voltage = Reading(AlternatorLive.auxiliary_voltage)
    temperature = Reading(AlternatorLive.temperature)
    energy = Counter(AlternatorLive.energy)
    engine_speed = Reading(AlternatorLive.engine_speed)
    alternator_speed = Reading(AlternatorLive.alternator_speed)
    field_drive = Reading(AlternatorLive.field_drive)
    input_voltage = Reading(AlternatorLive.input_voltage)
    charged_amphours = Reading(AlternatorLive.charged_amphours)
    error_code = Reading(AlternatorLive.error_code)

    @property
    def power(self) -> float | None:
        """Power given to the battery in W."""
        return product(self.battery_voltage, self.current)

    @property
    def input_power(self) -> float | None:
        """Power taken in W, of a DC-DC converter in its place."""
        return None if self.input_voltage is None else self.live.input_power

    @property
    @override
    def alarms(self) -> tuple[Alarm, ...]:
        failed = self.state is ChargingState.FAULT
        return (
            *alarms.raised(self.live, alarms.ALTERNATOR),
            *alarms.fault("alternator", failed, self.error_code, alarms.ALTERNATOR_WARNINGS),
        )

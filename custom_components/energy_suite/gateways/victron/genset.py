"""Gensets with a controller of their own, on the AC side or on the DC side; an energy meter in the place of one."""

from collections.abc import Iterator
from typing import override

from modbus_connection import ModbusUnit

from ..base import Alarm, Found, Speed
from ..registers import Registers
from . import alarms
from .device import PHASES, Flag, Reading, VictronDevice, coded, first, product, total
from .enums import GensetStatus
from .fields import SATURATED_INT16, SATURATED_UINT16, code, int16, int32, text, uint16

ERRORS = range(1, 9)


class AcGensetLive(Registers):
    """What an AC genset does now."""

    service = "genset"
    layouts = (
        ((3200, 3257),),
        ((3200, 3239),),
        ((3200, 3209), (3212, 3239)),
        ((3200, 3209), (3212, 3235)),
        ((3200, 3209), (3212, 3229)),
        ((3200, 3209), (3212, 3224), (3228, 3229)),
        ((3200, 3209), (3212, 3224)),
    )

    voltage_l1 = uint16(3200, 0.1, unit="V")
    voltage_l2 = uint16(3201, 0.1, unit="V")
    voltage_l3 = uint16(3202, 0.1, unit="V")
    current_l1 = int16(3203, 0.1, unit="A")
    current_l2 = int16(3204, 0.1, unit="A")
    current_l3 = int16(3205, 0.1, unit="A")
    power_l1_16 = int16(3206, nan=SATURATED_INT16, unit="W")
    power_l2_16 = int16(3207, nan=SATURATED_INT16, unit="W")
    power_l3_16 = int16(3208, nan=SATURATED_INT16, unit="W")
    frequency = uint16(3209, 0.01, nan=0, unit="Hz")
    product_id = code(3212, nan=0)
    status = code(3213)
    error_code = code(3214)
    remote_start_enabled = code(3215)
    engine_load = uint16(3216, unit="%")
    engine_speed = uint16(3217, nan=SATURATED_UINT16)
    operating_hours = uint16(3218, 100, nan=SATURATED_UINT16)
    coolant_temperature = int16(3219, 0.1, nan=0, unit="°C")
    winding_temperature = int16(3220, 0.1, nan=0, unit="°C")
    # Hotter than what is believed of other temperatures, so without a unit.
    exhaust_temperature = int16(3221, 0.1, nan=0)
    starter_voltage = uint16(3222, 0.01, nan=0, unit="V")
    start = code(3223, writable=True)
    oil_pressure = int16(3224)
    oil_temperature = int16(3228, nan=0, unit="°C")
    power_l1 = int32(3230, unit="W")
    power_l2 = int32(3232, unit="W")
    power_l3 = int32(3234, unit="W")
    power_factor_l1 = int16(3236, 0.001)
    power_factor_l2 = int16(3237, 0.001)
    power_factor_l3 = int16(3238, 0.001)
    power_factor = int16(3239, 0.001)
    custom_name = text(3250, 8, writable=True)


class AcGensetErrors(Registers):
    """The errors of a genset that tells them in its own words."""

    service = "genset"
    speed = Speed.SLOW
    layouts = (((5000, 5111), (5112, 5127)),)

    error_1 = text(5000, 16)
    error_2 = text(5016, 16)
    error_3 = text(5032, 16)
    error_4 = text(5048, 16)
    error_5 = text(5064, 16)
    error_6 = text(5080, 16)
    error_7 = text(5096, 16)
    error_8 = text(5112, 16)


class DcGensetLive(Registers):
    """What a DC genset does now."""

    service = "dcgenset"
    layouts = (((5200, 5216),),)

    product_id = code(5200, nan=0)
    status = code(5201)
    error_code = code(5202)
    remote_start_enabled = code(5203)
    start = code(5204, writable=True)
    voltage = uint16(5205, 0.01, nan=0, unit="V")
    current = int16(5206, 0.1, unit="A")
    engine_load = uint16(5207, unit="%")
    engine_speed = uint16(5208, nan=SATURATED_UINT16)
    operating_hours = uint16(5209, 100, nan=SATURATED_UINT16)
    coolant_temperature = int16(5210, 0.1, nan=0, unit="°C")
    winding_temperature = int16(5211, 0.1, nan=0, unit="°C")
    # As above.
    exhaust_temperature = int16(5212, 0.1, nan=0)
    starter_voltage = uint16(5213, 0.01, nan=0, unit="V")
    oil_pressure = int16(5214)
    heatsink_temperature = int16(5215, 0.1, nan=0, unit="°C")
    oil_temperature = int16(5216, nan=0, unit="°C")


class DcGensetErrors(Registers):
    """The errors of a genset that tells them in its own words, and its name."""

    service = "dcgenset"
    speed = Speed.SLOW
    layouts = (((5218, 5329), (5330, 5357)), ((5218, 5329), (5330, 5345)))

    error_1 = text(5218, 16)
    error_2 = text(5234, 16)
    error_3 = text(5250, 16)
    error_4 = text(5266, 16)
    error_5 = text(5282, 16)
    error_6 = text(5298, 16)
    error_7 = text(5314, 16)
    error_8 = text(5330, 16)
    custom_name = text(5350, 8, writable=True)


class _Genset[L: AcGensetLive | DcGensetLive, E: AcGensetErrors | DcGensetErrors](VictronDevice):
    """An engine with a controller. A plain meter in its place reads 0 for all that the controller would say."""

    live: L
    errors: E
    _controlled = False

    @property
    def has_controller(self) -> bool:
        """Whether it has been seen to have a controller, not only a meter."""
        witnesses = ("status", "operating_hours", "engine_speed", "starter_voltage", "remote_start_enabled")
        return self._controlled or any(getattr(self.live, name) for name in witnesses)

    @override
    def settle(self, now: float) -> None:
        self._controlled = self.has_controller

    def _said[T](self, value: T | None) -> T | None:
        return value if self.has_controller else None

    @property
    def status(self) -> GensetStatus | None:
        """What the genset does."""
        status = self.live.status
        if status is not None and GensetStatus.STANDBY < status < GensetStatus.RUNNING:
            status = GensetStatus.STARTING
        return self._said(coded(GensetStatus, status))

    @property
    def running(self) -> bool | None:
        """Whether the engine runs."""
        return None if self.status is None else self.status is GensetStatus.RUNNING

    @property
    def generator_running(self) -> bool | None:
        """The same, for whoever looks for generators."""
        return self.running

    @property
    def engine_load(self) -> float | None:
        """Load of the engine in %."""
        return self._said(self.live.engine_load)

    @property
    def engine_speed(self) -> float | None:
        """Speed of the engine in revolutions per minute."""
        return self._said(self.live.engine_speed)

    @property
    def operating_hours(self) -> float | None:
        """How long the engine has run in all in s, in steps of 100 up to some 1820 hours."""
        return self._said(self.live.operating_hours)

    @property
    def oil_pressure(self) -> float | None:
        """Oil pressure in kPa."""
        return self._said(self.live.oil_pressure)

    # By name, which both kinds have in common.
    coolant_temperature = Reading(AcGensetLive.coolant_temperature)
    winding_temperature = Reading(AcGensetLive.winding_temperature)
    exhaust_temperature = Reading(AcGensetLive.exhaust_temperature)
    oil_temperature = Reading(AcGensetLive.oil_temperature)
    starter_voltage = Reading(AcGensetLive.starter_voltage)
    remote_start_enabled = Flag(AcGensetLive.remote_start_enabled)

    @property
    def error_code(self) -> float | None:
        """The number of the error, 0 for none; 65280 for one that is told in words."""
        return self._said(self.live.error_code)

    @property
    def reported_errors(self) -> str | None:
        """The errors in the genset's own words, empty where it tells none."""
        if not self.errors.present:
            return None
        told: Iterator[str | None] = (getattr(self.errors, f"error_{number}") for number in ERRORS)
        return self._said(", ".join(text for text in told if text))

    @property
    @override
    def alarms(self) -> tuple[Alarm, ...]:
        failed = self.status is GensetStatus.ERROR
        return tuple(alarms.fault("genset", failed, self.error_code, alarms.GENSET_WARNINGS))


class AcGenset(_Genset[AcGensetLive, AcGensetErrors]):
    """A genset that gives AC."""

    kind = "ac_genset"

    def __init__(self, found: Found, unit: ModbusUnit, interval: float) -> None:
        super().__init__(found, unit, interval)
        self.live = self.add_part("live", AcGensetLive)
        self.errors = self.add_part("errors", AcGensetErrors)
        self._phases_seen = 1

    @property
    @override
    def phases(self) -> int:
        # When it stands still no phase has a voltage.
        alive = (phase for phase in PHASES if getattr(self.live, f"voltage_l{phase}") or self._on(phase))
        return max(*alive, self._phases_seen, 1)

    @override
    def settle(self, now: float) -> None:
        super().settle(now)
        self._phases_seen = self.phases

    def _on(self, phase: int) -> float | None:
        return first(getattr(self.live, f"power_l{phase}"), getattr(self.live, f"power_l{phase}_16"))

    def _power(self, phase: int) -> float | None:
        return self._on(phase) if phase <= self.phases else None

    @property
    def power(self) -> float | None:
        """Power given in W."""
        return total(*(self._on(phase) for phase in PHASES))

    @property
    def power_l1(self) -> float | None:
        """Power on the first phase in W."""
        return self._power(1)

    @property
    def power_l2(self) -> float | None:
        """Power on the second phase in W."""
        return self._power(2)

    @property
    def power_l3(self) -> float | None:
        """Power on the third phase in W."""
        return self._power(3)

    voltage_l1 = Reading(AcGensetLive.voltage_l1)
    voltage_l2 = Reading(AcGensetLive.voltage_l2, phase=2)
    voltage_l3 = Reading(AcGensetLive.voltage_l3, phase=3)
    current_l1 = Reading(AcGensetLive.current_l1)
    current_l2 = Reading(AcGensetLive.current_l2, phase=2)
    current_l3 = Reading(AcGensetLive.current_l3, phase=3)
    frequency = Reading(AcGensetLive.frequency)

    @property
    def power_factor(self) -> float | None:
        """Power factor of all phases; a genset that gives none reads 0."""
        return self.live.power_factor or None


class DcGenset(_Genset[DcGensetLive, DcGensetErrors]):
    """A genset that gives DC."""

    kind = "dc_genset"

    def __init__(self, found: Found, unit: ModbusUnit, interval: float) -> None:
        super().__init__(found, unit, interval)
        self.live = self.add_part("live", DcGensetLive)
        self.errors = self.add_part("errors", DcGensetErrors)

    voltage = Reading(DcGensetLive.voltage)
    current = Reading(DcGensetLive.current)
    heatsink_temperature = Reading(DcGensetLive.heatsink_temperature)

    @property
    def power(self) -> float | None:
        """Power given in W."""
        return product(self.voltage, self.current)

"""AC meters: of the grid, of PV inverters, of loads."""

from typing import override

from modbus_connection import ModbusUnit

from ..base import Found
from ..registers import Registers
from .device import PHASES, Coded, Reading, VictronDevice, counts_energy, first
from .enums import Position
from .fields import SATURATED_INT16, SATURATED_UINT16, code, int16, int32, text, uint16, uint32


class Grid(Registers):
    """What a grid meter measures."""

    service = "grid"
    layouts = (((2600, 2657),), ((2600, 2648),), ((2600, 2644),), ((2600, 2643),), ((2600, 2621),))

    power_l1_16 = int16(2600, nan=SATURATED_INT16, unit="W")
    power_l2_16 = int16(2601, nan=SATURATED_INT16, unit="W")
    power_l3_16 = int16(2602, nan=SATURATED_INT16, unit="W")
    energy_imported_l1_16 = uint16(2603, 0.01, nan=SATURATED_UINT16, unit="kWh")
    energy_imported_l2_16 = uint16(2604, 0.01, nan=SATURATED_UINT16, unit="kWh")
    energy_imported_l3_16 = uint16(2605, 0.01, nan=SATURATED_UINT16, unit="kWh")
    energy_exported_l1_16 = uint16(2606, 0.01, nan=SATURATED_UINT16, unit="kWh")
    energy_exported_l2_16 = uint16(2607, 0.01, nan=SATURATED_UINT16, unit="kWh")
    energy_exported_l3_16 = uint16(2608, 0.01, nan=SATURATED_UINT16, unit="kWh")
    serial = text(2609, 7)
    voltage_l1 = uint16(2616, 0.1, unit="V")
    current_l1 = int16(2617, 0.1, unit="A")
    voltage_l2 = uint16(2618, 0.1, unit="V")
    current_l2 = int16(2619, 0.1, unit="A")
    voltage_l3 = uint16(2620, 0.1, unit="V")
    current_l3 = int16(2621, 0.1, unit="A")
    energy_imported_l1 = uint32(2622, 0.01, unit="kWh")
    energy_imported_l2 = uint32(2624, 0.01, unit="kWh")
    energy_imported_l3 = uint32(2626, 0.01, unit="kWh")
    energy_exported_l1 = uint32(2628, 0.01, unit="kWh")
    energy_exported_l2 = uint32(2630, 0.01, unit="kWh")
    energy_exported_l3 = uint32(2632, 0.01, unit="kWh")
    energy_imported = uint32(2634, 0.01, unit="kWh")
    energy_exported = uint32(2636, 0.01, unit="kWh")
    power_l1 = int32(2638, unit="W")
    power_l2 = int32(2640, unit="W")
    power_l3 = int32(2642, unit="W")
    frequency = uint16(2644, 0.01, nan=0, unit="Hz")
    power_factor_l1 = int16(2645, 0.001)
    power_factor_l2 = int16(2646, 0.001)
    power_factor_l3 = int16(2647, 0.001)
    power_factor = int16(2648, 0.001)
    custom_name = text(2650, 8, writable=True)


class Pv(Registers):
    """What a PV inverter measures, or a meter in its place."""

    service = "pvinverter"
    layouts = (((1026, 1077),), ((1026, 1064),), ((1026, 1063),))

    position = code(1026)
    voltage_l1 = uint16(1027, 0.1, unit="V")
    current_l1 = int16(1028, 0.1, unit="A")
    power_l1_16 = uint16(1029, nan=SATURATED_UINT16, unit="W")
    energy_l1_16 = uint16(1030, 0.01, nan=SATURATED_UINT16, unit="kWh")
    voltage_l2 = uint16(1031, 0.1, unit="V")
    current_l2 = int16(1032, 0.1, unit="A")
    power_l2_16 = uint16(1033, nan=SATURATED_UINT16, unit="W")
    energy_l2_16 = uint16(1034, 0.01, nan=SATURATED_UINT16, unit="kWh")
    voltage_l3 = uint16(1035, 0.1, unit="V")
    current_l3 = int16(1036, 0.1, unit="A")
    power_l3_16 = uint16(1037, nan=SATURATED_UINT16, unit="W")
    energy_l3_16 = uint16(1038, 0.01, nan=SATURATED_UINT16, unit="kWh")
    serial = text(1039, 7)
    energy_l1 = uint32(1046, 0.01, unit="kWh")
    energy_l2 = uint32(1048, 0.01, unit="kWh")
    energy_l3 = uint32(1050, 0.01, unit="kWh")
    power = int32(1052, writable=True, unit="W")
    maximum_power = uint32(1054, nan=0, writable=True, unit="W")
    power_limit = uint32(1056, nan=0, writable=True, unit="W")
    power_l1 = uint32(1058, unit="W")
    power_l2 = uint32(1060, unit="W")
    power_l3 = uint32(1062, unit="W")
    frequency = uint16(1064, 0.01, nan=0, unit="Hz")
    custom_name = text(1070, 8, writable=True)


class Load(Registers):
    """What the meter of an AC load measures."""

    service = "acload"
    layouts = (((3900, 3947),), ((3900, 3933),), ((3900, 3929),), ((3900, 3922),), ((3900, 3921),))

    power_l1_16 = int16(3900, nan=SATURATED_INT16, unit="W")
    power_l2_16 = int16(3901, nan=SATURATED_INT16, unit="W")
    power_l3_16 = int16(3902, nan=SATURATED_INT16, unit="W")
    serial = text(3903, 7)
    voltage_l1 = uint16(3910, 0.1, unit="V")
    current_l1 = int16(3911, 0.1, unit="A")
    voltage_l2 = uint16(3912, 0.1, unit="V")
    current_l2 = int16(3913, 0.1, unit="A")
    voltage_l3 = uint16(3914, 0.1, unit="V")
    current_l3 = int16(3915, 0.1, unit="A")
    energy_l1 = uint32(3916, 0.01, unit="kWh")
    energy_l2 = uint32(3918, 0.01, unit="kWh")
    energy_l3 = uint32(3920, 0.01, unit="kWh")
    frequency = uint16(3922, 0.01, nan=0, unit="Hz")
    power_l1 = int32(3924, unit="W")
    power_l2 = int32(3926, unit="W")
    power_l3 = int32(3928, unit="W")
    power_factor_l1 = int16(3930, 0.001)
    power_factor_l2 = int16(3931, 0.001)
    power_factor_l3 = int16(3932, 0.001)
    power_factor = int16(3933, 0.001)
    custom_name = text(3940, 8, writable=True)


class _Meter[R: Grid | Pv | Load](VictronDevice):
    """A meter whose phases are told by their voltage; an absent one reads 0 throughout."""

    live: R

    @property
    @override
    def phases(self) -> int:
        return max(
            (phase for phase in PHASES if getattr(self.live, f"voltage_l{phase}") or self._either(f"power_l{phase}")),
            default=1,
        )

    def _either(self, name: str) -> float | None:
        """The wide register, or on older servers the narrow one."""
        return first(getattr(self.live, name, None), getattr(self.live, f"{name}_16", None))

    def _on_phase(self, name: str, phase: int) -> float | None:
        return self._either(f"{name}_l{phase}") if phase <= self.phases else None

    def _total(self, name: str) -> float | None:
        """The sum of the phases, of which those that are not there read 0; unknown as long as one of them is."""
        phases = [value for phase in PHASES if (value := self._either(f"{name}_l{phase}")) is not None]
        return sum(phases) if len(phases) == len(PHASES) else None

    @property
    def power_l1(self) -> float | None:
        """Power on the first phase in W."""
        return self._on_phase("power", 1)

    @property
    def power_l2(self) -> float | None:
        """Power on the second phase in W."""
        return self._on_phase("power", 2)

    @property
    def power_l3(self) -> float | None:
        """Power on the third phase in W."""
        return self._on_phase("power", 3)


class GridMeter(_Meter[Grid]):
    """A grid meter."""

    kind = "grid_meter"

    def __init__(self, found: Found, unit: ModbusUnit, interval: float) -> None:
        super().__init__(found, unit, interval)
        self.live = self.add_part("live", Grid)

    voltage_l1 = Reading(Grid.voltage_l1)
    voltage_l2 = Reading(Grid.voltage_l2, phase=2)
    voltage_l3 = Reading(Grid.voltage_l3, phase=3)
    current_l1 = Reading(Grid.current_l1)
    current_l2 = Reading(Grid.current_l2, phase=2)
    current_l3 = Reading(Grid.current_l3, phase=3)
    frequency = Reading(Grid.frequency)
    serial = Reading(Grid.serial)

    @property
    def power(self) -> float | None:
        """Power taken from the grid in W, negative when feeding in."""
        return self._total("power")

    @property
    def power_factor(self) -> float | None:
        """Power factor of all phases; a meter that gives none reads 0."""
        return self.live.power_factor or None

    def _energy(self, name: str) -> float | None:
        """The meter's own total; where it keeps none, the sum of its phases."""
        own: float | None = getattr(self.live, name)
        return (own or first(self._total(name), own)) if counts_energy(self.live) else None

    @property
    def energy_imported(self) -> float | None:
        """Energy taken from the grid in kWh."""
        return self._energy("energy_imported")

    @property
    def energy_exported(self) -> float | None:
        """Energy fed into the grid in kWh."""
        return self._energy("energy_exported")

    @property
    def energy_imported_l1(self) -> float | None:
        """Energy taken on the first phase in kWh."""
        return self._on_phase("energy_imported", 1)

    @property
    def energy_imported_l2(self) -> float | None:
        """Energy taken on the second phase in kWh."""
        return self._on_phase("energy_imported", 2)

    @property
    def energy_imported_l3(self) -> float | None:
        """Energy taken on the third phase in kWh."""
        return self._on_phase("energy_imported", 3)

    @property
    def energy_exported_l1(self) -> float | None:
        """Energy fed in on the first phase in kWh."""
        return self._on_phase("energy_exported", 1)

    @property
    def energy_exported_l2(self) -> float | None:
        """Energy fed in on the second phase in kWh."""
        return self._on_phase("energy_exported", 2)

    @property
    def energy_exported_l3(self) -> float | None:
        """Energy fed in on the third phase in kWh."""
        return self._on_phase("energy_exported", 3)


class PvInverter(_Meter[Pv]):
    """A PV inverter."""

    kind = "pv_inverter"

    def __init__(self, found: Found, unit: ModbusUnit, interval: float) -> None:
        super().__init__(found, unit, interval)
        self.live = self.add_part("live", Pv)

    voltage_l1 = Reading(Pv.voltage_l1)
    voltage_l2 = Reading(Pv.voltage_l2, phase=2)
    voltage_l3 = Reading(Pv.voltage_l3, phase=3)
    current_l1 = Reading(Pv.current_l1)
    current_l2 = Reading(Pv.current_l2, phase=2)
    current_l3 = Reading(Pv.current_l3, phase=3)
    frequency = Reading(Pv.frequency)
    maximum_power = Reading(Pv.maximum_power)
    power_limit = Reading(Pv.power_limit)
    position = Coded(Pv.position, Position)
    serial = Reading(Pv.serial)

    @property
    def power(self) -> float | None:
        """Power produced in W."""
        phases = self._total("power")
        return phases or first(self.live.power, phases)

    @property
    def energy(self) -> float | None:
        """Energy produced so far in kWh."""
        return self._total("energy") if counts_energy(self.live) else None


class AcLoad(_Meter[Load]):
    """The meter of an AC load."""

    kind = "ac_load"

    def __init__(self, found: Found, unit: ModbusUnit, interval: float) -> None:
        super().__init__(found, unit, interval)
        self.live = self.add_part("live", Load)

    voltage_l1 = Reading(Load.voltage_l1)
    voltage_l2 = Reading(Load.voltage_l2, phase=2)
    voltage_l3 = Reading(Load.voltage_l3, phase=3)
    current_l1 = Reading(Load.current_l1)
    current_l2 = Reading(Load.current_l2, phase=2)
    current_l3 = Reading(Load.current_l3, phase=3)
    frequency = Reading(Load.frequency)
    serial = Reading(Load.serial)

    @property
    def power(self) -> float | None:
        """Power taken in W."""
        return self._total("power")

    @property
    def power_factor(self) -> float | None:
        """Power factor of all phases; a meter that gives none reads 0."""
        return self.live.power_factor or None

    @property
    def energy(self) -> float | None:
        """Energy taken so far in kWh."""
        return self._total("energy") if counts_energy(self.live) else None

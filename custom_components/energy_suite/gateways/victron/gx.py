"""The GX itself: the system as it sums it up, its settings, its relays."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import ClassVar, override

from modbus_connection import ModbusUnit

from ..base import CommandRefused, DeviceGone, Found, Identity, NotSupported, Speed
from ..commands import Effect, check_range, write
from ..integrator import Integrator
from ..registers import Layout, Registers, translated_errors
from .bms import BmsKind, BmsSetup
from .device import PHASES, Coded, Flag, Reading, VictronDevice, coded, firmware, first, total, yes_or_no
from .energy_source import energy_source
from .enums import (
    AcInputType,
    AcSource,
    BatteryLifeState,
    BatteryState,
    DynamicEssMode,
    EnergySource,
    EssMode,
    Hub4Mode,
)
from .fields import SATURATED_INT16, SATURATED_UINT16, code, int16, int32, text, uint16, uint32, uint64

# How long in s a phase on which nothing flows is still taken to be there: the system service does not count phases.
PHASE_MEMORY = 600.0
# Integrators bridge three rounds, and at least this many s: a GX that is slow to answer is asked every 30 s at worst.
SHORTEST_GAP = 60.0

# The Venus OS that controls chargers for a VE.Bus BMS V2 (BMS manual 3.5), as the register spells v2.80.
OLDEST_FOR_BMS_V2 = 0x0280

WITH_BATTERYLIFE = range(1, 9)
WITHOUT_BATTERYLIFE = range(10, 13)
OPTIMIZED = (EssMode.OPTIMIZED_WITH_BATTERYLIFE, EssMode.OPTIMIZED_WITHOUT_BATTERYLIFE)

# Where a relay or the pump is somebody else's: asked before relay 1 is switched.
GENERATOR_PROBE = (3500, 4)
PUMP_PROBE = (4700, 1)


class System(Registers):
    """The system service: what the GX makes of all its devices."""

    service = "system"
    layouts = (
        ((800, 919),),
        ((800, 829), (834, 835), (840, 846), (850, 851), (855, 855), (860, 860), (865, 866), (868, 919)),
        ((800, 829), (834, 835), (840, 846), (850, 851), (855, 855), (860, 860), (865, 866), (868, 883)),
        ((800, 829), (834, 835), (840, 846), (850, 851)),
    )
    absent_unless: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("battery_current", "battery_power", "state_of_charge", "battery_state", "consumed_amphours", "time_to_go"),
        "battery_voltage",
    )

    serial = text(800, 6)
    relay_1 = code(806, writable=True)
    relay_2 = code(807, writable=True)
    pv_on_output_l1_16 = uint16(808, nan=SATURATED_UINT16, unit="W")
    pv_on_output_l2_16 = uint16(809, nan=SATURATED_UINT16, unit="W")
    pv_on_output_l3_16 = uint16(810, nan=SATURATED_UINT16, unit="W")
    pv_on_grid_l1_16 = uint16(811, nan=SATURATED_UINT16, unit="W")
    pv_on_grid_l2_16 = uint16(812, nan=SATURATED_UINT16, unit="W")
    pv_on_grid_l3_16 = uint16(813, nan=SATURATED_UINT16, unit="W")
    pv_on_genset_l1_16 = uint16(814, nan=SATURATED_UINT16, unit="W")
    pv_on_genset_l2_16 = uint16(815, nan=SATURATED_UINT16, unit="W")
    pv_on_genset_l3_16 = uint16(816, nan=SATURATED_UINT16, unit="W")
    consumption_l1_16 = uint16(817, nan=SATURATED_UINT16, unit="W")
    consumption_l2_16 = uint16(818, nan=SATURATED_UINT16, unit="W")
    consumption_l3_16 = uint16(819, nan=SATURATED_UINT16, unit="W")
    grid_l1_16 = int16(820, nan=SATURATED_INT16, unit="W")
    grid_l2_16 = int16(821, nan=SATURATED_INT16, unit="W")
    grid_l3_16 = int16(822, nan=SATURATED_INT16, unit="W")
    genset_l1_16 = int16(823, nan=SATURATED_INT16, unit="W")
    genset_l2_16 = int16(824, nan=SATURATED_INT16, unit="W")
    genset_l3_16 = int16(825, nan=SATURATED_INT16, unit="W")
    ac_source = int16(826)
    time = uint64(830, nan=0)
    firmware = uint32(834, nan=0)
    battery_voltage = uint16(840, 0.1, nan=0, unit="V")
    battery_current = int16(841, 0.1, unit="A")
    battery_power = int16(842, unit="W")
    state_of_charge = uint16(843, unit="%")
    battery_state = code(844)
    consumed_amphours = uint16(845, -0.1, unit="Ah")
    time_to_go = uint16(846, 100, nan=0)
    pv_dc_power = uint16(850, unit="W")
    pv_dc_current = int16(851, 0.1, unit="A")
    charger_power = uint16(855, unit="W")
    dc_system_power = int16(860, unit="W")
    vebus_current = int16(865, 0.1, unit="A")
    vebus_power = int16(866, unit="W")
    inverter_charger_current = int32(868, 0.1, unit="A")
    inverter_charger_power = int32(870, unit="W")
    consumption_on_input_l1 = int32(872, unit="W")
    consumption_on_input_l2 = int32(874, unit="W")
    consumption_on_input_l3 = int32(876, unit="W")
    consumption_on_output_l1 = int32(878, unit="W")
    consumption_on_output_l2 = int32(880, unit="W")
    consumption_on_output_l3 = int32(882, unit="W")
    pv_on_output_l1 = uint32(884, unit="W")
    pv_on_output_l2 = uint32(886, unit="W")
    pv_on_output_l3 = uint32(888, unit="W")
    pv_on_grid_l1 = uint32(890, unit="W")
    pv_on_grid_l2 = uint32(892, unit="W")
    pv_on_grid_l3 = uint32(894, unit="W")
    pv_on_genset_l1 = uint32(896, unit="W")
    pv_on_genset_l2 = uint32(898, unit="W")
    pv_on_genset_l3 = uint32(900, unit="W")
    consumption_l1 = uint32(902, unit="W")
    consumption_l2 = uint32(904, unit="W")
    consumption_l3 = uint32(906, unit="W")
    grid_l1 = int32(908, unit="W")
    grid_l2 = int32(910, unit="W")
    grid_l3 = int32(912, unit="W")
    genset_l1 = int32(914, unit="W")
    genset_l2 = int32(916, unit="W")
    genset_l3 = int32(918, unit="W")


class DynamicEss(Registers):
    """What Dynamic ESS does now."""

    service = "system"
    speed = Speed.SLOW
    layouts = (((5400, 5407),),)

    active = code(5400)
    allow_grid_feed_in = code(5401)
    available = code(5402)
    charge_rate = uint16(5403, 10, unit="W")
    error_code = code(5404)
    restrictions = code(5405)
    strategy = code(5406)
    target_soc = uint16(5407, unit="%")


class Ess(Registers):
    """The ESS mode and its minimum state of charge."""

    service = "settings"
    speed = Speed.SLOW
    layouts = (((2900, 2903),),)

    batterylife_state = code(2900, writable=True)
    minimum_state_of_charge = uint16(2901, 0.1, writable=True, unit="%")
    hub4_mode = code(2902, writable=True)
    batterylife_limit = uint16(2903, 0.1, unit="%")


class Settings(Registers):
    """The limits and feed-in settings; the addresses between them belong to hub4."""

    service = "settings"
    speed = Speed.SLOW
    layouts = (
        ((2700, 2708), (2710, 2715), (2718, 2723)),
        ((2700, 2708), (2710, 2715), (2718, 2718)),
        ((2700, 2708), (2710, 2715)),
        ((2700, 2708), (2710, 2713), (2715, 2715)),
        ((2700, 2708), (2710, 2713)),
        ((2700, 2708), (2710, 2712)),
    )

    grid_setpoint = int16(2700, writable=True, unit="W")
    maximum_charge_percentage = uint16(2701, writable=True, unit="%")
    maximum_discharge_percentage = uint16(2702, writable=True, unit="%")
    grid_setpoint_coarse = int16(2703, 100, writable=True, unit="W")
    maximum_discharge_power_16 = int16(2704, 10, writable=True, unit="W")
    maximum_charge_current = int16(2705, writable=True, unit="A")
    maximum_feed_in_power_16 = int16(2706, 100, writable=True, unit="W")
    feed_in_dc_coupled_pv = code(2707, writable=True)
    prevent_ac_coupled_feed_in = code(2708, writable=True)
    maximum_charge_voltage = uint16(2710, 0.1, writable=True, unit="V")
    ac_input_1_type = code(2711, writable=True)
    ac_input_2_type = code(2712, writable=True)
    export_current_limit = int16(2713, writable=True, unit="A")
    import_current_limit = int16(2714, writable=True, unit="A")
    always_peak_shave = code(2715, writable=True)
    run_without_grid_meter = code(2718, writable=True)
    maximum_discharge_power = int32(2720, writable=True, unit="W")
    maximum_feed_in_power = int32(2722, writable=True, unit="W")


class PumpSettings(Registers):
    """When the relay runs a tank pump."""

    service = "settings"
    speed = Speed.ONCE
    layouts = (((4701, 4704),),)

    auto_start = code(4701, writable=True)
    mode = code(4702, writable=True)
    start_value = uint16(4703, writable=True, unit="%")
    stop_value = uint16(4704, writable=True, unit="%")


class DynamicEssSettings(Registers):
    """How Dynamic ESS is set up, and the first slot of its schedule."""

    service = "settings"
    speed = Speed.SLOW
    layouts = (((5420, 5430),), ((5420, 5429),))

    battery_capacity = uint16(5420, 0.1, writable=True)
    full_charge_duration = code(5421, writable=True)
    full_charge_interval = code(5422, writable=True)
    mode = code(5423, writable=True)
    schedule_allow_grid_feed_in = code(5424, writable=True)
    schedule_duration = code(5425, writable=True)
    schedule_restrictions = code(5426, writable=True)
    schedule_soc = uint16(5427, writable=True, unit="%")
    schedule_start = int32(5428, writable=True)
    schedule_strategy = code(5430, writable=True)


class Name(Registers):
    """The name that the installation was given on the GX."""

    service = "settings"
    speed = Speed.ONCE
    layouts = (((5700, 5707),),)

    custom_name = text(5700, 8, writable=True)


class Hub4(Registers):
    """The control loop of the ESS."""

    service = "hub4"
    speed = Speed.SLOW
    layouts: ClassVar[tuple[Layout, ...]] = (
        ((2709, 2709), (2716, 2717), (2724, 2724)),
        ((2709, 2709), (2716, 2717)),
        ((2709, 2709),),
    )

    feed_in_limiting = code(2709)
    grid_setpoint_override = int32(2716, writable=True, unit="W")
    pv_disabled = code(2724)


class Platform(Registers):
    """Putting back a saved configuration of the VE.Bus devices."""

    service = "platform"
    speed = Speed.ONCE
    layouts = (((5800, 5812),),)

    restore_file_index = code(5800, writable=True)
    restore_action = code(5801, writable=True)
    restore_result = code(5802, writable=True)
    restore_2_file_index = code(5810, writable=True)
    restore_2_action = code(5811, writable=True)
    restore_2_result = code(5812, writable=True)


class GxDevice(VictronDevice):
    """A GX."""

    kind = "gx"
    model = "GX"

    GRID_SETPOINT_RANGE = (-100_000.0, 100_000.0)
    MINIMUM_SOC_RANGE = (0.0, 100.0)
    MAXIMUM_CHARGE_CURRENT_RANGE = (-1.0, 5_000.0)
    MAXIMUM_DISCHARGE_POWER_RANGE = (-1.0, 300_000.0)
    MAXIMUM_FEED_IN_POWER_RANGE = (-1.0, 300_000.0)

    def __init__(self, found: Found, unit: ModbusUnit, interval: float) -> None:
        super().__init__(found, unit, interval)
        self.system = self.add_part("system", System)
        self.ess = self.add_part("ess", Ess)
        self.settings = self.add_part("settings", Settings)
        self.hub4 = self.add_part("hub4", Hub4)
        self.add_part("dynamic_ess", DynamicEss)
        self.add_part("dynamic_ess_settings", DynamicEssSettings)
        self.add_part("name", Name)
        self.add_part("pump_settings", PumpSettings)
        self.add_part("platform", Platform)
        self.relay_generator = False
        """Whether relay 1 starts a generator, as last seen."""
        self.relay_pump = False
        """Whether relay 1 runs a tank pump, as last seen."""
        self.bms = BmsSetup()
        self._multiphase = Hub4Mode.TOTAL_OF_ALL_PHASES
        self._phase_seen: dict[int, float] = {}
        gap = max(3 * interval, SHORTEST_GAP)
        self._computed = {
            name: Integrator(gap)
            for name in ("solar_energy", "battery_charged_energy", "battery_discharged_energy", "consumption_energy")
        }

    # --- what it is ------------------------------------------------------------------------------------------------

    @property
    @override
    def identity(self) -> Identity:
        return Identity(
            manufacturer=self.manufacturer,
            model=self.model,
            serial=self.serial or self.found.serial,
            firmware=self.firmware,
            name=self._text("custom_name") or self.found.name,
        )

    serial = Reading(System.serial, "system")

    @property
    def firmware(self) -> str | None:
        """The Venus OS version."""
        # The register has the beta number in a word of its own.
        number = self.system.firmware
        return None if number is None else firmware((int(number) >> 16 << 8) | (int(number) & 0xFF))

    @property
    def system_time(self) -> datetime | None:
        """The GX's own time."""
        seconds = self.system.time
        try:
            return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
        except ValueError, OverflowError, OSError:
            return None

    # --- powers ----------------------------------------------------------------------------------------------------

    def _power(self, name: str, phase: int) -> float | None:
        """The power on a phase: the wide register, or on older servers the narrow one."""
        return first(getattr(self.system, f"{name}_l{phase}"), getattr(self.system, f"{name}_l{phase}_16"))

    def _total(self, name: str) -> float | None:
        return total(*(self._power(name, phase) for phase in PHASES))

    def _flows_on(self, phase: int) -> bool:
        return any(
            self._power(name, phase)
            for name in ("consumption", "grid", "genset", "pv_on_output", "pv_on_grid", "pv_on_genset")
        )

    @property
    @override
    def phases(self) -> int:
        return max((phase for phase in PHASES if phase in self._phase_seen or self._flows_on(phase)), default=1)

    def _on_phase(self, name: str, phase: int) -> float | None:
        return self._power(name, phase) if phase <= self.phases else None

    @property
    def grid_power(self) -> float | None:
        """Power taken from the grid (or shore) in W."""
        return self._total("grid")

    @property
    def grid_power_l1(self) -> float | None:
        """Grid power on the first phase in W."""
        return self._on_phase("grid", 1)

    @property
    def grid_power_l2(self) -> float | None:
        """Grid power on the second phase in W."""
        return self._on_phase("grid", 2)

    @property
    def grid_power_l3(self) -> float | None:
        """Grid power on the third phase in W."""
        return self._on_phase("grid", 3)

    @property
    def consumption_power(self) -> float | None:
        """Power of the AC consumers in W."""
        return self._total("consumption")

    @property
    def consumption_l1(self) -> float | None:
        """Consumption on the first phase in W."""
        return self._on_phase("consumption", 1)

    @property
    def consumption_l2(self) -> float | None:
        """Consumption on the second phase in W."""
        return self._on_phase("consumption", 2)

    @property
    def consumption_l3(self) -> float | None:
        """Consumption on the third phase in W."""
        return self._on_phase("consumption", 3)

    @property
    def genset_power(self) -> float | None:
        """Power of the AC generator in W."""
        return self._total("genset")

    @property
    def pv_ac_power(self) -> float | None:
        """Power of the PV inverters in W, wherever they are connected."""
        return total(*(self._total(f"pv_on_{place}") for place in ("output", "grid", "genset")))

    pv_dc_power = Reading(System.pv_dc_power, "system")

    @property
    def solar_power(self) -> float | None:
        """Power of the sun in W, through solar chargers and PV inverters."""
        return total(self.pv_dc_power, self.pv_ac_power)

    dc_system_power = Reading(System.dc_system_power, "system")

    @property
    def inverter_charger_power(self) -> float | None:
        """DC power of the inverter/chargers in W, positive when they charge."""
        return first(self.system.inverter_charger_power, self.system.vebus_power)

    ac_source = Coded(System.ac_source, AcSource, "system")

    @property
    def energy_source(self) -> EnergySource | None:
        """What the installation lives on now (VRM manual 17.4)."""
        if self.system.read_at is None:
            return None
        return energy_source(
            solar=self.solar_power,
            generator=self.genset_power,
            battery=self.battery_power,
            grid=self.grid_power,
            consumption=total(self.consumption_power, max(self.dc_system_power or 0.0, 0.0)),
        )

    # --- the battery, as the system service chose it: a battery monitor counts before VE.Bus (VRM manual 17.1, 17.2) -

    battery_voltage = Reading(System.battery_voltage, "system")
    battery_current = Reading(System.battery_current, "system")

    @property
    def battery_power(self) -> float | None:
        """Power into the battery in W, negative when it discharges."""
        power, current, voltage = self.system.battery_power, self.battery_current, self.battery_voltage
        # The register holds 32 kW; a larger power wraps around, which voltage and current tell.
        if current is not None and voltage is not None and abs(current * voltage) > SATURATED_INT16:
            return round(current * voltage)
        return power

    state_of_charge = Reading(System.state_of_charge, "system")
    battery_state = Coded(System.battery_state, BatteryState, "system")
    consumed_amphours = Reading(System.consumed_amphours, "system")
    time_to_go = Reading(System.time_to_go, "system")

    # --- energies, computed: the system service counts none ----------------------------------------------------------

    @property
    def solar_energy(self) -> float | None:
        """Energy of the sun in kWh, computed."""
        return self._computed["solar_energy"].energy

    @property
    def battery_charged_energy(self) -> float | None:
        """Energy put into the battery in kWh, computed."""
        return self._computed["battery_charged_energy"].energy

    @property
    def battery_discharged_energy(self) -> float | None:
        """Energy taken from the battery in kWh, computed."""
        return self._computed["battery_discharged_energy"].energy

    @property
    def consumption_energy(self) -> float | None:
        """Energy of the AC consumers in kWh, computed."""
        return self._computed["consumption_energy"].energy

    @property
    @override
    def counters(self) -> dict[str, tuple[float, float]]:
        now = self.system.wall_clock()
        computed = {
            f"computed.{name}": (integrator.energy, now)
            for name, integrator in self._computed.items()
            if integrator.energy is not None
        }
        return {**super().counters, **computed}

    @override
    def restore_counters(self, counters: Mapping[str, tuple[float, float]]) -> None:
        super().restore_counters(counters)
        for name, integrator in self._computed.items():
            if f"computed.{name}" in counters:
                integrator.energy = counters[f"computed.{name}"][0]

    @override
    def settle(self, now: float) -> None:
        if (mode := coded(Hub4Mode, self.ess.hub4_mode)) not in (None, Hub4Mode.EXTERNAL_CONTROL):
            self._multiphase = mode
        when = self.system.read_at
        if when is None:
            return
        self._phase_seen.update((phase, when) for phase in PHASES if self._flows_on(phase))
        self._phase_seen = {phase: seen for phase, seen in self._phase_seen.items() if when - seen < PHASE_MEMORY}
        battery = self.battery_power
        powers = {
            "solar_energy": self.solar_power,
            "battery_charged_energy": None if battery is None else max(battery, 0.0),
            "battery_discharged_energy": None if battery is None else max(-battery, 0.0),
            "consumption_energy": self.consumption_power,
        }
        for name, power in powers.items():
            self._computed[name].add(power, when)

    # --- ESS -------------------------------------------------------------------------------------------------------

    @property
    def has_ess(self) -> bool:
        """Whether the settings of an ESS are there; that one is installed is not on Modbus."""
        return coded(Hub4Mode, self.ess.hub4_mode) is not None

    @property
    def ess_modes(self) -> Mapping[str, EssMode]:
        """The modes that may be chosen, by their names in lower case."""
        return {mode.name.lower(): mode for mode in EssMode}

    @property
    def ess_mode(self) -> EssMode | None:
        """The user's choice of how the battery is used."""
        if self.ess.hub4_mode == Hub4Mode.EXTERNAL_CONTROL:
            return EssMode.EXTERNAL_CONTROL
        state = self.ess.batterylife_state
        if state in WITH_BATTERYLIFE:
            return EssMode.OPTIMIZED_WITH_BATTERYLIFE
        if state in WITHOUT_BATTERYLIFE:
            return EssMode.OPTIMIZED_WITHOUT_BATTERYLIFE
        return EssMode.KEEP_BATTERIES_CHARGED if state == BatteryLifeState.KEEP_CHARGED else None

    minimum_state_of_charge = Reading(Ess.minimum_state_of_charge, "ess")
    batterylife_state = Coded(Ess.batterylife_state, BatteryLifeState, "ess")

    @property
    def active_state_of_charge_limit(self) -> float | None:
        """Down to where the battery is used now in %: BatteryLife may hold it higher than the user does."""
        minimum, own = self.minimum_state_of_charge, self.ess.batterylife_limit
        if minimum is not None and own is not None and self.ess.batterylife_state in WITH_BATTERYLIFE:
            return max(minimum, own)
        return minimum

    @property
    def grid_setpoint(self) -> float | None:
        """The power in W that is to be taken from the grid."""
        fine, coarse = self.settings.grid_setpoint, self.settings.grid_setpoint_coarse
        # Beyond 32 kW the fine register wraps around.
        return coarse if fine is None or coarse is None or abs(fine - coarse) > 100 else fine

    maximum_charge_current = Reading(Settings.maximum_charge_current, "settings")

    @property
    def maximum_discharge_power(self) -> float | None:
        """The most in W that the inverter may take from the battery; -1 is no limit."""
        # In steps of 10 W no limit looks like a limit of 0.
        return first(self.settings.maximum_discharge_power, self.settings.maximum_discharge_power_16 or None)

    @property
    def maximum_feed_in_power(self) -> float | None:
        """The most in W that may be fed into the grid; -1 is no limit."""
        return first(self.settings.maximum_feed_in_power, self.settings.maximum_feed_in_power_16 or None)

    maximum_charge_voltage = Reading(Settings.maximum_charge_voltage, "settings")
    feed_in_dc_coupled_pv = Flag(Settings.feed_in_dc_coupled_pv, "settings")

    @property
    def feed_in_ac_coupled_pv(self) -> bool | None:
        """Whether PV inverters may feed in."""
        prevented = yes_or_no(self.settings.prevent_ac_coupled_feed_in)
        return None if prevented is None else not prevented

    feed_in_limiting = Flag(Hub4.feed_in_limiting, "hub4")
    pv_disabled = Flag(Hub4.pv_disabled, "hub4")
    export_current_limit = Reading(Settings.export_current_limit, "settings")
    import_current_limit = Reading(Settings.import_current_limit, "settings")
    ac_input_1_type = Coded(Settings.ac_input_1_type, AcInputType, "settings")
    ac_input_2_type = Coded(Settings.ac_input_2_type, AcInputType, "settings")

    @property
    def grid_input_lost(self) -> bool | None:
        """Whether no AC input has voltage though one is for the grid; None where none is."""
        types = (self.ac_input_1_type, self.ac_input_2_type)
        if AcInputType.GRID not in types or self.ac_source is None:
            return None
        return self.ac_source is AcSource.NOT_CONNECTED

    @property
    def dvcc_supported(self) -> bool | None:
        """Whether Venus OS is new enough for DVCC with a VE.Bus BMS V2; None where the user declared none."""
        number = self.system.firmware
        if self.bms.kind is not BmsKind.V2 or number is None:
            return None
        return int(number) >> 16 >= OLDEST_FOR_BMS_V2

    dynamic_ess_active = Flag(DynamicEss.active, "dynamic_ess")
    dynamic_ess_target_soc = Reading(DynamicEss.target_soc, "dynamic_ess")
    dynamic_ess_mode = Coded(DynamicEssSettings.mode, DynamicEssMode, "dynamic_ess_settings")

    # --- relays ----------------------------------------------------------------------------------------------------

    relay_1 = Flag(System.relay_1, "system")
    relay_2 = Flag(System.relay_2, "system")

    def relay_state(self, number: int) -> bool | None:
        """Whether a relay is closed."""
        return {1: self.relay_1, 2: self.relay_2}.get(number)

    # --- commands --------------------------------------------------------------------------------------------------

    async def _refuse_in(self, *modes: EssMode) -> None:
        await self.ess.async_read(time.monotonic())
        if (mode := self.ess_mode) in modes:
            raise CommandRefused("not_in_this_ess_mode", mode=mode.name.lower())

    async def set_ess_mode(self, mode: EssMode, minimum_state_of_charge: float | None = None) -> Effect:
        """Choose how the battery is used, and optionally down to where in %. Raises ``CommandRefused``."""
        values: dict[str, float] = {}
        if minimum_state_of_charge is not None:
            check_range(minimum_state_of_charge, *self.MINIMUM_SOC_RANGE, unit="%")
            if mode not in OPTIMIZED:
                raise CommandRefused("not_in_this_ess_mode", mode=mode.name.lower())
            values["minimum_state_of_charge"] = minimum_state_of_charge
        await self.ess.async_read(time.monotonic())
        effect = await write(self.ess, self._choice(mode) | values)
        # BatteryLife goes on from the state it was put in by itself.
        return Effect.APPLIED if effect is Effect.ADJUSTED and self.ess_mode is mode else effect

    def _choice(self, mode: EssMode) -> dict[str, float]:
        """What the GX's own screen would write to choose the mode, in its order."""
        external = self.ess.hub4_mode == Hub4Mode.EXTERNAL_CONTROL
        if mode is EssMode.EXTERNAL_CONTROL:
            return {"hub4_mode": Hub4Mode.EXTERNAL_CONTROL, "batterylife_state": BatteryLifeState.DISABLED}
        values: dict[str, float] = {"hub4_mode": self._multiphase} if external else {}
        state = self.ess.batterylife_state
        match mode:
            case EssMode.OPTIMIZED_WITH_BATTERYLIFE if state not in WITH_BATTERYLIFE:
                values["batterylife_state"] = BatteryLifeState.RESTARTING
            case EssMode.OPTIMIZED_WITHOUT_BATTERYLIFE if state not in WITHOUT_BATTERYLIFE:
                values["batterylife_state"] = BatteryLifeState.WITHOUT_BATTERYLIFE
            case EssMode.KEEP_BATTERIES_CHARGED:
                values["batterylife_state"] = BatteryLifeState.KEEP_CHARGED
        return values

    async def set_minimum_state_of_charge(self, percent: float) -> Effect:
        """Set down to where the battery is used, in %. Raises ``CommandRefused``."""
        check_range(percent, *self.MINIMUM_SOC_RANGE, unit="%")
        await self._refuse_in(EssMode.KEEP_BATTERIES_CHARGED, EssMode.EXTERNAL_CONTROL)
        return await write(self.ess, {"minimum_state_of_charge": percent})

    async def set_grid_setpoint(self, watts: float) -> Effect:
        """Set the power in W to take from the grid; in steps of 100 W beyond 32 kW. Raises ``CommandRefused``."""
        check_range(watts, *self.GRID_SETPOINT_RANGE, unit="W")
        await self._refuse_in(EssMode.EXTERNAL_CONTROL)
        fits = abs(watts) <= SATURATED_INT16
        return await write(self.settings, {"grid_setpoint" if fits else "grid_setpoint_coarse": watts})

    async def set_maximum_charge_current(self, amperes: float) -> Effect:
        """Set the most in A that the battery is charged with; -1 is no limit. Raises ``CommandRefused``."""
        check_range(amperes, *self.MAXIMUM_CHARGE_CURRENT_RANGE, unit="A")
        return await write(self.settings, {"maximum_charge_current": round(amperes)})

    async def set_maximum_discharge_power(self, watts: float) -> Effect:
        """Set the most in W that the inverter takes from the battery; -1 is no limit. Raises ``CommandRefused``."""
        check_range(watts, *self.MAXIMUM_DISCHARGE_POWER_RANGE, unit="W")
        await self._refuse_in(EssMode.KEEP_BATTERIES_CHARGED)
        return await self._set_power_limit("maximum_discharge_power", watts)

    async def set_maximum_feed_in_power(self, watts: float) -> Effect:
        """Set the most in W that is fed into the grid; -1 is no limit. Raises ``CommandRefused``."""
        check_range(watts, *self.MAXIMUM_FEED_IN_POWER_RANGE, unit="W")
        return await self._set_power_limit("maximum_feed_in_power", watts)

    async def _set_power_limit(self, name: str, watts: float) -> Effect:
        await self.settings.async_read(time.monotonic())
        if name in self.settings.fields:
            return await write(self.settings, {name: round(watts)})
        field = self.settings.fields[f"{name}_16"]
        # The narrow register shows no limit and a limit of 0 alike, so neither could be seen to take effect.
        if not field.decode(field.encode(watts)) or watts < 0:
            raise CommandRefused("needs_newer_firmware")
        check_range(watts, 0, field.decode([SATURATED_INT16]), unit="W")
        return await write(self.settings, {f"{name}_16": watts})

    async def set_feed_in_dc_coupled_pv(self, on: bool) -> Effect:
        """Feed excess power of solar chargers into the grid, or not. Raises ``CommandRefused``."""
        return await write(self.settings, {"feed_in_dc_coupled_pv": int(on)})

    async def set_feed_in_ac_coupled_pv(self, on: bool) -> Effect:
        """Feed excess power of PV inverters into the grid, or not. Raises ``CommandRefused``."""
        return await write(self.settings, {"prevent_ac_coupled_feed_in": int(not on)})

    async def set_relay(self, number: int, closed: bool) -> Effect:
        """Close or open a relay whose function is manual. Raises ``CommandRefused``."""
        if number == 1:
            self.relay_generator = await self._answers(*GENERATOR_PROBE)
            if self.relay_generator:
                raise CommandRefused("relay_used_by_generator")
            self.relay_pump = await self._answers(*PUMP_PROBE)
            if self.relay_pump:
                raise CommandRefused("relay_used_by_pump")
        elif number != 2:
            raise CommandRefused("no_such_relay", number=number)
        return await write(self.system, {f"relay_{number}": int(closed)}, refused="relay_not_manual")

    async def _answers(self, address: int, count: int) -> bool:
        try:
            with translated_errors():
                await self._unit.read_holding_registers(address, count)
        except DeviceGone, NotSupported:
            return False
        return True

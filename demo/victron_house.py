"""The house of `site` as a Cerbo GX shows it: every D-Bus path, and the controls that come back."""

from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar, Final, override

from .gx import Adjust, GxSimulator
from .registers import Value
from .site import (
    HERTZ,
    SERVICE_INTERVAL,
    VOLTS,
    ChargingMode,
    Ess,
    GeneratorState,
    Mode,
    Site,
    Source,
)
from .victron_site import FIRMWARE, SERIAL, Values, VictronSite, as_number, between, limit

# Device instances; the unit ids of the first three are 227, 225 and 226.
INSTANCES: Final = {
    "vebus": 276,
    "battery": 512,
    "solarcharger": 279,
    "grid": 30,
    "pvinverter": 20,
    "evcharger": 40,
    "system": 0,
    "settings": 0,
    "hub4": 0,
    "generator": 0,
    "platform": 0,
}

# These have their supply from the grid, so a power cut takes them off the bus.
_FED_BY_THE_GRID: Final = ("grid", "evcharger")

_HUB4_EXTERNAL: Final = 3
_KEEP_CHARGED: Final = 9
_STATE: Final = "/Settings/CGwacs/BatteryLife/State"
_HUB4_MODE: Final = "/Settings/CGwacs/Hub4Mode"


class VictronHouse(VictronSite[Site]):
    """The house on a GX."""

    SERVICES: ClassVar[Mapping[str, tuple[str, int]]] = {
        service: (service, instance) for service, instance in INSTANCES.items()
    }
    NAMES: ClassVar[Mapping[str, tuple[tuple[str, str, str], ...]]] = {
        "en": (
            ("settings", "/Settings/SystemSetup/SystemName", "Pine House"),
            ("vebus", "/CustomName", "Main inverter"),
            ("battery", "/CustomName", "Battery"),
            ("solarcharger", "/CustomName", "Garden roof"),
            ("grid", "/CustomName", "Grid meter"),
            ("pvinverter", "/CustomName", "Garage roof"),
            ("evcharger", "/CustomName", "Garage charger"),
        )
    }

    def __init__(self, gx: GxSimulator, site: Site) -> None:
        """Put the services of the house on the bus of the GX."""
        self._grid_was_lost = False
        super().__init__(gx, site)

    @override
    def publish(self) -> None:
        lost = self.site.conditions.grid_lost
        if lost != self._grid_was_lost:
            self._grid_was_lost = lost
            for service in _FED_BY_THE_GRID:
                (self.gx.vanish if lost else self.gx.reappear)(service, INSTANCES[service])
        super().publish()

    # Controls

    @override
    def _seeds(self) -> Mapping[str, Values]:
        controls = self.site.controls
        return {
            "settings": {
                _HUB4_MODE: _HUB4_EXTERNAL if controls.ess is Ess.EXTERNAL else 1,
                _STATE: {Ess.WITH_BATTERYLIFE: 2, Ess.KEEP_CHARGED: _KEEP_CHARGED, Ess.EXTERNAL: 0}.get(
                    controls.ess, 10
                ),
                "/Settings/CGwacs/BatteryLife/MinimumSocLimit": controls.minimum_soc,
                "/Settings/CGwacs/AcPowerSetPoint": controls.grid_setpoint,
                "/Settings/CGwacs/MaxDischargePower": limit(controls.max_discharge_power),
                "/Settings/CGwacs/MaxFeedInPower": limit(controls.max_feed_in),
                "/Settings/CGwacs/OvervoltageFeedIn": int(controls.feed_in_dc),
                "/Settings/CGwacs/PreventFeedback": int(not controls.feed_in_ac),
                "/Settings/SystemSetup/MaxChargeCurrent": limit(controls.max_charge_current),
                **_SETTINGS,
            },
            "hub4": {"/Overrides/Setpoint": None},
            "platform": {f"/Vebus/Devices/0/Restore/{name}": None for name in ("FileIndex", "Action", "Notify")},
            "vebus": {
                "/Mode": int(controls.mode),
                "/Ac/ActiveIn/CurrentLimit": controls.input_current_limit,
                "/SystemReset": None,
                "/RedetectSystem": None,
                "/Hub4/DisableCharge": 0,
                "/Hub4/DisableFeedIn": 0,
                "/Hub4/DoNotFeedInOvervoltage": int(not controls.feed_in_dc),
                "/Hub4/TargetPowerIsMaxFeedIn": 0,
                "/Hub4/FixSolarOffsetTo100mV": 1,
                "/PvInverter/Disable": 0,
                "/Dc/0/PreferRenewableEnergy": 0,
                "/Ac/Control/RemoteGeneratorSelected": 0,
                "/CustomName": "Onduleur étage",
                **_per_phase(self.site, "/Hub4/L{}/AcPowerSetpoint", lambda _: 0.0),
                **_per_phase(self.site, "/Hub4/L{}/MaxFeedInPower", lambda _: 0.0),
            },
            "battery": {"/Relay/0/State": None, "/Mode": 3, "/CustomName": "Batterie"},
            "solarcharger": {"/Mode": 1, "/CustomName": "Toit côté jardin"},
            "grid": {"/CustomName": "Compteur réseau"},
            "pvinverter": {"/Ac/PowerLimit": self.site.config.pv_inverter_peak, "/CustomName": "PV garage"},
            "evcharger": {
                "/Mode": int(controls.charging_mode),
                "/SetCurrent": controls.charging_current,
                "/StartStop": int(controls.charging),
                "/MaxCurrent": self.site.config.station_current,
                "/Position": 0,
                "/CustomName": "Borne du garage",
            },
            "generator": {
                "/ManualStart": int(controls.generator_manual),
                "/AutoStartEnabled": int(controls.generator_auto),
                "/ServiceCounterReset": None,
            },
            "system": {"/Relay/1/State": 0},
        }

    @override
    def _read_controls(self) -> None:
        site, controls = self.site, self.site.controls
        controls.mode = Mode(self._int("vebus", "/Mode"))
        controls.input_current_limit = self._float("vebus", "/Ac/ActiveIn/CurrentLimit")
        controls.external_setpoint = sum(
            self._float("vebus", f"/Hub4/L{phase}/AcPowerSetpoint") for phase in _phases(site)
        )
        controls.ess = self._ess()
        controls.minimum_soc = self._float("settings", "/Settings/CGwacs/BatteryLife/MinimumSocLimit")
        override = self.get("hub4", "/Overrides/Setpoint")
        controls.grid_setpoint = (
            self._float("settings", "/Settings/CGwacs/AcPowerSetPoint") if override is None else float(override)
        )
        controls.max_discharge_power = self._limit("/Settings/CGwacs/MaxDischargePower")
        controls.max_feed_in = self._limit("/Settings/CGwacs/MaxFeedInPower")
        controls.max_charge_current = self._limit("/Settings/SystemSetup/MaxChargeCurrent")
        controls.feed_in_dc = bool(self._int("settings", "/Settings/CGwacs/OvervoltageFeedIn"))
        controls.feed_in_ac = not self._int("settings", "/Settings/CGwacs/PreventFeedback")
        controls.generator_manual = bool(self._int("generator", "/ManualStart"))
        controls.generator_auto = bool(self._int("generator", "/AutoStartEnabled"))
        controls.charging_mode = ChargingMode(self._int("evcharger", "/Mode"))
        controls.charging_current = self._float("evcharger", "/SetCurrent")
        controls.charging = bool(self._int("evcharger", "/StartStop"))
        site.station.max_current = self._float("evcharger", "/MaxCurrent")
        if self.get("generator", "/ServiceCounterReset"):
            self.set("generator", "/ServiceCounterReset", None)
            site.generator.service_counter = SERVICE_INTERVAL

    def _ess(self) -> Ess:
        state = self._int("settings", _STATE)
        if self._int("settings", _HUB4_MODE) == _HUB4_EXTERNAL:
            return Ess.EXTERNAL
        if state == _KEEP_CHARGED:
            return Ess.KEEP_CHARGED
        return Ess.WITHOUT_BATTERYLIFE if state > _KEEP_CHARGED else Ess.WITH_BATTERYLIFE

    @override
    def _shown(self) -> Mapping[str, Values]:
        return {name: show(self.site) for name, show in _VALUES.items()} | {"settings": self._batterylife()}

    def _batterylife(self) -> Values:
        """Move the state on within the user's choice."""
        site = self.site
        values: Values = {"/Settings/CGwacs/BatteryLife/SocLimit": site.batterylife_limit}
        match self._ess():
            case Ess.WITH_BATTERYLIFE:
                soc = site.battery.soc
                values[_STATE] = (
                    8 if site.recharging else 5 if site.low_soc else 4 if soc >= 95 else 3 if soc >= 85 else 2
                )
            case Ess.WITHOUT_BATTERYLIFE:
                values[_STATE] = 12 if site.recharging else 11 if site.low_soc else 10
        return values

    @override
    def _adjustments(self) -> dict[tuple[str, str], Adjust]:
        switches = (
            ("settings", "/Settings/CGwacs/OvervoltageFeedIn"),
            ("settings", "/Settings/CGwacs/PreventFeedback"),
            ("generator", "/ManualStart"),
            ("generator", "/AutoStartEnabled"),
            ("evcharger", "/StartStop"),
            ("system", "/Relay/1/State"),
        )
        return {
            **{switch: between(0, 1) for switch in switches},
            ("settings", _HUB4_MODE): between(1, 3),
            ("settings", _STATE): between(0, 12),
            ("settings", "/Settings/CGwacs/BatteryLife/MinimumSocLimit"): between(0, 100),
            ("settings", "/Settings/CGwacs/MaxDischargePower"): between(-1, 300000),
            ("settings", "/Settings/CGwacs/MaxFeedInPower"): between(-1, 300000),
            ("settings", "/Settings/SystemSetup/MaxChargeCurrent"): between(-1, 10000),
            ("vebus", "/Mode"): between(1, 4),
            # The inverter/charger raises or lowers a limit that it cannot keep.
            ("vebus", "/Ac/ActiveIn/CurrentLimit"): lambda value: min(50.0, max(4.5, as_number(value))),
            ("evcharger", "/Mode"): between(0, 2),
            ("evcharger", "/MaxCurrent"): between(6, 32),
            ("evcharger", "/SetCurrent"): self._set_current,
        }

    def _set_current(self, value: Value) -> Value:
        """Take a charging current in manual mode alone."""
        if self._int("evcharger", "/Mode") != ChargingMode.MANUAL:
            return None
        return value if 6 <= as_number(value) <= self._float("evcharger", "/MaxCurrent") else None


_SETTINGS: Final[Values] = {
    "/Settings/CGwacs/MaxChargePercentage": 100.0,
    "/Settings/CGwacs/MaxDischargePercentage": 100.0,
    "/Settings/CGwacs/AcExportLimit": -1.0,
    "/Settings/CGwacs/AcInputLimit": -1.0,
    "/Settings/CGwacs/AlwaysPeakShave": 0,
    "/Settings/CGwacs/RunWithoutGridMeter": 0,
    "/Settings/SystemSetup/MaxChargeVoltage": 0.0,
    "/Settings/SystemSetup/AcInput1": 1,
    "/Settings/SystemSetup/AcInput2": 2,
    "/Settings/SystemSetup/SystemName": "Maison des pins",
    "/Settings/DynamicEss/Mode": 0,
    "/Settings/DynamicEss/BatteryCapacity": 14.0,
    "/Settings/DynamicEss/FullChargeDuration": 2.0,
    "/Settings/DynamicEss/FullChargeInterval": 14.0,
    # Not seen by Modbus: relay 1 starts the generator, relay 2 is switched by hand.
    "/Settings/Relay/Function": 1,
    "/Settings/Relay/1/Function": 2,
}


def _phases(site: Site) -> range:
    return range(1, site.config.phases + 1)


def _per_phase(site: Site, path: str, value: Callable[[int], Value]) -> Values:
    """Return the value of each phase that there is; `value` takes its index."""
    return {path.format(phase): value(phase - 1) for phase in _phases(site)}


def _ac(site: Site, prefix: str, powers: Iterable[float], *, live: bool = True) -> Values:
    """Return voltage, current and power of each phase, under their long names."""
    values: Values = {}
    for phase, power in enumerate(powers, 1):
        voltage = _volts(site, phase) if live else 0.0
        values[f"{prefix}/L{phase}/Voltage"] = voltage
        values[f"{prefix}/L{phase}/Current"] = power / voltage if voltage else 0.0
        values[f"{prefix}/L{phase}/Power"] = power
    return values


def _volts(site: Site, phase: int) -> float:
    """Voltage of the grid: it sinks a little under load."""
    grid = site.flows.grid
    return VOLTS + 1.4 * (phase - 1) - 0.0006 * (grid[phase - 1] if phase <= len(grid) else 0.0)


def _stage(site: Site) -> int:
    """Charge stage in the numbers of VE.Bus and solar chargers: bulk, absorption, float."""
    return 5 if site.battery.soc > 99.5 else 4 if site.battery.soc > 95 else 3


def _system(site: Site) -> Values:
    flows, battery = site.flows, site.battery
    charging = 1 if flows.battery > 30 else 2 if flows.battery < -30 else 0
    vebus_power = -flows.inverter_dc
    input_there = not site.conditions.grid_lost
    running = site.generator.state is not GeneratorState.STOPPED
    return {
        "/Serial": SERIAL,
        "/FirmwareVersion": FIRMWARE,
        "/Relay/0/State": int(running),
        "/Ac/ActiveIn/Source": {Source.GRID: 1, Source.GENERATOR: 2}.get(flows.source, 240),
        **_per_phase(site, "/Ac/PvOnOutput/L{}/Power", lambda phase: flows.pv_inverter[phase]),
        **_per_phase(site, "/Ac/Consumption/L{}/Power", lambda phase: flows.load[phase] + flows.car[phase]),
        **_per_phase(site, "/Ac/ConsumptionOnOutput/L{}/Power", lambda phase: flows.load[phase]),
        **_per_phase(site, "/Ac/ConsumptionOnInput/L{}/Power", lambda phase: flows.car[phase]),
        **_per_phase(site, "/Ac/Grid/L{}/Power", lambda phase: flows.grid[phase] if input_there else None),
        **_per_phase(site, "/Ac/Genset/L{}/Power", lambda phase: flows.generator[phase] if running else None),
        "/Dc/Battery/Voltage": battery.voltage,
        "/Dc/Battery/Current": battery.current,
        "/Dc/Battery/Power": flows.battery,
        "/Dc/Battery/Soc": battery.soc,
        "/Dc/Battery/State": charging,
        "/Dc/Battery/ConsumedAmphours": -(100 - battery.soc) / 100 * battery.capacity,
        "/Dc/Battery/TimeToGo": battery.time_to_go,
        "/Dc/Pv/Power": flows.tracker_power,
        "/Dc/Pv/Current": flows.tracker_power / battery.voltage,
        "/Dc/Charger/Power": None,
        "/Dc/System/Power": None,
        "/Dc/Vebus/Current": vebus_power / battery.voltage,
        "/Dc/Vebus/Power": vebus_power,
        "/Dc/InverterCharger/Current": vebus_power / battery.voltage,
        "/Dc/InverterCharger/Power": vebus_power,
        "/DynamicEss/Active": 0,
        "/DynamicEss/AllowGridFeedIn": 0,
        "/DynamicEss/Available": 1,
        "/DynamicEss/ChargeRate": None,
        "/DynamicEss/ErrorCode": 0,
        "/DynamicEss/Restrictions": 0,
        "/DynamicEss/Strategy": 0,
        "/DynamicEss/TargetSoc": None,
    }


def _hub4(site: Site) -> Values:
    return {"/PvPowerLimiterActive": int(site.flows.limited), "/Pv/Disable": 0}


def _vebus_state(site: Site) -> int:
    if site.controls.mode is Mode.OFF or not site.flows.output_live:
        return 0
    if site.flows.source is Source.NONE:
        return 9
    if site.controls.ess is Ess.EXTERNAL and site.flows.source is Source.GRID:
        return 252
    return _stage(site)


def _vebus(site: Site) -> Values:
    flows, battery, counters = site.flows, site.battery, site.counters
    fed, live = flows.source is not Source.NONE, flows.output_live
    hertz = HERTZ if flows.source is not Source.GENERATOR else HERTZ + 0.4
    # The inverter raises the frequency so that the PV inverter gives less.
    out_hertz = hertz + 1.8 if not fed and flows.limited else hertz
    low_battery = 2 if battery.empty else 1 if battery.soc < 10 and not fed else 0
    values: Values = {
        "/Ac/NumberOfPhases": site.config.phases,
        "/Ac/ActiveIn/ActiveInput": {Source.GRID: 0, Source.GENERATOR: 1}.get(flows.source, 240),
        "/Ac/State/IgnoreAcIn1": int(flows.source is Source.GENERATOR),
        "/Ac/State/IgnoreAcIn2": 0,
        "/Ac/State/RemoteGeneratorSelected": int(flows.source is Source.GENERATOR),
        "/Dc/0/Voltage": battery.voltage,
        "/Dc/0/Current": -flows.inverter_dc / battery.voltage,
        "/Dc/0/Temperature": battery.temperature + 0.5,
        "/Soc": battery.soc,
        "/State": _vebus_state(site),
        "/VebusError": 0,
        "/VebusChargeState": {3: 1, 4: 2, 5: 3}[_stage(site)],
        "/Bms/AllowToCharge": int(battery.charge_limit > 0),
        "/Bms/AllowToDischarge": int(not battery.empty),
        "/Bms/BmsExpected": 0,
        "/Bms/Error": 0,
        "/Hub4/Sustain": int(site.recharging and site.controls.ess is not Ess.EXTERNAL),
        "/Alarms/HighTemperature": 0,
        "/Alarms/LowBattery": low_battery,
        "/Alarms/Overload": 2 if flows.overload else 0,
        "/Alarms/TemperatureSensor": 0,
        "/Alarms/VoltageSensor": 0,
        "/Alarms/PhaseRotation": 0,
        "/Alarms/GridLost": 2 if site.conditions.grid_lost else 0,
        "/Alarms/BmsPreAlarm": 0,
        "/Devices/0/ExtendStatus/RelayTestOk": 1,
        "/Ac/Out/NominalInverterPower": round(site.config.inverter_power) * site.config.phases,
        **_per_phase(site, "/Ac/Out/L{}/NominalInverterPower", lambda _: round(site.config.inverter_power)),
        **_per_phase(site, "/Alarms/L{}/HighTemperature", lambda _: 0),
        **_per_phase(site, "/Alarms/L{}/LowBattery", lambda _: low_battery),
        **_per_phase(site, "/Alarms/L{}/Overload", lambda _: 2 if flows.overload else 0),
        **_per_phase(site, "/Alarms/L{}/Ripple", lambda _: 0),
        "/Energy/InverterToAcOut": counters.inverter_to_output,
        "/Energy/OutToInverter": counters.output_to_inverter,
    }
    for number, source in ((1, Source.GRID), (2, Source.GENERATOR)):
        values[f"/Energy/AcIn{number}ToAcOut"] = counters.input_to_output.get(source, 0.0)
        values[f"/Energy/AcIn{number}ToInverter"] = counters.input_to_inverter.get(source, 0.0)
        values[f"/Energy/AcOutToAcIn{number}"] = counters.output_to_input.get(source, 0.0)
        values[f"/Energy/InverterToAcIn{number}"] = counters.inverter_to_input.get(source, 0.0)
    for phase in _phases(site):
        volts = _volts(site, phase) if fed else VOLTS if live else 0.0
        used = flows.load[phase - 1] - flows.pv_inverter[phase - 1]
        for name, power, there, frequency in (
            ("ActiveIn", flows.input[phase - 1], fed, hertz),
            ("Out", used, live, out_hertz),
        ):
            values[f"/Ac/{name}/L{phase}/V"] = volts if there else 0.0
            values[f"/Ac/{name}/L{phase}/I"] = power / volts if there else 0.0
            values[f"/Ac/{name}/L{phase}/P"] = round(power)
            values[f"/Ac/{name}/L{phase}/F"] = frequency if there else 0.0
    return values


def _battery(site: Site) -> Values:
    battery, counters, flows = site.battery, site.counters, site.flows
    cell = battery.voltage / 16
    spread = 0.004 + 0.03 * max(0.0, (battery.soc - 95) / 5)
    low = battery.soc < 10
    alarms = (
        "LowVoltage HighVoltage LowStarterVoltage HighStarterVoltage LowTemperature HighTemperature MidVoltage"
        " FuseBlown HighInternalTemperature HighChargeCurrent HighDischargeCurrent CellImbalance InternalFailure"
        " HighChargeTemperature LowChargeTemperature BmsCable Contactor HighCurrent"
    )
    return {
        **{f"/Alarms/{alarm}": 0 for alarm in alarms.split()},
        "/Alarms/LowSoc": 2 if battery.empty else 1 if low else 0,
        "/Alarms/LowCellVoltage": 2 if battery.empty else 1 if battery.soc < 7 else 0,
        "/Dc/0/Power": flows.battery,
        "/Dc/0/Voltage": battery.voltage,
        "/Dc/0/Current": battery.current,
        "/Dc/0/Temperature": battery.temperature,
        "/ConsumedAmphours": -(100 - battery.soc) / 100 * battery.capacity,
        "/Soc": battery.soc,
        "/Soh": 98.0,
        "/TimeToGo": battery.time_to_go,
        "/Info/MaxChargeVoltage": 56.0,
        "/Info/BatteryLowVoltage": 46.4,
        "/Info/MaxChargeCurrent": battery.charge_limit,
        "/Info/MaxDischargeCurrent": battery.discharge_limit,
        "/Capacity": battery.capacity,
        "/State": 9,
        "/ErrorCode": 0,
        "/SystemSwitch": 1,
        "/Balancing": int(battery.soc > 98),
        "/Balancer/Status": 2 if battery.soc > 98 else 1,
        "/System/NrOfBatteries": 3,
        "/System/BatteriesParallel": 3,
        "/System/BatteriesSeries": 1,
        "/System/NrOfCellsPerBattery": 16,
        "/System/NrOfModulesOnline": 3,
        "/System/NrOfModulesOffline": 0,
        "/System/NrOfModulesBlockingCharge": 0 if battery.charge_limit > 0 else 3,
        "/System/NrOfModulesBlockingDischarge": 3 if battery.empty else 0,
        "/System/MinCellVoltage": cell - spread,
        "/System/MaxCellVoltage": cell + spread,
        "/System/MinCellTemperature": battery.temperature - 0.8,
        "/System/MaxCellTemperature": battery.temperature + 1.1,
        "/System/MinVoltageCellId": "1-07",
        "/System/MaxVoltageCellId": "3-12",
        "/System/MinTemperatureCellId": "2-01",
        "/System/MaxTemperatureCellId": "1-09",
        "/Io/AllowToCharge": int(battery.charge_limit > 0),
        "/Io/AllowToDischarge": int(not battery.empty),
        "/History/ChargeCycles": int(counters.battery_out / battery.energy),
        "/History/TotalAhDrawn": -counters.battery_drawn_ah,
        "/History/MinimumVoltage": battery.lowest_voltage,
        "/History/MaximumVoltage": battery.highest_voltage,
        "/History/TimeSinceLastFullCharge": round(site.since_full),
        "/History/DischargedEnergy": counters.battery_out,
        "/History/ChargedEnergy": counters.battery_in,
        "/ConnectionInformation": "CAN-bus",
    }


def _solarcharger(site: Site) -> Values:
    flows, battery = site.flows, site.battery
    power = flows.tracker_power
    operation = 0 if power < 1 else 1 if flows.trackers_limited else 2
    # A charger with several trackers has no voltage of its own.
    values: Values = {
        "/Dc/0/Voltage": battery.voltage,
        "/Dc/0/Current": power / battery.voltage,
        "/State": _stage(site) if power >= 1 else 0,
        "/ErrorCode": 0,
        "/Equalization/Pending": 0,
        "/Equalization/TimeRemaining": None,
        "/Relay/0/State": 0,
        "/Alarms/LowVoltage": 0,
        "/Alarms/HighVoltage": 0,
        "/Yield/Power": power,
        "/Yield/User": site.counters.solar_charger,
        "/MppOperationMode": operation,
    }
    for number, tracker in enumerate(flows.trackers):
        values[f"/Pv/{number}/V"] = 148.0 + tracker * 0.012 if tracker >= 1 else 12.0
        values[f"/Pv/{number}/P"] = tracker
        values[f"/Pv/{number}/MppOperationMode"] = operation
        values[f"/Pv/{number}/Enabled"] = 1
    for ago, day in enumerate(site.days):
        values[f"/History/Daily/{ago}/Yield"] = sum(day.yields)
        values[f"/History/Daily/{ago}/MaxPower"] = day.peak
        for number, (energy, peak) in enumerate(zip(day.yields, day.peaks, strict=True)):
            values[f"/History/Daily/{ago}/Pv/{number}/Yield"] = energy
            values[f"/History/Daily/{ago}/Pv/{number}/MaxPower"] = peak
    return values


def _grid(site: Site) -> Values:
    counters = site.counters
    return {
        "/Serial": "HQ2231ZLTP4",
        **_ac(site, "/Ac", site.flows.grid),
        **_per_phase(site, "/Ac/L{}/Energy/Forward", lambda phase: counters.grid_import_phases[phase]),
        **_per_phase(site, "/Ac/L{}/Energy/Reverse", lambda phase: counters.grid_export_phases[phase]),
        **_per_phase(site, "/Ac/L{}/PowerFactor", lambda _: 0.98),
        "/Ac/Energy/Forward": counters.grid_import,
        "/Ac/Energy/Reverse": counters.grid_export,
        "/Ac/Frequency": HERTZ,
        "/Ac/PowerFactor": 0.98,
    }


def _pvinverter(site: Site) -> Values:
    powers = site.flows.pv_inverter
    return {
        "/Position": 1,
        "/Serial": "34567890",
        **_ac(site, "/Ac", powers, live=site.flows.output_live),
        **_per_phase(site, "/Ac/L{}/Energy/Forward", lambda _: site.counters.pv_inverter / site.config.phases),
        "/Ac/Power": sum(powers),
        "/Ac/MaxPower": site.config.pv_inverter_peak,
        "/Ac/Frequency": HERTZ if site.flows.output_live else 0.0,
    }


def _evcharger(site: Site) -> Values:
    station, powers = site.station, site.flows.car
    return {
        "/ProductId": 0xC024,
        "/FirmwareVersion": 0x013500FF,
        "/Serial": "HQ2304T2XYZ",
        "/Model": "AC22NS",
        "/Status": int(station.status),
        "/Current": station.current,
        "/Ac/Power": sum(powers),
        **_per_phase(site, "/Ac/L{}/Power", lambda phase: powers[phase]),
        "/Ac/Energy/Forward": site.counters.car,
        "/Session/Energy": station.session_energy,
        "/Session/Time": round(station.session_time),
        "/Session/Cost": None,
        "/Session/SavedCost": None,
        "/ChargingTime": station.charging_time,
    }


def _generator(site: Site) -> Values:
    generator = site.generator
    return {
        "/State": int(generator.state),
        "/RunningByConditionCode": int(generator.reason),
        "/Runtime": round(generator.runtime),
        "/QuietHours": 0,
        "/Error": 0,
        "/Alarms/NoGeneratorAtAcIn": 0,
        "/ServiceCounter": round(generator.service_counter),
    }


_VALUES: Final[dict[str, Callable[[Site], Values]]] = {
    "system": _system,
    "hub4": _hub4,
    "vebus": _vebus,
    "battery": _battery,
    "solarcharger": _solarcharger,
    "grid": _grid,
    "pvinverter": _pvinverter,
    "evcharger": _evcharger,
    "generator": _generator,
}

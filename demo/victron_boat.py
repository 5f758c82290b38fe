"""The boat of `boat` as a Cerbo GX shows it: every D-Bus path, and the controls that come back."""

from collections.abc import Callable, Mapping
from typing import ClassVar, Final, override

from .boat import Boat, Feed
from .gx import Adjust
from .site import HERTZ, SERVICE_INTERVAL, VOLTS, GeneratorState, Mode
from .victron_site import FIRMWARE, SERIAL, Values, VictronSite, between, limit

_ON: Final = 1
_OFF: Final = 4

_FUEL: Final = 0
_FRESH_WATER: Final = 1
_WASTE_WATER: Final = 2

_FRIDGE: Final = 1
_GENERIC: Final = 2
_OUTDOOR: Final = 4

_BILGE_PUMP: Final = 3
_BILGE_ALARM: Final = 4


class VictronBoat(VictronSite[Boat]):
    """The boat on a GX. It is no ESS, so there is no ESS on its bus."""

    SERVICES: ClassVar[Mapping[str, tuple[str, int]]] = {
        "system": ("system", 0),
        "settings": ("settings", 0),
        "platform": ("platform", 0),
        # VE.Bus port, CAN-bus BMS and the three VE.Direct ports: units 227, 225, 226, 224 and 223.
        "vebus": ("vebus", 276),
        "battery": ("battery", 512),
        "solarcharger": ("solarcharger", 279),
        "dcdc": ("dcdc", 278),
        "navigation": ("dcload", 277),
        # VE.Direct by USB: unit 239.
        "fridge_load": ("dcload", 288),
        # VE.Can; the genset that is connected there has the second start/stop logic of the GX.
        "alternator": ("alternator", 1),
        "genset": ("genset", 0),
        "generator": ("generator", 1),
        "gps": ("gps", 0),
        "fresh_water": ("tank", 20),
        "fuel": ("tank", 21),
        "waste_water": ("tank", 22),
        "fridge": ("temperature", 24),
        "engine_room": ("temperature", 25),
        "outside": ("temperature", 26),
        "bilge_pump": ("digitalinput", 1),
        "bilge_alarm": ("digitalinput", 2),
        "water_meter": ("pulsemeter", 3),
    }
    NAMES: ClassVar[Mapping[str, tuple[tuple[str, str, str], ...]]] = {
        "en": (
            ("settings", "/Settings/SystemSetup/SystemName", "Petrel"),
            ("battery", "/CustomName", "House battery"),
            ("solarcharger", "/CustomName", "Coachroof"),
            ("dcdc", "/CustomName", "Starboard DC-DC"),
            ("navigation", "/CustomName", "Navigation"),
            ("fridge_load", "/CustomName", "Fridge supply"),
            ("alternator", "/CustomName", "Port alternator"),
            ("genset", "/CustomName", "Genset"),
            ("fresh_water", "/CustomName", "Fresh water"),
            ("fuel", "/CustomName", "Diesel"),
            ("waste_water", "/CustomName", "Waste water"),
            ("fridge", "/CustomName", "Fridge"),
            ("engine_room", "/CustomName", "Engine room"),
            ("outside", "/CustomName", "Outside"),
            ("bilge_pump", "/CustomName", "Bilge pump"),
            ("bilge_alarm", "/CustomName", "Bilge alarm"),
            ("water_meter", "/CustomName", "Water meter"),
        )
    }

    @override
    def _seeds(self) -> Mapping[str, Values]:
        controls = self.site.controls
        return {
            "settings": {
                "/Settings/SystemSetup/AcInput1": 3,
                "/Settings/SystemSetup/AcInput2": 2,
                "/Settings/SystemSetup/SystemName": "Pétrel",
                "/Settings/SystemSetup/MaxChargeCurrent": limit(controls.max_charge_current),
                "/Settings/SystemSetup/MaxChargeVoltage": 0.0,
                # Not seen by Modbus: both relays are switched by hand.
                "/Settings/Relay/Function": 2,
                "/Settings/Relay/1/Function": 2,
            },
            "platform": {f"/Vebus/Devices/0/Restore/{name}": None for name in ("FileIndex", "Action", "Notify")},
            "vebus": {
                "/Mode": int(controls.mode),
                "/Ac/ActiveIn/CurrentLimit": controls.input_current_limit,
                "/SystemReset": None,
                "/RedetectSystem": None,
                "/Dc/0/PreferRenewableEnergy": 0,
                "/Ac/Control/RemoteGeneratorSelected": 0,
                "/CustomName": "Quattro",
            },
            "battery": {"/Relay/0/State": None, "/Mode": 3, "/CustomName": "Parc de service"},
            "solarcharger": {"/Mode": 1, "/CustomName": "Rouf"},
            "dcdc": {"/Mode": _ON, "/CustomName": "CC-CC tribord"},
            "navigation": {"/CustomName": "Navigation"},
            "fridge_load": {"/CustomName": "Circuit frigo"},
            "alternator": {"/Mode": _ON, "/CustomName": "Alternateur"},
            "genset": {"/Start": 0, "/CustomName": "Groupe"},
            "generator": {
                "/ManualStart": int(controls.generator_manual),
                "/AutoStartEnabled": int(controls.generator_auto),
                "/ServiceCounterReset": None,
            },
            "system": {"/Relay/0/State": 0, "/Relay/1/State": 0},
            "fresh_water": {"/CustomName": "Eau douce"},
            "fuel": {"/CustomName": "Gazole"},
            "waste_water": {"/CustomName": "Eaux usées"},
            "fridge": {"/CustomName": "Frigo"},
            "engine_room": {"/CustomName": "Cale moteur"},
            "outside": {"/CustomName": "Extérieur"},
            "bilge_pump": {"/CustomName": "Pompe de cale"},
            "bilge_alarm": {"/CustomName": "Alarme de cale"},
            "water_meter": {"/CustomName": "Compteur eau"},
        }

    @override
    def _read_controls(self) -> None:
        boat, controls = self.site, self.site.controls
        controls.mode = Mode(self._int("vebus", "/Mode"))
        controls.input_current_limit = self._float("vebus", "/Ac/ActiveIn/CurrentLimit")
        controls.max_charge_current = self._limit("/Settings/SystemSetup/MaxChargeCurrent")
        controls.alternator = self._int("alternator", "/Mode") == _ON
        controls.converter = self._int("dcdc", "/Mode") == _ON
        controls.generator_manual = bool(self._int("generator", "/ManualStart"))
        controls.generator_auto = bool(self._int("generator", "/AutoStartEnabled"))
        if self.get("generator", "/ServiceCounterReset"):
            self.set("generator", "/ServiceCounterReset", None)
            boat.generator.service_counter = SERVICE_INTERVAL

    @override
    def _adjustments(self) -> dict[tuple[str, str], Adjust]:
        return {
            ("vebus", "/Mode"): between(1, 4),
            # The inverter/charger raises or lowers a limit that it cannot keep.
            ("vebus", "/Ac/ActiveIn/CurrentLimit"): lambda value: min(50.0, max(4.5, float(value or 0))),
            ("settings", "/Settings/SystemSetup/MaxChargeCurrent"): between(-1, 10000),
            ("alternator", "/Mode"): lambda value: value if value in (_ON, _OFF) else None,
            ("dcdc", "/Mode"): lambda value: value if value in (_ON, _OFF) else None,
            ("generator", "/ManualStart"): between(0, 1),
            ("generator", "/AutoStartEnabled"): between(0, 1),
            ("system", "/Relay/0/State"): between(0, 1),
            ("system", "/Relay/1/State"): between(0, 1),
        }

    @override
    def _shown(self) -> Mapping[str, Values]:
        return {name: show(self.site) for name, show in _VALUES.items()}


def _stage(boat: Boat) -> int:
    """Charge stage in the numbers of VE.Bus and of chargers: bulk, absorption, float."""
    return 5 if boat.battery.soc > 99.5 else 4 if boat.battery.soc > 95 else 3


def _system(boat: Boat) -> Values:
    flows, battery = boat.flows, boat.battery
    vebus_power = -flows.inverter_dc
    running = boat.generator.state is not GeneratorState.STOPPED
    return {
        "/Serial": SERIAL,
        "/FirmwareVersion": FIRMWARE,
        "/Ac/ActiveIn/Source": {Feed.SHORE: 3, Feed.GENERATOR: 2}.get(flows.feed, 240),
        "/Ac/Consumption/L1/Power": flows.load,
        "/Ac/ConsumptionOnOutput/L1/Power": flows.load,
        # The GX has no other place for the shore.
        "/Ac/Grid/L1/Power": flows.shore if boat.shore_connected else None,
        "/Ac/Genset/L1/Power": flows.generator if running else None,
        "/Dc/Battery/Voltage": battery.voltage,
        "/Dc/Battery/Current": battery.current,
        "/Dc/Battery/Power": flows.battery,
        "/Dc/Battery/Soc": battery.soc,
        "/Dc/Battery/State": 1 if flows.battery > 15 else 2 if flows.battery < -15 else 0,
        "/Dc/Battery/ConsumedAmphours": -(100 - battery.soc) / 100 * battery.capacity,
        "/Dc/Battery/TimeToGo": battery.time_to_go,
        "/Dc/Pv/Power": flows.solar,
        "/Dc/Pv/Current": flows.solar / battery.voltage,
        "/Dc/Charger/Power": None,
        "/Dc/System/Power": flows.dc_load,
        "/Dc/Vebus/Current": vebus_power / battery.voltage,
        "/Dc/Vebus/Power": vebus_power,
        "/Dc/InverterCharger/Current": vebus_power / battery.voltage,
        "/Dc/InverterCharger/Power": vebus_power,
    }


def _vebus_state(boat: Boat) -> int:
    if not boat.flows.output_live:
        return 0
    if boat.flows.feed is Feed.NONE:
        return 9
    return 10 if boat.flows.inverter > 0 else _stage(boat)


def _vebus(boat: Boat) -> Values:
    flows, battery, bms, counters = boat.flows, boat.battery, boat.bms, boat.counters
    fed, live = flows.feed is not Feed.NONE, flows.output_live
    by_generator = flows.feed is Feed.GENERATOR
    hertz = HERTZ + 0.3 if by_generator else HERTZ
    low_battery = 0 if bms.discharge_allowed else 2
    values: Values = {
        "/Ac/NumberOfPhases": 1,
        "/Ac/ActiveIn/ActiveInput": {Feed.SHORE: 0, Feed.GENERATOR: 1}.get(flows.feed, 240),
        "/Ac/State/IgnoreAcIn1": 0,
        "/Ac/State/IgnoreAcIn2": 0,
        "/Ac/State/RemoteGeneratorSelected": int(by_generator),
        "/Dc/0/Voltage": battery.voltage,
        "/Dc/0/Current": -flows.inverter_dc / battery.voltage,
        "/Dc/0/Temperature": battery.temperature + 0.5,
        "/Soc": battery.soc,
        "/State": _vebus_state(boat),
        "/VebusError": 0,
        "/VebusChargeState": {3: 1, 4: 2, 5: 3}[_stage(boat)],
        "/Bms/AllowToCharge": int(bms.charge_allowed),
        "/Bms/AllowToDischarge": int(bms.discharge_allowed),
        "/Bms/BmsExpected": 1,
        "/Bms/Error": 0,
        "/Alarms/HighTemperature": 0,
        "/Alarms/LowBattery": low_battery,
        "/Alarms/Overload": 2 if flows.overload else 0,
        "/Alarms/TemperatureSensor": 0,
        "/Alarms/VoltageSensor": 0,
        "/Alarms/PhaseRotation": 0,
        # A boat that casts off has lost nothing: its owner does not monitor the grid.
        "/Alarms/GridLost": 0,
        "/Alarms/BmsPreAlarm": int(bms.pre_alarm),
        "/Alarms/L1/HighTemperature": 0,
        "/Alarms/L1/LowBattery": low_battery,
        "/Alarms/L1/Overload": 2 if flows.overload else 0,
        "/Alarms/L1/Ripple": 0,
        "/Devices/0/ExtendStatus/RelayTestOk": 1,
        "/Ac/Out/NominalInverterPower": round(boat.config.inverter_power),
        "/Ac/Out/L1/NominalInverterPower": round(boat.config.inverter_power),
        "/Energy/AcIn1ToAcOut": counters.shore_to_load,
        "/Energy/AcIn1ToInverter": counters.shore_to_charger,
        "/Energy/AcIn2ToAcOut": counters.generator_to_load,
        "/Energy/AcIn2ToInverter": counters.generator_to_charger,
        "/Energy/AcOutToAcIn1": 0.0,
        "/Energy/AcOutToAcIn2": 0.0,
        "/Energy/InverterToAcIn1": 0.0,
        "/Energy/InverterToAcIn2": 0.0,
        "/Energy/InverterToAcOut": counters.inverter_to_load,
        "/Energy/OutToInverter": 0.0,
    }
    for name, power, there in (("ActiveIn", flows.input, fed), ("Out", flows.load, live)):
        volts = (VOLTS - 0.002 * flows.input if fed else VOLTS) if there else 0.0
        values[f"/Ac/{name}/L1/V"] = volts
        values[f"/Ac/{name}/L1/I"] = power / volts if volts else 0.0
        values[f"/Ac/{name}/L1/P"] = round(power)
        values[f"/Ac/{name}/L1/F"] = hertz if there else 0.0
    return values


_BATTERY_ALARMS: Final = (
    "LowVoltage HighVoltage LowStarterVoltage HighStarterVoltage LowTemperature HighTemperature MidVoltage FuseBlown"
    " HighInternalTemperature HighChargeCurrent HighDischargeCurrent CellImbalance InternalFailure"
    " HighChargeTemperature LowChargeTemperature BmsCable Contactor HighCurrent"
)


def _battery(boat: Boat) -> Values:
    battery, bms, counters = boat.battery, boat.bms, boat.counters
    return {
        **{f"/Alarms/{alarm}": 0 for alarm in _BATTERY_ALARMS.split()},
        "/Alarms/LowSoc": 1 if battery.soc < 10 else 0,
        "/Alarms/LowCellVoltage": 2 if not bms.discharge_allowed else 1 if bms.pre_alarm else 0,
        "/Dc/0/Power": boat.flows.battery,
        "/Dc/0/Voltage": battery.voltage,
        "/Dc/0/Current": battery.current,
        "/Dc/0/Temperature": battery.temperature,
        # The starter battery of the port engine.
        "/Dc/1/Voltage": boat.port_battery.voltage,
        "/ConsumedAmphours": -(100 - battery.soc) / 100 * battery.capacity,
        "/Soc": battery.soc,
        "/Soh": 99.0,
        "/TimeToGo": battery.time_to_go,
        "/Info/MaxChargeVoltage": 28.4,
        "/Info/BatteryLowVoltage": 22.4,
        "/Info/MaxChargeCurrent": battery.charge_limit if bms.charge_allowed else 0.0,
        "/Info/MaxDischargeCurrent": battery.discharge_current if bms.discharge_allowed else 0.0,
        "/Capacity": battery.capacity,
        # Running, or shut down.
        "/State": 12 if bms.shutdown else 9,
        "/ErrorCode": 0,
        "/SystemSwitch": 1,
        "/Balancing": int(battery.soc > 98),
        "/Balancer/Status": 2 if battery.soc > 98 else 1,
        "/System/NrOfBatteries": 2,
        "/System/BatteriesParallel": 2,
        "/System/BatteriesSeries": 1,
        "/System/NrOfCellsPerBattery": battery.cells,
        "/System/NrOfModulesOnline": 2,
        "/System/NrOfModulesOffline": 0,
        "/System/NrOfModulesBlockingCharge": 0 if bms.charge_allowed else 1,
        "/System/NrOfModulesBlockingDischarge": 0 if bms.discharge_allowed else 1,
        "/System/MinCellVoltage": battery.lowest_cell,
        "/System/MaxCellVoltage": battery.highest_cell,
        "/System/MinCellTemperature": battery.temperature - 0.6,
        "/System/MaxCellTemperature": battery.temperature + 0.9,
        "/System/MinVoltageCellId": "2-03",
        "/System/MaxVoltageCellId": "1-06",
        "/System/MinTemperatureCellId": "1-01",
        "/System/MaxTemperatureCellId": "2-05",
        "/Io/AllowToCharge": int(bms.charge_allowed),
        "/Io/AllowToDischarge": int(bms.discharge_allowed),
        "/History/ChargeCycles": int(counters.battery_out / battery.energy),
        "/History/TotalAhDrawn": -counters.battery_drawn_ah,
        "/History/MinimumVoltage": battery.lowest_voltage,
        "/History/MaximumVoltage": battery.highest_voltage,
        "/History/TimeSinceLastFullCharge": round(boat.since_full),
        "/History/DischargedEnergy": counters.battery_out,
        "/History/ChargedEnergy": counters.battery_in,
        "/ConnectionInformation": "CAN-bus",
    }


def _solarcharger(boat: Boat) -> Values:
    flows, battery = boat.flows, boat.battery
    power = flows.solar
    values: Values = {
        "/Dc/0/Voltage": battery.voltage,
        "/Dc/0/Current": power / battery.voltage,
        "/State": _stage(boat) if power >= 1 else 0,
        "/ErrorCode": 0,
        "/Equalization/Pending": 0,
        "/Equalization/TimeRemaining": None,
        "/Relay/0/State": 0,
        "/Alarms/LowVoltage": 0,
        "/Alarms/HighVoltage": 0,
        "/Yield/Power": power,
        "/Yield/User": boat.counters.solar,
        "/MppOperationMode": 0 if power < 1 else 1 if flows.solar_limited else 2,
        "/Pv/V": 68.0 + power * 0.006 if power >= 1 else 6.0,
    }
    for ago, day in enumerate(boat.days):
        values[f"/History/Daily/{ago}/Yield"] = sum(day.yields)
        values[f"/History/Daily/{ago}/MaxPower"] = day.peak
    return values


def _dcdc(boat: Boat) -> Values:
    power = boat.flows.converter
    return {
        "/ErrorCode": 0,
        "/Dc/0/Voltage": boat.battery.voltage,
        "/Dc/0/Current": power / boat.battery.voltage,
        "/Dc/0/Temperature": boat.climate.engine_room,
        "/State": _stage(boat) if power >= 1 else 0,
        # The starter battery of the starboard engine.
        "/Dc/In/V": boat.starboard_battery.voltage,
        "/Dc/In/P": boat.converter_input,
        "/History/Cumulative/User/ChargedAh": boat.counters.converter_ah,
    }


def _alternator(boat: Boat) -> Values:
    power, running = boat.flows.alternator, boat.engine_running
    return {
        "/Dc/0/Voltage": boat.battery.voltage,
        "/Dc/0/Current": power / boat.battery.voltage,
        "/Dc/1/Voltage": None,
        "/Dc/0/Temperature": boat.climate.engine_room + 0.014 * power,
        "/History/EnergyOut": boat.counters.alternator,
        **{f"/Alarms/{alarm}": 0 for alarm in ("LowVoltage", "HighVoltage", "LowStarterVoltage", "HighStarterVoltage")},
        **{f"/Alarms/{alarm}": 0 for alarm in ("LowTemperature", "HighTemperature")},
        "/State": _stage(boat) if power >= 1 else 0,
        "/ErrorCode": 0,
        "/Engine/Speed": 1750 if running else 0,
        "/Speed": 4900 if running else 0,
        "/FieldDrive": power / boat.config.alternator_power * 90,
        "/History/Cumulative/User/ChargedAh": boat.counters.alternator_ah,
    }


def _dc_load(power: Callable[[Boat], float], energy: Callable[[Boat], float]) -> Callable[[Boat], Values]:
    def show(boat: Boat) -> Values:
        return {
            "/Dc/0/Voltage": boat.battery.voltage,
            "/Dc/0/Current": power(boat) / boat.battery.voltage,
            "/History/EnergyIn": energy(boat),
            **{f"/Alarms/{alarm}": 0 for alarm in ("LowVoltage", "HighVoltage", "LowTemperature", "HighTemperature")},
        }

    return show


def _genset(boat: Boat) -> Values:
    state, power = boat.generator.state, boat.flows.generator
    turning = state is not GeneratorState.STOPPED
    volts = VOLTS if turning else 0.0
    return {
        "/StatusCode": {GeneratorState.STOPPED: 0, GeneratorState.WARM_UP: 1, GeneratorState.RUNNING: 8}.get(state, 9),
        "/ErrorCode": 0,
        "/RemoteStartModeEnabled": 1,
        "/Start": int(turning),
        "/Engine/Load": 100 * power / boat.config.generator_power,
        "/Engine/Speed": 1500 if turning else 0,
        "/Engine/OperatingHours": boat.counters.genset_seconds,
        "/Engine/CoolantTemperature": 78.0 if turning else boat.climate.engine_room,
        "/Engine/OilPressure": 320.0 if turning else 0.0,
        # It is started by the battery of the port engine.
        "/StarterVoltage": boat.port_battery.voltage,
        "/Ac/L1/Voltage": volts,
        "/Ac/L1/Current": power / volts if volts else 0.0,
        "/Ac/L1/Power": power,
        "/Ac/Frequency": HERTZ + 0.3 if turning else 0.0,
    }


def _generator(boat: Boat) -> Values:
    generator = boat.generator
    return {
        "/State": int(generator.state),
        "/RunningByConditionCode": int(generator.reason),
        "/Runtime": round(generator.runtime),
        "/QuietHours": 0,
        "/Error": 0,
        "/Alarms/NoGeneratorAtAcIn": 0,
        "/ServiceCounter": round(generator.service_counter),
    }


def _gps(boat: Boat) -> Values:
    latitude, longitude = boat.position
    return {
        "/Position/Latitude": latitude,
        "/Position/Longitude": longitude,
        "/Course": boat.course,
        "/Speed": boat.speed,
        "/Fix": 1,
        "/NrOfSatellites": 11,
        "/Altitude": 3.0,
    }


def _tank(fluid: int, name: str) -> Callable[[Boat], Values]:
    def show(boat: Boat) -> Values:
        capacity, remaining = getattr(boat.config, name), getattr(boat.tanks, name)
        return {
            "/ProductId": 0xA160,
            "/Capacity": capacity,
            "/FluidType": fluid,
            "/Level": 100 * remaining / capacity,
            "/Remaining": remaining,
            "/Status": 0,
        }

    return show


def _temperature(kind: int, name: str) -> Callable[[Boat], Values]:
    def show(boat: Boat) -> Values:
        return {
            "/ProductId": 0xA162,
            "/Scale": 1.0,
            "/Offset": 0.0,
            "/TemperatureType": kind,
            "/Temperature": getattr(boat.climate, name),
            "/Status": 0,
        }

    return show


def _bilge_pump(boat: Boat) -> Values:
    running = boat.bilge.pumping and boat.bms.discharge_allowed
    return {
        "/Count": boat.counters.pump_starts,
        "/State": 10 if running else 11,
        "/Alarm": 0,
        "/Type": _BILGE_PUMP,
    }


def _bilge_alarm(boat: Boat) -> Values:
    alarm = boat.bilge.alarm
    return {
        "/Count": boat.counters.bilge_alarms,
        "/State": 9 if alarm else 8,
        "/Alarm": 2 if alarm else 0,
        "/Type": _BILGE_ALARM,
    }


def _water_meter(boat: Boat) -> Values:
    # A pulse per litre, shown in whole m3.
    return {"/Count": int(boat.counters.water * 1000), "/Aggregate": int(boat.counters.water)}


_VALUES: Final[dict[str, Callable[[Boat], Values]]] = {
    "system": _system,
    "vebus": _vebus,
    "battery": _battery,
    "solarcharger": _solarcharger,
    "dcdc": _dcdc,
    "alternator": _alternator,
    "navigation": _dc_load(lambda boat: boat.flows.navigation, lambda boat: boat.counters.navigation),
    "fridge_load": _dc_load(lambda boat: boat.flows.fridge, lambda boat: boat.counters.fridge),
    "genset": _genset,
    "generator": _generator,
    "gps": _gps,
    "fresh_water": _tank(_FRESH_WATER, "fresh_water"),
    "fuel": _tank(_FUEL, "fuel"),
    "waste_water": _tank(_WASTE_WATER, "waste_water"),
    "fridge": _temperature(_FRIDGE, "fridge"),
    "engine_room": _temperature(_GENERIC, "engine_room"),
    "outside": _temperature(_OUTDOOR, "outside"),
    "bilge_pump": _bilge_pump,
    "bilge_alarm": _bilge_alarm,
    "water_meter": _water_meter,
}

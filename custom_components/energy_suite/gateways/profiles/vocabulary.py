"""What a profile may speak of: kinds of device, units, and the keys that the whole suite shares.

One quantity has one key, whichever profile brings it. A key that is not here needs names of its own in the profile.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from types import MappingProxyType
from typing import Final

from ..base import Alarm, Danger, Severity

LANGUAGES = ("en", "fr")

KINDS = frozenset(
    {
        "breaker",
        "breaker_meter",
        "charger",
        "command_module",
        "electricity_meter",
        "generic_meter",
        "hybrid_inverter",
        "interface",
        "io_module",
        "output_module",
        "pulse_concentrator",
        "pulse_electricity_meter",
        "pulse_gas_meter",
        "pulse_water_meter",
        "state_command_module",
        "state_module",
        "virtual_meter",
    }
)

# Unit as a profile may give it -> the unit the suite measures in, and what makes one of the other.
UNITS: Mapping[str, tuple[str, Fraction]] = MappingProxyType(
    {
        unit: (canonical, Fraction(factor))
        for unit, canonical, factor in (
            ("W", "W", "1"),
            ("kW", "W", "1000"),
            ("VA", "VA", "1"),
            ("kVA", "VA", "1000"),
            ("var", "var", "1"),
            ("kvar", "var", "1000"),
            ("V", "V", "1"),
            ("mV", "V", "1/1000"),
            ("A", "A", "1"),
            ("mA", "A", "1/1000"),
            ("Hz", "Hz", "1"),
            ("mHz", "Hz", "1/1000"),
            ("Wh", "kWh", "1/1000"),
            ("kWh", "kWh", "1"),
            ("MWh", "kWh", "1000"),
            ("varh", "kvarh", "1/1000"),
            ("kvarh", "kvarh", "1"),
            ("Ah", "Ah", "1"),
            ("%", "%", "1"),
            ("°C", "°C", "1"),
            ("degC", "°C", "1"),
            ("s", "s", "1"),
            ("min", "s", "60"),
            ("h", "s", "3600"),
            ("m³", "m³", "1"),
            ("L", "m³", "1/1000"),
            ("kΩ", "kΩ", "1"),
            ("kOhm", "kΩ", "1"),
            ("°", "°", "1"),
        )
    }
)

# Words of other documents for what has a key here.
ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "energy_import": "energy_imported",
        "energy_export": "energy_exported",
        "reactive_energy_import": "reactive_energy_imported",
        "reactive_energy_export": "reactive_energy_exported",
        "current_limit": "charging_current",
        "rated_current": "maximum_current",
        "battery_soc": "state_of_charge",
        "battery_soh": "state_of_health",
        "pv_power": "solar_power",
        "serial_number": "serial",
        "firmware_version": "firmware",
    }
)


@dataclass(frozen=True)
class Term:
    """A key of the vocabulary: the unit it is measured in, and its names where the translations have none."""

    unit: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    any_unit: bool = False
    """Whether the unit depends on what is connected."""
    translation: str | None = None
    """The key of the translations, where it is not the term's own; they know the ``number`` of such a term."""
    number: int | None = None


def _plain(unit: str | None, *keys: str) -> Iterator[tuple[str, Term]]:
    for key in keys:
        yield key, Term(unit)


def _named(key: str, unit: str | None, english: str, french: str) -> Iterator[tuple[str, Term]]:
    yield key, Term(unit, {"en": english, "fr": french})


def _phased(unit: str | None, *keys: str) -> Iterator[tuple[str, Term]]:
    """Keys of which the translations know the total and each phase."""
    for key in keys:
        yield from _plain(unit, key, *(f"{key}_l{phase}" for phase in (1, 2, 3)))


def _named_phases(key: str, unit: str | None, english: str, french: str) -> Iterator[tuple[str, Term]]:
    for phase in (1, 2, 3):
        yield from _named(f"{key}_l{phase}", unit, f"{english} L{phase}", f"{french} L{phase}")


def _named_with_phases(key: str, unit: str | None, english: str, french: str) -> Iterator[tuple[str, Term]]:
    yield from _named(key, unit, english, french)
    yield from _named_phases(key, unit, english, french)


def _strings() -> Iterator[tuple[str, Term]]:
    """The strings of a PV array, each at its own tracker."""
    for number in range(1, 7):
        if number <= 4:
            yield from _plain("W", f"tracker_{number}_power")
            yield from _plain("V", f"tracker_{number}_voltage")
        else:
            yield from _named(f"tracker_{number}_power", "W", f"Tracker {number} power", f"Puissance traqueur {number}")
            yield from _named(
                f"tracker_{number}_voltage", "V", f"Tracker {number} voltage", f"Tension traqueur {number}"
            )
        yield from _named(f"tracker_{number}_current", "A", f"Tracker {number} current", f"Courant traqueur {number}")


def _inputs() -> Iterator[tuple[str, Term]]:
    for number in range(1, 13):
        yield from _named(f"input_{number}", None, f"Input {number}", f"Entrée {number}")
        analog = {"en": f"Analogue input {number}", "fr": f"Entrée analogique {number}"}
        yield f"analog_{number}", Term(names=analog, any_unit=True)
        yield from _named(f"output_{number}", None, f"Output {number}", f"Sortie {number}")
        for setting, english, french in (
            ("normal_state", f"Output {number} normal state", f"État normal de la sortie {number}"),
            ("mode", f"Output {number} mode", f"Mode de la sortie {number}"),
        ):
            names = {"en": english, "fr": french}
            yield f"output_{number}_{setting}", Term(names=names, translation=f"output_{setting}", number=number)
        yield from _named(f"output_{number}_on_time", "s", f"Output {number} ON time", f"ON time de la sortie {number}")
        yield from _named(f"relay_{number}", None, f"Relay {number}", f"Relais {number}")


def _daily() -> Iterator[tuple[str, Term]]:
    for key, english, french in (
        ("energy_imported", "Imported energy", "Énergie soutirée"),
        ("energy_exported", "Exported energy", "Énergie injectée"),
        ("energy_consumed", "Consumed energy", "Énergie consommée"),
        ("charged_energy", "Charged energy", "Énergie chargée"),
        ("discharged_energy", "Discharged energy", "Énergie déchargée"),
        ("output_energy", "Backup energy", "Énergie de secours"),
        ("ac_coupled_energy", "AC-coupled solar energy", "Énergie solaire côté CA"),
    ):
        yield from _named(f"{key}_today", "kWh", f"{english} today", f"{french} du jour")


VOCABULARY: Mapping[str, Term] = MappingProxyType(
    dict(
        (
            # meters
            *_phased("W", "power"),
            *_phased("V", "voltage"),
            *_phased("A", "current"),
            *_plain(None, "power_factor"),
            # Of a UPS it is that of the output, and so called in the translations.
            *_named_phases("power_factor", None, "Power factor", "Facteur de puissance"),
            *_phased("kWh", "energy_imported", "energy_exported"),
            *_plain("Hz", "frequency"),
            *_plain("kWh", "energy"),
            *_plain("VA", "apparent_power"),
            *_named_phases("apparent_power", "VA", "Apparent power", "Puissance apparente"),
            *_named_with_phases("reactive_power", "var", "Reactive power", "Puissance réactive"),
            *_named("reactive_energy_imported", "kvarh", "Imported reactive energy", "Énergie réactive soutirée"),
            *_named("reactive_energy_exported", "kvarh", "Exported reactive energy", "Énergie réactive injectée"),
            *_named("current_n", "A", "Neutral current", "Courant du neutre"),
            *_named("voltage_l1_l2", "V", "Voltage L1-L2", "Tension L1-L2"),
            *_named("voltage_l2_l3", "V", "Voltage L2-L3", "Tension L2-L3"),
            *_named("voltage_l3_l1", "V", "Voltage L3-L1", "Tension L3-L1"),
            *_named_phases("thd_voltage", "%", "Voltage distortion", "Distorsion de tension"),
            *_named_phases("thd_current", "%", "Current distortion", "Distorsion de courant"),
            *_named("pulse_total", None, "Pulses", "Impulsions"),
            # switchgear
            *_named("breaker", None, "Breaker", "Disjoncteur"),
            *_named("trip_cause", None, "Cause of the trip", "Cause du déclenchement"),
            *_named("voltage_sequence", None, "Phase sequence", "Ordre des phases"),
            *_named("open", None, "Open the breaker", "Ouvrir le disjoncteur"),
            *_named("close", None, "Close the breaker", "Fermer le disjoncteur"),
            *_named("reset", None, "Reset the breaker", "Réarmer le disjoncteur"),
            *_named("auxiliary_contact", None, "Auxiliary contact (CA)", "Contact auxiliaire (CA)"),
            *_named("fault_contact", None, "Fault signal contact (SD)", "Contact signal défaut (SD)"),
            *_inputs(),
            # storage and inverters
            *_plain("%", "state_of_charge", "state_of_health"),
            *_plain("W", "battery_power", "solar_power", "consumption_power", "nominal_power"),
            *_plain("W", "consumption_l1", "consumption_l2", "consumption_l3"),
            *_phased("W", "grid_power", "output_power"),
            *_phased("V", "output_voltage"),
            *_phased("A", "output_current"),
            *_plain("Hz", "output_frequency"),
            *_plain("%", "load_l1", "load_l2", "load_l3"),
            *_plain("V", "battery_voltage", "minimum_cell_voltage", "maximum_cell_voltage"),
            *_plain("A", "battery_current", "maximum_charge_current", "maximum_discharge_current"),
            *_plain("kWh", "charged_energy", "discharged_energy", "energy_produced", "energy_consumed", "yield_today"),
            *_daily(),
            *_named("output_energy", "kWh", "Backup energy", "Énergie de secours"),
            *_named("ac_coupled_power", "W", "AC-coupled solar power", "Puissance solaire côté CA"),
            *_named("ac_coupled_energy", "kWh", "AC-coupled solar energy", "Énergie solaire côté CA"),
            *_named_with_phases("inverter_power", "W", "Inverter power", "Puissance de l’onduleur"),
            *_named("inverter_reactive_power", "var", "Inverter reactive power", "Puissance réactive de l’onduleur"),
            *_named("inverter_apparent_power", "VA", "Inverter apparent power", "Puissance apparente de l’onduleur"),
            *_named("bus_voltage", "V", "DC bus voltage", "Tension du bus CC"),
            *_named("insulation_resistance", "kΩ", "Insulation resistance", "Résistance d’isolement"),
            *_named("leakage_current", "A", "Leakage current", "Courant de fuite"),
            *_named("minimum_state_of_charge", "%", "Minimum state of charge", "État de charge minimal"),
            *_named("working_mode", None, "Working mode", "Mode de fonctionnement"),
            *_named("inverter_state", None, "Inverter state", "État de l’onduleur"),
            *_named("battery_state", None, "Battery state", "État de la batterie"),
            *_named("grid_code", None, "Grid code", "Norme réseau"),
            *_named("active_grid_code", None, "Active grid code", "Norme réseau active"),
            *_named("battery_type", None, "Battery type", "Type de batterie"),
            *_named("meter_type", None, "Meter type", "Type de comptage"),
            *_named("charge_command", None, "Charging in command mode", "Charge en mode commande"),
            *_strings(),
            # temperatures
            *_plain("°C", "temperature", "battery_temperature", "ambient_temperature", "heatsink_temperature"),
            # charging stations
            *_plain("A", "charging_current", "maximum_current"),
            *_plain("kWh", "session_energy"),
            *_plain("s", "session_time", "charging_time"),
            *_named("status", None, "Status", "Statut"),
            *_named("priority", None, "Priority", "Priorité"),
            *_named("charging", None, "Charging", "Charge"),
            *_named("start", None, "Start", "Commencer"),
            *_named("hold", None, "Wait", "Attendre"),
            *_named("ev_socket", None, "EV socket", "Prise VE"),
            *_named("domestic_socket", None, "Domestic socket", "Prise domestique"),
            *_named("rfid", None, "RFID badge", "Badge RFID"),
            *_named("powered", None, "Powered", "Sous tension"),
            *_named("vehicle_connected", None, "Vehicle connected", "Véhicule branché"),
            *_named("error_station", None, "Fault of the station", "Défaut de la borne"),
            *_named("error_charge", None, "Fault of the charge", "Défaut de charge"),
            # identity: no entities
            *_plain(None, "serial", "model", "firmware"),
        )
    )
)

STATES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "breaker": ("open", "closed", "tripped"),
        "trip_cause": ("none", "overload", "short_circuit", "ground_fault", "residual_current"),
        "voltage_sequence": ("correct", "error"),
        "status": ("available", "charging", "waiting", "fault"),
        "priority": ("normal", "priority"),
        "output_1_normal_state": ("normally_open", "normally_closed"),
        "output_1_mode": ("impulse", "blinking"),
    }
)
"""Keys whose words the translations know; those of the first output are those of all."""

RELAYS: Final = range(1, 13)

_OUTPUT = re.compile(r"(output|relay)_[0-9]+(_.*)?")
_SWITCHGEAR: Final[Mapping[str, Danger]] = MappingProxyType(
    {
        **dict.fromkeys(("breaker", "breaker_meter", "command_module", "state_command_module"), Danger.BREAKER),
        **dict.fromkeys(("io_module", "output_module"), Danger.OUTPUTS),
    }
)
"""Kinds that switch power -> what may happen by a key of theirs that nothing is known of."""
_HARMLESS: Final = frozenset(
    {
        *("energy", "energy_imported", "energy_exported", "pulse_total"),
        *("reactive_energy_imported", "reactive_energy_exported"),
    }
)
"""Keys of switchgear that switch nothing, whatever is written: counters, which may be set back."""


def usual_danger(key: str, kind: str) -> Danger | None:
    """The control that has to be enabled first for what has this key, unless the profile says another.

    Whatever can be written on switchgear needs one, unless it is known to be harmless; on other devices, what is a
    breaker, an output or a relay by its name. What a charging station gives its vehicle needs none.
    """
    if key == "breaker" or (kind in _SWITCHGEAR and key in ("open", "close", "reset")):
        return Danger.BREAKER
    if _OUTPUT.fullmatch(key):
        return Danger.OUTPUTS
    return None if key in _HARMLESS else _SWITCHGEAR.get(kind)


def offered_danger(danger: Danger | None, offered: Collection[Danger]) -> Danger | None:
    """What a control counts as behind a gateway that offers these: itself, else the first that is as grave.

    Otherwise nobody could ever enable it.
    """
    if danger is None or danger in offered:
        return danger
    return next((each for each in offered if each.drops_load == danger.drops_load), danger)


IDENTITY = ("serial", "model", "firmware")
"""Keys that say who a device is: for its page, not entities."""


def names_of(key: str, own: Mapping[str, str]) -> Mapping[str, str]:
    """What a key is called, by language: the profile's own names, else the vocabulary's."""
    if own:
        return own
    term = VOCABULARY.get(key)
    return term.names if term else {}


def in_language(texts: Mapping[str, str], language: str) -> str | None:
    """The text in a language, English where there is none."""
    return texts.get(language.split("-", maxsplit=1)[0]) or texts.get("en")


# --- alarms that follow from states ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class StateAlarm:
    """An alarm that a device raises while a key has a value."""

    key: str
    alarm: Alarm
    word: str | None = None
    """The word of the map that raises it; without one every number but 0, which is its code, and yes."""


_TRIPPED: Final = Alarm("breaker_tripped", Severity.CRITICAL, True)
_STATION_FAULT: Final = Alarm("station_fault", Severity.CRITICAL, True)

STATE_ALARMS: Final = (
    StateAlarm("breaker", _TRIPPED, "tripped"),
    StateAlarm("fault_contact", _TRIPPED),
    # The number says more than the state.
    StateAlarm("error_station", _STATION_FAULT),
    StateAlarm("status", _STATION_FAULT, "fault"),
    StateAlarm("error_charge", Alarm("charge_fault", Severity.WARNING)),
)
"""In this order; an alarm that two states raise is raised once, by the first."""

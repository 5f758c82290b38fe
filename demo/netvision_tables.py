"""What a NET VISION card serves, and where: Modbus words and SNMP objects.

Addresses, bits, scales, types and ranges come from the data files alone (`data/netvision/README.md`); this module adds
only which quantity or flag of the equipment (`ups`) each row shows.
"""

import csv
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from .snmp_wire import Oid, oid
from .ups import Readings

DATA: Final = Path(__file__).parent / "data" / "netvision"

JBUSP: Final = "jbusp"
VUMAP: Final = "vumap"
STS: Final = "sts"
MAPS: Final = (JBUSP, VUMAP, STS)

NOT_MANAGED: Final = 0xFFFF

# A row's unit in terms of the model's.
_UNITS: Final = {"kW": 1000.0, "kVA": 1000.0, "min": 60.0}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a Modbus table. `tenths`: the word counts tenths of `scale` where the measurement factor says so."""

    kind: str
    acronym: str
    address: int
    bit: int | None
    level: str
    name: str
    unit: str
    scale: float | None
    tenths: bool
    value: str


@dataclass(frozen=True, slots=True)
class Block:
    """A range of addresses that may be read, whole or in part."""

    address: int
    count: int

    def holds(self, address: int, count: int) -> bool:
        """Whether the read lies within."""
        return self.address <= address and address + count <= self.address + self.count


@dataclass(frozen=True, slots=True)
class MibRow:
    """One object, alarm identity or trap of `snmp.csv`; `conditions` are over the bits of each Modbus table."""

    mib: str
    name: str
    oid: Oid
    kind: str
    type: str
    unit: str
    scale: float | None
    bounds: tuple[int, int] | None
    format: str
    values: frozenset[int]
    access: str
    conditions: Mapping[str, str]
    trap: int
    objects: tuple[str, ...]


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


@cache
def load_map(name: str) -> tuple[Row, ...]:
    """Return the rows of a Modbus table."""
    return tuple(
        Row(
            row["kind"],
            row["acronym"],
            int(row["address"], 16),
            int(row["bit"]) if row["bit"] else None,
            row["level"],
            row["name"],
            row["unit"],
            float(row["scale"]) if row["scale"] else None,
            bool(row["tenths"]),
            row["value"],
        )
        for row in _rows(f"{name}.csv")
    )


@cache
def load_blocks(name: str) -> tuple[Block, ...]:
    """Return what may be read of a Modbus table."""
    return tuple(Block(int(row["address"], 16), int(row["count"])) for row in _rows("blocks.csv") if row["map"] == name)


@cache
def load_mib() -> tuple[MibRow, ...]:
    """Return the rows of the MIBs."""
    return tuple(
        MibRow(
            row["mib"],
            row["name"],
            oid(row["oid"]),
            row["kind"],
            row["type"],
            row["unit"],
            float(row["scale"]) if row["scale"] else None,
            (int(row["minimum"]), int(row["maximum"])) if row["maximum"] else None,
            row["format"],
            frozenset(int(value) for value in row["values"].split()),
            row["access"],
            {name: row[name] for name in MAPS},
            int(row["trap"] or 0),
            tuple(row["objects"].split()),
        )
        for row in _rows("snmp.csv")
    )


def _phases(*names: str) -> tuple[str, ...]:
    return tuple(f"{name}_l{number}" for name in names for number in (1, 2, 3))


def _pairs(name: str) -> tuple[str, ...]:
    return tuple(f"{name}_{pair}" for pair in ("l12", "l23", "l31"))


# The measures of each table in the order of their acronyms; "" is a row that shows nothing here.
MEASURES: Final[Mapping[str, tuple[str, ...]]] = {
    JBUSP: (
        *_phases("load"),
        "load",
        "state_of_charge",
        "battery_capacity",
        *_phases("bypass_voltage", "output_voltage", "input_current", "output_current"),
        "bypass_frequency",
        "output_frequency",
        "battery_voltage",
        "battery_voltage_negative",
        "ambient_temperature",
        "time_to_go",
        "battery_current",
        *[""] * 8,
        *_phases("input_voltage"),
        "output_power",
        *_phases("apparent_power"),
        *[""] * 3,
        "input_frequency",
        *[""] * 4,
    ),
    VUMAP: (
        "load",
        *_phases("load"),
        "apparent_power",
        "output_power",
        *_phases("output_current"),
        "output_current_n",
        *_phases("output_voltage"),
        "output_frequency",
        "crest_factor",
        "ambient_temperature",
        "battery_voltage",
        "battery_voltage_negative",
        "battery_current",
        "battery_current_negative",
        *[""] * 2,
        "state_of_charge",
        "battery_capacity",
        "time_to_go",
        "time_on_battery",
        "battery_temperature",
        "battery_mean_temperature",
        "dc_storage_voltage",
        "dc_storage_temperature",
        *[""] * 2,
        *_phases("input_voltage"),
        "input_frequency",
        *_pairs("input_voltage"),
        *_phases("bypass_voltage"),
        "bypass_frequency",
        *_pairs("bypass_voltage"),
        *[""] * 2,
        *_phases("apparent_power", "output_power"),
        *_pairs("output_voltage"),
        *_phases("power_factor", "crest_factor"),
        "crest_factor_n",
        *_phases("input_current", "input_power", "bypass_current", "bypass_power"),
        *[""] * 4,
    ),
    STS: (
        *_phases("source_1_voltage"),
        *_pairs("source_1_voltage"),
        "source_1_frequency",
        "static_switch_1_temperature",
        *_phases("source_2_voltage"),
        *_pairs("source_2_voltage"),
        "source_2_frequency",
        "static_switch_2_temperature",
        *_phases("output_voltage"),
        *_pairs("output_voltage"),
        "output_frequency",
        "",
        *_phases("output_current"),
        "output_current_n",
        "",
        "load",
        "",
        "phase_shift",
        *_phases("apparent_power", "power_factor"),
        *[""] * 2,
        *_phases("crest_factor"),
        "crest_factor_n",
        *[""] * 3,
        "ambient_temperature",
        *_phases("output_power"),
        "output_power",
        *[""] * 4,
        *_phases("load"),
        "load_n",
        *[""] * 4,
    ),
}

# Rated values among the configuration words.
RATED: Final[Mapping[str, Mapping[str, str]]] = {
    JBUSP: {
        "I01": "rated_apparent_power",
        "T00": "rated_input_voltage",
        "T01": "rated_output_voltage",
        "T02": "rated_input_frequency",
        "T03": "rated_output_frequency",
        "T08": "rated_battery_capacity",
    },
    VUMAP: {"T005": "rated_apparent_power", "T006": "rated_power"},
    STS: {},
}


def _units(letter: str, first: int, digits: int, flag: str, count: int) -> dict[str, str]:
    return {f"{letter}{first + n:0{digits}}": f"unit_{n + 1}_{flag}" for n in range(count)}


# The flag that each bit shows; a bit that is not here is never set by the model.
BITS: Final[Mapping[str, Mapping[str, str]]] = {
    JBUSP: {
        "S00": "mains_present",
        "S01": "inverter_on",
        "S02": "rectifier_on",
        "S03": "on_inverter",
        "S04": "bypass_on",
        "S05": "on_battery",
        "S06": "remote_control_disabled",
        "S07": "eco",
        "S08": "standby",
        "S10": "battery_test",
        "S13": "battery_test_supported",
        "S14": "battery_test_failed",
        "S15": "low_battery",
        "S16": "battery_discharged",
        "S17": "battery_ok",
        "S23": "synchronised",
        "S26": "bypass_present",
        "S27": "charging",
        "S30": "parallel",
        **_units("S", 32, 2, "present", 6),
        "S46": "generator",
        "S48": "service",
        "A01": "battery_alarm",
        "A02": "overload",
        "A05": "mains_bad",
        "A06": "bypass_bad",
        "A07": "temperature_alarm",
        "A08": "maintenance_bypass",
        "A31": "imminent_stop",
        **_units("A", 32, 2, "alarm", 6),
        "A43": "redundancy_lost",
        "A46": "transfer_impossible",
        "A48": "maintenance_bypass",
        "A49": "battery_discharged",
        "A59": "battery_disconnected",
        "A60": "fan_failure",
    },
    VUMAP: {
        "S000": "on_inverter",
        "S002": "on_bypass",
        "S003": "maintenance_bypass",
        "S004": "load_off",
        "S006": "eco",
        "S009": "service",
        "S011": "operating",
        "S012": "available",
        "S013": "standby",
        "S023": "generator",
        "S032": "battery_ok",
        "S033": "battery_charged",
        "S034": "battery_test",
        "S036": "charging",
        "S048": "mains_present",
        "S049": "rectifier_on",
        "S050": "charging",
        "S052": "inverter_on",
        "S053": "on_inverter",
        "S056": "bypass_present",
        "S057": "bypass_on",
        "S058": "synchronised",
        **_units("S", 96, 3, "in_service", 15),
        **_units("S", 112, 3, "available", 15),
        "A000": "imminent_stop",
        "A001": "overload",
        "A002": "temperature_alarm",
        "A004": "transfer_impossible",
        "A006": "redundancy_lost",
        "A016": "battery_disconnected",
        "A017": "battery_discharged",
        "A018": "low_battery",
        "A019": "on_battery",
        "A022": "battery_test_failed",
        "A027": "battery_alarm",
        "A035": "mains_bad",
        "A050": "bypass_bad",
        "A054": "fan_failure",
        "A056": "maintenance_bypass",
        **_units("A", 96, 3, "alarm", 15),
        **_units("A", 112, 3, "imminent_stop", 15),
    },
    STS: {
        "S000": "source_1_ok",
        "S001": "source_1_critical",
        "S002": "source_1_out_of_tolerance",
        "S003": "source_1_absent",
        "S004": "path_1_ok",
        "S006": "source_2_ok",
        "S007": "source_2_critical",
        "S008": "source_2_out_of_tolerance",
        "S009": "source_2_absent",
        "S010": "path_2_ok",
        "S012": "synchronised",
        "S013": "sliding",
        "S014": "not_synchronised",
        "S015": "synchronised",
        "S016": "preferred_1",
        "S017": "on_preferred",
        "S018": "on_alternate",
        "S019": "load_off",
        "S020": "manual_bypass_1",
        "S021": "manual_bypass_2",
        "S023": "on_source_1",
        "S024": "on_source_2",
        "S026": "transfer_locked",
        "S028": "output_ok",
        "S029": "output_bad",
        "S030": "output_absent",
        "S035": "switch_1_closed",
        "S036": "switch_2_closed",
        "S045": "remote_control",
        "A000": "imminent_stop",
        "A002": "manual_bypass",
        "A003": "overload",
        "A007": "transfer_impossible",
        "A018": "temperature_alarm",
    },
}

# The bit that says that any other alarm bit is set.
GENERAL_ALARM: Final = {JBUSP: "A00", VUMAP: "A015", STS: "A031"}


def bits(name: str, readings: Readings, forced: Collection[str] = ()) -> frozenset[str]:
    """Return the acronyms of the bits of a table that are set; `forced` are set whatever the equipment says."""
    known = {row.acronym for row in load_map(name) if row.bit is not None}
    raised = {bit for bit, flag in BITS[name].items() if flag in readings.flags} | known.intersection(forced)
    if any(bit.startswith("A") for bit in raised):
        raised.add(GENERAL_ALARM[name])
    return frozenset(raised)


def words(name: str, readings: Readings, raised: Collection[str], *, tenths: bool) -> dict[int, int]:
    """Return the words of a table by address: bits, measures and rated values. `tenths`: the measurement factor."""
    served = {block.address + offset: 0 for block in load_blocks(name) for offset in range(block.count)}
    for row in load_map(name):
        match row.kind:
            case "state" | "alarm":
                if row.acronym in raised and row.bit is not None:
                    served[row.address] |= 1 << row.bit
            case "measure":
                quantity = MEASURES[name][int(row.acronym[1:])]
                served[row.address] = word(row, readings.measures.get(quantity), tenths=tenths)
            case "ident" | "config":
                if quantity := RATED[name].get(row.acronym, ""):
                    served[row.address] = word(row, readings.measures.get(quantity), tenths=tenths)
    return served


def word(row: Row, value: float | None, *, tenths: bool) -> int:
    """Return the word that shows a value of the model's unit; what is not managed or has no scale is 0xFFFF."""
    if value is None or row.scale is None:
        return NOT_MANAGED
    scale = row.scale / 10 if row.tenths and tenths else row.scale
    return round(value / _UNITS.get(row.unit, 1.0) / scale) & 0xFFFF


def number(row: MibRow, value: float | None) -> int | None:
    """Return the integer that shows a value of the model's unit; None stays None."""
    return None if value is None else round(value / _UNITS.get(row.unit, 1.0) / (row.scale or 1.0))


def holds(condition: str, raised: Collection[str]) -> bool:
    """Whether a condition such as `S04 and not S07` or `S16 or A49` is met; an empty one never is."""
    return any(
        all((term.removeprefix("not ") in raised) is not term.startswith("not ") for term in alternative.split(" and "))
        for alternative in condition.split(" or ")
        if alternative
    )


# What each object shows: a measure, a state or a text of the card. `{row}`: the row of a table with one per phase.
OBJECTS: Final[Mapping[str, Mapping[str, str]]] = {
    "NETVISION": {
        "upsIdentModel": "model",
        "upsIdentSerialNumber": "serial_number",
        "upsIdentUserRef": "reference",
        "upsIdentUserLocation": "location",
        "upsIdentAgentSoftwareVersion": "agent_version",
        "upsSystemName": "name",
        "upsSystemContact": "contact",
        "upsSystemLocation": "location",
        "upsBatteryStatus": "battery_status",
        "upsSecondsOnBattery": "time_on_battery",
        "upsEstimatedMinutesRemaining": "time_to_go",
        "upsEstimatedChargeRemaining": "state_of_charge",
        "upsBatteryVoltage": "battery_voltage",
        "upsBatteryTemperature": "battery_temperature",
        "upsAmbientTemperature": "ambient_temperature",
        "upsBatteryCurrent": "battery_current",
        # A real card says 0 here whatever the battery holds.
        "upsBatterySOC": "zero",
        "upsInputNumLines": "lines",
        "upsInputFrequency": "input_frequency",
        "upsInputLineIndex": "row",
        "upsInputVoltage": "input_voltage_l{row}",
        "upsInputCurrent": "input_current_l{row}",
        "upsInputVoltageMax": "input_voltage_l{row}",
        "upsInputVoltageMin": "input_voltage_l{row}",
        "upsOutputSource": "output_source",
        "upsOutputFrequency": "output_frequency",
        "upsOutputNumLines": "lines",
        "upsOutputLineIndex": "row",
        "upsOutputVoltage": "output_voltage_l{row}",
        "upsOutputCurrent": "output_current_l{row}",
        "upsOutputPercentLoad": "load_l{row}",
        "upsOutputKva": "apparent_power_l{row}",
        "upsOutputKw": "output_power_l{row}",
        "upsOutputGlobalKva": "apparent_power",
        "upsOutputGlobalKw": "output_power",
        "upsOutputLoadRate": "load",
        "upsBypassFrequency": "bypass_frequency",
        "upsBypassNumLines": "lines",
        "upsBypassLineIndex": "row",
        "upsBypassVoltage": "bypass_voltage_l{row}",
        "upsBypassCurrent": "bypass_current_l{row}",
        "upsConfigNomKva": "rated_apparent_power",
        "upsConfigNbrUnit": "units",
        "upsConfigUnitKva": "unit_apparent_power",
        "upsConfigRemoteCtrl": "remote_control",
        "emdStatusTemperature": "emd_temperature",
        "emdStatusHumidity": "emd_humidity",
        "emdStatusIn1Active": "emd_input_1",
        "emdStatusIn2Active": "emd_input_2",
    },
    "RFC1628": {
        "upsIdentManufacturer": "manufacturer",
        "upsIdentModel": "model",
        "upsIdentUPSSoftwareVersion": "firmware",
        "upsIdentAgentSoftwareVersion": "agent_version",
        "upsBatteryStatus": "rfc_battery_status",
        "upsSecondsOnBattery": "rfc_time_on_battery",
        "upsEstimatedMinutesRemaining": "time_to_go",
        "upsEstimatedChargeRemaining": "state_of_charge",
        "upsBatteryVoltage": "battery_voltage",
        "upsBatteryCurrent": "battery_current",
        "upsBatteryTemperature": "battery_temperature",
        "upsInputLineBads": "zero",
        "upsInputNumLines": "lines",
        "upsInputFrequency": "input_frequency",
        "upsInputVoltage": "input_voltage_l{row}",
        "upsInputCurrent": "input_current_l{row}",
        "upsInputTruePower": "input_power_l{row}",
        "upsOutputSource": "rfc_output_source",
        "upsOutputFrequency": "output_frequency",
        "upsOutputNumLines": "lines",
        "upsOutputVoltage": "output_voltage_l{row}",
        "upsOutputCurrent": "output_current_l{row}",
        "upsOutputPower": "output_power_l{row}",
        "upsOutputPercentLoad": "load_l{row}",
        "upsBypassFrequency": "bypass_frequency",
        "upsBypassNumLines": "lines",
        "upsBypassVoltage": "bypass_voltage_l{row}",
        "upsBypassCurrent": "bypass_current_l{row}",
        "upsBypassPower": "bypass_power_l{row}",
        "upsTestResultsDetail": "nothing",
        "upsTestStartTime": "zero",
        "upsTestElapsedTime": "zero",
        "upsTestResultsSummary": "rfc_test_result",
        "upsConfigOutputVA": "rated_apparent_power",
        "upsConfigOutputPower": "rated_power",
    },
    "STS": {
        "stsIdentModel": "model",
        "stsIdentSerialNumber": "serial_number",
        "stsIdentFirmwareVersion": "firmware",
        "stsIdentAgentSoftwareVersion": "agent_version",
        "stsIdentUserRef": "reference",
        "stsIdentUserLocation": "location",
        "stsSystemName": "name",
        "stsSystemContact": "contact",
        "stsSystemLocation": "location",
        "stsSource1Status": "source_1_status",
        "stsSource1Preferred": "source_1_preferred",
        "stsSource1Frequency": "source_1_frequency",
        "stsSource1NumLines": "lines",
        "stsSource1LineIndex": "row",
        "stsSource1Voltage": "source_1_voltage_l{row}",
        "stsSource2Status": "source_2_status",
        "stsSource2Preferred": "source_2_preferred",
        "stsSource2Frequency": "source_2_frequency",
        "stsSource2NumLines": "lines",
        "stsSource2LineIndex": "row",
        "stsSource2Voltage": "source_2_voltage_l{row}",
        "stsSourceInteraction": "synchronisation",
        "stsOutputLoadStatus": "load_status",
        "stsOutputStatus": "switch_status",
        "stsOutputFrequency": "output_frequency",
        "stsOutputLoadRate": "load",
        "stsOutputNumLines": "lines",
        "stsOutputLineIndex": "row",
        "stsOutputVoltage": "output_voltage_l{row}",
        "stsOutputCurrent": "output_current_l{row}",
        "stsOutputkVA": "apparent_power_l{row}",
        "stsOutputkW": "output_power_l{row}",
        "stsOutputCrestFactor": "crest_factor_l{row}",
        "stsOutputPowerFactor": "power_factor_l{row}",
        "stsAgentTrapString": "trap_text",
    },
}

# What the settings are when the card leaves the factory, and, for a table, how many rows it has. A text or number that
# holds {row} follows the row.
SETTINGS: Final[Mapping[str, int | str]] = {
    "upsShutdownDelay": 180,
    "upsTurnOffAfterShutdown": 2,
    "upsControlEventStatus": 1,
    "upsControlDelay": 5,
    "upsControlFirstWarning": 30,
    "upsControlWarningInterval": 30,
    "upsControlWeeklyShutdownDay": 8,
    "upsControlWeeklyShutdownTime": "00:00",
    "upsControlWeeklyRestartDay": 8,
    "upsControlWeeklyRestartTime": "00:00",
    "upsControlSpecialShutdownDay": "00/00/0000",
    "upsControlSpecialShutdownTime": "00:00",
    "upsControlSpecialRestartDay": "00/00/0000",
    "upsControlSpecialRestartTime": "00:00",
    "upsControlEcoModeStartDay": 8,
    "upsControlEcoModeStartTime": "00:00",
    "upsControlEcoModeEndDay": 8,
    "upsControlEcoModeEndTime": "00:00",
    "upsAgentIpaddress": "192.0.2.18",
    "upsAgentGateway": "192.0.2.1",
    "upsAgentSubnetMask": "255.255.255.0",
    "upsAgentDate": "15/06/2026",
    "upsAgentTime": "12:00:00",
    "upsAgentNtpTimeServer": "",
    "upsAgentNtpTimeZone": 38,
    "upsAgentHistoryLogFrequency": 60,
    "upsAgentExtHistoryLogFrequency": 60,
    "upsAgentPollRate": 2,
    "upsAgentBaudRate": 9600,
    "upsAgentDhcpStatus": 2,
    "upsAgentTelnetStatus": 2,
    "upsAgentTftpStatus": 2,
    "upsAgentResetToDefault": 2,
    "upsAgentRestart": 2,
    "upsAgentClearAgentLog": 2,
    "upsAgentClearEventLog": 2,
    "upsAgentClearExtHistoryLog": 2,
    "upsAgentClearHistoryLog": 2,
    "trapsReceiverAddr": "",
    "receiverCommunityString": "public",
    "receiverNmstype": 1,
    "firewallControlAddr": "0.0.0.0",  # noqa: S104 - a row of the card's own firewall table
    "firewallPrefixLength": 1,
    "firewallActionMode": 1,
    "upsAgentMibVersion": 811,
    "upsAgentTrapString": "",
    "addrOfDevice": "192.0.2.4{row}",
    "nameOfDevice": "server-{row}",
    "timeOfConnection": "15/06/2026 08:0{row}:00",
    "statusOfConnection": 1,
    "severityOfConnection": 1,
    # RFC 1628
    "upsIdentName": "",
    "upsIdentAttachedDevices": "",
    "upsTestId": "1.3.6.1.2.1.33.1.7.7.1",
    "upsTestSpinLock": 1,
    "upsShutdownType": 1,
    "upsShutdownAfterDelay": -1,
    "upsStartupAfterDelay": -1,
    "upsRebootWithDuration": -1,
    "upsAutoRestart": 1,
    "upsConfigInputVoltage": 230,
    "upsConfigInputFreq": 500,
    "upsConfigOutputVoltage": 230,
    "upsConfigOutputFreq": 500,
    "upsConfigLowBattTime": 2,
    "upsConfigAudibleStatus": 2,
    "upsConfigLowVoltageTransferPoint": 180,
    "upsConfigHighVoltageTransferPoint": 265,
}

# The rows of each table of settings, by the object of its first column.
TABLE_ROWS: Final[Mapping[Oid, int]] = {
    oid("1.3.6.1.4.1.4555.1.1.7.1.7.4"): 13,
    oid("1.3.6.1.4.1.4555.1.1.7.1.7.5"): 7,
    oid("1.3.6.1.4.1.4555.1.1.7.1.7.6"): 8,
    oid("1.3.6.1.4.1.4555.1.1.7.1.7.7"): 7,
    oid("1.3.6.1.4.1.4555.1.1.7.1.8.5"): 2,
    oid("1.3.6.1.4.1.4555.1.1.7.1.9.21"): 8,
    oid("1.3.6.1.4.1.4555.1.1.7.1.9.22"): 1,
}

_FORMATS: Final = {
    "hh:mm": re.compile(r"([01]\d|2[0-3]):[0-5]\d"),
    "hh:mm:ss": re.compile(r"([01]\d|2[0-3])(:[0-5]\d){2}"),
    "dd/mm/yyyy": re.compile(r"(0[1-9]|[12]\d|3[01])/(0[1-9]|1[0-2])/\d{4}|00/00/0000"),
}


def fits(row: MibRow, value: int | str) -> bool:
    """Whether an object may take a value: its enumeration and range, or its format."""
    if isinstance(value, str):
        return not row.format or bool(_FORMATS[row.format].fullmatch(value))
    low, high = row.bounds or (-(2**31), 2**31 - 1)
    return low <= value <= high and (not row.values or value in row.values)

"""Writes docs/netvision_registers.md: for each row of a NET VISION card's tables, what becomes of it, or why nothing.

What a measure or a bit becomes is looked up in the tables of the gateway; what identity, configuration and control
become is told here, and so is why a row is left out.
"""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from custom_components.energy_suite.gateways.netvision.bits import ALARMS, CARD_ALARMS, names
from custom_components.energy_suite.gateways.netvision.quantities import (
    PRODUCT_CODES,
    QUANTITIES,
    REFERENCE,
    SERIAL,
    Object,
    Table,
    Word,
)
from custom_components.energy_suite.gateways.netvision.status import (
    ACTIVE_SOURCE,
    CONDITIONS,
    PREFERRED_SOURCE,
    STATUSES,
    unit_rules,
)

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "docs" / "netvision_registers.md"
LISTS = ROOT / "demo" / "data" / "netvision"

HEADER = """\
# Registers and objects of a NET VISION card

What Energy Suite makes of each row of the tables that a NET VISION 8 card documents. Written by
`scripts/netvision_table`; a test compares it with the code.

* *quantity* `key` is a measure, in the unit of its entity whatever the channel.
* *alarm* `key` is an alarm of the UPS or static transfer switch, or of the card.
* *state* `key` is a state that is derived from this and other rows.
* *identity* is what the device's page in Home Assistant says.
* *configuration* decides which devices and entities there are, and how the rest is read.
* *control* is written by an action, a button, a number or a switch, by SNMP alone: the card refuses every write by
  Modbus.
* *environment* belongs to the environment device (EMD).
* *trap*: receiving it makes the card be read at once. What it says is not believed.
* *diagnostics* are in the diagnostics of the card alone.
* *left out* says why.

"""


class Fate(StrEnum):
    """What may become of a row."""

    QUANTITY = "quantity"
    ALARM = "alarm"
    STATE = "state"
    IDENTITY = "identity"
    CONFIGURATION = "configuration"
    CONTROL = "control"
    ENVIRONMENT = "environment"
    TRAP = "trap"
    DIAGNOSTICS = "diagnostics"
    LEFT_OUT = "left out"


@dataclass(frozen=True)
class Use:
    """One thing that becomes of a row, and which one, or why nothing does."""

    fate: Fate
    what: str = ""

    def __str__(self) -> str:
        """As the table says it."""
        match self.fate:
            case Fate.QUANTITY | Fate.ALARM | Fate.STATE:
                return f"{self.fate} `{self.what}`"
            case _:
                return f"{self.fate}: {self.what}" if self.what else str(self.fate)


@dataclass(frozen=True)
class Row:
    """A row of one of the tables."""

    section: str
    kind: str
    acronym: str
    place: str
    """Address, and the bit in it; or the object's identifier."""
    name: str
    address: int = 0
    bit: int | None = None
    value: str = ""


# --- the rows --------------------------------------------------------------------------------------------------------

MODBUS = {"JBUSP": Table.JBUSP, "VU-MAP": Table.VUMAP, "STS": Table.STS}
MIBS = {"NETVISION": "UPS MIB", "RFC1628": "RFC 1628", "STS": "STS MIB"}
SNMP = {"UPS MIB": Table.UPS_MIB, "STS MIB": Table.STS_MIB}
OID_ROOTS = {
    "UPS MIB": "1.3.6.1.4.1.4555.1.1.7.1",
    "RFC 1628": "1.3.6.1.2.1.33.1",
    "STS MIB": "1.3.6.1.4.1.4555.1.1.10.1",
}

# What is documented, but of no use even to a simulator: groups of columns, and rows of other sources than the manual.
GROUPS = {
    "UPS MIB": {
        "upsInputTable": "3.3",
        "upsOutputTable": "4.4",
        "upsBypassTable": "5.3",
        "upsAlarmTable": "6.2",
        "upsControlShutdownParametersTable": "7.4",
        "upsControlWeeklyScheduleTable": "7.5",
        "upsControlSpecialScheduleTable": "7.6",
        "upsControlEcoModeScheduleTable": "7.7",
        "upsDevicesTable": "8.5",
        "upsAgentTrapsReceiversTable": "9.21",
        "upsAgentAccessControlTable": "9.22",
    },
    "STS MIB": {
        "stsSource1Table": "2.5",
        "stsSource1Entry": "2.5.1",
        "stsSource2Table": "3.5",
        "stsSource2Entry": "3.5.1",
        "stsOutputTable": "5.6",
        "stsOutputEntry": "5.6.1",
    },
}
OTHER_ROWS = (
    Row("JBUSP", "product_code", "I00", "0x1000", "DIGYS", 0x1000, value="130"),
    Row("JBUSP", "extra", "", "0x1360", "Time and date"),
    Row("UPS MIB", "trap", "", "1.3.6.1.4.1.4555.1.1.7.2.0.40", "Test trap"),
)


def _read(name: str) -> Iterator[dict[str, str]]:
    with (LISTS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


@cache
def rows() -> tuple[Row, ...]:
    """Every row of the four tables."""
    found: list[Row] = []
    for section, table in MODBUS.items():
        for line in _read(table.value):
            bit = int(line["bit"]) if line["bit"] else None
            place = line["address"] if bit is None else f"{line['address']} b{bit:02}"
            address = int(line["address"], 16)
            found.append(Row(section, line["kind"], line["acronym"], place, line["name"], address, bit, line["value"]))
    found += (
        Row(MIBS[line["mib"]], line["kind"], "", f"{line['oid']}{_trap_suffix(line)}", line["name"])
        for line in _read("snmp")
    )
    for section, groups in GROUPS.items():
        for name, suffix in groups.items():
            found.append(Row(section, "table", "", f"{OID_ROOTS[section]}.{suffix}", name))
    return (*found, *OTHER_ROWS)


def _trap_suffix(line: Mapping[str, str]) -> str:
    return f".0.{line['trap']}" if line["kind"] == "trap" else ""


# --- what the gateway's tables make of them --------------------------------------------------------------------------


def _asked(table: Table) -> Iterator[tuple[str, Use]]:
    """Each condition of a table, and what it is for."""
    for alarm in (*ALARMS, *CARD_ALARMS):
        yield alarm.condition(table), Use(Fate.ALARM, alarm.key)
    states = [(key, rules) for key, rules in STATUSES.items() if table in rules.default]
    units = [("unit_status", unit) for number in range(1, 16) if table in (unit := unit_rules(number)).default]
    for key, rules in (*states, *units):
        for _, conditions in rules.rows:
            yield conditions.get(table, ""), Use(Fate.STATE, key)
    sources = (("preferred_source", PREFERRED_SOURCE), ("active_source", ACTIVE_SOURCE))
    for key, conditions in (*CONDITIONS.items(), *((key, each) for key, all_ in sources for each in all_.values())):
        yield conditions.get(table, ""), Use(Fate.STATE, key)


@cache
def _bits(table: Table) -> Mapping[str, tuple[Use, ...]]:
    """Bit -> the alarms and states that ask for it."""
    found: dict[str, dict[Use, None]] = defaultdict(dict)
    for condition, use in _asked(table):
        for name in sorted(names(condition)):
            found[name][use] = None
    return {name: tuple(uses) for name, uses in found.items()}


def _measures(table: Table) -> dict[int | str, list[Use]]:
    """Address, or object without its row or instance -> the quantities there."""
    found: dict[int | str, list[Use]] = defaultdict(list)
    for quantity in QUANTITIES:
        match quantity.place(table):
            case Word(address):
                found[address].append(Use(Fate.QUANTITY, quantity.key))
            case Object(suffix):
                found[suffix.rpartition(".")[0]].append(Use(Fate.QUANTITY, quantity.key))
    return found


# --- what is told here -----------------------------------------------------------------------------------------------

NO_LABEL = "it has no label in the manual"
FREE = "it is free"
PROGRAMMABLE = "what it means is programmed on site"
BREAKER = "the position of a switch or breaker, for whoever works on it"
STEP = "a step that passes by itself"
UNCLEAR = "the manual does not say what it means"
NO_SCALE = "its unit or factor is not given"
AGENT = "administration of the card, done on its own page"
NOT_USED = "not used"
INSTALLED = "how it is installed, which does not change"
STRUCTURE = "it groups columns, which have rows of their own"
NUMBER = "the number of a row, which is in the identifier too"
RFC = "the private MIB says it in more detail"

MODBUS_CONFIGURATION: Mapping[tuple[str, str], Use] = {
    ("JBUSP", "I02"): Use(Fate.LEFT_OUT, "the number of a module, which is 1"),
    ("JBUSP", "T04"): Use(Fate.IDENTITY, "firmware"),
    ("JBUSP", "T10"): Use(Fate.LEFT_OUT, "outlets cannot be commanded"),
    ("VU-MAP", "T001"): Use(Fate.CONFIGURATION, "a single UPS, a parallel or a modular system"),
    ("VU-MAP", "T002"): Use(Fate.CONFIGURATION, "its units or modules"),
    ("VU-MAP", "T003"): Use(Fate.CONFIGURATION, "its units or modules"),
    ("VU-MAP", "T004"): Use(Fate.LEFT_OUT, "T002 and T003 count the units"),
    ("VU-MAP", "T007"): Use(Fate.CONFIGURATION, "phases"),
    ("VU-MAP", "T008"): Use(Fate.CONFIGURATION, "eco mode"),
    ("VU-MAP", "T009"): Use(Fate.LEFT_OUT, INSTALLED),
    ("VU-MAP", "T010"): Use(Fate.CONFIGURATION, "battery"),
    ("VU-MAP", "T014"): Use(Fate.CONFIGURATION, "whether some measures count tenths"),
    ("STS", ""): Use(Fate.LEFT_OUT, "the manual does not describe it"),
}
CONFIGURATION_BITS: Mapping[tuple[str, int], Use] = {
    **{("T003", bit): Use(Fate.CONFIGURATION, "its units or modules") for bit in range(8)},
    ("T003", 13): Use(Fate.LEFT_OUT, "the bypass module is none of the units"),
    ("T008", 0): Use(Fate.CONFIGURATION, "eco mode"),
    ("T010", 0): Use(Fate.CONFIGURATION, "battery"),
}
LEFT_OUT_BITS: Mapping[tuple[str, str], str] = {
    ("JBUSP", "S09"): "the buzzer sounds with an alarm",
    ("JBUSP", "S13"): "the battery test says whether there is one",
    ("JBUSP", "S24"): "a stage of charging, which is shown as such",
    ("JBUSP", "S29"): "no range of UPS is said to have it",
    ("JBUSP", "S31"): INSTALLED,
    **{("JBUSP", f"S{37 + n}"): f"external alarm {n} says when it matters" for n in (1, 2, 3, 4)},
    ("JBUSP", "S42"): "the table that it speaks of is not documented",
    ("JBUSP", "S43"): "outlets cannot be commanded",
    ("VU-MAP", "S008"): "a test of the service; the self-test is S030",
    **{("VU-MAP", f"S{n:03}"): BREAKER for n in (16, 17, 18, 19, 21, 22, 24, 25, 53, 55)},
    ("VU-MAP", "S020"): "T007 says it",
    **{("VU-MAP", f"S{n:03}"): STEP for n in (26, 51, 80, 81)},
    ("VU-MAP", "S031"): "each alarm says itself that it is there",
    ("VU-MAP", "S038"): "a stage of charging, which is shown as such",
    **{("VU-MAP", f"S{n:03}"): "it is not clear what kind of store it is" for n in (40, 41, 42)},
    ("VU-MAP", "S050"): "the battery status says whether it charges",
    ("VU-MAP", "S059"): "how several systems run together, for whoever set it up",
    **{("VU-MAP", f"S{n:03}"): "which cards are plugged in, which does not change" for n in range(64, 70)},
    ("VU-MAP", "S084"): BREAKER,
    ("VU-MAP", "S085"): "the alarm that the transfer is locked says it",
    ("VU-MAP", "S086"): UNCLEAR,
    ("VU-MAP", "S087"): UNCLEAR,
    ("VU-MAP", "S127"): UNCLEAR,
    ("STS", "S004"): "the alarms of the path say what is wrong with it",
    ("STS", "S010"): "the alarms of the path say what is wrong with it",
    ("STS", "S028"): "the alarms of the output say what is wrong with it",
    ("STS", "S015"): "the synchronisation says whether a transfer is possible",
    **{("STS", f"S{n:03}"): BREAKER for n in range(33, 40)},
}
SNMP_ROWS: Mapping[tuple[str, str], Use] = {
    ("UPS MIB", "1.1"): Use(Fate.IDENTITY, "model"),
    ("UPS MIB", "1.2"): Use(Fate.IDENTITY, "serial number"),
    ("UPS MIB", "1.3"): Use(Fate.IDENTITY, "name of the card"),
    ("UPS MIB", "1.4"): Use(Fate.LEFT_OUT, "Home Assistant has areas"),
    ("UPS MIB", "1.5"): Use(Fate.IDENTITY, "firmware of the card"),
    ("UPS MIB", "1.6"): Use(Fate.IDENTITY, "name of the card"),
    ("UPS MIB", "1.7"): Use(Fate.LEFT_OUT, "a person's name or address"),
    ("UPS MIB", "1.8"): Use(Fate.LEFT_OUT, "Home Assistant has areas"),
    ("UPS MIB", "2.9"): Use(Fate.LEFT_OUT, "cards give 0 while the battery is full"),
    ("UPS MIB", "3.1"): Use(Fate.CONFIGURATION, "phases"),
    ("UPS MIB", "3.3.1.4"): Use(Fate.LEFT_OUT, "of the last minute; Home Assistant has statistics"),
    ("UPS MIB", "3.3.1.5"): Use(Fate.LEFT_OUT, "of the last minute; Home Assistant has statistics"),
    ("UPS MIB", "4.3"): Use(Fate.CONFIGURATION, "phases"),
    ("UPS MIB", "5.2"): Use(Fate.LEFT_OUT, "the phases of the input"),
    ("UPS MIB", "6.1"): Use(Fate.LEFT_OUT, "each alarm has an object of its own"),
    **{("UPS MIB", f"6.2.1.{n}"): Use(Fate.LEFT_OUT, "each alarm has an object of its own") for n in (1, 2, 3, 4)},
    ("UPS MIB", "7.1"): Use(Fate.CONTROL, "commands of the UPS"),
    ("UPS MIB", "7.2"): Use(Fate.CONTROL, "shutdown delay"),
    ("UPS MIB", "7.3"): Use(Fate.CONTROL, "turning off after shutdown"),
    **{("UPS MIB", f"7.4.1.{n}"): Use(Fate.CONTROL, "what is done on an event") for n in (2, 3, 4, 5)},
    **{("UPS MIB", f"7.5.1.{n}"): Use(Fate.CONTROL, "weekly schedule") for n in (2, 3, 4, 5)},
    **{("UPS MIB", f"7.6.1.{n}"): Use(Fate.CONTROL, "schedule of special days") for n in (2, 3, 4, 5)},
    **{("UPS MIB", f"7.7.1.{n}"): Use(Fate.CONTROL, "schedule of eco mode") for n in (2, 3, 4, 5)},
    **{("UPS MIB", f"7.{n}.1.1"): Use(Fate.LEFT_OUT, NUMBER) for n in (4, 5, 6, 7)},
    ("UPS MIB", "8.2"): Use(Fate.CONFIGURATION, "units"),
    ("UPS MIB", "8.3"): Use(Fate.LEFT_OUT, NO_SCALE),
    ("UPS MIB", "8.4"): Use(Fate.CONFIGURATION, "whether the UPS takes commands"),
    ("UPS MIB", "8.5.1.1"): Use(Fate.QUANTITY, "connected_servers"),
    **{
        ("UPS MIB", f"8.5.1.{n}"): Use(Fate.LEFT_OUT, "of a server that the card looks after, not of the UPS")
        for n in range(2, 7)
    },
    **{("UPS MIB", f"9.{n}"): Use(Fate.LEFT_OUT, AGENT) for n in (*range(1, 10), *range(12, 21))},
    **{("UPS MIB", f"9.{n}"): Use(Fate.DIAGNOSTICS) for n in (10, 11, 23)},
    **{("UPS MIB", f"9.{t}.1.{n}"): Use(Fate.LEFT_OUT, AGENT) for t in (21, 22) for n in (1, 2, 3, 4)},
    ("UPS MIB", "9.50"): Use(Fate.LEFT_OUT, "the text of a trap, which is not believed"),
    ("UPS MIB", "10.1"): Use(Fate.ENVIRONMENT, "temperature"),
    ("UPS MIB", "10.2"): Use(Fate.ENVIRONMENT, "humidity"),
    ("UPS MIB", "10.3"): Use(Fate.ENVIRONMENT, "input 1"),
    ("UPS MIB", "10.4"): Use(Fate.ENVIRONMENT, "input 2"),
    **{("UPS MIB", f"{column}.1.1"): Use(Fate.LEFT_OUT, NUMBER) for column in ("3.3", "4.4", "5.3")},
    ("STS MIB", "1.1"): Use(Fate.IDENTITY, "model"),
    ("STS MIB", "1.2"): Use(Fate.IDENTITY, "serial number"),
    ("STS MIB", "1.3"): Use(Fate.IDENTITY, "firmware"),
    ("STS MIB", "1.4"): Use(Fate.IDENTITY, "firmware of the card"),
    **{("STS MIB", f"1.{n}"): Use(Fate.LEFT_OUT, "its place in the tree is not documented") for n in range(5, 10)},
    ("STS MIB", "2.4"): Use(Fate.CONFIGURATION, "phases"),
    ("STS MIB", "3.4"): Use(Fate.LEFT_OUT, "the phases of source 1"),
    ("STS MIB", "5.5"): Use(Fate.CONFIGURATION, "phases"),
    ("STS MIB", "7.1"): Use(Fate.LEFT_OUT, "the text of a trap, which is not believed"),
    **{("STS MIB", f"{column}.1.1"): Use(Fate.LEFT_OUT, NUMBER) for column in ("2.5", "3.5", "5.6")},
}


def uses(row: Row) -> tuple[Use, ...]:
    """What becomes of a row. Raises ``KeyError`` for one that nobody has thought of."""
    return _of_word(row) if row.section in MODBUS else _of_object(row)


def _of_word(row: Row) -> tuple[Use, ...]:
    table = MODBUS[row.section]
    match row.kind:
        case "state" | "alarm":
            return _of_bit(row, table)
        case "product_code":
            return (_of_code(row, table),)
        case "config_bit":
            assert row.bit is not None
            return (CONFIGURATION_BITS.get((row.acronym, row.bit), Use(Fate.LEFT_OUT, INSTALLED)),)
        case "extra":
            return (Use(Fate.LEFT_OUT, "no card is known to serve it"),)
    return tuple(_measures(table).get(row.address, ())) or (_of_setting(row, table),)


def _of_setting(row: Row, table: Table) -> Use:
    if use := _of_identity(row, table):
        return use
    if row.name in ("", "Not used"):
        return Use(Fate.LEFT_OUT, NOT_USED)
    return Use(Fate.LEFT_OUT, NO_SCALE) if row.kind == "measure" else MODBUS_CONFIGURATION[row.section, row.acronym]


def _of_bit(row: Row, table: Table) -> tuple[Use, ...]:
    if found := _bits(table).get(row.acronym):
        return found
    if (row.section, row.acronym) == ("JBUSP", "S30"):
        return (Use(Fate.CONFIGURATION, "a single UPS or a parallel system"),)
    if not row.name:
        return (Use(Fate.LEFT_OUT, NO_LABEL),)
    if row.name == "Free":
        return (Use(Fate.LEFT_OUT, FREE),)
    if row.name.startswith("Programmable"):
        return (Use(Fate.LEFT_OUT, PROGRAMMABLE),)
    return (Use(Fate.LEFT_OUT, LEFT_OUT_BITS[row.section, row.acronym]),)


def _of_code(row: Row, table: Table) -> Use:
    first, _, last = row.value.partition("-")
    for code in range(int(first, 0), int(last or first, 0) + 1):
        if PRODUCT_CODES[table][code] != row.name:
            raise KeyError(code)
    return Use(Fate.IDENTITY, "model")


def _of_identity(row: Row, table: Table) -> Use | None:
    if (table, row.address) in {(Table.JBUSP, 0x1000), (Table.VUMAP, 0x000F)}:
        return Use(Fate.IDENTITY, "model")
    for texts, what in ((SERIAL, "serial number"), (REFERENCE, "model")):
        text = texts.get(table)
        if text is not None and text.address <= row.address < text.address + text.count:
            return Use(Fate.IDENTITY, what)
    return None


def _of_object(row: Row) -> tuple[Use, ...]:
    if row.kind == "trap":
        return (Use(Fate.TRAP),)
    if row.kind == "table":
        return (Use(Fate.LEFT_OUT, STRUCTURE),)
    if row.section == "RFC 1628":
        return (Use(Fate.LEFT_OUT, RFC),)
    table, suffix = SNMP[row.section], row.place.removeprefix(f"{OID_ROOTS[row.section]}.")
    if found := _measures(table).get(suffix):
        return tuple(found)
    bits = [use for name, uses in _bits(table).items() if name.partition("=")[0] == suffix for use in uses]
    return tuple(dict.fromkeys(bits)) or (SNMP_ROWS[row.section, suffix],)


# --- the file --------------------------------------------------------------------------------------------------------


def fates() -> dict[str, Counter[Fate]]:
    """Section -> how many of its rows have which fate, by the first thing that becomes of them."""
    found: dict[str, Counter[Fate]] = defaultdict(Counter)
    for row in rows():
        found[row.section][uses(row)[0].fate] += 1
    return found


def table() -> str:
    """The whole file."""
    counts = fates()
    parts = [HEADER.rstrip(), ""]
    parts += [f"| Table | Rows | {' | '.join(fate.capitalize() for fate in Fate)} |", f"|{' --- |' * (len(Fate) + 2)}"]
    for section, count in counts.items():
        parts.append(f"| {section} | {count.total()} | {' | '.join(str(count[fate]) for fate in Fate)} |")
    for section in counts:
        parts += ["", f"## {section}", "", "| Row | Kind | Name | What becomes of it |", "| --- | --- | --- | --- |"]
        for row in rows():
            if row.section == section:
                where = f"{row.acronym} {row.place}".strip()
                told = ", ".join(str(use) for use in uses(row))
                parts.append(f"| {where} | {row.kind.replace('_', ' ')} | {row.name} | {told} |")
    return "\n".join(parts) + "\n"


def main() -> None:
    """Write the file."""
    TABLE.write_text(table(), encoding="utf-8")


if __name__ == "__main__":
    main()

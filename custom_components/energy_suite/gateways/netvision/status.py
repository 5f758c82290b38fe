"""The states that a card shows as words, derived from the bits of its machine.

The manual lists the words in their order (12.1.5 to 12.1.7, 13.2, annex BACnet) without saying which bits they follow
from: the rules are those of the bits whose labels match, the first that holds wins.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from types import MappingProxyType

from .bits import holds
from .quantities import Table

type Conditions = Mapping[Table, str]
"""Table -> the condition; a table that is not there cannot tell."""


@dataclass(frozen=True)
class Rules[E: IntEnum]:
    """What a state is: the first member whose condition holds, else the default of the table."""

    unknown: E
    rows: tuple[tuple[E, Conditions], ...]
    default: Mapping[Table, E]
    """Only the tables that can tell."""


def derive[E: IntEnum](rules: Rules[E], table: Table, bits: Collection[str] | None) -> E | None:
    """The state that follows from the bits; None where the table cannot tell, unknown without bits."""
    if table not in rules.default:
        return None
    if bits is None:
        return rules.unknown
    for member, conditions in rules.rows:
        if holds(conditions.get(table, ""), bits):
            return member
    return rules.default[table]


# By SNMP the card answers on, with its last values, when it has lost the UPS.
_LOST: Conditions = MappingProxyType({Table.UPS_MIB: "6.3.58"})


class UpsStatus(IntEnum):
    """What the UPS does (12.1.5)."""

    UNKNOWN = 0
    SERVICE = 1
    MAINTENANCE_BYPASS = 2
    IMMINENT_STOP = 3
    SELF_TEST = 4
    ON_BATTERY = 5
    BATTERY_TEST = 6
    ON_INVERTER = 7
    NORMAL = 8
    ECO = 9
    LINE_INTERACTIVE = 10
    FLEX = 11
    ON_BYPASS = 12
    AVAILABLE = 13
    STANDBY = 14
    LOAD_OFF = 15


UPS_STATUS: Rules[UpsStatus] = Rules(
    UpsStatus.UNKNOWN,
    (
        (UpsStatus.UNKNOWN, _LOST),
        (UpsStatus.SERVICE, {Table.VUMAP: "S009", Table.JBUSP: "S48"}),
        # The JBUSP has no state for it, only the alarm that the bypass is closed.
        (UpsStatus.MAINTENANCE_BYPASS, {Table.VUMAP: "S003", Table.JBUSP: "A08", Table.UPS_MIB: "4.1=2"}),
        (UpsStatus.IMMINENT_STOP, {Table.VUMAP: "A000", Table.JBUSP: "A31", Table.UPS_MIB: "6.3.1"}),
        (UpsStatus.SELF_TEST, {Table.VUMAP: "S030", Table.UPS_MIB: "6.3.54"}),
        # Before the battery, whose bit may be set during a test too; the manual names them the other way round.
        (UpsStatus.BATTERY_TEST, {Table.VUMAP: "S034", Table.JBUSP: "S10", Table.UPS_MIB: "2.1=4"}),
        (UpsStatus.ON_BATTERY, {Table.VUMAP: "A019", Table.JBUSP: "S05", Table.UPS_MIB: "6.3.15"}),
        (UpsStatus.ON_INVERTER, {Table.VUMAP: "S000", Table.JBUSP: "S03", Table.UPS_MIB: "4.1=3"}),
        # S001 has no label: trap 22 takes it for the normal mode of a UPS that is off line.
        (UpsStatus.NORMAL, {Table.VUMAP: "S001", Table.UPS_MIB: "4.1=4"}),
        # Before the bypass, on which eco mode lives.
        (UpsStatus.ECO, {Table.VUMAP: "S006", Table.JBUSP: "S07", Table.UPS_MIB: "4.1=5"}),
        (UpsStatus.LINE_INTERACTIVE, {Table.VUMAP: "S082|S010", Table.UPS_MIB: "4.1=9"}),
        (UpsStatus.FLEX, {Table.UPS_MIB: "4.1=10"}),
        (
            UpsStatus.ON_BYPASS,
            {Table.VUMAP: "S002&!S006", Table.JBUSP: "S04&!S07", Table.UPS_MIB: "4.1=6|6.3.55"},
        ),
        (UpsStatus.AVAILABLE, {Table.VUMAP: "S012"}),
        (UpsStatus.STANDBY, {Table.VUMAP: "S013", Table.JBUSP: "S08", Table.UPS_MIB: "4.1=7"}),
        (UpsStatus.LOAD_OFF, {Table.VUMAP: "S004", Table.JBUSP: "!S03&!S04", Table.UPS_MIB: "4.1=8|6.3.56"}),
    ),
    {Table.VUMAP: UpsStatus.LOAD_OFF, Table.JBUSP: UpsStatus.LOAD_OFF, Table.UPS_MIB: UpsStatus.UNKNOWN},
)


def ups_status(table: Table, bits: Collection[str] | None) -> UpsStatus | None:
    """What the UPS does."""
    return derive(UPS_STATUS, table, bits)


class BatteryStatus(IntEnum):
    """What the battery does (12.1.6)."""

    UNKNOWN = 0
    DISCONNECTED = 1
    DISCHARGED = 2
    LOW = 3
    DISCHARGING = 4
    DISCHARGING_TO_INPUT = 5
    ALARM = 6
    ROOM_ALARM = 7
    TEMPERATURE_ALARM = 8
    TEST = 9
    CHARGING = 10
    OK = 11


BATTERY_STATUS: Rules[BatteryStatus] = Rules(
    BatteryStatus.UNKNOWN,
    (
        (BatteryStatus.UNKNOWN, _LOST),
        (BatteryStatus.DISCONNECTED, {Table.VUMAP: "A016|S083", Table.JBUSP: "A59", Table.UPS_MIB: "2.1=9|6.3.12"}),
        (BatteryStatus.DISCHARGED, {Table.VUMAP: "A017", Table.JBUSP: "S16|A49", Table.UPS_MIB: "2.1=7|6.3.13"}),
        (BatteryStatus.LOW, {Table.VUMAP: "A018", Table.JBUSP: "S15", Table.UPS_MIB: "2.1=6|6.3.14"}),
        (BatteryStatus.DISCHARGING, {Table.VUMAP: "A019", Table.JBUSP: "S05", Table.UPS_MIB: "2.1=5|6.3.15"}),
        (BatteryStatus.DISCHARGING_TO_INPUT, {Table.VUMAP: "S039"}),
        # "Failure" (8) may also stand for the two alarms that follow.
        (
            BatteryStatus.ALARM,
            {Table.VUMAP: "A027", Table.JBUSP: "A01", Table.UPS_MIB: "6.3.19|2.1=8&!6.3.17&!6.3.16"},
        ),
        (BatteryStatus.ROOM_ALARM, {Table.VUMAP: "A021", Table.JBUSP: "A47", Table.UPS_MIB: "6.3.17"}),
        (BatteryStatus.TEMPERATURE_ALARM, {Table.VUMAP: "A020", Table.UPS_MIB: "6.3.16"}),
        (BatteryStatus.TEST, {Table.VUMAP: "S034", Table.JBUSP: "S10", Table.UPS_MIB: "2.1=4"}),
        (BatteryStatus.CHARGING, {Table.VUMAP: "S036", Table.JBUSP: "S27", Table.UPS_MIB: "2.1=3"}),
        (BatteryStatus.OK, {Table.VUMAP: "S032|S033", Table.JBUSP: "S17", Table.UPS_MIB: "2.1=2"}),
    ),
    {Table.VUMAP: BatteryStatus.OK, Table.JBUSP: BatteryStatus.OK, Table.UPS_MIB: BatteryStatus.UNKNOWN},
)


def battery_status(table: Table, bits: Collection[str] | None) -> BatteryStatus | None:
    """What the battery does; not to be asked of a converter, which has none."""
    return derive(BATTERY_STATUS, table, bits)


class BatteryTest(IntEnum):
    """How the test of the battery is."""

    UNKNOWN = 0
    IN_PROGRESS = 1
    FAILED = 2
    INTERRUPTED = 3
    PENDING = 4
    SCHEDULED = 5
    NONE = 6


BATTERY_TEST: Rules[BatteryTest] = Rules(
    BatteryTest.UNKNOWN,
    (
        (BatteryTest.UNKNOWN, _LOST),
        (BatteryTest.IN_PROGRESS, {Table.VUMAP: "S034", Table.JBUSP: "S10", Table.UPS_MIB: "2.1=4"}),
        (BatteryTest.FAILED, {Table.VUMAP: "A022", Table.JBUSP: "S14", Table.UPS_MIB: "6.3.18"}),
        (BatteryTest.INTERRUPTED, {Table.VUMAP: "S037"}),
        (BatteryTest.PENDING, {Table.JBUSP: "S12"}),
        (BatteryTest.SCHEDULED, {Table.VUMAP: "S035", Table.JBUSP: "S11"}),
    ),
    dict.fromkeys((Table.VUMAP, Table.JBUSP, Table.UPS_MIB), BatteryTest.NONE),
)


class OutputStatus(IntEnum):
    """What feeds the load (12.1.7)."""

    UNKNOWN = 0
    MAINTENANCE_BYPASS = 1
    ON_INVERTER = 2
    NORMAL = 3
    ECO = 4
    ON_BYPASS = 5
    LINE_INTERACTIVE = 6
    FLEX = 7
    STANDBY = 8
    LOAD_OFF = 9


OUTPUT_STATUS: Rules[OutputStatus] = Rules(
    OutputStatus.UNKNOWN,
    (
        (OutputStatus.UNKNOWN, _LOST),
        (OutputStatus.MAINTENANCE_BYPASS, {Table.VUMAP: "S003", Table.JBUSP: "A08", Table.UPS_MIB: "4.1=2"}),
        (OutputStatus.ON_INVERTER, {Table.VUMAP: "S000", Table.JBUSP: "S03", Table.UPS_MIB: "4.1=3"}),
        (OutputStatus.NORMAL, {Table.VUMAP: "S001", Table.UPS_MIB: "4.1=4"}),
        (OutputStatus.ECO, {Table.VUMAP: "S006", Table.JBUSP: "S07", Table.UPS_MIB: "4.1=5"}),
        (
            OutputStatus.ON_BYPASS,
            {Table.VUMAP: "S002&!S006", Table.JBUSP: "S04&!S07", Table.UPS_MIB: "4.1=6"},
        ),
        (OutputStatus.LINE_INTERACTIVE, {Table.VUMAP: "S082|S010", Table.UPS_MIB: "4.1=9"}),
        (OutputStatus.FLEX, {Table.UPS_MIB: "4.1=10"}),
        (OutputStatus.STANDBY, {Table.VUMAP: "S013", Table.JBUSP: "S08", Table.UPS_MIB: "4.1=7"}),
        (OutputStatus.LOAD_OFF, {Table.VUMAP: "S004", Table.JBUSP: "!S03&!S04", Table.UPS_MIB: "4.1=8"}),
    ),
    {Table.VUMAP: OutputStatus.LOAD_OFF, Table.JBUSP: OutputStatus.LOAD_OFF, Table.UPS_MIB: OutputStatus.UNKNOWN},
)


class MachineStatus(IntEnum):
    """How ready the machine itself is (annex BACnet, UnitStatus)."""

    UNKNOWN = 0
    SERVICE = 1
    ISOLATED = 2
    STANDBY = 3
    SELF_TEST = 4
    OPERATING = 5
    AVAILABLE = 6


MACHINE_STATUS: Rules[MachineStatus] = Rules(
    MachineStatus.UNKNOWN,
    (
        (MachineStatus.SERVICE, {Table.VUMAP: "S009", Table.JBUSP: "S48"}),
        (MachineStatus.ISOLATED, {Table.VUMAP: "S014"}),
        (MachineStatus.STANDBY, {Table.VUMAP: "S013", Table.JBUSP: "S08"}),
        (MachineStatus.SELF_TEST, {Table.VUMAP: "S030"}),
        (MachineStatus.OPERATING, {Table.VUMAP: "S011", Table.JBUSP: "S03"}),
        (MachineStatus.AVAILABLE, {Table.VUMAP: "S012"}),
    ),
    dict.fromkeys((Table.VUMAP, Table.JBUSP), MachineStatus.AVAILABLE),
)


class UnitStatus(IntEnum):
    """How a unit of a parallel system is, as the others' card tells."""

    UNKNOWN = 0
    IMMINENT_STOP = 1
    ALARM = 2
    IN_SERVICE = 3
    AVAILABLE = 4
    ABSENT = 5


@cache
def unit_rules(number: int) -> Rules[UnitStatus]:
    """The rules of the unit of that number, from 1; each table counts as far as it counts."""
    counts = {Table.VUMAP: 15, Table.JBUSP: 6, Table.UPS_MIB: 12}
    defaults = {
        Table.VUMAP: UnitStatus.ABSENT,
        Table.JBUSP: UnitStatus.ABSENT,
        # The MIB tells a unit's alarm and nothing else.
        Table.UPS_MIB: UnitStatus.UNKNOWN,
    }
    return Rules(
        UnitStatus.UNKNOWN,
        (
            (UnitStatus.UNKNOWN, _LOST),
            (UnitStatus.IMMINENT_STOP, {Table.VUMAP: f"A{111 + number:03}"}),
            (
                UnitStatus.ALARM,
                {
                    Table.VUMAP: f"A{95 + number:03}",
                    Table.JBUSP: f"A{31 + number}",
                    Table.UPS_MIB: f"6.3.{41 + number}",
                },
            ),
            (UnitStatus.IN_SERVICE, {Table.VUMAP: f"S{95 + number:03}", Table.JBUSP: f"S{31 + number}"}),
            (UnitStatus.AVAILABLE, {Table.VUMAP: f"S{111 + number:03}"}),
        ),
        {table: defaults[table] for table, count in counts.items() if 1 <= number <= count},
    )


def unit_status(table: Table, bits: Collection[str] | None, number: int) -> UnitStatus | None:
    """How the unit of that number, from 1, is."""
    return derive(unit_rules(number), table, bits)


class AlarmSummary(IntEnum):
    """The worst of what rectifier, inverter and bypass report (annex BACnet, Alarm)."""

    UNKNOWN = 0
    NONE = 1
    CRITICAL = 2
    PREVENTIVE = 3
    GENERAL = 4


ALARM_SUMMARY: Rules[AlarmSummary] = Rules(
    AlarmSummary.UNKNOWN,
    (
        (AlarmSummary.UNKNOWN, _LOST),
        (
            AlarmSummary.CRITICAL,
            {Table.VUMAP: "A032|A040|A048", Table.JBUSP: "A52|A54|A62", Table.UPS_MIB: "6.3.20|6.3.26|6.3.28"},
        ),
        (
            AlarmSummary.PREVENTIVE,
            {Table.VUMAP: "A033|A041|A049", Table.JBUSP: "A23|A25|A29", Table.UPS_MIB: "6.3.21|6.3.27|6.3.29"},
        ),
        # Any other alarm, that of the battery among them.
        (AlarmSummary.GENERAL, {Table.VUMAP: "A015", Table.JBUSP: "A00", Table.UPS_MIB: "6.3.11"}),
    ),
    dict.fromkeys((Table.VUMAP, Table.JBUSP, Table.UPS_MIB), AlarmSummary.NONE),
)


class StageStatus(IntEnum):
    """How rectifier, inverter or bypass is: grey, green, yellow, red on the card's page (12.1.1)."""

    UNKNOWN = 0
    OFF = 1
    ON = 2
    PREVENTIVE_ALARM = 3
    CRITICAL_ALARM = 4


def _stage(on: Conditions, preventive: Conditions, critical: Conditions) -> Rules[StageStatus]:
    """Yellow only while it is on; red always. The MIB does not tell what is on."""
    return Rules(
        StageStatus.UNKNOWN,
        (
            (StageStatus.CRITICAL_ALARM, critical),
            (StageStatus.PREVENTIVE_ALARM, {table: f"{on[table]}&{preventive[table]}" for table in on}),
            (StageStatus.ON, on),
        ),
        dict.fromkeys(on, StageStatus.OFF),
    )


RECTIFIER_STATUS = _stage(
    {Table.VUMAP: "S049", Table.JBUSP: "S02"},
    {Table.VUMAP: "A033", Table.JBUSP: "A23"},
    {Table.VUMAP: "A032", Table.JBUSP: "A52"},
)
INVERTER_STATUS = _stage(
    {Table.VUMAP: "S052", Table.JBUSP: "S01"},
    {Table.VUMAP: "A041", Table.JBUSP: "A25"},
    {Table.VUMAP: "A040", Table.JBUSP: "A54"},
)
BYPASS_STATUS = _stage(
    {Table.VUMAP: "S057", Table.JBUSP: "S04"},
    {Table.VUMAP: "A049", Table.JBUSP: "A29"},
    {Table.VUMAP: "A048", Table.JBUSP: "A62"},
)


class SupplyStatus(IntEnum):
    """What an input is supplied with (annex BACnet, InputRecStatus and InputBypStatus)."""

    UNKNOWN = 0
    GENERATOR = 1
    ABSENT = 2
    OUT_OF_TOLERANCE = 3
    SYNCHRONISED = 4
    OK = 5


# By SNMP one object covers a supply that is bad and one that is absent.
RECTIFIER_INPUT_STATUS: Rules[SupplyStatus] = Rules(
    SupplyStatus.UNKNOWN,
    (
        (SupplyStatus.UNKNOWN, _LOST),
        (SupplyStatus.GENERATOR, {Table.VUMAP: "S023", Table.JBUSP: "S46"}),
        (SupplyStatus.ABSENT, {Table.VUMAP: "!S048", Table.JBUSP: "!S00"}),
        (SupplyStatus.OUT_OF_TOLERANCE, {Table.VUMAP: "A035", Table.JBUSP: "A05", Table.UPS_MIB: "6.3.22"}),
    ),
    dict.fromkeys((Table.VUMAP, Table.JBUSP, Table.UPS_MIB), SupplyStatus.OK),
)
BYPASS_INPUT_STATUS: Rules[SupplyStatus] = Rules(
    SupplyStatus.UNKNOWN,
    (
        (SupplyStatus.UNKNOWN, _LOST),
        (SupplyStatus.ABSENT, {Table.VUMAP: "!S056", Table.JBUSP: "!S26"}),
        (SupplyStatus.OUT_OF_TOLERANCE, {Table.VUMAP: "A050", Table.JBUSP: "A06|S28", Table.UPS_MIB: "6.3.30"}),
        (SupplyStatus.SYNCHRONISED, {Table.VUMAP: "S058", Table.JBUSP: "S23"}),
    ),
    dict.fromkeys((Table.VUMAP, Table.JBUSP, Table.UPS_MIB), SupplyStatus.OK),
)


class LoadLevel(IntEnum):
    """How much of what the machine can give is drawn (12.1.1)."""

    NONE = 1
    NORMAL = 2
    HIGH = 3
    OVERLOAD = 4


def load_level(load: float | None) -> LoadLevel | None:
    """The level of a load in %."""
    if load is None:
        return None
    if load > 100:
        return LoadLevel.OVERLOAD
    if load > 90:
        return LoadLevel.HIGH
    return LoadLevel.NORMAL if load > 0 else LoadLevel.NONE


# --- static transfer switch ------------------------------------------------------------------------------------------


class StsStatus(IntEnum):
    """What a static transfer switch does (13.2)."""

    UNKNOWN = 0
    SERVICE = 1
    MAINTENANCE_BYPASS_1 = 2
    MAINTENANCE_BYPASS_2 = 3
    IMMINENT_STOP = 4
    ON_PREFERRED_SOURCE = 5
    ON_ALTERNATE_SOURCE = 6
    LOAD_OFF = 7


STS_STATUS: Rules[StsStatus] = Rules(
    StsStatus.UNKNOWN,
    (
        (StsStatus.SERVICE, {Table.STS: "S047"}),
        (StsStatus.MAINTENANCE_BYPASS_1, {Table.STS: "S020", Table.STS_MIB: "5.1=5"}),
        (StsStatus.MAINTENANCE_BYPASS_2, {Table.STS: "S021", Table.STS_MIB: "5.1=6"}),
        (StsStatus.IMMINENT_STOP, {Table.STS: "A000", Table.STS_MIB: "6.1.1"}),
        (StsStatus.ON_PREFERRED_SOURCE, {Table.STS: "S017", Table.STS_MIB: "5.1=2"}),
        (StsStatus.ON_ALTERNATE_SOURCE, {Table.STS: "S018", Table.STS_MIB: "5.1=3"}),
        (StsStatus.LOAD_OFF, {Table.STS: "S019", Table.STS_MIB: "5.1=4"}),
    ),
    {Table.STS: StsStatus.LOAD_OFF, Table.STS_MIB: StsStatus.UNKNOWN},
)


class SourceStatus(IntEnum):
    """How a source of a static transfer switch is."""

    UNKNOWN = 0
    ABSENT = 1
    CRITICAL = 2
    OUT_OF_TOLERANCE = 3
    OK = 4


def _source(first: int, name: str) -> Rules[SourceStatus]:
    """By the number of its first state, and the name of its SNMP object."""
    return Rules(
        SourceStatus.UNKNOWN,
        (
            (SourceStatus.ABSENT, {Table.STS: f"S{first + 3:03}", Table.STS_MIB: f"{name}=5"}),
            (SourceStatus.CRITICAL, {Table.STS: f"S{first + 1:03}", Table.STS_MIB: f"{name}=3"}),
            (SourceStatus.OUT_OF_TOLERANCE, {Table.STS: f"S{first + 2:03}", Table.STS_MIB: f"{name}=4"}),
            (SourceStatus.OK, {Table.STS: f"S{first:03}", Table.STS_MIB: f"{name}=2"}),
        ),
        dict.fromkeys((Table.STS, Table.STS_MIB), SourceStatus.UNKNOWN),
    )


SOURCE_STATUS: Mapping[int, Rules[SourceStatus]] = MappingProxyType({1: _source(0, "2.1"), 2: _source(6, "3.1")})


def source_status(table: Table, bits: Collection[str] | None, number: int) -> SourceStatus | None:
    """How source 1 or 2 is."""
    return derive(SOURCE_STATUS[number], table, bits)


class Synchronisation(IntEnum):
    """How the two sources run to each other."""

    UNKNOWN = 0
    SYNCHRONISED = 1
    SLIDING = 2
    NOT_SYNCHRONISED = 3


SYNCHRONISATION: Rules[Synchronisation] = Rules(
    Synchronisation.UNKNOWN,
    (
        (Synchronisation.SYNCHRONISED, {Table.STS: "S012", Table.STS_MIB: "4.1=2"}),
        (Synchronisation.SLIDING, {Table.STS: "S013", Table.STS_MIB: "4.1=3"}),
        (Synchronisation.NOT_SYNCHRONISED, {Table.STS: "S014", Table.STS_MIB: "4.1=4"}),
    ),
    dict.fromkeys((Table.STS, Table.STS_MIB), Synchronisation.UNKNOWN),
)


# Modbus has one bit for both.
PREFERRED_SOURCE: Mapping[int, Conditions] = MappingProxyType(
    {
        1: {Table.STS: "S016", Table.STS_MIB: "2.2=2"},
        2: {Table.STS: "!S016", Table.STS_MIB: "3.2=2"},
    }
)
ACTIVE_SOURCE: Mapping[int, Conditions] = MappingProxyType(
    {
        1: {Table.STS: "S023", Table.STS_MIB: "5.2=2"},
        2: {Table.STS: "S024", Table.STS_MIB: "5.2=3"},
    }
)


def _which(sources: Mapping[int, Conditions], table: Table, bits: Collection[str] | None) -> int | None:
    if bits is None:
        return None
    return next((number for number, each in sources.items() if holds(each.get(table, ""), bits)), None)


def preferred_source(table: Table, bits: Collection[str] | None) -> int | None:
    """The source, 1 or 2, that the load goes back to."""
    return _which(PREFERRED_SOURCE, table, bits)


def active_source(table: Table, bits: Collection[str] | None) -> int | None:
    """The source, 1 or 2, that the load is on; None also where it is on neither."""
    return _which(ACTIVE_SOURCE, table, bits)


# --- one bit each ----------------------------------------------------------------------------------------------------

CONDITIONS: Mapping[str, Conditions] = MappingProxyType(
    {
        "on_battery": {Table.VUMAP: "A019&!S034", Table.JBUSP: "S05&!S10", Table.UPS_MIB: "6.3.15&!2.1=4"},
        "on_maintenance_bypass": {Table.VUMAP: "S003", Table.JBUSP: "A08", Table.UPS_MIB: "4.1=2"},
        "on_generator": {Table.VUMAP: "S023", Table.JBUSP: "S46"},
        # Also in the states that go before it in the UPS status.
        "eco_mode": {Table.VUMAP: "S006", Table.JBUSP: "S07", Table.UPS_MIB: "4.1=5"},
        # No UPS status: the card shows it as a symbol of its own (11.3).
        "energy_saver": {Table.VUMAP: "S007"},
        # The JBUSP's bit says the opposite, the VU-MAP has none.
        "remote_control": {Table.JBUSP: "!S06", Table.STS: "S045"},
        **{f"outlet_{number}": {Table.VUMAP: f"S{59 + number:03}"} for number in (1, 2, 3, 4)},
    }
)


def state(name: str, table: Table, bits: Collection[str] | None) -> bool | None:
    """Whether one of ``CONDITIONS`` holds; None where the table cannot tell, or without bits."""
    condition = CONDITIONS[name].get(table)
    return None if condition is None or bits is None else holds(condition, bits)


# Every state that is derived, by its key.
STATUSES: Mapping[str, Rules[IntEnum]] = MappingProxyType(
    {
        "ups_status": UPS_STATUS,
        "battery_status": BATTERY_STATUS,
        "battery_test": BATTERY_TEST,
        "output_status": OUTPUT_STATUS,
        "machine_status": MACHINE_STATUS,
        "alarm_summary": ALARM_SUMMARY,
        "rectifier_status": RECTIFIER_STATUS,
        "inverter_status": INVERTER_STATUS,
        "bypass_status": BYPASS_STATUS,
        "rectifier_input_status": RECTIFIER_INPUT_STATUS,
        "bypass_input_status": BYPASS_INPUT_STATUS,
        "sts_status": STS_STATUS,
        "source_1_status": SOURCE_STATUS[1],
        "source_2_status": SOURCE_STATUS[2],
        "synchronisation": SYNCHRONISATION,
    }
)

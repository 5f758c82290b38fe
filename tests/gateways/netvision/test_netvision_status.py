"""The states that follow from the bits: each rule by itself, the order of the rules, and any bits at all."""

import csv
from enum import IntEnum
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.energy_suite.gateways.netvision import status
from custom_components.energy_suite.gateways.netvision.bits import names
from custom_components.energy_suite.gateways.netvision.quantities import ROOTS, Table
from custom_components.energy_suite.gateways.netvision.status import (
    CONDITIONS,
    STATUSES,
    AlarmSummary,
    BatteryStatus,
    BatteryTest,
    LoadLevel,
    MachineStatus,
    OutputStatus,
    SourceStatus,
    StageStatus,
    StsStatus,
    SupplyStatus,
    Synchronisation,
    UnitStatus,
    UpsStatus,
    derive,
    unit_rules,
)

LISTS = Path(__file__).parents[3] / "demo" / "data" / "netvision"
V, J, M, S, SM = Table.VUMAP, Table.JBUSP, Table.UPS_MIB, Table.STS, Table.STS_MIB


def case(function, table, bits, expected):
    return pytest.param(function, table, frozenset(bits.split()), expected, id=f"{function}-{table}-{bits}")


def cases(function, table, rows):
    return [case(function, table, bits, expected) for bits, expected in rows]


# One row for each line of the manual's lists, by the bits that its table has for it.
@pytest.mark.parametrize(
    ("function", "table", "bits", "expected"),
    [
        # 12.1.5, state of the UPS
        *cases(
            "ups_status",
            V,
            [
                ("S009", UpsStatus.SERVICE),
                ("S003", UpsStatus.MAINTENANCE_BYPASS),
                ("A000", UpsStatus.IMMINENT_STOP),
                ("S030", UpsStatus.SELF_TEST),
                ("A019", UpsStatus.ON_BATTERY),
                ("S034", UpsStatus.BATTERY_TEST),
                ("S000", UpsStatus.ON_INVERTER),
                ("S001", UpsStatus.NORMAL),
                ("S006", UpsStatus.ECO),
                ("S082", UpsStatus.LINE_INTERACTIVE),
                ("S010", UpsStatus.LINE_INTERACTIVE),
                ("S002", UpsStatus.ON_BYPASS),
                ("S012", UpsStatus.AVAILABLE),
                ("S013", UpsStatus.STANDBY),
                ("S004", UpsStatus.LOAD_OFF),
                ("", UpsStatus.LOAD_OFF),
                # Neither the self-test nor Energy Saver.
                ("S008", UpsStatus.LOAD_OFF),
                ("S007 S000", UpsStatus.ON_INVERTER),
            ],
        ),
        *cases(
            "ups_status",
            J,
            [
                ("S48", UpsStatus.SERVICE),
                ("A08", UpsStatus.MAINTENANCE_BYPASS),
                ("A31", UpsStatus.IMMINENT_STOP),
                ("S05", UpsStatus.ON_BATTERY),
                ("S10", UpsStatus.BATTERY_TEST),
                ("S03", UpsStatus.ON_INVERTER),
                ("S07", UpsStatus.ECO),
                ("S04", UpsStatus.ON_BYPASS),
                ("S08", UpsStatus.STANDBY),
                ("", UpsStatus.LOAD_OFF),
                # The alarm of the maintenance bypass is not the bypass itself.
                ("S03 A48", UpsStatus.ON_INVERTER),
            ],
        ),
        *cases(
            "ups_status",
            M,
            [
                ("6.3.58", UpsStatus.UNKNOWN),
                ("4.1=1", UpsStatus.UNKNOWN),
                ("", UpsStatus.UNKNOWN),
                ("4.1=2", UpsStatus.MAINTENANCE_BYPASS),
                ("6.3.1 4.1=3", UpsStatus.IMMINENT_STOP),
                ("6.3.54 4.1=3", UpsStatus.SELF_TEST),
                ("6.3.15 4.1=3", UpsStatus.ON_BATTERY),
                ("2.1=4 4.1=3", UpsStatus.BATTERY_TEST),
                ("4.1=3", UpsStatus.ON_INVERTER),
                ("4.1=4", UpsStatus.NORMAL),
                ("4.1=5", UpsStatus.ECO),
                ("4.1=9", UpsStatus.LINE_INTERACTIVE),
                ("4.1=10", UpsStatus.FLEX),
                ("4.1=6", UpsStatus.ON_BYPASS),
                ("6.3.55", UpsStatus.ON_BYPASS),
                ("4.1=7", UpsStatus.STANDBY),
                ("4.1=8", UpsStatus.LOAD_OFF),
                ("6.3.56", UpsStatus.LOAD_OFF),
            ],
        ),
        # 12.1.6, state of the battery
        *cases(
            "battery_status",
            V,
            [
                ("A016", BatteryStatus.DISCONNECTED),
                ("S083", BatteryStatus.DISCONNECTED),
                ("A017", BatteryStatus.DISCHARGED),
                ("A018", BatteryStatus.LOW),
                ("A019", BatteryStatus.DISCHARGING),
                ("S039", BatteryStatus.DISCHARGING_TO_INPUT),
                ("A027", BatteryStatus.ALARM),
                ("A021", BatteryStatus.ROOM_ALARM),
                ("A020", BatteryStatus.TEMPERATURE_ALARM),
                ("S034", BatteryStatus.TEST),
                ("S036", BatteryStatus.CHARGING),
                ("S032", BatteryStatus.OK),
                ("S033", BatteryStatus.OK),
                ("", BatteryStatus.OK),
            ],
        ),
        *cases(
            "battery_status",
            J,
            [
                ("A59", BatteryStatus.DISCONNECTED),
                ("S16", BatteryStatus.DISCHARGED),
                ("A49", BatteryStatus.DISCHARGED),
                ("S15", BatteryStatus.LOW),
                ("S05", BatteryStatus.DISCHARGING),
                ("A01", BatteryStatus.ALARM),
                ("A47", BatteryStatus.ROOM_ALARM),
                ("S10", BatteryStatus.TEST),
                ("S27", BatteryStatus.CHARGING),
                ("S17", BatteryStatus.OK),
                ("", BatteryStatus.OK),
            ],
        ),
        *cases(
            "battery_status",
            M,
            [
                ("6.3.58 2.1=2", BatteryStatus.UNKNOWN),
                ("2.1=1", BatteryStatus.UNKNOWN),
                ("", BatteryStatus.UNKNOWN),
                ("2.1=9", BatteryStatus.DISCONNECTED),
                ("6.3.12", BatteryStatus.DISCONNECTED),
                ("2.1=7", BatteryStatus.DISCHARGED),
                ("6.3.13", BatteryStatus.DISCHARGED),
                ("2.1=6", BatteryStatus.LOW),
                ("6.3.14", BatteryStatus.LOW),
                ("2.1=5", BatteryStatus.DISCHARGING),
                ("6.3.15", BatteryStatus.DISCHARGING),
                ("2.1=8", BatteryStatus.ALARM),
                ("6.3.19", BatteryStatus.ALARM),
                ("6.3.17", BatteryStatus.ROOM_ALARM),
                ("6.3.16", BatteryStatus.TEMPERATURE_ALARM),
                ("2.1=4", BatteryStatus.TEST),
                ("2.1=3", BatteryStatus.CHARGING),
                ("2.1=2", BatteryStatus.OK),
                # One value for three alarms, of which the others have an object each.
                ("2.1=8 6.3.17", BatteryStatus.ROOM_ALARM),
                ("2.1=8 6.3.16", BatteryStatus.TEMPERATURE_ALARM),
            ],
        ),
        *cases(
            "battery_test",
            V,
            [
                ("S034", BatteryTest.IN_PROGRESS),
                ("A022", BatteryTest.FAILED),
                ("S037", BatteryTest.INTERRUPTED),
                ("S035", BatteryTest.SCHEDULED),
                ("", BatteryTest.NONE),
            ],
        ),
        *cases(
            "battery_test",
            J,
            [
                ("S10", BatteryTest.IN_PROGRESS),
                ("S14", BatteryTest.FAILED),
                ("S12", BatteryTest.PENDING),
                ("S11", BatteryTest.SCHEDULED),
                ("S13", BatteryTest.NONE),
            ],
        ),
        *cases(
            "battery_test",
            M,
            [
                ("2.1=4", BatteryTest.IN_PROGRESS),
                ("6.3.18", BatteryTest.FAILED),
                ("6.3.58 6.3.18", BatteryTest.UNKNOWN),
                ("2.1=2", BatteryTest.NONE),
            ],
        ),
        # 12.1.7, state of the output
        *cases(
            "output_status",
            V,
            [
                ("S003", OutputStatus.MAINTENANCE_BYPASS),
                ("S000", OutputStatus.ON_INVERTER),
                ("S001", OutputStatus.NORMAL),
                ("S006", OutputStatus.ECO),
                ("S002", OutputStatus.ON_BYPASS),
                ("S082", OutputStatus.LINE_INTERACTIVE),
                ("S010", OutputStatus.LINE_INTERACTIVE),
                ("S013", OutputStatus.STANDBY),
                ("S004", OutputStatus.LOAD_OFF),
                ("", OutputStatus.LOAD_OFF),
            ],
        ),
        *cases(
            "output_status",
            J,
            [
                ("A08", OutputStatus.MAINTENANCE_BYPASS),
                ("S03", OutputStatus.ON_INVERTER),
                ("S07", OutputStatus.ECO),
                ("S04", OutputStatus.ON_BYPASS),
                ("S08", OutputStatus.STANDBY),
                ("", OutputStatus.LOAD_OFF),
            ],
        ),
        *cases(
            "output_status",
            M,
            [
                ("6.3.58 4.1=3", OutputStatus.UNKNOWN),
                ("4.1=1", OutputStatus.UNKNOWN),
                ("4.1=2", OutputStatus.MAINTENANCE_BYPASS),
                ("4.1=3", OutputStatus.ON_INVERTER),
                ("4.1=4", OutputStatus.NORMAL),
                ("4.1=5", OutputStatus.ECO),
                ("4.1=6", OutputStatus.ON_BYPASS),
                ("4.1=7", OutputStatus.STANDBY),
                ("4.1=8", OutputStatus.LOAD_OFF),
                ("4.1=9", OutputStatus.LINE_INTERACTIVE),
                ("4.1=10", OutputStatus.FLEX),
                # The output says nothing of the battery.
                ("4.1=3 6.3.15", OutputStatus.ON_INVERTER),
            ],
        ),
        # BACnet, state of a unit
        *cases(
            "machine_status",
            V,
            [
                ("S009", MachineStatus.SERVICE),
                ("S014", MachineStatus.ISOLATED),
                ("S013", MachineStatus.STANDBY),
                ("S030", MachineStatus.SELF_TEST),
                ("S011", MachineStatus.OPERATING),
                ("S012", MachineStatus.AVAILABLE),
                ("", MachineStatus.AVAILABLE),
            ],
        ),
        *cases(
            "machine_status",
            J,
            [
                ("S48", MachineStatus.SERVICE),
                ("S08", MachineStatus.STANDBY),
                ("S03", MachineStatus.OPERATING),
                ("", MachineStatus.AVAILABLE),
            ],
        ),
        case("machine_status", M, "4.1=3", None),
        # BACnet, alarm
        *(
            case("alarm_summary", table, bits, member)
            for member, rows in {
                AlarmSummary.CRITICAL: {V: "A032 A040 A048", J: "A52 A54 A62", M: "6.3.20 6.3.26 6.3.28"},
                AlarmSummary.PREVENTIVE: {V: "A033 A041 A049", J: "A23 A25 A29", M: "6.3.21 6.3.27 6.3.29"},
                AlarmSummary.GENERAL: {V: "A015", J: "A00", M: "6.3.11"},
            }.items()
            for table, all_bits in rows.items()
            for bits in all_bits.split()
        ),
        *(case("alarm_summary", table, bits, AlarmSummary.NONE) for table, bits in ((V, "A027"), (J, ""), (M, ""))),
        case("alarm_summary", M, "6.3.58 6.3.20", AlarmSummary.UNKNOWN),
        # 12.1.1, rectifier, inverter and bypass: grey, green, yellow, red
        *(
            case(f"{stage}_status", table, bits, member)
            for stage, rows in {
                "rectifier": {V: ("S049", "A033", "A032"), J: ("S02", "A23", "A52")},
                "inverter": {V: ("S052", "A041", "A040"), J: ("S01", "A25", "A54")},
                "bypass": {V: ("S057", "A049", "A048"), J: ("S04", "A29", "A62")},
            }.items()
            for table, (on, preventive, critical) in rows.items()
            for bits, member in (
                ("", StageStatus.OFF),
                (on, StageStatus.ON),
                (f"{on} {preventive}", StageStatus.PREVENTIVE_ALARM),
                (preventive, StageStatus.OFF),
                (critical, StageStatus.CRITICAL_ALARM),
            )
        ),
        *(case(f"{stage}_status", M, "4.1=3", None) for stage in ("rectifier", "inverter", "bypass")),
        # BACnet, inputs
        *cases(
            "rectifier_input_status",
            V,
            [
                ("S023", SupplyStatus.GENERATOR),
                ("", SupplyStatus.ABSENT),
                ("S048 A035", SupplyStatus.OUT_OF_TOLERANCE),
                ("S048", SupplyStatus.OK),
            ],
        ),
        *cases(
            "rectifier_input_status",
            J,
            [
                ("S46", SupplyStatus.GENERATOR),
                ("", SupplyStatus.ABSENT),
                ("S00 A05", SupplyStatus.OUT_OF_TOLERANCE),
                ("S00", SupplyStatus.OK),
            ],
        ),
        *cases(
            "rectifier_input_status",
            M,
            [
                ("6.3.58", SupplyStatus.UNKNOWN),
                ("6.3.22", SupplyStatus.OUT_OF_TOLERANCE),
                ("", SupplyStatus.OK),
            ],
        ),
        *cases(
            "bypass_input_status",
            V,
            [
                ("", SupplyStatus.ABSENT),
                ("S056 A050", SupplyStatus.OUT_OF_TOLERANCE),
                ("S056 S058", SupplyStatus.SYNCHRONISED),
                ("S056", SupplyStatus.OK),
            ],
        ),
        *cases(
            "bypass_input_status",
            J,
            [
                ("", SupplyStatus.ABSENT),
                ("S26 A06", SupplyStatus.OUT_OF_TOLERANCE),
                ("S26 S28", SupplyStatus.OUT_OF_TOLERANCE),
                ("S26 S23", SupplyStatus.SYNCHRONISED),
                ("S26", SupplyStatus.OK),
            ],
        ),
        *cases(
            "bypass_input_status",
            M,
            [
                ("6.3.58", SupplyStatus.UNKNOWN),
                ("6.3.30", SupplyStatus.OUT_OF_TOLERANCE),
                ("", SupplyStatus.OK),
            ],
        ),
        # 13.2, static transfer switch
        *cases(
            "sts_status",
            S,
            [
                ("S047", StsStatus.SERVICE),
                ("S020", StsStatus.MAINTENANCE_BYPASS_1),
                ("S021", StsStatus.MAINTENANCE_BYPASS_2),
                ("A000", StsStatus.IMMINENT_STOP),
                ("S017", StsStatus.ON_PREFERRED_SOURCE),
                ("S018", StsStatus.ON_ALTERNATE_SOURCE),
                ("S019", StsStatus.LOAD_OFF),
                ("", StsStatus.LOAD_OFF),
            ],
        ),
        *cases(
            "sts_status",
            SM,
            [
                ("5.1=5", StsStatus.MAINTENANCE_BYPASS_1),
                ("5.1=6", StsStatus.MAINTENANCE_BYPASS_2),
                ("6.1.1", StsStatus.IMMINENT_STOP),
                ("5.1=2", StsStatus.ON_PREFERRED_SOURCE),
                ("5.1=3", StsStatus.ON_ALTERNATE_SOURCE),
                ("5.1=4", StsStatus.LOAD_OFF),
                ("5.1=1", StsStatus.UNKNOWN),
                ("", StsStatus.UNKNOWN),
            ],
        ),
        *cases(
            "synchronisation",
            S,
            [
                ("S012", Synchronisation.SYNCHRONISED),
                ("S013", Synchronisation.SLIDING),
                ("S014", Synchronisation.NOT_SYNCHRONISED),
                ("S015", Synchronisation.UNKNOWN),
            ],
        ),
        *cases(
            "synchronisation",
            SM,
            [
                ("4.1=2", Synchronisation.SYNCHRONISED),
                ("4.1=3", Synchronisation.SLIDING),
                ("4.1=4", Synchronisation.NOT_SYNCHRONISED),
                ("4.1=1", Synchronisation.UNKNOWN),
            ],
        ),
        *cases("preferred_source", S, [("S016", 1), ("", 2)]),
        *cases("preferred_source", SM, [("2.2=2 3.2=1", 1), ("2.2=1 3.2=2", 2), ("", None)]),
        *cases("active_source", S, [("S023", 1), ("S024", 2), ("", None)]),
        *cases("active_source", SM, [("5.2=2", 1), ("5.2=3", 2), ("5.2=4", None), ("", None)]),
        # Not of this kind of machine.
        case("ups_status", S, "S000", None),
        case("sts_status", V, "S017", None),
        case("active_source", V, "S023", None),
        case("synchronisation", M, "4.1=2", None),
    ],
)
def test_a_state_follows_from_its_bits(function, table, bits, expected):
    rules = status.STATUSES.get(function)
    found = derive(rules, table, bits) if rules else getattr(status, function)(table, bits)
    assert found == expected


@pytest.mark.parametrize(("number", "first", "name"), [(1, 0, "2.1"), (2, 6, "3.1")])
def test_a_source_follows_from_its_bits(number, first, name):
    for offset, value, member in (
        (0, 2, SourceStatus.OK),
        (1, 3, SourceStatus.CRITICAL),
        (2, 4, SourceStatus.OUT_OF_TOLERANCE),
        (3, 5, SourceStatus.ABSENT),
    ):
        assert status.source_status(S, {f"S{first + offset:03}"}, number) is member
        assert status.source_status(SM, {f"{name}={value}"}, number) is member
    assert status.source_status(S, set(), number) is SourceStatus.UNKNOWN
    assert status.source_status(SM, {f"{name}=1"}, number) is SourceStatus.UNKNOWN
    assert status.source_status(V, {"S000"}, number) is None


# The first that holds wins: pairs of neighbours of each list, and the cases that the manual's tables disagree about.
@pytest.mark.parametrize(
    ("function", "table", "bits", "expected"),
    [
        # The maintenance bypass before the battery, the battery before the inverter, as BACnet has them.
        *cases(
            "ups_status",
            V,
            [
                ("S009 S003", UpsStatus.SERVICE),
                ("S003 A000", UpsStatus.MAINTENANCE_BYPASS),
                ("S003 A019", UpsStatus.MAINTENANCE_BYPASS),
                ("A000 A019 S000", UpsStatus.IMMINENT_STOP),
                ("S030 A019", UpsStatus.SELF_TEST),
                ("A019 S000", UpsStatus.ON_BATTERY),
                ("A019 S034", UpsStatus.BATTERY_TEST),
                ("S034 S000", UpsStatus.BATTERY_TEST),
                ("S000 S001", UpsStatus.ON_INVERTER),
                ("S001 S006", UpsStatus.NORMAL),
                # Eco mode lives on the bypass.
                ("S006 S002", UpsStatus.ECO),
                ("S006 S082", UpsStatus.ECO),
                ("S082 S002", UpsStatus.LINE_INTERACTIVE),
                ("S002 S012", UpsStatus.ON_BYPASS),
                ("S012 S013", UpsStatus.AVAILABLE),
                ("S013 S004", UpsStatus.STANDBY),
            ],
        ),
        *cases(
            "ups_status",
            J,
            [
                ("S05 S03", UpsStatus.ON_BATTERY),
                ("S05 S10 S03", UpsStatus.BATTERY_TEST),
                ("S07 S04", UpsStatus.ECO),
                ("A31 S05", UpsStatus.IMMINENT_STOP),
                ("S08 S04", UpsStatus.ON_BYPASS),
            ],
        ),
        *cases(
            "ups_status",
            M,
            [
                ("6.3.58 6.3.15 4.1=3", UpsStatus.UNKNOWN),
                ("4.1=2 6.3.15", UpsStatus.MAINTENANCE_BYPASS),
                ("4.1=5 6.3.55", UpsStatus.ECO),
                ("4.1=7 6.3.56", UpsStatus.STANDBY),
                ("4.1=1 6.3.15", UpsStatus.ON_BATTERY),
                ("6.3.15 2.1=4 4.1=3", UpsStatus.BATTERY_TEST),
            ],
        ),
        *cases(
            "battery_status",
            V,
            [
                ("A016 A017", BatteryStatus.DISCONNECTED),
                ("A017 A018", BatteryStatus.DISCHARGED),
                # Near the end it still discharges.
                ("A018 A019", BatteryStatus.LOW),
                ("A019 A027", BatteryStatus.DISCHARGING),
                ("S039 A027", BatteryStatus.DISCHARGING_TO_INPUT),
                ("A027 A021", BatteryStatus.ALARM),
                ("A021 A020", BatteryStatus.ROOM_ALARM),
                ("A020 S034", BatteryStatus.TEMPERATURE_ALARM),
                ("S034 S036", BatteryStatus.TEST),
                ("S036 S032", BatteryStatus.CHARGING),
            ],
        ),
        *cases(
            "battery_status", M, [("2.1=5 6.3.14", BatteryStatus.LOW), ("2.1=8 6.3.19 6.3.17", BatteryStatus.ALARM)]
        ),
        *cases(
            "battery_test",
            V,
            [
                ("S034 A022", BatteryTest.IN_PROGRESS),
                ("A022 S037", BatteryTest.FAILED),
                ("S037 S035", BatteryTest.INTERRUPTED),
            ],
        ),
        case("battery_test", J, "S12 S11", BatteryTest.PENDING),
        *cases(
            "output_status",
            V,
            [
                ("S003 S000", OutputStatus.MAINTENANCE_BYPASS),
                ("S006 S002", OutputStatus.ECO),
                # The other way round than for the UPS.
                ("S002 S082", OutputStatus.ON_BYPASS),
                ("S013 S004", OutputStatus.STANDBY),
            ],
        ),
        *cases(
            "machine_status",
            V,
            [
                ("S009 S014", MachineStatus.SERVICE),
                ("S014 S013", MachineStatus.ISOLATED),
                ("S013 S030", MachineStatus.STANDBY),
                ("S030 S011", MachineStatus.SELF_TEST),
                ("S011 S012", MachineStatus.OPERATING),
            ],
        ),
        *cases(
            "alarm_summary",
            V,
            [("A032 A033 A015", AlarmSummary.CRITICAL), ("A033 A015", AlarmSummary.PREVENTIVE)],
        ),
        case("rectifier_status", V, "S049 A033 A032", StageStatus.CRITICAL_ALARM),
        *cases(
            "rectifier_input_status",
            V,
            [("S023 A035", SupplyStatus.GENERATOR), ("A035", SupplyStatus.ABSENT)],
        ),
        *cases(
            "bypass_input_status",
            V,
            [("A050", SupplyStatus.ABSENT), ("S056 A050 S058", SupplyStatus.OUT_OF_TOLERANCE)],
        ),
        *cases(
            "sts_status",
            S,
            [
                ("S047 S020", StsStatus.SERVICE),
                ("S020 S021", StsStatus.MAINTENANCE_BYPASS_1),
                ("S021 A000", StsStatus.MAINTENANCE_BYPASS_2),
                ("A000 S017", StsStatus.IMMINENT_STOP),
                ("S017 S018", StsStatus.ON_PREFERRED_SOURCE),
                ("S018 S019", StsStatus.ON_ALTERNATE_SOURCE),
            ],
        ),
    ],
)
def test_the_first_of_two_wins(function, table, bits, expected):
    assert derive(status.STATUSES[function], table, bits) is expected


@pytest.mark.parametrize("number", [1, 2])
def test_an_absent_source_is_not_called_critical(number):
    first = 6 * (number - 1)
    absent, critical, bad, ok = (f"S{first + offset:03}" for offset in (3, 1, 2, 0))
    assert status.source_status(S, {absent, critical}, number) is SourceStatus.ABSENT
    assert status.source_status(S, {critical, bad}, number) is SourceStatus.CRITICAL
    assert status.source_status(S, {bad, ok}, number) is SourceStatus.OUT_OF_TOLERANCE


# --- units of a parallel system --------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(1, 16))
def test_a_unit_of_a_vumap_follows_from_its_four_bits(number):
    imminent, alarm = f"A{111 + number:03}", f"A{95 + number:03}"
    in_service, available = f"S{95 + number:03}", f"S{111 + number:03}"
    every = {imminent, alarm, in_service, available}
    for bit, member in (
        (imminent, UnitStatus.IMMINENT_STOP),
        (alarm, UnitStatus.ALARM),
        (in_service, UnitStatus.IN_SERVICE),
        (available, UnitStatus.AVAILABLE),
    ):
        assert status.unit_status(V, every, number) is member
        assert status.unit_status(V, {bit}, number) is member
        every.remove(bit)
    assert status.unit_status(V, every, number) is UnitStatus.ABSENT


@pytest.mark.parametrize("number", range(1, 7))
def test_a_unit_of_a_jbusp_follows_from_its_two_bits(number):
    assert status.unit_status(J, {f"A{31 + number}", f"S{31 + number}"}, number) is UnitStatus.ALARM
    assert status.unit_status(J, {f"S{31 + number}"}, number) is UnitStatus.IN_SERVICE
    assert status.unit_status(J, {"S38", "A38"}, number) is UnitStatus.ABSENT


@pytest.mark.parametrize("number", range(1, 13))
def test_the_mib_tells_the_alarm_of_a_unit_alone(number):
    assert status.unit_status(M, {f"6.3.{41 + number}"}, number) is UnitStatus.ALARM
    assert status.unit_status(M, {"6.3.11"}, number) is UnitStatus.UNKNOWN
    assert status.unit_status(M, {f"6.3.{41 + number}", "6.3.58"}, number) is UnitStatus.UNKNOWN


@pytest.mark.parametrize(("table", "number"), [(V, 16), (J, 7), (M, 13), (V, 0), (S, 1), (SM, 1)])
def test_no_table_tells_of_more_units_than_it_counts(table, number):
    assert status.unit_status(table, {"A38", "S38", "A111", "6.3.54"}, number) is None


@pytest.mark.parametrize(("table", "count"), [(V, 15), (J, 6)])
def test_the_bits_of_a_unit_are_those_of_its_number(table, count):
    with (LISTS / f"{table.value}.csv").open(encoding="utf-8", newline="") as file:
        labels = {row["acronym"]: row["name"] for row in csv.DictReader(file)}
    for number in range(1, count + 1):
        for _, conditions in unit_rules(number).rows:
            for name in names(conditions.get(table, "")):
                assert labels[name].startswith(f"Unit {number} "), name


# --- load ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("load", "level"),
    [
        (None, None),
        (0, LoadLevel.NONE),
        (0.5, LoadLevel.NORMAL),
        (90, LoadLevel.NORMAL),
        (91, LoadLevel.HIGH),
        (100, LoadLevel.HIGH),
        (101, LoadLevel.OVERLOAD),
    ],
)
def test_the_load_has_a_level(load, level):
    assert status.load_level(load) is level


# --- single bits -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "table", "bits", "expected"),
    [
        ("on_battery", V, {"A019"}, True),
        ("on_battery", J, {"S05"}, True),
        ("on_battery", M, {"6.3.15"}, True),
        ("on_battery", V, {"A019", "S034"}, False),
        ("on_battery", J, {"S05", "S10"}, False),
        ("on_battery", M, {"6.3.15", "2.1=4"}, False),
        ("on_battery", M, {"6.3.15", "2.1=5"}, True),
        ("on_battery", S, {"A019"}, None),
        ("on_maintenance_bypass", V, {"S003"}, True),
        ("on_maintenance_bypass", J, {"A08"}, True),
        ("on_maintenance_bypass", M, {"4.1=2"}, True),
        ("on_generator", V, {"S023"}, True),
        ("on_generator", J, {"S46"}, True),
        ("energy_saver", V, {"S007"}, True),
        ("remote_control", J, set(), True),
        ("remote_control", J, {"S06"}, False),
        ("remote_control", S, {"S045"}, True),
        ("remote_control", S, set(), False),
        ("remote_control", V, set(), None),
        *((f"outlet_{number}", V, {f"S{59 + number:03}"}, True) for number in (1, 2, 3, 4)),
    ],
)
def test_a_single_condition_holds(name, table, bits, expected):
    assert status.state(name, table, bits) is expected


def test_nothing_is_known_without_bits():
    for table in Table:
        for rules in STATUSES.values():
            expected = rules.unknown if table in rules.default else None
            assert derive(rules, table, None) is expected
        assert {status.state(name, table, None) for name in CONDITIONS} == {None}
        assert status.active_source(table, None) is None
        assert status.preferred_source(table, None) is None


# --- whatever comes --------------------------------------------------------------------------------------------------


def every_name(table: Table) -> list[str]:
    if table in (M, SM):
        numbers = [f"6.3.{number}" for number in range(1, 63)] + [f"6.1.{number}" for number in range(1, 10)]
        return numbers + [
            f"{name}={value}" for name in ("2.1", "2.2", "3.1", "3.2", "4.1", "5.1", "5.2") for value in range(12)
        ]
    with (LISTS / f"{table.value}.csv").open(encoding="utf-8", newline="") as file:
        return [row["acronym"] for row in csv.DictReader(file) if row["kind"] in ("state", "alarm")]


NAMES = {table: every_name(table) for table in Table}


@given(st.sampled_from(list(Table)), st.data())
def test_any_bits_are_a_state_or_no_state_of_that_table(table, data):
    bits = data.draw(st.frozensets(st.sampled_from(NAMES[table])))
    for rules in (*STATUSES.values(), *map(unit_rules, range(1, 17))):
        found = derive(rules, table, bits)
        assert (found in type(rules.unknown)) if table in rules.default else found is None
    for name, conditions in CONDITIONS.items():
        assert status.state(name, table, bits) in ((True, False) if table in conditions else (None,))
    for source in (status.active_source, status.preferred_source):
        assert source(table, bits) in (None, 1, 2)


@given(st.frozensets(st.text(max_size=6)), st.sampled_from(list(Table)))
def test_bits_that_nobody_knows_change_nothing(bits, table):
    known = {name for rules in STATUSES.values() for _, each in rules.rows for name in names(each.get(table, ""))}
    for rules in STATUSES.values():
        assert derive(rules, table, bits - known) is derive(rules, table, frozenset())


@given(st.one_of(st.none(), st.floats(allow_nan=False)))
def test_any_load_has_a_level_or_none(load):
    assert (status.load_level(load) is None) is (load is None)


def test_rules_ask_for_what_the_tables_have():
    with (LISTS / "snmp.csv").open(encoding="utf-8", newline="") as file:
        oids = {row["oid"]: row["values"].split() for row in csv.DictReader(file)}
    every = [*STATUSES.values(), *map(unit_rules, range(1, 16))]
    for table in Table:
        for rules in every:
            for _, conditions in rules.rows if table in rules.default else ():
                for name in names(conditions.get(table, "")):
                    if table in ROOTS:
                        suffix, _, value = name.partition("=")
                        values = oids[f"{ROOTS[table]}.{suffix}"]
                        # FLEX is a value of the newer MIB alone.
                        assert not value or value in values or name == "4.1=10"
                    else:
                        assert name in NAMES[table]


def test_every_member_can_come_about():
    for key, rules in {**STATUSES, "unit": unit_rules(1)}.items():
        reachable = {rules.unknown, *rules.default.values(), *(member for member, _ in rules.rows)}
        enumeration: type[IntEnum] = type(rules.unknown)
        assert reachable == set(enumeration) - UNREACHABLE.get(key, set()), key


# Enumerations that several states share, of which one has members that another cannot have.
UNREACHABLE = {"rectifier_input_status": {SupplyStatus.SYNCHRONISED}, "bypass_input_status": {SupplyStatus.GENERATOR}}

"""The table of a NET VISION card's rows in the documentation says what the code does, and leaves out none."""

from collections import Counter

import pytest

from scripts import netvision_table
from scripts.netvision_table import TABLE, Fate, Row, fates, rows, table, uses


@pytest.fixture(scope="module")
def lines() -> dict[tuple[str, str], str]:
    """(section, row and name) -> what the committed table says becomes of it."""
    found: dict[tuple[str, str], str] = {}
    section = ""
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        elif section and line.startswith("| ") and not line.startswith(("| Row", "| ---")):
            row, _, name, told = (cell.strip() for cell in line.strip("|").split("|"))
            found[section, f"{row} {name}".strip()] = told
    return found


def test_the_table_is_up_to_date():
    assert TABLE.read_text(encoding="utf-8") == table(), "run scripts/netvision_table"


def test_every_row_that_the_card_documents_is_in_it(lines):
    assert Counter(row.section for row in rows()) == {
        "JBUSP": 251,
        "VU-MAP": 386,
        "STS": 178,
        "UPS MIB": 229,
        "RFC 1628": 83,
        "STS MIB": 58,
    }
    assert Counter(section for section, _ in lines) == Counter(row.section for row in rows())


def test_so_many_rows_have_each_fate():
    assert {section: {fate.name: count for fate, count in found.items()} for section, found in fates().items()} == {
        "JBUSP": {
            "STATE": 22,
            "ALARM": 65,
            "QUANTITY": 36,
            "IDENTITY": 37,
            "CONFIGURATION": 1,
            "LEFT_OUT": 90,
        },
        "VU-MAP": {
            "STATE": 83,
            "ALARM": 85,
            "QUANTITY": 72,
            "IDENTITY": 13,
            "CONFIGURATION": 17,
            "LEFT_OUT": 116,
        },
        "STS": {"STATE": 9, "ALARM": 41, "QUANTITY": 48, "IDENTITY": 2, "LEFT_OUT": 78},
        "UPS MIB": {
            "QUANTITY": 24,
            "ALARM": 51,
            "STATE": 13,
            "IDENTITY": 5,
            "CONFIGURATION": 4,
            "CONTROL": 19,
            "ENVIRONMENT": 4,
            "TRAP": 43,
            "DIAGNOSTICS": 3,
            "LEFT_OUT": 63,
        },
        "RFC 1628": {"TRAP": 4, "LEFT_OUT": 79},
        "STS MIB": {
            "QUANTITY": 12,
            "ALARM": 13,
            "STATE": 3,
            "IDENTITY": 4,
            "CONFIGURATION": 2,
            "TRAP": 8,
            "LEFT_OUT": 16,
        },
    }


def test_what_is_left_out_has_a_reason():
    assert all(use.what for row in rows() for use in uses(row) if use.fate is Fate.LEFT_OUT)


# What is known of some rows, so that the table cannot be wrong throughout.
@pytest.mark.parametrize(
    ("section", "row", "told"),
    [
        ("JBUSP", "M03 0x1063 UPS load rate (global)", "quantity `load`"),
        ("JBUSP", "M12 0x106C Input current L1", f"left out: {netvision_table.NO_SCALE}"),
        ("JBUSP", "M25 0x1079", f"left out: {netvision_table.NOT_USED}"),
        ("JBUSP", "A31 0x1041 b15 Imminent stop", "alarm `imminent_stop`, state `ups_status`"),
        ("JBUSP", "A32 0x1042 b00 Unit 1 general alarm", "state `unit_status`"),
        ("JBUSP", "S18 0x1021 b02", f"left out: {netvision_table.NO_LABEL}"),
        ("JBUSP", "I03 0x1003 Serial number characters 1 (LSB) and 2 (MSB)", "identity: serial number"),
        ("JBUSP", "I00 0x1000 DIGYS", "identity: model"),
        ("VU-MAP", "S007 0x0030 b07 UPS in Energy Saver mode", "state `energy_saver`"),
        ("VU-MAP", "A070 0x003C b06 Programmable alarm A070", f"left out: {netvision_table.PROGRAMMABLE}"),
        ("VU-MAP", "S088 0x0035 b08 Free", f"left out: {netvision_table.FREE}"),
        ("VU-MAP", "A112 0x003F b00 Unit 1 in imminent stop", "state `unit_status`"),
        ("VU-MAP", "T014 0x000E Measurement factor", "configuration: whether some measures count tenths"),
        ("VU-MAP", "M024 0x0058 Battery remaining backup time", "quantity `time_to_go`"),
        ("STS", "S016 0x0141 b00 Source 1 is the preferred source", "state `preferred_source`"),
        ("STS", "A003 0x0148 b03 Overload", "alarm `sts_overload`"),
        ("UPS MIB", "1.3.6.1.4.1.4555.1.1.7.1.7.1 upsControlStatusControl", "control: commands of the UPS"),
        ("UPS MIB", "1.3.6.1.4.1.4555.1.1.7.1.6.3.58 upsAlarmCommunicationLost", "alarm `communication_lost`"),
        ("UPS MIB", "1.3.6.1.4.1.4555.1.1.7.1.9.15 upsAgentResetToDefault", f"left out: {netvision_table.AGENT}"),
        ("UPS MIB", "1.3.6.1.4.1.4555.1.1.7.2.0.15 upsTrapOnBatteryPower", "trap"),
        ("UPS MIB", "1.3.6.1.4.1.4555.1.1.7.1.4.4 upsOutputTable", f"left out: {netvision_table.STRUCTURE}"),
        ("RFC 1628", "1.3.6.1.2.1.33.1.7.1 upsTestId", f"left out: {netvision_table.RFC}"),
        ("STS MIB", "1.3.6.1.4.1.4555.1.1.10.1.5.4 stsOutputLoadRate", "quantity `load`"),
    ],
)
def test_the_table_knows(lines, section, row, told):
    assert lines[section, row].startswith(told)


@pytest.mark.parametrize(
    "row",
    [
        Row("VU-MAP", "state", "S128", "0x0040 b00", "Kettle on", 0x0040, 0),
        Row("JBUSP", "config", "T99", "0x1143", "Kettle", 0x1143),
        Row("JBUSP", "product_code", "I00", "0x1000", "KETTLE", 0x1000, value="29"),
        Row("UPS MIB", "scalar", "", "1.3.6.1.4.1.4555.1.1.7.1.11.1", "upsKettle"),
    ],
)
def test_a_row_that_nobody_has_thought_of_is_found_out(row):
    with pytest.raises(KeyError):
        uses(row)

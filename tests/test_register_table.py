"""The table of registers in the documentation says what the code does."""

from typing import Any

import pytest

from scripts import register_table
from scripts.register_table import TABLE, Row, rows, table


@pytest.fixture(scope="module")
def lines() -> dict[tuple[str, int], str]:
    """(service, address) -> what the committed table says of it."""
    found: dict[tuple[str, int], str] = {}
    service = ""
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            service = line.removeprefix("## ")
        elif line.startswith("| ") and line.split()[1].isdigit():
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            found[service, int(cells[0])] = cells[-1]
    return found


def test_the_table_is_up_to_date():
    assert TABLE.read_text(encoding="utf-8") == table(), "run scripts/register_table"


def test_every_row_of_the_list_is_in_the_table(lines):
    assert lines.keys() == {(row.service, row.address) for row in rows()}


# What is known of some registers, so that the table cannot be wrong throughout.
@pytest.mark.parametrize(
    ("service", "address", "shown_as"),
    [
        ("system", 843, "`state_of_charge`"),
        ("tank", 3004, "`level`"),
        ("tank", 3007, "`sensor_status`, alarm `sensor_open_circuit`, alarm `sensor_reverse_polarity`"),
        ("tank", 3010, "device page"),
        ("gps", 2800, "`location`"),
        ("acload", 3916, "`energy`"),
        # The narrow register of an older server, beside the wide one.
        ("acload", 3900, "`power`, `power_l1`"),
        ("acload", 3924, "`power`, `power_l1`"),
        ("generator", 3512, "`reset_service_counter`"),
        ("solarcharger", 782, "alarm `low_voltage` (until server v1.0.76)"),
        ("tank", 3000, register_table.DIAGNOSTICS),
        ("battery", 1306, register_table.PRIVATE),
        ("tank", 3008, register_table.GAP),
    ],
)
def test_the_table_knows(lines, service, address, shown_as):
    assert lines[service, address].startswith(shown_as)


def test_a_register_that_nothing_reads_is_left_out(monkeypatch):
    unknown = Row("kettle", "/Temperature", 9000, "uint16", "R")
    monkeypatch.setattr(register_table, "rows", lambda: iter([unknown]))
    monkeypatch.setattr(register_table, "uses", dict[Any, Any])
    assert f"| 9000 | uint16 R | /Temperature |  | {register_table.NOT_READ} |" in table()

"""Devices in a CSV file: the template, what a line may say, and every kind of mistake where it stands."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.energy_suite.gateways.legrand.catalogue import CATALOGUE
from custom_components.energy_suite.gateways.legrand.equipment import PRESENCE, Equipment, FeedDirection, problems
from custom_components.energy_suite.gateways.legrand.generic import GENERIC
from custom_components.energy_suite.gateways.legrand.table import (
    COLUMNS,
    METER_COLUMNS,
    MOST_CHARACTERS,
    WHOLE_FILE,
    Mistake,
    read_devices,
)
from custom_components.energy_suite.gateways.profiles.library import Library

TEMPLATE = Path(__file__).parents[3] / "docs" / "legrand_devices.csv"
LIBRARY = Library.load()
ALL_COLUMNS = (*COLUMNS, *METER_COLUMNS)


def table(*lines, separator=";", head="name;reference;address"):
    """A file of these lines, under a line of columns."""
    return "\n".join([head, *lines]).replace(";", separator)


def read(text, *others):
    return read_devices(text, others, LIBRARY)


def devices_of(text, *others):
    devices, mistakes = read(text, *others)
    assert mistakes == []
    return devices


def device_of(**cells):
    """The device of one line."""
    cells = {"name": "Meter", "reference": "4 120 45", "address": "1"} | cells
    (device,) = devices_of(table(";".join(cells.values()), head=";".join(cells)))
    return device


def mistakes_of(text, *others):
    """What is wrong: (line, column, reason)."""
    return [(each.line, each.column, each.reason) for each in read(text, *others)[1]]


def mistake_of(**cells):
    """What is wrong in one line: column -> (reason, value)."""
    cells = {"name": "Meter", "reference": "4 120 45", "address": "1"} | cells
    _, mistakes = read(table(";".join(cells.values()), head=";".join(cells)))
    assert {each.line for each in mistakes} <= {2}
    return {each.column: (each.reason, each.value) for each in mistakes}


# --- the template --------------------------------------------------------------------------------------------------


def test_the_template_has_every_column_and_no_mistake():
    text = TEMPLATE.read_text(encoding="utf-8")
    head, *lines = text.splitlines()
    assert head.split(";") == list(ALL_COLUMNS)
    devices = devices_of(text)
    assert len(devices) == len(lines)
    assert len({CATALOGUE[each.reference].family for each in devices}) >= 8
    assert {CATALOGUE[each.reference].addressing for each in devices} == {
        each.addressing for each in CATALOGUE.values()
    }
    # Something stands in each column.
    assert all(any(line.split(";")[place] for line in lines) for place in range(len(ALL_COLUMNS)))
    for place, each in enumerate(devices):
        assert problems(each, devices[:place] + devices[place + 1 :], LIBRARY) == {}


def test_the_template_says_what_it_seems_to():
    devices = {each.name: each for each in devices_of(TEMPLATE.read_text(encoding="utf-8"))}
    assert devices["Main meter"] == Equipment(
        name="Main meter", reference="4 120 45", address=1, map="emdx3_multifunction"
    )
    assert devices["Water"] == Equipment(
        name="Water",
        reference="water meter, pulse output",
        address=30,
        position=1,
        concentrator="0 046 87",
        weight=10.0,
        index=1234.567,
        map="emdx3_pulse_concentrator",
    )
    assert devices["Lighting"].single_phase
    assert devices["Lighting"].feed_direction is FeedDirection.DOWNSTREAM
    assert devices["Workshop"].place == "2-1"
    assert devices["Whole server"].remote_id == 29_999
    assert devices["Bay"].meter == {
        "function": 4,
        "register": "0x2000",
        "words": 4,
        "multiplier": "0,1",
        "unit": "kWh",
        "word_order": "low_first",
        "signed": False,
    }


# --- what a line says ----------------------------------------------------------------------------------------------


def test_a_line_of_every_column_makes_the_device_that_it_says():
    said = {
        "reference": "004670",
        "address": "30",
        "position": "3",
        "concentrator": "0 046 87",
        "weight": "0,5",
        "index": "12.25",
        "map": PRESENCE,
        "circuit": "lighting",
        "exclude_from_totals": "x",
        "exclude_from_alarms": "YES",
        "enabled": "0",
    }
    assert device_of(**said) == Equipment(
        name="Meter",
        reference="0 046 70",
        address=30,
        position=3,
        concentrator="0 046 87",
        weight=0.5,
        index=12.25,
        map=PRESENCE,
        circuit="lighting",
        exclude_from_totals=True,
        exclude_from_alarms=True,
        enabled=False,
    )


def test_a_station_has_a_side_and_a_phase():
    station = device_of(reference="0 590 57", side="2", phase="3")
    assert (station.side, station.phase, station.map) == (2, 3, PRESENCE)


@pytest.mark.parametrize(("text", "direction"), [("upstream", "upstream"), ("DownStream", "downstream")])
def test_a_breaker_has_a_feed_direction(text, direction):
    breaker = device_of(reference="4 106 57", feed_direction=text, map=PRESENCE)
    assert breaker.feed_direction is FeedDirection(direction)


@pytest.mark.parametrize("address", ["", "247"])
@pytest.mark.parametrize(("text", "remote_id"), [("all", 29_999), ("10001", 10_001)])
def test_a_virtual_device_needs_its_remote_id_alone(text, remote_id, address):
    virtual = device_of(reference="WSMEASURE device", address=address, remote_id=text)
    assert (virtual.address, virtual.remote_id) == (247, remote_id)


@pytest.mark.parametrize("word", ["1", "x", "X", "yes", "Yes", "true", "on", "oui", "vrai", "VRAI"])
def test_yes_has_many_words(word):
    assert device_of(exclude_from_totals=word).exclude_from_totals is True


@pytest.mark.parametrize("word", ["0", "no", "No", "false", "off", "non", "faux"])
def test_no_has_many_words(word):
    assert device_of(enabled=word).enabled is False


def test_a_device_without_a_map_has_the_best_one():
    assert device_of().map == "emdx3_multifunction"
    assert device_of(reference="4 149 29").map == PRESENCE
    assert device_of(map=PRESENCE).map == PRESENCE


def test_a_register_makes_a_generic_meter():
    meter = device_of(register="101C", multiplier="0,1")
    assert (meter.map, meter.meter) == (GENERIC, {"register": "101C", "multiplier": "0,1", "function": 3})
    meter = device_of(reference="generic Modbus meter", function="4", register="0x10", signed="yes")
    assert meter.meter == {"register": "0x10", "function": 4, "signed": True}


def test_a_device_without_a_name_is_called_by_its_place():
    devices = devices_of(
        table(
            ";4 120 45;1;;;",
            ";water meter, pulse output;30;2;0 046 87;10",
            ";gas meter, pulse output;30;3;0 046 87;10",
            head="name;reference;address;position;concentrator;weight",
        )
    )
    assert [each.name for each in devices] == ["1", "30-2", "30-3"]


def test_a_name_that_nobody_chose_gets_a_number_where_it_is_taken():
    there = Equipment(name="1", reference="4 120 45", address=9)
    devices = devices_of(table(" ;4 120 45;1", ";4 120 45;2", "2;4 120 45;3"), there)
    assert [each.name for each in devices] == ["1 (2)", "2 (2)", "2"]
    devices = devices_of(table(";4 120 45;1", "1;4 120 45;2", " 1 (2);4 120 45;3"))
    assert [each.name for each in devices] == ["1 (3)", "1", "1 (2)"]
    # There may be no names at all.
    assert [each.name for each in devices_of("reference;address\n4 120 45;5\n")] == ["5"]


# --- how it may be written -----------------------------------------------------------------------------------------

PLAIN = table("Main;4 120 45;1", "Water;0 261 36;2")
EXPECTED = [
    Equipment(name="Main", reference="4 120 45", address=1, map="emdx3_multifunction"),
    Equipment(name="Water", reference="0 261 36", address=2),
]


@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("begin", ["", "\ufeff", "\n\n", "\ufeff \r\n"])
@pytest.mark.parametrize("end", ["", "\n", "\n\n  \n"])
def test_separators_line_ends_and_blank_lines_are_as_they_come(separator, ending, begin, end):
    text = f"{begin}{PLAIN}{end}".replace(";", separator).replace("\r\n", "\n").replace("\n", ending)
    assert devices_of(text) == EXPECTED


@pytest.mark.parametrize(
    "text",
    [
        table("Main;4 120 45;1", "Water;0 261 36;2", head=" Name ;REFERENCE;Address"),
        table("1;Main;4 120 45", "2;Water;0 261 36", head="address;name;reference"),
        table(" Main ; 4 120 45 ; 1 ", "Water;0 261 36;2"),
        table('"Main";"4 120 45";"1"', "Water;0 261 36;2", head='"name";"reference";"address"'),
        table("Main;4 120 45;1;;;", "Water;0 261 36;2;"),
        table("Main;4 120 45;1;", "Water;0 261 36;2", head="name;reference;address;circuit"),
        table(";;", "Main;4 120 45;1", " ; ; ", "Water;0 261 36;2"),
    ],
)
def test_columns_cells_and_empty_lines_are_as_they_come(text):
    assert devices_of(text) == EXPECTED


def test_a_quoted_cell_holds_anything():
    head = "name,reference,address,weight,position,concentrator"
    text = f'{head}\n"Say ""a, b; c""","water meter, pulse output",30,"2,5",1,004687'
    (device,) = devices_of(text)
    assert (device.name, device.weight, device.concentrator) == ('Say "a, b; c"', 2.5, "0 046 87")


@pytest.mark.parametrize(("text", "weight"), [("2,5", 2.5), ("2.5", 2.5), ("10", 10.0), ("1e1", 10.0)])
def test_decimals_have_a_comma_or_a_point(text, weight):
    about = {"reference": "0 046 70", "position": "1", "concentrator": "0 046 87"}
    assert device_of(**about, weight=text).weight == weight


# --- mistakes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "\n\n", "\ufeff", " \n", "\ufeff\r\n", table(), table("", ";;", "")])
def test_a_file_without_devices_is_said_to_be_empty(text):
    assert mistakes_of(text) == [(WHOLE_FILE, "", "file_empty")]


def test_a_file_that_is_too_large_is_not_looked_at():
    assert mistakes_of(PLAIN.ljust(MOST_CHARACTERS, "\n")) == []
    assert mistakes_of(PLAIN.ljust(MOST_CHARACTERS + 1, "\n")) == [(WHOLE_FILE, "", "file_too_large")]


@pytest.mark.parametrize(
    ("head", "mistakes"),
    [
        ("name;reference", [("address", "missing_column")]),
        ("name", [("reference", "missing_column"), ("address", "missing_column")]),
        ("name;reference;address;colour", [("colour", "unknown_column")]),
        ("name;reference;address;;circuit", [("", "unknown_column")]),
        ("name;reference;address;Name", [("name", "column_twice")]),
        ("nom;reference;address;register;register", [("nom", "unknown_column"), ("register", "column_twice")]),
        ('"name;reference;address', [("", "no_csv")]),
        ('"na"me;reference;address', [("", "no_csv")]),
        ("confirmed;reference;address", [("confirmed", "unknown_column")]),
    ],
)
@pytest.mark.parametrize("before", [0, 2])
def test_what_is_wrong_with_the_columns_is_told_in_their_line(head, mistakes, before):
    text = "\n" * before + table("Main;4 120 45;1", head=head)
    assert read(text)[0] == []
    assert mistakes_of(text) == [(before + 1, *each) for each in mistakes]


@pytest.mark.parametrize(
    ("cells", "mistakes"),
    [
        ({"reference": "4 120 99"}, {"reference": ("missing_model", "4 120 99")}),
        ({"reference": ""}, {"reference": ("missing_model", "")}),
        ({"reference": "", "weight": "much"}, {"reference": ("missing_model", ""), "weight": ("bad_weight", "much")}),
        ({"address": ""}, {"address": ("bad_address", "")}),
        ({"address": "0"}, {"address": ("bad_address", "0")}),
        ({"address": "248"}, {"address": ("bad_address", "248")}),
        ({"address": "247"}, {"address": ("address_of_slave", "247")}),
        ({"address": "one"}, {"address": ("bad_address", "one")}),
        ({"address": "1.0"}, {"address": ("bad_address", "1.0")}),
        ({"address": "-1"}, {"address": ("bad_address", "-1")}),
        ({"address": "1_0"}, {"address": ("bad_address", "1_0")}),
        ({"address": "²"}, {"address": ("bad_address", "²")}),
        ({"address": "9" * 5000}, {"address": ("bad_address", "9" * 5000)}),
        ({"enabled": "maybe"}, {"enabled": ("bad_value", "maybe")}),
        ({"single_phase": "2"}, {"single_phase": ("bad_value", "2")}),
        ({"exclude_from_totals": "-"}, {"exclude_from_totals": ("bad_value", "-")}),
        ({"exclude_from_alarms": "-"}, {"exclude_from_alarms": ("bad_value", "-")}),
        ({"feed_direction": "left"}, {"feed_direction": ("bad_value", "left")}),
        ({"map": "gone"}, {"map": ("unknown_map", "gone")}),
        (
            {"map": "emdx3_pulse_concentrator", "reference": "0 590 57", "side": "1", "phase": "1"},
            {"map": ("map_without_sides", "emdx3_pulse_concentrator")},
        ),
        ({"reference": "4 149 20", "remote_address": "2/1"}, {"remote_address": ("bad_remote_address", "2/1")}),
        (
            {"reference": "0 590 57", "side": "3", "phase": "L1"},
            {"side": ("bad_side", "3"), "phase": ("bad_phase", "L1")},
        ),
        ({"reference": "0 590 57"}, {"side": ("bad_side", ""), "phase": ("bad_phase", "")}),
        (
            {"reference": "WSMEASURE device", "address": "", "remote_id": "some"},
            {"remote_id": ("bad_remote_id", "some")},
        ),
        ({"reference": "WSMEASURE device", "address": "5", "remote_id": "all"}, {"address": ("address_of_slave", "5")}),
        ({"reference": "WSMEASURE device", "address": "247"}, {"remote_id": ("bad_remote_id", "")}),
        (
            {"reference": "0 046 70", "position": "8", "concentrator": "0 046 87", "weight": "0"},
            {"position": ("bad_position", "8"), "weight": ("bad_weight", "0")},
        ),
        (
            {"reference": "0 046 70", "position": "one", "concentrator": "4 120 45", "weight": "1_0"},
            {
                "position": ("bad_position", "one"),
                "concentrator": ("missing_concentrator", "4 120 45"),
                "weight": ("bad_weight", "1_0"),
            },
        ),
        (
            {"reference": "0 046 70"},
            {
                "position": ("bad_position", ""),
                "concentrator": ("missing_concentrator", ""),
                "weight": ("bad_weight", ""),
            },
        ),
        (
            {"reference": "0 046 70", "position": "1", "concentrator": "0 046 87", "weight": "nan", "index": "inf"},
            {"weight": ("bad_weight", "nan"), "index": ("bad_value", "inf")},
        ),
        (
            {"reference": "0 046 70", "position": "1", "concentrator": "0 046 87", "weight": "1", "index": "-5"},
            {"index": ("bad_value", "-5")},
        ),
        ({"reference": "generic Modbus meter"}, {"register": ("bad_register", "")}),
        ({"words": "2"}, {"register": ("bad_register", "")}),
        (
            {"register": "G1", "function": "5", "words": "3", "multiplier": "0", "unit": "MWh"},
            {
                "register": ("bad_register", "G1"),
                "function": ("bad_function", "5"),
                "words": ("bad_words", "3"),
                "multiplier": ("bad_multiplier", "0"),
                "unit": ("bad_unit", "MWh"),
            },
        ),
        (
            {"register": "FFFF", "function": "three", "words": "two", "word_order": "middle", "signed": "perhaps"},
            {
                "register": ("register_too_high", "FFFF"),
                "function": ("bad_function", "three"),
                "words": ("bad_words", "two"),
                "word_order": ("bad_value", "middle"),
                "signed": ("bad_value", "perhaps"),
            },
        ),
        ({"reference": "0 261 36", "register": "10"}, {"map": ("unknown_map", "")}),
    ],
)
def test_what_is_wrong_in_a_line_is_told_cell_by_cell(cells, mistakes):
    assert mistake_of(**cells) == mistakes


def test_a_mistake_is_told_with_its_line_wherever_it_stands():
    text = table("Main;4 120 45;1", "", "Gone;4 120 99;2", ";;", "Zero;4 120 45;0", "Fine;4 120 45;3")
    devices, mistakes = read(f"\ufeff\n{text}")
    assert mistakes == [
        Mistake(5, "reference", "missing_model", "4 120 99"),
        Mistake(7, "address", "bad_address", "0"),
    ]
    assert [each.name for each in devices] == ["Main", "Zero", "Fine"]


def test_a_row_of_several_lines_is_where_it_begins():
    text = table('"Main\nmeter";4 120 99;1', "Gone;4 120 99;2")
    assert mistakes_of(text) == [(2, "reference", "missing_model"), (4, "reference", "missing_model")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Main;4 120 45;1;more", "too_many_cells"),
        ('Main;4 120 45;"1', "no_csv"),
        ('"Main"er;4 120 45;1', "no_csv"),
        # With a separator of commas such a number is two cells.
        ("Main;4 120 45;1;;;5", "too_many_cells"),
    ],
)
def test_a_line_that_is_none_is_told_as_such(line, reason):
    devices, mistakes = read(table("Fine;4 120 45;9", line, "Other;4 120 45;2"))
    assert mistakes == [Mistake(3, "", reason)]
    # What an open quote swallows cannot be read.
    assert [each.name for each in devices] == (["Fine"] if reason == "no_csv" else ["Fine", "Other"])


def test_a_cell_that_has_no_end_is_told():
    assert mistakes_of(table(f"Main;4 120 45;{'1' * 150_000}")) == [(2, "", "no_csv")]
    assert mistakes_of("x" * 150_000) == [(1, "", "no_csv")]


def test_a_decimal_comma_between_commas_is_one_cell_too_many():
    text = table(
        "Water;0 046 70;30;1;0 046 87;2", separator=",", head="name;reference;address;position;concentrator;weight"
    )
    assert devices_of(text)[0].weight == 2
    assert mistakes_of(f"{text},5") == [(2, "", "too_many_cells")]


HEAD = "name;reference;address;position;concentrator;weight;side;phase;remote_id"


@pytest.mark.parametrize(
    ("line", "mistakes"),
    [
        ("Other;4 120 45;1;;;;;;", {"address": "address_used"}),
        ("MAIN ;4 120 45;2;;;;;;", {"name": "name_used"}),
        ("main;4 120 45;1;;;;;;", {"name": "name_used", "address": "address_used"}),
        ("Other;0 046 70;30;1;0 046 87;1;;;", {"position": "position_used"}),
        ("Other;0 046 70;30;2;0 046 87;1;;;", {}),
        ("Other;0 046 70;30;2;4 120 65;1;;;", {"address": "address_used"}),
        ("Other;0 590 57;20;;;;1;1;", {"side": "side_used"}),
        ("Other;0 590 57;20;;;;2;1;", {}),
        ("Other;WSMEASURE device;247;;;;;;29999", {"remote_id": "remote_id_used"}),
        ("Other;WSMEASURE device;247;;;;;;10001", {}),
    ],
)
@pytest.mark.parametrize("inside", [True, False])
def test_what_is_there_already_is_told_in_the_later_line(line, mistakes, inside):
    first = (
        "Main;4 120 45;1;;;;;;",
        "Water;water meter, pulse output;30;1;0 046 87;10;;;",
        "Left;0 590 57;20;;;;1;1;",
        "All;WSMEASURE device;247;;;;;;all",
    )
    if inside:
        told, place = mistakes_of(table(*first, line, head=HEAD)), 6
    else:
        told, place = mistakes_of(table(line, head=HEAD), *devices_of(table(*first, head=HEAD))), 2
    assert told == [(place, column, reason) for column, reason in mistakes.items()]


def test_a_line_with_a_mistake_is_in_the_way_of_those_below():
    text = table("Main;4 120 45;1;maybe", "Main;4 120 45;1;yes", head="name;reference;address;enabled")
    assert mistakes_of(text) == [
        (2, "enabled", "bad_value"),
        (3, "name", "name_used"),
        (3, "address", "address_used"),
    ]


@pytest.mark.parametrize("many", [255, 256, 300])
def test_a_file_has_255_devices_at_most(many):
    lines = [f"Input {place};0 046 70;1;{place};4 149 26;1" for place in range(1, many + 1)]
    devices, mistakes = read(table(*lines, head="name;reference;address;position;concentrator;weight"))
    assert len(devices) == 255
    assert mistakes == ([] if many == 255 else [Mistake(257, "", "too_many_devices")])


@given(st.text(alphabet=st.sampled_from('name;reference,address\t"\n\r 01245\ufeff\0x'), max_size=200))
def test_whatever_is_in_a_file_it_is_read_or_told(text):
    devices, mistakes = read(text)
    assert devices or mistakes


@given(st.lists(st.text(max_size=20), min_size=1, max_size=len(ALL_COLUMNS)))
def test_whatever_is_in_a_line_it_is_read_or_told(cells):
    quoted = ";".join('"' + cell.replace('"', '""') + '"' for cell in cells)
    devices, mistakes = read(
        table(
            f"4 120 45;1;{quoted}",
            head=";".join(
                ["reference", "address", *(each for each in ALL_COLUMNS if each not in ("reference", "address"))]
            ),
        )
    )
    assert devices or mistakes

"""Every declared word and object against the tables that the cards document."""

import csv
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.energy_suite.gateways.netvision.quantities import (
    BIT_WORDS,
    BLOCKS,
    CONFIG_BLOCKS,
    MEASURES,
    PRODUCT_CODES,
    QUANTITIES,
    RATED,
    REFERENCE,
    ROOTS,
    SERIAL,
    Object,
    Quantity,
    Table,
    Word,
    decode_text,
    low_byte_first,
)

LISTS = Path(__file__).parents[3] / "demo" / "data" / "netvision"
MAPS = (Table.JBUSP, Table.VUMAP, Table.STS)
MIBS = (Table.UPS_MIB, Table.STS_MIB)
# Unit of the tables -> ours, and the factor between them.
UNITS = {
    "": (None, 1),
    "%": ("%", 1),
    "V": ("V", 1),
    "A": ("A", 1),
    "Hz": ("Hz", 1),
    "°C": ("°C", 1),
    "°": ("°", 1),
    "Ah": ("Ah", 1),
    "s": ("s", 1),
    "min": ("s", 60),
    "kW": ("W", 1000),
    "kVA": ("VA", 1000),
}
NOT_MEASURED = {
    **dict.fromkeys((0x106C, 0x106D, 0x106E), "input current of the JBUSP: the factor is not given"),
    **dict.fromkeys((0x1088, 0x1089, 0x108A), "input power of the JBUSP: neither unit nor factor is given"),
}
# The annex of the STS gives no factors: those of the STS MIB, of the card's history, or the unit as it stands.
STS_FACTORS = {
    **dict.fromkeys((0x0226, 0x022E, 0x0236), 0.1),
    **dict.fromkeys(range(0x0240, 0x0243), 1000),
    **dict.fromkeys(range(0x0243, 0x0246), 0.01),
    **dict.fromkeys(range(0x0248, 0x024C), 0.1),
    **dict.fromkeys(range(0x0250, 0x0254), 1000),
}
# The identifiers give the rated power in tenths of kVA, which the table has in words.
RATED_IN_WORDS = {(Table.JBUSP, 0x1001): ("VA", 100.0)}
IN_THE_MIB_BUT_NOT_READ = {
    "upsBatterySOC": "a card gave 0 while the battery was full",
    "upsInputVoltageMax": "of the last minute",
    "upsInputVoltageMin": "of the last minute",
    "upsShutdownDelay": "a setting",
    "upsControlDelay": "a setting",
    "upsControlFirstWarning": "a setting",
    "upsControlWarningInterval": "a setting",
    "upsConfigUnitKva": "no factor",
    "upsAgentHistoryLogFrequency": "administration of the card",
    "upsAgentExtHistoryLogFrequency": "administration of the card",
    "upsAgentPollRate": "administration of the card",
    "upsAgentBaudRate": "administration of the card",
    "emdStatusTemperature": "of the environment device",
    "emdStatusHumidity": "of the environment device",
}


# Object -> quantity, but for its phase.
OBJECTS = {
    Table.UPS_MIB: {
        ("upsSecondsOnBattery", "time_on_battery"),
        ("upsEstimatedMinutesRemaining", "time_to_go"),
        ("upsEstimatedChargeRemaining", "state_of_charge"),
        ("upsBatteryVoltage", "battery_voltage"),
        ("upsBatteryTemperature", "battery_temperature"),
        ("upsAmbientTemperature", "ambient_temperature"),
        ("upsBatteryCurrent", "battery_current"),
        ("upsInputFrequency", "input_frequency"),
        ("upsInputVoltage", "input_voltage"),
        ("upsInputCurrent", "input_current"),
        ("upsOutputFrequency", "output_frequency"),
        ("upsOutputVoltage", "output_voltage"),
        ("upsOutputCurrent", "output_current"),
        ("upsOutputPercentLoad", "load"),
        ("upsOutputKva", "apparent_power"),
        ("upsOutputKw", "output_power"),
        ("upsOutputGlobalKva", "apparent_power"),
        ("upsOutputGlobalKw", "output_power"),
        ("upsOutputLoadRate", "load"),
        ("upsBypassFrequency", "bypass_frequency"),
        ("upsBypassVoltage", "bypass_voltage"),
        ("upsBypassCurrent", "bypass_current"),
        ("upsConfigNomKva", "rated_apparent_power"),
    },
    Table.STS_MIB: {
        ("stsSource1Frequency", "source_1_frequency"),
        ("stsSource1Voltage", "source_1_voltage"),
        ("stsSource2Frequency", "source_2_frequency"),
        ("stsSource2Voltage", "source_2_voltage"),
        ("stsOutputFrequency", "output_frequency"),
        ("stsOutputLoadRate", "load"),
        ("stsOutputVoltage", "output_voltage"),
        ("stsOutputCurrent", "output_current"),
        ("stsOutputkVA", "apparent_power"),
        ("stsOutputkW", "output_power"),
        ("stsOutputCrestFactor", "crest_factor"),
        ("stsOutputPowerFactor", "power_factor"),
    },
}


def lines(name: str) -> list[dict[str, str]]:
    with (LISTS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def words(table: Table, kind: str) -> dict[int, dict[str, str]]:
    return {int(row["address"], 16): row for row in lines(table.value) if row["kind"] == kind}


def objects(table: Table) -> dict[str, dict[str, str]]:
    root = f"{ROOTS[table]}."
    return {row["oid"].removeprefix(root): row for row in lines("snmp") if row["oid"].startswith(root)}


def declared(table: Table, quantities: tuple[Quantity, ...] = QUANTITIES) -> list[tuple[Quantity, Word]]:
    return [(each, place) for each in quantities if isinstance(place := each.place(table), Word)]


def declared_objects(table: Table) -> list[tuple[Quantity, Object]]:
    return [(each, place) for each in QUANTITIES if isinstance(place := each.place(table), Object)]


@pytest.mark.parametrize("table", MAPS)
def test_every_measure_of_a_map_is_declared_or_left_out_for_a_reason(table):
    named = {address for address, row in words(table, "measure").items() if row["name"]}
    assert sorted(place.address for _, place in declared(table, MEASURES)) == sorted(named - NOT_MEASURED.keys())


def test_what_is_left_out_is_still_in_the_tables():
    assert NOT_MEASURED.keys() <= words(Table.JBUSP, "measure").keys()
    assert {row["name"] for row in lines("snmp")} >= IN_THE_MIB_BUT_NOT_READ.keys()


@pytest.mark.parametrize("table", [Table.JBUSP, Table.VUMAP])
def test_measures_have_the_unit_and_the_factor_of_the_table(table):
    rows = words(table, "measure")
    for quantity, place in declared(table, MEASURES):
        row = rows[place.address]
        unit, factor = UNITS[row["unit"]]
        assert quantity.unit == unit, quantity.key
        assert place.scale == pytest.approx(float(row["scale"]) * factor), quantity.key
        assert place.tenths == (row["tenths"] == "yes"), quantity.key


def test_measures_of_an_sts_have_the_unit_of_the_table_and_the_factor_of_its_mib():
    rows = words(Table.STS, "measure")
    for quantity, place in declared(Table.STS, MEASURES):
        assert quantity.unit == UNITS[rows[place.address]["unit"]][0], quantity.key
        assert (place.scale, place.tenths) == (STS_FACTORS.get(place.address, 1), False), quantity.key
        beside = quantity.place(Table.STS_MIB)
        assert beside is None or beside.scale == place.scale, quantity.key


@pytest.mark.parametrize("table", [Table.JBUSP, Table.VUMAP])
def test_rated_values_have_the_unit_and_the_factor_of_the_table(table):
    rows = {**words(table, "config"), **words(table, "ident")}
    found = declared(table, RATED)
    assert found
    for quantity, place in found:
        row = rows[place.address]
        unit, factor = UNITS[row["unit"]]
        expected = RATED_IN_WORDS.get((table, place.address)) or (unit, float(row["scale"]) * factor)
        assert quantity.unit == expected[0], quantity.key
        assert place.scale == pytest.approx(expected[1]), quantity.key
        assert place.tenths == (row["tenths"] == "yes"), quantity.key


# What the names of the tables have in common with ours: a wrong address has another name.
NAMED = (
    (r"load(_l\d|_n)?", r"load rate"),
    (r"output_voltage_.*", r"output voltage"),
    (r"output_current_.*", r"output (neutral )?current"),
    (r"output_frequency", r"output frequency"),
    (r"output_power.*", r"(?<!rectifier )(?<!bypass )active power"),
    (r"apparent_power.*", r"output apparent power"),
    (r"power_factor_.*", r"power factor"),
    (r"crest_factor.*", r"crest factor"),
    (r"input_voltage_.*", r"rectifier input voltage"),
    (r"input_current_.*", r"rectifier input current"),
    (r"input_power_.*", r"rectifier active power"),
    (r"input_frequency", r"rectifier input frequency"),
    (r"bypass_voltage_.*", r"bypass input voltage"),
    (r"bypass_current_.*", r"bypass input current"),
    (r"bypass_power_.*", r"bypass active power"),
    (r"bypass_frequency", r"bypass input frequency"),
    (r"state_of_charge", r"battery capacity \(state of charge\)"),
    (r"battery_capacity", r"battery capacity$"),
    (r"battery_voltage(_negative)?", r"battery voltage"),
    (r"battery_current(_negative)?", r"battery current"),
    (r"battery_temperature", r"battery temperature"),
    (r"battery_mean_temperature", r"battery mean temperature"),
    (r"ambient_temperature", r"ambient temperature"),
    (r"time_to_go", r"(battery )?remaining backup time"),
    (r"time_on_battery", r"time elapsed on battery"),
    (r"dc_storage_(voltage|temperature)", r"dc storage \1"),
    (r"source_(\d)_(voltage|frequency).*", r"source \1 \2"),
    (r"static_switch_(\d)_temperature", r"static switch \1 temperature"),
    (r"phase_shift", r"phase shift"),
    (r"rated_apparent_power", r"rated apparent power"),
    (r"rated_power", r"rated active power"),
    (r"rated_(input|output)_(voltage|frequency)", r"rated \1 \2"),
    (r"rated_battery_capacity", r"total rated battery capacity"),
)
PHASES = {
    "l1": r"(L1|L1-N|phase 1)$",
    "l2": r"(L2|L2-N|phase 2)$",
    "l3": r"(L3|L3-N|phase 3)$",
    "l12": r"L1-L2$",
    "l23": r"L2-L3$",
    "l31": r"L3-L1$",
    "n": r"neutral",
}


@pytest.mark.parametrize("table", MAPS)
def test_a_word_holds_what_its_name_says(table):
    rows = {**words(table, "measure"), **words(table, "config"), **words(table, "ident")}
    for quantity, place in declared(table):
        name = rows[place.address]["name"]
        ours, theirs = next(pair for pair in NAMED if re.fullmatch(pair[0], quantity.key))
        found = re.fullmatch(ours, quantity.key)
        assert found
        assert re.search(found.expand(theirs), name, re.IGNORECASE), (quantity.key, name)
        part = quantity.key.rpartition("_")[2]
        if part in PHASES:
            assert re.search(PHASES[part], name), (quantity.key, name)


def test_the_strings_of_a_battery_are_not_mixed_up():
    signs = {"battery_voltage": "+", "battery_voltage_negative": "-"}
    signs |= {"battery_current": "+", "battery_current_negative": "-"}
    rows = words(Table.VUMAP, "measure")
    for quantity, place in declared(Table.VUMAP):
        if quantity.key in signs:
            assert f"{signs[quantity.key]} string" in rows[place.address]["name"]


@pytest.mark.parametrize("table", MIBS)
def test_objects_are_those_of_the_mib_with_its_units_and_factors(table):
    rows = objects(table)
    for quantity, place in declared_objects(table):
        name, _, instance = place.suffix.rpartition(".")
        row = rows[name]
        assert row["kind"] == ("scalar" if instance == "0" else "column"), quantity.key
        assert instance == str(quantity.phase or 0), quantity.key
        unit, factor = UNITS[row["unit"]]
        assert quantity.unit == unit, quantity.key
        assert place.scale == pytest.approx(float(row["scale"]) * factor), quantity.key


@pytest.mark.parametrize("table", MIBS)
def test_every_measure_of_a_mib_is_declared_or_left_out_for_a_reason(table):
    measured = {
        suffix
        for suffix, row in objects(table).items()
        if row["kind"] in ("scalar", "column")
        and (row["unit"] or row["scale"])
        and row["name"] not in IN_THE_MIB_BUT_NOT_READ
        and row["type"] != "TimeTicks"
    }
    assert {place.suffix.rpartition(".")[0] for _, place in declared_objects(table)} == measured


@pytest.mark.parametrize("table", MIBS)
def test_an_object_holds_what_its_name_says(table):
    rows = objects(table)
    found = {
        (rows[place.suffix.rpartition(".")[0]]["name"], re.sub(r"_l\d$", "", quantity.key))
        for quantity, place in declared_objects(table)
    }
    assert found == OBJECTS[table]


@pytest.mark.parametrize("table", MAPS)
def test_the_blocks_are_those_of_the_annex_and_hold_every_word(table):
    blocks = {(int(row["address"], 16), int(row["count"])) for row in lines("blocks") if row["map"] == table.value}
    live = BLOCKS[table]
    for low, high in live:
        assert (low, high - low + 1) in blocks
    for low, high in CONFIG_BLOCKS[table]:
        assert any(low == start and high - low + 1 <= count for start, count in blocks)
    for quantities, ranges in ((MEASURES, live), (RATED, CONFIG_BLOCKS[table])):
        for quantity, place in declared(table, quantities):
            assert any(low <= place.address <= high for low, high in ranges), quantity.key
    for texts in (SERIAL, REFERENCE):
        if text := texts.get(table):
            assert any(
                low <= text.address and text.address + text.count - 1 <= high for low, high in CONFIG_BLOCKS[table]
            )
    assert all(any(low <= address <= high for low, high in live) for address in BIT_WORDS[table])


@pytest.mark.parametrize("table", MAPS)
def test_bits_have_the_numbers_of_the_annex(table):
    rows = [row for row in lines(table.value) if row["kind"] in ("state", "alarm")]
    assert {int(row["address"], 16) for row in rows} == BIT_WORDS[table].keys()
    digits = 2 if table is Table.JBUSP else 3
    for row in rows:
        letter, first = BIT_WORDS[table][int(row["address"], 16)]
        assert row["acronym"] == f"{letter}{first + int(row['bit']):0{digits}}"


@pytest.mark.parametrize("table", [Table.JBUSP, Table.VUMAP])
def test_product_codes_are_those_of_the_annex(table):
    expected: dict[int, str] = {}
    for row in lines(table.value):
        if row["kind"] == "product_code":
            first, _, last = row["value"].partition("-")
            expected |= dict.fromkeys(range(int(first, 0), int(last or first, 0) + 1), row["name"])
    beside = {130: "DIGYS"} if table is Table.JBUSP else {}
    assert PRODUCT_CODES[table] == expected | beside


def test_keys_are_unique_and_no_place_is_taken_twice():
    assert max(Counter(quantity.key for quantity in QUANTITIES).values()) == 1
    for table in Table:
        places = Counter(place for quantity in QUANTITIES if (place := quantity.place(table)))
        assert places
        assert max(places.values()) == 1


def test_phases_and_batteries_are_marked():
    for quantity in QUANTITIES:
        found = re.search(r"_l(\d)\d?$", quantity.key)
        assert quantity.phase == (int(found[1]) if found else None), quantity.key
        of_battery = "battery" in quantity.key or quantity.key in ("state_of_charge", "time_to_go")
        assert quantity.battery == of_battery, quantity.key
        if quantity.zero_is_unknown:
            assert quantity.unit == "°C"
            assert not quantity.key.startswith("static_switch")


# --- texts -----------------------------------------------------------------------------------------------------------


def spelled(text: str, count: int, *, low_first: bool, padding: str = "\0") -> list[int]:
    """The words that spell a text."""
    letters = text.ljust(2 * count, padding).encode("latin-1")
    pairs = zip(letters[::2], letters[1::2], strict=True)
    return [second << 8 | first if low_first else first << 8 | second for first, second in pairs]


@pytest.mark.parametrize("low_first", [False, True])
@pytest.mark.parametrize("padding", ["\0", " ", "\xff"])
@pytest.mark.parametrize("text", ["MASTERYS GP4 60", "delphys xl", "P123456", "AB1 C", "1 23 4 5 67"])
def test_the_order_of_the_letters_is_found(text, padding, low_first):
    words = spelled(text, 10, low_first=low_first, padding=padding)
    assert low_byte_first(words) is low_first
    assert decode_text(words, low_byte_first=low_first) == text


@pytest.mark.parametrize(
    "words", [[], [0] * 10, spelled("1234", 2, low_first=True), spelled("AABB", 4, low_first=True)]
)
def test_where_nothing_tells_the_high_byte_comes_first(words):
    assert low_byte_first(words) is False


def test_the_serial_number_of_a_jbusp_has_its_first_letter_in_the_low_byte():
    text = SERIAL[Table.JBUSP]
    assert text.low_byte_first is True
    assert decode_text([0x3250, 0x3433, 0x3635, 0x3837, 0x0039], low_byte_first=True) == "P23456789"


@pytest.mark.parametrize("words", [[], [0, 0], [0xFFFF] * 5, [0x2020] * 10, [0x0102]])
def test_words_without_letters_are_no_text(words):
    assert decode_text(words, low_byte_first=False) is None


@given(st.lists(st.integers(-0x8000, 0xFFFF), max_size=12), st.booleans())
def test_any_words_are_a_printable_text_or_none(words, order):
    text = decode_text(words, low_byte_first=order)
    assert text is None or (text.isprintable() and text.isascii() and text == text.strip())
    assert low_byte_first(words) in (False, True)

"""The alarms of a card against the levels and labels of its tables, bit by bit."""

import csv
import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.energy_suite.gateways.base import Alarm, Severity
from custom_components.energy_suite.gateways.netvision.bits import ALARMS, CARD_ALARMS, holds, names, raised
from custom_components.energy_suite.gateways.netvision.quantities import ROOTS, Table
from custom_components.energy_suite.gateways.netvision.status import CONDITIONS, STATUSES, unit_rules
from custom_components.energy_suite.texts import FOLDER, TEXTS

LISTS = Path(__file__).parents[3] / "demo" / "data" / "netvision"
MAPS = (Table.JBUSP, Table.VUMAP, Table.STS)
LEVELS = {"": Severity.INFORMATION, "I": Severity.INFORMATION, "L": Severity.WARNING, "C": Severity.CRITICAL}
BY_KEY = {alarm.key: alarm for alarm in (*ALARMS, *CARD_ALARMS)}
# The levels of the tables contradict those of the traps, or one of four alike has a level.
MORE_SEVERE = {
    "sts_overload": "L in the log of events, critical as a trap",
    "external_alarm_2": "as external alarm 1",
    "external_alarm_3": "as external alarm 1",
    "external_alarm_4": "as external alarm 1",
    **{f"supply_path_{number}_alarm": "the worst of the three that the MIB does not tell apart" for number in (1, 2)},
}
NOT_SYSTEM = {
    Table.JBUSP: {f"A{number}" for number in range(32, 38)},
    Table.VUMAP: {f"A{number:03}" for number in (*range(96, 111), *range(112, 127))},
    Table.STS: set[str](),
}
PROGRAMMABLE = {f"A{number:03}" for number in range(68, 72)}


def lines(name: str) -> list[dict[str, str]]:
    with (LISTS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def bits(table: Table) -> dict[str, dict[str, str]]:
    return {row["acronym"]: row for row in lines(table.value) if row["kind"] in ("state", "alarm")}


def asked(table: Table) -> dict[str, set[str]]:
    """Bit -> the alarms that ask for it."""
    found: dict[str, set[str]] = {}
    for alarm in ALARMS:
        for name in names(alarm.condition(table)):
            found.setdefault(name, set()).add(alarm.key)
    return found


@pytest.mark.parametrize(
    ("condition", "set_bits", "expected"),
    [
        ("S05", {"S05"}, True),
        ("S05", {"S06"}, False),
        ("!S05", set(), True),
        ("S002&!S006", {"S002"}, True),
        ("S002&!S006", {"S002", "S006"}, False),
        ("S16|A49", {"A49"}, True),
        ("S16|A49", {"S15"}, False),
        # The bar binds less than the ampersand, on both its sides.
        ("a&b|c", {"c"}, True),
        ("a&b|c", {"a"}, False),
        ("a|b&c", {"a"}, True),
        ("a|b&c", {"b"}, False),
        ("6.3.55&!4.1=5", {"6.3.55", "4.1=6"}, True),
        ("6.3.55&!4.1=5", {"6.3.55", "4.1=5"}, False),
        ("", set(), False),
        ("", {""}, False),
    ],
)
def test_a_condition_holds(condition, set_bits, expected):
    assert holds(condition, set_bits) is expected
    assert holds(condition, tuple(set_bits)) is expected


def test_a_condition_names_its_bits_set_or_not():
    assert names("S002&!S006|A049") == {"S002", "S006", "A049"}
    assert names("") == set()


@given(
    st.sets(st.sampled_from("abcd")),
    st.lists(st.lists(st.tuples(st.sampled_from("abcd"), st.booleans()), min_size=1), min_size=1),
)
def test_conditions_are_as_python_would_have_them(set_bits, alternatives):
    condition = "|".join("&".join(name if wanted else f"!{name}" for name, wanted in each) for each in alternatives)
    expected = any(all((name in set_bits) is wanted for name, wanted in each) for each in alternatives)
    assert holds(condition, set_bits) is expected


@pytest.mark.parametrize("table", MAPS)
def test_conditions_ask_for_bits_that_the_table_has_with_a_label(table):
    rows = bits(table)
    for name, keys in asked(table).items():
        unlabelled = {"A09": "the MIB raises the short circuit by it"}
        assert rows[name]["name"] or name in unlabelled, keys


@pytest.mark.parametrize("table", [Table.UPS_MIB, Table.STS_MIB])
def test_conditions_ask_for_objects_that_the_mib_has(table):
    root = f"{ROOTS[table]}."
    rows = {row["oid"].removeprefix(root): row for row in lines("snmp") if row["oid"].startswith(root)}
    for alarm in (*ALARMS, *CARD_ALARMS):
        for name in names(alarm.condition(table)):
            suffix, _, value = name.partition("=")
            assert rows[suffix]["kind"] == "scalar"
            assert not value or value in rows[suffix]["values"].split(), alarm.key


@pytest.mark.parametrize("table", MAPS)
def test_every_alarm_bit_raises_an_alarm_or_is_left_out_for_a_reason(table):
    found = asked(table)
    for acronym, row in bits(table).items():
        if row["kind"] == "alarm":
            free = not row["name"] or row["name"] == "Free" or acronym in PROGRAMMABLE
            left_out = (free and acronym != "A09") or acronym in NOT_SYSTEM[table]
            assert (acronym in found) is not left_out, acronym


@pytest.mark.parametrize("table", MAPS)
def test_every_state_with_a_level_raises_an_alarm(table):
    found = asked(table)
    for acronym, row in bits(table).items():
        if row["kind"] == "state" and row["level"] in ("L", "C"):
            assert acronym in found, acronym


def test_severities_are_the_highest_level_of_the_tables():
    levels: dict[str, list[Severity]] = {}
    for table in MAPS:
        rows = bits(table)
        for alarm in ALARMS:
            condition = alarm.condition(table)
            # What must not be set makes no alarm worse.
            levels.setdefault(alarm.key, []).extend(
                LEVELS[rows[name]["level"]] for name in names(condition) if f"!{name}" not in condition
            )
    for alarm in ALARMS:
        expected = max(levels[alarm.key], default=Severity.INFORMATION)
        if alarm.key in MORE_SEVERE:
            assert alarm.severity > expected, alarm.key
        else:
            assert alarm.severity == expected, alarm.key


def test_the_card_itself_warns_as_its_traps_do():
    assert {alarm.key: alarm.severity for alarm in CARD_ALARMS} == {
        "communication_lost": Severity.CRITICAL,
        "shutdown_pending": Severity.WARNING,
        "shutdown_requested": Severity.WARNING,
        "shutdown_imminent": Severity.WARNING,
        "awaiting_power": Severity.INFORMATION,
    }
    assert [alarm.ups_mib for alarm in CARD_ALARMS] == [f"6.3.{number}" for number in range(58, 63)]


def test_the_events_that_everybody_wants_to_know_of_are_notified():
    assert {key for key, alarm in BY_KEY.items() if alarm.notify_by_default} == {
        "on_battery",
        "low_battery",
        "overload",
        "sts_overload",
        "on_bypass",
        "imminent_stop",
        "load_not_supplied",
        "communication_lost",
    }


def test_what_the_mib_says_of_its_alarms_is_what_the_conditions_say():
    """The MIB's list names the bits that each of its alarms stands for; one alarm has one key in every table."""
    root = f"{ROOTS[Table.UPS_MIB]}.6.3."
    compared = 0
    by_object = {alarm.ups_mib.partition("&")[0]: alarm for alarm in ALARMS}
    for row in lines("snmp"):
        number = row["oid"].removeprefix(root)
        alarm = by_object.get(f"6.3.{number}")
        if number == row["oid"] or alarm is None:
            continue
        for table, told in ((Table.JBUSP, row["jbusp"]), (Table.VUMAP, row["vumap"])):
            spelled = told.replace("not ", "!").replace(" or ", "|").replace(" and ", "&")
            condition = alarm.condition(table)
            # Read more strictly than the MIB's list: see its row.
            if spelled and alarm.key not in ("load_not_supplied", "on_battery"):
                assert sorted(condition.split("&")) == sorted(spelled.split("&")), row["name"]
                compared += 1
    assert compared == 83


def test_what_the_mib_of_an_sts_says_of_its_alarms_is_what_the_conditions_say():
    root = f"{ROOTS[Table.STS_MIB]}."
    told = {
        row["oid"].removeprefix(root): set(row["sts"].split(" or "))
        for row in lines("snmp")
        if row["oid"].startswith(f"{root}6.1.")
    }
    by_object = {alarm.sts_mib: alarm for alarm in ALARMS if alarm.sts_mib.startswith("6.1.")}
    assert by_object.keys() == told.keys()
    for name, alarm in by_object.items():
        # The MIB has one alarm for three of a supply path.
        path = [other.sts for other in ALARMS if other.key.startswith(alarm.key.removesuffix("alarm"))]
        meant = set(filter(None, path)) if alarm.key.startswith("supply_path") else {alarm.sts}
        assert meant <= told[name]


def test_every_object_of_an_alarm_is_used():
    root = f"{ROOTS[Table.UPS_MIB]}.6.3."
    alarms = {name for alarm in (*ALARMS, *CARD_ALARMS) for name in names(alarm.ups_mib)}
    units = {f"6.3.{number}" for number in range(42, 54)}
    states = {"6.3.54"}
    there = {f"6.3.{row['oid'].removeprefix(root)}" for row in lines("snmp") if row["oid"].startswith(root)}
    assert there == {name for name in alarms if name.startswith("6.3.")} | units | states


# What a person would look up: bits of each table, and the alarms that they raise.
@pytest.mark.parametrize(
    ("table", "set_bits", "keys"),
    [
        (Table.JBUSP, {"S01", "S03"}, set()),
        (Table.JBUSP, {"S01", "S03", "S05", "S15"}, {"on_battery", "low_battery"}),
        (Table.JBUSP, {"S01", "S04", "S07"}, set()),
        (Table.JBUSP, {"S01", "S04"}, {"on_bypass"}),
        (Table.JBUSP, set(), {"load_not_supplied", "ups_off"}),
        (Table.JBUSP, {"S01", "S03", "A49"}, {"battery_discharged"}),
        (Table.JBUSP, {"S01", "S03", "A32"}, set()),
        (Table.VUMAP, {"S000", "S049"}, set()),
        (Table.VUMAP, {"S049", "A019", "A018"}, {"on_battery", "low_battery"}),
        # The battery carries the load for a test.
        (Table.JBUSP, {"S01", "S03", "S02", "S05", "S10"}, set()),
        (Table.VUMAP, {"S049", "A019", "S034"}, set()),
        (Table.UPS_MIB, {"6.3.15", "2.1=4", "4.1=3"}, set()),
        (Table.VUMAP, {"S049", "S002", "S006"}, set()),
        (Table.VUMAP, {"S049", "S002"}, {"on_bypass"}),
        (Table.VUMAP, {"S049", "A096", "A112", "A070"}, set()),
        (Table.UPS_MIB, {"6.3.15", "6.3.14", "4.1=3"}, {"on_battery", "low_battery"}),
        (Table.UPS_MIB, {"6.3.55", "4.1=5"}, set()),
        (Table.UPS_MIB, {"6.3.55", "4.1=6"}, {"on_bypass"}),
        (Table.UPS_MIB, {"6.3.42", "6.3.58"}, set()),
        (Table.STS, {"S000", "S006", "S017"}, set()),
        (Table.STS, {"S003", "S018", "A007"}, {"source_1_absent", "on_alternate_source", "transfer_impossible"}),
        (Table.STS, {"S009", "A015", "A003"}, {"source_2_absent", "supply_path_2_fault", "sts_overload"}),
        (Table.STS_MIB, {"2.1=5", "3.1=2", "5.1=3"}, {"source_1_absent", "on_alternate_source"}),
        (Table.STS_MIB, {"3.1=3", "5.1=4", "6.1.6"}, {"source_2_critical", "load_not_supplied", "supply_path_2_alarm"}),
    ],
)
def test_bits_raise_alarms(table, set_bits, keys):
    assert {alarm.key for alarm in raised(table, set_bits)} == keys


def test_an_alarm_has_its_severity_and_is_of_the_list_asked_for():
    assert raised(Table.VUMAP, {"A000", "S049"}) == (Alarm("imminent_stop", Severity.CRITICAL, notify_by_default=True),)
    assert raised(Table.UPS_MIB, {"6.3.58", "6.3.1"}, CARD_ALARMS) == (
        Alarm("communication_lost", Severity.CRITICAL, notify_by_default=True),
    )


# The labels of the STS: its source, path and bypass numbers are computed.
@pytest.mark.parametrize(
    ("key", "label"),
    [
        *(
            (f"source_{n}_{what}", f"Source {n} {what.replace('_', ' ')}")
            for n in (1, 2)
            for what in ("critical", "out_of_tolerance", "absent")
        ),
        *((f"supply_path_{n}_degraded", f"Supply path {n} degraded") for n in (1, 2)),
        *((f"supply_path_{n}_short_circuit", f"Supply path {n} short-circuited") for n in (1, 2)),
        *((f"supply_path_{n}_fault", f"Supply path {n} fault") for n in (1, 2)),
        *((f"on_manual_bypass_{n}", f"Load on manual bypass {n}") for n in (1, 2)),
        *((f"backfeed_protection_{n}_open", f"Backfeed protection {n} open") for n in (1, 2)),
    ],
)
def test_numbered_alarms_of_an_sts_have_their_bit(key, label):
    assert bits(Table.STS)[BY_KEY[key].sts]["name"] == label


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_numbered_external_alarms_have_their_bit(number):
    alarm = BY_KEY[f"external_alarm_{number}"]
    assert bits(Table.JBUSP)[alarm.jbusp]["name"] == f"External alarm {number}"
    assert f"(external alarm {number})" in bits(Table.VUMAP)[alarm.vumap]["name"]


@given(st.sampled_from(list(Table)), st.data())
def test_any_bits_raise_alarms_once(table, data):
    every = sorted({name for alarm in ALARMS for name in names(alarm.condition(table))})
    found = raised(table, data.draw(st.sets(st.sampled_from(every))))
    assert max(Counter(alarm.key for alarm in found).values(), default=1) == 1


# --- texts -----------------------------------------------------------------------------------------------------------


def written(language: str, name: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads((FOLDER / language / name).read_text(encoding="utf-8"))
    return found


def test_keys_are_unique_and_every_alarm_has_a_text_in_each_language():
    assert len(BY_KEY) == len(ALARMS) + len(CARD_ALARMS)
    for language, texts in TEXTS.items():
        assert not BY_KEY.keys() - texts.keys(), language


def test_what_another_device_says_too_is_said_once():
    files = [path.name for path in (FOLDER / "en").glob("*.json") if path.name != "netvision.json"]
    for language in TEXTS:
        ours = written(language, "netvision.json").keys()
        for name in files:
            assert not ours & written(language, name).keys(), name
        assert BY_KEY.keys() - ours == {"low_battery", "overload", "short_circuit", "phase_rotation", "genset_fault"}
        assert ours - BY_KEY.keys() == {"unit_alarm"}


def test_both_languages_say_the_same_things():
    english, french = (written(language, "netvision.json") for language in ("en", "fr"))
    assert {key: set(text) for key, text in english.items()} == {key: set(text) for key, text in french.items()}
    for key, text in english.items():
        assert text.keys() <= {"text", "cause", "remedy"}
        for kind, words in text.items():
            assert words
            assert words != french[key][kind] or key == "preventive_alarm", key


def test_no_two_alarms_of_a_language_are_told_alike():
    for language in TEXTS:
        told = Counter(text["text"] for text in written(language, "netvision.json").values())
        assert [text for text, count in told.items() if count > 1] == []


def test_no_alarm_asks_for_what_only_a_state_or_unit_shows():
    shown = {name for rules in STATUSES.values() for _, each in rules.rows for name in names(each.get(Table.VUMAP, ""))}
    shown |= {name for each in CONDITIONS.values() for name in names(each.get(Table.VUMAP, ""))}
    shown |= {name for n in range(1, 16) for _, each in unit_rules(n).rows for name in names(each.get(Table.VUMAP, ""))}
    lacking = {acronym for acronym, row in bits(Table.VUMAP).items() if row["level"] == "I"} - shown
    assert lacking == {
        # Steps of starting, and kinds of stores and chargers that have no state of their own; S031 repeats the alarms.
        *("S026", "S031", "S038", "S040", "S041", "S042", "S050", "S053", "S059"),
    }

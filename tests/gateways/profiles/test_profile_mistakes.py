"""Every kind of mistake in a profile, with its line and in words."""

import re
from pathlib import Path
from string import Formatter

import hypothesis.strategies as st
import pytest
from hypothesis import given

from custom_components.energy_suite.gateways.profiles import document, library, schema
from custom_components.energy_suite.gateways.profiles.library import SHIPPED, Library
from custom_components.energy_suite.gateways.profiles.schema import ProfileError, parse
from custom_components.energy_suite.texts import TEXTS

GOOD = """\
profile: 1
id: my_meter
manufacturer: Legrand
models: ["4 120 74"]
kind: electricity_meter
source: read on site
ratios:
  energy: {of: [ct_ratio], steps: [{below: 10, scale: 10}, {scale: 100}]}
ranges: [{function: 4, first: 0, last: 199}]
registers:
  - {key: power, function: 4, address: 10, type: uint32, unit: W, sign_key: power_sign}
  - {key: power_sign, function: 4, address: 12, entity: false}
  - {key: ct_ratio, address: 0x1200, entity: false}
  - {key: energy_imported, address: 0x101C, type: uint32, scale: "ratio:energy", unit: Wh}
  - {key: limit, name: {en: Limit, fr: Limite}, address: 100, unit: A, access: rw, range: [6, 32], scale: 0.1}
  - {key: faults, address: 101, type: bits, bits: {0: {key: hot, severity: warning, text: {en: Hot}}}}
  - {key: total_power, name: {en: Total}, unit: W, sum: [power]}
commands:
  - {key: relay_1, on: {function: 5, address: 0, value: 0xFF00}, off: {function: 5, address: 0, value: 0}}
"""
POWER, SIGN, RATIO, ENERGY, LIMIT, FAULTS, TOTAL = range(11, 18)
COMMAND = 19


def mistake(text):
    with pytest.raises(ProfileError) as caught:
        parse(text, "mine.yaml")
    return caught.value


def changed(before, after):
    assert GOOD.count(before) == 1, before
    return GOOD.replace(before, after)


def register(fields):
    """The profile with one more register, on line 18."""
    return changed("commands:\n", f"  - {{{fields}}}\ncommands:\n")


def command(fields):
    """The profile with one more command, on the last line."""
    return f"{GOOD}  - {{{fields}}}\n"


MORE = 18
LAST = 20


def test_the_profile_that_is_spoilt_below_is_right():
    assert parse(GOOD, "mine.yaml").id == "my_meter"


MISTAKES = [
    # the document
    ("", "empty", 1),
    ("profile: 1\nid: [", "not_yaml", 2),
    ("profile: 1\n\tid: x", "not_yaml", 2),
    ("profile: 1\nid: \x07", "not_yaml", 2),
    ("- profile\n", "not_a_mapping", 1),
    ("profile: &one 1\n", "anchor", 1),
    ("profile: 1\nid: *one\n", "anchor", 2),
    ("profile: 1\n? [a]\n: b\n", "not_a_name", 2),
    (f"{GOOD}---\nprofile: 1\n", "several_documents", 20),
    (f"{GOOD}x: {'[' * 20}", "too_deep", 20),
    (f"{GOOD}x: {'[' * 100_000}", "too_deep", 20),
    (" " * 600_000, "too_large", 1),
    (f"x: [{'a,' * 20_000}]", "too_large", 1),
    (changed("source: read on site", "id: other\nsource: read on site"), "duplicate_field", 6),
    # what it is
    (changed("profile: 1\n", "profile: 2\n"), "wrong_version", 1),
    (changed("profile: 1\n", ""), "missing_field", 1),
    (changed("id: my_meter", "id: My Meter"), "bad_id", 2),
    (changed("id: my_meter\n", ""), "missing_field", 1),
    (changed("electricity_meter", "toaster"), "unknown_kind", 5),
    (changed('["4 120 74"]', "4 120 74"), "not_a_list", 4),
    (changed("read on site", "[]"), "not_a_text", 6),
    (changed("read on site", "x" * 501), "text_too_long", 6),
    (changed("ratios:", "colour: red\nratios:"), "unknown_field", 7),
    (changed("ratios:", "confidence: proven\nratios:"), "not_proven", 7),
    (changed("ratios:", "confidence: sure\nratios:"), "not_one_of", 7),
    (changed("ratios:", 'proven_for: ["4 120 74"]\nratios:'), "not_proven", 7),
    (changed("ratios:", "feed_direction: upstream\nratios:"), "not_one_of", 7),
    (changed("ratios:", "max_words: 126\nratios:"), "out_of_bounds", 7),
    (changed("ratios:", "max_words: 1.5\nratios:"), "not_a_whole_number", 7),
    (changed("ratios:", "gateways: [Solarman]\nratios:"), "bad_word", 7),
    (
        changed("ratios:", "positions: {count: 2, stride: 2}\nsides: {count: 2, stride: 2}\nratios:"),
        "positions_and_sides",
        1,
    ),
    (changed("ratios:", "positions: {count: 2, stride: 0}\nratios:"), "out_of_bounds", 7),
    (changed("ratios:", "positions: {count: 200, stride: 1000}\nratios:"), "address_too_high", POWER + 1),
    (changed("last: 199}", "last: 199}, {function: 4, first: 100, last: 300}"), "not_a_range", 9),
    (changed("first: 0, last: 199", "first: 9, last: 3"), "not_a_range", 9),
    (changed("{scale: 100}", "{below: 5, scale: 100}"), "bad_steps", 8),
    (changed("{below: 10, scale: 10}, {scale: 100}", ""), "bad_steps", 8),
    (changed("of: [ct_ratio]", "of: [other]"), "no_such_key", 11),
    (changed("of: [ct_ratio]", "of: [ct_ratio], if_there: [other]"), "no_such_key", 8),
    (changed("of: [ct_ratio]", "of: [ct_ratio], if_there: [ct_ratio]"), "bad_steps", 8),
    (changed("scale: 100", "scale: 0"), "bad_scale", 8),
    # registers
    (register("key: frequency, address: {remote_id}, unit: Hz"), "not_a_whole_number", MORE),
    (register('key: frequency, address: "{remote_id} - 2", unit: Hz'), "bad_remote_id", MORE),
    (register('key: frequency, address: "{remote_id} * 70000", unit: Hz'), "out_of_bounds", MORE),
    (GOOD[: GOOD.index("registers:")] + "registers: []\n", "no_registers", 10),
    (GOOD[: GOOD.index("registers:")] + f"registers: [{'{},' * 601}]\n", "too_many_registers", 10),
    (register("address: 7"), "missing_field", MORE),
    (register("key: power_l1, unit: W"), "missing_field", MORE),
    (register("key: colour, address: 7"), "unknown_key", MORE),
    (register("key: Power, address: 7"), "bad_word", MORE),
    (register("key: values, name: {en: V}, address: 7"), "reserved_key", MORE),
    (register("key: colour, name: {fr: Couleur}, address: 7"), "missing_field", MORE),
    (register("key: colour, name: {en: Colour, de: Farbe}, address: 7"), "unknown_field", MORE),
    (register("key: power, address: 7"), "duplicate_key", MORE),
    (register("key: hot, entity: false, address: 7"), "duplicate_key", MORE),
    (register("key: frequency, address: 65536"), "out_of_bounds", MORE),
    (register("key: frequency, address: 65535, type: uint32"), "address_too_high", MORE),
    (register("key: frequency, address: ten"), "not_a_whole_number", MORE),
    (register("key: frequency, address: 7, function: 5"), "out_of_bounds", MORE),
    (register("key: frequency, address: 7, type: uint8"), "not_one_of", MORE),
    (register("key: frequency, address: 7, function: 1, type: uint16"), "type_not_fitting_function", MORE),
    (register("key: frequency, address: 7, type: uint32, words: 1"), "words_not_fitting_type", MORE),
    (register("key: breaker, address: 7, function: 2, words: 2"), "words_not_fitting_type", MORE),
    (register("key: frequency, address: 7, word_order: little"), "not_one_of", MORE),
    (register("key: frequency, address: 7, scale: 0"), "bad_scale", MORE),
    (register("key: frequency, address: 7, scale: tenth"), "not_a_number", MORE),
    (register("key: frequency, address: 7, scale: ratio:power"), "no_such_ratio", MORE),
    (register("key: frequency, address: 7, unit: rpm"), "unknown_unit", MORE),
    (register("key: frequency, address: 7, unit: W"), "unit_not_of_key", MORE),
    (register("key: frequency, address: 7, invalid: [70000]"), "out_of_bounds", MORE),
    (register("key: frequency, address: 7, invalid: 0"), "not_a_list", MORE),
    (register("key: frequency, address: 7, sign_key: nothing"), "no_such_key", MORE),
    (register("key: frequency, address: 7, sign_key: power_sign"), "read_elsewhere", MORE),
    (register("key: frequency, address: 7, zero_unless: power"), "read_elsewhere", MORE),
    (register("key: frequency, address: 7, zero: nothing"), "not_one_of", MORE),
    (register("key: frequency, address: 7, type: float32, sign_key: ct_ratio"), "sign_not_fitting_type", MORE),
    (register("key: frequency, address: 7, enabled: maybe"), "not_yes_or_no", MORE),
    (register("key: frequency, address: 7, speed: fast"), "not_one_of", MORE),
    (register("key: frequency, address: 7, expect: [51, 49]"), "not_a_range", MORE),
    (register("key: frequency, address: 7, colour: red"), "unknown_field", MORE),
    (register("key: frequency, function: 4, address: 300"), "outside_ranges", MORE),
    (register("key: status, address: 7, map: {}"), "empty_map", MORE),
    (register("key: status, address: 7, map: {0: Off}"), "bad_word", MORE),
    (register("key: status, address: 7, map: {0: off, 1: off}"), "duplicate_word", MORE),
    (register("key: status, address: 7, map: {1: off, 0x1: on}"), "duplicate_word", MORE),
    (register("key: status, address: 7, map: {70000: off}"), "map_not_fitting_type", MORE),
    (register("key: status, address: 7, function: 2, map: {2: off}"), "map_not_fitting_type", MORE),
    (register("key: status, address: 7, type: string, words: 2, map: {1: off}"), "map_not_fitting_type", MORE),
    (register("key: faults_2, address: 7, type: bits"), "unknown_key", MORE),
    (register("key: status, address: 7, type: bits"), "bits_without_meaning", MORE),
    (register("key: status, address: 7, bits: {1: {key: charging}}"), "bits_not_fitting_type", MORE),
    (register("key: status, address: 7, type: bits, bits: {16: {key: charging}}"), "no_such_bit", MORE),
    (register("key: status, address: 7, type: bits, bits: {x: {key: charging}}"), "no_such_bit", MORE),
    (register("key: status, address: 7, type: bits, bits: {1: {key: colour}}"), "unknown_key", MORE),
    (
        register("key: status, address: 7, type: bits, bits: {1: {key: x, severity: bad, text: {en: X}}}"),
        "not_one_of",
        MORE,
    ),
    (register("key: status, address: 7, type: bits, bits: {1: {key: x, severity: warning}}"), "missing_field", MORE),
    (
        register(
            "key: status, address: 7, type: bits, bits: {1: {key: x, severity: warning, text: {en: X}, access: rw}}"
        ),
        "not_writable",
        MORE,
    ),
    (
        register("key: status, address: 7, function: 4, type: bits, bits: {1: {key: charging, access: rw}}"),
        "function_only_reads",
        MORE,
    ),
    (register("key: status, address: 7, alarm: {severity: warning, text: {en: X}}"), "alarm_without_bits", MORE),
    (
        register("key: status, address: 7, type: bits, alarm: {severity: warning, text: {en: X}, codes: A}"),
        "bad_codes",
        MORE,
    ),
    (register("key: total, entity: false, sum: [nothing]"), "no_such_key", MORE),
    (register("key: total, entity: false, sum: [power], first_of: [power]"), "sum_and_first_of", MORE),
    (register("key: total, entity: false, sum: [total]"), "computed_of_later", MORE),
    (register("key: total, entity: false, sum: [power], address: 7"), "unknown_field", MORE),
    # writing
    (register("key: frequency, function: 4, address: 7, access: rw, range: [1, 2]"), "function_only_reads", MORE),
    (register("key: frequency, address: 7, access: w"), "not_one_of", MORE),
    (register("key: frequency, address: 7, access: rw"), "missing_field", MORE),
    (register("key: frequency, address: 7, access: rw, range: [2, 1]"), "not_a_range", MORE),
    (register("key: frequency, address: 7, access: rw, range: [1, 2, 3]"), "not_a_range", MORE),
    (register("key: frequency, address: 7, access: rw, range: [0, 70000]"), "range_not_fitting_type", MORE),
    (register("key: frequency, address: 7, access: rw, range: [0, 1], write: 5"), "write_not_fitting_function", MORE),
    (register("key: frequency, address: 7, write: 6"), "write_not_fitting_function", MORE),
    (
        register("key: frequency, address: 7, type: uint32, access: rw, range: [0, 1], write: 6"),
        "write_not_fitting_function",
        MORE,
    ),
    (register("key: serial, address: 7, type: string, words: 2, access: rw"), "not_writable", MORE),
    (register("key: frequency, address: 7, access: rw, range: [0, 1], danger: fire"), "not_one_of", MORE),
    (register("key: frequency, address: 7, type: bcd, access: rw, range: [0, 10000]"), "range_not_fitting_type", MORE),
    # commands
    (command("key: relay_2"), "on_and_off_or_press", LAST),
    (command("key: relay_2, on: {function: 5, address: 1, value: 1}"), "on_and_off_or_press", LAST),
    (command("key: relay_1, press: {function: 5, address: 1, value: 1}"), "duplicate_key", LAST),
    (command("key: restart, press: {function: 5, address: 1, value: 1}"), "unknown_key", LAST),
    (command("key: relay_2, press: {function: 3, address: 1, value: 1}"), "not_a_write_function", LAST),
    (command("key: relay_2, press: {function: 5, address: 1, value: 2}"), "out_of_bounds", LAST),
    (command("key: relay_2, press: {function: 6, address: 1}"), "missing_field", LAST),
    (
        command(
            "key: relay_2, state: x, on: {function: 5, address: 1, value: 1}, off: {function: 5, address: 1, value: 0}"
        ),
        "no_such_key",
        LAST,
    ),
]


@pytest.mark.parametrize(
    ("text", "reason", "line"), MISTAKES, ids=[f"{number}-{reason}" for number, (_, reason, _) in enumerate(MISTAKES)]
)
def test_a_mistake_is_told_with_its_line(text, reason, line):
    err = mistake(text)
    assert (err.reason, err.file, err.line) == (reason, "mine.yaml", line)


def test_a_register_wider_than_a_request_is_refused():
    err = mistake(changed("ratios:", "max_words: 1\nratios:"))
    assert (err.reason, err.line) == ("wider_than_request", POWER + 1)


def test_the_entity_that_is_one_too_many_is_named():
    rows = "".join(f"  - {{key: k{number}, name: {{en: K}}, address: {number}}}\n" for number in range(24))
    err = mistake(GOOD[: GOOD.index("ratios:")] + "registers:\n" + rows)
    assert (err.reason, err.line) == ("too_many_enabled", 7 + 24)
    assert err.placeholders == {"most": "23", "count": "24"}


def test_a_map_is_proven_for_models_that_it_is_for_and_no_others():
    text = changed("ratios:", 'proven_for: ["4 120 75"]\nratios:')
    with pytest.raises(ProfileError) as caught:
        parse(text, "mine.yaml", shipped=True)
    assert (caught.value.reason, caught.value.line) == ("proven_for_others", 7)
    made = parse(text.replace("4 120 75", "4 120 74"), "mine.yaml", shipped=True)
    assert made.is_proven_for("4 120 74")
    assert not made.proven


@given(st.text())
def test_no_text_makes_the_parser_raise_anything_but_its_own_error(text):
    with pytest.raises(ProfileError):
        parse(text, "mine.yaml")


@given(st.data())
def test_no_spoilt_profile_makes_the_parser_raise_anything_but_its_own_error(data):
    start = data.draw(st.integers(0, len(GOOD)))
    end = data.draw(st.integers(start, min(start + 20, len(GOOD))))
    spoilt = GOOD[:start] + data.draw(st.text("{}[]:,-&*!|>'\"%@`#\n\t 0x1eE.~abc", max_size=12)) + GOOD[end:]
    try:
        line = parse(spoilt, "mine.yaml").line
    except ProfileError as err:
        line = err.line
    assert 1 <= line <= spoilt.count("\n") + 2


# --- in words ------------------------------------------------------------------------------------------------------


def reasons():
    sources = [Path(str(module.__file__)).read_text() for module in (document, library, schema)]
    said = r'(?:fail|ProfileError)\([^"()]*(?:\[[^"]*\], )?"([a-z0-9_]+)"|matching\(\w+, "(\w+)"\)|"(id_\w+)"'
    return {next(filter(None, found)) for source in sources for found in re.findall(said, source)} - {"id_"}


def test_every_mistake_is_told_in_every_language():
    for texts in TEXTS.values():
        told = {key.removeprefix("profile_") for key in texts if key.startswith("profile_")}
        assert told == reasons()


def test_the_texts_of_a_mistake_say_the_same_in_every_language():
    for key, text in TEXTS["en"].items():
        if key.startswith("profile_"):
            fields = {field for _, field, _, _ in Formatter().parse(text["text"]) if field}
            assert {field for _, field, _, _ in Formatter().parse(TEXTS["fr"][key]["text"]) if field} == fields, key


# --- the library ---------------------------------------------------------------------------------------------------


def test_a_bad_file_stops_none_of_the_others(tmp_path):
    (tmp_path / "a.yaml").write_text("profile: 9")
    (tmp_path / "b.yaml").write_text(GOOD)
    (tmp_path / "c.yaml").write_bytes(b"profile: 1\nid: \xff")
    (tmp_path / "d.yaml").mkdir()
    (tmp_path / "notes.txt").write_text("no profile")
    loaded = Library.load(tmp_path)
    assert "my_meter" in loaded.profiles
    assert [(err.reason, err.file, err.line) for err in loaded.errors] == [
        ("wrong_version", "a.yaml", 1),
        ("not_utf8", "c.yaml", 2),
    ]


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    (tmp_path / "a.yaml").write_text(" " * 2_100_000)
    assert [err.reason for err in Library.load(tmp_path).errors] == ["too_large"]


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    (tmp_path / "a.yaml").symlink_to("a.yaml")
    (tmp_path / "b.yaml").write_text(GOOD)
    loaded = Library.load(tmp_path)
    assert "my_meter" in loaded.profiles


def test_the_id_of_a_shipped_profile_is_taken(tmp_path):
    (tmp_path / "mine.yaml").write_text(changed("my_meter", "aura_afore"))
    loaded = Library.load(tmp_path)
    assert [(err.reason, err.line, err.placeholders["other"]) for err in loaded.errors] == [
        ("id_shipped", 2, "aura_afore.yaml")
    ]
    assert loaded.profiles["aura_afore"].shipped


def test_two_profiles_of_a_user_do_not_share_an_id(tmp_path):
    (tmp_path / "a.yaml").write_text(GOOD)
    (tmp_path / "b.yml").write_text(GOOD)
    assert [(err.reason, err.file) for err in Library.load(tmp_path).errors] == [("id_taken", "b.yml")]


def test_a_folder_that_is_not_there_is_no_error(tmp_path):
    assert Library.load(tmp_path / "nowhere").errors == ()


def test_a_profile_is_offered_by_gateway_kind_and_model(tmp_path):
    (tmp_path / "mine.yaml").write_text(GOOD)
    loaded = Library.load(tmp_path)

    def offered(**wanted):
        return {profile.id for profile in loaded.offered_for(**wanted)}

    assert offered() == loaded.profiles.keys() >= {"my_meter", "aura_afore", "emdx3_multifunction"}
    assert {"my_meter", "emdx3_multifunction"} <= offered(gateway="legrand") <= offered() - {"aura_afore"}
    assert offered(gateway="solarman", kind="hybrid_inverter") == {"aura_afore", "aura_megarevo"}
    assert offered(model="4 120 74") == {"my_meter", "ime_conto_d4_pd"}
    assert offered(model="unheard of") == set()


def test_a_profile_may_be_written_in_json(tmp_path):
    (tmp_path / "mine.json").write_text(
        '{"profile": 1, "id": "m", "manufacturer": "L", "models": [], "kind": "electricity_meter", "source": "s",'
        ' "registers": [{"key": "power", "address": "0x10", "unit": "W"}]}'.replace('"m"', '"mm"')
    )
    assert Library.load(tmp_path).profiles["mm"].registers[0].address == 16


def test_the_shipped_profiles_are_right():
    assert Library.load().errors == ()
    assert {file.stem for file in SHIPPED.iterdir()} == set(Library.load().profiles)

"""The rules of the web server for its devices, one by one, and what a device may be read with."""

import json
from copy import deepcopy
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.energy_suite.gateways.base import Found
from custom_components.energy_suite.gateways.legrand.catalogue import CATALOGUE, CONCENTRATORS, Addressing
from custom_components.energy_suite.gateways.legrand.equipment import (
    ALL_DEVICES,
    PRESENCE,
    Equipment,
    FeedDirection,
    free_name,
    maps_for,
    problems,
    reference_of,
    remote_id_of,
    same_name,
    web_server_exceeded,
)
from custom_components.energy_suite.gateways.legrand.generic import GENERIC
from custom_components.energy_suite.gateways.profiles.library import Library
from custom_components.energy_suite.gateways.profiles.schema import parse

SHIPPED = Library.load()
COUNTS = "emdx3_pulse_concentrator"

ONE_REGISTER = {
    "electricity_meter": "{key: power, address: 0, unit: W}",
    "charger": "{key: power, address: 0, unit: W}",
    "pulse_concentrator": "{key: pulse_total, address: 0, type: uint32}",
    "virtual_meter": '{key: energy_imported, address: "{remote_id} * 2", type: uint32, unit: Wh}',
}


def own(name, kind="electricity_meter", *, models="[Mine]", gateways="[legrand]", more="", register=None):
    """A profile of the user's."""
    return parse(
        f"profile: 1\nid: {name}\nmanufacturer: Legrand\nmodels: {models}\nkind: {kind}\ngateways: {gateways}\n"
        f"source: a test\n{more}\nregisters:\n  - {register or ONE_REGISTER[kind]}\n",
        f"{name}.yaml",
    )


def with_own(*profiles):
    """The shipped profiles and these, after one another."""
    return Library({**{profile.id: profile for profile in profiles}, **SHIPPED.profiles})


def meter(name="Meter", reference="4 120 45", address=1, **about):
    return Equipment(name=name, reference=reference, address=address, **about)


def pulse(name="Water", position=1, **about):
    told = {"reference": "water meter, pulse output", "concentrator": "0 046 87", "map": COUNTS, "address": 30} | about
    return Equipment(**{"name": name, "weight": 10.0, "position": position} | told)


def station(name="Station", side=1, **about):
    told = {"reference": "0 590 57", "address": 20, "phase": 1} | about
    return Equipment(**{"name": name, "side": side} | told)


def virtual(name="Total", remote_id=ALL_DEVICES, **about):
    return Equipment(**{"name": name, "reference": "WSMEASURE device", "address": 247, "remote_id": remote_id} | about)


def generic(**about):
    told = {"function": 3, "register": "101C", "words": 2, "multiplier": "10"} | about
    return meter(reference="generic Modbus meter", map=GENERIC, meter=told)


def wrong(equipment, *others, library=SHIPPED):
    return problems(equipment, others, library)


# --- settings ------------------------------------------------------------------------------------------------------

numbers = st.floats(0, 1e9, allow_nan=False)
texts = st.text(max_size=20)
FIELDS = {
    "name": texts,
    "reference": st.sampled_from(sorted(CATALOGUE)),
    "address": st.integers(0, 300),
    "map": st.sampled_from([PRESENCE, GENERIC, COUNTS]),
    "confirmed": st.booleans(),
    "enabled": st.booleans(),
    "remote_address": st.none() | texts,
    "position": st.none() | st.integers(0, 10),
    "concentrator": st.none() | st.sampled_from(sorted(CONCENTRATORS)),
    "weight": st.none() | numbers,
    "index": st.none() | numbers,
    "side": st.none() | st.integers(0, 3),
    "phase": st.none() | st.integers(0, 4),
    "single_phase": st.booleans(),
    "feed_direction": st.sampled_from(FeedDirection),
    "remote_id": st.none() | st.integers(0, 40_000),
    "circuit": st.none() | texts,
    "exclude_from_totals": st.booleans(),
    "exclude_from_alarms": st.booleans(),
    "labels": st.dictionaries(texts, texts, max_size=3),
    "meter": st.dictionaries(texts, st.integers() | texts | st.dictionaries(texts, texts, max_size=2), max_size=3),
}
equipments = st.builds(Equipment, **FIELDS)


def test_every_field_is_tried():
    assert {each.name for each in fields(Equipment)} == FIELDS.keys()


@given(equipments)
def test_what_is_stored_as_json_makes_the_same_device_again(equipment):
    assert Equipment.from_settings(json.loads(json.dumps(equipment.settings))) == equipment


@given(equipments)
def test_settings_are_a_copy(equipment):
    before, settings = deepcopy(equipment), equipment.settings
    for name in ("labels", "meter"):
        settings.get(name, {}).clear()
    assert equipment == before


def test_only_what_is_not_as_usual_is_stored():
    assert meter().settings == {"name": "Meter", "reference": "4 120 45", "address": 1}
    assert meter(enabled=False, index=0.0).settings.keys() - meter().settings.keys() == {"enabled", "index"}


def test_what_a_later_version_stored_besides_is_left_alone():
    assert Equipment.from_settings({**meter().settings, "colour": "red"}) == meter()


# --- what it is ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("equipment", "place"),
    [
        (meter(address=7), "7"),
        (meter(reference="4 149 20", address=15), "15"),
        (meter(reference="4 149 20", address=15, remote_address="2-1"), "2-1"),
        (pulse(position=3), "30-3"),
        (station(side=2), "20-2"),
        (virtual(remote_id=10_001), "247-10001"),
        # What a former reference left behind.
        (meter(address=7, position=3, side=2, remote_id=10_001, remote_address="2-1"), "7"),
    ],
)
def test_where_it_is_is_said_as_on_the_web_server(equipment, place):
    assert equipment.place == place


def test_it_is_found_as_its_owner_described_it():
    described = station(side=2, map="mine", confirmed=True)
    assert described.found("key") == Found(
        key="key",
        kind="charger",
        unit_id=20,
        name="Station",
        number=2,
        profile="mine",
        confirmed=True,
        settings=described.settings,
    )


@pytest.mark.parametrize(
    ("equipment", "number"),
    [
        (pulse(position=3), 3),
        (station(side=1), 1),
        (meter(), None),
        (virtual(), None),
        (meter(position=3, side=2), None),
        (pulse(position=3, side=2), 3),
    ],
)
def test_its_number_at_the_address_is_its_position_or_its_side(equipment, number):
    assert equipment.found("key").number == number


@pytest.mark.parametrize("map_name", [GENERIC, PRESENCE])
def test_what_needs_no_map_names_no_profile(map_name):
    assert meter(map=map_name).found("key").profile is None


@pytest.mark.parametrize("reference", CATALOGUE)
def test_a_reference_is_known_whatever_its_blanks_and_case(reference):
    for typed in (reference, f"  {reference} ", reference.replace(" ", ""), reference.upper(), reference.lower()):
        assert reference_of(typed) == reference


def test_a_reference_that_there_is_not_stays_as_it_is():
    assert reference_of(" 4 120 99 ") == "4 120 99"


def test_all_is_the_remote_id_of_the_total():
    assert [remote_id_of(text) for text in ("all", " ALL ", "29999", " 10001 ")] == [29_999, 29_999, 29_999, 10_001]


@pytest.mark.parametrize("text", ["", "every", "-1", "1.5", "1_0", "²", "٣", "0x10", "9" * 5000])
def test_what_is_no_remote_id_is_refused(text):
    with pytest.raises(ValueError, match=r".*"):
        remote_id_of(text)


# --- names ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Main", "main", True),
        (" Main", "MAIN  ", True),
        ("Éclairage", "ÉCLAIRAGE", True),
        ("Main 1", "Main1", False),
        ("Main", "Mains", False),
    ],
)
def test_names_are_compared_without_case_and_outer_blanks(one, other, same):
    assert same_name(one, other) is same
    assert wrong(meter(one), meter(other, address=2)) == ({"name": "name_used"} if same else {})


def test_a_name_that_is_taken_gets_a_number():
    assert free_name("Pump", []) == "Pump"
    assert free_name("Pump", ["pump "]) == "Pump (2)"
    assert free_name("Pump", ["PUMP", "Pump (2)", "pump (3)"]) == "Pump (4)"
    assert free_name("Pump", iter(["Pump", "Pump (2)"])) == "Pump (3)"


@pytest.mark.parametrize("name", ["", "  "])
def test_a_device_needs_a_name(name):
    assert wrong(meter(name)) == {"name": "missing_name"}


# --- the rules -----------------------------------------------------------------------------------------------------


def test_devices_as_they_should_be_have_no_problem():
    board = [
        meter("Main"),
        meter("Again", address=2),
        meter("Module", reference="4 149 20", address=15, remote_address="30-32"),
        pulse("Water"),
        pulse("Gas", reference="gas meter, pulse output", position=2),
        station("Left"),
        station("Right", side=2, phase=3),
        virtual(),
        replace(generic(), name="Generic", address=40),
    ]
    for place, each in enumerate(board):
        assert wrong(each, *board[:place], *board[place + 1 :]) == {}


@pytest.mark.parametrize("reference", ["", "4 120 99"])
def test_without_a_model_nothing_else_counts(reference):
    assert wrong(meter("", reference=reference, address=0)) == {"reference": "missing_model"}


@pytest.mark.parametrize("address", [-1, 0, 248, 255, 65_536])
def test_an_address_is_a_number_from_1_to_247(address):
    assert wrong(meter(address=address)) == {"address": "bad_address"}
    assert wrong(virtual(address=address)) == {"address": "bad_address"}


@pytest.mark.parametrize("address", [1, 246])
def test_the_ends_of_the_addresses_can_be_used(address):
    assert wrong(meter(address=address)) == {}


@pytest.mark.parametrize("equipment", [meter(), pulse(), station(), generic(), meter(reference="4 149 20")])
def test_address_247_is_for_virtual_devices_alone(equipment):
    assert wrong(replace(equipment, address=247)) == {"address": "address_of_slave"}


def test_a_virtual_device_has_the_address_247():
    assert wrong(virtual(address=246)) == {"address": "address_of_slave"}
    assert wrong(virtual()) == {}


@pytest.mark.parametrize(
    "other",
    [
        meter("Other"),
        meter("Other", reference="4 106 57"),
        meter("Other", reference="0 261 36"),
        meter("Other", reference="4 149 20"),
        meter("Other", reference="0 590 31"),
        station("Other", address=1),
        pulse("Other", address=1),
        replace(generic(), name="Other"),
    ],
)
def test_an_address_is_used_once(other):
    assert wrong(meter(), other) == {"address": "address_used"}
    assert wrong(other, meter())["address"] == "address_used"
    assert wrong(meter(), replace(other, address=2)) == {}


def test_the_address_of_a_device_whose_reference_is_gone_can_be_used():
    assert wrong(meter(), meter("Other", reference="gone")) == {}


def test_a_bad_address_is_told_alone():
    assert wrong(meter(address=0), meter("Other", address=0)) == {"address": "bad_address"}


def test_all_that_is_wrong_is_told():
    assert wrong(
        pulse("Same", position=1, weight=0.0, index=-1.0, concentrator=None, map="gone"), meter("same", address=5)
    ) == {
        "name": "name_used",
        "weight": "bad_weight",
        "index": "bad_value",
        "concentrator": "missing_concentrator",
        "map": "unknown_map",
    }


# Pulse meters


@pytest.mark.parametrize("position", [None, -1, 0, 8])
def test_a_position_is_an_input_that_the_concentrator_has(position):
    assert wrong(pulse(position=position)) == {"position": "bad_position"}


@pytest.mark.parametrize("map_name", [COUNTS, PRESENCE])
@pytest.mark.parametrize("position", [1, 7])
def test_the_ends_of_the_inputs_can_be_used(position, map_name):
    assert wrong(pulse(position=position, map=map_name)) == {}


def test_the_inputs_are_those_that_both_concentrator_and_map_have():
    twelve = with_own(own("twelve", "pulse_concentrator", more="positions: {count: 12, stride: 2}"), own("one_meter"))
    about = {"library": twelve}
    assert wrong(pulse(position=8, map="twelve"), **about) == {"position": "bad_position"}
    assert wrong(pulse(position=12, map="twelve", concentrator="4 120 65"), **about) == {}
    assert wrong(pulse(position=13, map="twelve", concentrator="4 120 65"), **about) == {"position": "bad_position"}
    assert wrong(pulse(position=200, map=PRESENCE, concentrator="4 120 65"), **about) == {}


def test_a_map_without_positions_has_one_input():
    library = with_own(own("single", "pulse_concentrator"))
    about = {"map": "single", "concentrator": "4 120 41"}
    assert wrong(pulse(**about), library=library) == {}
    assert wrong(pulse(position=2, **about), library=library) == {"position": "bad_position"}


def test_a_position_is_used_once_on_a_concentrator():
    assert wrong(pulse(), pulse("Other")) == {"position": "position_used"}
    assert wrong(pulse(), pulse("Other", position=2)) == {}
    assert wrong(pulse(), pulse("Other", address=31)) == {}
    assert wrong(pulse(), pulse("Other", reference="0 046 70")) == {"position": "position_used"}


def test_there_is_one_concentrator_at_an_address():
    assert wrong(pulse(), pulse("Other", position=2, concentrator="4 120 65")) == {"address": "address_used"}


@pytest.mark.parametrize("reference", CONCENTRATORS)
def test_a_concentrator_may_be_a_device_beside_what_it_counts(reference):
    counted = pulse(concentrator=reference, map=PRESENCE)
    itself = meter("Itself", reference=reference, address=30)
    assert wrong(counted, itself) == {}
    assert wrong(itself, counted, pulse("Gas", position=2, concentrator=reference)) == {}
    # Another one is in the way, and so is a meter that counts no pulses.
    other = next(each for each in CONCENTRATORS if each != reference)
    assert wrong(counted, replace(itself, reference=other)) == {"address": "address_used"}
    assert wrong(counted, replace(itself, reference="4 120 45")) == {"address": "address_used"}


@pytest.mark.parametrize("concentrator", [None, "", "4 120 45", "0 046 70"])
def test_a_pulse_meter_needs_a_concentrator(concentrator):
    assert wrong(pulse(concentrator=concentrator)) == {"concentrator": "missing_concentrator"}


@pytest.mark.parametrize("weight", [None, 0, -1, float("nan"), float("inf")])
def test_a_pulse_is_worth_more_than_nothing(weight):
    assert wrong(pulse(weight=weight)) == {"weight": "bad_weight"}


@pytest.mark.parametrize("index", [-0.1, float("nan"), float("inf")])
def test_a_dial_shows_a_number(index):
    assert wrong(pulse(index=index)) == {"index": "bad_value"}
    assert wrong(pulse(index=0.0)) == {}


# Charging stations


@pytest.mark.parametrize("side", [None, 0, 3])
def test_a_side_is_1_or_2(side):
    assert wrong(station(side=side)) == {"side": "bad_side"}


def test_a_side_is_used_once_at_an_address():
    assert wrong(station(), station("Other")) == {"side": "side_used"}
    assert wrong(station(), station("Other", side=2)) == {}
    assert wrong(station(), station("Other", address=21)) == {}


def test_the_two_sides_of_a_premium_station_are_two_devices():
    premium = station(reference="0 590 11", side=None)
    assert wrong(premium, replace(premium, name="Other", address=21)) == {}
    assert wrong(premium, replace(premium, name="Other")) == {"address": "address_used"}


@pytest.mark.parametrize("phase", [None, 0, 4])
def test_a_single_phase_station_says_its_phase(phase):
    assert wrong(station(phase=phase)) == {"phase": "bad_phase"}
    assert wrong(station(reference="0 590 67", phase=phase)) == {}


# EMS CX3


@pytest.mark.parametrize("text", ["", "2", "0-1", "1-0", "31-1", "1-33", "2-1-1", "2-", "-1", " 2-1", "02-1", "²-1"])
def test_a_remote_address_is_a_device_and_its_interface(text):
    module = meter(reference="4 149 20", remote_address=text)
    assert wrong(module) == {"remote_address": "bad_remote_address"}


@pytest.mark.parametrize("text", [None, "1-1", "30-32"])
def test_the_ends_of_remote_addresses_can_be_used(text):
    assert wrong(meter(reference="4 149 20", remote_address=text)) == {}


def test_modules_of_several_kinds_form_a_group():
    measure = meter("Measure", reference="4 149 20", address=15)
    state = meter("State", reference="4 149 29", address=15)
    command = meter("Command", reference="4 149 32", address=15)
    assert wrong(measure, state, command) == {}
    assert wrong(command, measure, state) == {}
    # 4 149 30 tells states as 4 149 29 does.
    assert wrong(replace(state, name="Other", reference="4 149 30"), measure, state) == {"address": "address_used"}


# Virtual devices


@pytest.mark.parametrize("remote_id", [None, 0, 9_999, 40_000])
def test_a_remote_id_says_what_it_is_of(remote_id):
    assert wrong(virtual(remote_id=remote_id)) == {"remote_id": "bad_remote_id"}


@pytest.mark.parametrize("remote_id", [10_000, 20_001, 29_999, 39_999])
def test_the_ends_of_remote_ids_can_be_used(remote_id):
    assert wrong(virtual(remote_id=remote_id)) == {}


def test_a_remote_id_is_used_once():
    assert wrong(virtual(), virtual("Other")) == {"remote_id": "remote_id_used"}
    assert wrong(virtual(), virtual("Other", remote_id=10_001)) == {}


def test_a_remote_id_has_a_place_in_the_map():
    library = with_own(own("remote", "virtual_meter"))
    assert wrong(virtual(remote_id=32_767, map="remote"), library=library) == {}
    assert wrong(virtual(remote_id=32_768, map="remote"), library=library) == {"remote_id": "bad_remote_id"}
    assert wrong(virtual(remote_id=None, map="remote"), library=library) == {"remote_id": "bad_remote_id"}


# Maps


def test_a_map_tells_what_the_device_needs():
    library = with_own(
        own("plain"),
        own("one_sided", "charger"),
        own("two_sided", "charger", more="sides: {count: 2, stride: 256}"),
        own("remote", "virtual_meter"),
        own("fixed", "virtual_meter", register="{key: energy_imported, address: 0, type: uint32, unit: Wh}"),
    )
    for equipment, reason in (
        (meter(map="gone"), "unknown_map"),
        (meter(map="plain"), None),
        (meter(map="remote"), "map_without_remote_id"),
        (pulse(map="plain"), "map_without_pulses"),
        (pulse(map=GENERIC), "unknown_map"),
        (pulse(map=COUNTS), None),
        (station(map="one_sided"), "map_without_sides"),
        (station(map="two_sided"), None),
        (station(reference="0 590 11", side=None, map="one_sided"), None),
        (virtual(map="fixed"), "map_without_remote_id"),
        (virtual(map="remote", remote_id=10_001), None),
        (virtual(map=PRESENCE), None),
    ):
        assert wrong(equipment, library=library) == ({} if reason is None else {"map": reason}), equipment


def test_a_generic_meter_says_where_its_energy_stands():
    assert wrong(generic()) == {}
    assert wrong(meter(map=GENERIC)) == {"register": "bad_register"}
    assert wrong(generic(register="G1", words=3, multiplier="0", function=6, unit="MWh")) == {
        "register": "bad_register",
        "words": "bad_words",
        "multiplier": "bad_multiplier",
        "function": "bad_function",
        "unit": "bad_unit",
    }
    assert wrong(generic(power={"register": "10000"})) == {"power.register": "bad_register"}


# --- what it may be read with --------------------------------------------------------------------------------------

LIBRARY = with_own(
    own("other_gateway", gateways="[solarman]"),
    own("other_kind", "charger"),
    own("mine"),
    own("mine_too", gateways="[]"),
    own("named", models='["4 120 45", "4 120 51", "4 120 53"]'),
)


@pytest.mark.parametrize(
    ("reference", "maps"),
    [
        # The proven map first, and what others brought before one that is only worth a try.
        ("4 120 45", ["emdx3_multifunction", "named", "mine", "mine_too", GENERIC, PRESENCE]),
        ("4 120 51", ["named", "mine", "mine_too", "emdx3_multifunction", GENERIC, PRESENCE]),
        ("4 120 53", ["named", "mine", "mine_too", GENERIC, PRESENCE]),
        ("0 046 77", ["mine", "mine_too", "named", GENERIC, PRESENCE]),
        ("generic Modbus meter", [GENERIC, PRESENCE]),
        ("0 590 31", ["other_kind", PRESENCE]),
        ("0 261 36", [PRESENCE]),
        ("4 106 57", [GENERIC, PRESENCE]),
        ("0 288 00", [PRESENCE]),
    ],
)
def test_the_best_map_is_offered_first(reference, maps):
    assert maps_for(meter(reference=reference), LIBRARY) == maps


def test_a_pulse_meter_is_read_by_the_map_of_its_concentrator():
    library = with_own(
        own("mine", "pulse_concentrator"),
        own("elsewhere", "pulse_concentrator", gateways="[solarman]"),
        own("no_pulses", "pulse_concentrator", register="{key: power, address: 0, unit: W}"),
    )
    assert maps_for(pulse(), library) == [COUNTS, "mine"]
    assert maps_for(pulse(concentrator="4 120 65"), library) == ["mine"]
    assert maps_for(pulse(concentrator="4 120 65"), SHIPPED) == [PRESENCE]
    assert maps_for(pulse(concentrator=None), SHIPPED) == [PRESENCE]
    # The map of this meter tells nothing of its input.
    assert maps_for(meter(reference="4 120 91"), SHIPPED)[0] == "ime_conto_d4_pd"
    assert maps_for(pulse(concentrator="4 120 91"), SHIPPED) == [PRESENCE]


def test_what_cannot_tell_where_a_device_is_is_not_offered_for_it():
    library = with_own(
        own("one_sided", "charger"),
        own("two_sided", "charger", more="sides: {count: 2, stride: 256}"),
        own("fixed", "virtual_meter", register="{key: energy_imported, address: 0, type: uint32, unit: Wh}"),
        own("remote", "virtual_meter"),
    )
    assert maps_for(station(), library) == ["two_sided", PRESENCE]
    assert maps_for(station(reference="0 590 31"), library) == ["one_sided", "two_sided", PRESENCE]
    assert maps_for(virtual(), library) == ["remote", PRESENCE]


def test_a_shipped_map_that_is_missing_is_not_offered():
    assert maps_for(meter(), Library({})) == [GENERIC, PRESENCE]
    assert maps_for(pulse(), Library({})) == [PRESENCE]


@pytest.mark.parametrize("reference", [each for each in CATALOGUE if CATALOGUE[each].addressing is Addressing.MODBUS])
def test_every_reference_can_be_added_with_the_best_of_its_maps(reference):
    best = maps_for(meter(reference=reference), SHIPPED)[0]
    told = meter(reference=reference, phase=1, map=best, meter=generic().meter if best == GENERIC else {})
    assert wrong(told) == {}


# --- hints ---------------------------------------------------------------------------------------------------------


def many(count):
    return [meter(f"Meter {number}", address=number) for number in range(1, count + 1)]


@pytest.mark.parametrize(
    ("count", "exceeded"),
    [(0, None), (10, None), (11, (10, "4 149 47")), (32, (10, "4 149 47")), (33, (32, "4 149 48"))],
)
def test_more_than_a_web_server_takes_is_said(count, exceeded):
    assert web_server_exceeded(many(count)) == exceeded
    assert wrong(meter("Last", address=200), *many(count)) == {}


def test_the_sides_of_a_station_are_one_and_each_input_is_one():
    assert web_server_exceeded([*many(9), station(), station(side=2)]) is None
    assert web_server_exceeded([*many(9), pulse(), pulse(position=2)]) == (10, "4 149 47")
    assert web_server_exceeded([*many(9), virtual(), virtual(remote_id=10_001)]) == (10, "4 149 47")


@pytest.mark.parametrize("reference", ["0 046 87", "4 120 65", "4 149 26", "4 149 40"])
def test_a_concentrator_and_an_interface_are_none(reference):
    assert web_server_exceeded([*many(9), pulse(), meter(reference=reference, address=30)]) is None

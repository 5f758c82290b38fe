"""The catalogue of Legrand references, row by row against the list that it is from."""

import csv
from pathlib import Path

import pytest

from custom_components.energy_suite.gateways.legrand.catalogue import (
    CATALOGUE,
    CONCENTRATORS,
    FAMILIES,
    FRENCH,
    Addressing,
)
from custom_components.energy_suite.gateways.profiles.library import Library
from custom_components.energy_suite.gateways.profiles.vocabulary import KINDS

LIST = Path(__file__).parents[3] / "demo" / "data" / "legrand" / "devices.csv"
ROWS = list(csv.DictReader(LIST.open(encoding="utf-8")))

FAMILY_OF = {
    "EMDX3": "emdx3",
    "EMS CX3": "ems_cx3",
    "DX3": "dx3",
    "DPX3": "dpx3",
    "DMX3": "dmx3",
    "Power supervision RS485": "power_supervision",
    "Green'Up Premium": "greenup_premium",
    "Green'Up (old range)": "greenup",
    "any": "pulse",
    "Other devices": "other",
    "WSMEASURE": "wsmeasure",
}
PHASES = {"": (), "1": (1,), "3": (3,), "1 or 3 (set)": (1, 3)}
SIDES = {"one side": 1, "two sides": 2, "two sides = two devices": 2}
ADDRESSING = {
    "modbus": Addressing.MODBUS,
    "modbus (one per side)": Addressing.MODBUS,
    "modbus or device-interface": Addressing.REMOTE,
    "modbus-position": Addressing.POSITION,
    "modbus-side": Addressing.SIDE,
    "247 - remote id": Addressing.VIRTUAL,
}
# What everything has, or what is no field of a device.
UNSAID = {
    "address",
    "name",
    "model of concentrator of a pulse meter",
    "number after the dash of a remote address",
}
WORDS = {
    "feed direction": "feed_direction",
    "remote id or 'all'": "remote_id",
    "function 3 or 4": "generic",
    "register (hex)": "generic",
    "words": "generic",
    "multiplier": "generic",
    "concentrator (circuit set by itself)": "concentrator",
    "output settings": "output_settings",
}
PROFILE_OF = {
    "emdx3-multifunction-ime.csv": "emdx3_multifunction",
    "emdx3-multifunction-diris.csv": "emdx3_diris",
    "ems-cx3-measure.csv": "ems_cx3",
    "pulse-concentrator-04687.csv": "emdx3_pulse_concentrator",
}
# The list has no map for these; the text beside it says that one may be tried on them.
ON_TRIAL = dict.fromkeys(("4 120 74", "4 120 75", "4 120 91", "4 120 93"), "ime_conto_d4_pd")


def words(listed):
    return {WORDS.get(word, word) for word in listed.split(",") if word and word not in UNSAID}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["reference"])
def test_a_reference_is_what_the_list_says(row):
    found = CATALOGUE[row["reference"]]
    needs, _, optional = row["fields (required;optional)"].partition(";")
    assert (found.family, found.device, found.kind) == (FAMILY_OF[row["range"]], row["device"], row["kind"])
    assert found.phases == PHASES[row["phases"]]
    assert found.sides == SIDES.get(row["connection_or_sides"], 0)
    assert found.addressing is ADDRESSING[row["address_form"]]
    assert found.needs == words(needs)
    assert found.optional == words(optional)
    listed = PROFILE_OF.get(row["register_map"].partition(" ")[0], ON_TRIAL.get(row["reference"]))
    assert found.profiles == ((listed,) if listed else ())
    assert found.may_be_generic or "generic" not in row["register_map"]


def test_the_catalogue_has_nothing_else():
    assert [row["reference"] for row in ROWS if row["reference"] not in CATALOGUE] == []
    assert len(CATALOGUE) == len(ROWS) == 123
    assert {each.family for each in CATALOGUE.values()} == set(FAMILIES)
    assert list(dict.fromkeys(each.kind for each in CATALOGUE.values() if each.kind not in KINDS)) == []


def test_what_is_asked_for_goes_with_how_a_device_is_addressed():
    for each in CATALOGUE.values():
        assert ("position" in each.needs) is (each.addressing is Addressing.POSITION)
        assert ("side" in each.needs) is (each.addressing is Addressing.SIDE)
        assert ("remote_id" in each.needs) is (each.addressing is Addressing.VIRTUAL)
        assert ("phase" in each.needs) is (each.kind == "charger" and each.is_single_phase)
        assert bool(each.sides) is (each.kind == "charger")


def test_concentrators_are_those_that_the_list_names_for_pulse_meters():
    (via,) = {row["via"] for row in ROWS if row["address_form"] == "modbus-position"}
    assert set(CONCENTRATORS) == set(via.replace(" or input of ", " / ").split(" / "))
    assert {each.reference for each in CATALOGUE.values() if each.kind == "pulse_concentrator"} <= CONCENTRATORS.keys()
    assert not any(each.is_device for each in CATALOGUE.values() if each.kind in ("pulse_concentrator", "interface"))


def test_every_device_is_told_in_french():
    assert {each.device for each in CATALOGUE.values()} == FRENCH.keys()
    assert CATALOGUE["4 120 45"].description("fr-CA") == "centrale de mesure modulaire"
    assert CATALOGUE["4 120 45"].description("de") == "measuring unit, modular"


def test_a_reference_and_the_profiles_that_are_offered_for_it_name_each_other():
    profiles = Library.load().profiles
    named = {(each.reference, profile) for each in CATALOGUE.values() for profile in each.profiles}
    offered = {
        (model, profile.id)
        for profile in profiles.values()
        if profile.manufacturer == "Legrand"
        for model in profile.models
    }
    assert named == offered
    for reference, profile in named:
        assert profiles[profile].kind == CATALOGUE[reference].kind


def test_of_one_reference_the_map_is_certain():
    profiles = Library.load().profiles
    proven = [
        each.reference
        for each in CATALOGUE.values()
        if any(profiles[profile].is_proven_for(each.reference) for profile in each.profiles)
    ]
    assert proven == ["4 120 45"]

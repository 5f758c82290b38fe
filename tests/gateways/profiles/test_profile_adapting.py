"""Profiles made to fit one device: by model, phases, feed, remote id and labels."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.energy_suite.gateways.base import Found
from custom_components.energy_suite.gateways.profiles.adapting import (
    SWAPPED,
    TURNED,
    fed_downstream,
    for_model,
    single_phase,
    with_labels,
    with_remote_id,
)
from custom_components.energy_suite.gateways.profiles.device import make
from custom_components.energy_suite.gateways.profiles.library import Library
from custom_components.energy_suite.gateways.profiles.schema import ProfileError, parse
from custom_components.energy_suite.gateways.profiles.vocabulary import VOCABULARY, in_language, names_of

HEAD = "profile: 1\nid: tried\nmanufacturer: S\nmodels: [A, B]\nkind: electricity_meter\nsource: a test\n"
METER = """\
ratios:
  both: {of: [energy_imported], steps: [{scale: 1}]}
registers:
  - {key: power, address: 0, type: int16, unit: W, expect: [-10, 900]}
  - {key: reactive_power_l1, address: 1, type: uint16, unit: var, sign_key: sign}
  - {key: sign, address: 2, entity: false}
  - {key: energy_imported, address: 3, unit: kWh, name: {en: Bought}, enabled: false}
  - {key: energy_exported, address: 4, unit: kWh, name: {en: Sold}}
  - {key: energy_imported_l1, address: 5, unit: kWh}
  - {key: voltage_l1, address: 6, unit: V}
  - {key: lead, name: {en: Lead}, address: 7, type: int16, unit: W, entity: false}
  - {key: rest, name: {en: Rest}, address: 8, type: int16, unit: W, offset: 10, entity: false}
  - {key: power_l1, unit: W, sum: [lead, rest]}
  - {key: reactive_energy_exported, unit: kvarh, sum: [reactive_energy_imported]}
  - {key: reactive_energy_imported, address: 9, unit: kvarh, zero_unless: energy_imported, speed: slow}
"""
# What is computed stands behind what it is computed of.
METER = "\n".join((*METER.splitlines()[:-2], *METER.splitlines()[:-3:-1])) + "\n"


def profile(text=METER, head=HEAD):
    return parse(head + text, "tried.yaml")


async def values_of(made, unit):
    device = make(made, Found(key="1", kind=made.kind, unit_id=1), unit, 10.0)
    for part in device.parts.values():
        await part.async_read(0)
    return {key: device.value(key) for key in made.keys}


# --- the feed --------------------------------------------------------------------------------------------------------


async def test_fed_from_the_other_side_a_device_imports_what_it_counts_as_exported(unit):
    unit.holding.update({0: 500, 1: 70, 2: 1, 3: 41, 4: 7, 5: 13, 6: 230, 7: 200, 8: 65_531, 9: 5})
    up = await values_of(profile(), unit)
    down = await values_of(fed_downstream(profile()), unit)
    assert (up["power"], down["power"]) == (500, -500)
    assert (up["reactive_power_l1"], down["reactive_power_l1"]) == (-70, 70)
    assert (up["power_l1"], down["power_l1"]) == (205, -205)
    assert (up["energy_imported"], up["energy_exported"]) == (41, 7)
    assert (down["energy_imported"], down["energy_exported"]) == (7, 41)
    assert (up["energy_imported_l1"], down["energy_exported_l1"]) == (13, 13)
    assert (up["reactive_energy_imported"], up["reactive_energy_exported"]) == (5, 5)
    assert (down["reactive_energy_exported"], down["reactive_energy_imported"]) == (5, 5)
    assert (up["voltage_l1"], down["voltage_l1"]) == (230, 230)


def test_what_speaks_of_a_swapped_key_speaks_of_it_still():
    made = fed_downstream(profile())
    assert made.ratios["both"].of == ("energy_exported",)
    assert made.keys["reactive_energy_exported"].zero_unless == "energy_exported"
    assert made.keys["reactive_energy_imported"].sum_of == ("reactive_energy_exported",)
    assert made.keys["reactive_power_l1"].sign_key == "sign"
    assert made.keys["power"].expect == (-900, 10)


def test_each_direction_is_shown_as_before():
    keys = fed_downstream(profile()).keys
    assert (keys["energy_imported"].names, keys["energy_imported"].enabled) == ({"en": "Bought"}, False)
    assert (keys["energy_exported"].names, keys["energy_exported"].enabled) == ({"en": "Sold"}, True)
    assert names_of("energy_exported_l1", keys["energy_exported_l1"].names) == VOCABULARY["energy_exported_l1"].names


def test_a_device_that_minds_its_feed_itself_is_left_alone():
    made = profile(METER.replace("ratios:", "feed_direction: device\nratios:"))
    assert fed_downstream(made) is made
    assert fed_downstream(profile(METER.replace("ratios:", "feed_direction: suite\nratios:"))) != profile()


@pytest.mark.parametrize("made", Library.load().profiles.values(), ids=lambda made: made.id)
def test_turned_twice_a_profile_says_what_it_said(made):
    assert fed_downstream(fed_downstream(made)) == made
    assert fed_downstream(made).keys.keys() == {SWAPPED.get(key, key) for key in made.keys}


def test_what_is_turned_and_swapped_is_in_the_vocabulary():
    assert VOCABULARY.keys() >= TURNED
    assert SWAPPED.keys() - VOCABULARY.keys() == {
        f"reactive_energy_{way}_l{phase}" for way in ("imported", "exported") for phase in (1, 2, 3)
    }
    assert all(SWAPPED[other] == key for key, other in SWAPPED.items())


# --- the remote id ---------------------------------------------------------------------------------------------------


def virtual(address, more=""):
    return profile(f'{more}registers:\n  - {{key: energy_imported, address: "{address}", type: uint32, unit: Wh}}\n')


@pytest.mark.parametrize(
    ("address", "remote_id", "placed"),
    [
        ("{remote_id}", 10_001, 10_001),
        ("{remote_id} * 2", 29_999, 59_998),
        ("{remote_id}*2+0x100", 20_003, 40_262),
        ("{remote_id} + 7", 39_999, 40_006),
        ("{remote_id} * 0x2 + 1", 0, 1),
    ],
)
def test_an_address_follows_from_the_remote_id(address, remote_id, placed):
    made = virtual(address)
    assert made.needs_remote_id
    filled = with_remote_id(made, remote_id)
    assert filled.keys["energy_imported"].address == placed
    assert not filled.needs_remote_id


@given(st.integers(1, 5), st.integers(0, 0xFFFF), st.integers(0, 39_999))
def test_an_address_is_linear_in_the_remote_id_or_refused(factor, base, remote_id):
    made = virtual(f"{{remote_id}} * {factor} + {base}")
    expected = factor * remote_id + base
    if expected + 2 > 65_536:
        with pytest.raises(ProfileError) as caught:
            with_remote_id(made, remote_id)
        assert caught.value.reason == "address_too_high"
    else:
        assert with_remote_id(made, remote_id).keys["energy_imported"].address == expected


def test_a_remote_id_outside_what_may_be_read_is_refused():
    made = virtual("{remote_id}", "ranges: [{function: 3, first: 10000, last: 19999}]\n")
    assert with_remote_id(made, 10_000).keys["energy_imported"].address == 10_000
    with pytest.raises(ProfileError) as caught:
        with_remote_id(made, 29_999)
    assert (caught.value.reason, caught.value.file) == ("outside_ranges", "tried.yaml")


def test_a_profile_without_remote_ids_needs_none():
    assert not profile().needs_remote_id
    assert with_remote_id(profile(), 10_001) == profile()


# --- model, phases, labels -------------------------------------------------------------------------------------------


def test_of_one_model_the_profile_is_that_of_this_model():
    made = for_model(profile(), "B")
    assert (made.models, made.proven) == (("B",), False)
    proven = parse(f"{HEAD}confidence: proven\n{METER}", "tried.yaml", shipped=True)
    assert for_model(proven, "unheard of").proven
    some = parse(f"{HEAD}proven_for: [B]\n{METER}", "tried.yaml", shipped=True)
    assert (for_model(some, "A").proven, for_model(some, "B").proven) == (False, True)


def test_of_one_phase_nothing_is_asked_that_others_have():
    text = (
        "registers:\n  - {key: current_l1, address: 0, unit: A}\n  - {key: current_l2, address: 1, unit: A}\n"
        "  - {key: current_n, address: 2, unit: A}\n  - {key: voltage_l1_l2, address: 3, unit: V}\n"
        "  - {key: frequency, address: 4, unit: Hz}\n  - {key: current, unit: A, sum: [current_l1, current_l2]}\n"
    )
    made = single_phase(profile(text))
    assert made.keys.keys() == {"current_l1", "frequency", "current"}
    assert made.keys["current"].sum_of == ("current_l1",)
    assert single_phase(made) == made


def test_labels_are_what_inputs_outputs_and_relays_are_called_in_every_language():
    text = (
        "registers:\n  - {key: input_1, function: 2, address: 0}\n  - {key: input_2, function: 2, address: 1}\n"
        "  - {key: word, address: 0, type: bits, bits: {0: {key: relay_1}, "
        "1: {key: hot, severity: warning, text: {en: Hot}}}}\n"
        "commands:\n  - {key: output_1, on: {function: 5, address: 0, value: 1}, "
        "off: {function: 5, address: 0, value: 0}}\n"
    )
    made = with_labels(
        profile(text), {"input_1": " Door ", "input_2": " ", "relay_1": "Pump", "output_1": "Fan", "gone": "x"}
    )
    assert in_language(made.keys["input_1"].names, "fr") == "Door"
    assert names_of("input_2", made.keys["input_2"].names) == VOCABULARY["input_2"].names
    pump, hot = made.keys["word"].bits
    assert in_language(pump.names, "en") == "Pump"
    assert hot.alarm is not None
    assert made.commands[0].names == {"en": "Fan"}
    assert with_labels(made, {}) == made

"""The profiles that come along, row by row against the tables they are from."""

import csv
from fractions import Fraction
from pathlib import Path

import pytest

from custom_components.energy_suite.gateways.profiles.library import Library
from custom_components.energy_suite.gateways.profiles.schema import Type, parse

TABLE = Path(__file__).parents[3] / "demo" / "data" / "solarman" / "registers.csv"
MAPS = {"megarevo-r": "aura_megarevo", "afore-t6": "aura_afore"}
PERIODS = ("ac_charge", "force_charge", "force_discharge", "forbid_discharge")

LEFT_OUT = {
    "megarevo-r": {
        "unknown_16a1": "the sources disagree on what it is",
        "export_energy_total_alt": "answered once, and was refused later",
        "load_energy_total_alt": "not confirmed by its own source",
        "pv_energy_total_alt": "not confirmed by its own source",
    },
    "afore-t6": {
        **{f"load_l{phase}_power": "the table marks it as not used" for phase in (1, 2, 3)},
        "clock": "bytes of a date: no type of this format",
        "function_command": "resets the inverter to its factory settings",
        **{
            f"{period}_{number}_{end}": "hour and minute in one word: no type of this format"
            for period in PERIODS
            for number in (1, 2, 3, 4)
            for end in ("start", "end")
        },
    },
}
READ_ONLY = {
    "megarevo-r": {"battery_type"},
    "afore-t6": {
        # The table gives no range, or says never to write it, or it belongs to whoever installs the inverter.
        *("function_enable", "protection_enable", "meter_type", "ct_ratio", "output_power_limit", "feed_in_limit"),
        *("import_limit", "charge_power_setpoint", "external_ems_mode", "external_ems_power", "battery_type"),
        *("charge_current_max", "discharge_current_max"),
    },
}
OTHER_SIGN = {"battery_power", "battery_current"}
"""What the Afore table counts as positive when discharging."""

ROWS = [(row["map"], row) for row in csv.DictReader(TABLE.open(encoding="utf-8"))]
WITH_ADDRESS = [pytest.param(name, row, id=f"{name}-{row['name']}") for name, row in ROWS if row["address_dec"]]


@pytest.fixture(scope="module")
def profiles():
    return Library.load().profiles


def registers_at(profile, row):
    return [
        register
        for register in profile.registers
        if not register.is_computed
        and (register.function, register.address) == (int(row["fc_read"]), int(row["address_dec"]))
    ]


@pytest.mark.parametrize(("name", "row"), WITH_ADDRESS)
def test_each_row_is_in_the_profile_as_the_table_has_it_or_left_out_for_a_reason(profiles, name, row):
    found = registers_at(profiles[MAPS[name]], row)
    if row["name"] in LEFT_OUT[name]:
        assert found == []
        return
    (register,) = found
    assert register.words == int(row["words"])
    assert register.high_first is (row["word_order"] != "little")
    if register.type not in (Type.STRING, Type.BITS):
        assert register.type.is_signed is (row["signed"] == "yes")
        sign = -1 if name == "afore-t6" and row["name"] in OTHER_SIGN else 1
        small = row["unit"] in ("mA", "mV")
        assert register.scale == sign * Fraction(row["scale"]) * (Fraction(1, 1000) if small else 1)
    unit = {"mA": "A", "mV": "V", "degC": "°C", "kOhm": "kΩ", "": None}.get(row["unit"], row["unit"])
    assert register.unit == unit
    writable = row["access"] == "rw" and row["name"] not in READ_ONLY[name]
    assert (register.write is not None) is writable
    if writable:
        assert str(register.write) in row["fc_write"].split("/")
    if row["enumeration"] and register.map:
        told = [part.split("=")[0] for part in row["enumeration"].replace(" (excerpt)", "").split("; ")]
        assert list(register.map) == [int(number, 0) for number in told]


def test_every_row_without_an_address_is_in_no_profile():
    assert {row["name"] for _, row in ROWS if not row["address_dec"]} >= {"fault_bits", "warning_bits", "grid_code"}


@pytest.mark.parametrize(("name", "profile"), MAPS.items())
def test_a_profile_has_nothing_that_the_table_does_not_have(profiles, name, profile):
    known = {(int(row["fc_read"]), int(row["address_dec"])) for of, row in ROWS if of == name and row["address_dec"]}
    placed = [register for register in profiles[profile].registers if not register.is_computed]
    assert {(register.function, register.address) for register in placed} <= known
    assert len(placed) == len(known) - len(LEFT_OUT[name])


@pytest.mark.parametrize("profile", MAPS.values())
def test_the_maps_of_the_aura_are_candidates_for_it_and_nothing_else(profiles, profile):
    made = profiles[profile]
    assert not made.proven
    assert made.kind == "hybrid_inverter"
    assert made.gateways == {"solarman"}
    assert "AURA 10KM-BG" in made.models
    assert {key for key, register in made.keys.items() if register.expect} >= {"state_of_charge", "frequency"}
    assert {"state_of_charge", "battery_power", "grid_power", "solar_power", "energy_imported"} <= made.keys.keys()


def test_what_may_cut_the_power_of_an_aura_waits_for_its_owner(profiles):
    made = profiles["aura_afore"]
    dangers = {bit.key: bit.danger for register in made.registers for bit in register.bits if bit.writable}
    assert dangers["backup_output"] == "backup_output"
    assert dangers["inverter_on"] == "inverter_mode"
    assert made.keys["grid_code"].danger == "grid_code"


def test_the_sketch_of_a_legrand_meter_is_a_profile():
    sketch = """
profile: 1                      # version of this format
id: legrand_412074_site         # a-z 0-9 _, unique
manufacturer: Legrand
models: ["4 120 74"]            # references it may be offered for
kind: electricity_meter
source: "Legrand pdf ..., read on site"
max_words: 64
registers:
  - key: energy_import
    function: 4
    address: 0x5040
    words: 2
    type: uint32
    word_order: high_first
    scale: 0.1
    unit: kWh
    sign_key: null
    invalid: [0x7FFFFFFF, 0xFFFFFFFF]
  - key: breaker
    function: 2
    address: 0x0000
    words: 1
    type: bits
    map: {0: open, 1: closed}
commands:
  - key: relay_1
    on:  {function: 5, address: 0x0000, value: 0xFF00}
    off: {function: 5, address: 0x0000, value: 0x0000}
positions: null
sides: null
"""
    made = parse(sketch, "sketch.yaml")
    energy, breaker = made.registers
    assert (energy.key, energy.address, energy.scale, energy.unit) == (
        "energy_imported",
        0x5040,
        Fraction(1, 10),
        "kWh",
    )
    assert energy.invalid == {0x7FFFFFFF, 0xFFFFFFFF}
    assert breaker.map == {0: "open", 1: "closed"}
    assert made.commands[0].reads_back
    assert made.repeat is None

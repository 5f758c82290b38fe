"""The maps of Legrand devices that come along, row by row against the tables they are from."""

import csv
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from modbus_connection import IllegalDataAddressError
from modbus_connection.mock import MockModbusConnection

from custom_components.energy_suite.entities.profiles import described
from custom_components.energy_suite.gateways.base import Found, Speed
from custom_components.energy_suite.gateways.profiles.adapting import for_model
from custom_components.energy_suite.gateways.profiles.device import make
from custom_components.energy_suite.gateways.profiles.library import Library
from custom_components.energy_suite.gateways.profiles.schema import Type
from custom_components.energy_suite.gateways.profiles.vocabulary import ALIASES, UNITS

TABLES = Path(__file__).parents[3] / "demo" / "data" / "legrand" / "registers"
PROFILES = Library.load().profiles

CLOCK = "Home Assistant has a clock"
STATISTICS = "Home Assistant has statistics"
UNKNOWN_SCALE = "nobody knows its scale"
NOTHING_ELSE = "of no use without the values whose scales nobody knows"
_PHASES = ("_l1", "_l2", "_l3")
_CLOCK = {f"clock_{part}": CLOCK for part in ("day", "month", "year", "hour", "minute", "second")}

LEFT_OUT = {
    "emdx3-multifunction-ime": {
        "model": "its value for each model is not public",
        "device_identifier": "nobody has seen it on a Legrand device",
        "output_relays": "the meaning of its bits is not public",
        "vt_ratio_fine": "vt_ratio says the same",
        "operating_hours": "says nothing of the circuit",
        "demand_minutes": STATISTICS,
        "energy_partial": "Home Assistant has utility meters",
        "reactive_energy_partial": "Home Assistant has utility meters",
        **{f"power_factor_sector{phase}": "the sign of the reactive power says it" for phase in ("", *_PHASES)},
        **dict.fromkeys(("power_average", "power_max_demand", "current_average"), STATISTICS),
        **{
            f"{key}{phase}": STATISTICS
            for key in ("current_average", "current_max_demand", "voltage_min", "voltage_max")
            for phase in _PHASES
        },
        **{
            f"{kind}power_{what}_3p": STATISTICS
            for kind in ("", "reactive_", "apparent_")
            for what in ("average", "max_demand")
        },
    },
    "emdx3-multifunction-diris": {
        "operating_hours": "says nothing of the circuit",
        "energy_hours": "says nothing of the circuit",
        "apparent_energy": "nobody pays for it",
        **dict.fromkeys(("current_average", "voltage_ll_average", "voltage_ln_average"), "the phases say it"),
        "pulse_meters": "its inputs are those of another device, which it is no concentrator for",
        **{
            f"pulse_total_{number}": "its unit is set in the device, and the layout is unsure"
            for number in range(1, 11)
        },
        **_CLOCK,
    },
    "ems-cx3-measure": {},
    "pulse-concentrator-04687": {"pulse_meters": "seven inputs are known", **_CLOCK},
    "candidate-ime-conto-d2": {
        **dict.fromkeys(("power", "power_factor", "energy_import", "energy_partial"), UNKNOWN_SCALE),
        **dict.fromkeys(("model", "power_sign", "power_factor_sector", "operating_time"), NOTHING_ELSE),
    },
}
PROFILES_OF = {
    "emdx3-multifunction-ime": ("emdx3_multifunction",),
    "emdx3-multifunction-diris": ("emdx3_diris",),
    "ems-cx3-measure": ("ems_cx3", "ime_conto_d4_pd"),
    "pulse-concentrator-04687": ("emdx3_pulse_concentrator",),
    # What would be left of it is worth no profile.
    "candidate-ime-conto-d2": (),
}
STATISTICS_OF = ("avg_", "max_avg_")
SIGN_KEYS = {"0x101A": "power_sign", "0x101B": "reactive_power_sign"} | {
    f"0x{first + phase:04X}": f"{key}_l{phase + 1}"
    for first, key in ((0x1032, "power_sign"), (0x103B, "reactive_power_sign"))
    for phase in range(3)
}


def rows(table):
    with (TABLES / f"{table}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def reason(table, row):
    """Why a row is left out; None for one that is not."""
    if table == "emdx3-multifunction-diris" and row["key"].startswith(STATISTICS_OF):
        return STATISTICS
    return LEFT_OUT[table].get(row["key"])


ROWS = [
    pytest.param(table, profile, row, id=f"{profile}-{row['key']}")
    for table, profiles in PROFILES_OF.items()
    for profile in profiles
    for row in rows(table)
]


def place(row):
    return int(row["function"]), int(row["address_dec"])


def registers_at(profile, where):
    """The registers that a position or the one device of a profile has there."""
    repeat = profile.repeat
    shifts = range(repeat.count) if repeat else (0,)
    step = repeat.stride if repeat else 0
    return [
        register
        for register in profile.registers
        for shift in shifts
        if (register.function, register.address + shift * step) == where
    ]


@pytest.mark.parametrize(("table", "profile", "row"), ROWS)
def test_each_row_is_in_the_profile_as_the_table_has_it_or_left_out_for_a_reason(table, profile, row):
    made = PROFILES[profile]
    found = registers_at(made, place(row))
    if reason(table, row):
        assert found == []
        return
    (register,) = found
    assert int(row["address_hex"], 16) == int(row["address_dec"])
    key = row["key"] if made.repeat is None else row["key"].rpartition("_")[0]
    assert register.key == ALIASES.get(key, key)
    assert (register.words, register.type, register.high_first) == (int(row["words"]), row["type"], True)
    assert register.type.is_signed is (row["sign"] == "signed")
    assert register.sign_key == SIGN_KEYS.get(row["sign"].removeprefix("by register "))
    assert bool(register.map) is (row["sign"] == "enum" and "sign" not in row["key"])
    unit, factor = (None, Fraction(1)) if row["unit"].startswith("set by") or not row["unit"] else UNITS[row["unit"]]
    assert register.unit == unit
    rule, _, name = row["scale"].partition(":")
    assert register.ratio == (name or None)
    assert register.scale == (factor if name else Fraction(rule) * factor)
    assert register.write is None
    if register.confidence:
        sure = row["confidence"] if made.id != "ime_conto_d4_pd" else "low"
        assert sure.startswith(register.confidence)


@pytest.mark.parametrize("table", PROFILES_OF)
def test_what_is_left_out_is_in_the_table(table):
    assert LEFT_OUT[table].keys() <= {row["key"] for row in rows(table)}


@pytest.mark.parametrize(
    ("table", "profile"), [(table, profile) for table, profiles in PROFILES_OF.items() for profile in profiles]
)
def test_a_profile_has_nothing_that_the_table_does_not_have(table, profile):
    made = PROFILES[profile]
    kept = {place(row) for row in rows(table) if not reason(table, row)}
    repeat = made.repeat
    placed = {
        (register.function, register.address + shift * (repeat.stride if repeat else 0))
        for register in made.registers
        for shift in range(repeat.count if repeat else 1)
    }
    assert placed == kept
    assert not any(register.is_computed for register in made.registers)


def test_every_table_of_registers_leads_somewhere():
    tables = {file.stem for file in TABLES.glob("*.csv") if not file.stem.endswith("-groups")}
    assert tables == PROFILES_OF.keys()


# --- how they are read -----------------------------------------------------------------------------------------------


def device_of(profile, unit=None, *, confirmed=False):
    unit = unit or MockModbusConnection().for_unit(1)
    return make(profile, Found(key="1", kind=profile.kind, unit_id=1), unit, 10.0, confirmed=confirmed)


@pytest.mark.parametrize(
    ("profile", "block"), [("emdx3_multifunction", (0x1000, 0x101B)), ("emdx3_diris", (0xC558, 0xC56F))]
)
def test_every_round_one_short_block_is_read_of_a_multi_function_unit(profile, block):
    device = device_of(PROFILES[profile])
    live = [part for part in device.parts.values() if part.speed is Speed.LIVE]
    assert [part.planned for part in live] == [[block]]
    longest = max(last - first + 1 for part in device.parts.values() for first, last in part.planned)
    assert longest == 28 if profile == "emdx3_multifunction" else longest <= 28


def test_what_an_electrician_charts_is_on_from_the_start():
    for profile in ("emdx3_multifunction", "emdx3_diris"):
        on = {
            each.key for each in described(device_of(PROFILES[profile]), "fr") if each.entity_registry_enabled_default
        }
        phases = {f"{key}_l{phase}" for key in ("voltage", "current") for phase in (1, 2, 3)}
        assert on == phases | {
            "current_n",
            "power",
            "energy_imported",
            "energy_exported",
            "power_factor",
            "frequency",
        }


def test_of_the_proven_map_only_what_legrands_own_table_has_is_on_from_the_start():
    made = PROFILES["emdx3_multifunction"]
    shown = {
        register.key: register.confidence for register in made.registers if register.has_entity and register.enabled
    }
    assert set(shown.values()) == {"high"}
    # Without its sign a power would be shown the wrong way round at night.
    needed = {made.keys[key].sign_key for key in shown} - {None}
    assert needed == {"power_sign"}
    assert all(register.confidence in ("high", "medium") for register in made.registers)


def test_the_map_is_proven_for_one_model_and_a_candidate_for_the_others():
    made = PROFILES["emdx3_multifunction"]
    assert not made.proven
    proven = {model for model in made.models if device_of(for_model(made, model)).confirmed}
    assert proven == {"4 120 45"}
    assert device_of(for_model(made, "4 120 45")).identity.model == "4 120 45"
    assert device_of(for_model(made, "4 120 51")).identity.model == "4 120 51 (emdx3_multifunction?)"
    others = {"emdx3_diris", "ems_cx3", "ime_conto_d4_pd", "emdx3_pulse_concentrator"}
    assert not any(PROFILES[each].proven or PROFILES[each].proven_for for each in others)


# --- what the ratios make of it --------------------------------------------------------------------------------------


@pytest.fixture
def meter(unit):
    """A 4 120 45 that reads 0 everywhere, with current transformers of 1:1."""
    unit.holding.update(dict.fromkeys(range(0x1000, 0x1050), 0))
    unit.holding.update({0x1200: 1, 0x1201: 10, 0x1205: 1})
    return device_of(for_model(PROFILES["emdx3_multifunction"], "4 120 45"), unit)


def put(unit, address, value):
    unit.holding.update({address: value >> 16, address + 1: value & 0xFFFF})


async def read(device, now=0.0):
    for part in sorted(device.parts.values(), key=lambda part: part.speed is not Speed.ONCE):
        await part.async_read(now)


@pytest.mark.parametrize(
    ("ratios", "address", "raw", "key", "value"),
    [
        ((1, 10), 0x1014, -12345, "power", -123.45),
        ((40, 10), 0x101C, 678, "energy_imported", 67.8),
        ((6000, 10), 0x1014, 150, "power", 150),
        # Both ratios count, and the bounds are those of the tables.
        ((600, 100), 0x1014, 150, "power", 150),
        ((4999, 10), 0x1014, 150, "power", 1.5),
        ((5000, 10), 0x1014, 150, "power", 150),
        ((9, 10), 0x101C, 5, "energy_imported", 0.05),
        ((10, 10), 0x101C, 5, "energy_imported", 0.5),
        ((100, 10), 0x1020, 5, "energy_exported", 5),
        ((1000, 10), 0x1020, 5, "energy_exported", 50),
        ((10_000, 10), 0x1022, 5, "reactive_energy_exported", 500),
        ((10_000, 100), 0x101E, 5, "reactive_energy_imported", 5000),
    ],
)
async def test_powers_and_energies_are_scaled_by_the_product_of_the_ratios(
    unit, meter, ratios, address, raw, key, value
):
    unit.holding.update({0x1200: ratios[0], 0x1201: ratios[1], 0x101A: int(raw < 0)})
    put(unit, address, abs(raw))
    await read(meter)
    assert meter.value(key) == pytest.approx(value)


@pytest.mark.parametrize(("missing", "power"), [(0x1201, 1.5), (0x1200, None)])
async def test_a_unit_without_the_ratio_of_voltage_transformers_has_none(unit, meter, missing, power):
    put(unit, 0x1014, 150)
    unit.holding.pop(missing)
    unit.fail_read(missing, IllegalDataAddressError(2))
    await read(meter)
    assert meter.power == power


async def test_a_sign_that_is_neither_leaves_the_power_unknown(unit, meter):
    put(unit, 0x1014, 100)
    unit.holding[0x101A] = 2
    await read(meter)
    assert meter.power is None
    assert meter.value("apparent_power") == 0


@given(
    raw=st.integers(0, 2**32 - 1),
    sign=st.sampled_from((0, 1)),
    ct=st.integers(1, 0xFFFF),
    vt=st.integers(1, 0xFFFF),
)
def test_a_power_is_what_the_rule_of_the_table_says(raw, sign, ct, vt):
    device = device_of(for_model(PROFILES["emdx3_multifunction"], "4 120 45"))
    k = ct * vt / 10
    (power,) = (register for register in device.profile.registers if register.key == "power")
    rule = device.profile.ratios[power.ratio]
    step = 0.01 if k < 5000 else 1
    assert rule.scale(k) == step
    steps = ((10, 10), (100, 100), (1000, 1000), (10_000, 10_000), (100_000, 100_000))
    energy = next((wh for below, wh in steps if k < below), 1_000_000)
    assert device.profile.ratios["energy"].scale(k) == energy
    part = device.parts["live"]
    part._scaling = {"power": step}.get
    assert part._worked_out(power, {"power": raw, "power_sign": sign}) == pytest.approx((-1) ** sign * raw * step)


async def test_the_quantities_of_a_diris_are_in_its_steps(unit):
    unit.holding.update(dict.fromkeys(range(0xC550, 0xC590), 0))
    unit.holding.update(dict.fromkeys(range(0xC650, 0xC666), 0))
    device = device_of(PROFILES["emdx3_diris"], unit)
    put(unit, 0xC558, 23_012)
    put(unit, 0xC55E, 4998)
    put(unit, 0xC568, 2**32 - 250)
    put(unit, 0xC56E, 2**32 - 950)
    put(unit, 0xC65C, 41)
    await read(device)
    assert device.value("voltage_l1") == pytest.approx(230.12)
    assert device.value("frequency") == pytest.approx(49.98)
    assert device.power == -2500
    assert device.value("power_factor") == pytest.approx(-0.95)
    assert device.value("energy_imported") == 41


@pytest.mark.parametrize("position", range(1, 8))
async def test_each_input_of_the_concentrator_has_its_own_total(unit, position):
    for number in range(1, 8):
        put(unit, 0xC668 + 2 * (number - 1), 70_000 + number)
    profile = PROFILES["emdx3_pulse_concentrator"]
    found = Found(key="1", kind=profile.kind, unit_id=1, number=position)
    device = make(profile, found, unit, 10.0)
    await read(device)
    assert device.value("pulse_total") == 70_000 + position
    assert profile.keys["pulse_total"].type is Type.UINT32

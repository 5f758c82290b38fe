"""What one look at a machine brings is the same by either channel, and never nonsense."""

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import hypothesis.strategies as st
import pytest
from hypothesis import given

from custom_components.energy_suite.gateways.netvision.bits import raised
from custom_components.energy_suite.gateways.netvision.machine import (
    Machine,
    bits_of,
    decode,
    decode_objects,
    numbered,
    phases_of,
    product,
    rated,
)
from custom_components.energy_suite.gateways.netvision.quantities import (
    BIT_WORDS,
    QUANTITIES,
    Object,
    Quantity,
    Table,
    Word,
)
from custom_components.energy_suite.gateways.plausibility import Value
from demo.netvision_tables import MEASURES, RATED
from demo.ups import Readings, Sts, Ups
from tests.gateways.netvision.conftest import MakeCard, Site

WORD = st.integers(0, 0xFFFF)

type SiteOf = Callable[..., Awaitable[Site]]

WORDS = (Table.JBUSP, Table.VUMAP, Table.STS)
OBJECTS = (Table.UPS_MIB, Table.STS_MIB)
TABLES = {
    "netys": (Table.JBUSP, Table.UPS_MIB),
    "masterys": (Table.VUMAP, Table.UPS_MIB),
    "delphys": (Table.JBUSP, Table.UPS_MIB),
    "statys": (Table.STS, Table.STS_MIB),
}
BY_KEY = {quantity.key: quantity for quantity in QUANTITIES}

# A value of its own for each quantity, that every table can show: the smallest and the step between two.
_STEPS: dict[str | None, tuple[float, float]] = {
    "V": (101, 1),
    "A": (1, 1),
    "W": (1000, 1000),
    "VA": (200_000, 1000),
    "Hz": (40, 1),
    "%": (1, 1),
    "°C": (10, 1),
    "°": (2, 1),
    "Ah": (10, 1),
    "s": (60, 60),
    None: (0.5, 0.1),
}


def _truth() -> dict[str, float]:
    truth: dict[str, float] = {}
    for unit, (low, step) in _STEPS.items():
        keys = [quantity.key for quantity in QUANTITIES if quantity.unit == unit]
        truth |= {key: round(low + step * place, 1) for place, key in enumerate(keys)}
    return truth


TRUTH = _truth()


@dataclass(slots=True)
class NumberedUps(Ups):
    """A UPS every measure of which has a value of its own."""

    def readings(self) -> Readings:
        return replace(Ups.readings(self), measures=TRUTH)


@dataclass(slots=True)
class NumberedSts(Sts):
    """The same of a transfer system."""

    def readings(self) -> Readings:
        return replace(Sts.readings(self), measures=TRUTH)


_SEEN: dict[tuple[str, str], dict[str, Value]] = {}


async def seen(machine: str, channels: str, make_card: MakeCard, site_of: SiteOf) -> dict[str, Value]:
    """What a channel brings of a machine; asked once for all quantities."""
    if (machine, channels) not in _SEEN:
        card = await make_card(machine)
        card.equipment = NumberedUps(card.ups.config) if card.machine.ups else NumberedSts()
        site = await site_of(card, channels)
        assert site.line.readings is not None
        _SEEN[machine, channels] = {**site.line.machine.rated, **site.line.readings.values}
    return _SEEN[machine, channels]


def managed(machine: str, key: str) -> bool:
    """Whether the machine tells its card the quantity; the time on battery the card counts itself."""
    table = TABLES[machine][0].value
    return key in {*MEASURES[table], *RATED[table].values(), "time_on_battery"}


def phases(machine: str) -> int:
    return 1 if machine == "netys" else 3


def tells(quantity: Quantity, table: Table, machine: str) -> bool:
    """Whether the table has the quantity, for a machine of so many phases: SNMP has rows for those alone."""
    place = quantity.place(table)
    return place is not None and (isinstance(place, Word) or (quantity.phase or 1) <= phases(machine))


CASES = [
    (machine, channels, quantity.key)
    for machine, (words, objects) in TABLES.items()
    for channels in ("modbus", "snmp", "both")
    for quantity in QUANTITIES
    if (channels != "snmp" and tells(quantity, words, machine))
    or (channels != "modbus" and tells(quantity, objects, machine))
]


def test_every_quantity_is_among_the_cases_and_has_a_value_of_its_own():
    assert {key for machine, _, key in CASES if managed(machine, key)} == BY_KEY.keys()
    assert len({(quantity.unit, TRUTH[quantity.key]) for quantity in QUANTITIES}) == len(QUANTITIES)


@pytest.mark.parametrize(("machine", "channels", "key"), CASES)
async def test_every_channel_brings_the_same_value(make_card, site_of, machine, channels, key):
    values = await seen(machine, channels, make_card, site_of)
    if managed(machine, key):
        assert values[key] == pytest.approx(TRUTH[key], abs=1e-9)
    else:
        assert values[key] is None


@pytest.mark.parametrize("channels", ["modbus", "snmp", "both"])
@pytest.mark.parametrize("machine", TABLES)
async def test_a_channel_brings_nothing_that_its_table_does_not_have(make_card, site_of, machine, channels):
    values = await seen(machine, channels, make_card, site_of)
    assert values.keys() == {key for *case, key in CASES if case == [machine, channels]}


@pytest.mark.parametrize("channels", ["modbus", "snmp", "both"])
@pytest.mark.parametrize("machine", TABLES)
async def test_the_values_of_a_running_machine_are_the_model_s(make_card, site_of, machine, channels):
    card = await make_card(machine)
    if card.machine.ups:
        card.ups.loads = [load * (place + 7) / 10 for place, load in enumerate(card.ups.loads)]
        card.ups.lose_mains()
        card.advance(30)
    told = card.equipment.readings().measures
    site = await site_of(card, channels)
    compared = 0
    for key, value in site.line.readings.values.items():
        measure = told.get(key)
        if value is None or measure is None:
            continue
        quantity = BY_KEY[key]
        places = [place for table in TABLES[machine] if (place := quantity.place(table)) is not None]
        assert value == pytest.approx(measure, abs=max(place.scale for place in places) / 2 + 1e-6), key
        compared += 1
    assert compared >= 15


@pytest.mark.parametrize("sentinel", [-1, 65535])
@pytest.mark.parametrize("channels", ["modbus", "snmp", "both"])
@pytest.mark.parametrize("machine", TABLES)
async def test_what_is_not_managed_is_unknown_and_raises_nothing(make_card, site_of, machine, channels, sentinel):
    card = await make_card(machine)
    card.unmanaged, card.sentinel = True, sentinel
    site = await site_of(card, channels)
    assert set(site.line.readings.values.values()) == {None}
    device = site.sts if machine == "statys" else site.ups
    # Only what the machine itself says by its bits, as a machine that manages its measures does.
    card.unmanaged = False
    alarms = device.alarms
    await site.read()
    assert device.alarms == alarms
    assert site.line.machine.rated == {}


@pytest.mark.parametrize("table", [*WORDS, *OBJECTS])
def test_bits_alone_raise_alarms(table):
    assert {alarm.key for alarm in raised(table, frozenset())} <= {"load_not_supplied", "ups_off"}


@given(st.sampled_from(WORDS), st.data(), st.sampled_from([None, False, True]))
def test_any_words_make_finite_numbers_or_none(table, data, tenths):
    places = [place for quantity in QUANTITIES if isinstance(place := quantity.place(table), Word)]
    words = data.draw(st.fixed_dictionaries({}, optional={place.address: WORD for place in places}))
    values = decode(table, words, tenths=tenths)
    assert len(values) == sum(place.address in words for place in places)
    assert all(value is None or (isinstance(value, float) and math.isfinite(value)) for value in values.values())
    assert rated(table, words, tenths=tenths).keys() <= values.keys()


@given(st.sampled_from(OBJECTS), st.data())
def test_any_objects_make_finite_numbers_or_none(table, data):
    suffixes = [place.suffix for quantity in QUANTITIES if isinstance(place := quantity.place(table), Object)]
    some = st.one_of(st.integers(-(2**31), 2**64), st.text(max_size=5), st.none())
    objects = data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys(suffixes, some)))
    values = decode_objects(table, objects)
    assert len(values) == len(objects)
    assert all(value is None or (isinstance(value, float) and math.isfinite(value)) for value in values.values())


@given(
    st.sampled_from(WORDS),
    st.dictionaries(st.sampled_from([*range(0x30, 0x41), *range(0x140, 0x14B), *range(0x1020, 0x1045)]), WORD),
)
def test_every_bit_that_is_set_has_a_name_of_its_own(table, words):
    bits = bits_of(table, words)
    assert len(bits) == sum(words.get(address, 0).bit_count() for address in BIT_WORDS[table])
    raised(table, bits)


@pytest.mark.parametrize(
    ("table", "address", "bit", "name"),
    [
        (Table.JBUSP, 0x1020, 5, "S05"),
        (Table.JBUSP, 0x1023, 0, "S48"),
        (Table.JBUSP, 0x1041, 15, "A31"),
        (Table.VUMAP, 0x0030, 2, "S002"),
        (Table.VUMAP, 0x003F, 3, "A115"),
        (Table.STS, 0x0141, 7, "S023"),
        (Table.STS, 0x0149, 15, "A031"),
    ],
)
def test_a_bit_goes_by_its_acronym(table, address, bit, name):
    assert bits_of(table, {address: 1 << bit}) == {name}
    assert bits_of(table, {address: 0}) == frozenset()


@pytest.mark.parametrize(
    ("name", "phases"),
    [
        (None, (None, None)),
        ("UPS MASTERYS 3/1", (3, 1)),
        ("SYSTEM MASTERYS 3/3", (3, 3)),
        ("MODULE MODULYS 1/1", (1, 1)),
        ("NETYS RT", (1, 1)),
        ("ITYS", (1, 1)),
        ("DELPHYS BC", (3, 3)),
    ],
)
def test_the_name_of_a_product_tells_its_phases(name, phases):
    assert phases_of(name) == phases


def test_a_product_is_known_by_the_code_of_its_own_table():
    assert product(Table.JBUSP, 648) == "DELPHYS GP 2.0"
    assert product(Table.VUMAP, 648) == "DELPHYS BC - GP 2.0"
    assert product(Table.VUMAP, 35) is None
    assert product(Table.STS, 35) is None


def test_units_are_numbered_from_one_as_far_as_is_counted():
    assert numbered(0b1010_0001, 6) == (1, 6)
    assert numbered(0, 6) == ()


def test_values_in_tenths_of_an_unknown_factor_are_unknown():
    words = {0x0044: 123, 0x004A: 230}
    assert decode(Table.VUMAP, words, tenths=True) == {"apparent_power": 12_300.0, "output_voltage_l1": 230.0}
    assert decode(Table.VUMAP, words, tenths=False) == {"apparent_power": 123_000.0, "output_voltage_l1": 230.0}
    assert decode(Table.VUMAP, words, tenths=None) == {"apparent_power": None, "output_voltage_l1": 230.0}


def test_words_are_signed_and_a_sensor_that_is_not_fitted_reads_zero():
    assert decode(Table.VUMAP, {0x0052: 0xFFCE, 0x005A: 0, 0x0056: 0}, tenths=True) == {
        "battery_current": -5.0,
        "battery_temperature": None,
        "state_of_charge": 0.0,
    }
    assert decode_objects(Table.UPS_MIB, {"2.8.0": -50, "2.6.0": 0, "2.4.0": 0}) == {
        "battery_current": -5.0,
        "battery_temperature": None,
        "state_of_charge": 0.0,
    }


def test_a_machine_is_a_transfer_system_by_its_table():
    assert [table for table in Table if Machine(table=table).is_sts] == [Table.STS, Table.STS_MIB]

"""Pulses: counted on over wrap-arounds, restarts and replaced concentrators, and read in one go."""

import json
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from modbus_connection import ModbusTimeoutError
from modbus_connection.mock import MockModbusConnection, MockModbusUnit

from custom_components.energy_suite.gateways.base import CannotConnect, DeviceGone, NotSupported, Speed
from custom_components.energy_suite.gateways.legrand.equipment import Equipment
from custom_components.energy_suite.gateways.legrand.pulses import HIGHEST_RATE, Inputs, Pulse, PulseInput, PulseTotal
from custom_components.energy_suite.gateways.plausibility import AGREEING
from custom_components.energy_suite.gateways.profiles.library import Library
from custom_components.energy_suite.gateways.profiles.schema import parse
from demo.board_units import CONCENTRATOR, IME, RegisterUnit, map_rows
from demo.legrand import ModbusGateway

MODULUS = 2**32
START = 1_700_000_000.0
PROFILE = Library.load().profiles["emdx3_pulse_concentrator"]
FIRST = 0xC668

# --- counting ------------------------------------------------------------------------------------------------------


def begin(total, count, now=START, step=10.0):
    """Let the first reading be confirmed by ``now``."""
    for place in reversed(range(AGREEING)):
        total.take(count, now - place * step)


def total_of(*readings, weight=1000.0, index=None, modulus=MODULUS, step=10.0):
    """What is counted after these readings, one every ``step`` s, the first one having been confirmed."""
    total = PulseTotal(Pulse(position=1, weight=weight, index=index), modulus)
    if readings:
        begin(total, readings[0], step=step)
        total.dropped = 0
    for place, count in enumerate(readings[1:], start=1):
        total.take(count, START + place * step)
    return total


def first_readings(*readings):
    """What is made of the very first readings."""
    total = PulseTotal(Pulse(position=1, weight=1000.0), MODULUS)
    for place, count in enumerate(readings):
        total.take(count, START + place * 10)
    return total


def restarted(total, **about):
    """The same after a restart, with what the user changed meanwhile."""
    pulse = Pulse(**{"position": 1, "weight": total.pulse.weight, "index": total.pulse.index} | about)
    again = PulseTotal(pulse, total.modulus)
    again.restore(json.loads(json.dumps(total.counters)))
    return again


def test_nothing_is_known_before_something_was_read():
    assert total_of().total is None
    assert total_of().counters == {}
    assert total_of(None).total is None


def test_the_first_reading_is_believed_once_three_agree():
    assert first_readings(5000, 5001).total is None
    assert first_readings(5000, 5001, 5002).total == 5002.0


@pytest.mark.parametrize("wrong", [0, 4_000_000_000, 5])
def test_a_wrong_first_reading_is_not_believed(wrong):
    total = first_readings(wrong, 5000, 5001, 5002)
    assert (total.total, total.dropped) == (5002.0, 3)


def test_without_an_index_the_count_since_ever_counts():
    assert total_of(1234, weight=10.0).total == 12.34
    assert total_of(1234, 1240, weight=10.0).total == 12.4


def test_with_an_index_counting_goes_on_from_the_dial():
    assert total_of(1234, weight=10.0, index=500.5).total == 500.5
    assert total_of(1234, 1240, weight=10.0, index=500.5).total == pytest.approx(500.56)
    assert total_of(1234, index=0.0).total == 0.0


def test_a_count_that_was_not_there_changes_nothing():
    assert total_of(10, None, 12).total == 12.0


def test_a_counter_that_wraps_goes_on():
    assert total_of(MODULUS - 2, 3, index=7.0).total == 12.0
    assert total_of(65_535, 1, index=7.0, modulus=65_536).total == 9.0


def test_as_many_pulses_as_an_output_can_give_are_believed_at_once():
    most = int(HIGHEST_RATE * 10) + 1
    assert total_of(10, 10 + most, index=0.0).total == most
    assert total_of(10, 11 + most, index=0.0).total == 0.0


@pytest.mark.parametrize("zeros", [1, 2])
def test_a_burst_of_zeros_is_not_believed(zeros):
    total = total_of(5000, *[0] * zeros, 5010)
    assert (total.total, total.dropped) == (5010.0, zeros)


def test_a_long_burst_of_zeros_adds_nothing():
    total = total_of(5000, *[0] * 10, 5010, 5011, 5012, 5013)
    assert total.total == pytest.approx(5001.0)


@pytest.mark.parametrize("zeros", [1, 2])
def test_zeros_before_anything_else_are_not_believed(zeros):
    total = first_readings(*[0] * zeros)
    assert (total.total, total.dropped) == (None, zeros)
    assert first_readings(*[0] * zeros, 5000, 5001, 5002).total == 5002.0


def test_a_meter_that_never_counted_stands_at_zero():
    assert first_readings(0, 0, 0).total == 0.0
    assert first_readings(0, 0, 0, 1).total == 1.0


@pytest.mark.parametrize("new", [0, 3, 70_000, MODULUS // 2])
def test_a_replaced_concentrator_counts_on_without_a_jump(new):
    total = total_of(5000, new, new, new)
    assert total.total == 5000.0
    assert total_of(5000, new, new + 1, new + 2, new + 3).total == 5001.0


def test_what_is_strange_each_time_is_never_believed():
    total = total_of(5000, *[100_000 * place for place in range(1, 20)], 5005)
    assert (total.total, total.dropped) == (5005.0, 19)


def test_pulses_of_a_long_silence_are_counted():
    total = total_of(5000, 5000 + 40 * 3600, step=3600.0)
    assert total.total == 5000.0 + 40 * 3600


def test_a_clock_that_is_set_back_loses_nothing():
    total = total_of(5000)
    seen = []
    for place, count in enumerate((5002, 5004, 5006, 5008)):
        total.take(count, START - 3600 + 10 * place)
        seen.append(total.total)
    assert seen == [5000.0, 5004.0, 5006.0, 5008.0]


def test_a_restart_goes_on_with_what_was_counted_meanwhile():
    again = restarted(total_of(MODULUS - 5, index=100.0))
    assert again.total == 100.0
    again.take(5, START + 60)
    assert again.total == 110.0


def test_zeros_after_a_restart_are_not_believed():
    again = restarted(total_of(5000))
    again.take(0, START + 60)
    assert (again.total, again.dropped) == (5000.0, 1)


def test_another_weight_counts_from_now_on():
    again = restarted(total_of(5000, weight=10.0), weight=20.0)
    assert again.total == 50.0
    again.take(5010, START + 60)
    assert again.total == pytest.approx(50.2)


@pytest.mark.parametrize(("before", "after", "total"), [(None, 7.0, 7.0), (7.0, 8.0, 8.0), (7.0, None, 5010.0)])
def test_another_index_begins_anew(before, after, total):
    again = restarted(total_of(5000, index=before), index=after)
    assert again.total is None
    begin(again, 5010, START + 60)
    assert again.total == total


def test_a_count_without_a_total_is_nothing():
    again = PulseTotal(Pulse(position=1, weight=1.0), MODULUS)
    again.restore({"count": (5.0, START)})
    assert again.total is None


@pytest.mark.parametrize("index", [None, 12.5])
@pytest.mark.parametrize("elsewhere", [{"position": 2}, {"concentrator": "another one"}])
def test_a_meter_that_counts_elsewhere_goes_on_from_its_total(index, elsewhere):
    before = total_of(1000, 1001, index=index)
    moved = restarted(before, **elsewhere)
    assert moved.total == before.total
    # What counted there before was no water of this meter.
    begin(moved, 1450, START + 60)
    assert moved.total == before.total
    moved.take(1452, START + 70)
    assert moved.total == before.total + 2
    assert restarted(moved, **elsewhere).counters == moved.counters


def test_a_restart_just_after_a_meter_was_moved_keeps_its_total():
    before = total_of(1000, 1001, index=12.5)
    again = restarted(restarted(before, position=2), position=2)
    begin(again, 1450, START + 60)
    assert again.total == before.total


# By an oracle that knows what really happened


@dataclass
class World:
    """A counter in the field, the clock, and how many pulses somebody who reads it can know of."""

    count: int
    now: float = START
    known: int = 0

    def pulses(self, seconds, number):
        """Let time pass with so many pulses, no more than there can be."""
        self.now += seconds
        number = min(number, int(HIGHEST_RATE * seconds))
        self.count = (self.count + number) % MODULUS
        return number

    def looks_like_pulses(self, count, seconds):
        return (count - self.count) % MODULUS <= HIGHEST_RATE * seconds + 1


seconds = st.sampled_from([1, 10, 60, 3600, 1_000_000])
number = st.integers(0, 60) | st.integers(0, 10**8)
events = st.lists(
    st.one_of(
        st.tuples(st.just("pulses"), seconds, number),
        st.tuples(st.just("nothing"), st.sampled_from([1, 10]), st.just(0)),
        st.tuples(st.just("restart"), st.just(0), st.just(0)),
        st.tuples(st.just("zeros"), st.sampled_from([1, 10]), st.integers(1, 2)),
        st.tuples(st.just("replaced"), st.sampled_from([1, 10]), st.integers(0, 60)),
    ),
    max_size=40,
)


@given(
    start=st.sampled_from([1, MODULUS - 1, MODULUS - 100, MODULUS // 2]) | st.integers(1, MODULUS - 1),
    weight=st.sampled_from([0.1, 1.0, 10.0, 1000.0]),
    index=st.none() | st.integers(0, 10**6).map(float),
    events=events,
)
def test_the_total_is_the_first_and_every_pulse_that_can_be_known(start, weight, index, events):
    world, total = World(start), PulseTotal(Pulse(position=1, weight=weight, index=index), MODULUS)
    begin(total, world.count)
    first = start * weight / 1000 if index is None else index
    for what, passed, many in events:
        if what == "pulses":
            world.known += world.pulses(passed, many)
            total.take(world.count, world.now)
        elif what == "nothing":
            world.now += passed
            total.take(None, world.now)
        elif what == "restart":
            total = restarted(total)
        elif what == "zeros" and not world.looks_like_pulses(0, 100):
            for _ in range(many):
                world.now += passed
                total.take(0, world.now)
            # What is read next says that they were none.
            total.take(world.count, world.now)
        elif what == "replaced":
            # As far from what it was as it can be.
            world.count = (world.count + MODULUS // 2) % MODULUS
            for _ in range(3):
                world.pulses(passed, many)
                total.take(world.count, world.now)
        assert total.total == pytest.approx(first + world.known * weight / 1000, rel=1e-9)


# --- read in one go ------------------------------------------------------------------------------------------------


def pulse_meter(position, address=30, **about):
    told = Equipment(
        name=f"Meter {position}",
        reference="water meter, pulse output",
        address=address,
        position=position,
        concentrator="0 046 87",
        weight=10.0,
        map="emdx3_pulse_concentrator",
    )
    return replace(told, **about).found(f"key {position}")


def seven_of(gateway, **about):
    return [gateway.device(pulse_meter(position, **about)) for position in range(1, 8)]


async def read(device, now=1.0):
    """Read it as the schedule does; why it could not be, or nothing."""
    try:
        await device.parts["live"].async_read(now)
    except (CannotConnect, DeviceGone) as err:
        return type(err)
    return None


async def confirm(*meters):
    """Read them until their first reading is believed."""
    for _ in range(AGREEING):
        for meter in meters:
            assert await read(meter) is None


def at(meter, now):
    """Let it be so late on the clock on the wall (s since 1970)."""
    meter.parts["live"].inputs.registers.wall_clock = lambda: now


def asked(bus, unit=30):
    return [request for request in bus.requests if request.unit == unit]


@pytest.fixture
def counts():
    """The counts of a concentrator that a test sets."""
    return {f"pulse_total_{position}": 1000 * position for position in range(1, 8)}


@pytest.fixture
async def counters(counts, framing, socket_enabled):
    unit = RegisterUnit(map_rows(CONCENTRATOR), lambda key: counts.get(key, 0))
    async with ModbusGateway({30: unit}, framing=framing, timing=False) as bus:
        yield bus


both_framings = pytest.mark.parametrize("framing", ["tcp", "rtu_over_tcp"])


@both_framings
async def test_seven_meters_cost_one_request_a_round(gateway_of, counters, counts, complaints):
    meters = seven_of(gateway_of(counters))
    for turn in range(5):
        for position in range(1, 8):
            counts[f"pulse_total_{position}"] += position
        assert [await read(meter) for meter in meters] == [None] * 7
        assert len(asked(counters)) == turn + 1
        assert [meter.count for meter in meters] == [
            1000 * position + (turn + 1) * position for position in range(1, 8)
        ]
    (request,) = {(request.function, request.address, request.count) for request in asked(counters)}
    assert request == (3, FIRST, 14)


async def test_a_meter_shows_its_quantity(gateway_of, counters, counts):
    gateway = gateway_of(counters)
    water = gateway.device(pulse_meter(2, index=12.5, weight=5.0))
    assert (water.kind, water.volume, water.count) == ("pulse_water_meter", None, None)
    at(water, START)
    await read(water)
    assert (water.volume, water.count) == (None, 2000)
    await confirm(water)
    assert (water.volume, water.count) == (12.5, 2000)
    counts["pulse_total_2"] += 3
    at(water, START + 1)
    await read(water)
    assert water.volume == pytest.approx(12.515)
    assert water.parts["live"].shown["values"] == {"count": 2003, "total": water.volume}
    assert water.parts["live"].shown["registers"]["holding"][str(FIRST + 3)] == 2003
    power = gateway.device(pulse_meter(3, reference="0 046 70", weight=100.0))
    await confirm(power)
    assert (power.kind, power.energy_imported) == ("pulse_electricity_meter", 300.0)
    assert (power.identity.model, power.identity.name, power.unit_id) == ("0 046 70", "Meter 3", 30)


async def test_a_meter_goes_on_after_a_restart(gateway_of, counters, counts):
    before = gateway_of(counters).device(pulse_meter(1, index=50.0))
    at(before, START)
    await confirm(before)
    again = gateway_of(counters).device(pulse_meter(1, index=50.0))
    again.restore_counters(before.counters)
    assert again.volume == 50.0
    counts["pulse_total_1"] += 20
    at(again, START + 1)
    await read(again)
    assert again.volume == pytest.approx(50.2)


@pytest.mark.parametrize(
    "elsewhere", [{"position": 2}, {"address": 31}, {"concentrator": "4 120 65"}], ids=["input", "address", "reference"]
)
async def test_a_meter_that_was_moved_takes_no_count_along(gateway_of, counters, counts, elsewhere):
    counters.units[31] = RegisterUnit(map_rows(CONCENTRATOR), lambda key: counts[key] + 400)
    before = gateway_of(counters).device(pulse_meter(1, index=50.0))
    at(before, START)
    await confirm(before)
    counts["pulse_total_1"], counts["pulse_total_2"] = 1400, 1400
    moved = gateway_of(counters).device(pulse_meter(**{"position": 1, "index": 50.0} | elsewhere))
    moved.restore_counters(before.counters)
    at(moved, START + 60)
    await confirm(moved)
    assert moved.volume == 50.0


async def test_concentrators_at_two_addresses_are_asked_each(gateway_of, counters, counts):
    counters.units[31] = RegisterUnit(map_rows(CONCENTRATOR), lambda _: 7)
    gateway = gateway_of(counters)
    one, other = gateway.device(pulse_meter(1)), gateway.device(pulse_meter(1, address=31))
    await read(one)
    await read(other)
    assert (one.count, other.count) == (1000, 7)


@both_framings
async def test_a_dead_concentrator_costs_its_time_once_for_seven_meters(gateway_of, counters, complaints):
    counters.units[30].answers = False
    meters = seven_of(gateway_of(counters))
    assert [await read(meter) for meter in meters] == [DeviceGone] * 7
    assert len(asked(counters)) == 1
    assert [await read(meter) for meter in meters] == [DeviceGone] * 7
    assert len(asked(counters)) == 2
    counters.units[30].answers = True
    assert [await read(meter) for meter in meters] == [None] * 7
    assert len(asked(counters)) == 3


async def test_a_silent_concentrator_is_asked_twice_before_its_seven_meters_are_given_up(
    gateway_of, lease_of, counters, complaints
):
    counters.absent = "silence"
    counters.units[30].answers = False
    counters.units[1] = RegisterUnit(map_rows(CONCENTRATOR), lambda _: 7)
    gateway = gateway_of(counters, timeout=0.1)
    runner = lease_of(counters).runner
    meters = {meter.key: meter for meter in [*seven_of(gateway), gateway.device(pulse_meter(9, address=1))]}
    for key, meter in meters.items():
        runner.attach(key, meter, lambda _: None)
    for key in meters:
        await runner.reported(key)
    assert [runner.schedule.is_up(key) for key in meters] == [False] * 7 + [True]
    assert len(asked(counters)) == 2


class Slow(MockModbusUnit):
    """A unit that takes its time to say nothing."""

    def __init__(self, clock):
        super().__init__(MockModbusConnection(), 1)
        self.clock = clock
        self.asked = 0

    async def read_holding_registers(self, address, count):
        self.asked += 1
        self.clock[0] += 3.0
        raise ModbusTimeoutError


async def test_waiting_for_longer_than_a_round_is_shared_too():
    clock = [0.0]
    unit = Slow(clock)
    inputs = Inputs(PROFILE, unit, 2.0, clock=lambda: clock[0])
    meters = [PulseInput(inputs, Pulse(position=position, weight=1.0)) for position in range(1, 8)]
    for meter in meters:
        with pytest.raises(CannotConnect, match="silent"):
            await meter.async_read(clock[0])
    assert unit.asked == 1


async def test_what_was_read_a_while_ago_is_read_again(unit):
    unit.holding.update(dict.fromkeys(range(FIRST, FIRST + 14), 1))
    clock = [100.0]
    inputs = Inputs(PROFILE, unit, 2.0, clock=lambda: clock[0])
    one, other = (PulseInput(inputs, Pulse(position=position, weight=1.0)) for position in (1, 2))
    await one.async_read(100.0)
    unit.holding[FIRST + 3] = 2
    clock[0] = 100.9
    await other.async_read(100.9)
    assert other.count == 0x10001
    clock[0] = 102.0
    await one.async_read(102.0)
    clock[0] = 103.1
    unit.holding[FIRST + 3] = 3
    await other.async_read(103.1)
    assert (other.count, other.read_at, other.present, other.speed) == (0x10003, 103.1, True, Speed.LIVE)


async def test_what_a_map_says_of_the_quantity_does_not_count(unit):
    text = (
        "profile: 1\nid: mine\nmanufacturer: Legrand\nmodels: [Mine]\nkind: pulse_concentrator\nsource: a test\n"
        "positions: {count: 2, stride: 4}\nregisters:\n"
        "  - {key: pulse_total, address: 0x10, type: uint16, scale: 0.1, offset: 5}\n"
    )
    unit.holding.update({0x10: 0, 0x14: 65_530})
    inputs = Inputs(parse(text, "mine.yaml"), unit, 10.0)
    one, other = (PulseInput(inputs, Pulse(position=position, weight=1000.0, index=0.0)) for position in (1, 2))
    inputs.registers.wall_clock = lambda: START
    for _ in range(AGREEING):
        await one.async_read(1.0)
        await other.async_read(1.0)
    assert (one.count, other.count) == (0, 65_530)
    unit.holding.update({0x10: 0, 0x14: 4})
    inputs.registers.wall_clock = lambda: START + 10
    await one.async_read(11.0)
    await other.async_read(11.0)
    assert other.total.total == 10.0


async def test_an_input_that_the_concentrator_does_not_have_is_unknown(gateway_of, counters):
    unit = counters.units[30]
    unit.lacking.update((3, address) for address in range(FIRST + 8, FIRST + 14))
    meters = seven_of(gateway_of(counters))
    await confirm(*meters)
    assert [meter.count for meter in meters] == [1000, 2000, 3000, 4000, None, None, None]
    assert [meter.volume for meter in meters] == [10.0, 20.0, 30.0, 40.0, None, None, None]
    unit.lacking.clear()
    for meter in meters:
        meter.parts["live"].forget()
    assert [await read(meter) for meter in meters] == [None] * 7
    assert meters[6].count == 7000


async def test_a_concentrator_that_knows_no_pulses_is_not_there(gateway_of, counters):
    counters.units[30] = RegisterUnit(map_rows(IME), lambda _: 0)
    meters = seven_of(gateway_of(counters))
    with pytest.raises(NotSupported):
        await meters[0].parts["live"].async_read(1.0)
    many = len(asked(counters))
    for meter in meters[1:]:
        with pytest.raises(NotSupported):
            await meter.parts["live"].async_read(1.0)
    assert len(asked(counters)) == many

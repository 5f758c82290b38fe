"""The simulated board adds up, trips, counts and shows itself in the registers of its maps."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.constants import ExcCodes

from demo.board import (
    CIRCUITS,
    Board,
    BreakerState,
    Meter,
    NotPossibleError,
    Output,
    Pulses,
    SideStatus,
    TripCause,
    quantities,
)
from demo.board_units import (
    CONTO,
    DIRIS,
    EMS_CX3,
    FIRST_CIRCUIT,
    FIRST_DEVICE,
    IME,
    PROFILES,
    TOTAL,
    RegisterUnit,
    Row,
    Value,
    board_units,
    concentrator_unit,
    energy_scale,
    load_profile,
    map_rows,
    meter_unit,
    power_scale,
)

NOON = datetime(2026, 6, 15, 10, 0, tzinfo=UTC)


@pytest.fixture
def board():
    board = Board(NOON)
    board.demand = 2000.0
    for side in board.sides:
        side.here = False
    board.advance(0)
    return board


@pytest.fixture
def units(board):
    return board_units(board)


def number(unit, address, *, function=3, signed=False):
    """The number in two registers."""
    words = unit.read(function, address, 2)
    return int.from_bytes(b"".join(word.to_bytes(2) for word in words), signed=signed)


# What adds up


@given(
    demand=st.floats(0, 20_000),
    steps=st.lists(
        st.tuples(st.floats(0, 900), st.sampled_from(tuple(CIRCUITS)), st.booleans(), st.booleans(), st.floats(0, 32)),
        max_size=6,
    ),
)
def test_the_main_meter_is_the_sum_of_the_circuits(demand, steps):
    board = Board(NOON)
    board.demand = demand
    for seconds, key, closed, car, limit in steps:
        breaker = board.circuits[key].breaker
        if closed:
            breaker.open()
            breaker.close()
        else:
            breaker.trip()
        board.sides[0].here, board.sides[0].limit = car, limit
        board.advance(seconds)
        main, others = board.meters["main"], [board.meters[name] for name in CIRCUITS]
        assert main.power == pytest.approx(sum(abs(meter.power) for meter in others))
        for phase in (1, 2, 3):
            parts = (abs(meter.now[f"power_l{phase}"]) for meter in others)
            assert main.now[f"power_l{phase}"] == pytest.approx(sum(parts))
        assert main.imported == pytest.approx(sum(meter.imported + meter.exported for meter in others))
        assert board.meters["charging"].exported == pytest.approx(sum(side.energy for side in board.sides))


def test_what_people_use_is_what_the_circuits_carry(board):
    assert board.power == pytest.approx(2000)
    board.advance(1800)
    assert board.meters["main"].imported == pytest.approx(1000)


def test_circuits_draw_on_their_own_phases_alone(board):
    assert board.meters["lighting"].now["power_l1"] > 0
    assert board.meters["lighting"].now["power_l2"] == board.meters["lighting"].now["power_l3"] == 0
    heating = board.meters["heating"].now
    assert heating["power_l1"] == heating["power_l2"] == heating["power_l3"] > 0


def test_a_meter_makes_currents_of_powers():
    now = quantities((800.0, 0.0, 0.0), (600.0, 0.0, 0.0), (200.0, 230.0, 230.0))
    assert now["apparent_power_l1"] == pytest.approx(1000)
    assert now["current_l1"] == now["current_n"] == pytest.approx(5)
    assert now["power_factor_l1"] == pytest.approx(0.8)
    assert now["voltage_l2_l3"] == pytest.approx(230 * 3**0.5)


def test_a_balanced_load_leaves_the_neutral_without_current():
    assert quantities((700.0,) * 3, (100.0,) * 3, (230.0,) * 3)["current_n"] == pytest.approx(0, abs=1e-9)


def test_a_meter_that_is_turned_calls_import_export(board):
    board.sides[0].here = True
    board.advance(3600)
    charging = board.meters["charging"]
    assert charging.power == pytest.approx(-2300)
    assert (charging.imported, charging.exported) == (0, pytest.approx(2300, abs=10))


def test_demand_looks_back_a_quarter_of_an_hour(board):
    meter = board.meters["main"]
    board.advance(4 * 3600)
    assert meter.means["power"] == pytest.approx(2000, abs=1)
    board.demand = 5000.0
    board.advance(10)
    assert 2000 < meter.means["power"] < 2100
    board.demand = 0.0
    board.advance(4 * 3600)
    assert meter.means["power"] == pytest.approx(0, abs=1)
    assert meter.peaks["power"] > 2000


# What happens to it


def test_a_tripped_circuit_carries_nothing(board):
    before = {key: board.meters[key].power for key in CIRCUITS}
    board.circuits["hot_water"].breaker.trip(TripCause.RESIDUAL_CURRENT)
    board.advance(0)
    assert board.meters["hot_water"].power == 0
    assert board.power == pytest.approx(2000 - before["hot_water"])
    assert board.meters["heating"].power == pytest.approx(before["heating"])
    energy = board.meters["hot_water"].imported
    board.advance(3600)
    assert board.meters["hot_water"].imported == energy


def test_a_trip_is_reset_by_opening(board):
    breaker = board.circuits["hot_water"].breaker
    breaker.trip(TripCause.SHORT_CIRCUIT)
    with pytest.raises(NotPossibleError):
        breaker.close()
    assert (breaker.state, breaker.cause) == (BreakerState.TRIPPED, TripCause.SHORT_CIRCUIT)
    breaker.open()
    assert (breaker.state, breaker.cause) == (BreakerState.OPEN, TripCause.NONE)
    breaker.close()
    assert breaker.closed


def test_an_open_breaker_does_not_trip(board):
    breaker = board.circuits["heating"].breaker
    breaker.open()
    breaker.trip()
    assert (breaker.state, breaker.cause) == (BreakerState.OPEN, TripCause.NONE)


def test_the_contactor_of_the_water_heater_hangs_on_the_first_output(board):
    board.outputs[0].command(False)
    board.advance(0)
    assert board.meters["hot_water"].power == 0


def test_a_new_meter_counts_from_zero(board):
    board.advance(3600)
    meter = board.meters["heating"]
    assert meter.imported > 0
    meter.replace()
    assert (meter.imported, meter.reactive_imported, meter.hours) == (0, 0, 0)
    board.advance(3600)
    assert meter.imported == pytest.approx(meter.power, rel=0.5)


def test_a_board_without_voltage_measures_nothing(board):
    board.sides[0].here = True
    board.advance(10)
    board.darken()
    board.count(0)
    main = board.meters["main"].now
    assert main["power"] == main["voltage_l1"] == main["current_l1"] == main["frequency"] == 0
    assert board.sides[0].status is SideStatus.WAITING


# Cars


def test_a_car_comes_charges_and_goes(board):
    side = board.sides[0]
    assert side.status == "available"
    side.here = True
    board.advance(3600)
    assert side.status == "charging"
    assert side.energy == pytest.approx(2300, abs=10)
    arrived = side.soc
    board.advance(20 * 3600)
    assert (side.status, side.soc) == (SideStatus.WAITING, pytest.approx(99.9, abs=0.2))
    assert side.soc > arrived
    side.here = False
    board.advance(10)
    assert side.status == "available"
    side.here = True
    board.advance(10)
    assert side.soc < 80


def test_cars_keep_their_hours():
    board = Board(NOON)
    for hour, there in ((9, (False, True)), (18, (False, False)), (22, (True, False)), (3, (True, False))):
        board.now = datetime.combine(NOON, datetime.min.time(), board.local.tzinfo) + timedelta(hours=hour, minutes=1)
        board.advance(0)
        assert tuple(side.car for side in board.sides) == there


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"allowed": False}, SideStatus.WAITING),
        ({"held": True}, SideStatus.WAITING),
        ({"supplied": False}, SideStatus.WAITING),
        ({"ev_socket": False}, SideStatus.WAITING),
        ({"limit": 5.0}, SideStatus.WAITING),
        ({"stuck": True}, SideStatus.FAULT),
        ({"car_fault": True}, SideStatus.FAULT),
    ],
)
def test_a_car_does_not_charge_against_the_station(board, change, status):
    side = board.sides[0]
    side.here = True
    for name, value in change.items():
        setattr(side, name, value)
    board.advance(10)
    assert (side.status, side.current, board.meters["charging"].power) == (status, 0, 0)


@pytest.mark.parametrize(("limit", "current"), [(6.0, 6.0), (16.0, 16.0), (32.0, 16.0)])
def test_a_car_takes_what_it_may_and_can(board, limit, current):
    board.sides[0].here, board.sides[0].limit = True, limit
    board.advance(10)
    assert board.sides[0].current == current


def test_both_cars_stop_with_their_breaker(board):
    for side in board.sides:
        side.here = True
    board.advance(10)
    assert board.meters["charging"].power == pytest.approx(-4600)
    board.circuits["charging"].breaker.trip()
    board.advance(10)
    assert [side.status for side in board.sides] == [SideStatus.WAITING] * 2


# Outputs


def test_an_impulse_ends_by_itself():
    output = Output(on_time=5.0)
    output.command(True)
    output.step(4)
    assert output.contact
    output.step(1)
    assert not output.contact
    assert not output.working


def test_a_command_without_time_is_held():
    output = Output()
    output.command(True)
    output.step(1e6)
    assert output.contact
    output.command(False)
    assert not output.contact


def test_a_normally_closed_contact_is_the_other_way_round():
    output = Output(normally_closed=True)
    assert output.contact
    output.command(True)
    assert output.working
    assert not output.contact


def test_blinking_goes_on_until_the_command_ends():
    output = Output(blinking=True, on_time=2.0)
    output.command(True)
    seen = []
    for _ in range(8):
        seen.append(output.contact)
        output.step(1)
    assert seen == [True, True, False, False] * 2
    assert output.working
    output.command(False)
    assert not output.contact


def test_blinking_without_rhythm_is_refused():
    output = Output(blinking=True)
    with pytest.raises(NotPossibleError):
        output.command(True)
    output.command(False)


# Registers


def test_the_scales_follow_the_ratio():
    assert [power_scale(ratio) for ratio in (1, 4999, 5000)] == [0.01, 0.01, 1]
    ratios = (1, 9.9, 10, 40, 100, 999, 1000, 9999, 10_000, 99_999, 100_000)
    assert [energy_scale(ratio) for ratio in ratios] == [
        *(10, 10, 100, 100, 1000, 1000, 10_000, 10_000, 100_000, 100_000, 1_000_000)
    ]


def test_the_main_meter_speaks_the_map_of_its_maker(board, units):
    board.meters["main"].imported = 123_456_789.0
    unit = units[1]
    assert number(unit, 0x1014) == pytest.approx(200_000, abs=1)
    assert number(unit, 0x101C) == 12_345_679
    assert number(unit, 0x1000) == pytest.approx(1000 * board.voltages[0], abs=1)
    assert unit.read(3, 0x1200, 1) == [5]
    assert unit.read(3, 0x1026, 1) == [500]
    assert unit.read(3, 0x101A, 1) == [0]


def test_a_power_that_is_turned_is_a_magnitude_with_a_sign(board):
    meter = Meter(("heating",), turned=True)
    meter.measure((-1.0, 200.0, 300.0), (0.0,) * 3, (230.0,) * 3)
    unit = meter_unit(meter, board)
    assert (number(unit, 0x1014), unit.read(3, 0x101A, 1)) == (49_900, [1])
    assert unit.read(3, 0x1032, 3) == [0, 1, 1]
    assert (number(unit, 0x102E), number(unit, 0x1030)) == (20_000, 30_000)


def test_the_diris_counts_in_thousands(board, units):
    board.meters["sockets"].imported = 5_400.0
    unit = units[4]
    assert number(unit, 0xC65C) == 5
    assert number(unit, 0xC568, signed=True) == round(board.meters["sockets"].power / 10)
    assert number(unit, 0xC55E) == 5000


def test_a_single_phase_meter_speaks_the_candidate(board, units):
    board.meters["technical"].imported = 1234.0
    assert number(units[40], 0x200A) == 123
    assert number(units[40], 0x2004) == round(board.meters["technical"].power)


def test_the_ems_module_measures_currents(board, units):
    assert number(units[5], 0x5000, function=4) == round(1000 * board.meters["lighting"].now["current_l1"])


@pytest.mark.parametrize("name", [IME, DIRIS, EMS_CX3, CONTO])
def test_a_meter_shows_every_row_of_its_map(board, name):
    board.advance(3600)
    unit = meter_unit(board.meters["main"], board, name)
    for row in map_rows(name):
        words = unit.read(row.function, row.address, row.size)
        assert words == row.encode(unit.value(row.key)), row.key


def test_every_device_shows_every_row(units):
    for unit in units.values():
        for (function, address), (row, place) in unit._rows.items():
            if not place:
                assert unit.read(function, address, row.size) == row.encode(unit.value(row.key))


def test_pulses_begin_anew_at_the_top_of_their_register(board):
    pulses = Pulses(10.0, amount=10.0 * (2**32 - 1))
    unit = concentrator_unit([pulses], board)
    assert number(unit, 50_792) == 2**32 - 1
    pulses.amount += 25.0
    assert number(unit, 50_792) == 1
    assert number(unit, 50_794) == 0
    assert number(unit, 50_790) == 1


def test_water_gas_and_electricity_pulse(board, units):
    board.advance(24 * 3600)
    water, gas, electricity = (number(units[30], 50_792 + 2 * place) for place in range(3))
    assert 0 < water < 100
    assert 0 < gas < 2000
    assert electricity == int(board.meters["technical"].imported // 10)


def test_a_breaker_is_opened_closed_and_trips(board, units):
    unit = units[11]
    assert unit.read(3, 0x7000, 2) == [1, 0]
    board.circuits["hot_water"].breaker.trip(TripCause.RESIDUAL_CURRENT)
    assert unit.read(3, 0x7000, 2) == [2, 3]
    assert unit.write(6, 0x7020, [2]) is ExcCodes.DEVICE_FAILURE
    assert unit.write(6, 0x7020, [1]) is None
    assert unit.read(3, 0x7000, 2) == [0, 0]
    assert unit.write(16, 0x7020, [2]) is None
    assert unit.read(3, 0x7000, 2) == [1, 0]
    assert unit.write(6, 0x7020, [3]) is ExcCodes.ILLEGAL_VALUE
    assert [key for key, _ in unit.writes] == ["open", "close"]


def test_a_state_module_tells_of_its_breaker(board, units):
    board.circuits["lighting"].breaker.trip()
    assert units[6].read(4, 0x5100, 1) == [2]


def test_the_sides_of_a_station_stand_behind_one_another(board, units):
    unit = units[20]
    board.sides[1].here = True
    board.advance(10)
    assert unit.read(3, 0x2000, 1) == [0]
    assert unit.read(3, 0x2100, 3) == [1, 32, 10]
    assert unit.read(2, 0x2100, 1) == [1]
    assert unit.write(6, 0x2102, [16]) is None
    assert unit.write(5, 0x2000, [0]) is None
    board.advance(10)
    assert (board.sides[1].current, board.sides[0].allowed, board.sides[1].allowed) == (16, False, True)
    assert unit.read(1, 0x2000, 3) == [0, 1, 0]
    assert unit.write(6, 0x2120, [2]) is None
    assert board.sides[1].held
    assert unit.read(3, 0x1000, 4) == [0x322E, 0x362E, 0x3100, 0]


@pytest.mark.parametrize("current", [5, 33])
def test_a_station_refuses_a_current_out_of_its_range(units, current):
    assert units[20].write(6, 0x2002, [current]) is ExcCodes.ILLEGAL_VALUE


def test_errors_of_a_station_are_bits(board, units):
    board.sides[0].stuck, board.sides[0].supplied, board.sides[1].car_fault = True, False, True
    assert units[20].read(3, 0x2010, 2) == [3, 0]
    assert units[20].read(3, 0x2110, 2) == [0, 1]


def test_a_slave_server_shows_ids(board, units):
    board.advance(7200)
    unit, meters = units[247], board.meters
    assert number(unit, TOTAL * 2) == round(meters["main"].imported)
    assert number(unit, FIRST_DEVICE * 2) == round(meters["main"].imported)
    assert number(unit, (FIRST_DEVICE + 1) * 2) == number(unit, FIRST_CIRCUIT * 2) == round(meters["heating"].imported)
    assert unit.read(3, 30_001 * 2, 2) is ExcCodes.ILLEGAL_ADDRESS


def test_an_output_without_rhythm_does_not_blink(units):
    assert units[31].write(16, 0x0310, [1, 1]) is None
    assert units[31].write(5, 0x0301, [1]) is ExcCodes.DEVICE_FAILURE
    assert units[31].write(16, 0x0311, [2]) is ExcCodes.ILLEGAL_VALUE


def test_what_is_not_there_is_refused(units):
    unit = units[1]
    assert unit.read(4, 0x1000, 2) is ExcCodes.ILLEGAL_FUNCTION
    assert unit.read(3, 0x2000, 2) is ExcCodes.ILLEGAL_ADDRESS
    assert unit.read(3, 0x1200, 126) is ExcCodes.ILLEGAL_VALUE
    assert unit.read(3, 0x1000, 0) is ExcCodes.ILLEGAL_VALUE
    assert unit.write(6, 0x1000, [1]) is ExcCodes.ILLEGAL_ADDRESS
    assert unit.write(6, 0x1200, []) is ExcCodes.ILLEGAL_VALUE
    # Between two that are known.
    assert unit.read(3, 0x1201, 3) == [10, 0, 0]
    unit.lacking.add((3, 0x1201))
    assert unit.read(3, 0x1201, 3) is ExcCodes.ILLEGAL_ADDRESS


def test_a_value_may_be_forced(units):
    units[1].forced["voltage_l1"] = 99.0
    assert number(units[1], 0x1000) == 99_000


@pytest.mark.parametrize(
    ("row", "value", "words"),
    [
        (Row("x", 3, 0, "int16", scale=0.01), -1.0, [0xFF9C]),
        (Row("x", 3, 0, "uint16"), -1.0, [0]),
        (Row("x", 3, 0, "uint32", 2, low_word_first=True), 65_538, [2, 1]),
        (Row("x", 3, 0, "uint64", 4), 2**40, [0, 256, 0, 0]),
        (Row("x", 3, 0, "float32", 2), 1.5, [0x3FC0, 0]),
        (Row("x", 3, 0, "float64", 4), 1.5, [0x3FF8, 0, 0, 0]),
        (Row("x", 3, 0, "string", 2), "Abcdef", [0x4162, 0x6364]),
        (Row("x", 3, 0, choices={4: "on"}), "on", [4]),
        (Row("x", 1, 0), 7, [1]),
    ],
)
def test_values_are_words(row, value, words):
    assert row.encode(value) == words


def test_half_a_value_is_not_written():
    taken: list[Value] = []
    row = Row("x", 3, 10, "uint32", 2, written_by=frozenset((6, 16)))
    unit = RegisterUnit([row], lambda _: 0, writings={"x": taken.append})
    assert unit.write(16, 10, [1]) is ExcCodes.ILLEGAL_VALUE
    assert unit.write(16, 11, [1]) is ExcCodes.ILLEGAL_ADDRESS
    assert unit.write(16, 10, [1, 2]) is None
    assert taken == [65_538]


@pytest.mark.parametrize("path", sorted(PROFILES.glob("*.yaml")), ids=lambda path: path.stem)
def test_fictitious_profiles_say_that_they_are(path):
    text = path.read_text(encoding="utf-8")
    assert f"\nid: {path.stem}\n" in text
    assert path.stem.startswith("fictitious_")
    assert '\nsource: "Fictitious: ' in text
    assert load_profile(path.stem).rows


# Memory


def test_a_board_survives_json(board):
    board.advance(4000)
    board.circuits["hot_water"].breaker.trip(TripCause.OVERLOAD)
    board.outputs[1].normally_closed = True
    board.inputs[3] = True
    kept = json.loads(json.dumps(board.snapshot()))
    again = Board(board.now)
    again.restore(kept)
    assert again.snapshot() == board.snapshot()
    assert again.circuits["hot_water"].breaker == board.circuits["hot_water"].breaker
    assert type(again.circuits["hot_water"].breaker.state) is BreakerState
    assert again.meters["main"].imported == board.meters["main"].imported > 0


def test_a_board_that_was_lived_in_adds_up():
    board = Board.lived_in(NOON)
    parts = (meter.imported + meter.exported for key, meter in board.meters.items() if key != "main")
    assert board.meters["main"].imported == sum(parts)
    assert board.meters["charging"].exported == sum(side.energy for side in board.sides)

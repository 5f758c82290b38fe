"""The gateway over real sockets: whether it is there, what is behind it, and what a device makes of its map."""

import asyncio
import json
import socket
from dataclasses import asdict, replace

import pytest
from modbus_connection import ModbusTcpParams

from custom_components.energy_suite.gateways.base import CannotConnect, DeviceGone, Found, Progress
from custom_components.energy_suite.gateways.connections import RtuOverTcp
from custom_components.energy_suite.gateways.legrand.catalogue import CATALOGUE
from custom_components.energy_suite.gateways.legrand.devices import ModbusGateway as GatewayDevice
from custom_components.energy_suite.gateways.legrand.devices import PresentDevice, answers
from custom_components.energy_suite.gateways.legrand.equipment import Equipment, FeedDirection
from custom_components.energy_suite.gateways.legrand.gateway import LegrandGateway
from custom_components.energy_suite.gateways.legrand.generic import GENERIC
from custom_components.energy_suite.gateways.legrand.pulses import PulseMeter
from custom_components.energy_suite.gateways.profiles.library import Library
from custom_components.energy_suite.gateways.profiles.missing import DeviceWithoutMap
from custom_components.energy_suite.gateways.profiles.registers import ProfileRegisters
from custom_components.energy_suite.gateways.profiles.schema import parse
from custom_components.energy_suite.gateways.profiles.trial import Verdict
from demo import board_units, faults
from demo.board import TripCause
from demo.legrand import ModbusGateway
from demo.modbus import HOST

BRIEF = 0.1
"""s that an answer may take where none comes."""

pytestmark = pytest.mark.usefixtures("complaints")
both_framings = pytest.mark.parametrize("framing", ["tcp", "rtu_over_tcp"])

MAIN = Equipment(name="Main", reference="4 120 45", address=1, map="emdx3_multifunction")
SOCKETS = Equipment(name="Sockets", reference="0 146 69", address=4, map="emdx3_diris")
BREAKER = Equipment(name="Charging", reference="4 106 57", address=10, map="fictitious_breaker", confirmed=True)
LEFT = Equipment(name="Left", reference="0 590 57", address=20, side=1, phase=1, map="fictitious_greenup")
RIGHT = replace(LEFT, name="Right", side=2, phase=2)
WATER = Equipment(
    name="Water",
    reference="water meter, pulse output",
    address=30,
    position=1,
    concentrator="0 046 87",
    weight=10.0,
    map="emdx3_pulse_concentrator",
)
TECHNICAL = Equipment(
    name="Technical",
    reference="generic Modbus meter",
    address=40,
    map=GENERIC,
    meter={"function": 3, "register": "0x200A", "words": 2, "multiplier": "10"},
)
TOTAL = Equipment(
    name="Total", reference="WSMEASURE device", address=247, remote_id=29_999, map="fictitious_virtual_meter"
)
NOTHING_KNOWN = Equipment(name="State", reference="4 149 29", address=6)
ABSENT = 99


async def read(device):
    """The device, with every part read."""
    for part in device.parts.values():
        await part.async_read(1.0)
    return device


async def made(gateway, equipment):
    """The device as it is after a restart, read."""
    stored = json.loads(json.dumps(asdict(equipment.found("key"))))
    return await read(gateway.device(Found(**stored)))


def asked(bus, unit):
    return [request for request in bus.requests if request.unit == unit]


def changed(library, name, *changes):
    """The library, in which one profile's text was changed."""
    text = (board_units.PROFILES / f"{name}.yaml").read_text(encoding="utf-8")
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    return Library({**library.profiles, name: parse(text, f"{name}.yaml")})


# --- the gateway itself --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("framing", "model"), [("tcp", "Modbus TCP"), ("rtu_over_tcp", "Modbus RTU over TCP")])
async def test_a_gateway_that_takes_a_connection_is_there(gateway_of, bus, model):
    gateway = gateway_of(bus)
    identity = await gateway.probe()
    assert (identity.manufacturer, identity.model, identity.serial) == ("", model, None)
    # Nothing on its line need answer.
    assert not bus.requests
    assert not gateway.rejected
    await gateway.close()


@both_framings
async def test_a_gateway_whose_server_is_off_refuses(gateway_of, bus):
    bus.stop()
    with pytest.raises(CannotConnect, match="refused"):
        await gateway_of(bus).probe()


@both_framings
async def test_a_gateway_that_has_another_client_drops_the_connection(gateway_of, bus):
    bus.most = 1
    _, other = await asyncio.open_connection(bus.host, bus.port)
    with pytest.raises(CannotConnect, match="dropped"):
        await gateway_of(bus).probe()
    other.close()
    await other.wait_closed()


async def test_a_gateway_that_says_nothing_is_silent(gateway_of, bus, monkeypatch):
    monkeypatch.setattr("custom_components.energy_suite.gateways.legrand.gateway.LISTEN", BRIEF)
    with socket.socket() as busy, socket.socket() as first:
        busy.bind((HOST, 0))
        busy.listen(0)
        # Whoever comes after one who is not even let in has no answer.
        first.connect(busy.getsockname())
        with pytest.raises(CannotConnect, match="silent"):
            await gateway_of(bus, timeout=BRIEF, port=busy.getsockname()[1]).probe()


def test_where_it_is_read_follows_from_the_framing():
    settings = {"host": "board.local", "port": 502.0}
    assert LegrandGateway.endpoint(settings) == ModbusTcpParams(host="board.local", port=502)
    assert LegrandGateway.endpoint({**settings, "framing": "tcp"}) == LegrandGateway.endpoint(settings)
    assert LegrandGateway.endpoint({**settings, "framing": "rtu_over_tcp"}) == RtuOverTcp("board.local", 502)


@both_framings
async def test_only_the_gateway_is_found_and_it_is_a_device(gateway_of, lease_of, bus):
    gateway, lease = gateway_of(bus), lease_of(bus)
    steps = [step async for step in gateway.discover(full=True)]
    assert steps == [Found(key="gateway", kind="modbus_gateway", unit_id=0), Progress(1, 1)]
    device = gateway.device(steps[0])
    assert isinstance(device, GatewayDevice)
    await read(device)
    assert device.parts["live"].present is True
    assert device.parts["live"].read_at == 1.0
    assert not bus.requests
    bus.stop()
    with pytest.raises(CannotConnect):
        await answers(lease.unit(1))
    with pytest.raises(CannotConnect, match="lost"):
        await read(device)


# --- devices -------------------------------------------------------------------------------------------------------


@both_framings
async def test_a_meter_shows_what_it_measures(gateway_of, bus, board):
    main = await made(gateway_of(bus), MAIN)
    meter = board.meters["main"]
    assert (main.kind, main.unit_id, main.identity.name) == ("electricity_meter", 1, "Main")
    assert main.power == pytest.approx(meter.power, abs=0.01)
    assert main.voltage_l2 == pytest.approx(meter.now["voltage_l2"], abs=0.001)
    assert main.energy_imported == pytest.approx(meter.imported / 1000, abs=0.01)
    assert (main.confirmed, main.advice) == (True, ())


async def test_a_map_is_known_to_be_right_for_one_reference_alone(gateway_of, bus):
    gateway = gateway_of(bus)
    tried = await made(gateway, replace(MAIN, reference="4 120 51"))
    assert (tried.confirmed, tried.advice) == (False, ("map_not_confirmed",))
    assert tried.identity.model == "4 120 51 (emdx3_multifunction?)"
    sure = await made(gateway, replace(MAIN, reference="4 120 51", confirmed=True))
    assert (sure.confirmed, sure.identity.model) == (True, "4 120 51")


@both_framings
async def test_meters_do_not_show_the_values_of_others(gateway_of, board, framing, socket_enabled):
    async with ModbusGateway(board_units.still_units(range(1, 9)), framing=framing, timing=False) as bus:
        gateway = gateway_of(bus)
        meters = [await made(gateway, replace(MAIN, address=address)) for address in range(1, 9)]
    assert [meter.power for meter in meters] == pytest.approx([100.0 * address for address in range(1, 9)], abs=0.02)
    assert [meter.energy_imported for meter in meters] == pytest.approx([1.0 * address for address in range(1, 9)])


@pytest.mark.parametrize("direction", FeedDirection)
async def test_what_is_fed_downstream_counts_the_other_way_round(gateway_of, bus, board, direction):
    breaker = await made(gateway_of(bus), replace(BREAKER, feed_direction=direction))
    meter = board.meters["charging"]
    told = (breaker.power, breaker.energy_imported, breaker.energy_exported)
    seen = (meter.power, meter.imported / 1000, meter.exported / 1000)
    assert meter.power < -1000
    if direction is FeedDirection.DOWNSTREAM:
        seen = (-seen[0], seen[2], seen[1])
    assert told == pytest.approx(seen, abs=1)
    assert told[1] != pytest.approx(told[2], abs=1)


async def test_the_sides_of_a_station_are_two_devices(gateway_of, bus, board):
    for side, limit in zip(board.sides, (8.0, 20.0), strict=True):
        side.limit = limit
    gateway = gateway_of(bus)
    left, right = await made(gateway, LEFT), await made(gateway, RIGHT)
    assert (left.charging_current, right.charging_current) == (8.0, 20.0)
    assert (left.vehicle_connected, right.vehicle_connected) == (False, True)
    assert left.kind == right.kind == "charger"


async def test_a_single_phase_module_has_one_phase(gateway_of, bus, board):
    gateway = gateway_of(bus)
    module = Equipment(name="Lighting", reference="4 149 23", address=5, map="ems_cx3")
    three, one = await made(gateway, module), await made(gateway, replace(module, single_phase=True))
    always = await made(gateway, replace(module, reference="4 149 18"))
    assert three.profile.keys.keys() - one.profile.keys.keys() == {
        *("voltage_l2", "voltage_l3", "current_l2", "current_l3")
    }
    assert one.profile.keys.keys() == always.profile.keys.keys() == {"voltage_l1", "current_l1"}
    assert one.voltage_l1 == pytest.approx(board.meters["lighting"].now["voltage_l1"], abs=0.001)


async def test_one_phase_has_no_voltage_to_another_one(gateway_of, bus):
    meter = await made(gateway_of(bus), replace(MAIN, single_phase=True))
    assert [key for key in meter.profile.keys if key.startswith(("voltage_l", "current_"))] == [
        "voltage_l1",
        "current_l1",
    ]


@pytest.mark.parametrize("remote_id", [29_999, 10_002, 20_003])
async def test_a_virtual_device_is_told_by_its_remote_id(gateway_of, bus, board, remote_id):
    virtual = await made(gateway_of(bus), replace(TOTAL, remote_id=remote_id))
    assert virtual.energy_imported == pytest.approx(board_units.remote_ids(board)[remote_id].imported / 1000, abs=0.001)
    assert virtual.unit_id == 247


async def test_a_generic_meter_shows_its_energy(gateway_of, bus, board):
    meter = await made(gateway_of(bus), TECHNICAL)
    assert (meter.kind, meter.confirmed) == ("generic_meter", True)
    row = next(row for row in board_units.map_rows(board_units.CONTO) if row.address == 0x200A)
    assert meter.energy_imported == pytest.approx(board.meters["technical"].imported / 1000, abs=row.scale / 1000)


async def test_a_breaker_may_be_read_as_a_generic_meter(gateway_of, bus, board):
    place = {"function": 3, "register": "7012", "words": 2, "multiplier": "10"}
    breaker = await made(gateway_of(bus), replace(BREAKER, map=GENERIC, meter=place))
    assert breaker.kind == "breaker_meter"
    assert breaker.energy_imported == pytest.approx(board.meters["charging"].exported / 1000, abs=0.01)


async def test_a_pulse_meter_counts(gateway_of, bus, board):
    water = await made(gateway_of(bus), WATER)
    assert isinstance(water, PulseMeter)
    # The first count is believed once it was confirmed.
    for _ in range(2):
        assert water.volume is None
        await water.parts["live"].async_read(1.0)
    assert water.volume == pytest.approx(board.pulses["water"].amount / 1000, abs=0.01)


async def test_alarms_are_raised_unless_the_device_is_excluded(gateway_of, bus, board):
    board.circuits["charging"].breaker.trip(TripCause.OVERLOAD)
    gateway = gateway_of(bus)
    assert [alarm.key for alarm in (await made(gateway, BREAKER)).alarms] != []
    assert (await made(gateway, replace(BREAKER, exclude_from_alarms=True))).alarms == ()


async def test_labels_are_what_inputs_are_called(gateway_of, bus):
    module = Equipment(
        name="Inputs", reference="0 261 36", address=31, map="fictitious_io_module", labels={"input_1": "Door"}
    )
    device = await made(gateway_of(bus), module)
    assert device.profile.keys["input_1"].names == {"en": "Door"}
    assert device.profile.keys["input_2"].names == {}


# Of which only the presence is known


@both_framings
async def test_of_a_device_without_a_map_the_presence_is_known(gateway_of, bus):
    gateway = gateway_of(bus)
    device = await made(gateway, NOTHING_KNOWN)
    assert isinstance(device, PresentDevice)
    assert (device.kind, device.unit_id, device.identity.model) == ("state_module", 6, "4 149 29")
    assert device.parts["live"].present is True
    assert [(request.function, request.address, request.count) for request in asked(bus, 6)] == [(3, 0, 1)]


@pytest.mark.parametrize("code", [1, 2, 3, 4, 5, 6])
async def test_a_refusal_of_its_own_is_an_answer(gateway_of, bus, code):
    bus.inject(faults.exception(code))
    assert (await made(gateway_of(bus), NOTHING_KNOWN)).parts["live"].present is True


@pytest.mark.parametrize("code", [10, 11])
async def test_a_refusal_of_the_gateway_is_none(gateway_of, bus, code):
    bus.inject(faults.exception(code))
    with pytest.raises(DeviceGone):
        await made(gateway_of(bus), NOTHING_KNOWN)


# Whose map does not fit any more


async def is_without_map(gateway, equipment):
    device = gateway.device(equipment.found("key"))
    assert isinstance(device, DeviceWithoutMap), equipment
    assert (device.key, device.kind) == ("key", CATALOGUE[equipment.reference].kind)
    assert (device.unit_id, device.found.name) == (equipment.address, equipment.name)
    with pytest.raises(DeviceGone):
        await read(device)


@pytest.mark.parametrize("equipment", [MAIN, SOCKETS, BREAKER, LEFT, WATER, TOTAL])
async def test_a_device_whose_map_is_missing_keeps_its_place(gateway_of, bus, equipment):
    await is_without_map(gateway_of(bus, profiles=Library({})), equipment)
    assert not bus.requests


async def test_a_station_whose_map_has_no_sides_any_more_shows_nothing(gateway_of, bus, library):
    without = changed(library, "fictitious_greenup", ("sides: {count: 2, stride: 0x100}\n", ""))
    gateway = gateway_of(bus, profiles=without)
    await is_without_map(gateway, LEFT)
    await is_without_map(gateway, RIGHT)


async def test_a_virtual_device_whose_map_does_not_ask_for_its_id_any_more_shows_nothing(gateway_of, bus, library):
    fixed = changed(library, "fictitious_virtual_meter", ('"{remote_id} * 2"', "100"))
    await is_without_map(gateway_of(bus, profiles=fixed), TOTAL)


async def test_a_device_whose_map_asks_for_a_remote_id_now_shows_nothing(gateway_of, bus, library):
    asking = changed(library, "fictitious_breaker", ("address: 0x7000", 'address: "{remote_id}"'))
    await is_without_map(gateway_of(bus, profiles=asking), BREAKER)


async def test_a_virtual_device_whose_registers_would_end_beyond_shows_nothing(gateway_of, bus, library):
    beyond = changed(library, "fictitious_virtual_meter", ("{remote_id} * 2", "{remote_id} * 3"))
    await is_without_map(gateway_of(bus, profiles=beyond), TOTAL)


async def test_a_pulse_meter_whose_map_counts_no_pulses_any_more_shows_nothing(gateway_of, bus):
    await is_without_map(gateway_of(bus), replace(WATER, map="fictitious_io_module"))


@pytest.mark.parametrize(
    "meter",
    [{"function": 3, "register": "G1"}, {"function": 5, "register": "1"}, {"function": 3, "register": "1", "words": 3}],
)
async def test_a_generic_meter_that_makes_no_sense_any_more_shows_nothing(gateway_of, bus, meter):
    await is_without_map(gateway_of(bus), replace(TECHNICAL, meter=meter))


async def test_a_station_whose_map_tells_of_another_place_now_is_read_there(gateway_of, bus, board, library):
    board.sides[0].limit, board.sides[1].limit = 8.0, 20.0
    moved = changed(library, "fictitious_greenup", ("stride: 0x100", "stride: 0x200"))
    right = gateway_of(bus, profiles=moved).device(RIGHT.found("key"))
    part = right.parts["live"]
    assert isinstance(part, ProfileRegisters)
    assert part.fields["charging_current"].address == 0x2202


# --- trying a device -----------------------------------------------------------------------------------------------


@both_framings
async def test_a_meter_is_tried_with_its_map(gateway_of, bus, board):
    trial = await gateway_of(bus).test(MAIN)
    assert trial.verdict is Verdict.FITS
    assert trial.values["power"].value == pytest.approx(board.meters["main"].power, abs=0.01)
    assert trial.values["voltage_l1"].value == pytest.approx(board.meters["main"].now["voltage_l1"], abs=0.001)


async def test_what_is_tried_is_the_device_as_it_was_described(gateway_of, bus, board):
    gateway = gateway_of(bus)
    assert (await gateway.test(LEFT)).values["power"].value == board.sides[0].power == 0
    assert (await gateway.test(RIGHT)).values["power"].value == board.sides[1].power > 0
    breaker = await gateway.test(replace(BREAKER, feed_direction=FeedDirection.DOWNSTREAM))
    assert breaker.values["power"].value == pytest.approx(-board.meters["charging"].power, abs=1)
    gas = await gateway.test(replace(WATER, position=2))
    assert gas.values["pulse_total"].value == board.pulses["gas"].count
    energy = (await gateway.test(TOTAL)).values["energy_imported"]
    assert (energy.value, energy.unit) == (pytest.approx(board.meters["main"].imported / 1000, abs=0.001), "kWh")
    assert (await gateway.test(TECHNICAL)).values["energy_imported"].value > 0


@both_framings
async def test_of_a_device_without_a_map_only_the_presence_is_tried(gateway_of, bus):
    assert await gateway_of(bus).test(NOTHING_KNOWN) is None
    assert len(bus.requests) == 1


@both_framings
@pytest.mark.parametrize("equipment", [MAIN, NOTHING_KNOWN, TECHNICAL, WATER])
@pytest.mark.parametrize(("absent", "error"), [("exception", DeviceGone), ("silence", CannotConnect)])
async def test_a_device_that_does_not_answer_is_said_to(gateway_of, bus, equipment, absent, error):
    bus.absent = absent
    with pytest.raises(error):
        await gateway_of(bus, timeout=BRIEF).test(replace(equipment, address=ABSENT))


@both_framings
async def test_another_model_is_there_and_its_registers_are_not(gateway_of, bus):
    trial = await gateway_of(bus).test(replace(MAIN, address=4))
    assert (trial.verdict, trial.values) == (Verdict.NO_ANSWER, {})


async def test_a_gateway_that_answers_for_what_is_not_there_is_contradicted(gateway_of, bus):
    bus.absent = "zeros"
    trial = await gateway_of(bus).test(replace(MAIN, address=ABSENT))
    assert trial.verdict is Verdict.CONTRADICTED


async def test_trying_writes_nothing(gateway_of, bus):
    gateway = gateway_of(bus)
    for equipment in (MAIN, SOCKETS, BREAKER, LEFT, WATER, TECHNICAL, TOTAL, NOTHING_KNOWN):
        await gateway.test(equipment)
    assert {request.function for request in bus.requests} <= {1, 2, 3, 4}


# --- looking along the line ----------------------------------------------------------------------------------------

LINE = range(1, 13)
THERE = {1: "4 120 45", 2: "4 120 45", 3: "4 120 45", 4: "0 146 69", 5: None, 6: None, 10: None, 11: None}


async def scanned(gateway, addresses=LINE, **about):
    """What answered, and the steps in between."""
    found, steps = {}, []
    async for step in gateway.scan(addresses, **about):
        if isinstance(step, Progress):
            steps.append(step)
        else:
            found[step[0]] = step[1]
    return found, steps


@both_framings
async def test_what_answers_is_found_and_guessed_where_its_map_tells(gateway_of, bus):
    found, steps = await scanned(gateway_of(bus))
    assert found == THERE
    assert steps == [Progress(done, 12) for done in range(13)]


@both_framings
async def test_what_is_silent_is_passed_over(gateway_of, bus):
    bus.absent = "silence"
    found, steps = await scanned(gateway_of(bus, timeout=BRIEF))
    assert found == THERE
    assert steps[-1] == Progress(12, 12)


@both_framings
async def test_a_gateway_that_answers_for_all_makes_nobody_guess(gateway_of, bus):
    bus.absent = "zeros"
    found, _ = await scanned(gateway_of(bus))
    assert found == {address: THERE.get(address) for address in LINE}


async def test_without_guessing_each_address_is_asked_once(gateway_of, bus):
    found, _ = await scanned(gateway_of(bus), guess=False)
    assert found == dict.fromkeys(THERE)
    assert [request.unit for request in bus.requests] == list(LINE)
    assert {(request.function, request.address, request.count) for request in bus.requests} == {(3, 0, 1)}


async def test_a_map_that_is_missing_guesses_nothing(gateway_of, bus):
    found, _ = await scanned(gateway_of(bus, profiles=Library({})))
    assert found == dict.fromkeys(THERE)


async def test_a_connection_that_is_lost_ends_the_scan(gateway_of, bus):
    bus.absent = "exception"
    scan = gateway_of(bus).scan(LINE)
    assert await anext(scan) == Progress(0, 12)
    assert await anext(scan) == (1, "4 120 45")
    bus.stop()
    with pytest.raises(CannotConnect, match="lost"):
        [step async for step in scan]


async def test_one_answer_that_does_not_come_hides_one_device_alone(gateway_of, bus):
    bus.inject(faults.disconnect(), only=lambda request: request.unit == 2)
    found, _ = await scanned(gateway_of(bus))
    assert found == {address: guess for address, guess in THERE.items() if address != 2}


async def test_no_addresses_are_no_scan(gateway_of, bus):
    assert await scanned(gateway_of(bus), []) == ({}, [Progress(0, 0)])
    assert not bus.requests

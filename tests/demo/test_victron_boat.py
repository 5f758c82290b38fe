"""The boat as a Cerbo GX shows it, and what its controls do."""

import pytest

from demo.boat import ROUTE, Feed
from demo.registers import load_registers
from demo.site import GeneratorState, Mode
from demo.victron_boat import VictronBoat

# On the bus of the GX and not in the register list.
NOT_ON_MODBUS = {"/Settings/Relay/Function", "/Settings/Relay/1/Function"}

# Unit, first address and count of every block of every service.
BLOCKS = {
    "system": (100, 800, 120),
    "settings": (100, 2710, 3),
    "platform": (100, 5800, 10),
    "vebus": (227, 3, 125),
    "battery": (225, 256, 76),
    "battery's cells": (225, 1282, 62),
    "solarcharger": (226, 771, 23),
    "dcdc": (224, 4800, 28),
    "navigation": (223, 4300, 28),
    "fridge_load": (239, 4300, 28),
    "alternator": (1, 4100, 38),
    "genset": (100, 3200, 58),
    "generator": (1, 3500, 13),
    "gps": (100, 2800, 10),
    "fresh_water": (20, 3000, 18),
    "fuel": (21, 3000, 18),
    "waste_water": (22, 3000, 18),
    "fridge": (24, 3300, 28),
    "engine_room": (25, 3300, 28),
    "outside": (26, 3300, 28),
    "bilge_pump": (1, 3420, 18),
    "bilge_alarm": (2, 3420, 18),
    "water_meter": (3, 3400, 18),
}


def signed(words):
    return int.from_bytes(b"".join(word.to_bytes(2) for word in words), signed=True)


async def test_every_path_of_the_boat_is_in_the_register_list(boat):
    known = {(register.service, register.path) for register in load_registers().values()}
    known |= {(register.service, register.path) for register in load_registers("v1.0.60").values()}
    shown = {(it.type, path) for it in boat.gx.services for path in it.values if path not in NOT_ON_MODBUS}
    assert shown - known == set()


def test_every_service_has_its_block():
    assert {name.partition("'")[0] for name in BLOCKS} == VictronBoat.SERVICES.keys()


@pytest.mark.parametrize(("unit", "address", "count"), BLOCKS.values(), ids=BLOCKS)
async def test_every_service_answers_at_its_unit(boat, read, unit, address, count):
    assert len(await read(unit, address, count)) == count


async def test_registers_say_what_the_model_says(boat, read):
    boat.site.conditions.shore, boat.site.conditions.load = True, 700.0
    boat.site.conditions.engine = True
    boat.advance(600)
    model, flows = boat.site, boat.site.flows

    async def value(unit, address, count=1, *, scale=1.0):
        return signed([0, *await read(unit, address, count)]) / scale

    for unit, address, count, scale, expected, tolerance in (
        (227, 12, 1, 0.1, flows.input, 10),
        (227, 23, 1, 0.1, flows.load, 10),
        (227, 26, 1, 100, model.battery.voltage, 0.01),
        (227, 57, 1, 1, model.bms.charge_allowed, 0),
        (227, 58, 1, 1, model.bms.discharge_allowed, 0),
        (227, 59, 1, 1, 1, 0),
        (227, 60, 1, 1, 0, 0),
        (227, 94, 1, 1, model.bms.pre_alarm, 0),
        (227, 74, 2, 100, model.counters.shore_to_load, 0.01),
        (227, 76, 2, 100, model.counters.shore_to_charger, 0.01),
        (225, 256, 2, 1, flows.battery, 1),
        (225, 260, 1, 100, model.port_battery.voltage, 0.01),
        (225, 266, 1, 10, model.battery.soc, 0.1),
        (225, 1290, 1, 100, model.battery.lowest_cell, 0.01),
        (225, 1291, 1, 100, model.battery.highest_cell, 0.01),
        (226, 789, 1, 10, flows.solar, 0.1),
        (226, 776, 1, 100, boat.get("solarcharger", "/Pv/V"), 0.01),
        (224, 4809, 1, 100, model.starboard_battery.voltage, 0.01),
        (224, 4810, 1, 1, model.converter_input, 1),
        (223, 4301, 1, 10, flows.navigation / model.battery.voltage, 0.1),
        (239, 4301, 1, 10, flows.fridge / model.battery.voltage, 0.1),
        (1, 4101, 1, 10, flows.alternator / model.battery.voltage, 0.1),
        (1, 4114, 1, 1, 1750, 0),
        (100, 826, 1, 1, 3, 0),
        (100, 860, 1, 1, flows.dc_load, 1),
        (100, 820, 1, 1, flows.shore, 1),
        (20, 3003, 1, 1, 1, 0),
        (20, 3004, 1, 10, 100 * model.tanks.fresh_water / model.config.fresh_water, 0.1),
        (21, 3005, 2, 10_000, model.tanks.fuel, 0.0001),
        (22, 3001, 2, 10_000, model.config.waste_water, 0.0001),
        (24, 3304, 1, 100, model.climate.fridge, 0.01),
        (25, 3304, 1, 100, model.climate.engine_room, 0.01),
        (26, 3304, 1, 100, model.climate.outside, 0.01),
        (3, 3402, 2, 1, int(model.counters.water * 1000), 0),
    ):
        assert await value(unit, address, count, scale=scale) == pytest.approx(float(expected), abs=tolerance + 1e-6), (
            address
        )


async def test_the_gps_is_where_the_boat_is(boat, read):
    latitude, longitude = boat.site.position
    assert signed(await read(100, 2800, 2)) == pytest.approx(latitude * 1e7, abs=1)
    assert signed(await read(100, 2802, 2)) == pytest.approx(longitude * 1e7, abs=1)
    assert signed(await read(100, 2802, 2)) < 0 < ROUTE[0][0]
    assert await read(100, 2806, 2) == [1, 11]


async def test_a_boat_is_no_ess(boat, read):
    assert await read(100, 2709) == 10
    assert "/Settings/CGwacs/Hub4Mode" not in boat.gx.service("settings").values


async def test_shore_comes_and_goes(boat, read):
    for shore, source, active, state in ((True, 3, 0, 3), (False, 240, 240, 9)):
        boat.site.conditions.shore = shore
        boat.advance(5)
        assert [(await read(*it))[0] for it in ((100, 826), (227, 29), (227, 31))] == [source, active, state]


async def test_the_genset_runs_by_its_own_start_stop_logic(boat, read, write):
    boat.site.conditions.shore = False
    assert await read(100, 3213) == [0]
    await write(1, 3500, 1)
    boat.advance(60)
    assert boat.site.flows.feed is Feed.GENERATOR
    assert [(await read(*it))[0] for it in ((100, 3213), (1, 3506), (227, 29), (100, 826))] == [8, 1, 1, 2]
    assert (await read(100, 3206))[0] == pytest.approx(boat.site.flows.generator, abs=1)
    await write(1, 3500, 0)
    boat.advance(60)
    assert await read(100, 3213) == [0]
    await write(1, 3512, 1)
    boat.advance(1)
    assert await read(1, 3512) == [0]


CONTROLS = [
    (227, 33, 1, lambda boat: boat.controls.mode is Mode.CHARGER_ONLY),
    (227, 22, 100, lambda boat: boat.controls.input_current_limit == 10.0),
    (100, 2705, 25, lambda boat: boat.controls.max_charge_current == 25.0),
    (1, 4119, 4, lambda boat: not boat.controls.alternator),
    (224, 4807, 4, lambda boat: not boat.controls.converter),
    (1, 3500, 1, lambda boat: boat.generator.state is GeneratorState.WARM_UP),
    (1, 3509, 0, lambda boat: not boat.controls.generator_auto),
]


@pytest.mark.parametrize(("unit", "address", "word", "done"), CONTROLS)
async def test_a_control_reaches_the_boat(boat, write, unit, address, word, done):
    assert not done(boat.site)
    assert await write(unit, address, word) is None
    boat.advance(1)
    assert done(boat.site)


@pytest.mark.parametrize(("unit", "address", "word"), [(227, 33, 7), (1, 4119, 2), (224, 4807, 0), (1, 3500, 2)])
async def test_a_value_that_a_device_does_not_know_changes_nothing(boat, read, write, unit, address, word):
    before = await read(unit, address)
    assert await write(unit, address, word) is None
    boat.advance(1)
    assert await read(unit, address) == before


async def test_both_relays_are_switched_by_hand(boat, read, write):
    await write(100, 806, 1, 1)
    boat.advance(1)
    assert await read(100, 806, 2) == [1, 1]


async def test_a_flooded_bilge_is_pumped_and_raises_the_alarm(boat, read):
    # Running or stopped; the alarm off.
    assert [await read(1, 3422), await read(2, 3422, 2)] == [[11], [8, 0]]
    boat.site.conditions.flooding = True
    boat.advance(120)
    assert [await read(1, 3422), await read(2, 3422, 2)] == [[10], [9, 2]]
    assert await read(2, 3420, 2) == [0, 1]


async def test_the_bms_speaks_through_the_inverter_charger_and_the_battery(boat, read):
    boat.site.conditions.shore, boat.site.conditions.engine = False, False
    boat.site.conditions.clouds = 1.0
    places = ((227, 94), (227, 58), (227, 31), (225, 326), (225, 1298))

    async def said():
        return [(await read(*place))[0] for place in places]

    boat.site.conditions.cell = 3.10
    boat.advance(1)
    assert await said() == [1, 1, 9, 1, 1]
    boat.site.conditions.cell = 2.75
    boat.advance(29)
    assert await said() == [1, 1, 9, 1, 1]
    boat.advance(2)
    assert await said() == [1, 0, 0, 2, 0]
    boat.site.conditions.cell = 3.30
    boat.advance(2)
    assert await said() == [0, 1, 9, 0, 1]


async def test_numbers_of_all_devices_agree(boat):
    boat.site.conditions.engine = True
    boat.advance(300)
    flows = boat.site.flows
    came = boat.get("system", "/Dc/Pv/Power") + flows.alternator + flows.converter
    went = boat.get("system", "/Dc/System/Power") - boat.get("system", "/Dc/Vebus/Power")
    assert came - went == pytest.approx(boat.get("battery", "/Dc/0/Power"))
    assert boat.get("battery", "/Dc/0/Voltage") * boat.get("battery", "/Dc/0/Current") == pytest.approx(flows.battery)

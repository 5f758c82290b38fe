"""The house as a Cerbo GX shows it, and what its controls do."""

import asyncio

import pytest

from demo.gx import GxSimulator
from demo.registers import load_registers
from demo.site import CarStatus, ChargingMode, Ess, GeneratorState, Mode, Site, SiteConfig, Source
from demo.victron_house import INSTANCES, VictronHouse
from demo.victron_site import SERIAL

# On the bus of the GX and not in the register list.
NOT_ON_MODBUS = {"/Settings/Relay/Function", "/Settings/Relay/1/Function"}


async def test_every_path_of_the_house_is_in_the_register_list(house):
    known = {(register.service, register.path) for register in load_registers().values()}
    known |= {(register.service, register.path) for register in load_registers("v1.0.60").values()}
    shown = {(it.type, path) for it in house.gx.services for path in it.values if path not in NOT_ON_MODBUS}
    assert shown - known == set()


async def test_every_register_of_the_house_can_be_read_in_long_blocks(house, read):
    for unit, address, count in (
        (100, 800, 120),
        (100, 2700, 25),
        (100, 2900, 4),
        (100, 3500, 13),
        (227, 3, 125),
        (225, 256, 76),
        (225, 1282, 62),
        (226, 771, 23),
        (226, 3700, 48),
        (30, 2600, 58),
        (20, 1026, 52),
        (40, 3800, 48),
    ):
        assert len(await read(unit, address, count)) == count


async def test_the_gx_says_who_it_is(house, read):
    words = await read(100, 800, 6)
    assert b"".join(word.to_bytes(2) for word in words).decode() == SERIAL
    assert await read(100, 834, 2) == [0x0375, 0]
    assert (await read(100, 5700, 8))[0] == 0x4D61


async def test_names_have_accents(house, read):
    words = await read(227, 140, 8)
    assert b"".join(word.to_bytes(2) for word in words).rstrip(b"\0").decode("latin-1") == "Onduleur étage"


async def test_a_charger_with_two_trackers_has_no_voltage_of_its_own(house, read):
    assert await read(226, 776) == [0]
    assert all(word > 10_000 for word in await read(226, 3700, 2))


async def test_the_numbers_of_all_devices_agree(house):
    house.advance(600)
    flows = house.site.flows
    assert house.get("system", "/Dc/Pv/Power") == house.get("solarcharger", "/Yield/Power") == flows.tracker_power
    assert house.get("system", "/Dc/Battery/Power") == house.get("battery", "/Dc/0/Power") == flows.battery
    assert house.get("system", "/Ac/Grid/L1/Power") == house.get("grid", "/Ac/L1/Power") == flows.grid[0]
    dc = house.get("system", "/Dc/Pv/Power") + house.get("system", "/Dc/Vebus/Power")
    assert dc == pytest.approx(house.get("battery", "/Dc/0/Power"))
    for service, prefix, names in (("grid", "/Ac/L1/", "Voltage Current Power"), ("vebus", "/Ac/Out/L1/", "V I P")):
        volts, amperes, watts = (house.get(service, prefix + name) for name in names.split())
        assert volts * amperes == pytest.approx(watts, abs=1)
    assert house.get("battery", "/Dc/0/Voltage") * house.get("battery", "/Dc/0/Current") == pytest.approx(flows.battery)


async def test_a_three_phase_house_has_three_phases_of_everything(gx, read):
    house = VictronHouse(gx, Site(SiteConfig(phases=3)))
    house.advance(60)
    assert await read(227, 28) == [3]
    shown = [house.get("system", f"/Ac/Grid/L{phase}/Power") for phase in (1, 2, 3)]
    assert shown == list(house.site.flows.grid)
    assert all(word > 2250 for word in await read(227, 15, 3))


async def test_a_single_phase_house_reads_0_on_the_others(house, read):
    assert (await read(227, 15, 3))[1:] == [0, 0]
    assert (await read(100, 902, 6))[2:] == [0, 0, 0, 0]


CONTROLS = [
    (227, 33, [1], lambda site: site.controls.mode is Mode.CHARGER_ONLY),
    (227, 22, [160], lambda site: site.controls.input_current_limit == 16.0),
    (227, 22, [10], lambda site: site.controls.input_current_limit == 4.5),
    (100, 2900, [9], lambda site: site.controls.ess is Ess.KEEP_CHARGED),
    (100, 2900, [1], lambda site: site.controls.ess is Ess.WITH_BATTERYLIFE),
    (100, 2902, [3], lambda site: site.controls.ess is Ess.EXTERNAL),
    (100, 2901, [350], lambda site: site.controls.minimum_soc == 35.0),
    (100, 2700, [0xFF38], lambda site: site.controls.grid_setpoint == -200.0),
    (100, 2716, [0, 1000], lambda site: site.controls.grid_setpoint == 1000.0),
    (100, 2705, [25], lambda site: site.controls.max_charge_current == 25.0),
    (100, 2720, [0, 1500], lambda site: site.controls.max_discharge_power == 1500.0),
    (100, 2722, [0, 0], lambda site: site.controls.max_feed_in == 0.0),
    (100, 2707, [0], lambda site: not site.controls.feed_in_dc),
    (100, 2708, [1], lambda site: not site.controls.feed_in_ac),
    (100, 3500, [1], lambda site: site.generator.state is GeneratorState.WARM_UP),
    (100, 3509, [0], lambda site: not site.controls.generator_auto),
    (40, 3815, [1], lambda site: site.controls.charging_mode is ChargingMode.AUTO),
    (40, 3825, [8], lambda site: site.controls.charging_current == 8.0),
    (40, 3826, [0], lambda site: not site.controls.charging),
    (40, 3814, [32], lambda site: site.station.max_current == 32.0),
]


@pytest.mark.parametrize(("unit", "address", "words", "done"), CONTROLS)
async def test_a_control_reaches_the_house(house, write, unit, address, words, done):
    assert not done(house.site)
    assert await write(unit, address, *words) is None
    house.advance(1)
    assert done(house.site)


@pytest.mark.parametrize(
    ("unit", "address", "word"),
    [(227, 33, 7), (227, 33, 0), (100, 2901, 1010), (100, 2902, 0), (100, 3500, 2), (40, 3815, 3), (40, 3825, 5)],
)
async def test_a_value_that_a_device_does_not_know_changes_nothing(house, read, write, unit, address, word):
    before = await read(unit, address)
    assert await write(unit, address, word) is None
    house.advance(1)
    assert await read(unit, address) == before


async def test_the_charging_current_is_set_in_manual_mode_alone(house, read, write):
    await write(40, 3815, 1)
    await write(40, 3825, 8)
    assert await read(40, 3825) == [10]


async def test_the_first_relay_runs_the_generator_and_the_second_is_manual(house, read, write):
    await write(100, 806, 1, 1)
    house.advance(1)
    assert await read(100, 806, 2) == [0, 1]
    await write(100, 3500, 1)
    house.advance(1)
    assert await read(100, 806) == [1]


@pytest.mark.parametrize(
    ("choice", "soc", "state"),
    [(1, 60, 2), (1, 88, 3), (1, 97, 4), (1, 15, 8), (1, 19, 5), (10, 60, 10), (10, 18, 11), (10, 10, 12), (9, 60, 9)],
)
async def test_the_state_of_batterylife_follows_the_battery(house, read, write, choice, soc, state):
    house.site.battery.soc = soc
    house.site.conditions.load = 500.0
    await write(100, 2900, choice)
    house.advance(1)
    assert await read(100, 2900) == [state]


async def test_the_service_counter_counts_down_and_is_reset(house, read, write):
    await write(100, 3500, 1)
    house.advance(3600)
    assert await read(100, 3510, 2) == [10, 64640 - 3600]
    await write(100, 3500, 0)
    await write(100, 3512, 1)
    house.advance(1)
    assert (await read(100, 3512), (await read(100, 3510, 2))[1]) == ([0], 64639)


async def test_in_a_power_cut_meter_and_station_lose_their_supply(house, read):
    house.site.conditions.grid_lost = True
    house.advance(10)
    assert [await read(30, 2600), await read(40, 3800)] == [10, 10]
    assert await read(227, 64) == [2]
    assert await read(227, 29) == [240]
    assert await read(227, 31) == [9]
    assert await read(100, 826) == [240]
    house.site.conditions.grid_lost = False
    house.advance(10)
    assert (await read(30, 2600)) != 10
    assert await read(227, 64) == [0]


async def test_the_generator_is_the_second_input(house, read, write):
    await write(100, 3500, 1)
    house.advance(60)
    assert house.site.flows.source is Source.GENERATOR
    assert await read(227, 29) == [1]
    assert await read(100, 826) == [2]
    assert (await read(100, 914, 2))[1] > 1000
    assert (await read(227, 78, 2)) != [0, 0] or (await read(227, 80, 2)) != [0, 0]


async def test_the_states_of_the_inverter_charger(house, read, write):
    for mode, ess, state in ((4, 1, 0), (2, 1, 9), (3, 3, 252), (3, 1, 3)):
        await write(227, 33, mode)
        await write(100, 2902, ess)
        house.advance(1)
        assert await read(227, 31) == [state]


async def test_a_low_battery_raises_its_alarms(house, read):
    house.site.conditions.grid_lost = True
    house.site.controls.generator_auto = False
    house.set("generator", "/AutoStartEnabled", 0)
    house.site.conditions.clouds = 1.0
    for soc, alarms in ((50, [0, 0, 0]), (6, [1, 1, 1]), (2, [2, 2, 2])):
        house.site.battery.soc = soc
        house.advance(1)
        assert [(await read(*it))[0] for it in ((225, 272), (225, 326), (227, 35))] == alarms


async def test_an_override_has_the_last_word(house, read):
    house.overrides["vebus", "/Alarms/HighTemperature"] = 2
    house.advance(1)
    assert await read(227, 34) == [2]


async def test_the_clock_of_the_gx_is_that_of_the_site(house, read):
    house.advance(90)
    words = await read(100, 830, 4)
    assert int.from_bytes(b"".join(word.to_bytes(2) for word in words)) == int(house.site.now.timestamp())


async def test_a_car_that_comes_home_is_seen(house, read):
    house.site.conditions.car_home = False
    house.advance(1)
    assert await read(40, 3824) == [CarStatus.DISCONNECTED]
    house.site.conditions.car_home = True
    house.advance(60)
    assert await read(40, 3824) == [CarStatus.CHARGING]
    assert await read(40, 3821) == [2300]


async def test_a_running_house_lives_faster_than_time_until_it_is_cancelled(house, published):
    before = house.site.now
    async with asyncio.TaskGroup() as group:
        task = group.create_task(house.run(600_000, period=0.001))
        await published.wait()
        task.cancel()
    assert (house.site.now - before).total_seconds() >= 600


async def test_a_house_goes_on_from_its_history(socket_enabled):
    async with GxSimulator() as gx:
        site = Site()
        site.advance(3600)
        house = VictronHouse(gx, site)
        assert house.get("grid", "/Ac/Energy/Forward") == site.counters.grid_import
        assert {it.type: it.instance for it in gx.services} == INSTANCES

"""Which table a card serves by Modbus, and what is behind it, over a real socket."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from pymodbus.constants import ExcCodes

from custom_components.energy_suite.gateways.base import CannotConnect, DeviceGone, NotThisDevice
from custom_components.energy_suite.gateways.netvision.modbus import ModbusChannel, UnknownProduct
from custom_components.energy_suite.gateways.netvision.quantities import Table
from demo import faults
from demo.modbus import PlainModbusServer
from demo.netvision import NetVisionCard
from demo.netvision_machines import MACHINES
from demo.ups import Unit, UpsConfig

GP2_CODE = 648


@pytest.fixture
def channel_of(gateway_of) -> Callable[..., ModbusChannel]:
    def channel_of(card: NetVisionCard, **settings: object) -> ModbusChannel:
        channel: ModbusChannel = gateway_of(card, "modbus", **settings).line.modbus
        return channel

    return channel_of


@pytest.fixture
def identify(make_card, channel_of):
    async def identify(machine, *, table=None, words=None, **options):
        card = await make_card(machine, **options)
        card.forced_words.update(words or {})
        return await channel_of(card, table=table).identify()

    return identify


# --- which table -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("zeros_elsewhere", [False, True])
@pytest.mark.parametrize(
    ("machine", "table", "model"),
    [
        ("netys", Table.JBUSP, "NETYS PR"),
        ("delphys", Table.JBUSP, "DELPHYS GP 2.0"),
        ("masterys", Table.VUMAP, "MASTERYS GP4"),
        ("modulys", Table.VUMAP, "MODULYS XM"),
        ("statys", Table.STS, "STATYS-100-3"),
    ],
)
async def test_the_table_is_found_by_reading(identify, machine, table, model, zeros_elsewhere):
    told = await identify(machine, zeros_elsewhere=zeros_elsewhere)
    assert (told.table, told.model, told.serial) == (table, model, MACHINES[machine].serial)


@pytest.mark.parametrize(("table", "serial"), [("vumap", "D160E00098"), ("jbusp", "D160E00098"), (None, "D160E00098")])
async def test_a_code_that_is_in_both_lists_means_the_vu_map_unless_the_user_says_otherwise(identify, table, serial):
    both = replace(MACHINES["delphys"], maps=("vumap", "jbusp"), code=GP2_CODE)
    told = await identify(both, table=table)
    assert told.table is (Table(table) if table else Table.VUMAP)
    assert told.serial == serial
    assert told.model == ("DELPHYS GP 2.0" if table == "jbusp" else "DELPHYS BC - GP 2.0")


@pytest.mark.parametrize("zeros_elsewhere", [False, True])
@pytest.mark.parametrize(("machine", "word"), [("netys", 0x1000), ("masterys", 0x000F)])
@pytest.mark.parametrize("code", [0, 0x7777, 0xFFFF])
async def test_a_code_that_nobody_has_listed_is_told_apart_from_none(identify, machine, word, code, zeros_elsewhere):
    with pytest.raises(UnknownProduct if code else NotThisDevice) as raised:
        await identify(machine, words={word: code}, zeros_elsewhere=zeros_elsewhere)
    assert type(raised.value) is (UnknownProduct if code else NotThisDevice)


async def test_a_machine_of_an_unknown_code_goes_by_its_reference_where_the_user_says_which_table(identify):
    told = await identify("masterys", table="vumap", words={0x000F: 0x7777})
    assert (told.table, told.model, told.serial) == (Table.VUMAP, "MAS4360", "V441B07315")
    told = await identify("netys", table="jbusp", words={0x1000: 0x7777})
    assert (told.table, told.model, told.serial) == (Table.JBUSP, None, "P235A01742")


@pytest.mark.parametrize("zeros_elsewhere", [False, True])
@pytest.mark.parametrize(("machine", "table"), [("netys", "vumap"), ("masterys", "sts"), ("statys", "jbusp")])
async def test_a_table_that_the_card_does_not_serve_is_not_this_device(identify, machine, table, zeros_elsewhere):
    with pytest.raises(NotThisDevice):
        await identify(machine, table=table, zeros_elsewhere=zeros_elsewhere)


@pytest.mark.parametrize("zeros", [False, True])
async def test_another_modbus_device_is_not_this_device(make_card, gateway_of, zeros):
    card = await make_card("netys", modbus_enabled=False)
    async with PlainModbusServer(card.modbus.port, zeros=zeros):
        gateway = gateway_of(card, "modbus")
        with pytest.raises(NotThisDevice):
            await gateway.probe()


# --- what is behind it -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("low_byte_first", [False, True])
@pytest.mark.parametrize("machine", MACHINES)
async def test_serial_number_and_reference_are_read_in_either_order_of_bytes(identify, machine, low_byte_first):
    told = await identify(
        machine, low_byte_first=low_byte_first, words={0x000F: 0x7777}, table=MACHINES[machine].maps[0]
    )
    assert told.serial == MACHINES[machine].serial
    assert told.model in (MACHINES[machine].reference, "NETYS PR", "DELPHYS GP 2.0")


@pytest.mark.parametrize(
    ("machine", "phases", "units", "modular"),
    [
        ("netys", (1, 1), (), False),
        ("delphys", (3, 3), (), False),
        ("masterys", (3, 3), (1, 2, 3), False),
        ("modulys", (3, 3), (1, 2, 3), True),
        ("statys", (3, 3), (), False),
    ],
)
async def test_phases_and_units_are_told(identify, machine, phases, units, modular):
    told = await identify(machine)
    assert (told.input_phases, told.output_phases) == phases
    assert (told.units, told.modular) == (units, modular)


@pytest.mark.parametrize(
    ("installation", "count", "positions", "units"),
    [
        (0x0101, 1, 0b1, ()),
        (0x0601, 2, 0b101, (1, 3)),
        (0x0601, 4, 0, (1, 2, 3, 4)),
        (0x0801, 11, 0xFF, tuple(range(1, 12))),
        (0x0901, 12, 0b1111_1011, (1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12)),
        (0x0801, 200, 0xFF, tuple(range(1, 16))),
        (0x0608, 3, 0b111, (1, 2, 3)),
    ],
)
async def test_units_are_those_at_the_positions_told_and_those_beyond_them(
    identify, installation, count, positions, units
):
    told = await identify("masterys", words={0x0001: installation, 0x0002: count, 0x0003: positions})
    assert told.units == units
    assert told.modular is (installation in (0x0801, 0x0901))


async def test_a_parallel_jbusp_machine_tells_which_units_are_present(make_card, channel_of):
    parallel = replace(MACHINES["netys"], ups=UpsConfig(units=4))
    card = await make_card(parallel)
    card.ups.units = [Unit(), Unit(present=False), Unit(), Unit()]
    assert (await channel_of(card).identify()).units == (1, 3, 4)


@pytest.mark.parametrize(
    ("word", "phases"), [(0x0301, (3, 1)), (0x0101, (1, 1)), (0, (None, None)), (0xFFFF, (None,) * 2)]
)
async def test_phases_that_make_no_sense_are_unknown(identify, word, phases):
    told = await identify("masterys", words={0x0007: word})
    assert (told.input_phases, told.output_phases) == phases


@pytest.mark.parametrize(("factor", "tenths"), [(0, False), (1, True), (2, None), (0xFFFF, None)])
async def test_the_measurement_factor_decides_about_tenths(make_card, channel_of, factor, tenths):
    channel = channel_of(card := await make_card("masterys", measurement_factor=factor))
    told = await channel.identify()
    assert told.tenths is tenths
    readings = await channel.read()
    power = card.ups.load
    assert readings.values["output_power"] == (None if tenths is None else pytest.approx(power, abs=500))
    assert readings.values["output_voltage_l1"] == 230.0
    assert told.rated == ({} if tenths is None else {"rated_apparent_power": 180_000.0, "rated_power": 162_000.0})


@pytest.mark.parametrize("has", [False, True])
async def test_battery_and_eco_mode_are_told_by_the_vu_map(identify, has):
    config = MACHINES["masterys"].ups
    assert config is not None
    told = await identify(replace(MACHINES["masterys"], ups=replace(config, battery=has, eco_mode=has)))
    assert (told.has_battery, told.has_eco_mode) == (has, has)


async def test_the_jbusp_has_a_battery_and_does_not_tell_of_eco_mode(identify):
    told = await identify("netys")
    assert (told.has_battery, told.has_eco_mode) == (True, None)


@pytest.mark.parametrize(("word", "firmware"), [(130, "1.30"), (0, None), (0xFFFF, None)])
async def test_the_firmware_is_told_by_the_jbusp(identify, word, firmware):
    assert (await identify("netys", words={0x10E4: word})).firmware == firmware


async def test_rated_values_are_told_by_the_jbusp(identify):
    assert (await identify("netys")).rated == {
        "rated_apparent_power": 3000.0,
        "rated_input_voltage": 230.0,
        "rated_output_voltage": 230.0,
        "rated_input_frequency": 50.0,
        "rated_output_frequency": 50.0,
        "rated_battery_capacity": 9.0,
    }


# --- reading -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("machine", MACHINES)
async def test_a_round_takes_three_requests(make_card, channel_of, machine):
    channel = channel_of(card := await make_card(machine))
    await channel.identify()
    card.modbus.requests.clear()
    await channel.read()
    assert len(card.modbus.requests) == 3
    assert card.modbus.connections_ever == 1


async def test_reading_identifies_first(make_card, channel_of):
    channel = channel_of(await make_card("netys"))
    assert (await channel.read()).table is Table.JBUSP
    assert channel.machine is not None
    assert repr(channel) == "<ModbusChannel jbusp>"


@pytest.mark.parametrize("machine", MACHINES)
async def test_a_card_that_does_not_reach_its_machine_says_so(make_card, channel_of, machine):
    channel = channel_of(card := await make_card(machine))
    await channel.identify()
    card.lose_ups()
    with pytest.raises(DeviceGone):
        await channel.read()
    with pytest.raises(DeviceGone):
        await channel.identify()
    card.find_ups()
    assert (await channel.read()).values["output_voltage_l1"] == 230.0


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (ExcCodes.DEVICE_FAILURE, DeviceGone),
        (ExcCodes.GATEWAY_PATH_UNAVIABLE, DeviceGone),
        (ExcCodes.GATEWAY_NO_RESPONSE, DeviceGone),
        (ExcCodes.DEVICE_BUSY, CannotConnect),
        (ExcCodes.ILLEGAL_VALUE, CannotConnect),
    ],
)
async def test_what_an_exception_means(make_card, channel_of, code, error):
    channel = channel_of(card := await make_card("masterys"))
    await channel.identify()
    with card.modbus.inject(faults.exception(code)), pytest.raises(error):
        await channel.read()
    assert (await channel.read()).bits


async def test_words_that_are_all_zero_are_a_machine_that_is_gone(make_card, channel_of):
    channel = channel_of(card := await make_card("masterys"))
    await channel.identify()
    with card.modbus.inject(faults.zeros()), pytest.raises(DeviceGone):
        await channel.read()
    assert (await channel.read()).values["output_voltage_l1"] == 230.0


async def test_a_card_that_answers_half_is_not_believed(make_card, channel_of):
    channel = channel_of(card := await make_card("masterys"), timeout=0.3)
    await channel.identify()
    with card.modbus.inject(faults.cut()), pytest.raises(CannotConnect):
        await channel.read()
    assert (await channel.read()).values["output_voltage_l1"] == 230.0


async def test_a_strange_value_is_believed_when_it_persists(make_card, channel_of):
    channel = channel_of(card := await make_card("masterys"))
    await channel.read()
    card.forced_words[0x004A] = 3000
    assert (await channel.read()).values["output_voltage_l1"] == 230.0
    assert channel.believer.dropped == 1
    assert (await channel.read()).values["output_voltage_l1"] == 3000.0


async def test_a_card_behind_which_another_machine_was_put_is_identified_anew(make_card, channel_of):
    channel = channel_of(card := await make_card("netys"))
    await channel.read()
    other = await make_card("masterys")
    card.machine, card.equipment = other.machine, other.equipment
    with pytest.raises(NotThisDevice):
        await channel.read()
    readings = await channel.read()
    assert readings.table is Table.VUMAP
    assert channel.machine is not None
    assert channel.machine.serial == "V441B07315"


async def test_what_is_read_is_kept_as_it_came(make_card, channel_of):
    channel = channel_of(await make_card("netys"))
    await channel.read()
    assert len(channel.words) == 4 + 4 + 48
    assert channel.words[0x1064] == 100

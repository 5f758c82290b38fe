"""The simulated Modbus TCP server of a GX behaves as the real one."""

import asyncio
import struct

import pytest

from demo.gx import GxSimulator
from demo.registers import load_registers

GRID = {"/Ac/L1/Power": 0.0, "/Ac/L1/Energy/Forward": 0.0, "/Serial": "HQ2231ZLTP4", "/CustomName": ""}


@pytest.fixture
def system(gx):
    return gx.add_service("system", 0, {"/Serial": "be300d83ff04", "/Relay/0/State": 0, "/Relay/1/State": 0})


@pytest.fixture
def settings(gx):
    return gx.add_service(
        "settings",
        0,
        {
            "/Settings/CGwacs/MaxDischargePower": -1.0,
            "/Settings/CGwacs/MaxFeedInPower": -1.0,
            "/Settings/CGwacs/AcPowerSetPoint": 50.0,
            "/Settings/CGwacs/BatteryLife/State": 10,
            "/Settings/CGwacs/BatteryLife/MinimumSocLimit": 20.0,
        },
    )


# Unit ids


async def test_a_unit_id_is_a_device_instance(gx, read):
    gx.add_service("grid", 30, {"/Ac/L1/Power": 1200.0})
    assert await read(30, 2600) == [1200]


async def test_an_instance_above_255_is_reached_by_its_mapped_unit_id(gx, read):
    gx.add_service("vebus", 276, {"/Mode": 3})
    gx.add_service("battery", 512, {"/Soc": 87.3})
    assert await read(227, 33) == [3]
    assert await read(225, 266) == [873]


async def test_an_instance_that_is_not_in_the_map_is_out_of_reach(gx, read):
    gx.add_service("battery", 300, {"/Soc": 87.3})
    assert {unit: await read(unit, 266) for unit in (44, 100, 225)} == {44: 10, 100: 10, 225: 10}


async def test_an_equal_instance_wins_over_the_map(gx, read):
    gx.add_service("battery", 512, {"/Soc": 10.0})
    gx.add_service("battery", 225, {"/Soc": 90.0})
    assert await read(225, 266) == [900]


async def test_before_v1_0_88_the_map_wins_over_an_equal_instance(connect):
    async with GxSimulator(version="v1.0.78") as gx:
        gx.add_service("battery", 512, {"/Soc": 10.0})
        gx.add_service("battery", 225, {"/Soc": 90.0})
        client = await connect(gx)
        assert (await client.read_holding_registers(266, device_id=225)).registers == [100]


@pytest.mark.parametrize("unit", [0, 100])
async def test_units_0_and_100_are_instance_0(system, settings, read, unit):
    assert await read(unit, 800, 2) == [0x6265, 0x3330]
    assert await read(unit, 2901) == [200]


@pytest.mark.parametrize("unit", [1, 255])
async def test_other_units_have_no_system(system, read, unit):
    assert await read(unit, 800, 6) == 10


async def test_a_connected_genset_has_its_generator_at_unit_1(gx, read):
    gx.add_service("generator", 0, {"/State": 0})
    gx.add_service("generator", 1, {"/State": 1})
    assert [await read(unit, 3506) for unit in (100, 1)] == [[0], [1]]


async def test_one_unit_answers_for_several_service_types(gx, read):
    gx.add_service("grid", 30, {"/Ac/L1/Power": 5.0})
    gx.add_service("pvinverter", 30, {"/Ac/L1/Power": 6})
    assert [await read(30, 2600), await read(30, 1029)] == [[5], [6]]


# Exceptions


async def test_an_absent_service_is_exception_10(gx, read):
    assert await read(30, 2600) == 10


async def test_a_service_that_leaves_the_bus_is_exception_10_until_it_returns(gx, read):
    gx.add_service("grid", 30, {"/Ac/L1/Power": 5.0})
    gx.vanish("grid", 30)
    assert await read(30, 2600) == 10
    gx.reappear("grid", 30)
    assert await read(30, 2600) == [5]
    gx.remove_service("grid", 30)
    assert await read(30, 2600) == 10


@pytest.mark.parametrize(("address", "count"), [(1, 1), (2658, 1), (2650, 9)])
async def test_an_address_that_is_not_in_the_list_is_exception_2(gx, read, address, count):
    gx.add_service("grid", 30, GRID)
    assert await read(30, address, count) == 2


async def test_a_block_that_runs_into_an_absent_service_is_exception_2(settings, read):
    assert await read(100, 2700, 9) != 2
    assert await read(100, 2700, 10) == 2


async def test_a_block_over_two_present_services_is_answered(gx, settings, read):
    gx.add_service("hub4", 0, {"/PvPowerLimiterActive": 1})
    assert (await read(100, 2700, 25))[9] == 1


async def test_before_v1_0_88_the_registers_of_a_second_service_read_0(connect):
    async with GxSimulator(version="v1.0.78") as gx:
        gx.add_service("settings", 0, {"/Settings/CGwacs/AcPowerSetPoint": 50.0})
        gx.add_service("hub4", 0, {"/PvPowerLimiterActive": 1})
        client = await connect(gx)
        words = (await client.read_holding_registers(2700, count=10, device_id=100)).registers
        assert (words[0], words[9]) == (50, 0)
        assert (await client.read_holding_registers(2709, device_id=100)).registers == [1]


async def test_0_and_126_registers_are_exception_3_and_125_are_served(gx, exchange):
    gx.add_service("vebus", 276)
    for count, exception in ((0, 3), (126, 3), (125, None)):
        answer = await exchange(struct.pack(">BBHH", 227, 3, 3, count))
        assert (answer[2] if answer[1] & 0x80 else None) == exception


async def test_no_registers_are_not_written(gx, exchange):
    gx.add_service("vebus", 276, {"/Mode": 3})
    assert await exchange(struct.pack(">BBHHB", 227, 16, 33, 0, 0)) == bytes((227, 0x90, 3))
    assert await exchange(struct.pack(">BBHHBH", 227, 16, 33, 2, 4, 1)) == bytes((227, 0x90, 3))
    assert gx.get("vebus", 276, "/Mode") == 3


@pytest.mark.parametrize("pdu", [b"\x01\x00\x00\x00\x01", b"\x17", b"\x2b\x0e\x01\x00", b"\x05\x00\x21\xff\x00"])
async def test_other_functions_are_exception_1(gx, exchange, pdu):
    gx.add_service("vebus", 276)
    assert await exchange(b"\xe3" + pdu) == bytes((0xE3, pdu[0] | 0x80, 1))


async def test_function_4_reads_what_function_3_reads(gx, client):
    gx.add_service("battery", 512, {"/Soc": 50.0})
    assert (await client.read_input_registers(266, device_id=225)).registers == [500]


async def test_a_text_where_a_number_belongs_is_exception_10(gx, read):
    gx.add_service("battery", 512, {"/Soc": "full"})
    assert await read(225, 266) == 10


# Values


async def test_what_is_missing_reads_0_and_a_gap_reads_all_ones(gx, read):
    gx.add_service("grid", 30, {"/Ac/L1/Power": None})
    words = await read(30, 2600, 58)
    assert [address for address, word in enumerate(words, 2600) if word] == [2649]
    assert words[49] == 0xFFFF


@pytest.mark.parametrize(
    ("service", "path", "address", "value", "words"),
    [
        ("battery", "/Dc/0/Voltage", 259, 52.344, [5234]),
        ("battery", "/Dc/0/Voltage", 259, 52.346, [5235]),
        ("battery", "/Dc/0/Current", 261, -12.36, [0xFFFF - 123]),
        ("battery", "/ConsumedAmphours", 265, -80.4, [804]),
        ("battery", "/ConsumedAmphours", 330, -80.4, [0, 80]),
        ("battery", "/TimeToGo", 303, 12_340, [123]),
        ("battery", "/Dc/0/Power", 256, -70_000.0, [0xFFFE, 0xEE90]),
        ("battery", "/Dc/0/Power", 258, -70_000.0, [0xEE90]),
        ("battery", "/Dc/0/Power", 258, 70_000, [32766]),
        ("battery", "/Dc/0/Power", 258, -70_000, [0x8000]),
        ("generator", "/Runtime", 3502, 100_000, [65534]),
        ("generator", "/Runtime", 3504, 100_000, [1, 34464]),
        ("generator", "/ServiceCounter", 3510, -60, [0, 0]),
        ("vebus", "/Ac/Out/L1/P", 23, 1234, [123]),
        ("vebus", "/Energy/InverterToAcOut", 90, 12_345.67, [18, 54919]),
        ("settings", "/Settings/CGwacs/MaxDischargePower", 2704, -1.0, [0]),
        ("settings", "/Settings/CGwacs/MaxFeedInPower", 2706, -1.0, [0]),
        ("settings", "/Settings/CGwacs/MaxDischargePower", 2720, -1.0, [0xFFFF, 0xFFFF]),
        ("settings", "/Settings/SystemSetup/MaxChargeCurrent", 2705, -1.0, [0xFFFF]),
        ("battery", "/System/MinVoltageCellId", 1306, "C1é", [0x4331, 0xE900, 0, 0]),
        ("battery", "/System/MinVoltageCellId", 1306, "0123456789", [0x3031, 0x3233, 0x3435, 0x3637]),
    ],
)
async def test_a_value_is_scaled_rounded_held_back_or_wrapped(gx, read, service, path, address, value, words):
    gx.add_service(service, 0, {path: value})
    assert await read(100, address, len(words)) == words


async def test_a_part_of_a_value_can_be_read(gx, read):
    gx.add_service("grid", 30, {"/Serial": "HQ2231", "/Ac/Energy/Forward": 1000.0})
    assert await read(30, 2610, 2) == [0x3232, 0x3331]
    assert await read(30, 2635) == [34464]


async def test_the_solar_current_is_power_over_voltage_and_nonsense_without_voltage(gx, read):
    charger = gx.add_service("solarcharger", 279, {"/Pv/V": 100.0, "/Yield/Power": 850.0})
    assert await read(226, 777) == [85]
    charger.values["/Pv/V"] = None
    assert await read(226, 777) == [0xFFFF]


async def test_the_clock_is_64_bit_utc(gx, system, read):
    gx.clock = lambda: 1_781_000_000.9
    assert int.from_bytes(b"".join(word.to_bytes(2) for word in await read(100, 830, 4))) == 1_781_000_000


async def test_the_firmware_is_hexadecimal_with_its_beta_number(system, read):
    system.values["/FirmwareVersion"] = 0x35712
    assert await read(100, 834, 2) == [0x0357, 0x12]


async def test_an_error_in_words_shows_as_65280(gx, read):
    genset = gx.add_service("genset", 0, {"/ErrorCode": 7})
    assert await read(100, 3214) == [7]
    genset.values["/ErrorCode"] = "oil pressure"
    assert await read(100, 3214) == [65280]


# Writing


@pytest.mark.parametrize(("words", "value"), [([0xFF38], -200.0), ([200], 200.0)])
async def test_a_write_is_taken(gx, settings, write, words, value):
    assert await write(100, 2700, *words) is None
    assert settings.values["/Settings/CGwacs/AcPowerSetPoint"] == value
    assert gx.writes[-1].value == value


async def test_function_6_writes_too(settings, client):
    assert (await client.write_register(2901, 355, device_id=100)).registers == [355]
    assert settings.values["/Settings/CGwacs/BatteryLife/MinimumSocLimit"] == 35.5


async def test_an_integer_path_gets_an_integer(settings, write):
    await write(100, 2900, 9)
    assert repr(settings.values["/Settings/CGwacs/BatteryLife/State"]) == "9"


async def test_a_32_bit_value_is_written_with_both_words(settings, write):
    assert await write(100, 2720, 0xFFFF, 0xFFFF) is None
    assert await write(100, 2722, 1, 0x86A0) is None
    assert settings.values["/Settings/CGwacs/MaxDischargePower"] == -1.0
    assert settings.values["/Settings/CGwacs/MaxFeedInPower"] == 100_000.0


async def test_one_word_of_a_32_bit_value_is_merged_with_the_other(settings, write):
    assert await write(100, 2721, 4000) is None
    assert settings.values["/Settings/CGwacs/MaxDischargePower"] == -61536.0


async def test_a_name_is_written_zero_padded_in_latin_1(gx, write):
    gx.add_service("grid", 30, GRID)
    assert await write(30, 2650, 0xC974, 0xE900, 0, 0, 0, 0, 0, 0) is None
    assert gx.get("grid", 30, "/CustomName") == "Été"


async def test_a_write_is_acknowledged_before_it_is_taken(gx, settings, read, write):
    gx.write_delay = 0.05
    assert await write(100, 2901, 300) is None
    assert await read(100, 2901) == [200]
    async with asyncio.timeout(5):
        while await read(100, 2901) != [300]:
            pass


async def test_what_a_stopped_gx_had_not_taken_is_lost(gx, settings, write):
    gx.write_delay = 3600
    await write(100, 2901, 300)
    (pending,) = gx._pending
    gx.stop()
    assert pending.cancelled()
    assert settings.values["/Settings/CGwacs/BatteryLife/MinimumSocLimit"] == 20.0


async def test_a_write_that_is_refused_by_the_device_is_acknowledged(gx, settings, read, write):
    gx.refuse_writes.add(("settings", "/Settings/CGwacs/BatteryLife/MinimumSocLimit"))
    assert await write(100, 2901, 300) is None
    assert await read(100, 2901) == [200]
    assert gx.writes[-1].value == 30.0


async def test_a_device_may_make_something_else_of_a_write(gx, settings, read, write):
    gx.adjust["settings", "/Settings/CGwacs/BatteryLife/MinimumSocLimit"] = lambda value: min(value, 25.0)
    assert await write(100, 2901, 300) is None
    assert await read(100, 2901) == [250]


async def test_a_write_to_a_read_only_register_is_exception_2(gx, settings, write):
    gx.add_service("grid", 30, GRID)
    assert await write(30, 2600, 1) == 2
    assert await write(100, 2902, 1, 1) == 2


async def test_every_write_to_a_read_only_gx_is_exception_2(gx, settings, read, write):
    gx.read_only = True
    assert await write(100, 2901, 300) == 2
    assert await read(100, 2901) == [200]


async def test_a_write_to_a_path_that_the_service_lacks_is_exception_10(settings, write):
    assert await write(100, 2902, 1) == 10


async def test_a_write_to_an_absent_service_is_exception_10(gx, write):
    assert await write(227, 33, 3) == 10


@pytest.mark.parametrize(("function", "taken"), [(2, 1), (1, 0), (-1, 0)])
async def test_a_relay_that_is_not_manual_ignores_writes(system, settings, read, write, function, taken):
    settings.values["/Settings/Relay/Function"] = function
    assert await write(100, 806, 1) is None
    assert await read(100, 806) == [taken]


async def test_the_second_relay_has_a_function_of_its_own(system, settings, read, write):
    settings.values |= {"/Settings/Relay/Function": 2, "/Settings/Relay/1/Function": 4}
    assert await write(100, 806, 1, 1) is None
    assert await read(100, 806, 2) == [1, 0]


# Versions


@pytest.mark.parametrize(
    ("version", "service", "unit", "blocks"),
    [
        ("v1.0.60", "system", 100, [(800, 31), (834, 13), (850, 2), (855, 1), (860, 1), (865, 19)]),
        ("v1.0.60", "battery", 225, [(258, 69), (1282, 40)]),
        ("v1.0.60", "solarcharger", 226, [(771, 21), (3700, 35)]),
        ("v1.0.60", "evcharger", 40, [(3800, 1), (3802, 26)]),
        ("v1.0.60", "pvinverter", 20, [(1026, 38)]),
        ("v1.0.78", "solarcharger", 226, [(771, 23), (3700, 35)]),
        ("v1.0.92", "vebus", 227, [(3, 107), (200, 32)]),
        ("v1.0.92", "solarcharger", 226, [(771, 23), (3700, 39)]),
        ("v1.0.92", "grid", 30, [(2600, 49)]),
        ("v1.0.92", "settings", 100, [(2700, 9), (2710, 6), (2718, 1), (2900, 4), (5420, 10)]),
        ("v1.0.101", "system", 100, [(800, 120), (5400, 8)]),
        ("v1.0.101", "battery", 225, [(256, 76), (1282, 62)]),
        ("v1.0.101", "evcharger", 40, [(3800, 48)]),
        ("v1.0.101", "pvinverter", 20, [(1026, 52)]),
    ],
)
async def test_a_server_has_the_blocks_of_its_version(connect, version, service, unit, blocks):
    instance = {227: 276, 225: 512, 226: 279, 100: 0}.get(unit, unit)
    async with GxSimulator(version=version) as gx:
        gx.add_service(service, instance)
        client = await connect(gx)
        for address, count in blocks:
            assert not (await client.read_holding_registers(address, count=count, device_id=unit)).isError()
            beyond = await client.read_holding_registers(address, count=count + 1, device_id=unit)
            assert beyond.exception_code in (2, 3)


@pytest.mark.parametrize(("version", "exception"), [("v1.0.60", 2), ("v1.0.78", 0)])
async def test_the_volatile_setpoint_came_after_v1_0_60(connect, version, exception):
    async with GxSimulator(version=version) as gx:
        gx.add_service("hub4", 0)
        client = await connect(gx)
        assert (await client.read_holding_registers(2716, count=2, device_id=100)).exception_code == exception


async def test_charger_alarms_are_served_until_v1_0_76_and_a_gap_afterwards(connect):
    for version, words in (("v1.0.60", [0, 2]), ("v1.0.76", [0xFFFF, 0xFFFF])):
        async with GxSimulator(version=version) as gx:
            gx.add_service("solarcharger", 279, {"/Alarms/LowVoltage": 0, "/Alarms/HighVoltage": 2})
            client = await connect(gx)
            assert (await client.read_holding_registers(782, count=2, device_id=226)).registers == words


@pytest.mark.parametrize("version", ["v1.0.59", "1.0.101", "latest", ""])
async def test_a_version_whose_list_is_not_known_is_refused(version):
    with pytest.raises(ValueError, match=r"older|not a server version"):
        load_registers(version)


# The bus and its log


async def test_a_service_is_added_once_and_of_a_known_type(gx):
    gx.add_service("grid", 30)
    with pytest.raises(ValueError, match="already"):
        gx.add_service("grid", 30)
    with pytest.raises(ValueError, match="teapot"):
        gx.add_service("teapot")
    with pytest.raises(KeyError):
        gx.get("grid", 31, "/Serial")


async def test_values_are_set_and_got_by_path(gx, read):
    gx.add_service("grid", 30)
    gx.set("grid", 30, "/Ac/L1/Power", 7.0)
    assert gx.get("grid", 30, "/Ac/L1/Power") == 7.0
    assert await read(30, 2600) == [7]


async def test_requests_are_logged_with_their_exception(gx, read, write):
    gx.add_service("grid", 30, GRID)
    await read(30, 2600, 3)
    await read(31, 2600)
    await write(30, 2650, 0, 0)
    logged = [(it.unit, it.function, it.address, it.count, it.exception) for it in gx.requests]
    assert logged == [(30, 3, 2600, 3, None), (31, 3, 2600, 1, 10), (30, 16, 2650, 2, None)]
    gx.requests.clear()
    assert not gx.requests

"""The simulated NET VISION card shows its equipment as the documented tables say."""

import asyncio
import struct

import pytest

from demo.faults import silence
from demo.netvision import Emd, NetVisionCard
from demo.netvision_machines import MACHINES
from demo.netvision_tables import (
    BITS,
    JBUSP,
    MEASURES,
    STS,
    VUMAP,
    bits,
    holds,
    load_blocks,
    load_map,
    load_mib,
    words,
)
from demo.snmp_wire import V1, Error, Kind, Tag, Value, dotted, oid, open_message, read_trap, text
from demo.ups import Command, Condition, Output, Sts, Synchronisation, Ups, UpsConfig

UPS = "1.3.6.1.4.1.4555.1.1.7.1."
RFC = "1.3.6.1.2.1.33.1."
TRANSFER = "1.3.6.1.4.1.4555.1.1.10.1."

REFUSED = 1
NO_ADDRESS = 2
NO_UPS = 11


@pytest.fixture
async def card(request, socket_enabled):
    """The masterys, or the machine of an indirect parameter."""
    async with NetVisionCard(getattr(request, "param", "masterys")) as card:
        yield card


machine = pytest.mark.parametrize("card", ["netys"], indirect=True)
transfer = pytest.mark.parametrize("card", ["statys"], indirect=True)


@pytest.fixture
async def read(card, connect):
    """Read words by Modbus: the words, or the exception code."""
    client = await connect(card.modbus)

    async def read(address, count=1, unit=1):
        answer = await client.read_holding_registers(address, count=count, device_id=unit)
        return answer.exception_code if answer.isError() else answer.registers

    return read


@pytest.fixture
async def client(card, snmp):
    return await snmp(card.agent)


@pytest.fixture
def get(client):
    """The values of objects below the root of the UPS, in their order."""

    async def get(*suffixes, root=UPS, **options):
        return list((await client.get(*(root + it for it in suffixes), **options)).values())

    return get


@pytest.fixture
def command(client):
    """Send a command: the error, or None."""

    async def command(number, **options):
        error = await client.error((UPS + "7.1.0", Value(Tag.INTEGER, number)), **options)
        return error and error[0]

    return command


# The tables

UNITS = {
    "V": ("voltage",),
    "A": ("current",),
    "Hz": ("frequency",),
    "%": ("load", "state_of_charge"),
    "°C": ("temperature",),
    "kVA": ("apparent_power",),
    "kW": ("_power",),
    "min": ("time_to_go",),
    "s": ("time_on_battery",),
    "Ah": ("battery_capacity",),
    "°": ("phase_shift",),
    "": ("factor",),
}


@pytest.mark.parametrize("name", MEASURES)
def test_every_measure_of_a_table_shows_a_quantity_of_its_unit(name):
    rows = [row for row in load_map(name) if row.kind == "measure"]
    assert [int(row.acronym[1:]) for row in rows] == list(range(len(MEASURES[name])))
    shown = {row.acronym: (row.unit, quantity) for row, quantity in zip(rows, MEASURES[name], strict=True) if quantity}
    assert not {it for it in shown.items() if not any(word in it[1][1] for word in UNITS[it[1][0]])}
    empty = {row.acronym for row, quantity in zip(rows, MEASURES[name], strict=True) if not quantity}
    assert empty == {row.acronym for row in rows if not row.name or row.name.startswith("Input power")}


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize("place", ["l1", "l2", "l3", "l12", "l23", "l31"])
def test_the_phase_of_a_measure_is_the_phase_of_its_row(name, place):
    printed = {
        "l1": ("L1", "phase 1"),
        "l2": ("L2", "phase 2"),
        "l3": ("L3", "phase 3"),
        "l12": ("L1-L2",),
        "l23": ("L2-L3",),
        "l31": ("L3-L1",),
    }[place]
    for row in load_map(name):
        if row.kind == "measure" and MEASURES[name][int(row.acronym[1:])].endswith(f"_{place}"):
            assert row.name.removesuffix("-N").endswith(printed)


@pytest.mark.parametrize("name", BITS)
def test_every_bit_that_is_shown_is_in_the_table(name):
    assert set(BITS[name]) <= {row.acronym for row in load_map(name) if row.bit is not None and row.name}


def test_one_flag_is_one_alarm_object_whichever_table_shows_it():
    """The MIB names a bit of each table for an alarm: both show the same flag of the model."""
    for row in load_mib():
        if row.mib == "NETVISION" and row.kind == "scalar":
            jbusp, vumap = (row.conditions[name] for name in (JBUSP, VUMAP))
            if jbusp in BITS[JBUSP] and vumap in BITS[VUMAP]:
                assert BITS[JBUSP][jbusp] == BITS[VUMAP][vumap], row.name


@pytest.mark.parametrize("name", MEASURES)
def test_the_rows_with_an_address_lie_in_the_documented_blocks(name):
    blocks = load_blocks(name)
    outside = {row.address for row in load_map(name) if not any(block.holds(row.address, 1) for block in blocks)}
    # The JBUSP table names more unused configuration words than its block has.
    assert outside == (set(range(0x10F0, 0x1100)) if name == JBUSP else set())


@pytest.mark.parametrize(
    ("condition", "raised", "outcome"),
    [
        ("S04 and not S07", {"S04"}, True),
        ("S04 and not S07", {"S04", "S07"}, False),
        ("S16 or A49", {"A49"}, True),
        ("not S02 and not S01", set(), True),
        ("", {"S00"}, False),
    ],
)
def test_conditions(condition, raised, outcome):
    assert holds(condition, raised) is outcome


# Modbus


@pytest.mark.parametrize("card", MACHINES, indirect=True)
async def test_each_block_is_read_whole_and_in_part(card, read):
    for name in card.machine.maps:
        for block in load_blocks(name):
            served = await read(block.address, block.count)
            assert len(served) == block.count
            assert await read(block.address + 1) == served[1:2]


@pytest.mark.parametrize("card", MACHINES, indirect=True)
async def test_what_is_no_documented_block_is_refused(card, read):
    foreign = [block for name in (JBUSP, VUMAP, STS) if name not in card.machine.maps for block in load_blocks(name)]
    for block in foreign:
        assert await read(block.address, block.count) == NO_ADDRESS
    first = load_blocks(card.machine.maps[0])[0]
    assert await read(first.address, first.count + 1) == NO_ADDRESS
    assert await read(0x4000) == NO_ADDRESS


async def test_the_words_of_a_foreign_table_may_read_zero(card, read):
    card.zeros_elsewhere = True
    assert await read(0x1000, 12) == [0] * 12
    assert await read(0x0140, 4) == [0] * 4
    assert await read(0x4000) == NO_ADDRESS


async def test_two_blocks_are_two_reads(read):
    assert await read(0x0030, 16) == NO_ADDRESS
    assert await read(0x0038, 10) == NO_ADDRESS


async def test_only_function_3_is_answered(card, connect):
    client = await connect(card.modbus)
    for answer in (
        await client.read_input_registers(0x0040, device_id=1),
        await client.write_register(0x0040, 1, device_id=1),
        await client.write_registers(0x0040, [1, 2], device_id=1),
        await client.write_coil(0, True, device_id=1),
        await client.read_coils(0, device_id=1),
    ):
        assert answer.exception_code == REFUSED


async def test_other_unit_ids_are_met_with_silence(card):
    reader, writer = await asyncio.open_connection(card.host, card.modbus.port)
    for unit in (2, 0, 1):
        writer.write(struct.pack(">HHHBBHH", unit, 0, 6, unit, 3, 0x000F, 1))
    assert await reader.readexactly(11) == struct.pack(">HHHBBBH", 1, 0, 5, 1, 3, 2, 0x8300)
    assert [request.unit for request in card.modbus.requests] == [2, 0, 1]
    writer.close()


async def test_any_unit_id_may_be_answered(card, read):
    card.any_unit = True
    assert await read(0x000F, unit=9) == [0x8300]


async def test_a_second_connection_is_closed_while_the_first_lives(card, connect, read):
    reader, writer = await asyncio.open_connection(card.host, card.modbus.port)
    assert await reader.read() == b""
    writer.close()
    assert await read(0x000F) == [0x8300]
    assert card.modbus.connections_refused == 1
    assert card.modbus.connections_now == 1


async def test_a_connection_may_follow_the_last_one_at_once(card, connect):
    for _ in range(5):
        client = await connect(card.modbus)
        assert (await client.read_holding_registers(0x000F, device_id=1)).registers == [0x8300]
        client.close()
    assert card.modbus.connections_refused == 0


async def test_an_idle_connection_is_closed(socket_enabled):
    async with NetVisionCard("netys", idle_close=0.05) as card:
        reader, writer = await asyncio.open_connection(card.host, card.modbus.port)
        assert await reader.read() == b""
        writer.close()


# What the machines are


async def test_a_masterys_says_what_it_is(read):
    assert await read(0x0001, 15) == [
        0x0601, 3, 0b111, 3, 1800, 1620, 0x0303, 1, 0, 1, 0, 0, 0, 1, 0x8300,
    ]  # fmt: skip
    assert characters(await read(0x0010, 10)) == "V441B07315"
    assert characters(await read(0x001A, 10)) == "MAS4360"


@machine
async def test_a_netys_says_what_it_is(read):
    served = await read(0x1000, 12)
    assert served[:3] == [35, 30, 1]
    assert characters(served[3:8], low_first=True) == "P235A01742"
    assert await read(0x10E0, 16) == [230, 230, 50, 50, 130, 0, 0, 0, 90, 0, 2, 0, 0, 0, 0, 0]


@transfer
async def test_a_statys_says_what_it_is(read):
    assert characters(await read(0x0100, 10)) == "STATYS-100-3"
    assert characters(await read(0x0116, 10)) == "S100F00417"
    assert await read(0x0120, 16) == [0] * 16


@pytest.mark.parametrize("card", ["delphys"], indirect=True)
async def test_a_delphys_has_a_code_that_both_tables_know(read):
    assert await read(0x1000) == [0x0288]
    codes = {name: {row.value for row in load_map(name) if row.kind == "product_code"} for name in (JBUSP, VUMAP)}
    assert ("648" in codes[JBUSP], "0x0288" in codes[VUMAP]) == (True, True)


@pytest.mark.parametrize("card", ["modulys"], indirect=True)
async def test_a_modulys_is_modular(card, read):
    assert await read(0x0001) == [0x0801]
    card.ups.units[1].present = False
    assert await read(0x0002, 3) == [2, 0b101, 2]


async def test_texts_may_be_packed_the_other_way(socket_enabled, connect):
    async with NetVisionCard("masterys", low_byte_first=True) as card:
        client = await connect(card.modbus)
        served = (await client.read_holding_registers(0x0010, count=10, device_id=1)).registers
        assert characters(served, low_first=True) == "V441B07315"


def characters(served, *, low_first=False):
    order = "little" if low_first else "big"
    return b"".join(word.to_bytes(2, order) for word in served).rstrip(b"\0").decode()


# What a masterys shows


async def test_the_words_of_a_masterys_on_mains(card, read):
    card.ups.loads = [20_000.0, 18_000.0, 22_000.0]
    state = await read(0x0030, 8)
    assert state == [0x1801, 0, 0b11, 0b0000_0101_0011_0011, 0, 0, 0b111, 0b111]
    assert await read(0x0038, 8) == [0] * 8
    measures = await read(0x0040, 80)
    assert measures[:0x0E] == [37, 37, 33, 41, 667, 600, 966, 870, 1063, 145, 230, 230, 230, 500]
    assert measures[0x0F] == 240
    assert measures[0x10:0x14] == [4752, 0xFFFF, 0, 0xFFFF]
    # Charge, Ah, minutes left, seconds on battery, temperatures.
    assert measures[0x16:0x1C] == [100, 1000, 39, 0xFFFF, 250, 250]
    assert measures[0x20:0x2E] == [230, 230, 230, 500, 398, 398, 398] * 2
    assert measures[0x30:0x36] == [222, 200, 244, 200, 180, 220]
    assert measures[0x39:0x3F] == [90, 90, 90, 14, 14, 14]
    assert measures[0x46:0x4C] == [0] * 6
    assert measures[0x4C:] == [0xFFFF] * 4


async def test_without_the_measurement_factor_there_are_no_tenths(card, read):
    card.measurement_factor = 0
    assert await read(0x000E) == [0]
    assert await read(0x0005, 2) == [180, 162]
    measures = await read(0x0044, 12)
    assert measures[:3] == [72, 65, 104]
    # Volts, hertz and degrees do not depend on it.
    assert measures[6:] == [230, 230, 230, 500, 14, 240]


async def test_the_mains_of_a_masterys_fail(card, read):
    card.ups.lose_mains()
    card.advance(90)
    assert await read(0x0030, 4) == [0x1801, 0, 0, 0b0011_0000]
    # Transfer impossible, general; on battery; inputs not OK.
    assert await read(0x0038, 4) == [0x8010, 0x0008, 0x0008, 0x0004]
    assert await read(0x0058, 2) == [35, 90]
    assert await read(0x0060, 3) == [0, 0, 0]
    assert signed(await read(0x0052)) < [-1400]
    card.ups.restore_mains()
    card.advance(60)
    assert await read(0x0032) == [0b1_0001]
    assert await read(0x0058, 2) == [35, 0xFFFF]
    assert await read(0x0052) == [127]
    assert await read(0x0038, 4) == [0, 0, 0, 0]


def signed(served):
    return [word - 0x10000 if word & 0x8000 else word for word in served]


async def test_the_units_of_a_masterys(card, read, get):
    first, second, third = card.ups.units
    first.alarm = True
    second.in_service = False
    third.imminent_stop = True
    assert await read(0x0036, 2) == [0b101, 0b011]
    assert await read(0x003E, 2) == [0b001, 0b100]
    assert await get("6.3.42.0", "6.3.43.0", "6.3.44.0", "6.3.11.0") == [1, 0, 0, 1]
    card.ups.loads = [40_000.0] * 3
    assert await read(0x0038) == [0x8040]
    assert await get("6.3.7.0") == [1]


async def test_bits_and_words_can_be_forced(card, read, get):
    card.forced_bits = {"A054", "S023", "no such bit"}
    card.forced_words = {0x0041: 0xFFFF, 0x4000: 1}
    assert await read(0x003B) == [1 << 6]
    assert await read(0x0031) == [1 << 7]
    assert await read(0x0041) == [0xFFFF]
    assert await get("6.3.32.0") == [1]


@pytest.mark.parametrize("sentinel", [-1, 65535])
async def test_everything_may_be_unmanaged(card, read, get, sentinel):
    card.unmanaged = True
    card.sentinel = sentinel
    assert await read(0x0040, 80) == [0xFFFF] * 80
    assert await get("2.4.0", "4.4.1.2.1", "4.7.0", "3.2.0") == [sentinel] * 4
    assert await get("4.1.0") == [Output.INVERTER]


# What a netys shows


@machine
async def test_the_words_of_a_netys_on_mains(card, read):
    card.ups.loads = [1350.0]
    card.ups.state_of_charge = 80.0
    assert await read(0x1020, 4) == [0b0010_0000_0000_1111, 0b0000_1100_1000_0010, 0, 0]
    assert await read(0x1040, 4) == [0] * 4
    measures = await read(0x1060, 48)
    assert measures[:6] == [50, 0xFFFF, 0xFFFF, 50, 80, 90]
    assert measures[6:12] == [230, 0xFFFF, 0xFFFF] * 2
    assert measures[15:21] == [65, 0xFFFF, 0xFFFF, 500, 500, 763]
    assert measures[22:25] == [24, 0xFFFF, 20]
    assert measures[33:38] == [230, 0xFFFF, 0xFFFF, 14, 15]
    assert measures[43] == 500


@machine
async def test_the_mains_of_a_netys_fail(card, read, get):
    card.ups.lose_mains()
    card.advance(30)
    # Inverter on, load on inverter, on battery; test supported.
    assert await read(0x1020, 2) == [0b0010_0000_0010_1010, 0]
    assert await read(0x1040, 4) == [0b0110_0001, 0, 0b0100_0000_0000_0000, 0]
    assert await read(0x1077) == [26]
    assert await get("2.1.0", "2.2.0", "2.3.0", "6.3.15.0", "6.3.22.0") == [5, 30, 26, 1, 1]


@machine
async def test_a_netys_that_refuses_remote_control(card, read, get):
    card.ups.remote_control = False
    assert await read(0x1020) == [0b0010_0000_0100_1111]
    assert await get("8.4.0") == [0]


# SNMP


@pytest.mark.parametrize("card", MACHINES, indirect=True)
async def test_everything_that_can_be_read_is_served(card, client):
    """A walk brings an instance of each object of the machine's MIBs, in order and of its type."""
    mibs = {"STS"} if card.machine.maps == (STS,) else {"NETVISION", "RFC1628"}
    wanted = {row.oid: row for row in load_mib() if row.mib in mibs and row.kind in ("scalar", "column")}
    served = await walk(client)
    assert list(served) == sorted(served)
    missing = {row.name for start, row in wanted.items() if not any(name[: len(start)] == start for name in served)}
    assert missing == (set() if mibs == {"STS"} else {*ALARM_ROWS, *EMD})
    for name, value in served.items():
        assert value.tag is TAGS[wanted[name[:-1]].type]


ALARM_ROWS = {"upsAlarmId", "upsAlarmDescr", "upsAlarmTime", "upsAlarmExtDes"}
EMD = {"emdStatusTemperature", "emdStatusHumidity", "emdStatusIn1Active", "emdStatusIn2Active"}
TAGS = {
    "INTEGER": Tag.INTEGER,
    "DisplayString": Tag.OCTETS,
    "IpAddress": Tag.IP_ADDRESS,
    "TimeTicks": Tag.TICKS,
    "OID": Tag.OID,
    "Counter32": Tag.COUNTER,
    "Gauge32": Tag.GAUGE,
}


async def walk(client):
    """Everything after the system group."""
    served: dict[tuple[int, ...], Value] = {}
    last = "1.3.6.1.2.1.2"
    while True:
        client.ask(Kind.GET_BULK, last, index=40)
        for name, value in (await client.answer()).bindings:
            if value.tag is Tag.END_OF_MIB:
                return served
            served[name] = value
            last = dotted(name)


async def test_the_objects_of_a_masterys_on_mains(card, get):
    card.ups.loads = [20_000.0, 18_000.0, 22_000.0]
    identity = [b"MASTERYS GP4 3x60", b"V441B07315", b"MAS4360", b"NET VISION v8.3"]
    assert await get("1.1.0", "1.2.0", "1.3.0", "1.5.0") == identity
    assert await get(*(f"2.{n}.0" for n in range(1, 10))) == [2, -1, 39, 100, 4752, 250, 240, 0, 0]
    assert await get("3.1.0", "3.2.0", "3.3.1.1.3", "3.3.1.2.3") == [3, 500, 3, 2300]
    output = ("4.1.0", "4.2.0", "4.3.0", "4.5.0", "4.6.0", "4.7.0")
    assert await get(*output) == [3, 500, 3, 667, 600, 37]
    assert await get(*(f"4.4.1.{n}.3" for n in range(1, 7))) == [3, 2300, 1063, 41, 244, 220]
    assert await get("5.1.0", "5.2.0", "5.3.1.2.1", "5.3.1.3.1") == [500, 3, 2300, 0]
    assert await get("8.1.0", "8.2.0", "8.3.0", "8.4.0") == [1800, 3, 600, 1]


@machine
async def test_a_netys_has_one_phase(get):
    assert await get("3.1.0", "4.3.0", "3.3.1.2.1", "3.3.1.2.2") == [1, 1, 2300, Tag.NO_SUCH_INSTANCE]
    assert await get("2.3.0", "8.2.0") == [-1, 1]


@machine
async def test_a_card_hears_no_more_than_the_table_of_its_ups_holds(get):
    # Active power and load are words of JBUSP; battery temperature, apparent power and bypass current are not.
    assert await get("4.6.0", "4.7.0") == [11, 40]
    assert await get("2.6.0", "4.5.0", "4.4.1.6.1", "5.3.1.3.1") == [-1] * 4


@pytest.mark.parametrize(
    ("change", "source", "battery", "modbus"),
    [
        ({"eco": True}, 5, 2, 0b1_1000_0100_0100),
        ({"on_bypass": True}, 6, 2, 0b1_1000_0000_0100),
        ({"standby": True}, 7, 2, 0b11_0000_0001_0000),
        ({"maintenance_bypass": True}, 2, 2, 0b1_1000_0000_1000),
        ({"service": True}, 3, 2, 0b1_1010_0000_0001),
        ({"mains": False, "bypass_supply": False, "state_of_charge": 0.0}, 8, 7, 0b1_0000),
        ({"mains": False, "state_of_charge": 0.0}, 6, 7, 0b1000_0000_0100),
        ({"mains": False, "state_of_charge": 20.0}, 3, 6, 0b1_1000_0000_0001),
        ({"mains": False}, 3, 5, 0b1_1000_0000_0001),
        ({"state_of_charge": 50.0}, 3, 3, 0b1_1000_0000_0001),
        ({"battery_test_remaining": 5.0}, 3, 4, 0b1_1000_0000_0001),
        ({"battery_connected": False}, 3, 9, 0b1_1000_0000_0001),
        ({"faults": {"battery_alarm"}}, 3, 8, 0b1_1000_0000_0001),
    ],
    ids=str,
)
async def test_what_feeds_the_output_shows_on_both_channels(card, read, get, change, source, battery, modbus):
    for attribute, value in change.items():
        setattr(card.ups, attribute, value)
    assert await get("4.1.0", "2.1.0") == [source, battery]
    assert await read(0x0030) == [modbus]


@pytest.mark.parametrize(
    ("change", "alarm", "rfc"),
    [
        ({"stopping": True}, 1, None),
        ({"loads": [70_000.0] * 3}, 2, 8),
        ({"temperature": 50.0}, 3, 5),
        ({"mains": False, "state_of_charge": 20.0}, 14, 3),
        ({"mains": False}, 15, 2),
        ({"battery_test_failed": True}, 18, 19),
        ({"on_bypass": True}, 55, 9),
        ({"standby": True}, 56, 14),
    ],
    ids=str,
)
async def test_alarms_come_as_rows_and_go(card, client, get, change, alarm, rfc):
    assert await get("6.1.0") == [0]
    before = {name: getattr(card.ups, name) for name in change}
    for name, value in change.items():
        setattr(card.ups, name, value)
    assert await get(f"6.3.{alarm}.0") == [1]
    count = (await get("6.1.0"))[0]
    rows = await client.get(UPS + "6.2.1.2", kind=Kind.GET_BULK, index=count)
    assert oid(f"{UPS}6.3.{alarm}") in rows.values()
    assert all(name.startswith(UPS + "6.2.1.2.") for name in rows)
    count = (await get("6.1.0", root=RFC))[0]
    rows = await client.get(RFC + "6.2.1.2", kind=Kind.GET_BULK, index=max(1, count))
    assert (rfc is None) or oid(f"{RFC}6.3.{rfc}") in rows.values()
    for name, value in before.items():
        setattr(card.ups, name, value)
    assert await get(f"6.3.{alarm}.0", "6.1.0") == [0, 0]
    assert not [row for row in card.agent.mib.objects if row[: len(oid(UPS + "6.2"))] == oid(UPS + "6.2")]


async def test_rfc_1628_counts_in_volts(card, get):
    card.ups.lose_mains()
    card.advance(60)
    assert await get("1.1.0", "2.1.0", "2.2.0", "4.1.0", root=RFC) == [b"SOCOMEC", 2, 60, 5]
    assert await get("4.4.1.2.1", "4.4.1.3.1", "4.4.1.4.1", "4.4.1.5.1", root=RFC) == [230, 1043, 21_600, 40]
    assert await get("9.5.0", "9.6.0", "7.3.0", root=RFC) == [180_000, 162_000, 6]


async def test_the_system_group(get):
    assert await get("2.0", "5.0", root="1.3.6.1.2.1.1.") == [oid("1.3.6.1.4.1.8072.3.2.10"), b"NET VISION"]


async def test_without_an_emd_there_is_no_instance(get):
    assert await get("10.1.0", "10.3.0") == [Tag.NO_SUCH_INSTANCE] * 2


async def test_an_emd(socket_enabled, snmp):
    async with NetVisionCard("netys", emd=Emd(temperature=21.4, humidity=55.0, input_1=3)) as card:
        client = await snmp(card.agent)
        served = await client.get(*(f"{UPS}10.{n}.0" for n in (1, 2, 3, 4)))
        assert list(served.values()) == [214, 550, 3, 1]


# Commands and settings


async def test_commands(card, command, get):
    ups = card.ups
    ups.battery_test_failed = True
    for number, state in (
        (Command.ECO_MODE, (True, False, False)),
        (Command.NORMAL_MODE, (False, False, False)),
        (Command.ON_BYPASS, (False, True, False)),
        (Command.ON_INVERTER, (False, False, False)),
        (Command.STANDBY_ON, (False, False, True)),
        (Command.STANDBY_OFF, (False, False, False)),
        (Command.ALARM_RESET, (False, False, False)),
    ):
        assert await command(number) is None
        assert (ups.eco, ups.on_bypass, ups.standby) == state
    assert list(card.commands) == [3, 4, 6, 7, 1, 2, 5]
    assert (ups.battery_test_failed, ups.acknowledgements) == (False, 1)
    assert await get("7.1.0") == [5]


async def test_a_closed_gate_lets_no_command_through(card, command):
    card.ups.remote_control = False
    assert await command(Command.STANDBY_ON) == Error.GEN_ERR
    card.closed_gate = Error.INCONSISTENT_VALUE
    assert await command(Command.STANDBY_ON) == Error.INCONSISTENT_VALUE
    assert await command(Command.STANDBY_ON, version=V1) == Error.BAD_VALUE
    assert not card.ups.standby


@machine
async def test_a_netys_does_not_transfer_to_bypass(card, command):
    assert await command(Command.ON_BYPASS) == Error.GEN_ERR
    assert not card.commands


async def test_commands_are_checked(card, command):
    assert await command(8) == Error.WRONG_VALUE
    assert await command(0, version=V1) == Error.BAD_VALUE
    assert await command(1, community="public") == Error.NO_ACCESS
    card.lose_ups()
    assert await command(1) == Error.GEN_ERR
    assert not card.commands


@pytest.mark.parametrize(
    ("suffix", "good", "bad"),
    [
        ("7.2.0", 300, None),
        ("7.3.0", 1, 3),
        ("7.4.1.2.13", 3, 4),
        ("7.4.1.3.1", 10_080, 10_081),
        ("7.4.1.4.1", 3600, -1),
        ("7.5.1.2.7", 8, 9),
        ("7.5.1.3.7", "23:59", "24:00"),
        ("7.6.1.2.8", "24/12/2026", "24/13/2026"),
        ("7.6.1.5.8", "06:30", "6.30h"),
        ("7.7.1.4.7", 1, 0),
        ("9.10.0", 60, 61),
        ("9.5.0", "23:59:59", "23:59:60"),
    ],
)
async def test_a_setting_is_kept_within_its_range(client, get, suffix, good, bad):
    def value(content):
        return UPS + suffix, text(content) if isinstance(content, str) else Value(Tag.INTEGER, content)

    assert await client.error(value(good)) is None
    kept = good.encode() if isinstance(good, str) else good
    assert await get(suffix) == [kept]
    if bad is not None:
        assert await client.error(value(bad)) == (Error.WRONG_VALUE, 1)
    assert await client.error((UPS + suffix, Value(Tag.NULL))) == (Error.WRONG_TYPE, 1)
    assert await get(suffix) == [kept]


async def test_the_tables_of_settings_have_their_rows(card, client):
    assert await client.error((UPS + "7.4.1.3.14", Value(Tag.INTEGER, 1))) == (Error.NO_CREATION, 1)
    assert await client.error((UPS + "7.4.1.1.1", Value(Tag.INTEGER, 1))) == (Error.NOT_WRITABLE, 1)
    rows = {name: max(row for key, row in card.settings if key == name) for name, _ in card.settings}
    assert rows["upsControlEventStatus"] == 13
    assert rows["upsControlWeeklyShutdownDay"] == rows["upsControlEcoModeStartDay"] == 7
    assert rows["upsControlSpecialShutdownDay"] == rows["trapsReceiverAddr"] == 8
    assert rows["nameOfDevice"] == 2


async def test_addresses_and_names_are_set_as_such(card, client, get):
    assert await client.error((UPS + "9.1.0", Value(Tag.IP_ADDRESS, bytes((192, 0, 2, 99))))) is None
    assert card.settings["upsAgentIpaddress", 0] == "192.0.2.99"
    assert await get("9.1.0") == [bytes((192, 0, 2, 99))]
    assert await client.error((UPS + "9.1.0", Value(Tag.IP_ADDRESS, bytes(3)))) == (Error.WRONG_LENGTH, 1)
    assert await client.error((UPS + "7.5.1.3.1", text("00:00:00"))) == (Error.WRONG_LENGTH, 1)
    assert await client.error((RFC + "7.1.0", Value(Tag.OID, (1, 3, 6)))) is None
    assert await get("7.1.0", root=RFC) == [(1, 3, 6)]


async def test_a_set_that_times_out_may_have_been_taken(card, client, get):
    card.agent.inject(silence(), requests=1)
    client.ask(Kind.SET, (UPS + "7.1.0", Value(Tag.INTEGER, 3)), community="private")
    assert await get("4.1.0") == [Output.ECO]


# A card without its UPS, and one that reboots


async def test_a_card_that_lost_its_ups_goes_on_answering(card, read, get):
    before = await get("2.4.0", "4.1.0")
    card.lose_ups()
    card.ups.lose_mains()
    card.advance(600)
    assert await get("6.3.58.0", "6.3.15.0", "6.1.0") == [1, 0, 1]
    assert await get("2.4.0", "4.1.0") == before
    assert await get("6.1.0", root=RFC) == [1]
    assert await read(0x0040) == NO_UPS
    card.stale_modbus = True
    assert await read(0x0056) == [100]
    card.find_ups()
    assert await get("6.3.58.0", "6.3.15.0") == [0, 1]
    assert await read(0x0059) == [600]


async def test_a_card_reboots(card, snmp, connect):
    ports = card.modbus.port, card.agent.port
    client = await connect(card.modbus)
    await card.reboot(0)
    assert (card.modbus.port, card.agent.port) == ports
    assert not client.connected
    assert (await (await connect(card.modbus)).read_holding_registers(0x000F, device_id=1)).registers == [0x8300]
    assert await (await snmp(card.agent)).get(UPS + "1.1.0") == {UPS + "1.1.0": b"MASTERYS GP4 3x60"}


async def test_a_channel_that_is_off_is_refused(socket_enabled, connect):
    async with NetVisionCard("netys", modbus_enabled=False, snmp_enabled=False) as card:
        assert card.modbus.port
        assert card.agent.port
        assert not card.agent.listening
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(card.host, card.modbus.port)


def test_a_card_serves_one_kind_of_machine():
    with pytest.raises(TypeError):
        _ = NetVisionCard("statys").ups
    with pytest.raises(TypeError):
        _ = NetVisionCard("netys").sts


# Traps


@pytest.fixture
async def traps(card, snmp):
    """What the card sends: the numbers of the traps that are waiting, without those of the alarm tables."""
    receiver = await snmp()
    card.trap_filter = True
    card.send_traps_to("127.0.0.1", receiver.port)

    async def traps(count):
        return [await receiver.trap() for _ in range(count)]

    return traps


def numbers(sent):
    return [number for number, _ in sent]


async def test_traps_of_a_power_cut(card, traps):
    card.ups.lose_mains()
    card.advance(1)
    sent = await traps(3)
    assert numbers(sent) == [1, 15, 19]
    assert sent[0][1] == {UPS + "2.3.0": 37, UPS + "2.2.0": 1}
    card.advance(60)
    assert await traps(1) == [(1, {UPS + "2.3.0": 36, UPS + "2.2.0": 61})]
    card.ups.state_of_charge = 20.0
    card.advance(0)
    assert numbers(await traps(1)) == [10]
    card.ups.state_of_charge = 5.0
    card.advance(0)
    assert numbers(await traps(1)) == [5]
    card.ups.state_of_charge = 0.0
    card.advance(0)
    assert numbers(await traps(2)) == [9, 13]
    card.ups.restore_mains()
    card.advance(1)
    assert numbers(await traps(3)) == [22, 23, 24]


async def test_traps_of_other_events(card, traps):
    card.ups.loads = [60_000.0] * 3
    card.advance(0)
    assert numbers(await traps(3)) == [6, 7, 19]
    card.ups.loads = [20_000.0] * 3
    card.ups.on_bypass = True
    card.advance(0)
    assert numbers(await traps(2)) == [18, 24]
    card.lose_ups()
    card.lose_ups()
    card.find_ups()
    card.find_ups()
    assert numbers(await traps(2)) == [14, 25]
    await card.reboot(0)
    assert numbers(await traps(1)) == [27]


async def test_a_request_lets_the_card_notice(card, traps, get):
    card.ups.on_bypass = True
    assert await get("6.3.55.0") == [1]
    assert numbers(await traps(1)) == [18]


async def test_alarm_rows_have_traps_of_their_own(card, snmp):
    receiver = await snmp()
    card.send_traps_to("127.0.0.1", receiver.port)
    card.ups.eco = card.ups.on_bypass = True
    card.advance(0)
    assert await receiver.trap() == (3, {UPS + "6.2.1.1.1": 1, UPS + "6.2.1.2.1": oid(UPS + "6.3.55")})
    assert (await receiver.trap())[0] == 18
    card.ups.on_bypass = False
    card.advance(0)
    assert await receiver.trap() == (4, {UPS + "6.2.1.1.1": 1, UPS + "6.2.1.2.1": oid(UPS + "6.3.55")})


async def test_traps_of_version_1(card, snmp):
    receiver = await snmp()
    card.trap_filter = True
    card.send_traps_to("127.0.0.1", receiver.port, version="v1")
    card.ups.mains = False
    card.advance(5)
    _, reader = open_message(await receiver.receive())
    reader.octets()
    trap = read_trap(reader)
    assert (trap.enterprise, trap.specific) == (oid("1.3.6.1.4.1.4555.1.1.7.2"), 1)
    assert [value.content for _, value in trap.bindings] == [36, 5]


@transfer
async def test_traps_of_a_statys(card, traps):
    card.sts.sources[1] = Condition.ABSENT
    card.advance(1)
    assert await traps(2) == [(4, {TRANSFER + "7.1.0": b""}), (7, {TRANSFER + "7.1.0": b""})]
    card.sts.sources[1] = Condition.OK
    card.advance(10)
    assert numbers(await traps(2)) == [3, 8]


# A statys


@transfer
async def test_a_statys_transfers_when_its_source_goes_and_returns(card, read, get):
    assert await read(0x0140, 3) == [0b1001_0100_0101_0001, 0b1_0000_1000_0011, 0b10_0000_0000_1000]
    assert await read(0x0148, 2) == [0, 0]
    assert await get("2.1.0", "3.1.0", "4.1.0", "5.1.0", "5.2.0", root=TRANSFER) == [2, 2, 2, 2, 2]
    card.sts.sources[1] = Condition.ABSENT
    card.advance(0.01)
    assert await read(0x0140, 3) == [0b1001_0100_0101_1000, 0b1_0001_0000_0101, 0b10_0000_0001_0000]
    # The source that was left does not do for a transfer.
    assert await read(0x0148, 2) == [1 << 7, 1 << 15]
    assert await get("2.1.0", "5.1.0", "5.2.0", "2.2.0", "3.2.0", root=TRANSFER) == [5, 3, 3, 2, 1]
    assert await get("6.1.2.0", "6.1.8.0", root=TRANSFER) == [1, 1]
    card.sts.sources[1] = Condition.OK
    card.advance(4)
    assert card.sts.active == 2
    card.advance(4)
    assert card.sts.active == 1


@transfer
async def test_the_measures_of_a_statys(card, read, get):
    card.sts.sources[2] = Condition.OUT_OF_TOLERANCE
    card.sts.synchronisation = Synchronisation.SLIDING
    measures = await read(0x0220, 64)
    assert measures[:16] == [230, 230, 230, 398, 398, 398, 500, 36, 198, 198, 198, 343, 343, 343, 500, 29]
    assert measures[16:23] == [230, 230, 230, 398, 398, 398, 500]
    assert measures[23:32] == [0xFFFF, 39, 37, 40, 3, 0xFFFF, 40, 0xFFFF, 2]
    assert measures[32:38] == [9, 8, 9, 90, 90, 90]
    assert measures[40:43] == [14, 14, 14]
    assert measures[47:52] == [27, 8, 8, 8, 24]
    assert measures[56:60] == [39, 37, 40, 3]
    assert await read(0x0140) == [0b0010_0101_0001_0001]
    assert await get("2.5.1.2.1", "3.5.1.2.3", "5.6.1.3.1", root=TRANSFER) == [230, 198, 39]
    assert await get("3.1.0", "4.1.0", "5.3.0", "5.4.0", root=TRANSFER) == [4, 3, 500, 40]


@transfer
async def test_a_statys_knows_no_other_mib(card, get):
    assert await get("1.1.0", root=TRANSFER) == [b"STATYS 100A 3P"]
    assert await get("1.1.0") == [Tag.NO_SUCH_OBJECT]
    assert await get("1.1.0", root=RFC) == [Tag.NO_SUCH_OBJECT]


# The models


def test_a_battery_empties_and_fills():
    ups = Ups(UpsConfig(battery_energy=100.0, charger_power=100.0, efficiency=1.0), loads=[1000.0])
    ups.mains = ups.bypass_supply = False
    assert ups.time_to_go == pytest.approx(360)
    ups.advance(180)
    assert ups.state_of_charge == pytest.approx(50)
    assert ups.time_on_battery == 180
    ups.advance(181)
    assert (ups.state_of_charge, ups.output, ups.load, ups.time_to_go) == (0, Output.OFF, 0, None)
    ups.restore_mains()
    ups.advance(1800)
    assert ups.state_of_charge == pytest.approx(50)
    assert (ups.output, ups.time_on_battery) == (Output.INVERTER, 0)


def test_a_converter_has_no_battery():
    ups = Ups(UpsConfig(battery=False))
    ups.advance(10)
    readings = ups.readings()
    assert "state_of_charge" not in readings.measures
    assert readings.states["battery_status"] == 1
    ups.lose_mains()
    assert ups.output is Output.OFF


@pytest.mark.parametrize("fails", [True, False])
def test_a_battery_test(fails):
    ups = Ups(battery_test_fails=fails)
    ups.start_battery_test(10)
    ups.advance(6)
    assert ups.battery_test
    ups.advance(6)
    assert (ups.battery_test, ups.battery_test_failed) == (False, fails)
    assert ups.state_of_charge < 100
    ups.lose_mains()
    ups.start_battery_test(10)
    assert not ups.battery_test


def test_an_eco_mode_ends_with_the_mains():
    ups = Ups(eco=True)
    assert ups.output is Output.ECO
    ups.lose_mains()
    assert (ups.output, ups.on_battery) == (Output.INVERTER, True)


def test_a_system_whose_units_are_all_out_feeds_nothing():
    ups = Ups(UpsConfig(units=2))
    for unit in ups.units:
        unit.in_service = False
    assert ups.output is Output.OFF


def test_a_locked_transfer_system_stays():
    sts = Sts(transfer_locked=True)
    sts.sources[1] = Condition.OUT_OF_TOLERANCE
    sts.advance(1)
    assert sts.active == 1
    assert "output_bad" in sts.readings().flags


def test_without_any_source_nothing_is_fed():
    sts = Sts()
    sts.sources = {1: Condition.ABSENT, 2: Condition.ABSENT}
    sts.advance(1)
    readings = sts.readings()
    assert (sts.active, sts.feeding) == (None, None)
    assert readings.measures["output_power"] == 0
    assert readings.states["load_status"] == readings.states["switch_status"] == 4
    sts.sources[2] = Condition.OK
    sts.advance(1)
    assert sts.active == 2


def test_a_manual_bypass():
    readings = Sts(manual_bypass=2).readings()
    assert readings.states["load_status"] == 6
    assert {"manual_bypass_2", "manual_bypass"} <= readings.flags
    assert "on_preferred" not in readings.flags


def test_words_keep_their_sign():
    ups = Ups(UpsConfig(phases=3, rated_power=9000.0, battery_voltage=100.0, efficiency=0.9), loads=[3300.0] * 3)
    ups.lose_mains()
    readings = ups.readings()
    # 9900 W out of the inverter are 11 kW out of 110 V.
    assert words(VUMAP, readings, bits(VUMAP, readings), tenths=True)[0x0052] == 0x10000 - 1000

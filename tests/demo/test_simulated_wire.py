"""Every fault of the wire, seen by a client that is told nothing else."""

import asyncio
import struct

import pytest

from demo import faults
from demo.faults import Answer
from demo.modbus import PlainModbusServer, SilentServer

READ = struct.pack(">BBHH", 30, 3, 2600, 2)
ANSWER = struct.pack(">BBBHH", 30, 3, 4, 1200, 7)


@pytest.fixture(autouse=True)
def grid(gx):
    return gx.add_service("grid", 30, {"/Ac/L1/Power": 1200.0, "/Ac/L2/Power": 7.0, "/CustomName": ""})


async def test_requests_in_flight_are_all_answered(wire):
    for transaction in (5, 6, 7):
        await wire.send(transaction, READ)
    assert [await wire.receive() for _ in range(3)] == [(transaction, ANSWER) for transaction in (5, 6, 7)]


async def test_a_request_in_pieces_is_answered(wire):
    frame = struct.pack(">HHH", 9, 0, len(READ)) + READ
    for piece in (frame[:3], frame[3:8], frame[8:]):
        wire.writer.write(piece)
        await wire.writer.drain()
    assert await wire.receive() == (9, ANSWER)


async def test_an_empty_frame_is_passed_over(wire):
    await wire.send(1, b"\x1e")
    await wire.send(2, b"")
    await wire.send(3, READ)
    assert await wire.receive() == (3, ANSWER)


async def test_silence_swallows_so_many_requests(gx, wire):
    gx.inject(faults.silence(), requests=2)
    for transaction in (1, 2, 3):
        await wire.send(transaction, READ)
    assert await wire.receive() == (3, ANSWER)
    assert [request.exception for request in gx.requests] == [None] * 3


async def test_a_fault_lasts_until_it_is_removed(gx, exchange):
    with gx.inject(faults.zeros()):
        assert await exchange(READ) == ANSWER[:3] + bytes(4)
        assert await exchange(READ) == ANSWER[:3] + bytes(4)
    assert await exchange(READ) == ANSWER
    gx.inject(faults.zeros()).remove()
    assert await exchange(READ) == ANSWER


async def test_a_fault_may_concern_some_requests_only(gx, exchange):
    gx.inject(faults.zeros(), only=lambda request: request.address == 2601)
    assert await exchange(READ) == ANSWER
    assert await exchange(struct.pack(">BBHH", 30, 3, 2601, 1)) == struct.pack(">BBBH", 30, 3, 2, 0)


async def test_a_delayed_answer_is_overtaken_and_still_sent(gx, wire):
    gx.inject(faults.delay(0.05), requests=1)
    await wire.send(1, READ)
    await wire.send(2, READ)
    assert [await wire.receive(), await wire.receive()] == [(2, ANSWER), (1, ANSWER)]


async def test_a_cut_answer_ends_in_the_middle_with_the_connection(gx, wire):
    gx.inject(faults.cut(), requests=1)
    await wire.send(1, READ)
    await wire.send(2, READ)
    whole = struct.pack(">HHH", 1, 0, len(ANSWER)) + ANSWER
    assert await wire.reader.read() == whole[: len(whole) // 2]


async def test_a_flipped_data_bit_changes_one_value(gx, exchange):
    gx.inject(faults.flip_data_bit(3), requests=1)
    assert await exchange(READ) == struct.pack(">BBBHH", 30, 3, 4, 1200 ^ 8, 7)
    gx.inject(faults.flip_data_bit(15), requests=1)
    assert await exchange(READ) == struct.pack(">BBBHH", 30, 3, 4, 1200 ^ 0x8000, 7)


async def test_a_flipped_header_bit_changes_the_unit_id(gx, exchange):
    gx.inject(faults.flip_header_bit(0), requests=1)
    assert await exchange(READ) == b"\x1f" + ANSWER[1:]


async def test_a_burst_of_zeros_leaves_exceptions_and_writes_alone(gx, exchange):
    gx.inject(faults.zeros())
    gx.inject(faults.flip_data_bit())
    assert await exchange(struct.pack(">BBHH", 31, 3, 2600, 1)) == bytes((31, 0x83, 10))
    assert await exchange(struct.pack(">BBHH", 30, 6, 2650, 0x4142)) == struct.pack(">BBHH", 30, 6, 2650, 0x4142)


async def test_an_answer_may_carry_another_transaction_id(gx, wire):
    gx.inject(faults.other_transaction(-1), requests=1)
    await wire.send(0, READ)
    assert await wire.receive() == (0xFFFF, ANSWER)


async def test_a_gateway_may_refuse(gx, exchange):
    gx.inject(faults.exception(11), requests=1)
    assert await exchange(READ) == bytes((30, 0x83, 11))
    assert await exchange(READ) == ANSWER


async def test_faults_combine(gx, wire):
    gx.inject(faults.zeros(), requests=1)
    gx.inject(faults.other_transaction(2), requests=1)
    await wire.send(1, READ)
    assert await wire.receive() == (3, ANSWER[:3] + bytes(4))


@pytest.mark.parametrize("fault", [faults.flip_header_bit(), faults.other_transaction(), faults.exception(11)])
def test_nothing_comes_of_an_answer_that_is_swallowed(fault):
    assert fault(faults.silence()(Answer(b"answer"))) == Answer(b"")


async def test_a_disconnect_ends_the_connection_instead_of_an_answer(gx, wire):
    gx.inject(faults.disconnect(), requests=1)
    await wire.send(1, READ)
    assert await wire.reader.read() == b""


async def test_an_answer_that_outlives_its_connection_goes_nowhere(gx, wire, exchange):
    gx.inject(faults.delay(3600), requests=1)
    await wire.send(1, READ)
    assert await exchange(READ) == ANSWER
    (connection,) = gx.connections
    (late,) = connection.timers
    gx.disconnect_all()
    assert late.cancelled()
    assert await wire.reader.read() == b""


async def test_a_stopped_server_closes_its_connections_and_refuses_new_ones(gx, wire):
    gx.stop()
    assert not gx.listening
    assert await wire.reader.read() == b""
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(gx.host, gx.port)


async def test_a_rebooted_server_comes_back_on_the_same_port(gx, wire, connect):
    port = gx.port
    await gx.reboot(0)
    assert (gx.port, gx.listening) == (port, True)
    assert await wire.reader.read() == b""
    client = await connect(gx)
    assert (await client.read_holding_registers(2600, device_id=30)).registers == [1200]


async def test_a_second_start_changes_nothing(gx, exchange):
    await gx.start()
    assert await exchange(READ) == ANSWER


async def test_a_taken_port_is_an_error(gx):
    with pytest.raises(OSError, match=str(gx.port)):
        await PlainModbusServer(gx.port).start()


async def test_connections_are_counted(gx, connect):
    first, _ = await connect(gx), await connect(gx)
    await first.read_holding_registers(2600, device_id=30)
    assert (gx.connections_now, gx.connections_ever) == (2, 2)
    gx.disconnect_all()
    assert (gx.connections_now, gx.connections_ever) == (0, 2)


async def test_a_plain_modbus_device_has_no_registers_of_a_gx(socket_enabled, connect):
    async with PlainModbusServer() as server:
        client = await connect(server)
        assert (await client.read_holding_registers(800, count=6, device_id=100)).exception_code == 2


async def test_a_plain_modbus_device_may_read_zeros_everywhere(socket_enabled, connect):
    async with PlainModbusServer(zeros=True) as server:
        client = await connect(server)
        assert (await client.read_input_registers(800, count=6, device_id=100)).registers == [0] * 6
        assert (await client.write_register(800, 1, device_id=100)).exception_code == 2


async def test_a_silent_port_accepts_and_says_nothing(socket_enabled):
    async with SilentServer() as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(struct.pack(">HHH", 1, 0, len(READ)) + READ)
        writer.write_eof()
        assert await reader.read() == b""
        assert len(server.requests) == 1
        writer.close()

"""The simulated RS485 bus takes the time of its characters, and its gateway speaks both framings, well and badly."""

import asyncio
import itertools
import struct

import pytest
from pymodbus import FramerType
from pymodbus.client import AsyncModbusTcpClient

from demo import faults
from demo.board import Board
from demo.board_units import board_units, still_units
from demo.legrand import ModbusGateway
from demo.modbus import Framing
from demo.rs485 import Bus, Line, crc16, read_time, transaction_time

CHARACTER = 11 / 19_200

READ = struct.pack(">BBHH", 3, 3, 0x1014, 2)
# 300 W, in hundredths.
ANSWER = struct.pack(">BBBI", 3, 3, 4, 30_000)
OTHER_READ = struct.pack(">BBHH", 4, 3, 0x1014, 2)
OTHER_ANSWER = struct.pack(">BBBI", 4, 3, 4, 40_000)


class Wire:
    """Messages in either framing, by hand."""

    def __init__(self, framing, reader, writer):
        self.rtu = framing is Framing.RTU_OVER_TCP
        self.reader = reader
        self.writer = writer

    def frame(self, message, transaction):
        if self.rtu:
            return message + crc16(message)
        return struct.pack(">HHH", transaction, 0, len(message)) + message

    def send(self, message, transaction=7):
        self.writer.write(self.frame(message, transaction))

    async def exact(self, count):
        async with asyncio.timeout(5):
            return await self.reader.readexactly(count)

    async def receive(self):
        """Transaction id, None in RTU, and message."""
        if not self.rtu:
            transaction, _, length = struct.unpack(">HHH", await self.exact(6))
            return transaction, await self.exact(length)
        head = await self.exact(3)
        rest = await self.exact(2 if head[1] & 0x80 else 2 + head[2] if head[1] < 5 else 5)
        frame = head + rest
        assert crc16(frame[:-2]) == frame[-2:]
        return None, frame[:-2]

    async def ask(self, message):
        self.send(message)
        return (await self.receive())[1]

    async def rest(self):
        async with asyncio.timeout(5):
            return await self.reader.read()


@pytest.fixture
async def framing(request):
    return getattr(request, "param", Framing.TCP)


@pytest.fixture
async def gateway(framing, socket_enabled):
    async with ModbusGateway(still_units(range(1, 33)), framing=framing, timing=False) as gateway:
        yield gateway


@pytest.fixture
async def open_wire(gateway):
    wires = []

    async def open_wire():
        wires.append(Wire(gateway.framing, *await asyncio.open_connection(gateway.host, gateway.port)))
        return wires[-1]

    yield open_wire
    for wire in wires:
        wire.writer.close()


@pytest.fixture
async def wire(open_wire):
    return await open_wire()


both = pytest.mark.parametrize("framing", list(Framing), indirect=True)


# Time


def test_a_character_has_the_bits_of_its_setting():
    assert Line().character == CHARACTER
    assert Line(speed=9600, bits=10).character == 10 / 9600


@pytest.mark.parametrize(
    ("speed", "silence"), [(9600, 3.5 * 11 / 9600), (19_200, 3.5 * CHARACTER), (38_400, 0.00175), (115_200, 0.00175)]
)
def test_a_silence_has_the_length_of_the_standard(speed, silence):
    assert Line(speed=speed).silence == pytest.approx(silence)


def test_a_read_takes_the_time_of_its_characters():
    # 8 characters of request, 3.5 of silence, 20 ms of turn-around, 59 of answer, 3.5 of silence.
    expected = (8 + 3.5 + 59 + 3.5) * CHARACTER + 0.02
    assert read_time(27, Line()) == pytest.approx(expected)
    assert read_time(27, Line()) == pytest.approx(1 / 16, abs=0.0005)


def test_bits_are_packed():
    # 13 bits are 2 bytes: 7 characters of answer.
    assert read_time(13, Line(turnaround=0), function=2) == pytest.approx((8 + 3.5 + 7 + 3.5) * CHARACTER)


def test_a_device_may_need_another_turnaround():
    assert read_time(1, Line(), turnaround=0.12) - read_time(1, Line()) == pytest.approx(0.1)


@pytest.mark.parametrize(("answered", "turnaround"), [(None, None), (10, 0.31)])
def test_nobody_answers_for_as_long_as_the_master_waits(answered, turnaround):
    line = Line(timeout=0.3)
    assert transaction_time(5, answered, line, turnaround=turnaround) == pytest.approx(8 * CHARACTER + 0.3)


def test_requests_of_all_clients_go_over_the_bus_one_after_the_other():
    bus, each = Bus(), transaction_time(5, 56, Line())
    assert [bus.carry(100.0, unit, 5, 56) for unit in (1, 2, 3)] == pytest.approx([each, 2 * each, 3 * each])
    # What comes while the bus is busy waits for the rest of it, what comes later for nothing.
    assert bus.carry(100.0 + 2.5 * each, 1, 5, 56) == pytest.approx(1.5 * each)
    assert bus.carry(200.0, 1, 5, 56) == pytest.approx(each)
    assert bus.transactions == 5
    assert bus.taken == pytest.approx(5 * each)


async def test_a_gateway_keeps_the_time_of_its_bus(socket_enabled):
    units = still_units((1, 2))
    del units[2]
    async with ModbusGateway(units, line=Line(turnaround=0.001, timeout=0.01)) as gateway:
        wire = Wire(gateway.framing, *await asyncio.open_connection(gateway.host, gateway.port))
        began = asyncio.get_running_loop().time()
        assert len(await wire.ask(struct.pack(">BBHH", 1, 3, 0x1000, 27))) == 57
        assert await wire.ask(struct.pack(">BBHH", 2, 3, 0x1000, 1)) == bytes((2, 0x83, 11))
        line = gateway.bus.line
        expected = transaction_time(5, 56, line) + transaction_time(5, None, line)
        assert gateway.bus.taken == pytest.approx(expected)
        assert asyncio.get_running_loop().time() - began >= expected
        wire.writer.close()


async def test_a_device_that_is_too_slow_for_the_gateway_is_absent(gateway, wire):
    gateway.bus.slow[3] = 0.4
    assert await wire.ask(READ) == bytes((3, 0x83, 11))
    gateway.bus.slow[3] = 0.2
    assert await wire.ask(READ) == ANSWER


# Both framings


@both
async def test_every_unit_answers_for_itself(gateway, wire):
    for unit in range(1, 33):
        assert await wire.ask(struct.pack(">BBHH", unit, 3, 0x1014, 2)) == struct.pack(
            ">BBBI", unit, 3, 4, unit * 10_000
        )
    assert [request.unit for request in gateway.requests] == list(range(1, 33))


@pytest.mark.parametrize(
    ("framing", "framer"), [(Framing.TCP, FramerType.SOCKET), (Framing.RTU_OVER_TCP, FramerType.RTU)]
)
async def test_another_implementation_reads_and_writes_with_every_function(framing, framer, socket_enabled):
    board = Board()
    async with ModbusGateway(board_units(board), framing=framing, timing=False) as gateway:
        client = AsyncModbusTcpClient(gateway.host, port=gateway.port, framer=framer, timeout=1, retries=0)
        assert await client.connect()
        assert (await client.read_holding_registers(0x1200, count=1, device_id=1)).registers == [5]
        assert (await client.read_input_registers(0x5100, device_id=6)).registers == [1]
        assert (await client.read_discrete_inputs(0x0100, count=4, device_id=31)).bits[:4] == board.inputs
        assert (await client.read_coils(0x0300, count=2, device_id=31)).bits[:2] == [True, False]
        assert not (await client.write_coil(0x0301, True, device_id=31)).isError()
        assert not (await client.write_coils(0x0300, [False], device_id=31)).isError()
        assert [output.working for output in board.outputs] == [False, True]
        assert not (await client.write_register(0x0302, 5, device_id=31)).isError()
        assert not (await client.write_registers(0x0311, [1, 9], device_id=31)).isError()
        assert board.outputs[0].on_time == 5
        assert (board.outputs[1].blinking, board.outputs[1].on_time) == (True, 9)
        assert (await client.read_exception_status(device_id=31)).exception_code == 1
        client.close()
    asked = [request.function for request in gateway.requests]
    assert asked == [3, 4, 2, 1, 5, 15, 6, 16, 7]


@both
async def test_a_request_in_pieces_is_answered(gateway, wire):
    frame = wire.frame(READ, 7)
    for piece in (frame[:3], frame[3:7], frame[7:]):
        wire.writer.write(piece)
        await wire.writer.drain()
    assert (await wire.receive())[1] == ANSWER


@both
async def test_requests_in_one_piece_are_all_answered(gateway, wire):
    wire.writer.write(wire.frame(READ, 1) + wire.frame(OTHER_READ, 2))
    assert [(await wire.receive())[1] for _ in range(2)] == [ANSWER, OTHER_ANSWER]


@pytest.mark.parametrize("framing", [Framing.RTU_OVER_TCP], indirect=True)
@pytest.mark.parametrize("noise", [b"\x00", b"\xff" * 5, READ + b"\0\0", struct.pack(">BBHHB", 3, 16, 0, 1, 200)])
async def test_what_is_no_frame_is_passed_over(gateway, wire, noise):
    wire.writer.write(noise)
    wire.send(READ)
    # What began a long frame is one with what follows, until enough has come.
    for _ in range(30):
        wire.send(READ)
    assert (await wire.receive())[1] == ANSWER


BAD_WRITES = [
    struct.pack(">BBHH", 31, 5, 0x0300, 0x0001),
    struct.pack(">BBHHBB", 31, 15, 0x0300, 9, 1, 0),
    struct.pack(">BBHHBB", 31, 15, 0x0300, 1, 2, 0),
    struct.pack(">BBHHBH", 31, 16, 0x0302, 2, 2, 5),
]


@pytest.mark.parametrize("message", BAD_WRITES)
async def test_a_write_that_does_not_fit_is_refused(socket_enabled, message):
    board = Board()
    async with ModbusGateway(board_units(board), timing=False) as gateway:
        wire = Wire(gateway.framing, *await asyncio.open_connection(gateway.host, gateway.port))
        assert await wire.ask(message) == bytes((31, message[1] | 0x80, 3))
        assert board.outputs[0].working
        wire.writer.close()


@both
@pytest.mark.parametrize(
    ("absent", "answer"), [("exception", bytes((99, 0x83, 11))), ("zeros", bytes((99, 3, 4)) + bytes(4))]
)
async def test_an_absent_unit_is_told_or_made_up(gateway, wire, absent, answer):
    gateway.absent = absent
    assert await wire.ask(struct.pack(">BBHH", 99, 3, 0x1014, 2)) == answer
    gateway.units[3].answers = False
    assert (await wire.ask(READ))[1:] == answer[1:]


async def test_a_gateway_that_makes_values_up_writes_nothing(gateway, wire):
    gateway.absent = "zeros"
    assert await wire.ask(struct.pack(">BBHH", 99, 6, 0x1014, 2)) == bytes((99, 0x86, 11))


@both
async def test_an_absent_unit_may_be_silence(gateway, wire):
    gateway.absent = "silence"
    wire.send(struct.pack(">BBHH", 99, 3, 0x1014, 2))
    assert await wire.ask(READ) == ANSWER


async def test_a_gateway_may_take_one_client_alone(gateway, open_wire):
    gateway.most = 1
    first = await open_wire()
    assert await first.ask(READ) == ANSWER
    second = await open_wire()
    assert await second.rest() == b""
    assert (gateway.connections_now, gateway.connections_refused) == (1, 1)
    assert await first.ask(READ) == ANSWER


# Faults


@both
async def test_silence_swallows_a_request(gateway, wire):
    gateway.inject(faults.silence(), requests=1)
    wire.send(READ)
    assert await wire.ask(OTHER_READ) == OTHER_ANSWER


@both
async def test_a_late_answer_comes_after_that_of_the_next_request(gateway, wire):
    gateway.inject(faults.delay(0.05), requests=1)
    wire.send(READ, 1)
    wire.send(OTHER_READ, 2)
    assert [(await wire.receive())[1] for _ in range(2)] == [OTHER_ANSWER, ANSWER]


@both
async def test_a_cut_answer_ends_in_the_middle(gateway, wire):
    gateway.inject(faults.cut())
    wire.send(READ)
    whole = wire.frame(ANSWER, 7)
    assert await wire.rest() == whole[: len(whole) // 2]


@both
async def test_a_disconnect_ends_the_connection(gateway, wire):
    gateway.inject(faults.disconnect())
    wire.send(READ)
    assert await wire.rest() == b""


@both
async def test_a_flipped_bit_is_a_wrong_value_unless_there_is_a_checksum(gateway, wire):
    gateway.inject(faults.flip_data_bit(3))
    wire.send(READ)
    wrong = struct.pack(">BBBI", 3, 3, 4, 30_000 ^ 8 << 16)
    frame = ANSWER + crc16(ANSWER) if wire.rtu else wire.frame(ANSWER, 7)
    assert await wire.exact(len(frame)) == (wrong + crc16(ANSWER) if wire.rtu else wire.frame(wrong, 7))


@both
async def test_a_flipped_bit_of_the_header_is_another_unit(gateway, wire):
    gateway.inject(faults.flip_header_bit())
    wire.send(READ)
    wrong = b"\x02" + ANSWER[1:]
    frame = wrong + crc16(ANSWER) if wire.rtu else wire.frame(wrong, 7)
    assert await wire.exact(len(frame)) == frame


@both
async def test_an_answer_may_be_all_zeros_or_half(gateway, wire):
    with gateway.inject(faults.zeros()):
        assert await wire.ask(READ) == ANSWER[:3] + bytes(4)
    with gateway.inject(faults.half_zeros()):
        assert await wire.ask(struct.pack(">BBHH", 3, 3, 0x1012, 4)) == (
            struct.pack(">BBBI", 3, 3, 8, 398_372) + bytes(4)
        )
        # Of an odd number of registers the smaller half was there.
        assert await wire.ask(struct.pack(">BBHH", 3, 3, 0x1200, 3)) == struct.pack(">BBBHHH", 3, 3, 6, 5, 0, 0)
    assert await wire.ask(READ) == ANSWER


@both
async def test_a_gateway_may_refuse(gateway, wire):
    gateway.inject(faults.exception(6))
    assert await wire.ask(READ) == bytes((3, 0x83, 6))


@both
async def test_an_answer_may_be_of_another_unit(gateway, wire):
    gateway.inject(faults.other_unit(2))
    assert await wire.ask(READ) == b"\x05" + ANSWER[1:]


@both
async def test_swapped_answers_are_those_of_the_request_before(gateway, wire):
    gateway.inject(faults.swapped(), requests=3)
    wire.send(READ, 1)
    wire.send(OTHER_READ, 2)
    transaction = None if wire.rtu else 2
    assert await wire.receive() == (transaction, ANSWER)
    assert await wire.ask(READ) == OTHER_ANSWER
    assert await wire.ask(READ) == ANSWER


@both
@pytest.mark.parametrize(("fault", "transaction"), [(faults.other_transaction(5), 12), (faults.no_transaction(), 0)])
async def test_a_transaction_id_may_be_wrong_where_there_is_one(gateway, wire, fault, transaction):
    gateway.inject(fault)
    wire.send(READ, 7)
    assert await wire.receive() == ((None if wire.rtu else transaction), ANSWER)


@both
async def test_faults_combine_and_concern_some_requests_alone(gateway, wire):
    gateway.inject(faults.zeros(), only=lambda request: request.unit == 4)
    gateway.inject(faults.other_unit(), only=lambda request: request.unit == 4)
    assert await wire.ask(OTHER_READ) == b"\x05" + OTHER_ANSWER[1:3] + bytes(4)
    assert await wire.ask(READ) == ANSWER


@pytest.mark.parametrize("rtu", [False, True])
@pytest.mark.parametrize(
    "fault",
    [
        *(faults.flip_header_bit(), faults.flip_data_bit(), faults.zeros(), faults.half_zeros(), faults.swapped()),
        *(faults.other_transaction(), faults.no_transaction(), faults.other_unit(), faults.exception(11)),
    ],
)
def test_nothing_comes_of_an_answer_that_is_swallowed(fault, rtu):
    assert fault(faults.Answer(b"", rtu=rtu)) == faults.Answer(b"", rtu=rtu)


@both
@pytest.mark.parametrize("fault", [faults.zeros(), faults.half_zeros(), faults.flip_data_bit()])
async def test_faults_of_values_leave_refusals_alone(gateway, wire, fault):
    gateway.inject(fault)
    assert await wire.ask(struct.pack(">BBHH", 99, 3, 0x1014, 2)) == bytes((99, 0x83, 11))


def test_no_two_meters_that_stand_still_show_the_same():
    shown = [unit.read(3, 0x1006, 24) for unit in still_units(range(1, 248)).values()]
    for one, other in itertools.combinations(shown, 2):
        assert one != other

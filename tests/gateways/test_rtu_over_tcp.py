"""Frames with and without numbers, byte by byte over real sockets: no answer is ever taken for another one's."""

import asyncio
import os
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise

import hypothesis.strategies as st
import pytest
from hypothesis import example, given
from modbus_connection import ModbusError, ModbusTcpParams
from pymodbus.pdu import DecodePDU

from custom_components.energy_suite.gateways.base import CannotConnect, DeviceGone, NotSupported
from custom_components.energy_suite.gateways.connections import Pool, RtuOverTcp
from custom_components.energy_suite.gateways.framing import Numbers, RtuFramer, TcpFramer
from custom_components.energy_suite.gateways.registers import translated_errors
from demo.rs485 import crc16

HOST = "127.0.0.1"
TIMEOUT = 0.1
ENOUGH = 10.0
UNIT, OTHER = 3, 4

RTU, TCP = "rtu_over_tcp", "tcp"


@dataclass(frozen=True)
class Asked:
    """A request as it arrived."""

    unit: int
    pdu: bytes
    number: int = 0

    @property
    def function(self) -> int:
        return self.pdu[0]

    @property
    def address(self) -> int:
        return int.from_bytes(self.pdu[1:3])

    @property
    def count(self) -> int:
        return int.from_bytes(self.pdu[3:5])


def words(unit: int, address: int, many: int) -> list[int]:
    """What a unit holds: every register of every unit is another number."""
    return [unit * 1000 + at for at in range(address, address + many)]


def answer(asked: Asked) -> bytes:
    """The PDU of the right answer."""
    if asked.function in (3, 4):
        data = b"".join(word.to_bytes(2) for word in words(asked.unit, asked.address, asked.count))
        return bytes((asked.function, len(data))) + data
    if asked.function in (1, 2):
        size = (asked.count + 7) // 8
        return bytes((asked.function, size)) + bytes([0b101] * size)
    return asked.pdu[:5]


def framed(framing: str, unit: int, pdu: bytes, number: int) -> bytes:
    if framing == RTU:
        body = bytes((unit,)) + pdu
        return body + crc16(body)
    return number.to_bytes(2) + bytes(2) + (len(pdu) + 1).to_bytes(2) + bytes((unit,)) + pdu


type Answers = Callable[[Asked, bytes], Iterable[bytes]]
"""From a request and the right answer's frame to what is sent, piece by piece."""


class Converter:
    """A gateway whose next answers are scripted, byte by byte; else it answers as it should."""

    def __init__(self, framing: str) -> None:
        self.framing = framing
        self.script: list[Answers] = []
        self.asked: list[Asked] = []
        self.connections = 0
        self.writers: list[asyncio.StreamWriter] = []

    def frame(self, unit: int, pdu: bytes, number: int = 0) -> bytes:
        return framed(self.framing, unit, pdu, number)

    async def __aenter__(self):
        self.server = await asyncio.start_server(self._serve, HOST, 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        for writer in self.writers:
            writer.close()
        self.server.close()
        await self.server.wait_closed()

    async def _serve(self, reader, writer):
        self.connections += 1
        self.writers.append(writer)
        try:
            while True:
                asked = await self._receive(reader)
                self.asked.append(asked)
                right = self.frame(asked.unit, answer(asked), asked.number)
                for piece in self.script.pop(0)(asked, right) if self.script else [right]:
                    writer.write(piece)
                    await asyncio.sleep(0.001)
        except asyncio.IncompleteReadError, ConnectionError:
            writer.close()

    async def _receive(self, reader) -> Asked:
        if self.framing == TCP:
            head = await reader.readexactly(7)
            pdu = await reader.readexactly(int.from_bytes(head[4:6]) - 1)
            return Asked(head[6], pdu, int.from_bytes(head[:2]))
        frame = await reader.readexactly(6)
        if frame[1] in (15, 16):
            frame += await reader.readexactly(1)
            frame += await reader.readexactly(frame[-1])
        assert crc16(frame) == await reader.readexactly(2)
        return Asked(frame[0], frame[1:])


@pytest.fixture(autouse=True)
async def complaints(caplog):
    """Whatever is on the wire, neither pymodbus nor the event loop says a word."""
    complaints = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    yield
    assert complaints == []
    assert [record for record in caplog.records if record.name.startswith("pymodbus")] == []


@pytest.fixture(params=[RTU, TCP])
def framing(request):
    return request.param


@pytest.fixture
async def converter(socket_enabled, framing):
    async with Converter(framing) as converter:
        yield converter


@pytest.fixture
def pool():
    return Pool()


@pytest.fixture
async def lease(converter, pool):
    host, port = HOST, converter.port
    endpoint = RtuOverTcp(host, port) if converter.framing == RTU else ModbusTcpParams(host=host, port=port)
    lease = pool.acquire(endpoint, timeout=TIMEOUT)
    yield lease
    await lease.release()


@pytest.fixture
def unit(lease):
    return lease.unit(UNIT)


only_rtu = pytest.mark.parametrize("framing", [RTU], indirect=True)
only_tcp = pytest.mark.parametrize("framing", [TCP], indirect=True)


async def reads(unit, number, address, many=2):
    """The unit reads its own numbers."""
    assert await unit.read_holding_registers(address, many) == words(number, address, many)


async def is_silent(unit, address=10, many=2):
    with pytest.raises(CannotConnect, match="silent"), translated_errors():
        await unit.read_holding_registers(address, many)


# --- what goes right ---------------------------------------------------------------------------------------------


async def test_every_request_goes_through(unit, converter):
    assert await unit.read_coils(0, 3) == [True, False, True]
    assert await unit.read_discrete_inputs(8, 9) == [True, False, True, *[False] * 5, True]
    assert await unit.read_holding_registers(10, 2) == words(UNIT, 10, 2)
    assert await unit.read_input_registers(20, 125) == words(UNIT, 20, 125)
    await unit.write_coil(4, True)
    await unit.write_register(5, 1)
    await unit.write_coils(6, [True] * 9)
    await unit.write_registers(7, [1, 2])
    assert [asked.function for asked in converter.asked] == [1, 2, 3, 4, 5, 6, 15, 16]
    assert converter.connections == 1


async def test_requests_of_several_units_share_the_link(lease, converter):
    units = {number: lease.unit(number) for number in range(1, 6)}
    await asyncio.gather(*(reads(unit, number, 10) for number, unit in units.items()))
    assert converter.connections == 1


@pytest.mark.parametrize(("code", "error"), [(2, NotSupported), (0x0A, DeviceGone), (0x0B, DeviceGone)])
async def test_a_refusal_is_an_answer_and_leaves_the_link_alone(unit, converter, code, error):
    converter.script = [lambda asked, _: [converter.frame(UNIT, bytes((0x83, code)), asked.number)]]
    with pytest.raises(error), translated_errors():
        await unit.read_holding_registers(10, 2)
    await reads(unit, UNIT, 20)
    assert converter.connections == 1


async def test_an_answer_in_pieces_is_put_together(unit, converter):
    converter.script = [lambda _, right: [bytes((byte,)) for byte in right]]
    await reads(unit, UNIT, 10)
    await reads(unit, UNIT, 20)
    assert converter.connections == 1


@only_rtu
@pytest.mark.parametrize("noise", [b"\0", b"\xff\xff", bytes((UNIT,)), bytes((UNIT, 3))])
async def test_stray_bytes_of_a_line_that_turns_around_are_no_harm(unit, converter, noise):
    converter.script = [
        lambda _, right: [noise + right],
        lambda _, right: [noise, right],
        lambda _, right: [right + noise],
        lambda _, right: [right, noise],
    ] * 3
    for address in range(12):
        await reads(unit, UNIT, address)
    assert converter.connections == 1


# --- what is no answer -------------------------------------------------------------------------------------------

LATE_FRAMES = {
    "another unit's": lambda make, asked: make(OTHER, answer(asked), asked.number),
    "another function's": lambda make, asked: make(UNIT, b"\x04" + answer(asked)[1:], asked.number),
    "another function's refusal": lambda make, asked: make(UNIT, b"\x84\x02", asked.number),
    "a write's": lambda make, asked: make(UNIT, b"\x06\0\x0a\0\x01", asked.number),
    "half": lambda make, asked: make(UNIT, answer(asked), asked.number)[:6],
    "noise": lambda _make, _asked: bytes(range(200)),
    "much noise": lambda _make, _asked: bytes((UNIT, 3)) * 2000,
}
UNNUMBERED = {
    "longer": lambda make, asked: make(UNIT, b"\x03\x06" + answer(asked)[2:] + bytes(2), 0),
    "shorter": lambda make, asked: make(UNIT, b"\x03\x02" + answer(asked)[2:4], 0),
    "longer than it says": lambda make, asked: make(UNIT, answer(asked) + bytes(2), 0),
    "with a long refusal": lambda make, _asked: make(UNIT, b"\x83\x02\0", 0),
    "with a wrong checksum": lambda make, asked: make(UNIT, answer(asked), 0)[:-1] + b"\0",
    "with a wrong bit": lambda make, asked: make(UNIT, answer(asked), 0).replace(bytes((UNIT,)), b"\x02"),
    "the request again": lambda make, asked: make(UNIT, asked.pdu, 0),
}
NUMBERED = {
    "number 0": lambda make, asked: make(UNIT, answer(asked), 0),
    "the number before": lambda make, asked: make(UNIT, answer(asked), (asked.number - 1) & 0xFFFF),
    "the number after": lambda make, asked: make(UNIT, answer(asked), (asked.number + 1) & 0xFFFF),
    "another protocol": lambda make, asked: make(UNIT, answer(asked), asked.number).replace(bytes(2), b"\0\1", 1),
}


@pytest.mark.parametrize("wrong", [pytest.param(make, id=name) for name, make in LATE_FRAMES.items()])
async def test_what_is_no_answer_costs_the_link_and_not_the_next_answer(unit, converter, wrong):
    converter.script = [lambda asked, _: [wrong(converter.frame, asked)]]
    await is_silent(unit)
    assert not unit.connected
    await reads(unit, UNIT, 20)
    assert converter.connections == 2


@only_rtu
@pytest.mark.parametrize("wrong", [pytest.param(make, id=name) for name, make in UNNUMBERED.items()])
async def test_without_a_number_everything_else_must_be_right(unit, converter, wrong):
    converter.script = [lambda asked, _: [wrong(converter.frame, asked)]]
    await is_silent(unit)
    await reads(unit, UNIT, 20)
    assert converter.connections == 2


@only_tcp
@pytest.mark.parametrize("wrong", [pytest.param(make, id=name) for name, make in NUMBERED.items()])
async def test_an_answer_with_another_number_or_none_is_none(unit, converter, wrong):
    # Of a gateway that numbers its answers.
    await reads(unit, UNIT, 10)
    converter.script = [lambda asked, _: [wrong(converter.frame, asked)]]
    await is_silent(unit)
    await reads(unit, UNIT, 20)
    assert converter.connections == 2


@only_tcp
async def test_requests_are_never_numbered_0_and_no_two_connections_number_alike(unit, converter):
    for address in range(3):
        await reads(unit, UNIT, address)
        await unit.disconnect()
    numbers = [asked.number for asked in converter.asked]
    assert 0 not in numbers
    assert len(set(numbers)) == 3


async def test_an_acknowledgement_of_another_register_is_none(unit, converter):
    converter.script = [lambda asked, _: [converter.frame(UNIT, b"\x06\0\x07\0\x01", asked.number + 1)]]
    with pytest.raises(CannotConnect, match="silent"), translated_errors():
        await unit.write_register(5, 1)


# --- what comes beside the answer --------------------------------------------------------------------------------


@pytest.mark.parametrize("at_once", [True, False], ids=["glued", "apart"])
async def test_another_units_answer_before_the_right_one_is_passed_over(unit, converter, at_once):
    def script(asked, right):
        others = converter.frame(OTHER, answer(asked), asked.number)
        return [others + right] if at_once else [others, right]

    converter.script = [script]
    await reads(unit, UNIT, 10)
    await reads(unit, UNIT, 20)


@only_rtu
@pytest.mark.parametrize("at_once", [True, False], ids=["glued", "apart"])
async def test_a_link_on_which_anything_else_was_heard_is_dropped_before_the_next_request(unit, converter, at_once):
    converter.script = [lambda _, right: [right + right] if at_once else [right, right]]
    await reads(unit, UNIT, 10)
    if not at_once:
        async with asyncio.timeout(ENOUGH):
            while not unit._conn._rtu.disturbed:  # noqa: ASYNC110 - the other end of a socket has no event
                await asyncio.sleep(0)
    assert unit.connected
    await reads(unit, UNIT, 20)
    assert converter.connections == 2


@only_rtu
async def test_what_waits_unread_when_a_request_is_to_be_sent_is_not_its_answer(unit, converter):
    await reads(unit, UNIT, 10)
    sending = converter.writers[0].get_extra_info("socket")
    os.write(sending.fileno(), converter.frame(UNIT, answer(converter.asked[0])))
    await reads(unit, UNIT, 20)
    assert converter.connections == 2


async def test_an_answer_sent_twice_is_not_that_of_the_next_request(unit, converter):
    converter.script = [lambda _, right: [right + right]] * 20
    for address in range(20):
        await reads(unit, UNIT, address)


async def test_a_late_answer_is_lost_with_the_link_on_which_it_was_asked(unit, converter):
    late: list[bytes] = []

    def hold_back(_, right):
        late.append(right)
        return []

    def send_late(_, right):
        converter.writers[0].write(late[0])
        return [right]

    converter.script = [hold_back, send_late]
    await is_silent(unit)
    await reads(unit, UNIT, 20)
    await reads(unit, UNIT, 30)


@pytest.mark.parametrize(
    ("number", "many", "function"), [(OTHER, 2, "holding"), (UNIT, 3, "holding"), (UNIT, 2, "input")]
)
async def test_a_late_answer_handed_on_to_the_next_link_is_nobodys(lease, converter, number, many, function):
    """As long as not just as many registers of the same unit are asked for: then only a number could tell."""
    late: list[bytes] = []

    def hold_back(_, right):
        late.append(right)
        return []

    converter.script = [hold_back, lambda _, right: [late[0], right], lambda _, right: [right]]
    await is_silent(lease.unit(UNIT))
    unit = lease.unit(number)
    read = unit.read_input_registers if function == "input" else unit.read_holding_registers
    for address in (20, 30):
        assert await read(address, many) == words(number, address, many)


@only_tcp
async def test_with_numbers_a_late_answer_handed_on_is_nobodys_at_all(unit, converter):
    late: list[bytes] = []

    def hold_back(_, right):
        late.append(right)
        return []

    converter.script = [hold_back, lambda _, right: [late[0], right]]
    await is_silent(unit)
    await reads(unit, UNIT, 20)


@only_rtu
async def test_nothing_is_asked_on_a_link_that_owes_an_answer(unit, converter):
    """The library's other functions do not drop the link; the answer could still come."""
    converter.script = [lambda _asked, _right: []]
    with pytest.raises(ModbusError):
        await unit.diagnostics(0)
    with pytest.raises(ModbusError, match="owed"):
        await unit.read_holding_registers(10, 2)
    await reads(unit, UNIT, 20)


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_goes_wrong_no_meter_shows_another_ones_value(lease, converter, seed):
    choose = random.Random(seed)
    spoilt = [*LATE_FRAMES.values(), *(UNNUMBERED if converter.framing == RTU else NUMBERED).values()]
    before: list[bytes] = []

    def spoil(asked, right):
        before.append(right)
        wrong = choose.choice(spoilt)(converter.frame, asked)
        return choose.choice(
            [
                [right],
                [wrong],
                [wrong, right],
                [right, wrong],
                [right[:4], right[4:]],
                [right + right],
                [choose.choice([frame for frame in before if frame[:1] != right[:1]] or [right]), right],
            ]
        )

    converter.script = [spoil] * 60
    units = {number: lease.unit(number) for number in (1, 2, 5)}
    right = 0
    for address in range(60):
        number = choose.choice(list(units))
        try:
            read = await units[number].read_holding_registers(address, 2)
        except ModbusError:
            continue
        assert read == words(number, address, 2)
        right += 1
    assert right > 20


# --- endpoints ---------------------------------------------------------------------------------------------------


def test_a_host_is_one_endpoint_however_it_is_spelt_and_another_one_with_other_frames():
    assert RtuOverTcp("Gateway.local", 502).endpoint == RtuOverTcp("gateway.local", 502).endpoint
    assert RtuOverTcp("gateway", 502).endpoint != RtuOverTcp("gateway", 503).endpoint
    assert RtuOverTcp("gateway", 502).endpoint != ModbusTcpParams(host="gateway", port=502).endpoint


# --- the frames alone --------------------------------------------------------------------------------------------

REQUEST = b"\x03\0\x0a\0\x02"
RIGHT = framed(RTU, UNIT, b"\x03\x04\1\2\3\4", 0)


def hear(framer, chunks):
    """What comes out of a framer that hears these chunks, as pymodbus lets it."""
    buffer = b""
    for chunk in chunks:
        buffer += chunk
        used, pdu = framer.handleFrame(buffer, UNIT, 7)
        assert 0 <= used <= len(buffer)
        buffer = buffer[used:]
        if pdu is not None:
            return pdu
    return None


@given(st.lists(st.binary(max_size=300), max_size=8))
def test_nothing_comes_out_of_noise(chunks):
    framer = RtuFramer(DecodePDU(is_server=False))
    assert framer.encode(REQUEST, UNIT, 7) == bytes((UNIT,)) + REQUEST + crc16(bytes((UNIT,)) + REQUEST)
    assert hear(framer, chunks) is None
    assert framer.awaits


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=10))
def test_the_answer_is_found_behind_any_noise_in_any_pieces(noise, cuts):
    framer = RtuFramer(DecodePDU(is_server=False))
    framer.encode(REQUEST, UNIT, 7)
    heard = noise + RIGHT
    places = sorted({0, len(heard), *(min(cut, len(heard)) for cut in cuts)})
    pdu = hear(framer, [heard[start:end] for start, end in pairwise(places)])
    assert pdu is not None
    assert (pdu.registers, pdu.dev_id, pdu.transaction_id) == ([0x0102, 0x0304], UNIT, 7)
    assert not framer.awaits


@given(st.lists(st.binary(max_size=300), max_size=8), st.booleans())
@example([b"\x03"], False)
def test_no_frame_of_modbus_tcp_breaks_anything(chunks, numbered):
    framer = TcpFramer(DecodePDU(is_server=False), Numbers())
    number = int.from_bytes(framer.encode(REQUEST, UNIT, 7)[:2])
    chunks = [framed(TCP, UNIT, chunk, number if numbered else 0) for chunk in chunks]
    pdu = hear(framer, chunks)
    assert pdu is None or pdu.function_code & 0x7F == 3

"""The simulated stick speaks V5 byte for byte, and every fault of its wire is what it says."""

import asyncio
import struct

import pytest
from pysolarmanv5 import PySolarmanV5Async, V5FrameError

from demo import faults, solarman
from demo.aura import Aura, State, WorkMode
from demo.aura_registers import AFORE, MAPS, MEGAREVO, AuraUnit, decode, encode, load_map
from demo.rs485 import crc16
from demo.solarman import (
    HANDSHAKE,
    HEARTBEAT,
    PROBES,
    Access,
    Frame,
    SolarmanStick,
    Times,
    encode_heartbeat,
    encode_request,
    encode_response,
    take_frame,
)

SERIAL = 2355553510
TIMES = Times(1000, 500, 1700000000)

READ = bytes.fromhex("01 03 31 30 00 06 CB 3B")
SOC = bytes.fromhex("01 03 31 45 00 01")
SOC += crc16(SOC)
ANSWER = bytes.fromhex("01 03 0C 0E 15 00 34 07 52 0D 52 00 30 06 65 10 1C")


def with_crc(text):
    data = bytes.fromhex(text)
    return data + crc16(data)


def first_of(buffer):
    """The first frame of what came; there is one."""
    frame = take_frame(buffer)
    assert frame
    return frame


@pytest.fixture
def unit(request):
    """An inverter that stands still, in the first map or in that of an indirect parameter."""
    return AuraUnit(Aura(), getattr(request, "param", MEGAREVO))


@pytest.fixture
async def stick(unit, socket_enabled):
    async with SolarmanStick(unit, serial=SERIAL) as stick:
        yield stick


@pytest.fixture
async def open_wire(socket_enabled):
    wires = []

    async def open_wire(stick):
        wires.append(Wire(stick, *await asyncio.open_connection(stick.host, stick.port)))
        return wires[-1]

    yield open_wire
    for wire in wires:
        wire.writer.close()


async def arrived(stick, count):
    """Wait until so many frames have come to the stick."""
    async with asyncio.timeout(5):
        await stick.wait_for_frames(count)


@pytest.fixture
async def wire(stick, open_wire):
    return await open_wire(stick)


class Wire:
    """V5 frames, by hand."""

    def __init__(self, stick, reader, writer):
        self.stick = stick
        self.reader = reader
        self.writer = writer
        self.buffer = bytearray()

    def send(self, rtu=READ, sequence=0x21, serial=None):
        self.writer.write(encode_request(self.stick.serial if serial is None else serial, sequence, rtu))

    async def receive(self):
        """The next frame."""
        async with asyncio.timeout(5):
            while not (frame := take_frame(self.buffer)):
                data = await self.reader.read(1024)
                assert data, "the connection has ended"
                self.buffer += data
        return frame

    async def exact(self, count):
        async with asyncio.timeout(5):
            return await self.reader.readexactly(count)

    async def ended(self):
        """What still comes until the connection ends."""
        async with asyncio.timeout(5):
            return await self.reader.read()

    async def ask(self, rtu=READ, sequence=0x21):
        """The RTU frame of the answer to a request."""
        self.send(rtu, sequence)
        frame = await self.receive()
        assert (frame.control, frame.sequence) == (0x15, sequence)
        return frame.rtu


@pytest.fixture
async def client(stick):
    """The other implementation, connected."""
    client = PySolarmanV5Async(stick.host, stick.serial, port=stick.port, socket_timeout=5)
    await client.connect()
    yield client
    await client.disconnect()


# Frames


# The fields between the logger serial and the RTU frame.
ASKING = "E6 E4 66 8C 02 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
TELLING = "E6 E4 66 8C 02 01 E8 03 00 00 F4 01 00 00 00 F1 53 65"
SIX_WORDS = "01 03 0C 0E 15 00 34 07 52 0D 52 00 30 06 65 10 1C"


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (encode_request(SERIAL, 0x21, READ), f"A5 17 00 10 45 21 00 {ASKING} 01 03 31 30 00 06 CB 3B BC 15"),
        (encode_response(SERIAL, 0x21, 5, TIMES, ANSWER), f"A5 1F 00 10 15 21 05 {TELLING} {SIX_WORDS} 98 15"),
        (
            encode_response(SERIAL, 0x21, 6, TIMES, ANSWER + b"\0\0"),
            f"A5 21 00 10 15 21 06 {TELLING} {SIX_WORDS} 00 00 9B 15",
        ),
        (
            encode_response(SERIAL, 0x21, 7, TIMES, with_crc("01 83 02")),
            f"A5 13 00 10 15 21 07 {TELLING} 01 83 02 C0 F1 DF 15",
        ),
        (encode_response(SERIAL, 0x21, 8, TIMES, b"\5\0"), f"A5 10 00 10 15 21 08 {TELLING} 05 00 AB 15"),
        (
            encode_request(SERIAL, 0x22, with_crc("01 10 34 00 00 01 02 00 01")),
            f"A5 1A 00 10 45 22 00 {ASKING} 01 10 34 00 00 01 02 00 01 12 53 FD 15",
        ),
        (
            encode_request(SERIAL, 0x23, with_crc("01 06 34 00 00 01")),
            f"A5 17 00 10 45 23 00 {ASKING} 01 06 34 00 00 01 46 3A 09 15",
        ),
        (encode_heartbeat(2718610869, 0x8D, 0x69), "A5 01 00 10 47 8D 69 B5 B5 0A A2 00 64 15"),
    ],
    ids=["read", "answer", "double crc", "exception", "short error", "write many", "write one", "heartbeat"],
)
def test_frames_are_those_of_the_captures(frame, expected):
    assert frame == bytes.fromhex(expected)
    buffer = bytearray(frame)
    assert first_of(buffer).encode() == frame
    assert not buffer


def test_frames_are_found_among_what_is_none():
    first, second = encode_request(SERIAL, 1, READ), encode_request(SERIAL, 2, SOC)
    wrong = bytearray(first)
    wrong[-2] ^= 1
    huge = b"\xa5\xff\xff\x10\x45" + bytes(6)
    buffer = bytearray(b"AT+\xa5\xa5" + wrong + huge + first + b"\x15" + second + second[:20])
    assert [first_of(buffer).sequence for _ in range(2)] == [1, 2]
    assert take_frame(buffer) is None
    buffer += second[20:]
    assert first_of(buffer).rtu == SOC


# Requests and answers


async def test_an_answer_echoes_the_sequence_and_counts_by_itself(stick, wire):
    stick.counter = 0xFE
    for sequence, counter in ((0x21, 0xFF), (0xFF, 0x00), (0x00, 0x01)):
        wire.send(sequence=sequence)
        frame = await wire.receive()
        assert (frame.sequence, frame.counter, frame.serial) == (sequence, counter, SERIAL)


async def test_an_answer_tells_the_times(stick, wire):
    stick.clock = lambda: 1_780_000_000.5
    stick.working = 86_400
    wire.send()
    kind, status, working, power_on, offset = struct.unpack_from("<BBIII", (await wire.receive()).payload)
    assert (kind, status) == (2, 1)
    assert working == 86_400 + power_on
    assert working + offset == 1_780_000_000


async def test_what_the_stick_worked_is_kept_over_a_loss_of_power(stick, wire):
    stick.working = 1000
    stick.stop()
    await stick.start()
    assert stick.times.working >= 1000
    assert stick.times.power_on < 1000


async def test_what_was_asked_is_logged(stick, wire):
    await wire.ask()
    await wire.ask(with_crc("01 03 31 44 00 02"))
    await wire.ask(with_crc("01 10 34 00 00 01 02 00 01"))
    await wire.ask(with_crc("02 03 31 45 00 01"))
    asked = [(it.unit, it.function, it.address, it.count, it.exception) for it in stick.requests]
    assert asked == [(1, 3, 0x3130, 6, None), (1, 3, 0x3144, 2, 2), (1, 16, 0x3400, 1, None), (2, 3, 0x3145, 1, 5)]
    assert [it.time for it in stick.requests] == sorted(it.time for it in stick.requests)
    assert (len(stick.frames), stick.connections_ever, stick.connections_now) == (4, 1, 1)


async def test_writes_are_acknowledged_and_change_the_inverter(stick, wire):
    assert await wire.ask(with_crc("01 10 34 00 00 01 02 00 01")) == with_crc("01 10 34 00 00 01")
    assert stick.unit.aura.settings.work_mode is WorkMode.PEAK_SHIFT


@pytest.mark.parametrize("unit", [AFORE], indirect=True)
async def test_one_register_is_written_by_function_6(stick, wire):
    assert await wire.ask(with_crc("01 06 09 C4 00 02")) == with_crc("01 06 09 C4 00 02")
    assert stick.unit.aura.settings.work_mode is WorkMode.SELL_FIRST


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        ("01 03 31 44 00 01", "01 83 02"),
        ("01 03 31 45 00 00", "01 83 03"),
        ("01 04 31 45 00 01", "01 84 01"),
        ("01 10 34 00 00 02 02 00 01", "01 90 03"),
        ("01 10 34 00 00 01 02 00 09", "01 90 03"),
        ("01 10 31 45 00 01 02 00 01", "01 90 02"),
        ("01 2B 0E 01 00", "01 AB 01"),
    ],
)
async def test_what_the_inverter_refuses_is_a_modbus_exception(wire, request_, answer):
    assert await wire.ask(with_crc(request_)) == with_crc(answer)


@pytest.mark.parametrize("rtu", [with_crc("02 03 31 45 00 01"), SOC[:-1] + b"\0", b"", b"\1"])
async def test_what_the_inverter_does_not_understand_is_a_short_error(wire, rtu):
    assert await wire.ask(rtu) == b"\5\0"


async def test_an_inverter_that_sleeps_or_is_off_is_a_short_error(stick, wire):
    aura = stick.unit.aura
    aura.sleeps_at_night, aura.conditions.panels = True, False
    assert await wire.ask() == b"\5\0"
    aura.conditions.panels = True
    assert len(await wire.ask()) == 17
    aura.switch_off()
    assert await wire.ask() == b"\5\0"
    assert aura.state is State.OFF


async def test_writes_are_refused_while_remote_control_is_disabled(stick, wire):
    stick.unit.aura.remote_control = 1
    assert await wire.ask(with_crc("01 10 34 00 00 01 02 00 01")) == with_crc("01 90 04")


async def test_a_request_may_come_in_pieces_and_behind_noise(wire):
    frame = b"\r\n\xa5" + encode_request(SERIAL, 5, READ)
    for piece in (frame[:7], frame[7:20], frame[20:]):
        wire.writer.write(piece)
        await wire.writer.drain()
    assert (await wire.receive()).sequence == 5


async def test_frames_that_are_no_requests_are_logged_and_not_answered(stick, wire):
    wire.writer.write(Frame(0x17, 1, 1, SERIAL, bytes(10)).encode())
    wire.writer.write(Frame(0x45, 2, 0, SERIAL, bytes(15) + READ).encode())
    wire.send(sequence=3)
    assert (await wire.receive()).sequence == 3
    assert [(it.control, it.sequence) for it in stick.frames] == [(0x17, 1), (0x45, 2), (0x45, 3)]
    assert len(stick.requests) == 1


# Serial and access


async def test_another_serial_is_met_with_silence(stick, wire):
    wire.send(serial=SERIAL + 1)
    wire.send(serial=0)
    wire.send(sequence=9)
    assert (await wire.receive()).sequence == 9
    assert (len(stick.frames), len(stick.requests)) == (3, 1)


async def test_another_serial_may_end_the_connection(stick, wire):
    stick.silent_to_strangers = False
    wire.send(serial=SERIAL + 1)
    assert await wire.ended() == b""


async def test_a_stick_may_tell_its_serial_to_who_asks_with_0(stick, wire):
    stick.answers_zero = True
    wire.send(serial=0)
    assert (await wire.receive()).serial == SERIAL
    wire.send(serial=1)
    wire.send(sequence=9)
    assert (await wire.receive()).sequence == 9


async def test_a_firmware_without_local_access_accepts_and_says_nothing(stick, wire):
    stick.access = Access.MUTE
    wire.send()
    wire.writer.write_eof()
    assert await wire.ended() == b""
    assert (len(stick.frames), len(stick.requests)) == (1, 0)


async def test_a_stick_may_close_at_the_first_request(stick, wire):
    stick.access = Access.CLOSING
    assert stick.connections_now == 1
    wire.send()
    assert await wire.ended() == b""
    assert not stick.requests


async def test_a_port_may_be_closed(unit, socket_enabled):
    async with SolarmanStick(unit, access=Access.NONE) as stick:
        assert stick.port
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(stick.host, stick.port)
        await stick.reboot(0)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(stick.host, stick.port)


@pytest.mark.parametrize("unit", [AFORE], indirect=True)
async def test_an_lse_3_may_speak_plain_modbus_tcp(unit, socket_enabled, connect):
    async with SolarmanStick(unit, access=Access.MODBUS_TCP) as stick:
        client = await connect(stick)
        assert (await client.read_input_registers(7, count=2)).registers == [0, 5000]
        assert (await client.read_input_registers(7, count=9)).exception_code == 2
        assert not (await client.write_registers(2509, [0x0600, 0x0700])).isError()
        assert not (await client.write_register(2500, 2)).isError()
        assert unit.aura.settings.work_mode is WorkMode.SELL_FIRST
        assert (await client.read_holding_registers(2509, count=2)).registers == [0x0600, 0x0700]
        assert (await client.write_register(2500, 11)).exception_code == 3
        assert (await client.read_coils(0, count=1)).exception_code == 1
        assert (await client.read_input_registers(7, count=2, device_id=2)).exception_code == 11
        with stick.inject(faults.exception(6)):
            assert (await client.read_input_registers(7, count=2)).exception_code == 6
        unit.aura.switch_off()
        assert (await client.read_input_registers(7, count=2)).exception_code == 11
        assert (len(stick.requests), stick.connections_now) == (10, 1)
        stick.disconnect_all()
        assert stick.connections_now == 0


# Connections and power


async def test_a_stick_may_take_one_client_only(stick, wire, open_wire):
    await wire.ask()
    stick.most = 1
    other = await open_wire(stick)
    assert await other.ended() == b""
    assert (stick.connections_refused, stick.connections_ever) == (1, 1)
    assert await wire.ask()


async def test_requests_of_all_clients_are_answered_one_after_the_other(stick, wire, open_wire):
    stick.line_time = 0.02
    other = await open_wire(stick)
    wire.send(sequence=1)
    wire.send(sequence=2)
    await arrived(stick, 2)
    other.send(sequence=3)
    assert [(await wire.receive()).sequence, (await wire.receive()).sequence] == [1, 2]
    assert (await other.receive()).sequence == 3
    assert [it.function for it in stick.requests] == [3, 3, 3]


async def test_a_busy_line_keeps_every_client_waiting(stick, wire, open_wire):
    stick.line_time = 3600
    wire.send(sequence=1)
    other = await open_wire(stick)
    other.send(sequence=2)
    await arrived(stick, 2)
    assert (len(stick.requests), stick.most_waiting) == (0, 2)


async def test_a_stick_that_loses_power_comes_back_on_its_ports_and_counts_anew(stick, wire, open_wire):
    await wire.ask()
    ports = stick.port, stick.discovery_port
    stick.line_time = 60
    wire.send()
    await arrived(stick, 2)
    await stick.reboot(0)
    assert await wire.ended() == b""
    stick.line_time = 0
    again = await open_wire(stick)
    again.send()
    assert (await again.receive()).counter == 1
    assert (ports, stick.listening) == ((stick.port, stick.discovery_port), True)
    await stick.start()
    assert stick.connections_now == 1
    stick.stop()
    stick.stop()
    assert (stick.listening, stick.connections_now) == (False, 0)
    with pytest.raises(ConnectionRefusedError):
        await open_wire(stick)


async def test_a_taken_port_is_an_error(stick, unit):
    with pytest.raises(OSError, match="in use"):
        await SolarmanStick(unit, port=stick.port).start()
    other = SolarmanStick(unit, discovery_port=stick.discovery_port)
    with pytest.raises(OSError, match="in use"):
        await other.start()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(other.host, other.port)


async def test_an_answer_whose_client_has_gone_goes_nowhere(stick, wire, open_wire):
    stick.inject(faults.delay(3600), requests=1)
    wire.send()
    other = await open_wire(stick)
    await other.ask()
    late = next(timer for connection in stick.connections for timer in connection.timers)
    stick.line_time = 0.02
    wire.send()
    other.send(sequence=4)
    await arrived(stick, 4)
    for connection in tuple(stick.connections):
        if late in connection.timers:
            connection.abort()
    assert late.cancelled()
    assert (await other.receive()).sequence == 4


# Heartbeats


async def test_a_stick_sends_what_nobody_asked_for(stick, wire):
    await wire.ask()
    stick.push()
    stick.push(HANDSHAKE, bytes(30))
    beat, greeting = await wire.receive(), await wire.receive()
    assert (beat.control, beat.payload, beat.serial) == (HEARTBEAT, b"\0", SERIAL)
    assert (greeting.control, len(greeting.payload)) == (HANDSHAKE, 30)


async def test_a_stick_may_beat_by_itself(unit, socket_enabled, open_wire):
    stick = SolarmanStick(unit)
    stick.heartbeat = 0.01
    async with stick:
        wire = await open_wire(stick)
        assert [(await wire.receive()).control for _ in range(2)] == [HEARTBEAT] * 2


# Faults


async def test_the_checksum_of_an_rtu_frame_may_be_followed_by_zeros(stick, wire):
    whole = await wire.ask()
    stick.inject(solarman.double_crc(), requests=1)
    assert await wire.ask() == whole + b"\0\0"
    assert await wire.ask() == whole


async def test_the_checksum_of_the_rtu_frame_may_be_wrong(stick, wire):
    whole = await wire.ask()
    stick.inject(solarman.bad_crc())
    assert await wire.ask() == whole[:-1] + bytes((whole[-1] ^ 0xFF,))


async def test_the_checksum_of_the_frame_may_be_wrong(stick, wire):
    stick.inject(solarman.bad_checksum(), requests=1)
    wire.send(sequence=1)
    wire.send(sequence=2)
    data = bytearray(await wire.exact(44 + 44))
    assert (data[5], data[43], first_of(data).sequence) == (1, 0x15, 2)


async def test_sequence_serial_and_unit_may_be_those_of_others(stick, wire):
    stick.inject(solarman.wrong_sequence(-1), requests=1)
    stick.inject(solarman.wrong_serial(2), requests=1)
    stick.inject(solarman.other_unit(3), requests=1)
    wire.send(sequence=0)
    frame = await wire.receive()
    assert (frame.sequence, frame.serial) == (0xFF, SERIAL + 2)
    assert frame.rtu[0] == 4
    assert crc16(frame.rtu[:-2]) == frame.rtu[-2:]
    assert (await wire.ask())[0] == 1


async def test_an_answer_may_come_in_pieces(stick, wire):
    stick.inject(solarman.split(9), requests=1)
    wire.send(sequence=1)
    wire.send(sequence=2)
    async with asyncio.timeout(5):
        first = await wire.reader.read(1024)
    assert len(first) == 9
    wire.buffer += first
    assert [(await wire.receive()).sequence for _ in range(2)] == [1, 2]


async def test_pieces_of_one_byte_are_whole_in_the_end(stick, wire):
    whole = await wire.ask()
    stick.inject(solarman.split(1))
    assert await wire.ask() == whole


async def test_heartbeats_may_come_between_request_and_answer(stick, wire):
    stick.inject(solarman.heartbeats(2), requests=1)
    wire.send()
    async with asyncio.timeout(5):
        first = await wire.reader.read(1024)
    assert len(first) == 14
    wire.buffer += first
    assert [(await wire.receive()).control for _ in range(3)] == [HEARTBEAT, HEARTBEAT, 0x15]


async def test_a_heartbeat_may_share_the_segment_of_the_answer(stick, wire):
    stick.inject(solarman.heartbeats(apart=False), requests=1)
    wire.send()
    async with asyncio.timeout(5):
        wire.buffer += await wire.reader.read(1024)
    assert len(wire.buffer) == 14 + 44
    assert [(await wire.receive()).control for _ in range(2)] == [HEARTBEAT, 0x15]


async def test_an_answer_may_come_twice_in_one_segment(stick, wire):
    stick.inject(solarman.twice(), requests=1)
    wire.send()
    async with asyncio.timeout(5):
        wire.buffer += await wire.reader.read(1024)
    assert len(wire.buffer) == 2 * 44
    assert await wire.receive() == await wire.receive()


async def test_noise_may_come_before_and_after(stick, wire):
    stick.inject(solarman.noise(after=solarman.RTU_FRAGMENT), requests=1)
    wire.send()
    data = await wire.exact(len(solarman.AT_ANSWER) + 44 + 7)
    assert data.startswith(b"AT+")
    assert data.endswith(bytes.fromhex("01 03 0C 0E 15 00 34"))
    assert first_of(bytearray(data)).sequence == 0x21


async def test_errors_may_be_made_up(stick, wire):
    stick.inject(solarman.short_error(), requests=1)
    assert await wire.ask() == b"\5\0"
    stick.inject(solarman.exception(), requests=1)
    assert await wire.ask() == with_crc("01 83 02")
    stick.inject(solarman.exception(6), requests=1)
    assert await wire.ask() == with_crc("01 83 06")


async def test_silence_close_and_half_an_answer(stick, wire, open_wire):
    stick.inject(faults.silence(), requests=1)
    stick.inject(solarman.wrong_sequence(), requests=1)
    wire.send(sequence=1)
    wire.send(sequence=2)
    assert (await wire.receive()).sequence == 2
    stick.inject(faults.disconnect(), requests=1)
    wire.send()
    assert await wire.ended() == b""
    wire = await open_wire(stick)
    stick.inject(faults.cut(), requests=1)
    stick.inject(solarman.split(5), requests=1)
    wire.send()
    assert len(await wire.ended()) == 22


async def test_a_late_answer_is_overtaken_and_still_sent(stick, wire):
    stick.inject(faults.delay(0.05), requests=1)
    wire.send(sequence=1)
    wire.send(sequence=2)
    assert [(await wire.receive()).sequence for _ in range(2)] == [2, 1]


async def test_an_old_stick_sends_the_request_back(stick, wire):
    stick.inject(solarman.old_stick(), requests=1)
    wire.send(sequence=3)
    assert await wire.exact(9) == bytes.fromhex("A5 17 00 10 45 03 00 DE 02")


async def test_a_fault_may_concern_some_requests_only(stick, wire):
    stick.inject(solarman.short_error(), only=lambda request: request.address == 0x3145)
    assert len(await wire.ask()) == 17
    assert await wire.ask(SOC) == b"\5\0"


async def test_what_was_spoilt_beyond_recognition_is_left_alone(stick, wire):
    stick.inject(solarman.bad_checksum())
    stick.inject(solarman.wrong_serial())
    wire.send()
    assert (await wire.exact(44))[7:11] == SERIAL.to_bytes(4, "little")


# Discovery


@pytest.fixture
async def ask(stick):
    """Send datagrams to the stick, and collect what comes back to the last one of them."""
    ends = []

    async def ask(*probes):
        loop = asyncio.get_running_loop()
        received: asyncio.Queue[bytes] = asyncio.Queue()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: Datagrams(received), remote_addr=(stick.host, stick.discovery_port)
        )
        ends.append(transport)
        for probe in probes:
            transport.sendto(probe)
        return received

    yield ask
    for transport in ends:
        transport.close()


class Datagrams(asyncio.DatagramProtocol):
    def __init__(self, received):
        self.received = received

    def datagram_received(self, data, addr):
        self.received.put_nowait(data)


async def get(received):
    async with asyncio.timeout(5):
        return await received.get()


@pytest.mark.parametrize("probe", PROBES)
async def test_a_stick_tells_who_it_is(stick, ask, probe):
    received = await ask(probe)
    assert await get(received) == b"127.0.0.1,E8FDF8AABBCC,2355553510"


def test_the_probes_are_those_that_are_known():
    assert PROBES == (b"WIFIKIT-214028-READ", b"HF-A11ASSISTHREAD")


async def test_anything_else_is_logged_and_not_answered(stick, ask):
    received = await ask(b"+ok", b"AT+WSLK\n", PROBES[0] + b"\0", PROBES[1])
    await get(received)
    assert received.empty()
    assert list(stick.probes) == [b"+ok", b"AT+WSLK\n", PROBES[0] + b"\0", PROBES[1]]


async def test_a_stick_may_say_something_else_more_than_once_or_nothing(stick, ask):
    stick.says = (b"10.0.0.9,ACCF23,HF-LPB100", b"\xff,,", b"")
    received = await ask(PROBES[0])
    assert [await get(received) for _ in range(3)] == list(stick.says)
    stick.says = ()
    received = await ask(PROBES[0])
    stick.says = None
    silent = await ask(PROBES[1])
    await get(silent)
    assert len(stick.probes) == 3


# The other implementation


@pytest.mark.parametrize("unit", MAPS, indirect=True)
async def test_another_client_reads_every_register(unit, client):
    for register in load_map(unit.map_name):
        if register.address is None:
            continue
        read = client.read_holding_registers if register.read_by == 3 else client.read_input_registers
        words = await read(register.address, register.size)
        assert words == encode(register, unit.value(register))
    assert await client.read_holding_registers({MEGAREVO: 0x3130, AFORE: 2504}[unit.map_name], 6)


@pytest.mark.parametrize("unit", MAPS, indirect=True)
async def test_another_client_writes(unit, client):
    mode = next(it for it in load_map(unit.map_name) if it.name == "work_mode")
    await client.write_multiple_holding_registers(mode.address, [1])
    assert await client.read_holding_registers(mode.address, 1) == [1]
    if 6 in mode.written_by:
        await client.write_holding_register(mode.address, 2)
        assert decode(mode, await client.read_holding_registers(mode.address, 1)) == 2


async def test_another_client_sees_the_faults_that_it_knows(stick, client):
    words = await client.read_holding_registers(0x3130, 6)
    for harmless in (solarman.double_crc(), solarman.heartbeats()):
        stick.inject(harmless, requests=1)
        assert await client.read_holding_registers(0x3130, 6) == words
    for fatal, complaint in (
        (solarman.bad_checksum(), "checksum"),
        (solarman.wrong_serial(), "serial"),
        (solarman.short_error(), "AcknowledgeError"),
    ):
        stick.inject(fatal, requests=1)
        with pytest.raises(V5FrameError, match=complaint):
            await client.read_holding_registers(0x3130, 6)
    assert await client.read_holding_registers(0x3130, 6) == words

"""The link to a stick over real sockets: what is read and written, and what becomes of each fault."""

import asyncio
import logging
import struct
from dataclasses import replace

import pytest
from modbus_connection import ModbusConnectionError, ModbusTcpParams, ModbusTimeoutError
from pysolarmanv5 import PySolarmanV5
from umodbus.client.serial.redundancy_check import add_crc
from umodbus.functions import create_function_from_request_pdu

from custom_components.energy_suite.gateways.base import CannotConnect, DeviceGone, NotSupported
from custom_components.energy_suite.gateways.connections import reach
from custom_components.energy_suite.gateways.registers import translated_errors
from custom_components.energy_suite.gateways.solarman import v5
from custom_components.energy_suite.gateways.solarman.v5 import V5Endpoint, V5Unit
from demo import faults, solarman
from demo.modbus import HOST, SilentServer
from demo.solarman import HANDSHAKE, Access, SolarmanStick

SERIAL = 2355553510
TIMEOUT = 0.2
ENOUGH = 10.0

pytestmark = pytest.mark.usefixtures("complaints", "no_pause")


@pytest.fixture
def unit(hold, stick):
    unit = hold(stick).unit(1)
    assert isinstance(unit, V5Unit)
    return unit


async def eventually(met):
    async with asyncio.timeout(ENOUGH):
        while not met():  # noqa: ASYNC110 - the other end of a socket has no event
            await asyncio.sleep(0)


# --- reads and writes --------------------------------------------------------------------------------------------


async def test_registers_are_read(unit, stick):
    assert await unit.read_holding_registers(10, 3) == [10, 11, 12]
    assert await unit.read_input_registers(20, 2) == [20, 21]
    assert [(request.function, request.address, request.count) for request in stick.requests] == [
        (3, 10, 3),
        (4, 20, 2),
    ]
    assert {frame.serial for frame in stick.frames} == {SERIAL}


@pytest.mark.parametrize("count", [1, 125])
async def test_a_block_may_be_of_any_size(unit, count):
    assert await unit.read_holding_registers(300, count) == list(range(300, 300 + count))


async def test_registers_are_written(unit, stick, table):
    await unit.write_register(4, 500)
    await unit.write_registers(5, [600, 700])
    assert await unit.read_holding_registers(4, 3) == [500, 600, 700]
    assert [request.function for request in stick.requests] == [6, 16, 3]


async def test_a_request_to_another_unit_of_the_line_is_answered_by_none(hold, stick):
    with pytest.raises(DeviceGone), translated_errors():
        await hold(stick).unit(2).read_holding_registers(0, 1)
    assert await hold(stick).unit(1).read_holding_registers(0, 1) == [0]


async def test_the_stick_tells_of_itself_with_every_answer(unit, stick):
    stick.working = 5000
    assert unit.stick.uptime is None
    await unit.read_holding_registers(0, 1)
    assert unit.stick.working_time >= 5000
    assert unit.stick.uptime == unit.stick.working_time - 5000


# --- another implementation at the other end ---------------------------------------------------------------------


class OtherStick:
    """A stick whose frames are made by pysolarmanv5, before a device whose answers are made by umodbus.

    Registers read their own address and every third bit is set. ``doubled`` appends the CRC twice.
    """

    def __init__(self, serial: int = SERIAL, *, doubled: bool = False) -> None:
        self.serial = serial
        self.doubled = doubled
        self.host = HOST
        self.written: list[object] = []
        # With a socket that is none it opens none.
        self._frames = PySolarmanV5("", serial, socket="", logger=logging.getLogger("pysolarmanv5"))

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, self.host, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        self._server.close_clients()
        await self._server.wait_closed()

    async def _serve(self, reader, writer):
        while data := await reader.read(1024):
            frame = self._response(self._execute(self._request(data)))
            writer.write(frame)
        writer.close()

    def _request(self, data):
        """The RTU request in a frame: checked as an answer, of which it differs by its control code and one byte."""
        frames = self._frames
        frames.sequence_number = data[5]
        assert data[3:5] == struct.pack("<H", 0x4510)
        frame = bytearray(data)
        frame[3:5] = struct.pack("<H", 0x1510)
        frame[-2] = frames._calculate_v5_frame_checksum(frame)
        assert data[-2] == frames._calculate_v5_frame_checksum(data)
        return bytes(frames._v5_frame_decoder(bytes(frame)))[1:]

    def _execute(self, rtu):
        assert add_crc(rtu[:-2]) == rtu
        function = create_function_from_request_pdu(rtu[1:-2])
        match function.function_code:
            case 1 | 2:
                at = function.starting_address
                pdu = function.create_response_pdu([int(each % 3 == 0) for each in range(at, at + function.quantity)])
            case 3 | 4:
                at = function.starting_address
                pdu = function.create_response_pdu(list(range(at, at + function.quantity)))
            case 5 | 6:
                self.written.append((function.function_code, function.address, function.value))
                pdu = function.create_response_pdu()
            case _:
                self.written.append((function.function_code, function.starting_address, list(function.values)))
                pdu = function.create_response_pdu()
        answer = add_crc(rtu[:1] + pdu)
        return add_crc(answer) if self.doubled else answer

    def _response(self, rtu):
        frames = self._frames
        head = frames.v5_start + struct.pack("<HH", 14 + len(rtu), 0x1510) + bytes((frames.sequence_number, 9))
        times = frames.v5_deliverytime + frames.v5_powerontime + frames.v5_offsettime
        payload = frames.v5_frametype + b"\1" + times + rtu
        frame = bytearray(head + frames.v5_loggerserial + payload + frames.v5_checksum + frames.v5_end)
        frame[-2] = frames._calculate_v5_frame_checksum(frame)
        assert frames._v5_frame_decoder(bytes(frame)) == rtu
        return bytes(frame)


@pytest.mark.parametrize("doubled", [False, True])
async def test_every_function_works_with_another_implementation(hold, socket_enabled, doubled):
    async with OtherStick(doubled=doubled) as other:
        unit = hold(other).unit(1)
        assert await unit.read_coils(3, 10) == [each % 3 == 0 for each in range(3, 13)]
        assert await unit.read_discrete_inputs(4, 1) == [False]
        assert await unit.read_holding_registers(0, 125) == list(range(125))
        assert await unit.read_input_registers(0xA515, 2) == [0xA515, 0xA516]
        await unit.write_coil(7, True)
        await unit.write_register(8, 0x15)
        await unit.write_coils(9, [True, False, True])
        await unit.write_registers(10, [1, 2, 3])
        assert other.written == [(5, 7, 1), (6, 8, 0x15), (15, 9, [1, 0, 1]), (16, 10, [1, 2, 3])]


# --- faults ------------------------------------------------------------------------------------------------------


HARMLESS = {
    "double CRC": solarman.double_crc(),
    "pieces": solarman.split(),
    "heartbeats": solarman.heartbeats(2),
    "heartbeats in one segment": solarman.heartbeats(2, apart=False),
    "noise": solarman.noise(),
    "noise behind": solarman.noise(b"", solarman.RTU_FRAGMENT),
    "start of a frame": solarman.noise(b"\xa5\x17\x00\x10\x45\x03\x00\xde\x02"),
    "twice": solarman.twice(),
    "slow": faults.delay(TIMEOUT / 4),
}
USELESS = {
    "bad checksum": solarman.bad_checksum(),
    "bad CRC": solarman.bad_crc(),
    "wrong sequence": solarman.wrong_sequence(),
    "wrong serial": solarman.wrong_serial(),
    "other unit": solarman.other_unit(),
    "old stick": solarman.old_stick(),
    "silence": faults.silence(),
    "too slow": faults.delay(TIMEOUT + 0.05),
    "text only": lambda answer: replace(answer, frame=solarman.AT_ANSWER),
}


@pytest.mark.parametrize("fault", HARMLESS.values(), ids=HARMLESS)
async def test_a_fault_that_leaves_the_answer_whole_is_not_noticed(hold, stick, fault):
    unit = hold(stick, timeout=ENOUGH).unit(1)
    stick.inject(fault)
    assert await unit.read_holding_registers(10, 2) == [10, 11]
    assert await unit.read_holding_registers(20, 2) == [20, 21]
    await unit.write_register(30, 1)
    assert stick.connections_ever == 1


@pytest.mark.parametrize("size", [1, 10, 24])
async def test_an_answer_may_come_in_pieces_of_any_size(hold, stick, size):
    stick.inject(solarman.split(size))
    assert await hold(stick, timeout=ENOUGH).unit(1).read_holding_registers(10, 2) == [10, 11]


@pytest.mark.parametrize("fault", USELESS.values(), ids=USELESS)
async def test_an_answer_that_cannot_be_used_costs_the_link_and_not_the_next_answer(unit, stick, fault):
    stick.inject(fault, requests=1)
    with pytest.raises(CannotConnect, match="silent"), translated_errors():
        await unit.read_holding_registers(10, 2)
    assert not unit.connected
    assert await unit.read_holding_registers(20, 2) == [20, 21]
    assert stick.connections_ever == 2


@pytest.mark.parametrize("fault", [faults.disconnect(), faults.cut()], ids=["close", "cut"])
async def test_a_link_that_drops_is_told_at_once_and_opened_again(hold, stick, fault):
    """This request would else take a minute."""
    unit = hold(stick, timeout=60).unit(1)
    stick.inject(fault, requests=1)
    async with asyncio.timeout(ENOUGH):
        with pytest.raises(CannotConnect, match="dropped"), translated_errors():
            await unit.read_holding_registers(10, 2)
    assert not unit.connected
    assert await unit.read_holding_registers(20, 2) == [20, 21]
    assert stick.connections_ever == 2


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (solarman.short_error(), DeviceGone),
        (solarman.exception(11), DeviceGone),
        (solarman.exception(2), NotSupported),
        (solarman.exception(1), NotSupported),
        (solarman.short_error(2), NotSupported),
        (solarman.exception(3), CannotConnect),
        (solarman.short_error(6), CannotConnect),
    ],
    ids=["05 00", "exception 11", "exception 2", "exception 1", "02 00", "exception 3", "06 00"],
)
async def test_an_error_is_an_answer_and_leaves_the_link_alone(unit, stick, fault, error):
    stick.inject(fault, requests=1)
    with pytest.raises(error), translated_errors():
        await unit.read_holding_registers(10, 2)
    assert unit.connected
    assert unit.stick.answered_at is not None
    assert await unit.read_holding_registers(20, 2) == [20, 21]
    assert stick.connections_ever == 1


async def test_registers_that_are_not_there_are_refused_by_the_inverter_itself(unit):
    with pytest.raises(NotSupported), translated_errors():
        await unit.read_holding_registers(999, 2)
    assert not unit.stick.inverter_silent


async def test_an_inverter_that_sleeps_is_told_apart_from_its_stick(unit, stick):
    sleeps = stick.inject(solarman.short_error())
    with pytest.raises(DeviceGone), translated_errors():
        await unit.read_holding_registers(0, 1)
    assert unit.stick.inverter_silent
    sleeps.remove()
    await unit.read_holding_registers(0, 1)
    assert not unit.stick.inverter_silent


async def test_frames_of_others_are_counted(unit, stick):
    stick.inject(solarman.wrong_serial(), requests=1)
    with pytest.raises(ModbusTimeoutError):
        await unit.read_holding_registers(0, 1)
    assert unit.stick.dropped == 1
    assert unit.stick.other_serial == SERIAL + 1


@pytest.mark.parametrize("delay", [TIMEOUT + 0.02, TIMEOUT * 2])
async def test_a_late_answer_is_not_read_as_the_next_ones(unit, stick, delay):
    stick.inject(faults.delay(delay), requests=1)
    with pytest.raises(ModbusTimeoutError):
        await unit.read_holding_registers(10, 1)
    assert [await unit.read_holding_registers(at, 1) for at in range(20, 24)] == [[20], [21], [22], [23]]


@pytest.mark.parametrize("number", [1, 2, 3])
async def test_a_late_answer_is_not_read_as_the_next_ones_even_over_a_new_connection(unit, stick, number):
    """A stick has one serial line, and may send what comes from it to whoever is connected then."""
    late: list[bytes] = []

    def keep(answer):
        late.append(answer.frame)
        return replace(answer, frame=b"")

    for at in range(number - 1):
        await unit.read_holding_registers(at, 1)
    stick.inject(keep, requests=1)
    with pytest.raises(ModbusTimeoutError):
        await unit.read_holding_registers(10, 1)
    stick.inject(lambda answer: replace(answer, frame=late[0] + answer.frame))
    assert [await unit.read_holding_registers(at, 1) for at in range(20, 24)] == [[20], [21], [22], [23]]
    assert stick.connections_ever == 2
    assert unit.stick.dropped == 4


async def test_a_request_that_is_cancelled_ends_as_such_and_drops_the_link(hold, stick):
    unit = hold(stick, timeout=ENOUGH).unit(1)
    stick.inject(faults.silence(), requests=1)
    request = asyncio.create_task(unit.read_holding_registers(10, 1))
    await stick.wait_for_frames(1)
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert not unit.connected
    assert await unit.read_holding_registers(20, 1) == [20]


# --- the stick's one line ----------------------------------------------------------------------------------------


async def test_requests_are_sent_one_after_the_other(hold, stick):
    stick.line_time = 0.01
    one, two = hold(stick, timeout=ENOUGH).unit(1), hold(stick, timeout=ENOUGH).unit(1)
    reads = [unit.read_holding_registers(at, 1) for at in range(4) for unit in (one, two)]
    assert await asyncio.gather(*reads) == [[at] for at in range(4) for _ in range(2)]
    assert stick.most_waiting == 1
    assert stick.connections_ever == 1


async def test_there_is_a_pause_between_two_requests(hold, stick, monkeypatch):
    monkeypatch.setattr(v5, "PAUSE", 0.05)
    unit = hold(stick).unit(1)
    for at in range(3):
        await unit.read_holding_registers(at, 1)
    first, second, third = (request.time for request in stick.requests)
    # Never shorter, however late anybody is.
    assert min(second - first, third - second) > 0.049


# --- the stick comes and goes ------------------------------------------------------------------------------------


async def test_a_stick_that_was_gone_is_read_again_with_another_counter(unit, stick):
    await unit.read_holding_registers(0, 1)
    stick.stop()
    await eventually(lambda: not unit.connected)
    for _ in range(2):
        with pytest.raises(CannotConnect, match="lost"), translated_errors():
            await unit.read_holding_registers(0, 1)
    stick.counter = 200
    await stick.start()
    assert await unit.read_holding_registers(5, 1) == [5]
    assert unit.stick.dropped == 0


async def test_a_link_is_opened_again_after_the_stick_closed_it(unit, stick):
    await unit.read_holding_registers(0, 1)
    stick.disconnect_all()
    await eventually(lambda: not unit.connected)
    assert await unit.read_holding_registers(8, 1) == [8]


async def test_what_a_stick_says_unasked_is_neither_answered_nor_in_the_way(unit, stick):
    await unit.read_holding_registers(0, 1)
    for control in (HANDSHAKE, solarman.HEARTBEAT, solarman.RESPONSE):
        stick.push(control)
    stick.push(solarman.RESPONSE, bytes.fromhex("02 01 E8 03 00 00 F4 01 00 00 00 F1 53 65 05 00"))
    assert await unit.read_holding_registers(8, 1) == [8]
    assert len(stick.frames) == 2
    assert not unit.stick.inverter_silent


async def test_more_noise_than_a_frame_has_bytes_is_no_obstacle(unit, stick):
    stick.inject(solarman.noise(b"\xa5" * 5000))
    assert await unit.read_holding_registers(8, 1) == [8]
    stick.inject(solarman.noise(b"\xa5\xff\x01\x10" * 700))
    assert await unit.read_holding_registers(9, 1) == [9]


# --- why a stick is of no use ------------------------------------------------------------------------------------


async def test_a_wrong_serial_is_met_with_silence(hold, stick):
    unit = hold(stick, serial=SERIAL + 1).unit(1)
    with pytest.raises(CannotConnect, match="silent"), translated_errors():
        await unit.read_holding_registers(0, 1)
    assert (unit.stick.heard, unit.stick.other_serial) == (False, None)
    assert stick.requests == type(stick.requests)()


async def test_a_wrong_serial_is_met_with_a_closed_connection(hold, stick):
    stick.silent_to_strangers = False
    with pytest.raises(CannotConnect, match="dropped"), translated_errors():
        await hold(stick, serial=SERIAL + 1).unit(1).read_holding_registers(0, 1)


async def test_the_right_serial_is_learnt_from_a_heartbeat(hold, stick):
    unit = hold(stick, serial=SERIAL + 1).unit(1)
    request = asyncio.create_task(unit.read_holding_registers(0, 1))
    await stick.wait_for_frames(1)
    stick.push()
    with pytest.raises(ModbusTimeoutError):
        await request
    assert (unit.stick.heard, unit.stick.other_serial) == (True, SERIAL)


@pytest.mark.parametrize(
    ("access", "reason"), [(Access.MUTE, "silent"), (Access.CLOSING, "dropped"), (Access.NONE, "lost")]
)
async def test_a_stick_without_local_access_is_not_heard(hold, table, socket_enabled, access, reason):
    async with SolarmanStick(table, access=access) as stick:
        unit = hold(stick).unit(1)
        for _ in range(2):
            with pytest.raises(CannotConnect, match=reason), translated_errors():
                await unit.read_holding_registers(0, 1)
        assert not unit.stick.heard
        assert unit.stick.answered_at is None


async def test_a_closed_port_is_refused(table, socket_enabled):
    async with SolarmanStick(table, access=Access.NONE) as stick:
        with pytest.raises(CannotConnect, match="refused"):
            await reach(stick.host, stick.port, ENOUGH)


async def test_an_lse_3_gives_nothing_by_v5_and_everything_by_plain_modbus_tcp(pool, hold, table, socket_enabled):
    async with SolarmanStick(table, access=Access.MODBUS_TCP) as stick:
        with pytest.raises(CannotConnect, match="silent"), translated_errors():
            await hold(stick).unit(1).read_holding_registers(0, 1)
        plain = pool.acquire(ModbusTcpParams(host=stick.host, port=stick.port), timeout=TIMEOUT)
        assert await plain.unit(1).read_holding_registers(5, 2) == [5, 6]
        await plain.release()


async def test_an_old_stick_is_known_by_its_echo(unit, stick):
    stick.inject(solarman.old_stick())
    assert not unit.stick.echoed
    with pytest.raises(CannotConnect, match="silent"), translated_errors():
        await unit.read_holding_registers(0, 1)
    assert unit.stick.echoed
    assert unit.stick.answered_at is None


async def test_a_port_that_is_no_stick_is_silent(hold, pool, socket_enabled):
    async with SilentServer() as server:
        lease = pool.acquire(V5Endpoint(server.host, SERIAL, server.port), timeout=0.05)
        with pytest.raises(CannotConnect, match="silent"), translated_errors():
            await lease.unit(1).read_holding_registers(0, 1)
        await lease.release()


# --- holding and letting go --------------------------------------------------------------------------------------


async def test_two_entries_of_one_stick_share_its_connection(hold, table, socket_enabled):
    async with SolarmanStick(table, most=1) as stick:
        first, second = hold(stick), hold(stick)
        assert stick.connections_ever == 0
        assert await first.unit(1).read_holding_registers(0, 1) == [0]
        assert await second.unit(1).read_holding_registers(1, 1) == [1]
        assert (stick.connections_ever, stick.connections_refused) == (1, 0)
        assert first.runner is second.runner
        await first.release()
        assert await second.unit(1).read_holding_registers(2, 1) == [2]
        assert stick.connections_ever == 1


def test_one_stick_is_one_endpoint_however_its_name_is_spelt():
    stick = V5Endpoint("Stick.local", SERIAL)
    assert stick.endpoint == V5Endpoint("stick.LOCAL", SERIAL).endpoint
    assert stick.endpoint != V5Endpoint("stick.local", SERIAL + 1).endpoint
    assert stick.endpoint != V5Endpoint("stick.local", SERIAL, 8900).endpoint
    assert stick.endpoint != ModbusTcpParams(host="stick.local", port=8899).endpoint
    assert str(SERIAL) not in repr(stick)


async def test_nothing_is_left_behind_when_a_stick_is_let_go(hold, stick):
    lease = hold(stick)
    unit = lease.unit(1)
    await unit.read_holding_registers(0, 1)
    await lease.release()
    assert not lease.connected
    await eventually(lambda: stick.connections_now == 0)
    with pytest.raises(ModbusConnectionError):
        await unit.read_holding_registers(0, 1)

"""Shared connections and what reads on them, over real sockets."""

import asyncio
import logging
import socket
from dataclasses import replace
from itertools import pairwise
from typing import override

import pytest
from modbus_connection import ModbusError, ModbusProtocolError, ModbusTcpParams, ModbusTimeoutError
from modbus_connection.model import NumberField
from pymodbus.constants import ExcCodes

from custom_components.energy_suite.gateways import schedule
from custom_components.energy_suite.gateways.base import CannotConnect, Device, DeviceGone, NotSupported, Report, Speed
from custom_components.energy_suite.gateways.connections import Datagrams, Pool, Runner, reach
from custom_components.energy_suite.gateways.registers import Registers, translated_errors
from custom_components.energy_suite.gateways.schedule import Schedule
from demo import faults
from demo.modbus import HOST, ModbusServer, SilentServer, read_response, write_response

TIMEOUT = 0.2
INTERVAL = 0.05
ENOUGH = 10.0


class Table(ModbusServer):
    """Every register reads its own address; those from 100 on are not there."""

    def __init__(self, port=0):
        super().__init__(port)
        self.asked = asyncio.Event()
        self.refusals = {}

    @override
    def answer(self, request):
        self.asked.set()
        if request.dev_id in self.refusals:
            return self.refusals[request.dev_id]
        if request.function_code not in (3, 4, 6, 16):
            return ExcCodes.ILLEGAL_FUNCTION
        if request.address >= 100:
            return ExcCodes.ILLEGAL_ADDRESS
        if request.function_code in (6, 16):
            return write_response(request)
        return read_response(request, list(range(request.address, request.address + request.count)))


def without_transaction(answer):
    """The answer carries transaction id 0, as some gateways send it."""
    return replace(answer, frame=bytes(2) + answer.frame[2:])


def short(answer):
    """The answer has one register less than was asked for, and is well formed otherwise."""
    frame = bytearray(answer.frame[:-2])
    frame[5] -= 2
    frame[8] -= 2
    return replace(answer, frame=bytes(frame))


def flip(bit):
    """One bit of the answer is wrong, counted from its first byte."""

    def fault(answer):
        frame = bytearray(answer.frame)
        frame[bit // 8] ^= 0x80 >> bit % 8
        return replace(answer, frame=bytes(frame))

    return fault


class Live(Registers):
    """What is read every round."""

    layouts = (((0, 2), (99, 99)), ((0, 2),))
    first = NumberField[int](0)
    third = NumberField[int](2)
    extra = NumberField[int](99)


class Totals(Registers):
    """What is read slowly."""

    speed = Speed.SLOW
    total = NumberField[int](10)


class Missing(Registers):
    """What no device has."""

    speed = Speed.SLOW
    nothing = NumberField[int](100)


class Meter(Device):
    """A device of two parts."""

    kind = "meter"
    manufacturer = "Test"

    def __init__(self, unit, key="meter", **more):
        super().__init__(key)
        self.live = Live(unit)
        self.parts = {"live": self.live, "totals": Totals(unit), **more}
        self.settled = 0

    @override
    def settle(self, now):
        self.settled += 1


class Listener:
    """Receives reports."""

    def __init__(self):
        self.reports: asyncio.Queue[Report] = asyncio.Queue()

    def __call__(self, report):
        self.reports.put_nowait(report)

    async def next(self):
        async with asyncio.timeout(ENOUGH):
            return await self.reports.get()

    async def until(self, met):
        while not met(report := await self.next()):
            pass
        return report

    async def until_up(self):
        return await self.until(lambda report: report.available)

    async def until_down(self):
        return await self.until(lambda report: not report.available)

    @property
    def silent(self):
        return self.reports.empty()


async def eventually(met):
    async with asyncio.timeout(ENOUGH):
        while not met():  # noqa: ASYNC110 - the other end of a socket has no event
            await asyncio.sleep(0)


@pytest.fixture
async def server(socket_enabled):
    async with Table() as server:
        yield server


@pytest.fixture(autouse=True)
async def complaints(caplog, monkeypatch):
    """Whatever goes wrong on the wire, neither pymodbus nor the event loop says a word."""
    complaints = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    monkeypatch.setattr(schedule, "FIRST_BACK_OFF", 0.05)
    yield complaints
    assert complaints == []
    assert [record for record in caplog.records if record.name.startswith("pymodbus")] == []


@pytest.fixture
def pool(monkeypatch):
    monkeypatch.setattr(logging.getLogger("pymodbus.logging"), "level", logging.NOTSET)
    return Pool()


@pytest.fixture
async def hold(pool):
    """Hold the connection to a server; released with the test."""
    leases = []

    def hold(server, *, timeout=TIMEOUT, interval=INTERVAL, **more):
        params = ModbusTcpParams(host=server.host, port=server.port)
        leases.append(pool.acquire(params, interval=interval, timeout=timeout, **more))
        return leases[-1]

    yield hold
    for lease in leases:
        await lease.release()


@pytest.fixture
async def lease(hold, server):
    return hold(server)


@pytest.fixture
async def unit(lease):
    return lease.unit(1)


# --- the pool ----------------------------------------------------------------------------------------------------


async def test_a_connection_is_opened_with_the_first_request_and_shared(hold, server):
    first, second = hold(server), hold(server)
    assert server.connections_ever == 0
    assert not first.connected
    assert await first.unit(1).read_holding_registers(5, 2) == [5, 6]
    assert await second.unit(2).read_input_registers(7, 1) == [7]
    assert server.connections_ever == 1
    assert first.runner is second.runner


async def test_a_connection_is_closed_with_its_last_holder(hold, server):
    first, second = hold(server), hold(server)
    unit = second.unit(1)
    await unit.read_holding_registers(0, 1)
    await first.release()
    await first.release()
    assert second.connected
    assert await unit.read_holding_registers(3, 1) == [3]
    await second.release()
    assert not second.connected
    await eventually(lambda: server.connections_now == 0)
    with pytest.raises(CannotConnect, match="lost"), translated_errors():
        await unit.read_holding_registers(0, 1)


async def test_an_endpoint_that_was_given_up_can_be_held_again(hold, server):
    await hold(server).release()
    assert await hold(server).unit(1).read_holding_registers(4, 1) == [4]


async def test_two_endpoints_have_a_connection_each(hold, server):
    async with Table() as other:
        mine, yours = hold(server), hold(other)
        await mine.unit(1).read_holding_registers(0, 1)
        await yours.unit(1).read_holding_registers(0, 1)
        assert (server.connections_ever, other.connections_ever) == (1, 1)
        assert mine.runner is not yours.runner


async def test_a_link_is_opened_again_after_the_server_closed_it(unit, server):
    await unit.read_holding_registers(0, 1)
    server.disconnect_all()
    await eventually(lambda: not unit.connected)
    assert await unit.read_holding_registers(8, 1) == [8]


async def test_a_request_does_not_wait_for_the_answer_of_a_server_that_hung_up(hold, server):
    """With the server gone there is nothing to wait for: this request would else take a minute."""
    unit = hold(server, timeout=60).unit(1)
    server.inject(faults.disconnect())
    async with asyncio.timeout(ENOUGH):
        with pytest.raises(CannotConnect, match="dropped"), translated_errors():
            await unit.read_holding_registers(0, 1)


async def test_a_request_that_costs_the_link_takes_only_its_own_device_down(hold, server, listener):
    runner = hold(server).runner
    meters = {name: Meter(hold(server).unit(number), name) for number, name in enumerate(("one", "two"), 1)}
    reports: dict[str, list[Report]] = {name: [] for name in meters}
    server.inject(faults.disconnect(), only=lambda request: request.unit == 1)
    for name, meter in meters.items():
        runner.attach(name, meter, reports[name].append)
    await eventually(lambda: len(reports["two"]) > 5)
    assert not any(report.available for report in reports["one"])
    assert all(report.available for report in reports["two"])


async def test_whoever_reads_last_decides_the_interval(hold, server):
    first = hold(server, interval=3)
    assert first.runner.schedule.interval == 3
    hold(server, interval=None)
    assert first.runner.schedule.interval == 3
    hold(server, interval=7)
    assert first.runner.schedule.interval == 7


def test_pymodbus_stays_silent_unless_the_user_wants_to_hear_it(monkeypatch):
    log = logging.getLogger("pymodbus.logging")
    monkeypatch.setattr(log, "level", logging.NOTSET)
    Pool()
    assert log.level == logging.CRITICAL
    monkeypatch.setattr(log, "level", logging.DEBUG)
    Pool()
    assert log.level == logging.DEBUG


# --- answers that cannot be used ---------------------------------------------------------------------------------


async def test_every_request_goes_through(unit, server):
    await unit.write_register(4, 1)
    await unit.write_registers(4, [1, 2])
    assert await unit.read_holding_registers(0, 1) == [0]
    assert await unit.read_input_registers(1, 2) == [1, 2]
    assert [(request.function, request.count) for request in server.requests] == [(6, 1), (16, 2), (3, 1), (4, 2)]


async def test_bits_that_a_device_does_not_have_are_not_supported(unit):
    for request in (
        lambda: unit.read_coils(0, 1),
        lambda: unit.read_discrete_inputs(0, 1),
        lambda: unit.write_coil(0, True),
        lambda: unit.write_coils(0, [True, False]),
    ):
        with pytest.raises(NotSupported), translated_errors():
            await request()
    assert unit.connected


async def test_an_exception_is_an_answer_and_leaves_the_link_alone(unit, server):
    with pytest.raises(NotSupported), translated_errors():
        await unit.read_holding_registers(100, 1)
    server.refusals[1] = ExcCodes.GATEWAY_NO_RESPONSE
    with pytest.raises(DeviceGone), translated_errors():
        await unit.read_holding_registers(0, 1)
    server.refusals.clear()
    assert await unit.read_holding_registers(0, 1) == [0]
    assert server.connections_ever == 1


async def test_a_gateway_that_numbers_no_answer_is_read_and_no_late_answer_taken(unit, server):
    server.inject(without_transaction)
    assert await unit.read_holding_registers(10, 1) == [10]
    server.inject(faults.delay(TIMEOUT + 0.02), requests=1)
    with pytest.raises(ModbusTimeoutError):
        await unit.read_holding_registers(10, 2)
    for address in range(20, 25):
        assert await unit.read_holding_registers(address, 2) == [address, address + 1]


@pytest.mark.parametrize(
    "fault",
    [faults.silence(), faults.cut(), faults.disconnect(), faults.other_transaction(), without_transaction, short],
    ids=["silence", "cut", "disconnect", "other_transaction", "without_transaction", "short"],
)
async def test_an_answer_that_cannot_be_used_costs_the_link_and_not_the_next_answer(unit, server, fault):
    assert await unit.read_holding_registers(0, 1) == [0]
    server.inject(fault, requests=1)
    with pytest.raises(CannotConnect), translated_errors():
        await unit.read_holding_registers(10, 2)
    assert not unit.connected
    assert await unit.read_holding_registers(20, 2) == [20, 21]


async def test_a_short_answer_is_an_error_of_the_protocol(unit, server):
    server.inject(short)
    with pytest.raises(ModbusProtocolError):
        await unit.read_holding_registers(10, 2)


# One bit each of transaction id, protocol id, length (longer, shorter), unit id, function code and byte count.
@pytest.mark.parametrize("bit", [14, 24, 40, 46, 55, 56, 60, 62, 64, 69])
async def test_a_bit_flipped_in_the_frame_makes_no_value(unit, server, bit):
    server.inject(flip(bit), requests=1)
    with pytest.raises(ModbusError):
        await unit.read_holding_registers(10, 2)
    assert await unit.read_holding_registers(20, 2) == [20, 21]


async def test_a_late_answer_is_not_read_as_the_next_ones(unit, server):
    server.inject(without_transaction, only=lambda request: request.address == 10)
    server.inject(faults.delay(TIMEOUT + 0.02), requests=1)
    with pytest.raises(ModbusTimeoutError):
        await unit.read_holding_registers(10, 1)
    server.inject(faults.delay(0.05))
    assert await unit.read_holding_registers(20, 1) == [20]
    assert server.connections_ever == 2


async def test_a_late_answer_is_not_read_as_that_of_a_request_that_waited_for_its_turn(unit, server):
    server.inject(without_transaction, only=lambda request: request.address == 10)
    server.inject(faults.delay(TIMEOUT + 0.02), requests=1)
    server.inject(faults.delay(0.05), only=lambda request: request.address == 20)
    late = asyncio.create_task(unit.read_holding_registers(10, 1))
    await server.asked.wait()
    assert await unit.read_holding_registers(20, 1) == [20]
    with pytest.raises(ModbusTimeoutError):
        await late


async def test_a_request_that_is_cancelled_ends_as_such_and_drops_the_link(hold, server):
    unit = hold(server, timeout=ENOUGH).unit(1)
    server.inject(faults.silence(), requests=1)
    request = asyncio.create_task(unit.read_holding_registers(10, 1))
    await server.asked.wait()
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert request.cancelled()
    assert not unit.connected
    assert await unit.read_holding_registers(20, 1) == [20]


async def test_a_request_obeys_the_time_limit_of_its_caller(hold, server):
    unit = hold(server, timeout=ENOUGH).unit(1)
    await unit.read_holding_registers(0, 1)
    server.inject(faults.silence())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await unit.read_holding_registers(10, 1)


async def test_a_request_cancelled_before_its_turn_leaves_the_one_under_way_alone(hold, server):
    unit = hold(server, timeout=ENOUGH).unit(1)
    await unit.read_holding_registers(0, 1)
    server.asked.clear()
    server.inject(faults.delay(0.05))
    under_way = asyncio.create_task(unit.read_holding_registers(10, 1))
    await server.asked.wait()
    waiting = asyncio.create_task(unit.read_holding_registers(20, 1))
    await asyncio.sleep(0)
    waiting.cancel()
    assert await under_way == [10]
    assert server.connections_ever == 1


# --- how long an answer may take, and what lies between two messages ----------------------------------------------


async def test_the_timeout_follows_the_answers_without_the_link_being_opened_anew(hold, server):
    """Before anything was learnt this would take a minute."""
    lease = hold(server, timeout=60, learns=True)
    unit = lease.unit(1)
    assert lease.timeout == 60
    for address in range(5):
        await unit.read_holding_registers(address, 1)
    assert lease.timeout == 0.5
    assert server.connections_ever == 1
    server.inject(faults.silence(), requests=1)
    async with asyncio.timeout(ENOUGH):
        with pytest.raises(ModbusTimeoutError):
            await unit.read_holding_registers(10, 1)
    assert server.connections_ever == 1


async def test_the_timeout_follows_the_answers_as_soon_as_anybody_wants_it_to(hold, server):
    first = hold(server, timeout=60)
    for address in range(5):
        await first.unit(1).read_holding_registers(address, 1)
    assert first.timeout == 60
    hold(server, timeout=60, learns=True)
    assert first.timeout == 0.5
    assert first.runner.schedule.brake.timeout == 60


async def test_a_refusal_of_the_device_teaches_and_what_the_gateway_says_of_a_silent_one_does_not(hold, server):
    lease = hold(server, timeout=60, learns=True)
    server.refusals = {1: ExcCodes.GATEWAY_NO_RESPONSE, 2: ExcCodes.GATEWAY_PATH_UNAVIABLE, 3: ExcCodes.ILLEGAL_ADDRESS}
    for number, timeout in ((1, 60), (2, 60), (3, 0.5)):
        for _ in range(5):
            with pytest.raises(ModbusError):
                await lease.unit(number).read_holding_registers(0, 1)
        assert lease.timeout == timeout


async def test_messages_are_spaced_and_the_timeout_does_not_learn_the_pause(hold, server):
    lease = hold(server, timeout=60, learns=True, spacing=0.2)
    for number in range(1, 7):
        await lease.unit(number).read_holding_registers(0, 1)
    times = [request.time for request in server.requests]
    assert min(later - earlier for earlier, later in pairwise(times)) >= 0.2
    assert lease.timeout == 0.5


async def test_a_link_without_connection_has_no_timeout(pool):
    lease = pool.acquire(Datagrams("127.0.0.1", 161), timeout=3, learns=True, spacing=0.1)
    assert lease.timeout is None
    await lease.release()


# --- why a gateway cannot be reached -----------------------------------------------------------------------------


async def test_a_port_that_listens_is_reached(server):
    await reach(server.host, server.port, ENOUGH)


async def test_a_port_where_nothing_listens_is_refused(server):
    server.stop()
    with pytest.raises(CannotConnect, match="refused"):
        await reach(server.host, server.port, ENOUGH)


async def test_a_host_that_takes_no_notice_is_silent(socket_enabled):
    with socket.socket() as full:
        full.bind((HOST, 0))
        full.listen(0)
        # Linux drops who comes after the queue of a listener is full.
        waiting = [socket.socket() for _ in range(3)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        with pytest.raises(CannotConnect, match="silent"):
            await reach(HOST, full.getsockname()[1], 0.05)
        for client in waiting:
            client.close()


@pytest.mark.parametrize("error", [socket.gaierror("no such host"), UnicodeError("label empty or too long")])
async def test_a_host_that_does_not_exist_is_unreachable(socket_enabled, monkeypatch, error):
    async def resolve(*_, **__):
        raise error

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
    with pytest.raises(CannotConnect, match="unreachable"):
        await reach("nowhere.invalid", 502, ENOUGH)


async def test_a_name_with_several_addresses_is_refused_when_each_of_them_refuses(server, monkeypatch):
    server.stop()

    async def resolve(*_, **__):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (HOST, port)) for port in (server.port, 1)]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
    with pytest.raises(CannotConnect, match="refused"):
        await reach("gateway.local", server.port, ENOUGH)


async def test_no_route_is_unreachable(socket_enabled, monkeypatch):
    async def connect(*_):
        raise OSError(113, "No route to host")

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", connect)
    with pytest.raises(CannotConnect, match="unreachable"):
        await reach(HOST, 502, ENOUGH)


async def test_a_port_that_accepts_and_says_nothing_is_silent(hold, socket_enabled):
    async with SilentServer() as server:
        with pytest.raises(CannotConnect, match="silent"), translated_errors():
            await hold(server).unit(1).read_holding_registers(0, 1)


async def test_a_gateway_that_refuses_the_connection_is_lost_to_whoever_reads(unit, server):
    server.stop()
    with pytest.raises(CannotConnect, match="lost"), translated_errors():
        await unit.read_holding_registers(0, 1)


# --- the runner --------------------------------------------------------------------------------------------------


@pytest.fixture
async def listener():
    return Listener()


@pytest.fixture
async def meter(lease, listener):
    meter = Meter(lease.unit(1))
    lease.runner.attach("meter", meter, listener)
    return meter


async def test_a_device_is_reported_once_it_was_read_in_full_and_then_every_round(meter, listener, lease):
    await lease.runner.reported("meter")
    assert await listener.next() == Report(available=True, updated=frozenset({"live", "totals"}))
    assert await listener.next() == Report(available=True, updated=frozenset({"live"}))
    assert meter.live.third == 2
    assert meter.settled == 2
    assert lease.runner.is_fresh("meter", "live")
    assert not lease.runner.is_fresh("another", "live")


async def test_a_part_that_the_device_lacks_is_named_and_the_rest_is_shown(lease, listener):
    meter = Meter(lease.unit(1), missing=Missing(lease.unit(1)))
    lease.runner.attach("meter", meter, listener)
    report = await listener.next()
    assert report == Report(True, frozenset({"live", "totals"}), {"missing": "absent"})
    assert not lease.runner.is_fresh("meter", "missing")


async def test_a_device_that_is_gone_is_reported_once_until_it_returns(meter, listener, server):
    await listener.until_up()
    server.refusals[1] = ExcCodes.GATEWAY_NO_RESPONSE
    assert (await listener.until_down()).failed["live"] == "gone"
    server.refusals.clear()
    assert (await listener.next()).available


async def test_a_silent_device_is_reported_down_and_up_again_with_everything_read(meter, listener, server):
    await listener.until_up()
    with server.inject(faults.silence()):
        report = await listener.until_down()
    assert report == Report(False, frozenset(), {"live": "silent"})
    assert await listener.next() == Report(available=True, updated=frozenset({"live", "totals"}))


async def test_one_answer_that_comes_late_is_not_noticed(meter, listener, server):
    await listener.until_up()
    server.inject(faults.delay(TIMEOUT + 0.02), requests=1)
    await eventually(lambda: server.connections_ever == 2)
    await listener.next()
    assert all(report.available for report in [await listener.next() for _ in range(2)])
    assert meter.live.third == 2


async def test_a_gateway_that_reboots_takes_every_device_down_once_and_brings_all_back(lease, server):
    listeners = {name: Listener() for name in ("one", "two", "three")}
    for number, (name, listener) in enumerate(listeners.items(), 1):
        lease.runner.attach(name, Meter(lease.unit(number)), listener)
    for listener in listeners.values():
        await listener.until_up()
    server.stop()
    for listener in listeners.values():
        await listener.until_down()
    await server.start()
    for listener in listeners.values():
        assert await listener.next() == Report(available=True, updated=frozenset({"live", "totals"}))


async def test_a_device_that_returns_may_have_another_firmware(meter, listener, server):
    old = server.inject(faults.exception(2), only=lambda request: request.address == 99)
    meter.live.forget()
    await listener.until(lambda _: "extra" not in meter.live.fields)
    server.stop()
    await listener.until_down()
    old.remove()
    await server.start()
    await listener.until_up()
    assert meter.live.extra == 99


async def test_a_device_that_falls_silent_is_as_good_as_any_to_the_others(lease, meter, listener, server):
    other = Listener()
    lease.runner.attach("other", Meter(lease.unit(2)), other)
    await other.until_up()
    with server.inject(faults.silence(), only=lambda request: request.unit == 1):
        await listener.until_down()
        other.reports = asyncio.Queue()
        for _ in range(3):
            assert (await other.next()).available


async def test_what_is_expedited_is_read_without_waiting_for_the_round(hold, server, listener):
    runner = hold(server, interval=ENOUGH * 2).runner
    meter = Meter(hold(server).unit(1))
    runner.attach("meter", meter, listener)
    await listener.next()
    await listener.next()  # the first round, right after all that is read once
    runner.expedite("nobody")
    runner.expedite("meter", ["totals"])
    assert await listener.next() == Report(available=True, updated=frozenset({"totals"}))


async def test_looking_again_does_not_wait_for_the_round(hold, server, listener):
    lease = hold(server, interval=ENOUGH * 2)
    lease.runner.attach("meter", Meter(lease.unit(1), missing=Missing(lease.unit(1))), listener)
    await listener.next()
    await listener.next()
    server.requests.clear()
    lease.runner.look_again()
    await listener.next()
    assert [request.address for request in server.requests] == [100]


async def test_values_are_fresh_for_three_intervals(hold, server, listener):
    lease = hold(server)
    now = 0.0
    runner = Runner(Schedule(5.0), lambda: now)
    runner.attach("meter", Meter(lease.unit(1), missing=Missing(lease.unit(1))), listener)
    await listener.next()
    now = 15.0
    assert runner.is_fresh("meter", "live")
    now = 15.1
    assert not runner.is_fresh("meter", "live")
    assert runner.is_fresh("meter", "totals")
    await runner.close()


async def test_nothing_is_fresh_before_it_is_read(lease, listener, server):
    server.inject(faults.silence())
    lease.runner.attach("meter", Meter(lease.unit(1)), listener)
    assert not lease.runner.is_fresh("meter", "live")


async def test_a_device_detached_during_its_read_is_not_reported(hold, server, listener):
    lease = hold(server, timeout=ENOUGH)
    other = Listener()
    server.inject(faults.delay(0.05), requests=1)
    lease.runner.attach("meter", Meter(lease.unit(1)), listener)
    await server.asked.wait()
    lease.runner.detach("meter")
    lease.runner.attach("other", Meter(lease.unit(2)), other)
    assert (await other.next()).available
    assert listener.silent
    # The read that was under way when it was detached, and none since.
    assert [request.address for request in server.requests if request.unit == 1] == [0, 99]


async def test_who_waits_for_a_report_is_let_go_when_there_will_be_none(hold, server, listener):
    lease = hold(server, timeout=ENOUGH)
    server.inject(faults.silence())
    lease.runner.attach("meter", Meter(lease.unit(1)), listener)
    waiting = asyncio.create_task(lease.runner.reported("meter"))
    await server.asked.wait()
    lease.runner.detach("meter")
    async with asyncio.timeout(ENOUGH):
        await waiting
    assert listener.silent


async def test_closing_while_a_request_hangs_leaves_nothing_behind(hold, server, listener):
    before = asyncio.all_tasks()
    lease = hold(server, timeout=60.0)
    server.inject(faults.silence())
    lease.runner.attach("meter", Meter(lease.unit(1)), listener)
    await server.asked.wait()
    async with asyncio.timeout(ENOUGH):
        await lease.release()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
    assert not lease.connected
    assert listener.silent
    assert not lease.runner.is_fresh("meter", "live")


async def test_closing_before_anything_was_read_is_possible(hold, server, listener):
    lease = hold(server)
    lease.runner.attach("meter", Meter(lease.unit(1)), listener)
    await lease.release()
    assert listener.silent


async def test_an_error_behind_a_listener_stops_nobody_else(lease, listener, complaints):
    def broken(report):
        raise ValueError(report)

    lease.runner.attach("broken", Meter(lease.unit(1)), broken)
    lease.runner.attach("meter", Meter(lease.unit(2)), listener)
    for _ in range(3):
        assert (await listener.next()).available
    assert {type(context["exception"]) for context in complaints} == {ValueError}
    complaints.clear()
    lease.runner.detach("broken")


async def test_an_error_in_a_device_stops_nobody_else(lease, listener, complaints):
    class Broken(Meter):
        @override
        def settle(self, now):
            raise ZeroDivisionError

    lease.runner.attach("broken", Broken(lease.unit(1)), Listener())
    lease.runner.attach("meter", Meter(lease.unit(2)), listener)
    await lease.runner.reported("broken")
    for _ in range(3):
        assert (await listener.next()).available
    assert {type(context["exception"]) for context in complaints} == {ZeroDivisionError}
    complaints.clear()
    lease.runner.detach("broken")


async def test_reads_are_counted(hold, server, listener):
    lease = hold(server, interval=ENOUGH * 2)
    lease.runner.attach("meter", Meter(lease.unit(1)), listener)
    await listener.next()
    await listener.next()
    assert lease.runner.requests == 3

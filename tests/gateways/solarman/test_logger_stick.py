"""The stick as a device: whether it answers, without a request more than it takes to know."""

import asyncio

import pytest
from modbus_connection import ModbusTcpParams

from custom_components.energy_suite.gateways import schedule
from custom_components.energy_suite.gateways.base import CannotConnect, Found, Report
from custom_components.energy_suite.gateways.registers import translated_errors
from custom_components.energy_suite.gateways.solarman import devices
from custom_components.energy_suite.gateways.solarman.devices import LoggerStick
from demo import faults, solarman
from demo.solarman import Access, SolarmanStick

ENOUGH = 10.0
FOUND = Found(key="stick", kind="logger_stick", unit_id=1, serial="2355553510", name="Garage")

pytestmark = pytest.mark.usefixtures("complaints", "no_pause")


class Clock:
    """Time that stands still until it is told otherwise."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("custom_components.energy_suite.gateways.solarman.v5.time", clock)
    monkeypatch.setattr(devices, "time", clock)
    return clock


@pytest.fixture
def unit(hold, stick):
    return hold(stick).unit(1)


@pytest.fixture
def logger(unit):
    return LoggerStick(FOUND, unit, interval=10)


async def test_a_stick_that_answers_others_is_not_asked(logger, unit, stick, clock):
    await unit.read_holding_registers(5, 1)
    clock.now += 10
    await logger.presence.async_read(7.0)
    assert len(stick.requests) == 1
    assert (logger.presence.present, logger.presence.read_at) == (True, 7.0)


async def test_a_stick_that_answered_nobody_for_an_interval_is_asked_once(logger, unit, stick, clock):
    assert logger.presence.present is None
    await logger.presence.async_read(1.0)
    assert len(stick.requests) == 1
    await logger.presence.async_read(2.0)
    clock.now += 10.5
    assert len(stick.requests) == 1
    await logger.presence.async_read(3.0)
    assert [(request.function, request.count) for request in stick.requests] == [(3, 1)] * 2
    assert logger.presence.read_at == 3.0


@pytest.mark.parametrize(
    "fault",
    [
        solarman.short_error(),
        solarman.short_error(6),
        solarman.exception(1),
        solarman.exception(2),
        solarman.exception(3),
        solarman.exception(4),
    ],
    ids=["05 00", "06 00", "exception 1", "exception 2", "exception 3", "exception 4"],
)
async def test_whatever_a_stick_answers_it_is_there(logger, unit, stick, fault, clock):
    stick.inject(fault)
    await logger.presence.async_read(1.0)
    assert logger.presence.present
    await logger.presence.async_read(2.0)
    assert len(stick.requests) == 1


@pytest.mark.parametrize(("fault", "reason"), [(faults.silence(), "silent"), (faults.disconnect(), "dropped")])
async def test_a_stick_that_does_not_answer_is_not_there(logger, stick, fault, reason):
    stick.inject(fault)
    with pytest.raises(CannotConnect, match=reason):
        await logger.presence.async_read(1.0)
    assert logger.presence.read_at is None


async def test_it_knows_whether_the_inverter_answers_it(logger, unit, stick):
    assert logger.inverter_connected is None
    sleeps = stick.inject(solarman.short_error())
    await logger.presence.async_read(1.0)
    assert logger.inverter_connected is False
    sleeps.remove()
    await unit.read_holding_registers(0, 1)
    assert logger.inverter_connected is True


async def test_an_inverter_is_not_known_to_be_connected_while_the_stick_is_silent(logger, stick):
    stick.inject(faults.silence())
    with pytest.raises(CannotConnect):
        await logger.presence.async_read(1.0)
    assert logger.inverter_connected is None


async def test_it_says_who_it_is_and_since_when_it_runs(logger, stick):
    assert (logger.identity.manufacturer, logger.identity.serial, logger.identity.name) == (
        "SOLARMAN",
        "2355553510",
        "Garage",
    )
    assert logger.uptime is None
    stick.working = 5000
    await logger.presence.async_read(1.0)
    shown = logger.presence.shown["values"]
    assert logger.uptime is not None
    assert shown == {"uptime": logger.uptime, "working_time": 5000 + logger.uptime, "dropped_frames": 0}
    assert "2355553510" not in repr(shown)


async def test_frames_of_others_are_counted(logger, unit, stick):
    stick.inject(solarman.wrong_sequence(), requests=1)
    with pytest.raises(CannotConnect), translated_errors():
        await unit.read_holding_registers(0, 1)
    assert logger.presence.dropped == 1
    logger.presence.forget()
    assert logger.presence.dropped == 1


async def test_over_plain_modbus_tcp_it_is_asked_and_tells_nothing_of_itself(pool, table, socket_enabled):
    async with SolarmanStick(table, access=Access.MODBUS_TCP) as stick:
        lease = pool.acquire(ModbusTcpParams(host=stick.host, port=stick.port), timeout=ENOUGH)
        logger = LoggerStick(FOUND, lease.unit(1), interval=10)
        for now in (1.0, 2.0):
            await logger.presence.async_read(now)
        assert len(stick.requests) == 2
        assert logger.presence.present
        assert (logger.inverter_connected, logger.uptime, logger.presence.dropped) == (None, None, 0)
        assert logger.presence.shown == {}
        await lease.release()


async def test_it_is_reported_as_it_comes_and_goes(hold, stick, logger, monkeypatch):
    monkeypatch.setattr(schedule, "FIRST_BACK_OFF", 0.05)
    reports: asyncio.Queue[Report] = asyncio.Queue()
    logger = LoggerStick(FOUND, hold(stick).unit(1), interval=0.02)
    hold(stick).runner.attach("stick", logger, reports.put_nowait)
    async with asyncio.timeout(ENOUGH):
        assert (await reports.get()).available
        stick.stop()
        while (await reports.get()).available:
            pass
        await stick.start()
        assert (await reports.get()).available


async def test_letting_go_of_it_does_not_wait_for_an_answer(hold, stick):
    before = asyncio.all_tasks()
    lease = hold(stick, timeout=60)
    stick.inject(faults.silence())
    lease.runner.attach("stick", LoggerStick(FOUND, lease.unit(1), interval=10), lambda _: None)
    await stick.wait_for_frames(1)
    async with asyncio.timeout(ENOUGH):
        await lease.release()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
    assert not lease.connected

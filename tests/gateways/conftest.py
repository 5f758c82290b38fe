"""A Modbus unit in memory whose next reads and writes can be spoilt, and the pool of connections."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

import pytest
from modbus_connection.mock import MockModbusConnection, MockModbusUnit, WriteEvent

from custom_components.energy_suite.gateways.connections import Pool


class ScriptedUnit(MockModbusUnit):
    """Fails the reads that a test foresees, and keeps what was written."""

    def __init__(self) -> None:
        super().__init__(MockModbusConnection(), 1)
        self.read_errors: deque[Exception | None] = deque()
        """What becomes of the next reads, one each; None answers."""
        self.written: list[WriteEvent] = []
        self.on_write(self.written.append)

    async def read_holding_registers(self, address, count):
        words = await super().read_holding_registers(address, count)
        if self.read_errors and (error := self.read_errors.popleft()) is not None:
            raise error
        return words


@pytest.fixture
def unit():
    return ScriptedUnit()


@pytest.fixture(autouse=True)
def _custom_integrations():
    """Nothing below needs Home Assistant."""


@pytest.fixture(autouse=True)
def _quick():
    """Pauses are what they are: here the clock is explicit."""


@pytest.fixture
async def complaints(caplog: pytest.LogCaptureFixture) -> AsyncIterator[list[Any]]:
    """Whatever goes wrong on the wire, neither pymodbus nor the event loop says a word."""
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    yield complaints
    assert complaints == []
    assert [record for record in caplog.records if record.name.startswith("pymodbus")] == []


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Pool:
    monkeypatch.setattr(logging.getLogger("pymodbus.logging"), "level", logging.NOTSET)
    return Pool()

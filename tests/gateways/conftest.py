"""A Modbus unit in memory whose next reads and writes can be spoilt."""

from collections import deque

import pytest
from modbus_connection.mock import MockModbusConnection, MockModbusUnit, WriteEvent


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

"""The gateway itself, and devices of which only the presence is known."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, override

from modbus_connection import (
    GatewayPathUnavailableError,
    GatewayTargetError,
    ModbusExceptionError,
    ModbusUnit,
)

from ..base import Device, Found, Identity, Speed
from ..registers import translated_errors

type Ask = Callable[[], Awaitable[None]]
"""Asks whether something is there. Raises ``GatewayError``."""


class Presence:
    """Whether something answers; nothing else is read of it."""

    speed = Speed.LIVE
    dropped = 0
    shown: Mapping[str, Any] = {}

    def __init__(self, ask: Ask) -> None:
        """``ask`` finds out."""
        self._ask = ask
        self.present: bool | None = None
        self.read_at: float | None = None

    async def async_read(self, now: float) -> None:
        """Find out. Raises ``GatewayError``."""
        await self._ask()
        self.present, self.read_at = True, now

    def forget(self) -> None:
        """There is nothing else to find out."""


class ModbusGateway(Device):
    """A web server, a converter, or any gateway to a Modbus line."""

    kind = "modbus_gateway"
    manufacturer = ""

    def __init__(self, found: Found, model: str, open_link: Ask) -> None:
        """``open_link`` opens the connection to it, unless it is open."""
        super().__init__(found.key)
        self.found = found
        self._model = model
        # Nothing is asked on the line: a gateway has no address there.
        self.parts["live"] = Presence(open_link)

    @property
    @override
    def identity(self) -> Identity:
        # Who made it, it does not say.
        return Identity(manufacturer=self.manufacturer, model=self._model)


class PresentDevice(Device):
    """A device whose registers nobody knows."""

    manufacturer = "Legrand"

    def __init__(self, found: Found, model: str, unit: ModbusUnit) -> None:
        """Make the device that its owner described."""
        super().__init__(found.key)
        self.kind = found.kind
        self.found = found
        self.unit_id = found.unit_id
        self._model = model
        self.parts["live"] = Presence(lambda: answers(unit))

    @property
    @override
    def identity(self) -> Identity:
        return Identity(manufacturer=self.manufacturer, model=self._model, name=self.found.name)


async def answers(unit: ModbusUnit) -> None:
    """See whether a device answers: a refusal of its own is an answer as well.

    Raises ``DeviceGone`` where its gateway says that it does not, or ``CannotConnect``.
    """
    with translated_errors():
        try:
            await unit.read_holding_registers(0, 1)
        except GatewayPathUnavailableError, GatewayTargetError:
            raise
        except ModbusExceptionError:
            return

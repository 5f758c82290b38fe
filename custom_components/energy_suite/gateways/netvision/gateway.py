"""A SOCOMEC NET VISION card: read by Modbus TCP, SNMP or both, told what to do by SNMP alone."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Self

from modbus_connection import ModbusTcpParams

from ..base import Found, GatewayError, Identity, Progress
from ..connections import Datagrams, Endpoint
from ..registers import UnitFor
from .devices import DEVICES, Emd, LineDevice, NetVisionCard, Sts, Ups, UpsUnit
from .line import Channel, Line
from .mib import SnmpChannel
from .modbus import ModbusChannel
from .quantities import Table
from .snmp import Credentials, SnmpClient

MODBUS, SNMP, BOTH = "modbus", "snmp", "both"
CHANNELS = (MODBUS, SNMP, BOTH)
# The tables that a user may say a card serves; the MIB shows itself.
TABLES = (Table.VUMAP, Table.JBUSP, Table.STS)
CARD_KEY = "card"
TIMEOUT = 3.0
_EMD_QUESTIONS = 2


class NetVisionGateway:
    """A card with Modbus TCP or SNMP switched on."""

    def __init__(
        self,
        *,
        modbus: ModbusChannel | None = None,
        snmp: SnmpChannel | None = None,
        unit_id: int = 1,
    ) -> None:
        """At least one channel has to be there."""
        self.line = Line(modbus, snmp)
        self._unit_id = unit_id

    @classmethod
    def from_settings(cls, unit_for: UnitFor, _interval: float, settings: Mapping[str, Any]) -> Self:
        """Make it as the user set it up."""
        channels, unit_id = settings["channels"], int(settings.get("unit_id", 1))
        table = settings.get("table")
        modbus = snmp = None
        if channels != SNMP:
            modbus = ModbusChannel(unit_for(unit_id), Table(table) if table in TABLES else None)
        if channels != MODBUS:
            snmp = SnmpChannel(
                SnmpClient(settings["host"], settings["snmp_port"], credentials_of(settings), timeout=TIMEOUT)
            )
        return cls(modbus=modbus, snmp=snmp, unit_id=unit_id)

    @staticmethod
    def endpoint(settings: Mapping[str, Any]) -> Endpoint:
        """Where the card is read."""
        if settings["channels"] == SNMP:
            return Datagrams(settings["host"], settings["snmp_port"])
        return ModbusTcpParams(host=settings["host"], port=settings["port"])

    async def probe(self) -> Identity:
        """Say who it is, by whichever channel answers.

        Raises ``CannotConnect``, ``NotThisDevice``, ``AuthenticationFailed``, or ``DeviceGone`` for a card that does
        not reach its UPS and does not know it.
        """
        await self.line.identify()
        return self.identity

    async def check(self) -> dict[Channel, GatewayError]:
        """Try every channel; returns what is wrong, by channel."""
        try:
            return await self.line.identify()
        except GatewayError:
            return dict(self.line.errors)

    @property
    def identity(self) -> Identity:
        """Who it is, once it was asked: no channel tells a card's own serial number, so it is known by its UPS's."""
        machine = self.line.machine
        return Identity(
            manufacturer=LineDevice.manufacturer,
            model=machine.model,
            serial=machine.serial,
            firmware=machine.card_firmware,
            name=machine.name or machine.model,
        )

    @property
    def rejected(self) -> bool:
        """Whether the card does not take the credentials."""
        return self.line.rejected

    async def discover(self, *, full: bool = False) -> AsyncIterator[Progress | Found]:
        """The card, what it is in, the units of that, and the environment device. Raises ``GatewayError``."""
        yield Progress(0, _EMD_QUESTIONS)
        if self.line.machine.table is None:
            await self.line.identify()
        machine = self.line.machine
        yield Found(key=CARD_KEY, kind=NetVisionCard.kind, unit_id=self._unit_id, name=machine.name)
        main = Sts if machine.is_sts else Ups
        yield Found(key=main.kind, kind=main.kind, unit_id=self._unit_id, serial=machine.serial)
        for number in machine.units:
            yield Found(key=f"{UpsUnit.kind}_{number}", kind=UpsUnit.kind, unit_id=self._unit_id, number=number)
        yield Progress(1, _EMD_QUESTIONS)
        if await self._has_emd():
            yield Found(key=Emd.kind, kind=Emd.kind, unit_id=self._unit_id)
        yield Progress(_EMD_QUESTIONS, _EMD_QUESTIONS)

    async def _has_emd(self) -> bool:
        if self.line.snmp is None:
            return False
        self.line.snmp.look_for_more()
        try:
            card, _ = await self.line.snmp.read_beside(Table.VUMAP)
        except GatewayError:
            if self.line.modbus is None:
                raise
            # Modbus brings what the entry is for; the device is found by a later search.
            return False
        return card.emd is not None

    def device(self, found: Found) -> LineDevice:
        """Make a device that was found."""
        return DEVICES[found.kind](found, self.line)

    async def close(self) -> None:
        """Close the SNMP socket."""
        if self.line.snmp is not None:
            await self.line.snmp.client.close()


def credentials_of(settings: Mapping[str, Any]) -> Credentials:
    """The SNMP credentials in the settings."""
    names = Credentials.__dataclass_fields__.keys() - {"version"}
    given = {name: settings[name] for name in names if settings.get(name) is not None}
    return Credentials(version=settings["snmp_version"], **given)

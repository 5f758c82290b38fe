"""A Modbus gateway in front of an RS485 line: the energy web server's own, a converter, or any other."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Final, Self
from weakref import WeakValueDictionary

from modbus_connection import ModbusTcpParams

from ..base import CannotConnect, Danger, Device, DeviceGone, Found, Identity, Progress
from ..connections import Endpoint, GuardedUnit, RtuOverTcp, reach
from ..profiles.adapting import fed_downstream, for_model, single_phase, with_labels, with_remote_id
from ..profiles.device import make
from ..profiles.document import ProfileError
from ..profiles.library import Library
from ..profiles.missing import DeviceWithoutMap
from ..profiles.schema import Profile
from ..profiles.trial import Trial, Verdict, try_map
from ..registers import UnitFor, translated_errors
from .catalogue import CATALOGUE, Addressing
from .devices import ModbusGateway, PresentDevice, answers
from .equipment import PRESENCE, Equipment, FeedDirection, unfit
from .generic import GENERIC, GenericMeter
from .pulses import Inputs, Pulse, PulseMeter

TCP, RTU_OVER_TCP = "tcp", "rtu_over_tcp"
FRAMINGS: Final = (TCP, RTU_OVER_TCP)
GATEWAY_KEY: Final = "gateway"
LISTEN: Final = 3.0
"""s that the gateway may take to accept a connection when it is added."""
SETTLED: Final = 0.1
"""s in which a gateway that has a client already closes the connection of another one."""
ADDRESSES: Final = range(1, 248)
TOLD_BY_THEIR_MAPS: Final = ("4 120 45", "0 146 69")
"""References that a scan recognises."""

_MODELS: Final[Mapping[str, str]] = {TCP: "Modbus TCP", RTU_OVER_TCP: "Modbus RTU over TCP"}


class LegrandGateway:
    """One connection, and what its user says is behind it."""

    dangers: ClassVar = (Danger.BREAKER, Danger.OUTPUTS)
    """The controls that the user may enable."""

    def __init__(self, unit_for: UnitFor, interval: float, settings: Mapping[str, Any]) -> None:
        """``interval`` is the time in s between two rounds, ``settings`` hold the library as ``profiles``."""
        self._unit_for = unit_for
        self._interval = interval
        self._host: str = settings["host"]
        self._port = int(settings["port"])
        self._framing: str = settings.get("framing", TCP)
        self._library: Library = settings["profiles"]
        # What counts on one concentrator is read in one go, as long as anything does.
        self._inputs: WeakValueDictionary[tuple[int, str], Inputs] = WeakValueDictionary()

    @classmethod
    def from_settings(cls, unit_for: UnitFor, interval: float, settings: Mapping[str, Any]) -> Self:
        """Make it as the user set it up."""
        return cls(unit_for, interval, settings)

    @staticmethod
    def endpoint(settings: Mapping[str, Any]) -> Endpoint:
        """Where the gateway is read, and how."""
        host, port = settings["host"], int(settings["port"])
        if settings.get("framing") == RTU_OVER_TCP:
            return RtuOverTcp(host, port)
        return ModbusTcpParams(host=host, port=port)

    async def probe(self) -> Identity:
        """See whether the gateway takes a connection; nothing on its line need answer. Raises ``CannotConnect``."""
        try:
            await self._open()
        except CannotConnect as err:
            # Why, the port itself tells best: it is not open now.
            await reach(self._host, self._port, LISTEN)
            raise CannotConnect("dropped") from err
        await asyncio.sleep(SETTLED)
        if not self._unit.is_open:
            raise CannotConnect("dropped")
        return Identity(manufacturer=ModbusGateway.manufacturer, model=_MODELS[self._framing])

    @property
    def _unit(self) -> GuardedUnit:
        """Any unit: what counts is the link."""
        unit = self._unit_for(ADDRESSES[0])
        assert isinstance(unit, GuardedUnit)
        return unit

    async def _open(self) -> None:
        with translated_errors():
            await self._unit.open()

    @property
    def rejected(self) -> bool:
        """A gateway asks for no credentials."""
        return False

    async def close(self) -> None:
        """Nothing was opened beside the connection."""

    # --- devices ---------------------------------------------------------------------------------------------------

    async def discover(self, *, full: bool = False) -> AsyncIterator[Progress | Found]:
        """The gateway; what is behind it its user says."""
        yield Found(key=GATEWAY_KEY, kind=ModbusGateway.kind, unit_id=0)
        yield Progress(1, 1)

    def device(self, found: Found) -> Device:
        """Make a device; one whose map went missing is there and unavailable."""
        if found.key == GATEWAY_KEY:
            return ModbusGateway(found, _MODELS[self._framing], self._open)
        equipment = Equipment.from_settings(found.settings)
        if equipment.reference not in CATALOGUE:
            return DeviceWithoutMap(found)
        unit = self._unit_for(equipment.address)
        if equipment.map == PRESENCE:
            return PresentDevice(found, equipment.reference, unit)
        try:
            profile = self._profile_of(equipment)
        except ProfileError, ValueError:
            profile = None
        if profile is None:
            return DeviceWithoutMap(found)
        if equipment.model.addressing is Addressing.POSITION:
            return PulseMeter(found, equipment.reference, self._inputs_of(equipment, profile), _pulse(equipment))
        device = make(
            profile, found, unit, self._interval, confirmed=equipment.confirmed, offered_controls=self.dangers
        )
        device.excluded_from_alarms = equipment.exclude_from_alarms
        return device

    def _profile_of(self, equipment: Equipment) -> Profile | None:
        """The map of a device, made to fit it; None where there is none, or it changed and cannot tell of it any more.

        Raises ``ProfileError`` or ``ValueError``.
        """
        if equipment.map == GENERIC:
            profile: Profile | None = GenericMeter.from_settings(equipment.meter).profile()
        else:
            profile = self._library.profiles.get(equipment.map)
        return None if profile is None or unfit(equipment.model, profile) else fitted(profile, equipment)

    def _inputs_of(self, equipment: Equipment, profile: Profile) -> Inputs:
        key = equipment.address, profile.id
        inputs = self._inputs.get(key)
        if inputs is None:
            inputs = self._inputs[key] = Inputs(profile, self._unit_for(equipment.address), self._interval)
        return inputs

    # --- trying and looking ------------------------------------------------------------------------------------------

    async def test(self, equipment: Equipment) -> Trial | None:
        """Read a device once, as its owner described it; None where only its presence is known, and it is there.

        Raises ``DeviceGone`` or ``CannotConnect`` where it does not answer.
        """
        unit = self._unit_for(equipment.address)
        profile = self._profile_of(equipment) if equipment.map != PRESENCE else None
        if profile is None:
            await answers(unit)
            return None
        trial = await try_map(profile, equipment.found("test"), unit)
        if trial.verdict in (Verdict.NO_ANSWER, Verdict.DEVICE_SILENT):
            # Whether it is the map or the device that is wrong.
            await answers(unit)
        return trial

    async def scan(
        self, addresses: Iterable[int], *, guess: bool = True
    ) -> AsyncIterator[Progress | tuple[int, str | None]]:
        """Ask at each address whether something answers; yields how far it is, and (address, reference it may be).

        With ``guess`` a reference is proposed where its map fits what the device answers. An address that does not
        answer costs the time an answer may take. Raises ``CannotConnect`` where the connection is gone.
        """
        addresses = list(addresses)
        for done, address in enumerate(addresses):
            yield Progress(done, len(addresses))
            try:
                await answers(self._unit_for(address))
            except DeviceGone:
                continue
            except CannotConnect as err:
                if err.reason == "lost":
                    raise
                continue
            yield address, await self._guess(address) if guess else None
        yield Progress(len(addresses), len(addresses))

    async def _guess(self, address: int) -> str | None:
        """The reference that a device may have, of those whose maps are known well enough to tell."""
        for reference in TOLD_BY_THEIR_MAPS:
            for name in CATALOGUE[reference].profiles:
                if (profile := self._library.profiles.get(name)) is not None:
                    about = Equipment(name=reference, reference=reference, address=address, map=name)
                    trial = await try_map(profile, about.found("scan"), self._unit_for(address))
                    if trial.verdict is Verdict.FITS:
                        return reference
        return None


def _pulse(equipment: Equipment) -> Pulse:
    """What is counted, of a device whose settings were checked."""
    assert equipment.position is not None
    assert equipment.weight is not None
    return Pulse(
        position=equipment.position,
        weight=equipment.weight,
        index=equipment.index,
        concentrator=f"{equipment.address}/{equipment.concentrator}/{equipment.map}",
    )


def fitted(profile: Profile, equipment: Equipment) -> Profile:
    """The map made to fit one device. Raises ``ProfileError`` where it has no place for its remote id."""
    profile = replace(for_model(profile, equipment.reference), kind=equipment.model.kind)
    if equipment.single_phase or equipment.model.is_single_phase:
        profile = single_phase(profile)
    if equipment.remote_id is not None and profile.needs_remote_id:
        profile = with_remote_id(profile, equipment.remote_id)
    if equipment.feed_direction is FeedDirection.DOWNSTREAM:
        profile = fed_downstream(profile)
    return with_labels(profile, equipment.labels) if equipment.labels else profile

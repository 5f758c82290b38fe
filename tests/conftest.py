"""A simulated house on loopback, and a gateway added to Home Assistant as a user adds it."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any
from unittest.mock import PropertyMock, patch

import pytest
from aiohttp import FormData
from homeassistant.config_entries import SOURCE_USER, ConfigSubentry, ConfigSubentryData
from homeassistant.core import Context, HomeAssistant, ServiceCall
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from modbus_connection import ModbusTcpParams
from pymodbus.client.base import ModbusBaseClient
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed

import custom_components.energy_suite  # noqa: F401 - before Home Assistant looks for its own custom components
from custom_components.energy_suite.alarms import center as alarm_center
from custom_components.energy_suite.alarms.center import AlarmCenter
from custom_components.energy_suite.const import DOMAIN
from custom_components.energy_suite.gateways import commands, kinds, schedule
from custom_components.energy_suite.gateways.base import Found
from custom_components.energy_suite.gateways.connections import Pool
from custom_components.energy_suite.gateways.legrand.equipment import Equipment
from custom_components.energy_suite.gateways.netvision import devices, gateway, line
from custom_components.energy_suite.gateways.solarman import v5
from custom_components.energy_suite.profiles import folder
from demo import board_units
from demo.aura import Aura
from demo.aura_registers import AFORE, MEGAREVO, AuraUnit
from demo.board import Board
from demo.gx import GxSimulator
from demo.legrand import ModbusGateway
from demo.netvision import Emd, NetVisionCard
from demo.site import Site, SiteConfig
from demo.solarman import SolarmanStick
from demo.victron_house import VictronHouse

NOON = datetime(2026, 6, 21, 11, 0, tzinfo=UTC)
FAST = {"interval": 0.1}
EVERY_CONTROL = {"enabled_controls": [danger.value for danger in kinds.KINDS["victron_gx"].dangers]}


@pytest.fixture(autouse=True)
def _custom_integrations(enable_custom_integrations: None) -> None:
    """Let Home Assistant find this integration."""


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    """What takes seconds on a real wire takes a fraction here."""
    quick = {name: replace(kind, timeout=0.5) for name, kind in kinds.KINDS.items()}
    with (
        patch.object(commands, "READ_BACK", (0.05, 0.1, 0.2)),
        patch.object(devices, "CONFIRM", (0.05, 0.1, 0.2, 0.5)),
        patch.object(gateway, "TIMEOUT", 0.3),
        patch.object(line, "FIRST_BACK_OFF", 0.1),
        patch.object(v5, "PAUSE", 0.0),
        patch.object(schedule, "FIRST_BACK_OFF", 0.1),
        patch.dict(kinds.KINDS, quick),
    ):
        yield


@pytest.fixture
def phases() -> int:
    """How many phases the house has; tests override it by parametrising."""
    return 1


@pytest.fixture(autouse=True)
def quick_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connect without the tenth of a second that pymodbus pauses after it, which would be most of these tests' time."""

    async def connect(client: ModbusBaseClient) -> bool:
        client.ctx.reset_delay()
        return await client.ctx.connect()

    monkeypatch.setattr(ModbusBaseClient, "connect", connect)


@pytest.fixture
async def house(socket_enabled: None, phases: int) -> AsyncIterator[VictronHouse]:
    """A house at noon in June, standing still unless the test advances it."""
    async with GxSimulator(write_delay=0) as gx:
        house = VictronHouse(gx, Site(SiteConfig(phases=phases), NOON))
        house.advance(60)
        yield house


class GatewaySuite:
    """The integration with one gateway, and what tests ask of it."""

    def __init__(self, hass: HomeAssistant, entry: Any) -> None:
        self.hass = hass
        self.entry = entry
        self.entities = er.async_get(hass)
        self.devices = dr.async_get(hass)

    def entity_id(self, device: str, key: str) -> str:
        """The entity of a device (by its key, or its kind where there is one) by its own key."""
        return self.registered(device, key).entity_id

    def registered(self, device: str, key: str) -> er.RegistryEntry:
        """The same, as registered."""
        prefix = f"{self.entry.data['uid']}_{self.key(device)}_{key}"
        return next(
            entity
            for entity in er.async_entries_for_config_entry(self.entities, self.entry.entry_id)
            if entity.unique_id == prefix
        )

    def key(self, device: str) -> str:
        """A device's key from its kind."""
        devices: list[dict[str, str]] = self.entry.data["devices"]
        return next(found["key"] for found in devices if device in (found["key"], found["kind"]))

    def device_id(self, device: str) -> str:
        """A device's id in the registry."""
        identifier = (DOMAIN, f"{self.entry.data['uid']}_{self.key(device)}")
        entry = self.devices.async_get_device_by_identifier(identifier, self.entry.entry_id)
        assert entry is not None
        return entry.id

    def state(self, device: str, key: str) -> str:
        """What an entity shows."""
        state = self.hass.states.get(self.entity_id(device, key))
        assert state is not None, f"{device} {key} has no state"
        return state.state

    def attributes(self, device: str, key: str) -> Any:
        """An entity's attributes."""
        state = self.hass.states.get(self.entity_id(device, key))
        assert state is not None
        return state.attributes

    def has(self, device: str, key: str) -> bool:
        """Whether the device has such an entity."""
        return any(
            entity.unique_id == f"{self.entry.data['uid']}_{self.key(device)}_{key}"
            for entity in er.async_entries_for_config_entry(self.entities, self.entry.entry_id)
        )

    async def until(self, met: Callable[[], bool]) -> None:
        """Wait for the states to be so, looking at each report of the schedule."""
        await until(self.entry, met)

    async def shows(self, device: str, key: str, value: str) -> None:
        """Wait for an entity to show a value."""
        try:
            await self.until(lambda: self.state(device, key) == value)
        except TimeoutError:
            pytest.fail(f"{device} {key} shows {self.state(device, key)}, not {value}")

    async def reports(self, rounds: int = 2) -> None:
        """Wait until everything live was read so many times from now on."""
        schedule = self.entry.runtime_data.lease.runner.schedule
        last = schedule.rounds + rounds
        await self.until(lambda: schedule.rounds > last)

    async def call(self, domain: str, service: str, device: str, key: str, **data: Any) -> None:
        """Use a control as the frontend does."""
        await self.hass.services.async_call(
            domain, service, {"entity_id": self.entity_id(device, key), **data}, blocking=True
        )


class Suite(GatewaySuite):
    """The integration with the GX of a house."""

    def __init__(self, hass: HomeAssistant, house: VictronHouse, entry: Any) -> None:
        super().__init__(hass, entry)
        self.house = house
        self.gx = house.gx


class CardSuite(GatewaySuite):
    """The integration with a NET VISION card."""

    def __init__(self, hass: HomeAssistant, card: NetVisionCard, entry: Any) -> None:
        super().__init__(hass, entry)
        self.card = card


async def until(entry: Any, met: Callable[[], bool], seconds: float = 8) -> None:
    """Wait until something is so, looking again with every report that any device of the entry gets."""
    changed = asyncio.Event()
    removes = [coordinator.async_add_listener(changed.set) for coordinator in entry.runtime_data.coordinators.values()]
    try:
        async with asyncio.timeout(seconds):
            while not met():
                changed.clear()
                await changed.wait()
    finally:
        for remove in removes:
            remove()


async def add_gateway(hass: HomeAssistant, house: VictronHouse) -> Any:
    """Go through the flow as a user does. Returns the entry."""
    flow = hass.config_entries.flow
    result = await flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    result = await flow.async_configure(result["flow_id"], {"next_step_id": "victron_gx"})
    result = await flow.async_configure(result["flow_id"], {"host": house.gx.host, "port": house.gx.port})
    assert result["type"] is FlowResultType.SHOW_PROGRESS
    await hass.async_block_till_done()
    result = await flow.async_configure(result["flow_id"])
    assert result["step_id"] == "found", result
    result = await flow.async_configure(result["flow_id"], {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    return result["result"]


# What was found of a site, by what its services say of themselves: a search asks hundreds of questions.
_FOUND: dict[Any, tuple[str | None, list[dict[str, Any]]]] = {}


async def _found(house: VictronHouse) -> tuple[str | None, list[dict[str, Any]]]:
    """The serial number of the GX and the devices behind it."""
    gx = house.gx
    told = ("/Serial", "/CustomName", "/Settings/SystemSetup/SystemName")
    services = [(each.type, each.instance, each.present, *map(each.values.get, told)) for each in gx.services]
    key = (gx.version, *services)
    if key not in _FOUND or gx.faults:
        lease = Pool().acquire(ModbusTcpParams(host=gx.host, port=gx.port), interval=1, timeout=1)
        gateway = kinds.KINDS["victron_gx"].make(lease.unit, 1.0, {})
        identity = await gateway.probe()
        found = [step.stored async for step in gateway.discover() if isinstance(step, Found)]
        await lease.release()
        _FOUND[key] = identity.serial, found
    return deepcopy(_FOUND[key])


async def stored_entry(house: VictronHouse, options: dict[str, Any] | None = None) -> MockConfigEntry:
    """An entry as the flow stores it, for tests that are not about the flow."""
    serial, found = await _found(house)
    return MockConfigEntry(
        domain=DOMAIN,
        title="Victron GX",
        unique_id=serial,
        data={
            "gateway": "victron_gx",
            "uid": "0123456789abcdef0123456789abcdef",
            "host": house.gx.host,
            "port": house.gx.port,
            "devices": found,
        },
        options={**FAST, **(options or {})},
    )


@pytest.fixture
def all_enabled() -> Iterator[None]:
    """Enable every entity, also those that wait to be enabled by the user."""
    with patch(
        "homeassistant.helpers.entity.Entity.entity_registry_enabled_default",
        new_callable=PropertyMock,
        return_value=True,
    ):
        yield


@pytest.fixture
def options() -> dict[str, Any]:
    """The gateway's options; tests override it by parametrising."""
    return {}


@pytest.fixture
async def suite(hass: HomeAssistant, house: VictronHouse, options: dict[str, Any]) -> AsyncIterator[Suite]:
    """The integration with the house's GX."""
    entry = await stored_entry(house, options)
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    yield Suite(hass, house, entry)
    if hass.config_entries.async_get_entry(entry.entry_id) and entry.state.recoverable:
        await hass.config_entries.async_unload(entry.entry_id)


# --- a NET VISION card -------------------------------------------------------------------------------------------


@pytest.fixture
def machine() -> str:
    """What the card is in; tests override it by parametrising."""
    return "masterys"


@pytest.fixture
def channels() -> str:
    """The ways to the card; tests override it by parametrising."""
    return "both"


@pytest.fixture
def emd() -> Emd | None:
    """The environment device of the card; tests override it by parametrising."""
    return None


@pytest.fixture
async def card(socket_enabled: None, machine: str, emd: Emd | None) -> AsyncIterator[NetVisionCard]:
    """A card that stands still unless the test advances it."""
    async with NetVisionCard(machine, emd=emd) as card:
        card.advance(5)
        yield card


def settings_of(card: NetVisionCard, channels: str = "both") -> dict[str, Any]:
    """What a user enters for a card."""
    return {
        "host": card.host,
        "channels": channels,
        "port": card.modbus.port,
        "unit_id": 1,
        "snmp_version": "v2c",
        "snmp_port": card.agent.port,
        "community": "public",
        "write_community": "private",
    }


async def stored_card_entry(
    card: NetVisionCard, channels: str, options: dict[str, Any] | None = None
) -> MockConfigEntry:
    """A card's entry as the flow stores it, for tests that are not about the flow."""
    settings = settings_of(card, channels)
    kind = kinds.KINDS["netvision"]
    lease = Pool().acquire(kind.endpoint(settings), interval=1, timeout=1)
    looked_at = kind.make(lease.unit, 1.0, settings)
    identity = await looked_at.probe()
    found = [step.stored async for step in looked_at.discover() if isinstance(step, Found)]
    await looked_at.close()
    await lease.release()
    return MockConfigEntry(
        domain=DOMAIN,
        title="NET VISION",
        unique_id=identity.serial,
        data={
            "gateway": "netvision",
            "uid": "fedcba9876543210fedcba9876543210",
            **settings,
            "devices": found,
        },
        options={**FAST, **(options or {})},
    )


@pytest.fixture
async def card_suite(
    hass: HomeAssistant, card: NetVisionCard, channels: str, options: dict[str, Any]
) -> AsyncIterator[CardSuite]:
    """The integration with the card."""
    entry = await stored_card_entry(card, channels, options)
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    yield CardSuite(hass, card, entry)
    if hass.config_entries.async_get_entry(entry.entry_id) and entry.state.recoverable:
        await hass.config_entries.async_unload(entry.entry_id)


# --- a SOLARMAN stick --------------------------------------------------------------------------------------------


class StickSuite(GatewaySuite):
    """The integration with a SOLARMAN stick and the AURA behind it."""

    def __init__(self, hass: HomeAssistant, stick: SolarmanStick, entry: Any) -> None:
        super().__init__(hass, entry)
        self.stick = stick
        self.aura = stick.unit.aura


@pytest.fixture
def aura_map() -> str:
    """The registers of the simulated AURA; tests override it by parametrising."""
    return MEGAREVO


@pytest.fixture
async def stick(socket_enabled: None, aura_map: str) -> AsyncIterator[SolarmanStick]:
    """A stick whose AURA stands still unless the test advances it."""
    aura = Aura.lived_in()
    aura.advance(60)
    async with SolarmanStick(AuraUnit(aura, aura_map)) as stick:
        yield stick


PROFILES = {MEGAREVO: "aura_megarevo", AFORE: "aura_afore"}


def stored_stick_entry(stick: SolarmanStick, options: dict[str, Any] | None = None, **settings: Any) -> MockConfigEntry:
    """A stick's entry as the flow stores it, for tests that are not about the flow."""
    data = {
        "gateway": "solarman",
        "uid": "00112233445566778899aabbccddeeff",
        "host": stick.host,
        "port": stick.port,
        "logger_serial": stick.serial,
        "unit_id": stick.unit_id,
        "protocol": "v5",
        "profile": PROFILES[stick.unit.map_name],
        "confirmed": False,
        "coupling": "dc",
        "metering": "ct",
        **settings,
    }
    found = [Found(key="stick", kind="logger_stick", unit_id=stick.unit_id, serial=str(stick.serial))]
    if data["profile"]:
        found.append(
            Found(
                key="inverter",
                kind="hybrid_inverter",
                unit_id=stick.unit_id,
                profile=data["profile"],
                confirmed=data["confirmed"],
            )
        )
    return MockConfigEntry(
        domain=DOMAIN,
        title="SOLARMAN",
        unique_id=str(stick.serial),
        data={**data, "devices": [each.stored for each in found]},
        options={**FAST, **(options or {})},
    )


@pytest.fixture
def settings() -> dict[str, Any]:
    """What a user chose for the stick; tests override it by parametrising."""
    return {}


@pytest.fixture
async def stick_suite(
    hass: HomeAssistant, stick: SolarmanStick, options: dict[str, Any], settings: dict[str, Any]
) -> AsyncIterator[StickSuite]:
    """The integration with the stick."""
    entry = stored_stick_entry(stick, options, **settings)
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    yield StickSuite(hass, stick, entry)
    if hass.config_entries.async_get_entry(entry.entry_id) and entry.state.recoverable:
        await hass.config_entries.async_unload(entry.entry_id)


# --- a board behind a Modbus gateway -------------------------------------------------------------------------------


class BoardSuite(GatewaySuite):
    """The integration with a Modbus gateway and the devices of a board, each a subentry."""

    def __init__(self, hass: HomeAssistant, gateway: ModbusGateway, board: Board, entry: Any) -> None:
        super().__init__(hass, entry)
        self.gateway = gateway
        self.board = board

    def key(self, device: str) -> str:
        """A device's key from the name that its owner gave it; the gateway's own as it is."""
        subentries = self.entry.subentries.values()
        return next((each.subentry_id for each in subentries if each.title == device), device)

    def subentry(self, device: str) -> Any:
        """The subentry of that name."""
        return self.entry.subentries[self.key(device)]

    async def follows(self) -> None:
        """Wait until what was changed in the subentries is read."""
        await self.hass.async_block_till_done()


@pytest.fixture
def own_profiles(hass: HomeAssistant, tmp_path: Path) -> Path:
    """The folder of the user's own profiles, with those of the simulated board."""
    hass.config.config_dir = str(tmp_path)
    target = folder(hass)
    target.mkdir(parents=True)
    for profile in board_units.PROFILES.glob("*.yaml"):
        (target / profile.name).write_bytes(profile.read_bytes())
    return target


@pytest.fixture
async def upload(
    hass: HomeAssistant, hass_client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str | bytes], Awaitable[str]]:
    """Upload a file as the browser does; gives its id."""
    # Home Assistant empties one folder of the machine for its uploads: tests that run side by side lost theirs.
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert await async_setup_component(hass, "file_upload", {})
    client = await hass_client()

    async def uploaded(content: str | bytes) -> str:
        data = FormData()
        data.add_field("file", content if isinstance(content, bytes) else content.encode(), filename="my file")
        response = await client.post("/api/file_upload", data=data)
        return str((await response.json())["file_id"])

    return uploaded


@pytest.fixture
def framing() -> str:
    """How the gateway packs its frames; tests override it by parametrising."""
    return "tcp"


@pytest.fixture
def board() -> Board:
    """A board that stands still unless the test advances it."""
    return Board.lived_in(NOON)


@pytest.fixture
async def bus(socket_enabled: None, board: Board, framing: str) -> AsyncIterator[ModbusGateway]:
    """The gateway in front of the board, which takes no time."""
    async with ModbusGateway(board_units.board_units(board), framing=framing, timing=False) as gateway:
        yield gateway


def device_subentry(name: str, reference: str, address: int, **settings: Any) -> ConfigSubentryData:
    """A device as the flow stores it."""
    about = Equipment(name=name, reference=reference, address=address, **settings)
    data = {key: value for key, value in about.settings.items() if key != "name"}
    return ConfigSubentryData(data=data, subentry_type="device", title=name, unique_id=None)


METER = {"map": "emdx3_multifunction"}
PULSES = {"map": "emdx3_pulse_concentrator", "concentrator": "0 046 87"}
BOARD = (
    device_subentry("Main", "4 120 45", 1, **METER),
    device_subentry("Heating", "4 120 45", 2, **METER),
    device_subentry("Cooking", "4 120 51", 3, **METER),
    device_subentry("Sockets", "0 146 69", 4, map="emdx3_diris"),
    device_subentry("Lighting", "4 149 20", 5, map="ems_cx3"),
    device_subentry("Charging", "4 106 57", 10, map="fictitious_breaker", confirmed=True),
    device_subentry("Hot water", "4 106 58", 11, map="fictitious_breaker", confirmed=True),
    device_subentry("Station left", "0 590 40", 20, side=1, phase=1, map="fictitious_greenup", confirmed=True),
    device_subentry("Station right", "0 590 40", 20, side=2, phase=2, map="fictitious_greenup", confirmed=True),
    device_subentry("Water", "water meter, pulse output", 30, position=1, weight=10.0, **PULSES),
    device_subentry("Gas", "gas meter, pulse output", 30, position=2, weight=10.0, **PULSES),
    device_subentry("Inputs", "0 261 36", 31, map="fictitious_io_module", confirmed=True),
)


@pytest.fixture
def devices_behind() -> tuple[ConfigSubentryData, ...]:
    """The devices of the entry; tests override it by parametrising."""
    return BOARD


def stored_board_entry(
    gateway: ModbusGateway,
    devices: Sequence[ConfigSubentryData] = (),
    options: dict[str, Any] | None = None,
) -> MockConfigEntry:
    """A Modbus gateway's entry as the flow stores it, for tests that are not about the flow."""
    return MockConfigEntry(
        domain=DOMAIN,
        title="Board",
        data={
            "gateway": "legrand",
            "uid": "8899aabbccddeeff0011223344556677",
            "host": gateway.host,
            "port": gateway.port,
            "framing": gateway.framing.value,
            "devices": [Found(key="gateway", kind="modbus_gateway", unit_id=0).stored],
        },
        options={**FAST, **(options or {})},
        subentries_data=devices,
    )


@pytest.fixture
async def board_suite(
    hass: HomeAssistant,
    bus: ModbusGateway,
    board: Board,
    own_profiles: Path,
    devices_behind: tuple[ConfigSubentryData, ...],
    options: dict[str, Any],
) -> AsyncIterator[BoardSuite]:
    """The integration with the board, every device of which was read."""
    entry = stored_board_entry(bus, devices_behind, options)
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    suite = BoardSuite(hass, bus, board, entry)
    await suite.until(lambda: all(each.seen for each in entry.runtime_data.coordinators.values()))
    await hass.async_block_till_done()
    yield suite
    if hass.config_entries.async_get_entry(entry.entry_id) and entry.state.recoverable:
        await hass.config_entries.async_unload(entry.entry_id)


# --- the site -----------------------------------------------------------------------------------------------------


CELLAR = "sensor.cellar"
COLD: Mapping[str, Any] = {"entity": CELLAR, "low": 5.0, "low_hysteresis": 7.0, "delay": 0, "severity": "warning"}
POWER_CUT: Mapping[str, Any] = {
    "entity": "sensor.mains",
    "states": ["lost"],
    "delay": 0,
    "severity": "warning",
    "grid": True,
}
HARBOUR: Mapping[str, Any] = {
    "device": "boat",
    "shape": "circle",
    "points": [[48.0, -4.5]],
    "radius": 100.0,
    "delay": 60.0,
    "armed": False,
}


def site_subentry(kind: str, title: str, data: Mapping[str, Any]) -> ConfigSubentryData:
    """A rule, recipient or geofence as the flow stores it."""
    return ConfigSubentryData(data=dict(data), subentry_type=kind, title=title, unique_id=None)


def stored_site_entry(*subentries: ConfigSubentryData, options: dict[str, Any] | None = None) -> MockConfigEntry:
    """The site's entry as the flow stores it."""
    return MockConfigEntry(
        domain=DOMAIN,
        title="Energy Suite site",
        data={"gateway": "site", "uid": "517e517e517e517e517e517e517e517e", "devices": []},
        options=options or {},
        subentries_data=subentries,
    )


class SiteSuite:
    """The integration with the site, and what tests ask of it."""

    def __init__(self, hass: HomeAssistant, entry: MockConfigEntry) -> None:
        self.hass = hass
        self.entry = entry
        self.registry = er.async_get(hass)

    @property
    def center(self) -> AlarmCenter:
        center: AlarmCenter = self.entry.runtime_data
        return center

    def subentry(self, title: str) -> ConfigSubentry:
        subentries: Iterable[ConfigSubentry] = self.entry.subentries.values()
        return next(each for each in subentries if each.title == title)

    def key(self, title: str) -> str:
        """The key of the entity of a subentry."""
        of = self.subentry(title)
        return f"{of.subentry_type}_{of.subentry_id}"

    def registered(self) -> dict[str, er.RegistryEntry]:
        """The entities by their keys."""
        prefix = f"{self.entry.data['uid']}_"
        entities = er.async_entries_for_config_entry(self.registry, self.entry.entry_id)
        return {entity.unique_id.removeprefix(prefix): entity for entity in entities}

    def entity_id(self, key: str) -> str:
        return self.registered()[key].entity_id

    def state(self, key: str) -> str:
        state = self.hass.states.get(self.entity_id(key))
        assert state is not None
        return state.state

    def attributes(self, key: str) -> Mapping[str, Any]:
        state = self.hass.states.get(self.entity_id(key))
        assert state is not None
        return state.attributes

    async def sees(self, value: Any, entity_id: str = CELLAR) -> None:
        """Let an entity show a value."""
        self.hass.states.async_set(entity_id, str(value))
        await self.hass.async_block_till_done()

    async def call(self, domain: str, service: str, key: str, context: Context | None = None, **data: Any) -> None:
        data = {"entity_id": self.entity_id(key), **data}
        await self.hass.services.async_call(domain, service, data, blocking=True, context=context)
        await self.hass.async_block_till_done()

    async def add(self, kind: str, title: str, data: Mapping[str, Any]) -> None:
        added = ConfigSubentry(data=MappingProxyType(dict(data)), subentry_type=kind, title=title, unique_id=None)
        assert self.hass.config_entries.async_add_subentry(self.entry, added)
        await self.hass.async_block_till_done()

    async def change(self, name: str, **changes: Any) -> None:
        self.hass.config_entries.async_update_subentry(self.entry, self.subentry(name), **changes)
        await self.hass.async_block_till_done()

    async def remove(self, title: str) -> None:
        self.hass.config_entries.async_remove_subentry(self.entry, self.subentry(title).subentry_id)
        await self.hass.async_block_till_done()


@pytest.fixture
def site_options() -> dict[str, Any]:
    """The options of the site; tests override it by parametrising."""
    return {}


@pytest.fixture
def site_subentries() -> tuple[ConfigSubentryData, ...]:
    """What the site has; tests override it by parametrising."""
    return (site_subentry("alarm_rule", "Cellar too cold", COLD), site_subentry("geofence", "Harbour", HARBOUR))


@pytest.fixture
async def site(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    tmp_path: Path,
    site_options: dict[str, Any],
    site_subentries: tuple[ConfigSubentryData, ...],
) -> AsyncIterator[SiteSuite]:
    """The integration with the site, its logs in a folder of their own."""
    hass.config.config_dir = str(tmp_path)
    hass.states.async_set(CELLAR, "20")
    hass.states.async_set("sensor.mains", "there")
    entry = stored_site_entry(*site_subentries, options=site_options)
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    yield SiteSuite(hass, entry)
    if hass.config_entries.async_get_entry(entry.entry_id) and entry.state.recoverable:
        await hass.config_entries.async_unload(entry.entry_id)


class Inbox:
    """A notify service that keeps what it is sent."""

    def __init__(self, hass: HomeAssistant, service: str) -> None:
        self.hass = hass
        self.service = service
        self.messages: list[dict[str, Any]] = []
        self.asked = 0
        self.broken: Exception | None = None
        self._changed = asyncio.Event()
        self.register()

    def register(self) -> None:
        """Be there."""
        self.hass.services.async_register("notify", self.service, self._take)

    def remove(self) -> None:
        """Be gone."""
        self.hass.services.async_remove("notify", self.service)

    async def _take(self, call: ServiceCall) -> None:
        self.asked += 1
        self._changed.set()
        if self.broken is not None:
            raise self.broken
        self.messages.append(dict(call.data))

    @property
    def titles(self) -> list[str]:
        """The titles of all messages."""
        return [message["title"] for message in self.messages]

    async def until(self, met: Callable[[], bool]) -> None:
        """Wait until something is so, looking again with every message."""
        async with asyncio.timeout(8):
            while not met():
                self._changed.clear()
                await self._changed.wait()

    async def gets(self, count: int) -> list[dict[str, Any]]:
        """Wait until there were so many messages; the latest are the answer's last."""
        await self.until(lambda: len(self.messages) >= count)
        await self.hass.async_block_till_done()
        assert len(self.messages) == count, self.messages
        return self.messages


@pytest.fixture
def phone(hass: HomeAssistant) -> Inbox:
    """A phone with Home Assistant's app."""
    return Inbox(hass, "mobile_app_phone")


@pytest.fixture
def mail(hass: HomeAssistant) -> Inbox:
    """A service that takes title and text alone."""
    return Inbox(hass, "mail")


def recipient(name: str, target: str, **settings: Any) -> ConfigSubentryData:
    """Somebody who is told of warnings and what is worse, at any hour."""
    data = {
        "target": target,
        "language": "en",
        "severities": ["warning", "critical"],
        "level": "warnings_and_alarms",
        **settings,
    }
    return site_subentry("recipient", name, data)


class Clock:
    """The time by which the alarms go; the real one until it is put forward."""

    def __init__(self, hass: HomeAssistant) -> None:
        self.hass = hass
        self.ahead = 0.0

    def now(self) -> float:
        return dt_util.utcnow().timestamp() + self.ahead

    async def advance(self, seconds: float) -> None:
        """Let time pass, and what is due happen."""
        self.ahead += seconds
        async_fire_time_changed(self.hass, dt_util.utcnow() + timedelta(seconds=self.ahead))
        await self.hass.async_block_till_done()


@pytest.fixture
def clock(hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock for the alarms that tests can put forward."""
    clock = Clock(hass)
    monkeypatch.setattr(alarm_center, "utc_seconds", clock.now)
    return clock

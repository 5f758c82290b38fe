"""What a user attaches to a report: everything that a developer needs, nothing that is private."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, override

import pytest
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from modbus_connection import IllegalDataAddressError
from modbus_connection.mock import MockModbusConnection, MockModbusUnit
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.energy_suite.const import DOMAIN
from custom_components.energy_suite.entities import DESCRIPTIONS, all_of
from custom_components.energy_suite.entities.descriptions import (
    BinarySensorDescription,
    ButtonDescription,
    Description,
    NumberDescription,
    SelectDescription,
    SensorDescription,
    SwitchDescription,
    TrackerDescription,
)
from custom_components.energy_suite.entities.legrand import LEGRAND
from custom_components.energy_suite.entities.netvision import NETVISION
from custom_components.energy_suite.entities.solarman import SOLARMAN
from custom_components.energy_suite.gateways.base import Device, Found, NotSupported
from custom_components.energy_suite.gateways.kinds import KINDS
from custom_components.energy_suite.gateways.legrand.catalogue import CATALOGUE
from custom_components.energy_suite.gateways.legrand.equipment import Equipment
from custom_components.energy_suite.gateways.legrand.gateway import LegrandGateway
from custom_components.energy_suite.gateways.netvision.gateway import NetVisionGateway
from custom_components.energy_suite.gateways.netvision.machine import Machine
from custom_components.energy_suite.gateways.netvision.mib import SnmpChannel
from custom_components.energy_suite.gateways.netvision.modbus import ModbusChannel
from custom_components.energy_suite.gateways.netvision.quantities import BLOCKS, ROOTS, Table
from custom_components.energy_suite.gateways.netvision.status import UnitStatus
from custom_components.energy_suite.gateways.profiles.library import Library
from custom_components.energy_suite.gateways.registers import Registers
from custom_components.energy_suite.gateways.solarman.gateway import INVERTER_KEY, STICK_KEY, SolarmanGateway
from demo.aura_registers import AFORE, MEGAREVO
from demo.faults import zeros
from demo.registers import STRING, load_registers
from demo.victron_house import INSTANCES, VictronHouse
from scripts.fixture import main
from tests.conftest import GatewaySuite

FIXTURES = sorted((Path(__file__).parent / "fixtures" / "diagnostics").glob("*.json"))
PORTAL_ID = "c0619ab1c2d3"
TITLE = "Villa Quixada"
KEYS = {"logger_stick": STICK_KEY, "hybrid_inverter": INVERTER_KEY}

# Description -> what Home Assistant takes for its state.
TYPES: dict[type, Any] = {
    SensorDescription: (int, float, str, datetime),
    BinarySensorDescription: bool,
    NumberDescription: (int, float),
    SelectDescription: str,
    SwitchDescription: bool,
    TrackerDescription: float,
}


@pytest.fixture
def private(house: VictronHouse) -> set[str]:
    """Every text that the devices of the house hold but for their models, each of them recognisable."""
    texts: dict[tuple[str, str], str] = {}
    for register in load_registers().values():
        if register.kind == STRING and register.service in INSTANCES and register.path != "/Model":
            texts[register.service, register.path] = f"Zq{len(texts):02d}xKw9"
    texts["system", "/Serial"] = PORTAL_ID
    house.overrides.update(texts)
    house.advance(0)
    return set(texts.values())


async def downloaded(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, suite: GatewaySuite, device: str | None = None
) -> Any:
    """The file that "Download diagnostics" gives."""
    assert await async_setup_component(hass, "diagnostics", {})
    client = await hass_client()
    of_device = "" if device is None else f"/device/{suite.device_id(device)}"
    response = await client.get(f"/api/diagnostics/config_entry/{suite.entry.entry_id}{of_device}")
    assert response.status == 200
    return json.loads(await response.text())


def in_registers(words: Mapping[str, int]) -> str:
    """What the registers hold, read as text."""
    numbers = {int(address): word for address, word in words.items()}
    if not numbers:
        return ""
    return b"".join(numbers.get(address, 0).to_bytes(2) for address in range(min(numbers), max(numbers) + 1)).decode(
        "latin-1"
    )


def pieces(text: str) -> set[str]:
    """What two neighbouring registers hold of a text."""
    return {text[start : start + 4] for start in range(0, len(text) - 3, 2)}


# --- privacy -----------------------------------------------------------------------------------------------------


async def test_nothing_private_is_in_the_files(hass, private, suite, hass_client):
    hass.config_entries.async_update_entry(suite.entry, title=TITLE)
    ir.async_create_issue(
        hass,
        DOMAIN,
        f"replaced_gateway_{suite.entry.entry_id}",
        is_fixable=False,
        severity=ir.IssueSeverity.ERROR,
        translation_key="replaced_gateway",
        translation_placeholders={"title": TITLE},
    )
    secrets = (*private, TITLE, suite.entry.data["host"], suite.entry.data["uid"])
    for device in (None, "gx", "grid_meter", "ev_charger", "pv_inverter", "battery"):
        file = await downloaded(hass, hass_client, suite, device)
        written = json.dumps(file, ensure_ascii=False).lower()
        assert not [secret for secret in secrets if secret.lower() in written]
        assert file["data"]["devices"]
        for each in file["data"]["devices"].values():
            text = "".join(in_registers(words) for words in each["registers"].values())
            assert not [piece for secret in private for piece in pieces(secret) if piece in text], each["kind"]


async def test_the_texts_are_on_the_wire_and_in_the_entry_so_that_hiding_them_means_something(hass, private, suite):
    raw = [
        in_registers({str(address): int(word) for address, word in words.items()})
        for coordinator in suite.entry.runtime_data.coordinators.values()
        for part in coordinator.device.parts.values()
        if isinstance(part, Registers)
        for words in part.raw.values()
    ]
    seen = {secret for secret in private if any(secret in text for text in raw)}
    assert PORTAL_ID in seen
    assert len(seen) > 10
    serials = [found for found in suite.entry.data["devices"] if found["serial"] in seen]
    assert {found["kind"] for found in serials} == {"grid_meter", "pv_inverter", "ev_charger"}
    assert all(found["serial"].lower() in found["key"] for found in serials)


@pytest.mark.parametrize("machine", ["netys", "masterys", "statys"])
@pytest.mark.parametrize("channels", ["modbus", "snmp", "both"])
async def test_nothing_private_is_in_the_files_of_a_card(hass, card_suite, machine, hass_client):
    hass.config_entries.async_update_entry(card_suite.entry, title=TITLE)
    serial = card_suite.card.machine.serial
    main = "sts" if machine == "statys" else "ups"
    assert card_suite.entry.runtime_data.gateway.line.machine.serial == serial
    secrets = (serial, TITLE, "Energy room", *(card_suite.entry.data[key] for key in ("host", "uid", "community")))
    for device in (None, "card", main):
        file = await downloaded(hass, hass_client, card_suite, device)
        # The public community of the tests is a word of the language.
        written = json.dumps(file, ensure_ascii=False).lower().replace("public_key", "")
        assert not [secret for secret in secrets if secret.lower() in written]
        assert file["data"]["devices"]
        for each in file["data"]["devices"].values():
            text = in_registers(each["registers"].get("holding", {}))
            assert not [piece for piece in pieces(serial) if piece in text]
            assert all(isinstance(number, int) for number in each["registers"].get("objects", {}).values())


# --- content -----------------------------------------------------------------------------------------------------


async def test_the_file_of_an_entry_says_what_is_read_of_what_and_how(hass, suite, hass_client):
    await suite.reports()
    data = (await downloaded(hass, hass_client, suite))["data"]
    assert list(data) == ["entry", "subentries", "connection", "devices"]
    assert data["entry"]["options"] == {"interval": 0.1}
    assert (data["entry"]["version"], data["entry"]["state"], data["entry"]["reason"]) == (1, "loaded", None)
    assert [found["unit_id"] for found in data["entry"]["data"]["devices"]] == [100, 227, 225, 226, 30, 20, 40, 100]
    connection = data["connection"]
    assert (connection["connected"], connection["interval"], connection["pending_commands"]) == (True, 0.1, 0)
    assert connection["rounds"] > 1
    assert connection["requests"] > 8
    kinds = ["gx", "inverter_charger", "battery", "solar_charger", "grid_meter", "pv_inverter", "ev_charger"]
    assert list(data["devices"]) == [f"{kind}_{place}" for place, kind in enumerate([*kinds, "generator"])]
    gx = data["devices"]["gx_0"]
    assert (gx["kind"], gx["unit_id"], gx["firmware"], gx["available"]) == ("gx", 100, "v3.75", True)
    assert gx["parts"]["settings"]["speed"] == "slow"
    assert gx["parts"]["system"]["dropped_readings"] == 0
    soc = gx["parts"]["system"]["values"]["state_of_charge"]
    assert soc == gx["registers"]["holding"]["843"] == round(suite.house.site.battery.soc)


async def test_the_file_of_a_device_holds_this_device_alone(hass, suite, hass_client):
    data = (await downloaded(hass, hass_client, suite, "battery"))["data"]
    assert list(data) == ["devices"]
    (battery,) = data["devices"].values()
    assert (battery["kind"], battery["unit_id"]) == ("battery", 225)
    assert battery["registers"]["holding"]["259"] == round(suite.house.site.battery.voltage * 100)


async def test_readings_that_were_not_believed_are_counted(hass, suite, hass_client):
    with suite.gx.inject(zeros(), requests=1, only=lambda request: request.unit == 30):
        await suite.reports()
    data = (await downloaded(hass, hass_client, suite, "grid_meter"))["data"]
    (meter,) = data["devices"].values()
    assert meter["parts"]["live"]["dropped_readings"] == 1


async def test_a_device_that_is_gone_is_in_the_file_with_the_reason(hass, suite, hass_client):
    coordinator = suite.entry.runtime_data.coordinators[suite.key("ev_charger")]
    suite.gx.vanish("evcharger", 40)
    await suite.until(lambda: not coordinator.data.available)
    station = (await downloaded(hass, hass_client, suite))["data"]["devices"]["ev_charger_6"]
    assert (station["available"], station["failed"]) == (False, {"live": "gone"})
    assert station["registers"]["holding"]


async def test_alarms_are_in_the_file(hass, suite, hass_client):
    suite.house.overrides["vebus", "/Alarms/Overload"] = 2
    suite.house.advance(0)
    coordinator = suite.entry.runtime_data.coordinators[suite.key("inverter_charger")]
    await suite.until(lambda: bool(coordinator.alarms))
    data = (await downloaded(hass, hass_client, suite, "inverter_charger"))["data"]
    (inverter,) = data["devices"].values()
    assert inverter["alarms"] == [alarm.key for alarm in coordinator.alarms]


async def test_a_gateway_that_is_not_loaded_has_a_file_too(hass, private, suite, hass_client):
    await hass.config_entries.async_unload(suite.entry.entry_id)
    suite.gx.stop()
    await hass.config_entries.async_setup(suite.entry.entry_id)
    assert suite.entry.state is ConfigEntryState.SETUP_RETRY
    data = (await downloaded(hass, hass_client, suite))["data"]
    assert (data["entry"]["state"], data["entry"]["reason"]) == ("setup_retry", "cannot_connect")
    assert data["devices"] == {}
    assert (await downloaded(hass, hass_client, suite, "battery"))["data"] == {"devices": {}}
    assert not [secret for secret in private if secret.lower() in json.dumps(data).lower()]


# --- a report becomes a fixture ------------------------------------------------------------------------------------


async def test_the_command_makes_a_fixture_of_a_file(hass, suite, hass_client, tmp_path, monkeypatch, capsys):
    download = tmp_path / "config_entry-energy_suite-01J.json"
    download.write_text(json.dumps(await downloaded(hass, hass_client, suite)), encoding="utf-8")
    monkeypatch.setattr("scripts.fixture.FIXTURES", tmp_path / "made")
    monkeypatch.setattr("sys.argv", ["scripts/fixture", str(download), "cerbo_gx_3_75"])
    main()
    made = json.loads((tmp_path / "made" / "cerbo_gx_3_75.json").read_text(encoding="utf-8"))
    assert "8 devices" in capsys.readouterr().out
    assert set(made) == {"devices"}
    for key, device in made["devices"].items():
        assert set(device) == {"kind", "unit_id", "registers"}, key
    device, gone = await replayed_of_victron(made["devices"]["battery_2"])
    assert gone == []
    assert device.voltage == pytest.approx(suite.house.site.battery.voltage, abs=0.01)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"data": {}}', '{"data": {"devices": []}}', "no JSON"])
def test_the_command_refuses_what_is_no_such_file(tmp_path, monkeypatch, capsys, content):
    download = tmp_path / "something.json"
    download.write_text(content, encoding="utf-8")
    monkeypatch.setattr("scripts.fixture.FIXTURES", tmp_path / "made")
    monkeypatch.setattr("sys.argv", ["scripts/fixture", str(download), "nothing"])
    with pytest.raises(SystemExit):
        main()
    assert "is no diagnostics file of Energy Suite" in capsys.readouterr().err
    assert not (tmp_path / "made").exists()


async def test_the_file_of_a_card_becomes_a_fixture_of_all_its_devices(
    hass, card_suite, hass_client, tmp_path, monkeypatch
):
    download = tmp_path / "config_entry-energy_suite-01J.json"
    download.write_text(json.dumps(await downloaded(hass, hass_client, card_suite)), encoding="utf-8")
    monkeypatch.setattr("scripts.fixture.FIXTURES", tmp_path)
    monkeypatch.setattr("sys.argv", ["scripts/fixture", str(download), "masterys"])
    main()
    made = json.loads((tmp_path / "masterys.json").read_text(encoding="utf-8"))["devices"]
    assert [device["kind"] for device in made.values()] == ["netvision_card", "ups", *["ups_unit"] * 3]
    devices = await replayed(made)
    assert devices["ups_1"].state_of_charge == card_suite.card.ups.state_of_charge
    assert devices["netvision_card_0"].shutdown_delay == 180
    assert {device.unit_status for key, device in devices.items() if "unit" in key} == {UnitStatus.IN_SERVICE}


@pytest.mark.parametrize("aura_map", [MEGAREVO, AFORE])
async def test_the_file_of_a_stick_becomes_a_fixture_of_it_and_its_inverter(
    hass, stick_suite, hass_client, tmp_path, monkeypatch
):
    await stick_suite.reports()
    download = tmp_path / "config_entry-energy_suite-01J.json"
    download.write_text(json.dumps(await downloaded(hass, hass_client, stick_suite)), encoding="utf-8")
    monkeypatch.setattr("scripts.fixture.FIXTURES", tmp_path)
    monkeypatch.setattr("sys.argv", ["scripts/fixture", str(download), "aura"])
    main()
    made = json.loads((tmp_path / "aura.json").read_text(encoding="utf-8"))["devices"]
    assert [device["kind"] for device in made.values()] == ["logger_stick", "hybrid_inverter"]
    inverter = (await replayed(made))["hybrid_inverter_1"]
    assert inverter.state_of_charge == pytest.approx(stick_suite.aura.battery.soc, abs=0.5)
    assert inverter.working_mode.name == "SELF_USE"


@pytest.mark.parametrize("aura_map", [MEGAREVO, AFORE])
async def test_nothing_private_is_in_the_files_of_a_stick(hass, stick_suite, hass_client, aura_map):
    hass.config_entries.async_update_entry(stick_suite.entry, title=TITLE)
    await stick_suite.reports()
    serial = stick_suite.aura.config.serial
    inverter = stick_suite.entry.runtime_data.coordinators["inverter"].device
    assert inverter.identity.serial == serial
    # The random id of the entry is in the ids of its repairs, which Home Assistant adds to the file.
    secrets = (serial, TITLE, str(stick_suite.stick.serial), stick_suite.entry.data["host"])
    for device in (None, "stick", "inverter"):
        file = await downloaded(hass, hass_client, stick_suite, device)
        written = json.dumps(file, ensure_ascii=False).lower()
        assert not [secret for secret in secrets if secret.lower() in written]
        for each in file["data"]["devices"].values():
            text = "".join(in_registers(words) for words in each["registers"].values())
            assert not [piece for piece in pieces(serial) if piece in text], each["kind"]


BEHIND_A_LINE = {*LEGRAND, *(profile.kind for profile in Library.load().offered_for(gateway="legrand"))}


async def replayed(stored: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """The devices behind the registers of a report."""
    if any(each["kind"] in NETVISION for each in stored.values()):
        return await replayed_of_a_card(stored)
    if any(each["kind"] in SOLARMAN for each in stored.values()):
        return {key: await replayed_of_a_stick(each) for key, each in stored.items()}
    if any(each["kind"] in BEHIND_A_LINE for each in stored.values()):
        return {key: await replayed_of_a_line(each) for key, each in stored.items()}
    return {key: (await replayed_of_victron(each))[0] for key, each in stored.items()}


async def replayed_of_victron(stored: Mapping[str, Any]) -> tuple[Any, list[str]]:
    """The device behind the registers of a report, and its parts that the report has nothing of."""
    connection = MockModbusConnection()
    kind = KINDS["victron_gx"]
    gateway = kind.make(connection.for_unit, kind.interval, {})
    device = gateway.device(Found(key=stored["kind"], kind=stored["kind"], unit_id=stored["unit_id"]))
    unit = connection.for_unit(stored["unit_id"])
    unit.load_raw(stored["registers"])
    gone = []
    for name, part in device.parts.items():
        assert isinstance(part, Registers)
        # Texts were left out; every other address that is missing was refused by the device itself.
        for field in part.fields.values():
            for address in set(range(field.address, field.address + field.count)) - part.private_addresses:
                if address not in unit.holding:
                    unit.fail_read(address, IllegalDataAddressError(2))
        try:
            await part.async_read(0.0)
        except NotSupported:
            gone.append(name)
    device.settle(0.0)
    return device, gone


async def replayed_of_a_stick(stored: Mapping[str, Any]) -> Any:
    """The stick of a report, or what is behind it; over a link on which the stick says nothing of itself."""
    unit = MockModbusConnection().for_unit(stored["unit_id"])
    unit.load_raw(stored["registers"])
    found = Found(key=stored["kind"], kind=stored["kind"], unit_id=stored["unit_id"], profile=stored.get("profile"))
    settings = {"host": "", "logger_serial": 1, "profile": found.profile, "profiles": Library.load()}
    device = SolarmanGateway(unit, 10.0, settings).device(replace(found, key=KEYS[found.kind]))
    for part in device.parts.values():
        with suppress(NotSupported):
            await part.async_read(0.0)
    device.settle(0.0)
    return device


async def replayed_of_a_line(stored: Mapping[str, Any]) -> Any:
    """A device behind a Modbus gateway, by its map; a pulse meter by the first input of its concentrator."""
    unit = MockModbusConnection().for_unit(stored["unit_id"])
    unit.load_raw(stored["registers"])
    library = Library.load()
    if (name := stored.get("profile")) is not None:
        about = Equipment(name="", reference=library.profiles[name].models[0], address=stored["unit_id"], map=name)
    else:
        reference = next(each.reference for each in CATALOGUE.values() if each.kind == stored["kind"])
        about = Equipment(
            name="",
            reference=reference,
            address=stored["unit_id"],
            map="emdx3_pulse_concentrator",
            concentrator="0 046 87",
            position=1,
            weight=10.0,
        )
    gateway = LegrandGateway(lambda _: unit, 10.0, {"host": "", "port": 502, "profiles": library})
    device = gateway.device(about.found("reported"))
    for part in device.parts.values():
        with suppress(NotSupported):
            await part.async_read(0.0)
    device.settle(0.0)
    return device


class ReportedWords(ModbusChannel):
    """A card's Modbus server whose words are those of a report, which names no product."""

    def __init__(self, unit: MockModbusUnit, told: Machine) -> None:
        super().__init__(unit, told.table)
        self._told = told

    @override
    async def identify(self) -> Machine:
        self.machine = self._told
        return self._told


class ReportedObjects:
    """Stands in for the SNMP client: a card whose objects are those of a report, which holds no texts."""

    def __init__(self, table: Table, objects: Mapping[str, int]) -> None:
        self._root = ROOTS[table]
        firmware = {Table.UPS_MIB: "1.5.0", Table.STS_MIB: "1.4.0"}[table]
        self._objects: dict[str, int | str] = {firmware: "", **objects}

    async def get(self, oids: Sequence[str]) -> dict[str, int | str]:
        told = {f"{self._root}.{suffix}": value for suffix, value in self._objects.items()}
        return {oid: told[oid] for oid in oids if oid in told}

    async def walk(self, *roots: str) -> dict[str, int | str]:
        told = {f"{self._root}.{suffix}": value for suffix, value in self._objects.items()}
        return {oid: value for oid, value in told.items() if oid.startswith(tuple(f"{root}." for root in roots))}


async def replayed_of_a_card(stored: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """The card of a report and what is behind it: they share what was read."""
    words: dict[int | str, int | bool] = {}
    objects: dict[str, int] = {}
    for each in stored.values():
        words |= each["registers"].get("holding", {})
        objects |= each["registers"].get("objects", {})
    kinds = [each["kind"] for each in stored.values()]
    is_sts = "sts" in kinds
    modbus = snmp = None
    if words:
        (table,) = (table for table, blocks in BLOCKS.items() if str(blocks[0][0]) in words)
        unit = MockModbusConnection().for_unit(1)
        unit.load_raw({"holding": words})
        modbus = ReportedWords(unit, Machine(table=table, has_battery=not is_sts))
    if objects:
        client: Any = ReportedObjects(Table.STS_MIB if is_sts else Table.UPS_MIB, objects)
        snmp = SnmpChannel(client)
    gateway = NetVisionGateway(modbus=modbus, snmp=snmp)
    await gateway.probe()
    devices: dict[str, Any] = {}
    for place, (key, each) in enumerate(stored.items()):
        found = Found(key=key, kind=each["kind"], unit_id=1, number=kinds[:place].count("ups_unit") + 1)
        device = devices[key] = gateway.device(found)
        for part in device.parts.values():
            with suppress(NotSupported):
                await part.async_read(0.0)
        device.settle(0.0)
    return devices


def value_of(description: Description, device: Device) -> Any:
    """What the entity would show."""
    if isinstance(description, TrackerDescription):
        return description.latitude_fn(device)
    return None if isinstance(description, ButtonDescription) else description.value_fn(device)


def test_there_is_a_fixture_of_every_kind_of_device():
    kinds = {
        device["kind"]
        for file in FIXTURES
        for device in json.loads(file.read_text(encoding="utf-8"))["devices"].values()
    }
    # A concentrator shows itself through the meters that count on it.
    profiles = {profile.kind for profile in Library.load().profiles.values()} - {"pulse_concentrator"}
    assert kinds == set(DESCRIPTIONS) | profiles


@pytest.mark.parametrize("file", FIXTURES, ids=lambda file: file.stem)
async def test_every_entity_makes_sense_of_a_report(file):
    stored = json.loads(file.read_text(encoding="utf-8"))
    assert stored["devices"]
    for key, device in (await replayed(stored["devices"])).items():
        assert any(part.present for part in device.parts.values()), key
        assert all(alarm.key for alarm in device.alarms)
        known = 0
        for description in all_of(device, "en"):
            value = value_of(description, device)
            where = f"{key} {description.key}: {value!r}"
            assert value is None or isinstance(value, TYPES[type(description)]), where
            assert not isinstance(value, float) or math.isfinite(value), where
            if isinstance(description, SensorDescription | SelectDescription) and description.options:
                assert value is None or value in description.options, where
            if isinstance(description, NumberDescription):
                low, high = description.range_fn(device)
                assert low < high, where
            known += value is not None and description.exists_fn(device)
        # By SNMP a unit of a UPS tells its alarms alone; what a stick says of itself is in no register.
        assert known or device.kind in ("ups_unit", "logger_stick"), key


@pytest.mark.parametrize("file", FIXTURES, ids=lambda file: file.stem)
def test_a_fixture_holds_no_text(file):
    stored = json.loads(file.read_text(encoding="utf-8"))
    for device in stored["devices"].values():
        assert set(device) <= {"kind", "profile", "unit_id", "registers"}
        for space, words in device["registers"].items():
            if space == "objects":
                assert all(isinstance(number, int) for number in words.values())
            else:
                assert not re.search(r"[A-Za-z]{2}[ -~]{6}", in_registers(words))

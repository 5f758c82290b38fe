"""Breakers and charging stations behind a Modbus gateway: their triggers, conditions and alarms in Home Assistant."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from homeassistant.config_entries import ConfigSubentryData
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.util.yaml import load_yaml_dict
from pymodbus.constants import ExcCodes
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.energy_suite import profiles
from custom_components.energy_suite.const import DOMAIN
from demo.legrand import ModbusGateway
from tests.conftest import FAST, until
from tests.test_conditions import automate as asked
from tests.test_triggers import PACKAGE, automate

BREAKER, STATION = 5, 9
OPEN, CLOSED, TRIPPED = range(3)
AVAILABLE, CHARGING, WAITING, FAULT = range(4)
UID = "aabbccddeeff00112233445566778899"
MAPS = {
    "tried_breaker": """\
kind: breaker_meter
registers:
  - {key: breaker, address: 0, map: {0: open, 1: closed, 2: tripped}}
  - {key: power, address: 1, unit: W}
commands:
  - {key: close, press: {function: 6, address: 8, value: 1}}
""",
    "tried_station": """\
kind: charger
registers:
  - {key: status, address: 0, map: {0: available, 1: charging, 2: waiting, 3: fault}}
  - {key: error_station, address: 1}
""",
}
DEVICES = {BREAKER: ("Kitchen", "DPX3 250 electronic with measuring unit", "tried_breaker")} | {
    STATION: ("Garage", "0 590 02", "tried_station")
}


class Unit:
    """A device on the line with eight registers and more that can only be written."""

    def __init__(self) -> None:
        self.answers = True
        self.words = [1] + [0] * 7
        self.written: list[tuple[int, list[int]]] = []

    def read(self, function: int, address: int, count: int) -> list[int] | ExcCodes:
        """Answer registers alone."""
        return self.words[address : address + count] if function == 3 else ExcCodes.ILLEGAL_FUNCTION

    def write(self, function: int, address: int, values: list[int]) -> ExcCodes | None:
        """Note what is written."""
        self.written.append((address, values))
        return None


class Line:
    """The gateway in Home Assistant, and the devices behind it."""

    def __init__(self, hass: Any, gateway: ModbusGateway, units: dict[int, Unit], entry: Any) -> None:
        self.hass = hass
        self.gateway = gateway
        self.units = units
        self.entry = entry
        self.subentries = {each.data["address"]: each.subentry_id for each in entry.subentries.values()}

    def device_id(self, address: int) -> str:
        """A device's id in the registry."""
        identifier = (DOMAIN, f"{UID}_{self.subentries[address]}")
        found = dr.async_get(self.hass).async_get_device_by_identifier(identifier, self.entry.entry_id)
        assert found is not None
        return found.id

    def entity_id(self, address: int, domain: str, key: str) -> str | None:
        """An entity of a device, if it has such."""
        return er.async_get(self.hass).async_get_entity_id(domain, DOMAIN, f"{UID}_{self.subentries[address]}_{key}")

    def state(self, address: int, key: str, domain: str = "sensor") -> Any:
        """What it shows."""
        entity_id = self.entity_id(address, domain, key)
        assert entity_id is not None
        return self.hass.states.get(entity_id)

    def word(self, address: int, key: str) -> str | None:
        """The same in a word; None as long as there is no such entity."""
        there = self.entity_id(address, "sensor", key) and self.state(address, key)
        return there.state if there else None

    async def shows(self, address: int, value: int, *, key: str, word: str) -> None:
        """Set a device's first register, and wait until Home Assistant knows."""
        self.units[address].words[0] = value
        await until(self.entry, lambda: self.word(address, key) == word)
        await self.hass.async_block_till_done()

    async def breaker(self, state: int) -> None:
        """Open, close or trip the breaker."""
        await self.shows(BREAKER, state, key="breaker", word=("open", "closed", "tripped")[state])

    async def station(self, state: int) -> None:
        """Let the station be so."""
        await self.shows(STATION, state, key="status", word=("available", "charging", "waiting", "fault")[state])

    def about(self, what: str, name: str, address: int = BREAKER) -> dict[str, Any]:
        """A trigger or a condition about a device."""
        return {what: f"{DOMAIN}.{name}", "target": {"device_id": self.device_id(address)}}


@pytest.fixture
def options() -> dict[str, Any]:
    """The gateway's options; tests override it by parametrising."""
    return {}


@pytest.fixture
def settings() -> dict[str, Any]:
    """What the owner says of the breaker; tests override it by parametrising."""
    return {}


@pytest.fixture
async def line(hass, socket_enabled, monkeypatch, tmp_path: Path, options, settings) -> AsyncIterator[Line]:
    """Both devices with maps of their owner's."""
    for name, text in MAPS.items():
        head = f"profile: 1\nid: {name}\nmanufacturer: Legrand\nmodels: [A]\nsource: a test\n"
        (tmp_path / f"{name}.yaml").write_text(head + text)
    monkeypatch.setattr(profiles, "folder", lambda hass: tmp_path)
    units = {address: Unit() for address in DEVICES}
    async with ModbusGateway(units, timing=False) as gateway:
        entry = MockConfigEntry(
            domain=DOMAIN,
            title="Board",
            data={
                "gateway": "legrand",
                "uid": UID,
                "host": gateway.host,
                "port": gateway.port,
                "framing": "tcp",
                "devices": [{"key": "gateway", "kind": "modbus_gateway", "unit_id": 1}],
            },
            options={**FAST, **options},
            subentries_data=[
                ConfigSubentryData(
                    subentry_type="device",
                    title=title,
                    unique_id=None,
                    data={
                        "reference": reference,
                        "address": address,
                        "map": map_id,
                        "confirmed": True,
                        **(settings if address == BREAKER else {}),
                    },
                )
                for address, (title, reference, map_id) in DEVICES.items()
            ],
        )
        entry.add_to_hass(hass)
        assert await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done()
        made = Line(hass, gateway, units, entry)
        await made.breaker(CLOSED)
        yield made
        if entry.state.recoverable:
            await hass.config_entries.async_unload(entry.entry_id)


# --- triggers --------------------------------------------------------------------------------------------------------


# (trigger, what a closed breaker becomes, how often it fires)
BREAKER_TRIGGERS = [
    ("breaker_tripped", (TRIPPED, CLOSED, OPEN, TRIPPED), 2),
    ("breaker_opened", (OPEN, CLOSED, OPEN), 2),
    # It is reset, which opens nothing.
    ("breaker_opened", (TRIPPED, OPEN), 0),
    ("breaker_closed", (OPEN, CLOSED, TRIPPED, CLOSED), 2),
]


@pytest.mark.parametrize(("name", "path", "times"), BREAKER_TRIGGERS)
async def test_it_fires_each_time_that_it_happens(hass, line, name, path, times):
    fired = await automate(hass, line.about("trigger", name))
    for state in path:
        await line.breaker(state)
    assert len(fired) == times


async def test_a_breaker_that_tripped_while_nobody_was_looking_fires_nothing(hass, line):
    fired = await automate(hass, line.about("trigger", "breaker_tripped"))
    line.units[BREAKER].answers = False
    await until(line.entry, lambda: line.word(BREAKER, "breaker") == "unavailable")
    line.units[BREAKER].answers = True
    await line.breaker(TRIPPED)
    assert not fired


async def test_a_breaker_is_known_while_its_gateway_is_not_loaded(hass, line):
    assert await hass.config_entries.async_unload(line.entry.entry_id)
    fired = await automate(hass, line.about("trigger", "breaker_tripped"))
    assert await hass.config_entries.async_setup(line.entry.entry_id)
    await hass.async_block_till_done()
    await line.breaker(CLOSED)
    await line.breaker(TRIPPED)
    assert len(fired) == 1


async def test_a_car_at_a_station_of_a_profile_starts_and_stops_charging(hass, line):
    names = ("car_started_charging", "car_stopped_charging")
    await line.station(AVAILABLE)
    fired = await automate(hass, [line.about("trigger", name, STATION) for name in names])
    await line.station(CHARGING)
    assert len(fired) == 1
    await line.station(WAITING)
    assert len(fired) == 2


@pytest.mark.parametrize(("reference", "times"), [("0 288 03", 1), ("0 000 00", 0)])
async def test_what_a_device_is_follows_from_its_reference(hass, line, reference, times):
    entity_id = line.entity_id(BREAKER, "sensor", "breaker")
    assert await hass.config_entries.async_unload(line.entry.entry_id)
    subentry = line.entry.subentries[line.subentries[BREAKER]]
    hass.config_entries.async_update_subentry(line.entry, subentry, data={**subentry.data, "reference": reference})
    fired = await automate(hass, line.about("trigger", "breaker_tripped"))
    for state in ("closed", "tripped"):
        hass.states.async_set(entity_id, state)
        await hass.async_block_till_done()
    assert len(fired) == times


# --- conditions ------------------------------------------------------------------------------------------------------


# (condition, state of the breaker -> whether it passes)
BREAKER_CONDITIONS = [
    ("breaker_is_tripped", {OPEN: False, CLOSED: False, TRIPPED: True}),
    ("breaker_is_open", {OPEN: True, CLOSED: False, TRIPPED: False}),
]


@pytest.mark.parametrize(("name", "passes"), BREAKER_CONDITIONS)
async def test_a_condition_passes_while_it_is_so(hass, line, name, passes):
    met = await asked(hass, line.about("condition", name))
    for state, so in passes.items():
        await line.breaker(state)
        assert await met() is so


def test_triggers_and_conditions_are_offered_for_states():
    for file, names in (
        ("triggers.yaml", ("breaker_tripped", "breaker_opened", "breaker_closed")),
        ("conditions.yaml", ("breaker_is_tripped", "breaker_is_open")),
    ):
        described = load_yaml_dict(PACKAGE / file)
        for name in names:
            (offered,) = described[name]["target"]["entity"]
            assert (offered["domain"], offered["device_class"]) == ("sensor", "enum")


async def test_the_state_of_a_breaker_is_what_they_are_offered_for(line):
    shown = line.state(BREAKER, "breaker")
    assert (shown.attributes["device_class"], shown.attributes["options"]) == ("enum", ["open", "closed", "tripped"])
    assert shown.attributes["friendly_name"] == "Kitchen Breaker"


# --- alarms and controls ---------------------------------------------------------------------------------------------


async def test_a_trip_is_an_alarm_with_its_texts(hass, line):
    hass.config.language = "fr"
    await line.breaker(TRIPPED)
    shown = line.state(BREAKER, "problem", "binary_sensor")
    assert shown.state == "on"
    (alarm,) = shown.attributes["alarms"]
    assert (alarm["alarm"], alarm["severity"], alarm["text"]) == (
        "breaker_tripped",
        "critical",
        "Disjoncteur déclenché",
    )
    recorded = line.state(BREAKER, "alarm", "event")
    assert (recorded.attributes["event_type"], recorded.attributes["notify_by_default"]) == ("raised", True)
    await line.breaker(OPEN)
    assert line.state(BREAKER, "problem", "binary_sensor").state == "off"


@pytest.mark.parametrize("settings", [{"exclude_from_alarms": True}], ids=["excluded"])
async def test_a_breaker_that_is_excluded_from_alarms_trips_without_one(line):
    await line.breaker(TRIPPED)
    assert line.state(BREAKER, "problem", "binary_sensor").state == "off"


async def test_the_error_of_a_station_is_told_with_its_number(line):
    line.units[STATION].words[1] = 17
    await line.station(FAULT)
    (alarm,) = line.state(STATION, "problem", "binary_sensor").attributes["alarms"]
    assert (alarm["alarm"], alarm["code"]) == ("station_fault", 17)


async def test_a_breaker_is_not_closed_from_here_unless_its_owner_wants_it(line):
    assert line.entity_id(BREAKER, "button", "close") is None


@pytest.mark.parametrize("options", [{"enabled_controls": ["breaker"]}], ids=["breaker"])
async def test_a_breaker_is_closed_once_the_control_is_enabled(hass, line):
    entity_id = line.entity_id(BREAKER, "button", "close")
    await hass.services.async_call("button", "press", {"entity_id": entity_id}, blocking=True)
    assert line.units[BREAKER].written == [(8, [1])]

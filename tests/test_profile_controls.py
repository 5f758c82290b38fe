"""What a profile makes dangerous waits for one control, whichever way in: entity, action or device action."""

from typing import Any

import pytest
from homeassistant.core import Context
from homeassistant.exceptions import HomeAssistantError, Unauthorized
from homeassistant.helpers import area_registry as ar

from custom_components.energy_suite.const import DOMAIN
from custom_components.energy_suite.device_action import async_call_action_from_config, async_get_actions
from tests.conftest import BoardSuite, device_subentry
from tests.test_card_commands import user_of
from tests.test_commands import records, refused  # noqa: F401 - a fixture

RELAYS = """\
profile: 1
id: my_relays
manufacturer: Legrand
models: ["4 149 31"]
kind: state_command_module
source: a test
registers:
  - {key: input_1, function: 2, address: 0x0100}
commands:
  - {key: relay_1, on: {function: 5, address: 0x0301, value: 0xFF00}, off: {function: 5, address: 0x0301, value: 0}%s}
"""
STATION = device_subentry("Station", "0 590 40", 20, side=1, phase=1, map="my_station", confirmed=True)
UNCONFIRMED = device_subentry("Station", "0 590 40", 20, side=1, phase=1, map="my_station")
MODULE = device_subentry("Relays", "4 149 31", 31, map="my_relays", confirmed=True)
UNCONFIRMED_MODULE = device_subentry("Relays", "4 149 31", 31, map="my_relays")
STILL = {"interval": 3600}


def enabled(*controls: str) -> Any:
    return pytest.mark.parametrize("options", [{**STILL, "enabled_controls": list(controls)}], ids=["-".join(controls)])


def behind(*devices: Any) -> Any:
    return pytest.mark.parametrize("devices_behind", [devices], ids=["behind"])


@pytest.fixture
def relay_danger() -> str:
    """What the profile of the relays says of its danger; tests override it by parametrising."""
    return ""


@pytest.fixture
def own_profiles(own_profiles, relay_danger):
    """The user's own maps too: a station whose charging is dangerous, and relays."""
    station = (own_profiles / "fictitious_greenup.yaml").read_text()
    for before, after in (
        ("id: fictitious_greenup", "id: my_station"),
        ("key: charging_current,", "key: charging_current, danger: outputs,"),
        ("- key: charging\n", "- key: charging\n    danger: breaker\n"),
    ):
        assert station.count(before) == 1
        station = station.replace(before, after)
    (own_profiles / "my_station.yaml").write_text(station)
    (own_profiles / "my_relays.yaml").write_text(RELAYS % relay_danger)
    return own_profiles


async def act(suite: BoardSuite, action: str, device: str, context: Context | None = None, **data: Any) -> None:
    data = {"device_id": [suite.device_id(device)], **data}
    await suite.hass.services.async_call(DOMAIN, action, data, blocking=True, context=context)


async def do(suite: BoardSuite, device: str, name: str) -> None:
    """Do a device action."""
    config = {"device_id": suite.device_id(device), "domain": DOMAIN, "type": name}
    await async_call_action_from_config(suite.hass, config, {}, None)


async def offered(suite: BoardSuite, device: str) -> set[str]:
    return {each["type"] for each in await async_get_actions(suite.hass, suite.device_id(device))}


def writes(suite: BoardSuite) -> list[tuple[int, int]]:
    """Unit and address of what was written."""
    return [(each.unit, each.address) for each in suite.gateway.requests if each.function in (5, 6, 15, 16)]


# --- charging --------------------------------------------------------------------------------------------------------


@enabled()
@behind(STATION)
async def test_dangerous_charging_is_not_set_before_its_control_is_enabled(board_suite, records):  # noqa: F811 - the fixture
    assert board_suite.entity_id("Station", "charging_current").startswith("sensor.")
    assert not await offered(board_suite, "Station") & {"set_charging_current", "start_charging", "stop_charging"}
    for data in ({"current": 12}, {"charging": False}):
        with refused("control_not_enabled"):
            await act(board_suite, "set_charging", "Station", **data)
    with refused("control_not_enabled"):
        await do(board_suite, "Station", "stop_charging")
    assert [record["result"] for record in records] == ["control_not_enabled"] * 3
    assert writes(board_suite) == []


@enabled("breaker", "outputs")
@behind(STATION)
async def test_dangerous_charging_is_set_once_its_control_is_enabled(hass, board_suite):
    await act(board_suite, "set_charging", "Station", current=12)
    await do(board_suite, "Station", "stop_charging")
    assert writes(board_suite) == [(20, 0x2002), (20, 0x2000)]
    with pytest.raises(Unauthorized):
        await act(board_suite, "set_charging", "Station", await user_of(hass, "system-users"), charging=True)
    assert len(writes(board_suite)) == 2


@enabled("breaker", "outputs")
@behind(STATION)
async def test_what_drops_the_load_is_for_a_station_named_itself(hass, board_suite):
    area = ar.async_get(hass).async_create("Garage")
    board_suite.devices.async_update_device(board_suite.device_id("Station"), area_id=area.id)
    with refused("device_not_named"):
        await hass.services.async_call(DOMAIN, "set_charging", {"area_id": area.id, "charging": False}, blocking=True)
    assert writes(board_suite) == []


@enabled()
async def test_charging_without_a_danger_needs_no_control(board_suite):
    await act(board_suite, "set_charging", "Station left", current=12)
    assert writes(board_suite) == [(20, 0x2002)]


@enabled("breaker", "outputs")
@behind(STATION)
async def test_a_mode_is_refused_by_a_station_that_has_none(board_suite):
    with refused("not_supported", HomeAssistantError):
        await act(board_suite, "set_charging", "Station", mode="auto")
    assert writes(board_suite) == []


# --- relays ----------------------------------------------------------------------------------------------------------

told = pytest.mark.parametrize("relay_danger", ["", ", danger: relay_1", ", danger: generator", ", danger: outputs"])


@told
@enabled("outputs")
@behind(MODULE)
async def test_a_relay_waits_for_what_its_gateway_offers(board_suite):
    assert board_suite.entity_id("Relays", "relay_1").startswith("switch.")
    assert {"close_relay_1", "open_relay_1"} <= await offered(board_suite, "Relays")
    await do(board_suite, "Relays", "close_relay_1")
    assert board_suite.board.outputs[1].working
    await act(board_suite, "set_relay", "Relays", relay=1, closed=False)
    await board_suite.call("switch", "turn_on", "Relays", "relay_1")
    assert writes(board_suite) == [(31, 0x0301)] * 3


@told
@enabled("breaker")
@behind(MODULE)
async def test_a_relay_is_not_switched_by_another_control(board_suite):
    assert not board_suite.has("Relays", "relay_1")
    assert await offered(board_suite, "Relays") == set()
    with refused("control_not_enabled"):
        await act(board_suite, "set_relay", "Relays", relay=1, closed=True)
    with refused("control_not_enabled"):
        await do(board_suite, "Relays", "close_relay_1")
    assert writes(board_suite) == []


@enabled("outputs")
@behind(MODULE)
async def test_a_relay_that_a_module_does_not_have_is_refused(board_suite):
    with refused("no_such_relay"):
        await act(board_suite, "set_relay", "Relays", relay=2, closed=True)
    assert writes(board_suite) == []


# --- maps nobody confirmed -------------------------------------------------------------------------------------------


@enabled("breaker", "outputs")
@behind(UNCONFIRMED, UNCONFIRMED_MODULE)
async def test_a_map_that_is_not_confirmed_writes_nothing_whatever_way_it_is_asked(board_suite):
    assert await offered(board_suite, "Station") == await offered(board_suite, "Relays") == set()
    for data in ({"current": 12}, {"charging": False}):
        with refused("map_not_confirmed"):
            await act(board_suite, "set_charging", "Station", **data)
    with refused("map_not_confirmed"):
        await act(board_suite, "set_relay", "Relays", relay=1, closed=True)
    for device, name in (("Station", "start_charging"), ("Relays", "open_relay_1")):
        with refused("map_not_confirmed"):
            await do(board_suite, device, name)
    assert writes(board_suite) == []


# --- registers by their addresses ------------------------------------------------------------------------------------

BREAKERS = ("Charging", "Hot water")
OPEN: dict[str, Any] = {"function": 6, "address": 0x7020, "value": 1}
may_write = pytest.mark.parametrize("options", [{**STILL, "write_register": True}], ids=["may_write"])


@may_write
async def test_a_register_is_written_on_no_device_that_is_not_named_itself(hass, board_suite, records):  # noqa: F811 - the fixture
    area = ar.async_get(hass).async_create("Cellar")
    for device in BREAKERS:
        board_suite.devices.async_update_device(board_suite.device_id(device), area_id=area.id)
    with refused("device_not_named"):
        await hass.services.async_call(
            DOMAIN, "write_register", {"area_id": area.id, "confirm": True, **OPEN}, blocking=True
        )
    assert writes(board_suite) == []
    with refused("device_not_named"):
        await act(board_suite, "write_register", BREAKERS[0], area_id=area.id, confirm=True, **OPEN)
    # The one that is named, and not the other in its area.
    assert writes(board_suite) == [(10, 0x7020)]
    assert [record["result"] for record in records] == ["device_not_named", "applied", "device_not_named"]


@may_write
async def test_a_register_write_without_confirmation_leaves_a_record(board_suite, records):  # noqa: F811 - the fixture
    with refused("register_confirmation_needed"):
        await act(board_suite, "write_register", BREAKERS[0], **OPEN)
    (record,) = records
    assert (record["control"], record["before"], record["to"]) == ("register_28704", None, 1)
    assert record["result"] == "register_confirmation_needed"
    assert writes(board_suite) == []


@enabled("breaker")
async def test_a_register_write_without_its_option_leaves_a_record(board_suite, records):  # noqa: F811 - the fixture
    with refused("register_writes_not_enabled"):
        await act(board_suite, "write_register", BREAKERS[0], confirm=True, **OPEN)
    assert [record["result"] for record in records] == ["register_writes_not_enabled"]
    assert writes(board_suite) == []

"""Adding a gateway, putting another in its place, and its options, as the frontend drives them."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any
from unittest.mock import AsyncMock, patch

import pytest
from homeassistant.config_entries import SOURCE_SSDP, SOURCE_USER, ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.service_info.ssdp import SsdpServiceInfo
from hypothesis import given
from hypothesis import strategies as st
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.energy_suite.connection import async_get_pool
from custom_components.energy_suite.const import DOMAIN
from custom_components.energy_suite.flows.options import parse_unit_ids
from custom_components.energy_suite.gateways.kinds import KINDS
from demo.faults import Answer, Fault, exception
from demo.gx import GxSimulator
from demo.modbus import ModbusServer, PlainModbusServer, SilentServer
from demo.site import Site, SiteConfig
from demo.victron_house import VictronHouse
from demo.victron_site import SERIAL
from tests.conftest import NOON, Suite

OTHER_SERIAL = "c0619ab1c2d3"
BUSY = 6
KEYS = [
    "gx",
    "inverter_charger_227",
    "battery_225",
    "solar_charger_226",
    "grid_meter_hq2231zltp4",
    "pv_inverter_34567890",
    "ev_charger_hq2304t2xyz",
    "generator_100",
]


@pytest.fixture
def no_setup() -> Iterator[AsyncMock]:
    """The flow alone; what it leaves behind is set up in other tests."""
    with patch("custom_components.energy_suite.async_setup_entry", return_value=True) as setup:
        yield setup


@pytest.fixture
async def other_house(socket_enabled: None) -> AsyncIterator[VictronHouse]:
    """The same house, seen by another GX."""
    async with GxSimulator(write_delay=0) as gx:
        house = VictronHouse(gx, Site(SiteConfig(), NOON))
        house.overrides["system", "/Serial"] = OTHER_SERIAL
        house.advance(60)
        yield house


def kind_with(**changes: Any) -> Any:
    """Another port or timeout for the kind of gateway."""
    return patch.dict(KINDS, victron_gx=replace(KINDS["victron_gx"], **changes))


def known(**changes: Any) -> MockConfigEntry:
    """The house's GX as added earlier, at another address."""
    values = {
        "domain": DOMAIN,
        "title": "Victron GX",
        "unique_id": SERIAL,
        "data": {"gateway": "victron_gx", "uid": "0123", "host": "192.0.2.7", "port": 502, "devices": []},
    }
    return MockConfigEntry(**{**values, **changes})


def announced(location: str | None, portal_id: str | None = SERIAL) -> SsdpServiceInfo:
    """What a GX says of itself in the local network."""
    return SsdpServiceInfo(
        ssdp_usn=f"uuid:{SERIAL}::upnp:rootdevice",
        ssdp_st="upnp:rootdevice",
        ssdp_location=location,
        upnp={"manufacturer": "Victron Energy"} | ({} if portal_id is None else {"X_VrmPortalId": portal_id}),
    )


async def opened(hass: HomeAssistant) -> Any:
    """The form for the address of a GX."""
    flow = hass.config_entries.flow
    result = await flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    result = await flow.async_configure(result["flow_id"], {"next_step_id": "victron_gx"})
    assert (result["type"], result["step_id"], result["errors"]) == (FlowResultType.FORM, "victron_gx", {})
    return result


async def discovered(hass: HomeAssistant, info: SsdpServiceInfo) -> Any:
    """The result of the first step after a discovery."""
    return await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_SSDP}, data=info)


async def answered(hass: HomeAssistant, result: Any, values: dict[str, Any] | None = None) -> Any:
    """The next step, with the form filled in."""
    return await hass.config_entries.flow.async_configure(result["flow_id"], values)


def at(server: ModbusServer) -> dict[str, Any]:
    return {"host": server.host, "port": server.port}


def switched_off(server: ModbusServer) -> Fault:
    """The server ends while it is asked."""

    def fault(answer: Answer) -> Answer:
        asyncio.get_running_loop().call_soon(server.stop)
        return answer

    return fault


async def scanned(hass: HomeAssistant, result: Any) -> Any:
    """The step after the progress bar."""
    assert (result["type"], result["progress_action"]) == (FlowResultType.SHOW_PROGRESS, "scan")
    await hass.async_block_till_done()
    return await answered(hass, result)


async def nobody_is_connected(hass: HomeAssistant, server: ModbusServer) -> bool:
    """Whether the flow let go of the gateway, which hears of it a moment later."""
    async with asyncio.timeout(2):
        while server.connections_now:  # noqa: ASYNC110 - a socket's other end has no event
            await asyncio.sleep(0)
    return not async_get_pool(hass)._shared


def suggested(result: Any) -> dict[str, Any]:
    """What the form proposes."""
    return {
        str(marker): marker.description["suggested_value"]
        for marker in result["data_schema"].schema
        if marker.description
    }


# --- adding a GX -------------------------------------------------------------------------------------------------


async def test_the_menu_of_gateways_begins_with_victron_gx(hass):
    result = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    assert result["type"] is FlowResultType.MENU
    assert result["menu_options"][0] == "victron_gx"


async def test_a_gx_is_added_with_everything_that_is_behind_it(hass, house, no_setup):
    result = await scanned(hass, await answered(hass, await opened(hass), at(house.gx)))
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "found")
    placeholders = result["description_placeholders"]
    assert placeholders["gateway"] == "GX v3.75"
    assert placeholders["count"] == "8"
    for line in ("GX: Maison des pins", "Inverter/charger: Onduleur étage", "Generator"):
        assert f"- {line}" in placeholders["devices"].splitlines()

    result = await answered(hass, result, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "Maison des pins"
    entry = result["result"]
    assert entry.unique_id == SERIAL
    assert set(entry.data) == {"gateway", "uid", "host", "port", "devices"}
    assert entry.data["gateway"] == "victron_gx"
    assert (entry.data["host"], entry.data["port"]) == (house.gx.host, house.gx.port)
    assert len(entry.data["uid"]) == 32
    assert [device["key"] for device in entry.data["devices"]] == KEYS
    assert entry.data["devices"][4] == {
        "key": "grid_meter_hq2231zltp4",
        "kind": "grid_meter",
        "unit_id": 30,
        "serial": "HQ2231ZLTP4",
        "name": "Compteur réseau",
        "number": None,
        "profile": None,
        "confirmed": False,
    }
    assert entry.options == {}
    assert len(no_setup.mock_calls) == 1
    assert await nobody_is_connected(hass, house.gx)


async def test_two_gateways_never_share_a_uid(hass, house, other_house, no_setup):
    uids = set()
    for server in (house.gx, other_house.gx):
        result = await scanned(hass, await answered(hass, await opened(hass), at(server)))
        uids.add((await answered(hass, result, {}))["result"].data["uid"])
    assert len(uids) == 2


async def test_a_gx_without_a_name_and_a_version_is_added_too(hass, house, no_setup):
    house.set("settings", "/Settings/SystemSetup/SystemName", None)
    house.overrides["system", "/FirmwareVersion"] = 0
    house.advance(0)
    result = await scanned(hass, await answered(hass, await opened(hass), at(house.gx)))
    assert result["description_placeholders"]["gateway"] == "GX"
    assert "- GX" in result["description_placeholders"]["devices"].splitlines()
    assert (await answered(hass, result, {}))["title"] == "Victron GX"


async def test_every_error_is_told_apart_and_the_same_flow_goes_on(hass, house, no_setup):
    result = await opened(hass)
    house.gx.stop()
    result = await answered(hass, result, at(house.gx))
    assert result["errors"] == {"base": "refused"}
    async with SilentServer() as silent:
        with kind_with(timeout=0.1):
            result = await answered(hass, result, at(silent))
        assert result["errors"] == {"base": "silent"}
        assert await nobody_is_connected(hass, silent)
    for zeros in (True, False):
        async with PlainModbusServer(zeros=zeros) as stranger:
            result = await answered(hass, result, at(stranger))
            assert result["errors"] == {"base": "not_a_gx"}
            assert await nobody_is_connected(hass, stranger)
    # What was typed stays.
    assert suggested(result) == at(stranger)

    await house.gx.start()
    result = await scanned(hass, await answered(hass, result, at(house.gx)))
    assert result["step_id"] == "found"
    assert (await answered(hass, result, {}))["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize("host", ["x" * 64, "..", "cerbo.example"])
async def test_a_host_that_nobody_knows_is_unreachable(hass, socket_enabled, host):
    result = await opened(hass)
    with patch.object(hass.loop, "getaddrinfo", side_effect=socket.gaierror(socket.EAI_NONAME, "Name not known")):
        result = await answered(hass, result, {"host": host, "port": 502})
    assert result["errors"] == {"base": "unreachable"}
    assert suggested(result) == {"host": host, "port": 502}


@pytest.mark.parametrize("port", [0, 65536, -1, "modbus"])
async def test_a_port_that_is_none_is_refused(hass, port):
    result = await opened(hass)
    with pytest.raises(InvalidData):
        await answered(hass, result, {"host": "192.0.2.7", "port": port})


async def test_a_host_is_trimmed_and_in_lower_case_so_that_its_connection_is_shared(hass, house, no_setup):
    async def resolve(host, port, **_: object):
        assert host == "cerbo.example"
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (house.gx.host, port))]

    result = await opened(hass)
    with patch.object(hass.loop, "getaddrinfo", resolve):
        result = await answered(hass, result, {"host": "  Cerbo.Example ", "port": house.gx.port})
        result = await scanned(hass, result)
    result = await answered(hass, result, {})
    assert result["result"].data["host"] == "cerbo.example"


async def test_a_gx_that_is_configured_already_is_updated_instead(hass, house, no_setup):
    entry = known()
    entry.add_to_hass(hass)
    result = await answered(hass, await opened(hass), at(house.gx))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")
    assert (entry.data["host"], entry.data["port"]) == (house.gx.host, house.gx.port)
    assert entry.data["uid"] == "0123"
    assert await nobody_is_connected(hass, house.gx)


async def test_a_link_lost_during_the_scan_returns_to_the_form(hass, house, no_setup):
    with kind_with(timeout=0.1):
        result = await answered(hass, await opened(hass), at(house.gx))
        with house.gx.inject(switched_off(house.gx), only=lambda request: request.address == 775):
            result = await scanned(hass, result)
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "victron_gx")
    # Whether the server hung up before the answer or was not there for the next question is its own affair.
    assert result["errors"]["base"] in ("dropped", "lost")
    assert suggested(result) == at(house.gx)
    assert await nobody_is_connected(hass, house.gx)

    await house.gx.start()
    result = await scanned(hass, await answered(hass, result, at(house.gx)))
    assert result["description_placeholders"]["count"] == "8"
    assert (await answered(hass, result, {}))["type"] is FlowResultType.CREATE_ENTRY


async def test_the_scan_says_how_far_it_is(hass, house, no_setup):
    said = []
    hass.bus.async_listen(
        "data_entry_flow_progress_update", callback(lambda event: said.append(event.data["progress"]))
    )
    await scanned(hass, await answered(hass, await opened(hass), at(house.gx)))
    assert said == sorted(said)
    assert (said[0], said[-1]) == (0, 1)
    assert len(said) > 10


async def test_closing_the_dialog_during_the_scan_ends_it(hass, house):
    result = await answered(hass, await opened(hass), at(house.gx))
    assert result["type"] is FlowResultType.SHOW_PROGRESS
    (flow,) = hass.config_entries.flow._progress.values()
    search = flow.async_get_progress_task()
    hass.config_entries.flow.async_abort(result["flow_id"])
    # Home Assistant waits for no task that it cancelled.
    await asyncio.wait([search])
    assert search.cancelled()
    assert await nobody_is_connected(hass, house.gx)


# --- discovery ---------------------------------------------------------------------------------------------------


async def test_a_discovered_gx_is_offered_once_its_modbus_server_answered(hass, house, no_setup):
    with kind_with(port=house.gx.port):
        result = await discovered(hass, announced("http://127.0.0.1/description.xml"))
        assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "confirm")
        assert result["description_placeholders"] == {"name": "Victron GX (Modbus TCP)", "host": "127.0.0.1"}
        (card,) = hass.config_entries.flow.async_progress()
        assert card["context"]["title_placeholders"] == {"name": "Victron GX (Modbus TCP)"}
        assert await nobody_is_connected(hass, house.gx)

        result = await scanned(hass, await answered(hass, result, {}))
        result = await answered(hass, result, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["result"].unique_id == SERIAL
    assert (result["result"].data["host"], result["result"].data["port"]) == (house.gx.host, house.gx.port)


async def test_a_gx_is_added_by_hand_while_its_card_is_shown(hass, house, no_setup):
    with kind_with(port=house.gx.port):
        await discovered(hass, announced("http://127.0.0.1/description.xml"))
    result = await scanned(hass, await answered(hass, await opened(hass), at(house.gx)))
    assert (await answered(hass, result, {}))["type"] is FlowResultType.CREATE_ENTRY
    assert hass.config_entries.flow.async_progress() == []


async def test_a_gx_is_shown_on_one_card_alone(hass, house):
    with kind_with(port=house.gx.port):
        for portal_id in (SERIAL, SERIAL, None):
            result = await discovered(hass, announced("http://127.0.0.1/description.xml", portal_id))
        assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_in_progress")
    assert len(hass.config_entries.flow.async_progress()) == 1


async def test_a_gx_whose_modbus_server_is_off_is_not_offered(hass, house):
    house.gx.stop()
    with kind_with(port=house.gx.port):
        result = await discovered(hass, announced("http://127.0.0.1/description.xml"))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "not_reachable_by_modbus")
    assert hass.config_entries.flow.async_progress() == []


async def test_something_else_of_victron_is_not_offered(hass, socket_enabled):
    async with PlainModbusServer() as stranger:
        with kind_with(port=stranger.port):
            result = await discovered(hass, announced("http://127.0.0.1/description.xml", None))
        assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "not_reachable_by_modbus")


@pytest.mark.parametrize("location", [None, "", "description.xml"])
async def test_a_discovery_that_says_no_address_is_dropped(hass, location):
    result = await discovered(hass, announced(location))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "cannot_connect")


@pytest.mark.parametrize("portal_id", [SERIAL, None])
async def test_a_discovered_gx_that_is_known_is_updated(hass, house, no_setup, portal_id):
    entry = known(data={**known().data, "port": house.gx.port})
    entry.add_to_hass(hass)
    with kind_with(port=house.gx.port):
        result = await discovered(hass, announced("http://127.0.0.1/description.xml", portal_id))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")
    assert (entry.data["host"], entry.data["port"]) == ("127.0.0.1", house.gx.port)


async def test_a_discovered_gx_keeps_a_port_that_was_chosen(hass, house):
    entry = known(data={**known().data, "port": 1502})
    entry.add_to_hass(hass)
    await discovered(hass, announced("http://127.0.0.1/description.xml"))
    assert (entry.data["host"], entry.data["port"]) == ("127.0.0.1", 1502)


async def test_a_discovered_gx_without_modbus_says_nothing_of_the_others(hass, house):
    entry = known(unique_id=OTHER_SERIAL)
    entry.add_to_hass(hass)
    house.gx.stop()
    with kind_with(port=house.gx.port):
        await discovered(hass, announced("http://127.0.0.1/description.xml"))
    assert entry.data["host"] == "192.0.2.7"


# --- another address, another box ----------------------------------------------------------------------------------


type Registered = dict[str, dict[str, Any]]


def registered(suite: Suite) -> Registered:
    """All that the registries hold of the entry, but for when it was written and the GX's own serial number."""
    gx = suite.device_id("gx")
    entities = {
        entity.id: entity.extended_dict | {"modified_at": None}
        for entity in er.async_entries_for_config_entry(suite.entities, suite.entry.entry_id)
    }
    devices = {
        device.id: device.dict_repr | {"modified_at": None} | ({"serial_number": None} if device.id == gx else {})
        for device in dr.async_entries_for_config_entry(suite.devices, suite.entry.entry_id)
    }
    return devices | entities


async def test_a_gx_that_moved_is_found_at_its_new_address(hass, suite, other_house):
    other_house.overrides["system", "/Serial"] = SERIAL
    other_house.advance(0)
    before = registered(suite)
    result = await suite.entry.start_reconfigure_flow(hass)
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "reconfigure")
    assert suggested(result) == at(suite.gx)
    result = await answered(hass, result, at(other_house.gx))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    await hass.async_block_till_done()
    assert suite.entry.data["port"] == other_house.gx.port
    assert suite.entry.state is ConfigEntryState.LOADED
    assert registered(suite) == before
    assert other_house.gx.connections_now == 1
    assert not suite.gx.connections_now


async def test_an_address_where_nothing_answers_is_refused_and_the_form_keeps_it(hass, suite):
    async with PlainModbusServer() as stranger:
        result = await suite.entry.start_reconfigure_flow(hass)
        result = await answered(hass, result, at(stranger))
        assert result["errors"] == {"base": "not_a_gx"}
    result = await answered(hass, result, at(stranger))
    assert (result["step_id"], result["errors"]) == ("reconfigure", {"base": "refused"})
    assert suggested(result) == at(stranger)
    assert suite.entry.data["port"] == suite.gx.port
    result = await answered(hass, result, at(suite.gx))
    assert result["reason"] == "reconfigure_successful"
    await hass.async_block_till_done()
    assert suite.entry.state is ConfigEntryState.LOADED


async def test_another_box_takes_the_place_of_the_old_one_and_every_id_stays(hass, suite, other_house):
    before, uid = registered(suite), suite.entry.data["uid"]
    result = await answered(hass, await suite.entry.start_reconfigure_flow(hass), at(other_house.gx))
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "replace")
    assert result["description_placeholders"] == {"old": SERIAL, "new": OTHER_SERIAL}
    assert suite.entry.unique_id == SERIAL
    result = await answered(hass, result, {})
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    await hass.async_block_till_done()
    assert suite.entry.state is ConfigEntryState.LOADED
    assert suite.entry.unique_id == OTHER_SERIAL
    assert suite.entry.data["uid"] == uid
    assert registered(suite) == before
    gx = suite.devices.async_get(suite.device_id("gx"))
    assert gx.serial_number == OTHER_SERIAL
    # It is read, and discovery knows it.
    other_house.overrides["system", "/Dc/Battery/Soc"] = 44
    other_house.advance(0)
    await suite.shows("gx", "state_of_charge", "44")
    with kind_with(port=other_house.gx.port):
        result = await discovered(hass, announced("http://127.0.0.1/description.xml", OTHER_SERIAL))
    assert result["reason"] == "already_configured"


@pytest.mark.parametrize("confirming", [False, True])
async def test_a_box_that_another_entry_has_cannot_take_its_place(hass, suite, other_house, confirming):
    other = known(unique_id=OTHER_SERIAL)
    if not confirming:
        other.add_to_hass(hass)
    result = await answered(hass, await suite.entry.start_reconfigure_flow(hass), at(other_house.gx))
    if confirming:
        # It was added while the question stood on the screen.
        other.add_to_hass(hass)
        result = await answered(hass, result, {})
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")
    assert suite.entry.unique_id == SERIAL
    assert suite.entry.data["port"] == suite.gx.port


# --- options -----------------------------------------------------------------------------------------------------

OPTIONS = {
    "interval": 7,
    "delay_before_sending": 5,
    "enabled_controls": ["relay_2", "generator"],
    "maximum_input_current": 32.5,
    "unit_ids": "",
    "full_scan": False,
}

# Nothing that makes or removes an entity.
AS_BEFORE: dict[str, Any] = {"delay_before_sending": 0, "enabled_controls": []}


async def options_opened(hass: HomeAssistant, suite: Suite) -> Any:
    result = await hass.config_entries.options.async_init(suite.entry.entry_id)
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "init")
    return result


async def chosen(hass: HomeAssistant, result: Any, **changes: Any) -> Any:
    return await hass.config_entries.options.async_configure(result["flow_id"], {**OPTIONS, **changes})


async def options_scanned(hass: HomeAssistant, result: Any) -> Any:
    assert (result["type"], result["progress_action"]) == (FlowResultType.SHOW_PROGRESS, "scan")
    await hass.async_block_till_done()
    result = await hass.config_entries.options.async_configure(result["flow_id"])
    await hass.async_block_till_done()
    return result


async def test_every_option_is_kept_and_takes_effect(hass, suite):
    assert not suite.has("gx", "cancel_commands")
    result = await chosen(hass, await options_opened(hass, suite))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert suite.entry.options == {
        "interval": 7.0,
        "delay_before_sending": 5.0,
        "enabled_controls": ["relay_2", "generator"],
        "monitor_connection": True,
        "tolerated_gap": 300.0,
        "maximum_input_current": 32.5,
        "unit_ids": [],
        "write_register": False,
    }
    await hass.async_block_till_done()
    assert suite.entry.runtime_data.lease.runner.schedule.interval == 7
    assert suite.has("gx", "cancel_commands")
    coordinators = suite.entry.runtime_data.coordinators
    assert coordinators[suite.key("inverter_charger")].device.maximum_input_current == 32.5
    assert coordinators["gx"].enabled_controls == ["relay_2", "generator"]
    assert hass.states.get(suite.entity_id("generator", "generator_manual_start")).state == "off"

    again = suggested(await options_opened(hass, suite))
    assert again == {**dict(suite.entry.options), "unit_ids": ""}


async def test_every_dangerous_control_can_be_chosen(hass, suite):
    result = await options_opened(hass, suite)
    everything = [danger.value for danger in KINDS["victron_gx"].dangers]
    result = await chosen(hass, result, enabled_controls=everything)
    assert suite.entry.options["enabled_controls"] == everything
    await hass.async_block_till_done()


async def test_options_that_make_no_sense_are_refused(hass, suite):
    result = await options_opened(hass, suite)
    before = dict(suite.entry.options)
    for nonsense in (
        {"interval": 0.5},
        {"interval": 301},
        {"interval": "often"},
        {"delay_before_sending": -1},
        {"delay_before_sending": 31},
        {"maximum_input_current": 0},
        {"maximum_input_current": 1001},
        {"enabled_controls": ["self_destruct"]},
        {"enabled_controls": "relay_1"},
        {"unit_ids": 30},
        {"something": "else"},
    ):
        with pytest.raises(InvalidData):
            await chosen(hass, result, **nonsense)
    assert suite.entry.options == before


async def test_unit_ids_that_make_no_sense_are_refused_and_the_form_keeps_everything(hass, suite):
    result = await options_opened(hass, suite)
    before = dict(suite.entry.options)
    for unit_ids in ("battery", "248", "43-41"):
        result = await chosen(hass, result, unit_ids=unit_ids, full_scan=True)
        assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "init")
        assert result["errors"] == {"unit_ids": "bad_unit_ids"}
        assert suggested(result) == {
            **OPTIONS,
            "monitor_connection": True,
            "tolerated_gap": 300.0,
            "unit_ids": unit_ids,
            "full_scan": True,
            "write_register": False,
        }
    assert suite.entry.options == before
    assert (await chosen(hass, result))["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()


def add_battery(house: VictronHouse, instance: int = 150) -> None:
    """A second battery, where the scan does not look by itself."""
    house.gx.add_service("battery", instance, {**house.gx.service("battery", 512).values, "/CustomName": "Cave"})


async def test_a_device_at_an_unusual_unit_id_is_found_where_the_user_says(hass, suite):
    add_battery(suite.house)
    before = registered(suite)
    result = await chosen(hass, await options_opened(hass, suite), **AS_BEFORE, unit_ids="150")
    result = await options_scanned(hass, result)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert suite.entry.options["unit_ids"] == [150]
    assert [device["key"] for device in suite.entry.data["devices"]] == [*KEYS, "battery_150"]
    assert suite.state("battery_150", "voltage") == suite.state("battery_225", "voltage")
    battery = suite.devices.async_get(suite.device_id("battery_150"))
    assert (battery.name, battery.via_device_id) == ("Cave", suite.device_id("gx"))
    after = registered(suite)
    assert {key: after[key] for key in before} == before
    assert suite.gx.connections_now == 1
    assert suggested(await options_opened(hass, suite))["unit_ids"] == "150"


async def test_a_full_scan_finds_a_device_anywhere_and_adds_it_though_no_option_changed(hass, suite):
    result = await chosen(hass, await options_opened(hass, suite), **AS_BEFORE)
    await hass.async_block_till_done()
    before, options = registered(suite), dict(suite.entry.options)
    add_battery(suite.house)
    # The same options again, and the scan.
    result = await chosen(hass, await options_opened(hass, suite), **AS_BEFORE, full_scan=True)
    result = await options_scanned(hass, result)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert suite.entry.options == options
    assert suite.state("battery_150", "voltage") == suite.state("battery_225", "voltage")
    after = registered(suite)
    assert {key: after[key] for key in before} == before


async def test_unit_ids_that_were_searched_before_are_not_searched_again(hass, suite):
    result = await chosen(hass, await options_opened(hass, suite), unit_ids="150, 151")
    await options_scanned(hass, result)
    for unit_ids in ("150, 151", "151", ""):
        result = await chosen(hass, await options_opened(hass, suite), unit_ids=unit_ids)
        assert result["type"] is FlowResultType.CREATE_ENTRY
        await hass.async_block_till_done()
    assert suite.entry.options["unit_ids"] == []


async def test_a_scan_that_fails_changes_nothing(hass, suite):
    before = (dict(suite.entry.options), dict(suite.entry.data))
    result = await chosen(hass, await options_opened(hass, suite), unit_ids="150")
    with suite.gx.inject(exception(BUSY), only=lambda request: request.unit == 150):
        result = await options_scanned(hass, result)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "cannot_connect")
    assert (dict(suite.entry.options), dict(suite.entry.data)) == before
    # The devices that are there are read on.
    await suite.reports()
    assert suite.state("battery", "voltage") != "unavailable"


@pytest.mark.parametrize(
    ("text", "unit_ids"),
    [
        ("", []),
        (" ", []),
        (",", []),
        ("30", [30]),
        ("30, 41-43", [30, 41, 42, 43]),
        ("43;41 ; 42", [41, 42, 43]),
        ("5-5,5", [5]),
        (" 1 - 3 ,", [1, 2, 3]),
        ("0,247", [0, 247]),
    ],
)
def test_unit_ids_are_read_as_people_write_them(text, unit_ids):
    assert parse_unit_ids(text) == unit_ids


@pytest.mark.parametrize(
    "text", ["x", "-1", "248", "0-248", "3-1", "41-", "-", "--", "1-2-3", "1.5", "1e2", "1_0", "+5", "0x10", "9" * 5000]
)
def test_unit_ids_that_are_none_are_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 - the text is nobody's to see
        parse_unit_ids(text)


@given(st.text(alphabet=st.sampled_from("0123456789,;- ")) | st.text())
def test_whatever_is_typed_gives_unit_ids_or_a_value_error(text):
    try:
        unit_ids = parse_unit_ids(text)
    except ValueError:
        return
    assert unit_ids == sorted(set(unit_ids))
    assert all(0 <= unit_id <= 247 for unit_id in unit_ids)
    assert parse_unit_ids(", ".join(map(str, unit_ids))) == unit_ids

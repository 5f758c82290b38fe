"""Adding a Modbus gateway and what is behind it: one by one, as a copy, by a scan, from a CSV file."""

import asyncio
from typing import Any

import pytest
from homeassistant.config_entries import SOURCE_USER, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.device_registry import DeviceEntry

from custom_components.energy_suite.const import DOMAIN
from custom_components.energy_suite.gateways.legrand.catalogue import CATALOGUE, FAMILIES
from custom_components.energy_suite.subentries import devices_of
from demo.board import Board
from demo.board_units import still_units
from demo.legrand import ModbusGateway
from tests.conftest import BoardSuite, stored_board_entry, until
from tests.test_config_flow import suggested

TEMPLATE_CSV = """\
name;reference;address;position;concentrator;weight;side;phase;feed_direction
Main;4 120 45;1;;;;;;
Heating;412045;2;;;;;;downstream
Water;water meter, pulse output;30;1;0 046 87;10;;;
"""


# --- what a person does --------------------------------------------------------------------------------------------


def form(gateway: ModbusGateway, **changes: Any) -> dict[str, Any]:
    """The form of a gateway as a person fills it in."""
    return {"host": gateway.host, "port": gateway.port, "framing": gateway.framing.value, "name": ""} | changes


async def add_gateway(hass: HomeAssistant, values: dict[str, Any]) -> Any:
    """Choose the kind of gateway and fill in the form."""
    flow = hass.config_entries.flow
    result = await flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    result = await flow.async_configure(result["flow_id"], {"next_step_id": "legrand"})
    return await flow.async_configure(result["flow_id"], values)


class Adding:
    """The dialogue that adds devices behind a gateway."""

    def __init__(self, hass: HomeAssistant, entry: Any, board: Board) -> None:
        self.hass = hass
        self.entry = entry
        self.board = board
        self.result: Any = None

    async def begin(self, way: str) -> Any:
        """Open the dialogue and choose a way."""
        self.result = await self.hass.config_entries.subentries.async_init(
            (self.entry.entry_id, "device"), context={"source": SOURCE_USER}
        )
        assert self.result["type"] is FlowResultType.MENU
        return await self.submit({"next_step_id": way})

    async def reconfigure(self, name: str) -> Any:
        """Open the dialogue of a device."""
        (subentry,) = [each for each in self.entry.subentries.values() if each.title == name]
        self.result = await self.entry.start_subentry_reconfigure_flow(self.hass, subentry.subentry_id)
        return self.result

    async def submit(self, values: dict[str, Any] | None = None) -> Any:
        """Go to the next step that asks something."""
        flow = self.hass.config_entries.subentries
        self.result = await flow.async_configure(self.result["flow_id"], values)
        while self.result["type"] is FlowResultType.SHOW_PROGRESS:
            await self.hass.async_block_till_done()
            self.result = await flow.async_configure(self.result["flow_id"])
        await self.hass.async_block_till_done()
        return self.result

    async def seen(self) -> None:
        """Wait until every device was read."""
        runtime = self.entry.runtime_data
        await until(self.entry, lambda: len(runtime.coordinators) == len(self.entry.subentries) + 1)
        await until(self.entry, lambda: all(each.seen for each in runtime.coordinators.values()))
        await self.hass.async_block_till_done()

    @property
    def errors(self) -> Any:
        return self.result["errors"]

    @property
    def step(self) -> Any:
        return self.result.get("step_id")

    @property
    def told(self) -> Any:
        return self.result["description_placeholders"]

    async def one(self, family: str, reference: str, **values: Any) -> Any:
        """One device up to its values."""
        await self.begin("one")
        await self.submit({"family": family})
        if self.step == "reference":
            await self.submit({"reference": reference})
        assert self.step == "describe"
        return await self.submit({"map": "auto", "name": "", **values})


@pytest.fixture
async def adding(hass: HomeAssistant, bus: ModbusGateway, board: Board, own_profiles: Any) -> Any:
    """A gateway without devices, and the dialogue that adds some."""
    entry = stored_board_entry(bus)
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    yield Adding(hass, entry, board)
    await hass.config_entries.async_unload(entry.entry_id)


# --- the gateway ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("framing", ["tcp", "rtu_over_tcp"])
async def test_a_gateway_is_added_and_loaded(hass: HomeAssistant, bus: ModbusGateway):
    result = await add_gateway(hass, form(bus, name="Main board"))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "Main board"
    await hass.async_block_till_done()
    entry = result["result"]
    assert entry.state is ConfigEntryState.LOADED
    assert hass.states.is_state("binary_sensor.main_board_connectivity", "on")
    # Nothing is asked on a line nobody said anything of.
    assert not bus.requests
    await hass.config_entries.async_unload(entry.entry_id)


async def test_gateways_without_a_name_are_numbered_and_never_called_by_their_hosts(
    hass: HomeAssistant, bus: ModbusGateway, caplog: pytest.LogCaptureFixture
):
    async with ModbusGateway({}, timing=False) as second, ModbusGateway({}, timing=False) as third:
        results = [await add_gateway(hass, form(gateway)) for gateway in (bus, second, third)]
        await hass.async_block_till_done()
        assert [result["title"] for result in results] == ["Legrand", "Legrand 2", "Legrand 3"]
        for result in results:
            await hass.config_entries.async_unload(result["result"].entry_id)
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("custom_components")]
    assert not [message for message in ours if bus.host in message]


async def test_a_gateway_whose_server_is_off_says_so(hass: HomeAssistant, bus: ModbusGateway):
    bus.stop()
    result = await add_gateway(hass, form(bus))
    assert result["errors"] == {"base": "gateway_refused"}
    assert suggested(result)["framing"] == "tcp"


async def test_the_same_gateway_is_not_added_twice(hass: HomeAssistant, adding: Adding, bus: ModbusGateway):
    result = await add_gateway(hass, form(bus))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")


async def test_another_gateway_at_the_same_host_is_added(hass: HomeAssistant, adding: Adding, bus: ModbusGateway):
    async with ModbusGateway({}, timing=False) as other:
        result = await add_gateway(hass, form(other))
        assert result["type"] is FlowResultType.CREATE_ENTRY
        await hass.async_block_till_done()
        await hass.config_entries.async_unload(result["result"].entry_id)


async def test_a_gateway_for_one_client_is_added_while_it_is_free(hass: HomeAssistant, bus: ModbusGateway):
    bus.most = 1
    _, other = await asyncio.open_connection(bus.host, bus.port)
    result = await add_gateway(hass, form(bus))
    assert result["errors"] == {"base": "gateway_dropped"}
    other.close()
    await other.wait_closed()
    result = await hass.config_entries.flow.async_configure(result["flow_id"], form(bus))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    entry = result["result"]
    assert entry.state is ConfigEntryState.LOADED
    # Devices are tried over the connection that reads them.
    adding = Adding(hass, entry, Board())
    await adding.one("emdx3", "4 120 45", address=1)
    assert not adding.errors
    await hass.config_entries.async_unload(entry.entry_id)


async def test_a_gateway_gets_another_address_and_keeps_its_devices(hass: HomeAssistant, board_suite: BoardSuite):
    board_suite.gateway.stop()
    async with ModbusGateway(board_suite.gateway.units, timing=False) as moved:
        result = await board_suite.entry.start_reconfigure_flow(hass)
        values = {"host": moved.host, "port": moved.port, "framing": "tcp"}
        result = await hass.config_entries.flow.async_configure(result["flow_id"], values)
        assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
        await hass.async_block_till_done()
        await board_suite.until(lambda: board_suite.state("Heating", "voltage_l1") not in ("unknown", "unavailable"))
        assert len(board_suite.entry.subentries) == 12
        await hass.config_entries.async_unload(board_suite.entry.entry_id)


# --- one device ----------------------------------------------------------------------------------------------------


async def test_a_meter_is_added_after_its_values_were_shown(adding: Adding):
    await adding.one("emdx3", "4 120 45", address=1, name="Main")
    assert adding.step == "values"
    assert not adding.errors
    assert "Voltage L1: 228.51\u00a0V" in adding.told["values"]
    assert f"Power: {adding.board.meters['main'].power:.0f}" in adding.told["values"]
    assert adding.told["map"] == "emdx3_multifunction"
    # The map of this reference is certain.
    assert not adding.result["data_schema"].schema
    result = await adding.submit({})
    assert (result["type"], result["title"]) == (FlowResultType.CREATE_ENTRY, "Main")
    (device,) = devices_of(adding.entry).values()
    assert (device.address, device.map, device.confirmed) == (1, "emdx3_multifunction", False)


async def test_a_candidate_map_is_confirmed_by_who_compared_the_values(adding: Adding):
    await adding.one("emdx3", "4 120 51", address=3)
    result = await adding.submit({"confirmed": True})
    assert result["title"] == "3"
    (device,) = devices_of(adding.entry).values()
    assert device.confirmed


@pytest.mark.parametrize("family", FAMILIES)
async def test_every_reference_can_be_chosen(adding: Adding, family: str):
    for reference, model in CATALOGUE.items():
        if model.family != family:
            continue
        await adding.begin("one")
        await adding.submit({"family": family})
        if adding.step == "reference":
            await adding.submit({"reference": reference})
        assert adding.step == "describe"
        assert adding.told["reference"].startswith(reference)
        # Reading it shows at once whether there is a map, and asks for what this reference needs.
        asked = {str(marker) for marker in adding.result["data_schema"].schema}
        assert model.needs - {"generic"} <= asked


async def test_a_device_that_is_silent_may_be_added_all_the_same(adding: Adding):
    await adding.one("emdx3", "4 120 45", address=99)
    assert adding.errors == {"base": "device_silent"}
    assert adding.told["values"] == "-"
    result = await adding.submit({})
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_a_model_that_does_not_answer_as_itself_says_so(adding: Adding):
    # At this address is a measuring unit of the other make.
    await adding.one("emdx3", "4 120 45", address=4)
    assert adding.errors == {"base": "answers_otherwise"}


async def test_a_map_without_values_cannot_be_confirmed(adding: Adding):
    await adding.one("emdx3", "4 120 51", address=99)
    await adding.submit({"confirmed": True})
    assert adding.errors == {"confirmed": "nothing_to_compare"}


async def test_a_device_without_a_map_is_added_by_its_presence(hass: HomeAssistant, adding: Adding):
    await adding.one("ems_cx3", "4 149 40", address=10, name="Interface")
    assert (adding.errors, adding.told["map"]) == ({}, "Only whether it answers")
    await adding.submit({})
    await adding.seen()
    state = hass.states.get("binary_sensor.interface_connectivity")
    assert state is not None
    assert state.state == "on"


@pytest.mark.parametrize(
    ("reference", "values", "errors"),
    [
        ("4 120 45", {"address": 0}, {"address": "bad_address"}),
        ("4 120 45", {"address": 248}, {"address": "bad_address"}),
        ("4 120 45", {"address": 247}, {"address": "address_of_slave"}),
        ("4 120 45", {"address": 2}, {"address": "address_used"}),
        ("4 120 45", {"address": 50, "name": " main "}, {"name": "name_used"}),
        ("0 046 70", {"address": 30, "position": 1}, {"position": "position_used"}),
        ("0 046 70", {"address": 30, "position": 8}, {"position": "bad_position"}),
        ("0 046 70", {"address": 30, "position": 3, "weight": 0}, {"weight": "bad_weight"}),
        ("0 046 70", {"address": 2, "position": 3}, {"address": "address_used"}),
        ("4 149 20", {"address": 50, "remote_address": "31-1"}, {"remote_address": "bad_remote_address"}),
    ],
)
async def test_what_cannot_be_is_refused_at_its_field(
    hass: HomeAssistant, board_suite: BoardSuite, reference: str, values: dict[str, Any], errors: dict[str, str]
):
    adding = Adding(hass, board_suite.entry, board_suite.board)
    if CATALOGUE[reference].kind.startswith("pulse"):
        values = {"concentrator": "0 046 87", "weight": 10, **values}
    await adding.one(CATALOGUE[reference].family, reference, **values)
    assert (adding.step, adding.errors) == ("describe", errors)
    # What was typed is kept.
    assert suggested(adding.result)["address"] == values["address"]


async def test_a_side_used_is_refused(hass: HomeAssistant, board_suite: BoardSuite):
    adding = Adding(hass, board_suite.entry, board_suite.board)
    await adding.one("greenup", "0 590 40", address=20, side="1", phase="1", map="fictitious_greenup")
    assert adding.errors == {"side": "side_used"}


async def test_the_other_side_of_a_station_is_offered(adding: Adding):
    await adding.one("greenup", "0 590 40", address=20, side="2", phase="3", name="Station", map="fictitious_greenup")
    await adding.submit({"confirmed": True})
    assert adding.step == "other_side"
    await adding.submit({"add_other_side": True, "name": "station", "phase": "1"})
    assert adding.errors == {"name": "name_used"}
    await adding.submit({"add_other_side": True, "name": "Left", "phase": "1"})
    devices = {each.name: (each.side, each.phase) for each in devices_of(adding.entry).values()}
    assert devices == {"Station": (2, 3), "Left": (1, 1)}


async def test_the_other_side_may_be_left_out(adding: Adding):
    await adding.one("greenup", "0 590 96", address=20, side="1", map="fictitious_greenup")
    await adding.submit({"confirmed": False})
    assert "phase" not in adding.result["data_schema"].schema
    await adding.submit({"add_other_side": False, "name": "x"})
    assert len(adding.entry.subentries) == 1


async def test_a_virtual_device_is_added_by_its_remote_id(adding: Adding):
    await adding.one("wsmeasure", "WSMEASURE device", remote_id="five", map="fictitious_virtual_meter")
    assert adding.errors == {"remote_id": "bad_remote_id"}
    await adding.submit({"remote_id": "all", "name": "Total", "map": "fictitious_virtual_meter"})
    assert "Imported energy" in adding.told["values"]
    await adding.submit({"confirmed": True})
    (device,) = devices_of(adding.entry).values()
    assert (device.address, device.remote_id) == (247, 29999)


METER = {"function": "3", "words": "2", "multiplier": "10", "unit": "Wh", "signed": False, "word_order": "high_first"}


async def test_a_generic_meter_is_added_by_its_register(hass: HomeAssistant, adding: Adding):
    await adding.one("other", "generic Modbus meter", address=2, name="Meter")
    assert adding.step == "meter"
    await adding.submit({**METER, "register": "G1"})
    assert adding.errors == {"register": "bad_register"}
    power = {"register": "0x1014", "words": "2", "multiplier": "0,01", "signed": False}
    await adding.submit({**METER, "register": "101c", "power": {**power, "multiplier": "0"}})
    assert adding.errors == {"base": "bad_multiplier"}
    (power_fields,) = [each for key, each in adding.result["data_schema"].schema.items() if key == "power"]
    assert suggested({"data_schema": power_fields.schema})["register"] == "0x1014"
    await adding.submit({**METER, "register": "101c", "power": power})
    assert adding.step == "values"
    await adding.submit({})
    await adding.seen()
    heating = adding.board.meters["heating"]
    state = hass.states.get("sensor.meter_power")
    assert state is not None
    assert float(state.state) == pytest.approx(heating.power, abs=1)


async def test_labels_name_inputs_and_outputs(hass: HomeAssistant, adding: Adding):
    about = {"address": 31, "name": "Board", "map": "fictitious_io_module"}
    await adding.one("power_supervision", "0 261 36", **about, more={"labels": "input_1 Door"})
    assert adding.errors == {"base": "bad_label"}
    await adding.submit({**about, "more": {"labels": "input_1: Door\noutput_1: Pump\n"}})
    await adding.submit({"confirmed": True})
    await adding.seen()
    assert hass.states.get("binary_sensor.board_door") is not None


# --- a device that is there ----------------------------------------------------------------------------------------


async def test_a_copy_has_the_settings_and_another_name(hass: HomeAssistant, board_suite: BoardSuite):
    adding = Adding(hass, board_suite.entry, board_suite.board)
    await adding.begin("copy")
    await adding.submit({"device": board_suite.key("Charging")})
    proposed = suggested(adding.result)
    assert (proposed["name"], proposed["map"]) == ("Charging (2)", "fictitious_breaker")
    await adding.submit({**proposed, "address": 12})
    assert adding.errors == {"base": "device_silent"}
    await adding.submit({"confirmed": False})
    assert {each.name for each in devices_of(adding.entry).values()} >= {"Charging", "Charging (2)"}


async def test_a_device_is_given_another_reference_and_keeps_its_ids(hass: HomeAssistant, board_suite: BoardSuite):
    suite = board_suite
    before = suite.entity_id("Cooking", "voltage_l1")
    adding = Adding(hass, suite.entry, suite.board)
    await adding.reconfigure("Cooking")
    await adding.submit({"reference": "4 120 45"})
    await adding.submit({"name": "Kitchen", "address": 3, "map": "auto"})
    result = await adding.submit({})
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    await suite.until(lambda: suite.entry.runtime_data.coordinators[suite.key("Kitchen")].seen)
    await hass.async_block_till_done()
    assert suite.entity_id("Kitchen", "voltage_l1") == before
    device = suite.devices.async_get(suite.device_id("Kitchen"))
    assert isinstance(device, DeviceEntry)
    assert (device.name, device.model) == ("Kitchen", "4 120 45")


# --- a scan --------------------------------------------------------------------------------------------------------


async def test_what_answers_on_the_line_is_added_in_one_form(hass: HomeAssistant, adding: Adding):
    await adding.begin("scan")
    await adding.submit({"first_address": 1, "last_address": 12})
    assert adding.step == "assign"
    assert adding.told["count"] == "8"
    proposed = {
        str(marker): marker.default() for marker in adding.result["data_schema"].schema if callable(marker.default)
    }
    assert proposed["addresses"] == ["1", "2", "3", "4", "5", "6", "10", "11"]
    # Whose map fits is known; the others are told apart by nothing.
    assert proposed["1: reference"] == "4 120 45"
    assert proposed["4: reference"] == "0 146 69"
    assert "10: reference" not in proposed
    values = {**proposed, "addresses": ["1", "2", "4", "10"], "1: name": "Main", "2: name": "main"}
    await adding.submit(values)
    assert adding.errors == {"2: name": "name_used", "10: reference": "missing_model"}
    await adding.submit({**values, "2: name": "Heating", "10: reference": "4 106 57"})
    assert adding.step == "summary"
    assert adding.told["count"] == "4"
    assert "Main (4 120 45): " in adding.told["devices"]
    result = await adding.submit({"confirmed": True})
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "devices_added")
    devices = {each.name: (each.address, each.map, each.confirmed) for each in devices_of(adding.entry).values()}
    assert devices == {
        "Main": (1, "emdx3_multifunction", False),
        "Heating": (2, "emdx3_multifunction", False),
        "4": (4, "emdx3_diris", True),
        "10": (10, "fictitious_breaker", True),
    }
    await adding.seen()
    assert hass.states.get("sensor.main_voltage_l1") is not None


async def test_a_scan_leaves_out_what_is_there_and_says_when_nothing_is_new(
    hass: HomeAssistant, board_suite: BoardSuite
):
    adding = Adding(hass, board_suite.entry, board_suite.board)
    await adding.begin("scan")
    await adding.submit({"first_address": 1, "last_address": 5})
    assert (adding.step, adding.errors) == ("scan", {"base": "nothing_answers"})


@pytest.mark.parametrize(("first", "last"), [(0, 5), (1, 248), (9, 8)])
async def test_a_scan_is_bounded(adding: Adding, first: int, last: int):
    await adding.begin("scan")
    await adding.submit({"first_address": first, "last_address": last})
    assert (adding.step, adding.errors) == ("scan", {"last_address": "bad_address"})


async def test_a_scan_says_that_the_gateway_is_gone(adding: Adding, bus: ModbusGateway):
    await adding.begin("scan")
    bus.stop()
    await adding.submit({"first_address": 1, "last_address": 5})
    assert (adding.step, adding.errors) == ("scan", {"base": "lost"})


async def test_a_scan_warns_of_a_gateway_that_answers_for_all(adding: Adding, bus: ModbusGateway):
    bus.units = dict(still_units(range(1, 33)))
    await adding.begin("scan")
    await adding.submit({"first_address": 1, "last_address": 32, "reference": "4 120 45"})
    assert (adding.step, adding.errors) == ("assign", {"base": "all_answer"})
    await adding.submit({"addresses": []})
    assert adding.errors == {"addresses": "nothing_chosen"}


async def test_thirty_two_meters_are_added_in_one_sitting(hass: HomeAssistant, adding: Adding, bus: ModbusGateway):
    bus.units = dict(still_units(range(1, 34)))
    await adding.begin("scan")
    await adding.submit({"first_address": 1, "last_address": 33, "reference": "4 120 45"})
    addresses = [str(number) for number in range(1, 34)]
    values = {"addresses": addresses, **{f"{number}: reference": "4 120 45" for number in addresses}}
    await adding.submit(values)
    assert "33 devices" in adding.told["hint"]
    assert "4 149 48 takes 32" in adding.told["hint"]
    entities_before = len(hass.states.async_all())
    runtime = adding.entry.runtime_data
    await adding.submit({})
    await adding.seen()
    assert adding.entry.runtime_data is runtime
    assert len(hass.states.async_all()) > entities_before + 33 * 10
    # No value of one meter is shown for another.
    for number in addresses:
        power = hass.states.get(f"sensor.{number}_power")
        assert power is not None
        assert float(power.state) == pytest.approx(100 * int(number), abs=1)


# --- a file --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
async def test_a_file_adds_all_its_devices(adding: Adding, upload: Any, encoding: str):
    text = TEMPLATE_CSV.replace("Heating", "Hôtel")
    await adding.begin("csv_file")
    await adding.submit({"file": await upload(text.encode(encoding))})
    assert adding.step == "summary"
    assert adding.told["count"] == "3"
    await adding.submit({"confirmed": True})
    devices = {each.name: each for each in devices_of(adding.entry).values()}
    assert list(devices) == ["Main", "Hôtel", "Water"]
    assert devices["Hôtel"].feed_direction == "downstream"
    assert (devices["Water"].position, devices["Water"].weight) == (1, 10.0)


async def test_a_file_with_mistakes_tells_each_and_adds_nothing(adding: Adding, upload: Any):
    wrong = ("Again;4 120 45;1;;;;;;", "Gas;gas meter, pulse output;30;9;0 046 87;x;;;", "Last;4 120 99;7;;;;;;")
    text = TEMPLATE_CSV + "\n".join(wrong)
    await adding.begin("csv_file")
    await adding.submit({"file": await upload(text)})
    assert adding.errors == {"base": "csv_mistakes"}
    told = adding.told["mistakes"]
    assert "line 5, address “1”: This address is already used on this gateway." in told
    assert "line 6, position “9”: The concentrator has no such input." in told
    assert "line 6, weight “x”: More than 0." in told
    assert "line 7, reference “4 120 99”: Choose the reference (configuration error)." in told
    assert not adding.entry.subentries


async def test_a_file_that_is_gone_says_so(adding: Adding, upload: Any):
    await adding.begin("csv_file")
    await adding.submit({"file": "0" * 32})
    assert adding.errors == {"base": "file_not_readable"}


async def test_devices_that_are_off_or_silent_are_told_before_they_are_added(adding: Adding, upload: Any):
    text = "reference,address,enabled\n4 120 45,1,no\n4 120 45,99,\n0 146 69,5,\n4 149 40,10,\n"
    await adding.begin("csv_file")
    await adding.submit({"file": await upload(text)})
    told = adding.told["devices"]
    assert "1 (4 120 45): off, not read" in told
    assert "99 (4 120 45): does not answer" in told
    assert "5 (0 146 69): answers, but not as this model" in told
    assert "10 (4 149 40): answers" in told

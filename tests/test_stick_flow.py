"""Adding a SOLARMAN stick, choosing the map of the inverter behind it, and giving it another address or number."""

import json
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock, patch

import pytest
from homeassistant.config_entries import SOURCE_DHCP, SOURCE_USER, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.service_info.dhcp import DhcpServiceInfo
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.diagnostics import get_diagnostics_for_config_entry

from custom_components.energy_suite.connection import async_get_pool
from custom_components.energy_suite.const import DOMAIN
from custom_components.energy_suite.flows import solarman as flow_module
from custom_components.energy_suite.flows.solarman import serial_of
from custom_components.energy_suite.flows.values import value_text
from custom_components.energy_suite.gateways.profiles import library
from custom_components.energy_suite.gateways.solarman import v5
from custom_components.energy_suite.gateways.solarman.aura import COUPLINGS, METERINGS
from custom_components.energy_suite.profiles import async_get_library, folder
from demo import solarman
from demo.aura import Aura
from demo.aura_registers import AFORE, MEGAREVO, AuraUnit
from demo.faults import silence
from demo.modbus import HOST
from demo.solarman import Access, SolarmanStick
from tests.conftest import FAST, GatewaySuite
from tests.test_config_flow import answered as configured
from tests.test_config_flow import suggested

SERIAL = 2355553510
OTHER = 2700000001
MINE = """\
profile: 1
id: mine
manufacturer: Bourgeois Global
models: [AURA 10KM-BG]
kind: hybrid_inverter
gateways: [solarman]
source: found on my inverter
registers:
  - {key: battery_voltage, address: 0x3140, scale: 0.1, unit: V}
"""
BROKEN = MINE.replace("kind: hybrid_inverter", "kind: spaceship")


@pytest.fixture
def no_setup() -> Iterator[AsyncMock]:
    """The flow alone; what it leaves behind is set up in other tests."""
    with patch("custom_components.energy_suite.async_setup_entry", return_value=True) as setup:
        yield setup


@pytest.fixture
def unit() -> AuraUnit:
    return AuraUnit(Aura.lived_in())


@pytest.fixture
async def stick(unit: AuraUnit, socket_enabled: None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SolarmanStick]:
    """The stick of the house; a question to all reaches it alone."""
    monkeypatch.setattr(v5, "PAUSE", 0.0)
    monkeypatch.setattr(flow_module, "BROADCAST", HOST)
    async with SolarmanStick(unit, serial=SERIAL) as stick:
        monkeypatch.setattr(flow_module, "DISCOVERY_PORT", stick.discovery_port)
        yield stick


@pytest.fixture
def profiles(hass: HomeAssistant, tmp_path: Path) -> Path:
    """The folder of the user's own profiles."""
    hass.config.config_dir = str(tmp_path)
    folder(hass).mkdir(parents=True)
    return folder(hass)


# --- what a person does ------------------------------------------------------------------------------------------


def form(stick: Any, **changes: Any) -> dict[str, Any]:
    """The form as a person fills it in."""
    return {
        "host": stick.host,
        "logger_serial": "",
        "port": stick.port,
        "unit_id": 1,
        "profile": "auto",
        "coupling": "dc_backup",
        "metering": "yada",
        "search": False,
    } | changes


async def answered(hass: HomeAssistant, result: Any, values: dict[str, Any]) -> Any:
    """The next step that asks something."""
    result = await configured(hass, result, values)
    if result["type"] is FlowResultType.SHOW_PROGRESS:
        assert (result["step_id"], result["progress_action"]) == ("solarman_try", "maps")
        await hass.async_block_till_done()
        result = await configured(hass, result)
    return result


async def opened(hass: HomeAssistant) -> Any:
    """The form for a stick."""
    flow = hass.config_entries.flow
    result = await flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    result = await flow.async_configure(result["flow_id"], {"next_step_id": "solarman"})
    shows(result, "solarman")
    return result


async def filled_in(hass: HomeAssistant, values: dict[str, Any]) -> Any:
    return await answered(hass, await opened(hass), values)


def shows(result: Any, step: str, errors: dict[str, str] | None = None) -> None:
    assert (result["type"], result["step_id"], result["errors"]) == (FlowResultType.FORM, step, errors or {}), result


def offered(result: Any, field: str) -> list[str]:
    """What may be chosen in a field."""
    select = next(selector for marker, selector in result["data_schema"].schema.items() if marker == field)
    return [option["value"] for option in select.config["options"]]


def proposed(result: Any, field: str) -> Any:
    """What is chosen unless the user changes it."""
    return next(marker.default() for marker in result["data_schema"].schema if marker == field)


async def finished(hass: HomeAssistant, result: Any, **values: Any) -> Any:
    """The entry, from the step that asks for the map."""
    result = await answered(hass, result, {"profile": proposed(result, "profile"), "confirmed": False} | values)
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "found"), result
    result = await answered(hass, result, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    return result["result"]


def entry_of(stick: Any, *, profile: str | None = "aura_megarevo", confirmed: bool = False, **data: Any) -> Any:
    """A stick's entry as the flow stores it."""
    kind: dict[str, Any] = {"name": None, "number": None, "unit_id": 1}
    devices = [
        {"key": "stick", "kind": "logger_stick", "serial": str(SERIAL), "profile": None, "confirmed": False, **kind}
    ]
    if profile:
        of_inverter = {"serial": None, "profile": profile, "confirmed": confirmed}
        devices.append({"key": "inverter", "kind": "hybrid_inverter", **of_inverter, **kind})
    return MockConfigEntry(
        domain=DOMAIN,
        title="SOLARMAN",
        unique_id=str(SERIAL),
        data={
            "gateway": "solarman",
            "uid": "00112233445566778899aabbccddeeff",
            "host": stick.host,
            "logger_serial": SERIAL,
            "port": stick.port,
            "unit_id": 1,
            "protocol": "v5",
            "profile": profile,
            "confirmed": confirmed,
            "coupling": "dc",
            "metering": "ct",
            "devices": devices,
            **data,
        },
        options=FAST,
    )


@pytest.fixture
async def suite(hass: HomeAssistant, stick: SolarmanStick) -> AsyncIterator[GatewaySuite]:
    """The integration with the stick."""
    entry = entry_of(stick)
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    yield GatewaySuite(hass, entry)
    if hass.config_entries.async_get_entry(entry.entry_id) and entry.state.recoverable:
        await hass.config_entries.async_unload(entry.entry_id)


# --- adding ------------------------------------------------------------------------------------------------------


async def test_a_stick_is_added_without_its_number(hass, stick, no_setup):
    result = await filled_in(hass, form(stick))
    shows(result, "solarman_map")
    assert proposed(result, "profile") == "aura_megarevo"
    entry = await finished(hass, result)
    assert entry.unique_id == str(SERIAL)
    assert entry.title == "SOLARMAN"
    data = dict(entry.data)
    assert data.pop("uid")
    assert [(each["key"], each["kind"], each["profile"], each["confirmed"]) for each in data.pop("devices")] == [
        ("stick", "logger_stick", None, False),
        ("inverter", "hybrid_inverter", "aura_megarevo", False),
    ]
    assert data == {
        "gateway": "solarman",
        "host": stick.host,
        "logger_serial": SERIAL,
        "port": stick.port,
        "unit_id": 1,
        "protocol": "v5",
        "profile": "aura_megarevo",
        "confirmed": False,
        "coupling": "dc_backup",
        "metering": "yada",
    }
    assert not async_get_pool(hass)._shared
    assert not stick.unit.writes


async def test_a_stick_is_added_with_its_number_where_no_question_passes(hass, stick, no_setup):
    stick.says = ()
    entry = await finished(hass, await filled_in(hass, form(stick, logger_serial=f" {SERIAL} ")))
    assert entry.data["logger_serial"] == SERIAL
    assert not stick.probes


async def test_an_added_stick_and_its_inverter_are_read(hass, stick):
    entry = await finished(hass, await filled_in(hass, form(stick)))
    try:
        assert entry.state is ConfigEntryState.LOADED
        devices = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
        assert len(devices) == 2
        assert set(entry.runtime_data.coordinators) == {"stick", "inverter"}
        assert entry.runtime_data.coordinators["inverter"].data.available
    finally:
        await hass.config_entries.async_unload(entry.entry_id)


@pytest.mark.parametrize(
    "number", ["12x", "-1", "0", "4294967296", "1e9", "2355553510.0", "²", "9" * 5000, "23 55", "٣"]
)
def test_what_is_no_serial_number_is_refused(number):
    with pytest.raises(ValueError):  # noqa: PT011 - it says what was entered, or that there is too much of it
        serial_of(number)


def test_the_largest_serial_number_is_taken():
    assert (serial_of("4294967295"), serial_of(" 1 "), serial_of("  ")) == (4294967295, 1, None)


async def test_a_wrong_form_is_shown_again_with_what_was_entered(hass, stick):
    result = await filled_in(hass, form(stick, logger_serial="inverter"))
    shows(result, "solarman", {"logger_serial": "bad_serial"})
    assert suggested(result) == form(stick, logger_serial="inverter")
    result = await answered(hass, result, form(stick, host="  "))
    shows(result, "solarman", {"host": "no_host"})
    assert not stick.probes
    assert not stick.connections_ever


@pytest.mark.parametrize(("field", "value"), [("unit_id", 0), ("unit_id", 248), ("port", 0), ("coupling", "sea")])
async def test_the_form_takes_no_impossible_setting(hass, stick, field, value):
    with pytest.raises(InvalidData):
        await filled_in(hass, form(stick, **{field: value}))


async def test_the_form_offers_every_coupling_and_metering_of_the_guide(hass):
    result = await opened(hass)
    for field, of_guide in (("coupling", COUPLINGS), ("metering", METERINGS)):
        select = next(selector for marker, selector in result["data_schema"].schema.items() if marker == field)
        assert select.config["options"] == list(of_guide)
    assert (proposed(result, "coupling"), proposed(result, "metering")) == ("dc", "ct")


async def test_a_stick_is_added_once(hass, stick, no_setup):
    known = entry_of(stick, confirmed=True, host="10.0.0.9")
    known.add_to_hass(hass)
    result = await filled_in(hass, form(stick, profile="aura_afore"))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")
    # It learns where the stick is; what was chosen for the inverter stays.
    assert known.data["host"] == stick.host
    chosen = {name: known.data[name] for name in ("profile", "confirmed", "coupling", "metering")}
    assert chosen == {"profile": "aura_megarevo", "confirmed": True, "coupling": "dc", "metering": "ct"}
    assert known.data["devices"] == entry_of(stick, confirmed=True).data["devices"]


# --- searching ---------------------------------------------------------------------------------------------------


async def test_the_network_is_asked_only_when_the_user_asks(hass, stick, no_setup):
    result = await filled_in(hass, form(stick, logger_serial=str(SERIAL)))
    shows(result, "solarman_map")
    assert not stick.probes


async def test_a_stick_is_found_by_a_search(hass, stick, no_setup):
    result = await filled_in(hass, form(stick, host="", search=True))
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "solarman_found_sticks")
    assert offered(result, "stick") == [str(SERIAL)]
    result = await answered(hass, result, {"stick": str(SERIAL)})
    shows(result, "solarman_map")
    entry = await finished(hass, result)
    assert (entry.data["host"], entry.data["logger_serial"]) == (stick.host, SERIAL)
    assert set(stick.probes) <= set(solarman.PROBES)


async def test_a_search_offers_every_stick_that_was_not_added(hass, stick):
    entry_of(stick).add_to_hass(hass)
    stick.says = (b"nonsense", b"127.0.0.1,E8FDF8AABBCC,2355553510", b"127.0.0.2,402A8F000001,2700000001")
    result = await filled_in(hass, form(stick, host="", search=True))
    assert offered(result, "stick") == [str(OTHER)]


async def test_a_search_that_nobody_answers_leads_back_to_the_form(hass, stick):
    stick.says = (b"127.0.0.1,E8FDF8AABBCC,HF-LPB100",)
    result = await filled_in(hass, form(stick, host="", search=True))
    shows(result, "solarman", {"base": "no_stick_found"})


# --- what is wrong -----------------------------------------------------------------------------------------------


async def test_a_host_without_a_stick_refuses(hass, stick):
    stick.stop()
    result = await filled_in(hass, form(stick, logger_serial=str(SERIAL)))
    shows(result, "solarman", {"base": "stick_refused"})
    result = await answered(hass, result, form(stick))
    shows(result, "solarman", {"base": "stick_refused"})
    await stick.start()
    shows(await answered(hass, result, form(stick)), "solarman_map")


async def test_a_host_that_is_not_there_cannot_be_reached(hass, stick):
    result = await opened(hass)
    with patch.object(hass.loop, "getaddrinfo", side_effect=socket.gaierror(socket.EAI_NONAME, "Name not known")):
        for number in ("", str(SERIAL)):
            result = await answered(hass, result, form(stick, host="stick.example", logger_serial=number))
            shows(result, "solarman", {"base": "unreachable"})


async def test_a_wrong_number_is_answered_with_the_right_one(hass, stick):
    result = await filled_in(hass, form(stick, logger_serial=str(OTHER)))
    shows(result, "solarman", {"logger_serial": "stick_wrong_serial"})
    assert result["description_placeholders"]["serial"] == str(SERIAL)
    shows(await answered(hass, result, form(stick, logger_serial=str(SERIAL))), "solarman_map")


@pytest.mark.parametrize("access", [Access.MUTE, Access.CLOSING])
async def test_a_firmware_without_local_access_is_named(hass, stick, access):
    stick.access = access
    result = await filled_in(hass, form(stick))
    shows(result, "solarman", {"base": "stick_no_local_access"})
    assert "LSW3_15_MQTT_270A_1.22" in result["description_placeholders"]["firmwares"]


async def test_an_old_stick_does_not_speak_the_protocol(hass, stick):
    stick.inject(solarman.old_stick())
    shows(await filled_in(hass, form(stick)), "solarman", {"base": "stick_not_v5"})


async def test_a_stick_that_answers_nothing_now_is_silent(hass, stick):
    stick.inject(silence())
    stick.heartbeat = 0.05
    stick.stop()
    await stick.start()
    shows(await filled_in(hass, form(stick)), "solarman", {"base": "stick_silent"})


async def test_a_stick_that_tells_no_number_is_asked_for_it_of_the_user(hass, stick):
    stick.says = ()
    result = await filled_in(hass, form(stick))
    shows(result, "solarman", {"logger_serial": "serial_not_told"})


async def test_an_inverter_that_sleeps_does_not_stop_the_adding(hass, stick, no_setup):
    stick.inject(solarman.short_error())
    result = await filled_in(hass, form(stick))
    shows(result, "solarman_map", {"base": "inverter_silent"})
    assert proposed(result, "profile") == "none"
    entry = await finished(hass, result)
    assert entry.data["profile"] is None
    assert [each["key"] for each in entry.data["devices"]] == ["stick"]


async def test_what_cannot_be_compared_is_not_confirmed(hass, stick, no_setup):
    stick.inject(solarman.short_error())
    result = await filled_in(hass, form(stick, profile="aura_megarevo"))
    assert proposed(result, "profile") == "aura_megarevo"
    result = await answered(hass, result, {"profile": "aura_megarevo", "confirmed": True})
    shows(result, "solarman_map", {"confirmed": "nothing_to_compare"})
    entry = await finished(hass, result)
    assert (entry.data["profile"], entry.data["confirmed"]) == ("aura_megarevo", False)


# --- plain Modbus TCP --------------------------------------------------------------------------------------------


async def plain(stick: SolarmanStick) -> None:
    stick.stop()
    stick.access = Access.MODBUS_TCP
    await stick.start()


async def test_a_stick_of_plain_modbus_tcp_is_added_after_a_question(hass, stick, no_setup):
    await plain(stick)
    result = await filled_in(hass, form(stick))
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "solarman_plain")
    result = await answered(hass, result, {})
    shows(result, "solarman_map")
    entry = await finished(hass, result)
    assert (entry.data["protocol"], entry.data["profile"]) == ("modbus_tcp", "aura_megarevo")


async def test_a_stick_that_speaks_the_protocol_again_is_read_so(hass, stick):
    known = entry_of(stick, protocol="modbus_tcp")
    known.add_to_hass(hass)
    result = await known.start_reconfigure_flow(hass)
    result = await answered(hass, result, address(stick))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    assert known.data["protocol"] == "v5"
    await hass.async_block_till_done()
    await hass.config_entries.async_unload(known.entry_id)


# --- which map ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("map_name", "profile"), [(MEGAREVO, "aura_megarevo"), (AFORE, "aura_afore")])
async def test_the_map_that_fits_is_proposed_with_its_values(hass, stick, map_name, profile, no_setup):
    stick.unit = AuraUnit(Aura.lived_in(), map_name)
    result = await filled_in(hass, form(stick))
    assert proposed(result, "profile") == profile
    told = result["description_placeholders"]
    assert told["map"] == profile
    assert f"- {profile}: everything that can be checked is as it should be" in told["maps"].splitlines()
    assert len(told["maps"].splitlines()) == 2
    charge = round(stick.unit.aura.battery.soc)
    assert any(line.endswith(f"{charge}\u00a0%") for line in told["values"].splitlines()), told["values"]


async def test_the_values_are_named_in_the_users_language(hass, stick, no_setup):
    hass.config.language = "fr"
    told = (await filled_in(hass, form(stick)))["description_placeholders"]
    assert "tout ce qui peut être vérifié est comme il doit être" in told["maps"]
    names = [line.removeprefix("- ").split(":")[0].strip() for line in told["values"].splitlines()]
    assert names[:4] == ["État de charge", "Tension L1", "Fréquence", "Tension de la batterie"]
    assert not [name for name in names if "_" in name]


@pytest.mark.parametrize(
    ("value", "told"),
    [(50.0, "50"), (49.987, "49.99"), (1234567.8, "1234567.8"), (-0.5, "-0.5"), (53, "53"), (True, "✓"), ("x", "x")],
)
def test_a_value_is_shown_as_a_screen_shows_it(value, told):
    assert value_text(value) == told


async def test_a_map_is_confirmed_after_its_values_were_shown(hass, stick, no_setup):
    result = await filled_in(hass, form(stick))
    entry = await finished(hass, result, confirmed=True)
    assert entry.data["confirmed"] is True
    assert [each["confirmed"] for each in entry.data["devices"]] == [False, True]


async def test_another_map_is_shown_before_it_is_taken(hass, stick, no_setup):
    result = await filled_in(hass, form(stick))
    result = await answered(hass, result, {"profile": "aura_afore", "confirmed": True})
    shows(result, "solarman_map", {"base": "compare_values"})
    assert result["description_placeholders"]["map"] == "aura_afore"
    assert (proposed(result, "profile"), proposed(result, "confirmed")) == ("aura_afore", False)
    entry = await finished(hass, result)
    assert (entry.data["profile"], entry.data["confirmed"]) == ("aura_afore", False)


async def test_without_a_map_the_stick_alone_is_added(hass, stick, no_setup):
    entry = await finished(hass, await filled_in(hass, form(stick)), profile="none", confirmed=True)
    assert (entry.data["profile"], entry.data["confirmed"]) == (None, False)
    assert [each["key"] for each in entry.data["devices"]] == ["stick"]


async def test_a_map_that_was_chosen_is_the_only_one_that_is_tried(hass, stick, no_setup):
    result = await filled_in(hass, form(stick, profile="aura_afore"))
    assert proposed(result, "profile") == "aura_afore"
    assert [line.split(":")[0] for line in result["description_placeholders"]["maps"].splitlines()] == ["- aura_afore"]


# --- the user's own profiles -------------------------------------------------------------------------------------


async def test_a_profile_dropped_into_the_folder_appears_in_the_flow(hass, stick, profiles, no_setup):
    assert offered(await opened(hass), "profile") == ["auto", "aura_afore", "aura_megarevo"]
    (profiles / "mine.yaml").write_text(MINE)
    result = await opened(hass)
    assert offered(result, "profile") == ["auto", "aura_afore", "aura_megarevo", "mine"]
    result = await answered(hass, result, form(stick, profile="mine"))
    assert proposed(result, "profile") == "mine"
    assert (await finished(hass, result)).data["profile"] == "mine"


async def test_a_long_name_of_a_map_ends_with_a_word(hass, profiles):
    (profiles / "mine.yaml").write_text(MINE.replace("found on my inverter", "measured " * 20))
    selector = next(each for name, each in (await opened(hass))["data_schema"].schema.items() if name == "profile")
    (label,) = (each["label"] for each in selector.config["options"] if each["value"] == "mine")
    assert label == "mine: " + "measured " * 10 + "…"


async def test_a_profile_for_other_gateways_is_not_offered(hass, stick, profiles):
    (profiles / "other.yaml").write_text(MINE.replace("[solarman]", "[f454]"))
    assert "mine" not in offered(await opened(hass), "profile")


async def test_a_bad_profile_is_told_with_its_line_until_it_is_mended(hass, stick, profiles):
    hass.config.language = "fr"
    (profiles / "mine.yaml").write_text(BROKEN)
    issues = ir.async_get(hass)
    assert "mine" not in offered(await opened(hass), "profile")
    issue = issues.async_get_issue(DOMAIN, "profile_error_mine.yaml")
    assert issue is not None
    assert issue.translation_key == "profile_error"
    told = issue.translation_placeholders or {}
    assert (told["file"], told["line"]) == ("mine.yaml", "5")
    assert "spaceship" in told["problem"]
    assert "{" not in told["problem"]
    (profiles / "mine.yaml").write_text(MINE)
    assert "mine" in (await async_get_library(hass)).profiles
    assert issues.async_get_issue(DOMAIN, "profile_error_mine.yaml") is None


async def test_the_issue_of_a_bad_profile_goes_with_its_file(hass, profiles):
    (profiles / "mine.yaml").write_text(BROKEN)
    assert library.Library.load(profiles).errors
    await async_get_library(hass)
    assert ir.async_get(hass).async_get_issue(DOMAIN, "profile_error_mine.yaml")
    (profiles / "mine.yaml").unlink()
    await async_get_library(hass)
    assert ir.async_get(hass).async_get_issue(DOMAIN, "profile_error_mine.yaml") is None


# --- uploading a profile -----------------------------------------------------------------------------------------


async def test_an_uploaded_profile_is_kept_and_chosen(hass, stick, profiles, upload, no_setup):
    profiles.rmdir()
    result = await filled_in(hass, form(stick, profile_file=await upload(MINE)))
    shows(result, "solarman_map")
    assert proposed(result, "profile") == "mine"
    entry = await finished(hass, result)
    assert entry.data["profile"] == "mine"
    assert "profile_file" not in entry.data
    assert (profiles / "mine.yaml").read_text() == MINE


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        (BROKEN, "5", "spaceship"),
        (MINE.replace("id: mine", "id: aura_afore"), "2", "aura_afore.yaml"),
        ("", "1", "empty"),
    ],
)
async def test_an_uploaded_profile_with_a_mistake_is_not_kept(hass, stick, profiles, upload, text, line, word):
    result = await filled_in(hass, form(stick, profile_file=await upload(text)))
    shows(result, "solarman", {"profile_file": "bad_profile"})
    told = result["description_placeholders"]
    assert told["line"] == line
    assert word in told["problem"]
    assert suggested(result) == form(stick)
    assert not list(profiles.iterdir())


async def test_an_uploaded_profile_takes_the_place_of_no_other(hass, stick, profiles, upload):
    (profiles / "first.yaml").write_text(MINE)
    result = await filled_in(hass, form(stick, profile_file=await upload(MINE)))
    shows(result, "solarman", {"profile_file": "bad_profile"})
    assert "first.yaml" in result["description_placeholders"]["problem"]
    (profiles / "first.yaml").rename(profiles / "mine.yaml")
    (profiles / "mine.yaml").write_text(BROKEN)
    result = await answered(hass, result, form(stick, profile_file=await upload(MINE)))
    shows(result, "solarman", {"profile_file": "profile_not_kept"})
    assert (profiles / "mine.yaml").read_text() == BROKEN


async def test_an_upload_that_is_gone_is_asked_for_again(hass, stick, profiles, upload):
    file_id = await upload(MINE)
    result = await filled_in(hass, form(stick, profile_file=file_id, logger_serial="x"))
    shows(result, "solarman", {"logger_serial": "bad_serial"})
    result = await answered(hass, result, form(stick, profile_file=file_id))
    shows(result, "solarman", {"profile_file": "profile_not_kept"})


async def test_an_uploaded_profile_for_other_gateways_is_kept_and_not_used(hass, stick, profiles, upload):
    text = MINE.replace("[solarman]", "[f454]")
    result = await filled_in(hass, form(stick, profile_file=await upload(text)))
    shows(result, "solarman", {"profile_file": "profile_of_other_gateway"})
    assert (profiles / "mine.yaml").exists()


# --- DHCP --------------------------------------------------------------------------------------------------------


def seen(ip: str = HOST) -> DhcpServiceInfo:
    return DhcpServiceInfo(ip=ip, hostname="solarman", macaddress="e8fdf8aabbcc")


async def discovered(hass: HomeAssistant, ip: str = HOST) -> Any:
    return await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_DHCP}, data=seen(ip))


async def test_a_stick_that_joins_the_network_is_offered(hass, stick, no_setup):
    result = await discovered(hass)
    shows(result, "solarman")
    assert suggested(result) == {"host": HOST, "logger_serial": str(SERIAL)}
    (flow,) = hass.config_entries.flow.async_progress()
    assert flow["context"]["unique_id"] == str(SERIAL)
    assert flow["context"]["title_placeholders"] == {"name": f"SOLARMAN {SERIAL}"}
    entry = await finished(hass, await answered(hass, result, form(stick)))
    assert entry.unique_id == str(SERIAL)


async def test_what_answers_no_question_is_not_offered(hass, stick):
    stick.says = (b"127.0.0.1,E8FDF8AABBCC,HF-LPB100",)
    result = await discovered(hass)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "cannot_connect")


async def test_an_added_stick_is_followed_to_its_new_address(hass, stick, no_setup):
    known = entry_of(stick, host="10.0.0.9")
    known.add_to_hass(hass)
    result = await discovered(hass)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")
    assert known.data["host"] == HOST


# --- reconfiguring -----------------------------------------------------------------------------------------------


def address(stick: Any, **changes: Any) -> dict[str, Any]:
    return {"host": stick.host, "logger_serial": "", "port": stick.port, "unit_id": 1} | changes


async def test_a_stick_gets_another_address(hass, stick, no_setup):
    known = entry_of(stick, host="10.0.0.9", confirmed=True)
    known.add_to_hass(hass)
    result = await known.start_reconfigure_flow(hass)
    shows(result, "reconfigure")
    assert suggested(result) == address(stick, host="10.0.0.9", logger_serial=str(SERIAL))
    result = await answered(hass, result, address(stick))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    assert known.data == entry_of(stick, confirmed=True).data
    await hass.async_block_till_done()


async def test_another_unit_id_is_that_of_the_inverter_as_well(hass, stick, no_setup):
    stick.unit_id = 7
    known = entry_of(stick)
    known.add_to_hass(hass)
    result = await known.start_reconfigure_flow(hass)
    await answered(hass, result, address(stick, unit_id=7))
    assert [each["unit_id"] for each in known.data["devices"]] == [7, 7]
    await hass.async_block_till_done()


async def test_a_replaced_stick_keeps_every_id(hass, suite, stick):
    before = {entity.unique_id: entity.entity_id for entity in suite.entities.entities.values()}
    devices = {name: suite.device_id(name) for name in ("stick", "inverter")}
    stick.serial, stick.most = OTHER, 1
    stick.disconnect_all()
    result = await suite.entry.start_reconfigure_flow(hass)
    result = await answered(hass, result, address(stick))
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "replace")
    assert result["description_placeholders"] == {"old": str(SERIAL), "new": str(OTHER)}
    result = await answered(hass, result, {})
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    await hass.async_block_till_done()
    assert suite.entry.state is ConfigEntryState.LOADED
    assert (suite.entry.unique_id, suite.entry.data["logger_serial"]) == (str(OTHER), OTHER)
    assert suite.entry.data["devices"][0]["serial"] == str(OTHER)
    assert suite.entry.data["profile"] == "aura_megarevo"
    assert {name: suite.device_id(name) for name in devices} == devices
    assert {entity.unique_id: entity.entity_id for entity in suite.entities.entities.values()} == before


async def test_a_stick_that_is_not_replaced_is_read_on(hass, suite, stick):
    result = await suite.entry.start_reconfigure_flow(hass)
    result = await answered(hass, result, address(stick, logger_serial=str(OTHER)))
    shows(result, "reconfigure", {"logger_serial": "stick_wrong_serial"})
    await hass.async_block_till_done()
    assert suite.entry.state is ConfigEntryState.LOADED
    assert suite.entry.runtime_data.coordinators["inverter"].data.available


async def test_a_stick_is_not_replaced_by_one_that_was_added(hass, stick, no_setup):
    known = entry_of(stick)
    known.add_to_hass(hass)
    MockConfigEntry(domain=DOMAIN, unique_id=str(OTHER), data={}).add_to_hass(hass)
    stick.serial = OTHER
    result = await answered(hass, await known.start_reconfigure_flow(hass), address(stick))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")


async def test_what_is_wrong_is_told_in_reconfiguring_as_well(hass, stick, no_setup):
    known = entry_of(stick)
    known.add_to_hass(hass)
    result = await known.start_reconfigure_flow(hass)
    result = await answered(hass, result, address(stick, logger_serial=str(OTHER)))
    shows(result, "reconfigure", {"logger_serial": "stick_wrong_serial"})
    assert known.data == entry_of(stick).data


async def test_a_stick_that_now_speaks_plain_modbus_tcp_is_asked_about(hass, stick, no_setup):
    known = entry_of(stick)
    known.add_to_hass(hass)
    await plain(stick)
    result = await answered(hass, await known.start_reconfigure_flow(hass), address(stick))
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "solarman_plain")
    result = await answered(hass, result, {})
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    assert known.data == entry_of(stick, protocol="modbus_tcp").data
    await hass.async_block_till_done()


# --- options -----------------------------------------------------------------------------------------------------

OPTIONS: dict[str, Any] = {
    "interval": 10.0,
    "delay_before_sending": 0.0,
    "enabled_controls": [],
    "monitor_connection": True,
    "tolerated_gap": 300.0,
    "profile": "aura_megarevo",
    "confirmed": False,
    "coupling": "dc",
    "write_register": False,
}


async def with_options(hass: HomeAssistant, entry: Any, **changes: Any) -> Any:
    result = await hass.config_entries.options.async_init(entry.entry_id)
    result = await hass.config_entries.options.async_configure(result["flow_id"], OPTIONS | changes)
    await hass.async_block_till_done()
    return result


async def test_the_options_show_what_is_used(hass, suite):
    result = await hass.config_entries.options.async_init(suite.entry.entry_id)
    defaults = {str(marker): marker.default() for marker in result["data_schema"].schema}
    assert defaults == OPTIONS
    assert offered(result, "profile") == ["none", "aura_afore", "aura_megarevo"]


async def test_a_map_is_confirmed_in_the_options(hass, suite):
    issue_id = f"map_not_confirmed_{suite.entry.data['uid']}_inverter"
    issues = ir.async_get(hass)
    assert issues.async_get_issue(DOMAIN, issue_id)
    result = await with_options(hass, suite.entry, confirmed=True, write_register=True, coupling="ac")
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert suite.entry.data["confirmed"] is True
    assert [each["confirmed"] for each in suite.entry.data["devices"]] == [False, True]
    assert set(suite.entry.options) == OPTIONS.keys() - {"profile", "confirmed"}
    assert (suite.entry.options["coupling"], suite.entry.options["write_register"]) == ("ac", True)
    assert suite.entry.runtime_data.coordinators["inverter"].device.advice == ()
    assert issues.async_get_issue(DOMAIN, issue_id) is None


async def test_another_map_is_not_confirmed_in_the_same_step(hass, suite):
    result = await with_options(hass, suite.entry, profile="aura_afore", confirmed=True)
    assert (result["type"], result["errors"]) == (FlowResultType.FORM, {"confirmed": "compare_first"})
    assert suite.entry.data["profile"] == "aura_megarevo"


async def test_another_map_is_chosen_in_the_options(hass, suite):
    await with_options(hass, suite.entry, profile="aura_afore")
    assert (suite.entry.data["profile"], suite.entry.data["devices"][1]["profile"]) == ("aura_afore", "aura_afore")
    assert suite.entry.runtime_data.coordinators["inverter"].device.profile.id == "aura_afore"


async def test_the_inverter_goes_and_comes_with_its_map(hass, suite):
    before = suite.device_id("inverter")
    issues = ir.async_get(hass)
    not_confirmed = f"map_not_confirmed_{suite.entry.data['uid']}_inverter"
    assert issues.async_get_issue(DOMAIN, not_confirmed)
    await with_options(hass, suite.entry, profile="none")
    assert issues.async_get_issue(DOMAIN, not_confirmed) is None
    assert [each["key"] for each in suite.entry.data["devices"]] == ["stick"]
    no_map = f"unknown_inverter_map_{suite.entry.data['uid']}_stick"
    assert issues.async_get_issue(DOMAIN, no_map)
    await with_options(hass, suite.entry)
    assert [each["key"] for each in suite.entry.data["devices"]] == ["stick", "inverter"]
    assert suite.device_id("inverter") == before
    assert issues.async_get_issue(DOMAIN, no_map) is None


async def test_nothing_is_told_of_a_stick_that_was_removed(hass, suite):
    assert [key for domain, key in ir.async_get(hass).issues if domain == DOMAIN]
    await hass.config_entries.async_remove(suite.entry.entry_id)
    assert not [key for domain, key in ir.async_get(hass).issues if domain == DOMAIN]


async def test_a_map_that_is_missing_stays_chosen(hass, stick, profiles):
    (profiles / "mine.yaml").write_text(MINE)
    entry = entry_of(stick, profile="mine")
    entry.add_to_hass(hass)
    (profiles / "mine.yaml").unlink()
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert ir.async_get(hass).async_get_issue(DOMAIN, f"profile_missing_{entry.data['uid']}_stick")
    await with_options(hass, entry, profile="mine")
    assert entry.data["devices"][1]["profile"] == "mine"
    (profiles / "mine.yaml").write_text(MINE)
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert entry.runtime_data.coordinators["inverter"].data.available
    await hass.config_entries.async_unload(entry.entry_id)


# --- setting up --------------------------------------------------------------------------------------------------


async def test_a_stick_that_is_off_is_waited_for(hass, stick):
    entry = entry_of(stick)
    entry.add_to_hass(hass)
    stick.stop()
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "cannot_connect"
    await hass.config_entries.async_unload(entry.entry_id)


async def test_diagnostics_do_not_tell_which_stick_it_is(hass, suite, hass_client):
    assert await async_setup_component(hass, "diagnostics", {})
    told = json.dumps(await get_diagnostics_for_config_entry(hass, hass_client, suite.entry))
    assert "logger_serial" in told
    for private in (str(SERIAL), HOST, suite.entry.data["uid"]):
        assert private not in told

"""A SOLARMAN stick and the AURA behind it in Home Assistant: what shows, what may be written, what alarms say."""

from pathlib import Path
from typing import Any

import pytest
from homeassistant.const import EntityCategory
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import issue_registry as ir

from custom_components.energy_suite import device_action
from custom_components.energy_suite.const import DOMAIN
from custom_components.energy_suite.gateways.profiles.library import SHIPPED
from demo.aura import State, WorkMode
from demo.aura_registers import AFORE, MEGAREVO, AuraUnit, placed
from demo.solarman import SolarmanStick
from tests.conftest import StickSuite, stored_stick_entry
from tests.test_translations import TEXTS

still = pytest.mark.parametrize("options", [{"interval": 3600}], ids=["still"])
each_map = pytest.mark.parametrize("aura_map", [MEGAREVO, AFORE])
afore = pytest.mark.parametrize("aura_map", [AFORE])
confirmed = pytest.mark.parametrize("settings", [{"confirmed": True}], ids=["confirmed"])
every_danger = pytest.mark.parametrize(
    "options",
    [{"enabled_controls": ["inverter_mode", "external_control", "backup_output", "grid_code"]}],
    ids=["every control"],
)
CONTROLS = ("number", "select", "switch", "button")
OTHER_MODES = {MEGAREVO: ("battery_priority", WorkMode.BATTERY_PRIORITY), AFORE: ("sell_first", WorkMode.SELL_FIRST)}
ENERGIES = ("energy_produced", "energy_imported", "energy_exported", "charged_energy", "discharged_energy")


@pytest.fixture
def language() -> str:
    """Home Assistant's; tests override it by parametrising."""
    return "en"


@pytest.fixture(autouse=True)
def _in_language(hass, language) -> None:
    hass.config.language = language


def entities_of(suite: StickSuite, device: str = "inverter") -> list[er.RegistryEntry]:
    device_id = suite.device_id(device)
    return er.async_entries_for_device(suite.entities, device_id, include_disabled_entities=True)


def keys_of(suite: StickSuite, *domains: str, device: str = "inverter") -> set[str]:
    prefix = f"{suite.entry.data['uid']}_{device}_"
    return {each.unique_id.removeprefix(prefix) for each in entities_of(suite, device) if each.domain in domains}


def name_of(suite: StickSuite, key: str, device: str = "inverter") -> str:
    return str(suite.attributes(device, key)["friendly_name"])


async def energies(suite: StickSuite) -> dict[str, float]:
    """The totals, once all of them show."""
    await suite.until(lambda: "unavailable" not in {suite.state("inverter", key) for key in ENERGIES})
    return {key: number(suite, key) for key in ENERGIES}


def number(suite: StickSuite, key: str) -> float:
    return float(suite.state("inverter", key))


# --- what shows ----------------------------------------------------------------------------------------------------


@still
@each_map
async def test_the_values_of_the_inverter_show_with_either_map(stick_suite):
    aura = stick_suite.aura
    assert number(stick_suite, "solar_power") == pytest.approx(aura.flows.pv, abs=2)
    assert number(stick_suite, "grid_power") == pytest.approx(aura.flows.grid, abs=1)
    assert number(stick_suite, "consumption_power") == pytest.approx(aura.flows.load, abs=1)
    assert number(stick_suite, "battery_power") == pytest.approx(aura.flows.battery, abs=1)
    assert number(stick_suite, "state_of_charge") == pytest.approx(aura.battery.soc, abs=0.5)
    assert number(stick_suite, "voltage_l1") == pytest.approx(aura.grid_voltage, abs=0.1)
    assert number(stick_suite, "energy_produced") == pytest.approx(aura.total.pv, abs=0.1)
    assert number(stick_suite, "discharged_energy") == pytest.approx(aura.total.discharged, abs=0.1)
    assert stick_suite.state("inverter", "working_mode") == "self_use"


@still
@each_map
@pytest.mark.usefixtures("all_enabled")
async def test_every_entity_of_either_map_shows_something(stick_suite):
    states = {key: stick_suite.state("inverter", key) for key in keys_of(stick_suite, "sensor", "binary_sensor")}
    unknown = {key for key, state in states.items() if state in ("unknown", "unavailable")}
    assert len(states) > 60
    assert unknown == set()


@still
@each_map
@pytest.mark.parametrize("settings", [{}, {"confirmed": True}], ids=["unconfirmed", "confirmed"])
async def test_few_entities_of_either_map_are_enabled(stick_suite):
    for device in ("stick", "inverter"):
        enabled = [each for each in entities_of(stick_suite, device) if not each.disabled]
        assert 0 < len(enabled) <= 25


@still
@each_map
@pytest.mark.parametrize(
    ("language", "names"),
    [
        ("en", {"solar_power": "Solar power", "grid_power": "Grid power", "working_mode": "Working mode"}),
        (
            "fr",
            {
                "solar_power": "Puissance solaire",
                "grid_power": "Puissance du réseau",
                "working_mode": "Mode de fonctionnement",
            },
        ),
    ],
)
async def test_names_are_in_the_language_of_home_assistant(stick_suite, names):
    device = stick_suite.devices.async_get(stick_suite.device_id("inverter")).name
    for key, name in names.items():
        assert name_of(stick_suite, key) == f"{device} {name}"


@pytest.mark.parametrize(
    ("language", "name"),
    [("en", "Hybrid inverter"), ("fr", "Onduleur hybride")],
)
async def test_the_inverter_is_a_device_behind_the_stick(stick_suite, name):
    stick = stick_suite.devices.async_get(stick_suite.device_id("stick"))
    inverter = stick_suite.devices.async_get(stick_suite.device_id("inverter"))
    assert (stick.name, stick.manufacturer, stick.serial_number) == (
        "SOLARMAN",
        "SOLARMAN",
        str(stick_suite.stick.serial),
    )
    assert (inverter.name, inverter.via_device_id) == (name, stick.id)
    assert inverter.manufacturer == "Bourgeois Global"
    assert inverter.model.endswith("(aura_megarevo?)")


@pytest.mark.usefixtures("all_enabled")
async def test_a_stick_shows_its_inverter_and_how_long_it_runs(stick_suite):
    await stick_suite.shows("stick", "inverter_connected", "on")
    assert stick_suite.attributes("stick", "inverter_connected")["device_class"] == "connectivity"
    uptime = stick_suite.registered("stick", "uptime")
    assert uptime.entity_category is EntityCategory.DIAGNOSTIC
    assert float(stick_suite.state("stick", "uptime")) >= 0
    assert stick_suite.attributes("stick", "uptime")["unit_of_measurement"] == "h"


async def test_the_uptime_waits_until_somebody_wants_it(stick_suite):
    assert stick_suite.registered("stick", "uptime").disabled_by is er.RegistryEntryDisabler.INTEGRATION


@pytest.mark.parametrize("settings", [{"profile": None}], ids=["no map"])
async def test_a_stick_without_a_map_is_alone_and_says_what_is_missing(hass, stick_suite):
    await stick_suite.shows("stick", "inverter_connected", "on")
    assert list(stick_suite.entry.runtime_data.coordinators) == ["stick"]
    assert [key for _, key in ir.async_get(hass).issues if key.startswith("unknown_inverter_map_")]


# --- night -----------------------------------------------------------------------------------------------------------


@each_map
async def test_at_night_the_stick_stays_and_the_energies_do_not_drop(stick_suite):
    before = await energies(stick_suite)
    assert min(before.values()) > 0
    shown: list[tuple[str, str]] = []
    ids = {stick_suite.entity_id("inverter", key) for key in ENERGIES}
    stick_suite.hass.bus.async_listen(
        "state_changed",
        lambda event: (
            shown.append((event.data["entity_id"], event.data["new_state"].state))
            if event.data["entity_id"] in ids
            else None
        ),
    )

    stick_suite.aura.switch_off()
    await stick_suite.shows("inverter", "energy_produced", "unavailable")
    await stick_suite.shows("stick", "inverter_connected", "off")
    assert stick_suite.entry.runtime_data.main.data.available

    stick_suite.aura.switch_on()
    await stick_suite.shows("stick", "inverter_connected", "on")
    assert await energies(stick_suite) == before
    assert {state for _, state in shown if float(state.replace("unavailable", "1")) == 0} == set()


@each_map
async def test_counters_that_read_zero_for_a_moment_are_not_shown(stick_suite):
    before = await energies(stick_suite)
    unit = stick_suite.stick.unit
    for name in ("pv", "import", "export", "battery_charge", "battery_discharge"):
        unit.forced[f"{name}_energy_total"] = 0.0
    await stick_suite.reports(4)
    now = {key: stick_suite.state("inverter", key) for key in ENERGIES}
    assert "0.0" not in now.values()
    unit.forced.clear()
    await stick_suite.reports(4)
    assert await energies(stick_suite) == before


# --- controls --------------------------------------------------------------------------------------------------------


@each_map
@every_danger
@pytest.mark.usefixtures("all_enabled")
async def test_nothing_can_be_written_to_a_map_that_is_not_confirmed(hass, stick_suite):
    assert keys_of(stick_suite, *CONTROLS) == set()
    issue = next(issue for (_, key), issue in ir.async_get(hass).issues.items() if key.startswith("map_not_confirmed_"))
    assert issue.translation_key == "map_not_confirmed"
    assert issue.translation_placeholders == {"title": "SOLARMAN"}
    coordinator = stick_suite.entry.runtime_data.coordinators["inverter"]
    with pytest.raises(ServiceValidationError) as info:
        await coordinator.async_command(
            "working_mode", lambda: coordinator.device.set_value("working_mode", 2), before=None, to="battery_priority"
        )
    assert info.value.translation_key == "map_not_confirmed"
    assert not stick_suite.stick.unit.writes


@each_map
@confirmed
async def test_a_confirmed_map_has_no_repair_and_its_own_model(hass, stick_suite, aura_map):
    assert not [key for _, key in ir.async_get(hass).issues if key.startswith("map_not_confirmed_")]
    model = stick_suite.devices.async_get(stick_suite.device_id("inverter")).model
    assert "?" not in model


@each_map
@confirmed
async def test_the_working_mode_is_set_on_the_inverter(stick_suite, aura_map):
    word, mode = OTHER_MODES[aura_map]
    await stick_suite.call("select", "select_option", "inverter", "working_mode", option=word)
    assert stick_suite.aura.settings.work_mode is mode
    await stick_suite.shows("inverter", "working_mode", word)


@each_map
@confirmed
@pytest.mark.parametrize("language", ["fr"])
async def test_a_write_refused_for_want_of_remote_control_says_where_it_is_enabled(stick_suite, aura_map):
    stick_suite.aura.remote_control = 1
    with pytest.raises(HomeAssistantError) as info:
        await stick_suite.call("select", "select_option", "inverter", "working_mode", option=OTHER_MODES[aura_map][0])
    assert info.value.translation_key == "write_refused"
    text = TEXTS["fr"]["exceptions"]["write_refused"]["message"]
    assert "2" in text
    assert not stick_suite.stick.unit.writes


@afore
@confirmed
@pytest.mark.usefixtures("all_enabled")
async def test_a_limit_is_set_on_the_inverter_and_one_out_of_range_is_refused(stick_suite):
    await stick_suite.call("number", "set_value", "inverter", "minimum_state_of_charge", value=30)
    assert stick_suite.aura.settings.on_grid_soc_min == 30
    assert number(stick_suite, "minimum_state_of_charge") == 30
    with pytest.raises(ServiceValidationError):
        await stick_suite.call("number", "set_value", "inverter", "minimum_state_of_charge", value=130)
    assert stick_suite.aura.settings.on_grid_soc_min == 30


@afore
@confirmed
@pytest.mark.usefixtures("all_enabled")
async def test_what_is_dangerous_is_a_reading_until_it_is_enabled(stick_suite):
    assert "grid_code" in keys_of(stick_suite, "sensor")
    assert "grid_code" not in keys_of(stick_suite, "select")
    assert "inverter_on" in keys_of(stick_suite, "binary_sensor")
    assert "inverter_on" not in keys_of(stick_suite, "switch")


@afore
@confirmed
@every_danger
@pytest.mark.usefixtures("all_enabled")
async def test_what_is_dangerous_is_a_control_once_it_is_enabled(stick_suite):
    assert {"grid_code", "charge_command"} <= keys_of(stick_suite, "select")
    assert not {"grid_code", "inverter_on"} & keys_of(stick_suite, "sensor", "binary_sensor")
    await stick_suite.call("switch", "turn_off", "inverter", "inverter_on")
    assert stick_suite.aura.enabled is False
    await stick_suite.shows("inverter", "inverter_on", "off")


@each_map
@confirmed
@every_danger
async def test_the_inverter_of_a_profile_has_no_mode_as_a_device_action(hass, stick_suite):
    device_id = stick_suite.device_id("inverter")
    assert await device_action.async_get_actions(hass, device_id) == []
    config = {"device_id": device_id, "domain": DOMAIN, "type": "set_inverter_mode", "mode": "on"}
    assert await device_action.async_get_action_capabilities(hass, config)
    with pytest.raises(ServiceValidationError) as info:
        await device_action.async_call_action_from_config(hass, config, {}, None)
    assert info.value.translation_key == "wrong_device_kind"


# --- alarms ----------------------------------------------------------------------------------------------------------

FAULTS_AT, WARNINGS_AT = 0x3501, 0x3505


@pytest.fixture
def own_map(hass, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A map that its owner made of a shipped one, with the words of the alarms and the state; returns its id."""
    faults = "\n".join(f"      {bit}: {{alarm: aura_f{bit:02}}}" for bit in (0, 7))
    warnings = "\n".join(f"      {bit}: {{alarm: aura_w{bit:02}}}" for bit in (4, 28))
    own = (SHIPPED / "aura_megarevo.yaml").read_text(encoding="utf-8").replace("id: aura_megarevo", "id: my_aura")
    own = own.replace("key: output_voltage_l1,", "key: output_voltage_l1, enabled: false,").rstrip()
    states = ", ".join(f'{place}: "{state}"' for place, state in enumerate(State))
    (tmp_path / "my_aura.yaml").write_text(
        f"{own}\n"
        f"  - {{key: inverter_state, address: 0x3500, map: {{{states}}}}}\n"
        f"  - key: fault_bits\n    address: {FAULTS_AT}\n    type: bits\n    words: 4\n    bits:\n{faults}\n"
        f"  - key: warning_bits\n    address: {WARNINGS_AT}\n    type: bits\n    words: 2\n    bits:\n{warnings}\n",
        encoding="utf-8",
    )
    monkeypatch.setattr("custom_components.energy_suite.profiles.folder", lambda _: tmp_path)
    return "my_aura"


@pytest.fixture
async def own_stick(stick: SolarmanStick) -> SolarmanStick:
    """The stick, whose AURA has the registers that its owner found."""
    stick.unit = AuraUnit(
        stick.unit.aura,
        MEGAREVO,
        also=(
            placed(MEGAREVO, "inverter_state", 0x3500),
            placed(MEGAREVO, "fault_bits", FAULTS_AT, size=4),
            placed(MEGAREVO, "warning_bits", WARNINGS_AT, size=2),
        ),
    )
    return stick


async def own_suite(hass, stick: SolarmanStick, profile: str, **settings: Any) -> StickSuite:
    entry = stored_stick_entry(stick, profile=profile, **settings)
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    return StickSuite(hass, stick, entry)


@pytest.mark.parametrize(
    ("language", "text", "severity"),
    [("en", "F07: PV insulation fault", "critical"), ("fr", "F07 : Défaut isolement PV", "critical")],
)
async def test_an_owners_map_tells_an_alarm_in_words(hass, own_stick, own_map, text, severity):
    suite = await own_suite(hass, own_stick, own_map)
    await suite.shows("inverter", "inverter_state", "generating")
    await suite.shows("inverter", "problem", "off")

    suite.aura.raise_alarm("F07")
    await suite.shows("inverter", "problem", "on")
    (alarm,) = suite.attributes("inverter", "problem")["alarms"]
    assert (alarm["alarm"], alarm["severity"]) == ("aura_f07", severity)
    assert alarm["text"] == text
    assert alarm["cause"]
    assert alarm["remedy"]
    await suite.shows("inverter", "inverter_state", "fault")
    event = suite.attributes("inverter", "alarm")
    assert (event["event_type"], event["text"]) == ("raised", text)

    suite.aura.clear_alarm("F07")
    await suite.shows("inverter", "problem", "off")


@pytest.mark.parametrize(("coupling", "told"), [("dc", ["aura_w04"]), ("ac", []), ("ac_backup", [])])
async def test_without_panels_no_sun_is_lost(hass, own_stick, own_map, coupling, told):
    own_stick.unit.aura.raise_alarm("W04")
    own_stick.unit.aura.raise_alarm("W28")
    suite = await own_suite(hass, own_stick, own_map, coupling=coupling)
    await suite.shows("inverter", "problem", "on")
    alarms = [alarm["alarm"] for alarm in suite.attributes("inverter", "problem")["alarms"]]
    assert sorted(alarms) == [*told, "aura_w28"]


@afore
@pytest.mark.parametrize("language", ["fr"])
async def test_a_fault_of_the_other_map_is_told_by_its_codes(stick_suite):
    stick_suite.stick.unit.forced["pv_fault_1"] = 0b101
    await stick_suite.shows("inverter", "problem", "on")
    (alarm,) = stick_suite.attributes("inverter", "problem")["alarms"]
    assert alarm["text"] == "Défaut de l’entrée PV"
    assert "A01" in str(alarm)
    assert "A03" in str(alarm)


async def test_an_owners_map_that_is_gone_leaves_the_inverter_unavailable(hass, stick):
    suite = await own_suite(hass, stick, "my_aura")
    await suite.shows("stick", "inverter_connected", "on")
    assert not suite.entry.runtime_data.coordinators["inverter"].data.available
    assert [key for domain, key in ir.async_get(hass).issues if domain == DOMAIN and key.startswith("profile_missing_")]

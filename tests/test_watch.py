"""The health of an installation and the load of its GX, as they show and alarm; the BMS; what its LEDs mean."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import voluptuous as vol
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.exceptions import ServiceValidationError

from custom_components.energy_suite.const import DOMAIN
from custom_components.energy_suite.flows.options import BATTERY_MANAGEMENT, HEALTH_CHECKS, HEALTH_LIMITS
from custom_components.energy_suite.gateways.victron.bms import LEDS, BmsKind, BmsSetup
from custom_components.energy_suite.site.health import CHECKS, Limits
from custom_components.energy_suite.texts import FOLDER
from custom_components.energy_suite.watch import OVERLOADED
from demo import faults
from demo.registers import Value
from demo.victron_house import INSTANCES
from tests.conftest import FAST
from tests.test_alarms import events, reload

pytestmark = pytest.mark.usefixtures("hass_storage")

V2 = {"battery_management": {"bms": "v2"}}
declared = pytest.mark.parametrize("options", [V2], ids=[""])


def say(suite, service: str, path: str, value: Value) -> None:
    suite.gx.set(service, INSTANCES[service], path, value)


def raised(suite, kind: str) -> dict[str, dict[str, Any]]:
    return {alarm["alarm"]: alarm for alarm in suite.attributes(kind, "problem")["alarms"]}


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets the watch believe that so many s went by."""
    gone = [0.0]
    clock = SimpleNamespace(utcnow=lambda: datetime.now(UTC) + timedelta(seconds=gone[0]))
    monkeypatch.setattr("custom_components.energy_suite.coordinator.dt_util", clock)

    def later(seconds: float) -> None:
        gone[0] += seconds

    return later


# --- the BMS ----------------------------------------------------------------------------------------------------------


@declared
async def test_falling_cells_warn_before_the_bms_disconnects_and_the_alarm_says_how_long_the_reserve_lasts(suite):
    told = events(suite, "inverter_charger")
    for key in ("bms_pre_alarm", "load_disconnect", "charge_disconnect"):
        assert suite.state("inverter_charger", key) == "off"

    say(suite, "battery", "/System/MinCellVoltage", 3.1)
    await suite.shows("inverter_charger", "bms_pre_alarm", "on")
    say(suite, "battery", "/System/MinCellVoltage", 2.8)
    say(suite, "vebus", "/Bms/AllowToDischarge", 0)
    await suite.shows("inverter_charger", "load_disconnect", "on")
    await suite.until(lambda: len(told) == 2)

    capacity = suite.entry.runtime_data.coordinators[suite.key("battery")].device.capacity
    event = suite.attributes("inverter_charger", "alarm")
    assert (event["alarm"], event["severity"], event["notify_by_default"]) == ("load_disconnect", "critical", True)
    assert event["reserve"] == round(capacity / 100, 2)
    assert event["reserve_days"] == round(capacity * 10 / 10 / 24, 1)
    assert event["cause"]
    assert event["remedy"]
    await suite.until(lambda: "load_disconnect" in raised(suite, "inverter_charger"))
    assert raised(suite, "inverter_charger")["load_disconnect"]["reserve_days"] == event["reserve_days"]

    say(suite, "vebus", "/Bms/AllowToDischarge", 1)
    await suite.until(lambda: len(told) == 3)
    say(suite, "battery", "/System/MinCellVoltage", 3.2)
    await suite.until(lambda: len(told) == 4)
    assert told == [
        ("raised", "bms_pre_alarm", "warning"),
        ("raised", "load_disconnect", "critical"),
        ("cleared", "load_disconnect", "critical"),
        ("cleared", "bms_pre_alarm", "warning"),
    ]


async def test_a_bms_that_nobody_declared_has_no_entities(suite):
    assert not any(suite.has("inverter_charger", key) for key in ("bms_pre_alarm", "load_disconnect", "bms_error"))


@pytest.mark.parametrize(
    "options",
    [{"battery_management": {"bms": "v1", "pre_alarm_voltage": 2.9, "battery_capacity": 300, "standby_current": 25}}],
    ids=[""],
)
async def test_what_the_user_says_of_the_bms_reaches_the_devices(suite):
    expected = BmsSetup(kind=BmsKind.V1, pre_alarm_voltage=2.9, capacity=300.0, standby_current=25.0)
    devices = {each.device.kind: each.device for each in suite.entry.runtime_data.coordinators.values()}
    assert devices["inverter_charger"].bms == devices["gx"].bms == expected

    say(suite, "battery", "/System/MinCellVoltage", 3.0)
    say(suite, "vebus", "/Bms/AllowToDischarge", 0)
    await suite.shows("inverter_charger", "load_disconnect", "on")
    assert suite.state("inverter_charger", "bms_pre_alarm") == "off"
    await suite.until(lambda: "load_disconnect" in raised(suite, "inverter_charger"))
    disconnect = raised(suite, "inverter_charger")["load_disconnect"]
    assert (disconnect["reserve"], disconnect["standby_current"], disconnect["reserve_days"]) == (3.0, 25.0, 5.0)


# --- health -----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("all_enabled")
async def test_only_what_can_be_decided_is_checked(suite):
    there = {check.key for check in CHECKS if suite.has("gx", check.key)}
    assert there == {check.key for check in CHECKS} - {"bms_lost", "dvcc_firmware_insufficient"}
    for key in there:
        await suite.shows("gx", key, "off")


@declared
@pytest.mark.usefixtures("all_enabled")
async def test_a_declared_bms_v2_makes_more_decidable(suite):
    await suite.shows("gx", "dvcc_firmware_insufficient", "off")
    say(suite, "vebus", "/Bms/Error", 1)
    await suite.shows("gx", "bms_lost", "on")
    await suite.until(lambda: "bms_lost" in raised(suite, "inverter_charger"))
    await suite.until(lambda: "bms_lost" in raised(suite, "gx"))


@pytest.mark.usefixtures("all_enabled")
async def test_cells_apart_for_a_minute_are_shown_with_their_numbers_and_alarmed_on_the_gx(suite, later):
    told = events(suite, "gx")
    say(suite, "battery", "/System/MinCellVoltage", 3.2)
    say(suite, "battery", "/System/MaxCellVoltage", 3.4)
    await suite.reports()
    await suite.shows("gx", "cell_imbalance", "off")
    assert told == []

    later(61)
    await suite.shows("gx", "cell_imbalance", "on")

    numbers = {"spread": 0.2, "minimum_cell_voltage": 3.2, "maximum_cell_voltage": 3.4}
    assert suite.attributes("gx", "cell_imbalance").items() >= numbers.items()
    assert told == [("raised", "cell_imbalance", "warning")]
    assert suite.attributes("gx", "alarm").items() >= numbers.items()
    await suite.shows("gx", "problem", "on")

    say(suite, "battery", "/System/MinCellVoltage", 3.35)
    await suite.shows("gx", "cell_imbalance", "off")
    assert told[1:] == [("cleared", "cell_imbalance", "warning")]


@pytest.mark.parametrize("options", [{"health_checks": {"battery_temperature": 20}}], ids=[""])
@pytest.mark.usefixtures("all_enabled")
async def test_a_limit_is_the_users(suite, later):
    say(suite, "battery", "/Dc/0/Temperature", 25.0)
    await suite.shows("battery", "temperature", "25.0")
    later(61)
    await suite.reports()
    later(61)
    await suite.shows("gx", "battery_too_hot", "on")


@pytest.mark.usefixtures("all_enabled")
async def test_a_device_silent_for_a_day_is_named_and_a_restart_does_not_repeat_it(suite, later):
    suite.gx.vanish("evcharger", INSTANCES["evcharger"])
    await suite.shows("ev_charger", "power", "unavailable")
    later(25 * 3600)
    await suite.reports()
    later(61)
    await suite.shows("gx", "devices_silent", "on")
    names = suite.attributes("gx", "devices_silent")["hours_silent"]
    assert len(names) == 1
    assert next(iter(names.values())) == 25.0
    raised_at = suite.state("gx", "alarm")

    await reload(suite)
    await suite.reports()
    assert suite.state("gx", "devices_silent") == "on"
    assert suite.state("gx", "alarm") == raised_at

    suite.gx.reappear("evcharger", INSTANCES["evcharger"])
    suite.entry.runtime_data.lease.runner.look_again()
    await suite.shows("gx", "devices_silent", "off")
    assert suite.attributes("gx", "alarm")["event_type"] == "cleared"


async def test_the_last_run_of_a_generator_is_stored(hass, suite, hass_storage):
    say(suite, "generator", "/State", 1)
    await suite.shows("generator", "running", "on")
    await suite.reports()
    assert await hass.config_entries.async_unload(suite.entry.entry_id)
    remembered = hass_storage[f"{DOMAIN}.{suite.entry.entry_id}"]["data"]["remembered"]
    assert set(remembered["ran"]) == {suite.key("generator")}
    assert set(remembered["answered"]) == {found["key"] for found in suite.entry.data["devices"]}


# --- the load of the GX -----------------------------------------------------------------------------------------------


async def test_an_overloaded_gx_is_asked_less_often_which_is_said_once_and_shown(hass, suite, caplog):
    told = events(suite, "gx")
    schedule = suite.entry.runtime_data.lease.runner.schedule
    schedule.brake.timeout = 0.04
    suite.gx.inject(faults.delay(0.03))
    await suite.until(lambda: OVERLOADED in raised(suite, "gx"))

    assert schedule.pace > FAST["interval"]
    assert told == [("raised", OVERLOADED, "information")]
    assert raised(suite, "gx")[OVERLOADED]["interval"] == schedule.pace
    assert suite.state("gx", "problem") == "off"
    assert sum("answers late and is asked less often" in record.message for record in caplog.records) == 1


# --- options ----------------------------------------------------------------------------------------------------------

LONG = {"interval": 5, "delay_before_sending": 0, "enabled_controls": [], "maximum_input_current": 100}


async def opened(hass, suite):
    return await hass.config_entries.options.async_init(suite.entry.entry_id)


async def test_the_sections_are_kept_and_shown_again(hass, suite):
    sections = {
        "battery_management": {
            "bms": "v2",
            "pre_alarm_voltage": 2.95,
            "battery_capacity": 200,
            "standby_current": 5,
        },
        "health_checks": {**Limits().__dict__, "generator_idle": 14.0},
    }
    result = await hass.config_entries.options.async_configure(
        (await opened(hass, suite))["flow_id"], {**LONG, **sections}
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    assert {key: suite.entry.options[key] for key in sections} == sections
    assert suite.entry.runtime_data.watch.health.limits == Limits(generator_idle=14.0)

    schema = (await opened(hass, suite))["data_schema"].schema
    shown = {
        str(marker): {str(inner): inner.description["suggested_value"] for inner in schema[marker].schema.schema}
        for marker in schema
        if str(marker) in sections
    }
    assert shown == sections


@pytest.mark.parametrize(
    "nonsense",
    [
        {"battery_management": {"bms": "v3"}},
        {"battery_management": {"pre_alarm_voltage": 2.84}},
        {"battery_management": {"pre_alarm_voltage": 3.16}},
        {"battery_management": {"standby_current": -1}},
        {"health_checks": {"silence": 0}},
        {"health_checks": {"battery_temperature": 300}},
    ],
)
async def test_limits_that_make_no_sense_are_refused(hass, suite, nonsense):
    result = await opened(hass, suite)
    with pytest.raises(InvalidData):
        await hass.config_entries.options.async_configure(result["flow_id"], {**LONG, **nonsense})


def test_what_the_form_proposes_is_what_holds_without_it():
    assert Limits.from_options(HEALTH_CHECKS({})) == Limits()
    assert BmsSetup.from_options(BATTERY_MANAGEMENT({})) == BmsSetup()
    assert set(HEALTH_LIMITS) == set(Limits.__dataclass_fields__)


# --- what the LEDs mean -----------------------------------------------------------------------------------------------


async def explained(hass, **shown):
    return await hass.services.async_call(DOMAIN, "explain_bms_leds", shown, blocking=True, return_response=True)


async def test_each_led_is_explained(hass, suite):
    answer = await explained(hass, status="flashes_fast", cell_above_2_8_v="off", cell_above_4_v="off")
    assert list(answer) == ["status", "cell_above_2_8_v", "cell_above_4_v"]
    assert answer["status"]["meaning"] == "The BMS is stuck in its bootloader."
    assert answer["status"]["remedy"]
    assert "low cell voltage" in answer["cell_above_2_8_v"]["meaning"].lower()
    assert set(answer["cell_above_4_v"]) == {"meaning"}


async def test_leds_are_explained_in_french_where_home_assistant_is_french(hass, suite):
    hass.config.language = "fr"
    assert (await explained(hass, cell_above_4_v="on"))["cell_above_4_v"]["meaning"].startswith(
        "Tension de cellule élevée"
    )


async def test_a_firmware_is_judged(hass, suite):
    assert "415" in (await explained(hass, firmware="2629414"))["firmware"]["cause"]
    assert "assistant" in (await explained(hass, firmware="415"))["firmware"]["meaning"]
    with pytest.raises(ServiceValidationError) as refused:
        await explained(hass, firmware="new")
    assert refused.value.translation_key == "bad_firmware_version"


async def test_nothing_shown_or_nonsense_is_refused(hass, suite):
    for shown in ({}, {"status": "green"}):
        with pytest.raises(vol.Invalid):
            await explained(hass, **shown)


# --- texts ------------------------------------------------------------------------------------------------------------

ALARMS = {"bms_pre_alarm", "load_disconnect", "charge_disconnect", "bms_lost"}
VERDICTS = {"too_old", "needs_assistant", "suitable", "processor_not_supported"}


def texts(language: str, family: str) -> dict[str, dict[str, str]]:
    read: dict[str, dict[str, str]] = json.loads(Path(FOLDER / language / f"{family}.json").read_text("utf-8"))
    return read


@pytest.mark.parametrize("language", ["en", "fr"])
def test_everything_of_a_bms_has_a_text_and_nothing_else(language):
    leds = {f"led_{led}_{state}" for led, shown in LEDS.items() for state in shown}
    assert set(texts(language, "bms")) == ALARMS | leds | {f"firmware_{verdict}" for verdict in VERDICTS}


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_check_has_a_text_and_nothing_else(language):
    told_elsewhere = set(texts(language, "victron")) | set(texts(language, "bms"))
    assert set(texts(language, "health")) == {OVERLOADED, *(check.key for check in CHECKS)} - told_elsewhere


@pytest.mark.parametrize("family", ["bms", "health"])
def test_languages_say_the_same(family):
    assert {key: set(entry) for key, entry in texts("en", family).items()} == {
        key: set(entry) for key, entry in texts("fr", family).items()
    }
    for language in ("en", "fr"):
        for key, entry in texts(language, family).items():
            assert all(entry.values()), key
            assert "text" in entry
            assert set(entry) <= {"text", "cause", "remedy"}

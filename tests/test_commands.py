"""Controls through their entities: what is written, what is shown, what is refused and why."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from homeassistant.core import Context, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import issue_registry as ir

from custom_components.energy_suite.const import DOMAIN, EVENT_COMMAND
from demo.registers import Value
from demo.victron_house import INSTANCES
from tests.conftest import EVERY_CONTROL

BATTERYLIFE = "/Settings/CGwacs/BatteryLife/State"
HUB4_MODE = "/Settings/CGwacs/Hub4Mode"
MINIMUM_SOC = "/Settings/CGwacs/BatteryLife/MinimumSocLimit"
INPUT_LIMIT = "/Ac/ActiveIn/CurrentLimit"

# Nothing but the first round and the looks of the commands themselves.
STILL = {"interval": 3600}
every_control = pytest.mark.parametrize("options", [EVERY_CONTROL], ids=[""])
every_control_still = pytest.mark.parametrize("options", [{**EVERY_CONTROL, **STILL}], ids=[""])

type Sent = list[tuple[str, str, Value]]


@contextmanager
def written(suite) -> Iterator[Sent]:
    """What is written meanwhile: service, path and value."""
    sent: Sent = []
    before = len(suite.gx.writes)
    yield sent
    sent += [(write.service, write.path, write.value) for write in list(suite.gx.writes)[before:]]


@pytest.fixture
def records(hass) -> list[dict[str, Any]]:
    """The records that commands leave."""
    records: list[dict[str, Any]] = []
    hass.bus.async_listen(
        EVENT_COMMAND, callback(lambda event: records.append({**event.data, "context": event.context}))
    )
    return records


def bus(suite, service: str, path: str):
    return suite.gx.get(service, INSTANCES[service], path)


async def set_number(suite, kind: str, key: str, value: float) -> None:
    await suite.call("number", "set_value", kind, key, value=value)


async def select(suite, kind: str, key: str, option: str) -> None:
    await suite.call("select", "select_option", kind, key, option=option)


async def switch(suite, kind: str, key: str, on: bool) -> None:
    await suite.call("switch", "turn_on" if on else "turn_off", kind, key)


@contextmanager
def refused(
    reason: str, error: type[HomeAssistantError] = ServiceValidationError
) -> Iterator[pytest.ExceptionInfo[HomeAssistantError]]:
    """The command raises just this error with this reason, translated."""
    with pytest.raises(error) as info:
        yield info
    assert type(info.value) is error
    assert (info.value.translation_domain, info.value.translation_key) == (DOMAIN, reason)
    assert str(info.value) != reason


# --- every control ------------------------------------------------------------------------------------------------

# What is done, one after the other, and what is written for it and shown after it. A value beside the written one is
# what the device had made of it by then.
NUMBERS: list[tuple[str, str, float, Sent]] = [
    ("gx", "minimum_state_of_charge", 35, [("settings", MINIMUM_SOC, 35)]),
    ("gx", "grid_setpoint", -1500, [("settings", "/Settings/CGwacs/AcPowerSetPoint", -1500)]),
    ("gx", "grid_setpoint", 40_000, [("settings", "/Settings/CGwacs/AcPowerSetPoint", 40_000)]),
    ("gx", "maximum_charge_current", 70, [("settings", "/Settings/SystemSetup/MaxChargeCurrent", 70)]),
    ("gx", "maximum_charge_current", 0, [("settings", "/Settings/SystemSetup/MaxChargeCurrent", 0)]),
    ("gx", "maximum_charge_current", -1, [("settings", "/Settings/SystemSetup/MaxChargeCurrent", -1)]),
    ("gx", "maximum_discharge_power", 2350, [("settings", "/Settings/CGwacs/MaxDischargePower", 2350)]),
    ("gx", "maximum_discharge_power", -1, [("settings", "/Settings/CGwacs/MaxDischargePower", -1)]),
    ("gx", "maximum_feed_in_power", 90_000, [("settings", "/Settings/CGwacs/MaxFeedInPower", 90_000)]),
    ("gx", "maximum_feed_in_power", 0, [("settings", "/Settings/CGwacs/MaxFeedInPower", 0)]),
    ("inverter_charger", "input_current_limit", 15.5, [("vebus", INPUT_LIMIT, 15.5)]),
    ("ev_charger", "charging_current", 14, [("evcharger", "/SetCurrent", 14)]),
]
SWITCHES: list[tuple[str, str, bool, Sent]] = [
    ("gx", "feed_in_dc_coupled_pv", False, [("settings", "/Settings/CGwacs/OvervoltageFeedIn", 0)]),
    ("gx", "feed_in_dc_coupled_pv", True, [("settings", "/Settings/CGwacs/OvervoltageFeedIn", 1)]),
    ("gx", "feed_in_ac_coupled_pv", False, [("settings", "/Settings/CGwacs/PreventFeedback", 1)]),
    ("gx", "feed_in_ac_coupled_pv", True, [("settings", "/Settings/CGwacs/PreventFeedback", 0)]),
    ("gx", "relay_2", True, [("system", "/Relay/1/State", 1)]),
    ("gx", "relay_2", False, [("system", "/Relay/1/State", 0)]),
    ("generator", "generator_manual_start", True, [("generator", "/ManualStart", 1)]),
    ("generator", "generator_manual_start", False, [("generator", "/ManualStart", 0)]),
    ("generator", "generator_auto_start", False, [("generator", "/AutoStartEnabled", 0)]),
    ("generator", "generator_auto_start", True, [("generator", "/AutoStartEnabled", 1)]),
    ("ev_charger", "charging", False, [("evcharger", "/StartStop", 0)]),
    ("ev_charger", "charging", True, [("evcharger", "/StartStop", 1)]),
]
SELECTS: list[tuple[str, str, str, Sent]] = [
    ("gx", "ess_mode", "optimized_with_batterylife", [("settings", BATTERYLIFE, 1)]),
    ("gx", "ess_mode", "keep_batteries_charged", [("settings", BATTERYLIFE, 9)]),
    ("gx", "ess_mode", "optimized_without_batterylife", [("settings", BATTERYLIFE, 10)]),
    ("gx", "ess_mode", "external_control", [("settings", HUB4_MODE, 3), ("settings", BATTERYLIFE, 0)]),
    ("gx", "ess_mode", "optimized_with_batterylife", [("settings", HUB4_MODE, 1), ("settings", BATTERYLIFE, 1)]),
    ("inverter_charger", "inverter_mode", "charger_only", [("vebus", "/Mode", 1)]),
    ("inverter_charger", "inverter_mode", "inverter_only", [("vebus", "/Mode", 2)]),
    ("inverter_charger", "inverter_mode", "off", [("vebus", "/Mode", 4)]),
    ("inverter_charger", "inverter_mode", "on", [("vebus", "/Mode", 3)]),
    ("ev_charger", "charging_mode", "auto", [("evcharger", "/Mode", 1)]),
    ("ev_charger", "charging_mode", "scheduled", [("evcharger", "/Mode", 2)]),
    ("ev_charger", "charging_mode", "manual", [("evcharger", "/Mode", 0)]),
]


@every_control_still
@pytest.mark.usefixtures("all_enabled")
async def test_every_number_is_written_to_its_register_and_shown_at_once(suite, subtests):
    for kind, key, value, expected in NUMBERS:
        with subtests.test(f"{key} {value}"):
            with written(suite) as sent:
                await set_number(suite, kind, key, value)

            assert sent == expected
            assert [bus(suite, service, path) for service, path, _ in expected] == [value for _, _, value in expected]
            assert float(suite.state(kind, key)) == value

            with written(suite) as sent:
                await set_number(suite, kind, key, value)

            assert not sent, "what would not change is not written"


@every_control_still
@pytest.mark.usefixtures("all_enabled")
async def test_every_switch_is_written_to_its_register_and_shown_at_once(suite, subtests):
    for kind, key, on, expected in SWITCHES:
        with subtests.test(f"{key} {on}"):
            with written(suite) as sent:
                await switch(suite, kind, key, on)

            assert sent == expected
            assert [bus(suite, service, path) for service, path, _ in expected] == [value for _, _, value in expected]
            assert suite.state(kind, key) == ("on" if on else "off")

            with written(suite) as sent:
                await switch(suite, kind, key, on)

            assert not sent, "what would not change is not written"


@every_control_still
async def test_every_choice_is_written_to_its_registers_and_shown_at_once(suite, subtests):
    for kind, key, option, expected in SELECTS:
        with subtests.test(f"{key} {option}"):
            with written(suite) as sent:
                await select(suite, kind, key, option)

            assert sent == expected
            assert [bus(suite, service, path) for service, path, _ in expected] == [value for _, _, value in expected]
            assert suite.state(kind, key) == option

            with written(suite) as sent:
                await select(suite, kind, key, option)

            assert not sent, "what would not change is not written"


@every_control_still
async def test_relay_1_is_switched_where_nothing_else_uses_it(suite):
    suite.gx.vanish("generator")
    suite.house.set("settings", "/Settings/Relay/Function", 2)

    for on in (True, False):
        with written(suite) as sent:
            await switch(suite, "gx", "relay_1", on)

        assert sent == [("system", "/Relay/0/State", int(on))]
        assert suite.state("gx", "relay_1") == ("on" if on else "off")


@every_control
async def test_leaving_external_control_restores_the_multiphase_regulation_that_was(suite):
    suite.house.set("settings", HUB4_MODE, 2)
    suite.entry.runtime_data.lease.runner.expedite(suite.entry.runtime_data.main.reading_name)
    await suite.reports()
    await select(suite, "gx", "ess_mode", "external_control")

    with written(suite) as sent:
        await select(suite, "gx", "ess_mode", "keep_batteries_charged")

    assert sent == [("settings", HUB4_MODE, 2), ("settings", BATTERYLIFE, 9)]


@every_control_still
async def test_batterylife_that_goes_on_by_itself_is_the_mode_that_was_chosen(suite, records):
    suite.gx.adjust["settings", BATTERYLIFE] = lambda value: 2 if value == 1 else value

    await select(suite, "gx", "ess_mode", "optimized_with_batterylife")

    assert suite.state("gx", "ess_mode") == "optimized_with_batterylife"
    assert records[0]["result"] == "applied"


@every_control_still
async def test_a_device_that_takes_its_time_is_waited_for(suite, records):
    suite.gx.write_delay = 0.08  # the first look after 0.05 s comes too early

    await select(suite, "inverter_charger", "inverter_mode", "charger_only")

    assert suite.state("inverter_charger", "inverter_mode") == "charger_only"
    assert records[0]["result"] == "applied"


# --- refused before anything is written ---------------------------------------------------------------------------


@every_control_still
@pytest.mark.usefixtures("all_enabled")
async def test_numbers_out_of_range_are_refused_at_both_ends(suite, subtests):
    for kind, key, low, high, step in (
        ("gx", "minimum_state_of_charge", 0, 100, 1),
        ("gx", "grid_setpoint", -100_000, 100_000, 10),
        ("gx", "maximum_charge_current", -1, 5_000, 1),
        ("gx", "maximum_discharge_power", -1, 300_000, 1),
        ("gx", "maximum_feed_in_power", -1, 300_000, 1),
        ("inverter_charger", "input_current_limit", 0, 100, 0.1),
        ("ev_charger", "charging_current", 6, 16, 1),
    ):
        with subtests.test(key):
            attributes = suite.attributes(kind, key)
            assert (attributes["min"], attributes["max"]) == (low, high)
            for value in (low - step, high + step):
                with written(suite) as sent, pytest.raises(ServiceValidationError) as info:
                    await set_number(suite, kind, key, value)

                assert info.value.translation_key == "out_of_range"
                assert not sent


@pytest.mark.parametrize("options", [{**EVERY_CONTROL, **STILL, "maximum_input_current": 25}], ids=[""])
async def test_the_input_is_limited_to_the_rating_that_the_user_gave(suite):
    assert suite.attributes("inverter_charger", "input_current_limit")["max"] == 25


@every_control_still
async def test_the_charging_current_goes_up_to_what_the_station_was_installed_for(suite):
    suite.house.set("evcharger", "/MaxCurrent", 10)

    with refused("out_of_range") as info:
        await set_number(suite, "ev_charger", "charging_current", 16)

    assert "10" in str(info.value)
    assert bus(suite, "evcharger", "/SetCurrent") == 10


@every_control_still
@pytest.mark.usefixtures("all_enabled")
async def test_what_the_present_mode_does_not_allow_is_refused_with_the_reason(suite, subtests):
    cases: list[tuple[str, list[tuple[str, str, Value]], Callable[[], Any]]] = [
        (
            "not_in_this_ess_mode",
            [("settings", BATTERYLIFE, 9)],
            lambda: set_number(suite, "gx", "minimum_state_of_charge", 40),
        ),
        (
            "not_in_this_ess_mode",
            [("settings", BATTERYLIFE, 9)],
            lambda: set_number(suite, "gx", "maximum_discharge_power", 1000),
        ),
        (
            "not_in_this_ess_mode",
            [("settings", HUB4_MODE, 3)],
            lambda: set_number(suite, "gx", "minimum_state_of_charge", 40),
        ),
        ("not_in_this_ess_mode", [("settings", HUB4_MODE, 3)], lambda: set_number(suite, "gx", "grid_setpoint", 100)),
        ("relay_used_by_generator", [], lambda: switch(suite, "gx", "relay_1", True)),
        (
            "not_in_manual_mode",
            [("evcharger", "/Mode", 1)],
            lambda: set_number(suite, "ev_charger", "charging_current", 12),
        ),
        (
            "no_active_input",
            [("vebus", "/Ac/ActiveIn/ActiveInput", 240)],
            lambda: set_number(suite, "inverter_charger", "input_current_limit", 20),
        ),
        (
            "generator_not_ready",
            [("generator", "/State", 10)],
            lambda: switch(suite, "generator", "generator_manual_start", True),
        ),
        (
            "generator_not_ready",
            [("generator", "/State", 5)],
            lambda: switch(suite, "generator", "generator_manual_start", True),
        ),
    ]
    for reason, given, do in cases:
        with subtests.test(f"{reason} {given}"):
            before = [(service, path, bus(suite, service, path)) for service, path, _ in given]
            for service, path, value in given:
                suite.house.set(service, path, value)
            with written(suite) as sent, refused(reason):
                await do()
            for service, path, value in before:
                suite.house.set(service, path, value)

            assert not sent


@every_control_still
async def test_relay_1_of_the_tank_pump_is_not_switched(suite):
    suite.gx.vanish("generator")
    suite.gx.add_service("pump", 0, {"/State": 0})

    with written(suite) as sent, refused("relay_used_by_pump"):
        await switch(suite, "gx", "relay_1", True)

    assert not sent


@every_control_still
async def test_a_station_that_turned_out_a_plain_meter_is_not_controlled(suite):
    suite.house.set("evcharger", "/MaxCurrent", None)

    with written(suite) as sent, refused("not_controllable"):
        await switch(suite, "ev_charger", "charging", False)

    assert not sent


# --- not taken, or taken otherwise --------------------------------------------------------------------------------


@every_control_still
async def test_an_inverter_mode_that_is_not_taken_names_what_stands_in_the_way(suite, records):
    suite.gx.refuse_writes.add(("vebus", "/Mode"))

    with refused("control_not_available", HomeAssistantError) as info:
        await select(suite, "inverter_charger", "inverter_mode", "off")

    assert "Digital Multi Control" in str(info.value)
    assert "BMS V1" in str(info.value)
    assert suite.state("inverter_charger", "inverter_mode") == "on"
    assert records[0]["result"] == "control_not_available"


@every_control_still
async def test_a_setting_that_is_not_taken_is_an_error_and_keeps_its_value(suite):
    suite.gx.refuse_writes |= {("settings", MINIMUM_SOC), ("evcharger", "/StartStop")}

    with refused("not_taken", HomeAssistantError):
        await set_number(suite, "gx", "minimum_state_of_charge", 60)
    with refused("not_taken", HomeAssistantError):
        await switch(suite, "ev_charger", "charging", False)

    assert float(suite.state("gx", "minimum_state_of_charge")) == 20
    assert suite.state("ev_charger", "charging") == "on"


@every_control_still
async def test_a_relay_that_is_not_switched_by_hand_says_so(suite):
    suite.house.set("settings", "/Settings/Relay/1/Function", 0)

    with refused("relay_not_manual", HomeAssistantError) as info:
        await switch(suite, "gx", "relay_2", True)

    assert "Manual" in str(info.value)
    assert suite.state("gx", "relay_2") == "off"


@every_control_still
async def test_a_value_that_the_device_adjusts_is_shown_as_adjusted(suite, records):
    await set_number(suite, "inverter_charger", "input_current_limit", 60)  # this one keeps within 50 A

    assert float(suite.state("inverter_charger", "input_current_limit")) == 50
    assert records[0]["result"] == "adjusted"


@pytest.mark.parametrize("options", [STILL], ids=[""])
@pytest.mark.usefixtures("all_enabled")
async def test_the_service_of_a_generator_is_counted_anew_at_the_press_of_a_button(suite):
    with written(suite) as sent:
        await suite.call("button", "press", "generator", "reset_service_counter")
    assert sent == [("generator", "/ServiceCounterReset", 1)]


@every_control_still
async def test_a_generator_that_a_condition_keeps_running_says_so(suite):
    suite.house.set("generator", "/ManualStart", 1)
    suite.house.set("generator", "/State", 1)
    suite.house.set("generator", "/RunningByConditionCode", 4)

    with written(suite) as sent, refused("generator_kept_running", HomeAssistantError):
        await switch(suite, "generator", "generator_manual_start", False)

    assert sent == [("generator", "/ManualStart", 0)]


@every_control_still
async def test_a_gx_that_accepts_no_writes_says_where_to_allow_them(hass, suite, records):
    issues = ir.async_get(hass)
    issue = (DOMAIN, f"read_only_gateway_{suite.entry.entry_id}")
    suite.gx.read_only = True

    with refused("writes_not_allowed", HomeAssistantError) as info:
        await switch(suite, "ev_charger", "charging", False)

    assert "Access permissions" in str(info.value)
    assert issues.async_get_issue(*issue) is not None
    assert records[0]["result"] == "writes_not_allowed"

    suite.gx.read_only = False
    await switch(suite, "ev_charger", "charging", True)
    with refused("relay_used_by_generator"):
        await switch(suite, "gx", "relay_1", True)
    assert issues.async_get_issue(*issue) is not None, "nothing was written, so nothing is known"

    await switch(suite, "ev_charger", "charging", False)
    assert issues.async_get_issue(*issue) is None


# --- devices that are not there -----------------------------------------------------------------------------------


@every_control_still
async def test_a_command_for_a_device_that_just_vanished_says_that_it_is_gone(suite, records):
    suite.gx.vanish("evcharger", INSTANCES["evcharger"])

    with written(suite) as sent, refused("device_gone", HomeAssistantError):
        await switch(suite, "ev_charger", "charging", False)

    assert not sent
    assert records[0]["result"] == "device_gone"
    await suite.shows("ev_charger", "charging", "unavailable")


@every_control
async def test_a_command_for_a_device_known_to_be_away_is_not_tried(hass, suite, records):
    suite.gx.vanish("evcharger", INSTANCES["evcharger"])
    await suite.shows("ev_charger", "problem", "unavailable")

    with written(suite) as sent, refused("device_unavailable"):
        await hass.services.async_call(
            DOMAIN, "set_charging", {"device_id": suite.device_id("ev_charger"), "charging": False}, blocking=True
        )

    assert not sent
    assert records[0]["result"] == "device_unavailable"


@every_control_still
async def test_a_setting_that_the_firmware_does_not_know_says_so(suite, records):
    known = suite.gx._registers
    suite.gx._registers = {address: known[address] for address in known if not 2900 <= address <= 2903}

    with refused("not_supported", HomeAssistantError):
        await set_number(suite, "gx", "minimum_state_of_charge", 30)

    assert records[0]["result"] == "not_supported"


@every_control_still
async def test_a_command_without_an_answer_says_so(suite, records):
    suite.gx.stop()

    with refused("no_answer", HomeAssistantError):
        await switch(suite, "ev_charger", "charging", False)

    assert records[0]["result"] == "no_answer"


# --- controls that can cut power ----------------------------------------------------------------------------------

IN_PLACE = {
    ("gx", "relay_1"): ("binary_sensor", "switch"),
    ("gx", "relay_2"): ("binary_sensor", "switch"),
    ("inverter_charger", "inverter_mode"): ("sensor", "select"),
    ("inverter_charger", "input_current_limit"): ("sensor", "number"),
    ("generator", "generator_auto_start"): ("binary_sensor", "switch"),
}


async def test_dangerous_controls_are_readings_until_the_user_enables_them(suite):
    domains = {key: suite.registered(*key).domain for key in IN_PLACE}

    assert domains == {key: reading for key, (reading, _) in IN_PLACE.items()}
    assert not suite.has("generator", "generator_manual_start")
    await suite.shows("inverter_charger", "inverter_mode", "on")
    await suite.shows("inverter_charger", "input_current_limit", "32.0")
    await suite.shows("gx", "relay_1", "off")
    await suite.shows("generator", "generator_auto_start", "on")


@every_control_still
async def test_enabled_controls_take_the_place_of_their_readings(suite):
    domains = {key: suite.registered(*key).domain for key in IN_PLACE}

    assert domains == {key: control for key, (_, control) in IN_PLACE.items()}
    assert suite.registered("generator", "generator_manual_start").domain == "switch"


@pytest.mark.parametrize("options", [{"enabled_controls": ["relay_2"]}], ids=[""])
async def test_each_control_is_enabled_on_its_own(suite):
    assert suite.registered("gx", "relay_2").domain == "switch"
    assert suite.registered("gx", "relay_1").domain == "binary_sensor"
    assert suite.registered("inverter_charger", "inverter_mode").domain == "sensor"


async def test_a_control_that_is_enabled_later_leaves_no_dead_reading_behind(hass, suite):
    hass.config_entries.async_update_entry(suite.entry, options={**suite.entry.options, **EVERY_CONTROL})
    assert await hass.config_entries.async_reload(suite.entry.entry_id)
    await hass.async_block_till_done()

    registered = {(entity.domain, entity.unique_id) for entity in suite.entities.entities.values()}
    for (kind, key), (reading, control) in IN_PLACE.items():
        unique_id = f"{suite.entry.data['uid']}_{suite.key(kind)}_{key}"
        assert (control, unique_id) in registered
        assert (reading, unique_id) not in registered

    hass.config_entries.async_update_entry(suite.entry, options={**suite.entry.options, "enabled_controls": []})
    assert await hass.config_entries.async_reload(suite.entry.entry_id)
    await hass.async_block_till_done()

    assert not suite.has("generator", "generator_manual_start")
    assert {key: suite.registered(*key).domain for key in IN_PLACE} == {
        key: reading for key, (reading, _) in IN_PLACE.items()
    }


async def test_what_is_not_enabled_is_refused_on_every_way_in(hass, suite, subtests, records):
    async def act(action: str, kind: str, **data: Any) -> None:
        target = {"device_id": suite.device_id(kind)}
        await hass.services.async_call(DOMAIN, action, {**target, **data}, blocking=True)

    cases: list[tuple[str, Callable[[], Any]]] = [
        ("external control", lambda: select(suite, "gx", "ess_mode", "external_control")),
        ("external control", lambda: act("set_ess_mode", "gx", mode="external_control")),
        ("Maximum charge current 0", lambda: set_number(suite, "gx", "maximum_charge_current", 0)),
        # The register holds whole amperes: these would be written as 0 as well.
        ("Maximum charge current 0", lambda: set_number(suite, "gx", "maximum_charge_current", 0.5)),
        ("Maximum charge current 0", lambda: set_number(suite, "gx", "maximum_charge_current", -0.4)),
        ("Relay 1", lambda: act("set_relay", "gx", relay=1, closed=True)),
        ("Relay 2", lambda: act("set_relay", "gx", relay=2, closed=True)),
        ("Generator", lambda: act("start_generator", "generator")),
        ("Generator", lambda: act("start_generator", "generator", duration={"minutes": 5})),
        ("Generator", lambda: act("stop_generator", "generator")),
    ]
    for control, do in cases:
        with subtests.test(control):
            with written(suite) as sent, refused("control_not_enabled") as info:
                await do()

            assert control in str(info.value)
            assert not sent
    assert {record["result"] for record in records} == {"control_not_enabled"}
    assert len(records) == len(cases)
    assert not suite.entry.runtime_data.memory.due


async def test_values_that_are_not_dangerous_need_no_option(suite):
    await select(suite, "gx", "ess_mode", "keep_batteries_charged")
    await set_number(suite, "gx", "maximum_charge_current", 1)

    assert bus(suite, "settings", BATTERYLIFE) == 9
    assert bus(suite, "settings", "/Settings/SystemSetup/MaxChargeCurrent") == 1


# --- the delay before sending -------------------------------------------------------------------------------------


def delayed(seconds: float) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("options", [{**STILL, "delay_before_sending": seconds}], ids=[""])


def begin(suite, command: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Give a command that has to wait, and let it come to the waiting."""
    pending = suite.entry.runtime_data.pending
    waiting = len(pending)
    task = asyncio.Task(command, loop=suite.hass.loop, eager_start=True)
    assert len(pending) == waiting + 1
    return task


@delayed(0.2)
async def test_a_command_waits_and_its_call_returns_once_it_is_done(suite):
    with written(suite) as sent:
        task = begin(suite, switch(suite, "ev_charger", "charging", False))
        assert not list(suite.gx.writes)
        assert suite.state("ev_charger", "charging") == "on"
        await task

    assert sent == [("evcharger", "/StartStop", 0)]
    assert suite.state("ev_charger", "charging") == "off"


@delayed(30)
async def test_the_button_cancels_every_command_that_waits(suite, records):
    charging = begin(suite, switch(suite, "ev_charger", "charging", False))
    ess_mode = begin(suite, select(suite, "gx", "ess_mode", "keep_batteries_charged"))

    with written(suite) as sent:
        await suite.call("button", "press", "gx", "cancel_commands")
        for task in (charging, ess_mode):
            with refused("command_cancelled"):
                await task

    assert not sent
    assert suite.state("ev_charger", "charging") == "on"
    assert [record["result"] for record in records] == ["command_cancelled"] * 2


@delayed(0.3)
async def test_the_newest_command_for_a_control_wins(suite, records):
    other = begin(suite, switch(suite, "ev_charger", "charging", False))
    older = begin(suite, set_number(suite, "ev_charger", "charging_current", 8))
    with written(suite) as sent:
        newer = asyncio.create_task(set_number(suite, "ev_charger", "charging_current", 12))
        with refused("command_replaced"):
            await older
        await newer
        await other

    assert sorted(sent) == [("evcharger", "/SetCurrent", 12), ("evcharger", "/StartStop", 0)]
    assert sorted(record["result"] for record in records) == ["applied", "applied", "command_replaced"]


@delayed(30)
async def test_a_command_that_waits_is_not_sent_after_its_gateway_was_unloaded(hass, suite):
    task = begin(suite, switch(suite, "ev_charger", "charging", False))

    assert await hass.config_entries.async_unload(suite.entry.entry_id)

    with refused("command_cancelled"):
        await task
    assert not suite.gx.writes


@delayed(30)
async def test_without_a_delay_there_is_nothing_to_cancel(hass, suite):
    assert suite.has("gx", "cancel_commands")

    hass.config_entries.async_update_entry(suite.entry, options={**suite.entry.options, "delay_before_sending": 0})
    assert await hass.config_entries.async_reload(suite.entry.entry_id)
    await hass.async_block_till_done()

    assert not suite.has("gx", "cancel_commands")


# --- the record ---------------------------------------------------------------------------------------------------


@every_control_still
async def test_every_command_leaves_who_what_from_to_and_result(hass, suite, records, hass_admin_user):
    context = Context(user_id=hass_admin_user.id)
    await hass.services.async_call(
        "number",
        "set_value",
        {"entity_id": suite.entity_id("ev_charger", "charging_current"), "value": 13},
        blocking=True,
        context=context,
    )
    await set_number(suite, "ev_charger", "charging_current", 13)
    await select(suite, "inverter_charger", "inverter_mode", "off")
    with refused("relay_used_by_generator"):
        await switch(suite, "gx", "relay_1", True)

    assert records[0].pop("context").user_id == hass_admin_user.id
    assert records[0] == {
        "device_id": suite.device_id("ev_charger"),
        "device": suite.key("ev_charger"),
        "control": "charging_current",
        "before": 10,
        "to": 13,
        "result": "applied",
    }
    told = [(record["control"], record["before"], record["to"], record["result"]) for record in records[1:]]
    assert told == [
        ("charging_current", 13, 13, "unchanged"),
        ("inverter_mode", "on", "off", "applied"),
        ("relay_1", False, True, "relay_used_by_generator"),
    ]

"""Alarms as they come and go: the event entity and the problem sensor of a device."""

import pytest
from homeassistant.core import Event, EventStateChangedData, callback
from homeassistant.helpers.event import async_track_state_change_event

from demo.registers import Value
from demo.victron_house import INSTANCES

pytestmark = pytest.mark.usefixtures("hass_storage")

type Told = tuple[str, str, str]


def events(suite, kind: str) -> list[Told]:
    """What the event entity of a device records from now on: (event, alarm, severity), in order."""
    told: list[Told] = []
    seen: set[tuple[str, Told]] = set()

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        state = event.data["new_state"]
        if state is None or state.state in ("unavailable", "unknown"):
            return
        what = (state.attributes["event_type"], state.attributes["alarm"], state.attributes["severity"])
        if (state.state, what) not in seen:  # a device that returns shows the last event again
            seen.add((state.state, what))
            told.append(what)

    async_track_state_change_event(suite.hass, suite.entity_id(kind, "alarm"), note)
    return told


def raise_alarm(suite, service: str, path: str, value: Value) -> None:
    suite.gx.set(service, INSTANCES[service], path, value)


async def reload(suite) -> None:
    assert await suite.hass.config_entries.async_reload(suite.entry.entry_id)
    await suite.hass.async_block_till_done()


async def test_an_alarm_is_recorded_as_it_comes_and_goes(hass, suite):
    told = events(suite, "inverter_charger")
    assert suite.state("inverter_charger", "alarm") == "unknown"

    raise_alarm(suite, "vebus", "/Alarms/LowBattery", 1)
    await suite.until(lambda: len(told) == 1)

    attributes = dict(suite.attributes("inverter_charger", "alarm"))
    assert attributes["event_type"] == "raised"
    assert attributes["event_types"] == ["raised", "cleared"]
    assert attributes["alarm"] == "low_battery"
    assert attributes["severity"] == "warning"
    assert attributes["notify_by_default"] is True
    assert attributes["text"] == "Low battery"
    assert attributes["cause"]
    assert attributes["remedy"]
    raised_at = suite.state("inverter_charger", "alarm")

    raise_alarm(suite, "vebus", "/Alarms/LowBattery", 0)
    await suite.until(lambda: len(told) == 2)

    assert told == [("raised", "low_battery", "warning"), ("cleared", "low_battery", "warning")]
    assert suite.state("inverter_charger", "alarm") > raised_at


async def test_an_alarm_that_grows_worse_is_raised_anew(suite):
    told = events(suite, "inverter_charger")

    for count, value in enumerate((1, 2, 1, 0), 1):
        raise_alarm(suite, "vebus", "/Alarms/HighTemperature", value)
        await suite.until(lambda count=count: len(told) == count)

    assert told == [
        ("raised", "high_temperature", "warning"),
        ("raised", "high_temperature", "critical"),
        ("raised", "high_temperature", "warning"),
        ("cleared", "high_temperature", "warning"),
    ]


async def test_alarms_that_come_together_are_all_recorded(suite):
    told = events(suite, "battery")

    for path in ("/Alarms/LowSoc", "/Alarms/LowVoltage", "/Alarms/LowCellVoltage"):
        raise_alarm(suite, "battery", path, 2)
    await suite.until(lambda: len(told) == 3)

    assert sorted(told) == [
        ("raised", "low_cell_voltage", "critical"),
        ("raised", "low_state_of_charge", "critical"),
        ("raised", "low_voltage", "critical"),
    ]


async def test_alarms_of_one_device_are_not_those_of_another(suite):
    told = {kind: events(suite, kind) for kind in ("battery", "solar_charger", "gx")}

    raise_alarm(suite, "battery", "/Alarms/LowVoltage", 2)
    await suite.until(lambda: bool(told["battery"]))
    await suite.reports()

    assert (len(told["battery"]), told["solar_charger"], told["gx"]) == (1, [], [])


async def test_a_device_error_is_an_alarm_with_its_number(suite):
    told = events(suite, "solar_charger")

    raise_alarm(suite, "solarcharger", "/ErrorCode", 26)
    await suite.until(lambda: bool(told))

    assert told == [("raised", "charger_error_26", "critical")]


# --- the problem sensor -------------------------------------------------------------------------------------------


async def test_the_problem_sensor_lists_all_that_is_raised(suite):
    assert suite.state("inverter_charger", "problem") == "off"
    assert suite.attributes("inverter_charger", "problem")["alarms"] == []

    raise_alarm(suite, "vebus", "/Alarms/LowBattery", 1)
    raise_alarm(suite, "vebus", "/Alarms/Overload", 2)
    await suite.shows("inverter_charger", "problem", "on")

    listed = suite.attributes("inverter_charger", "problem")["alarms"]
    assert {(alarm["alarm"], alarm["severity"], alarm["text"]) for alarm in listed} == {
        ("low_battery", "warning", "Low battery"),
        ("overload", "critical", "Overload"),
    }

    for path in ("/Alarms/LowBattery", "/Alarms/Overload"):
        raise_alarm(suite, "vebus", path, 0)
    await suite.shows("inverter_charger", "problem", "off")
    assert suite.attributes("inverter_charger", "problem")["alarms"] == []


async def test_mere_information_is_listed_but_no_problem(suite):
    raise_alarm(suite, "solarcharger", "/Equalization/Pending", 1)

    await suite.until(lambda: bool(suite.attributes("solar_charger", "problem")["alarms"]))

    assert suite.state("solar_charger", "problem") == "off"
    assert suite.attributes("solar_charger", "problem")["alarms"][0]["severity"] == "information"


async def test_a_new_severity_is_listed_though_the_problem_stays(suite):
    raise_alarm(suite, "vebus", "/Alarms/LowBattery", 1)
    await suite.shows("inverter_charger", "problem", "on")

    raise_alarm(suite, "vebus", "/Alarms/LowBattery", 2)

    await suite.until(lambda: suite.attributes("inverter_charger", "problem")["alarms"][0]["severity"] == "critical")


# --- nothing is lost ----------------------------------------------------------------------------------------------


async def test_an_alarm_raised_while_the_device_was_away_is_recorded_when_it_returns(suite):
    told = events(suite, "inverter_charger")
    suite.gx.vanish("vebus", INSTANCES["vebus"])
    await suite.shows("inverter_charger", "alarm", "unavailable")
    await suite.shows("inverter_charger", "problem", "unavailable")

    raise_alarm(suite, "vebus", "/Alarms/GridLost", 2)
    suite.gx.reappear("vebus", INSTANCES["vebus"])
    await suite.shows("inverter_charger", "problem", "on")

    assert told == [("raised", "grid_lost", "critical")]


async def test_an_alarm_cleared_while_the_device_was_away_is_recorded_when_it_returns(suite):
    told = events(suite, "inverter_charger")
    raise_alarm(suite, "vebus", "/Alarms/GridLost", 2)
    await suite.shows("inverter_charger", "problem", "on")
    suite.gx.vanish("vebus", INSTANCES["vebus"])
    await suite.shows("inverter_charger", "alarm", "unavailable")

    raise_alarm(suite, "vebus", "/Alarms/GridLost", 0)
    suite.gx.reappear("vebus", INSTANCES["vebus"])
    await suite.shows("inverter_charger", "problem", "off")

    assert told == [("raised", "grid_lost", "critical"), ("cleared", "grid_lost", "critical")]


async def test_an_alarm_that_stays_while_the_device_is_away_is_not_recorded_twice(suite):
    told = events(suite, "inverter_charger")
    raise_alarm(suite, "vebus", "/Alarms/GridLost", 2)
    await suite.shows("inverter_charger", "problem", "on")

    suite.gx.vanish("vebus", INSTANCES["vebus"])
    await suite.shows("inverter_charger", "alarm", "unavailable")
    suite.gx.reappear("vebus", INSTANCES["vebus"])
    await suite.shows("inverter_charger", "problem", "on")
    await suite.reports()

    assert told == [("raised", "grid_lost", "critical")]


@pytest.fixture
def overloaded(house) -> None:
    house.gx.set("vebus", INSTANCES["vebus"], "/Alarms/Overload", 2)


@pytest.mark.usefixtures("overloaded")
async def test_an_alarm_that_is_there_from_the_start_is_recorded(suite):
    assert suite.state("inverter_charger", "problem") == "on"
    assert suite.attributes("inverter_charger", "alarm")["alarm"] == "overload"
    assert suite.attributes("inverter_charger", "alarm")["event_type"] == "raised"


async def test_what_happened_during_a_restart_is_recorded_after_it(suite):
    raise_alarm(suite, "vebus", "/Alarms/Overload", 2)
    await suite.shows("inverter_charger", "problem", "on")
    raised_at = suite.state("inverter_charger", "alarm")

    await reload(suite)
    assert suite.state("inverter_charger", "problem") == "on"
    assert suite.state("inverter_charger", "alarm") == raised_at, "it was recorded before"

    assert await suite.hass.config_entries.async_unload(suite.entry.entry_id)
    raise_alarm(suite, "vebus", "/Alarms/Overload", 0)
    assert await suite.hass.config_entries.async_setup(suite.entry.entry_id)
    await suite.hass.async_block_till_done()
    assert suite.state("inverter_charger", "problem") == "off"
    assert suite.attributes("inverter_charger", "alarm")["event_type"] == "cleared"
    assert suite.attributes("inverter_charger", "alarm")["alarm"] == "overload"


# --- language -----------------------------------------------------------------------------------------------------


async def test_alarms_are_told_in_french_where_home_assistant_is_french(hass, suite):
    hass.config.language = "fr"
    told = events(suite, "inverter_charger")

    raise_alarm(suite, "vebus", "/Alarms/LowBattery", 1)
    await suite.until(lambda: bool(told))

    assert suite.attributes("inverter_charger", "alarm")["text"] == "Batterie basse"
    await suite.shows("inverter_charger", "problem", "on")
    assert suite.attributes("inverter_charger", "problem")["alarms"][0]["text"] == "Batterie basse"


async def test_alarms_are_told_in_english_where_there_is_no_other_text(hass, suite):
    hass.config.language = "nl"
    told = events(suite, "inverter_charger")

    raise_alarm(suite, "vebus", "/Alarms/LowBattery", 1)
    await suite.until(lambda: bool(told))

    assert suite.attributes("inverter_charger", "alarm")["text"] == "Low battery"

"""Poll fast, publish what matters: which readings become states, and when."""

from unittest.mock import patch

import pytest
from homeassistant.core import callback
from homeassistant.helpers.event import async_track_state_change_event

from custom_components.energy_suite import publishing
from custom_components.energy_suite.publishing import QUIET, Publisher
from demo.victron_house import INSTANCES
from tests.conftest import EVERY_CONTROL


@pytest.mark.parametrize(
    ("unit", "before", "after", "at_once"),
    [
        ("W", 2000.0, 2019.0, False),  # less than the step
        ("W", 2000.0, 2021.0, True),
        ("W", 5000.0, 5049.0, False),  # less than one per cent
        ("W", 5000.0, 5051.0, True),
        ("W", 0.0, 19.0, False),
        ("W", 0.0, -21.0, True),
        ("V", 230.0, 232.0, False),
        ("V", 230.0, 233.0, True),
        ("%", 60.0, 60.5, False),
        ("%", 60.0, 61.0, True),
        ("kWh", 100.0, 150.0, False),  # totals are never urgent
        (None, 3.0, 4.0, True),
        (None, "bulk", "float", True),
        ("W", 2000.0, None, True),
        ("W", None, 2000.0, True),
        ("W", 2000.0, "unavailable", True),
        ("kWh", 100.0, "unavailable", True),
        ("kWh", "unavailable", 100.0, True),
    ],
)
def test_only_what_matters_is_published_at_once(unit, before, after, at_once):
    publisher = Publisher(unit)
    assert publisher.is_due(before, 0)

    assert publisher.is_due(after, 1) is at_once
    assert publisher.is_due(after, QUIET) is not at_once, "and what does not matter a little later"
    assert not publisher.is_due(after, 10 * QUIET), "but never twice the same"


def test_small_changes_add_up_to_one_that_matters():
    publisher = Publisher("W")
    published = [power for second, power in enumerate(range(2000, 2100, 8)) if publisher.is_due(float(power), second)]

    assert published == [2000, 2024, 2048, 2072, 2096]


def states(suite, kind: str, key: str) -> list[str]:
    written: list[str] = []
    async_track_state_change_event(
        suite.hass, suite.entity_id(kind, key), callback(lambda event: written.append(event.data["new_state"].state))
    )
    return written


async def test_a_power_that_hardly_changes_is_not_written_at_once_but_a_big_change_is(suite):
    def output(watts: float) -> None:
        suite.gx.set("vebus", INSTANCES["vebus"], "/Ac/Out/L1/P", watts)

    output(2000)
    await suite.shows("inverter_charger", "output_power", "2000")
    written = states(suite, "inverter_charger", "output_power")

    output(2010)
    await suite.until(
        lambda: suite.entry.runtime_data.coordinators[suite.key("inverter_charger")].device.output_power == 2010
    )
    await suite.reports()
    assert written == []

    output(2500)
    await suite.shows("inverter_charger", "output_power", "2500")
    assert written == ["2500"]


async def test_a_small_change_is_written_once_it_was_quiet_for_long_enough(suite):
    suite.gx.set("vebus", INSTANCES["vebus"], "/Ac/Out/L1/P", 2000)
    await suite.shows("inverter_charger", "output_power", "2000")

    with patch.object(publishing, "QUIET", 0):
        suite.gx.set("vebus", INSTANCES["vebus"], "/Ac/Out/L1/P", 2010)
        await suite.shows("inverter_charger", "output_power", "2010")


async def test_a_state_is_written_at_once(suite):
    suite.gx.set("vebus", INSTANCES["vebus"], "/State", 9)

    await suite.shows("inverter_charger", "state", "inverting")


async def test_unavailability_is_written_at_once_and_so_is_the_return(suite):
    suite.gx.vanish("grid", INSTANCES["grid"])
    await suite.shows("grid_meter", "power", "unavailable")
    await suite.shows("grid_meter", "frequency", "unavailable")

    suite.gx.reappear("grid", INSTANCES["grid"])
    await suite.shows("grid_meter", "power", "50")
    await suite.shows("grid_meter", "frequency", "50.0")


@pytest.mark.parametrize("options", [{**EVERY_CONTROL, "interval": 3600}], ids=[""])
async def test_no_sensor_of_a_standing_house_is_written_again(hass, suite):
    coordinators = suite.entry.runtime_data.coordinators.values()
    for coordinator in coordinators:
        coordinator.async_update_listeners()
    before = {state.entity_id: state.last_reported for state in hass.states.async_all("sensor")}

    for coordinator in coordinators:
        coordinator.async_update_listeners()

    assert {state.entity_id: state.last_reported for state in hass.states.async_all("sensor")} == before

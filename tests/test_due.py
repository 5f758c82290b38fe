"""Commands that Home Assistant gives later: the end of a timed generator run, the end of a relay's pulse."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.energy_suite import due
from custom_components.energy_suite.const import DOMAIN
from custom_components.energy_suite.gateways.base import CannotConnect, DeviceGone
from demo.faults import silence
from demo.victron_house import INSTANCES
from tests.conftest import EVERY_CONTROL
from tests.test_commands import written

STILL = {"interval": 3600}
pytestmark = [
    pytest.mark.parametrize("options", [{**EVERY_CONTROL, **STILL}], ids=[""]),
    pytest.mark.usefixtures("hass_storage"),
]


async def act(suite, action: str, kind: str, **data: Any) -> None:
    await suite.hass.services.async_call(DOMAIN, action, {"device_id": suite.device_id(kind), **data}, blocking=True)


async def pass_time(hass, **time: float) -> None:
    """Let Home Assistant's timers run out as if so much time had passed, and what they start come to its end."""
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(**time))
    await hass.async_block_till_done()


def manual_start(suite):
    return suite.house.get("generator", "/ManualStart")


def stored(suite, hass_storage):
    return hass_storage[f"{DOMAIN}.{suite.entry.entry_id}"]["data"]["due"]


async def test_a_timed_run_is_stopped_at_its_end_and_not_before(hass, suite):
    await act(suite, "start_generator", "generator", duration={"minutes": 30})
    assert manual_start(suite) == 1

    await pass_time(hass, minutes=29)
    assert manual_start(suite) == 1

    await pass_time(hass, minutes=31)
    assert manual_start(suite) == 0
    assert suite.state("generator", "generator_manual_start") == "off"
    assert not suite.entry.runtime_data.memory.due


async def test_the_end_of_a_run_is_stored_before_it_begins(suite, hass_storage, monkeypatch):
    generator = suite.entry.runtime_data.coordinators[suite.key("generator")].device
    start, kept = generator.start, []

    async def watched():
        kept.extend(stored(suite, hass_storage))
        return await start()

    monkeypatch.setattr(generator, "start", watched)
    await act(suite, "start_generator", "generator", duration={"minutes": 30})
    assert [(due["control"], due["value"]) for due in kept] == [("generator_manual_start", 0)]
    assert stored(suite, hass_storage) == kept


async def test_a_run_that_did_not_begin_has_no_end(suite, hass_storage):
    suite.gx.refuse_writes.add(("generator", "/ManualStart"))
    with pytest.raises(HomeAssistantError):
        await act(suite, "start_generator", "generator", duration={"minutes": 30})
    assert not suite.entry.runtime_data.memory.due
    assert stored(suite, hass_storage) == []


@pytest.mark.parametrize("ending", [CannotConnect("silent"), DeviceGone(), asyncio.CancelledError()], ids=repr)
async def test_a_run_that_may_have_begun_is_ended(hass, suite, hass_storage, monkeypatch, ending):
    generator = suite.entry.runtime_data.coordinators[suite.key("generator")].device
    start = generator.start

    async def begun_without_a_word():
        await start()
        raise ending

    monkeypatch.setattr(generator, "start", begun_without_a_word)
    with pytest.raises((HomeAssistantError, asyncio.CancelledError)):
        await act(suite, "start_generator", "generator", duration={"minutes": 30})
    assert manual_start(suite) == 1
    assert len(stored(suite, hass_storage)) == 1

    await pass_time(hass, minutes=31)
    assert manual_start(suite) == 0
    assert not suite.entry.runtime_data.memory.due


async def test_a_run_without_a_duration_goes_on(hass, suite):
    await act(suite, "start_generator", "generator")

    await pass_time(hass, hours=12)

    assert manual_start(suite) == 1


async def test_the_end_is_stored_at_once(suite, hass_storage):
    await act(suite, "start_generator", "generator", duration=1800)

    (end,) = stored(suite, hass_storage)
    assert (end["device"], end["control"], end["value"]) == (suite.key("generator"), "generator_manual_start", 0)
    assert end["at"] == pytest.approx(dt_util.utcnow().timestamp() + 1800, abs=60)


async def test_an_end_that_is_still_to_come_survives_a_restart(hass, suite, hass_storage):
    await act(suite, "start_generator", "generator", duration={"minutes": 30})

    assert await hass.config_entries.async_reload(suite.entry.entry_id)
    await hass.async_block_till_done()
    assert manual_start(suite) == 1

    await pass_time(hass, minutes=31)
    assert manual_start(suite) == 0
    assert not stored(suite, hass_storage)


async def test_an_end_that_passed_during_a_restart_is_made_up_for_at_once(hass, suite, hass_storage):
    await act(suite, "start_generator", "generator", duration={"minutes": 30})

    assert await hass.config_entries.async_unload(suite.entry.entry_id)
    stored(suite, hass_storage)[0]["at"] -= 3600
    assert await hass.config_entries.async_setup(suite.entry.entry_id)

    await suite.shows("generator", "generator_manual_start", "off")
    await suite.until(lambda: not stored(suite, hass_storage))
    assert manual_start(suite) == 0


async def test_an_end_is_given_though_its_control_was_disabled_meanwhile(hass, suite):
    await act(suite, "start_generator", "generator", duration={"minutes": 30})
    hass.config_entries.async_update_entry(suite.entry, options=STILL)
    assert await hass.config_entries.async_reload(suite.entry.entry_id)
    await hass.async_block_till_done()

    await pass_time(hass, minutes=31)

    assert manual_start(suite) == 0


async def test_a_later_command_by_hand_takes_the_place_of_the_end(hass, suite):
    await act(suite, "start_generator", "generator", duration={"minutes": 30})
    await suite.call("switch", "turn_off", "generator", "generator_manual_start")
    await suite.call("switch", "turn_on", "generator", "generator_manual_start")

    await pass_time(hass, minutes=31)

    assert manual_start(suite) == 1


async def test_a_later_command_by_hand_is_remembered_over_a_crash(hass, suite, hass_storage):
    await act(suite, "start_generator", "generator", duration={"minutes": 30})
    await act(suite, "stop_generator", "generator")
    await pass_time(hass, seconds=3)

    assert not stored(suite, hass_storage)


async def test_a_new_duration_takes_the_place_of_the_old_one(hass, suite):
    await act(suite, "start_generator", "generator", duration={"minutes": 30})
    await act(suite, "start_generator", "generator", duration={"minutes": 90})

    await pass_time(hass, minutes=31)
    assert manual_start(suite) == 1

    await pass_time(hass, minutes=91)
    assert manual_start(suite) == 0


async def test_a_command_that_was_refused_leaves_the_end_as_it_was(hass, suite):
    await act(suite, "start_generator", "generator", duration={"minutes": 30})
    suite.gx.read_only = True
    with pytest.raises(HomeAssistantError):
        await act(suite, "stop_generator", "generator")
    suite.gx.read_only = False

    await pass_time(hass, minutes=31)

    assert manual_start(suite) == 0


async def test_a_run_that_could_not_be_started_has_no_end(suite):
    suite.house.set("generator", "/State", 10)

    with pytest.raises(HomeAssistantError):
        await act(suite, "start_generator", "generator", duration={"minutes": 30})

    assert not suite.entry.runtime_data.memory.due


async def test_a_pulse_opens_the_relay_again(hass, suite):
    with written(suite) as sent:
        await act(suite, "set_relay", "gx", relay=2, closed=True, pulse=5)
        assert suite.state("gx", "relay_2") == "on"
        await pass_time(hass, seconds=6)

    assert sent == [("system", "/Relay/1/State", 1), ("system", "/Relay/1/State", 0)]
    assert suite.state("gx", "relay_2") == "off"


async def test_a_pulse_closes_a_relay_that_it_opened(hass, suite):
    suite.house.set("system", "/Relay/1/State", 1)

    with written(suite) as sent:
        await act(suite, "set_relay", "gx", relay=2, closed=False, pulse={"seconds": 5})
        await pass_time(hass, seconds=6)

    assert sent == [("system", "/Relay/1/State", 0), ("system", "/Relay/1/State", 1)]


async def test_an_end_that_fails_is_tried_again_and_told_once(hass, suite, caplog):
    await act(suite, "start_generator", "generator", duration={"minutes": 30})
    suite.gx.vanish("generator", INSTANCES["generator"])
    await pass_time(hass, minutes=31)
    await pass_time(hass, minutes=31, seconds=due.TRY_AGAIN + 1)
    assert caplog.text.count("could not be ended in time") == 1

    suite.gx.reappear("generator", INSTANCES["generator"])
    await suite.shows("generator", "generator_manual_start", "on")
    await pass_time(hass, minutes=32, seconds=due.TRY_AGAIN + 1)

    assert manual_start(suite) == 0


async def test_an_end_after_which_a_condition_keeps_the_generator_running_is_done(hass, suite, caplog):
    await act(suite, "start_generator", "generator", duration={"minutes": 30})
    suite.house.set("generator", "/State", 1)
    suite.house.set("generator", "/RunningByConditionCode", 4)

    await pass_time(hass, minutes=31)

    assert manual_start(suite) == 0
    assert not suite.entry.runtime_data.memory.due


async def test_an_end_is_given_up_with_its_device(hass, suite, hass_storage):
    await act(suite, "start_generator", "generator", duration={"minutes": 30})
    suite.entry.runtime_data.async_forget(suite.key("generator"))

    await pass_time(hass, minutes=31)

    assert not stored(suite, hass_storage)
    assert manual_start(suite) == 1


async def test_an_end_that_fails_as_the_gateway_is_unloaded_is_kept_for_the_next_time(hass, suite, hass_storage):
    await act(suite, "start_generator", "generator", duration={"minutes": 30})
    suite.gx.inject(silence())
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(minutes=31))

    assert await hass.config_entries.async_unload(suite.entry.entry_id)
    await hass.async_block_till_done()

    assert len(stored(suite, hass_storage)) == 1


async def test_nothing_is_given_after_the_gateway_was_unloaded(hass, suite):
    await act(suite, "start_generator", "generator", duration={"minutes": 30})
    assert await hass.config_entries.async_unload(suite.entry.entry_id)

    await pass_time(hass, minutes=31)

    assert manual_start(suite) == 1

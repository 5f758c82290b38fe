"""What is loaded across entries, and the two buses: alarms and commands."""

from custom_components.energy_suite.gateways.base import Alarm, Evse, PowerMeter, Relay, Severity, Storage
from custom_components.energy_suite.suite import async_get_suite
from demo.gx import GxSimulator
from demo.site import Site, SiteConfig
from demo.victron_house import INSTANCES, VictronHouse
from tests.conftest import NOON, stored_entry


def kinds(hass) -> list[str]:
    return sorted(coordinator.device.kind for coordinator in async_get_suite(hass))


ALL = sorted(
    (
        "gx",
        "inverter_charger",
        "battery",
        "solar_charger",
        "grid_meter",
        "pv_inverter",
        "ev_charger",
        "generator",
    )
)


async def test_the_suite_holds_what_is_loaded_and_nothing_else(hass, suite):
    assert async_get_suite(hass) is async_get_suite(hass)
    assert kinds(hass) == ALL

    assert await hass.config_entries.async_unload(suite.entry.entry_id)
    assert kinds(hass) == []

    assert await hass.config_entries.async_setup(suite.entry.entry_id)
    assert kinds(hass) == ALL


async def test_devices_are_found_by_what_they_are_capable_of(hass, suite):
    capable = {
        capability: sorted(each.device.kind for each in async_get_suite(hass) if isinstance(each.device, capability))
        for capability in (Evse, Relay, Storage, PowerMeter)
    }

    assert capable[Evse] == ["ev_charger"]
    assert capable[Relay] == ["gx"]
    assert "battery" in capable[Storage]
    assert {"grid_meter", "pv_inverter", "ev_charger"} <= set(capable[PowerMeter])


async def test_a_device_that_is_added_later_is_announced(hass, suite):
    announced: list[str] = []
    ended: list[str] = []
    async_get_suite(hass).async_on_device(lambda coordinator: announced.append(coordinator.device.key))
    end = async_get_suite(hass).async_on_device(lambda coordinator: ended.append(coordinator.device.key))
    end()

    suite.gx.add_service("pvinverter", 21, {"/Position": 0, "/Ac/L1/Power": 300.0, "/Ac/L1/Voltage": 230.0})
    await suite.call("button", "press", "gx", "search_again")

    assert announced == ["pv_inverter_21"]
    assert ended == []
    assert kinds(hass) == sorted([*ALL, "pv_inverter"])


async def test_every_edge_of_an_alarm_is_passed_on(hass, suite):
    told: list[tuple[str, Alarm, bool]] = []
    end = async_get_suite(hass).async_on_alarm(
        lambda coordinator, alarm, raised: told.append((coordinator.device.kind, alarm, raised))
    )
    low_battery = Alarm("low_battery", Severity.WARNING, notify_by_default=True)

    suite.gx.set("vebus", INSTANCES["vebus"], "/Alarms/LowBattery", 1)
    await suite.until(lambda: len(told) == 1)
    suite.gx.set("vebus", INSTANCES["vebus"], "/Alarms/LowBattery", 0)
    await suite.until(lambda: len(told) == 2)
    end()
    suite.gx.set("vebus", INSTANCES["vebus"], "/Alarms/LowBattery", 2)
    await suite.shows("inverter_charger", "problem", "on")

    assert told == [("inverter_charger", low_battery, True), ("inverter_charger", low_battery, False)]


async def test_two_gateways_are_loaded_side_by_side(hass, suite, socket_enabled):
    async with GxSimulator(write_delay=0) as gx:
        other = VictronHouse(gx, Site(SiteConfig(seed=8), NOON))
        other.advance(60)
        entry = await stored_entry(other)
        data = {**entry.data, "uid": "fedcba9876543210fedcba9876543210"}
        entry.add_to_hass(hass)
        hass.config_entries.async_update_entry(entry, data=data)
        assert await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done()
        assert kinds(hass) == sorted(ALL * 2)

        await suite.call("switch", "turn_off", "ev_charger", "charging")
        assert [write.path for write in suite.gx.writes] == ["/StartStop"]
        assert not gx.writes

        assert await hass.config_entries.async_unload(entry.entry_id)
        assert kinds(hass) == ALL
        await suite.reports()
        assert suite.state("gx", "connection") == "on"

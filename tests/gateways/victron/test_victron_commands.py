"""Commands as they are seen on the wire and by the GX's services."""

import contextlib

import pytest

from custom_components.energy_suite.gateways.base import CommandRefused, DeviceGone
from custom_components.energy_suite.gateways.commands import Effect
from custom_components.energy_suite.gateways.victron.enums import ChargingMode, EssMode, InverterMode
from custom_components.energy_suite.gateways.victron.evcharger import EvCharger
from custom_components.energy_suite.gateways.victron.generator import GeneratorStartStop
from custom_components.energy_suite.gateways.victron.gx import GxDevice
from custom_components.energy_suite.gateways.victron.vebus import InverterCharger
from demo.gx import GxSimulator

WITH, WITHOUT, KEEP, EXTERNAL = EssMode
STATE = "/Settings/CGwacs/BatteryLife/State"
MINIMUM = "/Settings/CGwacs/BatteryLife/MinimumSocLimit"
LIMIT = "/Settings/CGwacs/BatteryLife/SocLimit"
HUB4 = "/Settings/CGwacs/Hub4Mode"
SETPOINT = "/Settings/CGwacs/AcPowerSetPoint"
DISCHARGE = "/Settings/CGwacs/MaxDischargePower"
FEED_IN = "/Settings/CGwacs/MaxFeedInPower"
CURRENT = "/Settings/SystemSetup/MaxChargeCurrent"
SETTINGS = {
    STATE: 10,
    MINIMUM: 20.0,
    LIMIT: 30.0,
    HUB4: 1,
    SETPOINT: 50.0,
    DISCHARGE: -1.0,
    FEED_IN: -1.0,
    CURRENT: -1.0,
    "/Settings/CGwacs/OvervoltageFeedIn": 0,
    "/Settings/CGwacs/PreventFeedback": 0,
}


@contextlib.contextmanager
def refused(reason: str):
    with pytest.raises(CommandRefused) as caught:
        yield caught
    assert caught.value.reason == reason


def written(gx: GxSimulator) -> list[tuple[str, object]]:
    return [(write.path, write.value) for write in gx.writes]


@pytest.fixture
def settings(gx):
    gx.add_service("system", 0, {"/Serial": "be300d83ff04", "/Relay/0/State": 0, "/Relay/1/State": 0})
    return gx.add_service("settings", 0, SETTINGS).values


@pytest.fixture
async def device(gx, site, settings):
    return await site.device(GxDevice, 100, "ess", "settings", "system")


# --- ESS ---


@pytest.mark.parametrize(
    ("hub4", "state", "mode"),
    [
        (1, 0, None),
        *((1, state, WITH) for state in range(1, 9)),
        (1, 9, KEEP),
        *((2, state, WITHOUT) for state in (10, 11, 12)),
        (1, 13, None),
        *((3, state, EXTERNAL) for state in (0, 2, 9, 10)),
    ],
)
async def test_ess_mode_is_put_together_from_two_registers(device, site, settings, hub4, state, mode) -> None:
    settings |= {HUB4: hub4, STATE: state}
    await site.read(device, "ess")
    assert device.ess_mode is mode


@pytest.mark.parametrize(
    ("hub4", "state", "mode", "writes"),
    [
        (1, 10, WITH, [(STATE, 1)]),
        (1, 5, WITH, []),
        (3, 0, WITH, [(HUB4, 1), (STATE, 1)]),
        (1, 3, WITHOUT, [(STATE, 10)]),
        (1, 11, WITHOUT, []),
        (3, 11, WITHOUT, [(HUB4, 1)]),
        (1, 10, KEEP, [(STATE, 9)]),
        (1, 9, KEEP, []),
        (3, 9, KEEP, [(HUB4, 1)]),
        (1, 10, EXTERNAL, [(HUB4, 3), (STATE, 0)]),
        (2, 0, EXTERNAL, [(HUB4, 3)]),
        (3, 0, EXTERNAL, []),
    ],
)
async def test_choosing_an_ess_mode_writes_what_the_gx_itself_would(
    gx, device, settings, hub4, state, mode, writes
) -> None:
    settings |= {HUB4: hub4, STATE: state}
    assert await device.set_ess_mode(mode) is (Effect.APPLIED if writes else Effect.UNCHANGED)
    assert written(gx) == writes
    assert device.ess_mode is mode


async def test_leaving_external_control_puts_back_the_multiphase_regulation(gx, site, device, settings) -> None:
    settings[HUB4] = 2
    await site.read(device, "ess")
    await device.set_ess_mode(EXTERNAL)
    await device.set_ess_mode(WITHOUT)
    assert settings[HUB4] == 2


async def test_batterylife_may_go_on_from_the_state_it_was_put_in(gx, device, settings) -> None:
    gx.adjust["settings", STATE] = lambda value: 2 if value == 1 else value
    assert await device.set_ess_mode(WITH) is Effect.APPLIED


async def test_ess_mode_with_a_minimum_state_of_charge(gx, device, settings) -> None:
    assert await device.set_ess_mode(WITH, 35.5) is Effect.APPLIED
    assert written(gx) == [(STATE, 1), (MINIMUM, 35.5)]
    with refused("not_in_this_ess_mode"):
        await device.set_ess_mode(KEEP, 35)
    with refused("out_of_range"):
        await device.set_ess_mode(WITH, 101)
    assert len(gx.writes) == 2


async def test_a_choice_that_is_not_taken_is_refused(gx, device) -> None:
    gx.refuse_writes.add(("settings", STATE))
    with refused("not_taken"):
        await device.set_ess_mode(KEEP)
    assert device.ess_mode is WITHOUT


async def test_a_read_only_gx_is_told_apart(gx, device, settings) -> None:
    gx.read_only = True
    with refused("writes_not_allowed"):
        await device.set_ess_mode(KEEP)
    with refused("writes_not_allowed"):
        await device.set_grid_setpoint(100)


async def test_minimum_state_of_charge(gx, device, settings) -> None:
    assert await device.set_minimum_state_of_charge(42.5) is Effect.APPLIED
    assert (settings[MINIMUM], device.minimum_state_of_charge) == (42.5, 42.5)
    assert await device.set_minimum_state_of_charge(42.5) is Effect.UNCHANGED
    for percent in (-0.1, 100.1, float("nan")):
        with refused("out_of_range"):
            await device.set_minimum_state_of_charge(percent)
    assert len(gx.writes) == 1


@pytest.mark.parametrize(("hub4", "state", "word"), [(1, 9, "keep_batteries_charged"), (3, 0, "external_control")])
async def test_minimum_state_of_charge_is_refused_where_it_has_no_effect(
    gx, device, settings, hub4, state, word
) -> None:
    settings |= {HUB4: hub4, STATE: state}
    with refused("not_in_this_ess_mode") as caught:
        await device.set_minimum_state_of_charge(30)
    assert caught.value.placeholders == {"mode": word}
    assert written(gx) == []


async def test_batterylife_may_hold_the_limit_higher(site, device, settings) -> None:
    assert device.active_state_of_charge_limit == 20
    settings[STATE] = 2
    await site.read(device, "ess")
    assert device.active_state_of_charge_limit == 30


# --- limits ---


@pytest.mark.parametrize("watts", [-32_000, 0, 32_766, 40_000, -100_000])
async def test_grid_setpoint(gx, device, settings, watts) -> None:
    assert await device.set_grid_setpoint(watts) is Effect.APPLIED
    assert settings[SETPOINT] == watts
    assert device.grid_setpoint == watts


async def test_grid_setpoint_is_refused_in_external_control_and_out_of_range(gx, device, settings) -> None:
    with refused("out_of_range"):
        await device.set_grid_setpoint(100_001)
    settings[HUB4] = 3
    with refused("not_in_this_ess_mode"):
        await device.set_grid_setpoint(100)
    assert written(gx) == []


async def test_limits_of_power_and_current(gx, device, settings) -> None:
    assert await device.set_maximum_discharge_power(4000) is Effect.APPLIED
    assert await device.set_maximum_feed_in_power(70_000) is Effect.APPLIED
    assert await device.set_maximum_charge_current(80) is Effect.APPLIED
    assert (settings[DISCHARGE], settings[FEED_IN], settings[CURRENT]) == (4000, 70_000, 80)
    assert await device.set_maximum_discharge_power(-1) is Effect.APPLIED
    assert await device.set_maximum_charge_current(-1) is Effect.APPLIED
    assert (settings[DISCHARGE], device.maximum_discharge_power, settings[CURRENT]) == (-1, -1, -1)
    for command in (
        device.set_maximum_discharge_power(300_001),
        device.set_maximum_feed_in_power(-2),
        device.set_maximum_charge_current(5001),
    ):
        with refused("out_of_range"):
            await command


async def test_discharge_power_is_refused_while_batteries_are_kept_charged(gx, device, settings) -> None:
    settings[STATE] = 9
    with refused("not_in_this_ess_mode"):
        await device.set_maximum_discharge_power(1000)
    assert written(gx) == []


async def test_limits_on_an_older_server(socket_enabled, site_of) -> None:
    async with GxSimulator(version="v1.0.92", write_delay=0) as old:
        values = old.add_service("settings", 0, SETTINGS).values
        device = await site_of(old).device(GxDevice, 100, "ess", "settings")
        assert await device.set_maximum_discharge_power(4000) is Effect.APPLIED
        assert values[DISCHARGE] == 4000
        assert await device.set_maximum_feed_in_power(70_000) is Effect.APPLIED
        assert values[FEED_IN] == 70_000
        # No limit and a limit of 0 look alike there.
        for watts in (-1, 0, 4):
            with refused("needs_newer_firmware"):
                await device.set_maximum_discharge_power(watts)
        with refused("needs_newer_firmware"):
            await device.set_maximum_feed_in_power(49)


async def test_feed_in(gx, device, settings) -> None:
    assert await device.set_feed_in_ac_coupled_pv(on=False) is Effect.APPLIED
    assert await device.set_feed_in_dc_coupled_pv(on=True) is Effect.APPLIED
    assert (settings["/Settings/CGwacs/PreventFeedback"], settings["/Settings/CGwacs/OvervoltageFeedIn"]) == (1, 1)
    assert (device.feed_in_ac_coupled_pv, device.feed_in_dc_coupled_pv) == (False, True)
    assert await device.set_feed_in_ac_coupled_pv(on=False) is Effect.UNCHANGED


# --- relays ---


async def test_relays_switch(gx, device) -> None:
    assert await device.set_relay(1, closed=True) is Effect.APPLIED
    assert await device.set_relay(2, closed=True) is Effect.APPLIED
    assert (device.relay_1, device.relay_2) == (True, True)
    with refused("no_such_relay"):
        await device.set_relay(3, closed=True)


async def test_a_relay_that_is_not_manual_is_refused(gx, device, settings) -> None:
    settings["/Settings/Relay/1/Function"] = -1
    with refused("relay_not_manual"):
        await device.set_relay(2, closed=True)


@pytest.mark.parametrize(
    ("service", "values", "reason"),
    [("generator", {"/State": 0}, "relay_used_by_generator"), ("pump", {"/State": 0}, "relay_used_by_pump")],
)
async def test_a_relay_that_another_uses_is_left_alone(gx, device, service, values, reason) -> None:
    gx.add_service(service, 0, values)
    with refused(reason):
        await device.set_relay(1, closed=True)
    assert await device.set_relay(2, closed=True) is Effect.APPLIED
    assert written(gx) == [("/Relay/1/State", 1)]


# --- inverter/charger ---


@pytest.fixture
async def multi(gx, site):
    values = {"/Mode": 3, "/Ac/ActiveIn/CurrentLimit": 25.0, "/Ac/ActiveIn/ActiveInput": 0, "/Dc/0/Voltage": 52.0}
    gx.add_service("vebus", 276, values)
    return await site.device(InverterCharger, 227)


@pytest.mark.parametrize("mode", [InverterMode.CHARGER_ONLY, InverterMode.INVERTER_ONLY, InverterMode.OFF])
async def test_inverter_mode(gx, multi, mode) -> None:
    assert await multi.set_inverter_mode(mode) is Effect.APPLIED
    assert (gx.get("vebus", 276, "/Mode"), multi.inverter_mode) == (mode, mode)


async def test_a_mode_that_a_digital_multi_control_owns_is_refused(gx, multi) -> None:
    gx.refuse_writes |= {("vebus", "/Mode"), ("vebus", "/Ac/ActiveIn/CurrentLimit")}
    with refused("control_not_available"):
        await multi.set_inverter_mode(InverterMode.OFF)
    with refused("control_not_available"):
        await multi.set_input_current_limit(10)
    assert multi.inverter_mode is InverterMode.ON


async def test_input_current_limit(gx, multi) -> None:
    assert await multi.set_input_current_limit(16.4) is Effect.APPLIED
    assert gx.get("vebus", 276, "/Ac/ActiveIn/CurrentLimit") == 16.4
    gx.adjust["vebus", "/Ac/ActiveIn/CurrentLimit"] = lambda value: max(value, 6.8)
    assert await multi.set_input_current_limit(2) is Effect.ADJUSTED
    assert multi.input_current_limit == 6.8
    multi.maximum_input_current = 32.0
    for amperes in (-0.1, 32.1):
        with refused("out_of_range"):
            await multi.set_input_current_limit(amperes)


async def test_input_current_limit_is_refused_without_an_active_input(gx, site, multi) -> None:
    gx.set("vebus", 276, "/Ac/ActiveIn/ActiveInput", 240)
    await site.read(multi)
    with refused("no_active_input"):
        await multi.set_input_current_limit(10)


async def test_a_device_that_is_gone_says_so(gx, multi) -> None:
    gx.vanish("vebus", 276)
    with pytest.raises(DeviceGone):
        await multi.set_inverter_mode(InverterMode.OFF)


# --- EV charging station ---


@pytest.fixture
async def station(gx, site):
    values = {"/ProductId": 1, "/MaxCurrent": 25.0, "/Mode": 0, "/SetCurrent": 16.0, "/StartStop": 1}
    gx.add_service("evcharger", 40, values)
    return await site.device(EvCharger, 40)


async def test_charging(gx, station) -> None:
    assert await station.set_charging_current(6) is Effect.APPLIED
    assert await station.set_charging(on=False) is Effect.APPLIED
    assert await station.set_charging_mode(ChargingMode.SCHEDULED) is Effect.APPLIED
    assert (station.charging_current, station.charging, station.charging_mode) == (6, False, ChargingMode.SCHEDULED)
    assert written(gx) == [("/SetCurrent", 6), ("/StartStop", 0), ("/Mode", 2)]


async def test_charging_current_is_refused_outside_manual_mode_and_out_of_range(gx, station) -> None:
    for amperes in (5.9, 25.1):
        with refused("out_of_range"):
            await station.set_charging_current(amperes)
    gx.set("evcharger", 40, "/Mode", 1)
    with refused("not_in_manual_mode"):
        await station.set_charging_current(10)
    assert await station.set_charging(on=False) is Effect.APPLIED
    assert written(gx) == [("/StartStop", 0)]


async def test_a_meter_in_the_ev_role_is_not_commanded(gx, station) -> None:
    gx.set("evcharger", 40, "/MaxCurrent", None)
    for command in (
        station.set_charging(on=True),
        station.set_charging_current(10),
        station.set_charging_mode(ChargingMode.AUTO),
    ):
        with refused("not_controllable"):
            await command
    assert written(gx) == []


# --- generator ---


@pytest.fixture
async def generator(gx, site):
    values = {
        "/State": 0,
        "/ManualStart": 0,
        "/AutoStartEnabled": 1,
        "/RunningByConditionCode": 0,
        "/ServiceCounter": 10,
        "/ServiceCounterReset": 0,
    }
    gx.add_service("generator", 0, values)
    return await site.device(GeneratorStartStop, 100)


async def test_generator_starts_and_stops(gx, generator) -> None:
    assert await generator.start() is Effect.APPLIED
    assert gx.get("generator", 0, "/ManualStart") == 1
    gx.service("generator", 0).values |= {"/State": 1, "/RunningByConditionCode": 1}
    assert await generator.stop() is Effect.APPLIED
    assert gx.get("generator", 0, "/ManualStart") == 0


@pytest.mark.parametrize("state", [5, 10])
async def test_a_generator_that_is_not_ready_is_not_started(gx, generator, state) -> None:
    gx.set("generator", 0, "/State", state)
    with refused("generator_not_ready"):
        await generator.start()
    assert written(gx) == []


async def test_a_condition_keeps_a_generator_running(gx, generator) -> None:
    gx.service("generator", 0).values |= {"/State": 1, "/RunningByConditionCode": 4, "/ManualStart": 1}
    with refused("generator_kept_running"):
        await generator.stop()
    # The manual run is ended all the same.
    assert gx.get("generator", 0, "/ManualStart") == 0


async def test_auto_start(gx, generator) -> None:
    assert await generator.set_auto_start(on=False) is Effect.APPLIED
    assert generator.auto_start is False


async def test_service_counter_is_reset_though_the_register_reads_0_again(gx, generator) -> None:
    gx.adjust["generator", "/ServiceCounterReset"] = lambda value: None
    assert await generator.reset_service_counter() is Effect.APPLIED
    assert written(gx) == [("/ServiceCounterReset", 1)]
    gx.read_only = True
    with refused("writes_not_allowed"):
        await generator.reset_service_counter()

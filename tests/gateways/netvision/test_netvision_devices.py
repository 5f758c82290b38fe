"""What stands behind a card shows itself as it is, by either channel, over real sockets."""

from dataclasses import replace

import pytest

from custom_components.energy_suite.gateways.base import Alarm, CommandRefused, Identity, Severity, Speed
from custom_components.energy_suite.gateways.base import Ups as UpsCapability
from custom_components.energy_suite.gateways.netvision.devices import Source
from custom_components.energy_suite.gateways.netvision.line import Channel
from custom_components.energy_suite.gateways.netvision.status import (
    BatteryStatus,
    BatteryTest,
    LoadLevel,
    SourceStatus,
    StsStatus,
    SupplyStatus,
    UpsStatus,
)
from demo.netvision import Emd
from demo.netvision_machines import MACHINES
from demo.ups import Condition
from tests.gateways.netvision.conftest import Site

CHANNELS = pytest.mark.parametrize("channels", ["modbus", "snmp", "both"])
UPS = pytest.mark.parametrize("machine", ["netys", "masterys"])


def keys(alarms):
    return {alarm.key for alarm in alarms}


def config(machine, **changes):
    """The machine with another configuration."""
    plain = MACHINES[machine]
    assert plain.ups is not None
    return replace(plain, ups=replace(plain.ups, **changes))


# --- a UPS -------------------------------------------------------------------------------------------------------


@CHANNELS
@UPS
async def test_a_ups_at_rest(make_card, site_of, machine, channels):
    site = await site_of(await make_card(machine), channels)
    ups = site.ups
    assert isinstance(site.ups, UpsCapability)
    assert ups.reachable
    assert ups.alarms == ()
    assert (ups.ups_status, ups.battery_status) == (UpsStatus.ON_INVERTER, BatteryStatus.OK)
    assert (ups.on_battery, ups.battery_low, ups.on_bypass, ups.overload) == (False, False, False, False)
    assert (ups.load_supplied, ups.imminent_stop) == (True, False)
    assert (ups.state_of_charge, ups.load_level) == (100.0, LoadLevel.NORMAL)
    assert ups.time_on_battery is None
    assert ups.input_phases == ups.output_phases == (1 if machine == "netys" else 3)
    assert ups.rectifier_input_status is SupplyStatus.OK
    assert site.card.alarms == ()


@CHANNELS
@UPS
async def test_the_mains_fail_and_come_back(make_card, site_of, machine, channels):
    card = await make_card(machine)
    site = await site_of(card, channels)
    ups = site.ups
    card.ups.lose_mains()
    card.advance(60)
    await site.read()
    assert (ups.ups_status, ups.battery_status) == (UpsStatus.ON_BATTERY, BatteryStatus.DISCHARGING)
    assert (ups.on_battery, ups.battery_low, ups.load_supplied) == (True, False, True)
    assert "on_battery" in keys(ups.alarms)
    # The JBUSP does not tell for how long.
    assert ups.time_on_battery == (None if (machine, channels) == ("netys", "modbus") else 60.0)
    assert ups.time_to_go == pytest.approx(card.ups.time_to_go, abs=31)
    card.ups.state_of_charge = 20.0
    await site.read()
    assert (ups.battery_low, ups.battery_status, ups.state_of_charge) == (True, BatteryStatus.LOW, 20.0)
    card.ups.state_of_charge = 5.0
    await site.read()
    assert (ups.imminent_stop, ups.ups_status) == (True, UpsStatus.IMMINENT_STOP)
    assert {"imminent_stop", "low_battery", "on_battery"} <= keys(ups.alarms)
    card.ups.state_of_charge = 0.0
    await site.read()
    assert (ups.load_supplied, ups.state_of_charge, ups.time_to_go) == (False, 0.0, None)
    assert ups.ups_status is UpsStatus.LOAD_OFF
    assert "load_not_supplied" in keys(ups.alarms)
    card.ups.restore_mains()
    card.advance(60)
    await site.read()
    assert (ups.on_battery, ups.load_supplied, ups.battery_status) == (False, True, BatteryStatus.CHARGING)
    assert ups.time_on_battery is None


@CHANNELS
@UPS
async def test_a_battery_test_is_no_power_cut_whatever_the_ups_says_of_its_battery(
    make_card, site_of, machine, channels
):
    card = await make_card(machine)
    card.ups.battery_test_says_on_battery = True
    site = await site_of(card, channels)
    ups = site.ups
    card.ups.start_battery_test(60)
    card.advance(10)
    await site.read()
    assert "on_battery" in card.ups.readings().flags
    assert (ups.ups_status, ups.battery_test) == (UpsStatus.BATTERY_TEST, BatteryTest.IN_PROGRESS)
    assert (ups.on_battery, "on_battery" in keys(ups.alarms)) == (False, False)
    # The mains fail: the test is over.
    card.ups.lose_mains()
    card.advance(10)
    await site.read()
    assert (ups.ups_status, ups.on_battery) == (UpsStatus.ON_BATTERY, True)
    assert "on_battery" in keys(ups.alarms)


@CHANNELS
async def test_the_remaining_time_is_shown_while_discharging_or_where_the_ups_computes_it_before(
    make_card, site_of, channels
):
    card = await make_card("netys")
    site = await site_of(card, channels)
    assert site.ups.time_to_go is None
    site = await site_of(await make_card("masterys"), channels)
    assert site.ups.time_to_go == pytest.approx(42_000 * 3600 * 0.94 / 64_800, abs=31)


@pytest.mark.parametrize("channels", ["modbus", "both"])
async def test_zeros_of_a_battery_at_rest_are_doubtful(make_card, site_of, channels):
    card = await make_card("masterys")
    card.forced_words |= {0x0056: 0, 0x0058: 0, 0x0059: 0}
    site = await site_of(card, channels)
    assert (site.ups.state_of_charge, site.ups.time_to_go, site.ups.time_on_battery) == (None, None, None)
    card.ups.lose_mains()
    await site.read()
    assert (site.ups.state_of_charge, site.ups.time_to_go, site.ups.time_on_battery) == (None, None, 0.0)
    card.forced_bits.add("A018")
    await site.read()
    assert (site.ups.state_of_charge, site.ups.time_to_go) == (0.0, 0.0)


async def test_a_time_on_battery_below_zero_is_none(make_card, site_of):
    card = await make_card("masterys")
    card.ups.lose_mains()
    card.forced_words[0x0059] = 0xFFF0
    assert (await site_of(card, "modbus")).ups.time_on_battery is None


@pytest.mark.parametrize(
    ("load", "level"),
    [
        (0, LoadLevel.NONE),
        (1, LoadLevel.NORMAL),
        (90, LoadLevel.NORMAL),
        (91, LoadLevel.HIGH),
        (100, LoadLevel.HIGH),
        (101, LoadLevel.OVERLOAD),
        (0xFFFF, None),
    ],
)
async def test_the_level_of_the_load(make_card, site_of, load, level):
    card = await make_card("masterys")
    card.forced_words[0x0040] = load
    site = await site_of(card, "modbus")
    # A load above 100 % has to be read twice.
    await site.read()
    assert site.ups.load_level is level


@CHANNELS
@UPS
async def test_an_overload_and_a_bypass(make_card, site_of, machine, channels):
    card = await make_card(machine)
    site = await site_of(card, channels)
    card.ups.loads = [load * 3 for load in card.ups.loads]
    card.ups.on_bypass = True
    await site.read()
    assert (site.ups.overload, site.ups.on_bypass) == (True, True)
    assert site.ups.ups_status is UpsStatus.ON_BYPASS
    assert {"overload", "on_bypass"} <= keys(site.ups.alarms)


@CHANNELS
@UPS
async def test_eco_mode_lives_on_the_bypass_and_is_not_on_bypass(make_card, site_of, machine, channels):
    card = await make_card(machine)
    card.ups.eco = True
    site = await site_of(card, channels)
    assert (site.ups.ups_status, site.ups.on_bypass) == (UpsStatus.ECO, False)
    assert "on_bypass" not in keys(site.ups.alarms)


@pytest.mark.parametrize("channels", ["modbus", "both"])
async def test_a_converter_has_no_battery(make_card, site_of, channels):
    site = await site_of(await make_card(config("masterys", battery=False)), channels)
    assert not site.ups.has_battery
    assert site.ups.battery_status is None
    assert (site.ups.state_of_charge, site.ups.time_to_go, site.ups.time_on_battery) == (None, None, None)
    assert site.ups.ups_status is UpsStatus.ON_INVERTER
    assert not [alarm.key for alarm in site.ups.alarms if "battery" in alarm.key]
    assert not site.ups.discharging


async def test_who_does_not_say_has_a_battery(make_card, site_of):
    site = await site_of(await make_card("netys"), "snmp")
    assert site.line.machine.has_battery is None
    assert site.ups.has_battery


async def test_a_ups_says_who_it_is(make_card, site_of):
    site = await site_of(await make_card("netys"))
    assert site.ups.identity == Identity(manufacturer="Socomec", model="NETYS PR", serial="P235A01742", firmware="1.30")
    assert site.card.identity == Identity(
        manufacturer="Socomec", model="NET VISION", firmware="v8.3", name="NET VISION"
    )


async def test_phases_that_nobody_tells_are_those_that_are_measured(make_card, site_of):
    card = await make_card("masterys")
    card.forced_words[0x0007] = 0
    ups = (await site_of(card, "modbus")).ups
    assert (ups.input_phases, ups.output_phases) == (3, 3)
    card.forced_words |= {0x0061: 0xFFFF, 0x004B: 0xFFFF}
    ups = (await site_of(card, "modbus")).ups
    assert (ups.input_phases, ups.output_phases) == (1, 1)


async def test_quantities_states_and_conditions_go_by_their_keys(make_card, site_of):
    ups = (await site_of(await make_card("masterys"), "modbus")).ups
    assert ups.output_voltage_l2 == 230.0
    assert ups.battery_test.name == "NONE"
    assert (ups.load_supplied, ups.on_battery, ups.energy_saver, ups.remote_control) == (True, False, False, None)
    with pytest.raises(AttributeError):
        _ = ups.no_such_thing


async def test_nothing_is_known_before_the_first_look(make_card, gateway_of):
    site = Site(gateway_of(await make_card("netys")))
    ups = site.ups
    assert (ups.ups_status, ups.on_battery, ups.load_supplied, ups.load_level) == (None, None, None, None)
    assert (ups.state_of_charge, ups.output_voltage_l1, ups.alarms) == (None, None, ())
    assert (site.sts.active_source, site.sts.preferred_source, site.unit(1).unit_status) == (None, None, None)
    assert site.card.remote_control is None
    assert not site.emd.reachable


# --- the card ----------------------------------------------------------------------------------------------------


@CHANNELS
@UPS
async def test_a_card_that_loses_its_ups_says_so_and_the_ups_is_gone(make_card, site_of, machine, channels):
    card = await make_card(machine, emd=Emd())
    site = await site_of(card, channels)
    assert site.card.ups_connected
    card.lose_ups()
    await site.read()
    assert not site.card.ups_connected
    assert site.card.reachable
    assert site.card.alarms == (Alarm("communication_lost", Severity.CRITICAL, notify_by_default=True),)
    assert not site.ups.reachable
    assert not site.unit(1).reachable
    assert (site.ups.alarms, site.ups.ups_status, site.ups.on_battery) == ((), None, None)
    assert site.emd.reachable is (channels != "modbus")
    card.find_ups()
    await site.read()
    assert site.ups.reachable
    assert site.card.alarms == ()


@pytest.mark.parametrize("channels", ["snmp", "both"])
async def test_a_card_says_what_it_does_about_shutting_down(make_card, site_of, channels):
    card = await make_card("netys")
    card.card_alarms |= {"upsAlarmShutdownPending", "upsAlarmShutdownImminent"}
    site = await site_of(card, channels)
    assert keys(site.card.alarms) == {"shutdown_pending", "shutdown_imminent"}


@pytest.mark.parametrize(
    ("channels", "channel"), [("modbus", Channel.MODBUS), ("snmp", Channel.SNMP), ("both", Channel.MODBUS)]
)
async def test_a_card_says_by_which_channel_it_is_read(make_card, site_of, channels, channel):
    assert (await site_of(await make_card("netys"), channels)).card.channel is channel


@pytest.mark.parametrize("is_open", [False, True])
@pytest.mark.parametrize(
    ("machine", "channels", "tells"),
    [
        ("netys", "modbus", True),
        ("netys", "snmp", True),
        ("netys", "both", True),
        ("masterys", "modbus", False),
        ("masterys", "snmp", True),
        ("masterys", "both", True),
    ],
)
async def test_a_card_says_whether_the_ups_takes_commands(make_card, site_of, machine, channels, tells, is_open):
    card = await make_card(machine)
    card.ups.remote_control = is_open
    assert (await site_of(card, channels)).card.remote_control is (is_open if tells else None)


async def test_a_card_tells_its_settings(make_card, site_of):
    card = await make_card("netys")
    site = await site_of(card)
    assert not site.card.manages_shutdown
    assert (site.card.shutdown_delay, site.card.turn_off_after_shutdown, site.card.connected_servers) == (None,) * 3
    await site.read_settings()
    assert site.card.manages_shutdown
    assert (site.card.shutdown_delay, site.card.turn_off_after_shutdown, site.card.connected_servers) == (180, False, 2)
    card.settings["upsTurnOffAfterShutdown", 0] = 1
    card.settings["upsShutdownDelay", 0] = -1
    await site.read_settings()
    assert (site.card.shutdown_delay, site.card.turn_off_after_shutdown) == (None, True)
    card.settings["upsTurnOffAfterShutdown", 0] = 3
    await site.read_settings()
    assert site.card.turn_off_after_shutdown is None


async def test_settings_are_a_part_of_their_own(make_card, site_of):
    site = await site_of(await make_card("netys"))
    assert {name: part.speed for name, part in site.card.parts.items()} == {
        "live": Speed.LIVE,
        "settings": Speed.SLOW,
        "agent": Speed.ONCE,
    }
    await site.read_settings()
    assert site.card.parts["agent"].shown == {"registers": {"objects": {"9.10.0": 2, "9.11.0": 9600, "9.23.0": 811}}}
    assert set(site.ups.parts) == {"live"}


async def test_by_modbus_alone_a_card_has_no_settings(make_card, site_of):
    card = (await site_of(await make_card("netys"), "modbus")).card
    assert set(card.parts) == {"live"}
    assert not card.manages_shutdown
    assert (card.shutdown_delay, card.turn_off_after_shutdown, card.connected_servers) == (None, None, None)
    with pytest.raises(CommandRefused, match="needs_snmp"):
        await card.set_shutdown_delay(60)


# --- units -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("machine", "channels", "states"),
    [
        ("masterys", "modbus", ["IN_SERVICE", "ALARM", "IMMINENT_STOP", "AVAILABLE", "ABSENT", None]),
        ("masterys", "snmp", ["UNKNOWN", "ALARM", "UNKNOWN", "UNKNOWN", "UNKNOWN", None]),
        ("netys", "modbus", ["IN_SERVICE", "ALARM", "IN_SERVICE", "IN_SERVICE", "ABSENT", None]),
    ],
)
async def test_units_are_as_the_system_says(make_card, site_of, machine, channels, states):
    card = await make_card(config(machine, units=5))
    units = card.ups.units
    units[1].alarm = units[2].imminent_stop = True
    units[3].in_service = units[4].present = False
    site = await site_of(card, channels)
    told = [site.unit(number).unit_status for number in (1, 2, 3, 4, 5, 16)]
    assert [None if status is None else status.name for status in told] == states
    assert [alarm.key for alarm in site.unit(2).alarms] == ["unit_alarm"]
    assert keys(site.unit(3).alarms) == ({"imminent_stop"} if (machine, channels) == ("masterys", "modbus") else set())
    assert site.unit(1).alarms == ()
    assert site.unit(1).identity.model == site.line.machine.model


# --- a transfer system -------------------------------------------------------------------------------------------


@CHANNELS
async def test_a_transfer_system(make_card, site_of, channels):
    card = await make_card("statys")
    site = await site_of(card, channels)
    sts = site.sts
    assert (sts.active_source, sts.preferred_source) == (Source.SOURCE_1, Source.SOURCE_1)
    assert (sts.sts_status, sts.source_1_status) == (StsStatus.ON_PREFERRED_SOURCE, SourceStatus.OK)
    assert (sts.load_supplied, sts.overload, sts.imminent_stop, sts.alarms) == (True, False, False, ())
    assert (sts.input_phases, sts.output_phases) == (3, 3)
    card.sts.sources[1] = Condition.ABSENT
    card.advance(1)
    await site.read()
    assert (sts.active_source, sts.preferred_source) == (Source.SOURCE_2, Source.SOURCE_1)
    assert (sts.sts_status, sts.source_1_status) == (StsStatus.ON_ALTERNATE_SOURCE, SourceStatus.ABSENT)
    assert {"source_1_absent", "on_alternate_source"} <= keys(sts.alarms)
    card.sts.sources[2] = Condition.ABSENT
    card.advance(1)
    await site.read()
    assert (sts.active_source, sts.load_supplied) == (None, False)
    assert sts.sts_status is StsStatus.LOAD_OFF


@CHANNELS
async def test_an_overloaded_transfer_system(make_card, site_of, channels):
    card = await make_card("statys")
    card.sts.loads = [30_000.0] * 3
    site = await site_of(card, channels)
    assert site.sts.overload is True


# --- the environment device --------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", ["snmp", "both"])
async def test_an_environment_device_shows_what_it_measures(make_card, site_of, channels):
    card = await make_card("netys", emd=Emd(temperature=-3.5, humidity=41.2, input_1=3, input_2=1))
    site = await site_of(card, channels)
    emd = site.emd
    assert emd.reachable
    assert (emd.temperature, emd.humidity, emd.input_1, emd.input_2) == (-3.5, 41.2, True, None)
    assert emd.advice == ()
    assert emd.identity == Identity(manufacturer="Socomec", model="EMD")
    card.emd.input_1 = 2
    await site.read()
    assert emd.input_1 is False


@pytest.mark.parametrize(
    "emd",
    [None, Emd(0, 0, 0, 0), Emd(-0.1, -0.1, -1, -1), Emd(6553.5, 6553.5, 65535, 65535)],
    ids=["absent", "zeros", "-1", "65535"],
)
@pytest.mark.parametrize("channels", ["snmp", "both"])
async def test_without_real_values_there_is_no_environment_device(make_card, site_of, channels, emd):
    site = await site_of(await make_card("netys", emd=emd), channels)
    assert not site.emd.reachable
    assert (site.emd.temperature, site.emd.humidity, site.emd.input_1, site.emd.input_2) == (None,) * 4
    assert site.emd.advice == ()


@pytest.mark.parametrize(("temperature", "advice"), [(50.0, ()), (72.5, ("emd_in_fahrenheit",))])
async def test_a_card_set_to_fahrenheit_is_noticed(make_card, site_of, temperature, advice):
    site = await site_of(await make_card("netys", emd=Emd(temperature=temperature)))
    assert site.emd.advice == advice


async def test_an_environment_device_needs_snmp(make_card, site_of):
    assert not (await site_of(await make_card("netys", emd=Emd()), "modbus")).emd.reachable

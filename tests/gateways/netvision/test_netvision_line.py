"""One look at a card per round, over whichever of its channels answers; with an explicit clock."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from custom_components.energy_suite.gateways.base import AuthenticationFailed, CannotConnect, NotThisDevice
from custom_components.energy_suite.gateways.netvision.line import Channel, Line, View
from custom_components.energy_suite.gateways.netvision.machine import CardState, Machine
from custom_components.energy_suite.gateways.netvision.quantities import Table
from custom_components.energy_suite.gateways.schedule import FIRST_BACK_OFF, LONGEST_BACK_OFF
from demo import faults
from demo.netvision import Emd, NetVisionCard
from demo.netvision_machines import MACHINES
from demo.usm import User
from tests.gateways.netvision.conftest import MakeCard, eventually

QUICK = 0.15


class Watched:
    """A line to a card, with a clock of its own."""

    def __init__(self, card: NetVisionCard, line: Line, clock: list[float]) -> None:
        self.card = card
        self.line = line
        self._clock = clock

    def passes(self, seconds: float) -> None:
        self._clock[0] += seconds

    async def look(self) -> Line:
        await self.line.look(self.line.looks)
        return self.line

    def asked(self) -> tuple[int, int]:
        """How many requests came by Modbus and by SNMP since the last time."""
        counts = len(self.card.modbus.requests), len(self.card.agent.requests)
        self.card.modbus.requests.clear()
        self.card.agent.requests.clear()
        return counts


@pytest.fixture
def line_of(gateway_of) -> Callable[..., Watched]:
    def line_of(card: NetVisionCard, channels: str = "both", **settings: object) -> Watched:
        made = gateway_of(card, channels, **settings).line
        clock = [1000.0]
        return Watched(card, Line(made.modbus, made.snmp, lambda: clock[0]), clock)

    return line_of


@asynccontextmanager
async def other_master(card: NetVisionCard) -> AsyncIterator[None]:
    """Somebody else holds the one connection that the card has."""
    await eventually(lambda: card.modbus.connections_now == 0)
    _, writer = await asyncio.open_connection(card.modbus.host, card.modbus.port)
    await eventually(lambda: card.modbus.connections_now == 1)
    yield
    writer.close()
    await eventually(lambda: card.modbus.connections_now == 0)


# --- what a round costs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("machine", "channels", "requests"),
    [
        ("netys", "modbus", (3, 0)),
        ("masterys", "modbus", (3, 0)),
        ("statys", "modbus", (3, 0)),
        ("netys", "both", (3, 1)),
        ("masterys", "both", (3, 1)),
        ("delphys", "both", (3, 1)),
        ("statys", "both", (3, 0)),
        ("netys", "snmp", (0, 2)),
        ("masterys", "snmp", (0, 3)),
        ("statys", "snmp", (0, 2)),
    ],
)
async def test_a_round_of_all_devices_asks_the_card_once(make_card, line_of, machine, channels, requests):
    watched = line_of(await make_card(machine), channels)
    views = [View(watched.line) for _ in range(5)]
    for now in range(3):
        for view in views:
            await view.async_read(float(now))
        if now:
            assert watched.asked() == requests
        else:
            watched.asked()
    assert watched.line.looks == 3
    assert all(view.read_at == 2.0 and view.present for view in views)


async def test_whoever_comes_late_in_a_round_is_told_what_the_first_one_heard(make_card, line_of):
    watched = line_of(card := await make_card("netys"), "modbus")
    first, second = View(watched.line), View(watched.line)
    card.modbus.inject(faults.disconnect(), requests=1)
    for view in (first, second):
        with pytest.raises(CannotConnect, match="dropped"):
            await view.async_read(1.0)
    assert (first.read_at, first.present) == (None, None)
    assert watched.line.looks == 1
    await first.async_read(2.0)
    await second.async_read(2.0)
    assert watched.line.looks == 2


# --- identity ----------------------------------------------------------------------------------------------------


async def test_a_machine_is_merged_of_what_both_channels_tell(make_card, line_of):
    line = line_of(await make_card("netys")).line
    assert await line.identify() == {}
    assert line.machine == Machine(
        table=Table.JBUSP,
        model="NETYS PR",
        serial="P235A01742",
        firmware="1.30",
        card_firmware="v8.3",
        name="NET VISION",
        input_phases=1,
        output_phases=1,
        has_battery=True,
        rated={
            "rated_apparent_power": 3000.0,
            "rated_input_voltage": 230.0,
            "rated_output_voltage": 230.0,
            "rated_input_frequency": 50.0,
            "rated_output_frequency": 50.0,
            "rated_battery_capacity": 9.0,
        },
    )


@pytest.mark.parametrize("machine", MACHINES)
async def test_what_was_merged_is_the_same_when_reading_finds_it_out(make_card, line_of, machine):
    card = await make_card(machine)
    found, watched = line_of(card).line, line_of(card)
    await found.identify()
    await watched.look()
    assert watched.line.machine == found.machine
    watched.line.forget()
    assert (await watched.look()).machine == found.machine


async def test_a_channel_that_does_not_answer_leaves_the_identity_to_the_other(make_card, line_of):
    watched = line_of(await make_card("netys", modbus_enabled=False))
    assert {name: type(error) for name, error in (await watched.line.identify()).items()} == {
        Channel.MODBUS: CannotConnect
    }
    assert (watched.line.machine.table, watched.line.machine.model) == (Table.UPS_MIB, "NETYS PR 3000")
    watched = line_of(await make_card("netys", snmp_enabled=False))
    assert set(await watched.line.identify()) == {Channel.SNMP}
    assert (watched.line.machine.table, watched.line.machine.name) == (Table.JBUSP, None)


async def test_without_any_channel_the_first_error_is_raised(make_card, line_of):
    line = line_of(await make_card("netys", modbus_enabled=False, snmp_enabled=False)).line
    with pytest.raises(CannotConnect, match="lost"):
        await line.identify()
    assert set(line.errors) == {Channel.MODBUS, Channel.SNMP}


# --- one channel for the other -----------------------------------------------------------------------------------


async def test_a_card_that_another_master_holds_is_read_by_snmp_and_by_modbus_again_later(make_card, line_of):
    watched = line_of(card := await make_card("masterys"))
    assert (await watched.look()).source is Channel.MODBUS
    card.modbus.disconnect_all()
    async with other_master(card):
        watched.asked()
        line = await watched.look()
        assert (line.source, line.readings and line.readings.table) == (Channel.SNMP, Table.UPS_MIB)
        assert line.readings.values["output_voltage_l1"] == 230.0
        assert line.machine.table is Table.VUMAP
        refused = card.modbus.connections_refused
        assert refused > 0
        # It is not tried again in every round.
        watched.passes(FIRST_BACK_OFF - 1)
        await watched.look()
        assert card.modbus.connections_refused == refused
        watched.passes(1)
        assert (await watched.look()).source is Channel.SNMP
        assert card.modbus.connections_refused > refused
        refused = card.modbus.connections_refused
        watched.passes(2 * FIRST_BACK_OFF - 1)
        await watched.look()
        assert card.modbus.connections_refused == refused
    watched.passes(1)
    line = await watched.look()
    assert (line.source, line.readings and line.readings.table) == (Channel.MODBUS, Table.VUMAP)


async def test_a_channel_that_rests_is_asked_where_the_other_one_fails(make_card, line_of):
    watched = line_of(card := await make_card("netys"))
    await watched.look()
    card.modbus.stop()
    assert (await watched.look()).source is Channel.SNMP
    await card.modbus.start()
    card.agent.stop()
    assert (await watched.look()).source is Channel.MODBUS


async def test_snmp_that_is_silent_beside_modbus_costs_no_timeout_in_every_round(make_card, line_of):
    watched = line_of(card := await make_card("netys"), timeout=QUICK)
    assert (await watched.look()).card.remote_control is True
    card.agent.read_community = "other"
    watched.asked()
    line = await watched.look()
    assert (line.source, line.card) == (Channel.MODBUS, CardState())
    assert line.readings is not None
    assert watched.asked() == (3, 2)
    rested = FIRST_BACK_OFF
    for _ in range(3):
        watched.passes(rested - 1)
        await watched.look()
        assert watched.asked() == (3, 0)
        watched.passes(1)
        await watched.look()
        assert watched.asked() == (3, 2)
        rested *= 2
    card.agent.read_community = "public"
    watched.passes(rested)
    assert (await watched.look()).card.remote_control is True
    assert watched.asked() == (3, 1)


async def test_a_channel_never_rests_longer_than_a_few_minutes(make_card, line_of):
    watched = line_of(card := await make_card("netys", snmp_enabled=False))
    for _ in range(10):
        await watched.look()
        watched.passes(LONGEST_BACK_OFF)
    await card.agent.start()
    assert (await watched.look()).card.remote_control is True


async def test_with_both_channels_dead_the_first_error_is_raised_each_time(make_card, line_of):
    watched = line_of(card := await make_card("netys"))
    await watched.look()
    card.stop()
    with pytest.raises(CannotConnect):
        await watched.look()
    with pytest.raises(CannotConnect):
        await watched.line.look(0)
    await card.start()
    watched.passes(FIRST_BACK_OFF)
    assert (await watched.look()).source is Channel.MODBUS


async def test_credentials_that_the_card_rejects_are_remembered_until_it_takes_them(make_card, line_of):
    users = [User("reader", level="noAuthNoPriv")]
    watched = line_of(card := await make_card("netys", users=users), snmp_version="v3", user="stranger")
    line = await watched.look()
    assert line.source is Channel.MODBUS
    assert line.rejected
    card.agent.engine.add([User("stranger", level="noAuthNoPriv")])
    watched.passes(FIRST_BACK_OFF)
    await watched.look()
    assert not line.rejected


async def test_rejected_credentials_are_an_error_where_there_is_nothing_else(make_card, line_of):
    watched = line_of(await make_card("netys"), "snmp", snmp_version="v3", user="stranger")
    with pytest.raises(AuthenticationFailed):
        await watched.look()
    assert watched.line.rejected


# --- the machine -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", ["modbus", "snmp", "both"])
@pytest.mark.parametrize("machine", ["netys", "masterys"])
async def test_a_card_that_loses_its_machine_says_so_by_every_channel(make_card, line_of, machine, channels):
    watched = line_of(card := await make_card(machine), channels)
    assert not (await watched.look()).lost
    card.lose_ups()
    line = await watched.look()
    assert (line.lost, line.readings) == (True, None)
    card.find_ups()
    line = await watched.look()
    assert not line.lost
    assert line.readings is not None


async def test_a_card_that_shows_old_words_of_a_machine_it_lost_is_not_believed(make_card, line_of):
    watched = line_of(card := await make_card("netys"))
    card.stale_modbus = True
    card.lose_ups()
    line = await watched.look()
    assert (line.source, line.lost, line.readings) == (Channel.MODBUS, True, None)
    assert line.card.bits == {"6.3.58"}


async def test_words_that_are_all_zero_are_a_machine_that_was_lost(make_card, line_of):
    watched = line_of(card := await make_card("masterys"), "modbus")
    await watched.look()
    with card.modbus.inject(faults.zeros()):
        assert (await watched.look()).lost
    assert not (await watched.look()).lost


async def test_a_machine_that_was_lost_before_it_was_known_is_lost(make_card, line_of):
    watched = line_of(card := await make_card("netys"), "modbus")
    card.lose_ups()
    line = await watched.look()
    assert (line.lost, line.machine) == (True, Machine())
    card.find_ups()
    line = await watched.look()
    assert (line.lost, line.machine.table) == (False, Table.JBUSP)


@pytest.mark.parametrize("channels", ["modbus", "snmp", "both"])
async def test_a_machine_that_was_replaced_is_found_out_after_a_while(make_card, line_of, channels):
    watched = line_of(card := await make_card("netys"), channels)
    view = View(watched.line)
    await view.async_read(0.0)
    await replaced(make_card, card, "masterys")
    view.forget()
    await view.async_read(1.0)
    line = watched.line
    assert line.machine.serial == "V441B07315"
    assert line.readings is not None
    assert line.readings.table is (Table.UPS_MIB if channels == "snmp" else Table.VUMAP)
    assert line.readings.values["output_voltage_l3"] == 230.0


async def test_a_machine_of_another_table_is_found_out_even_where_nobody_said_forget(make_card, line_of):
    watched = line_of(card := await make_card("netys"), "modbus")
    await watched.look()
    await replaced(make_card, card, "statys")
    with pytest.raises(NotThisDevice):
        await watched.look()
    line = await watched.look()
    assert (line.machine.is_sts, line.readings and line.readings.table) == (True, Table.STS)


async def test_a_machine_that_one_channel_finds_replaced_is_asked_for_by_the_other_too(make_card, line_of):
    watched = line_of(card := await make_card("netys"))
    await watched.look()
    await replaced(make_card, card, "masterys")
    for _ in range(3):
        line = await watched.look()
        watched.passes(FIRST_BACK_OFF)
    assert (line.source, line.machine.serial, line.machine.table) == (Channel.MODBUS, "V441B07315", Table.VUMAP)
    assert line.readings.values["output_voltage_l3"] == 230.0


async def replaced(make_card: MakeCard, card: NetVisionCard, machine: str) -> None:
    """Put another machine behind a card, which restarts."""
    card.stop()
    await make_card(machine, modbus_port=card.modbus.port, snmp_port=card.agent.port)


async def test_the_factor_of_a_machine_is_read_again_when_forgotten(make_card, line_of):
    watched = line_of(card := await make_card("masterys"), "modbus")
    power = (await watched.look()).readings.values["output_power"]
    card.measurement_factor = 0
    assert (await watched.look()).readings.values["output_power"] != power
    watched.line.forget()
    assert (await watched.look()).readings.values["output_power"] == pytest.approx(power, rel=0.01)


async def test_devices_never_see_half_of_a_look(make_card, line_of):
    """Values that the card brings of a machine that it lost are not shown while the card is asked on."""
    watched = line_of(card := await make_card("netys", emd=Emd()))
    await watched.look()
    card.stale_modbus = True
    card.lose_ups()
    states = set()
    look = asyncio.ensure_future(watched.look())
    while not look.done():
        states.add((watched.line.lost, watched.line.card.emd is not None, watched.line.readings is None))
        await asyncio.sleep(0)
    assert states == {(False, True, False)}
    assert (watched.line.lost, watched.line.readings) == (True, None)


# --- diagnostics -------------------------------------------------------------------------------------------------


async def test_diagnostics_show_the_readings_once(make_card, line_of):
    watched = line_of(card := await make_card("netys"))
    shows, silent = View(watched.line, shows=True), View(watched.line)
    assert shows.shown == {}
    for view in (shows, silent):
        await view.async_read(1.0)
    assert silent.shown == {}
    assert shows.shown["values"]["state_of_charge"] == 100.0
    assert shows.shown["values"]["bits"] == sorted(watched.line.readings.bits)
    assert shows.shown["registers"]["holding"][str(0x1064)] == 100
    assert shows.shown["registers"]["objects"]["8.4.0"] == 1
    card.forced_words[0x1069] = 3000
    for view in (shows, silent):
        await view.async_read(2.0)
    assert (shows.dropped, silent.dropped) == (1, 0)


async def test_diagnostics_show_no_registers_that_were_not_read(make_card, line_of):
    watched = line_of(await make_card("statys"), "snmp")
    view = View(watched.line, shows=True)
    await view.async_read(1.0)
    assert set(view.shown["registers"]) == {"objects"}
    watched = line_of(await make_card("statys"), "modbus")
    view = View(watched.line, shows=True)
    await view.async_read(1.0)
    assert set(view.shown["registers"]) == {"holding"}

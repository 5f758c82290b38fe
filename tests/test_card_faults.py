"""What goes wrong with a card: nothing false is shown, what can go on goes on, everything comes back."""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.const import EVENT_STATE_CHANGED, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir

from custom_components.energy_suite.connection import async_get_pool
from custom_components.energy_suite.const import DOMAIN
from custom_components.energy_suite.diagnostics import async_get_config_entry_diagnostics
from custom_components.energy_suite.suite import async_get_suite
from demo.faults import Answer, Fault, cut, disconnect, exception, other_transaction, silence, zeros
from demo.netvision import Emd, NetVisionCard
from demo.netvision_machines import MACHINES
from demo.netvision_tables import JBUSP, STS, VUMAP, load_blocks
from demo.snmp_agent import SnmpObject, garbage
from demo.snmp_wire import Tag, Value
from demo.usm import User
from tests.conftest import CardSuite, stored_card_entry
from tests.test_alarms import events
from tests.test_card import (
    EVERY_CARD_CONTROL,
    STILL,
    always_fresh,  # noqa: F401 - for every test
    each_channel,
    each_machine,
    each_ups,
    entities_of,
    one_round,
    registered_of,
    shown,
    still,
    told_of,
    with_emd,
)
from tests.test_card_commands import by_action
from tests.test_init import schedules

V3: dict[str, Any] = {
    "snmp_version": "v3",
    "user": "watcher",
    "level": "authPriv",
    "auth_protocol": "sha",
    "auth_password": "Zq7-open-sesame",
    "priv_protocol": "aes",
    "priv_password": "Zq8-close-sesame",
}
USER = User("watcher", auth_password=V3["auth_password"], priv_password=V3["priv_password"])

# Stand for the device itself, whatever is read of it.
OF_THE_DEVICE = ("alarm", "problem", "search_again", "connection", "achieved_interval")


@asynccontextmanager
async def running(
    hass: HomeAssistant, card: NetVisionCard, channels: str, options: dict[str, Any] | None = None, **settings: Any
) -> AsyncIterator[CardSuite]:
    """The integration with a card, by these channels and settings."""
    entry = await stored_card_entry(card, channels, options)
    entry.add_to_hass(hass)
    if settings:
        hass.config_entries.async_update_entry(entry, data={**entry.data, **settings})
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    try:
        yield CardSuite(hass, card, entry)
    finally:
        if entry.state.recoverable:
            await hass.config_entries.async_unload(entry.entry_id)


async def reload(suite: CardSuite) -> None:
    """Set the entry up anew."""
    await suite.hass.config_entries.async_reload(suite.entry.entry_id)
    await suite.hass.async_block_till_done()


class Watch:
    """What every entity shows from now on, and what is logged of it."""

    def __init__(self, suite: CardSuite, caplog: pytest.LogCaptureFixture) -> None:
        self.suite = suite
        self.before = shown(suite)
        caplog.clear()
        self._caplog = caplog
        self._places = {entity.entity_id: place for place, entity in entities_of(suite).items()}
        self.seen: list[tuple[tuple[str, str], str]] = []
        suite.hass.bus.async_listen(EVENT_STATE_CHANGED, self._note)

    @callback
    def _note(self, event: Event[EventStateChangedData]) -> None:
        state, place = event.data["new_state"], self._places.get(event.data["entity_id"])
        if state is not None and place is not None and place[1] not in OF_THE_DEVICE:
            self.seen.append((place, state.state))

    @property
    def false(self) -> list[tuple[tuple[str, str], str]]:
        """What was shown although the machine never changed; which channel brings the values may change."""
        return [
            (place, state)
            for place, state in self.seen
            if state not in (STATE_UNAVAILABLE, STATE_UNKNOWN, self.before[place]) and place != ("card", "channel")
        ]

    @property
    def interrupted(self) -> set[str]:
        """The devices of which something was unavailable."""
        return {device for (device, _), state in self.seen if state == STATE_UNAVAILABLE}

    @property
    def logged(self) -> Counter[str]:
        """What was logged of the devices, by us, and anything worse by anybody."""
        return Counter(
            record.getMessage()
            for record in self._caplog.get_records("call")
            if (record.name.startswith("custom_components") and record.levelno >= logging.INFO)
            or record.levelno >= logging.ERROR
        )

    @property
    def is_back(self) -> bool:
        """Whether everything shows what it did before."""
        now = shown(self.suite)
        ignored = {place for place in now if place[1] in OF_THE_DEVICE}
        return {at: state for at, state in now.items() if at not in ignored} == {
            at: state for at, state in self.before.items() if at not in ignored
        }

    async def comes_back(self) -> None:
        """Wait until everything shows what it did before."""
        try:
            await self.suite.until(lambda: self.is_back)
        except TimeoutError:
            now = shown(self.suite)
            pytest.fail(f"not back: {[(at, now[at]) for at in now if now[at] != self.before[at]]}")


@pytest.fixture
async def watch(card_suite: CardSuite, caplog: pytest.LogCaptureFixture) -> Watch:
    """Watch a card that is read."""
    await card_suite.reports()
    return Watch(card_suite, caplog)


def devices_of(suite: CardSuite) -> set[str]:
    """The keys of the devices."""
    return {found["key"] for found in suite.entry.data["devices"]}


def told_once(watch: Watch) -> bool:
    """Whether the end and the return of each device's answers were logged once each, and nothing else."""
    devices = len(devices_of(watch.suite))
    away = [message for message in watch.logged if "does not answer" in message]
    back = [message for message in watch.logged if "answers again" in message]
    names = {message.partition(" does not")[0] for message in away}
    assert names == {message.partition(" answers")[0] for message in back}
    # The units of a system share a name there.
    return sum(watch.logged.values()) == 2 * devices


async def all_away(suite: CardSuite) -> None:
    """Wait until no device answers."""
    coordinators = suite.entry.runtime_data.coordinators.values()
    await suite.until(lambda: not any(coordinator.data.available for coordinator in coordinators))


@asynccontextmanager
async def another_master(card: NetVisionCard) -> AsyncIterator[None]:
    """Another Modbus master holds the one connection of the card."""
    ours = tuple(card.modbus.connections)
    card.modbus.most = 2
    reader, writer = await asyncio.open_connection(card.host, card.modbus.port)
    try:
        # It is served: one word of the first table.
        writer.write(bytes.fromhex("000100000006010300000001"))
        assert (await reader.readexactly(8))[:2] == b"\x00\x01"
        card.modbus.most = 1
        for connection in ours:
            connection.abort()
        yield
    finally:
        writer.close()
        await writer.wait_closed()


# --- one channel alone --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("enabled", "channels", "source"),
    [
        ({"modbus_enabled": False}, "snmp", "snmp"),
        ({"modbus_enabled": False}, "both", "snmp"),
        ({"snmp_enabled": False}, "modbus", "modbus"),
        ({"snmp_enabled": False}, "both", "modbus"),
    ],
)
async def test_a_card_with_one_channel_is_read_by_that_one(
    hass: HomeAssistant, socket_enabled: None, enabled: dict[str, Any], channels: str, source: str
) -> None:
    async with NetVisionCard("masterys", **enabled) as card, running(hass, card, channels) as suite:
        await suite.reports()
        assert suite.state("card", "channel") == source
        assert suite.state("ups", "ups_status") == "on_inverter"
        assert suite.state("card", "connection") == "on"
        card.ups.mains = False
        await suite.shows("ups", "on_battery", "on")


@pytest.mark.parametrize(
    ("enabled", "channels"), [({"modbus_enabled": False}, "modbus"), ({"snmp_enabled": False}, "snmp")]
)
async def test_a_card_without_the_only_channel_is_tried_again(
    hass: HomeAssistant, card: NetVisionCard, enabled: dict[str, bool], channels: str
) -> None:
    async with running(hass, card, channels) as suite:
        if "modbus_enabled" in enabled:
            card.modbus.stop()
        else:
            card.agent.stop()
        await reload(suite)
        assert suite.entry.state is ConfigEntryState.SETUP_RETRY
        # The one connection may be another master's.
        reason = "busy_or_off" if channels == "modbus" else "cannot_connect"
        assert suite.entry.error_reason_translation_key == reason

        await card.start()
        await reload(suite)
        assert suite.state("ups", "ups_status") == "on_inverter"


@pytest.mark.parametrize("version", ["v1", "v2c", "v3"])
async def test_every_version_of_snmp_brings_the_same(hass: HomeAssistant, socket_enabled: None, version: str) -> None:
    settings = V3 if version == "v3" else {"snmp_version": version}
    async with NetVisionCard("netys", versions=("v2c", version), users=[USER]) as card:
        card.advance(5)
        async with running(hass, card, "snmp") as suite:
            before = shown(suite)
            card.agent.versions = {version}
            hass.config_entries.async_update_entry(suite.entry, data={**suite.entry.data, **settings})
            await reload(suite)
            assert shown(suite) == before
            await by_action(suite, "eco_mode")
            assert suite.state("ups", "ups_status") == "eco"


# --- another master, idle close, reboot ---------------------------------------------------------------------------


@pytest.mark.parametrize("machine", ["netys", "masterys", "statys"])
async def test_while_another_master_is_connected_snmp_brings_the_values(card_suite, watch):
    async with another_master(card_suite.card):
        await card_suite.shows("card", "channel", "snmp")
        await card_suite.reports()
        assert card_suite.card.modbus.connections_refused

    await card_suite.shows("card", "channel", "modbus")
    await watch.comes_back()
    # By SNMP a supply is not told to be synchronised.
    assert {state for _, state in watch.false} <= {"ok"}
    assert watch.interrupted == set()
    assert not watch.logged


@pytest.mark.parametrize("channels", ["modbus"])
@each_ups
async def test_by_modbus_alone_another_master_makes_the_card_unavailable(card_suite, watch):
    async with another_master(card_suite.card):
        await all_away(card_suite)
        assert card_suite.state("ups", "ups_status") == STATE_UNAVAILABLE
        assert card_suite.state("card", "connection") == "off"

    await watch.comes_back()
    assert watch.false == []
    assert watch.interrupted == devices_of(card_suite)
    assert told_once(watch)


@each_ups
@pytest.mark.parametrize("channels", ["modbus", "both"])
async def test_a_connection_that_the_card_closed_is_opened_again(hass, socket_enabled, machine, channels, caplog):
    async with NetVisionCard(machine, idle_close=0.02) as card, running(hass, card, channels) as suite:
        watch = Watch(suite, caplog)
        connections = card.modbus.connections_ever
        await suite.reports(5)

        assert card.modbus.connections_ever > connections
        assert card.modbus.connections_refused == 0
        assert watch.interrupted == set()
        assert watch.false == []
        assert not watch.logged


@each_channel
async def test_a_card_that_reboots_is_read_again(card_suite, watch):
    card_suite.card.stop()
    await all_away(card_suite)
    assert card_suite.state("ups", "on_battery") == STATE_UNAVAILABLE
    await card_suite.card.reboot(0)

    await watch.comes_back()
    assert watch.false == []
    assert watch.interrupted == devices_of(card_suite)
    assert told_once(watch)


async def test_a_card_that_reboots_is_read_again_by_version_3(hass, socket_enabled, caplog):
    async with NetVisionCard("netys", users=[USER]) as card, running(hass, card, "snmp", **V3) as suite:
        await suite.reports()
        watch = Watch(suite, caplog)
        card.stop()
        await all_away(suite)
        await card.reboot(0)

        await watch.comes_back()
        assert watch.false == []
        assert not hass.config_entries.flow.async_progress()


# --- the card loses the UPS ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("machine", "channels"),
    [(machine, channels) for machine in ("netys", "masterys") for channels in ("modbus", "snmp", "both")]
    + [("statys", "modbus"), ("statys", "both")],
)
@still
async def test_a_card_that_loses_its_ups_says_so(card_suite, machine, caplog):
    main = "sts" if machine == "statys" else "ups"
    watch = Watch(card_suite, caplog)
    told = events(card_suite, "card")

    card_suite.card.lose_ups()
    await one_round(card_suite)

    assert card_suite.state("card", "ups_connected") == "off"
    assert card_suite.state("card", "connection") == "on"
    assert card_suite.state("card", "problem") == "on"
    assert told_of(told, "communication_lost") == [("raised", "critical")]
    assert card_suite.attributes("card", "alarm")["notify_by_default"] is True
    behind = {place: state for place, state in shown(card_suite).items() if place[0] not in ("card", "emd")}
    assert {state for place, state in behind.items()} == {STATE_UNAVAILABLE}
    assert {place[0] for place in behind} == devices_of(card_suite) - {"card"}

    card_suite.card.find_ups()
    await one_round(card_suite)
    assert STATE_UNAVAILABLE not in shown(card_suite).values()
    # What Modbus alone brings comes once that is no longer left alone.
    async with asyncio.timeout(5):
        while not watch.is_back:
            await one_round(card_suite)

    assert card_suite.state("card", "ups_connected") == "on"
    assert card_suite.state("card", "problem") == "off"
    assert told_of(told, "communication_lost") == [("raised", "critical"), ("cleared", "critical")]
    assert card_suite.state(main, "problem") == "off"
    assert [state for state in watch.false if state[0][0] != "card"] == []


async def test_old_words_of_a_lost_ups_are_not_shown_where_snmp_tells(card_suite):
    card_suite.card.stale_modbus = True
    card_suite.card.lose_ups()
    await card_suite.shows("card", "ups_connected", "off")

    await card_suite.shows("ups", "ups_status", STATE_UNAVAILABLE)

    card_suite.card.find_ups()
    await card_suite.shows("ups", "ups_status", "on_inverter")


@pytest.mark.parametrize(("channels", "loads"), [("modbus", False), ("snmp", True), ("both", True)])
async def test_a_card_that_has_lost_its_ups_is_set_up_as_far_as_it_goes(hass, card, channels, loads):
    async with running(hass, card, channels) as suite:
        keys = {entity.unique_id for entity in registered_of(suite)}
        card.lose_ups()
        await reload(suite)

        if loads:
            assert suite.entry.state is ConfigEntryState.LOADED
            assert suite.state("card", "ups_connected") == "off"
            assert suite.state("ups", "ups_status") == STATE_UNAVAILABLE
            assert [alarm["alarm"] for alarm in suite.attributes("card", "problem")["alarms"]] == ["communication_lost"]
            card.find_ups()
            await suite.shows("ups", "ups_status", "on_inverter")
        else:
            assert suite.entry.state is ConfigEntryState.SETUP_RETRY
            assert suite.entry.error_reason_translation_key == "machine_not_reached"
            card.find_ups()
            await reload(suite)
            assert suite.state("ups", "ups_status") == "on_inverter"
        assert {entity.unique_id for entity in registered_of(suite)} == keys


# --- nonsense on the wire -----------------------------------------------------------------------------------------


def truncated() -> Fault:
    """Half of the datagram arrives."""
    return lambda answer: replace(answer, frame=answer.frame[: len(answer.frame) // 2])


def emptied() -> Fault:
    """The values arrive as noise, in a message that is well-formed up to them."""
    return lambda answer: Answer(answer.frame[:-20] + bytes(20), answer.delay)


SNMP_FAULTS: dict[str, Fault] = {
    "silence": silence(),
    "garbage": garbage(),
    "short garbage": garbage(3),
    "truncated": truncated(),
    "noise": emptied(),
}
MODBUS_FAULTS: dict[str, Fault] = {
    "silence": silence(),
    "disconnect": disconnect(),
    "cut": cut(),
    "other transaction": other_transaction(),
    "server busy": exception(6),
    "server failure": exception(4),
    "zeros": zeros(),
}


@pytest.mark.parametrize("channels", ["snmp"])
@pytest.mark.parametrize("machine", ["netys"])
@pytest.mark.parametrize("fault", SNMP_FAULTS)
async def test_nonsense_by_snmp_is_silence(card_suite, watch, fault):
    agent = card_suite.card.agent
    with agent.inject(SNMP_FAULTS[fault]):
        await all_away(card_suite)
    await watch.comes_back()

    assert watch.false == []
    assert told_once(watch)


@pytest.mark.parametrize("channels", ["snmp"])
@pytest.mark.parametrize("machine", ["netys"])
@pytest.mark.parametrize("fault", SNMP_FAULTS)
async def test_one_datagram_of_nonsense_is_not_even_noticed(card_suite, watch, fault):
    with card_suite.card.agent.inject(SNMP_FAULTS[fault], requests=1):
        await card_suite.reports(3)

    assert watch.false == []
    assert watch.interrupted == set()
    assert not watch.logged


@pytest.mark.parametrize("fault", SNMP_FAULTS)
@with_emd
async def test_with_both_channels_nonsense_by_snmp_takes_away_what_snmp_alone_tells(card_suite, watch, fault):
    with card_suite.card.agent.inject(SNMP_FAULTS[fault]):
        await card_suite.shows("emd", "temperature", STATE_UNAVAILABLE)
        await card_suite.reports()
        assert card_suite.state("card", "channel") == "modbus"
    await watch.comes_back()

    assert watch.false == []
    assert watch.interrupted == {"emd"}


@pytest.mark.parametrize("fault", MODBUS_FAULTS)
async def test_with_both_channels_nonsense_by_modbus_lets_snmp_take_over(card_suite, watch, fault):
    with card_suite.card.modbus.inject(MODBUS_FAULTS[fault]):
        await card_suite.shows("card", "channel", "snmp")
        await card_suite.reports()
    await watch.comes_back()
    assert watch.interrupted == set()
    assert {state for place, state in watch.false if place[0] == "ups"} <= {"ok"}


@pytest.mark.parametrize("channels", ["modbus"])
@pytest.mark.parametrize("machine", ["netys"])
@pytest.mark.parametrize("fault", MODBUS_FAULTS)
async def test_by_modbus_alone_nonsense_makes_the_ups_unavailable(card_suite, watch, fault):
    with card_suite.card.modbus.inject(MODBUS_FAULTS[fault]):
        await card_suite.shows("ups", "ups_status", STATE_UNAVAILABLE)
    await watch.comes_back()

    assert [state for state in watch.false if state[0] != ("card", "ups_connected")] == []


@pytest.mark.parametrize("channels", ["snmp", "both"])
@with_emd
async def test_a_card_that_answers_half_of_what_it_is_asked_is_read_whole(card_suite, watch, channels):
    agent = card_suite.card.agent
    for repetitions, size in ((2, 1472), (1, 1472), (None, 700), (None, 484), (1, 300)):
        agent.max_repetitions, agent.max_size = repetitions, size
        requests = len(agent.requests)
        await card_suite.reports()
        assert len(agent.requests) > requests

    assert watch.false == []
    assert watch.interrupted == set()
    assert watch.is_back


# --- values that mean nothing -------------------------------------------------------------------------------------

# Said by bits and enumerations, or by the card itself.
STATES = (
    "ups_status",
    "battery_status",
    "battery_test",
    "output_status",
    "alarm_summary",
    "machine_status",
    "rectifier_status",
    "inverter_status",
    "bypass_status",
    "rectifier_input_status",
    "bypass_input_status",
    "sts_status",
    "source_1_status",
    "source_2_status",
    "synchronisation",
    "active_source",
    "preferred_source",
    "unit_status",
    "time_on_battery",
)


# What is below says who it is.
FIRST_LIVE = {VUMAP: 0x30, JBUSP: 0x1020, STS: 0x140}


def measured(suite: CardSuite) -> dict[tuple[str, str], str]:
    """What the sensors of the machine show but for states."""
    entities = entities_of(suite)
    return {
        place: state
        for place, state in shown(suite).items()
        if place[0] in ("ups", "sts") and entities[place].domain == "sensor" and place[1] not in STATES
    }


@each_machine
@each_channel
@still
@pytest.mark.usefixtures("all_enabled")
async def test_what_the_machine_does_not_manage_is_unknown(card_suite, machine):
    main, status = ("sts", "on_preferred_source") if machine == "statys" else ("ups", "on_inverter")
    before = measured(card_suite)
    assert len({state for state in before.values() if state != STATE_UNKNOWN}) > 3
    for sentinel in (-1, 65535):
        card_suite.card.unmanaged, card_suite.card.sentinel = True, sentinel
        await one_round(card_suite)
        assert set(measured(card_suite).values()) == {STATE_UNKNOWN}
        assert card_suite.state(main, f"{main}_status") == status

        card_suite.card.unmanaged = False
        await one_round(card_suite)
        assert measured(card_suite) == before


@each_channel
@pytest.mark.usefixtures("all_enabled")
async def test_a_machine_that_manages_nothing_at_first_gets_its_entities_later(hass, card, channels):
    async with running(hass, card, channels, STILL) as suite:
        await hass.config_entries.async_unload(suite.entry.entry_id)
        for entity in registered_of(suite):
            suite.entities.async_remove(entity.entity_id)
        card.unmanaged = True
        await reload(suite)
        few = set(entities_of(suite))
        assert ("ups", "ups_status") in few
        assert not {("ups", "load"), ("ups", "battery_voltage")} & few

        card.unmanaged = False
        await one_round(suite)
        assert {("ups", "load"), ("ups", "battery_voltage")} <= set(entities_of(suite))
        assert float(suite.state("ups", "load")) == 40


@each_machine
@pytest.mark.parametrize("channels", ["modbus"])
@still
@pytest.mark.usefixtures("all_enabled")
async def test_any_word_in_every_register_is_borne(card_suite, machine, subtests):
    served = MACHINES[machine].maps[0]
    blocks = [range(block.address, block.address + block.count) for block in load_blocks(served)]
    live = {at for block in blocks for at in block if FIRST_LIVE[served] <= at < 0x10E0}
    for word in (0xFFFF, 0x7FFF, 0x8000, 0x5555):
        with subtests.test(f"{word:#x}"):
            card_suite.card.forced_words = dict.fromkeys(live, word)
            await one_round(card_suite)
            await one_round(card_suite)

            assert STATE_UNAVAILABLE not in shown(card_suite).values()
            if word == 0xFFFF:
                assert set(measured(card_suite).values()) == {STATE_UNKNOWN}
            else:
                assert set(measured(card_suite).values()) != {STATE_UNKNOWN}

    card_suite.card.forced_words = {}
    await one_round(card_suite)
    assert card_suite.state("sts" if machine == "statys" else "ups", "problem") == "off"


@each_machine
@pytest.mark.parametrize("channels", ["snmp"])
@with_emd
@still
@pytest.mark.usefixtures("all_enabled")
async def test_any_number_in_every_object_is_borne(card_suite, machine, subtests):
    objects = card_suite.card.agent.mib.objects
    real = dict(objects)
    number = 0

    def spoilt(it: SnmpObject) -> SnmpObject:
        def read() -> Value:
            value = it.read()
            return Value(Tag.INTEGER, number) if value.tag is Tag.INTEGER else value

        return replace(it, read=read)

    objects |= {name: spoilt(it) for name, it in real.items()}
    for number in (-1, 65535, 0, 2**31 - 1):
        with subtests.test(f"{number}"):
            await one_round(card_suite)
            await one_round(card_suite)
            if number in (-1, 65535):
                assert set(measured(card_suite).values()) == {STATE_UNKNOWN}
            unavailable = {place[0] for place, state in shown(card_suite).items() if state == STATE_UNAVAILABLE}
            # An environment device with such values is none.
            assert unavailable <= {"emd"}

    objects |= real
    await one_round(card_suite)
    await one_round(card_suite)
    assert card_suite.state("sts" if machine == "statys" else "ups", "problem") == "off"


# --- another machine, another UPS ---------------------------------------------------------------------------------


@asynccontextmanager
async def swapped(suite: CardSuite, machine: Any) -> AsyncIterator[NetVisionCard]:
    """Another machine at the address of the card, which takes a while to change."""
    card = suite.card
    card.stop()
    await all_away(suite)
    other = NetVisionCard(machine, modbus_port=card.modbus.port, snmp_port=card.agent.port)
    async with other:
        other.advance(5)
        yield other
    await card.start()


@each_channel
@pytest.mark.parametrize(("machine", "other"), [("masterys", "netys"), ("netys", "masterys"), ("masterys", "statys")])
async def test_a_table_of_another_family_is_not_taken_for_the_one_before(card_suite, watch, channels, other):
    line = card_suite.entry.runtime_data.gateway.line
    async with swapped(card_suite, other):
        await card_suite.until(lambda: line.machine.serial == MACHINES[other].serial)
        await card_suite.reports()
        # What both machines show at rest; a word read by the wrong table would be something else.
        rest = {"load": {"40.0"}, "state_of_charge": {"100.0"}, "battery_voltage": {"79.2", "475.2"}}
        for place, state in watch.seen:
            if place[0] == "ups" and place[1] in rest:
                assert state in {STATE_UNAVAILABLE, STATE_UNKNOWN, *rest[place[1]]}, place

        # Who it is shows at the next start.
        await reload(card_suite)
        assert card_suite.entry.state is ConfigEntryState.SETUP_RETRY
        assert card_suite.entry.error_reason_translation_key == "unexpected_serial"


@each_channel
async def test_another_ups_behind_the_card_is_not_read_and_the_user_is_told(hass, card_suite, channels):
    issue = f"replaced_gateway_{card_suite.entry.entry_id}"
    issues = ir.async_get(hass)
    other = replace(MACHINES["masterys"], serial="V999Z99999")
    async with swapped(card_suite, other) as card:
        await reload(card_suite)

        assert card_suite.entry.state is ConfigEntryState.SETUP_RETRY
        assert card_suite.entry.error_reason_translation_key == "unexpected_serial"
        assert issues.async_get_issue(DOMAIN, issue) is not None
        assert not schedules()
        await closed(card)

    await reload(card_suite)
    assert card_suite.state("ups", "ups_status") == "on_inverter"
    assert issues.async_get_issue(DOMAIN, issue) is None


# --- credentials --------------------------------------------------------------------------------------------------


def reauth_flows(hass: HomeAssistant) -> list[Any]:
    """The flows that ask for other credentials."""
    return [flow for flow in hass.config_entries.flow.async_progress() if flow["context"]["source"] == SOURCE_REAUTH]


@pytest.mark.parametrize("channels", ["snmp", "both"])
async def test_credentials_that_are_no_longer_taken_are_asked_for_once(hass, socket_enabled, channels, caplog):
    async with NetVisionCard("masterys", users=[USER]) as card, running(hass, card, channels, **V3) as suite:
        await suite.reports()
        watch = Watch(suite, caplog)
        assert not reauth_flows(hass)
        card.agent.engine.users.clear()
        card.agent.engine.add([User("watcher", auth_password="something-else", priv_password="something-else")])

        await suite.until(lambda: bool(reauth_flows(hass)))
        if channels == "snmp":
            await all_away(suite)
        else:
            await suite.reports(4)
            assert suite.state("ups", "ups_status") == "on_inverter"
            assert suite.state("card", "channel") == "modbus"
        assert len(reauth_flows(hass)) == 1

        card.agent.engine.users.clear()
        card.agent.engine.add([USER])
        suite.entry.runtime_data.lease.runner.look_again()
        await watch.comes_back()
        assert len(reauth_flows(hass)) == 1


async def test_credentials_that_are_not_taken_at_the_start_are_asked_for(hass, socket_enabled):
    async with NetVisionCard("masterys", users=[USER]) as card:
        wrong = {**V3, "auth_password": "Zq9-wrong-password"}
        async with running(hass, card, "snmp", **wrong) as suite:
            assert suite.entry.state is ConfigEntryState.SETUP_ERROR
            assert len(reauth_flows(hass)) == 1


SECRETS = {
    "community": "Zq1-read-community",
    "write_community": "Zq2-write-community",
    "user": "watcher-Zq3",
    "auth_password": "Zq4-auth-password",
    "priv_password": "Zq5-priv-password",
}


@pytest.mark.parametrize("version", ["v1", "v2c", "v3"])
async def test_credentials_are_in_no_log_no_error_and_no_diagnostics(hass, socket_enabled, version, caplog):
    caplog.set_level(logging.DEBUG)
    settings = {**V3, **SECRETS, "snmp_version": version}
    user = User(
        SECRETS["user"], auth_password=SECRETS["auth_password"], priv_password=SECRETS["priv_password"], may_write=True
    )
    errors: list[str] = []
    async with NetVisionCard("masterys", write_community=SECRETS["write_community"], users=[user], emd=Emd()) as card:
        entry = await stored_card_entry(card, "both", EVERY_CARD_CONTROL)
        card.agent.read_community = SECRETS["community"]
        entry.add_to_hass(hass)
        hass.config_entries.async_update_entry(entry, data={**entry.data, **settings})
        assert await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done()
        suite = CardSuite(hass, card, entry)
        await suite.shows("emd", "temperature", "22.5")
        await by_action(suite, "eco_mode")
        written = [json.dumps(await async_get_config_entry_diagnostics(hass, entry), default=str)]

        async def fails() -> None:
            try:
                await by_action(suite, "normal_mode")
            except HomeAssistantError as err:
                cause: BaseException | None = err
                while cause is not None:
                    errors.append(repr(cause) + str(cause))
                    cause = cause.__cause__

        with card.agent.inject(garbage()):
            await fails()
        with card.agent.inject(silence()):
            await fails()
        card.agent.write_community = None
        await fails()
        card.agent.stop()
        await fails()
        await card.agent.start()
        card.agent.engine.users.clear()
        card.agent.read_community = "another"
        await suite.shows("emd", "temperature", STATE_UNAVAILABLE)
        await fails()
        written.append(json.dumps(await async_get_config_entry_diagnostics(hass, entry), default=str))
        runtime = entry.runtime_data
        written += [repr(runtime.gateway), repr(vars(runtime.gateway.line)), repr(runtime.gateway.line.snmp.client)]
        card.stop()
        await reload(suite)
        written.append(json.dumps(await async_get_config_entry_diagnostics(hass, entry), default=str))
        written.append(str(entry.reason))
        await hass.config_entries.async_unload(entry.entry_id)

    assert len(errors) >= 5
    logs = [record.getMessage() + str(record.exc_info) + str(record.exc_text) for record in caplog.records]
    for secret in SECRETS.values():
        assert not [text for text in (*errors, *written, *logs) if secret in text]


# --- up and down --------------------------------------------------------------------------------------------------


def open_sockets() -> int:
    """How many sockets this process has."""
    links = list(Path("/proc/self/fd").iterdir())
    return sum(link.is_symlink() and str(link.readlink()).startswith("socket:") for link in links)


async def closed(card: NetVisionCard) -> None:
    """Wait until nobody is connected to the card, which hears of it a moment later."""
    async with asyncio.timeout(2):
        while card.modbus.connections_now:  # noqa: ASYNC110 - a socket's other end has no event
            await asyncio.sleep(0)


@each_channel
async def test_an_unloaded_card_leaves_nothing_behind(hass, card, channels):
    entry = await stored_card_entry(card, channels)
    entry.add_to_hass(hass)
    await closed(card)
    before = open_sockets()
    assert await hass.config_entries.async_setup(entry.entry_id)
    suite = CardSuite(hass, card, entry)
    await suite.reports()
    assert open_sockets() > before
    pool = async_get_pool(hass)
    assert pool._shared

    assert await hass.config_entries.async_unload(entry.entry_id)

    assert not pool._shared
    assert not schedules()
    assert not list(async_get_suite(hass))
    await closed(card)
    await hass.async_block_till_done()
    assert open_sockets() == before


@each_channel
@with_emd
async def test_a_reloaded_card_is_read_as_before(card_suite):
    await card_suite.reports()
    before, values = {entity.id for entity in registered_of(card_suite)}, shown(card_suite)

    await reload(card_suite)
    await card_suite.reports()

    assert {entity.id for entity in registered_of(card_suite)} == before
    assert shown(card_suite) == values
    assert len(schedules()) == 1

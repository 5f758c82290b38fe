"""Traps of a card: they make the read happen at once, and nothing else."""

import asyncio
import socket
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component

from custom_components.energy_suite import traps
from custom_components.energy_suite.const import DOMAIN
from demo.netvision import NetVisionCard
from tests.conftest import CardSuite, stored_card_entry
from tests.test_card import (
    STILL,
    always_fresh,  # noqa: F401 - for every test
    each_channel,
)

HOST = "127.0.0.1"


@pytest.fixture
def port(socket_enabled: None) -> int:
    """A UDP port that nobody listens on."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def options(port: int) -> dict[str, Any]:
    """No round is due in the time of a test."""
    return {**STILL, "trap_port": port}


@pytest.fixture(autouse=True)
def _each_trap_counts() -> Iterator[None]:
    """The test says how close two traps may be."""
    with patch.object(traps, "AT_MOST_EVERY", 0.0):
        yield


def is_free(port: int) -> bool:
    """Whether nobody listens on a port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wanted:
        try:
            wanted.bind(("", port))
        except OSError:
            return False
    return True


async def settled(suite: CardSuite) -> None:
    """Wait until what is due at the start was read."""
    runner = suite.entry.runtime_data.lease.runner
    await suite.until(lambda: bool(runner._changed._waiters))


def looks(suite: CardSuite) -> int:
    """How often the card was read."""
    count: int = suite.entry.runtime_data.gateway.line.looks
    return count


def issue_of(suite: CardSuite) -> ir.IssueEntry | None:
    """What the user is told of a port that is taken."""
    return ir.async_get(suite.hass).async_get_issue(DOMAIN, f"trap_port_taken_{suite.entry.entry_id}")


def fail_mains(card: NetVisionCard) -> None:
    """Let the mains fail, of which the card sends a trap."""
    card.ups.mains = False
    card.advance(5)


@pytest.mark.parametrize("machine", ["netys", "masterys"])
@pytest.mark.parametrize("version", ["v1", "v2c"])
async def test_a_trap_makes_the_read_happen_at_once(card_suite, port, version):
    card_suite.card.send_traps_to(HOST, port, version)
    await settled(card_suite)

    fail_mains(card_suite.card)
    await card_suite.shows("ups", "on_battery", "on")

    card_suite.card.ups.restore_mains()
    card_suite.card.advance(5)
    await card_suite.shows("ups", "on_battery", "off")


@each_channel
async def test_it_does_so_whichever_channel_is_read(card_suite, port):
    card_suite.card.send_traps_to(HOST, port)
    await settled(card_suite)

    fail_mains(card_suite.card)
    await card_suite.shows("ups", "on_battery", "on")


async def test_a_card_that_loses_its_ups_tells_by_a_trap(card_suite, port):
    card_suite.card.send_traps_to(HOST, port)
    await settled(card_suite)

    card_suite.card.lose_ups()
    await card_suite.shows("card", "ups_connected", "off")

    card_suite.card.find_ups()
    await card_suite.shows("ups", "ups_status", "on_inverter")


@pytest.mark.parametrize("options", [STILL, {**STILL, "trap_port": 0}], ids=["unset", "off"])
async def test_without_a_port_nobody_listens(card_suite, port):
    assert traps._RECEIVERS not in card_suite.hass.data
    assert is_free(port)
    assert issue_of(card_suite) is None


async def test_a_storm_of_traps_is_no_storm_of_reads(hass, card_suite, port, monkeypatch):
    card_suite.card.send_traps_to(HOST, port)
    agent = card_suite.card.agent
    sent: list[Any] = []
    send = agent.send_trap

    def send_trap(*trap: Any) -> None:
        sent.append(trap)
        send(*trap)

    monkeypatch.setattr(agent, "send_trap", send_trap)
    received: list[int] = []
    all_received = asyncio.Event()

    def receive() -> None:
        received.append(len(received))
        if len(received) == len(sent):
            all_received.set()

    remove = hass.data[traps._RECEIVERS][port].receiver.on_trap(HOST, receive)
    await settled(card_suite)
    before = looks(card_suite)
    with patch.object(traps, "AT_MOST_EVERY", 3600.0):
        for _ in range(20):
            card_suite.card.ups.mains = not card_suite.card.ups.mains
            card_suite.card.advance(5)
        async with asyncio.timeout(5):
            await all_received.wait()
        await card_suite.until(lambda: looks(card_suite) > before)
        await settled(card_suite)
    remove()
    assert len(received) > 20
    assert looks(card_suite) == before + 1


async def test_a_trap_close_behind_another_is_not_forgotten(card_suite, port):
    card_suite.card.send_traps_to(HOST, port)
    await settled(card_suite)
    with patch.object(traps, "AT_MOST_EVERY", 0.2):
        fail_mains(card_suite.card)
        await card_suite.shows("ups", "on_battery", "on")
        card_suite.card.ups.restore_mains()
        card_suite.card.advance(5)
        await card_suite.shows("ups", "on_battery", "off")


async def test_only_traps_of_the_card_itself_count(hass, card_suite, port):
    await settled(card_suite)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind((HOST, 0))
        card_suite.card.send_traps_to(HOST, listener.getsockname()[1])
        fail_mains(card_suite.card)
        trap = listener.recv(4096)
    before = looks(card_suite)
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as same_host,
    ):
        stranger.bind(("127.0.0.2", 0))
        same_host.bind((HOST, 0))
        stranger.sendto(trap, (HOST, port))
        for garbage in (b"", b"\x30", trap[:20], trap[1:], bytes(range(256))):
            same_host.sendto(garbage, (HOST, port))
        await settled(card_suite)
        assert card_suite.state("ups", "on_battery") == "off"

        # Whatever came before was looked at by then.
        same_host.sendto(trap, (HOST, port))
        await card_suite.shows("ups", "on_battery", "on")
    assert looks(card_suite) == before + 1


async def test_a_port_that_is_taken_is_told_and_the_card_is_read_all_the_same(hass, card, port):
    entry = await stored_card_entry(card, "both", {"trap_port": port})
    entry.add_to_hass(hass)
    suite = CardSuite(hass, card, entry)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("", port))
        assert await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done()

        issue = issue_of(suite)
        assert issue is not None
        assert issue.translation_key == "trap_port_taken"
        assert issue.translation_placeholders == {"title": "NET VISION", "port": str(port)}
        fail_mains(card)
        await suite.shows("ups", "on_battery", "on")

    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert issue_of(suite) is None
    assert not is_free(port)
    await hass.config_entries.async_unload(entry.entry_id)


async def test_an_entry_that_is_removed_takes_the_issue_with_it(hass, card, port):
    entry = await stored_card_entry(card, "both", {"trap_port": port})
    entry.add_to_hass(hass)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("", port))
        assert await hass.config_entries.async_setup(entry.entry_id)
        assert issue_of(CardSuite(hass, card, entry)) is not None
        await hass.config_entries.async_remove(entry.entry_id)
    assert issue_of(CardSuite(hass, card, entry)) is None


async def test_the_port_is_given_free_and_taken_again(hass, card_suite, port):
    assert not is_free(port)

    assert await hass.config_entries.async_unload(card_suite.entry.entry_id)
    assert is_free(port)

    assert await hass.config_entries.async_setup(card_suite.entry.entry_id)
    assert not is_free(port)
    card_suite.card.send_traps_to(HOST, port)
    await settled(card_suite)
    fail_mains(card_suite.card)
    await card_suite.shows("ups", "on_battery", "on")


async def test_two_cards_share_the_port(hass: HomeAssistant, card: NetVisionCard, port: int) -> None:
    options = {**STILL, "trap_port": port}
    async with NetVisionCard("netys") as second:
        suites: list[CardSuite] = []
        for each, uid in ((card, "0" * 32), (second, "1" * 32)):
            entry = await stored_card_entry(each, "both", options)
            entry.add_to_hass(hass)
            hass.config_entries.async_update_entry(entry, data={**entry.data, "uid": uid})
            suites.append(CardSuite(hass, each, entry))
        # Both at once, as when Home Assistant starts.
        assert await async_setup_component(hass, DOMAIN, {})
        await hass.async_block_till_done()
        assert [suite.entry.state for suite in suites] == [ConfigEntryState.LOADED] * 2
        assert [issue_of(suite) for suite in suites] == [None, None]
        one, other = suites
        for suite in suites:
            await settled(suite)
            suite.card.send_traps_to(HOST, port)

        fail_mains(one.card)
        await one.shows("ups", "on_battery", "on")
        fail_mains(other.card)
        await other.shows("ups", "on_battery", "on")

        await hass.config_entries.async_unload(one.entry.entry_id)
        assert not is_free(port)
        other.card.ups.restore_mains()
        other.card.advance(5)
        await other.shows("ups", "on_battery", "off")

        await hass.config_entries.async_unload(other.entry.entry_id)
        assert is_free(port)

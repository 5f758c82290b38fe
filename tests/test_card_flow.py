"""Adding a NET VISION card, giving it another way or another machine, its credentials and its options."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import AsyncMock, patch

import pytest
from homeassistant.config_entries import SOURCE_IGNORE, SOURCE_REAUTH, SOURCE_USER, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_socket import socket_allow_hosts

from custom_components.energy_suite.const import DOMAIN, SECRETS
from custom_components.energy_suite.flows.netvision import _error_of
from custom_components.energy_suite.gateways.base import AuthenticationFailed, CannotConnect, DeviceGone, NotThisDevice
from custom_components.energy_suite.gateways.kinds import KINDS
from custom_components.energy_suite.gateways.netvision import gateway
from custom_components.energy_suite.gateways.netvision.line import Channel
from demo.faults import silence
from demo.modbus import PlainModbusServer, SilentServer
from demo.netvision import Emd, NetVisionCard
from demo.netvision_machines import MACHINES
from demo.snmp_agent import Mib, SnmpAgent
from demo.usm import User
from tests.conftest import CardSuite, Suite, settings_of, stored_card_entry
from tests.test_config_flow import answered, nobody_is_connected, scanned, suggested

PRODUCT_CODE = 0x000F
NOBODYS_CODE = 0x7777
WAY = {"host", "channels", "port", "unit_id", "snmp_version", "snmp_port"}
KEPT = {"gateway", "uid", "devices"} | WAY
COMMUNITIES = {"community", "write_community"}
PASSWORDS = {"auth_password", "priv_password"}
USER = {
    "user": "home",
    "level": "auth_priv",
    "auth_protocol": "sha",
    "auth_password": "authentic42",
    "priv_protocol": "aes",
    "priv_password": "privately42",
}
DEVICES = {
    "netys": ["card", "ups"],
    "masterys": ["card", "ups", "ups_unit_1", "ups_unit_2", "ups_unit_3"],
    "statys": ["card", "sts"],
}


@pytest.fixture
def no_setup() -> Iterator[AsyncMock]:
    """The flow alone; what it leaves behind is set up in other tests."""
    with patch("custom_components.energy_suite.async_setup_entry", return_value=True) as setup:
        yield setup


@pytest.fixture
def patient() -> Iterator[None]:
    """Wait longer for an answer, where passwords are hashed and silence would say that one is wrong."""
    with patch.object(gateway, "TIMEOUT", 2.0):
        yield


@pytest.fixture
def renamed(card: NetVisionCard) -> Iterator[None]:
    """The card has a name of its owner's."""
    shown = card._shown
    with patch.object(card, "_shown", lambda readings: {**shown(readings), "name": "Energy room"}):
        yield


# --- what a person does ------------------------------------------------------------------------------------------


def form(card: NetVisionCard, channels: str = "both", **changes: Any) -> dict[str, Any]:
    """The form as a person fills it in."""
    return settings_of(card, channels) | changes


async def opened(hass: HomeAssistant) -> Any:
    """The form for a card."""
    flow = hass.config_entries.flow
    result = await flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    result = await flow.async_configure(result["flow_id"], {"next_step_id": "netvision"})
    assert (result["type"], result["step_id"], result["errors"]) == (FlowResultType.FORM, "netvision", {})
    return result


async def added(hass: HomeAssistant, result: Any) -> Any:
    """The entry, from the step after which the devices are looked for."""
    result = await scanned(hass, result)
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "found"), result
    result = await answered(hass, result, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    return result["result"]


def loaded(entry: Any) -> bool:
    """Whether an entry is; a function, for the type checker takes a state that it has seen as said for good."""
    return bool(entry.state is ConfigEntryState.LOADED)


def shows(result: Any, step: str, errors: dict[str, str]) -> None:
    assert (result["type"], result["step_id"], result["errors"]) == (FlowResultType.FORM, step, errors)


def let_in(card: NetVisionCard, **changes: str) -> dict[str, str]:
    """Give the card a user; returns the form of its credentials."""
    typed = USER | changes
    level = {"no_auth_no_priv": "noAuthNoPriv", "auth_no_priv": "authNoPriv", "auth_priv": "authPriv"}[typed["level"]]
    user = User(
        typed["user"],
        level,
        auth=typed["auth_protocol"],
        auth_password=typed["auth_password"],
        priv=typed["priv_protocol"],
        priv_password=typed["priv_password"],
    )
    card.agent.engine.add([user])
    return typed


@asynccontextmanager
async def another_master(card: NetVisionCard) -> AsyncIterator[None]:
    """Somebody else holds the card's one connection."""
    before = card.modbus.connections_ever
    _, writer = await asyncio.open_connection(card.host, card.modbus.port)
    async with asyncio.timeout(2):
        while card.modbus.connections_ever == before:  # noqa: ASYNC110 - a socket's other end has no event
            await asyncio.sleep(0)
    yield
    writer.close()
    await writer.wait_closed()


def named(card: NetVisionCard, name: str) -> Any:
    """A name server that knows the card alone."""

    async def resolve(host: str, port: int, *, type: int = 0, **_: object) -> Any:  # noqa: A002 - as asyncio has it
        if host not in (name, card.host):
            raise socket.gaierror(socket.EAI_NONAME, "Name not known")
        return [(socket.AF_INET, type or socket.SOCK_STREAM, 0, "", (card.host, port))]

    return patch.object(asyncio.get_running_loop(), "getaddrinfo", resolve)


# --- adding a card -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("machine", DEVICES)
@pytest.mark.parametrize(
    ("channels", "version"), [("modbus", "v2c"), ("snmp", "v1"), ("snmp", "v2c"), ("both", "v1"), ("both", "v2c")]
)
async def test_every_machine_is_added_by_every_channel(hass, card, no_setup, machine, channels, version):
    result = await answered(hass, await opened(hass), form(card, channels, snmp_version=version))
    entry = await added(hass, result)
    assert entry.unique_id == card.machine.serial
    assert [device["key"] for device in entry.data["devices"]] == DEVICES[machine]
    assert set(entry.data) == (KEPT if channels == "modbus" else KEPT | COMMUNITIES)
    assert {name: entry.data[name] for name in WAY} == {
        name: value for name, value in form(card, channels, snmp_version=version).items() if name in WAY
    }
    assert entry.options == {}
    assert len(no_setup.mock_calls) == 1
    assert await nobody_is_connected(hass, card.modbus)
    assert bool(card.modbus.requests) is (channels != "snmp")
    assert {request.version for request in card.agent.requests} == (set() if channels == "modbus" else {version})


@pytest.mark.parametrize("emd", [Emd()])
async def test_what_was_found_is_listed_by_its_names(hass, card, no_setup):
    result = await scanned(hass, await answered(hass, await opened(hass), form(card)))
    placeholders = result["description_placeholders"]
    model = placeholders["gateway"].removesuffix(" v8.3")
    assert model.startswith("MASTERYS")
    assert model != placeholders["gateway"]
    assert placeholders["count"] == "6"
    assert placeholders["devices"].splitlines() == [
        "- NET VISION card: NET VISION",
        "- UPS",
        "- UPS unit 1",
        "- UPS unit 2",
        "- UPS unit 3",
        "- EMD",
    ]
    # The name from the factory tells one card from no other.
    assert (await answered(hass, result, {}))["title"] == f"NET VISION {model}"


async def test_a_card_with_a_name_of_its_own_gives_it_to_its_entry(hass, card, no_setup, renamed):
    entry = await added(hass, await answered(hass, await opened(hass), form(card, "snmp")))
    assert entry.title == "Energy room"


async def test_a_name_that_another_entry_has_is_not_given_twice(hass, card, no_setup, renamed):
    known(card, title="Energy room", unique_id="another").add_to_hass(hass)
    entry = await added(hass, await answered(hass, await opened(hass), form(card, "snmp")))
    assert entry.title.startswith("NET VISION MASTERYS")


async def test_a_card_without_write_community_is_added_to_be_read(hass, card, no_setup):
    typed = form(card, "snmp")
    del typed["write_community"]
    entry = await added(hass, await answered(hass, await opened(hass), typed))
    assert set(entry.data) == KEPT | {"community"}


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("machine", ["netys"])
@pytest.mark.parametrize(
    ("level", "auth", "priv", "kept"),
    [
        ("no_auth_no_priv", "sha", "aes", {"user", "level"}),
        ("auth_no_priv", "md5", "aes", {"user", "level", "auth_protocol", "auth_password"}),
        ("auth_no_priv", "sha", "aes", {"user", "level", "auth_protocol", "auth_password"}),
        ("auth_priv", "md5", "des", set(USER)),
        ("auth_priv", "md5", "aes", set(USER)),
        ("auth_priv", "sha", "des", set(USER)),
        ("auth_priv", "sha", "aes", set(USER)),
    ],
)
async def test_a_user_of_v3_is_asked_for_and_only_what_the_level_needs_is_kept(
    hass, card, no_setup, level, auth, priv, kept
):
    card.agent.versions = {"v3"}
    typed = let_in(card, level=level, auth_protocol=auth, priv_protocol=priv)
    result = await answered(hass, await opened(hass), form(card, "snmp", snmp_version="v3"))
    shows(result, "netvision_user", {})
    entry = await added(hass, await answered(hass, result, typed))
    assert set(entry.data) == KEPT | kept
    assert entry.data["level"] == card.agent.engine.users[b"home"].level
    assert entry.unique_id == card.machine.serial


@pytest.mark.parametrize("host", ["  {host} ", "[::ffff:{host}]", " Card.Example "])
async def test_a_host_is_taken_as_people_write_it(hass, card, no_setup, host):
    typed = host.format(host=card.host)
    kept = typed.strip().strip("[]").lower()
    # The same address, as IPv6 has it.
    socket_allow_hosts([card.host, f"::ffff:{card.host}"])
    with named(card, "card.example"):
        entry = await added(hass, await answered(hass, await opened(hass), form(card, host=typed)))
    assert entry.data["host"] == kept


# --- what is wrong, and how it is mended ---------------------------------------------------------------------------


async def mended(hass: HomeAssistant, card: NetVisionCard, result: Any, channels: str) -> None:
    """The same dialog leads to an entry once everything is right."""
    entry = await added(hass, await answered(hass, result, form(card, channels)))
    assert entry.unique_id == card.machine.serial
    assert await nobody_is_connected(hass, card.modbus)


async def test_modbus_that_is_off_is_told_at_its_port(hass, card, no_setup):
    card.modbus.stop()
    typed = form(card, "modbus", host=f" {card.host}", unit_id=7, snmp_version="v1")
    result = await answered(hass, await opened(hass), typed)
    shows(result, "netvision", {"port": "modbus_refused"})
    assert suggested(result) == typed
    await card.modbus.start()
    await mended(hass, card, result, "modbus")


@pytest.mark.parametrize("channels", ["modbus", "both"])
async def test_a_card_that_serves_another_master_is_told_at_its_port(hass, card, no_setup, channels):
    async with another_master(card):
        result = await answered(hass, await opened(hass), form(card, channels))
        shows(result, "netvision", {"port": "modbus_refused"})
    assert card.modbus.connections_refused
    assert await nobody_is_connected(hass, card.modbus)
    await mended(hass, card, result, channels)


async def test_a_silent_modbus_port_or_unit_is_told_at_its_port(hass, card, no_setup):
    async with SilentServer() as silent:
        result = await answered(hass, await opened(hass), form(card, "modbus", port=silent.port))
        shows(result, "netvision", {"port": "modbus_silent"})
    result = await answered(hass, result, form(card, "modbus", unit_id=9))
    shows(result, "netvision", {"port": "modbus_silent"})
    await mended(hass, card, result, "modbus")


@pytest.mark.parametrize("zeros", [False, True])
async def test_another_modbus_device_is_told_at_its_port(hass, card, no_setup, zeros):
    async with PlainModbusServer(zeros=zeros) as stranger:
        result = await answered(hass, await opened(hass), form(card, "modbus", port=stranger.port))
        shows(result, "netvision", {"port": "modbus_unknown"})
    await mended(hass, card, result, "modbus")


async def test_a_wrong_community_is_told_at_the_snmp_port(hass, card, no_setup):
    typed = form(card, "snmp", community="publique")
    result = await answered(hass, await opened(hass), typed)
    shows(result, "netvision", {"snmp_port": "snmp_silent"})
    assert suggested(result) == typed
    await mended(hass, card, result, "snmp")


async def test_snmp_that_is_off_is_told_at_its_port(hass, card, no_setup):
    card.agent.stop()
    result = await answered(hass, await opened(hass), form(card, "snmp"))
    shows(result, "netvision", {"snmp_port": "snmp_refused"})
    await card.agent.start()
    await mended(hass, card, result, "snmp")


async def test_another_agent_is_told_at_the_snmp_port(hass, card, no_setup):
    async with SnmpAgent(Mib()) as stranger:
        result = await answered(hass, await opened(hass), form(card, "snmp", snmp_port=stranger.port))
        shows(result, "netvision", {"snmp_port": "snmp_unknown"})
    await mended(hass, card, result, "snmp")


@pytest.mark.parametrize("channels", ["modbus", "both"])
async def test_a_card_that_lost_its_ups_is_told_at_the_modbus_port(hass, card, no_setup, channels):
    card.lose_ups()
    result = await answered(hass, await opened(hass), form(card, channels))
    shows(result, "netvision", {"port": "modbus_gone"})
    card.find_ups()
    await mended(hass, card, result, channels)


@pytest.mark.parametrize("channels", ["modbus", "snmp", "both"])
async def test_a_host_that_nobody_knows_is_told_once(hass, card, no_setup, channels):
    with named(card, "card.example"):
        result = await answered(hass, await opened(hass), form(card, channels, host="cart.example"))
        shows(result, "netvision", {"base": "unreachable"})
        assert suggested(result)["host"] == "cart.example"
    await mended(hass, card, result, channels)


async def test_a_connection_that_opens_and_is_not_kept_counts_as_another_masters(hass, card, no_setup):
    answers: list[Exception | None] = [socket.gaierror(socket.EAI_AGAIN, "Try again"), None]

    async def resolve(host: str, port: int, **_: object) -> Any:
        if err := answers.pop(0):
            raise err
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (card.host, port))]

    with patch.object(hass.loop, "getaddrinfo", resolve):
        result = await answered(hass, await opened(hass), form(card, "modbus", host="card.example"))
    shows(result, "netvision", {"port": "modbus_refused"})
    assert not answers
    await mended(hass, card, result, "modbus")


async def test_both_channels_are_wrong_at_once_and_what_was_typed_stays(hass, card, no_setup):
    card.modbus.stop()
    typed = form(card, community="publique", write_community="privée")
    result = await answered(hass, await opened(hass), typed)
    shows(result, "netvision", {"port": "modbus_refused", "snmp_port": "snmp_silent"})
    assert suggested(result) == typed
    # One is mended, and the other still told.
    await card.modbus.start()
    result = await answered(hass, result, typed)
    shows(result, "netvision", {"snmp_port": "snmp_silent"})
    await mended(hass, card, result, "both")


@pytest.mark.parametrize(
    "wrong",
    [
        {"user": "stranger"},
        {"user": ""},
        {"auth_password": "somethingelse"},
        {"priv_password": "somethingelse"},
        {"auth_protocol": "md5"},
        {"priv_protocol": "des"},
        {"level": "auth_no_priv"},
        {"level": "no_auth_no_priv"},
    ],
)
async def test_a_user_that_the_card_rejects_is_asked_for_again(hass, card, no_setup, wrong):
    typed = let_in(card)
    result = await answered(hass, await opened(hass), form(card, "snmp", snmp_version="v3"))
    result = await answered(hass, result, typed | wrong)
    shows(result, "netvision_user", {"base": "snmp_authentication"})
    assert suggested(result) == typed | wrong
    entry = await added(hass, await answered(hass, result, typed))
    assert set(entry.data) == KEPT | set(USER)


@pytest.mark.usefixtures("patient")
async def test_of_a_level_that_was_too_high_no_password_stays(hass, card, no_setup):
    right = let_in(card, level="no_auth_no_priv")
    result = await answered(hass, await opened(hass), form(card, "snmp", snmp_version="v3"))
    result = await answered(hass, result, USER)
    shows(result, "netvision_user", {"base": "snmp_authentication"})
    entry = await added(hass, await answered(hass, result, right))
    assert set(entry.data) == KEPT | {"user", "level"}


@pytest.mark.usefixtures("patient")
async def test_a_password_that_no_card_takes_is_told_at_its_field_and_nothing_is_sent(hass, card, no_setup):
    typed = let_in(card)
    result = await answered(hass, await opened(hass), form(card, "snmp", snmp_version="v3"))
    result = await answered(hass, result, typed | {"auth_password": "short"})
    shows(result, "netvision_user", {"auth_password": "short_password"})
    without = {name: value for name, value in typed.items() if "password" not in name}
    result = await answered(hass, result, without)
    shows(result, "netvision_user", {"auth_password": "short_password", "priv_password": "short_password"})
    assert not card.agent.datagrams
    await added(hass, await answered(hass, result, typed))


async def test_what_is_not_about_the_user_of_v3_is_told_where_it_can_be_mended(hass, card, no_setup):
    typed = let_in(card)
    card.agent.versions = {"v1", "v2c"}
    first = form(card, snmp_version="v3")
    result = await answered(hass, await answered(hass, await opened(hass), first), typed)
    shows(result, "netvision", {"snmp_port": "snmp_silent"})
    card.agent.versions = {"v3"}
    card.modbus.stop()
    result = await answered(hass, result, first)
    # The user is still there.
    assert suggested(result) == typed
    result = await answered(hass, result, typed | {"user": "stranger"})
    shows(result, "netvision", {"port": "modbus_refused", "snmp_port": "snmp_authentication"})
    await card.modbus.start()
    result = await answered(hass, await answered(hass, result, first), typed)
    assert set((await added(hass, result)).data) == KEPT | set(USER)


def test_every_channel_has_its_own_error_for_whatever_goes_wrong():
    wrong = {
        CannotConnect("silent"): "silent",
        CannotConnect("refused"): "refused",
        CannotConnect("lost"): "refused",
        CannotConnect("dropped"): "refused",
        AuthenticationFailed(): "authentication",
        DeviceGone(): "gone",
        NotThisDevice(): "unknown",
    }
    for channel in Channel:
        for err, reason in wrong.items():
            assert _error_of(channel, err) == f"{channel.name.lower()}_{reason}"
        assert _error_of(channel, CannotConnect("unreachable")) == "unreachable"


@pytest.mark.parametrize("channels", ["modbus", "snmp"])
async def test_a_card_that_is_lost_during_the_search_returns_to_the_form(hass, card, no_setup, channels):
    result = await answered(hass, await opened(hass), form(card, channels))
    card.stop()
    result = await scanned(hass, result)
    shows(result, "netvision", {"base": "lost"})
    assert suggested(result) == form(card, channels)
    await card.start()
    await mended(hass, card, result, channels)


@pytest.mark.parametrize(
    "nonsense",
    [
        {"port": 0},
        {"snmp_port": 65536},
        {"unit_id": 256},
        {"channels": "bacnet"},
        {"snmp_version": "v4"},
        {"host": None},
        {"extra": 1},
    ],
)
async def test_a_form_that_makes_no_sense_is_refused(hass, nonsense):
    typed = {"host": "192.0.2.7", "channels": "both", "port": 502, "unit_id": 1, "snmp_version": "v1", "snmp_port": 161}
    with pytest.raises(InvalidData):
        await answered(hass, await opened(hass), typed | nonsense)


# --- a product that nobody has listed ------------------------------------------------------------------------------


@pytest.mark.parametrize("zeros_elsewhere", [False, True])
async def test_the_table_of_an_unknown_product_is_asked_for_and_kept(hass, card, zeros_elsewhere):
    card.forced_words[PRODUCT_CODE] = NOBODYS_CODE
    card.zeros_elsewhere = zeros_elsewhere
    result = await answered(hass, await opened(hass), form(card, "modbus"))
    shows(result, "netvision_table", {})
    for wrong in ("sts", "jbusp"):
        result = await answered(hass, result, {"table": wrong})
        shows(result, "netvision_table", {"table": "wrong_table"})
        assert suggested(result) == {"table": wrong}
    entry = await added(hass, await answered(hass, result, {"table": "vumap"}))
    assert set(entry.data) == KEPT | {"table"}
    assert entry.data["table"] == "vumap"
    assert entry.unique_id == card.machine.serial
    assert loaded(entry)
    suite = CardSuite(hass, card, entry)
    card.ups.mains = False
    card.advance(5)
    assert suite.state("ups", "on_battery") == "off"
    entry.runtime_data.lease.runner.expedite(entry.runtime_data.coordinators["ups"].reading_name)
    await suite.shows("ups", "on_battery", "on")
    # The options begin with what was chosen.
    result = await hass.config_entries.options.async_init(entry.entry_id)
    assert result["data_schema"]({"interval": 10})["table"] == "vumap"
    await hass.config_entries.async_unload(entry.entry_id)


async def test_the_table_is_asked_for_once_everything_else_is_right(hass, card, no_setup):
    card.forced_words[PRODUCT_CODE] = NOBODYS_CODE
    result = await answered(hass, await opened(hass), form(card, community="publique"))
    shows(result, "netvision", {"port": "modbus_product", "snmp_port": "snmp_silent"})
    result = await answered(hass, result, form(card))
    shows(result, "netvision_table", {})
    # Nobody can go back in a dialog: what fails meanwhile leads to the first form again.
    card.modbus.stop()
    result = await answered(hass, result, {"table": "vumap"})
    shows(result, "netvision", {"port": "modbus_refused"})
    await card.modbus.start()
    result = await answered(hass, result, form(card))
    shows(result, "netvision_table", {})
    assert suggested(result) == {"table": "vumap"}
    assert (await added(hass, await answered(hass, result, {"table": "vumap"}))).data["table"] == "vumap"


# --- a card that is known ------------------------------------------------------------------------------------------


def known(card: NetVisionCard, **changes: Any) -> MockConfigEntry:
    """The card as added earlier, at another address."""
    data = {"gateway": "netvision", "uid": "0123", **form(card), "host": "192.0.2.7", "devices": []}
    values = {"domain": DOMAIN, "title": "Cellar", "unique_id": card.machine.serial, "data": data}
    return MockConfigEntry(**{**values, **changes})


@pytest.mark.parametrize(
    ("typed", "kept"), [({"channels": "modbus"}, set()), ({"channels": "snmp", "community": "public"}, COMMUNITIES)]
)
async def test_the_card_of_a_known_ups_is_updated_instead(hass, card, no_setup, typed, kept):
    entry = known(card)
    entry.add_to_hass(hass)
    result = await answered(hass, await opened(hass), form(card) | typed)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")
    await hass.async_block_till_done()
    assert (entry.data["host"], entry.data["uid"]) == (card.host, "0123")
    assert set(entry.data) == KEPT | kept
    assert len(no_setup.mock_calls) == 1


@pytest.mark.usefixtures("patient")
async def test_of_a_known_card_nothing_stays_that_the_new_way_does_not_need(hass, card_suite):
    hass.config_entries.async_update_entry(card_suite.entry, options={**card_suite.entry.options, "table": "vumap"})
    typed = let_in(card_suite.card)
    result = await answered(hass, await opened(hass), form(card_suite.card, "snmp", snmp_version="v3"))
    result = await answered(hass, result, typed)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")
    await hass.async_block_till_done()
    assert set(card_suite.entry.data) == KEPT | set(USER)
    assert card_suite.entry.options["table"] == "vumap"
    assert loaded(card_suite.entry)
    assert await nobody_is_connected_by_modbus(card_suite.card)


async def nobody_is_connected_by_modbus(card: NetVisionCard) -> bool:
    async with asyncio.timeout(2):
        while card.modbus.connections_now:  # noqa: ASYNC110 - a socket's other end has no event
            await asyncio.sleep(0)
    return True


async def test_a_known_card_that_is_entered_the_same_again_is_left_alone(hass, card_suite):
    runtime = card_suite.entry.runtime_data
    result = await answered(hass, await opened(hass), form(card_suite.card))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")
    await hass.async_block_till_done()
    assert card_suite.entry.runtime_data is runtime
    assert not card_suite.card.modbus.connections_refused


async def test_a_card_that_was_ignored_is_added(hass, card, no_setup):
    known(card, source=SOURCE_IGNORE, data={}).add_to_hass(hass)
    entry = await added(hass, await answered(hass, await opened(hass), form(card)))
    assert entry.data["host"] == card.host


@pytest.mark.parametrize("channels", ["modbus", "snmp"])
async def test_without_serial_number_a_host_is_added_once(hass, socket_enabled, no_setup, channels):
    async with NetVisionCard(replace(MACHINES["netys"], serial="")) as card:
        entry = await added(hass, await answered(hass, await opened(hass), form(card, channels)))
        assert entry.unique_id is None
        result = await answered(hass, await opened(hass), form(card, channels))
        assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")


# --- another address, another way ------------------------------------------------------------------------------------


type Registered = dict[str, dict[str, Any]]


def registered(suite: CardSuite) -> Registered:
    """All that the registries hold of the entry, but for when it was written and what the card tells of itself."""
    told = dict.fromkeys(("modified_at", "sw_version", "serial_number", "model", "configuration_url", "name"))
    entities = {
        entity.id: {"unique_id": entity.unique_id, "entity_id": entity.entity_id}
        for entity in er.async_entries_for_config_entry(suite.entities, suite.entry.entry_id)
    }
    devices = {
        device.id: device.dict_repr | told
        for device in dr.async_entries_for_config_entry(suite.devices, suite.entry.entry_id)
    }
    return devices | entities


async def reconfigured(hass: HomeAssistant, suite: CardSuite, *forms: dict[str, Any]) -> Any:
    """The end of the dialog for another address, each of its forms filled in."""
    result = await suite.entry.start_reconfigure_flow(hass)
    shows(result, "reconfigure", {})
    for typed in forms:
        result = await answered(hass, result, typed)
    await hass.async_block_till_done()
    return result


def succeeded(suite: CardSuite, result: Any) -> None:
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful"), result
    assert loaded(suite.entry)


@pytest.mark.parametrize("channels", ["modbus", "both"])
async def test_a_card_is_reconfigured_while_its_entry_holds_the_one_connection(hass, card_suite, channels):
    before = registered(card_suite)
    assert card_suite.card.modbus.connections_now == 1
    result = await card_suite.entry.start_reconfigure_flow(hass)
    known = card_suite.entry.data
    assert suggested(result) == {name: known[name] for name in WAY}
    typed = form(card_suite.card, channels, unit_id=1)
    result = await answered(hass, result, typed)
    await hass.async_block_till_done()
    succeeded(card_suite, result)
    assert registered(card_suite) == before
    assert not card_suite.card.modbus.connections_refused
    assert card_suite.card.modbus.connections_now == 1
    assert set(card_suite.entry.data) == (KEPT if channels == "modbus" else KEPT | COMMUNITIES)


async def test_another_name_of_the_same_host_does_not_stand_in_its_own_way(hass, card_suite):
    with named(card_suite.card, "card.example"):
        typed = form(card_suite.card, host="card.example")
        # What is wrong otherwise is told, and the entry goes on as it was.
        result = await reconfigured(hass, card_suite, typed | {"community": "publique"})
        shows(result, "reconfigure", {"snmp_port": "snmp_silent"})
        assert loaded(card_suite.entry)
        assert card_suite.entry.data["host"] == card_suite.card.host
        result = await answered(hass, result, typed)
        await hass.async_block_till_done()
        succeeded(card_suite, result)
        assert card_suite.entry.data["host"] == "card.example"
        assert not card_suite.card.modbus.connections_refused
        assert await hass.config_entries.async_unload(card_suite.entry.entry_id)


async def test_a_card_that_moved_is_found_at_its_new_address(hass, card_suite):
    before, uid = registered(card_suite), card_suite.entry.data["uid"]
    async with NetVisionCard("masterys") as moved:
        moved.advance(5)
        succeeded(card_suite, await reconfigured(hass, card_suite, form(moved)))
        assert (card_suite.entry.data["port"], card_suite.entry.data["uid"]) == (moved.modbus.port, uid)
        assert registered(card_suite) == before
        # One connection of the dialog, and one of the entry, which was loaded once.
        assert (moved.modbus.connections_ever, moved.modbus.connections_now) == (2, 1)
        moved.ups.mains = False
        moved.advance(5)
        await card_suite.shows("ups", "on_battery", "on")
        assert await hass.config_entries.async_unload(card_suite.entry.entry_id)
    assert not card_suite.card.modbus.connections_now


@pytest.mark.parametrize("emd", [Emd()])
@pytest.mark.parametrize("channels", ["modbus"])
async def test_when_snmp_comes_every_entity_stays_and_the_emd_is_added(hass, card_suite):
    before = registered(card_suite)
    assert [device["key"] for device in card_suite.entry.data["devices"]] == DEVICES["masterys"]
    succeeded(card_suite, await reconfigured(hass, card_suite, form(card_suite.card)))
    assert [device["key"] for device in card_suite.entry.data["devices"]] == [*DEVICES["masterys"], "emd"]
    assert card_suite.state("emd", "temperature") == "22.5"
    after = registered(card_suite)
    assert {key: after[key] for key in before} == before


@pytest.mark.parametrize("machine", DEVICES)
async def test_with_another_channel_every_entity_keeps_its_id(hass, card_suite, machine):
    before = registered(card_suite)
    for channels in ("snmp", "modbus", "both"):
        succeeded(card_suite, await reconfigured(hass, card_suite, form(card_suite.card, channels)))
        after = registered(card_suite)
        assert {key: after.get(key) for key in before} == before
        assert set(card_suite.entry.data) == (KEPT if channels == "modbus" else KEPT | COMMUNITIES)
        assert [device["key"] for device in card_suite.entry.data["devices"]] == DEVICES[machine]


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("channels", ["snmp"])
async def test_the_secrets_of_a_version_go_with_it(hass, card_suite):
    typed = let_in(card_suite.card)
    v3 = form(card_suite.card, "snmp", snmp_version="v3")
    succeeded(card_suite, await reconfigured(hass, card_suite, v3, typed))
    assert set(card_suite.entry.data) == KEPT | set(USER)
    assert card_suite.entry.data["level"] == "authPriv"

    # The forms show what is known, but for what is secret; that stays where nothing else is entered.
    known = dict(card_suite.entry.data)
    shown = {name: value for name, value in typed.items() if name not in PASSWORDS}
    result = await answered(hass, await card_suite.entry.start_reconfigure_flow(hass), v3)
    shows(result, "netvision_user", {})
    assert suggested(result) == shown
    result = await answered(hass, result, shown)
    await hass.async_block_till_done()
    succeeded(card_suite, result)
    assert dict(card_suite.entry.data) == known
    result = await answered(hass, await card_suite.entry.start_reconfigure_flow(hass), v3)
    lower = let_in(card_suite.card, level="no_auth_no_priv")
    result = await answered(hass, result, lower)
    await hass.async_block_till_done()
    succeeded(card_suite, result)
    assert set(card_suite.entry.data) == KEPT | {"user", "level"}

    succeeded(card_suite, await reconfigured(hass, card_suite, form(card_suite.card, "snmp")))
    assert set(card_suite.entry.data) == KEPT | COMMUNITIES
    assert card_suite.entry.data["snmp_version"] == "v2c"


def without_communities(typed: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in typed.items() if name not in COMMUNITIES}


async def test_communities_that_are_left_empty_stay(hass, card_suite):
    card_suite.card.agent.read_community = "cellar"
    succeeded(card_suite, await reconfigured(hass, card_suite, form(card_suite.card, community="cellar")))

    for empty in ({}, {"community": "", "write_community": ""}):
        typed = without_communities(form(card_suite.card, snmp_version="v1")) | empty
        succeeded(card_suite, await reconfigured(hass, card_suite, typed))
        stored = card_suite.entry.data
        assert (stored["community"], stored["write_community"]) == ("cellar", "private")


async def test_a_write_community_is_forgotten_by_way_of_another_channel(hass, card_suite):
    for channels in ("modbus", "both"):
        typed = without_communities(form(card_suite.card, channels))
        succeeded(card_suite, await reconfigured(hass, card_suite, typed))
    assert set(card_suite.entry.data) == KEPT | {"community"}
    # As delivered, for none was stored any more.
    assert card_suite.entry.data["community"] == "public"


async def test_an_address_where_something_is_wrong_changes_nothing(hass, card_suite):
    before = dict(card_suite.entry.data)
    async with PlainModbusServer() as stranger:
        typed = form(card_suite.card, port=stranger.port, community="publique")
        result = await reconfigured(hass, card_suite, typed)
    shows(result, "reconfigure", {"port": "modbus_unknown", "snmp_port": "snmp_silent"})
    assert suggested(result) == typed
    assert dict(card_suite.entry.data) == before
    assert loaded(card_suite.entry)
    result = await answered(hass, result, form(card_suite.card))
    await hass.async_block_till_done()
    succeeded(card_suite, result)


@pytest.mark.parametrize("channels", ["snmp"])
async def test_a_card_that_is_lost_while_devices_are_looked_for_changes_nothing(hass, card_suite):
    before = dict(card_suite.entry.data)

    def about_the_emd(request: Any) -> bool:
        return any(".10.1." in oid[-8:] for oid in request.oids) and request.kind == "get"

    # The entry asks the same; it is not to be waited for here.
    await hass.config_entries.async_unload(card_suite.entry.entry_id)
    with card_suite.card.agent.inject(silence(), only=about_the_emd):
        result = await reconfigured(hass, card_suite, form(card_suite.card, "snmp"))
    shows(result, "reconfigure", {"base": "lost"})
    assert dict(card_suite.entry.data) == before
    result = await answered(hass, result, form(card_suite.card, "snmp"))
    await hass.async_block_till_done()
    succeeded(card_suite, result)


@pytest.mark.parametrize("options", [{"table": "auto"}])
@pytest.mark.parametrize("channels", ["modbus"])
async def test_a_table_that_is_chosen_when_reconfiguring_wins_over_the_option(hass, card_suite):
    card_suite.card.forced_words[PRODUCT_CODE] = NOBODYS_CODE
    result = await reconfigured(hass, card_suite, form(card_suite.card, "modbus"))
    shows(result, "netvision_table", {})
    result = await answered(hass, result, {"table": "vumap"})
    await hass.async_block_till_done()
    succeeded(card_suite, result)
    assert card_suite.entry.data["table"] == "vumap"
    assert "table" not in card_suite.entry.options
    # The next time it is proposed.
    result = await reconfigured(hass, card_suite, form(card_suite.card, "modbus"))
    shows(result, "netvision_table", {})
    assert suggested(result) == {"table": "vumap"}


@pytest.mark.parametrize("options", [{"table": "vumap"}])
@pytest.mark.parametrize("channels", ["modbus"])
async def test_a_table_of_the_options_counts_when_reconfiguring(hass, card_suite):
    card_suite.card.forced_words[PRODUCT_CODE] = NOBODYS_CODE
    succeeded(card_suite, await reconfigured(hass, card_suite, form(card_suite.card, "modbus")))
    assert card_suite.entry.options["table"] == "vumap"


# --- another machine -------------------------------------------------------------------------------------------------


@pytest.fixture
async def other_card(socket_enabled: None) -> AsyncIterator[NetVisionCard]:
    """The card of another UPS of the same kind."""
    async with NetVisionCard(replace(MACHINES["masterys"], serial="V441B99999")) as card:
        card.advance(5)
        yield card


async def test_a_ups_takes_the_place_of_the_old_one_and_every_id_stays(hass, card_suite, other_card):
    before, uid = registered(card_suite), card_suite.entry.data["uid"]
    result = await reconfigured(hass, card_suite, form(other_card))
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "replace")
    assert result["description_placeholders"] == {"old": "V441B07315", "new": "V441B99999"}
    # Nothing changes until that is answered, and nobody holds the new card.
    assert card_suite.entry.unique_id == "V441B07315"
    assert loaded(card_suite.entry)
    assert card_suite.entry.data["port"] == card_suite.card.modbus.port
    assert await nobody_is_connected_by_modbus(other_card)
    result = await answered(hass, result, {})
    await hass.async_block_till_done()
    succeeded(card_suite, result)
    assert (card_suite.entry.unique_id, card_suite.entry.data["uid"]) == ("V441B99999", uid)
    assert registered(card_suite) == before
    ups = card_suite.devices.async_get(card_suite.device_id("ups"))
    assert ups is not None
    assert ups.serial_number == "V441B99999"
    assert await hass.config_entries.async_unload(card_suite.entry.entry_id)


async def test_a_question_that_is_not_answered_leaves_the_entry_as_it_was(hass, card_suite, other_card):
    before = dict(card_suite.entry.data)
    result = await reconfigured(hass, card_suite, form(other_card))
    hass.config_entries.flow.async_abort(result["flow_id"])
    assert dict(card_suite.entry.data) == before
    await card_suite.reports()


@pytest.mark.parametrize("confirming", [False, True])
async def test_a_ups_that_another_entry_has_cannot_take_its_place(hass, card_suite, other_card, confirming):
    other = known(other_card)
    if not confirming:
        other.add_to_hass(hass)
    result = await reconfigured(hass, card_suite, form(other_card))
    if confirming:
        # It was added while the question stood on the screen.
        other.add_to_hass(hass)
        result = await answered(hass, result, {})
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")
    await hass.async_block_till_done()
    assert card_suite.entry.unique_id == "V441B07315"
    assert loaded(card_suite.entry)
    await card_suite.reports()


# --- other credentials -----------------------------------------------------------------------------------------------


async def v3_entry(hass: HomeAssistant, card: NetVisionCard, channels: str, user: dict[str, str]) -> Any:
    """An entry that reads with a user of v3, set up as far as that goes."""
    stored = await stored_card_entry(card, "modbus")
    data = {name: value for name, value in stored.data.items() if name not in COMMUNITIES}
    data |= {**user, "level": "authPriv", "snmp_version": "v3", "channels": channels}
    entry = MockConfigEntry(
        domain=DOMAIN, title="Cellar", unique_id=stored.unique_id, data=data, options=dict(stored.options)
    )
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    return entry


def asking_again(hass: HomeAssistant) -> Any:
    """The one dialog that asks for other credentials."""
    (flow,) = hass.config_entries.flow.async_progress()
    assert (flow["context"]["source"], flow["step_id"]) == (SOURCE_REAUTH, "reauth_confirm")
    return flow


@pytest.mark.usefixtures("patient")
async def test_a_password_that_was_changed_on_the_card_is_asked_for(hass, card):
    entry = await v3_entry(hass, card, "snmp", let_in(card))
    assert loaded(entry)
    typed = let_in(card, auth_password="changed on the card", priv_password="and this one too")
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.SETUP_ERROR
    assert entry.error_reason_translation_key == "authentication_failed"
    flow = asking_again(hass)
    result = await answered(hass, flow)
    shows(result, "reauth_confirm", {})
    assert result["description_placeholders"]["title"] == "Cellar"
    assert suggested(result) == {name: value for name, value in USER.items() if name not in PASSWORDS}

    for wrong, errors in (
        ({"auth_password": "not that"}, {"base": "snmp_authentication"}),
        ({"user": "stranger"}, {"base": "snmp_authentication"}),
        ({"priv_password": "short"}, {"priv_password": "short_password"}),
    ):
        result = await answered(hass, result, typed | wrong)
        shows(result, "reauth_confirm", errors)
        assert suggested(result) == typed | wrong
    card.agent.stop()
    result = await answered(hass, result, typed)
    shows(result, "reauth_confirm", {"base": "snmp_refused"})
    await card.agent.start()

    result = await answered(hass, result, typed)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reauth_successful")
    await hass.async_block_till_done()
    assert loaded(entry)
    assert entry.data["auth_password"] == "changed on the card"
    assert set(entry.data) == KEPT | set(USER)
    assert entry.data["channels"] == "snmp"
    assert hass.config_entries.flow.async_progress() == []
    await hass.config_entries.async_unload(entry.entry_id)


@pytest.mark.usefixtures("patient")
async def test_a_user_whose_level_was_lowered_leaves_no_password_behind(hass, card):
    entry = await v3_entry(hass, card, "snmp", let_in(card))
    typed = let_in(card, level="no_auth_no_priv")
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    result = await answered(hass, asking_again(hass), typed)
    assert result["reason"] == "reauth_successful"
    await hass.async_block_till_done()
    assert set(entry.data) == KEPT | {"user", "level"}
    assert loaded(entry)
    await hass.config_entries.async_unload(entry.entry_id)


@pytest.mark.usefixtures("patient")
async def test_while_modbus_answers_rejected_credentials_are_asked_for_too(hass, card):
    entry = await v3_entry(hass, card, "both", let_in(card))
    typed = let_in(card, auth_password="changed on the card")
    suite = CardSuite(hass, card, entry)
    await suite.until(lambda: any(hass.config_entries.flow.async_progress()))
    assert loaded(entry)
    # What did not change need not be entered again.
    del typed["priv_password"]
    result = await answered(hass, asking_again(hass), typed)
    assert result["reason"] == "reauth_successful"
    await hass.async_block_till_done()
    assert loaded(entry)
    assert entry.data["channels"] == "both"
    assert entry.data["priv_password"] == USER["priv_password"]
    assert not card.modbus.connections_refused
    await suite.reports()
    assert hass.config_entries.flow.async_progress() == []
    await hass.config_entries.async_unload(entry.entry_id)


@pytest.mark.parametrize("channels", ["snmp", "both"])
async def test_other_communities_are_asked_for_with_v1_and_v2c(hass, card_suite, channels):
    card_suite.card.agent.read_community = "cellar"
    result = await card_suite.entry.start_reauth_flow(hass)
    shows(result, "reauth_confirm", {})
    assert suggested(result) == {}
    result = await answered(hass, result, {"community": "attic"})
    shows(result, "reauth_confirm", {"base": "snmp_silent"})
    assert suggested(result)["community"] == "attic"
    result = await answered(hass, result, {"community": "cellar"})
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reauth_successful")
    await hass.async_block_till_done()
    assert loaded(card_suite.entry)
    assert card_suite.entry.data["community"] == "cellar"
    assert card_suite.entry.data["write_community"] == "private"
    assert card_suite.entry.data["channels"] == channels


async def test_no_secret_is_logged_in_any_dialog(hass, card_suite, caplog):
    typed = let_in(card_suite.card, auth_password="first-secret-42", priv_password="other-secret-42")
    wrong = typed | {"auth_password": "wrong-secret-42"}
    v3 = form(card_suite.card, "snmp", snmp_version="v3")
    result = await reconfigured(hass, card_suite, form(card_suite.card, community="wrong-secret-42"))
    result = await answered(hass, await answered(hass, result, v3), wrong)
    result = await answered(hass, result, typed)
    await hass.async_block_till_done()
    succeeded(card_suite, result)
    assert "secret-42" not in caplog.text
    assert {name for name in card_suite.entry.data if name in SECRETS} == {"user", "auth_password", "priv_password"}


# --- options ---------------------------------------------------------------------------------------------------------


async def options_of(hass: HomeAssistant, suite: CardSuite | Suite) -> Any:
    result = await hass.config_entries.options.async_init(suite.entry.entry_id)
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "init")
    return result


async def chosen(hass: HomeAssistant, result: Any, **options: Any) -> Any:
    defaults = {"interval": 10, "delay_before_sending": 0, "enabled_controls": [], "trap_port": 0}
    result = await hass.config_entries.options.async_configure(result["flow_id"], {**defaults, **options})
    await hass.async_block_till_done()
    return result


def fields(result: Any) -> list[str]:
    return [str(marker) for marker in result["data_schema"].schema]


OF_ALL = ["interval", "delay_before_sending", "enabled_controls", "monitor_connection", "tolerated_gap"]


@pytest.mark.parametrize(("channels", "own"), [("modbus", ["table"]), ("both", ["table"]), ("snmp", [])])
async def test_the_options_are_those_of_a_card(hass, card_suite, own):
    result = await options_of(hass, card_suite)
    assert fields(result) == [*OF_ALL, *own, "trap_port"]
    controls = [danger.value for danger in KINDS["netvision"].dangers]
    assert all(control.startswith("ups_") for control in controls)
    result = await chosen(hass, result, interval=50, delay_before_sending=5, enabled_controls=controls)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert card_suite.entry.options == {
        "interval": 50.0,
        "delay_before_sending": 5.0,
        "enabled_controls": controls,
        "monitor_connection": True,
        "tolerated_gap": 300.0,
        **dict.fromkeys(own, "auto"),
        "trap_port": 0,
    }
    assert loaded(card_suite.entry)
    assert card_suite.entry.runtime_data.lease.runner.schedule.interval == 50
    assert card_suite.entry.runtime_data.coordinators["ups"].enabled_controls == controls
    assert suggested(await options_of(hass, card_suite)).items() >= {"interval": 50.0, "trap_port": 0}.items()


async def test_options_that_make_no_sense_for_a_card_are_refused(hass, card_suite):
    result = await options_of(hass, card_suite)
    before = dict(card_suite.entry.options)
    for nonsense in (
        {"interval": 4.9},
        {"interval": 51},
        {"enabled_controls": ["generator"]},
        {"table": "netvision_mib"},
        {"trap_port": -1},
        {"trap_port": 65536},
        {"maximum_input_current": 32},
        {"unit_ids": "30"},
        {"full_scan": True},
    ):
        with pytest.raises(InvalidData):
            await chosen(hass, result, **nonsense)
    for port in (1, 162, 1023):
        result = await chosen(hass, result, trap_port=port, interval=20)
        shows(result, "init", {"trap_port": "bad_trap_port"})
        assert suggested(result).items() >= {"trap_port": port, "interval": 20}.items()
    assert card_suite.entry.options == before


async def test_a_port_for_traps_is_listened_on_and_0_is_none(hass, card_suite):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    requests = card_suite.card.agent.requests

    await chosen(hass, await options_of(hass, card_suite), interval=50, trap_port=port)
    card_suite.card.send_traps_to("127.0.0.1", port)
    asked = len(requests)
    card_suite.card.ups.mains = False
    card_suite.card.advance(5)
    # Far sooner than the next round.
    await card_suite.shows("ups", "on_battery", "on")
    assert len(requests) > asked

    await chosen(hass, await options_of(hass, card_suite), interval=50, trap_port=0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", port))


@pytest.mark.parametrize("machine", ["delphys"])
@pytest.mark.parametrize("channels", ["modbus"])
@pytest.mark.parametrize("table", ["auto", "jbusp"])
async def test_a_table_is_what_the_card_is_read_by_after_a_reload(hass, card_suite, table):
    before = card_suite.state("ups", "ups_status")
    card_suite.card.modbus.requests.clear()
    await chosen(hass, await options_of(hass, card_suite), table=table)
    assert loaded(card_suite.entry)
    asked = {request.address for request in card_suite.card.modbus.requests}
    # Who knows the table does not look for another one.
    assert (PRODUCT_CODE in asked) is (table == "auto")
    assert 0x1060 in asked
    assert card_suite.state("ups", "ups_status") == before != "unknown"


@pytest.mark.parametrize("channels", ["modbus"])
@pytest.mark.parametrize("table", ["jbusp", "sts"])
async def test_a_table_that_the_card_does_not_serve_is_told_and_mended_in_the_options(hass, card_suite, table):
    await chosen(hass, await options_of(hass, card_suite), table=table)
    assert card_suite.entry.state is ConfigEntryState.SETUP_RETRY
    assert card_suite.entry.error_reason_translation_key == "not_this_gateway"
    await chosen(hass, await options_of(hass, card_suite), table="vumap")
    assert loaded(card_suite.entry)


async def test_the_options_of_a_gx_are_its_own(hass, suite):
    result = await options_of(hass, suite)
    assert fields(result) == [
        *OF_ALL,
        "maximum_input_current",
        "battery_management",
        "health_checks",
        "unit_ids",
        "full_scan",
        "write_register",
    ]
    assert result["data_schema"]({"interval": 1})["interval"] == 1
    assert result["data_schema"]({"interval": 300})["interval"] == 300


# --- what fails at setup ---------------------------------------------------------------------------------------------


def modbus_off(card: NetVisionCard) -> None:
    card.modbus.stop()


def ups_lost(card: NetVisionCard) -> None:
    card.lose_ups()


def of_nobody(card: NetVisionCard) -> None:
    card.forced_words[PRODUCT_CODE] = NOBODYS_CODE


@pytest.mark.parametrize(
    ("breaks", "reason"),
    [(modbus_off, "busy_or_off"), (ups_lost, "machine_not_reached"), (of_nobody, "not_this_gateway")],
)
async def test_a_setup_that_fails_says_why_and_is_tried_again(
    hass, card, breaks: Callable[[NetVisionCard], None], reason
):
    entry = await stored_card_entry(card, "modbus")
    entry.add_to_hass(hass)
    breaks(card)
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == reason
    assert entry.reason is not None
    assert entry.title in entry.reason
    assert await nobody_is_connected(hass, card.modbus)
    await hass.config_entries.async_unload(entry.entry_id)


@pytest.mark.usefixtures("patient")
async def test_rejected_credentials_are_asked_for_at_setup(hass, card):
    let_in(card)
    entry = await v3_entry(hass, card, "snmp", USER | {"auth_password": "something else"})
    assert entry.state is ConfigEntryState.SETUP_ERROR
    assert entry.error_reason_translation_key == "authentication_failed"
    asking_again(hass)

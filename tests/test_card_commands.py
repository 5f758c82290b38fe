"""What a UPS and its card are told: gated, sent once by SNMP, shown, recorded; and what is refused, and why."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import voluptuous as vol
from homeassistant.const import ATTR_DEVICE_ID, CONF_DEVICE_ID, CONF_DOMAIN, CONF_TYPE, Platform
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError, Unauthorized
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import issue_registry as ir

from custom_components.energy_suite.const import DOMAIN
from custom_components.energy_suite.gateways.netvision.control import COMMANDS, UpsCommand
from demo.faults import silence
from demo.netvision import NetVisionCard
from demo.netvision_machines import MACHINES, Machine
from demo.snmp_agent import SnmpRequest
from demo.snmp_wire import Error
from demo.ups import Command, UpsConfig
from tests.conftest import CardSuite
from tests.test_card import (
    EVERY_CARD_CONTROL,
    STILL,
    always_fresh,  # noqa: F401 - for every test
    each_ups,
    every_control_still,
    one_round,
    place_of,
    registered_of,
    still,
)
from tests.test_commands import records, refused  # noqa: F401 - a fixture among them
from tests.test_device_actions import give, offered

COMMAND_OID = "1.3.6.1.4.1.4555.1.1.7.1.7.1.0"


@dataclass(frozen=True)
class Story:
    """A command: what is set on the UPS before, and what its status is after."""

    told: Command
    before: dict[str, bool]
    status: str


STORIES: dict[UpsCommand, Story] = {
    UpsCommand.STANDBY_ON: Story(Command.STANDBY_ON, {}, "available"),
    UpsCommand.STANDBY_OFF: Story(Command.STANDBY_OFF, {"standby": True}, "on_inverter"),
    UpsCommand.ECO_MODE: Story(Command.ECO_MODE, {}, "eco"),
    UpsCommand.NORMAL_MODE: Story(Command.NORMAL_MODE, {"eco": True}, "on_inverter"),
    UpsCommand.ALARM_RESET: Story(Command.ALARM_RESET, {}, "on_inverter"),
    UpsCommand.ON_BYPASS: Story(Command.ON_BYPASS, {}, "on_bypass"),
    UpsCommand.ON_INVERTER: Story(Command.ON_INVERTER, {"on_bypass": True}, "on_inverter"),
}
DANGEROUS = [command for command, about in COMMANDS.items() if about.danger]

each_dangerous = pytest.mark.parametrize("command", DANGEROUS)


def sets(card: NetVisionCard) -> list[SnmpRequest]:
    """The SETs that reached the card."""
    return [request for request in card.agent.requests if request.kind == "set"]


@contextmanager
def sent(suite: CardSuite, count: int) -> Iterator[None]:
    """Just so many SETs reach the card, and nothing is ever written by Modbus."""
    before = len(sets(suite.card))
    yield
    assert len(sets(suite.card)) - before == count
    assert {request.function for request in suite.card.modbus.requests} <= {3}


def nothing_sent(suite: CardSuite) -> AbstractContextManager[None]:
    """Nothing reaches the card but questions."""
    return sent(suite, 0)


async def act(suite: CardSuite, action: str, device: str, context: Context | None = None, /, **data: Any) -> None:
    """Use an action of the integration."""
    target = {ATTR_DEVICE_ID: suite.device_id(device)}
    await suite.hass.services.async_call(DOMAIN, action, {**target, **data}, blocking=True, context=context)


async def command_it(suite: CardSuite, command: str, context: Context | None = None, **data: Any) -> None:
    """Give a command with the action for it."""
    await act(suite, "ups_command", "ups", context, command=command, **data)


def button_of(suite: CardSuite, command: str) -> str:
    """The button that gives a command."""
    unique_id = f"{suite.entry.data['uid']}_ups_{command}"
    entity_id = suite.entities.async_get_entity_id(Platform.BUTTON, DOMAIN, unique_id)
    assert entity_id is not None
    return entity_id


async def press(suite: CardSuite, command: str, context: Context | None = None) -> None:
    """Press the button of a command."""
    entity = {"entity_id": button_of(suite, command)}
    await suite.hass.services.async_call("button", "press", entity, blocking=True, context=context)


async def by_device_action(suite: CardSuite, command: str, context: Context | None = None) -> None:
    """Give a command as an automation with a device action does."""
    config: dict[str, Any] = {
        CONF_DOMAIN: DOMAIN,
        CONF_DEVICE_ID: suite.device_id("ups"),
        CONF_TYPE: f"ups_{command}",
    }
    if command in DANGEROUS:
        config["confirm"] = True
    await give(suite, config, context)


async def by_action(suite: CardSuite, command: str, context: Context | None = None) -> None:
    """Give a command with the action, confirmed."""
    await command_it(suite, command, context, confirm=True)


WAYS: dict[str, Callable[..., Any]] = {"action": by_action, "button": press, "device action": by_device_action}
each_way = pytest.mark.parametrize("way", WAYS)


async def prepared(suite: CardSuite, command: UpsCommand) -> Story:
    """Put the UPS where the command makes a difference."""
    story = STORIES[command]
    for name in ("standby", "eco", "on_bypass"):
        setattr(suite.card.ups, name, story.before.get(name, False))
    await one_round(suite)
    suite.card.commands.clear()
    return story


async def user_of(hass: HomeAssistant, group: str) -> Context:
    """Somebody of a group, who is not the owner."""
    if all(user.system_generated for user in await hass.auth.async_get_users()):
        await hass.auth.async_create_user("owner", group_ids=["system-admin"])
    user = await hass.auth.async_create_user(group, group_ids=[group])
    return Context(user_id=user.id)


# --- commands -----------------------------------------------------------------------------------------------------


def test_every_command_has_its_story():
    assert set(STORIES) == set(UpsCommand)
    assert {story.told for story in STORIES.values()} == set(Command)


@each_way
@every_control_still
@pytest.mark.usefixtures("all_enabled")
async def test_every_command_reaches_the_ups_and_is_shown_at_once(card_suite, records, way, subtests):  # noqa: F811 - the fixture
    for command in UpsCommand:
        with subtests.test(str(command)):
            story = await prepared(card_suite, command)
            records.clear()

            with sent(card_suite, 1):
                await WAYS[way](card_suite, command.value)

            assert list(card_suite.card.commands) == [story.told]
            assert sets(card_suite.card)[-1].oids == (COMMAND_OID,)
            assert card_suite.state("ups", "ups_status") == story.status
            (record,) = records
            family = COMMANDS[command].family
            assert (record["device"], record["control"], record["result"]) == ("ups", family, "applied")
            assert record["device_id"] == card_suite.device_id("ups")
            assert record["to"] == command.value


@every_control_still
async def test_what_shows_as_done_is_sent_again(card_suite, records, subtests):  # noqa: F811 - the fixture
    for command in UpsCommand:
        with subtests.test(str(command)):
            await prepared(card_suite, command)
            await by_action(card_suite, command.value)

            with sent(card_suite, True):
                await by_action(card_suite, command.value)

            assert records[-1]["result"] == "applied"


@pytest.mark.parametrize("machine", ["netys"])
@every_control_still
@pytest.mark.usefixtures("all_enabled")
async def test_a_small_ups_transfers_no_load_by_command(card_suite, subtests):
    for command in (UpsCommand.ON_BYPASS, UpsCommand.ON_INVERTER):
        with (
            subtests.test(str(command)),
            nothing_sent(card_suite),
            refused("transfer_not_available", HomeAssistantError),
        ):
            await by_action(card_suite, command.value)
    assert await offered(card_suite, "ups") == {
        "ups_standby_on",
        "ups_standby_off",
        "ups_eco_mode",
        "ups_normal_mode",
        "ups_alarm_reset",
    }

    await by_action(card_suite, "eco_mode")
    assert card_suite.state("ups", "ups_status") == "eco"


def without_eco_mode() -> Machine:
    known = MACHINES["masterys"]
    return Machine(
        model=known.model,
        serial=known.serial,
        reference=known.reference,
        maps=known.maps,
        code=known.code,
        installation=0x0101,
        ups=UpsConfig(phases=3, rated_power=60_000.0, rated_apparent_power=60_000.0, eco_mode=False),
    )


@pytest.mark.parametrize("machine", [without_eco_mode()], ids=[""])
@still
async def test_eco_mode_that_is_not_enabled_is_refused(card_suite):
    with nothing_sent(card_suite), refused("eco_mode_not_available", HomeAssistantError):
        await command_it(card_suite, "eco_mode")


@every_control_still
async def test_the_action_is_for_a_ups_alone(card_suite):
    command = UpsCommand.STANDBY_OFF
    with nothing_sent(card_suite), refused("wrong_device_kind"):
        await act(card_suite, "ups_command", "card", command=command.value, confirm=True)


@pytest.mark.parametrize("machine", ["statys"])
@every_control_still
async def test_a_transfer_system_takes_no_commands(card_suite):
    with nothing_sent(card_suite), refused("wrong_device_kind"):
        await act(card_suite, "ups_command", "sts", command="eco_mode")
    buttons = [place_of(card_suite, entity)[1] for entity in registered_of(card_suite) if entity.domain == "button"]
    assert buttons == ["search_again"]
    assert not await offered(card_suite, "sts")


# --- gates --------------------------------------------------------------------------------------------------------


@each_dangerous
@still
@pytest.mark.usefixtures("all_enabled")
async def test_what_drops_the_load_is_not_there_until_it_is_enabled(card_suite, records, command):  # noqa: F811 - the fixture
    buttons = {place_of(card_suite, entity)[1] for entity in registered_of(card_suite) if entity.domain == "button"}
    assert buttons == {"search_again", *(command.value for command in UpsCommand if command not in DANGEROUS)}
    assert f"ups_{command}" not in await offered(card_suite, "ups")

    for way in (by_action, by_device_action):
        with nothing_sent(card_suite), refused("control_not_enabled"):
            await way(card_suite, command.value)
    # The control comes before the confirmation.
    with nothing_sent(card_suite), refused("control_not_enabled"):
        await command_it(card_suite, command.value)
    assert [(record["to"], record["result"]) for record in records] == [(command.value, "control_not_enabled")] * 3


@pytest.mark.parametrize("options", [{"enabled_controls": ["ups_bypass"], **STILL}], ids=[""])
@pytest.mark.usefixtures("all_enabled")
async def test_each_danger_is_enabled_for_itself(card_suite):
    assert button_of(card_suite, "on_bypass")
    assert "ups_on_bypass" in await offered(card_suite, "ups")
    assert "ups_standby_on" not in await offered(card_suite, "ups")
    with refused("control_not_enabled"):
        await by_action(card_suite, "standby_on")
    await by_action(card_suite, "on_bypass")


@each_dangerous
@every_control_still
async def test_what_drops_the_load_has_to_be_confirmed(hass, card_suite, records, command):  # noqa: F811 - the fixture
    # The confirmation comes before the rights.
    with nothing_sent(card_suite), refused("confirmation_needed"):
        await command_it(card_suite, command.value, await user_of(hass, "system-users"))
    with nothing_sent(card_suite), refused("confirmation_needed"):
        await command_it(card_suite, command.value, confirm=False)
    with pytest.raises(vol.Invalid):
        await give(
            card_suite,
            {CONF_DOMAIN: DOMAIN, CONF_DEVICE_ID: card_suite.device_id("ups"), CONF_TYPE: f"ups_{command}"},
        )
    assert [(record["to"], record["result"]) for record in records] == [(command.value, "confirmation_needed")] * 2


@every_control_still
async def test_what_drops_the_load_is_never_done_to_a_whole_area(hass, card_suite, records, subtests):  # noqa: F811 - the fixture
    area = ar.async_get(hass).async_create("Energy room")
    for device in ("card", "ups"):
        card_suite.devices.async_update_device(card_suite.device_id(device), area_id=area.id)
    commands = [("ups_command", {"command": command.value}) for command in DANGEROUS]
    for action, data in (*commands, ("set_shutdown_event", EVENT), ("set_ups_schedule", WEEKLY)):
        with subtests.test(f"{action} {data}"), nothing_sent(card_suite), refused("device_not_named"):
            target = {"area_id": area.id}
            await hass.services.async_call(DOMAIN, action, {**target, **data, "confirm": True}, blocking=True)
        assert records[-1]["result"] == "device_not_named"

    with sent(card_suite, 1):
        await hass.services.async_call(
            DOMAIN, "ups_command", {"area_id": area.id, "command": "eco_mode"}, blocking=True
        )
    assert card_suite.state("ups", "ups_status") == "eco"
    # Named as well, it is meant.
    with sent(card_suite, 1):
        await act(card_suite, "ups_command", "ups", command="on_bypass", confirm=True, area_id=area.id)


@each_dangerous
@each_way
@every_control_still
@pytest.mark.usefixtures("all_enabled")
async def test_what_drops_the_load_is_for_administrators(hass, card_suite, records, command, way):  # noqa: F811 - the fixture
    user = await user_of(hass, "system-users")
    with nothing_sent(card_suite), pytest.raises(Unauthorized):
        await WAYS[way](card_suite, command.value, user)
    (record,) = records
    assert (record["to"], record["result"], record["context"].user_id) == (
        command.value,
        "not_administrator",
        user.user_id,
    )
    assert card_suite.state("ups", "ups_status") == "on_inverter"

    with sent(card_suite, 1):
        await WAYS[way](card_suite, command.value, await user_of(hass, "system-admin"))
    assert card_suite.state("ups", "ups_status") == STORIES[command].status


@each_way
@every_control_still
@pytest.mark.usefixtures("all_enabled")
async def test_anybody_may_give_the_other_commands(hass, card_suite, way):
    await WAYS[way](card_suite, "eco_mode", await user_of(hass, "system-users"))

    assert card_suite.state("ups", "ups_status") == "eco"


@every_control_still
async def test_the_settings_of_the_shutdown_are_for_administrators(hass, card_suite):
    user = await user_of(hass, "system-users")
    delay, switch = card_suite.entity_id("card", "shutdown_delay"), card_suite.entity_id("card", TURN_OFF)
    for domain, service, data in (
        ("number", "set_value", {"entity_id": delay, "value": 60}),
        ("switch", "turn_on", {"entity_id": switch}),
    ):
        with nothing_sent(card_suite), pytest.raises(Unauthorized):
            await hass.services.async_call(domain, service, data, blocking=True, context=user)
    for action, data in (("set_shutdown_event", EVENT), ("set_ups_schedule", WEEKLY)):
        with nothing_sent(card_suite), pytest.raises(Unauthorized):
            await act(card_suite, action, "card", user, **data, confirm=True)


@each_ups
@every_control_still
@pytest.mark.usefixtures("all_enabled")
async def test_a_closed_gate_refuses_everything_before_anything_is_sent(card_suite, records, machine, subtests):  # noqa: F811 - the fixture
    card_suite.card.ups.remote_control = False
    await one_round(card_suite)
    assert card_suite.state("card", "remote_control") == "off"

    for command in UpsCommand:
        if machine == "netys" and command in (UpsCommand.ON_BYPASS, UpsCommand.ON_INVERTER):
            continue  # it transfers no load by command anyway
        for way, give_it in WAYS.items():
            with (
                subtests.test(f"{command} {way}"),
                nothing_sent(card_suite),
                refused("remote_control_disabled", HomeAssistantError),
            ):
                await give_it(card_suite, command.value)
            assert records[-1]["result"] == "remote_control_disabled"
    for action, data in (("set_shutdown_event", EVENT), ("set_ups_schedule", WEEKLY)):
        with nothing_sent(card_suite), refused("remote_control_disabled", HomeAssistantError):
            await act(card_suite, action, "card", **data, confirm=True)
    assert not card_suite.card.commands


@every_control_still
async def test_a_gate_that_closes_later_is_noticed_when_it_matters(card_suite):
    assert card_suite.state("card", "remote_control") == "on"
    card_suite.card.ups.remote_control = False

    with nothing_sent(card_suite), refused("remote_control_disabled", HomeAssistantError):
        await by_action(card_suite, "eco_mode")
    with nothing_sent(card_suite), refused("remote_control_disabled", HomeAssistantError):
        await card_suite.call("number", "set_value", "card", "shutdown_delay", value=60)


@pytest.mark.parametrize("channels", ["modbus"])
@every_control_still
@pytest.mark.usefixtures("all_enabled")
async def test_by_modbus_alone_nothing_is_offered_and_everything_is_refused(card_suite, subtests):
    domains = {entity.domain for entity in registered_of(card_suite)}
    assert not domains & {"number", "switch", "select"}
    buttons = [place_of(card_suite, entity)[1] for entity in registered_of(card_suite) if entity.domain == "button"]
    assert buttons == ["search_again"]
    assert not await offered(card_suite, "ups")

    for command in UpsCommand:
        with subtests.test(str(command)), nothing_sent(card_suite), refused("needs_snmp", HomeAssistantError):
            await by_action(card_suite, command.value)
    for action, data in (("set_shutdown_event", EVENT), ("set_ups_schedule", WEEKLY)):
        with subtests.test(action), nothing_sent(card_suite), refused("needs_snmp", HomeAssistantError):
            await act(card_suite, action, "card", **data, confirm=True)
    with refused("needs_snmp", HomeAssistantError):
        await settings(card_suite)


@pytest.mark.parametrize("channels", ["snmp"])
@pytest.mark.parametrize("machine", ["netys"])
@every_control_still
async def test_snmp_alone_is_enough(card_suite):
    await by_action(card_suite, "eco_mode")

    assert card_suite.state("ups", "ups_status") == "eco"
    assert not card_suite.card.modbus.requests


@pytest.mark.parametrize("options", [{**EVERY_CARD_CONTROL, **STILL, "delay_before_sending": 60}], ids=[""])
async def test_a_command_that_waits_can_be_cancelled(hass, card_suite):
    task = hass.async_create_task(by_action(card_suite, "standby_on"))
    runtime = card_suite.entry.runtime_data
    while not len(runtime.pending):
        await hass.async_add_executor_job(lambda: None)

    with nothing_sent(card_suite), refused("command_cancelled"):
        await card_suite.call("button", "press", "card", "cancel_commands")
        await task
    assert card_suite.state("ups", "ups_status") == "on_inverter"


WAITING = {**EVERY_CARD_CONTROL, **STILL, "delay_before_sending": 60}
OPPOSITES = [
    (UpsCommand.STANDBY_ON, UpsCommand.STANDBY_OFF),
    (UpsCommand.ECO_MODE, UpsCommand.NORMAL_MODE),
    (UpsCommand.ON_BYPASS, UpsCommand.ON_INVERTER),
]


@pytest.mark.parametrize(("first", "second"), [*OPPOSITES, *(pair[::-1] for pair in OPPOSITES)])
@pytest.mark.parametrize("options", [WAITING], ids=[""])
@each_way
@pytest.mark.usefixtures("all_enabled")
async def test_an_opposite_command_replaces_the_one_that_waits(hass, card_suite, first, second, way):
    pending = card_suite.entry.runtime_data.pending
    replaced = hass.async_create_task(WAYS[way](card_suite, first.value))
    while not len(pending):
        await hass.async_add_executor_job(lambda: None)
    newer = hass.async_create_task(by_action(card_suite, second.value))

    with nothing_sent(card_suite), refused("command_replaced"):
        await replaced
    assert len(pending) == 1
    with nothing_sent(card_suite), refused("command_cancelled"):
        await card_suite.call("button", "press", "card", "cancel_commands")
        await newer


@pytest.mark.parametrize("options", [{**WAITING, "delay_before_sending": 1}], ids=[""])
async def test_a_standby_that_is_taken_back_while_it_waits_is_never_sent(hass, card_suite):
    standby = hass.async_create_task(by_action(card_suite, "standby_on"))
    pending = card_suite.entry.runtime_data.pending
    while not len(pending):
        await hass.async_add_executor_job(lambda: None)

    await by_action(card_suite, "standby_off")

    with refused("command_replaced"):
        await standby
    assert Command.STANDBY_ON not in card_suite.card.commands
    assert not len(pending)


# --- SETs that do not go well -------------------------------------------------------------------------------------

set_only: Callable[[SnmpRequest], bool] = lambda request: request.kind == "set"  # noqa: E731 - a predicate


@every_control_still
async def test_a_card_that_refuses_a_command_is_believed(card_suite, records, subtests):  # noqa: F811 - the fixture
    for error, reason in (
        (Error.GEN_ERR, "not_taken"),
        (Error.WRONG_VALUE, "not_taken"),
        (Error.NO_ACCESS, "no_write_access"),
        (Error.NOT_WRITABLE, "no_write_access"),
        (Error.AUTHORIZATION_ERROR, "no_write_access"),
    ):
        card_suite.card.agent.refuse_sets = error
        with subtests.test(error.name), sent(card_suite, 1), refused(reason, HomeAssistantError):
            await by_action(card_suite, "eco_mode")
        assert records[-1]["result"] == reason
        with subtests.test(f"{error.name} setting"), sent(card_suite, 1), refused(reason, HomeAssistantError):
            await card_suite.call("number", "set_value", "card", "shutdown_delay", value=60)
    assert card_suite.state("card", "shutdown_delay") == "180"
    # It is the credentials that may not write, not a GX that is read-only.
    assert not ir.async_get(card_suite.hass).issues


@every_control_still
async def test_a_command_that_is_acknowledged_and_not_taken_is_no_success(card_suite, records):  # noqa: F811 - the fixture
    card_suite.card.agent.ignore_sets = True

    with sent(card_suite, 1), refused("not_confirmed", HomeAssistantError):
        await by_action(card_suite, "standby_on")
    assert card_suite.state("ups", "ups_status") == "on_inverter"
    with sent(card_suite, 1), refused("not_taken", HomeAssistantError):
        await card_suite.call("number", "set_value", "card", "shutdown_delay", value=60)
    assert card_suite.state("card", "shutdown_delay") == "180"
    assert [record["result"] for record in records] == ["not_confirmed", "not_taken"]


@every_control_still
async def test_a_command_whose_answer_is_lost_is_not_repeated_and_counts_if_it_shows(card_suite):
    with card_suite.card.agent.inject(silence(), only=set_only):
        with sent(card_suite, 1):
            await by_action(card_suite, "eco_mode")
        with sent(card_suite, 1):
            await card_suite.call("number", "set_value", "card", "shutdown_delay", value=60)

    assert card_suite.state("ups", "ups_status") == "eco"
    await card_suite.shows("card", "shutdown_delay", "60")


@every_control_still
async def test_a_command_that_is_lost_is_told_as_such(card_suite):
    card_suite.card.agent.ignore_sets = True
    with card_suite.card.agent.inject(silence(), only=set_only):
        with sent(card_suite, 1), refused("no_answer", HomeAssistantError):
            await by_action(card_suite, "eco_mode")
        # Nothing shows whether it was taken.
        with sent(card_suite, 1), refused("no_answer", HomeAssistantError):
            await by_action(card_suite, "alarm_reset")
        with sent(card_suite, 1), refused("no_answer", HomeAssistantError):
            await card_suite.call("number", "set_value", "card", "shutdown_delay", value=60)


@every_control_still
async def test_without_a_write_community_nothing_is_sent(hass, card_suite):
    data = {key: value for key, value in card_suite.entry.data.items() if key != "write_community"}
    hass.config_entries.async_update_entry(card_suite.entry, data=data)
    assert await hass.config_entries.async_reload(card_suite.entry.entry_id)
    await hass.async_block_till_done()

    with nothing_sent(card_suite), refused("no_write_access", HomeAssistantError):
        await by_action(card_suite, "eco_mode")
    with nothing_sent(card_suite), refused("no_write_access", HomeAssistantError):
        await card_suite.call("switch", "turn_on", "card", TURN_OFF)


@every_control_still
async def test_a_lost_ups_takes_no_commands(card_suite):
    card_suite.card.lose_ups()
    await one_round(card_suite)

    with nothing_sent(card_suite), refused("device_unavailable"):
        await by_action(card_suite, "eco_mode")


# --- settings -----------------------------------------------------------------------------------------------------

TURN_OFF = "turn_off_after_shutdown"
EVENT: dict[str, Any] = {"row": 3, "action": "shutdown", "delay": 7, "first_warning": 90, "warning_interval": 15}
WEEKLY: dict[str, Any] = {
    "schedule": "weekly",
    "row": 2,
    "begin_day": "friday",
    "begin_time": "22:30",
    "end_day": "monday",
    "end_time": "06:15",
}


async def settings(suite: CardSuite) -> dict[str, Any]:
    """What the action that reads the settings answers of the card."""
    answer: Any = await suite.hass.services.async_call(
        DOMAIN,
        "get_ups_settings",
        {ATTR_DEVICE_ID: suite.device_id("card")},
        blocking=True,
        return_response=True,
    )
    (card,) = answer["settings"]
    return dict(card)


@each_ups
@every_control_still
async def test_the_shutdown_delay_is_set_read_back_and_shown(card_suite, records):  # noqa: F811 - the fixture
    attributes = card_suite.attributes("card", "shutdown_delay")
    assert (attributes["min"], attributes["max"], attributes["step"]) == (0, 86_400, 1)
    assert attributes["unit_of_measurement"] == "s"

    with sent(card_suite, 1):
        await card_suite.call("number", "set_value", "card", "shutdown_delay", value=300)

    assert card_suite.card.settings["upsShutdownDelay", 0] == 300
    await card_suite.shows("card", "shutdown_delay", "300")
    (record,) = records
    assert (record["control"], record["before"], record["to"], record["result"]) == (
        "shutdown_delay",
        180,
        300,
        "applied",
    )
    with nothing_sent(card_suite):
        await card_suite.call("number", "set_value", "card", "shutdown_delay", value=300)
    for value in (-1, 86_401):
        with nothing_sent(card_suite), pytest.raises(ServiceValidationError) as info:
            await card_suite.call("number", "set_value", "card", "shutdown_delay", value=value)
        assert info.value.translation_key == "out_of_range"


@every_control_still
async def test_the_turning_off_is_switched_read_back_and_shown(card_suite):
    assert card_suite.state("card", TURN_OFF) == "off"

    for service, stored, state in (("turn_on", 1, "on"), ("turn_off", 2, "off")):
        with sent(card_suite, 1):
            await card_suite.call("switch", service, "card", TURN_OFF)
        assert card_suite.card.settings["upsTurnOffAfterShutdown", 0] == stored
        await card_suite.shows("card", TURN_OFF, state)


@still
@pytest.mark.usefixtures("all_enabled")
async def test_without_the_control_the_settings_are_readings(hass, card_suite):
    assert card_suite.entity_id("card", "shutdown_delay").startswith("sensor.")
    assert card_suite.entity_id("card", TURN_OFF).startswith("binary_sensor.")
    assert (card_suite.state("card", "shutdown_delay"), card_suite.state("card", TURN_OFF)) == ("180", "off")
    for action, data in (("set_shutdown_event", EVENT), ("set_ups_schedule", WEEKLY)):
        with nothing_sent(card_suite), refused("control_not_enabled"):
            await act(card_suite, action, "card", **data, confirm=True)
    assert (await settings(card_suite))["shutdown_delay"] == 180

    # Once it is enabled the controls are in their place.
    hass.config_entries.async_update_entry(card_suite.entry, options={**EVERY_CARD_CONTROL, **STILL})
    assert await hass.config_entries.async_reload(card_suite.entry.entry_id)
    await hass.async_block_till_done()
    assert card_suite.entity_id("card", "shutdown_delay").startswith("number.")
    assert card_suite.entity_id("card", TURN_OFF).startswith("switch.")


@every_control_still
async def test_a_shutdown_event_is_set_and_read(card_suite, records):  # noqa: F811 - the fixture
    with nothing_sent(card_suite), refused("confirmation_needed"):
        await act(card_suite, "set_shutdown_event", "card", **EVENT)
    with nothing_sent(card_suite), refused("confirmation_needed"):
        await act(card_suite, "set_shutdown_event", "card", **EVENT, confirm=False)

    with sent(card_suite, 1):
        await act(card_suite, "set_shutdown_event", "card", **EVENT, confirm=True)

    stored = card_suite.card.settings
    assert stored["upsControlEventStatus", 3] == 3
    assert stored["upsControlDelay", 3] == 7
    assert stored["upsControlFirstWarning", 3] == 90
    assert stored["upsControlWarningInterval", 3] == 15
    # All in one: an event that is enabled must not act on old times.
    assert len(sets(card_suite.card)[-1].oids) == 4
    answer = await settings(card_suite)
    assert answer["shutdown_events"][2] == EVENT
    assert [event["row"] for event in answer["shutdown_events"]] == list(range(1, 14))
    assert {event["action"] for event in answer["shutdown_events"] if event["row"] != 3} == {"disabled"}
    assert (records[-1]["control"], records[-1]["to"]) == ("shutdown_event_3", "shutdown")

    with sent(card_suite, 1):
        await act(card_suite, "set_shutdown_event", "card", row=3, action="warning", confirm=True)
    assert stored["upsControlEventStatus", 3] == 2
    assert stored["upsControlDelay", 3] == 7


SCHEDULES: list[tuple[dict[str, Any], dict[str, int | str]]] = [
    (
        WEEKLY,
        {
            "upsControlWeeklyShutdownDay": 6,
            "upsControlWeeklyShutdownTime": "22:30",
            "upsControlWeeklyRestartDay": 2,
            "upsControlWeeklyRestartTime": "06:15",
        },
    ),
    (
        {
            "schedule": "special_day",
            "row": 8,
            "begin_day": "2026-12-24",
            "begin_time": "18:00",
            "end_day": "2026-12-27",
            "end_time": "08:00",
        },
        {
            "upsControlSpecialShutdownDay": "24/12/2026",
            "upsControlSpecialShutdownTime": "18:00",
            "upsControlSpecialRestartDay": "27/12/2026",
            "upsControlSpecialRestartTime": "08:00",
        },
    ),
    (
        {**WEEKLY, "schedule": "eco_mode", "row": 7, "begin_day": "sunday", "end_day": "saturday"},
        {
            "upsControlEcoModeStartDay": 1,
            "upsControlEcoModeStartTime": "22:30",
            "upsControlEcoModeEndDay": 7,
            "upsControlEcoModeEndTime": "06:15",
        },
    ),
]


@pytest.mark.parametrize(("asked", "stored"), SCHEDULES, ids=[asked["schedule"] for asked, _ in SCHEDULES])
@every_control_still
async def test_a_schedule_is_set_and_read(card_suite, records, asked, stored):  # noqa: F811 - the fixture
    with nothing_sent(card_suite), refused("confirmation_needed"):
        await act(card_suite, "set_ups_schedule", "card", **asked)

    with sent(card_suite, 1):
        await act(card_suite, "set_ups_schedule", "card", **asked, confirm=True)

    row = asked["row"]
    assert {name: card_suite.card.settings[name, row] for name in stored} == stored
    lines = (await settings(card_suite))[asked["schedule"]]
    line = {key: value for key, value in asked.items() if key != "schedule"}
    assert lines[row - 1] == line
    assert records[-1]["control"] == f"{asked['schedule']}_schedule_{row}"
    with nothing_sent(card_suite):
        await act(card_suite, "set_ups_schedule", "card", **asked, confirm=True)


@every_control_still
async def test_what_makes_no_sense_is_refused(card_suite, subtests):
    for action, data, reason in (
        ("set_ups_schedule", {**WEEKLY, "begin_day": "someday"}, "bad_day"),
        ("set_ups_schedule", {**WEEKLY, "end_day": "2026-12-24"}, "bad_day"),
        ("set_ups_schedule", {**SCHEDULES[1][0], "begin_day": "monday"}, "bad_day"),
        ("set_ups_schedule", {**SCHEDULES[1][0], "begin_day": "2026-02-30"}, "bad_day"),
        ("set_ups_schedule", {**WEEKLY, "row": 8}, "out_of_range"),
    ):
        with subtests.test(f"{action} {data}"), nothing_sent(card_suite), refused(reason):
            await act(card_suite, action, "card", **data, confirm=True)
    for action, data in (
        ("set_ups_schedule", {**WEEKLY, "row": 9}),
        ("set_ups_schedule", {**WEEKLY, "row": 0}),
        ("set_ups_schedule", {**WEEKLY, "begin_time": "25:00"}),
        ("set_ups_schedule", {**WEEKLY, "schedule": "daily"}),
        ("set_shutdown_event", {**EVENT, "row": 14}),
        ("set_shutdown_event", {**EVENT, "delay": -1}),
        ("set_shutdown_event", {**EVENT, "first_warning": 3601}),
        ("set_shutdown_event", {**EVENT, "action": "explode"}),
        ("set_shutdown_event", {"row": 3}),
        ("ups_command", {"command": "self_destruct"}),
    ):
        with subtests.test(f"{action} {data}"), nothing_sent(card_suite), pytest.raises(vol.Invalid):
            await act(card_suite, action, "card", **data, confirm=True)


@every_control_still
async def test_the_settings_of_a_card_that_does_not_answer_are_not_invented(card_suite):
    with card_suite.card.agent.inject(silence()), refused("no_answer", HomeAssistantError):
        await settings(card_suite)
    with refused("wrong_device_kind"):
        await act(card_suite, "set_shutdown_event", "ups", **EVENT, confirm=True)

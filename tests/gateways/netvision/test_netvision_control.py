"""What a card is told to do by SNMP: once, only through an open gate, and done when it is seen."""

from dataclasses import replace
from datetime import datetime

import pytest

from custom_components.energy_suite.gateways.base import CannotConnect, CommandRefused, Danger, DeviceGone
from custom_components.energy_suite.gateways.commands import Effect
from custom_components.energy_suite.gateways.netvision import control
from custom_components.energy_suite.gateways.netvision.control import (
    COMMANDS,
    DAYS,
    EVENT_ROWS,
    SCHEDULE_ROWS,
    Schedule,
    ShutdownAction,
    UpsCommand,
)
from custom_components.energy_suite.gateways.netvision.status import UpsStatus
from demo import faults
from demo.netvision import NetVisionCard
from demo.netvision_machines import MACHINES
from demo.snmp_wire import Error
from demo.ups import Command
from demo.usm import User

pytestmark = pytest.mark.usefixtures("quick")

QUICK = 0.15
ROOT = "1.3.6.1.4.1.4555.1.1.7.1."
CHANNELS = pytest.mark.parametrize("channels", ["snmp", "both"])
# By SNMP alone only a machine of this family is known to transfer its load.
COMMANDED = pytest.mark.parametrize(("machine", "channels"), [("delphys", "snmp"), ("masterys", "both")])


def next_year() -> int:
    """A year whose days are all to come."""
    return datetime.now().year + 1  # noqa: DTZ005 - as the card's own clock


def sets(card: NetVisionCard) -> list[str]:
    """What was written to the card, by suffix, whether or not it took it."""
    return [oid.removeprefix(ROOT) for request in card.agent.requests if request.kind == "set" for oid in request.oids]


def is_set(request):
    return request.kind == "set"


def lacking(**changes):
    """A MASTERYS without something."""
    plain = MACHINES["masterys"]
    assert plain.ups is not None
    return replace(plain, ups=replace(plain.ups, **changes))


# --- commands ----------------------------------------------------------------------------------------------------

# The state before, which the command is about to change.
BEFORE = {
    UpsCommand.STANDBY_ON: {},
    UpsCommand.STANDBY_OFF: {"standby": True},
    UpsCommand.ECO_MODE: {},
    UpsCommand.NORMAL_MODE: {"eco": True},
    UpsCommand.ON_BYPASS: {},
    UpsCommand.ON_INVERTER: {"on_bypass": True},
}
AFTER = {
    # A unit that is available comes first in the order of the states.
    UpsCommand.STANDBY_ON: {UpsStatus.STANDBY, UpsStatus.AVAILABLE},
    UpsCommand.STANDBY_OFF: {UpsStatus.ON_INVERTER},
    UpsCommand.ECO_MODE: {UpsStatus.ECO},
    UpsCommand.NORMAL_MODE: {UpsStatus.ON_INVERTER},
    UpsCommand.ON_BYPASS: {UpsStatus.ON_BYPASS},
    UpsCommand.ON_INVERTER: {UpsStatus.ON_INVERTER},
}


def test_every_command_has_the_number_of_the_card():
    assert {command.name: how.value for command, how in COMMANDS.items()} == {it.name: it.value for it in Command}
    assert {command: how.danger for command, how in COMMANDS.items() if how.danger} == {
        UpsCommand.STANDBY_ON: Danger.UPS_STANDBY,
        UpsCommand.ON_BYPASS: Danger.UPS_BYPASS,
    }
    assert {command for command, how in COMMANDS.items() if not how.shows} == {UpsCommand.ALARM_RESET}


@COMMANDED
@pytest.mark.parametrize("command", BEFORE)
async def test_a_command_reaches_the_ups_once_and_shows(make_card, site_of, command, machine, channels):
    card = await make_card(machine)
    for name, value in BEFORE[command].items():
        setattr(card.ups, name, value)
    site = await site_of(card, channels)
    assert await site.ups.give_command(command) is Effect.APPLIED
    assert [it.name for it in card.commands] == [command.name]
    assert sets(card) == ["7.1.0"]
    assert site.ups.ups_status in AFTER[command]


@pytest.mark.parametrize("version", ["v1", "v3"])
async def test_a_command_goes_by_every_version(make_card, site_of, version):
    card = await make_card("masterys", users=[User("operator", level="noAuthNoPriv")])
    site = await site_of(card, snmp_version=version, user="operator")
    assert await site.ups.give_command(UpsCommand.ECO_MODE) is Effect.APPLIED
    assert sets(card) == ["7.1.0"]


@COMMANDED
@pytest.mark.parametrize("command", BEFORE)
async def test_a_command_is_sent_where_it_shows_as_done(make_card, site_of, command, machine, channels):
    """What shows may be old, and an opposite command on its way."""
    card = await make_card(machine)
    opposite = {
        UpsCommand.STANDBY_ON: "standby",
        UpsCommand.ECO_MODE: "eco",
        UpsCommand.ON_BYPASS: "on_bypass",
    }
    if command in opposite:
        setattr(card.ups, opposite[command], True)
    site = await site_of(card, channels)
    assert await site.ups.give_command(command) is Effect.APPLIED
    assert [it.name for it in card.commands] == [command.name]


async def test_eco_mode_is_left_also_where_the_status_tells_of_a_battery(make_card, site_of):
    card = await make_card("masterys")
    site = await site_of(card, timeout=QUICK)
    card.ups.eco, card.ups.mains = True, False
    card.agent.inject(faults.silence(), only=is_set)
    card.agent.ignore_sets = True
    with pytest.raises(CommandRefused, match="no_answer"):
        await site.ups.give_command(UpsCommand.NORMAL_MODE)
    assert site.ups.ups_status is UpsStatus.ON_BATTERY


@CHANNELS
async def test_alarms_are_acknowledged_whatever_the_state_is(make_card, site_of, channels):
    card = await make_card("netys")
    site = await site_of(card, channels)
    for times in (1, 2):
        assert await site.ups.give_command(UpsCommand.ALARM_RESET) is Effect.APPLIED
        assert card.ups.acknowledgements == times
    assert sets(card) == ["7.1.0"] * 2


@COMMANDED
@pytest.mark.parametrize("command", UpsCommand)
async def test_nothing_is_sent_through_a_closed_gate(make_card, site_of, command, machine, channels):
    card = await make_card(machine)
    site = await site_of(card, channels)
    card.ups.remote_control = False
    with pytest.raises(CommandRefused, match="remote_control_disabled"):
        await site.ups.give_command(command)
    assert (sets(card), list(card.commands)) == ([], [])


async def test_a_gate_that_the_card_does_not_tell_of_is_closed(make_card, site_of):
    card = await make_card("netys")
    site = await site_of(card)
    objects = card.agent.mib.objects
    gate = tuple(map(int, f"{ROOT}8.4.0".split(".")))
    card.agent.mib.replace([gate], {})
    assert gate not in card.agent.mib.objects
    assert len(card.agent.mib.objects) == len(objects) - 1
    with pytest.raises(CommandRefused, match="remote_control_disabled"):
        await site.ups.give_command(UpsCommand.ECO_MODE)
    assert sets(card) == []


async def test_a_gate_that_cannot_be_asked_for_lets_nothing_through(make_card, site_of):
    card = await make_card("netys")
    site = await site_of(card, timeout=QUICK)
    card.agent.inject(faults.silence())
    with pytest.raises(CannotConnect, match="silent"):
        await site.ups.give_command(UpsCommand.ECO_MODE)
    assert sets(card) == []


@pytest.mark.parametrize("command", UpsCommand)
async def test_by_modbus_alone_nothing_is_commanded(make_card, site_of, command):
    card = await make_card("masterys")
    site = await site_of(card, "modbus")
    assert not site.ups.takes(command)
    with pytest.raises(CommandRefused, match="needs_snmp"):
        await site.ups.give_command(command)
    assert {request.function for request in card.modbus.requests} == {3}


@pytest.mark.parametrize(
    ("machine", "channels", "transfers"),
    [
        ("netys", "both", False),
        ("netys", "snmp", False),
        ("masterys", "both", True),
        # It does not tell by SNMP which map it speaks.
        ("masterys", "snmp", False),
        ("delphys", "both", True),
        ("delphys", "snmp", True),
    ],
)
async def test_only_some_machines_transfer_their_load(make_card, site_of, machine, channels, transfers):
    card = await make_card(machine)
    site = await site_of(card, channels)
    taken = {command for command in UpsCommand if site.ups.takes(command)}
    both = {UpsCommand.ON_BYPASS, UpsCommand.ON_INVERTER}
    assert taken == set(UpsCommand) - (set() if transfers else both)
    for command in both if not transfers else ():
        with pytest.raises(CommandRefused, match="transfer_not_available"):
            await site.ups.give_command(command)
    assert sets(card) == []


async def test_a_machine_without_a_name_may_transfer_its_load(make_card, site_of):
    site = await site_of(await make_card("netys"))
    site.line.machine = replace(site.line.machine, model=None)
    assert site.ups.takes(UpsCommand.ON_BYPASS)


async def test_a_machine_without_eco_mode_is_not_sent_into_it(make_card, site_of):
    card = await make_card(lacking(eco_mode=False))
    site = await site_of(card)
    with pytest.raises(CommandRefused, match="eco_mode_not_available"):
        await site.ups.give_command(UpsCommand.ECO_MODE)
    with pytest.raises(CommandRefused, match="eco_mode_not_available"):
        await site.card.set_schedule(Schedule.ECO_MODE, 1, begin=("monday", "01:00"), end=("monday", "02:00"))
    assert sets(card) == []


async def test_a_command_that_the_ups_refuses_is_not_taken(make_card, site_of):
    card = await make_card(lacking(bypass_transfer=False))
    site = await site_of(card)
    with pytest.raises(CommandRefused, match="not_taken"):
        await site.ups.give_command(UpsCommand.ON_BYPASS)
    assert (sets(card), list(card.commands)) == (["7.1.0"], [])


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Error.GEN_ERR, "not_taken"),
        (Error.WRONG_VALUE, "not_taken"),
        (Error.NO_ACCESS, "no_write_access"),
        (Error.NOT_WRITABLE, "no_write_access"),
        (Error.AUTHORIZATION_ERROR, "no_write_access"),
        (Error.READ_ONLY, "no_write_access"),
    ],
)
async def test_a_set_that_is_refused_says_why(make_card, site_of, error, reason):
    card = await make_card("masterys")
    site = await site_of(card)
    card.agent.refuse_sets = error
    with pytest.raises(CommandRefused, match=f"^{reason}$"):
        await site.ups.give_command(UpsCommand.STANDBY_ON)
    with pytest.raises(CommandRefused, match=f"^{reason}$"):
        await site.card.set_shutdown_delay(60)
    assert sets(card) == ["7.1.0", "7.2.0"]


async def test_without_a_write_community_nothing_is_sent(make_card, site_of):
    card = await make_card("masterys")
    site = await site_of(card, write_community=None)
    with pytest.raises(CommandRefused, match="no_write_access"):
        await site.ups.give_command(UpsCommand.ECO_MODE)
    with pytest.raises(CommandRefused, match="no_write_access"):
        await site.card.set_shutdown_delay(60)
    assert sets(card) == []


async def test_a_user_who_may_not_write_has_no_write_access(make_card, site_of):
    card = await make_card("masterys", users=[User("reader", level="noAuthNoPriv", may_write=False)])
    site = await site_of(card, snmp_version="v3", user="reader")
    with pytest.raises(CommandRefused, match="no_write_access"):
        await site.ups.give_command(UpsCommand.ECO_MODE)
    assert list(card.commands) == []


@CHANNELS
async def test_a_command_that_is_acknowledged_and_not_taken_is_not_confirmed(make_card, site_of, channels):
    card = await make_card("masterys")
    site = await site_of(card, channels)
    card.agent.ignore_sets = True
    with pytest.raises(CommandRefused, match="not_confirmed"):
        await site.ups.give_command(UpsCommand.STANDBY_ON)
    assert sets(card) == ["7.1.0"]


async def test_a_command_that_timed_out_and_was_taken_is_applied(make_card, site_of):
    card = await make_card("masterys")
    site = await site_of(card, timeout=QUICK)
    card.agent.inject(faults.silence(), only=is_set)
    assert await site.ups.give_command(UpsCommand.ECO_MODE) is Effect.APPLIED
    assert sets(card) == ["7.1.0"]


async def test_a_command_that_timed_out_and_was_not_taken_had_no_answer_and_is_not_repeated(make_card, site_of):
    card = await make_card("masterys")
    site = await site_of(card, timeout=QUICK)
    card.agent.inject(faults.silence(), only=is_set)
    card.agent.ignore_sets = True
    with pytest.raises(CommandRefused, match="no_answer"):
        await site.ups.give_command(UpsCommand.ECO_MODE)
    with pytest.raises(CommandRefused, match="no_answer"):
        await site.ups.give_command(UpsCommand.ALARM_RESET)
    assert sets(card) == ["7.1.0"] * 2


async def test_a_look_that_fails_does_not_end_the_waiting_for_a_command(make_card, site_of):
    card = await make_card("masterys")
    site = await site_of(card, "snmp", timeout=QUICK)
    # The look is asked twice.
    card.agent.inject(faults.silence(), requests=2, only=lambda request: bool(card.commands) and not is_set(request))
    assert await site.ups.give_command(UpsCommand.STANDBY_ON) is Effect.APPLIED
    assert sets(card) == ["7.1.0"]


async def test_a_ups_that_the_card_lost_is_not_confirmed_to_obey(make_card, site_of):
    card = await make_card("masterys")
    site = await site_of(card)
    card.agent.inject(lambda answer: card.lose_ups() or answer, only=is_set)
    with pytest.raises(CommandRefused, match="not_confirmed"):
        await site.ups.give_command(UpsCommand.STANDBY_ON)


async def test_nothing_is_sent_to_a_ups_that_the_card_lost(make_card, site_of):
    card = await make_card("masterys")
    site = await site_of(card)
    card.lose_ups()
    with pytest.raises(DeviceGone):
        await site.ups.give_command(UpsCommand.STANDBY_ON)
    assert sets(card) == []


async def test_a_connection_that_is_refused_is_an_error(make_card, site_of):
    card = await make_card("masterys")
    site = await site_of(card)
    card.agent.stop()
    with pytest.raises(CannotConnect, match="refused"):
        await site.ups.give_command(UpsCommand.STANDBY_ON)


async def test_a_card_that_closes_its_port_before_a_set_does_not_leave_it_open(make_card, site_of, monkeypatch):
    card = await make_card("masterys")
    site = await site_of(card)
    client = site.line.snmp.client
    ask = client.set

    async def stopped(values):
        card.agent.stop()
        await ask(values)

    monkeypatch.setattr(client, "set", stopped)
    with pytest.raises(CannotConnect, match="refused"):
        await site.ups.give_command(UpsCommand.STANDBY_ON)
    assert list(card.commands) == []


# --- settings ----------------------------------------------------------------------------------------------------


def _delay(card):
    return card.set_shutdown_delay(60)


def _turn_off(card):
    return card.set_turn_off_after_shutdown(True)


def _event(card):
    return card.set_shutdown_event(13, action=ShutdownAction.SHUTDOWN, delay=10, first_warning=0, warning_interval=3600)


def _weekly(card):
    return card.set_schedule(Schedule.WEEKLY, 7, begin=("friday", "23:59"), end=("sunday", "00:00"))


def _special(card):
    return card.set_schedule(
        Schedule.SPECIAL_DAY,
        8,
        begin=(f"{next_year()}-12-24", "18:00"),
        end=(f"{next_year() + 1}-01-02", "06:30"),
    )


def _eco(card):
    return card.set_schedule(Schedule.ECO_MODE, 1, begin=("sunday", "00:30"), end=("saturday", "20:00"))


SETTINGS = {
    _delay: {"upsShutdownDelay": (0, 60)},
    _turn_off: {"upsTurnOffAfterShutdown": (0, 1)},
    _event: {
        "upsControlDelay": (13, 10),
        "upsControlFirstWarning": (13, 0),
        "upsControlWarningInterval": (13, 3600),
        "upsControlEventStatus": (13, 3),
    },
    _weekly: {
        "upsControlWeeklyShutdownDay": (7, 6),
        "upsControlWeeklyShutdownTime": (7, "23:59"),
        "upsControlWeeklyRestartDay": (7, 1),
        "upsControlWeeklyRestartTime": (7, "00:00"),
    },
    _special: {
        "upsControlSpecialShutdownDay": (8, f"24/12/{next_year()}"),
        "upsControlSpecialShutdownTime": (8, "18:00"),
        "upsControlSpecialRestartDay": (8, f"02/01/{next_year() + 1}"),
        "upsControlSpecialRestartTime": (8, "06:30"),
    },
    _eco: {
        "upsControlEcoModeStartDay": (1, 1),
        "upsControlEcoModeStartTime": (1, "00:30"),
        "upsControlEcoModeEndDay": (1, 7),
        "upsControlEcoModeEndTime": (1, "20:00"),
    },
}
EACH = pytest.mark.parametrize(("setting", "objects"), SETTINGS.items(), ids=[it.__name__[1:] for it in SETTINGS])


@EACH
async def test_what_differs_of_a_setting_is_written_once_and_read_back(make_card, site_of, setting, objects):
    card = await make_card("masterys")
    site = await site_of(card)
    before = dict(card.settings)
    assert await setting(site.card) is Effect.APPLIED
    wanted = {(name, row): value for name, (row, value) in objects.items()}
    assert card.settings == before | wanted
    assert len(sets(card)) == sum(before[cell] != value for cell, value in wanted.items()) > 0
    # Together: half a schedule would turn a load off and never on again.
    assert sum(map(is_set, card.agent.requests)) == 1
    card.agent.requests.clear()
    assert await setting(site.card) is Effect.UNCHANGED
    assert sets(card) == []


@EACH
async def test_no_setting_goes_through_a_closed_gate(make_card, site_of, setting, objects):
    card = await make_card("masterys")
    site = await site_of(card)
    card.ups.remote_control = False
    with pytest.raises(CommandRefused, match="remote_control_disabled"):
        await setting(site.card)
    assert sets(card) == []


@EACH
async def test_a_setting_that_is_acknowledged_and_not_taken_says_so(make_card, site_of, setting, objects):
    card = await make_card("masterys")
    site = await site_of(card)
    card.agent.ignore_sets = True
    with pytest.raises(CommandRefused, match="not_taken"):
        await setting(site.card)


@EACH
async def test_a_setting_that_timed_out_is_looked_for_and_not_repeated(make_card, site_of, setting, objects):
    card = await make_card("masterys")
    site = await site_of(card, timeout=QUICK)
    card.agent.inject(faults.silence(), only=is_set)
    assert await setting(site.card) is Effect.APPLIED
    assert sum(map(is_set, card.agent.requests)) == 1


async def test_a_setting_that_timed_out_and_was_not_taken_had_no_answer(make_card, site_of):
    card = await make_card("masterys")
    site = await site_of(card, timeout=QUICK)
    card.agent.inject(faults.silence(), only=is_set)
    card.agent.ignore_sets = True
    with pytest.raises(CommandRefused, match="no_answer"):
        await site.card.set_shutdown_delay(60)
    assert sets(card) == ["7.2.0"]


async def test_a_setting_of_which_the_card_makes_another_value_is_adjusted(make_card, site_of):
    card = await make_card("masterys")
    site = await site_of(card)

    def rounds(answer):
        card.settings["upsShutdownDelay", 0] = 90
        return answer

    card.agent.inject(rounds, only=is_set)
    assert await site.card.set_shutdown_delay(77) is Effect.ADJUSTED


async def test_a_read_back_that_fails_is_tried_again_until_the_last(make_card, site_of):
    card = await make_card("masterys")
    site = await site_of(card, timeout=QUICK)

    def reads_back(request):
        return card.settings["upsShutdownDelay", 0] == 60 and not is_set(request)

    # Each look asks twice.
    card.agent.inject(faults.silence(), requests=3, only=reads_back)
    assert await site.card.set_shutdown_delay(60) is Effect.APPLIED
    card.agent.inject(faults.silence(), only=lambda request: card.settings["upsShutdownDelay", 0] == 61)
    with pytest.raises(CannotConnect, match="silent"):
        await site.card.set_shutdown_delay(61)
    assert sets(card) == ["7.2.0"] * 2


async def test_an_event_is_set_in_one_piece(make_card, site_of):
    card = await make_card("masterys")
    site = await site_of(card)
    await site.card.set_shutdown_event(2, action=ShutdownAction.WARNING, warning_interval=7, delay=9)
    assert set(sets(card)) == {"7.4.1.5.2", "7.4.1.3.2", "7.4.1.2.2"}
    assert sum(map(is_set, card.agent.requests)) == 1


async def test_what_is_not_given_of_an_event_stays(make_card, site_of):
    card = await make_card("masterys")
    site = await site_of(card)
    assert await site.card.set_shutdown_event(1, action=ShutdownAction.DISABLED, delay=None) is Effect.UNCHANGED
    assert await site.card.set_shutdown_event(1, action=ShutdownAction.DISABLED, delay=6) is Effect.APPLIED
    assert sets(card) == ["7.4.1.3.1"]


async def test_a_table_that_the_card_does_not_have_is_not_supported(make_card, site_of):
    card = await make_card("masterys")
    site = await site_of(card)
    card.agent.mib.replace([tuple(map(int, f"{ROOT}7.5".split(".")))], {})
    with pytest.raises(CommandRefused, match="not_supported"):
        await _weekly(site.card)
    assert sets(card) == []


MONDAY, TUESDAY = ("monday", "08:00"), ("tuesday", "18:00")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda card: card.set_shutdown_delay(-1), "out_of_range"),
        (lambda card: card.set_shutdown_delay(86_401), "out_of_range"),
        (lambda card: card.set_shutdown_delay(float("nan")), "out_of_range"),
        *(
            (lambda card, row=row: card.set_shutdown_event(row, action=ShutdownAction.WARNING), "out_of_range")
            for row in (0, EVENT_ROWS + 1)
        ),
        *(
            (
                lambda card, field=field, number=number: card.set_shutdown_event(
                    1, action=ShutdownAction.WARNING, **{field: number}
                ),
                "out_of_range",
            )
            for field, highest in (("delay", 10_080), ("first_warning", 3600), ("warning_interval", 3600))
            for number in (-1, highest + 1)
        ),
        *(
            (lambda card, it=it, row=row: card.set_schedule(it, row, begin=MONDAY, end=TUESDAY), "out_of_range")
            for it, rows in ((Schedule.WEEKLY, 7), (Schedule.SPECIAL_DAY, SCHEDULE_ROWS), (Schedule.ECO_MODE, 7))
            for row in (0, rows + 1)
        ),
        *(
            (lambda card, day=day: card.set_schedule(Schedule.WEEKLY, 1, begin=(day, "08:00"), end=TUESDAY), "bad_day")
            for day in ("", "lundi", "Monday", "2026-12-24", "8")
        ),
        *(
            (
                lambda card, day=day: card.set_schedule(
                    Schedule.SPECIAL_DAY, 1, begin=("2026-12-24", "08:00"), end=(day, "08:00")
                ),
                "bad_day",
            )
            for day in ("", "monday", "2026-02-30", "24/12/2026")
        ),
        *(
            (
                lambda card, time=time: card.set_schedule(Schedule.WEEKLY, 1, begin=MONDAY, end=("monday", time)),
                "bad_time",
            )
            for time in ("", "8:00", "24:00", "12:60", "12:00:00", "12.00", " 12:00", "12:00\n", "1٢:00")
        ),
        *(
            (lambda card, it=it, days=days: card.set_schedule(it, 1, begin=days[0], end=days[1]), "bad_schedule")
            for it, days in (
                (Schedule.WEEKLY, (MONDAY, ("none", "00:00"))),
                (Schedule.ECO_MODE, (("none", "00:00"), MONDAY)),
                (Schedule.SPECIAL_DAY, (("2999-12-24", "08:00"), ("2999-12-24", "08:00"))),
                (Schedule.SPECIAL_DAY, (("2999-12-24", "08:00"), ("2999-12-23", "09:00"))),
                (Schedule.SPECIAL_DAY, (("2001-12-24", "08:00"), ("2001-12-25", "08:00"))),
            )
        ),
    ],
)
async def test_what_no_card_takes_is_refused_before_anything_is_sent(make_card, site_of, change, reason):
    card = await make_card("masterys")
    site = await site_of(card)
    card.agent.requests.clear()
    with pytest.raises(CommandRefused, match=reason):
        await change(site.card)
    assert not card.agent.requests


# --- reading the settings ----------------------------------------------------------------------------------------


@CHANNELS
async def test_every_setting_is_read_in_the_words_of_the_actions(make_card, site_of, channels):
    card = await make_card("masterys")
    site = await site_of(card, channels)
    for setting in SETTINGS:
        await setting(site.card)
    told = await site.card.read_settings()
    assert (told["shutdown_delay"], told["turn_off_after_shutdown"]) == (60, True)
    assert [event["row"] for event in told["shutdown_events"]] == list(range(1, EVENT_ROWS + 1))
    assert told["shutdown_events"][0] == {
        "row": 1,
        "action": "disabled",
        "delay": 5,
        "first_warning": 30,
        "warning_interval": 30,
    }
    assert told["shutdown_events"][12] == {
        "row": 13,
        "action": "shutdown",
        "delay": 10,
        "first_warning": 0,
        "warning_interval": 3600,
    }
    assert [len(told[schedule.value]) for schedule in Schedule] == [7, 8, 7]
    nothing = {"begin_day": "none", "begin_time": "00:00", "end_day": "none", "end_time": "00:00"}
    assert told["weekly"][0] == {"row": 1, **nothing}
    assert told["weekly"][6] == {"row": 7, **nothing, "begin_day": "friday", "begin_time": "23:59", "end_day": "sunday"}
    assert told["special_day"][0] == {"row": 1, **nothing, "begin_day": None, "end_day": None}
    assert told["special_day"][7] == {
        "row": 8,
        "begin_day": f"{next_year()}-12-24",
        "begin_time": "18:00",
        "end_day": f"{next_year() + 1}-01-02",
        "end_time": "06:30",
    }
    assert told["eco_mode"][0] == {
        "row": 1,
        "begin_day": "sunday",
        "begin_time": "00:30",
        "end_day": "saturday",
        "end_time": "20:00",
    }


async def test_settings_that_make_no_sense_are_none(make_card, site_of):
    card = await make_card("masterys")
    card.settings |= {
        ("upsTurnOffAfterShutdown", 0): 7,
        ("upsControlEventStatus", 1): 9,
        ("upsControlWeeklyShutdownDay", 1): 0,
        ("upsControlWeeklyRestartDay", 1): len(DAYS) + 1,
        ("upsControlSpecialShutdownDay", 1): "31/02/2026",
    }
    told = await (await site_of(card)).card.read_settings()
    assert told["turn_off_after_shutdown"] is None
    assert told["shutdown_events"][0]["action"] is None
    assert (told["weekly"][0]["begin_day"], told["weekly"][0]["end_day"]) == (None, None)
    assert told["special_day"][0]["begin_day"] is None


async def test_an_sts_has_no_settings(make_card, site_of):
    card = await make_card("statys")
    site = await site_of(card)
    with pytest.raises(CommandRefused, match="not_supported"):
        await site.card.read_settings()
    with pytest.raises(CommandRefused, match="not_supported"):
        await site.card.set_shutdown_delay(60)
    assert sets(card) == []


def test_a_command_is_waited_for_as_long_as_a_card_asks_a_large_system():
    assert control.CONFIRM[-1] >= 10 * 3 / 2


def test_a_state_that_nobody_knows_confirms_nothing():
    assert not any(how.is_done(None, None) for how in COMMANDS.values())

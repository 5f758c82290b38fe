"""Commands that wait their turn."""

import asyncio
import gc

import pytest

from custom_components.energy_suite.gateways.base import CommandRefused
from custom_components.energy_suite.gateways.pending import PendingCommands

LONG = 3600.0


class Sent:
    """Commands that note when they are sent, and last until they are let go."""

    def __init__(self):
        self.pending = PendingCommands()
        self.began = []
        self.ended = []
        self.go = asyncio.Event()

    def give(self, what, *, device="gx", control="mode", delay=0.0):
        """Give a command without waiting for it."""
        return asyncio.create_task(self._send(what, device, control, delay))

    async def _send(self, what, device, control, delay):
        async with self.pending.turn(device, control, delay):
            self.began.append(what)
            await self.go.wait()
            self.ended.append(what)


@pytest.fixture
async def sent():
    return Sent()


async def turn():
    """Let every task go as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def refusal(task):
    with pytest.raises(CommandRefused) as refused:
        await task
    return refused.value.reason


async def test_a_command_without_delay_is_sent_at_once(sent):
    sent.go.set()
    await sent.give("on")
    assert sent.ended == ["on"]
    assert len(sent.pending) == 0


async def test_a_command_waits_out_its_delay_and_is_then_sent(sent):
    sent.go.set()
    task = sent.give("on", delay=0.3)
    await turn()
    assert (sent.began, len(sent.pending)) == ([], 1)
    await task
    assert (sent.ended, len(sent.pending)) == (["on"], 0)


async def test_cancelling_ends_every_command_that_was_not_sent(sent):
    tasks = [sent.give("on", delay=LONG), sent.give("6 A", control="current", delay=LONG)]
    await turn()
    assert sent.pending.cancel() == 2
    assert [await refusal(task) for task in tasks] == ["command_cancelled"] * 2
    assert (sent.began, len(sent.pending)) == ([], 0)


async def test_cancelling_for_a_device_leaves_the_others_alone(sent):
    gone = [sent.give("on", delay=LONG), sent.give("6 A", control="current", delay=LONG)]
    other = sent.give("off", device="inverter", delay=LONG)
    await turn()
    assert sent.pending.cancel(device="gx") == 2
    assert [await refusal(task) for task in gone] == ["command_cancelled"] * 2
    assert (sent.began, len(sent.pending)) == ([], 1)
    sent.pending.cancel()
    assert await refusal(other) == "command_cancelled"


async def test_nothing_is_kept_of_a_device_once_its_commands_are_done(sent):
    sent.go.set()
    await sent.give("on")
    gc.collect()
    assert not sent.pending._locks


async def test_cancelling_leaves_a_command_alone_that_was_sent(sent):
    task = sent.give("on")
    await turn()
    assert sent.pending.cancel() == 0
    sent.go.set()
    await task
    assert sent.ended == ["on"]


async def test_the_newest_command_for_a_control_replaces_the_ones_before(sent):
    sent.go.set()
    old = sent.give("on", delay=LONG)
    await turn()
    older = sent.give("off", delay=LONG)
    await turn()
    await sent.give("charger_only")
    assert await refusal(old) == "command_replaced"
    assert await refusal(older) == "command_replaced"
    assert sent.ended == ["charger_only"]


async def test_commands_for_other_controls_and_devices_are_not_replaced(sent):
    tasks = [
        sent.give("on", delay=LONG),
        sent.give("6 A", control="current", delay=LONG),
        sent.give("on", device="inverter", delay=LONG),
    ]
    await turn()
    assert len(sent.pending) == 3
    sent.pending.cancel()
    assert [await refusal(task) for task in tasks] == ["command_cancelled"] * 3


async def test_a_device_takes_one_command_at_a_time_and_others_do_not_wait_for_it(sent):
    first = sent.give("on")
    second = sent.give("6 A", control="current")
    other = sent.give("on", device="inverter")
    await turn()
    assert len(sent.began) == 2
    assert "6 A" not in sent.began
    sent.go.set()
    await asyncio.gather(first, second, other)
    assert sent.ended.index("on") < sent.ended.index("6 A")


async def test_the_newest_command_that_waits_for_the_device_wins(sent):
    running = sent.give("on")
    await turn()
    waiting = sent.give("off")
    await turn()
    newest = sent.give("charger_only")
    await turn()
    sent.go.set()
    await asyncio.gather(running, newest)
    assert await refusal(waiting) == "command_replaced"
    assert sent.ended == ["on", "charger_only"]


async def test_a_command_that_waits_for_the_device_can_be_cancelled(sent):
    running = sent.give("on")
    await turn()
    waiting = sent.give("off")
    await turn()
    assert sent.pending.cancel() == 1
    sent.go.set()
    await running
    assert await refusal(waiting) == "command_cancelled"
    assert sent.ended == ["on"]


@pytest.mark.parametrize("delay", [0.0, LONG])
async def test_a_caller_that_goes_away_leaves_nothing_behind(sent, delay):
    running = sent.give("on", control="other")
    await turn()
    gone = sent.give("off", delay=delay)
    await turn()
    gone.cancel()
    await asyncio.wait([gone])
    assert gone.cancelled()
    assert len(sent.pending) == 0
    sent.go.set()
    await running
    await sent.give("next")
    assert sent.ended == ["on", "next"]


async def test_a_caller_that_goes_away_while_its_command_is_sent_frees_the_device(sent):
    gone = sent.give("on")
    await turn()
    gone.cancel()
    await asyncio.wait([gone])
    sent.go.set()
    await sent.give("off")
    assert sent.ended == ["off"]


async def test_a_command_that_fails_frees_the_device(sent):
    sent.go.set()
    with pytest.raises(CommandRefused, match="not_taken"):
        async with sent.pending.turn("gx", "mode", 0.0):
            raise CommandRefused("not_taken")
    await sent.give("off")
    assert (sent.ended, len(sent.pending)) == (["off"], 0)


async def test_a_caller_that_goes_away_as_it_is_replaced_is_not_complained_about(sent):
    complaints = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context["message"]))
    running = sent.give("on", control="other")
    await turn()
    gone = sent.give("off")
    await turn()
    newest = sent.give("charger_only")
    await turn()
    gone.cancel()
    await asyncio.wait([gone])
    sent.go.set()
    await asyncio.gather(running, newest)
    del gone
    gc.collect()
    assert complaints == []

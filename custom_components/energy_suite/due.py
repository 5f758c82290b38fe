"""Commands that Home Assistant gives later: the end of a timed generator run, the end of a relay's pulse.

They are stored, so that their end survives a restart; one that fell due meanwhile is given at once. A run goes on if
Home Assistant is down at its end: nothing else knows of it.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.event import async_track_point_in_utc_time
from homeassistant.util import dt as dt_util

from .const import LOGGER
from .coordinator import DeviceCoordinator, SuiteConfigEntry
from .gateways.base import Danger
from .memory import DueCommand

TRY_AGAIN = 30.0
UNCERTAIN = {"no_answer", "device_gone"}
"""Errors after which a command may have taken effect all the same: then its end has to come."""

SENDERS: Mapping[str, Callable[[Any, bool], Awaitable[Any]]] = {
    "generator_manual_start": lambda device, on: device.start() if on else device.stop(),
    "relay_1": lambda device, on: device.set_relay(1, on),
    "relay_2": lambda device, on: device.set_relay(2, on),
}


async def async_command_for(  # noqa: PLR0913 - what each gate asks about
    coordinator: DeviceCoordinator,
    control: str,
    send: Callable[[], Awaitable[Any]],
    *,
    before: bool | None,
    to: bool,
    lasts: timedelta | None,
    danger: Danger | None,
    context: Context,
    named: bool = True,
) -> None:
    """Send a command, and with ``lasts`` its opposite after that time, even if Home Assistant restarts until then."""
    entry = coordinator.config_entry
    runtime = entry.runtime_data
    if lasts is None:
        await coordinator.async_command(
            control, send, before=before, to=to, danger=danger, named=named, context=context
        )
        return
    end: DueCommand = {"device": coordinator.device.key, "control": control, "value": int(not to), "at": 0.0}

    async def keep_end_and_send() -> Any:
        # Its end is stored before it begins: nothing that happens meanwhile may leave it without one.
        end["at"] = dt_util.utcnow().timestamp() + lasts.total_seconds()
        runtime.memory.due.append(end)
        await runtime.memory.async_save()
        return await send()

    try:
        await coordinator.async_command(
            control, keep_end_and_send, before=before, to=to, danger=danger, named=named, context=context, end=end
        )
    except HomeAssistantError as err:
        if err.translation_key not in UNCERTAIN and end in runtime.memory.due:
            runtime.memory.due.remove(end)
            await runtime.memory.async_save()
        raise
    finally:
        # An entry that was set up anew meanwhile has taken up by itself what was stored.
        if end in runtime.memory.due and entry.state is ConfigEntryState.LOADED and entry.runtime_data is runtime:
            _track(coordinator.hass, entry, end, end["at"])


@callback
def async_take_up_due_commands(hass: HomeAssistant, entry: SuiteConfigEntry) -> None:
    """Wait for what was due when Home Assistant stopped."""
    for due in entry.runtime_data.memory.due:
        _track(hass, entry, due, due["at"])


def _track(hass: HomeAssistant, entry: SuiteConfigEntry, due: DueCommand, at: float, *, again: bool = False) -> None:
    async def give(_: datetime) -> None:
        await _give(hass, entry, due, again=again)

    entry.async_on_unload(async_track_point_in_utc_time(hass, give, dt_util.utc_from_timestamp(at)))


async def _give(hass: HomeAssistant, entry: SuiteConfigEntry, due: DueCommand, *, again: bool) -> None:
    runtime = entry.runtime_data
    coordinator = runtime.coordinators.get(due["device"])
    if due not in runtime.memory.due:
        return  # a later command for the same control took its place
    if coordinator is not None:
        on = bool(due["value"])
        try:
            await coordinator.async_command(
                due["control"], lambda: SENDERS[due["control"]](coordinator.device, on), before=None, to=on
            )
        except HomeAssistantError as err:
            # What keeps a generator running after its run by hand has ended is not for us to stop.
            if err.translation_key != "generator_kept_running":
                if not again:
                    LOGGER.warning("%s: %s could not be ended in time (%s)", coordinator.log_name, due["control"], err)
                if entry.state is ConfigEntryState.LOADED:
                    _track(hass, entry, due, dt_util.utcnow().timestamp() + TRY_AGAIN, again=True)
                return
    if due in runtime.memory.due:
        runtime.memory.due.remove(due)
    await runtime.memory.async_save()

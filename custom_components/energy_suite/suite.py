"""What is loaded across entries: the devices, the alarm bus, the record of commands; the site's door."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN, EVENT_COMMAND
from .gateways.base import Alarm

if TYPE_CHECKING:
    from .coordinator import DeviceCoordinator

type AlarmListener = Callable[[DeviceCoordinator, Alarm, bool], None]
type DeviceListener = Callable[[DeviceCoordinator], None]
type ReportListener = Callable[[DeviceCoordinator], None]

_SUITE: HassKey[Suite] = HassKey(f"{DOMAIN}_suite")


@dataclass(frozen=True, kw_only=True)
class CommandRecord:
    """What became of one command."""

    device_id: str | None
    device: str
    control: str
    before: str | float | None
    to: str | float | None
    result: str
    """``applied``, ``unchanged``, ``adjusted``, or why it was refused."""


class Suite:
    """Everything that is loaded, whichever entry brought it."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Start empty."""
        self.hass = hass
        self._coordinators: dict[tuple[str, str], DeviceCoordinator] = {}
        self._alarm_listeners: list[AlarmListener] = []
        self._device_listeners: list[DeviceListener] = []
        self._report_listeners: list[ReportListener] = []
        self._gone_listeners: list[DeviceListener] = []

    def __iter__(self) -> Iterator[DeviceCoordinator]:
        """The coordinators of all devices."""
        return iter(list(self._coordinators.values()))

    @callback
    def async_add(self, coordinator: DeviceCoordinator) -> Callable[[], None]:
        """Take in a device; returns what takes it out again."""
        self._coordinators[coordinator.config_entry.entry_id, coordinator.device.key] = coordinator
        for listener in list(self._device_listeners):
            listener(coordinator)
        return lambda: self.async_remove(coordinator)

    @callback
    def async_remove(self, coordinator: DeviceCoordinator, *, gone: bool = False) -> None:
        """Let go of a device; nothing happens if that was done.

        It is ``gone`` where it was taken out or changed by itself, and is not with its entry, which may come back.
        """
        if self._coordinators.pop((coordinator.config_entry.entry_id, coordinator.device.key), None) is None:
            return
        for listener in list(self._gone_listeners) if gone else ():
            listener(coordinator)

    @callback
    def async_on_gone(self, listener: DeviceListener) -> Callable[[], None]:
        """Call for every device that is gone from now on; returns what ends it."""
        self._gone_listeners.append(listener)
        return lambda: self._gone_listeners.remove(listener)

    @callback
    def async_on_device(self, listener: DeviceListener) -> Callable[[], None]:
        """Call for every device that is added from now on; returns what ends it."""
        self._device_listeners.append(listener)
        return lambda: self._device_listeners.remove(listener)

    @callback
    def async_on_alarm(self, listener: AlarmListener) -> Callable[[], None]:
        """Call with (coordinator, alarm, raised) for every edge; returns what ends it."""
        self._alarm_listeners.append(listener)
        return lambda: self._alarm_listeners.remove(listener)

    @callback
    def async_alarm(self, coordinator: DeviceCoordinator, alarm: Alarm, raised: bool) -> None:
        """Pass on an edge."""
        for listener in list(self._alarm_listeners):
            listener(coordinator, alarm, raised)

    @callback
    def async_on_report(self, listener: ReportListener) -> Callable[[], None]:
        """Call for every report of any device, once its alarms were passed on; returns what ends it."""
        self._report_listeners.append(listener)
        return lambda: self._report_listeners.remove(listener)

    @callback
    def async_report(self, coordinator: DeviceCoordinator) -> None:
        """Pass on that a device was read, or could not be."""
        for listener in list(self._report_listeners):
            listener(coordinator)

    @callback
    def async_record(self, record: CommandRecord, context: Context | None) -> None:
        """Leave a record of a command: who, what, from, to, result."""
        self.hass.bus.async_fire(EVENT_COMMAND, asdict(record), context=context)


@callback
def async_get_suite(hass: HomeAssistant) -> Suite:
    """The suite of this Home Assistant."""
    if _SUITE not in hass.data:
        hass.data[_SUITE] = Suite(hass)
    return hass.data[_SUITE]

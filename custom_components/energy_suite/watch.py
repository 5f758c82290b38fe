"""Looks after one gateway: the health of its installation, and whether the gateway is overloaded."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

from homeassistant.core import HomeAssistant, callback

from .const import CONF_HEALTH_CHECKS, LOGGER
from .gateways.base import Alarm, Severity
from .site.health import CHECKS, Health, Limits, Remembered

if TYPE_CHECKING:
    from .coordinator import SuiteConfigEntry

OVERLOADED = "gateway_overloaded"


class Watch:
    """What is noticed of an installation as a whole; told by its gateway's main device."""

    def __init__(self, limits: Limits, remembered: Remembered, alarms: Iterable[Alarm]) -> None:
        """Take up what was noticed before a restart."""
        checks = {check.key for check in CHECKS}
        self.alarms = tuple(alarm for alarm in alarms if alarm.key in {OVERLOADED, *checks})
        self.health = Health(
            limits, remembered, raised={alarm.key: alarm.details for alarm in self.alarms if alarm.key in checks}
        )
        self._slowed = False

    @classmethod
    def from_options(cls, options: Mapping[str, Any], remembered: Remembered, alarms: Iterable[Alarm]) -> Self:
        """Make it as the user set it up."""
        return cls(Limits.from_options(options.get(CONF_HEALTH_CHECKS, {})), remembered, alarms)

    @callback
    def look(self, hass: HomeAssistant, entry: SuiteConfigEntry, now: float) -> None:
        """Look at everything, once every device was asked; ``now`` is in s since 1970."""
        runtime = entry.runtime_data
        coordinators = list(runtime.coordinators.values())
        if not all(runtime.lease.runner.has_reported(each.reading_name) for each in coordinators):
            return
        names = {each.device.key: each.title for each in coordinators}
        # Of the main device this is called before its report is kept.
        answering = {
            each.device.key: each.device for each in coordinators if each is runtime.main or each.data.available
        }
        runtime.main.device.findings = dict(self.health.look(answering, names, now))
        self.alarms = (*self._of_health(), *self._of_load(entry))

    def _of_health(self) -> Iterable[Alarm]:
        for check in CHECKS:
            if (finding := self.health.problems.get(check.key)) is not None:
                yield Alarm(
                    check.key, Severity[check.severity.upper()], check.notify_by_default, details=finding.numbers
                )

    def _of_load(self, entry: SuiteConfigEntry) -> Iterable[Alarm]:
        schedule = entry.runtime_data.lease.runner.schedule
        if schedule.slowed != self._slowed:
            self._slowed = schedule.slowed
            if self._slowed:
                LOGGER.warning("%s answers late and is asked less often, every %g s", entry.title, schedule.pace)
            else:
                LOGGER.info("%s answers in time and is asked every %g s again", entry.title, schedule.pace)
        if schedule.slowed:
            yield Alarm(OVERLOADED, Severity.INFORMATION, details={"interval": schedule.pace})

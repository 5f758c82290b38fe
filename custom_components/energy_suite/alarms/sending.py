"""From a message to a notify service or entity, and from a phone's answer back."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Self

from homeassistant.components.notify.const import (
    ATTR_DATA,
    ATTR_MESSAGE,
    ATTR_TITLE,
    SERVICE_SEND_MESSAGE,
    NotifyEntityFeature,
)
from homeassistant.components.notify.const import DOMAIN as NOTIFY
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import ATTR_ENTITY_ID, ATTR_SUPPORTED_FEATURES, STATE_UNAVAILABLE
from homeassistant.core import CoreState, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import slugify

from ..const import DOMAIN, LOGGER
from ..site.alarms.episodes import Severity
from ..site.alarms.notifications import Kind, Notification
from .messages import Message

COMPANION = "mobile_app"
EVENT_REPLY = f"{COMPANION}_notification_action"
ACKNOWLEDGE = f"{DOMAIN}.acknowledge:"
SNOOZE = f"{DOMAIN}.snooze:"
"""What the ids of a phone's buttons begin with; the tag of the alarm follows."""
SNOOZE_FOR = 3600.0
"""s, as the button says."""
ALARMS_VIEW = "/energy-suite/alarms"
"""Where the dashboard of the suite is, under the name that Home Assistant proposes for it."""
TIMEOUT = 60.0
"""s that a service may take."""


class NotSent(Exception):
    """A message was not sent."""


class TargetGone(NotSent):
    """There is no such service or entity."""


@dataclass(frozen=True)
class Route:
    """How a target is reached."""

    service: str
    """Of ``notify``."""
    entity_id: str | None = None
    takes_title: bool = True

    @property
    def is_companion(self) -> bool:
        """Whether it is Home Assistant's app on a phone, which takes more than a text."""
        return self.entity_id is None and self.service.startswith(f"{COMPANION}_")


def is_service(hass: HomeAssistant, target: str) -> bool:
    """Whether a target is a service of ``notify``, and not an entity."""
    return hass.services.has_service(NOTIFY, target.removeprefix(f"{NOTIFY}."))


def route_to(hass: HomeAssistant, target: str) -> Route | None:
    """How to reach a service or an entity of ``notify``; None if it does not exist."""
    if is_service(hass, target):
        return Route(target.removeprefix(f"{NOTIFY}."))
    state = hass.states.get(target)
    if state is None:
        return None
    if (companion := _companion_of(hass, target)) is not None:
        return companion
    features = NotifyEntityFeature(state.attributes.get(ATTR_SUPPORTED_FEATURES, 0))
    return Route(SERVICE_SEND_MESSAGE, target, takes_title=NotifyEntityFeature.TITLE in features)


def _companion_of(hass: HomeAssistant, entity_id: str) -> Route | None:
    """The service of a phone whose entity was chosen: only the service takes buttons and sounds."""
    entity = er.async_get(hass).async_get(entity_id)
    if entity is None or entity.platform != COMPANION or entity.config_entry_id is None:
        return None
    entry = hass.config_entries.async_get_entry(entity.config_entry_id)
    service = slugify(f"{COMPANION}_{entry.data.get('device_name', '')}") if entry else ""
    return Route(service) if hass.services.has_service(NOTIFY, service) else None


async def async_send(hass: HomeAssistant, target: str | None, notification: Notification, message: Message) -> None:
    """Send a message. Raises ``NotSent``, or its kin ``TargetGone``."""
    route = None if target is None else route_to(hass, target)
    if route is None:
        raise TargetGone("there is no such target")
    data: dict[str, Any] = {ATTR_TITLE: message.title, ATTR_MESSAGE: message.body}
    if route.entity_id is not None:
        # Home Assistant passes over an entity that is not available, and says nothing.
        if (state := hass.states.get(route.entity_id)) is None or state.state == STATE_UNAVAILABLE:
            raise NotSent("its entity is not available")
        data[ATTR_ENTITY_ID] = route.entity_id
        if not route.takes_title:
            data = {ATTR_ENTITY_ID: route.entity_id, ATTR_MESSAGE: f"{message.title}\n{message.body}"}
    elif route.is_companion:
        data[ATTR_DATA] = companion_data(notification, message)
    elif message.name:
        # Some services drop titles.
        data[ATTR_MESSAGE] = f"{message.name} – {message.body}"
    try:
        async with asyncio.timeout(TIMEOUT):
            await hass.services.async_call(NOTIFY, route.service, data, blocking=True)
    except Exception as err:  # whatever the integration of somebody else raises
        # Its words may hold a host name or a secret.
        raise NotSent(type(err).__name__) from err


def companion_data(notification: Notification, message: Message) -> dict[str, Any]:
    """What a phone makes a notification of, beside its text: https://companion.home-assistant.io."""
    episode = notification.episode
    data: dict[str, Any] = {
        # A phone by Apple takes 64 bytes.
        "tag": f"{DOMAIN}_{sha256(notification.tag.encode()).hexdigest()[:32]}",
        "group": DOMAIN,
        "channel": message.channel,
        "url": ALARMS_VIEW,
        "clickAction": ALARMS_VIEW,
    }
    if notification.kind is Kind.TEST or episode is None or not episode.active:
        return data
    data["actions"] = [
        {"action": f"{ACKNOWLEDGE}{notification.tag}", "title": message.acknowledge},
        {"action": f"{SNOOZE}{notification.tag}", "title": message.snooze},
    ]
    if episode.severity is Severity.CRITICAL:
        data |= {
            "importance": "high",
            "ttl": 0,
            "priority": "high",
            "push": {"interruption-level": "critical", "sound": {"name": "default", "critical": 1, "volume": 1.0}},
        }
    return data


@dataclass(frozen=True)
class Reply:
    """What somebody answered on a phone."""

    tag: str
    snooze: float | None
    """For how many s; None if they acknowledged it."""

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self | None:
        """Read an answer; None if it is none to an alarm."""
        action = str(data.get("action", ""))
        if action.startswith(ACKNOWLEDGE):
            return cls(action.removeprefix(ACKNOWLEDGE), None)
        if action.startswith(SNOOZE):
            return cls(action.removeprefix(SNOOZE), SNOOZE_FOR)
        return None


class RecipientIssues:
    """Tells what keeps messages from somebody: once in the log, and in a repair what the user can mend."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry[Any]) -> None:
        """All recipients of an entry."""
        self.hass = hass
        self.entry = entry
        self._failing: set[str] = set()

    @callback
    def async_failed(self, recipient: str, failure: NotSent) -> None:
        """A message could not be sent."""
        if recipient not in self._failing:
            self._failing.add(recipient)
            LOGGER.warning("A message to %s could not be sent (%s); it is tried again", self._name(recipient), failure)

    @callback
    def async_delivered(self, recipient: str) -> None:
        """A message was sent."""
        if recipient in self._failing:
            self._failing.discard(recipient)
            LOGGER.info("Messages to %s are sent again", self._name(recipient))

    @callback
    def async_check(self, targets: Mapping[str, str]) -> None:
        """Tell whose target does not exist, once everything had time to be set up."""
        if self.hass.state is not CoreState.running:
            return
        prefix = f"recipient_target_gone_{self.entry.entry_id}_"
        gone = {recipient for recipient, target in targets.items() if route_to(self.hass, target) is None}
        for domain, issue_id in list(ir.async_get(self.hass).issues):
            if domain == DOMAIN and issue_id.startswith(prefix) and issue_id.removeprefix(prefix) not in gone:
                ir.async_delete_issue(self.hass, DOMAIN, issue_id)
        for recipient in gone:
            ir.async_create_issue(
                self.hass,
                DOMAIN,
                f"{prefix}{recipient}",
                is_fixable=False,
                severity=ir.IssueSeverity.ERROR,
                translation_key="recipient_target_gone",
                translation_placeholders={"name": self._name(recipient), "target": targets[recipient]},
            )

    def _name(self, recipient: str) -> str:
        subentry = self.entry.subentries.get(recipient)
        return recipient if subentry is None else subentry.title

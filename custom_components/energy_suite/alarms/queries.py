"""Questions to the two logs, as actions and the card ask them."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

import voluptuous as vol
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.typing import VolDictType, VolSchemaType
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonValueType

from ..const import DOMAIN
from ..site.alarms.episodes import Episode, Severity, Source
from ..site.alarms.events import Event, Happening
from ..site.alarms.export import ALARM_COLUMNS, alarms_as_csv
from ..site.alarms.log import MOST as MOST_ENTRIES
from ..site.alarms.log import Filter
from ..site.alarms.telling import LONGEST_SNOOZE
from .center import AlarmCenter, async_get_center
from .messages import column_name, severity_name, source_name

ATTR_ACTIVE = "active"
ATTR_DEVICE = "device"
ATTR_DURATION = "duration"
ATTR_END = "end"
ATTR_KIND = "kind"
ATTR_LIMIT = "limit"
ATTR_SEVERITY = "severity"
ATTR_SOURCE = "source"
ATTR_START = "start"
ATTR_TAG = "tag"


def _moment(value: Any) -> float:
    """A time in s since 1970; without a zone it is Home Assistant's."""
    moment: datetime = cv.datetime(value)
    return dt_util.as_utc(moment).timestamp()


def snooze_length(value: Any) -> float:
    """For how many s an alarm is put off: up to 30 days, 0 ends it. Raises ``vol.Invalid``."""
    try:
        seconds: float = cv.positive_time_period(value).total_seconds()
    except OverflowError as err:
        raise vol.Invalid("not a duration") from err
    if seconds > LONGEST_SNOOZE:
        raise vol.Invalid("30 days at most")
    return seconds


_PERIOD: VolDictType = {
    vol.Optional(ATTR_START): _moment,
    vol.Optional(ATTR_END): _moment,
}
_OF_DEVICE: VolDictType = {vol.Optional(ATTR_DEVICE): cv.string, **_PERIOD}
_LIMIT: VolDictType = {vol.Optional(ATTR_LIMIT): vol.All(vol.Coerce(int), vol.Range(1, MOST_ENTRIES))}

FILTERS: VolDictType = {
    **_OF_DEVICE,
    vol.Optional(ATTR_SOURCE): vol.All(vol.In([source.value for source in Source]), vol.Coerce(Source)),
    vol.Optional(ATTR_SEVERITY): vol.All(
        vol.In([severity.word for severity in Severity]), lambda word: Severity[word.upper()]
    ),
    vol.Optional(ATTR_ACTIVE): cv.boolean,
}
"""What the entries of the alarm log are chosen by."""
EVENT_FILTERS: VolDictType = {
    **_OF_DEVICE,
    vol.Optional(ATTR_KIND): vol.All(vol.In([kind.value for kind in Happening]), vol.Coerce(Happening)),
}
ALARM_LOG_SCHEMA: VolSchemaType = vol.Schema({**FILTERS, **_LIMIT})
EXPORT_SCHEMA: VolSchemaType = vol.Schema(FILTERS)
EVENT_LOG_SCHEMA: VolSchemaType = vol.Schema({**EVENT_FILTERS, **_LIMIT})
ACKNOWLEDGE_SCHEMA: VolSchemaType = vol.Schema({vol.Required(ATTR_TAG): cv.string})
SNOOZE_SCHEMA: VolSchemaType = vol.Schema(
    {vol.Required(ATTR_TAG): cv.string, vol.Required(ATTR_DURATION): snooze_length}
)


def _chosen(wanted: Mapping[str, Any], filters: VolDictType) -> dict[str, Any]:
    return {str(name): wanted[str(name)] for name in filters if str(name) in wanted}


async def async_alarms(center: AlarmCenter, wanted: Mapping[str, Any]) -> list[Episode]:
    """The entries of the alarm log that are asked for, the latest first."""
    query = partial(center.log.query, Filter(**_chosen(wanted, FILTERS)), wanted.get(ATTR_LIMIT))
    return await center.hass.async_add_executor_job(query)


async def async_get_alarm_log(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Answer with entries of the alarm log."""
    center = _center(hass)
    entries = await async_alarms(center, call.data)
    return {"entries": [center.describe(episode, hass.config.language) for episode in entries]}


async def async_export_alarm_log(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Answer with entries of the alarm log as CSV, in Home Assistant's language."""
    center, language = _center(hass), hass.config.language
    entries = await async_alarms(center, call.data)
    text = alarms_as_csv(
        entries,
        lambda episode: center.describe(episode, language)["text"],
        dt_util.get_default_time_zone(),
        header=[column_name(language, column) for column in ALARM_COLUMNS],
        devices=center.name_of,
        triggers=lambda episode: source_name(language, episode.source),
        severities=lambda severity: severity_name(language, severity),
    )
    return {"csv": text, "entries": len(entries)}


async def async_get_event_log(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Answer with lines of the event log."""
    center = _center(hass)
    await center.feed.async_flush()
    query = partial(center.events.query, **_chosen(call.data, EVENT_FILTERS), limit=call.data.get(ATTR_LIMIT))
    events = await hass.async_add_executor_job(query)
    asker = None if call.context.user_id is None else await hass.auth.async_get_user(call.context.user_id)
    # Who is not in charge knows themselves; an automation may know everybody.
    users = {
        user.id: user.name
        for user in await hass.auth.async_get_users()
        if call.context.user_id in (None, user.id) or (asker is not None and asker.is_admin)
    }
    return {"events": [_told(event, users) for event in events]}


async def async_acknowledge(hass: HomeAssistant, call: ServiceCall) -> None:
    """Take an alarm as known."""
    await _center(hass).async_acknowledge(call.data[ATTR_TAG], call.context)


async def async_snooze(hass: HomeAssistant, call: ServiceCall) -> None:
    """Put an alarm off."""
    await _center(hass).async_snooze(call.data[ATTR_TAG], call.data[ATTR_DURATION], call.context)


def _center(hass: HomeAssistant) -> AlarmCenter:
    if (center := async_get_center(hass)) is None:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="site_not_set_up")
    return center


def _told(event: Event, users: Mapping[str, str | None]) -> dict[str, JsonValueType]:
    return {
        "at": dt_util.as_local(dt_util.utc_from_timestamp(event.at)).isoformat(timespec="seconds"),
        "kind": event.kind.value,
        "device": event.device,
        "name": event.name,
        "what": event.what,
        "from": event.before,
        "to": event.to,
        "result": event.result,
        # Somebody who has no account any more, or whose name is not for the asker, is known by their id still.
        "who": None if event.who is None else users.get(event.who) or event.who,
    }

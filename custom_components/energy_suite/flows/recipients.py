"""Who is told of alarms: whom a message goes to, of what, in which language, and when not."""

from collections.abc import Iterator, Mapping
from typing import Any

import voluptuous as vol
from homeassistant.components.notify.const import SERVICE_SEND_MESSAGE
from homeassistant.config_entries import ConfigSubentryData, SubentryFlowResult
from homeassistant.const import CONF_NAME, Platform
from homeassistant.core import HomeAssistant, callback, valid_entity_id
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.selector import (
    LanguageSelector,
    LanguageSelectorConfig,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TimeSelector,
)
from homeassistant.util import slugify

from ..const import SUBENTRY_RECIPIENT
from ..site.alarms.episodes import Severity
from ..site.alarms.recipients import Level
from ..texts import FALLBACK, TEXTS
from .fields import choice
from .subentry import SiteSubentryFlow

_TOLD = [Severity.WARNING.word, Severity.CRITICAL.word]
"""Information is for the log."""
_APP = "mobile_app"
_NOTIFY = Platform.NOTIFY.value


@callback
def target_field(hass: HomeAssistant) -> SelectSelector:
    """Whatever takes messages; what does not exist yet can be typed."""
    names = dict(_targets(hass))
    options = [SelectOptionDict(value=target, label=f"{name} ({target})") for target, name in names.items()]
    options.sort(key=lambda option: option["label"].casefold())
    return SelectSelector(SelectSelectorConfig(options=options, custom_value=True, mode=SelectSelectorMode.DROPDOWN))


def is_target(target: str) -> bool:
    """Whether that can be the name of a notify service or entity."""
    return valid_entity_id(target) and target.startswith(f"{_NOTIFY}.")


@callback
def target_name(hass: HomeAssistant, target: str) -> str:
    """What a target is called."""
    return dict(_targets(hass)).get(target) or _spelled(target.removeprefix(f"{_NOTIFY}."))


def _targets(hass: HomeAssistant) -> Iterator[tuple[str, str]]:
    """The services and entities that take messages, and what they are called."""
    apps = {
        f"{_APP}_{slugify(entry.data.get('device_name'))}": entry.title
        for entry in hass.config_entries.async_entries(_APP)
    }
    for service in hass.services.async_services_for_domain(_NOTIFY):
        # Sends to entities, which are listed by themselves.
        if service != SERVICE_SEND_MESSAGE:
            yield f"{_NOTIFY}.{service}", apps.get(service) or _spelled(service)
    for state in hass.states.async_all(_NOTIFY):
        yield state.entity_id, state.name


def _spelled(service: str) -> str:
    return service.replace("_", " ").capitalize()


def usual_language(hass: HomeAssistant) -> str:
    """Home Assistant's language, if messages exist in it."""
    language = hass.config.language.partition("-")[0]
    return language if language in TEXTS else FALLBACK


def first_recipient(hass: HomeAssistant, target: str) -> ConfigSubentryData:
    """A recipient of whom nothing else was said."""
    return ConfigSubentryData(
        subentry_type=SUBENTRY_RECIPIENT,
        title=target_name(hass, target),
        unique_id=None,
        data={
            "target": target,
            "language": usual_language(hass),
            "severities": _TOLD,
            "level": Level.WARNINGS_AND_ALARMS.value,
        },
    )


def _problems(typed: Mapping[str, Any]) -> dict[str, str]:
    errors: dict[str, str] = {}
    if not is_target(typed["target"]):
        errors["target"] = "bad_target"
    if not typed["severities"]:
        errors["severities"] = "no_severity"
    start, end = typed.get("quiet_from"), typed.get("quiet_to")
    if (start is None) != (end is None):
        errors["quiet_from" if start is None else "quiet_to"] = "quiet_incomplete"
    elif start is not None and cv.time(start) == cv.time(end):
        errors["quiet_to"] = "quiet_never"
    return errors


class RecipientFlow(SiteSubentryFlow):
    """Add a recipient, or change one."""

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Describe somebody new."""
        return await self.async_step_recipient()

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Show who is there."""
        return await self.async_step_recipient()

    async def async_step_recipient(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for all of it."""
        errors: dict[str, str] = {}
        if user_input is not None:
            data = {**user_input, "target": user_input.get("target", "").strip()}
            name = data.pop(CONF_NAME).strip() or target_name(self.hass, data["target"])
            if not (errors := _problems(data)):
                return self._save(name, data)
        return self.async_show_form(
            step_id="recipient",
            data_schema=self.add_suggested_values_to_schema(
                vol.Schema(self._fields()), self._known if user_input is None else user_input
            ),
            errors=errors,
        )

    def _fields(self) -> dict[vol.Marker, Any]:
        return {
            vol.Optional("name", default=""): TextSelector(),
            # A list that has to be chosen from would begin with its first.
            vol.Optional("target"): target_field(self.hass),
            vol.Required("language", default=usual_language(self.hass)): LanguageSelector(
                LanguageSelectorConfig(languages=list(TEXTS), native_name=True)
            ),
            vol.Required("severities", default=_TOLD): choice("severity", _TOLD, multiple=True),
            vol.Required("level", default=Level.WARNINGS_AND_ALARMS.value): choice(
                "alarm_level", [level.value for level in Level]
            ),
            vol.Optional("quiet_from"): TimeSelector(),
            vol.Optional("quiet_to"): TimeSelector(),
        }

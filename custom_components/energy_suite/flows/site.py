"""The site: the installation as a whole and its alarms, one for each Home Assistant."""

import uuid
from collections.abc import Mapping
from typing import Any, Final

import voluptuous as vol
from homeassistant.config_entries import ConfigFlow, ConfigFlowResult, OptionsFlow
from homeassistant.const import CONF_TARGET
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    BooleanSelector,
    DeviceFilterSelectorConfig,
    EntityFilterSelectorConfig,
    TargetSelector,
    TargetSelectorConfig,
)
from homeassistant.helpers.translation import async_get_translations

from ..const import (
    CONF_DEVICES,
    CONF_GATEWAY,
    CONF_GRID,
    CONF_LEVEL,
    CONF_MOST_MESSAGES,
    CONF_QUIET,
    CONF_SILENT,
    CONF_UID,
    CONF_WARNINGS_FROM,
    CONF_WITHIN,
    DOMAIN,
    SITE,
    is_site,
)
from ..site.alarms.limits import Limits
from ..site.alarms.recipients import Level
from .fields import choice, integer, number
from .recipients import first_recipient, is_target, target_field

CONF_LIMITS: Final = "limits"

_LONGEST: Final = 168
"""h: a week."""
_DEVICES = TargetSelector(
    TargetSelectorConfig(
        device=DeviceFilterSelectorConfig(integration=DOMAIN), entity=EntityFilterSelectorConfig(integration=DOMAIN)
    )
)
LIMITS = vol.Schema(
    {
        vol.Required(CONF_MOST_MESSAGES, default=Limits.messages): integer(1, 1000),
        vol.Required(CONF_WITHIN, default=Limits.period / 3600): number(1, _LONGEST, "h"),
        vol.Required(CONF_QUIET, default=Limits.quiet / 3600): number(1, _LONGEST, "h"),
    }
)
OPTIONS: Mapping[vol.Marker, Any] = {
    vol.Required(CONF_LEVEL, default=Level.ALARMS_ONLY.value): choice("alarm_level", [level.value for level in Level]),
    vol.Optional(CONF_WARNINGS_FROM): _DEVICES,
    vol.Optional(CONF_SILENT): _DEVICES,
    vol.Required(CONF_GRID, default=True): BooleanSelector(),
    vol.Required(CONF_LIMITS): section(LIMITS, {"collapsed": True}),
}


class SiteSteps(ConfigFlow):
    """Add the site."""

    async def async_step_site(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask who is told first, which may be nobody."""
        if any(map(is_site, self._async_current_entries())):
            return self.async_abort(reason="single_instance")
        errors: dict[str, str] = {}
        if user_input is not None:
            target = user_input.get(CONF_TARGET, "").strip()
            if not target or is_target(target):
                return self.async_create_entry(
                    title=await self._site_title(),
                    data={CONF_GATEWAY: SITE, CONF_UID: uuid.uuid4().hex, CONF_DEVICES: []},
                    subentries=[first_recipient(self.hass, target)] if target else [],
                )
            errors = {CONF_TARGET: "bad_target"}
        schema = vol.Schema({vol.Optional(CONF_TARGET): target_field(self.hass)})
        return self.async_show_form(
            step_id="site",
            data_schema=self.add_suggested_values_to_schema(schema, user_input or {}),
            errors=errors,
        )

    async def _site_title(self) -> str:
        texts = await async_get_translations(self.hass, self.hass.config.language, "config", [DOMAIN])
        return texts[f"component.{DOMAIN}.config.step.site.title"]

    async def async_reconfigure_site(self, user_input: dict[str, Any] | None) -> ConfigFlowResult:
        """Say where it is changed: there is nothing that it is reached by."""
        return self.async_abort(reason="site_options")


class SiteOptionsFlow(OptionsFlow):
    """Change what is told of; the alarms go by it at once, without a reload."""

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """The first step has texts of its own, which are not those of a gateway."""
        return await self.async_step_site()

    async def async_step_site(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the options."""
        options = self.config_entry.options
        if user_input is not None:
            limits = user_input.pop(CONF_LIMITS)
            asked = {str(marker) for marker in OPTIONS}
            # What is switched by entities alone stays as it is.
            kept = {name: value for name, value in options.items() if name not in asked}
            return self.async_create_entry(data={**kept, **user_input, **limits})
        return self.async_show_form(
            step_id="site",
            data_schema=self.add_suggested_values_to_schema(
                vol.Schema(dict(OPTIONS)), {**options, CONF_LIMITS: options}
            ),
        )

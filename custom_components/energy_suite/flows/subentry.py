"""What the flows of the site's subentries share."""

from collections.abc import Mapping
from typing import Any

from homeassistant.config_entries import SOURCE_RECONFIGURE, ConfigSubentryFlow, SubentryFlowResult
from homeassistant.const import CONF_NAME


class SiteSubentryFlow(ConfigSubentryFlow):
    """Describe something new, or something that is there. The title of a subentry is its name."""

    @property
    def _known(self) -> dict[str, Any]:
        """What is stored of what is there, with its name; nothing of what is new."""
        if self.source != SOURCE_RECONFIGURE:
            return {}
        subentry = self._get_reconfigure_subentry()
        return {**subentry.data, CONF_NAME: subentry.title}

    def _save(self, name: str, data: Mapping[str, Any]) -> SubentryFlowResult:
        if self.source == SOURCE_RECONFIGURE:
            return self.async_update_and_abort(
                self._get_entry(), self._get_reconfigure_subentry(), title=name, data=dict(data)
            )
        return self.async_create_entry(title=name, data=data)

"""The page System information: which gateways answer, and how fast."""

from typing import Any

from homeassistant.components.system_health import SystemHealthRegistration
from homeassistant.core import HomeAssistant, callback

from .const import DOMAIN, is_site
from .coordinator import SuiteConfigEntry


@callback
def async_register(hass: HomeAssistant, register: SystemHealthRegistration) -> None:
    """Register what to show."""
    register.async_register_info(_async_info)


async def _async_info(hass: HomeAssistant) -> dict[str, Any]:
    entries: list[SuiteConfigEntry] = [
        entry for entry in hass.config_entries.async_loaded_entries(DOMAIN) if not is_site(entry)
    ]
    coordinators = [each for entry in entries for each in entry.runtime_data.coordinators.values()]
    slowest = max((entry.runtime_data.lease.runner.schedule.achieved or 0.0 for entry in entries), default=0.0)
    return {
        "gateways": len(entries),
        "gateways_reachable": sum(entry.runtime_data.main.data.available for entry in entries),
        "devices": len(coordinators),
        "devices_available": sum(coordinator.data.available for coordinator in coordinators),
        "slowest_round": round(slowest, 1),
    }

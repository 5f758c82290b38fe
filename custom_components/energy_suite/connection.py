"""Home Assistant's two functions (a unit for an entry, a unit for a flow) over the pool of ``gateways``."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN
from .gateways.connections import Endpoint, Lease, Pool

_POOL: HassKey[Pool] = HassKey(f"{DOMAIN}_connections")


@callback
def async_get_pool(hass: HomeAssistant) -> Pool:
    """The pool of this Home Assistant."""
    if _POOL not in hass.data:
        hass.data[_POOL] = Pool()
    return hass.data[_POOL]


@callback
def async_get_connection(
    hass: HomeAssistant,
    entry: ConfigEntry,
    endpoint: Endpoint,
    *,
    interval: float,
    timeout: float,
    learns: bool = False,
    spacing: float = 0.0,
) -> Lease:
    """Hold the connection to an endpoint until the entry unloads."""
    lease = async_get_pool(hass).acquire(endpoint, interval=interval, timeout=timeout, learns=learns, spacing=spacing)
    entry.async_on_unload(lease.release)
    return lease


@asynccontextmanager
async def async_get_temporary_connection(
    hass: HomeAssistant,
    endpoint: Endpoint,
    *,
    timeout: float,  # noqa: ASYNC109 - of each answer, not of the call
) -> AsyncIterator[Lease]:
    """Hold the connection to an endpoint for a config flow, which has no entry yet."""
    lease = async_get_pool(hass).acquire(endpoint, timeout=timeout)
    try:
        yield lease
    finally:
        await lease.release()

"""Cards and dashboard of the suite: the modules in ``www`` are served, and Home Assistant's frontend is told where.

The list of resources is no documented interface of Home Assistant. Only this module knows it, and what fails here
costs a warning and the cards, never the set-up.
"""

import asyncio
import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from homeassistant.components.frontend import add_extra_js_url, remove_extra_js_url
from homeassistant.components.http.server import StaticPathConfig
from homeassistant.components.lovelace.const import LOVELACE_DATA
from homeassistant.components.lovelace.resources import ResourceStorageCollection
from homeassistant.core import HomeAssistant
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN, LOGGER

WWW: Final = Path(__file__).parent / "www"
PREFIX: Final = f"/{DOMAIN}/"
"""Where every version of the modules is served, and what tells our resource from those of others."""


@dataclass
class _Modules:
    """The modules in this run."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Entries are set up side by side, and the resource may be made only once."""
    path: str | None = None
    """Where they are served."""
    extra: str | None = None
    """The address that was given to the frontend where its resources are not ours to write."""


_MODULES: HassKey[_Modules] = HassKey(f"{DOMAIN}_frontend")


def content_hash(folder: Path = WWW) -> str:
    """Name a version of the modules by what is in them.

    It goes into the path, which a module's own imports inherit: browsers keep what they got for a month.
    """
    digest = hashlib.sha256()
    for file in sorted(folder.iterdir()):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


async def async_serve(hass: HomeAssistant) -> None:
    """Serve the modules, once per run."""
    try:
        path = PREFIX + await hass.async_add_executor_job(content_hash)
        await hass.http.async_register_static_paths([StaticPathConfig(path, str(WWW), cache_headers=True)])
    except Exception:  # noqa: BLE001 - cards are not worth a gateway
        LOGGER.warning("The cards cannot be served", exc_info=True)
        return
    _modules(hass).path = path


async def async_show(hass: HomeAssistant) -> None:
    """Have dashboards load the modules, in the version that is served."""
    modules = _modules(hass)
    if modules.path is None:
        return
    try:
        async with modules.lock:
            await _async_show(hass, modules, modules.path)
    except Exception:  # noqa: BLE001 - as above
        LOGGER.warning("The cards cannot be made known to the dashboards", exc_info=True)


async def async_hide(hass: HomeAssistant) -> None:
    """Take the modules from the dashboards, when the last entry is removed."""
    modules = _modules(hass)
    try:
        async with modules.lock:
            await _async_hide(hass, modules)
    except Exception:  # noqa: BLE001 - as above
        LOGGER.warning("The cards are still known to the dashboards", exc_info=True)


def _modules(hass: HomeAssistant) -> _Modules:
    return hass.data.setdefault(_MODULES, _Modules())


async def _async_show(hass: HomeAssistant, modules: _Modules, path: str) -> None:
    if LOVELACE_DATA not in hass.data:
        return  # a Home Assistant without dashboards
    resources = hass.data[LOVELACE_DATA].resources
    if not isinstance(resources, ResourceStorageCollection):
        if modules.extra is None:
            address = f"{path}/late.js"
            add_extra_js_url(hass, address)
            modules.extra = address
        return
    wanted = {"res_type": "module", "url": f"{path}/entry.js"}
    ours = await _async_ours(resources)
    if not ours:
        await resources.async_create_item(wanted)
    elif ours[0]["url"] != wanted["url"]:
        await resources.async_update_item(ours[0]["id"], wanted)
    for double in ours[1:]:
        await resources.async_delete_item(double["id"])


async def _async_hide(hass: HomeAssistant, modules: _Modules) -> None:
    if modules.extra is not None:
        remove_extra_js_url(hass, modules.extra)
        modules.extra = None
    if LOVELACE_DATA not in hass.data:
        return
    resources = hass.data[LOVELACE_DATA].resources
    if isinstance(resources, ResourceStorageCollection):
        for item in await _async_ours(resources):
            await resources.async_delete_item(item["id"])


async def _async_ours(resources: ResourceStorageCollection) -> list[dict[str, Any]]:
    """Our resource; more than one if somebody added another version by hand."""
    await resources.async_get_info()  # reads them from the disk the first time
    return [item for item in resources.async_items() if item["url"].startswith(PREFIX)]

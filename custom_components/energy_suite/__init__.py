"""Energy Suite: set up and unload an entry."""

from datetime import datetime, timedelta

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConfigEntryAuthFailed, ConfigEntryNotReady
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.helpers.typing import ConfigType

from .actions import async_register_actions
from .alarms.center import async_remove_site, async_setup_site, async_unload_site
from .alarms.websocket import async_register_commands
from .const import CONF_CHANNELS, CONF_DEVICES, CONF_GATEWAY, CONF_UID, DOMAIN, PLATFORMS, is_site
from .coordinator import SuiteConfigEntry
from .due import async_take_up_due_commands
from .frontend import async_hide, async_serve, async_show
from .gateways.base import AuthenticationFailed, CannotConnect, DeviceGone, NotThisDevice
from .gateways.kinds import KINDS
from .gateways.netvision.gateway import SNMP
from .gateways.schedule import PROBE_INTERVAL
from .memory import Memory
from .setup import async_identify, async_make_runtime, async_search, async_start_devices
from .subentries import Subentries
from .traps import async_listen_for_traps

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Register the actions and serve the cards, once."""
    async_register_actions(hass)
    async_register_commands(hass)
    await async_serve(hass)
    await async_show(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: SuiteConfigEntry) -> bool:
    """Connect to a gateway and read its devices."""
    await async_show(hass)  # nothing to do unless the last entry was removed since the start
    if is_site(entry):
        return await async_setup_site(hass, entry)
    runtime = await async_make_runtime(hass, entry)
    placeholders = {"title": entry.title}
    try:
        runtime.identity = await async_identify(hass, entry, runtime.gateway)
    except AuthenticationFailed as err:
        raise ConfigEntryAuthFailed(
            translation_domain=DOMAIN, translation_key="authentication_failed", translation_placeholders=placeholders
        ) from err
    except CannotConnect as err:
        by_modbus = entry.data.get(CONF_CHANNELS) != SNMP
        is_busy = KINDS[entry.data[CONF_GATEWAY]].serves_one and by_modbus and err.reason != "silent"
        raise ConfigEntryNotReady(
            translation_domain=DOMAIN,
            translation_key="busy_or_off" if is_busy else "cannot_connect",
            translation_placeholders=placeholders,
        ) from err
    except DeviceGone as err:
        raise ConfigEntryNotReady(
            translation_domain=DOMAIN, translation_key="machine_not_reached", translation_placeholders=placeholders
        ) from err
    except NotThisDevice as err:
        raise ConfigEntryNotReady(
            translation_domain=DOMAIN, translation_key="not_this_gateway", translation_placeholders=placeholders
        ) from err
    entry.runtime_data = runtime
    await async_start_devices(hass, entry)
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    Subentries(hass, entry).async_start()
    async_take_up_due_commands(hass, entry)
    await async_listen_for_traps(hass, entry)

    async def search(_: datetime) -> None:
        await async_search(hass, entry)

    entry.async_on_unload(async_track_time_interval(hass, search, timedelta(seconds=PROBE_INTERVAL)))
    return True


async def async_unload_entry(hass: HomeAssistant, entry: SuiteConfigEntry) -> bool:
    """Unload an entry; everything else hangs on ``async_on_unload``."""
    if is_site(entry):
        return await async_unload_site(hass, entry)
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


async def async_remove_entry(hass: HomeAssistant, entry: SuiteConfigEntry) -> None:
    """Forget what was remembered of a gateway, or of the alarms of the installation."""
    if is_site(entry):
        await async_remove_site(hass, entry)
    else:
        await Memory(hass, entry.entry_id).async_remove()
    of_entry = (entry.entry_id, entry.data[CONF_UID])
    for domain, issue_id in list(ir.async_get(hass).issues):
        if domain == DOMAIN and any(name in issue_id for name in of_entry):
            ir.async_delete_issue(hass, DOMAIN, issue_id)
    if not hass.config_entries.async_entries(DOMAIN):
        await async_hide(hass)


async def async_migrate_entry(hass: HomeAssistant, entry: SuiteConfigEntry) -> bool:
    """Load entries of this version; refuse those of a later one."""
    return entry.version == 1


async def async_remove_config_entry_device(
    hass: HomeAssistant, entry: SuiteConfigEntry, device_entry: dr.AnyDeviceEntry
) -> bool:
    """Let the user delete a device that is no longer there."""
    if entry.state is not ConfigEntryState.LOADED or is_site(entry):
        return False  # who knows whether it is there; the installation is
    runtime = entry.runtime_data
    if device_entry.config_subentry_id in entry.subentries:
        return False  # it goes with its subentry
    coordinator = next((each for each in runtime.coordinators.values() if each.device_id == device_entry.id), None)
    if coordinator is None:
        return True
    if coordinator is runtime.main or coordinator.data.available:
        return False
    key = coordinator.device.key
    runtime.async_forget(key)
    hass.config_entries.async_update_entry(
        entry,
        data={**entry.data, CONF_DEVICES: [found for found in entry.data[CONF_DEVICES] if found["key"] != key]},
    )
    return True

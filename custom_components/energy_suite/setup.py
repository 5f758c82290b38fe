"""From a stored entry to read devices: identify the gateway, make its devices, look for new ones."""

from collections.abc import AsyncIterator

from homeassistant.const import CONF_HOST
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryNotReady
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.typing import UNDEFINED

from .connection import async_get_connection
from .const import CONF_DEVICES, CONF_GATEWAY, CONF_INTERVAL, CONF_SPACING, CONF_UID, DOMAIN, LOGGER
from .coordinator import DeviceCoordinator, SuiteConfigEntry, SuiteRuntimeData
from .gateways.base import Found, Gateway, GatewayError, Identity, is_same_serial, not_known
from .gateways.kinds import KINDS
from .memory import Memory
from .profiles import async_get_settings
from .suite import async_get_suite
from .watch import Watch


async def async_make_runtime(hass: HomeAssistant, entry: SuiteConfigEntry) -> SuiteRuntimeData:
    """The connection, the gateway and the memory of an entry; nothing is asked of the gateway yet."""
    kind = KINDS[entry.data[CONF_GATEWAY]]
    interval = float(entry.options.get(CONF_INTERVAL, kind.interval))
    settings = await async_get_settings(hass, kind, entry.data, entry.options)

    gateway: Gateway | None = None

    async def close_gateway() -> None:
        if gateway is not None:
            await gateway.close()

    # Run in reverse order: first nothing is read any more.
    entry.async_on_unload(close_gateway)
    lease = async_get_connection(
        hass,
        entry,
        kind.endpoint(settings),
        interval=interval,
        timeout=kind.timeout,
        learns=kind.learns_timeout,
        spacing=float(entry.options.get(CONF_SPACING, 0)) / 1000,
    )
    gateway = kind.make(lease.unit, interval, settings)
    memory = Memory(hass, entry.entry_id)
    await memory.async_load()
    runtime = SuiteRuntimeData(
        gateway=gateway,
        lease=lease,
        memory=memory,
        watch=Watch.from_options(
            entry.options, memory.remembered, memory.alarms_of(entry.data[CONF_DEVICES][0]["key"])
        ),
        search=lambda: async_search(hass, entry),
    )

    memory.collect = runtime.counters

    def cancel_commands() -> None:
        runtime.pending.cancel()

    entry.async_on_unload(cancel_commands)
    return runtime


async def async_identify(hass: HomeAssistant, entry: SuiteConfigEntry, gateway: Gateway) -> Identity:
    """Ask the gateway who it is, and refuse one that is not the one that was added.

    Raises ``CannotConnect``, ``NotThisDevice``, ``AuthenticationFailed`` or ``ConfigEntryNotReady``.
    """
    identity = await gateway.probe()
    issue_id = f"replaced_gateway_{entry.entry_id}"
    # Who does not say its serial number now has not become another for that.
    if identity.serial is None or is_same_serial(identity.serial, entry.unique_id):
        ir.async_delete_issue(hass, DOMAIN, issue_id)
        return identity
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id,
        is_fixable=False,
        severity=ir.IssueSeverity.ERROR,
        translation_key="replaced_gateway",
        translation_placeholders={"title": entry.title},
    )
    # Two boxes' histories must not mix; the user says whether it replaces the old one (reconfigure).
    raise ConfigEntryNotReady(
        translation_domain=DOMAIN, translation_key="unexpected_serial", translation_placeholders={"title": entry.title}
    )


async def async_start_devices(hass: HomeAssistant, entry: SuiteConfigEntry) -> None:
    """Make the stored devices and wait for the first report of each."""
    runtime = entry.runtime_data

    def stop() -> None:
        for key in list(runtime.coordinators):
            runtime.async_forget(key)

    entry.async_on_unload(stop)
    coordinators = [async_start_device(hass, entry, Found(**stored)) for stored in entry.data[CONF_DEVICES]]
    for coordinator in coordinators:
        await runtime.lease.runner.reported(coordinator.reading_name)
    entry.async_on_unload(runtime.memory.async_save)


@callback
def async_start_device(
    hass: HomeAssistant, entry: SuiteConfigEntry, found: Found, subentry_id: str | None = None
) -> DeviceCoordinator:
    """Register a device and read it from now on; ``subentry_id`` where the user added it behind the gateway."""
    runtime = entry.runtime_data
    device = runtime.gateway.device(found)
    device.restore_counters(runtime.memory.counters.get(device.key, {}))
    main = runtime.main if runtime.coordinators else None
    identifier = (DOMAIN, f"{entry.data[CONF_UID]}_{device.key}")
    registry = dr.async_get(hass)
    # A device that is known keeps the name that it told, even if it is away now.
    known = registry.async_get_device_by_identifier(identifier, entry.entry_id) is not None
    name = device.identity.name if main else entry.title
    info = registry.async_get_or_create(
        config_entry_id=entry.entry_id,
        identifiers={identifier},
        manufacturer=device.manufacturer,
        name=UNDEFINED if known or name is None else name,
        translation_key=device.kind if not known and name is None else None,
        translation_placeholders={"number": str(found.number or "")},
        config_subentry_id=subentry_id or UNDEFINED,
        via_device_id=main.device_id if main else UNDEFINED,
        configuration_url=UNDEFINED if main else _page(entry.data[CONF_HOST]),
    )
    coordinator = DeviceCoordinator(hass, entry, device, device_id=info.id, subentry_id=subentry_id)
    runtime.coordinators[device.key] = coordinator
    runtime.lease.runner.attach(coordinator.reading_name, device, coordinator.async_receive)
    async_get_suite(hass).async_add(coordinator)
    return coordinator


def _page(host: str) -> str:
    """The address of the gateway's own page."""
    return f"http://[{host}]" if ":" in host else f"http://{host}"


async def async_search(hass: HomeAssistant, entry: SuiteConfigEntry) -> None:
    """Look for devices and parts that were not there, and add what is new."""
    runtime = entry.runtime_data
    runtime.lease.runner.look_again()
    try:
        there = [found async for found in _found(runtime.gateway)]
    except GatewayError as err:
        LOGGER.debug("%s: search ended early (%s)", entry.title, type(err).__name__)
        return
    # Read now: another search may have added it meanwhile.
    if news := not_known(there, [Found(**stored) for stored in entry.data[CONF_DEVICES]]):
        hass.config_entries.async_update_entry(
            entry,
            data={**entry.data, CONF_DEVICES: [*entry.data[CONF_DEVICES], *(found.stored for found in news)]},
        )
        for found in news:
            async_start_device(hass, entry, found)


async def _found(gateway: Gateway) -> AsyncIterator[Found]:
    async for step in gateway.discover():
        if isinstance(step, Found):
            yield step

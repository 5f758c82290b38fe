"""SNMP traps of cards: one receiver for all, and a trap only makes the read happen at once."""

import asyncio
import socket
from dataclasses import dataclass

from homeassistant.const import CONF_HOST
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.util.hass_dict import HassKey

from .const import CONF_TRAP_PORT, DOMAIN
from .coordinator import SuiteConfigEntry
from .gateways.netvision.traps import TrapReceiver

AT_MOST_EVERY = 1.0
"""s: a storm of traps must not become a storm of reads."""


@dataclass
class _Shared:
    receiver: TrapReceiver
    holders: int = 0


_RECEIVERS: HassKey[dict[int, _Shared]] = HassKey(f"{DOMAIN}_traps")
_LOCK: HassKey[asyncio.Lock] = HassKey(f"{DOMAIN}_traps_lock")


async def async_listen_for_traps(hass: HomeAssistant, entry: SuiteConfigEntry) -> None:
    """Read the devices of an entry at once when their card sends a trap, if the user gave a port for it."""
    issue_id = f"trap_port_taken_{entry.entry_id}"
    ir.async_delete_issue(hass, DOMAIN, issue_id)
    if not (port := int(entry.options.get(CONF_TRAP_PORT, 0))):
        return
    try:
        shared = await _receiver(hass, port)
    except OSError:
        ir.async_create_issue(
            hass,
            DOMAIN,
            issue_id,
            is_fixable=False,
            severity=ir.IssueSeverity.WARNING,
            translation_key="trap_port_taken",
            translation_placeholders={"title": entry.title, "port": str(port)},
        )
        return

    async def release() -> None:
        async with hass.data[_LOCK]:
            shared.holders -= 1
            if not shared.holders:
                hass.data[_RECEIVERS].pop(port)
                await shared.receiver.close()

    entry.async_on_unload(release)
    reads = _Reads(hass, entry)
    entry.async_on_unload(reads.cancel)
    for address in await _addresses(hass, entry.data[CONF_HOST]):
        entry.async_on_unload(shared.receiver.on_trap(address, reads.ask))


class _Reads:
    """Reads at once, and once more behind the last of many traps: mains may return just after they failed."""

    def __init__(self, hass: HomeAssistant, entry: SuiteConfigEntry) -> None:
        self._loop = hass.loop
        self._entry = entry
        self._last = float("-inf")
        self._due: asyncio.TimerHandle | None = None

    @callback
    def ask(self) -> None:
        """Read now, or as soon as it may be read again."""
        if self._due is not None:
            return
        if (at := self._last + AT_MOST_EVERY) > self._loop.time():
            self._due = self._loop.call_at(at, self._read)
        else:
            self._read()

    @callback
    def _read(self) -> None:
        self._due, self._last = None, self._loop.time()
        runtime = self._entry.runtime_data
        for coordinator in runtime.coordinators.values():
            runtime.lease.runner.expedite(coordinator.reading_name, ["live"])

    @callback
    def cancel(self) -> None:
        """Read no more."""
        if self._due is not None:
            self._due.cancel()


async def _receiver(hass: HomeAssistant, port: int) -> _Shared:
    """The receiver on that port, to be released. Raises ``OSError`` if it is taken."""
    receivers = hass.data.setdefault(_RECEIVERS, {})
    # Who comes while the port is opened, or closed again, waits for the outcome.
    async with hass.data.setdefault(_LOCK, asyncio.Lock()):
        if port not in receivers:
            receiver = TrapReceiver()
            await receiver.start(port)
            receivers[port] = _Shared(receiver)
        receivers[port].holders += 1
        return receivers[port]


async def _addresses(hass: HomeAssistant, host: str) -> set[str]:
    """The addresses that a card of that name sends from."""
    try:
        found = await hass.loop.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except OSError:
        return set()
    return {str(address[0]) for *_, address in found}

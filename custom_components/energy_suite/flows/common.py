"""What the flows of all gateways share: the look at a gateway, the search behind it, the entry made of both."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from itertools import chain, count
from typing import Any

from homeassistant.config_entries import (
    SOURCE_USER,
    ConfigEntry,
    ConfigFlow,
    ConfigFlowResult,
    ConfigSubentryFlow,
    OptionsFlow,
)
from homeassistant.const import CONF_HOST
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import AbortFlow
from homeassistant.helpers.translation import async_get_translations

from ..connection import async_get_temporary_connection
from ..const import (
    CONF_CONFIRMED,
    CONF_COUPLING,
    CONF_DEVICES,
    CONF_GATEWAY,
    CONF_METERING,
    CONF_PROFILE,
    CONF_UID,
    DOMAIN,
)
from ..gateways.base import CannotConnect, Found, Gateway, GatewayError, Identity, Progress, is_same_serial
from ..gateways.kinds import KINDS
from ..profiles import async_get_settings

KEPT = (CONF_GATEWAY, CONF_UID, CONF_PROFILE, CONF_CONFIRMED, CONF_COUPLING, CONF_METERING)
"""What stays of an entry, whichever way leads to its gateway."""


class GatewaySearch:
    """One look at a gateway for a flow: who it is, and what is behind it."""

    def __init__(
        self,
        flow: ConfigFlow | OptionsFlow | ConfigSubentryFlow,
        kind: str,
        settings: Mapping[str, Any],
        options: Mapping[str, Any],
    ) -> None:
        """``settings`` hold all that is asked to reach it."""
        self._flow = flow
        self._options = options
        self.kind = KINDS[kind]
        self.settings = settings
        self.task: asyncio.Task[list[Found]] | None = None

    @asynccontextmanager
    async def gateway(self) -> AsyncIterator[Gateway]:
        """The gateway over a connection that is held for as long."""
        settings = await async_get_settings(self._flow.hass, self.kind, self.settings, self._options)
        async with async_get_temporary_connection(
            self._flow.hass, self.kind.endpoint(settings), timeout=self.kind.timeout
        ) as connection:
            gateway = self.kind.make(connection.unit, self.kind.interval, settings)
            try:
                yield gateway
            finally:
                await gateway.close()

    def start(self, *, full: bool = False) -> asyncio.Task[list[Found]]:
        """Look for the devices while the flow shows how far it is."""
        if self.task is None:
            self.task = self._flow.hass.async_create_task(self.discover(full=full))
        return self.task

    async def discover(self, *, full: bool = False) -> list[Found]:
        """Look for the devices. Raises ``GatewayError``."""
        found = []
        async with self.gateway() as gateway:
            async for step in gateway.discover(full=full):
                if isinstance(step, Progress):
                    self._flow.async_update_progress(step.done / step.total)
                else:
                    found.append(step)
        return found


class GatewayFlow(ConfigFlow):
    """The steps after a gateway was reached: search, show, add; and when it was added: another address, another box."""

    def __init__(self) -> None:
        """Start with nothing known."""
        self._gateway = ""
        self._search: GatewaySearch | None = None
        self._identity: Identity | None = None
        self._found: list[Found] = []
        self._scan_error: str | None = None

    def _look_for(
        self, kind: str, settings: Mapping[str, Any], options: Mapping[str, Any] | None = None
    ) -> GatewaySearch:
        """Begin to look at a gateway."""
        self._gateway = kind
        self._search = GatewaySearch(self, kind, settings, options or {})
        return self._search

    async def _abort_if_added(self) -> None:
        """Abort when the gateway that was identified was added before; its entry learns the new settings."""
        assert self._search is not None
        assert self._identity is not None
        if self._identity.serial is None:
            self._async_abort_entries_match({CONF_HOST: self._search.settings[CONF_HOST]})
            return
        # Who types an address goes on, though the same gateway waits on a card of its own.
        entry = await self.async_set_unique_id(self._identity.serial, raise_on_progress=self.source != SOURCE_USER)
        # One that the user ignores has no data.
        if entry is not None and entry.data and self._learn(entry) and entry.state.recoverable:
            self.hass.config_entries.async_schedule_reload(entry.entry_id)
        self._abort_if_unique_id_configured()

    async def async_step_scan(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show how far the search for devices is."""
        assert self._search is not None
        task = self._search.start()
        if not task.done():
            return self.async_show_progress(step_id="scan", progress_action="scan", progress_task=task)
        try:
            self._found = task.result()
        except GatewayError as err:
            self._scan_error = reason_of(err)
            return self.async_show_progress_done(next_step_id=self._gateway)
        return self.async_show_progress_done(next_step_id="found")

    async def async_step_found(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show what was found, and add it."""
        assert self._search is not None
        assert self._identity is not None
        if user_input is None:
            return self.async_show_form(
                step_id="found",
                description_placeholders={
                    "gateway": " ".join(
                        filter(None, (self._identity.model or self._search.kind.title, self._identity.firmware))
                    ),
                    "count": str(len(self._found)),
                    "devices": await _listed(self.hass, self._found),
                },
            )
        return self.async_create_entry(
            title=self._title(self._search.kind.title, self._identity),
            data={
                CONF_GATEWAY: self._gateway,
                CONF_UID: uuid.uuid4().hex,
                **self._search.settings,
                CONF_DEVICES: [found.stored for found in self._found],
            },
        )

    def _title(self, kind: str, identity: Identity) -> str:
        """The gateway's own name, unless it is the one from the factory or that of another entry."""
        titles = {entry.title for entry in self._async_current_entries()}
        title = identity.name or kind
        if identity.name in {kind, *titles} and identity.model:
            title = f"{kind} {identity.model}"
        numbered = (f"{title} {number}" for number in count(2))
        return next(each for each in chain((title,), numbered) if each not in titles)

    # --- another address, another box --------------------------------------------------------------------------------

    def _learn(self, entry: ConfigEntry, **changes: Any) -> bool:
        """Give an entry the settings that were just tried, and what was found beside what was known.

        Nothing stays of settings that another way needed. What was found again by its key is as it is now. Returns
        whether anything changed.
        """
        assert self._search is not None
        kept = {name: entry.data[name] for name in KEPT if name in entry.data}
        devices = {each["key"]: each for each in (*entry.data[CONF_DEVICES], *(found.stored for found in self._found))}
        return self.hass.config_entries.async_update_entry(
            entry,
            data={**kept, **self._search.settings, CONF_DEVICES: list(devices.values())},
            options=kept_options(entry, self._search.settings),
            **changes,
        )

    async def _take_or_replace(self, found: Iterable[Found] = ()) -> ConfigFlowResult:
        """Take the new settings of the same box; ask about another one."""
        assert self._identity is not None
        entry = self._get_reconfigure_entry()
        self._found = list(found)
        if self._identity.serial is None or is_same_serial(self._identity.serial, entry.unique_id):
            self._learn(entry)
            return self.async_update_reload_and_abort(entry)
        self._abort_if_known(self._identity.serial)
        return await self.async_step_replace()

    async def async_step_replace(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask whether the box that answers replaces the one that was added."""
        assert self._identity is not None
        entry = self._get_reconfigure_entry()
        if user_input is None:
            return self.async_show_form(
                step_id="replace",
                description_placeholders={"old": entry.unique_id or "?", "new": self._identity.serial or "?"},
            )
        self._abort_if_known(self._identity.serial)
        self._learn(entry, unique_id=self._identity.serial)
        return self.async_update_reload_and_abort(entry)

    def _abort_if_known(self, serial: str | None) -> None:
        """Abort when another entry has that box already."""
        if self.hass.config_entries.async_entry_for_domain_unique_id(DOMAIN, serial or "") is not None:
            raise AbortFlow("already_configured")


def reason_of(err: GatewayError) -> str:
    """The form error for a connection that failed."""
    return err.reason if isinstance(err, CannotConnect) else "lost"


def kept_options(entry: ConfigEntry, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The options of an entry without those that new settings decide."""
    return {name: value for name, value in entry.options.items() if name not in settings}


def host_of(user_input: Mapping[str, Any]) -> str:
    """The host as typed; one connection is shared per endpoint, so spelling matters."""
    host: str = user_input[CONF_HOST].strip().lower()
    return host.removeprefix("[").removesuffix("]")


async def _listed(hass: HomeAssistant, devices: Iterable[Found]) -> str:
    """What was found, a line each: what it is, and how its owner calls it."""
    texts = await async_get_translations(hass, hass.config.language, "device", [DOMAIN])
    kinds = [
        (found, texts.get(f"component.{DOMAIN}.device.{found.kind}.name", found.kind).format(number=found.number))
        for found in devices
    ]
    return "\n".join(f"- {kind}: {found.name}" if found.name else f"- {kind}" for found, kind in kinds)

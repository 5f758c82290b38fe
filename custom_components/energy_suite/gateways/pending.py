"""Commands that wait out the delay before sending; the newest command for a control wins."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from .base import CommandRefused


class PendingCommands:
    """The commands of one gateway that were given and not yet sent."""

    def __init__(self) -> None:
        """Start with nothing pending."""
        self._waiting: dict[tuple[str, str], asyncio.Future[str]] = {}
        # As long as a command holds or awaits them.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def turn(self, device: str, control: str, delay: float) -> AsyncIterator[None]:
        """Wait out the delay (s), then hold the device for one command.

        Raises ``CommandRefused`` with the reason ``command_cancelled`` or ``command_replaced``.
        """
        key = (device, control)
        self._end(key, "command_replaced")
        verdict: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting[key] = verdict
        try:
            if delay:
                await asyncio.wait([verdict], timeout=delay)
            async with self._lock(device):
                if verdict.done():
                    raise CommandRefused(verdict.result())
                self._forget(key, verdict)
                yield
        finally:
            self._forget(key, verdict)

    def cancel(self, *, device: str | None = None) -> int:
        """Cancel every command, or those for one device, that was not sent yet. Returns how many."""
        waiting = [key for key in self._waiting if device is None or key[0] == device]
        for key in waiting:
            self._end(key, "command_cancelled")
        return len(waiting)

    def __len__(self) -> int:
        """How many commands wait."""
        return len(self._waiting)

    def _lock(self, device: str) -> asyncio.Lock:
        return self._locks.setdefault(device, asyncio.Lock())

    def _forget(self, key: tuple[str, str], verdict: asyncio.Future[str]) -> None:
        if self._waiting.get(key) is verdict:
            del self._waiting[key]

    def _end(self, key: tuple[str, str], reason: str) -> None:
        verdict = self._waiting.pop(key, None)
        if verdict is not None and not verdict.done():
            verdict.set_result(reason)

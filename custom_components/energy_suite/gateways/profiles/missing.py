"""A device whose profile went missing."""

from collections.abc import Mapping
from typing import Any

from ..base import Device, DeviceGone, Found, Speed


class _NoMap:
    """Stands for what cannot be read, for want of its map: nothing is asked."""

    speed = Speed.LIVE
    present: bool | None = None
    read_at: float | None = None
    dropped = 0
    shown: Mapping[str, Any] = {}

    async def async_read(self, now: float) -> None:
        """Say that it is not there."""
        raise DeviceGone

    def forget(self) -> None:
        """There is nothing to find out."""


class DeviceWithoutMap(Device):
    """A device whose profile is not in the library any more: it keeps its place, unavailable."""

    manufacturer = ""

    def __init__(self, found: Found) -> None:
        """Make it without its map."""
        super().__init__(found.key)
        self.kind = found.kind
        self.found = found
        self.unit_id = found.unit_id
        self.parts["live"] = _NoMap()

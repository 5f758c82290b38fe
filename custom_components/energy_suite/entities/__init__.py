"""Which entities a device has: tables of descriptions, by kind of device."""

from collections.abc import Collection, Iterator

from ..gateways.base import Device
from .descriptions import Description
from .netvision import NETVISION
from .victron import VICTRON

DESCRIPTIONS: dict[str, tuple[Description, ...]] = {**VICTRON, **NETVISION}


def descriptions_of(device: Device, enabled_controls: Collection[str]) -> Iterator[Description]:
    """The entities that this device has, given the controls the user enabled."""
    for description in DESCRIPTIONS.get(device.kind, ()):
        if not _is_withheld(description, enabled_controls) and description.exists_fn(device):
            yield description


def withheld_from(device: Device, enabled_controls: Collection[str]) -> Iterator[Description]:
    """The entities that devices of this kind do not have as long as just these controls are enabled."""
    for description in DESCRIPTIONS.get(device.kind, ()):
        if _is_withheld(description, enabled_controls):
            yield description


def _is_withheld(description: Description, enabled_controls: Collection[str]) -> bool:
    if description.danger is not None and description.danger not in enabled_controls:
        return True
    return description.instead_of is not None and description.instead_of in enabled_controls

"""Which entities a device has: tables of descriptions by kind of device, or what its profile tells."""

from collections.abc import Collection, Iterator
from weakref import WeakKeyDictionary

from ..gateways.base import Device
from ..gateways.profiles.device import ProfileDevice
from .descriptions import Description
from .legrand import LEGRAND
from .netvision import NETVISION
from .profiles import described
from .solarman import SOLARMAN
from .victron import VICTRON

DESCRIPTIONS: dict[str, tuple[Description, ...]] = {**VICTRON, **NETVISION, **SOLARMAN, **LEGRAND}

# Every report asks for them, on every platform.
_described: WeakKeyDictionary[Device, dict[str, tuple[Description, ...]]] = WeakKeyDictionary()


def all_of(device: Device, language: str) -> tuple[Description, ...]:
    """The entities that devices of this kind may have; a profile's own names in ``language``."""
    if not isinstance(device, ProfileDevice):
        return DESCRIPTIONS.get(device.kind, ())
    by_language = _described.setdefault(device, {})
    if language not in by_language:
        by_language[language] = tuple(described(device, language))
    return by_language[language]


def descriptions_of(device: Device, enabled_controls: Collection[str], language: str = "en") -> Iterator[Description]:
    """The entities that this device has, given the controls the user enabled."""
    return (each for each in may_have(device, enabled_controls, language) if each.exists_fn(device))


def withheld_from(device: Device, enabled_controls: Collection[str], language: str = "en") -> Iterator[Description]:
    """The entities that devices of this kind do not have as long as just these controls are enabled."""
    for description in all_of(device, language):
        if _is_withheld(description, enabled_controls):
            yield description


def may_have(device: Device, enabled_controls: Collection[str], language: str = "en") -> Iterator[Description]:
    """The entities that this device may have with these controls, once it is known what of them it has."""
    for description in all_of(device, language):
        if not _is_withheld(description, enabled_controls):
            yield description


def _is_withheld(description: Description, enabled_controls: Collection[str]) -> bool:
    if description.danger is not None and description.danger not in enabled_controls:
        return True
    return description.instead_of is not None and description.instead_of in enabled_controls

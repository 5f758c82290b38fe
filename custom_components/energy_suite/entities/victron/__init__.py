"""The entities of the devices behind a Victron GX, by kind."""

from typing import Final

from ..descriptions import Description
from .environment import ENVIRONMENT
from .house import HOUSE
from .loads import LOADS
from .power import POWER_DEVICES

VICTRON: Final[dict[str, tuple[Description, ...]]] = {**HOUSE, **ENVIRONMENT, **LOADS, **POWER_DEVICES}

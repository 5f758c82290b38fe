"""The rack of the house's network and servers, and what keeps it alive: a UPS or a transfer system behind a card.

It hangs on the grid side of the house, ahead of the house's meter, so that its mains fail the moment the grid does,
whatever the house's own battery can still give.
"""

from typing import Any, Final

from . import weather
from .netvision import NetVisionCard
from .site import Site
from .ups import Condition, Ups

_KEPT: Final = ("state_of_charge", "eco", "standby", "on_bypass")

# Of the rated power: what the servers draw at rest, and how much more while they work.
_IDLE_LOAD: Final = 0.20
_WORK_LOAD: Final = 0.10

_SEED: Final = 7
_CHANGES_PER_HOUR: Final = 20.0


class Rack:
    """Binds a card and its equipment to the house: one clock, and mains that are the grid's."""

    def __init__(self, card: NetVisionCard, site: Site) -> None:
        self.card = card
        self.site = site
        self._follow()

    def advance(self, seconds: float) -> None:
        """Let time pass, under the conditions that the house has now."""
        self._follow()
        self.card.advance(seconds)

    def _follow(self) -> None:
        """Take over from the house what feeds the rack, and let the servers work."""
        equipment, lost = self.card.equipment, self.site.conditions.grid_lost
        if isinstance(equipment, Ups):
            equipment.mains = equipment.bypass_supply = not lost
            equipment.loads = list(self._loads(equipment))
        else:
            # The second source of a transfer system is another feeder than the house's.
            equipment.sources[1] = Condition.ABSENT if lost else Condition.OK

    def _loads(self, ups: Ups) -> tuple[float, ...]:
        config, position = ups.config, self.site.now.timestamp() / 3600 * _CHANGES_PER_HOUR
        each = config.rated_power / config.phases
        return tuple(
            each * (_IDLE_LOAD + _WORK_LOAD * weather.noise(_SEED, phase, position)) for phase in range(config.phases)
        )

    def snapshot(self) -> dict[str, Any]:
        """What JSON can keep of it."""
        equipment = self.card.equipment
        return {name: getattr(equipment, name) for name in _KEPT} if isinstance(equipment, Ups) else {}

    def restore(self, stored: dict[str, Any], away: float) -> None:
        """Take up what `snapshot` kept, and let the seconds since pass."""
        for name, value in stored.items():
            setattr(self.card.equipment, name, value)
        self.advance(away)

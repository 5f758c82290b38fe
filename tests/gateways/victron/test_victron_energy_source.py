"""The energy source, as the VRM manual 17.4 words it."""

import pytest

from custom_components.energy_suite.gateways.victron.energy_source import energy_source
from custom_components.energy_suite.gateways.victron.enums import EnergySource

SOLAR, GENERATOR, BATTERY, GRID = EnergySource


@pytest.mark.parametrize(
    ("solar", "generator", "battery", "grid", "consumption", "source"),
    [
        # What gives most to the consumers.
        (3000, 0, 500, -2000, 500, SOLAR),
        (400, 0, -1600, 0, 2000, BATTERY),
        (400, 0, 0, 1600, 2000, GRID),
        (0, 5000, 3000, 0, 2000, GENERATOR),
        (1000, 0, -900, 100, 2000, SOLAR),
        (200, 0, -700, 1100, 2000, GRID),
        # The sun covers the house; that the battery feeds in more does not count.
        (600, 0, -5000, -5000, 600, SOLAR),
        # Nobody draws power: what gives most to the battery.
        (2000, 0, 2000, 0, 0, SOLAR),
        (300, 0, 2000, 1700, 0, GRID),
        (300, 2500, 2800, 0, 0, GENERATOR),
        (2000, 0, 500, -1500, 0, SOLAR),
        # Nothing is charged either: what gives most to the grid.
        (100, 0, -2900, -3000, 0, BATTERY),
        (3000, 0, 0, -3000, 0, SOLAR),
        (1000, 2000, 0, -3000, 0, GENERATOR),
        # Nothing flows, or nothing is known.
        (0, 0, 0, 0, 0, GRID),
        (None, None, None, None, None, GRID),
        (None, None, -800, None, 800, BATTERY),
        # Consumers that nothing is seen to feed tell nothing.
        (0, 0, 0, 0, 300, GRID),
        # A system without a battery.
        (500, 0, None, -500, 0, SOLAR),
    ],
)
def test_source(solar, generator, battery, grid, consumption, source) -> None:
    assert (
        energy_source(solar=solar, generator=generator, battery=battery, grid=grid, consumption=consumption) is source
    )

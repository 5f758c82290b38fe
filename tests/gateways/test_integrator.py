"""Energy computed from power."""

import pytest

from custom_components.energy_suite.gateways.integrator import Integrator


def test_energy_is_the_area_under_the_power() -> None:
    integrator = Integrator(longest_gap=20)
    for when, power in enumerate((0, 3600, 3600, 0)):
        integrator.add(power, when * 10.0)
    assert integrator.energy == pytest.approx(0.02)


def test_nothing_is_known_before_the_first_power() -> None:
    integrator = Integrator(longest_gap=20)
    integrator.add(None, 0.0)
    assert integrator.energy is None
    integrator.add(1000, 1.0)
    assert integrator.energy == 0


@pytest.mark.parametrize(("gap", "energy"), [(20, 0.02), (21, 0.0)])
def test_gaps_are_not_bridged(gap: float, energy: float) -> None:
    integrator = Integrator(longest_gap=20)
    integrator.add(3600, 0.0)
    integrator.add(3600, gap)
    assert integrator.energy == pytest.approx(energy)


def test_an_unknown_power_is_a_gap() -> None:
    integrator = Integrator(longest_gap=20)
    integrator.add(3600, 0.0)
    integrator.add(None, 5.0)
    integrator.add(3600, 10.0)
    assert integrator.energy == 0


def test_the_same_reading_counts_once_and_time_does_not_run_back() -> None:
    integrator = Integrator(longest_gap=20)
    for when in (10.0, 10.0, 5.0):
        integrator.add(3600, when)
    assert integrator.energy == 0


def test_what_was_counted_before_goes_on() -> None:
    integrator = Integrator(longest_gap=20, energy=1234.5)
    integrator.add(3600, 0.0)
    integrator.add(3600, 10.0)
    assert integrator.energy == pytest.approx(1234.51)

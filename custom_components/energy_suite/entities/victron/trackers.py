"""The entities of solar trackers, of whichever device they are a part."""

from collections.abc import Callable, Iterator

from ...gateways.victron.trackers import TRACKERS, TrackerDevice
from ..common import ENERGY, POWER, VOLTAGE, Quantity, disabled, of_part, reading, where
from ..descriptions import Description


def has_one_tracker(device: TrackerDevice) -> bool:
    """Whether what the device says as a whole is what its tracker does."""
    return device.tracker_count == 1


def trackers() -> Iterator[Description]:
    """Each tracker of a device that has several."""
    for number in TRACKERS:
        yield from _tracker(number)


def _tracker(number: int) -> Iterator[Description]:
    """One of several trackers of a charger."""

    def reads(what: str, quantity: Quantity, value_fn: Callable[[TrackerDevice, int], float | None]) -> Description:
        return reading(
            f"tracker_{number}_{what}",
            quantity,
            lambda device: value_fn(device, number),
            name=f"tracker_{what}",
            translation_placeholders={"tracker": str(number)},
        )

    yield from of_part(
        "trackers",
        *where(
            lambda device: device.tracker_count > 1 and device.tracker_count >= number,
            reads("power", POWER, TrackerDevice.tracker_power),
            reads("voltage", VOLTAGE, TrackerDevice.tracker_voltage),
            *disabled(reads("yield_today", ENERGY, TrackerDevice.tracker_yield_today)),
        ),
    )

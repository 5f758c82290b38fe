"""The VE.Bus BMS of a lithium battery, by the words of the VE.Bus BMS V2 manual (rev 07).

It has no address of its own: what it allows shows in the registers of the inverter/charger, and its cells, if
anything tells them, in those of a battery of the same GX.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, Self

CELL_LIMITS = (2.85, 3.15)
"""V between which the pre-alarm of a battery may be set (manual 1)."""
HYSTERESIS = 0.05
"""V that the lowest cell has to recover by before a computed pre-alarm ends: our own choice."""
SECONDS_OF_WARNING = 30.0
"""s at least from the pre-alarm to the disconnection of the loads (manual 1)."""
RESERVE = 0.01
"""Part of the capacity that is left after a shut-down for low cell voltage (manual 5.1)."""
CELLS_FRESH = 90.0
"""s after which the cells that a battery told are not looked at any more, or three rounds where these are longer."""


class BmsKind(StrEnum):
    """Which VE.Bus BMS is connected: without one its registers read 0, and a V1 cannot be told from a V2."""

    AS_THE_GX_SAYS = "as_the_gx_says"
    NONE = "none"
    V1 = "v1"
    V2 = "v2"


@dataclass(frozen=True, kw_only=True)
class BmsSetup:
    """What the user says of the BMS and its battery."""

    kind: BmsKind = BmsKind.AS_THE_GX_SAYS
    pre_alarm_voltage: float = 3.1
    """V per cell, as it is set on the battery."""
    capacity: float = 0.0
    """Ah; 0 is what the battery says."""
    standby_current: float = 10.0
    """mA that go on flowing once the loads are disconnected: the manual's example. The BMS itself then takes 2 mA."""

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Self:
        """Make it as the user set it up."""
        return cls(
            kind=BmsKind(options.get("bms", BmsKind.AS_THE_GX_SAYS)),
            pre_alarm_voltage=float(options.get("pre_alarm_voltage", cls.pre_alarm_voltage)),
            capacity=float(options.get("battery_capacity", cls.capacity)),
            standby_current=float(options.get("standby_current", cls.standby_current)),
        )

    def has_bms(self, expected: bool | None) -> bool:
        """Whether there is one; ``expected`` is what the inverter/charger is configured for."""
        return bool(expected) if self.kind is BmsKind.AS_THE_GX_SAYS else self.kind is not BmsKind.NONE


class Cells(Protocol):
    """A battery that may know its cells."""

    @property
    def minimum_cell_voltage(self) -> float | None:
        """Voltage of the lowest cell in V."""

    @property
    def nearly_discharged(self) -> bool:
        """Whether the battery itself says that a cell is nearly empty."""

    @property
    def capacity(self) -> float | None:
        """Capacity in Ah."""

    def cells_read_at(self) -> float | None:
        """When the cells were last read."""


class PreAlarm:
    """Warns before the BMS disconnects: as it says itself, as the battery says, or by its lowest cell."""

    def __init__(self) -> None:
        """Start quiet."""
        self._low = False

    def judge(self, signal: bool, batteries: Iterable[Cells], threshold: float) -> bool:
        """Whether it is raised now; ``signal`` is what the BMS says."""
        batteries = list(batteries)
        lowest = lowest_cell(batteries)
        self._low = lowest is not None and lowest <= threshold + (HYSTERESIS if self._low else 0) + 1e-6
        return signal or self._low or any(battery.nearly_discharged for battery in batteries)


def lowest_cell(batteries: Iterable[Cells]) -> float | None:
    """Voltage of the lowest cell of all in V."""
    voltages = [battery.minimum_cell_voltage for battery in batteries]
    return min((voltage for voltage in voltages if voltage), default=None)


def fresh[C: Cells](batteries: Iterable[C], now: float, interval: float) -> list[C]:
    """The batteries that told their cells lately."""
    oldest = now - max(CELLS_FRESH, 3 * interval)
    return [battery for battery in batteries if (at := battery.cells_read_at()) is not None and at >= oldest]


def reserve(capacity: float | None, standby_current: float) -> dict[str, float]:
    """What is left after a shut-down for low cell voltage: Ah, and how many days a current in mA needs to drain it."""
    if not capacity:
        return {}
    ampere_hours = capacity * RESERVE
    left = {"reserve": round(ampere_hours, 2), "standby_current": standby_current}
    if standby_current > 0:
        left["reserve_days"] = round(ampere_hours * 1000 / standby_current / 24, 1)
    return left


# --- what may be combined, and what the LEDs say -----------------------------------------------------------------

OLDEST_FIRMWARE = 415
ASSISTANT_FREE_FIRMWARE = 489
UNSUPPORTED_PROCESSORS = ("19", "20")


def firmware_verdict(version: str) -> str:
    """What a VE.Bus firmware version as printed (2629489, or its last three digits) means for a BMS V2 (manual 3.2.1).

    Raises ``ValueError`` for what is no version. The microprocessor's label begins a full one.
    """
    digits = version.strip()
    if not digits.isdecimal() or len(digits) not in (3, 7):
        raise ValueError(version)
    if len(digits) == 7 and digits.startswith(UNSUPPORTED_PROCESSORS):
        return "processor_not_supported"
    number = int(digits[-3:])
    if number < OLDEST_FIRMWARE:
        return "too_old"
    return "needs_assistant" if number < ASSISTANT_FREE_FIRMWARE else "suitable"


LEDS: Mapping[str, tuple[str, ...]] = {
    "status": ("off", "flashes_every_10_s", "flashes_fast"),
    "cell_above_2_8_v": ("off", "on"),
    "cell_above_4_v": ("off", "on"),
}
"""LED -> what it may show (manual 5.2)."""

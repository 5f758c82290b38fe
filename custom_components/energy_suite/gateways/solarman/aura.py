"""What the commissioning guide of the AURA 5KM-BG to 25KM-BG says (French, V0725): alarms, lights, installations.

It names no register. So the alarms are here by their codes, for a map to say which bit raises which.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from ..base import Alarm, Severity

# --- the installation ----------------------------------------------------------------------------------------------

MODULE_ENERGY: Final = 5.0
"""kWh of a storage module: inferred from the names of the models, which count in it."""

MODELS: Final[Mapping[str, int]] = MappingProxyType(
    {"AURA 5KM-BG": 1, "AURA 10KM-BG": 2, "AURA 15KM-BG": 3, "AURA 20KM-BG": 4, "AURA 25KM-BG": 5}
)
"""Model -> storage modules."""


@dataclass(frozen=True)
class Coupling:
    """What there is in an installation besides the AURA."""

    panels: bool
    """PV strings on the AURA itself (DC)."""
    ac_couple: bool
    """PV that was there before, on the AC side (retrofit)."""
    backup: bool
    """A backup box (EPS)."""


COUPLINGS: Final[Mapping[str, Coupling]] = MappingProxyType(
    {
        "dc": Coupling(panels=True, ac_couple=False, backup=False),
        "dc_backup": Coupling(panels=True, ac_couple=False, backup=True),
        "dc_ac": Coupling(panels=True, ac_couple=True, backup=False),
        "dc_ac_backup": Coupling(panels=True, ac_couple=True, backup=True),
        "ac": Coupling(panels=False, ac_couple=True, backup=False),
        "ac_backup": Coupling(panels=False, ac_couple=True, backup=True),
    }
)
"""The guide's six systems (3-b to 3-g), by the word that a setting has for them."""

METERINGS: Final = ("ct", "yada")
"""The current transformer alone, up to 5 m from the main breaker, or the Yada meter."""


class InverterState(StrEnum):
    """What the inverter does. While it boots, up to a minute, its values are not valid yet, which is no fault."""

    OFF = "off"
    STANDBY = "standby"
    BOOT_COUNTDOWN = "boot_countdown"
    GENERATING = "generating"
    FAULT = "fault"


# --- alarms --------------------------------------------------------------------------------------------------------

_FAULTS: Final = (*range(3), *range(4, 21), 32)
_WARNINGS: Final = range(29)

NO_PANELS: Final = "aura_w04"

# The guide has two letters and no other grading. Those of the battery that hurt it, or leave the house without it,
# weigh as much as a fault of the inverter; so does current that leaks to earth.
_CRITICAL: Final = frozenset({5, 6, 10, 13, 16, 17, 20, 21, 23, 24})
_INFORMATION: Final = frozenset({25})
# The battery stops, or nothing protects it, or all the energy is counted the wrong way round.
_NOTIFIED: Final = _CRITICAL | {14, 15, 27, 28}


def _warning(number: int) -> Alarm:
    if number in _INFORMATION:
        severity = Severity.INFORMATION
    else:
        severity = Severity.CRITICAL if number in _CRITICAL else Severity.WARNING
    return Alarm(f"aura_w{number:02}", severity, number in _NOTIFIED, number)


FAULTS: Final[Mapping[int, Alarm]] = MappingProxyType(
    # Each of them stops the inverter: its red light is on.
    {number: Alarm(f"aura_f{number:02}", Severity.CRITICAL, True, number) for number in _FAULTS}
)
"""Number -> alarm, of the codes F00 to F32."""

WARNINGS: Final[Mapping[int, Alarm]] = MappingProxyType({number: _warning(number) for number in _WARNINGS})
"""Number -> alarm, of the codes W00 to W28. The guide prints W26 twice; its text here says both."""

ALARMS: Final[Mapping[str, Alarm]] = MappingProxyType(
    {alarm.key: alarm for alarm in (*FAULTS.values(), *WARNINGS.values())}
)
"""Key -> alarm: what the bits of a profile may refer to."""


def expected_alarms(coupling: str | None) -> frozenset[str]:
    """The keys of the alarms that are no problem in such an installation: without panels no sun is lost."""
    known = COUPLINGS.get(coupling or "")
    return frozenset({NO_PANELS}) if known is not None and not known.panels else frozenset()


def alarms_of(faults: int, warnings: int, coupling: str | None = None) -> tuple[Alarm, ...]:
    """The alarms of two words of bits, in which bit n is F or W number n.

    That the words are laid out so is inferred from the codes; no source confirms it. Bits without a code say nothing.
    """
    raised = [
        alarm
        for table, word in ((FAULTS, faults), (WARNINGS, warnings))
        for number, alarm in table.items()
        if word >> number & 1
    ]
    expected = expected_alarms(coupling)
    return tuple(alarm for alarm in raised if alarm.key not in expected)


# --- lights of the stick --------------------------------------------------------------------------------------------

OFF, SLOW, STEADY, FAST = "off", "slow", "steady", "fast"
"""Slow is 1 s on and 1 s off, fast 100 ms each."""

STICK_LIGHTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"net": (OFF, SLOW, STEADY, FAST), "com": (OFF, SLOW, STEADY), "ready": (OFF, SLOW, FAST)}
)
"""Light of the stick -> what it may show (guide 5-c); its text is ``stick_<light>_<what>``."""

_ON: Final = frozenset({SLOW, STEADY})


@dataclass(frozen=True)
class StickFault:
    """A row of the guide's table: what the lights show together; a light that is left out may show anything."""

    key: str
    lights: Mapping[str, frozenset[str]]

    def fits(self, shown: Mapping[str, str]) -> bool:
        """Whether it may be this, by the lights that were looked at."""
        seen = self.lights.keys() & shown.keys()
        return bool(seen) and all(shown[light] in self.lights[light] for light in seen)


STICK_FAULTS: Final = tuple(
    StickFault(f"stick_fault_{name}", {light: frozenset(what) for light, what in lights.items()})
    for name, lights in (
        ("inverter", {"com": {OFF}, "ready": {SLOW}}),
        ("router", {"net": {OFF}, "com": _ON, "ready": {SLOW}}),
        ("cloud", {"net": {SLOW}, "com": _ON, "ready": {SLOW}}),
        ("power", {"net": {OFF}, "com": {OFF}, "ready": {OFF}}),
        ("smartlink", {"net": {FAST}}),
        ("factory_reset", {"ready": {FAST}}),
    )
)
STICK_WELL: Final = "stick_well"
"""The key of the text for lights that tell of no fault."""

RESET_BUTTON: Final[Mapping[int, str]] = MappingProxyType(
    {1: "stick_reset_smartlink", 5: "stick_reset_restart", 10: "stick_reset_factory"}
)
"""For how many s the stick's button is pressed -> the key of the text of what it does."""


def stick_faults(shown: Mapping[str, str]) -> tuple[str, ...]:
    """The keys of the texts of what the lights may mean together; light -> what it shows, for those looked at.

    One fault, or none (``STICK_WELL``), where all three lights are told; else all that may be.
    """
    found = tuple(fault.key for fault in STICK_FAULTS if fault.fits(shown))
    if found:
        return found
    well = {"net": STEADY, "ready": SLOW}
    return (STICK_WELL,) if well.items() <= shown.items() and shown.get("com") in _ON else ()


# --- lights of the inverter and the battery ---------------------------------------------------------------------------

INVERTER_LIGHTS: Final = ("a", "b", "c")
"""On grid, off grid, fault; the text is ``aura_light_<letter>``."""

BATTERY_LIGHTS: Final = 4
ON, DOUBLE_FLASH = "on", "double_flash"
BATTERY_SHOWS: Final = (OFF, ON, DOUBLE_FLASH)


@dataclass(frozen=True)
class BatteryLights:
    """What the lights of the battery say: between which % its charge lies, and whether it is being charged."""

    low: int
    high: int
    charging: bool

    @property
    def key(self) -> str:
        """The key of its text."""
        return f"aura_battery_{'charging' if self.charging else 'discharging'}_{self.high}"


_LEVELS: Final = ((0, 25), (26, 50), (51, 75), (76, 100))

BATTERY_LEVELS: Final[Mapping[tuple[str, ...], BatteryLights]] = MappingProxyType(
    {
        (ON,) * full + (last,) + (OFF,) * (BATTERY_LIGHTS - 1 - full): BatteryLights(*level, last == DOUBLE_FLASH)
        for full, level in enumerate(_LEVELS)
        for last in (DOUBLE_FLASH, ON)
    }
)
"""What the four lights show, the first of them first -> what it means (guide 5-c)."""

BATTERY_OTHER: Final = "aura_battery_other"
"""The key of the text for other patterns, which the guide leaves to the battery's own manual."""


def battery_key(*lights: str) -> str:
    """The key of the text for what the four lights show."""
    meaning = BATTERY_LEVELS.get(lights)
    return BATTERY_OTHER if meaning is None else meaning.key


# --- procedures -----------------------------------------------------------------------------------------------------

PROCEDURES: Final[Mapping[str, int]] = MappingProxyType(
    {"start": 9, "stop": 3, "restart_after_settings": 4, "add_stick_again": 4, "enable_remote_control": 4}
)
"""Name -> how many steps it has; its text is ``aura_procedure_<name>`` with ``step_1`` and so on."""

"""The AURA of the house: its stick, and the profile that its owner made once the words of its alarms were found.

It is what the house would be with an AURA in place of the Victron equipment: sun, people, power cuts and the PV
inverter are the house's, battery, strings and what goes through the meter are its own.
"""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from .aura import FAULTS, WARNINGS, Aura, Energies, State
from .aura_registers import AFORE, MEGAREVO, AuraUnit, placed
from .site import Site
from .solarman import SolarmanStick

NO_AURA: Final = "none"
AURA_MAPS: Final = {"megarevo": MEGAREVO, "afore": AFORE}
"""Word of the command line -> map of the registers."""

DISCOVERY_PORT: Final = 48899
"""Where sticks are asked by UDP who they are: the same for all of them, so one demo at a time has an AURA."""

OWN_PROFILE: Final = "my_aura"
_OWN_SOURCE: Final = "aura_megarevo, with the state and the alarms of this AURA"

# Where the simulated AURA has what no public source places; the true addresses are unknown.
_STATE_AT: Final = 0x3500
_FAULTS_AT: Final = 0x3501
_WARNINGS_AT: Final = 0x3505
# F32 is one too many for two words.
_FAULT_WORDS: Final = 4
_WARNING_WORDS: Final = 2
_FOUND: Final = (
    placed(MEGAREVO, "inverter_state", _STATE_AT),
    placed(MEGAREVO, "fault_bits", _FAULTS_AT, size=_FAULT_WORDS),
    placed(MEGAREVO, "warning_bits", _WARNINGS_AT, size=_WARNING_WORDS),
)

_OWN_ROWS: Final = """\

  # Found by the owner on this AURA: its state, and the words of its alarms
  - {{key: inverter_state, address: {state_at:#06x}, map: {{{states}}}}}
  - key: fault_bits
    address: {faults_at:#06x}
    type: bits
    words: {fault_words}
    bits:
{faults}
  - key: warning_bits
    address: {warnings_at:#06x}
    type: bits
    words: {warning_words}
    bits:
{warnings}
"""


def profile_of(aura: str) -> str:
    """The id of the profile that fits what the command line calls so."""
    return OWN_PROFILE if aura == "megarevo" else f"aura_{aura}"


def own_profile(shipped: str) -> str:
    """The owner's profile, made of a shipped one as owners do: a copy with another id, and rows of its own."""
    rows = _OWN_ROWS.format(
        state_at=_STATE_AT,
        states=", ".join(f'{number}: "{state}"' for number, state in enumerate(State)),
        faults_at=_FAULTS_AT,
        fault_words=_FAULT_WORDS,
        faults=_bits(FAULTS),
        warnings_at=_WARNINGS_AT,
        warning_words=_WARNING_WORDS,
        warnings=_bits(WARNINGS),
    )
    own = shipped.replace("id: aura_megarevo", f"id: {OWN_PROFILE}")
    own = re.sub(r"(?m)^source: .*$", f'source: "{_OWN_SOURCE}"', own)
    # For the state, which is one more than may be enabled.
    own = own.replace("key: output_voltage_l1,", "key: output_voltage_l1, enabled: false,")
    return f"{own.rstrip()}\n{rows}"


def _bits(codes: frozenset[str]) -> str:
    return "\n".join(f"      {int(code[1:])}: {{alarm: aura_{code.lower()}}}" for code in sorted(codes))


def bring_profile(aura: str, config: Path, integration: Path) -> None:
    """Put the owner's profile where Home Assistant finds it; one that is there already is kept."""
    if profile_of(aura) != OWN_PROFILE:
        return
    target = config / integration.name / "profiles" / f"{OWN_PROFILE}.yaml"
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    shipped = integration / "gateways" / "profiles" / "shipped" / f"aura_{aura}.yaml"
    target.write_text(own_profile(shipped.read_text(encoding="utf-8")), encoding="utf-8")


class Hybrid:
    """Binds an AURA and its stick to the house: one clock, one sky, one grid."""

    def __init__(self, aura: str, site: Site, *, port: int = 0, discovery_port: int = DISCOVERY_PORT) -> None:
        """`aura` is a word of the command line. Port 0 takes a free one."""
        self.aura = Aura.lived_in(site=site)
        unit = AuraUnit(self.aura, AURA_MAPS[aura], also=_FOUND if profile_of(aura) == OWN_PROFILE else ())
        self.stick = SolarmanStick(unit, port=port, discovery_port=discovery_port)

    def advance(self, seconds: float) -> None:
        """Let time pass, after the house did."""
        self.aura.advance(seconds)

    def snapshot(self) -> dict[str, Any]:
        """What JSON can keep of it."""
        return self.aura.snapshot()

    def restore(self, stored: dict[str, Any], away: float) -> None:
        """Take up what `snapshot` kept so many seconds ago; it stood still since, for nobody told it of the house."""
        self.aura.restore(stored)
        if (self.aura.local - timedelta(seconds=away)).date() != self.aura.local.date():
            self.aura.today = Energies()

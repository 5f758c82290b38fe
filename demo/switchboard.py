"""The electrical board of the house behind a Legrand web server, and what its owner tells Home Assistant of it.

The board carries what hangs on the output of the inverter/charger, so that its main meter agrees with the GX. The house
has one phase and its board three: of the two only the sums are the same.
"""

import csv
import io
import shutil
from pathlib import Path
from typing import Any, Final

from .board import Board
from .board_units import DATA, PROFILES, board_units
from .gateway import Entities
from .legrand import ModbusGateway
from .site import Mode, Site

DANGEROUS: Final = ("breaker", "outputs")
"""Controls of the board that can cut power, to be enabled."""

TITLES: Final = {"en": "Electrical board", "fr": "Tableau électrique"}

MAIN: Final = "main"

_ISLANDS: Final = (Mode.INVERTER_ONLY, Mode.OFF)

# What hangs below the main meter, and below what hangs there: part of the board -> the part that measures it as well.
_BELOW: Final = {
    **dict.fromkeys(("heating", "cooking", "sockets", "charging", "hot_water", "technical"), MAIN),
    **dict.fromkeys(("side_1", "side_2"), "charging"),
}
_PULSE_METERS: Final = ("gas", "water")
_ENERGY: Final = "energy_imported"
_POWER: Final = "power"


class Switchboard:
    """Binds a board and its gateway to the house: one clock, one load, cars that need the grid."""

    def __init__(self, site: Site, *, port: int = 0) -> None:
        """Port 0 takes a free one."""
        self.site = site
        self.board = Board.lived_in(site.now)
        self.gateway = ModbusGateway(board_units(self.board), port=port)
        site.wiring = self._serve

    def _serve(self, demand: float) -> float:
        """What the board draws when people use so much."""
        site, board = self.site, self.board
        board.live = True
        for side in board.sides:
            side.supplied = not site.conditions.grid_lost and site.controls.mode not in _ISLANDS
        return board.serve(demand, site.now)

    def advance(self, seconds: float) -> None:
        """Let time pass, after the house did."""
        if not self.site.flows.output_live:
            self.board.darken()
        self.board.count(seconds)

    def snapshot(self) -> dict[str, Any]:
        """What JSON can keep of it."""
        return self.board.snapshot()

    def restore(self, stored: dict[str, Any]) -> None:
        """Take up what `snapshot` kept; the board stood still since, for nobody told it of the house."""
        if stored:
            self.board.restore(stored)
        self.board.serve(sum(self.site.flows.load), self.site.now)
        self.board.count(0)


def bring_profiles(config: Path, integration: Path) -> None:
    """Put the fictitious profiles where Home Assistant finds those of an owner; one that is there already is kept."""
    folder = config / integration.name / "profiles"
    folder.mkdir(parents=True, exist_ok=True)
    for profile in PROFILES.glob("*.yaml"):
        if not (folder / profile.name).exists():
            shutil.copyfile(profile, folder / profile.name)


def _rows() -> list[dict[str, str]]:
    with (DATA / "board.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def names(language: str) -> dict[str, str]:
    """What the owner calls each part of the board."""
    return {row["part"]: row[f"name_{language}"] for row in _rows()}


def devices_file(language: str) -> str:
    """The file of all devices that the owner uploads."""
    text = io.StringIO()
    rows = _rows()
    columns = ["name", *(column for column in rows[0] if column != "part" and not column.startswith("name_"))]
    writer = csv.DictWriter(text, columns, delimiter=";", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows({"name": row[f"name_{language}"], **row} for row in rows)
    return text.getvalue()


def energy_preferences(known: dict[str, Any], entities: Entities, language: str) -> dict[str, Any]:
    """What the Energy dashboard shows besides: the circuits below the main meter, gas and water.

    Raises LookupError if the board lacks an entity of it.
    """
    called = names(language)

    def energy(part: str) -> str:
        return entities.find(called[part], _ENERGY)

    devices = [{"stat_consumption": energy(MAIN), "stat_rate": entities.find(called[MAIN], _POWER)}]
    for part, above in _BELOW.items():
        device = {"stat_consumption": energy(part), "included_in_stat": energy(above)}
        if entities.has(called[part], _POWER):
            device["stat_rate"] = entities.find(called[part], _POWER)
        devices.append(device)
    sources = [{"type": part, "stat_energy_from": entities.find(called[part], "volume")} for part in _PULSE_METERS]
    return {
        **known,
        "energy_sources": [*known["energy_sources"], *sources],
        "device_consumption": [*known["device_consumption"], *devices],
    }

"""The view of the electrical board on the dashboard of the house."""

from typing import Any, Final

from .dashboard import ENTER, SWITCH, Cards, Texts
from .gateway import Entities
from .switchboard import MAIN, names

# Label: English, French.
_TEXTS: Final[Texts] = {
    "board": ("Board", "Tableau"),
    "circuits": ("Circuits", "Circuits"),
    "breakers": ("Breakers", "Disjoncteurs"),
    "stations": ("Charging stations", "Bornes de recharge"),
    "others": ("Inputs, outputs and pulses", "Entrées, sorties et impulsions"),
    "alarms": ("Alarms", "Alarmes"),
    "latest": ("Latest event", "Dernier événement"),
    "none": ("No alarm", "Aucune alarme"),
    "power": ("Power", "Puissance"),
    "hour": ("The last hour", "La dernière heure"),
    "contactor": ("Water heater contactor", "Contacteur du chauffe-eau"),
    "open": ("Open the hot water breaker", "Ouvrir le disjoncteur du chauffe-eau"),
    "close": ("Close the hot water breaker", "Fermer le disjoncteur du chauffe-eau"),
    "vehicle": ("Vehicle", "Véhicule"),
    "water": ("Water", "Eau"),
    "gas": ("Gas", "Gaz"),
}

GATEWAY: Final = "gateway"
"""The key of the device that every Modbus gateway is."""

_CIRCUITS: Final = ("heating", "cooking", "sockets", "hot_water", "charging")
_COLORS: Final = ("red", "orange", "amber", "blue", "green")
_BREAKERS: Final = ("hot_water", "charging", "lighting_state")
_SIDES: Final = ("side_1", "side_2")
_METERS: Final = ("water", "gas")


def board_view(entities: Entities, language: str) -> dict[str, Any] | None:
    """The view, None if there is no board. Raises LookupError if it lacks an entity of it."""
    called = names(language)
    if not entities.device(GATEWAY):
        return None
    cards = Cards(entities, language, {**_TEXTS, **{called[part]: (called[part],) * 2 for part in called}})
    heading = cards.heading

    def tile(part: str, key: str, label: str | None = None, **more: Any) -> dict[str, Any]:
        return cards.tile(called[part], key, label, **more)

    now = [
        heading("board", "mdi:fuse"),
        tile(MAIN, "power", "power", full=True, icon="mdi:home-lightning-bolt"),
        *(tile(MAIN, f"{key}_l{phase}") for phase in (1, 2, 3) for key in ("voltage", "current")),
        heading("circuits", "mdi:sitemap"),
        *(tile(part, "power", called[part]) for part in _CIRCUITS),
        tile("lighting", "current_l1", called["lighting"]),
    ]
    breakers = [
        heading("breakers", "mdi:electric-switch-closed"),
        *(tile(part, "breaker", called[part], full=True) for part in _BREAKERS),
        *(tile("hot_water", key, key, domain="button", full=True, hide_state=True) for key in ("open", "close")),
        *cards.raised(called["hot_water"], called["charging"]),
    ]
    stations = [heading("stations", "mdi:ev-station")]
    for part in _SIDES:
        stations += [
            tile(part, "status", called[part], full=True),
            tile(part, "power", "power"),
            tile(part, "vehicle_connected", "vehicle"),
            tile(part, "charging", domain="switch", full=True, features=SWITCH),
            tile(part, "charging_current", domain="number", full=True, features=ENTER),
        ]
    others = [
        heading("others", "mdi:counter"),
        *(tile(part, "volume", part) for part in _METERS),
        tile("inputs", "output_1", "contactor", domain="switch", full=True, features=SWITCH),
        tile("inputs", "input_1"),
        tile("inputs", "analog_1"),
    ]
    charts = [
        heading("hour", "mdi:chart-line"),
        cards.history(
            (called[part], "power", called[part], color) for part, color in zip(_CIRCUITS, _COLORS, strict=True)
        ),
    ]
    return cards.view("board", (now, 1), (breakers, 1), (stations, 1), (others, 1), (charts, 2))

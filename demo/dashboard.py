"""The first dashboard of the house, from Home Assistant's own cards."""

from collections.abc import Iterable
from typing import Any, Final

from .gateway import Entities

URL_PATH: Final = "demo-house"

type Card = dict[str, Any]

# Label: English, French.
_TEXTS: Final[dict[str, tuple[str, str]]] = {
    "house": ("House", "Maison"),
    "now": ("Right now", "En ce moment"),
    "solar": ("Solar", "Solaire"),
    "consumption": ("Consumption", "Consommation"),
    "grid": ("Grid", "Réseau"),
    "battery": ("Battery", "Batterie"),
    "car": ("Car", "Voiture"),
    "state_of_charge": ("State of charge", "État de charge"),
    "ess": ("Energy storage", "Stockage d’énergie"),
    "charging": ("Car charging", "Recharge de la voiture"),
    "backup": ("Inverter and generator", "Convertisseur et générateur"),
    "alarms": ("Alarms", "Alarmes"),
    "hour": ("The last hour", "La dernière heure"),
    "days": ("The last two days", "Les deux derniers jours"),
    "week": ("Energy of the week", "Énergie de la semaine"),
    "imported": ("Drawn from the grid", "Prélevée sur le réseau"),
    "exported": ("Fed into the grid", "Injectée dans le réseau"),
    "roof": ("Solar charger", "Chargeur solaire"),
    "garage": ("PV inverter", "Onduleur PV"),
    "source": ("Source", "Source"),
    "session": ("Session", "Session"),
}
LANGUAGES: Final = ("en", "fr")


def title(language: str) -> str:
    """The name of the dashboard."""
    return _TEXTS["house"][LANGUAGES.index(language)]


def dashboard(entities: Entities, language: str) -> dict[str, Any]:
    """The dashboard's configuration. Raises LookupError if the house lacks an entity of it."""
    column = LANGUAGES.index(language)

    def text(key: str) -> str:
        return _TEXTS[key][column]

    def heading(key: str, icon: str) -> Card:
        return {"type": "heading", "heading": text(key), "heading_style": "title", "icon": icon}

    def tile(
        kind: str, key: str, label: str | None = None, *, domain: str | None = None, full: bool = False, **more: Any
    ) -> Card:
        card: Card = {
            "type": "tile",
            "entity": entities.find(kind, key, domain),
            # Without the device, whose name fills the card.
            "name": text(label) if label else {"type": "entity"},
            **more,
        }
        if full:
            card["grid_options"] = {"columns": "full"}
        return card

    def named(lines: Iterable[tuple[str, str, str, str]]) -> list[dict[str, str]]:
        return [
            {"entity": entities.find(kind, key), "name": text(label), "color": color}
            for kind, key, label, color in lines
        ]

    powers = (
        ("gx", "solar_power", "solar", "amber"),
        ("gx", "consumption_power", "consumption", "deep-purple"),
        ("gx", "grid_power", "grid", "blue"),
        ("gx", "battery_power", "battery", "teal"),
    )
    energies = (
        ("grid_meter", "energy_imported", "imported", "blue"),
        ("grid_meter", "energy_exported", "exported", "purple"),
        ("solar_charger", "yield_total", "roof", "amber"),
        ("pv_inverter", "energy", "garage", "orange"),
    )
    gauge: Card = {
        "type": "gauge",
        "entity": entities.find("gx", "state_of_charge"),
        "name": text("state_of_charge"),
        "needle": True,
        "severity": {"green": 40, "yellow": 20, "red": 0},
        "grid_options": {"columns": "full"},
    }
    now = [
        heading("now", "mdi:home-lightning-bolt"),
        tile("gx", "solar_power", "solar", icon="mdi:solar-power-variant", color="amber"),
        tile("gx", "consumption_power", "consumption", icon="mdi:home-lightning-bolt", color="deep-purple"),
        tile("gx", "grid_power", "grid", icon="mdi:transmission-tower", color="blue"),
        tile("gx", "battery_power", "battery", icon="mdi:home-battery", color="teal"),
        tile("gx", "energy_source", "source"),
        tile("ev_charger", "power", "car", icon="mdi:ev-station", color="green"),
        gauge,
    ]
    choose = [{"type": "select-options"}]
    enter = [{"type": "numeric-input", "style": "buttons"}]
    storage = [
        heading("ess", "mdi:battery-sync"),
        tile("gx", "ess_mode", full=True, features=choose),
        tile("gx", "minimum_state_of_charge", full=True, features=enter),
        tile("gx", "grid_setpoint", full=True, features=enter),
    ]
    switch = [{"type": "toggle"}]
    car = [
        heading("charging", "mdi:ev-station"),
        tile("ev_charger", "status"),
        tile("ev_charger", "session_energy", "session"),
        tile("ev_charger", "charging_mode", full=True, features=choose),
        tile("ev_charger", "charging_current", full=True, features=enter),
        tile("ev_charger", "charging", full=True, features=switch),
    ]
    backup = [
        heading("backup", "mdi:engine"),
        tile("inverter_charger", "state", name={"type": "device"}),
        tile("generator", "state", name={"type": "device"}),
        tile("inverter_charger", "inverter_mode", domain="select", full=True, features=choose),
        tile("generator", "generator_manual_start", full=True, features=switch),
        tile("gx", "relay_2", domain="switch", full=True, features=switch),
    ]
    backup += [
        heading("alarms", "mdi:alert-outline"),
        *({"type": "tile", "entity": entity, "name": {"type": "device"}} for entity in entities.every("problem")),
    ]
    wide: Card = {"grid_options": {"columns": "full"}}
    charts = [
        heading("hour", "mdi:chart-line"),
        {"type": "history-graph", "hours_to_show": 1, "entities": named(powers), **wide},
        heading("days", "mdi:chart-bell-curve"),
        {
            "type": "statistics-graph",
            "entities": named(powers),
            "days_to_show": 2,
            "period": "hour",
            "stat_types": ["mean"],
            "chart_type": "line",
            **wide,
        },
        heading("week", "mdi:chart-bar"),
        {
            "type": "statistics-graph",
            "entities": named(energies),
            "days_to_show": 7,
            "period": "day",
            "stat_types": ["change"],
            "chart_type": "bar",
            **wide,
        },
    ]
    return {
        "views": [
            {
                "type": "sections",
                "title": text("house"),
                "path": "house",
                "max_columns": 3,
                "sections": [
                    {"type": "grid", "cards": now},
                    {"type": "grid", "cards": storage},
                    {"type": "grid", "cards": car},
                    {"type": "grid", "column_span": 2, "cards": charts},
                    {"type": "grid", "cards": backup},
                ],
            }
        ]
    }

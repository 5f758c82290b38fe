"""The first dashboards of the sites, from Home Assistant's own cards."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from .gateway import Entities

LANGUAGES: Final = ("en", "fr")

type Card = dict[str, Any]
type Texts = Mapping[str, tuple[str, str]]

WIDE: Final[Card] = {"grid_options": {"columns": "full"}}
CHOOSE: Final = [{"type": "select-options"}]
ENTER: Final = [{"type": "numeric-input", "style": "buttons"}]
SWITCH: Final = [{"type": "toggle"}]
BAR: Final = [{"type": "bar-gauge"}]

_RAISED: Final = """\
{{% for alarm in {entities} | map('state_attr', 'alarms') | select | sum(start=[]) %}}
- **{{{{ alarm.text }}}}**<br>{{{{ alarm.remedy | default('') }}}}
{{% else %}}
{none}
{{% endfor %}}
"""

# Label: English, French.
HOUSE_TEXTS: Final[Texts] = {
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


class Cards:
    """Makes cards in one language from the entities that there are. All raise LookupError if one is not there."""

    def __init__(self, entities: Entities, language: str, texts: Texts) -> None:
        """`texts` are the labels in each language."""
        self.entities = entities
        self._column = LANGUAGES.index(language)
        self._texts = texts

    def text(self, key: str) -> str:
        """A label."""
        return self._texts[key][self._column]

    def heading(self, key: str, icon: str) -> Card:
        """A heading."""
        return {"type": "heading", "heading": self.text(key), "heading_style": "title", "icon": icon}

    def tile(
        self,
        kind: str,
        key: str,
        label: str | None = None,
        *,
        domain: str | None = None,
        full: bool = False,
        **more: Any,
    ) -> Card:
        """A tile with the name of the entity, or a label."""
        card: Card = {
            "type": "tile",
            "entity": self.entities.find(kind, key, domain),
            # Without the device, whose name fills the card.
            "name": self.text(label) if label else {"type": "entity"},
            **more,
        }
        return card | WIDE if full else card

    def named(self, lines: Iterable[tuple[str, str, str, str]]) -> list[dict[str, str]]:
        """The lines of a chart, each with kind, key, label and colour."""
        return [
            {"entity": self.entities.find(kind, key), "name": self.text(label), "color": color}
            for kind, key, label, color in lines
        ]

    def alarms(self, kinds: Iterable[str] | None = None) -> list[Card]:
        """A tile for each device, or each of these, that says whether it has a problem."""
        found = (
            self.entities.every("problem")
            if kinds is None
            else [self.entities.find(kind, "problem", "binary_sensor") for kind in kinds]
        )
        return [{"type": "tile", "entity": entity, "name": {"type": "device"}} for entity in found]

    def raised(self, *kinds: str) -> list[Card]:
        """What is raised now on these devices, with what helps, and what came and went on the first."""
        problems = [self.entities.find(kind, "problem") for kind in kinds]
        return [
            self.heading("alarms", "mdi:alert-outline"),
            *self.alarms(kinds),
            {"type": "markdown", "content": _RAISED.format(entities=problems, none=self.text("none")), **WIDE},
            self.tile(kinds[0], "alarm", "latest", full=True, state_content=["event_type", "text"]),
        ]

    def charge(self, kind: str = "gx") -> Card:
        """The state of charge."""
        return {
            "type": "gauge",
            "entity": self.entities.find(kind, "state_of_charge"),
            "name": self.text("state_of_charge"),
            "needle": True,
            "severity": {"green": 40, "yellow": 20, "red": 0},
            **WIDE,
        }

    def history(self, lines: Iterable[tuple[str, str, str, str]]) -> Card:
        """What happened in the last hour."""
        return {"type": "history-graph", "hours_to_show": 1, "entities": self.named(lines), **WIDE}

    def means(self, lines: Iterable[tuple[str, str, str, str]], days: int = 2) -> Card:
        """Hourly means of some days."""
        return self._statistics(lines, days, "hour", "mean", "line")

    def changes(self, lines: Iterable[tuple[str, str, str, str]]) -> Card:
        """What was counted on each day of the week."""
        return self._statistics(lines, 7, "day", "change", "bar")

    def _statistics(
        self, lines: Iterable[tuple[str, str, str, str]], days: int, period: str, stat_type: str, chart: str
    ) -> Card:
        return {
            "type": "statistics-graph",
            "entities": self.named(lines),
            "days_to_show": days,
            "period": period,
            "stat_types": [stat_type],
            "chart_type": chart,
            **WIDE,
        }

    def view(self, path: str, *sections: tuple[list[Card], int]) -> dict[str, Any]:
        """A view, from the cards of each section and how many columns wide it is."""
        return {
            "type": "sections",
            "title": self.text(path),
            "path": path,
            "max_columns": 3,
            "sections": [
                {"type": "grid", "cards": cards} | ({"column_span": span} if span > 1 else {})
                for cards, span in sections
            ],
        }


def house_view(entities: Entities, language: str) -> dict[str, Any]:
    """The view of the house. Raises LookupError if the house lacks an entity of it."""
    cards = Cards(entities, language, HOUSE_TEXTS)
    heading, tile = cards.heading, cards.tile
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
    now = [
        heading("now", "mdi:home-lightning-bolt"),
        tile("gx", "solar_power", "solar", icon="mdi:solar-power-variant", color="amber"),
        tile("gx", "consumption_power", "consumption", icon="mdi:home-lightning-bolt", color="deep-purple"),
        tile("gx", "grid_power", "grid", icon="mdi:transmission-tower", color="blue"),
        tile("gx", "battery_power", "battery", icon="mdi:home-battery", color="teal"),
        tile("gx", "energy_source", "source"),
        tile("ev_charger", "power", "car", icon="mdi:ev-station", color="green"),
        cards.charge(),
    ]
    storage = [
        heading("ess", "mdi:battery-sync"),
        tile("gx", "ess_mode", full=True, features=CHOOSE),
        tile("gx", "minimum_state_of_charge", full=True, features=ENTER),
        tile("gx", "grid_setpoint", full=True, features=ENTER),
    ]
    car = [
        heading("charging", "mdi:ev-station"),
        tile("ev_charger", "status"),
        tile("ev_charger", "session_energy", "session"),
        tile("ev_charger", "charging_mode", full=True, features=CHOOSE),
        tile("ev_charger", "charging_current", full=True, features=ENTER),
        tile("ev_charger", "charging", full=True, features=SWITCH),
    ]
    backup = [
        heading("backup", "mdi:engine"),
        tile("inverter_charger", "state", name={"type": "device"}),
        tile("generator", "state", name={"type": "device"}),
        tile("inverter_charger", "inverter_mode", domain="select", full=True, features=CHOOSE),
        tile("generator", "generator_manual_start", full=True, features=SWITCH),
        tile("gx", "relay_2", domain="switch", full=True, features=SWITCH),
    ]
    backup += [
        heading("alarms", "mdi:alert-outline"),
        *cards.alarms(),
    ]
    charts = [
        heading("hour", "mdi:chart-line"),
        cards.history(powers),
        heading("days", "mdi:chart-bell-curve"),
        cards.means(powers),
        heading("week", "mdi:chart-bar"),
        cards.changes(energies),
    ]
    return cards.view("house", (now, 1), (storage, 1), (car, 1), (charts, 2), (backup, 1))

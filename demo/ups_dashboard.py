"""The view of a UPS, or of a transfer system, on the dashboard of the site that it protects."""

from typing import Any, Final

from .dashboard import BAR, ENTER, WIDE, Card, Cards, Texts
from .gateway import DOMAIN, Entities

# Label: English, French.
_TEXTS: Final[Texts] = {
    "ups": ("UPS", "ASI"),
    "sts": ("Transfer system", "Système de transfert"),
    "supply": ("Mains and load", "Réseau et utilisation"),
    "sources": ("Sources and load", "Sources et utilisation"),
    "commands": ("Commands", "Commandes"),
    "eco_mode": ("Eco mode on", "Activer l’eco mode"),
    "normal_mode": ("Eco mode off", "Désactiver l’eco mode"),
    "alarm_reset": ("Acknowledge", "Acquitter"),
    "servers": ("Shutdown of the servers", "Arrêt des serveurs"),
    "units": ("Units", "Unités"),
    "alarms": ("Alarms", "Alarmes"),
    "latest": ("Latest event", "Dernier événement"),
    "none": ("No alarm", "Aucune alarme"),
    "load_supplied": ("Load supplied", "Utilisation"),
    "state_of_charge": ("State of charge", "État de charge"),
    "time_to_go": ("Time to go", "Autonomie"),
    "battery_voltage": ("Battery", "Batterie"),
    "load": ("Load", "Taux de charge"),
    "output_power": ("Power", "Puissance"),
    "input_voltage": ("Input", "Entrée"),
    "output_voltage": ("Output", "Sortie"),
    "source_1_voltage": ("Source 1", "Source 1"),
    "source_2_voltage": ("Source 2", "Source 2"),
    "preferred_source": ("Preferred", "Prioritaire"),
    "hour": ("The last hour", "La dernière heure"),
}

# What drops the load; a toggle among the features of a tile would not ask.
_ASK: Final = {"action": "toggle", "confirmation": True}

_PHASES: Final = {"": "", "_l1": " L1", "_l2": " L2", "_l3": " L3"}


def ups_view(entities: Entities, language: str) -> dict[str, Any] | None:
    """The view, None if there is neither. Raises LookupError if there is one that lacks an entity of it."""
    cards = Cards(entities, language, _TEXTS)
    if entities.device("ups"):
        return _ups(cards)
    return _sts(cards) if entities.device("sts") else None


def _ups(cards: Cards) -> dict[str, Any]:
    heading, tile = cards.heading, cards.tile
    now = [
        heading("ups", "mdi:power-plug-battery"),
        tile("ups", "ups_status", full=True),
        tile("ups", "on_battery"),
        tile("ups", "load_supplied", "load_supplied"),
        cards.charge("ups"),
        tile("ups", "time_to_go", "time_to_go"),
        tile("ups", "battery_voltage", "battery_voltage"),
        tile("ups", "battery_status", full=True),
    ]
    supply = [
        heading("supply", "mdi:transmission-tower"),
        tile("ups", "load", full=True, features=BAR),
        tile("ups", "output_power", "output_power"),
        tile("ups", "overload"),
        *_voltages(cards, "ups", "input_voltage", "output_voltage"),
        tile("ups", "on_bypass"),
        tile("ups", "imminent_stop"),
    ]
    commands = [
        heading("commands", "mdi:gesture-tap-button"),
        _command(cards, "eco_mode", "mdi:leaf"),
        _command(cards, "normal_mode", "mdi:sine-wave"),
        _command(cards, "alarm_reset", "mdi:bell-check"),
        heading("servers", "mdi:server-network"),
        tile("card", "shutdown_delay", domain="number", full=True, features=ENTER),
        tile("card", "turn_off_after_shutdown", domain="switch", full=True, tap_action=_ASK, icon_tap_action=_ASK),
    ]
    if units := cards.entities.every("unit_status"):
        commands += [
            heading("units", "mdi:server"),
            *({"type": "tile", "entity": unit, "name": {"type": "device"}} for unit in units),
        ]
    charts = [
        heading("hour", "mdi:chart-line"),
        cards.history(
            (
                ("ups", "state_of_charge", "state_of_charge", "teal"),
                ("ups", "load", "load", "deep-purple"),
            )
        ),
        _events(cards, "ups", "ups_status", "on_battery"),
    ]
    return cards.view("ups", (now, 1), (supply, 1), (commands, 1), (charts, 2), (cards.raised("ups", "card"), 1))


def _sts(cards: Cards) -> dict[str, Any]:
    heading, tile = cards.heading, cards.tile
    now = [
        heading("sts", "mdi:transit-connection-variant"),
        tile("sts", "sts_status", full=True),
        tile("sts", "active_source"),
        tile("sts", "preferred_source", "preferred_source"),
        tile("sts", "source_1_status"),
        tile("sts", "source_2_status"),
        tile("sts", "synchronisation", full=True),
    ]
    supply = [
        heading("sources", "mdi:transmission-tower"),
        tile("sts", "load", full=True, features=BAR),
        tile("sts", "output_power", "output_power"),
        tile("sts", "load_supplied", "load_supplied"),
        *_voltages(cards, "sts", "source_1_voltage", "source_2_voltage"),
    ]
    charts = [
        heading("hour", "mdi:chart-line"),
        cards.history((("sts", "load", "load", "deep-purple"),)),
        _events(cards, "sts", "sts_status", "active_source"),
    ]
    return cards.view("sts", (now, 1), (supply, 1), (cards.raised("sts", "card"), 1), (charts, 3))


def _voltages(cards: Cards, kind: str, *keys: str) -> list[Card]:
    """Tiles of the voltages, of one phase or of three."""
    return [
        cards.tile(kind, f"{key}{phase}", name=f"{cards.text(key)}{name}")
        for phase, name in _PHASES.items()
        for key in keys
        if cards.entities.has(kind, f"{key}{phase}")
    ]


def _events(cards: Cards, kind: str, *keys: str) -> Card:
    """What happened in the last hour, as bars of states."""
    entities = [{"entity": cards.entities.find(kind, key), "name": {"type": "entity"}} for key in keys]
    return {"type": "history-graph", "hours_to_show": 1, "entities": entities, **WIDE}


def _command(cards: Cards, command: str, icon: str) -> Card:
    """A button that gives a command of the UPS."""
    return {
        "type": "button",
        "name": cards.text(command),
        "icon": icon,
        "tap_action": {
            "action": "perform-action",
            "perform_action": f"{DOMAIN}.ups_command",
            "target": {"device_id": cards.entities.device("ups")},
            "data": {"command": command},
        },
        "grid_options": {"columns": 4, "rows": 2},
    }

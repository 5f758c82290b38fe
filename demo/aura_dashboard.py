"""The view of an AURA on the dashboard of the house."""

from typing import Any, Final

from .dashboard import Cards, Texts
from .gateway import Entities

# Label: English, French.
_TEXTS: Final[Texts] = {
    "aura": ("AURA", "AURA"),
    "strings": ("Panels", "Panneaux"),
    "counted": ("Energy", "Énergie"),
    "alarms": ("Alarms", "Alarmes"),
    "latest": ("Latest event", "Dernier événement"),
    "none": ("No alarm", "Aucune alarme"),
    "solar": ("Solar", "Solaire"),
    "consumption": ("Consumption", "Consommation"),
    "grid": ("Grid", "Réseau"),
    "battery": ("Battery", "Batterie"),
    "state": ("State", "État"),
    "state_of_charge": ("State of charge", "État de charge"),
    "voltage": ("Grid voltage", "Tension du réseau"),
    "string_1": ("String 1", "Chaîne 1"),
    "string_2": ("String 2", "Chaîne 2"),
    "today": ("Today", "Aujourd’hui"),
    "produced": ("Produced", "Produite"),
    "imported": ("Drawn from the grid", "Prélevée sur le réseau"),
    "exported": ("Fed into the grid", "Injectée dans le réseau"),
    "stick": ("Stick", "Clé"),
    "reached": ("Inverter", "Onduleur"),
    "hour": ("The last hour", "La dernière heure"),
}

INVERTER: Final = "inverter"
STICK: Final = "stick"


def aura_view(entities: Entities, language: str) -> dict[str, Any] | None:
    """The view, None if there is no AURA. Raises LookupError if it lacks an entity of it."""
    if not entities.device(STICK):
        return None
    cards = Cards(entities, language, _TEXTS)
    heading, tile = cards.heading, cards.tile
    now = [
        heading("aura", "mdi:battery-charging-high"),
        # The candidate of Megarevo knows no state.
        *([tile(INVERTER, "inverter_state", "state", full=True)] if entities.has(INVERTER, "inverter_state") else []),
        tile(INVERTER, "solar_power", "solar", icon="mdi:solar-power-variant", color="amber"),
        tile(INVERTER, "consumption_power", "consumption", icon="mdi:home-lightning-bolt", color="deep-purple"),
        tile(INVERTER, "grid_power", "grid", icon="mdi:transmission-tower", color="blue"),
        tile(INVERTER, "battery_power", "battery", icon="mdi:home-battery", color="teal"),
        cards.charge(INVERTER),
    ]
    strings = [
        heading("strings", "mdi:solar-panel"),
        tile(INVERTER, "tracker_1_power", "string_1"),
        tile(INVERTER, "tracker_2_power", "string_2"),
        tile(INVERTER, "voltage_l1", "voltage"),
        tile(INVERTER, "frequency"),
        heading("counted", "mdi:counter"),
        tile(INVERTER, "yield_today", "today"),
        tile(INVERTER, "energy_produced", "produced"),
        tile(INVERTER, "energy_imported", "imported"),
        tile(INVERTER, "energy_exported", "exported"),
    ]
    stick = [
        heading("stick", "mdi:access-point"),
        tile(STICK, "inverter_connected", "reached"),
        tile(STICK, "connection"),
    ]
    charts = [
        heading("hour", "mdi:chart-line"),
        cards.history(
            (
                (INVERTER, "solar_power", "solar", "amber"),
                (INVERTER, "consumption_power", "consumption", "deep-purple"),
                (INVERTER, "grid_power", "grid", "blue"),
                (INVERTER, "battery_power", "battery", "teal"),
            )
        ),
    ]
    return cards.view("aura", (now, 1), (strings, 1), (cards.raised(INVERTER, STICK) + stick, 1), (charts, 2))

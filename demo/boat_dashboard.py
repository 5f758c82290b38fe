"""The first dashboard of the boat. A map would take its tiles from the internet, so its position is told in numbers."""

from typing import Any, Final

from .dashboard import BAR, CHOOSE, ENTER, SWITCH, Cards, Texts
from .gateway import Entities

_TEXTS: Final[Texts] = {
    "boat": ("Boat", "Bateau"),
    "now": ("Right now", "En ce moment"),
    "solar": ("Solar", "Solaire"),
    "shore": ("Shore", "Quai"),
    "alternator": ("Alternator", "Alternateur"),
    "consumption": ("AC loads", "Charges CA"),
    "battery": ("Battery", "Batterie"),
    "source": ("Source", "Source"),
    "state_of_charge": ("State of charge", "État de charge"),
    "house_battery": ("House battery", "Parc de service"),
    "lowest_cell": ("Lowest cell", "Cellule min."),
    "highest_cell": ("Highest cell", "Cellule max."),
    "time_to_go": ("Time to go", "Autonomie"),
    "coldest_cell": ("Coldest cell", "Cellule froide"),
    "starters": ("Starter batteries", "Batteries de démarrage"),
    "port": ("Port engine", "Moteur bâbord"),
    "starboard": ("Starboard engine", "Moteur tribord"),
    "tanks": ("Tanks", "Réservoirs"),
    "fresh_water": ("Fresh water", "Eau douce"),
    "fuel": ("Diesel", "Gazole"),
    "waste_water": ("Waste water", "Eaux usées"),
    "temperatures": ("Temperatures", "Températures"),
    "fridge": ("Fridge", "Frigo"),
    "engine_room": ("Engine room", "Cale moteur"),
    "outside": ("Outside", "Extérieur"),
    "voyage": ("Position and engine", "Position et moteur"),
    "navigation": ("Navigation", "Navigation"),
    "revolutions": ("Engine speed", "Régime"),
    "active_input": ("Active input", "Entrée active"),
    "input": ("Shore and generator", "Quai et groupe électrogène"),
    "power": ("Power", "Puissance"),
    "bilge": ("Bilge", "Cale"),
    "pump": ("Bilge pump", "Pompe de cale"),
    "float": ("Float switch", "Flotteur"),
    "alarms": ("Alarms", "Alarmes"),
    "hour": ("The last hour", "La dernière heure"),
    "days": ("The last two days", "Les deux derniers jours"),
    "levels": ("Tanks of the week", "Réservoirs de la semaine"),
    "week": ("Energy of the week", "Énergie de la semaine"),
}


def boat_view(entities: Entities, language: str) -> dict[str, Any]:
    """The view of the boat. Raises LookupError if the boat lacks an entity of it."""
    cards = Cards(entities, language, _TEXTS)
    heading, tile = cards.heading, cards.tile
    powers = (
        ("gx", "solar_power", "solar", "amber"),
        ("alternator", "power", "alternator", "brown"),
        ("gx", "grid_power", "shore", "blue"),
        ("gx", "consumption_power", "consumption", "deep-purple"),
        ("gx", "battery_power", "battery", "teal"),
    )
    energies = (
        ("solar_charger", "yield_total", "solar", "amber"),
        ("alternator", "energy", "alternator", "brown"),
        ("inverter_charger", "energy_ac_in_1_to_inverter", "shore", "blue"),
        ("dc_load_223", "energy", "navigation", "indigo"),
        ("dc_load_239", "energy", "fridge", "cyan"),
    )
    levels = (
        ("tank_20", "level", "fresh_water", "blue"),
        ("tank_21", "level", "fuel", "amber"),
        ("tank_22", "level", "waste_water", "brown"),
    )
    now = [
        heading("now", "mdi:sail-boat"),
        tile("gx", "solar_power", "solar", icon="mdi:solar-power-variant", color="amber"),
        tile("alternator", "power", "alternator", icon="mdi:engine", color="brown"),
        tile("gx", "grid_power", "shore", icon="mdi:power-plug", color="blue"),
        tile("gx", "consumption_power", "consumption", icon="mdi:power-socket-eu", color="deep-purple"),
        tile("gx", "battery_power", "battery", icon="mdi:battery", color="teal"),
        tile("gx", "energy_source", "source"),
        cards.charge(),
        heading("temperatures", "mdi:thermometer"),
        tile("temperature_sensor_24", "temperature", "fridge", icon="mdi:fridge"),
        tile("temperature_sensor_25", "temperature", "engine_room", icon="mdi:engine"),
        tile("temperature_sensor_26", "temperature", "outside", icon="mdi:thermometer"),
    ]
    battery = [
        heading("house_battery", "mdi:battery"),
        tile("battery", "voltage"),
        tile("battery", "current"),
        tile("battery", "minimum_cell_voltage", "lowest_cell", color="blue"),
        tile("battery", "maximum_cell_voltage", "highest_cell", color="red"),
        tile("battery", "charge_allowed"),
        tile("battery", "discharge_allowed"),
        tile("battery", "time_to_go", "time_to_go"),
        tile("battery", "minimum_cell_temperature", "coldest_cell"),
        heading("starters", "mdi:car-battery"),
        tile("battery", "starter_voltage", "port"),
        tile("dc_dc_converter", "input_voltage", "starboard"),
    ]
    tanks = [
        heading("tanks", "mdi:storage-tank"),
        *(
            tile(tank, "level", label, full=True, color=color, icon=icon, features=BAR)
            for (tank, _, label, color), icon in zip(
                levels, ("mdi:water", "mdi:gas-station", "mdi:water-off"), strict=True
            )
        ),
    ]
    voyage = [
        heading("voyage", "mdi:compass"),
        tile("gps", "location", domain="device_tracker"),
        tile("gps", "speed"),
        tile("gps", "course"),
        tile("alternator", "engine_speed", "revolutions"),
        tile("alternator", "state", name={"type": "device"}),
        tile("dc_dc_converter", "state", name={"type": "device"}),
        heading("bilge", "mdi:water-alert"),
        tile("digital_input_1", "running", "pump"),
        tile("digital_input_2", "safety", "float"),
    ]
    supply = [
        heading("input", "mdi:power-plug"),
        tile("inverter_charger", "state", name={"type": "device"}),
        tile("inverter_charger", "active_input", "active_input"),
        tile("inverter_charger", "inverter_mode", domain="select", full=True, features=CHOOSE),
        tile("inverter_charger", "input_current_limit", domain="number", full=True, features=ENTER),
        tile("ac_genset", "status", name={"type": "device"}),
        tile("ac_genset", "power", "power"),
        tile("generator", "generator_manual_start", full=True, features=SWITCH),
        heading("alarms", "mdi:alert-outline"),
        *cards.alarms(("battery", "inverter_charger", "alternator", "ac_genset", "digital_input_2", "tank_21")),
    ]
    charts = [
        heading("hour", "mdi:chart-line"),
        cards.history(powers),
        heading("days", "mdi:chart-bell-curve"),
        cards.means(powers),
    ]
    week = [
        heading("levels", "mdi:waves"),
        cards.means(levels, days=7),
        heading("week", "mdi:chart-bar"),
        cards.changes(energies),
    ]
    return cards.view("boat", (now, 1), (battery, 1), (tanks, 1), (voyage, 1), (supply, 1), (week, 1), (charts, 3))

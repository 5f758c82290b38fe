"""The sites that the demo can show, each with what it has to be shown with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from .aura_dashboard import aura_view
from .board_dashboard import board_view
from .boat import ROUTE, Boat
from .boat_dashboard import boat_view
from .dashboard import house_view
from .gateway import Entities
from .history import Counted, Measured
from .model import Model
from .site import Site, SiteConfig
from .ups_dashboard import ups_view
from .victron_boat import VictronBoat
from .victron_house import VictronHouse
from .victron_site import VictronSite

NO_UPS: Final = "none"


@dataclass(frozen=True, slots=True)
class Showcase:
    """A site, how it is bound to its GX, and what Home Assistant shows of it."""

    model: type[Model]
    installation: Callable[..., VictronSite[Any]]
    titles: dict[str, str]
    url_path: str
    icon: str
    place: dict[str, float]
    """Latitude, longitude and elevation, as Home Assistant stores them."""
    view: Callable[[Entities, str], dict[str, Any]]
    """What the dashboard shows of the site, in a language."""
    energy_preferences: Callable[[Entities], dict[str, Any]]
    controls: tuple[str, ...]
    """Controls that can cut power, to be enabled."""
    counted: tuple[Counted, ...]
    measured: tuple[Measured, ...]
    ups: str = NO_UPS
    """The machine behind the site's NET VISION card, where nothing else is asked for."""

    def dashboard(self, entities: Entities, language: str) -> dict[str, Any]:
        """The dashboard: the site, UPS, AURA and board where there are any. Raises LookupError if an entity lacks."""
        parts = ups_view, aura_view, board_view
        views = [self.view(entities, language), *(part(entities, language) for part in parts)]
        return {"views": [view for view in views if view]}


def _battery(entities: Entities, capacity: float) -> dict[str, Any]:
    return {
        "type": "battery",
        "stat_energy_from": entities.find("battery", "discharged_energy"),
        "stat_energy_to": entities.find("battery", "charged_energy"),
        # The field counts charging as positive, the Energy dashboard discharging.
        "power_config": {"stat_rate_inverted": entities.find("battery", "battery_power")},
        "stat_soc": entities.find("battery", "state_of_charge"),
        "capacity": capacity,
    }


def _solar(entities: Entities, kind: str, energy: str) -> dict[str, Any]:
    return {
        "type": "solar",
        "stat_energy_from": entities.find(kind, energy),
        "stat_rate": entities.find(kind, "power"),
        "config_entry_solar_forecast": None,
    }


def _house_preferences(entities: Entities) -> dict[str, Any]:
    """What the Energy dashboard shows. Raises LookupError if the house lacks a part of it."""
    find = entities.find
    return {
        "energy_sources": [
            {
                "type": "grid",
                "stat_energy_from": find("grid_meter", "energy_imported"),
                "stat_energy_to": find("grid_meter", "energy_exported"),
                "stat_rate": find("grid_meter", "power"),
                "cost_adjustment_day": 0,
            },
            _solar(entities, "solar_charger", "yield_total"),
            _solar(entities, "pv_inverter", "energy"),
            _battery(entities, 14),
        ],
        "device_consumption": [
            {"stat_consumption": find("ev_charger", "energy"), "stat_rate": find("ev_charger", "power")}
        ],
    }


def _boat_preferences(entities: Entities) -> dict[str, Any]:
    """What the Energy dashboard shows. Raises LookupError if the boat lacks a part of it.

    It knows no engines: what the alternator gives is bought as well, and stands beside the shore.
    """
    find = entities.find
    bought: tuple[tuple[str, str, dict[str, str]], ...] = (
        ("inverter_charger", "energy_ac_in_1_to_ac_out", {"stat_rate": find("gx", "grid_power")}),
        # Measured together with the first.
        ("inverter_charger", "energy_ac_in_1_to_inverter", {}),
        ("alternator", "energy", {"stat_rate": find("alternator", "power")}),
    )
    return {
        "energy_sources": [
            *(
                {
                    "type": "grid",
                    "stat_energy_from": find(kind, energy),
                    "stat_energy_to": None,
                    "cost_adjustment_day": 0,
                    **rate,
                }
                for kind, energy, rate in bought
            ),
            _solar(entities, "solar_charger", "yield_total"),
            _battery(entities, 10.24),
        ],
        "device_consumption": [
            {"stat_consumption": find(load, "energy"), "stat_rate": find(load, "power")}
            for load in ("dc_load_223", "dc_load_239")
        ],
    }


_HOUSE: Final = SiteConfig()

SITES: Final[dict[str, Showcase]] = {
    "house": Showcase(
        model=Site,
        installation=VictronHouse,
        titles={"en": "House", "fr": "Maison"},
        url_path="demo-house",
        icon="mdi:home-lightning-bolt",
        place={"latitude": _HOUSE.latitude, "longitude": _HOUSE.longitude, "elevation": 150},
        view=house_view,
        energy_preferences=_house_preferences,
        # Relay 1 of the simulated GX starts the generator; relay 2 is switched by hand.
        controls=("inverter_mode", "input_current_limit", "generator", "relay_2"),
        counted=(
            Counted("grid_meter", "energy_imported", "grid_import"),
            Counted("grid_meter", "energy_exported", "grid_export"),
            Counted("solar_charger", "yield_total", "solar_charger"),
            Counted("pv_inverter", "energy", "pv_inverter"),
            Counted("battery", "charged_energy", "battery_in"),
            Counted("battery", "discharged_energy", "battery_out"),
            Counted("ev_charger", "energy", "car"),
        ),
        measured=(
            Measured("grid_meter", "power", ("grid",)),
            Measured("solar_charger", "power", ("solar_charger",)),
            Measured("pv_inverter", "power", ("pv_inverter",)),
            Measured("battery", "battery_power", ("battery",)),
            Measured("battery", "state_of_charge", ("state_of_charge",), "unitless", "%"),
            Measured("ev_charger", "power", ("car",)),
            Measured("gx", "grid_power", ("grid",)),
            Measured("gx", "solar_power", ("solar_charger", "pv_inverter")),
            Measured("gx", "battery_power", ("battery",)),
            Measured("gx", "consumption_power", ("load", "car")),
            Measured("gx", "state_of_charge", ("state_of_charge",), "unitless", "%"),
        ),
        ups="netys",
    ),
    "boat": Showcase(
        model=Boat,
        installation=VictronBoat,
        titles={"en": "Boat", "fr": "Bateau"},
        url_path="demo-boat",
        icon="mdi:sail-boat",
        place={"latitude": ROUTE[0][0], "longitude": ROUTE[0][1], "elevation": 2},
        view=boat_view,
        energy_preferences=_boat_preferences,
        controls=("inverter_mode", "input_current_limit", "generator", "relay_1", "relay_2"),
        counted=(
            Counted("inverter_charger", "energy_ac_in_1_to_ac_out", "shore_to_load"),
            Counted("inverter_charger", "energy_ac_in_1_to_inverter", "shore_to_charger"),
            Counted("solar_charger", "yield_total", "solar"),
            Counted("alternator", "energy", "alternator"),
            Counted("battery", "charged_energy", "battery_in"),
            Counted("battery", "discharged_energy", "battery_out"),
            Counted("dc_load_223", "energy", "navigation"),
            Counted("dc_load_239", "energy", "fridge"),
        ),
        measured=(
            Measured("gx", "solar_power", ("solar",)),
            Measured("gx", "grid_power", ("shore",)),
            Measured("gx", "battery_power", ("battery",)),
            Measured("gx", "consumption_power", ("load",)),
            Measured("gx", "state_of_charge", ("state_of_charge",), "unitless", "%"),
            Measured("solar_charger", "power", ("solar",)),
            Measured("alternator", "power", ("alternator",)),
            Measured("battery", "battery_power", ("battery",)),
            Measured("battery", "state_of_charge", ("state_of_charge",), "unitless", "%"),
            Measured("dc_load_223", "power", ("navigation",)),
            Measured("dc_load_239", "power", ("fridge_load",)),
            Measured("tank_20", "level", ("fresh_water",), "unitless", "%"),
            Measured("tank_21", "level", ("fuel",), "unitless", "%"),
            Measured("tank_22", "level", ("waste_water",), "unitless", "%"),
            Measured("temperature_sensor_24", "temperature", ("fridge",), "temperature", "°C"),
            Measured("temperature_sensor_25", "temperature", ("engine_room",), "temperature", "°C"),
            Measured("temperature_sensor_26", "temperature", ("outside",), "temperature", "°C"),
        ),
    ),
}

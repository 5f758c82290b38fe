"""The kinds of gateway: one line each, everything else follows from it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from modbus_connection import ModbusTcpParams

from .base import Danger, Gateway
from .connections import Endpoint
from .legrand.gateway import LegrandGateway
from .netvision.gateway import NetVisionGateway
from .registers import UnitFor
from .solarman.gateway import SolarmanGateway
from .solarman.v5 import DEFAULT_PORT as SOLARMAN_PORT
from .victron.gateway import VictronGateway


def _modbus_tcp(settings: Mapping[str, Any]) -> Endpoint:
    return ModbusTcpParams(host=settings["host"], port=settings["port"])


@dataclass(frozen=True, kw_only=True)
class Kind:
    """How a kind of gateway is reached and made."""

    make: Callable[[UnitFor, float, Mapping[str, Any]], Gateway]
    """From a way to its units, the interval in s, and the settings: what was asked when it was added, and options."""
    endpoint: Callable[[Mapping[str, Any]], Endpoint] = _modbus_tcp
    """Where it is read, from the settings."""
    title: str
    """What it is called until it says its own name."""
    port: int
    interval: float
    """s between the starts of two rounds, unless the user sets another."""
    intervals: tuple[float, float] = (1.0, 300.0)
    """What the user may set."""
    timeout: float
    """s that an answer may take."""
    serves_one: bool = False
    """Whether it refuses a connection while another client has one."""
    learns_timeout: bool = False
    """Whether an answer may take as long as the answers of this gateway show, at most ``timeout``."""
    uses_profiles: bool = False
    """Whether profiles tell what is behind it; its settings then hold the library as ``profiles``."""
    takes_register_writes: bool = True
    """Whether a register can be written by its address."""
    dangers: tuple[Danger, ...]
    """The controls that the user may enable."""


KINDS: Mapping[str, Kind] = {
    "victron_gx": Kind(
        make=VictronGateway.from_settings,
        title="Victron GX",
        port=502,
        interval=5.0,
        timeout=3.0,
        dangers=(
            Danger.INVERTER_MODE,
            Danger.INPUT_CURRENT_LIMIT,
            Danger.EXTERNAL_CONTROL,
            Danger.NO_CHARGING,
            Danger.GENERATOR,
            Danger.RELAY_1,
            Danger.RELAY_2,
        ),
    ),
    "netvision": Kind(
        make=NetVisionGateway.from_settings,
        endpoint=NetVisionGateway.endpoint,
        title="NET VISION",
        port=502,
        interval=10.0,
        # The card closes a Modbus connection without traffic for a minute, and asks the UPS every few seconds itself.
        intervals=(5.0, 50.0),
        timeout=3.0,
        serves_one=True,
        takes_register_writes=False,
        dangers=(Danger.UPS_STANDBY, Danger.UPS_BYPASS, Danger.UPS_SHUTDOWN, Danger.UPS_SCHEDULES),
    ),
    "solarman": Kind(
        make=SolarmanGateway.from_settings,
        endpoint=SolarmanGateway.endpoint,
        title="SOLARMAN",
        port=SOLARMAN_PORT,
        # The stick has one serial line, which its own upload to the cloud needs as well.
        interval=10.0,
        intervals=(5.0, 300.0),
        timeout=5.0,
        uses_profiles=True,
        dangers=SolarmanGateway.dangers,
    ),
    "legrand": Kind(
        make=LegrandGateway.from_settings,
        endpoint=LegrandGateway.endpoint,
        title="Legrand",
        port=502,
        interval=10.0,
        timeout=3.0,
        learns_timeout=True,
        uses_profiles=True,
        dangers=LegrandGateway.dangers,
    ),
}

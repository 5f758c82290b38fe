"""The machines that a simulated NET VISION card can be plugged into."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .netvision_tables import JBUSP, STS, VUMAP
from .ups import UpsConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What the card is plugged into. `ups` is None for a static transfer system.

    `maps`: the Modbus tables that the card serves; SNMP says what the first one says. `code`: the product code of that
    table. `installation`: the word T001 of the VU-MAP. `outlets`: how many of them can be switched.
    """

    model: str
    serial: str
    reference: str
    maps: tuple[str, ...]
    code: int = 0
    installation: int = 0x0101
    firmware: str = "1.30"
    outlets: int = 0
    ups: UpsConfig | None = None


MACHINES: Final[Mapping[str, Machine]] = {
    "netys": Machine(
        model="NETYS PR 3000",
        serial="P235A01742",
        reference="NPR-3000-MT",
        maps=(JBUSP,),
        code=35,
        outlets=2,
        ups=UpsConfig(),
    ),
    "masterys": Machine(
        model="MASTERYS GP4 3x60",
        serial="V441B07315",
        reference="MAS4360",
        maps=(VUMAP,),
        code=0x8300,
        installation=0x0601,
        ups=UpsConfig(
            phases=3,
            rated_power=162_000.0,
            rated_apparent_power=180_000.0,
            units=3,
            battery_energy=42_000.0,
            battery_capacity=100.0,
            battery_voltage=432.0,
            charger_power=6000.0,
            bypass_transfer=True,
            estimates_on_mains=True,
        ),
    ),
    "modulys": Machine(
        model="MODULYS XM",
        serial="M812C00231",
        reference="MOD-XM-75",
        maps=(VUMAP,),
        code=0x8140,
        installation=0x0801,
        ups=UpsConfig(
            phases=3,
            rated_power=75_000.0,
            rated_apparent_power=75_000.0,
            units=3,
            battery_energy=18_000.0,
            battery_capacity=42.0,
            battery_voltage=432.0,
            charger_power=3000.0,
            bypass_transfer=True,
            estimates_on_mains=True,
        ),
    ),
    "delphys": Machine(
        model="DELPHYS GP 2.0 160",
        serial="D160E00098",
        reference="GP2-160",
        maps=(JBUSP,),
        code=648,
        ups=UpsConfig(
            phases=3,
            rated_power=160_000.0,
            rated_apparent_power=160_000.0,
            battery_energy=40_000.0,
            battery_capacity=95.0,
            battery_voltage=432.0,
            charger_power=6000.0,
            bypass_transfer=True,
        ),
    ),
    "statys": Machine(model="STATYS 100A 3P", serial="S100F00417", reference="STATYS-100-3", maps=(STS,)),
}

"""The 123 references that the mini energy web server 4 149 47 / 48 knows, and what the suite reads each with.

Source: the server's manual (software 3.9.0), sections 4.1 to 4.3 and 7.15. Of one reference a register map is public
that is certain. Where none is, the owner brings a profile, a meter is read as a generic one, or only its presence is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Addressing(StrEnum):
    """What besides the Modbus address says where a device is."""

    MODBUS = "modbus"
    """Nothing."""
    REMOTE = "remote"
    """Nothing, or the number of a device behind that of an interface (``2-1``)."""
    POSITION = "position"
    """The number of an input of a concentrator."""
    SIDE = "side"
    """The side of a charging station with two sides at one address."""
    VIRTUAL = "virtual"
    """The remote id of something on a slave web server, which has the address 247."""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """One reference."""

    reference: str
    family: str
    device: str
    """What it is, in English."""
    kind: str
    """As profiles have it."""
    phases: tuple[int, ...] = ()
    """How many it measures or charges with: one number, or those that it can be set to; empty for what has none."""
    sides: int = 0
    """Of a charging station, 1 or 2. Two with plain Modbus addressing are two devices of the same reference."""
    addressing: Addressing = Addressing.MODBUS
    needs: frozenset[str] = frozenset()
    """What has to be told besides the address: ``feed_direction``, ``phase``, ``position``, ``side``,
    ``concentrator``, ``remote_id``, ``generic`` (function, register, words and multiplier)."""
    optional: frozenset[str] = frozenset()
    """What may be told besides the name: ``circuit``, ``labels``, ``output_settings``."""
    profiles: tuple[str, ...] = ()
    """The shipped profiles that are for it, or candidates, the best first."""

    def description(self, language: str) -> str:
        """What it is."""
        return FRENCH[self.device] if language.partition("-")[0] == "fr" else self.device

    def name(self, language: str) -> str:
        """The reference; one that is made of words in the words of the language."""
        words = FRENCH_REFERENCES if language.partition("-")[0] == "fr" else {}
        return words.get(self.reference, self.reference)

    @property
    def is_single_phase(self) -> bool:
        """Whether it has one phase and no more."""
        return self.phases == (1,)

    @property
    def is_device(self) -> bool:
        """Whether it is one by itself; concentrators and interfaces are what others are behind."""
        return self.kind not in ("pulse_concentrator", "interface")

    @property
    def may_be_generic(self) -> bool:
        """Whether its energy may be read as that of any meter."""
        return self.kind in ("electricity_meter", "breaker_meter", "generic_meter")


CONCENTRATORS: Final[Mapping[str, int | None]] = MappingProxyType(
    {"0 046 87": 7, "4 120 65": None, "4 149 26": None, "4 120 41": None, "4 120 81": None, "4 120 91": None}
)
"""References that count pulses, the last three of them meters with an input -> how many inputs, where that is known."""

FRENCH: Final[Mapping[str, str]] = MappingProxyType(
    {
        "measuring unit, modular": "centrale de mesure modulaire",
        "measuring unit, Access": "centrale de mesure Access",
        "measuring unit, Premium": "centrale de mesure Premium",
        "energy meter, RS485": "compteur d’énergie RS485",
        "energy meter, pulse output": "compteur d’énergie à sortie impulsions",
        "measuring module": "module de mesure",
        "signalling auxiliary CA + SD": "auxiliaire de signalisation CA + SD",
        "universal signalling module": "module de signalisation universel",
        "state and command module for latching relays and contactors": (
            "module d’état et de commande pour télérupteurs et contacteurs"
        ),
        "universal command module": "module de commande universel",
        "pulse concentrator": "concentrateur d’impulsions",
        "EMS CX3 / RS485 interface": "interface EMS CX³ / RS485",
        "residual-current module with energy metering": "module différentiel adaptable avec comptage",
        "residual-current module with measuring unit": "module différentiel adaptable avec unité de mesure",
        "moulded-case breaker with measuring unit": "disjoncteur avec unité de mesure",
        "moulded-case breaker without metering": "disjoncteur sans comptage",
        "air breaker, touch-screen protection unit": "disjoncteur ouvert, unité de protection à écran tactile",
        "air breaker, LCD protection unit": "disjoncteur ouvert, unité de protection à écran LCD",
        "gas meter": "compteur de gaz",
        "water meter": "compteur d’eau",
        "any RS485 meter, positive active energy only": "compteur RS485, énergie active positive seule",
        "signalling and command interface (digital and analogue inputs, relay outputs)": (
            "interface de signalisation et de commande (entrées numériques et analogiques, sorties relais)"
        ),
        "programmable output module": "module de sorties programmables",
        "charging station, mode 3": "borne de recharge, mode 3",
        "charging station, modes 2 and 3": "borne de recharge, modes 2 et 3",
        "charging station, without RFID": "borne de recharge sans RFID",
        "charging station, with RFID": "borne de recharge avec RFID",
        "virtual device of a slave web server": "dispositif virtuel d’un serveur esclave",
    }
)
"""What a reference is -> the same in French."""

FRENCH_REFERENCES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "gas meter, pulse output": "compteur de gaz à impulsions",
        "water meter, pulse output": "compteur d’eau à impulsions",
        "generic Modbus meter": "compteur Modbus générique",
        "WSMEASURE device": "dispositif WSMEASURE",
        **{
            f"DPX3 {size} electronic{rest}": f"DPX3 {size} électronique{reste}"
            for size in (250, 630, 1600)
            for rest, reste in (
                ("", ""),
                (" with measuring unit", " avec unité de mesure"),
                (" with residual current", " différentiel"),
            )
        },
        "DPX3 250 thermal-magnetic with residual current": "DPX3 250 magnétothermique différentiel",
    }
)
"""References that are words -> the same in French."""

FAMILIES: Final = (
    "emdx3",
    "ems_cx3",
    "dx3",
    "dpx3",
    "dmx3",
    "power_supervision",
    "greenup_premium",
    "greenup",
    "pulse",
    "other",
    "wsmeasure",
)


@dataclass(frozen=True, kw_only=True)
class _Sort:
    """What the references of one sort have in common."""

    family: str
    device: str
    kind: str
    addressing: Addressing = Addressing.MODBUS
    needs: tuple[str, ...] = ()
    optional: tuple[str, ...] = ("circuit",)

    def __call__(
        self,
        *references: str,
        phases: tuple[int, ...] = (),
        sides: int = 0,
        profiles: tuple[str, ...] = (),
        needs: tuple[str, ...] = (),
    ) -> Iterator[Reference]:
        for reference in references:
            yield Reference(
                reference=reference,
                family=self.family,
                device=self.device,
                kind=self.kind,
                phases=phases,
                sides=sides,
                addressing=self.addressing,
                needs=frozenset((*self.needs, *needs)),
                optional=frozenset(self.optional),
                profiles=profiles,
            )


_ONE, _THREE, _EITHER = (1,), (3,), (1, 3)
_FED = ("feed_direction",)
_POSITION = ("position", "concentrator")


def _unit(device: str) -> _Sort:
    return _Sort(family="emdx3", device=f"measuring unit, {device}", kind="electricity_meter")


def _ems(device: str, kind: str, *more: str, optional: tuple[str, ...] = ("circuit",)) -> _Sort:
    return _Sort(family="ems_cx3", device=device, kind=kind, addressing=Addressing.REMOTE, optional=(*optional, *more))


def _breaker(family: str, device: str, kind: str) -> _Sort:
    return _Sort(family=family, device=device, kind=kind, needs=_FED)


def _pulses(family: str, device: str, kind: str, *optional: str) -> _Sort:
    return _Sort(
        family=family,
        device=device,
        kind=kind,
        addressing=Addressing.POSITION,
        needs=_POSITION,
        optional=optional,
    )


def _premium(what: str) -> _Sort:
    return _Sort(family="greenup_premium", device=f"charging station, {what}", kind="charger", optional=())


def _old_range(what: str, *, two_sides: bool = False) -> _Sort:
    return _Sort(
        family="greenup",
        device=f"charging station, {what}",
        kind="charger",
        addressing=Addressing.SIDE if two_sides else Addressing.MODBUS,
        needs=("side",) if two_sides else (),
        optional=(),
    )


_METER = _Sort(family="emdx3", device="energy meter, RS485", kind="electricity_meter")
_PULSE_METER = _pulses("emdx3", "energy meter, pulse output", "pulse_electricity_meter", "circuit")
_CONCENTRATOR = _Sort(family="emdx3", device="pulse concentrator", kind="pulse_concentrator", optional=())
_MEASURE = _ems("measuring module", "electricity_meter")
_NO_RFID, _RFID = "without RFID", "with RFID"

_IME, _DIRIS, _EMS, _CONTO = ("emdx3_multifunction",), ("emdx3_diris",), ("ems_cx3",), ("ime_conto_d4_pd",)


def _emdx3() -> Iterator[Reference]:
    yield from _unit("modular")("4 120 45", "4 120 51", phases=_THREE, profiles=_IME)
    yield from _unit("modular")("0 046 76", phases=_THREE, profiles=_DIRIS)
    yield from _unit("Access")("4 120 47", "4 120 52", phases=_THREE, profiles=_IME)
    yield from _unit("Access")("0 146 68", phases=_THREE, profiles=_DIRIS)
    yield from _unit("Premium")("0 146 69", phases=_THREE, profiles=_DIRIS)
    yield from _unit("Premium")("4 120 53", phases=_THREE)
    yield from _METER("0 046 77", "0 046 79", "4 120 68", "4 120 81", "4 120 83", phases=_ONE)
    yield from _METER("0 046 80", "0 046 83", "0 046 84", "0 046 86", "4 120 41", "4 120 43", phases=_THREE)
    yield from _METER("4 120 74", "4 120 75", "4 120 91", "4 120 93", phases=_THREE, profiles=_CONTO)
    yield from _PULSE_METER("0 046 70", "0 046 72", "0 046 78", "0 046 81", phases=_ONE)
    yield from _PULSE_METER("4 120 69", "4 120 80", "4 120 82", phases=_ONE)
    yield from _PULSE_METER("0 046 73", "0 046 74", "0 046 82", "0 046 85", phases=_THREE)
    yield from _PULSE_METER("4 120 40", "4 120 42", "4 120 90", "4 120 92", phases=_THREE)
    yield from _CONCENTRATOR("4 120 65")
    yield from _CONCENTRATOR("0 046 87", profiles=("emdx3_pulse_concentrator",))


def _ems_cx3() -> Iterator[Reference]:
    yield from _MEASURE("4 149 18", phases=_ONE, profiles=_EMS)
    yield from _MEASURE("4 149 19", phases=_ONE, profiles=_EMS, needs=_FED)
    yield from _MEASURE("4 149 20", phases=_THREE, profiles=_EMS, needs=_FED)
    yield from _MEASURE("4 149 23", phases=_EITHER, profiles=_EMS, needs=_FED)
    yield from _MEASURE("4 149 21", "4 149 22", "4 149 24", "4 149 25", "4 149 27", phases=_THREE, profiles=_EMS)
    yield from _ems("pulse concentrator", "pulse_concentrator", optional=())("4 149 26")
    yield from _ems("signalling auxiliary CA + SD", "state_module")("4 149 29")
    yield from _ems("universal signalling module", "state_module", "labels")("4 149 30")
    yield from _ems("state and command module for latching relays and contactors", "state_command_module")("4 149 31")
    yield from _ems("universal command module", "command_module", "labels")("4 149 32")
    yield from _Sort(family="ems_cx3", device="EMS CX3 / RS485 interface", kind="interface", optional=())("4 149 40")


def _breakers() -> Iterator[Reference]:
    yield from _breaker("dx3", "residual-current module with energy metering", "breaker_meter")("4 106 57", "4 106 58")
    yield from _breaker("dx3", "residual-current module with measuring unit", "breaker_meter")("4 106 59")
    yield from _breaker("dpx3", "moulded-case breaker with measuring unit", "breaker_meter")(
        *(f"DPX3 {size} electronic with measuring unit" for size in (250, 630, 1600)), phases=_THREE
    )
    yield from _breaker("dpx3", "moulded-case breaker without metering", "breaker")(
        "DPX3 250 electronic",
        "DPX3 250 electronic with residual current",
        "DPX3 250 thermal-magnetic with residual current",
        "DPX3 630 electronic",
        "DPX3 1600 electronic",
        phases=_THREE,
    )
    yield from _breaker("dmx3", "air breaker, touch-screen protection unit", "breaker_meter")(
        "0 288 03", "0 288 04", phases=_THREE
    )
    yield from _breaker("dmx3", "air breaker, LCD protection unit", "breaker")(
        "0 288 00", "0 288 01", "0 288 02", phases=_THREE
    )


def _power_supervision() -> Iterator[Reference]:
    yield from _Sort(
        family="power_supervision",
        device="signalling and command interface (digital and analogue inputs, relay outputs)",
        kind="io_module",
        optional=("circuit", "labels", "output_settings"),
    )("0 261 36")
    yield from _Sort(
        family="power_supervision",
        device="programmable output module",
        kind="output_module",
        optional=("circuit", "labels", "output_settings"),
    )("0 288 12")


def _greenup_premium() -> Iterator[Reference]:
    yield from _premium("mode 3")("0 590 00", "0 590 01", phases=_ONE, sides=1, needs=("phase",))
    yield from _premium("mode 3")("0 590 02", phases=_THREE, sides=1)
    yield from _premium("modes 2 and 3")(
        *("0 590 03", "0 590 04", "0 590 10", "0 590 12", "0 590 30", "0 590 35", "0 590 41", "0 590 43"),
        phases=_ONE,
        sides=1,
        needs=("phase",),
    )
    yield from _premium("modes 2 and 3")(
        "0 590 11", "0 590 13", "0 590 42", "0 590 44", phases=_ONE, sides=2, needs=("phase",)
    )
    yield from _premium("modes 2 and 3")("0 590 14", "0 590 48", phases=_THREE, sides=1)
    yield from _premium("modes 2 and 3")("0 590 15", "0 590 49", phases=_THREE, sides=2)


def _greenup() -> Iterator[Reference]:
    yield from _old_range(_NO_RFID)(
        *("0 590 31", "0 590 33", "0 590 37", "0 590 76", "0 590 91", "0 590 93"),
        phases=_ONE,
        sides=1,
        needs=("phase",),
    )
    yield from _old_range(_NO_RFID, two_sides=True)(
        *("0 590 32", "0 590 34", "0 590 38", "0 590 77", "0 590 78"), phases=_ONE, sides=2, needs=("phase",)
    )
    yield from _old_range(_NO_RFID)("0 590 45", "0 590 94", "0 590 95", phases=_THREE, sides=1)
    yield from _old_range(_NO_RFID, two_sides=True)("0 590 96", "0 590 97", phases=_THREE, sides=2)
    yield from _old_range(_RFID)("0 590 61", "0 590 63", phases=_ONE, sides=1, needs=("phase",))
    yield from _old_range(_RFID, two_sides=True)(
        "0 590 40", "0 590 57", "0 590 58", phases=_ONE, sides=2, needs=("phase",)
    )
    yield from _old_range(_RFID)("0 590 46", "0 590 64", "0 590 65", phases=_THREE, sides=1)
    yield from _old_range(_RFID, two_sides=True)("0 590 47", "0 590 66", "0 590 67", phases=_THREE, sides=2)


def _others() -> Iterator[Reference]:
    yield from _pulses("pulse", "gas meter", "pulse_gas_meter")("gas meter, pulse output")
    yield from _pulses("pulse", "water meter", "pulse_water_meter")("water meter, pulse output")
    yield from _Sort(
        family="other",
        device="any RS485 meter, positive active energy only",
        kind="generic_meter",
        needs=("generic",),
    )("generic Modbus meter")
    yield from _Sort(
        family="wsmeasure",
        device="virtual device of a slave web server",
        kind="virtual_meter",
        addressing=Addressing.VIRTUAL,
        needs=("remote_id",),
    )("WSMEASURE device")


CATALOGUE: Final[Mapping[str, Reference]] = MappingProxyType(
    {
        each.reference: each
        for sort in (_emdx3, _ems_cx3, _breakers, _power_supervision, _greenup_premium, _greenup, _others)
        for each in sort()
    }
)
"""Reference -> what is known of it, family by family."""

"""Where each channel of a card has each quantity: one table for the five tables that a card may serve.

Addresses, units and factors are those of the NET VISION 8 manual's annexes and of the public MIBs 8.11 (UPS) and 1.00
(STS). Everything is brought to the units that Home Assistant has: kW to W, kVA to VA, minutes to s.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType


class Table(StrEnum):
    """What a card serves: a map of Modbus registers, or a tree of SNMP objects; also a column of every table here."""

    JBUSP = "jbusp"
    VUMAP = "vumap"
    STS = "sts"
    UPS_MIB = "ups_mib"
    STS_MIB = "sts_mib"


@dataclass(frozen=True)
class Word:
    """A Modbus holding register: an int16, of which -1 (65535) is unknown."""

    address: int
    scale: float = 1.0
    """Factor from the raw word to the quantity's unit."""
    tenths: bool = False
    """The word counts tenths of that where T014 (0x000E of the VU-MAP) is 1."""

    def of_phase(self, number: int) -> Word:
        """The word of that phase, if this is the first phase's."""
        return replace(self, address=self.address + number - 1)


@dataclass(frozen=True)
class Object:
    """An SNMP object instance, by what follows the table's root."""

    suffix: str
    scale: float = 1.0

    def of_phase(self, number: int) -> Object:
        """The object of that phase, if this is the column of all."""
        return replace(self, suffix=f"{self.suffix}.{number}")


@dataclass(frozen=True)
class Text:
    """Letters in holding registers, two to a word."""

    address: int
    count: int
    """How many words."""
    low_byte_first: bool | None = None
    """None where the manual does not say: see ``low_byte_first``."""


type Place = Word | Object


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """A quantity, and its place in each table."""

    key: str
    """Attribute of the device, and key of its entity."""
    unit: str | None
    jbusp: Word | None = None
    vumap: Word | None = None
    sts: Word | None = None
    ups_mib: Object | None = None
    sts_mib: Object | None = None
    phase: int | None = None
    """1 to 3 where it belongs to a phase, or to the voltage from that phase to the next."""
    battery: bool = False
    """Only there with a battery."""
    zero_is_unknown: bool = False
    """Cards give 0 for a sensor that is not fitted."""

    def place(self, table: Table) -> Place | None:
        """Where the table has it."""
        place: Place | None = getattr(self, table.value)
        return place


ROOTS: Mapping[Table, str] = MappingProxyType(
    {Table.UPS_MIB: "1.3.6.1.4.1.4555.1.1.7.1", Table.STS_MIB: "1.3.6.1.4.1.4555.1.1.10.1"}
)

PHASES = (1, 2, 3)
BETWEEN = ("l12", "l23", "l31")


def _per_phase(first: Quantity, suffixes: Sequence[str] = ("l1", "l2", "l3")) -> Iterator[Quantity]:
    """The three of a quantity, of which the first word or the column is given."""
    for phase in PHASES:
        yield replace(
            first,
            key=f"{first.key}_{suffixes[phase - 1]}",
            phase=phase,
            jbusp=first.jbusp and first.jbusp.of_phase(phase),
            vumap=first.vumap and first.vumap.of_phase(phase),
            sts=first.sts and first.sts.of_phase(phase),
            ups_mib=first.ups_mib and first.ups_mib.of_phase(phase),
            sts_mib=first.sts_mib and first.sts_mib.of_phase(phase),
        )


def _source(number: int, first: int) -> Iterator[Quantity]:
    """What an STS measures of a source, from its first word on."""
    branch = number + 1
    yield from _per_phase(
        Quantity(key=f"source_{number}_voltage", unit="V", sts=Word(first), sts_mib=Object(f"{branch}.5.1.2"))
    )
    yield from _per_phase(Quantity(key=f"source_{number}_voltage", unit="V", sts=Word(first + 3)), BETWEEN)
    yield Quantity(
        key=f"source_{number}_frequency",
        unit="Hz",
        sts=Word(first + 6, 0.1),
        sts_mib=Object(f"{branch}.3.0", 0.1),
    )
    yield Quantity(key=f"static_switch_{number}_temperature", unit="°C", sts=Word(first + 7))


# The STS's annex gives no factors. Voltages, currents, loads and frequencies have those of the public STS MIB; so have
# powers, power and crest factors, which is inferred. Its temperatures and angle have none: the card's history, which
# marks the frequency "Hz * 10", has the temperatures in plain °C (11.2.4).
MEASURES: tuple[Quantity, ...] = (
    Quantity(
        key="load",
        unit="%",
        jbusp=Word(0x1063),
        vumap=Word(0x0040),
        sts=Word(0x023D),
        ups_mib=Object("4.7.0"),
        sts_mib=Object("5.4.0"),
    ),
    *_per_phase(
        Quantity(
            key="load",
            unit="%",
            jbusp=Word(0x1060),
            vumap=Word(0x0041),
            sts=Word(0x0258),
            ups_mib=Object("4.4.1.4"),
        )
    ),
    Quantity(key="load_n", unit="%", sts=Word(0x025B)),
    *_per_phase(
        Quantity(
            key="output_voltage",
            unit="V",
            jbusp=Word(0x1069),
            vumap=Word(0x004A),
            sts=Word(0x0230),
            ups_mib=Object("4.4.1.2", 0.1),
            sts_mib=Object("5.6.1.2"),
        )
    ),
    *_per_phase(Quantity(key="output_voltage", unit="V", vumap=Word(0x0076), sts=Word(0x0233)), BETWEEN),
    *_per_phase(
        Quantity(
            key="output_current",
            unit="A",
            jbusp=Word(0x106F, 0.1),
            vumap=Word(0x0046, tenths=True),
            sts=Word(0x0238),
            ups_mib=Object("4.4.1.3", 0.1),
            sts_mib=Object("5.6.1.3"),
        )
    ),
    Quantity(key="output_current_n", unit="A", vumap=Word(0x0049, tenths=True), sts=Word(0x023B)),
    Quantity(
        key="output_frequency",
        unit="Hz",
        jbusp=Word(0x1073, 0.1),
        vumap=Word(0x004D, 0.1),
        sts=Word(0x0236, 0.1),
        ups_mib=Object("4.2.0", 0.1),
        sts_mib=Object("5.3.0", 0.1),
    ),
    Quantity(
        key="output_power",
        unit="W",
        jbusp=Word(0x1084, 100),
        vumap=Word(0x0045, 1000, tenths=True),
        sts=Word(0x0253, 1000),
        ups_mib=Object("4.6.0", 100),
    ),
    *_per_phase(
        Quantity(
            key="output_power",
            unit="W",
            vumap=Word(0x0073, 1000, tenths=True),
            sts=Word(0x0250, 1000),
            ups_mib=Object("4.4.1.6", 100),
            sts_mib=Object("5.6.1.5", 1000),
        )
    ),
    Quantity(key="apparent_power", unit="VA", vumap=Word(0x0044, 1000, tenths=True), ups_mib=Object("4.5.0", 100)),
    *_per_phase(
        Quantity(
            key="apparent_power",
            unit="VA",
            jbusp=Word(0x1085, 100),
            vumap=Word(0x0070, 1000, tenths=True),
            sts=Word(0x0240, 1000),
            ups_mib=Object("4.4.1.5", 100),
            sts_mib=Object("5.6.1.4", 1000),
        )
    ),
    *_per_phase(
        Quantity(
            key="power_factor",
            unit=None,
            vumap=Word(0x0079, 0.01),
            sts=Word(0x0243, 0.01),
            sts_mib=Object("5.6.1.7", 0.01),
        )
    ),
    Quantity(key="crest_factor", unit=None, vumap=Word(0x004E, 0.1)),
    *_per_phase(
        Quantity(
            key="crest_factor",
            unit=None,
            vumap=Word(0x007C, 0.1),
            sts=Word(0x0248, 0.1),
            sts_mib=Object("5.6.1.6", 0.1),
        )
    ),
    Quantity(key="crest_factor_n", unit=None, vumap=Word(0x007F, 0.1), sts=Word(0x024B, 0.1)),
    *_per_phase(
        Quantity(
            key="input_voltage",
            unit="V",
            jbusp=Word(0x1081),
            vumap=Word(0x0060),
            ups_mib=Object("3.3.1.2", 0.1),
        )
    ),
    *_per_phase(Quantity(key="input_voltage", unit="V", vumap=Word(0x0064)), BETWEEN),
    # Not from 0x106C of the JBUSP: its factor is not given, while the output current beside it has tenths.
    *_per_phase(
        Quantity(key="input_current", unit="A", vumap=Word(0x0080, tenths=True), ups_mib=Object("3.3.1.3", 0.1))
    ),
    # Not from 0x1088 of the JBUSP: it has neither unit nor factor.
    *_per_phase(Quantity(key="input_power", unit="W", vumap=Word(0x0083, 1000, tenths=True))),
    Quantity(
        key="input_frequency",
        unit="Hz",
        jbusp=Word(0x108B, 0.1),
        vumap=Word(0x0063, 0.1),
        ups_mib=Object("3.2.0", 0.1),
    ),
    *_per_phase(
        Quantity(
            key="bypass_voltage",
            unit="V",
            jbusp=Word(0x1066),
            vumap=Word(0x0067),
            ups_mib=Object("5.3.1.2", 0.1),
        )
    ),
    *_per_phase(Quantity(key="bypass_voltage", unit="V", vumap=Word(0x006B)), BETWEEN),
    *_per_phase(
        Quantity(key="bypass_current", unit="A", vumap=Word(0x0086, tenths=True), ups_mib=Object("5.3.1.3", 0.1))
    ),
    *_per_phase(Quantity(key="bypass_power", unit="W", vumap=Word(0x0089, 1000, tenths=True))),
    Quantity(
        key="bypass_frequency",
        unit="Hz",
        jbusp=Word(0x1072, 0.1),
        vumap=Word(0x006A, 0.1),
        ups_mib=Object("5.1.0", 0.1),
    ),
    Quantity(
        key="state_of_charge",
        unit="%",
        jbusp=Word(0x1064),
        vumap=Word(0x0056),
        # Never upsBatterySOC (2.9.0): a card gave 0 there while the battery was full.
        ups_mib=Object("2.4.0"),
        battery=True,
    ),
    Quantity(key="battery_capacity", unit="Ah", jbusp=Word(0x1065, 0.1), vumap=Word(0x0057, tenths=True), battery=True),
    Quantity(
        key="battery_voltage",
        unit="V",
        jbusp=Word(0x1074, 0.1),
        vumap=Word(0x0050, tenths=True),
        ups_mib=Object("2.5.0", 0.1),
        battery=True,
    ),
    Quantity(
        key="battery_voltage_negative",
        unit="V",
        jbusp=Word(0x1075, 0.1),
        vumap=Word(0x0051, tenths=True),
        battery=True,
    ),
    Quantity(
        key="battery_current",
        unit="A",
        jbusp=Word(0x1078, 0.1),
        vumap=Word(0x0052, tenths=True),
        ups_mib=Object("2.8.0", 0.1),
        battery=True,
    ),
    Quantity(key="battery_current_negative", unit="A", vumap=Word(0x0053, tenths=True), battery=True),
    Quantity(
        key="battery_temperature",
        unit="°C",
        vumap=Word(0x005A, 0.1),
        ups_mib=Object("2.6.0", 0.1),
        battery=True,
        zero_is_unknown=True,
    ),
    Quantity(key="battery_mean_temperature", unit="°C", vumap=Word(0x005B, 0.1), battery=True, zero_is_unknown=True),
    Quantity(
        key="ambient_temperature",
        unit="°C",
        jbusp=Word(0x1076),
        vumap=Word(0x004F, 0.1),
        sts=Word(0x024F),
        ups_mib=Object("2.7.0", 0.1),
        zero_is_unknown=True,
    ),
    Quantity(
        key="time_to_go",
        unit="s",
        jbusp=Word(0x1077, 60),
        vumap=Word(0x0058, 60),
        ups_mib=Object("2.3.0", 60),
        battery=True,
    ),
    Quantity(key="time_on_battery", unit="s", vumap=Word(0x0059), ups_mib=Object("2.2.0"), battery=True),
    Quantity(key="dc_storage_voltage", unit="V", vumap=Word(0x005C, tenths=True)),
    Quantity(key="dc_storage_temperature", unit="°C", vumap=Word(0x005D, 0.1), zero_is_unknown=True),
    *_source(1, 0x0220),
    *_source(2, 0x0228),
    Quantity(key="phase_shift", unit="°", sts=Word(0x023F)),
)

# What the machine was made for: in the blocks that are read once.
RATED: tuple[Quantity, ...] = (
    Quantity(
        key="rated_apparent_power",
        unit="VA",
        jbusp=Word(0x1001, 100),
        vumap=Word(0x0005, 1000, tenths=True),
        ups_mib=Object("8.1.0", 100),
    ),
    Quantity(key="rated_power", unit="W", vumap=Word(0x0006, 1000, tenths=True)),
    Quantity(key="rated_input_voltage", unit="V", jbusp=Word(0x10E0)),
    Quantity(key="rated_output_voltage", unit="V", jbusp=Word(0x10E1)),
    Quantity(key="rated_input_frequency", unit="Hz", jbusp=Word(0x10E2)),
    Quantity(key="rated_output_frequency", unit="Hz", jbusp=Word(0x10E3)),
    Quantity(key="rated_battery_capacity", unit="Ah", jbusp=Word(0x10E8, 0.1), battery=True),
)

QUANTITIES: tuple[Quantity, ...] = (*MEASURES, *RATED)

type Blocks = tuple[tuple[int, int], ...]
"""First and last address of each block."""

# The blocks as the annex has them; a request within one is answered.
BLOCKS: Mapping[Table, Blocks] = MappingProxyType(
    {
        Table.JBUSP: ((0x1020, 0x1023), (0x1040, 0x1043), (0x1060, 0x108F)),
        Table.VUMAP: ((0x0030, 0x0037), (0x0038, 0x003F), (0x0040, 0x008F)),
        Table.STS: ((0x0140, 0x0143), (0x0148, 0x0149), (0x0220, 0x025F)),
    }
)
# Read once: identity and configuration. Of the block at 0x10E0 only the 11 words that are defined; the one at 0x0120 of
# the STS is not described.
CONFIG_BLOCKS: Mapping[Table, Blocks] = MappingProxyType(
    {
        Table.JBUSP: ((0x1000, 0x100B), (0x10E0, 0x10EA)),
        Table.VUMAP: ((0x0001, 0x000F), (0x0010, 0x0019), (0x001A, 0x0023)),
        Table.STS: ((0x0100, 0x0109), (0x0116, 0x011F)),
    }
)
# A word of bits -> the letter of its bits and the number of bit 0.
BIT_WORDS: Mapping[Table, Mapping[int, tuple[str, int]]] = MappingProxyType(
    {
        table: MappingProxyType(
            {first + number: (letter, 16 * number) for letter, first, count in words for number in range(count)}
        )
        for table, words in {
            Table.JBUSP: (("S", 0x1020, 4), ("A", 0x1040, 4)),
            Table.VUMAP: (("S", 0x0030, 8), ("A", 0x0038, 8)),
            Table.STS: (("S", 0x0140, 4), ("A", 0x0148, 2)),
        }.items()
    }
)

# --- who it is -------------------------------------------------------------------------------------------------------

SERIAL: Mapping[Table, Text] = MappingProxyType(
    {
        Table.JBUSP: Text(0x1003, 5, low_byte_first=True),
        Table.VUMAP: Text(0x0010, 10),
        Table.STS: Text(0x0116, 10),
    }
)
REFERENCE: Mapping[Table, Text] = MappingProxyType({Table.VUMAP: Text(0x001A, 10), Table.STS: Text(0x0100, 10)})

PRODUCT_CODES: Mapping[Table, Mapping[int, str]] = MappingProxyType(
    {
        Table.JBUSP: MappingProxyType(
            {
                20: "MODULE MODULYS 1/1",
                21: "UPS MODULYS 1/1",
                22: "SYSTEM MODULYS 1/1",
                26: "SYSTEM MASTERYS 1/1",
                27: "UPS MASTERYS 1/1",
                28: "MODULE MASTERYS 1/1",
                29: "NETYS",
                30: "ITYS",
                31: "NETYS RT",
                35: "NETYS PR",
                36: "NETYS PR-RK",
                37: "NETYS PR-RT",
                82: "MODULE MODULYS 3/1",
                83: "SYSTEM MODULYS 3/1",
                84: "UPS MODULYS 3/1",
                86: "SYSTEM MASTERYS 3/1",
                87: "UPS MASTERYS 3/1",
                88: "MODULE MASTERYS 3/1",
                89: "UPS ITYS 3/1",
                # Not in the manual: NUT's driver knows it.
                130: "DIGYS",
                256: "SYSTEM MASTERYS 3/3",
                257: "UPS MASTERYS 3/3",
                258: "MODULE MASTERYS 3/3",
                **dict.fromkeys((513, 514), "DELPHYS MP SINGLE UNIT"),
                **dict.fromkeys((515, 516), "DELPHYS MX SINGLE UNIT"),
                640: "DELPHYS Green Power",
                644: "DELPHYS BC",
                648: "DELPHYS GP 2.0",
                **dict.fromkeys(range(1014, 1018), "SYSTEM DELPHYS MP"),
                **dict.fromkeys(range(1018, 1022), "SYSTEM DELPHYS MX"),
            }
        ),
        Table.VUMAP: MappingProxyType(
            {
                0x8001: "ITYS PRO",
                0x8100: "MODULYS GP 2.0",
                0x8110: "MODULYS RM GP",
                0x8140: "MODULYS XM",
                0x8180: "MODULYS XS",
                0x81A0: "MODULYS XL",
                0x8200: "MASTERYS BC+",
                0x8300: "MASTERYS GP4",
                0x8400: "DELPHYS XL",
                # As a JBUSP code (648) it is the DELPHYS GP 2.0: the code alone does not tell which map is served.
                0x0288: "DELPHYS BC - GP 2.0",
            }
        ),
    }
)

FAMILIES = ("DELPHYS", "MASTERYS", "MODULYS", "ITYS", "NETYS", "STATYS")


def _letters(words: Sequence[int], *, low_byte_first: bool) -> str:
    pairs = (divmod(word & 0xFFFF, 0x100) for word in words)
    return "".join(chr(low) + chr(high) if low_byte_first else chr(high) + chr(low) for high, low in pairs)


def decode_text(words: Sequence[int], *, low_byte_first: bool) -> str | None:
    """The text in these words without its padding; None where they hold none."""
    letters = _letters(words, low_byte_first=low_byte_first)
    return "".join(letter for letter in letters if " " <= letter <= "~").strip() or None


def low_byte_first(words_of_reference: Sequence[int]) -> bool:
    """Whether the first of two letters is in the low byte, judged by a reference of the VU-MAP or STS.

    The manual does not say. The order that shows a product family is right, else the one that has more of the padding
    at the end, as the other one mixes it into the text; where neither tells, the high byte comes first.
    """
    high, low = (_letters(words_of_reference, low_byte_first=order) for order in (False, True))
    for text, order in ((high, False), (low, True)):
        if any(family in text.upper() for family in FAMILIES):
            return order
    # A space may also belong to the text, so it is only padding where nothing else is.
    for padding in ("\0\xff", "\0\xff "):
        if len(high.rstrip(padding)) != len(low.rstrip(padding)):
            return len(low.rstrip(padding)) < len(high.rstrip(padding))
    return False

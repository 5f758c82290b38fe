"""A simulated NET VISION card of a UPS or of a static transfer system: Modbus TCP and SNMP, on the loopback."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address
from typing import Final, Self, override

from pymodbus.constants import ExcCodes
from pymodbus.pdu import ModbusPDU

from .modbus import ModbusServer, read_response
from .netvision_machines import MACHINES, Machine
from .netvision_tables import (
    JBUSP,
    MAPS,
    MEASURES,
    OBJECTS,
    RATED,
    SETTINGS,
    STS,
    TABLE_ROWS,
    MibRow,
    bits,
    fits,
    holds,
    load_blocks,
    load_map,
    load_mib,
    number,
    words,
)
from .snmp_agent import Mib, SnmpAgent, SnmpObject
from .snmp_wire import Error, Oid, Tag, Value, VarBind, dotted, oid, text
from .ups import Command, Output, Readings, Sts, Ups
from .usm import User

_MOST_REGISTERS: Final = 125
_MINUTE: Final = 60.0

# Octets of an IP address.
_ADDRESS: Final = 4

_NETVISION: Final = "NETVISION"
_RFC_1628: Final = "RFC1628"
_STS_MIB: Final = "STS"

_SYSTEM: Final = oid("1.3.6.1.2.1.1")
_SYS_OBJECT_ID: Final = oid("1.3.6.1.4.1.8072.3.2.10")
_WELL_KNOWN: Final = oid("1.3.6.1.4.1.4555.1.1.7.1.6.3")
_ALARM_TABLE: Final = {_NETVISION: oid("1.3.6.1.4.1.4555.1.1.7.1.6.2"), _RFC_1628: oid("1.3.6.1.2.1.33.1.6.2")}
_AGENT_VERSION: Final = "NET VISION v8.3"

_TAGS: Final = {
    "INTEGER": Tag.INTEGER,
    "DisplayString": Tag.OCTETS,
    "IpAddress": Tag.IP_ADDRESS,
    "TimeTicks": Tag.TICKS,
    "OID": Tag.OID,
    "Counter32": Tag.COUNTER,
    "Gauge32": Tag.GAUGE,
}

# Traps that the card itself causes.
_COMMUNICATION_LOST: Final = "upsAlarmCommunicationLost"
_TRAP_ON_BATTERY: Final = 1
_TRAP_ALARM_ADDED: Final = 3
_TRAP_ALARM_REMOVED: Final = 4
_TRAP_COMMUNICATION_LOST: Final = 14
_TRAP_COMMUNICATION_ESTABLISHED: Final = 25
_TRAP_RESTARTING: Final = 27
_TRAPS: Final = {_NETVISION: oid("1.3.6.1.4.1.4555.1.1.7.2"), _STS_MIB: oid("1.3.6.1.4.1.4555.1.1.10.2")}

# upsBatteryStatus and upsOutputSource in the numbers of RFC 1628.
_RFC_BATTERY: Final = {1: 1, 6: 3, 7: 4}
_RFC_BATTERY_NORMAL: Final = 2
_RFC_OUTPUT: Final = {
    Output.MAINTENANCE_BYPASS: 4,
    Output.INVERTER: 3,
    Output.ECO: 3,
    Output.BYPASS: 4,
    Output.STANDBY: 2,
    Output.OFF: 2,
}
_RFC_OUTPUT_BATTERY: Final = 5
_RFC_TEST_IN_PROGRESS: Final = 5
_RFC_TEST_FAILED: Final = 3
_RFC_NO_TEST: Final = 6

type Shown = float | str | None


@dataclass(slots=True)
class Emd:
    """The environment device: °C, % and the states of its inputs, 1 disabled, 2 not active, 3 active."""

    temperature: float = 22.5
    humidity: float = 41.0
    input_1: int = 2
    input_2: int = 1


@dataclass(frozen=True, slots=True)
class AlarmRow:
    """A row of an alarm table; `since` in hundredths of a second since the card started."""

    index: int
    since: int
    row: MibRow


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where traps go, in version v1 or v2c."""

    host: str
    port: int
    version: str


@dataclass(slots=True)
class _Seen:
    """What the card last heard of the equipment."""

    readings: Readings
    bits: Mapping[str, frozenset[str]]
    shown: dict[str, Shown] = field(default_factory=dict)


class NetVisionModbus(ModbusServer):
    """The Modbus TCP server of a card: function 3 alone, one connection at a time, documented blocks alone."""

    def __init__(self, card: NetVisionCard, port: int, *, idle_close: float) -> None:
        super().__init__(port, most=1, idle_close=idle_close)
        self._card = card

    @override
    def answer(self, request: ModbusPDU) -> ModbusPDU | ExcCodes | None:
        card = self._card
        if request.dev_id != card.unit_id and not card.any_unit:
            return None
        if request.function_code != 3:
            return ExcCodes.ILLEGAL_FUNCTION
        if not 1 <= request.count <= _MOST_REGISTERS:
            return ExcCodes.ILLEGAL_VALUE
        registers = card.read_words(request.address, request.count)
        return registers if isinstance(registers, ExcCodes) else read_response(request, registers)


class NetVisionCard:
    """A card and what it is plugged into.

    `ups` or `sts`: the equipment, which may be changed at any time; the card looks at each request and at `advance`,
    and sends its traps then.

    Faults: `zeros_elsewhere`: addresses of another table read 0 instead of exception 2. `stale_modbus`: old words
    instead of exception 11 while the UPS is lost. `unmanaged`: no measure is managed. `sentinel`: what SNMP says then.
    `forced_bits`: acronyms of bits that are set whatever the equipment says; `forced_words`: words by address;
    `card_alarms`: objects of alarms that the card itself raises. `closed_gate`: the error of a command while remote
    control is disabled, or of one that the UPS does not manage.

    `settings`: what can be set by SNMP, by object and row (0 for a scalar). `commands`: those that came through.
    `alarms`: the rows of the alarm tables, by alarm. `trap_filter`: their coming and going sends no traps of its own.
    """

    def __init__(  # noqa: PLR0913  a card has as many settings
        self,
        machine: str | Machine,
        *,
        modbus_port: int = 0,
        snmp_port: int = 0,
        modbus_enabled: bool = True,
        snmp_enabled: bool = True,
        measurement_factor: int = 1,
        unit_id: int = 1,
        any_unit: bool = False,
        idle_close: float = 60.0,
        zeros_elsewhere: bool = False,
        low_byte_first: bool = False,
        read_community: str = "public",
        write_community: str | None = "private",
        versions: Iterable[str] = ("v1", "v2c", "v3"),
        users: Iterable[User] = (),
        emd: Emd | None = None,
    ) -> None:
        """Port 0 takes a free one. `low_byte_first`: how VU-MAP and STS pack their texts, which is not documented."""
        self.machine = MACHINES[machine] if isinstance(machine, str) else machine
        self.equipment: Ups | Sts = Ups(self.machine.ups) if self.machine.ups else Sts()
        self.modbus_enabled = modbus_enabled
        self.snmp_enabled = snmp_enabled
        self.measurement_factor = measurement_factor
        self.unit_id = unit_id
        self.any_unit = any_unit
        self.zeros_elsewhere = zeros_elsewhere
        self.low_byte_first = low_byte_first
        self.emd = emd
        self.stale_modbus = False
        self.unmanaged = False
        self.sentinel = -1
        self.closed_gate = Error.GEN_ERR
        self.forced_bits: set[str] = set()
        self.forced_words: dict[int, int] = {}
        self.card_alarms: set[str] = set()
        self.settings: dict[tuple[str, int], int | str] = {}
        self.commands: deque[Command] = deque(maxlen=1000)
        self.alarms: dict[Oid, AlarmRow] = {}
        self.trap_filter = False
        self._last_command = 0
        self._alarm_index = 0
        self._receivers: list[Receiver] = []
        self._conditions: set[int] = set()
        self._until_trap = _MINUTE
        self._mibs = (_NETVISION, _RFC_1628) if self.machine.ups else (_STS_MIB,)
        self._rows = [row for row in load_mib() if row.mib in self._mibs]
        self.modbus = NetVisionModbus(self, modbus_port, idle_close=idle_close)
        self.agent = SnmpAgent(
            Mib(),
            port=snmp_port,
            read_community=read_community,
            write_community=write_community,
            versions=tuple(versions),
            users=users,
        )
        self.agent.before = self.look
        self._seen = self._see()
        self._build_mib()

    @property
    def ups(self) -> Ups:
        """The UPS. Raises TypeError on a transfer system."""
        if not isinstance(self.equipment, Ups):
            raise TypeError("this card serves no UPS")
        return self.equipment

    @property
    def sts(self) -> Sts:
        """The transfer system. Raises TypeError on a UPS."""
        if not isinstance(self.equipment, Sts):
            raise TypeError("this card serves no transfer system")
        return self.equipment

    @property
    def host(self) -> str:
        """Where both channels listen."""
        return self.modbus.host

    # Life

    async def start(self) -> None:
        """Start both channels, or take a port for a disabled one that nobody listens on. Raises OSError."""
        await self.modbus.start()
        await self.agent.start()
        if not self.modbus_enabled:
            self.modbus.stop()
        if not self.snmp_enabled:
            self.agent.stop()
        self._conditions = self._trap_conditions()
        self.look()

    def stop(self) -> None:
        """Answer nothing any more."""
        self.modbus.stop()
        self.agent.stop()

    async def reboot(self, down: float) -> None:
        """Close everything and come back on the same ports after `down` seconds, with an up time of zero."""
        self.stop()
        await asyncio.sleep(down)
        await self.start()
        self._trap(_TRAP_RESTARTING)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop()

    def advance(self, seconds: float) -> None:
        """Let time pass for the equipment, and look at it."""
        self.equipment.advance(seconds)
        self.look()
        if self.lost or _TRAP_ON_BATTERY not in self._conditions:
            self._until_trap = _MINUTE
            return
        self._until_trap -= seconds
        if self._until_trap <= 0:
            self._until_trap = _MINUTE
            self._trap(_TRAP_ON_BATTERY)

    @property
    def lost(self) -> bool:
        """Whether the card has lost its equipment."""
        return _COMMUNICATION_LOST in self.card_alarms

    def lose_ups(self) -> None:
        """The serial line breaks: the card goes on answering with what it last heard."""
        self.look()
        if not self.lost:
            self.card_alarms.add(_COMMUNICATION_LOST)
            self._trap(_TRAP_COMMUNICATION_LOST)
        self.look()

    def find_ups(self) -> None:
        """The serial line works again."""
        if self.lost:
            self.card_alarms.discard(_COMMUNICATION_LOST)
            self._trap(_TRAP_COMMUNICATION_ESTABLISHED)
        self.look()

    def send_traps_to(self, host: str, port: int, version: str = "v2c") -> None:
        """Send traps to this address from now on, in version v1 or v2c."""
        self._receivers.append(Receiver(host, port, version))

    def look(self) -> None:
        """Take the values of the equipment, bring the alarm tables up to date and send the traps of what changed."""
        if not self.lost:
            self._seen = self._see()
        self._update_alarms()
        conditions = self._trap_conditions()
        for trap in sorted(conditions - self._conditions):
            self._trap(trap)
        self._conditions = conditions

    def _see(self) -> _Seen:
        readings = self.equipment.readings()
        if self.unmanaged:
            readings = replace(readings, measures={})
        seen = _Seen(readings, {name: bits(name, readings, self.forced_bits) for name in self.machine.maps})
        seen.shown = self._shown(readings)
        return seen

    @property
    def _bits(self) -> frozenset[str]:
        return self._seen.bits[self._map]

    @property
    def _map(self) -> str:
        return self.machine.maps[0]

    # Modbus

    def read_words(self, address: int, count: int) -> list[int] | ExcCodes:
        """Return the words of a read, or why there are none."""
        self.look()
        for name in MAPS:
            if not any(block.holds(address, count) for block in load_blocks(name)):
                continue
            if name in self.machine.maps:
                if self.lost and not self.stale_modbus:
                    return ExcCodes.GATEWAY_NO_RESPONSE
                served = self.words(name)
                return [served[place] for place in range(address, address + count)]
            if self.zeros_elsewhere:
                return [0] * count
        return ExcCodes.ILLEGAL_ADDRESS

    def words(self, name: str) -> dict[int, int]:
        """Return all words of one of the card's tables, by address."""
        served = words(name, self._seen.readings, self._seen.bits[name], tenths=self.measurement_factor == 1)
        return served | self._identity(name) | {at: it for at, it in self.forced_words.items() if at in served}

    def _identity(self, name: str) -> dict[int, int]:
        """The words that say what the equipment is."""
        machine, config = self.machine, self.machine.ups
        first = {row.acronym or row.name: row.address for row in reversed(load_map(name)) if row.kind != "product_code"}
        shown: dict[str, int] = {}
        texts: dict[str, tuple[str, int]] = {}
        low_first = self.low_byte_first
        if name == STS or config is None:
            texts = {"STS reference": (machine.reference, 10), "STS serial number": (machine.serial, 10)}
        elif name == JBUSP:
            low_first = True
            texts = {"I03": (machine.serial, 5)}
            shown = {"I00": machine.code, "I02": 1, "T04": 130, "T10": machine.outlets}
        else:
            texts = {"R000": (machine.serial, 10), "R001": (machine.reference, 10)}
            units = [unit.present for unit in self.ups.units]
            shown = {
                "T001": machine.installation,
                "T002": sum(units),
                "T003": sum(present << place for place, present in enumerate(units)),
                "T004": sum(units),
                "T007": config.phases << 8 | config.phases,
                "T008": int(config.eco_mode) | self.ups.generator << 3,
                "T009": 0,
                "T010": int(config.battery),
                "T014": self.measurement_factor,
                "T015": machine.code,
            }
        served = {first[acronym]: it for acronym, it in shown.items()}
        for acronym, (content, length) in texts.items():
            served |= dict(enumerate(_packed(content, length, low_first=low_first), first[acronym]))
        return served

    # SNMP

    def _shown(self, readings: Readings) -> dict[str, Shown]:
        """Everything that an object may show, by name; `OBJECTS` says which object shows what."""
        machine, config = self.machine, self.machine.ups
        shown: dict[str, Shown] = {
            "manufacturer": "SOCOMEC",
            "model": machine.model,
            "serial_number": machine.serial,
            "reference": machine.reference,
            "firmware": machine.firmware,
            "agent_version": _AGENT_VERSION,
            "name": "NET VISION",
            "location": "Energy room",
            "contact": "",
            "trap_text": "",
            "nothing": "",
            "zero": 0,
            "lines": config.phases if config else 3,
        }
        # The card hears no more than its equipment's table holds; the seconds on battery it counts itself.
        managed = {*MEASURES[self._map], *RATED[self._map].values(), "time_on_battery"}
        shown |= {name: value for name, value in readings.measures.items() if name in managed}
        shown |= readings.states
        if config:
            source, status = Output(readings.states["output_source"]), readings.states["battery_status"]
            on_battery = "on_battery" in readings.flags
            shown |= {
                "units": sum(unit.present for unit in self.ups.units),
                "unit_apparent_power": config.rated_apparent_power / config.units,
                "rfc_battery_status": _RFC_BATTERY.get(status, _RFC_BATTERY_NORMAL),
                "rfc_output_source": _RFC_OUTPUT_BATTERY if on_battery else _RFC_OUTPUT[source],
                "rfc_time_on_battery": readings.measures.get("time_on_battery") or 0,
                "rfc_test_result": _RFC_TEST_IN_PROGRESS
                if "battery_test" in readings.flags
                else _RFC_TEST_FAILED
                if "battery_test_failed" in readings.flags
                else _RFC_NO_TEST,
            }
        if self.emd:
            shown |= {
                "emd_temperature": self.emd.temperature,
                "emd_humidity": self.emd.humidity,
                "emd_input_1": self.emd.input_1,
                "emd_input_2": self.emd.input_2,
            }
        return shown

    def _build_mib(self) -> None:
        mib = self.agent.mib
        mib.add(self._system_group())
        for row in self._rows:
            if row.kind not in ("scalar", "column"):
                continue
            mib.types.add(row.oid)
            if row.name.startswith("emd") and self.emd is None:
                continue
            if any(row.oid[: len(table)] == table for table in _ALARM_TABLE.values()):
                continue
            mib.add(self._instances(row))

    def _system_group(self) -> dict[Oid, SnmpObject]:
        def constant(value: Value) -> SnmpObject:
            return SnmpObject(lambda: value)

        group = {
            1: constant(text(f"{_AGENT_VERSION} {self.machine.model}")),
            2: constant(Value(Tag.OID, _SYS_OBJECT_ID)),
            3: SnmpObject(lambda: Value(Tag.TICKS, self.agent.up_time)),
            4: constant(text("")),
            5: constant(text("NET VISION")),
            6: constant(text("Energy room")),
            7: constant(Value(Tag.INTEGER, 72)),
        }
        self.agent.mib.types |= {(*_SYSTEM, arc) for arc in group}
        return {(*_SYSTEM, arc, 0): it for arc, it in group.items()}

    def _instances(self, row: MibRow) -> dict[Oid, SnmpObject]:
        """The instances of an object: one, one per phase, or one per row of its table."""
        if row.kind == "scalar":
            return {(*row.oid, 0): self._instance(row, 0)}
        phases = self.machine.ups.phases if self.machine.ups else 3
        count = TABLE_ROWS.get(row.oid[:-2], phases)
        return {(*row.oid, place): self._instance(row, place) for place in range(1, count + 1)}

    def _instance(self, row: MibRow, place: int) -> SnmpObject:
        if row.name == "upsControlStatusControl":
            return SnmpObject(lambda: Value(Tag.INTEGER, self._last_command), self._check_command, self._take_command)
        if row.name in SETTINGS:
            return self._setting(row, place)
        return SnmpObject(self._reader(row, place))

    def _reader(self, row: MibRow, place: int) -> Callable[[], Value]:
        tag = _TAGS[row.type]
        if row.name == "upsAlarmsPresent":
            return lambda: Value(tag, sum(alarm.row.mib == row.mib for alarm in self.alarms.values()))
        if condition := row.conditions[self._map]:
            return lambda: Value(tag, int(holds(condition, self._bits)))
        if row.oid[:-1] == _WELL_KNOWN:
            return lambda: Value(tag, int(row.name in self.card_alarms))
        if source := OBJECTS[row.mib].get(row.name):
            return lambda: self._value(row, source, place)
        # What is left are the indexes of the tables of settings.
        return lambda: Value(tag, place)

    def _value(self, row: MibRow, source: str, place: int) -> Value:
        """What an object shows of the equipment."""
        if source == "row":
            return Value(Tag.INTEGER, place)
        shown = self._seen.shown.get(source.format(row=place))
        if isinstance(shown, str):
            return text(shown)
        shown = number(row, shown)
        return Value(_TAGS[row.type], self.sentinel if shown is None else shown)

    def _setting(self, row: MibRow, place: int) -> SnmpObject:
        key = row.name, place
        initial = SETTINGS[row.name]
        self.settings[key] = initial.format(row=place) if isinstance(initial, str) else initial
        tag = _TAGS[row.type]

        def check(value: Value) -> Error:
            if value.tag is not tag:
                return Error.WRONG_TYPE
            plain = _plain(value)
            if isinstance(value.content, bytes) and not _length(row)[0] <= len(value.content) <= _length(row)[1]:
                return Error.WRONG_LENGTH
            return Error.NO_ERROR if fits(row, plain) else Error.WRONG_VALUE

        def take(value: Value) -> Error:
            self.settings[key] = _plain(value)
            return Error.NO_ERROR

        def read() -> Value:
            return _wrapped(tag, self.settings[key])

        return SnmpObject(read, check, take) if row.access == "rw" else SnmpObject(read)

    def _check_command(self, value: Value) -> Error:
        if value.tag is not Tag.INTEGER:
            return Error.WRONG_TYPE
        if value.content not in set(Command):
            return Error.WRONG_VALUE
        return Error.NO_ERROR if self.ups.remote_control and not self.lost else self.closed_gate

    def _take_command(self, value: Value) -> Error:
        command = Command(value.content)  # type: ignore[arg-type]  # an integer, as was checked
        if not self.ups.execute(command):
            return self.closed_gate
        self._last_command = command
        self.commands.append(command)
        self.look()
        return Error.NO_ERROR

    # Alarms and traps

    def _update_alarms(self) -> None:
        """Bring the alarm tables up to date; a row keeps its index as long as its alarm lasts."""
        active = {row.oid: row for row in self._rows if self._alarm_is_active(row)}
        gone = [self.alarms.pop(name) for name in tuple(self.alarms) if name not in active]
        come: list[AlarmRow] = []
        for name, row in active.items():
            if name not in self.alarms:
                self._alarm_index += 1
                self.alarms[name] = AlarmRow(self._alarm_index, self._up_time, row)
                come.append(self.alarms[name])
        if not (gone or come):
            return
        self.agent.mib.replace(tuple(_ALARM_TABLE.values()), self._alarm_objects())
        if not self.trap_filter:
            for trap, changed in ((_TRAP_ALARM_ADDED, come), (_TRAP_ALARM_REMOVED, gone)):
                for alarm in changed:
                    if alarm.row.mib == _NETVISION:
                        self._trap(trap, self._alarm_bindings(alarm))

    @property
    def _up_time(self) -> int:
        return self.agent.up_time if self.agent.listening else 0

    def _alarm_is_active(self, row: MibRow) -> bool:
        if row.mib == _NETVISION and row.oid[:-1] == _WELL_KNOWN:
            return row.name in self.card_alarms or holds(row.conditions[self._map], self._bits)
        if row.mib == _RFC_1628 and row.kind == "identity":
            lost = row.name == "upsAlarmCommunicationsLost" and self.lost
            return lost or holds(row.conditions[self._map], self._bits)
        return False

    def _alarm_objects(self) -> dict[Oid, SnmpObject]:
        def constant(value: Value) -> SnmpObject:
            return SnmpObject(lambda: value)

        objects: dict[Oid, SnmpObject] = {}
        for alarm in self.alarms.values():
            entry = (*_ALARM_TABLE[alarm.row.mib], 1)
            objects |= {
                (*entry, 2, alarm.index): constant(Value(Tag.OID, alarm.row.oid)),
                (*entry, 3, alarm.index): constant(Value(Tag.TICKS, alarm.since)),
            }
            if alarm.row.mib == _NETVISION:
                objects |= {
                    (*entry, 1, alarm.index): constant(Value(Tag.INTEGER, alarm.index)),
                    (*entry, 4, alarm.index): constant(text(alarm.row.name.removeprefix("upsAlarm"))),
                }
        return objects

    def _alarm_bindings(self, alarm: AlarmRow) -> tuple[VarBind, ...]:
        entry = (*_ALARM_TABLE[_NETVISION], 1)
        return (
            ((*entry, 1, alarm.index), Value(Tag.INTEGER, alarm.index)),
            ((*entry, 2, alarm.index), Value(Tag.OID, alarm.row.oid)),
        )

    def _trap_conditions(self) -> set[int]:
        """The numbers of the traps whose conditions hold."""
        return {
            row.trap
            for row in self._rows
            if row.kind == "trap" and row.mib in _TRAPS and holds(row.conditions[self._map], self._bits)
        }

    def _trap(self, trap: int, bindings: tuple[VarBind, ...] = ()) -> None:
        mib = self._mibs[0]
        row = next((it for it in self._rows if it.kind == "trap" and it.mib == mib and it.trap == trap), None)
        if row is None:
            # The STS MIB has no trap for what befalls the card itself.
            return
        if not bindings:
            instances = [(*it.oid, 0) for name in row.objects for it in self._rows if (it.mib, it.name) == (mib, name)]
            bindings = tuple((name, self.agent.mib.get(name)) for name in instances)
        for receiver in self._receivers:
            to = receiver.host, receiver.port
            self.agent.send_trap(to, receiver.version, _TRAPS[mib], trap, bindings)


def _packed(content: str, length: int, *, low_first: bool) -> list[int]:
    """Return a text as words of two characters each."""
    data = content.encode("latin-1").ljust(2 * length, b"\0")[: 2 * length]
    order: Callable[[bytes], int] = (lambda pair: int.from_bytes(pair, "little")) if low_first else int.from_bytes
    return [order(data[place : place + 2]) for place in range(0, 2 * length, 2)]


def _length(row: MibRow) -> tuple[int, int]:
    """Return how many octets an object takes."""
    return (_ADDRESS, _ADDRESS) if row.type == "IpAddress" else row.bounds or (0, 255)


def _plain(value: Value) -> int | str:
    """Return what was set, as `settings` keeps it."""
    match value.tag, value.content:
        case _, int(content):
            return content
        case Tag.IP_ADDRESS, bytes(content) if len(content) == _ADDRESS:
            return str(IPv4Address(content))
        case _, bytes(content):
            return content.decode("latin-1")
        case _, content:
            return dotted(content or ())


def _wrapped(tag: Tag, plain: int | str) -> Value:
    """Return a setting as a value."""
    if isinstance(plain, int):
        return Value(tag, plain)
    match tag:
        case Tag.IP_ADDRESS:
            return Value(tag, IPv4Address(plain).packed)
        case Tag.OID:
            return Value(tag, oid(plain))
        case _:
            return text(plain)

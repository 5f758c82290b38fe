"""A simulated Victron GX: services with D-Bus paths and values, seen through its Modbus TCP server."""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, override

from pymodbus.constants import ExcCodes
from pymodbus.pdu import ModbusPDU

from .modbus import ModbusServer, read_response, write_response
from .registers import (
    INTERNAL,
    NEWEST,
    RESERVED,
    ConversionError,
    Register,
    Value,
    decode,
    encode,
    load_registers,
    load_unit_map,
    parse_version,
)

# The setting that says what a relay is for; 2 = manual. The GX ignores writes to a relay that has another function.
_RELAY_FUNCTION: Final = {
    "/Relay/0/State": "/Settings/Relay/Function",
    "/Relay/1/State": "/Settings/Relay/1/Function",
}
_RELAY_MANUAL: Final = 2

# Until this version the map of unit ids won over the instances, and a block was read from its first service.
_DIRECT_INSTANCES_FIRST: Final = parse_version("v1.0.88")

_MAPPED_INSTANCES: Final = load_unit_map()
_MOST_REGISTERS: Final = 125
_ERROR_IN_TEXT: Final = 65280

type Adjust = Callable[[Value], Value]


@dataclass(slots=True)
class Service:
    """A D-Bus service; a path whose value is None exists and has nothing to say."""

    type: str
    instance: int
    values: dict[str, Value]
    present: bool = True


@dataclass(frozen=True, slots=True)
class Write:
    """A value that a client wrote and the server passed on to the service."""

    time: float
    service: str
    instance: int
    path: str
    value: Value


class GxSimulator(ModbusServer):
    """The Modbus TCP server of a GX.

    `write_delay`: seconds until a service takes what was written; 0 takes it before the answer.
    `read_only`: the access permission of the GX; every write is answered with exception 2.
    `refuse_writes`: (service type, path) whose writes are acknowledged and ignored, as by a device that declines.
    `adjust`: (service type, path) to a function of the written value that says what the device makes of it, None to
    decline.
    `writes`: what clients wrote, whether it was taken or not.
    `clock`: the seconds since 1970 that the GX takes for now.
    """

    def __init__(self, port: int = 0, *, version: str = NEWEST, write_delay: float = 0.1) -> None:
        """`version` of dbus_modbustcp, from v1.0.60 on: an older one lacks the registers that came later."""
        super().__init__(port)
        self.version = version
        self.write_delay = write_delay
        self.read_only = False
        self.refuse_writes: set[tuple[str, str]] = set()
        self.adjust: dict[tuple[str, str], Adjust] = {}
        self.writes: deque[Write] = deque(maxlen=10_000)
        self.clock: Callable[[], float] = time.time
        self.services: list[Service] = []
        self._registers = load_registers(version)
        self._types = {register.service for register in self._registers.values()}
        self._direct_first = parse_version(version) >= _DIRECT_INSTANCES_FIRST
        self._pending: set[asyncio.TimerHandle] = set()

    def add_service(self, service: str, instance: int = 0, values: Mapping[str, Value] | None = None) -> Service:
        """Put a service on the bus; `service` is the last part of its name, such as `solarcharger`.

        Raises ValueError for a type that the register list does not know, or if it is there already.
        """
        if service not in self._types:
            raise ValueError(f"no registers for {service}")
        if self._find(service, instance):
            raise ValueError(f"{service}/{instance} is there already")
        added = Service(service, instance, dict(values or {}))
        self.services.append(added)
        return added

    def remove_service(self, service: str, instance: int = 0) -> None:
        """Take a service off the bus for good. Raises KeyError if it is not there."""
        self.services.remove(self.service(service, instance))

    def vanish(self, service: str, instance: int = 0) -> None:
        """Take a service off the bus; its values are kept, and may change, until it returns."""
        self.service(service, instance).present = False

    def reappear(self, service: str, instance: int = 0) -> None:
        """Bring a vanished service back."""
        self.service(service, instance).present = True

    def service(self, service: str, instance: int = 0) -> Service:
        """Return a service, present or vanished. Raises KeyError."""
        if found := self._find(service, instance):
            return found
        raise KeyError(f"{service}/{instance}")

    def get(self, service: str, instance: int, path: str) -> Value:
        """Return a D-Bus value. Raises KeyError if there is no such service or path."""
        return self.service(service, instance).values[path]

    def set(self, service: str, instance: int, path: str, value: Value) -> None:
        """Set a D-Bus value, as the device would. Raises KeyError if there is no such service."""
        self.service(service, instance).values[path] = value

    @override
    def stop(self) -> None:
        for timer in self._pending:
            timer.cancel()
        self._pending.clear()
        super().stop()

    @override
    def answer(self, request: ModbusPDU) -> ModbusPDU | ExcCodes:
        match request.function_code:
            case 3 | 4:
                registers = self._read(request.dev_id, request.address, request.count)
                return registers if isinstance(registers, ExcCodes) else read_response(request, registers)
            case 6 | 16:
                refusal = self._write(request.dev_id, request.address, request.count, request.registers)
                return refusal or write_response(request)
            case _:
                return ExcCodes.ILLEGAL_FUNCTION

    def resolve(self, service: str, unit: int) -> Service | None:
        """Return the present service of this type that answers at a unit id."""
        mapped = 0 if unit == 0 else _MAPPED_INSTANCES.get(unit)
        instances = (unit, mapped) if self._direct_first else (mapped, unit)
        for instance in instances:
            if instance is not None and (found := self._find(service, instance)) and found.present:
                return found
        return None

    def _find(self, service: str, instance: int) -> Service | None:
        return next((it for it in self.services if it.type == service and it.instance == instance), None)

    def _locate(self, unit: int, address: int, count: int) -> list[tuple[Register, Service]] | ExcCodes:
        """Return register and service of each address, or why the block cannot be served."""
        if not 1 <= count <= _MOST_REGISTERS:
            return ExcCodes.ILLEGAL_VALUE
        located: list[tuple[Register, Service]] = []
        for place in range(address, address + count):
            register = self._registers.get(place)
            if register is None:
                return ExcCodes.ILLEGAL_ADDRESS
            service = self.resolve(register.service, unit)
            if located and not self._direct_first:
                service = located[0][1]
            if service is None:
                return ExcCodes.ILLEGAL_ADDRESS if located else ExcCodes.GATEWAY_PATH_UNAVIABLE
            located.append((register, service))
        return located

    def _read(self, unit: int, address: int, count: int) -> list[int] | ExcCodes:
        located = self._locate(unit, address, count)
        if isinstance(located, ExcCodes):
            return located
        words: list[int] = []
        try:
            for place, (register, service) in enumerate(located, address):
                words.append(self._words(register, service)[place - register.address])
        except ConversionError:
            return ExcCodes.GATEWAY_PATH_UNAVIABLE
        return words

    def _words(self, register: Register, service: Service) -> list[int]:
        if register.kind == INTERNAL:
            return self._internal(register, service)
        if service.type != register.service and register.kind != RESERVED:
            return [0] * register.size
        return encode(register, service.values.get(register.path))

    def _internal(self, register: Register, service: Service) -> list[int]:
        """Return the registers that the server computes itself."""
        values = service.values
        match register.path:
            case "/DateAndTime":
                now = int(self.clock())
                return [now >> shift & 0xFFFF for shift in (48, 32, 16, 0)]
            case "/FirmwareVersion":
                # The last byte of the version is the beta number.
                version = int(values.get(register.path) or 0)
                return [version >> 8 & 0xFFFF, version & 0xFF]
            case "/Pv/I":
                voltage = float(values.get("/Pv/V") or 0)
                power = float(values.get("/Yield/Power") or 0)
                return encode(register, power / voltage if voltage else math.inf)
            case _:
                # An error code that is a text of its own is shown as "see the text".
                value = values.get(register.path)
                return encode(register, _ERROR_IN_TEXT if isinstance(value, str) and value else value or 0)

    def _write(self, unit: int, address: int, count: int, words: list[int]) -> ExcCodes | None:
        if len(words) != (count or 1):
            return ExcCodes.ILLEGAL_VALUE
        located = self._locate(unit, address, len(words))
        if isinstance(located, ExcCodes):
            return located
        if self.read_only or not all(register.writable for register, _ in located):
            return ExcCodes.ILLEGAL_ADDRESS
        if any(register.path not in service.values for register, service in located):
            return ExcCodes.GATEWAY_PATH_UNAVIABLE
        for register, service, value in _values(located, address, words):
            self.writes.append(Write(time.monotonic(), service.type, service.instance, register.path, value))
            if self.write_delay:
                self._later(service, register.path, value)
            else:
                self._take(service, register.path, value)
        return None

    def _later(self, service: Service, path: str, value: Value) -> None:
        def take() -> None:
            self._pending.discard(timer)
            self._take(service, path, value)

        timer = asyncio.get_running_loop().call_later(self.write_delay, take)
        self._pending.add(timer)

    def _take(self, service: Service, path: str, value: Value) -> None:
        key = (service.type, path)
        if key in self.refuse_writes or not self._relay_is_manual(*key):
            return
        if key in self.adjust:
            value = self.adjust[key](value)
            if value is None:
                return
        service.values[path] = value

    def _relay_is_manual(self, service: str, path: str) -> bool:
        """Whether the path is no relay of the GX, or one that may be switched by hand."""
        function = _RELAY_FUNCTION.get(path) if service == "system" else None
        settings = self._find("settings", 0)
        if function is None or settings is None:
            return True
        return settings.values.get(function, _RELAY_MANUAL) == _RELAY_MANUAL


def _values(
    located: list[tuple[Register, Service]], address: int, words: list[int]
) -> Iterator[tuple[Register, Service, Value]]:
    """Yield what a block of words means; the words of a value that were not written keep what they show."""
    by_start: dict[int, tuple[Register, Service, list[int]]] = {}
    for place, ((register, service), word) in enumerate(zip(located, words, strict=True), address):
        if register.address not in by_start:
            by_start[register.address] = register, service, encode(register, service.values[register.path])
        by_start[register.address][2][place - register.address] = word
    for register, service, whole in by_start.values():
        yield register, service, decode(register, whole)

"""What can go wrong with the answer of a simulated gateway, on the bytes of the wire.

A fault is a pure function of the answer that was about to be sent, so faults combine: a late answer may also be cut.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

from .rs485 import crc16

# Modbus TCP: transaction id (2 bytes), protocol id (2), length (2), unit id (1); then function code and data.
_HEADER = 7

# Of a Modbus message: unit id and function code; then, where registers or bits were read, how many bytes follow.
_HEAD = 3


@dataclass(frozen=True, slots=True)
class Answer:
    """The bytes about to be sent (none: silence), after how many seconds, and whether the connection ends with them.

    `rtu`: they are a frame of Modbus RTU, without a header and with a checksum.
    """

    frame: bytes
    delay: float = 0.0
    close: bool = False
    rtu: bool = False

    @property
    def header(self) -> int:
        """Bytes before the function code; the last of them is the unit id."""
        return 1 if self.rtu else _HEADER

    @property
    def message(self) -> bytes:
        """Unit id, function code and data."""
        return self.frame[:-2] if self.rtu else self.frame[_HEADER - 1 :]

    def saying(self, message: bytes) -> Answer:
        """Return an answer that says something else, properly framed."""
        if self.rtu:
            return replace(self, frame=message + crc16(message))
        return replace(self, frame=self.frame[:4] + len(message).to_bytes(2) + message)


type Fault = Callable[[Answer], Answer]


@dataclass(slots=True, eq=False)
class Injection[R]:
    """A fault switched on, for answers to requests of the type R; also a context manager that switches it off again."""

    faults: Faults[R]
    fault: Fault
    remaining: int | None
    only: Callable[[R], bool] | None

    def remove(self) -> None:
        """Switch the fault off; nothing happens if it already is."""
        if self in self.faults:
            self.faults.remove(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


class Faults[R](list[Injection[R]]):
    """The faults of a simulated gateway, in the order in which they spoil its answers."""

    def inject(
        self, fault: Fault, *, requests: int | None = None, only: Callable[[R], bool] | None = None
    ) -> Injection[R]:
        """Switch a fault on, for the next `requests` requests or until it is removed, for those that `only` accepts."""
        injection = Injection(self, fault, requests, only)
        self.append(injection)
        return injection

    def spoil(self, answer: Answer, request: R) -> Answer:
        """Return what becomes of an answer."""
        for injection in tuple(self):
            if injection.only and not injection.only(request):
                continue
            answer = injection.fault(answer)
            if injection.remaining is not None:
                injection.remaining -= 1
                if injection.remaining == 0:
                    injection.remove()
        return answer


def silence() -> Fault:
    """The request is swallowed."""
    return lambda answer: replace(answer, frame=b"")


def delay(seconds: float) -> Fault:
    """The answer comes late; still sent if the client has given up on it meanwhile, as long as the connection lives."""
    return lambda answer: replace(answer, delay=answer.delay + seconds)


def disconnect() -> Fault:
    """The connection ends instead of an answer."""
    return lambda answer: replace(answer, frame=b"", close=True)


def cut() -> Fault:
    """The connection ends in the middle of the answer."""
    return lambda answer: replace(answer, frame=answer.frame[: len(answer.frame) // 2], close=True)


def flip_data_bit(bit: int = 7) -> Fault:
    """One bit of the first data byte pair is wrong; bit 0 is the least significant of the first register.

    The checksum of an RTU frame tells; nothing does in Modbus TCP.
    """

    def fault(answer: Answer) -> Answer:
        first_register = answer.header + 2
        if not _is_read(answer.message) or len(answer.message) < _HEAD + 2:
            return answer
        return _flipped(answer, first_register + 1 - bit // 8, bit % 8)

    return fault


def flip_header_bit(bit: int = 0) -> Fault:
    """One bit of the header is wrong; bit 0 is the least significant of its last byte, the unit id."""
    return lambda answer: _flipped(answer, answer.header - 1 - bit // 8, bit % 8) if answer.frame else answer


def zeros() -> Fault:
    """Every register reads 0, as when a busy GX has lost sight of its services."""
    return _on_reads(lambda data: bytes(len(data)))


def half_zeros() -> Fault:
    """The second half of the registers reads 0: a gateway answered before it had all of them."""
    return _on_reads(lambda data: data[: len(data) // 4 * 2].ljust(len(data), b"\0"))


def other_transaction(offset: int = 1) -> Fault:
    """The answer carries the transaction id of another request; RTU knows none."""

    def fault(answer: Answer) -> Answer:
        if not answer.frame or answer.rtu:
            return answer
        transaction = (int.from_bytes(answer.frame[:2]) + offset) & 0xFFFF
        return replace(answer, frame=transaction.to_bytes(2) + answer.frame[2:])

    return fault


def no_transaction() -> Fault:
    """The answer carries the transaction id 0, whatever was asked; RTU knows none."""

    def fault(answer: Answer) -> Answer:
        if not answer.frame or answer.rtu:
            return answer
        return replace(answer, frame=bytes(2) + answer.frame[2:])

    return fault


def other_unit(offset: int = 1) -> Fault:
    """The answer is that of another unit, in a frame that is right."""

    def fault(answer: Answer) -> Answer:
        if not answer.frame:
            return answer
        return answer.saying(bytes((answer.message[0] + offset & 0xFF,)) + answer.message[1:])

    return fault


def swapped() -> Fault:
    """Each answer says what the one before it should have: the gateway is one answer behind. The first is swallowed.

    What it says is of the unit that was asked then; the transaction id is of the request now.
    """
    held = b""

    def fault(answer: Answer) -> Answer:
        nonlocal held
        if not answer.frame:
            return answer
        told, held = held, answer.message
        return answer.saying(told) if told else replace(answer, frame=b"")

    return fault


def exception(code: int) -> Fault:
    """The gateway refuses with this exception code."""

    def fault(answer: Answer) -> Answer:
        if not answer.frame:
            return answer
        unit, function = answer.message[:2]
        return answer.saying(bytes((unit, function | 0x80, code)))

    return fault


def _flipped(answer: Answer, place: int, bit: int) -> Answer:
    frame = bytearray(answer.frame)
    frame[place] ^= 1 << bit
    return replace(answer, frame=bytes(frame))


def _is_read(message: bytes) -> bool:
    return len(message) > _HEAD and message[1] in (1, 2, 3, 4)


def _on_reads(change: Callable[[bytes], bytes]) -> Fault:
    """A fault of the data that were read, in a frame that is right."""

    def fault(answer: Answer) -> Answer:
        message = answer.message
        return answer.saying(message[:_HEAD] + change(message[_HEAD:])) if _is_read(message) else answer

    return fault

"""What can go wrong with the answer of a simulated gateway, on the bytes of the wire.

A fault is a pure function of the answer that was about to be sent, so faults combine: a late answer may also be cut.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

# Modbus TCP: transaction id (2 bytes), protocol id (2), length (2), unit id (1); then function code and data.
_HEADER = 7


@dataclass(frozen=True, slots=True)
class Answer:
    """The bytes about to be sent (none: silence), after how many seconds, and whether the connection ends with them."""

    frame: bytes
    delay: float = 0.0
    close: bool = False


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
    """One bit of the first data byte pair is wrong; bit 0 is the least significant of the first register."""

    def fault(answer: Answer) -> Answer:
        frame = bytearray(answer.frame)
        first_register = _HEADER + 2
        if _is_read(answer.frame) and len(frame) >= first_register + 2:
            frame[first_register + 1 - bit // 8] ^= 1 << bit % 8
        return replace(answer, frame=bytes(frame))

    return fault


def flip_header_bit(bit: int = 0) -> Fault:
    """One bit of the header is wrong; bit 0 is the least significant of its last byte, the unit id."""

    def fault(answer: Answer) -> Answer:
        frame = bytearray(answer.frame)
        if frame:
            frame[_HEADER - 1 - bit // 8] ^= 1 << bit % 8
        return replace(answer, frame=bytes(frame))

    return fault


def zeros() -> Fault:
    """Every register reads 0, as when a busy GX has lost sight of its services."""

    def fault(answer: Answer) -> Answer:
        data = _HEADER + 2
        if not _is_read(answer.frame):
            return answer
        return replace(answer, frame=answer.frame[:data] + bytes(len(answer.frame) - data))

    return fault


def other_transaction(offset: int = 1) -> Fault:
    """The answer carries the transaction id of another request."""

    def fault(answer: Answer) -> Answer:
        if not answer.frame:
            return answer
        transaction = (int.from_bytes(answer.frame[:2]) + offset) & 0xFFFF
        return replace(answer, frame=transaction.to_bytes(2) + answer.frame[2:])

    return fault


def exception(code: int) -> Fault:
    """The gateway refuses with this exception code."""

    def fault(answer: Answer) -> Answer:
        if not answer.frame:
            return answer
        transaction, unit, function = answer.frame[:2], answer.frame[6:7], answer.frame[7]
        return replace(answer, frame=transaction + bytes((0, 0, 0, 3)) + unit + bytes((function | 0x80, code)))

    return fault


def _is_read(frame: bytes) -> bool:
    return len(frame) > _HEADER and frame[_HEADER] in (3, 4)

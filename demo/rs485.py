"""An RS485 line that carries Modbus RTU: how long its frames take, and who has to wait.

Times are in s. A frame is a run of characters; silence of 3.5 characters ends it.
"""

from dataclasses import dataclass, field
from typing import Final

# From this speed on the silence has a length of its own (Modbus over serial line 1.02, 2.5.1.1).
_FAST: Final = 19_200
_FAST_SILENCE: Final = 0.00175

# Around the PDU of a frame: unit id and checksum.
_AROUND: Final = 3

_BITS_IN_BYTE: Final = 8


def crc16(data: bytes) -> bytes:
    """Return the checksum of a Modbus RTU frame, as it ends one."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc.to_bytes(2, "little")


@dataclass(frozen=True, slots=True)
class Line:
    """How characters go over the line, and how patient its master is; as Legrand's servers are set when they are new.

    `speed` in bit/s. `bits` of a character: start, data, parity and stop, so 11 for 8E1 and 10 for 8N1. `turnaround`:
    what a device needs between the end of a request and its answer. `timeout`: how long the master waits for one.
    """

    speed: int = 19_200
    bits: int = 11
    turnaround: float = 0.02
    timeout: float = 0.3

    @property
    def character(self) -> float:
        """The time of one character."""
        return self.bits / self.speed

    @property
    def silence(self) -> float:
        """The silence between two frames."""
        return _FAST_SILENCE if self.speed > _FAST else 3.5 * self.character

    def frame(self, pdu: int) -> float:
        """The time of a frame whose PDU has so many bytes."""
        return (_AROUND + pdu) * self.character


def transaction_time(asked: int, answered: int | None, line: Line, *, turnaround: float | None = None) -> float:
    """How long the line is taken by a request and its answer, whose PDUs have so many bytes; None: nobody answers.

    Includes the silence after the answer, so that the next transaction may begin at once. `turnaround`: that of this
    device; one that needs longer than the master waits has answered too late.
    """
    pause = line.turnaround if turnaround is None else turnaround
    if answered is None or pause > line.timeout:
        return line.frame(asked) + line.timeout
    return line.frame(asked) + line.silence + pause + line.frame(answered) + line.silence


def read_time(count: int, line: Line, *, function: int = 3, turnaround: float | None = None) -> float:
    """How long it takes to read so many registers, or bits with function 1 or 2: the physical limit of a round."""
    size = -(-count // _BITS_IN_BYTE) if function in (1, 2) else 2 * count
    return transaction_time(5, 2 + size, line, turnaround=turnaround)


@dataclass(slots=True)
class Bus:
    """The line behind one gateway: one transaction at a time, in the order in which they were asked for.

    `slow`: unit id to the turn-around of a device that needs another one than the line's. `taken`: how long it was
    busy, in all; `transactions`: how many there were.
    """

    line: Line = field(default_factory=Line)
    slow: dict[int, float] = field(default_factory=dict)
    taken: float = 0.0
    transactions: int = 0
    free_at: float = 0.0

    def hears(self, unit: int) -> bool:
        """Whether a device, if there is one, answers before the master gives up on it."""
        return self.slow.get(unit, self.line.turnaround) <= self.line.timeout

    def carry(self, now: float, unit: int, asked: int, answered: int | None) -> float:
        """Put a transaction behind those that wait, and return how long after `now` it is over."""
        needed = transaction_time(asked, answered, self.line, turnaround=self.slow.get(unit))
        self.free_at = max(now, self.free_at) + needed
        self.taken += needed
        self.transactions += 1
        return self.free_at - now

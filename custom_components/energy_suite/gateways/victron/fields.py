"""Registers as the GX Modbus TCP server's list declares them: type, address, scale.

A value that a device does not have reads 0 on this server. ``nan=0`` stands where zero can only mean that.
"""

from typing import Any, override

from modbus_connection.decode import combine_words
from modbus_connection.model import NumberField, RegisterField, StringField

# The server holds integers back to one less than the top of their register: beyond it nothing is known.
SATURATED_UINT16 = 65_534
SATURATED_INT16 = 32_766
NOT_AVAILABLE = 255


class TextField(StringField):
    """A text in Latin-1, two characters a register, padded with zeros; None when empty."""

    @override
    def decode(self, words: list[int], scale_exponent: int | None = None) -> Any:
        data = combine_words(words).to_bytes(2 * len(words))
        return data.partition(b"\0")[0].decode("latin-1").strip() or None

    @override
    def encode(self, value: Any, scale_exponent: int | None = None) -> list[int]:
        data = str(value).encode("latin-1", "replace")[: 2 * self.count].ljust(2 * self.count, b"\0")
        return [int.from_bytes(data[i : i + 2]) for i in range(0, len(data), 2)]


def _number(
    address: int, count: int, scale: float, *, signed: bool, nan: int | None, writable: bool, unit: str | None
) -> NumberField[float]:
    return NumberField(address, count=count, scale=float(scale), signed=signed, nan=nan, writable=writable, unit=unit)


def uint16(
    address: int, scale: float = 1, *, nan: int | None = None, writable: bool = False, unit: str | None = None
) -> NumberField[float]:
    """A number from 0 up."""
    return _number(address, 1, scale, signed=False, nan=nan, writable=writable, unit=unit)


def int16(
    address: int, scale: float = 1, *, nan: int | None = None, writable: bool = False, unit: str | None = None
) -> NumberField[float]:
    """A number with a sign."""
    return _number(address, 1, scale, signed=True, nan=nan, writable=writable, unit=unit)


def uint32(
    address: int, scale: float = 1, *, nan: int | None = None, writable: bool = False, unit: str | None = None
) -> NumberField[float]:
    """A number from 0 up in two registers."""
    return _number(address, 2, scale, signed=False, nan=nan, writable=writable, unit=unit)


def int32(
    address: int, scale: float = 1, *, nan: int | None = None, writable: bool = False, unit: str | None = None
) -> NumberField[float]:
    """A number with a sign in two registers."""
    return _number(address, 2, scale, signed=True, nan=nan, writable=writable, unit=unit)


def uint64(address: int, *, nan: int | None = None) -> NumberField[float]:
    """A number from 0 up in four registers."""
    return _number(address, 4, 1, signed=False, nan=nan, writable=False, unit=None)


def code(address: int, *, nan: int | None = None, writable: bool = False) -> NumberField[int]:
    """A number that stands for something: a state, an alarm, yes or no."""
    return NumberField(address, signed=False, nan=nan, writable=writable)


def text(address: int, length: int, *, writable: bool = False) -> RegisterField[str]:
    """A text over ``length`` registers."""
    return TextField(address, count=length, writable=writable)

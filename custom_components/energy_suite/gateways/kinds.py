"""The kinds of gateway: one line each, everything else follows from it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .base import Gateway
from .registers import UnitFor
from .victron.gateway import VictronGateway


@dataclass(frozen=True, kw_only=True)
class Kind:
    """How a kind of gateway is reached and made."""

    make: Callable[[UnitFor, float, Mapping[str, Any]], Gateway]
    """From a way to its units, the interval in s and the user's options."""
    port: int
    interval: float
    """s between the starts of two rounds, unless the user sets another."""
    timeout: float
    """s that an answer may take."""


KINDS: Mapping[str, Kind] = {
    "victron_gx": Kind(make=VictronGateway.from_options, port=502, interval=5.0, timeout=3.0),
}

"""Whether a gateway is still heard of (VRM manual 6.1)."""

from dataclasses import dataclass

from .episodes import Severity
from .rules import Rule

LOST = "gateway_lost"


@dataclass(frozen=True, kw_only=True)
class Communication:
    """How the connection to one gateway is watched."""

    gateway: str
    name: str = ""
    device: str | None = None
    """The gateway's own device."""
    on: bool = True
    gap: float = 300.0
    """s without it that are tolerated."""
    severity: Severity = Severity.WARNING

    @property
    def rule(self) -> Rule:
        """What it is watched by."""
        return Rule(
            id=self.gateway,
            name=self.name,
            device=self.device,
            severity=self.severity,
            armed=frozenset({LOST}),
            delay=self.gap,
        )

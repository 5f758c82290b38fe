"""How often one person is told of one alarm (VRM manual 6.8.4)."""

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Self

from .episodes import Severity, moment


@dataclass(frozen=True, kw_only=True)
class Limits:
    """From when on an alarm is a flood. The manual gives the 24 h alone; the rest is our own choice."""

    messages: int = 10
    """That one person gets of one alarm within ``period``; one more says that there will be no others."""
    period: float = 6 * 3600.0
    """s."""
    quiet: float = 24 * 3600.0
    """s without any change of the alarm before it is told of again."""

    def __post_init__(self) -> None:
        """Refuse what would tell nothing, or all. Raises ``ValueError``."""
        if self.messages < 1 or self.period < 1 or self.quiet < 1:
            raise ValueError("limits are 1 at least")


class Verdict(Enum):
    """Whether a message may be sent."""

    SEND = auto()
    LAST = auto()  # the last before silence, which says so
    SILENCE = auto()


@dataclass(kw_only=True)
class Budget:
    """What one person was sent of one alarm."""

    sent: list[float] = field(default_factory=list)
    """When, within the last period."""
    silenced: bool = False
    released: bool = False
    """Whether somebody ended the silence by hand."""
    worst: Severity | None = None
    """The worst that was told; what is worse than all before breaks the silence."""

    def spend(self, severity: Severity, limits: Limits, now: float) -> Verdict:
        """Ask to send a message of an alarm that is as bad as that."""
        self.sent = [at for at in self.sent if abs(now - at) < limits.period]
        if not self.sent and not self.silenced:
            self.worst = None
        worse = self.worst is not None and severity > self.worst
        if self.silenced and not worse:
            return Verdict.SILENCE
        self.worst = severity if self.worst is None else max(self.worst, severity)
        if not self.silenced and len(self.sent) >= limits.messages:
            self.silenced = True
            return Verdict.LAST
        self.sent.append(now)
        return Verdict.SEND

    def is_over(self, limits: Limits, now: float) -> bool:
        """Whether there is nothing left to remember."""
        return not self.silenced and all(abs(now - at) >= limits.period for at in self.sent)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """Take it up again."""
        worst = stored["worst"]
        return cls(
            **{
                **stored,
                "sent": [moment(at) for at in stored["sent"]],
                "worst": None if worst is None else Severity(worst),
            }
        )

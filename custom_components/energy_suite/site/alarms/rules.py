"""The user's rules: thresholds with hysteresis, or armed states, with a delay (VRM manual 6.4 to 6.6)."""

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from .episodes import Severity

NO_DATA = frozenset({"", "unknown", "unavailable", "none"})
"""States, in lower case, that say nothing."""

LARGEST = sys.float_info.max


class Side(StrEnum):
    """On which side of a rule something is wrong: the key of its alarm."""

    LOW = "below_low_threshold"
    HIGH = "above_high_threshold"
    STATE = "armed_state"
    NO_DATA = "no_data"


class Mistake(StrEnum):
    """Why a rule is not valid. The first four are those of the manual's section 6.5."""

    LOW_HYSTERESIS_BELOW_LOW_THRESHOLD = "low_hysteresis_below_low_threshold"
    HIGH_HYSTERESIS_ABOVE_HIGH_THRESHOLD = "high_hysteresis_above_high_threshold"
    LOW_HYSTERESIS_NOT_BELOW_HIGH_THRESHOLD = "low_hysteresis_not_below_high_threshold"
    HIGH_HYSTERESIS_NOT_ABOVE_LOW_THRESHOLD = "high_hysteresis_not_above_low_threshold"
    HYSTERESIS_WITHOUT_THRESHOLD = "hysteresis_without_threshold"
    NOTHING_WATCHED = "nothing_watched"
    NUMBERS_AND_STATES = "numbers_and_states"
    NOT_A_NUMBER = "not_a_number"
    NEGATIVE_TIME = "negative_time"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What is watched of one entity, and from when on it is wrong.

    It is wrong below ``low``, until it reaches ``low_hysteresis``; above ``high``, until it falls to
    ``high_hysteresis``; or in one of the ``armed`` states. The hysteresis counts from the first moment on, while the
    delay runs as well: a value that hovers at its threshold is wrong all the time. A threshold without a hysteresis is
    its own.
    """

    id: str
    name: str = ""
    device: str | None = None
    """The device that the entity belongs to."""
    severity: Severity = Severity.WARNING
    low: float | None = None
    low_hysteresis: float | None = None
    high: float | None = None
    high_hysteresis: float | None = None
    armed: frozenset[str] = frozenset()
    delay: float = 0.0
    """s that it has to be wrong before it is raised; what is over is cleared at once."""
    no_data: float | None = None
    """s without a known state that are tolerated; None is for ever."""
    grid: bool = False
    """Whether it tells of a failure of the grid."""

    @property
    def low_end(self) -> float | None:
        """From where on the low alarm is over."""
        return self.low if self.low_hysteresis is None else self.low_hysteresis

    @property
    def high_end(self) -> float | None:
        """To where the value has to fall for the high alarm to be over."""
        return self.high if self.high_hysteresis is None else self.high_hysteresis


def check(rule: Rule) -> tuple[Mistake, ...]:
    """What is wrong with a rule; an empty answer makes it valid."""
    numbers = (rule.low, rule.low_hysteresis, rule.high, rule.high_hysteresis, rule.delay, rule.no_data)
    if not all(math.isfinite(number) for number in numbers if number is not None):
        return (Mistake.NOT_A_NUMBER,)
    return tuple(_mistakes(rule))


def _mistakes(rule: Rule) -> Iterator[Mistake]:
    numeric = rule.low is not None or rule.high is not None
    if (rule.low is None and rule.low_hysteresis is not None) or (
        rule.high is None and rule.high_hysteresis is not None
    ):
        yield Mistake.HYSTERESIS_WITHOUT_THRESHOLD
    elif not numeric and not rule.armed and rule.no_data is None:
        yield Mistake.NOTHING_WATCHED
    if numeric and rule.armed:
        yield Mistake.NUMBERS_AND_STATES
    if rule.delay < 0 or (rule.no_data is not None and rule.no_data < 0):
        yield Mistake.NEGATIVE_TIME
    if rule.low is not None and rule.low_end is not None and rule.low_end < rule.low:
        yield Mistake.LOW_HYSTERESIS_BELOW_LOW_THRESHOLD
    if rule.high is not None and rule.high_end is not None and rule.high_end > rule.high:
        yield Mistake.HIGH_HYSTERESIS_ABOVE_HIGH_THRESHOLD
    if rule.low_end is not None and rule.high is not None and rule.low_end >= rule.high:
        yield Mistake.LOW_HYSTERESIS_NOT_BELOW_HIGH_THRESHOLD
    if rule.high_end is not None and rule.low is not None and rule.high_end <= rule.low:
        yield Mistake.HIGH_HYSTERESIS_NOT_ABOVE_LOW_THRESHOLD


def known(rule: Rule, state: str | float | None) -> str | float | None:
    """What a state says to a rule: a finite number, a text to a rule of armed states, None if nothing."""
    if state is None or (isinstance(state, str) and state.strip().lower() in NO_DATA):
        return None
    if rule.low is None and rule.high is None:
        return str(state)
    try:
        number = float(state)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def sides(rule: Rule) -> frozenset[Side]:
    """Where something can be wrong by a rule."""
    watched = {
        Side.LOW: rule.low is not None,
        Side.HIGH: rule.high is not None,
        Side.STATE: bool(rule.armed),
        Side.NO_DATA: rule.no_data is not None,
    }
    return frozenset(side for side, is_watched in watched.items() if is_watched)


def side_of(rule: Rule, side: Side | None, value: str | float) -> Side | None:
    """On which side of the rule a known value is, after it was on ``side``."""
    if isinstance(value, str):
        return Side.STATE if value in rule.armed else None
    low, high, low_end, high_end = rule.low, rule.high, rule.low_end, rule.high_end
    if low is not None and (value < low or (side is Side.LOW and low_end is not None and value < low_end)):
        return Side.LOW
    if high is not None and (value > high or (side is Side.HIGH and high_end is not None and value > high_end)):
        return Side.HIGH
    return None


def calm(rule: Rule, side: Side | None) -> tuple[float, float]:
    """The numbers, first and last, that leave a rule on its side."""
    match side:
        case Side.LOW if rule.low_end is not None:
            return -LARGEST, math.nextafter(rule.low_end, -math.inf)
        case Side.HIGH if rule.high_end is not None:
            return math.nextafter(rule.high_end, math.inf), LARGEST
        case None if rule.low is not None or rule.high is not None:
            return (
                -LARGEST if rule.low is None else rule.low,
                LARGEST if rule.high is None else rule.high,
            )
        case _:
            return math.inf, -math.inf

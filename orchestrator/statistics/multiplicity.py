"""Several contrasts at once: the intervals are widened as the verdicts are, by one criterion.

Values of one parameter against one of them: Dunnett's simultaneous intervals (JASA 1955). Several
parameters: Holm's steps (Scandinavian Journal of Statistics 1979). The parameter with the least
p-value is judged at 1 - alpha / m, the next at 1 - alpha / (m - 1) as long as each differs, and
those after the first that does not at the level of that one. The interval shown is of the level
that was judged at, so that it leaves out 0 exactly where a difference is claimed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import special

from orchestrator.statistics.contrasts import Contrast, Critical, Interval, student_t, two_sided
from orchestrator.statistics.run_scores import Array

_DRAWS = 1 << 14
_ERRORS = 100
_SEED = 0


class Largest:
    """The distribution of the largest of several correlated Student's t values, by its size.

    Of the normal part by draws from a fixed seed, so that the same contrasts have the same
    intervals; of the common error in closed form.

    Args:
        covariance: Of the contrasts, shape [contrasts, contrasts].
    """

    def __init__(self, covariance: Array) -> None:
        self._count = len(covariance)
        if self._count == 1:
            return
        spread = np.sqrt(np.maximum(np.diag(covariance), 1e-300))
        correlation = covariance / np.outer(spread, spread)
        np.fill_diagonal(correlation, 1.0)  # also of what has no spread
        values, vectors = np.linalg.eigh(correlation)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        self._sizes = np.sort(np.abs(_draws(self._count) @ root.T).max(axis=1))

    def critical(self, level: float, degrees: float) -> float:
        """Returns what the largest stays below with probability `level`."""
        # Between one contrast alone and Bonferroni's bound, whatever the draws say.
        low = student_t(level, degrees)
        if self._count == 1:
            return low
        high = student_t(1 - (1 - level) / self._count, degrees)
        errors = _errors(degrees)
        while high - low > 1e-6 * high:
            middle = (low + high) / 2
            beyond = self._beyond(middle, errors) > 1 - level
            low, high = (middle, high) if beyond else (low, middle)
        return high

    def p_value(self, statistic: float, degrees: float) -> float:
        """Returns the probability of the largest being at least so large, with no difference."""
        alone = two_sided(statistic, degrees)
        if self._count == 1:
            return alone
        found = self._beyond(abs(statistic), _errors(degrees))
        return min(1.0, max(found, alone), self._count * alone)

    def _beyond(self, statistic: float, errors: Array) -> float:
        below = np.searchsorted(self._sizes, statistic * errors)
        return float(1 - below.mean() / len(self._sizes))


@dataclass(frozen=True)
class Family:
    """Contrasts that answer one question together, such as every value against the best one.

    Attributes:
        name: Of the question, such as the parameter.
        contrasts: At least one.
        critical: How far their intervals reach, at a level and with degrees of freedom.
        p_value: Adjusted for the contrasts of the family: the least of them.
    """

    name: str
    contrasts: tuple[Contrast, ...]
    critical: Critical
    p_value: float

    def intervals(self, level: float) -> list[Interval]:
        """Returns the simultaneous intervals, one a contrast."""
        return [each.interval(level, self.critical) for each in self.contrasts]

    def differs(self, level: float) -> bool:
        """Whether any of the simultaneous intervals leaves out 0."""
        return any(each.differs(level, self.critical) for each in self.contrasts)


@dataclass(frozen=True)
class Judged:
    """A family with the level that it is judged at.

    Attributes:
        family: The contrasts.
        level: Of the intervals and the verdict alike.
    """

    family: Family
    level: float

    @property
    def intervals(self) -> list[Interval]:
        """The intervals, one a contrast; a difference is claimed where one leaves out 0."""
        return self.family.intervals(self.level)

    @property
    def differs(self) -> list[bool]:
        """Which contrasts differ from 0."""
        return [low > 0.0 or high < 0.0 for low, high in self.intervals]


def family(name: str, contrasts: Sequence[Contrast], covariance: Array) -> Family:
    """Returns contrasts with simultaneous intervals.

    Args:
        name: As in `Family`.
        contrasts: At least one.
        covariance: Of them, up to a factor; shape [contrasts, contrasts].
    """
    largest = Largest(covariance)
    least = min(
        max(largest.p_value(end.statistic, end.degrees) for end in (each.lowest, each.highest))
        if each.p_value < 1.0
        else 1.0
        for each in contrasts
    )
    return Family(name, tuple(contrasts), largest.critical, least)


def holm(families: Sequence[Family], level: float = 0.95) -> list[Judged]:
    """Returns each family with the level of Holm's step at which it is judged, in the given order.

    Args:
        families: One a question.
        level: Of all of them together.
    """
    alpha = 1 - level
    judged: dict[int, Judged] = {}
    step, stopped = len(families), False
    for index in sorted(range(len(families)), key=lambda each: families[each].p_value):
        own = 1 - alpha / step
        judged[index] = Judged(families[index], own)
        stopped = stopped or not families[index].differs(own)
        if not stopped:
            step -= 1
    return [judged[index] for index in range(len(families))]


def _errors(degrees: float) -> Array:
    """Returns equally likely sizes of the common error, of which 1 is the expected square."""
    middles = (np.arange(_ERRORS) + 0.5) / _ERRORS
    found: Array = np.sqrt(special.chdtri(degrees, middles) / degrees)
    return found


@lru_cache(maxsize=16)
def _draws(count: int) -> Array:
    return np.random.default_rng(_SEED).standard_normal((_DRAWS, count))

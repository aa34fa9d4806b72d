"""Whether two ways of running the same trials reached the same quality."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from scipy import stats

WIDEST = 0.1
"""A tolerance above this share of the loss could hide a real difference, and decides nothing."""

Losses = Sequence[Sequence[float]]
"""Final validation losses, one sequence a configuration, in it one value a seed."""


@dataclass(frozen=True)
class Verdict:
    """What the comparison of two ways found.

    Attributes:
        difference: Mean loss of ours less that of the other, over all trials.
        tolerance: Largest difference, up or down, that the spread over seeds explains.
        equal: Whether it does; None where there are too few seeds, or they spread too widely.
    """

    difference: float
    tolerance: float
    equal: bool | None

    def __str__(self) -> str:
        """Returns the verdict in words."""
        told = {True: "equal within noise", False: "NOT EQUAL", None: "undecided"}[self.equal]
        return f"difference {self.difference:+.4f}, tolerance {self.tolerance:.4f}: {told}"


def judge(ours: Losses, other: Losses) -> Verdict:
    """Compares the final losses of the same trials under the same seeds.

    The two ways draw other batches and other dropout from a seed, so that they are two samples of
    the same distribution if they do the same work. The tolerance is the half width of the 95 %
    interval of the difference of the means by Student's t, from the spread over seeds pooled over
    ways and configurations.

    Args:
        ours: Losses of one way.
        other: Losses of the other, the same configurations and seeds.

    Raises:
        ValueError: The shapes differ, or there is nothing.
    """
    if [len(seeds) for seeds in ours] != [len(seeds) for seeds in other] or not ours:
        raise ValueError("the two ways must have run the same trials, at least one")
    groups = [*ours, *other]
    mean = statistics.fmean(loss for seeds in ours for loss in seeds)
    mean_other = statistics.fmean(loss for seeds in other for loss in seeds)
    difference = mean - mean_other
    freedom = sum(len(seeds) - 1 for seeds in groups)
    if freedom < 2:
        return Verdict(difference, math.inf, None)
    squares = sum((loss - statistics.fmean(seeds)) ** 2 for seeds in groups for loss in seeds)
    trials = sum(len(seeds) for seeds in ours)
    error = math.sqrt(squares / freedom * 2 / trials)
    tolerance = float(stats.t.ppf(0.975, freedom)) * error
    if not math.isfinite(difference):
        return Verdict(difference, tolerance, False)
    if abs(difference) > tolerance:
        return Verdict(difference, tolerance, False)
    return Verdict(difference, tolerance, True if tolerance <= WIDEST * mean_other else None)

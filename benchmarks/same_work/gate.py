"""Whether two ways of running the same trials reached the same quality."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from scipy import stats

NARROWEST = 0.02
"""A difference below this share of the loss counts as none: the order of the rows may make it."""
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

    A seed gives both ways the same initial weights, but other batches and other dropout, so that
    the differences scatter around 0 if they do the same work. The configurations of a seed see the
    same batches and err together, so each seed counts once, with the mean over its configurations.
    The tolerance is the half width of the 95 % interval of the mean over seeds by Student's t, and
    at least `NARROWEST`.

    Args:
        ours: Losses of one way.
        other: Losses of the other, the same configurations and seeds.

    Raises:
        ValueError: The shapes differ, or there is nothing.
    """
    if [len(seeds) for seeds in ours] != [len(seeds) for seeds in other] or not ours:
        raise ValueError("the two ways must have run the same trials, at least one")
    means = [statistics.fmean(configurations) for configurations in zip(*ours, strict=True)]
    others = [statistics.fmean(configurations) for configurations in zip(*other, strict=True)]
    differences = [mean - other_mean for mean, other_mean in zip(means, others, strict=True)]
    difference, loss = statistics.fmean(differences), statistics.fmean(others)
    if not math.isfinite(difference):
        return Verdict(difference, math.nan, False)
    if len(differences) < 3:
        return Verdict(difference, math.inf, None)
    error = statistics.stdev(differences) / math.sqrt(len(differences))
    noise = float(stats.t.ppf(0.975, len(differences) - 1)) * error
    tolerance = max(noise, NARROWEST * loss)
    if abs(difference) > tolerance:
        return Verdict(difference, tolerance, False)
    return Verdict(difference, tolerance, True if tolerance <= WIDEST * loss else None)

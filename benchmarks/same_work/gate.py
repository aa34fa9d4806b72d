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
    the differences within pairs scatter around 0 if they do the same work. The tolerance is the
    half width of the 95 % interval of their mean by Student's t, and at least `NARROWEST`.

    Args:
        ours: Losses of one way.
        other: Losses of the other, the same configurations and seeds.

    Raises:
        ValueError: The shapes differ, or there is nothing.
    """
    if [len(seeds) for seeds in ours] != [len(seeds) for seeds in other] or not ours:
        raise ValueError("the two ways must have run the same trials, at least one")
    pairs = [
        (one, two)
        for seeds, others in zip(ours, other, strict=True)
        for one, two in zip(seeds, others, strict=True)
    ]
    differences = [one - two for one, two in pairs]
    difference = statistics.fmean(differences)
    loss = statistics.fmean(two for _, two in pairs)
    if not math.isfinite(difference):
        return Verdict(difference, math.nan, False)
    if len(pairs) < 3:
        return Verdict(difference, math.inf, None)
    error = statistics.stdev(differences) / math.sqrt(len(pairs))
    noise = float(stats.t.ppf(0.975, len(pairs) - 1)) * error
    tolerance = max(noise, NARROWEST * loss)
    if abs(difference) > tolerance:
        return Verdict(difference, tolerance, False)
    return Verdict(difference, tolerance, True if tolerance <= WIDEST * loss else None)

"""The least difference that a design shows four times in five, and what a smaller one would take.

A two-sided test of a contrast with standard error s finds a difference d with the power p about
where d = (t + t_p) s, t being how far the interval reaches and t_p the p quantile of Student's t
(Cohen, "Statistical Power Analysis for the Behavioral Sciences", 1988, section 2.4). Of s^2 the
part of the seeds falls with their number and that of the rows with theirs; what is unknown of where
the best setting lies stays. These are estimates: with twelve degrees of freedom the variance
between seeds alone is known to within a factor of about two.
"""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from orchestrator.statistics.contrasts import Component, contrast, student_t
from orchestrator.statistics.run_scores import Array, RunScores
from orchestrator.statistics.variance_components import SeedVariance, seed_variance

POWER = 0.8

_MOST_SEEDS = 1_000
"""What `confirm.seeds` can be."""

_MOST_ROWS = 1_000_000
"""What `evaluation.test_rows` can be."""


@dataclass(frozen=True)
class Detectable:
    """What a contrast of these runs can show.

    Attributes:
        difference: The least that `POWER` of such designs would show.
        asked: The difference that is to be shown.
        seeds: So many of each configuration show it; None where no number does, because too much
            is unknown of where the best settings lie.
        rows: On so many test rows; those of now where more seeds are enough.
    """

    difference: float
    asked: float
    seeds: int | None
    rows: int | None


def detectable(
    scores: RunScores,
    weights: Array,
    asked: float,
    *,
    level: float = 0.95,
    further: Component | None = None,
    between: SeedVariance | None = None,
) -> Detectable | None:
    """Returns what a contrast can show, and what it would take to show a difference.

    Args:
        scores: Of all confirmed configurations.
        weights: Of the contrast, one a configuration.
        asked: The difference that is to be shown, above 0.
        level: Of the verdict.
        further: What is unknown of where the optima lie.
        between: The variance between seeds where the runs at rates around the chosen ones tell it;
            what is unknown then falls with seeds and rows as the luck of both does.

    Returns:
        None where the variance between seeds is not known.
    """
    of_rows = contrast(scores, weights, seeds="fixed")
    repeated = between is not None
    between = between or seed_variance(scores.filled([False] * len(scores.runs)), scores.clusters)
    if of_rows is None or between is None:
        return None
    own = max(2, round(float(scores.seeds.max() if repeated else np.mean(scores.seeds))))
    squares = own * float((weights**2 / scores.seeds).sum())
    configurations = len(scores.runs)
    # What one run makes of a row is averaged over seeds; what all of them make of it is not.
    of_runs = squares * between.row_part
    common = max(0.0, of_rows.lowest.standard_error**2 - of_runs / own)

    def least(seeds: int, rows: int) -> float:
        share = scores.rows / rows
        samples = scores.samples / share
        row_part = Component(share * (common + of_runs / seeds), samples - 1)
        # As in a contrast: what is known of the seeds is known with their row part in it.
        observed = squares * (between.variance + share * between.row_part) / seeds
        degrees_of_seeds = (
            between.degrees * seeds / own if repeated else configurations * (seeds - 1)
        )
        seed_part = Component(observed, degrees_of_seeds)
        unknown = [] if further is None else [further]
        if further is not None and repeated:
            luck = between.variance + share * between.row_part
            shrunk = further.variance * own / seeds * luck / (between.variance + between.row_part)
            unknown = [Component(shrunk, further.degrees * seeds / own)]
        parts = [row_part, seed_part, *unknown]
        total = squares * between.variance / seeds
        total += math.fsum(part.variance for part in (row_part, *unknown))
        spread = math.fsum(part.variance**2 / part.degrees for part in parts)
        degrees = max(1.0, total**2 / spread) if spread else samples - 1
        reach = student_t(level, degrees) + float(special.stdtrit(degrees, POWER))
        return reach * math.sqrt(total)

    def enough(rows: int) -> int | None:
        counts = range(own, _MOST_SEEDS + 1)
        place = bisect.bisect_left(counts, True, key=lambda count: least(count, rows) <= asked)
        return counts[place] if place < len(counts) else None

    now, rows = least(own, scores.rows), scores.rows
    fewest = enough(_MOST_ROWS)
    if fewest is None:
        return Detectable(now, asked, None, None)
    # Rows, which cost least, up to where seeds are what is left to add.
    while (found := enough(rows)) is None or found > 2 * fewest:
        rows = min(2 * rows, _MOST_ROWS)
    return Detectable(now, asked, found, rows)

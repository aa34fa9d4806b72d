"""How much more one group of configurations scores than another, and what that is stated over.

Runs of one configuration are averaged before anything is tested: they are no further
configurations. Interval and verdict are one criterion; see `orchestrator.statistics.contrasts`.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from orchestrator.results.statistics import Array, Interval
from orchestrator.statistics.contrasts import Contrast, Seeds, contrast
from orchestrator.statistics.run_scores import run_scores

FEWEST_CONFIGURATIONS = 3
"""Groups of fewer are described: how far their configurations differ is then hardly known."""


@dataclass(frozen=True)
class Difference:
    """How much more A scores than B.

    Attributes:
        mean: Mean of A less mean of B; with predictions that nobody can judge, the middle of what
            it may be.
        interval: At the level that was asked for; with such predictions, of both extremes together.
            None where the difference is described only.
        p_value: Two-sided, of there being no difference; None as above.
        examples: Rows that all were evaluated on.
        unjudged: Predictions that nobody can judge, of all runs together.
        over: What the interval is over, or why there is none: a clause.
    """

    mean: float
    interval: Interval | None
    p_value: float | None
    examples: int
    unjudged: int
    over: str

    @property
    def distinguishable(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.interval is not None and not self.interval[0] <= 0.0 <= self.interval[1]


@dataclass(frozen=True, eq=False)
class Group:
    """Configurations that are compared as one.

    Attributes:
        runs: One array a configuration, shape [runs, rows]; NaN as in `run_scores`.
        untuned: Whether it is the untuned model, which no seed changes.
    """

    runs: Sequence[Array]
    untuned: bool = False

    @property
    def mean(self) -> float:
        """Mean over configurations of the means over their runs and rows.

        Predictions that nobody can judge count half.
        """
        return float(np.mean([np.nan_to_num(own, nan=0.5).mean() for own in self.runs]))


def difference(
    a: Group,
    b: Group,
    clusters: Sequence[Hashable],
    level: float = 0.95,
    *,
    of_these: bool = False,
) -> Difference:
    """Compares two groups on the same rows.

    - One configuration each, or configurations that were confirmed: of these, over seeds and rows;
      where each has a single run, of these models, over rows.
    - Groups of at least three configurations: of configurations like these, each group with a
      variance of its own (B. L. Welch, Biometrika 1947), over them and rows.
    - Other groups: no interval.

    Args:
        a: Group A.
        b: Group B.
        clusters: Of the rows, from `orchestrator.store.clusters`.
        level: Of the interval.
        of_these: Whether the configurations were chosen before they were scored on these rows, so
            that no more of their kind are meant.
    """
    single = len(a.runs) == len(b.runs) == 1
    few = any(len(each.runs) < FEWEST_CONFIGURATIONS and not each.untuned for each in (a, b))
    unjudged = sum(int(np.isnan(own).sum()) for each in (a, b) for own in each.runs)
    found: Contrast | None = None
    if len(clusters) < 2:
        over = "there is a single row"
    elif single or of_these:
        found, over = _of_these(a, b, clusters)
    elif few:
        over = f"a group has fewer than {FEWEST_CONFIGURATIONS} configurations"
    else:
        groups = [_as_runs(a), _as_runs(b)]
        found = contrast(run_scores(groups, clusters), (1.0, -1.0), seeds="each")
        over = f"over configurations like these {len(a.runs)} and {len(b.runs)}, and rows"
    if found is None:
        over = f"described, not tested: {over}"
        return Difference(a.mean - b.mean, None, None, len(clusters), unjudged, over)
    if unjudged:
        over += f"; with {unjudged:,} predictions that nobody can judge all wrong and all right"
    return Difference(
        found.value, found.interval(level), found.p_value, len(clusters), unjudged, over
    )


def _of_these(a: Group, b: Group, clusters: Sequence[Hashable]) -> tuple[Contrast | None, str]:
    """Returns the difference of the means over these configurations, and what it is over."""
    repeated = any(len(own) > 1 for each in (a, b) if not each.untuned for own in each.runs)
    seeds: Seeds = "pooled" if repeated else "fixed"
    # No seed changes the untuned model: two runs of it would be alike.
    runs = [np.repeat(own, 2, axis=0) if a.untuned and repeated else own for own in a.runs]
    runs += [np.repeat(own, 2, axis=0) if b.untuned and repeated else own for own in b.runs]
    if repeated and (a.untuned or b.untuned):
        seeds = "each"
    weights = [1 / len(a.runs)] * len(a.runs) + [-1 / len(b.runs)] * len(b.runs)
    found = contrast(run_scores(runs, clusters), weights, seeds=seeds)
    if found is None:
        return None, "one has a single run, so that what another seed would change is not known"
    if repeated:
        return found, "over seeds and rows, of these configurations"
    return found, "over rows, of these models: another seed may reverse it"


def _as_runs(group: Group) -> Array:
    """Returns configurations as the runs of a group: each is the mean of its own."""
    if group.untuned:
        return np.repeat(group.runs[0], 2, axis=0)
    return np.stack([own.mean(axis=0) for own in group.runs])

"""Scores of runs drawn from a known truth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from orchestrator.statistics.run_scores import Array


def draw(
    random: np.random.Generator,
    means: Sequence[float],
    *,
    seeds: int = 3,
    rows: int = 200,
    between_seeds: float = 0.018,
    clusters: int | None = None,
    of_cluster: float = 0.0,
) -> tuple[list[Array], list[int]]:
    """Returns the runs of configurations with these true means, and the rows' clusters.

    Rows have a difficulty that all runs share (standard deviation 0.14) and one of their own in
    each run (0.17), as measured on real sweeps.
    """
    of_rows = np.arange(rows) % (clusters or rows)
    difficulty = random.normal(0, 0.14, rows)
    runs = []
    for mean in means:
        luck = random.normal(0, between_seeds, (seeds, 1))
        own = random.normal(0, 0.17, (seeds, rows))
        shared = random.normal(0, of_cluster, (seeds, int(of_rows.max()) + 1))[:, of_rows]
        runs.append(mean + luck + difficulty + own + shared)
    return runs, of_rows.tolist()

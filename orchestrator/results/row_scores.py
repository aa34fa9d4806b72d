"""Scores of single rows, over those that several runs have in common."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from orchestrator.results.clusters import clusters_by_example
from orchestrator.results.configurations import test_protocol
from orchestrator.store.rows import Row
from trainables.contract.scores import METRICS, UNJUDGED

if TYPE_CHECKING:
    from orchestrator.results.statistics import Array

Key = tuple[str, str]
"""Sweep and trial."""


def key(row: Row) -> Key:
    """Returns which trial a row of any table belongs to."""
    return row["sweep_id"], row["trial_id"]


def row_scores(
    predicted: pa.Table,
    rows: Sequence[Row],
    metric: str,
    steps: Mapping[Key, int] | None = None,
) -> tuple[Array, list[str]] | None:
    """Returns the score of each run on each row that all of them have, and the rows' clusters.

    Args:
        predicted: Of the table `predictions`, of these runs and perhaps others.
        rows: Final rows of the runs.
        metric: A score.
        steps: The validation rows' evaluation of each run; None means the test rows, by the
            protocol that gives a run its test scores.

    Returns:
        Shape [runs, examples], over the examples that can be measured in every run; NaN where
        nobody can judge what was predicted. The cluster of each of the examples. None where no
        example is common to all.
    """
    split = "test" if steps is None else "validation"
    protocols = {key(row): test_protocol(row) for row in rows} if steps is None else {}
    clusters = clusters_by_example(predicted)
    columns = ["sweep_id", "trial_id", "split", "protocol", "step", "example_id"]
    found: dict[Key, dict[str, float]] = {key(row): {} for row in rows}
    for row in predicted.select([*columns, metric, "execution_reason"]).to_pylist():
        run, value = key(row), row[metric]
        if run not in found or row["split"] != split:
            continue
        if steps is None and protocols[run] not in (None, row["protocol"]):
            continue
        if steps is not None and row["step"] != steps[run]:
            continue
        if value is not None:
            found[run][row["example_id"]] = value
        elif row["execution_reason"] == UNJUDGED and METRICS[metric].kind == "execution":
            found[run][row["example_id"]] = math.nan
    common = sorted(set.intersection(*(set(scores) for scores in found.values())))
    if not common:
        return None
    # NumPy takes a while to load, which who compares nothing need not wait for.
    import numpy as np

    values = np.array([[found[key(row)][example] for example in common] for row in rows])
    return values, [clusters[example] for example in common]

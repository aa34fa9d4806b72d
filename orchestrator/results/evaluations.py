"""What a trial's model wrote in the evaluations that its final row has the scores of."""

from __future__ import annotations

import random
from typing import Any

from orchestrator.results.configurations import test_protocol
from orchestrator.results.selection import is_score
from orchestrator.store.rows import Row

_BEST, _WORST, _RANDOM = 3, 3, 4


def evaluations_of(predictions: list[Row], row: Row) -> dict[str, list[Row]]:
    """Returns the predictions of each evaluation whose scores the final row has, by split."""
    own = test_protocol(row)
    last = {
        "validation": [
            each
            for each in predictions
            if each["split"] == "validation" and each["step"] == row["steps"]
        ],
        "test": [
            each
            for each in predictions
            if each["split"] == "test" and own in (None, each["protocol"])
        ],
    }
    return {split: found for split, found in last.items() if found}


def chosen_predictions(
    evaluations: dict[str, list[Row]], row: Row, metric: str
) -> tuple[str, list[dict[str, Any]]]:
    """Returns ten predictions of the test rows where there are any, else of the validation rows.

    Args:
        evaluations: From `evaluations_of`.
        row: The trial's final row.
        metric: The sweep's objective.

    Returns:
        The split, and the best, some seeded random ones and the worst, each with `chosen`: why.
    """
    split = "test" if "test" in evaluations else "validation"
    found = evaluations.get(split, [])
    order = ordered_by(metric)
    found = [each for each in found if each[order] is not None]
    found.sort(key=lambda each: (-each[order], each["example_id"]))
    if len(found) <= _BEST + _WORST + _RANDOM:
        return split, [{"chosen": "all", **each} for each in found]
    middle = found[_BEST:-_WORST]
    drawn = random.Random(row["trial_id"]).sample(middle, _RANDOM)
    return split, [
        *({"chosen": "best", **each} for each in found[:_BEST]),
        *({"chosen": "random", **each} for each in drawn),
        *({"chosen": "worst", **each} for each in found[-_WORST:]),
    ]


def ordered_by(metric: str) -> str:
    """Returns what single predictions are ordered by: the objective, unless that is a loss."""
    return metric if is_score(metric) else "rouge_l"

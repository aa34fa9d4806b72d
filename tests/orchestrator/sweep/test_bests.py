"""The best so far, of all and of each combination of the asked values."""

from __future__ import annotations

import math
from pathlib import Path

from orchestrator.search.run_report import RunReport
from orchestrator.sweep.bests import Bests
from tests.orchestrator import sweeps

ASKED = {
    "ask": ["rank"],
    "space": {
        "technique": {
            "lora": {"rank": {"choice": [4, 8]}, "learning_rate": {"loguniform": [0.01, 1.0]}}
        },
        "data_size": 100,
    },
}


def test_a_score_is_better_than_a_loss_and_a_loss_than_none(tmp_path: Path) -> None:
    bests = Bests(sweeps.toy(tmp_path, **ASKED))
    assert [(best.where, best.runs, best.words) for best in bests.strata()] == [
        ("rank=4", 0, ""),
        ("rank=8", 0, ""),
    ]
    assert not bests.reported("rank=4", RunReport(9, None, math.nan))
    assert bests.reported("rank=4", RunReport(9, None, 0.5))
    assert not bests.reported("rank=8", RunReport(9, None, 0.7))
    assert bests.reported("rank=8", RunReport(9, 0.2, 0.7))
    assert not bests.reported("rank=4", RunReport(9, 0.1, 0.3))
    assert bests.reported(None, RunReport(9, 0.3, 0.3))  # the baseline
    bests.ended("rank=8")
    bests.ended(None)
    found = {best.where: (best.runs, best.words) for best in bests.strata()}
    assert found == {"rank=4": (0, "0.1000"), "rank=8": (1, "0.2000")}


def test_where_less_is_better_the_least_is_best(tmp_path: Path) -> None:
    objective = {"metric": "eval_loss", "mode": "min"}
    bests = Bests(sweeps.toy(tmp_path, objective=objective, **ASKED))
    assert bests.reported("rank=4", RunReport(9, 0.5, 0.5))
    assert not bests.reported("rank=4", RunReport(9, 0.6, 0.6))
    assert bests.reported("rank=4", RunReport(9, 0.4, 0.4))

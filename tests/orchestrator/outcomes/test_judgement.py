"""How a trial's end is judged."""

from __future__ import annotations

import math
from typing import Any

import pytest

from orchestrator.outcomes.judgement import judge


def _reports(*values: float | None, loss: float = 0.5) -> list[dict[str, Any]]:
    return [
        {"rung_examples": rung, "rouge_l": value, "train_loss": loss, "eval_loss": 0.5}
        for rung, value in zip((90, 270, 810, 900), values, strict=False)
    ]


@pytest.mark.parametrize(
    ("reports", "stopped", "tested", "failure", "outcome"),
    [
        (_reports(0.1, 0.2, 0.3, 0.4), False, True, None, "completed"),
        (_reports(0.1, 0.2, 0.3, 0.4), False, False, None, None),
        (_reports(0.1, 0.2, 0.3, 0.4), False, False, "failed", "failed"),
        (_reports(0.1), True, False, None, "stopped"),
        (_reports(0.1), False, False, None, None),
        (_reports(0.1, None, loss=math.nan), False, False, None, "diverged"),
        (_reports(0.1, None, loss=math.inf), True, False, None, "diverged"),
        (_reports(0.1), False, False, "out_of_memory", "out_of_memory"),
        ([], False, False, None, None),
        ([], True, False, None, None),  # its reports went elsewhere
        ([], False, False, "failed", "failed"),
    ],
)
def test_judge(
    reports: list[dict[str, Any]],
    stopped: bool,
    tested: bool,
    failure: str | None,
    outcome: str | None,
) -> None:
    found = judge(reports, 900, "rouge_l", stopped=stopped, tested=tested, failure=failure)
    assert found == outcome

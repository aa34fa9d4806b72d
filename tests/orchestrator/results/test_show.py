"""`results show`: its tables fit the terminal, and a row that lacks a value is shown without."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from orchestrator.results.show import _reports
from orchestrator.store import Store
from tests.orchestrator.results import synthetic
from tests.orchestrator.results.conftest import Run

REPORT: dict[str, Any] = {
    "rung": 0,
    "rung_examples": 160,
    "step": 10,
    "epoch": 0.5,
    "train_loss": 1.20247,
    "eval_loss": 0.322599,
    "execution_accuracy": 0.25,
    "learning_rate": 0.001,
    "tokens_per_second": 3205.71,
    "attempt": 1,
}


@pytest.mark.parametrize("metric", ["eval_loss", "execution_accuracy"])
def test_reports_leave_out_columns_and_break_no_line(metric: str) -> None:
    out = io.StringIO()
    Console(file=out, width=80).print(_reports([REPORT], metric))
    head, *rest = [line.split() for line in out.getvalue().splitlines() if line.strip()]
    assert {"rung", "rung_examples", metric} <= set(head)
    assert "Left out at 80 columns: attempt, tokens_per_second" in out.getvalue()
    assert any(len(words) == len(head) and words[1] == "160" for words in rest)


@pytest.mark.parametrize(
    "name", ["trainable_parameters", "total_parameters", "trainable_percent", "peak_memory_bytes"]
)
def test_a_row_without_a_count_is_shown_without_it(tmp_path: Path, run: Run, name: str) -> None:
    lacking: dict[str, Any] = {name: None}
    synthetic.write_trial(Store(tmp_path), 1, {"technique": "lora", "rank": 8}, **lacking)
    code, out, err = run("show", "1", store=tmp_path)
    assert (code, err) == (0, "")
    assert ("parameters trained" in out) == (name == "peak_memory_bytes")

"""A score is over the rows that it was measured on, and says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator.results.leaderboard import leaderboard, render
from orchestrator.results.measured import interval_of, mixed_scoring, partly_measured
from orchestrator.results.show import show
from orchestrator.store import Store
from orchestrator.terminal.plain_console import PlainConsole
from tests.orchestrator.results.synthetic import SWEEP, write_trial


def _row(**values: Any) -> dict[str, Any]:
    return {
        "eval_rows": 40,
        "test_rows": None,
        "execution_accuracy": 0.0,
        "execution_accuracy_se": 0.0,
        "execution_accuracy_rows": 4,
        **values,
    }


def test_the_interval_is_that_of_the_measured_rows() -> None:
    assert interval_of(_row(), "execution_accuracy") == pytest.approx((0.0, 0.490), abs=5e-4)
    # What the first version of the schema does not say is taken to be all.
    older = interval_of(_row(execution_accuracy_rows=None), "execution_accuracy")
    assert older == pytest.approx((0.0, 0.0876), abs=5e-4)
    assert interval_of(_row(execution_accuracy_rows=1), "execution_accuracy") is None


def _text(root: Path, **values: Any) -> str:
    store = Store(root)
    parameters = {"technique": "lora", "rank": 8, "learning_rate": 0.001, "data_size": 1000}
    write_trial(store, 0, parameters, **values)
    console = PlainConsole(width=300)
    with console.capture() as capture:
        console.print(render(leaderboard(root)))
    return capture.get()


def test_a_leaderboard_says_which_scores_are_over_fewer_rows(tmp_path: Path) -> None:
    said = _text(
        tmp_path, execution_accuracy_rows=4, execution_accuracy_unjudged=2, valid_sql_rows=60
    )
    assert (
        "execution_accuracy is over 4 of 60 validation rows: the others cannot be measured, or up"
        " to 2 of them not for what was predicted." in said
    )
    assert "valid_sql is over" not in said


def test_rows_that_can_all_be_measured_are_not_said_to_be_none(tmp_path: Path) -> None:
    said = _text(tmp_path, execution_accuracy_rows=58, execution_accuracy_unjudged=2)
    assert (
        "execution_accuracy is over 58 of 60 validation rows: what was predicted for the others"
        " could not be judged." in said
    )
    assert "cannot be measured" not in said


def test_show_says_on_how_many_rows(tmp_path: Path) -> None:
    _text(tmp_path, execution_accuracy_rows=4)
    (row,) = Store(tmp_path).trials(SWEEP)
    console = PlainConsole(width=300)
    with console.capture() as capture:
        console.print(show(tmp_path, row).view)
    (line,) = (line for line in capture.get().splitlines() if "execution_accuracy" in line)
    assert " on 4" in line


def test_nothing_is_said_where_every_row_was_measured() -> None:
    full = {f"{name}_rows": None for name in ("bleu",)}
    row = _row(execution_accuracy_rows=40, execution_accuracy_unjudged=0) | full
    names = ("rouge_l", "meteor", "gleu", "exact_match", "valid_sql", "rouge_l_recall")
    row |= {f"{name}_rows": None for name in (*names, "unigram_f1")}
    assert partly_measured([row]) == []


def test_versions_of_the_scoring_that_differ_are_warned_of() -> None:
    one = {"scoring_version": 2, "sqlite_version": "3.40.1"}
    assert mixed_scoring([one, one]) == []
    other = {"scoring_version": None, "sqlite_version": None}
    (warning,) = mixed_scoring([one, other])
    assert "1 with SQLite ? and 2 with SQLite 3.40.1" in warning

"""A score is over the rows that it was measured on, and says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator.results.leaderboard import Ranking, leaderboard, render
from orchestrator.results.measured import (
    interval_of,
    mixed_dtypes,
    mixed_scoring,
    partly_measured,
)
from orchestrator.results.pareto import pareto
from orchestrator.results.show import show
from orchestrator.store import Store
from orchestrator.terminal.plain_console import PlainConsole
from tests.orchestrator.results.synthetic import SWEEP, write_trial
from tests.orchestrator.store import samples
from trainables.contract.scores import METRICS, REASONS, UNJUDGED


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


def test_show_counts_why_rows_have_no_execution_accuracy(tmp_path: Path) -> None:
    store = Store(tmp_path)
    parameters = {"technique": "lora", "rank": 8, "learning_rate": 0.001, "data_size": 1000}
    row = write_trial(store, 0, parameters, predictions=False)
    kinds = ["no translation", None, UNJUDGED, "no translation", None, "a kind to come"]
    for split, step in (("validation", row["steps"]), ("validation", 1), ("test", row["steps"])):
        scored = [
            samples.prediction(number, execution_reason=kind if step > 1 else "limit")
            for number, kind in enumerate(kinds[: 3 if split == "test" else None])
        ]
        store.publish_predictions(
            SWEEP, row["trial_id"], 0, split, "standard", step, 10 * step, scored
        )
    answer = show(tmp_path, row)
    assert isinstance(answer.data, dict)
    assert answer.data["not_measured"] == {
        "validation": {"no translation": 2, UNJUDGED: 1, "a kind to come": 1},
        "test": {"no translation": 1, UNJUDGED: 1},
    }
    console = PlainConsole(width=300)
    with console.capture() as capture:
        console.print(answer.view)
    said = capture.get()
    assert "execution_accuracy: none on 4 of 6 validation rows" in said
    assert f"      2  no translation: {REASONS['no translation']}" in said
    assert "execution_accuracy: none on 2 of 3 test rows" in said
    assert "limit" not in said


def test_nothing_is_said_where_every_row_was_measured() -> None:
    full = {f"{name}_rows": None for name in METRICS}
    row = _row(**full | {"execution_accuracy_rows": 40, "execution_accuracy_unjudged": 0})
    assert partly_measured([row]) == []


NOW = {"scoring_version": 2, "sqlite_version": "3.40.1", "eval_rows": 40}
NEWER_SQLITE = NOW | {"sqlite_version": "3.51.0"}
BEFORE = NOW | {"scoring_version": None, "sqlite_version": None}


def test_versions_of_the_scoring_that_differ_are_warned_of() -> None:
    assert mixed_scoring([NOW, NOW], METRICS) == []
    text, executed = mixed_scoring([NOW, NOW, BEFORE], ["bleu", "execution_accuracy", "eval_loss"])
    assert "their bleu may not compare: scoring 1 (1) and scoring 2 (2)." in text
    assert "scoring 1 with SQLite (of unknown version) (1) and" in executed
    assert "scoring 2 with SQLite 3.40.1 (2)." in executed


def test_the_version_of_sqlite_counts_for_what_runs_in_it() -> None:
    rows = [NOW, NEWER_SQLITE]
    assert mixed_scoring(rows, ["bleu", "rouge_l", "train_loss", "rank"]) == []
    (warning,) = mixed_scoring(rows, ["execution_accuracy", "bleu", "valid_sql"])
    assert "their execution_accuracy, valid_sql may not compare" in warning


def test_a_trial_without_scores_is_scored_in_no_way() -> None:
    assert mixed_scoring([NOW, BEFORE | {"eval_rows": None}], METRICS) == []


def test_trials_of_different_versions_are_ranked_under_a_warning(tmp_path: Path) -> None:
    for number, version in enumerate((2, 2, 1)):
        parameters = {"technique": "lora", "rank": 2**number, "data_size": 1000}
        write_trial(Store(tmp_path), number, parameters, scoring_version=version)
    assert "scoring 1 (1) and scoring 2 (2)" in _ranked(tmp_path, None)
    # Also where the table ends before the trial that differs.
    assert "scoring 1 (1) and scoring 2 (2)" in _ranked(tmp_path, 1)
    assert any("scoring 1" in remark for remark in _pareto(tmp_path, "rouge_l"))
    assert not any("scoring 1" in remark for remark in _pareto(tmp_path, "eval_loss"))


def _ranked(root: Path, limit: int | None) -> str:
    ranking = Ranking(root, [SWEEP], None, ())
    console = PlainConsole(width=400)
    with console.capture() as capture:
        console.print(render(ranking.entries(limit), limit, ranking))
    return capture.get()


def _pareto(root: Path, gain: str) -> tuple[str, ...]:
    return pareto(root, [SWEEP], "wall_seconds", gain).remarks


def _trained(dtype: str | None, stratum: str | None = "rank=4", technique: str = "lora") -> Any:
    return {"sweep_id": "toy-1", "technique": technique, "stratum": stratum, "dtype": dtype}


def test_trials_that_are_compared_in_several_types_of_numbers_are_named() -> None:
    half, whole = _trained("bfloat16"), _trained("float32")
    (said,) = mixed_dtypes([half, whole, whole, _trained(None)])
    assert "Trials of lora with rank=4 were trained in bfloat16 (1) and float32 (2): " in said
    assert "resources.kinds" in said
    (said,) = mixed_dtypes([half, whole, _trained("bfloat16", None), _trained("float32", None)])
    assert "and so were those of 1 other groups" in said


def test_types_of_trials_that_are_not_compared_may_differ() -> None:
    others = [_trained("float32", "rank=8"), _trained("float32", technique="qlora")]
    assert mixed_dtypes([_trained("bfloat16"), *others, _trained(None)]) == []

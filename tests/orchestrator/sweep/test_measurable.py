"""What can be measured is said before a sweep starts, by context and reference alone."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from orchestrator.outcomes.unmeasured import UnmeasuredObjectiveError
from orchestrator.search_space import Sweep
from orchestrator.sweep.measurable import check_measurable, measurable
from orchestrator.sweep.preflight import StartOptions
from orchestrator.sweep.run import run
from orchestrator.terminal.plain_console import PlainConsole
from tests.orchestrator import sweeps

PLAIN = "CREATE TABLE t (a INT); INSERT INTO t VALUES (1), (2)"
ROWS = [
    # One in four: it runs as it is, it is said in SQLite, it is not known, it fails.
    (PLAIN, "SELECT a FROM t"),
    ("CREATE TABLE t (a INT AUTO_INCREMENT PRIMARY KEY, b INT)", "SELECT IFNULL(b, 0) FROM t"),
    (PLAIN, "SELECT a FROM t FOR XML PATH('')"),
    ("CREATE TABLE t (a INT", "SELECT a FROM t"),
]


def _written(folder: Path, rows: list[tuple[str, str]], count: int) -> Path:
    file = folder / "rows.jsonl"
    with file.open("w") as out:
        for i in range(count):
            context, sql = rows[i % len(rows)]
            row = {"sql_prompt": f"question {i}", "sql_context": context, "sql": sql}
            out.write(json.dumps(row) + "\n")
    return file


def _sweep(tmp_path: Path, dataset: str, metric: str = "rouge_l") -> Sweep:
    evaluation = {"validation_rows": 20, "test_rows": 4}
    split_by = {"split_by": "row"} if dataset.endswith(".jsonl") else {}  # three schemas
    return sweeps.toy(
        tmp_path, dataset=dataset, evaluation=evaluation, objective={"metric": metric}, **split_by
    )


def test_rows_that_cannot_be_measured_are_counted_by_kind(tmp_path: Path) -> None:
    found = measurable(_sweep(tmp_path, str(_written(tmp_path, ROWS, 400))))
    assert found is not None
    assert found.missing.keys() == {"no translation", "context fails"}
    assert 0 < found.measured == 20 - sum(found.missing.values())
    counts = [f"{kind} {count}" for kind, count in found.missing.items()]
    assert found.sentence() == (
        f"execution_accuracy can be measured on {found.measured} of 20 validation rows"
        f" (not measured: {', '.join(counts)})"
    )


def test_nothing_more_is_said_where_all_can(tmp_path: Path) -> None:
    for dataset in (str(_written(tmp_path, ROWS[:2], 100)), "embedded"):
        found = measurable(_sweep(tmp_path, dataset))
        assert found is not None
        assert found.sentence() == "execution_accuracy can be measured on all 20 validation rows"


def test_a_data_set_of_the_hub_is_not_loaded_for_it(tmp_path: Path) -> None:
    hub = _sweep(tmp_path, "gretelai/synthetic_text_to_sql", "execution_accuracy")
    assert measurable(hub) is None
    check_measurable(hub)


def test_an_objective_that_no_row_can_give_is_refused_before_anything_starts(
    tmp_path: Path,
) -> None:
    dataset = str(_written(tmp_path, ROWS[2:], 400))
    out = PlainConsole(file=io.StringIO())
    sweep = _sweep(tmp_path, dataset, "execution_accuracy")
    with pytest.raises(UnmeasuredObjectiveError) as caught:
        run(sweep, tmp_path / "store", out, StartOptions())
    said = str(caught.value)
    assert "execution_accuracy cannot be measured on any of the 20 validation rows" in said
    assert "no translation" in said
    assert "context fails" in said
    check_measurable(_sweep(tmp_path, dataset))  # by another score it runs
    check_measurable(_sweep(tmp_path, str(_written(tmp_path, ROWS, 400)), "execution_accuracy"))

"""What can be measured is said before a sweep starts, by context and reference alone."""

from __future__ import annotations

import json
from pathlib import Path

from orchestrator.sweep.measurable import measurable
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


def _said(tmp_path: Path, dataset: str) -> str | None:
    evaluation = {"validation_rows": 20, "test_rows": 4}
    return measurable(sweeps.toy(tmp_path, dataset=dataset, evaluation=evaluation))


def test_rows_that_cannot_be_measured_are_counted_by_kind(tmp_path: Path) -> None:
    said = _said(tmp_path, str(_written(tmp_path, ROWS, 400)))
    assert said is not None
    assert " of 20 validation rows (not measured: " in said
    counts = dict(
        part.rsplit(" ", 1) for part in said.partition("measured: ")[2].rstrip(")").split(", ")
    )
    assert counts.keys() == {"no translation", "context fails"}
    measured = int(said.split(" can be measured on ")[1].split(" ")[0])
    assert measured + sum(map(int, counts.values())) == 20


def test_nothing_more_is_said_where_all_can(tmp_path: Path) -> None:
    said = _said(tmp_path, str(_written(tmp_path, ROWS[:2], 100)))
    assert said == "execution_accuracy can be measured on all 20 validation rows"
    assert _said(tmp_path, "embedded") == said


def test_a_data_set_of_the_hub_is_not_loaded_for_it(tmp_path: Path) -> None:
    assert _said(tmp_path, "gretelai/synthetic_text_to_sql") is None

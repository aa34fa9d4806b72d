"""Predictions are counted by what the data set says of its rows, else by the statement's form."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from orchestrator.results.statement_kinds import FORM, by_kind
from orchestrator.search_space import load
from orchestrator.sweep.rows import any_trial

ROWS = [
    ("How many a?", "SELECT COUNT(*) FROM a", "reporting", "aggregation"),
    ("Which a?", "SELECT b FROM a", "retrieval", "basic SQL"),
    ("Which c?", "SELECT c FROM a", "retrieval", "basic SQL"),
]


def trial(dataset: str) -> dict[str, Any]:
    sweep = load(Path("search_spaces/smoke.yaml"), [f"dataset={dataset}"], profile="embedded")
    configuration = any_trial(sweep, 1).to_dict()
    ids = {"trial_id": "t-a", "sweep_id": "smoke-00000000"}
    return {**ids, "config_json": json.dumps({**configuration, "rungs": [1]})}


def predictions(right: Sequence[float | None]) -> list[dict[str, Any]]:
    return [
        {
            "sql_prompt": prompt,
            "sql_context": f"CREATE TABLE a (b INT, c{number} INT)",
            "schema_group": None,
            "reference": sql,
            "execution_accuracy": value,
            "exact_match": 0.0,
        }
        for number, ((prompt, sql, _, _), value) in enumerate(zip(ROWS, right, strict=True))
    ]


def table(folder: Path, rows: Sequence[tuple[str, ...]]) -> str:
    names = ("sql_prompt", "sql", "sql_task_type", "sql_complexity")
    lines = [dict(zip(names, row, strict=False)) | {"sql_context": ""} for row in rows]
    file = folder / "rows.jsonl"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return str(file)


def test_kinds_are_those_of_the_data_set(tmp_path: Path) -> None:
    found = by_kind(predictions([1.0, 0.0, None]), trial(table(tmp_path, ROWS)))
    assert [each.of for each in found] == ["sql_task_type", "sql_complexity"]
    assert {each.metric for each in found} == {"execution_accuracy"}
    retrieval, reporting = found[0].kinds
    assert (retrieval.name, retrieval.rows, retrieval.measured) == ("retrieval", 2, 1)
    assert (retrieval.right, retrieval.interval) == (0.0, None)
    assert (reporting.name, reporting.right) == ("reporting", 1.0)


@pytest.mark.parametrize("change", ["without columns", "changed", "gone", "hub"])
def test_where_the_data_set_does_not_say_it_the_form_does(tmp_path: Path, change: str) -> None:
    rows: dict[str, list[tuple[str, ...]]] = {
        "without columns": [row[:2] for row in ROWS],
        "changed": [ROWS[0], ROWS[1], ("Which c?", "SELECT c, b FROM a", "retrieval", "basic")],
    }
    place = table(tmp_path, rows.get(change, ROWS))
    row = trial("somebody/something" if change == "hub" else place)
    if change == "gone":
        Path(place).unlink()
    (found,) = by_kind(predictions([None, None, None]), row)
    assert (found.of, found.metric) == (FORM, "exact_match")
    assert [(kind.name, kind.rows, kind.right) for kind in found.kinds] == [
        ("plain query", 2, 0.0),
        ("aggregate", 1, 0.0),
    ]


def test_a_kind_of_which_nothing_could_be_measured_has_no_share(tmp_path: Path) -> None:
    found = by_kind(predictions([None, 1.0, 1.0]), trial(table(tmp_path, ROWS)))
    reporting = found[0].kinds[1]
    assert (reporting.rows, reporting.measured, reporting.right) == (1, 0, None)


def test_no_predictions_have_no_kinds(tmp_path: Path) -> None:
    assert by_kind([], trial(table(tmp_path, ROWS))) == []

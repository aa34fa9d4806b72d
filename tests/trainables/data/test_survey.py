"""What is counted of a sweep's rows before it starts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trainables.contract.configuration import TrialConfiguration
from trainables.data.errors import DatasetError
from trainables.data.overlap import Overlap
from trainables.data.survey import survey

Row = dict[str, Any]


def configuration(dataset: Path, split_by: str) -> TrialConfiguration:
    return TrialConfiguration(
        "pretrained", {}, 0, 0, 0, 0,
        dataset=str(dataset), split_by=split_by, validation_rows=30, test_rows=40,
    )  # fmt: skip


def paraphrased(schemas: int, times: int) -> list[Row]:
    """Each statement is asked for in several ways."""
    return [
        {
            "sql_prompt": f"way {way} to ask for {schema}",
            "sql_context": f"CREATE TABLE t{schema} (a INT)",
            "sql": f"SELECT a FROM t{schema}",
            "db_id": schema // 2,
        }
        for schema in range(schemas)
        for way in range(times)
    ]


def write(path: Path, rows: list[Row]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_a_paraphrased_table_leaks_by_row_and_does_not_by_schema(tmp_path: Path) -> None:
    table = write(tmp_path / "rows.jsonl", paraphrased(120, 6))
    by_row, _ = survey(configuration(table, "row"))
    assert by_row.overlap.statements == by_row.overlap.schemas == 40
    for split_by in ("schema", "db_id"):
        found, splits = survey(configuration(table, split_by))
        assert found.overlap == Overlap(of=40, rows=0, statements=0, schemas=0)
        assert (found.validation.rows, found.test.rows) == (30, 40)
        assert found.train.rows == len(splits.train)
        assert found.train.groups <= 120
    assert len({row.group for row in splits.train}) == found.train.groups


def test_a_test_table_keeps_what_it_shares_and_that_is_counted(tmp_path: Path) -> None:
    rows = paraphrased(100, 3)
    train = write(tmp_path / "train.jsonl", rows[:-30]).parent
    other = {"sql_prompt": "new", "sql_context": "CREATE TABLE u (a INT)"}
    test = [
        *rows[:10],  # question, statement and schema
        *({**row, "sql_prompt": f"other {n}"} for n, row in enumerate(rows[10:30])),  # without it
        *({**other, "sql_prompt": f"n{n}", "sql": rows[n]["sql"]} for n in range(5)),  # statement
        *({**other, "sql_prompt": f"m{n}", "sql": f"SELECT {n}"} for n in range(15)),
    ]
    write(tmp_path / "test.jsonl", test)
    found, splits = survey(configuration(train, "schema"))
    assert found.has_test
    assert found.overlap == Overlap(of=50, rows=10, statements=35, schemas=30)
    assert not {row.sql_prompt for row in splits.train} & {str(row["sql_prompt"]) for row in test}


@pytest.mark.parametrize(
    ("change", "phrase"),
    [
        ({"db_id": None}, "line 4 has no db_id, by which rows are split"),
        (None, "has no column 'db_id', which split_by names"),
    ],
)
def test_rows_without_a_value_are_refused(tmp_path: Path, change: Row | None, phrase: str) -> None:
    rows = paraphrased(120, 2)
    if change is None:
        rows = [{name: row[name] for name in row if name != "db_id"} for row in rows]
    else:
        rows[3] |= change
    table = write(tmp_path / "rows.jsonl", rows)
    with pytest.raises(DatasetError, match=phrase):
        survey(configuration(table, "db_id"))

"""Rows that are counted without being read, against those that are read."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from trainables.contract.splits import BY_ROW, BY_SCHEMA
from trainables.data.errors import DatasetError
from trainables.data.row_counts import training_rows
from trainables.data.splits import load_splits

Row = dict[str, str]


def _rows(count: int) -> list[Row]:
    return [
        {
            "sql_prompt": f'Which "{number}",\nof all?',
            "sql_context": "CREATE TABLE t (a INT)",
            "sql": f"SELECT {number}",
        }
        for number in range(count)
    ]


def _parquet(path: Path, rows: list[Row]) -> None:
    pq.write_table(pa.Table.from_pylist(rows), path)


def _csv(path: Path, rows: list[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _jsonl(path: Path, rows: list[Row]) -> None:
    path.write_text("".join(json.dumps(row) + "\n\n" for row in rows), encoding="utf-8")


WRITERS: dict[str, Callable[[Path, list[Row]], None]] = {
    ".parquet": _parquet,
    ".csv": _csv,
    ".jsonl": _jsonl,
}


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("test_rows", [None, 7])
@pytest.mark.parametrize("splits", [{}, {"test": 20}, {"test": 20, "validation": 30}])
def test_as_many_as_a_trial_can_train_on(
    tmp_path: Path, suffix: str, test_rows: int | None, splits: dict[str, int]
) -> None:
    rows = _rows(200)
    dataset = tmp_path / f"all{suffix}"
    if splits:
        dataset = tmp_path / "folder"
        dataset.mkdir()
    for split, count in splits.items():
        WRITERS[suffix](dataset / f"{split}{suffix}", [rows.pop() for _ in range(count)])
    if splits:
        half = len(rows) // 2
        WRITERS[suffix](dataset / f"train-0{suffix}", rows[:half])
        WRITERS[suffix](dataset / f"train-1{suffix}", rows[half:])
    else:
        WRITERS[suffix](dataset, rows)
    found = training_rows(str(dataset), 10, test_rows)
    assert found == len(load_splits(str(dataset), None, 0, 10, test_rows, BY_ROW).train)


def test_the_built_in_corpus() -> None:
    assert training_rows("embedded", 100, 200) == len(
        load_splits("embedded", None, 0, 100, 200, BY_SCHEMA).train
    )


def test_a_data_set_of_the_hub_is_not_counted() -> None:
    assert training_rows("owner/name", 100, None) is None


@pytest.mark.parametrize(
    ("validation_rows", "test_rows", "phrase"),
    [
        (51, None, "evaluation.validation_rows is 51, but"),
        (45, 50, "evaluation.validation_rows is 45, but"),
        (10, 51, "evaluation.test_rows is 51, but"),
        (40, 10, "leaves no training rows"),
    ],
)
def test_too_few_rows_to_evaluate_on(
    tmp_path: Path, validation_rows: int, test_rows: int | None, phrase: str
) -> None:
    table = tmp_path / "rows.csv"
    _csv(table, _rows(50))
    with pytest.raises(DatasetError, match=phrase):
        training_rows(str(table), validation_rows, test_rows)


def test_a_broken_table_is_the_users_to_mend(tmp_path: Path) -> None:
    table = tmp_path / "rows.parquet"
    table.write_bytes(b"PAR1 no more")
    with pytest.raises(DatasetError, match="cannot be read"):
        training_rows(str(table), 1, 1)

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from trainables.data.errors import DatasetError
from trainables.data.locations import split_files
from trainables.data.split_files import TABLE_SUFFIXES
from trainables.data.tables import read

ROWS = [
    {"sql_prompt": "How many?", "sql_context": "CREATE TABLE t (a INT);", "sql": "SELECT 1;"},
    {"sql_prompt": 'With "quotes", a\nbreak', "sql_context": "", "sql": "SELECT a\nFROM t;"},
    {"sql_prompt": "42", "sql_context": "7", "sql": "3"},
]


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    if path.suffix in (".jsonl", ".ndjson"):
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    elif path.suffix in (".csv", ".tsv"):
        options = pa.csv.WriteOptions(delimiter="," if path.suffix == ".csv" else "\t")
        pa.csv.write_csv(pa.Table.from_pylist(rows), path, options)
    else:
        pa.parquet.write_table(pa.Table.from_pylist(rows), path)
    return path


@pytest.mark.parametrize("suffix", TABLE_SUFFIXES)
def test_each_format_gives_the_same_rows(tmp_path: Path, suffix: str) -> None:
    found = read(str(write(tmp_path / f"rows{suffix}", ROWS)))
    assert list(found) == ["train"]
    assert [
        {"sql_prompt": e.sql_prompt, "sql_context": e.sql_context, "sql": e.sql}
        for e in found["train"]
    ] == ROWS


@pytest.mark.parametrize("suffix", TABLE_SUFFIXES)
def test_optional_columns_and_ids_are_taken(tmp_path: Path, suffix: str) -> None:
    rows = [{**row, "id": f"r{i}", "domain": "arts", "extra": "x"} for i, row in enumerate(ROWS)]
    found = read(str(write(tmp_path / f"rows{suffix}", rows)))["train"]
    assert [example.example_id for example in found] == ["r0", "r1", "r2"]
    assert {example.domain for example in found} == {"arts"}
    assert {example.sql_complexity for example in found} == {None}


def test_a_row_that_is_there_twice_counts_once(tmp_path: Path) -> None:
    assert len(read(str(write(tmp_path / "rows.parquet", ROWS * 2)))["train"]) == 3


def test_a_folder_is_read_by_the_names_of_its_tables(tmp_path: Path) -> None:
    write(tmp_path / "train-00000-of-00002.parquet", ROWS[:1])
    write(tmp_path / "train-00001-of-00002.parquet", ROWS[1:2])
    write(tmp_path / "wikisql-test.jsonl", ROWS[2:])
    write(tmp_path / "contest.jsonl", ROWS[2:])
    (tmp_path / "README.md").write_text("not a table")
    found = read(str(tmp_path))
    assert {split: len(rows) for split, rows in found.items()} == {"train": 2, "test": 1}
    assert sum(map(len, (split_files(str(tmp_path)) or {}).values())) == 3


@pytest.mark.parametrize("suffix", TABLE_SUFFIXES)
def test_a_missing_column_is_named_beside_those_there_are(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"rows{suffix}", [{"asked": "q", "sql_context": "c", "sql": "s"}])
    with pytest.raises(DatasetError) as caught:
        read(str(path))
    for part in (path.name, "lacks sql_prompt", "asked, sql_context, sql"):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "rows.txt",
            "x",
            "must be one of .parquet, .jsonl, .ndjson, .json, .csv, .tsv, perhaps with .gz",
        ),
        ("rows.parquet", "not parquet", "cannot be read"),
        ("rows.jsonl", "{broken", "cannot be read"),
        ("rows.csv", 'sql_prompt,sql_context,sql\n"",c,SELECT 1\n', "line 2 has no sql_prompt"),
    ],
)
def test_a_table_of_no_use_is_explained(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(DatasetError, match=message):
        read(str(tmp_path / name))


def test_a_folder_without_training_rows_is_explained(tmp_path: Path) -> None:
    write(tmp_path / "test.parquet", ROWS)
    with pytest.raises(DatasetError, match=r"holds no table of training rows.*holds test\.parquet"):
        read(str(tmp_path))


def test_a_path_that_is_not_there_is_explained(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is not there"):
        read(str(tmp_path / "rows.parquet"))


def test_a_hub_data_set_out_of_reach_names_the_remedies() -> None:
    with pytest.raises(DatasetError, match=r"--set dataset=FILE.*--profile embedded"):
        read("nobody/no-such-rows", "main")

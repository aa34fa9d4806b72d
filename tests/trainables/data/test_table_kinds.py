"""A table as people have them gives its rows, or one line that says what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.trainables.data.table_kinds import (
    READ,
    REFUSED,
    ROWS,
    lines,
    saved_to_disk,
    separated,
    write,
)
from trainables.data.errors import DatasetError
from trainables.data.reading import Reading
from trainables.data.rows import NO_VALUE
from trainables.data.tables import read, read_data_set


@pytest.mark.parametrize("kind", READ)
def test_its_rows_are_read(tmp_path: Path, kind: str) -> None:
    found = read_data_set(str(write(tmp_path, *READ[kind])))
    assert [
        {"sql_prompt": row.sql_prompt, "sql_context": row.sql_context, "sql": row.sql}
        for row in found.rows["train"]
    ] == [
        {
            name: text.replace("“é”", '"é"') if "backslashes" in kind else text
            for name, text in row.items()
        }
        for row in ROWS
    ]
    assert found.bad_rows == ()


@pytest.mark.parametrize("kind", REFUSED)
def test_it_is_refused_in_one_line(tmp_path: Path, kind: str) -> None:
    name, content, words = REFUSED[kind]
    with pytest.raises(DatasetError) as caught:
        read(str(write(tmp_path, name, content)))
    said = str(caught.value)
    assert words in said
    assert name in said
    assert "\n" not in said


TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=9
).filter(lambda text: not text.isspace() and text.strip().casefold() not in NO_VALUE)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=1, max_size=5, unique=True),
    separator=st.sampled_from(",;\t|"),
)
def test_any_text_is_read_as_it_was_written(
    tmp_path: Path, rows: list[tuple[str, str, str]], separator: str
) -> None:
    written = [dict(zip(ROWS[0], row, strict=True)) for row in rows]
    for name, content in (
        ("rows.csv", separated(separator, written, end="\r\n")),
        ("rows.jsonl", lines(written)),
        ("rows.json", json.dumps(written)),
    ):
        found = read(str(write(tmp_path, name, content.encode())))["train"]
        assert [(row.sql_prompt, row.sql_context, row.sql) for row in found] == rows


def test_a_column_that_only_later_rows_have_is_taken(tmp_path: Path) -> None:
    rows = [dict(row) for row in ROWS]
    for number, row in enumerate(rows[1:]):
        row["domain"] = "arts"
        row["id"] = f"r{number}"
    del rows[0]["sql_context"]
    found = read(str(write(tmp_path, "rows.jsonl", lines(rows).encode())))["train"]
    assert [row.domain for row in found] == [None, *["arts"] * 59]
    assert found[0].sql_context == ""
    assert found[1].example_id == "train-1"  # the first row has none of its own


def test_what_need_not_be_text_is_made_text(tmp_path: Path) -> None:
    extra: list[object] = [1, 2.5, True, None, ["a"], "x"]
    rows = [{**row, "id": n, "sql_complexity": extra[n]} for n, row in enumerate(ROWS[:6])]
    content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    found = read(str(write(tmp_path, "rows.jsonl", content)))["train"]
    assert [row.sql_complexity for row in found] == ["1", "2.5", "true", None, '["a"]', "x"]
    assert [row.example_id for row in found] == list("012345")


def test_a_text_that_looks_like_a_date_stays_one(tmp_path: Path) -> None:
    rows = [{**row, "sql_prompt": "2020-01-01", "domain": "2020-01-01"} for row in ROWS]
    found = read(str(write(tmp_path, "rows.jsonl", lines(rows).encode())))["train"]
    assert {(row.sql_prompt, row.domain) for row in found} == {("2020-01-01", "2020-01-01")}


def test_bad_rows_are_left_out_where_that_is_asked_for(tmp_path: Path) -> None:
    content = lines().encode() + b'{"broken\n' + lines([{**ROWS[0], "sql": " "}]).encode()
    path = str(write(tmp_path, "rows.jsonl", content))
    with pytest.raises(
        DatasetError, match=r"has 2 bad rows beside 60 good ones: rows\.jsonl, line"
    ):
        read(path)
    found = read_data_set(path, reading=Reading(bad_rows="skip"))
    assert len(found.rows["train"]) == 60
    assert [row.place for row in found.bad_rows] == ["rows.jsonl, line 61", "rows.jsonl, line 62"]


def test_each_reason_is_named_once(tmp_path: Path) -> None:
    rows = [{**row, "sql": "" if n % 2 else "SELECT 1"} for n, row in enumerate(ROWS)]
    content = lines(rows).encode() + b"[]\n3\n3\n{}\nnull\n"
    with pytest.raises(DatasetError) as caught:
        read(str(write(tmp_path, "rows.jsonl", content)))
    assert (
        "has 35 bad rows beside 30 good ones: rows.jsonl, line 2 has no sql (and 29 more);"
        " rows.jsonl, line 62 is a number, not an object (and 1 more); rows.jsonl, line 61 is a"
        " list, not an object; and 2 other reasons; mend them"
    ) in str(caught.value)


def test_nothing_but_bad_rows_is_refused_though_they_may_be_left_out(tmp_path: Path) -> None:
    rows = [{**row, "sql": ""} for row in ROWS]
    path = str(write(tmp_path, "rows.jsonl", lines(rows).encode()))
    with pytest.raises(DatasetError, match="60 bad rows beside 0 good ones"):
        read(path, reading=Reading(bad_rows="skip"))


def test_a_folder_may_mix_its_formats(tmp_path: Path) -> None:
    write(tmp_path, "train.jsonl.gz", READ["gzip of lines"][1])
    write(tmp_path, "dev.csv", READ["Excel's semicolons"][1])
    write(tmp_path, "test.json", READ["sql-create-context"][1])
    write(tmp_path, "tables.json", b"[]")
    found = read_data_set(str(tmp_path))
    assert {split: len(rows) for split, rows in found.rows.items()} == {
        "train": 60,
        "validation": 60,
        "test": 60,
    }
    assert found.columns == {}
    assert found.mixed_columns == {
        ours: {ours: "train.jsonl.gz", theirs: "test.json"}
        for ours, theirs in (
            ("sql_prompt", "question"),
            ("sql_context", "context"),
            ("sql", "answer"),
        )
    }


def test_folders_of_spider_and_bird_are_read_as_they_are_shipped(tmp_path: Path) -> None:
    rows = json.dumps(ROWS[:20]).encode()
    for name in ("train_spider.json", "dev.json", "tables.json"):
        write(tmp_path, name, rows)
    write(tmp_path, "train_others.json", json.dumps(ROWS[20:]).encode())
    for name in (
        "dev_tables.json",
        "train_tables.json",
        "test_tables.json",
        "dev_tied_append.json",
    ):
        write(tmp_path, name, b"[]")
    found = read_data_set(str(tmp_path)).rows
    assert {split: len(rows) for split, rows in found.items()} == {"train": 60, "validation": 20}


def test_a_folder_without_training_rows_names_the_table_to_give(tmp_path: Path) -> None:
    write(tmp_path, "dev_tables.json", b"[]")
    table = write(tmp_path, "dev.json", json.dumps(ROWS).encode())
    with pytest.raises(DatasetError, match="may be given itself, all as training") as caught:
        read_data_set(str(tmp_path))
    assert repr(str(table)) in str(caught.value)


@pytest.mark.parametrize("of_splits", [True, False])
def test_what_datasets_saved_to_disk_is_refused_with_the_remedy(
    tmp_path: Path, of_splits: bool
) -> None:
    saved_to_disk(tmp_path / "rows", of_splits=of_splits)
    with pytest.raises(DatasetError, match=r"written by save_to_disk.*datasets\.load_from_disk\("):
        read(str(tmp_path / "rows"))


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    path = write(tmp_path, "rows.jsonl", lines(ROWS[:9]).encode())
    assert len(read(str(path))["train"]) == 9
    assert read_data_set(str(path)) is read_data_set(str(path))
    write(tmp_path, "rows.jsonl", lines(ROWS[:8]).encode())
    assert len(read(str(path))["train"]) == 8

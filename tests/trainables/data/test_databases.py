"""Rows about database files: schemas and rows are theirs, and they stay as they are."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests import spider_shaped
from trainables.contract.splits import BY_ROW, BY_SCHEMA
from trainables.data.databases import Databases
from trainables.data.errors import DatasetError
from trainables.data.reading import Reading
from trainables.data.splits import Splits, load_splits
from trainables.data.tables import Example, read_data_set
from trainables.sql.execution import SqlExecutor

SCHEMA = (
    'CREATE TABLE "singer" (\n"id" int,\n"name" text,\n"country" text,\n"age" int,\n'
    'PRIMARY KEY ("id"));'
)


@pytest.fixture
def spider(tmp_path: Path) -> Path:
    return spider_shaped.write(tmp_path / "spider")


def reading(folder: Path, **changes: Any) -> Reading:
    return Reading(**({"databases": str(folder / "database")} | changes))


def splits(folder: Path, dataset: Path | None = None, **changes: Any) -> Splits:
    how = reading(folder, **changes)
    return load_splits(str(dataset or folder), None, 0, 20, 20, BY_SCHEMA, how)


def test_rows_have_the_schema_of_their_database(spider: Path) -> None:
    found = read_data_set(str(spider), reading=reading(spider))
    assert {split: len(rows) for split, rows in found.rows.items()} == {
        "train": 318,
        "validation": 45,
        "test": 45,
    }
    assert found.columns == {"sql_prompt": "question", "sql": "query", "database": "db_id"}
    row = next(row for row in found.rows["train"] if "singer" in row.sql_prompt)
    assert row.sql_context == SCHEMA
    assert row.database is not None
    assert row.database.file == str(spider / "database/concert_hall/concert_hall.sqlite")


def _sung(rows: list[Example]) -> Example:
    return next(row for row in rows if row.sql == "SELECT max(age) FROM singer")


def test_sql_runs_on_the_rows_that_are_there(spider: Path) -> None:
    rows = [row for part in read_data_set(str(spider), reading=reading(spider)).rows.values()
            for row in part]  # fmt: skip
    row = _sung(rows)
    assert row.database is not None
    with closing(sqlite3.connect(row.database.file)) as connection:
        (highest,) = connection.execute("SELECT max(age) FROM singer").fetchone()
    before = Path(row.database.file).read_bytes()
    predictions = [
        f"SELECT {highest}",
        f"SELECT {highest} + 1",
        "SELECT age FROM singer ORDER BY age DESC LIMIT 1",
        "DELETE FROM singer",
        "SELECT max(year) FROM car",
        "ATTACH 'other.sqlite' AS other",
    ]
    count = len(predictions)
    with SqlExecutor() as executor:
        assert executor.measurable(row.sql_context, row.sql, row.database.file).is_measured
        judged = executor.judge(
            [row.sql_context] * count,
            [row.sql] * count,
            predictions,
            databases=[row.database.file] * count,
        )
        # The next row finds the database as it was.
        again = executor.judge(
            [row.sql_context], [row.sql], [row.sql], databases=[row.database.file]
        )
    assert [one.execution_accuracy for one in (*judged, *again)] == [1, 0, 1, 0, 0, 0, 1]
    assert Path(row.database.file).read_bytes() == before
    assert [path.name for path in Path(row.database.file).parent.iterdir()] == [
        "concert_hall.sqlite"
    ]


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_no_statement_changes_a_file(spider: Path, journal: str) -> None:
    file = spider / "database/city_zoo/city_zoo.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"PRAGMA journal_mode = {journal}")
    found = read_data_set(str(spider), reading=reading(spider)).rows["test"]
    row = next(each for each in found if each.database and each.database.file == str(file))
    hostile = [
        "DROP TABLE animal",
        "DELETE FROM animal",
        "UPDATE animal SET weight = 0; SELECT 1",
        f"VACUUM INTO '{file}.copy'",
        f"ATTACH '{file}' AS own; DELETE FROM own.animal",
        "PRAGMA writable_schema = ON",
        "PRAGMA journal_mode = delete",
        f"SELECT readfile('{file}')",
    ]
    before = {path.name: path.read_bytes() for path in file.parent.iterdir()}
    count = len(hostile)
    with SqlExecutor() as executor:
        judged = executor.judge(
            [row.sql_context] * count, [row.sql] * count, hostile, databases=[str(file)] * count
        )
        # A reference may be as hostile.
        executor.judge(
            [row.sql_context] * count, hostile, [row.sql] * count, databases=[str(file)] * count
        )
    assert {one.execution_accuracy for one in judged} == {0}
    assert {path.name: path.read_bytes() for path in file.parent.iterdir()} == before


def test_rows_of_several_databases_are_judged_in_their_order(spider: Path) -> None:
    rows = read_data_set(str(spider), reading=reading(spider)).rows["test"]
    files = [None if row.database is None else row.database.file for row in rows]
    contexts, sql = [row.sql_context for row in rows], [row.sql for row in rows]
    wrong = [text if number % 2 else "SELECT 'no'" for number, text in enumerate(sql)]
    with SqlExecutor() as executor:
        judged = executor.judge(contexts, sql, wrong, databases=files)
        plain = executor.judge([SCHEMA], ["SELECT 1"], ["SELECT count(*) + 1 FROM singer"])
    assert [one.execution_accuracy for one in judged] == [n % 2 for n in range(len(rows))]
    assert plain[0].execution_accuracy == 1  # its database is the one that its context builds


@pytest.mark.parametrize("suffix", [".sqlite", ".db", ".sqlite3"])
def test_a_flat_folder_is_read_too(spider: Path, suffix: str) -> None:
    flat = spider / "flat"
    flat.mkdir()
    for file in (spider / "database").glob("*/*.sqlite"):
        shutil.copy(file, flat / f"{file.stem}{suffix}")
    assert splits(spider, databases=str(flat)).fingerprint == splits(spider).fingerprint


def test_one_file_needs_no_column(spider: Path, tmp_path: Path) -> None:
    file = spider / "database/city_zoo/city_zoo.sqlite"
    table = tmp_path / "rows.csv"
    table.write_text("question,sql\nHow many?,SELECT count(*) FROM animal\n")
    (row,) = read_data_set(str(table), reading=Reading(databases=str(file))).rows["train"]
    assert row.sql_context.startswith('CREATE TABLE "animal"')


def test_a_column_of_schemas_of_the_project_s_name_is_what_is_asked(
    spider: Path, tmp_path: Path
) -> None:
    table = tmp_path / "rows.jsonl"
    rows = [
        {"sql_prompt": "q", "sql_context": f"zoo {n}", "sql": "SELECT 1", "db": "city_zoo"}
        for n in range(2)
    ]
    table.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = read_data_set(str(table), reading=reading(spider)).rows["train"]
    assert [row.sql_context for row in found] == ["zoo 0", "zoo 1"]
    assert {row.group for row in found} == {"city_zoo"}
    assert found[0].database is not None


def test_databases_are_part_of_the_fingerprint(spider: Path) -> None:
    before = splits(spider).fingerprint
    moved = spider.parent / "moved"
    shutil.copytree(spider / "database", moved)
    assert splits(spider, databases=str(moved)).fingerprint == before
    with closing(sqlite3.connect(moved / "city_zoo/city_zoo.sqlite")) as connection:
        connection.execute("UPDATE animal SET weight = weight + 1 WHERE id = 3")
        connection.commit()
    assert splits(spider, databases=str(moved)).fingerprint != before


def test_rows_are_split_by_database(spider: Path, tmp_path: Path) -> None:
    table = tmp_path / "all.json"
    table.write_text(json.dumps(spider_shaped.questions()))
    with pytest.raises(DatasetError, match=r"has 6 schemas, .* takes at least 20"):
        splits(spider, table)
    assert len(load_splits(str(table), None, 0, 20, 20, BY_ROW, reading(spider)).test) == 20


def _damage(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[4096:4200] = b"\xff" * 104
    file.write_bytes(content)


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (Path.unlink, "is about the database 'city_zoo', which is not in"),
        (lambda file: file.write_bytes(b"no database" * 99), "file is not a database"),
        (lambda file: file.write_bytes(file.read_bytes()[:5000]), "malformed"),
        (_damage, "of no use"),
        (lambda file: file.write_bytes(b""), "has no tables"),
    ],
)
def test_a_database_of_no_use_is_named(spider: Path, broken: Any, words: str) -> None:
    broken(spider / "database/city_zoo/city_zoo.sqlite")
    with pytest.raises(DatasetError) as caught:
        splits(spider)
    said = str(caught.value)
    assert words in said
    assert " 68 bad rows beside 340 good ones: " in said
    assert "\n" not in said
    assert len(said.split("; ")) == 2  # one reason, however many rows, and the remedy
    found = read_data_set(str(spider), reading=reading(spider, bad_rows="skip"))
    assert len(found.bad_rows) == 68


@pytest.mark.parametrize("name", ["../database/city_zoo/city_zoo", "/etc/passwd", "", ".", "city"])
def test_a_row_names_no_path(spider: Path, name: str) -> None:
    assert isinstance(Databases(str(spider / "database")).find(name), str)


@pytest.mark.parametrize(
    ("name", "words"),
    [("absent", "are not there"), ("", "holds no databases; it needs files such as NAME.sqlite")],
)
def test_a_folder_of_no_use_is_explained(spider: Path, name: str, words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        splits(spider, databases=str(spider / name))


def test_a_name_that_two_files_have_is_refused(spider: Path) -> None:
    shutil.copy(spider / "database/city_zoo/city_zoo.sqlite", spider / "database/city_zoo.db")
    with pytest.raises(DatasetError, match="two databases 'city_zoo'"):
        splits(spider)


def test_without_its_databases_the_remedy_is_named(spider: Path) -> None:
    with pytest.raises(DatasetError, match=r"lacks sql_context.*--set databases=") as caught:
        splits(spider, databases=None)
    assert f"--set databases={spider}/database`" in str(caught.value)  # it lies beside the rows
    shutil.rmtree(spider / "database")
    (spider / "database").mkdir()
    with pytest.raises(DatasetError, match=r"lacks sql_context.*--set databases=DIR`"):
        splits(spider, databases=None)


def test_a_column_must_name_the_database(spider: Path, tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    table.write_text("question,sql\nHow many?,SELECT 1\n")
    with pytest.raises(DatasetError, match=r"lacks database.*columns\.database=COLUMN"):
        splits(spider, table)

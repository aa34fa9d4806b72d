"""A user's database is read, and nothing of it or beside it changes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from trainables.sql import database_file
from trainables.sql.database_file import DatabaseUnreadable
from trainables.sql.query import QueryFailed, query


def _make(file: Path, *, journal: str = "delete") -> Path:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"PRAGMA journal_mode = {journal}")
        connection.executescript(
            "CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT);"
            "CREATE INDEX by_name ON users (name);"
            "CREATE VIEW names AS SELECT name FROM users;"
            "INSERT INTO users (name) VALUES ('Ada'), ('Grace');"
        )
    return file


def _everything(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}


@pytest.fixture(params=["delete", "wal"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return _make(tmp_path / "a b#?.sqlite", journal=request.param)


def test_the_schema_is_what_a_context_has(database: Path) -> None:
    assert database_file.schema(database) == (
        "CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT);"
        " CREATE VIEW names AS SELECT name FROM users;"
    )


def test_a_copy_answers_queries(database: Path) -> None:
    found = query("SELECT name FROM names ORDER BY 1", content=database_file.content(database))
    assert found.rows == [["Ada"], ["Grace"]]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) FROM users",
        "DROP TABLE users",
        "DELETE FROM users",
        "INSERT INTO users (name) VALUES ('Eve')",
        "SELECT 1; DELETE FROM users",
        "PRAGMA journal_mode = delete",
        "ATTACH 'other.sqlite' AS other",
        "VACUUM",
    ],
)
def test_nothing_changes_on_the_disk(database: Path, sql: str) -> None:
    before = _everything(database.parent)
    database_file.schema(database)
    copied = database_file.content(database)
    with suppress(QueryFailed):
        query(sql, content=copied)
    assert _everything(database.parent) == before


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Path]:
    """A database that another connection holds, with a row that is in its log alone."""
    file = _make(tmp_path / "app.sqlite", journal="wal")
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("INSERT INTO users (name) VALUES ('Edsger')")
        connection.commit()
        assert b"Edsger" not in file.read_bytes()
        yield file


def test_what_only_the_log_has_is_read_too(written: Path) -> None:
    before = written.read_bytes()
    found = query("SELECT count(*) FROM users", content=database_file.content(written))
    assert found.rows == [[3]]
    assert written.read_bytes() == before


def test_unreadable_databases_are_named(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("This is no database, but a text that is long enough to have a header. " * 3)
    empty = tmp_path / "empty.sqlite"
    empty.touch()
    for file, message in (
        (tmp_path / "absent.sqlite", "There is no database file"),
        (tmp_path, "There is no database file"),
        (text, "file is not a database"),
        (empty, "has no tables"),
    ):
        with pytest.raises(DatabaseUnreadable, match=message):
            database_file.schema(file)
    assert not (tmp_path / "absent.sqlite").exists()


def test_a_database_too_large_to_copy_is_refused(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_file, "MOST_BYTES", 4096)
    with pytest.raises(DatabaseUnreadable, match="leave out --execute"):
        database_file.content(database)

"""The child process that runs one SELECT for `trainables.sql.query`. Standard library only.

It has no database file: its database is built in memory, from a context or from the bytes of a
file, inside the limits and under the allow-list of `trainables.sql.execution`; the statement itself
may then only read.
"""

from __future__ import annotations

import json
import math
import signal
import sqlite3
import sys
from typing import Any

from trainables.sql.sandbox.database import Database, Limits, SqlFailed
from trainables.sql.sandbox.scoring_child import give_up as give_up
from trainables.sql.sandbox.statements import split_statements

_READS = frozenset(
    {
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_READ,
        sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_RECURSIVE,
    }
)


def main() -> None:
    """Serves the one request on standard input: a line of JSON, then the bytes of a database.

    The request has `context` (SQL or None), `content_bytes` (length of what follows the line),
    `sql`, `functions` (what both call beyond SQLite's own) and `rows` (at most so many are
    returned). The answer has `columns`, `rows` and `cut`
    (whether there are more rows); or `stage` ("context" or "sql"), `kind` and `message` of what
    failed.
    """
    limits = Limits(**json.loads(sys.argv[1]))
    give_up(limits)
    # Processor time. The default action ends the process, which the parent can tell by the signal.
    signal.setitimer(signal.ITIMER_PROF, limits.cpu_seconds)
    request = json.loads(sys.stdin.buffer.readline())
    content = sys.stdin.buffer.read(request["content_bytes"])
    sys.stdout.write(json.dumps(_answer(request, content, limits)))
    sys.stdout.flush()


def _answer(request: dict[str, Any], content: bytes, limits: Limits) -> dict[str, Any]:
    stage = "context"
    try:
        database = _QueryDatabase(limits, content, request["functions"])
        with database:
            if request["context"]:
                database.run(request["context"])
            stage = "sql"
            return database.query(request["sql"], request["rows"])
    except SqlFailed as failure:
        return {"stage": stage, "kind": failure.kind, "message": str(failure)}


class _QueryDatabase(Database):
    """A database in memory that is built first and only read from then on."""

    def __init__(self, limits: Limits, content: bytes, functions: list[str]) -> None:
        self._only_reads = False
        super().__init__(limits, functions, content=content)

    def query(self, text: str, most_rows: int) -> dict[str, Any]:
        """Runs one statement that only reads and returns its columns and first rows.

        Raises:
            SqlFailed: It is not one statement, does more than read, fails, or reaches a limit.
        """
        self.instructions = 0
        self._raised = None
        self._only_reads = True
        try:
            statements = split_statements(text)
            if len(statements) != 1:
                held = f"{len(statements)} statements" if statements else "no statement"
                raise SqlFailed(f"it holds {held}, but one SELECT is run")
            cursor = self._connection.execute(statements[0])
            if cursor.description is None:
                raise SqlFailed("it is not a SELECT")
            rows, cut = self._first(cursor, most_rows)
            columns = [name for name, *_ in cursor.description]
        except MemoryError:
            raise SqlFailed("it needs too much memory", "limit") from None
        except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
            if str(error) == "not authorized":
                raise SqlFailed("it does more than read, and only a SELECT is run") from None
            raise self._failure(error) from None
        return {"columns": columns, "rows": rows, "cut": cut}

    def _first(self, cursor: sqlite3.Cursor, most_rows: int) -> tuple[list[list[Any]], bool]:
        rows: list[list[Any]] = []
        size = 0
        for row in cursor:
            size += sum(len(value) if isinstance(value, str | bytes) else 8 for value in row)
            if len(rows) == most_rows or size > self._limits.result_bytes:
                return rows, True
            rows.append([_plain(value) for value in row])
        return rows, False

    def _authorize(
        self,
        action: int,
        first: str | None,
        second: str | None,
        _schema: str | None,
        _by: str | None,
    ) -> int:
        if self._only_reads and action not in _READS:
            return sqlite3.SQLITE_DENY
        return super()._authorize(action, first, second, _schema, _by)


def _plain(value: Any) -> Any:
    """Returns a value that JSON has: blobs as SQL writes them, infinities as words."""
    if isinstance(value, bytes):
        return f"X'{value.hex().upper()}'"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    # Bytes that are not UTF-8 came in as lone surrogates, which no output can be written with.
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value

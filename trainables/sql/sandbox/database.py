"""A fresh database in memory that runs SQL from anyone, inside limits. Standard library only.

Used in the child process of `trainables.sql.execution` alone; that module says what is promised.
"""

from __future__ import annotations

import random
import re
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from trainables.sql.sandbox.comparison import Result, State
from trainables.sql.sandbox.failures import FailsThere, MeaningUnknown, TooLarge
from trainables.sql.sandbox.functions import CALL_STEPS, register
from trainables.sql.sandbox.other_order import FUNCTIONS, in_other_order, reorder
from trainables.sql.sandbox.permissions import CHANGES, is_forbidden, is_permitted
from trainables.sql.sandbox.schema import relations
from trainables.sql.sandbox.statements import is_ordered, split_statements
from trainables.sql.sandbox.ties import has_choice, in_groups, tie_queries

_STEPS = 1_000
"""Instructions of SQLite's virtual machine between two looks at the budget."""


class Limits(NamedTuple):
    """What one row may use. Instructions are counted, not timed: the same on a busy machine.

    Attributes:
        instructions: Of SQLite's virtual machine, for each text that is run.
        cpu_seconds: Of the child process for what a row gives (context and reference), for its
            prediction, and for judging that; the system kills it there.
        wall_seconds: For one row; the parent kills the child there.
        heap_bytes: SQLite's memory.
        address_bytes: Address space of the child process, where the system can limit it.
        rows: Rows of one result.
        result_bytes: Size of one result.
        value_bytes: Size of one string or blob, and of one statement.
    """

    instructions: int = 5_000_000
    cpu_seconds: float = 3.0
    wall_seconds: float = 30.0
    heap_bytes: int = 64 * 2**20
    address_bytes: int = 512 * 2**20
    rows: int = 10_000
    result_bytes: int = 8 * 2**20
    value_bytes: int = 1_000_000


class SqlFailed(Exception):  # noqa: N818  # what happened, not what is wrong with this program
    """A text did not run.

    Attributes:
        kind: "limit" where it reached one; "forbidden" where it asks for what no text may do;
            "unknown" where what a function of another dialect gives is not known; "value" where a
            value is refused that every system refuses; "name" where it would fail in any dialect,
            as it does for a table that is not there; else "error".
    """

    def __init__(self, message: str, kind: str = "error") -> None:
        super().__init__(message)
        self.kind = kind


_LIMITS_OF_SQLITE = ("too many", "too big", "too large", "too complex", "stack overflow")
"""Words of SQLite's messages where a text passes a limit: of columns, terms, depth or length."""

_NAMES_IN_ANY_DIALECT = (
    *("no such table:", "no such column:", "has no column named", "ambiguous column name"),
    *("duplicate column name", "already exists", "misuse of aggregate", "values for"),
    *("misuse of window function", "do not have the same number of result columns"),
)
"""Words of SQLite's messages where a text fails for its names, or in a way that it would fail in
any dialect."""

_RANDOM = frozenset(["random", "randomblob"])


class Database:
    """One in-memory database, closed by leaving the `with` block.

    Args:
        limits: For each of the texts.
        functions: What the texts call beyond SQLite's own functions, by `sandbox.functions`' names.
        seed: What RANDOM() and RANDOMBLOB() depend on; None: on nothing, they are SQLite's own.
        content: Bytes of a database file, which it begins as a copy of.

    Raises:
        SqlFailed: The content is more than the limits allow.

    Attributes:
        instructions: How many the last text took, counted by the thousand.
        changed: Whether a statement since `forget_changes` asked to change data or schema.
        is_random: Whether a statement since `forget_changes` asked for RANDOM() or RANDOMBLOB().
    """

    def __init__(
        self,
        limits: Limits,
        functions: Sequence[str] = (),
        *,
        seed: int | None = None,
        content: bytes = b"",
    ) -> None:
        self._limits = limits
        self.instructions = 0
        self._raised: Exception | None = None
        self._inspecting = False
        self._is_reordered = False
        self._names: list[str] = []
        self.changed = False
        self.is_random = False
        self._connection = sqlite3.connect(":memory:", isolation_level=None, cached_statements=0)
        self._connection.text_factory = _decode
        # A sort that needs more memory fails instead of writing a file.
        self._connection.execute("PRAGMA temp_store = MEMORY")
        self._connection.execute("PRAGMA trusted_schema = OFF")
        for category, most in (
            (sqlite3.SQLITE_LIMIT_LENGTH, limits.value_bytes),
            (sqlite3.SQLITE_LIMIT_SQL_LENGTH, limits.value_bytes),
            (sqlite3.SQLITE_LIMIT_COLUMN, 500),
            (sqlite3.SQLITE_LIMIT_COMPOUND_SELECT, 100),
            (sqlite3.SQLITE_LIMIT_VDBE_OP, 1_000_000),
            (sqlite3.SQLITE_LIMIT_ATTACHED, 0),
            (sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1_000),
            (sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH, 10),
            (sqlite3.SQLITE_LIMIT_WORKER_THREADS, 0),
        ):
            self._connection.setlimit(category, most)
        if functions:
            # Indexes and views may call them too.
            self._connection.execute("PRAGMA trusted_schema = ON")
        register(self._connection, functions, self._guard)
        if seed is not None:
            self._draw_from(seed)
        if content:
            # SQLite does this by an ATTACH of its own, which the allow-list would refuse.
            try:
                self._connection.deserialize(content)
            except (sqlite3.Error, MemoryError) as error:
                self._connection.close()
                raise SqlFailed(f"the copy of the database: {error}", "limit") from None
        self._connection.set_authorizer(self._authorize)
        self._connection.set_progress_handler(self._count, _STEPS)

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def forget_changes(self) -> None:
        """Starts `changed` and `is_random` anew."""
        self.changed = self.is_random = False

    @property
    def is_untouched(self) -> bool:
        """Whether the database is as it was at `forget_changes`; another text may then have it."""
        return not self.changed and not self._connection.in_transaction

    def reorder(self, seed: int | None = None) -> None:
        """Lets what comes next have rows that tie, or have no order, come in another one.

        Args:
            seed: What a shuffle depends on; None: the other way round.
        """
        self._inspecting = True
        reorder(self._connection, seed)
        self._inspecting = False
        self._is_reordered = True

    def run(self, text: str, *, with_ties: bool = False) -> list[Result]:
        """Runs every statement of a text in order.

        Args:
            text: One statement or several.
            with_ties: Whether results with ORDER BY or LIMIT say what else they could have been, in
                `groups`, or that they are unclear.

        Returns:
            One result for each statement that returns columns.

        Raises:
            SqlFailed: There is no statement, one of them fails or is not permitted, or a limit is
            reached.
        """
        self.instructions = 0
        self._raised = None
        try:
            statements = split_statements(text)
            if not statements:
                raise SqlFailed("the text holds no statement")
            results = [self._ask(statement, with_ties) for statement in statements]
        except MemoryError:
            raise SqlFailed("the statement needs too much memory", "limit") from None
        except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
            raise self._failure(error) from None
        return [result for result in results if result is not None]

    def state(self, *, temporary: bool = False) -> State:
        """Returns all tables and views with their rows, and all triggers.

        Args:
            temporary: Whether those that end with the connection are asked for, or the others.

        Raises:
            SqlFailed: A view does not run, or the rows pass a limit.
        """
        self.instructions = 0
        try:
            return relations(self._inspect, self._execute, temporary=temporary)
        except (MemoryError, sqlite3.Error, ValueError) as error:
            kind = "error" if "no such function" in str(error) else "limit"
            raise SqlFailed(f"the state cannot be read: {error}", kind) from None

    def _guard(self, raised: Exception | None) -> None:
        """Counts a call of a function that SQLite does not count, and keeps what it raised."""
        if raised is not None:
            self._raised = raised
            return
        self.instructions += CALL_STEPS
        if self.instructions > self._limits.instructions:
            raise TooLarge("the calls of functions")

    def _failure(self, error: Exception) -> SqlFailed:
        raised = self._raised or error
        if isinstance(raised, MeaningUnknown):
            return SqlFailed(f"what it means is not known: {raised}", "unknown")
        if isinstance(raised, FailsThere | sqlite3.IntegrityError):
            return SqlFailed(str(raised), "value")
        if isinstance(raised, ValueError | sqlite3.Warning | sqlite3.ProgrammingError):
            # A NUL character or half of a surrogate pair, which no system takes.
            return SqlFailed(str(raised), "value")
        limited = isinstance(raised, TooLarge | MemoryError) or any(
            words in str(raised) for words in _LIMITS_OF_SQLITE
        )
        if limited or self.instructions > self._limits.instructions:
            return SqlFailed(str(raised), "limit")
        if is_forbidden(str(raised)):
            return SqlFailed(str(raised), "forbidden")
        is_name = any(words in str(raised) for words in _NAMES_IN_ANY_DIALECT)
        return SqlFailed(str(raised), "name" if is_name else "error")

    def _ask(self, statement: str, with_ties: bool) -> Result | None:
        if self._is_reordered:
            other = in_other_order(statement)
            # Where UNION has an ORDER BY, its keys have to be columns.
            with suppress(sqlite3.Error):
                return self._with_ties(other, self._execute(other), with_ties)
        return self._with_ties(statement, self._execute(statement), with_ties)

    def _with_ties(self, statement: str, result: Result | None, is_wanted: bool) -> Result | None:
        if not is_wanted or result is None or not has_choice(statement):
            return result
        self.instructions = 0
        for query in tie_queries(statement, self._names):
            with suppress(sqlite3.Error, SqlFailed, MemoryError):
                offset = self._execute(f"SELECT CAST(({query.offset}) AS INTEGER)")
                rows = self._execute(query.sql)
                if offset and rows and isinstance(skipped := offset.rows[0][0], int):
                    groups = in_groups(query, rows.rows, result.columns)
                    return result._replace(
                        groups=groups, offset=max(0, skipped), is_unclear=not query.is_ordered
                    )
        return result._replace(is_unclear=True)

    def _execute(self, statement: str) -> Result | None:
        cursor = self._connection.execute(statement)
        if cursor.description is None:
            return None
        self._names = [column[0] for column in cursor.description]
        rows: list[Any] = []
        size = 0
        for row in cursor:
            rows.append(row)
            size += sum(len(value) if isinstance(value, str | bytes) else 8 for value in row)
            if len(rows) > self._limits.rows or size > self._limits.result_bytes:
                raise SqlFailed("the result is too large", "limit")
        return Result(len(cursor.description), rows, is_ordered(statement))

    def _inspect(self, query: str) -> list[Any]:
        self._inspecting = True
        try:
            return self._connection.execute(query).fetchall()
        finally:
            self._inspecting = False

    def _authorize(
        self,
        action: int,
        first: str | None,
        second: str | None,
        _schema: str | None,
        _by: str | None,
    ) -> int:
        if self._inspecting and action == sqlite3.SQLITE_PRAGMA:
            return sqlite3.SQLITE_OK
        self.changed |= action in CHANGES
        if action == sqlite3.SQLITE_FUNCTION:
            self.is_random |= (second or "").lower() in _RANDOM
            if self._is_reordered and second in FUNCTIONS:
                return sqlite3.SQLITE_OK
        return sqlite3.SQLITE_OK if is_permitted(action, first, second) else sqlite3.SQLITE_DENY

    def _draw_from(self, seed: int) -> None:
        draws = random.Random(seed)
        # Views and triggers may call it too; the functions of this database are the permitted ones.
        self._connection.execute("PRAGMA trusted_schema = ON")
        self._connection.create_function("random", 0, lambda: draws.getrandbits(64) - 2**63)
        most = self._limits.value_bytes
        self._connection.create_function(
            "randomblob", 1, lambda size: draws.randbytes(min(max(1, _as_integer(size)), most))
        )

    def _count(self) -> bool:
        self.instructions += _STEPS
        return self.instructions > self._limits.instructions


def _decode(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


def _as_integer(value: int | float | str | bytes | None) -> int:
    """Returns the integer that SQLite's functions take a value for: of a text, how it begins."""
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(max(-(2.0**63), min(value, 2.0**63)))
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value or ""
    found = re.match(r"[ \t\n\v\f\r]*([-+]?[0-9]{1,19})", text)
    return int(found[1]) if found else 0

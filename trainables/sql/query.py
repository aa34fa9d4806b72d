"""Runs a predicted SELECT and returns its rows, for a person to see. Loads no torch.

The promises, and what is not promised, are those of `trainables.sql.execution`; in addition the
statement may only read. It never has the database's file: its process gets a copy.
"""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from trainables.sql.dialects import DIALECTS, NotTranslated, meanings, without_decorations
from trainables.sql.sandbox.child import SandboxUnavailable, end_child, start_child
from trainables.sql.sandbox.database import Limits

__all__ = ["QUERY_LIMITS", "QueryFailed", "Rows", "SandboxUnavailable", "query"]

QUERY_LIMITS = Limits(instructions=2_000_000_000, cpu_seconds=20.0, wall_seconds=60.0)
"""More time than scoring allows: a person's database is larger than a row's, and nothing is
compared, so the clock may decide."""

_CHILD = "trainables.sql.sandbox.query_child"


class QueryFailed(Exception):  # noqa: N818  # what happened, not what is wrong with this program
    """The statement, or the context before it, does not run; says why, without a full stop."""


@dataclass(frozen=True)
class Rows:
    """What a SELECT returned.

    Attributes:
        columns: Their names; two may be the same.
        rows: Values as JSON has them; a blob as `X'...'`.
        cut: Whether there are more rows than were asked for.
        sql: The statement that ran: the given one, or its translation from another dialect.
    """

    columns: list[str]
    rows: list[list[Any]]
    cut: bool
    sql: str


def query(
    sql: str,
    *,
    context: str | None = None,
    content: bytes = b"",
    rows: int = 50,
    limits: Limits = QUERY_LIMITS,
) -> Rows:
    """Runs one SELECT in a process of its own.

    A text that SQLite refuses is tried as other dialects, in the translations of scoring; where it
    may be of several, the first that runs is shown.

    Args:
        sql: What a model wrote; any text.
        context: SQL that builds the database.
        content: Bytes of a database, from `database_file.content`; instead of a context.
        rows: At most so many are returned.
        limits: What the statement may use.

    Raises:
        QueryFailed: It is not a single SELECT, does not run, or reaches a limit; or the context
            does not run.
        SandboxUnavailable: No process can be started.
    """
    failure: dict[str, Any] = {}
    for attempt in _attempts(sql, context):
        found = _run(attempt, content, rows, limits)
        if "columns" in found:
            return Rows(**found, sql=attempt.sql)
        if not failure:
            # What SQLite says of the texts themselves, not of a translation.
            failure = found
        if found["kind"] == "limit":
            break
    place = "the context does not run: " if failure["stage"] == "context" else ""
    raise QueryFailed(place + failure["message"])


class _Attempt(NamedTuple):
    """What may be run: the texts as they are, or what they say in SQLite."""

    context: str | None
    sql: str
    functions: tuple[str, ...] = ()


def _attempts(sql: str, context: str | None) -> Iterator[_Attempt]:
    plain = without_decorations(context) if context else None
    yield _Attempt(plain, sql)
    try:
        contexts = {said.dialect: said for said in meanings(None, context)} if context else {}
        texts = {said.dialect: said for said in meanings(sql, context or "", context_binds=False)}
    except NotTranslated:
        return
    for dialect in DIALECTS:
        built, said = contexts.get(dialect), texts.get(dialect)
        if built is not None and built.sql is not None:
            yield _Attempt(built.sql, sql, built.functions)
            if said is not None and said.sql is not None:
                yield _Attempt(built.sql, said.sql, (*built.functions, *said.functions))
        if said is not None and said.sql is not None:
            yield _Attempt(plain, said.sql, said.functions)


def _run(attempt: _Attempt, content: bytes, rows: int, limits: Limits) -> dict[str, Any]:
    request = {**attempt._asdict(), "content_bytes": len(content), "rows": rows}
    limits = limits._replace(
        heap_bytes=limits.heap_bytes + 2 * len(content),
        address_bytes=limits.address_bytes + 4 * len(content),
    )
    process = start_child(_CHILD, limits._asdict())
    try:
        output, _ = process.communicate(
            json.dumps(request).encode() + b"\n" + content, timeout=limits.wall_seconds
        )
    except subprocess.TimeoutExpired:
        raise QueryFailed(f"it takes more than {limits.wall_seconds:g} s") from None
    finally:
        # Also where Ctrl-C comes in between: the child, in a session of its own, gets none.
        status = end_child(process)
    if status == -signal.SIGPROF:
        raise QueryFailed(f"it takes more than {limits.cpu_seconds:g} s of processor time")
    if status:
        raise QueryFailed(f"its process ended with status {status}")
    answer: dict[str, Any] = json.loads(output)
    return answer

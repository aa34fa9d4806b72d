"""Runs a predicted SELECT and returns its rows, for a person to see. Loads no torch.

The promises, and what is not promised, are those of `trainables.sql.execution`; in addition the
statement may only read. It never has the database's file: its process gets a copy.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainables.sql.dialects import translations
from trainables.sql.parsing import process as parsing
from trainables.sql.sandbox.database import Limits
from trainables.sql.sandbox.process import SandboxUnavailable

QUERY_LIMITS = Limits(instructions=2_000_000_000, cpu_seconds=20.0, wall_seconds=60.0)
"""More time than scoring allows: a person's database is larger than a row's, and nothing is
compared, so the clock may decide."""

_BOOTSTRAP = (
    "import sys; sys.path.append(sys.argv.pop(1));"
    "from trainables.sql.sandbox.query_child import main; main()"
)
_PACKAGES = str(Path(__file__).resolve().parents[2])
_KEPT_VARIABLES = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


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

    A text that SQLite refuses is tried as other dialects, as in scoring.

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
    for meant in _meanings(context) if context else [None]:
        for said in _meanings(sql):
            found = _run(meant, content, said, rows, limits)
            if "columns" in found:
                return Rows(**found, sql=said)
            # What SQLite said of the text itself, not of a translation.
            if failure.get("stage") != found["stage"]:
                failure = found
            if found["stage"] == "context" or found["kind"] != "error":
                break
        if found["stage"] == "sql":
            break
    place = "the context does not run: " if failure["stage"] == "context" else ""
    raise QueryFailed(place + failure["message"])


def _meanings(text: str) -> Iterator[str]:
    yield text
    try:
        [said_again] = parsing.shared().map(translations, [(text,)])
    except parsing.ParserUnavailable as error:
        raise SandboxUnavailable(str(error)) from error
    yield from said_again or ()


def _run(
    context: str | None, content: bytes, sql: str, rows: int, limits: Limits
) -> dict[str, Any]:
    request = {"context": context, "content_bytes": len(content), "sql": sql, "rows": rows}
    limits = limits._replace(
        heap_bytes=limits.heap_bytes + 2 * len(content),
        address_bytes=limits.address_bytes + 4 * len(content),
    )
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _BOOTSTRAP, _PACKAGES, json.dumps(limits._asdict())],
            input=json.dumps(request).encode() + b"\n" + content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ},
            cwd="/",
            timeout=limits.wall_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise QueryFailed(f"it takes more than {limits.wall_seconds:g} s") from None
    except OSError as error:
        raise SandboxUnavailable(f"The SQL process cannot be started: {error}.") from error
    if done.returncode == -signal.SIGPROF:
        raise QueryFailed(f"it takes more than {limits.cpu_seconds:g} s of processor time")
    if done.returncode:
        raise QueryFailed(f"its process ended with status {done.returncode}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer

"""Parses a text as one dialect, with every function call left as it is written."""

from __future__ import annotations

import logging
from typing import Any

from sqlglot import exp
from sqlglot.dialects.mysql import MySQL
from sqlglot.dialects.oracle import Oracle
from sqlglot.dialects.postgres import Postgres
from sqlglot.dialects.tsql import TSQL
from sqlglot.errors import ErrorLevel, SqlglotError

from trainables.sql.translation import signs
from trainables.sql.translation.kinds import NotSpoken, PastLimit

DIALECTS = ("mysql", "postgres", "tsql", "oracle")

LONGEST = 10_000
"""Characters of a text that is parsed; a longer one is of no dialect."""

# sqlglot warns for each statement that it keeps as an opaque command; those are refused here.
logging.getLogger("sqlglot").setLevel(logging.ERROR)


def _calls_as_written(dialect: Any, special: tuple[str, ...]) -> Any:
    """Returns a dialect that knows no function but those of a syntax of their own.

    sqlglot gives one name to functions of many dialects, and then drops what the one has and the
    other has not; here their names and arguments are kept, for `functions` to judge.
    """

    class Parser(dialect.Parser):
        FUNCTIONS: dict[str, Any] = {}  # noqa: RUF012  # as in sqlglot
        FUNCTION_PARSERS = {name: dialect.Parser.FUNCTION_PARSERS[name] for name in special}  # noqa: RUF012

    return type(f"{dialect.__name__}AsWritten", (dialect,), {"Parser": Parser})


_PARSED_AS = {
    "mysql": _calls_as_written(
        MySQL,
        ("CAST", "CONVERT", "EXTRACT", "GROUP_CONCAT", "POSITION", "SUBSTRING", "TRIM", "VALUES"),
    ),
    "postgres": _calls_as_written(
        Postgres, ("CAST", "EXTRACT", "OVERLAY", "POSITION", "STRING_AGG", "SUBSTRING", "TRIM")
    ),
    "tsql": _calls_as_written(
        TSQL, ("CAST", "CONVERT", "STRING_AGG", "TRIM", "TRY_CAST", "TRY_CONVERT")
    ),
    "oracle": _calls_as_written(Oracle, ("CAST", "EXTRACT", "TRIM")),
}

_PARSERS = {name: dialect() for name, dialect in _PARSED_AS.items()}


def parse(text: str, dialect: str) -> tuple[list[exp.Expr], str]:
    """Returns the statements of a text as one dialect reads it, and what `signs` doubts in it.

    Raises:
        NotSpoken: The dialect's grammar does not fit, or there is no statement.
        PastLimit: It is so long or so deep that it is not parsed.
    """
    if len(text) > LONGEST:
        raise PastLimit("a text of more than 10,000 characters")
    try:
        tokens = _PARSERS[dialect].tokenize(text)
        doubt = signs.check(tokens, text, dialect)
        trees = _PARSERS[dialect].parser(error_level=ErrorLevel.IMMEDIATE).parse(tokens, text)
    except RecursionError:
        raise PastLimit("a text that is nested too deeply") from None
    except (SqlglotError, ValueError, TypeError, AttributeError, LookupError):
        # Of text that is no SQL, sqlglot now and then raises one of Python's own errors.
        raise NotSpoken("it does not parse") from None
    statements = [
        tree for tree in trees if tree is not None and not isinstance(tree, exp.Semicolon)
    ]
    if not statements:
        raise NotSpoken("it holds no statement")
    return statements, doubt

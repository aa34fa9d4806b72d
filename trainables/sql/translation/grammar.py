"""Parses a text as one dialect, with every function call left as it is written."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from sqlglot import exp
from sqlglot.dialects.mysql import MySQL
from sqlglot.dialects.oracle import Oracle
from sqlglot.dialects.postgres import Postgres
from sqlglot.dialects.tsql import TSQL
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import TokenType

from trainables.sql.parsing import bounded_parser
from trainables.sql.parsing.bounded_parser import LONGEST_STATEMENT, NotParsed
from trainables.sql.translation import clauses, scripts, signs
from trainables.sql.translation.kinds import NotSpoken, PastLimit

_OTHER_NAMES = {"SUBSTR": "SUBSTRING", "MID": "SUBSTRING"}
"""Of functions that have a syntax of their own, `SUBSTR(a FROM 2 FOR 3)`, by all their names."""


def _calls_as_written(dialect: Any, special: tuple[str, ...]) -> Any:
    """Returns a dialect that knows no function but those of a syntax of their own.

    sqlglot gives one name to functions of many dialects, and then drops what the one has and the
    other has not; here their names and arguments are kept, for `functions` to judge.
    """

    class Parser(dialect.Parser):
        FUNCTIONS: dict[str, Any] = {}  # noqa: RUF012  # as in sqlglot
        FUNCTION_PARSERS = {  # noqa: RUF012
            name: dialect.Parser.FUNCTION_PARSERS[_OTHER_NAMES.get(name, name)] for name in special
        }

    return type(f"{dialect.__name__}AsWritten", (dialect,), {"Parser": Parser})


_PARSED_AS = {
    "mysql": _calls_as_written(
        MySQL,
        (
            *("CAST", "CONVERT", "EXTRACT", "GROUP_CONCAT", "POSITION", "SUBSTRING", "SUBSTR"),
            *("MID", "TRIM", "VALUES"),
        ),
    ),
    "postgres": _calls_as_written(
        Postgres, ("CAST", "EXTRACT", "OVERLAY", "POSITION", "STRING_AGG", "SUBSTRING", "TRIM")
    ),
    "tsql": _calls_as_written(
        TSQL, ("CAST", "CONVERT", "STRING_AGG", "TRIM", "TRY_CAST", "TRY_CONVERT")
    ),
    "oracle": _calls_as_written(Oracle, ("CAST", "EXTRACT", "TRIM")),
}


def quoted_doubly(text: str) -> set[str]:
    """Returns the strings in double quotes of a text of MySQL, in lower case; no aliases after AS.

    Raises:
        NotSpoken: It cannot be cut into tokens.
    """
    try:
        tokens = _PARSED_AS["mysql"]().tokenize(text)
    except SqlglotError:
        raise NotSpoken("it does not parse") from None
    return {
        token.text.lower()
        for before, token in pairwise([None, *tokens])
        if token is not None
        and token.token_type == TokenType.STRING
        and text[token.start] == '"'
        and (before is None or before.text.upper() != "AS")
    }


def parse(text: str, dialect: str) -> tuple[list[exp.Expr], str]:
    """Returns the statements of a text as one dialect reads it, and what `signs` doubts in it.

    Raises:
        NotSpoken: The dialect's grammar does not fit, or there is no statement.
        PastLimit: It is so long or so deep that it is not parsed.
    """
    reader = _PARSED_AS[dialect]
    if len(text) <= LONGEST_STATEMENT:
        text = scripts.readable(text, dialect)
    try:
        # Signs first: most texts are of few dialects, and the parsers are slow.
        tokens = reader().tokenize(text) if len(text) <= LONGEST_STATEMENT else []
        doubt = signs.check(tokens, text, dialect)
        clauses.check_order(tokens, dialect)
        trees = bounded_parser.parse(text, reader)
    except (SqlglotError, ValueError):
        raise NotSpoken("it does not parse") from None
    except NotParsed as refusal:
        if refusal.is_bound:
            raise PastLimit(str(refusal)) from None
        raise NotSpoken("it does not parse") from None
    statements = [
        tree for tree in trees if tree is not None and not isinstance(tree, exp.Semicolon)
    ]
    if not statements:
        raise NotSpoken("it holds no statement")
    return statements, doubt

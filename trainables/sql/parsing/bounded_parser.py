"""sqlglot's parser with a bound on its work, so that no text holds it for more than a second or so.

The parser tries one reading after another and goes back where it fails. Readings nest: of
`FROM a JOIN a JOIN a ...` without conditions, and of `STRUCT(`, `JOIN NULL` or `CONVERT(` repeated,
it tries a number that doubles with each repetition. What is bounded is therefore not a list of such
constructs but the moves along the text, forwards and back. Their number depends on text, dialect
and version of sqlglot alone: on a busy machine the same texts are parsed as on an idle one.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Any

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError

LONGEST_STATEMENT = 10_000
"""Characters; a longer text is not parsed. Statements of people have fewer than 1,000."""

MOVES = 1_000
MOVES_PER_CHARACTER = 3
"""A text may take so many moves. WikiSQL's statements take at most 0.2 a character and the densest
readable texts (`SELECT 1,1,1,...`) one; a move takes 10 to 70 microseconds."""

CHARACTERS_PER_MOVE = 50
"""Of a text that is quoted in an error, which the parser may then discard: as long as a move."""

# sqlglot warns of each statement that it keeps as an opaque command.
logging.getLogger("sqlglot").setLevel(logging.ERROR)


class NotParsed(Exception):  # noqa: N818  # what happened, not what is wrong with this program
    """The text is not SQL of that dialect, or passes a bound of this module.

    Attributes:
        is_bound: Whether it passes a bound.
    """

    def __init__(self, message: str, *, is_bound: bool = False) -> None:
        super().__init__(message)
        self.is_bound = is_bound


class _TooManyMoves(Exception):  # noqa: N818  # never leaves this module
    """The budget is spent. No `ParseError`: of one the parser would try its next reading."""


def parse(text: str, dialect: str | type[Dialect]) -> list[exp.Expr]:
    """Returns the syntax trees of the statements in a text, one or more.

    Nesting is bounded by Python's recursion limit, which counts from the caller's own depth: the
    same in each call in a `ParsingProcess`.

    Args:
        text: Any text.
        dialect: A dialect of sqlglot by its name, or a class of one.

    Raises:
        NotParsed: It holds no statement, is wrong or is too long, or takes too many moves or too
            deep a nesting.
    """
    if len(text) > LONGEST_STATEMENT:
        raise NotParsed(f"more than {LONGEST_STATEMENT:,} characters", is_bound=True)
    reader: Any = Dialect.get_or_raise(dialect)
    # On this instance only. The parser hands it on to the parsers that it makes for parts.
    reader.parser_class = _counting(reader.parser_class)
    reader.moves_left = MOVES + MOVES_PER_CHARACTER * len(text)
    try:
        trees = [tree for tree in reader.parse(text) if tree is not None]
    except _TooManyMoves:
        raise NotParsed("too many ways to read it", is_bound=True) from None
    except (
        SqlglotError,
        RecursionError,
        ValueError,
        TypeError,
        AttributeError,
        LookupError,
        ArithmeticError,
    ) as error:
        # Of text that is no SQL, sqlglot now and then raises one of Python's own errors.
        raise NotParsed(str(error), is_bound=isinstance(error, RecursionError)) from None
    if not trees:
        raise NotParsed("no statement")
    return trees


class _Counting:
    """Mixed into a dialect's parser; `moves_left` is the dialect's, shared by parsers of parts."""

    dialect: Any
    sql: str

    def _advance(self, times: int = 1) -> None:
        self.dialect.moves_left -= 1
        if self.dialect.moves_left < 0:
            raise _TooManyMoves
        super()._advance(times)  # type: ignore[misc]  # the parser's

    def raise_error(self, *arguments: Any, **named: Any) -> None:
        self.dialect.moves_left -= len(self.sql) // CHARACTERS_PER_MOVE
        super().raise_error(*arguments, **named)  # type: ignore[misc]  # the parser's


@lru_cache
def _counting(parser: type) -> type:
    return type(parser)(f"Counting{parser.__name__}", (_Counting, parser), {})

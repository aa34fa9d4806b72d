"""Of what form a SQL statement is: what it does, and of a query the hardest thing in it."""

from __future__ import annotations

from trainables.sql.pieces.lexical import lower, pieces

_QUERIES = frozenset(["select", "with", "values"])
_OTHERS = frozenset(
    ["insert", "update", "delete", "replace", "merge", "create", "drop", "alter", "truncate"]
)
_AGGREGATES = frozenset(["count", "sum", "avg", "min", "max"])


def statement_form(sql: str) -> str:
    """Returns e.g. "join", "GROUP BY" or "INSERT"; "other" for what is none of these.

    Of a query that has several, the first of: set operation, window, subquery, join, GROUP BY,
    aggregate, ORDER BY; "plain query" has none of them.

    Args:
        sql: A statement, of any dialect.
    """
    words = [lower(piece.text) for piece in pieces(sql) if piece.kind == "word"]
    found = set(words)
    if not words or words[0] not in _QUERIES | _OTHERS:
        return "other"
    if words[0] in _OTHERS:
        return words[0].upper()
    if found & {"union", "intersect", "except"}:
        return "set operation"
    if "over" in found:
        return "window"
    if words.count("select") > 1:
        return "subquery"
    if "join" in found:
        return "join"
    if "group" in found:
        return "GROUP BY"
    if found & _AGGREGATES:
        return "aggregate"
    return "ORDER BY" if "order" in found else "plain query"

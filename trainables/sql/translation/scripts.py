"""Scripts as the tools of each system write them, made readable for sqlglot.

What is taken out here decorates: where a table is stored, how an index is built, and the lines by
which a client cuts a script into batches. Nothing inside of strings, comments or names is touched.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_KEPT = r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/"

_TYPES = "|".join(
    (
        *("bigint", "int", "smallint", "tinyint", "bit", "decimal", "numeric", "money", "float"),
        *("real", "date", "datetime", "datetime2", "smalldatetime", "time", "char", "varchar"),
        *("nchar", "nvarchar", "text", "ntext", "varbinary", "uniqueidentifier", "xml"),
    )
)

_TSQL = re.compile(
    rf"""
      {_KEPT}
    | (?P<batch>^[ \t]*GO[ \t]*;?[ \t]*$)
    | (?P<gone>
          \b(?:NON)?CLUSTERED\b
        | \b(?:TEXTIMAGE_)?ON\s+\[PRIMARY\]
        | \bWITH\s*\(\s*(?:PAD_INDEX|STATISTICS_NORECOMPUTE|IGNORE_DUP_KEY|ALLOW_ROW_LOCKS
                         |ALLOW_PAGE_LOCKS|FILLFACTOR|ONLINE|SORT_IN_TEMPDB)[^()]*\)
      )
    | \[(?P<type>{_TYPES})\]
    | (?P<starts>^[ \t]*(?:INSERT|CREATE|ALTER|DROP|USE|EXEC|PRINT|UPDATE|DELETE|TRUNCATE)\b
        | ^[ \t]*SET\s+(?:ANSI_\w+|QUOTED_IDENTIFIER|NOCOUNT|XACT_ABORT|ARITHABORT|IDENTITY_INSERT
                         |CONCAT_NULL_YIELDS_NULL|NUMERIC_ROUNDABORT)\b[^\n;]*)
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL | re.MULTILINE,
)
_POSTGRES = re.compile(
    rf"{_KEPT}|(?P<gone>\bTABLESPACE\s+\w+|^[ \t]*\\[^\n]*$)",
    re.IGNORECASE | re.DOTALL | re.MULTILINE,
)
_ORACLE = re.compile(
    rf"{_KEPT}|(?P<gone>\bTABLESPACE\s+\w+|\b(?:ENABLE|DISABLE)\b(?=\s*[,)]))"
    r"|(?P<batch>^[ \t]*/[ \t]*$)",
    re.IGNORECASE | re.DOTALL | re.MULTILINE,
)
_DELIMITER = re.compile(r"^[ \t]*DELIMITER[ \t]+(\S+)[ \t]*$", re.IGNORECASE | re.MULTILINE)


def readable(text: str, dialect: str) -> str:
    """Returns a text without what decorates it, its statements divided by semicolons."""
    if dialect == "mysql":
        return _without_delimiters(text)
    pattern = {"tsql": _TSQL, "postgres": _POSTGRES, "oracle": _ORACLE}[dialect]
    return pattern.sub(_replacement(text), text)


def _replacement(text: str) -> Callable[[re.Match[str]], str]:
    def replace(found: re.Match[str]) -> str:
        groups = found.groupdict()
        if groups.get("batch") is not None:
            return ";"
        if groups.get("gone") is not None:
            return " "
        if groups.get("type") is not None:
            return found["type"]
        if groups.get("starts") is not None and _is_outside(text, found.start()):
            # T-SQL needs no semicolon between statements.
            return ";" + found[0]
        return found[0]

    return replace


def _is_outside(text: str, place: int) -> bool:
    """Tells whether a line starts a statement: after an end, outside of parentheses."""
    before = re.sub(_KEPT, "", text[:place], flags=re.DOTALL)
    last = re.search(r"(\S+)\s*\Z", before)
    return before.count("(") == before.count(")") and (
        last is None or last[1].upper() not in ("THEN", "ELSE", "BEGIN", "AS", "EXPLAIN")
    )


def _without_delimiters(text: str) -> str:
    """Returns a script of MySQL's client with semicolons for its other delimiters."""
    pieces = _DELIMITER.split(text)
    said = pieces[0]
    for delimiter, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        said += piece if delimiter == ";" else piece.replace(delimiter, ";")
    return said

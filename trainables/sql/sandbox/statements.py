"""SQL text cut into statements, as SQLite reads it. Standard library only."""

from __future__ import annotations

import re
import sqlite3

from trainables.sql.sandbox.tokens import PIECE

_TRIGGER = re.compile(r"\s*create\s+(temp\s+|temporary\s+)?trigger\b", re.IGNORECASE)


def split_statements(text: str) -> list[str]:
    """Returns the statements of a text without their semicolons; comments alone are no statement.

    A semicolon in a literal, a name, a comment or the body of a trigger ends nothing.
    """
    statements: list[str] = []
    start, has_content = 0, False
    for piece in PIECE.finditer(text):
        if piece.group() == ";":
            statement = text[start : piece.end()]
            if _TRIGGER.match(statement) and not sqlite3.complete_statement(statement):
                continue
            if has_content:
                statements.append(statement[:-1].strip())
            start, has_content = piece.end(), False
        elif piece.lastgroup not in ("comment", "space"):
            has_content = True
    if has_content:
        statements.append(text[start:].strip())
    return statements


def is_ordered(statement: str) -> bool:
    """Tells whether a statement has ORDER BY at its outermost level, outside of all parentheses."""
    depth, previous = 0, ""
    for piece in PIECE.finditer(statement):
        kind = piece.lastgroup
        if kind in ("comment", "space"):
            continue
        if piece.group() == "(":
            depth += 1
        elif piece.group() == ")":
            depth -= 1
        word = piece.group().lower() if kind == "word" else ""
        if depth == 0 and previous == "order" and word == "by":
            return True
        previous = word
    return False

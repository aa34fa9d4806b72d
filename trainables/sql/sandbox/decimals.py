"""Columns of decimals, which stay decimals where their values are whole. Standard library only.

SQLite stores 10.00 in a column DECIMAL(8, 2) as the integer 10, and 10 / 4 is 2 then, while the
10.50 of the next row is a float. In every other system, and to whoever declares two places, it is
2.5. So such a column gets a type by which SQLite stores floats.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from trainables.sql.sandbox.tokens import Token, tokens

TYPE = "DECIMAL_AS_REAL"
"""Has SQLite's affinity REAL by its name (https://www.sqlite.org/datatype3.html, section 3.1)."""

_DECLARED = re.compile(r"\b(?:decimal|numeric|dec)\s*\(\s*\d+\s*,\s*0*[1-9]", re.IGNORECASE)
_NAMES = frozenset({"decimal", "numeric", "dec"})


def as_floats(text: str) -> str:
    """Returns a text in which columns of decimals with places are of the type `TYPE`.

    Args:
        text: Statements; what is no definition of a column stays as it is.
    """
    if not _DECLARED.search(text):
        # Most texts; all others are read token by token.
        return text
    pieces = tokens(text)
    said: list[str] = []
    end = 0
    outer: list[str] = []  # the words of the statement that stand in no parentheses, so far
    for place, token in enumerate(pieces):
        if token.kind == "word" and token.text in _NAMES and _is_type(pieces, place, outer):
            said += [text[end : token.start], TYPE]
            end = token.end
        if token.depth == 0:
            outer = [] if token.text == ";" else [*outer, token.text]
    return "".join([*said, text[end:]])


def _is_type(pieces: Sequence[Token], place: int, outer: Sequence[str]) -> bool:
    """Tells whether a word is the type of a column, and has decimal places."""
    if place < 2 or not _DECLARED.match(" ".join(t.text for t in pieces[place : place + 5])):
        return False
    before, name, token = pieces[place - 2], pieces[place - 1], pieces[place]
    if name.kind not in ("word", "name", "text"):
        return False
    if outer[:1] == ["create"] and "table" in outer[:3]:
        return token.depth == 1 and before.text in ("(", ",")
    return outer[:2] == ["alter", "table"] and before.text in ("add", "column")

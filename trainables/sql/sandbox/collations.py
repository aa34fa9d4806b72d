"""How other systems compare texts. Standard library only."""

from __future__ import annotations

import unicodedata

_STROKES = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d"})
"""Letters that Unicode does not decompose, and its default collation takes for others."""


def fold_mysql(text: str) -> str:
    """What MySQL's collation utf8mb4_0900_ai_ci compares, for letters with and without accents."""
    if text.isascii():
        return text.casefold()
    plain = unicodedata.normalize("NFKD", text)
    letters = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return letters.casefold().translate(_STROKES)


def compare_mysql(first: str, second: str) -> int:
    one, other = fold_mysql(first), fold_mysql(second)
    return (one > other) - (one < other)


def compare_tsql(first: str, second: str) -> int:
    """T-SQL's default collation: upper and lower case are one, blanks at the end do not count."""
    one, other = folded(first).rstrip(" "), folded(second).rstrip(" ")
    return (one > other) - (one < other)


def folded(text: str) -> str:
    return text.casefold()


def lowered(text: str) -> str:
    """Lower case letter by letter, so that a text keeps its length."""
    return "".join(low if len(low := sign.lower()) == 1 else sign for sign in text)

"""LIKE and regular expressions of other dialects. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from trainables.sql.sandbox.collations import fold_mysql, folded, lowered
from trainables.sql.sandbox.failures import FailsThere, MeaningUnknown
from trainables.sql.sandbox.texts import checked, said

_MOST_STEPS = 10_000_000
"""Bound on the steps of one match: a pattern and text that may need more are not tried."""


def like(text: Any, pattern: Any, escape: str | None) -> bool:
    """LIKE that tells upper from lower case."""
    return bool(_like(said(pattern), escape, str).fullmatch(said(text)))


def like_in_any_case(text: Any, pattern: Any, escape: str | None) -> bool:
    """PostgreSQL's ILIKE, which does not tell upper from lower case."""
    return bool(_like(said(pattern), escape, lowered).fullmatch(lowered(said(text))))


def like_of_mysql(text: Any, pattern: Any, escape: str | None) -> bool:
    """MySQL's LIKE, sign by sign in its collation: neither case nor accents count."""
    return bool(_like(said(pattern), escape, _sign_of_mysql).fullmatch(_signs_of_mysql(said(text))))


def like_of_tsql(text: Any, pattern: Any, escape: str | None) -> bool:
    """T-SQL's LIKE, with its classes in brackets."""
    return bool(_like(said(pattern), escape, folded, True).fullmatch(folded(said(text))))


def _signs_of_mysql(text: str) -> str:
    return fold_mysql(text) if text.isascii() else "".join(map(_sign_of_mysql, text))


def _sign_of_mysql(sign: str) -> str:
    """Returns the one sign that stands for another in its collation.

    Raises:
        MeaningUnknown: It stands for several, or for none.
    """
    plain = fold_mysql(sign)
    if len(plain) != 1:
        raise MeaningUnknown(f"LIKE of {sign!r}, which is no single letter")
    return plain


def matches(text: str, pattern: str) -> bool:
    """Whether a regular expression is found in a text, in its case."""
    return _search(said(text), said(pattern), 0) is not None


def matches_in_any_case(text: str, pattern: str) -> bool:
    return _search(said(text), said(pattern), re.IGNORECASE) is not None


def replaced(text: str, pattern: str, new: str, all_of_them: int, any_case: int) -> str:
    """Replaces the first or all places that match a regular expression."""
    text, flags = said(text), re.IGNORECASE if any_case else 0
    compiled = _compiled(said(pattern), flags, text, exact=True)
    if "\\" in new or "$" in new:
        raise MeaningUnknown("a replacement that refers to what was found")
    return checked(compiled.sub(new, text, count=0 if all_of_them else 1))


def found(text: str, pattern: str, any_case: int) -> str | None:
    """Returns the first place that matches a regular expression, or NULL."""
    text, flags = said(text), re.IGNORECASE if any_case else 0
    match = _compiled(said(pattern), flags, text, exact=True).search(text)
    return match[0] if match else None


@lru_cache(maxsize=256)
def _like(
    pattern: str, escape: str | None, fold: Callable[[str], str], classes: bool = False
) -> re.Pattern[str]:
    """Compiles a pattern of LIKE for texts that are folded; its escape is one sign in its case."""
    pieces: list[str] = []
    index = 0
    while index < len(pattern):
        sign = pattern[index]
        if escape and sign == escape:
            index += 1
            if index == len(pattern):
                raise FailsThere("a pattern that ends with its escape")
            pieces.append(re.escape(fold(pattern[index])))
        elif sign == "%":
            if not pieces or pieces[-1] != ".*":
                pieces.append(".*")
        elif sign == "_":
            pieces.append(".")
        elif sign == "[" and classes:
            end = pattern.find("]", index + 1)
            inside = pattern[index + 1 : end]
            if end < 0 or not re.fullmatch(r"\^?[\w\-]+", inside):
                raise MeaningUnknown(f"the pattern {pattern!r}")
            pieces.append(f"[{fold(inside)}]")
            index = end
        else:
            pieces.append(re.escape(fold(sign)))
        index += 1
    if pieces.count(".*") > 6:
        raise MeaningUnknown("a pattern with many wildcards")
    return re.compile("".join(pieces), re.DOTALL)


def _search(text: str, pattern: str, flags: int) -> re.Match[str] | None:
    return _compiled(pattern, flags, text, exact=False).search(text)


_CLASSES = {
    "alpha": "A-Za-z",
    "digit": "0-9",
    "alnum": "A-Za-z0-9",
    "upper": "A-Z",
    "lower": "a-z",
    "space": r"\s",
    "punct": r"!-/:-@\[-`{-~",
}


_SAFE = re.compile(
    r"""\\[dwsDWS.\\*+?()\[\]{}|^$/-]      # classes and escaped signs that all systems have
      | \[\^?(?:\[:\w+:\]|[^\[\]\\])+\]     # a bracket expression
      | \{\d{1,3}(?:,\d{0,3})?\}
      | [.^$|*+?]
      | \((?!\?) | \)
      | [^\\\[\](){}.^$|*+?]
    """,
    re.VERBOSE,
)


def _compiled(pattern: str, flags: int, subject: str, *, exact: bool) -> re.Pattern[str]:
    compiled, unbounded = _translated(pattern, flags, exact)
    is_plain = pattern.isascii()
    classes = r"\\[A-Za-z]|\[:" if is_plain else r"\\[A-Za-z]|\["
    if not (is_plain and subject.isascii()) and re.search(classes, pattern):
        # Which letters beyond ASCII are words or lie in a range is each system's own.
        raise MeaningUnknown(f"the pattern {pattern!r} beside letters that are not ASCII")
    if (len(subject) + 1) ** max(1, unbounded) > _MOST_STEPS:
        raise MeaningUnknown("a pattern that may take long")
    return compiled


@lru_cache(maxsize=256)
def _translated(pattern: str, flags: int, exact: bool) -> tuple[re.Pattern[str], int]:
    """Compiles what POSIX, ICU and Python agree on.

    Args:
        pattern: The regular expression.
        flags: Python's.
        exact: Whether it matters how much is matched: POSIX takes the longest alternative.
    """
    pieces: list[str] = []
    index, unbounded, in_group, repeated = 0, 0, 0, False
    while index < len(pattern):
        piece = _SAFE.match(pattern, index)
        if piece is None or (exact and piece[0] == "|") or pattern[index:].startswith("(?"):
            raise MeaningUnknown(f"the pattern {pattern!r}")
        text = piece[0]
        index = piece.end()
        in_group += (text == "(") - (text == ")")
        repeats = text in "*+" or text[0] == "{"
        if repeats or text == "?":
            if pieces and pieces[-1] in ("*", "+", "?") and text == "?":
                # A short repetition: how much it takes depends on the system where that matters.
                if exact:
                    raise MeaningUnknown(f"the pattern {pattern!r}")
            elif pieces and pieces[-1] == ")" and repeats and repeated:
                raise MeaningUnknown("a repetition inside of a repetition")
            unbounded += repeats
            repeated |= repeats
        if text[0] == "[":
            for name, signs in _CLASSES.items():
                text = text.replace(f"[:{name}:]", signs)
            if "[:" in text:
                raise MeaningUnknown(f"the pattern {pattern!r}")
        pieces.append(text)
    source = "".join(pieces)
    try:
        return re.compile(
            source.replace("$", r"\Z") if source.endswith("$") else source,
            flags | (re.ASCII if source.isascii() else 0),
        ), unbounded
    except re.error as error:
        raise FailsThere(f"the pattern {pattern!r}: {error}") from None

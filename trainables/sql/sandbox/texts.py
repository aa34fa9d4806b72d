"""Text functions of other dialects. Standard library only."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from trainables.sql.sandbox.failures import FailsThere, MeaningUnknown, TooLarge

LONGEST = 1_000_000
"""Characters of a value, as `Limits.value_bytes`."""

_MOST_STEPS = 10_000_000
"""Bound on the steps of one match: a pattern and text that may need more are not tried."""


def said(value: Any) -> str:
    """Returns an integer or a text as text.

    Raises:
        MeaningUnknown: It is a float or a blob, which the systems write in different ways.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value)
    raise MeaningUnknown("a decimal number as text")


def concatenated(*values: Any) -> str:
    """Joins what is not NULL."""
    return _checked("".join(said(value) for value in values if value is not None))


def joined(separator: str | None, *values: Any) -> str | None:
    """Joins what is not NULL with a separator; NULL if that is NULL."""
    if separator is None:
        return None
    return _checked(separator.join(said(value) for value in values if value is not None))


def reverse(text: str) -> str:
    return said(text)[::-1]


def repeat(text: str, times: int) -> str:
    text = said(text)
    if len(text) * max(0, int(times)) > LONGEST:
        raise TooLarge("a repeated text")
    return text * max(0, int(times))


def pad_left(text: str, width: int, filling: str = " ") -> str | None:
    return _padded(said(text), int(width), filling, left=True)


def pad_right(text: str, width: int, filling: str = " ") -> str | None:
    return _padded(said(text), int(width), filling, left=False)


def left(text: str, count: int) -> str:
    """The first characters; a negative count leaves out so many at the end, as in PostgreSQL."""
    return said(text)[: int(count)]


def right(text: str, count: int) -> str:
    """The last characters; a negative count leaves out so many at the start, as in PostgreSQL."""
    text, count = said(text), int(count)
    return text[max(0, len(text) - count) :] if count >= 0 else text[-count:]


def cut(text: str, start: int, length: int | None = None) -> str:
    """SUBSTRING by places from 1; places before the text count into the length."""
    text, start = said(text), int(start)
    if length is None:
        return text[max(0, start - 1) :]
    if length < 0:
        raise FailsThere("a negative length of a substring")
    return text[max(0, start - 1) : max(0, start - 1 + int(length))]


def cut_from_end(text: str, start: int, length: int | None = None) -> str:
    """MySQL's SUBSTRING: a negative start counts from the end, 0 gives nothing."""
    text, start = said(text), int(start)
    if start == 0 or abs(start) > len(text) or (length is not None and length <= 0):
        return ""
    begin = start - 1 if start > 0 else len(text) + start
    return text[begin:] if length is None else text[begin : begin + int(length)]


def cut_of_oracle(text: str, start: int, length: int | None = None) -> str | None:
    """Oracle's SUBSTR: 0 counts as 1, a negative start from the end; nothing is NULL."""
    return cut_from_end(text, int(start) or 1, length) or None


def place(needle: str, text: str, start: int = 1) -> int:
    """Returns the place from 1 at which a text is found, or 0."""
    if start < 1:
        raise MeaningUnknown("a search that starts before the text")
    return said(text).find(said(needle), int(start) - 1) + 1


def place_in_any_case(needle: str, text: str, start: int = 1) -> int:
    """The same without regard to the case of letters."""
    return place(_folded(said(needle)), _folded(said(text)), start)


def overlay(text: str, new: str, start: int, length: int | None = None) -> str:
    text, new, start = said(text), said(new), int(start)
    length = len(new) if length is None else int(length)
    if start < 1 or length < 0:
        raise MeaningUnknown("a replacement outside of the text")
    return _checked(text[: start - 1] + new + text[start - 1 + length :])


def stuff(text: str, start: int, length: int, new: str) -> str | None:
    """T-SQL's STUFF: NULL where the place is outside of the text."""
    if start < 1 or length < 0 or start > len(said(text)):
        return None
    return overlay(text, new, start, length)


def insert(text: str, start: int, length: int, new: str) -> str:
    """MySQL's INSERT: the text itself where the place is outside of it."""
    if start < 1 or start > len(said(text)):
        return said(text)
    return overlay(text, new, start, len(text) if length < 0 else length)


def part_between(text: str, separator: str, number: int) -> str:
    """PostgreSQL's SPLIT_PART."""
    pieces = said(text).split(said(separator)) if separator else [said(text)]
    if number == 0:
        raise FailsThere("the field 0 of a text")
    index = int(number) - 1 if number > 0 else len(pieces) + int(number)
    return pieces[index] if 0 <= index < len(pieces) else ""


def part_up_to(text: str, separator: str, count: int) -> str:
    """MySQL's SUBSTRING_INDEX."""
    if not separator or not count:
        return ""
    pieces = said(text).split(said(separator))
    return separator.join(pieces[:count] if count > 0 else pieces[count:])


def mapped(text: str, old: str, new: str) -> str:
    """TRANSLATE: each character of `old` becomes that of `new` at its place, or vanishes."""
    table: dict[int, str | None] = {}
    for index, character in enumerate(said(old)):
        table.setdefault(ord(character), new[index] if index < len(new) else None)
    return said(text).translate(table)


def capitalised(text: str) -> str:
    """INITCAP: words of letters and digits begin with a capital and go on in small letters."""
    return re.sub(r"[^\W_]+", lambda word: word[0][0].upper() + word[0][1:].lower(), said(text))


def upper(text: str) -> str:
    """Upper case of all letters; SQLite knows ASCII's."""
    return said(text).upper()


def lower(text: str) -> str:
    return said(text).lower()


def length(text: Any) -> int:
    return len(said(text))


def length_without_trailing_blanks(text: Any) -> int:
    """T-SQL's LEN."""
    return len(said(text).rstrip(" "))


def bytes_of(text: Any) -> int:
    return len(said(text).encode())


def code(text: str) -> int:
    """Returns the code of the first character, for ASCII."""
    text = said(text)
    if not text:
        return 0
    if ord(text[0]) > 127:
        raise MeaningUnknown("the code of a character that is not ASCII")
    return ord(text[0])


def character(number: int) -> str:
    if not 0 < number < 128:
        raise MeaningUnknown(f"the character {number}")
    return chr(int(number))


def trimmed(side: str, text: str, characters: str) -> str:
    """Removes any of the characters at one side or both."""
    text = said(text)
    return {"BOTH": text.strip, "LEADING": text.lstrip, "TRAILING": text.rstrip}[side](characters)


def trimmed_of_text(side: str, text: str, removed: str) -> str:
    """MySQL's TRIM: removes a whole text, again and again."""
    text = said(text)
    if not removed:
        return text
    while side != "TRAILING" and text.startswith(removed):
        text = text[len(removed) :]
    while side != "LEADING" and text.endswith(removed):
        text = text[: -len(removed)]
    return text


def place_in_list(text: str, texts: str) -> int:
    """MySQL's FIND_IN_SET."""
    pieces = said(texts).split(",") if texts else []
    folded = [_folded(piece) for piece in pieces]
    return folded.index(_folded(said(text))) + 1 if _folded(said(text)) in folded else 0


def place_among(value: Any, *values: Any) -> int:
    """MySQL's FIELD."""
    if value is None:
        return 0
    wanted = _folded(value) if isinstance(value, str) else value
    for number, other in enumerate(values, 1):
        if other is not None and (_folded(other) if isinstance(other, str) else other) == wanted:
            return number
    return 0


def chosen(number: int | None, *values: Any) -> Any:
    """MySQL's ELT and T-SQL's CHOOSE."""
    if number is None or not 1 <= number <= len(values):
        return None
    return values[int(number) - 1]


def md5(text: str) -> str:
    return hashlib.md5(said(text).encode(), usedforsecurity=False).hexdigest()


def greatest(*values: Any) -> Any:
    """The greatest of values of one kind that are not NULL."""
    return _extreme(max, values)


def least(*values: Any) -> Any:
    return _extreme(min, values)


def like(text: Any, pattern: Any, escape: str | None) -> bool:
    """LIKE that tells upper from lower case."""
    return bool(_like(said(pattern), escape, 0).fullmatch(said(text)))


def like_in_any_case(text: Any, pattern: Any, escape: str | None) -> bool:
    """LIKE that does not tell upper from lower case."""
    return bool(_like(_folded(said(pattern)), escape, 0).fullmatch(_folded(said(text))))


def like_of_tsql(text: Any, pattern: Any, escape: str | None) -> bool:
    """T-SQL's LIKE, with its classes in brackets."""
    return bool(_like(_folded(said(pattern)), escape, 1).fullmatch(_folded(said(text))))


def matches(text: str, pattern: str) -> bool:
    """Whether a regular expression is found in a text, in its case."""
    return _search(said(text), said(pattern), 0) is not None


def matches_in_any_case(text: str, pattern: str) -> bool:
    return _search(said(text), said(pattern), re.IGNORECASE) is not None


def replaced(text: str, pattern: str, new: str, all_of_them: int, any_case: int) -> str:
    """Replaces the first or all places that match a regular expression."""
    text, flags = said(text), re.IGNORECASE if any_case else 0
    compiled = _compiled(said(pattern), flags, len(text), exact=True)
    if "\\" in new or "$" in new:
        raise MeaningUnknown("a replacement that refers to what was found")
    return _checked(compiled.sub(new, text, count=0 if all_of_them else 1))


def found(text: str, pattern: str, any_case: int) -> str | None:
    """Returns the first place that matches a regular expression, or NULL."""
    text, flags = said(text), re.IGNORECASE if any_case else 0
    match = _compiled(said(pattern), flags, len(text), exact=True).search(text)
    return match[0] if match else None


def fold_mysql(text: str) -> str:
    """What MySQL's collation utf8mb4_0900_ai_ci compares, for letters with and without accents."""
    plain = unicodedata.normalize("NFKD", text)
    return "".join(sign for sign in plain if not unicodedata.combining(sign)).casefold()


def compare_mysql(first: str, second: str) -> int:
    one, other = fold_mysql(first), fold_mysql(second)
    return (one > other) - (one < other)


def compare_tsql(first: str, second: str) -> int:
    """T-SQL's default collation: upper and lower case are one, blanks at the end do not count."""
    one, other = _folded(first).rstrip(" "), _folded(second).rstrip(" ")
    return (one > other) - (one < other)


def _folded(text: str) -> str:
    return text.casefold()


def _checked(text: str) -> str:
    if len(text) > LONGEST:
        raise TooLarge("a text")
    return text


def _padded(text: str, width: int, filling: str, *, left: bool) -> str | None:
    if width > LONGEST:
        raise TooLarge("a padded text")
    if width < 0:
        raise MeaningUnknown("a negative width")
    if width <= len(text):
        return text[:width]
    if not filling:
        raise MeaningUnknown("an empty filling")
    missing = width - len(text)
    fill = (filling * (missing // len(filling) + 1))[:missing]
    return fill + text if left else text + fill


def _extreme(choose: Any, values: Sequence[Any]) -> Any:
    given = [value for value in values if value is not None]
    kinds = {str if isinstance(value, str) else float for value in given}
    if len(kinds) > 1:
        raise MeaningUnknown("the greatest of numbers and texts")
    return choose(given) if given else None


@lru_cache(maxsize=256)
def _like(pattern: str, escape: str | None, classes: int) -> re.Pattern[str]:
    pieces: list[str] = []
    index = 0
    while index < len(pattern):
        sign = pattern[index]
        if escape and sign == escape:
            index += 1
            if index == len(pattern):
                raise FailsThere("a pattern that ends with its escape")
            pieces.append(re.escape(pattern[index]))
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
            pieces.append(f"[{inside}]")
            index = end
        else:
            pieces.append(re.escape(sign))
        index += 1
    if pieces.count(".*") > 6:
        raise MeaningUnknown("a pattern with many wildcards")
    return re.compile("".join(pieces), re.DOTALL)


def _search(text: str, pattern: str, flags: int) -> re.Match[str] | None:
    return _compiled(pattern, flags, len(text), exact=False).search(text)


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


def _compiled(pattern: str, flags: int, subject: int, *, exact: bool) -> re.Pattern[str]:
    compiled, unbounded = _translated(pattern, flags, exact)
    if (subject + 1) ** max(1, unbounded) > _MOST_STEPS:
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
            source.replace("$", r"\Z") if source.endswith("$") else source, flags | re.ASCII
        ), unbounded
    except re.error as error:
        raise FailsThere(f"the pattern {pattern!r}: {error}") from None

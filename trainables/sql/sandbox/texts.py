"""Text functions of other dialects. Standard library only."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any

from trainables.sql.sandbox.collations import fold_mysql, lowered
from trainables.sql.sandbox.failures import FailsThere, MeaningUnknown, TooLarge

LONGEST = 1_000_000
"""Characters of a value, as `Limits.value_bytes`."""


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
    return checked("".join(said(value) for value in values if value is not None))


def joined(separator: str | None, *values: Any) -> str | None:
    """Joins what is not NULL with a separator; NULL if that is NULL."""
    if separator is None:
        return None
    return checked(separator.join(said(value) for value in values if value is not None))


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


def filled(text: str, count: int) -> str:
    """Cuts a text to a type of a fixed width.

    Raises:
        MeaningUnknown: It is shorter: what it is filled up with counts in some operations only.
    """
    text = said(text)
    if len(text) < count:
        raise MeaningUnknown("a text padded with blanks")
    return text[:count]


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
    """The same without regard to the case of letters.

    Raises:
        MeaningUnknown: It depends on their accents, which count in some systems and versions.
    """
    needle, text = said(needle), said(text)
    found = place(lowered(needle), lowered(text), start)
    if not (needle.isascii() and text.isascii()):
        plain = "".join(fold_mysql(sign)[:1] or " " for sign in text)
        if place(fold_mysql(needle), plain, start) != found:
            raise MeaningUnknown("a search for letters with accents")
    return found


def overlay(text: str, new: str, start: int, length: int | None = None) -> str:
    text, new, start = said(text), said(new), int(start)
    length = len(new) if length is None else int(length)
    if start < 1 or length < 0:
        raise MeaningUnknown("a replacement outside of the text")
    return checked(text[: start - 1] + new + text[start - 1 + length :])


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
    one, others = fold_mysql(said(text)), [fold_mysql(piece) for piece in pieces]
    return others.index(one) + 1 if one in others else 0


def place_among(value: Any, *values: Any) -> int:
    """MySQL's FIELD."""
    if value is None:
        return 0
    wanted = fold_mysql(value) if isinstance(value, str) else value
    for number, other in enumerate(values, 1):
        if other is not None and (fold_mysql(other) if isinstance(other, str) else other) == wanted:
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


def checked(text: str) -> str:
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

"""What JSON from outside may say that must not be taken as it is, and the words for it.

Of tables of rows, lines of questions and files of models alike.
"""

from __future__ import annotations

from typing import Any


class KeyTwiceError(ValueError):
    """An object has a key twice: one of its two values would be lost."""


def object_of_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Returns an object, for `object_pairs_hook` of `json`.

    Raises:
        KeyTwiceError: It has a key twice; the message goes on from what the object is.
    """
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        name = next(name for name in names if names.count(name) > 1)
        raise KeyTwiceError(f"has the key {name!r} twice")
    return found


def has_half_character(text: str) -> bool:
    """Returns whether a text has half of a surrogate pair, which is no character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


HALF_CHARACTER = "has half of a character (a lone surrogate) in its"
"""What is wrong with a row in which a text is such; the text's name follows."""


def kind(value: Any) -> str:
    """Returns in words what a value is that should be something else."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    return "null" if value is None else names.get(type(value), "a number")

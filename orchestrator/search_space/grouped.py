"""Numbers that may be meant a thousand times as large: `20.000`, and `1,000` in a list."""

from __future__ import annotations

import re
from typing import Any

_POINT = re.compile(r"[-+]?[1-9][0-9]{0,2}\.[0-9]{3}")
_FIRST = re.compile(r"[-+]?[1-9][0-9]*")
_NEXT = re.compile(r"0[0-9]{2}(\.[0-9]+)?")


class Grouped(float):
    """A number as in `20.000`: 20 to YAML, and 20,000 to who writes a point between thousands.

    Attributes:
        written: What stands there.
    """

    written: str

    @classmethod
    def of(cls, text: str) -> float:
        """Returns the number that a text is to YAML, in this class if it may be meant as more."""
        if not _POINT.fullmatch(text):
            return float(text)
        number = cls(text)
        number.written = text
        return number


def of_a_whole_number(value: Any) -> str | None:
    """Returns what is wrong with a value where a whole number is asked for; None if not this."""
    if not isinstance(value, Grouped):
        return None
    meant = value.written.replace(".", "")
    is_now = f"{value:g}"
    if not value.is_integer():
        return f"is {is_now}, but must be a whole number; if {meant} is meant, write it so"
    return f"is {value.written}, which is {is_now}; write {meant} if that is meant, or {is_now}"


def in_list(before: str, text: str) -> str | None:
    """Returns what a comma between thousands has parted in a list; None if it has not.

    Args:
        before: The value before as it stands there, with what was parted from it before.
        text: The value itself.

    Returns:
        E.g. "1000" for `1,000`.
    """
    return before + text if _FIRST.fullmatch(before) and _NEXT.fullmatch(text) else None

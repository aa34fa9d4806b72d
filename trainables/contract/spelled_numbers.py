"""Numbers as people write them and YAML does not: 20,000 and 20k and 0,001."""

from __future__ import annotations

import re

_GROUPED = re.compile(r"([-+]?[0-9]{1,3})((?:[,_' \u00a0\u202f][0-9]{3})+|(?:\.[0-9]{3}){2,})")
_SHORT = re.compile(r"([-+]?[0-9]+) ?([kKM])")
_COMMA = re.compile(r"([-+]?[0-9]+),([0-9]+)")
_THOUSANDS = {"k": 3, "K": 3, "M": 6}


def advice(text: str, *, whole: bool) -> str:
    """Returns how a number is to be written that stands there otherwise, to end a sentence.

    Args:
        text: What stands there, which is no number.
        whole: Whether it must be a whole number; else a comma may be the point of a fraction.

    Returns:
        E.g. ": write 20000"; "" for what is no such number.
    """
    given = text.strip()
    if found := _COMMA.fullmatch(given):
        # 1,000 may be a thousand and may be one; 0,001 and 1,5 are fractions.
        if not whole and (found[1].strip("+-0") == "" or len(found[2]) != len("000")):
            return f": write {found[1]}.{found[2]}, with a point"
        if not whole:
            return ": write it with a point before its decimals and nothing between its thousands"
    if found := _GROUPED.fullmatch(given):
        return f": write {found[1]}{re.sub('[^0-9]', '', found[2])}"
    if found := _SHORT.fullmatch(given):
        return f": write {found[1]}{'0' * _THOUSANDS[found[2]]}"
    return ""

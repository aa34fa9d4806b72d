"""A text as a value of a YAML file, such that it is read back as the same text."""

from __future__ import annotations

import re

_PLAIN = re.compile(r"[^\W\d_][\w/.-]*|/[\w/.-]+")
"""Begins with a letter, or as a path: no number and no date does."""
_WORDS = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n"))
"""Not texts to YAML 1.2, or to YAML 1.1, by which some editors read."""

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def text_value(text: str) -> str:
    r"""Returns a text as YAML has it, in double quotes where it is more than a name or a path.

    What is not seen is written out: the parser takes U+2028 for the end of a line, and no control
    character at all.

    Args:
        text: Any but one with halves of surrogate pairs, which no file in UTF-8 can have.
    """
    if _PLAIN.fullmatch(text) and text.isprintable() and text.casefold() not in _WORDS:
        return text
    return in_quotes(text)


def in_quotes(text: str) -> str:
    """Returns a text as YAML has it, in double quotes."""
    return f'"{"".join(_ESCAPES.get(each) or _seen(each) for each in text)}"'


def remark(text: str) -> str:
    r"""Returns a text as a comment may have it: in one line, and without what YAML refuses."""
    return "".join(map(_seen, text))


def _seen(each: str) -> str:
    if each.isprintable():
        return each
    code = ord(each)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"

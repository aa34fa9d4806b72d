"""Writes a text from outside so that a terminal only shows it.

What a model, a data set, a database or a file says may hold characters that do something to a
terminal, or to the order in which it shows the others, instead of being seen.
"""

from __future__ import annotations

import re

# By their Unicode categories: Cc (control characters: C0, DEL and C1), Cf (formats: the marks,
# embeddings, overrides and isolates of the bidirectional algorithm, what has no width, tags), Cs
# (halves of surrogate pairs, which UTF-8 lacks), Zl and Zp (the separators of lines and
# paragraphs). Spelled out, because a search by an expression takes a fiftieth of the time of one by
# `unicodedata`; a test compares both.
_FORMATS = (
    "\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f"
)
_SURROGATES = "\ud800-\udfff"
INVISIBLE = re.compile(f"[\x00-\x1f\x7f-\x9f{_FORMATS}{_SURROGATES}]")
"""One character that is not seen but acts."""

_INVISIBLE_BUT_LAYOUT = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f{_FORMATS}{_SURROGATES}]")


def visible(text: str) -> str:
    r"""Returns a text with its control and invisible characters written out, e.g. `\x1b`.

    Line feeds and tabs stay. A backslash stays too, so that the original cannot be told from a text
    that had the escape in it: for that there are JSON and `--raw`.
    """
    return _INVISIBLE_BUT_LAYOUT.sub(_escape, text)


def visible_line(text: str) -> str:
    r"""Returns a text in one line: as `visible`, and line feeds and tabs as `\n` and `\t`."""
    return INVISIBLE.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")

"""The time at which SQL runs when it is scored: always the same. Standard library only.

"The orders of the last year" is another result each day, and one question of the second for
`CURRENT_TIMESTAMP`. A score has to be the same whenever it is taken, and the reference and the
prediction have to read the same clock; so each place where SQLite would ask for the time is given
one fixed instant in the text itself, of context, reference and prediction alike.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from trainables.sql.sandbox.tokens import Token, tokens

DATE, TIME = "2024-07-17", "12:34:56"
"""Late enough for the rows of today's data sets to lie before it; on no edge of a day, a month, a
quarter or a year."""

_WORDS = {
    "current_timestamp": f"'{DATE} {TIME}'",
    "current_date": f"'{DATE}'",
    "current_time": f"'{TIME}'",
}
_FUNCTIONS = frozenset(
    {"date", "time", "datetime", "julianday", "unixepoch", "strftime", "timediff"}
)
_CALL_OF_NOTHING = re.compile(r"\(\s*\)")


def at_fixed_time(text: str) -> str:
    """Returns the text with its questions for the time answered: `DATE` and `TIME`, in UTC.

    These are `CURRENT_TIMESTAMP`, `CURRENT_DATE` and `CURRENT_TIME`, the literal 'now' as an
    argument of one of SQLite's functions of date and time, and these functions without any
    argument. A 'now' that is computed or stored is not seen.
    """
    lowered = text.lower()
    if not ("now" in lowered or "current_" in lowered or _CALL_OF_NOTHING.search(text)):
        # Most texts; all others are read token by token.
        return text
    said: list[str] = []
    end = 0
    callers: list[str] = []
    previous: Token | None = None
    outer: list[str] = []  # the words of the statement that stand in no parentheses, so far
    for token in tokens(text):
        instead = None
        if token.text == "(":
            callers.append(previous.text if previous and previous.kind == "word" else "")
        elif token.text == ")" and callers:
            is_question = callers.pop() in _FUNCTIONS - {"strftime", "timediff"}
            if is_question and previous and previous.text == "(":
                instead = f"'{DATE} {TIME}')"
        elif token.kind == "word" and token.text in _WORDS:
            if not _is_name(token, previous, outer):
                instead = _WORDS[token.text]
        elif (
            token.kind in ("text", "name")
            and token.text[1:-1].lower() == "now"
            and callers
            and callers[-1] in _FUNCTIONS
        ):
            instead = f"'{DATE} {TIME}'"
        if instead is not None:
            said += [text[end : token.start], instead]
            end = token.end
        if token.depth == 0:
            outer = [] if token.text == ";" else [*outer, token.text]
        previous = token
    return "".join([*said, text[end:]])


def _is_name(token: Token, previous: Token | None, outer: Sequence[str]) -> bool:
    """Returns whether a word such as CURRENT_TIME stands for a column.

    Args:
        token: The word.
        previous: What stands before it.
        outer: The words of its statement that stand in no parentheses, so far.
    """
    if previous is None or previous.text in (".", "as"):
        return previous is not None
    if token.depth != 1 or previous.text not in ("(", ","):
        return False
    defines = outer[:1] == ["create"] and "table" in outer[:3]
    fills = outer[:1] in (["insert"], ["replace"]) and not {"values", "select"} & {*outer}
    return defines or fills

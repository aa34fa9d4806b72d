"""SQL with the order that SQLite gives unasked turned round. Standard library only.

A LIMIT in a subquery, ROW_NUMBER() and GROUP_CONCAT take rows that tie, or have no order at all, as
SQLite's plan happens to bring them. Running a statement both ways shows two of its right answers.
"""

from __future__ import annotations

import math
import sqlite3
from typing import Any

from trainables.sql.sandbox.tokens import Token, tokens

_ARRIVAL = "arrival_of_row"
FUNCTIONS = frozenset([_ARRIVAL])
"""What `turned_round` calls, and `turn_round` adds to SQLite."""
_ORDER_DECIDES = frozenset(["row_number", "ntile", "lag", "lead", "first_value"])
"""Window functions whose value among rows that tie is up to the order in which they come."""
_WORDS_OF_CHOICE = frozenset(
    ["over", "group", "group_concat", "string_agg", "json_group_array", "json_group_object"]
)
_AFTER_TERMS = frozenset(["limit", "rows", "range", "groups", "returning", "on"])


def turn_round(connection: sqlite3.Connection) -> None:
    """Lets rows without ORDER BY come in reverse, and GROUP_CONCAT join what came last first.

    The connection is one without an authorizer, or with one that permits PRAGMA.

    Source: https://www.sqlite.org/pragma.html#pragma_reverse_unordered_selects, which does not
    reach the rows of a group.
    """
    connection.execute("PRAGMA reverse_unordered_selects = ON")
    arrivals = iter(range(2**62))
    connection.create_function(_ARRIVAL, 0, lambda: next(arrivals))
    for arguments in (1, 2):
        connection.create_aggregate("group_concat", arguments, _Concatenation)
    connection.create_aggregate("string_agg", 2, _Concatenation)


def has_choice_within(text: str) -> bool:
    """Tells whether what a text does may depend on an order that it does not ask for.

    That is so where a subquery, a window, a group or what INSERT and CREATE TABLE select takes rows
    in some order; the outermost ORDER BY and LIMIT of a SELECT do not count.
    """
    words = [(token.text, token.depth) for token in tokens(text) if token.kind == "word"]
    if words and words[0][0] not in ("select", "with") and ("select", 0) in words:
        return True
    return any(
        word in _WORDS_OF_CHOICE or (depth > 0 and word in ("limit", "order"))
        for word, depth in words
    )


def turned_round(statement: str) -> str:
    """Returns the statement with each choice among rows that tie made for the row that came last.

    Those are ORDER BY in subqueries, in what INSERT and CREATE TABLE select, and in the windows of
    `_ORDER_DECIDES`. The outermost ORDER BY of a SELECT stays: `trainables.sql.sandbox.ties` knows
    all of its choices. What makes a view or a trigger stays too.
    """
    pieces = tokens(statement)
    words = [token.text if token.kind == "word" else "" for token in pieces]
    if not words or (words[0] == "create" and {"view", "trigger"} & set(words[:4])):
        return statement
    said: list[str] = []
    end = 0
    # Of each level of parentheses: whether a choice is made by an ORDER BY in it.
    decides = [words[0] not in ("select", "with")]
    for i, token in enumerate(pieces):
        if token.text == "(":
            decides.append(_opens_window(pieces, words, i))
        elif token.text == ")" and len(decides) > 1:
            decides.pop()
        elif words[i] == "select" and token.depth:
            decides[-1] = True
        elif words[i : i + 2] == ["order", "by"] and decides[-1]:
            last = _end_of_terms(pieces, words, i + 2)
            said += [statement[end : pieces[last].end], f", {_ARRIVAL}() DESC"]
            end = pieces[last].end
    return "".join([*said, statement[end:]])


def _opens_window(pieces: list[Token], words: list[str], i: int) -> bool:
    """Tells whether the window of one of `_ORDER_DECIDES` opens at a parenthesis."""
    if i < 3 or words[i - 1] != "over" or pieces[i - 2].text != ")":
        return False
    call = next(
        k
        for k in range(i - 3, -1, -1)
        if pieces[k].text == "(" and pieces[k].depth == pieces[i - 2].depth
    )
    return call > 0 and words[call - 1] in _ORDER_DECIDES


def _end_of_terms(pieces: list[Token], words: list[str], first: int) -> int:
    depth = pieces[first - 1].depth
    for i in range(first, len(pieces)):
        ends = pieces[i].depth < depth or (pieces[i].text == ")" and pieces[i].depth == depth - 1)
        if ends or (pieces[i].depth == depth and words[i] in _AFTER_TERMS):
            return i - 1
    return len(pieces) - 1


class _Concatenation:
    """GROUP_CONCAT of the rows in reverse."""

    def __init__(self) -> None:
        self._pieces: list[tuple[str, str]] = []

    def step(self, value: object, separator: object = ",") -> None:
        if value is not None:
            self._pieces.append((_text(value), "" if separator is None else _text(separator)))

    def finalize(self) -> Any:
        if not self._pieces:
            return None
        (last, _), *others = reversed(self._pieces)
        return last + "".join(separator + piece for piece, separator in others)


def _text(value: object) -> str:
    if isinstance(value, float):
        # As SQLite's own "%!.15g": with a point, whatever the value.
        digits, exponent, power = f"{value:.15g}".partition("e")
        point = "" if "." in digits or math.isinf(value) else ".0"
        return digits.title() + point + exponent + power
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)

"""SQL with the order that SQLite gives unasked turned round or shuffled. Standard library only.

A LIMIT in a subquery, ROW_NUMBER() and GROUP_CONCAT take rows that tie, or have no order at all, as
SQLite's plan happens to bring them. Running a statement both ways shows two of its right answers,
shuffles show more.
"""

from __future__ import annotations

import math
import random
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from trainables.sql.sandbox.statements import split_statements
from trainables.sql.sandbox.tokens import Token, tokens

_ARRIVAL = "arrival_of_row"
FUNCTIONS = frozenset([_ARRIVAL])
"""What `in_other_order` calls, and `reorder` adds to SQLite."""
_ORDER_DECIDES = frozenset(["row_number", "ntile", "lag", "lead", "first_value"])
"""Window functions whose value among rows that tie is up to the order in which they come."""
_JOINING = frozenset(["group_concat", "string_agg"])
_WORDS_OF_CHOICE = frozenset(["over", "group", "json_group_array", "json_group_object", *_JOINING])
_AFTER_TERMS = frozenset(["limit", "rows", "range", "groups", "returning", "on"])


def reorder(connection: sqlite3.Connection, seed: int | None = None) -> None:
    """Lets rows without ORDER BY, and those that GROUP_CONCAT joins, come in another order.

    The connection is one without an authorizer, or with one that permits PRAGMA.

    Source: https://www.sqlite.org/pragma.html#pragma_reverse_unordered_selects, which does not
    reach the rows of a group.

    Args:
        connection: Of SQLite.
        seed: What a shuffle depends on; None: rows come in reverse.
    """
    draws = random.Random(seed)
    is_reverse = seed is None or draws.random() < 0.5
    connection.execute(f"PRAGMA reverse_unordered_selects = {'ON' if is_reverse else 'OFF'}")
    arrivals = iter(range(2**62))
    arrival = arrivals.__next__ if seed is None else draws.random
    connection.create_function(_ARRIVAL, 0, arrival)
    arrange = list.reverse if seed is None else draws.shuffle

    class Joined(_Concatenation):
        def __init__(self) -> None:
            super().__init__(arrange)

    for arguments in (1, 2):
        connection.create_aggregate("group_concat", arguments, Joined)
    connection.create_aggregate("string_agg", 2, Joined)


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


def has_order_to_shuffle(text: str) -> bool:
    """Tells whether `in_other_order` or a joining function of `reorder` changes a text's answers.

    Else it has but two of them here: as SQLite's plan brings its rows, and the reverse.
    """
    return any(
        in_other_order(statement) != statement
        or any(token.kind == "word" and token.text in _JOINING for token in tokens(statement))
        for statement in split_statements(text)
    )


def in_other_order(statement: str) -> str:
    """Returns the statement with each choice among rows that tie made by their arrival.

    Those are ORDER BY and LIMIT in subqueries, in what INSERT and CREATE TABLE select, and in the
    windows of `_ORDER_DECIDES`. The outermost ORDER BY of a SELECT stays:
    `trainables.sql.sandbox.ties` knows all of its choices. What makes a view or a trigger stays
    too.
    """
    pieces = tokens(statement)
    words = [token.text if token.kind == "word" else "" for token in pieces]
    if not words or (words[0] == "create" and {"view", "trigger"} & set(words[:4])):
        return statement
    said: list[str] = []
    end = 0
    # Of each level of parentheses: whether a choice is made by an order in it, and what order.
    levels = [_Level(decides=words[0] not in ("select", "with"))]
    for i, token in enumerate(pieces):
        level = levels[-1]
        if token.text == "(":
            levels.append(_Level(decides=_opens_window(pieces, words, i), is_window=True))
        elif token.text == ")" and len(levels) > 1:
            if level.decides and level.is_window and not level.is_ordered:
                said += [statement[end : token.start], f" ORDER BY {_ARRIVAL}() DESC"]
                end = token.start
            levels.pop()
        elif words[i] == "select":
            level.decides |= token.depth > 0
            level.is_window = level.is_ordered = False
        elif words[i : i + 2] == ["order", "by"] and level.decides:
            last = _end_of_terms(pieces, words, i + 2)
            said += [statement[end : pieces[last].end], f", {_ARRIVAL}() DESC"]
            end = pieces[last].end
            level.is_ordered = True
        elif words[i] == "limit" and level.decides and not level.is_ordered:
            said += [statement[end : token.start], f"ORDER BY {_ARRIVAL}() DESC "]
            end = token.start
    return "".join([*said, statement[end:]])


@dataclass
class _Level:
    """What stands in one pair of parentheses, as far as it has been read."""

    decides: bool
    is_window: bool = False
    is_ordered: bool = False


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
    """GROUP_CONCAT of the rows in another order."""

    def __init__(self, arrange: Callable[[list[Any]], None]) -> None:
        self._pieces: list[tuple[str, str]] = []
        self._arrange = arrange

    def step(self, value: object, separator: object = ",") -> None:
        if value is not None:
            self._pieces.append((_text(value), "" if separator is None else _text(separator)))

    def finalize(self) -> Any:
        if not self._pieces:
            return None
        self._arrange(self._pieces)
        (first, _), *others = self._pieces
        return first + "".join(separator + piece for piece, separator in others)


def _text(value: object) -> str:
    if isinstance(value, float):
        # As SQLite's own "%!.15g": with a point, whatever the value.
        digits, exponent, power = f"{value:.15g}".partition("e")
        point = "" if "." in digits or math.isinf(value) else ".0"
        return digits.title() + point + exponent + power
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)

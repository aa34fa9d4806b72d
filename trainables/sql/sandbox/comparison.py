"""When two results of SQL, or two states of a database, are the same. Standard library only.

Numbers are equal as integers exactly, and within a relative 1e-6 (or 1e-9 next to zero) as soon as
one of them is a float: sums of decimals depend on the order of addition. NULL equals NULL only,
text never equals a number. The names of result columns do not count; their number and order do.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from typing import NamedTuple

Value = int | float | str | bytes | None
Row = tuple[Value, ...]

RELATIVE_TOLERANCE = 1e-6
ABSOLUTE_TOLERANCE = 1e-9

_LARGEST_SEARCH = 1_000
"""Rows that differ in floats and are matched one by one; more are compared in sorted order."""


class Result(NamedTuple):
    """What one statement returned.

    Attributes:
        columns: Number of columns.
        rows: The rows, as they came.
        ordered: Whether the statement asked for this order at its outermost level.
    """

    columns: int
    rows: list[Row]
    ordered: bool


class Relation(NamedTuple):
    """A table or view of a database's state.

    Attributes:
        definition: Whatever must be equal in both states: kind, name, columns, keys, indexes.
        content: Its rows, in no order.
    """

    definition: Hashable
    content: Result


State = list[Relation]


def same_results(reference: Sequence[Result], prediction: Sequence[Result]) -> bool:
    """Tells whether two runs returned the same, statement by statement.

    Args:
        reference: One result for each statement that returned any columns. Where it is `ordered`,
        the
            prediction's rows must come in the same order; else rows are compared as multisets.
        prediction: Likewise; it must have as many results.
    """
    return len(reference) == len(prediction) and all(
        _same_result(*pair) for pair in zip(reference, prediction, strict=True)
    )


def same_state(reference: State, prediction: State) -> bool:
    """Tells whether two databases have the same tables, views and rows, in whatever order."""
    expected = {relation.definition: relation.content for relation in reference}
    found = {relation.definition: relation.content for relation in prediction}
    return (
        len(reference) == len(prediction)
        and expected.keys() == found.keys()
        and all(_same_result(expected[key], found[key]) for key in expected)
    )


def _same_result(reference: Result, prediction: Result) -> bool:
    if reference.columns != prediction.columns or len(reference.rows) != len(prediction.rows):
        return False
    if reference.ordered:
        return all(_same_row(*pair) for pair in zip(reference.rows, prediction.rows, strict=True))
    return _same_multiset(reference.rows, prediction.rows)


def _same_multiset(first: list[Row], second: list[Row]) -> bool:
    """Pairs equal rows first; what is left can only differ in floats, within the tolerance."""
    # As keys, Python's 1 and 1.0 are one, as in SQL; "1" and b"1" are others.
    ours, theirs = Counter(first), Counter(second)
    if ours == theirs:
        return True
    left, right = _by_shape(ours - theirs), _by_shape(theirs - ours)
    return left.keys() == right.keys() and all(
        _pair_off(left[shape], right[shape]) for shape in left
    )


def _by_shape(rows: Counter[Row]) -> dict[Hashable, list[Row]]:
    groups: defaultdict[Hashable, list[Row]] = defaultdict(list)
    for row in rows.elements():
        # A number's place holds True, any other value's place a tuple of the value.
        shape = tuple(True if isinstance(value, int | float) else (value,) for value in row)
        groups[shape].append(row)
    return groups


def _pair_off(first: list[Row], second: list[Row]) -> bool:
    if len(first) != len(second):
        return False
    first.sort(key=_numbers)
    second.sort(key=_numbers)
    if len(first) > _LARGEST_SEARCH:
        return all(_same_row(*pair) for pair in zip(first, second, strict=True))
    for row in first:
        place = next((i for i, other in enumerate(second) if _same_row(row, other)), None)
        if place is None:
            return False
        second.pop(place)
    return True


def _numbers(row: Row) -> tuple[float, ...]:
    return tuple(value for value in row if isinstance(value, int | float))


def _same_row(first: Row, second: Row) -> bool:
    return len(first) == len(second) and all(map(_same_value, first, second))


def _same_value(first: Value, second: Value) -> bool:
    if isinstance(first, float) or isinstance(second, float):
        return (
            isinstance(first, int | float)
            and isinstance(second, int | float)
            and math.isclose(first, second, rel_tol=RELATIVE_TOLERANCE, abs_tol=ABSOLUTE_TOLERANCE)
        )
    return first == second

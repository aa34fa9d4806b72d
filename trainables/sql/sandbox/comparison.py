"""When two results of SQL, or two states of a database, are the same. Standard library only.

The names of result columns do not count; their number and order do. NULL equals NULL only, text
equals text of the same characters, a blob a blob of the same bytes; text never equals a number.

Numbers are the same if they differ by no more than the rounding of floats:

- Whole numbers (integers, and floats without a fraction below 2**53) only if they are equal. Sums
  and products of whole floats are exact, so 1,000,000.0 and 1,000,001.0 are two answers.
- Other floats within a relative 2e-12 of the larger. Figures, from 200 draws each: sums of 1,000
  doubles (uniform, lognormal, or prices in cents) differ between orders of addition, and from the
  exact sum, by a relative 2e-15 in the median and 6e-15 at most, sums of 10,000 by 1.2e-14 at most;
  AVG is such a sum and one division. A standard deviation of 1,000 values by the mean of squares
  and by the squares of differences differs by 3e-13 at most while the mean is up to ten deviations.
  On the other side, a second is 4.7e-12 of a Julian day of today, and four milliseconds are 2.4e-12
  of a Unix time in seconds with a fraction.
- Zero and what is left of it when a sum cancels out (0.1 + 0.2 - 0.3 is 5.6e-17): numbers below
  2**-30 of which half the digits or more are zeros in base two, as such remainders are. A number
  that is written in decimals (1e-10) has all 53 digits and is not taken for zero.

What this does not take for rounding: ROUND(x, 2), and floats turned into text, where the rounding
before them crosses a border (0.125 and 0.12499999999999999 round to 0.13 and 0.12); a variance by
the mean of squares of values a hundred deviations from zero (3e-11); decimals written out with
fewer than 13 digits.

In a multiset, rows are matched by these rules whatever their number: in each column the numbers
that rounding connects, in one step or several, become one, and then rows are counted. Whatever
could be matched row by row is found equal, in O(n log n), and neither order nor side changes the
outcome.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

Value = int | float | str | bytes | None
Row = tuple[Value, ...]

RELATIVE_TOLERANCE = 2e-12

_LARGEST_WHOLE = 2.0**53
"""From here on every float is whole, and sums round."""
_LARGEST_REMAINDER = 2.0**-30
_DIGITS_OF_REMAINDER = 26
"""Base two."""


class Result(NamedTuple):
    """What one statement returned.

    Attributes:
        columns: Number of columns.
        rows: The rows, as they came.
        ordered: Whether the statement asked for this order at its outermost level.
        groups: All rows that the statement returns without its LIMIT and OFFSET, in groups that
            come in this order, each in any order. None: `rows` is all that is known.
        offset: Of `rows` in the rows of all groups.
        is_unclear: Whether another order, or other rows from `groups`, might be as right, and it is
            not known which.
    """

    columns: int
    rows: list[Row]
    ordered: bool
    groups: list[list[Row]] | None = None
    offset: int = 0
    is_unclear: bool = False


class Relation(NamedTuple):
    """A table, view or trigger of a database's state.

    Attributes:
        definition: Whatever must be equal in both states: kind, name, columns, keys, indexes.
        content: Its rows, in no order; None for what has none, and for a view that does not run.
        text: What a view says. It counts where it returns no rows in either state: two views that
            select the same rows are one, but no rows are no evidence.
    """

    definition: Hashable
    content: Result | None
    text: str = ""


State = list[Relation]


def same_results(reference: Sequence[Result], prediction: Sequence[Result]) -> bool | None:
    """Tells whether the prediction returned what the reference may return, statement by statement.

    Args:
        reference: One result for each statement that returned any columns. With `groups`, the
            prediction's rows have to be a sequence that these allow: any order within a group, and
            any choice from a group that the LIMIT or OFFSET cuts. A LIMIT without ORDER BY cuts the
            one group of all rows, so any rows of the right number are as right as those that SQLite
            returned. Without `groups`, rows have to come in the same order where it is `ordered`;
            else they are compared as multisets.
        prediction: Likewise; it must have as many results. Its groups do not count.

    Returns:
        None if that depends on what is unclear in the reference.
    """
    if len(reference) != len(prediction):
        return False
    verdicts = [_same_result(*pair) for pair in zip(reference, prediction, strict=True)]
    return False if False in verdicts else None if None in verdicts else True


def same_columns(
    reference: Sequence[Result], prediction: Sequence[Result]
) -> frozenset[tuple[int, int]]:
    """Returns which columns have the same values in some order, as (result, column).

    Args:
        reference: Results.
        prediction: Results of the same shapes.
    """
    return frozenset(
        (i, column)
        for i, (ours, theirs) in enumerate(zip(reference, prediction, strict=True))
        for column in range(ours.columns)
        if _same_multiset(
            [row[column : column + 1] for row in ours.rows],
            [row[column : column + 1] for row in theirs.rows],
        )
    )


def same_shapes(reference: Sequence[Result], prediction: Sequence[Result]) -> bool:
    """Tells whether two runs returned as many results with as many columns and rows each."""
    return [(result.columns, len(result.rows)) for result in reference] == [
        (result.columns, len(result.rows)) for result in prediction
    ]


def same_state(reference: State, prediction: State) -> bool:
    """Tells whether two databases have the same tables, views and rows, in whatever order."""
    expected = {relation.definition: relation for relation in reference}
    found = {relation.definition: relation for relation in prediction}
    return (
        len(reference) == len(prediction)
        and expected.keys() == found.keys()
        and all(_same_relation(expected[key], found[key]) for key in expected)
    )


def is_close(first: Value, second: Value) -> bool:
    """Tells whether two values are the same number but for rounding, by the rules above."""
    if not (isinstance(first, int | float) and isinstance(second, int | float)):
        return False
    if first == second:
        return True
    if _is_whole(first) and _is_whole(second):
        return False
    if _is_remainder(first) and _is_remainder(second):
        return True
    return math.isclose(first, second, rel_tol=RELATIVE_TOLERANCE, abs_tol=0.0)


def _same_relation(reference: Relation, prediction: Relation) -> bool:
    ours, theirs = reference.content, prediction.content
    if not (ours and ours.rows) and not (theirs and theirs.rows):
        return reference.text == prediction.text and (ours is None) == (theirs is None)
    return ours is not None and theirs is not None and _same_result(ours, theirs) is True


def _same_result(reference: Result, prediction: Result) -> bool | None:
    ours, theirs = reference.rows, prediction.rows
    if reference.columns != prediction.columns or len(ours) != len(theirs):
        return False
    if ours == theirs:
        return True
    if reference.groups is not None:
        allowed = _is_allowed(reference.groups, reference.offset, theirs)
        if not (allowed and reference.is_unclear):
            return allowed
    if reference.ordered:
        same = all(_same_row(*pair) for pair in zip(ours, theirs, strict=True))
    else:
        same = _same_multiset(ours, theirs)
    return None if reference.is_unclear and not same else same


def _is_allowed(groups: list[list[Row]], offset: int, rows: list[Row]) -> bool:
    """Tells whether rows may be those after `offset` of the rows of all groups."""
    found, *tied = _without_rounding(rows, *groups)
    start = 0
    for group in tied:
        part = found[max(0, start - offset) : max(0, start + len(group) - offset)]
        if not Counter(part) <= Counter(group):
            return False
        start += len(group)
    return len(found) <= max(0, start - offset)


def _same_multiset(first: list[Row], second: list[Row]) -> bool:
    # As keys, Python's 1 and 1.0 are one, as in SQL; "1" and b"1" are others.
    if Counter(first) == Counter(second):
        return True
    ours, theirs = _without_rounding(first, second)
    return Counter(ours) == Counter(theirs)


def _without_rounding(*lists: list[Row]) -> list[list[tuple[Hashable, ...]]]:
    """Returns the rows with one key in place of all numbers of a column that rounding connects."""
    columns: list[dict[int | float, tuple[int]]] = [
        _keys(value for value in column if isinstance(value, int | float))
        for column in zip(*(row for rows in lists for row in rows), strict=True)
    ]
    return [
        [
            tuple(
                keys[value] if isinstance(value, int | float) else value
                for keys, value in zip(columns, row, strict=True)
            )
            for row in rows
        ]
        for rows in lists
    ]


def _keys(numbers: Iterable[int | float]) -> dict[int | float, tuple[int]]:
    """Returns a key for each number: one for all that a chain of `is_close` connects.

    In sorted order, two neighbours are connected if and only if a number that may differ by
    rounding, the nearest on the left or on the right, is close to the farther of them: what is
    close to it is an interval, and these move with it. Keys are tuples, unlike any value.
    """
    line = sorted(set(numbers))
    rounded = [not _is_whole(number) for number in line]
    left: list[float | None] = []
    for number, may_differ in zip(line, rounded, strict=True):
        left.append(number if may_differ else left[-1] if left else None)
    right: list[float | None] = []
    for number, may_differ in zip(reversed(line), reversed(rounded), strict=True):
        right.append(number if may_differ else right[-1] if right else None)
    right.reverse()
    keys: dict[int | float, tuple[int]] = {}
    chains: list[list[int | float]] = []
    for i, number in enumerate(line):
        is_connected = i > 0 and (is_close(left[i - 1], number) or is_close(line[i - 1], right[i]))
        if not is_connected:
            chains.append([])
        chains[-1].append(number)
    for place, chain in enumerate(chains, start=1):
        # All remainders are zero, wherever they lie between other small numbers.
        key = (0,) if any(_is_remainder(number) for number in chain) else (place,)
        keys.update(dict.fromkeys(chain, key))
    return keys


def _same_row(first: Row, second: Row) -> bool:
    return len(first) == len(second) and all(map(_same_value, first, second))


def _same_value(first: Value, second: Value) -> bool:
    return first == second or is_close(first, second)


def _is_whole(number: int | float) -> bool:
    return isinstance(number, int) or (number.is_integer() and abs(number) < _LARGEST_WHOLE)


def _is_remainder(number: int | float) -> bool:
    if not abs(number) < _LARGEST_REMAINDER:
        return False
    digits, _ = math.frexp(number)
    return math.ldexp(digits, _DIGITS_OF_REMAINDER).is_integer()

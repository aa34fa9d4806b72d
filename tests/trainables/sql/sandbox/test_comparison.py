from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from trainables.sql.sandbox.comparison import Relation, Result, Row, same_results, same_state

VALUES = st.one_of(
    st.none(),
    st.integers(-3, 3),
    st.floats(allow_nan=False, width=16),
    st.sampled_from(["a", "1", ""]),
    st.binary(max_size=1),
)
ROWS = st.lists(st.tuples(VALUES, VALUES), max_size=8)


def result(rows: list[Row], ordered: bool = False) -> Result:
    return Result(2, rows, ordered)


@given(ROWS, st.integers(0, 99))
def test_order_does_not_count_unless_asked_for(rows: list[Row], seed: int) -> None:
    shuffled = random.Random(seed).sample(rows, len(rows))
    assert same_results([result(rows)], [result(shuffled)])
    assert same_results([result(rows, ordered=True)], [result(shuffled)]) == (
        shuffled == rows or all(map(_close, rows, shuffled))
    )


def _close(first: Row, second: Row) -> bool:
    return same_results([result([first])], [result([second])])


@given(ROWS)
def test_a_row_more_is_another_result(rows: list[Row]) -> None:
    assert not same_results([result(rows)], [result([*rows, (None, 0)])])


@given(ROWS)
def test_floats_that_differ_by_rounding_are_the_same(rows: list[Row]) -> None:
    nudged: list[Row] = [
        tuple(v * (1 + 1e-9) if isinstance(v, float) else v for v in row) for row in rows
    ]
    assert same_results([result(rows)], [result(nudged[::-1])])


def test_near_floats_are_paired_across_rows_of_other_text() -> None:
    ours: list[Row] = [(0.1 + 0.2, "a"), (0.3, "b"), (0.3, "c")]
    theirs: list[Row] = [(0.3, "c"), (0.1 + 0.2, "b"), (0.3, "a")]
    assert same_results([result(ours)], [result(theirs)])


def test_many_near_floats_are_compared_in_sorted_order() -> None:
    ours: list[Row] = [(i / 7, i) for i in range(5_000)]
    theirs: list[Row] = [(i / 7 * (1 + 1e-12), i) for i in range(5_000)]
    assert same_results([result(ours)], [result(theirs[::-1])])
    assert not same_results([result(ours)], [result([*theirs[:-1], (0.5, 1)])])


def test_large_integers_are_compared_exactly() -> None:
    assert not same_results([result([(2**62, 0)])], [result([(2**62 + 1, 0)])])
    assert not same_results([result([(1_000_000, 0)])], [result([(1_000_001, 0)])])
    assert same_results([result([(1, 0)])], [result([(1.0, 0.0)])])


def test_text_null_and_numbers_are_never_equal() -> None:
    values = (None, 0, "0", b"0", "")
    for first in values:
        for second in values:
            same = same_results([result([(first, 1)])], [result([(second, 1)])])
            assert same == (first is second)


def test_states_are_compared_without_order() -> None:
    one = Relation("t", result([(1, 2), (3, 4)]))
    two = Relation("u", result([]))
    assert same_state([one, two], [two, Relation("t", result([(3, 4), (1, 2)]))])
    assert not same_state([one, two], [one])
    assert not same_state([one], [Relation("t", result([(1, 2)]))])

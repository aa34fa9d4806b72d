from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainables.sql.sandbox.comparison import (
    RELATIVE_TOLERANCE,
    Relation,
    Result,
    Row,
    Value,
    is_close,
    same_results,
    same_shapes,
    same_state,
)

VALUES = st.one_of(
    st.none(),
    st.integers(-3, 3),
    st.floats(allow_nan=False, width=16),
    st.sampled_from(["a", "1", ""]),
    st.binary(max_size=1),
)
ROWS = st.lists(st.tuples(VALUES, VALUES), max_size=8)
# So near to each other that rounding connects some of them, and in chains.
NEAR = st.builds(
    lambda base, steps: base * (1 + steps * RELATIVE_TOLERANCE * 0.7),
    st.sampled_from([0.1, 2.5, -3e9 + 0.5, 1e13 + 0.5, 2.0**60, 1e-200]),
    st.integers(-4, 4),
)
NUMBERS: st.SearchStrategy[Value] = st.one_of(
    NEAR,
    st.sampled_from([0.0, -0.0, 2.0**-54, 3 * 2.0**-50, 1e-17, math.inf]),
    st.integers(10**13 - 2, 10**13 + 2),
    st.integers(0, 3).map(float),
    st.none(),
)
NEAR_ROWS = st.lists(st.tuples(NUMBERS, NUMBERS), max_size=6)


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
    return same_results([result([first])], [result([second])]) is True


@given(ROWS)
def test_a_row_more_is_another_result(rows: list[Row]) -> None:
    assert not same_results([result(rows)], [result([*rows, (None, 0)])])


@given(ROWS)
def test_floats_that_differ_by_rounding_are_the_same(rows: list[Row]) -> None:
    nudged: list[Row] = [
        tuple(v * (1 + 1e-13) if isinstance(v, float) else v for v in row) for row in rows
    ]
    assert same_results([result(rows)], [result(nudged[::-1])])


def test_near_floats_are_paired_across_rows_of_other_text() -> None:
    ours: list[Row] = [(0.1 + 0.2, "a"), (0.3, "b"), (0.3, "c")]
    theirs: list[Row] = [(0.3, "c"), (0.1 + 0.2, "b"), (0.3, "a")]
    assert same_results([result(ours)], [result(theirs)])


def test_many_near_floats_are_compared_by_the_same_rule() -> None:
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


@given(NEAR_ROWS, NEAR_ROWS, st.integers(0, 99))
def test_neither_side_nor_order_counts_among_near_numbers(
    first: list[Row], second: list[Row], seed: int
) -> None:
    shuffled = random.Random(seed).sample(first, len(first))
    verdict = same_results([result(first)], [result(second)])
    assert same_results([result(second)], [result(first)]) is verdict
    assert same_results([result(shuffled)], [result(second)]) is verdict
    assert same_results([result(first)], [result(shuffled)])


@given(NEAR_ROWS, NEAR_ROWS, st.integers(2, 400))
def test_the_rule_is_one_at_every_size(first: list[Row], second: list[Row], copies: int) -> None:
    verdict = same_results([result(first)], [result(second)])
    assert same_results([result(first * copies)], [result(second * copies)]) is verdict


@given(NEAR_ROWS.flatmap(lambda rows: st.tuples(st.just(rows), _neighbours(rows))))
def test_what_can_be_matched_row_by_row_is_the_same(pair: tuple[list[Row], list[Row]]) -> None:
    first, second = pair
    if any(all(map(_close, first, order)) for order in itertools.permutations(second)):
        assert same_results([result(first)], [result(second)])


def _neighbours(rows: Sequence[Row]) -> st.SearchStrategy[list[Row]]:
    """Rows in which each number is another near one of the same base, in another order."""

    def beside(value: Value) -> st.SearchStrategy[Value]:
        if not isinstance(value, float) or math.isinf(value):
            return st.just(value)
        steps = st.integers(-2, 2).map(lambda n: value * (1 + n * RELATIVE_TOLERANCE * 0.7))
        return st.one_of(st.just(value), steps)

    others = st.tuples(*(st.tuples(*map(beside, row)) for row in rows))
    return others.flatmap(lambda found: st.permutations(list(found)))


@given(NEAR_ROWS, st.randoms(use_true_random=False))
def test_rounding_of_each_number_in_its_own_way_is_the_same(
    rows: list[Row], draws: random.Random
) -> None:
    def rounded(value: Value) -> Value:
        if not isinstance(value, float) or math.isinf(value) or abs(value) < 1e-9:
            return value
        return value * (1 + draws.uniform(-1, 1) * RELATIVE_TOLERANCE / 2)

    others: list[Row] = [tuple(map(rounded, row)) for row in rows]
    draws.shuffle(others)
    assert same_results([result(rows)], [result(others)])


@given(NUMBERS, NUMBERS)
def test_closeness_has_no_side_and_no_sign(first: Value, second: Value) -> None:
    close = is_close(first, second)
    assert is_close(second, first) == close
    if first is None or second is None:
        assert not close
        return
    assert isinstance(first, int | float)
    assert isinstance(second, int | float)
    assert is_close(first, first)
    assert is_close(-first, -second) == close


@given(NEAR, NEAR, st.integers(-20, -1))
def test_closeness_has_no_scale(first: float, second: float, power: int) -> None:
    # A power of two changes no digit; below one, none of these is whole.
    scale = 2.0 ** (power - math.frexp(max(abs(first), abs(second)))[1])
    scaled = (first * scale, second * scale)
    if min(map(abs, scaled)) > 1e-9:
        assert is_close(*scaled) == math.isclose(first, second, rel_tol=RELATIVE_TOLERANCE)


@pytest.mark.parametrize("size", [10, 1_000, 10_000])
def test_sums_in_any_order_are_the_same(size: int) -> None:
    draws = random.Random(size)
    prices = [draws.randrange(1, 10**7) / 100 for _ in range(size)]
    sums = [math.fsum(prices), *(sum(draws.sample(prices, size)) for _ in range(20))]
    assert all(is_close(sums[0], other) for other in sums)
    # One cent more is another sum.
    assert not is_close(sums[0], sums[0] + 0.01)


@pytest.mark.parametrize(
    ("first", "second", "close"),
    [
        (0.1 + 0.2, 0.3, True),
        (0.1 + 0.2 - 0.3, 0, True),
        (0.1 + 0.2 - 0.3, 0.3 - 0.2 - 0.1, True),
        (1e-10, 0, False),
        (1e-17, 0, False),
        (2e-17, 1e-17, False),
        (3, 3 - 2**-51, True),
        (3, 3.0, True),
        (3, 3.0000001, False),
        (1e6, 1e6 + 1, False),
        (1e15, 1e15 + 1, False),
        (10**15, 10**15 + 1, False),
        (2**62, 2**62 + 1, False),
        (2**62, 2.0**62 + 2**12, True),
        (2459945.5, 2459947.5, False),
        (2459945.9166666665, 2459945.9166782405, False),
        (math.inf, math.inf, True),
        (math.inf, 1e308, False),
        (math.inf, -math.inf, False),
        ("1", 1, False),
        (None, None, False),
        (b"1", "1", False),
    ],
)
def test_is_close(first: Value, second: Value, close: bool) -> None:
    assert is_close(first, second) is close
    assert is_close(second, first) is close


KEYED = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), max_size=5)


@given(KEYED, st.integers(0, 3), st.integers(0, 5), st.lists(st.integers(0, 3), max_size=5))
def test_allowed_are_the_sequences_that_a_sort_may_return(
    keyed: list[tuple[int, int]], offset: int, limit: int, found: list[int]
) -> None:
    in_order = sorted(keyed)
    groups: list[list[Row]] = [
        [(value,) for _, value in tied]
        for _, tied in itertools.groupby(in_order, key=lambda pair: pair[0])
    ]
    legal = {
        tuple(value for _, value in order[offset : offset + limit])
        for order in itertools.permutations(keyed)
        if [key for key, _ in order] == [key for key, _ in in_order]
    }
    returned: list[Row] = [(value,) for _, value in in_order[offset : offset + limit]]
    reference = Result(1, returned, True, groups, offset)
    for guess in (tuple(found), *legal):
        prediction = Result(1, [(value,) for value in guess], False)
        assert same_results([reference], [prediction]) is (guess in legal)


def test_allowed_rows_may_differ_by_rounding() -> None:
    reference = Result(1, [(0.3,), (1.5,)], True, [[(0.3,)], [(1.5,), (2.5,)]])
    prediction = Result(1, [(0.1 + 0.2,), (2.5 * (1 + 1e-13),)], False)
    assert same_results([reference], [prediction]) is True


def test_what_is_unclear_is_said_so_unless_it_cannot_be() -> None:
    rows: list[Row] = [(1,), (2,)]
    unclear = Result(1, rows, True, [[(1,), (2,), (3,)]], 0, is_unclear=True)
    known = Result(1, rows, True)
    for guess, verdict in (([1, 2], True), ([2, 1], None), ([3, 1], None), ([4, 1], False)):
        found = Result(1, [(value,) for value in guess], False)
        assert same_results([unclear], [found]) is verdict
        assert same_results([unclear, known], [found, known]) is verdict
        assert same_results([unclear, known], [found, Result(1, rows[::-1], True)]) is False
    assert same_results([unclear], [Result(1, [(1,)], False)]) is False


def test_shapes_are_numbers_of_results_columns_and_rows() -> None:
    one, two = result([(1, 2)]), result([(1, 2), (3, 4)])
    assert same_shapes([one, two], [result([(5, 6)], ordered=True), two])
    assert not same_shapes([one], [two])
    assert not same_shapes([one], [one, one])
    assert not same_shapes([one], [Result(1, [(1,)], False)])


def test_the_text_of_a_view_counts_where_neither_returns_rows() -> None:
    empty, one = result([]), result([(1, 2)])
    assert same_state([Relation("v", empty, "a")], [Relation("v", empty, "a")])
    assert not same_state([Relation("v", empty, "a")], [Relation("v", empty, "b")])
    assert same_state([Relation("v", one, "a")], [Relation("v", one, "b")])
    assert not same_state([Relation("v", one, "a")], [Relation("v", empty, "a")])
    assert not same_state([Relation("v", None, "a")], [Relation("v", empty, "a")])
    assert not same_state([Relation("v", None, "a")], [Relation("v", one, "a")])

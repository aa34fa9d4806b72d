from __future__ import annotations

from itertools import combinations, pairwise

from hypothesis import given
from hypothesis import strategies as st

from trainables.data.batching import (
    by_token_budget,
    epoch_batches,
    micro_batches,
)

ROWS = st.integers(1, 900)
SIZES = st.integers(1, 33)
SEEDS = st.integers(0, 2**32)


def epoch(rows: int, batch_size: int, seed: int, number: int) -> list[list[int]]:
    return list(epoch_batches(rows, batch_size, seed=seed, epoch=number))


@given(ROWS, SIZES, SEEDS, st.integers(0, 50))
def test_an_epoch_holds_each_row_once_in_full_batches_but_one(
    rows: int, batch_size: int, seed: int, number: int
) -> None:
    batches = epoch(rows, batch_size, seed, number)
    assert sorted(row for batch in batches for row in batch) == list(range(rows))
    assert sum(len(batch) != batch_size for batch in batches) == (rows % batch_size > 0)
    assert batches == epoch(rows, batch_size, seed, number)


def test_every_epoch_and_seed_has_its_own_order() -> None:
    orders = [epoch(200, 8, seed, number) for seed in (1, 2) for number in (0, 1, 2)]
    assert all(a != b for i, a in enumerate(orders) for b in orders[:i])


@given(st.lists(st.integers(1, 100), max_size=80), st.integers(1, 400), st.integers(1, 20))
def test_a_token_budget_is_kept(lengths: list[int], tokens: int, most: int) -> None:
    batches = by_token_budget(lengths, tokens, most)
    assert sorted(row for batch in batches for row in batch) == list(range(len(lengths)))
    for batch in batches:
        longest = max(lengths[row] for row in batch)
        assert len(batch) == 1 or len(batch) * longest <= tokens
        assert len(batch) <= most


def _cost(cuts: list[list[int]], lengths: list[tuple[int, int]], overhead_tokens: float) -> float:
    return sum(
        overhead_tokens
        + len(cut) * (max(lengths[row][0] for row in cut) + max(lengths[row][1] for row in cut))
        for cut in cuts
    )


@given(
    st.lists(st.tuples(st.integers(1, 60), st.integers(1, 40)), min_size=1, max_size=8),
    st.integers(1, 8),
    st.sampled_from([0.0, 7.0, 60.0, 1e9]),
)
def test_a_batch_is_cut_into_the_cheapest_micro_batches(
    lengths: list[tuple[int, int]], most_rows: int, overhead_tokens: float
) -> None:
    cuts = micro_batches(lengths, most_rows, overhead_tokens)
    assert sorted(row for cut in cuts for row in cut) == list(range(len(lengths)))
    assert all(1 <= len(cut) <= most_rows for cut in cuts)
    order = [row for cut in cuts for row in cut]
    assert [lengths[row] for row in order] == sorted(lengths)
    every_way = (
        [order[start:end] for start, end in pairwise((0, *inner, len(order)))]
        for number in range(len(order))
        for inner in combinations(range(1, len(order)), number)
    )
    cheapest = min(
        _cost(way, lengths, overhead_tokens)
        for way in every_way
        if all(len(cut) <= most_rows for cut in way)
    )
    assert _cost(cuts, lengths, overhead_tokens) == cheapest
    if overhead_tokens == 1e9:
        assert len(cuts) == -(-len(lengths) // most_rows)


def test_a_huge_batch_is_cut_at_once() -> None:
    cuts = micro_batches([(1 + row % 90, 5) for row in range(60_000)], 1000, 150.0)
    assert [len(cut) for cut in cuts] == [1000] * 60

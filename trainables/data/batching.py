"""Which rows are trained on together.

A batch of training is a random one, so that its gradient is an unbiased estimate. Batches of like
length, which hold less padding, are not: in text-to-SQL the length goes with the kind of statement.
On the built-in rows they took a sixth off the time and put 7 to 8 % on the loss after the same
examples (`benchmarks/RESULTS.md`). Within a batch the order is free: it is cut into micro-batches
of like length. So is it in an evaluation, where the rows of a batch do not touch each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from trainables.runtime.seeding import seed_of

MOST_SEARCHED = 256
"""Rows. All ways to cut a larger batch would take longer to weigh than the best one saves."""


def epoch_batches(rows: int, batch_size: int, *, seed: int, epoch: int) -> Iterator[list[int]]:
    """Yields the batches of one epoch, as indices of rows; each row is in one of them.

    What does not fill a batch at the end is a smaller batch and an optimiser step of its own.

    Args:
        rows: Number of training rows.
        batch_size: Rows in every batch but perhaps one.
        seed: The trial's seed.
        epoch: Number of the epoch, from 0; the order follows from it and the seed alone.
    """
    order = np.random.default_rng(seed_of("epoch", seed, epoch)).permutation(rows).tolist()
    for start in range(0, rows, batch_size):
        yield order[start : start + batch_size]


def by_token_budget(lengths: Sequence[int], tokens: int, max_rows: int) -> list[list[int]]:
    """Returns batches of like length for evaluation: longest first, each row once.

    Args:
        lengths: Source tokens of each row.
        tokens: At most so many tokens in a batch, padding included; a longer row is a batch of its
        own.
        max_rows: At most so many rows in a batch.
    """
    order = sorted(range(len(lengths)), key=lambda row: (-lengths[row], row))
    batches: list[list[int]] = []
    for row in order:
        batch = batches[-1] if batches else None
        if batch and len(batch) < max_rows and (len(batch) + 1) * lengths[batch[0]] <= tokens:
            batch.append(row)
        else:
            batches.append([row])
    return batches


def micro_batches(
    lengths: Sequence[tuple[int, int]], most_rows: int, overhead_tokens: float
) -> list[list[int]]:
    """Cuts a batch into the micro-batches that cost least, each of rows of like length.

    Which rows share a forward pass does not change the batch's gradient, but how much padding it
    computes. Of all ways to cut the rows, sorted by length, the one with the smallest sum over
    micro-batches of `overhead_tokens` + rows * (longest source + longest target), by dynamic
    programming; a batch of more than `MOST_SEARCHED` rows is cut into micro-batches of `most_rows`.

    Args:
        lengths: Source and target tokens of each row.
        most_rows: At most so many rows in a micro-batch.
        overhead_tokens: What a micro-batch costs besides its tokens, counted in tokens.

    Returns:
        Indices of the rows, micro-batch by micro-batch, the shortest rows first.
    """
    order = sorted(range(len(lengths)), key=lambda row: (lengths[row], row))
    if len(order) > MOST_SEARCHED:
        return [order[start : start + most_rows] for start in range(0, len(order), most_rows)]
    best: list[tuple[float, int]] = [(0.0, 0)]  # of the first n rows: cost, start of the last cut
    for end in range(1, len(order) + 1):
        source = target = 0
        cheapest = (float("inf"), 0)
        for start in range(end - 1, max(-1, end - 1 - most_rows), -1):
            source = max(source, lengths[order[start]][0])
            target = max(target, lengths[order[start]][1])
            cost = best[start][0] + overhead_tokens + (end - start) * (source + target)
            cheapest = min(cheapest, (cost, start))
        best.append(cheapest)
    found: list[list[int]] = []
    end = len(order)
    while end > 0:
        start = best[end][1]
        found.append(order[start:end])
        end = start
    return found[::-1]

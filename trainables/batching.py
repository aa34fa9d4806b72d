"""Which rows are trained on together, and how they become tensors.

Rows of like length share a batch, so that little of it is padding. An epoch is shuffled, cut into
stretches of some batches, each stretch is sorted by length and cut into batches, and these are
shuffled: the longest rows neither come together in one part of the epoch nor in one order. All of
it follows from the seed and the epoch's number alone. An epoch holds each row exactly once; what
does not fill a batch at its end is a smaller batch and an optimiser step of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from trainables.seeding import seed_of
from trainables.sql_tokens import TokenIds

STRETCH = 50
"""At most so many batches are sorted by length together, and at most a quarter of an epoch: else a
small data set would make much the same batches in every epoch."""
IGNORED_LABEL = -100
"""Label of a padded position; torch's cross-entropy leaves it out."""

Lengths = Callable[[Sequence[int]], Sequence[tuple[int, int]]]


def epoch_batches(
    rows: int, batch_size: int, lengths: Lengths, *, seed: int, epoch: int
) -> Iterator[list[int]]:
    """Yields the batches of one epoch, as indices of rows.

    Args:
        rows: Number of training rows.
        batch_size: Rows in every batch but perhaps one.
        lengths: Called with the rows of one stretch; returns (source, target) tokens of each. It is
            called just before the stretch is used, so that rows beyond the budget are never
            tokenised.
        seed: The trial's seed.
        epoch: Number of the epoch, from 0.
    """
    generator = np.random.default_rng(seed_of("epoch", seed, epoch))
    order = generator.permutation(rows).tolist()
    size = min(STRETCH, max(1, rows // (4 * batch_size))) * batch_size
    for start in range(0, rows, size):
        stretch = order[start : start + size]
        length_of = dict(zip(stretch, lengths(stretch), strict=True))
        stretch.sort(key=length_of.__getitem__)  # stable, so ties keep their shuffled order
        batches = [stretch[i : i + batch_size] for i in range(0, len(stretch), batch_size)]
        for number in generator.permutation(len(batches)):
            yield batches[number]


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


@dataclass(frozen=True)
class Batch:
    """One forward pass. `b` rows, `s` and `t` the longest source and target in it.

    Attributes:
        input_ids: [b, s], padded on the right.
        attention_mask: [b, s], 1 where there is a token.
        labels: [b, t], `IGNORED_LABEL` where there is none.
        source_tokens: Tokens in `input_ids` that are not padding.
        target_tokens: The same for `labels`.
    """

    input_ids: torch.Tensor
    attention_mask: torch.Tensor
    labels: torch.Tensor
    source_tokens: int
    target_tokens: int


def collate(
    sources: Sequence[TokenIds],
    targets: Sequence[TokenIds],
    *,
    padding_id: int,
    device: torch.device,
) -> Batch:
    """Pads rows of token ids to the longest of them and puts them on the device.

    On CUDA the lengths are rounded up to a multiple of 8, the unit of its matrix engines.
    """
    input_ids, mask = pad(sources, padding_id, device)
    labels, _ = pad(targets, IGNORED_LABEL, device)
    return Batch(
        input_ids,
        mask,
        labels,
        source_tokens=sum(len(ids) for ids in sources),
        target_tokens=sum(len(ids) for ids in targets),
    )


def pad(
    rows: Sequence[TokenIds], value: int, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns the rows as one tensor [b, longest], padded on the right, and its mask."""
    unit = 8 if device.type == "cuda" else 1
    longest = -(-max(len(ids) for ids in rows) // unit) * unit
    padded = np.full((len(rows), longest), value, dtype=np.int64)
    mask = np.zeros((len(rows), longest), dtype=np.int64)
    for row, ids in enumerate(rows):
        padded[row, : len(ids)] = ids
        mask[row, : len(ids)] = 1
    return _on(device, padded), _on(device, mask)


def _on(device: torch.device, array: npt.NDArray[np.int64]) -> torch.Tensor:
    tensor = torch.from_numpy(array)
    if device.type == "cuda":  # from pinned memory the copy does not wait for the device
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)

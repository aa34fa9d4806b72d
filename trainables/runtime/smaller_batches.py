"""Batches that are done in halves where memory does not suffice for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import torch

from trainables.contract.errors import lacks_memory
from trainables.runtime.device import release_memory

_Row = TypeVar("_Row")
_Found = TypeVar("_Found")


def in_halves(
    batch: Sequence[_Row], do: Callable[[Sequence[_Row]], _Found], device: torch.device
) -> Iterator[tuple[Sequence[_Row], _Found]]:
    """Yields what comes of a batch; where memory does not suffice, of its halves, down to one row.

    Args:
        batch: Rows.
        do: What is done with them, and can be done again.
        device: Where.

    Yields:
        Rows, in their order, and what came of them.
    """
    try:
        found = do(batch)
    except Exception as error:
        if len(batch) < 2 or not lacks_memory(error):
            raise
    else:
        yield batch, found
        return
    # Outside of the `except`: the error holds what there was too much of.
    release_memory(device)
    middle = len(batch) // 2
    for part in (batch[:middle], batch[middle:]):
        yield from in_halves(part, do, device)

"""Rows of token ids as tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from trainables.families.framing import TokenIds

IGNORED_LABEL = -100
"""Label of a position that is not to be learnt; torch's cross-entropy leaves it out."""


@dataclass(frozen=True)
class Batch:
    """One forward pass of `b` rows, as the family of the model lays it out.

    Attributes:
        input_ids: [b, s], padded on the right.
        attention_mask: [b, s], 1 where there is a token.
        labels: [b, t], `IGNORED_LABEL` where there is nothing to learn.
        source_tokens: Tokens of the prompts, padding not counted.
        target_tokens: The same of the statements.
    """

    input_ids: torch.Tensor
    attention_mask: torch.Tensor
    labels: torch.Tensor
    source_tokens: int
    target_tokens: int


def pad(
    rows: Sequence[TokenIds], value: int, device: torch.device, *, left: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns the rows as one tensor [b, longest] and its mask, on the device.

    On CUDA the length is rounded up to a multiple of 8, the unit of its matrix engines.

    Args:
        rows: Token ids.
        value: What fills a row.
        device: Where.
        left: Whether it stands on the left of the row, not on the right.
    """
    unit = 8 if device.type == "cuda" else 1
    longest = -(-max(len(ids) for ids in rows) // unit) * unit
    padded = np.full((len(rows), longest), value, dtype=np.int64)
    mask = np.zeros((len(rows), longest), dtype=np.int64)
    for row, ids in enumerate(rows):
        place = slice(longest - len(ids), None) if left else slice(len(ids))
        padded[row, place] = ids
        mask[row, place] = 1
    return on_device(device, padded), on_device(device, mask)


def on_device(device: torch.device, array: npt.NDArray[np.int64]) -> torch.Tensor:
    tensor = torch.from_numpy(array)
    if device.type != "cuda":
        return tensor.to(device)
    # From pinned memory the transfer does not wait for the device. Made so and not by
    # `pin_memory()`, which does not go where memory is only counted (torch 2.13).
    pinned = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    return pinned.copy_(tensor).to(device, non_blocking=True)

"""Rows of token ids, laid out for one pass of an encoder-decoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt
import torch

from trainables.families.batch import on_device, pad
from trainables.families.framing import TokenIds


def tokens_of(rows: Sequence[TokenIds]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Returns of each token of some rows, one row after another, its row and its place in it."""
    lengths = np.array([len(ids) for ids in rows])
    of_row = np.repeat(np.arange(len(rows)), lengths)
    return of_row, np.arange(len(of_row)) - np.repeat(np.cumsum(lengths) - lengths, lengths)


@dataclass(frozen=True)
class Sources:
    """Prompts.

    Attributes:
        ids: [b, s], padded on the right.
        mask: [b, s], 1 where there is a token.
    """

    ids: torch.Tensor
    mask: torch.Tensor

    @classmethod
    def of(cls, rows: Sequence[TokenIds], padding: int, device: torch.device) -> Sources:
        """Lays prompts out."""
        return cls(*pad(rows, padding, device))


@dataclass(frozen=True)
class Targets:
    """Statements that are to be learnt, or whose loss is measured.

    Attributes:
        before: [b, t], what each token is told from: the one before it, padded on the right.
        labels: [n], the tokens themselves, row by row without padding.
        places: [n], where they stand in `before`, counted over all rows.
        rows: [n], their rows.
    """

    before: torch.Tensor
    labels: torch.Tensor
    places: torch.Tensor
    rows: torch.Tensor

    @classmethod
    def of(
        cls, rows: Sequence[TokenIds], begin: int, padding: int, device: torch.device
    ) -> Targets:
        """Lays statements out.

        The numbers of their tokens are known here, so that no device is waited for to count them.

        Args:
            rows: Token ids, at least one each.
            begin: What the first token is told from.
            padding: What fills a row.
            device: Where.
        """
        first = np.array([begin], dtype=np.int32)
        before, _ = pad([np.concatenate((first, ids[:-1])) for ids in rows], padding, device)
        of_row, within = tokens_of(rows)
        labels = np.fromiter(chain.from_iterable(rows), dtype=np.int64, count=len(of_row))
        places = of_row * before.shape[1] + within
        return cls(before, *(on_device(device, each) for each in (labels, places, of_row)))

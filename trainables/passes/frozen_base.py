"""What passes beside frozen weights are asked for, whatever kind of model they are of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from trainables.families.family import LOGITS
from trainables.families.framing import TokenIds
from trainables.passes.company import Company


@dataclass(frozen=True)
class Losses:
    """What is lost of each target token of a pass.

    Attributes:
        values: [n], the cross-entropies in nats, row by row.
        rows: [n], the rows of the tokens.
    """

    values: torch.Tensor
    rows: torch.Tensor


class Read(ABC):
    """The prompts of a pass, which are read once where a loss and an answer can share that."""

    @abstractmethod
    def summed_losses(self, targets: Sequence[TokenIds]) -> torch.Tensor:
        """Returns the cross-entropy of each row, summed over its target tokens, in nats: [b].

        Args:
            targets: The statements, at least one token each.
        """

    @abstractmethod
    def answers(self, most: int) -> list[list[int]]:
        """Returns the likeliest token at each step, row by row; behind an end stands padding.

        Args:
            most: Tokens of an answer at most, the end among them.
        """


class FrozenBase(ABC):
    """A base model's weights, read by everyone and written by nobody.

    Attributes:
        dropout: Rate of the model's own dropout.
        device: Where the weights are.
    """

    dropout: float
    device: torch.device

    @abstractmethod
    def losses(
        self, sources: Sequence[TokenIds], targets: Sequence[TokenIds], company: Company
    ) -> Losses:
        """Returns the cross-entropies, from which gradients flow to the updates of the company.

        Args:
            sources: The prompts.
            targets: The statements, at least one token each.
            company: Whose rows they are.
        """

    @abstractmethod
    def read(self, sources: Sequence[TokenIds], company: Company) -> Read:
        """Returns prompts as they are measured and answered, without gradients.

        Args:
            sources: The prompts.
            company: Whose rows they are, without dropout.
        """


def summed(
    hidden: torch.Tensor,
    labels: torch.Tensor,
    of: torch.Tensor,
    rows: int,
    logits: Callable[[torch.Tensor], torch.Tensor],
    words: int,
) -> torch.Tensor:
    """Returns the cross-entropy of each row, with at most `LOGITS` logits at once: [rows].

    Args:
        hidden: [n, width], what each target token is told from.
        labels: [n], the tokens.
        of: [n], their rows.
        rows: How many there are.
        logits: Makes [k, words] of [k, width].
        words: Of the vocabulary.
    """
    sums = torch.zeros(rows, device=hidden.device)
    step = max(1, LOGITS // words)
    for start in range(0, len(hidden), step):
        some = slice(start, start + step)
        losses = functional.cross_entropy(logits(hidden[some]), labels[some], reduction="none")
        sums.index_add_(0, of[some], losses)
    return sums

"""Prompts that are encoded once, for a loss and for an answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import torch

from trainables.families.family import Decoding, Prompts
from trainables.families.framing import Framing, TokenIds
from trainables.passes.company import Company
from trainables.passes.frozen_base import FrozenBase
from trainables.passes.parts import Parts
from trainables.training.adapted_model import AdaptedModel


@dataclass(frozen=True)
class Share:
    """Prompts of one batch that are put to one model.

    Attributes:
        adapted: The model, in evaluation mode.
        sources: Token ids of the prompts.
    """

    adapted: AdaptedModel
    sources: Sequence[TokenIds]


class Asked(ABC):
    """The prompts of one batch, put to one model or to several on the same base."""

    @abstractmethod
    def losses(self, targets: Sequence[TokenIds]) -> list[float]:
        """Returns for each share the cross-entropy summed over its target tokens, in nats.

        Args:
            targets: Token ids of each row's statement, in the order of the shares.
        """

    @abstractmethod
    def answers(self, how: Decoding) -> list[list[int]]:
        """Returns the token ids of each row's answer, special tokens among them."""


def ask(framing: Framing, shares: Sequence[Share]) -> Asked:
    """Puts prompts to models, which read them when they are first needed.

    Args:
        framing: What stands around prompts.
        shares: Of one model; or of several that have passes of our own, on the same base.
    """
    by_family = [_ByFamily(framing, share) for share in shares]
    base = shares[0].adapted.base
    if base is not None:
        return _ByPasses(base, shares, by_family)
    (only,) = by_family
    return only


class _ByFamily(Asked):
    """Through transformers, one model."""

    def __init__(self, framing: Framing, share: Share) -> None:
        self._adapted = share.adapted
        self._framing = framing
        self._sources = share.sources
        self._encoded: Any = None

    @cached_property
    def _prompts(self) -> Prompts:
        adapted = self._adapted
        return adapted.family.prompts(
            self._sources, self._framing, adapted.padding_id, adapted.device
        )

    def losses(self, targets: Sequence[TokenIds]) -> list[float]:
        adapted = self._adapted
        batch = adapted.family.collate(
            self._sources, targets, padding_id=adapted.padding_id, device=adapted.device
        )
        with torch.inference_mode(), adapted.precision():
            self._encoded = adapted.family.encode(adapted.model, self._prompts)
            return [adapted.family.summed_loss(adapted.model, batch, self._encoded)]

    def answers(self, how: Decoding) -> list[list[int]]:
        adapted = self._adapted
        with torch.inference_mode(), adapted.precision():
            return adapted.family.generate(adapted.model, self._prompts, how, self._encoded)


class _ByPasses(Asked):
    """Through passes of our own, but for beams."""

    def __init__(
        self, base: FrozenBase, shares: Sequence[Share], by_family: Sequence[Asked]
    ) -> None:
        self._by_family = by_family
        self._counts = [len(share.sources) for share in shares]
        adapters = [share.adapted.adapter for share in shares]
        company = Company(Parts(zip(self._counts, adapters, strict=True)))
        rows = list(chain.from_iterable(share.sources for share in shares))
        self._read = base.read(rows, company)

    def losses(self, targets: Sequence[TokenIds]) -> list[float]:
        sums = self._read.summed_losses(targets)
        return [float(part.sum()) for part in torch.split(sums, self._counts)]

    def answers(self, how: Decoding) -> list[list[int]]:
        if how.beams > 1 or how.no_repeat_ngram:
            return list(chain.from_iterable(each.answers(how) for each in self._by_family))
        return self._read.answers(how.max_new_tokens)

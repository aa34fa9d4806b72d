"""Prompts that are encoded once, for a loss and for an answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch

from trainables.families.family import Decoding, Prompts
from trainables.families.framing import Framing, TokenIds
from trainables.passes.frozen_t5 import FrozenT5
from trainables.passes.layout import Sources, Targets
from trainables.passes.low_rank import Part
from trainables.passes.t5_layers import Company
from trainables.training.adapted_model import AdaptedModel


class Asked(ABC):
    """The prompts of one batch, put to a model in evaluation mode."""

    @abstractmethod
    def loss(self, targets: Sequence[TokenIds]) -> float:
        """Returns the cross-entropy summed over the target tokens of all rows, in nats."""

    @abstractmethod
    def answers(self, how: Decoding) -> list[list[int]]:
        """Returns the token ids of the answers, special tokens among them."""


def ask(adapted: AdaptedModel, framing: Framing, sources: Sequence[TokenIds]) -> Asked:
    """Puts prompts to a model, which reads them when they are first needed.

    Args:
        adapted: The model, in evaluation mode.
        framing: What stands around prompts.
        sources: Token ids of the prompts.
    """
    by_family = _ByFamily(adapted, framing, sources)
    if adapted.base is None:
        return by_family
    return _ByEngine(adapted, adapted.base, sources, by_family)


class _ByFamily(Asked):
    """Through transformers."""

    def __init__(
        self, adapted: AdaptedModel, framing: Framing, sources: Sequence[TokenIds]
    ) -> None:
        self._adapted = adapted
        self._framing = framing
        self._sources = sources
        self._encoded: Any = None

    @cached_property
    def _prompts(self) -> Prompts:
        adapted = self._adapted
        return adapted.family.prompts(
            self._sources, self._framing, adapted.padding_id, adapted.device
        )

    def loss(self, targets: Sequence[TokenIds]) -> float:
        adapted = self._adapted
        batch = adapted.family.collate(
            self._sources, targets, padding_id=adapted.padding_id, device=adapted.device
        )
        with torch.inference_mode(), adapted.precision():
            self._encoded = adapted.family.encode(adapted.model, self._prompts)
            return adapted.family.summed_loss(adapted.model, batch, self._encoded)

    def answers(self, how: Decoding) -> list[list[int]]:
        adapted = self._adapted
        with torch.inference_mode(), adapted.precision():
            return adapted.family.generate(adapted.model, self._prompts, how, self._encoded)


class _ByEngine(Asked):
    """Through passes of our own, but for beams."""

    def __init__(
        self,
        adapted: AdaptedModel,
        base: FrozenT5,
        sources: Sequence[TokenIds],
        by_family: Asked,
    ) -> None:
        self._base = base
        self._device = adapted.device
        self._company = Company([Part(slice(0, len(sources)), adapted.updates)])
        self._sources = Sources.of(sources, base.padding, adapted.device)
        self._by_family = by_family

    @cached_property
    def _encoded(self) -> torch.Tensor:
        with torch.inference_mode():
            return self._base.encode(self._sources, self._company)

    def loss(self, targets: Sequence[TokenIds]) -> float:
        laid_out = Targets.of(targets, self._base.begin, self._base.padding, self._device)
        sums = self._base.summed_losses(self._sources, laid_out, self._company, self._encoded)
        return float(sums.sum())

    def answers(self, how: Decoding) -> list[list[int]]:
        if how.beams > 1 or how.no_repeat_ngram:
            return self._by_family.answers(how)
        return self._base.answers(self._sources, self._company, self._encoded, how.max_new_tokens)

"""Whether a trial's passes are our own (`trainables.passes`) or those of its model's family."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from transformers import PreTrainedModel

from trainables.families.framing import TokenIds
from trainables.passes.company import Company
from trainables.passes.frozen_base import FrozenBase
from trainables.passes.frozen_decoder import FrozenDecoder
from trainables.passes.frozen_t5 import FrozenT5
from trainables.passes.parts import Adapter, Parts
from trainables.techniques.technique import Technique

if TYPE_CHECKING:
    from trainables.training.adapted_model import AdaptedModel

_LOG = logging.getLogger(__name__)

_PROMPTS, _STATEMENTS = (12, 5), (4, 9)
"""Tokens of the rows on which both kinds of passes are compared."""
_LOSSES_DIFFER, _GRADIENTS_DIFFER = 0.03, 0.2
"""Relative, in bfloat16, where they are a few thousandths and a few hundredths."""


def own_adapter(
    base: PreTrainedModel, model: nn.Module, technique: Technique, device: torch.device
) -> Adapter | None:
    """Returns what passes of our own train of a model; None where it needs those of its family.

    Args:
        base: The base model.
        model: What the technique made of it.
        technique: The technique.
        device: Where it is trained.
    """
    if device.type not in technique.shares_passes_on:
        return None
    adapter = technique.adapter(model)
    suits = FrozenT5.suits(base) or (adapter.prefix is None and FrozenDecoder.suits(base))
    # A variant of LoRA that trains more than its updates needs more than ours compute.
    trained = sum(each.numel() for each in model.parameters() if each.requires_grad)
    return adapter if suits and trained == adapter.weights > 0 else None


def frozen(base: PreTrainedModel, end: int, padding: int) -> FrozenBase:
    """Returns the passes of a base model for which there is an `own_adapter`.

    Args:
        base: The base model.
        end: The token that ends a statement.
        padding: The token that fills a row.
    """
    return FrozenT5(base) if FrozenT5.suits(base) else FrozenDecoder(base, end, padding)


def proven(adapted: AdaptedModel) -> AdaptedModel:
    """Returns a model without our own passes where on its device they are not those of its family.

    On a CPU tests hold that they are; another device may have kernels that no test has run.
    """
    if adapted.base is None or adapted.device.type == "cpu" or not (how := differs(adapted)):
        return adapted
    kind = adapted.device.type
    _LOG.warning("On %s passes of our own are not used: %s.", kind, how)
    return replace(adapted, base=None, adapter=Adapter())


def differs(adapted: AdaptedModel) -> str:
    """Says in what our own passes of a model differ from its family's; "" where in nothing.

    Compared on two rows: their loss without dropout, and its gradient.

    Args:
        adapted: A model that has passes of our own.
    """
    adapted.model.eval()
    sources, targets = (
        [np.arange(length, dtype=np.int32) + 3 for length in lengths]
        for lengths in (_PROMPTS, _STATEMENTS)
    )
    loss, gradient = _of(adapted, _by_family(adapted, sources, targets))
    try:
        own_loss, own_gradient = _of(adapted, _by_ours(adapted, sources, targets))
    except Exception as error:
        return f"they fail with {type(error).__name__}: {error}"
    of_loss = float((own_loss - loss).abs() / loss.abs())
    of_gradient = float((own_gradient - gradient).norm() / gradient.norm())
    if of_loss <= _LOSSES_DIFFER and of_gradient <= _GRADIENTS_DIFFER:
        return ""
    return f"their loss differs by {of_loss:.1%}, and their gradient by {of_gradient:.0%}"


def _of(adapted: AdaptedModel, loss: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns a loss and its gradient, of all trained weights one after another."""
    found = torch.autograd.grad(loss, list(adapted.trainable().values()))
    return loss.detach(), torch.cat([each.flatten() for each in found])


def _by_family(
    adapted: AdaptedModel, sources: Sequence[TokenIds], targets: Sequence[TokenIds]
) -> torch.Tensor:
    batch = adapted.family.collate(
        sources, targets, padding_id=adapted.padding_id, device=adapted.device
    )
    with adapted.precision():
        return adapted.family.loss(adapted.model, batch).float()


def _by_ours(
    adapted: AdaptedModel, sources: Sequence[TokenIds], targets: Sequence[TokenIds]
) -> torch.Tensor:
    assert adapted.base is not None
    company = Company(Parts([(len(sources), adapted.adapter)]))
    return adapted.base.losses(sources, targets, company).values.mean()

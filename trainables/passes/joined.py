"""Weights of layers that read the same input, side by side in memory, so that they are one matrix.

A base model's layers keep weights of their own, as views; whoever reads several at once reads the
same memory. Without this a forward pass of ours would need a second copy of most of the model.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

_TOGETHER = (("q", "k", "v"), ("wi_0", "wi_1"))


def join_layers(model: nn.Module) -> None:
    """Puts the weights of a T5's joint layers side by side, in place; their values stay."""
    for module in model.modules():
        for names in _TOGETHER:
            layers = [getattr(module, name, None) for name in names]
            weights = [layer.weight for layer in layers if type(layer) is nn.Linear]
            if len(weights) == len(names):
                _join(weights)


def side_by_side(weights: Sequence[torch.Tensor]) -> torch.Tensor:
    """Returns the weights one above another, [all outputs, inputs]; a copy only where they are
    not together in memory.
    """
    first = weights[0]
    if len(weights) == 1:
        return first
    outputs = sum(len(weight) for weight in weights)
    if _are_together(weights):
        return first.as_strided((outputs, first.shape[1]), first.stride())
    return torch.cat(list(weights))


def _are_together(weights: Sequence[torch.Tensor]) -> bool:
    end = weights[0].storage_offset()
    memory = weights[0].untyped_storage().data_ptr()
    for weight in weights:
        apart = weight.untyped_storage().data_ptr() != memory or weight.storage_offset() != end
        if apart or not weight.is_contiguous():
            return False
        end += weight.numel()
    return True


def _join(weights: Sequence[torch.Tensor]) -> None:
    together = torch.cat([weight.detach() for weight in weights])
    start = 0
    for weight in weights:
        weight.data = together[start : start + len(weight)]
        start += len(weight)

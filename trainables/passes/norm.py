"""The normalisation of a T5 by weights that stay as they are (RMSNorm, Zhang and Sennrich 2019)."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional


def normed(hidden: torch.Tensor, weight: torch.Tensor, epsilon: float) -> torch.Tensor:
    """Returns hidden / sqrt(mean(hidden²) + epsilon) * weight, [..., width].

    On a CPU in single precision by a node of its own, which is twice as fast as torch's: there it
    is made of one operation after another, each with its way back. A GPU has a kernel for it, and
    in half precision torch sums in single precision.

    Args:
        hidden: [..., width].
        weight: [width], without a gradient.
        epsilon: Added to the mean.
    """
    if not hidden.is_cpu or hidden.dtype is not torch.float32 or weight.dtype is not hidden.dtype:
        return functional.rms_norm(hidden, weight.shape, weight, epsilon)
    if not torch.is_grad_enabled():
        return _factor(hidden, epsilon).mul(hidden).mul_(weight)
    found: torch.Tensor = _Normed.apply(hidden, weight, epsilon)  # type: ignore[no-untyped-call]
    return found


def _factor(hidden: torch.Tensor, epsilon: float) -> torch.Tensor:
    """Returns [..., 1], one through the root of the mean square."""
    lengths: torch.Tensor = torch.linalg.vector_norm(hidden, dim=-1, keepdim=True)
    return lengths.square_().div_(hidden.shape[-1]).add_(epsilon).rsqrt_()


class _Normed(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden: torch.Tensor, weight: torch.Tensor, epsilon: float
    ) -> torch.Tensor:
        factor = _factor(hidden, epsilon)
        ctx.save_for_backward(hidden, weight, factor)
        return torch.mul(hidden, factor).mul_(weight)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        hidden, weight, factor = ctx.saved_tensors
        gradient = gradient * weight
        along = (gradient * hidden).sum(-1, keepdim=True)
        along.mul_(factor.pow(3)).div_(-hidden.shape[-1])
        return gradient.mul_(factor).addcmul_(hidden, along), None, None

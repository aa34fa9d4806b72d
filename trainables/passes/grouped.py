"""The updates of several members at once, in products of which each member's rows are a group.

On a GPU a product of few rows takes as long to launch as to compute, and members one after another
launch some for each layer that each of them trains. Grouped products
(`torch.nn.functional.grouped_mm`) launch no more for sixteen members than for two. No number of one
member meets one of another: what is not finite stays its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from trainables.passes.dropout import Draw, dropped, for_the_way_back, mask_of
from trainables.passes.frozen_weight import FrozenWeight
from trainables.passes.parts import LowRank

_ALIGNED = 8
"""Of it ranks are filled up to a multiple: rows of bfloat16 must begin at 16 bytes."""


def suits(inputs: torch.Tensor, sizes: Sequence[int]) -> bool:
    """Returns whether grouped products are fast for such inputs: bfloat16, on Ampere or later.

    In single precision torch 2.13 waits for the device and takes one group after another.

    Args:
        inputs: [b, length, inputs].
        sizes: Outputs of each layer.
    """
    if not inputs.is_cuda or inputs.dtype is not torch.bfloat16:
        return False
    if any(size % _ALIGNED for size in (inputs.shape[-1], *sizes)):
        return False
    # Where memory is counted without a device, it is that of one that has them.
    return not torch.cuda.is_available() or torch.cuda.get_device_capability(inputs.device)[0] >= 8


@dataclass(frozen=True)
class Stack:
    """Members' updates of one layer, filled up with zeros to one rank.

    Attributes:
        updates: Of each member; None of one that has none.
        down: [members, rank, inputs].
        up: [outputs, members, rank], with the scale.
        scales: [members, 1, 1]; made up for what dropout takes away.
    """

    updates: Sequence[LowRank | None]
    down: torch.Tensor
    up: torch.Tensor
    scales: torch.Tensor

    @classmethod
    @torch.no_grad()
    def of(
        cls, updates: Sequence[LowRank | None], rates: Sequence[float], dtype: torch.dtype
    ) -> Stack:
        """Stacks updates of which there is one at least.

        Args:
            updates: Of each member.
            rates: Of each member's dropout in this pass.
            dtype: Of the products.
        """
        one = next(each for each in updates if each is not None)
        rank = max(len(each.down) for each in updates if each is not None)
        rank = -(-rank // _ALIGNED) * _ALIGNED
        outputs, inputs = len(one.up), one.down.shape[1]
        downs, ups, scales = [], [], []
        nothing: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        for each, rate in zip(updates, rates, strict=True):
            own = 0 if each is None else len(each.down)
            if each is not None:
                downs.append(each.down)
                ups.append(each.up)
            if rest := rank - own:
                if rest not in nothing:
                    nothing[rest] = (
                        one.down.new_zeros(rest, inputs),
                        one.up.new_zeros(outputs, rest),
                    )
                downs.append(nothing[rest][0])
                ups.append(nothing[rest][1])
            scales.append(0.0 if each is None else each.scale / (1.0 - rate))
        scale = torch.tensor(scales, dtype=one.up.dtype).to(one.up.device)
        up = torch.cat(ups, dim=1).view(outputs, len(updates), rank) * scale[:, None]
        down = torch.cat(downs).view(len(updates), rank, inputs)
        return cls(updates, down.to(dtype), up.to(dtype), scale[:, None, None])


@dataclass(frozen=True)
class Layer:
    """One of the layers that read the same input.

    Attributes:
        outputs: Its columns of the output.
        stack: The updates.
        draw: Which of [tokens, inputs] dropout keeps; None for no dropout.
    """

    outputs: slice
    stack: Stack
    draw: Draw | None


def updated(
    inputs: torch.Tensor, frozen: FrozenWeight, ends: torch.Tensor, layers: Sequence[Layer]
) -> torch.Tensor:
    """Returns the output with every update, [b, length, outputs].

    Args:
        inputs: [b, length, inputs].
        frozen: Of all layers.
        ends: [members], the number of tokens up to each member's last, int32.
        layers: Those that have updates.
    """
    matrices = []
    for layer in layers:
        own = [each for each in layer.stack.updates if each is not None]
        matrices += [each.down for each in own] + [each.up for each in own]
    output: torch.Tensor = _Updated.apply(  # type: ignore[no-untyped-call]
        inputs, frozen, ends, layers, *matrices
    )
    return output


class _Updated(torch.autograd.Function):
    """The frozen product and every update of a pass."""

    @staticmethod
    def forward(
        ctx: Any,
        inputs: torch.Tensor,
        frozen: FrozenWeight,
        ends: torch.Tensor,
        layers: Sequence[Layer],
        *matrices: torch.Tensor,
    ) -> torch.Tensor:
        output = functional.linear(inputs, frozen.read())
        flat, written = inputs.reshape(-1, inputs.shape[-1]), output.view(-1, output.shape[-1])
        narrow, kept = [], []
        for layer in layers:
            down, up = layer.stack.down, layer.stack.up
            mask = mask_of(layer.draw, flat.dtype)
            small = _product(dropped(flat, mask), down.transpose(1, 2), ends)
            written[:, layer.outputs] += _product(small, up.permute(1, 2, 0), ends)
            narrow.append(small)
            kept.append(for_the_way_back(mask))
        ctx.save_for_backward(inputs, ends, *narrow, *kept)
        ctx.frozen, ctx.layers = frozen, layers
        return output

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        inputs, ends, *others = ctx.saved_tensors
        count = len(ctx.layers)
        flat = inputs.reshape(-1, inputs.shape[-1])
        arriving = gradient.reshape(-1, gradient.shape[-1])
        passed_on = arriving @ ctx.frozen.read() if ctx.needs_input_grad[0] else None
        found: list[torch.Tensor] = []
        for layer, small, kept in zip(ctx.layers, others[:count], others[count:], strict=True):
            stack = layer.stack
            own = arriving[:, layer.outputs].contiguous()
            through = _product(own, stack.up.transpose(0, 1), ends)
            mask = mask_of(layer.draw, flat.dtype, kept)
            downs = _product(through.t(), dropped(flat, mask), ends)
            ups = _product(small.t(), own, ends) * stack.scales
            members = [(m, each) for m, each in enumerate(stack.updates) if each is not None]
            found += [downs[m, : len(each.down)].to(each.down.dtype) for m, each in members]
            found += [ups[m, : len(each.down)].t().to(each.up.dtype) for m, each in members]
            if passed_on is not None:
                passed_on += dropped(_product(through, stack.down, ends), mask)
        if passed_on is not None:
            passed_on = passed_on.view_as(inputs)
        return passed_on, None, None, None, *found


def _product(left: torch.Tensor, right: torch.Tensor, ends: torch.Tensor) -> torch.Tensor:
    """Returns, group by group, the rows of a group times its matrix, or its columns times rows."""
    return functional.grouped_mm(left, right, offs=ends)

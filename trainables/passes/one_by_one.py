"""The updates of several members, each computed by products of its own.

Only what is no product is computed for neighbours together: on a CPU a call takes longer than the
few numbers of one member.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from torch.nn import functional

from trainables.passes.dropout import Draw, dropped, for_the_way_back, mask_of
from trainables.passes.frozen_weight import FrozenWeight
from trainables.passes.parts import LowRank


@dataclass(frozen=True)
class Run:
    """The updates of one layer by members whose rows are neighbours.

    Attributes:
        outputs: Columns of the output.
        tokens: Their rows of the input, as [tokens, inputs].
        ends: Of each member, how many of these tokens there are up to its last.
        updates: Of each member.
        scales: Of the updates, made up for what dropout takes away.
        draw: Which of [these tokens, inputs] dropout keeps; None for no dropout.
    """

    outputs: slice
    tokens: slice
    ends: Sequence[int]
    updates: Sequence[LowRank]
    scales: Sequence[float]
    draw: Draw | None

    def members(self) -> Iterator[tuple[slice, float]]:
        """Yields of each member which of these tokens are its own, and the scale of its update."""
        start = 0
        for end, scale in zip(self.ends, self.scales, strict=True):
            yield slice(start, end), scale
            start = end


def updated(inputs: torch.Tensor, frozen: FrozenWeight, runs: Sequence[Run]) -> torch.Tensor:
    """Returns the output with every update, [b, length, outputs].

    Args:
        inputs: [b, length, inputs].
        frozen: Of all layers.
        runs: The updates.
    """
    matrices = []
    for run in runs:
        for update in run.updates:
            matrices += [update.down, update.up]
    if not torch.is_grad_enabled():
        return _sum(inputs, frozen, runs, matrices)[0]
    output: torch.Tensor = _Updated.apply(  # type: ignore[no-untyped-call]
        inputs, frozen, runs, *matrices
    )
    return output


def _sum(
    inputs: torch.Tensor,
    frozen: FrozenWeight,
    runs: Sequence[Run],
    matrices: Sequence[torch.Tensor],
) -> tuple[torch.Tensor, list[torch.Tensor], list[torch.Tensor | None]]:
    """Returns the output; of each update the input in its rank, [tokens, rank]; of each run what of
    its mask is kept for the way back.
    """
    output = functional.linear(inputs, frozen.read())
    flat, written = inputs.reshape(-1, inputs.shape[-1]), output.view(-1, output.shape[-1])
    pairs = zip(matrices[::2], matrices[1::2], strict=True)
    narrow, kept = [], []
    for run in runs:
        mask = mask_of(run.draw, flat.dtype)
        read, own = dropped(flat[run.tokens], mask), written[run.tokens, run.outputs]
        kept.append(for_the_way_back(mask))
        of_run = islice(pairs, len(run.updates))
        for (tokens, scale), (down, up) in zip(run.members(), of_run, strict=True):
            small = read[tokens] @ down.to(frozen.dtype).t()
            own[tokens].addmm_(small, up.to(frozen.dtype).t(), alpha=scale)
            narrow.append(small)
    return output, narrow, kept


class _Updated(torch.autograd.Function):
    """The frozen product and every update of a pass."""

    @staticmethod
    def forward(
        ctx: Any,
        inputs: torch.Tensor,
        frozen: FrozenWeight,
        runs: Sequence[Run],
        *matrices: torch.Tensor,
    ) -> torch.Tensor:
        output, narrow, kept = _sum(inputs, frozen, runs, matrices)
        ctx.save_for_backward(inputs, *matrices, *narrow, *kept)
        ctx.frozen, ctx.runs = frozen, runs
        return output

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        frozen: FrozenWeight = ctx.frozen
        inputs, *others = ctx.saved_tensors
        count = sum(len(run.updates) for run in ctx.runs)
        matrices, narrow = others[: 2 * count], others[2 * count : 3 * count]
        pairs = zip(narrow, matrices[::2], matrices[1::2], strict=True)
        flat = inputs.reshape(-1, inputs.shape[-1])
        arriving = gradient.reshape(-1, gradient.shape[-1])
        passed_on = arriving @ frozen.read() if ctx.needs_input_grad[0] else None
        nothing = arriving.new_empty(())
        found: list[torch.Tensor] = []
        for run, kept in zip(ctx.runs, others[3 * count :], strict=True):
            mask = mask_of(run.draw, flat.dtype, kept)
            read, own = dropped(flat[run.tokens], mask), arriving[run.tokens, run.outputs]
            back = None if passed_on is None else torch.empty_like(read)
            of_run = islice(pairs, len(run.updates))
            for (tokens, scale), (small, down, up) in zip(run.members(), of_run, strict=True):
                of_member = own[tokens]
                through = torch.addmm(
                    nothing, of_member, up.to(frozen.dtype), beta=0.0, alpha=scale
                )
                ups = torch.addmm(nothing, of_member.t(), small, beta=0.0, alpha=scale)
                found += [(through.t() @ read[tokens]).to(down.dtype), ups.to(up.dtype)]
                if back is not None:
                    torch.mm(through, down.to(frozen.dtype), out=back[tokens])
            if passed_on is not None and back is not None:
                passed_on[run.tokens] += dropped(back, mask)
        if passed_on is not None:
            passed_on = passed_on.view_as(inputs)
        return passed_on, None, None, *found

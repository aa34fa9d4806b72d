"""The gradients of several members' next optimiser steps, in passes that they share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from trainables.data.batching import micro_batches
from trainables.families.framing import TokenIds
from trainables.passes.company import Company
from trainables.passes.frozen_base import FrozenBase
from trainables.passes.parts import Adapter, Parts


@dataclass(frozen=True)
class Step:
    """One member's next optimiser step.

    Attributes:
        sources: Token ids of the prompts of its batch.
        targets: Of the statements.
        keys: Of each row, what its dropout is drawn from.
        adapter: What the member trains.
        most_rows: Rows of it at most in one pass.
        checkpointed: Whether activations are computed again in the backward pass.
    """

    sources: Sequence[TokenIds]
    targets: Sequence[TokenIds]
    keys: Sequence[int]
    adapter: Adapter
    most_rows: int
    checkpointed: bool = False

    @property
    def trained(self) -> list[tuple[str, float]]:
        """Returns the layers, and the rates of dropout: who has the same stands side by side."""
        return sorted((name, update.dropout) for name, update in self.adapter.updates.items())

    @property
    def drops(self) -> bool:
        """Whether any input of an update is zeroed."""
        return any(update.dropout > 0.0 for update in self.adapter.updates.values())


def add_gradients(base: FrozenBase, steps: Sequence[Step], overhead_tokens: float) -> torch.Tensor:
    """Adds each member's gradient to that of its updates.

    The rows of all are sorted by length and cut into the passes that cost least; within a pass they
    are sorted by member. A loss that is not finite is its member's alone.

    Args:
        base: What all of them stand beside.
        steps: Of the members, no two alike.
        overhead_tokens: What a pass costs besides its tokens, counted in tokens.

    Returns:
        The mean loss over each member's target tokens, in nats: [members].
    """
    device = base.device
    order = sorted(range(len(steps)), key=lambda member: steps[member].trained)
    rows = [(member, row) for member in order for row in range(len(steps[member].sources))]
    lengths = [(len(steps[m].sources[r]), len(steps[m].targets[r])) for m, r in rows]
    weights = [1.0 / sum(map(len, step.targets)) for step in steps]
    most = sum(step.most_rows for step in steps)
    drops = base.dropout > 0.0 or any(step.drops for step in steps)
    checkpointed = any(step.checkpointed for step in steps)
    totals = torch.zeros(len(steps), device=device)
    for cut in micro_batches(lengths, most, overhead_tokens):
        own = [rows[index] for index in sorted(cut)]
        sources = [steps[m].sources[r] for m, r in own]
        targets = [steps[m].targets[r] for m, r in own]
        keys = [steps[m].keys[r] for m, r in own] if drops else []
        counts = Counter(m for m, _ in own)  # in the order of the rows
        company = Company(
            Parts((count, steps[m].adapter) for m, count in counts.items()),
            torch.tensor(keys, dtype=torch.int32).to(device) if drops else None,
            checkpointed,
        )
        found = base.losses(sources, targets, company)
        members = torch.tensor([m for m, _ in own]).to(device)[found.rows]
        losses = found.values * torch.tensor(weights).to(device)[members]
        torch.autograd.backward(losses.sum())
        totals.index_add_(0, members, losses.detach())
    return totals

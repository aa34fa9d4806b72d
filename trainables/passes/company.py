"""Who has rows in a pass."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from trainables.passes.dropout import token_keys
from trainables.passes.parts import Parts


@dataclass(frozen=True)
class Company:
    """Who has rows in a pass.

    Attributes:
        parts: The members, in the order of the rows.
        rows: [b], the keys of the rows' dropout (int32); None where there is none.
        checkpointed: Whether activations are computed again in the backward pass.
    """

    parts: Parts
    rows: torch.Tensor | None = None
    checkpointed: bool = False

    def tokens(self, length: int) -> torch.Tensor | None:
        """Returns [b, length], the keys of the tokens' dropout; None where there is none."""
        return None if self.rows is None else token_keys(self.rows, length)

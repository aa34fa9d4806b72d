"""Full fine-tuning: every weight of the base model is trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from trainables.contract.configuration import Scalar
from trainables.techniques.optimizer_parameters import GRADIENT_CHECKPOINTING, optimizer_parameters
from trainables.techniques.parameter import by_name
from trainables.techniques.technique import Technique

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel


class Full(Technique):
    """Trains every weight of the base, in float32: in bfloat16 small updates round to nothing."""

    name = "full"
    # For flan-t5-large. The T5 authors' 1e-3 is for Adafactor; with AdamW 1e-4 is the usual figure.
    parameters = by_name(
        *optimizer_parameters(learning_rate=1e-4, weight_decay=0.01), GRADIENT_CHECKPOINTING
    )
    trains_base = True

    def adapt(self, base: PreTrainedModel, parameters: Mapping[str, Scalar]) -> nn.Module:
        """Unfreezes the base model."""
        model: nn.Module = base.requires_grad_(True)
        return model

    def is_trained(self, name: str) -> bool:
        """Returns True for every parameter."""
        return True

    def expected(self, base: PreTrainedModel, parameters: Mapping[str, Scalar]) -> int:
        """Returns the number of the base's weights, tied ones once."""
        return sum(parameter.numel() for parameter in base.parameters())

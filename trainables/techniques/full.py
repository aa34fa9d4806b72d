"""Full fine-tuning: every weight of the base model is trained."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn
from transformers import PreTrainedModel

from trainables.contract.configuration import Scalar


class Full:
    """Trains every weight of the base, in float32: in bfloat16 small updates round to nothing."""

    quantized = False
    trains_base = True

    def adapt(self, base: PreTrainedModel, parameters: Mapping[str, Scalar]) -> nn.Module:
        """Unfreezes the base model."""
        model: nn.Module = base.requires_grad_(True)
        return model

    def trains(self, name: str) -> bool:
        """Returns True for every parameter."""
        return True

    def expected(self, base: PreTrainedModel, parameters: Mapping[str, Scalar]) -> int:
        """Returns the number of the base's weights, tied ones once."""
        return sum(parameter.numel() for parameter in base.parameters())

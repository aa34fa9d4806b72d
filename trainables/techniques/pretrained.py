"""The base model as it is: evaluated, never trained."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn
from transformers import PreTrainedModel

from trainables.contract.configuration import Scalar


class Pretrained:
    """Trains nothing: what every other technique is compared with."""

    quantized = False
    trains_base = False

    def adapt(self, base: PreTrainedModel, parameters: Mapping[str, Scalar]) -> nn.Module:
        """Freezes the base model."""
        model: nn.Module = base.requires_grad_(False)
        return model

    def trains(self, name: str) -> bool:
        """Returns False for every parameter."""
        return False

    def expected(self, base: PreTrainedModel, parameters: Mapping[str, Scalar]) -> int:
        """Returns 0."""
        return 0

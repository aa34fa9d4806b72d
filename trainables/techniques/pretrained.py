"""The base model as it is: evaluated, never trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from trainables.contract.configuration import Scalar
from trainables.techniques.parameter import by_name
from trainables.techniques.technique import Technique

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel


class Pretrained(Technique):
    """Trains nothing: what every other technique is compared with."""

    name = "pretrained"
    parameters = by_name()
    trains = False
    mergeable = False

    def adapt(self, base: PreTrainedModel, parameters: Mapping[str, Scalar]) -> nn.Module:
        """Freezes the base model."""
        model: nn.Module = base.requires_grad_(False)
        return model

    def is_trained(self, name: str) -> bool:
        """Returns False for every parameter."""
        return False

    def expected(self, base: PreTrainedModel, parameters: Mapping[str, Scalar]) -> int:
        """Returns 0."""
        return 0

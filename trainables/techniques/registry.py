"""The interface of a technique, and the closed list of those there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from torch import nn
from transformers import PreTrainedModel

from trainables.contract.configuration import Scalar
from trainables.techniques.full import Full
from trainables.techniques.lora import Lora
from trainables.techniques.prefix import Prefix
from trainables.techniques.pretrained import Pretrained
from trainables.techniques.qlora import Qlora


class Technique(Protocol):
    """How a base model is made trainable. Has no state of its own.

    Attributes:
        quantized: The base's linear layers are stored in four bits.
        trains_base: The base's own weights are trained, so they must be float32.
    """

    quantized: bool
    trains_base: bool

    def adapt(self, base: PreTrainedModel, parameters: Mapping[str, Scalar]) -> nn.Module:
        """Makes a base model trainable, in place.

        Args:
            base: The model as loaded; used by nobody else.
            parameters: Every parameter of the technique (`parameters.complete`).

        Returns:
            The module to train and to generate with; new weights are drawn from torch's CPU
            generator, on every device.

        Raises:
            ValueError: The parameters do not fit this base model.
        """

    def trains(self, name: str) -> bool:
        """Returns whether the adapted module's parameter of this name is to be trained."""

    def expected(self, base: PreTrainedModel, parameters: Mapping[str, Scalar]) -> int:
        """Returns how many weights are to be trained, computed from the base's dimensions alone."""


TECHNIQUES: Mapping[str, Technique] = {
    "pretrained": Pretrained(),
    "full": Full(),
    "lora": Lora(),
    "qlora": Qlora(),
    "prefix": Prefix(),
}
"""Name -> technique, with the names of `parameters.TECHNIQUES`."""

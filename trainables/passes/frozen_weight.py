"""The weights of frozen layers that read the same input, as one matrix."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from bitsandbytes.functional import dequantize_4bit
from bitsandbytes.nn import Params4bit

from trainables.passes.joined import side_by_side


class FrozenWeight:
    """One matrix of several layers, kept as it is or unpacked whenever it is read.

    Args:
        weights: [outputs, inputs] of each layer; or what it is packed into in four bits, as
            bitsandbytes does (QLoRA, Dettmers et al. 2023).

    Attributes:
        is_packed: Whether reading makes a matrix that should not be kept: that of all layers is
            several times as large as what is packed.
        dtype: Of the numbers, unpacked.
    """

    def __init__(self, weights: Sequence[torch.Tensor]) -> None:
        self.is_packed = any(isinstance(weight, Params4bit) for weight in weights)
        if self.is_packed:
            self._weights = list(weights)
            self.dtype = number_type(weights[0])
        else:
            self._matrix = side_by_side([weight.detach() for weight in weights])
            self.dtype = self._matrix.dtype

    def read(self) -> torch.Tensor:
        """Returns the matrix, [all outputs, inputs]."""
        if not self.is_packed:
            return self._matrix
        unpacked = [_unpacked(weight) for weight in self._weights]
        return unpacked[0] if len(unpacked) == 1 else torch.cat(unpacked)


def outputs_of(weight: torch.Tensor) -> int:
    """Returns the number of outputs of a layer, packed or not."""
    return int(_sizes(weight)[0])


def _sizes(weight: torch.Tensor) -> torch.Size:
    if isinstance(weight, Params4bit):
        assert weight.quant_state is not None
        return torch.Size(weight.quant_state.shape)
    return weight.shape


def number_type(weight: torch.Tensor) -> torch.dtype:
    """Returns the type of a layer's numbers, unpacked."""
    if isinstance(weight, Params4bit):
        assert weight.quant_state is not None
        dtype: torch.dtype = weight.quant_state.dtype
        return dtype
    return weight.dtype


def _unpacked(weight: torch.Tensor) -> torch.Tensor:
    if not isinstance(weight, Params4bit):
        return weight.detach()
    matrix: torch.Tensor = dequantize_4bit(weight.data, weight.quant_state)
    return matrix

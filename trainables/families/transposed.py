"""GPT-2's linear layers, which keep their weights the other way round than everybody's."""

from __future__ import annotations

from torch import nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from trainables.families.registry import architecture_of


def turn_back(model: PreTrainedModel) -> None:
    """Makes linear layers `Conv1D` again where the architecture has these, in place.

    Packing a layer in four bits, and unpacking it, leaves an `nn.Linear`; saved as it is, its
    weights would be of no use to the architecture.

    Args:
        model: Unpacked, with nothing beside its layers.
    """
    config = model.config.to_dict()
    architecture = architecture_of(config)
    if not architecture.transposed:
        return
    for name in architecture.linear_layers(config):
        layer = model.get_submodule(name)
        if isinstance(layer, nn.Linear):
            turned = Conv1D(layer.out_features, layer.in_features)
            turned.weight = nn.Parameter(layer.weight.detach().T.contiguous())
            turned.bias = layer.bias
            model.set_submodule(name, turned)

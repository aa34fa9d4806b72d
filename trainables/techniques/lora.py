"""LoRA: each chosen linear layer gets a trained low-rank update beside its frozen weight.

Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models". The update of a layer is
`alpha / rank * B A x` with A [rank, in] and B [out, rank]; B starts at zero, so training starts
from the base model's own outputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from trainables.contract.configuration import Scalar
from trainables.techniques.optimizer_parameters import GRADIENT_CHECKPOINTING, optimizer_parameters
from trainables.techniques.parameter import Parameter, by_name, split
from trainables.techniques.technique import Technique

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel

LINEAR_LAYERS = ("q", "k", "v", "o", "wi_0", "wi_1", "wo")
"""The linear layers of a T5 block with a gated feed-forward: attention, then feed-forward."""

ALL_LINEAR_LAYERS = "all"

_LOW_RANK = (
    Parameter(
        "rank",
        int,
        8,
        "Rank of each layer's update. Higher can express more and costs parameters and memory in "
        "proportion.",
        minimum=1,
        maximum=1024,
    ),
    Parameter(
        "alpha",
        int,
        None,
        "The update is scaled by alpha / rank. Higher acts like a higher learning rate. Default: "
        "twice the rank.",
        minimum=1,
        maximum=65536,
        default_from=("rank", 2),
    ),
    Parameter(
        "dropout",
        float,
        0.05,
        "Probability that an input of an adapter is zeroed in training. Higher overfits less and "
        "learns more slowly.",
        minimum=0.0,
        maximum=1.0,
        exclusive_maximum=True,
    ),
    Parameter(
        "target_modules",
        str,
        "q,v",
        "Linear layers that get an adapter. More layers express more and cost parameters and time.",
        choices=(ALL_LINEAR_LAYERS,),
        items=LINEAR_LAYERS,
    ),
)


class Lora(Technique):
    """Trains A and B of every chosen layer, in float32."""

    name = "lora"
    # Ten times the rate of full fine-tuning, for flan-t5-large.
    parameters = by_name(
        *_LOW_RANK,
        *optimizer_parameters(learning_rate=1e-3, weight_decay=0.0),
        GRADIENT_CHECKPOINTING,
    )

    def adapt(self, base: PreTrainedModel, parameters: Mapping[str, Scalar]) -> nn.Module:
        """Puts an adapter beside every chosen layer of the base, which is changed in place.

        Raises:
            ValueError: The base has no layer of a chosen name.
        """
        from peft import LoraConfig, TaskType, get_peft_model

        config = LoraConfig(task_type=TaskType.SEQ_2_SEQ_LM, **self.settings(base, parameters))
        model: nn.Module = get_peft_model(base, config)
        return model

    def settings(self, base: PreTrainedModel, parameters: Mapping[str, Scalar]) -> dict[str, Any]:
        """Returns the arguments of PEFT's `LoraConfig`.

        Raises:
            ValueError: The base has no layer of a chosen name.
        """
        names = {name.rpartition(".")[2] for name in chosen_layers(base, parameters)}
        return {
            "r": parameters["rank"],
            "lora_alpha": parameters["alpha"],
            "lora_dropout": parameters["dropout"],
            "target_modules": sorted(names),
            "bias": "none",
        }

    def is_trained(self, name: str) -> bool:
        """Returns whether a parameter is the A or B of an adapter."""
        return ".lora_A." in name or ".lora_B." in name

    def expected(self, base: PreTrainedModel, parameters: Mapping[str, Scalar]) -> int:
        """Returns rank * (inputs + outputs), summed over the chosen layers."""
        rank = int(parameters["rank"] or 0)
        return rank * sum(
            layer.in_features + layer.out_features
            for layer in chosen_layers(base, parameters).values()
        )


def chosen_layers(base: PreTrainedModel, parameters: Mapping[str, Scalar]) -> dict[str, nn.Linear]:
    """Finds the layers that `target_modules` names, in the order of the model.

    Args:
        base: The model without adapters.
        parameters: With `target_modules`: names, or "all" for every linear layer of the blocks.

    Returns:
        Full module name -> layer; never the output layer over the vocabulary.

    Raises:
        ValueError: The base has no layer of a chosen name.
    """
    from torch import nn

    output_layer = base.get_output_embeddings()
    layers = {
        name: module
        for name, module in base.named_modules()
        if isinstance(module, nn.Linear) and module is not output_layer
    }
    target_modules = str(parameters["target_modules"])
    if target_modules == ALL_LINEAR_LAYERS:
        return layers
    present = {name.rpartition(".")[2] for name in layers}
    chosen = split(target_modules)
    absent = [name for name in chosen if name not in present]
    if absent:
        raise ValueError(
            f'target_modules is "{target_modules}", but the base model, a '
            f"{base.config.model_type}, has no layer {', '.join(absent)}: it has "
            f'{", ".join(sorted(present))}; "{ALL_LINEAR_LAYERS}" takes each of them.'
        )
    return {name: layer for name, layer in layers.items() if name.rpartition(".")[2] in chosen}

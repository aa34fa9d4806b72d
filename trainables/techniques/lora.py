"""LoRA: each chosen linear layer gets a trained low-rank update beside its frozen weight.

Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models". The update of a layer is
`alpha / rank * B A x` with A [rank, in] and B [out, rank]; B starts at zero, so training starts
from the base model's own outputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from trainables.contract.configuration import Scalar
from trainables.families.registry import architecture_of, family_of_model
from trainables.families.target_modules import OWN_NAME, PORTABLE, chosen
from trainables.techniques.optimizer_parameters import GRADIENT_CHECKPOINTING, optimizer_parameters
from trainables.techniques.parameter import Parameter, by_name
from trainables.techniques.technique import Technique

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel

    from trainables.passes.parts import Adapter, LowRank

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
        "Linear layers that get an adapter, separated by commas: q, k, v, o, attention,"
        " feed-forward, all-linear, or names of the base model's own. More layers express more and"
        " cost parameters and time.",
        items=tuple(PORTABLE),
        other_items=OWN_NAME.pattern,
    ),
)


class Lora(Technique):
    """Trains A and B of every chosen layer, in float32."""

    name = "lora"
    shares_passes_on: ClassVar[tuple[str, ...]] = ("cpu", "cuda")
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

        family = family_of_model(base)
        config = LoraConfig(task_type=TaskType[family.task_type], **self.settings(base, parameters))
        model: nn.Module = get_peft_model(base, config)
        return model

    def settings(self, base: PreTrainedModel, parameters: Mapping[str, Scalar]) -> dict[str, Any]:
        """Returns the arguments of PEFT's `LoraConfig`.

        Raises:
            ValueError: The base has no layer of a chosen name.
        """
        layers = chosen_layers(base, parameters)
        return {
            "r": parameters["rank"],
            "lora_alpha": parameters["alpha"],
            "lora_dropout": parameters["dropout"],
            "target_modules": _for_peft(base, layers),
            "bias": "none",
            # GPT-2's layers, which are `Conv1D`, have their weights the other way round.
            "fan_in_fan_out": any(type(layer).__name__ == "Conv1D" for layer in layers.values()),
        }

    def is_trained(self, name: str) -> bool:
        """Returns whether a parameter is the A or B of an adapter."""
        return ".lora_A." in name or ".lora_B." in name

    def adapter(self, model: Any) -> Adapter:
        """Returns the A and B of every adapted layer."""
        from trainables.passes.parts import Adapter, LowRank

        found: dict[str, LowRank] = {}
        name = model.active_adapter
        for layer, module in model.get_base_model().named_modules():
            if name in getattr(module, "lora_A", {}):
                found[layer] = LowRank(
                    module.lora_A[name].weight,
                    module.lora_B[name].weight,
                    module.scaling[name],
                    float(getattr(module.lora_dropout[name], "p", 0.0)),
                )
        return Adapter(found)

    def expected(self, base: PreTrainedModel, parameters: Mapping[str, Scalar]) -> int:
        """Returns rank * (inputs + outputs), summed over the chosen layers."""
        rank = int(parameters["rank"] or 0)
        return rank * sum(
            sum(_features(layer)) for layer in chosen_layers(base, parameters).values()
        )


def chosen_layers(base: PreTrainedModel, parameters: Mapping[str, Scalar]) -> dict[str, nn.Module]:
    """Finds the layers that `target_modules` names, in the order of the model.

    Args:
        base: The model without adapters.
        parameters: With `target_modules`; see `trainables.families.target_modules`.

    Returns:
        Full module name -> layer; never the output layer over the vocabulary.

    Raises:
        ValueError: The base has no layer of a chosen name.
    """
    config = base.config.to_dict()
    layers = architecture_of(config).linear_layers(config)
    names = chosen(
        str(parameters["target_modules"]), layers, f"the base model, a {config['model_type']}"
    )
    return {name: base.get_submodule(name) for name in names}


def _for_peft(base: PreTrainedModel, layers: Mapping[str, nn.Module]) -> list[str]:
    """Returns names that PEFT finds these layers by: short ones, if they name no others too."""
    short = {name.rpartition(".")[2] for name in layers}
    meant = {name for name, _ in base.named_modules() if name.rpartition(".")[2] in short}
    return sorted(short if meant == layers.keys() else layers)


def _features(layer: Any) -> tuple[int, ...]:
    """Returns the numbers of inputs and outputs of a layer, also of a packed one."""
    if hasattr(layer, "in_features"):
        return layer.in_features, layer.out_features
    return tuple(layer.weight.shape)

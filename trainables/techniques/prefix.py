"""Prefix tuning: trained keys and values stand before those of every decoder layer.

Li and Liang 2021, "Prefix-Tuning: Optimizing Continuous Prompts for Generation", as PEFT builds it:
it reaches the self-attention of the decoder only, and without projection starts as N(0, 1), so that
it needs learning rates far above the other techniques'. Of an encoder-decoder PEFT (0.21) lays the
trained numbers out twice, for attention to the prompt too, and then drops what stands there: where
the number of layers is even, half of the numbers are read by nobody, and layers half of it apart
read the same ones; where it is odd, each reads its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from trainables.contract.configuration import Scalar
from trainables.families.architecture import Attention
from trainables.families.registry import architecture_of, family_of_model
from trainables.techniques.optimizer_parameters import optimizer_parameters
from trainables.techniques.parameter import Parameter, by_name
from trainables.techniques.technique import Technique

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel

    from trainables.passes.parts import Adapter, Heads


class Prefix(Technique):
    """Trains the prefix, or the embedding and network that compute it, in float32."""

    name = "prefix"
    # The rate of PEFT's own T5 example. No gradient checkpointing: PEFT hands the prefix over as a
    # key-value cache, which checkpointing drops.
    parameters = by_name(
        Parameter(
            "virtual_tokens",
            int,
            20,
            "Trained key and value vectors put before every decoder layer's own. Higher can "
            "express more and costs attention time. Of an encoder-decoder with an even number of "
            "decoder layers PEFT reads half of what it trains, and layers half the decoder apart "
            "share theirs.",
            minimum=1,
            maximum=1024,
        ),
        Parameter(
            "projection",
            bool,
            False,
            "Compute the prefix from an embedding through a two-layer network while training: "
            "steadier at small rates, many times the trainable parameters.",
        ),
        *optimizer_parameters(learning_rate=1e-2, weight_decay=0.0),
    )
    shares_passes_on = ("cpu", "cuda")
    mergeable = False  # its keys and values are no change of a weight

    def adapt(self, base: PreTrainedModel, parameters: Mapping[str, Scalar]) -> nn.Module:
        """Puts the prefix before the decoder's layers of the base, which is frozen in place."""
        from peft import PrefixTuningConfig, TaskType, get_peft_model

        attention = _attention(base)
        config = PrefixTuningConfig(
            task_type=TaskType[family_of_model(base).task_type],
            num_virtual_tokens=parameters["virtual_tokens"],
            prefix_projection=parameters["projection"],
            # PEFT would take the encoder's depth and d_model, which in some T5 checkpoints differ
            # from the decoder's depth and the width of its keys.
            num_layers=attention.layers,
            token_dim=attention.width,
            num_attention_heads=attention.heads,
            encoder_hidden_size=attention.width,
        )
        model: nn.Module = get_peft_model(base, config)
        return model

    def is_trained(self, name: str) -> bool:
        """Returns whether a parameter belongs to the prefix."""
        return name.startswith("prompt_encoder.")

    def expected(self, base: PreTrainedModel, parameters: Mapping[str, Scalar]) -> int:
        """Returns tokens * 2 * layers * width, or with projection the size of its network."""
        attention = _attention(base)
        width, outputs = attention.width, 2 * attention.layers * attention.width
        tokens = int(parameters["virtual_tokens"] or 0)
        if not parameters["projection"]:
            return tokens * outputs
        return tokens * width + (width + 1) * width + (width + 1) * outputs

    def adapter(self, model: Any) -> Adapter:
        """Returns the prefix of each decoder layer, as PEFT hands it over."""
        from trainables.passes.parts import Adapter, Prefix

        def made() -> list[Heads]:
            cache = model.get_prompt(batch_size=1)
            of_decoder = getattr(cache, "self_attention_cache", cache)
            return [(layer.keys[0], layer.values[0]) for layer in of_decoder.layers]

        tokens = model.active_peft_config.num_virtual_tokens
        weights = sum(each.numel() for each in model.prompt_encoder.parameters())
        return Adapter(prefix=Prefix(made, tokens, weights))

    def beside_adapter(self, model: Any) -> Mapping[str, nn.Module]:
        """Returns the embedding and network of a projection: PEFT stores what they compute."""
        if not model.active_peft_config.prefix_projection:
            return {}
        return {"prefix_encoder.safetensors": model.prompt_encoder[model.active_adapter]}


def _attention(base: PreTrainedModel) -> Attention:
    """Returns the attention that the prefix stands before."""
    config = base.config.to_dict()
    return architecture_of(config).attention(config)

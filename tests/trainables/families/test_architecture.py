"""What is read from a config.json is what the real model has."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from transformers import PreTrainedModel

from tests.trainables.families.bases import DIMENSIONS
from trainables.families.registry import FAMILIES, architecture_of, family_of
from trainables.families.target_modules import chosen

KNOWN = [model_type for family in FAMILIES for model_type in family.architectures]


def build(model_type: str, **dimensions: Any) -> PreTrainedModel:
    with torch.device("meta"):
        return family_of({"model_type": model_type}).random(model_type, **dimensions)


@pytest.mark.parametrize("model_type", KNOWN)
@pytest.mark.parametrize("given", [True, False], ids=["small", "defaults"])
def test_the_linear_layers_are_those_of_the_model(model_type: str, given: bool) -> None:
    dimensions = {**DIMENSIONS[model_type], "vocab_size": 99} if given else {}
    if not given:  # of transformers' defaults, but for what takes time to build
        deep = ("num_layers", "num_hidden_layers", "n_layer", "encoder_layers", "decoder_layers")
        shallow = {key: 1 for key in deep if key in DIMENSIONS[model_type]}
        dimensions = {**shallow, "vocab_size": 99}
    model = build(model_type, **dimensions)
    output = model.get_output_embeddings()
    real = [
        name
        for name, module in model.named_modules()
        if (isinstance(module, nn.Linear) or type(module).__name__ == "Conv1D")
        and module is not output
    ]
    # As a config.json may be: with what was given alone.
    config = {"model_type": model_type, **dimensions}
    assert sorted(architecture_of(config).linear_layers(config)) == sorted(real)
    whole = model.config.to_dict()
    assert architecture_of(whole).linear_layers(whole) == architecture_of(config).linear_layers(
        config
    )
    assert architecture_of(whole).positions(whole) == architecture_of(config).positions(config)


@pytest.mark.parametrize("model_type", KNOWN)
def test_portable_names_name_layers_of_every_model(model_type: str) -> None:
    config = {"model_type": model_type, **DIMENSIONS[model_type]}
    layers = architecture_of(config).linear_layers(config)

    def count(names: str) -> int:
        return len(chosen(names, layers, "a model"))

    assert count("q") > 0
    assert count("q,k,v,o") == count("attention") == count("o, attention")
    assert count("attention") + count("feed-forward") == count("all-linear") == len(layers)
    assert count("all") == count("all-linear")
    first = next(iter(layers))
    assert chosen(first, layers, "a model") == (first,)
    assert first in chosen(first.rpartition(".")[2], layers, "a model")
    with pytest.raises(ValueError, match="has no layer lm_head"):
        chosen("q,lm_head", layers, "a model")


def test_a_wrong_name_is_answered_with_the_right_ones() -> None:
    config = {"model_type": "llama", **DIMENSIONS["llama"]}
    layers = architecture_of(config).linear_layers(config)
    with pytest.raises(ValueError, match="has no layer query, vv") as raised:
        chosen("query,vv,o", layers, 'the base model "x", a llama')
    said = str(raised.value)
    assert 'target_modules is "query,vv,o", but the base model "x", a llama, has no' in said
    assert "it has down_proj, gate_proj, k_proj, o_proj, q_proj, up_proj, v_proj" in said
    assert "q, k, v, o, attention, feed-forward, all-linear, all name layers of any model" in said
    assert 'Did you mean "v"?' in said

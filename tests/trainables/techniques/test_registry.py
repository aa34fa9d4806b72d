"""The techniques on the true architecture, and in what they claim."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from transformers import T5Config, T5ForConditionalGeneration

from trainables.contract.configuration import Scalar
from trainables.techniques.parameters import TECHNIQUES as PARAMETERS
from trainables.techniques.parameters import complete
from trainables.techniques.registry import TECHNIQUES
from trainables.training.adapted_model import SetupError, count, verify

FLAN_T5_LARGE = 783_150_080


def flan_t5_large() -> T5ForConditionalGeneration:
    """Builds google/flan-t5-large without memory, from the figures in its config.json."""
    config = T5Config(
        vocab_size=32128,
        d_model=1024,
        d_kv=64,
        d_ff=2816,
        num_layers=24,
        num_heads=16,
        feed_forward_proj="gated-gelu",
        tie_word_embeddings=False,
        decoder_start_token_id=0,
    )
    with torch.device("meta"):
        model = T5ForConditionalGeneration(config)
        # transformers 5 ties a model that it builds; the published checkpoint is not tied.
        model.lm_head.weight = nn.Parameter(torch.empty(32128, 1024))
    return model


@pytest.mark.parametrize(
    ("technique", "given", "trained", "added"),
    [
        ("pretrained", {}, 0, 0),
        ("full", {}, FLAN_T5_LARGE, 0),
        ("lora", {"rank": 8, "target_modules": "q,v"}, 2_359_296, 2_359_296),
        ("lora", {"rank": 16, "target_modules": "q,v,k,o"}, 9_437_184, 9_437_184),
        ("qlora", {"rank": 8, "target_modules": "q,v"}, 2_359_296, 2_359_296),
        ("prefix", {"virtual_tokens": 20}, 983_040, 983_040),
    ],
)
def test_flan_t5_large_has_the_counts_of_the_study(
    technique: str, given: dict[str, Scalar], trained: int, added: int
) -> None:
    base = flan_t5_large()
    assert count(base) == (FLAN_T5_LARGE, FLAN_T5_LARGE)
    parameters = complete(technique, given)
    expected = TECHNIQUES[technique].expected(base, parameters)
    model = TECHNIQUES[technique].adapt(base, parameters)
    verify(model, TECHNIQUES[technique], expected)
    assert count(model) == (trained, FLAN_T5_LARGE + added)


def test_all_takes_every_linear_layer_but_the_vocabularys() -> None:
    base = flan_t5_large()
    parameters = complete("lora", {"rank": 4, "target_modules": "all"})
    model = TECHNIQUES["lora"].adapt(base, parameters)
    adapted = {name.split(".lora_A")[0] for name, _ in model.named_parameters() if "lora_A" in name}
    # 24 encoder blocks of one attention, 24 decoder blocks of two; three feed-forward layers each
    assert len(adapted) == 24 * (4 + 3) + 24 * (8 + 3)
    assert not any("lm_head" in name for name in adapted)


def test_a_layer_that_the_base_lacks_is_named() -> None:
    config = T5Config(vocab_size=9, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2)
    with torch.device("meta"):
        ungated = T5ForConditionalGeneration(config)
    with pytest.raises(ValueError, match="has no layer wi_0: it has k, o, q, v, wi, wo"):
        TECHNIQUES["lora"].adapt(ungated, complete("lora", {"target_modules": "q,wi_0"}))


def test_the_registry_and_the_parameters_name_the_same_techniques() -> None:
    assert list(TECHNIQUES) == list(PARAMETERS)


def test_verify_notices_a_weight_that_should_be_frozen() -> None:
    technique = TECHNIQUES["lora"]
    base = flan_t5_large()
    parameters = complete("lora", {})
    expected = technique.expected(base, parameters)
    model = technique.adapt(base, parameters)
    verify(model, technique, expected)
    with pytest.raises(SetupError, match="must be"):
        verify(model, technique, expected + 1)
    base.lm_head.weight.requires_grad_(True)
    with pytest.raises(SetupError, match=r"lm_head\.weight is trainable, but must not be"):
        verify(model, technique, expected)

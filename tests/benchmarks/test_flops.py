from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import T5Config

from benchmarks.setting import flan_t5_large_config, random_t5
from benchmarks.step.flops import TrainedT5
from tests.trainables.techniques.cases import cases, having
from trainables.contract.configuration import Scalar
from trainables.techniques.registry import BASELINE, TECHNIQUES, complete


def _config(feed_forward: str, *, tied: bool = True) -> T5Config:
    return T5Config(
        vocab_size=50,
        d_model=16,
        d_kv=4,
        d_ff=24,
        num_layers=2,
        num_decoder_layers=3,
        num_heads=3,
        feed_forward_proj=feed_forward,
        tie_word_embeddings=tied,
        decoder_start_token_id=0,
        attn_implementation="eager",
    )


@pytest.mark.parametrize(
    ("technique", "given"),
    cases(
        choices=[
            {"rank": 2},
            {"rank": 3, "target_modules": "all"},
            {"rank": 2, "target_modules": "o"},
            {"rank": 2, "target_modules": "wo"},
            {"virtual_tokens": 5},
        ]
    ),
)
@pytest.mark.parametrize("tied", [True, False])
def test_the_formula_is_torch_s_own_count(
    technique: str, given: dict[str, Scalar], tied: bool
) -> None:
    config = _config("gated-gelu", tied=tied)
    parameters = complete(technique, given)
    model = TECHNIQUES[technique].adapt(random_t5(config), parameters).train()
    source, target = 7, 4
    counter = FlopCounterMode(display=False)
    with counter:
        output = model(
            input_ids=torch.randint(2, 50, (1, source)),
            attention_mask=torch.ones(1, source, dtype=torch.int64),
            labels=torch.randint(2, 50, (1, target)),
        )
        output.loss.backward()
    formula = TrainedT5.of(config, technique, parameters).row(source, target)
    assert formula == counter.get_total_flops()


def test_full_training_takes_three_times_the_forward_pass() -> None:
    config = _config("relu")
    model = random_t5(config)
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        model(input_ids=torch.ones(1, 9, dtype=torch.int64), labels=torch.ones(1, 5).long())
    full = TrainedT5.of(config, "full", complete("full", {}))
    assert full.row(9, 5) == 3 * counter.get_total_flops()


def test_rows_add_up() -> None:
    model = TrainedT5.of(_config("gated-gelu"), "lora", complete("lora", {}))
    assert model.rows([(7, 4), (9, 2), (7, 4)]) == 2 * model.row(7, 4) + model.row(9, 2)


def test_the_large_model_is_near_the_six_and_four_operations_a_weight_and_token() -> None:
    # 2 of these forward, 2 for the gradients of activations, 2 for those of weights; attention and
    # adapters come on top, and each token passes through one of the two stacks only.
    config = flan_t5_large_config()
    source, target = 100, 100
    full = TrainedT5.of(config, "full", complete("full", {})).row(source, target)
    lora = TrainedT5.of(config, "lora", complete("lora", {})).row(source, target)
    weights = 783_150_080 - 32128 * 1024  # all but the embeddings, which multiply nothing
    assert full / (6 * weights * 100) == pytest.approx(1.0, rel=0.03)
    assert lora / full == pytest.approx(2 / 3, rel=0.02)


@pytest.mark.parametrize(
    ("technique", "given"),
    [(BASELINE.name, {}), *cases(having("projection"), [{"projection": True}])],
)
def test_what_is_not_counted_is_refused(technique: str, given: dict[str, Scalar]) -> None:
    with pytest.raises(ValueError, match=r"technique|projection"):
        TrainedT5.of(_config("gated-gelu"), technique, complete(technique, given))

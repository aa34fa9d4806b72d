"""What a trial starts from: the right weights trainable, the right numbers, no trial's traces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from bitsandbytes.nn import Linear4bit
from torch import nn

from tests.trainables.techniques.cases import brisk_rate, cases, having
from tests.trainables.tiny_base import BATCH, trial, write_tiny_base
from trainables.contract.configuration import Scalar
from trainables.techniques.lora import Lora, chosen_layers
from trainables.techniques.registry import TECHNIQUES, TRAINED
from trainables.training import adapted_model as module
from trainables.training.adapted_model import AdaptedModel, prepare

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_base(tmp_path_factory.mktemp("base"))


def loss_of(adapted: AdaptedModel) -> torch.Tensor:
    with adapted.precision():
        loss: torch.Tensor = adapted.model(**BATCH).loss
    return loss


def train(adapted: AdaptedModel, steps: int, rate: float = 1e-2) -> list[float]:
    """Trains without dropout; returns the loss before every step and after the last."""
    optimiser = torch.optim.AdamW(adapted.trainable().values(), lr=rate)
    adapted.model.eval()
    losses = []
    for _ in range(steps):
        loss = loss_of(adapted)
        torch.autograd.backward(loss)
        optimiser.step()
        optimiser.zero_grad()
        losses.append(loss.item())
    return [*losses, loss_of(adapted).item()]


def weights(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in model.named_parameters()}


@pytest.mark.parametrize(("technique", "given"), cases())
def test_training_lowers_the_loss_and_moves_nothing_frozen(
    base: Path, technique: str, given: dict[str, Scalar]
) -> None:
    adapted = prepare(trial(base, technique, given), CPU)
    before = weights(adapted.model)
    losses = train(adapted, steps=5, rate=brisk_rate(technique))
    assert losses[-1] < losses[0]
    trained = adapted.trainable()
    for name, now in adapted.model.named_parameters():
        assert torch.equal(before[name], now) == (name not in trained), name


@pytest.mark.parametrize(("technique", "given"), cases())
def test_the_seed_alone_decides_the_numbers(
    base: Path, technique: str, given: dict[str, Scalar]
) -> None:
    torch.manual_seed(11)
    alone = prepare(trial(base, technique, given, seed=5), CPU)
    first = weights(alone.model)
    other = prepare(trial(base, "lora", {"rank": 8, "target_modules": "all"}, seed=6), CPU)
    train(other, steps=2)
    torch.manual_seed(12)
    state = torch.get_rng_state()
    again = prepare(trial(base, technique, given, seed=5), CPU)
    assert torch.equal(state, torch.get_rng_state())
    second = weights(again.model)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert all(torch.equal(first[name], p) for name, p in alone.model.named_parameters())
    if not TECHNIQUES[technique].trains_base:
        another = prepare(trial(base, technique, given, seed=6), CPU).trainable()
        assert any(not torch.equal(first[name], p) for name, p in another.items())


@pytest.mark.parametrize("technique", ["pretrained", "lora"])
def test_before_training_it_answers_as_the_base_model(base: Path, technique: str) -> None:
    full = prepare(trial(base, "full"), CPU)
    adapted = prepare(trial(base, technique), CPU)
    with torch.no_grad():
        assert torch.equal(adapted.model(**BATCH).logits, full.model(**BATCH).logits)


def test_counts(base: Path) -> None:
    full = prepare(trial(base, "full"), CPU)
    assert full.trainable_parameters == full.total_parameters
    assert full.trainable_percent == 100.0
    pretrained = prepare(trial(base, "pretrained"), CPU)
    assert (pretrained.trainable_parameters, pretrained.trainable_percent) == (0, 0.0)
    assert pretrained.total_parameters == full.total_parameters
    # q and v of 2 encoder and 2 * 2 decoder attentions, each 32 -> 24
    lora = prepare(trial(base, "lora", {"rank": 4}), CPU)
    assert lora.trainable_parameters == 6 * 2 * 4 * (32 + 24)
    prefix = prepare(trial(base, "prefix", {"virtual_tokens": 3}), CPU)
    assert prefix.trainable_parameters == 3 * 2 * 2 * 24
    for adapted in (lora, prefix):
        assert adapted.total_parameters == full.total_parameters + adapted.trainable_parameters
    # Packed weights count as what they stand for.
    qlora = prepare(trial(base, "qlora", {"rank": 4}), CPU)
    assert qlora.trainable_parameters == lora.trainable_parameters
    assert qlora.total_parameters == lora.total_parameters


def test_qlora_packs_the_blocks_and_neither_embeddings_nor_output(base: Path) -> None:
    adapted = prepare(trial(base, "qlora", {"target_modules": "all"}), CPU)
    packed = [m for m in adapted.model.modules() if isinstance(m, Linear4bit)]
    assert len(packed) == 6 * 4 + 4 * 2  # attentions, and wi_0 and wi_1 of each feed-forward
    for layer in packed:
        assert layer.weight.quant_type == "nf4"
        assert layer.weight.quant_state.nested
    plain = adapted.model.get_base_model()
    assert plain.lm_head.weight.dtype is torch.float32
    assert plain.shared.weight.dtype is torch.float32
    assert not plain.is_activation_checkpointing


def test_qlora_trains_on_after_an_evaluation(base: Path) -> None:
    adapted = prepare(trial(base, "qlora"), CPU)
    train(adapted, steps=1)
    with torch.inference_mode():
        adapted.model.eval()(**BATCH)
        adapted.model.generate(input_ids=BATCH["input_ids"], max_new_tokens=3)
    adapted.model.train()
    torch.autograd.backward(loss_of(adapted))
    for name, parameter in adapted.trainable().items():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("technique", having("gradient_checkpointing"))
def test_gradient_checkpointing_gives_the_same_gradients(base: Path, technique: str) -> None:
    gradients = []
    for checkpointing in (False, True):
        adapted = prepare(trial(base, technique, {"gradient_checkpointing": checkpointing}), CPU)
        adapted.model.train()
        torch.manual_seed(3)
        torch.autograd.backward(loss_of(adapted))
        gradients.append({name: p.grad for name, p in adapted.trainable().items()})
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient, msg=name)


@pytest.mark.parametrize("technique", TRAINED)
def test_in_bfloat16_the_trained_weights_stay_float32(
    base: Path, technique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "compute_dtype", lambda device: torch.bfloat16)
    adapted = prepare(trial(base, technique), CPU)
    assert {p.dtype for p in adapted.trainable().values()} == {torch.float32}
    embeddings = adapted.model.get_input_embeddings().weight.dtype
    assert embeddings is (torch.float32 if TECHNIQUES[technique].trains_base else torch.bfloat16)
    losses = train(adapted, steps=4, rate=brisk_rate(technique))
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("projection", [False, True])
@pytest.mark.parametrize("beams", [1, 4])
def test_a_prefix_is_there_in_generation_as_in_training(
    base: Path, projection: bool, beams: int
) -> None:
    """Generation runs on a cache that already holds the prefix; training on whole sequences."""
    adapted = prepare(trial(base, "prefix", {"virtual_tokens": 4, "projection": projection}), CPU)
    train(adapted, steps=3, rate=0.3)
    source = {name: BATCH[name] for name in ("input_ids", "attention_mask")}
    generated = adapted.model.generate(
        **source,
        num_beams=beams,
        do_sample=False,
        max_new_tokens=6,
        min_new_tokens=6,
        output_scores=True,
        return_dict_in_generate=True,
    )
    sequences = generated.sequences
    with torch.no_grad():
        logits = adapted.model(**source, decoder_input_ids=sequences[:, :-1]).logits
    logits[..., 1] = -torch.inf  # min_new_tokens forbids the end of the sequence
    if beams == 1:
        assert torch.equal(logits.argmax(-1), sequences[:, 1:])
    else:
        unforced = adapted.model(**source, decoder_input_ids=sequences[:, :-1]).logits
        chosen = unforced.log_softmax(-1).gather(-1, sequences[:, 1:, None])[..., 0]
        torch.testing.assert_close(chosen.mean(-1), generated.sequences_scores)


def test_two_trials_do_not_share_weights(base: Path) -> None:
    first = prepare(trial(base, "lora", seed=1), CPU)
    second = prepare(trial(base, "full", seed=2), CPU)
    before = weights(first.model)
    train(second, steps=2)
    assert all(torch.equal(before[name], p) for name, p in first.model.named_parameters())


class Dora(Lora):
    """LoRA that trains a magnitude beside each update."""

    def settings(self, base: Any, parameters: Mapping[str, Scalar]) -> dict[str, Any]:
        return super().settings(base, parameters) | {"use_dora": True}

    def is_trained(self, name: str) -> bool:
        return super().is_trained(name) or ".lora_magnitude_vector." in name

    def expected(self, base: Any, parameters: Mapping[str, Scalar]) -> int:
        layers: Iterable[Any] = chosen_layers(base, parameters).values()
        magnitudes: int = sum(each.out_features for each in layers)
        return super().expected(base, parameters) + magnitudes


def test_passes_of_our_own_are_for_an_adapter_that_is_all_that_is_trained(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for technique in TRAINED:
        found = prepare(trial(base, technique), CPU)
        assert (found.base is not None) == (technique in ("lora", "qlora", "prefix"))
        if found.base is not None:
            assert found.adapter.weights == found.trainable_parameters
    monkeypatch.setitem(TECHNIQUES, "lora", Dora())
    assert prepare(trial(base, "lora"), CPU).base is None

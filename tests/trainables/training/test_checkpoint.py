"""A checkpoint gives the same weights back, to us and to the libraries whose formats it uses."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
import torch
from bitsandbytes.functional import has_avx512bf16
from peft import PeftModel
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

from tests.trainables.techniques.cases import cases
from tests.trainables.tiny_base import BATCH, trial, write_tiny_base
from tests.trainables.training.test_adapted_model import CPU, train, weights
from trainables.base_models.loading import four_bit
from trainables.base_models.tokenizer import BaseModelUnavailable
from trainables.contract.configuration import Scalar
from trainables.inference.export import export
from trainables.techniques.registry import TECHNIQUES, TRAINED
from trainables.training.adapted_model import AdaptedModel, prepare
from trainables.training.checkpoint import CheckpointError, load, save

STATE = {
    "optimiser.step": torch.tensor(7.0),
    "generator.cpu": torch.arange(16, dtype=torch.uint8),
    "view": torch.arange(10.0)[::2],
}
ADAPTERS = [name for name in TRAINED if not TECHNIQUES[name].trains_base]
PROGRESS = {"examples_seen": 128, "train_loss": 0.1 + 0.2, "rung": None}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_base(tmp_path_factory.mktemp("base"))


def logits(model: torch.nn.Module) -> torch.Tensor:
    with torch.no_grad():
        values: torch.Tensor = model.eval()(**BATCH).logits
    return values


def trained(base: Path, technique: str, given: dict[str, Scalar]) -> AdaptedModel:
    adapted = prepare(trial(base, technique, given, seed=3), CPU)
    train(adapted, steps=3)
    return adapted


@pytest.mark.parametrize(("technique", "given"), cases())
def test_what_is_saved_comes_back_bit_for_bit(
    base: Path, technique: str, given: dict[str, Scalar], tmp_path: Path
) -> None:
    adapted = trained(base, technique, given)
    save(adapted, tmp_path / "checkpoint", STATE, PROGRESS)
    fresh = prepare(trial(base, technique, given, seed=4), CPU)
    optimiser = torch.optim.AdamW(fresh.trainable().values(), lr=0.0)
    state, progress = load(fresh, tmp_path / "checkpoint")
    expected = weights(adapted.model)
    assert expected.keys() == dict(fresh.model.named_parameters()).keys()
    for name, parameter in fresh.model.named_parameters():
        assert torch.equal(parameter, expected[name]), name
    assert torch.equal(logits(fresh.model), logits(adapted.model))
    assert progress == PROGRESS
    assert state.keys() == STATE.keys()
    assert all(torch.equal(state[name], STATE[name]) for name in STATE)
    in_optimiser = {id(p) for group in optimiser.param_groups for p in group["params"]}
    assert in_optimiser == {id(p) for p in fresh.trainable().values()}


@pytest.mark.parametrize(("technique", "given"), cases(ADAPTERS))
def test_peft_loads_an_adapter_by_itself(
    technique: str, given: dict[str, Scalar], tmp_path: Path
) -> None:
    base = write_tiny_base(tmp_path / "base", packable=True)
    adapted = trained(base, technique, given)
    save(adapted, tmp_path, STATE, PROGRESS)
    quantization = four_bit(torch.float32) if TECHNIQUES[technique].quantized else None
    plain = AutoModelForSeq2SeqLM.from_pretrained(base, quantization_config=quantization)
    by_peft = PeftModel.from_pretrained(plain, tmp_path / "adapter")
    loaded, expected = logits(by_peft), logits(adapted.model)
    if technique == "qlora" and has_avx512bf16():
        # Left to itself bitsandbytes computes in bfloat16 here: 0.006 apart, and 0.9 without the
        # adapter.
        assert (loaded - expected).norm() < 0.02 * expected.norm()
    else:
        torch.testing.assert_close(loaded, expected)
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == str(base)


def test_a_fully_trained_model_is_a_base_model_folder(base: Path, tmp_path: Path) -> None:
    adapted = trained(base, "full", {})
    save(adapted, tmp_path, STATE, PROGRESS)
    by_transformers = AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "model")
    # Not bit for bit: transformers computes the same activation in more steps.
    torch.testing.assert_close(logits(by_transformers), logits(adapted.model))
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "model")
    assert tokenizer("SELECT a FROM users") == adapted.tokenizer("SELECT a FROM users")
    again = prepare(trial(tmp_path / "model", "pretrained"), CPU)
    assert torch.equal(logits(again.model), logits(adapted.model))


def test_a_model_that_is_not_trained_has_no_weights_to_save(base: Path, tmp_path: Path) -> None:
    adapted = prepare(trial(base, "pretrained"), CPU)
    save(adapted, tmp_path, {}, PROGRESS)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "progress.json",
        "training_state.safetensors",
    ]
    assert load(adapted, tmp_path) == ({}, PROGRESS)


@pytest.mark.parametrize(("technique", "given"), cases())
def test_nothing_is_pickled(
    base: Path,
    technique: str,
    given: dict[str, Scalar],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    adapted = prepare(trial(base, technique, given), CPU)

    def refuse(*arguments: object, **keywords: object) -> None:
        raise AssertionError("pickle was used")

    for name in ("dump", "dumps", "load", "loads", "Pickler", "Unpickler"):
        monkeypatch.setattr(pickle, name, refuse)
    monkeypatch.setattr(torch, "save", refuse)
    monkeypatch.setattr(torch, "load", refuse)
    save(adapted, tmp_path, STATE, PROGRESS)
    load(adapted, tmp_path)
    suffixes = {p.suffix for p in tmp_path.rglob("*") if p.is_file()}
    assert suffixes <= {".json", ".safetensors", ".md"}


def test_another_trials_checkpoint_is_refused(base: Path, tmp_path: Path) -> None:
    save(prepare(trial(base, "lora", {"rank": 2}), CPU), tmp_path, STATE, PROGRESS)
    others: list[tuple[str, dict[str, Scalar]]] = [
        ("lora", {"rank": 4}),
        ("lora", {"rank": 2, "target_modules": "q,k,v"}),
        ("prefix", {}),
        ("full", {}),
    ]
    for technique, given in others:
        adapted = prepare(trial(base, technique, given), CPU)
        before = weights(adapted.model)
        with pytest.raises(CheckpointError, match=r"is another trial's|is incomplete"):
            load(adapted, tmp_path)
        assert all(torch.equal(before[n], p) for n, p in adapted.model.named_parameters())


@pytest.mark.parametrize(("technique", "given"), cases())
def test_an_adapter_is_not_put_on_another_base(
    technique: str, given: dict[str, Scalar], tmp_path: Path
) -> None:
    base = write_tiny_base(tmp_path / "base", seed=0)
    adapted = trained(base, technique, given)
    save(adapted, tmp_path / "checkpoint", STATE, PROGRESS)
    write_tiny_base(tmp_path / "other", seed=1)
    (tmp_path / "other" / "model.safetensors").replace(base / "model.safetensors")
    fresh = prepare(trial(base, technique, given), CPU)
    if TECHNIQUES[technique].trains_base:  # its checkpoint has every weight
        assert load(fresh, tmp_path / "checkpoint")[1] == PROGRESS
        return
    before = weights(fresh.model)
    with pytest.raises(BaseModelUnavailable, match=r"not those that the adapter in .* trained on"):
        load(fresh, tmp_path / "checkpoint")
    assert all(torch.equal(before[n], p) for n, p in fresh.model.named_parameters())
    with pytest.raises(BaseModelUnavailable):
        export(trial(base, technique, given), tmp_path / "checkpoint", tmp_path / "out", {},
               merged=False)  # fmt: skip
    assert not (tmp_path / "out").exists()


def test_a_checkpoint_that_names_no_base_is_loaded(base: Path, tmp_path: Path) -> None:
    adapted = trained(base, "lora", {})
    save(adapted, tmp_path, STATE, PROGRESS)
    (tmp_path / "progress.json").write_text(json.dumps(PROGRESS))
    assert load(adapted, tmp_path)[1] == PROGRESS


@pytest.mark.parametrize(
    "file", ["adapter/adapter_model.safetensors", "training_state.safetensors", "progress.json"]
)
@pytest.mark.parametrize("damage", ["cut", "absent", "empty", "a list"])
def test_a_damaged_checkpoint_is_named(base: Path, file: str, damage: str, tmp_path: Path) -> None:
    adapted = prepare(trial(base, "lora"), CPU)
    save(adapted, tmp_path, STATE, PROGRESS)
    path = tmp_path / file
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:20])
    elif damage == "absent":
        path.unlink()
    else:
        path.write_text("" if damage == "empty" else "[]")
    with pytest.raises(CheckpointError, match=f"{path}.*; take another trial's, or train"):
        load(adapted, tmp_path)

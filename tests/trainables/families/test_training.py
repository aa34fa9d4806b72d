"""Every technique trains, writes, is kept and loads again on a model of every architecture."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.trainables.families.bases import DIMENSIONS, byt5_tokenizer, write_base
from trainables.contract.configuration import Scalar, TrialConfiguration
from trainables.finetune import Finetuning
from trainables.techniques.registry import TECHNIQUES, complete

CPU = torch.device("cpu")
ADAPTED = {"lora": {"target_modules": "all-linear", "rank": 2}, "prefix": {"virtual_tokens": 3}}


def configuration(base: str, technique: str, **given: Scalar) -> TrialConfiguration:
    """Returns a trial of two steps on the built-in corpus."""
    trains = TECHNIQUES[technique].trains
    defaults: dict[str, Scalar] = {"batch_size": 4, "learning_rate": 3e-2} if trains else {}
    adapted = ADAPTED.get({"qlora": "lora"}.get(technique, technique), {})
    return TrialConfiguration(
        technique=technique,
        parameters=complete(technique, defaults | adapted | given),
        data_size=8 if trains else 0,
        budget_examples=16 if trains else 0,
        seed=1,
        data_seed=0,
        base_model=base,
        validation_rows=3,
        test_rows=2,
        protocol="both",
        source_tokens=160,
        target_tokens=60,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bases")


def base(folder: Path, model_type: str) -> str:
    """Writes the base of an architecture once; its notebook answers need 256 tokens of room."""
    place = folder / model_type
    if not place.exists():
        longest = "n_positions" if model_type == "gpt2" else "max_position_embeddings"
        more = {longest: 512} if longest in DIMENSIONS[model_type] else {}
        write_base(place, model_type, **more)
    return str(place)


@pytest.mark.parametrize("technique", TECHNIQUES)
@pytest.mark.parametrize("model_type", DIMENSIONS)
def test_a_technique_works_on_an_architecture(
    folder: Path, tmp_path: Path, model_type: str, technique: str
) -> None:
    trial = Finetuning(configuration(base(folder, model_type), technique), CPU)
    before = trial.evaluate("validation", scores=False).metrics["eval_loss"]
    training = trial.advance(16)
    evaluation = trial.evaluate("validation", scores=False)
    assert (training.loss is not None) == TECHNIQUES[technique].trains
    if training.loss is not None:
        assert evaluation.metrics["eval_loss"] < before
    trial.save(tmp_path / "checkpoint")
    trial.close()
    again = Finetuning(configuration(base(folder, model_type), technique), CPU)
    again.load(tmp_path / "checkpoint")
    kept = again.evaluate("validation", scores=False)
    assert kept.metrics["eval_loss"] == evaluation.metrics["eval_loss"]
    again.close()

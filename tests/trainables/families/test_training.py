"""Every technique trains, writes, is kept and loads again on a model of every architecture."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainables.families.bases import DIMENSIONS, byt5_tokenizer, write_base
from trainables.base_models.availability import check_model
from trainables.contract.configuration import Scalar, TrialConfiguration
from trainables.finetune import Finetuning
from trainables.techniques.registry import TECHNIQUES, complete

CPU = torch.device("cpu")
ADAPTED: dict[str, dict[str, Scalar]] = {
    "lora": {"target_modules": "all-linear", "rank": 2},
    "prefix": {"virtual_tokens": 3},
}

LIKE_NO_OTHER = ("bart", "llama", "gpt2", "gpt_neox")
"""Architectures that between them have all there is to go wrong beside adapters."""
CASES = [
    (model_type, technique)
    for model_type in DIMENSIONS
    for technique in (TECHNIQUES if model_type in LIKE_NO_OTHER else ("lora", "prefix"))
]


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


@pytest.mark.parametrize(("model_type", "technique"), CASES)
def test_a_technique_works_on_an_architecture(
    folder: Path, tmp_path: Path, model_type: str, technique: str
) -> None:
    trial = Finetuning(configuration(base(folder, model_type), technique), CPU)
    before = eval_loss(trial)
    training = trial.advance(16)
    after = eval_loss(trial)
    assert (training.loss is not None) == TECHNIQUES[technique].trains
    if training.loss is not None:
        assert after < before
    trial.save(tmp_path / "checkpoint")
    trial.close()
    again = Finetuning(configuration(base(folder, model_type), technique), CPU)
    again.load(tmp_path / "checkpoint")
    assert eval_loss(again) == after
    again.close()


def test_byt5_is_trained_and_scored(tmp_path: Path) -> None:
    place = write_base(tmp_path / "byt5", "t5", tokenizer=byt5_tokenizer())
    check_model(place)
    chosen = replace(configuration(place, "lora", target_modules="attention"), source_tokens=400)
    trial = Finetuning(chosen, CPU)
    trial.advance(16)
    evaluation = trial.evaluate("validation")
    trial.close()
    assert evaluation.metrics["eval_rows"] == len(evaluation.predictions) == 3
    assert evaluation.metrics["bleu"] is not None


@pytest.mark.parametrize("model_type", ["bart", "gpt2"])
def test_a_reference_beyond_the_positions_is_cut_for_its_loss(
    tmp_path: Path, model_type: str
) -> None:
    rows = tmp_path / "rows.jsonl"
    long = "SELECT " + ", ".join(f"column_{n}" for n in range(200)) + " FROM t"
    rows.write_text(
        "\n".join(
            json.dumps(
                {
                    "sql_prompt": f"What is {n}?",
                    "sql_context": f"CREATE TABLE t{n} (a INT)",
                    "sql": long,
                }
            )
            for n in range(60)
        )
    )
    place = write_base(tmp_path / "base", model_type)
    chosen = replace(
        configuration(place, "pretrained"), dataset=str(rows), protocol="standard", source_tokens=90
    )
    trial = Finetuning(chosen, CPU)
    evaluation = trial.evaluate("validation")
    trial.close()
    assert isinstance(evaluation.metrics["eval_loss"], float)
    assert evaluation.metrics["eval_rows_cut"] == 3
    assert evaluation.predictions[0]["reference"] == long


def test_a_trial_refuses_what_does_not_fit_by_itself(tmp_path: Path) -> None:
    place = write_base(tmp_path / "base", "pegasus")
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"source_tokens": 1024}, r"lengths\.source is 1,024, but .* has 256 positions"),
        ({"parameters": complete("lora", {"target_modules": "wi_0"})}, "has no layer wi_0"),
    )
    for given, said in cases:
        with pytest.raises(ValueError, match=said):
            Finetuning(replace(configuration(place, "lora"), protocol="standard", **given), CPU)


def eval_loss(trial: Finetuning) -> float:
    loss = trial.evaluate("validation", scores=False).metrics["eval_loss"]
    assert isinstance(loss, float)
    return loss

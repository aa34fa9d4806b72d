"""An exported model answers, loaded by its card's own code, as it did in its trial."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainables.families.bases import CHAT, byte_tokenizer, write_base
from tests.trainables.families.test_training import base, configuration, folder
from tests.trainables.inference.test_model_card import TRIAL
from trainables.contract.configuration import TrialConfiguration
from trainables.embedded import corpus
from trainables.families.registry import CAUSAL
from trainables.finetune import Finetuning
from trainables.inference.export import export
from trainables.inference.predictor import Predictor
from trainables.techniques.registry import TECHNIQUES

__all__ = ["folder"]  # a fixture
CPU = torch.device("cpu")
ROWS = corpus.rows("test")[:4]


def trained(chosen: TrialConfiguration, checkpoint: Path) -> list[str]:
    """Trains and saves a model; returns its answers."""
    trial = Finetuning(chosen, CPU)
    trial.advance(chosen.budget_examples)
    trial.save(checkpoint)
    trial.close()
    asked = [row["sql_prompt"] for row in ROWS], [row["sql_context"] for row in ROWS]
    return Predictor(chosen, checkpoint, CPU).predict(*asked)


def by_its_card(export_folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Returns the answers of the code in an export's README, run in its folder."""
    code = re.findall(r"```python\n(.*?)```", (export_folder / "README.md").read_text(), re.DOTALL)
    monkeypatch.chdir(export_folder)
    names: dict[str, Any] = {}
    exec(code[0], names)
    return [names["ask"](row["sql_prompt"], row["sql_context"]) for row in ROWS]


@pytest.mark.parametrize("technique", ["full", "lora", "qlora", "prefix"])
@pytest.mark.parametrize("model_type", ["t5", "bart", "llama", "gpt2"])
def test_an_export_answers_as_the_trial(
    folder: Path,
    tmp_path: Path,
    model_type: str,
    technique: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    protocol = "notebook" if technique == "lora" else "standard"
    chosen = configuration(base(folder, model_type), technique)
    chosen = replace(chosen, protocol=protocol, target_tokens=12)
    answers = trained(chosen, tmp_path / "checkpoint")
    assert any(answers) or (model_type, technique) == ("t5", "prefix")  # it begins with the end
    for merged in (False, True):
        if merged and not TECHNIQUES[technique].mergeable:
            continue
        out = tmp_path / f"out-{merged}"
        export(chosen, tmp_path / "checkpoint", out, TRIAL, merged=merged)
        if merged and TECHNIQUES[technique].quantized:
            continue  # rounded otherwise than the packed weights; see test_four_bit_export
        by_card = by_its_card(out, monkeypatch)
        if protocol == "standard":
            assert by_card == answers
        else:
            # In 256 tokens by beams of a model of random weights rounding decides now and then.
            assert sum(a == b for a, b in zip(by_card, answers, strict=True)) >= len(ROWS) / 2


def test_a_chat_template_and_a_base_of_other_habits_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer = byte_tokenizer(closes=False, begins=True)
    tokenizer.chat_template = CHAT
    place = write_base(tmp_path / "base", "qwen2", tokenizer=tokenizer, max_position_embeddings=512)
    habits = '{"repetition_penalty": 5.0, "min_length": 200, "eos_token_id": [1, 7]}'
    Path(place, "generation_config.json").write_text(habits)
    chosen = replace(configuration(place, "lora"), protocol="standard", target_tokens=12)
    answers = trained(chosen, tmp_path / "checkpoint")
    export(chosen, tmp_path / "checkpoint", tmp_path / "out", TRIAL, merged=False)
    assert "generation_config" in (tmp_path / "out" / "README.md").read_text()
    assert by_its_card(tmp_path / "out", monkeypatch) == answers


def test_merged_weights_of_a_packed_gpt2_stand_as_its_own(folder: Path, tmp_path: Path) -> None:
    place = base(folder, "gpt2")
    chosen = replace(configuration(place, "qlora"), protocol="standard", target_tokens=12)
    trained(chosen, tmp_path / "checkpoint")
    export(chosen, tmp_path / "checkpoint", tmp_path / "out", TRIAL, merged=True)
    merged, report = CAUSAL.load(str(tmp_path / "out"))
    assert not report["missing_keys"]
    plain, _ = CAUSAL.load(place)
    name = "transformer.h.0.mlp.c_fc.weight"
    far = (merged.get_parameter(name) - plain.get_parameter(name)).abs().max()
    assert merged.get_parameter(name).shape == plain.get_parameter(name).shape
    assert far < 0.2

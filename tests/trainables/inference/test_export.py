"""An export answers as the trained model does, and finds its base model from wherever it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForSeq2SeqLM

from tests.trainables.inference.test_model_card import TRIAL
from tests.trainables.loop_base import configuration, write_loop_base
from tests.trainables.techniques.cases import Given, brisk_rate, cases
from tests.trainables.tiny_base import BATCH
from tests.trainables.training.test_adapted_model import CPU
from trainables.finetune import Finetuning
from trainables.inference.export import export
from trainables.techniques.registry import TECHNIQUES
from trainables.training.adapted_model import prepare
from trainables.training.checkpoint import save


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_loop_base(tmp_path_factory.mktemp("base"))


def logits(model: torch.nn.Module) -> torch.Tensor:
    with torch.no_grad():
        values: torch.Tensor = model.eval()(**BATCH).logits
    return values


@pytest.mark.parametrize(("technique", "given"), cases())
def test_merged_weights_answer_as_the_trained_model_where_they_can_be_had(
    base: str, technique: str, given: Given, tmp_path: Path
) -> None:
    parameters: dict[str, Any] = given | {"learning_rate": brisk_rate(technique)}
    chosen = configuration(base, technique, **parameters)
    trial = Finetuning(chosen, "cpu")
    before = logits(trial.adapted.model)
    trial.advance(40)
    trained = logits(trial.adapted.model)
    assert not torch.allclose(before, trained, atol=1e-2)
    trial.save(tmp_path / "checkpoint")
    trial.close()

    def merge() -> None:
        export(chosen, tmp_path / "checkpoint", tmp_path / "out", TRIAL, merged=True)

    if not TECHNIQUES[technique].mergeable:
        with pytest.raises(AttributeError, match="merge_and_unload"):
            merge()
        assert not (tmp_path / "out").exists()
        return
    merge()
    merged = AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "out")
    torch.testing.assert_close(logits(merged), trained, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", ["models/t5", "~/models/t5"])
def test_an_adapter_names_a_folder_by_its_whole_path(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    base = write_loop_base(tmp_path / "models" / "t5")
    trial = configuration(name)
    save(prepare(trial, CPU), tmp_path / "checkpoint", {}, {})
    export(trial, tmp_path / "checkpoint", tmp_path / "out", TRIAL, merged=False)
    settings = json.loads((tmp_path / "out" / "adapter_config.json").read_text())
    assert settings["base_model_name_or_path"] == base
    assert f"from_pretrained('{base}')" in (tmp_path / "out" / "README.md").read_text()

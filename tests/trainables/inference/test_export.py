"""An export answers as the trained model does, and finds its base model from wherever it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
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
from trainables.training.checkpoint import CheckpointError, save


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


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 1\n"
WEIGHTS = ("adapter/adapter_model.safetensors", "model/model.safetensors")
SETTINGS = ("adapter/adapter_config.json", "model/config.json", "model/generation_config.json")
DAMAGES: dict[str, tuple[tuple[str, ...], Callable[[Path], object], str]] = {
    "empty weights": (WEIGHTS, lambda file: file.write_bytes(b""), "it is empty; take another"),
    "cut weights": (
        WEIGHTS,
        lambda file: file.write_bytes(file.read_bytes()[:-100]),
        r"it is cut: [\d,]+ bytes of [\d,]+; take another trial's, or train this one anew",
    ),
    "a pointer": (WEIGHTS, lambda file: file.write_text(POINTER), "run `git lfs pull`"),
    "no weights in it": (WEIGHTS, lambda file: save_file({}, file), "holds no weights"),
    "missing weights": (WEIGHTS, lambda file: file.unlink(), "incomplete"),
    "empty settings": (SETTINGS, lambda file: file.write_text(""), "it is empty; take another"),
    "broken settings": (SETTINGS, lambda file: file.write_text("{"), "it is not JSON"),
    "a list": (SETTINGS, lambda file: file.write_text("[]"), "it is a list, not an object"),
    "missing settings": (SETTINGS[:2], lambda file: file.unlink(), "incomplete"),
    "no settings in it": (
        SETTINGS[:2],
        lambda file: file.write_text("{}"),
        'has no "peft_type"|has the model_type null, but the trial\'s base model "t5"',
    ),
    "another architecture": (
        SETTINGS[1:2],
        lambda file: file.write_text('{"model_type": ["bart"]}'),
        r'has the model_type \["bart"\], but',
    ),
}


@pytest.mark.parametrize(
    ("damage", "file"), [(name, file) for name, (files, *_) in DAMAGES.items() for file in files]
)
def test_a_damaged_checkpoint_is_not_exported(
    base: str, damage: str, file: str, tmp_path: Path
) -> None:
    trial = configuration(base, "lora" if file.startswith("adapter") else "full")
    save(prepare(trial, CPU), tmp_path / "checkpoint", {}, {})
    path = tmp_path / "checkpoint" / file
    _, do, said = DAMAGES[damage]
    do(path)
    with pytest.raises(CheckpointError, match=said) as raised:
        export(trial, tmp_path / "checkpoint", tmp_path / "out" / "model", TRIAL, merged=False)
    assert str(path) in str(raised.value)
    assert [each.name for each in tmp_path.iterdir()] == ["checkpoint"]


@pytest.mark.parametrize("content", ["", "{", "[]", None])
@pytest.mark.parametrize("merged", [False, True])
def test_a_checkpoint_without_its_progress_is_not_exported(
    base: str, content: str | None, merged: bool, tmp_path: Path
) -> None:
    trial = configuration(base)
    save(prepare(trial, CPU), tmp_path / "checkpoint", {}, {})
    progress = tmp_path / "checkpoint" / "progress.json"
    progress.unlink() if content is None else progress.write_text(content)
    with pytest.raises(CheckpointError, match=r"progress\.json"):
        export(trial, tmp_path / "checkpoint", tmp_path / "out", TRIAL, merged=merged)
    assert [each.name for each in tmp_path.iterdir()] == ["checkpoint"]

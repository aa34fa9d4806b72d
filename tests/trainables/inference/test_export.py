"""An export answers as the trained model does, and finds its base model from wherever it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
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


def test_the_folder_one_stands_in_may_be_the_target(
    base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = configuration(base)
    save(prepare(trial, CPU), tmp_path / "checkpoint", {}, {})
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    export(trial, tmp_path / "checkpoint", Path(), TRIAL, merged=False)
    assert (tmp_path / "here" / "adapter_config.json").is_file()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["checkpoint", "here"]


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
    "no weights in it": (WEIGHTS, lambda file: save_file({}, file), "it lacks .* of this trial's"),
    "weights of no known type": (
        WEIGHTS,
        lambda file: file.write_bytes(file.read_bytes().replace(b'"F32"', b'"F33"')),
        "cannot be read: .*F33.*; take another trial's, or train this one anew",
    ),
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


_ALPHA = {"rank": 4, "alpha": 8}
OTHERS: list[tuple[str, dict[str, Any], dict[str, Any], str, str]] = [
    ("lora", {"rank": 2}, {"rank": 4}, "adapter_config.json", "it has r 2, but this trial 4"),
    ("lora", {**_ALPHA, "alpha": 64}, _ALPHA, "adapter_config.json", "lora_alpha 64, .* trial 8"),
    (
        "lora",
        {},
        {"target_modules": "q,k"},
        "adapter_config.json",
        r'\["q", "v"\], .* \["k", "q"\]',
    ),
    ("prefix", {"virtual_tokens": 3}, {"virtual_tokens": 5}, "config.json", "num_virtual_tokens 3"),
    ("prefix", {}, {"rank": 4}, "adapter_config.json", 'peft_type "PREFIX_TUNING", .* "LORA"'),
]


@pytest.mark.parametrize(("technique", "saved", "given", "file", "said"), OTHERS)
def test_another_trials_adapter_is_not_exported(
    base: str,
    technique: str,
    saved: dict[str, Any],
    given: dict[str, Any],
    file: str,
    said: str,
    tmp_path: Path,
) -> None:
    """Whatever of it tells: its settings first, and where these were put right its weights."""
    other = configuration(base, technique, **saved)
    save(prepare(other, CPU), tmp_path / "checkpoint", {}, {})
    trial = configuration(base, "lora" if "rank" in given else technique, **given)
    with pytest.raises(CheckpointError, match=f"{file} is another trial's, .*{said}") as raised:
        export(trial, tmp_path / "checkpoint", tmp_path / "out", TRIAL, merged=False)
    assert "take another trial's" in str(raised.value)
    if "alpha" in given:
        return
    save(prepare(trial, CPU), tmp_path / "own", {}, {})
    settings = (tmp_path / "own" / "adapter" / "adapter_config.json").read_text()
    (tmp_path / "checkpoint" / "adapter" / "adapter_config.json").write_text(settings)
    with pytest.raises(CheckpointError, match=r"\.safetensors is another trial's, .* this trial"):
        export(trial, tmp_path / "checkpoint", tmp_path / "out", TRIAL, merged=False)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("key", "value"),
    [("exclude_modules", ".*v"), ("layers_to_transform", [0]), ("lora_bias", True)],
)
def test_an_adapter_that_computes_otherwise_by_its_settings_is_not_exported(
    base: str, key: str, value: object, tmp_path: Path
) -> None:
    trial = configuration(base, "lora")
    save(prepare(trial, CPU), tmp_path / "checkpoint", {}, {})
    file = tmp_path / "checkpoint" / "adapter" / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {key: value}))
    with pytest.raises(CheckpointError, match=f"another trial's, or was changed: it has {key}"):
        export(trial, tmp_path / "checkpoint", tmp_path / "out", TRIAL, merged=False)


def test_whole_weights_of_another_base_are_not_exported(base: str, tmp_path: Path) -> None:
    trial = configuration(base, "full")
    save(prepare(trial, CPU), tmp_path / "checkpoint", {}, {})
    other = write_loop_base(tmp_path / "other", num_heads=2)
    save(prepare(configuration(other, "full"), CPU), tmp_path / "second", {}, {})
    file = "model/model.safetensors"
    (tmp_path / "second" / file).replace(tmp_path / "checkpoint" / file)
    with pytest.raises(CheckpointError, match=r"has the shape \[16, 32\] in it, but \[32, 32\] in"):
        export(trial, tmp_path / "checkpoint", tmp_path / "out", TRIAL, merged=False)
    weights = load_file(tmp_path / "checkpoint" / file)
    less = {name: each for name, each in weights.items() if "Attention" not in name}
    save_file(less, tmp_path / "checkpoint" / file)
    with pytest.raises(CheckpointError, match=r"it lacks \S+Attention\S+ and \d+ more of this"):
        export(trial, tmp_path / "checkpoint", tmp_path / "out", TRIAL, merged=False)
    assert not (tmp_path / "out").exists()

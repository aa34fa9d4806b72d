"""A base model's folder is data: no code and no pickle in it is ever run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.planted import PICKLES, Planted
from tests.trainables.tiny_base import trial, write_tiny_base
from trainables.base_models.loading import load_base_model
from trainables.base_models.tokenizer import BaseModelUnavailable, load_tokenizer
from trainables.training.adapted_model import prepare

CPU = torch.device("cpu")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return write_tiny_base(tmp_path / "base")


@pytest.fixture
def planted(tmp_path: Path) -> Planted:
    return Planted(tmp_path / "mark")


def _change(file: Path, **values: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def test_pickles_beside_the_weights_are_not_read(base: Path, planted: Planted) -> None:
    planted.pickles(base, *PICKLES)
    prepare(trial(base, "lora"), CPU)
    assert planted.asleep()


@pytest.mark.parametrize("name", ["pytorch_model.bin", "pytorch_model-00001-of-00001.bin"])
def test_pickles_instead_of_the_weights_are_refused(
    base: Path, planted: Planted, name: str
) -> None:
    planted.pickles(base, name)
    (base / "model.safetensors").unlink()
    index = {"metadata": {"total_size": 1}, "weight_map": {"shared.weight": name}}
    (base / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    with pytest.raises(BaseModelUnavailable, match="safetensors"):
        load_base_model(str(base), device=CPU, dtype=torch.float32)
    assert planted.asleep()


def test_an_index_of_safetensors_that_names_a_pickle_is_refused(
    base: Path, planted: Planted
) -> None:
    planted.pickles(base, "model-00001-of-00001.bin")
    (base / "model.safetensors").unlink()
    index = {
        "metadata": {"total_size": 1},
        "weight_map": {"shared.weight": "model-00001-of-00001.bin"},
    }
    (base / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(BaseModelUnavailable, match=r"keeps weights in model-00001-of-00001\.bin"):
        load_base_model(str(base), device=CPU, dtype=torch.float32)
    assert planted.asleep()


def test_an_adapter_in_the_folder_is_not_unpickled(base: Path, planted: Planted) -> None:
    planted.pickles(base, "adapter_model.bin")
    config = {"peft_type": "LORA", "base_model_name_or_path": str(base), "target_modules": ["q"]}
    (base / "adapter_config.json").write_text(json.dumps(config))
    with pytest.raises(BaseModelUnavailable, match=f'"{base}" cannot be loaded'):
        load_base_model(str(base), device=CPU, dtype=torch.float32)
    assert planted.asleep()


@pytest.mark.parametrize("kind", ["t5", "planted"])
def test_code_in_the_folder_is_not_run(base: Path, planted: Planted, kind: str) -> None:
    planted.module(base / "planted.py")
    classes = ("AutoConfig", "AutoModel", "AutoModelForSeq2SeqLM")
    _change(
        base / "config.json",
        model_type=kind,
        auto_map=dict.fromkeys(classes, "planted.Planted"),
    )
    _change(
        base / "tokenizer_config.json",
        auto_map={"AutoTokenizer": ["planted.Planted", "planted.Planted"]},
    )
    if kind == "t5":  # transformers' own class for it is used
        load_base_model(str(base), device=CPU, dtype=torch.float32)
        load_tokenizer(str(base))
    else:
        said = f'"{base}" is of the architecture "planted", but must be one of t5'
        with pytest.raises(BaseModelUnavailable, match=said):
            load_base_model(str(base), device=CPU, dtype=torch.float32)
    assert planted.asleep()


def test_a_tokenizer_class_in_the_folder_is_not_imported(base: Path, planted: Planted) -> None:
    planted.module(base / "planted.py")
    _change(
        base / "tokenizer_config.json",
        tokenizer_class="Planted",
        auto_map={"AutoTokenizer": ["planted.Planted", "planted.Planted"]},
    )
    assert "SELECT" in load_tokenizer(str(base)).get_vocab()
    assert planted.asleep()

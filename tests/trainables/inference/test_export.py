"""What is exported finds its base model from wherever it is loaded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.trainables.inference.test_model_card import TRIAL
from tests.trainables.loop_base import configuration, write_loop_base
from tests.trainables.training.test_adapted_model import CPU
from trainables.inference.export import export
from trainables.training.adapted_model import prepare
from trainables.training.checkpoint import save


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

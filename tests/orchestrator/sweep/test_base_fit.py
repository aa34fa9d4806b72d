"""What does not fit a base model is refused before anything starts, with its place in the file."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from orchestrator.errors import UserError
from orchestrator.search_space import load
from orchestrator.sweep.base_fit import check_loads
from orchestrator.sweep.preflight import check_sources
from tests.trainables.families.bases import write_base

FILE = """
name: fit
question: Does it fit?
objective: {{metric: rouge_l, mode: max}}
base_model: {base}
dataset: embedded
space:
  technique:
    lora:
      target_modules: {{choice: ["{layers}", "q,v"]}}
    prefix:
      virtual_tokens: {{randint: [1, {virtual}]}}
  data_size: 100
trials: 2
budget: {{examples: 100}}
lengths: {{source: {source}, target: 64}}
"""


def check(
    folder: Path, base: str, *, layers: str = "attention", virtual: int = 5, source: int = 160
) -> None:
    file = folder / "fit.yaml"
    text = FILE.format(base=base, layers=layers, virtual=virtual, source=source)
    file.write_text(text)
    check_sources(load(file, profile="full"), ask_hub=False)


@pytest.mark.parametrize("model_type", ["pegasus", "llama", "gpt2", "t5"])
def test_portable_names_and_lengths_within_the_positions_pass(
    tmp_path: Path, model_type: str
) -> None:
    check(tmp_path, write_base(tmp_path / "base", model_type))


def test_a_layer_that_the_base_lacks_is_named_with_its_place(tmp_path: Path) -> None:
    base = write_base(tmp_path / "base", "bart")
    with pytest.raises(UserError) as raised:
        check(tmp_path, base, layers="q,wi_0")
    said = str(raised.value)
    assert said.startswith('space.technique.lora.target_modules is "q,wi_0", but the base model')
    assert "a bart, has no layer wi_0: it has fc1, fc2, k_proj, out_proj, q_proj, v_proj" in said
    check(tmp_path, base, layers="q_proj,encoder_attn.v_proj,model.decoder.layers.0.fc1")


def test_lengths_beyond_the_positions_are_named(tmp_path: Path) -> None:
    base = write_base(tmp_path / "base", "pegasus")
    with pytest.raises(UserError, match=r"lengths\.source is 1,024, but .* 256 positions: take at"):
        check(tmp_path, base, source=1024)
    base = write_base(tmp_path / "decoder", "llama")
    with pytest.raises(UserError, match=r"lengths\.source 176 and lengths\.target 64 and virtual"):
        check(tmp_path, base, source=176, virtual=5)
    with pytest.raises(UserError, match="and virtual_tokens 40 and"):
        check(tmp_path, base, virtual=41)


def _cut(weights: Path) -> None:
    weights.write_bytes(weights.read_bytes()[:-100])


def _spoil(weights: Path) -> None:
    tensors = load_file(weights)
    tensors["shared.weight"][0, 0] = float("nan")
    save_file(tensors, weights, metadata={"format": "pt"})


def _lose(weights: Path) -> None:
    tensors = load_file(weights)
    del tensors["decoder.final_layer_norm.weight"]
    save_file(tensors, weights, metadata={"format": "pt"})


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_cut, "has a model.safetensors that cannot be read: it is cut: "),
        (_spoil, "has NaN or infinite weights (shared.weight in model.safetensors, 1 of "),
        (_lose, "lacks weights (decoder.final_layer_norm.weight"),
    ],
)
def test_a_base_that_cannot_be_loaded_is_refused_before_there_is_a_store(
    tmp_path: Path, damage: Callable[[Path], None], said: str
) -> None:
    base = Path(write_base(tmp_path / "base", "t5"))
    damage(base / "model.safetensors")
    file = tmp_path / "fit.yaml"
    file.write_text(FILE.format(base=base, layers="attention", virtual=5, source=160))
    command = (sys.executable, "-m", "orchestrator.sweep", file, "--profile", "full")
    for options in (("--plan",), ()):
        done = subprocess.run(
            [*command, "--root", tmp_path / "store", *options],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2, done.stdout + done.stderr
        assert said in done.stdout + done.stderr
    assert not (tmp_path / "store").exists()


def test_a_base_whose_files_belong_together_is_not_held_up(tmp_path: Path) -> None:
    base = write_base(tmp_path / "base", "t5")
    file = tmp_path / "fit.yaml"
    file.write_text(FILE.format(base=base, layers="attention", virtual=5, source=160))
    check_loads(load(file, profile="full"))

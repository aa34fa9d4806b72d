"""A four-bit export is asked by the code of its card as the trial's model is asked here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from bitsandbytes.nn import modules

from tests.trainables.inference.test_model_card import TRIAL
from tests.trainables.loop_base import configuration, write_loop_base
from trainables.contract.configuration import TrialConfiguration
from trainables.embedded import corpus
from trainables.inference.export import export
from trainables.inference.predictor import Predictor
from trainables.training import checkpoint
from trainables.training.adapted_model import prepare

CPU = torch.device("cpu")
LOOP = re.compile(r"^for layer in base\.modules\(\):\n(?: .*\n)+", re.MULTILINE)
QUESTIONS = [(row["sql_prompt"], row["sql_context"]) for row in corpus.rows("test")[:4]]
SIZES = pytest.mark.parametrize(
    "num_heads",
    [pytest.param(3, id="24 outputs"), pytest.param(4, id="32 inputs")],
)
"""What bitsandbytes cannot pack: outputs by 32, inputs by its blocks of 64."""


@pytest.fixture(autouse=True)
def cpu_with_avx512_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes bitsandbytes take every CPU for one that it packs four-bit weights for."""
    monkeypatch.setattr(modules, "has_avx512bf16", lambda: True)


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, num_heads: int) -> TrialConfiguration:
    """A QLoRA trial with a checkpoint in `trial/`; its export is the working directory."""
    base = write_loop_base(tmp_path / "base", num_heads=num_heads)
    trial = configuration(base, "qlora", rank=4, target_modules="all")
    adapted = prepare(trial, CPU)
    with torch.no_grad():  # far from the base, and different for each question
        for number, parameter in enumerate(adapted.trainable().values()):
            parameter.normal_(0.0, 0.5, generator=torch.Generator().manual_seed(number))
    checkpoint.save(adapted, tmp_path / "trial", {}, {})
    export(trial, tmp_path / "trial", tmp_path / "export", TRIAL, merged=False)
    monkeypatch.chdir(tmp_path / "export")
    return trial


def code_of_the_card() -> str:
    (code,) = re.findall(r"```python\n(.*?)```", Path("README.md").read_text(), re.DOTALL)
    return str(code)


def answers(code: str) -> list[str]:
    names: dict[str, Any] = {}
    exec(code, names)
    return [names["ask"](question, context) for question, context in QUESTIONS]


@SIZES
def test_a_qlora_adapter_answers_as_its_trial_does(
    asked: TrialConfiguration, tmp_path: Path
) -> None:
    questions, contexts = zip(*QUESTIONS, strict=True)
    expected = Predictor(asked, tmp_path / "trial", CPU).predict(questions, contexts)
    # Mostly: which two of them such a model answers alike differs with the CPU's rounding.
    assert len(set(expected)) > len(QUESTIONS) // 2
    assert answers(code_of_the_card()) == expected


@SIZES
def test_bitsandbytes_alone_refuses_the_base(asked: TrialConfiguration) -> None:
    code, loops = LOOP.subn("", code_of_the_card())
    assert loops == 1
    with pytest.raises((AssertionError, RuntimeError), match=r"block_n|is invalid for input"):
        answers(code)

"""The way of a GPU with bfloat16, on a CPU, which has autocast too: frozen weights in bfloat16,
trained ones in float32, matrix products in bfloat16.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from bitsandbytes.nn import Params4bit

from tests.trainables.loop_base import configuration, write_loop_base
from trainables.finetune import Finetuning
from trainables.techniques.registry import TRAINED
from trainables.training import adapted_model


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_loop_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(autouse=True)
def computing_in_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapted_model, "compute_dtype", lambda device: torch.bfloat16)


@pytest.mark.parametrize("technique", TRAINED)
def test_a_trial_trains_evaluates_and_goes_on_from_its_checkpoint(
    base: str, technique: str, tmp_path: Path
) -> None:
    trial = Finetuning(configuration(base, technique), "cpu")
    for parameter in trial.adapted.model.parameters():
        if not isinstance(parameter, Params4bit):
            trained = parameter.requires_grad
            assert parameter.dtype is (torch.float32 if trained else torch.bfloat16)
    assert not trial.advance(20).diverged
    before = trial.evaluate("validation")
    trial.save(tmp_path / "checkpoint")
    after = trial.advance(40)
    assert after.loss is not None
    assert 0 < after.loss < 10
    trial.close()

    again = Finetuning(configuration(base, technique), "cpu")
    again.load(tmp_path / "checkpoint")
    assert again.evaluate("validation").predictions == before.predictions
    assert again.advance(40).loss == after.loss
    again.close()


@pytest.mark.parametrize("technique", TRAINED)
def test_the_loss_is_that_of_float32_but_for_rounding(
    base: str, technique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = []
    for dtype in (torch.bfloat16, torch.float32):
        monkeypatch.setattr(adapted_model, "compute_dtype", lambda device, dtype=dtype: dtype)
        trial = Finetuning(configuration(base, technique), "cpu")
        losses.append(trial.evaluate("validation").metrics["eval_loss"])
        trial.close()
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.02)

"""What trials are measured to cost that share a process, from their first steps."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainables.loop_base import configuration, write_loop_base
from trainables import pack_cost
from trainables.contract.configuration import TrialConfiguration
from trainables.contract.pack_cost import PackCost, Ready
from trainables.engine.engine import Engine


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> list[TrialConfiguration]:
    base = write_loop_base(tmp_path_factory.mktemp("base"))
    return [
        configuration(base, rank=2, batch_size=2),
        configuration(base, rank=4, batch_size=4, learning_rate=10.0),
        configuration(base, "full", batch_size=2),
    ]


def _asked(monkeypatch: pytest.MonkeyPatch, *lines: Any) -> list[Any]:
    """Returns the answers of the command to some lines."""
    monkeypatch.setattr("sys.argv", ["pack_cost", "cpu", "2", "1.0"])
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{json.dumps(x)}\n" for x in lines)))
    out = io.StringIO()
    monkeypatch.setattr("sys.stdout", out)
    pack_cost.main()
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_few_steps_say_what_trials_cost_alone_and_together(
    trials: list[TrialConfiguration], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = [each.to_dict() for each in trials]
    ready, alone, *others = _asked(monkeypatch, given, [1], [0, 1], [0, 1, 2])
    first = Ready(**ready)
    assert first.start > 0
    assert first.shares
    assert first.room_bytes > 2**30
    for answer, examples in zip([alone, *others], (4, 6, 8), strict=True):
        cost = PackCost(**answer)
        assert cost.examples == examples
        assert len(cost.steps) == pack_cost.STEPS
        assert min(*cost.steps, cost.loss_row, cost.scored_row) > 0
        assert max(*cost.steps, cost.loss_row, cost.scored_row) < 60
        assert 2**20 < cost.loaded_bytes <= cost.memory_bytes


def test_trials_of_which_none_has_passes_of_our_own_share_none(
    trials: list[TrialConfiguration],
) -> None:
    assert not pack_cost.ready(trials[2:], "cpu", 1, 1.0).shares


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        MemoryError(),
    ],
)
def test_a_lack_of_memory_is_nobodys_error(
    trials: list[TrialConfiguration], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(Engine, "step", lambda engine: {"0": error})
    assert pack_cost.measure(trials[:2], "cpu") is None


def test_another_error_is_not_taken_for_it(
    trials: list[TrialConfiguration], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Engine, "step", lambda engine: {"0": ValueError("no such layer")})
    with pytest.raises(ValueError, match="no such layer"):
        pack_cost.measure(trials[:1], "cpu")


def test_what_a_trial_would_fail_of_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = configuration(str(tmp_path / "absent"))
    (answer,) = _asked(monkeypatch, [trial.to_dict()])
    assert "absent" in answer["error"]

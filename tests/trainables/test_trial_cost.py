"""What a trial is measured to cost from its first steps."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from tests.trainables.loop_base import configuration, write_loop_base
from trainables import trial_cost


@pytest.mark.parametrize("technique", ["lora", "pretrained"])
def test_a_few_steps_say_what_a_trial_costs(tmp_path: Path, technique: str) -> None:
    trial = configuration(write_loop_base(tmp_path), technique, budget_examples=400)
    found = trial_cost.measure(trial)
    assert found.start > 0
    assert (found.example is not None) == (technique == "lora")
    assert found.example is None or found.example > 0
    assert 0 < found.loss_row < 60
    assert 0 < found.scored_row < 60
    assert found.memory_bytes > 2**20
    assert (found.trained > 0) == (technique == "lora")
    assert found.device_kind in ("cpu", "cuda", "mps")


def test_what_a_trial_would_fail_of_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trial = configuration(str(tmp_path / "absent"))
    monkeypatch.setattr("sys.argv", ["trial_cost"])
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(trial.to_dict())))
    trial_cost.main()
    assert "absent" in json.loads(capsys.readouterr().out.splitlines()[-1])["error"]

"""`--retry-failed`, from a start to its end, with the stand-in for Ray Tune."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator.search.tries import TRIES
from orchestrator.state.stored_sweep import StoredSweep
from orchestrator.sweep.preflight import StartOptions
from orchestrator.sweep.result import NoneCompletedError
from orchestrator.sweep.run import run
from orchestrator.terminal.plain_console import PlainConsole
from tests.orchestrator import sweeps, toy
from tests.orchestrator.running import rows
from tests.orchestrator.stand_in import Seen, instead_of_ray, run_trials


def test_the_option_runs_a_finished_sweep_again_and_its_end_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run_here(stored: StoredSweep, *others: Any, **named: Any) -> None:
        instead_of_ray(stored, monkeypatch)
        run_trials(stored, Seen())

    monkeypatch.setattr("orchestrator.sweep.run._run_trials", run_here)
    learner = toy.finetune
    monkeypatch.setattr(toy, "finetune", lambda *_, **__: 1 / 0)
    root = tmp_path / "store"
    sweep = sweeps.toy(tmp_path, baseline=None, trials=2)
    out = PlainConsole(width=1000)
    with pytest.raises(NoneCompletedError, match=r"lora: 1 failed.*(\n.*)*--retry-failed$"):
        run(sweep, root, out, StartOptions())
    monkeypatch.setattr(toy, "finetune", learner)
    with pytest.raises(NoneCompletedError):  # the same command trains nothing again
        run(sweep, root, out, StartOptions())
    assert len(rows(root, "trials")) == 2
    capsys.readouterr()
    run(sweep, root, out, StartOptions(retry_failed=True))
    said = capsys.readouterr().out
    assert "2 runs failed; 2 tried again." in said
    assert "Best of 2 trials is" in said
    assert "--retry-failed" not in said
    ends = [(row["trial_number"], row["outcome"]) for row in rows(root, "trials")]
    assert [number for number, _ in ends] == [0, 1, TRIES, TRIES + 1]
    assert [outcome for _, outcome in ends][:2] == ["failed", "failed"]
    assert "failed" not in [outcome for _, outcome in ends][2:]

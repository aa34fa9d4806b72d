"""What each worker of a group does, with stand-ins for Ray Train and for the driver's board."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import ray.train
from ray.exceptions import GetTimeoutError

from orchestrator.ray_tune import go_ahead, trainable
from orchestrator.search.proposals import Proposal, rungs, trial_configuration
from orchestrator.state.stored_sweep import StoredSweep
from orchestrator.store import Store
from orchestrator.trial.attempt import TrialJob
from tests.orchestrator import sweeps


def test_a_worker_makes_no_report_before_all_have_returned_from_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray Train (2.60) takes it for the last one's, and the group waits for ever."""
    sweep = sweeps.toy(tmp_path)
    stored = StoredSweep(sweep, "toy-00000000", Store(tmp_path / "store"))
    proposal = Proposal(1, 0, 0, {"technique": "lora", "data_size": 100})
    grid = rungs(sweep, trial_configuration(sweep, proposal))
    events: list[Any] = []

    def follow(job: TrialJob, proposal: Proposal, pass_on: Callable[[int], None]) -> None:
        for rung in range(len(grid)):
            pass_on(rung)

    monkeypatch.setattr(trainable, "follow", follow)
    monkeypatch.setattr(ray.train, "report", lambda row: events.append("reported"))
    monkeypatch.setattr(ray.train, "get_context", lambda: SimpleNamespace(get_world_rank=lambda: 1))
    monkeypatch.setattr(go_ahead, "wait_for_go_ahead", lambda *waited: events.append(waited))
    job = TrialJob(stored, "cpu", 2, "tests.orchestrator.toy:finetune")
    trainable._group_loop({"job": job, "board": "board", "proposal": proposal})
    waited = [("board", stored.trial_id(1), rung) for rung in grid]
    assert events == [event for each in waited for event in ("reported", each)]


def test_a_worker_asks_again_where_no_answer_came(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, int]] = []

    def wait(trial_id: str, rung: int) -> int:
        asked.append((trial_id, rung))
        return len(asked)

    def get(answer: int, timeout: float) -> None:
        if answer < 3:
            raise GetTimeoutError("no answer")

    board = SimpleNamespace(wait=SimpleNamespace(remote=wait))
    monkeypatch.setattr("ray.get_actor", lambda name: board)
    monkeypatch.setattr("ray.get", get)
    go_ahead.wait_for_go_ahead("board", "t-a", 90)
    assert asked == [("t-a", 90)] * 3

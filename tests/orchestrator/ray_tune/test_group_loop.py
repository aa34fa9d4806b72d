"""What each worker of a group does, and how its reports travel, with stand-ins for Ray."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import ray.train
import ray.tune
from ray.exceptions import GetTimeoutError

from orchestrator.ray_tune import group_board, trainable
from orchestrator.ray_tune.group_board import GroupReports, _Board
from orchestrator.search.proposals import Proposal, rungs, trial_configuration
from orchestrator.state.stored_sweep import StoredSweep
from orchestrator.store import Store
from orchestrator.trial.attempt import TrialJob
from tests.orchestrator import sweeps


class Ray:
    """Answers for a board in this process; loses some of the answers."""

    def __init__(self, lost: int = 0) -> None:
        self.board = _Board()
        self.asked: list[tuple[str, Any]] = []
        self._lost = lost
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def post(self, key: Any, value: Any) -> None:
        self._answer(self.board.post(key, value))

    def _answer(self, call: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(call, self._loop).result()

    def get_actor(self, name: str) -> Any:
        assert name == "board"
        return SimpleNamespace(post=self._method("post"), wait=self._method("wait"))

    def _method(self, name: str) -> Any:
        def remote(*arguments: Any) -> Any:
            self.asked.append((name, arguments[0]))
            return self._answer(getattr(self.board, name)(*arguments))

        return SimpleNamespace(remote=remote)

    def get(self, answer: Any, timeout: float) -> Any:
        if self._lost:
            self._lost -= 1
            raise GetTimeoutError("no answer")
        return answer


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Ray]:
    def start(lost: int) -> Ray:
        stand_in = Ray(lost)
        monkeypatch.setattr("ray.get_actor", stand_in.get_actor)
        monkeypatch.setattr("ray.get", stand_in.get)
        monkeypatch.setattr(group_board, "_HELD_SECONDS", 0.01)
        monkeypatch.setattr(group_board, "_ASK_AGAIN_SECONDS", 1.0)
        monkeypatch.setattr(group_board, "_LOOK_SECONDS", 0.5)
        return stand_in

    return start


def test_a_worker_goes_on_after_each_go_ahead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = sweeps.toy(tmp_path)
    stored = StoredSweep(sweep, "toy-00000000", Store(tmp_path / "store"))
    proposal = Proposal(1, 0, 0, {"technique": "lora", "data_size": 100})
    grid = rungs(sweep, trial_configuration(sweep, proposal))
    events: list[Any] = []

    def follow(job: TrialJob, proposal: Proposal, pass_on: Callable[[int], None]) -> None:
        for rung in range(len(grid)):
            pass_on(rung)

    monkeypatch.setattr(trainable, "follow", follow)
    monkeypatch.setattr(ray.train, "get_context", lambda: SimpleNamespace(get_world_rank=lambda: 1))
    reports = SimpleNamespace(wait_for_go_ahead=lambda *waited: events.append(waited))
    job = TrialJob(stored, "cpu", 2, "tests.orchestrator.toy:finetune")
    trainable._group_loop({"job": job, "proposal": proposal, "reports": reports})
    assert events == [(stored.trial_id(1), rung) for rung in grid]


def test_a_worker_asks_again_where_no_answer_came(stand_in: Callable[[int], Ray]) -> None:
    ray = stand_in(5)
    ray.post(("t-a", 90), None)
    GroupReports("board").wait_for_go_ahead("t-a", 90)
    # Two looks at each answer; the fifth answer that is lost is the third question's first look.
    assert ray.asked == [("wait", ("t-a", 90))] * 3


def test_a_worker_waits_where_there_is_no_decision_yet(stand_in: Callable[[int], Ray]) -> None:
    ray = stand_in(0)
    reports = GroupReports("board")
    decide = iter([False, False, True])
    wait = ray.board.wait

    async def later(key: Any) -> list[Any]:
        if next(decide):
            await ray.board.post(key, None)
        return await wait(key)

    ray.board.wait = later  # type: ignore[method-assign]
    reports.wait_for_go_ahead("t-a", 90)
    assert len(ray.asked) == 3


def test_every_report_reaches_tune_once_and_in_order(
    stand_in: Callable[[int], Ray], monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = stand_in(3)
    told: list[Any] = []

    def report(result: dict[str, Any]) -> None:
        told.append(result)
        # Ray Tune's answer is a go-ahead, for which the workers wait.
        ray.post(("t-a", result["rung"]), None)

    monkeypatch.setattr("ray.tune.report", report)
    reports = GroupReports("board")
    with reports.handed_to_tune():
        for rung in (10, 20, 30):
            reports.post({"rung": rung})
            reports.wait_for_go_ahead("t-a", rung)
    assert told == [{"rung": 10}, {"rung": 20}, {"rung": 30}]


def test_an_attempt_that_ends_without_a_report_leaves_no_thread(
    stand_in: Callable[[int], Ray],
) -> None:
    stand_in(0)
    with (
        pytest.raises(RuntimeError, match="the group died"),
        GroupReports("board").handed_to_tune(),
    ):
        raise RuntimeError("the group died")

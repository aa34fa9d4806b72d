"""A trial's own side of a pack, against an engine in this process in place of an actor."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ray.exceptions import ActorUnavailableError

from orchestrator.ray_tune import packed_trial
from orchestrator.ray_tune.engine_process import EngineProcess
from orchestrator.ray_tune.packed_trial import PackedLearner, PackedTrial
from orchestrator.trial.elsewhere import FailedElsewhereError, ModelLostError
from tests.orchestrator import running
from trainables.contract.configuration import TrialConfiguration
from trainables.contract.reports import RungReport
from trainables.techniques.registry import complete

RUNGS = (100, 200, 400)
ENGINE = "tests.orchestrator.toy_engine:ToyEngine"


class _Actor:
    """An engine's process that is this one; `dies` is what becomes of a request instead."""

    def __init__(self, accounts: Path, places: int) -> None:
        self._process = EngineProcess(ENGINE, "cpu", places, accounts, 60.0)
        self._threads = ThreadPoolExecutor(8)
        self.dies: Callable[[str], bool] = lambda method: False
        self.asked: list[tuple[Any, ...]] = []

    def __getattr__(self, method: str) -> Any:
        def remote(*arguments: Any) -> Future[Any]:
            if method != "pulse":
                self.asked.append((method, *arguments))
            return self._threads.submit(self._answer, method, *arguments)

        return SimpleNamespace(remote=remote)

    def _answer(self, method: str, *arguments: Any) -> Any:
        if self.dies(method):
            raise ActorUnavailableError("gone", None)
        return getattr(self._process, method)(*arguments)

    def end(self) -> None:
        self._process._engine.close()
        self._process._watchdog.__exit__()


@pytest.fixture
def actor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[_Actor]:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGALRM)
    made = _Actor(tmp_path, 5)

    ray = SimpleNamespace(
        get_actor=lambda name: made,
        get=lambda asked: asked.result(),
        wait=lambda asked, timeout: (list(wait(asked, timeout).done), None),
    )
    monkeypatch.setattr(packed_trial, "ray", ray)
    monkeypatch.setattr(packed_trial, "_AGAIN_SECONDS", 0.0)
    yield made
    made.end()
    signal.signal(signal.SIGTERM, before[0])
    signal.signal(signal.SIGALRM, before[1])


@dataclass
class _Report:
    rungs: list[RungReport] = field(default_factory=list)
    tests: list[Any] = field(default_factory=list)

    def rung(self, report: RungReport) -> None:
        self.rungs.append(report)

    def test(self, predictions: Any, metrics: Any, protocol: str) -> None:
        self.tests.append(predictions)

    def follow(self, rung: int) -> None:
        raise AssertionError


@dataclass
class _Interruption:
    folder: Path
    told: bool = False
    kept: list[int] = field(default_factory=list)

    def requested(self) -> bool:
        return self.told

    def record(self, examples_seen: int, save: Callable[[Path], None]) -> None:
        self.kept.append(examples_seen)
        save(self.folder)


def configured(rate: float = 0.5) -> TrialConfiguration:
    return TrialConfiguration(
        technique="lora",
        parameters=complete("lora", {"learning_rate": rate}),
        data_size=100,
        budget_examples=RUNGS[-1],
        seed=0,
        data_seed=0,
        scored_rungs="last",
    )


def test_a_trial_climbs_its_rungs_and_leaves(actor: _Actor) -> None:
    report = _Report()
    beats: list[int] = []
    learner = PackedLearner("engine", "t-1")
    learner(configured(), RUNGS, report, heartbeat=beats.append)
    assert [each.rung_examples for each in report.rungs] == list(RUNGS)
    assert [bool(each.predictions) for each in report.rungs] == [False, False, True]
    assert report.tests
    assert beats
    assert actor.asked[-1] == ("leave", "t-1")


def test_a_trial_that_fails_says_how_in_the_engines_words(actor: _Actor) -> None:
    with pytest.raises(FailedElsewhereError, match="ValueError: the toy was told to fail") as found:
        PackedLearner("engine", "t-1")(configured(8.0), RUNGS, _Report())
    assert found.value.kind == "failed"
    assert "toy.py" in found.value.trace
    with pytest.raises(FailedElsewhereError) as found:
        PackedLearner("engine", "t-2")(configured(7.0), RUNGS, _Report())
    assert found.value.kind == "out_of_memory"


def _most(actor: _Actor) -> list[float]:
    """Returns in what company a trial has asked to be, at each of its visits."""
    return [arguments[-1] for method, *arguments in actor.asked if method == "join"]


@pytest.mark.parametrize(
    ("others", "most"), [(0, [math.inf, math.inf, 1]), (4, [math.inf, math.inf, 2, 1])]
)
def test_after_two_deaths_the_company_is_halved_until_the_trial_is_alone(
    actor: _Actor, others: int, most: list[float]
) -> None:
    keys = [f"other {number}" for number in range(others)]
    for key in keys:
        actor.join.remote(key, configured().to_dict(), None, math.inf).result()
    actor.dies = lambda method: method == "reach"
    learner = PackedLearner("engine", "t-1")
    for visit in range(len(most)):
        if visit == 2:
            for key in keys[1:]:
                actor.leave.remote(key).result()
        if visit == 3:
            actor.leave.remote(keys[0]).result()
        with pytest.raises(ModelLostError) as lost:
            learner(configured(), RUNGS, _Report())
        assert lost.value.was_alone == (visit == len(most) - 1)
    assert _most(actor)[others:] == most


def test_a_rung_that_is_reached_speaks_for_the_trial(actor: _Actor) -> None:
    actor.join.remote("other", configured().to_dict(), None, math.inf).result()
    learner, report, left = PackedLearner("engine", "t-1"), _Report(), [2]

    def dies(method: str) -> bool:
        left[0] -= method == "reach"
        return left[0] == 0 and method == "reach"

    for _ in range(2):
        actor.dies, left[0] = dies, 2
        with pytest.raises(ModelLostError):
            learner(configured(), RUNGS, report)
    actor.dies = lambda method: False
    learner(configured(), RUNGS, report)
    assert set(_most(actor)) == {math.inf}


def test_an_engine_that_is_to_end_has_the_trial_save_and_go_on(
    actor: _Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interruption = _Interruption(tmp_path / "kept")
    interruption.folder.mkdir()
    log = tmp_path / "log"
    monkeypatch.setenv("TOY_LOG", str(log))
    monkeypatch.setenv("TOY_GATE", str(tmp_path / "gate"))
    monkeypatch.setenv("TOY_GATE_AFTER", "1")
    (tmp_path / "gate").unlink(missing_ok=True)

    os.mkfifo(tmp_path / "gate")
    report = _Report()

    def beat(examples: int) -> None:
        if report.rungs:
            actor._process._engine.end_all()

    with pytest.raises(ModelLostError) as lost:
        PackedLearner("engine", "t-1")(
            configured(), RUNGS, report, heartbeat=beat, interruption=interruption
        )
    assert not lost.value.was_alone
    assert interruption.kept == [101]
    assert len(report.rungs) == 1


@pytest.mark.parametrize("is_told", ["it is gone", "it ends"])
def test_an_engine_that_is_heard_of_once_more_has_not_died(
    actor: _Actor, is_told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOY_SECONDS", "60")  # in which a rung is told to end
    trial = PackedTrial("engine", "t-1", None, None, lambda: None)
    assert trial.join(configured(), None, 1)
    heard = actor.pulse.remote("t-1", False).result()
    if is_told == "it ends":
        actor._process._engine.end_all()
    else:
        actor.leave.remote("t-1").result()
    actor._answer = lambda method, *arguments: (  # type: ignore[method-assign]
        heard if method == "pulse" else _Actor._answer(actor, method, *arguments)
    )
    with pytest.raises(ModelLostError):
        trial.reach(100, scores=False)
    trial._pulse()  # as the thread that shows signs of life does at any moment
    assert trial.company == 1
    assert trial.died_with == 0
    trial.leave()


def test_a_trial_that_waits_for_a_place_ends_when_it_is_told_to(
    actor: _Actor, tmp_path: Path
) -> None:
    for key in ("one", "two", "three", "four", "five"):
        actor.join.remote(key, configured().to_dict(), None, math.inf).result()
    interruption, report = _Interruption(tmp_path), _Report()

    def beat(examples: int) -> None:
        interruption.told = True

    learner = PackedLearner("engine", "t-1")
    learner(configured(), RUNGS, report, heartbeat=beat, interruption=interruption)
    assert not report.rungs
    assert not interruption.kept


_TERMINATED = f"""
import os, signal, sys
from pathlib import Path
from concurrent.futures import ThreadPoolExecutor
from orchestrator.ray_tune.engine_process import EngineProcess
from tests.orchestrator.ray_tune.test_packed_trial import configured

process = EngineProcess("{ENGINE}", "cpu", 1, Path(sys.argv[1]), 60.0)
process.join("t-1", configured().to_dict(), None, 9)
print(process.reach("t-1", 100, False).value.examples_seen, flush=True)
with ThreadPoolExecutor() as threads:
    reached = threads.submit(process.reach, "t-1", 200, False)
    os.kill(os.getpid(), signal.SIGTERM)
    print(reached.result().value.training.interrupted, flush=True)
    print(process.join("t-2", configured().to_dict(), None, 9).failure.kind, flush=True)
    process.leave("t-1")
    signal.pause()
"""


def test_an_engines_process_ends_when_its_trials_have_saved(tmp_path: Path) -> None:

    os.mkfifo(tmp_path / "gate")
    environment = running.environment(tmp_path / "log") | {
        "TOY_GATE": str(tmp_path / "gate"),
        "TOY_GATE_AFTER": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", _TERMINATED, str(tmp_path)],
        cwd=running.TOP,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.split() == ["100", "True", "gone"], done.stderr
    assert done.returncode == -signal.SIGALRM

"""A sweep with tools that it is followed in: what they get, and what is said of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.simulation import Clock, Simulation, Unsynced, synthetic
from orchestrator.results.track import Tool
from orchestrator.search.identity import sweep_id
from orchestrator.search_space.value_types import TRACKERS
from orchestrator.state.stored_sweep import StoredSweep, latest
from orchestrator.store import Store
from orchestrator.tracking.stored_runs import StoredRuns
from orchestrator.tracking.tensorboard_tool import TensorboardTool
from orchestrator.tracking.watcher import Tracking, identity
from tests.orchestrator import sweeps
from tests.orchestrator.tracking import servers

pytest.importorskip("tensorboard", reason="tensorboard is not installed")


def _stored(folder: Path, *tools: str) -> StoredSweep:
    sweep = sweeps.toy(folder, track=list(tools))
    return latest(sweep, Store(folder / "store", Unsynced()))


def _run(stored: StoredSweep, said: list[str], until: int | None = None, **options: Any) -> None:
    with Tracking(stored, said.append, **options) as tracking:
        simulation = Simulation(
            stored, synthetic, slots=2, clock=Clock(), watch=lambda _: [tracking]
        )
        while simulation.advance() and (until is None or simulation.results < until):
            tracking.passed()


def _in_tensorboard(stored: StoredSweep) -> set[str]:
    return TensorboardTool(stored.root, stored.id).ended()


def test_what_is_tracked_is_no_part_of_a_sweeps_identity(tmp_path: Path) -> None:
    plain = sweeps.toy(tmp_path)
    assert sweep_id(sweeps.toy(tmp_path, track=[*TRACKERS])) == sweep_id(plain)
    assert sweeps.toy(tmp_path, track="mlflow").track == ("mlflow",)
    assert tuple(Tool) == TRACKERS


def test_a_sweep_is_in_its_tool_whole_after_a_stop_and_a_second_start(tmp_path: Path) -> None:
    stored, said = _stored(tmp_path, "tensorboard"), list[str]()
    _run(stored, said, until=9, seconds=120)
    _run(stored, said, seconds=120)
    trials = {row["trial_id"] for row in stored.store.trials(stored.id)}
    assert len(trials) == stored.sweep.runs
    assert _in_tensorboard(stored) == trials
    assert said[-1] == (
        f"{len(trials)} trials are in tensorboard: tensorboard --logdir"
        f" {stored.root}/tensorboard/{stored.id}."
    )


def test_a_trial_is_called_the_same_before_and_after_its_end(tmp_path: Path) -> None:
    stored = _stored(tmp_path)
    simulation = Simulation(stored, synthetic, slots=2, clock=Clock())
    simulation.run()
    runs = StoredRuns(stored.root, stored.id)
    assert simulation.standing.proposals or stored.store.trials(stored.id)
    for proposal in Simulation(
        stored, synthetic, slots=2, clock=Clock()
    ).standing.proposals.values():
        before = identity(stored, proposal)
        assert before == runs.run(before.trial_id).identity


def test_a_tool_that_fails_is_said_once_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mlflow", reason="mlflow is not installed")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    stored, said = _stored(tmp_path, "mlflow", "tensorboard"), list[str]()
    with servers.failing() as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        _run(stored, said, seconds=180)
    of_mlflow = [line for line in said if "mlflow" in line and "Waiting" not in line]
    assert len(of_mlflow) == 1
    assert "500" in of_mlflow[0]
    assert f"track mlflow --sweep {stored.id}" in of_mlflow[0]
    assert len(_in_tensorboard(stored)) == stored.sweep.runs


def test_a_tool_that_hangs_is_said_after_a_bounded_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mlflow", reason="mlflow is not installed")
    stored, said = _stored(tmp_path, "mlflow"), list[str]()
    with servers.silent() as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        _run(stored, said, seconds=1)
    assert len(stored.store.trials(stored.id)) == stored.sweep.runs
    assert "mlflow lacks something of the sweep: it did not take everything within 1 s" in said[-1]
    assert f"--root {stored.root} track mlflow --sweep {stored.id} writes what is" in said[-1]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_its_end_hides_no_error_of_the_sweep(tmp_path: Path, error: type[BaseException]) -> None:
    stored, said = _stored(tmp_path, "tensorboard"), list[str]()
    with pytest.raises(error), Tracking(stored, said.append):
        raise error


def test_a_sweep_without_tools_starts_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(*arguments: object, **options: object) -> None:
        raise AssertionError(arguments)

    monkeypatch.setattr("orchestrator.tracking.follower.subprocess.Popen", start)
    said: list[str] = []
    _run(_stored(tmp_path), said)
    assert said == []

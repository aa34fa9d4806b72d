"""A tool's process, followed through the accidents that it may have."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from orchestrator.store import Store
from orchestrator.tracking.follower import Follower
from orchestrator.tracking.run_record import Identity
from tests.orchestrator.results import synthetic
from tests.orchestrator.tracking import servers, stores

pytest.importorskip("tensorboard", reason="tensorboard is not installed")

FIRST = synthetic.trial_name(0)


@pytest.fixture
def follow() -> Iterator[list[Follower]]:
    """Followers that a test has started, which are ended with it."""
    started: list[Follower] = []
    yield started
    for follower in started:
        follower.kill()


def _start(started: list[Follower], root: Path, name: str = "tensorboard") -> Follower:
    started.append(Follower(name, root, stores.SWEEP))
    return started[-1]


def _ends(root: Path) -> set[str]:
    from orchestrator.tracking.tensorboard_tool import TensorboardTool

    return TensorboardTool(root, stores.SWEEP).ended()


def test_what_changes_while_it_runs_is_there_at_its_end(
    tmp_path: Path, follow: list[Follower]
) -> None:
    store = Store(tmp_path)
    stores.report(store, 0, 0)
    follower = _start(follow, tmp_path)
    for rung in (1, 2):
        stores.report(store, 0, rung)
        follower.changed(Identity(FIRST, {"technique": "lora"}, {"rank": 8}))
    stores.final(store, 0)
    follower.changed(Identity(FIRST))
    follower.finish()
    assert follower.wait(120)
    assert (follower.error, follower.done, follower.dropped) == (None, 1, 0)
    assert _ends(tmp_path) == {FIRST}


def test_a_process_that_stands_still_is_not_waited_for_and_lacks_nothing_later(
    tmp_path: Path, follow: list[Follower]
) -> None:
    store = stores.sweep(tmp_path)
    follower = _start(follow, tmp_path)
    os.kill(follower._process.pid, signal.SIGSTOP)
    while not follower.dropped:  # until the pipe is full
        follower.changed(Identity(FIRST, {"technique": "lora" * 100}))
    stores.final(store, 2)
    follower.changed(Identity(synthetic.trial_name(2)))
    follower.finish()
    assert not follower.wait(0)
    os.kill(follower._process.pid, signal.SIGCONT)
    assert follower.wait(120)
    assert follower.done == 3
    assert follower.dropped >= 2
    assert _ends(tmp_path) == {synthetic.trial_name(number) for number in range(3)}


def test_a_process_that_is_killed_has_failed(tmp_path: Path, follow: list[Follower]) -> None:
    stores.sweep(tmp_path)
    follower = _start(follow, tmp_path)
    os.kill(follower._process.pid, signal.SIGKILL)
    assert follower.wait(120)
    assert follower.error == "its process ended"
    follower.changed(Identity(FIRST))
    follower.changed(Identity(FIRST))


@pytest.mark.parametrize("tool", ["mlflow", "wandb"])
@pytest.mark.slow
def test_a_server_that_answers_500_is_an_error_in_one_line(
    tmp_path: Path, follow: list[Follower], monkeypatch: pytest.MonkeyPatch, tool: str
) -> None:
    pytest.importorskip(tool, reason=f"{tool} is not installed")
    stores.sweep(tmp_path)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    monkeypatch.setenv("WANDB_INIT_TIMEOUT", "5")
    with servers.failing() as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        monkeypatch.setenv("WANDB_BASE_URL", address)
        follower = _start(follow, tmp_path, tool)
        assert follower.wait(180)
    assert follower.done is None
    assert follower.error is not None
    assert "\n" not in follower.error
    assert "500" in follower.error


@pytest.mark.parametrize("tool", ["mlflow", "wandb"])
@pytest.mark.slow
def test_a_server_that_never_answers_is_left_without_waiting(
    tmp_path: Path, follow: list[Follower], monkeypatch: pytest.MonkeyPatch, tool: str
) -> None:
    pytest.importorskip(tool, reason=f"{tool} is not installed")
    stores.sweep(tmp_path)
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    with servers.silent() as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        monkeypatch.setenv("WANDB_BASE_URL", address)
        follower = _start(follow, tmp_path, tool)
        follower.changed(Identity(FIRST))
        follower.finish()
        assert not follower.wait(1)
        process = psutil.Process(follower._process.pid)
        group, children = os.getpgid(process.pid), process.children(recursive=True)
        follower.kill()
    assert follower.done is None
    # They are dead, but in the group until whoever inherits them has noticed.
    psutil.wait_procs(children, timeout=60)
    with pytest.raises(ProcessLookupError):
        os.killpg(group, 0)

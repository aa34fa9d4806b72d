"""Writers killed with SIGKILL: no torn file, nothing twice, nothing acknowledged lost."""

from __future__ import annotations

import random
import signal
from pathlib import Path

import pytest

from orchestrator.store import Store, reader
from tests.orchestrator.store import processes
from tests.orchestrator.store.processes import KEYS, RUNGS, any_file, check_unique
from tests.orchestrator.store.samples import SWEEP
from tests.orchestrator.store.tools import TOOLS

pytestmark = pytest.mark.crash


@pytest.mark.parametrize(
    "moments", [20, pytest.param(200, marks=[pytest.mark.long, pytest.mark.timeout(1200)])]
)
def test_no_torn_file_is_visible_after_a_kill_at_any_moment(tmp_path: Path, moments: int) -> None:
    chance = random.Random(0)
    for moment in range(moments):
        root = tmp_path / str(moment)
        writer, receiver = processes.start(processes.write_until_killed, root)
        with receiver:
            assert receiver.recv() == "ready"
            writer.join(chance.uniform(0.0, 0.15))
            writer.kill()
            writer.join()
        assert writer.exitcode == -signal.SIGKILL
        for name in KEYS:
            if any_file(root / name):
                assert len({check_unique(root / name, tool) for tool in TOOLS}) == 1


def test_no_torn_file_is_visible_after_a_kill_at_any_call(tmp_path: Path) -> None:
    process, receiver = processes.start(processes.kill_at_each_call, tmp_path)
    with receiver:
        calls = receiver.recv()
        process.join()
    assert calls > 60
    for call in range(1, calls + 1):
        root = tmp_path / str(call)
        for name in KEYS:
            if any_file(root / name):
                check_unique(root / name, "pyarrow")
        # What the killed writer did not get to is written by the next one.
        processes.write_trial(Store(root), "t-aaaaaaaaaa", 0, rungs=1)
        assert reader.reports(root).num_rows == reader.trials(root).num_rows == 1


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(n, marks=pytest.mark.long) for n in range(1, 8))]
)
def test_a_trial_killed_20_times_reports_every_step_once(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    acknowledged: dict[int, int] = {}
    kills = 0
    while True:
        kill_at = chance.randint(20, 120) if kills < 20 else 0
        attempt, receiver = processes.start(processes.run_trial, tmp_path, kills + 1, kill_at)
        with receiver:
            try:
                while True:
                    rung, winner = receiver.recv()
                    # An acknowledged report is what every later attempt is handed.
                    assert acknowledged.setdefault(rung, winner) == winner
            except EOFError:
                attempt.join()
        if attempt.exitcode == 0:
            break
        assert attempt.exitcode == -signal.SIGKILL
        kills += 1
    assert kills == 20

    stored = Store(tmp_path).reports(SWEEP, "t-aaaaaaaaaa")
    oracle = [processes.expected_report(rung) for rung in range(RUNGS)]
    assert [row["step"] for row in stored] == [row["step"] for row in oracle]
    assert [row["train_loss"] for row in stored] == [row["train_loss"] for row in oracle]
    assert {row["rung"]: row["attempt"] for row in stored} == acknowledged
    assert len({row["attempt"] for row in stored}) > 3
    for tool in TOOLS:
        assert check_unique(tmp_path / "reports", tool) == RUNGS
        assert check_unique(tmp_path / "predictions", tool) == 5 * RUNGS
        assert check_unique(tmp_path / "trials", tool) == 1

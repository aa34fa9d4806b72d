"""A sweep on a cluster that it joins: nodes come and go, and what a trial took is free again."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from orchestrator.store import reader
from tests import small_disk
from tests.orchestrator import running, sweeps, toy
from tests.orchestrator.local_cluster import Nodes, cluster

TOP = Path(__file__).resolve().parents[3]
TOGETHER = {"baseline": None, "space": None, "trials": None}
NOTHING = {"placement groups": [], "actors": [], "CPUs": 0.0, "nodes": []}
"""Is left of a sweep: an autoscaler gives its nodes back."""

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(600)]


@dataclass(frozen=True)
class _Joined:
    """The cluster, and what its trials are told by environment variables."""

    nodes: Nodes
    log: Path
    gate: Path

    @contextmanager
    def sweep(
        self, file: Path, root: Path, *options: str, **environment: str
    ) -> Iterator[subprocess.Popen[str]]:
        """A driver that joins the cluster."""
        command = running.command(file, root, dashboard=True)
        address = f"--address={self.nodes.address}"
        with running.joining([*command, address, *options], **environment) as process:
            yield process

    def run(self, file: Path, root: Path, *options: str) -> tuple[int, str]:
        """Returns the exit code and what was said on standard error."""
        with self.sweep(file, root, *options) as process:
            _, said = process.communicate(timeout=500)
            return process.returncode, said

    def trained(self) -> Counter[str]:
        """How often each (configuration, rung) was trained since the test began."""
        return Counter(line.split(" ", 1)[1] for line in self._lines())

    def still_running(self) -> list[psutil.Process]:
        """The processes that trained and are there for good; Ray forgets one before it is gone."""
        found = []
        for number in {int(line.split(" ", 1)[0]) for line in self._lines()}:
            with contextlib.suppress(psutil.NoSuchProcess):
                found.append(psutil.Process(number))
        return list(psutil.wait_procs(found, timeout=60)[1])

    def _lines(self) -> list[str]:
        return self.log.read_text().splitlines()


@pytest.fixture(scope="module")
def shared_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Joined]:
    folder = tmp_path_factory.mktemp("cluster")
    log, gate = folder / "log", folder / "gate"
    told = {"TOY_LOG": str(log), "TOY_GATE": str(gate), "TOY_GATE_AFTER": "1", "TOY_GATE_EACH": "1"}
    with cluster(told) as nodes:
        yield _Joined(nodes, log, gate)


@pytest.fixture
def joined(shared_cluster: _Joined) -> _Joined:
    shared_cluster.log.unlink(missing_ok=True)
    return shared_cluster


def _points(*rates: float) -> list[dict[str, Any]]:
    return [{"technique": "lora", "data_size": 100, "learning_rate": rate} for rate in rates]


def _outcomes(root: Path) -> list[str]:
    rows = sorted(reader.trials(root).to_pylist(), key=lambda row: row["trial_number"])
    return [row["outcome"] for row in rows]


@pytest.mark.crash
def test_a_lost_node_costs_the_work_since_the_last_rung_and_a_new_one_is_used(
    joined: _Joined, tmp_path: Path
) -> None:
    file = sweeps.write(tmp_path, **TOGETHER, points=_points(0.9, 0.8, 0.7), stopping=None)
    os.mkfifo(joined.gate)
    with joined.sweep(file, tmp_path / "store") as process:
        assert process.stdout is not None
        reports = (line for line in process.stdout if " reports: " in line)
        for _ in range(2):
            next(reports)
        # Two trials, one on each node, are held after their first rung.
        joined.nodes.ask("lose")
        added = joined.nodes.ask("add")
        # The third can only start on the new one: the other node's trial is still held.
        next(line for line in process.stdout if " starts: " in line)
        toy.open_gate(joined.gate)
        _, said = process.communicate(timeout=500)
        assert process.returncode == 0, said
    assert _outcomes(tmp_path / "store") == ["completed"] * 3
    rows = reader.trials(tmp_path / "store").to_pylist()
    assert sorted(row["attempts"] for row in rows) == [1, 1, 2]
    # The lost trial was held before its second rung, and went on there.
    assert set(joined.trained().values()) == {1}
    assert added in joined.nodes.ask("used")


def test_two_sweeps_share_a_root_and_a_cluster(joined: _Joined, tmp_path: Path) -> None:
    root = tmp_path / "store"
    files = []
    for seed in range(2):
        folder = tmp_path / str(seed)
        folder.mkdir()
        files.append(
            sweeps.write(folder, seed=seed, baseline=None, trials=2, limits={"max_concurrent": 1})
        )
    with joined.sweep(files[0], root) as one, joined.sweep(files[1], root) as two:
        for process in (one, two):
            said = process.communicate(timeout=500)[1]
            assert process.returncode == 0, said
    rows = reader.trials(root).to_pylist()
    assert Counter(row["sweep_id"] for row in rows) == dict.fromkeys(
        {row["sweep_id"] for row in rows}, 2
    )
    assert len({row["sweep_id"] for row in rows}) == 2


def test_without_its_token_a_cluster_is_not_joined(joined: _Joined, tmp_path: Path) -> None:
    file = sweeps.write(tmp_path)
    with joined.sweep(file, tmp_path / "store", RAY_AUTH_TOKEN="0" * 64) as process:
        _, said = process.communicate(timeout=500)
    assert process.returncode == 2
    assert f"The Ray cluster at {joined.nodes.address} (--address) cannot be joined" in said
    assert "RAY_AUTH_TOKEN" in said
    assert "Traceback" not in said


def _stopped_trials(count: int) -> list[dict[str, Any]]:
    """The first trial completes; each later one is worse and stopped."""
    return _points(0.9, *(0.8 - 0.05 * number for number in range(count)))


@pytest.mark.parametrize(
    ("options", "accelerators", "stopped"),
    [
        pytest.param([], 1, 12, id="processes"),
        pytest.param(["--group"], 2, 12, id="many groups", marks=pytest.mark.long),
    ],
)
def test_what_a_stopped_trial_took_is_free_again(
    joined: _Joined, tmp_path: Path, options: list[str], accelerators: int, stopped: int
) -> None:
    file = sweeps.write(
        tmp_path,
        **TOGETHER,
        points=_stopped_trials(stopped),
        resources={"accelerators": accelerators},
        limits={"max_concurrent": 1},
    )
    assert joined.run(file, tmp_path / "store", *options) == (0, "")
    assert _outcomes(tmp_path / "store") == ["completed", *["stopped"] * stopped]
    # A stopped trial went no further while the answer was on its way: the second one, which was
    # among the best third of its cohort, to the second rung, the others to the first.
    trained = [int(line.rsplit(" ", 1)[1]) for line in joined.trained()]
    assert sorted(trained) == [*[90] * (1 + stopped), 270, 270, 810, 900]
    assert joined.nodes.ask("left") == NOTHING
    assert joined.still_running() == []


def test_a_group_that_waits_is_stopped_or_dies_leaves_room_for_the_next(
    joined: _Joined, tmp_path: Path
) -> None:
    """One sweep shows all of it: a group takes some ten seconds to start."""
    # Of two cohorts. One goes on and one is stopped; the third dies before its second report, and
    # again in another round.
    points = [*_points(0.9, 0.5), {"technique": "full", "data_size": 100, "learning_rate": 6.0}]
    file = sweeps.write(
        tmp_path,
        **TOGETHER,
        points=points,
        resources={"accelerators": 2},
        limits={"max_concurrent": 1, "max_attempts": 2},
    )
    assert joined.run(file, tmp_path / "store", "--group") == (0, "")
    assert _outcomes(tmp_path / "store") == ["completed", "stopped", "failed"]
    # The one that was stopped went no further while the answer was on its way, and each rung was
    # trained once.
    trained = [int(line.rsplit(" ", 1)[1]) for line in joined.trained().elements()]
    assert sorted(trained) == [90, 90, 90, 270, 810, 900]
    assert joined.nodes.ask("left") == NOTHING
    assert joined.still_running() == []


def test_a_full_disk_is_a_clear_end_and_the_same_command_goes_on(
    joined: _Joined, tmp_path: Path
) -> None:
    file = sweeps.write(tmp_path, **TOGETHER, points=_points(0.9, 0.8), stopping=None)
    with small_disk.mounted(tmp_path / "disk") as disk:
        root = disk / "store"
        # Beside what trials store, room for what each of the two nodes answers to its check.
        filler = small_disk.fill(disk, leave_bytes=100_000 + 2 * 65_536)
        code, said = joined.run(file, root)
        assert code == 1
        assert str(root) in said
        assert "the disk is full; free some space and run the same command again" in said
        assert said.count("\n") == 1
        stored = reader.reports(root).num_rows
        assert stored
        filler.unlink()
        assert joined.run(file, root) == (0, "")
        assert _outcomes(root) == ["completed", "completed"]
        trained = joined.trained()
    # What had been trained when the disk was full, but not stored: a rung of each trial at most.
    assert len(trained) == 8
    assert sum(trained.values()) <= 10

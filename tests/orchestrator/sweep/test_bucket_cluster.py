"""A sweep on a cluster whose nodes share nothing but a bucket with its driver.

Nodes of one machine keep what is local elsewhere than the driver does. Machines that are name
spaces have each a home of its own; they share the checkout, and the file in which the toy writes
what it has trained.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from orchestrator.search_space import load
from orchestrator.store import reader
from orchestrator.store.place import BucketAddress
from orchestrator.store.roots import open_root
from tests.bucket_server import Line
from tests.orchestrator import running, sweeps, toy
from tests.orchestrator.bucket_machine import add_bucket
from tests.orchestrator.local_cluster import Nodes, cluster
from tests.orchestrator.machines import Machine, Machines, machines
from tests.orchestrator.stored import rungs_reported, rungs_trained
from tests.orchestrator.sweep.conftest import Run

TOGETHER: dict[str, Any] = {"baseline": None, "space": None, "trials": None, "stopping": None}
_SEARCH: dict[str, Any] = {"trials": 6, "search": {"method": "random"}}
_BOARD = ("orchestrator.results", "leaderboard", "--format", "json", "--root")

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(600)]


@dataclass(frozen=True)
class _Far:
    """A cluster whose processes keep what is local elsewhere than the driver does."""

    nodes: Nodes
    address: BucketAddress
    folder: Path

    @contextmanager
    def sweep(self, *rates: float) -> Iterator[subprocess.Popen[str]]:
        """A driver that joins the cluster, with a trial for each rate."""
        points = [{"technique": "lora", "data_size": 100, "learning_rate": rate} for rate in rates]
        file = sweeps.write(self.folder, points=points, **TOGETHER)
        command = [*running.command(file, self.address), f"--address={self.nodes.address}"]
        with running.joining(command) as process:
            yield process


@pytest.fixture
def far(line: Line, tmp_path: Path) -> Iterator[_Far]:
    told = {
        "TOY_LOG": str(tmp_path / "log"),
        "TOY_GATE": str(tmp_path / "gate"),
        "TOY_GATE_AFTER": "1",
        "TOY_GATE_EACH": "1",
        "FINETUNE_SWEEP_CACHE": str(tmp_path / "far"),
    }
    os.mkfifo(tmp_path / "gate")
    with cluster(told) as nodes:
        yield _Far(nodes, line.address(), tmp_path)


@pytest.mark.crash
@pytest.mark.long
def test_a_lost_node_and_a_driver_that_ends_cost_nothing_that_was_reported(far: _Far) -> None:
    with far.sweep(0.9, 0.8, 0.7) as process:
        assert process.stdout is not None
        reports = (line for line in process.stdout if " reports: " in line)
        for _ in range(2):
            next(reports)
        # Two trials, one on each node, are held after their first rung.
        far.nodes.ask("lose")
        far.nodes.ask("add")
        next(line for line in process.stdout if " starts: " in line)
        # Those that are held hear of it in the bucket, save where they are, and end.
        process.terminate()
        out, err = process.communicate(timeout=120)
        assert process.returncode == 143, err
    saved = {
        int(file.key.split("/")[-2])
        for file in open_root(far.address).files("checkpoints", "commit.json")
    }
    assert max(saved) == 226  # of rungs at 225 and so on, one example further
    toy.open_gate(far.folder / "gate")
    with far.sweep(0.9, 0.8, 0.7) as process:
        out, err = process.communicate(timeout=400)
        assert process.returncode == 0, err
    assert "Continuing: " in out
    rows = reader.trials(far.address).to_pylist()
    assert [row["outcome"] for row in rows] == ["completed"] * 3
    assert set(running.trained(far.folder / "log").values()) == {1}
    assert (far.folder / "far").is_dir()


class _Apart:
    """Machines that share a bucket alone."""

    def __init__(self, made: Machines, folder: Path) -> None:
        """Makes the one that has the bucket."""
        self.made, self.folder = made, folder
        self.own, self.log = folder / "own", folder / "log"
        _, self.root = add_bucket(made)

    def cluster(self, head: str, *nodes: str) -> tuple[Machine, list[Machine]]:
        """Makes machines that are a cluster, whose trials are on others than its head."""
        first = self.made.add(head, "--num-cpus=0", private=[self.own])
        return first, [self.made.add(n, "--num-cpus=1", private=[self.own]) for n in nodes]

    def sweep(self, machine: Machine, file: Path) -> subprocess.Popen[str]:
        """Starts a sweep by a copy of the file on the machine."""
        machine.write(self.own / file.name, file.read_text())
        words: list[str | Path] = [
            self.own / file.name,
            str(self.root),
            f"--address={self.made.address}",
        ]
        return self.made.sweep(machine, "tests.orchestrator.drive", *words, "--no-dashboard")

    def ask(self, *words: str) -> Any:
        """Returns what a command says, as JSON, on a machine that was never heard of before."""
        machine = self.made.make("reader", [self.own])
        told = {"PYTHONPATH": str(running.TOP), **self.made.environment}
        try:
            return json.loads(machine.run([sys.executable, "-m", *words], told))
        finally:
            self.made.lose(machine)


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[_Apart]:
    own = str(tmp_path / "own")
    # Sockets need a shorter path; Ray's folder is each machine's own, too.
    homes = {"HOME": own, "TMPDIR": own, "RAY_TMPDIR": "/tmp", "FINETUNE_SWEEP_CACHE": f"{own}/c"}
    toy = {"TOY_LOG": str(tmp_path / "log"), "TOY_GATE": str(tmp_path / "gate")}
    gate = {"TOY_GATE_AFTER": "5"}
    # A node whose head is gone gives up after so many seconds, instead of after a minute.
    patience = {"RAY_gcs_rpc_server_reconnect_timeout_s": "5"}
    with machines(tmp_path, dashboard=False, **homes, **toy, **gate, **patience) as made:
        yield _Apart(made, tmp_path)


def _check_as_undisturbed(apart: _Apart, file: Path, run_here: Run) -> dict[str, Any]:
    """Compares what the bucket has with a run of the file in a folder, without Ray; returns it."""
    folder = apart.folder / "store"
    run_here(load(file, profile="embedded"), folder)
    stored: dict[str, Any] = apart.ask("tests.orchestrator.stored", str(apart.root))
    rows = sorted(stored["trials"], key=lambda row: row["trial_number"])
    expected = running.decisions(folder)
    assert [{name: row[name] for name in expected[0]} for row in rows] == expected
    board = apart.ask(*_BOARD, str(apart.root))
    words = [sys.executable, "-m", *_BOARD, str(folder)]
    undisturbed = json.loads(subprocess.check_output(words, cwd=running.TOP))
    ranks = [
        [(row["trial_id"], row["rouge_l"], row["last_rung"]) for row in each]
        for each in (board, undisturbed)
    ]
    assert ranks[0] == ranks[1]
    return stored


@pytest.mark.cluster
def test_machines_that_share_no_folder_run_a_sweep_and_the_bucket_alone_has_its_leaderboard(
    apart: _Apart, run_here: Run
) -> None:
    file = sweeps.write(apart.folder, **_SEARCH)
    head, _ = apart.cluster("head", "one", "two")
    process = apart.sweep(head, file)
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert "Ray is up: 2 trials at a time on 2 nodes, 1 CPU each" in said
    stored = _check_as_undisturbed(apart, file, run_here)
    assert {row["node"] for row in stored["reports"]} <= {"one", "two"}
    assert set(running.trained(apart.log).values()) == {1}


@pytest.mark.cluster
@pytest.mark.crash
@pytest.mark.long
def test_a_sweep_whose_cluster_lost_its_head_goes_on_on_another_one(
    apart: _Apart, run_here: Run
) -> None:
    os.mkfifo(apart.folder / "gate")
    file = sweeps.write(apart.folder, **_SEARCH)
    head, nodes = apart.cluster("head", "one", "two")
    process = apart.sweep(head, file)
    assert process.stdout is not None
    reports = (line for line in process.stdout if " reports: " in line)
    for _ in range(5):
        next(reports)
    before: dict[str, Any] = apart.ask("tests.orchestrator.stored", str(apart.root))
    trained = len(apart.log.read_text().splitlines())
    apart.made.lose(head)
    process.communicate()
    for node in nodes:
        while any(command.startswith("ray::Implicit") for command in node.processes().values()):
            time.sleep(0.1)  # a node without its head gives up, and its trial with it
        apart.made.lose(node)
    toy.open_gate(apart.folder / "gate")
    head, _ = apart.cluster("another", "three", "four")
    process = apart.sweep(head, file)
    said, _ = process.communicate(timeout=400)
    assert process.returncode == 0, said
    assert "Continuing: " in said
    stored = _check_as_undisturbed(apart, file, run_here)
    on = {row["node"] for row in stored["reports"]}
    assert on & {"one", "two"}
    assert on & {"three", "four"}
    lines = apart.log.read_text().splitlines()
    assert len(rungs_reported(before)) >= 5
    assert not set(rungs_trained(stored, lines[trained:])) & set(rungs_reported(before))
    # Two trials ran at a time: no more can have been on the way to a report.
    assert len(lines) - len(set(rungs_trained(stored, lines))) <= 2

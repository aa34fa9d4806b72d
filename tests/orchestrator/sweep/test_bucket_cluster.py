"""A sweep on a cluster whose nodes share nothing but a bucket with its driver."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from orchestrator.store import reader
from orchestrator.store.place import BucketAddress
from orchestrator.store.roots import open_root
from tests.bucket_server import Line
from tests.orchestrator import running, sweeps, toy
from tests.orchestrator.local_cluster import Nodes, cluster

TOGETHER: dict[str, Any] = {"baseline": None, "space": None, "trials": None, "stopping": None}

pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.crash,
    pytest.mark.long,
    pytest.mark.timeout(600),
]


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

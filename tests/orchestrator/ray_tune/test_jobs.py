"""A sweep as a Ray job: where its store is, and what is left of it when the job is stopped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.orchestrator import running, sweeps, toy
from tests.orchestrator.local_cluster import cluster

TOP = Path(__file__).resolve().parents[3]
TOGETHER: dict[str, Any] = {"baseline": None, "space": None, "trials": None, "stopping": None}

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(600)]


@dataclass(frozen=True)
class _Jobs:
    """Ray's commands for jobs, on a cluster of a head and two nodes."""

    site: str
    log: Path
    gate: Path

    def submit(self, name: str, *words: object, options: tuple[str, ...] = ()) -> str:
        """Runs a command as a job to its end; returns what Ray and the job said."""
        job = self._command("submit", *options, *self._environment(), f"--submission-id={name}")
        done = subprocess.run(
            [*job, "--", *map(str, words)], env=self._told(), capture_output=True, text=True
        )
        return done.stdout + done.stderr

    def begin(self, name: str, *words: object) -> Iterator[str]:
        """Starts a command as a job; yields its lines."""
        job = self._command("submit", *self._environment(), f"--submission-id={name}")
        process = subprocess.Popen(
            [*job, "--", *map(str, words)],
            env=self._told(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        yield from process.stdout
        process.wait()

    def stop(self, name: str) -> None:
        """Stops a job; returns when it has ended."""
        subprocess.run(
            self._command("stop", name), env=self._told(), check=True, capture_output=True
        )

    def status(self, name: str) -> str:
        """Returns what Ray says of a job."""
        asked = self._command("status", name)
        done = subprocess.run(asked, env=self._told(), check=True, capture_output=True, text=True)
        return done.stdout + done.stderr

    def _command(self, verb: str, *words: str) -> list[str]:
        ray = str(Path(sys.executable).with_name("ray"))
        return [ray, "job", verb, f"--address={self.site}", *words]

    def _environment(self) -> tuple[str, str]:
        told = {"RAY_JOB_STOP_WAIT_TIME_S": "30", "PYTHONPATH": str(TOP)}
        return "--runtime-env-json", json.dumps({"env_vars": told})

    def _told(self) -> dict[str, str]:
        return {**os.environ, "RAY_AUTH_MODE": "token"}


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Jobs]:
    folder = tmp_path_factory.mktemp("jobs")
    log, gate = folder / "log", folder / "gate"
    told = {"TOY_LOG": str(log), "TOY_GATE": str(gate), "TOY_GATE_AFTER": "1", "TOY_GATE_EACH": "1"}
    with cluster(told) as nodes:
        yield _Jobs(nodes.ask("site"), log, gate)


def _write_table(folder: Path) -> None:
    rows = (
        {
            "sql_prompt": f"How many are above {n}?",
            "sql_context": f"CREATE TABLE t{n} (a INT); INSERT INTO t{n} VALUES ({n})",
            "sql": f"SELECT COUNT(*) FROM t{n} WHERE a > {n}",
        }
        for n in range(100)
    )
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))


def test_a_job_runs_on_its_cluster_and_its_store_is_where_it_was_said(
    jobs: _Jobs, tmp_path: Path
) -> None:
    _write_table(tmp_path)
    file = sweeps.write(
        tmp_path,
        baseline=None,
        space={"technique": {"lora": {"learning_rate": 0.01}}, "data_size": {"choice": [20, 40]}},
        trials=2,
        search={"method": "grid"},
        stopping=None,
        budget={"examples": 40},
        evaluation={"validation_rows": 4, "test_rows": 4},
        dataset=str(tmp_path / "rows.jsonl"),
    )
    root = tmp_path / "store"
    sweep = [sys.executable, "-m", "orchestrator.sweep", file, "--profile", "embedded"]
    said = jobs.submit("whole", *sweep, "--root", root)
    assert "Job 'whole' succeeded" in said
    # By Ray's own variable, without --address.
    assert "Ray is up: 2 trials at a time on 2 nodes, 1 CPU each" in said
    assert [row["outcome"] for row in running.rows(root, "trials")] == ["completed"] * 2


def test_a_root_in_rays_copy_of_the_working_directory_is_refused(
    jobs: _Jobs, tmp_path: Path
) -> None:
    file = sweeps.write(tmp_path)
    sweep = [sys.executable, "-m", "orchestrator.sweep", file.name, "--profile", "embedded"]
    said = jobs.submit("relative", *sweep, options=("--working-dir", str(tmp_path)))
    assert "Job 'relative' failed" in said
    assert "exit code 2" in jobs.status("relative")
    assert "--root is 'experiments', which lies in " in said
    assert "Give an absolute path in a folder that all nodes share" in said


def test_a_job_that_is_stopped_has_saved_and_the_same_command_goes_on(
    jobs: _Jobs, tmp_path: Path
) -> None:
    points = [{"technique": "lora", "data_size": 100, "learning_rate": r} for r in (0.9, 0.8)]
    file = sweeps.write(tmp_path, **TOGETHER, points=points)
    root = tmp_path / "store"
    sweep = [sys.executable, "-m", "tests.orchestrator.drive", file, root, "--address=auto"]
    os.mkfifo(jobs.gate)
    lines = jobs.begin("stopped", *sweep)
    for _ in points:
        next(line for line in lines if " reports: " in line)
    # Both trials are held after their first rung.
    jobs.stop("stopped")
    said = "".join(lines)
    assert "SIGTERM: the trials save where they are and end." in said
    assert "Nothing that was reported is lost; the same command continues." in said
    assert "Job 'stopped' was stopped" in jobs.status("stopped")
    saved = [path.parent.name for path in (root / "checkpoints").rglob("examples")]
    assert saved.count("0000000226") == len(points)  # an example beyond the first rung

    toy.open_gate(jobs.gate)
    said = jobs.submit("again", *sweep)
    assert "Job 'again' succeeded" in said
    assert "Continuing: 0 of 2 trials" in said
    assert [row["outcome"] for row in running.rows(root, "trials")] == ["completed"] * 2
    trained = Counter(line.split(" ", 1)[1] for line in jobs.log.read_text().splitlines())
    assert set(trained.values()) == {1}

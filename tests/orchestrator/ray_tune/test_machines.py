"""Sweeps over several machines, each in name spaces of its own (`tests.orchestrator.machines`)."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.orchestrator import running, sweeps, toy
from tests.orchestrator.machines import TOP, Machine, Machines, kill, machines

pytestmark = [pytest.mark.cluster, pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(240)]

TOGETHER: dict[str, Any] = {"baseline": None, "space": None, "trials": None, "stopping": None}
DRIVE = "tests.orchestrator.drive"


class Site:
    """Two machines with a shared folder, and a folder that is each machine's own."""

    def __init__(self, made: Machines, folder: Path) -> None:
        self.machines, self.folder = made, folder
        self.own = folder / "own"
        self.log, self.gate = folder / "log", folder / "gate"
        self.second: Machine
        self.runs: list[Run] = []

    def add(self, name: str, *options: str, **environment: str) -> Machine:
        return self.machines.add(name, *options, private=[self.own], **environment)

    def sweep(
        self, machine: Machine, *words: str | Path, folder: Path = TOP, **environment: str
    ) -> Run:
        address = f"--address={self.machines.address}"
        started = self.machines.sweep(machine, *words, address, folder=folder, **environment)
        self.runs.append(Run(started))
        return self.runs[-1]

    def lines(self) -> list[str]:
        """What the toy has trained: process, configuration and rung a line."""
        return self.log.read_text().splitlines() if self.log.exists() else []

    def points(self, folder: Path, *rates: float, **changes: Any) -> Path:
        """Writes a file of fixed configurations."""
        folder.mkdir(exist_ok=True)
        points = [{"technique": "lora", "data_size": 100, "learning_rate": r} for r in rates]
        return sweeps.write(folder, **TOGETHER | changes, points=points)


class Run:
    """A driver, and what it has said."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.said = ""

    def until(self, pattern: str) -> str:
        """Waits for a line with the pattern, and returns it."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.said += line
            if re.search(pattern, line):
                return line
        raise AssertionError(f"{pattern!r} was not said:\n{self.said}")

    def end(self) -> tuple[int, str]:
        """Returns exit code and all that was said."""
        self.said += self._process.communicate(timeout=200)[0]
        return self._process.returncode, self.said

    def kill(self) -> None:
        kill(self._process)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    gate = {"TOY_GATE": str(folder / "gate"), "TOY_GATE_AFTER": "1", "TOY_GATE_EACH": "1"}
    with machines(folder, dashboard=True, TOY_LOG=str(folder / "log"), **gate) as made:
        found = Site(made, folder)
        found.add("first", "--num-cpus=1")
        found.second = found.add("second", "--num-cpus=1")
        yield found


@pytest.fixture
def shared(site: Site, tmp_path: Path) -> Iterator[Path]:
    site.log.unlink(missing_ok=True)
    site.gate.unlink(missing_ok=True)
    yield tmp_path
    for run in site.runs:
        run.kill()
    site.runs.clear()


def _rows(root: Path) -> list[dict[str, Any]]:
    return running.rows(root, "trials")


def _reports(root: Path) -> list[dict[str, Any]]:
    return running.rows(root, "reports")


def _await(happened: Callable[[], bool]) -> None:
    """Returns when something has happened that no process tells; the test's time is the limit."""
    while not happened():
        time.sleep(0.1)


def _write_table(path: Path) -> None:
    rows = (
        {
            "sql_prompt": f"How many are above {n}?",
            "sql_context": f"CREATE TABLE t{n} (a INT); INSERT INTO t{n} VALUES ({n})",
            "sql": f"SELECT COUNT(*) FROM t{n} WHERE a > {n}",
        }
        for n in range(300)
    )
    path.write_text("\n".join(map(json.dumps, rows)))


def test_over_a_shared_folder_both_train_and_a_relative_table_is_found(
    site: Site, shared: Path
) -> None:
    _write_table(shared / "rows.jsonl")
    space = {"technique": {"lora": {"learning_rate": 0.01}}, "data_size": {"choice": [50, 100]}}
    file = sweeps.write(
        shared, baseline=None, space=space, trials=2, search={"method": "grid"}, stopping=None,
        budget={"examples": 100}, evaluation={"validation_rows": 8, "test_rows": 8},
        dataset="rows.jsonl",
    )  # fmt: skip
    words = (file, "--profile", "embedded", "--root", "store")
    code, said = site.sweep(site.machines.head, "orchestrator.sweep", *words, folder=shared).end()
    assert code == 0, said
    assert "Ray is up: 2 trials at a time on 2 nodes, 1 CPU each" in said
    rows = _rows(shared / "store")
    assert [row["outcome"] for row in rows] == ["completed", "completed"]
    assert {row["node"] for row in rows} == {"first", "second"}
    assert not list((shared / "store" / "state").rglob("nodes/*"))


def test_a_machine_with_a_root_of_its_own_is_set_aside_and_nothing_is_lost(
    site: Site, shared: Path
) -> None:
    file = sweeps.write(shared, baseline=None, trials=6)
    words = (DRIVE, file, site.own / "store")
    code, said = site.sweep(site.machines.head, *words).end()
    assert code == 0, said
    assert "Node second (10.211.7.2) is set aside: it has no folder" in said
    # The other machine's folder has another store by now.
    site.second.run(["mkdir", "-p", site.own / "store"])
    said = site.machines.head.run(["find", site.own / "store" / "trials", "-name", "*.parquet"])
    assert len(said.split()) == 6
    trained = Counter(line.split(" ", 1)[1] for line in site.lines())
    assert set(trained.values()) == {1}


def test_where_no_machine_sees_the_root_the_command_ends_with_the_remedy(
    site: Site, shared: Path
) -> None:
    third = site.add("third", "--num-cpus=0")
    try:
        file = site.points(shared, 0.9)
        code, said = site.sweep(third, DRIVE, file, site.own / "other").end()
    finally:
        site.machines.lose(third)
    assert code == 2
    assert "No node of the cluster at 10.211.7.1:6379 can run trials of this sweep:" in said
    assert "first (10.211.7.1): it has no folder" in said
    assert "second (10.211.7.2): it has no folder" in said
    assert "one folder that all of them have under the same path, for --root" in said
    assert site.lines() == []


def test_a_machine_without_the_package_or_a_usable_device_gets_no_trial(
    site: Site, shared: Path
) -> None:
    bare = site.add("bare", "--num-cpus=1")
    bare.hide(TOP / "orchestrator")
    broken = "raise ModuleNotFoundError('No module named orchestrator')"
    bare.write(TOP / "orchestrator" / "__init__.py", broken)
    gpu = site.add("gpu", "--num-cpus=1", "--num-gpus=1")
    try:
        file = site.points(shared, 0.9, 0.8, 0.7, 0.6)
        code, said = site.sweep(site.machines.head, DRIVE, file, shared / "store").end()
    finally:
        site.machines.lose(bare)
        site.machines.lose(gpu)
    assert code == 0, said
    assert re.search(r"Node bare \(.*\) is set aside: it cannot load this package with .*", said)
    assert re.search(r"Node gpu \(.*\) is set aside: it has a device that is of no use: ", said)
    rows = _rows(shared / "store")
    assert [(row["outcome"], row["attempts"]) for row in rows] == [("completed", 1)] * 4
    assert {row["node"] for row in rows} <= {"first", "second"}


def test_a_machine_that_joins_gets_trials_and_one_that_is_lost_loses_none(
    site: Site, shared: Path
) -> None:
    os.mkfifo(site.gate)
    file = site.points(shared, 0.9, 0.8, 0.7)
    run = site.sweep(site.machines.head, DRIVE, file, shared / "store")
    run.until(" reports: ")
    run.until(" reports: ")
    # Two trials are held, one on each machine.
    third = site.add("third", "--num-cpus=1")
    run.until(r"Node third \(.*\) has joined. Now 3 trials at a time on 3 nodes, 1 CPU each.")
    run.until(" reports: ")
    site.machines.lose(third)
    run.until(r"Node third \(.*\) is gone; its trials go on elsewhere, from their last rung.")
    toy.open_gate(site.gate)
    code, said = run.end()
    assert code == 0, said
    rows = _rows(shared / "store")
    assert [row["outcome"] for row in rows] == ["completed"] * 3
    assert [row["attempts"] for row in rows] == [1, 1, 2]
    assert set(Counter(line.split(" ", 1)[1] for line in site.lines()).values()) == {1}


def test_a_machine_that_loses_the_share_is_set_aside_and_its_trial_goes_on_elsewhere(
    site: Site, shared: Path
) -> None:
    third = site.add("third", "--num-cpus=1")
    os.mkfifo(site.gate)
    file = site.points(shared, 0.9, 0.8, 0.7, 0.6)
    run = site.sweep(site.machines.head, DRIVE, file, shared / "store")
    for _ in range(3):
        run.until(" reports: ")
    third.hide(shared / "store")
    toy.open_gate(site.gate)
    code, said = run.end()
    site.machines.lose(third)
    assert code == 0, said
    assert re.search(r"Node third \(.*\) is set aside: it has another folder", said)
    rows = _rows(shared / "store")
    assert [(row["outcome"], row["attempts"]) for row in rows] == [("completed", 1)] * 4
    assert "third" not in {row["node"] for row in rows}


def test_what_a_machine_writes_that_was_cut_off_the_network_is_counted_once(
    site: Site, shared: Path
) -> None:
    third = site.add("third", "--num-cpus=1")
    os.mkfifo(site.gate)
    file = site.points(shared, 0.9, 0.8, 0.7)
    run = site.sweep(site.machines.head, DRIVE, file, shared / "store")
    for _ in range(3):
        run.until(" reports: ")
    third.cut()
    run.until(r"Node third \(.*\) is gone")
    toy.open_gate(site.gate)
    # Its trial trains on and writes its next rung into the store, and the machine comes back.
    _await(lambda: sum(row["node"] == "third" for row in _reports(shared / "store")) == 2)
    third.heal()
    code, said = run.end()
    site.machines.lose(third)
    assert code == 0, said
    rows = _rows(shared / "store")
    assert [row["outcome"] for row in rows] == ["completed"] * 3
    reports = _reports(shared / "store")
    keys = [(row["trial_id"], row["rung_examples"]) for row in reports]
    assert len(keys) == len(set(keys)) == 3 * 4


def test_a_sweep_whose_driver_is_killed_goes_on_from_another_machine(
    site: Site, shared: Path
) -> None:
    os.mkfifo(site.gate)
    file = site.points(shared, 0.9, 0.8, 0.7)
    run = site.sweep(site.machines.head, DRIVE, file, shared / "store")
    for _ in range(2):
        run.until(" reports: ")
    run.kill()
    toy.open_gate(site.gate)
    code, said = site.sweep(site.second, DRIVE, file, shared / "store").end()
    assert code == 0, said
    assert "Continuing: 0 of 3 trials" in said
    assert [row["outcome"] for row in _rows(shared / "store")] == ["completed"] * 3


def test_a_group_spans_two_machines_and_sigterm_to_a_worker_is_not_a_death(
    site: Site, shared: Path
) -> None:
    """Each machine's name means a loopback address on it, as on many."""
    os.mkfifo(site.gate)
    file = site.points(shared, 0.9, resources={"accelerators": 2}, limits={"max_attempts": 1})
    run = site.sweep(site.machines.head, DRIVE, file, shared / "store", "--group")
    run.until("Ray is up: 1 trial at a time on 2 nodes, 2 workers of 1 CPU each")
    run.until(" reports: ")
    (line,) = site.lines()
    (report,) = _reports(shared / "store")
    first_worker = {"first": site.machines.head, "second": site.second}[report["node"]]
    first_worker.run(["kill", "-TERM", line.split(" ", 1)[0]])
    run.until(" interrupted: goes on from where it was saved last")
    toy.open_gate(site.gate)
    code, said = run.end()
    assert code == 0, said
    (row,) = _rows(shared / "store")
    assert (row["outcome"], row["attempts"]) == ("completed", 2)


def test_a_sweep_on_a_head_alone_waits_for_a_machine(tmp_path: Path) -> None:
    with machines(tmp_path) as made:
        made.add("head", "--num-cpus=0")
        site = Site(made, tmp_path)
        run = site.sweep(made.head, DRIVE, site.points(tmp_path / "f", 0.9), tmp_path / "store")
        run.until(r"No node of 10.211.7.1:6379 has 1 CPU for a trial yet; waiting for one")
        made.add("late", "--num-cpus=1")
        code, said = run.end()
    assert code == 0, said
    (row,) = _rows(tmp_path / "store")
    assert (row["outcome"], row["node"]) == ("completed", "late")

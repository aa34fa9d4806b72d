"""Trials that share an engine have the fates that they have alone, whatever ends the engine."""

from __future__ import annotations

import contextlib
import random
import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from orchestrator.errors import UserError
from orchestrator.search_space import load
from orchestrator.sweep.preflight import StartOptions, check_options
from tests.orchestrator import running, sweeps

PACK = {"resources": {"pack": 3}}


def test_a_pack_and_a_cluster_exclude_each_other(tmp_path: Path) -> None:
    sweep = sweeps.toy(tmp_path, **PACK)
    with pytest.raises(UserError, match=r"resources.pack is 3, .* --address is auto"):
        check_options(sweep, StartOptions(address="auto"))


def test_a_pack_is_on_one_device(tmp_path: Path) -> None:
    file = sweeps.write(tmp_path, resources={"accelerators": 2, "pack": 3})
    with pytest.raises(UserError, match=r"resources.pack: is 3, but must be 1 with .* 2"):
        load(file, profile="embedded")


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_trials_run_in_the_pack_that_was_measured(tmp_path: Path) -> None:
    """Which pays depends on the machine; what was said of it is what happens."""
    file = sweeps.write(
        tmp_path,
        baseline=None,
        space={
            "technique": {"lora": {"learning_rate": {"loguniform": [1e-3, 1e-2]}}},
            "data_size": 40,
        },
        search={"method": "random"},
        trials=8,
        stopping=None,
        budget={"examples": 40},
        evaluation={"validation_rows": 4, "test_rows": 4},
        resources={"pack": "auto"},
    )
    command = [sys.executable, "-m", "orchestrator.sweep", str(file), "--profile", "embedded"]
    root = tmp_path / "store"
    done = subprocess.run(
        [*command, "--root", str(root)], cwd=running.TOP, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    said = re.search(r"^pack: (\d+), measured here", done.stdout, re.MULTILINE)
    assert said is not None, done.stdout
    members = int(said[1])
    assert ("CPU a pack" in done.stdout) == (members > 1)
    assert [row["outcome"] for row in running.rows(root, "trials")] == ["completed"] * 8
    sizes = [row["pack_size"] for row in running.rows(root, "reports")]
    assert 1.0 <= max(sizes) <= members


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.crash
@pytest.mark.timeout(600)
def test_only_the_trial_that_ends_its_engine_uses_up_attempts(tmp_path: Path) -> None:
    special = {6.0: "prefix", 4.0: "qlora", 8.0: "lora"}
    points = [
        {"technique": technique, "data_size": 100, "learning_rate": rate}
        for rate, technique in special.items()
    ]
    limits = {"heartbeat_minutes": 0.1, "max_attempts": 1}
    asked = {"points": points, "limits": limits, "search": {"method": "random"}, "trials": 2}
    file = sweeps.write(tmp_path, **asked, **PACK)
    done = running.run(file, tmp_path / "store", tmp_path / "log")
    assert done.returncode == 0, done.stderr
    assert "6 trials at a time in 2 packs, 1 CPU a pack" in done.stdout
    rows = running.rows(tmp_path / "store", "trials")
    assert [row["outcome"] for row in rows[:4]] == ["completed", "failed", "hung", "failed"]
    assert {row["outcome"] for row in rows[4:]} <= {"completed", "stopped"}
    assert {row["attempts"] for row in rows} == {1}
    assert [row["last_rung"] for row in rows[1:3]] == [0, 0]
    assert "toy.py" in str(rows[2]["error"])
    assert "told to fail" in str(rows[3]["error"])


def _engines(driver: psutil.Process) -> list[psutil.Process]:
    """Returns the processes of a sweep's engines, which have loaded what they are to train with."""
    found = []
    for process in driver.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if process.cmdline()[:1] and process.cmdline()[0].startswith("ray::EngineProcess"):
                found.append(process)
    return found


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.crash
@pytest.mark.long
@pytest.mark.timeout(900)
def test_engines_that_are_killed_change_no_decision(tmp_path: Path) -> None:
    file = sweeps.write(tmp_path, trials=12, search={"method": "random"}, **PACK)
    root, log = tmp_path / "store", tmp_path / "log"
    moments = random.Random(0)
    with subprocess.Popen(
        running.command(file, root),
        cwd=running.TOP,
        env=running.environment(log) | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as started:
        assert started.stdout is not None
        driver = psutil.Process(started.pid)
        killed = 0
        for line in started.stdout:
            sys.stdout.write(line)
            if " starts: " not in line or moments.random() < 0.5:
                continue
            if engines := _engines(driver):
                moments.choice(engines).kill()
                killed += 1
        assert started.stderr is not None
        err = started.stderr.read()
    assert started.returncode == 0, err
    assert killed > 2
    rows = running.rows(root, "trials")
    assert {row["outcome"] for row in rows} == {"completed", "stopped"}
    alone = sweeps.write(tmp_path, trials=12, search={"method": "random"})
    undisturbed = running.run(alone, tmp_path / "other")
    assert undisturbed.returncode == 0, undisturbed.stderr
    assert running.decisions(root) == running.decisions(tmp_path / "other")
    reports = running.rows(root, "reports")
    assert len({(row["trial_id"], row["rung"]) for row in reports}) == len(reports)

"""A sweep that is killed at random moments ends as if nothing had happened.

The moments are a number of lines that the sweep has said since it started, and a fraction of a
second after the last of them; the seed is printed with a failure, being the test's parameter.
"""

from __future__ import annotations

import ast
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.orchestrator import killed_at, running, sweeps, toy
from tests.orchestrator.sweep.small_sweep import SMALL
from tests.orchestrator.sweep.standings import ended

Disturbance = Callable[[Path], None]


def _start(file: Path, root: Path, log: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        running.command(file, root),
        cwd=running.TOP,
        env=running.environment(log) | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def _kill(process: subprocess.Popen[str], everything: bool) -> None:
    """Kills the driver, or every process of the sweep."""
    driver = psutil.Process(process.pid)
    for each in [driver, *(driver.children(recursive=True) if everything else [])]:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
    process.wait()


def _leave(ray_state: Path) -> None:
    """Leaves what Ray remembers as it is."""


def _remove(ray_state: Path) -> None:
    shutil.rmtree(ray_state, ignore_errors=True)


def _cut(ray_state: Path) -> None:
    for path in ray_state.rglob("*"):
        if path.is_file() and not path.is_symlink():
            os.truncate(path, path.stat().st_size // 2)


def _ended(root: Path) -> list[dict[str, Any]]:
    """Returns the configurations of the trials that have their final row."""
    found = [json.loads(row["config_json"]) for row in running.rows(root, "trials")]
    for configuration in found:
        del configuration["rungs"]
    return found


def _trained(log: Path) -> list[dict[str, Any]]:
    """Returns the configuration of each rung that was trained, in order."""
    lines = log.read_text().splitlines() if log.exists() else []
    return [ast.literal_eval(line.split(" ", 1)[1].rsplit(" ", 1)[0]) for line in lines]


def _disturb(
    file: Path, root: Path, log: Path, seed: int, kills: Sequence[tuple[bool, Disturbance]]
) -> None:
    """Starts the sweep and kills it, again and again; nothing that ended may be trained after."""
    moments = random.Random(seed)
    ended: list[tuple[int, list[dict[str, Any]]]] = []
    for everything, disturbance in kills:
        process = _start(file, root, log)
        assert process.stdout is not None
        for _ in islice(process.stdout, moments.randint(1, 9)):
            pass
        try:
            process.wait(timeout=moments.uniform(0, 0.2))
        except subprocess.TimeoutExpired:
            _kill(process, everything)
        ended.append((len(_trained(log)), _ended(root)))
        for ray_state in root.glob("state/*/ray"):
            disturbance(ray_state)
    done = running.run(file, root, log)
    assert done.returncode == 0, done.stderr
    trained = _trained(log)
    for count, configurations in ended:
        assert not [each for each in trained[count:] if each in configurations]


def _survives(
    folder: Path, seed: int, trials: int, kills: Sequence[tuple[bool, Disturbance]]
) -> None:
    asked = {"ask": ["technique"], "confirm": {"runs": 4, "seeds": 2}}
    file = sweeps.write(folder, trials=trials, limits={"max_concurrent": 1}, **asked)
    _disturb(file, folder / "store", folder / "log", seed, kills)
    undisturbed = running.run(file, folder / "other")
    assert undisturbed.returncode == 0, undisturbed.stderr
    # With the untuned baseline, and the best of each technique under two seeds.
    assert len(running.rows(folder / "store", "trials")) == trials + 1 + 4
    assert running.decisions(folder / "store") == running.decisions(folder / "other")
    one, two = (
        [(row["trial_id"], row["step"], row["rouge_l"]) for row in running.rows(root, "reports")]
        for root in (folder / "store", folder / "other")
    )
    assert one == two


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.crash
@pytest.mark.timeout(600)
def test_a_killed_sweep_changes_no_decision(tmp_path: Path) -> None:
    _survives(tmp_path, 0, 8, [(False, _leave), (True, _cut), (False, _remove)])


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.crash
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="alone"),
        pytest.param({"resources": {"pack": 3}}, id="in-packs", marks=pytest.mark.long),
    ],
)
def test_a_sweep_whose_ray_is_killed_ends_with_the_remedy_and_goes_on(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    file, log = sweeps.write(tmp_path, trials=4, **changes), tmp_path / "log"
    os.mkfifo(tmp_path / "gate")
    held = {"TOY_GATE": str(tmp_path / "gate"), "TOY_GATE_AFTER": "1", "PYTHONUNBUFFERED": "1"}
    # Ray gives a node up after some seconds without a sign of life, instead of after a quarter
    # of a minute.
    held |= {"RAY_health_check_period_ms": "1000", "RAY_health_check_initial_delay_ms": "1000"}
    started = subprocess.Popen(
        running.command(file, tmp_path / "store"),
        cwd=running.TOP,
        env=running.environment(log) | held,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert started.stdout is not None
        next(line for line in started.stdout if " reports: " in line)
        below = psutil.Process(started.pid).children(recursive=True)
        (raylet,) = [each for each in below if each.name() == "raylet"]
        trained = [each for each in below if each.name().startswith("ray::")]
        raylet.kill()
        _, err = started.communicate(timeout=120)
    finally:
        if started.poll() is None:
            _kill(started, everything=True)
    assert started.returncode == 1
    assert "Ray has ended on this machine" in err
    assert "the same command" in err
    assert psutil.wait_procs(trained, timeout=60)[1] == []
    toy.open_gate(tmp_path / "gate")
    done = running.run(file, tmp_path / "store", log)
    assert done.returncode == 0, done.stderr
    assert {row["outcome"] for row in running.rows(tmp_path / "store", "trials")} <= {
        "completed",
        "stopped",
    }
    assert set(running.trained(log).values()) == {1}


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.crash
@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("everything", "disturbance"),
    [(False, _leave), (False, _remove), (False, _cut), (True, _leave)],
    ids=["driver", "driver-and-rays-state-removed", "driver-and-rays-state-cut", "everything"],
)
def test_twenty_kills_change_no_decision(
    tmp_path: Path, everything: bool, disturbance: Disturbance
) -> None:
    _survives(tmp_path, 1, 40, [(everything, disturbance)] * 20)


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.crash
@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_sweep_whose_process_is_killed_before_a_write_ends_as_if_it_had_not_been(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in `test_every_write`, with Ray: it is the driver or a trial's process that is killed."""
    file = sweeps.write(tmp_path, **SMALL)

    def run(name: str, number: int = 0) -> int:
        """Returns how often the sweep was started; 0 if it ended before its call of a number."""
        root, own = tmp_path / name, tmp_path / f"{name}-calls"
        for variable, value in killed_at.environment(root, own, number).items():
            monkeypatch.setenv(variable, value)
        starts, done = 1, running.run(file, root)
        while done.returncode == -signal.SIGKILL and starts < 3:
            starts, done = starts + 1, running.run(file, root)
        assert done.returncode == 0, done.stderr
        return starts if killed_at.counted(own) >= number else 0

    run("undisturbed")
    calls = killed_at.counted(tmp_path / "undisturbed-calls")
    undisturbed = ended(sweeps.toy(tmp_path, **SMALL), tmp_path / "undisturbed")
    starts = []
    for moment, number in enumerate(random.Random(0).sample(range(1, calls + 1), 20)):
        # With Ray there are some calls more or fewer each time.
        for earlier in range(number, 0, -1):
            name = f"{moment}-{earlier}"
            if begun := run(name, earlier):
                break
        starts.append(begun)
        assert ended(sweeps.toy(tmp_path, **SMALL), tmp_path / name) == undisturbed, name
    assert {*starts} == {1, 2}  # some were trials', some the driver's


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.crash
@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_trial_that_takes_the_hosts_memory_ends_and_its_neighbours_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = psutil.virtual_memory()
    share = 1 - (memory.available - 3 * 2**30) / memory.total
    monkeypatch.setenv("RAY_memory_usage_threshold", f"{share:.4f}")
    monkeypatch.setenv("RAY_memory_monitor_refresh_ms", "50")
    points = [
        {"technique": technique, "data_size": 100, "learning_rate": rate}
        for technique, rate in (("full", 2.0), ("lora", 0.5), ("prefix", 0.5), ("qlora", 0.5))
    ]
    file = sweeps.write(tmp_path, points=points, trials=None, space=None)
    done = running.run(file, tmp_path / "store")
    assert done.returncode == 0, done.stderr
    rows = running.rows(tmp_path / "store", "trials")
    assert [row["outcome"] for row in rows] == ["completed", "out_of_memory", *["completed"] * 3]
    assert rows[1]["attempts"] == 2

"""Sweeps whose store is in a bucket: run, cut off, continued, and what they ask of it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from orchestrator.errors import CommandError, UserError
from orchestrator.state import lease
from orchestrator.store import StoreError, reader
from orchestrator.store.place import BucketAddress, Root, StoreFiles
from orchestrator.store.roots import local_folder, open_root
from orchestrator.sweep.preflight import StartOptions
from orchestrator.sweep.run import run
from orchestrator.terminal.plain_console import PlainConsole
from tests.bucket_server import FORBIDDEN, Fault, Faults, Line, Request
from tests.orchestrator import running, sweeps, toy
from tests.orchestrator.sweep.conftest import Run

_CONFIRMED = {"ask": ["technique"], "confirm": {"runs": 4, "seeds": 2}}


@pytest.fixture
def address(line: Line) -> BucketAddress:
    return line.address()


def decisions(root: Root) -> list[dict[str, Any]]:
    """Returns what a sweep decided about each trial, and on what grounds."""
    names = [
        *("trial_id", "outcome", "objective", "learning_rate", "rank", "last_rung", "checkpoint"),
        *("attempts", "test_rouge_l"),
    ]
    return [{name: row[name] for name in names} for row in reader.trials(root).to_pylist()]


def reported(root: Root) -> list[tuple[Any, ...]]:
    rows = reader.reports(root).to_pylist()
    return [(row["trial_id"], row["step"], row["rouge_l"], row["checkpoint"]) for row in rows]


def test_a_sweep_in_a_bucket_decides_as_in_a_folder(
    address: BucketAddress, tmp_path: Path, run_here: Run
) -> None:
    sweep = sweeps.toy(tmp_path, trials=6)
    for root in (address, tmp_path / "store"):
        run_here(sweep, root)
    assert decisions(address) == decisions(tmp_path / "store")
    assert reported(address) == reported(tmp_path / "store")
    assert len(decisions(address)) == 7


def test_a_sweep_asks_for_little(line: Line, tmp_path: Path, run_here: Run) -> None:
    counts = []
    for trials in (4, 10):
        line.reset()
        run_here(sweeps.toy(tmp_path, trials=trials), line.address())
        counts.append(len(line.requests))
    each = (counts[1] - counts[0]) / 6
    kinds = Counter(
        (request.method, "list" if "list-type" in request.path else _kind(request.path))
        for request in line.requests
    )
    print(f"{counts[0]} requests for 5 trials, {counts[1]} for 11: {each:.1f} for one more")
    print("\n".join(f"{count:5} {' '.join(kind)}" for kind, count in kinds.most_common()))
    assert each <= 40


def _kind(path: str) -> str:
    """Returns which kind of file a request is about."""
    key = path.partition("/some/root/")[2].partition("?")[0]
    return re.sub(r"(sweep|trial)(=|%3D)[^/]+/|t-[a-z0-9]{10}|[0-9a-f]{32}|\d{6,10}", "", key)


def after(allowed: int, method: str) -> Faults:
    """Has everything refused once there were so many requests of a kind."""
    left = [allowed]

    def faults(request: Request) -> Fault | None:
        left[0] -= request.method == method
        return FORBIDDEN if left[0] < 0 else None

    return faults


@pytest.mark.slow
@pytest.mark.parametrize("method", ["PUT", "GET", "POST"])
def test_a_sweep_that_is_cut_off_anywhere_goes_on(
    line: Line, address: BucketAddress, tmp_path: Path, run_here: Run, method: str
) -> None:
    """The bucket refuses everything from some request on, again and again a little later."""
    sweep = sweeps.toy(tmp_path, trials=4)
    run_here(sweep, tmp_path / "store")
    cuts = 0
    for allowed in range(1, 1000, 7):
        line.faults = after(allowed, method)
        try:
            run_here(sweep, address)
            break
        except (StoreError, CommandError):
            cuts += 1
        finally:
            line.reset()
    run_here(sweep, address)
    assert cuts
    assert [_decided(row) for row in decisions(address)] == [
        _decided(row) for row in decisions(tmp_path / "store")
    ]


def _decided(row: dict[str, Any]) -> dict[str, Any]:
    """Leaves out how often a trial was begun."""
    return {name: value for name, value in row.items() if name != "attempts"}


def test_a_driver_that_has_lost_the_sweep_ends_and_decides_nothing_more(
    address: BucketAddress, tmp_path: Path, run_here: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = sweeps.toy(tmp_path, trials=5)
    run_here(sweep, tmp_path / "store")
    place, learner, begun = open_root(address), toy.finetune, []
    seconds = [0.0]
    monkeypatch.setattr(lease, "_seconds", lambda: seconds[0])

    def stopped_for_a_while(*given: Any, **named: Any) -> None:
        begun.append(given)
        if len(begun) == 3:
            seconds[0] += lease.EXPIRY_SECONDS
            _take(place, 2)
        learner(*given, **named)

    monkeypatch.setattr(toy, "finetune", stopped_for_a_while)
    with pytest.raises(lease.LeaseLostError, match="is now run by process 7 on far"):
        run_here(sweep, address)
    assert len(begun) == 3
    decided = _decided_by_drivers(place)
    _take(place, 3, is_over=True)
    monkeypatch.setattr(toy, "finetune", learner)
    run_here(sweep, address)
    assert decided < _decided_by_drivers(place)
    for one, other in zip(decisions(address), decisions(tmp_path / "store"), strict=True):
        assert _decided(one) == _decided(other)
    assert reported(address) == reported(tmp_path / "store")


def _take(place: StoreFiles, number: int, **changes: Any) -> None:
    """Holds the only sweep of a store as a process of another machine does."""
    (sweep,) = place.folders("state", "sweep=")
    said = {"host": "far", "pid": 7, "machine": "x", "started": "1", "token": "y"} | changes
    assert place.put_if_absent(f"state/{sweep}/lock/{number:010d}", json.dumps(said).encode())


def _decided_by_drivers(place: StoreFiles) -> set[str]:
    folders = [f"state/{sweep}" for sweep in place.folders("state", "sweep=")]
    found = [*place.files("trials")]
    for kind in ("verdicts", "proposals"):
        found += [file for folder in folders for file in place.files(f"{folder}/{kind}")]
    return {file.key for file in found}


def test_what_needs_a_folder_is_refused(address: BucketAddress, tmp_path: Path) -> None:
    out = PlainConsole(width=1000)
    with pytest.raises(UserError, match=r"track: \[tensorboard\] keeps beside the tables"):
        run(sweeps.toy(tmp_path, track=["tensorboard"]), address, out, StartOptions())
    with pytest.raises(UserError, match="does not exist"):
        run(sweeps.toy(tmp_path), BucketAddress("no-such-bucket", "a"), out, StartOptions())
    assert open_root(address).files("state") == []


def test_a_bucket_without_conditional_writes_is_refused_before_anything_is_stored(
    line: Line, address: BucketAddress, tmp_path: Path
) -> None:
    line.without = ("if-none-match",)
    with pytest.raises(UserError, match="If-None-Match"):
        run(sweeps.toy(tmp_path), address, PlainConsole(width=1000), StartOptions())
    assert open_root(address).files("state") == []


@contextmanager
def _held(
    folder: Path, file: Path, root: Root, reports: int, name: str
) -> Iterator[subprocess.Popen[str]]:
    """A sweep that goes no further than so many reports, in all, as of a pipe of that name."""
    os.mkfifo(folder / name)
    held = {
        "TOY_GATE": str(folder / name),
        "TOY_GATE_AFTER": str(reports),
        "PYTHONUNBUFFERED": "1",
    }
    process = subprocess.Popen(
        running.command(file, root),
        cwd=running.TOP,
        env=running.environment(folder / "log") | held,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        while len(_lines(folder / "log")) < reports:
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        yield process
    finally:
        for each in _children(process):
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        process.kill()
        process.wait()


def _lines(log: Path) -> list[str]:
    return log.read_text().splitlines() if log.exists() else []


def _children(process: subprocess.Popen[str]) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(process.pid).children(recursive=True)
    return []


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.crash
@pytest.mark.timeout(600)
def test_a_killed_sweep_in_a_bucket_goes_on_and_trains_nothing_twice(
    address: BucketAddress, tmp_path: Path
) -> None:
    file = sweeps.write(tmp_path, trials=5, limits={"max_concurrent": 1}, **_CONFIRMED)
    with _held(tmp_path, file, address, 2, "gate") as driver:
        place = open_root(address)
        while len(place.files("reports", ".parquet")) < 2:
            assert driver.poll() is None
            time.sleep(0.05)
        refused = running.run(file, address, tmp_path / "log")
        assert refused.returncode == 2
        assert f"is being run by process {driver.pid} on" in refused.stderr
        driver.kill()  # the driver alone; its trial's process notices
    with _held(tmp_path, file, address, 4, "another-gate") as driver:
        while len(place.files("reports", ".parquet")) < 4:
            assert driver.poll() is None
            time.sleep(0.05)
        psutil.Process(int(_lines(tmp_path / "log")[-1].split(" ", 1)[0])).kill()
        toy.open_gate(tmp_path / "another-gate")
        out, err = driver.communicate(timeout=400)
        assert driver.returncode == 0, err
    assert "Continuing: " in out
    assert set(running.trained(tmp_path / "log").values()) == {1}
    undisturbed = running.run(file, tmp_path / "store")
    assert undisturbed.returncode == 0, undisturbed.stderr
    for one, other in zip(decisions(address), decisions(tmp_path / "store"), strict=True):
        assert _decided(one) == _decided(other)
    assert reported(address) == reported(tmp_path / "store")
    for question in (["leaderboard"], ["answer"], ["show", "best"], ["sweeps"]):
        words = [sys.executable, "-m", "orchestrator.results", "--root", str(address), *question]
        asked = subprocess.run(words, cwd=running.TOP, capture_output=True, text=True, timeout=100)
        assert asked.returncode == 0, asked.stderr
    assert not [key for key in _local(address) if "checkpoint" in key]


def _local(address: BucketAddress) -> list[str]:
    """Returns what is left on this machine of a sweep in a bucket."""
    folder = local_folder(address)
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.crash
@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_driver_that_was_stopped_for_long_finds_that_the_sweep_went_on_without_it(
    address: BucketAddress, tmp_path: Path
) -> None:
    file = sweeps.write(tmp_path, trials=4, limits={"max_concurrent": 1})
    with _held(tmp_path, file, address, 2, "gate") as driver:
        driver.send_signal(signal.SIGSTOP)
        done = running.run(file, address, tmp_path / "log")
        while done.returncode == 2:  # refused, until the lease has expired
            assert f"is being run by process {driver.pid} on" in done.stderr
            done = running.run(file, address, tmp_path / "log")
        assert done.returncode == 0, done.stderr
        before = _decided_by_drivers(open_root(address))
        driver.send_signal(signal.SIGCONT)
        _, err = driver.communicate(timeout=100)
        assert driver.returncode == 1, err
        assert "The sweep toy-" in err
        assert "is now run by process" in err
    assert _decided_by_drivers(open_root(address)) == before
    undisturbed = running.run(file, tmp_path / "store")
    assert undisturbed.returncode == 0, undisturbed.stderr
    for one, other in zip(decisions(address), decisions(tmp_path / "store"), strict=True):
        assert _decided(one) == _decided(other)

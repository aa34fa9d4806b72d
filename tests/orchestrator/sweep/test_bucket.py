"""Sweeps whose store is in a bucket: run, cut off, continued, and what they ask of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import CommandError, UserError
from orchestrator.search_space import Sweep
from orchestrator.state.stored_sweep import StoredSweep
from orchestrator.store import StoreError, reader
from orchestrator.store.place import BucketAddress, Root
from orchestrator.store.roots import open_root
from orchestrator.sweep.preflight import StartOptions
from orchestrator.sweep.run import run
from orchestrator.terminal.plain_console import PlainConsole
from tests.bucket_server import FORBIDDEN, Fault, Faults, Line, Request
from tests.orchestrator import sweeps
from tests.orchestrator.stand_in import Seen, instead_of_ray, run_trials

_CONFIRMED = {"ask": ["technique"], "confirm": {"runs": 4, "seeds": 2}}

Run = Callable[[Sweep, Root], None]


@pytest.fixture
def address(line: Line) -> BucketAddress:
    return line.address()


@pytest.fixture
def run_here(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command with the stand-in for Ray Tune."""

    def trials(stored: StoredSweep, *others: Any, **named: Any) -> None:
        instead_of_ray(stored, monkeypatch)
        run_trials(stored, Seen())

    monkeypatch.setattr("orchestrator.sweep.run._run_trials", trials)
    return lambda sweep, root: run(sweep, root, PlainConsole(width=1000), StartOptions())


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


def test_a_sweep_asks_for_little(
    line: Line, address: BucketAddress, tmp_path: Path, run_here: Run
) -> None:
    counts = []
    for trials in (6, 12):
        line.requests.clear()
        run_here(sweeps.toy(tmp_path, trials=trials), address)
        counts.append(len(line.requests))
    each = counts[1] / 6
    print(f"{counts[0]} requests for 7 trials, {counts[1]} for another 6: {each:.1f} a trial")
    kinds = Counter(
        (request.method, "list" if "list-type" in request.path else _folder(request.path))
        for request in line.requests
    )
    print("\n".join(f"{count:5} {' '.join(kind)}" for kind, count in kinds.most_common()))
    assert each <= 40


def _folder(path: str) -> str:
    """Returns which kind of file a request is about."""
    key = path.partition("/some/root/")[2].partition("?")[0]
    return re.sub(r"sweep=[^/]+/|trial=[^/]+/|t-[a-z0-9]{10}|[0-9a-f]{32}|\d{6,10}", "", key)


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

"""What `--plan` says a sweep takes."""

from __future__ import annotations

import io
import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from orchestrator.price.disk import Disk
from orchestrator.price.estimate import Estimate
from orchestrator.price.speed import Range
from orchestrator.price.work import CONFIRMING, TUNING, expected_work
from orchestrator.ray_tune.placement import Slots
from orchestrator.search_space import load
from orchestrator.sweep.caps import Caps
from orchestrator.sweep.pricing import describe, price

SPACE = Path(__file__).resolve().parents[3] / "search_spaces" / "rank.yaml"
PLACE = Slots("cpu", 2, 1, {"CPU": 1.0})


def _said(found: Estimate, root: Path, caps: Caps | None = None) -> str:
    return "\n".join(
        f"{name}: {words}" for name, words in describe(found, PLACE, root, caps or Caps())
    )


def test_a_plan_says_time_devices_memory_disk_and_what_it_rests_on(tmp_path: Path) -> None:
    phases = {TUNING: Range(60, 120, 180), CONFIRMING: Range(120, 240, 360)}
    files = Disk(3 * 2**20, 2**20, 36)
    said = _said(Estimate(phases, 2, 1.0, [], 54, 2**30, files), tmp_path / "absent" / "store")
    assert "time: about 3 min 12 s (1 min 42 s to 4 min 42 s) on this machine" in said
    assert "tuning 1 min 00 s, confirming 2 min 00 s" in said
    assert "devices: 0.1 device hours (0.05 to 0.15)" in said
    assert "resting on 54 trials of this store" in said
    assert "memory: 1.0 GiB at most for a trial, measured in this store; 2 at a time" in said
    assert "disk: about 3 MiB at the fullest, with models and training states of 36 trials" in said
    assert "1 MiB when it has ended" in said


def test_what_a_pack_takes_does_not_follow_from_trials_alone(tmp_path: Path) -> None:
    phases = {TUNING: Range(60, 120, 180)}
    found = Estimate(phases, 2, 1.0, [], 54, 2**30, None)
    said = dict(describe(found, replace(PLACE, pack=4), tmp_path, Caps()))["memory"]
    assert said == (
        "1.0 GiB at most for a trial, measured in this store; for 4 trials in a process not known"
        " from that"
    )


def test_what_a_pack_was_measured_to_take_is_said(tmp_path: Path) -> None:
    found = Estimate({TUNING: Range(60, 120, 180)}, 2, 1.0, [], 0, 3 * 2**30, None, together=4)
    said = dict(describe(found, replace(PLACE, pack=4), tmp_path, Caps()))["memory"]
    assert said.startswith("3.0 GiB at most for a pack of 4 trials, measured now; 2 at a time: 6.0")


def test_where_no_trial_waits_the_disk_is_not_said_to_hold_any(tmp_path: Path) -> None:
    said = _said(Estimate({}, 2, 1.0, [], 54, None, Disk(2**20, 2**20, 0)), tmp_path)
    assert "disk: about 1 MiB at the fullest; 1 MiB when it has ended; " in said


def test_what_cannot_fit_is_said_with_its_remedy(tmp_path: Path) -> None:
    said = _said(Estimate({}, 2, 1.0, [], 1, 2**60, Disk(2**60, 2**60, 0)), tmp_path)
    assert "which is too much: set limits.max_concurrent" in said
    assert "which is too little: lower limits.checkpoints or give another --root" in said


def test_what_is_not_known_is_not_foretold(tmp_path: Path) -> None:
    said = _said(Estimate({}, 2, 1.0, ["lora", "qlora"], 0, None, None), tmp_path)
    assert said.startswith("time: not known: the store has no whole trial of lora and qlora with")
    assert "--plan --measure trains ten steps of each technique here" in said
    assert "device hours" not in said


def test_a_plan_says_the_cost_and_which_limit_ends_the_sweep(tmp_path: Path) -> None:
    found = Estimate({TUNING: Range(3600, 7200, 10800)}, 2, 1.0, [], 5, None, None)
    said = _said(found, tmp_path, Caps(cost=4, price=2.5))
    assert "cost: 5.00 (2.50 to 7.50), at 2.5 a device hour" in said
    assert "limit: a cost of 4 (--max-cost, at 2.5 a device hour) is likely to be reached" in said
    assert "limit" not in _said(found, tmp_path, Caps(hours=2, cost=6, price=2.5))


def test_a_trial_is_measured_with_the_threads_and_the_priority_that_ray_gives_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[list[str], str]] = []
    cost = {"start": 5.0, "set_up": 1.0, "example": 0.1, "loss_row": 0.1, "scored_row": 0.1}
    cost |= {"memory_bytes": 2**20, "trained": 100}

    def answer(command: list[str], **given: Any) -> subprocess.CompletedProcess[str]:
        asked.append((command, given["env"]["OMP_NUM_THREADS"]))
        return subprocess.CompletedProcess(command, 0, json.dumps(cost), "")

    monkeypatch.setattr("orchestrator.sweep.rows.subprocess.run", answer)
    sweep = load(SPACE, ["baseline=false", "confirm=null"], None, "embedded")
    place = Slots("cpu", 2, 1, {"CPU": 3.0})
    found = price(sweep, tmp_path, place, Console(file=io.StringIO()), 200, measured=True)
    assert [threads for _, threads in asked] == ["3", "3"]
    assert all(command[-2:] == ["--niceness", "15"] for command, _ in asked)
    # Beside the work of 36 trials, each of two slots starts a process in 5 s.
    (work,) = expected_work(sweep, 200)
    amounts = work.examples + work.loss_rows + work.scored_rows
    assert found.device_seconds.middle == pytest.approx(36 * 1.0 + 0.1 * amounts + 10.0)

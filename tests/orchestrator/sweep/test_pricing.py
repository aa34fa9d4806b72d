"""What `--plan` says a sweep takes."""

from __future__ import annotations

from pathlib import Path

from orchestrator.price.estimate import Estimate
from orchestrator.price.speed import Range
from orchestrator.price.work import CONFIRMING, TUNING
from orchestrator.ray_tune.placement import Slots
from orchestrator.search_space import load
from orchestrator.sweep.caps import Caps
from orchestrator.sweep.pricing import describe

SPACE = Path(__file__).resolve().parents[3] / "search_spaces" / "rank.yaml"
PLACE = Slots("cpu", 2, 1, {"CPU": 1.0})


def _said(found: Estimate, root: Path, caps: Caps | None = None) -> str:
    sweep = load(SPACE, (), None, "embedded")
    return "\n".join(
        f"{name}: {words}" for name, words in describe(sweep, found, PLACE, root, caps or Caps())
    )


def test_a_plan_says_time_devices_memory_disk_and_what_it_rests_on(tmp_path: Path) -> None:
    phases = {TUNING: Range(60, 120, 180), CONFIRMING: Range(120, 240, 360)}
    said = _said(Estimate(phases, 2, 1.0, [], 54, 2**30, 2**20), tmp_path / "absent" / "store")
    assert "time: about 3 min 12 s (1 min 42 s to 4 min 42 s) on this machine" in said
    assert "tuning 1 min 00 s, confirming 2 min 00 s" in said
    assert "devices: 0.1 device hours (0.05 to 0.15)" in said
    assert "resting on 54 trials of this store" in said
    assert "memory: 1.0 GiB at most for a trial, measured in this store; 2 at a time" in said
    # All 37 runs but the untuned model may wait at the first rung for their cohorts.
    assert "disk: 37 models of 1.0 MiB with their training state, of trials that wait" in said


def test_a_trial_that_waits_for_nobody_takes_no_disk_beside_those_that_are_kept(
    tmp_path: Path,
) -> None:
    never_stopped = load(SPACE, ["stopping=null"], None, "embedded")
    found = Estimate({}, 2, 1.0, [], 54, None, 2**20)
    said = dict(describe(never_stopped, found, PLACE, tmp_path, Caps()))["disk"]
    assert said.startswith("22 models of 1.0 MiB with their training state: ")


def test_what_cannot_fit_is_said_with_its_remedy(tmp_path: Path) -> None:
    said = _said(Estimate({}, 2, 1.0, [], 1, 2**60, 2**60), tmp_path)
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

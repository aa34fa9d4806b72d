"""Early stopping: who is stopped where, and that a restart changes nothing."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.scheduling import SweepScheduler, TechniqueHalving
from orchestrator.spec import Sweep
from tests.orchestrator import sweeps

RUNGS = (90, 270, 810)


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    return sweeps.toy(tmp_path_factory.mktemp("spec"))


def test_the_worse_of_two_is_stopped_at_the_first_rung(sweep: Sweep) -> None:
    halving = TechniqueHalving(sweep)
    assert not halving.stops("a", "lora", 90, 0.5)
    assert halving.stops("b", "lora", 90, 0.4)


def test_less_is_better_where_the_file_says_so(tmp_path: Path) -> None:
    halving = TechniqueHalving(sweeps.toy(tmp_path, objective={"metric": "eval_loss"}))
    assert not halving.stops("a", "lora", 90, 0.5)
    assert not halving.stops("b", "lora", 90, 0.4)
    assert halving.stops("c", "lora", 90, 0.6)


def test_a_technique_is_compared_with_its_own_kind(sweep: Sweep) -> None:
    halving = TechniqueHalving(sweep)
    assert not halving.stops("a", "lora", 90, 0.5)
    assert not halving.stops("b", "full", 90, 0.1)
    assert halving.stops("c", "full", 90, 0.05)


def test_the_baseline_and_the_last_report_pass(sweep: Sweep) -> None:
    halving = TechniqueHalving(sweep)
    for trial, rung in (("a", 90), ("a", 900)):
        halving.stops(trial, "lora", rung, 0.9)
    assert not halving.stops("b", "pretrained", 0, 0.0)
    assert not halving.stops("c", "lora", 900, 0.0)


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_a_report_without_a_finite_objective_is_not_recorded(
    sweep: Sweep, value: float | None
) -> None:
    halving = TechniqueHalving(sweep)
    assert not halving.stops("a", "lora", 90, value)
    assert not halving.stops("b", "lora", 90, 0.1)
    assert halving.stops("c", "lora", 90, 0.05)


def test_without_stopping_everybody_goes_on(tmp_path: Path) -> None:
    halving = TechniqueHalving(sweeps.toy(tmp_path, stopping=None))
    assert not any(halving.stops(str(n), "lora", 225, 1.0 / (n + 1)) for n in range(9))


def test_rounded_rungs_are_judged_too(tmp_path: Path) -> None:
    # 0.07 * 333 and its multiples by 2.5 are no whole numbers.
    sweep = sweeps.toy(
        tmp_path,
        budget={"examples": 333},
        stopping={"first_rung": 0.07, "reduction_factor": 2.5},
    )
    for rung in sweep.rungs(333)[:-1]:
        halving = TechniqueHalving(sweep)
        halving.stops("a", "lora", rung, 0.9)
        assert halving.stops("b", "lora", rung, 0.1)


class _Trial:
    """A trial of Ray Tune's, as far as the scheduler looks at it."""

    def __init__(self, trial_id: str) -> None:
        self.trial_id = trial_id


def test_when_the_time_is_up_trials_end_at_their_rung_but_are_not_losers(sweep: Sweep) -> None:
    told: list[tuple[str, int]] = []
    scheduler = SweepScheduler(
        TechniqueHalving(sweep),
        lambda trial: (trial.trial_id, "lora"),
        lambda trial_id, rung: told.append((trial_id, rung)),
        expired=lambda: True,
    )
    report = {"rung_examples": 90, "objective": 0.5, "last": False, "diverged": False}
    assert scheduler.on_trial_result(None, _Trial("a"), report) == "STOP"
    assert scheduler.on_trial_result(None, _Trial("b"), report | {"objective": 0.1}) == "STOP"
    assert scheduler.stopped == {"b"}
    last = report | {"rung_examples": 900, "last": True}
    assert scheduler.on_trial_result(None, _Trial("c"), last) == "CONTINUE"
    assert told == [("c", 900)]


def _oracle(reports: list[tuple[str, int, float]], sign: float) -> list[bool]:
    """ASHA by its definition: stop below the quantile of who came to the rung before."""
    seen: dict[int, list[float]] = {}
    verdicts = []
    for _, rung, value in reports:
        others = seen.setdefault(rung, [])
        cut = np.percentile(others, 100 * (1 - 1 / 3)) if others else -math.inf
        verdicts.append(bool(sign * value < cut))
        others.append(sign * value)
    return verdicts


_VALUES = st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), min_size=1, max_size=30)


@given(values=_VALUES, mode=st.sampled_from(["max", "min"]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_verdicts_are_those_of_the_definition(
    tmp_path: Path, values: list[float], mode: str
) -> None:
    metric = "rouge_l" if mode == "max" else "eval_loss"
    halving = TechniqueHalving(sweeps.toy(tmp_path, objective={"metric": metric}))
    reports: list[tuple[str, int, float]] = []
    verdicts: list[bool] = []
    for number, value in enumerate(values):
        for rung in RUNGS:
            reports.append((str(number), rung, value * rung / 900))
            verdicts.append(halving.stops(str(number), "lora", rung, value * rung / 900))
            if verdicts[-1]:
                break
    assert verdicts == _oracle(reports, 1.0 if mode == "max" else -1.0)


@given(values=_VALUES, cut=st.integers(0, 29))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_replayed_history_gives_the_verdicts_of_an_undisturbed_run(
    tmp_path: Path, values: list[float], cut: int
) -> None:
    sweep = sweeps.toy(tmp_path)
    undisturbed, verdicts, history = TechniqueHalving(sweep), [], []
    for number, value in enumerate(values):
        row: dict[str, Any] = {
            "trial_id": str(number),
            "technique": "lora",
            "rung_examples": 90,
            "objective": value,
        }
        history.append(row)
        verdicts.append(undisturbed.stops(str(number), "lora", 90, value))
    restarted = TechniqueHalving(sweep)
    stopped = restarted.replay(history[:cut])
    assert stopped == {str(n) for n, stop in enumerate(verdicts[:cut]) if stop}
    after = [
        restarted.stops(str(n), "lora", 90, value) for n, value in enumerate(values) if n >= cut
    ]
    assert after == verdicts[cut:]

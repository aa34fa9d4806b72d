"""Early stopping: who is stopped where, and that a restart changes nothing."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.search.halving import TechniqueHalving, compared_with
from orchestrator.search.proposals import Proposal
from orchestrator.search_space import Sweep
from tests.orchestrator import sweeps
from trainables.techniques.registry import TECHNIQUES, is_untuned

RUNGS = (90, 270, 810)


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    return sweeps.toy(tmp_path_factory.mktemp("spec"), stopping=sweeps.BY_OBJECTIVE)


def test_the_worse_of_two_is_stopped_at_the_first_rung(sweep: Sweep) -> None:
    halving = TechniqueHalving(sweep)
    assert not halving.stops("a", "lora", 90, 0.5)
    assert halving.stops("b", "lora", 90, 0.4)


def test_less_is_better_where_the_file_says_so(tmp_path: Path) -> None:
    halving = TechniqueHalving(sweeps.toy(tmp_path, objective={"metric": "eval_loss"}))
    assert not halving.stops("a", "lora", 90, 0.5)
    assert not halving.stops("b", "lora", 90, 0.4)
    assert halving.stops("c", "lora", 90, 0.6)


@pytest.mark.parametrize("metric", ["rouge_l", "execution_accuracy", "eval_loss"])
def test_by_default_the_lower_loss_goes_on_whatever_the_objective(
    tmp_path: Path, metric: str
) -> None:
    halving = TechniqueHalving(sweeps.toy(tmp_path, objective={"metric": metric}))
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


def test_a_report_told_again_is_not_recorded_at_a_rung_that_its_trial_has_no_value_for(
    sweep: Sweep,
) -> None:
    halving = TechniqueHalving(sweep)
    assert not halving.stops("a", "lora", 90, math.nan)
    assert not halving.stops("a", "lora", 270, 0.5)
    assert not halving.stops("a", "lora", 270, 0.5)
    assert not halving.stops("b", "lora", 90, 0.1)


def test_without_stopping_everybody_goes_on(tmp_path: Path) -> None:
    halving = TechniqueHalving(sweeps.toy(tmp_path, stopping=None))
    assert not any(halving.stops(str(n), "lora", 225, 1.0 / (n + 1)) for n in range(9))


@pytest.mark.parametrize("metric", ["execution_accuracy", "eval_loss"])
@pytest.mark.parametrize("best", [None, 3])
def test_a_tie_at_the_worst_value_does_not_keep_everybody(
    tmp_path: Path, metric: str, best: int | None
) -> None:
    objective = {"metric": metric}
    sweep = sweeps.toy(tmp_path, objective=objective, stopping=sweeps.BY_OBJECTIVE)
    halving = TechniqueHalving(sweep)
    worst, better = (0.0, 0.5) if metric == "execution_accuracy" else (1.0, 0.5)
    values = [better if number == best else worst for number in range(30)]
    go_on = [n for n, value in enumerate(values) if not halving.stops(str(n), "lora", 90, value)]
    assert len(go_on) == 10
    assert best is None or best in go_on


def test_the_loss_breaks_a_tie_as_it_would_decide_alone(tmp_path: Path) -> None:
    objective = {"metric": "execution_accuracy"}
    tied = TechniqueHalving(sweeps.toy(tmp_path, objective=objective, stopping=sweeps.BY_OBJECTIVE))
    alone = TechniqueHalving(sweeps.toy(tmp_path, objective=objective))
    losses = [0.7, 0.9, 0.2, 0.8, 0.4, 0.3, 0.6, 0.1, 0.5, 0.25, 0.15]
    for number, loss in enumerate(losses):
        verdict = tied.stops(str(number), "lora", 90, 0.0, loss)
        assert verdict == alone.stops(str(number), "lora", 90, loss)


@pytest.mark.parametrize("loss", [None, math.nan, 9.0])
def test_a_tie_is_broken_only_where_there_is_one(sweep: Sweep, loss: float | None) -> None:
    halving = TechniqueHalving(sweep)
    assert not halving.stops("a", "lora", 90, 0.4, 0.1)
    assert not halving.stops("b", "lora", 90, 0.5, loss)
    assert halving.stops("c", "lora", 90, 0.3, 0.0)


def test_rounded_rungs_are_judged_too(tmp_path: Path) -> None:
    # 0.07 * 333 and its multiples by 2.5 are no whole numbers.
    sweep = sweeps.toy(
        tmp_path,
        budget={"examples": 333},
        stopping={"by": "objective", "first_rung": 0.07, "reduction_factor": 2.5},
    )
    for rung in sweep.rungs(333)[:-1]:
        halving = TechniqueHalving(sweep)
        halving.stops("a", "lora", rung, 0.9)
        assert halving.stops("b", "lora", rung, 0.1)


class _Oracle:
    """ASHA's stopping variant by its definition (Li et al. 2020, section 3.3, as Ray's docs say).

    Nothing of ours or Ray's: at a rung, a report is compared with those that came to that rung
    before it; below their quantile 1 - 1/eta (linear between neighbours) it ends. The first one
    passes. A tie with the quantile passes while fewer than the share 1/eta of those that came, the
    tie included, have passed. Every finite report counts from then on, once.
    """

    def __init__(self, eta: float, rungs: tuple[int, ...], smaller_is_better: bool) -> None:
        self.eta, self.judged = eta, rungs[:-1]
        self.sign = -1.0 if smaller_is_better else 1.0
        self.came: dict[tuple[str, int], list[float]] = {}
        self.passed: dict[tuple[str, int], int] = {}

    def stops(self, technique: str, rung: int, value: float | None) -> bool:
        if value is None or not math.isfinite(value) or is_untuned({"technique": technique}):
            return False
        if rung not in self.judged:
            return False
        before = sorted(self.came.setdefault((technique, rung), []))
        self.came[technique, rung].append(self.sign * value)
        passed = self.passed.setdefault((technique, rung), 0)
        stops = False
        if before:
            position = (len(before) - 1) * (1 - 1 / self.eta)
            low = math.floor(position)
            high = min(low + 1, len(before) - 1)
            cut = before[low] + (before[high] - before[low]) * (position - low)
            stops = self.sign * value < cut
            if self.sign * value == cut and cut in (before[low], before[high]):
                stops = passed / (len(before) + 1) >= 1 / self.eta
        self.passed[technique, rung] = passed + (not stops)
        return stops


_SCORES = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0, -1.0, math.nan, math.inf, None])
_VALUES = st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), min_size=1, max_size=30)
_TECHNIQUES = st.sampled_from(sorted(TECHNIQUES))


@given(
    data=st.data(), metric=st.sampled_from(["rouge_l", "eval_loss"]), eta=st.sampled_from([2, 4])
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_verdicts_are_those_of_the_definition(
    tmp_path: Path, data: st.DataObject, metric: str, eta: int
) -> None:
    # Quarters and factors that are powers of two: no verdict hangs on the last bit.
    sweep = sweeps.toy(
        tmp_path,
        objective={"metric": metric},
        stopping={"by": "objective", "first_rung": 0.1, "reduction_factor": eta},
    )
    rungs = sweep.rungs(900)
    halving = TechniqueHalving(sweep)
    oracle = _Oracle(eta, rungs, smaller_is_better=metric == "eval_loss")
    techniques = data.draw(st.lists(_TECHNIQUES, min_size=1, max_size=12))
    going = {str(number): (technique, 0) for number, technique in enumerate(techniques)}
    while going:
        # Any trial may be the next to report: those side by side overtake each other.
        trial = data.draw(st.sampled_from(sorted(going)))
        technique, index = going.pop(trial)
        value = data.draw(_SCORES)
        group = compared_with(sweep, Proposal(0, 0, 0, {"technique": technique}))
        verdict = halving.stops(trial, group, rungs[index], value)
        assert verdict == oracle.stops(technique, rungs[index], value)
        if data.draw(st.booleans()):
            assert halving.stops(trial, group, rungs[index], value) == verdict
        if not verdict and index + 1 < len(rungs):
            going[trial] = (technique, index + 1)


@given(values=_VALUES, cut=st.integers(0, 29))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_replayed_history_gives_the_verdicts_of_an_undisturbed_run(
    tmp_path: Path, values: list[float], cut: int
) -> None:
    sweep = sweeps.toy(tmp_path, stopping=sweeps.BY_OBJECTIVE)
    undisturbed, verdicts, history = TechniqueHalving(sweep), [], []
    for number, value in enumerate(values):
        row: dict[str, Any] = {
            "trial_id": str(number),
            "group": "lora",
            "rung_examples": 90,
            "value": value,
            "eval_loss": None,
            "stopped": None,
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


def test_a_known_verdict_is_replayed_and_not_decided_anew(sweep: Sweep) -> None:
    row = {"group": "lora", "rung_examples": 90, "eval_loss": None}
    history = [
        row | {"trial_id": "a", "value": 0.9, "stopped": False},
        row | {"trial_id": "b", "value": 0.1, "stopped": False},
        row | {"trial_id": "c", "value": 0.95, "stopped": True},
        row | {"trial_id": "d", "value": 0.2, "stopped": None},
    ]
    new: list[tuple[str, int, bool]] = []

    def keep(trial_id: str, rung: int, *, stopped: bool) -> bool:
        new.append((trial_id, rung, stopped))
        return stopped

    halving = TechniqueHalving(sweep)
    assert halving.replay(history, keep) == {"c", "d"}
    assert new == [("d", 90, True)]
    assert [halving.stops(each, "lora", 90, 0.5) for each in "abcd"] == [False, False, True, True]

"""Early stopping: who is stopped where, and that neither order nor a restart changes anything."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.search.halving import COHORT, Halving, compared_with, replay
from orchestrator.search.proposals import Proposal
from orchestrator.search_space import Sweep
from tests.orchestrator import sweeps

RUNGS = (90, 270, 810)


def _sweep(folder: Path, trials: int = 6, **changes: Any) -> Sweep:
    return sweeps.toy(
        folder,
        **{"trials": trials, "baseline": None, "stopping": sweeps.BY_OBJECTIVE} | changes,
    )


def _begun(sweep: Sweep, groups: dict[str, str | None] | None = None) -> Halving:
    """Returns halving in which all trials of a sweep, "0" to "n - 1", were proposed."""
    halving = Halving(sweep)
    for number in range(sweep.runs):
        halving.enter(str(number), (groups or {}).get(str(number), "lora"))
    return halving


def _at(halving: Halving, rung: int, values: dict[str, float | None]) -> dict[str, bool]:
    """Reports at one rung; returns the verdicts."""
    for trial, value in values.items():
        halving.report(trial, rung, value)
    return {trial: stopped for trial, at, stopped in halving.settle() if at == rung}


def _numbered(*values: float) -> dict[str, float | None]:
    return {str(number): value for number, value in enumerate(values)}


def _going_on(verdicts: dict[str, bool]) -> list[str]:
    return sorted(trial for trial, stopped in verdicts.items() if not stopped)


def test_the_best_share_of_a_cohort_goes_on(tmp_path: Path) -> None:
    halving = _begun(_sweep(tmp_path))
    verdicts = _at(halving, 90, _numbered(0.1, 0.6, 0.2, 0.5, 0.3, 0.4))
    assert _going_on(verdicts) == ["1", "3"]  # of six a third
    assert _at(halving, 270, {"1": 0.6}) == {}
    assert _going_on(_at(halving, 270, {"3": 0.7})) == ["3"]  # of two one
    assert _at(halving, 810, {"3": 0.1}) == {"3": False}  # there is always one
    assert halving.verdict("3", 900) is False
    assert halving.stops("1")
    assert not halving.stops("3")


def test_nobody_is_judged_before_all_have_come(tmp_path: Path) -> None:
    halving = _begun(_sweep(tmp_path))
    assert _at(halving, 90, _numbered(0.9, 0.8, 0.7, 0.6, 0.5)) == {}
    assert halving.verdict("0", 90) is None
    assert all(halving.waits(str(number)) for number in range(5))
    assert not halving.waits("5")
    assert _going_on(_at(halving, 90, {"5": 1.0})) == ["0", "5"]


def test_who_has_ended_is_not_waited_for(tmp_path: Path) -> None:
    halving = _begun(_sweep(tmp_path))
    assert _at(halving, 90, _numbered(0.9, 0.8, 0.7, 0.6)) == {}
    halving.leave("4")
    assert halving.settle() == []
    halving.leave("5")
    assert _going_on({trial: stopped for trial, _, stopped in halving.settle()}) == ["0", "1"]


def test_who_fails_between_rungs_is_not_waited_for(tmp_path: Path) -> None:
    halving = _begun(_sweep(tmp_path))
    _at(halving, 90, _numbered(0.9, 0.8, 0.7, 0.6, 0.5, 0.4))
    assert _at(halving, 270, {"1": 0.8}) == {}
    halving.leave("0")
    assert halving.settle() == [("1", 270, False)]


def test_less_is_better_where_the_file_says_so(tmp_path: Path) -> None:
    sweep = _sweep(tmp_path, objective={"metric": "eval_loss"})
    verdicts = _at(_begun(sweep), 90, _numbered(0.5, 0.4, 0.6, 0.7, 0.8, 0.9))
    assert _going_on(verdicts) == ["0", "1"]


@pytest.mark.parametrize("metric", ["rouge_l", "execution_accuracy", "eval_loss"])
def test_by_default_the_lower_loss_goes_on_whatever_the_objective(
    tmp_path: Path, metric: str
) -> None:
    sweep = _sweep(tmp_path, objective={"metric": metric}, stopping=sweeps.TOY["stopping"])
    verdicts = _at(_begun(sweep), 90, _numbered(0.5, 0.4, 0.6, 0.7, 0.8, 0.9))
    assert _going_on(verdicts) == ["0", "1"]


def test_a_group_is_compared_with_its_own_kind(tmp_path: Path) -> None:
    groups: dict[str, str | None] = {"1": "full", "4": "full", "5": None}
    halving = _begun(_sweep(tmp_path), groups)
    verdicts = _at(halving, 90, _numbered(0.9, 0.1, 0.8, 0.7, 0.05, 0.0))
    assert verdicts == {"0": False, "2": True, "3": True, "1": False, "4": True}
    assert halving.verdict("5", 90) is False


def test_the_baseline_and_the_confirming_runs_are_in_no_group(tmp_path: Path) -> None:
    sweep = _sweep(tmp_path)
    trained = Proposal(1, 0, 0, {"technique": "lora"})
    assert compared_with(sweep, trained) == "lora"
    assert compared_with(sweep, Proposal(0, None, 0, {"technique": "pretrained"})) is None
    assert compared_with(sweep, Proposal(1_000_000, None, 0, {"technique": "lora"})) is None


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_a_report_without_a_finite_value_is_not_compared(
    tmp_path: Path, value: float | None
) -> None:
    halving = _begun(_sweep(tmp_path))
    halving.report("0", 90, value)
    assert halving.verdict("0", 90) is False
    verdicts = _at(halving, 90, {str(n): 0.1 * n for n in range(1, 6)})
    assert _going_on(verdicts) == ["4", "5"]
    assert "0" not in verdicts


def test_without_stopping_everybody_goes_on(tmp_path: Path) -> None:
    halving = _begun(_sweep(tmp_path, stopping=None))
    assert _at(halving, 225, _numbered(*(1.0 / (n + 1) for n in range(6)))) == {}
    assert all(halving.verdict(str(number), 225) is False for number in range(6))


@pytest.mark.parametrize("metric", ["execution_accuracy", "eval_loss"])
@pytest.mark.parametrize("best", [None, 3])
def test_a_tie_at_the_worst_value_does_not_keep_everybody(
    tmp_path: Path, metric: str, best: int | None
) -> None:
    sweep = _sweep(tmp_path, objective={"metric": metric})
    worst, better = (0.0, 0.5) if metric == "execution_accuracy" else (1.0, 0.5)
    values = _numbered(*(better if number == best else worst for number in range(6)))
    going_on = _going_on(_at(_begun(sweep), 90, values))
    assert len(going_on) == 2
    assert best is None or str(best) in going_on


def test_the_loss_breaks_a_tie_as_it_would_decide_alone(tmp_path: Path) -> None:
    objective = {"metric": "execution_accuracy"}
    tied = _begun(_sweep(tmp_path, objective=objective))
    alone = _begun(_sweep(tmp_path, objective=objective, stopping=sweeps.TOY["stopping"]))
    for number, loss in enumerate([0.7, 0.9, 0.2, 0.8, 0.4, 0.3]):
        tied.report(str(number), 90, 0.0, loss)
        alone.report(str(number), 90, loss, loss)
    assert tied.settle() == alone.settle()


def test_rounded_rungs_are_judged_too(tmp_path: Path) -> None:
    # 0.07 * 333 and its multiples by 2.5 are no whole numbers.
    sweep = _sweep(
        tmp_path,
        trials=2,
        budget={"examples": 333},
        stopping={"by": "objective", "first_rung": 0.07, "reduction_factor": 2.5},
    )
    for rung in sweep.rungs(333)[:1]:
        assert _at(_begun(sweep), rung, _numbered(0.9, 0.1)) == {"0": False, "1": True}


@pytest.mark.parametrize(("factor", "most"), [(2, 3), (3, 2), (1.2, 5), (6, 1), (100, 1)])
def test_the_share_is_rounded_up(tmp_path: Path, factor: float, most: int) -> None:
    stopping = {"by": "objective", "first_rung": 0.3, "reduction_factor": factor}
    sweep = _sweep(tmp_path, stopping=stopping)
    verdicts = _at(_begun(sweep), sweep.rungs(900)[0], _numbered(*range(6)))
    assert len(_going_on(verdicts)) == most


def test_where_the_search_learns_a_cohort_is_six_and_later_ones_are_compared_with_it(
    tmp_path: Path,
) -> None:
    halving = _begun(_sweep(tmp_path, trials=COHORT + 3))
    first = _at(halving, 90, _numbered(0.6, 0.5, 0.4, 0.3, 0.2, 0.1))
    assert _going_on(first) == ["0", "1"]
    # Of nine three may go on; two of those that are best have gone on already.
    later = _at(halving, 90, {"6": 0.55, "7": 0.45, "8": 0.05})
    assert later == {"6": False, "7": True, "8": True}


def test_a_later_cohort_is_judged_after_the_one_before_it(tmp_path: Path) -> None:
    halving = _begun(_sweep(tmp_path, trials=COHORT + 1))
    assert _at(halving, 90, {"6": 0.9}) == {}
    verdicts = _at(halving, 90, _numbered(0.1, 0.2, 0.3, 0.4, 0.5, 0.6))
    assert _going_on(verdicts) == ["4", "5", "6"]


@pytest.mark.parametrize("method", ["grid", "random"])
def test_where_the_search_does_not_learn_all_of_a_group_wait(tmp_path: Path, method: str) -> None:
    space = {"technique": {"lora": {"rank": {"choice": list(range(1, 10))}}}, "data_size": 100}
    sweep = _sweep(tmp_path, trials=9, search={"method": method}, space=space)
    halving = _begun(sweep)
    assert _at(halving, 90, _numbered(*range(8))) == {}
    assert _going_on(_at(halving, 90, {"8": 8.0})) == ["6", "7", "8"]


def test_a_sweep_that_has_grown_judges_what_has_no_verdict(tmp_path: Path) -> None:
    before = _begun(_sweep(tmp_path, trials=4))
    values = _numbered(0.4, 0.3, 0.2, 0.1)
    verdicts = _at(before, 90, values)
    assert _going_on(verdicts) == ["0", "1"]
    grown = Halving(_sweep(tmp_path, trials=6))
    for number in range(4):
        grown.enter(str(number), "lora")
    for trial, value in values.items():
        grown.report(trial, 90, value)
        grown.record(trial, 90, stopped=verdicts[trial])
    assert grown.settle() == []
    grown.enter("4", "lora")
    grown.enter("5", "lora")
    assert _at(grown, 90, {"4": 0.5, "5": 0.35}) == {"4": False, "5": True}


_VALUES = st.one_of(st.sampled_from([0.0, 0.5, 1.0, math.nan, None]), st.floats(0, 1))


@given(data=st.data(), trials=st.integers(1, 20), method=st.sampled_from(["tpe", "random"]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_neither_order_nor_a_restart_changes_a_verdict(
    tmp_path: Path, data: st.DataObject, trials: int, method: str
) -> None:
    sweep = _sweep(tmp_path, trials=trials, search={"method": method})
    groups = [data.draw(st.sampled_from(["lora", "full"])) for _ in range(trials)]
    values = {
        (str(n), rung): data.draw(_VALUES) for n in range(trials) for rung in sweep.rungs(900)[:-1]
    }
    fails = {
        (str(n), rung)
        for n in range(trials)
        for rung in sweep.rungs(900)[:-1]
        if data.draw(st.integers(0, 9)) == 0
    }

    def ran(shuffled: bool) -> tuple[dict[tuple[str, int], bool], list[dict[str, Any]]]:
        halving, verdicts = Halving(sweep), {}
        events: list[dict[str, Any]] = []
        going = {str(n): 0 for n in range(trials)}
        for number in range(trials):
            halving.enter(str(number), groups[number])
        while going:
            trial = data.draw(st.sampled_from(sorted(going))) if shuffled else min(going, key=int)
            index = going.pop(trial)
            rung = RUNGS[index]
            if (trial, rung) in fails:
                halving.leave(trial)
                events.append({"leaves": trial})
            else:
                halving.report(trial, rung, values[trial, rung])
                row = {"trial_id": trial, "rung_examples": rung, "eval_loss": None}
                events.append({**row, "value": values[trial, rung], "stopped": None})
                if halving.verdict(trial, rung) is False and index + 1 < len(RUNGS):
                    going[trial] = index + 1
            for waited, at, stopped in halving.settle():
                verdicts[waited, at] = stopped
                if not stopped and at != RUNGS[-1]:
                    going[waited] = RUNGS.index(at) + 1
        return verdicts, events

    verdicts, events = ran(shuffled=False)
    assert ran(shuffled=True)[0] == verdicts
    # Nobody waits for ever, and each group and rung that anybody was compared at has a best one.
    for rung in RUNGS:
        for group in set(groups):
            own = [
                stop for (t, at), stop in verdicts.items() if at == rung and groups[int(t)] == group
            ]
            assert not own or not all(own)
    restarted = Halving(sweep)
    for number in range(trials):
        restarted.enter(str(number), groups[number])
    cut = data.draw(st.integers(0, len(events)))
    reports = [event for event in events[:cut] if "leaves" not in event]
    for row in reports:
        known = verdicts.get((row["trial_id"], row["rung_examples"]))
        row["stopped"] = data.draw(st.sampled_from([None, known]))
    replay(restarted, reports)
    for event in events[:cut]:
        if "leaves" in event:
            restarted.leave(event["leaves"])
    restarted.settle()
    for event in events[cut:]:
        if "leaves" in event:
            restarted.leave(event["leaves"])
        else:
            replay(restarted, [event])
        restarted.settle()
    for (trial, rung), stopped in verdicts.items():
        assert restarted.verdict(trial, rung) == stopped


def test_a_verdict_is_stored_before_anybody_hears_of_it_and_what_is_on_record_counts(
    tmp_path: Path,
) -> None:
    halving = _begun(_sweep(tmp_path, trials=3))
    kept: list[tuple[str, int, bool]] = []

    def keep(trial_id: str, rung: int, *, stopped: bool) -> bool:
        assert halving.verdict(trial_id, rung) is None
        kept.append((trial_id, rung, stopped))
        return trial_id == "0"

    for trial, value in _numbered(0.9, 0.8, 0.7).items():
        halving.report(trial, 90, value)
    assert halving.settle(keep) == [("0", 90, True), ("1", 90, False), ("2", 90, False)]
    assert kept == [("0", 90, False), ("1", 90, True), ("2", 90, True)]


def _calls_a_report(sweep: Sweep) -> float:
    """Returns how many functions are called for each report of a sweep, in the mean."""
    halving, going, reports, calls = _begun(sweep), [*map(str, range(sweep.runs))], 0, 0

    def count(frame: object, event: str, arg: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    for rung in sweep.rungs(20_000)[:-1]:
        reports += len(going)
        sys.setprofile(count)
        try:
            for trial in going:
                halving.report(trial, rung, float(trial))
            halving.settle()
            going = [trial for trial in going if not halving.stops(trial)]
        finally:
            sys.setprofile(None)
    return calls / reports


def test_a_report_costs_as_much_with_many_rungs_as_with_few(tmp_path: Path) -> None:
    def sweep(factor: float) -> Sweep:
        stopping = {"first_rung": 0.03, "reduction_factor": factor, "by": "objective"}
        return _sweep(
            tmp_path,
            trials=60,
            search={"method": "random"},
            stopping=stopping,
            budget={"examples": 20_000},
        )

    few, many = sweep(1.5), sweep(1.1)
    assert len(many.rungs(20_000)) > 3 * len(few.rungs(20_000))
    assert _calls_a_report(many) < 1.2 * _calls_a_report(few)

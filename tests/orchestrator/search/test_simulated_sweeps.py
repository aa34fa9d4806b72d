"""Whole sweeps in simulated time: decisions repeat, and an interruption changes none of them."""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchmarks.simulation import (
    Clock,
    Curve,
    Decision,
    Learner,
    RowsInMemory,
    Simulation,
    Unsynced,
    synthetic,
)
from orchestrator.search.identity import sweep_id
from orchestrator.search.proposals import Proposal
from orchestrator.search_space import Sweep
from orchestrator.state.stored_sweep import latest
from orchestrator.store import Store
from tests.orchestrator import sweeps


def _decisions(sweep: Sweep, folder: Path, slots: int) -> list[Decision]:
    stored = latest(sweep, RowsInMemory(folder))
    simulation = Simulation(stored, synthetic, slots=slots, clock=Clock())
    simulation.run()
    return simulation.decisions


@pytest.mark.slow
@pytest.mark.parametrize(("method", "trials"), [("random", 300), ("tpe", 200)])
def test_a_seed_gives_the_same_decisions_twice(tmp_path: Path, method: str, trials: int) -> None:
    sweep = sweeps.toy(tmp_path, trials=trials, search={"method": method})
    one = _decisions(sweep, tmp_path / "one", 64)
    assert one == _decisions(sweep, tmp_path / "two", 64)
    assert sum(decision.what == "ends" for decision in one) == trials + 1
    outcomes = {decision.detail for decision in one if decision.what == "ends"}
    assert outcomes == {"completed", "stopped"}


@pytest.mark.parametrize("method", ["random", "tpe"])
def test_another_seed_decides_otherwise(tmp_path: Path, method: str) -> None:
    one, two = (
        _decisions(
            sweeps.toy(tmp_path, trials=12, search={"method": method}, seed=seed),
            tmp_path / str(seed),
            4,
        )
        for seed in (0, 1)
    )
    assert [each.detail for each in one] != [each.detail for each in two]


class _KilledError(BaseException):
    """The driver was killed; nothing that catches errors catches this."""


class _Mortal(Unsynced):
    """A machine that dies at one of its publications: just before it or just after it."""

    def __init__(self, publication: int, after: bool) -> None:
        self._left = publication
        self._after = after

    def link(self, src: str | Path, dst: str | Path) -> None:  # type: ignore[override]
        self._left -= 1
        if self._left == -1 and not self._after:
            raise _KilledError
        os.link(src, dst)
        if self._left == -1:
            raise _KilledError


_VALUES = st.sampled_from([0.0, 0.2, 0.4, 0.4, 0.6, 0.8, math.nan])
_ERRORS = st.sampled_from([None, None, None, "failed"])


@st.composite
def _curves(draw: st.DrawFn) -> Curve:
    """One value for each of the toy's four rungs, or fewer and an error."""
    values = draw(st.lists(_VALUES, min_size=4, max_size=4))
    error = draw(_ERRORS)
    kept = draw(st.integers(0, 3)) if error else 4
    return Curve(draw(st.lists(st.integers(1, 9), min_size=4, max_size=4)), values[:kept], error)


def _table(curves: Sequence[Curve]) -> Learner:
    def learner(proposal: Proposal, rungs: Sequence[int]) -> Curve:
        if proposal.configuration_number is None:
            return Curve([1.0], [0.1])
        return curves[proposal.trial_number % len(curves)]

    return learner


def _rows(store: Store, sweep: Sweep) -> list[dict[str, Any]]:
    """Returns the final rows without what differs by the clock and the number of attempts."""
    clocked = ("started_at", "ended_at", "attempts", "error")
    return [
        {name: repr(value) for name, value in row.items() if name not in clocked}
        for row in store.trials(sweep_id(sweep))
    ]


@pytest.mark.slow
@given(
    curves=st.lists(_curves(), min_size=5, max_size=5),
    cuts=st.lists(st.tuples(st.integers(0, 40), st.booleans()), min_size=1, max_size=3),
    method=st.sampled_from(["tpe", "random"]),
    mode=st.sampled_from(["rouge_l", "eval_loss"]),
    replicates=st.integers(1, 2),
)
# Equal scores: the loss decides, of trials that report as of those that are read back.
@example([Curve([1] * 4, [0.0] * 4, None)] * 5, [(8, False)], "tpe", "rouge_l", 1)
@settings(max_examples=12, deadline=None)
def test_one_at_a_time_interruptions_change_no_decision(
    curves: list[Curve], cuts: list[tuple[int, bool]], method: str, mode: str, replicates: int
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sweep = sweeps.toy(
            folder,
            trials=12 // replicates,
            replicates=replicates,
            search={"method": method},
            objective={"metric": mode},
        )
        learner = _table(curves)
        whole = Store(folder / "whole", Unsynced())
        Simulation(latest(sweep, whole), learner, slots=1, clock=Clock()).run()

        clock = Clock()
        for publication, after in cuts:
            mortal = Store(folder / "cut", _Mortal(publication, after))
            try:
                Simulation(latest(sweep, mortal), learner, slots=1, clock=clock).run()
            except _KilledError:
                clock.now += 100.0
        cut = Store(folder / "cut", Unsynced())
        Simulation(latest(sweep, cut), learner, slots=1, clock=clock).run()
        assert _rows(cut, sweep) == _rows(whole, sweep)
        assert len(_rows(cut, sweep)) == sweep.runs


@pytest.mark.slow
@given(
    publication=st.integers(0, 60),
    after=st.booleans(),
    slots=st.integers(2, 5),
    ahead=st.booleans(),
)
@settings(max_examples=8, deadline=None)
def test_side_by_side_every_trial_ends_once_and_no_report_is_made_twice(
    publication: int, after: bool, slots: int, ahead: bool
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sweep = sweeps.toy(folder, trials=12)
        clock = Clock()
        mortal = Store(folder / "cut", _Mortal(publication, after))
        first = Simulation(latest(sweep, mortal), synthetic, slots=slots, clock=clock)
        with contextlib.suppress(_KilledError):
            first.run()
        # The next machine's clock may be behind.
        clock.now += 1000.0 if ahead else -1000.0
        store = Store(folder / "cut", Unsynced())
        ended = {row["trial_number"]: row for row in store.trials(sweep_id(sweep))}
        second = Simulation(latest(sweep, store), synthetic, slots=slots, clock=clock)
        second.run()
        after_all = {row["trial_number"]: row for row in store.trials(sweep_id(sweep))}
        assert len(after_all) == sweep.runs
        assert {number: after_all[number] for number in ended} == ended
        again = {decision.trial_number for decision in second.decisions}
        assert not again & set(ended)
        reported = [
            (decision.trial_number, decision.detail)
            for decision in first.decisions + second.decisions
            if decision.what in ("STOP", "CONTINUE")
        ]
        assert len(reported) == len(set(reported))


@pytest.mark.parametrize("reports", [3, 9, 15])
def test_a_sweep_without_verdicts_on_record_goes_on_as_it_would_have(
    tmp_path: Path, reports: int
) -> None:
    """As an earlier version left it: stopped by the objective, with no file for a verdict."""
    sweep = sweeps.toy(tmp_path, trials=10, stopping=sweeps.BY_OBJECTIVE)
    whole = Store(tmp_path / "whole", Unsynced())
    Simulation(latest(sweep, whole), synthetic, slots=1, clock=Clock()).run()
    store, clock = Store(tmp_path / "cut", Unsynced()), Clock()
    first = Simulation(latest(sweep, store), synthetic, slots=1, clock=clock)
    while first.results < reports:
        first.advance()
    verdicts = tmp_path / "cut" / latest(sweep, store).files.verdicts_key
    shutil.rmtree(verdicts, ignore_errors=True)  # there is none before a cohort is whole
    store = Store(tmp_path / "cut", Unsynced())
    Simulation(latest(sweep, store), synthetic, slots=1, clock=clock).run()
    assert _rows(store, sweep) == _rows(whole, sweep)


def test_reports_below_the_budget_hold_the_loss_alone(tmp_path: Path) -> None:
    sweep = sweeps.toy(tmp_path, trials=10)
    store = Store(tmp_path / "store", Unsynced())
    Simulation(latest(sweep, store), synthetic, slots=2, clock=Clock()).run()
    rows = store.trials(sweep_id(sweep))
    assert {row["outcome"] for row in rows} == {"completed", "stopped"}
    for row in rows:
        completed = row["outcome"] == "completed"
        assert (row["objective"] is not None) == (row["rouge_l"] is not None) == completed
        *below, last = store.reports(sweep_id(sweep), row["trial_id"])
        assert all(report["rouge_l"] is None for report in below)
        assert (last["rouge_l"] is not None) == completed
        assert all(report["eval_loss"] is not None for report in [*below, last])

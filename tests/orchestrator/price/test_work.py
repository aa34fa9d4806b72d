"""How much a sweep trains and evaluates."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.price import work as work_module
from orchestrator.price.work import CONFIRMING, TUNING, expected_work, without
from orchestrator.search.halving import Halving
from orchestrator.search.proposals import confirming_runs
from orchestrator.search_space import Sweep, load

FOLDER = Path(__file__).resolve().parents[3] / "search_spaces"


def shipped(name: str, profile: str = "embedded", *overrides: str) -> Sweep:
    return load(FOLDER / f"{name}.yaml", overrides, None, profile)


def test_early_stopping_leaves_what_the_rule_of_halving_leaves() -> None:
    work = {(w.phase, w.technique): w for w in expected_work(shipped("rank"), 200)}
    tuning, confirming = work[TUNING, "lora"], work[CONFIRMING, "lora"]
    # Six a combination: 6 reach 252 examples, 3 go on to 504, 2 to 1,008, and 1 to 1,800.
    each = 3 * 252 + 504 + 1008 + 1800
    assert (tuning.runs, tuning.examples) == pytest.approx((36, 6 * each))
    assert tuning.scored_rows == pytest.approx(
        6 * 100
    )  # SQL at the full budget alone, and no test rows
    assert tuning.loss_rows == pytest.approx(6 * 100 * (6 + 3 + 2))
    assert (confirming.runs, confirming.examples) == (30, 30 * 1800)
    assert confirming.scored_rows == 30 * (100 + 200)
    assert work[TUNING, "pretrained"].scored_rows == pytest.approx(100 + 200)


def test_of_many_trials_few_draws_give_the_mean_of_twenty(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []

    class Counted(Halving):
        def enter(self, trial_id: str, group: str | None) -> None:
            drawn.append(1)
            super().enter(trial_id, group)

    monkeypatch.setattr(work_module, "Halving", Counted)
    sweep = shipped("rank", "embedded", "trials=1000", "confirm=null", "search.method=random")
    of_two = next(w for w in expected_work(sweep, 200) if w.technique == "lora")
    assert len(drawn) == 2 * 1001
    monkeypatch.setattr(work_module, "_DRAWN_RUNS", 20 * 1001)
    of_twenty = next(w for w in expected_work(sweep, 200) if w.technique == "lora")
    assert len(drawn) == (2 + 20) * 1001
    assert of_two.examples == pytest.approx(of_twenty.examples, rel=0.01)


@pytest.mark.parametrize(
    "name", ["rank", "technique", "data_size", "decoder", "notebooks", "smoke"]
)
@pytest.mark.parametrize("profile", ["embedded", "full"])
def test_no_run_is_forgotten(name: str, profile: str) -> None:
    sweep = shipped(name, profile)
    work = expected_work(sweep, 10)
    runs = {phase: sum(w.runs for w in work if w.phase == phase) for phase in (TUNING, CONFIRMING)}
    assert runs[TUNING] == pytest.approx(sweep.runs)
    assert runs[CONFIRMING] == pytest.approx(confirming_runs(sweep))


@given(trials=st.integers(1, 60), replicates=st.integers(1, 3), stops=st.booleans())
def test_no_trial_trains_beyond_the_budget_and_without_stopping_each_is_whole(
    trials: int, replicates: int, stops: bool
) -> None:
    stopping = () if stops else ("stopping=null",)
    given = (f"replicates={replicates}", "confirm=null", *stopping)

    sweep = load(FOLDER / "technique.yaml", given, trials, "full")
    examples = sum(w.examples for w in expected_work(sweep, 10))
    whole = 20_000 * trials * replicates
    least = sweep.rungs(20_000)[0] * trials * replicates
    assert least <= examples * (1 + 1e-9)
    assert examples <= whole * (1 + 1e-9)
    if not stops:
        assert examples == pytest.approx(whole)


def test_runs_that_are_taken_over_cost_nothing() -> None:
    work = expected_work(shipped("rank"), 200)
    left = {
        (w.phase, w.technique): w
        for w in without(work, {(TUNING, "pretrained"): 1, (TUNING, "lora"): 9})
    }
    before = {(w.phase, w.technique): w for w in work}
    assert left[TUNING, "pretrained"].scored_rows == pytest.approx(0, abs=1e-9)
    assert left[TUNING, "lora"].runs == pytest.approx(27)
    assert left[TUNING, "lora"].examples == pytest.approx(0.75 * before[TUNING, "lora"].examples)
    assert left[CONFIRMING, "lora"] == before[CONFIRMING, "lora"]

"""An objective that no row can give ends the sweep at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator.outcomes.unmeasured import (
    UnmeasuredObjectiveError,
    check_measured,
    is_unmeasured,
)
from orchestrator.ray_tune.scheduler import SweepScheduler
from orchestrator.search.halving import Halving
from orchestrator.state.stored_sweep import StoredSweep, latest
from orchestrator.store import Store
from tests.orchestrator import sweeps
from tests.orchestrator.store import samples


def _stored(tmp_path: Path, metric: str = "execution_accuracy", **values: Any) -> StoredSweep:
    sweep = sweeps.toy(tmp_path, objective={"metric": metric})
    stored = latest(sweep, Store(tmp_path / "store"))
    report = samples.report(stored.trial_id(0), eval_rows=40, **values) | {"sweep_id": stored.id}
    stored.store.publish_report(report)
    stored.store.publish_predictions(
        stored.id, stored.trial_id(0), 0, "validation", "standard", 10, 100,
        [samples.prediction(number, execution_reason="context fails") for number in range(2)],
    )  # fmt: skip
    return stored


def test_it_names_the_rows_the_reason_and_the_way_on(tmp_path: Path) -> None:
    stored = _stored(tmp_path, execution_accuracy_rows=0, execution_accuracy_unjudged=0)
    with pytest.raises(UnmeasuredObjectiveError) as caught:
        check_measured(stored)
    said = str(caught.value)
    assert "execution_accuracy cannot be measured on any of the 40 validation rows" in said
    assert "(context fails)" in said
    assert "--set objective.metric=rouge_l" in said


@pytest.mark.parametrize(
    ("metric", "values"),
    [
        ("execution_accuracy", {"execution_accuracy_rows": 1, "execution_accuracy_unjudged": 0}),
        # Its rows can be measured; these predictions could not be judged.
        ("execution_accuracy", {"execution_accuracy_rows": 0, "execution_accuracy_unjudged": 3}),
        ("execution_accuracy", {}),  # the first version of the schema does not say
        ("rouge_l", {"execution_accuracy_rows": 0, "execution_accuracy_unjudged": 0}),
        ("eval_loss", {"execution_accuracy_rows": 0, "execution_accuracy_unjudged": 0}),
    ],
)
def test_everything_else_goes_on(tmp_path: Path, metric: str, values: dict[str, Any]) -> None:
    check_measured(_stored(tmp_path, metric, **values))


def test_a_trial_that_diverged_was_not_evaluated() -> None:
    assert not is_unmeasured({"eval_rows": None, "bleu_rows": None}, "bleu")


def test_the_scheduler_tells_of_it_at_the_report(tmp_path: Path) -> None:
    told: list[str] = []
    sweep = sweeps.toy(tmp_path)
    scheduler = SweepScheduler(Halving(sweep), lambda trial: "t-a")
    scheduler.unmeasured = lambda: told.append("t-a")
    report = {"rung_examples": 90, "compared": None, "eval_loss": None}
    report |= {"last": False, "diverged": False}
    scheduler.on_trial_result(None, object(), report | {"unmeasured": False})
    assert told == []
    scheduler.on_trial_result(None, object(), report | {"unmeasured": True})
    assert told == ["t-a"]

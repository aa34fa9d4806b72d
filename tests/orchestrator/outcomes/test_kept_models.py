"""Which models of ended trials stay on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator.outcomes.kept_models import KeptModels, remove_surplus
from orchestrator.state.lock import hold
from orchestrator.state.stored_sweep import StoredSweep
from orchestrator.state.sweep_files import TRAINING_STATE
from orchestrator.store import Store
from tests.bucket_server import Line
from tests.orchestrator import sweeps
from trainables.training import checkpoint


def _row(root: Path, number: int, objective: float | None, **changes: Any) -> dict[str, Any]:
    folder = root / "checkpoints" / "sweep=toy-1" / f"t-{number}" / "0000000900"
    (folder / "adapter").mkdir(parents=True)
    (folder / "adapter" / "weights").write_bytes(b"x" * 400)
    (folder / TRAINING_STATE).write_bytes(b"x" * 10_000)
    row = {
        "sweep_id": "toy-1",
        "trial_id": f"t-{number}",
        "trial_number": number,
        "outcome": "completed",
        "phase": "tune",
        "objective": objective,
        "last_rung": 3,
        "eval_loss": None if objective is None else 1 - objective,
        "checkpoint": str(folder.relative_to(root)),
    }
    return row | changes


def _left(root: Path) -> list[str]:
    return sorted(path.name for path in (root / "checkpoints" / "sweep=toy-1").iterdir())


def _kept(tmp_path: Path, mode: str = "max", **limits: Any) -> KeptModels:
    metric = "rouge_l" if mode == "max" else "eval_loss"
    objective = {"metric": metric, "mode": mode}
    sweep = sweeps.toy(tmp_path, objective=objective, limits=limits)
    return KeptModels(StoredSweep(sweep, "toy-1", Store(tmp_path)))


@pytest.mark.parametrize(("mode", "kept"), [("max", ["t-1", "t-3"]), ("min", ["t-0", "t-2"])])
def test_the_best_stay_whatever_their_order(tmp_path: Path, mode: str, kept: list[str]) -> None:
    models = _kept(tmp_path, mode, checkpoints=2)
    for number, objective in enumerate((0.2, 0.8, 0.1, 0.9)):
        models.ended(_row(tmp_path, number, objective))
    assert _left(tmp_path) == kept


def test_a_completed_trial_is_worth_more_than_a_stopped_one(tmp_path: Path) -> None:
    models = _kept(tmp_path, checkpoints=1)
    models.ended(_row(tmp_path, 0, 0.2))
    models.ended(_row(tmp_path, 1, 0.9, outcome="stopped"))
    assert _left(tmp_path) == ["t-0"]


def test_of_the_stopped_the_later_and_then_the_lower_loss_stays(tmp_path: Path) -> None:
    models = _kept(tmp_path, checkpoints=2)
    ends = ((0, 0.1), (1, 0.9), (1, 0.8), (0, 0.2))
    for number, (rung, loss) in enumerate(ends):
        stopped = {"outcome": "stopped", "last_rung": rung, "eval_loss": loss}
        models.ended(_row(tmp_path, number, None, **stopped))
    assert _left(tmp_path) == ["t-1", "t-2"]


def test_the_disk_budget_holds_but_for_the_best(tmp_path: Path) -> None:
    models = _kept(tmp_path, checkpoint_gigabytes=900e-9)
    for number, objective in enumerate((0.2, 0.8, 0.5)):
        models.ended(_row(tmp_path, number, objective))
    assert _left(tmp_path) == ["t-1", "t-2"]  # of 400 bytes each, for what is to go on is dropped
    small = _kept(tmp_path, checkpoint_gigabytes=1e-9)
    small.ended(_row(tmp_path, 7, 0.1))
    assert "t-7" in _left(tmp_path)


def test_a_model_of_no_use_goes(tmp_path: Path) -> None:
    models = _kept(tmp_path)
    models.ended(_row(tmp_path, 0, None, outcome="diverged"))
    models.ended(_row(tmp_path, 1, 0.4) | {"checkpoint": None})
    assert _left(tmp_path) == []


def test_what_an_interrupted_attempt_left_goes_with_it(tmp_path: Path) -> None:
    row = _row(tmp_path, 0, 0.4)
    (tmp_path / row["checkpoint"]).with_name("0000000912").mkdir()
    _kept(tmp_path).ended(row)
    assert [path.name for path in (tmp_path / row["checkpoint"]).parent.iterdir()] == ["0000000900"]


def test_a_trial_whose_model_somebody_took_away_counts_for_nothing(tmp_path: Path) -> None:
    models = _kept(tmp_path, checkpoints=1)
    models.ended(_row(tmp_path, 0, 0.4))
    models.ended({**_row(tmp_path, 1, 0.9), "checkpoint": "checkpoints/nowhere"})
    assert "t-0" in _left(tmp_path)


def test_of_a_finished_sweep_goes_what_its_driver_was_killed_before(tmp_path: Path) -> None:
    sweep = sweeps.toy(tmp_path, limits={"checkpoints": 1})
    stored = StoredSweep(sweep, "toy-1", Store(tmp_path))
    for number, objective in enumerate((0.2, 0.8)):
        stored.store.publish_trial(
            _row(tmp_path, number, objective) | {"sweep_name": "toy", "technique": "lora"}
        )
    with hold(stored.files):
        remove_surplus(stored)  # its driver may still do so
        assert _left(tmp_path) == ["t-0", "t-1"]
    remove_surplus(stored)
    assert _left(tmp_path) == ["t-1"]
    assert not list(tmp_path.rglob(TRAINING_STATE))
    assert not KeptModels(stored).is_surplus()


def test_only_what_is_for_going_on_is_dropped() -> None:
    assert checkpoint.TRAINING_STATE == TRAINING_STATE


def test_of_many_that_had_ended_only_those_that_have_a_model_are_asked_for(
    tmp_path: Path, line: Line
) -> None:
    store = Store(line.address())
    models = KeptModels(StoredSweep(sweeps.toy(tmp_path), "toy-1", store))
    store.place.replace("checkpoints/sweep=toy-1/t-3/0000000900/checkpoint.json", b"{}")
    rows = [_row(tmp_path, number, number / 50) for number in range(50)]
    line.requests.clear()
    models.ended_before(rows)
    folders, of_the_one = line.requests[0], line.requests[1:]
    assert "delimiter" in folders.path
    assert of_the_one
    assert all("t-3" in request.path for request in of_the_one)


def test_what_had_ended_before_counts_with_what_ends_now(tmp_path: Path) -> None:
    rows = [_row(tmp_path, number, objective) for number, objective in enumerate((0.2, 0.8, 0.5))]
    models = _kept(tmp_path, checkpoints=2)
    models.ended_before(rows[:2])
    models.ended(rows[2])
    assert _left(tmp_path) == ["t-1", "t-2"]

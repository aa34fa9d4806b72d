"""What a sweep takes of a disk."""

from __future__ import annotations

import pytest

from orchestrator.price.disk import Disk, disk
from orchestrator.price.speed import Speed
from orchestrator.price.work import expected_work, without
from orchestrator.search_space import Sweep
from tests.orchestrator.price.test_work import shipped

WEIGHTS = 10_000_000
"""So many for each unit of size that tables and cards are nothing beside them."""

ALONE = ("confirm=null", "baseline=false")


def _speed(weights: float | None) -> Speed:
    return Speed(None, None, None, None, 1, trained_each=weights)


def _of(sweep: Sweep, weights: float = WEIGHTS, **others: float) -> Disk:
    names = dict.fromkeys(("full", "lora", "qlora", "prefix"), weights) | others
    speeds = {name: _speed(each) for name, each in names.items()}
    found = disk(sweep, expected_work(sweep, 200), speeds, slots=2)
    assert found is not None
    return found


def test_trials_at_a_rung_have_their_training_state_and_ended_ones_their_model_alone() -> None:
    found = _of(shipped("rank"))
    # Of ranks 1, 4 and 16 the mean is 7: 36 trials with weights and two moments in four bytes each,
    # then the models of the best twenty.
    assert found.waiting == 36
    assert found.most == pytest.approx(36 * 12 * 7 * WEIGHTS, rel=0.01)
    assert found.left == pytest.approx(20 * 4 * 7 * WEIGHTS, rel=0.01)


def test_cohorts_bound_how_many_wait() -> None:
    found = _of(shipped("rank", "embedded", "trials=60", *ALONE))
    assert found.waiting == 36  # six combinations, six of each
    # While they wait the others have not begun or have ended: twenty of these are kept.
    assert found.most == pytest.approx((36 * 12 + 20 * 4) * 7 * WEIGHTS, rel=0.01)


def test_where_nobody_is_stopped_those_that_run_alone_have_a_training_state() -> None:
    found = _of(shipped("rank", "embedded", "stopping=null", "trials=6", *ALONE))
    assert found.waiting == 0
    # Twice: the last checkpoint goes when the next one is whole.
    assert found.most == pytest.approx((2 * 2 * 12 + 4 * 4) * 7 * WEIGHTS, rel=0.01)
    assert found.left == pytest.approx(6 * 4 * 7 * WEIGHTS, rel=0.01)


def test_each_technique_counts_with_its_own_weights() -> None:
    sweep = shipped("technique", "embedded", "stopping=null", "trials=8", *ALONE)
    found = _of(sweep, 0, full=WEIGHTS)
    assert found.left == pytest.approx(2 * 4 * WEIGHTS, rel=0.05)


def test_the_limits_of_kept_models_count() -> None:
    limits = ("limits.checkpoints=3", "limits.checkpoint_gigabytes=0.2")
    assert _of(shipped("rank", "embedded", limits[0])).left == pytest.approx(
        3 * 4 * 7 * WEIGHTS, rel=0.02
    )
    assert _of(shipped("rank", "embedded", *limits)).left == pytest.approx(2e8, rel=0.1)


def test_runs_that_are_taken_over_take_no_disk() -> None:
    sweep = shipped("rank", "embedded", *ALONE)
    work = without(expected_work(sweep, 200), {("tuning", "lora"): 30})
    found = disk(sweep, work, {"lora": _speed(WEIGHTS)}, slots=2)
    assert found is not None
    assert found.waiting == 6


def test_small_models_leave_what_the_tables_take() -> None:
    assert _of(shipped("rank"), 0).left > 2**20


def test_without_the_weights_of_a_technique_nothing_is_said() -> None:
    sweep = shipped("technique")
    speeds = {"lora": _speed(WEIGHTS), "full": _speed(None)}
    assert disk(sweep, expected_work(sweep, 200), speeds, slots=2) is None

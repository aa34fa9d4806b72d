"""The curve of the steps between two rungs."""

from __future__ import annotations

import json
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainables.training.step_curve import MOST_POINTS, StepCurve


def _add(curve: StepCurve, step: int) -> None:
    curve.add(
        step,
        8 * step,
        torch.tensor(1.0 / step),
        10 + step % 3,
        0.1 * step,
        torch.tensor(2.0 * step),
        100 + step,
    )


@given(steps=st.integers(0, 5 * MOST_POINTS), broken=st.integers(0, 5 * MOST_POINTS))
def test_a_curve_is_short_whole_and_the_same_wherever_training_was_broken_off(
    steps: int, broken: int
) -> None:
    whole, parts = StepCurve(), StepCurve()
    for step in range(1, steps + 1):
        _add(whole, step)
        _add(parts, step)
        if step == broken:
            kept = json.loads(json.dumps(parts.state()))
            parts = StepCurve.restore(kept, torch.device("cpu"))
    points = whole.points()
    assert parts.points() == points
    assert len(points) <= MOST_POINTS
    assert sum(point.tokens for point in points) == sum(100 + s for s in range(1, steps + 1))
    if points:
        assert (points[-1].step, points[-1].examples_seen) == (steps, 8 * steps)
        assert points[-1].learning_rate == 0.1 * steps
        assert len(points) > MOST_POINTS / 2 or len(points) == steps


def test_a_point_is_the_mean_of_its_steps_by_tokens_of_loss_and_by_steps_of_norm() -> None:
    curve = StepCurve()
    for step in range(1, MOST_POINTS + 2):
        _add(curve, step)
    first = curve.points()[0]  # steps 1 and 2
    assert first.step == 2
    assert first.loss == pytest.approx((1.0 * 11 + 0.5 * 12) / 23)
    assert first.gradient_norm == pytest.approx(3.0)
    assert first.tokens == 203


def test_a_loss_that_is_not_finite_is_in_the_curve() -> None:
    curve = StepCurve()
    curve.add(1, 8, torch.tensor(math.nan), 10, 0.1, torch.tensor(math.inf), 100)
    (point,) = curve.points()
    assert math.isnan(point.loss)
    assert math.isinf(point.gradient_norm)

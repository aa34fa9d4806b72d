from __future__ import annotations

import numpy as np
import pytest

from orchestrator.statistics.run_scores import run_scores


def test_what_nobody_can_judge_is_filled_as_asked() -> None:
    scores = run_scores([[[1.0, None, 0.0]], [[None, 0.5, 0.5]]], ["a", "b", "b"])
    assert scores.unjudged == 2
    assert (scores.rows, scores.samples) == (3, 2)
    first, second = scores.filled([True, False])
    assert first.tolist() == [[1.0, 1.0, 0.0]]
    assert second.tolist() == [[0.0, 0.5, 0.5]]


def test_rows_of_a_single_cluster_are_the_sample() -> None:
    assert run_scores([np.zeros((1, 4))], ["a"] * 4).samples == 4


@pytest.mark.parametrize("shape", [(3,), (0, 4), (2, 5)])
def test_arrays_that_do_not_fit_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="do not fit 4 rows"):
        run_scores([np.zeros(shape)], range(4))


def test_one_row_is_no_sample() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        run_scores([np.zeros((3, 1))], ["a"])

from __future__ import annotations

import subprocess
import sys

import pytest

from trainables.contract.scores import LOSSES, METRICS, SCORES, Metric, of_kind


@pytest.mark.parametrize("metric", METRICS.values(), ids=str)
def test_every_metric_says_what_it_is(metric: Metric) -> None:
    assert METRICS[metric.name] is metric
    assert metric.description
    assert metric.bounded or not metric.binary


def test_scores_are_the_text_scores_and_the_execution_scores() -> None:
    assert sorted(SCORES) == sorted(of_kind("text") + of_kind("execution"))
    assert list(METRICS) == [*SCORES, *LOSSES]


def test_needs_the_standard_library_only() -> None:
    program = (
        "import sys; before = set(sys.modules); import trainables.contract.scores; "
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}; "
        "print(*(new - set(sys.stdlib_module_names)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == ["trainables"]

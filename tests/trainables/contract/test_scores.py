from __future__ import annotations

from trainables.contract.scores import (
    DESCRIPTIONS,
    EXECUTION_SCORES,
    LOSSES,
    MODES,
    SCORES,
    TEXT_SCORES,
)


def test_every_metric_has_a_mode_and_a_description() -> None:
    assert set(MODES) == set(DESCRIPTIONS) == {*SCORES, *LOSSES}


def test_scores_are_the_text_scores_and_the_execution_scores() -> None:
    assert sorted(SCORES) == sorted(TEXT_SCORES + EXECUTION_SCORES)

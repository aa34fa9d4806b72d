from __future__ import annotations

from trainables.evaluation.scored_rows import ScoredRows


def test_what_was_not_asked_for_longest_is_forgotten_first() -> None:
    rows = ScoredRows(2)
    rows.keep(0, "SELECT 1", {"bleu": 0.5})
    rows.keep(1, "SELECT 1", {"bleu": 0.25})
    assert rows.find(0, "SELECT 1") == {"bleu": 0.5}
    rows.keep(0, "SELECT 2", {"bleu": 1.0})
    assert rows.find(1, "SELECT 1") is None
    assert rows.find(0, "SELECT 1") == {"bleu": 0.5}
    assert rows.find(0, "SELECT 2") == {"bleu": 1.0}

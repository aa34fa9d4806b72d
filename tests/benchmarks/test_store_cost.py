from __future__ import annotations

from pathlib import Path

from benchmarks.store_cost import SWEEP, build, publish
from orchestrator.results.leaderboard import leaderboard
from orchestrator.store import reader


def test_a_built_store_is_one_that_was_published(tmp_path: Path) -> None:
    built, published = tmp_path / "built", tmp_path / "published"
    build(built, 6, 3)
    assert len(publish(published, 0, 6, 3)["reports"]) == 18
    assert reader.reports(built).equals(reader.reports(published))
    assert reader.trials(built).equals(reader.trials(published))
    assert reader.predictions(built).num_rows == 6 * 3 * 100
    assert len(leaderboard(built, SWEEP)) == 6

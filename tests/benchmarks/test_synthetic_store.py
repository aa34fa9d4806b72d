from __future__ import annotations

from pathlib import Path

from benchmarks.synthetic_store import SWEEP, build, publish
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


def test_reports_may_lie_many_to_a_file(tmp_path: Path) -> None:
    single, many = tmp_path / "single", tmp_path / "many"
    build(single, 2, 12)
    build(many, 2, 12, 3)
    assert reader.reports(many).equals(reader.reports(single))
    assert len(list(many.glob("reports/*/*/*.parquet"))) == 2 * 3
    assert reader.predictions(many).num_rows == 2 * 3 * 100

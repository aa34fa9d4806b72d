"""How large trials of a technique are."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.price.size import mean_size, size
from orchestrator.search_space import load

FOLDER = Path(__file__).resolve().parents[3] / "search_spaces"


def test_a_trial_is_as_large_as_its_rank_or_prefix() -> None:
    assert size("lora", {"rank": 16}) == 16.0
    assert size("lora", {"rank": None}) == size("lora", {}) == 8.0
    assert size("prefix", {"virtual_tokens": 50}) == 50.0
    assert size("full", {"learning_rate": 1e-4}) == 1.0


@pytest.mark.parametrize(
    ("axis", "mean"),
    [
        ("{choice: [1, 4, 16]}", 7.0),
        ("{randint: [1, 4]}", 2.0),
        ("12", 12.0),
        # 1, 2 and 3 are drawn as often as 1, 1/2 and 1/3 stand to each other.
        ("{lograndint: [1, 4]}", 3 / (1 + 1 / 2 + 1 / 3)),
    ],
)
def test_the_trials_of_a_search_are_of_mean_size(axis: str, mean: float) -> None:
    given = f"space.technique.lora.rank={axis}"
    sweep = load(FOLDER / "rank.yaml", ["ask=data_size", "confirm=null", given], None, "embedded")
    assert mean_size(sweep, "lora") == pytest.approx(mean)


def test_each_point_counts() -> None:
    sweep = load(FOLDER / "notebooks.yaml", (), None, "full")
    sizes = [size("lora", point) for point in sweep.points if point["technique"] == "lora"]
    assert len(set(sizes)) > 1
    assert mean_size(sweep, "lora") == pytest.approx(sum(sizes) / len(sizes))

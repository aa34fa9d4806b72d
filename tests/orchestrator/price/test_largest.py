"""The configuration of each technique that demands most."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.price.largest import largest, most_memory
from orchestrator.search.proposals import Proposal, trial_configuration
from orchestrator.search_space import load

FOLDER = Path(__file__).resolve().parents[3] / "search_spaces"


def test_numbers_are_at_their_high_ends_but_for_the_rate() -> None:
    assert largest(load(FOLDER / "rank.yaml", (), None, "full")) == {
        "pretrained": {"technique": "pretrained"},
        "lora": {"technique": "lora", "rank": 64, "learning_rate": 1e-4, "data_size": 20_000},
    }


def test_of_points_it_is_the_one_with_most_rows() -> None:
    found = largest(load(FOLDER / "notebooks.yaml", (), None, "full"))
    assert found["lora"]["data_size"] == 60_000
    assert found["full"]["data_size"] == 1_000


@pytest.mark.parametrize(
    "name", ["rank", "technique", "data_size", "decoder", "notebooks", "smoke"]
)
@pytest.mark.parametrize("profile", ["embedded", "full"])
def test_every_one_is_a_trial_of_the_sweep(name: str, profile: str) -> None:
    sweep = load(FOLDER / f"{name}.yaml", (), None, profile)
    for technique, configuration in largest(sweep).items():
        assert trial_configuration(sweep, Proposal(1, 0, 0, configuration)).technique == technique


def test_of_points_the_one_with_the_largest_pass_takes_most_memory(tmp_path: Path) -> None:
    given = [
        "points=[{technique: lora, rank: 64, data_size: 100, epochs: 1, batch_size: 8},"
        " {technique: lora, rank: 4, data_size: 100, epochs: 1, batch_size: 32},"
        " {technique: lora, rank: 8, data_size: 50, epochs: 1, batch_size: 32}]"
    ]
    (found,) = most_memory(load(FOLDER / "notebooks.yaml", given, None, "embedded"))
    assert (found["rank"], found["batch_size"]) == (8, 32)


def test_of_a_space_it_is_the_largest_of_each_technique() -> None:
    sweep = load(FOLDER / "rank.yaml", (), None, "full")
    assert most_memory(sweep) == list(largest(sweep).values())

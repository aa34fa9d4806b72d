"""A profile is called what it is where the model or the data are not those of its name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.results.profile_words import profile_words
from orchestrator.store import Store
from tests.orchestrator.results.synthetic import write_trial

Run = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize(
    ("profile", "base_model", "dataset", "words"),
    [
        ("embedded", "embedded", "embedded", "embedded"),
        ("embedded", "/m", "embedded", "embedded with your own model"),
        ("embedded", "embedded", "/d.csv", "embedded with your own data"),
        ("embedded", "google/flan-t5-large", "/d.csv", "embedded with your own model and data"),
        ("full", "google/flan-t5-large", "/d.csv", "full"),
        ("full", "embedded", "/d.csv", "full with the built-in model"),
        ("full", "embedded", "embedded", "full with the built-in model and data"),
        (None, None, None, "-"),
    ],
)
def test_the_name_and_what_is_not_its_own(
    profile: str | None, base_model: str | None, dataset: str | None, words: str
) -> None:
    assert profile_words(profile, base_model, dataset) == words


@pytest.mark.parametrize("verb", [["sweeps"], ["leaderboard"], ["show", "1"]])
def test_every_head_says_it(tmp_path: Path, run: Run, verb: list[str]) -> None:
    write_trial(Store(tmp_path), 1, {"technique": "lora", "rank": 8}, base_model="/models/mine")
    _, out, _ = run(*verb, store=tmp_path)
    assert "embedded with your own model" in out
    _, out, _ = run(*verb, "--format", "csv", store=tmp_path)
    assert "your own" not in out  # the column of the store stays the profile's name

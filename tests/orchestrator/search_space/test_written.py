"""A resolved sweep is written as a file that resolves to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.search.identity import sweep_id
from orchestrator.search_space import load
from orchestrator.search_space.profiles import PROFILES
from orchestrator.search_space.shipped import FOLDER, names
from orchestrator.search_space.written import read_back, written, yaml_text


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", names())
def test_what_is_written_resolves_to_the_same_sweep(name: str, profile: str) -> None:
    options = ["seed=7", "limits.max_attempts=2", "stopping.reduction_factor=3"]
    if load(FOLDER / f"{name}.yaml", profile=profile).stopping is None:
        options.pop()
    sweep = load(FOLDER / f"{name}.yaml", options, trials=None, profile=profile)
    again = read_back(written(sweep), profile)
    assert again == sweep
    assert sweep_id(again) == sweep_id(sweep)
    assert again.stopping_given == sweep.stopping_given
    text = yaml_text(written(sweep))
    assert load(Path("again.yaml"), profile=profile, text=text) == sweep


def test_texts_of_any_kind_survive() -> None:
    question = "1e-4: \"x\" 'y' # no\u202e {a: b}\n- yes\x7f"
    sweep = load(FOLDER / "smoke.yaml", profile="embedded").model_copy(
        update={"question": question}
    )
    assert read_back(written(sweep), "embedded").question == question
    text = yaml_text(written(sweep))
    assert load(Path("again.yaml"), profile="embedded", text=text).question == question

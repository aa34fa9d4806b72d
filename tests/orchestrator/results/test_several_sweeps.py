"""Of several sweeps in a store each answer says whose it is, and mixes no two base models."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.store import Store
from tests.orchestrator.results.conftest import Run
from tests.orchestrator.results.synthetic import write_trial

Ask = Callable[..., Any]
OLD, NEW = "a-00000001", "b-00000002"
BASES = {OLD: "small", NEW: "large"}


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A store with two sweeps of the same configurations of two base models; OLD came last."""
    write(Store(tmp_path))
    later(tmp_path, OLD)
    return tmp_path


def write(store: Store, **values: Any) -> None:
    """Writes the two sweeps."""
    for sweep_id in (NEW, OLD):
        for number, rank in enumerate((4, 8, 16, 32)):
            own = {"rank": rank, "learning_rate": 0.001}
            configuration = {
                "parameters": own,
                "data_seed": 0,
                "protocol": "standard",
                "base_model": BASES[sweep_id],
            }
            write_trial(
                store,
                number,
                {"technique": "lora", **own, "data_size": 2000},
                sweep_id=sweep_id,
                trial_id=f"t-{sweep_id[0]}{number}x",
                base_model=BASES[sweep_id],
                config_json=json.dumps(configuration),
                **values,
            )


def later(root: Path, sweep_id: str) -> None:
    """Makes a sweep the one that was written to last."""
    folder = root / "trials" / f"sweep={sweep_id}"
    at = max(each.stat().st_mtime for each in root.rglob("*")) + 60
    os.utime(folder, (at, at))


@pytest.mark.parametrize("verb", [["answer"], ["effect", "rank"], ["leaderboard"]])
def test_which_of_several_sweeps_is_meant_is_said(two: Path, run: Run, verb: list[str]) -> None:
    code, _, err = run(*verb, store=two)
    assert code == 0
    assert f"Of {OLD}, the one of 2 sweeps that was written to last; --sweep names" in err
    code, _, err = run(*verb, "--sweep", NEW, store=two)
    assert code == 0
    assert "written to last" not in err


def test_of_several_answers_each_names_its_sweep(two: Path, run: Run) -> None:
    code, out, _ = run("answer", "--sweep", "*", store=two)
    assert code == 0
    heads = [line for line in out.splitlines() if line.startswith((OLD, NEW))]
    assert heads == [f"{name}: Does a bigger adapter buy better SQL?" for name in (OLD, NEW)]
    code, out, _ = run("answer", store=two)
    assert OLD not in out


def test_a_copy_has_the_same_sweep_last(two: Path, tmp_path_factory: Any, run: Run) -> None:
    for name in (OLD, NEW):
        later(two, name)
        copy = tmp_path_factory.mktemp("copies") / name
        assert run("export", copy, store=two)[0] == 0
        assert f"Of {name}, " in run("answer", store=copy)[2]


def test_a_ranking_of_several_base_models_names_them(two: Path, run: Run) -> None:
    code, out, _ = run("leaderboard", "--sweep", "*", store=two)
    assert code == 0
    head, _, *lines = out.splitlines()
    assert "small, large on embedded" in head
    assert sum("rank=4 base_model=small" in line for line in lines) == 1
    assert sum("rank=4 base_model=large" in line for line in lines) == 1
    assert "base_model=" not in run("leaderboard", store=two)[1]


def test_runs_of_two_base_models_are_two_configurations(two: Path, ask: Ask) -> None:
    found = ask("effect", "rank", "--sweep", "*", store=two)
    assert [entry["configurations"] for entry in found["values"]] == [2, 2, 2, 2]
    assert {entry["trials"] for entry in found["values"]} == {2}


@pytest.mark.parametrize("verb", [["effect", "rank"], ["compare", "rank=4", "rank=8"]])
def test_a_difference_that_may_be_the_base_models_is_said(
    two: Path, run: Run, verb: list[str]
) -> None:
    words = "These trials are of 2 base models (small, large): what differs may be theirs."
    assert words in run(*verb, "--sweep", "*", store=two)[2]
    assert "base models" not in run(*verb, store=two)[2]


@pytest.mark.parametrize("verb", [["effect", "rank"], ["compare", "rank=4", "rank=8"]])
def test_a_base_model_that_lies_in_two_places_is_one(
    tmp_path: Path, run: Run, verb: list[str]
) -> None:
    write(Store(tmp_path), base_fingerprint="0123456789abcdef")
    assert "base models" not in run(*verb, "--sweep", "*", store=tmp_path)[2]


def test_runs_on_one_base_model_in_two_places_are_of_one_configuration(
    tmp_path: Path, run: Run, ask: Ask
) -> None:
    write(Store(tmp_path), base_fingerprint="0123456789abcdef")
    found = ask("effect", "rank", "--sweep", "*", store=tmp_path)
    assert [entry["configurations"] for entry in found["values"]] == [1, 1, 1, 1]
    assert "base_model=" not in run("leaderboard", "--sweep", "*", store=tmp_path)[1]

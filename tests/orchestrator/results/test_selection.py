from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from orchestrator.results.configurations import Configurations, varied
from orchestrator.results.errors import ResultsError
from orchestrator.results.selection import (
    find_trial,
    latest_sweep,
    select_sweeps,
    sweep_name,
)
from orchestrator.store import Store, StoreUnusableError
from tests.orchestrator.results.synthetic import write_trial

A, B, C = "rank-0a1b2c3d", "rank-0a1b2c3d-2", "data_size-00000000"


@pytest.fixture
def three(tmp_path: Path) -> Path:
    for sweep_id in (A, B, C):
        write_trial(Store(tmp_path), 0, {"technique": "pretrained"}, sweep_id=sweep_id)
    return tmp_path


@pytest.mark.parametrize(
    ("patterns", "found"),
    [
        ([], [C, A, B]),
        ([A], [A]),
        (["rank"], [A, B]),
        (["*_size"], [C]),
        (["*-2"], [B]),
        (["rank", A], [A, B]),
    ],
)
def test_sweeps_by_id_name_and_glob(three: Path, patterns: list[str], found: list[str]) -> None:
    assert select_sweeps(three, patterns) == found


def test_a_sweep_that_is_not_there(three: Path) -> None:
    with pytest.raises(ResultsError, match="no sweep 'rnak'; the nearest is 'rank'"):
        select_sweeps(three, ["rnak"])


def test_the_latest_sweep_is_the_one_written_to_last(three: Path) -> None:
    for table in ("trials", "reports", "predictions"):
        for sweep_id, moment in ((A, 100), (B, 300), (C, 200)):
            os.utime(three / table / f"sweep={sweep_id}", (moment, moment))
    assert latest_sweep(three) == B
    os.utime(three / "reports" / f"sweep={C}", (400, 400))
    assert latest_sweep(three) == C


def test_no_store_and_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusableError):
        select_sweeps(tmp_path / "nowhere", [])
    with pytest.raises(ResultsError, match="is empty; run a sweep first"):
        latest_sweep(tmp_path)


def test_names_of_sweeps() -> None:
    assert [sweep_name(each) for each in (A, B, C)] == ["rank", "rank", "data_size"]
    assert sweep_name("my-2026-sweep-0a1b2c3d-10") == "my-2026-sweep"


def test_trials_by_the_beginning_of_their_id() -> None:
    rows = [{"trial_id": name} for name in ("t-abc", "t-abd", "t-xyz")]
    assert find_trial(rows, "t-x") is rows[2]
    assert find_trial(rows, "t-abc") is rows[0]
    with pytest.raises(ResultsError, match="2 trials begin with 't-ab'"):
        find_trial(rows, "t-ab")
    with pytest.raises(ResultsError, match="no trial 't-xyy'; the nearest is 't-xyz'"):
        find_trial(rows, "t-xyy")


def test_a_configuration_shows_what_differs_within_its_technique() -> None:
    def row(technique: str, size: int, parameters: str) -> dict[str, object]:
        config = f'{{"parameters": {parameters}}}'
        return {"technique": technique, "data_size": size, "config_json": config}

    rows = [
        row("lora", 500, '{"rank": 4, "dropout": 0.1, "learning_rate": 0.00123456}'),
        row("lora", 2000, '{"rank": 8, "dropout": 0.1, "learning_rate": 0.00123456}'),
        row("prefix", 2000, '{"virtual_tokens": 20, "dropout": null}'),
    ]
    described = [Configurations(rows).describe(each) for each in rows]
    assert described == [
        "lora rank=4 data_size=500",
        "lora rank=8 data_size=2000",
        "prefix data_size=2000",
    ]


def test_alpha_is_named_only_where_it_is_not_the_default() -> None:
    def row(technique: str, rank: int, alpha: int) -> dict[str, object]:
        config = json.dumps({"parameters": {"alpha": alpha, "rank": rank}})
        return {"technique": technique, "data_size": 1, "config_json": config}

    rows = [row("lora", 4, 8), row("lora", 8, 16), row("qlora", 4, 8), row("qlora", 8, 8)]
    assert varied(rows) == {"lora": ["rank"], "qlora": ["rank"]}
    rows.append(row("qlora", 8, 32))
    described = [Configurations(rows).describe(each) for each in rows]
    assert described[1] == "lora rank=8"
    assert described[-1] == "qlora rank=8 alpha=32"

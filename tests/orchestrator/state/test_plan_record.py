from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.state.plan_record import Planned, note_plan, read_plan
from orchestrator.state.sweep_files import SweepFiles
from orchestrator.store import Store
from orchestrator.store.errors import DamagedError

PLANNED = Planned(90.0, 120.0, 150.0, 12)


@pytest.fixture
def files(tmp_path: Path) -> SweepFiles:
    return SweepFiles(Store(tmp_path), "rank-0a1b2c3d")


def test_the_first_expectation_stays(files: SweepFiles) -> None:
    assert read_plan(files) is None
    note_plan(files, PLANNED)
    note_plan(files, Planned(1.0, 2.0, 3.0, 4))
    assert read_plan(files) == PLANNED


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{}", '{"low": 1, "middle": 2, "high": 3}'),
        '{"low": 1, "middle": "a", "high": 3, "trials": 1}',
        '{"low": 1, "middle": NaN, "high": 3, "trials": 1}',
        '{"low": 1, "middle": 2, "high": 3, "trials": 1.5}',
        '{"low": 1, "middle": 2, "high": 3, "trials": 1, "more": 1}',
    ],
)
def test_a_record_that_is_none_is_named(files: SweepFiles, text: str) -> None:
    note_plan(files, PLANNED)
    files.path(files.plan_key).write_text(text)
    with pytest.raises(DamagedError, match=r"plan\.json is not what the sweep was expected"):
        read_plan(files)

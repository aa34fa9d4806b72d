from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.state.start_log import Start, StartLog
from orchestrator.state.sweep_files import SweepFiles
from orchestrator.store import Store
from orchestrator.store.errors import DamagedError

FIRST = Start(("rank.yaml", "--profile", "embedded"), "embedded", {"name": "rank", "trials": 36})
LONGER = Start((*FIRST.command, "--trials", "60"), "embedded", {"name": "rank", "trials": 60})


@pytest.fixture
def log(tmp_path: Path) -> StartLog:
    return StartLog(SweepFiles(Store(tmp_path), "rank-0a1b2c3d"))


def records(root: Path) -> list[Path]:
    return sorted(root.glob("state/sweep=*/starts/*.json"))


def test_each_change_is_written_down_and_the_last_start_is_known(
    tmp_path: Path, log: StartLog
) -> None:
    assert log.latest() is None
    for start in (FIRST, FIRST, LONGER, LONGER, FIRST):
        log.note(start)
        assert log.latest() == start
    assert len(records(tmp_path)) == 3


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{}", '{"command": ["a"], "profile": "embedded"}'),
        '{"command": [1], "profile": "embedded", "search_space": {}}',
        '{"command": [], "profile": "embedded", "search_space": []}',
        '{"command": [], "profile": "embedded", "search_space": {"trials": 1}}',
        '{"command": [], "profile": "embedded", "search_space": {"name": "a"}, "more": 1}',
    ],
)
def test_a_record_that_is_none_is_named(tmp_path: Path, log: StartLog, text: str) -> None:
    log.note(FIRST)
    (record,) = records(tmp_path)
    record.write_text(text)
    with pytest.raises(DamagedError, match=r"0000\.json is not a record of a start"):
        log.latest()

"""Verdicts on record."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.state.sweep_files import SweepFiles
from orchestrator.state.verdict_log import VerdictLog
from orchestrator.store import Store
from orchestrator.store.errors import DamagedError


@pytest.fixture
def log(tmp_path: Path) -> VerdictLog:
    return VerdictLog(SweepFiles(Store(tmp_path), "toy-1"))


def test_the_first_verdict_on_a_report_stays(log: VerdictLog) -> None:
    assert log.read() == {}
    assert log.write("t-a", 90, stopped=False) is False
    assert log.write("t-a", 270, stopped=True) is True
    assert log.write("t-a", 90, stopped=True) is False
    assert log.write("t-a", 270, stopped=False) is True
    assert log.read() == {("t-a", 90): False, ("t-a", 270): True}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t-a/0000000090.json", ""),
        ("t-a/0000000090.json", "[]"),
        ("t-a/0000000090.json", '{"trial_id": "t-a", "rung_examples": 90, "verdict": true}'),
        ("t-a/0000000090.json", '{"trial_id": "t-b", "rung_examples": 90, "verdict": "stop"}'),
        ("t-a/0000000090.json", '{"trial_id": "t-a", "rung_examples": 91, "verdict": "stop"}'),
        ("t-a/ninety.json", '{"trial_id": "t-a", "rung_examples": 90, "verdict": "stop"}'),
    ],
)
def test_what_is_no_verdict_is_named_with_the_remedy(
    log: VerdictLog, tmp_path: Path, name: str, content: str
) -> None:
    path = tmp_path / "state/sweep=toy-1/verdicts" / name
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(DamagedError, match=r"is not a verdict of this sweep.*remove it") as caught:
        log.read()
    assert str(path) in str(caught.value)

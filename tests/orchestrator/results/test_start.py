"""Whether a sweep has come to its end is told from how it was started."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.results.report.content import report
from orchestrator.results.report.parts import Code
from orchestrator.results.start import is_left_unfinished, start_of
from orchestrator.search_space.written import written
from orchestrator.state.start_log import Start, StartLog
from orchestrator.state.stored_sweep import StoredSweep
from tests.orchestrator.confirmation.toy_sweep import asked_sweep, confirm, stored_in, tune
from tests.orchestrator.results.conftest import Run

COMMAND = ("toy.yaml", "--set", "question=Does it 'run'?")


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StoredSweep:
    stored = stored_in(asked_sweep(tmp_path), tmp_path, monkeypatch)
    start = Start(COMMAND, stored.sweep.profile, written(stored.sweep))
    StartLog(stored.files).note(start)
    return stored


def unfinished(root: Path, sweep_id: str) -> bool:
    return is_left_unfinished(root, sweep_id, start_of(root, sweep_id))


def test_a_sweep_is_finished_when_it_is_confirmed(stored: StoredSweep, run: Run) -> None:
    tune(stored)
    assert unfinished(stored.root, stored.id)
    assert "So far" in report(stored.root, stored.id).setting
    confirm(stored)
    assert not unfinished(stored.root, stored.id)
    assert "So far" not in report(stored.root, stored.id).setting
    copy = stored.root.parent / "copy"
    assert run("export", copy, store=stored.root)[0] == 0
    assert start_of(copy, stored.id) == start_of(stored.root, stored.id)
    assert not unfinished(copy, stored.id)


def test_a_search_space_of_other_rules_says_nothing(stored: StoredSweep) -> None:
    tune(stored)
    start = Start(COMMAND, "embedded", {"name": "toy", "of_tomorrow": 1})
    assert not is_left_unfinished(stored.root, stored.id, start)


def test_where_nothing_is_on_record_nothing_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = stored_in(asked_sweep(tmp_path), tmp_path, monkeypatch)
    tune(stored)
    assert start_of(stored.root, stored.id) is None
    assert not unfinished(stored.root, stored.id)
    assert start_of(tmp_path / "elsewhere", stored.id) is None


def test_a_report_has_the_command_and_the_search_space(stored: StoredSweep) -> None:
    tune(stored)
    provenance = report(stored.root, stored.id).sections[-1]
    first, again, space, _ = [part for part in provenance.parts if isinstance(part, Code)]
    assert first.text.endswith(
        """orchestrator.sweep toy.yaml --set 'question=Does it '"'"'run'"'"'?'"""
    )
    assert again.text.endswith("orchestrator.sweep toy.yaml --profile embedded")
    assert space.title == "toy.yaml"
    assert "learning_rate:" in space.text

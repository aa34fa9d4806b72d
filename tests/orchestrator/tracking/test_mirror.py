"""What a tool is given: everything that the store has, each thing once, however often it stops."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.simulation import Unsynced
from orchestrator.store import Store
from orchestrator.tracking import mirror
from orchestrator.tracking.mirror import Mirror
from orchestrator.tracking.run_record import End, Point, Run
from orchestrator.tracking.stored_runs import StoredRuns
from orchestrator.tracking.tool import NOTHING
from tests.orchestrator.results import synthetic
from tests.orchestrator.tracking import stores


@dataclass
class Memory:
    """A tool that keeps what it is given, as long as the test has it."""

    points: dict[str, list[Point]] = field(default_factory=dict)
    ends: dict[str, list[End]] = field(default_factory=dict)
    open_now: int = 0
    most_open: int = 0
    opened: int = 0
    where: str = "here"

    def ended(self) -> set[str]:
        return set(self.ends)

    def open(self, run: Run) -> MemoryRun:
        self.open_now += 1
        self.opened += 1
        self.most_open = max(self.most_open, self.open_now)
        return MemoryRun(self, run.trial_id)

    def close(self) -> None:
        assert not self.open_now


@dataclass
class MemoryRun:
    tool: Memory
    trial: str

    @property
    def reached(self) -> int:
        given = self.tool.points.get(self.trial)
        return given[-1].examples if given else NOTHING

    def write(self, points: Sequence[Point]) -> None:
        self.tool.points.setdefault(self.trial, []).extend(points)

    def end(self, run: Run, end: End) -> None:
        self.tool.ends.setdefault(self.trial, []).append(end)
        self.leave()

    def leave(self) -> None:
        self.tool.open_now -= 1


def _all(runs: StoredRuns) -> dict[str, tuple[Point, ...]]:
    return {trial: runs.run(trial).points for trial in runs.all()}


def _mirror_all(root: Path, tool: Memory) -> None:
    made = Mirror(StoredRuns(root, stores.SWEEP), tool)
    for trial in made.lacking():
        made.update(trial)
    made.close()


def test_a_tool_gets_everything_once_however_often_it_is_asked(tmp_path: Path) -> None:
    stores.sweep(tmp_path)
    tool = Memory()
    for _ in range(3):
        _mirror_all(tmp_path, tool)
    assert {name: tuple(points) for name, points in tool.points.items()} == _all(
        StoredRuns(tmp_path, stores.SWEEP)
    )
    assert [len(ends) for ends in tool.ends.values()] == [1, 1]
    whole = tool.points[synthetic.trial_name(0)]
    assert len(whole) == 3 * stores.STEPS  # a report stands at the last point of its curve
    assert [point.examples for point in whole] == sorted({point.examples for point in whole})
    assert whole[-1].values["steps/step"] == 600
    assert whole[-1].values["reports/rouge_l"] == pytest.approx(0.4)


def test_an_end_has_outcome_scores_seconds_and_where_the_checkpoint_lies(tmp_path: Path) -> None:
    stores.sweep(tmp_path)
    tool = Memory()
    _mirror_all(tmp_path, tool)
    (end,) = tool.ends[synthetic.trial_name(0)]
    assert end.outcome == "completed"
    assert end.values["trials/objective"] == pytest.approx(0.4)
    assert end.values["trials/test_rouge_l"] == pytest.approx(0.61)
    assert end.values["trials/wall_seconds"] == 70.0
    assert end.facts["checkpoint"].startswith(f"{tmp_path}/checkpoints/")
    (failed,) = tool.ends[synthetic.trial_name(1)]
    assert failed.facts["error"] == "ValueError: told | to fail"
    assert "trials/objective" not in failed.values


def test_a_trial_is_what_its_final_row_says(tmp_path: Path) -> None:
    stores.sweep(tmp_path)
    run = StoredRuns(tmp_path, stores.SWEEP).run(synthetic.trial_name(0))
    assert run.labels["sweep"] == stores.SWEEP
    assert (run.labels["phase"], run.labels["stratum"]) == ("tune", "rank=8")
    assert run.identity.parameters["technique"] == "lora"
    assert (run.identity.parameters["rank"], run.identity.parameters["seed"]) == (8, 7)


def test_only_so_many_runs_are_open_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror, "MOST_OPEN", 2)
    store = Store(tmp_path)
    for number in range(5):
        stores.report(store, number, 0)
    tool = Memory()
    made = Mirror(StoredRuns(tmp_path, stores.SWEEP), tool)
    for _ in range(2):  # the second time there is nothing new, for which none is opened again
        for trial in made.lacking():
            made.update(trial)
    made.close()
    assert tool.most_open == 2
    assert tool.opened == 5
    assert len(tool.points) == 5


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(["write", "look", "look again", "restart"]), max_size=14))
def test_what_a_tool_has_after_any_stops_and_starts_is_what_the_store_has(what: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        store = Store(root, Unsynced())
        tool, stages = Memory(), iter(range(8))
        made = Mirror(StoredRuns(root, stores.SWEEP), tool)
        for each in what:
            if each == "write" and (stage := next(stages, None)) is not None:
                number, step = divmod(stage, 4)
                if step == 3:
                    stores.final(store, number)
                else:
                    stores.report(store, number, step)
            elif each == "restart":  # without a word, as after a kill
                tool.open_now = 0
                made = Mirror(StoredRuns(root, stores.SWEEP), tool)
            elif (root / "reports").exists():
                for trial in made.lacking() if each == "look" else made.lacking()[:1]:
                    made.update(trial)
        if (root / "reports").exists():
            tool.open_now = 0
            _mirror_all(root, tool)
        runs = StoredRuns(root, stores.SWEEP)
        assert {name: tuple(points) for name, points in tool.points.items()} == _all(runs)
        ended = {row["trial_id"] for row in store.trials(stores.SWEEP)}
        assert set(tool.ends) == ended
        assert all(len(ends) == 1 for ends in tool.ends.values())

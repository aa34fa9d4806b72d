"""What a person sees while a sweep runs."""

from __future__ import annotations

import io
import json
import math
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from orchestrator.search.optuna_space import Configuration
from orchestrator.search.proposals import CONFIRMING, Proposal
from orchestrator.search.run_report import RunReport
from orchestrator.state.attempts import AttemptLog
from orchestrator.state.confirmation_log import Choice, Confirmation, Confirmed, Terms
from orchestrator.state.sweep_files import SweepFiles
from orchestrator.store import Store
from orchestrator.sweep.progress import Progress
from orchestrator.terminal.json_console import JsonConsole
from orchestrator.terminal.values import configuration
from orchestrator.trial.heartbeat import Heartbeat, examples_seen
from orchestrator.trial.watchdog import Watchdog
from tests.orchestrator import sweeps


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


def _progress(
    tmp_path: Path, clock: _Clock, *, terminal: bool = False, slots: int = 2, **changes: Any
) -> Progress:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=120)
    earlier: dict[int, Any] = {0: {"objective": 0.05, "technique": "pretrained"}}
    return Progress(
        sweeps.toy(tmp_path, **changes), "toy-1", console, lambda: slots, earlier, clock
    )


def _proposal(number: int) -> Proposal:
    configuration: Configuration = {
        "technique": "lora",
        "data_size": 100,
        "rank": 4,
        "learning_rate": 0.00312345,
    }
    return Proposal(number, number - 1, 0, configuration)


def _row(objective: float | None, outcome: str = "completed", error: str = "") -> dict[str, Any]:
    return {"objective": objective, "outcome": outcome, "error": error}


def _text(progress: Progress) -> str:
    file = progress.console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def test_a_configuration_is_one_short_line() -> None:
    words = configuration(_proposal(1).configuration)
    assert words == "lora data_size=100 rank=4 learning_rate=0.00312"


def test_time_left_is_work_left_at_the_speed_so_far_over_the_slots(
    tmp_path: Path, clock: _Clock
) -> None:
    progress = _progress(tmp_path, clock, stopping=None)
    assert progress.seconds_left() is None
    for number in (1, 2):
        progress.started(_proposal(number))
        clock.now += 45
        for rung in (225, 450, 675, 900):
            took = 40.0 * rung / 900
            report = RunReport(rung, 0.5, 1.5, train_seconds=took, eval_rows=100, scored=True)
            progress.reported(_proposal(number), report)
        progress.ended(_proposal(number), _row(0.5))
    # The baseline ended earlier, two of eight trials now: six on 2 slots, of 40 s and of what the
    # two took beside it, but for 5 s in which the first one's process started.
    assert progress.seconds_left() == pytest.approx(6 * 40 * (85 / 80) / 2)
    assert progress.summary() == "3 of 9 trials, best rouge_l 0.5000, about 2 min 08 s left"


def test_confirming_runs_that_are_taken_over_are_not_left(tmp_path: Path, clock: _Clock) -> None:
    progress = _progress(tmp_path, clock)
    choice = Choice({"technique": "full", "data_size": 100}, "t-aaaaaaaaaa", "best")
    trials = (CONFIRMING, CONFIRMING + 1)
    chosen = Confirmation(Terms((), 8, 2, 1), (Confirmed(choice, trials),), "nothing is asked")
    progress.confirming(chosen)
    taken = _row(0.5) | {"adopted_from": "toy-0a1b2c3d/t-aaaaaaaaaa"}
    rows = {CONFIRMING: taken, CONFIRMING + 1: _row(0.5) | {"adopted_from": None}, 0: taken}
    progress.adopted(chosen, rows)
    assert "1 of these runs is taken over from other sweeps." in _text(progress)
    assert progress.summary().startswith("2 of 11 trials")


def test_in_a_pipe_every_event_is_a_line(tmp_path: Path, clock: _Clock) -> None:
    progress = _progress(tmp_path, clock)
    progress.started(_proposal(1))
    progress.reported(_proposal(1), RunReport(90, 0.25, 1.5))
    progress.ended(
        _proposal(1), _row(None, "failed", "Traceback\n  ...\nValueError: no such layer")
    )
    started, reported, failed = _text(progress).splitlines()
    assert "starts: lora data_size=100" in started
    assert "reports: rouge_l 0.2500 after 90 of 900 examples" in reported
    assert "failed: ValueError: no such layer; 2 of 9 trials" in failed


def test_where_the_loss_alone_was_measured_it_is_shown(tmp_path: Path, clock: _Clock) -> None:
    progress = _progress(tmp_path, clock)
    progress.started(_proposal(1))
    progress.reported(_proposal(1), RunReport(90, None, 1.5))
    progress.ended(_proposal(1), _row(None, "stopped") | {"eval_loss": 1.5})
    _, reported, stopped = _text(progress).splitlines()
    assert "reports: eval_loss 1.5000 after 90 of 900 examples" in reported
    assert "stopped: eval_loss 1.5000; 2 of 9 trials, best rouge_l" in stopped
    live = _progress(tmp_path, clock, terminal=True)
    for number in (1, 2):
        live.started(_proposal(number))
        live.reported(_proposal(number), RunReport(90, None, 1.5 + number))
    live.ended(_proposal(1), _row(None, "stopped") | {"eval_loss": 2.5})
    assert "loss 2.5000" in _shown(live)
    assert "loss 3.5000" in _shown(live)


def test_on_a_terminal_a_table_shows_what_runs_and_what_ended(
    tmp_path: Path, clock: _Clock
) -> None:
    progress = _progress(tmp_path, clock, terminal=True)
    progress.started(_proposal(1))
    progress.started(_proposal(2))
    progress.reported(_proposal(2), RunReport(270, 0.125, 1.5))
    clock.now += 65
    progress.ended(_proposal(1), _row(0.5))
    assert not _text(progress)
    progress.console.print(progress.screen())
    shown = _text(progress)
    for words in ("completed 1 min 05 s", "0.5000", "270 / 900", "0.1250", "1 min 05 s so far"):
        assert words in shown


def test_on_a_terminal_an_event_asks_nothing_of_the_trials_that_run(
    tmp_path: Path, clock: _Clock
) -> None:
    asked: list[int] = []

    def seen(number: int) -> int:
        asked.append(number)
        return 0

    progress = replace(_progress(tmp_path, clock, terminal=True, slots=20), seen=seen)
    for number in range(1, 20):
        progress.started(_proposal(number))
        progress.reported(_proposal(number), RunReport(270, 0.125, 1.5))
    for number in range(1, 10):
        progress.ended(_proposal(number), _row(0.5))
    assert asked == []
    _shown(progress)
    assert set(asked) == set(range(10, 20))


def test_a_running_trial_shows_how_far_it_is_between_two_rungs(
    tmp_path: Path, clock: _Clock
) -> None:
    store = Store(tmp_path / "store")
    log = AttemptLog(SweepFiles(store, "toy-1"))
    log.start(3, "here")
    progress = _progress(tmp_path, clock, terminal=True)
    progress.seen = partial(examples_seen, log)
    progress.started(_proposal(3))
    assert "0 / 900" in _shown(progress)
    watchdog = Watchdog(log.hang_account(3, 1), 600)
    with watchdog:
        Heartbeat(watchdog, log.progress_note(3)).beat(123)
    assert "123 / 900" in _shown(progress)
    log.progress_note(3).write_text("9")
    progress.reported(_proposal(3), RunReport(270, 0.5, 1.5))
    assert "270 / 900" in _shown(progress)


def _shown(progress: Progress) -> str:
    with progress.console.capture() as capture:
        progress.console.print(progress.screen())
    return capture.get()


def test_what_is_new_is_said_while_no_trial_reports(tmp_path: Path, clock: _Clock) -> None:
    news = iter([None, "SIGTERM: the trials end.", None])
    progress = replace(_progress(tmp_path, clock), news=lambda: next(news))
    for _ in range(3):
        progress.passed()
    assert _text(progress).splitlines() == ["SIGTERM: the trials end."]


@pytest.mark.parametrize(
    ("goes_on", "words"),
    [
        (True, "interrupted: goes on from where it was saved last"),
        (False, "interrupted: not finished; the next start of the sweep goes on from where"),
    ],
)
def test_only_what_goes_on_is_said_to_go_on(
    tmp_path: Path, clock: _Clock, goes_on: bool, words: str
) -> None:
    progress = _progress(tmp_path, clock)
    progress.started(_proposal(1))
    progress.interrupted(_proposal(1), goes_on=goes_on)
    assert words in _text(progress).splitlines()[-1]


def test_the_baseline_is_of_no_combination_and_has_no_bar(tmp_path: Path, clock: _Clock) -> None:
    rates = {"rank": {"choice": [4, 8]}, "learning_rate": {"loguniform": [0.01, 1.0]}}
    space = {"technique": {"lora": rates}, "data_size": 100}
    progress = _progress(tmp_path, clock, terminal=True, ask=["rank"], space=space)
    baseline = Proposal(0, None, 0, {"technique": "pretrained"})
    progress.started(baseline)
    assert "pretrained is evaluated" in " ".join(_shown(progress).split())
    progress.reported(baseline, RunReport(0, 0.25, 1.5, error=0.01))
    progress.ended(baseline, _row(0.25))
    progress.started(_proposal(1))
    progress.reported(_proposal(1), RunReport(90, 0.5, 1.5, error=0.02))
    shown = " ".join(_shown(progress).split())
    assert "rank=4 0 runs 0.5000 ± 0.0392" in shown
    assert "rank=8 0 runs -" in shown


def test_a_program_is_told_events_with_their_numbers(tmp_path: Path, clock: _Clock) -> None:
    console = JsonConsole(file=io.StringIO())
    progress = replace(_progress(tmp_path, clock), console=console)
    progress.started(_proposal(1))
    progress.reported(_proposal(1), RunReport(90, 0.25, 1.5))
    clock.now += 2
    progress.ended(_proposal(1), _row(math.nan, "failed", "Traceback\nValueError: no"))
    assert isinstance(console.file, io.StringIO)
    events = [json.loads(line) for line in console.file.getvalue().splitlines()]
    started, reported, failed = events
    assert started["configuration"]["learning_rate"] == 0.00312345
    assert (reported["event"], reported["rung_examples"], reported["budget_examples"]) == (
        "reports",
        90,
        900,
    )
    assert (reported["objective"], reported["eval_loss"]) == (0.25, 1.5)
    assert (failed["event"], failed["error"], failed["objective"]) == (
        "failed",
        "ValueError: no",
        None,
    )
    assert (failed["seconds"], failed["ended"], failed["runs"]) == (2.0, 2, 9)

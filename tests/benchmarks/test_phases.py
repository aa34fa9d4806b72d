from __future__ import annotations

import threading
from pathlib import Path

import pytest

from benchmarks.phases import PHASES, Phases, split_table, watching
from trainables.finetune import Finetuning


class _Clock:
    """Time that passes when the test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr("benchmarks.phases.perf_counter", lambda: self.now)


def test_a_moment_belongs_to_the_innermost_phase(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = _Clock(monkeypatch)
    phases = Phases()
    clock.now = 1.0
    with phases("evaluate"):
        clock.now = 3.0
        with phases("generate"):
            clock.now = 7.0
        clock.now = 15.0
    clock.now = 31.0
    phases.stop()
    assert phases.seconds["idle"] == 1 + 16
    assert phases.seconds["evaluate"] == 2 + 8
    assert phases.seconds["generate"] == 4
    assert phases.total == 31


def test_another_thread_is_not_on_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = _Clock(monkeypatch)
    phases = Phases()

    def score() -> None:
        with phases("score"):
            clock.now += 5.0

    with phases("train"):
        thread = threading.Thread(target=score)
        thread.start()
        thread.join()
    assert phases.seconds["score"] == 0
    assert phases.seconds["train"] == 5


def test_a_phase_ends_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = _Clock(monkeypatch)
    phases = Phases()

    def fails() -> None:
        clock.now += 2.0
        raise KeyError("x")

    with pytest.raises(KeyError):
        phases.wrap(fails, "write")()
    clock.now += 1.0
    phases.stop()
    assert (phases.seconds["write"], phases.seconds["idle"]) == (2.0, 1.0)


def test_watching_leaves_no_trace(tmp_path: Path) -> None:
    before = Finetuning.advance
    with watching(Phases()):
        assert Finetuning.advance is not before
    assert Finetuning.advance is before


def test_the_split_names_every_phase_and_their_sum() -> None:
    seconds = {phase: float(number) for number, phase in enumerate(PHASES)}
    heading, _, row = split_table([("lora", seconds)], "technique").splitlines()
    assert [cell.strip() for cell in heading.split("|")[2:-2]] == list(PHASES)
    assert row.endswith("| 28.00 |")

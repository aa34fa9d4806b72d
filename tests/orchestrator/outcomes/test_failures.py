"""What follows from a trial's failure."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from orchestrator.outcomes.failures import (
    MAX_LOST,
    AlikeFailuresError,
    FirstFailures,
    MachineError,
    halve_micro_batch,
    outcome,
)
from orchestrator.state.attempts import DIED, LOST, MACHINE, TERMINATED, Attempts
from trainables.contract.configuration import TrialConfiguration
from trainables.techniques.registry import complete


def _attempts(kind: str, deaths: int = 0, memory_failures: int = 0) -> Attempts:
    failure = {"outcome": kind, "error": "why", "traceback": "where"}
    return Attempts(deaths + memory_failures, None, failure, deaths, memory_failures)


@pytest.mark.parametrize(
    ("attempts", "expected"),
    [
        (_attempts("failed"), "failed"),
        (_attempts("hung"), "hung"),
        (_attempts(DIED, deaths=1), None),
        (_attempts(DIED, deaths=2), "failed"),
        (_attempts(TERMINATED, deaths=1), None),
        (_attempts("out_of_memory", memory_failures=1), None),
        (_attempts("out_of_memory", memory_failures=2), "out_of_memory"),
        (_attempts("out_of_memory", deaths=1, memory_failures=1), None),
    ],
)
def test_outcome_of_two_attempts_at_most(attempts: Attempts, expected: str | None) -> None:
    assert outcome(attempts, max_attempts=2) == expected


def test_lost_nodes_are_no_deaths_until_there_are_too_many_of_them() -> None:
    failure = {"outcome": LOST, "error": "why", "traceback": "where"}
    for lost in range(1, MAX_LOST + 1):
        attempts = Attempts(lost, None, failure, 0, 0, lost=lost)
        expected = "failed" if lost == MAX_LOST else None
        assert outcome(attempts, max_attempts=1) == expected


def test_an_error_of_the_machine_is_no_trials_fault() -> None:
    with pytest.raises(MachineError, match="why"):
        outcome(_attempts(MACHINE), max_attempts=3)


def _configuration(technique: str, **given: Any) -> TrialConfiguration:
    return TrialConfiguration(technique, complete(technique, given), 100, 400, 0, 0)


def test_each_lack_of_memory_halves_the_micro_batch_and_nothing_else() -> None:
    before = _configuration("lora", batch_size=16, micro_batch_size=4)
    sizes = [
        halve_micro_batch(before, failures, 1).parameters["micro_batch_size"]
        for failures in range(4)
    ]
    assert sizes == [4, 2, 1, 1]
    after = halve_micro_batch(before, 1, 1).to_dict()
    assert after["parameters"].pop("micro_batch_size") == 2
    expected = before.to_dict()
    del expected["parameters"]["micro_batch_size"]
    assert after == expected


def test_what_is_halved_is_what_a_process_takes_in_one_pass() -> None:
    before = _configuration("lora", batch_size=8, micro_batch_size=32)
    assert halve_micro_batch(before, 1, 1).parameters["micro_batch_size"] == 4
    assert halve_micro_batch(before, 1, 4).parameters["micro_batch_size"] == 1


def test_the_untuned_model_has_no_micro_batch_to_halve() -> None:
    before = _configuration("pretrained")
    assert halve_micro_batch(before, 1, 1) == before


def _row(kind: str, error: str | None, technique: str = "lora") -> dict[str, Any]:
    return {"trial_id": "t-x", "outcome": kind, "error": error, "technique": technique}


FAILED = _row("failed", "Traceback\n  line 3\nValueError: no such module")


def test_three_that_fail_alike_at_the_start_end_the_sweep() -> None:
    watch = FirstFailures([FAILED])
    watch.check(_row("completed", None, "pretrained"))
    watch.check(_row("failed", "Traceback\n  line 9\nValueError: no such module"))
    with pytest.raises(AlikeFailuresError, match=r"All 3 trials .* no such module"):
        watch.check(FAILED)


def test_the_command_that_shows_the_failure_carries_the_store(tmp_path: Path) -> None:
    root = tmp_path / "my store"
    watch = FirstFailures([FAILED, FAILED], root)
    with pytest.raises(AlikeFailuresError) as caught:
        watch.check(FAILED)
    words = shlex.split(str(caught.value).splitlines()[-1])
    assert words[1:] == ["-m", "orchestrator.results", "--root", str(root), "show", "t-x"]


def test_three_that_hang_say_what_may_be_done_wherever_they_hung() -> None:
    remedy = "no sign of life for 30 minutes (limits.heartbeat_minutes; ...)"
    watch = FirstFailures([_row("hung", f"line 1\n{remedy}"), _row("hung", f"line 2\n{remedy}")])
    with pytest.raises(AlikeFailuresError) as caught:
        watch.check(_row("hung", f"line 3\n{remedy}"))
    assert f"as hung ({remedy}); the sweep was stopped" in str(caught.value)


@pytest.mark.parametrize(
    "other",
    [
        _row("completed", None),
        _row("stopped", None),
        _row("failed", "KeyError: 1"),
        _row("out_of_memory", "CUDA out of memory"),
    ],
)
def test_one_that_ends_otherwise_shows_that_the_fault_is_the_trials(other: dict[str, Any]) -> None:
    watch = FirstFailures([FAILED])
    watch.check(other)
    for _ in range(5):
        watch.check(FAILED)


def test_a_sweep_of_trials_that_all_do_well_goes_on() -> None:
    watch = FirstFailures([])
    for _ in range(5):
        watch.check(_row("completed", None))

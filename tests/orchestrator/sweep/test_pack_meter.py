"""What is asked of the processes that measure, and what their ends mean."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from orchestrator.errors import UserError
from orchestrator.ray_tune.placement import Slots
from orchestrator.sweep import pack_meter
from orchestrator.sweep.pack_meter import NotMeasuredError, PackMeter, asking_seconds, running
from trainables.contract.pack_cost import PackCost, Ready

READY = '{"start": 5.0, "shares": true, "room_bytes": 100}'
COST = (
    '{"steps": [%s, 4.0], "examples": 16, "loss_row": 0.25, "scored_row": 0.5, "loaded_bytes": 10,'
)
COST += ' "memory_bytes": %s}'
READ = "import sys; sys.stdin.readline()"


@contextmanager
def meter(*programs: str) -> Iterator[PackMeter]:
    """A meter of which each process is a program."""
    with ExitStack() as stack:
        errors = stack.enter_context(tempfile.TemporaryFile("w+"))
        processes = []
        for program in programs:
            process = subprocess.Popen(
                [sys.executable, "-c", program],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
            processes.append(stack.enter_context(running(process)))
        yield PackMeter(processes, errors, [])


def _program(step: float, memory: int) -> str:
    return (
        f"{READ}; print('{READY}', flush=True); sys.stdin.readline();"
        f" print('{COST % (step, memory)}', flush=True); sys.stdin.read()"
    )


def test_processes_at_a_time_are_taken_together() -> None:
    with meter(_program(1.0, 20), _program(3.0, 30)) as found:
        assert found.ready() == Ready(5.0, True, 100)
        assert found.measure([0]) == PackCost((2.0, 4.0), 16, 0.25, 0.5, 10, 30)


def test_a_process_that_is_killed_lacked_memory() -> None:
    killed = f"{READ}; import os; print('{READY}', flush=True); sys.stdin.readline(); "
    with meter(killed + "os.kill(os.getpid(), 9)") as found:
        found.ready()
        assert found.measure([0, 1]) is None


def test_a_lack_of_memory_in_one_process_is_one() -> None:
    without = f"{READ}; print('{READY}', flush=True); sys.stdin.readline(); print('null')"
    with meter(_program(1.0, 20), without) as found:
        found.ready()
        assert found.measure([0, 1]) is None


def test_a_process_that_ends_otherwise_has_not_measured() -> None:
    with (
        meter("raise ValueError('no such layer')") as found,
        pytest.raises(NotMeasuredError, match="ValueError: no such layer"),
    ):
        found.ready()


def test_so_has_one_that_had_ended_before_it_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    popen = subprocess.Popen

    def start(command: list[str], **given: object) -> subprocess.Popen[str]:
        process: subprocess.Popen[str]
        process = popen([sys.executable, "-c", "raise ValueError('no such layer')"], **given)  # type: ignore[call-overload]
        process.wait()
        return process

    monkeypatch.setattr("orchestrator.sweep.pack_meter.subprocess.Popen", start)
    with (
        pytest.raises(NotMeasuredError, match="ValueError: no such layer"),
        pack_meter.pack_meter(Slots("cpu", 2, 1, {"CPU": 1.0}), [], online=False) as found,
    ):
        found.ready()


def test_what_the_user_can_mend_is_said() -> None:
    with (
        meter(f"""{READ}; print('{{"error": "there are no rows"}}')""") as found,
        pytest.raises(UserError, match="there are no rows"),
    ):
        found.ready()


def test_as_many_processes_measure_as_there_will_be_packs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[tuple[list[str], dict[str, str]]] = []
    popen = subprocess.Popen

    def start(command: list[str], **given: object) -> subprocess.Popen[str]:
        started.append((command, given["env"]))  # type: ignore[arg-type]
        return popen([sys.executable, "-c", READ], **given)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr("orchestrator.sweep.pack_meter.subprocess.Popen", start)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)  # what these tests run with
    with pack_meter.pack_meter(Slots("cpu", 2, 1, {"CPU": 3.0}), [], online=False):
        pass
    with pack_meter.pack_meter(Slots("cuda", 2, 1, {"CPU": 1.0, "GPU": 0.5}), [], online=True):
        pass
    assert [command[2:] for command, _ in started] == [
        ["trainables.pack_cost", "--niceness", "15", "cpu", "2", "1.0"],
        ["trainables.pack_cost", "--niceness", "15", "cpu", "2", "1.0"],
        ["trainables.pack_cost", "--niceness", "15", "cuda", "2", "0.5"],
    ]
    assert [env["OMP_NUM_THREADS"] for _, env in started] == ["3", "3", "1"]
    assert [env.get("HF_HUB_OFFLINE") for _, env in started] == ["1", "1", None]


def test_the_process_of_a_trial_of_a_pack_takes_time_to_start() -> None:
    assert 0.1 < asking_seconds() < 60

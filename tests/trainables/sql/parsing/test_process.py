from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.trainables.sql.parsing.calls import compute, die_once, double, fail, fill, process_id
from trainables.sql.parsing.process import ParserUnavailable, ParsingLimits, ParsingProcess, shared

PACKAGES = Path(__file__).resolve().parents[4]


@pytest.fixture
def process() -> Iterator[ParsingProcess]:
    process = ParsingProcess()
    yield process
    process.close()


def child_of(process: ParsingProcess) -> psutil.Process:
    [pid] = process.map(process_id, [()])
    assert isinstance(pid, int)
    return psutil.Process(pid)


def test_results_come_in_the_order_of_the_rows(process: ParsingProcess) -> None:
    assert process.map(double, [(n,) for n in range(500)]) == [2 * n for n in range(500)]
    assert process.map(double, []) == []


def test_one_child_is_kept(process: ParsingProcess) -> None:
    assert child_of(process) == child_of(process)
    assert child_of(process).pid != os.getpid()


def test_rows_larger_than_a_pipe_come_through(process: ParsingProcess) -> None:
    text = "x" * 1_000_000
    [found, *_] = process.map(text_twice, [(text,)] * 3)
    assert found == text * 2


def text_twice(text: str) -> str:
    return text * 2


def test_a_row_that_takes_too_long_has_no_answer() -> None:
    process = ParsingProcess(ParsingLimits(cpu_seconds=0.2))
    assert process.map(compute, [(0.0,), (60.0,), (0.0,)]) == [0.0, None, 0.0]
    process.close()


def test_a_row_that_needs_too_much_memory_has_no_answer(process: ParsingProcess) -> None:
    if not hasattr(psutil.Process(), "rlimit"):
        pytest.skip("the system does not limit a process's address space")
    assert process.map(fill, [(1,), (4_000,), (1,)]) == [1 << 20, None, 1 << 20]


def test_a_child_that_answers_nothing_is_killed() -> None:
    process = ParsingProcess(ParsingLimits(wall_seconds=5))  # in which the next one starts
    stopped = child_of(process)
    stopped.suspend()
    assert process.map(double, [(1,), (2,)]) == [2, 4]
    assert not stopped.is_running()
    process.close()


def test_a_child_that_dies_once_costs_no_answer(process: ParsingProcess, tmp_path: Path) -> None:
    assert process.map(die_once, [(str(tmp_path / "marker"),)] * 3) == [True] * 3
    child = child_of(process)
    child.kill()
    assert process.map(double, [(1,)]) == [2]


def test_what_a_function_raises_is_told(process: ParsingProcess) -> None:
    with pytest.raises(RuntimeError, match="KeyError: 'no such thing'"):
        process.map(fail, [("no such thing",)])
    assert process.map(double, [(1,)]) == [2]


def test_the_heartbeat_is_heard_while_the_child_works(process: ParsingProcess) -> None:
    beats: list[None] = []
    process.map(compute, [(2.2,)], lambda: beats.append(None))
    assert len(beats) >= 3


def test_a_heartbeat_that_raises_ends_call_and_child(process: ParsingProcess) -> None:
    child = child_of(process)

    def interrupt() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        process.map(compute, [(60.0,)], interrupt)
    assert not child.is_running()
    assert process.map(double, [(1,)]) == [2]


def test_a_request_without_results_leaves_no_answer_behind(process: ParsingProcess) -> None:
    with process.submit(double, [(1,)]):
        pass
    assert process.map(double, [(4,)]) == [8]


def test_threads_take_turns(process: ParsingProcess) -> None:
    found: dict[int, list[int | None]] = {}

    def ask(number: int) -> None:
        found[number] = process.map(double, [(number + n,) for n in range(100)])

    threads = [threading.Thread(target=ask, args=(1_000 * n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {1_000 * n: [2 * (1_000 * n + k) for k in range(100)] for n in range(4)}


def test_closing_ends_the_child(process: ParsingProcess) -> None:
    child = child_of(process)
    process.close()
    assert not child.is_running()


def test_the_child_is_limited_and_alone(process: ParsingProcess) -> None:
    child = child_of(process)
    assert child.cwd() == "/"
    assert set(child.environ()) <= {"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LC_CTYPE"}
    assert os.getsid(child.pid) == child.pid  # Ctrl-C in a terminal does not reach it
    if hasattr(child, "rlimit"):
        assert child.rlimit(psutil.RLIMIT_FSIZE) == (0, 0)
        assert child.rlimit(psutil.RLIMIT_NPROC) == (0, 0)
        assert child.rlimit(psutil.RLIMIT_AS)[1] == ParsingLimits().address_bytes


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_child_ends_with_its_parent(end: signal.Signals) -> None:
    program = (
        "import time\n"
        "from tests.trainables.sql.parsing.calls import process_id\n"
        "from trainables.sql.parsing.process import shared\n"
        "print(*shared().map(process_id, [()]), flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=PACKAGES,
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        # Python drops an interrupt that comes while it finalises something, as it does after a
        # print: whoever presses Ctrl-C presses it again.
        for _ in range(60):
            parent.send_signal(end)
            with suppress(subprocess.TimeoutExpired):
                parent.wait(timeout=1)
                break
        else:
            parent.kill()
            pytest.fail("the parent does not end")
        psutil.wait_procs([child], timeout=60)
        assert not child.is_running()


def test_the_process_s_own_is_one() -> None:
    assert shared() is shared()


def test_a_python_that_does_not_start_is_named(
    process: ParsingProcess, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(ParserUnavailable, match="cannot be started"):
        process.map(double, [(1,)])


def test_a_python_that_fails_at_once_is_named(
    process: ParsingProcess, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    with pytest.raises(ParserUnavailable, match="status 3 before its first answer"):
        process.map(double, [(1,)])


def test_the_child_needs_the_standard_library_only() -> None:
    program = (
        f"import sys; sys.path.append({str(PACKAGES)!r})\n"
        "import trainables.sql.parsing.child, trainables.sql.parsing.process\n"
        "ours = {m.partition('.')[0] for m in sys.modules} - set(sys.stdlib_module_names)\n"
        "assert ours <= {'__main__', 'trainables'}, ours\n"
    )
    subprocess.run([sys.executable, "-I", "-S", "-c", program], check=True, timeout=60)

"""The command that is run at a sweep's end: what it reads, and that it changes nothing."""

from __future__ import annotations

import errno
import io
import json
import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.simulation import Clock, Simulation, Unsynced, synthetic
from orchestrator.errors import CommandError, Terminated, UserError
from orchestrator.state.stored_sweep import StoredSweep, latest
from orchestrator.store import Store
from orchestrator.sweep import on_end as module
from orchestrator.sweep.on_end import on_end
from orchestrator.sweep.run import LimitReachedError
from orchestrator.terminal.plain_console import PlainConsole
from tests.orchestrator import sweeps

End = Callable[..., tuple[dict[str, Any] | None, str]]


@pytest.fixture
def stored(tmp_path: Path) -> StoredSweep:
    return latest(sweeps.toy(tmp_path), Store(tmp_path / "store", Unsynced()))


@pytest.fixture
def end(stored: StoredSweep, tmp_path: Path) -> End:
    """Ends a sweep, perhaps with an error; gives what the command read and what was printed."""
    seen = tmp_path / "seen.json"

    def call(
        error: BaseException | None = None, *, command: str | None = None, begun: bool = True
    ) -> tuple[dict[str, Any] | None, str]:
        printed = io.StringIO()
        given = command or f"cat > {shlex.quote(str(seen))}"

        def run() -> None:
            with on_end(given, PlainConsole(file=printed, width=200)) as ending:
                if begun:
                    ending.stored = stored
                if error is not None:
                    raise error

        if error is None:
            run()
        else:
            with pytest.raises(type(error)) as raised:
                run()
            assert raised.value is error
        return json.loads(seen.read_text()) if seen.exists() else None, printed.getvalue()

    return call


def test_it_reads_how_the_sweep_ended_and_what_it_answers(stored: StoredSweep, end: End) -> None:
    Simulation(stored, synthetic, slots=2, clock=Clock()).run()
    read, printed = end()
    assert read is not None
    assert (read["sweep_id"], read["name"], read["root"]) == (stored.id, "toy", str(stored.root))
    assert (read["outcome"], read["exit_code"]) == ("finished", 0)
    assert sum(read["trials"].values()) == stored.sweep.runs
    assert set(read["trials"]) == {"completed", "stopped"}
    assert read["answer"]["sweep_id"] == stored.id
    assert "Best of" in read["answer"]["answer"]
    assert printed == ""


@pytest.mark.parametrize(
    ("error", "outcome", "code"),
    [
        (LimitReachedError("later"), "limit", 3),
        (KeyboardInterrupt(), "interrupted", 130),
        (Terminated(), "interrupted", 143),
        (UserError("wrong"), "failed", 2),
        (CommandError("broken"), "failed", 1),
        (ZeroDivisionError("a fault"), "failed", 1),
    ],
)
def test_every_end_is_told_and_stays_what_it_is(
    end: End, error: BaseException, outcome: str, code: int
) -> None:
    read, printed = end(error)
    assert read is not None
    assert (read["outcome"], read["exit_code"], read["trials"]) == (outcome, code, {})
    assert read["answer"] is None
    assert printed == ""


def test_a_sweep_that_did_not_begin_to_run_has_no_end(end: End) -> None:
    assert end(UserError("wrong"), begun=False) == (None, "")


def test_a_command_that_fails_is_said(end: End) -> None:
    _, printed = end(command="exit 7")
    assert printed == "--on-end: the command ended with exit code 7.\n"


def test_a_command_that_reads_nothing_is_no_failure(end: End) -> None:
    assert end(command="true") == (None, "")


def _is_read(pipe: Path) -> bool:
    """Returns whether anybody has the reading end of a named pipe open."""
    try:
        os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        return False
    return True


def test_a_command_that_does_not_end_is_ended_with_all_that_it_has_started(
    end: End, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SECONDS", 1.0)
    pipe = tmp_path / "held"
    os.mkfifo(pipe)
    # Reads and writes, so that it has neither to wait for a writer nor comes to an end.
    reader = f"import time; held = open({str(pipe)!r}, 'r+b', 0); time.sleep(600)"
    python = shlex.quote(sys.executable)
    started = f"{python} -c {shlex.quote(reader)}"
    _, printed = end(command=f"{started} & {started}")
    assert printed == "--on-end: the command did not end within 1 s, and was ended.\n"
    while _is_read(pipe):  # for a moment: they were killed
        pass


def test_it_is_a_command_for_the_shell(end: End, tmp_path: Path) -> None:
    made = tmp_path / "made"
    end(command=f"grep -c sweep_id | tr 1-9 x > {shlex.quote(str(made))}")
    assert made.read_text() == "x\n"

"""The person's console and the log file of everything else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_PROGRAM = """
import os, sys
from pathlib import Path
from orchestrator.terminal.console import quiet
print("before")
with quiet(Path(sys.argv[1])) as screen:
    screen.print("for the person")
    print("a library")
    os.write(1, b"native output\\n")
    os.write(2, b"native errors\\n")
    os.system("echo a child")
print("after")
"""


def test_noise_goes_to_the_log_and_the_person_has_the_terminal(tmp_path: Path) -> None:
    log = tmp_path / "state" / "driver.log"
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(log)], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["before", "for the person", "after"]
    assert not done.stderr
    assert set(log.read_text().splitlines()) == {
        "a library",
        "native output",
        "native errors",
        "a child",
    }


def test_no_line_is_broken_in_a_pipe() -> None:
    program = (
        "from rich.table import Table\n"
        "from orchestrator.terminal.console import console\n"
        "table = Table(box=None, show_header=False)\n"
        "table.add_row('budget', '40,000 ' * 500)\n"
        "console().print(table)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    (line,) = done.stdout.splitlines()
    assert line.split() == ["budget", *["40,000"] * 500]


_CLOSED = """
import sys
from pathlib import Path
from orchestrator.terminal.console import quiet
told = []
with quiet(Path(sys.argv[1]), lambda: told.append(len(told))) as screen:
    screen.print("first")
    sys.stdin.readline()  # until whoever reads has gone
    for number in range(3):
        screen.print("nobody reads this")
    print("a library")
sys.stderr.write(repr(told))
"""


def test_a_pipe_that_was_closed_is_told_once_and_raises_nothing(tmp_path: Path) -> None:
    log = tmp_path / "driver.log"
    with subprocess.Popen(
        [sys.executable, "-c", _CLOSED, str(log)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "first\n"
        process.stdout.close()
        process.stdin.close()
        assert process.stderr.read() == "[0]"
        assert process.wait(60) == 0
    assert log.read_text() == "a library\n"

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

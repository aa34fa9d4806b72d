"""The watchdog ends a process that hangs, and no other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_BEFORE = """
import ctypes, sys, time
from pathlib import Path
from orchestrator.trial.watchdog import Watchdog

def spend(seconds, then=lambda: None):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        then()
        time.sleep(0.01)

with Watchdog(Path(sys.argv[1]), float(sys.argv[2])) as watchdog:
"""


def _run(body: str, account: Path, seconds: float = 1.0) -> int:
    command = [sys.executable, "-c", f"{_BEFORE}    {body}", str(account), str(seconds)]
    return subprocess.run(command, timeout=60, check=False).returncode


@pytest.mark.parametrize("hangs", ["spend(50)", "ctypes.PyDLL(None).pause()"])
def test_a_process_without_a_sign_of_life_ends_and_says_where_it_stood(
    hangs: str, tmp_path: Path
) -> None:
    account = tmp_path / "account"
    assert _run(hangs, account) != 0
    assert "most recent call first" in account.read_text()


@pytest.mark.parametrize(
    ("lives", "seconds"),
    [
        ("spend(6, watchdog.beat)", 5.0),  # on a busy machine there may be a second between two
        ("with watchdog.paused(): spend(3)", 1.0),
        ("pass\nspend(3)", 1.0),
    ],
)
def test_signs_of_life_a_pause_and_the_end_keep_it_alive(
    lives: str, seconds: float, tmp_path: Path
) -> None:
    account = tmp_path / "account"
    assert _run(lives, account, seconds) == 0
    assert not account.exists()


def test_it_watches_again_after_a_pause(tmp_path: Path) -> None:
    assert _run("with watchdog.paused(): pass\n    spend(50)", tmp_path / "account") != 0

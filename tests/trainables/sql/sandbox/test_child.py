"""Every child of the sandbox starts alike: alone, with nothing of its parent's."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from trainables.sql.sandbox.child import SandboxUnavailable, end_child, start_child
from trainables.sql.sandbox.database import Limits

CHILDREN = ["trainables.sql.sandbox.scoring_child", "trainables.sql.sandbox.query_child"]


@pytest.mark.parametrize("module", CHILDREN)
def test_a_child_has_a_session_and_nothing_else(module: str) -> None:
    process = start_child(module, Limits()._asdict())
    try:
        child = psutil.Process(process.pid)
        assert os.getsid(process.pid) == process.pid
        assert child.cwd() == "/"
        assert set(child.environ()) <= {"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LC_CTYPE"}
    finally:
        assert end_child(process) == -signal.SIGKILL
    assert not psutil.pid_exists(process.pid)


@pytest.mark.parametrize("module", CHILDREN)
def test_a_child_ends_with_its_input(module: str) -> None:
    process = start_child(module, Limits()._asdict())
    assert process.stdin is not None
    process.stdin.close()
    process.wait(timeout=60)
    assert end_child(process) == process.returncode


def test_a_python_that_does_not_start_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(SandboxUnavailable, match="cannot be started"):
        start_child(CHILDREN[0], Limits()._asdict())

"""One driver a sweep."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.state.lock import SweepHeldError, hold
from orchestrator.state.sweep_files import SweepFiles
from orchestrator.store import Store
from orchestrator.store.place import Root

_HOLDER = (
    "import sys; from pathlib import Path; from orchestrator.state.lock import hold\n"
    "from orchestrator.state.sweep_files import SweepFiles; from orchestrator.store import Store\n"
    "from orchestrator.store.roots import bucket_address\n"
    "root = bucket_address(sys.argv[1]) if '://' in sys.argv[1] else Path(sys.argv[1])\n"
    "with hold(SweepFiles(Store(root), 'toy-1')):\n"
    "    print('held', flush=True); sys.stdin.read()"
)


@pytest.mark.parametrize("place", ["folder", "bucket"])
def test_a_second_driver_is_refused_until_the_first_is_dead(
    request: pytest.FixtureRequest, tmp_path: Path, place: str
) -> None:
    root: Root = tmp_path if place == "folder" else request.getfixturevalue("line").address()
    toy = SweepFiles(Store(root), "toy-1")
    first = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert first.stdout is not None
    assert first.stdout.readline() == b"held\n"
    with pytest.raises(SweepHeldError, match=f"process {first.pid} on"), hold(toy):
        pass
    with hold(SweepFiles(toy.store, "toy-2")):
        pass
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    with hold(toy):
        pass

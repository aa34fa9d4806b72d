"""What is staged beside a target is gone in the end, also what a killed writer left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from trainables.runtime.staging import staged_beside

_WRITER = """
import os, signal, sys
from pathlib import Path
from trainables.runtime.staging import staged_beside
with staged_beside(Path(sys.argv[1]), folder=sys.argv[2] == "folder") as staged:
    (staged / "half" if staged.is_dir() else staged).write_text("half")
    print(staged.name, flush=True)
    signal.pause()
"""


def _writer(target: Path, kind: str) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(target), kind], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def _publish(target: Path, kind: str) -> None:
    with staged_beside(target, folder=kind == "folder") as staged:
        (staged / "whole" if kind == "folder" else staged).write_text("whole")
        staged.replace(target)


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_the_next_writer_removes_what_a_killed_one_left_and_no_living_ones(
    tmp_path: Path, kind: str
) -> None:
    target = tmp_path / "out"
    killed, left = _writer(target, kind)
    killed.kill()
    assert killed.wait() == -signal.SIGKILL
    living, held = _writer(target, kind)
    try:
        assert {path.name for path in tmp_path.iterdir()} == {held}
        assert left != held
        _publish(target, kind)
        assert {path.name for path in tmp_path.iterdir()} == {held, "out"}
    finally:
        living.kill()
        living.wait()


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_another_host_stages_is_removed_after_a_day(tmp_path: Path, kind: str) -> None:
    """Its lock may not be seen here: what it stages looks abandoned from the first moment on."""
    others = tmp_path / f".out-{'0' * 32}"
    others.mkdir() if kind == "folder" else others.touch()
    with staged_beside(tmp_path / "out", folder=kind == "folder"):
        assert others.exists()
    before = time.time() - 24 * 3600 - 60
    os.utime(others, (before, before))
    with staged_beside(tmp_path / "out", folder=kind == "folder"):
        assert not others.exists()


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_writer_that_fails_leaves_nothing(tmp_path: Path, kind: str) -> None:
    with pytest.raises(OSError, match="full"), staged_beside(tmp_path / "out", folder=kind != "f"):
        raise OSError("full")
    assert not list(tmp_path.iterdir())


def test_nothing_else_is_removed(tmp_path: Path) -> None:
    name = "0123456789abcdef" * 2
    (tmp_path / "mine").write_text("mine")
    others = {f".other-{name}", ".out-mine", f"out-{name}", f".out-{name}.bak", f".out-{name}0"}
    for other in others:
        (tmp_path / other).mkdir()
    (tmp_path / f".out-{name}").symlink_to(tmp_path / "mine")
    os.mkfifo(tmp_path / f".out-{name[::-1]}")  # opening one for reading would wait
    before = {path.name for path in tmp_path.iterdir()}
    _publish(tmp_path / "out", "folder")
    assert {path.name for path in tmp_path.iterdir()} == {*before, "out"}


def test_the_folder_of_the_process_itself_can_be_the_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    with staged_beside(Path(), folder=True) as staged:
        assert staged.parent == tmp_path
        assert staged.name.startswith(".out-")


@pytest.mark.parametrize("kind", ["file", "folder"])
@pytest.mark.parametrize("letter", ["a", "ü"])
def test_a_target_of_a_long_name_is_staged_too(tmp_path: Path, kind: str, letter: str) -> None:
    target = tmp_path / (letter * (250 // len(letter.encode())))
    _publish(target, kind)
    assert [path.name for path in tmp_path.iterdir()] == [target.name]


def test_a_place_that_another_writer_takes_for_abandoned_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = os.open
    taken: list[Path] = []

    def late(path: Path, *rest: int) -> int:
        if not taken and path.exists():  # pathlib makes it by the same call
            taken.append(path)
            path.unlink()
        return opened(path, *rest)

    monkeypatch.setattr(os, "open", late)
    with staged_beside(tmp_path / "out", folder=False) as staged:
        assert staged.exists()
        assert staged != taken[0]

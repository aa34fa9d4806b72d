"""What ends a tool's process is told in one line; a traceback is for faults of our own."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from orchestrator.errors import UserError
from orchestrator.results.track import Tool, ToolFailedError, track
from orchestrator.store.errors import DamagedError
from orchestrator.tracking.process import is_ours, show_thread_fault, words
from tests import small_disk
from tests.orchestrator.tracking import stores


def _no_folder(root: Path) -> None:
    (root / "tensorboard").write_text("mine")


def _no_parquet(root: Path) -> None:
    next((root / "trials").rglob("*.parquet")).write_bytes(b"")


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (_no_folder, "tensorboard is a file, where a folder of tensorboard's belongs; move it out"),
        (_no_parquet, "is not a Parquet file of the table 'trials'; move it out of the store"),
    ],
)
def test_a_store_that_is_damaged_is_named_without_a_traceback(
    harm: Callable[[Path], None], said: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    store = stores.sweep(tmp_path)
    stores.final(store, 0)
    harm(tmp_path)
    with pytest.raises(ToolFailedError, match=said):
        track(tmp_path, [stores.SWEEP], Tool.TENSORBOARD)
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("tool", [Tool.TENSORBOARD, Tool.WANDB])
@pytest.mark.slow
def test_a_full_disk_is_told_without_a_traceback(
    tool: Tool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip(tool, reason=f"{tool} is not installed")
    monkeypatch.setenv("WANDB_MODE", "offline")
    with small_disk.mounted(tmp_path / "disk") as disk:
        stores.sweep(disk)
        small_disk.fill(disk, 0)
        with pytest.raises(ToolFailedError, match="the disk is full; free some space"):
            track(disk, [stores.SWEEP], tool)
    assert "Traceback" not in capfd.readouterr().err


def _raises_no_space() -> None:
    raise OSError(errno.ENOSPC, "No space left on device", "/a/b")


def test_what_ends_a_library_s_thread_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(threading, "excepthook", partial(show_thread_fault, root="/a"))
    thread = threading.Thread(target=_raises_no_space)
    thread.start()
    thread.join()
    assert (
        capsys.readouterr().err
        == "/a/b: the disk is full; free some space and run the same command again\n"
    )


def test_a_process_that_nobody_hears_ends_in_silence(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    stores.sweep(tmp_path)
    unheard, mouth = os.pipe()
    os.close(unheard)
    module = ["-m", "orchestrator.tracking.process", str(tmp_path), stores.SWEEP, "tensorboard"]
    done = subprocess.run(
        [sys.executable, *module, "0"],
        stdin=subprocess.DEVNULL,
        stdout=mouth,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(mouth)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (UserError("Mend it.\nHere."), "Mend it.\\nHere"),
        (DamagedError("a.parquet is cut; move it out."), "a.parquet is cut; move it out"),
        (
            OSError(errno.EROFS, "Read-only", "/a/b"),
            "/a/b: the file system is read-only; name another place",
        ),
        (OSError(errno.ENOSPC, "No space"), "/root: the disk is full; free some space and run"),
        (OSError("of a library"), "OSError: of a library"),
        (ValueError(), "ValueError"),
        (
            RuntimeError("(sqlite3.OperationalError) disk is full\n[SQL: INSERT]\nmore"),
            "RuntimeError: (sqlite3.OperationalError) disk is full",
        ),
    ],
)
def test_what_is_said_of_an_error(error: Exception, said: str) -> None:
    assert words(error, "/root").startswith(said)


def _raised_in_a_library() -> None:
    json.loads("{")


def _raised_here() -> None:
    raise KeyError("ours")


def test_the_traceback_of_a_library_helps_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.tracking.process._PACKAGES", Path(__file__).parent)
    for act, ours in ((_raised_in_a_library, False), (_raised_here, True)):
        with pytest.raises((ValueError, KeyError)) as raised:
            act()
        assert is_ours(raised.value) is ours


def test_a_password_in_an_address_is_not_said() -> None:
    error = RuntimeError("API request to http://me:secret@host:5000/api failed: ask me@host")
    assert words(error, "/root") == (
        "RuntimeError: API request to http://host:5000/api failed: ask me@host"
    )

"""Checkpoints in a folder are whole or not there."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from orchestrator.state.checkpoints import TrialCheckpoints
from orchestrator.state.sweep_files import SweepFiles
from orchestrator.store import Store


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask


def test_checkpoints_are_readable_and_unreported_ones_are_not_trusted(tmp_path: Path) -> None:
    checkpoints = TrialCheckpoints(SweepFiles(Store(tmp_path), "toy-1"), "t-a")
    for rung in (90, 270, 810):
        checkpoints.publish(rung, lambda folder: (folder / "weights").touch(0o600))
    folder = checkpoints.folder(90)
    assert folder == tmp_path / checkpoints.key(90)
    assert (folder / "weights").stat().st_mode & 0o777 == 0o666 & ~_umask()
    checkpoints.drop_after(270)
    assert checkpoints.stored() == {90, 270}


def test_a_checkpoint_that_can_be_removed_in_part_only_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints = TrialCheckpoints(SweepFiles(Store(tmp_path), "toy-1"), "t-a")
    for rung in (90, 270, 810):
        checkpoints.publish(rung, lambda folder: (folder / "weights").touch())

    def refuse(path: Path, **_: object) -> None:
        (path / "weights").unlink()
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(shutil, "rmtree", refuse)
    checkpoints.drop_after(270)
    checkpoints.drop_before(270)
    assert checkpoints.stored() == {270}
    assert (tmp_path / checkpoints.key(270) / "weights").is_file()
    assert len(list((tmp_path / "staging").iterdir())) == 2


def test_a_checkpoint_that_cannot_be_renamed_stays_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints = TrialCheckpoints(SweepFiles(Store(tmp_path), "toy-1"), "t-a")
    for rung in (90, 270):
        checkpoints.publish(rung, lambda folder: (folder / "weights").touch())

    def refuse(path: Path, target: Path) -> Path:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "rename", refuse)
    checkpoints.drop_before(270)
    assert checkpoints.stored() == {90, 270}
    assert (tmp_path / checkpoints.key(90) / "weights").is_file()

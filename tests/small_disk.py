"""A disk of a few megabytes that can be filled, where mounting one is permitted."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_SIZE = "4m"


@contextmanager
def mounted(folder: Path, options: str = f"size={_SIZE}") -> Iterator[Path]:
    """Mounts a tmpfs; skips the test where that is not permitted."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no mount command here")
    if done.returncode:
        pytest.skip(f"mounting a tmpfs is not permitted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path, leave_bytes: int) -> Path:
    """Fills a disk but for so many bytes; returns the file to remove to make space."""
    filler = disk / "filler"
    status = os.statvfs(disk)
    filler.write_bytes(b"x" * (status.f_bavail * status.f_bsize - leave_bytes))
    return filler


def make_read_only(disk: Path) -> None:
    """Remounts a mounted disk so that nothing can be written to it."""
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)

"""Whose disk is full where a trial has no space left: its machine's own, or that of the root."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from orchestrator.store import StoreError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""What the system answers where there is no space left, or a quota is used up."""
_LEAST_BYTES = 16 << 20
"""A disk with less is taken for full."""


def full_disk(error: BaseException, root: Path | None) -> Path | None:
    """Returns the folder on this machine's own disk, not the root's, that has no space left.

    Args:
        error: Of a trial.
        root: Folder of the experiment store; None where it is none.

    Returns:
        None where the error is another one, or what could not be written belongs in the root.
    """
    if not _is_of_full_disk(error):
        return None
    try:
        of_root = None if root is None else root.stat().st_dev
        for folder in _own_folders():
            if folder.stat().st_dev != of_root and shutil.disk_usage(folder).free < _LEAST_BYTES:
                return folder
    except OSError:  # what cannot be asked is not blamed
        return None
    return None


def _is_of_full_disk(error: BaseException | None) -> bool:
    is_full = False
    while error is not None:
        if isinstance(error, StoreError):
            return False
        is_full = is_full or (isinstance(error, OSError) and error.errno in FULL)
        error = error.__cause__ or error.__context__
    return is_full


def _own_folders() -> Iterator[Path]:
    """Yields where a trial writes beside the root: models of the hub, temporary files, caches."""
    home = os.environ.get("HOME", "/")
    for given in (os.environ.get("HF_HOME", home), os.environ.get("TMPDIR", "/tmp"), home):
        folder = Path(given)
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        yield folder

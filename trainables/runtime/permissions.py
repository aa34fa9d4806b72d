"""The permissions of files that others are to read. Standard library only."""

from __future__ import annotations

import os
from pathlib import Path


def open_to_readers(folder: Path) -> None:
    """Gives the files in a folder the usual permissions.

    safetensors writes its own for the owner alone.
    """
    umask = os.umask(0)
    os.umask(umask)
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(0o666 & ~umask)

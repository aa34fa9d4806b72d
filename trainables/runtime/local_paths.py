"""Tells a path of this machine from an identifier of the Hugging Face hub."""

from __future__ import annotations

import os
import re
from pathlib import Path

_IDENTIFIER = re.compile(r"[\w.-]+(/[\w.-]+)?")
"""Of the hub: a repository, mostly behind its owner."""


def local_path(name: str) -> Path | None:
    """Returns the path that a model's or data set's name means; None for an identifier of the hub.

    What lies on this machine under the name goes before the hub. A name that no identifier can have
    (absolute, with a leading `~` or `.`, of more than two parts, with blanks or the like) is a path
    also where nothing lies.
    """
    path = Path(name)
    try:
        path = path.expanduser()
    except RuntimeError:  # there is no such user, and so no such path
        return path
    meant = path.is_absolute() or name.startswith(("~", ".")) or not _IDENTIFIER.fullmatch(name)
    return path if meant or os.path.lexists(path) else None


def is_folder(path: Path) -> bool:
    """Returns whether a folder lies there; not for a path that cannot be looked up at all."""
    try:
        return path.is_dir()
    except OSError:  # too long a name, or a folder above it that may not be searched
        return False


def is_file(path: Path) -> bool:
    """Returns whether a file lies there; not for a path that cannot be looked up at all."""
    try:
        return path.is_file()
    except OSError:
        return False

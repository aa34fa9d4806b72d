"""The files under a root, by its address."""

from __future__ import annotations

from pathlib import Path

from orchestrator.store.files import FileSystem, LocalFiles
from orchestrator.store.place import Root, StoreFiles


def open_root(root: Root, system: FileSystem | None = None) -> StoreFiles:
    """Returns the files under a root; nothing is made, and nobody is asked.

    Args:
        root: Its address.
        system: The operating system's calls, replaced in tests.
    """
    assert isinstance(root, Path)
    return LocalFiles(root, system)

"""A folder with all that is in it, held in memory, to be put back as it was at some moment."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

Tree = dict[str, bytes | None]
"""Contents by path; None for a folder. A folder comes before what is in it."""


_KNOWN: dict[bytes, bytes] = {}
"""Each content once: of one moment after another most is the same."""


def tree(folder: Path) -> Tree:
    """Returns what is in a folder; nothing where there is none."""
    found: Tree = {}
    for path, folders, files in os.walk(folder):
        below = path[len(str(folder)) + 1 :]
        at = f"{below}/" if below else ""
        found |= {f"{at}{name}": None for name in folders}
        for name in files:
            content = Path(path, name).read_bytes()
            found[f"{at}{name}"] = _KNOWN.setdefault(content, content)
    return found


def plant(found: Tree, folder: Path) -> None:
    """Makes a folder hold just that."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in found.items():
        if content is None:
            Path(folder, name).mkdir()
        else:
            Path(folder, name).write_bytes(content)

"""What lies under a root is the store's own: plain files and folders, and no way out of it.

This package never makes a link, a pipe or a device in a store. One that is there leads to what is
somebody else's: a file that would be written over, a folder whose contents would be removed, or
something that never ends when it is read.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator
from pathlib import Path

from orchestrator.store.errors import DamagedError

_KINDS = {
    stat.S_IFLNK: "a link",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
    stat.S_IFREG: "a file",
}


def check_way(root: Path, path: Path) -> Path:
    """Returns the path if nothing from the root down to it is a link, a pipe or a device.

    What is not there is not looked at. The root itself may be a link, or lie below one.

    Args:
        root: Folder of the store.
        path: Below it.

    Raises:
        DamagedError: Naming what is in the way, or a name that is not UTF-8.
    """
    way = root
    for part in path.relative_to(root).parts:
        way = way / part
        _check_name(part, way)
        try:
            kind = stat.S_IFMT(way.lstat().st_mode)
        except (FileNotFoundError, NotADirectoryError):
            break
        if kind not in (stat.S_IFREG, stat.S_IFDIR):
            raise _foreign(way, kind)
    return path


def check_entry(entry: os.DirEntry[str], *, file: bool = False) -> None:
    """Refuses an entry of a folder that is neither a file nor a folder, as `check_way` does.

    The disk is not asked again.

    Args:
        entry: As `os.scandir` gives it.
        file: Whether only a file belongs there.

    Raises:
        DamagedError: Naming it.
    """
    _check_name(entry.name, entry.path)
    if entry.is_file(follow_symlinks=False):
        return
    if file or not entry.is_dir(follow_symlinks=False):
        raise _foreign(Path(entry.path), stat.S_IFMT(entry.stat(follow_symlinks=False).st_mode))


def check_all(folder: Path, but: Collection[Path] = ()) -> None:
    """Refuses a folder in which something is neither a file nor a folder, at any depth.

    Args:
        folder: Below the root; it may be absent.
        but: Folders whose contents are not looked at.

    Raises:
        DamagedError: Naming what is in it.
    """
    if folder in but:
        return
    for entry in entries(folder):
        check_entry(entry)
        if entry.is_dir(follow_symlinks=False):
            check_all(Path(entry.path), but)


def entries(folder: Path | str) -> Iterator[os.DirEntry[str]]:
    """Gives what is in a folder; nothing where there is no folder.

    Unlike `Path.glob`, which passes over what this user may not read, it raises.

    Raises:
        PermissionError: The folder cannot be read.
    """
    try:
        with os.scandir(folder) as found:
            yield from found
    except (FileNotFoundError, NotADirectoryError):
        return


def _check_name(name: str, path: str | Path) -> None:
    """Refuses a name that Parquet's readers, which take UTF-8 alone, cannot open."""
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise DamagedError(
            f"{path} has a name that is not text in UTF-8; rename it, or move it out of the store."
        ) from error


def _foreign(path: Path, kind: int) -> DamagedError:
    is_link = kind == stat.S_IFLNK
    place = f", to {path.readlink()}" if is_link else ""
    belongs = "a file" if kind == stat.S_IFDIR else "a file or a folder"
    copy = ", or copy what it leads to into its place" if is_link else ""
    return DamagedError(
        f"{path} is {_KINDS.get(kind, 'something else')}{place}, where {belongs} of the store's own"
        f" belongs; move it out of the store{copy}."
    )

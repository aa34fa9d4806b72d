"""The folder of a tool that keeps its files in the experiment store."""

from __future__ import annotations

from pathlib import Path

from orchestrator.store.errors import DamagedError
from orchestrator.store.own_files import check_way


def own_folder(root: Path, *parts: str) -> Path:
    """Returns a folder below the store, made if it is not there.

    Args:
        root: Folder of the experiment store.
        parts: Its path from there.

    Raises:
        DamagedError: A link or a file stands in its place.
        OSError: It cannot be made.
    """
    place = check_way(root, root.joinpath(*parts))
    try:
        place.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        file = next(each for each in (*reversed(place.parents), place) if each.is_file())
        raise DamagedError(
            f"{file} is a file, where a folder of {parts[0]}'s belongs; move it out of the store."
        ) from error
    return place

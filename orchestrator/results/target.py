"""Where a copy of the store's contents may be written."""

from __future__ import annotations

from pathlib import Path

from orchestrator.results.errors import ResultsError


def check_target(target: Path, what: str, root: Path | None = None) -> None:
    """Checks the place of a file or folder that is to be written.

    The folder that it lies in must be there: a path whose beginning is mistyped is otherwise
    created, and the copy looked for in vain.

    Args:
        target: The file or folder.
        what: "file" or "folder".
        root: Folder of the store, which the target must not lie in.

    Raises:
        ResultsError: It cannot be written there; says what to do.
    """
    if root is not None and target.resolve().is_relative_to(root.resolve()):
        raise ResultsError(
            f"{target} lies in the store {root} itself, which holds what sweeps wrote and nothing"
            f" else; name a {what} outside it."
        )
    parent = target.absolute().parent
    if not parent.is_dir():
        remedy = f"name a {what} in a folder that is there"
        if not parent.exists():
            remedy = f"make it first (`mkdir -p`), or {remedy}"
        raise ResultsError(f"{target} cannot be written: there is no folder {parent}; {remedy}.")

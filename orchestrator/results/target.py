"""Checks where an answer may be written as a file or folder, and writes a file whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from orchestrator.errors import remedy
from orchestrator.results.errors import ResultsError
from orchestrator.store.place import Root
from trainables.runtime.staging import staged_beside


def check_target(target: Path, what: str, root: Root | None = None) -> None:
    """Checks the place of a file or folder that is to be written.

    The folder that it lies in must be there: a path whose beginning is mistyped is otherwise
    created, and the copy looked for in vain.

    Args:
        target: The file or folder.
        what: "file" or "folder".
        root: Of the store, which the target must not lie in.

    Raises:
        ResultsError: It cannot be written there; says what to do.
    """
    if isinstance(root, Path) and target.resolve().is_relative_to(root.resolve()):
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


def check_file(target: Path, root: Root | None, is_own: Callable[[Path], bool]) -> None:
    """Checks the place of a file that is to be written: another's is not replaced.

    Args:
        target: The file.
        root: Of the store, which it must not lie in; None where none is read.
        is_own: Whether a file that is there was written by the same command.

    Raises:
        ResultsError: As `check_target`, or something else is there.
    """
    check_target(target, "file", root)
    try:
        if target.is_dir():
            raise ResultsError(
                f"{target} is a folder, but a file is to be written; name one in it."
            )
        if target.exists() and not (target.is_file() and is_own(target)):
            raise ResultsError(
                f"{target} is there already and was not written by this command; name another file."
            )
    except OSError as error:
        raise ResultsError(f"{target} cannot be read: {error.strerror or error}.") from error


def publish(target: Path, write: Callable[[Path], object]) -> None:
    """Writes a file, which appears complete or not at all.

    Args:
        target: The file; one that is there is replaced.
        write: Writes it where it is told to.

    Raises:
        ResultsError: It cannot be written.
    """
    try:
        with staged_beside(target, folder=False) as staged:
            write(staged)
            staged.replace(target.absolute())
    except OSError as error:
        why = remedy(error, "name another file")
        raise ResultsError(f"{target} cannot be written: {why}.") from error

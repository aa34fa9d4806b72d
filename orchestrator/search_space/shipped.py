"""The search spaces that come with the package, which may be named without a path."""

from __future__ import annotations

from pathlib import Path

from orchestrator.errors import nearest
from orchestrator.search_space.problems import Problem, SpecError

FOLDER = Path(__file__).resolve().parents[2] / "search_spaces"
"""Beside the packages, in a checkout as where the package is installed."""

STANDARD_INPUT = Path("-")
"""Stands for the search space that is written to standard input."""

_SUFFIXES = (".yaml", ".yml")


def names() -> list[str]:
    """Returns the names of the search spaces that come with the package, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def locate(given: Path) -> Path:
    """Returns the file that a person means by a path or a name.

    A file of just that path is meant wherever there is one. A name without a suffix is otherwise
    that of a file beside, or of one that comes with the package; where both are there and differ
    nobody can know which, and taking the wrong one may cost hours.

    Args:
        given: A path, a name such as `rank`, or `-` for standard input.

    Raises:
        SpecError: There is none, or the name means two; says what would do.
    """
    if given == STANDARD_INPUT or (given.exists() and not given.is_dir()):
        return given
    is_name = len(given.parts) == 1 and given.suffix not in _SUFFIXES
    shipped = FOLDER / f"{given.name}.yaml" if is_name and given.name in names() else None
    beside = [path for s in _SUFFIXES if is_name and (path := Path(f"{given}{s}")).is_file()]
    if shipped is None:
        if beside:
            return beside[0]
        raise SpecError([Problem(str(given), None, _nothing(given))])
    if beside and beside[0].read_bytes() != shipped.read_bytes():
        message = (
            f"may be the file {beside[0]} or the search space that comes with the package; give"
            f" {beside[0]} for the file, {shipped} for the other"
        )
        raise SpecError([Problem(str(given), None, message)])
    return shipped


def _nothing(given: Path) -> str:
    if given.is_dir():
        return "is a folder; give the path of a search space file"
    known = names()
    reason = "cannot be read (No such file or directory); give the path of a search space file"
    if given.stem in known:
        return f"{reason}, or {given.stem} for the one that comes with the package"
    close = nearest(given.stem, known)
    hint = f'; did you mean "{close}"?' if close else ""
    return f"{reason}, or the name of one that comes with the package: {', '.join(known)}{hint}"

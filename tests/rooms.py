"""Finds what breaks a rule about the rooms of a package, by reading its source.

A room is the first folder below a package; `SUBROOMS` and the modules beside the folders are rooms
of their own. An import counts wherever it stands: at the top, in a function, under `TYPE_CHECKING`.
Each finding is a line "<file>:<line> ...".
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

SUBROOMS = ("sql/sandbox",)
PATHS_OF_STATE = ("state", "checkpoints", "staging")
_EVERYBODYS = {"root", "path"}
"""Names that say nothing of whose path it is; the store's root is joined everywhere."""
_JOINING = ("Path", "PurePath", "PurePosixPath", "join", "joinpath")


@dataclass(frozen=True)
class Import:
    """One imported name.

    Attributes:
        place: "<file>:<line>", the file relative to the folder of the packages.
        source: The importing module, dotted; a package stands for its `__init__`.
        target: The imported module, dotted, or the name in it where that is no module.
    """

    place: str
    source: str
    target: str


def imports(top: Path, files: Collection[Path]) -> Iterator[Import]:
    """Yields every import of some files.

    Args:
        top: The folder in which the packages lie.
        files: Python files below it.
    """
    for file in sorted(files):
        relative = file.relative_to(top)
        parts = list(relative.with_suffix("").parts)
        package = parts[:-1]
        source = ".".join(package if parts[-1] == "__init__" else parts)
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                targets = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                kept = package[: len(package) + 1 - node.level] if node.level else []
                base = ".".join([*kept, *([node.module] if node.module else [])])
                targets = [f"{base}.{alias.name}" for alias in node.names]
            else:
                continue
            for target in targets:
                yield Import(f"{relative.as_posix()}:{node.lineno}", source, target)


def room(module: str) -> str:
    """Returns the room of a dotted module below its package; "" for the package itself."""
    parts = module.split(".")[1:]
    for subroom in SUBROOMS:
        names = subroom.split("/")
        if parts[: len(names)] == names:
            return subroom
    return parts[0] if parts else ""


def arrows(top: Path, package: str) -> dict[tuple[str, str], list[str]]:
    """Returns where one room of a package imports another: (from, to) -> places."""
    found: dict[tuple[str, str], list[str]] = {}
    for one in imports(top, list((top / package).rglob("*.py"))):
        if one.target.split(".")[0] == package and room(one.source) != room(one.target):
            arrow = (room(one.source), room(one.target))
            found.setdefault(arrow, []).append(f"{one.place} imports {one.target}")
    return found


def circles(top: Path, package: str) -> dict[str, list[str]]:
    """Returns the rooms that import each other, directly or through others, each with the imports.

    Returns:
        "a <-> b" for two rooms, "a <-> b <-> c" for more, in alphabetical order -> the imports
        between them.
    """
    between = arrows(top, package)
    reached = {start: {start} for arrow in between for start in arrow}
    for _ in reached:  # paths of one arrow, of two, ...
        for start, end in between:
            reached[start] |= reached[end]
    found: dict[str, list[str]] = {}
    for (start, end), places in sorted(between.items()):
        if start in reached[end]:
            members = sorted(other for other in reached[start] if start in reached[other])
            found.setdefault(" <-> ".join(members), []).extend(places)
    return found


def foreign(top: Path, package: str, wanted: str) -> list[str]:
    """Returns the imports of a room that are neither the standard library's nor its own.

    The `__init__` of each package above the room is read too: importing the room runs it.
    """
    folder = top / package / wanted
    above = [parent / "__init__.py" for parent in folder.parents if top in parent.parents]
    files = [*folder.rglob("*.py"), *(file for file in above if file.exists())]
    return [
        f"{one.place} imports {one.target}"
        for one in imports(top, files)
        if one.target.split(".")[0] not in sys.stdlib_module_names
        and not (one.target.split(".")[0] == package and room(one.target) == wanted)
    ]


def importers(top: Path, package: str, library: str, home: str) -> list[str]:
    """Returns the imports of a library outside the room that is its home.

    Args:
        top: The folder in which the packages lie.
        package: The package.
        library: First part of the library's modules.
        home: The room that may import it.
    """
    return [
        f"{one.place} imports {one.target}"
        for one in imports(top, list((top / package).rglob("*.py")))
        if one.target.split(".")[0] == library and room(one.source) != home
    ]


def path_names(
    top: Path, package: str, home: str, exceptions: Mapping[str, Collection[str]]
) -> list[str]:
    """Returns where a path under one of `PATHS_OF_STATE` is named or joined outside its room.

    Named: a string that begins with `state/`, or `"state"` alone where it is a part of a path (an
    operand of `/`, an argument of `Path` or `join`, the value of a name). Joined: `/` or an
    f-string around what a function or property of the room with the result `Path` gave. Strings
    that are something else, such as the heading of a column, and docstrings are none of it.

    Args:
        top: The folder in which the packages lie.
        package: The package.
        home: The room.
        exceptions: File below the package -> the names that it may name.
    """
    given = set(_gives_paths(top / package / home)) - _EVERYBODYS
    found = []
    for file in sorted((top / package).rglob("*.py")):
        relative = file.relative_to(top / package).as_posix()
        module = f"{package}.{relative.removesuffix('.py').replace('/', '.')}"
        if room(module) == home:
            continue
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for line, what in (*_named(tree), *_joined(tree, given)):
            if what not in exceptions.get(relative, ()):
                found.append(f"{package}/{relative}:{line} {what}")
    return found


def _gives_paths(folder: Path) -> Iterator[str]:
    """Yields the names of the functions, methods and properties that return a path."""
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and _name(node.returns) == "Path":
                yield node.name


def _named(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yields line and name of each string that is a path of the room, or begins one."""
    for node in ast.walk(tree):
        parts = _operands(node)
        if isinstance(node, ast.Call) and _name(node.func) in _JOINING:
            parts = node.args
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            parts = [node.value]
        for part in parts:
            if isinstance(part, ast.Constant) and part.value in PATHS_OF_STATE:
                yield part.lineno, str(part.value)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            first, slash, rest = node.value.partition("/")
            if slash and first in PATHS_OF_STATE and not any(c.isspace() for c in rest):
                yield node.lineno, first


def _joined(tree: ast.AST, given: Collection[str]) -> Iterator[tuple[int, str]]:
    """Yields line and name of each path that the room gave where something is joined to it."""
    for node in ast.walk(tree):
        parts = _operands(node)
        if isinstance(node, ast.JoinedStr):
            parts = [
                value.value
                for value, after in pairwise(node.values)
                if isinstance(value, ast.FormattedValue)
                and isinstance(after, ast.Constant)
                and str(after.value).startswith("/")
            ]
        for part in parts:
            name = _name(part.func if isinstance(part, ast.Call) else part)
            if name in given and not isinstance(part, ast.Name):
                yield part.lineno, name


def _operands(node: ast.AST) -> list[ast.expr]:
    """Returns what stands on both sides of a `/`."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        return [node.left, node.right]
    return []


def _name(expression: ast.expr | None) -> str:
    """Returns the last part of a dotted name; "" for anything else."""
    if isinstance(expression, ast.Attribute):
        return expression.attr
    return expression.id if isinstance(expression, ast.Name) else ""

"""The licences of what this package depends on directly, from `pyproject.toml` and each package.

python -m tests.licences > docs/licences.md
"""

from __future__ import annotations

import importlib.metadata
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
TABLE = TOP / "docs" / "licences.md"

_HEAD = """\
# Licences

This package is under the MIT licence (`LICENSE`). Here is what it depends on directly, with the
licence that each package's own metadata names (an SPDX expression, the field `License`, or a
classifier), as installed when this was written. Each brings dependencies of its own, all of which
`constraints.txt` names. `python -m tests.licences > docs/licences.md` writes this file, and a test
fails when a direct dependency is missing here or is under another licence.
"""

# What some packages' metadata say, and what is meant by it: https://spdx.org/licenses/.
_SPELLED = {
    "Apache": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache 2.0 License": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
}


@dataclass(frozen=True)
class Dependency:
    """A direct dependency.

    Attributes:
        name: Of the package.
        versions: Which ones are taken.
        use: "running", "development" or which extra.
    """

    name: str
    versions: str
    use: str


def dependencies() -> Iterator[Dependency]:
    """Yields the direct dependencies, as `pyproject.toml` names them."""
    project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = [("running", project["dependencies"])]
    for extra, requirements in project["optional-dependencies"].items():
        groups.append(("development" if extra == "dev" else f"the extra `{extra}`", requirements))
    for use, requirements in groups:
        for requirement in requirements:
            found = re.fullmatch(r"([\w.-]+)(?:\[[\w,]+\])?(.*)", requirement)
            assert found is not None, requirement
            yield Dependency(found[1], found[2] or "any", use)


def licence(name: str) -> str | None:
    """Returns the licence that an installed package names; None if it is not installed.

    Raises:
        LookupError: It names none.
    """
    try:
        metadata = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return None
    if "License-Expression" in metadata:
        return str(metadata["License-Expression"])
    # Some have the whole text in the field.
    field = str(metadata["License"]) if "License" in metadata else ""
    if field and "\n" not in field and len(field) < 40:
        return _SPELLED.get(field, field)
    for classifier in metadata.get_all("Classifier") or []:
        if classifier.startswith("License :: OSI Approved :: "):
            named = str(classifier).rpartition(" :: ")[2]
            return _SPELLED.get(named, named)
    raise LookupError(f"{name} names no licence")


def table() -> str:
    """Returns what `docs/licences.md` is to hold, from the packages that are installed."""
    lines = [_HEAD, "| package | versions | licence | needed for |", "|---|---|---|---|"]
    lines += [
        f"| {each.name} | `{each.versions}` | {licence(each.name)} | {each.use} |"
        for each in dependencies()
    ]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.stdout.write(table())

"""The rules of the rooms, and that a broken one is found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.rooms import arrows, circles, foreign, importers, path_names

TOP = Path(__file__).resolve().parents[1]

STORE_PATHS = {
    "store/bucket.py": ("staging",),
    "store/files.py": ("staging",),
    "store/index.py": ("state",),
    "store/trusted_rows.py": ("checkpoints",),
}
"""`state` is built on `store`, which cannot ask it. What `store` publishes is written under
`staging/` first, and a bucket is tried there; its own cache of the tables, which no sweep owns,
lies in `state/index/`; and the form of the column `checkpoint` is checked where rows are read."""


def test_only_ray_tune_imports_ray() -> None:
    found = importers(TOP, "orchestrator", "ray", "ray_tune")
    assert not found, "\n".join(found)


@pytest.mark.parametrize("room", ["contract", "sql/sandbox"])
def test_what_crosses_the_wall_or_runs_in_the_child_is_standard_library(room: str) -> None:
    found = foreign(TOP, "trainables", room)
    assert not found, "\n".join(found)


def test_only_state_names_a_path_under_state_checkpoints_or_staging() -> None:
    found = path_names(TOP, "orchestrator", "state", STORE_PATHS)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("package", ["orchestrator", "trainables"])
def test_contributing_names_every_room(package: str) -> None:
    _, _, listed = (TOP / "CONTRIBUTING.md").read_text().partition(f"\n    {package}/\n")
    named = re.findall(r"^      (\w+) ", listed.partition("\n\n")[0], re.MULTILINE)
    rooms = {file.parent.name for file in (TOP / package).glob("*/__init__.py")}
    assert rooms == set(named)


@pytest.mark.parametrize("package", ["orchestrator", "trainables"])
def test_arrows_between_rooms_run_one_way(package: str) -> None:
    found = [f"{rooms}: {one}" for rooms, places in circles(TOP, package).items() for one in places]
    assert not found, "\n".join(found)


def write(top: Path, files: dict[str, str]) -> Path:
    """Writes modules of the package `house`, by their paths without suffix."""
    for name, text in files.items():
        path = top / "house" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return top


SECOND = "VALUE = 1\n"


@pytest.mark.parametrize(
    "back",
    [
        "from house.hall.door import VALUE",
        "from house.hall import door",
        "from house import hall",
        "import house.hall.door as door",
        "from ..hall.door import VALUE",
        "from .. import hall",
        "def later():\n    from house.hall.door import VALUE\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from house.hall import door\n",
    ],
)
def test_two_rooms_that_import_each_other_are_found(tmp_path: Path, back: str) -> None:
    top = write(tmp_path, {"hall/door": "from house.attic.box import VALUE\n", "attic/box": SECOND})
    assert circles(top, "house") == {}
    write(tmp_path, {"attic/box": SECOND + back})
    found = circles(top, "house")
    assert list(found) == ["attic <-> hall"]
    assert "house/hall/door.py:1 imports house.attic.box.VALUE" in found["attic <-> hall"]


def test_modules_beside_the_folders_and_subrooms_are_rooms(tmp_path: Path) -> None:
    top = write(
        tmp_path,
        {
            "run": "from house.sql.query import ask\n",
            "sql/query": "from house.sql.sandbox.child import VALUE\nimport house.sql.other\n",
            "sql/sandbox/child": SECOND,
        },
    )
    assert list(arrows(top, "house")) == [("run", "sql"), ("sql", "sql/sandbox")]
    write(tmp_path, {"sql/sandbox/child": "import house.run\n"})
    assert list(circles(top, "house")) == ["run <-> sql <-> sql/sandbox"]


@pytest.mark.parametrize(
    "line", ["import torch", "from house.hall import door", "from .. import x"]
)
def test_an_import_beyond_the_standard_library_is_found(tmp_path: Path, line: str) -> None:
    own = "from __future__ import annotations\nimport json\nfrom house.sql.sandbox import two\n"
    top = write(
        tmp_path, {"sql/sandbox/one": own + "from . import two\n", "sql/sandbox/two": SECOND}
    )
    assert foreign(top, "house", "sql/sandbox") == []
    write(tmp_path, {"sql/sandbox/two": f"def f():\n    {line}\n"})
    assert len(foreign(top, "house", "sql/sandbox")) == 1
    write(tmp_path, {"sql/sandbox/two": SECOND, "sql/__init__": "import torch\n"})
    assert foreign(top, "house", "sql/sandbox") == ["house/sql/__init__.py:1 imports torch"]


@pytest.mark.parametrize("line", ["import ray", "from ray import tune", "import ray.train as t"])
def test_an_import_of_ray_elsewhere_is_found(tmp_path: Path, line: str) -> None:
    top = write(tmp_path, {"ray_tune/tuner": line, "search/array": "import array"})
    assert importers(top, "house", "ray", "ray_tune") == []
    write(tmp_path, {"search/halving": line})
    assert len(importers(top, "house", "ray", "ray_tune")) == 1


@pytest.mark.parametrize(
    "line",
    [
        "path = root / 'checkpoints' / name",
        "path = root / f'state/sweep={name}'",
        "path = root.joinpath('staging', name)",
        "path = Path(root, 'state')",
        "key = f'checkpoints/{name}'",
        "key = 'state/index'",
        "FOLDER = 'staging'",
        "from house.state.lock import folder\npath = folder(root) / 'driver.lock'",
        "from house.state.lock import folder\nkey = f'{folder(root)}/driver.lock'",
        "path = sweep.files.log / 'driver.lock'",
    ],
)
def test_a_path_of_state_that_is_named_elsewhere_is_found(tmp_path: Path, line: str) -> None:
    innocent = (
        '"""Writes below `state/` by the hands of others."""\n'
        "from house.state.lock import folder\n"
        "path = folder(root)\n"
        "columns = ('trial', 'state', 'examples')\n"
        "text = 'checkpoints are kept', 'state / of the art', row['state']\n"
        "share = files.size / total\n"
        "text = f'{sweep.files.log} says more'\n"
    )
    gives = (
        "from pathlib import Path\n"
        "def folder(root) -> Path:\n    return root / 'state'\n"
        "class Files:\n    def log(self) -> Path: ...\n    def size(self) -> int: ...\n"
    )
    top = write(tmp_path, {"state/files": gives, "state/lock": line, "hall/door": innocent})
    assert path_names(top, "house", "state", {}) == []
    write(tmp_path, {"hall/door": innocent + line})
    assert len(path_names(top, "house", "state", {})) == 1
    names = ("state", "checkpoints", "staging", "folder", "log")
    assert path_names(top, "house", "state", {"hall/door.py": names}) == []

"""The wall between the two packages: what each may import."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[1]


def _imports(package: str) -> Iterator[tuple[Path, str]]:
    for path in (TOP / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from ((path, alias.name.split(".")[0]) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield path, node.module.split(".")[0]


@pytest.mark.parametrize(
    ("package", "forbidden"),
    [
        ("orchestrator", {"torch", "transformers", "peft", "bitsandbytes", "datasets"}),
        ("trainables", {"ray", "orchestrator"}),
    ],
)
def test_no_module_imports_across_the_wall(package: str, forbidden: set[str]) -> None:
    crossings = [(str(path), name) for path, name in _imports(package) if name in forbidden]
    assert not crossings


@pytest.mark.parametrize(
    "module", ["orchestrator.sweep.cli", "orchestrator.results", "orchestrator.predict.cli"]
)
def test_importing_the_commands_loads_no_learning_library(module: str) -> None:
    code = (
        f"import {module}, sys;"
        "print([m for m in ('torch', 'transformers', 'peft', 'datasets') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

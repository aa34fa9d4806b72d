"""The terminal serves every room, so it knows none of them."""

from __future__ import annotations

import ast
from pathlib import Path

from orchestrator import terminal

FOLDER = Path(terminal.__file__).parent


def test_the_terminal_knows_only_errors_and_the_contract() -> None:
    imported = {
        node.module
        for path in FOLDER.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module
    }
    own = {name for name in imported if name.split(".")[0] in ("orchestrator", "trainables")}
    others = ("orchestrator.terminal.", "trainables.contract.")
    assert {name for name in own if not name.startswith(others)} == {"orchestrator.errors"}

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.results.cli import main
from tests.orchestrator.results import synthetic

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one sweep; nothing may be written to it."""
    folder: Path = tmp_path_factory.mktemp("synthetic")
    synthetic.write_sweep(folder)
    return folder


@pytest.fixture
def run(root: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command line; gives exit code, standard output and standard error."""

    def call(*arguments: object, store: Path = root) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["--root", str(store), *map(str, arguments)])
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return call


@pytest.fixture
def ask(run: Run) -> Callable[..., Any]:
    """Runs a verb that must succeed and returns its JSON."""

    def call(*arguments: object, **options: Any) -> Any:
        code, out, err = run(*arguments, "--format", "json", **options)
        assert code == 0, err
        return json.loads(out)

    return call

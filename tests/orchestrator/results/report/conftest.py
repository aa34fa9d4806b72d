from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.state.stored_sweep import StoredSweep
from tests.orchestrator.confirmation.toy_sweep import asked_sweep, confirm, stored_in, tune
from tests.orchestrator.results.conftest import Run
from tests.orchestrator.results.report.pages import Page

Open = Callable[..., Page]


@pytest.fixture
def open_page(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Open:
    """Writes a store's report and reads it."""

    def call(store: Path, *words: str) -> Page:
        file = tmp_path_factory.mktemp("page") / "report.html"
        code, _, err = run("report", *words, "-o", file, store=store)
        assert (code, err) == (0, "")
        return Page(file.read_text(encoding="utf-8"))

    return call


@pytest.fixture(scope="module")
def confirmed(tmp_path_factory: pytest.TempPathFactory) -> StoredSweep:
    """A sweep of the toy that asks about rank and data size, tuned and confirmed."""
    folder: Path = tmp_path_factory.mktemp("confirmed")
    space = {
        "technique": {
            "lora": {"rank": {"choice": [4, 64]}, "learning_rate": {"uniform": [0.1, 0.9]}}
        },
        "data_size": {"choice": [100, 200]},
    }
    changes = {
        "ask": ["rank", "data_size"],
        "space": space,
        "trials": 8,
        "confirm": {"runs": 8, "seeds": 2},
    }
    with pytest.MonkeyPatch.context() as patch:
        stored = stored_in(asked_sweep(folder, **changes), folder, patch)
        tune(stored)
        confirm(stored)
    return stored

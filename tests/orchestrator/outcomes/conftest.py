"""Fixtures of sweeps that take runs over from each other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.orchestrator.outcomes.adopting import Started


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Started]:
    def begin(*ranks: int, folder: str = "", **changes: Any) -> Started:
        return Started(tmp_path / folder, monkeypatch, *ranks, **changes)

    (tmp_path / "elsewhere").mkdir()
    return begin

"""Fixtures of the files beside the tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.store.place import Root


@pytest.fixture(params=["folder", "bucket"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Root:
    """An empty root of each kind."""
    if request.param == "folder":
        return tmp_path / "store"
    address: Root = request.getfixturevalue("line").address()
    return address

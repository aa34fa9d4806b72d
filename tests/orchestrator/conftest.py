"""Fixtures of several rooms."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import bucket_server
from tests.bucket_server import Line


@pytest.fixture(scope="session")
def served() -> Iterator[Line]:
    with bucket_server.serving() as line:
        yield line


@pytest.fixture
def line(served: Line, monkeypatch: pytest.MonkeyPatch) -> Line:
    """The line to a server of buckets, on which all goes well at first."""
    bucket_server.use(served, monkeypatch)
    served.reset()
    return served

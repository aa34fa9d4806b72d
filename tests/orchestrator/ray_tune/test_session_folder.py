"""Where Ray keeps its sockets."""

from __future__ import annotations

import os

import pytest

from orchestrator.ray_tune import session_folder
from orchestrator.ray_tune.access import AccessError
from orchestrator.ray_tune.session_folder import keep_short

LONG = "/scratch/" + "job_folder_" * 9


@pytest.fixture(autouse=True)
def _on_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_folder, "_MOST_BYTES", 107)
    monkeypatch.setattr("sys.platform", "linux")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, None),
        ({"TMPDIR": "/var/tmp"}, None),
        ({"TMPDIR": "/" + "d" * 38}, None),  # 107 bytes with what Ray puts behind it
        ({"TMPDIR": "/" + "d" * 39}, "/tmp"),
        ({"TMPDIR": "/" + "ü" * 20}, "/tmp"),  # two bytes each
        ({"TMPDIR": LONG}, "/tmp"),
        ({"TMPDIR": LONG, "RAY_TMPDIR": "/r"}, "/r"),
    ],
)
def test_a_temporary_folder_that_is_too_long_is_not_used(
    given: dict[str, str], expected: str | None
) -> None:
    environment = dict(given)
    keep_short(environment)
    assert environment.get("RAY_TMPDIR") == expected


def test_one_that_was_asked_for_is_refused_with_the_remedy() -> None:
    with pytest.raises(AccessError, match=r"RAY_TMPDIR is .* bytes too long .* RAY_TMPDIR=/tmp"):
        keep_short({"RAY_TMPDIR": LONG})


def test_without_a_short_one_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(AccessError, match=r"TMPDIR is .* set RAY_TMPDIR to a folder of your own"):
        keep_short({"TMPDIR": LONG})

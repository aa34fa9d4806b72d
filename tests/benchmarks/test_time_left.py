"""How far off the time left was."""

from __future__ import annotations

import pytest

from benchmarks.time_left import error

SAID = [(10.0, None), (40.0, 70.0), (60.0, 30.0)]


def test_what_was_said_is_held_against_what_was_left() -> None:
    assert error(SAID, 100.0, 0.25) is None
    # At 50 s the last word was of 10 s before: 60 s left, and 50 were.
    assert error(SAID, 100.0, 0.5) == pytest.approx(0.2)
    assert error(SAID, 100.0, 0.75) == pytest.approx(-0.4)
    assert error([], 100.0, 0.5) is None

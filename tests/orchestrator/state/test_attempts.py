"""The attempts at a trial, and in how many requests they are put on record."""

from __future__ import annotations

from collections import Counter

import pytest

from orchestrator.state.attempts import AttemptLog
from orchestrator.state.sweep_files import SweepFiles
from orchestrator.store import Store
from tests.bucket_server import Line

NUMBER = 7


@pytest.fixture
def log(line: Line) -> AttemptLog:
    """Of a sweep in a bucket, where each request takes time and costs money."""
    log = AttemptLog(SweepFiles(Store(line.address()), "toy-0a1b2c3d"))
    line.requests.clear()
    return log


def _asked(line: Line) -> Counter[str]:
    """Returns the kinds of the requests since the last call."""
    found = Counter(
        "LIST" if "list-type" in request.path else request.method for request in line.requests
    )
    line.requests.clear()
    return found


def test_a_start_takes_as_many_requests_however_many_there_were(
    log: AttemptLog, line: Line
) -> None:
    assert log.start(NUMBER, "here") == 1
    assert _asked(line) == {"PUT": 1}
    assert log.start(NUMBER, "here") == 2
    second = _asked(line)
    for attempt in range(3, 20):
        assert log.start(NUMBER, "here") == attempt
        assert _asked(line) == second
    assert log.start(NUMBER + 1, "here") == 1


def test_a_pause_is_of_the_latest_attempt_and_reads_none(log: AttemptLog, line: Line) -> None:
    for attempt in range(1, 4):
        log.start(NUMBER, "here")
        _asked(line)
        assert log.pause(NUMBER) == attempt
        assert _asked(line) == {"LIST": 1, "PUT": 1}
    found = log.of(NUMBER)
    assert (found.count, found.resumed, found.counted) == (3, 2, 1)
    log.start(NUMBER, "here")
    assert (log.count(NUMBER), log.of(NUMBER).resumed) == (4, 3)

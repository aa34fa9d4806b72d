"""A sweep in a bucket to which requests go wrong comes to the same end, and does all of it once."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from orchestrator.errors import exit_code_of
from orchestrator.store.bucket import BucketFiles
from tests.bucket_server import (
    BUSY,
    BUSY_AFTERWARDS,
    CONFLICT,
    CUT,
    LATE,
    LOST,
    TAKEN,
    UNSENT,
    Fault,
    Line,
    Request,
)
from tests.orchestrator import sweeps
from tests.orchestrator.in_process import start, without_ray
from tests.orchestrator.sweep.small_sweep import SMALL
from tests.orchestrator.sweep.standings import blamed, check_consistent, ended

_SOON = 4.0
"""Seconds after which a request is given up."""
_FAULTS = 200
_MOST_LATE = 6
"""Each of these takes its whole time."""
_OF_ALL = [LOST, UNSENT, BUSY, BUSY_AFTERWARDS]
_OF_PUT = [*_OF_ALL, CONFLICT, TAKEN]
_OF_GET = [*_OF_ALL, CUT]


class Faults:
    """Has a share of the requests go wrong, in ways that are drawn."""

    def __init__(self, seed: int) -> None:
        """Begins with none."""
        self._chance = random.Random(seed)
        self._in_a_row: Counter[tuple[str, str]] = Counter()
        self.kinds: Counter[Fault] = Counter()

    def __call__(self, request: Request) -> Fault | None:
        """Returns what goes wrong with a request."""
        which = request.method, request.path
        # More in a row than are tried again end a sweep: that is another test's.
        if self._in_a_row[which] == 2 or self._chance.random() > 0.25:
            self._in_a_row[which] = 0
            return None
        self._in_a_row[which] += 1
        kinds = {"PUT": _OF_PUT, "GET": _OF_GET}.get(request.method, _OF_ALL)
        fault = self._chance.choice(kinds)
        if self.kinds[LATE] < _MOST_LATE and self._chance.random() < 0.1:
            fault = LATE
        self.kinds[fault] += 1
        return fault


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_under_two_hundred_faults_a_sweep_does_everything_once(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_ray(monkeypatch)
    monkeypatch.setattr(BucketFiles.__init__, "__defaults__", (_SOON,))
    sweep = sweeps.toy(tmp_path, **SMALL)
    address = line.address()
    start(sweep, address, with_result=False)
    undisturbed = ended(sweep, address)
    faults, runs, ends = Faults(0), 0, 0
    while line.faulted < _FAULTS:
        address = line.address()
        line.faults = faults
        for _ in range(10):  # what ends the sweep, the same command goes on from
            try:
                start(sweep, address, with_result=False)
                break
            except Exception as error:
                if exit_code_of(error) is None:
                    raise
                ends += 1
        line.faults = lambda request: None
        start(sweep, address, with_result=False)  # whatever the last one could not remove
        check_consistent(sweep, address)
        assert ended(sweep, address) == undisturbed
        assert not {*blamed(sweep, address)} - {"machine"}
        runs += 1
    assert faults.kinds.keys() == {LATE, *_OF_PUT, *_OF_GET}
    print(f"{line.faulted} faults in {runs} sweeps, {ends} starts ended early:", faults.kinds)

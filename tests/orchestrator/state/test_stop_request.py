"""How trials hear that they are to end, on their driver's machine and on others."""

from __future__ import annotations

import dataclasses
import os
import threading
from pathlib import Path

import pytest

from orchestrator.state.lock import hold
from orchestrator.state.stop_request import StopRequest
from orchestrator.state.sweep_files import SweepFiles
from orchestrator.store import Store
from tests.bucket_server import FORBIDDEN, Line


def test_in_a_folder_every_machine_sees_it(tmp_path: Path) -> None:
    files = SweepFiles(Store(tmp_path), "toy-1")
    with hold(files):
        driver, trial = StopRequest(files), StopRequest(files)
        assert not trial.made()
        driver.make()
        assert driver.made()
        assert StopRequest(files).made()
        driver.withdraw()
        assert not StopRequest(files).made()


def test_in_a_bucket_its_own_driver_is_heard_on_both_machines(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = line.address()
    with hold(SweepFiles(Store(address), "toy-1")) as held:
        own = SweepFiles(held.store, "toy-1", held.turn)
        driver = StopRequest(own)
        driver.tell_others()
        line.requests.clear()
        assert not StopRequest(own).made()
        assert line.requests == []  # on its machine a file says it
        driver.make()
        for thread in threading.enumerate():
            if thread is not threading.current_thread() and thread.name.endswith("(_tell)"):
                thread.join()
        line.requests.clear()
        assert StopRequest(own).made()
        assert line.requests == []
        here = os.environ["FINETUNE_SWEEP_CACHE"]
        monkeypatch.setenv("FINETUNE_SWEEP_CACHE", str(tmp_path / "another machine"))
        far = dataclasses.replace(own, store=Store(address, is_read=True))
        assert StopRequest(far).made()
        assert not StopRequest(dataclasses.replace(far, turn="0000000009")).made()
        monkeypatch.setenv("FINETUNE_SWEEP_CACHE", here)


def test_where_the_bucket_does_not_answer_a_trial_goes_on(line: Line) -> None:
    files = SweepFiles(Store(line.address()), "toy-1", "0000000001")
    line.requests.clear()
    line.faults = lambda request: FORBIDDEN
    trial = StopRequest(files)
    for _ in range(3):  # and asks no more often than it may
        assert not trial.made()
    assert len(line.requests) == 1

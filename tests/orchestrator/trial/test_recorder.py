"""What a trial leaves at its rungs, and where it goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.search.proposals import Proposal
from orchestrator.state.checkpoints import TrialCheckpoints
from orchestrator.state.stored_sweep import latest
from orchestrator.store import Store
from orchestrator.trial.recorder import TrialRecorder, resume_point
from tests.orchestrator import sweeps
from trainables.contract.reports import RungReport


@pytest.mark.parametrize(
    ("reported", "saved", "point"),
    [
        ((), {37}, 37),  # interrupted before its first rung
        ((), {90}, None),  # ended between the checkpoint and the report
        ((90,), {90}, 90),
        ((90,), {90, 113, 200}, 200),  # interrupted twice on the way to the second
        ((90, 270), {200, 270}, 270),
        ((90, 270), {270, 810}, 270),
        ((90, 270), {13}, 13),  # somebody took the later ones away
        ((90, 270), set(), None),
    ],
)
def test_a_trial_goes_on_from_where_it_was_last_known_to_be(
    tmp_path: Path, reported: tuple[int, ...], saved: set[int], point: int | None
) -> None:
    stored = latest(sweeps.toy(tmp_path), Store(tmp_path / "store"))
    proposal = Proposal(1, 0, 0, {"technique": "lora", "data_size": 100, "learning_rate": 0.5})
    checkpoints = TrialCheckpoints(stored.files, stored.trial_id(1))
    recorder = TrialRecorder(stored, proposal, 1, lambda row: None)
    for index, rung in enumerate(reported):
        recorder.rung(RungReport(index, rung, rung, {}, [], lambda folder: None))
    for examples in checkpoints.stored() - saved:
        (tmp_path / "store" / checkpoints.key(examples)).rmdir()
    for examples in saved:
        checkpoints.publish(examples, lambda folder: None)
    assert resume_point(stored, proposal) == point

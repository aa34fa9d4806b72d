"""What is promised of checkpoints, on a folder and in a bucket."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.state.checkpoints import TrialCheckpoints, checkpoint_folder, examples_of
from orchestrator.state.sweep_files import TRAINING_STATE, SweepFiles
from orchestrator.store import Store
from orchestrator.store.place import Root

SMALL, LARGE = b"a few words", bytes(range(256)) * 1200
"""A bucket has the first in the commit object, the second in an object of its own."""


def trial(root: Root, name: str = "t-a") -> TrialCheckpoints:
    """Returns a trial's checkpoints, as a process of its own would have them."""
    store = Store(root, is_read=not isinstance(root, Path))
    return TrialCheckpoints(SweepFiles(store, "toy-1"), name)


def saving(mark: bytes = b"") -> Callable[[Path], None]:
    """Returns what saves a checkpoint of small and of large files."""

    def save(folder: Path) -> None:
        (folder / "adapter").mkdir()
        (folder / "adapter" / "weights").write_bytes(LARGE + mark)
        (folder / "progress.json").write_bytes(SMALL + mark)
        (folder / TRAINING_STATE).write_bytes(LARGE * 2)

    return save


def read(folder: Path | None) -> dict[str, bytes]:
    """Returns the files of a folder, by name."""
    assert folder is not None
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


WHOLE = {"adapter/weights": LARGE, "progress.json": SMALL, TRAINING_STATE: LARGE * 2}


def test_what_is_saved_is_what_goes_on(root: Root) -> None:
    key = trial(root).publish(90, saving())
    assert key == "checkpoints/sweep=toy-1/t-a/0000000090"
    assert examples_of(key) == 90
    assert trial(root).stored() == {90}
    for _ in range(2):
        assert read(trial(root).folder(90)) == WHOLE
    assert read(checkpoint_folder(Store(root, is_read=True), key)) == WHOLE
    assert trial(root).folder(270) is None
    assert trial(root, "t-b").stored() == set()


def test_the_first_checkpoint_of_a_rung_stays(root: Root) -> None:
    trial(root).publish(90, saving())
    trial(root).publish(90, saving(b"late"))
    assert read(trial(root).folder(90)) == WHOLE


def test_two_attempts_may_come_to_a_rung_at_the_same_time(root: Root) -> None:
    def late(folder: Path) -> None:  # on a node that was given up
        saving(b"late")(folder)
        trial(root).publish(90, saving())

    assert trial(root).publish(90, late) == trial(root).key(90)
    assert read(trial(root).folder(90)) == WHOLE
    store = Store(root, is_read=True)
    assert not [*(store.local / "staging").iterdir()]
    names = {file.key.rpartition("/")[2] for file in store.place.files("checkpoints")}
    assert names >= {"weights", TRAINING_STATE}


def test_what_a_learner_cannot_save_is_no_checkpoint(root: Root) -> None:
    def fail(folder: Path) -> None:
        (folder / "weights").write_bytes(LARGE)
        raise ValueError("shared tensors")

    with pytest.raises(ValueError, match="shared tensors"):
        trial(root).publish(90, fail)
    store = Store(root, is_read=True)
    assert trial(root).stored() == set()
    assert store.place.files("checkpoints") == []
    assert not [*(store.local / "staging").iterdir()]


def test_those_of_other_rungs_are_dropped(root: Root) -> None:
    for rung in (90, 270, 810):
        trial(root).publish(rung, saving())
        trial(root, "t-b").publish(rung, saving())
    trial(root).drop_after(270)
    assert trial(root).stored() == {90, 270}
    trial(root).drop_before(270)
    assert trial(root).stored() == {270}
    assert read(trial(root).folder(270)) == WHOLE
    assert trial(root).folder(90) is None
    trial(root).discard()
    trial(root).discard()
    assert trial(root).stored() == set()
    assert trial(root).folder(270) is None
    assert trial(root, "t-b").stored() == {90, 270, 810}


def test_a_rung_may_be_saved_again_after_it_was_dropped(root: Root) -> None:
    trial(root).publish(90, saving(b"before"))
    assert trial(root).folder(90) is not None
    trial(root).drop_after(0)
    trial(root).publish(90, saving())
    assert read(trial(root).folder(90)) == WHOLE


def test_of_a_trial_that_has_ended_its_model_stays(root: Root) -> None:
    for rung in (90, 270):
        trial(root).publish(rung, saving())
    key = trial(root).key(270)
    size = trial(root).keep_only(key)
    model = {name: data for name, data in WHOLE.items() if name != TRAINING_STATE}
    assert size is not None
    assert len(LARGE) + len(SMALL) <= size < len(LARGE) * 2
    assert trial(root).keep_only(key) == size
    assert trial(root).stored() == {270}
    for _ in range(2):
        assert read(trial(root).folder(270)) == model
    trial(root).discard()
    assert trial(root).keep_only(key) is None


def test_another_trials_checkpoint_is_taken_over(root: Root) -> None:
    key = trial(root).publish(90, saving())
    trial(root).keep_only(key)
    kept = read(trial(root).folder(90))
    trial(root, "t-b").take_over(key)
    assert read(trial(root, "t-b").folder(90)) == kept
    trial(root).discard()
    assert read(trial(root, "t-b").folder(90)) == kept
    trial(root, "t-c").take_over(key)
    assert trial(root, "t-c").stored() == set()

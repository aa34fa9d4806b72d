"""What a trial finds out about the node that it has come to."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from orchestrator.ray_tune.fit_node import UnfitNodeError, on_fit_node, unfit_node
from orchestrator.state.node_marker import NodeMarker
from orchestrator.state.stored_sweep import latest
from orchestrator.store import NotPublishedError, Store
from tests import small_disk
from tests.orchestrator import sweeps
from trainables.data.errors import DatasetError

NODE = "ab12"


@pytest.fixture
def marker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NodeMarker:
    context = SimpleNamespace(get_node_id=lambda: NODE)
    monkeypatch.setattr("ray.get_runtime_context", lambda: context)
    return NodeMarker.place(latest(sweeps.toy(tmp_path), Store(tmp_path / "store")).files)


def _lose(marker: NodeMarker) -> None:
    (Path(marker.root) / marker.key).unlink()


def test_nothing_begins_where_the_root_is_another_folder(marker: NodeMarker) -> None:
    _lose(marker)
    with (
        pytest.raises(UnfitNodeError, match=f"node {NODE} has another folder"),
        on_fit_node(marker),
    ):
        raise AssertionError("it has begun")


def test_a_root_that_is_lost_meanwhile_is_why_a_trial_fails_or_seems_to_end(
    marker: NodeMarker,
) -> None:
    def write() -> None:
        _lose(marker)
        raise OSError("No such file or directory")

    with pytest.raises(UnfitNodeError, match="has another folder"), on_fit_node(marker):
        write()


def test_one_that_seems_to_have_ended_there_has_not(marker: NodeMarker) -> None:
    with pytest.raises(UnfitNodeError, match="has another folder"), on_fit_node(marker):
        _lose(marker)


def test_what_the_node_lacks_is_its_fault_and_what_the_trial_does_is_not(
    marker: NodeMarker,
) -> None:
    with pytest.raises(UnfitNodeError) as raised, on_fit_node(marker):
        raise DatasetError("rows.jsonl is\nnot there")
    account = f"Traceback:\n{type(raised.value).__name__}: {raised.value}\n"
    said = "fails a trial with DatasetError: rows.jsonl is not there"
    assert unfit_node(account) == (NODE, said)
    with pytest.raises(ValueError, match="its own"), on_fit_node(marker):
        raise ValueError("its own")
    assert unfit_node("ValueError: its own") is None


@pytest.mark.parametrize(
    "number",
    # The last three: a listing that is behind, too many open files, a network that is gone.
    [
        errno.EROFS,
        errno.ESTALE,
        errno.EIO,
        errno.EACCES,
        errno.ENOENT,
        errno.EMFILE,
        errno.ETIMEDOUT,
    ],
)
def test_a_share_that_one_machine_cannot_write_to_any_more_is_that_machines_fault(
    marker: NodeMarker, number: int
) -> None:
    def write() -> None:
        try:
            raise OSError(number, os.strerror(number))
        except OSError as error:
            raise NotPublishedError("reports/1.parquet was not stored") from error

    with pytest.raises(UnfitNodeError, match="NotPublishedError: reports/1"), on_fit_node(marker):
        write()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_share_is_full_for_all(marker: NodeMarker, number: int) -> None:
    with pytest.raises(OSError, match=os.strerror(number)), on_fit_node(marker):
        raise OSError(number, os.strerror(number))


def test_a_full_disk_of_the_nodes_own_is_its_fault(
    marker: NodeMarker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as that on which the base model is downloaded."""
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with small_disk.mounted(tmp_path / "disk", "size=24m") as disk:
        monkeypatch.setenv("HF_HOME", str(disk / "huggingface"))
        with pytest.raises(OSError, match="No space left"), on_fit_node(marker):
            raise full
        small_disk.fill(disk, 0)
        with (
            pytest.raises(UnfitNodeError, match=f"has no space left on its own disk at {disk}"),
            on_fit_node(marker),
        ):
            raise full
        # What could not be written lies in the root, which is another disk.
        with pytest.raises(NotPublishedError), on_fit_node(marker):
            raise NotPublishedError("reports/1.parquet was not stored") from full


def test_on_one_machine_errors_stay_what_they_are() -> None:
    with pytest.raises(DatasetError), on_fit_node(None):
        raise DatasetError("is not there")

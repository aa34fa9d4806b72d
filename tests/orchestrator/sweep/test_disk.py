"""What a sweep does on a disk that refuses it."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

import pytest
from rich.console import Console
from safetensors import SafetensorError

from orchestrator.errors import UserError
from orchestrator.state.checkpoints import TrialCheckpoints
from orchestrator.state.lock import hold
from orchestrator.state.sweep_files import SweepFiles
from orchestrator.store import NotPublishedError, Store, StoreUnusableError
from orchestrator.terminal.console import quiet
from tests import small_disk


def _files(root: Path) -> SweepFiles:
    return SweepFiles(Store(root), "toy-1")


@pytest.mark.parametrize(
    "refusal",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        SafetensorError("Error while serializing: I/O error: No space left (os error 28)"),
        Exception("No space left on device (os error 28)"),  # of tokenizers
    ],
)
def test_a_checkpoint_on_a_full_disk_names_folder_and_remedy(
    tmp_path: Path, refusal: Exception
) -> None:
    checkpoints = TrialCheckpoints(_files(tmp_path), "t-a")

    def save(folder: Path) -> None:
        (folder / "first").write_text("half of it")
        raise refusal

    with pytest.raises(NotPublishedError, match="the disk is full; free some space") as caught:
        checkpoints.publish(90, save)
    assert str(tmp_path / checkpoints.key(90)) in str(caught.value)
    assert not checkpoints.stored()
    assert not list((tmp_path / "staging").iterdir())


def test_an_error_of_the_learner_stays_its_own(tmp_path: Path) -> None:
    def save(folder: Path) -> None:
        raise ValueError("shared tensors")

    with pytest.raises(ValueError, match="shared tensors"):
        TrialCheckpoints(_files(tmp_path), "t-a").publish(90, save)


def test_safetensors_spells_the_refusal_out(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    def save(folder: Path) -> None:
        save_file({"weights": torch.zeros(2_000_000)}, folder / "weights.safetensors")

    with small_disk.mounted(tmp_path / "disk") as disk:
        checkpoints = TrialCheckpoints(_files(disk), "t-a")
        with pytest.raises(NotPublishedError, match="the disk is full; free some space"):
            checkpoints.publish(90, save)


def test_a_read_only_store_is_one_clear_message(tmp_path: Path) -> None:
    with small_disk.mounted(tmp_path / "disk") as disk:
        small_disk.make_read_only(disk)
        with (
            pytest.raises(StoreUnusableError, match=f"{disk} cannot .* read-only; .* --root"),
            hold(_files(disk)),
        ):
            pass
        with pytest.raises(UserError, match="read-only"), quiet(disk / "log"):
            pass


def test_a_full_disk_costs_the_holder_its_name_only(tmp_path: Path) -> None:
    with small_disk.mounted(tmp_path / "disk") as disk:
        (disk / "state" / "sweep=toy-1").mkdir(parents=True)
        (disk / "state" / "sweep=toy-1" / "driver.lock").touch()
        small_disk.fill(disk, 0)
        with hold(_files(disk)):
            pass


def test_a_full_log_ends_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with small_disk.mounted(tmp_path / "disk") as disk:
        (disk / "log").touch()
        small_disk.fill(disk, 0)
        with quiet(disk / "log") as screen, contextlib.suppress(OSError):
            assert isinstance(screen, Console)
            screen.print("seen")
            os.write(1, b"lost")
        print("after", flush=True)
    assert capfd.readouterr().out == "seen\nafter\n"

"""Checkpoints in a bucket: what is checked, and what a line that fails leaves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrator.state import checkpoint_objects
from orchestrator.state.checkpoints import remove_abandoned
from orchestrator.state.sweep_files import TRAINING_STATE, SweepFiles
from orchestrator.store import Store, StoreError, bucket
from orchestrator.store.bucket import BucketFiles
from orchestrator.store.errors import DamagedError
from orchestrator.store.place import BucketAddress
from tests.bucket_server import FORBIDDEN, LOST, UNSENT, Fault, Line, Request
from tests.orchestrator.state.test_checkpoint_places import LARGE, WHOLE, read, saving, trial


@pytest.fixture
def address(line: Line) -> BucketAddress:
    return line.address()


def commit_of(address: BucketAddress, rung: int = 90) -> str:
    """Returns the key of the commit object."""
    return f"{trial(address).key(rung)}/commit.json"


def test_a_checkpoint_without_its_commit_object_is_none(line: Line, address: BucketAddress) -> None:
    line.faults = lambda request: FORBIDDEN if "commit.json" in request.path else None
    with pytest.raises(StoreError, match="was not stored"):
        trial(address).publish(90, saving())
    line.reset()
    assert trial(address).stored() == set()
    assert trial(address).folder(90) is None
    trial(address).publish(90, saving())
    assert read(trial(address).folder(90)) == WHOLE


@pytest.mark.parametrize("fault", [LOST, UNSENT])
@pytest.mark.parametrize(
    ("method", "what"),
    [
        ("PUT", "commit.json"),
        ("PUT", "weights"),
        ("GET", "commit.json"),
        ("GET", "weights"),
        ("POST", "?delete"),
    ],
)
def test_a_request_that_goes_wrong_once_costs_nothing(
    line: Line, address: BucketAddress, fault: Fault, method: str, what: str
) -> None:
    left = [fault]

    def faults(request: Request) -> Fault | None:
        hit = request.method == method and what in request.path
        return left.pop() if hit and left else None

    line.faults = faults
    trial(address).publish(90, saving())
    assert read(trial(address).folder(90)) == WHOLE
    trial(address).discard()
    assert trial(address).stored() == set()
    assert not left


def test_each_file_is_checked_by_its_hash(address: BucketAddress) -> None:
    trial(address).publish(90, saving())
    place = Store(address, is_read=True).place
    (weights,) = place.files("checkpoints", "weights")
    content = place.get(weights.key) or b""
    place.replace(weights.key, content[:-1] + b"?")
    with pytest.raises(DamagedError, match="weights has another content"):
        trial(address).folder(90)
    place.replace(weights.key, content[:-1])
    with pytest.raises(DamagedError, match="weights has another content"):
        trial(address).folder(90)
    place.delete(weights.key)
    with pytest.raises(DamagedError, match="weights is gone"):
        trial(address).folder(90)
    place.replace(weights.key, content)
    assert read(trial(address).folder(90)) == WHOLE


@pytest.mark.parametrize(
    "files",
    [
        "cut",
        [{"name": "../outside", "size": 1, "sha256": "0", "content": "eA=="}],
        [{"name": "/etc/outside", "size": 1, "sha256": "0", "content": "eA=="}],
        [{"name": "a", "size": 1, "sha256": "0", "writer": "../../trials"}],
        [{"name": "a", "size": 1, "sha256": "0"}],
        [{"name": "a"}],
    ],
)
def test_a_commit_object_of_somebody_elses_is_refused(
    address: BucketAddress, files: object
) -> None:
    data = json.dumps({"files": files}).encode()
    Store(address).put_if_absent(commit_of(address), data[:5] if files == "cut" else data)
    with pytest.raises(DamagedError, match=r"its commit\.json is none"):
        trial(address).folder(90)


def test_a_copy_is_fetched_once_and_again_where_it_is_damaged(
    line: Line, address: BucketAddress
) -> None:
    trial(address).publish(90, saving())
    copy = trial(address).folder(90)
    assert copy is not None
    line.requests.clear()
    assert trial(address).folder(90) == copy
    assert [request.method for request in line.requests] == ["GET"]
    (copy / "adapter" / "weights").write_bytes(b"cut")
    assert read(trial(address).folder(90)) == WHOLE
    (copy / "progress.json").unlink()
    assert read(trial(address).folder(90)) == WHOLE


def test_a_large_file_goes_in_parts(
    line: Line, address: BucketAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = bytes(range(256)) * (20 << 12)  # 20 MiB
    monkeypatch.setattr(bucket, "_PART", 8 << 20)

    def save(folder: Path) -> None:
        (folder / "weights").write_bytes(content)

    trial(address).publish(90, save)
    assert sum("partNumber" in request.path for request in line.requests) == 3
    assert read(trial(address).folder(90)) == {"weights": content}


def test_what_a_killed_writer_left_is_removed_when_it_is_old(
    line: Line, address: BucketAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.faults = lambda request: FORBIDDEN if "commit.json" in request.path else None
    for name in ("t-a", "t-b"):
        with pytest.raises(StoreError):
            trial(address, name).publish(90, saving())
    line.reset()
    trial(address).publish(90, saving())
    files = SweepFiles(Store(address), "toy-1")
    before = len(files.place.files("checkpoints"))
    remove_abandoned(files)
    assert len(files.place.files("checkpoints")) == before
    monkeypatch.setattr(checkpoint_objects, "ABANDONED_SECONDS", 0.0)
    remove_abandoned(files)
    left = {file.key.rpartition("/")[2] for file in files.place.files("checkpoints")}
    assert left == {"commit.json", "weights", TRAINING_STATE}
    assert len(files.place.files("checkpoints")) == 3
    assert read(trial(address).folder(90)) == WHOLE


def test_a_writer_in_the_midst_of_it_loses_nothing_to_one_who_drops(
    address: BucketAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = BucketFiles.put_if_absent

    def dropping(files: BucketFiles, key: str, data: bytes) -> bool:
        trial(address).drop_after(0)
        return put(files, key, data)

    monkeypatch.setattr(BucketFiles, "put_if_absent", dropping)
    trial(address).publish(90, saving())
    assert read(trial(address).folder(90)) == WHOLE


def test_of_two_writers_files_those_of_the_checkpoint_are_dropped(
    line: Line, address: BucketAddress
) -> None:
    line.faults = lambda request: FORBIDDEN if "commit.json" in request.path else None
    with pytest.raises(StoreError):
        trial(address).publish(90, saving(b"in the midst of it"))
    line.reset()
    trial(address).publish(90, saving())
    trial(address).drop_after(0)
    place = Store(address, is_read=True).place
    left = [place.get(file.key) for file in place.files("checkpoints", "weights")]
    assert left == [LARGE + b"in the midst of it"]
    assert trial(address).stored() == set()


def test_a_machine_that_keeps_nothing_is_told_what_it_lacks(
    address: BucketAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINETUNE_SWEEP_CACHE", "")
    with pytest.raises(StoreError, match="FINETUNE_SWEEP_CACHE is empty"):
        trial(address)

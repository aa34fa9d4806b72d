"""Whether two machines see one root, in a folder and in a bucket."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from orchestrator.state.node_marker import NodeMarker
from orchestrator.state.sweep_files import SweepFiles
from orchestrator.store import Store
from orchestrator.store.place import Root
from tests.bucket_server import FORBIDDEN, Line


def test_what_one_machine_writes_the_other_reads(root: Root) -> None:
    files = SweepFiles(Store(root), "toy-1")
    earlier = NodeMarker.place(files)
    marker = NodeMarker.place(files)
    there = NodeMarker(marker.root, marker.key)  # as a node is told
    assert there.unseen() is None
    assert "is not there" in (earlier.unseen() or "")
    assert not marker.answered("ab12")
    assert there.answer("ab12") is None
    assert marker.answered("ab12")
    NodeMarker.remove(files)
    assert files.place.files(files.nodes_key) == []
    assert (marker.folder is None) is not isinstance(root, Path)


def test_another_bucket_of_that_name_is_told(line: Line) -> None:
    marker = NodeMarker.place(SweepFiles(Store(line.address()), "toy-1"))
    elsewhere = dataclasses.replace(marker, root=str(line.address()))
    assert "has another bucket s3://" in (elsewhere.unseen() or "")
    nowhere = dataclasses.replace(marker, root="s3://no-such-bucket/a")
    assert "does not exist (NoSuchBucket)" in (nowhere.unseen() or "")


def test_a_node_that_may_not_read_or_write_says_so(line: Line) -> None:
    marker = NodeMarker.place(SweepFiles(Store(line.address()), "toy-1"))
    line.faults = lambda request: FORBIDDEN if request.method == "GET" else None
    assert (marker.unseen() or "").startswith(f"cannot read {marker.root}: ")
    line.faults = lambda request: FORBIDDEN if request.method == "PUT" else None
    assert (marker.answer("ab12") or "").startswith(f"cannot write to {marker.root}: ")

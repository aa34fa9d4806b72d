"""What the experiment store costs: the leaderboard of a folder and of a bucket."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import counting_bucket
from benchmarks.store_cost import rank
from benchmarks.synthetic_store import build
from orchestrator.store.files import LocalFiles
from orchestrator.store.place import BucketAddress

bucket = pytest.importorskip("orchestrator.store.bucket")


def test_of_a_bucket_seconds_in_requests_are_some_of_all_and_of_a_folder_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "large"
    build(root, 4, 1)
    assert rank(root)["in_requests"] == 0
    with counting_bucket.serving(tmp_path) as port:
        for name, value in counting_bucket.environment(port).items():
            monkeypatch.setenv(name, value)
        address = BucketAddress("bucket", "a-store")
        place = bucket.BucketFiles(address)
        for file in LocalFiles(root).files("trials"):
            place.replace(file.key, (root / file.key).read_bytes())
        found = rank(address)
    assert 0 < found["in_requests"] <= found["seconds"]

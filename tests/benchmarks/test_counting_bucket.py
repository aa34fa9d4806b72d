"""The bucket that counts: what it answers is what moto's server answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import counting_bucket
from orchestrator.store.place import BucketAddress
from tests import bucket_server

bucket = pytest.importorskip("orchestrator.store.bucket")


@pytest.fixture
def port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    with counting_bucket.serving(tmp_path) as port:
        for name, value in counting_bucket.environment(port).items():
            monkeypatch.setenv(name, value)
        yield port


def _told(address: BucketAddress) -> list[object]:
    """Returns what a bucket answers to all that a simulated sweep asks of one, and to lists."""
    place = bucket.BucketFiles(address)
    place.prepare()
    names = [f"trials/sweep=a/t-{number:04d}.parquet" for number in range(12)]
    told: list[object] = [place.put_if_absent(name, name.encode()) for name in names[:3]]
    told.append(place.put_if_absent(names[0], b"late"))
    place.each(names, lambda name: place.replace(name, name.encode()))
    more = ("trials/sweep=a/b/1.json", "trials/sweep=ab/2.json", "trials/o & <o>.json")
    told += [place.put_if_absent(name, b"{}") for name in more]
    told += [place.get(names[7]), place.get("trials/none"), place.has(names[7]), place.has("no")]
    told.append(place.piece(names[7], 3, 9))
    for deep in (True, False):
        told.append([(file.key, file.stamp) for file in place.files("trials/sweep=a", deep=deep)])
    told += [place.folders("trials"), place.folders("trials", "sweep=ab"), place.files("none")]
    place.delete(*names[:11], "trials/o & <o>.json")
    told.append([file.key for file in place.files("trials")])
    return told


def test_it_answers_as_motos_server_does(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    found = _told(BucketAddress("bucket", "root"))
    with bucket_server.serving() as line:
        bucket_server.use(line, monkeypatch)
        assert _told(line.address()) == found


def test_a_list_of_more_than_a_page_is_whole(port: int) -> None:
    place = bucket.BucketFiles(BucketAddress("bucket", "root"))
    page = counting_bucket.PAGE
    keys = [f"state/{number:06d}/{name}.json" for number in range(page // 2 + 10) for name in "ab"]
    place.each(keys, lambda key: place.replace(key, b"{}"))
    before = counting_bucket.counted(port)["driver"]
    assert [file.key for file in place.files("state")] == keys
    assert counting_bucket.counted(port)["driver"]["LIST"] - before.get("LIST", 0) == 2
    assert place.folders("state") == sorted({key.split("/")[1] for key in keys})


def test_requests_are_counted_by_key_and_kind(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    first = bucket.BucketFiles(BucketAddress("bucket", "root"))
    assert first.put_if_absent("state/a.json", b"{}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "another")
    other = bucket.BucketFiles(BucketAddress("bucket", "root"))
    assert not other.put_if_absent("state/a.json", b"{}")
    assert len(other.files("state")) == 1
    assert first.get("state/a.json") == b"{}"
    first.delete("state/a.json")
    assert counting_bucket.counted(port) == {
        "driver": {"PUT": 1, "GET": 1, "DELETE": 1},
        "another": {"PUT": 1, "HEAD": 1, "LIST": 1},
    }

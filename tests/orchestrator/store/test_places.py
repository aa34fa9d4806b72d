"""What a place promises, on every place."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from orchestrator.store import (
    NotPublishedError,
    Store,
    StoreError,
    StoreUnusableError,
    index,
    reader,
)
from orchestrator.store.errors import NotAFileError
from orchestrator.store.files import LocalFiles
from orchestrator.store.place import Root, StoreFiles
from orchestrator.store.roots import bucket_address, open_root
from orchestrator.store.schema import PREDICTIONS
from tests.bucket_server import FULL, Line
from tests.orchestrator.store.samples import SWEEP, failing, prediction, report, trial

KEY = "trials/sweep=a/t-1.parquet"


@dataclass
class Kind:
    """A kind of place, with an empty root of it.

    Attributes:
        root: Its address.
        opened: Gives the files under it, as a process of its own would have them.
        full: Gives the same, with room for nothing more.
    """

    root: Root
    opened: Callable[[], StoreFiles]
    full: Callable[[], StoreFiles]


@pytest.fixture(params=["folder", "bucket"])
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> Kind:
    if request.param == "folder":
        root = tmp_path / "root"
        return Kind(root, lambda: LocalFiles(root), lambda: LocalFiles(root, failing("write", 1)))
    line: Line = request.getfixturevalue("line")  # skips where there is no server for it
    from orchestrator.store.bucket import BucketFiles

    address = line.address()

    def full() -> StoreFiles:
        line.faults = lambda request: FULL if request.method == "PUT" else None
        return BucketFiles(address)

    return Kind(address, lambda: BucketFiles(address), full)


def test_the_first_writer_of_a_key_stays_and_the_others_are_told(kind: Kind) -> None:
    one, other = kind.opened(), kind.opened()
    assert one.put_if_absent(KEY, b"first")
    assert not other.put_if_absent(KEY, b"second")
    assert not one.put_if_absent(KEY, b"first")
    assert one.get(KEY) == other.get(KEY) == b"first"


def test_of_writers_at_once_exactly_one_publishes(kind: Kind) -> None:
    kind.opened().prepare()
    keys = [f"state/sweep=a/proposals/{number:06d}.json" for number in range(5)]
    attempts = [(key, f"{key} by {name}".encode()) for key in keys for name in range(8)]
    with ThreadPoolExecutor(8) as threads:
        won = list(threads.map(lambda each: kind.opened().put_if_absent(*each), attempts))
    place = kind.opened()
    for key in keys:
        winners = [
            data for (own, data), first in zip(attempts, won, strict=True) if first and own == key
        ]
        assert winners == [place.get(key)]


def test_what_was_put_is_listed_at_once_and_in_order(kind: Kind) -> None:
    place = kind.opened()
    for name in ("b/2.parquet", "a/1.parquet", "a/sub/0.parquet", "a/9.json", "ab/3.parquet"):
        assert place.put_if_absent(f"trials/{name}", name.encode())
        assert kind.opened().has(f"trials/{name}")
    found = [file.key for file in kind.opened().files("trials", ".parquet")]
    assert found == [
        f"trials/{name}"
        for name in ("a/1.parquet", "a/sub/0.parquet", "ab/3.parquet", "b/2.parquet")
    ]
    flat = place.files("trials/a", deep=False)
    assert [file.key for file in flat] == ["trials/a/1.parquet", "trials/a/9.json"]
    assert place.folders("trials") == ["a", "ab", "b"]
    assert place.folders("trials", "a") == ["a", "ab"]
    assert place.files("reports") == []
    assert place.folders("reports") == []
    place.check_plain("trials")


def test_what_is_written_again_has_another_stamp(kind: Kind) -> None:
    place = kind.opened()
    place.put_if_absent(KEY, b"first")
    (before,) = place.files("trials")
    assert place.files("trials") == [before]
    place.delete(KEY)
    assert place.get(KEY) is None
    assert not place.has(KEY)
    assert place.files("trials") == []
    place.delete(KEY)
    place.put_if_absent(KEY, b"another")
    (after,) = place.files("trials")
    assert after.key == before.key
    assert after.stamp != before.stamp


def test_one_that_is_replaced_is_whole_and_the_rest_of_them_go_at_once(kind: Kind) -> None:
    place = kind.opened()
    keys = [f"state/{name}" for name in "abc"]
    for content in (b"1", b"another", b""):
        for key in keys:
            place.replace(key, content)
        assert [kind.opened().get(key) for key in keys] == [content] * 3
        assert [place.read(file) for file in place.files("state")] == [content] * 3
    assert not place.put_if_absent(keys[0], b"late")
    place.delete(*keys[:2])
    place.delete()
    assert [file.key for file in place.files("state")] == keys[2:]


def test_where_nothing_can_be_written_what_was_stays(kind: Kind) -> None:
    kind.opened().replace("state/a", b"before")
    if isinstance(kind.root, Path):
        (kind.root / "state" / "a.new").mkdir()  # as good as a disk that refuses
    with pytest.raises(StoreError):
        kind.full().replace("state/a", b"after")
    assert kind.opened().get("state/a") == b"before"


def test_when_something_was_last_written(kind: Kind) -> None:
    place = kind.opened()
    assert place.written_at("trials/sweep=a") is None
    place.put_if_absent(KEY, b"x")
    first = place.written_at("trials/sweep=a")
    assert first is not None
    place.put_if_absent("trials/sweep=a/t-2.parquet", b"x")
    assert (place.written_at("trials/sweep=a") or 0) >= first


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../outside", "a/../../outside"])
def test_a_key_stays_below_the_root(kind: Kind, key: str) -> None:
    for ask in (lambda: kind.opened().put_if_absent(key, b""), lambda: kind.opened().get(key)):
        with pytest.raises(ValueError, match="plain relative path"):
            ask()


def test_a_file_that_is_longer_than_it_may_be_is_not_read(kind: Kind) -> None:
    place = kind.opened()
    place.put_if_absent(KEY, b"x" * 100)
    assert place.get(KEY, 100) == b"x" * 100
    with pytest.raises(NotAFileError):
        place.get(KEY, 99)


def test_where_nothing_is_no_store_is(kind: Kind) -> None:
    with pytest.raises(StoreUnusableError, match="There is no experiment store at"):
        kind.opened().check_readable()
    place = kind.opened()
    place.put_if_absent(KEY, b"x")
    kind.opened().check_readable()


def test_preparing_leaves_nothing_to_be_read(kind: Kind) -> None:
    kind.opened().prepare()
    kind.opened().prepare()
    assert kind.opened().files("staging") == []


def test_on_a_full_place_nothing_becomes_visible_and_what_was_stays(kind: Kind) -> None:
    place = kind.opened()
    place.put_if_absent(KEY, b"before")
    with pytest.raises(NotPublishedError, match="was not stored"):
        kind.full().put_if_absent("trials/sweep=a/t-2.parquet", b"x")
    assert [file.key for file in place.files("trials")] == [KEY]
    assert place.get(KEY) == b"before"


def test_many_are_read_in_their_order(kind: Kind) -> None:
    place = kind.opened()
    keys = [f"state/{number}" for number in range(40)]
    for key in keys:
        place.put_if_absent(key, key.encode())
    assert place.each(keys, place.get) == [key.encode() for key in keys]
    assert place.each([], place.get) == []


def test_rows_are_published_once_and_each_caller_gets_what_is_stored(kind: Kind) -> None:
    store, zombie = Store(kind.root), Store(kind.root)
    first = store.publish_report(report(rouge_l=0.5))
    assert zombie.publish_report(report(rouge_l=0.75)) == first
    assert store.report(SWEEP, "t-aaaaaaaaaa", 100) == first
    store.publish_report(report(rung=1))
    assert [row["rung"] for row in zombie.reports(SWEEP, "t-aaaaaaaaaa")] == [0, 1]
    final = store.publish_trial(trial(objective=0.5))
    assert zombie.publish_trial(trial(objective=0.25, outcome="failed")) == final
    assert zombie.trial(SWEEP, "t-aaaaaaaaaa") == final
    assert zombie.trial(SWEEP, "t-bbbbbbbbbb") is None
    assert zombie.trials(SWEEP) == [final]


def test_the_tables_are_those_that_a_folder_would_have(
    kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roots: list[Root] = [kind.root, tmp_path / "beside"]
    for root in roots:
        _fill(Store(root))
    for ask in _QUESTIONS:
        here, beside = (ask(root) for root in roots)
        assert here.equals(beside)
        assert here.num_rows
    monkeypatch.setattr(index, "WORTHWHILE", 1)
    for ask in (index.trials, index.reports, index.trials):
        here, beside = (ask(root) for root in roots)
        assert here.equals(beside)
        assert here.num_rows
    assert reader.sweeps(kind.root) == reader.sweeps(tmp_path / "beside")


def test_an_index_is_used_and_kept_up_to_date(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    _fill(store := Store(kind.root))
    monkeypatch.setattr(index, "WORTHWHILE", 1)
    assert index.trials(kind.root).num_rows == 3
    store.publish_trial(trial("t-new", trial_number=9))
    opened: list[str] = []
    read = reader.read

    def watching(place: StoreFiles, table: Any, found: Any, **more: Any) -> Any:
        opened.extend(file.key for file in found)
        return read(place, table, found, **more)

    monkeypatch.setattr(reader, "read", watching)
    assert index.trials(kind.root).num_rows == 4
    assert opened == [f"trials/sweep={SWEEP}/t-new.parquet"]
    assert index.trials(kind.root).equals(reader.trials(kind.root))


def _fill(store: Store) -> None:
    for number in range(3):
        name = f"t-{number}x"
        for rung in range(2):
            store.publish_report(report(name, rung, trial_number=number))
        rows = [prediction(row) for row in range(5)]
        store.publish_predictions(SWEEP, name, number, "test", "standard", 10, 100, rows)
        store.publish_trial(trial(name, trial_number=number))


_QUESTIONS: list[Callable[[Root], Any]] = [
    reader.trials,
    reader.reports,
    reader.predictions,
    lambda root: reader.reports(root, SWEEP, trial_ids=["t-1x"]),
    lambda root: reader.predictions(root, SWEEP, trial_ids=["t-0x", "t-2x"]),
    lambda root: reader.read(
        open_root(root), PREDICTIONS, reader.files(root, PREDICTIONS, []), ["bleu"]
    ),
]


@pytest.mark.parametrize(
    ("text", "bucket", "prefix"),
    [
        ("s3://bucket", "bucket", ""),
        ("s3://bucket/", "bucket", ""),
        ("S3://my.bucket-1/a/sweep=b/", "my.bucket-1", "a/sweep=b"),
    ],
)
def test_an_address_names_bucket_and_prefix(text: str, bucket: str, prefix: str) -> None:
    address = bucket_address(text)
    assert (address.bucket, address.prefix) == (bucket, prefix)
    assert bucket_address(str(address)) == address


@pytest.mark.parametrize(
    "text",
    ["s3://", "s3:///a", "s3://a", "s3://bucket//a", "s3://bucket/a/../b", "s3://bucket/a?b", "x"],
)
def test_what_names_no_place_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"names no bucket|has a part"):
        bucket_address(text)


def test_names_are_those_of_files_and_folders(kind: Kind) -> None:
    place = kind.opened()
    for key in ("trials/sweep=a/t-1.parquet", "trials/old/deep/t-2.parquet", "trials/note.txt"):
        place.put_if_absent(key, b"x")
    assert place.names("trials") == ["note.txt", "old/", "sweep=a/"]
    assert place.names("nothing") == []

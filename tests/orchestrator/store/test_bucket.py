"""A bucket, and all that goes wrong on the way to it."""

from __future__ import annotations

import os
import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest

from orchestrator.store import NotPublishedError, PublicationUnknownError, StoreUnusableError, rows
from orchestrator.store.place import BucketAddress, StoreFiles
from orchestrator.store.recent import Recent
from orchestrator.store.schema import PREDICTIONS
from tests.bucket_server import (
    BUSY,
    BUSY_AFTERWARDS,
    CONFLICT,
    CUT,
    FORBIDDEN,
    FULL,
    LATE,
    LOST,
    TAKEN,
    UNHEARD_OF,
    UNSENT,
    Fault,
    Faults,
    Line,
    Request,
)
from tests.orchestrator.store.samples import SWEEP, prediction

bucket = pytest.importorskip("orchestrator.store.bucket")

KEY = "trials/sweep=a/t-1.parquet"
SOON = 2.0
"""Seconds after which a request is given up, where a test has one that is never answered."""


@pytest.fixture
def address(line: Line) -> BucketAddress:
    return line.address()


def once(fault: Fault, *methods: str) -> Faults:
    """Has the first request by one of the methods go wrong."""
    left = [fault]
    return lambda request: left.pop() if request.method in methods and left else None


def always(fault: Fault, *methods: str) -> Faults:
    return lambda request: fault if request.method in methods else None


@pytest.mark.parametrize("fault", [LOST, UNSENT, LATE, CUT, BUSY, BUSY_AFTERWARDS, CONFLICT, TAKEN])
def test_a_put_that_went_wrong_on_its_way_is_known_to_be_ones_own(
    line: Line, address: BucketAddress, fault: Fault
) -> None:
    place = bucket.BucketFiles(address, SOON)
    line.faults = once(fault, "PUT")
    assert place.put_if_absent(KEY, b"mine")
    assert line.faulted == 1
    assert place.get(KEY) == b"mine"
    line.faults = once(fault, "PUT")
    assert not place.put_if_absent(KEY, b"mine")
    assert place.get(KEY) == b"mine"


@pytest.mark.parametrize("fault", [LOST, UNSENT, LATE, CUT, BUSY])
@pytest.mark.parametrize(
    "ask",
    [
        lambda place: place.get(KEY) == b"content" * 1000,
        lambda place: place.source(place.files("trials")[0]).to_pybytes() == b"content" * 1000,
        lambda place: place.has(KEY),
        lambda place: [file.key for file in place.files("trials")] == [KEY],
        lambda place: place.folders("trials") == ["sweep=a"],
        lambda place: place.written_at("trials") is not None,
        lambda place: not place.put_if_absent(KEY, b"another"),
    ],
)
def test_a_question_that_went_wrong_on_its_way_is_asked_again(
    line: Line, address: BucketAddress, fault: Fault, ask: Callable[[StoreFiles], bool]
) -> None:
    place = bucket.BucketFiles(address, SOON)
    place.put_if_absent(KEY, b"content" * 1000)
    line.faults = once(fault, "GET", "HEAD")
    assert ask(place)
    assert line.faulted == 1


FAULTS = [LOST, LOST, UNSENT, BUSY, BUSY_AFTERWARDS, CONFLICT, TAKEN]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.long)])
def test_under_two_hundred_faults_every_key_is_published_exactly_once(
    line: Line, address: BucketAddress, seed: int
) -> None:
    """Six writers put each key, each with a content of its own; most requests go wrong once."""
    chance, guard = random.Random(seed), threading.Lock()
    seen: Counter[str] = Counter()
    kinds: Counter[Fault] = Counter()

    def faults(request: Request) -> Fault | None:
        with guard:
            seen[request.path] += 1
            # Three in a row may end a call, which then says that it does not know.
            if request.method != "PUT" or line.faulted >= 200 or seen[request.path] % 3 == 0:
                return None
            # Each of these takes its whole time.
            late = kinds[LATE] < 8 and chance.random() < 0.1
            fault = LATE if late else chance.choice(FAULTS)
            kinds[fault] += 1
            return fault

    line.faults = faults
    keys = [f"state/sweep=a/proposals/{number:06d}.json" for number in range(60)]
    attempts = [(key, f"{key} by {writer}".encode()) for key in keys for writer in range(6)]
    places = [bucket.BucketFiles(address, 4 * SOON) for _ in range(6)]

    def put(number: int) -> bool:
        return bool(places[number % 6].put_if_absent(*attempts[number]))

    with ThreadPoolExecutor(12) as threads:
        won = list(threads.map(put, range(len(attempts))))
    assert line.faulted == 200
    assert kinds.keys() == {LATE, *FAULTS}
    for key in keys:
        ended = zip(attempts, won, strict=True)
        winners = [data for (own, data), first in ended if own == key and first]
        assert winners == [places[0].get(key)]
    assert [file.key for file in places[0].files("state")] == keys


def test_a_put_that_is_never_answered_ends_and_says_that_it_does_not_know(
    line: Line, address: BucketAddress
) -> None:
    place = bucket.BucketFiles(address, SOON)
    line.faults = always(LATE, "PUT")
    with pytest.raises(PublicationUnknownError, match=r"It is unknown whether s3://.*run again"):
        place.put_if_absent(KEY, b"mine")
    line.reset()
    assert place.get(KEY) == b"mine"


@pytest.mark.parametrize(
    "ask",
    [lambda place: place.check_readable(), lambda place: place.get(KEY)],
    ids=["list", "get"],
)
def test_a_question_that_is_never_answered_ends(
    line: Line, address: BucketAddress, ask: Callable[[StoreFiles], object]
) -> None:
    line.faults = always(LATE, "GET", "HEAD")
    with pytest.raises(StoreUnusableError, match=r"cannot be read: .*; check the network"):
        ask(bucket.BucketFiles(address, SOON))


@pytest.mark.parametrize("fault", [FORBIDDEN, FULL])
def test_what_is_refused_is_not_asked_for_again(
    line: Line, address: BucketAddress, fault: Fault
) -> None:
    place = bucket.BucketFiles(address)
    line.reset()
    line.faults = always(fault, "PUT", "GET")
    with pytest.raises(NotPublishedError, match=f"was not stored: A fault \\({fault.code}\\)"):
        place.put_if_absent(KEY, b"mine")
    with pytest.raises(StoreUnusableError, match=r"cannot be read: .*check the credentials"):
        place.check_readable()
    with pytest.raises(StoreUnusableError, match=r"cannot be written to: .*check the credentials"):
        place.prepare()
    assert [request.method for request in line.requests] == ["PUT", "GET", "PUT"]


def test_a_bucket_without_conditional_writes_is_refused(line: Line, address: BucketAddress) -> None:
    line.without = ("if-none-match",)
    place = bucket.BucketFiles(address)
    with pytest.raises(StoreUnusableError, match=r"does not refuse to write.*If-None-Match"):
        place.prepare()
    assert place.files("staging") == []
    line.reset()
    line.faults = always(UNHEARD_OF, "PUT")
    with pytest.raises(StoreUnusableError, match=r"does not know conditional writes"):
        place.prepare()


def test_a_server_that_keeps_no_marks_is_refused(line: Line, address: BucketAddress) -> None:
    line.without = ("x-amz-meta-writer",)
    with pytest.raises(StoreUnusableError, match=r"does not keep .*x-amz-meta-writer"):
        bucket.BucketFiles(address).prepare()


@pytest.mark.parametrize("first", [LOST, LATE, BUSY_AFTERWARDS])
@pytest.mark.parametrize("method", ["PUT", "HEAD"])
def test_what_may_have_arrived_is_not_said_to_be_absent(
    line: Line, address: BucketAddress, first: Fault, method: str
) -> None:
    """The server forgets the rights of who asks between two requests."""
    arrived: list[Request] = []

    def faults(request: Request) -> Fault | None:
        if request.method == "PUT" and not arrived:
            arrived.append(request)
            return first
        return FORBIDDEN if request.method == method else None

    line.faults = faults
    place = bucket.BucketFiles(address, SOON)
    with pytest.raises(PublicationUnknownError):
        place.put_if_absent(KEY, b"mine")
    line.reset()
    assert place.get(KEY) == b"mine"


def test_a_bucket_that_is_not_there_is_named(line: Line) -> None:
    place = bucket.BucketFiles(BucketAddress("no-such-bucket", "a"))
    words = r"does not exist \(NoSuchBucket\)"
    for ask in (place.check_readable, place.prepare):
        with pytest.raises(StoreUnusableError, match=f"{words}; make the bucket"):
            ask()
    with pytest.raises(NotPublishedError, match=words):
        place.put_if_absent(KEY, b"")


def test_where_nobody_listens_the_address_is_told(
    line: Line, address: BucketAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(StoreUnusableError, match="AWS_ENDPOINT_URL"):
        bucket.BucketFiles(address, SOON).check_readable()


def test_of_a_large_file_only_the_asked_columns_are_fetched(
    line: Line, address: BucketAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket, "_PIECE", 100_000)
    chance = random.Random(0)
    content = rows.to_arrow(
        PREDICTIONS,
        (
            prediction(number, prediction=chance.randbytes(100).hex())
            | {"sweep_id": SWEEP, "trial_id": "t-1x", "trial_number": 1, "split": "test"}
            | {"protocol": "standard", "step": 10}
            for number in range(10_000)
        ),
    )
    data = rows.encode(PREDICTIONS, content)
    assert len(data) > 1_000_000
    place = bucket.BucketFiles(address)
    key = f"predictions/sweep={SWEEP}/predictions.parquet"
    place.put_if_absent(key, data)
    assert place.get(key) == data
    (file,) = place.files("predictions")
    line.reset()
    names = ["trial_id", "bleu", "schema_version"]
    found = rows.decode(PREDICTIONS, place.source(file), place.name(key), names)
    assert found.equals(content.select(names))
    assert line.bytes_sent < len(data) / 4
    line.reset()
    assert rows.decode(PREDICTIONS, place.source(file), place.name(key)).equals(content)
    assert len(line.requests) > len(data) // 100_000  # each of them within its time


def test_a_small_file_takes_one_request(
    line: Line, address: BucketAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = bucket.BucketFiles(address)
    place.put_if_absent(KEY, b"x" * 1000)
    monkeypatch.setattr(bucket, "_RECENT", Recent(1 << 20, 1 << 20))  # as another process has it
    line.requests.clear()
    (file,) = place.files("trials")
    assert isinstance(place.source(file), pa.Buffer)
    assert place.get(KEY) == b"x" * 1000
    assert place.put_if_absent("trials/sweep=a/t-2.parquet", b"")
    assert [request.method for request in line.requests] == ["GET", "GET", "GET", "PUT"]


def test_what_was_read_or_written_here_is_not_asked_for_again(
    line: Line, address: BucketAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = bucket.BucketFiles(address)
    place.put_if_absent(KEY, b"first")
    (file,) = place.files("trials")
    line.requests.clear()
    assert place.read(file) == b"first"
    assert line.requests == []
    monkeypatch.setattr(bucket, "_RECENT", Recent(1 << 20, 1 << 20))
    for _ in range(2):
        assert place.read(file) == b"first"
    assert len(line.requests) == 1
    place.delete(KEY)
    bucket.BucketFiles(address).put_if_absent(KEY, b"second")
    (file,) = place.files("trials")
    assert place.read(file) == b"second"


def test_reading_many_asks_for_several_at_once(line: Line, address: BucketAddress) -> None:
    """Each waits for the others: one after the other they would never come to an end."""
    together = threading.Barrier(8, timeout=60)

    def read(key: str) -> int:
        return together.wait() + len(key) * 0

    assert sorted(bucket.BucketFiles(address).each([str(n) for n in range(8)], read)) == [*range(8)]


def test_no_secret_stands_in_an_error(
    line: Line, address: BucketAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2hunter2")
    line.faults = always(FORBIDDEN, "PUT", "GET")
    place = bucket.BucketFiles(address)
    for ask in (place.check_readable, place.prepare, lambda: place.put_if_absent(KEY, b"")):
        with pytest.raises((StoreUnusableError, NotPublishedError)) as refused:
            ask()
        assert os.environ["AWS_SECRET_ACCESS_KEY"] not in str(refused.value)

"""The lease of a sweep in a bucket: one holder, whatever becomes of the others."""

from __future__ import annotations

import dataclasses
import json

import pytest

from orchestrator.state import lease
from orchestrator.state.lease import EXPIRY_SECONDS, Lease, LeasedFiles, LeaseLostError
from orchestrator.state.lock import SweepHeldError, hold, is_held
from orchestrator.state.sweep_files import SweepFiles
from orchestrator.store import Store, StoreError
from orchestrator.store.bucket import BucketFiles
from orchestrator.store.place import BucketAddress
from tests.bucket_server import BUSY_AFTERWARDS, FORBIDDEN, LATE, LOST, UNSENT, Fault, Line

FOLDER = "state/sweep=toy-1/lock"


@pytest.fixture
def address(line: Line) -> BucketAddress:
    return line.address()


@pytest.fixture(autouse=True)
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves it to a test when a lease is renewed."""
    monkeypatch.setattr(lease, "RENEW_SECONDS", 1e9)


@dataclasses.dataclass
class Time:
    """The clock of a holder, and of the store if it is to follow."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


def leased(address: BucketAddress, time: Time | None = None, **options: object) -> Lease:
    """Returns a lease of a process of its own; a request of it does not wait for long."""
    place = BucketFiles(address, timeout_seconds=0.5)
    found = Lease(place, FOLDER, "toy-1", time or Time())
    for name, value in options.items():
        setattr(found, name, value)
    return found


def silently(words: str) -> None:
    """Says nothing."""


def numbers(address: BucketAddress) -> list[int]:
    return [int(file.key[-10:]) for file in BucketFiles(address).files(FOLDER, deep=False)]


def elsewhere(address: BucketAddress, number: int, **changes: object) -> None:
    """Writes an object of the lock as a process of another machine does."""
    said = {"host": "far", "pid": 7, "machine": "another", "started": "1", "token": "x"} | changes
    files = BucketFiles(address)
    assert files.put_if_absent(f"{FOLDER}/{number:010d}", json.dumps(said).encode())


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Time:
    """How many seconds the store's clock is ahead of what it gave its objects.

    It stands still between two steps of these: how long a test takes is no matter.
    """
    ahead = Time(0.0)
    now, begun = BucketFiles.now, list[float]()

    def told(files: BucketFiles) -> float:
        begun.append(now(files))
        return begun[0] + ahead.now

    monkeypatch.setattr(BucketFiles, "now", told)
    return ahead


def test_whoever_is_first_holds_it(address: BucketAddress) -> None:
    first, second = leased(address), leased(address)
    assert first.take(silently) is None
    holder = second.take(silently)
    assert holder is not None
    assert f"process {holder.pid} on {holder.host}" == holder.describe()
    assert holder.is_alive_here()
    first.release()
    assert second.take(silently) is None
    assert second.number == 3
    second.release()


def test_a_holder_on_another_machine_that_renews_keeps_it(address: BucketAddress) -> None:
    elsewhere(address, 4)
    said: list[str] = []
    second = leased(address, _pause=lambda seconds: elsewhere(address, 5))
    holder = second.take(said.append)
    assert holder is not None
    assert (holder.number, holder.describe()) == (5, "process 7 on far")
    assert "Process 7 on far has run this sweep within the last minute" in said[0]
    assert numbers(address) == [4, 5]


def test_one_that_ends_in_the_meantime_leaves_it(address: BucketAddress) -> None:
    elsewhere(address, 4)
    second = leased(address, _pause=lambda seconds: elsewhere(address, 5, is_over=True))
    assert second.take(silently) is None
    assert second.number == 6
    second.release()


def test_one_that_is_not_heard_of_loses_it_by_the_stores_clock(
    address: BucketAddress, later: Time
) -> None:
    elsewhere(address, 4)
    waits: list[float] = []

    def pause(seconds: float) -> None:
        waits.append(seconds)
        later.pass_by(seconds)

    second = leased(address, _pause=pause)
    assert second.take(silently) is None
    assert EXPIRY_SECONDS <= sum(waits) <= EXPIRY_SECONDS + 10
    second.release()
    later.now = 0.0
    elsewhere(address, 9)
    later.pass_by(3600)
    third = leased(address)  # which would wait for real
    assert third.take(silently) is None
    third.release()


def test_of_two_that_would_take_it_one_does(address: BucketAddress, later: Time) -> None:
    elsewhere(address, 4)
    later.pass_by(3600)
    one, other = leased(address), leased(address)
    latest = one.latest

    def overtaken() -> object:
        found = latest()
        if found is not None and found.number == 4:
            assert other.take(silently) is None
        return found

    one.latest = overtaken  # type: ignore[method-assign,assignment]
    holder = one.take(silently)
    assert holder is not None
    assert holder.number == other.number == 5
    other.release()


def test_a_holder_that_was_overtaken_writes_nothing_more(
    address: BucketAddress, later: Time
) -> None:
    time, lost = Time(), []
    first = leased(address, time)
    first.on_lost = lambda: lost.append(True)
    assert first.take(silently) is None
    files = LeasedFiles(address, first)
    assert files.put_if_absent("state/a", b"while it is held")
    elsewhere(address, 2)
    time.pass_by(EXPIRY_SECONDS)
    for write in (
        lambda: files.put_if_absent("state/b", b"x"),
        lambda: files.replace("state/a", b"x"),
        lambda: files.delete("state/a"),
        lambda: files.copy("state/a", "state/b"),
        first.check,
        first.renew,
    ):
        with pytest.raises(LeaseLostError, match="is now run by process 7 on far"):
            write()
    assert lost == [True]
    assert first.is_lost
    place = BucketFiles(address)
    assert place.get("state/a") == b"while it is held"
    assert not place.has("state/b")
    first.release()
    assert numbers(address) == [1, 2]


def test_a_holder_asks_for_its_own_records_once(line: Line, address: BucketAddress) -> None:
    first = leased(address)
    assert first.take(silently) is None
    files = LeasedFiles(address, first)
    assert files.get("state/a") is None
    assert files.put_if_absent("state/a", b"one")
    line.requests.clear()
    for _ in range(3):
        assert files.get("state/a") == b"one"
    assert len(line.requests) == 1
    files.replace("state/a", b"two")
    assert files.get("state/a") == b"two"
    files.delete("state/a")
    assert files.get("state/a") is None
    assert files.put_if_absent("state/a", b"three")
    assert files.get("state/a") == b"three"
    first.release()


def test_a_holder_that_slept_and_was_missed_by_nobody_goes_on(address: BucketAddress) -> None:
    time = Time()
    first = leased(address, time)
    assert first.take(silently) is None
    time.pass_by(3600)
    assert LeasedFiles(address, first).put_if_absent("state/a", b"x")
    assert numbers(address) == [1, 2]
    first.release()


@pytest.mark.parametrize("fault", [LOST, UNSENT, LATE, BUSY_AFTERWARDS])
def test_a_renewal_whose_answer_is_lost_is_known_to_be_ones_own(
    line: Line, address: BucketAddress, fault: Fault
) -> None:
    time = Time()
    first = leased(address, time)
    assert first.take(silently) is None
    line.faults = lambda request: fault if request.method == "PUT" else None
    time.pass_by(50)
    with pytest.raises(StoreError) as caught:
        first.check()
    assert not isinstance(caught.value, LeaseLostError)
    line.reset()
    first.check()
    assert first.number == 2
    assert not first.is_lost
    # It counts from when it was first sent, not from when it was known.
    time.pass_by(45)
    first.check()
    assert first.number == 3
    first.release()


def test_one_that_could_not_say_its_end_stands_in_nobodys_way_here(
    line: Line, address: BucketAddress
) -> None:
    first = leased(address)
    assert first.take(silently) is None
    line.faults = lambda request: FORBIDDEN
    first.release()
    line.reset()
    second = leased(address)
    assert second.take(silently) is None
    assert second.number == 2
    second.release()


def test_its_objects_do_not_pile_up(address: BucketAddress) -> None:
    first = leased(address)
    assert first.take(silently) is None
    for _ in range(25):
        first.renew()
    assert len(numbers(address)) <= 11
    first.release()
    assert numbers(address) == [27]
    assert first.latest() is not None
    assert first.latest().is_over  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{", b'{"host": 3}', b'{"other": 1}', b'{"pid": "x"}']
)
def test_an_object_that_says_nothing_is_somebodys(
    address: BucketAddress, later: Time, data: bytes
) -> None:
    BucketFiles(address).put_if_absent(f"{FOLDER}/{3:010d}", data)
    second = leased(address, _pause=lambda seconds: later.pass_by(seconds))
    assert second.latest() == lease.Holder(3)
    assert second.take(silently) is None
    second.release()


def test_a_sweep_is_held_as_in_a_folder(address: BucketAddress, later: Time) -> None:
    files = SweepFiles(Store(address), "toy-1")
    assert not is_held(files)
    with hold(files) as held:
        assert is_held(files)
        assert held.turn == f"{1:010d}"
        assert held.store.put_if_absent("state/sweep=toy-1/a", b"x")
        own = dataclasses.replace(files, turn=held.turn)
        assert own.driver_sign.exists()
        with pytest.raises(SweepHeldError, match="is being run by process"), hold(files):
            pass
        with hold(SweepFiles(files.store, "toy-2")):
            pass
        held.check()
        assert not held.is_lost
    assert not own.driver_sign.exists()
    assert not is_held(files)
    with hold(files) as held:
        assert held.turn == f"{3:010d}"

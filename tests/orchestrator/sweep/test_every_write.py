"""A sweep that is disturbed at any of its writes ends as if nothing had happened.

A small one is run whole in this process, with a stand-in for Ray. Before each call that changes its
store the store is looked at: what is there then is what a kill at that moment leaves, and what a
reader sees.
"""

from __future__ import annotations

import math
import os
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import exit_code_of, told
from orchestrator.search_space import Sweep
from orchestrator.state import lease
from orchestrator.state.attempts import MACHINE
from orchestrator.store.place import Root
from orchestrator.sweep import spending
from tests.orchestrator import sweeps, toy
from tests.orchestrator.clock import DAY, Clock
from tests.orchestrator.file_calls import Call
from tests.orchestrator.in_process import decode_once, start, without_ray
from tests.orchestrator.sweep.small_sweep import SMALL
from tests.orchestrator.sweep.standings import (
    blamed,
    check_consistent,
    check_other_readers,
    ended,
    grows,
)
from tests.orchestrator.sweep.watched_places import (
    WatchedBucket,
    WatchedFolder,
    WatchedPlace,
    is_here,
    staged,
)
from tests.orchestrator.trees import Tree

pytestmark = pytest.mark.timeout(900)

AGAIN = "run the same command again"


@dataclass(frozen=True)
class Moment:
    """The store before a call.

    Attributes:
        number: Of the call, from 0.
        call: The call; None for the end.
        left: All that is there.
    """

    number: int
    call: Call | None
    left: Tree


@dataclass(frozen=True)
class Undisturbed:
    """A sweep to whose end nothing happened.

    Attributes:
        sweep: The sweep.
        place: Where its store is; a disturbed one is run there, too.
        moments: Before each call, and at the end.
        ended: What it came to.
        printed: Its result.
    """

    sweep: Sweep
    place: WatchedPlace
    moments: list[Moment]
    ended: dict[str, Any]
    printed: str

    @property
    def to_be_told_apart(self) -> list[Moment]:
        """Those at which the store is not as it was before, but for what lies under `staging/`.

        Of moments that are alike there the last one is taken: what is staged is then whole.
        """
        moments = [a for a, b in pairwise(self.moments) if _told(a.left) != _told(b.left)]
        return [*moments, self.moments[-1]]

    def go_on(self, moment: Moment, printed: bool) -> None:
        """Starts the sweep again, and checks that it comes to the same end.

        Args:
            moment: Tells what happened before, where it does not.
            printed: Whether its result is compared, too, which is made of what is stored.
        """
        said = start(self.sweep, self.place.root, with_result=printed)
        assert ended(self.sweep, self.place.root) == self.ended, moment.call
        if printed:
            assert _placeless(said, self.place.root) == self.printed, moment.call


def _save(passed: int, folder: Path) -> None:
    (folder / "examples").write_text(str(passed))
    (folder / "training_state.safetensors").write_text("of the optimiser")


@pytest.fixture(scope="module")
def patched() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as context:
        without_ray(context)
        decode_once(context)
        context.setattr(toy, "save", _save)
        context.setattr(os, "fsync", lambda descriptor: None)
        # What is written every so many seconds would be one more call where the machine is slow.
        context.setattr(spending, "SECONDS_BETWEEN_RECORDS", math.inf)
        context.setattr(lease, "RENEW_SECONDS", threading.TIMEOUT_MAX)
        yield context


@pytest.fixture(scope="module")
def clock(patched: pytest.MonkeyPatch) -> Clock:
    return Clock(patched)


@pytest.fixture(scope="module", params=["folder", "bucket"])
def undisturbed(
    patched: pytest.MonkeyPatch,
    clock: Clock,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Undisturbed]:
    folder = tmp_path_factory.mktemp("sweep")
    with pytest.MonkeyPatch.context() as of_place:
        place: WatchedPlace = WatchedBucket(of_place)
        if request.param == "folder":
            place = WatchedFolder(folder / "store", of_place)
        sweep, moments = sweeps.toy(folder, **SMALL), list[Moment]()
        with place.watched(lambda call: moments.append(Moment(len(moments), call, place.left()))):
            printed = start(sweep, place.root)
        moments.append(Moment(len(moments), None, place.left()))
        end = ended(sweep, place.root)
        yield Undisturbed(sweep, place, moments, end, _placeless(printed, place.root))


@pytest.fixture(params=[3, pytest.param(1, marks=pytest.mark.long)], ids=["third", "all"])
def step(request: pytest.FixtureRequest) -> int:
    """Which moments are tried, each one or each third one: all of them take minutes."""
    found: int = request.param
    return found


def test_every_write_is_of_a_known_kind(undisturbed: Undisturbed) -> None:
    patterns = undisturbed.place.kinds
    calls = [f"{m.call.name} {m.call.key}" for m in undisturbed.moments if m.call is not None]
    kinds = [
        next((kind for kind, words in patterns.items() if re.fullmatch(words, call)), call)
        for call in calls
    ]
    assert {*kinds} == {*patterns}
    print(f"{len(kinds)} calls:", Counter(kinds))


@pytest.mark.slow
def test_a_reader_sees_a_consistent_store_before_every_write(undisturbed: Undisturbed) -> None:
    seen: list[dict[str, list[dict[str, Any]]]] = []
    for moment in undisturbed.to_be_told_apart:
        if all(map(is_here, moment.left)):  # an empty bucket is no store
            continue
        undisturbed.place.plant(moment.left)
        found = check_consistent(undisturbed.sweep, undisturbed.place.root)
        if not seen or found != seen[-1]:
            if isinstance(undisturbed.place.root, Path):
                check_other_readers(undisturbed.place.root, found)
            seen.append(found)
    for before, after in pairwise(seen):
        for table in before:
            assert grows(before[table], after[table])
    # Each report, evaluation and final row is one more.
    assert len(seen) >= sum(len({row["trial_id"] for row in rows}) for rows in seen[-1].values())


@pytest.mark.slow
def test_a_sweep_that_is_killed_before_any_write_goes_on_as_if_it_had_not_been(
    undisturbed: Undisturbed,
) -> None:
    for index, moment in enumerate(undisturbed.to_be_told_apart):
        undisturbed.place.plant(moment.left)
        undisturbed.go_on(moment, printed=index % 10 == 0)
        assert not blamed(undisturbed.sweep, undisturbed.place.root)
    print(f"{index + 1} kills")


@pytest.mark.slow
def test_one_that_is_killed_goes_on_by_a_clock_that_is_a_day_off(
    undisturbed: Undisturbed, clock: Clock, step: int
) -> None:
    moments = undisturbed.to_be_told_apart[::step]
    for index, moment in enumerate(moments):
        undisturbed.place.plant(moment.left)
        clock.jump((DAY, -DAY)[index % 2], undisturbed.place.local)
        undisturbed.go_on(moment, printed=index % 10 == 0)
        clock.reset()
        assert not blamed(undisturbed.sweep, undisturbed.place.root)
    print(f"{len(moments)} kills")


@pytest.mark.slow
@pytest.mark.parametrize("undisturbed", ["bucket"], indirect=True)  # a folder has a lock
def test_another_machine_goes_on_once_the_killed_ones_lease_has_run_out(
    undisturbed: Undisturbed, step: int
) -> None:
    place = undisturbed.place
    assert isinstance(place, WatchedBucket)
    moments = undisturbed.to_be_told_apart[1::step]
    for index, moment in enumerate(moments):
        place.plant({name: moment.left[name] for name in moment.left if not is_here(name)})
        with place.elsewhere():
            undisturbed.go_on(moment, printed=index % 10 == 0)
        assert not blamed(undisturbed.sweep, place.root)
    print(f"{len(moments)} kills")


def _disturb(undisturbed: Undisturbed, moment: Moment, act: Callable[[], None]) -> Exception | None:
    """Runs the sweep from its beginning with something done before one of its calls.

    Returns:
        What the command ends with, in a message, if it does not come to its end.
    """
    calls: list[Call] = []

    def before(call: Call) -> None:
        calls.append(call)
        if len(calls) == moment.number + 1:
            assert call == moment.call
            act()

    undisturbed.place.plant({})
    with undisturbed.place.watched(before):
        try:
            start(undisturbed.sweep, undisturbed.place.root, with_result=False)
        except Exception as error:
            if exit_code_of(error) is None:  # a fault of the program
                raise
            return error
    assert len(calls) > moment.number
    return None


@pytest.mark.slow
def test_a_place_that_is_full_at_any_call_costs_no_trial_anything(
    undisturbed: Undisturbed, step: int
) -> None:
    ends: Counter[str] = Counter()
    moments = _that_take_space(undisturbed.moments)[::step]
    for moment in moments:
        error = _disturb(undisturbed, moment, partial(undisturbed.place.refuse, moment.call))
        ends[type(error).__name__] += 1
        if error is not None:
            said = told(error)
            assert re.search(f"free some space and {AGAIN}|QuotaExceeded", said), moment.call
        assert not {*blamed(undisturbed.sweep, undisturbed.place.root)} - {MACHINE}, moment.call
        undisturbed.go_on(moment, printed=False)
    print(f"{len(moments)} refusals:", ends)


@pytest.mark.slow
def test_a_clock_that_jumps_at_any_write_changes_nothing(
    undisturbed: Undisturbed, clock: Clock, step: int
) -> None:
    place, moments = undisturbed.place, undisturbed.to_be_told_apart[:-1][2::step]
    for index, moment in enumerate(moments):
        jump = partial(clock.jump, (DAY, -DAY)[index % 2], place.local)
        assert _disturb(undisturbed, moment, jump) is None
        assert ended(undisturbed.sweep, place.root) == undisturbed.ended, moment.call
        clock.reset()
    print(f"{len(moments)} jumps")


def _that_take_space(moments: Sequence[Moment]) -> list[Moment]:
    """Returns the calls that a full disk may refuse; of those that stage a file one in turn."""
    found, turn = [], 0
    for moment in moments:
        call = moment.call
        if (
            call is None
            or not call.takes_space
            or (call.name == "mkdir" and call.key in moment.left)
        ):
            continue
        if call.key.startswith("staging/") or call.name == "fsync":
            turn += 1
            if turn % 4:
                continue
        found.append(moment)
    return found


def _told(left: Tree) -> Tree:
    return {name: content for name, content in left.items() if not staged(name)}


def _placeless(printed: str, root: Root) -> str:
    """Leaves out where a store is, which in a bucket is another place each time."""
    return re.sub(rf"{re.escape(str(root))}\S*", "", printed)
